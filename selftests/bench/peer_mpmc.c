// SPDX-License-Identifier: GPL-2.0
/*
 * /dev/mpmc: a queue, tokens by system calls, mapped tokens
 *
 * The calls of a queue and of tokens that are not mapped are system calls
 * either way, so they wait in the kernel. Mapped tokens are measured in both
 * ways: by those who look again, and by those who sleep.
 */
#include <errno.h>
#include <stdlib.h>

#include <mpmc.h>

#include "loops.h"

struct end {
	struct mpmc_queue *queue;
	struct mpmc_producer *producer;
	struct mpmc_consumer *consumer;
};

static void *queue_open(const struct load *load)
{
	struct mpmc_queue_opts opts = { .capacity = ROOM };
	struct mpmc_queue *queue;

	(void)load;
	check(mpmc_queue_create(&queue, &opts), "creating a queue");
	return queue;
}

static void queue_close(void *channel)
{
	mpmc_queue_destroy(channel);
}

static void *queue_attach(void *channel, bool sends)
{
	struct end *end = alloc(sizeof(*end));

	(void)sends;
	end->queue = channel;
	return end;
}

static void end_detach(void *arg)
{
	struct end *end = arg;

	mpmc_producer_destroy(end->producer);
	mpmc_consumer_destroy(end->consumer);
	free(end);
}

static struct end *token_create(void *channel, bool sends, unsigned int flags)
{
	struct mpmc_token_opts opts = { .flags = flags };
	struct end *end = queue_attach(channel, sends);

	if (sends)
		check(mpmc_producer_create(&end->producer, channel, &opts),
		      "creating a producer token");
	else
		check(mpmc_consumer_create(&end->consumer, channel, &opts),
		      "creating a consumer token");
	return end;
}

static void *token_attach(void *channel, bool sends)
{
	return token_create(channel, sends, MPMC_OPT_UNMAPPED);
}

static void *mapped_attach(void *channel, bool sends)
{
	return token_create(channel, sends, 0);
}

/* Whether it was done; not, when there was nothing or no room. */
static inline bool done(int ret, const char *doing)
{
	if (ret == -EAGAIN)
		return false;
	check(ret, doing);
	return true;
}

/* --- A queue --- */

ALWAYS_INLINE bool queue_send_one(void *arg, uint64_t item)
{
	struct end *end = arg;

	check(mpmc_enqueue_wait(end->queue, item, NULL), "sending");
	return true;
}

ALWAYS_INLINE size_t queue_send_bulk(void *arg, const uint64_t *items, size_t n)
{
	struct end *end = arg;

	check(mpmc_enqueue_bulk_wait(end->queue, items, n, NULL), "sending");
	return n;
}

ALWAYS_INLINE bool queue_receive_one(void *arg, uint64_t *item)
{
	struct end *end = arg;

	check(mpmc_dequeue_wait(end->queue, item, NULL), "receiving");
	return true;
}

ALWAYS_INLINE size_t queue_receive_bulk(void *arg, uint64_t *items, size_t max)
{
	struct end *end = arg;
	ssize_t n = mpmc_dequeue_bulk_wait(end->queue, items, max, NULL);

	check(n, "receiving");
	return n;
}

LOOP static void queue_send(void *end, struct side *side)
{
	send_all(end, side, queue_send_one, queue_send_bulk);
}

LOOP static void queue_receive(void *end, struct side *side)
{
	receive_all(end, side, queue_receive_one, queue_receive_bulk);
}

static void queue_put(void *end, uint64_t item)
{
	queue_send_one(end, item);
}

static uint64_t queue_get(void *end)
{
	uint64_t item;

	queue_receive_one(end, &item);
	return item;
}

static bool queue_try_put(void *arg, uint64_t item)
{
	struct end *end = arg;

	return done(mpmc_try_enqueue(end->queue, item), "sending");
}

static inline bool queue_try_get(void *arg, uint64_t *item)
{
	struct end *end = arg;

	return done(mpmc_try_dequeue(end->queue, item), "receiving");
}

LOOP static uint64_t queue_poll(void *end, uint64_t times)
{
	return poll_times(end, times, queue_try_get);
}

const struct peer queue_peer = {
	.name = "queue",
	.title = "mpmc queue",
	.how = "no token; waits in the call",
	.kinds = KINDS_ALL,
	.open = queue_open,
	.close = queue_close,
	.attach = queue_attach,
	.detach = end_detach,
	.send = queue_send,
	.receive = queue_receive,
	.put = queue_put,
	.get = queue_get,
	.try_put = queue_try_put,
	.try_get = queue_try_get,
	.poll = queue_poll,
};

/* --- Tokens --- */

ALWAYS_INLINE bool token_send_one(void *arg, uint64_t item)
{
	struct end *end = arg;

	check(mpmc_producer_enqueue_wait(end->producer, item, NULL), "sending");
	return true;
}

ALWAYS_INLINE size_t token_send_bulk(void *arg, const uint64_t *items, size_t n)
{
	struct end *end = arg;

	check(mpmc_producer_enqueue_bulk_wait(end->producer, items, n, NULL),
	      "sending");
	return n;
}

ALWAYS_INLINE bool token_receive_one(void *arg, uint64_t *item)
{
	struct end *end = arg;

	check(mpmc_consumer_dequeue_wait(end->consumer, item, NULL),
	      "receiving");
	return true;
}

