// SPDX-License-Identifier: GPL-2.0
/*
 * /dev/mpmc: multi-producer multi-consumer queues between processes
 */
#include <linux/atomic.h>
#include <linux/build_bug.h>
#include <linux/cpumask.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>

#include "counters.h"
#include "device.h"
#include "file.h"
#include "free.h"
#include "namespace.h"
#include "open.h"
#include "park.h"
#include "queue.h"
#include "ring.h"
#include "trace.h"
#include "transfer.h"
#include "user.h"

/* Positions and credits are words that are read and written whole. */
static_assert(BITS_PER_LONG == 64, "/dev/mpmc is for 64-bit kernels");

static unsigned long max_capacity = 1UL << 24;
module_param(max_capacity, ulong, 0644);
MODULE_PARM_DESC(max_capacity, "Largest capacity of a queue, in items; at most 2^31 - 1");

static unsigned int max_queues = 1024;
module_param(max_queues, uint, 0644);
MODULE_PARM_DESC(max_queues, "Most queues that one user can have at a time");

/* That of the last queue that was made. */
static atomic64_t last_id;

static u64 capacity_limit(void)
{
	return min_t(u64, READ_ONCE(max_capacity), MPMC_CAPACITY_MAX);
}

static long device_info(struct file *file, union mpmc_args *args,
			void __user *user)
{
	struct mpmc_device_info *info = &args->device_info;

	if (info->flags)
		return -EINVAL;
	info->features = MPMC_FEATURE_LEASE | MPMC_FEATURE_MAP |
			 MPMC_FEATURE_DELIVERY_LIMIT;
	if (mpmc_namespace_supported())
		info->features |= MPMC_FEATURE_NAMES;
	if (IS_ENABLED(CONFIG_IO_URING))
		info->features |= MPMC_FEATURE_URING;
	if (mpmc_park_supported())
		info->features |= MPMC_FEATURE_URING_PARK;
	info->max_capacity = capacity_limit();
	info->max_segments = MPMC_MAX_SEGMENTS;
	info->max_ring_entries = MPMC_RING_MAX;
	info->max_tokens = MPMC_MAX_TOKENS;
	info->max_queues = READ_ONCE(max_queues);
	return 0;
}

/* One segment for every CPU that there may ever be. */
static unsigned int default_segments(void)
{
	return min_t(unsigned int, num_possible_cpus(), MPMC_MAX_SEGMENTS);
}

static bool create_valid(const struct mpmc_queue_create *create)
{
	if (create->flags & ~MPMC_QUEUE_DEAD_LETTER || create->pad)
		return false;
	if (create->flags & MPMC_QUEUE_DEAD_LETTER)
		return create->max_deliveries;
	return !create->dead_letter;
}

/* A queue for a user who has been charged with it. */
static struct mpmc_queue *create_queue(const struct mpmc_queue_create *create)
{
	u64 capacity = create->capacity ?: MPMC_DEFAULT_CAPACITY;
	struct file *dead_letter = NULL;
	struct mpmc_queue *queue;

	if (capacity > capacity_limit() ||
	    create->segments > MPMC_MAX_SEGMENTS)
		return ERR_PTR(-ENOSPC);
	if (create->flags & MPMC_QUEUE_DEAD_LETTER)
		dead_letter = mpmc_queue_file_get(create->dead_letter);
	if (IS_ERR(dead_letter))
		return ERR_CAST(dead_letter);
	queue = mpmc_queue_create(capacity,
				  create->segments ?: default_segments());
	if (queue && mpmc_counters_init(queue)) {
		mpmc_queue_destroy(queue);
		queue = NULL;
	}
	if (!queue) {
		if (dead_letter)
			fput(dead_letter);
		return ERR_PTR(-ENOMEM);
	}
	queue->max_deliveries = create->max_deliveries;
	queue->dead_letter = dead_letter;
	return queue;
}

/**
 * mpmc_device_create() - make a queue for the calling user
 * @create: what it is to be like
 *
 * Context: process; may sleep.
 * Return: the queue, for mpmc_queue_drop(), or an ERR_PTR: an error of struct
 * mpmc_queue_create's.
 */
struct mpmc_queue *mpmc_device_create(const struct mpmc_queue_create *create)
{
	struct mpmc_queue *queue;
	struct mpmc_user *owner;

	if (!create_valid(create))
		return ERR_PTR(-EINVAL);
	owner = mpmc_user_charge(READ_ONCE(max_queues));
	if (IS_ERR(owner))
		return ERR_CAST(owner);
	queue = create_queue(create);
	if (IS_ERR(queue)) {
		mpmc_user_uncharge(owner);
		return queue;
	}
	queue->id = atomic64_inc_return_relaxed(&last_id);
	queue->user = owner;
	refcount_set(&queue->references, 1);
	trace_queue_create(queue);
	return queue;
}

static long queue_create(struct file *file, union mpmc_args *args,
			 void __user *user)
{
	struct mpmc_queue *queue = mpmc_device_create(&args->queue_create);

	if (IS_ERR(queue))
		return PTR_ERR(queue);
	return mpmc_install(mpmc_queue_file(queue, O_RDWR));
}

static const struct mpmc_command device_commands[] = {
	{
		.cmd = MPMC_IOC_DEVICE_INFO,
		.size = sizeof(struct mpmc_device_info),
		.min_size = offsetofend(struct mpmc_device_info, max_queues),
		.out = true,
		.handler = device_info,
	},
	{
		.cmd = MPMC_IOC_QUEUE_CREATE,
		MPMC_QUEUE_CREATE_SIZES,
		.handler = queue_create,
	},
	{
		.cmd = MPMC_IOC_QUEUE_OPEN,
		.size = sizeof(struct mpmc_queue_open),
		.min_size = offsetofend(struct mpmc_queue_open, create),
		.handler = mpmc_open,
	},
	{
		.cmd = MPMC_IOC_QUEUE_UNLINK,
		.size = sizeof(struct mpmc_queue_unlink),
		.min_size = offsetofend(struct mpmc_queue_unlink, pad),
		.handler = mpmc_unlink,
	},
	{
		.cmd = MPMC_IOC_QUEUE_LIST,
		.size = sizeof(struct mpmc_queue_list),
		.min_size = offsetofend(struct mpmc_queue_list, pad),
		.handler = mpmc_list,
	},
};

static long device_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	return mpmc_ioctl(device_commands, ARRAY_SIZE(device_commands), file,
			  cmd, arg);
}

static const struct file_operations device_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = device_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.llseek = noop_llseek,
};

static struct miscdevice device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "mpmc",
	.mode = 0666,
	.fops = &device_fops,
};

static int __init mpmc_init(void)
{
	int ret = mpmc_transfer_init();

	if (ret)
		return ret;
	ret = mpmc_free_init();
	if (ret)
		goto err_transfer;
	ret = mpmc_namespace_init();
	if (ret)
		goto err_free;
	ret = misc_register(&device);
	if (ret)
		goto err_namespace;
	return 0;

err_namespace:
	mpmc_namespace_exit();
err_free:
	mpmc_free_exit();
err_transfer:
	mpmc_transfer_exit();
	return ret;
}

static void __exit mpmc_exit(void)
{
	misc_deregister(&device);
	mpmc_namespace_exit();
	mpmc_free_exit();
	mpmc_transfer_exit();
}

module_init(mpmc_init);
module_exit(mpmc_exit);

MODULE_AUTHOR("The /dev/mpmc founders");
MODULE_DESCRIPTION("Lock-free multi-producer multi-consumer queues");
MODULE_LICENSE("GPL");
