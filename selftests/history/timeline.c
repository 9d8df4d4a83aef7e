// SPDX-License-Identifier: GPL-2.0
/*
 * Histories as a time line: each operation a line, from its call to its return
 */
#include <stdlib.h>
#include <string.h>

#include "history.h"

#define WIDTH 64

/* All times of calls and returns, in order, each once. */
struct ruler {
	u64 time[2 * OPS_MAX];
	unsigned int n;
};

static int time_compare(const void *a, const void *b)
{
	const u64 *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static void ruler_make(struct ruler *ruler, const struct history *history)
{
	unsigned int i, n = 0;

	ruler->n = 0;
	for (i = 0; i < history->ops; i++) {
		ruler->time[n++] = history->op[i].call;
		ruler->time[n++] = history->op[i].ret;
	}
	qsort(ruler->time, n, sizeof(*ruler->time), time_compare);
	for (i = 0; i < n; i++)
		if (!i || ruler->time[i] != ruler->time[ruler->n - 1])
			ruler->time[ruler->n++] = ruler->time[i];
}

/* The column of a time. Not to scale: what counts is what comes before what. */
static unsigned int ruler_column(const struct ruler *ruler, u64 time)
{
	const u64 *at = bsearch(&time, ruler->time, ruler->n,
				sizeof(*ruler->time), time_compare);

	return ruler->n <= WIDTH ? at - ruler->time :
				   (at - ruler->time) * (WIDTH - 1) / (ruler->n - 1);
}

static void print_op(const struct ruler *ruler, const struct history *history,
		     const struct op *op, bool culprit, FILE *to)
{
	unsigned int from = ruler_column(ruler, op->call);
	unsigned int until = ruler_column(ruler, op->ret);
	char bar[WIDTH + 1], text[300];

	memset(bar, ' ', WIDTH);
	bar[WIDTH] = 0;
	memset(bar + from, '-', until - from);
	bar[from] = '|';
	bar[until] = '|';
	op_format(history, op, text, sizeof(text));
	fprintf(to, "# %9.1f %8.1f %d %s %s%s\n",
		(op->call - ruler->time[0]) / 1e3, (op->ret - op->call) / 1e3,
		op->thread, bar, text, culprit ? "   <-- ?" : "");
}

static int call_compare(const void *a, const void *b)
{
	const struct op *const *x = a, *const *y = b;

	return time_compare(&(*x)->call, &(*y)->call);
}

/**
 * timeline_print() - print a history for people
 * @history: the history
 * @culprit: the operation to point at, or -1
 * @to: where to
 */
void timeline_print(const struct history *history, int culprit, FILE *to)
{
	const struct op *order[OPS_MAX];
	struct ruler ruler;
	unsigned int i;

	if (!history->ops)
		return;
	for (i = 0; i < history->ops; i++)
		order[i] = &history->op[i];
	qsort(order, history->ops, sizeof(*order), call_compare);
	ruler_make(&ruler, history);
	fprintf(to, "# capacity %u, %u segment%s; the bars are not to scale\n",
		history->capacity, history->segments,
		history->segments == 1 ? "" : "s");
	fprintf(to, "# %9s %8s thread\n", "from, us", "for");
	for (i = 0; i < history->ops; i++)
		print_op(&ruler, history, order[i],
			 order[i] - history->op == culprit, to);
}
