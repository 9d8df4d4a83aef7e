// SPDX-License-Identifier: GPL-2.0
/* read(2) and write(2) on queues, and the programs that know nothing else. */
#include <sys/uio.h>

#include "mpmc_test.h"

#define ITEM sizeof(__u64)

/* As many as pass in a piece, see MPMC_TRANSFER_CHUNK, and some more. */
#define LARGE (16384 + 1000)

static ssize_t result(ssize_t ret)
{
	return ret < 0 ? -errno : ret;
}

static ssize_t put(int fd, const void *from, size_t size)
{
	return result(write(fd, from, size));
}

static ssize_t get(int fd, void *to, size_t size)
{
	return result(read(fd, to, size));
}

/* Those that must not wait, whatever the file is. */
static ssize_t put_now(int fd, void *from, size_t size)
{
	struct iovec iov = { .iov_base = from, .iov_len = size };

	return result(pwritev2(fd, &iov, 1, -1, RWF_NOWAIT));
}

static ssize_t get_now(int fd, void *to, size_t size)
{
	struct iovec iov = { .iov_base = to, .iov_len = size };

	return result(preadv2(fd, &iov, 1, -1, RWF_NOWAIT));
}

static void number(__u64 *items, __u64 first, int count)
{
	int i;

	for (i = 0; i < count; i++)
		items[i] = first + i;
}

static bool numbered(const __u64 *items, __u64 first, int count)
{
	int i;

	for (i = 0; i < count; i++)
		if (items[i] != first + i)
			return false;
	return true;
}

static atomic_int signals;

static void on_signal(int signal)
{
	(void)signal;
	atomic_fetch_add(&signals, 1);
}

static void handle(int signal, int flags)
{
	struct sigaction act = { .sa_handler = on_signal, .sa_flags = flags };

	must(sigaction(signal, &act, NULL) == 0);
	atomic_store(&signals, 0);
}

#define CAPACITY 10

FIXTURE(stream)
{
	int queue;
	__u64 items[CAPACITY * 3];
};

FIXTURE_SETUP(stream)
{
	self->queue = queue_create(CAPACITY, 0);
	ASSERT_LE(0, self->queue);
	memset(self->items, 0, sizeof(self->items));
}

/* Whatever a test did: no credit is lost, and none was made. */
FIXTURE_TEARDOWN(stream)
{
	drain(self->queue);
	if (!(queue_state(self->queue).state & MPMC_STATE_SHUTDOWN))
		EXPECT_EQ(CAPACITY, fill(self->queue, 1));
	close(self->queue);
}

TEST_F(stream, items)
{
	number(self->items, 100, 7);
	EXPECT_EQ(ITEM, put(self->queue, self->items, ITEM));
	EXPECT_EQ(6 * ITEM, put(self->queue, self->items + 1, 6 * ITEM));
	EXPECT_EQ(7, queue_items(self->queue));
	memset(self->items, 0, sizeof(self->items));
	EXPECT_EQ(2 * ITEM, get(self->queue, self->items, 2 * ITEM));
	/* What there is, if that is less. */
	EXPECT_EQ(5 * ITEM, get(self->queue, self->items + 2, 20 * ITEM));
	EXPECT_TRUE(numbered(self->items, 100, 7));
	EXPECT_EQ(0, self->items[7]);
}

/* Both ways are one queue. */
TEST_F(stream, and_calls)
{
	__u64 item = 1;

	EXPECT_EQ(ITEM, put(self->queue, &item, ITEM));
	EXPECT_EQ(0, enq(self->queue, 2));
	EXPECT_EQ(1, deq(self->queue, &item));
	EXPECT_EQ(1, item);
	EXPECT_EQ(ITEM, get(self->queue, &item, ITEM));
	EXPECT_EQ(2, item);
}

/* Catches: half an item that is lost, or waited for. */
TEST_F(stream, whole_items_only)
{
	size_t size;

	put_range(self->queue, 1, 3);
	for (size = 1; size < 3 * ITEM; size++) {
		if (size % ITEM == 0)
			continue;
		EXPECT_EQ(-EINVAL, put(self->queue, self->items, size));
		EXPECT_EQ(-EINVAL, get(self->queue, self->items, size));
		EXPECT_EQ(-EINVAL, put_now(self->queue, self->items, size));
		EXPECT_EQ(-EINVAL, get_now(self->queue, self->items, size));
	}
	EXPECT_TRUE(take_range(self->queue, 1, 3));
}

