/* SPDX-License-Identifier: GPL-2.0 */
#ifndef MPMC_WAIT_H
#define MPMC_WAIT_H

#include <linux/types.h>
#include <linux/wait.h>

#include "queue.h"

/**
 * struct mpmc_waiter - a thread, or a parked command, that waits for items or for
 *	room
 * @entry: in the queue's readers or writers
 * @queue: the queue
 * @room: how many items it wants to put; 0 for one that takes
 * @sleepers: where it is counted while it sleeps
 * @counted: it is
 * @woken: it was chosen by a wake-up: when, of local_clock(), and odd; or 0
 * @waited: how long it took until then, ns; of the last one
 * @attempt: tries what is waited for. Returns -EAGAIN to go on waiting; must
 *	not sleep
 */
struct mpmc_waiter {
	struct wait_queue_entry entry;
	struct mpmc_queue *queue;
	u64 room;
	struct mpmc_sleepers *sleepers;
	bool counted;
	unsigned long woken;
	unsigned long waited;
	int (*attempt)(struct mpmc_waiter *waiter);
};

int mpmc_wait(struct mpmc_waiter *waiter, u64 deadline);
void mpmc_waiter_begin(struct mpmc_waiter *waiter);
void mpmc_waiter_count(struct mpmc_waiter *waiter);
bool mpmc_waiter_choose(struct mpmc_waiter *waiter, void *key);
void mpmc_waiter_pass_on(struct mpmc_waiter *waiter);
void mpmc_waiter_end(struct mpmc_waiter *waiter);
void mpmc_wake_some_readers(struct mpmc_queue *queue, unsigned int count);
void mpmc_wake_some_writers(struct mpmc_queue *queue, unsigned int count);
void mpmc_wake_all(struct mpmc_queue *queue);

/**
 * mpmc_waiter_head() - where it is while it sleeps
 * @waiter: who waits
 *
 * Context: any.
 * Return: the wait queue.
 */
static inline wait_queue_head_t *mpmc_waiter_head(struct mpmc_waiter *waiter)
{
	return waiter->room ? &waiter->queue->writers : &waiter->queue->readers;
}

/**
 * mpmc_wake_readers() - wake who waits for items
 * @queue: the queue
 * @count: how many items have become available
 *
 * The caller has made a full barrier since.
 *
 * Context: any.
 */
static inline void mpmc_wake_readers(struct mpmc_queue *queue,
				     unsigned int count)
{
	/* After A: see the top of wait.c. */
	if (waitqueue_active(&queue->readers) ||
	    waitqueue_active(&queue->read_polls)) /* after A as well */
		mpmc_wake_some_readers(queue, count);
}

/**
 * mpmc_wake_writers() - wake who waits for room
 * @queue: the queue
 * @count: how many credits have become free
 *
 * The caller has made a full barrier since.
 *
 * Context: any.
 */
static inline void mpmc_wake_writers(struct mpmc_queue *queue,
				     unsigned int count)
{
	/* After A: see the top of wait.c. */
	if (waitqueue_active(&queue->writers) ||
	    waitqueue_active(&queue->write_polls)) /* after A as well */
		mpmc_wake_some_writers(queue, count);
}

#endif /* MPMC_WAIT_H */
