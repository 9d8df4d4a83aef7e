// SPDX-License-Identifier: GPL-2.0
/*
 * Leases: what a consumer token has been handed and has not finished with
 *
 * The kernel writes items and advances the tail, in the owner's calls alone; the
 * owner advances the head, by a call or in memory that he has mapped, and so
 * finishes with items. The items keep their credits until somebody has looked at
 * the head and returned them: the owner in a call, or anybody who finds the
 * queue full. They claim what they return by a compare-and-exchange of the
 * position up to which credits have been returned, and entries are used again
 * only behind that.
 *
 * The head may be mapped, and is not trusted: if it is not between what was
 * returned and the tail, then nothing has been finished with.
 *
 * Items have their credits from different shares of the capacity. The lease
 * notes runs of them. Where there are too many the last one is made longer, and
 * who comes late may read a run that has been used again: then credits go to
 * another share than they came from, which does no harm. Their number is that of
 * the positions claimed.
 */
#include <linux/kernel.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/sched/clock.h>
#include <uapi/linux/mpmc.h>

#include "batch.h"
#include "compat/uninitialized.h"
#include "consumer.h"
#include "counters.h"
#include "dead.h"
#include "producer.h"
#include "trace.h"

#define RUN_SHIFT 8

/* See lease_linger(): until there are so many, at most so often, so long each. */
#define LINGER_ITEMS 256U
#define LINGER_LOOKS 8
#define LINGER_NS 250

static_assert(MPMC_SHARES_MAX <= 1 << RUN_SHIFT);

static inline unsigned int lease_slot(const struct mpmc_consumer *consumer,
				      u64 pos)
{
	return pos & (consumer->entries - 1);
}

/* How many entries from a position on lie in one piece. */
static inline unsigned int lease_piece(const struct mpmc_consumer *consumer,
				       u64 pos, unsigned int count)
{
	return min(count, consumer->entries - lease_slot(consumer, pos));
}

/* The head, if it is one; else as if nothing had been finished with. */
static u64 lease_head(struct mpmc_consumer *consumer, u64 returned)
{
	/* Acquire: pairs with the owner's release, he has read the items. */
	u64 head = smp_load_acquire(consumer->head);
	u64 tail = READ_ONCE(consumer->tail);

	return head - returned <= tail - returned ? head : returned;
}

/* Where the lease begins. */
static u64 lease_start(struct mpmc_consumer *consumer)
{
	/* Acquire: before the head, which is behind it. */
	return lease_head(consumer,
			  atomic64_read_acquire(&consumer->returned));
}

/**
 * mpmc_lease_count() - how many items a lease has
 * @consumer: the token
 *
 * Context: any.
 * Return: the number, approximate while its owner is at work.
 */
u64 mpmc_lease_count(struct mpmc_consumer *consumer)
{
	u64 start = lease_start(consumer);

	return READ_ONCE(consumer->tail) - start;
}

/**
 * mpmc_lease_stamp() - changes when the owner commits items
 * @consumer: the token
 *
 * Not for ever, if he does what he may not: what he commits is harvested, and
 * he can't go back behind that.
 *
 * Context: any.
 * Return: the stamp.
 */
u64 mpmc_lease_stamp(struct mpmc_consumer *consumer)
{
	/* By acquires: what is looked at next is looked at after it. */
	return lease_start(consumer);
}

/**
 * mpmc_lease_check() - whether the owner has kept to the rules
 * @consumer: the token, which the caller is inside of
 *
 * Context: any.
 * Return: 0 or -EIO.
 */
int mpmc_lease_check(struct mpmc_consumer *consumer)
{
	u64 returned = atomic64_read_acquire(&consumer->returned);

	if (READ_ONCE(*consumer->head) - returned > consumer->tail - returned)
		set_bit(MPMC_CONSUMER_BROKEN, &consumer->state);
	return test_bit(MPMC_CONSUMER_BROKEN, &consumer->state) ? -EIO : 0;
}

/* --- Credits --- */

