/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The terminal, while something is shown on all of it. */
#ifndef TERMINAL_H
#define TERMINAL_H

#include <stddef.h>
#include <time.h>

enum terminal_event {
	TERMINAL_TIME, /* the time has passed */
	TERMINAL_SIZE, /* its size has changed, or all of it may have */
	TERMINAL_END, /* somebody wants an end */
};

/*
 * Takes the terminal. What it was like comes back with terminal_leave(), which is
 * also done before the process is stopped. Signals that end a process are an event
 * from now on.
 */
void terminal_enter(void);
void terminal_leave(void);

/* The size, in characters. */
void terminal_size(size_t *rows, size_t *columns);

/* Waits for so long, or for something else. */
enum terminal_event terminal_wait(const struct timespec *time);

#endif /* TERMINAL_H */
