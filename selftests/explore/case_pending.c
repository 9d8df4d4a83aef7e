// SPDX-License-Identifier: GPL-2.0
/*
 * Cases of the bitmap of sources. What a source holds is a count here, put and
 * taken without an order of its own: that is the bitmap's business.
 */
#include "../../kmod/pending.h"
#include "case.h"

#define SOURCES 3

static struct mpmc_pending *pending;
static atomic_t *count;

static void setup(void)
{
	items_reset();
	kernel_reset();
	pending = kernel_alloc(sizeof(*pending), 64, true);
	count = kernel_alloc(SOURCES * sizeof(*count), 64, true);
	mpmc_pending_init(pending, SOURCES);
	trace_name(pending, sizeof(*pending), "pending");
	trace_name(pending->bit, sizeof(unsigned long), "bit");
	trace_name(pending->doubt, sizeof(unsigned long), "doubt");
	trace_name(count, SOURCES * sizeof(*count), "count");
}

static bool ready(unsigned int source)
{
	return atomic_read(&count[source]) > 0;
}

static void put(unsigned int source)
{
	atomic_inc(&count[source]);
	trace_say("has put to %u", source);
	mpmc_pending_set(pending, source);
}

static bool take(unsigned int source)
{
	int n = atomic_read(&count[source]);

	while (n > 0)
		if (atomic_try_cmpxchg_relaxed(&count[source], &n, n - 1))
			return true;
	return false;
}

/* Whether another one had cleared it. */
static bool retire(unsigned int source)
{
	int ret = mpmc_pending_clear_begin(pending, source);

	if (ret > 0)
		mpmc_pending_clear_end(pending, source, ready(source));
	return ret < 0;
}

/* Take from any source, as mpmc_queue_take() does. */
static bool take_any_by(bool (*found_empty)(unsigned int source))
{
	unsigned int source;
	int cleared;
	bool again;

	do {
		again = false;
		cleared = mpmc_pending_begin(pending);
		source = mpmc_pending_next(pending, 0);
		for (; source < SOURCES;
		     source = mpmc_pending_next(pending, source + 1)) {
			if (take(source))
				return true;
			again |= found_empty(source);
		}
	} while (mpmc_pending_missed(pending, cleared) || again);
	return false;
}

static bool take_any(void)
{
	return take_any_by(retire);
}

static void check(void)
{
	unsigned int i;

	for (i = 0; i < SOURCES; i++) {
		if (ready(i) && mpmc_pending_next(pending, i) != i)
			explore_fail("source %u holds something, and has no bit", i);
		if (test_bit(i, pending->doubt))
			explore_fail("source %u is left in doubt", i);
	}
}

/* --- Who puts, and who finds it empty --- */

static void set_run(unsigned int thread)
{
	if (thread == 1) {
		put(1);
		put(1);
	} else {
		take(1);
		retire(1);
		take(1);
	}
}

const struct explore_case case_pending_set = {
	.name = "pending-set",
	.what = "one puts to a source that two others find empty",
	.threads = 3,
	.setup = setup,
	.run = set_run,
	.check = check,
	.quick = { 2, 2, 500, 20 },
	.full = { 4, 3, 500, 120 },
};

/* --- What is there all the time is found --- */

static void sure_setup(void)
{
	setup();
	put(1);
}

static void look(void)
{
	unsigned int found;
	int cleared;

	do {
		cleared = mpmc_pending_begin(pending);
		found = mpmc_pending_next(pending, 0);
	} while (found != 1 && mpmc_pending_missed(pending, cleared));
	if (found != 1)
		explore_fail("there all the time, and not found");
}

static void doubt_run(unsigned int thread)
{
	if (thread == 1)
		look();
	else
		retire(1);
}

const struct explore_case case_pending_doubt = {
	.name = "pending-doubt",
	.what = "one looks for what is there, two others doubt it",
	.threads = 3,
	.setup = sure_setup,
	.run = doubt_run,
	.check = check,
	.quick = { 3, 2, 500, 20 },
	.full = { 5, 3, 500, 120 },
};

/*
 * Items that move behind the back of who looks. (Nobody else is about to clear a
 * bit just then: that is the exception that pending.c tells of.)
 */

static void hop_setup(void)
{
	setup();
	put(2);
}

static void hop_run(unsigned int thread)
{
	if (thread == 1) {
		put(0);
		take(2);
	} else if (!take_any()) {
		explore_fail("one there all the time, and none found");
	}
}

const struct explore_case case_pending_hop = {
	.name = "pending-hop",
	.what = "one looks, another puts to one source and takes from another",
	.threads = 2,
	.setup = hop_setup,
	.run = hop_run,
	.check = check,
	.quick = { 3, 0, 500, 20 },
	.full = { 5, 0, 500, 120 },
};

/*
 * The same where somebody was about to clear a bit when the look began, and has done
 * so before who looks finds the source empty: he does not stand still any more.
 */
static bool retired;

static void late_setup(void)
{
	sure_setup();
	retired = false;
}

static bool is_retired(void *unused)
{
	return retired;
}

static bool retire_late(unsigned int source)
{
	schedule_block(is_retired, NULL);
	return retire(source);
}

static void late_run(unsigned int thread)
{
	if (thread == 1) {
		retire(1);
		retired = true;
	} else if (thread == 2) {
		put(0);
		take(1);
	} else if (!take_any_by(retire_late)) {
		explore_fail("one there all the time, and none found");
	}
}

const struct explore_case case_pending_late = {
	.name = "pending-late",
	.what = "one looks, another clears a bit, a third puts to one source and takes from another",
	.threads = 3,
	.setup = late_setup,
	.run = late_run,
	.check = check,
	.quick = { 3, 0, 500, 20 },
	.full = { 5, 0, 500, 120 },
};

/* --- Who looks for nothing does not keep others looking --- */

static void once_setup(void)
{
	setup();
	put(1);
	take(1);
}

static void once_run(unsigned int thread)
{
	if (take_any())
		explore_fail("thread %u found what is not there", thread);
}

static void once_check(void)
{
	check();
	if (atomic_read(&pending->cleared) != 1)
		explore_fail("one bit was cleared %d times",
			     atomic_read(&pending->cleared));
}

const struct explore_case case_pending_once = {
	.name = "pending-once",
	.what = "three look, and there is one bit and no item",
	.threads = 3,
	.setup = once_setup,
	.run = once_run,
	.check = once_check,
	.quick = { 2, 2, 500, 20 },
	.full = { 4, 3, 500, 120 },
};
