// SPDX-License-Identifier: GPL-2.0
/*
 * Handles: fork, exec, SCM_RIGHTS, other users; the queue is there as long as
 * anyone can reach it.
 */
#include "mpmc_test.h"

#define EXEC_ARG "--use-fd"

/* The memory of one and the same queue, whoever looks at it. */
static void child_exchange(void *arg)
{
	int *queue = arg;
	__u64 item;

	must(deq(*queue, &item) == 1);
	must(item == 1);
	must(enq(*queue, 2) == 0);
}

TEST(fork_shares_the_queue)
{
	int queue = queue_create(10, 1);
	__u64 item;

	ASSERT_LE(0, queue);
	ASSERT_EQ(0, enq(queue, 1));
	EXPECT_EQ(0, reap(spawn(child_exchange, &queue)));
	/* The child's exit closed its fd, not the queue. */
	EXPECT_EQ(1, deq(queue, &item));
	EXPECT_EQ(2, item);
	EXPECT_EQ(0, enq(queue, 3));
	close(queue);
}

struct family {
	int queue;
	int gate[2];	/* a pipe: the child goes on when it is closed */
};

static void child_outlives(void *arg)
{
	struct family *family = arg;
	char byte;

	close(family->gate[1]);
	must(read(family->gate[0], &byte, 1) == 0);
	must(take_range(family->queue, 1, 5));
	must(enq(family->queue, 6) == 0);
}

/* The creator's fd may go first. */
TEST(fork_keeps_the_queue)
{
	struct family family;
	pid_t pid;

	ASSERT_EQ(0, pipe(family.gate));
	family.queue = queue_create(10, 1);
	ASSERT_LE(0, family.queue);
	put_range(family.queue, 1, 5);
	pid = spawn(child_outlives, &family);
	close(family.queue);
	close(family.gate[1]);
	EXPECT_EQ(0, reap(pid));
}

static int exec_with_fd(int fd)
{
	char text[16];
	pid_t pid;
	int status;

	snprintf(text, sizeof(text), "%d", fd);
	pid = fork();
	if (!pid) {
		execl("/proc/self/exe", "mpmc_lifetime", EXEC_ARG, text, NULL);
		_exit(125);
	}
	status = reap(pid);
	must(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* What the new program finds: an errno, 0 for a queue that works. */
static int exec_main(const char *arg)
{
	int ret, fd = atoi(arg);
	__u64 item = 0;

	ret = deq(fd, &item);
	if (ret < 0)
		return -ret;
	return item == 5 && !enq(fd, 6) ? 0 : 124;
}

TEST(exec)
{
	int fds[3], i;
	__u64 item = 0;

	fds[0] = queue_create(10, 0);
	ASSERT_LE(0, fds[0]);
	fds[1] = producer_create(fds[0], 0);
	fds[2] = consumer_create(fds[0], 0);
	ASSERT_LE(0, fds[1]);
	ASSERT_LE(0, fds[2]);
	ASSERT_EQ(0, enq(fds[0], 5));
	for (i = 0; i < 3; i++)
		EXPECT_EQ(EBADF, exec_with_fd(fds[i]));
	ASSERT_EQ(0, fcntl(fds[0], F_SETFD, 0));
	EXPECT_EQ(0, exec_with_fd(fds[0]));
	EXPECT_EQ(1, deq(fds[0], &item));
	EXPECT_EQ(6, item);
}

static void child_receive(void *arg)
{
	int *socks = arg, fd;

	close(socks[0]);
	fd = recv_fd(socks[1]);
	must(fcntl(fd, F_GETFL) >= 0);
	must(take_range(fd, 1, 3));
	must(enq(fd, 4) == 0);
	close(fd);
	must(write(socks[1], "", 1) == 1);
	/* And a token, all that is left of another queue. */
	fd = recv_fd(socks[1]);
	must(take_range(fd, 10, 3));
}

/* To a process that was there before the queue, and so cannot have it. */
TEST(scm_rights)
{
	int queue, token, socks[2];
	pid_t pid;
	char byte;

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, socks));
	pid = spawn(child_receive, socks);
	close(socks[1]);
	queue = queue_create(10, 1);
	ASSERT_LE(0, queue);
	put_range(queue, 1, 3);
	send_fd(socks[0], queue);
	ASSERT_EQ(1, read(socks[0], &byte, 1));
	EXPECT_TRUE(take_range(queue, 4, 1));
	close(queue);
	queue = queue_create(10, 1);
	ASSERT_LE(0, queue);
	put_range(queue, 10, 3);
	token = consumer_create(queue, 0);
	ASSERT_LE(0, token);
	close(queue);
	send_fd(socks[0], token);
	close(token);
	EXPECT_EQ(0, reap(pid));
}

