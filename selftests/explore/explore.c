// SPDX-License-Identifier: GPL-2.0
/*
 * Usage: explore [--quick] [--preemptions N] [--stale N] [--seconds N]
 *	[--list] [--replay CASE@SCHEDULE] [CASE...]
 *
 * Searches all executions of small programs around the C code of kmod/'s core,
 * within bounds, on a machine with a weak memory: schedule.c and machine.c say
 * how. Output is TAP. What goes wrong is said with a schedule; --replay does the
 * same once more, and says each step.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "schedule.h"

static struct {
	bool quick;
	bool list;
	int preemptions;
	int stale;
	int seconds;
	char *replay;
	bool named; /* cases are */
} options = { .preemptions = -1, .stale = -1, .seconds = -1 };

static const struct explore_case *case_find(const char *name)
{
	unsigned int i;

	for (i = 0; explore_cases[i]; i++)
		if (!strcmp(explore_cases[i]->name, name))
			return explore_cases[i];
	fprintf(stderr, "explore: there is no case %s, see --list\n", name);
	exit(2);
}

static struct bounds case_bounds(const struct explore_case *which)
{
	struct bounds bounds = options.quick ? which->quick : which->full;

	if (options.preemptions >= 0)
		bounds.preemptions = options.preemptions;
	if (options.stale >= 0)
		bounds.stale = options.stale;
	if (options.seconds >= 0)
		bounds.seconds = options.seconds;
	return bounds;
}

static void progress(const struct search *search)
{
	printf("#   %lu executions, %lu states ...\n", search->executions,
	       search->states);
	fflush(stdout);
}

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec + now.tv_nsec / 1e9;
}

/* A search that the time was too short for has found nothing, and says so. */
static bool case_search(const struct explore_case *which, unsigned int number)
{
	struct search search = { .bounds = case_bounds(which) };
	double start = seconds();
	bool good;

	schedule_search(which, &search, progress);
	good = !search.failure[0];
	printf("%sok %u %s: %s\n", good ? "" : "not ", number, which->name,
	       which->what);
	printf("#   %u preemptions, %u old values: %lu executions, %lu to the end, %lu states, %.1f s%s\n",
	       search.bounds.preemptions, search.bounds.stale,
	       search.executions, search.complete, search.states,
	       seconds() - start,
	       good && !search.finished ? ", NOT ALL: out of time" : "");
	if (!good)
		printf("# %s\n# again, step by step: --replay %s@%s\n",
		       search.failure, which->name, search.schedule);
	fflush(stdout);
	return good;
}

static int replay(void)
{
	char *schedule = strchr(options.replay, '@');
	struct search search = { .trace = true };
	const struct explore_case *which;

	if (!schedule) {
		fprintf(stderr, "explore: --replay CASE@SCHEDULE\n");
		return 2;
	}
	*schedule++ = 0;
	which = case_find(options.replay);
	search.bounds = (struct bounds){ 1000, 1000, 5000, 60 };
	search.replay = schedule;
	setvbuf(stdout, NULL, _IOLBF, 0);
	schedule_search(which, &search, progress);
	if (search.failure[0])
		printf("not ok 1 %s: %s\n", which->name, search.failure);
	else
		printf("ok 1 %s\n", which->name);
	return search.failure[0] != 0;
}

static int search_cases(char **names)
{
	unsigned int i, number = 0, failures = 0;

	for (i = 0; !*names && explore_cases[i]; i++)
		failures += !case_search(explore_cases[i], ++number);
	for (; *names; names++)
		failures += !case_search(case_find(*names), ++number);
	printf("1..%u\n", number);
	return failures != 0;
}

static int list(void)
{
	unsigned int i;

	for (i = 0; explore_cases[i]; i++)
		printf("%-18s %s\n", explore_cases[i]->name,
		       explore_cases[i]->what);
	return 0;
}

static void options_read(int argc, char **argv)
{
	static const struct option known[] = {
		{ "quick", no_argument, NULL, 'q' },
		{ "list", no_argument, NULL, 'l' },
		{ "preemptions", required_argument, NULL, 'p' },
		{ "stale", required_argument, NULL, 's' },
		{ "seconds", required_argument, NULL, 't' },
		{ "replay", required_argument, NULL, 'r' },
		{}
	};
	int option;

	while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
		switch (option) {
		case 'q': options.quick = true; break;
		case 'l': options.list = true; break;
		case 'p': options.preemptions = atoi(optarg); break;
		case 's': options.stale = atoi(optarg); break;
		case 't': options.seconds = atoi(optarg); break;
		case 'r': options.replay = optarg; break;
		default: exit(2);
		}
	}
}

int main(int argc, char **argv)
{
	options_read(argc, argv);
	if (options.list)
		return list();
	schedule_init();
	return options.replay ? replay() : search_cases(argv + optind);
}
