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
 * fork: the child inherits all handles, and they work there; tokens by system
 * calls, for their rings stay mapped in the parent alone. A queue lives as long
 * as any descriptor for it or for one of its tokens, in any process.
 *
 * Mapped tokens: the ring of a token is mapped into the process, unless that is
 * not possible or not wanted, and its calls make no system call as long as
 * there is room, or something leased. What they find in the ring they handle
 * inline, so a bad address is the process's own SIGSEGV there, before anything
 * has moved: where -EFAULT is listed below for a token, it may be that. Two
 * threads in one token at a time are not told -EBUSY then, and may lose items
 * of their own. Room granted to a mapped producer counts as used: others may be
 * told that a queue is full while it lies idle (see mpmc_producer_create()).
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

#include <errno.h>
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

/* As they are inlined here, and plain functions in the library. */
#ifndef MPMC_INLINE
#define MPMC_INLINE static inline
#endif

/*
 * The structures below may grow at their ends, except for struct mpmc_item and
 * struct mpmc_name, of which there are arrays. A program that was built with an
 * older header goes on working with a newer libmpmc.so.1: what its structures do
 * not have is looked at only with a flag that it does not know, and
 * mpmc_queue_stat() and mpmc_queue_stats() are told the size.
 */

/**
 * struct mpmc_queue_opts - what a new queue is like
 * @capacity: in items, exact; 0: 1,048,576
 * @segments: number of FIFO segments; 0: one per possible CPU; 1: the whole
 *	queue is one strict FIFO
 * @flags: MPMC_QUEUE_DELIVERIES, or 0
 * @max_deliveries: with MPMC_QUEUE_DELIVERIES: how often an item is handed out
 *	at most, at least once
 * @reserved: must be 0
 * @dead_letter: with MPMC_QUEUE_DELIVERIES: the queue that items go to when
 *	they come back and may not be handed out again; NULL: they are dropped,
 *	and counted. Its handle may be destroyed before this queue is
 *
 * Set it to zero first, then what matters: zero stands for the default.
 *
 * An item that the queue for dead letters does not take, because that one is
 * full or shut down, is handed out once more. In the queue for dead letters the
 * count of deliveries begins anew.
 *
 * What came back and may be handed out again is leased one by one, so that of a
 * lease that comes back a second time only the item that is to blame does. With
 * a limit of 1 there is no second time: all that was leased are dead letters.
 */
struct mpmc_queue_opts {
	uint64_t capacity;
	uint32_t segments;
	uint32_t flags;
	/* Not looked at without MPMC_QUEUE_DELIVERIES. */
	uint32_t max_deliveries;
	uint32_t reserved;
	struct mpmc_queue *dead_letter;
};

#define MPMC_QUEUE_DELIVERIES 0x1u /* there is a limit to them */

/**
 * struct mpmc_token_opts - what a new token is like
 * @ring_entries: size of the token's ring in items, rounded up to a power of
 *	two; 0: at most 4,096 and an eighth of the queue's capacity
 * @flags: MPMC_OPT_* bits, or 0
 *
 * Set it to zero first, then what matters: zero stands for the default.
 *
 * MPMC_OPT_UNMAPPED: its ring is not mapped, and each call is a system call; for
 * producers that must not keep room from others, and consumers that must not be
 * leased more than they ask for.
 *
 * MPMC_OPT_ARMED: as long as the token exists nobody who goes to sleep on its
 * queue interrupts other CPUs, and each call on a mapped ring costs a barrier
 * instead; for real-time systems.
 */
struct mpmc_token_opts {
	uint32_t ring_entries;
	uint32_t flags;
};

#define MPMC_OPT_UNMAPPED 0x1u /* do not map the ring: system calls alone */
#define MPMC_OPT_ARMED 0x2u /* a barrier for each call, and no interrupts */

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
 * @granted: room that mapped producers have been given and have not used yet
 * @redelivered: items that came back from consumer tokens, ever
 * @dead: items that went to the queue for dead letters, ever
 * @dropped: items that were dropped after their last delivery, ever
 *
 * A snapshot: items, leased and granted are approximate while others are at
 * work. Their sum is what the capacity limits.
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
	uint64_t granted;
	uint64_t redelivered;
	uint64_t dead;
	uint64_t dropped;
};

/**
 * struct mpmc_stats - what has happened to a queue since it was made
 * @size: in: sizeof(struct mpmc_stats); out: how much of it was filled in
 * @reserved: 0
 * @enqueued: items accepted
 * @dequeued: items that consumers have finished with: dequeued, or committed
 * @full: how often somebody found no room, and was refused or went to wait
 * @enqueue_timeouts: how often the timeout passed for one who waited for room
 * @dequeue_timeouts: the same for items
 * @redelivered: items that came back from consumer tokens
 * @dead: items that went to the queue for dead letters
 * @dropped: items that were dropped after their last delivery
 *
 * No counter ever goes back. When nobody is at work on the queue what it holds,
 * and what is leased, is enqueued less dequeued, dead and dropped.
 */
