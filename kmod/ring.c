// SPDX-License-Identifier: GPL-2.0
/*
 * The ring: a FIFO that one thread fills and all consumers empty
 *
 * The owner stores items and advances the tail, as far as the limit that he was
 * granted. A consumer claims a run with one compare-and-exchange, copies it and
 * releases it; the entries become free in order. Nobody waits for anybody.
 *
 * When it is full, a call of the owner's moves all that is in it to a chunk, and
 * the ring is free again: the items of a token are those of its chunks, and then
 * those of the ring, and their positions go on from one to the next. A chunk is
 * a copy that never changes; what decides whether a position is claimed in the
 * ring or in the chunk is a version in the word of the claims:
 *
 * OWNER                                CONSUMER
 *
 * copy from the ring to a chunk        read the claims: version, position
 * link the chunk, with the next        look for a chunk of this version, or an
 *   version, a release                   older one, that has the position
 * next version, in the word of the     claim, if the word is still the same
 *   claims, fully ordered              copy from there
 * free the ring's entries from the     found none: release the ring's entry
 *   position in that word on
 *
 * So who claims a position before the version changes finds it in the ring, whose
 * entry stays until he releases it, and who claims it later, in the chunk. Nothing
 * is in neither at any time. A chunk whose last item is claimed is unlinked, and
 * freed after an RCU grace period: consumers are in read-side sections.
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
#include <linux/minmax.h>

/*
 * A large ring is not filled to the last entry, item by item: so what was in it,
 * an item more and the chunk's head are as much as the ring, a power of two, and
 * not a bit more than that, for which allocators take the next one.
 */
#define SPARE_ENTRIES 16
#define SPARE_FROM 512

static_assert(sizeof(struct mpmc_chunk) < SPARE_ENTRIES * sizeof(u64));

/**
 * mpmc_ring_init() - set up a ring
 * @ring: the ring
 * @entries: number of entries, a power of two
 * @items: memory for them
 * @tail: memory for the owner's position, zeroed
 * @done: memory for the marks of all entries, zeroed
 *
 * Context: any.
 */
void mpmc_ring_init(struct mpmc_ring *ring, unsigned int entries, u64 *items,
		    u64 *tail, u64 *done)
{
	ring->entries = entries;
	ring->spare = entries < SPARE_FROM ? 0 : SPARE_ENTRIES;
	ring->top = 0;
	ring->items = items;
	ring->tail = tail;
	ring->done = done;
	ring->broken = false;
	ring->seen = 0;
	atomic64_set(&ring->limit, 0);
	atomic64_set(&ring->sealed, MPMC_RING_OPEN);
	ring->last = NULL;
	ring->moved = 0;
	ring->moving = false;
	ring->chunks = NULL;
	atomic64_set(&ring->claimed, 0);
	atomic64_set(&ring->released, 0);
}

static inline unsigned int ring_slot(const struct mpmc_ring *ring, u64 pos)
{
	return pos & (ring->entries - 1);
}

#define POSITION_MASK ((1ULL << MPMC_RING_POSITION_BITS) - 1)

#define VERSION_BITS (64 - MPMC_RING_POSITION_BITS)

static inline u32 word_version(u64 word)
{
	return word >> MPMC_RING_POSITION_BITS;
}

/* Whether a version comes before another. */
static inline bool version_before(u32 version, u32 other)
{
	return (version - other) & BIT(VERSION_BITS - 1);
}

/*
 * The position in a word of the claims: the last one, up to the highest limit
 * there has been, that has these bits. There are never as many items as would
 * make that ambiguous.
 */
static inline u64 word_position(const struct mpmc_ring *ring, u64 word)
{
	u64 top = READ_ONCE(ring->top);

	return top - ((top - word) & POSITION_MASK);
}

/* The word after so many more claims, or in the next version. */
static inline u64 word_claim(u64 word, u64 count)
{
	return (word & ~POSITION_MASK) | ((word + count) & POSITION_MASK);
}

