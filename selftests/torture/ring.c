// SPDX-License-Identifier: GPL-2.0
/*
 * What one would write oneself: rings in shared memory
 *
 * With a robust mutex, as well as it can be done; with a plain one, as most are;
 * and without one: D. Vyukov's ring, whose slots are claimed, then filled, then
 * passed on. One item at a time.
 */
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "channel.h"

/* How long anybody sleeps at most: who was to wake him may have been killed. */
#define DOZE_NS (10 * NSEC_PER_MSEC)

struct slot {
	_Atomic uint64_t turn;
	uint64_t item;
};

/*
 * struct ring - in shared memory
 * @lock: of the rings that have one
 * @waiting: somebody is waiting for room, or for items; cleared by whoever wakes
 * @head: how many have been taken
 * @tail: how many have been put
 */
struct ring {
	pthread_mutex_t lock;
	_Alignas(64) _Atomic uint32_t waiting_for_room;
	_Alignas(64) _Atomic uint32_t waiting_for_items;
	_Alignas(64) _Atomic uint64_t head;
	_Alignas(64) _Atomic uint64_t tail;
	struct slot slots[];
};

static size_t ring_bytes(const struct channel *channel)
{
	return sizeof(struct ring) +
	       channel->setup->capacity * sizeof(struct slot);
}

