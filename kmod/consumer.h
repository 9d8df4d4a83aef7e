/* SPDX-License-Identifier: GPL-2.0 */
#ifndef MPMC_CONSUMER_H
#define MPMC_CONSUMER_H

#include <linux/atomic.h>
#include <linux/bitops.h>
#include <linux/rcupdate.h>
#include <linux/types.h>
#include <linux/workqueue.h>

#include "pages.h"
#include "queue.h"

struct mem_cgroup;
struct mpmc_map_token;

/* Runs of a lease whose credits go to different shares, see lease.c. */
#define MPMC_LEASE_RUNS 32

struct mpmc_consumer;

/**
 * struct mpmc_consumer_piece - items of a closed token that came back in its ring
 * @node: the items
 * @consumer: the token
 */
struct mpmc_consumer_piece {
	struct mpmc_requeue_node node;
	struct mpmc_consumer *consumer;
};

/**
 * struct mpmc_consumer - a consumer token
 * @queue: its queue
 * @memcg: whom its memory is charged to
 * @id: its place among the queue's consumers
 * @state: MPMC_CONSUMER_* bits
 * @maps: how many mappings of the owner's part there are
 * @cursor: where it is among the queue's sources
 * @pages: memory of its ring
 * @page: what the owner of a mapped ring is told
 * @entries: number of entries of the ring, a power of two
 * @items: the entries
 * @deliveries: of those before @page->again, how often they were handed out
 * @head: first position that the owner has not finished with; he writes it
 * @tail: position behind the last item
 * @run: runs of entries: end position << 8 | share of the capacity
 * @runs: how many runs there have been
 * @first_run: none before this one matters any more, about
 * @filled: how many items came with the last fill
 * @returned: position up to which credits have been returned
 * @piece: what came back in the ring itself, for want of memory; the ring may go
 *	around its end
 * @users: its owner, and the pieces that items may be taken from
 * @free_work: frees it all after an RCU grace period
 *
 * The ring is its lease: from @head to @tail what was taken from the queue and
 * has not been finished with. From @returned to @head there is what was finished
 * with and still has its credit.
 */
struct mpmc_consumer {
	struct mpmc_queue *queue;
	struct mem_cgroup *memcg;
	u32 id;
	unsigned long state;
	atomic_t maps;
	struct mpmc_cursor cursor;
	struct mpmc_pages pages;
	struct mpmc_map_token *page;
	unsigned int entries;
	u64 *items;
	u32 *deliveries;
	u64 *head;
	u64 tail;
	u64 run[MPMC_LEASE_RUNS];
	unsigned int runs;
	unsigned int first_run;
	unsigned int filled;
	atomic64_t returned;
	struct mpmc_consumer_piece piece[2];
	atomic_t users;
	struct rcu_work free_work;
};

#define MPMC_CONSUMER_BUSY 0 /* a thread is inside a call */
#define MPMC_CONSUMER_MAPPED 1 /* its ring has been mapped */
#define MPMC_CONSUMER_BROKEN 2 /* the owner wrote what he may not */

struct mpmc_consumer *mpmc_consumer_create(struct mpmc_queue *queue,
					   unsigned int entries);
void mpmc_consumer_close(struct mpmc_consumer *consumer);
int mpmc_consumer_map(struct mpmc_consumer *consumer);
void mpmc_consumer_unmap(struct mpmc_consumer *consumer);
void mpmc_consumer_put(struct mpmc_consumer *consumer);
u64 mpmc_consumers_leased(struct mpmc_queue *queue);
u64 mpmc_consumers_stamp(struct mpmc_queue *queue);
u64 mpmc_consumers_harvest(struct mpmc_queue *queue);

/* lease.c */
int mpmc_lease_check(struct mpmc_consumer *consumer);
int mpmc_lease_fill(struct mpmc_consumer *consumer, unsigned int count,
		    bool share);
unsigned int mpmc_lease_piece(struct mpmc_consumer *consumer, unsigned int skip,
			      unsigned int max, const u64 **items);
u32 mpmc_lease_deliveries(struct mpmc_consumer *consumer, unsigned int skip);
int mpmc_lease_commit(struct mpmc_consumer *consumer, unsigned int count);
int mpmc_lease_release(struct mpmc_consumer *consumer, unsigned int count);
void mpmc_lease_kick(struct mpmc_consumer *consumer);
u64 mpmc_lease_count(struct mpmc_consumer *consumer);
u64 mpmc_lease_stamp(struct mpmc_consumer *consumer);
u64 mpmc_lease_harvest(struct mpmc_consumer *consumer);
void mpmc_lease_end(struct mpmc_consumer *consumer);

/* Only one thread at a time may be inside a token. */
static inline bool mpmc_consumer_enter(struct mpmc_consumer *consumer)
{
	return !test_and_set_bit_lock(MPMC_CONSUMER_BUSY, &consumer->state);
}

static inline void mpmc_consumer_leave(struct mpmc_consumer *consumer)
{
	clear_bit_unlock(MPMC_CONSUMER_BUSY, &consumer->state);
}

#endif /* MPMC_CONSUMER_H */
