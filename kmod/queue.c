// SPDX-License-Identifier: GPL-2.0
/*
 * The queue: segments, capacity and waiters brought together
 */
#include "queue.h"

#include <linux/gfp.h>
#include <linux/hash.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "batch.h"
#include "consumer.h"
#include "counters.h"
#include "producer.h"
#include "trace.h"
#include "wait.h"

static void segment_free(struct mpmc_segment *segment)
{
	if (segment)
		mpmc_segment_destroy(segment);
	kfree(segment);
}

static int queue_init_page(struct mpmc_queue *queue)
{
	struct mpmc_map_queue *map;

	queue->page = alloc_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO);
	if (!queue->page)
		return -ENOMEM;
	map = page_address(queue->page);
	mpmc_sleepers_init(&queue->read_sleepers, &map->readers);
	mpmc_sleepers_init(&queue->write_sleepers, &map->writers);
	return 0;
}

static int queue_init(struct mpmc_queue *queue, u64 capacity)
{
	unsigned int i;

	if (queue_init_page(queue))
		return -ENOMEM;
	queue->segment = kcalloc(queue->segments, sizeof(*queue->segment),
				 GFP_KERNEL_ACCOUNT);
	queue->cursor = kcalloc(MPMC_CURSORS, sizeof(*queue->cursor),
				GFP_KERNEL_ACCOUNT);
	if (!queue->segment || !queue->cursor)
		return -ENOMEM;
	/* Start them apart. */
	for (i = 0; i < MPMC_CURSORS; i++) {
		atomic64_set(&queue->cursor[i].cursor.place,
			     (u64)(i % queue->segments) << 32 | MPMC_QUOTA);
	}
	if (mpmc_capacity_init(&queue->capacity, capacity, queue->segments))
		return -ENOMEM;
	return mpmc_pending_init(&queue->pending,
				 queue->segments + MPMC_MAX_TOKENS);
}

/**
 * mpmc_queue_create() - make a queue
 * @capacity: in items
 * @segments: number of segments
 *
 * Context: process; may sleep.
 * Return: the queue, or NULL without memory.
 */
struct mpmc_queue *mpmc_queue_create(u64 capacity, unsigned int segments)
{
	struct mpmc_queue *queue = kzalloc(sizeof(*queue), GFP_KERNEL_ACCOUNT);

	if (!queue)
		return NULL;
	queue->segments = segments;
	init_waitqueue_head(&queue->readers);
	init_waitqueue_head(&queue->writers);
	spin_lock_init(&queue->park_lock);
	init_waitqueue_head(&queue->read_polls);
	init_waitqueue_head(&queue->write_polls);
	xa_init_flags(&queue->producers, XA_FLAGS_ALLOC | XA_FLAGS_ACCOUNT);
	xa_init_flags(&queue->consumers, XA_FLAGS_ALLOC | XA_FLAGS_ACCOUNT);
	if (queue_init(queue, capacity)) {
		mpmc_queue_destroy(queue);
		return NULL;
	}
	return queue;
}

/**
 * mpmc_queue_destroy() - free a queue nobody uses any more
 * @queue: the queue; items in it are lost
 *
 * Context: process; may sleep.
 */
void mpmc_queue_destroy(struct mpmc_queue *queue)
{
	unsigned int i;

	mpmc_producer_free_all(queue);
	xa_destroy(&queue->producers);
	xa_destroy(&queue->consumers);
	for (i = 0; queue->segment && i < queue->segments; i++)
		segment_free(queue->segment[i]);
	mpmc_pool_free(&queue->pool);
	mpmc_requeue_free(&queue->requeue);
	mpmc_pending_free(&queue->pending);
	mpmc_capacity_free(&queue->capacity);
	kfree(queue->cursor);
	kfree(queue->segment);
	if (queue->page)
		__free_page(queue->page);
	kfree(queue);
}

static u32 thread_hash(unsigned int limit)
{
	return reciprocal_scale(hash_32(task_pid_nr(current), 32), limit);
}

