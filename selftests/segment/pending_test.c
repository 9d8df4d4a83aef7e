// SPDX-License-Identifier: GPL-2.0
/*
 * The bitmap of sources, built in userspace: threads that put items into
 * sources, take them, and look for them; also with threads that pause between
 * two steps, and under ThreadSanitizer.
 *
 * What it catches: a source that holds an item and is not found, because its
 * bit was cleared by somebody who then stands still, or comes late.
 */
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../kmod/pending.h"

#define SOURCES 130 /* three words */
#define BUSY 70 /* the source that is put to and taken from */
#define SURE 129 /* the one that always holds an item */

static struct mpmc_pending pending;
static atomic_t items[SOURCES];
static unsigned long rounds;
static unsigned long failures;
static bool done;

static void fail(const char *what, unsigned long number)
{
	fprintf(stderr, "# %s: %lu\n", what, number);
	__atomic_add_fetch(&failures, 1, __ATOMIC_RELAXED);
}

static void report(const char *name)
{
	static int number;

	printf("%s %d %s\n", failures ? "not ok" : "ok", ++number, name);
	fflush(stdout);
}

static bool ready(unsigned int source)
{
	return atomic_read(&items[source]) > 0;
}

static void put(unsigned int source)
{
	atomic_add_return(1, &items[source]);
	mpmc_pending_set(&pending, source);
}

static bool take(unsigned int source)
{
	int n = atomic_read(&items[source]);

	while (n > 0)
		if (atomic_try_cmpxchg_relaxed(&items[source], &n, n - 1))
			return true;
	return false;
}

static void retire(unsigned int source)
{
	if (mpmc_pending_clear_begin(&pending, source) > 0)
		mpmc_pending_clear_end(&pending, source, ready(source));
}

/* Somebody who has cleared a bit stands still: others still go and look. */
static void stalled(void)
{
	if (mpmc_pending_next(&pending, 0) != SOURCES)
		fail("a bit from the start", 0);
	put(3);
	put(64);
	if (!mpmc_pending_clear_begin(&pending, 64))
		fail("nobody else is at it", 64);
	if (mpmc_pending_next(&pending, 0) != 3 ||
	    mpmc_pending_next(&pending, 4) != 64 ||
	    mpmc_pending_next(&pending, 65) != SOURCES)
		fail("hidden", 64);
	if (mpmc_pending_clear_begin(&pending, 64))
		fail("two at it", 64);
	mpmc_pending_clear_end(&pending, 64, true);
	if (mpmc_pending_next(&pending, 4) != 64)
		fail("not set again", 64);
	take(3);
	take(64);
	retire(3);
	retire(64);
	if (mpmc_pending_next(&pending, 0) != SOURCES)
		fail("not cleared", mpmc_pending_next(&pending, 0));
}

/*
 * Each takes what it has put itself, or another's: so there is always one to
 * be found between a put and the take that follows, in this source.
 */
static void *exchange_thread(void *arg)
{
	unsigned long i;

	for (i = 0; i < rounds; i++) {
		int cleared;
		unsigned int next;

		put(BUSY);
		do {
			cleared = mpmc_pending_begin(&pending);
			next = mpmc_pending_next(&pending, BUSY);
		} while (next != BUSY &&
			 mpmc_pending_missed(&pending, cleared));
		if (next != BUSY)
			fail("put, and not found", i);
		if (!take(BUSY))
			fail("put, and not there", i);
		if (!ready(BUSY))
			retire(BUSY);
	}
	return arg;
}

/* Again and again it looks empty to somebody, who is wrong. */
static void *doubt_thread(void *arg)
{
	while (!__atomic_load_n(&done, __ATOMIC_RELAXED))
		retire(SURE);
	return arg;
}

static void *look_thread(void *arg)
{
	unsigned long i;

	for (i = 0; i < rounds; i++) {
		int cleared = mpmc_pending_begin(&pending);

		if (mpmc_pending_next(&pending, SURE) != SURE &&
		    !mpmc_pending_missed(&pending, cleared))
			fail("there all the time, and not found", i);
	}
	return arg;
}

static bool take_between(unsigned int source, unsigned int end)
{
	for (source = mpmc_pending_next(&pending, source); source < end;
	     source = mpmc_pending_next(&pending, source + 1)) {
		if (take(source))
			return true;
		retire(source);
	}
	return false;
}

/* Takes an item from wherever there is one, as kmod/source.c does. */
static bool take_any(unsigned int from)
{
	int cleared;

	do {
		cleared = mpmc_pending_begin(&pending);
		if (take_between(from, SOURCES) || take_between(0, from))
			return true;
	} while (mpmc_pending_missed(&pending, cleared));
	return false;
}

/* Puts one elsewhere each time, and then takes one: so there always is one. */
static void *hop_thread(void *arg)
{
	unsigned int seed = (uintptr_t)&seed;
	unsigned long i;

	for (i = 0; i < rounds / 10; i++) {
		put(rand_r(&seed) % SOURCES);
		if (!take_any(rand_r(&seed) % SOURCES))
			fail("one there all the time, and none found", i);
	}
	return arg;
}

static void run(void *(*one)(void *arg), void *(*other)(void *arg))
{
	pthread_t thread[4];
	int i;

	for (i = 0; i < 4; i++)
		pthread_create(&thread[i], NULL, i % 2 ? one : other, NULL);
	for (i = 0; i < 4; i++) {
		if (i % 2 || one == other)
			pthread_join(thread[i], NULL);
	}
	__atomic_store_n(&done, true, __ATOMIC_RELAXED);
	for (i = 0; one != other && i < 4; i += 2)
		pthread_join(thread[i], NULL);
}

int main(int argc, char **argv)
{
	rounds = argc > 1 ? strtoul(argv[1], NULL, 0) : 20000000;
	printf("TAP version 13\n1..4\n");
	mpmc_pending_init(&pending, SOURCES);
	stalled();
	report("stalled: a source in doubt is found");
	run(exchange_thread, exchange_thread);
	report("exchange: who has put an item finds it");
	done = false;
	put(SURE);
	run(look_thread, doubt_thread);
	report("doubt: what is there all the time is found");
	take(SURE);
	run(hop_thread, hop_thread);
	report("hop: items that move are found");
	mpmc_pending_free(&pending);
	return failures != 0;
}
