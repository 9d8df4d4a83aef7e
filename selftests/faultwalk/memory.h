/* SPDX-License-Identifier: GPL-2.0 */
/* Kernel memory that this process is charged for, which kmemleak knows half of. */
#ifndef FAULTWALK_MEMORY_H
#define FAULTWALK_MEMORY_H

/* Everything from now on is charged to a memory cgroup of our own. */
void memory_enter(void);

/*
 * Pages charged, when they are no more than that, or after so many seconds the least
 * that they have been.
 */
long memory_settled(long wanted, unsigned int seconds);

#endif /* FAULTWALK_MEMORY_H */