/**
 * mpmc_queue_home() - the segment of a thread without a token
 * @queue: the queue
 *
 * Always the same one, whatever CPU the thread runs on: what it puts comes out
 * in the order it went in. Documentation/mpmc.rst has what was measured.
 *
 * Context: process.
 * Return: the segment.
 */
unsigned int mpmc_queue_home(struct mpmc_queue *queue)
{
	return queue->segments == 1 ? 0 : thread_hash(queue->segments);
}

/**
 * mpmc_queue_cursor() - the cursor of a thread without a token
 * @queue: the queue
 *
 * Context: process.
 * Return: the cursor, which other threads may have as well.
 */
struct mpmc_cursor *mpmc_queue_cursor(struct mpmc_queue *queue)
{
	return &queue->cursor[thread_hash(MPMC_CURSORS)].cursor;
}

/**
 * mpmc_queue_returned() - credits are free again: wake whom that concerns
 * @queue: the queue
 * @count: how many, at least one
 *
 * Context: any.
 */
void mpmc_queue_returned(struct mpmc_queue *queue, u64 count)
{
	smp_mb(); /* between the credits and the waiters: B in wait.c */
	mpmc_wake_writers(queue, min_t(u64, count, INT_MAX));
	if (READ_ONCE(queue->shutdown) && mpmc_queue_drained(queue))
		mpmc_wake_all(queue);
}

/*
 * Perhaps nobody polls any more: say so. Whoever entered meanwhile may be missed
 * by an owner who looks just then; whether he is to be woken for that.
 */
static bool queue_unpoll(struct mpmc_sleepers *sleepers,
			 wait_queue_head_t *polls)
{
	/* It does not matter if we are wrong: somebody else will be here. */
	if (!(atomic_read(sleepers->word) & MPMC_MAP_POLLED) ||
	    waitqueue_active(polls)) /* see above */
		return false;
	/* Fully ordered: pairs with the barrier in mpmc_sleepers_poll(). */
	mpmc_sleepers_unpoll(sleepers);
	if (!waitqueue_active(polls)) /* see above */
		return false;
	mpmc_sleepers_poll(sleepers);
	return true;
}

/**
 * mpmc_queue_kick_readers() - the owner of a mapped ring has stored items
 * @queue: the queue
 * @count: how many
 *
 * The caller has made a full barrier since.
 *
 * Context: any.
 */
void mpmc_queue_kick_readers(struct mpmc_queue *queue, u64 count)
{
	bool missed = queue_unpoll(&queue->read_sleepers, &queue->read_polls);

	if (count || missed)
		mpmc_wake_readers(queue, clamp_t(u64, count, 1, INT_MAX));
}

/**
 * mpmc_queue_kick_writers() - the owner of a mapped ring has made room
 * @queue: the queue
 * @count: how much of it the caller has returned
 *
 * The caller has made a full barrier since.
 *
 * Context: any.
 */
void mpmc_queue_kick_writers(struct mpmc_queue *queue, u64 count)
{
	bool missed = queue_unpoll(&queue->write_sleepers, &queue->write_polls);

	if (count || missed)
		mpmc_wake_writers(queue, clamp_t(u64, count, 1, INT_MAX));
	if (READ_ONCE(queue->shutdown) && mpmc_queue_drained(queue))
		mpmc_wake_all(queue);
}

/**
 * mpmc_queue_harvest() - return the credits of what was committed by way of
 * mappings
 * @queue: the queue
 *
 * Context: any.
 * Return: whether there were any.
 */
bool mpmc_queue_harvest(struct mpmc_queue *queue)
{
	u64 count = mpmc_consumers_harvest(queue);

	if (count)
		mpmc_queue_returned(queue, count);
	return count;
}

static bool queue_try_credits(struct mpmc_queue *queue, unsigned int share,
			      u64 count, bool take)
{
	return take ? mpmc_capacity_take(&queue->capacity, share, count) :
		      mpmc_capacity_has(&queue->capacity, count);
}

