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
 * by fork() and SCM_RIGHTS. MPMC_IOC_QUEUE_OPEN makes and opens queues by name.
 * A queue lives as long as any fd for it or for one of its tokens, or a name.
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
 *  - EBUSY: another thread is inside a call on the same token, or (mmap) it
 *    is mapped already
 *  - EIO: the token's ring was broken by its owner
 *  - EINVAL: a field, flag or size without a meaning
 *  - EFAULT: an address that cannot be read or written; no item is lost
 *  - E2BIG: a structure with fields this kernel does not know
 *  - ENOTTY: a command that this kind of fd does not have
 *  - EOPNOTSUPP: known, but not available here
 *  - ENOMEM: no memory, or none left in the caller's memory cgroup
 *  - ENOSPC: a limit of the device was reached (queues of one user, tokens
 *    of one queue, capacity)
 *  - EMFILE: too many open files, of the process
 *  - ENFILE: too many open files, of the system
 *  - EBADF: an fd that is not open, or not open for that: read-only, write-only
 *  - ENOENT: there is no queue of that name
 *  - EEXIST: there is one already
 *  - EACCES: the queue's mode does not allow it, or it is somebody else's
 *  - ENAMETOOLONG: a name of more than MPMC_NAME_MAX bytes
 *  - ECANCELED: by io_uring alone: it was cancelled first
 */

#define MPMC_IOC_TYPE 0xBE

enum {
	MPMC_CMD_DEVICE_INFO = 0x00,
	MPMC_CMD_QUEUE_CREATE = 0x01,
	MPMC_CMD_QUEUE_OPEN = 0x02,
	MPMC_CMD_QUEUE_UNLINK = 0x03,
	MPMC_CMD_QUEUE_LIST = 0x04,
	MPMC_CMD_QUEUE_INFO = 0x10,
	MPMC_CMD_QUEUE_SHUTDOWN = 0x11,
	MPMC_CMD_PRODUCER_CREATE = 0x12,
	MPMC_CMD_CONSUMER_CREATE = 0x13,
	MPMC_CMD_QUEUE_STATS = 0x14,
	MPMC_CMD_ITEM_ENQUEUE = 0x20,
	MPMC_CMD_ITEM_DEQUEUE = 0x21,
	MPMC_CMD_TOKEN_INFO = 0x30,
	MPMC_CMD_TOKEN_KICK = 0x31,
	MPMC_CMD_LEASE_FILL = 0x40,
	MPMC_CMD_LEASE_COMMIT = 0x41,
	MPMC_CMD_LEASE_RELEASE = 0x42,
	MPMC_CMD_URING_CANCEL = 0x50,
};

/* No deadline: wait until it happens. */
#define MPMC_FOREVER (~(__u64)0)

/**
 * struct mpmc_device_info - ioctl(MPMC_IOC_DEVICE_INFO) on /dev/mpmc
 * @size: sizeof(struct mpmc_device_info)
 * @flags: in: must be 0
 * @features: out: MPMC_FEATURE_* bits
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

#define MPMC_FEATURE_LEASE 0x1 /* leases that are looked at and committed */
#define MPMC_FEATURE_MAP 0x2 /* rings that can be mapped */
#define MPMC_FEATURE_DELIVERY_LIMIT 0x4 /* and queues for dead letters */
#define MPMC_FEATURE_NAMES 0x8 /* queues with names */
#define MPMC_FEATURE_URING 0x10 /* commands by way of io_uring */
#define MPMC_FEATURE_URING_PARK 0x20 /* that can be parked */

