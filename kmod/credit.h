/* SPDX-License-Identifier: GPL-2.0 */
#ifndef MPMC_CREDIT_H
#define MPMC_CREDIT_H

#include <linux/atomic.h>
#include <linux/cache.h>
#include <linux/types.h>

/**
 * struct mpmc_credit - one share of a queue's capacity
 * @gone: credits ever moved from here to the common share << 32 | credits ever
 *	taken here, both modulo 2^32
 * @seen: what had been given to this share when a producer last looked
 * @returned: credits ever returned here
 *
 * Producers write the first cache line and consumers the second, which a
 * producer reads only when it knows of no free credit any more.
 */
struct mpmc_credit {
	atomic64_t gone;
	atomic_t seen;
	atomic64_t returned ____cacheline_aligned;
};

/* Share 0 has all the credits at first. */
#define MPMC_SHARE_COMMON 0
#define MPMC_SHARES_MAX 33

/* What the halves of @gone can tell apart. */
#define MPMC_CAPACITY_MAX ((u64)INT_MAX)

/**
 * struct mpmc_capacity - the exact capacity of a queue, in shares
 * @total: the capacity, in items
 * @shares: number of shares, at least 2
 * @share: the common share and those of the segments
 */
struct mpmc_capacity {
	u64 total;
	unsigned int shares;
	struct mpmc_credit *share;
};

int mpmc_capacity_init(struct mpmc_capacity *capacity, u64 total,
		       unsigned int segments);
void mpmc_capacity_free(struct mpmc_capacity *capacity);
bool mpmc_capacity_take(struct mpmc_capacity *capacity, unsigned int share,
			u32 count);
u32 mpmc_capacity_take_some(struct mpmc_capacity *capacity, unsigned int share,
			    u32 max);
bool mpmc_capacity_has(struct mpmc_capacity *capacity, u32 count);
u64 mpmc_capacity_room(struct mpmc_capacity *capacity);

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
static inline void mpmc_capacity_return(struct mpmc_capacity *capacity,
					unsigned int share, u32 count)
{
	/* Release: what was done with the item comes before its credit. */
	atomic64_add_return_release(count, &capacity->share[share].returned);
}

/**
 * mpmc_capacity_used() - credits in use: items accepted and not finished with
 * @capacity: the capacity
 *
 * Approximate, as mpmc_capacity_room() is. Zero is exact if all credits that
 * are taken during the call are returned unused.
 *
 * Context: any.
 * Return: their number.
 */
static inline u64 mpmc_capacity_used(struct mpmc_capacity *capacity)
{
	return capacity->total - mpmc_capacity_room(capacity);
}

/* The share that a segment's items use. */
static inline unsigned int mpmc_capacity_share(struct mpmc_capacity *capacity,
					       unsigned int segment)
{
	return 1 + segment % (capacity->shares - 1);
}

#endif /* MPMC_CREDIT_H */
