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
 * A credit is free, or it is held by an item or by a call at work; none is ever
 * on its way between shares. A look at every share that finds too few, with
 * nothing returned anywhere from the first look to the last, has found a moment
 * at which there were too few: "full" is true. What it counts as held includes
 * the credits of a bulk that must gather from several shares and has not got
 * all yet. If that one fails it returns them, and the caller wakes those who may
 * have been refused meanwhile.
 */
#include "credit.h"

#include <linux/minmax.h>
#include <linux/slab.h>

/**
 * mpmc_capacity_init() - set up a queue's capacity
 * @capacity: the capacity
 * @total: in items
 * @segments: number of segments that will use it
 *
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
	capacity->share[MPMC_SHARE_COMMON].quota = total;
	return 0;
}

/**
 * mpmc_capacity_free() - the end of it
 * @capacity: the capacity
 */
void mpmc_capacity_free(struct mpmc_capacity *capacity)
{
	kfree(capacity->share);
}

/*
 * Take up to max credits from one share, and at least min or none. Returned
 * only grows, so an old value of it errs on the safe side.
 */
static u64 credit_take(struct mpmc_credit *credit, u64 min, u64 max)
{
	u64 limit, got;
	s64 taken;

	do {
		/* Acquire: what was returned is looked at after it. */
		taken = atomic64_read_acquire(&credit->taken);
		limit = credit->quota + READ_ONCE(credit->seen);
		if (limit < taken + max) {
			u64 seen = atomic64_read(&credit->returned);

			WRITE_ONCE(credit->seen, seen);
			limit = credit->quota + seen;
		}
		/* An old @seen beside a new @taken: less than nothing. */
		if (limit < taken + min)
			return 0;
		got = min_t(u64, max, limit - taken);
		/* Fully ordered: see mpmc_queue_drained(). */
	} while (!atomic64_try_cmpxchg(&credit->taken, &taken, taken + got));
	return got;
}

/* What is free in one share, exact at some moment during the call. */
static u64 credit_room(struct mpmc_credit *credit)
{
	u64 returned, again = atomic64_read_acquire(&credit->returned);
	u64 taken;

	do {
		returned = again;
		taken = atomic64_read_acquire(&credit->taken);
		again = atomic64_read_acquire(&credit->returned);
	} while (again != returned);
	return credit->quota + returned - taken;
}

/*
 * Changes whenever a credit is returned anywhere: what is returned only grows,
 * so an equal sum means that each one is.
 */
static u64 capacity_stamp(struct mpmc_capacity *capacity)
{
	u64 stamp = 0;
	unsigned int i;

	for (i = 0; i < capacity->shares; i++)
		stamp += atomic64_read_acquire(&capacity->share[i].returned);
	return stamp;
}

/* Gather credits from wherever there are some; returns how many it got. */
static u64 capacity_gather(struct mpmc_capacity *capacity, unsigned int share,
			   u64 count)
{
	u64 got = 0;
	unsigned int i;

	if (count > 1 && mpmc_capacity_room(capacity) < count)
		return 0;
	got += credit_take(&capacity->share[MPMC_SHARE_COMMON], 1, count);
	for (i = 0; i < capacity->shares && got < count; i++) {
		got += credit_take(&capacity->share[share], 1, count - got);
		if (++share == capacity->shares)
			share = 0;
	}
	return got;
}

/**
 * mpmc_capacity_take() - take credits for items
 * @capacity: the capacity
 * @share: the share to ask first
 * @count: how many, all or none
 * @tried: 0; if none are taken: how many it had for a while, whose return
 *	concerns those who wait
 *
 * If there were not enough in the end, and one was returned to a share that had
 * been looked at already, looks again: others are making progress then.
 *
 * Context: any.
 * Return: whether they were taken.
 */
bool mpmc_capacity_take(struct mpmc_capacity *capacity, unsigned int share,
			u64 count, u64 *tried)
{
	u64 stamp, got;

	if (credit_take(&capacity->share[share], count, count))
		return true;
	do {
		stamp = capacity_stamp(capacity);
		got = capacity_gather(capacity, share, count);
		if (got == count)
			return true;
		if (got)
			mpmc_capacity_return(capacity, MPMC_SHARE_COMMON, got);
		*tried += got;
	} while (capacity_stamp(capacity) != stamp + got);
	return false;
}

/**
 * mpmc_capacity_return() - return credits
 * @capacity: the capacity
 * @share: the share they were taken for; or, unused, MPMC_SHARE_COMMON
 * @count: how many
 *
 * The caller wakes those who wait for room.
 *
 * Context: any.
 */
void mpmc_capacity_return(struct mpmc_capacity *capacity, unsigned int share,
			  u64 count)
{
	/* Release: what was done with the item comes before its credit. */
	atomic64_add_return_release(count, &capacity->share[share].returned);
}

/**
 * mpmc_capacity_room() - credits that are free
 * @capacity: the capacity
 *
 * Approximate while others are at work, but never more than the capacity less
 * the credits that are held all the time during the call. The common share is
 * the first: credits that were taken from any share and not used are returned
 * there, and must not be counted in both.
 *
 * Context: any.
 */
u64 mpmc_capacity_room(struct mpmc_capacity *capacity)
{
	u64 room = 0;
	unsigned int i;

	for (i = 0; i < capacity->shares; i++)
		room += credit_room(&capacity->share[i]);
	return min(room, capacity->total);
}
