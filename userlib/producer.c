// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Producer tokens
 */
#include <errno.h>
#include <stdlib.h>

#include "lib.h"

LIB_EXPORT int mpmc_producer_create(struct mpmc_producer **producer,
				    struct mpmc_queue *queue,
				    const struct mpmc_token_opts *opts)
{
	int fd;

	if (!producer)
		return -EINVAL;
	*producer = NULL;
	fd = lib_token_create(queue, MPMC_IOC_PRODUCER_CREATE, opts);
	if (fd < 0)
		return fd;
	*producer = lib_alloc(sizeof(**producer));
	if (!*producer) {
		lib_close(fd);
		return -ENOMEM;
	}
	(*producer)->fd = fd;
	return 0;
}

LIB_EXPORT void mpmc_producer_destroy(struct mpmc_producer *producer)
{
	if (!producer)
		return;
	lib_close(producer->fd);
	free(producer);
}

LIB_EXPORT int mpmc_producer_fd(const struct mpmc_producer *producer)
{
	return producer ? producer->fd : -EINVAL;
}

LIB_EXPORT int mpmc_producer_try_enqueue(struct mpmc_producer *producer,
					 uint64_t item)
{
	return producer ? lib_put(producer->fd, item) : -EINVAL;
}

LIB_EXPORT int mpmc_producer_enqueue_wait(struct mpmc_producer *producer,
					  uint64_t item,
					  const struct timespec *timeout)
{
	return producer ? lib_put_wait(producer->fd, item, timeout) : -EINVAL;
}

LIB_EXPORT int mpmc_producer_try_enqueue_bulk(struct mpmc_producer *producer,
					      const uint64_t *items, size_t n)
{
	return producer ? lib_put_bulk(producer->fd, items, n) : -EINVAL;
}

LIB_EXPORT int mpmc_producer_enqueue_bulk_wait(struct mpmc_producer *producer,
					       const uint64_t *items, size_t n,
					       const struct timespec *timeout)
{
	return producer ? lib_put_bulk_wait(producer->fd, items, n, timeout) :
			  -EINVAL;
}
