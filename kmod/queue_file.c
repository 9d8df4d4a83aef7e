// SPDX-License-Identifier: GPL-2.0
/*
 * Queue fds
 */
#include <linux/anon_inodes.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/log2.h>
#include <linux/poll.h>
#include <linux/seq_file.h>
#include <linux/slab.h>

#include "consumer.h"
#include "counters.h"
#include "file.h"
#include "ioctl.h"
#include "name.h"
#include "park.h"
#include "producer.h"
#include "queue.h"
#include "ring.h"
#include "trace.h"
#include "transfer.h"
#include "uring.h"
#include "user.h"

/**
 * mpmc_queue_inspect() - how a queue is doing
 * @queue: the queue
 * @info: what to fill in
 *
 * Context: process.
 */
void mpmc_queue_inspect(struct mpmc_queue *queue, struct mpmc_queue_info *info)
{
	u64 used;

	/*
	 * First who there is: who has gone by now, has left what is counted then.
	 * Pairs with mpmc_consumer_close() and mpmc_producer_close().
	 */
	info->producers = atomic_read_acquire(&queue->producer_count);
	info->consumers = atomic_read_acquire(&queue->consumer_count);
	info->capacity = queue->capacity.total;
	mpmc_queue_harvest(queue);
	info->granted = mpmc_producers_granted(queue);
	info->leased = mpmc_consumers_leased(queue);
	used = mpmc_capacity_used(&queue->capacity);
	info->items = used - min(used, info->leased + info->granted);
	info->segments = queue->segments;
	info->enqueue_waiters = atomic_read(&queue->writer_count);
	info->dequeue_waiters = atomic_read(&queue->reader_count);
	info->state = READ_ONCE(queue->shutdown) ? MPMC_STATE_SHUTDOWN : 0;
	info->redelivered = atomic64_read(&queue->redelivered);
	info->dead = atomic64_read(&queue->dead);
	info->dropped = atomic64_read(&queue->dropped);
}

static long queue_info(struct file *file, union mpmc_args *args,
		       void __user *user)
{
	struct mpmc_queue_info *info = &args->queue_info;

	if (info->flags)
		return -EINVAL;
	mpmc_queue_inspect(file->private_data, info);
	return 0;
}

static long queue_stats(struct file *file, union mpmc_args *args,
			void __user *user)
{
	if (args->queue_stats.flags)
		return -EINVAL;
	mpmc_counters_read(file->private_data, &args->queue_stats);
	return 0;
}

static long queue_shutdown(struct file *file, union mpmc_args *args,
			   void __user *user)
{
	if (args->queue_shutdown.flags)
		return -EINVAL;
	mpmc_queue_shutdown(file->private_data);
	return 0;
}

/* The size of a ring that nobody chose. */
static int default_entries(u64 capacity)
{
	u64 entries = clamp_t(u64, capacity / 8, 1, MPMC_RING_DEFAULT);

	return rounddown_pow_of_two(entries);
}

/* The size of a token's ring, or an error. */
static int token_entries(const struct mpmc_queue *queue,
			 const struct mpmc_token_create *create)
{
	if (create->flags & ~MPMC_TOKEN_ARMED || create->pad ||
	    create->ring_entries > MPMC_RING_MAX)
		return -EINVAL;
	if (!create->ring_entries)
		return default_entries(queue->capacity.total);
	return roundup_pow_of_two(create->ring_entries);
}

static bool armed(const union mpmc_args *args)
{
	return args->token_create.flags & MPMC_TOKEN_ARMED;
}

static long producer_create(struct file *file, union mpmc_args *args,
			    void __user *user)
{
	struct mpmc_queue *queue = file->private_data;
	int entries = token_entries(queue, &args->token_create);

	if (entries < 0)
		return entries;
	if (READ_ONCE(queue->shutdown))
		return -EPIPE;
	return mpmc_install(mpmc_producer_file(file, entries,
					       armed(args)));
}

static long consumer_create(struct file *file, union mpmc_args *args,
			    void __user *user)
{
	int entries = token_entries(file->private_data, &args->token_create);

	if (entries < 0)
		return entries;
	return mpmc_install(mpmc_consumer_file(file, entries,
					       armed(args)));
}

static long item_enqueue(struct file *file, union mpmc_args *args,
			 void __user *user)
{
	return mpmc_transfer_put(file->private_data, NULL, &args->transfer);
}

static long item_dequeue(struct file *file, union mpmc_args *args,
			 void __user *user)
{
	return mpmc_transfer_take(file->private_data, &args->transfer, user);
}