/* The run that a position is in; at least the last one there is. */
static u64 lease_run(struct mpmc_consumer *consumer, u64 pos)
{
	unsigned int first = READ_ONCE(consumer->first_run);
	/* Acquire: pairs with the release in lease_note_run(). */
	unsigned int last = smp_load_acquire(&consumer->runs) - 1;
	u64 run;

	for (;; first++) {
		run = READ_ONCE(consumer->run[first % MPMC_LEASE_RUNS]);
		if (run >> RUN_SHIFT > pos || (int)(first - last) >= 0)
			break;
	}
	WRITE_ONCE(consumer->first_run, first);
	return run;
}

/* Note where the credits of so many items behind the tail go. */
static void lease_note_run(struct mpmc_consumer *consumer, u64 end,
			   unsigned int share)
{
	u64 *last = &consumer->run[(consumer->runs - 1) % MPMC_LEASE_RUNS];
	u64 *next = &consumer->run[consumer->runs % MPMC_LEASE_RUNS];
	u64 run = end << RUN_SHIFT | share;

	if (consumer->runs && (*last & (BIT(RUN_SHIFT) - 1)) == share) {
		WRITE_ONCE(*last, run);
	} else if (*next >> RUN_SHIFT <= atomic64_read(&consumer->returned)) {
		WRITE_ONCE(*next, run);
		/* Release: the run is there before it counts. */
		smp_store_release(&consumer->runs, consumer->runs + 1);
	} else {
		WRITE_ONCE(*last, end << RUN_SHIFT |
				  (*last & (BIT(RUN_SHIFT) - 1)));
	}
}

/*
 * Claim the return of some credits, and return them. In between they are nowhere,
 * and whoever finds the queue full then is told so: not for long.
 */
static bool lease_return(struct mpmc_consumer *consumer, s64 from, u64 run,
			 u64 count)
{
	bool claimed;

	preempt_disable();
	claimed = atomic64_try_cmpxchg(&consumer->returned, &from,
				       from + count);
	if (claimed)
		mpmc_capacity_return(&consumer->queue->capacity,
				     run & (BIT(RUN_SHIFT) - 1), count);
	preempt_enable();
	if (claimed)
		mpmc_count(consumer->queue, MPMC_COUNT_DEQUEUED, count);
	return claimed;
}

/**
 * mpmc_lease_harvest() - return the credits of what has been finished with
 * @consumer: the token
 *
 * The caller wakes those who wait for room.
 *
 * Context: any, inside an RCU read-side section, or of the owner.
 * Return: how many credits that were.
 */
u64 mpmc_lease_harvest(struct mpmc_consumer *consumer)
{
	u64 run, count, total = 0;
	s64 from;

	for (;;) {
		/* Acquire: before the head, which is behind it. */
		from = atomic64_read_acquire(&consumer->returned);
		count = lease_head(consumer, from) - from;
		if (!count)
			break;
		run = lease_run(consumer, from);
		if (run >> RUN_SHIFT > from)
			count = min(count, (run >> RUN_SHIFT) - from);
		if (lease_return(consumer, from, run, count))
			total += count;
	}
	trace_commit(consumer->queue, consumer, total);
	return total;
}

/* The same, and wake those. */
static void lease_return_all(struct mpmc_consumer *consumer)
{
	u64 count = mpmc_lease_harvest(consumer);

	if (count)
		mpmc_queue_returned(consumer->queue, count);
}

/* --- Filling --- */

/* Write down the deliveries of items that have none written down. */
static void lease_complete(struct mpmc_consumer *consumer, u64 pos, u64 end)
{
	for (pos = max(pos, consumer->page->again); pos < end; pos++)
		consumer->deliveries[lease_slot(consumer, pos)] = 1;
}

/* Say up to where the owner need not look how often items were handed out. */
static void lease_show_fresh(struct mpmc_consumer *consumer)
{
	u64 start = lease_start(consumer);

	WRITE_ONCE(consumer->page->fresh,
		   consumer->page->again > start ? start : consumer->tail);
}

