// SPDX-License-Identifier: GPL-2.0
/*
 * bench, native: /dev/mpmc, or a model of it, and its peers, all in one run
 *
 * Under each load every peer takes its turn in each round, so that whatever else
 * the machine does hits all alike. Before that comes a warm-up, in which each
 * finds out how many items take long enough to be measured. Progress goes to
 * stderr, the tables to stdout, of each load as soon as it is done.
 */
#include <fnmatch.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "bench.h"

struct cell cells[LOADS_MAX][PEERS_MAX];

static struct {
	unsigned int rounds;
	uint64_t round_ns;
	const char *only;
	const char *peers;
	const char *json;
} options = { .rounds = 7, .round_ns = 40000000 };

/* Whether a word is in a list with commas; all are in none. */
static bool listed(const char *list, const char *word)
{
	size_t len = strlen(word);
	const char *at = list;

	for (; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL)
		if (!strncmp(at, word, len) && (!at[len] || at[len] == ','))
			return true;
	return !list;
}

static bool load_wanted(const struct load *load)
{
	return listed(options.only, load_name(load)) ||
	       strstr(load_name(load), options.only) ||
	       !fnmatch(options.only, load_name(load), FNM_CASEFOLD);
}

static bool cell_wanted(unsigned int load, unsigned int peer)
{
	return load_wanted(&loads[load]) && load_fits(&loads[load], peers[peer]) &&
	       listed(options.peers, peers[peer]->name);
}

/* A line, once a second. */
static void progress(unsigned int load, unsigned int peer, unsigned int round)
{
	static uint64_t began, shown;
	uint64_t now = now_ns();

	if (!began)
		began = now;
	if (now - shown < 1000000000)
		return;
	shown = now;
	fprintf(stderr, "[%u/%u, %3llu s] %s, ", load + 1, load_count,
		(unsigned long long)(now - began) / 1000000000,
		load_name(&loads[load]));
	if (round)
		fprintf(stderr, "round %u of %u: ", round, options.rounds);
	else
		fprintf(stderr, "warm-up: ");
	fprintf(stderr, "%s\n", peers[peer]->title);
}

static struct outcome cell_round(struct cell *cell)
{
	static struct outcome (*const rounds[KINDS])(struct task *task) = {
		[KIND_STREAM] = stream_round,
		[KIND_DRAIN] = drain_round,
		[KIND_LATENCY] = latency_round,
		[KIND_POLL] = poll_round,
	};

	return rounds[cell->task.load->kind](&cell->task);
}

/* Many sides need longer, for each to have its turns on the CPUs. */
static uint64_t round_ns(const struct load *load)
{
	uint64_t ns = options.round_ns * (load->longer ? load->longer : 1);

	return load->producers + load->consumers > 2 ? ns * 2 : ns;
}

/*
 * All rounds use the same channels: what a new one has to find out first is not
 * to be measured in each.
 */
static void cell_open(struct cell *cell, const struct peer *peer,
		      const struct load *load)
{
	cell->task = (struct task){ .peer = peer, .load = load };
	cell->task.channel[0] = peer->open(load);
	if (load->kind == KIND_LATENCY)
		cell->task.channel[1] = peer->open(load);
}

static void cell_close(struct cell *cell)
{
	const struct peer *peer = cell->task.peer;

	peer->close(cell->task.channel[0]);
	if (cell->task.load->kind == KIND_LATENCY)
		peer->close(cell->task.channel[1]);
}

/* The warm-up: find out how many items take long enough. */
static void calibrate(struct cell *cell)
{
	double want = round_ns(cell->task.load), ns;
	uint64_t before;

	cell->task.items = 500;
	do {
		before = cell->task.items;
		ns = cell_round(cell).ns * cell->task.items;
		if (ns >= want / 3)
			break;
		cell->task.items *= ns * 10 < want ? 8 : 3;
	} while (cell->task.items > before);
	cell->task.items = cell->task.items * want / ns + 1;
	/* Once more: what is new goes by in the first tenth of a second. */
	cell_round(cell);
}

static void load_round(unsigned int load, unsigned int round)
{
	struct cell *cell;
	unsigned int i;

	for (i = 0; i < peer_count; i++) {
		if (!cell_wanted(load, i))
			continue;
		progress(load, i, round);
		cell = &cells[load][i];
		if (!round) {
			cell_open(cell, peers[i], &loads[load]);
			calibrate(cell);
		} else {
			cell->outcome[round - 1] = cell_round(cell);
		}
		cell->rounds = round;
		cell->known = round;
	}
}

