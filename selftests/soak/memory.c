// SPDX-License-Identifier: GPL-2.0
/*
 * Trouble with memory: the loads' control group has little of it, or none
 *
 * Workers of the loads can't be killed for their memory: when there is none, they
 * are told so. Hogs can be, and some churners, and are.
 */
#include <signal.h>
#include <string.h>
#include <sys/klog.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/rseq.h>
#include <sys/syscall.h>
#include <sys/syslog.h>
#include <sys/wait.h>
#include <unistd.h>

#include "soak.h"

#define MIB (1024 * 1024)

/* See syslog(2). */
#define SYSLOG_ACTION_CONSOLE_LEVEL 8

static void limit(uint64_t bytes)
{
	char text[32];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)bytes);
	group_write("memory.max", text);
}

static void memory_mend(struct soak *soak)
{
	(void)soak;
	group_write("memory.max", "max");
}

/* Takes memory until it is killed for that. */
static _Noreturn void hog_run(void)
{
	char *memory;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	must(file_write("/proc/self/oom_score_adj", "1000"));
	group_enter(GROUP_HOG);
	for (;;) {
		memory = mmap(NULL, MIB, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (memory != MAP_FAILED)
			memset(memory, 1, MIB);
	}
}

/* It has some megabytes, and what others get it does not. */
static void hog(struct soak *soak, uint64_t *seed)
{
	uint64_t end = now_ns() + 2 * NSEC_PER_SEC;
	bool ended = false;
	pid_t pid;

	limit(group_read("memory.current", "") +
	      (4 + random_below(seed, 28)) * MIB);
	pid = fork();
	must(pid >= 0);
	if (!pid)
		hog_run();
	while (!ended && now_ns() < end) {
		nap(NSEC_PER_MSEC);
		ended = waitpid(pid, NULL, WNOHANG) == pid;
	}
	if (!ended) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
	soak->hogs++;
}

/* Nothing more than there is, and what somebody gives back is lost to all. */
static void squeeze(struct soak *soak, uint64_t *seed)
{
	uint64_t end = now_ns() + (20 + random_below(seed, 80)) * NSEC_PER_MSEC;

	do {
		limit(group_read("memory.current", ""));
		nap(2 * NSEC_PER_MSEC);
	} while (now_ns() < end);
	soak->squeezes++;
}

/* What can be given back; 4: from now on it is not logged. */
static void reclaim(struct soak *soak)
{
	must(file_write("/proc/sys/vm/drop_caches", "4"));
	must(file_write("/proc/sys/vm/drop_caches", "3"));
	soak->reclaims++;
}

static void memory_trouble(struct soak *soak, uint64_t *seed)
{
	nap(random_below(seed, 400) * NSEC_PER_MSEC);
	switch (random_below(seed, 4)) {
	case 0:
		hog(soak, seed);
		break;
	case 1:
		reclaim(soak);
		break;
	default:
		squeeze(soak, seed);
	}
	memory_mend(soak);
}

/*
 * The kernel notes for each process which CPU it runs on, where the C library has
 * asked for that, and ends who it can't tell for want of memory: by SIGSEGV, and
 * as if it had been a bad address. Nobody here wants to know. For all children.
 */
void memory_prepare(void)
{
	char *self = __builtin_thread_pointer();

	if (__rseq_size)
		must(!syscall(SYS_rseq, self + __rseq_offset,
			      sizeof(struct rseq), RSEQ_FLAG_UNREGISTER,
			      RSEQ_SIG));
}

/* Each failure is logged at length: not on the console, and not for each task. */
static void memory_start(struct soak *soak)
{
	(void)soak;
	klogctl(SYSLOG_ACTION_CONSOLE_LEVEL, NULL, LOG_WARNING);
	must(file_write("/proc/sys/vm/oom_dump_tasks", "0"));
}

const struct trouble trouble_memory = {
	.name = "memory",
	.start = memory_start,
	.make = memory_trouble,
	.mend = memory_mend,
};
