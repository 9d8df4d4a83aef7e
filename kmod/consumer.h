/* SPDX-License-Identifier: GPL-2.0 */
#ifndef MPMC_CONSUMER_H
#define MPMC_CONSUMER_H

#include <linux/bitops.h>
#include <linux/types.h>

#include "queue.h"
#include "ring.h"

/**
 * struct mpmc_consumer - a consumer token
 * @queue: its queue
 * @id: its place among the queue's consumers
 * @state: MPMC_CONSUMER_* bits
 * @ring: its lease: what was taken from the queue and not yet finished with.
 *	The owner advances the head, which finishes with items; the kernel
 *	advances the tail
 * @deliveries: of each entry, how often the item has been handed out
 * @shares: of each entry, the share of the capacity it returns its credit to
 * @cursor: where it is among the queue's sources
 */
struct mpmc_consumer {
	struct mpmc_queue *queue;
	u32 id;
	unsigned long state;
	struct mpmc_ring ring;
	u32 *deliveries;
	u8 *shares;
	struct mpmc_cursor cursor;
};

#define MPMC_CONSUMER_BUSY 0 /* a thread is inside a call */

struct mpmc_consumer *mpmc_consumer_create(struct mpmc_queue *queue,
					   unsigned int entries);
void mpmc_consumer_close(struct mpmc_consumer *consumer);

int mpmc_consumer_refill(struct mpmc_consumer *consumer, unsigned int max);
unsigned int mpmc_consumer_piece(struct mpmc_consumer *consumer,
				 unsigned int max, const u64 **items);
void mpmc_consumer_commit(struct mpmc_consumer *consumer, unsigned int count);

/* Only one thread at a time may be inside a token. */
static inline bool mpmc_consumer_enter(struct mpmc_consumer *consumer)
{
	return !test_and_set_bit_lock(MPMC_CONSUMER_BUSY, &consumer->state);
}

static inline void mpmc_consumer_leave(struct mpmc_consumer *consumer)
{
	clear_bit_unlock(MPMC_CONSUMER_BUSY, &consumer->state);
}

/**
 * mpmc_consumer_leased() - how many items a token has not finished with
 * @consumer: the token
 *
 * Context: any, while the token can't go: with its file, or under the lock of
 * the queue's consumers.
 */
static inline u64 mpmc_consumer_leased(struct mpmc_consumer *consumer)
{
	/* Acquire: head before tail, or there would be less than nothing. */
	u64 head = smp_load_acquire(consumer->ring.head);

	return READ_ONCE(*consumer->ring.tail) - head;
}

#endif /* MPMC_CONSUMER_H */