static void load_measure(unsigned int load)
{
	unsigned int round, i;

	for (round = 0; round <= options.rounds; round++)
		load_round(load, round);
	for (i = 0; i < peer_count; i++)
		if (cell_wanted(load, i))
			cell_close(&cells[load][i]);
}

static void load_weigh(unsigned int load, bool possible)
{
	unsigned int i;

	if (!possible && load_wanted(&loads[load]))
		fprintf(stderr, "bench: memory is not measured: that takes root and cgroup v2\n");
	for (i = 0; i < peer_count; i++) {
		if (!possible || !cell_wanted(load, i))
			continue;
		progress(load, i, 0);
		cells[load][i].known = memory_measure(peers[i], &loads[load],
						      &cells[load][i].footprint);
	}
}

static void measure_all(void)
{
	bool weighs = memory_prepare();
	unsigned int i;

	for (i = 0; i < load_count; i++) {
		if (loads[i].kind == KIND_MEMORY)
			load_weigh(i, weighs);
		else
			load_measure(i);
		report_load(stdout, i);
	}
}

/* Marked for those who get stdout only, as out of a guest. */
static void json_write(void)
{
	FILE *to = stdout;

	if (!options.json)
		return;
	if (!strcmp(options.json, "-")) {
		printf("\n--- JSON\n");
		json_print(stdout);
		printf("--- end of JSON\n");
		return;
	}
	to = fopen(options.json, "w");
	if (!to)
		die_errno(options.json);
	json_print(to);
	if (fclose(to))
		die_errno(options.json);
}

static void list(void)
{
	unsigned int i;

	printf("Loads:\n");
	for (i = 0; i < load_count; i++)
		printf("  %-10s %s\n", load_name(&loads[i]),
		       load_title(&loads[i]));
	printf("Peers:\n");
	for (i = 0; i < peer_count; i++)
		printf("  %-17s %s: %s\n", peers[i]->name, peers[i]->title,
		       peers[i]->how);
}

static void usage(void)
{
	fprintf(stderr,
		"Usage: bench|native [OPTION]...\n"
		"Measures /dev/mpmc and its peers.\n\n"
		"  --rounds N      that are counted (default 7)\n"
		"  --round-ms N    how long each takes, of two sides; of more twice that (default 40)\n"
		"  --quick         5 rounds, and short ones: about a minute\n"
		"  --only PATTERN  those loads alone whose names have it in them, or match it\n"
		"  --only A,B      those alone\n"
		"  --peers A,B     those alone\n"
		"  --json FILE     the results for programs, too; -: on stdout, marked\n"
		"  --list          loads and peers, and do nothing\n");
	exit(2);
}

static void arguments(int argc, char **argv)
{
	static const struct option known[] = {
		{ "rounds", required_argument, NULL, 'r' },
		{ "round-ms", required_argument, NULL, 'm' },
		{ "quick", no_argument, NULL, 'q' },
		{ "only", required_argument, NULL, 'o' },
		{ "peers", required_argument, NULL, 'p' },
		{ "json", required_argument, NULL, 'j' },
		{ "list", no_argument, NULL, 'l' },
		{ 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "", known, NULL)) != -1) {
		switch (c) {
		case 'r':
			options.rounds = atoi(optarg);
			break;
		case 'm':
			options.round_ns = strtoull(optarg, NULL, 10) * 1000000;
			break;
		case 'q':
			options.rounds = 5;
			options.round_ns = 10000000;
			break;
		case 'o':
			options.only = optarg;
			break;
		case 'p':
			options.peers = optarg;
			break;
		case 'j':
			options.json = optarg;
			break;
		case 'l':
			list();
			exit(0);
		default:
			usage();
		}
	}
	if (optind != argc || !options.rounds || !options.round_ns || options.rounds > ROUNDS_MAX)
		usage();
}

int main(int argc, char **argv)
{
	struct utsname system;

	arguments(argc, argv);
	uname(&system);
	printf("%s\nLinux %s, %ld CPUs, %u rounds; \"takes\": how many times as long as the first one\n",
	       plan_title, system.release, sysconf(_SC_NPROCESSORS_ONLN),
	       options.rounds);
	measure_all();
	target_print(stdout);
	json_write();
	return 0;
}
