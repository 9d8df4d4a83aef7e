/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef MPMC_URING_H
#define MPMC_URING_H

/*
 * /dev/mpmc by way of io_uring, for programs that use liburing: each function
 * prepares one submission, as liburing's own io_uring_prep_*() do. All of it is
 * inline, and needs neither libmpmc nor, itself, more of liburing than its header.
 *
 * The descriptor is a queue's, as mpmc_queue_fd() returns it, or a token's; not
 * that of a token whose ring libmpmc has mapped. The structure that is passed in
 * is filled, is the kernel's until the completion is there, as is the memory of
 * items, and may be used again then. Set the user data, flags and the like of the
 * submission afterwards.
 *
 * The result of the completion is that of the command: 0, or the number of items
 * taken, or a negative errno, which is listed below. Beside those: -ECANCELED and
 * -EINTR of what was cancelled, before it began to wait or while it did, or -EINTR of
 * a wait in a worker that the freezer ended, and then nothing has moved; -EBADF: the
 * descriptor is not open, or not for that, as the queue was opened by name, for the
 * other direction alone; -ENOTTY: it is of a queue or a token that has no such
 * command; and -EOPNOTSUPP: it is of something else, or of a module without
 * MPMC_FEATURE_URING.
 *
 * What need not wait is done as it is submitted. What waits does so in a worker
 * thread of io_uring's, of which there are few, so that others wait behind it:
 * io_uring_register_iowq_max_workers() changes that, of the bounded ones. To have
 * many waits, park them: mpmc_prep_park(). Where the kernel can't, read and write
 * the queue, or poll it and link a call that tries to that; but each item wakes all
 * of those, so let them be few. Set IOSQE_ASYNC on what is linked behind another:
 * else some kernels, 6.12 among them, may take another submission for it.
 *
 * Timeouts are as libmpmc's, from now on, not from the submission.
 */
#include <liburing.h>
#include <linux/mpmc.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

/**
 * mpmc_prep_command() - any command of ioctl() on a queue or a token
 * @sqe: the submission
 * @fd: the descriptor
 * @command: MPMC_IOC_*
 * @arg: its structure
 */
static inline void mpmc_prep_command(struct io_uring_sqe *sqe, int fd,
				     unsigned int command, void *arg)
{
	memset(sqe, 0, sizeof(*sqe));
	sqe->opcode = IORING_OP_URING_CMD;
	sqe->fd = fd;
	sqe->cmd_op = command;
	/* struct mpmc_uring_cmd: where it is these two are, in any liburing. */
	sqe->addr3 = (uintptr_t)arg;
	sqe->__pad2[0] = 0;
}

/**
 * mpmc_prep_park() - have a command wait without a thread
 * @sqe: the submission, prepared
 *
 * Any number of them are in line with the threads that wait, and one item wakes one.
 * But io_uring does not cancel one of them, by user data or by descriptor, nor by a
 * linked timeout, nor io_uring_register_sync_cancel(): -ENOENT; and 0 with
 * IORING_ASYNC_CANCEL_ALL, which says that none was. The command has a timeout of its
 * own, and there is mpmc_prep_cancel(). They end with their ring, their process, and
 * its execve(). What one is woken for waits for its thread to come to it, and others
 * sleep meanwhile: with IORING_SETUP_DEFER_TASKRUN ask for completions soon.
 *
 * Needs MPMC_FEATURE_URING_PARK: -EOPNOTSUPP. Completes as the command, and with
 * -ECANCELED, or -ENOMEM: there is no memory to park it, and nothing has moved.
 */
static inline void mpmc_prep_park(struct io_uring_sqe *sqe)
{
	sqe->__pad2[0] |= MPMC_URING_PARK;
}

/**
 * mpmc_prep_cancel() - cancel a command that is parked
 * @sqe: the submission
 * @fd: of the queue or a token of it
 * @cancel: for the kernel
 * @which: the structure that the command was prepared with
 *
 * Completes with 0: the command is about to complete with -ECANCELED, or as it would
 * have, if that happens at the same time; -ENOENT: it is not parked.
 */
