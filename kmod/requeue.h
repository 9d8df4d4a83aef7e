/* SPDX-License-Identifier: GPL-2.0 */
#ifndef MPMC_REQUEUE_H
#define MPMC_REQUEUE_H

#include <linux/types.h>

struct mpmc_batch;
struct mpmc_requeue_node;

/**
 * struct mpmc_requeue - items that came back, at the front of a queue
 * @top: what came back last, and is handed out first
 */
struct mpmc_requeue {
	struct mpmc_requeue_node *top;
};

void mpmc_requeue_push(struct mpmc_requeue *requeue, const u64 *items,
		       const u32 *deliveries, unsigned int count);
void mpmc_requeue_take(struct mpmc_requeue *requeue, struct mpmc_batch *batch);
bool mpmc_requeue_ready(struct mpmc_requeue *requeue);
void mpmc_requeue_free(struct mpmc_requeue *requeue);

#endif /* MPMC_REQUEUE_H */
