// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * performance_benchmark: queues against pipes and POSIX message queues
 *
 * Every load is run by each peer in turn, in many short rounds, so that
 * whatever else the machine does hits all alike. The first round finds out how
 * many items take long enough to be measured, and is not counted. Progress
 * goes to stderr; medians go to stdout, and of how many times as fast a queue
 * is as its peer in the same round, the median too.
 *
 * Every call blocks, for all peers alike. Each has its best: as much room as
 * the system grants, the largest writes that the load allows.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "bench.h"
#include "common.h"

#define MAX_ROUNDS 101
#define PEERS 4
#define MANY 4

/* Nanoseconds per item. */
struct result {
	uint64_t items; /* in a run */
	double ns[MAX_ROUNDS]; /* by round */
	double median, min, max;
};

/* What is run in turn, and compared. The first one is a plain queue. */
struct group {
	const char *title;
	struct load loads[PEERS];
	struct result results[PEERS];
};

static struct group groups[] = {
	{ .title = "One thread, sending and receiving in turn, 1 item at a time",
	  .loads = { { &queue_peer, 1, 0, 0, false },
		     { &token_peer, 1, 0, 0, false },
		     { &pipe_peer, 1, 0, 0, false },
		     { &mq_peer, 1, 0, 0, false } } },
	{ .title = "One thread, sending and receiving in turn, 1000 items at a time",
	  .loads = { { &queue_peer, BULK, 0, 0, false },
		     { &token_peer, BULK, 0, 0, false },
		     { &pipe_peer, BULK, 0, 0, false } } },
	{ .title = "A producer and a consumer process, 1 item at a time",
	  .loads = { { &queue_peer, 1, 1, 1, false },
		     { &token_peer, 1, 1, 1, false },
		     { &pipe_peer, 1, 1, 1, false },
		     { &mq_peer, 1, 1, 1, false } } },
	{ .title = "A producer and a consumer process, 1000 items at a time",
	  .loads = { { &queue_peer, BULK, 1, 1, false },
		     { &token_peer, BULK, 1, 1, false },
		     { &pipe_peer, BULK, 1, 1, false } } },
	{ .title = "A producer and a consumer thread, 1 item at a time",
	  .loads = { { &queue_peer, 1, 1, 1, true },
		     { &token_peer, 1, 1, 1, true },
		     { &pipe_peer, 1, 1, 1, true },
		     { &mq_peer, 1, 1, 1, true } } },
	{ .title = "4 producer and 4 consumer processes, 1 item at a time",
	  .loads = { { &queue_peer, 1, MANY, MANY, false },
		     { &token_peer, 1, MANY, MANY, false },
		     { &pipe_peer, 1, MANY, MANY, false },
		     { &mq_peer, 1, MANY, MANY, false } } },
	{ .title = "4 producer and 4 consumer threads, 1 item at a time",
	  .loads = { { &queue_peer, 1, MANY, MANY, true },
		     { &token_peer, 1, MANY, MANY, true },
		     { &pipe_peer, 1, MANY, MANY, true },
		     { &mq_peer, 1, MANY, MANY, true } } },
	{ .title = "4 producer and 4 consumer processes, 1000 items at a time "
		   "(pipe: 512, as many as it keeps together)",
	  .loads = { { &queue_peer, BULK, MANY, MANY, false },
		     { &token_peer, BULK, MANY, MANY, false },
		     { &pipe_peer, PIPE_BULK, MANY, MANY, false } } },
};

#define GROUPS (sizeof(groups) / sizeof(groups[0]))
#define GROUPS_END (groups + GROUPS)

static unsigned int rounds = 31;
static uint64_t run_ns = 25000000; /* so long a run should take */
static const char *json_path;

static bool has_load(const struct group *group, unsigned int peer)
{
	return peer < PEERS && group->loads[peer].peer;
}

/* --- Running --- */

/* A line, once a second. */
static void progress(const struct group *group, unsigned int round)
{
	static uint64_t shown;
	uint64_t now = now_ns();

	if (now - shown < 1000000000)
		return;
	shown = now;
	fprintf(stderr, "[%td/%zu] round %u of %u: %s\n", group - groups + 1,
		GROUPS, round, rounds, group->title);
}