struct mpmc_stats {
	uint32_t size;
	uint32_t reserved;
	uint64_t enqueued;
	uint64_t dequeued;
	uint64_t full;
	uint64_t enqueue_timeouts;
	uint64_t dequeue_timeouts;
	uint64_t redelivered;
	uint64_t dead;
	uint64_t dropped;
};

/**
 * struct mpmc_item - an item that a consumer token has been handed
 * @value: the item
 * @deliveries: how often it has been handed out, this time included: more than
 *	1 if somebody had it before and died, or gave it back
 * @reserved: 0
 */
struct mpmc_item {
	uint64_t value;
	uint32_t deliveries;
	uint32_t reserved;
};

/**
 * struct mpmc_name - a queue that has a name
 * @name: the name, with its slash, and a 0 behind it. Of any bytes: not all may
 *	be fit to be shown on a terminal
 * @uid: who created the queue
 * @gid: his group
 * @mode: its permissions
 * @shut_down: 1 after mpmc_shutdown(), else 0
 * @capacity: in items
 * @items: accepted and not yet handed to a consumer
 * @reserved: 0
 */
struct mpmc_name {
	char name[264];
	uint32_t uid;
	uint32_t gid;
	uint32_t mode;
	uint32_t shut_down;
	uint64_t capacity;
	uint64_t items;
	uint64_t reserved[4];
};

/* --- Queues --- */

/**
 * mpmc_queue_create() - create a queue
 * @queue: out: the handle, NULL after an error; to be given to
 *	mpmc_queue_destroy()
 * @opts: NULL for the defaults
 *
 * It has no name: other processes get it by fork(), or by a UNIX socket, see
 * mpmc_queue_fd() and mpmc_queue_from_fd(); or make one by mpmc_queue_open().
 * Every queue can be waited on, and every one can be used with and without
 * tokens.
 *
 * Context: Any thread, at any time.
 *
 * Return: 0, or
 *  -ENOENT: there is no /dev/mpmc: the module is not loaded (modprobe mpmc)
 *  -EACCES, -EPERM: /dev/mpmc is there, but not for this process
 *  -ENODEV, -ENXIO: /dev/mpmc is there, but has no driver behind it
 *  -ENOTTY: /dev/mpmc is something else
 *  -EINVAL: queue is NULL, or opts has a flag that has no meaning, or a limit
 *	of no delivery at all, or what is reserved is not 0
 *  -EBADF: opts->dead_letter was opened by name, and O_RDONLY
 *  -E2BIG, -EINVAL: the module is older than limits of deliveries
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
 * mpmc_queue_open() - open a queue by its name, or create one that has a name
 * @queue: out: the handle, NULL after an error; to be given to
 *	mpmc_queue_destroy()
 * @name: a slash, and then one to 255 bytes, none of them a slash; not "/." or
 *	"/.."
 * @oflag: O_RDONLY to dequeue, O_WRONLY to enqueue and to shut down, or O_RDWR;
 *	with O_CREAT it is made if there is none, with O_CREAT | O_EXCL it must
 *	not be there; O_NONBLOCK is set for the descriptor; O_CLOEXEC is always
 * @mode: with O_CREAT: permissions, of which the umask is taken away, as open(2)
 *	has them
 * @opts: with O_CREAT: what a new queue is like; NULL for the defaults. One that
 *	exists stays as it is
 *
 * As with POSIX message queues: the name and the queue live, with all items,
 * until mpmc_queue_unlink(), also if nobody has it open, and each IPC namespace
 * has names of its own, which end with it.
 *
 * Context: Any thread, at any time.
 *
 * Return: 0, or
 *  -ENOENT: there is no queue of that name, and no O_CREAT
 *  -EEXIST: there is one, and O_EXCL
 *  -EACCES: its mode does not allow it
 *  -EINVAL: a pointer is NULL; that is no name; oflag, mode or opts have
 *	something without a meaning
 *  -EBADF: opts->dead_letter was opened by name, and O_RDONLY
 *  -ENAMETOOLONG: the name is too long
 *  -ENOSPC: as mpmc_queue_create()
 *  -ENOMEM: no memory, or none left in the memory cgroup
 *  -EMFILE, -ENFILE: too many open files, of the process or the system
 *  -ENXIO: there is no /dev/mpmc: the module is not loaded (modprobe mpmc)
 *  -EPERM: /dev/mpmc is there, but not for this process
 *  -EOPNOTSUPP: a module that is older than names, or a kernel without POSIX
 *	message queues
 *
 * Example:
 *	ret = mpmc_queue_open(&queue, "/jobs", O_RDWR | O_CREAT, 0660, NULL);
 */
int mpmc_queue_open(struct mpmc_queue **queue, const char *name, int oflag,
		    mode_t mode, const struct mpmc_queue_opts *opts);