static inline void mpmc_prep_cancel(struct io_uring_sqe *sqe, int fd,
				    struct mpmc_uring_cancel *cancel,
				    const void *which)
{
	memset(cancel, 0, sizeof(*cancel));
	cancel->size = sizeof(*cancel);
	cancel->arg = (uintptr_t)which;
	mpmc_prep_command(sqe, fd, MPMC_IOC_URING_CANCEL, cancel);
}

/* Until when; what is too far is for ever. */
static inline uint64_t mpmc_prep_deadline(const struct timespec *timeout)
{
	struct timespec now;
	int64_t seconds; /* a time_t may have 32 bits */

	if (!timeout)
		return MPMC_FOREVER;
	seconds = timeout->tv_sec;
	if (seconds >= INT64_MAX / 1000000000 / 2)
		return MPMC_FOREVER;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)(now.tv_sec + seconds) * 1000000000 + now.tv_nsec +
	       timeout->tv_nsec;
}

static inline void mpmc_prep_transfer(struct io_uring_sqe *sqe, int fd,
				      unsigned int command,
				      struct mpmc_transfer *transfer,
				      unsigned int flags, uint64_t items,
				      unsigned int count)
{
	memset(transfer, 0, sizeof(*transfer));
	transfer->size = sizeof(*transfer);
	transfer->flags = flags;
	transfer->items = items;
	transfer->count = count;
	mpmc_prep_command(sqe, fd, command, transfer);
}

static inline void mpmc_prep_wait(struct mpmc_transfer *transfer,
				  const struct timespec *timeout)
{
	/* One that means nothing: EINVAL, as the kernel says of this. */
	if (timeout && (timeout->tv_sec < 0 || timeout->tv_nsec < 0 ||
			timeout->tv_nsec > 999999999)) {
		transfer->pad = 1;
		return;
	}
	transfer->flags |= MPMC_TRANSFER_WAIT;
	transfer->deadline = mpmc_prep_deadline(timeout);
}

/**
 * mpmc_prep_try_enqueue() - put an item, if there is room
 * @sqe: the submission
 * @fd: of a queue or a producer token
 * @transfer: for the kernel
 * @item: the item
 *
 * Completes with 0, -EAGAIN, -EPIPE, -ENOMEM, -EBUSY.
 */
static inline void mpmc_prep_try_enqueue(struct io_uring_sqe *sqe, int fd,
					 struct mpmc_transfer *transfer,
					 uint64_t item)
{
	mpmc_prep_transfer(sqe, fd, MPMC_IOC_ITEM_ENQUEUE, transfer,
			   MPMC_TRANSFER_INLINE, item, 1);
}

/**
 * mpmc_prep_enqueue_wait() - put an item, and wait for room
 * @sqe: the submission
 * @fd: of a queue or a producer token
 * @transfer: for the kernel
 * @item: the item
 * @timeout: how long; NULL: for ever
 *
 * Completes with 0, -ETIMEDOUT, -EPIPE, -ENOMEM, -EBUSY, -EINVAL.
 */
static inline void mpmc_prep_enqueue_wait(struct io_uring_sqe *sqe, int fd,
					  struct mpmc_transfer *transfer,
					  uint64_t item,
					  const struct timespec *timeout)
{
	mpmc_prep_try_enqueue(sqe, fd, transfer, item);
	mpmc_prep_wait(transfer, timeout);
}

/**
 * mpmc_prep_try_enqueue_bulk() - put items, all or none, if there is room
 * @sqe: the submission
 * @fd: of a queue or a producer token
 * @transfer: for the kernel
 * @items: the items
 * @count: how many
 *
 * Completes with 0, -EAGAIN, -EMSGSIZE, -EPIPE, -EFAULT, -ENOMEM, -EBUSY, -EINVAL.
 */
static inline void mpmc_prep_try_enqueue_bulk(struct io_uring_sqe *sqe, int fd,
					      struct mpmc_transfer *transfer,
					      const uint64_t *items,
					      unsigned int count)
{
	mpmc_prep_transfer(sqe, fd, MPMC_IOC_ITEM_ENQUEUE, transfer, 0,
			   (uintptr_t)items, count);
}

