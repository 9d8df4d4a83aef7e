// SPDX-License-Identifier: GPL-2.0
/*
 * The ring in shared memory (ring.h), with futexes or an eventfd to sleep by
 *
 * Who waits looks again for some microseconds before it sleeps, as one does
 * with more than one CPU.
 */
#include <stdlib.h>
#include <sys/eventfd.h>

#include "loops.h"
#include "ring.h"

#define RING_SPINS 200

static int gate_fd(bool eventfds)
{
	int fd;

	if (!eventfds)
		return -1;
	fd = eventfd(0, EFD_CLOEXEC | EFD_SEMAPHORE);
	if (fd < 0)
		die_errno("creating an eventfd");
	return fd;
}

static void *ring_create(const struct load *load, bool eventfds)
{
	struct ring *ring = shared_alloc(sizeof(*ring));
	uint64_t i;

	ring->alone = load->producers == 1 && load->consumers == 1;
	ring->spins = RING_SPINS;
	ring->readers.fd = gate_fd(eventfds);
	ring->writers.fd = gate_fd(eventfds);
	for (i = 0; i < RING_ENTRIES && !ring->alone; i++)
		ring->entry[i].turn = i;
	return ring;
}

static void *ring_futex_open(const struct load *load)
{
	return ring_create(load, false);
}

static void *ring_eventfd_open(const struct load *load)
{
	return ring_create(load, true);
}

static void ring_close(void *channel)
{
	struct ring *ring = channel;

	if (ring->readers.fd >= 0) {
		close(ring->readers.fd);
		close(ring->writers.fd);
	}
	shared_free(ring, sizeof(*ring));
}

static void *ring_attach(void *channel, bool sends)
{
	(void)sends;
	return channel;
}

static void ring_detach(void *end)
{
	(void)end;
}

ALWAYS_INLINE size_t ring_send_bulk(void *ring, const uint64_t *items, size_t n)
{
	ring_put(ring, items, n);
	return n;
}

ALWAYS_INLINE size_t ring_receive_bulk(void *ring, uint64_t *items, size_t max)
{
	return ring_get(ring, items, max);
}

ALWAYS_INLINE bool ring_send_one(void *ring, uint64_t item)
{
	ring_put(ring, &item, 1);
	return true;
}

ALWAYS_INLINE bool ring_receive_one(void *ring, uint64_t *item)
{
	return ring_get(ring, item, 1);
}

LOOP static void ring_send(void *end, struct side *side)
{
	send_all(end, side, ring_send_one, ring_send_bulk);
}

LOOP static void ring_receive(void *end, struct side *side)
{
	receive_all(end, side, ring_receive_one, ring_receive_bulk);
}

static void ring_put_item(void *ring, uint64_t item)
{
	ring_put(ring, &item, 1);
}

static uint64_t ring_get_item(void *ring)
{
	uint64_t item;

	ring_get(ring, &item, 1);
	return item;
}

static bool ring_try_put_item(void *ring, uint64_t item)
{
	return ring_try_put(ring, &item, 1);
}

static bool ring_try_get_item(void *ring, uint64_t *item)
{
	return ring_try_get(ring, item, 1);
}

LOOP static uint64_t ring_poll(void *ring, uint64_t times)
{
	return poll_times(ring, times, ring_try_get_item);
}

const struct peer ring_futex_peer = {
	.name = "ring-futex",
	.title = "shared ring, futex",
	.how = "spins, then sleeps",
	.kinds = KINDS_ALL,
	.open = ring_futex_open,
	.close = ring_close,
	.attach = ring_attach,
	.detach = ring_detach,
	.send = ring_send,
	.receive = ring_receive,
	.put = ring_put_item,
	.get = ring_get_item,
	.try_put = ring_try_put_item,
	.try_get = ring_try_get_item,
	.poll = ring_poll,
};

const struct peer ring_eventfd_peer = {
	.name = "ring-eventfd",
	.title = "shared ring, eventfd",
	.how = "spins, then sleeps",
	.kinds = KIND_BIT(KIND_STREAM) | KIND_BIT(KIND_LATENCY),
	.open = ring_eventfd_open,
	.close = ring_close,
	.attach = ring_attach,
	.detach = ring_detach,
	.send = ring_send,
	.receive = ring_receive,
	.put = ring_put_item,
	.get = ring_get_item,
};
