// SPDX-License-Identifier: GPL-2.0
/* Scenes of queue fds. */
#include "walk.h"

/* One that tells of a queue in which there is something. */
static void ask(struct world *w, unsigned long cmd, __u32 size)
{
	world_queue(w, 100, 0);
	world_put(w, SOURCE_QUEUE, 7);
	world_ioctl(w, w->queue, cmd, size);
}

static void setup_info(struct world *w)
{
	ask(w, MPMC_IOC_QUEUE_INFO, sizeof(w->args.queue_info));
}

static void check_info(struct world *w, long ret)
{
	if (!ret)
		right(w, world_args(w)->queue_info.items == 7);
}

static void setup_stats(struct world *w)
{
	ask(w, MPMC_IOC_QUEUE_STATS, sizeof(w->args.queue_stats));
}

static void check_stats(struct world *w, long ret)
{
	if (!ret)
		right(w, world_args(w)->queue_stats.enqueued == 7);
}

static void setup_shutdown(struct world *w)
{
	world_queue(w, 100, 0);
	world_put(w, SOURCE_QUEUE, 7);
	world_ioctl(w, w->queue, MPMC_IOC_QUEUE_SHUTDOWN,
		    sizeof(w->args.queue_shutdown));
}

static void check_shutdown(struct world *w, long ret)
{
	__u32 state = queue_state(w->queue).state;

	right(w, (ret == 0) == !!(state & MPMC_STATE_SHUTDOWN));
}

/* --- Tokens --- */

/* A token is going to be made, of a queue with items in it. */
static void setup_token(struct world *w, unsigned long cmd, __u32 entries,
			__u32 flags)
{
	world_queue(w, 100, 0);
	world_put(w, SOURCE_QUEUE, 3);
	world_ioctl(w, w->queue, cmd, sizeof(w->args.token_create));
	w->args.token_create.ring_entries = entries;
	w->args.token_create.flags = flags;
}

static void setup_producer(struct world *w)
{
	setup_token(w, MPMC_IOC_PRODUCER_CREATE, 0, 0);
}

/* Its arrays are of several pages, and come from elsewhere. */
static void setup_producer_large(struct world *w)
{
	setup_token(w, MPMC_IOC_PRODUCER_CREATE, 4096, 0);
}

static void setup_producer_armed(struct world *w)
{
	setup_token(w, MPMC_IOC_PRODUCER_CREATE, 0, MPMC_TOKEN_ARMED);
}

static void check_producer(struct world *w, long ret)
{
	check_made(w, ret);
	right(w, queue_state(w->queue).producers == (ret >= 0));
	if (ret < 0)
		return;
	world_offer(w, SOURCE_TOKEN, 5);
	right(w, enq_bulk(ret, w->buffer, 5) == 0);
	world_accepted(w);
}

static void setup_consumer(struct world *w)
{
	setup_token(w, MPMC_IOC_CONSUMER_CREATE, 0, 0);
}

static void setup_consumer_large(struct world *w)
{
	setup_token(w, MPMC_IOC_CONSUMER_CREATE, 4096, 0);
}

static void setup_consumer_armed(struct world *w)
{
	setup_token(w, MPMC_IOC_CONSUMER_CREATE, 0, MPMC_TOKEN_ARMED);
}

static void check_consumer(struct world *w, long ret)
{
	__u64 item;

	check_made(w, ret);
	right(w, queue_state(w->queue).consumers == (ret >= 0));
	if (ret < 0)
		return;
	right(w, deq(ret, &item) == 1);
	world_took(w, &item, 1);
}

/* --- Enqueue --- */

static void setup_put_first(struct world *w)
{
	world_queue(w, 100, 0);
	world_enqueue(w, SOURCE_QUEUE, 1, MPMC_TRANSFER_INLINE);
}

static void setup_put_some(struct world *w)
{
	world_queue(w, 100, 0);
	world_enqueue(w, SOURCE_QUEUE, 70, 0);
}

/* The block is nearly full. */
static void setup_put_next(struct world *w)
{
	world_queue(w, 600, 1);
	world_put(w, SOURCE_QUEUE, 430);
	world_enqueue(w, SOURCE_QUEUE, 60, 0);
}

/* Needs several blocks, some of which have to be there before. */
static void setup_put_blocks(struct world *w)
{
	world_queue(w, 1200, 0);
	world_put(w, SOURCE_QUEUE, 1);
	world_enqueue(w, SOURCE_QUEUE, 1000, 0);
}

static void setup_put_many(struct world *w)
{
	world_queue(w, MANY, 0);
	world_enqueue(w, SOURCE_QUEUE, MANY, MPMC_TRANSFER_WAIT);
}

static void setup_put_full(struct world *w)
{
	world_queue(w, 1000, 0);
	world_put(w, SOURCE_QUEUE, 1);
	world_enqueue(w, SOURCE_QUEUE, 1000, 0);
}

/* --- Dequeue --- */

