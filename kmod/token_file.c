// SPDX-License-Identifier: GPL-2.0
/*
 * Token fds
 */
#include <linux/anon_inodes.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/poll.h>
#include <linux/seq_file.h>
#include <linux/slab.h>

#include "consumer.h"
#include "delivery.h"
#include "file.h"
#include "ioctl.h"
#include "map.h"
#include "park.h"
#include "producer.h"
#include "queue.h"
#include "transfer.h"
#include "uring.h"

/**
 * struct token - what a token's file holds
 * @queue_file: keeps the queue
 * @producer: the token, if it is one of a producer
 * @consumer: or this one
 * @armed: it keeps its queue armed
 */
struct token {
	struct file *queue_file;
	struct mpmc_producer *producer;
	struct mpmc_consumer *consumer;
	bool armed;
};

static struct mpmc_queue *token_queue(const struct token *token)
{
	return token->queue_file->private_data;
}

static const struct mpmc_pages *token_pages(const struct token *token)
{
	return token->producer ? &token->producer->pages :
				 &token->consumer->pages;
}

/* Where everything is in a mapping. */
static void token_info_map(const struct token *token,
			   struct mpmc_token_info *info)
{
	const struct mpmc_pages *pages = token_pages(token);
	bool produces = token->producer;

	info->kernel_size = 0;
	info->owner_size = 0;
	info->token_offset = MPMC_MAP_PART;
	info->items_offset = (produces ? 1 : 2) * MPMC_MAP_PART;
	info->deliveries_offset = 0;
	info->pad = 0;
	if (!produces)
		info->deliveries_offset = info->items_offset +
			token->consumer->entries * sizeof(u64);
	if (produces && token_queue(token)->segments == 1)
		return;
	info->kernel_size = mpmc_map_kernel_size(pages, !produces);
	info->owner_size = mpmc_map_owner_size(pages, produces);
}

static long token_info(struct file *file, union mpmc_args *args,
		       void __user *user)
{
	struct token *token = file->private_data;
	struct mpmc_token_info *info = &args->token_info;

	if (info->flags)
		return -EINVAL;
	token_info_map(token, info);
	if (token->producer) {
		info->kind = MPMC_TOKEN_PRODUCER;
		info->ring_entries = token->producer->ring.entries;
		info->items = mpmc_producer_items(token->producer);
	} else {
		info->kind = MPMC_TOKEN_CONSUMER;
		info->ring_entries = token->consumer->entries;
		info->items = mpmc_lease_count(token->consumer);
	}
	return 0;
}

static void token_fdinfo(struct seq_file *seq, struct file *file)
{
	const struct token *token = file->private_data;
	union mpmc_args args = {};
	const struct mpmc_token_info *info = &args.token_info;

	token_info(file, &args, NULL);
	seq_printf(seq, "queue:\t%llu\n", token_queue(token)->id);
	seq_printf(seq, "id:\t%u\n", token->producer ? token->producer->id :
						       token->consumer->id);
	seq_printf(seq, "kind:\t%s\n", info->kind == MPMC_TOKEN_PRODUCER ?
				       "producer" : "consumer");
	seq_printf(seq, "ring-entries:\t%u\n", info->ring_entries);
	seq_printf(seq, "items:\t%llu\n", info->items);
}

/* Both sides of the queue: a token has business with either. */
static void token_keep_armed(const struct token *token, bool keep)
{
	struct mpmc_queue *queue = token_queue(token);

	if (!token->armed)
		return;
	if (keep) {
		mpmc_sleepers_keep(&queue->read_sleepers);
		mpmc_sleepers_keep(&queue->write_sleepers);
	} else {
		mpmc_sleepers_unkeep(&queue->read_sleepers);
		mpmc_sleepers_unkeep(&queue->write_sleepers);
	}
}

