// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Producer tokens
 */
#include <errno.h>

#include "lib.h"

LIB_EXPORT int mpmc_producer_create(struct mpmc_producer **producer,
				    struct mpmc_queue *queue,
				    const struct mpmc_token_opts *opts)
{
	struct mpmc_token *token;
	int ret;

	if (!producer)
		return -EINVAL;
	ret = lib_token_create(&token, queue, MPMC_IOC_PRODUCER_CREATE, opts);
	*producer = (struct mpmc_producer *)token;
	return ret;
}

LIB_EXPORT void mpmc_producer_destroy(struct mpmc_producer *producer)
{
	if (producer)
		lib_token_close(&producer->token);
}

static int fd_of(const struct mpmc_producer *producer)
{
	return (int)producer->token.fd;
}

LIB_EXPORT int mpmc_producer_fd(const struct mpmc_producer *producer)
{
	return producer ? fd_of(producer) : -EINVAL;
}

LIB_EXPORT int mpmc_producer_mapped(const struct mpmc_producer *producer)
{
	return producer ? !!producer->token.ring : -EINVAL;
}

/* There is no room in the ring, or no ring: the kernel does it. */
LIB_EXPORT int mpmc_producer_enqueue_slow(struct mpmc_producer *producer,
					  uint64_t item)
{
	return lib_put(fd_of(producer), item);
}

LIB_EXPORT int mpmc_producer_enqueue_bulk_slow(struct mpmc_producer *producer,
					       const uint64_t *items, size_t n)
{
	return lib_put_bulk(fd_of(producer), items, n);
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
	const struct mpmc_producer_map *map = mpmc_map_of_producer(producer, producer->token.ring);

	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (!(__atomic_load_n(&map->readers, __ATOMIC_RELAXED) &
	      (MPMC_MAP_WAITERS | MPMC_MAP_SHUTDOWN)))
		return 0;
	return lib_kick(fd_of(producer), n);
}

/* Whether the ring has room for so many. */
static int has_room(struct mpmc_producer *producer, size_t n)
{
	const struct mpmc_producer_map *map = mpmc_map_of_producer(producer, producer->token.ring);

	return mpmc_map_load(&map->limit) - mpmc_map_load(&map->own) >= n;
}

LIB_EXPORT int mpmc_producer_enqueue_wait(struct mpmc_producer *producer,
					  uint64_t item,
					  const struct timespec *timeout)
{
	if (!producer || lib_timeout_check(timeout))
		return -EINVAL;
	if (has_room(producer, 1))
		return mpmc_producer_try_enqueue(producer, item);
	return lib_put_wait(fd_of(producer), item, timeout);
}

LIB_EXPORT int mpmc_producer_enqueue_bulk_wait(struct mpmc_producer *producer,
					       const uint64_t *items, size_t n,
					       const struct timespec *timeout)
{
	if (!producer || lib_timeout_check(timeout))
		return -EINVAL;
	if (n && has_room(producer, n))
		return mpmc_producer_try_enqueue_bulk(producer, items, n);
	return lib_put_bulk_wait(fd_of(producer), items, n, timeout);
}
