/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tokens whose rings are mapped, used exactly as the "mapped rings" section of
 * linux/mpmc.h says.
 */
#ifndef MPMC_MAPPED_H
#define MPMC_MAPPED_H

#include "mpmc_test.h"

/**
 * struct mapped - a token and its two parts
 * @fd: the token
 * @info: its sizes and offsets
 * @kernel: the kernel's part
 * @owner: the owner's part, which begins with his position
 * @waiters: who waits, at the beginning of the kernel's part
 * @word: the one of its two words that this token's owner looks at
 * @token: how far the owner may go
 * @own: the owner's position
 * @items: the entries
 * @deliveries: of a consumer's
 */
struct mapped {
	int fd;
	struct mpmc_token_info info;
	char *kernel;
	char *owner;
	const struct mpmc_map_queue *waiters;
	const __u32 *word;
	const struct mpmc_map_token *token;
	__u64 *own;
	__u64 *items;
	const __u32 *deliveries;
};

#define load_acquire(p) __atomic_load_n(p, __ATOMIC_ACQUIRE)
#define load_relaxed(p) __atomic_load_n(p, __ATOMIC_RELAXED)
#define store_release(p, value) __atomic_store_n(p, value, __ATOMIC_RELEASE)
#define full_barrier() __atomic_thread_fence(__ATOMIC_SEQ_CST)

static inline void *token_mmap(int fd, size_t size, int prot, __u64 offset)
{
	void *p = mmap(NULL, size, prot, MAP_SHARED, fd, offset);

	return p == MAP_FAILED ? NULL : p;
}

static inline void mapped_lay_out(struct mapped *m)
{
	bool produces = m->info.kind == MPMC_TOKEN_PRODUCER;

	m->waiters = (void *)m->kernel;
	m->word = produces ? &m->waiters->readers : &m->waiters->writers;
	m->token = (void *)(m->kernel + m->info.token_offset);
	m->own = (void *)m->owner;
	m->items = (void *)((produces ? m->owner : m->kernel) +
			    m->info.items_offset);
	m->deliveries = (void *)(m->kernel + m->info.deliveries_offset);
}

/* Maps a token; -errno if that does not work, with nothing mapped. */
static inline int mapped_map(struct mapped *m, int fd)
{
	int error;

	memset(m, 0, sizeof(*m));
	m->fd = fd;
	must(token_info(fd, &m->info) == 0);
	m->kernel = token_mmap(fd, m->info.kernel_size, PROT_READ,
			       MPMC_MAP_KERNEL);
	if (!m->kernel)
		return -errno;
	m->owner = token_mmap(fd, m->info.owner_size, PROT_READ | PROT_WRITE,
			      MPMC_MAP_OWNER);
	error = errno;
	if (m->owner)
		mapped_lay_out(m);
	else
		must(munmap(m->kernel, m->info.kernel_size) == 0);
	return m->owner ? 0 : -error;
}

static inline void mapped_unmap(struct mapped *m)
{
	must(munmap(m->kernel, m->info.kernel_size) == 0);
	must(munmap(m->owner, m->info.owner_size) == 0);
}

static inline void mapped_producer(struct mapped *m, int queue, __u32 entries)
{
	must(mapped_map(m, producer_create(queue, entries)) == 0);
}

static inline void mapped_consumer(struct mapped *m, int queue, __u32 entries)
{
	must(mapped_map(m, consumer_create(queue, entries)) == 0);
}

static inline void mapped_close(struct mapped *m)
{
	mapped_unmap(m);
	close(m->fd);
}

/* How far the owner may go without a call: room, or items. */
static inline __u64 mapped_rest(const struct mapped *m)
{
	return load_acquire(&m->token->position) - *m->own;
}

static inline __u64 *mapped_entry(const struct mapped *m, __u64 position)
{
	return &m->items[position & (m->info.ring_entries - 1)];
}

/* Whether a barrier is due, and then whether there is a reason to call. */
static inline bool producer_is_waited_for(const struct mapped *m)
{
	if (!load_relaxed(m->word))
		return false;
	full_barrier();
	return load_relaxed(m->word) &
	       (MPMC_MAP_WAITERS | MPMC_MAP_SHUTDOWN);
}

#define WAITERS (MPMC_MAP_SLEEPERS | MPMC_MAP_POLLED)

static inline bool consumer_is_waited_for(const struct mapped *m)
{
	__u32 writers, readers;

	if (!load_relaxed(m->word))
		return false;
	full_barrier();
	writers = load_relaxed(&m->waiters->writers);
	readers = load_relaxed(&m->waiters->readers);
	return writers & WAITERS ||
	       (writers & MPMC_MAP_SHUTDOWN && readers & WAITERS);
}

/* Stores items, for which there is room, without saying so. */
static inline void mapped_store(struct mapped *m, const __u64 *items, __u32 n)
{
	__u64 own = *m->own;
	__u32 i;

	for (i = 0; i < n; i++)
		*mapped_entry(m, own + i) = items[i];
	store_release(m->own, own + n);
}

/* All or none, like enq_bulk(). */
static inline int put_bulk(struct mapped *m, const __u64 *items, __u32 n)
{
	if (mapped_rest(m) < n)
		return enq_bulk(m->fd, items, n);
	mapped_store(m, items, n);
	return producer_is_waited_for(m) ? token_kick(m->fd, n) : 0;
}

static inline int put(struct mapped *m, __u64 item)
{
	return put_bulk(m, &item, 1);
}

static inline int put_bulk_until(struct mapped *m, const __u64 *items, __u32 n,
				 __u64 deadline)
{
	int ret = mapped_rest(m) < n ? -EAGAIN : put_bulk(m, items, n);

	return ret == -EAGAIN ? enq_bulk_until(m->fd, items, n, deadline) : ret;
}

static inline int put_until(struct mapped *m, __u64 item, __u64 deadline)
{
	return put_bulk_until(m, &item, 1, deadline);
}

/* Finishes with so many items of the lease. */
static inline void commit(struct mapped *m, __u32 n)
{
	store_release(m->own, *m->own + n);
	if (consumer_is_waited_for(m))
		must(token_kick(m->fd, n) == 0);
}

/* Up to max items, like deq_bulk_until(); a deadline of 0: don't wait. */
static inline int take_bulk_until(struct mapped *m, __u64 *items, __u32 max,
				  __u64 deadline)
{
	__u64 rest = mapped_rest(m);
	__u32 i, n;
	int ret;

	if (!rest) {
		ret = lease_fill_flags(m->fd, NULL, 1, MPMC_LEASE_SHARE,
				       deadline);
		if (ret < 0)
			return ret;
		rest = mapped_rest(m);
		must(rest);
	}
	n = rest < max ? rest : max;
	for (i = 0; i < n; i++)
		items[i] = *mapped_entry(m, *m->own + i);
	commit(m, n);
	return n;
}

static inline int take_until(struct mapped *m, __u64 *item, __u64 deadline)
{
	return take_bulk_until(m, item, 1, deadline);
}

/* 1 and an item, or -errno, like deq(). */
static inline int take(struct mapped *m, __u64 *item)
{
	return take_until(m, item, 0);
}

#endif /* MPMC_MAPPED_H */
