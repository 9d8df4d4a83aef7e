// SPDX-License-Identifier: GPL-2.0
/*
 * Records histories of small random rounds, and checks each
 */
#include <getopt.h>

#include "check.h"
#include "record.h"

static const char usage[] =
"Usage: mpmc_history [OPTION]...\n"
"\n"
"Has threads do random things with small queues, records what each was told and\n"
"when, and checks whether a queue that keeps its promises can have said so: the\n"
"first history that it can't is printed, made smaller, and as it was.\n"
"\n"
"  --rounds N     so many rounds, each a history, or a few more\n"
"  --seconds N    or so much time (10)\n"
"  --seed N       which rounds (1)\n"
"  --from N       begin with this one\n"
"  --repeat       this one alone, again and again\n"
"  --print        print each history; with --check, too\n"
"  --check FILE   no rounds: check the history in a file, as it was printed\n";

static const struct option longopts[] = {
	{ "rounds", required_argument, NULL, 'n' },
	{ "seconds", required_argument, NULL, 't' },
	{ "seed", required_argument, NULL, 's' },
	{ "from", required_argument, NULL, 'f' },
	{ "repeat", no_argument, NULL, 'r' },
	{ "print", no_argument, NULL, 'p' },
	{ "check", required_argument, NULL, 'c' },
	{ }
};

/* Threads come and go: which segments they use changes. */
#define BATCHES_OF_A_CREW 4

/* No batch of rounds takes this long, whatever the machine does meanwhile. */
#define HANG_SECONDS 120

#define PROGRESS_NS (10 * NSEC_PER_SEC)

/**
 * struct run - what is to be done, and what was
 * @rounds: how many rounds; 0: until the time is up
 * @seconds: how much time; 0: it does not matter
 * @seed: which rounds
 * @from: the first of them
 * @repeat: that one alone
 * @print: print histories
 * @file: or check the one in this file
 * @histories: how many have been checked
 * @ops: how many operations they had
 * @beside: how many of these began while another one was at work
 * @undecided: how many took too long to check
 * @states: how many states it took
 * @most: and of the one that took the most
 */
static struct run {
	u64 rounds;
	u64 seconds;
	u64 seed;
	u64 from;
	bool repeat;
	bool print;
	const char *file;
	u64 histories;
	u64 ops;
	u64 beside;
	u64 undecided;
	u64 states;
	u64 most;
} run = { .seed = 1 };

static u64 round_number;

/* --- One history --- */

static struct history history;

static void print_illegal(struct verdict *verdict)
{
	static struct history smaller;

	printf("# operation %d: %s\n", verdict->culprit, verdict->why);
	printf("# the history, as --check reads it:\n");
	history_write(&history, stdout);
	smaller = history;
	history_shrink(&smaller, verdict);
	printf("# what is left when all that does not matter is left out: %s\n",
	       verdict->why);
	timeline_print(&smaller, verdict->culprit, stdout);
}

/* How many operations began while another thread's was at work. */
static unsigned int count_beside(void)
{
	const struct op *op = history.op;
	unsigned int i, k, n = 0;

	for (i = 0; i < history.ops; i++) {
		for (k = 0; k < history.ops; k++)
			if (op[k].thread != op[i].thread &&
			    op[k].call <= op[i].call && op[i].call <= op[k].ret)
				break;
		n += k < history.ops;
	}
	return n;
}

static void count(const struct verdict *verdict)
{
	run.histories++;
	run.ops += history.ops;
	run.beside += count_beside();
	run.states += verdict->states;
	run.undecided += verdict->outcome == UNDECIDED;
	if (run.most < verdict->states)
		run.most = verdict->states;
}

/* Whether it is legal, as far as is known. */
static bool check(void)
{
	struct verdict verdict;

	if (run.print)
		timeline_print(&history, -1, stdout);
	history_check(&history, &verdict);
	count(&verdict);
	if (verdict.outcome == UNDECIDED)
		printf("# too much to search, seed %llu, round %llu\n",
		       run.seed, round_number);
	if (verdict.outcome == ILLEGAL)
		print_illegal(&verdict);
	return verdict.outcome != ILLEGAL;
}

/* --- The clock --- */

#define CLOCK_TURNS 20000

struct turns {
	atomic_int turn;
	u64 time;
	bool back;
};

/* Hands the time to each other: it must not go back between CPUs. */
static void take_turns(struct turns *turns, int mine)
{
	u64 time;

	while (atomic_load(&turns->turn) < CLOCK_TURNS) {
		if (atomic_load(&turns->turn) % 2 != mine) {
			sched_yield();
			continue;
		}
		time = now_ns();
		if (time < turns->time)
			turns->back = true;
		turns->time = time;
		atomic_fetch_add(&turns->turn, 1);
	}
}

static void *other_side(void *arg)
{
	pin(1);
	take_turns(arg, 1);
	return NULL;
}

