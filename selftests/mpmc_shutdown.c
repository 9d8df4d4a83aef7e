// SPDX-License-Identifier: GPL-2.0
/*
 * The end of the stream: not one item after it, not one lost before it, and
 * everyone who waits hears of it.
 */
#include "mpmc_test.h"

#define WAITERS 4
#define DUELS 3000

TEST(producers_and_consumers)
{
	int queue = queue_create(10, 0);
	__u64 items[10] = {};

	ASSERT_LE(0, queue);
	put_range(queue, 1, 5);
	EXPECT_EQ(0, queue_shutdown(queue));
	EXPECT_EQ(MPMC_STATE_SHUTDOWN, queue_state(queue).state);
	EXPECT_EQ(-EPIPE, enq(queue, 6));
	EXPECT_EQ(-EPIPE, enq_bulk(queue, items, 5));
	EXPECT_EQ(-EPIPE, enq_until(queue, 6, MPMC_FOREVER));
	EXPECT_EQ(-EPIPE, enq_until(queue, 6, 1));
	EXPECT_EQ(5, queue_items(queue));
	EXPECT_TRUE(take_range(queue, 1, 5));
	EXPECT_EQ(-EPIPE, deq(queue, items));
	EXPECT_EQ(-EPIPE, deq_bulk(queue, items, 10));
	EXPECT_EQ(-EPIPE, deq_until(queue, items, MPMC_FOREVER));
	EXPECT_EQ(-EPIPE, deq_until(queue, items, 1));
	close(queue);
}

/* Through any fd, more than once, and no further state changes by it. */
TEST(again)
{
	int queue = queue_create(10, 0), other, i;
	__u64 item;

	ASSERT_LE(0, queue);
	other = dup(queue);
	put_range(queue, 1, 5);
	for (i = 0; i < 3; i++) {
		EXPECT_EQ(0, queue_shutdown(i % 2 ? queue : other));
		EXPECT_EQ(MPMC_STATE_SHUTDOWN, queue_state(queue).state);
		EXPECT_EQ(5, queue_items(queue));
	}
	EXPECT_TRUE(take_range(other, 1, 5));
	EXPECT_EQ(0, queue_shutdown(queue));
	EXPECT_EQ(-EPIPE, deq(queue, &item));
	close(other);
	close(queue);
}

struct waiter {
	int fd;
	__u32 count;	/* 0: a consumer; else that many items to put */
	__u64 deadline;
	int ret;
};

static void *waiter_run(void *arg)
{
	static const __u64 items[100];
	struct waiter *w = arg;
	__u64 item;

	if (w->count)
		w->ret = enq_bulk_until(w->fd, items, w->count, w->deadline);
	else
		w->ret = deq_until(w->fd, &item, w->deadline);
	return NULL;
}

/* Catches: one wake-up for the shutdown, with the other waiters left asleep. */
TEST(wakes_consumers)
{
	struct waiter waiters[WAITERS + 1];
	pthread_t threads[WAITERS + 1];
	int i, queue = queue_create(10, 0);

	ASSERT_LE(0, queue);
	for (i = 0; i <= WAITERS; i++) {
		waiters[i] = (struct waiter){
			.fd = i ? queue : consumer_create(queue, 0),
			.deadline = i % 2 ? MPMC_FOREVER : in_ms(60000),
		};
		ASSERT_LE(0, waiters[i].fd);
		threads[i] = thread_start(waiter_run, &waiters[i]);
	}
	ASSERT_TRUE(wait_for_dequeuers(queue, WAITERS + 1));
	EXPECT_EQ(0, queue_shutdown(queue));
	for (i = 0; i <= WAITERS; i++) {
		thread_join(threads[i]);
		EXPECT_EQ(-EPIPE, waiters[i].ret);
	}
	EXPECT_EQ(0, queue_state(queue).dequeue_waiters);
	close(waiters[0].fd);
	close(queue);
}

/* None of them gets in any more, not even in part. */
TEST(wakes_producers)
{
	struct waiter waiters[WAITERS + 1];
	pthread_t threads[WAITERS + 1];
	int i, queue = queue_create(100, 0);
	__u64 item;

	ASSERT_LE(0, queue);
	ASSERT_EQ(100, fill(queue, 1));
	for (i = 0; i <= WAITERS; i++) {
		waiters[i] = (struct waiter){
			.fd = i ? queue : producer_create(queue, 0),
			.count = i % 2 ? 1 : 60,
			.deadline = i % 2 ? MPMC_FOREVER : in_ms(60000),
		};
		ASSERT_LE(0, waiters[i].fd);
		threads[i] = thread_start(waiter_run, &waiters[i]);
	}
	ASSERT_TRUE(wait_for_enqueuers(queue, WAITERS + 1));
	EXPECT_EQ(0, queue_shutdown(queue));
	for (i = 0; i <= WAITERS; i++) {
		thread_join(threads[i]);
		EXPECT_EQ(-EPIPE, waiters[i].ret);
	}
	EXPECT_TRUE(take_range(queue, 1, 100));
	EXPECT_EQ(-EPIPE, deq(queue, &item));
	close(waiters[0].fd);
	close(queue);
}

#define SIDE 4	/* producers, and consumers */

struct stream {
	int queue;
	__u32 capacity;
	atomic_int gate;
	atomic_int finished;
	atomic_llong accepted;
	atomic_llong taken;
	int round;
};

struct party {
	struct stream *stream;
	int index;
};

