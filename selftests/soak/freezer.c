// SPDX-License-Identifier: GPL-2.0
/*
 * Trouble with the freezer: half of all workers stop wherever they are, and go on
 *
 * Among them are some of those who wait on a queue of our own, the probe: an item
 * that comes while they freeze must not have to wait for a thaw, as somebody is
 * asleep who does not freeze.
 */
#include <signal.h>
#include <sys/prctl.h>

#include "soak.h"

/* Of each kind: those that freeze and those that do not. */
#define SLEEPERS 2

static struct mpmc_queue *probe;

static _Noreturn void sleeper_run(struct soak *soak, int group)
{
	uint64_t item;
	int ret;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	group_enter(group);
	for (;;) {
		ret = mpmc_dequeue_wait(probe, &item, NULL);
		if (ret && ret != -ENOMEM)
			soak_fault(soak, "asleep on the probe: %d", ret);
	}
}

static void freezer_start(struct soak *soak)
{
	struct mpmc_queue_opts opts = { .capacity = 64 };
	pid_t pid;
	int i;

	must(file_write("/proc/self/oom_score_adj", "-1000"));
	must(mpmc_queue_create(&probe, &opts) == 0);
	for (i = 0; i < 2 * SLEEPERS; i++) {
		pid = fork();
		must(pid >= 0);
		if (!pid)
			sleeper_run(soak, i % 2 ? GROUP_COLD : GROUP_WARM);
	}
}

static struct mpmc_stat probe_stat(void)
{
	struct mpmc_stat stat = { .size = sizeof(stat) };

	must(mpmc_queue_stat(probe, &stat) == 0);
	return stat;
}

static bool all_asleep(void)
{
	return probe_stat().dequeue_waiters == 2 * SLEEPERS;
}

static bool taken(void)
{
	return !probe_stat().items;
}

static bool frozen(void)
{
	return group_read("cold/cgroup.events", "frozen") == 1;
}

static bool await(bool (*true_now)(void))
{
	uint64_t end = now_ns() + PATIENCE_NS / 2;

	while (!true_now()) {
		if (now_ns() > end)
			return false;
		nap(100 * NSEC_PER_USEC);
	}
	return true;
}

/* Before, in the middle of it or when it is nearly over. */
static void freeze_and_put(struct soak *soak, uint64_t *seed)
{
	uint32_t when = random_below(seed, 4);
	int ret = 0;

	if (!when)
		ret = mpmc_try_enqueue(probe, 1);
	group_write("cold/cgroup.freeze", "1");
	if (when > 1)
		nap(random_below(seed, 300) * NSEC_PER_USEC);
	if (when)
		ret = mpmc_try_enqueue(probe, 1);
	if (ret)
		soak_fault(soak, "putting an item into the probe: %d", ret);
	soak->probes += !ret;
}

static void freezer_mend(struct soak *soak)
{
	(void)soak;
	group_write("cold/cgroup.freeze", "0");
}

static void freezer_trouble(struct soak *soak, uint64_t *seed)
{
	nap(random_below(seed, 300) * NSEC_PER_MSEC);
	if (!await(all_asleep))
		soak_fault(soak, "who was thawed does not wait again");
	freeze_and_put(soak, seed);
	if (!await(frozen))
		soak_fault(soak, "somebody does not freeze");
	if (!await(taken))
		soak_fault(soak, "an item waits for a thaw");
	soak->freezes++;
	if (random_below(seed, 4))
		nap(random_below(seed, 200) * NSEC_PER_MSEC);
	freezer_mend(soak);
}

const struct trouble trouble_freezer = {
	.name = "freezer",
	.start = freezer_start,
	.make = freezer_trouble,
	.mend = freezer_mend,
};
