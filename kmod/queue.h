/* SPDX-License-Identifier: GPL-2.0 */
#ifndef MPMC_QUEUE_H
#define MPMC_QUEUE_H

#include <linux/fs.h>
#include <linux/list.h>
#include <linux/poll.h>
#include <linux/refcount.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/wait.h>
#include <linux/xarray.h>

#include "block.h"
#include "credit.h"
#include "pending.h"
#include "requeue.h"
#include "sleepers.h"

struct mpmc_batch;
struct mpmc_counters;
struct mpmc_name;
struct mpmc_user;

#define MPMC_DEFAULT_CAPACITY 1048576
#define MPMC_MAX_SEGMENTS 1024

/* selftests/explore has fewer: less to look through. */
#ifndef MPMC_MAX_TOKENS
#define MPMC_MAX_TOKENS 1024
#endif

/* A consumer moves on after this many items from one source. */
#define MPMC_QUOTA 256

#define MPMC_POLL_IN (EPOLLIN | EPOLLRDNORM)
#define MPMC_POLL_OUT (EPOLLOUT | EPOLLWRNORM)

/* Tokens whose rings have been mapped, in the xarrays below. */
#define MPMC_MARK_MAPPED XA_MARK_1

/* Consumers without a token share this many cursors. */
#define MPMC_CURSORS 32

/**
 * struct mpmc_cursor - where a consumer is, so that it starves no source
 * @place: the source it takes from << 32 | how many more it takes there before
 *	it moves on
 *
 * One word: of two threads that share it, the one that comes late leaves it as
 * the other has set it, so that it never has more left than before.
 */
struct mpmc_cursor {
	atomic64_t place;
};

struct mpmc_thread_cursor {
	struct mpmc_cursor cursor;
} ____cacheline_aligned;

/**
 * struct mpmc_queue - a queue
 * @id: of this one, ever, as long as the module is loaded
 * @segment: the segments, NULL until one is first used
 * @segments: number of segments
 * @shutdown: no more items are accepted
 * @user: whom the queue is counted for
 * @counters: what has happened to it, see counters.c
 * @requeue: items that came back
 * @capacity: who may put how much
 * @pending: which sources may hold items; a source is a segment, or, behind
 *	the segments, a producer token
 * @pool: blocks to use again
 * @readers: threads that sleep until there are items
 * @writers: threads that sleep until there is room
 * @read_polls: who polls for items; apart, so that a poller that does nothing
 *	about it uses up no sleeper's wake-up
 * @write_polls: who polls for room
 * @read_spin: how long a reader looks for items before it sleeps, see wait.c
 * @write_spin: the same for a writer and room
 * @wake_ns: how long it takes lately from a wake-up until who sleeps runs
 * @reader_count: how many wait in @readers
 * @writer_count: how many wait in @writers
 * @producers: producer tokens by id, the closed ones that hold items included
 * @consumers: consumer tokens by id
 * @producer_count: producer tokens that are open
 * @consumer_count: consumer tokens
 * @mapped_producers: how many have been mapped
 * @mapped_consumers: the same
 * @leaving: how many tokens were about to go, ever
 * @left: how many of them are not to be found any more
 * @page: what the owners of mapped rings are told of the queue
 * @read_sleepers: those of @readers and @read_polls, for mapped producers
 * @write_sleepers: those of @writers and @write_polls, for mapped consumers
 * @cursor: cursors of the consumers without a token
 * @max_deliveries: how often an item is handed out at most; 0: any number
 * @dead_letter: file of the queue for those that were; or NULL
 * @redelivered: items that came back from consumer tokens, ever
 * @dead: items that went to @dead_letter, ever
 * @dropped: items that had nowhere to go, ever
 * @put_gone: items put through producer tokens that have gone
 * @told_enqueued: the most items put that anybody was told of, see counters.c
 * @told_dequeued: the same of those that were finished with
 * @references: of its files, and of its name while that is linked
 * @name: its name, or NULL
 * @park_lock: for @parked
 * @parked: commands that wait without a thread, see park.c
 *
 * An open token holds a reference to the file that it was made with.
 */
struct mpmc_queue {
	u64 id;
	struct mpmc_segment **segment;
	unsigned int segments;
	bool shutdown;
	struct mpmc_user *user;
	struct mpmc_counters __percpu *counters;
	struct mpmc_requeue requeue;
	struct mpmc_capacity capacity;
	struct mpmc_pending pending;
	struct mpmc_pool pool;
	wait_queue_head_t readers;
	wait_queue_head_t writers;
	wait_queue_head_t read_polls;
	wait_queue_head_t write_polls;
	u32 read_spin;
	u32 write_spin;
	u32 wake_ns;
	atomic_t reader_count;
	atomic_t writer_count;
	struct xarray producers;
	struct xarray consumers;
	atomic_t producer_count;
	atomic_t consumer_count;
	atomic_t mapped_producers;
	atomic_t mapped_consumers;
	atomic_t leaving;
	atomic_t left;
	struct page *page;
	struct mpmc_sleepers read_sleepers;
	struct mpmc_sleepers write_sleepers;
	struct mpmc_thread_cursor *cursor;
	u32 max_deliveries;
	struct file *dead_letter;
	atomic64_t redelivered;
	atomic64_t dead;
	atomic64_t dropped;
	atomic64_t put_gone;
	atomic64_t told_enqueued;
	atomic64_t told_dequeued;
	refcount_t references;
	struct mpmc_name *name;
	spinlock_t park_lock; /* parked */
	struct hlist_head parked;
};