static int ring_open(struct channel *channel, int robust)
{
	pthread_mutexattr_t attr;
	struct ring *ring;
	uint64_t i;

	ring = mmap(NULL, ring_bytes(channel), PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (ring == MAP_FAILED)
		return -errno;
	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	pthread_mutexattr_setrobust(&attr, robust);
	pthread_mutex_init(&ring->lock, &attr);
	for (i = 0; i < channel->setup->capacity; i++)
		ring->slots[i].turn = i;
	channel->ring = ring;
	return 0;
}

static void ring_close(struct channel *channel)
{
	munmap(channel->ring, ring_bytes(channel));
}

static uint64_t ring_size(struct channel *channel)
{
	return channel->ring->tail - channel->ring->head;
}

static struct slot *ring_slot(const struct channel *channel, uint64_t position)
{
	return &channel->ring->slots[position % channel->setup->capacity];
}

static uint64_t call_end(const struct call *call)
{
	if (!call->wait)
		return 0;
	if (!call->timeout)
		return UINT64_MAX;
	return now_ns() + call->timeout->tv_sec * NSEC_PER_SEC +
	       call->timeout->tv_nsec;
}

/* --- With a mutex --- */

static int robust_open(struct channel *channel)
{
	return ring_open(channel, PTHREAD_MUTEX_ROBUST);
}

static int plain_open(struct channel *channel)
{
	return ring_open(channel, PTHREAD_MUTEX_STALLED);
}

/*
 * If the owner has died there is nothing to repair: what is done under the lock
 * comes true with one store, of head or tail.
 */
static void lock(struct ring *ring)
{
	if (pthread_mutex_lock(&ring->lock) == EOWNERDEAD)
		pthread_mutex_consistent(&ring->lock);
}

/* Not with a condition variable: those do not survive the death of a waiter. */
static void doze(_Atomic uint32_t *waiting, uint64_t end)
{
	uint64_t now = now_ns();
	struct timespec ts;

	if (now < end) {
		ts = timespec_of(end - now < DOZE_NS ? end - now : DOZE_NS);
		syscall(SYS_futex, waiting, FUTEX_WAIT, 1, &ts, NULL, 0);
	}
}

static void wake(_Atomic uint32_t *waiting)
{
	if (*waiting && atomic_exchange(waiting, 0))
		syscall(SYS_futex, waiting, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

static bool locked_try_put(struct channel *channel, uint64_t item)
{
	struct ring *ring = channel->ring;
	bool room;

	lock(ring);
	room = ring->tail - ring->head < channel->setup->capacity;
	if (room) {
		ring_slot(channel, ring->tail)->item = item;
		atomic_store(&ring->tail, ring->tail + 1);
	} else {
		ring->waiting_for_room = 1;
	}
	pthread_mutex_unlock(&ring->lock);
	if (room)
		wake(&ring->waiting_for_items);
	return room;
}

static bool locked_try_take(struct channel *channel, uint64_t *item)
{
	struct ring *ring = channel->ring;
	bool there;

	lock(ring);
	there = ring->tail != ring->head;
	if (there) {
		*item = ring_slot(channel, ring->head)->item;
		atomic_store(&ring->head, ring->head + 1);
	} else {
		ring->waiting_for_items = 1;
	}
	pthread_mutex_unlock(&ring->lock);
	if (there)
		wake(&ring->waiting_for_room);
	return there;
}

static ssize_t locked_put(struct end *end, const uint64_t *items,
			  const struct call *call)
{
	uint64_t until = call_end(call);

	while (!locked_try_put(end->channel, *items)) {
		if (now_ns() >= until)
			return 0;
		doze(&end->channel->ring->waiting_for_room, until);
	}
	return 1;
}

static ssize_t locked_take(struct end *end, struct mpmc_item *items,
			   const struct call *call)
{
	uint64_t until = call_end(call);

	memset(items, 0, sizeof(*items));
	while (!locked_try_take(end->channel, &items->value)) {
		if (now_ns() >= until)
			return 0;
		doze(&end->channel->ring->waiting_for_items, until);
	}
	return 1;
}

const struct channel_type ring_robust = {
	.name = "robust",
	.open = robust_open,
	.close = ring_close,
	.put = locked_put,
	.take = locked_take,
	.size = ring_size,
};

const struct channel_type ring_plain = {
	.name = "plain",
	.open = plain_open,
	.close = ring_close,
	.put = locked_put,
	.take = locked_take,
	.size = ring_size,
};

/* --- Without --- */

/*
 * The slot of the next position once it has come to turn @ahead of it, claimed;
 * NULL: it is not that far.
 */
static struct slot *claim(struct channel *channel, _Atomic uint64_t *position,
			  uint64_t ahead, uint64_t *mine)
{
	struct slot *slot;
	int64_t late;

	*mine = *position;
	for (;;) {
		slot = ring_slot(channel, *mine);
		late = *mine + ahead - slot->turn;
		if (late > 0)
			return NULL;
		if (late < 0)
			*mine = *position;
		else if (atomic_compare_exchange_weak(position, mine, *mine + 1))
			return slot;
	}
}

static ssize_t claimed_put(struct end *end, const uint64_t *items,
			   const struct call *call)
{
	struct channel *channel = end->channel;
	uint64_t until = call_end(call), mine;
	struct slot *slot;

	while (!(slot = claim(channel, &channel->ring->tail, 0, &mine))) {
		if (now_ns() >= until)
			return 0;
		nap(50 * NSEC_PER_USEC);
	}
	slot->item = *items;
	slot->turn = mine + 1;
	return 1;
}

static ssize_t claimed_take(struct end *end, struct mpmc_item *items,
			    const struct call *call)
{
	struct channel *channel = end->channel;
	uint64_t until = call_end(call), mine;
	struct slot *slot;

	while (!(slot = claim(channel, &channel->ring->head, 1, &mine))) {
		if (now_ns() >= until)
			return 0;
		nap(50 * NSEC_PER_USEC);
	}
	*items = (struct mpmc_item){ .value = slot->item };
	slot->turn = mine + channel->setup->capacity;
	return 1;
}

static int claimed_open(struct channel *channel)
{
	return ring_open(channel, PTHREAD_MUTEX_STALLED);
}

const struct channel_type ring_claimed = {
	.name = "claimed",
	.open = claimed_open,
	.close = ring_close,
	.put = claimed_put,
	.take = claimed_take,
	.size = ring_size,
};
