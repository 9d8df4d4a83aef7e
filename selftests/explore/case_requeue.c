// SPDX-License-Identifier: GPL-2.0
/*
 * Cases of the items that came back
 */
#include "../../kmod/requeue.h"
#include "../../kmod/batch.h"
#include "case.h"

static struct mpmc_requeue *requeue;

static void push(unsigned int first, unsigned int count)
{
	struct mpmc_requeue_chain chain = {};
	u64 items[CASE_ITEMS];
	u32 deliveries[CASE_ITEMS];
	unsigned int i;

	for (i = 0; i < count; i++) {
		items[i] = ITEM(schedule_current(), first + i);
		deliveries[i] = first + i;
	}
	items_put_many(items, count);
	if (!mpmc_requeue_chain_copy(&chain, items, deliveries, count))
		explore_fail("no memory");
	mpmc_requeue_push(requeue, &chain);
}

unsigned int items_got_again(struct mpmc_requeue *from, unsigned int max,
			     u32 (*deliveries_of)(u64 item))
{
	u64 items[CASE_ITEMS];
	u32 deliveries[CASE_ITEMS];
	struct mpmc_batch batch;
	unsigned int i;

	mpmc_batch_clear(&batch);
	batch.items = items;
	batch.deliveries = deliveries;
	batch.max = max;
	mpmc_requeue_take(from, &batch);
	items_got_many(items, batch.count);
	for (i = 0; i < batch.count; i++)
		if (deliveries[i] != deliveries_of(items[i]))
			explore_fail("item %#lx: %u deliveries", items[i],
				     deliveries[i]);
	return batch.count;
}

static u32 deliveries_of(u64 item)
{
	return (item & 0xff) + 1;
}

static unsigned int take(unsigned int max)
{
	return items_got_again(requeue, max, deliveries_of);
}

static void setup(void)
{
	items_reset();
	kernel_reset();
	requeue = kernel_alloc(sizeof(*requeue), 64, true);
	trace_name(requeue, sizeof(*requeue), "requeue");
	push(1, 2);
}

static void check(void)
{
	if (mpmc_requeue_ready(requeue) != !!items_left())
		explore_fail("%u items left, and it says otherwise",
			     items_left());
	while (take(CASE_ITEMS))
		;
	items_check();
	mpmc_requeue_free(requeue);
}

static void run(unsigned int thread)
{
	if (thread == 1) {
		push(1, 2);
		take(1);
	} else {
		take(1);
		take(2);
	}
}

const struct explore_case case_requeue_share = {
	.name = "requeue-share",
	.what = "two consumers share a batch that came back, another one comes back",
	.threads = 3,
	.setup = setup,
	.run = run,
	.check = check,
	.quick = { 2, 1, 500, 20 },
	.full = { 3, 2, 500, 120 },
};

static void both_run(unsigned int thread)
{
	if (thread < 3)
		push(1, 1);
	else
		take(3);
}

const struct explore_case case_requeue_both = {
	.name = "requeue-both",
	.what = "two batches come back at once, a consumer takes",
	.threads = 3,
	.setup = setup,
	.run = both_run,
	.check = check,
	.quick = { 3, 1, 500, 20 },
	.full = { 4, 2, 500, 120 },
};