struct mpmc_queue *mpmc_queue_create(u64 capacity, unsigned int segments);
void mpmc_queue_destroy(struct mpmc_queue *queue);

unsigned int mpmc_queue_home(struct mpmc_queue *queue);
struct mpmc_cursor *mpmc_queue_cursor(struct mpmc_queue *queue);

int mpmc_queue_reserve(struct mpmc_queue *queue, unsigned int share, u64 count);
void mpmc_queue_unreserve(struct mpmc_queue *queue, u64 count);
bool mpmc_queue_has_room(struct mpmc_queue *queue, u64 count);
bool mpmc_queue_harvest(struct mpmc_queue *queue);
void mpmc_queue_returned(struct mpmc_queue *queue, u64 count);
void mpmc_queue_kick_readers(struct mpmc_queue *queue, u64 count);
void mpmc_queue_kick_writers(struct mpmc_queue *queue, u64 count);
int mpmc_queue_make_segment(struct mpmc_queue *queue, unsigned int index);
unsigned int mpmc_queue_put(struct mpmc_queue *queue, unsigned int index,
			    struct mpmc_spare *spare, const u64 *items,
			    unsigned int count);
void mpmc_queue_published(struct mpmc_queue *queue, unsigned int source,
			  unsigned int count);

int mpmc_queue_take(struct mpmc_queue *queue, struct mpmc_cursor *cursor,
		    struct mpmc_batch *batch);
void mpmc_queue_finish(struct mpmc_queue *queue,
		       const struct mpmc_batch *batch);
void mpmc_queue_requeue(struct mpmc_queue *queue,
			const struct mpmc_requeue_chain *chain,
			unsigned int count);

bool mpmc_queue_ready(struct mpmc_queue *queue);
bool mpmc_queue_drained(struct mpmc_queue *queue);
void mpmc_queue_shutdown(struct mpmc_queue *queue);
__poll_t mpmc_queue_poll(struct mpmc_queue *queue, struct file *file,
			 poll_table *wait, __poll_t mask);

/**
 * mpmc_queue_home_share() - the share of the capacity a segment's items use
 * @queue: the queue
 * @segment: the segment
 *
 * Context: any.
 * Return: the share, for mpmc_capacity_take() and the like.
 */
static inline unsigned int mpmc_queue_home_share(struct mpmc_queue *queue,
						 unsigned int segment)
{
	return mpmc_capacity_share(&queue->capacity, segment);
}

/*
 * Tokens that go, in stamps. A stamp is made twice, and the same if nothing has moved.
 * A token that is found the first time and not the second does not make up for what
 * another one does: the first time those count of which nothing is left, the second
 * time those that are about to go as well.
 */
static inline void mpmc_queue_leave_begin(struct mpmc_queue *queue)
{
	atomic_inc(&queue->leaving);
	/* Pairs with mpmc_queue_leaving(): counted before it is not found. */
	smp_mb__after_atomic();
}

static inline void mpmc_queue_leave_end(struct mpmc_queue *queue)
{
	/* Pairs with mpmc_queue_left(): not found before it is counted. */
	smp_mb__before_atomic();
	atomic_inc(&queue->left);
}

/* What the first of two stamps begins with. */
static inline u64 mpmc_queue_left(struct mpmc_queue *queue)
{
	/* Acquire: before any token is looked for. */
	return (u64)atomic_read_acquire(&queue->left) << 48;
}

/* What the second of two stamps ends with. */
static inline u64 mpmc_queue_leaving(struct mpmc_queue *queue)
{
	smp_rmb(); /* after all tokens that are found */
	return (u64)atomic_read(&queue->leaving) << 48;
}

/*
 * Looks are repeated so often because owners of mapped rings moved: more than
 * any that keep to the rules will cause.
 */
#define MPMC_QUEUE_LOOKS 1000

/**
 * mpmc_queue_prepare() - have a segment ready to put items into
 * @queue: the queue
 * @index: the segment
 *
 * Context: process; may sleep for memory.
 * Return: 0 or -ENOMEM.
 */
static inline int mpmc_queue_prepare(struct mpmc_queue *queue,
				     unsigned int index)
{
	return READ_ONCE(queue->segment[index]) ?
		       0 : mpmc_queue_make_segment(queue, index);
}

#endif /* MPMC_QUEUE_H */