/* On its way from one process to the other it is nowhere else. */
TEST(scm_rights_in_flight)
{
	int queue = queue_create(10, 1), socks[2];

	ASSERT_LE(0, queue);
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, socks));
	put_range(queue, 1, 5);
	send_fd(socks[0], queue);
	close(queue);
	queue = recv_fd(socks[1]);
	EXPECT_TRUE(take_range(queue, 1, 5));
	EXPECT_EQ(10, fill(queue, 1));
	send_fd(socks[0], queue);
	close(queue);
	close(socks[0]);
	close(socks[1]);	/* with it in flight */
}

static void *sleeper_run(void *arg)
{
	__u64 item = 0;

	must(deq_until(*(int *)arg, &item, in_ms(20000)) == 1);
	must(item == 5);
	return NULL;
}

/* The call holds what it works on, also if the fd it came by is closed. */
TEST(close_during_a_wait)
{
	int queue = queue_create(10, 0), other, used;
	pthread_t thread;

	ASSERT_LE(0, queue);
	used = queue;
	other = dup(queue);
	thread = thread_start(sleeper_run, &used);
	ASSERT_TRUE(wait_for_dequeuers(other, 1));
	close(used);
	ASSERT_EQ(0, enq(other, 5));
	thread_join(thread);
	close(other);
}

struct user {
	uid_t uid;
	atomic_int reached;	/* its limit */
	atomic_int go;
	__u32 limit;
};

static void user_become(uid_t uid)
{
	allow_fds(200000);
	must(setresgid(uid, uid, uid) == 0);
	must(setresuid(uid, uid, uid) == 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);	/* forgotten by setresuid() */
}

static void user_exhaust(void *arg)
{
	struct user *user = arg;
	int *queues = calloc(user->limit + 1, sizeof(int));
	__u32 i;

	user_become(user->uid);
	for (i = 0; i < user->limit; i++) {
		queues[i] = queue_create(1, 1);
		must(queues[i] >= 0);
	}
	must(queue_create(1, 1) == -ENOSPC);
	/* It is queues that count, not fds. */
	must(dup(queues[0]) >= 0);
	must(queue_create(1, 1) == -ENOSPC);
	must(close(queues[1]) == 0);
	must(eventually((queues[1] = queue_create(1, 1)) >= 0));
	must(queue_create(1, 1) == -ENOSPC);
	gate_open(&user->reached, 1);
	gate_wait(&user->go, 1);
}

static void user_create_one(void *arg)
{
	struct user *user = arg;

	user_become(user->uid);
	must(queue_create(1, 1) >= 0);
}

/* G11: one user at the limit is no one else's problem, and gets over it. */
TEST(queues_of_one_user)
{
	struct user *user = shared_alloc(sizeof(*user));
	struct user neighbour = { .uid = 65533 }, same = { .uid = 65534 };
	struct mpmc_device_info info;
	pid_t pid;
	int queue;

	ASSERT_EQ(0, device_info(&info));
	user->limit = info.max_queues;
	user->uid = 65534;
	pid = spawn(user_exhaust, user);
	while (!eventually(atomic_load(&user->reached)))
		ASSERT_EQ(0, waitpid(pid, NULL, WNOHANG));
	queue = queue_create(1, 1);
	EXPECT_LE(0, queue);
	close(queue);
	EXPECT_EQ(0, reap(spawn(user_create_one, &neighbour)));
	gate_open(&user->go, 1);
	EXPECT_EQ(0, reap(pid));
	EXPECT_EQ(0, reap(spawn(user_create_one, &same)));
}

static void user_handed(void *arg)
{
	int *queue = arg, token;

	user_become(65534);
	token = producer_create(*queue, 0);
	must(token >= 0);
	must(enq(token, 1) == 0);
	must(take_range(*queue, 1, 1));
}

/* Who has the fd may use it, whoever made it. */
TEST(handed_to_another_user)
{
	int queue = queue_create(10, 0);

	ASSERT_LE(0, queue);
	EXPECT_EQ(0, reap(spawn(user_handed, &queue)));
	close(queue);
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], EXEC_ARG))
		return exec_main(argv[2]);
	return test_harness_run(argc, argv);
}
