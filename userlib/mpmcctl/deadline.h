/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Until when a command waits, in all. */
#ifndef DEADLINE_H
#define DEADLINE_H

#include <stdbool.h>
#include <time.h>

/**
 * struct deadline - until when
 * @set: there is one, else it waits for ever
 * @end: that is when, on CLOCK_MONOTONIC
 * @left: what deadline_left() points at
 */
struct deadline {
	bool set;
	struct timespec end;
	struct timespec left;
};

/* So much from now on. */
void deadline_set(struct deadline *deadline, struct timespec timeout);

/* What is left of it, as the library wants it: NULL for ever, zero when over. */
const struct timespec *deadline_left(struct deadline *deadline);

bool deadline_over(struct deadline *deadline);

#endif /* DEADLINE_H */
