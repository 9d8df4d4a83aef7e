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

#include "consumer.h"
#include "file.h"
#include "ioctl.h"
#include "producer.h"
#include "queue.h"
#include "ring.h"
#include "transfer.h"
#include "user.h"

static long queue_info(struct file *file, union mpmc_args *args,
		       void __user *user)
{
	struct mpmc_queue *queue = file->private_data;
	struct mpmc_queue_info *info = &args->queue_info;
	u64 used;

	if (info->flags)
		return -EINVAL;
	info->capacity = queue->capacity.total;
	mpmc_queue_harvest(queue);
	info->granted = mpmc_producers_granted(queue);
	info->leased = mpmc_consumers_leased(queue);
	used = mpmc_capacity_used(&queue->capacity);
	info->items = used - min(used, info->leased + info->granted);
	info->segments = queue->segments;
	info->producers = atomic_read(&queue->producer_count);
	info->consumers = atomic_read(&queue->consumer_count);
	info->enqueue_waiters = atomic_read(&queue->writer_count);
	info->dequeue_waiters = atomic_read(&queue->reader_count);
	info->state = READ_ONCE(queue->shutdown) ? MPMC_STATE_SHUTDOWN : 0;
	info->redelivered = atomic64_read(&queue->redelivered);
	info->dead = atomic64_read(&queue->dead);
	info->dropped = atomic64_read(&queue->dropped);
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

static const struct mpmc_command queue_commands[] = {
	{
		.cmd = MPMC_IOC_ITEM_ENQUEUE,
		.size = sizeof(struct mpmc_transfer),
		.min_size = offsetofend(struct mpmc_transfer, deadline),
		.handler = item_enqueue,
	},
	{
		.cmd = MPMC_IOC_ITEM_DEQUEUE,
		.size = sizeof(struct mpmc_transfer),
		.min_size = offsetofend(struct mpmc_transfer, deadline),
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
		.cmd = MPMC_IOC_QUEUE_SHUTDOWN,
		.size = sizeof(struct mpmc_queue_shutdown),
		.min_size = offsetofend(struct mpmc_queue_shutdown, flags),
		.handler = queue_shutdown,
	},
	{
		.cmd = MPMC_IOC_PRODUCER_CREATE,
		.size = sizeof(struct mpmc_token_create),
		.min_size = offsetofend(struct mpmc_token_create, pad),
		.handler = producer_create,
	},
	{
		.cmd = MPMC_IOC_CONSUMER_CREATE,
		.size = sizeof(struct mpmc_token_create),
		.min_size = offsetofend(struct mpmc_token_create, pad),
		.handler = consumer_create,
	},
};

static long queue_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	return mpmc_ioctl(queue_commands, ARRAY_SIZE(queue_commands), file,
			  cmd, arg);
}

static __poll_t queue_poll(struct file *file, poll_table *wait)
{
	return mpmc_queue_poll(file->private_data, file, wait,
			       MPMC_POLL_IN | MPMC_POLL_OUT);
}

static void queue_fdinfo(struct seq_file *seq, struct file *file)
{
	union mpmc_args args = {};
	const struct mpmc_queue_info *info = &args.queue_info;

	queue_info(file, &args, NULL);
	seq_printf(seq, "capacity:\t%llu\n", info->capacity);
	seq_printf(seq, "items:\t%llu\n", info->items);
	seq_printf(seq, "leased:\t%llu\n", info->leased);
	seq_printf(seq, "segments:\t%u\n", info->segments);
	seq_printf(seq, "producers:\t%u\n", info->producers);
	seq_printf(seq, "consumers:\t%u\n", info->consumers);
	seq_printf(seq, "enqueue-waiters:\t%u\n", info->enqueue_waiters);
	seq_printf(seq, "dequeue-waiters:\t%u\n", info->dequeue_waiters);
	seq_printf(seq, "granted:\t%llu\n", info->granted);
	seq_printf(seq, "redelivered:\t%llu\n", info->redelivered);
	seq_printf(seq, "dead:\t%llu\n", info->dead);
	seq_printf(seq, "dropped:\t%llu\n", info->dropped);
	seq_printf(seq, "state:\t%s\n",
		   info->state & MPMC_STATE_SHUTDOWN ? "shutdown" : "open");
}

static void queue_free(struct mpmc_queue *queue)
{
	mpmc_user_uncharge(queue->user);
	if (queue->dead_letter)
		fput(queue->dead_letter);
	mpmc_queue_destroy(queue);
}

static int queue_release(struct inode *inode, struct file *file)
{
	queue_free(file->private_data);
	return 0;
}

static const struct file_operations queue_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = queue_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.poll = queue_poll,
	.show_fdinfo = queue_fdinfo,
	.release = queue_release,
	.llseek = noop_llseek,
};

/**
 * mpmc_queue_file_get() - the file of a queue's fd
 * @fd: the fd
 *
 * Return: the file, to be put; or an ERR_PTR: -EBADF, -ENOTTY.
 */
struct file *mpmc_queue_file_get(int fd)
{
	struct file *file = fget(fd);

	if (!file)
		return ERR_PTR(-EBADF);
	if (file->f_op == &queue_fops)
		return file;
	fput(file);
	return ERR_PTR(-ENOTTY);
}

/**
 * mpmc_queue_file() - make a queue's file
 * @queue: the queue; it is the file's from now on, and freed without one
 *
 * Context: process; may sleep.
 * Return: the file or an ERR_PTR.
 */
struct file *mpmc_queue_file(struct mpmc_queue *queue)
{
	struct file *file = anon_inode_getfile("[mpmc-queue]", &queue_fops,
					       queue, O_RDWR);

	if (IS_ERR(file))
		queue_free(queue);
	return file;
}
