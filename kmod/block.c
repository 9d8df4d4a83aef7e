// SPDX-License-Identifier: GPL-2.0
/*
 * Blocks: where segments get their pages from and give them back to
 */
#include "block.h"

#include <linux/gfp.h>
#include <linux/slab.h>

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

static struct mpmc_block *pool_get(struct mpmc_pool *pool)
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
	block = (struct mpmc_block *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
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
 * Context: process; may sleep.
 * Return: 0, or -ENOMEM; what @spare holds then is to be drained all the same.
 */
int mpmc_pool_fill(struct mpmc_pool *pool, struct mpmc_spare *spare,
		   unsigned int count)
{
	while (spare->count < count) {
		struct mpmc_block *block = pool_get(pool);

		if (!block)
			return -ENOMEM;
		mpmc_spare_push(spare, block);
	}
	return 0;
}

/**
 * mpmc_pool_drain() - give back what an enqueue did not use
 * @pool: the queue's pool
 * @spare: the caller's reserve
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
 * @items: the items
 * @count: how many, at least one
 *
 * Context: process; may sleep for memory.
 * Return: 0, or -ENOMEM; nothing was put then.
 */
int mpmc_pool_enqueue(struct mpmc_pool *pool, struct mpmc_segment *segment,
		      const u64 *items, unsigned int count)
{
	struct mpmc_spare spare = {};
	unsigned int need;
	int ret = 0;

	while (!ret) {
		need = mpmc_segment_enqueue(segment, &spare, items, count);
		if (!need)
			break;
		ret = mpmc_pool_fill(pool, &spare, need);
	}
	if (spare.count)
		mpmc_pool_drain(pool, &spare);
	return ret;
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
 * mpmc_segment_destroy() - free the blocks of a segment nobody uses any more
 * @segment: the segment; items in it are lost
 *
 * Context: any.
 */
void mpmc_segment_destroy(struct mpmc_segment *segment)
{
	struct mpmc_block *block, *next;

	for (block = mpmc_segment_first(segment); block; block = next) {
		next = mpmc_block_after(block);
		block_free(block);
	}
}
