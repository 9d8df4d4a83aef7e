// SPDX-License-Identifier: GPL-2.0
/*
 * Cases of the credits
 */
#include "../../kmod/credit.h"
#include "case.h"

static struct mpmc_capacity *capacity;

/* What is held, from the step that takes it to the one that returns it. */
static unsigned int held;
/* How often all were held, ever. */
static unsigned int full;

static void setup(unsigned int total)
{
	items_reset();
	kernel_reset();
	held = 0;
	full = 0;
	capacity = kernel_alloc(sizeof(*capacity), 64, true);
	mpmc_capacity_init(capacity, total, 2);
	trace_name(capacity, sizeof(*capacity), "capacity");
	trace_name(capacity->share, 3 * sizeof(*capacity->share), "share");
}

static void took(unsigned int count)
{
	held += count;
	trace_say("has got %u, %u are out", count, held);
	full += held == capacity->total;
	if (held > capacity->total)
		explore_fail("%u credits are out of %lu", held, capacity->total);
}

static bool take(unsigned int share, unsigned int count)
{
	if (!mpmc_capacity_take(capacity, share, count))
		return false;
	took(count);
	return true;
}

static void give(unsigned int share, unsigned int count)
{
	mpmc_capacity_return(capacity, share, count);
	held -= count;
	trace_say("has returned %u, %u are out", count, held);
}

/* One credit each lies in the segments' shares, and none in the common one. */
static void setup_spread(void)
{
	setup(2);
	explore_check(take(1, 2));
	give(1, 1);
	give(2, 1);
}

static void setup_four(void)
{
	setup(4);
	explore_check(take(1, 4));
	give(1, 2);
	give(2, 1);
	give(0, 1);
}

static void setup_two(void)
{
	setup(2);
}

static void check(void)
{
	unsigned int total = capacity->total;

	if (mpmc_capacity_used(capacity) != held)
		explore_fail("%u credits are out, and it says %lu", held,
			     mpmc_capacity_used(capacity));
	if (mpmc_capacity_has(capacity, total - held + 1))
		explore_fail("it says that it has more than there are");
	if (held < total && !take(2, total - held))
		explore_fail("what is there can't be had at once");
	if (take(1, 1))
		explore_fail("one more than all");
	mpmc_capacity_free(capacity);
}

/* --- With room for all, nobody is refused --- */

static void sure_run(unsigned int thread)
{
	if (!take(thread, 1))
		explore_fail("refused, with room for all");
	give(3 - thread, 1);
	if (!take(thread, 1))
		explore_fail("refused, with room for all");
}

const struct explore_case case_credit_sure = {
	.name = "credit-sure",
	.what = "two threads take one of two credits each, and again",
	.threads = 2,
	.setup = setup_spread,
	.run = sure_run,
	.check = check,
	.quick = { 3, 2, 1000, 20 },
	.full = { 5, 3, 1000, 120 },
};

static void sure_bulk_run(unsigned int thread)
{
	if (!take(thread, 2))
		explore_fail("refused, with room for all");
	give(thread, 2);
}

const struct explore_case case_credit_gather = {
	.name = "credit-gather",
	.what = "two bulks gather two of four credits each, from all shares",
	.threads = 2,
	.setup = setup_four,
	.run = sure_bulk_run,
	.check = check,
	.quick = { 2, 1, 1000, 20 },
	.full = { 4, 2, 1000, 120 },
};

/* --- Never more than there are --- */

static void scarce_run(unsigned int thread)
{
	if (thread == 3) {
		if (take(1, 2))
			give(2, 2);
	} else {
		if (take(thread, 1))
			give(thread, 1);
		take(thread, 1);
	}
}

const struct explore_case case_credit_scarce = {
	.name = "credit-scarce",
	.what = "two singles and a bulk that gathers, two credits",
	.threads = 3,
	.setup = setup_spread,
	.run = scarce_run,
	.check = check,
	.quick = { 2, 1, 1000, 20 },
	.full = { 3, 1, 1000, 120 },
};

/*
 * "Full" is true: if a single is refused then there was a moment at which all
 * were out, since it began. (With the newest values: an old one is as good as
 * having begun earlier.)
 */
static void true_run(unsigned int thread)
{
	unsigned int before = full;

	if (held == capacity->total)
		before--;
	if (thread == 3) {
		if (take(1, 2))
			give(2, 2);
		return;
	}
	if (!take(thread, 1)) {
		if (full == before)
			explore_fail("refused, and never were all out");
		return;
	}
	give(3 - thread, 1);
}

const struct explore_case case_credit_true = {
	.name = "credit-true",
	.what = "a bulk that is refused makes nobody else be refused",
	.threads = 3,
	.setup = setup_spread,
	.run = true_run,
	.check = check,
	.quick = { 3, 0, 1000, 20 },
	.full = { 4, 0, 1000, 120 },
};

static void some_run(unsigned int thread)
{
	u32 got;

	if (thread == 2) {
		if (take(2, 2))
			give(2, 2);
		return;
	}
	got = mpmc_capacity_take_some(capacity, thread, 2);
	if (got)
		took(got);
}

const struct explore_case case_credit_some = {
	.name = "credit-some",
	.what = "one takes as many as there are, another a bulk of all",
	.threads = 2,
	.setup = setup_spread,
	.run = some_run,
	.check = check,
	.quick = { 3, 2, 1000, 20 },
	.full = { 5, 2, 1000, 120 },
};

const struct explore_case case_credit_common = {
	.name = "credit-common",
	.what = "two singles and a bulk, all credits in the common share",
	.threads = 3,
	.setup = setup_two,
	.run = scarce_run,
	.check = check,
	.quick = { 2, 1, 1000, 20 },
	.full = { 3, 1, 1000, 120 },
};
