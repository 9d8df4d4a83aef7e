// SPDX-License-Identifier: GPL-2.0
/*
 * Leases that are looked at and then committed or released: what is shown, what
 * is kept, and what comes back, to whom, when their owner goes (G1, G4, G8).
 */
#include "mpmc_mapped.h"

#define CAPACITY 100
#define RING 16
#define PATIENTLY in_ms(20000)

/* One segment: there is one order for all items. */
FIXTURE(peek)
{
	int queue;
	int token;
	struct mpmc_lease_item items[RING + 1];
};

FIXTURE_SETUP(peek)
{
	self->queue = queue_create(CAPACITY, 1);
	ASSERT_LE(0, self->queue);
	self->token = consumer_create(self->queue, RING);
	ASSERT_LE(0, self->token);
	memset(self->items, 0xa5, sizeof(self->items));
}

FIXTURE_TEARDOWN(peek)
{
	close(self->token);
	drain(self->queue);
	EXPECT_EQ(CAPACITY, fill(self->queue, 1));
	close(self->queue);
}

/* Whether items are first, first + 1, ..., each handed out so many times. */
static bool shows(const struct mpmc_lease_item *items, int n, __u64 first,
		  __u32 deliveries)
{
	int i;

	for (i = 0; i < n; i++)
		if (items[i].value != first + i || items[i].pad ||
		    items[i].deliveries != deliveries)
			return false;
	return true;
}

/* Catches: new items instead of the same; what is behind the array written. */
TEST_F(peek, same_again_and_more)
{
	struct mpmc_lease_item *items = self->items;

	put_range(self->queue, 1, 50);
	EXPECT_EQ(4, lease_fill(self->token, items, 4));
	EXPECT_TRUE(shows(items, 4, 1, 1));
	EXPECT_EQ(0xa5a5a5a5, items[4].pad);
	memset(items, 0xa5, sizeof(self->items));
	EXPECT_EQ(2, lease_fill(self->token, items, 2));
	EXPECT_TRUE(shows(items, 2, 1, 1));
	EXPECT_EQ(0xa5a5a5a5, items[2].pad);
	EXPECT_EQ(4, queue_state(self->queue).leased);
	EXPECT_EQ(4, lease_fill(self->token, NULL, 1));
	EXPECT_EQ(6, lease_fill(self->token, items, 6));
	EXPECT_TRUE(shows(items, 6, 1, 1));
	EXPECT_EQ(RING, lease_fill(self->token, items, RING + 1));
	EXPECT_TRUE(shows(items, RING, 1, 1));
	EXPECT_EQ(0xa5a5a5a5, items[RING].pad);
	EXPECT_EQ(RING, lease_fill(self->token, NULL, ~0U));
	EXPECT_EQ(RING, queue_state(self->queue).leased);
	EXPECT_EQ(50 - RING, queue_items(self->queue));
	EXPECT_TRUE(take_range(self->queue, RING + 1, 50 - RING));
}

/* Around the end of the ring, many times. Catches: slots and laps mixed up. */
TEST_F(peek, laps)
{
	__u64 next = 1, first = 1;
	int i, n = 0;

	for (i = 0; i < 500; i++) {
		put_range(self->queue, next, 7);
		next += 7;
		n = lease_fill(self->token, self->items, RING);
		ASSERT_LE(7, n);
		ASSERT_TRUE(shows(self->items, n, first, 1));
		n = n < 7 + i % 3 ? n : 7 + i % 3;
		ASSERT_EQ(0, lease_commit(self->token, n));
		first += n;
	}
}

