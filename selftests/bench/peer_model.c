// SPDX-License-Identifier: GPL-2.0
/*
 * The model of the kernel path (model.h), as a peer: mapped tokens, and a queue
 * without tokens
 */
#include <stdlib.h>

#include "loops.h"
#include "model.h"

struct end {
	struct mpmc_producer *producer;
	struct mpmc_consumer *consumer;
	struct model_end *model;
};

static void model_close(void *channel)
{
	model_destroy(channel);
}

static void *end_attach(void *channel, bool sends)
{
	struct end *end = alloc(sizeof(*end));

	end->model = model_attach(channel, sends);
	end->producer = model_producer(end->model);
	end->consumer = model_consumer(end->model);
	return end;
}

static void end_detach(void *arg)
{
	struct end *end = arg;

	model_detach(end->model);
	free(end);
}

/* --- Mapped tokens --- */

ALWAYS_INLINE bool token_send_one(void *arg, uint64_t item)
{
	struct end *end = arg;

	return !mpmc_producer_try_enqueue(end->producer, item);
}

ALWAYS_INLINE size_t token_send_bulk(void *arg, const uint64_t *items, size_t n)
{
	struct end *end = arg;

	return mpmc_producer_try_enqueue_bulk(end->producer, items, n) ? 0 : n;
}

ALWAYS_INLINE bool token_receive_one(void *arg, uint64_t *item)
{
	struct end *end = arg;

	return !mpmc_consumer_try_dequeue(end->consumer, item);
}

ALWAYS_INLINE size_t token_receive_bulk(void *arg, uint64_t *items, size_t max)
{
	struct end *end = arg;

	return mpmc_consumer_try_dequeue_bulk(end->consumer, items, max);
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
	while (!token_send_one(end, item))
		sched_yield();
}

/* --- A queue without tokens --- */

ALWAYS_INLINE bool queue_send_one(void *arg, uint64_t item)
{
	struct end *end = arg;

	return model_put(end->model, &item, 1);
}

ALWAYS_INLINE size_t queue_send_bulk(void *arg, const uint64_t *items, size_t n)
{
	struct end *end = arg;

	return model_put(end->model, items, n);
}

ALWAYS_INLINE bool queue_receive_one(void *arg, uint64_t *item)
{
	struct end *end = arg;

	return model_get(end->model, item, 1);
}

ALWAYS_INLINE size_t queue_receive_bulk(void *arg, uint64_t *items, size_t max)
{
	struct end *end = arg;

	return model_get(end->model, items, max);
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
	while (!queue_send_one(end, item))
		sched_yield();
}

static void *queue_open(const struct load *load)
{
	static const struct model_policy none;

	return model_create(load, &none);
}

const struct peer model_queue_peer = {
	.name = "model-queue",
	.title = "model: queue",
	.how = "each call a null ioctl",
	.kinds = KIND_BIT(KIND_STREAM),
	.threads = true,
	.open = queue_open,
	.close = model_close,
	.attach = end_attach,
	.detach = end_detach,
	.send = queue_send,
	.receive = queue_receive,
	.put = queue_put,
};

/* --- The ways of refilling --- */

/*
 * The best of those that were tried: when the last refill brought some, this one
 * asks for 512, and if there are fewer, waits for a microsecond, and for another
 * as long as more comes. Where the consumer is faster that is up to twice as fast
 * as taking what is there at once, and else no slower. More and shorter pauses (8
 * of 250 ns) do nothing: it is the looking that pulls the producer's cache lines
 * away. To pause for what lies there already made bulk 1.5 times slower; to leave
 * the items of a cache line that is not full makes no difference after a pause.
 */
static void *model_open(const struct load *load)
{
	static const struct model_policy policy = {
		.looks = 4,
		.pause_ns = 1000,
		.enough = 512,
		.busy = 8,
	};

	return model_create(load, &policy);
}

const struct peer model_peer = {
	.name = "model",
	.title = "model: mapped token",
	.how = "tries, looks again",
	.kinds = KIND_BIT(KIND_STREAM),
	.threads = true,
	.open = model_open,
	.close = model_close,
	.attach = end_attach,
	.detach = end_detach,
	.send = token_send,
	.receive = token_receive,
	.put = token_put,
};

static void *none_open(const struct load *load)
{
	static const struct model_policy none;

	return model_create(load, &none);
}

const struct peer model_none_peer = {
	.name = "model-none",
	.title = "model: mapped token, no pauses",
	.how = "tries, looks again",
	.kinds = KIND_BIT(KIND_STREAM),
	.threads = true,
	.open = none_open,
	.close = model_close,
	.attach = end_attach,
	.detach = end_detach,
	.send = token_send,
	.receive = token_receive,
	.put = token_put,
};
