// SPDX-License-Identifier: GPL-2.0
/* poll, select, epoll and io_uring on queues and tokens. */
#include <sys/epoll.h>
#include <sys/select.h>

#include "mpmc_iouring.h"

#define BOTH (POLLIN | POLLOUT | POLLHUP | POLLERR)

static int poll_now(int fd, short events)
{
	struct pollfd pfd = { .fd = fd, .events = events };

	must(poll(&pfd, 1, 0) >= 0);
	return pfd.revents;
}

FIXTURE(poll)
{
	int queue;
	int producer;
	int consumer;
};

FIXTURE_SETUP(poll)
{
	self->queue = queue_create(2, 0);
	ASSERT_LE(0, self->queue);
	self->producer = producer_create(self->queue, 1);
	ASSERT_LE(0, self->producer);
	self->consumer = consumer_create(self->queue, 1);
	ASSERT_LE(0, self->consumer);
}

FIXTURE_TEARDOWN(poll)
{
	close(self->producer);
	close(self->consumer);
	close(self->queue);
}

/* Exactly what a call would do: neither too much nor too little, on each fd. */
TEST_F(poll, levels)
{
	__u64 item;

	EXPECT_EQ(POLLOUT, poll_now(self->queue, BOTH));
	EXPECT_EQ(POLLOUT, poll_now(self->producer, BOTH));
	EXPECT_EQ(0, poll_now(self->consumer, BOTH));
	ASSERT_EQ(0, enq(self->queue, 1));
	EXPECT_EQ(POLLIN | POLLOUT, poll_now(self->queue, BOTH));
	EXPECT_EQ(POLLIN, poll_now(self->consumer, BOTH));
	EXPECT_EQ(POLLOUT, poll_now(self->producer, BOTH));
	ASSERT_EQ(0, enq(self->producer, 2));
	EXPECT_EQ(POLLIN, poll_now(self->queue, BOTH));
	EXPECT_EQ(0, poll_now(self->producer, BOTH));
	ASSERT_EQ(1, deq(self->consumer, &item));
	EXPECT_EQ(POLLIN | POLLOUT, poll_now(self->queue, BOTH));
	ASSERT_EQ(1, deq(self->queue, &item));
	EXPECT_EQ(POLLOUT, poll_now(self->queue, BOTH));
	EXPECT_EQ(0, poll_now(self->consumer, BOTH));
}

TEST_F(poll, normal_bands)
{
	int bands = POLLRDNORM | POLLWRNORM;

	EXPECT_EQ(POLLWRNORM, poll_now(self->queue, bands));
	ASSERT_EQ(2, fill(self->queue, 1));
	EXPECT_EQ(POLLRDNORM, poll_now(self->queue, bands));
}

TEST_F(poll, hang_up)
{
	__u64 item;

	ASSERT_EQ(0, enq(self->queue, 1));
	ASSERT_EQ(0, queue_shutdown(self->queue));
	/* There is an end, and something before it; and no more room. */
	EXPECT_EQ(POLLIN | POLLHUP, poll_now(self->queue, BOTH));
	EXPECT_EQ(POLLIN, poll_now(self->consumer, BOTH));
	EXPECT_EQ(POLLHUP, poll_now(self->producer, BOTH));
	ASSERT_EQ(1, deq(self->queue, &item));
	EXPECT_EQ(POLLHUP, poll_now(self->queue, 0));
	EXPECT_EQ(POLLHUP, poll_now(self->consumer, 0));
}

/* What is leased to a token is its own to take, and nobody else's. */
TEST_F(poll, leased)
{
	__u64 item;

	ASSERT_EQ(0, enq(self->queue, 1));
	ASSERT_EQ(-EFAULT, deq_bulk(self->consumer, NULL, 1));
	EXPECT_EQ(POLLIN, poll_now(self->consumer, BOTH));
	EXPECT_EQ(POLLOUT, poll_now(self->queue, BOTH));
	ASSERT_EQ(1, deq(self->consumer, &item));
	EXPECT_EQ(0, poll_now(self->consumer, BOTH));
}