static int token_release(struct inode *inode, struct file *file)
{
	struct token *token = file->private_data;

	if (token->producer)
		mpmc_producer_close(token->producer);
	if (token->consumer)
		mpmc_consumer_close(token->consumer);
	token_keep_armed(token, false);
	fput(token->queue_file);
	kfree(token);
	return 0;
}

/* --- Mappings --- */

static atomic_t *token_maps(const struct token *token)
{
	return token->producer ? &token->producer->maps :
				 &token->consumer->maps;
}

static void owner_open(struct vm_area_struct *vma)
{
	atomic_inc(token_maps(vma->vm_file->private_data));
}

/* There is one mapping less. */
static void token_unmapped(struct token *token)
{
	if (atomic_dec_and_test(token_maps(token)) && token->producer)
		mpmc_producer_tidy(token->producer);
}

static void owner_close(struct vm_area_struct *vma)
{
	struct token *token = vma->vm_file->private_data;

	/* The last one: before anybody else can map it. */
	if (atomic_read(token_maps(token)) == 1) {
		if (token->producer)
			mpmc_producer_unmap(token->producer);
		else
			mpmc_consumer_unmap(token->consumer);
	}
	token_unmapped(token);
}

static const struct vm_operations_struct owner_ops = {
	.open = owner_open,
	.close = owner_close,
	.may_split = mpmc_map_may_split,
};

static int token_mmap_owner(struct token *token, struct vm_area_struct *vma)
{
	int ret = token->producer ? mpmc_producer_map(token->producer) :
				    mpmc_consumer_map(token->consumer);

	if (ret)
		return ret;
	ret = mpmc_map_owner(vma, token_pages(token), token->producer,
			     &owner_ops);
	if (ret)
		token_unmapped(token);
	return ret;
}

static int token_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct token *token = file->private_data;
	u64 offset = (u64)vma->vm_pgoff << PAGE_SHIFT;

	/* Items do not go through its ring. */
	if (token->producer && token_queue(token)->segments == 1)
		return -EOPNOTSUPP;
	if (offset == MPMC_MAP_OWNER)
		return token_mmap_owner(token, vma);
	if (offset != MPMC_MAP_KERNEL)
		return -EINVAL;
	return mpmc_map_kernel(vma, token_queue(token)->page,
			       token_pages(token), token->consumer);
}

static long producer_enqueue(struct file *file, union mpmc_args *args,
			     void __user *user)
{
	struct token *token = file->private_data;

	return mpmc_transfer_put(token->producer->queue, token->producer,
				 &args->transfer);
}

static long producer_kick(struct file *file, union mpmc_args *args,
			  void __user *user)
{
	struct mpmc_producer *producer =
		((struct token *)file->private_data)->producer;
	const struct mpmc_token_kick *kick = &args->token_kick;

	if (kick->flags || kick->pad || !kick->count)
		return -EINVAL;
	return mpmc_producer_kick(producer, kick->count);
}

static long uring_cancel(struct file *file, union mpmc_args *args,
			 void __user *user)
{
	if (args->uring_cancel.flags)
		return -EINVAL;
	return mpmc_park_cancel(token_queue(file->private_data),
				args->uring_cancel.arg);
}

static const struct mpmc_command producer_commands[] = {
	{
		.cmd = MPMC_IOC_ITEM_ENQUEUE,
		.size = sizeof(struct mpmc_transfer),
		.min_size = offsetofend(struct mpmc_transfer, deadline),
		.wait = MPMC_TRANSFER_WAIT,
		.handler = producer_enqueue,
	},
	{
		.cmd = MPMC_IOC_TOKEN_KICK,
		.size = sizeof(struct mpmc_token_kick),
		.min_size = offsetofend(struct mpmc_token_kick, pad),
		.handler = producer_kick,
	},
	{
		.cmd = MPMC_IOC_TOKEN_INFO,
		.size = sizeof(struct mpmc_token_info),
		.min_size = offsetofend(struct mpmc_token_info, items),
		.out = true,
		.handler = token_info,
	},
	{
		.cmd = MPMC_IOC_URING_CANCEL,
		.size = sizeof(struct mpmc_uring_cancel),
		.min_size = offsetofend(struct mpmc_uring_cancel, arg),
		.handler = uring_cancel,
	},
};

