// SPDX-License-Identifier: GPL-2.0
/*
 * The loads: crews of the torture, each in a process of its own, round by round
 */
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "soak.h"

#define KILL_INTERVAL_NS (40 * NSEC_PER_MSEC)
#define KILLS_MAX 20000 /* in a round: what the account has room for */
#define STREAMS 4096

/**
 * struct load - a crew, whose queue may be there in all rounds
 * @type: how the queue is used
 * @setup: what it is like, and who works on it
 * @keep: whether it stays
 * @queue: if so, it
 * @pid: of the crew in this round
 * @wrong: rounds in which something was
 * @kills: @received: @redelivered: @in_hand: @longest_ns: of all rounds
 */
struct load {
	const struct channel_type *type;
	struct setup setup;
	bool keep;
	struct mpmc_queue *queue;
	pid_t pid;
	uint32_t rounds;
	uint32_t wrong;
	uint64_t kills;
	uint64_t received;
	uint64_t redelivered;
	uint64_t missing;
	uint64_t longest_ns;
};

static struct load loads[LOADS] = {
	{ .type = &queue_ioctl, .keep = true,
	  .setup = { .name = "roomy", .capacity = 65536, .bulk = 64,
		     .producers = 2, .consumers = 2 } },
	{ .type = &queue_token,
	  .setup = { .name = "tight", .capacity = 16, .ring = 1, .bulk = 4,
		     .producers = 2, .consumers = 2 } },
	{ .type = &queue_mapped, .keep = true,
	  .setup = { .name = "hoarding", .capacity = 4096, .segments = 2,
		     .ring = 4096, .bulk = 256,
		     .producers = 2, .consumers = 3 } },
	{ .type = &queue_peek, .keep = true,
	  .setup = { .name = "hungry", .capacity = 4096, .bulk = 64,
		     .producers = 2, .consumers = 3,
		     .produce = PACE_AWAY, .consume = PACE_BUSY } },
	{ .type = &queue_peek,
	  .setup = { .name = "strict", .capacity = 1000, .segments = 1,
		     .ring = 64, .bulk = 32,
		     .producers = 2, .consumers = 2 } },
};

static const char *load_name(const struct load *load)
{
	static char name[64];

	snprintf(name, sizeof(name), "%s %s", load->type->name,
		 load->setup.name);
	return name;
}

void loads_make(void)
{
	struct load *load;

	for (load = loads; load < loads + LOADS; load++) {
		struct mpmc_queue_opts opts = {
			.capacity = load->setup.capacity,
			.segments = load->setup.segments,
		};

		if (load->keep)
			must(mpmc_queue_create(&load->queue, &opts) == 0);
	}
}

/* How many queues there are at a checkpoint. */
unsigned int loads_kept(void)
{
	unsigned int i, n = 0;

	for (i = 0; i < LOADS; i++)
		n += !!loads[i].queue;
	return n;
}

void loads_release(void)
{
	int i;

	for (i = 0; i < LOADS; i++) {
		mpmc_queue_destroy(loads[i].queue);
		loads[i].queue = NULL;
	}
}

static _Noreturn void load_run(struct soak *soak, int i, bool last,
			       uint64_t seed)
{
	struct load *load = &loads[i];
	struct order order = {
		.type = load->type,
		.setup = &load->setup,
		.kills = KILLS_MAX,
		.interval_ns = KILL_INTERVAL_NS,
		.patience_ns = PATIENCE_NS,
		.seed = random_branch(seed, i),
		.still = true,
		.lean = true,
		.queue = load->queue,
		.end_of_queue = last,
		.groups = groups_fds(),
		.group_count = GROUP_COLD + 1,
		.streams = STREAMS,
		.view = &soak->views[i],
	};
	struct outcome outcome;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	must(file_write("/proc/self/oom_score_adj", "-1000"));
	crew_torture(&order, &outcome);
	soak->outcomes[i] = outcome;
	_exit(!outcome_right(&order, &outcome));
}

/* In the last round, kept queues come to their ends. */
void loads_begin(struct soak *soak, uint32_t round, bool last, uint64_t seed)
{
	int i;

	memset(soak->outcomes, 0, sizeof(soak->outcomes));
	for (i = 0; i < LOADS; i++) {
		memset(&soak->views[i], 0, sizeof(soak->views[i]));
		loads[i].pid = fork();
		must(loads[i].pid >= 0);
		if (!loads[i].pid)
			load_run(soak, i, last, random_branch(seed, round));
	}
}

static void load_ended(struct soak *soak, struct load *load, int status)
{
	load->pid = 0;
	if (!status)
		return;
	load->wrong++;
	soak->faults++;
	printf("# %s: wrong, status %#x\n", load_name(load), status);
}

/* Whether all have. */
bool loads_ended(struct soak *soak)
{
	bool ended = true;
	int i, status;

	for (i = 0; i < LOADS; i++) {
		if (loads[i].pid &&
		    waitpid(loads[i].pid, &status, WNOHANG) == loads[i].pid)
			load_ended(soak, &loads[i], status);
		ended &= !loads[i].pid;
	}
	return ended;
}

/* One that is wrong ends before it is told to. */
bool loads_failing(struct soak *soak)
{
	int i;

	loads_ended(soak);
	for (i = 0; i < LOADS; i++)
		if (loads[i].wrong)
			return true;
	return false;
}

/* Who does not come to an end by itself. */
void loads_stop(void)
{
	int i;

	for (i = 0; i < LOADS; i++) {
		if (!loads[i].pid)
			continue;
		kill(loads[i].pid, SIGKILL);
		waitpid(loads[i].pid, NULL, 0);
		loads[i].pid = 0;
		loads[i].wrong++;
		printf("# %s: did not come to an end\n", load_name(&loads[i]));
	}
}

/* The end of a round. */
void loads_judge(struct soak *soak, uint32_t round)
{
	int i;

	for (i = 0; i < LOADS; i++) {
		const struct outcome *outcome = &soak->outcomes[i];
		struct load *load = &loads[i];

		load->rounds++;
		load->kills += soak->views[i].kills;
		load->received += soak->views[i].received;
		load->redelivered += outcome->redelivered;
		load->missing += outcome->verdict.missing;
		if (outcome->longest_ns > load->longest_ns)
			load->longest_ns = outcome->longest_ns;
		printf("# round %u, %s: %u kills, %llu items, lost in hand %llu of %llu, again %llu, no memory %llu times\n",
		       round, load_name(load), soak->views[i].kills,
		       (unsigned long long)soak->views[i].received,
		       (unsigned long long)outcome->verdict.missing,
		       (unsigned long long)outcome->verdict.in_hand,
		       (unsigned long long)outcome->redelivered,
		       (unsigned long long)soak->views[i].no_memory);
	}
}

bool loads_report(int *test)
{
	bool ok = true;
	int i;

	for (i = 0; i < LOADS; i++) {
		const struct load *load = &loads[i];
		bool right = !load->wrong && load->rounds && load->received;

		printf("# %s: %llu items, %llu kills, %llu lost in hand, %llu came back, longest without an item %.3f s\n",
		       load_name(load), (unsigned long long)load->received,
		       (unsigned long long)load->kills,
		       (unsigned long long)load->missing,
		       (unsigned long long)load->redelivered,
		       load->longest_ns / 1e9);
		printf("%sok %d %s: nothing lost, twice or stuck in %u rounds\n",
		       right ? "" : "not ", ++*test, load_name(load),
		       load->rounds);
		ok &= right;
	}
	return ok;
}
