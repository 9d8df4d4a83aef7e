/* SPDX-License-Identifier: GPL-2.0 */
#ifndef MPMC_BATCH_H
#define MPMC_BATCH_H

#include <linux/limits.h>
#include <linux/types.h>

#define MPMC_BATCH_RUNS 4

/**
 * struct mpmc_batch - items on their way to a consumer
 * @items: the items
 * @deliveries: how often each has been handed out, this time included; filled
 *	in for the first @again items only, see mpmc_batch_complete()
 * @count: how many there are
 * @max: how many there may be
 * @again: how many were handed out before; they are the first
 * @again_max: how many of those there may be; of one, it is to be alone
 * @runs: number of runs
 * @run: shares of the capacity that the items' credits go back to, in order;
 *	the last one stands for all that follow where there are too many
 */
struct mpmc_batch {
	u64 *items;
	u32 *deliveries;
	unsigned int count;
	unsigned int max;
	unsigned int again;
	unsigned int again_max;
	unsigned int runs;
	struct {
		unsigned int share;
		unsigned int count;
	} run[MPMC_BATCH_RUNS];
};

/* Make a batch empty; its arrays and max stay. */
static inline void mpmc_batch_clear(struct mpmc_batch *batch)
{
	batch->count = 0;
	batch->again = 0;
	batch->again_max = UINT_MAX;
	batch->runs = 0;
}

/* So many items were written to the end, and hold credits of this share. */
static inline void mpmc_batch_added(struct mpmc_batch *batch,
				    unsigned int count, unsigned int share)
{
	unsigned int last = batch->runs - 1;

	batch->count += count;
	if (batch->runs && (batch->run[last].share == share ||
			    batch->runs == MPMC_BATCH_RUNS)) {
		batch->run[last].count += count;
		return;
	}
	batch->run[batch->runs].share = share;
	batch->run[batch->runs].count = count;
	batch->runs++;
}

/* Fill in the deliveries of those that are handed out for the first time. */
static inline void mpmc_batch_complete(struct mpmc_batch *batch)
{
	unsigned int i;

	for (i = batch->again; i < batch->count; i++)
		batch->deliveries[i] = 1;
}

#endif /* MPMC_BATCH_H */