static long producer_ioctl(struct file *file, unsigned int cmd,
			   unsigned long arg)
{
	return mpmc_ioctl(producer_commands, ARRAY_SIZE(producer_commands),
			  file, cmd, arg);
}

static int producer_uring_cmd(struct io_uring_cmd *cmd,
			      unsigned int issue_flags)
{
	return mpmc_uring_cmd(producer_commands, ARRAY_SIZE(producer_commands),
			      token_queue(mpmc_uring_file(cmd)->private_data),
			      cmd, issue_flags);
}

static __poll_t producer_poll(struct file *file, poll_table *wait)
{
	struct token *token = file->private_data;
	__poll_t events = mpmc_queue_poll(token->producer->queue, file, wait,
					  MPMC_POLL_OUT);

	/* What its owner has been granted is room, for him. */
	if (mpmc_ring_granted(&token->producer->ring))
		events |= MPMC_POLL_OUT;
	return events;
}

static const struct file_operations producer_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = producer_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.uring_cmd = producer_uring_cmd,
	.poll = producer_poll,
	.mmap = token_mmap,
	.show_fdinfo = token_fdinfo,
	.release = token_release,
	.llseek = noop_llseek,
};

static long consumer_dequeue(struct file *file, union mpmc_args *args,
			     void __user *user)
{
	struct token *token = file->private_data;

	return mpmc_delivery_dequeue(token->consumer, &args->transfer, user);
}

static long consumer_kick(struct file *file, union mpmc_args *args,
			  void __user *user)
{
	struct token *token = file->private_data;

	return mpmc_delivery_kick(token->consumer, &args->token_kick);
}

static long lease_fill(struct file *file, union mpmc_args *args,
		       void __user *user)
{
	struct token *token = file->private_data;

	return mpmc_delivery_fill(token->consumer, &args->lease);
}

static long lease_commit(struct file *file, union mpmc_args *args,
			 void __user *user)
{
	struct token *token = file->private_data;

	return mpmc_delivery_end(token->consumer, &args->lease_end, true);
}

static long lease_release(struct file *file, union mpmc_args *args,
			  void __user *user)
{
	struct token *token = file->private_data;

	return mpmc_delivery_end(token->consumer, &args->lease_end, false);
}

static const struct mpmc_command consumer_commands[] = {
	{
		.cmd = MPMC_IOC_ITEM_DEQUEUE,
		.size = sizeof(struct mpmc_transfer),
		.min_size = offsetofend(struct mpmc_transfer, deadline),
		.wait = MPMC_TRANSFER_WAIT,
		.handler = consumer_dequeue,
	},
	{
		.cmd = MPMC_IOC_LEASE_FILL,
		.size = sizeof(struct mpmc_lease),
		.min_size = offsetofend(struct mpmc_lease, deadline),
		.wait = MPMC_LEASE_WAIT,
		.handler = lease_fill,
	},
	{
		.cmd = MPMC_IOC_LEASE_COMMIT,
		.size = sizeof(struct mpmc_lease_end),
		.min_size = offsetofend(struct mpmc_lease_end, pad),
		.handler = lease_commit,
	},
	{
		.cmd = MPMC_IOC_LEASE_RELEASE,
		.size = sizeof(struct mpmc_lease_end),
		.min_size = offsetofend(struct mpmc_lease_end, pad),
		.handler = lease_release,
	},
	{
		.cmd = MPMC_IOC_TOKEN_KICK,
		.size = sizeof(struct mpmc_token_kick),
		.min_size = offsetofend(struct mpmc_token_kick, pad),
		.handler = consumer_kick,
	},
	{
		.cmd = MPMC_IOC_TOKEN_INFO,
		.size = sizeof(struct mpmc_token_info),
		.min_size = offsetofend(struct mpmc_token_info, items),
		.out = true,
		.handler = token_info,
	},
	{
		.cmd = MPMC_IOC_URING_CANCEL,
		.size = sizeof(struct mpmc_uring_cancel),
		.min_size = offsetofend(struct mpmc_uring_cancel, arg),
		.handler = uring_cancel,
	},
};