/* By ones, in bulk, through a token, or waiting for room; until the end. */
static void produce(struct stream *s, int index)
{
	int ret, n = index == 1 ? 3 : 1, fd = s->queue;
	static const __u64 items[3];
	bool wait = index == 2;

	if (index == 3)
		fd = producer_create(s->queue, 2);
	if (fd == -EPIPE)
		return;
	must(fd >= 0);
	for (;;) {
		ret = wait ? enq_bulk_until(fd, items, n, MPMC_FOREVER) :
			     enq_bulk(fd, items, n);
		if (!ret)
			atomic_fetch_add(&s->accepted, n);
		else
			must(ret == -EAGAIN || ret == -EPIPE);
		if (ret == -EPIPE)
			break;
	}
	if (index == 3)
		close(fd);
}

static void consume(struct stream *s, int index)
{
	int ret, fd = s->queue;
	__u64 items[5];

	if (index == 3)
		fd = consumer_create(s->queue, 8);
	must(fd >= 0);
	for (;;) {
		ret = index % 2 ? deq_bulk(fd, items, 5) :
				  deq_until(fd, items, MPMC_FOREVER);
		if (ret > 0)
			atomic_fetch_add(&s->taken, ret);
		else
			must(ret == -EAGAIN || ret == -EPIPE);
		if (ret == -EPIPE)
			break;
	}
	if (index == 3)
		close(fd);
}

static void *party_run(void *arg)
{
	struct party *party = arg;
	struct stream *s = party->stream;
	int round;

	for (round = 1; round <= s->round; round++) {
		gate_wait(&s->gate, round);
		if (party->index < SIDE)
			produce(s, party->index);
		else
			consume(s, party->index - SIDE);
		atomic_fetch_add(&s->finished, 1);
	}
	return NULL;
}

#define ROUNDS 60

FIXTURE(race)
{
	struct stream stream;
};

FIXTURE_VARIANT(race)
{
	__u32 capacity;
	__u32 segments;
};

FIXTURE_VARIANT_ADD(race, tight) { .capacity = 4 };
FIXTURE_VARIANT_ADD(race, fifo) { .capacity = 64, .segments = 1 };
FIXTURE_VARIANT_ADD(race, roomy) { .capacity = 5000, .segments = 3 };

FIXTURE_SETUP(race)
{
	self->stream.round = ROUNDS;
}

FIXTURE_TEARDOWN(race)
{
}

/*
 * Everyone is at work when the end comes. What producers were told is accepted
 * is what consumers get before they are told that it is over. Catches: items
 * accepted after the end, or beside it, that no one takes; EPIPE to a consumer
 * while an item is on its way.
 */
TEST_F(race, accepted_is_taken)
{
	struct stream *s = &self->stream;
	struct party parties[2 * SIDE];
	pthread_t threads[2 * SIDE];
	__u64 rng = 5495038492384710233ULL, item;
	int i, round;

	for (i = 0; i < 2 * SIDE; i++) {
		parties[i] = (struct party){ s, i };
		threads[i] = thread_start(party_run, &parties[i]);
	}
	for (round = 1; round <= ROUNDS; round++) {
		s->queue = queue_create(variant->capacity, variant->segments);
		ASSERT_LE(0, s->queue);
		gate_open(&s->gate, round);
		spin_ns(random_below(&rng, 1000000));
		ASSERT_EQ(0, queue_shutdown(s->queue));
		ASSERT_TRUE(eventually(atomic_load(&s->finished) ==
				       round * 2 * SIDE));
		ASSERT_EQ(atomic_load(&s->accepted), atomic_load(&s->taken)) {
			TH_LOG("round %d", round);
		}
		EXPECT_EQ(-EPIPE, deq(s->queue, &item));
		EXPECT_EQ(0, queue_items(s->queue));
		close(s->queue);
	}
	EXPECT_LT(ROUNDS, atomic_load(&s->accepted));
	for (i = 0; i < 2 * SIDE; i++)
		thread_join(threads[i]);
}

struct duel {
	int queue;
	atomic_int round;
	atomic_int finished;
	__u64 accepted;
};

static void *duel_produce(void *arg)
{
	struct duel *d = arg;
	int ret, round;

	pin(1);
	for (round = 1; round <= DUELS; round++) {
		while (atomic_load(&d->round) < round)
			sched_yield();
		for (d->accepted = 0; !(ret = enq(d->queue, 1)); d->accepted++)
			;
		must(ret == -EPIPE);
		atomic_store(&d->finished, round);
	}
	return NULL;
}

/*
 * One against one, without a wake-up in between and so thousands of times.
 * Catches: an item that is accepted after the consumer was told of the end.
 */
TEST(last_item)
{
	__u64 rng = 0xda942042e4dd58b5ULL, item, taken;
	struct duel d = {};
	pthread_t thread;
	int ret, round;

	pin(0);
	thread = thread_start(duel_produce, &d);
	for (round = 1; round <= DUELS; round++) {
		d.queue = queue_create(0, round % 3);
		ASSERT_LE(0, d.queue);
		atomic_store(&d.round, round);
		spin_ns(random_below(&rng, 10000));
		ASSERT_EQ(0, queue_shutdown(d.queue));
		for (taken = 0; (ret = deq(d.queue, &item)) != -EPIPE; taken++)
			taken -= ret == -EAGAIN;
		while (atomic_load(&d.finished) < round)
			sched_yield();
		ASSERT_EQ(d.accepted, taken);
		ASSERT_EQ(0, queue_items(d.queue));
		close(d.queue);
	}
	thread_join(thread);
}

TEST_HARNESS_MAIN
