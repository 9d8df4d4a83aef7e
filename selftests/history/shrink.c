// SPDX-License-Identifier: GPL-2.0
/*
 * Making an illegal history smaller, so that people can see what is wrong
 *
 * What is left out can't have made it illegal: what came later; operations that
 * changed nothing; items that were put and taken, but where room is what it is
 * about. It is checked again each time, and stays illegal.
 */
#include <errno.h>
#include <string.h>

#include "check.h"

/* Take it if it is still illegal. */
static bool shrink_try(struct history *history, struct verdict *verdict,
		       const struct history *smaller)
{
	struct verdict said;

	history_check(smaller, &said);
	if (said.outcome != ILLEGAL)
		return false;
	*history = *smaller;
	*verdict = said;
	return true;
}

static void drop_op(struct history *history, unsigned int op)
{
	history->ops--;
	memmove(&history->op[op], &history->op[op + 1],
		(history->ops - op) * sizeof(*history->op));
}

/* What began after the culprit was over. */
static void shrink_end(struct history *history, struct verdict *verdict)
{
	static struct history smaller;
	u64 end = history->op[verdict->culprit].ret;
	unsigned int i;

	smaller = *history;
	for (i = smaller.ops; i--;)
		if (smaller.op[i].call > end)
			drop_op(&smaller, i);
	shrink_try(history, verdict, &smaller);
}

static bool changes_nothing(const struct history *history, unsigned int op)
{
	return history->op[op].error && !history->op[op].granted;
}

static void shrink_errors(struct history *history, struct verdict *verdict)
{
	static struct history smaller;
	unsigned int i;

	for (i = history->ops; i--;) {
		if (!changes_nothing(history, i))
			continue;
		smaller = *history;
		drop_op(&smaller, i);
		shrink_try(history, verdict, &smaller);
	}
}

/* Without an item, wherever it is; operations that are about it alone go. */
static void drop_item(struct history *history, u64 item)
{
	struct op *op;
	unsigned int i, k;

	for (i = history->ops; i--;) {
		op = &history->op[i];
		for (k = 0; k < op->n && op->item[k] != item; k++)
			;
		if (k == op->n)
			continue;
		op->n--;
		op->count--;
		memmove(op->item + k, op->item + k + 1,
			(op->n - k) * sizeof(*op->item));
		if (!op->n && !op->granted)
			drop_op(history, i);
	}
}

/* An item that was never leased: its lease would not fit any more. */
static bool is_simple(const struct history *history, u64 item)
{
	const struct op *op;
	unsigned int i, k, times = 0;

	for (i = 0; i < history->ops; i++) {
		op = &history->op[i];
		if (op_puts(op) && (op->error == EAGAIN || op->error == ETIMEDOUT))
			return false;
		for (k = 0; k < op->n; k++) {
			if (op->item[k] != item)
				continue;
			if (op->error || op->kind == PEEK)
				return false;
			times++;
		}
	}
	return times == 2;
}

static void shrink_items(struct history *history, struct verdict *verdict)
{
	static struct history smaller;
	u64 item;

	for (item = 1; item < ITEMS_MAX; item++) {
		if (!is_simple(history, item))
			continue;
		smaller = *history;
		drop_item(&smaller, item);
		shrink_try(history, verdict, &smaller);
	}
}

/**
 * history_shrink() - make an illegal history smaller
 * @history: the history
 * @verdict: what was said of it, and will be of the smaller one
 */
void history_shrink(struct history *history, struct verdict *verdict)
{
	shrink_end(history, verdict);
	shrink_errors(history, verdict);
	shrink_items(history, verdict);
	shrink_errors(history, verdict);
	shrink_end(history, verdict);
}
