// SPDX-License-Identifier: GPL-2.0
/*
 * io_uring on queues, by way of liburing: reading, writing, polling and commands,
 * with many waits in flight, cancelled, and with those dying who wait.
 */
#include <dirent.h>

#include "../userlib/mpmc_uring.h"
#include "mpmc_iouring.h"
#include "mpmc_names.h"

#define ITEM sizeof(__u64)
#define CAPACITY 4096

/* Waits in flight: more than there will be of workers, or of CPUs. */
#define MANY 2000

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

/*
 * Whether that is what becomes of a command that is cancelled, before or while it
 * waits in a worker.
 */
static bool cancelled(int res)
{
	return res == -ECANCELED || res == -EINTR;
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
	int ret = ring_init(&self->ring, MANY, variant->flags);

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

/* Who says that he does not wait does not. (O_NONBLOCK lets it wait as polls do.) */
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

/* --- Commands --- */

/* Whether those that are submitted now are to wait without a thread. */
static bool parking;

/* The helpers of mpmc_uring.h set all but the data. */
#define command(ring, data, what, ...)                                     \
	({                                                                 \
		command_add(ring, data, what, __VA_ARGS__);                \
		submit(ring, 1);                                           \
	})

/* To be submitted with others. */
#define command_add(ring, data, what, ...)                                 \
	({                                                                 \
		struct io_uring_sqe *__sqe = sqe_of(ring, data);           \
									   \
		mpmc_prep_##what(__sqe, __VA_ARGS__);                      \
		if (parking)                                               \
			mpmc_prep_park(__sqe);                             \
		io_uring_sqe_set_data64(__sqe, data);                      \
		__sqe;                                                     \
	})

/* The same, and its result. */
#define command_result(ring, what, ...)                                    \
	({                                                                 \
		command(ring, 99, what, __VA_ARGS__);                      \
		result_of(ring, 99);                                       \
	})

FIXTURE(command)
{
	struct io_uring ring;
	int queue;
	uint64_t items[MANY];
	struct mpmc_transfer transfers[MANY];
};

FIXTURE_VARIANT(command)
{
	unsigned int flags;
	bool park;
};

FIXTURE_VARIANT_ADD(command, plain)
{
	.flags = 0,
};

FIXTURE_VARIANT_ADD(command, deferred)
{
	.flags = DEFERRED,
};

FIXTURE_VARIANT_ADD(command, parked)
{
	.park = true,
};

FIXTURE_VARIANT_ADD(command, parked_deferred)
{
	.flags = DEFERRED,
	.park = true,
};

FIXTURE_SETUP(command)
{
	int ret = ring_init(&self->ring, MANY, variant->flags);

	if (ret == -EOPNOTSUPP)
		SKIP(return, "no io_uring in this kernel");
	ASSERT_EQ(0, ret);
	parking = variant->park;
	if (parking && !can_park())
		SKIP(return, "a kernel that can't end parked commands");
	/* Workers, too, put their items in one line with all others. */
	self->queue = queue_create(CAPACITY, 1);
	ASSERT_LE(0, self->queue);
	memset(self->items, 0, sizeof(self->items));
}

FIXTURE_TEARDOWN(command)
{
	io_uring_queue_exit(&self->ring);
	EXPECT_TRUE(all_there(self->queue));
}

TEST_F(command, feature)
{
	struct mpmc_device_info info;

	ASSERT_EQ(0, device_info(&info));
	EXPECT_TRUE(info.features & MPMC_FEATURE_URING);
}

/* Those that need not wait. Catches: a thread for one that only looks. */
TEST_F(command, done_at_once)
{
	struct mpmc_transfer *transfer = self->transfers;
	struct io_uring *ring = &self->ring;
	uint64_t out[] = { 1, 2, 3 };

	EXPECT_EQ(-EAGAIN, command_result(ring, try_dequeue, self->queue,
					  transfer));
	EXPECT_EQ(0, command_result(ring, try_enqueue, self->queue, transfer,
				    7));
	EXPECT_EQ(0, command_result(ring, try_enqueue_bulk, self->queue,
				    transfer, out, 3));
	EXPECT_EQ(1, command_result(ring, try_dequeue, self->queue, transfer));
	EXPECT_EQ(7, transfer->items);
	EXPECT_EQ(3, command_result(ring, try_dequeue_bulk, self->queue,
				    transfer, self->items, 10));
	EXPECT_EQ(0, memcmp(out, self->items, sizeof(out)));
	ASSERT_EQ(CAPACITY, fill(self->queue, 1));
	EXPECT_EQ(-EAGAIN, command_result(ring, try_enqueue, self->queue,
					  transfer, 7));
	EXPECT_EQ(-EAGAIN, command_result(ring, try_enqueue_bulk, self->queue,
					  transfer, out, 3));
	EXPECT_EQ(0, workers());
	/* That one may wait, but need not. */
	EXPECT_EQ(1, command_result(ring, dequeue_wait, self->queue, transfer,
				    NULL));
	EXPECT_EQ(1, transfer->items);
	EXPECT_EQ(0, workers());
}

/* As ioctl() has them. */
TEST_F(command, errors)
{
	struct mpmc_transfer *transfer = self->transfers;
	struct io_uring *ring = &self->ring;
	struct iovec iov = { self->items, sizeof(self->items) };
	struct timespec none = { .tv_nsec = -1 };
	struct mpmc_queue_info info;
	struct io_uring_sqe *sqe;

	EXPECT_EQ(-ENOTTY, command_result(ring, command, self->queue,
					  MPMC_IOC_LEASE_FILL, transfer));
	EXPECT_EQ(-EFAULT, command_result(ring, command, self->queue,
					  MPMC_IOC_ITEM_ENQUEUE, NULL));
	EXPECT_EQ(-EINVAL, command_result(ring, dequeue_bulk_wait, self->queue,
					  transfer, self->items, 0, NULL));
	EXPECT_EQ(-EMSGSIZE, command_result(ring, try_enqueue_bulk, self->queue,
					    transfer, self->items,
					    CAPACITY + 1));
	EXPECT_EQ(-EFAULT, command_result(ring, enqueue_bulk_wait, self->queue,
					  transfer, NULL, 1, NULL));
	EXPECT_EQ(-EINVAL, command_result(ring, dequeue_wait, self->queue,
					  transfer, &none));
	sqe = sqe_of(ring, 1);
	mpmc_prep_try_dequeue(sqe, self->queue, transfer);
	io_uring_sqe_set_data64(sqe, 1);
	sqe->__pad2[0] = 1ULL << 63;
	submit(ring, 1);
	EXPECT_EQ(-EINVAL, result_of(ring, 1));
	/* Registered memory is for reads and writes. */
	ASSERT_EQ(0, io_uring_register_buffers(ring, &iov, 1));
	command_add(ring, 1, try_dequeue, self->queue, transfer)
		->uring_cmd_flags = IORING_URING_CMD_FIXED;
	submit(ring, 1);
	EXPECT_EQ(-EINVAL, result_of(ring, 1));
	memset(&info, 0, sizeof(info));
	info.size = sizeof(info);
	EXPECT_EQ(0, command_result(ring, command, self->queue,
				    MPMC_IOC_QUEUE_INFO, &info));
	EXPECT_EQ(CAPACITY, info.capacity);
	EXPECT_EQ(0, workers());
	if (can_park())
		return;
	parking = true;
	EXPECT_EQ(-EOPNOTSUPP, command_result(ring, dequeue_wait, self->queue,
					      transfer, NULL));
}

/* Of what is not open, is no queue's, or is a token of the other kind. */
TEST_F(command, wrong_fd)
{
	struct mpmc_transfer *transfer = self->transfers;
	int consumer = consumer_create(self->queue, 4);
	int producer = producer_create(self->queue, 4);
	struct io_uring *ring = &self->ring;
	int pipe_fds[2];

	ASSERT_LE(0, consumer);
	ASSERT_LE(0, producer);
	ASSERT_EQ(0, pipe(pipe_fds));
	EXPECT_EQ(-ENOTTY, command_result(ring, enqueue_wait, consumer,
					  transfer, 1, NULL));
	EXPECT_EQ(-ENOTTY, command_result(ring, dequeue_wait, producer,
					  transfer, NULL));
	EXPECT_EQ(-EOPNOTSUPP, command_result(ring, try_enqueue, pipe_fds[1],
					      transfer, 1));
	close(pipe_fds[1]);
	EXPECT_EQ(-EBADF, command_result(ring, try_enqueue, pipe_fds[1],
					 transfer, 1));
	close(pipe_fds[0]);
	close(consumer);
	close(producer);
}

/* Catches: a way past what an fd is open for. */
TEST_F(command, mode)
{
	struct mpmc_transfer *transfer = self->transfers;
	int reader, writer;

	if (!names_available())
		SKIP(return, "a kernel that can't have names");
	writer = name_open("/uring", MPMC_OPEN_WRITE | MPMC_OPEN_CREATE, 0600);
	reader = name_open("/uring", MPMC_OPEN_READ, 0);
	name_unlink("/uring");
	ASSERT_LE(0, writer);
	ASSERT_LE(0, reader);
	EXPECT_EQ(-EBADF, command_result(&self->ring, try_enqueue, reader,
					 transfer, 1));
	EXPECT_EQ(0, queue_items(reader));
	close(writer);
	close(reader);
}

TEST_F(command, waits)
{
	struct mpmc_transfer *transfer = self->transfers;
	struct io_uring *ring = &self->ring;
	__u64 item = 0;

	command(ring, 1, dequeue_wait, self->queue, transfer, NULL);
	ASSERT_TRUE(wait_for_dequeuers(self->queue, 1));
	EXPECT_TRUE(idle(ring));
	ASSERT_EQ(0, enq(self->queue, 5));
	EXPECT_EQ(1, result_of(ring, 1));
	EXPECT_EQ(5, transfer->items);
	command(ring, 1, dequeue_bulk_wait, self->queue, transfer, self->items,
		10, NULL);
	ASSERT_TRUE(wait_for_dequeuers(self->queue, 1));
	ASSERT_EQ(0, enq(self->queue, 6));
	EXPECT_EQ(1, result_of(ring, 1));
	EXPECT_EQ(6, self->items[0]);
	ASSERT_EQ(CAPACITY, fill(self->queue, 1));
	command(ring, 1, enqueue_wait, self->queue, transfer, CAPACITY + 1,
		NULL);
	ASSERT_TRUE(wait_for_enqueuers(self->queue, 1));
	EXPECT_TRUE(idle(ring));
	ASSERT_EQ(1, deq(self->queue, &item));
	EXPECT_EQ(0, result_of(ring, 1));
	EXPECT_TRUE(take_range(self->queue, 2, CAPACITY));
}

/* All or none: room for a part of it is none. */
TEST_F(command, bulk_waits)
{
	struct mpmc_transfer *transfer = self->transfers;
	struct io_uring *ring = &self->ring;
	uint64_t out[] = { CAPACITY + 1, CAPACITY + 2, CAPACITY + 3 };

	ASSERT_EQ(CAPACITY, fill(self->queue, 1));
	command(ring, 1, enqueue_bulk_wait, self->queue, transfer, out, 3,
		NULL);
	ASSERT_TRUE(wait_for_enqueuers(self->queue, 1));
	ASSERT_TRUE(take_range(self->queue, 1, 2));
	usleep(20000);
	EXPECT_TRUE(idle(ring));
	EXPECT_EQ(CAPACITY - 2, queue_items(self->queue));
	ASSERT_TRUE(take_range(self->queue, 3, 1));
	EXPECT_EQ(0, result_of(ring, 1));
	EXPECT_TRUE(take_range(self->queue, 4, CAPACITY));
}

/* Never early, and then nothing has moved. */
TEST_F(command, timed)
{
	struct timespec soon = { .tv_nsec = 30000000 }, now = {};
	struct mpmc_transfer *transfer = self->transfers;
	struct io_uring *ring = &self->ring;
	__u64 start = now_ns();

	EXPECT_EQ(-ETIMEDOUT, command_result(ring, dequeue_wait, self->queue,
					     transfer, &soon));
	EXPECT_LE(start + soon.tv_nsec, now_ns());
	EXPECT_EQ(-ETIMEDOUT, command_result(ring, dequeue_bulk_wait,
					     self->queue, transfer,
					     self->items, 2, &now));
	ASSERT_EQ(CAPACITY, fill(self->queue, 1));
	start = now_ns();
	EXPECT_EQ(-ETIMEDOUT, command_result(ring, enqueue_wait, self->queue,
					     transfer, 1, &soon));
	EXPECT_LE(start + soon.tv_nsec, now_ns());
	EXPECT_EQ(2, stats_of(self->queue).dequeue_timeouts);
	EXPECT_EQ(1, stats_of(self->queue).enqueue_timeouts);
	EXPECT_TRUE(take_range(self->queue, 1, CAPACITY));
}

TEST_F(command, shutdown)
{
	int full = queue_create(1, 0), res[2];

	ASSERT_LE(0, full);
	ASSERT_EQ(0, enq(full, 1));
	command(&self->ring, 1, dequeue_wait, self->queue, &self->transfers[0],
		NULL);
	command(&self->ring, 2, enqueue_wait, full, &self->transfers[1], 2,
		NULL);
	ASSERT_TRUE(wait_for_dequeuers(self->queue, 1));
	ASSERT_TRUE(wait_for_enqueuers(full, 1));
	ASSERT_EQ(0, queue_shutdown(full));
	ASSERT_EQ(0, queue_shutdown(self->queue));
	results(&self->ring, res);
	EXPECT_EQ(-EPIPE, res[0]);
	EXPECT_EQ(-EPIPE, res[1]);
	close(full);
}

/* The commands of tokens, which are for one at a time that is in a thread. */
TEST_F(command, tokens)
{
	int producer = producer_create(self->queue, 4);
	int consumer = consumer_create(self->queue, 4);
	struct mpmc_transfer *transfer = self->transfers;
	struct mpmc_lease_item leased = {};
	struct mpmc_lease lease = {
		.size = sizeof(lease), .flags = MPMC_LEASE_WAIT, .count = 1,
		.items = (uintptr_t)&leased, .deadline = MPMC_FOREVER,
	};
	struct mpmc_lease_end end = { .size = sizeof(end), .count = 1 };
	struct io_uring *ring = &self->ring;
	int res[2];

	ASSERT_LE(0, producer);
	ASSERT_LE(0, consumer);
	command(ring, 1, dequeue_wait, consumer, transfer, NULL);
	ASSERT_TRUE(wait_for_dequeuers(self->queue, 1));
	EXPECT_EQ(parking ? -EAGAIN : -EBUSY,
		  command_result(ring, try_dequeue, consumer, transfer + 1));
	/* A worker that has waited may have done before who wakes it. */
	command(ring, 2, try_enqueue, producer, transfer + 2, 4);
	results(ring, res);
	EXPECT_EQ(1, res[0]);
	EXPECT_EQ(0, res[1]);
	EXPECT_EQ(4, transfer->items);
	command(ring, 1, command, consumer, MPMC_IOC_LEASE_FILL, &lease);
	ASSERT_TRUE(wait_for_dequeuers(self->queue, 1));
	ASSERT_EQ(0, enq(producer, 5));
	EXPECT_EQ(1, result_of(ring, 1));
	EXPECT_EQ(5, leased.value);
	EXPECT_EQ(1, queue_state(self->queue).leased);
	EXPECT_EQ(0, command_result(ring, command, consumer,
				    MPMC_IOC_LEASE_COMMIT, &end));
	EXPECT_EQ(0, queue_state(self->queue).leased);
	close(producer);
	close(consumer);
}

/* By a worker from the beginning, and by way of a file told of before. */
TEST_F(command, async)
{
	struct mpmc_transfer *transfer = self->transfers;
	struct io_uring_sqe *sqe = sqe_of(&self->ring, 1);

	parking = false;
	ASSERT_EQ(0, io_uring_register_files(&self->ring, &self->queue, 1));
	mpmc_prep_try_dequeue(sqe, 0, transfer);
	io_uring_sqe_set_data64(sqe, 1);
	sqe->flags |= IOSQE_ASYNC | IOSQE_FIXED_FILE;
	submit(&self->ring, 1);
	EXPECT_EQ(-EAGAIN, result_of(&self->ring, 1));
	sqe = sqe_of(&self->ring, 1);
	mpmc_prep_dequeue_wait(sqe, 0, transfer, NULL);
	io_uring_sqe_set_data64(sqe, 1);
	sqe->flags |= IOSQE_ASYNC | IOSQE_FIXED_FILE;
	submit(&self->ring, 1);
	ASSERT_TRUE(wait_for_dequeuers(self->queue, 1));
	ASSERT_EQ(0, enq(self->queue, 3));
	EXPECT_EQ(1, result_of(&self->ring, 1));
	EXPECT_EQ(3, transfer->items);
}

/*
 * One that waits for a worker, while the place where it was submitted is used again.
 * Catches: what is there being taken for it, as kernels do that keep no copy.
 */
TEST_F(command, in_line)
{
	struct mpmc_transfer *transfers = self->transfers;
	unsigned int max[] = { 1, 0 };
	struct io_uring ring;
	int i;

	parking = false;
	ASSERT_EQ(0, io_uring_queue_init(4, &ring, variant->flags));
	ASSERT_EQ(0, io_uring_register_iowq_max_workers(&ring, max));
	for (i = 0; i < 3; i++)
		command(&ring, i, dequeue_wait, self->queue, transfers + i,
			NULL);
	for (i = 0; i < 8; i++) {
		io_uring_prep_nop(sqe_of(&ring, 9));
		submit(&ring, 1);
		EXPECT_EQ(0, result(&ring).res);
	}
	for (i = 0; i < 3; i++) {
		ASSERT_TRUE(wait_for_dequeuers(self->queue, 1));
		ASSERT_EQ(0, enq(self->queue, 10 + i));
		EXPECT_EQ(1, result_of(&ring, i));
		EXPECT_EQ(10 + i, transfers[i].items);
	}
	io_uring_queue_exit(&ring);
}

/* Nobody calls the kernel but a thread of its own. */
TEST_F(command, sqpoll)
{
	struct mpmc_transfer *transfer = self->transfers;
	struct io_uring ring;

	ASSERT_EQ(0, io_uring_queue_init(4, &ring, IORING_SETUP_SQPOLL));
	command(&ring, 1, dequeue_wait, self->queue, transfer, NULL);
	ASSERT_TRUE(wait_for_dequeuers(self->queue, 1));
	command(&ring, 2, try_enqueue, self->queue, transfer + 1, 9);
	EXPECT_EQ(3, result(&ring).data + result(&ring).data);
	EXPECT_EQ(9, transfer->items);
	io_uring_queue_exit(&ring);
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

/* The same with commands, in whatever workers there are for them, or without any. */
TEST_F(command, many)
{
	struct result got;
	__u64 sum = 0;
	int i;

	for (i = 0; i < MANY; i++)
		command_add(&self->ring, i, dequeue_wait, self->queue,
			    &self->transfers[i], NULL);
	submit(&self->ring, MANY);
	if (parking) {
		EXPECT_EQ(MANY, queue_waiters(self->queue));
		EXPECT_EQ(0, workers());
	}
	put_range(self->queue, 1, MANY);
	for (i = 0; i < MANY; i++) {
		got = result(&self->ring);
		ASSERT_EQ(1, got.res);
	}
	for (i = 0; i < MANY; i++)
		sum += self->transfers[i].items;
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

TEST_F(command, cancel)
{
	struct mpmc_transfer *transfer = self->transfers;
	struct mpmc_uring_cancel cancel;
	int res[2];

	command(&self->ring, 1, dequeue_wait, self->queue, transfer, NULL);
	ASSERT_TRUE(wait_for_dequeuers(self->queue, 1));
	if (parking)
		command_add(&self->ring, 2, cancel, self->queue, &cancel,
			    transfer);
	else
		prepare(&self->ring, 2, cancel64, 1, 0);
	submit(&self->ring, 1);
	results(&self->ring, res);
	EXPECT_TRUE(cancelled(res[0]));
	EXPECT_TRUE(res[1] == 0 || res[1] == -EALREADY);
	EXPECT_EQ(0, queue_waiters(self->queue));
	ASSERT_EQ(0, enq(self->queue, 5));
	EXPECT_TRUE(idle(&self->ring));
	EXPECT_TRUE(take_range(self->queue, 5, 1));
}

static void submit_timed_command(struct io_uring *ring, int queue,
				 struct mpmc_transfer *transfer,
				 struct __kernel_timespec *ts)
{
	command_add(ring, 1, dequeue_wait, queue, transfer, NULL)->flags |=
		IOSQE_IO_LINK;
	prepare(ring, 2, link_timeout, ts, 0);
	submit(ring, 2);
}

TEST_F(command, link_timeout)
{
	struct __kernel_timespec soon = { .tv_nsec = 30000000 };
	__u64 start = now_ns();
	int res[2];

	parking = false;
	submit_timed_command(&self->ring, self->queue, self->transfers, &soon);
	results(&self->ring, res);
	EXPECT_TRUE(cancelled(res[0]));
	/* Which says that it was late in one way or another. */
	EXPECT_GT(0, res[1]);
	EXPECT_NE(-ECANCELED, res[1]);
	EXPECT_LE(start + soon.tv_nsec, now_ns());
	EXPECT_EQ(0, queue_waiters(self->queue));
}

/* --- Parked --- */

FIXTURE(park)
{
	struct io_uring ring;
	int queue;
	struct mpmc_transfer transfers[3];
};

FIXTURE_VARIANT(park)
{
	unsigned int flags;
};

FIXTURE_VARIANT_ADD(park, plain)
{
	.flags = 0,
};

FIXTURE_VARIANT_ADD(park, deferred)
{
	.flags = DEFERRED,
};

FIXTURE_SETUP(park)
{
	int ret = ring_init(&self->ring, MANY, variant->flags);

	if (ret == -EOPNOTSUPP)
		SKIP(return, "no io_uring in this kernel");
	if (!can_park())
		SKIP(return, "a kernel that can't end parked commands");
	ASSERT_EQ(0, ret);
	self->queue = queue_create(CAPACITY, 0);
	ASSERT_LE(0, self->queue);
	parking = true;
}

FIXTURE_TEARDOWN(park)
{
	io_uring_queue_exit(&self->ring);
	EXPECT_TRUE(all_there(self->queue));
}

/* Which a parked one does not obey, having a deadline of its own for that. */
TEST_F(park, link_timeout)
{
	struct mpmc_uring_cancel cancel = {
		.size = sizeof(cancel), .arg = (uintptr_t)self->transfers,
	};
	struct __kernel_timespec soon = { .tv_nsec = 30000000 };

	submit_timed_command(&self->ring, self->queue, self->transfers, &soon);
	EXPECT_EQ(-ENOENT, result_of(&self->ring, 2));
	EXPECT_EQ(1, queue_waiters(self->queue));
	EXPECT_EQ(0, mpmc_ioctl(self->queue, MPMC_IOC_URING_CANCEL, &cancel));
	EXPECT_EQ(-ECANCELED, result_of(&self->ring, 1));
}

/* What becomes of what would cancel it, by its data or by its fd. */
static int cancel_by_ring(struct io_uring *ring, int queue, int flags)
{
	struct io_uring_sqe *sqe = sqe_of(ring, 2);

	io_uring_prep_cancel64(sqe, 1, flags & ~IORING_ASYNC_CANCEL_FD);
	if (flags & IORING_ASYNC_CANCEL_FD)
		io_uring_prep_cancel_fd(sqe, queue, flags);
	io_uring_sqe_set_data64(sqe, 2);
	submit(ring, 1);
	return result_of(ring, 2);
}

/* Nor does it obey any other way of io_uring's; all of none are 0. */
TEST_F(park, cancelled_by_ring)
{
	struct mpmc_uring_cancel cancel = {
		.size = sizeof(cancel), .arg = (uintptr_t)self->transfers,
	};
	struct io_uring_sync_cancel_reg sync = {
		.addr = 1, .timeout = { .tv_sec = 1 },
	};
	struct io_uring *ring = &self->ring;
	const int all = IORING_ASYNC_CANCEL_ALL, fd = IORING_ASYNC_CANCEL_FD;

	command(ring, 1, dequeue_wait, self->queue, self->transfers, NULL);
	EXPECT_EQ(-ENOENT, cancel_by_ring(ring, self->queue, 0));
	EXPECT_EQ(-ENOENT, cancel_by_ring(ring, self->queue, fd));
	EXPECT_EQ(0, cancel_by_ring(ring, self->queue, all));
	EXPECT_EQ(0, cancel_by_ring(ring, self->queue, all | fd));
	EXPECT_EQ(-ENOENT, io_uring_register_sync_cancel(ring, &sync));
	sync.flags = all;
	EXPECT_EQ(0, io_uring_register_sync_cancel(ring, &sync));
	EXPECT_TRUE(idle(ring));
	EXPECT_EQ(1, queue_waiters(self->queue));
	EXPECT_EQ(0, mpmc_ioctl(self->queue, MPMC_IOC_URING_CANCEL, &cancel));
	EXPECT_EQ(-ECANCELED, result_of(ring, 1));
}

/* What waits is put in line with what its thread has put, in any segment of many. */
TEST_F(park, order)
{
	struct mpmc_transfer *transfers = self->transfers;
	int i;

	ASSERT_EQ(CAPACITY, fill(self->queue, 1));
	for (i = 0; i < 3; i++)
		command(&self->ring, i, enqueue_wait, self->queue,
			transfers + i, CAPACITY + 1 + i, NULL);
	for (i = 0; i < 3; i++) {
		ASSERT_TRUE(take_range(self->queue, 1 + i, 1));
		EXPECT_EQ(0, result_of(&self->ring, i));
	}
	EXPECT_TRUE(take_range(self->queue, 4, CAPACITY));
}

/*
 * What is parked for room for one, and then wants two, is not woken by itself for
 * ever. Catches: a thread in an endless loop, which can't be killed.
 */
TEST_F(park, changed)
{
	struct mpmc_transfer *transfer = self->transfers;
	uint64_t items[2] = { 8, 9 };
	int queue = queue_create(2, 0);

	ASSERT_LE(0, queue);
	ASSERT_EQ(2, fill(queue, 1));
	command(&self->ring, 1, enqueue_bulk_wait, queue, transfer, items, 1,
		NULL);
	ASSERT_EQ(1, queue_waiters(queue));
	*(volatile __u32 *)&transfer->count = 2;
	ASSERT_TRUE(take_range(queue, 1, 1));
	EXPECT_EQ(-EINVAL, result_of(&self->ring, 1));
	EXPECT_EQ(0, queue_waiters(queue));
	ASSERT_TRUE(take_range(queue, 2, 1));
	close(queue);
}

/* Only by those whose it is, and only what is there. */
TEST_F(park, cancel_which)
{
	struct mpmc_uring_cancel cancel = { .size = sizeof(cancel) };
	struct mpmc_transfer *transfers = self->transfers;
	struct io_uring *ring = &self->ring;
	int other = queue_create(1, 0), i;
	pid_t pid;

	ASSERT_LE(0, other);
	for (i = 0; i < 3; i++)
		command(ring, i, dequeue_wait, self->queue, transfers + i,
			NULL);
	cancel.arg = (uintptr_t)&transfers[1];
	EXPECT_EQ(-ENOENT, mpmc_ioctl(other, MPMC_IOC_URING_CANCEL, &cancel));
	pid = fork();
	must(pid >= 0);
	if (!pid)
		_exit(mpmc_ioctl(self->queue, MPMC_IOC_URING_CANCEL,
				 &cancel) != -ENOENT);
	EXPECT_EQ(0, reap(pid));
	EXPECT_TRUE(idle(ring));
	EXPECT_EQ(0, mpmc_ioctl(self->queue, MPMC_IOC_URING_CANCEL, &cancel));
	EXPECT_EQ(-ECANCELED, result_of(ring, 1));
	EXPECT_EQ(-ENOENT, mpmc_ioctl(self->queue, MPMC_IOC_URING_CANCEL,
				      &cancel));
	cancel.flags = 1;
	EXPECT_EQ(-EINVAL, mpmc_ioctl(self->queue, MPMC_IOC_URING_CANCEL,
				      &cancel));
	put_range(self->queue, 1, 2);
	for (i = 0; i < 2; i++)
		EXPECT_EQ(1, result(ring).res);
	close(other);
}

/*
 * Of two with the same structure each is cancelled once, also when nobody has looked
 * for what was due yet. Catches: a second cancel that says so and cancels nothing.
 */
TEST_F(park, cancel_both)
{
	struct mpmc_uring_cancel cancel = { .size = sizeof(cancel) };
	struct mpmc_transfer *transfer = self->transfers;
	int i;

	for (i = 0; i < 2; i++)
		command(&self->ring, i, dequeue_wait, self->queue, transfer, NULL);
	cancel.arg = (uintptr_t)transfer;
	for (i = 0; i < 2; i++)
		EXPECT_EQ(0, mpmc_ioctl(self->queue, MPMC_IOC_URING_CANCEL, &cancel));
	EXPECT_EQ(-ENOENT, mpmc_ioctl(self->queue, MPMC_IOC_URING_CANCEL, &cancel));
	for (i = 0; i < 2; i++)
		EXPECT_EQ(-ECANCELED, result(&self->ring).res);
	EXPECT_EQ(0, queue_state(self->queue).dequeue_waiters);
}

/*
 * Who is cancelled, or late, at the same time as he is woken, passes that on.
 * Catches: an item that lies there while somebody sleeps.
 */
TEST_F(park, wakeup_is_passed_on)
{
	struct mpmc_uring_cancel cancel = { .size = sizeof(cancel) };
	struct timespec soon = { .tv_nsec = 1000000 };
	struct io_uring *ring = &self->ring, sleeper;
	int i, res;

	ASSERT_EQ(0, io_uring_queue_init(4, &sleeper, variant->flags));
	for (i = 0; i < 200; i++) {
		/* The first one is first in line, and does not look. */
		command(ring, 1, dequeue_wait, self->queue,
			&self->transfers[0], i % 2 ? &soon : NULL);
		command(&sleeper, 2, dequeue_wait, self->queue,
			&self->transfers[1], NULL);
		if (i % 2)
			spin_ns(soon.tv_nsec);
		ASSERT_EQ(0, enq(self->queue, 1));
		cancel.arg = (uintptr_t)&self->transfers[0];
		mpmc_ioctl(self->queue, MPMC_IOC_URING_CANCEL, &cancel);
		res = result_of(ring, 1);
		ASSERT_TRUE(res == 1 || res == -ETIMEDOUT ||
			    res == -ECANCELED);
		if (res == 1)
			ASSERT_EQ(0, enq(self->queue, 2));
		ASSERT_EQ(1, result_of(&sleeper, 2));
	}
	io_uring_queue_exit(&sleeper);
}

#define PINGS 3000

/* A thread that puts, one at a time, each parked if there is no room. */
static void *ping(void *arg)
{
	struct mpmc_transfer transfer;
	struct io_uring ring;
	int i, *queue = arg;

	must(io_uring_queue_init(4, &ring, 0) == 0);
	for (i = 0; i < PINGS; i++)
		must(command_result(&ring, enqueue_wait, *queue, &transfer, i,
				    NULL) == 0);
	io_uring_queue_exit(&ring);
	return NULL;
}

/*
 * Who is about to be parked while that comes that he waits for is told of it, time
 * and again. Catches: what has happened being forgotten as he is left to himself.
 */
TEST_F(park, no_wakeup_is_lost)
{
	struct mpmc_transfer *transfer = self->transfers;
	int i, queue = queue_create(1, 0);
	pthread_t thread;

	ASSERT_LE(0, queue);
	thread = thread_start(ping, &queue);
	for (i = 0; i < PINGS; i++) {
		ASSERT_EQ(1, command_result(&self->ring, dequeue_wait, queue,
					    transfer, NULL));
		ASSERT_EQ(i, transfer->items);
	}
	thread_join(thread);
	close(queue);
}

#define STORM_THREADS 4
#define STORM_LANES 16
#define STORM_ROUNDS 3000

/* What a thread does that puts, takes, is late and cancels, all at random. */
struct storm {
	pthread_t thread;
	int queue;
	unsigned int flags;
	__u64 random;
	struct io_uring ring;
	struct mpmc_transfer transfers[STORM_LANES];
	bool busy[STORM_LANES];
	__u64 put;
	__u64 taken;
};

static void storm_begin(struct storm *storm, int lane)
{
	struct mpmc_transfer *transfer = &storm->transfers[lane];
	struct timespec ts = { .tv_nsec = random_below(&storm->random, 500000) };
	struct timespec *timeout = random_below(&storm->random, 3) ? &ts : NULL;

	if (lane % 2)
		command(&storm->ring, lane, enqueue_wait, storm->queue,
			transfer, 1, timeout);
	else
		command(&storm->ring, lane, dequeue_wait, storm->queue,
			transfer, timeout);
	storm->busy[lane] = true;
}

static void storm_cancel(struct storm *storm, int lane)
{
	struct mpmc_uring_cancel cancel = {
		.size = sizeof(cancel),
		.arg = (uintptr_t)&storm->transfers[lane],
	};
	int ret = mpmc_ioctl(storm->queue, MPMC_IOC_URING_CANCEL, &cancel);

	must(ret == 0 || ret == -ENOENT);
}

static void storm_end(struct storm *storm)
{
	struct result got = result(&storm->ring);

	must(got.data < STORM_LANES && storm->busy[got.data]);
	storm->busy[got.data] = false;
	must(got.res == -ETIMEDOUT || got.res == -ECANCELED ||
	     got.res == !(got.data % 2));
	if (got.res >= 0 && got.data % 2)
		storm->put++;
	else if (got.res >= 0)
		storm->taken++;
}

/* Those that are still there have no deadline, perhaps. */
static void storm_settle(struct storm *storm)
{
	int lane;

	for (lane = 0; lane < STORM_LANES; lane++)
		storm_cancel(storm, lane);
	for (lane = 0; lane < STORM_LANES; lane++)
		while (storm->busy[lane])
			storm_end(storm);
}

static void *storm_run(void *arg)
{
	struct storm *storm = arg;
	int i, lane;

	must(io_uring_queue_init(4 * STORM_LANES, &storm->ring,
				 storm->flags) == 0);
	for (i = 0; i < STORM_ROUNDS; i++) {
		lane = random_below(&storm->random, STORM_LANES);
		if (!storm->busy[lane])
			storm_begin(storm, lane);
		else if (random_below(&storm->random, 2))
			storm_cancel(storm, lane);
		while (io_uring_cq_ready(&storm->ring))
			storm_end(storm);
		/* What is due is done on the way through the kernel. */
		io_uring_get_events(&storm->ring);
	}
	storm_settle(storm);
	io_uring_queue_exit(&storm->ring);
	return NULL;
}

/*
 * Woken, late and cancelled at once, on all CPUs, where there is room for two: each
 * completes once, and what it says is true. Catches: one that is forgotten, or two
 * who end it; an item that is lost, or there twice.
 */
TEST_F(park, storm)
{
	struct storm *storms = calloc(STORM_THREADS, sizeof(*storms));
	int i, queue = queue_create(2, 0);
	__u64 put = 0, taken = 0;

	ASSERT_LE(0, queue);
	ASSERT_NE(NULL, storms);
	for (i = 0; i < STORM_THREADS; i++) {
		storms[i].queue = queue;
		storms[i].flags = variant->flags;
		storms[i].random = now_ns() * 2 + i * 2 + 1;
		storms[i].thread = thread_start(storm_run, &storms[i]);
	}
	for (i = 0; i < STORM_THREADS; i++) {
		thread_join(storms[i].thread);
		put += storms[i].put;
		taken += storms[i].taken;
	}
	EXPECT_LT(0, taken);
	EXPECT_EQ(0, queue_waiters(queue));
	EXPECT_TRUE(balanced(queue));
	EXPECT_EQ(put - taken, drain(queue));
	EXPECT_EQ(2, fill(queue, 1));
	EXPECT_EQ(0, workers());
	close(queue);
	free(storms);
}

/* --- Ends --- */

/* Waits of all kinds, for what will not come; how many. */
static int wait_for_nothing(struct io_uring *ring, int empty, int full)
{
	static struct mpmc_transfer transfers[MANY];
	static uint64_t items[MANY];
	int i;

	for (i = 0; i < MANY; i += 5) {
		prepare(ring, i, read, empty, items + i, ITEM, -1);
		prepare(ring, i, write, full, items + i, ITEM, -1);
		prepare(ring, i, poll_add, empty, POLLIN);
		prepare(ring, i, poll_multishot, full, POLLOUT);
		parking = can_park() && i % 4 < 2;
		if (i % 2)
			command_add(ring, i, dequeue_wait, empty,
				    &transfers[i], NULL);
		else
			command_add(ring, i, enqueue_wait, full, &transfers[i],
				    7, NULL);
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
	int lanes;
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

static void victim_execs(void *arg)
{
	struct victim *victim = arg;
	struct mpmc_transfer transfer;
	struct io_uring ring;

	must(io_uring_queue_init(1, &ring, 0) == 0);
	command(&ring, 1, dequeue_wait, victim->queue, &transfer, NULL);
	gate_open(&victim->ready, 1);
	gate_wait(&victim->ready, 2);
	execl("/bin/sleep", "sleep", "1000", NULL);
}

/* Another program in the same process waits for nothing of the first one's. */
TEST_F(park, exec)
{
	struct victim *victim = shared_alloc(sizeof(*victim));
	pid_t pid;

	victim->queue = self->queue;
	pid = spawn(victim_execs, victim);
	gate_wait(&victim->ready, 1);
	EXPECT_EQ(1, queue_waiters(self->queue));
	gate_open(&victim->ready, 2);
	EXPECT_TRUE(eventually(!queue_waiters(self->queue)));
	put_range(self->queue, 1, 1);
	EXPECT_TRUE(take_range(self->queue, 1, 1));
	/* It is still there. */
	EXPECT_TRUE(killed(pid));
}

#define ROUNDS 20
#define LANES 64

/* One more of what a lane does. */
static void lane_submit(struct io_uring *ring, int lane, int queue,
			struct mpmc_transfer *transfer)
{
	parking = can_park() && lane % 8 >= 4;
	switch (lane % 4) {
	case 0:
		submit_read(ring, lane, queue, &transfer->items, 1);
		break;
	case 1:
		submit_write(ring, lane, queue, &transfer->items, 1);
		break;
	case 2:
		command(ring, lane, dequeue_wait, queue, transfer, NULL);
		break;
	case 3:
		command(ring, lane, enqueue_wait, queue, transfer, lane, NULL);
		break;
	}
}

/* Everything at once, and again as soon as it is done. */
static void victim_works(void *arg)
{
	static const int done[] = { ITEM, ITEM, 1, 0 };
	static struct mpmc_transfer transfers[MANY];
	struct victim *victim = arg;
	struct io_uring ring;
	struct result got;
	int i;

	must(io_uring_queue_init(victim->lanes, &ring, 0) == 0);
	for (i = 0; i < victim->lanes; i++) {
		/* Where there are many it may die before it has begun with all. */
		if (i == LANES)
			gate_open(&victim->ready, 1);
		lane_submit(&ring, i, victim->queue, &transfers[i]);
	}
	gate_open(&victim->ready, 1);
	for (;;) {
		got = result(&ring);
		/* What is cancelled is so because we are being killed. */
		if (got.res != done[got.data % 4] && !cancelled(got.res)) {
			fprintf(stderr, "# lane %d: %d\n", (int)got.data,
				got.res);
			abort();
		}
		lane_submit(&ring, got.data, victim->queue,
			    &transfers[got.data]);
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
		victim->lanes = i % 4 ? LANES : MANY;
		atomic_store(&victim->ready, 0);
		for (j = 0; j < 2; j++)
			pids[j] = spawn(victim_works, victim);
		gate_wait(&victim->ready, 1);
		usleep(random_below(&random, i % 4 ? 20000 : 200000));
		for (j = 0; j < 2; j++)
			ASSERT_TRUE(killed(pids[j]));
		ASSERT_TRUE(balanced(self->queue));
	}
	EXPECT_LT(0, stats_of(self->queue).dequeued);
}

TEST_HARNESS_MAIN
