// SPDX-License-Identifier: GPL-2.0
/*
 * Producer tokens: a ring that one thread fills and all consumers empty
 *
 * The owner stores items and advances the tail. A consumer claims a run with
 * one compare-and-exchange, copies it, and marks it done; whoever finds the
 * oldest entries done gives them back to the owner, in order. Nobody waits.
 *
 * When the ring is full, items go to the token's spill, a segment that is made
 * for the occasion, so that a token may fill the whole queue. As long as there
 * is something in the spill the owner puts all there; when it is empty the
 * owner gives it up and goes back to the ring. So what is in the spill is newer
 * than what is in the ring, and consumers look at the ring first:
 *
 * OWNER                                 CONSUMER (producer_take())
 *
 * items into the ring                   spill = the spill, acquire  (B)
 * a new spill, release  (A)             is the ring empty?
 * items into it                         if so: take from that spill
 *
 * A pairs with B: whoever sees a spill sees all that went into the ring before
 * it. What goes into the ring afterwards goes there when the spill is empty and
 * given up, and a consumer that still has hold of it finds nothing there.
 *
 * Where the queue has one segment, a token puts into that (put_enter()), and the
 * ring stays empty: the whole queue is one FIFO.
 *
 * A token that is closed with items in it stays among the queue's sources
 * until a consumer has taken the last one.
 */
#include "producer.h"

#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "queue.h"

static struct workqueue_struct *free_queue;

/**
 * mpmc_producers_init() - set up what frees tokens
 *
 * Return: 0 or -ENOMEM.
 */
int mpmc_producers_init(void)
{
	free_queue = alloc_workqueue("mpmc_free", WQ_UNBOUND, 0);
	return free_queue ? 0 : -ENOMEM;
}

/**
 * mpmc_producers_exit() - wait until the last token is freed
 */
void mpmc_producers_exit(void)
{
	/* Works are queued by RCU callbacks. */
	rcu_barrier();
	destroy_workqueue(free_queue);
}

/**
 * struct mpmc_spill - a spill
 * @segment: the items
 * @free_work: frees it when no consumer looks at it any more
 */
struct mpmc_spill {
	struct mpmc_segment segment;
	struct rcu_work free_work;
};

static void spill_free(struct mpmc_spill *spill)
{
	mpmc_segment_destroy(&spill->segment);
	kfree(spill);
}

static void spill_free_work(struct work_struct *work)
{
	spill_free(container_of(to_rcu_work(work), struct mpmc_spill,
				free_work));
}

static struct mpmc_spill *spill_create(struct mpmc_pool *pool)
{
	struct mpmc_spill *spill = kzalloc(sizeof(*spill), GFP_KERNEL_ACCOUNT);

	if (!spill)
		return NULL;
	INIT_RCU_WORK(&spill->free_work, spill_free_work);
	if (mpmc_segment_create(&spill->segment, pool)) {
		kfree(spill);
		return NULL;
	}
	return spill;
}

static void producer_free(struct mpmc_producer *producer)
{
	if (producer->spill)
		spill_free(producer->spill);
	if (producer->next_spill)
		spill_free(producer->next_spill);
	mpmc_ring_free(&producer->ring);
	kvfree(producer->done);
	kfree(producer);
}

static void producer_free_work(struct work_struct *work)
{
	producer_free(container_of(to_rcu_work(work), struct mpmc_producer,
				   free_work));
}

/* Whether there is nothing in it; it has but one producer. */
static bool spill_empty(struct mpmc_producer *producer,
			struct mpmc_spill *spill)
{
	return !mpmc_segment_ready(&spill->segment, &producer->queue->pool);
}

/* Everything has been claimed. */
static bool producer_drained(struct mpmc_producer *producer)
{
	/* Acquire: B, see the top of the file. */
	struct mpmc_spill *spill = smp_load_acquire(&producer->spill);

	return atomic64_read(&producer->claimed) ==
		       READ_ONCE(*producer->ring.tail) &&
	       (!spill || spill_empty(producer, spill));
}

