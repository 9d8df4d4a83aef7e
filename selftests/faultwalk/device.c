// SPDX-License-Identifier: GPL-2.0
/* Scenes of /dev/mpmc itself. */
#include "walk.h"

#define STRANGER 12345

static void setup_nothing(struct world *w)
{
	(void)w;
}

static long call_open(struct world *w)
{
	(void)w;
	return device_open();
}

static void setup_info(struct world *w)
{
	world_ioctl(w, w->device, MPMC_IOC_DEVICE_INFO,
		    sizeof(w->args.device_info));
}

static void check_info(struct world *w, long ret)
{
	if (!ret)
		right(w, world_args(w)->device_info.max_queues == WORLD_QUEUES);
}

/* A user without queues, whom nobody knows yet. */
static void setup_first(struct world *w)
{
	world_ioctl(w, w->device, MPMC_IOC_QUEUE_CREATE,
		    sizeof(w->args.queue_create));
	w->args.queue_create.capacity = 50;
}

static void check_queue(struct world *w, long ret)
{
	check_made(w, ret);
	if (ret < 0)
		return;
	right(w, fill(ret, 1) == 50);
	right(w, drain(ret) == 50);
}

/* One of whom there has to be a note where to find him: his number is not root's. */
static void setup_stranger(struct world *w)
{
	setup_first(w);
	must(setreuid(STRANGER, -1) == 0);
}

/* He stays until it is done. */
static void check_stranger(struct world *w, long ret)
{
	check_queue(w, ret);
	if (ret >= 0)
		must(setreuid(0, -1) == 0);
}

static void setup_another(struct world *w)
{
	world_queue(w, 100, 0);
	world_put(w, SOURCE_QUEUE, 3);
	setup_first(w);
	w->args.queue_create.segments = 1;
}

/* Their structure is read in another way. */
static void setup_larger(struct world *w)
{
	setup_first(w);
	w->args.size = sizeof(w->args.larger);
}

static void setup_dead(struct world *w)
{
	world_limited(w, 100, 10);
	setup_first(w);
	w->args.queue_create.flags = MPMC_QUEUE_DEAD_LETTER;
	w->args.queue_create.max_deliveries = 1;
	w->args.queue_create.dead_letter = w->dead;
}

/* Refused before any memory, and after some of it. */
static void setup_too_large(struct world *w)
{
	setup_first(w);
	w->args.queue_create.capacity = 1ULL << 40;
}

static void setup_too_many(struct world *w)
{
	setup_dead(w);
	w->other = queue_create(1, 1);
	must(w->other >= 0);
}

const struct scene device_scenes[] = {
	{ "open /dev/mpmc", setup_nothing, call_open, check_made,
	  .sees = SEES_NOMEM | SEES_FAULT },
	{ "device info", setup_info, NULL, check_info, .sees = SEES_FAULT },
	{ "queue create, the user's first", setup_first, NULL, check_queue,
	  .sees = SEES_NOMEM },
	{ "queue create, a stranger's first", setup_stranger, NULL,
	  check_stranger, .sees = SEES_NOMEM },
	{ "queue create, one segment", setup_another, NULL, check_queue,
	  .sees = SEES_NOMEM },
	{ "queue create, a later version's", setup_larger, NULL, check_queue,
	  .sees = SEES_NOMEM | SEES_FAULT },
	{ "queue create, with dead letters", setup_dead, NULL, check_queue,
	  .sees = SEES_NOMEM },
	{ "queue create, too large", setup_too_large, NULL, NULL,
	  .sees = SEES_NOMEM, .result = -ENOSPC },
	{ "queue create, one too many", setup_too_many, NULL, NULL,
	  .sees = SEES_NOMEM, .result = -ENOSPC },
	{}
};
