// SPDX-License-Identifier: GPL-2.0
/*
 * What one user, or one control group, can take from all others: no memory beyond
 * the group's limit, by whatever a queue has; and not more queues than one user
 * may have, however many processes or namespaces they are made in (G11).
 */
#include "../userlib/mpmc_uring.h"
#include "mpmc_cgroup.h"
#include "mpmc_iouring.h"
#include "mpmc_mapped.h"

#define PAGE ((int)page_size())
#define GROUP (16LL << 20)
#define SOMEBODY 12345
#define SOMEBODY_ELSE 12346

/* What the kernel charges at once, when it may again: of two CPUs at most. */
#define CHARGED_AHEAD (2 * 64 * PAGE)

/*
 * What else in the machine may need meanwhile; on a debug kernel as much again: KASAN
 * keeps what was freed for a while, up to a thirty-second of the memory.
 */
#define ASIDE ((slowness() > 1 ? 2 : 1) * (24LL << 20))

/* What a group may have left when all that were in it are gone. */
#define REST (64 * PAGE)

static long long number_in(const char *dir, const char *name)
{
	char text[32];

	must(file_read(dir, name, text, sizeof(text)));
	return atoll(text);
}

static long long memory_free(void)
{
	char line[128];
	long long n = -1;
	FILE *file = fopen("/proc/meminfo", "r");

	must(file);
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "MemFree: %lld", &n) == 1)
			break;
	fclose(file);
	must(n >= 0);
	return n * 1024;
}

