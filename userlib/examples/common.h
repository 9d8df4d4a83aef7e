/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the examples have in common. */
#ifndef COMMON_H
#define COMMON_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <mpmc.h>

/* Ends the program unless ret is a success; says what was being done. */
void check(int ret, const char *doing);

/* Ends the program because of errno. */
_Noreturn void die_errno(const char *doing);

/* CLOCK_MONOTONIC, in nanoseconds. */
uint64_t now_ns(void);

void sleep_ms(unsigned int ms);

/* Flushes what is printed first, so that the child does not print it again. */
pid_t fork_flushed(void);

/* Waits for a child; whether it ended with status 0. */
bool child_succeeded(pid_t pid);

#endif /* COMMON_H */
