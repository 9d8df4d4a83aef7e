// SPDX-License-Identifier: GPL-2.0
/*
 * The ring: a FIFO that one thread fills and all consumers empty
 *
 * The owner stores items and advances the tail, as far as the limit that he was
 * granted. A consumer claims a run with one compare-and-exchange, copies it and
 * releases it; the entries become free in order. Nobody waits for anybody.
 *
 * The owner may be a process that has items and tail mapped, so nothing that is
 * read there is trusted: a tail that is not between what is claimed and the
 * limit marks the ring broken, and nobody takes from it any more.
 *
 * Sealing ends a ring whose owner can't be stopped:
 *
 * OWNER (in userspace)                 SHUTDOWN
 *
 * store items                          flag the limit
 * store tail                           say so where the owner looks
 * look for the seal                    a barrier on all CPUs, or, if the owner
 *   seen: ask the kernel,                makes one, on this one
 *   mpmc_ring_accepted()               decide: what tail is now, unless the
 *                                        owner has decided already
 *
 * Either the owner sees the seal after his store, and asks; or the barrier comes
 * after his store, and the tail is seen. Consumers that find the limit flagged
 * take what was there before it was, and no more until it is decided: nothing
 * is delivered that is then refused.
 */
#include "ring.h"

#include <linux/compiler.h>
#include <linux/errno.h>
#include <linux/log2.h>
#include <linux/minmax.h>

/**
 * mpmc_ring_init() - set up a ring
 * @ring: the ring
 * @entries: number of entries, a power of two
 * @items: memory for them
 * @tail: memory for the owner's position, zeroed
 * @done: memory for the marks of all entries, zeroed
 */
void mpmc_ring_init(struct mpmc_ring *ring, unsigned int entries, u64 *items,
		    u64 *tail, u32 *done)
{
	ring->entries = entries;
	ring->order = ilog2(entries);
	ring->items = items;
	ring->tail = tail;
	ring->done = done;
	ring->broken = false;
	atomic64_set(&ring->limit, 0);
	atomic64_set(&ring->sealed, MPMC_RING_OPEN);
	atomic64_set(&ring->claimed, 0);
	atomic64_set(&ring->released, 0);
}

static inline unsigned int ring_slot(const struct mpmc_ring *ring, u64 pos)
{
	return pos & (ring->entries - 1);
}

/* Where the items end that may be taken, first being claimed already. */
static u64 ring_end(struct mpmc_ring *ring, u64 first)
{
	/*
	 * Acquire: pairs with the owner's release, the items are there. And the
	 * limit is read after it: if that is not flagged, this tail was there
	 * before it was, and whoever decides sees it.
	 */
	u64 tail = smp_load_acquire(ring->tail);
	/* Acquire: pairs with mpmc_ring_seal_begin(), sealed has been set. */
	u64 limit = atomic64_read_acquire(&ring->limit);

	if (READ_ONCE(ring->broken))
		return first;
	if (tail - first > (limit >> MPMC_RING_SHIFT) - first) {
		WRITE_ONCE(ring->broken, true);
		return first;
	}
	if (limit & MPMC_RING_FLAG)
		tail = min_t(u64, tail, (u64)atomic64_read(&ring->sealed) >>
						MPMC_RING_SHIFT);
	return max(tail, first);
}

/* The lap that a position is in; a mark that was never set is in none. */
static inline u32 ring_lap(const struct mpmc_ring *ring, u64 pos)
{
	return (pos >> ring->order) + 1;
}

static bool is_done(const struct mpmc_ring *ring, u64 pos)
{
	/* Acquire: pairs with the release in ring_mark(). */
	return smp_load_acquire(&ring->done[ring_slot(ring, pos)]) ==
	       ring_lap(ring, pos);
}

static void ring_mark(struct mpmc_ring *ring, u64 pos, u64 end)
{
	for (; pos < end; pos++)
		/* Release: the entry was copied before; pairs with is_done(). */
		smp_store_release(&ring->done[ring_slot(ring, pos)],
				  ring_lap(ring, pos));
}

/* How many entries are done from this position on. */
static u64 ring_count_done(const struct mpmc_ring *ring, u64 pos)
{
	u64 end = pos;

	while (is_done(ring, end))
		end++;
	return end - pos;
}

