// SPDX-License-Identifier: GPL-2.0
/*
 * Dead letters: items that came back and may not be handed out again
 */
#include "dead.h"

#include <linux/fs.h>

#include "queue.h"
#include "trace.h"
#include "transfer.h"

/* Whether an item's end was found: another queue, or none at all. */
static bool bury_one(struct mpmc_queue *queue, u64 item, u32 deliveries)
{
	struct mpmc_queue *letters = NULL;

	if (!queue->dead_letter) {
		atomic64_inc(&queue->dropped);
	} else {
		letters = queue->dead_letter->private_data;
		if (mpmc_transfer_put_kernel(letters, &item, 1, false))
			return false;
		atomic64_inc(&queue->dead);
	}
	trace_dead(queue, letters, deliveries);
	mpmc_capacity_return(&queue->capacity, MPMC_SHARE_COMMON, 1);
	mpmc_queue_returned(queue, 1);
	return true;
}

/**
 * mpmc_dead_bury() - sort out items that may not be handed out again
 * @queue: the queue
 * @items: the items, in order; they hold their credits
 * @deliveries: how often each has been handed out
 * @count: how many
 *
 * They go to the queue for dead letters, in order, if that takes them. The others
 * are moved to the front of the arrays.
 *
 * Context: process; may sleep.
 * Return: how many others there are.
 */
unsigned int mpmc_dead_bury(struct mpmc_queue *queue, u64 *items,
			    u32 *deliveries, unsigned int count)
{
	unsigned int i, rest = 0;

	if (!queue->max_deliveries)
		return count;
	for (i = 0; i < count; i++) {
		if (deliveries[i] >= queue->max_deliveries &&
		    bury_one(queue, items[i], deliveries[i]))
			continue;
		items[rest] = items[i];
		deliveries[rest++] = deliveries[i];
	}
	return rest;
}