static long consumer_ioctl(struct file *file, unsigned int cmd,
			   unsigned long arg)
{
	return mpmc_ioctl(consumer_commands, ARRAY_SIZE(consumer_commands),
			  file, cmd, arg);
}

static int consumer_uring_cmd(struct io_uring_cmd *cmd,
			      unsigned int issue_flags)
{
	return mpmc_uring_cmd(consumer_commands, ARRAY_SIZE(consumer_commands),
			      token_queue(mpmc_uring_file(cmd)->private_data),
			      cmd, issue_flags);
}

static __poll_t consumer_poll(struct file *file, poll_table *wait)
{
	struct token *token = file->private_data;
	__poll_t events = mpmc_queue_poll(token->consumer->queue, file, wait,
					  MPMC_POLL_IN);

	if (mpmc_lease_count(token->consumer))
		events |= MPMC_POLL_IN;
	return events;
}

static const struct file_operations consumer_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = consumer_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.uring_cmd = consumer_uring_cmd,
	.poll = consumer_poll,
	.mmap = token_mmap,
	.show_fdinfo = token_fdinfo,
	.release = token_release,
	.llseek = noop_llseek,
};

/* A file for a token, which is closed again without one. */
static struct file *token_file(struct file *queue_file,
			       const struct file_operations *fops,
			       struct mpmc_producer *producer,
			       struct mpmc_consumer *consumer, bool armed)
{
	struct token *token = kmalloc(sizeof(*token), GFP_KERNEL_ACCOUNT);
	struct file *file = ERR_PTR(-ENOMEM);

	if (token) {
		token->producer = producer;
		token->consumer = consumer;
		token->armed = armed;
		token->queue_file = get_file(queue_file);
		token_keep_armed(token, true);
		file = anon_inode_getfile("[mpmc-token]", fops, token, O_RDWR);
	}
	if (!IS_ERR(file))
		return file;
	if (token) {
		token_keep_armed(token, false);
		fput(queue_file);
	}
	kfree(token);
	if (producer)
		mpmc_producer_close(producer);
	else
		mpmc_consumer_close(consumer);
	return file;
}

/**
 * mpmc_producer_file() - make a producer token with its file
 * @queue_file: the queue's
 * @entries: size of the token's ring, a power of two
 * @armed: it keeps its queue armed
 *
 * Context: process; may sleep.
 * Return: the file or an ERR_PTR.
 */
struct file *mpmc_producer_file(struct file *queue_file, unsigned int entries,
				bool armed)
{
	struct mpmc_producer *producer =
		mpmc_producer_create(queue_file->private_data, entries);

	if (IS_ERR(producer))
		return ERR_CAST(producer);
	return token_file(queue_file, &producer_fops, producer, NULL,
			  armed);
}

/**
 * mpmc_consumer_file() - make a consumer token with its file
 * @queue_file: the queue's
 * @entries: size of the token's ring, a power of two
 * @armed: it keeps its queue armed
 *
 * Context: process; may sleep.
 * Return: the file or an ERR_PTR.
 */
struct file *mpmc_consumer_file(struct file *queue_file, unsigned int entries,
				bool armed)
{
	struct mpmc_consumer *consumer =
		mpmc_consumer_create(queue_file->private_data, entries);

	if (IS_ERR(consumer))
		return ERR_CAST(consumer);
	return token_file(queue_file, &consumer_fops, NULL, consumer,
			  armed);
}
