// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Queue handles
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib.h"

#define DEVICE "/dev/mpmc"

/* What the first version of the structure ended with. */
#define STAT_SIZE_1_0 \
	(offsetof(struct mpmc_stat, reserved) + sizeof(uint32_t))

/* Make a handle of a descriptor, or of the error that stands in its place. */
static int queue_wrap(struct mpmc_queue **queue, int fd)
{
	if (fd < 0)
		return fd;
	*queue = lib_alloc(sizeof(**queue));
	if (!*queue) {
		lib_close(fd);
		return -ENOMEM;
	}
	(*queue)->fd = fd;
	return 0;
}

static int device_create(const struct mpmc_queue_opts *opts)
{
	struct mpmc_queue_create create = {
		.size = sizeof(create),
		.capacity = opts->capacity,
		.segments = opts->segments,
	};
	int device;
	int fd;

	if (opts->flags & MPMC_QUEUE_DELIVERIES) {
		if (!opts->max_deliveries || opts->reserved)
			return -EINVAL;
		create.max_deliveries = opts->max_deliveries;
		if (opts->dead_letter) {
			create.flags = MPMC_QUEUE_DEAD_LETTER;
			create.dead_letter = opts->dead_letter->fd;
		}
	}
	device = lib_open(DEVICE);
	if (device < 0)
		return device;
	fd = lib_ioctl(device, MPMC_IOC_QUEUE_CREATE, &create);
	lib_close(device);
	return fd;
}

LIB_EXPORT int mpmc_queue_create(struct mpmc_queue **queue,
				 const struct mpmc_queue_opts *opts)
{
	static const struct mpmc_queue_opts defaults;

	if (!queue)
		return -EINVAL;
	*queue = NULL;
	if (!opts)
		opts = &defaults;
	if (opts->flags & ~MPMC_QUEUE_DELIVERIES)
		return -EINVAL;
	return queue_wrap(queue, device_create(opts));
}

static int queue_info(int fd, struct mpmc_queue_info *info)
{
	memset(info, 0, sizeof(*info));
	info->size = sizeof(*info);
	return lib_ioctl(fd, MPMC_IOC_QUEUE_INFO, info);
}

LIB_EXPORT int mpmc_queue_from_fd(struct mpmc_queue **queue, int fd)
{
	struct mpmc_queue_info info;
	int ret;

	if (!queue)
		return -EINVAL;
	*queue = NULL;
	ret = queue_info(fd, &info);
	if (ret)
		return ret;
	return queue_wrap(queue, lib_dup(fd));
}

LIB_EXPORT int mpmc_queue_fd(const struct mpmc_queue *queue)
{
	return queue ? queue->fd : -EINVAL;
}

LIB_EXPORT void mpmc_queue_destroy(struct mpmc_queue *queue)
{
	if (!queue)
		return;
	lib_close(queue->fd);
	free(queue);
}

LIB_EXPORT int mpmc_shutdown(struct mpmc_queue *queue)
{
	struct mpmc_queue_shutdown shutdown = { .size = sizeof(shutdown) };

	if (!queue)
		return -EINVAL;
	return lib_ioctl(queue->fd, MPMC_IOC_QUEUE_SHUTDOWN, &shutdown);
}

LIB_EXPORT ssize_t mpmc_size_approx(struct mpmc_queue *queue)
{
	struct mpmc_queue_info info;
	int ret;

	if (!queue)
		return -EINVAL;
	ret = queue_info(queue->fd, &info);
	return ret ? ret : (ssize_t)info.items;
}

LIB_EXPORT int mpmc_queue_stat(struct mpmc_queue *queue,
			       struct mpmc_stat *stat)
{
	struct mpmc_queue_info info;
	struct mpmc_stat known;
	int ret;

	if (!queue || !stat || stat->size < STAT_SIZE_1_0)
		return -EINVAL;
	ret = queue_info(queue->fd, &info);
	if (ret)
		return ret;
	known = (struct mpmc_stat){
		.size = stat->size < sizeof(known) ? stat->size : sizeof(known),
		.shut_down = info.state & MPMC_STATE_SHUTDOWN ? 1 : 0,
		.capacity = info.capacity,
		.items = info.items,
		.leased = info.leased,
		.segments = info.segments,
		.producers = info.producers,
		.consumers = info.consumers,
		.enqueue_waiters = info.enqueue_waiters,
		.dequeue_waiters = info.dequeue_waiters,
		.granted = info.granted,
		.redelivered = info.redelivered,
		.dead = info.dead,
		.dropped = info.dropped,
	};
	memcpy(stat, &known, known.size);
	return 0;
}

/* --- Items --- */

LIB_EXPORT int mpmc_try_enqueue(struct mpmc_queue *queue, uint64_t item)
{
	return queue ? lib_put(queue->fd, item) : -EINVAL;
}

LIB_EXPORT int mpmc_enqueue_wait(struct mpmc_queue *queue, uint64_t item,
				 const struct timespec *timeout)
{
	return queue ? lib_put_wait(queue->fd, item, timeout) : -EINVAL;
}

LIB_EXPORT int mpmc_try_enqueue_bulk(struct mpmc_queue *queue,
				     const uint64_t *items, size_t n)
{
	return queue ? lib_put_bulk(queue->fd, items, n) : -EINVAL;
}

LIB_EXPORT int mpmc_enqueue_bulk_wait(struct mpmc_queue *queue,
				      const uint64_t *items, size_t n,
				      const struct timespec *timeout)
{
	return queue ? lib_put_bulk_wait(queue->fd, items, n, timeout) :
		       -EINVAL;
}

LIB_EXPORT int mpmc_try_dequeue(struct mpmc_queue *queue, uint64_t *item)
{
	return queue ? lib_take(queue->fd, item) : -EINVAL;
}

LIB_EXPORT int mpmc_dequeue_wait(struct mpmc_queue *queue, uint64_t *item,
				 const struct timespec *timeout)
{
	return queue ? lib_take_wait(queue->fd, item, timeout) : -EINVAL;
}

LIB_EXPORT ssize_t mpmc_try_dequeue_bulk(struct mpmc_queue *queue,
					 uint64_t *items, size_t max)
{
	return queue ? lib_take_bulk(queue->fd, items, max) : -EINVAL;
}

LIB_EXPORT ssize_t mpmc_dequeue_bulk_wait(struct mpmc_queue *queue,
					  uint64_t *items, size_t max,
					  const struct timespec *timeout)
{
	return queue ? lib_take_bulk_wait(queue->fd, items, max, timeout) :
		       -EINVAL;
}
