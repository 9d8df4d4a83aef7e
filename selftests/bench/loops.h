/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The loops of producers and consumers, for every peer the same
 *
 * They are inlined into each peer's file, with its calls, so that an inline
 * call stays one.
 */
#ifndef BENCH_LOOPS_H
#define BENCH_LOOPS_H

#include <sched.h>

#include "bench.h"

#define ALWAYS_INLINE static inline __attribute__((always_inline))

/*
 * Each loop begins a page of code and stays in it, for all peers: an emulator is
 * quick at jumps inside of a page alone, and where the linker happens to put a
 * loop would make a difference of up to 2 times.
 */
#define LOOP __attribute__((aligned(4096)))

/* So often who can't wait otherwise looks again before others may run. */
#ifndef SPINS
#define SPINS 64
#endif

ALWAYS_INLINE void cpu_relax(void)
{
	__builtin_ia32_pause();
}

/*
 * There was nothing, or no room. With more sides than CPUs somebody who could
 * change that may be waiting for this CPU.
 */
ALWAYS_INLINE void backoff(unsigned int *tries)
{
	if (++*tries < SPINS)
		cpu_relax();
	else
		sched_yield();
}

typedef bool send_one_fn(void *end, uint64_t item);
typedef size_t send_bulk_fn(void *end, const uint64_t *items, size_t n);
typedef bool receive_one_fn(void *end, uint64_t *item);
typedef size_t receive_bulk_fn(void *end, uint64_t *items, size_t max);

/* Of so many numbers from the first on, modulo 2^64. */
ALWAYS_INLINE uint64_t sum_of(uint64_t first, uint64_t count)
{
	uint64_t even = count & 1 ? count : count / 2;
	uint64_t odd = count & 1 ? (count - 1) / 2 : count - 1;

	return first * count + even * odd;
}

ALWAYS_INLINE void side_has_sent(struct side *side)
{
	side->sum = sum_of(side->first, side->items);
	side->count = side->items;
}

ALWAYS_INLINE void do_something(unsigned int rounds)
{
	while (rounds--)
		__asm__ volatile("" : : : "memory");
}

ALWAYS_INLINE void send_ones(void *end, struct side *side, send_one_fn *send,
			     unsigned int work)
{
	uint64_t item = side->first, behind = item + side->items;
	unsigned int tries;

	for (; item < behind; item++) {
		tries = 0;
		while (!send(end, item))
			backoff(&tries);
		do_something(work);
	}
	side_has_sent(side);
}

/*
 * What is not the peer's is kept small, here and in receive_bulks(): it would
 * make all look alike.
 */
ALWAYS_INLINE void send_bulks(void *end, struct side *side, send_bulk_fn *send)
{
	uint64_t items[BULK_MAX], item = side->first;
	uint64_t behind = item + side->items;
	unsigned int tries, n, done, sent, i;

	for (; item < behind; item += n) {
		n = behind - item < side->bulk ? behind - item : side->bulk;
#pragma GCC unroll 8
		for (i = 0; i < n; i++)
			items[i] = item + i;
		tries = 0;
		for (done = 0; done < n; done += sent) {
			sent = send(end, items + done, n - done);
			if (!sent)
				backoff(&tries);
		}
	}
	side_has_sent(side);
}

/* A consumer has received more: the parent looks at the count. */
ALWAYS_INLINE void side_counts(struct side *side, uint64_t count,
			       uint64_t *stamp)
{
	__atomic_store_n(&side->count, count, __ATOMIC_RELAXED);
	if (count < *stamp)
		return;
	side->ended = now_ns();
	*stamp = count + side->stamp_every;
}

ALWAYS_INLINE void receive_ones(void *end, struct side *side,
				receive_one_fn *receive)
{
	uint64_t item, sum = 0, count = 0, stamp = side->stamp_every;
	unsigned int tries;

	for (;;) {
		tries = 0;
		while (!receive(end, &item))
			backoff(&tries);
		if (item == LAST)
			break;
		sum += item;
		side_counts(side, ++count, &stamp);
	}
	side->sum = sum;
}

/* LAST comes alone, or behind the last one of a bulk. */
ALWAYS_INLINE void receive_bulks(void *end, struct side *side,
				 receive_bulk_fn *receive)
{
	uint64_t items[BULK_MAX], sum = 0, count = 0;
	uint64_t stamp = side->stamp_every;
	unsigned int tries, n, i;
	bool last;

	do {
		tries = 0;
		while (!(n = receive(end, items, side->bulk)))
			backoff(&tries);
		last = items[n - 1] == LAST;
		n -= last;
#pragma GCC unroll 8
		for (i = 0; i < n; i++)
			sum += items[i];
		count += n;
		side_counts(side, count, &stamp);
	} while (!last);
	side->sum = sum;
}

ALWAYS_INLINE void send_all(void *end, struct side *side, send_one_fn *one,
			    send_bulk_fn *bulk)
{
	/* Twice, for the loop of those that do nothing to be without it. */
	if (side->bulk == 1 && !side->work)
		send_ones(end, side, one, 0);
	else if (side->bulk == 1)
		send_ones(end, side, one, side->work);
	else
		send_bulks(end, side, bulk);
}

ALWAYS_INLINE void receive_all(void *end, struct side *side,
			       receive_one_fn *one, receive_bulk_fn *bulk)
{
	if (side->bulk == 1)
		receive_ones(end, side, one);
	else
		receive_bulks(end, side, bulk);
}

ALWAYS_INLINE uint64_t poll_times(void *end, uint64_t times,
				  receive_one_fn *receive)
{
	uint64_t item, found = 0;

	while (times--)
		found += receive(end, &item);
	return found;
}

#endif /* BENCH_LOOPS_H */
