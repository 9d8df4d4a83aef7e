// SPDX-License-Identifier: GPL-2.0
/* Scenes of consumer tokens. */
#include "walk.h"

#define LEASED 10

static void setup(struct world *w, __u32 items)
{
	world_queue(w, 200, 0);
	world_put(w, SOURCE_QUEUE, items);
	world_consumer(w, 64);
}

static void setup_info(struct world *w)
{
	setup(w, 30);
	world_lease(w, LEASED);
	world_ioctl(w, w->token, MPMC_IOC_TOKEN_INFO,
		    sizeof(w->args.token_info));
}

static void check_info(struct world *w, long ret)
{
	if (!ret)
		right(w, world_args(w)->token_info.items == LEASED);
}

/* --- Dequeue --- */

static void setup_one(struct world *w)
{
	setup(w, 30);
	world_dequeue(w, w->token, 1, MPMC_TRANSFER_INLINE);
}

static void setup_some(struct world *w)
{
	setup(w, 50);
	world_dequeue(w, w->token, 40, MPMC_TRANSFER_WAIT);
}

/* More than its ring has, in several rounds. */
static void setup_rounds(struct world *w)
{
	setup(w, 150);
	world_dequeue(w, w->token, 150, 0);
}

static void setup_late(struct world *w)
{
	setup(w, 1);
	must(drain(w->queue) == 1);
	w->in = 0;
	world_dequeue(w, w->token, 40, MPMC_TRANSFER_WAIT);
	w->args.transfer.deadline = 1;
}

/* --- Leases --- */

static void setup_fill(struct world *w)
{
	struct mpmc_lease *lease = &w->args.lease;

	setup(w, 50);
	world_lease(w, 3);
	world_ioctl(w, w->token, MPMC_IOC_LEASE_FILL, sizeof(*lease));
	lease->count = 40;
	w->buffer_size = lease->count * sizeof(struct mpmc_lease_item);
	memset(w->buffer, 0, w->buffer_size);
}

static void check_fill(struct world *w, long ret)
{
	const struct mpmc_lease_item *items = w->at_buffer.data;
	struct mpmc_token_info info;
	long i;

	must(token_info(w->token, &info) == 0);
	if (ret < 0) {
		right(w, info.items == 3 || info.items == 40);
		return;
	}
	right(w, ret == 40 && info.items == 40);
	for (i = 0; i < ret; i++)
		right(w, items[i].value == world_item(i) &&
			 items[i].deliveries == 1 && !items[i].pad);
}

static void setup_end(struct world *w, unsigned long cmd)
{
	struct mpmc_lease_end *end = &w->args.lease_end;

	world_lease(w, LEASED);
	world_ioctl(w, w->token, cmd, sizeof(*end));
	end->count = LEASED - 2;
}

static void setup_commit(struct world *w)
{
	setup(w, 30);
	setup_end(w, MPMC_IOC_LEASE_COMMIT);
}

static void check_commit(struct world *w, long ret)
{
	if (!ret)
		world_took(w, w->leased, w->args.lease_end.count);
}

static void setup_release(struct world *w)
{
	setup(w, 30);
	setup_end(w, MPMC_IOC_LEASE_RELEASE);
}

/* The lease goes around the end of the ring: they are copied in two pieces. */
static void setup_release_around(struct world *w)
{
	__u64 items[60];

	setup(w, 100);
	must(deq_bulk(w->token, items, 60) == 60);
	world_took(w, items, 60);
	setup_end(w, MPMC_IOC_LEASE_RELEASE);
}

/* What came back is the first to come again, and is known to. */
static void check_release(struct world *w, long ret)
{
	struct mpmc_lease_item items[LEASED];
	__u32 i, count = w->args.lease_end.count;
	int fd;

	if (ret)
		return;
	fd = consumer_create(w->queue, 64);
	must(fd >= 0);
	right(w, lease_fill(fd, items, count) == (int)count);
	for (i = 0; i < count; i++)
		right(w, items[i].value == w->leased[i] &&
			 items[i].deliveries == 2);
	close(fd);
}

/* Nothing may be handed out again: all goes to the other queue, or is again. */
static void setup_bury(struct world *w)
{
	world_limited(w, 200, 100);
	world_put(w, SOURCE_QUEUE, 30);
	world_consumer(w, 64);
	setup_end(w, MPMC_IOC_LEASE_RELEASE);
}

static void check_bury(struct world *w, long ret)
{
	struct mpmc_queue_info info = queue_state(w->queue);
	__u32 count = w->args.lease_end.count;

	if (ret)
		return;
	right(w, info.dead + info.redelivered == count);
	right(w, queue_items(w->dead) == info.dead);
	right(w, info.leased == LEASED - count);
}

static void setup_mapped(struct world *w)
{
	setup(w, 50);
	world_map(w);
	world_lease(w, LEASED);
}

static void setup_kick(struct world *w)
{
	setup_mapped(w);
	store_release(w->mapped.own, *w->mapped.own + 4);
	world_took(w, w->leased, 4);
	world_ioctl(w, w->token, MPMC_IOC_TOKEN_KICK,
		    sizeof(w->args.token_kick));
	w->args.token_kick.count = 4;
}

static void setup_release_mapped(struct world *w)
{
	setup(w, 50);
	world_map(w);
	setup_end(w, MPMC_IOC_LEASE_RELEASE);
}

const struct scene consumer_scenes[] = {
	{ "consumer: info", setup_info, NULL, check_info, .sees = SEES_FAULT },
	{ "consumer: dequeue 1", setup_one, NULL, check_take, .moves = true },
	{ "consumer: dequeue 40", setup_some, NULL, check_take,
	  .sees = SEES_FAULT, .moves = true },
	{ "consumer: dequeue 150, small ring", setup_rounds, NULL, check_take,
	  .sees = SEES_FAULT, .moves = true },
	{ "consumer: dequeue, nothing comes", setup_late, NULL, check_take,
	  .result = -ETIMEDOUT },
	{ "consumer: lease fill", setup_fill, NULL, check_fill,
	  .sees = SEES_FAULT, .moves = true },
	{ "consumer: lease commit", setup_commit, NULL, check_commit },
	{ "consumer: lease release", setup_release, NULL, check_release,
	  .sees = SEES_NOMEM },
	{ "consumer: lease release, around", setup_release_around, NULL,
	  check_release, .sees = SEES_NOMEM },
	{ "consumer: lease release, mapped", setup_release_mapped, NULL,
	  check_release, .sees = SEES_NOMEM },
	{ "consumer: lease release, dead letters", setup_bury, NULL, check_bury,
	  .sees = SEES_NOMEM, .hidden = true },
	{ "consumer: kick", setup_kick, NULL, NULL },
	{}
};
