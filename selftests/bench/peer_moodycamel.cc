// SPDX-License-Identifier: GPL-2.0
/*
 * moodycamel::ConcurrentQueue, between threads, as it can't cross processes
 *
 * With a token for each producer and consumer, and its bulk calls, and without
 * tokens. It is made as it is by default, small, and grows if need be: with room
 * for many items from the start it walks through all of that memory, and bulk
 * takes twice as long. So does a block of 256 items instead of 32 when it has 4
 * producers. Its try_enqueue(), which never grows, is slower, and with several
 * producers gives up for good at times. Who finds nothing looks again; its
 * blocking sibling, which can sleep, is measured where sleeping is.
 */
#include <cstdlib>

#include <concurrentqueue/blockingconcurrentqueue.h>
#include <concurrentqueue/concurrentqueue.h>

#include "loops.h"

namespace
{

using queue_type = moodycamel::ConcurrentQueue<uint64_t>;

/* Of a queue, and of what one side has of it. */
template <typename Q> struct end_of {
	Q *queue;
	moodycamel::ProducerToken *producer;
	moodycamel::ConsumerToken *consumer;
};

template <typename Q> void *open_of(const struct load *)
{
	return new Q;
}

template <typename Q> void close_of(void *channel)
{
	delete static_cast<Q *>(channel);
}

template <typename Q> void *attach_to(void *channel, bool sends)
{
	auto *queue = static_cast<Q *>(channel);

	if (sends)
		return new end_of<Q>{
			queue, new moodycamel::ProducerToken(*queue), nullptr
		};
	return new end_of<Q>{ queue, nullptr,
			      new moodycamel::ConsumerToken(*queue) };
}

template <typename Q> void detach_from(void *arg)
{
	auto *one = static_cast<end_of<Q> *>(arg);

	delete one->producer;
	delete one->consumer;
	delete one;
}

template <typename Q> void put_into(void *arg, uint64_t item)
{
	auto *one = static_cast<end_of<Q> *>(arg);

	if (!one->queue->enqueue(*one->producer, item))
		die("moodycamel: no memory");
}

using end = end_of<queue_type>;

void *plain_attach(void *channel, bool)
{
	return new end{ static_cast<queue_type *>(channel), nullptr, nullptr };
}

/* --- With tokens --- */

ALWAYS_INLINE bool token_send_one(void *arg, uint64_t item)
{
	auto *one = static_cast<end *>(arg);

	return one->queue->enqueue(*one->producer, item);
}

ALWAYS_INLINE size_t token_send_bulk(void *arg, const uint64_t *items, size_t n)
{
	auto *one = static_cast<end *>(arg);

	return one->queue->enqueue_bulk(*one->producer, items, n) ? n : 0;
}

ALWAYS_INLINE bool token_receive_one(void *arg, uint64_t *item)
{
	auto *one = static_cast<end *>(arg);

	return one->queue->try_dequeue(*one->consumer, *item);
}

ALWAYS_INLINE size_t token_receive_bulk(void *arg, uint64_t *items, size_t max)
{
	auto *one = static_cast<end *>(arg);

	return one->queue->try_dequeue_bulk(*one->consumer, items, max);
}

LOOP void token_send(void *one, struct side *side)
{
	send_all(one, side, token_send_one, token_send_bulk);
}

LOOP void token_receive(void *one, struct side *side)
{
	receive_all(one, side, token_receive_one, token_receive_bulk);
}

/* It grows: room is what the others have. */
bool token_try_put(void *arg, uint64_t item)
{
	auto *one = static_cast<end *>(arg);

	if (one->queue->size_approx() >= ROOM)
		return false;
	put_into<queue_type>(arg, item);
	return true;
}

bool token_try_get(void *one, uint64_t *item)
{
	return token_receive_one(one, item);
}

LOOP uint64_t token_poll(void *one, uint64_t times)
{
	return poll_times(one, times, token_receive_one);
}

/* --- Without --- */

ALWAYS_INLINE bool plain_send_one(void *arg, uint64_t item)
{
	return static_cast<end *>(arg)->queue->enqueue(item);
}

ALWAYS_INLINE size_t plain_send_bulk(void *arg, const uint64_t *items, size_t n)
{
	auto *queue = static_cast<end *>(arg)->queue;

	return queue->enqueue_bulk(items, n) ? n : 0;
}

ALWAYS_INLINE bool plain_receive_one(void *arg, uint64_t *item)
{
	return static_cast<end *>(arg)->queue->try_dequeue(*item);
}

ALWAYS_INLINE size_t plain_receive_bulk(void *arg, uint64_t *items, size_t max)
{
	return static_cast<end *>(arg)->queue->try_dequeue_bulk(items, max);
}

LOOP void plain_send(void *one, struct side *side)
{
	send_all(one, side, plain_send_one, plain_send_bulk);
}

LOOP void plain_receive(void *one, struct side *side)
{
	receive_all(one, side, plain_receive_one, plain_receive_bulk);
}

void plain_put(void *arg, uint64_t item)
{
	if (!static_cast<end *>(arg)->queue->enqueue(item))
		die("moodycamel: no memory");
}

bool plain_try_put(void *one, uint64_t item)
{
	plain_put(one, item);
	return true;
}

bool plain_try_get(void *one, uint64_t *item)
{
	return plain_receive_one(one, item);
}

LOOP uint64_t plain_poll(void *one, uint64_t times)
{
	return poll_times(one, times, plain_receive_one);
}

/* --- Its blocking sibling, where who waits is to sleep --- */

/* By default it spins 10,000 times first. */
struct sleeping_traits : public moodycamel::ConcurrentQueueDefaultTraits {
	static const int MAX_SEMA_SPINS = 0;
};

using sleeping_type =
	moodycamel::BlockingConcurrentQueue<uint64_t, sleeping_traits>;

uint64_t sleeping_get(void *arg)
{
	auto *one = static_cast<end_of<sleeping_type> *>(arg);
	uint64_t item;

	one->queue->wait_dequeue(*one->consumer, item);
	return item;
}

}

