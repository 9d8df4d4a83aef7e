// SPDX-License-Identifier: GPL-2.0
/*
 * Usage: explore [--quick] [--whole] [--preemptions N] [--stale N] [--seconds N]
 *	[--list] [--replay CASE@SCHEDULE] [CASE...]
 *
 * Searches all executions of small programs around the C code of kmod/'s core,
 * within bounds, on a machine with a weak memory: schedule.c and machine.c say
 * how. Output is TAP. What goes wrong is said with a schedule, which is tried once
 * more; --replay does the same, and says each step. With --whole a case fails when
 * there is no time for all of it. Cases named known-* are of the explorer itself.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "schedule.h"

static struct {
	bool quick;
	bool whole;
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

/* Runs a schedule once more, with all that it may ask for. */
static void case_replay(const struct explore_case *which,
			struct search *search, const char *schedule)
{
	search->bounds = (struct bounds){ 1000, 1000, which->full.steps, 60 };
	search->replay = schedule;
	schedule_search(which, search, progress);
}

/* Whether a schedule does again what it was found to do. */
static bool does_again(const struct explore_case *which,
		       const struct search *found)
{
	struct search again = {};

	case_replay(which, &again, found->schedule);
	if (!strcmp(again.failure, found->failure))
		return true;
	printf("# NOT THE SAME when it is done again: %s\n",
	       again.failure[0] ? again.failure : "nothing");
	return false;
}

/* What there was to be found, and that again by its schedule. */
static bool case_good(const struct explore_case *which,
		      const struct search *search)
{
	if (!which->fails)
		return !search->failure[0];
	return strstr(search->failure, which->fails) &&
	       does_again(which, search);
}

static void case_say_failure(const struct explore_case *which,
			     const struct search *search)
{
	printf("# %s\n", search->failure[0] ? search->failure :
					       "nothing was found");
	if (search->failure[0] && !which->fails && does_again(which, search))
		printf("# again, step by step: --replay %s@%s\n", which->name,
		       search->schedule);
}

/* How much of what is within the bounds was searched. */
static bool case_search(const struct explore_case *which, unsigned int number,
			bool *part)
{
	struct search search = { .bounds = case_bounds(which) };
	double start = seconds();
	bool good;

	schedule_search(which, &search, progress);
	*part = !search.failure[0] && !search.finished;
	good = case_good(which, &search) && !(options.whole && *part);
	printf("%sok %u %s: %s%s\n", good ? "" : "not ", number, which->name,
	       which->what, *part ? ": PART ONLY, OUT OF TIME" :
	       good && which->fails ? ": found" : "");
	printf("#   %s %u preemptions, %u old values: %lu executions, %lu to the end, %lu states, %.1f s\n",
	       *part ? "a part of" : search.failure[0] ? "within" : "all of",
	       search.bounds.preemptions, search.bounds.stale,
	       search.executions, search.complete, search.states,
	       seconds() - start);
	if (!good && !*part)
		case_say_failure(which, &search);
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
	setvbuf(stdout, NULL, _IOLBF, 0);
	case_replay(which, &search, schedule);
	if (search.failure[0])
		printf("not ok 1 %s: %s\n", which->name, search.failure);
	else
		printf("ok 1 %s\n", which->name);
	return search.failure[0] != 0;
}

static int search_cases(char **names)
{
	unsigned int i, number = 0, failures = 0, parts = 0;
	const struct explore_case *which;
	bool part;

	for (i = 0; *names ? names[i] != NULL : explore_cases[i] != NULL; i++) {
		which = *names ? case_find(names[i]) : explore_cases[i];
		failures += !case_search(which, ++number, &part);
		parts += part;
	}
	printf("1..%u\n", number);
	if (parts)
		printf("# of %u of %u cases ONLY A PART was searched: more --seconds, or fewer --preemptions\n",
		       parts, number);
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
		{ "whole", no_argument, NULL, 'w' },
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
		case 'w': options.whole = true; break;
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
