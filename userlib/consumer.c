// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Consumer tokens
 */
#include <errno.h>

#include "lib.h"

LIB_EXPORT int mpmc_consumer_create(struct mpmc_consumer **consumer,
				    struct mpmc_queue *queue,
				    const struct mpmc_token_opts *opts)
{
	struct mpmc_token *token;
	int ret;

	if (!consumer)
		return -EINVAL;
	ret = lib_token_create(&token, queue, MPMC_IOC_CONSUMER_CREATE, opts);
	*consumer = (struct mpmc_consumer *)token;
	return ret;
}

LIB_EXPORT void mpmc_consumer_destroy(struct mpmc_consumer *consumer)
{
	if (consumer)
		lib_token_close(&consumer->token);
}

static int fd_of(const struct mpmc_consumer *consumer)
{
	return (int)consumer->token.fd;
}

static int is_mapped(const struct mpmc_consumer *consumer)
{
	return !!consumer->token.ring;
}

LIB_EXPORT int mpmc_consumer_fd(const struct mpmc_consumer *consumer)
{
	return consumer ? fd_of(consumer) : -EINVAL;
}

LIB_EXPORT int mpmc_consumer_mapped(const struct mpmc_consumer *consumer)
{
	return consumer ? is_mapped(consumer) : -EINVAL;
}

/* What a mapped ring has leased. */
static size_t map_leased(struct mpmc_consumer *consumer)
{
	const struct mpmc_consumer_map *map = mpmc_map_of_consumer(consumer, consumer->token.ring);

	return mpmc_map_load(&map->limit) - mpmc_map_load(&map->own);
}

LIB_EXPORT ssize_t mpmc_consumer_leased(struct mpmc_consumer *consumer)
{
	struct mpmc_token_info info = { .size = sizeof(info) };
	int ret;

	if (!consumer)
		return -EINVAL;
	if (is_mapped(consumer))
		return (ssize_t)map_leased(consumer);
	ret = lib_ioctl(fd_of(consumer), MPMC_IOC_TOKEN_INFO, &info);
	return ret ? ret : (ssize_t)info.items;
}

/* --- Dequeuing: what is taken from the lease is committed at once --- */

/*
 * Room was made, and somebody waits for it, or might; or for the end of a queue
 * that is shut down. The barrier is that of mpmc_producer_waited_for(). What has
 * been taken is taken, whatever comes of it.
 */
LIB_EXPORT int mpmc_consumer_waited_for(struct mpmc_consumer *consumer,
					size_t n)
{
	const struct mpmc_consumer_map *map = mpmc_map_of_consumer(consumer, consumer->token.ring);
	uint32_t writers, readers;

	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	writers = __atomic_load_n(&map->writers, __ATOMIC_RELAXED);
	readers = __atomic_load_n(&map->readers[0], __ATOMIC_RELAXED);
	if (writers & MPMC_MAP_WAITERS ||
	    (writers & MPMC_MAP_SHUTDOWN && readers & MPMC_MAP_WAITERS))
		lib_kick(fd_of(consumer), n);
	return 0;
}

/* Take up to max of what is leased. */
static size_t take_leased(struct mpmc_consumer *consumer, uint64_t *items,
			  size_t max)
{
	struct mpmc_consumer_map *map = mpmc_map_of_consumer(consumer, consumer->token.ring);
	uint64_t own = mpmc_map_load(&map->own);
	size_t n = mpmc_map_load(&map->limit) - own;

	if (n > max)
		n = max;
	mpmc_map_get(map->items, consumer->token.ring >> 32, own, items, n);
	if (n && mpmc_map_advance(&map->own, own + n, &map->writers))
		mpmc_consumer_waited_for(consumer, n);
	return n;
}

/*
 * Take up to max items from a mapped ring, and fill it again as long as there
 * are not as many. How many, at least one, or an error.
 */
static ssize_t take_mapped(struct mpmc_consumer *consumer, uint64_t *items,
			   size_t max, const uint64_t *deadline)
{
	size_t total = 0;
	long ret;

	for (;;) {
		total += take_leased(consumer, items + total, max - total);
		if (total == max)
			return (ssize_t)total;
		ret = lib_lease_fill(fd_of(consumer), NULL, max - total,
				     MPMC_LEASE_SHARE, total ? NULL : deadline);
		if (ret < 0)
			return total ? (ssize_t)total : ret;
	}
}