TEST_F(poll, select_sets)
{
	int cases[][3] = { { 0, 0, 1 }, { 1, 1, 1 }, { 2, 1, 0 } };
	struct timeval tv = {};
	fd_set in, out;
	int i;

	for (i = 0; i < 3; i++) {
		while (queue_items(self->queue) < (__u64)cases[i][0])
			ASSERT_EQ(0, enq(self->queue, 1));
		FD_ZERO(&in);
		FD_ZERO(&out);
		FD_SET(self->queue, &in);
		FD_SET(self->queue, &out);
		EXPECT_EQ(cases[i][1] + cases[i][2],
			  select(self->queue + 1, &in, &out, NULL, &tv));
		EXPECT_EQ(cases[i][1], !!FD_ISSET(self->queue, &in));
		EXPECT_EQ(cases[i][2], !!FD_ISSET(self->queue, &out));
	}
}

struct poller {
	int fd;
	short events;
	atomic_int started;
	atomic_int revents;
};

static void *poller_run(void *arg)
{
	struct poller *p = arg;
	struct pollfd pfd = { .fd = p->fd, .events = p->events };

	atomic_store(&p->started, gettid());
	must(poll(&pfd, 1, 20000) == 1);
	atomic_store(&p->revents, pfd.revents);
	return NULL;
}

static pthread_t poller_start(struct poller *p)
{
	pthread_t thread = thread_start(poller_run, p);

	must(eventually(thread_asleep(&p->started)));
	return thread;
}

/* A poller that sleeps, and each of the things that have to wake it. */
TEST_F(poll, wakes)
{
	int outs[] = { self->queue, self->producer };
	int ins[] = { self->queue, self->consumer };
	pthread_t thread;
	__u64 item;
	int i;

	for (i = 0; i < 2; i++) {
		struct poller in = { .fd = ins[i], .events = POLLIN };
		struct poller out = { .fd = outs[i], .events = POLLOUT };

		thread = poller_start(&in);
		ASSERT_EQ(0, enq(outs[i], 1));
		thread_join(thread);
		EXPECT_EQ(POLLIN, atomic_load(&in.revents));
		ASSERT_EQ(1, fill(self->queue, 2));
		thread = poller_start(&out);
		ASSERT_EQ(1, deq(ins[i], &item));
		thread_join(thread);
		EXPECT_EQ(POLLOUT, atomic_load(&out.revents));
		ASSERT_EQ(1, drain(self->queue));
	}
}

TEST_F(poll, shutdown_wakes)
{
	int i, fds[] = { self->queue, self->producer, self->consumer };
	struct poller pollers[3];
	pthread_t threads[3];

	for (i = 0; i < 3; i++) {
		pollers[i] = (struct poller){ .fd = fds[i] };
		threads[i] = poller_start(&pollers[i]);
	}
	ASSERT_EQ(0, queue_shutdown(self->queue));
	for (i = 0; i < 3; i++) {
		thread_join(threads[i]);
		EXPECT_EQ(POLLHUP, atomic_load(&pollers[i].revents));
	}
}

static void *sleeper_run(void *arg)
{
	int *queue = arg;
	__u64 item;

	must(deq_until(*queue, &item, in_ms(20000)) == 1);
	return NULL;
}

/*
 * A poller only looks. Catches: the one wake-up of an item going to it, and
 * the sleeping consumer behind it sleeping on.
 */
TEST_F(poll, poller_takes_no_wakeup)
{
	pthread_t poller, sleeper;
	int i;

	for (i = 0; i < 50; i++) {
		struct poller p = { .fd = self->queue, .events = POLLIN };

		poller = poller_start(&p);
		sleeper = thread_start(sleeper_run, &self->queue);
		ASSERT_TRUE(wait_for_dequeuers(self->queue, 1));
		ASSERT_EQ(0, enq(self->queue, 1));
		thread_join(sleeper);
		/* The item may be gone before the poller looks. */
		if (!atomic_load(&p.revents))
			ASSERT_EQ(0, enq(self->queue, 1));
		thread_join(poller);
		drain(self->queue);
	}
}

static int epoll_of(int fd, __u32 events)
{
	struct epoll_event event = { .events = events };
	int epfd = epoll_create1(EPOLL_CLOEXEC);

	must(epfd >= 0);
	must(epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &event) == 0);
	return epfd;
}

static int epoll_events(int epfd, int timeout)
{
	struct epoll_event event = {};
	int n = epoll_wait(epfd, &event, 1, timeout);

	must(n >= 0);
	return n ? event.events : 0;
}

struct idler {
	int epfd;
	atomic_int started;
	atomic_int events;
};

