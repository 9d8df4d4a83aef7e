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
	(*producer)->map = lib_map(fd, opts);
	return 0;
}

LIB_EXPORT void mpmc_producer_destroy(struct mpmc_producer *producer)
{
	if (!producer)
		return;
	lib_unmap(producer->map);
	lib_close(producer->fd);
	free(producer);
}

LIB_EXPORT int mpmc_producer_fd(const struct mpmc_producer *producer)
{
	return producer ? producer->fd : -EINVAL;
}

LIB_EXPORT int mpmc_producer_mapped(const struct mpmc_producer *producer)
{
	return producer ? !!producer->map->items : -EINVAL;
}

/* There is no room in the ring, or no ring: the kernel does it. */
LIB_EXPORT int mpmc_producer_enqueue_slow(struct mpmc_producer *producer,
					  uint64_t item)
{
	return lib_put(producer->fd, item);
}

LIB_EXPORT int mpmc_producer_enqueue_bulk_slow(struct mpmc_producer *producer,
					       const uint64_t *items, size_t n)
{
	return lib_put_bulk(producer->fd, items, n);
}

/*
 * Items were stored, and somebody waits for them, or might. The barrier pairs
 * with the one of the kernel between saying that somebody is going to sleep and
 * looking at the ring once more: either that look sees the items or we see
 * the sleeper.
 */
LIB_EXPORT int mpmc_producer_waited_for(struct mpmc_producer *producer,
					size_t n)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (!(__atomic_load_n(producer->map->waiters, __ATOMIC_RELAXED) &
	      (MPMC_MAP_WAITERS | MPMC_MAP_SHUTDOWN)))
		return 0;
	return lib_kick(producer->fd, n);
}

/* Whether the ring has room for so many. */
static int has_room(const struct mpmc_producer *producer, size_t n)
{
	const struct mpmc_map *map = producer->map;

	return map->items && mpmc_map_rest(map, mpmc_map_own(map)) >= n;
}

LIB_EXPORT int mpmc_producer_enqueue_wait(struct mpmc_producer *producer,
					  uint64_t item,
					  const struct timespec *timeout)
{
	if (!producer || lib_timeout_check(timeout))
		return -EINVAL;
	if (has_room(producer, 1))
		return mpmc_producer_try_enqueue(producer, item);
	return lib_put_wait(producer->fd, item, timeout);
}

LIB_EXPORT int mpmc_producer_enqueue_bulk_wait(struct mpmc_producer *producer,
					       const uint64_t *items, size_t n,
					       const struct timespec *timeout)
{
	if (!producer || lib_timeout_check(timeout))
		return -EINVAL;
	if (has_room(producer, n))
		return mpmc_producer_try_enqueue_bulk(producer, items, n);
	return lib_put_bulk_wait(producer->fd, items, n, timeout);
}
