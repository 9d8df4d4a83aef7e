// SPDX-License-Identifier: GPL-2.0
/*
 * What a consumer token has taken and could not hand over (its buffer was bad)
 * stays leased to it: counted, kept from others, its own next time, and back
 * at the front of the queue when the token goes (G1, G4, G8).
 */
#include "mpmc_test.h"

#define CAPACITY 20
#define LEASED 5

FIXTURE(lease)
{
	int queue;
	int consumer;
};

FIXTURE_VARIANT(lease)
{
	__u32 segments;
	__u32 ring;
	bool by_token;	/* who puts the items */
};

FIXTURE_VARIANT_ADD(lease, fifo) { .segments = 1, .ring = 8 };
FIXTURE_VARIANT_ADD(lease, small_ring) { .ring = 1 };
FIXTURE_VARIANT_ADD(lease, from_token) { .ring = 64, .by_token = true };

/* The queue is full, with items 1, 2, ...; the first few of them are leased. */
FIXTURE_SETUP(lease)
{
	int producer;

	self->queue = queue_create(CAPACITY, variant->segments);
	ASSERT_LE(0, self->queue);
	self->consumer = consumer_create(self->queue, variant->ring);
	ASSERT_LE(0, self->consumer);
	producer = self->queue;
	if (variant->by_token)
		producer = producer_create(self->queue, variant->ring);
	ASSERT_EQ(CAPACITY, fill(producer, 1));
	if (variant->by_token)
		close(producer);
	ASSERT_EQ(-EFAULT, deq_bulk(self->consumer, NULL, LEASED));
}

FIXTURE_TEARDOWN(lease)
{
	close(self->consumer);
	close(self->queue);
}

/* What is leased; there always is something, or the test would be none. */
static __u64 leased(int token)
{
	struct mpmc_token_info info;

	must(token_info(token, &info) == 0);
	return info.items;
}

/* Catches: a lease that makes room, and then has nowhere to go back to. */
TEST_F(lease, counts)
{
	__u64 n = variant->ring < LEASED ? variant->ring : LEASED;
	struct mpmc_queue_info info = queue_state(self->queue);

	EXPECT_EQ(n, info.leased);
	EXPECT_EQ(n, leased(self->consumer));
	EXPECT_EQ(CAPACITY - n, info.items);
	EXPECT_EQ(-EAGAIN, enq(self->queue, 99));
	EXPECT_TRUE(take_range(self->consumer, 1, CAPACITY));
	info = queue_state(self->queue);
	EXPECT_EQ(0, info.items);
	EXPECT_EQ(0, info.leased);
	EXPECT_EQ(CAPACITY, fill(self->queue, 1));
}

/* Others get the rest, and only that, in order; the token gets its own. */
TEST_F(lease, kept_from_others)
{
	__u64 n = leased(self->consumer), item;

	EXPECT_TRUE(take_range(self->queue, n + 1, CAPACITY - n));
	EXPECT_EQ(-EAGAIN, deq(self->queue, &item));
	EXPECT_EQ(CAPACITY - n, fill(self->queue, 100));
	EXPECT_TRUE(take_range(self->consumer, 1, n));
	EXPECT_EQ(0, leased(self->consumer));
	EXPECT_TRUE(take_range(self->consumer, 100, CAPACITY - n));
}

/* Catches: items that die with the token, or come last, or in reverse. */
TEST_F(lease, closed)
{
	close(self->consumer);
	EXPECT_EQ(CAPACITY, queue_items(self->queue));
	EXPECT_EQ(0, queue_state(self->queue).leased);
	EXPECT_EQ(-EAGAIN, enq(self->queue, 99));
	EXPECT_TRUE(take_range(self->queue, 1, CAPACITY));
	self->consumer = consumer_create(self->queue, variant->ring);
	ASSERT_LE(0, self->consumer);
}

