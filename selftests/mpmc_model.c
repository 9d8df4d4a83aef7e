// SPDX-License-Identifier: GPL-2.0
/*
 * Long random sequences of calls by one thread through the queue itself and
 * through tokens, each compared with what a simple model says. Here "full",
 * "empty", every count and every order are determined: nothing is approximate
 * in a queue at rest (G2, G3, G4, G5).
 */
#include "mpmc_test.h"

#define TOKENS 3
#define SOURCES (TOKENS + 1)
#define STEPS 20000

struct model {
	int queue;
	int producers[SOURCES];	/* the first is the queue itself */
	int consumers[2];	/* likewise */
	__u64 put[SOURCES];	/* items ever put, and taken, of each source */
	__u64 taken[SOURCES];
	__u64 rng;
};

FIXTURE(model)
{
	struct model m;
};

FIXTURE_VARIANT(model)
{
	__u32 capacity;
	__u32 segments;
	__u32 ring;
	__u32 bulk;
};

FIXTURE_VARIANT_ADD(model, tiny)
{
	.capacity = 1, .segments = 0, .ring = 1, .bulk = 2,
};

FIXTURE_VARIANT_ADD(model, small)
{
	.capacity = 5, .segments = 1, .ring = 2, .bulk = 6,
};

FIXTURE_VARIANT_ADD(model, small_ring)
{
	.capacity = 64, .segments = 3, .ring = 4, .bulk = 30,
};

FIXTURE_VARIANT_ADD(model, one_segment)
{
	.capacity = 1000, .segments = 1, .ring = 16, .bulk = 400,
};

FIXTURE_VARIANT_ADD(model, large)
{
	.capacity = 20000, .segments = 0, .ring = 4096, .bulk = 1000,
};

FIXTURE_SETUP(model)
{
	int i;

	self->m.queue = queue_create(variant->capacity, variant->segments);
	ASSERT_LE(0, self->m.queue);
	self->m.producers[0] = self->m.queue;
	self->m.consumers[0] = self->m.queue;
	for (i = 1; i < SOURCES; i++) {
		self->m.producers[i] = producer_create(self->m.queue,
						       variant->ring);
		ASSERT_LE(0, self->m.producers[i]);
	}
	self->m.consumers[1] = consumer_create(self->m.queue, variant->ring);
	ASSERT_LE(0, self->m.consumers[1]);
	self->m.rng = 6364136223846793005ULL;
}

FIXTURE_TEARDOWN(model)
{
	int i;

	for (i = 1; i < SOURCES; i++)
		close(self->m.producers[i]);
	close(self->m.consumers[1]);
	close(self->m.queue);
}

static __u64 model_items(struct model *m)
{
	__u64 n = 0;
	int i;

	for (i = 0; i < SOURCES; i++)
		n += m->put[i] - m->taken[i];
	return n;
}

static void model_put(struct model *m, __u32 capacity, __u32 n)
{
	int i, ret, source = random_below(&m->rng, SOURCES);
	__u64 items[BULK_MAX], value = (__u64)source << 32 | m->put[source];

	for (i = 0; i < (int)n; i++)
		items[i] = value + i;
	if (n == 1 && random_below(&m->rng, 2))
		ret = enq(m->producers[source], value);
	else
		ret = enq_bulk(m->producers[source], items, n);
	if (n > capacity) {
		must(ret == -EMSGSIZE);
	} else if (n > capacity - model_items(m)) {
		must(ret == -EAGAIN);
	} else {
		must(ret == 0);
		m->put[source] += n;
	}
}

static void model_take(struct model *m, __u32 n)
{
	int i, ret, fd = m->consumers[random_below(&m->rng, 2)];
	__u64 items[BULK_MAX], there = model_items(m), source;

	if (n == 1 && random_below(&m->rng, 2))
		ret = deq(fd, items);
	else
		ret = deq_bulk(fd, items, n);
	if (!there) {
		must(ret == -EAGAIN);
		return;
	}
	must(ret == (int)(n < there ? n : there));
	for (i = 0; i < ret; i++) {
		source = items[i] >> 32;
		must(source < SOURCES);
		must((__u32)items[i] == m->taken[source]++);
	}
}

/*
 * Goes through spells of mostly putting and mostly taking, so that the queue
 * is at both of its ends and in between. A failure ends the process at once.
 */
TEST_F(model, random_calls)
{
	int step;
	__u32 n;

	for (step = 0; step < STEPS; step++) {
		n = 1 + random_below(&self->m.rng, variant->bulk);
		if (random_below(&self->m.rng, 3))
			n = 1;
		if (random_below(&self->m.rng, 8) < (step / 64 % 2 ? 6 : 2))
			model_put(&self->m, variant->capacity, n);
		else
			model_take(&self->m, n);
		if (!(step % 16))
			ASSERT_EQ(model_items(&self->m), queue_items(self->m.queue));
	}
}

/* The same with tokens coming and going, some of them with items left. */
TEST_F(model, random_calls_with_short_lived_tokens)
{
	int step, i;

	for (step = 0; step < STEPS / 4; step++) {
		if (random_below(&self->m.rng, 2))
			model_put(&self->m, variant->capacity, 1);
		else
			model_take(&self->m, 1 + random_below(&self->m.rng, 3));
		if (random_below(&self->m.rng, 8))
			continue;
		/* Its items stay, but nothing orders them and its successor's. */
		i = 1 + random_below(&self->m.rng, TOKENS);
		if (self->m.put[i] == self->m.taken[i]) {
			close(self->m.producers[i]);
			self->m.producers[i] = producer_create(self->m.queue,
							       variant->ring);
			ASSERT_LE(0, self->m.producers[i]);
		}
		close(self->m.consumers[1]);
		self->m.consumers[1] = consumer_create(self->m.queue,
						       variant->ring);
		ASSERT_LE(0, self->m.consumers[1]);
	}
	EXPECT_EQ(model_items(&self->m), queue_items(self->m.queue));
	EXPECT_EQ(model_items(&self->m), drain(self->m.queue));
	EXPECT_EQ(variant->capacity, fill(self->m.queue, 1));
}

TEST_HARNESS_MAIN