/* Nothing is always there, and there is always room for it. */
TEST_F(stream, nothing)
{
	struct iovec none[2] = {};

	handle(SIGPIPE, 0);
	EXPECT_EQ(0, get(self->queue, NULL, 0));
	EXPECT_EQ(CAPACITY, fill(self->queue, 1));
	EXPECT_EQ(0, put(self->queue, NULL, 0));
	EXPECT_EQ(0, result(readv(self->queue, none, 2)));
	EXPECT_EQ(0, result(writev(self->queue, none, 2)));
	EXPECT_EQ(0, queue_shutdown(self->queue));
	EXPECT_EQ(0, put(self->queue, NULL, 0));
	EXPECT_EQ(0, atomic_load(&signals));
}

/* The total counts, not the segments, whose borders go through items. */
TEST_F(stream, segments)
{
	unsigned int sizes[] = { 3, 0, 5, 8, 1, 14, 9, 16 };
	struct iovec iov[ARRAY_SIZE(sizes)];
	char from[56], to[56] = {};
	unsigned int i, at = 0;

	for (i = 0; i < sizeof(from); i++)
		from[i] = i + 1;
	for (i = 0; i < ARRAY_SIZE(sizes); at += sizes[i++])
		iov[i] = (struct iovec){ from + at, sizes[i] };
	ASSERT_EQ(56, at);
	EXPECT_EQ(56, result(writev(self->queue, iov, ARRAY_SIZE(sizes))));
	EXPECT_EQ(7, queue_items(self->queue));
	EXPECT_EQ(-EINVAL, result(writev(self->queue, iov, 3 + 2)));
	for (i = 0, at = 0; i < ARRAY_SIZE(sizes); at += sizes[i++])
		iov[i].iov_base = to + at;
	EXPECT_EQ(-EINVAL, result(readv(self->queue, iov, 1)));
	EXPECT_EQ(16, result(readv(self->queue, iov, 4)));
	for (i = 0, at = 16; i < 4; at += iov[i++].iov_len)
		iov[i] = (struct iovec){ to + at, 10 };
	EXPECT_EQ(40, result(readv(self->queue, iov, 4)));
	EXPECT_EQ(0, memcmp(from, to, sizeof(to)));
}

/* Catches, too: a call that is counted more than once as refused. */
TEST_F(stream, does_not_wait)
{
	__u64 item;
	int i;

	for (i = 0; i < 2; i++) {
		EXPECT_EQ(-EAGAIN, get_now(self->queue, &item, ITEM));
		number(self->items, 1, 3 * CAPACITY);
		/* A write too large puts as many as there is room for. */
		EXPECT_EQ(3 * ITEM, put_now(self->queue, self->items, 3 * ITEM));
		EXPECT_EQ((CAPACITY - 3) * ITEM,
			  put_now(self->queue, self->items + 3, 2 * CAPACITY * ITEM));
		EXPECT_EQ(-EAGAIN, put_now(self->queue, &item, ITEM));
		EXPECT_EQ(-EAGAIN, put_now(self->queue, self->items, 5 * ITEM));
		EXPECT_EQ(CAPACITY * ITEM,
			  get_now(self->queue, self->items, 3 * CAPACITY * ITEM));
		EXPECT_TRUE(numbered(self->items, 1, CAPACITY));
	}
	EXPECT_EQ(2 * 3, stats_of(self->queue).full);
}

TEST_F(stream, o_nonblock)
{
	ASSERT_EQ(0, fcntl(self->queue, F_SETFL, O_NONBLOCK));
	EXPECT_EQ(-EAGAIN, get(self->queue, self->items, ITEM));
	EXPECT_EQ(CAPACITY * ITEM,
		  put(self->queue, self->items, 2 * CAPACITY * ITEM));
	EXPECT_EQ(-EAGAIN, put(self->queue, self->items, ITEM));
}

struct call {
	int fd;
	void *memory;
	size_t size;
	atomic_long ret;
	atomic_bool done;
};

static void *get_run(void *arg)
{
	struct call *call = arg;

	atomic_store(&call->ret, get(call->fd, call->memory, call->size));
	atomic_store(&call->done, true);
	return NULL;
}