/* The batch is there: let the owner see it. */
static void lease_publish(struct mpmc_consumer *consumer,
			  const struct mpmc_batch *batch)
{
	u64 end = consumer->tail;
	unsigned int i;

	for (i = 0; i < batch->runs; i++) {
		end += batch->run[i].count;
		lease_note_run(consumer, end, batch->run[i].share);
	}
	if (batch->again) {
		lease_complete(consumer, atomic64_read(&consumer->returned),
			       consumer->tail);
		/* Release: their deliveries are there. */
		smp_store_release(&consumer->page->again,
				  consumer->tail + batch->again);
	}
	WRITE_ONCE(consumer->tail, end);
	/* Release: pairs with the owner's reads; he is in this call. */
	smp_store_release(&consumer->page->position, end);
}

/*
 * Where deliveries are limited, an item that came back is leased alone: of a lease
 * that comes back again only the first item is to blame, and others are not to
 * die with it. Whether this is such a lease.
 */
static bool lease_is_alone(struct mpmc_consumer *consumer)
{
	return consumer->queue->max_deliveries &&
	       consumer->page->again > atomic64_read(&consumer->returned) &&
	       mpmc_lease_count(consumer);
}

/* Lease up to max items, for which there is room in one piece. */
static int lease_fill_piece(struct mpmc_consumer *consumer, unsigned int max)
{
	unsigned int slot = lease_slot(consumer, consumer->tail);
	struct mpmc_queue *queue = consumer->queue;
	struct mpmc_batch batch mpmc_uninitialized;
	int ret;

	mpmc_batch_clear(&batch);
	batch.items = consumer->items + slot;
	batch.deliveries = consumer->deliveries + slot;
	batch.max = max;
	if (queue->max_deliveries)
		batch.again_max = mpmc_lease_count(consumer) ? 0 : 1;
	ret = mpmc_queue_take(queue, &consumer->cursor, &batch);
	if (ret)
		return ret;
	lease_publish(consumer, &batch);
	return batch.count;
}

/* A fair share of what there is: half of what would be everybody's. */
static unsigned int lease_share(struct mpmc_consumer *consumer)
{
	struct mpmc_queue *queue = consumer->queue;
	unsigned int consumers = max(atomic_read(&queue->consumer_count), 1);
	u64 used = mpmc_capacity_used(&queue->capacity);
	u64 taken = mpmc_consumers_leased(queue) +
		    mpmc_producers_granted(queue);

	return min_t(u64, (used - min(used, taken)) / (2 * consumers),
		     consumer->entries);
}

/*
 * Lease items until there are so many, if there are; 0 or an error. When a piece
 * is not filled there are no more.
 */
static int lease_fill_up(struct mpmc_consumer *consumer, unsigned int *leased,
			 unsigned int want)
{
	unsigned int room, piece;
	int ret;

	while (*leased < want && !lease_is_alone(consumer)) {
		room = consumer->entries -
		       (consumer->tail - atomic64_read(&consumer->returned));
		piece = lease_piece(consumer, consumer->tail,
				    min(want - *leased, room));
		if (!piece)
			break;
		ret = lease_fill_piece(consumer, piece);
		if (ret < 0)
			return ret;
		*leased += ret;
		if (ret < piece)
			break;
	}
	return 0;
}

/*
 * A consumer that has caught up with a busy producer would come back for every
 * few items, and both would pull the same cache lines from each other all the
 * time. So if there were many just now, and there are few, give it a moment; and
 * another, as long as more comes. Where there is but one now and then, nobody
 * waits for a second.
 */
static void lease_linger(struct mpmc_consumer *consumer, unsigned int *leased)
{
	unsigned int looks, before, want = min(LINGER_ITEMS, consumer->entries);
	u64 until;

	for (looks = 0; looks < LINGER_LOOKS && *leased < want; looks++) {
		before = *leased;
		until = local_clock() + LINGER_NS;
		do {
			cpu_relax();
		} while (local_clock() < until && !need_resched());
		lease_fill_up(consumer, leased, want);
		if (*leased == before)
			break;
	}
}

/**
 * mpmc_lease_fill() - lease items, until there are so many
 * @consumer: the token, which the caller is inside of
 * @count: how many, at least one
 * @share: or a fair share, if that is more
 *
 * Context: any; does not sleep.
 * Return: 0; with no item in the lease: -EAGAIN when there is none, -EPIPE when
 * there will be none any more.
 */
