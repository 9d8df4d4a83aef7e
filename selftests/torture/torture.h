/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What all parts of the torture share: what a run is like, time, and chance
 */
#ifndef TORTURE_H
#define TORTURE_H

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define NSEC_PER_USEC 1000ULL
#define NSEC_PER_MSEC 1000000ULL
#define NSEC_PER_SEC 1000000000ULL

#define BULK_MAX 256

/* After that those who can do nothing sleep, and not only for a while. */
#define ASLEEP_NS (30 * NSEC_PER_MSEC)

/* How busy a process is. */
enum pace {
	PACE_ANY,	/* it is left to chance */
	PACE_BUSY,	/* all the time */
	PACE_SLOW,	/* works a while on each item */
	PACE_AWAY,	/* sleeps now and then */
};

/**
 * struct setup - the queue of a run, and who works on it
 * @name: of the setup
 * @capacity: of the queue
 * @segments: of the queue
 * @ring: entries of the tokens' rings
 * @bulk: the most items a call moves
 * @producers: how many at a time
 * @consumers: how many at a time
 * @produce: how busy producers are
 * @consume: how busy consumers are
 */
struct setup {
	const char *name;
	uint64_t capacity;
	uint32_t segments;
	uint32_t ring;
	uint32_t bulk;
	int producers;
	int consumers;
	enum pace produce;
	enum pace consume;
};

static inline void must_failed(const char *file, int line, const char *what)
{
	int error = errno;

	fprintf(stderr, "# %s:%d: pid %d: not true: %s (errno: %d)\n", file,
		line, getpid(), what, error);
	_exit(EXIT_FAILURE);
}

/* What can only be wrong if the torture itself is; a worker's end is seen. */
#define must(cond)                                               \
	do {                                                     \
		if (!(cond))                                     \
			must_failed(__FILE__, __LINE__, #cond);  \
	} while (0)

static inline uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

static inline struct timespec timespec_of(uint64_t ns)
{
	return (struct timespec){ ns / NSEC_PER_SEC, ns % NSEC_PER_SEC };
}

static inline void nap(uint64_t ns)
{
	struct timespec ts = timespec_of(ns);

	nanosleep(&ts, NULL);
}

/* Random numbers: xorshift64 */

static inline uint64_t random_next(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

static inline uint32_t random_below(uint64_t *seed, uint32_t n)
{
	return (random_next(seed) >> 16) % n;
}

/* A seed of its own for the nth of something; never 0, where xorshift stays. */
static inline uint64_t random_branch(uint64_t seed, uint64_t n)
{
	seed = (seed + n + 1) * 0x9e3779b97f4a7c15;
	seed = (seed ^ seed >> 32) * 0xd6e8feb86659fd93;
	return (seed ^ seed >> 32) | 1;
}

#endif /* TORTURE_H */
