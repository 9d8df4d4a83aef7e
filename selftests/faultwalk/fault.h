/* SPDX-License-Identifier: GPL-2.0 */
/* Failures that the kernel injects into calls of this thread. */
#ifndef FAULTWALK_FAULT_H
#define FAULTWALK_FAULT_H

#include <stdbool.h>

/* Whether this kernel can; says what it lacks if not. */
bool fault_available(void);

/*
 * Every allocation, and every copy from and to a process, may fail. The kernel's log
 * says where, if that is wanted.
 */
void fault_setup(bool verbose);

/* From now on the nth of what may fail does. */
void fault_arm(unsigned int nth);

/* The end of that. Returns whether it has come so far. */
bool fault_disarm(void);

/* Failures at random: one in so many, in threads between begin and end. */
void fault_random_setup(void);
void fault_random_begin(void);
void fault_random_end(void);

/*
 * Leaks, looked for in all memory; prints what was found. False if there are, or may
 * be: they were to be looked for, and can't.
 */
bool fault_no_leaks(void);

#endif /* FAULTWALK_FAULT_H */
