// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * From relative timeouts to absolute deadlines
 */
#include <errno.h>

#include "lib.h"

#define NSEC_PER_SEC 1000000000

/* So far no sum of the seconds of a timeout and of the clock overflows. */
#define MAX_SECONDS (INT64_MAX / NSEC_PER_SEC / 2)

static uint64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

/* 0, or -EINVAL if the timeout has no meaning. */
int lib_timeout_check(const struct timespec *timeout)
{
	if (timeout && (timeout->tv_sec < 0 || timeout->tv_nsec < 0 ||
			timeout->tv_nsec >= NSEC_PER_SEC))
		return -EINVAL;
	return 0;
}

/* The same, and the deadline. What is too far is for ever. */
int lib_deadline(uint64_t *deadline, const struct timespec *timeout)
{
	uint64_t seconds;

	*deadline = MPMC_FOREVER;
	if (lib_timeout_check(timeout))
		return -EINVAL;
	if (!timeout)
		return 0;
	seconds = timeout->tv_sec;
	if (seconds < MAX_SECONDS)
		*deadline = now() + seconds * NSEC_PER_SEC + timeout->tv_nsec;
	return 0;
}