/**
 * struct mpmc_queue_create - ioctl(MPMC_IOC_QUEUE_CREATE) on /dev/mpmc
 * @size: sizeof(struct mpmc_queue_create)
 * @flags: MPMC_QUEUE_* bits
 * @capacity: in items, exact; 0 for the default of 1,048,576
 * @segments: number of FIFO segments; 0 for one per possible CPU; 1 makes the
 *	whole queue one strict FIFO
 * @max_deliveries: how often an item is handed out at most; 0 for any number
 * @dead_letter: with MPMC_QUEUE_DEAD_LETTER: the fd of the queue that items go
 *	to when they come back and may not be handed out again; else must be 0,
 *	and such items are dropped
 * @pad: must be 0
 *
 * An item that its queue for dead letters does not take, full or shut down as
 * that is, is handed out once more.
 *
 * Return: the queue's fd (close-on-exec). EINVAL (also: dead letters without
 * a limit), EBADF or ENOTTY (@dead_letter is no queue's), ENOSPC (over
 * max_capacity, max_segments or max_queues), ENOMEM, EMFILE, ENFILE.
 */
struct mpmc_queue_create {
	__u32 size;
	__u32 flags;
	__u64 capacity;
	__u32 segments;
	__u32 max_deliveries;
	__s32 dead_letter;
	__u32 pad;
};

#define MPMC_QUEUE_DEAD_LETTER 0x1 /* dead_letter is a queue's fd */

#define MPMC_IOC_QUEUE_CREATE _IO(MPMC_IOC_TYPE, MPMC_CMD_QUEUE_CREATE)

/**
 * DOC: names
 *
 * As with POSIX message queues: a name is a slash, and then one to 255 bytes,
 * none of them a slash or 0, and not "." or ".." alone. Each IPC namespace has
 * names of its own. A name lives until it is unlinked, or its namespace ends; a
 * queue until it has no name and no fd any more. The module can't be unloaded
 * while there are names. Who creates a queue is its owner, with his group.
 */
#define MPMC_NAME_MAX 256 /* bytes of a name, the slash included */

/**
 * struct mpmc_queue_open - ioctl(MPMC_IOC_QUEUE_OPEN) on /dev/mpmc
 * @size: sizeof(struct mpmc_queue_open)
 * @flags: MPMC_OPEN_* bits; at least one of READ and WRITE
 * @name: address of the name
 * @name_size: bytes it has, no 0 at its end
 * @mode: with MPMC_OPEN_CREATE: permissions of a new queue, less the caller's
 *	umask: bits of 0777, of which those to execute mean nothing. Else must
 *	be 0
 * @create: with MPMC_OPEN_CREATE: address of a struct mpmc_queue_create, for
 *	what a new queue is like; 0 for the defaults. Else must be 0
 *
 * To open for reading is to be allowed to dequeue and to make consumer tokens;
 * for writing: to enqueue, to make producer tokens, and to shut the queue down.
 * With an fd that is not open for that: EBADF.
 *
 * Return: a queue fd (close-on-exec). EINVAL, ENAMETOOLONG, EACCES, ENOENT,
 * EEXIST, EFAULT, EOPNOTSUPP (a kernel without POSIX message queues), and all
 * of MPMC_IOC_QUEUE_CREATE.
 */
struct mpmc_queue_open {
	__u32 size;
	__u32 flags;
	__u64 name;
	__u32 name_size;
	__u32 mode;
	__u64 create;
};

#define MPMC_OPEN_READ 0x1 /* to dequeue */
#define MPMC_OPEN_WRITE 0x2 /* to enqueue */
#define MPMC_OPEN_CREATE 0x4 /* make it if there is none */
#define MPMC_OPEN_EXCL 0x8 /* with CREATE: EEXIST if there is one */
#define MPMC_OPEN_NONBLOCK 0x10 /* the fd has O_NONBLOCK set */

#define MPMC_IOC_QUEUE_OPEN _IO(MPMC_IOC_TYPE, MPMC_CMD_QUEUE_OPEN)

/**
 * struct mpmc_queue_unlink - ioctl(MPMC_IOC_QUEUE_UNLINK) on /dev/mpmc
 * @size: sizeof(struct mpmc_queue_unlink)
 * @flags: must be 0
 * @name: address of the name
 * @name_size: bytes it has, no 0 at its end
 * @pad: must be 0
 *
 * For the queue's owner, and those who have CAP_FOWNER in the user namespace of
 * the IPC namespace. The queue is freed when its last fd is closed.
 *
 * Return: 0. EINVAL, ENAMETOOLONG, EACCES, ENOENT, EFAULT, ENOMEM, EOPNOTSUPP.
 */