/*
 * Free a closed token that has been drained. Closing, and taking items, are
 * each fully ordered before this look at both, so the last one sees it.
 */
static void producer_reap(struct mpmc_producer *producer)
{
	if (!test_bit(MPMC_PRODUCER_CLOSED, &producer->state))
		return;
	/* Closed before drained: pairs with the barrier in closing. */
	smp_rmb();
	if (!producer_drained(producer) ||
	    test_and_set_bit(MPMC_PRODUCER_GONE, &producer->state))
		return;
	xa_erase(&producer->queue->producers, producer->id);
	queue_rcu_work(free_queue, &producer->free_work);
}

/**
 * mpmc_producer_create() - make a producer token
 * @queue: the queue
 * @entries: size of its ring, a power of two
 *
 * Context: process; may sleep.
 * Return: the token, or an ERR_PTR: -ENOMEM, -ENOSPC with too many tokens.
 */
struct mpmc_producer *mpmc_producer_create(struct mpmc_queue *queue,
					   unsigned int entries)
{
	struct mpmc_producer *producer;
	int ret = -ENOMEM;

	producer = kzalloc(sizeof(*producer), GFP_KERNEL_ACCOUNT);
	if (!producer)
		return ERR_PTR(-ENOMEM);
	producer->queue = queue;
	INIT_RCU_WORK(&producer->free_work, producer_free_work);
	producer->done = kvzalloc(entries, GFP_KERNEL_ACCOUNT);
	if (!producer->done || mpmc_ring_init(&producer->ring, entries, 0))
		goto err_free;
	ret = xa_alloc(&queue->producers, &producer->id, producer,
		       XA_LIMIT(0, MPMC_MAX_TOKENS - 1), GFP_KERNEL_ACCOUNT);
	if (ret) {
		ret = ret == -EBUSY ? -ENOSPC : ret;
		goto err_free;
	}
	atomic_inc(&queue->producer_count);
	return producer;

err_free:
	producer_free(producer);
	return ERR_PTR(ret);
}

/**
 * mpmc_producer_close() - the owner has gone
 * @producer: the token; not to be used any more
 *
 * Items in it stay in the queue.
 */
void mpmc_producer_close(struct mpmc_producer *producer)
{
	atomic_dec(&producer->queue->producer_count);
	rcu_read_lock();
	/* The last item before closed, and closed before the look. */
	smp_mb__before_atomic();
	set_bit(MPMC_PRODUCER_CLOSED, &producer->state);
	smp_mb__after_atomic(); /* pairs with the claims, see producer_reap() */
	producer_reap(producer);
	rcu_read_unlock();
}

/**
 * mpmc_producer_free_all() - free the tokens of a queue nobody uses any more
 * @queue: the queue
 */
void mpmc_producer_free_all(struct mpmc_queue *queue)
{
	struct mpmc_producer *producer;
	unsigned long id;

	xa_for_each(&queue->producers, id, producer)
		producer_free(producer);
}

/**
 * mpmc_producer_share() - the share of the capacity that its items use
 * @producer: the token
 */
unsigned int mpmc_producer_share(struct mpmc_producer *producer)
{
	struct mpmc_queue *queue = producer->queue;

	return mpmc_queue_home_share(queue, producer->id % queue->segments);
}

/* What an entry's mark is when it is done: it alternates with each lap. */
static u8 done_mark(struct mpmc_producer *producer, u64 pos)
{
	return ~(pos >> ilog2(producer->ring.entries)) & 1;
}

static bool is_done(struct mpmc_producer *producer, u64 pos)
{
	unsigned int slot = mpmc_ring_slot(&producer->ring, pos);

	/* Acquire: pairs with the release in set_done(). */
	return smp_load_acquire(&producer->done[slot]) ==
	       done_mark(producer, pos);
}

static void set_done(struct mpmc_producer *producer, u64 pos)
{
	unsigned int slot = mpmc_ring_slot(&producer->ring, pos);

	/* Release: the entry was copied before; pairs with is_done(). */
	smp_store_release(&producer->done[slot], done_mark(producer, pos));
}