/* The warm-up: find out how many items take long enough. */
static void calibrate(const struct load *load, struct result *result)
{
	uint64_t ns;

	result->items = 1000;
	for (;;) {
		ns = load_run(load, &result->items);
		if (ns >= run_ns / 2)
			break;
		result->items *= ns * 8 < run_ns ? 8 : 2;
	}
	result->items = result->items * run_ns / ns + 1;
}

static void run_group(struct group *group)
{
	struct result *result;
	unsigned int round, i;

	for (round = 0; round <= rounds; round++) {
		for (i = 0; has_load(group, i); i++) {
			progress(group, round);
			result = &group->results[i];
			if (!round)
				calibrate(&group->loads[i], result);
			else
				result->ns[round - 1] =
					load_run(&group->loads[i],
						 &result->items) /
					(double)result->items;
		}
	}
}

static int compare_doubles(const void *a, const void *b)
{
	const double *one = a, *other = b;

	return (*one > *other) - (*one < *other);
}

/* The median; puts them in order. */
static double median(double *values)
{
	qsort(values, rounds, sizeof(*values), compare_doubles);
	return (values[(rounds - 1) / 2] + values[rounds / 2]) / 2;
}

static void evaluate(struct result *result)
{
	double ns[MAX_ROUNDS];

	memcpy(ns, result->ns, sizeof(ns));
	result->median = median(ns);
	result->min = ns[0];
	result->max = ns[rounds - 1];
}

/* How many times as fast one is as the other, round by round. */
static double speedup(const struct group *group, unsigned int mine,
		      unsigned int other)
{
	double times[MAX_ROUNDS];
	unsigned int i;

	for (i = 0; i < rounds; i++)
		times[i] = group->results[other].ns[i] /
			   group->results[mine].ns[i];
	return median(times);
}

/* --- Showing --- */

/* Who has less room than the others sleeps more often. */
static void print_room(void)
{
	static const struct peer *const peers[] = {
		&queue_peer, &pipe_peer, &mq_peer,
	};
	struct channel channel;
	unsigned int i;

	printf("Room in items, as far as it was granted (root gets most):");
	for (i = 0; i < sizeof(peers) / sizeof(peers[0]); i++) {
		check(peers[i]->open(&channel), peers[i]->name);
		printf("%s %s %llu", i ? "," : "", peers[i]->name,
		       peers[i]->room(&channel));
		peers[i]->close(&channel);
	}
	putchar('\n');
}

static void print_group(const struct group *group)
{
	const struct result *result;
	unsigned int i;

	printf("\n%s\n", group->title);
	printf("  %-20s %9s %19s %10s %9s %9s\n", "", "ns/item", "min .. max",
	       "M items/s", "queue", "tokens");
	for (i = 0; has_load(group, i); i++) {
		result = &group->results[i];
		printf("  %-20s %9.1f %8.1f .. %7.1f %10.2f",
		       group->loads[i].peer->name, result->median, result->min,
		       result->max, 1e3 / result->median);
		if (i >= 2)
			printf(" %8.2fx %8.2fx", speedup(group, 0, i),
			       speedup(group, 1, i));
		putchar('\n');
	}
}

/* The groups and peers that a promise was made about. */
static const struct {
	unsigned int group, peer;
	double times;
} targets[] = {
	{ 0, 2, 2 }, { 0, 3, 3 }, { 1, 2, 1 },
	{ 2, 2, 2 }, { 2, 3, 3 }, { 3, 2, 1 },
};

static void print_targets(void)
{
	const struct group *group;
	unsigned int i;
	double times;

	printf("\nTargets, for a queue without tokens\n");
	for (i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
		group = &groups[targets[i].group];
		times = speedup(group, 0, targets[i].peer);
		printf("  %-11s %4u at a time: %5.2f times a %s, at least %.0f wanted: %s\n",
		       group->loads[0].producers ? "processes" : "one thread",
		       group->loads[0].bulk, times,
		       group->loads[targets[i].peer].peer->name,
		       targets[i].times,
		       times >= targets[i].times ? "met" : "MISSED");
	}
}