struct mpmc_queue_unlink {
	__u32 size;
	__u32 flags;
	__u64 name;
	__u32 name_size;
	__u32 pad;
};

#define MPMC_IOC_QUEUE_UNLINK _IO(MPMC_IOC_TYPE, MPMC_CMD_QUEUE_UNLINK)

/**
 * struct mpmc_queue_list - ioctl(MPMC_IOC_QUEUE_LIST) on /dev/mpmc
 * @size: sizeof(struct mpmc_queue_list)
 * @flags: must be 0
 * @after: address of the name to go on behind; there need not be one like it.
 *	0: begin with the first
 * @after_size: bytes it has; 0 if @after is
 * @entry_size: sizeof(struct mpmc_queue_entry)
 * @entries: address of an array of @count entries of @entry_size each to write
 * @count: at least 1
 * @pad: must be 0
 *
 * Queues of the caller's IPC namespace that are his, or that he could open, in
 * the order of their names, byte by byte. Those that are there all the time
 * are listed, once each, whatever becomes of others meanwhile.
 *
 * Return: how many entries were written; 0: there are no more. EINVAL,
 * ENAMETOOLONG, EFAULT, ENOMEM, EOPNOTSUPP.
 */
struct mpmc_queue_list {
	__u32 size;
	__u32 flags;
	__u64 after;
	__u32 after_size;
	__u32 entry_size;
	__u64 entries;
	__u32 count;
	__u32 pad;
};

#define MPMC_IOC_QUEUE_LIST _IO(MPMC_IOC_TYPE, MPMC_CMD_QUEUE_LIST)

/**
 * struct mpmc_queue_entry - a queue with a name
 * @uid: its owner, as the caller's user namespace has it
 * @gid: his group
 * @mode: its permissions
 * @state: MPMC_STATE_* bits
 * @capacity: in items
 * @items: as in struct mpmc_queue_info
 * @name: the name, with a 0 at its end
 *
 * May grow: what the caller has room for is written, and zeroes where the kernel
 * knows of nothing.
 */
struct mpmc_queue_entry {
	__u32 uid;
	__u32 gid;
	__u32 mode;
	__u32 state;
	__u64 capacity;
	__u64 items;
	__u8 name[264];
};

/**
 * struct mpmc_queue_info - ioctl(MPMC_IOC_QUEUE_INFO) on a queue fd
 * @size: sizeof(struct mpmc_queue_info)
 * @flags: in: must be 0
 * @capacity: out: in items
 * @items: out: items accepted and not yet handed to a consumer, approximate
 *	while others are at work; what mapped rings hold included
 * @leased: out: items handed to a consumer token and not yet finished with
 * @segments: out: number of segments
 * @producers: out: producer tokens
 * @consumers: out: consumer tokens
 * @enqueue_waiters: out: threads asleep until there is room
 * @dequeue_waiters: out: threads asleep until there is an item
 * @state: out: MPMC_STATE_* bits
 * @granted: out: room that mapped producers have been given and have not used
 * @redelivered: out: items that came back from consumer tokens, ever
 * @dead: out: items that went to the queue for dead letters, ever
 * @dropped: out: items that were dropped after their last delivery, ever
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
	__u64 granted;
	__u64 redelivered;
	__u64 dead;
	__u64 dropped;
};

#define MPMC_IOC_QUEUE_INFO _IO(MPMC_IOC_TYPE, MPMC_CMD_QUEUE_INFO)

#define MPMC_STATE_SHUTDOWN 0x1 /* no more items are accepted */

/**
 * struct mpmc_queue_stats - ioctl(MPMC_IOC_QUEUE_STATS) on a queue fd
 * @size: sizeof(struct mpmc_queue_stats)
 * @flags: in: must be 0
 * @enqueued: out: items accepted
 * @dequeued: out: items that consumers have finished with: dequeued, or committed
 * @full: out: how often somebody found no room, and was refused or went to wait
 * @enqueue_timeouts: out: how often the deadline passed for one who waited for
 *	room
 * @dequeue_timeouts: out: the same for items
 * @redelivered: out: items that came back from consumer tokens, to be handed out
 *	again
 * @dead: out: items that went to the queue for dead letters
 * @dropped: out: items that were dropped after their last delivery
 *
 * Since the queue was made. None of them ever goes back. When nobody is at work
 * on the queue what it holds, and what is leased, is @enqueued less @dequeued,
 * @dead and @dropped.
 *
 * Return: 0.
 */
