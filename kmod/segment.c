// SPDX-License-Identifier: GPL-2.0
/*
 * The segment: a lock-free FIFO made of recycled blocks
 *
 * A producer reserves slots of the tail block with one compare-and-exchange,
 * writes its items, and publishes each with a store-release of the slot's
 * ready mark. A consumer claims a run of ready slots of the head block with
 * one compare-and-exchange, copies them, and counts them done. Nobody waits
 * for anybody: a slot that is reserved and not yet published reads as nothing
 * here yet.
 *
 * Recycling. A block whose slots are all done and which the head has left goes
 * back to the allocator and may serve again at once, in any segment, while
 * some thread still holds a pointer to it. Such a thread is stopped by the
 * block's generation, counted up each time the block begins to serve:
 *
 *  - A reference (tail, head, next) is the block's address with the generation
 *    in the low bits that the alignment to a page leaves free. The indices
 *    carry the generation in their upper half. A null next is the bare
 *    generation. So each compare-and-exchange of a thread that comes late
 *    fails, for what it expects names a generation that is over.
 *  - The generation has 12 bits, and can't come around under a thread's feet:
 *    a block that has served MPMC_BLOCK_GENERATIONS - 1 times is freed, after
 *    an RCU grace period, and references are used inside RCU read-side
 *    sections only. RCU also keeps the late thread's memory valid.
 *  - A reserved slot pins its block by itself (done can't reach the end before
 *    the slot was published, claimed and copied), so items are written and
 *    read outside of the RCU sections.
 *
 * The tail leaves a block before the head does (segment_advance() sees to it),
 * so a block that is recycled is named by neither.
 */
#include "segment.h"

#include <linux/build_bug.h>
#include <linux/minmax.h>

#define GENERATION_SHIFT 16
#define GENERATION_MASK (MPMC_BLOCK_GENERATIONS - 1)

static_assert(sizeof(struct mpmc_block) <= PAGE_SIZE);
static_assert(MPMC_BLOCK_SLOTS < (1 << GENERATION_SHIFT));
static_assert(MPMC_BLOCK_GENERATIONS <= PAGE_SIZE);

/* A run of slots of one block, reserved or claimed. */
struct run {
	struct mpmc_block *block;
	unsigned int generation;
	unsigned int first;
	unsigned int count;
};

static inline struct mpmc_block *ref_block(long ref)
{
	return (struct mpmc_block *)(ref & ~(long)GENERATION_MASK);
}

static inline unsigned int ref_generation(long ref)
{
	return ref & GENERATION_MASK;
}

static inline unsigned int index_generation(int index)
{
	return (unsigned int)index >> GENERATION_SHIFT;
}

static inline unsigned int index_slot(int index)
{
	return index & ((1 << GENERATION_SHIFT) - 1);
}

static inline int make_index(unsigned int generation, unsigned int slot)
{
	return generation << GENERATION_SHIFT | slot;
}

/*
 * A generation ends only when every slot was published in it, so a slot's mark
 * is the one of this generation or of the one before: nothing needs clearing
 * when a block is recycled.
 */
static inline u8 ready_mark(unsigned int generation)
{
	return generation;
}

static inline unsigned int block_generation(struct mpmc_block *block)
{
	return index_generation(atomic_read(&block->reserve));
}

static inline long block_ref(struct mpmc_block *block)
{
	return (long)block | block_generation(block);
}

/**
 * mpmc_block_worn() - whether a block must go through RCU before it serves
 * again
 * @block: a block that no segment holds
 *
 * Context: any.
 * Return: whether it must.
 */
bool mpmc_block_worn(struct mpmc_block *block)
{
	return block_generation(block) == MPMC_BLOCK_GENERATIONS - 1;
}

/**
 * mpmc_block_fresh() - whether a block has never served
 * @block: a block that no segment holds
 *
 * So that no late thread can look at it.
 *
 * Context: any.
 * Return: whether it never has.
 */
bool mpmc_block_fresh(struct mpmc_block *block)
{
	return block_generation(block) == 1;
}

/**
 * mpmc_block_renew() - begin a block's next generation
 * @block: a zeroed page, or a used up block that is not worn
 *
 * Late threads may be looking: they find the old generation and can't change
 * anything, or the new one, which is not theirs.
 *
 * Context: any.
 */
void mpmc_block_renew(struct mpmc_block *block)
{
	unsigned int generation = block_generation(block) + 1;

	atomic_set(&block->done, 0);
	atomic_long_set(&block->next, generation);
	atomic_set(&block->claim, make_index(generation, 0));
	atomic_set(&block->reserve, make_index(generation, 0));
}

/**
 * mpmc_block_after() - the block behind a block, or NULL
 * @block: a block of a segment that nobody uses any more
 *
 * Context: any.
 * Return: the block, or NULL behind the last one.
 */
struct mpmc_block *mpmc_block_after(struct mpmc_block *block)
{
	return ref_block(atomic_long_read(&block->next));
}

/**
 * mpmc_spare_push() - keep a block in reserve
 * @spare: the caller's reserve
 * @block: a block, renewed
 *
 * Context: any.
 */
