// SPDX-License-Identifier: GPL-2.0
/* Scenes of mapped rings. */
#include "walk.h"

#define PAGE 4096

static void setup_producer(struct world *w)
{
	world_queue(w, 3000, 0);
	world_producer(w, 2048);
	world_put(w, SOURCE_TOKEN, 20);
}

static void setup_consumer(struct world *w)
{
	world_queue(w, 3000, 0);
	world_put(w, SOURCE_QUEUE, 20);
	world_consumer(w, 2048);
	world_lease(w, 10);
}

static long map(struct world *w, int prot, __u64 offset, size_t size)
{
	void *p = mmap(NULL, size, prot, MAP_SHARED, w->token, offset);

	if (p == MAP_FAILED)
		return -errno;
	w->map = p;
	w->map_size = size;
	return 0;
}

/* The sizes are asked for before anything fails. */
static void sized_producer(struct world *w)
{
	setup_producer(w);
	must(token_info(w->token, &w->mapped.info) == 0);
}

static void sized_consumer(struct world *w)
{
	setup_consumer(w);
	must(token_info(w->token, &w->mapped.info) == 0);
}

static long call_kernel(struct world *w)
{
	return map(w, PROT_READ, MPMC_MAP_KERNEL, w->mapped.info.kernel_size);
}

static long call_owner(struct world *w)
{
	return map(w, PROT_READ | PROT_WRITE, MPMC_MAP_OWNER,
		   w->mapped.info.owner_size);
}

/* All of it is there; between its parts there is nothing. */
static void check_page(const struct world *w, size_t offset)
{
	(void)*(volatile const char *)((char *)w->map + offset);
}

static void check_data(const struct world *w)
{
	size_t at;

	for (at = w->mapped.info.items_offset; at < w->map_size; at += PAGE)
		check_page(w, at);
}

static void check_kernel(struct world *w, long ret)
{
	const struct mpmc_map_token *token;

	if (ret)
		return;
	check_page(w, 0);
	check_data(w);
	token = (void *)((char *)w->map + w->mapped.info.token_offset);
	/* A producer has been granted nothing so far. */
	right(w, token->position == w->leases);
}

/* A mapping that failed is none: another one does not find it in its way. */
static void check_owner(struct world *w, long ret)
{
	if (ret)
		return;
	check_page(w, 0);
	check_data(w);
	right(w, map(w, PROT_READ, MPMC_MAP_OWNER, w->map_size) == -EBUSY);
}

static void setup_unmap_producer(struct world *w)
{
	setup_producer(w);
	world_map(w);
	world_put(w, SOURCE_TOKEN, 30);
	world_store(w);
}

static void setup_unmap_consumer(struct world *w)
{
	setup_consumer(w);
	world_map(w);
	store_release(w->mapped.own, *w->mapped.own + 4);
	world_took(w, w->leased, 4);
}

static long call_unmap(struct world *w)
{
	return munmap(w->mapped.owner, w->mapped.info.owner_size) ? -errno : 0;
}

/* What was granted and not used is room again, and it can be mapped again. */
static void check_unmap(struct world *w, long ret)
{
	void *owner;

	if (ret)
		return;
	right(w, queue_state(w->queue).granted == 0);
	owner = token_mmap(w->token, w->mapped.info.owner_size,
			   PROT_READ | PROT_WRITE, MPMC_MAP_OWNER);
	right(w, owner);
	if (owner)
		w->mapped.owner = owner;
}

const struct scene map_scenes[] = {
	{ "producer: mmap, kernel's part", sized_producer, call_kernel,
	  check_kernel, .sees = SEES_NOMEM },
	{ "producer: mmap, owner's part", sized_producer, call_owner,
	  check_owner, .sees = SEES_NOMEM },
	{ "consumer: mmap, kernel's part", sized_consumer, call_kernel,
	  check_kernel, .sees = SEES_NOMEM },
	{ "consumer: mmap, owner's part", sized_consumer, call_owner,
	  check_owner, .sees = SEES_NOMEM },
	{ "producer: munmap", setup_unmap_producer, call_unmap, check_unmap,
	  .hidden = true, .moves = true },
	{ "consumer: munmap", setup_unmap_consumer, call_unmap, check_unmap,
	  .hidden = true, .moves = true },
	{}
};
