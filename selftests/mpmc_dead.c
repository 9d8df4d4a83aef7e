// SPDX-License-Identifier: GPL-2.0
/*
 * Items that may be handed out so many times: where they go after the last one,
 * which ones do, and that none is lost on the way without a trace.
 */
#include "mpmc_test.h"

#define CAPACITY 64
#define RING 8

FIXTURE(dead)
{
	int dead;
	int queue;
	int token;
	struct mpmc_lease_item items[RING];
};

FIXTURE_VARIANT(dead)
{
	__u32 max;
};

FIXTURE_VARIANT_ADD(dead, one) { .max = 1 };
FIXTURE_VARIANT_ADD(dead, two) { .max = 2 };
FIXTURE_VARIANT_ADD(dead, five) { .max = 5 };

/* The queue for dead letters takes four. */
FIXTURE_SETUP(dead)
{
	self->dead = queue_create(4, 1);
	ASSERT_LE(0, self->dead);
	self->queue = limited_create(CAPACITY, variant->max, self->dead);
	ASSERT_LE(0, self->queue);
	self->token = consumer_create(self->queue, RING);
	ASSERT_LE(0, self->token);
}

FIXTURE_TEARDOWN(dead)
{
	close(self->token);
	drain(self->queue);
	/* Whatever died, its room did not. */
	EXPECT_EQ(CAPACITY, fill(self->queue, 1));
	close(self->queue);
	close(self->dead);
}

/* Leases an item, which must be this one, and gives it back. */
static bool bounce(int token, __u64 item, __u32 deliveries)
{
	struct mpmc_lease_item leased;

	return lease_fill(token, &leased, 1) == 1 && leased.value == item &&
	       leased.deliveries == deliveries && lease_release(token, 1) == 0;
}

/* Catches: a limit that is off by one, or counts what was no delivery. */
TEST_F(dead, after_so_many)
{
	__u32 i;

	ASSERT_EQ(0, enq(self->queue, 7));
	for (i = 1; i <= variant->max; i++) {
		EXPECT_EQ(0, queue_items(self->dead));
		EXPECT_EQ(-EFAULT, deq_bulk(self->queue, NULL, 1));
		EXPECT_TRUE(bounce(self->token, 7, i));
	}
	EXPECT_EQ(-EAGAIN, lease_fill(self->token, NULL, 1));
	EXPECT_TRUE(take_range(self->dead, 7, 1));
	EXPECT_EQ(1, queue_state(self->queue).dead);
	EXPECT_EQ(0, queue_state(self->queue).dropped);
	EXPECT_EQ(variant->max - 1, queue_state(self->queue).redelivered);
	EXPECT_EQ(0, queue_items(self->queue));
}

/* Takes the last delivery: it is still a delivery like any other. */
TEST_F(dead, last_delivery_committed)
{
	__u32 i;

	ASSERT_EQ(0, enq(self->queue, 7));
	for (i = 1; i < variant->max; i++)
		EXPECT_TRUE(bounce(self->token, 7, i));
	EXPECT_TRUE(take_range(self->token, 7, 1));
	EXPECT_EQ(0, queue_state(self->queue).dead);
	EXPECT_EQ(0, queue_items(self->dead));
}

/* Catches: items lost for want of room; or stuck, when there is room again. */
TEST_F(dead, no_room_for_the_dead)
{
	__u32 i;

	ASSERT_EQ(4, fill(self->dead, 100));
	ASSERT_EQ(0, enq(self->queue, 7));
	for (i = 1; i <= variant->max + 3; i++)
		EXPECT_TRUE(bounce(self->token, 7, i));
	EXPECT_EQ(0, queue_state(self->queue).dead);
	EXPECT_EQ(1, queue_items(self->queue));
	EXPECT_TRUE(take_range(self->dead, 100, 4));
	EXPECT_TRUE(bounce(self->token, 7, i));
	EXPECT_TRUE(take_range(self->dead, 7, 1));
	EXPECT_EQ(1, queue_state(self->queue).dead);
	EXPECT_EQ(0, queue_items(self->queue));
}

/* The same for good. */
TEST_F(dead, no_dead_accepted)
{
	__u32 i;

	ASSERT_EQ(0, queue_shutdown(self->dead));
	ASSERT_EQ(0, enq(self->queue, 7));
	for (i = 1; i <= variant->max + 3; i++)
		EXPECT_TRUE(bounce(self->token, 7, i));
	EXPECT_EQ(0, queue_state(self->queue).dead);
	EXPECT_EQ(0, queue_state(self->queue).dropped);
	EXPECT_TRUE(take_range(self->queue, 7, 1));
}

/* Catches: the end of the stream with an item that may still come. */
TEST_F(dead, after_shutdown)
{
	__u32 i;
	__u64 item;

	ASSERT_EQ(0, enq(self->queue, 7));
	ASSERT_EQ(0, queue_shutdown(self->queue));
	for (i = 1; i <= variant->max; i++)
		EXPECT_TRUE(bounce(self->token, 7, i));
	EXPECT_EQ(-EPIPE, lease_fill(self->token, NULL, 1));
	EXPECT_EQ(-EPIPE, deq(self->queue, &item));
	EXPECT_TRUE(take_range(self->dead, 7, 1));
	close(self->queue);
	self->queue = queue_create(CAPACITY, 0);
}

/* Nobody has it but the queue. Catches: a queue that is gone when needed. */
TEST_F(dead, fd_closed_by_everyone_else)
{
	__u32 i;

	close(self->dead);
	ASSERT_EQ(0, enq(self->queue, 7));
	for (i = 1; i <= variant->max; i++)
		EXPECT_TRUE(bounce(self->token, 7, i));
	EXPECT_EQ(1, queue_state(self->queue).dead);
	close(self->queue);
	/* Also with the token alone. */
	EXPECT_EQ(-EAGAIN, lease_fill(self->token, NULL, 1));
	self->queue = queue_create(CAPACITY, 0);
	self->dead = queue_create(4, 1);
}

