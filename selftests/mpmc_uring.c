// SPDX-License-Identifier: GPL-2.0
/*
 * io_uring on queues, by way of liburing: reading, writing and polling, with many
 * waits in flight, cancelled, and with those dying who wait.
 */
#include <dirent.h>
#include <liburing.h>

#include "mpmc_names.h"

#define ITEM sizeof(__u64)
#define CAPACITY 4096

/* Waits in flight: more than there will be of workers, or of CPUs. */
#define MANY 2000

static struct mpmc_queue_stats stats_of(int queue)
{
	struct mpmc_queue_stats stats = { .size = sizeof(stats) };

	must(mpmc_ioctl(queue, MPMC_IOC_QUEUE_STATS, &stats) == 0);
	return stats;
}

/* Whether what went in and did not come out is what is there. */
static bool balanced(int queue)
{
	struct mpmc_queue_stats stats = stats_of(queue);

	return stats.enqueued - stats.dequeued == queue_items(queue);
}

/* How many threads io_uring has made to have somebody who can wait. */
static int workers(void)
{
	char path[300], name[32];
	DIR *dir = opendir("/proc/self/task");
	struct dirent *entry;
	int fd, count = 0;

	must(dir);
	while ((entry = readdir(dir))) {
		memset(name, 0, sizeof(name));
		snprintf(path, sizeof(path), "/proc/self/task/%s/comm",
			 entry->d_name);
		fd = open(path, O_RDONLY);
		if (fd >= 0 && read(fd, name, sizeof(name) - 1) > 0)
			count += !strncmp(name, "iou-wrk", 7);
		close(fd);
	}
	closedir(dir);
	return count;
}

/* What a kernel says that was built without a system call. */
static int no_such_syscall(void)
{
	return syscall(-1) < 0 ? -errno : 0;
}

/* --- Rings --- */

static struct io_uring_sqe *sqe_of(struct io_uring *ring, __u64 data)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(ring);

	must(sqe);
	memset(sqe, 0, sizeof(*sqe));
	io_uring_sqe_set_data64(sqe, data);
	return sqe;
}

/* The helpers of liburing set all but the data. */
#define prepare(ring, data, what, ...)                                     \
	({                                                                 \
		struct io_uring_sqe *__sqe = sqe_of(ring, data);           \
									   \
		io_uring_prep_##what(__sqe, __VA_ARGS__);                  \
		io_uring_sqe_set_data64(__sqe, data);                      \
		__sqe;                                                     \
	})

static void submit(struct io_uring *ring, int count)
{
	/* More are those that a thread of the ring's has not begun with. */
	must(io_uring_submit(ring) >= count);
}

static void submit_read(struct io_uring *ring, __u64 data, int fd, void *to,
			int count)
{
	prepare(ring, data, read, fd, to, count * ITEM, -1);
	submit(ring, 1);
}

static void submit_write(struct io_uring *ring, __u64 data, int fd,
			 const void *from, int count)
{
	prepare(ring, data, write, fd, from, count * ITEM, -1);
	submit(ring, 1);
}

struct result {
	__u64 data;
	int res;
	bool more;
};

static struct result result(struct io_uring *ring)
{
	struct __kernel_timespec ts = { .tv_sec = PATIENCE_NS / NSEC_PER_SEC };
	struct io_uring_cqe *cqe;
	struct result result;

	must(io_uring_wait_cqe_timeout(ring, &cqe, &ts) == 0);
	result = (struct result){
		.data = io_uring_cqe_get_data64(cqe), .res = cqe->res,
		.more = cqe->flags & IORING_CQE_F_MORE,
	};
	io_uring_cqe_seen(ring, cqe);
	return result;
}

/* The one that there has to be next. */
static int result_of(struct io_uring *ring, __u64 data)
{
	struct result got = result(ring);

	must(got.data == data);
	must(!got.more);
	return got.res;
}

/* Of two that come in any order, told by their data, 1 and 2. */
static void results(struct io_uring *ring, int res[2])
{
	struct result got;
	int i;

	for (i = 0; i < 2; i++) {
		got = result(ring);
		must(got.data == 1 || got.data == 2);
		res[got.data - 1] = got.res;
	}
}

