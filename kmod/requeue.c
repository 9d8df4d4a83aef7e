// SPDX-License-Identifier: GPL-2.0
/*
 * Items that were handed out and came back: a lock-free stack of batches
 *
 * A batch that comes back goes to the front of the queue as it is, before
 * whatever came back earlier. Consumers share the top batch, each claiming a
 * run of it with one compare-and-exchange; who takes the last of it unlinks it,
 * or, if there is another above it then, who finds it empty.
 * Nodes are linked once and freed through RCU, so a node that a thread looks at
 * in an RCU read-side section can't become the top again.
 *
 * Items must be able to come back when there is no memory, and a dead process is
 * charged for none beyond its cgroup's limit. So a copy that is as large as it
 * has to be is tried first, and without memory what the items are in comes back
 * itself, with a node that was there from the beginning.
 */
#include "requeue.h"

#include <linux/minmax.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>

#include "batch.h"
#include "credit.h"

#define ITEM_SIZE (sizeof(u64) + sizeof(u32))

/* A copy is in pieces of a page at most. */
#define NODE_ITEMS \
	((PAGE_SIZE - sizeof(struct mpmc_requeue_node)) / ITEM_SIZE)

static void node_free(struct mpmc_requeue_node *node)
{
	kfree_rcu(node, rcu);
}

static struct mpmc_requeue_node *node_create(const u64 *items,
					     const u32 *deliveries,
					     unsigned int count)
{
	struct mpmc_requeue_node *node;
	unsigned int i;

	/* Nobody is to be killed for what can do without. */
	node = kmalloc(sizeof(*node) + count * ITEM_SIZE,
		       GFP_KERNEL_ACCOUNT | __GFP_NORETRY | __GFP_NOWARN);
	if (!node)
		return NULL;
	node->count = count;
	node->items = (u64 *)(node + 1);
	node->deliveries = (u32 *)(node->items + count);
	node->free = node_free;
	for (i = 0; i < count; i++) {
		node->items[i] = items[i];
		node->deliveries[i] = deliveries[i];
	}
	return node;
}

/**
 * mpmc_requeue_chain_add() - add a node, before those that are there
 * @chain: the chain
 * @node: the node, all of it set but where it is in the chain
 *
 * Context: any.
 */
void mpmc_requeue_chain_add(struct mpmc_requeue_chain *chain,
			    struct mpmc_requeue_node *node)
{
	atomic_set(&node->taken, 0);
	node->next = chain->first;
	chain->first = node;
	if (!chain->last)
		chain->last = node;
}

/**
 * mpmc_requeue_chain_copy() - add copies of items, before those that are there
 * @chain: the chain
 * @items: the items
 * @deliveries: how often each has been handed out
 * @count: how many
 *
 * Context: process; may sleep.
 * Return: false without memory; some may have been added.
 */
bool mpmc_requeue_chain_copy(struct mpmc_requeue_chain *chain, const u64 *items,
			     const u32 *deliveries, unsigned int count)
{
	while (count) {
		unsigned int n = (count - 1) % NODE_ITEMS + 1;
		struct mpmc_requeue_node *node;

		count -= n;
		node = node_create(items + count, deliveries + count, n);
		if (!node)
			return false;
		mpmc_requeue_chain_add(chain, node);
	}
	return true;
}

/**
 * mpmc_requeue_chain_free() - free what is not going to come back
 * @chain: the chain, empty then
 *
 * Context: any.
 */
void mpmc_requeue_chain_free(struct mpmc_requeue_chain *chain)
{
	struct mpmc_requeue_node *node, *next;

	for (node = chain->first; node; node = next) {
		next = node->next;
		node->free(node);
	}
	chain->first = NULL;
	chain->last = NULL;
}

/**
 * mpmc_requeue_push() - put items back to the front, in order
 * @requeue: the queue's
 * @chain: the items, not to be looked at any more
 *
 * Context: any.
 */
void mpmc_requeue_push(struct mpmc_requeue *requeue,
		       const struct mpmc_requeue_chain *chain)
{
	struct mpmc_requeue_node *top = READ_ONCE(requeue->top);

	if (!chain->first)
		return;
	/* Fully ordered: pairs with the rcu_dereference() in node_top(). */
	do {
		chain->last->next = top;
	} while (!try_cmpxchg(&requeue->top, &top, chain->first));
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
			node->free(node);
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
			batch->items[i] = node->items[taken];
			batch->deliveries[i] = node->deliveries[taken] + 1;
		}
		mpmc_batch_added(batch, n, MPMC_SHARE_COMMON);
		batch->again = batch->count;
		/* What comes back next is not to have it below for ever. */
		if (taken == node->count)
			node_top(requeue);
	}
	rcu_read_unlock();
}

/**
 * mpmc_requeue_ready() - whether there is something to take
 * @requeue: the queue's
 *
 * Context: any; takes the RCU read lock.
 * Return: whether there is.
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
 *
 * Context: any.
 */
void mpmc_requeue_free(struct mpmc_requeue *requeue)
{
	struct mpmc_requeue_chain chain = { .first = requeue->top };

	mpmc_requeue_chain_free(&chain);
	requeue->top = NULL;
}
