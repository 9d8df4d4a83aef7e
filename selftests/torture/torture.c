// SPDX-License-Identifier: GPL-2.0
/*
 * The SIGKILL torture: processes that put and take are killed at random, about
 * once a millisecond, and replaced; nothing may be lost, twice, late or stuck.
 *
 * torture [--mode ioctl|token|mapped|peek|all] [--setup NAME] [--kills N]
 *	   [--seed S] [--interval-us U] [--peers]
 *
 * Prints TAP: a test for each mode and setup, between which --kills is divided.
 * With --peers the same is done to other things that processes use, --kills of
 * each, and a table says how they took it. The same seed makes the same
 * processes do the same, and be killed in the same order; not at the same
 * instruction.
 */
#include <getopt.h>
#include <string.h>

#include "crew.h"
#include "peers.h"

#define PATIENCE_NS (10 * NSEC_PER_SEC)

static const struct channel_type *const modes[] = {
	&queue_ioctl, &queue_token, &queue_mapped, &queue_peek,
};

/* What makes both sides sleep, and share, and move things about. */
static const struct setup setups[] = {
	{ .name = "roomy", .capacity = 65536, .bulk = 64,
	  .producers = 3, .consumers = 3 },
	{ .name = "strict", .capacity = 1000, .segments = 1, .ring = 64,
	  .bulk = 32, .producers = 3, .consumers = 3 },
	{ .name = "tight", .capacity = 16, .ring = 1, .bulk = 4,
	  .producers = 3, .consumers = 3 },
	{ .name = "crowded", .capacity = 5, .segments = 1, .ring = 2, .bulk = 2,
	  .producers = 4, .consumers = 4 },
	{ .name = "hungry", .capacity = 4096, .bulk = 64,
	  .producers = 3, .consumers = 3,
	  .produce = PACE_AWAY, .consume = PACE_BUSY },
	{ .name = "hoarding", .capacity = 4096, .segments = 2, .ring = 4096,
	  .bulk = 256, .producers = 2, .consumers = 4 },
};

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

struct options {
	const char *mode;
	const char *setup;
	uint32_t kills;
	uint64_t seed;
	uint64_t interval_us;
	bool peers;
};

static bool chosen(const char *option, const char *name)
{
	return !option || !strcmp(option, "all") || !strcmp(option, name);
}

/* --- A run --- */

static bool run(const struct order *order, uint64_t seed, int number)
{
	const struct setup *setup = order->setup;
	struct outcome outcome;
	bool ok;

	if (order->type->supported && !order->type->supported()) {
		printf("ok %d %s %s # SKIP the module does not have it\n",
		       number, order->type->name, setup->name);
		return true;
	}
	crew_torture(order, &outcome);
	outcome_report(&outcome);
	ok = outcome_right(order, &outcome);
	if (!ok)
		printf("# again: --mode %s --setup %s --kills %u --interval-us %llu --seed %llu\n",
		       order->type->name, setup->name, order->kills,
		       (unsigned long long)(order->interval_ns / NSEC_PER_USEC),
		       (unsigned long long)seed);
	printf("%sok %d %s %s\n", ok ? "" : "not ", number, order->type->name,
	       setup->name);
	return ok;
}

/* --- All runs --- */

static int count_tests(const struct options *options)
{
	int mode, setup, n = 0;

	for (mode = 0; mode < COUNT(modes); mode++)
		for (setup = 0; setup < COUNT(setups); setup++)
			n += chosen(options->mode, modes[mode]->name) &&
			     chosen(options->setup, setups[setup].name);
	return n;
}

static bool run_test(const struct options *options, int tests, int mode,
		     int setup, int number)
{
	struct order order = {
		.type = modes[mode],
		.setup = &setups[setup],
		.kills = (options->kills + tests - 1) / tests,
		.interval_ns = options->interval_us * NSEC_PER_USEC,
		.patience_ns = PATIENCE_NS,
		.still = true,
		.seed = random_branch(options->seed,
				      mode * COUNT(setups) + setup),
	};

	return run(&order, options->seed, number);
}

static bool run_tests(const struct options *options)
{
	int tests = count_tests(options), number = 0, mode, setup;
	bool ok = tests > 0;

	printf("TAP version 13\n1..%d\n# seed %llu\n", tests,
	       (unsigned long long)options->seed);
	for (mode = 0; mode < COUNT(modes); mode++)
		for (setup = 0; setup < COUNT(setups); setup++)
			if (chosen(options->mode, modes[mode]->name) &&
			    chosen(options->setup, setups[setup].name))
				ok &= run_test(options, tests, mode, setup,
					       ++number);
	return ok;
}

/* --- The command line --- */

static _Noreturn void usage(void)
{
	fputs("usage: torture [--mode ioctl|token|mapped|peek|all] [--setup NAME]\n"
	      "\t[--kills N] [--seed S] [--interval-us U] [--peers]\n",
	      stderr);
	exit(2);
}

static uint64_t number(const char *text)
{
	char *end;
	uint64_t value = strtoull(text, &end, 0);

	if (!*text || *end)
		usage();
	return value;
}

static void option(struct options *options, int letter)
{
	switch (letter) {
	case 'm':
		options->mode = optarg;
		break;
	case 'c':
		options->setup = optarg;
		break;
	case 'k':
		options->kills = number(optarg);
		break;
	case 's':
		options->seed = number(optarg);
		break;
	case 'i':
		options->interval_us = number(optarg);
		break;
	case 'p':
		options->peers = true;
		break;
	default:
		usage();
	}
}

int main(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "mode", required_argument, NULL, 'm' },
		{ "setup", required_argument, NULL, 'c' },
		{ "kills", required_argument, NULL, 'k' },
		{ "seed", required_argument, NULL, 's' },
		{ "interval-us", required_argument, NULL, 'i' },
		{ "peers", no_argument, NULL, 'p' },
		{ },
	};
	struct options options = {
		.kills = 1000, .seed = now_ns(), .interval_us = 1000,
	};
	int letter;

	/* A child that is forked must not print again what waits here. */
	setvbuf(stdout, NULL, _IOLBF, 0);
	while ((letter = getopt_long(argc, argv, "", longs, NULL)) != -1)
		option(&options, letter);
	if (optind < argc)
		usage();
	if (options.peers)
		return !peers_run(options.kills, options.interval_us,
				  options.seed);
	if (!count_tests(&options))
		usage();
	return !run_tests(&options);
}