static void *put_run(void *arg)
{
	struct call *call = arg;

	atomic_store(&call->ret, put(call->fd, call->memory, call->size));
	atomic_store(&call->done, true);
	return NULL;
}

/* A read waits for the first item, not for the last. */
TEST_F(stream, read_waits)
{
	struct call call = {
		.fd = self->queue, .memory = self->items, .size = 4 * ITEM,
	};
	pthread_t thread = thread_start(get_run, &call);

	ASSERT_TRUE(wait_for_dequeuers(self->queue, 1));
	put_range(self->queue, 7, 1);
	thread_join(thread);
	EXPECT_EQ(ITEM, atomic_load(&call.ret));
	EXPECT_EQ(7, self->items[0]);
}

/*
 * A write waits until all is in, also what is more than there is ever room for. It
 * is refused once each time that it waits, and is woken for less than all of them.
 */
TEST_F(stream, write_waits)
{
	struct call call = {
		.fd = self->queue, .memory = self->items, .size = sizeof(self->items),
	};
	pthread_t thread;
	__u64 item, i;

	number(self->items, 0, 3 * CAPACITY);
	thread = thread_start(put_run, &call);
	for (i = 0; i < 2 * CAPACITY; i++) {
		ASSERT_TRUE(wait_for_enqueuers(self->queue, 1));
		ASSERT_TRUE(eventually(queue_items(self->queue) == CAPACITY));
		EXPECT_FALSE(atomic_load(&call.done));
		ASSERT_EQ(1, deq(self->queue, &item));
		EXPECT_EQ(i, item);
	}
	thread_join(thread);
	EXPECT_EQ(sizeof(self->items), atomic_load(&call.ret));
	EXPECT_GE(2 * CAPACITY, stats_of(self->queue).full);
	EXPECT_LT(0, stats_of(self->queue).full);
	EXPECT_TRUE(take_range(self->queue, i, CAPACITY));
}

/* A signal ends what waits: with what was done, or without anything. */
TEST_F(stream, signals)
{
	struct call call = {
		.fd = self->queue, .memory = self->items, .size = ITEM,
	};
	pthread_t thread;

	handle(SIGUSR1, 0);
	thread = thread_start(get_run, &call);
	ASSERT_TRUE(wait_for_dequeuers(self->queue, 1));
	pthread_kill(thread, SIGUSR1);
	thread_join(thread);
	EXPECT_EQ(-EINTR, atomic_load(&call.ret));
	put_range(self->queue, 1, 4);
	call.size = sizeof(self->items);
	thread = thread_start(put_run, &call);
	ASSERT_TRUE(wait_for_enqueuers(self->queue, 1));
	pthread_kill(thread, SIGUSR1);
	thread_join(thread);
	EXPECT_EQ((CAPACITY - 4) * ITEM, atomic_load(&call.ret));
	thread = thread_start(put_run, &call);
	ASSERT_TRUE(wait_for_enqueuers(self->queue, 1));
	pthread_kill(thread, SIGUSR1);
	thread_join(thread);
	EXPECT_EQ(-EINTR, atomic_load(&call.ret));
	EXPECT_EQ(3, atomic_load(&signals));
	EXPECT_EQ(CAPACITY, queue_items(self->queue));
}

/* Starts a call that waits, and begins again after a signal, to wait. */
static pthread_t start_and_restart(void *(*run)(void *arg), struct call *call)
{
	pthread_t thread;

	handle(SIGUSR1, SA_RESTART);
	thread = thread_start(run, call);
	must(eventually(queue_waiters(call->fd) == 1));
	pthread_kill(thread, SIGUSR1);
	must(eventually(atomic_load(&signals) == 1));
	must(eventually(queue_waiters(call->fd) == 1));
	must(!atomic_load(&call->done));
	return thread;
}

TEST_F(stream, read_restarts)
{
	struct call call = {
		.fd = self->queue, .memory = self->items, .size = ITEM,
	};
	pthread_t thread = start_and_restart(get_run, &call);

	put_range(self->queue, 9, 1);
	thread_join(thread);
	EXPECT_EQ(ITEM, atomic_load(&call.ret));
	EXPECT_EQ(9, self->items[0]);
}

