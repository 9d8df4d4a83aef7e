/* SPDX-License-Identifier: GPL-2.0 */
#ifndef MPMC_RING_H
#define MPMC_RING_H

#include <linux/atomic.h>
#include <linux/cache.h>
#include <linux/rcupdate.h>
#include <linux/types.h>

/*
 * A ring is the FIFO of one producer, who may be a process that has it mapped.
 * ring.c says how it works and why it is safe. These two files use nothing but
 * atomics, barriers and what is passed in, so that they also build in userspace
 * (selftests/bench, selftests/segment).
 */

#define MPMC_RING_MAX 65536
#define MPMC_RING_DEFAULT 4096

/* What a position and a flag behind it are in one word. */
#define MPMC_RING_FLAG 1
#define MPMC_RING_SHIFT 1

#define MPMC_RING_OPEN ((s64)(~0ULL >> 1))

/* Positions are kept with a version in one word: so many bits of each. */
#define MPMC_RING_POSITION_BITS 34

/**
 * struct mpmc_chunk - items that were moved out of a full ring
 * @next: the next one; CHUNK_END if there will be none, see ring.c
 * @rcu: for freeing it
 * @version: the ring's, from which on it counts
 * @active: that has begun
 * @start: position of the first item
 * @end: position behind the last one
 * @size: how many items it has room for
 * @items: the items; never changed
 */
struct mpmc_chunk {
	struct mpmc_chunk *next;
	struct rcu_head rcu;
	u32 version;
	bool active;
	u64 start;
	u64 end;
	u64 size;
	u64 items[];
};

/* Frees a chunk after an RCU grace period; passed in by who uses the ring. */
void mpmc_chunk_free(struct mpmc_chunk *chunk);

/**
 * struct mpmc_ring - a ring
 * @entries: number of entries, a power of two
 * @spare: how many of them are left free, if there is no need for them
 * @items: the entries; the owner writes them
 * @tail: first position not in use; the owner writes it
 * @done: which entries have been copied: position + 1, see ring_release()
 * @broken: the owner wrote what he may not
 * @top: the highest @limit there has been
 * @limit: the position up to which the owner may write << 1 | sealed: no more
 *	room is granted
 * @sealed: position up to which items count after a seal << 1 | that is
 *	decided; MPMC_RING_OPEN before a seal
 * @last: the newest chunk, if it is still linked
 * @moved: position up to which items have been moved to chunks
 * @moved_from: position from which on they have, since the ring was last free
 * @moving: consumers still copy items from before that position
 * @chunks: the oldest chunk, or NULL
 * @seen: a tail that was there once
 * @claimed: version << MPMC_RING_POSITION_BITS | position up to which consumers
 *	have claimed items
 * @released: position up to which entries are free again
 *
 * Positions only grow; an entry is at its position modulo @entries.
 */
struct mpmc_ring {
	unsigned int entries;
	unsigned int spare;
	u64 *items;
	u64 *tail;
	u64 *done;
	bool broken;
	u64 top;
	atomic64_t limit;
	atomic64_t sealed;
	struct mpmc_chunk *last;
	u64 moved;
	u64 moved_from;
	bool moving;
	struct mpmc_chunk *chunks;
	u64 seen;
	atomic64_t claimed ____cacheline_aligned;
	atomic64_t released;
};

void mpmc_ring_init(struct mpmc_ring *ring, unsigned int entries, u64 *items,
		    u64 *tail, u64 *done);
unsigned int mpmc_ring_take(struct mpmc_ring *ring, u64 *items,
			    unsigned int max);
u64 mpmc_ring_count(struct mpmc_ring *ring);
u64 mpmc_ring_put(struct mpmc_ring *ring);
u64 mpmc_ring_granted(struct mpmc_ring *ring);
unsigned int mpmc_ring_room(struct mpmc_ring *ring);
bool mpmc_ring_fits(struct mpmc_ring *ring, unsigned int count);
bool mpmc_ring_grant(struct mpmc_ring *ring, unsigned int count);
int mpmc_ring_check(struct mpmc_ring *ring);
s64 mpmc_ring_revoke(struct mpmc_ring *ring);
void mpmc_ring_push(struct mpmc_ring *ring, const u64 *items,
		    unsigned int count);
u64 mpmc_ring_chunk_size(struct mpmc_ring *ring, unsigned int count);
bool mpmc_ring_move(struct mpmc_ring *ring, struct mpmc_chunk *chunk,
		    const u64 *items, unsigned int count);
void mpmc_ring_free_chunks(struct mpmc_ring *ring);

void mpmc_ring_seal_begin(struct mpmc_ring *ring);
unsigned int mpmc_ring_seal_end(struct mpmc_ring *ring);
bool mpmc_ring_accepted(struct mpmc_ring *ring);

/* How far the owner may write. */
static inline u64 mpmc_ring_limit(const struct mpmc_ring *ring)
{
	return (u64)atomic64_read(&ring->limit) >> MPMC_RING_SHIFT;
}

/*
 * How far the owner may be told that he may write. Of a sealed ring no further than
 * he has: where a call of his was refused that moved the ring's items, he was
 * granted what there are no free entries for.
 */
static inline u64 mpmc_ring_promise(const struct mpmc_ring *ring)
{
	u64 limit = atomic64_read(&ring->limit);

	return limit & MPMC_RING_FLAG ? READ_ONCE(*ring->tail) :
					limit >> MPMC_RING_SHIFT;
}

static inline bool mpmc_ring_sealed(const struct mpmc_ring *ring)
{
	return atomic64_read(&ring->limit) & MPMC_RING_FLAG;
}

/*
 * Changes when the owner puts items. Not for ever if he does what he may not: of
 * a ring that is sealed, his position is not looked at.
 */
static inline u64 mpmc_ring_stamp(const struct mpmc_ring *ring)
{
	/* Acquire: what is looked at next is looked at after it. */
	u64 tail = smp_load_acquire(ring->tail);

	if (mpmc_ring_sealed(ring))
		return atomic64_read_acquire(&ring->sealed);
	return READ_ONCE(ring->broken) ? 0 : tail;
}

#endif /* MPMC_RING_H */
