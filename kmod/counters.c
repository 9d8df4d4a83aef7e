// SPDX-License-Identifier: GPL-2.0
/*
 * Counters: what has happened to a queue, ever
 *
 * Those of the hot path are one per CPU, and are counted once for all items of a
 * call. What owners of mapped rings put is known by their positions: the sum of
 * all rings', and of those that have gone.
 *
 * While others are at work a sum may lack what has just happened, but never has
 * what has not: each CPU's counter only grows, and so does each ring's position;
 * and a token that goes is out of sight first, and added to those that have gone
 * then. So a sum that is less than one that was told before is out of date, and
 * the other one is told again. No counter ever goes back.
 */
#include "counters.h"

#include <linux/atomic.h>
#include <linux/cpumask.h>
#include <linux/gfp.h>
#include <linux/minmax.h>

#include "producer.h"

/**
 * mpmc_counters_init() - set up a queue's counters
 * @queue: the queue
 *
 * Context: process; may sleep.
 * Return: 0 or -ENOMEM.
 */
int mpmc_counters_init(struct mpmc_queue *queue)
{
	queue->counters = alloc_percpu_gfp(struct mpmc_counters,
					   GFP_KERNEL_ACCOUNT);
	return queue->counters ? 0 : -ENOMEM;
}

/**
 * mpmc_counters_free() - the end of them
 * @queue: the queue
 *
 * Context: any.
 */
void mpmc_counters_free(struct mpmc_queue *queue)
{
	free_percpu(queue->counters);
}

static u64 counter_sum(const struct mpmc_queue *queue,
		       enum mpmc_counter counter)
{
	u64 sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += READ_ONCE(per_cpu_ptr(queue->counters,
					     cpu)->count[counter]);
	return sum;
}

/* The most that was ever told, this time included. */
static u64 counter_tell(atomic64_t *told, u64 sum)
{
	s64 before = atomic64_read(told);

	while ((u64)before < sum &&
	       !atomic64_try_cmpxchg(told, &before, sum))
		;
	return max_t(u64, before, sum);
}

/* In this order: what goes on being counted while we look is missed, not twice. */
static u64 counter_enqueued(struct mpmc_queue *queue)
{
	/* Acquire: pairs with the release in mpmc_count_gone(). */
	u64 gone = atomic64_read_acquire(&queue->put_gone);

	return counter_sum(queue, MPMC_COUNT_ENQUEUED) + gone +
	       mpmc_producers_put(queue);
}

/**
 * mpmc_counters_read() - what has happened to a queue
 * @queue: the queue
 * @stats: what to fill in
 *
 * Context: process.
 */
void mpmc_counters_read(struct mpmc_queue *queue,
			struct mpmc_queue_stats *stats)
{
	/* What was committed in mappings is counted when it is harvested. */
	mpmc_queue_harvest(queue);
	stats->dequeued = counter_tell(&queue->told_dequeued,
				       counter_sum(queue,
						   MPMC_COUNT_DEQUEUED));
	stats->redelivered = atomic64_read(&queue->redelivered);
	stats->dead = atomic64_read(&queue->dead);
	stats->dropped = atomic64_read(&queue->dropped);
	/* What has come out has come in. */
	stats->enqueued = counter_tell(&queue->told_enqueued,
				       max(counter_enqueued(queue),
					   stats->dequeued + stats->dead +
					   stats->dropped));
	stats->full = counter_sum(queue, MPMC_COUNT_FULL);
	stats->enqueue_timeouts = counter_sum(queue,
					      MPMC_COUNT_ENQUEUE_TIMEOUTS);
	stats->dequeue_timeouts = counter_sum(queue,
					      MPMC_COUNT_DEQUEUE_TIMEOUTS);
}