/* Catches: the end of the stream before what is leased has been finished with. */
TEST_F(peek, empty_and_end)
{
	EXPECT_EQ(-EAGAIN, lease_fill(self->token, self->items, 1));
	EXPECT_EQ(-EINVAL, lease_commit(self->token, 1));
	EXPECT_EQ(-EINVAL, lease_release(self->token, 1));
	put_range(self->queue, 1, 2);
	EXPECT_EQ(2, lease_fill(self->token, self->items, 5));
	EXPECT_EQ(2, lease_fill(self->token, self->items, 5));
	ASSERT_EQ(0, queue_shutdown(self->queue));
	EXPECT_EQ(2, lease_fill(self->token, self->items, 5));
	ASSERT_EQ(0, lease_release(self->token, 1));
	EXPECT_EQ(2, lease_fill(self->token, self->items, 5));
	ASSERT_EQ(0, lease_commit(self->token, 2));
	EXPECT_EQ(-EPIPE, lease_fill(self->token, self->items, 1));
	EXPECT_EQ(-EPIPE, lease_fill_flags(self->token, self->items, 1, 0,
					   MPMC_FOREVER));
	close(self->queue);
	self->queue = queue_create(CAPACITY, 1);
}

struct waiter {
	int token;
	int ret;
	struct mpmc_lease_item item;
	__u64 deadline;
	atomic_int done;
};

static void *waiter_run(void *arg)
{
	struct waiter *w = arg;

	w->ret = lease_fill_flags(w->token, &w->item, 1, 0, w->deadline);
	atomic_store(&w->done, 1);
	return NULL;
}

/* Catches: deadlines that are early, or forgotten; sleep with a lease there. */
TEST_F(peek, wait)
{
	struct waiter w = { .token = self->token, .deadline = MPMC_FOREVER };
	__u64 deadline = in_ms(50);
	pthread_t thread;

	EXPECT_EQ(-ETIMEDOUT, lease_fill_flags(self->token, self->items, 1, 0,
					       deadline));
	EXPECT_LE(deadline, now_ns());
	EXPECT_GE(deadline + SLACK_NS, now_ns());
	EXPECT_EQ(-ETIMEDOUT, lease_fill_flags(self->token, self->items, 1, 0,
					       1));
	thread = thread_start(waiter_run, &w);
	ASSERT_TRUE(wait_for_dequeuers(self->queue, 1));
	ASSERT_EQ(0, enq(self->queue, 9));
	thread_join(thread);
	EXPECT_EQ(1, w.ret);
	EXPECT_TRUE(shows(&w.item, 1, 9, 1));
	EXPECT_EQ(1, lease_fill_flags(self->token, self->items, 5, 0,
				      MPMC_FOREVER));
}

/* Catches: a second thread that finds the lease half changed. */
TEST_F(peek, busy)
{
	struct waiter w = { .token = self->token, .deadline = MPMC_FOREVER };
	pthread_t thread = thread_start(waiter_run, &w);

	ASSERT_TRUE(wait_for_dequeuers(self->queue, 1));
	EXPECT_EQ(-EBUSY, lease_fill(self->token, self->items, 1));
	EXPECT_EQ(-EBUSY, lease_commit(self->token, 1));
	EXPECT_EQ(-EBUSY, lease_release(self->token, 1));
	EXPECT_EQ(-EBUSY, token_kick(self->token, 1));
	ASSERT_EQ(0, enq(self->queue, 9));
	thread_join(thread);
	EXPECT_EQ(1, w.ret);
}

/* Catches: items lost, or counted as handed out again, for a bad address. */
TEST_F(peek, efault_keeps_the_lease)
{
	char *end = mapping_end(4096);
	void *short_array = end - 3 * sizeof(*self->items);

	put_range(self->queue, 1, 20);
	EXPECT_EQ(-EFAULT, lease_fill(self->token, (void *)8, 5));
	EXPECT_EQ(5, queue_state(self->queue).leased);
	EXPECT_EQ(-EFAULT, lease_fill(self->token, short_array, 8));
	EXPECT_EQ(8, queue_state(self->queue).leased);
	EXPECT_EQ(3, lease_fill(self->token, short_array, 3));
	EXPECT_EQ(8, lease_fill(self->token, self->items, 8));
	EXPECT_TRUE(shows(self->items, 8, 1, 1));
	EXPECT_EQ(0, queue_state(self->queue).redelivered);
}

