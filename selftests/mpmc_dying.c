// SPDX-License-Identifier: GPL-2.0
/*
 * Descriptors that are closed, or stand for something else, while poll, epoll,
 * io_uring or a call still works on what they were
 */
#include <sys/epoll.h>

#include "mpmc_iouring.h"

#define SHORT_MS 200

/* How many files of ours there are in the system. */
static int module_files(void)
{
	FILE *file = fopen("/sys/module/mpmc/refcnt", "r");
	int n = -1;

	must(file && fscanf(file, "%d", &n) == 1);
	fclose(file);
	return n;
}

FIXTURE(dying)
{
	int files;
	int queue;
	int other;	/* of the same queue */
};

FIXTURE_SETUP(dying)
{
	self->files = module_files();
	self->queue = queue_create(8, 2);
	ASSERT_LE(0, self->queue);
	self->other = dup(self->queue);
	ASSERT_LE(0, self->other);
}

/* All is gone: also what only the dead descriptors had. */
FIXTURE_TEARDOWN(dying)
{
	close(self->queue);
	close(self->other);
	EXPECT_TRUE(eventually(module_files() == self->files));
}

struct poller {
	int fd;
	int timeout_ms;
	int result;
	short revents;
	atomic_int tid;
};

static void *poller_run(void *arg)
{
	struct poller *poller = arg;
	struct pollfd pfd = { .fd = poller->fd, .events = POLLIN };

	atomic_store(&poller->tid, syscall(SYS_gettid));
	poller->result = poll(&pfd, 1, poller->timeout_ms);
	poller->revents = pfd.revents;
	return NULL;
}

/* It looks the number up again when it wakes, and there is no such file. */
TEST_F(dying, polled)
{
	struct poller poller = { .fd = self->queue, .timeout_ms = -1 };
	pthread_t thread = thread_start(poller_run, &poller);

	ASSERT_TRUE(eventually(thread_asleep(&poller.tid)));
	close(self->queue);
	ASSERT_EQ(0, enq(self->other, 1));
	thread_join(thread);
	EXPECT_EQ(1, poller.result);
	EXPECT_EQ(POLLNVAL, poller.revents);
}

/* Nobody can put anything into it any more. */
TEST_F(dying, polled_by_the_last)
{
	struct poller poller = {
		.fd = self->queue, .timeout_ms = SHORT_MS,
	};
	pthread_t thread;

	close(self->other);
	thread = thread_start(poller_run, &poller);
	ASSERT_TRUE(eventually(thread_asleep(&poller.tid)));
	close(self->queue);
	thread_join(thread);
	EXPECT_EQ(1, poller.result);
	EXPECT_EQ(POLLNVAL, poller.revents);
}

static int epoll_with(int fd)
{
	struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };
	int epoll = epoll_create1(EPOLL_CLOEXEC);

	must(epoll >= 0);
	must(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0);
	return epoll;
}

static int epoll_events(int epoll, int timeout_ms)
{
	struct epoll_event event;

	return epoll_wait(epoll, &event, 1, timeout_ms);
}

/* epoll(7): a file leaves the set with its last descriptor. */
TEST_F(dying, epolled)
{
	int epoll = epoll_with(self->queue), again;

	close(self->queue);
	ASSERT_EQ(0, enq(self->other, 1));
	EXPECT_EQ(1, epoll_events(epoll, 0));
	close(self->other);
	EXPECT_EQ(0, epoll_events(epoll, 0));
	again = queue_create(8, 2);
	ASSERT_EQ(0, enq(again, 1));
	EXPECT_EQ(0, epoll_events(epoll, 0));
	close(again);
	close(epoll);
}

/* What it had been handed wakes who polls another token. */
TEST_F(dying, epolled_token)
{
	struct mpmc_lease_item items[2];
	int one = consumer_create(self->queue, 2);
	int two = consumer_create(self->queue, 2);
	int of_one = epoll_with(one), of_two = epoll_with(two);

	put_range(self->queue, 1, 2);
	ASSERT_EQ(2, lease_fill(one, items, 2));
	EXPECT_EQ(0, epoll_events(of_two, 0));
	close(one);
	EXPECT_EQ(1, epoll_events(of_two, 5000));
	EXPECT_EQ(0, epoll_events(of_one, 0));
	ASSERT_EQ(2, lease_fill(two, items, 2));
	EXPECT_EQ(2, items[1].deliveries);
	close(of_one);
	close(of_two);
	close(two);
}

static void *taker_run(void *arg)
{
	__u64 item = 0;

	must(deq_until(*(int *)arg, &item, ~0ULL) == 1);
	must(item == 1);
	return NULL;
}

/* Who waits waits for what the number stood for. */
TEST_F(dying, number_of_another)
{
	int fd = self->queue, another = queue_create(8, 2);
	pthread_t thread = thread_start(taker_run, &fd);
	__u64 item;

	ASSERT_TRUE(wait_for_dequeuers(self->other, 1));
	ASSERT_EQ(fd, dup2(another, fd));
	ASSERT_EQ(0, enq(fd, 2));
	EXPECT_EQ(1, queue_state(self->other).dequeue_waiters);
	ASSERT_EQ(0, enq(self->other, 1));
	thread_join(thread);
	ASSERT_EQ(1, deq(another, &item));
	EXPECT_EQ(2, item);
	close(another);
}

