// SPDX-License-Identifier: GPL-2.0
/*
 * Transfers: items between a process and a queue
 *
 * User memory is read before anything is claimed, and credits are returned
 * after user memory was written: a bad address loses nothing.
 */
#include "transfer.h"

#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/rcupdate.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/uio.h>

#include "batch.h"
#include "compat/timens.h"
#include "compat/uninitialized.h"
#include "copy.h"
#include "counters.h"
#include "producer.h"
#include "queue.h"
#include "trace.h"
#include "wait.h"

/* Buffers for up to so many items come from a cache. */
#define BUFFER_ITEMS 1024

#define BUFFER_ITEM_SIZE (sizeof(u64) + sizeof(u32))
#define BUFFER_SIZE \
	(sizeof(struct mpmc_requeue_node) + BUFFER_ITEMS * BUFFER_ITEM_SIZE)

#define TRANSFER_FLAGS (MPMC_TRANSFER_INLINE | MPMC_TRANSFER_WAIT)

static struct kmem_cache *buffer_cache;

/*
 * Kernels that clear what they allocate leave objects with a constructor alone.
 * A buffer is filled before it is read, always.
 */
static void buffer_construct(void *buffer)
{
}

/**
 * mpmc_transfer_init() - set up what transfers need
 *
 * Hardened kernels look whether a cache's objects are for users' data.
 *
 * Context: process; may sleep.
 * Return: 0 or -ENOMEM.
 */
int mpmc_transfer_init(void)
{
	buffer_cache = kmem_cache_create_usercopy("mpmc_transfer", BUFFER_SIZE,
						  0, SLAB_ACCOUNT, 0,
						  BUFFER_SIZE,
						  buffer_construct);
	return buffer_cache ? 0 : -ENOMEM;
}

/**
 * mpmc_transfer_exit() - the end of it
 *
 * Context: process; may sleep.
 */
void mpmc_transfer_exit(void)
{
	kmem_cache_destroy(buffer_cache);
}