static bool idle(struct io_uring *ring)
{
	struct io_uring_cqe *cqe;

	/* What is due is done on the way through the kernel. */
	io_uring_get_events(ring);
	return io_uring_peek_cqe(ring, &cqe) == -EAGAIN;
}

static int ring_init(struct io_uring *ring, unsigned int flags)
{
	int ret = io_uring_queue_init(MANY, ring, flags);

	return ret == -EPERM || ret == no_such_syscall() ? -EOPNOTSUPP : ret;
}

FIXTURE(uring)
{
	struct io_uring ring;
	int queue;
	uint64_t items[MANY];
};

FIXTURE_VARIANT(uring)
{
	unsigned int flags;
};

FIXTURE_VARIANT_ADD(uring, plain)
{
	.flags = 0,
};

/* What is due is done when its owner asks for it, and at no other time. */
#define DEFERRED (IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN)

FIXTURE_VARIANT_ADD(uring, deferred)
{
	.flags = DEFERRED,
};

FIXTURE_SETUP(uring)
{
	int ret = ring_init(&self->ring, variant->flags);

	if (ret == -EOPNOTSUPP)
		SKIP(return, "no io_uring in this kernel");
	ASSERT_EQ(0, ret);
	self->queue = queue_create(CAPACITY, 0);
	ASSERT_LE(0, self->queue);
	memset(self->items, 0, sizeof(self->items));
}

/* Whether no item was lost, and no credit. Closes the queue. */
static bool all_there(int queue)
{
	bool ok = balanced(queue);

	drain(queue);
	if (!(queue_state(queue).state & MPMC_STATE_SHUTDOWN))
		ok = ok && fill(queue, 1) == CAPACITY;
	close(queue);
	return ok;
}

FIXTURE_TEARDOWN(uring)
{
	io_uring_queue_exit(&self->ring);
	EXPECT_TRUE(all_there(self->queue));
}

/* --- Reading and writing --- */

TEST_F(uring, moves_items)
{
	uint64_t out[] = { 5, 6, 7 };

	submit_write(&self->ring, 1, self->queue, out, 3);
	EXPECT_EQ(3 * ITEM, result_of(&self->ring, 1));
	EXPECT_EQ(3, queue_items(self->queue));
	/* What there is, if that is less. */
	submit_read(&self->ring, 2, self->queue, self->items, 10);
	EXPECT_EQ(3 * ITEM, result_of(&self->ring, 2));
	EXPECT_EQ(0, memcmp(out, self->items, sizeof(out)));
	prepare(&self->ring, 3, read, self->queue, self->items, ITEM - 1, -1);
	submit(&self->ring, 1);
	EXPECT_EQ(-EINVAL, result_of(&self->ring, 3));
}

/* Catches: a thread for each that waits, or a result that is none. */
TEST_F(uring, read_waits)
{
	submit_read(&self->ring, 1, self->queue, self->items, 2);
	EXPECT_TRUE(idle(&self->ring));
	EXPECT_EQ(0, workers());
	ASSERT_EQ(0, enq(self->queue, 77));
	EXPECT_EQ(ITEM, result_of(&self->ring, 1));
	EXPECT_EQ(77, self->items[0]);
}

TEST_F(uring, write_waits)
{
	__u64 out = CAPACITY + 1;

	ASSERT_EQ(CAPACITY, fill(self->queue, 1));
	submit_write(&self->ring, 1, self->queue, &out, 1);
	EXPECT_TRUE(idle(&self->ring));
	EXPECT_EQ(0, workers());
	ASSERT_TRUE(take_range(self->queue, 1, 1));
	EXPECT_EQ(ITEM, result_of(&self->ring, 1));
	EXPECT_TRUE(take_range(self->queue, 2, CAPACITY));
}

/* Who says that he does not wait does not. (O_NONBLOCK says nothing to io_uring.) */
TEST_F(uring, nowait)
{
	prepare(&self->ring, 1, read, self->queue, self->items, ITEM, -1)
		->rw_flags = RWF_NOWAIT;
	submit(&self->ring, 1);
	EXPECT_EQ(-EAGAIN, result_of(&self->ring, 1));
	ASSERT_EQ(CAPACITY, fill(self->queue, 1));
	prepare(&self->ring, 1, write, self->queue, self->items, ITEM, -1)
		->rw_flags = RWF_NOWAIT;
	submit(&self->ring, 1);
	EXPECT_EQ(-EAGAIN, result_of(&self->ring, 1));
}