/* --- io_uring --- */

TEST_F(dying, polled_by_a_ring)
{
	struct io_uring ring;
	int ret = ring_init(&ring, 4, 0);

	if (ret == -EOPNOTSUPP)
		SKIP(return, "no io_uring in this kernel");
	ASSERT_EQ(0, ret);
	io_uring_prep_poll_add(io_uring_get_sqe(&ring), self->queue, POLLIN);
	ASSERT_EQ(1, io_uring_submit(&ring));
	close(self->queue);
	ASSERT_EQ(0, enq(self->other, 1));
	EXPECT_EQ(POLLIN, ring_result(&ring));
	io_uring_queue_exit(&ring);
}

/* The ring has the last file, and what goes with it is the ring. */
TEST_F(dying, polled_by_a_ring_that_goes)
{
	struct io_uring ring;
	int ret = ring_init(&ring, 4, 0);

	if (ret == -EOPNOTSUPP)
		SKIP(return, "no io_uring in this kernel");
	ASSERT_EQ(0, ret);
	io_uring_prep_poll_add(io_uring_get_sqe(&ring), self->queue, POLLIN);
	ASSERT_EQ(1, io_uring_submit(&ring));
	close(self->queue);
	close(self->other);
	EXPECT_EQ(self->files + 1, module_files());
	io_uring_queue_exit(&ring);
}

/* A read that is not done takes nothing, however its ring ends. */
TEST_F(dying, read_by_a_ring_that_goes)
{
	struct io_uring ring;
	int ret = ring_init(&ring, 4, 0);
	__u64 item = 0;

	if (ret == -EOPNOTSUPP)
		SKIP(return, "no io_uring in this kernel");
	ASSERT_EQ(0, ret);
	io_uring_prep_read(io_uring_get_sqe(&ring), self->queue, &item,
			   sizeof(item), 0);
	ASSERT_EQ(1, io_uring_submit(&ring));
	close(self->queue);
	io_uring_queue_exit(&ring);
	/* A ring's requests end after it does. */
	ASSERT_TRUE(eventually(module_files() == self->files + 1));
	ASSERT_EQ(0, enq(self->other, 1));
	ASSERT_EQ(1, deq(self->other, &item));
	EXPECT_EQ(1, item);
}

/* --- All at once, at random --- */

#define SLOTS 4
#define ROUNDS 2000

static struct {
	int base;	/* of SLOTS numbers, for queues and tokens */
	atomic_bool stop;
} table;

/* Whatever it says: the number may stand for anything, or nothing. */
static void *user_run(void *arg)
{
	__u64 rng = (uintptr_t)arg * 2654435761ULL + 1, item;
	int epoll = epoll_create1(EPOLL_CLOEXEC), fd;
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };
	struct mpmc_lease_item lease;
	struct pollfd pfd;

	while (!atomic_load(&table.stop)) {
		fd = table.base + random_below(&rng, SLOTS);
		pfd = (struct pollfd){ .fd = fd, .events = POLLIN };
		switch (random_below(&rng, 7)) {
		case 0: enq(fd, 1); break;
		case 1: deq(fd, &item); break;
		case 2: lease_fill(fd, &lease, 1); break;
		case 3: poll(&pfd, 1, 1); break;
		case 4: epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event); break;
		case 5: epoll_wait(epoll, &event, 1, 1); break;
		case 6: deq_until(fd, &item, in_ms(1)); break;
		}
	}
	close(epoll);
	return NULL;
}

/* Another queue, or a token of one of those that are there. */
static void replace(__u64 *rng)
{
	int queue = table.base + random_below(rng, SLOTS), fd;

	switch (random_below(rng, 3)) {
	case 0: fd = queue_create(4, 2); break;
	case 1: fd = producer_create(queue, 2); break;
	default: fd = consumer_create(queue, 2); break;
	}
	if (fd < 0)
		return;
	must(dup2(fd, table.base + random_below(rng, SLOTS)) >= 0);
	close(fd);
}

TEST_F(dying, at_random)
{
	__u64 rng = 6364136223846793005ULL;
	pthread_t threads[3];
	int i;

	table.base = 100;
	for (i = 0; i < SLOTS; i++)
		must(dup2(self->queue, table.base + i) >= 0);
	for (i = 0; i < 3; i++)
		threads[i] = thread_start(user_run, (void *)(uintptr_t)i);
	for (i = 0; i < ROUNDS; i++) {
		replace(&rng);
		sched_yield();
	}
	atomic_store(&table.stop, true);
	for (i = 0; i < 3; i++)
		thread_join(threads[i]);
	for (i = 0; i < SLOTS; i++)
		close(table.base + i);
}

TEST_HARNESS_MAIN