BENCH_PEER moodycamel_peer = {
	.name = "moodycamel",
	.title = "moodycamel, tokens (threads)",
	.how = "tries, looks again",
	.kinds = KINDS_ALL & ~KIND_BIT(KIND_LATENCY),
	.threads = true,
	.single = false,
	.open = open_of<queue_type>,
	.close = close_of<queue_type>,
	.attach = attach_to<queue_type>,
	.detach = detach_from<queue_type>,
	.send = token_send,
	.receive = token_receive,
	.put = put_into<queue_type>,
	.get = nullptr,
	.try_put = token_try_put,
	.try_get = token_try_get,
	.poll = token_poll,
};

BENCH_PEER moodycamel_plain_peer = {
	.name = "moodycamel-plain",
	.title = "moodycamel, none (threads)",
	.how = "tries, looks again",
	.kinds = KINDS_ALL & ~KIND_BIT(KIND_LATENCY) & ~KIND_BIT(KIND_MEMORY),
	.threads = true,
	.single = false,
	.open = open_of<queue_type>,
	.close = close_of<queue_type>,
	.attach = plain_attach,
	.detach = detach_from<queue_type>,
	.send = plain_send,
	.receive = plain_receive,
	.put = plain_put,
	.get = nullptr,
	.try_put = plain_try_put,
	.try_get = plain_try_get,
	.poll = plain_poll,
};

BENCH_PEER moodycamel_sleep_peer = {
	.name = "moodycamel-sleep",
	.title = "moodycamel, blocking (threads)",
	.how = "tokens; sleeps",
	.kinds = KIND_BIT(KIND_LATENCY),
	.threads = true,
	.single = true,
	.open = open_of<sleeping_type>,
	.close = close_of<sleeping_type>,
	.attach = attach_to<sleeping_type>,
	.detach = detach_from<sleeping_type>,
	.send = nullptr,
	.receive = nullptr,
	.put = put_into<sleeping_type>,
	.get = sleeping_get,
	.try_put = nullptr,
	.try_get = nullptr,
	.poll = nullptr,
};
