// SPDX-License-Identifier: GPL-2.0
/*
 * A pair of UNIX sockets that keep packets apart (SOCK_SEQPACKET)
 *
 * A bulk is one packet. Each packet takes some 800 bytes of the buffer beside
 * what is in it, so the buffer is made large, which takes root.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "loops.h"

#define BUFFER (8 << 20)

struct pair {
	int fd[2];
};

struct end {
	int fd;
};

static void *socket_open(const struct load *load)
{
	struct pair *pair = alloc(sizeof(*pair));
	int type = SOCK_SEQPACKET | SOCK_CLOEXEC, size = BUFFER;

	if (load->kind == KIND_POLL || load->kind == KIND_MEMORY)
		type |= SOCK_NONBLOCK;
	if (socketpair(AF_UNIX, type, 0, pair->fd))
		die_errno("creating a pair of sockets");
	/* With less room if it is not allowed so much. */
	if (setsockopt(pair->fd[1], SOL_SOCKET, SO_SNDBUFFORCE, &size,
		       sizeof(size)))
		setsockopt(pair->fd[1], SOL_SOCKET, SO_SNDBUF, &size,
			   sizeof(size));
	return pair;
}

static void socket_close(void *channel)
{
	struct pair *pair = channel;

	close(pair->fd[0]);
	close(pair->fd[1]);
	free(pair);
}

static void *socket_attach(void *channel, bool sends)
{
	struct pair *pair = channel;

	return &pair->fd[sends];
}

static void socket_detach(void *end)
{
	(void)end;
}

ALWAYS_INLINE size_t socket_send_bulk(void *arg, const uint64_t *items,
				      size_t n)
{
	struct end *end = arg;
	ssize_t bytes = send(end->fd, items, n * sizeof(*items), 0);

	if (bytes < 0 && errno == EAGAIN)
		return 0;
	if (bytes <= 0 || bytes % sizeof(*items))
		die_errno("sending to a socket");
	return bytes / sizeof(*items);
}

ALWAYS_INLINE size_t socket_receive_bulk(void *arg, uint64_t *items, size_t max)
{
	struct end *end = arg;
	ssize_t bytes = recv(end->fd, items, max * sizeof(*items), 0);

	if (bytes < 0 && errno == EAGAIN)
		return 0;
	if (bytes <= 0 || bytes % sizeof(*items))
		die_errno("receiving from a socket");
	return bytes / sizeof(*items);
}

ALWAYS_INLINE bool socket_send_one(void *end, uint64_t item)
{
	return socket_send_bulk(end, &item, 1);
}

ALWAYS_INLINE bool socket_receive_one(void *end, uint64_t *item)
{
	return socket_receive_bulk(end, item, 1);
}

LOOP static void socket_send(void *end, struct side *side)
{
	send_all(end, side, socket_send_one, socket_send_bulk);
}

LOOP static void socket_receive(void *end, struct side *side)
{
	receive_all(end, side, socket_receive_one, socket_receive_bulk);
}

static void socket_put(void *end, uint64_t item)
{
	socket_send_one(end, item);
}

static uint64_t socket_get(void *end)
{
	uint64_t item;

	socket_receive_one(end, &item);
	return item;
}

static bool socket_try_put(void *end, uint64_t item)
{
	return socket_send_one(end, item);
}

static bool socket_try_get(void *end, uint64_t *item)
{
	return socket_receive_one(end, item);
}

LOOP static uint64_t socket_poll(void *end, uint64_t times)
{
	return poll_times(end, times, socket_receive_one);
}

const struct peer seqpacket_peer = {
	.name = "seqpacket",
	.title = "socket, SEQPACKET",
	.how = "8 MiB buffer; sleeps",
	.kinds = KINDS_ALL,
	.open = socket_open,
	.close = socket_close,
	.attach = socket_attach,
	.detach = socket_detach,
	.send = socket_send,
	.receive = socket_receive,
	.put = socket_put,
	.get = socket_get,
	.try_put = socket_try_put,
	.try_get = socket_try_get,
	.poll = socket_poll,
};
