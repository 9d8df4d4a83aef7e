// SPDX-License-Identifier: GPL-2.0
/*
 * What has happened to a queue: every way that an item goes in and out is counted,
 * once, and what goes wrong is not.
 */
#include "mpmc_mapped.h"

static __u64 enqueued(int queue)
{
	return stats_of(queue).enqueued;
}

static __u64 dequeued(int queue)
{
	return stats_of(queue).dequeued;
}

/* Whether what went in and did not come out is what is there. */
static bool balanced(int queue)
{
	struct mpmc_queue_stats stats = stats_of(queue);
	struct mpmc_queue_info info = queue_state(queue);

	return stats.enqueued - stats.dequeued - stats.dead - stats.dropped ==
	       info.items + info.leased;
}

FIXTURE(stats)
{
	int queue;
	int strict;	/* with one segment */
};

FIXTURE_SETUP(stats)
{
	self->queue = queue_create(1000, 2);
	self->strict = queue_create(1000, 1);
	ASSERT_LE(0, self->queue);
	ASSERT_LE(0, self->strict);
}

FIXTURE_TEARDOWN(stats)
{
	EXPECT_TRUE(balanced(self->queue));
	EXPECT_TRUE(balanced(self->strict));
	close(self->queue);
	close(self->strict);
}

/* Catches: calls counted for items, and items that were refused or came back. */
TEST_F(stats, without_tokens)
{
	int queue = self->queue, i;
	__u64 items[100] = {}, item;
	struct mpmc_queue_stats stats;

	stats = stats_of(queue);
	EXPECT_EQ(0, stats.enqueued + stats.dequeued + stats.full +
		     stats.enqueue_timeouts + stats.dequeue_timeouts +
		     stats.redelivered + stats.dead + stats.dropped);
	for (i = 0; i < 5; i++)
		ASSERT_EQ(0, enq(queue, i));
	EXPECT_EQ(5, enqueued(queue));
	ASSERT_EQ(0, enq_bulk(queue, items, 100));
	EXPECT_EQ(105, enqueued(queue));
	EXPECT_EQ(-EFAULT, enq_bulk(queue, NULL, 10));
	EXPECT_EQ(105, enqueued(queue));
	EXPECT_EQ(0, dequeued(queue));
	ASSERT_EQ(1, deq(queue, &item));
	EXPECT_EQ(1, dequeued(queue));
	ASSERT_EQ(50, deq_bulk(queue, items, 50));
	EXPECT_EQ(51, dequeued(queue));
	EXPECT_EQ(-EFAULT, deq_bulk(queue, NULL, 10));
	EXPECT_EQ(51, dequeued(queue));
	ASSERT_EQ(54, drain(queue));
	EXPECT_EQ(105, dequeued(queue));
	EXPECT_EQ(-EAGAIN, deq(queue, &item));
	EXPECT_EQ(105, dequeued(queue));
	EXPECT_EQ(105, enqueued(queue));
}

/* Bulks that need memory first, and more of it than once. */
TEST_F(stats, large_bulks)
{
	static __u64 items[50000];
	int queue = queue_create(100000, 1), i;

	for (i = 1; i <= 2; i++) {
		ASSERT_EQ(0, enq_bulk(queue, items, 50000));
		EXPECT_EQ(i * 50000, enqueued(queue));
	}
	ASSERT_EQ(50000, deq_bulk(queue, items, 50000));
	EXPECT_EQ(50000, dequeued(queue));
	EXPECT_TRUE(balanced(queue));
}

/* Catches: items of tokens not counted, twice, or forgotten with the token. */
TEST_F(stats, producer_tokens)
{
	int queue, token, i;

	for (i = 0; i < 2; i++) {
		queue = i ? self->strict : self->queue;
		token = producer_create(queue, 16);
		ASSERT_LE(0, token);
		put_range(token, 1, 10);
		EXPECT_EQ(10, enqueued(queue));
		/* Beyond the ring. */
		put_range(token, 11, 200);
		EXPECT_EQ(210, enqueued(queue));
		ASSERT_EQ(110, deq_bulk(queue, (__u64[110]){}, 110));
		EXPECT_EQ(110, dequeued(queue));
		close(token);
		EXPECT_EQ(210, enqueued(queue));
		ASSERT_EQ(100, drain(queue));
		/* It has gone with its last item. */
		EXPECT_EQ(210, enqueued(queue));
		EXPECT_EQ(210, dequeued(queue));
		token = producer_create(queue, 16);
		put_range(token, 1, 3);
		close(token);
		EXPECT_EQ(213, enqueued(queue));
	}
}

