// SPDX-License-Identifier: GPL-2.0
/*
 * G9: however much one source holds, and however fast it is refilled, the few
 * items of the others come within a bounded number of dequeues: a consumer
 * moves on after 256 from one source. Catches: a consumer that stays where it
 * last found something, starts over at the first source each time, or keeps
 * its quota per call so that single calls never exhaust it.
 */
#include "mpmc_test.h"

#define QUOTA 256
#define COLD 8		/* sources with a few items */
#define COLD_ITEMS 3
#define HOT_ITEMS 8000	/* never fewer in the hot source */
#define IS_COLD 0x8000000000000000ULL

FIXTURE(fairness)
{
	int queue;
	int hot;
	int cold[COLD];
	int consumer;
};

FIXTURE_VARIANT(fairness)
{
	__u32 bulk;	/* taken at a time */
	bool token;	/* through a consumer token */
	bool migrate;	/* from another CPU each time */
};

FIXTURE_VARIANT_ADD(fairness, single) { .bulk = 1 };
FIXTURE_VARIANT_ADD(fairness, single_migrating) { .bulk = 1, .migrate = true };
FIXTURE_VARIANT_ADD(fairness, single_token) { .bulk = 1, .token = true };
FIXTURE_VARIANT_ADD(fairness, bulk_100) { .bulk = 100 };
FIXTURE_VARIANT_ADD(fairness, bulk_1000) { .bulk = 1000 };
FIXTURE_VARIANT_ADD(fairness, bulk_5000) { .bulk = 5000 };
FIXTURE_VARIANT_ADD(fairness, bulk_100_token) { .bulk = 100, .token = true };
FIXTURE_VARIANT_ADD(fairness, bulk_5000_token) { .bulk = 5000, .token = true };

FIXTURE_SETUP(fairness)
{
	int i;

	self->queue = queue_create(100000, 8);
	ASSERT_LE(0, self->queue);
	self->hot = producer_create(self->queue, 4096);
	ASSERT_LE(0, self->hot);
	for (i = 0; i < COLD; i++) {
		self->cold[i] = producer_create(self->queue, 64);
		ASSERT_LE(0, self->cold[i]);
	}
	self->consumer = self->queue;
	if (variant->token)
		self->consumer = consumer_create(self->queue, 4096);
	ASSERT_LE(0, self->consumer);
}

FIXTURE_TEARDOWN(fairness)
{
	int i;

	for (i = 0; i < COLD; i++)
		close(self->cold[i]);
	close(self->hot);
	if (variant->token)
		close(self->consumer);
	close(self->queue);
}

static __u64 taken[5000];

/*
 * Takes until @cold items of cold sources have come, giving the hot source
 * back what was taken from it; returns after how many dequeued items that was.
 */
static __u64 take_until_cold(int consumer, int hot, __u32 bulk, bool migrate,
			     int cold, __u64 limit)
{
	__u64 n = 0;
	int ret, i, cpu = 0;

	while (cold && n < limit) {
		if (migrate)
			pin(cpu++);
		ret = deq_bulk(consumer, taken, bulk);
		must(ret > 0);
		for (i = 0; i < ret && cold; i++, n++)
			cold -= !!(taken[i] & IS_COLD);
		put_range(hot, 1, ret);
	}
	return n;
}

/* Cold sources are other producer tokens. */
TEST_F(fairness, among_tokens)
{
	__u64 limit = (COLD + 2) * QUOTA + variant->bulk;
	int round, i;

	if (variant->migrate)
		limit *= cpu_count();
	put_range(self->hot, 1, HOT_ITEMS);
	for (round = 0; round < 5; round++) {
		for (i = 0; i < COLD; i++)
			put_range(self->cold[i], IS_COLD, COLD_ITEMS);
		EXPECT_GT(limit, take_until_cold(self->consumer, self->hot,
						 variant->bulk,
						 variant->migrate,
						 COLD * COLD_ITEMS, limit));
	}
}

