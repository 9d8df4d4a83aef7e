// SPDX-License-Identifier: GPL-2.0
/* Scenes of queues that are read and written as a pipe is. */
#include "walk.h"

static void setup_nonblock(struct world *w)
{
	must(fcntl(w->queue, F_SETFL, O_RDWR | O_NONBLOCK) == 0);
}

static long items_of(struct world *w, ssize_t bytes)
{
	if (bytes < 0)
		return -errno;
	right(w, bytes % sizeof(__u64) == 0);
	return bytes / sizeof(__u64);
}

/* --- Read --- */

static void will_read(struct world *w, __u32 count)
{
	w->count = count;
	w->buffer_size = count * sizeof(w->buffer[0]);
}

static void setup_read_one(struct world *w)
{
	world_queue(w, 100, 0);
	world_put(w, SOURCE_QUEUE, 20);
	will_read(w, 1);
}

static void setup_read_some(struct world *w)
{
	world_queue(w, 100, 0);
	world_put(w, SOURCE_QUEUE, 90);
	will_read(w, 70);
}

static void setup_read_many(struct world *w)
{
	world_queue(w, MANY, 0);
	world_put(w, SOURCE_QUEUE, MANY);
	will_read(w, MANY);
}

static void setup_read_none(struct world *w)
{
	world_queue(w, 100, 0);
	setup_nonblock(w);
}

static long call_read(struct world *w)
{
	return items_of(w, read(w->queue, w->at_buffer.data, w->buffer_size));
}

/* Nothing is written, so that there is no address that is bad. */
static long call_read_none(struct world *w)
{
	return items_of(w, read(w->queue, w->buffer, sizeof(w->buffer)));
}

/* --- Write --- */

static void will_write(struct world *w, __u32 count)
{
	world_offer(w, SOURCE_QUEUE, count);
	w->buffer_size = count * sizeof(w->buffer[0]);
	w->produces = true;
}

static void setup_write_some(struct world *w)
{
	world_queue(w, 100, 0);
	will_write(w, 70);
}

static void setup_write_many(struct world *w)
{
	world_queue(w, MANY, 0);
	will_write(w, MANY);
}

static void setup_write_room(struct world *w)
{
	world_queue(w, 100, 0);
	world_put(w, SOURCE_QUEUE, 50);
	setup_nonblock(w);
	will_write(w, 70);
}

static void setup_write_full(struct world *w)
{
	world_queue(w, 100, 0);
	world_put(w, SOURCE_QUEUE, 100);
	setup_nonblock(w);
	will_write(w, 70);
}

static long call_write(struct world *w)
{
	return items_of(w, write(w->queue, w->at_buffer.data, w->buffer_size));
}

/* Fewer than were offered may have been put: the first of them. */
static void check_write(struct world *w, long ret)
{
	if (ret < 0)
		return;
	right(w, ret > 0 && ret <= (long)w->count);
	w->count = ret;
	world_accepted(w);
}

const struct scene stream_scenes[] = {
	{ "read 1", setup_read_one, call_read, check_take, .sees = SEES_FAULT },
	{ "read 70", setup_read_some, call_read, check_take,
	  .sees = SEES_NOMEM | SEES_FAULT },
	/* Large buffers come from somewhere else then. */
	{ "read 17000", setup_read_many, call_read, check_take,
	  .sees = SEES_FAULT, .hidden = true },
	{ "read, nothing there", setup_read_none, call_read_none, NULL,
	  .sees = SEES_NOMEM, .result = -EAGAIN },
	{ "write 70", setup_write_some, call_write, check_write,
	  .sees = SEES_NOMEM | SEES_FAULT },
	{ "write 17000", setup_write_many, call_write, check_write,
	  .sees = SEES_NOMEM | SEES_FAULT, .hidden = true },
	{ "write 70, room for 50", setup_write_room, call_write, check_write,
	  .sees = SEES_NOMEM | SEES_FAULT },
	{ "write, no room", setup_write_full, call_write, check_write,
	  .sees = SEES_NOMEM | SEES_FAULT, .result = -EAGAIN },
	{}
};