int mpmc_lease_fill(struct mpmc_consumer *consumer, unsigned int count,
		    bool share)
{
	unsigned int leased, had;
	int ret;

	lease_return_all(consumer);
	leased = mpmc_lease_count(consumer);
	had = leased;
	if (leased >= count) {
		lease_show_fresh(consumer);
		return 0;
	}
	if (share)
		count = max(count, lease_share(consumer));
	ret = lease_fill_up(consumer, &leased, count);
	if (!leased)
		return ret;
	if (share && consumer->filled >= LINGER_ITEMS / 8 && count > 1)
		lease_linger(consumer, &leased);
	lease_show_fresh(consumer);
	trace_refill(consumer->queue, consumer, leased - had);
	consumer->filled = leased - had;
	mpmc_sleepers_moved(&consumer->queue->write_sleepers, leased - had);
	return 0;
}

/**
 * mpmc_lease_piece() - items of a lease that lie in one piece
 * @consumer: the token, which the caller is inside of
 * @skip: how many of the oldest are not wanted
 * @max: the most that are wanted
 * @items: where to say where they are
 *
 * Context: any.
 * Return: how many there are.
 */
unsigned int mpmc_lease_piece(struct mpmc_consumer *consumer, unsigned int skip,
			      unsigned int max, const u64 **items)
{
	u64 leased = mpmc_lease_count(consumer);
	u64 pos = consumer->tail - leased + skip;

	*items = consumer->items + lease_slot(consumer, pos);
	return lease_piece(consumer, pos,
			   min_t(u64, max, leased - min_t(u64, leased, skip)));
}

/**
 * mpmc_lease_deliveries() - how often an item of a lease has been handed out
 * @consumer: the token, which the caller is inside of
 * @skip: which item, counted from the oldest
 *
 * Context: any.
 * Return: how often, at least once.
 */
u32 mpmc_lease_deliveries(struct mpmc_consumer *consumer, unsigned int skip)
{
	u64 pos = consumer->tail - mpmc_lease_count(consumer) + skip;

	return pos < consumer->page->again ?
		       consumer->deliveries[lease_slot(consumer, pos)] : 1;
}

/* --- The end of items --- */

/**
 * mpmc_lease_kick() - the owner has finished with items, and may not say so
 * @consumer: the token
 *
 * Context: any.
 */
void mpmc_lease_kick(struct mpmc_consumer *consumer)
{
	struct mpmc_queue *queue = consumer->queue;
	u64 count = mpmc_lease_harvest(consumer);

	/* Also if others have harvested: a queue may be drained by that. */
	smp_mb(); /* A: pairs with B in wait.c */
	mpmc_queue_kick_writers(queue, count);
}

/**
 * mpmc_lease_commit() - finish with the oldest items of a lease
 * @consumer: the token, which the caller is inside of
 * @count: how many, at least one
 *
 * Context: any.
 * Return: 0, or -EINVAL if there are not as many.
 */
int mpmc_lease_commit(struct mpmc_consumer *consumer, unsigned int count)
{
	u64 head = lease_start(consumer);

	if (consumer->tail - head < count)
		return -EINVAL;
	/* Release: pairs with the acquire in lease_head(). */
	smp_store_release(consumer->head, head + count);
	lease_return_all(consumer);
	return 0;
}

/*
 * Items of the ring are going to come back: copies of them. In two pieces if the
 * ring goes around its end, the later one first; added last comes out first.
 */
static bool lease_copy(struct mpmc_consumer *consumer, u64 pos,
		       unsigned int count, struct mpmc_requeue_chain *chain)
{
	unsigned int slot = lease_slot(consumer, pos);
	unsigned int first = lease_piece(consumer, pos, count);

	lease_complete(consumer, pos, pos + count);
	if (mpmc_requeue_chain_copy(chain, consumer->items,
				    consumer->deliveries, count - first) &&
	    mpmc_requeue_chain_copy(chain, consumer->items + slot,
				    consumer->deliveries + slot, first))
		return true;
	mpmc_requeue_chain_free(chain);
	return false;
}

static void piece_free(struct mpmc_requeue_node *node)
{
	mpmc_consumer_put(container_of(node, struct mpmc_consumer_piece,
				       node)->consumer);
}

