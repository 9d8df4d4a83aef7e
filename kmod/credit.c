// SPDX-License-Identifier: GPL-2.0
/*
 * Credits: an exact capacity without a shared hot counter
 *
 * Every item in a queue holds one credit. All credits lie in a common share at
 * first. A producer takes one from its segment's share, and the consumer of
 * the item returns it there: so a credit once taken goes round within its
 * segment, and the common share, and after it the other segments' shares, are
 * asked only when a segment holds more items than ever before.
 *
 * What is free in a share is what was given to it less what has gone from it.
 * What has gone is one word: what was taken, and what was moved to the common
 * share. To that one is given what is returned there, and what is moved there,
 * which is nowhere but in the words of the shares that it came from. So a move
 * is one compare-and-exchange, and a credit is never on its way between shares,
 * in neither.
 *
 * A bulk takes its credits with one compare-and-exchange as well, from its
 * segment's share or from the common one, after moving there what is missing.
 * It never holds a part of them, so a bulk that is refused, or a thread that
 * stands still inside a call, takes no room from anybody.
 *
 * A look at every share that finds too few, with nothing returned or moved from
 * the first look to the last, has found a moment at which there were too few:
 * "full" is true.
 *
 * Counts are modulo 2^32, and differences of them are at most the capacity. A
 * compare-and-exchange would take a word for the one it was if 2^32 credits
 * were taken, and none moved, during one instruction of the thread that does it.
 *
 * selftests/segment builds this file in userspace.
 */
#include "credit.h"

#include <linux/minmax.h>
#include <linux/slab.h>

/**
 * mpmc_capacity_init() - set up a queue's capacity
 * @capacity: the capacity
 * @total: in items, at most MPMC_CAPACITY_MAX
 * @segments: number of segments that will use it
 *
 * Context: process; may sleep.
 * Return: 0 or -ENOMEM.
 */
int mpmc_capacity_init(struct mpmc_capacity *capacity, u64 total,
		       unsigned int segments)
{
	capacity->total = total;
	capacity->shares = min_t(unsigned int, segments + 1, MPMC_SHARES_MAX);
	capacity->share = kcalloc(capacity->shares, sizeof(*capacity->share),
				  GFP_KERNEL_ACCOUNT);
	if (!capacity->share)
		return -ENOMEM;
	atomic64_set(&capacity->share[MPMC_SHARE_COMMON].returned, total);
	return 0;
}

/**
 * mpmc_capacity_free() - the end of it
 * @capacity: the capacity
 *
 * Context: any.
 */
void mpmc_capacity_free(struct mpmc_capacity *capacity)
{
	kfree(capacity->share);
}

static inline u32 gone_taken(u64 gone)
{
	return gone;
}

static inline u32 gone_moved(u64 gone)
{
	return gone >> 32;
}

static inline u64 gone_add(u64 gone, u32 taken, u32 moved)
{
	return (u64)(gone_moved(gone) + moved) << 32 |
	       (u32)(gone_taken(gone) + taken);
}

/* Acquire: what is looked at next is looked at after it. */
static inline u64 credit_gone(struct mpmc_credit *credit)
{
	return atomic64_read_acquire(&credit->gone);
}

/* Acquire: pairs with the release in mpmc_capacity_return(). */
static inline u64 credit_returned(struct mpmc_credit *credit)
{
	return atomic64_read_acquire(&credit->returned);
}

/* What was ever moved to the common share. */
static u32 capacity_moved(struct mpmc_capacity *capacity)
{
	u32 moved = 0;
	unsigned int i;

	for (i = 0; i < capacity->shares; i++)
		moved += gone_moved(credit_gone(&capacity->share[i]));
	return moved;
}

/* What was ever given to a share. It only grows: an old value is too little. */
static u32 credit_look(struct mpmc_capacity *capacity, unsigned int share)
{
	struct mpmc_credit *credit = &capacity->share[share];
	int seen = atomic_read_acquire(&credit->seen);
	u32 given = credit_returned(credit);

	if (share == MPMC_SHARE_COMMON)
		given += capacity_moved(capacity);
	/*
	 * Unless it has changed meanwhile: who comes late sets nothing back.
	 * Release: whoever relies on it has seen what we have.
	 */
	atomic_try_cmpxchg_release(&credit->seen, &seen, given);
	return given;
}

/*
 * Take credits from a share, or move them from there to the common one: up to
 * max of them, and at least min or none. Returns how many.
 */
static u32 credit_take(struct mpmc_capacity *capacity, unsigned int share,
		       u32 min, u32 max, bool move)
{
	struct mpmc_credit *credit = &capacity->share[share];
	u64 next;
	s64 gone;
	s32 room;
	u32 got;

	do {
		gone = credit_gone(credit);
		/* Acquire: pairs with the release in credit_look(). */
		room = atomic_read_acquire(&credit->seen) - gone_taken(gone) -
		       gone_moved(gone);
		if (room < (s32)max)
			room = credit_look(capacity, share) - gone_taken(gone) -
			       gone_moved(gone);
		/* An old @seen beside a new @gone: less than nothing. */
		if (room < (s32)min)
			return 0;
		got = min_t(u32, room, max);
		next = gone_add(gone, move ? 0 : got, move ? got : 0);
		/* Fully ordered: see mpmc_queue_drained(). */
	} while (!atomic64_try_cmpxchg(&credit->gone, &gone, next));
	return got;
}

