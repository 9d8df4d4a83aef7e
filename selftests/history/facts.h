/* SPDX-License-Identifier: GPL-2.0 */
#ifndef FACTS_H
#define FACTS_H

#include "check.h"

/* Each thread is a source of its own, and so is each producer token. */
#define SOURCES_MAX (THREADS_MAX + TOKENS_MAX)

/**
 * struct fact - what is known of an operation whatever the order was
 * @source: of one that puts: where its items come from
 * @n: how many items it is about
 * @old: of these, the ones that were leased to its token before
 * @item: what it takes, shows, finishes with or gives back
 * @partial: it got fewer than it asked for, because there were no more
 * @begin: the number of the event that it begins with
 * @arm: from which event on what it was told must be true
 * @end: the event that it ends with
 */
struct fact {
	unsigned int source;
	unsigned int n;
	unsigned int old;
	u8 item[OP_ITEMS];
	bool partial;
	unsigned int begin;
	unsigned int arm;
	unsigned int end;
};

enum moment { BEGIN, ARM, END };

struct event {
	u64 time;
	enum moment moment;
	unsigned int op;
};

#define EVENTS_MAX (3 * OPS_MAX)

/**
 * struct facts - what is known of a history whatever the order was
 * @history: the history
 * @fact: of each operation
 * @event: calls, returns and deadlines in order
 * @events: how many
 * @order: of each source, the items it had accepted, in order
 * @put_by: of each item, the operation that put it; -1: none
 * @maps: there are consumers that have their leases mapped
 */
struct facts {
	const struct history *history;
	struct fact fact[OPS_MAX];
	struct event event[EVENTS_MAX];
	unsigned int events;
	u8 order[SOURCES_MAX][ITEMS_MAX];
	unsigned int ordered[SOURCES_MAX];
	int put_by[ITEMS_MAX];
	bool maps;
};

bool facts_find(struct facts *facts, const struct history *history,
		struct verdict *verdict);

#endif /* FACTS_H */
