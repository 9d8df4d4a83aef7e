// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Queue handles
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "lib.h"

#define DEVICE "/dev/mpmc"

/* What the first versions of the structures ended with. */
#define STAT_SIZE_1_0 \
	(offsetof(struct mpmc_stat, reserved) + sizeof(uint32_t))
#define STATS_SIZE_1_2 \
	(offsetof(struct mpmc_stats, dropped) + sizeof(uint64_t))

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

/* What the kernel is to make of options; NULL for the defaults. */
static int create_init(struct mpmc_queue_create *create,
		       const struct mpmc_queue_opts *opts)
{
	memset(create, 0, sizeof(*create));
	create->size = sizeof(*create);
	if (!opts)
		return 0;
	if (opts->flags & ~MPMC_QUEUE_DELIVERIES)
		return -EINVAL;
	create->capacity = opts->capacity;
	create->segments = opts->segments;
	if (!(opts->flags & MPMC_QUEUE_DELIVERIES))
		return 0;
	if (!opts->max_deliveries || opts->reserved)
		return -EINVAL;
	create->max_deliveries = opts->max_deliveries;
	if (opts->dead_letter) {
		create->flags = MPMC_QUEUE_DEAD_LETTER;
		create->dead_letter = opts->dead_letter->fd;
	}
	return 0;
}

/* A command of the device, which is closed then; or the error in its place. */
static long device_call(int device, unsigned int cmd, void *arg)
{
	long ret;

	if (device < 0)
		return device;
	ret = lib_ioctl(device, cmd, arg);
	lib_close(device);
	return ret;
}

