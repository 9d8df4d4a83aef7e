// SPDX-License-Identifier: GPL-2.0
/*
 * Eight producers and eight consumers, each a process of its own, with a
 * checker: every item comes to exactly one consumer (G1), and no consumer sees
 * two items of one producer in the wrong order (G2).
 */
#include "mpmc_test.h"

#define SIDE 8
#define SEQ_BITS 32

enum mode { SINGLE, BULK, TOKEN, WAITING, MIXED };

struct shared {
	int queue;
	enum mode mode;
	__u32 per_producer;
	__u32 bulk;	/* largest */
	atomic_uint taken;
	atomic_uchar seen[];	/* times, by producer and sequence number */
};

struct worker {
	struct shared *shared;
	int index;
};

/* MIXED: each worker in another way. */
static enum mode worker_mode(struct worker *w)
{
	if (w->shared->mode == MIXED)
		return w->index % MIXED;
	return w->shared->mode;
}

static void produce(void *arg)
{
	struct worker *w = arg;
	__u64 items[64], rng = 0x9e3779b97f4a7c15ULL * (w->index + 1);
	enum mode mode = worker_mode(w);
	__u32 i, n = 1, seq = 0;
	int ret, fd = w->shared->queue;

	if (mode == TOKEN)
		fd = producer_create(fd, 16);
	must(fd >= 0);
	while (seq < w->shared->per_producer) {
		if (mode != SINGLE)
			n = 1 + random_below(&rng, w->shared->bulk);
		if (n > w->shared->per_producer - seq)
			n = w->shared->per_producer - seq;
		for (i = 0; i < n; i++)
			items[i] = (__u64)w->index << SEQ_BITS | (seq + i);
		ret = mode == WAITING ?
			enq_bulk_until(fd, items, n, MPMC_FOREVER) :
			enq_bulk(fd, items, n);
		if (!ret)
			seq += n;
		else if (ret == -EAGAIN)
			sched_yield();
		else
			must(!ret);
	}
}

/* @next: the least sequence number of each producer that may still come */
static void check(struct shared *s, __u32 *next, __u64 item)
{
	__u32 producer = item >> SEQ_BITS, seq = item;

	must(producer < SIDE);
	must(seq < s->per_producer);
	must(seq >= next[producer]);
	next[producer] = seq + 1;
	must(!atomic_fetch_add(&s->seen[producer * s->per_producer + seq], 1));
	atomic_fetch_add(&s->taken, 1);
}

static void consume(void *arg)
{
	struct worker *w = arg;
	__u64 items[64], rng = 0xbf58476d1ce4e5b9ULL * (w->index + 1);
	enum mode mode = worker_mode(w);
	int i, ret, fd = w->shared->queue;
	__u32 n = 1, next[SIDE] = {};

	if (mode == TOKEN)
		fd = consumer_create(fd, 16);
	must(fd >= 0);
	for (;;) {
		if (mode != SINGLE)
			n = 1 + random_below(&rng, w->shared->bulk);
		ret = mode == SINGLE || mode == BULK ?
			deq_bulk(fd, items, n) :
			deq_bulk_until(fd, items, n, MPMC_FOREVER);
		if (ret == -EPIPE)
			return;
		if (ret == -EAGAIN)
			sched_yield();
		else
			must(ret > 0 && ret <= (int)n);
		for (i = 0; i < ret; i++)
			check(w->shared, next, items[i]);
	}
}

FIXTURE(stress)
{
	struct shared *shared;
};

FIXTURE_VARIANT(stress)
{
	enum mode mode;
	__u32 capacity;
	__u32 segments;
	__u32 per_producer;
	__u32 bulk;
};

FIXTURE_VARIANT_ADD(stress, single_5)
{
	.mode = SINGLE, .capacity = 5, .per_producer = 1000, .bulk = 1,
};

FIXTURE_VARIANT_ADD(stress, single_fifo)
{
	.mode = SINGLE, .capacity = 64, .segments = 1, .per_producer = 3000,
	.bulk = 1,
};

