/* SPDX-License-Identifier: GPL-2.0 */
#ifndef MPMC_RING_H
#define MPMC_RING_H

#include <linux/types.h>

#define MPMC_RING_MAX 65536
#define MPMC_RING_DEFAULT 4096

/**
 * struct mpmc_ring - the memory of a token's ring
 * @entries: number of entries, a power of two
 * @pages: the pages, as they may be mapped
 * @page_count: how many
 * @base: where the kernel has them mapped
 * @head: first position in use, on a page of its own
 * @tail: first position not in use, on a page of its own
 * @items: the entries
 *
 * Positions only grow; an entry is at its position modulo @entries. Which side
 * writes which index is the token's affair; each has its own page, so that a
 * process may be given one to write and the other to read.
 */
struct mpmc_ring {
	unsigned int entries;
	struct page **pages;
	unsigned int page_count;
	void *base;
	u64 *head;
	u64 *tail;
	u64 *items;
};

int mpmc_ring_init(struct mpmc_ring *ring, unsigned int entries,
		   unsigned int extra);
void mpmc_ring_free(struct mpmc_ring *ring);
unsigned int mpmc_ring_default(u64 capacity);
void mpmc_ring_write(struct mpmc_ring *ring, u64 pos, const u64 *items,
		     unsigned int count);
void mpmc_ring_read(const struct mpmc_ring *ring, u64 pos, u64 *items,
		    unsigned int count);

static inline unsigned int mpmc_ring_slot(const struct mpmc_ring *ring, u64 pos)
{
	return pos & (ring->entries - 1);
}

/* How many of count entries from a position on lie in one piece. */
static inline unsigned int mpmc_ring_piece(const struct mpmc_ring *ring,
					   u64 pos, unsigned int count)
{
	unsigned int rest = ring->entries - mpmc_ring_slot(ring, pos);

	return count < rest ? count : rest;
}

#endif /* MPMC_RING_H */
