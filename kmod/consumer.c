// SPDX-License-Identifier: GPL-2.0
/*
 * Consumer tokens: a lease on items
 *
 * What a token takes from the queue lies in its ring until its owner has
 * finished with it, and keeps its credit until then. When the token goes, the
 * rest goes back to the front of the queue. Through ioctls a token takes what
 * it is asked for and no more; items stay in the ring only when they could not
 * be copied to the owner.
 */
#include "consumer.h"

#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "batch.h"
#include "compat/uninitialized.h"

static void consumer_free(struct mpmc_consumer *consumer)
{
	mpmc_ring_free(&consumer->ring);
	kvfree(consumer->shares);
	kfree(consumer);
}

static int consumer_init(struct mpmc_consumer *consumer, unsigned int entries)
{
	struct mpmc_ring *ring = &consumer->ring;

	if (mpmc_ring_init(ring, entries, sizeof(*consumer->deliveries)))
		return -ENOMEM;
	consumer->deliveries = (u32 *)(ring->items + entries);
	consumer->shares = kvzalloc(entries, GFP_KERNEL_ACCOUNT);
	return consumer->shares ? 0 : -ENOMEM;
}

/**
 * mpmc_consumer_create() - make a consumer token
 * @queue: the queue
 * @entries: size of its ring, a power of two
 *
 * Context: process; may sleep.
 * Return: the token, or an ERR_PTR: -ENOMEM, -ENOSPC with too many tokens.
 */
struct mpmc_consumer *mpmc_consumer_create(struct mpmc_queue *queue,
					   unsigned int entries)
{
	struct mpmc_consumer *consumer;
	int ret;

	consumer = kzalloc(sizeof(*consumer), GFP_KERNEL_ACCOUNT);
	if (!consumer)
		return ERR_PTR(-ENOMEM);
	consumer->queue = queue;
	consumer->cursor = *mpmc_queue_cursor(queue);
	ret = consumer_init(consumer, entries);
	if (!ret)
		ret = xa_alloc(&queue->consumers, &consumer->id, consumer,
			       XA_LIMIT(0, MPMC_MAX_TOKENS - 1),
			       GFP_KERNEL_ACCOUNT);
	if (ret) {
		consumer_free(consumer);
		return ERR_PTR(ret == -EBUSY ? -ENOSPC : ret);
	}
	atomic_inc(&queue->consumer_count);
	return consumer;
}

/* Put everything back that the owner has not finished with. */
static void consumer_give_back(struct mpmc_consumer *consumer)
{
	struct mpmc_ring *ring = &consumer->ring;
	u64 head = *ring->head;
	unsigned int count = *ring->tail - head;
	unsigned int slot = mpmc_ring_slot(ring, head);
	unsigned int n = mpmc_ring_piece(ring, head, count);

	/* The later piece first: what is put back last comes out first. */
	if (count > n)
		mpmc_queue_requeue(consumer->queue, ring->items,
				   consumer->deliveries, count - n);
	if (n)
		mpmc_queue_requeue(consumer->queue, ring->items + slot,
				   consumer->deliveries + slot, n);
}

/**
 * mpmc_consumer_close() - the owner has gone
 * @consumer: the token; not to be used any more
 *
 * Context: process; may sleep.
 */
void mpmc_consumer_close(struct mpmc_consumer *consumer)
{
	struct mpmc_queue *queue = consumer->queue;

	consumer_give_back(consumer);
	xa_erase(&queue->consumers, consumer->id);
	atomic_dec(&queue->consumer_count);
	consumer_free(consumer);
}

/* Note where the credits go when the items are finished with, one by one. */
static void consumer_note_shares(struct mpmc_consumer *consumer,
				 unsigned int slot,
				 const struct mpmc_batch *batch)
{
	unsigned int i;

	for (i = 0; i < batch->runs; i++) {
		memset(consumer->shares + slot, batch->run[i].share,
		       batch->run[i].count);
		slot += batch->run[i].count;
	}
}

/* Lease up to max items into one piece of the ring. */
static int consumer_refill_piece(struct mpmc_consumer *consumer,
				 unsigned int max)
{
	struct mpmc_ring *ring = &consumer->ring;
	u64 tail = *ring->tail;
	unsigned int slot = mpmc_ring_slot(ring, tail);
	struct mpmc_batch batch mpmc_uninitialized;
	int ret;

	mpmc_batch_clear(&batch);
	batch.items = ring->items + slot;
	batch.deliveries = consumer->deliveries + slot;
	batch.max = mpmc_ring_piece(ring, tail, max);
	ret = mpmc_queue_take(consumer->queue, &consumer->cursor, &batch);
	mpmc_batch_complete(&batch);
	consumer_note_shares(consumer, slot, &batch);
	/*
	 * Release: the entries are there before the tail says so. Its reader is
	 * the owner, here, so far.
	 */
	smp_store_release(ring->tail, tail + batch.count);
	return ret ?: batch.count;
}

/**
 * mpmc_consumer_refill() - lease items, unless some are left
 * @consumer: the token, which the caller is inside of
 * @max: the most to lease, at least one
 *
 * Context: any; does not sleep.
 * Return: 0; -EAGAIN when there are none; -EPIPE when there will be none any
 * more.
 */
int mpmc_consumer_refill(struct mpmc_consumer *consumer, unsigned int max)
{
	int ret;

	if (mpmc_consumer_leased(consumer))
		return 0;
	ret = consumer_refill_piece(consumer,
				    min(max, consumer->ring.entries));
	return min(ret, 0);
}

/**
 * mpmc_consumer_piece() - the oldest items of a lease that lie in one piece
 * @consumer: the token, which the caller is inside of
 * @max: the most that are wanted
 * @items: where to say where they are
 *
 * Return: how many there are.
 */
unsigned int mpmc_consumer_piece(struct mpmc_consumer *consumer,
				 unsigned int max, const u64 **items)
{
	struct mpmc_ring *ring = &consumer->ring;
	u64 head = *ring->head;

	*items = ring->items + mpmc_ring_slot(ring, head);
	return mpmc_ring_piece(ring, head,
			       min_t(u64, max, mpmc_consumer_leased(consumer)));
}

/**
 * mpmc_consumer_commit() - finish with the oldest items of a lease
 * @consumer: the token, which the caller is inside of
 * @count: how many, at least one, all in one piece
 */
void mpmc_consumer_commit(struct mpmc_consumer *consumer, unsigned int count)
{
	struct mpmc_ring *ring = &consumer->ring;
	u64 head = *ring->head;
	const u8 *shares = consumer->shares + mpmc_ring_slot(ring, head);
	struct mpmc_queue *queue = consumer->queue;
	unsigned int i, first;

	for (first = 0; first < count; first = i) {
		for (i = first + 1; i < count && shares[i] == shares[first];)
			i++;
		mpmc_capacity_return(&queue->capacity, shares[first],
				     i - first);
	}
	/* Release: pairs with the acquire in mpmc_consumer_leased(). */
	smp_store_release(ring->head, head + count);
	mpmc_queue_returned(queue, count);
}