/**
 * mpmc_queue_unlink() - take a queue's name away
 * @name: the name
 *
 * For who created it, and for root. Those who have the queue open go on with
 * it; it is freed, with what is in it, when nobody has.
 *
 * Context: Any thread, at any time.
 *
 * Return: 0, or
 *  -ENOENT: there is no queue of that name
 *  -EACCES: it is somebody else's
 *  -EINVAL, -ENAMETOOLONG: that is no name
 *  -ENOMEM: no memory
 *  -EMFILE, -ENFILE, -ENXIO, -EPERM, -EOPNOTSUPP: as mpmc_queue_open()
 *
 * Example:
 *	mpmc_queue_unlink("/jobs");
 */
int mpmc_queue_unlink(const char *name);

/**
 * mpmc_queue_list() - queues that have names
 * @after: the name to go on behind; NULL to begin
 * @names: out: the queues
 * @max: the most to write
 *
 * Those that the caller created or could open, in the order of their names,
 * byte by byte. What is there all the time is listed, whatever others create
 * and unlink meanwhile.
 *
 * Context: Any thread, at any time.
 *
 * Return: how many were written, 0 if there are no more, or
 *  -EINVAL, -ENAMETOOLONG: names is NULL; after is no name
 *  -ENOMEM: no memory
 *  -EMFILE, -ENFILE, -ENXIO, -EPERM, -EOPNOTSUPP: as mpmc_queue_open()
 *
 * Example:
 *	struct mpmc_name names[8];
 *	ssize_t i, n = mpmc_queue_list(NULL, names, 8);
 *
 *	for (; n > 0; n = mpmc_queue_list(names[n - 1].name, names, 8))
 *		for (i = 0; i < n; i++)
 *			puts(names[i].name);
 */
ssize_t mpmc_queue_list(const char *after, struct mpmc_name *names,
			size_t max);

/**
 * mpmc_queue_from_fd() - make a handle for a queue that exists
 * @queue: out: the handle, NULL after an error; to be given to
 *	mpmc_queue_destroy()
 * @fd: a queue's descriptor, inherited, or received by SCM_RIGHTS
 *
 * The handle has a duplicate of the descriptor, close-on-exec; @fd stays the
 * caller's, to close when he likes.
 *
 * Context: Any thread, at any time.
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
 * belongs to the handle, and is closed with it.
 *
 * Context: Any thread.
 *
 * Return: the descriptor, or
 *  -EINVAL: queue is NULL
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
 *
 * Context: Any thread, when nobody is using the handle any more.
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
 * was accepted before, and then get -EPIPE. Doing it again changes nothing.
 *
 * Context: Any thread.
 *
 * Return: 0, or
 *  -EINVAL: queue is NULL
 *  -EBADF: the queue was opened by name, and O_RDONLY
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
 * rings of all its producers. Exact while nobody else is at work.
 *
 * Context: Any thread.
 *
 * Return: the number of items, or
 *  -EINVAL: queue is NULL
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
 * A look at the queue now; mpmc_queue_stats() has what has happened until now.
 *
 * Context: Any thread.
 *
 * Return: 0, or
 *  -EINVAL: a pointer is NULL, or stat->size is less than any version of the
 *	structure has had
 *
 * Example:
 *	struct mpmc_stat stat;
 *
 *	stat.size = sizeof(stat);
 *	if (!mpmc_queue_stat(queue, &stat) && stat.enqueue_waiters)
 *		printf("full: %u are waiting\n", stat.enqueue_waiters);
 */
int mpmc_queue_stat(struct mpmc_queue *queue, struct mpmc_stat *stat);

/**
 * mpmc_queue_stats() - what has happened to a queue
 * @queue: the queue
 * @stats: in: its size; out: all of it
 *
 * Counters, for rates and for alarms; mpmc_queue_stat() has how the queue is
 * doing now.
 *
 * Context: Any thread.
 *
 * Return: 0, or
 *  -EINVAL: a pointer is NULL, or stats->size is less than any version of the
 *	structure has had
 *  -EOPNOTSUPP: the module is older
 *
 * Example:
 *	struct mpmc_stats stats;
 *
 *	stats.size = sizeof(stats);
 *	if (!mpmc_queue_stats(queue, &stats))
 *		printf("%llu done\n", (unsigned long long)stats.dequeued);
 */
int mpmc_queue_stats(struct mpmc_queue *queue, struct mpmc_stats *stats);

/* --- Items, one at a time --- */