void mpmc_spare_push(struct mpmc_spare *spare, struct mpmc_block *block)
{
	/* Late threads may look at next: never without the generation. */
	atomic_long_set(&block->next, (long)spare->first |
				      block_generation(block));
	spare->first = block;
	spare->count++;
}

/**
 * mpmc_spare_pop() - take a block from the reserve
 * @spare: the caller's reserve
 *
 * Context: any.
 * Return: a renewed block, or NULL when none is left.
 */
struct mpmc_block *mpmc_spare_pop(struct mpmc_spare *spare)
{
	struct mpmc_block *block = spare->first;

	if (!block)
		return NULL;
	spare->first = mpmc_block_after(block);
	spare->count--;
	atomic_long_set(&block->next, block_generation(block));
	return block;
}

/**
 * mpmc_segment_init() - make an empty segment
 * @segment: the segment
 * @block: its first block, renewed
 *
 * Context: any.
 */
void mpmc_segment_init(struct mpmc_segment *segment, struct mpmc_block *block)
{
	atomic_long_set(&segment->tail, block_ref(block));
	atomic_long_set(&segment->head, block_ref(block));
}

/**
 * mpmc_segment_first() - the first block of a segment nobody uses any more
 * @segment: the segment
 *
 * Context: any.
 * Return: the block.
 */
struct mpmc_block *mpmc_segment_first(struct mpmc_segment *segment)
{
	return ref_block(atomic_long_read(&segment->head));
}

/*
 * The tail block is full: link another one behind it, whose first slots are
 * the caller's before anybody else sees it. False when somebody else did it,
 * or the tail has moved meanwhile: look again.
 */
static bool segment_extend(struct mpmc_segment *segment, long ref,
			   struct mpmc_spare *spare, unsigned int count,
			   struct run *run)
{
	long next = atomic_long_read_acquire(&ref_block(ref)->next);
	struct mpmc_block *block;

	if (ref_block(next)) {
		/*
		 * Release: pairs with the acquire of tail in
		 * segment_reserve(), which sees the block initialised.
		 */
		atomic_long_cmpxchg_release(&segment->tail, ref, next);
		return false;
	}
	if (next != ref_generation(ref))
		return false;

	block = mpmc_spare_pop(spare);
	run->block = block;
	run->generation = block_generation(block);
	run->first = 0;
	run->count = min_t(unsigned int, count, MPMC_BLOCK_SLOTS);
	atomic_set(&block->reserve, make_index(run->generation, run->count));
	/*
	 * Release: pairs with the acquires of next above and in
	 * segment_advance(), which see the block initialised.
	 */
	if (atomic_long_try_cmpxchg_release(&ref_block(ref)->next, &next,
					    block_ref(block))) {
		atomic_long_cmpxchg_release(&segment->tail, ref,
					    block_ref(block));
		return true;
	}
	atomic_set(&block->reserve, make_index(run->generation, 0));
	mpmc_spare_push(spare, block);
	return false;
}

/*
 * Reserve as many slots as the tail block has, at most count. Returns 0, or
 * the number of blocks that the caller must have in reserve to be sure that
 * all count items find a place.
 */
static unsigned int segment_reserve(struct mpmc_segment *segment,
				    struct mpmc_spare *spare,
				    unsigned int count, struct run *run)
{
	for (;;) {
		/* Acquire: pairs with the releases in segment_extend(). */
		long ref = atomic_long_read_acquire(&segment->tail);
		struct mpmc_block *block = ref_block(ref);
		int index = atomic_read(&block->reserve);
		unsigned int rest, need;

		if (index_generation(index) != ref_generation(ref))
			continue;
		run->block = block;
		run->generation = ref_generation(ref);
		run->first = index_slot(index);
		run->count = min_t(unsigned int, count,
				   MPMC_BLOCK_SLOTS - run->first);
		rest = count - run->count;
		need = DIV_ROUND_UP(rest, (unsigned int)MPMC_BLOCK_SLOTS);
		if (need > spare->count)
			return need;
		if (run->count) {
			if (atomic_try_cmpxchg_relaxed(&block->reserve, &index,
						       index + run->count))
				return 0;
		} else if (segment_extend(segment, ref, spare, count, run)) {
			return 0;
		}
	}
}

static void run_publish(const struct run *run, const u64 *items)
{
	u8 mark = ready_mark(run->generation);
	u64 *item = run->block->item + run->first;
	u8 *ready = run->block->ready + run->first;
	unsigned int i;

	for (i = 0; i < run->count; i++) {
		item[i] = items[i];
		/* Release: pairs with the acquire in is_ready(). */
		smp_store_release(&ready[i], mark);
	}
}

/**
 * mpmc_segment_enqueue() - put items at the end, in order
 * @segment: the segment
 * @spare: the caller's reserve of blocks; what is used is taken from it
 * @items: the items
 * @count: how many, at least one
 *
 * Items of one call stay in order, and other producers' may come between them.
 *
 * Context: any; takes the RCU read lock.
 * Return: 0; or, nothing done, the number of blocks that @spare must hold
 * before the call is repeated.
 */
