// SPDX-License-Identifier: GPL-2.0
/*
 * The processes at work on a channel, and who kills and replaces them
 *
 * The supervisor holds the channel and no token: those are made by the workers,
 * after fork(), so that a worker's death closes the last descriptor of its own.
 */
#include "crew.h"

#include <linux/sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "worker.h"

#define CREW_MAX 16

/* A number of kills after which all are left alone until all have moved. */
#define KILLS_PER_CALM 25

/* Between two looks at something. */
#define LOOK_NS (200 * NSEC_PER_USEC)

#define PROGRESS_NS (2 * NSEC_PER_SEC)

struct member {
	struct life *life;
	pid_t pid; /* 0: not there */
	uint64_t moved;
};

struct crew {
	const struct order *order;
	struct outcome *outcome;
	struct channel channel;
	struct ledger ledger;
	uint64_t seed;
	uint64_t redelivered; /* before */
	uint32_t kills;
	struct member members[CREW_MAX];
	int size;
	/* When there was progress, at how many items, and kills. */
	uint64_t progress_ns;
	uint64_t progress;
	uint32_t progress_kills;
	uint64_t longest_ns;
	uint64_t told_ns;
};

/* --- Members --- */

static bool produces(const struct crew *crew, int i)
{
	return i < crew->order->setup->producers;
}

/* Like fork(), into a control group. */
static pid_t born_into(int group)
{
	struct clone_args args = {
		.flags = CLONE_INTO_CGROUP,
		.exit_signal = SIGCHLD,
		.cgroup = group,
	};

	return syscall(SYS_clone3, &args, sizeof(args));
}

static pid_t member_fork(struct crew *crew)
{
	const struct order *order = crew->order;

	if (!order->group_count)
		return fork();
	return born_into(order->groups[crew->ledger.born % order->group_count]);
}

static void member_start(struct crew *crew, struct member *member,
			 enum role role)
{
	struct life *life = ledger_birth(&crew->ledger, role == ROLE_PRODUCER);
	uint64_t seed = random_branch(crew->order->seed, crew->ledger.born);
	pid_t parent = getpid(), pid = member_fork(crew);

	must(pid >= 0);
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		setpriority(PRIO_PROCESS, 0, 0);
		must(getppid() == parent);
		worker_run(&crew->channel, &crew->ledger, life, role, seed);
	}
	life->pid = pid;
	*member = (struct member){ .life = life, .pid = pid };
}

/* Whether it is no more, and if so whether it ended as it should. */
static bool member_gone(struct crew *crew, struct member *member, int expected)
{
	int status;

	if (member->pid && waitpid(member->pid, &status, WNOHANG)) {
		if (status != expected) {
			fprintf(stderr, "# pid %d ended with status %#x\n",
				member->pid, status);
			crew->outcome->wrong++;
		}
		member->pid = 0;
	}
	return !member->pid;
}

static void describe(struct crew *crew)
{
	int i;

	for (i = 0; i < crew->size; i++)
		if (crew->members[i].pid)
			life_describe(crew->members[i].life);
	if (crew->order->type->describe)
		crew->order->type->describe(&crew->channel);
}

static void stalled(struct crew *crew, const char *what)
{
	if (crew->outcome->stalled)
		return;
	crew->outcome->stalled = true;
	fprintf(stderr, "# %s, %s: stalled after %u kills: %s\n",
		crew->order->type->name, crew->order->setup->name,
		crew->progress_kills, what);
	describe(crew);
}

/* Killed processes are as good as gone, but for a CPU to go on. */
static void member_bury(struct crew *crew, struct member *member)
{
	uint64_t end = now_ns() + crew->order->patience_ns;

	while (!member_gone(crew, member, SIGKILL)) {
		if (now_ns() > end) {
			stalled(crew, "a killed process does not end");
			member->pid = 0;
			return;
		}
		nap(LOOK_NS / 4);
	}
}

static void member_kill(struct crew *crew, struct member *member)
{
	if (!member->pid)
		return;
	crew->kills++;
	member->life->killed = true;
	kill(member->pid, SIGKILL);
	member_bury(crew, member);
}

/* --- Progress --- */

static uint64_t received(const struct crew *crew)
{
	return crew->ledger.totals->received;
}

static void show(struct crew *crew)
{
	struct view *view = crew->order->view;

	view->kills = crew->kills;
	view->received = received(crew);
	view->no_memory = crew->ledger.totals->no_memory;
}

static void tell(struct crew *crew, uint64_t now)
{
	if (crew->order->view) {
		show(crew);
		return;
	}
	if (now < crew->told_ns + PROGRESS_NS)
		return;
	crew->told_ns = now;
	fprintf(stderr, "# %s, %s: %u of %u kills, %llu items\n",
		crew->order->type->name, crew->order->setup->name,
		crew->kills, crew->order->kills,
		(unsigned long long)received(crew));
}