/* Whether an item was committed, by way of a mapping, since that was the stamp. */
static bool queue_has_moved(struct mpmc_queue *queue, u64 stamp)
{
	u64 now = mpmc_consumers_stamp(queue);

	return now + mpmc_queue_leaving(queue) != stamp;
}

/*
 * "Full" is true only if there was a moment with no credit free, nor to be
 * harvested. A harvest that finds none, and then no free credit, and heads that
 * are where they were before the harvest: that is such a moment. The first try
 * is none, even if nothing is mapped any more when it has come to nothing: what
 * was may just have given back what it had.
 */
static bool queue_find_credits(struct mpmc_queue *queue, unsigned int share,
			       u64 count, bool take)
{
	unsigned int looks = 0;
	bool harvested;
	u64 stamp;

	if (queue_try_credits(queue, share, count, take))
		return true;
	do {
		stamp = mpmc_queue_left(queue);
		stamp += mpmc_consumers_stamp(queue);
		harvested = mpmc_queue_harvest(queue);
		if (queue_try_credits(queue, share, count, take))
			return true;
	} while ((harvested || queue_has_moved(queue, stamp)) &&
		 ++looks < MPMC_QUEUE_LOOKS);
	return false;
}

/**
 * mpmc_queue_has_room() - whether there is room, without taking it
 * @queue: the queue
 * @count: for how many items
 *
 * Context: any.
 * Return: false if there was a moment during the call at which there was not.
 */
bool mpmc_queue_has_room(struct mpmc_queue *queue, u64 count)
{
	return queue_find_credits(queue, MPMC_SHARE_COMMON, count, false);
}

/**
 * mpmc_queue_reserve() - take credits for items that are going to be put
 * @queue: the queue
 * @share: the share of the capacity to ask first
 * @count: number of items, at most the capacity
 *
 * Context: any.
 * Return: 0, -EAGAIN without room for all, -EPIPE after a shutdown.
 */
int mpmc_queue_reserve(struct mpmc_queue *queue, unsigned int share, u64 count)
{
	if (READ_ONCE(queue->shutdown))
		return -EPIPE;
	if (!queue_find_credits(queue, share, count, true))
		return -EAGAIN;
	/* After the take, fully ordered: see mpmc_queue_drained(). */
	if (READ_ONCE(queue->shutdown)) {
		mpmc_queue_unreserve(queue, count);
		return -EPIPE;
	}
	return 0;
}

/**
 * mpmc_queue_unreserve() - return credits that were not used
 * @queue: the queue
 * @count: how many, at least one
 *
 * Context: any.
 */
void mpmc_queue_unreserve(struct mpmc_queue *queue, u64 count)
{
	mpmc_capacity_return(&queue->capacity, MPMC_SHARE_COMMON, count);
	mpmc_queue_returned(queue, count);
}

/**
 * mpmc_queue_make_segment() - make a segment that has not been used so far
 * @queue: the queue
 * @index: the segment
 *
 * Context: process; may sleep for memory.
 * Return: 0 or -ENOMEM.
 */
int mpmc_queue_make_segment(struct mpmc_queue *queue, unsigned int index)
{
	struct mpmc_segment *segment =
		kzalloc(sizeof(*segment), GFP_KERNEL_ACCOUNT);

	if (!segment)
		return -ENOMEM;
	if (mpmc_segment_create(segment, &queue->pool)) {
		kfree(segment);
		return -ENOMEM;
	}
	/* Fully ordered: pairs with the acquires of those who use it. */
	if (cmpxchg(&queue->segment[index], NULL, segment)) {
		mpmc_segment_discard(segment, &queue->pool);
		kfree(segment);
	}
	return 0;
}

/**
 * mpmc_queue_put() - put items into a segment
 * @queue: the queue
 * @index: the segment, prepared
 * @spare: the caller's reserve of blocks
 * @items: the items, for which credits have been taken
 * @count: how many, at least one
 *
 * Context: any; does not sleep.
 * Return: 0; or, nothing put, the number of blocks that @spare must hold before
 * the call is repeated. The credits are the caller's to return until then.
 */
