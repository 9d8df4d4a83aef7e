// SPDX-License-Identifier: GPL-2.0
/*
 * Sleepers: waking those who wait for the owner of a mapped ring, without a
 * barrier for each of his items
 *
 * A full barrier between "store the position" and "is anyone asleep?" costs an
 * owner more than all else that he does. So there are two states:
 *
 *  - Hot: the word is 0. The owner loads it after his store, and that is all.
 *    His CPU may do the load first.
 *  - Armed: the word is not 0. The owner makes a barrier and looks again; if
 *    there is somebody, he calls the kernel.
 *
 * Who is going to sleep while it is hot arms it, and then interrupts all CPUs,
 * which is a barrier on each of them:
 *
 * OWNER                                SLEEPER
 *
 * store the position                   enter the wait queue
 * load the word                        hot: set ARMING
 *   0: done                              a barrier on each CPU  (A)
 * smp_mb()  (B)                          set ARMED
 * load the word                        count myself, if it is ARMED  (C)
 *   anyone? call the kernel            look at the owner's position
 *
 * If the owner's first load found 0, it came before ARMING was set, so his store
 * comes before A, and the look sees it. Else B pairs with C, both full barriers:
 * the owner sees the sleeper, or the look sees the store.
 *
 * It stays armed until much has been moved without anybody sleeping: a slow queue
 * stays armed, and interrupts nobody, a fast one is hot. mpmc_sleepers_moved()
 * makes it hot only if it is ARMED and nothing else is in the word, in one
 * step, and C counts only if it is ARMED, in one step, so neither can come
 * between the other's.
 *
 * selftests/model has this as a model that is searched exhaustively.
 */
#include "sleepers.h"

#include <linux/jiffies.h>
#include <linux/moduleparam.h>
#include <linux/smp.h>

/* So many items without a sleeper, and a queue becomes hot. */
#define QUIET_ITEMS 65536

/* But not so soon after it was armed: each time interrupts all CPUs. */
#define QUIET_MS 20

static bool always_armed;
module_param(always_armed, bool, 0644);
MODULE_PARM_DESC(always_armed,
		 "Never let queues become hot: no interrupts of other CPUs, but a barrier in each call on a mapped ring");

/**
 * mpmc_sleepers_init() - set up sleepers: armed, and none there
 * @sleepers: the sleepers
 * @word: where their word is to be
 *
 * Context: any.
 */
void mpmc_sleepers_init(struct mpmc_sleepers *sleepers, u32 *word)
{
	BUILD_BUG_ON(sizeof(*word) != sizeof(*sleepers->word));
	sleepers->word = (atomic_t *)word;
	spin_lock_init(&sleepers->lock);
	sleepers->armed = jiffies;
	atomic_set(sleepers->word, MPMC_MAP_ARMED);
}

static void barrier_here(void *unused)
{
	smp_mb(); /* A: see the top of the file */
}

/* One at a time: who comes second may rely on it only when it is complete. */
static void sleepers_arm(struct mpmc_sleepers *sleepers)
{
	spin_lock(&sleepers->lock);
	if (!(atomic_read(sleepers->word) & MPMC_MAP_ARMED)) {
		atomic_or(MPMC_MAP_ARMING, sleepers->word);
		smp_mb__after_atomic(); /* ARMING before A, also on this CPU */
		smp_call_function(barrier_here, NULL, true);
		WRITE_ONCE(sleepers->armed, jiffies);
		/* Both bits in one step: nobody sees neither. */
		atomic_add(MPMC_MAP_ARMED - MPMC_MAP_ARMING, sleepers->word);
	}
	spin_unlock(&sleepers->lock);
}

/* Set bits, or count, in an armed word. */
static void sleepers_note(struct mpmc_sleepers *sleepers, int add, int set)
{
	int word = atomic_read(sleepers->word);

	for (;;) {
		if (!(word & MPMC_MAP_ARMED)) {
			sleepers_arm(sleepers);
			word = atomic_read(sleepers->word);
		} else if (atomic_try_cmpxchg(sleepers->word, &word,
					      (word + add) | set)) {
			/* C: fully ordered, see the top of the file. */
			return;
		}
	}
}

