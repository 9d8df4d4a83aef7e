// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Until when a command waits, in all
 */
#include <stddef.h>

#include "deadline.h"

#define SECOND 1000000000L

void deadline_set(struct deadline *deadline, struct timespec timeout)
{
	struct timespec *end = &deadline->end;

	clock_gettime(CLOCK_MONOTONIC, end);
	end->tv_sec += timeout.tv_sec;
	end->tv_nsec += timeout.tv_nsec;
	if (end->tv_nsec >= SECOND) {
		end->tv_sec++;
		end->tv_nsec -= SECOND;
	}
	deadline->set = true;
}

const struct timespec *deadline_left(struct deadline *deadline)
{
	struct timespec now, *left = &deadline->left;

	if (!deadline->set)
		return NULL;
	clock_gettime(CLOCK_MONOTONIC, &now);
	left->tv_sec = deadline->end.tv_sec - now.tv_sec;
	left->tv_nsec = deadline->end.tv_nsec - now.tv_nsec;
	if (left->tv_nsec < 0) {
		left->tv_sec--;
		left->tv_nsec += SECOND;
	}
	if (left->tv_sec < 0)
		*left = (struct timespec){ 0 };
	return left;
}

bool deadline_over(struct deadline *deadline)
{
	const struct timespec *left = deadline_left(deadline);

	return left && !left->tv_sec && !left->tv_nsec;
}