/*
 * Entries have been copied. Consumers finish in any order, and the owner gets
 * his space back in order. Who has the oldest ones releases them, and whatever
 * others have marked done behind them; who has not marks his.
 *
 * HAS THE OLDEST                        HAS NOT
 *
 * released = end, fully ordered  (A)    mark ours
 * marks behind end?                     smp_mb()  (B)
 *                                       released = where ours begin?
 *
 * A pairs with B: at least one sees what the other did.
 */
static void ring_release(struct mpmc_ring *ring, u64 pos, unsigned int count)
{
	s64 released = pos;
	u64 more;

	/* Also: copied before released, for mpmc_ring_room(). */
	if (atomic64_try_cmpxchg(&ring->released, &released, pos + count)) {
		released = pos + count;
	} else {
		ring_mark(ring, pos, pos + count);
		smp_mb(); /* B: see above */
		released = atomic64_read(&ring->released);
	}
	while ((more = ring_count_done(ring, released))) {
		if (atomic64_try_cmpxchg(&ring->released, &released,
					 released + more))
			released += more;
	}
}

/* Read entries, each once, whatever the owner does to them. */
static void ring_read(const struct mpmc_ring *ring, u64 pos, u64 *items,
		      unsigned int count)
{
	const u64 *from = ring->items + ring_slot(ring, pos);
	unsigned int piece = min(count, ring->entries - ring_slot(ring, pos));
	unsigned int i;

	for (i = 0; i < piece; i++)
		items[i] = READ_ONCE(from[i]);
	for (from = ring->items - piece; i < count; i++)
		items[i] = READ_ONCE(from[i]);
}

/**
 * mpmc_ring_take() - take items, in order
 * @ring: the ring
 * @items: where to put them
 * @max: the most items to take, at least one
 *
 * Context: any.
 * Return: how many were taken, at least one if any was there.
 */
unsigned int mpmc_ring_take(struct mpmc_ring *ring, u64 *items,
			    unsigned int max)
{
	unsigned int count;
	s64 first;

	do {
		/* Acquire: claimed before tail, or there would be too many. */
		first = atomic64_read_acquire(&ring->claimed);
		count = min_t(u64, max, ring_end(ring, first) - first);
		if (!count)
			return 0;
	} while (!atomic64_try_cmpxchg(&ring->claimed, &first, first + count));
	ring_read(ring, first, items, count);
	ring_release(ring, first, count);
	return count;
}

/**
 * mpmc_ring_count() - how many items can be taken
 * @ring: the ring
 *
 * Return: the number, exact at some moment of the call if it is none.
 */
u64 mpmc_ring_count(struct mpmc_ring *ring)
{
	/* Acquire: claimed before tail, or there would be too many. */
	u64 first = atomic64_read_acquire(&ring->claimed);

	return ring_end(ring, first) - first;
}

/**
 * mpmc_ring_granted() - room that the owner has been granted and not used
 * @ring: the ring
 *
 * Return: the number of entries, approximate while the owner is at work.
 */
u64 mpmc_ring_granted(struct mpmc_ring *ring)
{
	u64 tail = READ_ONCE(*ring->tail);
	u64 granted = mpmc_ring_limit(ring) - tail;

	/* Sealed, or broken: nothing of it can be used any more. */
	if (mpmc_ring_sealed(ring) || granted > ring->entries)
		return 0;
	return granted;
}

/**
 * mpmc_ring_room() - entries that are free and not granted
 * @ring: the ring, of which the caller is the owner
 */
unsigned int mpmc_ring_room(struct mpmc_ring *ring)
{
	/* Acquire: pairs with ring_release(), the entries were copied. */
	u64 released = atomic64_read_acquire(&ring->released);

	return ring->entries - (mpmc_ring_limit(ring) - released);
}

/**
 * mpmc_ring_grant() - grant the owner more room
 * @ring: the ring, of which the caller is the owner
 * @count: entries, at most mpmc_ring_room(), for which there are credits
 *
 * Return: false if the ring is sealed; then nothing was granted.
 */
bool mpmc_ring_grant(struct mpmc_ring *ring, unsigned int count)
{
	s64 limit = atomic64_read(&ring->limit);

	/* Of others' writes there is but the one that flags it. */
	return !(limit & MPMC_RING_FLAG) &&
	       atomic64_try_cmpxchg(&ring->limit, &limit,
				    limit + ((s64)count << MPMC_RING_SHIFT));
}

/**
 * mpmc_ring_revoke() - take back what the owner has been granted and not used
 * @ring: the ring, of which the caller is the owner
 *
 * Return: how many entries that was, whose credits are the caller's now; -EPIPE
 * if the ring is sealed; -EIO if it is broken.
 */
