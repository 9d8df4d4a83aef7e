/* SPDX-License-Identifier: GPL-2.0 */
#ifndef MPMC_PENDING_H
#define MPMC_PENDING_H

#include <linux/atomic.h>
#include <linux/bitops.h>
#include <linux/cache.h>
#include <linux/types.h>

/**
 * struct mpmc_pending - which sources of a queue may hold items
 * @bit: a bit for each source
 * @bits: number of sources
 * @begun: clearings begun
 * @ended: clearings ended
 *
 * So that nobody reads a cache line per CPU to find an item. A bit that is set
 * may be wrong. A bit that is not set is right, but for a clearing at work:
 * mpmc_pending_clear() clears first and looks at the source again then, and in
 * between an item may be hidden. Who finds no bit at all takes that for "empty"
 * only if no clearing was at work meanwhile.
 */
struct mpmc_pending {
	unsigned long *bit;
	unsigned int bits;
	atomic_t begun ____cacheline_aligned;
	atomic_t ended;
};

int mpmc_pending_init(struct mpmc_pending *pending, unsigned int bits);
void mpmc_pending_free(struct mpmc_pending *pending);

/**
 * mpmc_pending_set() - say that a source holds items
 * @pending: the queue's
 * @source: the source, whose items have been published
 *
 * Fully ordered, also between the items and what the caller does next.
 */
static inline void mpmc_pending_set(struct mpmc_pending *pending,
				    unsigned int source)
{
	/*
	 * PRODUCER                        CONSUMER
	 *
	 * publish items                   clear bit      (mpmc_pending_clear)
	 * smp_mb()  (A)                   smp_mb__after_atomic()  (B)
	 * is the bit set?                 is the source ready?
	 *
	 * A pairs with B: either we see the bit cleared, and set it, or the
	 * consumer sees the items, and sets it. A also pairs with the barrier
	 * of a thread about to sleep (wait.c).
	 */
	smp_mb();
	if (!test_bit(source, pending->bit)) {
		set_bit(source, pending->bit);
		smp_mb__after_atomic(); /* A again, after the bit */
	}
}

/**
 * mpmc_pending_clear_begin() - a source was found empty: say so
 * @pending: the queue's
 * @source: the source
 *
 * The caller looks at the source once more, sets the bit again if it is not
 * empty, and then calls mpmc_pending_clear_end().
 */
static inline void mpmc_pending_clear_begin(struct mpmc_pending *pending,
					    unsigned int source)
{
	/* Fully ordered: begun is seen before the bit is missing. */
	atomic_inc_return(&pending->begun);
	clear_bit(source, pending->bit);
	/* B: pairs with A in mpmc_pending_set(). */
	smp_mb__after_atomic();
}

/**
 * mpmc_pending_clear_end() - the bit of a source found empty is right now
 * @pending: the queue's
 */
static inline void mpmc_pending_clear_end(struct mpmc_pending *pending)
{
	/* Fully ordered: the bit is set again before ended is seen. */
	atomic_inc_return(&pending->ended);
}

/**
 * mpmc_pending_begin() - before a look at the bits
 * @pending: the queue's
 *
 * Return: what mpmc_pending_hidden() wants to know afterwards.
 */
static inline int mpmc_pending_begin(struct mpmc_pending *pending)
{
	/* Acquire: pairs with mpmc_pending_clear_end(). */
	return atomic_read_acquire(&pending->ended);
}

/**
 * mpmc_pending_hidden() - whether items may have been hidden during a look
 * @pending: the queue's
 * @ended: what mpmc_pending_begin() returned before
 */
static inline bool mpmc_pending_hidden(struct mpmc_pending *pending, int ended)
{
	/* The bits are read before; pairs with mpmc_pending_clear_begin(). */
	smp_rmb();
	return atomic_read(&pending->begun) != ended;
}

#endif /* MPMC_PENDING_H */