FIXTURE_VARIANT_ADD(stress, single_large)
{
	.mode = SINGLE, .capacity = 100000, .per_producer = 5000, .bulk = 1,
};

FIXTURE_VARIANT_ADD(stress, bulk_64)
{
	.mode = BULK, .capacity = 64, .per_producer = 20000, .bulk = 20,
};

FIXTURE_VARIANT_ADD(stress, bulk_fifo)
{
	.mode = BULK, .capacity = 1000, .segments = 1, .per_producer = 40000,
	.bulk = 64,
};

FIXTURE_VARIANT_ADD(stress, bulk_large)
{
	.mode = BULK, .capacity = 100000, .per_producer = 40000, .bulk = 64,
};

FIXTURE_VARIANT_ADD(stress, token_5)
{
	.mode = TOKEN, .capacity = 5, .per_producer = 1000, .bulk = 3,
};

FIXTURE_VARIANT_ADD(stress, token_64)
{
	.mode = TOKEN, .capacity = 64, .per_producer = 20000, .bulk = 20,
};

FIXTURE_VARIANT_ADD(stress, token_large)
{
	.mode = TOKEN, .capacity = 100000, .per_producer = 40000, .bulk = 64,
};

FIXTURE_VARIANT_ADD(stress, waiting_1)
{
	.mode = WAITING, .capacity = 1, .per_producer = 500, .bulk = 1,
};

FIXTURE_VARIANT_ADD(stress, waiting_5_fifo)
{
	.mode = WAITING, .capacity = 5, .segments = 1, .per_producer = 1000,
	.bulk = 5,
};

FIXTURE_VARIANT_ADD(stress, waiting_64)
{
	.mode = WAITING, .capacity = 64, .per_producer = 10000, .bulk = 64,
};

FIXTURE_VARIANT_ADD(stress, mixed_64)
{
	.mode = MIXED, .capacity = 64, .per_producer = 4000, .bulk = 16,
};

FIXTURE_VARIANT_ADD(stress, mixed_fifo)
{
	.mode = MIXED, .capacity = 500, .segments = 1, .per_producer = 4000,
	.bulk = 16,
};

FIXTURE_VARIANT_ADD(stress, mixed_large)
{
	.mode = MIXED, .capacity = 20000, .segments = 3, .per_producer = 10000,
	.bulk = 64,
};

FIXTURE_SETUP(stress)
{
	struct shared *s = shared_alloc(sizeof(*s) +
					SIDE * variant->per_producer);

	s->queue = queue_create(variant->capacity, variant->segments);
	ASSERT_LE(0, s->queue);
	s->mode = variant->mode;
	s->per_producer = variant->per_producer;
	s->bulk = variant->bulk;
	self->shared = s;
}

FIXTURE_TEARDOWN(stress)
{
	close(self->shared->queue);
}

TEST_F(stress, processes)
{
	struct shared *s = self->shared;
	pid_t producers[SIDE], consumers[SIDE];
	struct worker worker = { .shared = s };
	int i;

	for (i = 0; i < SIDE; i++) {
		worker.index = i;
		consumers[i] = spawn(consume, &worker);
		producers[i] = spawn(produce, &worker);
	}
	for (i = 0; i < SIDE; i++)
		EXPECT_EQ(0, reap(producers[i]));
	/* All is in: the consumers take what is left, and then end. */
	EXPECT_EQ(0, queue_shutdown(s->queue));
	for (i = 0; i < SIDE; i++)
		EXPECT_EQ(0, reap(consumers[i]));
	/* None twice, as check() saw: so this many are all of them. */
	EXPECT_EQ(SIDE * s->per_producer, atomic_load(&s->taken));
	EXPECT_EQ(0, queue_items(s->queue));
	EXPECT_EQ(0, queue_state(s->queue).leased);
}

TEST_HARNESS_MAIN
