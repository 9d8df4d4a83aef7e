// SPDX-License-Identifier: GPL-2.0
/*
 * The fuzzer's command line
 */
#include <getopt.h>

#include "fuzz.h"

static const char usage[] =
"Usage: mpmc_fuzz [OPTION]...\n"
"\n"
"Runs programs of calls on /dev/mpmc until it is told to stop, and fails if the\n"
"kernel complains, a program hangs, or what must be true between two is not.\n"
"\n"
"  --calls N       stop after so many calls\n"
"  --seconds N     or so much time\n"
"  --seed N        which programs (1)\n"
"  --workers N     processes that run programs at a time (2); each has two threads\n"
"  --from N        begin with this program\n"
"  --count N       so many of each worker's\n"
"  --worker N      this worker's programs alone\n"
"  --corpus LOG    what was kept, as an earlier run printed it: to run that again\n"
"  --program HEX   this program alone, as it was printed\n"
"  --unguided      don't look at what is reached (KCOV)\n"
"  --quiet         don't print what is kept\n"
"  --hang N        a program that takes longer than so many seconds hangs (60)\n";

static const struct option longopts[] = {
	{ "calls", required_argument, NULL, 'n' },
	{ "seconds", required_argument, NULL, 't' },
	{ "seed", required_argument, NULL, 's' },
	{ "workers", required_argument, NULL, 'w' },
	{ "from", required_argument, NULL, 'f' },
	{ "count", required_argument, NULL, 'c' },
	{ "worker", required_argument, NULL, 'o' },
	{ "corpus", required_argument, NULL, 'k' },
	{ "program", required_argument, NULL, 'p' },
	{ "unguided", no_argument, NULL, 'u' },
	{ "quiet", no_argument, NULL, 'q' },
	{ "hang", required_argument, NULL, 'h' },
	{ }
};

static void bad_usage(const char *why)
{
	fprintf(stderr, "mpmc_fuzz: %s\n%s", why, usage);
	exit(KSFT_FAIL);
}

static u64 number(const char *text)
{
	char *end;
	u64 n = strtoull(text, &end, 0);

	if (!*text || *end)
		bad_usage("a number is needed");
	return n;
}

static void set_option(struct options *options, int option)
{
	switch (option) {
	case 'n':
		options->calls = number(optarg);
		break;
	case 't':
		options->seconds = number(optarg);
		break;
	case 's':
		options->seed = number(optarg);
		break;
	case 'w':
		options->workers = number(optarg);
		break;
	case 'f':
		options->from = number(optarg);
		break;
	case 'c':
		options->count = number(optarg);
		break;
	case 'o':
		options->worker = number(optarg);
		break;
	case 'k':
		options->corpus = optarg;
		break;
	case 'p':
		options->program = optarg;
		break;
	case 'u':
		options->unguided = true;
		break;
	case 'q':
		options->quiet = true;
		break;
	case 'h':
		options->hang_seconds = number(optarg);
		break;
	default:
		bad_usage("no such option");
	}
}

static void parse(struct options *options, int argc, char **argv)
{
	struct program program;
	int option;

	while ((option = getopt_long(argc, argv, "", longopts, NULL)) != -1)
		set_option(options, option);
	if (optind < argc)
		bad_usage("there are no arguments but options");
	if (options->program && !program_parse(&program, options->program))
		bad_usage("that is no program");
	if (options->worker >= (int)options->workers)
		options->workers = options->worker + 1;
	if (!options->workers || options->workers > WORKERS_MAX)
		bad_usage("so many workers are not to be had");
	if (!options->calls && !options->seconds && !options->count)
		bad_usage("when to stop? --calls, --seconds or --count");
}

static void start_workers(const struct options *options, struct shared *shared)
{
	unsigned int i;
	pid_t pid;

	for (i = 0; i < options->workers; i++) {
		if (options->worker >= 0 && (int)i != options->worker)
			continue;
		pid = fork();
		must(pid >= 0);
		if (!pid)
			worker_run(options, shared, i);
		atomic_store(&shared->status[i].pid, pid);
	}
}

int main(int argc, char **argv)
{
	struct options options = {
		.seed = 1, .workers = 2, .worker = -1, .hang_seconds = 60,
	};
	struct shared *shared;
	bool passed;

	parse(&options, argc, argv);
	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("TAP version 13\n1..1\n");
	cover_share();
	shared = shared_alloc(sizeof(*shared));
	start_workers(&options, shared);
	passed = watch(&options, shared);
	printf("%s 1 fuzz: programs of calls, seed %llu\n",
	       passed ? "ok" : "not ok", options.seed);
	return passed ? KSFT_PASS : KSFT_FAIL;
}
