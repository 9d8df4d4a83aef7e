/* SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR MIT) */
#ifndef _UAPI_LINUX_MPMC_H
#define _UAPI_LINUX_MPMC_H

#include <linux/ioctl.h>
#include <linux/types.h>

/**
 * DOC: /dev/mpmc, multi-producer multi-consumer queues of 64-bit items
 *
 * Opening /dev/mpmc gives a control fd; MPMC_IOC_QUEUE_CREATE on it returns a
 * queue fd, and MPMC_IOC_PRODUCER_CREATE and MPMC_IOC_CONSUMER_CREATE on a
 * queue fd return token fds. All of them are close-on-exec and may be shared
 * by fork() and SCM_RIGHTS. A queue lives as long as any fd for it or for one
 * of its tokens.
 *
 * Every structure begins with its size in bytes, as the caller knows it. It
 * may be larger than the kernel's as long as what the kernel does not know is
 * zero (else E2BIG), and as small as the structure of the first version of
 * this header (else EINVAL). Structures grow at their end only. Padding and
 * flags without a meaning must be zero (else EINVAL).
 *
 * The one vocabulary of errors:
 *
 *  - EAGAIN: would block: empty (dequeue), or no room for all (enqueue)
 *  - ETIMEDOUT: the deadline passed first
 *  - EINTR: a signal handler ran while waiting (without SA_RESTART)
 *  - EPIPE: the queue is shut down; for a consumer: and drained
 *  - EMSGSIZE: more items at once than the queue has capacity
 *  - EBUSY: another thread is inside a call on the same token
 *  - EIO: the token's ring was broken by its owner
 *  - EINVAL: a field, flag or size without a meaning
 *  - EFAULT: an address that cannot be read or written; no item is lost
 *  - E2BIG: a structure with fields this kernel does not know
 *  - ENOTTY: a command that this kind of fd does not have
 *  - EOPNOTSUPP: known, but not available here
 *  - ENOMEM: no memory, or none left in the caller's memory cgroup
 *  - ENOSPC: a limit of the device was reached (queues of one user, tokens
 *    of one queue, capacity)
 */

#define MPMC_IOC_TYPE 0xBE

enum {
	MPMC_CMD_DEVICE_INFO = 0x00,
	MPMC_CMD_QUEUE_CREATE = 0x01,
	MPMC_CMD_QUEUE_INFO = 0x10,
	MPMC_CMD_QUEUE_SHUTDOWN = 0x11,
	MPMC_CMD_PRODUCER_CREATE = 0x12,
	MPMC_CMD_CONSUMER_CREATE = 0x13,
	MPMC_CMD_ITEM_ENQUEUE = 0x20,
	MPMC_CMD_ITEM_DEQUEUE = 0x21,
	MPMC_CMD_TOKEN_INFO = 0x30,
};

/* No deadline: wait until it happens. */
#define MPMC_FOREVER (~(__u64)0)

/**
 * struct mpmc_device_info - ioctl(MPMC_IOC_DEVICE_INFO) on /dev/mpmc
 * @size: sizeof(struct mpmc_device_info)
 * @flags: in: must be 0
 * @features: out: MPMC_FEATURE_* bits; none so far
 * @max_capacity: out: largest capacity of a queue, in items
 * @max_segments: out: largest number of segments of a queue
 * @max_ring_entries: out: largest ring of a token, in items
 * @max_tokens: out: most tokens of one kind a queue can have at a time
 * @max_queues: out: most queues one user can have at a time
 *
 * Return: 0.
 */
struct mpmc_device_info {
	__u32 size;
	__u32 flags;
	__u64 features;
	__u64 max_capacity;
	__u32 max_segments;
	__u32 max_ring_entries;
	__u32 max_tokens;
	__u32 max_queues;
};

#define MPMC_IOC_DEVICE_INFO _IO(MPMC_IOC_TYPE, MPMC_CMD_DEVICE_INFO)

/**
 * struct mpmc_queue_create - ioctl(MPMC_IOC_QUEUE_CREATE) on /dev/mpmc
 * @size: sizeof(struct mpmc_queue_create)
 * @flags: must be 0
 * @capacity: in items, exact; 0 for the default of 1,048,576
 * @segments: number of FIFO segments; 0 for one per possible CPU; 1 makes the
 *	whole queue one strict FIFO
 * @pad: must be 0
 *
 * Return: the queue's fd (close-on-exec). EINVAL, ENOSPC (over max_capacity,
 * max_segments or max_queues), ENOMEM, EMFILE, ENFILE.
 */
struct mpmc_queue_create {
	__u32 size;
	__u32 flags;
	__u64 capacity;
	__u32 segments;
	__u32 pad;
};

#define MPMC_IOC_QUEUE_CREATE _IO(MPMC_IOC_TYPE, MPMC_CMD_QUEUE_CREATE)

/**
 * struct mpmc_queue_info - ioctl(MPMC_IOC_QUEUE_INFO) on a queue fd
 * @size: sizeof(struct mpmc_queue_info)
 * @flags: in: must be 0
 * @capacity: out: in items
 * @items: out: items accepted and not yet handed to a consumer, approximate
 *	while others are at work
 * @leased: out: items handed to a consumer token and not yet finished with
 * @segments: out: number of segments
 * @producers: out: producer tokens
 * @consumers: out: consumer tokens
 * @enqueue_waiters: out: threads asleep until there is room
 * @dequeue_waiters: out: threads asleep until there is an item
 * @state: out: MPMC_STATE_* bits
 *
 * Return: 0.
 */