/* Catches: others' items, or the newest, committed; room that is not there. */
TEST_F(peek, commit)
{
	ASSERT_EQ(CAPACITY, fill(self->queue, 1));
	ASSERT_EQ(10, lease_fill(self->token, NULL, 10));
	EXPECT_EQ(-EAGAIN, enq(self->queue, 1));
	EXPECT_EQ(-EINVAL, lease_commit(self->token, 11));
	EXPECT_EQ(-EINVAL, lease_commit(self->token, ~0U));
	EXPECT_EQ(-EAGAIN, enq(self->queue, 1));
	EXPECT_EQ(0, lease_commit(self->token, 3));
	EXPECT_EQ(7, queue_state(self->queue).leased);
	EXPECT_EQ(CAPACITY - 10, queue_items(self->queue));
	EXPECT_EQ(3, fill(self->queue, CAPACITY + 1));
	EXPECT_EQ(7, lease_fill(self->token, self->items, 7));
	EXPECT_TRUE(shows(self->items, 7, 4, 1));
	EXPECT_EQ(-EINVAL, lease_commit(self->token, 8));
	EXPECT_EQ(0, lease_commit(self->token, 7));
	EXPECT_TRUE(take_range(self->queue, 11, CAPACITY - 7));
}

/* A call takes what is leased first. Catches: it taken again, or overtaken. */
TEST_F(peek, then_dequeue)
{
	put_range(self->queue, 1, 20);
	ASSERT_EQ(5, lease_fill(self->token, NULL, 5));
	EXPECT_TRUE(take_range(self->token, 1, 2));
	EXPECT_EQ(3, lease_fill(self->token, self->items, 3));
	EXPECT_TRUE(shows(self->items, 3, 3, 1));
	EXPECT_TRUE(take_range(self->token, 3, 18));
}

/* Catches: items that come back last, in reverse, or as if they were new. */
TEST_F(peek, release)
{
	int other = consumer_create(self->queue, RING);

	ASSERT_LE(0, other);
	ASSERT_EQ(CAPACITY, fill(self->queue, 1));
	ASSERT_EQ(5, lease_fill(self->token, NULL, 5));
	EXPECT_EQ(-EINVAL, lease_release(self->token, 6));
	EXPECT_EQ(0, lease_release(self->token, 2));
	EXPECT_EQ(-EAGAIN, enq(self->queue, 1));
	EXPECT_EQ(2, queue_state(self->queue).redelivered);
	EXPECT_EQ(3, lease_fill(self->token, self->items, 3));
	EXPECT_TRUE(shows(self->items, 3, 3, 1));
	EXPECT_EQ(4, lease_fill(other, self->items, 4));
	EXPECT_TRUE(shows(self->items, 2, 1, 2));
	EXPECT_TRUE(shows(self->items + 2, 2, 6, 1));
	/* Back in the order that they were leased in, all of them. */
	EXPECT_EQ(0, lease_release(other, 4));
	EXPECT_EQ(0, lease_release(self->token, 3));
	EXPECT_EQ(9, queue_state(self->queue).redelivered);
	EXPECT_EQ(3, lease_fill(other, self->items, 3));
	EXPECT_TRUE(shows(self->items, 3, 3, 2));
	EXPECT_EQ(0, lease_commit(other, 3));
	EXPECT_EQ(4, lease_fill(other, self->items, 4));
	EXPECT_TRUE(shows(self->items, 2, 1, 3));
	EXPECT_TRUE(shows(self->items + 2, 2, 6, 2));
	EXPECT_EQ(0, lease_commit(other, 4));
	EXPECT_TRUE(take_range(self->queue, 8, CAPACITY - 7));
	close(other);
}

/* Catches: what comes back with nobody told. */
TEST_F(peek, release_wakes_a_sleeper)
{
	struct waiter w = {
		.token = consumer_create(self->queue, 4),
		.deadline = MPMC_FOREVER,
	};
	pthread_t thread;

	put_range(self->queue, 1, 3);
	ASSERT_EQ(3, lease_fill(self->token, NULL, 3));
	thread = thread_start(waiter_run, &w);
	ASSERT_TRUE(wait_for_dequeuers(self->queue, 1));
	ASSERT_EQ(0, lease_release(self->token, 1));
	ASSERT_TRUE(eventually(atomic_load(&w.done)));
	thread_join(thread);
	EXPECT_EQ(1, w.ret);
	EXPECT_TRUE(shows(&w.item, 1, 1, 2));
	close(w.token);
}