/* Catches: nowhere to go taken for a failure, or not counted. */
TEST(dropped)
{
	int queue = limited_create(CAPACITY, 2, -1);
	int token = consumer_create(queue, RING);

	ASSERT_LE(0, token);
	ASSERT_EQ(CAPACITY, fill(queue, 1));
	EXPECT_TRUE(bounce(token, 1, 1));
	EXPECT_EQ(-EAGAIN, enq(queue, 1));
	EXPECT_TRUE(bounce(token, 1, 2));
	EXPECT_EQ(1, queue_state(queue).dropped);
	EXPECT_EQ(0, queue_state(queue).dead);
	EXPECT_EQ(0, enq(queue, CAPACITY + 1));
	EXPECT_EQ(-EAGAIN, enq(queue, 1));
	/* What is left, whoever's it is: an order that belongs to threads. */
	EXPECT_TRUE(take_range(queue, 2, CAPACITY));
	close(token);
	close(queue);
}

/* Catches: what dies together laid out in reverse. */
TEST(in_order)
{
	int dead = queue_create(CAPACITY, 1);
	int queue = limited_create(CAPACITY, 1, dead);
	int consumer = consumer_create(queue, RING);

	ASSERT_LE(0, consumer);
	/* So that it goes around the end of the ring. */
	put_range(queue, 1, 6);
	EXPECT_TRUE(take_range(consumer, 1, 6));
	put_range(queue, 1, 5);
	ASSERT_EQ(5, lease_fill(consumer, NULL, 5));
	close(consumer);
	EXPECT_EQ(5, queue_state(queue).dead);
	EXPECT_TRUE(take_range(dead, 1, 5));
	close(queue);
	close(dead);
}

/* --- A poison item --- */

#define ITEMS 12

struct ward {
	int queue;
	__u64 poison;
	__u32 lease;
	atomic_int done[ITEMS + 1];
};

/* Dies of the poison, when it comes to that; till then it has all of the lease. */
static void patient(void *arg)
{
	struct ward *ward = arg;
	struct mpmc_lease_item items[RING];
	int token = consumer_create(ward->queue, RING), n, i;

	while ((n = lease_fill(token, items, ward->lease)) > 0) {
		for (i = 0; i < n; i++)
			if (items[i].value == ward->poison)
				raise(SIGKILL);
		for (i = 0; i < n; i++)
			atomic_fetch_add(&ward->done[items[i].value], 1);
		must(lease_commit(token, n) == 0);
	}
	must(n == -EAGAIN);
}

static void poison_one(struct __test_metadata *_metadata, __u32 max,
		       __u64 poison, __u32 lease)
{
	struct ward *ward = shared_alloc(sizeof(*ward));
	int dead = queue_create(CAPACITY, 1), i, deaths;

	ward->queue = limited_create(CAPACITY, max, dead);
	ward->poison = poison;
	ward->lease = lease;
	put_range(ward->queue, 1, ITEMS);
	for (deaths = 0; deaths < 20; deaths++)
		if (!reap(spawn(patient, ward)))
			break;
	EXPECT_EQ(max, deaths);
	EXPECT_TRUE(take_range(dead, poison, 1));
	EXPECT_EQ(0, queue_items(dead));
	EXPECT_EQ(1, queue_state(ward->queue).dead);
	for (i = 1; i <= ITEMS; i++)
		EXPECT_EQ(i != (int)poison, atomic_load(&ward->done[i]));
	close(ward->queue);
	close(dead);
	munmap(ward, sizeof(*ward));
}

/* Catches: items that die of what they were leased together with. */
TEST(innocent_items_survive)
{
	__u32 max, lease;
	__u64 poison;

	for (max = 2; max <= 4; max++)
		for (poison = 1; poison <= ITEMS; poison += 3)
			for (lease = 1; lease <= RING; lease += 3)
				poison_one(_metadata, max, poison, lease);
}

struct hungry {
	int token;
	atomic_int round;
	atomic_int seen;
	int got;
};

/* Looks all the time, and takes what there is. */
static void *hungry_run(void *arg)
{
	struct hungry *h = arg;
	int round, ret;

	for (round = 1; round <= 3000; round++) {
		gate_wait(&h->round, round);
		while ((ret = lease_fill(h->token, NULL, RING)) == -EAGAIN)
			;
		h->got = ret;
		atomic_store(&h->seen, round);
	}
	return NULL;
}

/*
 * What came back while somebody looked is leased one by one, too. Catches: all
 * of it in one lease, which then dies of one of them.
 */
TEST(come_back_during_a_look)
{
	int queue = limited_create(CAPACITY, 2, -1), i, several = 0;
	int token = consumer_create(queue, RING);
	struct hungry h = { .token = consumer_create(queue, RING) };
	pthread_t thread = thread_start(hungry_run, &h);

	for (i = 1; i <= 3000; i++) {
		put_range(queue, 1, RING);
		ASSERT_EQ(RING, lease_fill(token, NULL, RING));
		gate_open(&h.round, i);
		spin_ns(i * 7 % 5000);
		ASSERT_EQ(0, lease_release(token, RING));
		ASSERT_TRUE(eventually(atomic_load(&h.seen) == i));
		several += h.got > 1;
		ASSERT_EQ(0, lease_commit(h.token, h.got));
		ASSERT_EQ(RING - h.got, drain(queue));
	}
	thread_join(thread);
	EXPECT_EQ(0, several);
	close(token);
	close(h.token);
	close(queue);
}

TEST_HARNESS_MAIN