/**
 * mpmc_try_enqueue() - put an item, if there is room
 * @queue: the queue
 * @item: any 64 bits
 *
 * Items that one thread puts come out in that order.
 *
 * Context: Any thread; never sleeps for room.
 *
 * Return: 0, or
 *  -EAGAIN: full
 *  -EPIPE: shut down
 *  -EINVAL: queue is NULL
 *  -ENOMEM: no memory, or none left in the memory cgroup
 *  -EBADF: the queue was opened by name, and O_RDONLY
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
 * "Empty" is answered only if no item was there all the time during the call.
 *
 * Context: Any thread; never sleeps for items.
 *
 * Return: 0, or
 *  -EAGAIN: empty
 *  -EPIPE: shut down, and nothing left
 *  -EFAULT: item cannot be written; it is back in the queue
 *  -EINVAL: a pointer is NULL
 *  -EBADF: the queue was opened by name, and O_WRONLY
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
 * As mpmc_try_enqueue(), but while the queue is full it sleeps.
 *
 * Context: Any thread.
 *
 * Return: 0, or
 *  -ETIMEDOUT: full until the timeout
 *  -EINTR: a signal handler ran
 *  -EPIPE: shut down, before the call or during it
 *  -EINVAL: queue is NULL, or timeout has no meaning
 *  -ENOMEM: no memory, or none left in the memory cgroup
 *  -EBADF: the queue was opened by name, and O_RDONLY
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
 * As mpmc_try_dequeue(), but while the queue is empty it sleeps.
 *
 * Context: Any thread.
 *
 * Return: 0, or
 *  -ETIMEDOUT: empty until the timeout
 *  -EINTR: a signal handler ran
 *  -EPIPE: shut down, and nothing left
 *  -EFAULT: item cannot be written; it is back in the queue
 *  -EINVAL: a pointer is NULL, or timeout has no meaning
 *  -EBADF: the queue was opened by name, and O_WRONLY
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
 * All or none; nothing of the same producer comes in between.
 *
 * Context: Any thread; never sleeps for room.
 *
 * Return: 0, or
 *  -EAGAIN: no room for all of them
 *  -EMSGSIZE: there will never be: more than the capacity
 *  -EPIPE: shut down
 *  -EFAULT: items cannot be read
 *  -EINVAL: a pointer is NULL
 *  -ENOMEM: no memory, or none left in the memory cgroup
 *  -EBADF: the queue was opened by name, and O_RDONLY
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
 * In their order, as far as they have one: those of one producer as it put
 * them.
 *
 * Context: Any thread; never sleeps for items.
 *
 * Return: how many were taken, 0 when empty, or
 *  -EPIPE: shut down, and nothing left
 *  -EFAULT: items cannot be written; those taken are back in the queue
 *  -EINVAL: a pointer is NULL
 *  -ENOMEM: no memory, or none left in the memory cgroup
 *  -EBADF: the queue was opened by name, and O_WRONLY
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
 * As mpmc_try_enqueue_bulk(), but while there is no room for all it
 * sleeps. All or none.
 *
 * Context: Any thread.
 *
 * Return: 0, or
 *  -ETIMEDOUT: no room for all of them until the timeout
 *  -EMSGSIZE: there will never be: more than the capacity
 *  -EINTR: a signal handler ran
 *  -EPIPE: shut down, before the call or during it
 *  -EFAULT: items cannot be read
 *  -EINVAL: a pointer is NULL, or timeout has no meaning
 *  -ENOMEM: no memory, or none left in the memory cgroup
 *  -EBADF: the queue was opened by name, and O_RDONLY
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
 * As mpmc_try_dequeue_bulk(), but while the queue is empty it sleeps.
 * Does not wait for more once there is one.
 *
 * Context: Any thread.
 *
 * Return: how many were taken, 0 when empty until the timeout, or
 *  -EINTR: a signal handler ran
 *  -EPIPE: shut down, and nothing left
 *  -EFAULT: items cannot be written; those taken are back in the queue
 *  -EINVAL: a pointer is NULL, or timeout has no meaning
 *  -ENOMEM: no memory, or none left in the memory cgroup
 *  -EBADF: the queue was opened by name, and O_WRONLY
 *
 * Example:
 *	ssize_t n = mpmc_dequeue_bulk_wait(queue, items, 1000, NULL);
 */
ssize_t mpmc_dequeue_bulk_wait(struct mpmc_queue *queue, uint64_t *items,
			       size_t max, const struct timespec *timeout);

/* --- What tokens look like inside; for the inline functions alone --- */

/*
 * A token whose ring is mapped has it in memory as one of these, at a distance
 * behind its handle. In a token that is not mapped, and in a process that was
 * forked since, the distance is 0, and all that is looked at there reads as
 * zero: no room, and no items.
 *
 * Programs have this, and how it is used, built in: it stays as it is as long
 * as the library is libmpmc.so.1.
 */

/* What different sides write is so far apart, see <linux/mpmc.h>. */
#define MPMC_APART 0x10000
#define MPMC_ENTRIES_MAX 0x10000

/*
 * struct mpmc_producer_map - the ring of a producer
 * @readers: who waits for items
 * @limit: up to where there is room
 * @own: its position
 * @items: the entries
 */
struct mpmc_producer_map {
	uint32_t readers;
	unsigned char apart1[MPMC_APART - sizeof(uint32_t)];
	uint64_t limit;
	unsigned char apart2[MPMC_APART - sizeof(uint64_t)];
	uint64_t own;
	unsigned char apart3[MPMC_APART - sizeof(uint64_t)];
	uint64_t items[MPMC_ENTRIES_MAX];
};

/*
 * struct mpmc_consumer_map - the ring of a consumer
 * @own: its position
 * @readers: who waits for items
 * @writers: who waits for room
 * @limit: up to where there are items
 * @again: of those before it, deliveries are written down
 * @fresh: from @own up to here nothing has been handed out before
 * @items: the entries
 */