/* Hears of something, and does nothing about it. */
static void *idler_run(void *arg)
{
	struct idler *idler = arg;

	atomic_store(&idler->started, gettid());
	atomic_store(&idler->events, epoll_events(idler->epfd, 20000));
	return NULL;
}

/*
 * An exclusive poller, which has come first, uses up a wake-up; not one of those
 * who sleep in a call. Catches: both in one wait queue.
 */
TEST_F(poll, exclusive_poller_takes_no_wakeup)
{
	struct idler idler = {
		.epfd = epoll_of(self->queue, EPOLLIN | EPOLLEXCLUSIVE),
	};
	pthread_t thread, sleeper;
	int i;

	for (i = 0; i < 20; i++) {
		atomic_store(&idler.started, 0);
		atomic_store(&idler.events, 0);
		thread = thread_start(idler_run, &idler);
		ASSERT_TRUE(eventually(thread_asleep(&idler.started)));
		sleeper = thread_start(sleeper_run, &self->queue);
		ASSERT_TRUE(wait_for_dequeuers(self->queue, 1));
		ASSERT_EQ(0, enq(self->queue, 1));
		thread_join(sleeper);
		/* The item may be gone before the poller looks. */
		if (!atomic_load(&idler.events))
			ASSERT_EQ(0, enq(self->queue, 1));
		thread_join(thread);
		EXPECT_EQ(EPOLLIN, atomic_load(&idler.events));
		drain(self->queue);
	}
	close(idler.epfd);
}

#define EXCLUSIVE 6

/* As many, all of them asleep in the beginning. */
struct idlers {
	struct idler each[EXCLUSIVE];
	pthread_t threads[EXCLUSIVE];
};

static void idlers_start(struct idlers *idlers, int queue, __u32 event)
{
	struct idler *idler;
	int i;

	for (i = 0; i < EXCLUSIVE; i++) {
		idler = &idlers->each[i];
		idler->epfd = epoll_of(queue, event | EPOLLEXCLUSIVE);
		idlers->threads[i] = thread_start(idler_run, idler);
		must(eventually(thread_asleep(&idler->started)));
	}
}

static void idlers_end(struct idlers *idlers)
{
	int i;

	for (i = 0; i < EXCLUSIVE; i++) {
		thread_join(idlers->threads[i]);
		close(idlers->each[i].epfd);
	}
}

static int idlers_told(struct idlers *idlers)
{
	int i, told = 0;

	for (i = 0; i < EXCLUSIVE; i++)
		told += !!atomic_load(&idlers->each[i].events);
	return told;
}

/* As many have been told, and no more a little later. */
static bool idlers_are_told(struct idlers *idlers, int n)
{
	must(eventually(idlers_told(idlers) >= n));
	usleep(20000);
	return idlers_told(idlers) == n;
}

/* Of exclusive pollers each item wakes one. Catches: it waking all of them. */
TEST_F(poll, exclusive_wakes_one)
{
	struct idlers idlers = {};
	int i;

	idlers_start(&idlers, self->queue, EPOLLIN);
	for (i = 1; i <= EXCLUSIVE; i++) {
		ASSERT_EQ(0, enq(self->queue, 1));
		EXPECT_TRUE(idlers_are_told(&idlers, i));
		drain(self->queue);
	}
	idlers_end(&idlers);
}

/*
 * So does room for one, be there room already that those who were told have not
 * used. Catches: it waking all of them; and none, for the queue was not full.
 */
TEST_F(poll, exclusive_room_wakes_one)
{
	struct idlers idlers = {};
	__u64 item;
	int i;

	ASSERT_EQ(2, fill(self->queue, 1));
	idlers_start(&idlers, self->queue, EPOLLOUT);
	for (i = 1; i <= EXCLUSIVE; i++) {
		ASSERT_EQ(1, deq(self->queue, &item));
		EXPECT_TRUE(idlers_are_told(&idlers, i));
		if (i % 2 == 0)
			ASSERT_EQ(2, fill(self->queue, 1));
	}
	idlers_end(&idlers);
}

/*
 * After a shutdown, with all that is left in the hands of others: that may come
 * back, so it is not the end for a consumer. Catches: an event loop that is told
 * again and again of an end that is none.
 */