/* Catches: what was put without a call not seen, and room taken for items. */
TEST_F(stats, mapped_producer)
{
	int queue = self->queue, i;
	__u64 item, items[16] = {};
	struct mapped p;

	mapped_producer(&p, queue, 64);
	for (i = 1; i <= 100; i++) {
		ASSERT_EQ(0, put(&p, i));
		ASSERT_EQ(i, enqueued(queue));
	}
	ASSERT_EQ(0, enq(p.fd, 101));
	EXPECT_EQ(101, enqueued(queue));
	ASSERT_EQ(0, put(&p, 102));
	EXPECT_LT(2, mapped_rest(&p));
	mapped_store(&p, items, 2);
	EXPECT_EQ(104, enqueued(queue));
	for (i = 0; i < 50; i++)
		ASSERT_EQ(1, deq(queue, &item));
	EXPECT_EQ(104, enqueued(queue));
	EXPECT_EQ(50, dequeued(queue));
	mapped_close(&p);
	EXPECT_EQ(104, enqueued(queue));
	ASSERT_EQ(54, drain(queue));
	EXPECT_EQ(104, enqueued(queue));
}

/* What is stored after a shutdown is refused, and not counted. */
TEST_F(stats, sealed)
{
	int queue = self->queue;
	__u64 items[16] = {};
	struct mapped p;

	mapped_producer(&p, queue, 64);
	ASSERT_EQ(0, put(&p, 1));
	ASSERT_EQ(0, put(&p, 2));
	ASSERT_EQ(0, queue_shutdown(queue));
	EXPECT_EQ(2, enqueued(queue));
	ASSERT_LT(0, mapped_rest(&p));
	mapped_store(&p, items, 1);
	EXPECT_EQ(2, enqueued(queue));
	EXPECT_EQ(-EPIPE, token_kick(p.fd, 1));
	EXPECT_EQ(2, enqueued(queue));
	EXPECT_EQ(2, drain(queue));
	EXPECT_EQ(2, dequeued(queue));
	mapped_close(&p);
	EXPECT_EQ(2, enqueued(queue));
}

/* One that says what can't be. Catches: numbers made up by who has a ring. */
TEST_F(stats, broken_ring)
{
	int queue = queue_create(1000, 2);
	struct mapped p;

	mapped_producer(&p, queue, 64);
	ASSERT_EQ(0, put(&p, 1));
	ASSERT_EQ(0, enq(queue, 1));
	*p.own += 1000000;
	EXPECT_GE(2, enqueued(queue));
	EXPECT_LE(1, enqueued(queue));
	mapped_close(&p);
	EXPECT_LE(1, drain(queue));
	EXPECT_GE(2, enqueued(queue));
	close(queue);
}

/* Catches: items counted when they are leased, or when they come back. */
TEST_F(stats, consumer_tokens)
{
	int queue = self->queue, token = consumer_create(queue, 64);
	struct mpmc_queue_stats stats;
	__u64 items[10];

	put_range(queue, 1, 100);
	ASSERT_EQ(10, deq_bulk(token, items, 10));
	EXPECT_EQ(10, dequeued(queue));
	ASSERT_EQ(20, lease_fill(token, NULL, 20));
	EXPECT_EQ(10, dequeued(queue));
	EXPECT_TRUE(balanced(queue));
	ASSERT_EQ(0, lease_commit(token, 5));
	EXPECT_EQ(15, dequeued(queue));
	ASSERT_EQ(0, lease_release(token, 5));
	EXPECT_EQ(15, dequeued(queue));
	close(token);
	stats = stats_of(queue);
	EXPECT_EQ(15, stats.dequeued);
	EXPECT_EQ(15, stats.redelivered);
	EXPECT_EQ(100, stats.enqueued);
	EXPECT_EQ(85, drain(queue));
	stats = stats_of(queue);
	EXPECT_EQ(100, stats.dequeued);
	EXPECT_EQ(100, stats.enqueued);
}

/* Catches: what was committed without a call counted with the next one only. */
TEST_F(stats, mapped_consumer)
{
	int queue = self->queue, i;
	struct mapped c;
	__u64 item;

	put_range(queue, 1, 200);
	mapped_consumer(&c, queue, 64);
	for (i = 1; i <= 120; i++) {
		ASSERT_EQ(1, take(&c, &item));
		ASSERT_EQ(i, dequeued(queue));
	}
	ASSERT_LT(0, mapped_rest(&c));
	EXPECT_TRUE(balanced(queue));
	mapped_close(&c);
	EXPECT_EQ(120, dequeued(queue));
	EXPECT_EQ(80, drain(queue));
}

TEST_F(stats, dead_and_dropped)
{
	int queue = limited_create(100, 2, self->queue), token, i;
	int dropping = limited_create(100, 1, -1);
	struct mpmc_queue_stats stats;

	put_range(queue, 1, 3);
	put_range(dropping, 1, 3);
	for (i = 0; i < 4; i++) {
		token = consumer_create(queue, 64);
		ASSERT_LT(0, lease_fill(token, NULL, 3));
		close(token);
		EXPECT_TRUE(balanced(queue));
	}
	token = consumer_create(dropping, 64);
	ASSERT_EQ(3, lease_fill(token, NULL, 3));
	ASSERT_EQ(0, lease_commit(token, 1));
	close(token);
	stats = stats_of(queue);
	EXPECT_EQ(3, stats.dead);
	EXPECT_EQ(0, stats.dropped);
	EXPECT_EQ(0, stats.dequeued);
	EXPECT_EQ(3, stats.redelivered);
	stats = stats_of(dropping);
	EXPECT_EQ(2, stats.dropped);
	EXPECT_EQ(1, stats.dequeued);
	EXPECT_EQ(3, enqueued(self->queue));
	EXPECT_TRUE(balanced(dropping));
}