struct mpmc_consumer_map {
	uint64_t own;
	unsigned char apart1[MPMC_APART - sizeof(uint64_t)];
	uint32_t readers[16];
	uint32_t writers;
	unsigned char apart2[MPMC_APART - 17 * sizeof(uint32_t)];
	uint64_t limit;
	uint64_t again;
	uint64_t fresh;
	unsigned char apart3[MPMC_APART - 3 * sizeof(uint64_t)];
	uint64_t items[MPMC_ENTRIES_MAX];
};

/*
 * struct mpmc_token - a token
 * @zero: 0, as is the position of a ring that is not there
 * @fd: its descriptor
 * @ring: the number of the ring's entries - 1, and in the lower half how far
 *	behind this the ring is; 0: nowhere, in this process
 */
struct mpmc_token {
	uint64_t zero;
	int64_t fd;
	uint64_t ring;
};

struct mpmc_producer {
	struct mpmc_token token;
};

struct mpmc_consumer {
	struct mpmc_token token;
};

/* What the inline functions leave to the library. */
int mpmc_producer_enqueue_slow(struct mpmc_producer *producer, uint64_t item);
int mpmc_producer_enqueue_bulk_slow(struct mpmc_producer *producer,
				    const uint64_t *items, size_t n);
int mpmc_producer_waited_for(struct mpmc_producer *producer, size_t n);
int mpmc_consumer_dequeue_slow(struct mpmc_consumer *consumer, uint64_t *item);
ssize_t mpmc_consumer_dequeue_bulk_slow(struct mpmc_consumer *consumer,
					uint64_t *items, size_t max);
ssize_t mpmc_consumer_peek_slow(struct mpmc_consumer *consumer,
				struct mpmc_item *items, size_t max);
int mpmc_consumer_commit_slow(struct mpmc_consumer *consumer, size_t n);
int mpmc_consumer_waited_for(struct mpmc_consumer *consumer, size_t n);

#define mpmc_likely(x) __builtin_expect(!!(x), 1)

static inline struct mpmc_producer_map *mpmc_map_of_producer(
	struct mpmc_producer *producer, uint64_t ring)
{
	return (struct mpmc_producer_map *)((char *)producer +
					    (uint32_t)ring);
}

static inline struct mpmc_consumer_map *mpmc_map_of_consumer(
	struct mpmc_consumer *consumer, uint64_t ring)
{
	return (struct mpmc_consumer_map *)((char *)consumer +
					    (uint32_t)ring);
}

/*
 * The owner has come as far as this; whether somebody waits for that, or may.
 * The load may come before the store for all that this process does about it.
 * The kernel knows, and interrupts it before it lets anybody sleep.
 */
static inline int mpmc_map_advance(uint64_t *position, uint64_t own,
				   const uint32_t *waiters)
{
	__atomic_store_n(position, own, __ATOMIC_RELEASE);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	return __atomic_load_n(waiters, __ATOMIC_RELAXED) != 0;
}

static inline uint64_t mpmc_map_load(const uint64_t *word)
{
	return __atomic_load_n(word, __ATOMIC_RELAXED);
}

static inline void mpmc_map_copy_one(uint64_t *to, const uint64_t *from)
{
	__atomic_store_n(to, __atomic_load_n(from, __ATOMIC_RELAXED),
			 __ATOMIC_RELAXED);
}

/*
 * By words, a cache line at a time: there are never many, and some CPUs, and
 * emulators, are slow at anything else.
 */
static inline void mpmc_map_copy(uint64_t *to, const uint64_t *from, size_t n)
{
	for (; n >= 8; n -= 8, to += 8, from += 8) {
		mpmc_map_copy_one(to, from);
		mpmc_map_copy_one(to + 1, from + 1);
		mpmc_map_copy_one(to + 2, from + 2);
		mpmc_map_copy_one(to + 3, from + 3);
		mpmc_map_copy_one(to + 4, from + 4);
		mpmc_map_copy_one(to + 5, from + 5);
		mpmc_map_copy_one(to + 6, from + 6);
		mpmc_map_copy_one(to + 7, from + 7);
	}
	for (; n; n--)
		mpmc_map_copy_one(to++, from++);
}

/* Items to the entries from a position on, and from there. */
static inline void mpmc_map_put(uint64_t *entries, uint64_t mask, uint64_t own,
				const uint64_t *items, size_t n)
{
	size_t first = (size_t)(own & mask), piece = (size_t)mask + 1 - first;

	if (piece > n)
		piece = n;
	mpmc_map_copy(entries + first, items, piece);
	mpmc_map_copy(entries, items + piece, n - piece);
}