/* The ring as its owner sees it, who has it mapped. */
TEST_F(peek, deliveries_in_a_mapping)
{
	struct mapped c;
	__u64 i, pos;
	__u32 seen, expected;
	int round;

	mapped_consumer(&c, self->queue, RING);
	for (round = 0; round < 50; round++) {
		put_range(self->queue, 1, 5);
		ASSERT_EQ(5, lease_fill(self->token, NULL, 5));
		put_range(self->queue, 6, 5);
		ASSERT_EQ(0, lease_release(self->token, 2 + round % 4));
		close(self->token);
		self->token = consumer_create(self->queue, RING);
		ASSERT_EQ(10, lease_fill(c.fd, self->items, 10));
		for (i = 0; i < 10; i++) {
			pos = *c.own + i;
			seen = pos < c.token->again ?
				c.deliveries[pos & (RING - 1)] : 1;
			expected = *mapped_entry(&c, pos) <= 5 ? 2 : 1;
			ASSERT_EQ(expected, seen);
			ASSERT_EQ(expected, self->items[i].deliveries);
			ASSERT_EQ(self->items[i].value, *mapped_entry(&c, pos));
		}
		commit(&c, 10);
	}
	mapped_close(&c);
}

/* --- Owners that go --- */

struct owner {
	int queue;
	bool killed;
	atomic_int ready;
};

/* Leases ten items, finishes with two, and goes. */
static void owner_run(void *arg)
{
	struct owner *owner = arg;
	int token = consumer_create(owner->queue, RING);

	must(lease_fill(token, NULL, 10) == 10);
	must(lease_commit(token, 2) == 0);
	gate_open(&owner->ready, 1);
	if (owner->killed)
		pause();
}

static void own_and_go(struct owner *owner)
{
	pid_t pid;

	atomic_store(&owner->ready, 0);
	pid = spawn(owner_run, owner);
	gate_wait(&owner->ready, 1);
	must(owner->killed ? killed(pid) : !reap(pid));
}

/* Catches: what a dead owner held lost, behind the others, or not marked. */
TEST_F(peek, owners_that_go)
{
	struct owner *owner = shared_alloc(sizeof(*owner));
	int i, k;

	owner->queue = self->queue;
	put_range(self->queue, 1, 50);
	for (i = 1; i <= 6; i++) {
		owner->killed = i % 2;
		own_and_go(owner);
		EXPECT_EQ(0, queue_state(self->queue).leased);
		EXPECT_EQ(50 - 2 * i, queue_items(self->queue));
	}
	/* Of the first ten of the last, two are gone, eight are back. */
	ASSERT_EQ(RING, lease_fill(self->token, self->items, RING));
	for (k = 0; k < RING; k++)
		EXPECT_EQ(13 + k, self->items[k].value);
	/* 13 was with the last four of them, 20 with the last one, 21 with none. */
	EXPECT_EQ(5, self->items[0].deliveries);
	EXPECT_EQ(2, self->items[7].deliveries);
	EXPECT_EQ(1, self->items[8].deliveries);
	EXPECT_EQ(48, queue_state(self->queue).redelivered);
	munmap(owner, sizeof(*owner));
}

/* Catches: a consumer that sleeps on beside what a dead one held (G7). */
TEST_F(peek, death_wakes_a_sleeper)
{
	struct owner *owner = shared_alloc(sizeof(*owner));
	struct waiter w = { .token = self->token, .deadline = MPMC_FOREVER };
	pthread_t thread;
	pid_t pid;

	owner->queue = self->queue;
	owner->killed = true;
	put_range(self->queue, 1, 10);
	pid = spawn(owner_run, owner);
	gate_wait(&owner->ready, 1);
	thread = thread_start(waiter_run, &w);
	ASSERT_TRUE(wait_for_dequeuers(self->queue, 1));
	ASSERT_TRUE(killed(pid));
	ASSERT_TRUE(eventually(atomic_load(&w.done)));
	thread_join(thread);
	EXPECT_EQ(1, w.ret);
	EXPECT_TRUE(shows(&w.item, 1, 3, 2));
	munmap(owner, sizeof(*owner));
}

