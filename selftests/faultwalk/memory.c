// SPDX-License-Identifier: GPL-2.0
/*
 * Pages that are lost are in no report of kmemleak's, but they stay charged.
 */
#include "memory.h"

#include "../mpmc_cgroup.h"

#define PAGE 4096

static char dir[64];

void memory_enter(void)
{
	must(cgroup_available("memory"));
	cgroup_make(dir, "memory");
	cgroup_enter(dir);
}

/* Asking for cpu.stat brings memory.stat up to date. */
static long memory_pages(void)
{
	long long n;

	must(file_key(dir, "cpu.stat", "usage_usec") >= 0);
	n = file_key(dir, "memory.stat", "kernel");
	must(n >= 0);
	return n / PAGE;
}

long memory_settled(long wanted, unsigned int seconds)
{
	struct timespec pause = { .tv_nsec = 50 * NSEC_PER_MSEC };
	__u64 until = now_ns() + seconds * NSEC_PER_SEC;
	long now, least = memory_pages();

	while (least > wanted && now_ns() < until) {
		nanosleep(&pause, NULL);
		now = memory_pages();
		least = now < least ? now : least;
	}
	return least;
}
