/* SPDX-License-Identifier: GPL-2.0 */
#ifndef MPMC_PRODUCER_H
#define MPMC_PRODUCER_H

#include <linux/bitops.h>
#include <linux/types.h>
#include <linux/workqueue.h>

#include "pages.h"
#include "ring.h"

struct mpmc_map_token;
struct mpmc_queue;

/**
 * struct mpmc_producer - a producer token
 * @queue: its queue
 * @id: its place among the queue's producers; source @queue->segments + @id
 * @state: MPMC_PRODUCER_* bits
 * @maps: how many mappings of the owner's part there are
 * @stored: position up to which the owner has been seen to store items
 * @grant: how much room the owner of a mapped ring is granted next
 * @pages: memory of @ring
 * @page: what the owner of a mapped ring is told
 * @ring: what was enqueued and not yet taken
 * @done: marks of @ring
 * @chunk: for what the ring has no room for, during a call; or NULL
 * @free_work: frees it all after an RCU grace period
 */
struct mpmc_producer {
	struct mpmc_queue *queue;
	u32 id;
	unsigned long state;
	atomic_t maps;
	u64 stored;
	unsigned int grant;
	struct mpmc_pages pages;
	struct mpmc_map_token *page;
	struct mpmc_ring ring;
	u64 *done;
	struct mpmc_chunk *chunk;
	struct rcu_work free_work;
};

#define MPMC_PRODUCER_BUSY 0 /* a thread is inside a call */
#define MPMC_PRODUCER_CLOSED 1 /* nobody will enqueue any more */
#define MPMC_PRODUCER_GONE 2 /* closed, drained, and being freed */
#define MPMC_PRODUCER_MAPPED 3 /* its ring has been mapped */

struct mpmc_producer *mpmc_producer_create(struct mpmc_queue *queue,
					   unsigned int entries);
void mpmc_producer_close(struct mpmc_producer *producer);
void mpmc_producer_free_all(struct mpmc_queue *queue);

unsigned int mpmc_producer_share(struct mpmc_producer *producer);
bool mpmc_producer_fits(struct mpmc_producer *producer, unsigned int count);
int mpmc_producer_prepare(struct mpmc_producer *producer, unsigned int count);
void mpmc_producer_unprepare(struct mpmc_producer *producer);
int mpmc_producer_put(struct mpmc_producer *producer, const u64 *items,
		      unsigned int count);
unsigned int mpmc_producer_take(struct mpmc_queue *queue, u32 id, u64 *items,
				unsigned int max);
bool mpmc_producer_ready(struct mpmc_queue *queue, u32 id);
u64 mpmc_producer_items(struct mpmc_producer *producer);

int mpmc_producer_map(struct mpmc_producer *producer);
void mpmc_producer_unmap(struct mpmc_producer *producer);
void mpmc_producer_tidy(struct mpmc_producer *producer);
int mpmc_producer_begin(struct mpmc_producer *producer);
void mpmc_producer_end(struct mpmc_producer *producer);
int mpmc_producer_kick(struct mpmc_producer *producer, unsigned int count);

bool mpmc_producer_is_mapped(struct mpmc_queue *queue, u32 id);
int mpmc_producer_empty(struct mpmc_queue *queue, u32 id, u64 *stamp);
u64 mpmc_producers_stamp(struct mpmc_queue *queue);
u64 mpmc_producers_put(struct mpmc_queue *queue);
u64 mpmc_producers_granted(struct mpmc_queue *queue);
void mpmc_producers_seal_begin(struct mpmc_queue *queue);
u64 mpmc_producers_seal_end(struct mpmc_queue *queue);

/* Only one thread at a time may be inside a token. */
static inline bool mpmc_producer_enter(struct mpmc_producer *producer)
{
	return !test_and_set_bit_lock(MPMC_PRODUCER_BUSY, &producer->state);
}

static inline void mpmc_producer_leave(struct mpmc_producer *producer)
{
	clear_bit_unlock(MPMC_PRODUCER_BUSY, &producer->state);
}

#endif /* MPMC_PRODUCER_H */
