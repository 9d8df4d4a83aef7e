/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A ring in memory that processes share, as one would write it with care
 *
 * With one producer and one consumer it is theirs: positions that each side
 * stores plainly, and the other's looked at only when the one known is used up.
 * With more, every entry has a number that says whose turn it is (D. Vyukov's
 * bounded queue), and a bulk is claimed with one compare-and-exchange. Nothing
 * here survives a process that is killed between two steps.
 */
#ifndef BENCH_RING_H
#define BENCH_RING_H

#include <string.h>

#include "gate.h"

#define RING_ENTRIES 16384 /* of 16 bytes: they stay in a CPU's cache */

/* The number is not used where there are one producer and one consumer. */
struct ring_entry {
	uint64_t turn;
	uint64_t item;
};

/*
 * struct ring - in shared memory
 * @tail: where producers are
 * @head_known: their last look at @head
 * @head: where consumers are
 * @tail_known: their last look at @tail
 * @readers: where consumers sleep
 * @writers: where producers sleep
 * @alone: one producer and one consumer
 * @spins: so often who waits looks before it sleeps
 */
struct ring {
	uint64_t tail __attribute__((aligned(128)));
	uint64_t head_known;
	uint64_t head __attribute__((aligned(128)));
	uint64_t tail_known;
	struct gate readers;
	struct gate writers;
	bool alone __attribute__((aligned(128)));
	unsigned int spins;
	union {
		struct ring_entry entry[RING_ENTRIES];
		uint64_t item[RING_ENTRIES];
	} __attribute__((aligned(128)));
};

static inline uint64_t ring_slot(uint64_t position)
{
	return position % RING_ENTRIES;
}

/* --- One producer and one consumer --- */

static inline bool ring_put_alone(struct ring *ring, const uint64_t *items,
				  size_t n)
{
	uint64_t tail = ring->tail;
	size_t i;

	if (tail + n - ring->head_known > RING_ENTRIES) {
		ring->head_known = __atomic_load_n(&ring->head,
						   __ATOMIC_ACQUIRE);
		if (tail + n - ring->head_known > RING_ENTRIES)
			return false;
	}
	for (i = 0; i < n; i++)
		ring->item[ring_slot(tail + i)] = items[i];
	__atomic_store_n(&ring->tail, tail + n, __ATOMIC_RELEASE);
	return true;
}

static inline size_t ring_get_alone(struct ring *ring, uint64_t *items,
				    size_t max)
{
	uint64_t head = ring->head;
	size_t n = ring->tail_known - head, i;

	if (n < max) {
		ring->tail_known = __atomic_load_n(&ring->tail,
						   __ATOMIC_ACQUIRE);
		n = ring->tail_known - head;
	}
	if (n > max)
		n = max;
	for (i = 0; i < n; i++)
		items[i] = ring->item[ring_slot(head + i)];
	if (n)
		__atomic_store_n(&ring->head, head + n, __ATOMIC_RELEASE);
	return n;
}

/* --- Any number of them --- */

static inline uint64_t ring_turn(struct ring *ring, uint64_t position)
{
	return __atomic_load_n(&ring->entry[ring_slot(position)].turn,
			       __ATOMIC_ACQUIRE);
}

/* How many entries from here on it is the turn of, by this much. */
static inline size_t ring_ready(struct ring *ring, uint64_t position,
				uint64_t ahead, size_t max)
{
	size_t n = 0;

	while (n < max && ring_turn(ring, position + n) == position + n + ahead)
		n++;
	return n;
}