static inline void mpmc_map_get(const uint64_t *entries, uint64_t mask,
				uint64_t own, uint64_t *items, size_t n)
{
	size_t first = (size_t)(own & mask), piece = (size_t)mask + 1 - first;

	if (piece > n)
		piece = n;
	mpmc_map_copy(items, entries + first, piece);
	mpmc_map_copy(items + piece, entries, n - piece);
}

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
 * into that one, by system calls, and the queue stays one strict FIFO.
 *
 * Its ring is mapped, so that a call is no system call as long as there is
 * room. For that the kernel grants it room for many items at a time: twice as
 * many each time, up to the ring, but at most a fair share of what is free, and
 * none while others wait for room. Room granted counts as used, until it is, or
 * until a call that needs more, the end of the token, or a shutdown. A token
 * with MPMC_OPT_UNMAPPED keeps no room from others. A bulk that is larger than
 * the ring is a system call.
 *
 * Context: Any thread, at any time.
 *
 * Return: 0, or
 *  -EINVAL: a pointer is NULL, a flag has no meaning, or ring_entries is more
 *	than a ring can have
 *  -EPIPE: the queue is shut down
 *  -ENOSPC: the queue has as many producer tokens as it can
 *  -ENOMEM: no memory, or none left in the memory cgroup
 *  -EMFILE, -ENFILE: too many open files, of the process or the system
 *  -EBADF: the queue was opened by name, and O_RDONLY
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
 * What was put through it stays in the queue.
 *
 * Context: Any thread, when nobody is using the token any more.
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
 * token, and is closed with it. A queue that is polled for POLLIN is told of
 * each item by a system call.
 *
 * Context: Any thread.
 *
 * Return: the descriptor, or
 *  -EINVAL: producer is NULL
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
 * Items of one token come out in the order they went in.
 *
 * Context: One thread at a time; never sleeps for room.
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
MPMC_INLINE int mpmc_producer_try_enqueue(struct mpmc_producer *producer,
					  uint64_t item)
{
	struct mpmc_producer_map *map;
	uint64_t own, ring;

	if (!producer)
		return -EINVAL;
	ring = producer->token.ring;
	map = mpmc_map_of_producer(producer, ring);
	own = mpmc_map_load(&map->own);
	if (mpmc_map_load(&map->limit) == own)
		return mpmc_producer_enqueue_slow(producer, item);
	map->items[own & ring >> 32] = item;
	if (mpmc_likely(!mpmc_map_advance(&map->own, own + 1, &map->readers)))
		return 0;
	return mpmc_producer_waited_for(producer, 1);
}

/**
 * mpmc_producer_try_enqueue_bulk() - put items, if there is room for all
 * @producer: the token
 * @items: the items; may be NULL when n is 0
 * @n: how many; with 0 nothing happens
 *
 * All or none; nothing else of this token comes in between.
 *
 * Context: One thread at a time; never sleeps for room.
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
MPMC_INLINE int mpmc_producer_try_enqueue_bulk(struct mpmc_producer *producer,
					       const uint64_t *items, size_t n)
{
	struct mpmc_producer_map *map;
	uint64_t own, ring;

	if (!producer)
		return -EINVAL;
	ring = producer->token.ring;
	map = mpmc_map_of_producer(producer, ring);
	own = mpmc_map_load(&map->own);
	if (!n || !items || mpmc_map_load(&map->limit) - own < n)
		return mpmc_producer_enqueue_bulk_slow(producer, items, n);
	mpmc_map_put(map->items, ring >> 32, own, items, n);
	if (mpmc_likely(!mpmc_map_advance(&map->own, own + n, &map->readers)))
		return 0;
	return mpmc_producer_waited_for(producer, n);
}

/**
 * mpmc_producer_enqueue_wait() - put an item, wait for room
 * @producer: the token
 * @item: any 64 bits
 * @timeout: relative; NULL: for ever; zero: try once
 *
 * As mpmc_producer_try_enqueue(), but while the queue is full it sleeps.
 *
 * Context: One thread at a time.
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
 * As mpmc_producer_try_enqueue_bulk(), but while there is no room for all it
 * sleeps. All or none.
 *
 * Context: One thread at a time.
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
 * Also after a shutdown, to take what is left. The token has a lease: items
 * that it has been handed and that have not been finished with, by
 * mpmc_consumer_commit() or a call that dequeues. When the token is closed, or
 * its process dies, they go back to the front of the queue, in order, and count
 * as delivered: all of them, also those that it had not looked at yet.
 *
 * Its ring is mapped: it is leased a fair share of what there is at a time,
 * which is that divided by twice the number of consumers, and takes from it
 * without a system call. A token with MPMC_OPT_UNMAPPED is leased what it asks
 * for.
 *
 * Context: Any thread, at any time.
 *
 * Return: 0, or
 *  -EINVAL: a pointer is NULL, a flag has no meaning, or ring_entries is more
 *	than a ring can have
 *  -ENOSPC: the queue has as many consumer tokens as it can
 *  -ENOMEM: no memory, or none left in the memory cgroup
 *  -EMFILE, -ENFILE: too many open files, of the process or the system
 *  -EBADF: the queue was opened by name, and O_WRONLY
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
 * queue when its last descriptor is closed, in whatever process.
 *
 * Context: Any thread, when nobody is using the token any more.
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
 * close-on-exec, belongs to the token, and is closed with it.
 *
 * Context: Any thread.
 *
 * Return: the descriptor, or
 *  -EINVAL: consumer is NULL
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
 * The oldest item of the lease, which is filled first if it has none.
 *
 * Context: One thread at a time; never sleeps for items.
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
MPMC_INLINE int mpmc_consumer_try_dequeue(struct mpmc_consumer *consumer,
					  uint64_t *item)
{
	struct mpmc_consumer_map *map;
	uint64_t own, ring;

	if (!consumer || !item)
		return -EINVAL;
	ring = consumer->token.ring;
	map = mpmc_map_of_consumer(consumer, ring);
	own = mpmc_map_load(&map->own);
	if (mpmc_map_load(&map->limit) == own)
		return mpmc_consumer_dequeue_slow(consumer, item);
	*item = map->items[own & ring >> 32];
	if (mpmc_likely(!mpmc_map_advance(&map->own, own + 1, &map->writers)))
		return 0;
	return mpmc_consumer_waited_for(consumer, 1);
}

/**
 * mpmc_consumer_try_dequeue_bulk() - take what there is
 * @consumer: the token
 * @items: out: the items; may be NULL when max is 0
 * @max: the most to take; with 0 nothing happens
 *
 * The oldest items of the lease, which is filled first if it has fewer.
 *
 * Context: One thread at a time; never sleeps for items.
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
MPMC_INLINE ssize_t
mpmc_consumer_try_dequeue_bulk(struct mpmc_consumer *consumer, uint64_t *items,
			       size_t max)
{
	struct mpmc_consumer_map *map;
	uint64_t own, ring;

	if (!consumer)
		return -EINVAL;
	ring = consumer->token.ring;
	map = mpmc_map_of_consumer(consumer, ring);
	own = mpmc_map_load(&map->own);
	if (!max || !items || mpmc_map_load(&map->limit) - own < max)
		return mpmc_consumer_dequeue_bulk_slow(consumer, items, max);
	mpmc_map_get(map->items, ring >> 32, own, items, max);
	if (mpmc_map_advance(&map->own, own + max, &map->writers))
		mpmc_consumer_waited_for(consumer, max);
	return (ssize_t)max;
}

/**
 * mpmc_consumer_dequeue_wait() - take an item, wait for one
 * @consumer: the token
 * @item: out: the item; left alone after an error
 * @timeout: relative; NULL: for ever; zero: try once
 *
 * As mpmc_consumer_try_dequeue(), but while the queue is empty it sleeps.
 *
 * Context: One thread at a time.
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
 * As mpmc_consumer_try_dequeue_bulk(), but while the queue is empty it sleeps.
 * Does not wait for more once there is one.
 *
 * Context: One thread at a time.
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

/* --- Leases: at least once --- */

