// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * What is compared: a queue, a queue with tokens, a pipe, a POSIX message queue
 *
 * Each has about the same room, as far as the system grants it, so that none
 * sleeps more often than the others.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "bench.h"
#include "common.h"

#define ROOM 131072 /* items: 1 MiB, the largest a pipe can be by default */
#define MQ_ROOM 65536 /* the largest a message queue can be */

/* --- A queue --- */

static int queue_open(struct channel *channel)
{
	struct mpmc_queue_opts opts = { .capacity = ROOM };

	return mpmc_queue_create(&channel->queue, &opts);
}

static void queue_close(struct channel *channel)
{
	mpmc_queue_destroy(channel->queue);
}

static unsigned long long queue_room(const struct channel *channel)
{
	struct mpmc_stat stat = { .size = sizeof(stat) };

	check(mpmc_queue_stat(channel->queue, &stat), "looking");
	return stat.capacity;
}

static int queue_send(struct end *end, uint64_t item)
{
	int ret = mpmc_enqueue_wait(end->channel->queue, item, NULL);

	return ret ? ret : 1;
}

static int queue_receive(struct end *end, uint64_t *item)
{
	int ret = mpmc_dequeue_wait(end->channel->queue, item, NULL);

	return ret ? ret : 1;
}

static int queue_send_bulk(struct end *end, const uint64_t *items, size_t n)
{
	int ret = mpmc_enqueue_bulk_wait(end->channel->queue, items, n, NULL);

	return ret ? ret : (int)n;
}

static int queue_receive_bulk(struct end *end, uint64_t *items, size_t max)
{
	return mpmc_dequeue_bulk_wait(end->channel->queue, items, max, NULL);
}

const struct peer queue_peer = {
	.name = "queue",
	.open = queue_open,
	.close = queue_close,
	.room = queue_room,
	.send = queue_send,
	.receive = queue_receive,
	.send_bulk = queue_send_bulk,
	.receive_bulk = queue_receive_bulk,
};

/* --- A queue with tokens --- */

static int token_open_sender(struct end *end)
{
	return mpmc_producer_create(&end->producer, end->channel->queue, NULL);
}

static int token_open_receiver(struct end *end)
{
	return mpmc_consumer_create(&end->consumer, end->channel->queue, NULL);
}

static void token_close_end(struct end *end)
{
	mpmc_producer_destroy(end->producer);
	mpmc_consumer_destroy(end->consumer);
}

static int token_send(struct end *end, uint64_t item)
{
	int ret = mpmc_producer_enqueue_wait(end->producer, item, NULL);

	return ret ? ret : 1;
}

static int token_receive(struct end *end, uint64_t *item)
{
	int ret = mpmc_consumer_dequeue_wait(end->consumer, item, NULL);

	return ret ? ret : 1;
}

static int token_send_bulk(struct end *end, const uint64_t *items, size_t n)
{
	int ret = mpmc_producer_enqueue_bulk_wait(end->producer, items, n,
						  NULL);

	return ret ? ret : (int)n;
}

static int token_receive_bulk(struct end *end, uint64_t *items, size_t max)
{
	return mpmc_consumer_dequeue_bulk_wait(end->consumer, items, max,
					       NULL);
}

const struct peer token_peer = {
	.name = "queue, tokens",
	.open = queue_open,
	.close = queue_close,
	.room = queue_room,
	.open_sender = token_open_sender,
	.open_receiver = token_open_receiver,
	.close_end = token_close_end,
	.send = token_send,
	.receive = token_receive,
	.send_bulk = token_send_bulk,
	.receive_bulk = token_receive_bulk,
};

/* --- A pipe --- */

static unsigned long long pipe_room(const struct channel *channel)
{
	int bytes = fcntl(channel->pipe[1], F_GETPIPE_SZ);

	if (bytes < 0)
		die_errno("looking at a pipe");
	return bytes / sizeof(uint64_t);
}

static int pipe_open(struct channel *channel)
{
	if (pipe2(channel->pipe, O_CLOEXEC))
		die_errno("creating a pipe");
	/* With less room if it is not allowed so much. */
	fcntl(channel->pipe[1], F_SETPIPE_SZ, ROOM * sizeof(uint64_t));
	/* One thread that writes and reads in turn would wait for itself. */
	if (pipe_room(channel) < BULK) {
		fprintf(stderr, "performance_benchmark: pipes are too small "
				"(see fs.pipe-user-pages-soft in proc(5))\n");
		exit(EXIT_FAILURE);
	}
	return 0;
}

static void pipe_close(struct channel *channel)
{
	close(channel->pipe[0]);
	close(channel->pipe[1]);
}

static int pipe_send_bulk(struct end *end, const uint64_t *items, size_t n)
{
	ssize_t bytes = n * sizeof(*items);

	if (write(end->channel->pipe[1], items, bytes) != bytes)
		die_errno("writing to a pipe");
	return n;
}

static int pipe_receive_bulk(struct end *end, uint64_t *items, size_t max)
{
	ssize_t bytes = read(end->channel->pipe[0], items,
			     max * sizeof(*items));

	if (bytes <= 0 || bytes % sizeof(*items))
		die_errno("reading from a pipe");
	return bytes / sizeof(*items);
}

static int pipe_send(struct end *end, uint64_t item)
{
	return pipe_send_bulk(end, &item, 1);
}

static int pipe_receive(struct end *end, uint64_t *item)
{
	return pipe_receive_bulk(end, item, 1);
}

const struct peer pipe_peer = {
	.name = "pipe",
	.open = pipe_open,
	.close = pipe_close,
	.room = pipe_room,
	.send = pipe_send,
	.receive = pipe_receive,
	.send_bulk = pipe_send_bulk,
	.receive_bulk = pipe_receive_bulk,
};

/* --- A POSIX message queue --- */

static int mq_open_channel(struct channel *channel)
{
	struct rlimit unlimited = { RLIM_INFINITY, RLIM_INFINITY };
	struct mq_attr attr = { .mq_msgsize = sizeof(uint64_t) };
	char name[32];

	setrlimit(RLIMIT_MSGQUEUE, &unlimited);
	snprintf(name, sizeof(name), "/mpmc-benchmark-%d", getpid());
	/* With less room if it is not allowed so much; 10 always is. */
	for (attr.mq_maxmsg = MQ_ROOM; attr.mq_maxmsg;
	     attr.mq_maxmsg = attr.mq_maxmsg > 10 ? 10 : 0) {
		channel->mq = mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600,
				      &attr);
		if (channel->mq >= 0)
			break;
	}
	if (channel->mq < 0)
		die_errno("creating a POSIX message queue");
	mq_unlink(name);
	return 0;
}

static void mq_close_channel(struct channel *channel)
{
	mq_close(channel->mq);
}

static unsigned long long mq_room(const struct channel *channel)
{
	struct mq_attr attr;

	if (mq_getattr(channel->mq, &attr))
		die_errno("looking at a POSIX message queue");
	return attr.mq_maxmsg;
}

static int mq_send_item(struct end *end, uint64_t item)
{
	if (mq_send(end->channel->mq, (const char *)&item, sizeof(item), 0))
		die_errno("mq_send");
	return 1;
}

static int mq_receive_item(struct end *end, uint64_t *item)
{
	if (mq_receive(end->channel->mq, (char *)item, sizeof(*item), NULL) < 0)
		die_errno("mq_receive");
	return 1;
}

const struct peer mq_peer = {
	.name = "POSIX message queue",
	.open = mq_open_channel,
	.close = mq_close_channel,
	.room = mq_room,
	.send = mq_send_item,
	.receive = mq_receive_item,
};
