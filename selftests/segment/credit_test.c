// SPDX-License-Identifier: GPL-2.0
/*
 * The capacity's credits, built in userspace: threads and checkers. Under
 * ThreadSanitizer too, and with threads that pause between two steps.
 *
 * What it catches: more credits out than there are, a "full" while there is
 * room, room that a bulk takes from others and is refused all the same, and
 * credits that get lost.
 */
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../kmod/credit.h"

#define THREADS 4
#define SEGMENTS 5
#define BULK 7

static struct mpmc_capacity capacity;
static unsigned long rounds;
static unsigned long failures;
static int held;

static void fail(const char *what, long number)
{
	fprintf(stderr, "# %s: %ld\n", what, number);
	__atomic_add_fetch(&failures, 1, __ATOMIC_RELAXED);
}

static void report(const char *name)
{
	static int number;

	printf("%s %d %s\n", failures ? "not ok" : "ok", ++number, name);
	fflush(stdout);
}

static unsigned int some_share(unsigned int *seed)
{
	return 1 + rand_r(seed) % SEGMENTS;
}

/* What is held is counted after it was taken and until it is returned. */
static bool take(unsigned int share, u32 count)
{
	int now;

	if (!mpmc_capacity_take(&capacity, share, count))
		return false;
	now = __atomic_add_fetch(&held, count, __ATOMIC_RELAXED);
	if (now > (int)capacity.total)
		fail("more out than there are", now);
	return true;
}

static void give(unsigned int share, u32 count)
{
	__atomic_sub_fetch(&held, count, __ATOMIC_RELAXED);
	mpmc_capacity_return(&capacity, share, count);
}

static void start(u64 total)
{
	mpmc_capacity_init(&capacity, total, SEGMENTS);
}

static void run(void *(*fn)(void *arg), unsigned long count)
{
	pthread_t thread[THREADS];
	unsigned long i;

	for (i = 0; i < count; i++)
		pthread_create(&thread[i], NULL, fn, (void *)i);
	for (i = 0; i < count; i++)
		pthread_join(thread[i], NULL);
}

/* Everything is back, and can be had again at once. */
static void finish(void)
{
	if (held || mpmc_capacity_used(&capacity))
		fail("credits lost", mpmc_capacity_used(&capacity));
	if (!take(1, capacity.total))
		fail("cannot be had all at once", capacity.total);
	if (take(2, 1))
		fail("one more than all", capacity.total);
	held = 0;
	mpmc_capacity_free(&capacity);
}

/* Never more than THREADS * BULK are wanted, and that is what there is. */
static void *sure_thread(void *arg)
{
	unsigned int seed = (unsigned long)arg + 1;
	unsigned long i;

	for (i = 0; i < rounds; i++) {
		u32 count = 1 + rand_r(&seed) % BULK;

		if (!take(some_share(&seed), count))
			fail("refused, with room for all", count);
		else
			give(some_share(&seed), count);
	}
	return NULL;
}

static void sure(void)
{
	start(THREADS * BULK);
	run(sure_thread, THREADS);
	finish();
}

/* More is wanted than there is: some are refused, and nothing is exceeded. */
static void *scarce_thread(void *arg)
{
	unsigned int seed = (unsigned long)arg + 1;
	unsigned long i;

	for (i = 0; i < rounds; i++) {
		u32 count = 1 + rand_r(&seed) % BULK;

		if (take(some_share(&seed), count))
			give(some_share(&seed), count);
	}
	return NULL;
}

static void scarce(void)
{
	start(BULK + 2);
	run(scarce_thread, THREADS);
	finish();
}

/*
 * Two credits, two threads that want one each, and a third that wants both. A
 * single may be refused when the bulk has got both, but not because of a bulk
 * that was refused itself.
 */
static struct {
	unsigned long begun;
	unsigned long over;
	bool done;
	unsigned char *success;
	unsigned long refused;
	int singles;
} contest = { .singles = 2 };

static void contest_bulk(void)
{
	unsigned int seed = 1;
	unsigned long i;

	for (i = 0; !__atomic_load_n(&contest.done, __ATOMIC_SEQ_CST); i++) {
		unsigned char *success = &contest.success[i % (64 * rounds)];
		bool got;

		__atomic_store_n(success, 0, __ATOMIC_SEQ_CST);
		__atomic_store_n(&contest.begun, i + 1, __ATOMIC_SEQ_CST);
		got = take(some_share(&seed), 2);
		__atomic_store_n(success, got, __ATOMIC_SEQ_CST);
		if (got) {
			give(some_share(&seed), 1);
			give(some_share(&seed), 1);
		}
		__atomic_store_n(&contest.over, i + 1, __ATOMIC_SEQ_CST);
	}
}

/* Whether a bulk between two moments had success. */
static bool contest_lost(unsigned long over, unsigned long begun)
{
	while (__atomic_load_n(&contest.over, __ATOMIC_SEQ_CST) < begun)
		sched_yield();
	for (; over < begun; over++)
		if (__atomic_load_n(&contest.success[over % (64 * rounds)],
				    __ATOMIC_SEQ_CST))
			return true;
	return false;
}

static void contest_single(unsigned int seed)
{
	unsigned long i, over, begun;

	for (i = 0; i < rounds; i++) {
		over = __atomic_load_n(&contest.over, __ATOMIC_SEQ_CST);
		if (take(some_share(&seed), 1)) {
			give(some_share(&seed), 1);
			continue;
		}
		begun = __atomic_load_n(&contest.begun, __ATOMIC_SEQ_CST);
		__atomic_add_fetch(&contest.refused, 1, __ATOMIC_RELAXED);
		if (!contest_lost(over, begun))
			fail("refused because of one that was refused", i);
	}
}

static void *contest_thread(void *arg)
{
	if (!arg) {
		contest_bulk();
		return NULL;
	}
	contest_single((unsigned long)arg);
	if (!__atomic_sub_fetch(&contest.singles, 1, __ATOMIC_SEQ_CST))
		__atomic_store_n(&contest.done, true, __ATOMIC_SEQ_CST);
	return NULL;
}

static void compete(void)
{
	start(2);
	contest.success = calloc(64, rounds);
	run(contest_thread, 3);
	finish();
	free(contest.success);
}

int main(int argc, char **argv)
{
	rounds = argc > 1 ? strtoul(argv[1], NULL, 0) : 500000;
	printf("TAP version 13\n1..3\n");
	sure();
	report("sure: with room for all, nobody is refused");
	scarce();
	report("scarce: never more out than there are");
	compete();
	report("compete: a bulk that is refused refuses no one");
	fprintf(stderr, "# %lu bulks, %lu singles refused\n", contest.begun,
		contest.refused);
	return failures != 0;
}