static bool clock_is_one(void)
{
	struct turns turns = {};
	pthread_t thread = thread_start(other_side, &turns);

	pin(0);
	take_turns(&turns, 0);
	thread_join(thread);
	unpin();
	return !turns.back;
}

/* --- Rounds --- */

static void hung(int signal)
{
	static char text[100];
	int n = snprintf(text, sizeof(text),
			 "# seed %llu: round %llu or one soon after it hangs\nnot ok 2 histories\n",
			 run.seed, round_number);

	(void)signal;
	n = write(STDOUT_FILENO, text, n);
	_exit(KSFT_FAIL);
}

static void print_progress(u64 start)
{
	printf("# %.1f s: %llu histories, %llu operations, %llu of them beside others; %llu states, at most %llu; %llu undecided\n",
	       (now_ns() - start) / 1e9, run.histories, run.ops, run.beside,
	       run.states, run.most, run.undecided);
}

/* The history of one of the rounds that were done last. */
static bool check_round(unsigned int n, const struct shape *shape)
{
	round_history(n, &history);
	if (check())
		return true;
	printf("# seed %llu, round %llu: again and again with make history SEED=%llu FROM=%llu\n",
	       run.seed, round_number, run.seed, round_number);
	shape_print(shape);
	return false;
}

static bool one_batch(void)
{
	struct shape shape[BATCH_MAX];
	bool good = true;
	unsigned int i;

	alarm(HANG_SECONDS);
	for (i = 0; i < BATCH_MAX; i++)
		shape_make(&shape[i], run.seed,
			   round_number + (run.repeat ? 0 : i));
	rounds_run(shape, BATCH_MAX);
	for (i = 0; i < BATCH_MAX && good; i++) {
		good = check_round(i, &shape[i]);
		if (!run.repeat)
			round_number++;
	}
	return good;
}

static bool is_over(u64 start)
{
	return (run.rounds && run.histories >= run.rounds) ||
	       (run.seconds && now_ns() - start >= run.seconds * NSEC_PER_SEC);
}

static bool all_rounds(void)
{
	u64 start = now_ns(), said = start;
	unsigned int batch;
	bool good = true;

	signal(SIGALRM, hung);
	round_number = run.from;
	for (batch = 0; good && !is_over(start); batch++) {
		if (batch && !(batch % BATCHES_OF_A_CREW))
			rounds_stop();
		if (!(batch % BATCHES_OF_A_CREW))
			rounds_start();
		good = one_batch();
		if (now_ns() - said < PROGRESS_NS)
			continue;
		said = now_ns();
		print_progress(start);
	}
	rounds_stop();
	print_progress(start);
	return good;
}

static int run_rounds(void)
{
	bool good;

	printf("TAP version 13\n1..2\n");
	good = clock_is_one();
	printf("%sok 1 the clock does not go back between CPUs\n",
	       good ? "" : "not ");
	good = good && all_rounds();
	printf("%sok 2 histories, seed %llu\n", good ? "" : "not ", run.seed);
	return good ? KSFT_PASS : KSFT_FAIL;
}

/* --- The command line --- */

static void bad_usage(const char *why)
{
	fprintf(stderr, "mpmc_history: %s\n%s", why, usage);
	exit(KSFT_FAIL);
}

static int check_file(void)
{
	static char text[100000];
	FILE *file = fopen(run.file, "r");
	const char *line;

	if (!file)
		bad_usage("there is no such file");
	text[fread(text, 1, sizeof(text) - 1, file)] = 0;
	fclose(file);
	line = history_parse(&history, text);
	if (line) {
		fprintf(stderr, "mpmc_history: what is this: %s\n", line);
		return KSFT_FAIL;
	}
	if (!check())
		return KSFT_FAIL;
	printf("# legal\n");
	return KSFT_PASS;
}

static u64 number(const char *text)
{
	char *end;
	u64 n = strtoull(text, &end, 0);

	if (!*text || *end)
		bad_usage("a number is needed");
	return n;
}

static void set_option(int option)
{
	switch (option) {
	case 'n':
		run.rounds = number(optarg);
		break;
	case 't':
		run.seconds = number(optarg);
		break;
	case 's':
		run.seed = number(optarg);
		break;
	case 'f':
		run.from = number(optarg);
		break;
	case 'r':
		run.repeat = true;
		break;
	case 'p':
		run.print = true;
		break;
	case 'c':
		run.file = optarg;
		break;
	default:
		bad_usage("no such option");
	}
}

int main(int argc, char **argv)
{
	int option;

	while ((option = getopt_long(argc, argv, "", longopts, NULL)) != -1)
		set_option(option);
	if (optind < argc)
		bad_usage("there are no arguments but options");
	if (!run.rounds && !run.seconds)
		run.seconds = 10;
	setvbuf(stdout, NULL, _IOLBF, 0);
	return run.file ? check_file() : run_rounds();
}