/* Whether there has been progress lately. */
static bool progressing(struct crew *crew)
{
	uint64_t now = now_ns(), gap = now - crew->progress_ns;
	uint64_t items = received(crew);

	tell(crew, now);
	if (gap > crew->longest_ns)
		crew->longest_ns = gap;
	if (items != crew->progress) {
		crew->progress = items;
		crew->progress_ns = now;
		crew->progress_kills = crew->kills;
		return true;
	}
	if (gap <= crew->order->patience_ns)
		return true;
	stalled(crew, "nothing is received");
	return false;
}

static bool well(const struct crew *crew)
{
	return !crew->outcome->stalled && !crew->outcome->wrong &&
	       !ledger_faults(&crew->ledger);
}

static bool all_moved(struct crew *crew)
{
	int i;

	for (i = 0; i < crew->size; i++)
		if (crew->members[i].life->moved == crew->members[i].moved)
			return false;
	return true;
}

/*
 * Let everybody alone. A wake-up that a victim took along would go unnoticed as
 * long as its successors come and try: now somebody would sleep for ever.
 */
static void calm(struct crew *crew)
{
	uint64_t end = now_ns() + crew->order->patience_ns;
	int i;

	for (i = 0; i < crew->size; i++)
		crew->members[i].moved = crew->members[i].life->moved;
	while (!all_moved(crew) && !crew->ledger.totals->full) {
		if (!progressing(crew))
			return;
		if (now_ns() > end) {
			stalled(crew, "left alone, somebody does not move");
			return;
		}
		nap(LOOK_NS);
	}
}

/* --- Killing --- */

static void member_replace(struct crew *crew, int i)
{
	if (!crew->members[i].pid)
		member_start(crew, &crew->members[i],
			     produces(crew, i) ? ROLE_PRODUCER : ROLE_CONSUMER);
}

static void replace_all(struct crew *crew)
{
	int i;

	for (i = 0; i < crew->size; i++)
		member_replace(crew, i);
}

/* Mostly one, at times several before the first is replaced. */
static void strike(struct crew *crew)
{
	uint32_t n = 1;

	if (!random_below(&crew->seed, 8))
		n += random_below(&crew->seed, crew->size / 2);
	while (n--)
		member_kill(crew, &crew->members[random_below(&crew->seed,
							      crew->size)]);
	replace_all(crew);
}

/* Nobody ends by himself yet. */
static void look_after(struct crew *crew)
{
	int i;

	for (i = 0; i < crew->size; i++)
		if (member_gone(crew, &crew->members[i], SIGKILL))
			crew->outcome->wrong++;
}

/* --- Standing still --- */

static void signal_consumers(struct crew *crew, int signal)
{
	int i;

	for (i = crew->order->setup->producers; i < crew->size; i++)
		kill(crew->members[i].pid, signal);
}

static bool room_for_sleepers(struct crew *crew)
{
	uint64_t room = crew->order->type->room(&crew->channel);
	int i;

	for (i = 0; i < crew->order->setup->producers; i++)
		if (crew->members[i].pid &&
		    life_waits_to_put(crew->members[i].life, room))
			return true;
	return false;
}

/*
 * All consumers are stopped, and so is a producer, until the others have filled
 * the queue and sleep. Then that one is killed: whoever fits into the room that
 * he was granted has to be woken for that.
 */
static void stand_still(struct crew *crew)
{
	int n = random_below(&crew->seed, crew->order->setup->producers);
	struct member *granted = &crew->members[n];
	uint64_t end;

	kill(granted->pid, SIGSTOP);
	signal_consumers(crew, SIGSTOP);
	nap(ASLEEP_NS);
	member_kill(crew, granted);
	end = now_ns() + crew->order->patience_ns;
	while (room_for_sleepers(crew) && !crew->outcome->stalled) {
		if (now_ns() > end)
			stalled(crew, "nobody is woken for the room there is");
		nap(LOOK_NS);
	}
	signal_consumers(crew, SIGCONT);
	replace_all(crew);
	crew->progress_ns = now_ns();
}

/* --- Resting --- */

/* Waits as long as there is progress; false: in vain. */
static bool wait_for_end(struct crew *crew, bool (*ended)(struct crew *crew))
{
	while (!ended(crew)) {
		if (!progressing(crew))
			return false;
		nap(LOOK_NS);
	}
	return true;
}

static bool producers_rest(struct crew *crew)
{
	bool rest = true;
	int i;

	for (i = 0; i < crew->order->setup->producers; i++)
		if (crew->members[i].pid)
			rest &= life_rests(crew->members[i].life);
	return rest;
}

static bool drained(struct crew *crew)
{
	return !crew->order->type->size(&crew->channel);
}

static struct member *take_hostage(struct crew *crew)
{
	int first = crew->order->setup->producers;
	int n = random_below(&crew->seed, crew->size - first);
	struct member *hostage = &crew->members[first + n];

	if (!crew->order->still)
		return NULL;
	kill(hostage->pid, SIGSTOP);
	return hostage;
}

/*
 * The producers stop, and consumers, those asleep included, take all there is.
 * One of them is stopped, and killed when nothing else is left: what it had
 * comes back, and somebody who sleeps has to be woken for that.
 */
