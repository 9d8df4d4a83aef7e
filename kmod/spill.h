/* SPDX-License-Identifier: GPL-2.0 */
#ifndef MPMC_SPILL_H
#define MPMC_SPILL_H

#include <linux/workqueue.h>

#include "segment.h"

/**
 * struct mpmc_spill - where items of a producer token go that its ring has no
 *	room for
 * @segment: the items
 * @free_work: frees it when no consumer looks at it any more
 */
struct mpmc_spill {
	struct mpmc_segment segment;
	struct rcu_work free_work;
};

struct mpmc_spill *mpmc_spill_create(struct mpmc_pool *pool);
void mpmc_spill_free(struct mpmc_spill *spill);
void mpmc_spill_retire(struct mpmc_spill *spill,
		       struct workqueue_struct *workqueue);

#endif /* MPMC_SPILL_H */