/* Catches: attempts counted, or those that found room in the end. */
TEST_F(stats, full_and_timeouts)
{
	int queue = queue_create(10, 1), token;
	struct mpmc_queue_stats stats;
	__u64 items[10] = {}, item;

	ASSERT_EQ(0, enq_bulk(queue, items, 8));
	EXPECT_EQ(-EAGAIN, enq_bulk(queue, items, 3));
	EXPECT_EQ(1, stats_of(queue).full);
	ASSERT_EQ(0, enq_bulk(queue, items, 2));
	EXPECT_EQ(-EAGAIN, enq(queue, 1));
	token = producer_create(queue, 4);
	EXPECT_EQ(-EAGAIN, enq(token, 1));
	EXPECT_EQ(-EMSGSIZE, enq_bulk(queue, items, 11));
	EXPECT_EQ(3, stats_of(queue).full);
	EXPECT_EQ(-ETIMEDOUT, enq_until(queue, 1, in_ms(20)));
	EXPECT_EQ(-ETIMEDOUT, enq_until(queue, 1, 1));
	stats = stats_of(queue);
	EXPECT_EQ(5, stats.full);
	EXPECT_EQ(2, stats.enqueue_timeouts);
	EXPECT_EQ(0, stats.dequeue_timeouts);
	EXPECT_EQ(10, drain(queue));
	EXPECT_EQ(-ETIMEDOUT, deq_until(queue, &item, in_ms(20)));
	token = consumer_create(queue, 4);
	EXPECT_EQ(-ETIMEDOUT, deq_until(token, &item, in_ms(20)));
	EXPECT_EQ(-ETIMEDOUT, lease_fill_flags(token, NULL, 1, 0, in_ms(20)));
	stats = stats_of(queue);
	EXPECT_EQ(5, stats.full);
	EXPECT_EQ(2, stats.enqueue_timeouts);
	EXPECT_EQ(3, stats.dequeue_timeouts);
	EXPECT_EQ(10, stats.enqueued);
}

/* --- Many at a time --- */

struct crowd {
	int queue;
	atomic_bool stop;
	atomic_ullong put;
	atomic_ullong taken;
};

static void *crowd_puts(void *arg)
{
	struct crowd *crowd = arg;
	__u64 seed = now_ns() | 1;
	struct mapped p;
	int n, i;

	while (!crowd->stop) {
		if (random_below(&seed, 2)) {
			mapped_producer(&p, crowd->queue, 32);
			n = random_below(&seed, 100);
			for (i = 0; i < n; i++)
				crowd->put += !put(&p, i);
			mapped_close(&p);
		} else {
			crowd->put += !enq(crowd->queue, 1);
		}
	}
	return NULL;
}

static void *crowd_takes(void *arg)
{
	struct crowd *crowd = arg;
	__u64 seed = now_ns() | 1, item;
	struct mapped c;
	int n, i;

	while (!crowd->stop) {
		if (random_below(&seed, 2)) {
			mapped_consumer(&c, crowd->queue, 32);
			n = random_below(&seed, 100);
			for (i = 0; i < n; i++)
				crowd->taken += take(&c, &item) == 1;
			mapped_close(&c);
		} else {
			crowd->taken += deq(crowd->queue, &item) == 1;
		}
	}
	return NULL;
}

/*
 * Tokens come and go while others look. Catches: counters that go back, or are
 * wrong for good after that.
 */
TEST_F(stats, never_go_back)
{
	struct crowd crowd = { .queue = self->queue };
	struct mpmc_queue_stats before = {}, now;
	pthread_t threads[4];
	__u64 end = in_ms(3000);
	int i;

	for (i = 0; i < 4; i++)
		threads[i] = thread_start(i % 2 ? crowd_puts : crowd_takes,
					  &crowd);
	while (now_ns() < end || crowd.taken < 1000) {
		now = stats_of(self->queue);
		ASSERT_LE(before.enqueued, now.enqueued);
		ASSERT_LE(before.dequeued, now.dequeued);
		ASSERT_LE(now.dequeued, now.enqueued);
		ASSERT_LE(before.redelivered, now.redelivered);
		ASSERT_LE(before.full, now.full);
		before = now;
	}
	crowd.stop = true;
	for (i = 0; i < 4; i++)
		thread_join(threads[i]);
	now = stats_of(self->queue);
	EXPECT_EQ(crowd.put, now.enqueued);
	EXPECT_EQ(crowd.taken, now.dequeued);
}

TEST_HARNESS_MAIN