LIB_EXPORT int mpmc_queue_create(struct mpmc_queue **queue,
				 const struct mpmc_queue_opts *opts)
{
	struct mpmc_queue_create create;
	int ret;

	if (!queue)
		return -EINVAL;
	*queue = NULL;
	ret = create_init(&create, opts);
	if (ret)
		return ret;
	return queue_wrap(queue, (int)device_call(lib_open(DEVICE),
						  MPMC_IOC_QUEUE_CREATE,
						  &create));
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

LIB_EXPORT int mpmc_queue_stats(struct mpmc_queue *queue,
				struct mpmc_stats *stats)
{
	struct mpmc_queue_stats got = { .size = sizeof(got) };
	struct mpmc_stats known;
	int ret;

	if (!queue || !stats || stats->size < STATS_SIZE_1_2)
		return -EINVAL;
	ret = (int)lib_ioctl(queue->fd, MPMC_IOC_QUEUE_STATS, &got);
	if (ret)
		return ret == -ENOTTY ? -EOPNOTSUPP : ret;
	known = (struct mpmc_stats){
		.size = stats->size < sizeof(known) ? stats->size :
						      sizeof(known),
		.enqueued = got.enqueued,
		.dequeued = got.dequeued,
		.full = got.full,
		.enqueue_timeouts = got.enqueue_timeouts,
		.dequeue_timeouts = got.dequeue_timeouts,
		.redelivered = got.redelivered,
		.dead = got.dead,
		.dropped = got.dropped,
	};
	memcpy(stats, &known, known.size);
	return 0;
}

/* --- Names --- */

/*
 * A command of /dev/mpmc about a name: errors of the device are not to be taken
 * for those of a queue.
 */
static long name_call(unsigned int cmd, void *arg)
{
	int device = lib_open(DEVICE);
	long ret;

	if (device == -ENOENT || device == -ENODEV)
		device = -ENXIO;
	else if (device == -EACCES)
		device = -EPERM;
	ret = device_call(device, cmd, arg);
	return ret == -ENOTTY ? -EOPNOTSUPP : ret;
}

static int open_flags(int oflag, uint32_t *flags)
{
	const int known = O_ACCMODE | O_CREAT | O_EXCL | O_NONBLOCK | O_CLOEXEC;
	int access = oflag & O_ACCMODE;

	if (oflag & ~known ||
	    (access != O_RDONLY && access != O_WRONLY && access != O_RDWR))
		return -EINVAL;
	*flags = (access == O_WRONLY ? 0 : MPMC_OPEN_READ) |
		 (access == O_RDONLY ? 0 : MPMC_OPEN_WRITE) |
		 (oflag & O_CREAT ? MPMC_OPEN_CREATE : 0) |
		 (oflag & O_EXCL ? MPMC_OPEN_EXCL : 0) |
		 (oflag & O_NONBLOCK ? MPMC_OPEN_NONBLOCK : 0);
	return 0;
}

/* As long as it is, within what the kernel can be told. */
static uint32_t name_size(const char *name)
{
	return (uint32_t)strnlen(name, MPMC_NAME_MAX + 1);
}

/* The handle first: nothing can fail once there is a name. */
static int name_open(struct mpmc_queue **queue, struct mpmc_queue_open *open)
{
	struct mpmc_queue *handle = lib_alloc(sizeof(*handle));

	if (!handle)
		return -ENOMEM;
	handle->fd = (int)name_call(MPMC_IOC_QUEUE_OPEN, open);
	if (handle->fd < 0) {
		int ret = handle->fd;

		free(handle);
		return ret;
	}
	*queue = handle;
	return 0;
}

LIB_EXPORT int mpmc_queue_open(struct mpmc_queue **queue, const char *name,
			       int oflag, mode_t mode,
			       const struct mpmc_queue_opts *opts)
{
	struct mpmc_queue_open open = { .size = sizeof(open) };
	struct mpmc_queue_create create;
	int ret;

	if (!queue)
		return -EINVAL;
	*queue = NULL;
	if (!name)
		return -EINVAL;
	ret = open_flags(oflag, &open.flags);
	if (!ret && oflag & O_CREAT)
		ret = create_init(&create, opts);
	if (ret)
		return ret;
	open.name = (uintptr_t)name;
	open.name_size = name_size(name);
	if (oflag & O_CREAT) {
		open.mode = mode;
		open.create = (uintptr_t)&create;
	}
	return name_open(queue, &open);
}

LIB_EXPORT int mpmc_queue_unlink(const char *name)
{
	struct mpmc_queue_unlink unlink = { .size = sizeof(unlink) };

	if (!name)
		return -EINVAL;
	unlink.name = (uintptr_t)name;
	unlink.name_size = name_size(name);
	return (int)name_call(MPMC_IOC_QUEUE_UNLINK, &unlink);
}

static void name_fill(struct mpmc_name *name,
		      const struct mpmc_queue_entry *entry)
{
	memset(name, 0, sizeof(*name));
	memcpy(name->name, entry->name, sizeof(entry->name));
	name->uid = entry->uid;
	name->gid = entry->gid;
	name->mode = entry->mode;
	name->shut_down = entry->state & MPMC_STATE_SHUTDOWN ? 1 : 0;
	name->capacity = entry->capacity;
	name->items = entry->items;
}

/* As many as are asked for at a time. */
#define LIST_ENTRIES 16

LIB_EXPORT ssize_t mpmc_queue_list(const char *after, struct mpmc_name *names,
				   size_t max)
{
	struct mpmc_queue_entry entries[LIST_ENTRIES];
	struct mpmc_queue_list list = {
		.size = sizeof(list), .entry_size = sizeof(*entries),
		.entries = (uintptr_t)entries,
	};
	long i, n;
	size_t total = 0;

	if (!names)
		return -EINVAL;
	while (total < max) {
		list.after = (uintptr_t)after;
		list.after_size = after ? name_size(after) : 0;
		list.count = max - total < LIST_ENTRIES ?
				     (uint32_t)(max - total) : LIST_ENTRIES;
		n = name_call(MPMC_IOC_QUEUE_LIST, &list);
		if (n < 0)
			return total ? (ssize_t)total : n;
		for (i = 0; i < n; i++)
			name_fill(&names[total++], &entries[i]);
		if (!n)
			break;
		after = names[total - 1].name;
	}
	return (ssize_t)total;
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