/**
 * mpmc_sleepers_add() - the caller is going to sleep
 * @sleepers: the sleepers
 *
 * In the wait queue already. What he waits for is to be looked at once more
 * afterwards. Fully ordered.
 *
 * Context: process, interrupts enabled; does not sleep.
 */
void mpmc_sleepers_add(struct mpmc_sleepers *sleepers)
{
	WRITE_ONCE(sleepers->quiet, 0);
	sleepers_note(sleepers, 1, 0);
}

/**
 * mpmc_sleepers_poll() - the caller is going to be told by a poll
 * @sleepers: the sleepers
 *
 * As mpmc_sleepers_add(), but he need not say when it is over, and can't.
 *
 * Context: process, interrupts enabled; does not sleep.
 */
void mpmc_sleepers_poll(struct mpmc_sleepers *sleepers)
{
	const int polled = MPMC_MAP_ARMED | MPMC_MAP_POLLED;

	WRITE_ONCE(sleepers->quiet, 0);
	/* He has entered before that: see queue_unpoll() in queue.c. */
	smp_mb();
	if ((atomic_read(sleepers->word) & polled) != polled)
		sleepers_note(sleepers, 0, MPMC_MAP_POLLED);
	else
		smp_mb(); /* C: see the top of the file */
}

/**
 * mpmc_sleepers_unpoll() - perhaps nobody polls any more
 * @sleepers: the sleepers
 *
 * The caller then looks whether anybody does, says so again, and wakes him.
 * Fully ordered.
 *
 * Context: any.
 */
void mpmc_sleepers_unpoll(struct mpmc_sleepers *sleepers)
{
	atomic_fetch_andnot(MPMC_MAP_POLLED, sleepers->word);
}

/**
 * mpmc_sleepers_shut_down() - tell the owners of a shutdown
 * @sleepers: the sleepers
 *
 * What an owner stored without seeing it can be seen afterwards.
 *
 * Context: process, interrupts enabled; does not sleep.
 */
void mpmc_sleepers_shut_down(struct mpmc_sleepers *sleepers)
{
	sleepers_note(sleepers, 0, MPMC_MAP_SHUTDOWN);
}

/**
 * mpmc_sleepers_moved() - so much has been moved, and nobody had to sleep
 * @sleepers: the sleepers
 * @count: how many items
 *
 * Now and then it becomes hot.
 *
 * Context: process, interrupts enabled; does not sleep.
 */
void mpmc_sleepers_moved(struct mpmc_sleepers *sleepers, u64 count)
{
	u64 quiet = READ_ONCE(sleepers->quiet) + count;

	if (quiet >= QUIET_ITEMS && !READ_ONCE(always_armed) &&
	    !atomic_read(&sleepers->keep) &&
	    time_after(jiffies, READ_ONCE(sleepers->armed) +
				msecs_to_jiffies(QUIET_MS))) {
		/* Fully ordered: pairs with mpmc_sleepers_keep(). */
		atomic_cmpxchg(sleepers->word, MPMC_MAP_ARMED, 0);
		if (atomic_read(&sleepers->keep))
			sleepers_arm(sleepers);
		quiet = 0;
	}
	WRITE_ONCE(sleepers->quiet, quiet);
}

/**
 * mpmc_sleepers_keep() - keep them armed from now on
 * @sleepers: the sleepers
 *
 * Context: process, interrupts enabled; does not sleep.
 */
void mpmc_sleepers_keep(struct mpmc_sleepers *sleepers)
{
	atomic_inc(&sleepers->keep);
	smp_mb__after_atomic(); /* it is kept, or we see that it is hot */
	sleepers_arm(sleepers);
}

/**
 * mpmc_sleepers_unkeep() - the end of that
 * @sleepers: the sleepers
 *
 * Context: any.
 */
void mpmc_sleepers_unkeep(struct mpmc_sleepers *sleepers)
{
	atomic_dec(&sleepers->keep);
}