/* Catches, too: an item that is put twice. */
TEST_F(stream, write_restarts)
{
	struct call call = {
		.fd = self->queue, .memory = self->items, .size = ITEM,
	};
	pthread_t thread;

	self->items[0] = CAPACITY + 1;
	ASSERT_EQ(CAPACITY, fill(self->queue, 1));
	thread = start_and_restart(put_run, &call);
	EXPECT_TRUE(take_range(self->queue, 1, 1));
	thread_join(thread);
	EXPECT_EQ(ITEM, atomic_load(&call.ret));
	EXPECT_TRUE(take_range(self->queue, 2, CAPACITY));
	EXPECT_EQ(0, queue_items(self->queue));
}

/* Catches: items taken and dropped, or in part; items put that were not read. */
TEST_F(stream, efault)
{
	__u64 *end = (__u64 *)mapping_end(CAPACITY * ITEM);
	int n, good;

	for (n = 1; n <= CAPACITY; n++) {
		for (good = 0; good < n; good++) {
			EXPECT_EQ(-EFAULT,
				  put(self->queue, end - good, n * ITEM));
			EXPECT_EQ(-EFAULT,
				  put_now(self->queue, end - good, n * ITEM));
			EXPECT_EQ(0, queue_items(self->queue));
			put_range(self->queue, 1, n);
			EXPECT_EQ(-EFAULT,
				  get(self->queue, end - good, n * ITEM));
			EXPECT_EQ(-EFAULT,
				  get_now(self->queue, end - good, n * ITEM));
			EXPECT_EQ(n, queue_items(self->queue));
			EXPECT_TRUE(take_range(self->queue, 1, n));
		}
	}
	/* In the middle of an item, too. */
	put_range(self->queue, 1, 2);
	EXPECT_EQ(-EFAULT, get(self->queue, (char *)end - 12, 2 * ITEM));
	EXPECT_TRUE(take_range(self->queue, 1, 2));
	EXPECT_EQ(-EFAULT, put(self->queue, (char *)end - 12, 2 * ITEM));
}

/* The first piece counts when the second one can't be read, or written. */
TEST(efault_later)
{
	int queue = queue_create(2 * LARGE, 0);
	size_t size = LARGE * ITEM;
	__u64 *end = (__u64 *)mapping_end(size);
	__u64 *items = end - LARGE + 500;
	ssize_t ret;

	ASSERT_LE(0, queue);
	number(items, 1, LARGE - 500);
	ret = put(queue, items, size);
	EXPECT_EQ(16384 * ITEM, ret);
	EXPECT_EQ(16384, queue_items(queue));
	put_range(queue, 16385, LARGE - 16384);
	memset(items, 0, size - 500 * ITEM);
	EXPECT_EQ(16384 * ITEM, get(queue, items, size));
	EXPECT_TRUE(numbered(items, 1, 16384));
	EXPECT_TRUE(take_range(queue, 16385, LARGE - 16384));
	EXPECT_EQ(2 * LARGE, fill(queue, 1));
	close(queue);
}

/* More than goes in a piece, in one call each way. */
TEST(large)
{
	int queue = queue_create(LARGE, 0);
	__u64 *items = calloc(LARGE, ITEM);

	ASSERT_LE(0, queue);
	number(items, 1, LARGE);
	EXPECT_EQ(LARGE * ITEM, put(queue, items, LARGE * ITEM));
	EXPECT_EQ(-EAGAIN, put_now(queue, items, ITEM));
	memset(items, 0, LARGE * ITEM);
	EXPECT_EQ(LARGE * ITEM, get(queue, items, LARGE * ITEM));
	EXPECT_TRUE(numbered(items, 1, LARGE));
	free(items);
	close(queue);
}

/* What is left, then the end, as often as one asks; and the end of a producer. */
TEST_F(stream, end)
{
	handle(SIGPIPE, 0);
	put_range(self->queue, 1, 3);
	ASSERT_EQ(0, queue_shutdown(self->queue));
	EXPECT_EQ(-EPIPE, put(self->queue, self->items, ITEM));
	EXPECT_EQ(1, atomic_load(&signals));
	EXPECT_EQ(-EPIPE, put_now(self->queue, self->items, ITEM));
	EXPECT_EQ(2, atomic_load(&signals));
	EXPECT_EQ(2 * ITEM, get(self->queue, self->items, 2 * ITEM));
	EXPECT_EQ(ITEM, get(self->queue, self->items + 2, 2 * ITEM));
	EXPECT_TRUE(numbered(self->items, 1, 3));
	EXPECT_EQ(0, get(self->queue, self->items, ITEM));
	EXPECT_EQ(0, get_now(self->queue, self->items, ITEM));
	EXPECT_EQ(0, get(self->queue, mapping_end(ITEM), ITEM));
	/* Calls tell of it by their result alone. */
	EXPECT_EQ(-EPIPE, enq(self->queue, 1));
	EXPECT_EQ(2, atomic_load(&signals));
}