TEST_F(poll, hang_up_when_drained)
{
	int other = consumer_create(self->queue, 0);
	struct poller p = { .fd = self->consumer, .events = POLLIN };
	pthread_t thread;
	__u64 item;

	ASSERT_LE(0, other);
	ASSERT_EQ(0, enq(self->queue, 1));
	ASSERT_EQ(-EFAULT, deq_bulk(other, NULL, 1));
	ASSERT_EQ(0, queue_shutdown(self->queue));
	EXPECT_EQ(0, poll_now(self->consumer, POLLIN));
	thread = poller_start(&p);
	close(other);
	thread_join(thread);
	EXPECT_EQ(POLLIN, atomic_load(&p.revents));
	p.revents = 0;
	ASSERT_EQ(1, deq(self->queue, &item));
	EXPECT_EQ(POLLHUP, poll_now(self->consumer, POLLIN));
	EXPECT_EQ(-EPIPE, deq(self->consumer, &item));
}

TEST_F(poll, epoll_level)
{
	int epfd = epoll_of(self->queue, EPOLLIN | EPOLLOUT);

	EXPECT_EQ(EPOLLOUT, epoll_events(epfd, 0));
	ASSERT_EQ(0, enq(self->queue, 1));
	EXPECT_EQ(EPOLLIN | EPOLLOUT, epoll_events(epfd, 0));
	EXPECT_EQ(EPOLLIN | EPOLLOUT, epoll_events(epfd, 0));
	ASSERT_EQ(0, enq(self->queue, 1));
	EXPECT_EQ(EPOLLIN, epoll_events(epfd, 0));
	ASSERT_EQ(0, queue_shutdown(self->queue));
	EXPECT_EQ(EPOLLIN | EPOLLHUP,
		  epoll_events(epfd, 0) & (EPOLLIN | EPOLLHUP));
	close(epfd);
}

static void *take_one_later(void *arg)
{
	__u64 item;

	usleep(20000);
	must(deq(*(int *)arg, &item) == 1);
	return NULL;
}

/*
 * Who is in an epoll set for one side and asks for the other then hears of it.
 * Catches: waiting only where what was asked for in the beginning comes from.
 */
TEST_F(poll, epoll_asks_for_something_else)
{
	struct epoll_event event = { .events = EPOLLOUT };
	int epfd = epoll_of(self->queue, EPOLLIN);
	pthread_t thread;

	ASSERT_EQ(0, enq(self->queue, 1));
	ASSERT_EQ(0, enq(self->queue, 2));
	ASSERT_EQ(0, epoll_ctl(epfd, EPOLL_CTL_MOD, self->queue, &event));
	ASSERT_EQ(0, epoll_events(epfd, 0));
	thread = thread_start(take_one_later, &self->queue);
	EXPECT_EQ(EPOLLOUT, epoll_events(epfd, 10000));
	thread_join(thread);
	close(epfd);
}

/* Edge-triggered: told once, and again after the next change. */
TEST_F(poll, epoll_edge)
{
	int i, in = epoll_of(self->queue, EPOLLIN | EPOLLET);
	int out = epoll_of(self->queue, EPOLLOUT | EPOLLET);

	EXPECT_EQ(EPOLLOUT, epoll_events(out, 0));
	EXPECT_EQ(0, epoll_events(in, 0));
	for (i = 0; i < 10; i++) {
		ASSERT_EQ(2, fill(self->queue, 1));
		EXPECT_EQ(EPOLLIN, epoll_events(in, 5000));
		EXPECT_EQ(0, epoll_events(in, 0));
		epoll_events(out, 0);	/* a hint that comes to nothing */
		ASSERT_EQ(2, drain(self->queue));
		EXPECT_EQ(EPOLLOUT, epoll_events(out, 5000));
		EXPECT_EQ(0, epoll_events(out, 0));
		epoll_events(in, 0);
	}
	close(in);
	close(out);
}

#define EDGE_ITEMS 4000

/* Puts as many, and sleeps in epoll_wait() alone. */
static void epoll_produce(int queue, __u32 flags, int count)
{
	int i, epfd = epoll_of(queue, EPOLLOUT | flags);

	for (i = 0; i < count; i++)
		while (enq(queue, i) == -EAGAIN)
			must(epoll_events(epfd, 10000) & EPOLLOUT);
	close(epfd);
}

static void *edge_produce(void *arg)
{
	epoll_produce(*(int *)arg, EPOLLET, EDGE_ITEMS);
	return NULL;
}

/*
 * Both sides live on edges alone. Catches: a change between the last look and
 * the next epoll_wait() that is not reported: one of the two times out.
 */