/* The file and the memory were told to io_uring before. */
TEST_F(uring, fixed)
{
	struct iovec iov = { self->items, sizeof(self->items) };
	struct io_uring_sqe *sqe;

	ASSERT_EQ(0, io_uring_register_files(&self->ring, &self->queue, 1));
	ASSERT_EQ(0, io_uring_register_buffers(&self->ring, &iov, 1));
	self->items[0] = 11;
	self->items[1] = 12;
	sqe = prepare(&self->ring, 1, read_fixed, 0, self->items + 2, 2 * ITEM,
		      -1, 0);
	sqe->flags |= IOSQE_FIXED_FILE;
	submit(&self->ring, 1);
	EXPECT_TRUE(idle(&self->ring));
	sqe = prepare(&self->ring, 2, write_fixed, 0, self->items, 2 * ITEM, -1,
		      0);
	sqe->flags |= IOSQE_FIXED_FILE;
	submit(&self->ring, 1);
	EXPECT_EQ(2 * ITEM, result_of(&self->ring, 2));
	EXPECT_EQ(2 * ITEM, result_of(&self->ring, 1));
	EXPECT_EQ(11, self->items[2]);
	EXPECT_EQ(12, self->items[3]);
}

/* The end of a stream, for those who wait for it; and nobody gets a signal. */
TEST_F(uring, shutdown)
{
	int full = queue_create(1, 0), res[2];

	ASSERT_LE(0, full);
	ASSERT_EQ(0, enq(full, 1));
	submit_read(&self->ring, 1, self->queue, self->items, 1);
	submit_write(&self->ring, 2, full, self->items, 1);
	EXPECT_TRUE(idle(&self->ring));
	ASSERT_EQ(0, queue_shutdown(full));
	ASSERT_EQ(0, queue_shutdown(self->queue));
	results(&self->ring, res);
	EXPECT_EQ(0, res[0]);
	EXPECT_EQ(-EPIPE, res[1]);
	close(full);
}

/* --- Polling --- */

TEST_F(uring, poll)
{
	prepare(&self->ring, 1, poll_add, self->queue, POLLIN);
	submit(&self->ring, 1);
	EXPECT_TRUE(idle(&self->ring));
	ASSERT_EQ(CAPACITY, fill(self->queue, 1));
	EXPECT_EQ(POLLIN, result_of(&self->ring, 1));
	prepare(&self->ring, 2, poll_add, self->queue, POLLOUT);
	submit(&self->ring, 1);
	EXPECT_TRUE(idle(&self->ring));
	ASSERT_TRUE(take_range(self->queue, 1, 1));
	EXPECT_EQ(POLLOUT, result_of(&self->ring, 2));
}

/* Told of each item that comes into an empty queue, until it is taken back. */
TEST_F(uring, poll_multishot)
{
	struct result got;
	int i, res[2];
	__u64 item;

	prepare(&self->ring, 1, poll_multishot, self->queue, POLLIN);
	submit(&self->ring, 1);
	for (i = 0; i < 10; i++) {
		EXPECT_TRUE(idle(&self->ring));
		ASSERT_EQ(0, enq(self->queue, i));
		got = result(&self->ring);
		EXPECT_EQ(1, got.data);
		EXPECT_EQ(POLLIN, got.res);
		EXPECT_TRUE(got.more);
		ASSERT_EQ(1, deq(self->queue, &item));
	}
	prepare(&self->ring, 2, poll_remove, 1);
	submit(&self->ring, 1);
	results(&self->ring, res);
	EXPECT_EQ(-ECANCELED, res[0]);
	EXPECT_EQ(0, res[1]);
	ASSERT_EQ(0, enq(self->queue, 1));
	EXPECT_TRUE(idle(&self->ring));
}

/* --- Many --- */

