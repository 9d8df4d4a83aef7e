// SPDX-License-Identifier: GPL-2.0
/*
 * The bitmap of sources that may hold items
 *
 * PRODUCER (mpmc_pending_set())        CONSUMER that found the source empty
 *
 * publish items                        set doubt, go on if it was not set  (C),
 *                                      and if bit is
 * smp_mb()  (A)                        count
 * bit set?                             clear bit
 *   no: set it                         smp_mb()  (B)
 *                                      source ready?
 *                                        yes: set bit
 *                                      clear doubt, a release  (D)
 *
 * A pairs with B: either the producer sees the bit cleared, and sets it, or the
 * consumer sees the items, and sets it. In between the source has its doubt, so
 * a consumer that stands still there hides nothing: others go and look.
 *
 * A look reads doubt and then bit. If doubt was clear, bit was set when there
 * were items, C and D see to that; and it still is unless it was cleared since,
 * which is counted. So who finds no bit, and nothing counted, knows that a
 * source that held items all the time is not there. Only who puts sets a bit that
 * is clear, so those who look do not keep each other looking.
 *
 * Items move, though: one is put behind the back of who looks at one source
 * after the other, and another taken before he gets there. But whoever finds a
 * source empty clears its bit. If nobody has cleared any since before he began,
 * none was set then, and no source held items. Who finds a source by its doubt,
 * and then neither that nor its bit, looks again: it was cleared by somebody who
 * may have counted before he began. (Except for sources in doubt,
 * whose bits only the one who is at it may clear. Others don't wait for him: if
 * he stands still just there, who looks may be told that there is nothing, when
 * there was an item all the time, but never the same one.)
 *
 * What is looked at always, without regard to its bit, is another matter: see
 * source.c.
 */
#include "pending.h"

#include <linux/bitmap.h>
#include <linux/errno.h>
#include <linux/gfp.h>

/**
 * mpmc_pending_init() - set up a queue's bitmap
 * @pending: the bitmap
 * @bits: number of sources
 *
 * Context: process; may sleep.
 * Return: 0 or -ENOMEM; mpmc_pending_free() is right in either case.
 */
int mpmc_pending_init(struct mpmc_pending *pending, unsigned int bits)
{
	pending->bits = bits;
	pending->bit = bitmap_zalloc(bits, GFP_KERNEL_ACCOUNT);
	pending->doubt = bitmap_zalloc(bits, GFP_KERNEL_ACCOUNT);
	return pending->bit && pending->doubt ? 0 : -ENOMEM;
}

/**
 * mpmc_pending_free() - the end of it
 * @pending: the bitmap
 *
 * Context: any.
 */
void mpmc_pending_free(struct mpmc_pending *pending)
{
	bitmap_free(pending->bit);
	bitmap_free(pending->doubt);
}

static unsigned long pending_word(struct mpmc_pending *pending,
				  unsigned int index)
{
	unsigned long word = READ_ONCE(pending->doubt[index]);

	smp_rmb(); /* doubt before bit: pairs with D, and with A and C before */
	return word | READ_ONCE(pending->bit[index]);
}

/**
 * mpmc_pending_next() - the next source that may hold items
 * @pending: the queue's
 * @from: the first one to look at
 *
 * Context: any.
 * Return: the source, or @pending->bits when there is none.
 */
unsigned int mpmc_pending_next(struct mpmc_pending *pending, unsigned int from)
{
	unsigned int index = BIT_WORD(from);
	unsigned long word;

	if (from >= pending->bits)
		return pending->bits;
	word = pending_word(pending, index) & BITMAP_FIRST_WORD_MASK(from);
	while (!word) {
		if (++index == BITS_TO_LONGS(pending->bits))
			return pending->bits;
		word = pending_word(pending, index);
	}
	return index * BITS_PER_LONG + __ffs(word);
}

/**
 * mpmc_pending_count() - how many bits are set
 * @pending: the queue's
 *
 * Not those of sources in doubt: nobody waits for who is at it. The bits are read
 * after whatever the caller has read before.
 *
 * Context: any.
 * Return: the number.
 */
unsigned int mpmc_pending_count(struct mpmc_pending *pending)
{
	unsigned int i, count = 0;
	unsigned long doubt;

	/* Pairs with A after the bit, before another item, found gone, is taken. */
	smp_rmb();
	for (i = 0; i < BITS_TO_LONGS(pending->bits); i++) {
		doubt = READ_ONCE(pending->doubt[i]);
		smp_rmb(); /* as in pending_word() */
		count += hweight_long(READ_ONCE(pending->bit[i]) & ~doubt);
	}
	return count;
}

/**
 * mpmc_pending_clear_begin() - a source was found empty: say so
 * @pending: the queue's
 * @source: the source
 *
 * Context: any.
 * Return: 1 when the caller is to look at the source once more and then call
 * mpmc_pending_clear_end(); 0 when another thread is at it; -EAGAIN when another
 * thread has cleared it, maybe before the caller's look began, so that he has to
 * look again.
 */
int mpmc_pending_clear_begin(struct mpmc_pending *pending, unsigned int source)
{
	if (test_bit(source, pending->doubt))
		return 0;
	/* Not counted: two who look would keep each other looking. */
	if (!test_bit(source, pending->bit))
		return -EAGAIN;
	/* C: fully ordered, doubt is there before bit is missing. */
	if (test_and_set_bit(source, pending->doubt))
		return 0;
	if (!test_bit(source, pending->bit)) {
		mpmc_pending_clear_end(pending, source, false);
		return -EAGAIN;
	}
	/* Fully ordered: it is counted before it is missing. */
	atomic_inc_return(&pending->cleared);
	clear_bit(source, pending->bit);
	smp_mb__after_atomic(); /* B: pairs with A in mpmc_pending_set() */
	return 1;
}

/**
 * mpmc_pending_clear_end() - after the second look
 * @pending: the queue's
 * @source: the source
 * @ready: it was not empty
 *
 * Context: any.
 */
void mpmc_pending_clear_end(struct mpmc_pending *pending, unsigned int source,
			    bool ready)
{
	if (ready)
		set_bit(source, pending->bit);
	/* D: a release, bit is there before doubt is missing. */
	clear_bit_unlock(source, pending->doubt);
}