/* How many entries are done from this position on. */
static u64 producer_count_done(struct mpmc_producer *producer, u64 pos)
{
	u64 end = pos;

	while (is_done(producer, end))
		end++;
	return end - pos;
}

/*
 * Entries have been copied. Consumers finish in any order, and the owner gets
 * its space back in order: mark ours, then release what is done at the front.
 */
static void producer_release(struct mpmc_producer *producer, u64 pos,
			     unsigned int count)
{
	s64 released = pos;
	u64 end = pos + count;
	u64 more;

	for (; pos < end; pos++)
		set_done(producer, pos);
	/*
	 * If ours are the oldest, that is all that there is to know of them.
	 * Before that a barrier between our marks and the look at the others',
	 * which pairs with the same there: of two that finish at the same
	 * time, at least one sees both. Also: copied before released, which
	 * pairs with the acquire in producer_room().
	 */
	smp_mb();
	if (atomic64_try_cmpxchg(&producer->released, &released, end))
		released = end;
	while ((more = producer_count_done(producer, released))) {
		if (atomic64_try_cmpxchg(&producer->released, &released,
					 released + more))
			released += more;
	}
}

static u64 producer_room(struct mpmc_producer *producer)
{
	/* Acquire: pairs with producer_release(), the entries were copied. */
	u64 released = atomic64_read_acquire(&producer->released);

	return producer->ring.entries - (*producer->ring.tail - released);
}

/* Put items into the ring, which has room for them. */
static void producer_push(struct mpmc_producer *producer, const u64 *items,
			  unsigned int count)
{
	struct mpmc_ring *ring = &producer->ring;
	u64 tail = *ring->tail;

	mpmc_ring_write(ring, tail, items, count);
	/* Release: pairs with the acquires in producer_take(). */
	smp_store_release(ring->tail, tail + count);
}

/* Give up the spill if it is empty; whether there is none now. */
static bool producer_unspill(struct mpmc_producer *producer)
{
	struct mpmc_spill *spill = producer->spill;

	if (spill && spill_empty(producer, spill)) {
		WRITE_ONCE(producer->spill, NULL);
		queue_rcu_work(free_queue, &spill->free_work);
		spill = NULL;
	}
	return !spill;
}

/* The spill to put items into, or NULL when none is ready. */
static struct mpmc_spill *producer_spill(struct mpmc_producer *producer)
{
	struct mpmc_spill *spill = producer->spill;

	if (!spill) {
		spill = producer->next_spill;
		producer->next_spill = NULL;
		/* Release: A, see the top of the file. */
		smp_store_release(&producer->spill, spill);
	}
	return spill;
}

static unsigned int producer_overflow(struct mpmc_producer *producer,
				      struct mpmc_spare *spare,
				      const u64 *items, unsigned int count)
{
	struct mpmc_pool *pool = &producer->queue->pool;
	struct mpmc_spill *spill = producer_spill(producer);
	unsigned int need;

	if (!spill)
		return spare->count + 1;
	/* Before they can be taken: never less than nothing. */
	atomic64_add(count, &producer->spilled);
	need = mpmc_pool_enqueue(pool, &spill->segment, spare, items, count);
	if (need)
		atomic64_sub(count, &producer->spilled);
	return need;
}

/**
 * mpmc_producer_fits() - whether items will go into the ring
 * @producer: the token, which the caller is inside of
 * @count: how many items, at least one
 */
bool mpmc_producer_fits(struct mpmc_producer *producer, unsigned int count)
{
	struct mpmc_spill *spill = producer->spill;

	return count <= producer_room(producer) &&
	       (!spill || spill_empty(producer, spill));
}

/**
 * mpmc_producer_prepare() - have a place ready to put items into
 * @producer: the token, which the caller is inside of
 * @count: how many items, at least one
 *
 * Context: process; may sleep for memory.
 * Return: 0 or -ENOMEM.
 */
