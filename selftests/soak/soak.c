// SPDX-License-Identifier: GPL-2.0
/*
 * The soak: a mixed load for minutes, in all sorts of trouble
 *
 * mpmc_soak [--seconds N] [--round SECONDS] [--seed S]
 *
 * Producers and consumers work on queues in all modes, and are killed at random,
 * and replaced; others make and destroy queues; and meanwhile CPUs go offline and
 * come back, half of all workers freeze and thaw, and there is little memory or
 * none. Now and then everything comes to rest: nothing may be lost, or have come
 * twice, or be stuck, and memory has to be what it was after the first round.
 *
 * Prints TAP. The first thing that is wrong ends it.
 */
#include <getopt.h>
#include <string.h>
#include <sys/mman.h>

#include "soak.h"

#define REPORT_NS (10 * NSEC_PER_SEC)
#define TEND_NS (50 * NSEC_PER_MSEC)

static struct soak *soak;
static uint64_t started;

static double seconds(void)
{
	return (now_ns() - started) / 1e9;
}

/* --- How far it is --- */

static struct {
	uint64_t kills;
	uint64_t received;
	uint64_t no_memory;
} before; /* in earlier rounds */

static void add_views(uint64_t *kills, uint64_t *received, uint64_t *no_memory)
{
	int i;

	*kills = before.kills;
	*received = before.received;
	*no_memory = before.no_memory;
	for (i = 0; i < LOADS; i++) {
		*kills += soak->views[i].kills;
		*received += soak->views[i].received;
		*no_memory += soak->views[i].no_memory;
	}
}

static void report(const char *what)
{
	uint64_t kills, received, no_memory;

	add_views(&kills, &received, &no_memory);
	printf("# %.0f s, %s: %llu items, %llu kills; %llu CPUs off, %llu freezes, %llu squeezes, %llu hogs, %llu reclaims; no memory %llu + %llu times; churned %llu queues, %llu items, %llu kills\n",
	       seconds(), what, (unsigned long long)received,
	       (unsigned long long)kills, (unsigned long long)soak->cpus_off,
	       (unsigned long long)soak->freezes,
	       (unsigned long long)soak->squeezes,
	       (unsigned long long)soak->hogs,
	       (unsigned long long)soak->reclaims,
	       (unsigned long long)no_memory,
	       (unsigned long long)soak->churn_no_memory,
	       (unsigned long long)soak->churned,
	       (unsigned long long)soak->churn_items,
	       (unsigned long long)soak->churn_kills);
}

/* --- Rounds --- */

static bool failing(void)
{
	return soak->faults || loads_failing(soak);
}

/* Whether something new has been received. */
static bool received_more(uint64_t *received, uint64_t *when)
{
	uint64_t kills, now, no_memory;

	add_views(&kills, &now, &no_memory);
	if (now == *received)
		return false;
	*received = now;
	*when = now_ns();
	return true;
}

static void work(uint64_t until, uint64_t *seed)
{
	static uint64_t told;
	uint64_t received = 0, when = now_ns();

	while (now_ns() < until && !failing()) {
		nap(TEND_NS);
		churn_tend(soak, seed);
		if (!received_more(&received, &when) &&
		    now_ns() > when + PATIENCE_NS)
			soak_fault(soak, "nobody receives anything");
		if (now_ns() < told + REPORT_NS)
			continue;
		told = now_ns();
		report("at work");
	}
}

/* Everybody comes to an end. */
static void come_to_rest(void)
{
	uint64_t end = now_ns() + 4 * PATIENCE_NS;
	int i;

	troubles_rest(soak);
	churn_stop(soak);
	for (i = 0; i < LOADS; i++)
		soak->views[i].end = true;
	while (!loads_ended(soak) && now_ns() < end)
		nap(10 * NSEC_PER_MSEC);
	loads_stop();
}

