/* SPDX-License-Identifier: GPL-2.0 */
#ifndef EXPLORE_SCHEDULE_H
#define EXPLORE_SCHEDULE_H

#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "machine.h"

#define STACK_SIZE (64 * 1024)

/**
 * struct bounds - how far to go
 * @preemptions: how often a thread that could go on is stopped, at most
 * @stale: how often a load does not read the newest value, at most
 * @steps: of one execution; more than that is taken for an endless loop
 * @seconds: of CPU time to search for
 */
struct bounds {
	unsigned int preemptions;
	unsigned int stale;
	unsigned int steps;
	unsigned int seconds;
};

/**
 * struct explore_case - a small program to search all executions of
 * @name: of the case
 * @what: it is about
 * @threads: how many threads it has
 * @setup: makes what they share
 * @run: what each does
 * @check: what must hold when all have ended
 * @fails: part of what must be said to be wrong; NULL: nothing must
 * @quick: bounds for the short run
 * @full: and for the long one
 */
struct explore_case {
	const char *name;
	const char *what;
	unsigned int threads;
	void (*setup)(void);
	void (*run)(unsigned int thread);
	void (*check)(void);
	const char *fails;
	struct bounds quick;
	struct bounds full;
};

/**
 * struct search - one search, and what came of it
 * @bounds: how far to go
 * @replay: choices to make, or NULL: search
 * @trace: say what is done
 * @executions: how many there were, those included that came to a known state
 * @complete: of which ended
 * @states: different states
 * @finished: all within the bounds was searched
 * @failure: what went wrong; or empty
 * @schedule: choices that lead there
 */
struct search {
	struct bounds bounds;
	const char *replay;
	bool trace;
	unsigned long executions;
	unsigned long complete;
	unsigned long states;
	bool finished;
	char failure[400];
	char schedule[4000];
};

extern const struct explore_case *const explore_cases[];

void schedule_init(void);
void schedule_search(const struct explore_case *which, struct search *search,
		     void (*progress)(const struct search *search));

/* For the machine. */
unsigned int schedule_current(void);
void schedule_point(void);
void schedule_block(bool (*ready)(void *arg), void *arg);
unsigned int schedule_stale(unsigned int count);
unsigned int schedule_choice(unsigned int count);
bool schedule_tracing(void);
unsigned int schedule_threads(void);
void schedule_as(unsigned int thread, void (*fn)(void *arg), void *arg);

/* Something is wrong with the code under test: the end of this execution. */
void explore_fail(const char *format, ...)
	__attribute__((format(printf, 1, 2), noreturn));

#define explore_check(condition) \
	((condition) ? (void)0 : explore_fail("%s", #condition))

/* Something is wrong with the case, or the explorer. */
void explore_die(const char *format, ...)
	__attribute__((format(printf, 1, 2), noreturn));

#endif /* EXPLORE_SCHEDULE_H */