static void setup_take_one(struct world *w)
{
	world_queue(w, 100, 0);
	world_put(w, SOURCE_QUEUE, 20);
	world_dequeue(w, w->queue, 1, MPMC_TRANSFER_INLINE);
}

static void setup_take_some(struct world *w)
{
	world_queue(w, 100, 0);
	world_put(w, SOURCE_QUEUE, 70);
	world_dequeue(w, w->queue, 50, 0);
}

static void setup_take_waits(struct world *w)
{
	setup_take_some(w);
	world_dequeue(w, w->queue, 90, MPMC_TRANSFER_WAIT);
}

static void setup_take_many(struct world *w)
{
	world_queue(w, MANY, 0);
	world_put(w, SOURCE_QUEUE, MANY);
	world_dequeue(w, w->queue, MANY, 0);
}

static void setup_take_none(struct world *w)
{
	world_queue(w, 100, 0);
	world_dequeue(w, w->queue, 90, 0);
}

static void setup_take_late(struct world *w)
{
	setup_take_none(w);
	w->args.transfer.flags = MPMC_TRANSFER_WAIT;
	w->args.transfer.deadline = 1;
}

static void cut(struct world *w, size_t there)
{
	w->cut = CUT_BUFFER;
	w->there = there;
}

/* Items that cannot be copied out: on their way back there may be no memory. */
static void setup_back_one(struct world *w)
{
	world_queue(w, 100, 0);
	world_put(w, SOURCE_QUEUE, 20);
	world_dequeue(w, w->queue, 1, 0);
	cut(w, 4);
}

static void setup_back_some(struct world *w)
{
	setup_take_some(w);
	cut(w, 10 * sizeof(__u64));
}

/* Several copies, of a page each. */
static void setup_back_pages(struct world *w)
{
	world_queue(w, 2000, 0);
	world_put(w, SOURCE_QUEUE, 1900);
	world_dequeue(w, w->queue, 1900, 0);
	cut(w, 1899 * sizeof(__u64));
}

const struct scene queue_scenes[] = {
	{ "queue info", setup_info, NULL, check_info, .sees = SEES_FAULT },
	{ "queue stats", setup_stats, NULL, check_stats, .sees = SEES_FAULT },
	{ "queue shutdown", setup_shutdown, NULL, check_shutdown },
	{ "producer create", setup_producer, NULL, check_producer,
	  .sees = SEES_NOMEM },
	{ "producer create, large", setup_producer_large, NULL, check_producer,
	  .sees = SEES_NOMEM },
	{ "producer create, armed", setup_producer_armed, NULL, check_producer,
	  .sees = SEES_NOMEM },
	{ "consumer create", setup_consumer, NULL, check_consumer,
	  .sees = SEES_NOMEM },
	{ "consumer create, large", setup_consumer_large, NULL, check_consumer,
	  .sees = SEES_NOMEM },
	{ "consumer create, armed", setup_consumer_armed, NULL, check_consumer,
	  .sees = SEES_NOMEM },
	{ "enqueue 1, the first", setup_put_first, NULL, check_put,
	  .sees = SEES_NOMEM },
	{ "enqueue 70", setup_put_some, NULL, check_put,
	  .sees = SEES_NOMEM | SEES_FAULT },
	{ "enqueue 60, into a second block", setup_put_next, NULL, check_put,
	  .sees = SEES_NOMEM | SEES_FAULT },
	{ "enqueue 1000, some blocks", setup_put_blocks, NULL, check_put,
	  .sees = SEES_NOMEM | SEES_FAULT },
	{ "enqueue 17000", setup_put_many, NULL, check_put,
	  .sees = SEES_NOMEM | SEES_FAULT },
	{ "enqueue 1000, no room", setup_put_full, NULL, check_put,
	  .sees = SEES_NOMEM | SEES_FAULT, .result = -EAGAIN },
	{ "dequeue 1", setup_take_one, NULL, check_take },
	{ "dequeue 50", setup_take_some, NULL, check_take,
	  .sees = SEES_NOMEM | SEES_FAULT },
	{ "dequeue 90, may wait", setup_take_waits, NULL, check_take,
	  .sees = SEES_NOMEM | SEES_FAULT },
	/* Large buffers come from somewhere else then. */
	{ "dequeue 17000", setup_take_many, NULL, check_take,
	  .sees = SEES_FAULT, .hidden = true },
	{ "dequeue, nothing there", setup_take_none, NULL, check_take,
	  .sees = SEES_NOMEM, .result = -EAGAIN },
	{ "dequeue, nothing comes", setup_take_late, NULL, check_take,
	  .sees = SEES_NOMEM, .result = -ETIMEDOUT },
	{ "dequeue 1 to a bad address", setup_back_one, NULL, check_take,
	  .result = -EFAULT },
	{ "dequeue 50 to a bad address", setup_back_some, NULL, check_take,
	  .sees = SEES_NOMEM, .result = -EFAULT },
	{ "dequeue 1900 to a bad address", setup_back_pages, NULL, check_take,
	  .result = -EFAULT, .hidden = true },
	{}
};