struct mpmc_queue_info {
	__u32 size;
	__u32 flags;
	__u64 capacity;
	__u64 items;
	__u64 leased;
	__u32 segments;
	__u32 producers;
	__u32 consumers;
	__u32 enqueue_waiters;
	__u32 dequeue_waiters;
	__u32 state;
};

#define MPMC_IOC_QUEUE_INFO _IO(MPMC_IOC_TYPE, MPMC_CMD_QUEUE_INFO)

#define MPMC_STATE_SHUTDOWN 0x1 /* no more items are accepted */

/**
 * struct mpmc_queue_shutdown - ioctl(MPMC_IOC_QUEUE_SHUTDOWN) on a queue fd
 * @size: sizeof(struct mpmc_queue_shutdown)
 * @flags: must be 0
 *
 * Ends the stream: from now on producers get EPIPE; consumers take what was
 * accepted before and then get EPIPE. Doing it again changes nothing.
 *
 * Return: 0.
 */
struct mpmc_queue_shutdown {
	__u32 size;
	__u32 flags;
};

#define MPMC_IOC_QUEUE_SHUTDOWN _IO(MPMC_IOC_TYPE, MPMC_CMD_QUEUE_SHUTDOWN)

/**
 * struct mpmc_token_create - ioctl(MPMC_IOC_PRODUCER_CREATE) and
 *	ioctl(MPMC_IOC_CONSUMER_CREATE) on a queue fd
 * @size: sizeof(struct mpmc_token_create)
 * @flags: must be 0
 * @ring_entries: size of the token's ring in items, rounded up to a power of
 *	two; 0 for the default: at most 4,096 and an eighth of the capacity
 * @pad: must be 0
 *
 * Return: the token's fd (close-on-exec). EINVAL (ring_entries over
 * max_ring_entries), EPIPE (a producer of a queue that is shut down), ENOSPC
 * (max_tokens), ENOMEM, EMFILE, ENFILE.
 */
struct mpmc_token_create {
	__u32 size;
	__u32 flags;
	__u32 ring_entries;
	__u32 pad;
};

#define MPMC_IOC_PRODUCER_CREATE _IO(MPMC_IOC_TYPE, MPMC_CMD_PRODUCER_CREATE)
#define MPMC_IOC_CONSUMER_CREATE _IO(MPMC_IOC_TYPE, MPMC_CMD_CONSUMER_CREATE)

/**
 * struct mpmc_token_info - ioctl(MPMC_IOC_TOKEN_INFO) on a token fd
 * @size: sizeof(struct mpmc_token_info)
 * @flags: in: must be 0
 * @kind: out: MPMC_TOKEN_PRODUCER or MPMC_TOKEN_CONSUMER
 * @ring_entries: out: size of the ring, in items
 * @items: out: producer: items enqueued here and not yet taken, 0 if the queue
 *	has one segment, for they are there; consumer: items leased, taken
 *	from the queue and not yet finished with
 *
 * Return: 0.
 */
struct mpmc_token_info {
	__u32 size;
	__u32 flags;
	__u32 kind;
	__u32 ring_entries;
	__u64 items;
};

#define MPMC_IOC_TOKEN_INFO _IO(MPMC_IOC_TYPE, MPMC_CMD_TOKEN_INFO)

#define MPMC_TOKEN_PRODUCER 1
#define MPMC_TOKEN_CONSUMER 2

/**
 * struct mpmc_transfer - ioctl(MPMC_IOC_ITEM_ENQUEUE) on a queue fd or a
 *	producer token, ioctl(MPMC_IOC_ITEM_DEQUEUE) on a queue fd or a
 *	consumer token
 * @size: sizeof(struct mpmc_transfer)
 * @flags: MPMC_TRANSFER_* bits
 * @items: address of an array of @count __u64; with MPMC_TRANSFER_INLINE the
 *	item itself, read (enqueue) or written (dequeue) here
 * @count: items to put, all or none; or the most items to take. At least 1,
 *	and exactly 1 with MPMC_TRANSFER_INLINE
 * @pad: must be 0
 * @deadline: with MPMC_TRANSFER_WAIT: CLOCK_MONOTONIC time in nanoseconds
 *	until which to sleep, MPMC_FOREVER for no limit; else must be 0
 *
 * Without MPMC_TRANSFER_WAIT the call never sleeps for items or room.
 *
 * Return: enqueue: 0. Dequeue: the number of items taken, at least 1.
 * EAGAIN, ETIMEDOUT, EINTR, EPIPE, EMSGSIZE (enqueue), EBUSY (tokens), EFAULT,
 * EINVAL, ENOMEM. After an error no item has moved; after an EFAULT while
 * taking items, what had been taken is back at the front, in order.
 */
struct mpmc_transfer {
	__u32 size;
	__u32 flags;
	__u64 items;
	__u32 count;
	__u32 pad;
	__u64 deadline;
};

#define MPMC_IOC_ITEM_ENQUEUE _IO(MPMC_IOC_TYPE, MPMC_CMD_ITEM_ENQUEUE)
#define MPMC_IOC_ITEM_DEQUEUE _IO(MPMC_IOC_TYPE, MPMC_CMD_ITEM_DEQUEUE)

#define MPMC_TRANSFER_INLINE 0x1
#define MPMC_TRANSFER_WAIT 0x2

#endif /* _UAPI_LINUX_MPMC_H */
