/* SPDX-License-Identifier: GPL-2.0 */
#ifndef MPMC_PENDING_H
#define MPMC_PENDING_H

#include <linux/atomic.h>
#include <linux/bitops.h>
#include <linux/cache.h>
#include <linux/types.h>

/**
 * struct mpmc_pending - which sources of a queue may hold items
 * @bit: a bit for each source: it may hold items
 * @doubt: a bit for each source: somebody is about to clear its @bit
 * @bits: number of sources
 * @cleared: how often a @bit has been cleared
 *
 * So that nobody reads a cache line per CPU to find an item. A source that
 * holds items has at least one of its bits set, at any time: pending.c says
 * why. Who reads the bits one after the other may still miss one that is
 * cleared and set again meanwhile, and has to look whether any was.
 */
struct mpmc_pending {
	unsigned long *bit;
	unsigned long *doubt;
	unsigned int bits;
	atomic_t cleared ____cacheline_aligned;
};

int mpmc_pending_init(struct mpmc_pending *pending, unsigned int bits);
void mpmc_pending_free(struct mpmc_pending *pending);
unsigned int mpmc_pending_next(struct mpmc_pending *pending, unsigned int from);
unsigned int mpmc_pending_count(struct mpmc_pending *pending);
int mpmc_pending_clear_begin(struct mpmc_pending *pending, unsigned int source);
void mpmc_pending_clear_end(struct mpmc_pending *pending, unsigned int source,
			    bool ready);

/**
 * mpmc_pending_set() - say that a source holds items
 * @pending: the queue's
 * @source: the source, whose items have been published
 *
 * Fully ordered, also between the items and what the caller does next.
 *
 * Context: any.
 */
static inline void mpmc_pending_set(struct mpmc_pending *pending,
				    unsigned int source)
{
	smp_mb(); /* A: see pending.c. Also pairs with B in wait.c */
	if (!test_bit(source, pending->bit)) {
		set_bit(source, pending->bit);
		smp_mb__after_atomic(); /* A again, after the bit */
	}
}

/**
 * mpmc_pending_begin() - before a look at the bits
 * @pending: the queue's
 *
 * Context: any.
 * Return: what mpmc_pending_missed() wants to know afterwards.
 */
static inline int mpmc_pending_begin(struct mpmc_pending *pending)
{
	/* Acquire: the bits are read after it. */
	return atomic_read_acquire(&pending->cleared);
}

/**
 * mpmc_pending_missed() - whether a bit may have been missed during a look
 * @pending: the queue's
 * @cleared: what mpmc_pending_begin() returned before
 *
 * Context: any.
 * Return: whether one may.
 */
static inline bool mpmc_pending_missed(struct mpmc_pending *pending,
				       int cleared)
{
	/* The bits are read before; pairs with mpmc_pending_clear_begin(). */
	smp_rmb();
	return atomic_read(&pending->cleared) != cleared;
}

#endif /* MPMC_PENDING_H */
