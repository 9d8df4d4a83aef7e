// SPDX-License-Identifier: GPL-2.0
/*
 * What came of a run, against what the queue promises
 */
#include "crew.h"

static bool must_be(bool right, const char *what, unsigned long long is,
		    unsigned long long most)
{
	if (!right)
		printf("# %s: %llu, at most %llu\n", what, is, most);
	return right;
}

/**
 * outcome_right() - whether it is what is promised
 * @order: what was done
 * @outcome: what came of it
 *
 * Return: true, or false after saying what is wrong.
 */
bool outcome_right(const struct order *order, const struct outcome *outcome)
{
	const struct verdict *verdict = &outcome->verdict;
	/* What a call that was killed has put back is not counted as delivered. */
	uint64_t late = outcome->redelivered + verdict->in_hand -
			verdict->missing;
	bool ok = !outcome->stalled;

	ok &= must_be(!outcome->faults, "faults", outcome->faults, 0);
	ok &= must_be(!outcome->wrong, "wrong at the end", outcome->wrong, 0);
	ok &= must_be(verdict->missing <= verdict->in_hand, "lost",
		      verdict->missing, verdict->in_hand);
	ok &= must_be(outcome->inversions <= late, "out of order",
		      outcome->inversions, late);
	if (order->type->finish)
		ok &= must_be(!verdict->torn, "torn bulks", verdict->torn, 0);
	else
		ok &= must_be(!verdict->again, "delivered twice",
			      verdict->again, 0);
	return ok;
}

/* Print it, for people. */
void outcome_report(const struct outcome *outcome)
{
	const struct verdict *verdict = &outcome->verdict;
	double s = outcome->ns / 1e9;

	printf("# %u kills in %.1f s, %llu items, %.0f items/s, longest without one %.3f s\n",
	       outcome->kills, s, (unsigned long long)outcome->received,
	       outcome->received / s, outcome->longest_ns / 1e9);
	printf("# lost in hand %llu, at most %llu; redelivered %llu, received again %llu, late %llu\n",
	       (unsigned long long)verdict->missing,
	       (unsigned long long)verdict->in_hand,
	       (unsigned long long)outcome->redelivered,
	       (unsigned long long)verdict->again,
	       (unsigned long long)outcome->inversions);
}
