// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Consumer tokens
 */
#include <errno.h>
#include <stdlib.h>

#include "lib.h"

LIB_EXPORT int mpmc_consumer_create(struct mpmc_consumer **consumer,
				    struct mpmc_queue *queue,
				    const struct mpmc_token_opts *opts)
{
	int fd;

	if (!consumer)
		return -EINVAL;
	*consumer = NULL;
	fd = lib_token_create(queue, MPMC_IOC_CONSUMER_CREATE, opts);
	if (fd < 0)
		return fd;
	*consumer = lib_alloc(sizeof(**consumer));
	if (!*consumer) {
		lib_close(fd);
		return -ENOMEM;
	}
	(*consumer)->fd = fd;
	return 0;
}

LIB_EXPORT void mpmc_consumer_destroy(struct mpmc_consumer *consumer)
{
	if (!consumer)
		return;
	lib_close(consumer->fd);
	free(consumer);
}

LIB_EXPORT int mpmc_consumer_fd(const struct mpmc_consumer *consumer)
{
	return consumer ? consumer->fd : -EINVAL;
}

LIB_EXPORT int mpmc_consumer_try_dequeue(struct mpmc_consumer *consumer,
					 uint64_t *item)
{
	return consumer ? lib_take(consumer->fd, item) : -EINVAL;
}

LIB_EXPORT int mpmc_consumer_dequeue_wait(struct mpmc_consumer *consumer,
					  uint64_t *item,
					  const struct timespec *timeout)
{
	return consumer ? lib_take_wait(consumer->fd, item, timeout) : -EINVAL;
}

LIB_EXPORT ssize_t
mpmc_consumer_try_dequeue_bulk(struct mpmc_consumer *consumer, uint64_t *items,
			       size_t max)
{
	return consumer ? lib_take_bulk(consumer->fd, items, max) : -EINVAL;
}

LIB_EXPORT ssize_t
mpmc_consumer_dequeue_bulk_wait(struct mpmc_consumer *consumer, uint64_t *items,
				size_t max, const struct timespec *timeout)
{
	return consumer ? lib_take_bulk_wait(consumer->fd, items, max, timeout) :
			  -EINVAL;
}