static long uring_cancel(struct file *file, union mpmc_args *args,
			 void __user *user)
{
	if (args->uring_cancel.flags)
		return -EINVAL;
	return mpmc_park_cancel(file->private_data, args->uring_cancel.arg);
}

static const struct mpmc_command queue_commands[] = {
	{
		.cmd = MPMC_IOC_ITEM_ENQUEUE,
		.size = sizeof(struct mpmc_transfer),
		.min_size = offsetofend(struct mpmc_transfer, deadline),
		.mode = FMODE_WRITE,
		.wait = MPMC_TRANSFER_WAIT,
		.handler = item_enqueue,
	},
	{
		.cmd = MPMC_IOC_ITEM_DEQUEUE,
		.size = sizeof(struct mpmc_transfer),
		.min_size = offsetofend(struct mpmc_transfer, deadline),
		.mode = FMODE_READ,
		.wait = MPMC_TRANSFER_WAIT,
		.handler = item_dequeue,
	},
	{
		.cmd = MPMC_IOC_QUEUE_INFO,
		.size = sizeof(struct mpmc_queue_info),
		.min_size = offsetofend(struct mpmc_queue_info, state),
		.out = true,
		.handler = queue_info,
	},
	{
		.cmd = MPMC_IOC_QUEUE_STATS,
		.size = sizeof(struct mpmc_queue_stats),
		.min_size = offsetofend(struct mpmc_queue_stats, dropped),
		.out = true,
		.handler = queue_stats,
	},
	{
		.cmd = MPMC_IOC_QUEUE_SHUTDOWN,
		.size = sizeof(struct mpmc_queue_shutdown),
		.min_size = offsetofend(struct mpmc_queue_shutdown, flags),
		.mode = FMODE_WRITE,
		.handler = queue_shutdown,
	},
	{
		.cmd = MPMC_IOC_PRODUCER_CREATE,
		.size = sizeof(struct mpmc_token_create),
		.min_size = offsetofend(struct mpmc_token_create, pad),
		.mode = FMODE_WRITE,
		.handler = producer_create,
	},
	{
		.cmd = MPMC_IOC_CONSUMER_CREATE,
		.size = sizeof(struct mpmc_token_create),
		.min_size = offsetofend(struct mpmc_token_create, pad),
		.mode = FMODE_READ,
		.handler = consumer_create,
	},
	{
		.cmd = MPMC_IOC_URING_CANCEL,
		.size = sizeof(struct mpmc_uring_cancel),
		.min_size = offsetofend(struct mpmc_uring_cancel, arg),
		.handler = uring_cancel,
	},
};

static long queue_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	return mpmc_ioctl(queue_commands, ARRAY_SIZE(queue_commands), file,
			  cmd, arg);
}

static int queue_uring_cmd(struct io_uring_cmd *cmd,
			   unsigned int issue_flags)
{
	return mpmc_uring_cmd(queue_commands, ARRAY_SIZE(queue_commands),
			      mpmc_uring_file(cmd)->private_data, cmd,
			      issue_flags);
}

static __poll_t queue_poll(struct file *file, poll_table *wait)
{
	__poll_t mask = 0;

	if (file->f_mode & FMODE_READ)
		mask |= MPMC_POLL_IN;
	if (file->f_mode & FMODE_WRITE)
		mask |= MPMC_POLL_OUT;
	return mpmc_queue_poll(file->private_data, file, wait, mask);
}

/* As the links in /proc/PID/fd have it, and what they escape. */
static void fdinfo_name(struct seq_file *seq, const struct mpmc_name *name)
{
	if (!name)
		return;
	seq_puts(seq, "name:\t");
	seq_escape(seq, name->text, " \t\n\\");
	seq_puts(seq, READ_ONCE(name->unlinked) ? " (deleted)\n" : "\n");
}

static void fdinfo_deliveries(struct seq_file *seq,
			      const struct mpmc_queue *queue)
{
	const struct mpmc_queue *letters = NULL;

	if (queue->dead_letter)
		letters = queue->dead_letter->private_data;
	seq_printf(seq, "max-deliveries:\t%u\n", queue->max_deliveries);
	seq_printf(seq, "dead-letter:\t%llu\n", letters ? letters->id : 0);
}