static inline u64 word_next_version(u64 word)
{
	return word + POSITION_MASK + 1;
}

/* Up to where items have been claimed. */
static u64 ring_claimed(const struct mpmc_ring *ring)
{
	/* Acquire: claimed before tail, or there would be too many. */
	return word_position(ring, atomic64_read_acquire(&ring->claimed));
}

/*
 * The next version: claims of whoever has looked before this fail. What has been
 * claimed until now is exact then.
 */
static u64 ring_flip(struct mpmc_ring *ring)
{
	s64 word = atomic64_read(&ring->claimed);

	while (!atomic64_try_cmpxchg(&ring->claimed, &word,
				     word_next_version(word)))
		;
	return word_position(ring, word);
}

/* Where the items of a sealed ring end, as far as that is known. */
static u64 ring_sealed_end(const struct mpmc_ring *ring, u64 first, u64 tail)
{
	u64 sealed = atomic64_read(&ring->sealed);
	u64 end = sealed >> MPMC_RING_SHIFT;

	/* Once it is decided the tail does not matter any more. */
	if (!(sealed & MPMC_RING_FLAG))
		end = min(end, tail);
	return max(end, first);
}

/* Whether a tail is between what is claimed and the limit. */
static inline bool tail_valid(u64 first, u64 tail, u64 limit)
{
	return (s64)(limit - first) >= 0 && tail - first <= limit - first;
}

/*
 * The tail, first being claimed already; first if the owner has broken the ring:
 * the tail is beyond the limit, before what is claimed, or before where it was.
 */
static u64 ring_tail(struct mpmc_ring *ring, u64 first, u64 *limit)
{
	/* Acquire: before the tail, which does not go back. */
	u64 seen = smp_load_acquire(&ring->seen);
	/*
	 * Acquire: pairs with the owner's release, the items are there. And the
	 * limit is read after it: a claim that relies on one that is not flagged
	 * comes before mpmc_ring_seal_begin()'s new version, or fails.
	 */
	u64 tail = smp_load_acquire(ring->tail);

	/* Acquire: pairs with mpmc_ring_seal_begin(), sealed has been set. */
	*limit = atomic64_read_acquire(&ring->limit);
	if (READ_ONCE(ring->broken))
		return first;
	if (!tail_valid(first, tail, *limit >> MPMC_RING_SHIFT) ||
	    (tail < seen && !(*limit & MPMC_RING_FLAG))) {
		WRITE_ONCE(ring->broken, true);
		return first;
	}
	if (tail != seen)
		/* Release: pairs with the acquire above; old ones do no harm. */
		smp_store_release(&ring->seen, tail);
	return tail;
}

/* Where the items end that may be taken, first being claimed already. */
static u64 ring_end(struct mpmc_ring *ring, u64 first)
{
	u64 limit;
	u64 tail = ring_tail(ring, first, &limit);

	return limit & MPMC_RING_FLAG ? ring_sealed_end(ring, first, tail) :
					tail;
}

static bool is_done(const struct mpmc_ring *ring, u64 pos)
{
	/* Acquire: pairs with the release in ring_mark(). */
	return smp_load_acquire(&ring->done[ring_slot(ring, pos)]) == pos + 1;
}