static void rest(struct crew *crew)
{
	struct member *hostage = take_hostage(crew);

	crew->ledger.totals->resting = true;
	if (!wait_for_end(crew, producers_rest) ||
	    !wait_for_end(crew, drained) || !hostage)
		return;
	nap(ASLEEP_NS);
	member_kill(crew, hostage);
	wait_for_end(crew, drained);
}

/* --- From the beginning to the end --- */

static void interlude(struct crew *crew)
{
	calm(crew);
	if (!well(crew) || !crew->order->still)
		return;
	if (random_below(&crew->seed, 2)) {
		stand_still(crew);
	} else {
		rest(crew);
		crew->ledger.totals->resting = false;
		replace_all(crew);
	}
	crew->progress_ns = now_ns();
}

static bool ended(const struct crew *crew)
{
	return crew->kills >= crew->order->kills || crew->ledger.totals->full ||
	       (crew->order->view && crew->order->view->end);
}

static void wear_down(struct crew *crew)
{
	uint64_t start = now_ns(), interval = 2 * crew->order->interval_ns;
	uint32_t calm_at = KILLS_PER_CALM;

	crew->progress_ns = start;
	while (!ended(crew) && well(crew)) {
		nap(random_next(&crew->seed) % (interval + 1));
		strike(crew);
		look_after(crew);
		progressing(crew);
		if (crew->kills < calm_at)
			continue;
		calm_at += KILLS_PER_CALM;
		interlude(crew);
	}
	crew->outcome->kills = crew->outcome->stalled ? crew->progress_kills :
							crew->kills;
	crew->outcome->ns = crew->progress_ns - start;
	crew->outcome->received = crew->progress;
	crew->outcome->longest_ns = crew->longest_ns;
}

static void kill_all(struct crew *crew)
{
	int i;

	for (i = crew->size - 1; i > 0; i--) {
		struct member *member = &crew->members[i], last = *member;
		int other = random_below(&crew->seed, i + 1);

		*member = crew->members[other];
		crew->members[other] = last;
	}
	for (i = 0; i < crew->size; i++)
		member_kill(crew, &crew->members[i]);
}

static bool heir_ended(struct crew *crew)
{
	return member_gone(crew, &crew->members[0], 0);
}

static void inherit(struct crew *crew)
{
	crew->size = 1;
	member_start(crew, &crew->members[0], ROLE_HEIR);
	if (!wait_for_end(crew, heir_ended))
		member_kill(crew, &crew->members[0]);
}

/*
 * All are killed, at rest or in the middle of work. Then somebody takes what has
 * come back.
 */
static void end(struct crew *crew)
{
	calm(crew);
	if (well(crew) && random_below(&crew->seed, 2))
		rest(crew);
	kill_all(crew);
	crew->progress_ns = now_ns();
	inherit(crew);
}

static void settle(struct crew *crew)
{
	const struct channel_type *type = crew->order->type;
	struct outcome *outcome = crew->outcome;

	ledger_judge(&crew->ledger, &outcome->verdict);
	outcome->faults = ledger_faults(&crew->ledger);
	outcome->inversions = crew->ledger.totals->inversions;
	if (type->redelivered)
		outcome->redelivered = type->redelivered(&crew->channel) -
				       crew->redelivered;
	if (type->audit && !outcome->stalled)
		outcome->wrong += type->audit(&crew->channel);
}

static void crew_open_channel(struct crew *crew)
{
	const struct order *order = crew->order;
	struct channel *channel = &crew->channel;

	channel->type = order->type;
	channel->setup = order->setup;
	channel->lean = order->lean;
	channel->queue = order->queue;
	channel->kept = order->queue && !order->end_of_queue;
	if (order->queue)
		crew->redelivered = order->type->redelivered(channel);
	else
		must(order->type->open(channel) == 0);
}

static void crew_open(struct crew *crew, const struct order *order)
{
	/* A strike may kill several more than were asked for. */
	uint32_t lives = order->kills + 4 * CREW_MAX;

	crew->order = order;
	crew->seed = random_branch(order->seed, 0);
	crew->size = order->setup->producers + order->setup->consumers;
	crew->told_ns = now_ns();
	must(crew->size <= CREW_MAX);
	/* Or it would have to wait for its victims before it can kill them. */
	setpriority(PRIO_PROCESS, 0, -20);
	crew_open_channel(crew);
	crew->ledger.leases = order->type->finish;
	crew->ledger.lean = order->lean;
	ledger_open(&crew->ledger, lives, order->streams ?: STREAMS_MAX);
	replace_all(crew);
}

/**
 * crew_torture() - kill those at work on a channel, and see what it makes of it
 * @order: what to do
 * @outcome: out: what happened
 */
void crew_torture(const struct order *order, struct outcome *outcome)
{
	struct crew crew = { .outcome = outcome };

	memset(outcome, 0, sizeof(*outcome));
	crew_open(&crew, order);
	wear_down(&crew);
	end(&crew);
	settle(&crew);
	ledger_close(&crew.ledger);
	if (!order->queue)
		order->type->close(&crew.channel);
}