/* Partly handed over: the rest is still the token's, or the queue's. */
TEST_F(lease, partly_taken)
{
	EXPECT_TRUE(take_range(self->consumer, 1, 2));
	close(self->consumer);
	EXPECT_EQ(CAPACITY - 2, queue_items(self->queue));
	EXPECT_TRUE(take_range(self->queue, 3, CAPACITY - 2));
	self->consumer = consumer_create(self->queue, variant->ring);
	ASSERT_LE(0, self->consumer);
}

/* Lease after lease, none of them handed over, through several tokens. */
TEST_F(lease, several_tokens)
{
	int i, tokens[3];

	for (i = 0; i < 3; i++) {
		tokens[i] = consumer_create(self->queue, 4);
		ASSERT_LE(0, tokens[i]);
		EXPECT_EQ(-EFAULT, deq_bulk(tokens[i], NULL, 4));
	}
	EXPECT_EQ(CAPACITY, queue_items(self->queue) +
			    queue_state(self->queue).leased);
	/* Given back last first, they are in order again. */
	for (i = 2; i >= 0; i--)
		close(tokens[i]);
	close(self->consumer);
	EXPECT_TRUE(take_range(self->queue, 1, CAPACITY));
	self->consumer = consumer_create(self->queue, variant->ring);
	ASSERT_LE(0, self->consumer);
}

struct waiter {
	int fd;
	int ret;
	__u64 item;
};

static void *waiter_run(void *arg)
{
	struct waiter *w = arg;

	w->ret = deq_until(w->fd, &w->item, MPMC_FOREVER);
	return NULL;
}

/* What comes back wakes those who sleep for want of it. */
TEST_F(lease, close_wakes_a_consumer)
{
	__u64 n = leased(self->consumer);
	struct waiter w = { .fd = self->queue };
	pthread_t thread;

	ASSERT_TRUE(take_range(self->queue, n + 1, CAPACITY - n));
	thread = thread_start(waiter_run, &w);
	ASSERT_TRUE(wait_for_dequeuers(self->queue, 1));
	close(self->consumer);
	thread_join(thread);
	EXPECT_EQ(1, w.ret);
	EXPECT_EQ(1, w.item);
	self->consumer = consumer_create(self->queue, variant->ring);
	ASSERT_LE(0, self->consumer);
}

/*
 * The end of the stream comes after the last item, also if that is leased: it
 * may come back. Catches: EPIPE, and then an item.
 */
TEST_F(lease, shutdown_waits_for_it)
{
	__u64 n = leased(self->consumer), item;
	struct waiter w = { .fd = self->queue };
	pthread_t thread;

	ASSERT_TRUE(take_range(self->queue, n + 1, CAPACITY - n));
	ASSERT_EQ(0, queue_shutdown(self->queue));
	EXPECT_EQ(-EAGAIN, deq(self->queue, &item));
	thread = thread_start(waiter_run, &w);
	ASSERT_TRUE(wait_for_dequeuers(self->queue, 1));
	close(self->consumer);
	thread_join(thread);
	EXPECT_EQ(1, w.ret);
	EXPECT_EQ(1, w.item);
	EXPECT_TRUE(take_range(self->queue, 2, n - 1));
	EXPECT_EQ(-EPIPE, deq(self->queue, &item));
	self->consumer = consumer_create(self->queue, variant->ring);
	ASSERT_LE(0, self->consumer);
}

/* When the last leased item is handed over, the others hear of the end. */
TEST_F(lease, last_one_handed_over_ends_the_stream)
{
	__u64 n = leased(self->consumer), item;
	struct waiter w = { .fd = self->queue };
	pthread_t thread;

	ASSERT_TRUE(take_range(self->queue, n + 1, CAPACITY - n));
	ASSERT_EQ(0, queue_shutdown(self->queue));
	thread = thread_start(waiter_run, &w);
	ASSERT_TRUE(wait_for_dequeuers(self->queue, 1));
	EXPECT_TRUE(take_range(self->consumer, 1, n));
	EXPECT_EQ(-EPIPE, deq(self->consumer, &item));
	thread_join(thread);
	EXPECT_EQ(-EPIPE, w.ret);
}