/* Submits that many reads of one item each, from @first on, and all wait. */
static void many_reads(struct io_uring *ring, int queue, uint64_t *items,
		       int first, int count)
{
	int i;

	for (i = first; i < first + count; i++)
		prepare(ring, i, read, queue, items + i, ITEM, -1);
	submit(ring, count);
}

/*
 * As many waits as items: each gets one, and each item is got. Catches: a thread
 * for each, a wait that is forgotten, an item that is got twice or not at all.
 */
TEST_F(uring, many)
{
	struct result got;
	__u64 sum = 0;
	int i;

	many_reads(&self->ring, self->queue, self->items, 0, MANY);
	EXPECT_TRUE(idle(&self->ring));
	EXPECT_EQ(0, workers());
	put_range(self->queue, 1, MANY);
	for (i = 0; i < MANY; i++) {
		got = result(&self->ring);
		ASSERT_EQ(ITEM, got.res);
		ASSERT_NE(0, self->items[got.data]);
		sum += self->items[got.data];
		self->items[got.data] = 0;
	}
	EXPECT_EQ((__u64)MANY * (MANY + 1) / 2, sum);
	EXPECT_EQ(0, queue_items(self->queue));
	EXPECT_EQ(MANY, stats_of(self->queue).dequeued);
	EXPECT_TRUE(idle(&self->ring));
}

/* --- Cancelling --- */

TEST_F(uring, cancel)
{
	int res[2];

	submit_read(&self->ring, 1, self->queue, self->items, 1);
	EXPECT_TRUE(idle(&self->ring));
	prepare(&self->ring, 2, cancel64, 1, 0);
	submit(&self->ring, 1);
	results(&self->ring, res);
	EXPECT_EQ(-ECANCELED, res[0]);
	EXPECT_EQ(0, res[1]);
	ASSERT_EQ(0, enq(self->queue, 5));
	EXPECT_TRUE(idle(&self->ring));
	EXPECT_TRUE(take_range(self->queue, 5, 1));
}

/* All of them, in one go; and the items that come then stay. */
TEST_F(uring, cancel_many)
{
	struct io_uring_sync_cancel_reg all = {
		.flags = IORING_ASYNC_CANCEL_ANY | IORING_ASYNC_CANCEL_ALL,
		.timeout = { .tv_sec = PATIENCE_NS / NSEC_PER_SEC },
	};
	int i;

	many_reads(&self->ring, self->queue, self->items, 0, MANY);
	ASSERT_LE(0, io_uring_register_sync_cancel(&self->ring, &all));
	put_range(self->queue, 1, MANY);
	for (i = 0; i < MANY; i++)
		ASSERT_EQ(-ECANCELED, result(&self->ring).res);
	EXPECT_TRUE(take_range(self->queue, 1, MANY));
}

static void submit_timed_read(struct io_uring *ring, int queue, void *to,
			      struct __kernel_timespec *ts)
{
	prepare(ring, 1, read, queue, to, ITEM, -1)->flags |= IOSQE_IO_LINK;
	prepare(ring, 2, link_timeout, ts, 0);
	submit(ring, 2);
}

TEST_F(uring, link_timeout)
{
	struct __kernel_timespec soon = { .tv_nsec = 30000000 };
	struct __kernel_timespec late = { .tv_sec = 1000 };
	__u64 start = now_ns();
	int res[2];

	submit_timed_read(&self->ring, self->queue, self->items, &soon);
	results(&self->ring, res);
	EXPECT_EQ(-ECANCELED, res[0]);
	EXPECT_EQ(-ETIME, res[1]);
	EXPECT_LE(start + soon.tv_nsec, now_ns());
	submit_timed_read(&self->ring, self->queue, self->items, &late);
	EXPECT_TRUE(idle(&self->ring));
	ASSERT_EQ(0, enq(self->queue, 8));
	results(&self->ring, res);
	EXPECT_EQ(ITEM, res[0]);
	EXPECT_EQ(-ECANCELED, res[1]);
	EXPECT_EQ(8, self->items[0]);
}

/* --- Ends --- */

