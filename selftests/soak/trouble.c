// SPDX-License-Identifier: GPL-2.0
/*
 * The processes that make trouble
 */
#include <signal.h>
#include <stdarg.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "soak.h"

static const struct trouble *const troubles[TROUBLES] = {
	[TROUBLE_CPUS] = &trouble_cpus,
	[TROUBLE_FREEZER] = &trouble_freezer,
	[TROUBLE_MEMORY] = &trouble_memory,
};

static pid_t pids[TROUBLES];

/* Something is wrong, and the one who sees it goes on. */
void soak_fault(struct soak *soak, const char *format, ...)
{
	char text[200];
	va_list args;

	if (soak->faults++ >= 10)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	fprintf(stderr, "# pid %d: %s\n", getpid(), text);
}

static _Noreturn void trouble_run(struct soak *soak, int i, uint64_t seed)
{
	const struct trouble *trouble = troubles[i];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* What it takes back has to be taken back, however busy the others are. */
	setpriority(PRIO_PROCESS, 0, -20);
	if (trouble->start)
		trouble->start(soak);
	for (;;) {
		if (soak->rest && !soak->quiet[i]) {
			trouble->mend(soak);
			soak->quiet[i] = true;
		}
		if (soak->rest)
			nap(5 * NSEC_PER_MSEC);
		else
			trouble->make(soak, &seed);
	}
}

/* They begin at rest. */
void troubles_start(struct soak *soak, uint64_t seed)
{
	int i;

	soak->rest = true;
	for (i = 0; i < TROUBLES; i++) {
		pids[i] = fork();
		must(pids[i] >= 0);
		if (!pids[i])
			trouble_run(soak, i, random_branch(seed, i));
	}
}

void troubles_begin(struct soak *soak)
{
	int i;

	for (i = 0; i < TROUBLES; i++)
		soak->quiet[i] = false;
	soak->rest = false;
}

/* Until everything is as it should be. */
void troubles_rest(struct soak *soak)
{
	uint64_t end = now_ns() + PATIENCE_NS;
	int i;

	soak->rest = true;
	for (i = 0; i < TROUBLES; i++) {
		while (!soak->quiet[i] && now_ns() < end) {
			must(waitpid(pids[i], NULL, WNOHANG) == 0);
			nap(NSEC_PER_MSEC);
		}
		if (!soak->quiet[i])
			soak_fault(soak, "%s: does not come to rest",
				   troubles[i]->name);
	}
}

void troubles_stop(void)
{
	int i;

	for (i = 0; i < TROUBLES; i++) {
		kill(pids[i], SIGKILL);
		waitpid(pids[i], NULL, 0);
	}
}