/* Memory for so many items, of this size altogether; not cleared. */
static void *buffer_alloc(unsigned int count, size_t size)
{
	if (count <= BUFFER_ITEMS)
		return kmem_cache_alloc(buffer_cache, GFP_KERNEL);
	return kvmalloc(size, GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
}

static void buffer_free(void *buffer, unsigned int count)
{
	if (count <= BUFFER_ITEMS)
		kmem_cache_free(buffer_cache, buffer);
	else
		kvfree(buffer);
}

/**
 * mpmc_transfer_buffer() - memory for items
 * @count: for how many
 *
 * Context: process; may sleep.
 * Return: it, to be given to mpmc_transfer_buffer_free(); or NULL.
 */
u64 *mpmc_transfer_buffer(unsigned int count)
{
	return buffer_alloc(count, array_size(count, sizeof(u64)));
}

/**
 * mpmc_transfer_buffer_free() - free what mpmc_transfer_buffer() returned
 * @items: the memory
 * @count: for how many items it was
 *
 * Context: process; may sleep.
 */
void mpmc_transfer_buffer_free(u64 *items, unsigned int count)
{
	buffer_free(items, count);
}

/**
 * mpmc_transfer_check() - whether what a caller asks for has a meaning
 * @transfer: what he asks for
 *
 * Context: any.
 * Return: 0 or -EINVAL.
 */
int mpmc_transfer_check(const struct mpmc_transfer *transfer)
{
	if (transfer->flags & ~TRANSFER_FLAGS || transfer->pad ||
	    !transfer->count)
		return -EINVAL;
	if (transfer->flags & MPMC_TRANSFER_INLINE && transfer->count != 1)
		return -EINVAL;
	if (!(transfer->flags & MPMC_TRANSFER_WAIT) && transfer->deadline)
		return -EINVAL;
	return 0;
}

/**
 * mpmc_transfer_wait() - wait as a caller wishes
 * @waiter: who waits
 * @deadline: until when, in the caller's time namespace
 *
 * Context: process; sleeps.
 * Return: what the attempt returned; -ETIMEDOUT; -ERESTARTSYS.
 */
int mpmc_transfer_wait(struct mpmc_waiter *waiter, u64 deadline)
{
	int ret;

	if (deadline <= KTIME_MAX)
		deadline = mpmc_timens_to_host(deadline);
	ret = mpmc_wait(waiter, deadline);
	if (ret == -ETIMEDOUT)
		mpmc_count(waiter->queue,
			   waiter->room ? MPMC_COUNT_ENQUEUE_TIMEOUTS :
					  MPMC_COUNT_DEQUEUE_TIMEOUTS, 1);
	return ret;
}

/**
 * mpmc_transfer_copy_out() - write items where the caller wants them
 * @transfer: what he asks for
 * @user: his structure
 * @offset: how many items there are already
 * @items: the items
 * @count: how many
 *
 * Not if he is being killed and will never look at them.
 *
 * Context: process; may sleep.
 * Return: 0, -EFAULT, -EINTR.
 */
int mpmc_transfer_copy_out(const struct mpmc_transfer *transfer,
			   void __user *user, unsigned int offset,
			   const u64 *items, unsigned int count)
{
	struct mpmc_transfer __user *inlined = user;
	u64 __user *array = u64_to_user_ptr(transfer->items);

	if (fatal_signal_pending(current))
		return -EINTR;
	if (transfer->flags & MPMC_TRANSFER_INLINE)
		return put_user(*items, &inlined->items);
	if (count == 1)
		return put_user(*items, array + offset);
	return mpmc_copy_out(array + offset, items, count);
}

/* --- Putting --- */

struct put {
	struct mpmc_waiter waiter;
	unsigned int share;
};

static int put_attempt(struct mpmc_waiter *waiter)
{
	struct put *put = container_of(waiter, struct put, waiter);

	return mpmc_queue_reserve(waiter->queue, put->share, waiter->room);
}

/* Look for room only. */
static int put_look(struct mpmc_queue *queue, u64 count)
{
	if (READ_ONCE(queue->shutdown))
		return -EPIPE;
	return mpmc_queue_has_room(queue, count) ? 0 : -EAGAIN;
}

static int put_look_attempt(struct mpmc_waiter *waiter)
{
	return put_look(waiter->queue, waiter->room);
}

/* There is no room. */
static void put_refused(struct mpmc_queue *queue, u32 count)
{
	mpmc_count(queue, MPMC_COUNT_FULL, 1);
	trace_full(queue, count);
}

/* Apart, like the other waits: kernels clear what lies on the stack. */
static noinline int put_wait(struct mpmc_queue *queue, unsigned int share,
			     const struct mpmc_transfer *transfer,
			     int (*attempt)(struct mpmc_waiter *waiter))
{
	struct put put;

	put_refused(queue, transfer->count);
	put.waiter.queue = queue;
	put.waiter.room = transfer->count;
	put.waiter.attempt = attempt;
	put.share = share;
	return mpmc_transfer_wait(&put.waiter, transfer->deadline);
}

/* Take credits; wait for them if the caller wishes. */
static int put_reserve(struct mpmc_queue *queue, unsigned int share,
		       const struct mpmc_transfer *transfer)
{
	int ret = mpmc_queue_reserve(queue, share, transfer->count);

	if (ret == -EAGAIN && transfer->flags & MPMC_TRANSFER_WAIT)
		ret = put_wait(queue, share, transfer, put_attempt);
	return ret;
}

/* Where items are to be put, and what that needs. */
struct place {
	struct mpmc_queue *queue;
	struct mpmc_producer *producer;
	unsigned int home;
	unsigned int share;
	unsigned int count;
	struct mpmc_spare spare;
};

static void place_init(struct place *place, struct mpmc_queue *queue,
		       struct mpmc_producer *producer, unsigned int count)
{
	place->queue = queue;
	place->producer = producer;
	place->home = producer ? 0 : mpmc_queue_home(queue);
	place->share = producer ? mpmc_producer_share(producer) :
				  mpmc_queue_home_share(queue, place->home);
	place->count = count;
	place->spare.first = NULL;
	place->spare.count = 0;
}

/*
 * How many blocks, or for a token chunks, it is to have first. Of blocks all but
 * the last one that it may need, which comes without sleeping, nearly always.
 */
static unsigned int place_needs(const struct place *place)
{
	if (place->producer)
		return !mpmc_producer_fits(place->producer, place->count);
	return place->count / MPMC_BLOCK_SLOTS;
}

/* Get memory; may sleep. */
static int place_fill(struct place *place, unsigned int need)
{
	if (place->producer)
		return mpmc_producer_prepare(place->producer, place->count);
	return mpmc_pool_fill(&place->queue->pool, &place->spare, need);
}

/* Give up what memory there is. */
static void place_drain(struct place *place)
{
	if (place->producer)
		mpmc_producer_unprepare(place->producer);
	else if (place->spare.count)
		mpmc_pool_drain(&place->queue->pool, &place->spare);
}

/* Put items for which there are credits; how much memory it needs first. */
static int place_put(struct place *place, const u64 *items)
{
	if (place->producer)
		return mpmc_producer_put(place->producer, items, place->count);
	return mpmc_queue_put(place->queue, place->home, &place->spare, items,
			      place->count);
}

/*
 * Take credits for a put that needs memory first. Room is looked for before that,
 * so that what is refused costs none, and what waits holds none; and it is taken
 * after that, so that nobody finds it taken by a put that sleeps for memory,
 * and may not get any.
 */
static int place_reserve(struct place *place,
			 const struct mpmc_transfer *transfer,
			 unsigned int need)
{
	bool wait = transfer->flags & MPMC_TRANSFER_WAIT;
	struct mpmc_queue *queue = place->queue;
	int ret;

	if (!need)
		return put_reserve(queue, place->share, transfer);
	do {
		ret = put_look(queue, transfer->count);
		if (ret == -EAGAIN && wait)
			ret = put_wait(queue, place->share, transfer,
				       put_look_attempt);
		if (!ret)
			ret = place_fill(place, need);
		if (!ret)
			ret = mpmc_queue_reserve(queue, place->share,
						 transfer->count);
		if (ret)
			place_drain(place);
	} while (ret == -EAGAIN && wait);
	return ret;
}

/*
 * Put items from kernel memory, through a token that the caller is inside of,
 * or without one. Where there is but one segment, everything goes through it.
 */
static int put_items(struct mpmc_queue *queue, struct mpmc_producer *producer,
		     const struct mpmc_transfer *transfer, const u64 *items)
{
	struct mpmc_producer *ring = queue->segments > 1 ? producer : NULL;
	struct place place mpmc_uninitialized;
	int ret, need;

	place_init(&place, queue, ring, transfer->count);
	need = place_needs(&place);
	do {
		ret = ring ? 0 : mpmc_queue_prepare(queue, place.home);
		if (!ret)
			ret = place_reserve(&place, transfer, need);
		if (ret)
			break;
		need = place_put(&place, items);
		if (need < 0)
			ret = need;
		else if (need)
			mpmc_queue_unreserve(queue, transfer->count);
	} while (need > 0);
	place_drain(&place);
	if (ret == -EAGAIN)
		put_refused(queue, transfer->count);
	if (ret)
		return ret;
	if (!ring)
		mpmc_count(queue, MPMC_COUNT_ENQUEUED, transfer->count);
	trace_enqueue(queue, producer, transfer->count);
	return 0;
}

static int put_enter(struct mpmc_queue *queue, struct mpmc_producer *producer,
		     const struct mpmc_transfer *transfer, const u64 *items)
{
	int ret;

	if (!producer)
		return put_items(queue, NULL, transfer, items);
	if (!mpmc_producer_enter(producer))
		return -EBUSY;
	ret = mpmc_producer_begin(producer);
	if (!ret)
		ret = put_items(queue, producer, transfer, items);
	mpmc_producer_end(producer);
	mpmc_producer_leave(producer);
	mpmc_producer_tidy(producer);
	return ret;
}

/* As a caller would ask for it who has no deadline. */
static struct mpmc_transfer transfer_of(unsigned int count, bool wait)
{
	return (struct mpmc_transfer){
		.count = count,
		.flags = wait ? MPMC_TRANSFER_WAIT : 0,
		.deadline = wait ? MPMC_FOREVER : 0,
	};
}

/**
 * mpmc_transfer_put_kernel() - put items that are in the kernel already
 * @queue: the queue
 * @items: the items
 * @count: how many, at least 1 and at most the capacity
 * @wait: wait for room
 *
 * All or none.
 *
 * Context: process; may sleep for memory, and for room if it is to wait.
 * Return: 0, -EAGAIN, -EPIPE, -ENOMEM, -ERESTARTSYS.
 */
int mpmc_transfer_put_kernel(struct mpmc_queue *queue, const u64 *items,
			     unsigned int count, bool wait)
{
	struct mpmc_transfer transfer = transfer_of(count, wait);

	return put_items(queue, NULL, &transfer, items);
}

static noinline int put_array(struct mpmc_queue *queue,
			      struct mpmc_producer *producer,
			      const struct mpmc_transfer *transfer)
{
	u64 *items = mpmc_transfer_buffer(transfer->count);
	int ret;

	if (!items)
		return -ENOMEM;
	ret = mpmc_copy_in(items, u64_to_user_ptr(transfer->items),
			   transfer->count);
	if (!ret)
		ret = put_enter(queue, producer, transfer, items);
	buffer_free(items, transfer->count);
	return ret;
}

/**
 * mpmc_transfer_put() - put a caller's items, all or none
 * @queue: the queue
 * @producer: the token to put them through, or NULL
 * @transfer: what the caller asks for
 *
 * Context: process; may sleep.
 * Return: 0 or an error of struct mpmc_transfer's.
 */
long mpmc_transfer_put(struct mpmc_queue *queue,
		       struct mpmc_producer *producer,
		       struct mpmc_transfer *transfer)
{
	int ret = mpmc_transfer_check(transfer);

	if (ret)
		return ret;
	if (READ_ONCE(queue->shutdown))
		return -EPIPE;
	if (transfer->count > queue->capacity.total)
		return -EMSGSIZE;
	if (transfer->flags & MPMC_TRANSFER_INLINE)
		return put_enter(queue, producer, transfer, &transfer->items);
	return put_array(queue, producer, transfer);
}

/* --- Taking, without a token --- */

/**
 * struct sink - where items go
 * @transfer: what the caller asks for
 * @user: his structure
 * @iter: his memory, if it is not the structure that says where it is; or NULL
 */
struct sink {
	const struct mpmc_transfer *transfer;
	void __user *user;
	struct iov_iter *iter;
};

/* As mpmc_transfer_copy_out(): all of them, or none. */
static int sink_copy_iter(struct iov_iter *iter, const u64 *items,
			  unsigned int count)
{
	size_t size = count * sizeof(*items);
	size_t copied;

	if (fatal_signal_pending(current))
		return -EINTR;
	copied = copy_to_iter(items, size, iter);
	if (copied == size)
		return 0;
	iov_iter_revert(iter, copied);
	return -EFAULT;
}

static int sink_copy(const struct sink *sink, unsigned int offset,
		     const u64 *items, unsigned int count)
{
	if (sink->iter)
		return sink_copy_iter(sink->iter, items, count);
	return mpmc_transfer_copy_out(sink->transfer, sink->user, offset, items,
				      count);
}

struct take {
	struct mpmc_waiter waiter;
	struct mpmc_cursor *cursor;
	struct mpmc_batch *batch;
};

static int take_attempt(struct mpmc_waiter *waiter)
{
	struct take *take = container_of(waiter, struct take, waiter);

	return mpmc_queue_take(waiter->queue, take->cursor, take->batch);
}

static noinline int take_wait(struct mpmc_queue *queue,
			      const struct mpmc_transfer *transfer,
			      struct mpmc_cursor *cursor,
			      struct mpmc_batch *batch)
{
	struct take take;

	take.waiter.queue = queue;
	take.waiter.room = 0;
	take.waiter.attempt = take_attempt;
	take.cursor = cursor;
	take.batch = batch;
	return mpmc_transfer_wait(&take.waiter, transfer->deadline);
}

/* Fill a batch; wait for the first item if the caller wishes. */
static int take_batch(struct mpmc_queue *queue,
		      const struct mpmc_transfer *transfer,
		      struct mpmc_batch *batch, bool first)
{
	struct mpmc_cursor *cursor = mpmc_queue_cursor(queue);
	int ret;

	mpmc_batch_clear(batch);
	ret = mpmc_queue_take(queue, cursor, batch);
	if (ret == -EAGAIN && first && transfer->flags & MPMC_TRANSFER_WAIT)
		ret = take_wait(queue, transfer, cursor, batch);
	return ret;
}

/* Nobody has seen these items: they have not been handed out. */
static void take_undo(struct mpmc_batch *batch)
{
	unsigned int i;

	mpmc_batch_complete(batch);
	for (i = 0; i < batch->count; i++)
		batch->deliveries[i]--;
}

static void cached_free(struct rcu_head *rcu)
{
	kmem_cache_free(buffer_cache,
			container_of(rcu, struct mpmc_requeue_node, rcu));
}

static void cached_node_free(struct mpmc_requeue_node *node)
{
	call_rcu(&node->rcu, cached_free);
}

static void large_node_free(struct mpmc_requeue_node *node)
{
	kvfree_rcu(node, rcu);
}

/* A buffer that begins with a node, for so many items. */
static struct mpmc_requeue_node *node_alloc(unsigned int max)
{
	struct mpmc_requeue_node *node =
		buffer_alloc(max, sizeof(*node) + max * BUFFER_ITEM_SIZE);

	if (node)
		node->free = max <= BUFFER_ITEMS ? cached_node_free :
						   large_node_free;
	return node;
}

/*
 * There is no memory, and an item that is nowhere but on the stack. It gets some,
 * beyond its cgroup's limit: but no more before what others had like that can be
 * free again.
 */
static struct mpmc_requeue_node *node_insist(struct mpmc_batch *batch)
{
	struct mpmc_requeue_node *node;

	synchronize_rcu();
	node = kmalloc(sizeof(*node) + BUFFER_ITEM_SIZE,
		       GFP_KERNEL_ACCOUNT | __GFP_NOFAIL);
	node->free = large_node_free;
	node->items = (u64 *)(node + 1);
	node->deliveries = (u32 *)(node->items + 1);
	*node->items = *batch->items;
	*node->deliveries = *batch->deliveries;
	return node;
}

/*
 * Put a batch back that the caller does not get. Without memory for a copy, the
 * buffer that it is in goes back with it, and is not there any more.
 */
static noinline void take_back(struct mpmc_queue *queue,
			       struct mpmc_batch *batch,
			       struct mpmc_requeue_node **buffer)
{
	struct mpmc_requeue_chain chain = {};
	struct mpmc_requeue_node *node = *buffer;

	take_undo(batch);
	if (!mpmc_requeue_chain_copy(&chain, batch->items, batch->deliveries,
				     batch->count)) {
		mpmc_requeue_chain_free(&chain);
		if (node) {
			node->items = batch->items;
			node->deliveries = batch->deliveries;
		} else {
			node = node_insist(batch);
		}
		node->count = batch->count;
		mpmc_requeue_chain_add(&chain, node);
		*buffer = NULL;
	}
	mpmc_queue_requeue(queue, &chain, batch->count);
}

/* Hand a batch to the caller, or put it back. */
static int take_deliver(struct mpmc_queue *queue, const struct sink *sink,
			unsigned int offset, struct mpmc_batch *batch,
			struct mpmc_requeue_node **buffer)
{
	int ret = sink_copy(sink, offset, batch->items, batch->count);

	if (ret) {
		take_back(queue, batch, buffer);
		return ret;
	}
	mpmc_queue_finish(queue, batch);
	trace_dequeue(queue, NULL, batch->count);
	return 0;
}

static long take_batches(struct mpmc_queue *queue, const struct sink *sink,
			 struct mpmc_batch *batch,
			 struct mpmc_requeue_node **buffer)
{
	const struct mpmc_transfer *transfer = sink->transfer;
	unsigned int chunk = batch->max;
	long total = 0;
	int ret;

	do {
		batch->max = min_t(unsigned int, chunk,
				   transfer->count - total);
		ret = take_batch(queue, transfer, batch, !total);
		if (!ret)
			ret = take_deliver(queue, sink, total, batch, buffer);
		if (ret)
			return total ?: ret;
		total += batch->count;
		cond_resched();
	} while (batch->count == chunk && total < transfer->count &&
		 !signal_pending(current));
	return total;
}

static long take_one(struct mpmc_queue *queue, const struct sink *sink)
{
	u64 item;
	u32 deliveries;
	struct mpmc_batch batch mpmc_uninitialized;
	struct mpmc_requeue_node *none = NULL;
	int ret;

	batch.items = &item;
	batch.deliveries = &deliveries;
	batch.max = 1;
	ret = take_batch(queue, sink->transfer, &batch, true);
	if (!ret)
		ret = take_deliver(queue, sink, 0, &batch, &none);
	return ret ?: 1;
}

static long take_many(struct mpmc_queue *queue, const struct sink *sink)
{
	unsigned int max = min3((u64)sink->transfer->count,
				queue->capacity.total,
				(u64)MPMC_TRANSFER_CHUNK);
	struct mpmc_requeue_node *buffer = node_alloc(max);
	struct mpmc_batch batch mpmc_uninitialized;
	long ret;

	if (!buffer)
		return -ENOMEM;
	batch.items = (u64 *)(buffer + 1);
	batch.deliveries = (u32 *)(batch.items + max);
	batch.max = max;
	ret = take_batches(queue, sink, &batch, &buffer);
	if (buffer)
		buffer_free(buffer, max);
	return ret;
}

/**
 * mpmc_transfer_take() - take items for a caller without a token
 * @queue: the queue
 * @transfer: what the caller asks for
 * @user: the caller's structure
 *
 * Context: process; may sleep.
 * Return: how many, at least one, or an error of struct mpmc_transfer's.
 */
long mpmc_transfer_take(struct mpmc_queue *queue,
			struct mpmc_transfer *transfer, void __user *user)
{
	struct sink sink = { .transfer = transfer, .user = user };
	int ret = mpmc_transfer_check(transfer);

	if (ret)
		return ret;
	if (transfer->count == 1)
		return take_one(queue, &sink);
	transfer->count = min_t(u32, transfer->count, INT_MAX);
	return take_many(queue, &sink);
}

/**
 * mpmc_transfer_take_iter() - take items for a caller who reads
 * @queue: the queue
 * @iter: where they are to go
 * @count: the most to take, at least 1, for which @iter has room
 * @wait: wait for the first
 *
 * Context: process; may sleep.
 * Return: how many, at least one; -EAGAIN, -EPIPE, -ENOMEM, -EFAULT, -EINTR,
 * -ERESTARTSYS.
 */
long mpmc_transfer_take_iter(struct mpmc_queue *queue, struct iov_iter *iter,
			     unsigned int count, bool wait)
{
	struct mpmc_transfer transfer = transfer_of(count, wait);
	struct sink sink = { .transfer = &transfer, .iter = iter };

	return count == 1 ? take_one(queue, &sink) : take_many(queue, &sink);
}