s64 mpmc_ring_revoke(struct mpmc_ring *ring)
{
	u64 tail = READ_ONCE(*ring->tail);
	s64 limit = atomic64_read(&ring->limit);
	u64 unused = ((u64)limit >> MPMC_RING_SHIFT) - tail;

	if (READ_ONCE(ring->broken))
		return -EIO;
	if (unused > ring->entries) {
		WRITE_ONCE(ring->broken, true);
		return -EIO;
	}
	if (limit & MPMC_RING_FLAG ||
	    !atomic64_try_cmpxchg(&ring->limit, &limit,
				  tail << MPMC_RING_SHIFT))
		return -EPIPE;
	return unused;
}

/**
 * mpmc_ring_push() - put items
 * @ring: the ring, of which the caller is the owner
 * @items: the items
 * @count: how many, for which room has been granted
 */
void mpmc_ring_push(struct mpmc_ring *ring, const u64 *items,
		    unsigned int count)
{
	u64 tail = READ_ONCE(*ring->tail);
	unsigned int i;

	for (i = 0; i < count; i++)
		WRITE_ONCE(ring->items[ring_slot(ring, tail + i)], items[i]);
	/* Release: pairs with the acquire in ring_end(). */
	smp_store_release(ring->tail, tail + count);
}

/**
 * mpmc_ring_drop() - drop what is left in a broken ring that nobody owns
 * @ring: the ring
 *
 * Return: how many entries that was, granted ones included: their credits are
 * the caller's now.
 */
unsigned int mpmc_ring_drop(struct mpmc_ring *ring)
{
	s64 sealed = atomic64_read(&ring->sealed);
	u64 end = mpmc_ring_limit(ring);

	/* What a seal cut off has been returned before. */
	if (mpmc_ring_sealed(ring) && sealed & MPMC_RING_FLAG)
		end = (u64)sealed >> MPMC_RING_SHIFT;
	/* Whoever has claimed some meanwhile returns the credits of those. */
	return end - (u64)atomic64_xchg(&ring->claimed, end);
}

/**
 * mpmc_ring_seal_begin() - begin to seal a ring
 * @ring: the ring
 *
 * Before the owner is told, and before the barrier.
 */
void mpmc_ring_seal_begin(struct mpmc_ring *ring)
{
	u64 tail = READ_ONCE(*ring->tail);

	/* What is there now counts in any case. */
	atomic64_cmpxchg(&ring->sealed, MPMC_RING_OPEN,
			 tail << MPMC_RING_SHIFT);
	/* Fully ordered: pairs with the acquire in ring_end(). */
	atomic64_fetch_or(MPMC_RING_FLAG, &ring->limit);
}

/* Decide where the ring ends: at tail, if it has not been decided. */
static unsigned int ring_decide(struct mpmc_ring *ring, u64 tail)
{
	s64 sealed = atomic64_read(&ring->sealed);

	if (sealed & MPMC_RING_FLAG ||
	    !atomic64_try_cmpxchg(&ring->sealed, &sealed,
				  tail << MPMC_RING_SHIFT | MPMC_RING_FLAG))
		return 0;
	return mpmc_ring_limit(ring) - tail;
}

/**
 * mpmc_ring_seal_end() - decide which items a sealed ring has
 * @ring: the ring
 *
 * After a barrier on the owner's CPU; or by the owner himself.
 *
 * Return: how many entries were granted and not used: their credits are the
 * caller's now. None if that was decided before.
 */
unsigned int mpmc_ring_seal_end(struct mpmc_ring *ring)
{
	/* Acquire: claimed before tail, or there would be too many. */
	u64 first = atomic64_read_acquire(&ring->claimed);
	u64 tail = READ_ONCE(*ring->tail);

	if (tail - first > mpmc_ring_limit(ring) - first)
		WRITE_ONCE(ring->broken, true);
	if (READ_ONCE(ring->broken))
		return 0;
	return ring_decide(ring, tail);
}

/**
 * mpmc_ring_accepted() - whether the owner's last items count, after a seal
 * @ring: a sealed ring that has been decided, of which the caller is the owner
 *
 * If not, the tail is back where it was before them.
 */
bool mpmc_ring_accepted(struct mpmc_ring *ring)
{
	u64 end = (u64)atomic64_read(&ring->sealed) >> MPMC_RING_SHIFT;

	if (READ_ONCE(*ring->tail) <= end)
		return true;
	WRITE_ONCE(*ring->tail, end);
	return false;
}