struct mpmc_queue_stats {
	__u32 size;
	__u32 flags;
	__u64 enqueued;
	__u64 dequeued;
	__u64 full;
	__u64 enqueue_timeouts;
	__u64 dequeue_timeouts;
	__u64 redelivered;
	__u64 dead;
	__u64 dropped;
};

#define MPMC_IOC_QUEUE_STATS _IO(MPMC_IOC_TYPE, MPMC_CMD_QUEUE_STATS)

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
 * @flags: MPMC_TOKEN_* bits
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

/*
 * As long as the token is open its queue stays armed: who is about to sleep
 * never interrupts other CPUs, and owners of mapped rings pay for a barrier at
 * each call.
 */
#define MPMC_TOKEN_ARMED 0x1

/**
 * struct mpmc_token_info - ioctl(MPMC_IOC_TOKEN_INFO) on a token fd
 * @size: sizeof(struct mpmc_token_info)
 * @flags: in: must be 0
 * @kind: out: MPMC_TOKEN_PRODUCER or MPMC_TOKEN_CONSUMER
 * @ring_entries: out: size of the ring, in items
 * @items: out: producer: items enqueued here and not yet taken, 0 if the queue
 *	has one segment, for they are there; consumer: items leased, taken
 *	from the queue and not yet finished with
 * @kernel_size: out: bytes that can be mapped at MPMC_MAP_KERNEL; 0: none, the
 *	token is not to be mapped
 * @owner_size: out: bytes that can be mapped at MPMC_MAP_OWNER
 * @token_offset: out: where struct mpmc_map_token is in the kernel's part
 * @items_offset: out: where the ring's items are, a __u64 each: a producer's
 *	in its owner's part, a consumer's in the kernel's
 * @deliveries_offset: out: consumer: where their deliveries are, a __u32 each,
 *	in the kernel's part; producer: 0
 * @pad: out: 0
 *
 * Return: 0.
 */
struct mpmc_token_info {
	__u32 size;
	__u32 flags;
	__u32 kind;
	__u32 ring_entries;
	__u64 items;
	__u32 kernel_size;
	__u32 owner_size;
	__u32 token_offset;
	__u32 items_offset;
	__u32 deliveries_offset;
	__u32 pad;
};

#define MPMC_IOC_TOKEN_INFO _IO(MPMC_IOC_TYPE, MPMC_CMD_TOKEN_INFO)

#define MPMC_TOKEN_PRODUCER 1
#define MPMC_TOKEN_CONSUMER 2

/**
 * DOC: mapped rings
 *
 * mmap() of a token fd, MAP_SHARED: at MPMC_MAP_KERNEL what the kernel writes,
 * PROT_READ alone, as often as one likes; at MPMC_MAP_OWNER what the owner
 * writes, for one process at a time (else EBUSY). Neither is inherited by
 * fork() nor executable, nor can it be split. EOPNOTSUPP for a producer of a
 * queue with one segment: its items go there, in one line with all others'.
 *
 * Positions only grow; the entry of a position is at position modulo
 * ring_entries. The kernel's part begins with struct mpmc_map_queue; struct
 * mpmc_map_token and the rest are where MPMC_IOC_TOKEN_INFO says. The owner's
 * part begins with one __u64, his position. What is written by different sides
 * lies MPMC_MAP_STRIDE apart, or, where pages are larger, a page. What is in
 * between is not there: SIGBUS.
 *
 * A producer may store items up to the kernel's position; then, a release, his
 * own, the position behind the last one. A consumer may read items from his own
 * position up to the kernel's (an acquire); when he has finished with some he
 * stores, a release, his own position behind them. At the end of the room, or
 * the items, he calls the kernel: MPMC_IOC_ITEM_ENQUEUE, MPMC_IOC_LEASE_FILL.
 *
 * After each store of his position the owner loads a word of struct
 * mpmc_map_queue: a producer @readers, a consumer @writers. If it is not 0 then
 * he makes a full barrier and loads it again; if there is one of MPMC_MAP_WAITERS
 * in it, he calls MPMC_IOC_TOKEN_KICK. So does a producer if there is
 * MPMC_MAP_SHUTDOWN in it; and a consumer if there is that in it and one of
 * MPMC_MAP_WAITERS in @readers. Who stores more than he was given, or goes back,
 * gets EIO from then on.
 */