LIB_EXPORT int mpmc_consumer_dequeue_slow(struct mpmc_consumer *consumer,
					  uint64_t *item)
{
	ssize_t ret;

	if (!is_mapped(consumer))
		return lib_take(fd_of(consumer), item);
	ret = take_mapped(consumer, item, 1, NULL);
	return ret < 0 ? (int)ret : 0;
}

LIB_EXPORT ssize_t
mpmc_consumer_dequeue_bulk_slow(struct mpmc_consumer *consumer, uint64_t *items,
				size_t max)
{
	ssize_t ret;

	if (!is_mapped(consumer) || !max || !items)
		return lib_take_bulk(fd_of(consumer), items, max);
	ret = take_mapped(consumer, items, max, NULL);
	return ret == -EAGAIN ? 0 : ret;
}

LIB_EXPORT int mpmc_consumer_dequeue_wait(struct mpmc_consumer *consumer,
					  uint64_t *item,
					  const struct timespec *timeout)
{
	uint64_t deadline;
	ssize_t ret;

	if (!consumer || lib_timeout_check(timeout) || !item)
		return -EINVAL;
	if (!is_mapped(consumer))
		return lib_take_wait(fd_of(consumer), item, timeout);
	if (map_leased(consumer))
		return mpmc_consumer_try_dequeue(consumer, item);
	lib_deadline(&deadline, timeout);
	ret = take_mapped(consumer, item, 1, &deadline);
	return ret < 0 ? (int)ret : 0;
}

LIB_EXPORT ssize_t
mpmc_consumer_dequeue_bulk_wait(struct mpmc_consumer *consumer, uint64_t *items,
				size_t max, const struct timespec *timeout)
{
	uint64_t deadline;
	ssize_t ret;

	if (!consumer || lib_timeout_check(timeout))
		return -EINVAL;
	if (!is_mapped(consumer) || !max || !items)
		return lib_take_bulk_wait(fd_of(consumer), items, max, timeout);
	if (map_leased(consumer) >= max)
		return mpmc_consumer_try_dequeue_bulk(consumer, items, max);
	lib_deadline(&deadline, timeout);
	ret = take_mapped(consumer, items, max, &deadline);
	return ret == -ETIMEDOUT ? 0 : ret;
}

/* --- Leases --- */

static ssize_t peek(struct mpmc_consumer *consumer, struct mpmc_item *items,
		    size_t max, const uint64_t *deadline)
{
	unsigned int flags = is_mapped(consumer) ? MPMC_LEASE_SHARE : 0;

	if (!max)
		return 0;
	if (!items)
		return -EINVAL;
	return lib_lease_fill(fd_of(consumer), items, max, flags, deadline);
}

LIB_EXPORT ssize_t mpmc_consumer_peek_slow(struct mpmc_consumer *consumer,
					   struct mpmc_item *items, size_t max)
{
	ssize_t ret = peek(consumer, items, max, NULL);

	return ret == -EAGAIN ? 0 : ret;
}

LIB_EXPORT ssize_t mpmc_consumer_peek_wait(struct mpmc_consumer *consumer,
					   struct mpmc_item *items, size_t max,
					   const struct timespec *timeout)
{
	uint64_t deadline;
	ssize_t ret;

	if (!consumer || lib_timeout_check(timeout))
		return -EINVAL;
	if (map_leased(consumer) >= max)
		return mpmc_consumer_peek(consumer, items, max);
	lib_deadline(&deadline, timeout);
	ret = peek(consumer, items, max, &deadline);
	return ret == -ETIMEDOUT ? 0 : ret;
}

LIB_EXPORT int mpmc_consumer_commit_slow(struct mpmc_consumer *consumer,
					 size_t n)
{
	if (n && is_mapped(consumer))
		return -EINVAL;
	return lib_lease_end(fd_of(consumer), MPMC_IOC_LEASE_COMMIT, n);
}

LIB_EXPORT int mpmc_consumer_release(struct mpmc_consumer *consumer, size_t n)
{
	if (!consumer)
		return -EINVAL;
	return lib_lease_end(fd_of(consumer), MPMC_IOC_LEASE_RELEASE, n);
}