TEST_F(poll, epoll_edges_are_not_lost)
{
	int epfd = epoll_of(self->queue, EPOLLIN | EPOLLET);
	pthread_t thread = thread_start(edge_produce, &self->queue);
	__u64 item = 0;
	int i;

	for (i = 0; i < EDGE_ITEMS; i++) {
		while (deq(self->queue, &item) == -EAGAIN)
			ASSERT_NE(0, epoll_events(epfd, 10000));
		ASSERT_EQ(i, item);
	}
	thread_join(thread);
	close(epfd);
}

/* The same with poll(), which registers anew for every wait. */
static void *level_produce(void *arg)
{
	struct pollfd pfd = { .events = POLLOUT };
	int i, *queue = arg;

	pfd.fd = *queue;
	for (i = 0; i < EDGE_ITEMS / 2; i++)
		while (enq(*queue, i) == -EAGAIN)
			must(poll(&pfd, 1, 10000) == 1);
	return NULL;
}

TEST_F(poll, levels_are_not_lost)
{
	pthread_t thread = thread_start(level_produce, &self->queue);
	struct pollfd pfd = { .fd = self->consumer, .events = POLLIN };
	__u64 item = 0;
	int i;

	for (i = 0; i < EDGE_ITEMS / 2; i++) {
		while (deq(self->consumer, &item) == -EAGAIN)
			ASSERT_EQ(1, poll(&pfd, 1, 10000));
		ASSERT_EQ(i, item);
	}
	thread_join(thread);
}

#define EXCLUSIVE_ITEMS 100

static void *exclusive_produce(void *arg)
{
	epoll_produce(*(int *)arg, EPOLLEXCLUSIVE, EXCLUSIVE_ITEMS);
	return NULL;
}

/*
 * All room that is made is used, for one or for two, while there are producers; an
 * item that is counted may still be on its way. Catches: exclusive ones who are all
 * asleep while there is room.
 */
TEST_F(poll, exclusive_producers_go_on)
{
	int left = EXCLUSIVE * EXCLUSIVE_ITEMS, room = 1, i;
	pthread_t threads[EXCLUSIVE];
	__u64 item;

	for (i = 0; i < EXCLUSIVE; i++)
		threads[i] = thread_start(exclusive_produce, &self->queue);
	for (; left >= 2; left -= room) {
		ASSERT_TRUE(eventually(queue_items(self->queue) == 2));
		room = 3 - room;
		for (i = 0; i < room; i++)
			ASSERT_EQ(1, deq_until(self->queue, &item,
					       now_ns() + PATIENCE_NS));
	}
	for (i = 0; i < EXCLUSIVE; i++)
		thread_join(threads[i]);
}

static void ring_poll_add(struct io_uring *ring, int fd, int events)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(ring);

	must(sqe);
	io_uring_prep_poll_add(sqe, fd, events);
	must(io_uring_submit(ring) == 1);
}

static bool ring_idle(struct io_uring *ring)
{
	struct io_uring_cqe *cqe;

	return io_uring_peek_cqe(ring, &cqe) == -EAGAIN;
}

TEST_F(poll, io_uring)
{
	struct io_uring ring;
	__u64 item;
	int ret;

	ret = ring_init(&ring, 4, 0);
	if (ret == -EOPNOTSUPP)
		SKIP(return, "no io_uring in this kernel");
	ASSERT_EQ(0, ret);
	ring_poll_add(&ring, self->queue, POLLOUT);
	EXPECT_EQ(POLLOUT, ring_result(&ring));
	ring_poll_add(&ring, self->queue, POLLIN);
	EXPECT_TRUE(ring_idle(&ring));
	ASSERT_EQ(0, enq(self->queue, 1));
	EXPECT_EQ(POLLIN, ring_result(&ring));
	ASSERT_EQ(0, enq(self->queue, 1));
	ring_poll_add(&ring, self->producer, POLLOUT);
	EXPECT_TRUE(ring_idle(&ring));
	ASSERT_EQ(1, deq(self->queue, &item));
	EXPECT_EQ(POLLOUT, ring_result(&ring));
	ASSERT_EQ(1, deq(self->queue, &item));
	ring_poll_add(&ring, self->consumer, POLLIN);
	EXPECT_TRUE(ring_idle(&ring));
	ASSERT_EQ(0, queue_shutdown(self->queue));
	EXPECT_NE(0, ring_result(&ring) & POLLHUP);
	io_uring_queue_exit(&ring);
}

TEST_HARNESS_MAIN
