/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHECK_H
#define CHECK_H

#include "history.h"

enum outcome {
	LEGAL,
	ILLEGAL,
	UNDECIDED,	/* too much to search */
};

/**
 * struct verdict - what is to be said of a history
 * @outcome: whether it is one of a queue that keeps its promises
 * @culprit: the operation that it can't be continued with, or -1
 * @why: in words
 * @states: how many states were searched
 */
struct verdict {
	enum outcome outcome;
	int culprit;
	char why[160];
	unsigned long states;
};

void history_check(const struct history *history, struct verdict *verdict);

#endif /* CHECK_H */
