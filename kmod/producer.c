// SPDX-License-Identifier: GPL-2.0
/*
 * Producer tokens: a ring that one thread fills and all consumers empty
 *
 * ring.c has the ring. When it is full, what is in it is moved to a chunk that
 * is made for the occasion, so that a token may fill the whole queue.
 *
 * Where the queue has one segment, a token puts into that (put_enter()), and the
 * ring stays empty: the whole queue is one FIFO.
 *
 * The owner of a mapped ring is granted room, for which credits are taken, and
 * uses it without a call. In a call, of which there is one at a time, what is
 * left of it is taken back first, so that calls find a ring like any other.
 *
 * A token that is closed with items in it stays among the queue's sources
 * until a consumer has taken the last one.
 */
#include "producer.h"

#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <uapi/linux/mpmc.h>

#include "counters.h"
#include "free.h"
#include "queue.h"
#include "trace.h"

static void producer_free(struct mpmc_producer *producer)
{
	mpmc_ring_free_chunks(&producer->ring);
	kvfree(producer->chunk);
	mpmc_pages_free(&producer->pages);
	kvfree(producer->done);
	kfree(producer);
}

static void producer_free_work(struct work_struct *work)
{
	producer_free(container_of(to_rcu_work(work), struct mpmc_producer,
				   free_work));
}

/**
 * mpmc_chunk_free() - free a chunk after an RCU grace period
 * @chunk: the chunk
 *
 * Context: any.
 */
void mpmc_chunk_free(struct mpmc_chunk *chunk)
{
	kvfree_rcu(chunk, rcu);
}

/*
 * Free a closed token that has been drained. Closing, and taking items, are
 * each fully ordered before this look at both, so the last one sees it.
 */
static void producer_reap(struct mpmc_producer *producer)
{
	u64 put;

	if (!test_bit(MPMC_PRODUCER_CLOSED, &producer->state))
		return;
	/* Closed before drained: pairs with the barrier in closing. */
	smp_rmb();
	if (mpmc_ring_count(&producer->ring) ||
	    test_and_set_bit(MPMC_PRODUCER_GONE, &producer->state))
		return;
	mpmc_queue_leave_begin(producer->queue);
	if (test_bit(MPMC_PRODUCER_MAPPED, &producer->state))
		atomic_dec(&producer->queue->mapped_producers);
	xa_erase(&producer->queue->producers, producer->id);
	mpmc_queue_leave_end(producer->queue);
	put = mpmc_ring_put(&producer->ring);
	mpmc_count_gone(producer->queue, put);
	trace_producer_free(producer->queue, producer->id, put);
	mpmc_free_later(&producer->free_work);
}

static int producer_init(struct mpmc_producer *producer, unsigned int entries)
{
	producer->done = kvcalloc(entries, sizeof(*producer->done),
				  GFP_KERNEL_ACCOUNT);
	if (!producer->done ||
	    mpmc_pages_init(&producer->pages, entries * sizeof(u64)))
		return -ENOMEM;
	producer->page = mpmc_pages_at(&producer->pages, MPMC_PAGE_KERNEL);
	mpmc_ring_init(&producer->ring, entries,
		       mpmc_pages_at(&producer->pages, MPMC_PAGE_DATA),
		       mpmc_pages_at(&producer->pages, MPMC_PAGE_OWNER),
		       producer->done);
	return 0;
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
	int ret;

	producer = kzalloc(sizeof(*producer), GFP_KERNEL_ACCOUNT);
	if (!producer)
		return ERR_PTR(-ENOMEM);
	producer->queue = queue;
	producer->grant = 1;
	INIT_RCU_WORK(&producer->free_work, producer_free_work);
	ret = producer_init(producer, entries);
	if (ret)
		goto err_free;
	ret = xa_alloc(&queue->producers, &producer->id, producer,
		       XA_LIMIT(0, MPMC_MAX_TOKENS - 1), GFP_KERNEL_ACCOUNT);
	if (ret) {
		ret = ret == -EBUSY ? -ENOSPC : ret;
		goto err_free;
	}
	atomic_inc(&queue->producer_count);
	trace_producer_create(queue, producer->id, entries);
	return producer;

err_free:
	producer_free(producer);
	return ERR_PTR(ret);
}

/* What is granted and not used goes back to the queue. */
static void producer_return(struct mpmc_producer *producer, u64 count)
{
	struct mpmc_queue *queue = producer->queue;

	if (!count)
		return;
	mpmc_capacity_return(&queue->capacity, mpmc_producer_share(producer),
			     count);
	mpmc_queue_returned(queue, count);
}

