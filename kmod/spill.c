// SPDX-License-Identifier: GPL-2.0
/*
 * Spills: segments for what producer tokens' rings have no room for
 */
#include "spill.h"

#include <linux/mm.h>
#include <linux/slab.h>

#include "block.h"

static void spill_free_work(struct work_struct *work)
{
	mpmc_spill_free(container_of(to_rcu_work(work), struct mpmc_spill,
				     free_work));
}

/**
 * mpmc_spill_create() - make a spill
 * @pool: the queue's blocks
 *
 * Context: process; may sleep.
 * Return: the spill, or NULL without memory.
 */
struct mpmc_spill *mpmc_spill_create(struct mpmc_pool *pool)
{
	struct mpmc_spill *spill = kzalloc(sizeof(*spill), GFP_KERNEL_ACCOUNT);

	if (!spill)
		return NULL;
	INIT_RCU_WORK(&spill->free_work, spill_free_work);
	if (mpmc_segment_create(&spill->segment, pool)) {
		kfree(spill);
		return NULL;
	}
	return spill;
}

/**
 * mpmc_spill_free() - free a spill that nobody looks at
 * @spill: the spill, or NULL
 */
void mpmc_spill_free(struct mpmc_spill *spill)
{
	if (spill)
		mpmc_segment_destroy(&spill->segment);
	kfree(spill);
}

/**
 * mpmc_spill_retire() - free a spill when nobody looks at it any more
 * @spill: the spill, empty, which nobody can find any more
 * @workqueue: who does it
 */
void mpmc_spill_retire(struct mpmc_spill *spill,
		       struct workqueue_struct *workqueue)
{
	queue_rcu_work(workqueue, &spill->free_work);
}