#define MPMC_MAP_KERNEL 0
#define MPMC_MAP_OWNER 0x10000000

#define MPMC_MAP_STRIDE 0x10000

/**
 * struct mpmc_map_queue - who waits, at the beginning of MPMC_MAP_KERNEL
 * @readers: MPMC_MAP_* bits, of those who wait for items
 * @writers: the same of those who wait for room
 */
struct mpmc_map_queue {
	__u32 readers;
	__u32 pad1[15];
	__u32 writers;
	__u32 pad2[15];
};

#define MPMC_MAP_SLEEPERS 0x00ffffff /* how many sleep */
#define MPMC_MAP_POLLED 0x01000000 /* somebody polls */
#define MPMC_MAP_SHUTDOWN 0x02000000 /* the queue is shut down */
#define MPMC_MAP_ARMING 0x04000000 /* about to be armed */
#define MPMC_MAP_ARMED 0x08000000 /* barriers are due */

#define MPMC_MAP_WAITERS (MPMC_MAP_SLEEPERS | MPMC_MAP_POLLED)

/**
 * struct mpmc_map_token - at token_offset of MPMC_MAP_KERNEL
 * @position: producer: the end of the room; consumer: the end of the items
 * @again: consumer: entries from here on are handed out for the first time,
 *	and have no deliveries written down
 * @fresh: consumer: entries from his position up to here are known to be, and
 *	to be leased. Behind his position by a call that saw others; a
 *	difference of the two has a sign
 */
struct mpmc_map_token {
	__u64 position;
	__u64 again;
	__u64 fresh;
};

/**
 * struct mpmc_token_kick - ioctl(MPMC_IOC_TOKEN_KICK) on a token fd
 * @size: sizeof(struct mpmc_token_kick)
 * @flags: must be 0
 * @count: how many entries the owner has stored, or finished with, since; to
 *	wake as many
 * @pad: must be 0
 *
 * Return: 0. EPIPE: the queue was shut down before the producer's last store;
 * what that one added is not accepted, and his position is back before it.
 * EBUSY, EIO, EINVAL.
 */
struct mpmc_token_kick {
	__u32 size;
	__u32 flags;
	__u32 count;
	__u32 pad;
};

#define MPMC_IOC_TOKEN_KICK _IO(MPMC_IOC_TYPE, MPMC_CMD_TOKEN_KICK)

/**
 * struct mpmc_lease_item - an item that has been handed out
 * @value: the item
 * @deliveries: how often it has been handed out, this time included
 * @pad: 0
 */
struct mpmc_lease_item {
	__u64 value;
	__u32 deliveries;
	__u32 pad;
};

/**
 * struct mpmc_lease - ioctl(MPMC_IOC_LEASE_FILL) on a consumer token
 * @size: sizeof(struct mpmc_lease)
 * @flags: MPMC_LEASE_* bits
 * @items: address of an array of @count struct mpmc_lease_item to write the oldest
 *	of the lease to; 0: nowhere
 * @count: how many items the lease is to have, at least 1; it has fewer if
 *	there are not as many or the ring has no place for them
 * @pad: must be 0
 * @deadline: with MPMC_LEASE_WAIT: until when to wait for the first one, as in
 *	struct mpmc_transfer; else must be 0
 *
 * Leased items stay leased until they are committed or released; filling again
 * shows the same ones again, and adds to them if they are fewer than @count.
 * Where deliveries are limited, items that came back are leased one by one.
 *
 * Return: how many items of the lease were written, or, with no @items, how
 * many it has. EAGAIN, ETIMEDOUT, EINTR, EPIPE, EBUSY, EFAULT (they stay
 * leased), EIO, EINVAL.
 */
