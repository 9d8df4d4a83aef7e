// SPDX-License-Identifier: GPL-2.0
/*
 * Reading and writing queues: items as a stream, as a pipe has bytes
 *
 * What a write is about is read from the user's memory before any of it is put,
 * a chunk at a time, and what a read could not write there goes back: as with
 * transfers, a bad address loses nothing.
 */
#include <linux/errno.h>
#include <linux/fs.h>
#include <linux/minmax.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/uio.h>

#include "compat/nosignal.h"
#include "file.h"
#include "queue.h"
#include "transfer.h"

static bool may_wait(const struct kiocb *iocb)
{
	return !(iocb->ki_flags & IOCB_NOWAIT) &&
	       !(iocb->ki_filp->f_flags & O_NONBLOCK);
}

/* How many items that is, or an error. */
static ssize_t count_of(const struct iov_iter *iter)
{
	size_t size = iov_iter_count(iter);

	return size % sizeof(u64) ? -EINVAL : size / sizeof(u64);
}

/**
 * mpmc_queue_read() - read_iter of queue fds
 * @iocb: the call
 * @to: where the items go
 *
 * Context: process; may sleep.
 * Return: bytes read: those of what there is, at least one item; 0 for none, and
 * at the end. -EINVAL, -EAGAIN, -EFAULT, -ENOMEM, -EINTR, -ERESTARTSYS.
 */
ssize_t mpmc_queue_read(struct kiocb *iocb, struct iov_iter *to)
{
	ssize_t ret = count_of(to);

	if (ret <= 0)
		return ret;
	ret = mpmc_transfer_take_iter(iocb->ki_filp->private_data, to,
				      min_t(size_t, ret, INT_MAX),
				      may_wait(iocb));
	if (ret == -EPIPE)
		return 0;
	return ret < 0 ? ret : ret * sizeof(u64);
}

/*
 * Put as many as there is room for; how many. Where there is none one waits, if it
 * may. To look at the room first means that nobody is refused, and counted as
 * such, for what is beyond it.
 */
static int write_some(struct mpmc_queue *queue, const u64 *items,
		      unsigned int count, bool wait)
{
	int ret;

	/* Fewer each time: others who come and go do not keep us. */
	do {
		if (count > 1)
			count = clamp_t(u64,
					mpmc_capacity_room(&queue->capacity),
					1, count);
		ret = mpmc_transfer_put_kernel(queue, items, count,
					       wait && count == 1);
	} while (ret == -EAGAIN && count-- > 1);
	return ret ?: count;
}

/* Until there is no room; or all, if it may wait. */
static int write_items(struct mpmc_queue *queue, const u64 *items,
		       unsigned int count, bool wait)
{
	unsigned int done;
	int ret;

	for (done = 0; done < count; done += ret) {
		ret = write_some(queue, items + done, count - done, wait);
		if (ret < 0)
			return done ?: ret;
	}
	return done;
}

/* One chunk, by way of a buffer of so many items. */
static int write_chunk(struct mpmc_queue *queue, struct iov_iter *from,
		       u64 *items, unsigned int count, bool wait)
{
	size_t size = count * sizeof(*items);
	size_t copied = copy_from_iter(items, size, from);
	int ret = copied == size ? write_items(queue, items, count, wait) :
				   -EFAULT;

	iov_iter_revert(from, copied - max(ret, 0) * sizeof(*items));
	return ret;
}

static ssize_t write_chunks(struct mpmc_queue *queue, struct iov_iter *from,
			    size_t count, bool wait)
{
	unsigned int max = min3((u64)count, queue->capacity.total,
				(u64)MPMC_TRANSFER_CHUNK);
	u64 *items = mpmc_transfer_buffer(max);
	unsigned int chunk;
	size_t done = 0;
	int ret;

	if (!items)
		return -ENOMEM;
	do {
		chunk = min_t(size_t, max, count - done);
		ret = write_chunk(queue, from, items, chunk, wait);
		if (ret > 0)
			done += ret;
		cond_resched();
	} while (ret == chunk && done < count && !signal_pending(current));
	mpmc_transfer_buffer_free(items, max);
	return done ?: ret;
}

/* Whether a write of @count items came to less because the queue is shut down. */
static bool write_is_cut(struct mpmc_queue *queue, ssize_t ret, ssize_t count)
{
	return ret == -EPIPE ||
	       (ret >= 0 && ret < count && READ_ONCE(queue->shutdown));
}

/**
 * mpmc_queue_write() - write_iter of queue fds
 * @iocb: the call
 * @from: where the items are
 *
 * Who writes to a queue that is shut down, or is while he waits for room, gets a
 * SIGPIPE, as with a pipe: a program that knows of pipes alone is to end. Not by
 * io_uring, whose users look at results, and may be in the middle of anything.
 *
 * Context: process; may sleep.
 * Return: bytes written: all; or those of what there was room for, at least one
 * item, if it must not wait or there was a signal. 0 for none. -EINVAL, -EAGAIN,
 * -EPIPE, -EFAULT, -ENOMEM, -ERESTARTSYS.
 */
ssize_t mpmc_queue_write(struct kiocb *iocb, struct iov_iter *from)
{
	struct mpmc_queue *queue = iocb->ki_filp->private_data;
	ssize_t count = count_of(from), ret;

	if (count <= 0)
		return count;
	ret = READ_ONCE(queue->shutdown) ? -EPIPE :
		write_chunks(queue, from, count, may_wait(iocb));
	if (write_is_cut(queue, ret, count) && is_sync_kiocb(iocb) &&
	    !(iocb->ki_flags & IOCB_NOSIGNAL))
		send_sig(SIGPIPE, current, 0);
	return ret < 0 ? ret : ret * sizeof(u64);
}