/*
 * The owner of a mapped ring has gone, in the middle of a call perhaps: he may
 * have stored items and not said so.
 */
static void producer_settle(struct mpmc_producer *producer, s64 unused)
{
	struct mpmc_ring *ring = &producer->ring;

	WRITE_ONCE(producer->page->position, mpmc_ring_promise(ring));
	if (unused > 0)
		producer_return(producer, unused);
	smp_mb(); /* A: pairs with B in wait.c */
	mpmc_queue_kick_readers(producer->queue, mpmc_ring_count(ring));
}

/* Nobody can store items any more; or if so, they do not count. */
static void producer_seal(struct mpmc_producer *producer)
{
	struct mpmc_ring *ring = &producer->ring;

	mpmc_ring_seal_begin(ring);
	producer_settle(producer, mpmc_ring_seal_end(ring));
}

/**
 * mpmc_producer_close() - the owner has gone
 * @producer: the token; not to be used any more
 *
 * Items in it stay in the queue.
 *
 * Context: process; does not sleep.
 */
void mpmc_producer_close(struct mpmc_producer *producer)
{
	struct mpmc_queue *queue = producer->queue;

	if (test_bit(MPMC_PRODUCER_MAPPED, &producer->state))
		producer_seal(producer);
	if (trace_producer_close_enabled())
		trace_producer_close(queue, producer->id,
				     mpmc_producer_items(producer));
	rcu_read_lock();
	/* The last item before closed, and closed before the look. */
	smp_mb__before_atomic();
	set_bit(MPMC_PRODUCER_CLOSED, &producer->state);
	smp_mb__after_atomic(); /* pairs with the claims, see producer_reap() */
	producer_reap(producer);
	rcu_read_unlock();
	/* Pairs with mpmc_queue_inspect(): who sees none finds what they left. */
	smp_mb__before_atomic();
	atomic_dec(&queue->producer_count);
}

/**
 * mpmc_producer_free_all() - free the tokens of a queue nobody uses any more
 * @queue: the queue
 *
 * Context: process; may sleep.
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
 *
 * Context: any.
 * Return: the share, for mpmc_capacity_take() and the like.
 */
unsigned int mpmc_producer_share(struct mpmc_producer *producer)
{
	struct mpmc_queue *queue = producer->queue;

	return mpmc_queue_home_share(queue, producer->id % queue->segments);
}

/* A chunk for so many items, or NULL. */
static struct mpmc_chunk *chunk_create(u64 size)
{
	struct mpmc_chunk *chunk;

