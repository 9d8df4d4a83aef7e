// SPDX-License-Identifier: GPL-2.0
/*
 * Cases of the explorer itself: small programs whose answer is known. What is
 * wrong must be found, and found again by its schedule.
 */
#include "case.h"

static unsigned int *x, *y;
static spinlock_t *lock;
static unsigned int alone; /* who has not seen the other one */

static void setup(void)
{
	kernel_reset();
	alone = 0;
	x = kernel_alloc(sizeof(*x), 64, true);
	y = kernel_alloc(sizeof(*y), 64, true);
	lock = kernel_alloc(sizeof(*lock), 64, true);
	trace_name(x, sizeof(*x), "x");
	trace_name(y, sizeof(*y), "y");
}

static void check(void)
{
}

#define KNOWN { 2, 2, 100, 20 }
#define CASE(id, text, n, says) \
const struct explore_case case_known_##id = { \
	.name = "known-" #id, \
	.what = text, \
	.threads = n, \
	.setup = setup, \
	.run = id##_run, \
	.check = check, \
	.fails = says, \
	.quick = KNOWN, \
	.full = KNOWN, \
}

static void message_run(unsigned int thread)
{
	if (thread == 1) {
		WRITE_ONCE(*x, 1);
		WRITE_ONCE(*y, 1);
	} else if (READ_ONCE(*y) && !READ_ONCE(*x)) {
		explore_fail("y without x");
	}
}

CASE(message, "a message without barriers", 2, "y without x");

static void passing_run(unsigned int thread)
{
	if (thread == 1) {
		WRITE_ONCE(*x, 1);
		smp_store_release(y, 1);
	} else if (smp_load_acquire(y) && !READ_ONCE(*x)) {
		explore_fail("y without x");
	}
}

CASE(passing, "a message with a release and an acquire", 2, NULL);

static void buffer(unsigned int *mine, unsigned int *other, bool barrier)
{
	WRITE_ONCE(*mine, 1);
	if (barrier)
		smp_mb();
	if (!READ_ONCE(*other) && alone++)
		explore_fail("neither saw the other");
}

static void buffers_run(unsigned int thread)
{
	buffer(thread == 1 ? x : y, thread == 1 ? y : x, false);
}

CASE(buffers, "two store buffers", 2, "neither saw the other");

static void fences_run(unsigned int thread)
{
	buffer(thread == 1 ? x : y, thread == 1 ? y : x, true);
}

CASE(fences, "two store buffers with barriers", 2, NULL);

static void race_run(unsigned int thread)
{
	*x = thread;
}

CASE(race, "two plain writes", 2, "data race");

static void locked_run(unsigned int thread)
{
	spin_lock(lock);
	*x = thread;
	spin_unlock(lock);
}

CASE(locked, "two plain writes under a lock", 2, NULL);

static void free_run(unsigned int thread)
{
	if (thread == 1)
		kfree(y);
	else
		WRITE_ONCE(*y, 1);
}

CASE(free, "memory that is freed while another one uses it", 2, "use after free");

static void late_free_run(unsigned int thread)
{
	if (thread == 1) {
		WRITE_ONCE(*y, 1);
		WRITE_ONCE(*x, 1);
	} else if (READ_ONCE(*x)) {
		kfree(y);
	}
}

CASE(late_free, "memory that is freed without knowing that it is not used", 2,
     "data race");

static void deadlock_run(unsigned int thread)
{
	if (thread == 2 && READ_ONCE(*x))
		return;
	spin_lock(lock);
	WRITE_ONCE(*x, 1);
}

CASE(deadlock, "a lock that is not released", 2, "waits for ever");

static void loop_run(unsigned int thread)
{
	while (thread == 2 && READ_ONCE(*x) != 2)
		;
	WRITE_ONCE(*x, 1);
}

CASE(loop, "one waits for what never comes", 2, "no end");