/*
 * A shutdown ends those that wait: the reader with nothing, the writer with what was
 * put before, and, as with a pipe that nobody reads any more, with a SIGPIPE.
 */
TEST_F(stream, end_of_a_wait)
{
	struct call reads = {
		.fd = self->queue, .memory = self->items, .size = ITEM,
	};
	struct call writes = {
		.fd = self->queue, .memory = self->items, .size = sizeof(self->items),
	};
	pthread_t thread = thread_start(get_run, &reads);

	handle(SIGPIPE, 0);
	ASSERT_TRUE(wait_for_dequeuers(self->queue, 1));
	ASSERT_EQ(0, queue_shutdown(self->queue));
	thread_join(thread);
	EXPECT_EQ(0, atomic_load(&reads.ret));
	close(self->queue);
	self->queue = queue_create(CAPACITY, 0);
	writes.fd = self->queue;
	thread = thread_start(put_run, &writes);
	ASSERT_TRUE(wait_for_enqueuers(self->queue, 1));
	ASSERT_EQ(0, queue_shutdown(self->queue));
	thread_join(thread);
	EXPECT_EQ(CAPACITY * ITEM, atomic_load(&writes.ret));
	EXPECT_EQ(1, atomic_load(&signals));
}

static void write_at_the_end(void *arg)
{
	int *queue = arg;
	__u64 item = 0;

	signal(SIGPIPE, SIG_DFL);
	put(*queue, &item, ITEM);
}

TEST_F(stream, sigpipe_ends_programs)
{
	int status;

	ASSERT_EQ(0, queue_shutdown(self->queue));
	status = reap(spawn(write_at_the_end, &self->queue));
	EXPECT_TRUE(WIFSIGNALED(status));
	EXPECT_EQ(SIGPIPE, WTERMSIG(status));
}

TEST_F(stream, no_positions)
{
	__u64 item = 1;

	EXPECT_EQ(-ESPIPE, result(lseek(self->queue, 0, SEEK_CUR)));
	EXPECT_EQ(-ESPIPE, result(pwrite(self->queue, &item, ITEM, 0)));
	EXPECT_EQ(-ESPIPE, result(pread(self->queue, &item, ITEM, 0)));
}

/* --- Programs --- */

struct program {
	const char *argv[5];
	int in;
	int out;
};

static void program_run(void *arg)
{
	struct program *program = arg;

	dup2(program->in, 0);
	dup2(program->out, 1);
	execvp(program->argv[0], (char **)program->argv);
	_exit(errno == ENOENT ? 77 : 1);
}

/*
 * What goes through a program is all there, and in order; and it ends when the
 * stream does.
 */
static int pass_through(struct program *program, int count)
{
	int in = queue_create(100, 1), out = queue_create(100, 1), status;
	struct call call = { .fd = in, .size = count * ITEM };
	__u64 *items = calloc(2 * count, ITEM);
	ssize_t n, got = 0;
	pthread_t thread;
	pid_t pid;

	must(in >= 0 && out >= 0 && items);
	program->in = in;
	program->out = out;
	number(items, 1, count);
	call.memory = items;
	pid = spawn(program_run, program);
	thread = thread_start(put_run, &call);
	while (got < count) {
		n = get(out, items + count + got, (count - got) * ITEM);
		must(n > 0);
		got += n / ITEM;
	}
	thread_join(thread);
	must(atomic_load(&call.ret) == (long)(count * ITEM));
	must(queue_shutdown(in) == 0);
	status = reap(pid);
	must(numbered(items + count, 1, count));
	must(queue_items(out) == 0);
	close(in);
	close(out);
	free(items);
	return status;
}