	if (size > INT_MAX / sizeof(u64) - sizeof(*chunk))
		return NULL;
	chunk = kvmalloc(struct_size(chunk, items, size),
			 GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (chunk)
		chunk->size = size;
	return chunk;
}

/**
 * mpmc_producer_fits() - whether items will go into the ring
 * @producer: the token, which the caller is inside of
 * @count: how many items, at least one
 *
 * Context: any.
 * Return: whether they will; if not, a chunk is needed.
 */
bool mpmc_producer_fits(struct mpmc_producer *producer, unsigned int count)
{
	return mpmc_ring_fits(&producer->ring, count);
}

/**
 * mpmc_producer_unprepare() - give up what mpmc_producer_prepare() made
 * @producer: the token, which the caller is inside of
 *
 * Context: process; may sleep.
 */
void mpmc_producer_unprepare(struct mpmc_producer *producer)
{
	kvfree(producer->chunk);
	producer->chunk = NULL;
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
	u64 size = mpmc_ring_chunk_size(&producer->ring, count);

	if (!size || (producer->chunk && producer->chunk->size >= size))
		return 0;
	mpmc_producer_unprepare(producer);
	producer->chunk = chunk_create(size);
	return producer->chunk ? 0 : -ENOMEM;
}

/* Put items into the ring, or move it to a chunk and put them there. */
static bool producer_push(struct mpmc_producer *producer, const u64 *items,
			  unsigned int count)
{
	struct mpmc_ring *ring = &producer->ring;

	if (mpmc_ring_fits(ring, count)) {
		if (!mpmc_ring_grant(ring, count))
			return false;
		mpmc_ring_push(ring, items, count);
		return true;
	}
	if (!mpmc_ring_move(ring, producer->chunk, items, count))
		return false;
	producer->chunk = NULL;
	return true;
}

/*
 * After a store by the owner, or for him, and a full barrier: has the ring been
 * sealed before it? What is then beyond its end is not in the queue, and its
 * credits have been returned by whoever decided that. But not before the owner
 * can see the shutdown, or he would go on without asking again.
 */
static int producer_verdict(struct mpmc_producer *producer)
{
	struct mpmc_ring *ring = &producer->ring;

	if (!mpmc_ring_sealed(ring) ||
	    !mpmc_sleepers_told(&producer->queue->read_sleepers))
		return 0;
	smp_rmb(); /* both before what is decided: mpmc_ring_seal_begin() */
	producer_return(producer, mpmc_ring_seal_end(ring));
	return mpmc_ring_accepted(ring) ? 0 : -EPIPE;
}

/**
 * mpmc_producer_put() - put items
 * @producer: the token, which the caller is inside of, prepared
 * @items: the items, for which credits have been taken
 * @count: how many, at least one
 *
 * Context: any; does not sleep.
 * Return: 0; or, nothing put and the credits returned, -EPIPE after a shutdown.
 */
int mpmc_producer_put(struct mpmc_producer *producer, const u64 *items,
		      unsigned int count)
{
	struct mpmc_queue *queue = producer->queue;

	if (!producer_push(producer, items, count)) {
		producer_return(producer, count);
		return -EPIPE;
	}
	mpmc_queue_published(queue, queue->segments + producer->id, count);
	return producer_verdict(producer);
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
		count = mpmc_ring_take(&producer->ring, items, max);
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
 * Return: whether there is.
 */
bool mpmc_producer_ready(struct mpmc_queue *queue, u32 id)
{
	struct mpmc_producer *producer;
	bool ready;

	rcu_read_lock();
	producer = xa_load(&queue->producers, id);
	ready = producer && mpmc_ring_count(&producer->ring);
	rcu_read_unlock();
	return ready;
}

/**
 * mpmc_producer_items() - how many items are in a token
 * @producer: the token
 *
 * Context: any.
 * Return: the number, approximate while others are at work.
 */
u64 mpmc_producer_items(struct mpmc_producer *producer)
{
	return mpmc_ring_count(&producer->ring);
}

/* --- Mapped rings --- */

/**
 * mpmc_producer_map() - the ring is going to be mapped by its owner
 * @producer: the token
 *
 * From now on items may come without anybody saying so: it is looked at
 * whenever items are looked for.
 *
 * Context: process; may sleep.
 * Return: 0; -EBUSY if it is mapped; -EPIPE after a shutdown.
 */
int mpmc_producer_map(struct mpmc_producer *producer)
{
	struct mpmc_queue *queue = producer->queue;

	if (atomic_cmpxchg(&producer->maps, 0, 1))
		return -EBUSY;
	if (!test_and_set_bit(MPMC_PRODUCER_MAPPED, &producer->state)) {
		xa_set_mark(&queue->producers, producer->id,
			    MPMC_MARK_MAPPED);
		atomic_inc(&queue->mapped_producers);
	}
	/* Of one that is mapped it is set, also if nothing comes of that. */
	mpmc_pending_set(&queue->pending, queue->segments + producer->id);
	/* Mapped before the look at shutdown: see mpmc_queue_shutdown(). */
	smp_mb();
	if (READ_ONCE(queue->shutdown)) {
		atomic_dec(&producer->maps);
		return -EPIPE;
	}
	return 0;
}

/**
 * mpmc_producer_unmap() - the ring is not mapped any more
 * @producer: the token, which may still be used through calls
 *
 * Context: process; may sleep.
 */
void mpmc_producer_unmap(struct mpmc_producer *producer)
{
	smp_mb(); /* A: pairs with B in wait.c */
	mpmc_queue_kick_readers(producer->queue,
				mpmc_ring_count(&producer->ring));
	/* Not beside a call: mpmc_producer_tidy() does it after that one. */
	if (mpmc_producer_enter(producer)) {
		producer_settle(producer, mpmc_ring_revoke(&producer->ring));
		mpmc_producer_leave(producer);
	}
}

/* Items that the owner has stored since the last call count as moved. */
static void producer_moved(struct mpmc_producer *producer)
{
	u64 tail = mpmc_ring_limit(&producer->ring);

	mpmc_sleepers_moved(&producer->queue->read_sleepers,
			    tail - producer->stored);
	producer->stored = tail;
}

/**
 * mpmc_producer_tidy() - take back what a ring has that is not mapped any more
 * @producer: the token, which the caller is not inside of
 *
 * It may have been unmapped while a call granted room.
 *
 * Context: any.
 */
void mpmc_producer_tidy(struct mpmc_producer *producer)
{
	do {
		/* We have left before we look; who unmaps it, says so before he does. */
		smp_mb();
		if (!test_bit(MPMC_PRODUCER_MAPPED, &producer->state) ||
		    atomic_read(&producer->maps) ||
		    !mpmc_ring_granted(&producer->ring) ||
		    !mpmc_producer_enter(producer))
			return;
		if (!atomic_read(&producer->maps))
			producer_settle(producer,
					mpmc_ring_revoke(&producer->ring));
		mpmc_producer_leave(producer);
		/* It may have been mapped, granted room, and unmapped meanwhile. */
	} while (true);
}

/**
 * mpmc_producer_begin() - before a call puts items
 * @producer: the token, which the caller is inside of
 *
 * Context: any.
 * Return: 0, -EPIPE, -EIO.
 */
int mpmc_producer_begin(struct mpmc_producer *producer)
{
	s64 unused;

	if (!test_bit(MPMC_PRODUCER_MAPPED, &producer->state))
		return 0;
	unused = mpmc_ring_revoke(&producer->ring);
	if (unused < 0)
		return unused;
	producer_moved(producer);
	WRITE_ONCE(producer->page->position, mpmc_ring_limit(&producer->ring));
	producer_return(producer, unused);
	return 0;
}

/* How much room to grant: more each time, if there is much. */
static unsigned int producer_next_grant(struct mpmc_producer *producer)
{
	struct mpmc_queue *queue = producer->queue;
	unsigned int producers = atomic_read(&queue->producer_count);
	unsigned int room = mpmc_ring_room(&producer->ring);
	u64 fair = mpmc_capacity_room(&queue->capacity) /
		   (4 * max(producers, 1U));

	producer->grant = min(2 * producer->grant, producer->ring.entries);
	room -= min(room, producer->ring.spare);
	return min3(fair, (u64)producer->grant, (u64)room);
}

/* Grant the owner of a mapped ring room, if nobody else waits for any. */
static void producer_grant(struct mpmc_producer *producer)
{
	struct mpmc_queue *queue = producer->queue;
	unsigned int count = producer_next_grant(producer);

	/* Just a look: who begins to wait now finds what is left. */
	if (waitqueue_active(&queue->writers))
		return;
	if (count)
		count = mpmc_capacity_take_some(&queue->capacity,
						mpmc_producer_share(producer),
						count);
	if (!count)
		return;
	/* After the take, fully ordered: see mpmc_queue_drained(). */
	if (READ_ONCE(queue->shutdown) ||
	    !mpmc_ring_grant(&producer->ring, count))
		producer_return(producer, count);
	else
		trace_grant(queue, producer, count);
}

/**
 * mpmc_producer_end() - after a call puts items; grants the owner of a mapped
 * ring room
 * @producer: the token, which the caller is inside of
 *
 * Context: any.
 */
void mpmc_producer_end(struct mpmc_producer *producer)
{
	if (!test_bit(MPMC_PRODUCER_MAPPED, &producer->state))
		return;
	if (atomic_read(&producer->maps) && !READ_ONCE(producer->ring.broken))
		producer_grant(producer);
	/* Who reads it is in this call, or begins after it. */
	WRITE_ONCE(producer->page->position,
		   mpmc_ring_promise(&producer->ring));
}

/**
 * mpmc_producer_kick() - the owner of a mapped ring has stored items and saw
 * that somebody waits
 * @producer: the token
 * @count: how many items
 *
 * Context: any.
 * Return: 0; -EPIPE if they came after a shutdown, and are not accepted; -EIO;
 * -EBUSY, but who waits has been woken.
 */
int mpmc_producer_kick(struct mpmc_producer *producer, unsigned int count)
{
	int ret;

	trace_producer_kick(producer->queue, producer, count);
	smp_mb(); /* A: pairs with B in wait.c, and see ring.c */
	mpmc_queue_kick_readers(producer->queue,
				min_t(u64, count,
				      mpmc_ring_count(&producer->ring)));
	if (!mpmc_producer_enter(producer))
		return -EBUSY;
	ret = mpmc_ring_check(&producer->ring) ?: producer_verdict(producer);
	mpmc_producer_leave(producer);
	mpmc_producer_tidy(producer);
	return ret;
}

/*
 * Whether items may come, or have come, to it without anybody saying so: if it is
 * closed, until the last one has been taken.
 */
static bool producer_is_mapped(const struct mpmc_producer *producer)
{
	return test_bit(MPMC_PRODUCER_MAPPED, &producer->state);
}

/**
 * mpmc_producer_is_mapped() - whether items may come to a token unannounced
 * @queue: the queue
 * @id: the token's id; there may be none by this name any more
 *
 * Context: any; takes the RCU read lock.
 * Return: whether they may.
 */
bool mpmc_producer_is_mapped(struct mpmc_queue *queue, u32 id)
{
	struct mpmc_producer *producer;
	bool mapped;

	if (!atomic_read(&queue->mapped_producers))
		return false;
	rcu_read_lock();
	producer = xa_load(&queue->producers, id);
	mapped = producer && producer_is_mapped(producer);
	rcu_read_unlock();
	return mapped;
}

/**
 * mpmc_producer_empty() - look at a token that was found empty, if it is mapped
 * @queue: the queue
 * @id: the token's id; there may be none by this name any more
 * @stamp: grows by what the token adds to mpmc_producers_stamp()
 *
 * As long as that stays the same the token is empty.
 *
 * Context: any; takes the RCU read lock.
 * Return: 1; 0 if it is not empty any more; -EINVAL if it is not mapped.
 */
int mpmc_producer_empty(struct mpmc_queue *queue, u32 id, u64 *stamp)
{
	struct mpmc_producer *producer;
	int ret = -EINVAL;

	if (!atomic_read(&queue->mapped_producers))
		return ret;
	rcu_read_lock();
	producer = xa_load(&queue->producers, id);
	if (producer && producer_is_mapped(producer)) {
		/* An acquire: before the look. */
		*stamp += mpmc_ring_stamp(&producer->ring);
		ret = !mpmc_ring_count(&producer->ring);
	}
	rcu_read_unlock();
	return ret;
}

/**
 * mpmc_producers_stamp() - changes whenever an item is put by way of a mapping
 * @queue: the queue
 *
 * Context: any; takes the RCU read lock.
 * Return: the stamp.
 */
u64 mpmc_producers_stamp(struct mpmc_queue *queue)
{
	struct mpmc_producer *producer;
	unsigned long id;
	u64 stamp = 0;

	if (atomic_read(&queue->mapped_producers)) {
		rcu_read_lock();
		xa_for_each_marked(&queue->producers, id, producer,
				   MPMC_MARK_MAPPED)
			if (producer_is_mapped(producer))
				stamp += mpmc_ring_stamp(&producer->ring);
		rcu_read_unlock();
	}
	return stamp + mpmc_queue_leaving(queue);
}

/**
 * mpmc_producers_granted() - room that owners have been granted and not used
 * @queue: the queue
 *
 * Context: any; takes the RCU read lock.
 * Return: the number of items, approximate while others are at work.
 */
u64 mpmc_producers_granted(struct mpmc_queue *queue)
{
	struct mpmc_producer *producer;
	unsigned long id;
	u64 granted = 0;

	if (!atomic_read(&queue->mapped_producers))
		return 0;
	rcu_read_lock();
	xa_for_each_marked(&queue->producers, id, producer, MPMC_MARK_MAPPED)
		granted += mpmc_ring_granted(&producer->ring);
	rcu_read_unlock();
	return granted;
}

/**
 * mpmc_producers_put() - how many items were put through rings
 * @queue: the queue
 *
 * Context: any; takes the RCU read lock.
 * Return: the number, of those tokens that have not gone.
 */
u64 mpmc_producers_put(struct mpmc_queue *queue)
{
	struct mpmc_producer *producer;
	unsigned long id;
	u64 put = 0;

	rcu_read_lock();
	xa_for_each(&queue->producers, id, producer)
		put += mpmc_ring_put(&producer->ring);
	rcu_read_unlock();
	return put;
}

/**
 * mpmc_producers_seal_begin() - begin to seal all mapped rings
 * @queue: the queue
 *
 * Context: any; takes the RCU read lock.
 */
void mpmc_producers_seal_begin(struct mpmc_queue *queue)
{
	struct mpmc_producer *producer;
	unsigned long id;

	rcu_read_lock();
	xa_for_each_marked(&queue->producers, id, producer, MPMC_MARK_MAPPED)
		mpmc_ring_seal_begin(&producer->ring);
	rcu_read_unlock();
}

/**
 * mpmc_producers_seal_end() - decide which items they have
 * @queue: the queue
 *
 * Context: any; takes the RCU read lock.
 * Return: how many credits are free again that way.
 */
u64 mpmc_producers_seal_end(struct mpmc_queue *queue)
{
	struct mpmc_producer *producer;
	unsigned long id;
	u64 count = 0;

	rcu_read_lock();
	xa_for_each_marked(&queue->producers, id, producer, MPMC_MARK_MAPPED)
		if (mpmc_ring_sealed(&producer->ring))
			count += mpmc_ring_seal_end(&producer->ring);
	rcu_read_unlock();
	return count;
}