ALWAYS_INLINE size_t token_receive_bulk(void *arg, uint64_t *items, size_t max)
{
	struct end *end = arg;
	ssize_t n = mpmc_consumer_dequeue_bulk_wait(end->consumer, items, max,
						    NULL);

	check(n, "receiving");
	return n;
}

LOOP static void token_send(void *end, struct side *side)
{
	send_all(end, side, token_send_one, token_send_bulk);
}

LOOP static void token_receive(void *end, struct side *side)
{
	receive_all(end, side, token_receive_one, token_receive_bulk);
}

static void token_put(void *end, uint64_t item)
{
	token_send_one(end, item);
}

static uint64_t token_get(void *end)
{
	uint64_t item;

	token_receive_one(end, &item);
	return item;
}

ALWAYS_INLINE bool token_try_put(void *arg, uint64_t item)
{
	struct end *end = arg;

	return done(mpmc_producer_try_enqueue(end->producer, item), "sending");
}

ALWAYS_INLINE bool token_try_get(void *arg, uint64_t *item)
{
	struct end *end = arg;

	return done(mpmc_consumer_try_dequeue(end->consumer, item),
		    "receiving");
}

LOOP static uint64_t token_poll(void *end, uint64_t times)
{
	return poll_times(end, times, token_try_get);
}

const struct peer token_peer = {
	.name = "token",
	.title = "mpmc token",
	.how = "by system calls; waits in the call",
	.kinds = KINDS_ALL,
	.open = queue_open,
	.close = queue_close,
	.attach = token_attach,
	.detach = end_detach,
	.send = token_send,
	.receive = token_receive,
	.put = token_put,
	.get = token_get,
	.try_put = token_try_put,
	.try_get = token_try_get,
	.poll = token_poll,
};

/* --- Mapped tokens, by those who look again --- */

ALWAYS_INLINE size_t mapped_send_bulk(void *arg, const uint64_t *items,
				      size_t n)
{
	struct end *end = arg;

	return done(mpmc_producer_try_enqueue_bulk(end->producer, items, n),
		    "sending") ? n : 0;
}

ALWAYS_INLINE size_t mapped_receive_bulk(void *arg, uint64_t *items, size_t max)
{
	struct end *end = arg;
	ssize_t n = mpmc_consumer_try_dequeue_bulk(end->consumer, items, max);

	check(n, "receiving");
	return n;
}

LOOP static void mapped_send(void *end, struct side *side)
{
	send_all(end, side, token_try_put, mapped_send_bulk);
}

LOOP static void mapped_receive(void *end, struct side *side)
{
	receive_all(end, side, token_try_get, mapped_receive_bulk);
}

const struct peer mapped_peer = {
	.name = "mapped",
	.title = "mpmc mapped token",
	.how = "tries, looks again",
	.kinds = KINDS_ALL & ~KIND_BIT(KIND_LATENCY),
	.open = queue_open,
	.close = queue_close,
	.attach = mapped_attach,
	.detach = end_detach,
	.send = mapped_send,
	.receive = mapped_receive,
	.put = token_put,
	.get = token_get,
	.try_put = token_try_put,
	.try_get = token_try_get,
	.poll = token_poll,
};

/* --- Mapped tokens, by those who sleep --- */

const struct peer mapped_wait_peer = {
	.name = "mapped-wait",
	.title = "mpmc mapped token, waits",
	.how = "waits in the call",
	.kinds = KIND_BIT(KIND_STREAM) | KIND_BIT(KIND_LATENCY),
	.open = queue_open,
	.close = queue_close,
	.attach = mapped_attach,
	.detach = end_detach,
	.send = token_send,
	.receive = token_receive,
	.put = token_put,
	.get = token_get,
};

/* --- Looking, then committing --- */

ALWAYS_INLINE bool peek_receive_one(void *arg, uint64_t *item)
{
	struct end *end = arg;
	struct mpmc_item peeked;
	ssize_t n = mpmc_consumer_peek(end->consumer, &peeked, 1);

	check(n, "looking");
	if (!n)
		return false;
	*item = peeked.value;
	check(mpmc_consumer_commit(end->consumer, 1), "committing");
	return true;
}

/* Not receive_bulks(): the items are larger here, and stay where they are. */
static void peek_receive_bulks(struct end *end, struct side *side)
{
	struct mpmc_item items[BULK_MAX];
	uint64_t sum = 0, count = 0, stamp = side->stamp_every;
	unsigned int tries = 0;
	ssize_t n, i, last;

	do {
		while (!(n = mpmc_consumer_peek(end->consumer, items,
						side->bulk)))
			backoff(&tries);
		check(n, "looking");
		tries = 0;
		last = items[n - 1].value == LAST;
#pragma GCC unroll 8
		for (i = 0; i < n - last; i++)
			sum += items[i].value;
		check(mpmc_consumer_commit(end->consumer, n), "committing");
		count += n - last;
		side_counts(side, count, &stamp);
	} while (!last);
	side->sum = sum;
}

LOOP static void peek_receive(void *end, struct side *side)
{
	if (side->bulk == 1)
		receive_ones(end, side, peek_receive_one);
	else
		peek_receive_bulks(end, side);
}

const struct peer peek_peer = {
	.name = "peek",
	.title = "mpmc mapped token, peek + commit",
	.how = "at least once; looks again",
	.kinds = KIND_BIT(KIND_STREAM) | KIND_BIT(KIND_DRAIN),
	.open = queue_open,
	.close = queue_close,
	.attach = mapped_attach,
	.detach = end_detach,
	.send = mapped_send,
	.receive = peek_receive,
	.put = token_put,
	.try_put = token_try_put,
};