#define RIVALS 4
#define GIVEN_BACK 4000

struct grab {
	int queue;
	atomic_int gate;
	atomic_int seen[GIVEN_BACK + 1];
};

static void *grab_run(void *arg)
{
	struct grab *grab = arg;
	__u64 item;

	gate_wait(&grab->gate, 1);
	while (deq(grab->queue, &item) == 1) {
		must(item >= 1 && item <= GIVEN_BACK);
		atomic_fetch_add(&grab->seen[item], 1);
	}
	return NULL;
}

/*
 * Several consumers at once take what a token has given back. Catches: two that
 * claim the same of it (G1).
 */
TEST(given_back_is_taken_once)
{
	static struct grab grab;
	pthread_t threads[RIVALS];
	int i, round, token;

	for (round = 0; round < 20; round++) {
		memset(&grab, 0, sizeof(grab));
		grab.queue = queue_create(GIVEN_BACK, 0);
		ASSERT_LE(0, grab.queue);
		token = consumer_create(grab.queue, 4096);
		ASSERT_LE(0, token);
		put_range(grab.queue, 1, GIVEN_BACK);
		ASSERT_EQ(-EFAULT, deq_bulk(token, NULL, GIVEN_BACK));
		ASSERT_EQ(GIVEN_BACK, leased(token));
		close(token);
		for (i = 0; i < RIVALS; i++)
			threads[i] = thread_start(grab_run, &grab);
		gate_open(&grab.gate, 1);
		for (i = 0; i < RIVALS; i++)
			thread_join(threads[i]);
		for (i = 1; i <= GIVEN_BACK; i++)
			ASSERT_EQ(1, atomic_load(&grab.seen[i]));
		ASSERT_EQ(0, queue_items(grab.queue));
		close(grab.queue);
	}
}

static void *put_and_close_run(void *arg)
{
	struct grab *token = arg;

	gate_wait(&token->gate, 1);
	must(enq(token->queue, 1) == 0);
	close(token->queue);
	return NULL;
}

/*
 * What a queue says at once is so: "no producers, no items" is the end. Catches:
 * items that are counted before those who put them are (G8).
 */
TEST(no_producers_and_no_items)
{
	static struct grab token;
	struct mpmc_queue_info info;
	pthread_t thread;
	int queue, round;

	queue = queue_create(CAPACITY, 0);
	ASSERT_LE(0, queue);
	for (round = 0; round < 2000; round++) {
		token.queue = producer_create(queue, 64);
		ASSERT_LE(0, token.queue);
		atomic_store(&token.gate, 0);
		thread = thread_start(put_and_close_run, &token);
		gate_open(&token.gate, 1);
		do {
			info = queue_state(queue);
		} while (info.producers);
		thread_join(thread);
		ASSERT_EQ(1, info.items);
		ASSERT_EQ(1, drain(queue));
	}
	close(queue);
}

#define GOING 4096

static void *close_run(void *arg)
{
	struct grab *token = arg;

	gate_wait(&token->gate, 1);
	close(token->queue);
	return NULL;
}

/*
 * Once a queue says that nobody consumes, all that was leased can be taken. Catches:
 * a token that is not counted any more while its items are on their way back (G8).
 */
TEST(gone_means_given_back)
{
	static struct grab token;
	__u64 taken;
	int queue, round;
	pthread_t thread;

	queue = queue_create(GOING, 0);
	ASSERT_LE(0, queue);
	for (round = 0; round < 300; round++) {
		ASSERT_EQ(GOING, fill(queue, 1));
		token.queue = consumer_create(queue, GOING);
		ASSERT_EQ(GOING, lease_fill(token.queue, NULL, GOING));
		atomic_store(&token.gate, 0);
		thread = thread_start(close_run, &token);
		gate_open(&token.gate, 1);
		while (queue_state(queue).consumers)
			;
		taken = drain(queue);
		thread_join(thread);
		ASSERT_EQ(GOING, taken);
	}
	close(queue);
}

TEST_HARNESS_MAIN
