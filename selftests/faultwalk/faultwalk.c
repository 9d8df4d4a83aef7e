// SPDX-License-Identifier: GPL-2.0
/*
 * Usage: mpmc_faultwalk [--list] [--only TEXT] [--stress SECONDS] [--verbose]
 *
 * Lets everything fail that can, one failure at a time, in every call of /dev/mpmc: see
 * walk.c. Prints a table: how many failure points each call has, how many of their
 * failures it failed with, and with what; at how many bad addresses it was tried, and
 * failed; and how many pages more there were in the end. With --stress, threads whose
 * calls fail at random, for so long, come after it. With --verbose the kernel's log has
 * where each failure was.
 */
#include <getopt.h>

#include "../mpmc_cgroup.h"
#include "fault.h"
#include "memory.h"
#include "stress.h"
#include "walk.h"

static const struct scene *const kinds[] = {
	device_scenes, name_scenes, queue_scenes, stream_scenes,
	producer_scenes, consumer_scenes, map_scenes, poll_scenes,
	uring_scenes, close_scenes,
};

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static const char *only = "";
static bool list;
static bool verbose;
static unsigned int stress_seconds;

struct total {
	unsigned int scenes;
	unsigned int failed;
	unsigned int points;
	unsigned int cuts;
};

static void heading(void)
{
	printf("# %-40s %6s %6s %6s %6s %6s %6s %6s %5s\n", "call", "points",
	       "ENOMEM", "EFAULT", "done", "badadr", "EFAULT", "pages", "s");
}

static void report(const struct scene *scene, const struct walked *walked,
		   bool ok, unsigned int number, double seconds)
{
	printf("# %-40s %6u %6u %6u %6u %6u %6u %+6ld %5.1f\n", scene->name,
	       walked->points, walked->nomem, walked->fault, walked->done,
	       walked->cuts, walked->cut_fault, walked->pages, seconds);
	printf("%sok %u %s\n", ok ? "" : "not ", number, scene->name);
	fflush(stdout);
}

static void one(const struct scene *scene, struct total *total)
{
	struct walked walked;
	__u64 start = now_ns();
	bool ok;

	if (!strstr(scene->name, only))
		return;
	total->scenes++;
	if (list) {
		printf("%s\n", scene->name);
		return;
	}
	ok = walk_scene(scene, &walked);
	report(scene, &walked, ok, total->scenes,
	       (double)(now_ns() - start) / NSEC_PER_SEC);
	total->failed += !ok;
	total->points += walked.points;
	total->cuts += walked.cuts;
}

static void all(struct total *total)
{
	const struct scene *scene;
	unsigned int i;

	for (i = 0; i < KINDS; i++)
		for (scene = kinds[i]; scene->name; scene++)
			one(scene, total);
}

/* What a user leaks of the few queues he may have, he misses at once. */
static void limit_queues(void)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", WORLD_QUEUES);
	must(file_write("/sys/module/mpmc/parameters", "max_queues", text));
}

static void options(int argc, char **argv)
{
	static const struct option known[] = {
		{ "list", no_argument, NULL, 'l' },
		{ "only", required_argument, NULL, 'o' },
		{ "verbose", no_argument, NULL, 'v' },
		{ "stress", required_argument, NULL, 's' },
		{}
	};
	int c;

	while ((c = getopt_long(argc, argv, "", known, NULL)) != -1) {
		if (c == 'l')
			list = true;
		else if (c == 'o')
			only = optarg;
		else if (c == 'v')
			verbose = true;
		else if (c == 's')
			stress_seconds = atoi(optarg);
		else
			exit(2);
	}
}

static void stress(struct total *total)
{
	bool ok = stress_run(stress_seconds);

	total->scenes++;
	total->failed += !ok;
	printf("%sok %u stress\n", ok ? "" : "not ", total->scenes);
}

int main(int argc, char **argv)
{
	struct total total = {};
	bool leaks;

	options(argc, argv);
	if (list) {
		all(&total);
		return 0;
	}
	if (!fault_available())
		return 4;
	memory_enter();
	fault_setup(verbose);
	limit_queues();
	heading();
	all(&total);
	if (stress_seconds)
		stress(&total);
	leaks = !fault_no_leaks();
	printf("# %u calls, %u failure points, %u bad addresses, %u failed%s\n",
	       total.scenes, total.points, total.cuts, total.failed,
	       leaks ? ", leaks" : "");
	return total.failed || leaks || !total.scenes;
}
