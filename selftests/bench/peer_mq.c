// SPDX-License-Identifier: GPL-2.0
/*
 * A POSIX message queue
 *
 * As many messages as it can have at most, 65,536, which takes root. It has no
 * bulk, but a message may be as long as one; then there are fewer.
 */
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "loops.h"

#define MQ_ROOM 65536

struct end {
	mqd_t mq;
};

static void *mq_open_channel(const struct load *load)
{
	struct rlimit unlimited = { RLIM_INFINITY, RLIM_INFINITY };
	struct mq_attr attr = { .mq_msgsize = load->bulk * sizeof(uint64_t) };
	struct end *end = alloc(sizeof(*end));
	int flags = O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC;
	char name[32];

	if (load->kind == KIND_POLL || load->kind == KIND_MEMORY)
		flags |= O_NONBLOCK;
	setrlimit(RLIMIT_MSGQUEUE, &unlimited);
	snprintf(name, sizeof(name), "/mpmc-bench-%d", getpid());
	attr.mq_maxmsg = MQ_ROOM / (load->kind == KIND_STREAM ? load->bulk : 1);
	end->mq = mq_open(name, flags, 0600, &attr);
	if (end->mq < 0) { /* as many as anybody may have */
		attr.mq_maxmsg = 10;
		end->mq = mq_open(name, flags, 0600, &attr);
	}
	if (end->mq < 0)
		die_errno("creating a POSIX message queue");
	mq_unlink(name);
	return end;
}

static void mq_close_channel(void *channel)
{
	struct end *end = channel;

	mq_close(end->mq);
	free(end);
}

static void *mq_attach(void *channel, bool sends)
{
	(void)sends;
	return channel;
}

static void mq_detach(void *end)
{
	(void)end;
}

ALWAYS_INLINE size_t mq_send_bulk(void *arg, const uint64_t *items, size_t n)
{
	struct end *end = arg;

	if (!mq_send(end->mq, (const char *)items, n * sizeof(*items), 0))
		return n;
	if (errno != EAGAIN)
		die_errno("mq_send");
	return 0;
}

ALWAYS_INLINE size_t mq_receive_bulk(void *arg, uint64_t *items, size_t max)
{
	struct end *end = arg;
	ssize_t bytes = mq_receive(end->mq, (char *)items, max * sizeof(*items),
				   NULL);

	if (bytes > 0)
		return bytes / sizeof(*items);
	if (errno != EAGAIN)
		die_errno("mq_receive");
	return 0;
}

ALWAYS_INLINE bool mq_send_one(void *end, uint64_t item)
{
	return mq_send_bulk(end, &item, 1);
}

ALWAYS_INLINE bool mq_receive_one(void *end, uint64_t *item)
{
	return mq_receive_bulk(end, item, 1);
}

LOOP static void mq_send_side(void *end, struct side *side)
{
	send_all(end, side, mq_send_one, mq_send_bulk);
}

LOOP static void mq_receive_side(void *end, struct side *side)
{
	receive_all(end, side, mq_receive_one, mq_receive_bulk);
}

static void mq_put(void *end, uint64_t item)
{
	mq_send_one(end, item);
}

static uint64_t mq_get(void *end)
{
	uint64_t item;

	mq_receive_one(end, &item);
	return item;
}

static bool mq_try_put(void *end, uint64_t item)
{
	return mq_send_one(end, item);
}

static bool mq_try_get(void *end, uint64_t *item)
{
	return mq_receive_one(end, item);
}

LOOP static uint64_t mq_poll(void *end, uint64_t times)
{
	return poll_times(end, times, mq_receive_one);
}

const struct peer mq_peer = {
	.name = "mq",
	.title = "POSIX message queue",
	.how = "65,536 messages; a bulk is one; sleeps",
	.kinds = KINDS_ALL,
	.open = mq_open_channel,
	.close = mq_close_channel,
	.attach = mq_attach,
	.detach = mq_detach,
	.send = mq_send_side,
	.receive = mq_receive_side,
	.put = mq_put,
	.get = mq_get,
	.try_put = mq_try_put,
	.try_get = mq_try_get,
	.poll = mq_poll,
};