/**
 * mpmc_consumer_peek() - look at the oldest items of the lease
 * @consumer: the token
 * @items: out: the items; may be NULL when max is 0
 * @max: the most to look at; with 0 nothing happens
 *
 * They stay leased: work on them, then call mpmc_consumer_commit(). If the
 * process dies before that, they go back to the front of the queue, and are
 * delivered again with a higher count of deliveries: at least once. (The calls
 * that dequeue commit before the work: at most once.) Looking again shows the
 * same items, with the same counts. If the lease has fewer than @max, it is
 * filled up with what there is, as far as the ring has room; where deliveries
 * are limited, with what came back one by one.
 *
 * Context: One thread at a time; never sleeps for items.
 *
 * Return: how many are shown, 0 when there are none, or
 *  -EPIPE: shut down, and nothing left
 *  -EBUSY: another thread is inside a call on this token
 *  -EIO: the token's ring was broken by its owner (mapped rings only)
 *  -EFAULT: items cannot be written; they stay leased
 *  -EINVAL: a pointer is NULL
 *
 * Example:
 *	struct mpmc_item items[16];
 *	ssize_t i, n = mpmc_consumer_peek(consumer, items, 16);
 *
 *	for (i = 0; i < n; i++) {
 *		handle(items[i].value, items[i].deliveries > 1);
 *		mpmc_consumer_commit(consumer, 1);
 *	}
 */
MPMC_INLINE ssize_t mpmc_consumer_peek(struct mpmc_consumer *consumer,
				       struct mpmc_item *items, size_t max)
{
	struct mpmc_consumer_map *map;
	uint64_t own, ring;
	size_t i;

	if (!consumer)
		return -EINVAL;
	ring = consumer->token.ring;
	map = mpmc_map_of_consumer(consumer, ring);
	own = mpmc_map_load(&map->own);
	/* What is fresh may end before the own position. */
	if ((int64_t)(mpmc_map_load(&map->fresh) - own) < (int64_t)max ||
	    (ssize_t)max <= 0 || !items)
		return mpmc_consumer_peek_slow(consumer, items, max);
	for (i = 0; i < max; i++) {
		items[i].value = map->items[(own + i) & ring >> 32];
		items[i].deliveries = 1;
		items[i].reserved = 0;
	}
	return (ssize_t)max;
}

