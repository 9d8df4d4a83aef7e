/* SPDX-License-Identifier: GPL-2.0 */
#ifndef MPMC_SEGMENT_H
#define MPMC_SEGMENT_H

#include <linux/atomic.h>
#include <linux/cache.h>
#include <linux/mm.h>
#include <linux/rcupdate.h>
#include <linux/types.h>

/*
 * A segment is one lock-free FIFO of 64-bit items: a linked list of blocks of
 * a page each. segment.c says how it works and why it is safe. This file and
 * segment.c use nothing but atomics, barriers and the block allocator passed
 * in, so that they also build in userspace (selftests/segment).
 */

/*
 * Slots of a block: what a page holds beside two cache lines of indices.
 * selftests/explore has fewer, and shorter lives.
 */
#ifndef MPMC_BLOCK_SLOTS
#define MPMC_BLOCK_SLOTS \
	((PAGE_SIZE - 2 * SMP_CACHE_BYTES) / (sizeof(u64) + sizeof(u8)))
#endif

/* A block is used this often before it has to go through RCU. */
#ifndef MPMC_BLOCK_GENERATIONS
#define MPMC_BLOCK_GENERATIONS 4096
#endif

/**
 * struct mpmc_block - one page of slots
 * @reserve: generation << 16 | slots handed to producers
 * @next: reference to the next block; without one, the bare generation
 * @rcu: for giving the block back to the system
 * @claim: generation << 16 | slots handed to consumers
 * @done: slots copied out, plus one when the segment's head has left
 * @item: the items
 * @ready: which items are there, see ready_mark() in segment.c
 */
struct mpmc_block {
	atomic_t reserve;
	atomic_long_t next;
	struct rcu_head rcu;
	atomic_t claim ____cacheline_aligned;
	atomic_t done;
	u64 item[MPMC_BLOCK_SLOTS] ____cacheline_aligned;
	u8 ready[MPMC_BLOCK_SLOTS];
};

/**
 * struct mpmc_segment - one FIFO
 * @tail: reference to the block that producers fill
 * @head: reference to the block that consumers empty
 */
struct mpmc_segment {
	atomic_long_t tail;
	atomic_long_t head ____cacheline_aligned;
};

/**
 * struct mpmc_spare - blocks that a producer holds in reserve
 * @first: the first one, linked by their @next
 * @count: how many
 */
struct mpmc_spare {
	struct mpmc_block *first;
	unsigned int count;
};

struct mpmc_pool;

/*
 * The block allocator, passed in. A block that is put may be handed out again
 * at once; one that mpmc_block_worn() may be freed only, and only after an RCU
 * grace period, like any block that leaves for the system.
 */
void mpmc_pool_put(struct mpmc_pool *pool, struct mpmc_block *block);

bool mpmc_block_worn(struct mpmc_block *block);
bool mpmc_block_fresh(struct mpmc_block *block);
void mpmc_block_renew(struct mpmc_block *block);
struct mpmc_block *mpmc_block_after(struct mpmc_block *block);

void mpmc_spare_push(struct mpmc_spare *spare, struct mpmc_block *block);
struct mpmc_block *mpmc_spare_pop(struct mpmc_spare *spare);

void mpmc_segment_init(struct mpmc_segment *segment, struct mpmc_block *block);
struct mpmc_block *mpmc_segment_first(struct mpmc_segment *segment);
unsigned int mpmc_segment_enqueue(struct mpmc_segment *segment,
				  struct mpmc_spare *spare, const u64 *items,
				  unsigned int count);
unsigned int mpmc_segment_dequeue(struct mpmc_segment *segment,
				  struct mpmc_pool *pool, u64 *items,
				  unsigned int max);
bool mpmc_segment_ready(struct mpmc_segment *segment, struct mpmc_pool *pool);

#endif /* MPMC_SEGMENT_H */