static void become(uid_t uid)
{
	must(setgid(uid) == 0 && setuid(uid) == 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
}

/* --- Memory: as much as they can have of something --- */

struct hoard {
	char dir[64];
	int (*once)(int i);	/* an fd or such; -ENOMEM */
	int most;		/* times this would be far too much */
	int before;		/* made before it is in the group */
	atomic_int times;
	atomic_int full;
};

static int hoard_queue;

static int one_queue(int i)
{
	(void)i;
	return queue_create(0, 1024);
}

static int one_producer(int i)
{
	(void)i;
	return producer_create(hoard_queue, 65536);
}

static int one_consumer(int i)
{
	(void)i;
	return consumer_create(hoard_queue, 65536);
}

static __u64 some_items[BULK_MAX] = { 1 };

static int many_items(int i)
{
	(void)i;
	return enq_bulk(hoard_queue, some_items, BULK_MAX);
}

/* Beyond what the ring has room for. */
static int many_items_by_token(int i)
{
	static int token = -1;

	if (token < 0)
		token = producer_create(hoard_queue, 64);
	(void)i;
	return enq_bulk(token, some_items, BULK_MAX);
}

static int all_leased(int i)
{
	int ret, token = consumer_create(hoard_queue, 65536);

	(void)i;
	if (token < 0)
		return token;
	ret = lease_fill(token, NULL, 65536);
	return ret == -EAGAIN ? 0 : ret;
}

#define LEFT 65536

/* In a queue of their own: what was left before would be leased again. */
static int many_to_leave(int *queue)
{
	int i, ret = 0;

	/* What the last ones had is charged until a grace period is over. */
	usleep(30000);
	*queue = queue_create(LEFT, 2);
	if (*queue < 0)
		return *queue;
	for (i = 0; i < LEFT / BULK_MAX && ret >= 0; i++)
		ret = enq_bulk(*queue, some_items, BULK_MAX);
	return ret;
}

static int leave_leased(int queue)
{
	int ret, token = consumer_create(queue, LEFT);

	if (token < 0)
		return token;
	ret = lease_fill(token, NULL, LEFT);
	if (ret >= 0)
		return token;
	close(token);
	return ret;
}

/*
 * A process that ends has no memory any more when its files are closed. vfork():
 * this one takes none to begin with, which there may be none of.
 */
static int left_by_the_dead(int i)
{
	int queue, ret = many_to_leave(&queue);
	pid_t pid;

	(void)i;
	if (ret < 0)
		return ret;
	pid = vfork();
	if (!pid)
		_exit(leave_leased(queue) < 0);
	if (pid < 0)
		return -errno;
	return reap(pid) ? -ENOMEM : 0;
}

/* The last to have it is a thread of the kernel's. */
static int left_by_a_ring(int i)
{
	int queue, token, ret = many_to_leave(&queue);
	struct io_uring ring;

	(void)i;
	if (ret < 0)
		return ret;
	token = leave_leased(queue);
	if (token < 0)
		return token;
	ret = io_uring_queue_init(1, &ring, 0);
	if (ret)
		return ret;
	ret = io_uring_register_files(&ring, &token, 1);
	close(token);
	io_uring_queue_exit(&ring);
	must(eventually(!queue_state(queue).consumers));
	return ret;
}

/* Each has a place in every table of the queue's, and of epoll's. */
static int one_poll(int i)
{
	struct pollfd fds[512];
	int n;

	for (n = 0; n < 512; n++)
		fds[n] = (struct pollfd){ .fd = hoard_queue, .events = POLLIN };
	n = poll(fds, 512, 0);
	(void)i;
	return n < 0 ? -errno : 0;
}

/* They wait without a thread each: there is no end to how many one ring has. */
static int parked_commands(int i)
{
	static struct mpmc_transfer forever = {
		.size = sizeof(forever), .count = 1, .deadline = MPMC_FOREVER,
		.flags = MPMC_TRANSFER_INLINE | MPMC_TRANSFER_WAIT,
	};
	static struct io_uring ring;
	struct io_uring_sqe *sqe;
	struct io_uring_cqe *cqe;
	int ret = i ? 0 : io_uring_queue_init(512, &ring, 0);

	if (ret)
		return ret;
	while ((sqe = io_uring_get_sqe(&ring))) {
		mpmc_prep_command(sqe, hoard_queue, MPMC_IOC_ITEM_DEQUEUE,
				  &forever);
		mpmc_prep_park(sqe);
	}
	ret = io_uring_submit(&ring);
	if (ret < 0) /* EAGAIN: there is no memory for the first of them */
		return ret == -EAGAIN ? -ENOMEM : ret;
	return io_uring_peek_cqe(&ring, &cqe) ? 0 : cqe->res;
}

static void hoard_run(void *arg)
{
	struct hoard *hoard = arg;
	int ret = 0;

	allow_fds(5000);
	must(file_write("/proc/self", "oom_score_adj", "-1000"));
	cgroup_enter(hoard->dir);
	become(SOMEBODY);
	while (ret >= 0 && atomic_load(&hoard->times) < hoard->most) {
		ret = hoard->once(atomic_load(&hoard->times));
		must(ret >= 0 || ret == -ENOMEM);
		if (ret >= 0)
			atomic_fetch_add(&hoard->times, 1);
	}
	atomic_store(&hoard->full, ret == -ENOMEM ? 1 : 2);
	pause();
}

FIXTURE(hoard)
{
	struct hoard *hoard;
};

FIXTURE_VARIANT(hoard)
{
	int (*once)(int i);
	int most;
	bool no_end;		/* what comes to nothing, however often */
	__u64 items;		/* there before */
};

FIXTURE_VARIANT_ADD(hoard, queues) { .once = one_queue, .most = 1000 };
FIXTURE_VARIANT_ADD(hoard, producers) { .once = one_producer, .most = 60 };
FIXTURE_VARIANT_ADD(hoard, consumers) { .once = one_consumer, .most = 80 };
FIXTURE_VARIANT_ADD(hoard, items) { .once = many_items, .most = 8000 };
FIXTURE_VARIANT_ADD(hoard, items_by_token) {
	.once = many_items_by_token, .most = 8000,
};
FIXTURE_VARIANT_ADD(hoard, leases) {
	.once = all_leased, .most = 80, .items = 2000000,
};
FIXTURE_VARIANT_ADD(hoard, left_by_the_dead) {
	.once = left_by_the_dead, .most = 120,
};
FIXTURE_VARIANT_ADD(hoard, left_by_a_ring) {
	.once = left_by_a_ring, .most = 120,
};
FIXTURE_VARIANT_ADD(hoard, polls) {
	.once = one_poll, .most = 200, .no_end = true,
};
FIXTURE_VARIANT_ADD(hoard, parked) { .once = parked_commands, .most = 400 };

FIXTURE_SETUP(hoard)
{
	if (!cgroup_available("memory"))
		SKIP(return, "no cgroup v2 with a memory controller");
	if (variant->once == parked_commands && !can_park())
		SKIP(return, "commands don't park on this kernel");
	self->hoard = shared_alloc(sizeof(*self->hoard));
	cgroup_make(self->hoard->dir, "memory");
	self->hoard->once = variant->once;
	self->hoard->most = variant->most;
	hoard_queue = queue_create(10000000, 2);
	ASSERT_LE(0, hoard_queue);
	put_range(hoard_queue, 1, variant->items);
}

FIXTURE_TEARDOWN(hoard)
{
	close(hoard_queue);
	cgroup_remove(self->hoard->dir);
}

/*
 * Catches: memory that nobody is charged for, or somebody else; what goes beyond
 * the limit; and what is not given back when its owner dies.
 */
TEST_F(hoard, no_more_than_the_group_has)
{
	struct hoard *hoard = self->hoard;
	long long before, after;
	char text[32];
	pid_t pid;

	snprintf(text, sizeof(text), "%lld", GROUP);
	ASSERT_TRUE(file_write(hoard->dir, "memory.max", text));
	before = memory_free();
	pid = spawn(hoard_run, hoard);
	EXPECT_TRUE(eventually(atomic_load(&hoard->full)));
	after = memory_free();
	TH_LOG("%d times, %lld bytes, %lld charged", hoard->times,
	       before - after, number_in(hoard->dir, "memory.current"));
	EXPECT_EQ(variant->no_end ? 2 : 1, hoard->full);
	EXPECT_GE(GROUP + ASIDE, before - after);
	EXPECT_GE(GROUP + CHARGED_AHEAD,
		  number_in(hoard->dir, "memory.peak"));
	EXPECT_TRUE(killed(pid));
	drain(hoard_queue);
	EXPECT_TRUE(eventually(charged(hoard->dir) <= REST)) {
		TH_LOG("%lld bytes are left", charged(hoard->dir));
	}
	EXPECT_TRUE(eventually(memory_free() >= before - ASIDE));
}

/* --- Those who sleep, and wait for events --- */

#define SLEEPERS 200

static void *sleeper(void *arg)
{
	__u64 item;

	deq_until(*(int *)arg, &item, MPMC_FOREVER);
	return NULL;
}

static void sleepers_run(void *arg)
{
	struct hoard *hoard = arg;
	pthread_attr_t attr;
	pthread_t thread;
	int i;

	cgroup_enter(hoard->dir);
	become(SOMEBODY);
	must(pthread_attr_init(&attr) == 0);
	must(pthread_attr_setstacksize(&attr, 1 << 17) == 0);
	for (i = 0; i < SLEEPERS; i++)
		must(pthread_create(&thread, &attr, sleeper,
				    &hoard->before) == 0);
	pause();
}

/* Catches: a sleeper who costs more than its thread, or leaves something. */
TEST(sleepers_cost_no_more_than_threads)
{
	struct hoard *hoard = shared_alloc(sizeof(*hoard));
	long long before, cost;
	pid_t pid;

	if (!cgroup_available("memory"))
		SKIP(return, "no cgroup v2 with a memory controller");
	cgroup_make(hoard->dir, "memory");
	hoard->before = queue_create(10, 2);
	ASSERT_LE(0, hoard->before);
	before = memory_free();
	pid = spawn(sleepers_run, hoard);
	EXPECT_TRUE(wait_for_dequeuers(hoard->before, SLEEPERS));
	cost = number_in(hoard->dir, "memory.current");
	EXPECT_LT(0, cost);
	EXPECT_GE(cost + ASIDE, before - memory_free());
	EXPECT_TRUE(killed(pid));
	EXPECT_EQ(0, queue_waiters(hoard->before));
	EXPECT_EQ(0, enq(hoard->before, 1));
	EXPECT_TRUE(take_range(hoard->before, 1, 1));
	EXPECT_TRUE(eventually(charged(hoard->dir) <= REST)) {
		TH_LOG("%lld bytes are left", charged(hoard->dir));
	}
	close(hoard->before);
	cgroup_remove(hoard->dir);
}

/* --- Queues of one user --- */

#define PARAMETERS "/sys/module/mpmc/parameters"
#define MAX_QUEUES 20
#define RIVALS 6

struct users {
	atomic_int made;	/* a lower bound of how many there are */
	atomic_int most;
	atomic_int refused;
	atomic_int go;
	int sock[2];
};

FIXTURE(user)
{
	struct users *users;
	char usual[16];
};

FIXTURE_SETUP(user)
{
	struct mpmc_device_info info;
	char text[16];

	ASSERT_EQ(0, device_info(&info));
	snprintf(self->usual, sizeof(self->usual), "%u", info.max_queues);
	snprintf(text, sizeof(text), "%d", MAX_QUEUES);
	ASSERT_TRUE(file_write(PARAMETERS, "max_queues", text));
	self->users = shared_alloc(sizeof(*self->users));
}

FIXTURE_TEARDOWN(user)
{
	EXPECT_TRUE(file_write(PARAMETERS, "max_queues", self->usual));
}

/* As many as they get; which are theirs until they die. */
static int grab(void)
{
	int fd, n = 0;

	while ((fd = queue_create(10, 2)) >= 0)
		n++;
	must(fd == -ENOSPC);
	return n;
}

static void grab_all(void *arg)
{
	(void)arg;
	become(SOMEBODY);
	must(grab() == MAX_QUEUES);
}

static void grab_all_else(void *arg)
{
	(void)arg;
	become(SOMEBODY_ELSE);
	must(grab() == MAX_QUEUES);
}

static void grab_and_stay(void *arg)
{
	struct users *users = arg;

	grab_all(arg);
	gate_open(&users->go, 1);
	pause();
}

/* Catches: a count that others share, or that does not come back with a death. */
TEST_F(user, others_have_their_own)
{
	pid_t pid = spawn(grab_and_stay, self->users);

	gate_wait(&self->users->go, 1);
	EXPECT_EQ(0, reap(spawn(grab_all_else, NULL)));
	EXPECT_TRUE(killed(pid));
	EXPECT_EQ(0, reap(spawn(grab_all, NULL)));
}

static void rival(void *arg)
{
	struct users *users = arg;
	__u64 random = now_ns() | 1;
	int i, n, fds[MAX_QUEUES], have = 0;

	become(SOMEBODY);
	for (i = 0; i < 3000; i++) {
		if (have && random_below(&random, 2)) {
			atomic_fetch_sub(&users->made, 1);
			close(fds[--have]);
			continue;
		}
		if (have == MAX_QUEUES)
			continue;
		fds[have] = queue_create(10, 2);
		must(fds[have] >= 0 || fds[have] == -ENOSPC);
		if (fds[have] < 0) {
			atomic_fetch_add(&users->refused, 1);
			continue;
		}
		have++;
		n = atomic_fetch_add(&users->made, 1) + 1;
		if (n > atomic_load(&users->most))
			atomic_store(&users->most, n);
	}
	atomic_fetch_sub(&users->made, have);
}

/* Catches: looked at first and counted then; counts lost, or counted twice. */
TEST_F(user, many_at_once)
{
	pid_t pid[RIVALS];
	int i;

	for (i = 0; i < RIVALS; i++)
		pid[i] = spawn(rival, self->users);
	for (i = 0; i < RIVALS; i++)
		EXPECT_EQ(0, reap(pid[i]));
	EXPECT_GE(MAX_QUEUES, self->users->most);
	EXPECT_LT(0, self->users->refused);
	EXPECT_EQ(0, self->users->made);
	EXPECT_EQ(0, reap(spawn(grab_all, NULL)));
}

static void grab_in_namespace(void *arg)
{
	struct users *users = arg;

	become(SOMEBODY);
	if (unshare(CLONE_NEWUSER)) {
		atomic_store(&users->refused, 1);
		return;
	}
	must(queue_create(10, 2) == -ENOSPC);
}

/* Catches: somebody else for the asking. */
TEST_F(user, namespaces_make_no_other_user)
{
	pid_t pid = spawn(grab_and_stay, self->users);

	gate_wait(&self->users->go, 1);
	EXPECT_EQ(0, reap(spawn(grab_in_namespace, self->users)));
	EXPECT_TRUE(killed(pid));
	if (self->users->refused)
		SKIP(return, "no user namespaces");
}

static void grab_and_send(void *arg)
{
	struct users *users = arg;
	int i, fd;

	become(SOMEBODY);
	for (i = 0; i < MAX_QUEUES; i++) {
		fd = queue_create(10, 2);
		must(fd >= 0);
		send_fd(users->sock[1], fd);
		close(fd);
	}
}

/* Catches: a queue that counts for nobody when its fd is on its way elsewhere. */
TEST_F(user, in_flight_and_with_others)
{
	struct users *users = self->users;
	int i, fds[MAX_QUEUES];

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, users->sock));
	EXPECT_EQ(0, reap(spawn(grab_and_send, users)));
	EXPECT_EQ(0x100 * KSFT_FAIL, reap(spawn(grab_all, NULL)));
	for (i = 0; i < MAX_QUEUES; i++)
		fds[i] = recv_fd(users->sock[0]);
	EXPECT_EQ(0x100 * KSFT_FAIL, reap(spawn(grab_all, NULL)));
	for (i = 0; i < MAX_QUEUES; i++)
		close(fds[i]);
	EXPECT_EQ(0, reap(spawn(grab_all, NULL)));
	close(users->sock[0]);
	close(users->sock[1]);
}

TEST_HARNESS_MAIN