/* What is left of a share's own credits, exact at some moment of the call. */
static u32 credit_rest(struct mpmc_credit *credit)
{
	u64 returned, again = credit_returned(credit);
	u64 gone;

	do {
		returned = again;
		gone = credit_gone(credit);
		again = credit_returned(credit);
	} while (again != returned);
	return returned - gone_taken(gone) - gone_moved(gone);
}

/* Changes whenever a credit is returned or moved, anywhere. */
static u64 capacity_stamp(struct mpmc_capacity *capacity)
{
	u64 stamp = capacity_moved(capacity);
	unsigned int i;

	for (i = 0; i < capacity->shares; i++)
		stamp += credit_returned(&capacity->share[i]);
	return stamp;
}

/* Take one credit from wherever there is one. */
static bool capacity_search(struct mpmc_capacity *capacity, unsigned int share)
{
	unsigned int i;

	for (i = 0; i < capacity->shares; i++) {
		if (credit_take(capacity, share, 1, 1, false))
			return true;
		if (++share == capacity->shares)
			share = 0;
	}
	return false;
}

/* How many credits the common share lacks of so many; 0: none. */
static u32 common_lacks(struct mpmc_capacity *capacity, u32 count)
{
	struct mpmc_credit *common = &capacity->share[MPMC_SHARE_COMMON];
	u32 taken = gone_taken(credit_gone(common));
	s32 room = credit_look(capacity, MPMC_SHARE_COMMON) - taken;

	return max_t(s32, count - room, 0);
}

/*
 * Move what is missing to the common share, and take it all from there. If
 * others take of it in between, there may still be enough elsewhere.
 */
static bool capacity_gather(struct mpmc_capacity *capacity, u32 count,
			    u32 *moved)
{
	unsigned int i;
	u32 lacks;

	while (mpmc_capacity_room(capacity) >= count) {
		for (i = MPMC_SHARE_COMMON + 1; i < capacity->shares; i++) {
			lacks = common_lacks(capacity, count);
			if (!lacks)
				break;
			*moved += credit_take(capacity, i, 1, lacks, true);
		}
		if (credit_take(capacity, MPMC_SHARE_COMMON, count, count,
				false))
			return true;
	}
	return false;
}

/**
 * mpmc_capacity_take() - take credits for items
 * @capacity: the capacity
 * @share: the share to ask first
 * @count: how many, all or none; at most the capacity
 *
 * If there were not enough in the end, and one was returned to a share that had
 * been looked at already, or moved, looks again: others are making progress
 * then.
 *
 * Context: any.
 * Return: whether they were taken.
 */
bool mpmc_capacity_take(struct mpmc_capacity *capacity, unsigned int share,
			u32 count)
{
	u32 moved;
	u64 stamp;

	if (credit_take(capacity, share, count, count, false) ||
	    credit_take(capacity, MPMC_SHARE_COMMON, count, count, false))
		return true;
	do {
		moved = 0;
		stamp = capacity_stamp(capacity);
		if (count == 1 ? capacity_search(capacity, share) :
				 capacity_gather(capacity, count, &moved))
			return true;
	} while (capacity_stamp(capacity) != stamp + moved);
	return false;
}

/**
 * mpmc_capacity_take_some() - take credits, as many as there are
 * @capacity: the capacity
 * @share: the share to ask first
 * @max: the most to take, at least one
 *
 * Context: any.
 * Return: how many were taken, none perhaps.
 */
u32 mpmc_capacity_take_some(struct mpmc_capacity *capacity, unsigned int share,
			    u32 max)
{
	u32 got = credit_take(capacity, share, 1, max, false);
	unsigned int i;

	for (i = MPMC_SHARE_COMMON; got < max && i < capacity->shares; i++)
		got += credit_take(capacity, i, 1, max - got, false);
	return got;
}

/**
 * mpmc_capacity_has() - whether there is room, without taking it
 * @capacity: the capacity
 * @count: for how many
 *
 * Context: any.
 * Return: false if there was a moment during the call at which there was not.
 */
bool mpmc_capacity_has(struct mpmc_capacity *capacity, u32 count)
{
	u64 stamp;

	do {
		stamp = capacity_stamp(capacity);
		if (mpmc_capacity_room(capacity) >= count)
			return true;
	} while (capacity_stamp(capacity) != stamp);
	return false;
}

/**
 * mpmc_capacity_room() - credits that are free
 * @capacity: the capacity
 *
 * Approximate while others are at work: a credit that is taken from one share
 * and returned to another meanwhile may be counted twice. Not one that is
 * returned unused: that goes to the common share, which is looked at first. And
 * a credit that is free all the time is counted, moved or not.
 *
 * Context: any.
 * Return: their number.
 */
u64 mpmc_capacity_room(struct mpmc_capacity *capacity)
{
	u32 room, moved, again = capacity_moved(capacity);
	unsigned int i;

	do {
		moved = again;
		room = moved;
		for (i = 0; i < capacity->shares; i++)
			room += credit_rest(&capacity->share[i]);
		again = capacity_moved(capacity);
	} while (again != moved);
	return min_t(u64, room, capacity->total);
}
