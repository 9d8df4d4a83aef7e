// SPDX-License-Identifier: GPL-2.0
/*
 * Rings: the memory of tokens
 *
 * Made of single pages that are mapped one after the other, for vmalloc_user()
 * would not charge them to the caller's memory cgroup.
 */
#include "ring.h"

#include <linux/compiler.h>
#include <linux/gfp.h>
#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#define RING_HEAD_PAGE 0
#define RING_TAIL_PAGE 1
#define RING_DATA_PAGE 2

static int ring_alloc_pages(struct mpmc_ring *ring)
{
	unsigned int i;

	for (i = 0; i < ring->page_count; i++) {
		ring->pages[i] = alloc_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO);
		if (!ring->pages[i])
			return -ENOMEM;
	}
	return 0;
}

/**
 * mpmc_ring_init() - allocate a ring
 * @ring: the ring, zeroed
 * @entries: number of entries, a power of two
 * @extra: bytes of each entry beside the item, laid out behind the items
 *
 * Context: process; may sleep.
 * Return: 0 or -ENOMEM; mpmc_ring_free() is right in either case.
 */
int mpmc_ring_init(struct mpmc_ring *ring, unsigned int entries,
		   unsigned int extra)
{
	size_t bytes = (size_t)entries * (sizeof(u64) + extra);

	ring->entries = entries;
	ring->page_count = RING_DATA_PAGE + DIV_ROUND_UP(bytes, PAGE_SIZE);
	ring->pages = kvcalloc(ring->page_count, sizeof(*ring->pages),
			       GFP_KERNEL_ACCOUNT);
	if (!ring->pages || ring_alloc_pages(ring))
		return -ENOMEM;
	ring->base = vmap(ring->pages, ring->page_count, VM_MAP, PAGE_KERNEL);
	if (!ring->base)
		return -ENOMEM;
	ring->head = ring->base + RING_HEAD_PAGE * PAGE_SIZE;
	ring->tail = ring->base + RING_TAIL_PAGE * PAGE_SIZE;
	ring->items = ring->base + RING_DATA_PAGE * PAGE_SIZE;
	return 0;
}

/**
 * mpmc_ring_free() - free a ring
 * @ring: the ring
 *
 * Context: process; may sleep.
 */
void mpmc_ring_free(struct mpmc_ring *ring)
{
	unsigned int i;

	vunmap(ring->base);
	for (i = 0; ring->pages && i < ring->page_count; i++)
		if (ring->pages[i])
			__free_page(ring->pages[i]);
	kvfree(ring->pages);
}

/**
 * mpmc_ring_default() - the size of a ring that nobody chose
 * @capacity: of the queue, in items
 */
unsigned int mpmc_ring_default(u64 capacity)
{
	u64 entries = clamp_t(u64, capacity / 8, 1, MPMC_RING_DEFAULT);

	return rounddown_pow_of_two(entries);
}

/**
 * mpmc_ring_write() - write entries
 * @ring: the ring
 * @pos: position of the first
 * @items: what to write there
 * @count: how many, at most the ring's
 */
void mpmc_ring_write(struct mpmc_ring *ring, u64 pos, const u64 *items,
		     unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		WRITE_ONCE(ring->items[mpmc_ring_slot(ring, pos + i)],
			   items[i]);
}

/**
 * mpmc_ring_read() - read entries, each once, whatever its owner does to it
 * @ring: the ring
 * @pos: position of the first
 * @items: where to put them
 * @count: how many, at most the ring's
 */
void mpmc_ring_read(const struct mpmc_ring *ring, u64 pos, u64 *items,
		    unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		items[i] = READ_ONCE(ring->items[mpmc_ring_slot(ring,
								pos + i)]);
}