static void *put_cold(void *arg)
{
	int *queue = arg, i;

	for (i = 0; i < COLD_ITEMS; i++)
		must(enq(*queue, IS_COLD) == 0);
	return NULL;
}

/*
 * Cold sources are threads without a token, on whichever segments they have;
 * the hot one is a token.
 */
TEST_F(fairness, threads_beside_a_token)
{
	__u64 limit = (8 + 2) * QUOTA + variant->bulk;
	pthread_t threads[32];
	int i;

	if (variant->migrate)
		limit *= cpu_count();
	put_range(self->hot, 1, HOT_ITEMS);
	for (i = 0; i < 32; i++)
		threads[i] = thread_start(put_cold, &self->queue);
	for (i = 0; i < 32; i++)
		thread_join(threads[i]);
	EXPECT_GT(limit, take_until_cold(self->consumer, self->hot,
					 variant->bulk, variant->migrate,
					 32 * COLD_ITEMS, limit));
}

/*
 * The hot one is a thread without a token too. Of 32 others some share its
 * segment and wait behind its items there, for at most so many rounds.
 */
TEST_F(fairness, among_threads)
{
	__u64 ahead = 1000, limit;
	pthread_t threads[32];
	int i;

	limit = (ahead / QUOTA + 2) * 8 * QUOTA + variant->bulk;
	if (variant->migrate)
		limit *= cpu_count();
	put_range(self->queue, 1, ahead);
	for (i = 0; i < 32; i++)
		threads[i] = thread_start(put_cold, &self->queue);
	for (i = 0; i < 32; i++)
		thread_join(threads[i]);
	put_range(self->queue, 1, HOT_ITEMS);
	EXPECT_GT(limit, take_until_cold(self->consumer, self->queue,
					 variant->bulk, variant->migrate,
					 32 * COLD_ITEMS, limit));
}

struct taker {
	int queue;
	atomic_int *cold;
	atomic_llong *count;
	__u64 limit;
};

static void *taker_run(void *arg)
{
	struct taker *t = arg;
	__u64 item;

	while (atomic_load(t->cold) > 0 &&
	       (__u64)atomic_fetch_add(t->count, 1) < t->limit) {
		must(deq(t->queue, &item) == 1);
		if (item & IS_COLD)
			atomic_fetch_sub(t->cold, 1);
		else
			must(!enq(t->queue, item));
	}
	return NULL;
}

/* Several consumers at once must not send each other back to the hot one. */
TEST(several_consumers)
{
	atomic_int cold = 4 * COLD_ITEMS;
	atomic_llong count = 0;
	struct taker taker = { .cold = &cold, .count = &count };
	pthread_t threads[4];
	int i, tokens[4], hot;

	taker.queue = queue_create(100000, 0);
	ASSERT_LE(0, taker.queue);
	hot = producer_create(taker.queue, 4096);
	ASSERT_LE(0, hot);
	put_range(hot, 1, 4 * HOT_ITEMS);
	for (i = 0; i < 4; i++) {
		tokens[i] = producer_create(taker.queue, 0);
		ASSERT_LE(0, tokens[i]);
		put_range(tokens[i], IS_COLD, COLD_ITEMS);
	}
	/* Sources: hot, 4 cold ones, and the consumers' own segments. */
	taker.limit = (1 + 4 + 4 + 2) * QUOTA * 4;
	ASSERT_GT(4 * HOT_ITEMS, taker.limit);
	for (i = 0; i < 4; i++)
		threads[i] = thread_start(taker_run, &taker);
	for (i = 0; i < 4; i++)
		thread_join(threads[i]);
	EXPECT_EQ(0, atomic_load(&cold));
	for (i = 0; i < 4; i++)
		close(tokens[i]);
	close(hot);
	close(taker.queue);
}

TEST_HARNESS_MAIN