static bool there(const char *name)
{
	struct program program = { .argv = { name } };
	int null = open("/dev/null", O_RDWR), status;

	program.in = program.out = null;
	status = reap(spawn(program_run, &program));
	close(null);
	return !WIFEXITED(status) || WEXITSTATUS(status) != 77;
}

TEST(cat)
{
	struct program program = { .argv = { "cat" } };

	if (!there("cat"))
		SKIP(return, "no cat here");
	EXPECT_EQ(0, pass_through(&program, 5000));
}

TEST(dd)
{
	struct program program = { .argv = { "dd", "bs=800" } };

	if (!there("dd"))
		SKIP(return, "no dd here");
	EXPECT_EQ(0, pass_through(&program, 5000));
}

/* --- Everybody at once --- */

#define WRITERS 3
#define READERS 3
#define STRESS_ITEMS 20000
#define STRESS_MOST 150

struct stress {
	int queue;
	atomic_uchar seen[WRITERS][STRESS_ITEMS];
};

static void stress_write(struct stress *stress, int writer)
{
	__u64 items[STRESS_MOST], random = writer + 1, next = 0;
	ssize_t ret;
	int n;

	while (next < STRESS_ITEMS) {
		n = 1 + random_below(&random, STRESS_MOST);
		if (n > (int)(STRESS_ITEMS - next))
			n = STRESS_ITEMS - next;
		number(items, (__u64)writer << 32 | next, n);
		ret = random_below(&random, 2) ?
			put(stress->queue, items, n * ITEM) :
			put_now(stress->queue, items, n * ITEM);
		if (ret == -EAGAIN || ret == -EINTR)
			continue;
		must(ret > 0 && ret % ITEM == 0);
		next += ret / ITEM;
	}
}

static void stress_read(struct stress *stress, int reader)
{
	__u64 items[STRESS_MOST], random = reader + 100, last[WRITERS] = {};
	ssize_t ret;
	int i, writer;

	for (;;) {
		ret = get(stress->queue, items,
			  (1 + random_below(&random, STRESS_MOST)) * ITEM);
		if (ret == -EINTR)
			continue;
		if (!ret)
			return;
		must(ret > 0 && ret % ITEM == 0);
		for (i = 0; i < (int)(ret / ITEM); i++) {
			writer = items[i] >> 32;
			items[i] &= UINT32_MAX;
			must(writer < WRITERS && items[i] < STRESS_ITEMS);
			must(items[i] + 1 > last[writer]);
			last[writer] = items[i] + 1;
			must(atomic_fetch_add(&stress->seen[writer][items[i]],
					      1) == 0);
		}
	}
}

struct stress_part {
	struct stress *stress;
	int index;
};

static void stress_run(void *arg)
{
	struct stress_part *part = arg;

	handle(SIGUSR1, 0);
	if (part->index < WRITERS)
		stress_write(part->stress, part->index);
	else
		stress_read(part->stress, part->index);
}

/* In small pieces, through a queue that is always full, with signals. */
TEST(stress)
{
	struct stress *stress = shared_alloc(sizeof(*stress));
	struct stress_part part = { .stress = stress };
	pid_t pids[WRITERS + READERS];
	__u64 random = 7;
	int i, j, waits;

	handle(SIGUSR1, 0);
	stress->queue = queue_create(64, 0);
	ASSERT_LE(0, stress->queue);
	for (i = 0; i < WRITERS + READERS; i++) {
		part.index = i;
		pids[i] = spawn(stress_run, &part);
	}
	for (i = 0; i < WRITERS; i++) {
		while (!(waits = waitpid(pids[i], &j, WNOHANG))) {
			kill(pids[random_below(&random, WRITERS + READERS)],
			     SIGUSR1);
			breathe();
		}
		ASSERT_EQ(pids[i], waits);
		ASSERT_EQ(0, j);
		pids[i] = pids[WRITERS];
	}
	ASSERT_EQ(0, queue_shutdown(stress->queue));
	for (i = WRITERS; i < WRITERS + READERS; i++)
		ASSERT_EQ(0, reap(pids[i]));
	for (i = 0; i < WRITERS; i++)
		for (j = 0; j < STRESS_ITEMS; j++)
			ASSERT_EQ(1, atomic_load(&stress->seen[i][j]));
	close(stress->queue);
}

TEST_HARNESS_MAIN
