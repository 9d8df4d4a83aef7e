/* SPDX-License-Identifier: GPL-2.0 */
#ifndef EXPLORE_VISITED_H
#define EXPLORE_VISITED_H

#include <stdbool.h>
#include <stdint.h>

void visited_clear(void);
unsigned long visited_count(void);

/*
 * Whether a state was come to before with as few preemptions and old values, or
 * fewer. If not, it is now.
 */
bool visited_before(uint64_t state, unsigned int preemptions,
		    unsigned int stale);

#endif /* EXPLORE_VISITED_H */
