// SPDX-License-Identifier: GPL-2.0
/*
 * Blocks: where segments get their pages from and give them back to
 */
#include "block.h"

#include <linux/gfp.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

/* The most blocks to ask the system for without sleeping. */
#define NOWAIT_BLOCKS 8

static void block_free(struct mpmc_block *block)
{
	free_page((unsigned long)block);
}

static void block_free_rcu(struct rcu_head *rcu)
{
	block_free(container_of(rcu, struct mpmc_block, rcu));
}

/* Keep a renewed block, or give it to the system. */
static void pool_keep(struct mpmc_pool *pool, struct mpmc_block *block)
{
	unsigned int i;

	for (i = 0; i < MPMC_POOL_BLOCKS; i++) {
		/* Fully ordered: pairs with the exchange in pool_get(). */
		if (!READ_ONCE(pool->block[i]) &&
		    !cmpxchg(&pool->block[i], NULL, block))
			return;
	}
	if (mpmc_block_fresh(block))
		block_free(block);
	else
		call_rcu(&block->rcu, block_free_rcu);
}

/**
 * mpmc_pool_put() - give back a block that is used up
 * @pool: the queue's pool
 * @block: the block; threads that come late may still look at it
 *
 * Context: any.
 */
void mpmc_pool_put(struct mpmc_pool *pool, struct mpmc_block *block)
{
	if (mpmc_block_worn(block)) {
		call_rcu(&block->rcu, block_free_rcu);
		return;
	}
	mpmc_block_renew(block);
	pool_keep(pool, block);
}

static struct mpmc_block *pool_get(struct mpmc_pool *pool, gfp_t gfp)
{
	struct mpmc_block *block;
	unsigned int i;

	for (i = 0; i < MPMC_POOL_BLOCKS; i++) {
		if (!READ_ONCE(pool->block[i]))
			continue;
		/* Fully ordered: pairs with the one in pool_keep(). */
		block = xchg(&pool->block[i], NULL);
		if (block)
			return block;
	}
	block = (struct mpmc_block *)get_zeroed_page(gfp | __GFP_ACCOUNT);
	if (block)
		mpmc_block_renew(block);
	return block;
}

/**
 * mpmc_pool_fill() - get blocks ready for an enqueue
 * @pool: the queue's pool
 * @spare: the caller's reserve
 * @count: how many it shall hold
 *
 * Context: process; may sleep. The caller holds no credits, or others would
 * find the queue full while it does.
 * Return: 0, -ENOMEM, or -EINTR if the caller is being killed; what @spare
 * holds then is to be drained all the same.
 */
int mpmc_pool_fill(struct mpmc_pool *pool, struct mpmc_spare *spare,
		   unsigned int count)
{
	while (spare->count < count) {
		struct mpmc_block *block;

		if (fatal_signal_pending(current))
			return -EINTR;
		block = pool_get(pool, GFP_KERNEL);
		if (!block)
			return -ENOMEM;
		mpmc_spare_push(spare, block);
		cond_resched();
	}
	return 0;
}

/* The same for a few blocks, if they can be had without sleeping. */
static bool pool_fill_some(struct mpmc_pool *pool, struct mpmc_spare *spare,
			   unsigned int count)
{
	if (count > spare->count + NOWAIT_BLOCKS)
		return false;
	while (spare->count < count) {
		struct mpmc_block *block =
			pool_get(pool, GFP_NOWAIT | __GFP_NOWARN);

		if (!block)
			return false;
		mpmc_spare_push(spare, block);
	}
	return true;
}

/**
 * mpmc_pool_drain() - give back what an enqueue did not use
 * @pool: the queue's pool
 * @spare: the caller's reserve
 *
 * Context: any.
 */
void mpmc_pool_drain(struct mpmc_pool *pool, struct mpmc_spare *spare)
{
	struct mpmc_block *block;

	while ((block = mpmc_spare_pop(spare)))
		pool_keep(pool, block);
}

/**
 * mpmc_pool_free() - the end of a pool nobody uses any more
 * @pool: the pool
 *
 * Context: any.
 */
void mpmc_pool_free(struct mpmc_pool *pool)
{
	unsigned int i;

	for (i = 0; i < MPMC_POOL_BLOCKS; i++)
		if (pool->block[i])
			block_free(pool->block[i]);
}

/**
 * mpmc_pool_enqueue() - put items into a segment, with blocks as it needs them
 * @pool: the queue's pool
 * @segment: the segment
 * @spare: the caller's reserve of blocks; it may hold more or fewer afterwards
 * @items: the items
 * @count: how many, at least one
 *
 * Context: any; does not sleep.
 * Return: 0; or, nothing put, the number of blocks that @spare must hold before
 * the call is repeated, see mpmc_pool_fill().
 */
unsigned int mpmc_pool_enqueue(struct mpmc_pool *pool,
			       struct mpmc_segment *segment,
			       struct mpmc_spare *spare, const u64 *items,
			       unsigned int count)
{
	unsigned int need;

	do {
		need = mpmc_segment_enqueue(segment, spare, items, count);
	} while (need && pool_fill_some(pool, spare, need));
	return need;
}

/**
 * mpmc_segment_create() - make an empty segment
 * @segment: where
 * @pool: the queue's pool
 *
 * Context: process; may sleep.
 * Return: 0 or -ENOMEM.
 */
int mpmc_segment_create(struct mpmc_segment *segment, struct mpmc_pool *pool)
{
	struct mpmc_spare spare = {};

	if (mpmc_pool_fill(pool, &spare, 1))
		return -ENOMEM;
	mpmc_segment_init(segment, mpmc_spare_pop(&spare));
	return 0;
}

/**
 * mpmc_segment_discard() - undo mpmc_segment_create()
 * @segment: the segment, which nobody has seen
 * @pool: the queue's pool
 *
 * Its block may have served elsewhere, and late threads look at it.
 *
 * Context: any.
 */
void mpmc_segment_discard(struct mpmc_segment *segment, struct mpmc_pool *pool)
{
	pool_keep(pool, mpmc_segment_first(segment));
}

/**
 * mpmc_segment_destroy() - free the blocks of a segment
 * @segment: the segment, which nobody has used for an RCU grace period; items
 *	in it are lost
 *
 * Context: process; may sleep.
 */
void mpmc_segment_destroy(struct mpmc_segment *segment)
{
	struct mpmc_block *block, *next;

	for (block = mpmc_segment_first(segment); block; block = next) {
		next = mpmc_block_after(block);
		block_free(block);
		cond_resched();
	}
}
