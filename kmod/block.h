/* SPDX-License-Identifier: GPL-2.0 */
#ifndef MPMC_BLOCK_H
#define MPMC_BLOCK_H

#include "segment.h"

#define MPMC_POOL_BLOCKS 2

/**
 * struct mpmc_pool - the used up blocks that a queue keeps to use again
 * @block: the blocks, NULL where there is none
 *
 * Two suffice: a stream fills one block while it empties another. More come
 * from and go to the system, which does not leave a burst's memory behind.
 */
struct mpmc_pool {
	struct mpmc_block *block[MPMC_POOL_BLOCKS];
};

void mpmc_pool_free(struct mpmc_pool *pool);
int mpmc_pool_fill(struct mpmc_pool *pool, struct mpmc_spare *spare,
		   unsigned int count);
void mpmc_pool_drain(struct mpmc_pool *pool, struct mpmc_spare *spare);

unsigned int mpmc_pool_enqueue(struct mpmc_pool *pool,
			       struct mpmc_segment *segment,
			       struct mpmc_spare *spare, const u64 *items,
			       unsigned int count);

int mpmc_segment_create(struct mpmc_segment *segment, struct mpmc_pool *pool);
void mpmc_segment_discard(struct mpmc_segment *segment, struct mpmc_pool *pool);
void mpmc_segment_destroy(struct mpmc_segment *segment);

#endif /* MPMC_BLOCK_H */
