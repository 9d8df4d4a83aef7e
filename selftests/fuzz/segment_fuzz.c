// SPDX-License-Identifier: GPL-2.0
/*
 * The segment: calls of producers and consumers between any two steps of each
 * other, with blocks that serve again at once
 *
 * What must be true: all that was put comes out once; what is put by one call is
 * in order, and what is taken by one call is in the order of its producers; a
 * block that is used is not freed (ASan); and when nobody is in a call, what is
 * there is found, and comes out in the order it went in.
 */
#include "../../kmod/segment.h"

#include "step.h"

#define BULK 600
#define ITEMS 65536

struct mpmc_pool {
	struct mpmc_block *free;
	struct mpmc_block *worn;
	unsigned int blocks;
};

static struct mpmc_pool pool;
static struct mpmc_segment segment;
static u8 came[ITEMS];
static u64 put_count, took_count;

/* Calls that are under way, and have put, or taken, what is not counted. */
static unsigned int putting, taking;

static struct mpmc_block **link_of(struct mpmc_block *block)
{
	return (struct mpmc_block **)&block->rcu;
}

static void list_push(struct mpmc_block **list, struct mpmc_block *block)
{
	*link_of(block) = *list;
	*list = block;
}

static struct mpmc_block *list_pop(struct mpmc_block **list)
{
	struct mpmc_block *block = *list;

	if (block)
		*list = *link_of(block);
	return block;
}

void mpmc_pool_put(struct mpmc_pool *to, struct mpmc_block *block)
{
	if (mpmc_block_worn(block)) {
		list_push(&to->worn, block);
		return;
	}
	mpmc_block_renew(block);
	list_push(&to->free, block);
}

static struct mpmc_block *block_get(void)
{
	struct mpmc_block *block = list_pop(&pool.free);

	if (block)
		return block;
	block = aligned_alloc(PAGE_SIZE, PAGE_SIZE);
	memset(block, 0, PAGE_SIZE);
	mpmc_block_renew(block);
	return block;
}

/* What RCU keeps goes when nobody is in a call. */
static void grace_period(void)
{
	struct mpmc_block *block;

	while (!step_depth() && (block = list_pop(&pool.worn)))
		free(block);
}

static unsigned int bulk(void)
{
	unsigned int n = step_byte();

	return n < 200 ? 1 + n % 8 : 1 + (n - 200) * 10;
}

static void put(unsigned int count)
{
	struct mpmc_spare spare = {};
	struct mpmc_block *block;
	unsigned int need, i;
	u64 items[BULK];

	if (put_count + count > ITEMS)
		return;
	for (i = 0; i < count; i++)
		items[i] = put_count++;
	putting++;
	while ((need = mpmc_segment_enqueue(&segment, &spare, items, count)))
		while (spare.count < need)
			mpmc_spare_push(&spare, block_get());
	putting--;
	while ((block = mpmc_spare_pop(&spare)))
		list_push(&pool.free, block);
}

/* Nobody else is in a call: it is as if there were one thread. */
static bool alone(void)
{
	return !putting && !taking;
}

static void took(const u64 *items, unsigned int n, bool was_alone)
{
	unsigned int i;

	for (i = 0; i < n; i++) {
		insist(items[i] < put_count);
		insist(!came[items[i]]++);
		insist(!was_alone || items[i] == took_count + i);
	}
	took_count += n;
}

static bool sorted;

static void take(unsigned int max)
{
	bool was_alone = alone();
	u64 items[BULK];
	unsigned int n;

	taking++;
	n = mpmc_segment_dequeue(&segment, &pool, items, max);
	taking--;
	insist(n <= max);
	took(items, n, was_alone && sorted);
}

static void look(void)
{
	bool ready, was_alone = alone();
	u64 before = put_count + took_count;

	ready = mpmc_segment_ready(&segment, &pool);
	if (was_alone && before == put_count + took_count)
		insist(ready == (took_count < put_count));
}

void step_between(u8 what)
{
	/* From here on items may come in another order than they were counted. */
	sorted = false;
	if (what % 8 < 3)
		put(bulk());
	else if (what % 8 < 7)
		take(bulk());
	else
		mpmc_segment_ready(&segment, &pool);
}

static void finish(void)
{
	struct mpmc_block *block, *next;
	u64 i;

	step_quiet(true);
	sorted = false;
	while (took_count < put_count) {
		insist(mpmc_segment_ready(&segment, &pool));
		i = took_count;
		take(BULK);
		insist(took_count > i);
	}
	insist(!mpmc_segment_ready(&segment, &pool));
	for (i = 0; i < put_count; i++)
		insist(came[i] == 1);
	for (block = mpmc_segment_first(&segment); block; block = next) {
		next = mpmc_block_after(block);
		free(block);
	}
	while ((block = list_pop(&pool.free)))
		free(block);
	grace_period();
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	u8 what;

	step_begin(data, size);
	memset(came, 0, sizeof(came));
	put_count = took_count = 0;
	sorted = true;
	step_quiet(true);
	mpmc_segment_init(&segment, block_get());
	step_quiet(false);
	while (step_more()) {
		what = step_byte();
		if (what % 8 < 3)
			put(bulk());
		else if (what % 8 < 7)
			take(bulk());
		else
			look();
		grace_period();
	}
	finish();
	return 0;
}
