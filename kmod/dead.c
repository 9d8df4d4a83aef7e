// SPDX-License-Identifier: GPL-2.0
/*
 * Dead letters: items that came back and may not be handed out again
 */
#include <linux/fs.h>

#include "queue.h"
#include "transfer.h"

/* Whether an item's end was found: another queue, or none at all. */
static bool dead_bury(struct mpmc_queue *queue, u64 item)
{
	if (!queue->dead_letter) {
		atomic64_inc(&queue->dropped);
	} else {
		if (mpmc_transfer_put_one(queue->dead_letter->private_data,
					  item))
			return false;
		atomic64_inc(&queue->dead);
	}
	mpmc_capacity_return(&queue->capacity, MPMC_SHARE_COMMON, 1);
	mpmc_queue_returned(queue, 1);
	return true;
}

static bool dead_is(const struct mpmc_queue *queue, u32 deliveries)
{
	return queue->max_deliveries && deliveries >= queue->max_deliveries;
}

/**
 * mpmc_queue_give_back() - put items back that a consumer has been handed
 * @queue: the queue
 * @items: the items, in order; they still hold their credits
 * @deliveries: how often each has been handed out
 * @count: how many, at least one
 *
 * To the front; but those that have been handed out as often as they may go to
 * the queue for dead letters, if that takes them.
 *
 * Context: process; may sleep, does not fail.
 */
void mpmc_queue_give_back(struct mpmc_queue *queue, const u64 *items,
			  const u32 *deliveries, unsigned int count)
{
	unsigned int end = count, i;

	/* From the last one on: what is put back last comes out first. */
	for (i = count; i--;) {
		if (!dead_is(queue, deliveries[i]))
			continue;
		if (!dead_bury(queue, items[i]))
			continue;
		count--;
		if (end > i + 1)
			mpmc_queue_requeue(queue, items + i + 1,
					   deliveries + i + 1, end - i - 1);
		end = i;
	}
	if (end)
		mpmc_queue_requeue(queue, items, deliveries, end);
	atomic64_add(count, &queue->redelivered);
}