static void ring_mark(struct mpmc_ring *ring, u64 pos, u64 end)
{
	for (; pos < end; pos++)
		/* Release: the entry was copied before; pairs with is_done(). */
		smp_store_release(&ring->done[ring_slot(ring, pos)], pos + 1);
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

/*
 * Copy items, each read once, whatever the owner does to them. By words, a cache
 * line at a time: some CPUs, and emulators, are slow at copying otherwise.
 */
static inline void copy_items(u64 *to, const u64 *from, unsigned int count)
{
	for (; count >= 8; count -= 8, to += 8, from += 8) {
		to[0] = READ_ONCE(from[0]);
		to[1] = READ_ONCE(from[1]);
		to[2] = READ_ONCE(from[2]);
		to[3] = READ_ONCE(from[3]);
		to[4] = READ_ONCE(from[4]);
		to[5] = READ_ONCE(from[5]);
		to[6] = READ_ONCE(from[6]);
		to[7] = READ_ONCE(from[7]);
	}
	for (; count; count--)
		*to++ = READ_ONCE(*from++);
}

static void ring_read(const struct mpmc_ring *ring, u64 pos, u64 *items,
		      unsigned int count)
{
	unsigned int slot = ring_slot(ring, pos);
	unsigned int piece = min(count, ring->entries - slot);

	copy_items(items, ring->items + slot, piece);
	copy_items(items + piece, ring->items, count - piece);
}

/* --- Chunks --- */

/* What comes after a chunk behind which none can be linked any more. */
#define CHUNK_END ((struct mpmc_chunk *)1)

/*
 * The chunk that a position is in if it is claimed now, or NULL: then it is in
 * the ring.
 */
static const struct mpmc_chunk *chunk_find(struct mpmc_ring *ring, u64 pos,
					   u32 version)
{
	/* Acquire: pairs with the releases in chunk_link(). */
	const struct mpmc_chunk *chunk = smp_load_acquire(&ring->chunks);

	while (chunk && chunk != CHUNK_END && chunk->end <= pos)
		chunk = smp_load_acquire(&chunk->next); /* see above */
	if (!chunk || chunk == CHUNK_END || chunk->start > pos)
		return NULL;
	/*
	 * Not active, and of the next version: this claim fails, or comes
	 * before it. Acquire: pairs with the release in mpmc_ring_move().
	 */
	if (!smp_load_acquire(&chunk->active) &&
	    version_before(version, chunk->version))
		return NULL;
	return chunk;
}

/* Unlink the chunks that have been claimed as far as this. */
static void chunk_trim(struct mpmc_ring *ring, u64 pos)
{
	struct mpmc_chunk *chunk, *next;

	/* Acquire: pairs with the releases in chunk_link(). */
	while ((chunk = smp_load_acquire(&ring->chunks)) && chunk->end <= pos) {
		/* The last one: nobody is to link another behind it. */
		next = cmpxchg(&chunk->next, NULL, CHUNK_END);
		if (next == CHUNK_END)
			next = NULL;
		/* A chunk that was unlinked does not come back: RCU. */
		if (cmpxchg(&ring->chunks, chunk, next) == chunk) {
			/* The owner is not to look at it later on. */
			cmpxchg(&ring->last, chunk, NULL);
			mpmc_chunk_free(chunk);
		}
	}
}

/*
 * Link a chunk behind the last one. If that one is being unlinked, or was, then
 * it was the only one, and who does it sets the first to NULL, or we to ours. In an
 * RCU read-side section, as it may be freed.
 */
static void chunk_link(struct mpmc_ring *ring, struct mpmc_chunk *chunk)
{
	struct mpmc_chunk *last = READ_ONCE(ring->last);

	WRITE_ONCE(ring->last, chunk);
	/* These are fully ordered, and so releases. */
	if (!last || cmpxchg(&last->next, NULL, chunk)) {
		if (last && cmpxchg(&ring->chunks, last, chunk) == last)
			mpmc_chunk_free(last);
		else
			xchg(&ring->chunks, chunk);
	}
}

/**
 * mpmc_ring_free_chunks() - free the chunks of a ring that nobody uses any more
 * @ring: the ring
 *
 * Context: any.
 */
void mpmc_ring_free_chunks(struct mpmc_ring *ring)
{
	struct mpmc_chunk *chunk = ring->chunks, *next;

	for (; chunk && chunk != CHUNK_END; chunk = next) {
		next = chunk->next;
		mpmc_chunk_free(chunk);
	}
	ring->chunks = NULL;
}

/**
 * mpmc_ring_chunk_size() - what a chunk must have room for, to put items into a
 * ring that is full
 * @ring: the ring, of which the caller is the owner, with no room granted
 * @count: how many items are to be put
 *
 * Context: any.
 * Return: the number of items; 0: the ring has room, there is no need for one.
 */
u64 mpmc_ring_chunk_size(struct mpmc_ring *ring, unsigned int count)
{
	if (mpmc_ring_fits(ring, count))
		return 0;
	return min_t(u64, mpmc_ring_limit(ring) - ring->moved, ring->entries) +
	       count;
}

/* Copy what is not claimed yet to a chunk, and more items behind it, if it fits. */
static bool chunk_fill(struct mpmc_ring *ring, struct mpmc_chunk *chunk,
		       const u64 *items, unsigned int count)
{
	u64 n, tail = mpmc_ring_limit(ring);

	chunk->start = max(ring_claimed(ring), ring->moved);
	chunk->end = tail + count;
	n = tail - chunk->start;
	if (n > ring->entries || n + count > chunk->size)
		return false;
	ring_read(ring, chunk->start, chunk->items, n);
	copy_items(chunk->items + n, items, count);
	return true;
}

/**
 * mpmc_ring_move() - move what a ring holds to a chunk, and put items there
 * @ring: the ring, of which the caller is the owner, with no room granted
 * @chunk: with the size that mpmc_ring_chunk_size() said; used up if true is
 *	returned
 * @items: the items
 * @count: how many, for which there are credits
 *
 * Context: any.
 * Return: false if the ring is sealed; then nothing was put.
 */
bool mpmc_ring_move(struct mpmc_ring *ring, struct mpmc_chunk *chunk,
		    const u64 *items, unsigned int count)
{
	u64 word = atomic64_read(&ring->claimed);
	u64 tail = mpmc_ring_limit(ring);
	u64 first;

	if (!chunk_fill(ring, chunk, items, count) ||
	    !mpmc_ring_grant(ring, count))
		return false;
	chunk->next = NULL;
	chunk->active = false;
	chunk->version = word_version(word_next_version(word));
	/*
	 * For the chunk before, see chunk_link(); and an owner who has it mapped
	 * may set his tail before we do: then all of this chunk is taken, and it
	 * is freed, as soon as it is linked.
	 */
	rcu_read_lock();
	chunk_link(ring, chunk);
	first = max(ring_flip(ring), chunk->start);
	/* Release: after the version; pairs with chunk_find(). */
	smp_store_release(&chunk->active, true);
	rcu_read_unlock();
	ring->moved = tail + count;
	if (!ring->moving)
		ring->moved_from = first;
	ring->moving = true;
	/* Release: pairs with the acquire in ring_end(). */
	smp_store_release(ring->tail, ring->moved);
	return true;
}

/* --- Taking --- */

/**
 * mpmc_ring_take() - take items, in order
 * @ring: the ring
 * @items: where to put them
 * @max: the most items to take, at least one
 *
 * Context: any, inside an RCU read-side section.
 * Return: how many were taken, at least one if any was there.
 */
unsigned int mpmc_ring_take(struct mpmc_ring *ring, u64 *items,
			    unsigned int max)
{
	const struct mpmc_chunk *chunk;
	unsigned int count;
	u64 first;
	s64 word;

	do {
		/* Acquire: claimed before tail, or there would be too many. */
		word = atomic64_read_acquire(&ring->claimed);
		first = word_position(ring, word);
		count = min_t(u64, max, ring_end(ring, first) - first);
		if (!count)
			return 0;
		chunk = chunk_find(ring, first, word_version(word));
		/* A ring has no more, whatever its owner says. */
		count = min_t(u64, count,
			      chunk ? chunk->end - first : ring->entries);
	} while (!atomic64_try_cmpxchg(&ring->claimed, &word,
				       word_claim(word, count)));
	if (chunk) {
		copy_items(items, chunk->items + (first - chunk->start), count);
		if (first + count == chunk->end)
			chunk_trim(ring, chunk->end);
	} else {
		ring_read(ring, first, items, count);
		ring_release(ring, first, count);
	}
	return count;
}

/**
 * mpmc_ring_count() - how many items can be taken
 * @ring: the ring
 *
 * Context: any.
 * Return: the number, exact at some moment of the call if it is none.
 */
u64 mpmc_ring_count(struct mpmc_ring *ring)
{
	u64 first = ring_claimed(ring);

	return ring_end(ring, first) - first;
}

/**
 * mpmc_ring_put() - how many items have been put, ever
 * @ring: the ring
 *
 * Context: any.
 * Return: the number; of one that is being sealed, those that count in any case.
 */
u64 mpmc_ring_put(struct mpmc_ring *ring)
{
	return ring_end(ring, ring_claimed(ring));
}

/**
 * mpmc_ring_granted() - room that the owner has been granted and not used
 * @ring: the ring
 *
 * Context: any.
 * Return: the number of entries, approximate while the owner is at work.
 */
u64 mpmc_ring_granted(struct mpmc_ring *ring)
{
	u64 tail = READ_ONCE(*ring->tail);
	u64 granted = mpmc_ring_limit(ring) - tail;

	/* Sealed, or broken: nothing of it can be used any more. */
	if (mpmc_ring_sealed(ring) || READ_ONCE(ring->broken) ||
	    granted > ring->entries)
		return 0;
	return granted;
}

/**
 * mpmc_ring_room() - entries that are free and not granted
 * @ring: the ring, of which the caller is the owner
 *
 * After items have been moved there is none until all have been copied that were
 * claimed before. Nobody uses the ring meanwhile.
 *
 * Context: any.
 * Return: their number.
 */
unsigned int mpmc_ring_room(struct mpmc_ring *ring)
{
	/* Acquire: pairs with ring_release(), the entries were copied. */
	u64 released = atomic64_read_acquire(&ring->released);

	if (ring->moving) {
		if (released != ring->moved_from)
			return 0;
		released = ring->moved;
		atomic64_set(&ring->released, released);
		ring->moving = false;
	}
	return ring->entries - (mpmc_ring_limit(ring) - released);
}

/**
 * mpmc_ring_fits() - whether items are to go into the ring, or else a chunk
 * @ring: the ring, of which the caller is the owner
 * @count: how many
 *
 * Context: any.
 * Return: whether they are to go into the ring.
 */
bool mpmc_ring_fits(struct mpmc_ring *ring, unsigned int count)
{
	unsigned int room = mpmc_ring_room(ring);

	return count <= room && (count > ring->spare ||
				 room - count >= ring->spare);
}

/**
 * mpmc_ring_grant() - grant the owner more room
 * @ring: the ring, of which the caller is the owner
 * @count: entries, at most mpmc_ring_room(), for which there are credits
 *
 * Context: any.
 * Return: false if the ring is sealed; then nothing was granted.
 */
bool mpmc_ring_grant(struct mpmc_ring *ring, unsigned int count)
{
	s64 limit = atomic64_read(&ring->limit);
	u64 end = ((u64)limit >> MPMC_RING_SHIFT) + count;

	/* Before the limit, and so before anything beyond is claimed. */
	if (end > ring->top)
		WRITE_ONCE(ring->top, end);
	/* Of others' writes there is but the one that flags it. */
	return !(limit & MPMC_RING_FLAG) &&
	       atomic64_try_cmpxchg(&ring->limit, &limit,
				    limit + ((s64)count << MPMC_RING_SHIFT));
}

/**
 * mpmc_ring_check() - whether the owner has kept to the rules
 * @ring: the ring, of which the caller is the owner
 *
 * Context: any.
 * Return: 0 or -EIO.
 */
int mpmc_ring_check(struct mpmc_ring *ring)
{
	mpmc_ring_count(ring);
	return READ_ONCE(ring->broken) ? -EIO : 0;
}

/**
 * mpmc_ring_revoke() - take back what the owner has been granted and not used
 * @ring: the ring, of which the caller is the owner
 *
 * An owner who sets his tail back while consumers claim may have had items taken
 * that are not before the limit any more. Nothing is claimed by an older limit
 * once there is a new version, so what was is known exactly, and is not returned
 * twice.
 *
 * Context: any.
 * Return: how many entries that was, whose credits are the caller's now; -EPIPE
 * if the ring is sealed; -EIO if it is broken.
 */
s64 mpmc_ring_revoke(struct mpmc_ring *ring)
{
	u64 limit, first = ring_claimed(ring);
	/* It reads the tail once: what is looked at is what is used. */
	u64 tail = ring_tail(ring, first, &limit);
	u64 unused = (limit >> MPMC_RING_SHIFT) - tail;
	s64 old = limit;

	if (limit & MPMC_RING_FLAG)
		return -EPIPE;
	if (tail < ring->moved || unused > ring->entries)
		WRITE_ONCE(ring->broken, true);
	if (READ_ONCE(ring->broken))
		return -EIO;
	if (!atomic64_try_cmpxchg(&ring->limit, &old, tail << MPMC_RING_SHIFT))
		return -EPIPE;
	if (!unused)
		return 0;
	first = ring_flip(ring);
	if (first > tail) {
		WRITE_ONCE(ring->broken, true);
		atomic64_add((first - tail) << MPMC_RING_SHIFT, &ring->limit);
		unused -= first - tail;
	}
	return unused;
}

/**
 * mpmc_ring_push() - put items
 * @ring: the ring, of which the caller is the owner
 * @items: the items
 * @count: how many, for which room has been granted
 *
 * Context: any.
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
 * mpmc_ring_seal_begin() - begin to seal a ring
 * @ring: the ring
 *
 * Before the owner is told, and before the barrier.
 *
 * Context: any.
 */
void mpmc_ring_seal_begin(struct mpmc_ring *ring)
{
	u64 limit, tail = ring_tail(ring, ring_claimed(ring), &limit);

	/* What is there now counts in any case. */
	atomic64_cmpxchg(&ring->sealed, MPMC_RING_OPEN,
			 tail << MPMC_RING_SHIFT);
	/* Fully ordered: pairs with the acquire in ring_tail(). */
	atomic64_fetch_or(MPMC_RING_FLAG, &ring->limit);
	/* Nothing is claimed by a look from before that. */
	ring_flip(ring);
}

/**
 * mpmc_ring_seal_end() - decide which items a sealed ring has
 * @ring: the ring
 *
 * After a barrier on the owner's CPU; or by the owner himself. A broken ring has
 * none beside what is claimed.
 *
 * Context: any.
 * Return: how many entries were granted and not used: their credits are the
 * caller's now. None if that was decided before.
 */
unsigned int mpmc_ring_seal_end(struct mpmc_ring *ring)
{
	u64 first = ring_claimed(ring);
	s64 sealed = atomic64_read(&ring->sealed);
	u64 limit, end = ring_tail(ring, first, &limit);

	if (sealed & MPMC_RING_FLAG)
		return 0;
	/* What may have been claimed since, whatever the owner does. */
	end = max(end, (u64)sealed >> MPMC_RING_SHIFT);
	limit >>= MPMC_RING_SHIFT;
	end = min(end, limit);
	if (!atomic64_try_cmpxchg(&ring->sealed, &sealed,
				  end << MPMC_RING_SHIFT | MPMC_RING_FLAG))
		return 0;
	return limit - end;
}

/**
 * mpmc_ring_accepted() - whether the owner's last items count, after a seal
 * @ring: a sealed ring that has been decided, of which the caller is the owner
 *
 * If not, the tail is back where it was before them.
 *
 * Context: any.
 * Return: whether they do.
 */
bool mpmc_ring_accepted(struct mpmc_ring *ring)
{
	u64 end = (u64)atomic64_read(&ring->sealed) >> MPMC_RING_SHIFT;

	if (READ_ONCE(*ring->tail) <= end)
		return true;
	WRITE_ONCE(*ring->tail, end);
	return false;
}
