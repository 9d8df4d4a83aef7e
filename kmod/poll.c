// SPDX-License-Identifier: GPL-2.0
/*
 * Polling queues and tokens
 */
#include <linux/poll.h>

#include "queue.h"

/**
 * mpmc_queue_poll() - what can be done without waiting
 * @queue: the queue
 * @file: the queue's file or a token's
 * @wait: who asks
 * @mask: MPMC_POLL_IN, MPMC_POLL_OUT or both: what this file is for
 *
 * Context: process, interrupts enabled; may sleep for memory.
 * Return: EPOLLIN with an item to take, EPOLLOUT with room for one, EPOLLHUP
 * after a shutdown; to those who only take, when there is nothing left that
 * they could still be given, for nobody can ask not to be told of EPOLLHUP.
 */
__poll_t mpmc_queue_poll(struct mpmc_queue *queue, struct file *file,
			 poll_table *wait, __poll_t mask)
{
	__poll_t events = 0;
	bool shutdown;

	/*
	 * Whatever is asked for now: epoll may ask for something else later
	 * without entering again.
	 */
	if (mask & MPMC_POLL_IN) {
		poll_wait(file, &queue->read_polls, wait);
		mpmc_sleepers_poll(&queue->read_sleepers);
	}
	if (mask & MPMC_POLL_OUT) {
		poll_wait(file, &queue->write_polls, wait);
		mpmc_sleepers_poll(&queue->write_sleepers);
	}
	/* Entered before we look: pairs as B in wait.c does. */
	smp_mb();
	shutdown = READ_ONCE(queue->shutdown);
	if (mask & MPMC_POLL_IN && mpmc_queue_ready(queue))
		events |= MPMC_POLL_IN;
	if (mask & MPMC_POLL_OUT && !shutdown && mpmc_queue_has_room(queue, 1))
		events |= MPMC_POLL_OUT;
	if (shutdown && (mask & MPMC_POLL_OUT || mpmc_queue_drained(queue)))
		events |= EPOLLHUP;
	return events;
}