/* --- Others --- */

static void *put_run(void *arg)
{
	return (void *)(long)enq_until(*(int *)arg, 7, MPMC_FOREVER);
}

/* Catches: a producer that sleeps on beside the room that a commit made. */
TEST_F(peek, commit_wakes_a_producer)
{
	pthread_t thread;
	void *ret;

	ASSERT_EQ(CAPACITY, fill(self->queue, 1));
	ASSERT_EQ(2, lease_fill(self->token, NULL, 2));
	thread = thread_start(put_run, &self->queue);
	ASSERT_TRUE(wait_for_enqueuers(self->queue, 1));
	ASSERT_EQ(0, lease_release(self->token, 1));
	usleep(20000);
	EXPECT_EQ(1, queue_state(self->queue).enqueue_waiters);
	ASSERT_EQ(0, lease_commit(self->token, 1));
	pthread_join(thread, &ret);
	EXPECT_EQ(NULL, ret);
}

/* Nobody has seen them. Catches: deliveries that were none. */
TEST_F(peek, bad_buffers_are_no_deliveries)
{
	__u64 item;

	put_range(self->queue, 1, 10);
	EXPECT_EQ(-EFAULT, deq_bulk(self->queue, NULL, 5));
	EXPECT_EQ(-EFAULT, deq_bulk(self->queue, NULL, 1));
	EXPECT_EQ(-EFAULT, deq_bulk(self->queue, NULL, 10));
	EXPECT_EQ(0, queue_state(self->queue).redelivered);
	ASSERT_EQ(10, lease_fill(self->token, self->items, 10));
	EXPECT_TRUE(shows(self->items, 10, 1, 1));
	ASSERT_EQ(0, lease_release(self->token, 10));
	EXPECT_EQ(-EFAULT, deq_bulk(self->queue, NULL, 10));
	ASSERT_EQ(10, lease_fill(self->token, self->items, 10));
	EXPECT_TRUE(shows(self->items, 10, 1, 2));
	EXPECT_EQ(-EAGAIN, deq(self->queue, &item));
}

#define SHARE_ITEMS 1000

/* Catches: one consumer who takes all, or items one by one. */
TEST(fair_share)
{
	int queue = queue_create(4096, 0), tokens[8], n, i, share, expected, rest;

	ASSERT_LE(0, queue);
	for (n = 1; n <= 8; n *= 2) {
		for (i = 0; i < n; i++)
			tokens[i] = consumer_create(queue, 1024);
		put_range(queue, 1, SHARE_ITEMS);
		expected = SHARE_ITEMS / (2 * n);
		share = lease_fill_flags(tokens[0], NULL, 1, MPMC_LEASE_SHARE,
					 0);
		EXPECT_LE(expected * 8 / 10, share);
		EXPECT_GE(expected * 12 / 10, share);
		rest = share;
		/* Not less than asked for, nor as much as others have left. */
		share = lease_fill_flags(tokens[n - 1], NULL, 900,
					 MPMC_LEASE_SHARE, 0);
		rest = n > 1 ? SHARE_ITEMS - rest : 900;
		EXPECT_EQ(rest < 900 ? rest : 900, share);
		for (i = 0; i < n; i++)
			close(tokens[i]);
		EXPECT_EQ(SHARE_ITEMS, drain(queue));
	}
	/* Few: one at least. */
	tokens[0] = consumer_create(queue, 4);
	put_range(queue, 1, 2);
	EXPECT_EQ(1, lease_fill_flags(tokens[0], NULL, 1, MPMC_LEASE_SHARE, 0));
	put_range(queue, 3, 100);
	lease_commit(tokens[0], 1);
	EXPECT_EQ(4, lease_fill_flags(tokens[0], NULL, 1, MPMC_LEASE_SHARE, 0));
	close(tokens[0]);
	close(queue);
}

TEST_HARNESS_MAIN