/* Waits of all kinds, for what will not come; how many. */
static int wait_for_nothing(struct io_uring *ring, int empty, int full)
{
	static uint64_t items[MANY];
	int i;

	for (i = 0; i < MANY; i += 4) {
		prepare(ring, i, read, empty, items + i, ITEM, -1);
		prepare(ring, i, write, full, items + i, ITEM, -1);
		prepare(ring, i, poll_add, empty, POLLIN);
		prepare(ring, i, poll_multishot, full, POLLOUT);
	}
	submit(ring, MANY);
	return MANY;
}

/* Catches: a file that is kept by a wait, or a wait that outlives its ring. */
TEST_F(uring, exit)
{
	long before = module_references();
	int full = queue_create(1, 0), empty = queue_create(1, 0);
	struct io_uring ring;

	ASSERT_LE(0, full);
	ASSERT_LE(0, empty);
	ASSERT_EQ(0, enq(full, 1));
	ASSERT_EQ(0, io_uring_queue_init(MANY, &ring, 0));
	wait_for_nothing(&ring, empty, full);
	EXPECT_TRUE(idle(&ring));
	io_uring_queue_exit(&ring);
	close(full);
	close(empty);
	EXPECT_TRUE(eventually(module_references() == before));
}

struct victim {
	int queue;
	int full;
	atomic_int ready;
};

static void victim_waits(void *arg)
{
	struct victim *victim = arg;
	struct io_uring ring;

	must(io_uring_queue_init(MANY, &ring, 0) == 0);
	wait_for_nothing(&ring, victim->queue, victim->full);
	gate_open(&victim->ready, 1);
	pause();
}

/* Who is dead takes nothing, and puts nothing, whatever comes then. */
TEST_F(uring, killed)
{
	struct victim *victim = shared_alloc(sizeof(*victim));
	pid_t pid;

	victim->queue = self->queue;
	victim->full = queue_create(1, 0);
	ASSERT_LE(0, victim->full);
	ASSERT_EQ(0, enq(victim->full, 1));
	pid = spawn(victim_waits, victim);
	gate_wait(&victim->ready, 1);
	ASSERT_TRUE(killed(pid));
	put_range(self->queue, 1, 100);
	EXPECT_TRUE(take_range(self->queue, 1, 100));
	EXPECT_TRUE(take_range(victim->full, 1, 1));
	EXPECT_EQ(0, queue_items(victim->full));
	close(victim->full);
}

#define ROUNDS 20
#define LANES 64

/* One more of what a lane does. */
static void lane_submit(struct io_uring *ring, int lane, int queue, __u64 *item)
{
	if (lane % 2)
		submit_read(ring, lane, queue, item, 1);
	else
		submit_write(ring, lane, queue, item, 1);
}

/* Everything at once, and again as soon as it is done. */
static void victim_works(void *arg)
{
	struct victim *victim = arg;
	struct io_uring ring;
	__u64 items[LANES] = {};
	struct result got;
	int i;

	must(io_uring_queue_init(LANES, &ring, 0) == 0);
	for (i = 0; i < LANES; i++)
		lane_submit(&ring, i, victim->queue, items + i);
	gate_open(&victim->ready, 1);
	for (;;) {
		got = result(&ring);
		must(got.res == ITEM);
		lane_submit(&ring, got.data, victim->queue, items + got.data);
	}
}

/*
 * Killed at random, in the middle of everything. What the dead had put is there,
 * what they had been given is not, and nothing else: see all_there().
 */
TEST_F(uring, killed_at_random)
{
	struct victim *victim = shared_alloc(sizeof(*victim));
	__u64 random = now_ns() | 1;
	pid_t pids[2];
	int i, j;

	victim->queue = self->queue;
	for (i = 0; i < ROUNDS; i++) {
		atomic_store(&victim->ready, 0);
		for (j = 0; j < 2; j++)
			pids[j] = spawn(victim_works, victim);
		gate_wait(&victim->ready, 1);
		usleep(random_below(&random, 20000));
		for (j = 0; j < 2; j++)
			ASSERT_TRUE(killed(pids[j]));
		ASSERT_TRUE(balanced(self->queue));
	}
	EXPECT_LT(0, stats_of(self->queue).dequeued);
}

TEST_HARNESS_MAIN
