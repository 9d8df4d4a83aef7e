// SPDX-License-Identifier: GPL-2.0
/* Scenes of poll, epoll and fdinfo. */
#include <sys/epoll.h>

#include "walk.h"

#define POLLED 40 /* more than poll() has places for on its stack */

static void setup_fds(struct world *w, int fd, short events)
{
	struct pollfd *fds = (struct pollfd *)w->buffer;
	int i;

	for (i = 0; i < POLLED; i++)
		fds[i] = (struct pollfd){ .fd = fd, .events = events };
	w->buffer_size = POLLED * sizeof(*fds);
}

static void setup_queue(struct world *w)
{
	world_queue(w, 10, 0);
	setup_fds(w, w->queue, POLLIN | POLLOUT);
	w->count = POLLOUT;
}

static void setup_producer(struct world *w)
{
	world_queue(w, 10, 0);
	world_producer(w, 4);
	setup_fds(w, w->token, POLLIN | POLLOUT);
	w->count = POLLOUT;
}

static void setup_consumer(struct world *w)
{
	world_queue(w, 10, 0);
	world_put(w, SOURCE_QUEUE, 1);
	world_consumer(w, 4);
	setup_fds(w, w->token, POLLIN | POLLOUT);
	w->count = POLLIN;
}

static long call_poll(struct world *w)
{
	int ret = poll(w->at_buffer.data, POLLED, 0);

	return ret < 0 ? -errno : ret;
}

static void check_poll(struct world *w, long ret)
{
	const struct pollfd *fds = w->at_buffer.data;

	if (ret >= 0)
		right(w, ret == POLLED && fds[0].revents == (int)w->count);
}

/* Whoever waits, if it is not there yet. */
static void setup_epoll(struct world *w)
{
	world_queue(w, 10, 0);
	world_consumer(w, 4);
	w->other = epoll_create1(EPOLL_CLOEXEC);
	must(w->other >= 0);
}

static long call_epoll(struct world *w)
{
	struct epoll_event event = { .events = EPOLLIN };

	return epoll_ctl(w->other, EPOLL_CTL_ADD, w->token, &event) ?
		       -errno : 0;
}

/* It is told when something comes, if and only if it was added. */
static void check_epoll(struct world *w, long ret)
{
	struct epoll_event event;

	world_put(w, SOURCE_QUEUE, 1);
	right(w, epoll_wait(w->other, &event, 1, 0) == !ret);
	if (ret) {
		__u64 item;

		right(w, deq(w->queue, &item) == 1);
		world_took(w, &item, 1);
	}
}

static void setup_fdinfo(struct world *w)
{
	world_queue(w, 10, 0);
	world_put(w, SOURCE_QUEUE, 2);
	world_consumer(w, 4);
	world_lease(w, 1);
}

static void open_fdinfo(struct world *w, int fd)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	w->other = open(path, O_RDONLY | O_CLOEXEC);
	must(w->other >= 0);
}

static void setup_fdinfo_queue(struct world *w)
{
	setup_fdinfo(w);
	open_fdinfo(w, w->queue);
}

static void setup_fdinfo_token(struct world *w)
{
	setup_fdinfo(w);
	open_fdinfo(w, w->token);
}

static long call_fdinfo(struct world *w)
{
	char text[1024];
	ssize_t len = read(w->other, text, sizeof(text));

	return len < 0 ? -errno : len;
}

const struct scene poll_scenes[] = {
	{ "queue: poll", setup_queue, call_poll, check_poll,
	  .sees = SEES_NOMEM | SEES_FAULT },
	{ "producer: poll", setup_producer, call_poll, check_poll,
	  .sees = SEES_NOMEM | SEES_FAULT },
	{ "consumer: poll", setup_consumer, call_poll, check_poll,
	  .sees = SEES_NOMEM | SEES_FAULT },
	{ "consumer: epoll", setup_epoll, call_epoll, check_epoll,
	  .sees = SEES_NOMEM | SEES_FAULT, .moves = true },
	{ "queue: fdinfo", setup_fdinfo_queue, call_fdinfo, NULL,
	  .sees = SEES_NOMEM | SEES_FAULT },
	{ "consumer: fdinfo", setup_fdinfo_token, call_fdinfo, NULL,
	  .sees = SEES_NOMEM | SEES_FAULT },
	{}
};
