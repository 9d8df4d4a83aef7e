// SPDX-License-Identifier: GPL-2.0
/*
 * Children, signals, and time that passes
 */
#include "fuzz.h"

/* Does some of what comes next in the program, and exits, or waits to be killed. */
static void child_run(struct lane *lane, unsigned int next, unsigned int count,
		      bool stay)
{
	unsigned int i;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	atomic_store(&lane->tid, gettid());
	lane->child = true;
	urings_inherit();
	/* They are not inherited. */
	for (i = 0; i < MAPS; i++)
		lane->world->map[i].state = 0;
	for (; count-- && next < lane->program->count; next++)
		if (op_kinds[lane->program->op[next].kind].run != op_fork)
			op_run(lane, next);
	while (stay)
		pause();
	_exit(0);
}

/* A child that has failed says why; that it did is for the worker to say. */
void child_end(pid_t pid)
{
	int status;

	kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0)
		must(errno == EINTR);
	must(WIFSIGNALED(status) ? WTERMSIG(status) == SIGKILL : !status);
}

void op_fork(struct lane *lane, const struct op *op)
{
	unsigned int next = op - lane->program->op + 1, count = pick(lane, 8);
	bool stay = chance(lane, 2);
	pid_t pid, before;

	op_count(lane);
	pid = fork();
	if (!pid)
		child_run(lane, next, count, stay);
	if (pid < 0)
		return;
	/* It may have rings of its own. */
	atomic_store(&lane->world->flying, true);
	before = atomic_exchange(&lane->world->child[pick(lane, CHILDREN)],
				 pid);
	if (before)
		child_end(before);
}

void op_signal(struct lane *lane, const struct op *op)
{
	pid_t to = atomic_load(&lane->other->tid);

	(void)op;
	op_count(lane);
	tgkill(getpid(), to, chance(lane, 2) ? SIGUSR1 : SIGUSR2);
}

void op_pause(struct lane *lane, const struct op *op)
{
	struct timespec ts = { .tv_nsec = pick(lane, 100000) };

	(void)op;
	op_count(lane);
	switch (pick(lane, 3)) {
	case 0:
		nanosleep(&ts, NULL);
		break;
	case 1:
		pin(pick(lane, 64));
		break;
	default:
		sched_yield();
	}
}
