// SPDX-License-Identifier: GPL-2.0
/*
 * Cases of the segment and its blocks, of two slots each
 */
#include "../../kmod/block.h"
#include "case.h"

static struct mpmc_segment *segment;
static struct mpmc_pool *pool;

static void put(unsigned int first, unsigned int count)
{
	struct mpmc_spare spare = {};
	u64 items[CASE_ITEMS];
	unsigned int i, need;

	for (i = 0; i < count; i++) {
		items[i] = ITEM(schedule_current(), first + i);
		items_put(items[i]);
	}
	while ((need = mpmc_pool_enqueue(pool, segment, &spare, items, count)))
		mpmc_pool_fill(pool, &spare, need);
	mpmc_pool_drain(pool, &spare);
}

static unsigned int take(unsigned int max)
{
	u64 items[CASE_ITEMS];
	unsigned int count = mpmc_segment_dequeue(segment, pool, items, max);

	items_got_many(items, count);
	return count;
}

/* A segment of which so many slots have been used already. */
static void setup(unsigned int used)
{
	unsigned int i;

	items_reset();
	kernel_reset();
	pool = kernel_alloc(sizeof(*pool), 64, true);
	segment = kernel_alloc(sizeof(*segment), 64, true);
	trace_name(pool, sizeof(*pool), "pool");
	trace_name(segment, sizeof(*segment), "segment");
	mpmc_segment_create(segment, pool);
	for (i = 1; i <= used; i++) {
		put(i, 1);
		take(1);
	}
}

static void setup_fresh(void)
{
	setup(0);
}

static void setup_last_slot(void)
{
	setup(1);
}

static void setup_worn(void)
{
	setup(5);
}

static void check(void)
{
	unsigned int left = items_left(), i, n;

	if (mpmc_segment_ready(segment, pool) != !!left)
		explore_fail("%u items left, and it says otherwise", left);
	for (i = 0; i < left; i += n) {
		n = take(CASE_ITEMS);
		if (!n)
			explore_fail("%u items left that can't be got", left - i);
	}
	items_check();
	mpmc_segment_destroy(segment);
	mpmc_pool_free(pool);
}

/* --- Two producers meet at a block's end --- */

static void end_run(unsigned int thread)
{
	if (thread < 3) {
		put(1, 1);
		put(2, 1);
	} else {
		take(2);
		take(2);
	}
}

const struct explore_case case_segment_end = {
	.name = "segment-end",
	.what = "two producers meet at a block's end, a consumer follows",
	.threads = 3,
	.setup = setup_last_slot,
	.run = end_run,
	.check = check,
	.quick = { 2, 1, 500, 20 },
	.full = { 3, 2, 500, 120 },
};

/* --- Bulk across blocks --- */

static void bulk_run(unsigned int thread)
{
	if (thread == 1) {
		put(1, 5);
	} else if (thread == 2) {
		put(1, 1);
	} else {
		take(3);
		take(3);
	}
}

const struct explore_case case_segment_bulk = {
	.name = "segment-bulk",
	.what = "a bulk across blocks, a single item, a consumer of bulks",
	.threads = 3,
	.setup = setup_fresh,
	.run = bulk_run,
	.check = check,
	.quick = { 2, 1, 500, 20 },
	.full = { 3, 2, 500, 120 },
};

/* --- A consumer that comes late to a block that serves again --- */

static void recycle_run(unsigned int thread)
{
	unsigned int i;

	if (thread == 1) {
		for (i = 1; i <= 5; i++) {
			put(i, 1);
			take(1);
		}
	} else {
		take(2);
		take(1);
	}
}

const struct explore_case case_segment_recycle = {
	.name = "segment-recycle",
	.what = "blocks served and recycled under a consumer that comes late",
	.threads = 2,
	.setup = setup_last_slot,
	.run = recycle_run,
	.check = check,
	.quick = { 2, 1, 500, 20 },
	.full = { 4, 2, 500, 120 },
};

const struct explore_case case_segment_worn = {
	.name = "segment-worn",
	.what = "blocks that wear out and are freed under a consumer that comes late",
	.threads = 2,
	.setup = setup_worn,
	.run = recycle_run,
	.check = check,
	.quick = { 2, 1, 500, 20 },
	.full = { 4, 2, 500, 120 },
};

/* --- A producer that comes late to a block that serves again --- */

static void late_run(unsigned int thread)
{
	if (thread == 1) {
		put(1, 1);
	} else {
		put(1, 2);
		take(2);
		put(3, 2);
		take(2);
	}
}

const struct explore_case case_segment_late = {
	.name = "segment-late",
	.what = "blocks served and recycled under a producer that comes late",
	.threads = 2,
	.setup = setup_last_slot,
	.run = late_run,
	.check = check,
	.quick = { 2, 1, 500, 20 },
	.full = { 4, 2, 500, 120 },
};

/* --- Consumers share what there is --- */

static void share_setup(void)
{
	setup(0);
	put(1, 3);
}

static void share_run(unsigned int thread)
{
	if (thread == 1)
		put(1, 2);
	else
		take(2);
}

const struct explore_case case_segment_share = {
	.name = "segment-share",
	.what = "two consumers share a block and its end, a producer fills the next",
	.threads = 3,
	.setup = share_setup,
	.run = share_run,
	.check = check,
	.quick = { 2, 1, 500, 20 },
	.full = { 3, 2, 500, 120 },
};