static void print_footprint(const struct footprint *footprint)
{
	printf("\nMemory of an idle queue, all that is charged for it\n");
	if (!footprint) {
		printf("  not measured: that takes root and cgroup v2\n");
		return;
	}
	printf("  just made %.1f KiB, with one item %.1f KiB, drained again %.1f KiB\n",
	       footprint->fresh / 1024, footprint->one / 1024,
	       footprint->drained / 1024);
	printf("  16 KiB wanted, and a page more with a segment in use: %s\n",
	       footprint->fresh <= 16384 && footprint->one <= 20480 &&
			       footprint->drained <= 20480 ?
		       "met" :
		       "MISSED");
}

/* --- JSON --- */

static void json_load(FILE *to, const struct group *group, unsigned int i)
{
	const struct load *load = &group->loads[i];
	const struct result *result = &group->results[i];

	fprintf(to,
		"%s    {\"group\": \"%s\", \"peer\": \"%s\", \"bulk\": %u, "
		"\"producers\": %u, \"consumers\": %u, \"threads\": %s,\n"
		"     \"ns_per_item\": {\"median\": %.2f, \"min\": %.2f, \"max\": %.2f}}",
		group == groups && !i ? "" : ",\n", group->title,
		load->peer->name, load->bulk, load->producers, load->consumers,
		load->threads ? "true" : "false", result->median, result->min,
		result->max);
}

static void json_write(const struct footprint *footprint)
{
	const struct group *group;
	struct utsname system;
	FILE *to = fopen(json_path, "w");
	unsigned int i;

	if (!to)
		die_errno(json_path);
	uname(&system);
	fprintf(to, "{\n  \"kernel\": \"%s\",\n  \"cpus\": %ld,\n"
		    "  \"rounds\": %u,\n  \"loads\": [\n",
		system.release, sysconf(_SC_NPROCESSORS_ONLN), rounds);
	for (group = groups; group < GROUPS_END; group++)
		for (i = 0; has_load(group, i); i++)
			json_load(to, group, i);
	fprintf(to, "\n  ],\n  \"idle_queue_bytes\": ");
	if (footprint)
		fprintf(to, "{\"fresh\": %.0f, \"one\": %.0f, \"drained\": %.0f}",
			footprint->fresh, footprint->one, footprint->drained);
	else
		fprintf(to, "null");
	fprintf(to, "\n}\n");
	if (fclose(to))
		die_errno(json_path);
}

/* --- Setting out --- */

static void usage(void)
{
	fprintf(stderr,
		"Usage: performance_benchmark [OPTION]...\n"
		"Measures queues, pipes and POSIX message queues.\n\n"
		"  -r, --rounds N   that are counted (default 31)\n"
		"  -q, --quick      7 rounds, and short ones\n"
		"  -j, --json FILE  the results in a machine's language\n");
	exit(2);
}

static void arguments(int argc, char **argv)
{
	static const struct option options[] = {
		{ "rounds", required_argument, NULL, 'r' },
		{ "quick", no_argument, NULL, 'q' },
		{ "json", required_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "r:qj:h", options, NULL)) != -1) {
		if (c == 'r') {
			rounds = atoi(optarg);
		} else if (c == 'q') {
			rounds = 7;
			run_ns = 10000000;
		} else if (c == 'j') {
			json_path = optarg;
		} else {
			usage();
		}
	}
	if (optind != argc || !rounds || rounds > MAX_ROUNDS)
		usage();
}

int main(int argc, char **argv)
{
	struct footprint measured, *footprint = NULL;
	struct group *group;
	unsigned int i;

	arguments(argc, argv);
	for (group = groups; group < GROUPS_END; group++) {
		run_group(group);
		for (i = 0; has_load(group, i); i++)
			evaluate(&group->results[i]);
	}
	if (footprint_measure(&measured))
		footprint = &measured;
	printf("%u rounds on %ld CPUs; the last two columns: how many times as "
	       "fast a queue is, without and with tokens\n", rounds,
	       sysconf(_SC_NPROCESSORS_ONLN));
	print_room();
	for (group = groups; group < GROUPS_END; group++)
		print_group(group);
	print_targets();
	print_footprint(footprint);
	if (json_path)
		json_write(footprint);
	return 0;
}