static void check_users(void)
{
	unsigned int n = user_queues(0, loads_kept() + 1);
	int i;

	/* The freezer has one. */
	if (n != loads_kept() + 1)
		soak_fault(soak, "root has %u queues, should have %u", n,
			   loads_kept() + 1);
	for (i = 0; i < CHURNERS; i++) {
		n = user_queues(churn_user(i), 0);
		if (n)
			soak_fault(soak, "user %u has %u queues, and they have gone",
				   churn_user(i), n);
	}
}

static void round_run(uint32_t number, uint32_t rounds, uint64_t ns,
		      uint64_t *seed)
{
	uint64_t kills, received, no_memory;

	loads_begin(soak, number, number == rounds, random_next(seed));
	churn_begin(soak, random_next(seed));
	troubles_begin(soak);
	work(now_ns() + ns, seed);
	come_to_rest();
	loads_judge(soak, number);
	add_views(&kills, &received, &no_memory);
	before.kills = kills;
	before.received = received;
	before.no_memory = no_memory;
	memset(soak->views, 0, sizeof(soak->views));
	check_users();
	if (number == 1)
		gauge_first();
	else
		gauge_next();
}

/* --- The end --- */

static bool tell(int *test, bool right, const char *what)
{
	printf("%sok %d %s\n", right ? "" : "not ", ++*test, what);
	return right;
}

/* Who was killed last is still closing his files. */
static bool module_unused(void)
{
	uint64_t end = now_ns() + PATIENCE_NS;

	while (file_number("/sys/module/mpmc/refcnt", "")) {
		if (now_ns() > end)
			return false;
		nap(10 * NSEC_PER_MSEC);
	}
	return true;
}

static int summary(void)
{
	int test = 0;
	bool ok;

	report("all in all");
	ok = loads_report(&test);
	ok &= gauge_report(&test);
	ok &= tell(&test, !soak->faults, "nobody saw anything wrong");
	ok &= tell(&test, soak->cpus_off || !cpus_count(), "CPUs went offline");
	ok &= tell(&test, soak->freezes && soak->probes, "workers froze");
	ok &= tell(&test, soak->squeezes || soak->hogs, "memory was short");
	ok &= tell(&test, soak->churned && soak->churn_kills,
		   "queues were made and destroyed");
	ok &= tell(&test, module_unused(), "the module is not in use any more");
	printf("1..%d\n", test);
	return !ok;
}

static void begin(uint64_t seed)
{
	soak = mmap(NULL, sizeof(*soak), PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	must(soak != MAP_FAILED);
	started = now_ns();
	memory_prepare();
	groups_make();
	loads_make();
	troubles_start(soak, seed);
}

static void end(void)
{
	troubles_stop();
	loads_release();
}

/* --- The command line --- */

static _Noreturn void usage(void)
{
	fputs("usage: mpmc_soak [--seconds N] [--round SECONDS] [--seed S]\n",
	      stderr);
	exit(2);
}

static uint64_t number(const char *text)
{
	char *rest;
	uint64_t value = strtoull(text, &rest, 0);

	if (!*text || *rest)
		usage();
	return value;
}

int main(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "seconds", required_argument, NULL, 's' },
		{ "round", required_argument, NULL, 'r' },
		{ "seed", required_argument, NULL, 'S' },
		{ },
	};
	uint64_t seed = now_ns(), length = 30, each = 20;
	uint32_t i, rounds;
	int letter, ret;

	while ((letter = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (letter == '?')
			usage();
		*(letter == 's' ? &length : letter == 'r' ? &each : &seed) =
			number(optarg);
	}
	if (optind < argc || !each || length < 2)
		usage();
	rounds = length / each > 3 ? length / each : 3;
	/* A child that is forked must not print again what waits here. */
	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("TAP version 13\n# seed %llu, %u rounds\n",
	       (unsigned long long)seed, rounds);
	begin(seed);
	seed = random_branch(seed, TROUBLES);
	for (i = 1; i <= rounds && !soak->faults; i++)
		round_run(i, rounds, length * NSEC_PER_SEC / rounds, &seed);
	end();
	ret = summary();
	groups_remove();
	return ret;
}
