// SPDX-License-Identifier: GPL-2.0
/*
 * Small things: ending because of an error, the clock, memory, children
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <mpmc.h>

#include "bench.h"

/* Whoever dies takes the whole benchmark along: the others would wait. */
static pid_t first_pid;

__attribute__((constructor)) static void util_init(void)
{
	first_pid = getpid();
}

static _Noreturn void end_all(void)
{
	fflush(NULL);
	if (getpid() != first_pid)
		kill(first_pid, SIGTERM);
	_exit(EXIT_FAILURE);
}

void die(const char *why)
{
	fprintf(stderr, "bench: %s\n", why);
	end_all();
}

void die_errno(const char *doing)
{
	fprintf(stderr, "bench: %s: %s\n", doing, strerror(errno));
	end_all();
}

void die_error(int ret, const char *doing)
{
	fprintf(stderr, "bench: %s: %s\n", doing, mpmc_strerror(ret));
	end_all();
}

uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

void sleep_us(unsigned int us)
{
	struct timespec ts = { us / 1000000, us % 1000000 * 1000L };

	nanosleep(&ts, NULL);
}

void *shared_alloc(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		die_errno("shared memory");
	return memory;
}

void shared_free(void *memory, size_t size)
{
	munmap(memory, size);
}

void *alloc(size_t size)
{
	void *memory = calloc(1, size);

	if (!memory)
		die_errno("memory");
	return memory;
}

/* What was printed is flushed first, or the child would print it again. */
int fork_flushed(void)
{
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid < 0)
		die_errno("fork");
	if (!pid)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	return pid;
}

void child_wait(int pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid)
		die_errno("waitpid");
	if (status)
		die("a process has failed");
}