unsigned int mpmc_segment_enqueue(struct mpmc_segment *segment,
				  struct mpmc_spare *spare, const u64 *items,
				  unsigned int count)
{
	struct run run;
	unsigned int need;

	while (count) {
		rcu_read_lock();
		need = segment_reserve(segment, spare, count, &run);
		rcu_read_unlock();
		/*
		 * Only the first time around: afterwards the reserve holds a
		 * block for every MPMC_BLOCK_SLOTS items that are left, and
		 * each one linked takes that many of ours.
		 */
		if (need)
			return need;
		run_publish(&run, items);
		items += run.count;
		count -= run.count;
	}
	return 0;
}

/* Slots are done: the last one to say so recycles the block. */
static void block_done(struct mpmc_pool *pool, struct mpmc_block *block,
		       unsigned int count)
{
	/*
	 * Fully ordered: what was read from the slots was read before the
	 * block serves again, and pairs with the same add of the others.
	 */
	if (atomic_add_return(count, &block->done) == MPMC_BLOCK_SLOTS + 1)
		mpmc_pool_put(pool, block);
}

/*
 * The head block is used up: move on to the next. False when there is none,
 * and the segment is empty therefore.
 */
static bool segment_advance(struct mpmc_segment *segment,
			    struct mpmc_pool *pool, long ref)
{
	struct mpmc_block *block = ref_block(ref);
	/*
	 * Acquire: pairs with the release in segment_extend(). Also orders
	 * the look at head below: a null next of another generation was
	 * written after head had left this one.
	 */
	long next = atomic_long_read_acquire(&block->next);

	if (!ref_block(next))
		return atomic_long_read(&segment->head) != ref;
	/*
	 * The tail goes first, or producers would find a recycled block there
	 * and go round until whoever linked the next one moves on. It is this
	 * block or a later one, never an earlier: whoever moved head here had
	 * moved tail before (the release below).
	 */
	if (atomic_long_read(&segment->tail) == ref)
		atomic_long_cmpxchg_release(&segment->tail, ref, next);
	if (atomic_long_cmpxchg_release(&segment->head, ref, next) == ref)
		block_done(pool, block, 1);
	return true;
}

static inline bool is_ready(struct mpmc_block *block, unsigned int slot,
			    u8 mark)
{
	/* Acquire: pairs with the release in run_publish(). */
	return smp_load_acquire(&block->ready[slot]) == mark;
}

/*
 * Find items that are ready, at most max, without claiming them. False when
 * there are none; index is what the block's claim was.
 */
static bool run_find(struct mpmc_segment *segment, struct mpmc_pool *pool,
		     unsigned int max, struct run *run, int *index)
{
	for (;;) {
		/* Acquire: pairs with the releases of head and tail. */
		long ref = atomic_long_read_acquire(&segment->head);
		struct mpmc_block *block = ref_block(ref);
		unsigned int limit, n = 0;
		u8 mark = ready_mark(ref_generation(ref));

		*index = atomic_read(&block->claim);
		if (index_generation(*index) != ref_generation(ref))
			continue;
		run->block = block;
		run->first = index_slot(*index);
		if (run->first == MPMC_BLOCK_SLOTS) {
			if (segment_advance(segment, pool, ref))
				continue;
			return false;
		}
		limit = min_t(unsigned int, max, MPMC_BLOCK_SLOTS - run->first);
		while (n < limit && is_ready(block, run->first + n, mark))
			n++;
		run->count = n;
		if (n)
			return true;
		/*
		 * Not ready, unless the mark is one of a later generation; it
		 * was then written after head had left, and the acquire in
		 * is_ready() makes us see that.
		 */
		if (atomic_long_read(&segment->head) == ref)
			return false;
	}
}

/**
 * mpmc_segment_dequeue() - take items from the front, in order
 * @segment: the segment
 * @pool: where used up blocks go
 * @items: where to put them
 * @max: the most items to take, at least one
 *
 * Context: any; takes the RCU read lock.
 * Return: how many were taken, at least one if any was there; there may be
 * more even if it is less than @max.
 */
unsigned int mpmc_segment_dequeue(struct mpmc_segment *segment,
				  struct mpmc_pool *pool, u64 *items,
				  unsigned int max)
{
	struct run run;
	unsigned int i;
	bool found;
	int index;

	rcu_read_lock();
	do {
		found = run_find(segment, pool, max, &run, &index);
	} while (found && !atomic_try_cmpxchg_relaxed(&run.block->claim, &index,
						      index + run.count));
	rcu_read_unlock();
	if (!found)
		return 0;
	for (i = 0; i < run.count; i++)
		items[i] = run.block->item[run.first + i];
	block_done(pool, run.block, run.count);
	return run.count;
}

/**
 * mpmc_segment_ready() - whether there is an item to take
 * @segment: the segment
 * @pool: where used up blocks go
 *
 * Context: any; takes the RCU read lock.
 * Return: whether there is.
 */
bool mpmc_segment_ready(struct mpmc_segment *segment, struct mpmc_pool *pool)
{
	struct run run;
	bool found;
	int index;

	rcu_read_lock();
	found = run_find(segment, pool, 1, &run, &index);
	rcu_read_unlock();
	return found;
}