static void lease_lend_piece(struct mpmc_consumer *consumer,
			     struct mpmc_consumer_piece *piece,
			     unsigned int slot, unsigned int count,
			     struct mpmc_requeue_chain *chain)
{
	if (!count)
		return;
	piece->consumer = consumer;
	piece->node.count = count;
	piece->node.items = consumer->items + slot;
	piece->node.deliveries = consumer->deliveries + slot;
	piece->node.free = piece_free;
	atomic_inc(&consumer->users);
	mpmc_requeue_chain_add(chain, &piece->node);
}

/* The same with the items where they are, which nobody else uses any more. */
static void lease_lend(struct mpmc_consumer *consumer, u64 pos,
		       unsigned int count, struct mpmc_requeue_chain *chain)
{
	unsigned int slot = lease_slot(consumer, pos);
	unsigned int first = lease_piece(consumer, pos, count);

	lease_lend_piece(consumer, &consumer->piece[1], 0, count - first,
			 chain);
	lease_lend_piece(consumer, &consumer->piece[0], slot, first, chain);
}

/* Put items back to the front of the queue, with their credits. */
static void lease_give_back(struct mpmc_consumer *consumer,
			    struct mpmc_requeue_chain *chain)
{
	struct mpmc_queue *queue = consumer->queue;
	struct mpmc_requeue_node *node;
	unsigned int count = 0;

	for (node = chain->first; node; node = node->next) {
		node->count = mpmc_dead_bury(queue, node->items,
					     node->deliveries, node->count);
		count += node->count;
	}
	atomic64_add(count, &queue->redelivered);
	trace_redeliver(queue, consumer, count);
	if (count)
		mpmc_queue_requeue(queue, chain, count);
	else
		mpmc_requeue_chain_free(chain);
}

/**
 * mpmc_lease_release() - give the oldest items of a lease back
 * @consumer: the token, which the caller is inside of
 * @count: how many, at least one
 *
 * Context: process; may sleep.
 * Return: 0; -EINVAL if there are not as many; -EIO; -ENOMEM.
 */
int mpmc_lease_release(struct mpmc_consumer *consumer, unsigned int count)
{
	struct mpmc_requeue_chain chain = {};
	s64 head;

	lease_return_all(consumer);
	/* All that is committed has been returned: this is the head. */
	head = atomic64_read(&consumer->returned);
	if (consumer->tail - head < count)
		return -EINVAL;
	if (!lease_copy(consumer, head, count, &chain))
		return -ENOMEM;
	/* Credits and all. Fails if the owner moves the head meanwhile. */
	if (atomic64_cmpxchg(&consumer->returned, head, head + count) != head) {
		mpmc_requeue_chain_free(&chain);
		set_bit(MPMC_CONSUMER_BROKEN, &consumer->state);
		return -EIO;
	}
	lease_give_back(consumer, &chain);
	/* Release: pairs with the acquire in lease_head(). */
	smp_store_release(consumer->head, head + count);
	return 0;
}

/* Give back what is in the ring from a position on, whatever that takes. */
static void lease_give_back_all(struct mpmc_consumer *consumer, u64 pos)
{
	struct mpmc_requeue_chain chain = {};
	unsigned int count = consumer->tail - pos;

	if (!lease_copy(consumer, pos, count, &chain))
		lease_lend(consumer, pos, count, &chain);
	lease_give_back(consumer, &chain);
}

/**
 * mpmc_lease_end() - give everything back that the owner has not finished with
 * @consumer: the token, whose owner has gone
 *
 * Context: process; may sleep, does not fail.
 */
void mpmc_lease_end(struct mpmc_consumer *consumer)
{
	struct mpmc_queue *queue = consumer->queue;
	s64 head;

	lease_return_all(consumer);
	head = atomic64_read(&consumer->returned);
	/* His memory may still be written to, and others may harvest. */
	while (!atomic64_try_cmpxchg(&consumer->returned, &head,
				     consumer->tail))
		;
	if (head != consumer->tail)
		lease_give_back_all(consumer, head);
	if (READ_ONCE(queue->shutdown))
		mpmc_queue_kick_writers(queue, 0);
}
