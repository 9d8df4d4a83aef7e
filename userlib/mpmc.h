/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef MPMC_H
#define MPMC_H

/*
 * libmpmc: multi-producer multi-consumer queues of 64-bit items between
 * processes and threads, in the kernel, behind /dev/mpmc.
 *
 * Results: 0 or a count on success, a negative errno otherwise; mpmc_strerror()
 * says what each means and what to do. errno itself is left as it was. There
 * are no globals.
 *
 * Timeouts are relative, on CLOCK_MONOTONIC, never early: NULL waits for ever,
 * zero tries once. One with tv_sec < 0 or tv_nsec outside [0, 999999999] is
 * -EINVAL, before anything else happens. A signal handler installed without
 * SA_RESTART ends a wait with -EINTR; with SA_RESTART the wait goes on until
 * the deadline it had.
 *
 * Threads: any number of threads and processes may use one queue at a time,
 * through one handle or several, and any of them may create handles and tokens
 * at any time, whatever the others are doing. A token is for one thread at a
 * time; a second one inside a call gets -EBUSY. A handle or token is destroyed
 * when nobody is using it any more: no thread is inside a call with it, and
 * none will begin one.
 *
 * fork: the child inherits all handles, and they work there. A queue lives as
 * long as any descriptor for it or for one of its tokens, in any process.
 *
 * Every function that takes a handle returns -EINVAL for NULL, and so does one
 * that takes an address to write to or read from.
 *
 * A complete program:
 *
 *	#include <mpmc.h>
 *	#include <stdio.h>
 *
 *	int main(void)
 *	{
 *		mpmc_auto_queue struct mpmc_queue *queue = NULL;
 *		uint64_t item = 0;
 *		int ret = mpmc_queue_create(&queue, NULL);
 *
 *		if (!ret)
 *			ret = mpmc_try_enqueue(queue, 42);
 *		if (!ret)
 *			ret = mpmc_try_dequeue(queue, &item);
 *		printf("%s: %d\n", mpmc_strerror(ret), (int)item);
 *		return ret != 0;
 *	}
 */

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#ifdef __cplusplus
extern "C" {
/* <linux/mpmc.h> has a struct mpmc_queue_create, which -Wshadow minds. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
#endif

struct mpmc_queue;
struct mpmc_producer;
struct mpmc_consumer;

/*
 * The structures below may grow at their ends. A program that was built with
 * an older header goes on working with a newer libmpmc.so.1: the functions
 * that create something then get a new symbol version, and the program keeps
 * the old one. mpmc_queue_stat() is told the size.
 */

/**
 * struct mpmc_queue_opts - what a new queue is like
 * @capacity: in items, exact; 0: 1,048,576
 * @segments: number of FIFO segments; 0: one per possible CPU; 1: the whole
 *	queue is one strict FIFO
 * @flags: must be 0
 *
 * Set it to zero first, then what matters: zero stands for the default.
 */
struct mpmc_queue_opts {
	uint64_t capacity;
	uint32_t segments;
	uint32_t flags;
};

/**
 * struct mpmc_token_opts - what a new token is like
 * @ring_entries: size of the token's ring in items, rounded up to a power of
 *	two; 0: at most 4,096 and an eighth of the queue's capacity
 * @flags: must be 0
 */
struct mpmc_token_opts {
	uint32_t ring_entries;
	uint32_t flags;
};

/**
 * struct mpmc_stat - how a queue is doing
 * @size: in: sizeof(struct mpmc_stat); out: how much of it was filled in
 * @shut_down: 1 after mpmc_shutdown(), else 0
 * @capacity: in items
 * @items: accepted and not yet handed to a consumer
 * @leased: handed to a consumer token and not yet finished with
 * @segments: number of FIFO segments
 * @producers: producer tokens
 * @consumers: consumer tokens
 * @enqueue_waiters: threads asleep until there is room
 * @dequeue_waiters: threads asleep until there is an item
 * @reserved: 0
 *
 * A snapshot: items and leased are approximate while others are at work.
 */
struct mpmc_stat {
	uint32_t size;
	uint32_t shut_down;
	uint64_t capacity;
	uint64_t items;
	uint64_t leased;
	uint32_t segments;
	uint32_t producers;
	uint32_t consumers;
	uint32_t enqueue_waiters;
	uint32_t dequeue_waiters;
	uint32_t reserved;
};

/* --- Queues --- */

/**
 * mpmc_queue_create() - create a queue
 * @queue: out: the handle, NULL after an error; to be given to
 *	mpmc_queue_destroy()
 * @opts: NULL for the defaults
 *
 * Any thread, at any time.
 *
 * Return: 0, or
 *  -ENOENT: there is no /dev/mpmc: the module is not loaded (modprobe mpmc)
 *  -EACCES, -EPERM: /dev/mpmc is there, but not for this process
 *  -ENODEV, -ENXIO: /dev/mpmc is there, but has no driver behind it
 *  -ENOTTY: /dev/mpmc is something else
 *  -EINVAL: queue is NULL, or opts has a flag that has no meaning
 *  -ENOSPC: more than the module's max_capacity or segments, or the user has
 *	max_queues already (see /sys/module/mpmc/parameters)
 *  -ENOMEM: no memory, or none left in the memory cgroup
 *  -EMFILE, -ENFILE: too many open files, of the process or the system
 *
 * Example:
 *	struct mpmc_queue_opts opts = { .capacity = 1000, .segments = 1 };
 *	struct mpmc_queue *queue;
 *	int ret = mpmc_queue_create(&queue, &opts);
 */
int mpmc_queue_create(struct mpmc_queue **queue,
		      const struct mpmc_queue_opts *opts);

/**
 * mpmc_queue_from_fd() - make a handle for a queue that exists
 * @queue: out: the handle, NULL after an error; to be given to
 *	mpmc_queue_destroy()
 * @fd: a queue's descriptor, inherited, or received by SCM_RIGHTS
 *
 * The handle has a duplicate of the descriptor, close-on-exec; @fd stays the
 * caller's, to close when he likes. Any thread, at any time.
 *
 * Return: 0, or
 *  -EBADF: fd is not an open descriptor
 *  -ENOTTY, -EINVAL: fd is not a queue's (a token's is not); queue is NULL
 *  -ENOMEM: no memory
 *  -EMFILE: too many open files
 *
 * Example:
 *	ret = mpmc_queue_from_fd(&queue, fd);
 *	close(fd);
 */
int mpmc_queue_from_fd(struct mpmc_queue **queue, int fd);

/**
 * mpmc_queue_fd() - the descriptor of a queue
 * @queue: the queue
 *
 * To be sent to another process, or polled: POLLIN when there is an item,
 * POLLOUT when there is room, POLLHUP after a shutdown. It is close-on-exec,
 * belongs to the handle, and is closed with it. Any thread.
 *
 * Return: the descriptor, or -EINVAL when queue is NULL.
 *
 * Example:
 *	struct pollfd pfd = { .fd = mpmc_queue_fd(queue), .events = POLLIN };
 */
int mpmc_queue_fd(const struct mpmc_queue *queue);

/**
 * mpmc_queue_destroy() - give up a handle
 * @queue: the handle, not to be used any more; NULL does nothing
 *
 * Its tokens go on working. The queue and the items in it are freed when the
 * last descriptor for it, or for one of its tokens, is closed in any process.
 * Any thread, when nobody is using the handle any more.
 *
 * Example:
 *	mpmc_shutdown(queue);
 *	for (i = 0; i < WORKERS; i++)
 *		pthread_join(workers[i], NULL);
 *	mpmc_queue_destroy(queue);
 */
void mpmc_queue_destroy(struct mpmc_queue *queue);

/**
 * mpmc_shutdown() - end of the stream
 * @queue: the queue
 *
 * From now on producers get -EPIPE, those asleep included; consumers take what
 * was accepted before, and then get -EPIPE. Doing it again changes nothing. Any
 * thread may do it.
 *
 * Return: 0, or -EINVAL when queue is NULL.
 *
 * Example:
 *	mpmc_shutdown(queue);
 */
int mpmc_shutdown(struct mpmc_queue *queue);

/**
 * mpmc_size_approx() - how many items a queue holds
 * @queue: the queue
 *
 * Items accepted and not yet handed to a consumer, in its segments and in the
 * rings of all its producers. Exact while nobody else is at work. Any thread.
 *
 * Return: the number of items, or -EINVAL when queue is NULL.
 *
 * Example:
 *	if (mpmc_size_approx(queue) > 10000)
 *		fprintf(stderr, "the consumers do not keep up\n");
 */
ssize_t mpmc_size_approx(struct mpmc_queue *queue);

/**
 * mpmc_queue_stat() - how a queue is doing
 * @queue: the queue
 * @stat: in: its size; out: all of it
 *
 * Any thread.
 *
 * Return: 0, or -EINVAL when a pointer is NULL, or stat->size is less than any
 * version of the structure has had.
 *
 * Example:
 *	struct mpmc_stat stat;
 *
 *	stat.size = sizeof(stat);
 *	if (!mpmc_queue_stat(queue, &stat) && stat.enqueue_waiters)
 *		printf("full: %u are waiting\n", stat.enqueue_waiters);
 */
int mpmc_queue_stat(struct mpmc_queue *queue, struct mpmc_stat *stat);

/* --- Items, one at a time --- */

/**
 * mpmc_try_enqueue() - put an item, if there is room
 * @queue: the queue
 * @item: any 64 bits
 *
 * Items that one thread puts come out in that order. Any thread; never sleeps
 * for room.
 *
 * Return: 0, or
 *  -EAGAIN: full
 *  -EPIPE: shut down
 *  -EINVAL: queue is NULL
 *  -ENOMEM: no memory, or none left in the memory cgroup
 *
 * Example:
 *	if (mpmc_try_enqueue(queue, 42) == -EAGAIN)
 *		dropped++;
 */
int mpmc_try_enqueue(struct mpmc_queue *queue, uint64_t item);

/**
 * mpmc_try_dequeue() - take an item, if there is one
 * @queue: the queue
 * @item: out: the item; left alone after an error
 *
 * Any thread; never sleeps for items.
 *
 * Return: 0, or
 *  -EAGAIN: empty
 *  -EPIPE: shut down, and nothing left
 *  -EFAULT: item cannot be written; it is back in the queue
 *  -EINVAL: a pointer is NULL
 *
 * Example:
 *	while (!mpmc_try_dequeue(queue, &item))
 *		handle(item);
 */
int mpmc_try_dequeue(struct mpmc_queue *queue, uint64_t *item);

/**
 * mpmc_enqueue_wait() - put an item, wait for room
 * @queue: the queue
 * @item: any 64 bits
 * @timeout: relative; NULL: for ever; zero: try once
 *
 * Any thread.
 *
 * Return: 0, or
 *  -ETIMEDOUT: full until the timeout
 *  -EINTR: a signal handler ran
 *  -EPIPE: shut down, before the call or during it
 *  -EINVAL: queue is NULL, or timeout has no meaning
 *  -ENOMEM: no memory, or none left in the memory cgroup
 *
 * Example:
 *	struct timespec second = { 1, 0 };
 *	int ret = mpmc_enqueue_wait(queue, 42, &second);
 */
int mpmc_enqueue_wait(struct mpmc_queue *queue, uint64_t item,
		      const struct timespec *timeout);

/**
 * mpmc_dequeue_wait() - take an item, wait for one
 * @queue: the queue
 * @item: out: the item; left alone after an error
 * @timeout: relative; NULL: for ever; zero: try once
 *
 * Any thread.
 *
 * Return: 0, or
 *  -ETIMEDOUT: empty until the timeout
 *  -EINTR: a signal handler ran
 *  -EPIPE: shut down, and nothing left
 *  -EFAULT: item cannot be written; it is back in the queue
 *  -EINVAL: a pointer is NULL, or timeout has no meaning
 *
 * Example:
 *	while (!mpmc_dequeue_wait(queue, &item, NULL))
 *		handle(item);
 */
int mpmc_dequeue_wait(struct mpmc_queue *queue, uint64_t *item,
		      const struct timespec *timeout);

/* --- Items in bulk --- */

/**
 * mpmc_try_enqueue_bulk() - put items, if there is room for all
 * @queue: the queue
 * @items: the items; may be NULL when n is 0
 * @n: how many; with 0 nothing happens
 *
 * All or none; nothing of the same producer comes in between. Any thread;
 * never sleeps for room.
 *
 * Return: 0, or
 *  -EAGAIN: no room for all of them
 *  -EMSGSIZE: there will never be: more than the capacity
 *  -EPIPE: shut down
 *  -EFAULT: items cannot be read
 *  -EINVAL: a pointer is NULL
 *  -ENOMEM: no memory, or none left in the memory cgroup
 *
 * Example:
 *	int ret = mpmc_try_enqueue_bulk(queue, items, 1000);
 */
int mpmc_try_enqueue_bulk(struct mpmc_queue *queue, const uint64_t *items,
			  size_t n);

/**
 * mpmc_try_dequeue_bulk() - take what there is
 * @queue: the queue
 * @items: out: the items; may be NULL when max is 0
 * @max: the most to take; with 0 nothing happens
 *
 * Any thread; never sleeps for items.
 *
 * Return: how many were taken, 0 when empty, or
 *  -EPIPE: shut down, and nothing left
 *  -EFAULT: items cannot be written; those taken are back in the queue
 *  -EINVAL: a pointer is NULL
 *  -ENOMEM: no memory, or none left in the memory cgroup
 *
 * Example:
 *	ssize_t n = mpmc_try_dequeue_bulk(queue, items, 1000);
 */
ssize_t mpmc_try_dequeue_bulk(struct mpmc_queue *queue, uint64_t *items,
			      size_t max);

/**
 * mpmc_enqueue_bulk_wait() - put items, wait for room for all
 * @queue: the queue
 * @items: the items; may be NULL when n is 0
 * @n: how many; with 0 nothing happens
 * @timeout: relative; NULL: for ever; zero: try once
 *
 * All or none. Any thread.
 *
 * Return: 0, or
 *  -ETIMEDOUT: no room for all of them until the timeout
 *  -EMSGSIZE: there will never be: more than the capacity
 *  -EINTR: a signal handler ran
 *  -EPIPE: shut down, before the call or during it
 *  -EFAULT: items cannot be read
 *  -EINVAL: a pointer is NULL, or timeout has no meaning
 *  -ENOMEM: no memory, or none left in the memory cgroup
 *
 * Example:
 *	int ret = mpmc_enqueue_bulk_wait(queue, items, 1000, NULL);
 */
int mpmc_enqueue_bulk_wait(struct mpmc_queue *queue, const uint64_t *items,
			   size_t n, const struct timespec *timeout);

/**
 * mpmc_dequeue_bulk_wait() - take what there is, wait for the first item
 * @queue: the queue
 * @items: out: the items; may be NULL when max is 0
 * @max: the most to take; with 0 nothing happens
 * @timeout: relative; NULL: for ever; zero: try once
 *
 * Any thread. Does not wait for more once there is one.
 *
 * Return: how many were taken, 0 when empty until the timeout, or
 *  -EINTR: a signal handler ran
 *  -EPIPE: shut down, and nothing left
 *  -EFAULT: items cannot be written; those taken are back in the queue
 *  -EINVAL: a pointer is NULL, or timeout has no meaning
 *  -ENOMEM: no memory, or none left in the memory cgroup
 *
 * Example:
 *	ssize_t n = mpmc_dequeue_bulk_wait(queue, items, 1000, NULL);
 */
ssize_t mpmc_dequeue_bulk_wait(struct mpmc_queue *queue, uint64_t *items,
			       size_t max, const struct timespec *timeout);

/* --- Producer tokens --- */

/**
 * mpmc_producer_create() - create a producer token
 * @producer: out: the token, NULL after an error; to be given to
 *	mpmc_producer_destroy()
 * @queue: the queue; its handle may be destroyed before the token is
 * @opts: NULL for the defaults
 *
 * A FIFO of the queue's for this producer alone. Without a token, threads share
 * segments, and one that is stopped inside its call holds up what others put
 * behind it there; nobody holds up a token's items. Their order is the token's,
 * whichever threads use it in turn. On a queue with one segment, a token puts
 * into that one, and the queue stays one strict FIFO. Every call being a system
 * call, it is about as fast as the queue itself. Any thread, at any time.
 *
 * Return: 0, or
 *  -EINVAL: a pointer is NULL, a flag has no meaning, or ring_entries is more
 *	than a ring can have
 *  -EPIPE: the queue is shut down
 *  -ENOSPC: the queue has as many producer tokens as it can
 *  -ENOMEM: no memory, or none left in the memory cgroup
 *  -EMFILE, -ENFILE: too many open files, of the process or the system
 *
 * Example:
 *	struct mpmc_producer *producer;
 *	int ret = mpmc_producer_create(&producer, queue, NULL);
 */
int mpmc_producer_create(struct mpmc_producer **producer,
			 struct mpmc_queue *queue,
			 const struct mpmc_token_opts *opts);

/**
 * mpmc_producer_destroy() - give up a producer token
 * @producer: the token, not to be used any more; NULL does nothing
 *
 * What was put through it stays in the queue. Any thread, when nobody is using
 * the token any more.
 *
 * Example:
 *	mpmc_producer_destroy(producer);
 */
void mpmc_producer_destroy(struct mpmc_producer *producer);

/**
 * mpmc_producer_fd() - the descriptor of a producer token
 * @producer: the token
 *
 * To be polled for POLLOUT and POLLHUP. It is close-on-exec, belongs to the
 * token, and is closed with it. Any thread.
 *
 * Return: the descriptor, or -EINVAL when producer is NULL.
 *
 * Example:
 *	struct pollfd pfd = { .fd = mpmc_producer_fd(producer),
 *			      .events = POLLOUT };
 */
int mpmc_producer_fd(const struct mpmc_producer *producer);

/**
 * mpmc_producer_try_enqueue() - put an item, if there is room
 * @producer: the token
 * @item: any 64 bits
 *
 * Items of one token come out in the order they went in. One thread at a
 * time; never sleeps for room.
 *
 * Return: 0, or
 *  -EAGAIN: full
 *  -EPIPE: shut down
 *  -EBUSY: another thread is inside a call on this token
 *  -EIO: the token's ring was broken by its owner (mapped rings only)
 *  -EINVAL: producer is NULL
 *  -ENOMEM: no memory, or none left in the memory cgroup
 *
 * Example:
 *	if (mpmc_producer_try_enqueue(producer, 42) == -EAGAIN)
 *		dropped++;
 */
int mpmc_producer_try_enqueue(struct mpmc_producer *producer, uint64_t item);

/**
 * mpmc_producer_try_enqueue_bulk() - put items, if there is room for all
 * @producer: the token
 * @items: the items; may be NULL when n is 0
 * @n: how many; with 0 nothing happens
 *
 * All or none. One thread at a time; never sleeps for room.
 *
 * Return: 0, or
 *  -EAGAIN: no room for all of them
 *  -EMSGSIZE: there will never be: more than the capacity
 *  -EPIPE: shut down
 *  -EBUSY: another thread is inside a call on this token
 *  -EIO: the token's ring was broken by its owner (mapped rings only)
 *  -EFAULT: items cannot be read
 *  -EINVAL: a pointer is NULL
 *  -ENOMEM: no memory, or none left in the memory cgroup
 *
 * Example:
 *	int ret = mpmc_producer_try_enqueue_bulk(producer, items, 1000);
 */
int mpmc_producer_try_enqueue_bulk(struct mpmc_producer *producer,
				   const uint64_t *items, size_t n);

/**
 * mpmc_producer_enqueue_wait() - put an item, wait for room
 * @producer: the token
 * @item: any 64 bits
 * @timeout: relative; NULL: for ever; zero: try once
 *
 * One thread at a time.
 *
 * Return: 0, or
 *  -ETIMEDOUT: full until the timeout
 *  -EINTR: a signal handler ran
 *  -EPIPE: shut down, before the call or during it
 *  -EBUSY: another thread is inside a call on this token
 *  -EIO: the token's ring was broken by its owner (mapped rings only)
 *  -EINVAL: producer is NULL, or timeout has no meaning
 *  -ENOMEM: no memory, or none left in the memory cgroup
 *
 * Example:
 *	int ret = mpmc_producer_enqueue_wait(producer, 42, NULL);
 */
int mpmc_producer_enqueue_wait(struct mpmc_producer *producer, uint64_t item,
			       const struct timespec *timeout);

/**
 * mpmc_producer_enqueue_bulk_wait() - put items, wait for room for all
 * @producer: the token
 * @items: the items; may be NULL when n is 0
 * @n: how many; with 0 nothing happens
 * @timeout: relative; NULL: for ever; zero: try once
 *
 * All or none. One thread at a time.
 *
 * Return: 0, or
 *  -ETIMEDOUT: no room for all of them until the timeout
 *  -EMSGSIZE: there will never be: more than the capacity
 *  -EINTR: a signal handler ran
 *  -EPIPE: shut down, before the call or during it
 *  -EBUSY: another thread is inside a call on this token
 *  -EIO: the token's ring was broken by its owner (mapped rings only)
 *  -EFAULT: items cannot be read
 *  -EINVAL: a pointer is NULL, or timeout has no meaning
 *  -ENOMEM: no memory, or none left in the memory cgroup
 *
 * Example:
 *	int ret = mpmc_producer_enqueue_bulk_wait(producer, items, 1000, NULL);
 */
int mpmc_producer_enqueue_bulk_wait(struct mpmc_producer *producer,
				    const uint64_t *items, size_t n,
				    const struct timespec *timeout);

/* --- Consumer tokens --- */

/**
 * mpmc_consumer_create() - create a consumer token
 * @consumer: out: the token, NULL after an error; to be given to
 *	mpmc_consumer_destroy()
 * @queue: the queue; its handle may be destroyed before the token is
 * @opts: NULL for the defaults
 *
 * Also after a shutdown, to take what is left. What could not be handed over is
 * kept for the token's next call, and goes back to the front of the queue when
 * the token is closed, or its process dies. Every call being a system call, it
 * is about as fast as the queue itself. Any thread, at any time.
 *
 * Return: 0, or
 *  -EINVAL: a pointer is NULL, a flag has no meaning, or ring_entries is more
 *	than a ring can have
 *  -ENOSPC: the queue has as many consumer tokens as it can
 *  -ENOMEM: no memory, or none left in the memory cgroup
 *  -EMFILE, -ENFILE: too many open files, of the process or the system
 *
 * Example:
 *	struct mpmc_consumer *consumer;
 *	int ret = mpmc_consumer_create(&consumer, queue, NULL);
 */
int mpmc_consumer_create(struct mpmc_consumer **consumer,
			 struct mpmc_queue *queue,
			 const struct mpmc_token_opts *opts);

/**
 * mpmc_consumer_destroy() - give up a consumer token
 * @consumer: the token, not to be used any more; NULL does nothing
 *
 * What it was handed and has not finished with goes back to the front of the
 * queue when its last descriptor is closed, in whatever process. Any thread,
 * when nobody is using the token any more.
 *
 * Example:
 *	mpmc_consumer_destroy(consumer);
 */
void mpmc_consumer_destroy(struct mpmc_consumer *consumer);

/**
 * mpmc_consumer_fd() - the descriptor of a consumer token
 * @consumer: the token
 *
 * To be polled for POLLIN, and for POLLHUP: shut down, and nothing left. It is
 * close-on-exec, belongs to the token, and is closed with it. Any thread.
 *
 * Return: the descriptor, or -EINVAL when consumer is NULL.
 *
 * Example:
 *	struct pollfd pfd = { .fd = mpmc_consumer_fd(consumer),
 *			      .events = POLLIN };
 */
int mpmc_consumer_fd(const struct mpmc_consumer *consumer);

/**
 * mpmc_consumer_try_dequeue() - take an item, if there is one
 * @consumer: the token
 * @item: out: the item; left alone after an error
 *
 * One thread at a time; never sleeps for items.
 *
 * Return: 0, or
 *  -EAGAIN: empty
 *  -EPIPE: shut down, and nothing left
 *  -EBUSY: another thread is inside a call on this token
 *  -EIO: the token's ring was broken by its owner (mapped rings only)
 *  -EFAULT: item cannot be written; the next call gets it
 *  -EINVAL: a pointer is NULL
 *
 * Example:
 *	while (!mpmc_consumer_try_dequeue(consumer, &item))
 *		handle(item);
 */
int mpmc_consumer_try_dequeue(struct mpmc_consumer *consumer, uint64_t *item);

/**
 * mpmc_consumer_try_dequeue_bulk() - take what there is
 * @consumer: the token
 * @items: out: the items; may be NULL when max is 0
 * @max: the most to take; with 0 nothing happens
 *
 * One thread at a time; never sleeps for items.
 *
 * Return: how many were taken, 0 when empty, or
 *  -EPIPE: shut down, and nothing left
 *  -EBUSY: another thread is inside a call on this token
 *  -EIO: the token's ring was broken by its owner (mapped rings only)
 *  -EFAULT: items cannot be written; the next call gets those taken
 *  -EINVAL: a pointer is NULL
 *
 * Example:
 *	ssize_t n = mpmc_consumer_try_dequeue_bulk(consumer, items, 1000);
 */
ssize_t mpmc_consumer_try_dequeue_bulk(struct mpmc_consumer *consumer,
				       uint64_t *items, size_t max);

/**
 * mpmc_consumer_dequeue_wait() - take an item, wait for one
 * @consumer: the token
 * @item: out: the item; left alone after an error
 * @timeout: relative; NULL: for ever; zero: try once
 *
 * One thread at a time.
 *
 * Return: 0, or
 *  -ETIMEDOUT: empty until the timeout
 *  -EINTR: a signal handler ran
 *  -EPIPE: shut down, and nothing left
 *  -EBUSY: another thread is inside a call on this token
 *  -EIO: the token's ring was broken by its owner (mapped rings only)
 *  -EFAULT: item cannot be written; the next call gets it
 *  -EINVAL: a pointer is NULL, or timeout has no meaning
 *
 * Example:
 *	while (!mpmc_consumer_dequeue_wait(consumer, &item, NULL))
 *		handle(item);
 */
int mpmc_consumer_dequeue_wait(struct mpmc_consumer *consumer, uint64_t *item,
			       const struct timespec *timeout);

/**
 * mpmc_consumer_dequeue_bulk_wait() - take what there is, wait for the first
 *	item
 * @consumer: the token
 * @items: out: the items; may be NULL when max is 0
 * @max: the most to take; with 0 nothing happens
 * @timeout: relative; NULL: for ever; zero: try once
 *
 * One thread at a time. Does not wait for more once there is one.
 *
 * Return: how many were taken, 0 when empty until the timeout, or
 *  -EINTR: a signal handler ran
 *  -EPIPE: shut down, and nothing left
 *  -EBUSY: another thread is inside a call on this token
 *  -EIO: the token's ring was broken by its owner (mapped rings only)
 *  -EFAULT: items cannot be written; the next call gets those taken
 *  -EINVAL: a pointer is NULL, or timeout has no meaning
 *
 * Example:
 *	n = mpmc_consumer_dequeue_bulk_wait(consumer, items, 1000, NULL);
 */
ssize_t mpmc_consumer_dequeue_bulk_wait(struct mpmc_consumer *consumer,
					uint64_t *items, size_t max,
					const struct timespec *timeout);

/* --- Errors --- */

/**
 * mpmc_strerror() - what an error means here, and what to do about it
 * @err: what a function of this library returned, or an errno
 *
 * Any thread.
 *
 * Return: a constant text, never NULL; of what has no text here, one that says
 * so.
 *
 * Example:
 *	fprintf(stderr, "%s\n", mpmc_strerror(ret));
 */
const char *mpmc_strerror(int err);

/* --- Handles that destroy themselves at the end of their scope --- */

static inline void mpmc_auto_queue_end(struct mpmc_queue **queue)
{
	mpmc_queue_destroy(*queue);
}

static inline void mpmc_auto_producer_end(struct mpmc_producer **producer)
{
	mpmc_producer_destroy(*producer);
}

static inline void mpmc_auto_consumer_end(struct mpmc_consumer **consumer)
{
	mpmc_consumer_destroy(*consumer);
}

/*
 * For gcc and clang. Initialise the variable:
 *
 *	mpmc_auto_queue struct mpmc_queue *queue = NULL;
 *	mpmc_auto_producer struct mpmc_producer *producer = NULL;
 *	mpmc_auto_consumer struct mpmc_consumer *consumer = NULL;
 */
#define mpmc_auto_queue __attribute__((__cleanup__(mpmc_auto_queue_end)))
#define mpmc_auto_producer __attribute__((__cleanup__(mpmc_auto_producer_end)))
#define mpmc_auto_consumer __attribute__((__cleanup__(mpmc_auto_consumer_end)))

#ifdef __cplusplus
#pragma GCC diagnostic pop
}
#endif

#endif /* MPMC_H */