/* All of them or none. */
static inline bool ring_put_shared(struct ring *ring, const uint64_t *items,
				   size_t n)
{
	uint64_t tail = __atomic_load_n(&ring->tail, __ATOMIC_RELAXED), now;
	struct ring_entry *entry;
	size_t i;

	for (;;) {
		if (ring_ready(ring, tail, 0, n) == n) {
			if (__atomic_compare_exchange_n(&ring->tail, &tail,
							tail + n, true,
							__ATOMIC_RELAXED,
							__ATOMIC_RELAXED))
				break;
			continue;
		}
		now = __atomic_load_n(&ring->tail, __ATOMIC_RELAXED);
		if (now == tail)
			return false;
		tail = now;
	}
	for (i = 0; i < n; i++) {
		entry = &ring->entry[ring_slot(tail + i)];
		entry->item = items[i];
		__atomic_store_n(&entry->turn, tail + i + 1, __ATOMIC_RELEASE);
	}
	return true;
}

static inline size_t ring_get_shared(struct ring *ring, uint64_t *items,
				     size_t max)
{
	uint64_t head = __atomic_load_n(&ring->head, __ATOMIC_RELAXED), now;
	struct ring_entry *entry;
	size_t n, i;

	for (;;) {
		n = ring_ready(ring, head, 1, max);
		if (n) {
			if (__atomic_compare_exchange_n(&ring->head, &head,
							head + n, true,
							__ATOMIC_RELAXED,
							__ATOMIC_RELAXED))
				break;
			continue;
		}
		now = __atomic_load_n(&ring->head, __ATOMIC_RELAXED);
		if (now == head)
			return 0;
		head = now;
	}
	for (i = 0; i < n; i++) {
		entry = &ring->entry[ring_slot(head + i)];
		items[i] = entry->item;
		__atomic_store_n(&entry->turn, head + i + RING_ENTRIES,
				 __ATOMIC_RELEASE);
	}
	return n;
}

/* --- Waking and waiting --- */

static inline uint64_t ring_free(struct ring *ring)
{
	return RING_ENTRIES - (__atomic_load_n(&ring->tail, __ATOMIC_RELAXED) -
			       __atomic_load_n(&ring->head, __ATOMIC_RELAXED));
}

static inline bool ring_try_put(struct ring *ring, const uint64_t *items,
				size_t n)
{
	if (!(ring->alone ? ring_put_alone(ring, items, n) :
			    ring_put_shared(ring, items, n)))
		return false;
	gate_wake(&ring->readers);
	return true;
}

/*
 * Producers are woken when a quarter of the ring is free, or they would be for
 * each item. Who leaves something behind, and somebody asleep, wakes him.
 */
static inline size_t ring_try_get(struct ring *ring, uint64_t *items,
				  size_t max)
{
	size_t n = ring->alone ? ring_get_alone(ring, items, max) :
				 ring_get_shared(ring, items, max);

	if (!n)
		return 0;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (gate_waited_for(&ring->writers) &&
	    ring_free(ring) >= RING_ENTRIES / 4)
		gate_wake(&ring->writers);
	if (gate_waited_for(&ring->readers) && ring_free(ring) < RING_ENTRIES)
		gate_wake(&ring->readers);
	return n;
}

static inline void ring_put(struct ring *ring, const uint64_t *items, size_t n)
{
	unsigned int spins = ring->spins;

	for (;;) {
		if (ring_try_put(ring, items, n))
			return;
		if (spins) {
			spins--;
			__builtin_ia32_pause();
			continue;
		}
		gate_enter(&ring->writers);
		if (ring_try_put(ring, items, n)) {
			gate_cancel(&ring->writers);
			return;
		}
		gate_sleep(&ring->writers);
	}
}

/* Before it sleeps it wakes all who want to put something. */
static inline size_t ring_get(struct ring *ring, uint64_t *items, size_t max)
{
	unsigned int spins = ring->spins;
	size_t n;

	for (;;) {
		n = ring_try_get(ring, items, max);
		if (n)
			return n;
		if (spins) {
			spins--;
			__builtin_ia32_pause();
			continue;
		}
		gate_enter(&ring->readers);
		n = ring_try_get(ring, items, max);
		if (n) {
			gate_cancel(&ring->readers);
			return n;
		}
		while (gate_waited_for(&ring->writers))
			gate_wake(&ring->writers);
		gate_sleep(&ring->readers);
	}
}

#endif /* BENCH_RING_H */
