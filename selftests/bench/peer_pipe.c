// SPDX-License-Identifier: GPL-2.0
/*
 * Pipes, plain ones and those that keep packets apart (O_DIRECT)
 *
 * As large as any user may make them, 1 MiB, since a pipe that is full or empty
 * less often sleeps less often. A bulk is one write; beyond 512 items
 * (PIPE_BUF) those of several writers may come in between, which is not held
 * against it. A packet has a page of its own, so there is room for 256.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "loops.h"

struct pipe {
	int fd[2];
};

struct end {
	int fd;
};

static void *open_pipe(const struct load *load, int flags)
{
	struct pipe *pipe = alloc(sizeof(*pipe));

	if (load->kind == KIND_POLL || load->kind == KIND_MEMORY)
		flags |= O_NONBLOCK;
	if (pipe2(pipe->fd, O_CLOEXEC | flags))
		die_errno("creating a pipe");
	/* With less room if it is not allowed so much. */
	fcntl(pipe->fd[1], F_SETPIPE_SZ, ROOM * sizeof(uint64_t));
	return pipe;
}

static void *pipe_open(const struct load *load)
{
	return open_pipe(load, 0);
}

static void *pipe_direct_open(const struct load *load)
{
	return open_pipe(load, O_DIRECT);
}

static void pipe_close(void *channel)
{
	struct pipe *pipe = channel;

	close(pipe->fd[0]);
	close(pipe->fd[1]);
	free(pipe);
}

static void *pipe_attach(void *channel, bool sends)
{
	struct pipe *pipe = channel;

	return &pipe->fd[sends];
}

static void pipe_detach(void *end)
{
	(void)end;
}

ALWAYS_INLINE size_t pipe_send_bulk(void *arg, const uint64_t *items, size_t n)
{
	struct end *end = arg;
	ssize_t bytes = write(end->fd, items, n * sizeof(*items));

	if (bytes < 0 && errno == EAGAIN)
		return 0;
	if (bytes <= 0 || bytes % sizeof(*items))
		die_errno("writing to a pipe");
	return bytes / sizeof(*items);
}

ALWAYS_INLINE size_t pipe_receive_bulk(void *arg, uint64_t *items, size_t max)
{
	struct end *end = arg;
	ssize_t bytes = read(end->fd, items, max * sizeof(*items));

	if (bytes < 0 && errno == EAGAIN)
		return 0;
	if (bytes <= 0 || bytes % sizeof(*items))
		die_errno("reading from a pipe");
	return bytes / sizeof(*items);
}

ALWAYS_INLINE bool pipe_send_one(void *end, uint64_t item)
{
	return pipe_send_bulk(end, &item, 1);
}

ALWAYS_INLINE bool pipe_receive_one(void *end, uint64_t *item)
{
	return pipe_receive_bulk(end, item, 1);
}

LOOP static void pipe_send(void *end, struct side *side)
{
	send_all(end, side, pipe_send_one, pipe_send_bulk);
}

LOOP static void pipe_receive(void *end, struct side *side)
{
	receive_all(end, side, pipe_receive_one, pipe_receive_bulk);
}

static void pipe_put(void *end, uint64_t item)
{
	pipe_send_one(end, item);
}

static uint64_t pipe_get(void *end)
{
	uint64_t item;

	pipe_receive_one(end, &item);
	return item;
}

static bool pipe_try_put(void *end, uint64_t item)
{
	return pipe_send_one(end, item);
}

static bool pipe_try_get(void *end, uint64_t *item)
{
	return pipe_receive_one(end, item);
}

LOOP static uint64_t pipe_poll(void *end, uint64_t times)
{
	return poll_times(end, times, pipe_receive_one);
}

const struct peer pipe_peer = {
	.name = "pipe",
	.title = "pipe",
	.how = "1 MiB; sleeps",
	.kinds = KINDS_ALL,
	.open = pipe_open,
	.close = pipe_close,
	.attach = pipe_attach,
	.detach = pipe_detach,
	.send = pipe_send,
	.receive = pipe_receive,
	.put = pipe_put,
	.get = pipe_get,
	.try_put = pipe_try_put,
	.try_get = pipe_try_get,
	.poll = pipe_poll,
};

const struct peer pipe_direct_peer = {
	.name = "pipe-direct",
	.title = "pipe, O_DIRECT",
	.how = "1 MiB; sleeps",
	.kinds = KINDS_ALL & ~KIND_BIT(KIND_DRAIN),
	.open = pipe_direct_open,
	.close = pipe_close,
	.attach = pipe_attach,
	.detach = pipe_detach,
	.send = pipe_send,
	.receive = pipe_receive,
	.put = pipe_put,
	.get = pipe_get,
	.try_put = pipe_try_put,
	.try_get = pipe_try_get,
	.poll = pipe_poll,
};
