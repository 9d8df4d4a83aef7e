/* SPDX-License-Identifier: GPL-2.0 */
#ifndef MPMC_DEAD_H
#define MPMC_DEAD_H

#include <linux/types.h>

struct mpmc_queue;

unsigned int mpmc_dead_bury(struct mpmc_queue *queue, u64 *items,
			    u32 *deliveries, unsigned int count);

#endif /* MPMC_DEAD_H */
