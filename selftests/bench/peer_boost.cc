// SPDX-License-Identifier: GPL-2.0
/*
 * boost::interprocess::message_queue, between processes
 *
 * All of one priority, which its index then finds at once. It has no bulk, but a
 * message may be as long as one. All its memory is made with it, so it has no
 * more messages than keep both sides busy.
 */
#include <cstdlib>
#include <string>
#include <unistd.h>

#include <boost/interprocess/ipc/message_queue.hpp>

#include "loops.h"

namespace
{

using boost::interprocess::message_queue;
using boost::interprocess::create_only;
using boost::interprocess::interprocess_exception;

constexpr size_t BOOST_ROOM = 4096;
constexpr size_t BOOST_BULKS = 256;

struct channel {
	message_queue *queue;
	size_t bytes; /* of the longest message */
};

void *boost_open(const struct load *load)
{
	std::string name = "mpmc-bench-" + std::to_string(getpid());
	size_t room = load->kind == KIND_MEMORY ? ROOM :
		      load->kind == KIND_STREAM && load->bulk > 1 ? BOOST_BULKS :
								    BOOST_ROOM;
	auto *one = new channel;

	one->bytes = load->bulk * sizeof(uint64_t);
	message_queue::remove(name.c_str());
	try {
		one->queue = new message_queue(create_only, name.c_str(),
					       room, one->bytes);
	} catch (const interprocess_exception &error) {
		die(error.what());
	}
	/* The memory stays as long as it is mapped. */
	message_queue::remove(name.c_str());
	return one;
}

void boost_close(void *arg)
{
	auto *one = static_cast<channel *>(arg);

	delete one->queue;
	delete one;
}

void *boost_attach(void *arg, bool)
{
	return arg;
}

void boost_detach(void *)
{
}

ALWAYS_INLINE size_t boost_send_bulk(void *arg, const uint64_t *items, size_t n)
{
	static_cast<channel *>(arg)->queue->send(items, n * sizeof(*items), 0);
	return n;
}

ALWAYS_INLINE size_t boost_receive_bulk(void *arg, uint64_t *items, size_t)
{
	auto *one = static_cast<channel *>(arg);
	message_queue::size_type bytes;
	unsigned int priority;

	one->queue->receive(items, one->bytes, bytes, priority);
	return bytes / sizeof(*items);
}

ALWAYS_INLINE bool boost_send_one(void *one, uint64_t item)
{
	return boost_send_bulk(one, &item, 1);
}

ALWAYS_INLINE bool boost_receive_one(void *one, uint64_t *item)
{
	return boost_receive_bulk(one, item, 1);
}

LOOP void boost_send(void *one, struct side *side)
{
	send_all(one, side, boost_send_one, boost_send_bulk);
}

LOOP void boost_receive(void *one, struct side *side)
{
	receive_all(one, side, boost_receive_one, boost_receive_bulk);
}

void boost_put(void *one, uint64_t item)
{
	boost_send_one(one, item);
}

uint64_t boost_get(void *one)
{
	uint64_t item;

	boost_receive_one(one, &item);
	return item;
}

bool boost_try_put(void *arg, uint64_t item)
{
	return static_cast<channel *>(arg)->queue->try_send(&item, sizeof(item),
							    0);
}

ALWAYS_INLINE bool boost_try_get_inline(void *arg, uint64_t *item)
{
	auto *one = static_cast<channel *>(arg);
	message_queue::size_type bytes;
	unsigned int priority;

	return one->queue->try_receive(item, one->bytes, bytes, priority);
}

bool boost_try_get(void *one, uint64_t *item)
{
	return boost_try_get_inline(one, item);
}

LOOP uint64_t boost_poll(void *one, uint64_t times)
{
	return poll_times(one, times, boost_try_get_inline);
}

}

BENCH_PEER boost_peer = {
	.name = "boost",
	.title = "Boost.Interprocess message_queue",
	.how = "a bulk is one message; sleeps",
	.kinds = KINDS_ALL,
	.threads = false,
	.single = false,
	.open = boost_open,
	.close = boost_close,
	.attach = boost_attach,
	.detach = boost_detach,
	.send = boost_send,
	.receive = boost_receive,
	.put = boost_put,
	.get = boost_get,
	.try_put = boost_try_put,
	.try_get = boost_try_get,
	.poll = boost_poll,
};
