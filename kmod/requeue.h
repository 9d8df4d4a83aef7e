/* SPDX-License-Identifier: GPL-2.0 */
#ifndef MPMC_REQUEUE_H
#define MPMC_REQUEUE_H

#include <linux/atomic.h>
#include <linux/types.h>

struct mpmc_batch;

/**
 * struct mpmc_requeue_node - some items that came back
 * @next: the one below
 * @taken: how many have been taken again
 * @count: how many there are
 * @items: the items, in order
 * @deliveries: how often each has been handed out
 * @free: frees the node and what its items are in, after an RCU grace period
 * @rcu: for that
 */
struct mpmc_requeue_node {
	struct mpmc_requeue_node *next;
	atomic_t taken;
	unsigned int count;
	u64 *items;
	u32 *deliveries;
	void (*free)(struct mpmc_requeue_node *node);
	struct rcu_head rcu;
};

/**
 * struct mpmc_requeue_chain - nodes that are to come back at once
 * @first: the one whose items come first; NULL: none
 * @last: the one whose items come last
 */
struct mpmc_requeue_chain {
	struct mpmc_requeue_node *first;
	struct mpmc_requeue_node *last;
};

/**
 * struct mpmc_requeue - items that came back, at the front of a queue
 * @top: what came back last, and is handed out first
 */
struct mpmc_requeue {
	struct mpmc_requeue_node *top;
};

void mpmc_requeue_chain_add(struct mpmc_requeue_chain *chain,
			    struct mpmc_requeue_node *node);
bool mpmc_requeue_chain_copy(struct mpmc_requeue_chain *chain, const u64 *items,
			     const u32 *deliveries, unsigned int count);
void mpmc_requeue_chain_free(struct mpmc_requeue_chain *chain);

void mpmc_requeue_push(struct mpmc_requeue *requeue,
		       const struct mpmc_requeue_chain *chain);
void mpmc_requeue_take(struct mpmc_requeue *requeue, struct mpmc_batch *batch);
bool mpmc_requeue_ready(struct mpmc_requeue *requeue);
void mpmc_requeue_free(struct mpmc_requeue *requeue);

#endif /* MPMC_REQUEUE_H */