struct mpmc_lease {
	__u32 size;
	__u32 flags;
	__u64 items;
	__u32 count;
	__u32 pad;
	__u64 deadline;
};

#define MPMC_IOC_LEASE_FILL _IO(MPMC_IOC_TYPE, MPMC_CMD_LEASE_FILL)

#define MPMC_LEASE_WAIT 0x1
#define MPMC_LEASE_SHARE 0x2 /* not only count, but a fair share of all */

/**
 * struct mpmc_lease_end - ioctl(MPMC_IOC_LEASE_COMMIT) and
 *	ioctl(MPMC_IOC_LEASE_RELEASE) on a consumer token
 * @size: sizeof(struct mpmc_lease_end)
 * @flags: must be 0
 * @count: how many items, the oldest of the lease
 * @pad: must be 0
 *
 * To commit is to have finished with them. To release is to give them back:
 * they go to the front of the queue, in order, and have been delivered once
 * more.
 *
 * Return: 0. EINVAL: the lease has not as many. ENOMEM (release): nothing was
 * released. EBUSY, EIO.
 */
struct mpmc_lease_end {
	__u32 size;
	__u32 flags;
	__u32 count;
	__u32 pad;
};

#define MPMC_IOC_LEASE_COMMIT _IO(MPMC_IOC_TYPE, MPMC_CMD_LEASE_COMMIT)
#define MPMC_IOC_LEASE_RELEASE _IO(MPMC_IOC_TYPE, MPMC_CMD_LEASE_RELEASE)

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
 * EAGAIN, ETIMEDOUT, EINTR, EPIPE, EMSGSIZE (enqueue), EBUSY and EIO (tokens),
 * EFAULT, EINVAL, ENOMEM. After an error no item has moved; after an EFAULT
 * while taking items, what had been taken is back at the front, in order.
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

/**
 * struct mpmc_uring_cmd - the cmd of an IORING_OP_URING_CMD on a queue or token
 *	fd, in the last 16 bytes of its sqe
 * @arg: address of the structure of a command
 * @flags: MPMC_URING_* bits
 *
 * cmd_op of the sqe is the command, as in ioctl(), of this kind of fd; the result
 * is what ioctl() would return, or a negative errno. The structure, and what it
 * says the address of, are in use until the result is there.
 *
 * What can be done is done as it is submitted. A command that is to wait does so
 * in a worker thread of io_uring's, and ends with EINTR if it is cancelled there,
 * or with ECANCELED before.
 *
 * With MPMC_URING_PARK (and MPMC_FEATURE_URING_PARK, else EOPNOTSUPP) it waits
 * without a thread, any number of them; ENOMEM. io_uring does not cancel such
 * commands one by one, nor by linked timeouts, but with their ring, their process,
 * and execve(); MPMC_IOC_URING_CANCEL does, and they have deadlines of their own.
 * ECANCELED then.
 */
struct mpmc_uring_cmd {
	__u64 arg;
	__u64 flags;
};

#define MPMC_URING_PARK 0x1 /* wait without a thread */

/**
 * struct mpmc_uring_cancel - ioctl(MPMC_IOC_URING_CANCEL) on a queue or token fd
 * @size: sizeof(struct mpmc_uring_cancel)
 * @flags: must be 0
 * @arg: address of the structure of a command that this process has parked, on
 *	the same queue
 *
 * Return: 0, and it is going to complete with ECANCELED, unless it succeeds at the
 * same time. ENOENT: there is none, or none any more.
 */
struct mpmc_uring_cancel {
	__u32 size;
	__u32 flags;
	__u64 arg;
};

#define MPMC_IOC_URING_CANCEL _IO(MPMC_IOC_TYPE, MPMC_CMD_URING_CANCEL)

#endif /* _UAPI_LINUX_MPMC_H */