/**
 * mpmc_consumer_peek_wait() - look at the oldest items, wait for the first one
 * @consumer: the token
 * @items: out: the items; may be NULL when max is 0
 * @max: the most to look at; with 0 nothing happens
 * @timeout: relative; NULL: for ever; zero: try once
 *
 * As mpmc_consumer_peek(), but while there is nothing to show it sleeps.
 *
 * Context: One thread at a time.
 *
 * Return: how many are shown, 0 when there were none until the timeout, or
 *  -EINTR: a signal handler ran
 *  -EPIPE: shut down, and nothing left
 *  -EBUSY: another thread is inside a call on this token
 *  -EIO: the token's ring was broken by its owner (mapped rings only)
 *  -EFAULT: items cannot be written; they stay leased
 *  -EINVAL: a pointer is NULL, or timeout has no meaning
 *
 * Example:
 *	n = mpmc_consumer_peek_wait(consumer, items, 16, NULL);
 */
ssize_t mpmc_consumer_peek_wait(struct mpmc_consumer *consumer,
				struct mpmc_item *items, size_t max,
				const struct timespec *timeout);

/**
 * mpmc_consumer_commit() - the oldest items of the lease have been dealt with
 * @consumer: the token
 * @n: how many; with 0 nothing happens
 *
 * They will not be delivered again, and their room is free.
 *
 * Context: One thread at a time.
 *
 * Return: 0, or
 *  -EINVAL: consumer is NULL, or the lease has fewer items
 *  -EBUSY: another thread is inside a call on this token
 *  -EIO: the token's ring was broken by its owner (mapped rings only)
 *
 * Example:
 *	mpmc_consumer_commit(consumer, 1);
 */
MPMC_INLINE int mpmc_consumer_commit(struct mpmc_consumer *consumer, size_t n)
{
	struct mpmc_consumer_map *map;
	uint64_t own, ring;

	if (!consumer)
		return -EINVAL;
	ring = consumer->token.ring;
	map = mpmc_map_of_consumer(consumer, ring);
	own = mpmc_map_load(&map->own);
	if (!n || mpmc_map_load(&map->limit) - own < n)
		return mpmc_consumer_commit_slow(consumer, n);
	if (mpmc_likely(!mpmc_map_advance(&map->own, own + n, &map->writers)))
		return 0;
	return mpmc_consumer_waited_for(consumer, n);
}

/**
 * mpmc_consumer_release() - give the oldest items of the lease back
 * @consumer: the token
 * @n: how many; with 0 nothing happens
 *
 * They go to the front of the queue, in order, for whoever takes them next,
 * with a higher count of deliveries: for a worker that can't deal with them, or
 * is going to be busy for long.
 *
 * Context: One thread at a time.
 *
 * Return: 0, or
 *  -EINVAL: consumer is NULL, or the lease has fewer items
 *  -ENOMEM: out of memory; they are leased as before. (A token that is destroyed
 *	gives them back without any.)
 *  -EBUSY: another thread is inside a call on this token
 *  -EIO: the token's ring was broken by its owner (mapped rings only)
 *
 * Example:
 *	if (cannot_handle(items[0].value))
 *		mpmc_consumer_release(consumer, 1);
 */
int mpmc_consumer_release(struct mpmc_consumer *consumer, size_t n);

/**
 * mpmc_consumer_leased() - how many items the lease has
 * @consumer: the token
 *
 * All that mpmc_consumer_release() could give back.
 *
 * Context: One thread at a time.
 *
 * Return: the number of items, or
 *  -EINVAL: consumer is NULL
 *
 * Example:
 *	mpmc_consumer_release(consumer, mpmc_consumer_leased(consumer));
 */
ssize_t mpmc_consumer_leased(struct mpmc_consumer *consumer);

/**
 * mpmc_producer_mapped() - whether a token's ring is mapped
 * @producer: the token
 *
 * It may not be where there was no memory, in a child after fork(), with
 * MPMC_OPT_UNMAPPED, and on a queue with one segment.
 *
 * Context: Any thread.
 *
 * Return: 1 if it is, and its calls do without system calls where they can; 0
 * if not, in this process; or
 *  -EINVAL: producer is NULL
 *
 * Example:
 *	if (!mpmc_producer_mapped(producer))
 *		fprintf(stderr, "slower than it could be\n");
 */
int mpmc_producer_mapped(const struct mpmc_producer *producer);

/**
 * mpmc_consumer_mapped() - whether a token's ring is mapped
 * @consumer: the token
 *
 * It may not be where there was no memory, in a child after fork(), and with
 * MPMC_OPT_UNMAPPED.
 *
 * Context: Any thread.
 *
 * Return: 1 if it is, and its calls do without system calls where they can; 0
 * if not, in this process; or
 *  -EINVAL: consumer is NULL
 *
 * Example:
 *	if (!mpmc_consumer_mapped(consumer))
 *		fprintf(stderr, "slower than it could be\n");
 */
int mpmc_consumer_mapped(const struct mpmc_consumer *consumer);

/* --- Errors --- */

/**
 * mpmc_strerror() - what an error means here, and what to do about it
 * @err: what a function of this library returned, or an errno
 *
 * For a person to read; programs compare numbers. Libraries for other languages
 * can show it as well.
 *
 * Context: Any thread.
 *
 * Return: a constant text, never NULL; of what has no text here, one that says
 * so
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