/**
 * mpmc_prep_enqueue_bulk_wait() - put items, all or none, and wait for room
 * @sqe: the submission
 * @fd: of a queue or a producer token
 * @transfer: for the kernel
 * @items: the items
 * @count: how many
 * @timeout: how long; NULL: for ever
 *
 * Completes with 0, -ETIMEDOUT, -EMSGSIZE, -EPIPE, -EFAULT, -ENOMEM, -EBUSY,
 * -EINVAL.
 */
static inline void mpmc_prep_enqueue_bulk_wait(struct io_uring_sqe *sqe, int fd,
					       struct mpmc_transfer *transfer,
					       const uint64_t *items,
					       unsigned int count,
					       const struct timespec *timeout)
{
	mpmc_prep_try_enqueue_bulk(sqe, fd, transfer, items, count);
	mpmc_prep_wait(transfer, timeout);
}

/**
 * mpmc_prep_try_dequeue() - take an item, if there is one
 * @sqe: the submission
 * @fd: of a queue or a consumer token
 * @transfer: for the kernel; its field items is the item then
 *
 * Completes with 1, -EAGAIN, -EPIPE, -EBUSY.
 */
static inline void mpmc_prep_try_dequeue(struct io_uring_sqe *sqe, int fd,
					 struct mpmc_transfer *transfer)
{
	mpmc_prep_transfer(sqe, fd, MPMC_IOC_ITEM_DEQUEUE, transfer,
			   MPMC_TRANSFER_INLINE, 0, 1);
}

/**
 * mpmc_prep_dequeue_wait() - take an item, and wait for one
 * @sqe: the submission
 * @fd: of a queue or a consumer token
 * @transfer: for the kernel; its field items is the item then
 * @timeout: how long; NULL: for ever
 *
 * Completes with 1, -ETIMEDOUT, -EPIPE, -EBUSY, -EINVAL.
 */
static inline void mpmc_prep_dequeue_wait(struct io_uring_sqe *sqe, int fd,
					  struct mpmc_transfer *transfer,
					  const struct timespec *timeout)
{
	mpmc_prep_try_dequeue(sqe, fd, transfer);
	mpmc_prep_wait(transfer, timeout);
}

/**
 * mpmc_prep_try_dequeue_bulk() - take what items there are
 * @sqe: the submission
 * @fd: of a queue or a consumer token
 * @transfer: for the kernel
 * @items: where to write them
 * @max: the most to take
 *
 * Completes with their number, -EAGAIN, -EPIPE, -EFAULT, -ENOMEM, -EBUSY, -EINVAL.
 */
static inline void mpmc_prep_try_dequeue_bulk(struct io_uring_sqe *sqe, int fd,
					      struct mpmc_transfer *transfer,
					      uint64_t *items, unsigned int max)
{
	mpmc_prep_transfer(sqe, fd, MPMC_IOC_ITEM_DEQUEUE, transfer, 0,
			   (uintptr_t)items, max);
}

/**
 * mpmc_prep_dequeue_bulk_wait() - take what items there are, and wait for one
 * @sqe: the submission
 * @fd: of a queue or a consumer token
 * @transfer: for the kernel
 * @items: where to write them
 * @max: the most to take
 * @timeout: how long; NULL: for ever
 *
 * Completes with their number, -ETIMEDOUT, -EPIPE, -EFAULT, -ENOMEM, -EBUSY,
 * -EINVAL.
 */
static inline void mpmc_prep_dequeue_bulk_wait(struct io_uring_sqe *sqe, int fd,
					       struct mpmc_transfer *transfer,
					       uint64_t *items,
					       unsigned int max,
					       const struct timespec *timeout)
{
	mpmc_prep_try_dequeue_bulk(sqe, fd, transfer, items, max);
	mpmc_prep_wait(transfer, timeout);
}

#endif /* MPMC_URING_H */