unsigned int mpmc_queue_put(struct mpmc_queue *queue, unsigned int index,
			    struct mpmc_spare *spare, const u64 *items,
			    unsigned int count)
{
	/* Acquire: pairs with mpmc_queue_make_segment(). */
	struct mpmc_segment *segment = smp_load_acquire(&queue->segment[index]);
	unsigned int need;

	need = mpmc_pool_enqueue(&queue->pool, segment, spare, items, count);
	if (!need)
		mpmc_queue_published(queue, index, count);
	return need;
}

/**
 * mpmc_queue_published() - items can be taken: say so
 * @queue: the queue
 * @source: the source that they are in
 * @count: how many, at least one
 *
 * Context: any.
 */
void mpmc_queue_published(struct mpmc_queue *queue, unsigned int source,
			  unsigned int count)
{
	mpmc_pending_set(&queue->pending, source);
	mpmc_wake_readers(queue, count);
}

/**
 * mpmc_queue_finish() - items have reached their consumer: free their room
 * @queue: the queue
 * @batch: the items, at least one
 *
 * Context: any.
 */
void mpmc_queue_finish(struct mpmc_queue *queue, const struct mpmc_batch *batch)
{
	unsigned int i;

	for (i = 0; i < batch->runs; i++)
		mpmc_capacity_return(&queue->capacity, batch->run[i].share,
				     batch->run[i].count);
	mpmc_count(queue, MPMC_COUNT_DEQUEUED, batch->count);
	mpmc_queue_returned(queue, batch->count);
}

/**
 * mpmc_queue_requeue() - put items that were taken back to the front
 * @queue: the queue
 * @chain: the items, which still hold their credits
 * @count: how many, at least one
 *
 * Context: any.
 */
void mpmc_queue_requeue(struct mpmc_queue *queue,
			const struct mpmc_requeue_chain *chain,
			unsigned int count)
{
	mpmc_requeue_push(&queue->requeue, chain);
	smp_mb(); /* A: pairs with B in wait.c */
	mpmc_wake_readers(queue, count);
}

/**
 * mpmc_queue_drained() - whether the queue is at its end
 * @queue: the queue
 *
 * That is, shut down, and every item that was or may still be accepted has
 * reached its consumer: no credit is in use.
 *
 * PRODUCER (mpmc_queue_reserve())      CONSUMER
 *
 * take credits, fully ordered  (C)     shut down?  yes
 * shut down?  no: puts its items       smp_mb()  (D)
 *                                      any credit in use?
 *
 * C pairs with D: a producer that goes on is one whose credits we see.
 *
 * Context: any.
 * Return: whether it is.
 */
bool mpmc_queue_drained(struct mpmc_queue *queue)
{
	u64 harvested;
	bool drained;

	if (!READ_ONCE(queue->shutdown))
		return false;
	smp_mb(); /* D */
	harvested = mpmc_consumers_harvest(queue);
	drained = !mpmc_capacity_used(&queue->capacity);
	if (drained && harvested) {
		/* Whoever committed that may have looked too early. */
		smp_mb(); /* A: pairs with B in wait.c */
		mpmc_wake_all(queue);
	}
	return drained;
}

/**
 * mpmc_queue_shutdown() - end the stream
 * @queue: the queue
 *
 * Mapped rings are sealed, see ring.c.
 *
 * Context: process, interrupts enabled; does not sleep.
 */
void mpmc_queue_shutdown(struct mpmc_queue *queue)
{
	u64 count;

	trace_queue_shutdown(queue);
	WRITE_ONCE(queue->shutdown, true);
	/* Before the look for mapped rings: pairs with mpmc_producer_map(). */
	smp_mb();
	mpmc_producers_seal_begin(queue);
	mpmc_sleepers_shut_down(&queue->read_sleepers);
	mpmc_sleepers_shut_down(&queue->write_sleepers);
	count = mpmc_producers_seal_end(queue);
	if (count)
		mpmc_capacity_return(&queue->capacity, MPMC_SHARE_COMMON,
				     count);
	smp_mb(); /* A: pairs with B in wait.c */
	mpmc_wake_all(queue);
}
