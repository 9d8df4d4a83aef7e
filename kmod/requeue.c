// SPDX-License-Identifier: GPL-2.0
/*
 * Items that were handed out and came back: a lock-free stack of batches
 *
 * A batch that comes back goes to the front of the queue as it is, before
 * whatever came back earlier. Consumers share the top batch, each claiming a
 * run of it with one compare-and-exchange; who finds it empty unlinks it.
 * Nodes are linked once and freed through RCU, so a node that a thread looks at
 * in an RCU read-side section can't become the top again.
 */
#include "requeue.h"

#include <linux/atomic.h>
#include <linux/minmax.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>

#include "batch.h"
#include "credit.h"

struct mpmc_requeue_item {
	u64 value;
	u32 deliveries;
};

struct mpmc_requeue_node {
	struct mpmc_requeue_node *next;
	atomic_t taken;
	unsigned int count;
	struct rcu_head rcu;
	struct mpmc_requeue_item item[];
};

/* A node is a page at most: small enough to be had without fail. */
#define NODE_ITEMS \
	((PAGE_SIZE - sizeof(struct mpmc_requeue_node)) / \
	 sizeof(struct mpmc_requeue_item))

static struct mpmc_requeue_node *node_create(const u64 *items,
					     const u32 *deliveries,
					     unsigned int count)
{
	struct mpmc_requeue_node *node;
	unsigned int i;

	/* These items exist nowhere else: failing would lose them. */
	node = kmalloc(struct_size(node, item, count),
		       GFP_KERNEL_ACCOUNT | __GFP_NOFAIL);
	atomic_set(&node->taken, 0);
	node->count = count;
	for (i = 0; i < count; i++) {
		node->item[i].value = items[i];
		node->item[i].deliveries = deliveries[i];
	}
	return node;
}

/**
 * mpmc_requeue_push() - put items back to the front, in order
 * @requeue: the queue's
 * @items: the items
 * @deliveries: how often each has been handed out
 * @count: how many
 *
 * Context: process; may sleep, does not fail.
 */
void mpmc_requeue_push(struct mpmc_requeue *requeue, const u64 *items,
		       const u32 *deliveries, unsigned int count)
{
	struct mpmc_requeue_node *first = NULL, *last = NULL, *top;

	while (count) {
		unsigned int n = (count - 1) % NODE_ITEMS + 1;
		struct mpmc_requeue_node *node;

		count -= n;
		node = node_create(items + count, deliveries + count, n);
		node->next = first;
		first = node;
		if (!last)
			last = node;
	}
	if (!first)
		return;
	top = READ_ONCE(requeue->top);
	/* Fully ordered: pairs with the rcu_dereference() in node_top(). */
	do {
		last->next = top;
	} while (!try_cmpxchg(&requeue->top, &top, first));
}

/*
 * The first node with something left to take, or NULL. What next is of a node
 * that was unlinked does not matter: unlinking it again fails.
 */
static struct mpmc_requeue_node *node_top(struct mpmc_requeue *requeue)
{
	struct mpmc_requeue_node *node;

	while ((node = rcu_dereference_raw(requeue->top))) {
		if (atomic_read(&node->taken) < node->count)
			return node;
		if (cmpxchg(&requeue->top, node, node->next) == node)
			kfree_rcu(node, rcu);
	}
	return NULL;
}

/**
 * mpmc_requeue_take() - take items that came back
 * @requeue: the queue's
 * @batch: where to add them, empty
 *
 * Context: any; takes the RCU read lock.
 */
void mpmc_requeue_take(struct mpmc_requeue *requeue, struct mpmc_batch *batch)
{
	struct mpmc_requeue_node *node;
	unsigned int n, i;
	int taken;

	rcu_read_lock();
	while (batch->count < min(batch->max, batch->again_max) &&
	       (node = node_top(requeue))) {
		taken = atomic_read(&node->taken);
		if (taken == node->count)
			continue;
		n = min3(node->count - taken, batch->max - batch->count,
			 batch->again_max - batch->count);
		if (!atomic_try_cmpxchg(&node->taken, &taken, taken + n))
			continue;
		for (i = batch->count; i < batch->count + n; i++, taken++) {
			batch->items[i] = node->item[taken].value;
			batch->deliveries[i] = node->item[taken].deliveries + 1;
		}
		mpmc_batch_added(batch, n, MPMC_SHARE_COMMON);
		batch->again = batch->count;
	}
	rcu_read_unlock();
}

/**
 * mpmc_requeue_ready() - whether there is something to take
 * @requeue: the queue's
 *
 * Context: any; takes the RCU read lock.
 */
bool mpmc_requeue_ready(struct mpmc_requeue *requeue)
{
	bool ready;

	rcu_read_lock();
	ready = node_top(requeue);
	rcu_read_unlock();
	return ready;
}

/**
 * mpmc_requeue_free() - free what nobody uses any more
 * @requeue: the queue's; items in it are lost
 */
void mpmc_requeue_free(struct mpmc_requeue *requeue)
{
	struct mpmc_requeue_node *node, *next;

	for (node = requeue->top; node; node = next) {
		next = node->next;
		kfree(node);
	}
}