static void fdinfo_stats(struct seq_file *seq, struct mpmc_queue *queue)
{
	struct mpmc_queue_stats stats = {};

	mpmc_counters_read(queue, &stats);
	seq_printf(seq, "enqueued:\t%llu\n", stats.enqueued);
	seq_printf(seq, "dequeued:\t%llu\n", stats.dequeued);
	seq_printf(seq, "full:\t%llu\n", stats.full);
	seq_printf(seq, "enqueue-timeouts:\t%llu\n", stats.enqueue_timeouts);
	seq_printf(seq, "dequeue-timeouts:\t%llu\n", stats.dequeue_timeouts);
	seq_printf(seq, "redelivered:\t%llu\n", stats.redelivered);
	seq_printf(seq, "dead:\t%llu\n", stats.dead);
	seq_printf(seq, "dropped:\t%llu\n", stats.dropped);
}

static void queue_fdinfo(struct seq_file *seq, struct file *file)
{
	struct mpmc_queue *queue = file->private_data;
	struct mpmc_queue_info queue_info = {};
	const struct mpmc_queue_info *info = &queue_info;

	mpmc_queue_inspect(queue, &queue_info);
	seq_printf(seq, "id:\t%llu\n", queue->id);
	fdinfo_name(seq, queue->name);
	seq_printf(seq, "capacity:\t%llu\n", info->capacity);
	seq_printf(seq, "items:\t%llu\n", info->items);
	seq_printf(seq, "leased:\t%llu\n", info->leased);
	seq_printf(seq, "segments:\t%u\n", info->segments);
	fdinfo_deliveries(seq, queue);
	seq_printf(seq, "producers:\t%u\n", info->producers);
	seq_printf(seq, "consumers:\t%u\n", info->consumers);
	seq_printf(seq, "enqueue-waiters:\t%u\n", info->enqueue_waiters);
	seq_printf(seq, "dequeue-waiters:\t%u\n", info->dequeue_waiters);
	seq_printf(seq, "granted:\t%llu\n", info->granted);
	fdinfo_stats(seq, queue);
	seq_printf(seq, "state:\t%s\n",
		   info->state & MPMC_STATE_SHUTDOWN ? "shutdown" : "open");
}

/**
 * mpmc_queue_drop() - give up a reference to a queue; frees it with the last
 * @queue: the queue
 *
 * Context: process; may sleep.
 */
void mpmc_queue_drop(struct mpmc_queue *queue)
{
	struct mpmc_user *user = queue->user;

	if (!refcount_dec_and_test(&queue->references))
		return;
	trace_queue_free(queue);
	if (queue->dead_letter)
		fput(queue->dead_letter);
	kfree(queue->name);
	mpmc_counters_free(queue);
	mpmc_queue_destroy(queue);
	/* Not before: memory that is being freed is his as well. */
	mpmc_user_uncharge(user);
}

static int queue_release(struct inode *inode, struct file *file)
{
	mpmc_queue_drop(file->private_data);
	return 0;
}

static const struct file_operations queue_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = queue_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.uring_cmd = queue_uring_cmd,
	.read_iter = mpmc_queue_read,
	.write_iter = mpmc_queue_write,
	.poll = queue_poll,
	.show_fdinfo = queue_fdinfo,
	.release = queue_release,
};

/**
 * mpmc_queue_file_get() - the file of a queue's fd, to put items into
 * @fd: the fd
 *
 * Context: process.
 * Return: the file, to be put; or an ERR_PTR: -EBADF, -ENOTTY.
 */
struct file *mpmc_queue_file_get(int fd)
{
	struct file *file = fget(fd);
	int ret;

	if (!file)
		return ERR_PTR(-EBADF);
	if (file->f_op == &queue_fops && file->f_mode & FMODE_WRITE)
		return file;
	ret = file->f_op == &queue_fops ? -EBADF : -ENOTTY;
	fput(file);
	return ERR_PTR(ret);
}

/**
 * mpmc_queue_file() - make a file of a queue
 * @queue: the queue, of which a reference is the file's from now on; dropped
 *	without one
 * @flags: how it is open, as open(2) has it
 *
 * Context: process; may sleep.
 * Return: the file or an ERR_PTR.
 */
struct file *mpmc_queue_file(struct mpmc_queue *queue, int flags)
{
	struct file *file = anon_inode_getfile("[mpmc-queue]", &queue_fops,
					       queue, flags);

	if (IS_ERR(file)) {
		mpmc_queue_drop(queue);
		return file;
	}
	/* A stream without positions, and nothing waits that must not. */
	stream_open(file_inode(file), file);
	file->f_mode |= FMODE_NOWAIT;
	return file;
}
