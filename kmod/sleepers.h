/* SPDX-License-Identifier: GPL-2.0 */
#ifndef MPMC_SLEEPERS_H
#define MPMC_SLEEPERS_H

#include <linux/atomic.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <uapi/linux/mpmc.h>

/**
 * struct mpmc_sleepers - who waits for the owners of mapped rings
 * @word: MPMC_MAP_* bits, mapped into the owners' processes
 * @lock: arming, one at a time
 * @armed: when it was armed last, in jiffies
 * @quiet: how much has been moved since somebody slept, about
 * @keep: how many tokens want it to stay armed
 *
 * There is one for those who wait for items and one for room. sleepers.c says
 * how it works.
 */
struct mpmc_sleepers {
	atomic_t *word;
	spinlock_t lock; /* arming, one at a time */
	unsigned long armed;
	u64 quiet;
	atomic_t keep;
};

void mpmc_sleepers_init(struct mpmc_sleepers *sleepers, u32 *word);
void mpmc_sleepers_add(struct mpmc_sleepers *sleepers);
void mpmc_sleepers_poll(struct mpmc_sleepers *sleepers);
void mpmc_sleepers_unpoll(struct mpmc_sleepers *sleepers);
void mpmc_sleepers_shut_down(struct mpmc_sleepers *sleepers);
void mpmc_sleepers_moved(struct mpmc_sleepers *sleepers, u64 count);
void mpmc_sleepers_keep(struct mpmc_sleepers *sleepers);
void mpmc_sleepers_unkeep(struct mpmc_sleepers *sleepers);

/**
 * mpmc_sleepers_remove() - one less sleeps, or is going to
 * @sleepers: the sleepers
 *
 * Context: any.
 */
static inline void mpmc_sleepers_remove(struct mpmc_sleepers *sleepers)
{
	atomic_dec(sleepers->word);
}

/**
 * mpmc_sleepers_told() - whether owners have been told of a shutdown
 * @sleepers: the sleepers
 *
 * Context: any.
 * Return: whether they have been.
 */
static inline bool mpmc_sleepers_told(const struct mpmc_sleepers *sleepers)
{
	return atomic_read(sleepers->word) & MPMC_MAP_SHUTDOWN;
}

#endif /* MPMC_SLEEPERS_H */
