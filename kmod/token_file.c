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
#include "file.h"
#include "ioctl.h"
#include "producer.h"
#include "queue.h"
#include "transfer.h"

/**
 * struct token - what a token's file holds
 * @queue_file: keeps the queue
 * @producer: the token, if it is one of a producer
 * @consumer: or this one
 */
struct token {
	struct file *queue_file;
	struct mpmc_producer *producer;
	struct mpmc_consumer *consumer;
};

static long token_info(struct file *file, union mpmc_args *args,
		       void __user *user)
{
	struct token *token = file->private_data;
	struct mpmc_token_info *info = &args->token_info;

	if (info->flags)
		return -EINVAL;
	if (token->producer) {
		info->kind = MPMC_TOKEN_PRODUCER;
		info->ring_entries = token->producer->ring.entries;
		info->items = mpmc_producer_items(token->producer);
	} else {
		info->kind = MPMC_TOKEN_CONSUMER;
		info->ring_entries = token->consumer->ring.entries;
		info->items = mpmc_consumer_leased(token->consumer);
	}
	return 0;
}

static void token_fdinfo(struct seq_file *seq, struct file *file)
{
	union mpmc_args args = {};
	const struct mpmc_token_info *info = &args.token_info;

	token_info(file, &args, NULL);
	seq_printf(seq, "kind:\t%s\n", info->kind == MPMC_TOKEN_PRODUCER ?
				       "producer" : "consumer");
	seq_printf(seq, "ring-entries:\t%u\n", info->ring_entries);
	seq_printf(seq, "items:\t%llu\n", info->items);
}

static int token_release(struct inode *inode, struct file *file)
{
	struct token *token = file->private_data;

	if (token->producer)
		mpmc_producer_close(token->producer);
	if (token->consumer)
		mpmc_consumer_close(token->consumer);
	fput(token->queue_file);
	kfree(token);
	return 0;
}

static long producer_enqueue(struct file *file, union mpmc_args *args,
			     void __user *user)
{
	struct token *token = file->private_data;

	return mpmc_transfer_put(token->producer->queue, token->producer,
				 &args->transfer);
}

static const struct mpmc_command producer_commands[] = {
	{
		.cmd = MPMC_IOC_ITEM_ENQUEUE,
		.size = sizeof(struct mpmc_transfer),
		.min_size = offsetofend(struct mpmc_transfer, deadline),
		.handler = producer_enqueue,
	},
	{
		.cmd = MPMC_IOC_TOKEN_INFO,
		.size = sizeof(struct mpmc_token_info),
		.min_size = offsetofend(struct mpmc_token_info, items),
		.out = true,
		.handler = token_info,
	},
};

static long producer_ioctl(struct file *file, unsigned int cmd,
			   unsigned long arg)
{
	return mpmc_ioctl(producer_commands, ARRAY_SIZE(producer_commands),
			  file, cmd, arg);
}

static __poll_t producer_poll(struct file *file, poll_table *wait)
{
	struct token *token = file->private_data;

	return mpmc_queue_poll(token->producer->queue, file, wait,
			       MPMC_POLL_OUT);
}

static const struct file_operations producer_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = producer_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.poll = producer_poll,
	.show_fdinfo = token_fdinfo,
	.release = token_release,
	.llseek = noop_llseek,
};

static long consumer_dequeue(struct file *file, union mpmc_args *args,
			     void __user *user)
{
	struct token *token = file->private_data;

	return mpmc_transfer_lease(token->consumer, &args->transfer, user);
}

static const struct mpmc_command consumer_commands[] = {
	{
		.cmd = MPMC_IOC_ITEM_DEQUEUE,
		.size = sizeof(struct mpmc_transfer),
		.min_size = offsetofend(struct mpmc_transfer, deadline),
		.handler = consumer_dequeue,
	},
	{
		.cmd = MPMC_IOC_TOKEN_INFO,
		.size = sizeof(struct mpmc_token_info),
		.min_size = offsetofend(struct mpmc_token_info, items),
		.out = true,
		.handler = token_info,
	},
};

static long consumer_ioctl(struct file *file, unsigned int cmd,
			   unsigned long arg)
{
	return mpmc_ioctl(consumer_commands, ARRAY_SIZE(consumer_commands),
			  file, cmd, arg);
}

static __poll_t consumer_poll(struct file *file, poll_table *wait)
{
	struct token *token = file->private_data;
	__poll_t events = mpmc_queue_poll(token->consumer->queue, file, wait,
					  MPMC_POLL_IN);

	if (mpmc_consumer_leased(token->consumer))
		events |= MPMC_POLL_IN;
	return events;
}

static const struct file_operations consumer_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = consumer_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.poll = consumer_poll,
	.show_fdinfo = token_fdinfo,
	.release = token_release,
	.llseek = noop_llseek,
};

/* A file for a token, which is closed again without one. */
static struct file *token_file(struct file *queue_file,
			       const struct file_operations *fops,
			       struct mpmc_producer *producer,
			       struct mpmc_consumer *consumer)
{
	struct token *token = kmalloc(sizeof(*token), GFP_KERNEL_ACCOUNT);
	struct file *file = ERR_PTR(-ENOMEM);

	if (token) {
		token->producer = producer;
		token->consumer = consumer;
		token->queue_file = get_file(queue_file);
		file = anon_inode_getfile("[mpmc-token]", fops, token, O_RDWR);
	}
	if (!IS_ERR(file))
		return file;
	if (token)
		fput(queue_file);
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
 *
 * Context: process; may sleep.
 * Return: the file or an ERR_PTR.
 */
struct file *mpmc_producer_file(struct file *queue_file, unsigned int entries)
{
	struct mpmc_producer *producer =
		mpmc_producer_create(queue_file->private_data, entries);

	if (IS_ERR(producer))
		return ERR_CAST(producer);
	return token_file(queue_file, &producer_fops, producer, NULL);
}

/**
 * mpmc_consumer_file() - make a consumer token with its file
 * @queue_file: the queue's
 * @entries: size of the token's ring, a power of two
 *
 * Context: process; may sleep.
 * Return: the file or an ERR_PTR.
 */
struct file *mpmc_consumer_file(struct file *queue_file, unsigned int entries)
{
	struct mpmc_consumer *consumer =
		mpmc_consumer_create(queue_file->private_data, entries);

	if (IS_ERR(consumer))
		return ERR_CAST(consumer);
	return token_file(queue_file, &consumer_fops, NULL, consumer);
}