int mpmc_producer_prepare(struct mpmc_producer *producer, unsigned int count)
{
	if (count <= producer_room(producer) || producer->spill ||
	    producer->next_spill)
		return 0;
	producer->next_spill = spill_create(&producer->queue->pool);
	return producer->next_spill ? 0 : -ENOMEM;
}

/**
 * mpmc_producer_put() - put items
 * @producer: the token, which the caller is inside of, prepared
 * @spare: the caller's reserve of blocks
 * @items: the items, for which credits have been taken
 * @count: how many, at least one
 *
 * Context: any; does not sleep.
 * Return: 0; or, nothing put, the number of blocks that @spare must hold before
 * the token is prepared again and the call repeated. The credits are the
 * caller's to return until then.
 */
unsigned int mpmc_producer_put(struct mpmc_producer *producer,
			       struct mpmc_spare *spare, const u64 *items,
			       unsigned int count)
{
	struct mpmc_queue *queue = producer->queue;
	unsigned int need;

	if (count <= producer_room(producer) && producer_unspill(producer)) {
		producer_push(producer, items, count);
	} else {
		need = producer_overflow(producer, spare, items, count);
		if (need)
			return need;
	}
	mpmc_queue_published(queue, queue->segments + producer->id, count);
	return 0;
}

static unsigned int producer_take(struct mpmc_producer *producer, u64 *items,
				  unsigned int max)
{
	/* Acquire: B, see the top of the file. */
	struct mpmc_spill *spill = smp_load_acquire(&producer->spill);
	unsigned int count;

	for (;;) {
		/* Acquire: claimed before tail, or there would be too many. */
		s64 first = atomic64_read_acquire(&producer->claimed);
		/* Acquire: pairs with the release in producer_push(). */
		u64 tail = smp_load_acquire(producer->ring.tail);

		count = min_t(u64, max, tail - first);
		if (!count)
			break;
		if (atomic64_try_cmpxchg(&producer->claimed, &first,
					 first + count)) {
			mpmc_ring_read(&producer->ring, first, items, count);
			producer_release(producer, first, count);
			return count;
		}
	}
	if (!spill)
		return 0;
	count = mpmc_segment_dequeue(&spill->segment, &producer->queue->pool,
				     items, max);
	atomic64_sub(count, &producer->spilled);
	return count;
}

/**
 * mpmc_producer_take() - take items from a producer token
 * @queue: the queue
 * @id: the token's id; there may be none by this name any more
 * @items: where to put them
 * @max: the most items to take, at least one
 *
 * Context: any; takes the RCU read lock.
 * Return: how many were taken, at least one if any was there; there may be
 * more even if it is less than @max.
 */
unsigned int mpmc_producer_take(struct mpmc_queue *queue, u32 id, u64 *items,
				unsigned int max)
{
	struct mpmc_producer *producer;
	unsigned int count = 0;

	/* Until the items are copied: the last one frees the token. */
	rcu_read_lock();
	producer = xa_load(&queue->producers, id);
	if (producer) {
		count = producer_take(producer, items, max);
		producer_reap(producer);
	}
	rcu_read_unlock();
	return count;
}

/**
 * mpmc_producer_ready() - whether there is an item to take
 * @queue: the queue
 * @id: the token's id; there may be none by this name any more
 *
 * Context: any; takes the RCU read lock.
 */
bool mpmc_producer_ready(struct mpmc_queue *queue, u32 id)
{
	struct mpmc_producer *producer;
	bool ready;

	rcu_read_lock();
	producer = xa_load(&queue->producers, id);
	ready = producer && !producer_drained(producer);
	rcu_read_unlock();
	return ready;
}

/**
 * mpmc_producer_items() - how many items are in a token
 * @producer: the token
 *
 * Return: the number, approximate while others are at work.
 */
u64 mpmc_producer_items(struct mpmc_producer *producer)
{
	u64 claimed = atomic64_read_acquire(&producer->claimed);

	return READ_ONCE(*producer->ring.tail) - claimed +
	       atomic64_read(&producer->spilled);
}
