// SPDX-License-Identifier: GPL-2.0
/*
 * Scenes of the end of fds. It does not fail, whatever fails in it; what a consumer
 * has not finished with comes back, with memory or without.
 */
#include "../mpmc_names.h"
#include "walk.h"

#define LEASED 10
#define NAME "/soon-without"

static long call_close(struct world *w)
{
	int fd = w->token;

	w->token = -1;
	return close(fd) ? -errno : 0;
}

static void setup_queue(struct world *w)
{
	w->token = queue_create(100, 0);
	must(w->token >= 0);
	put_range(w->token, 1, 50);
}

/* Its name has gone. */
static void setup_unlinked(struct world *w)
{
	w->token = name_open(NAME, NEW, 0600);
	must(w->token >= 0);
	put_range(w->token, 1, 50);
	must(name_unlink(NAME) == 0);
}

/* Its queue for dead letters, with some, is nobody else's. */
static void setup_dead(struct world *w)
{
	int dead = queue_create(100, 0);

	must(dead >= 0);
	w->token = limited_create(100, 1, dead);
	must(w->token >= 0);
	put_range(w->token, 1, 50);
	put_range(dead, 1, 50);
	must(close(dead) == 0);
}

static void setup_producer(struct world *w)
{
	world_queue(w, 100, 0);
	world_producer(w, 16);
	world_put(w, SOURCE_TOKEN, 40);
}

/* Of the room that its owner was granted he has used some, and told nobody. */
static void setup_granted(struct world *w)
{
	world_queue(w, 100, 0);
	world_producer(w, 16);
	world_map(w);
	world_put(w, SOURCE_TOKEN, 10);
	world_store(w);
}

static void was_mapped(struct world *w)
{
	mapped_unmap(&w->mapped);
	w->mapped.kernel = NULL;
}

static void setup_producer_mapped(struct world *w)
{
	setup_granted(w);
	was_mapped(w);
}

/* The fd goes first; the end comes with the mapping. */
static void map_last(struct world *w)
{
	must(munmap(w->mapped.kernel, w->mapped.info.kernel_size) == 0);
	w->mapped.kernel = NULL;
	close(w->token);
	w->token = -1;
}

static void setup_producer_map_last(struct world *w)
{
	setup_granted(w);
	map_last(w);
}

static void setup_consumer(struct world *w)
{
	world_queue(w, 100, 0);
	world_put(w, SOURCE_QUEUE, 40);
	world_consumer(w, 32);
	world_lease(w, LEASED);
}

/* Around the end of the ring. */
static void setup_around(struct world *w)
{
	__u64 items[28];

	world_queue(w, 100, 0);
	world_put(w, SOURCE_QUEUE, 60);
	world_consumer(w, 32);
	must(deq_bulk(w->token, items, 28) == 28);
	world_took(w, items, 28);
	world_lease(w, LEASED);
}

static void setup_mapped(struct world *w)
{
	setup_consumer(w);
	world_map(w);
	was_mapped(w);
}

static void setup_map_last(struct world *w)
{
	setup_consumer(w);
	world_map(w);
	map_last(w);
}

static long call_unmap(struct world *w)
{
	return munmap(w->mapped.owner, w->mapped.info.owner_size) ? -errno : 0;
}

static void setup_bury(struct world *w)
{
	world_limited(w, 100, 100);
	world_put(w, SOURCE_QUEUE, 40);
	world_consumer(w, 32);
	world_lease(w, LEASED);
}

static void check_closed(struct world *w, long ret)
{
	right(w, ret == 0);
	if (w->queue < 0)
		return;
	right(w, queue_state(w->queue).producers == 0);
	right(w, queue_state(w->queue).consumers == 0);
	right(w, queue_state(w->queue).leased == 0);
	right(w, queue_state(w->queue).granted == 0);
}

/* All that was leased comes again, at the front, in order, and is known to. */
static void check_back(struct world *w, long ret)
{
	struct mpmc_lease_item items[LEASED];
	int fd, i;

	check_closed(w, ret);
	fd = consumer_create(w->queue, LEASED);
	must(fd >= 0);
	right(w, lease_fill(fd, items, LEASED) == LEASED);
	for (i = 0; i < LEASED; i++)
		right(w, items[i].value == w->leased[i] &&
			 items[i].deliveries == 2);
	close(fd);
}

static void check_buried(struct world *w, long ret)
{
	struct mpmc_queue_info info = queue_state(w->queue);

	check_closed(w, ret);
	right(w, info.dead + info.redelivered == LEASED);
	right(w, queue_items(w->dead) == info.dead);
}

const struct scene close_scenes[] = {
	{ "queue: close", setup_queue, call_close, check_closed, .once = true },
	{ "queue: close, unlinked", setup_unlinked, call_close, check_closed,
	  .once = true },
	{ "queue: close, and of dead letters", setup_dead, call_close,
	  check_closed, .once = true },
	{ "producer: close", setup_producer, call_close, check_closed,
	  .once = true },
	{ "producer: close, was mapped", setup_producer_mapped, call_close,
	  check_closed, .once = true },
	{ "producer: munmap, the last", setup_producer_map_last, call_unmap,
	  check_closed, .once = true },
	{ "consumer: close", setup_consumer, call_close, check_back,
	  .once = true, .hidden = true },
	{ "consumer: close, around", setup_around, call_close, check_back,
	  .once = true, .hidden = true },
	{ "consumer: close, was mapped", setup_mapped, call_close, check_back,
	  .once = true, .hidden = true },
	{ "consumer: munmap, the last", setup_map_last, call_unmap, check_back,
	  .once = true, .hidden = true },
	{ "consumer: close, dead letters", setup_bury, call_close, check_buried,
	  .once = true, .hidden = true },
	{}
};
