// SPDX-License-Identifier: GPL-2.0
/* Scenes of producer tokens. */
#include "walk.h"

static void setup(struct world *w, __u32 segments)
{
	world_queue(w, 200, segments);
	world_producer(w, 16);
	world_put(w, SOURCE_TOKEN, 5);
}

static void setup_info(struct world *w)
{
	setup(w, 0);
	world_ioctl(w, w->token, MPMC_IOC_TOKEN_INFO,
		    sizeof(w->args.token_info));
}

static void check_info(struct world *w, long ret)
{
	if (!ret)
		right(w, world_args(w)->token_info.items == 5);
}

static void setup_one(struct world *w)
{
	setup(w, 0);
	world_enqueue(w, SOURCE_TOKEN, 1, MPMC_TRANSFER_INLINE);
}

static void setup_some(struct world *w)
{
	setup(w, 0);
	world_enqueue(w, SOURCE_TOKEN, 10, 0);
}

/* More than the ring has room for. */
static void setup_chunk(struct world *w)
{
	setup(w, 0);
	world_enqueue(w, SOURCE_TOKEN, 100, MPMC_TRANSFER_WAIT);
}

static void setup_chunk_large(struct world *w)
{
	world_queue(w, 20000, 0);
	world_producer(w, 16);
	world_enqueue(w, SOURCE_TOKEN, 15000, 0);
}

static void setup_full(struct world *w)
{
	setup(w, 0);
	world_put(w, SOURCE_QUEUE, 190);
	world_enqueue(w, SOURCE_TOKEN, 6, 0);
}

/* Its items go to the queue's segment. */
static void setup_fifo(struct world *w)
{
	world_queue(w, 200, 1);
	world_producer(w, 16);
	world_enqueue(w, SOURCE_TOKEN, 100, 0);
}

static void setup_mapped(struct world *w)
{
	setup(w, 0);
	world_map(w);
	world_put(w, SOURCE_TOKEN, 3);
}

static void setup_mapped_some(struct world *w)
{
	setup_mapped(w);
	world_enqueue(w, SOURCE_TOKEN, 8, 0);
}

static void setup_mapped_chunk(struct world *w)
{
	setup_mapped(w);
	world_enqueue(w, SOURCE_TOKEN, 50, 0);
}

static void setup_kick(struct world *w)
{
	setup_mapped(w);
	world_store(w);
	world_ioctl(w, w->token, MPMC_IOC_TOKEN_KICK,
		    sizeof(w->args.token_kick));
	w->args.token_kick.count = 1;
}

const struct scene producer_scenes[] = {
	{ "producer: info", setup_info, NULL, check_info, .sees = SEES_FAULT },
	{ "producer: enqueue 1", setup_one, NULL, check_put },
	{ "producer: enqueue 10", setup_some, NULL, check_put,
	  .sees = SEES_NOMEM | SEES_FAULT },
	{ "producer: enqueue 100, a chunk", setup_chunk, NULL, check_put,
	  .sees = SEES_NOMEM | SEES_FAULT },
	/* Large chunks come from somewhere else then. */
	{ "producer: enqueue 15000, a chunk", setup_chunk_large, NULL,
	  check_put, .sees = SEES_FAULT, .hidden = true },
	{ "producer: enqueue 6, no room", setup_full, NULL, check_put,
	  .sees = SEES_NOMEM | SEES_FAULT, .result = -EAGAIN },
	{ "producer: enqueue 100, one segment", setup_fifo, NULL, check_put,
	  .sees = SEES_NOMEM | SEES_FAULT },
	{ "producer: enqueue 8, mapped", setup_mapped_some, NULL, check_put,
	  .sees = SEES_NOMEM | SEES_FAULT, .moves = true },
	{ "producer: enqueue 50, mapped", setup_mapped_chunk, NULL, check_put,
	  .sees = SEES_NOMEM | SEES_FAULT, .moves = true },
	{ "producer: kick", setup_kick, NULL, NULL },
	{}
};
