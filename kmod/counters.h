/* SPDX-License-Identifier: GPL-2.0 */
#ifndef MPMC_COUNTERS_H
#define MPMC_COUNTERS_H

#include <linux/atomic.h>
#include <linux/percpu.h>
#include <linux/types.h>
#include <uapi/linux/mpmc.h>

#include "queue.h"

/*
 * What is counted where it happens. Items put through a token with a ring of its
 * own are not: the ring's positions tell.
 */
enum mpmc_counter {
	MPMC_COUNT_ENQUEUED,
	MPMC_COUNT_DEQUEUED,
	MPMC_COUNT_FULL,
	MPMC_COUNT_ENQUEUE_TIMEOUTS,
	MPMC_COUNT_DEQUEUE_TIMEOUTS,
	MPMC_COUNTERS,
};

struct mpmc_counters {
	u64 count[MPMC_COUNTERS];
};

int mpmc_counters_init(struct mpmc_queue *queue);
void mpmc_counters_free(struct mpmc_queue *queue);
void mpmc_counters_read(struct mpmc_queue *queue,
			struct mpmc_queue_stats *stats);

/**
 * mpmc_count() - count something
 * @queue: the queue that it happened to
 * @counter: what
 * @n: how often
 *
 * Context: any.
 */
static inline void mpmc_count(struct mpmc_queue *queue,
			      enum mpmc_counter counter, u64 n)
{
	this_cpu_add(queue->counters->count[counter], n);
}

/**
 * mpmc_count_gone() - a producer token has gone
 * @queue: its queue, among whose producers it is not any more
 * @put: how many items were put through its ring
 *
 * Context: any.
 */
static inline void mpmc_count_gone(struct mpmc_queue *queue, u64 put)
{
	/* Release: out of sight before; pairs with counter_enqueued(). */
	atomic64_add_return_release(put, &queue->put_gone);
}

#endif /* MPMC_COUNTERS_H */
