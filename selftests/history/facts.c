// SPDX-License-Identifier: GPL-2.0
/*
 * What is known of a history whatever the order of its operations was
 *
 * Which items an operation is about: a lease is its owner's alone, so what is in
 * it follows from what he did and was told. And what is wrong in any order:
 *
 *  - an item that nobody put, or whose put was refused;
 *  - a wait that ended before its deadline;
 *  - a bulk refused as too large that is not, or not refused that is;
 *  - "empty", or any other end, for who has something leased;
 *  - a lease that does not come in order, oldest first; more finished with than it
 *    has; a count of deliveries that is not how often the item was handed out.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "facts.h"

/* What consumers' leases have; by token. */
struct leases {
	u8 item[TOKENS_MAX][ITEMS_MAX];
	unsigned int n[TOKENS_MAX];
};

static bool wrong(struct verdict *verdict, unsigned int op, const char *why)
{
	verdict->outcome = ILLEGAL;
	verdict->culprit = op;
	snprintf(verdict->why, sizeof(verdict->why), "%s", why);
	return false;
}

/* --- The order of events --- */

/* At the same time: who comes late is believed to have come before. */
static int event_compare(const void *a, const void *b)
{
	const struct event *x = a, *y = b;

	if (x->time != y->time)
		return x->time < y->time ? -1 : 1;
	if (x->moment != y->moment)
		return x->moment < y->moment ? -1 : 1;
	return x->op < y->op ? -1 : 1;
}

static void event_add(struct facts *facts, u64 time, enum moment moment,
		      unsigned int op)
{
	facts->event[facts->events++] = (struct event){
		.time = time, .moment = moment, .op = op,
	};
}

/* What a wait was told in the end was found out after its deadline. */
static u64 op_arms(const struct op *op)
{
	bool late = op->error == ETIMEDOUT && op->deadline > op->call;

	return late ? op->deadline : op->call;
}

static void find_events(struct facts *facts)
{
	const struct op *op;
	unsigned int i;

	for (i = 0; i < facts->history->ops; i++) {
		op = &facts->history->op[i];
		event_add(facts, op->call, BEGIN, i);
		event_add(facts, op_arms(op), ARM, i);
		event_add(facts, op->ret, END, i);
	}
	qsort(facts->event, facts->events, sizeof(facts->event[0]),
	      event_compare);
	for (i = 0; i < facts->events; i++) {
		struct fact *fact = &facts->fact[facts->event[i].op];

		if (facts->event[i].moment == BEGIN)
			fact->begin = i;
		else if (facts->event[i].moment == ARM)
			fact->arm = i;
		else
			fact->end = i;
	}
}

/* --- What was put --- */

static bool find_put(struct facts *facts, unsigned int i,
		     struct verdict *verdict)
{
	const struct op *op = &facts->history->op[i];
	struct fact *fact = &facts->fact[i];
	bool large = op->n > facts->history->capacity;
	unsigned int k;

	fact->source = op->token == QUEUE ? op->thread :
					    THREADS_MAX + op->token;
	fact->n = op->n;
	if (op->error == EMSGSIZE && !large)
		return wrong(verdict, i, "refused as too large, and is not");
	if (large && op->error != EMSGSIZE && op->error != EPIPE)
		return wrong(verdict, i, "larger than the capacity");
	for (k = 0; k < op->n; k++) {
		fact->item[k] = op->item[k];
		if (op->error)
			continue;
		if (facts->put_by[op->item[k]] >= 0)
			return wrong(verdict, i,
				     "no history: an item is put twice");
		facts->put_by[op->item[k]] = i;
		facts->order[fact->source][facts->ordered[fact->source]++] =
			op->item[k];
	}
	return true;
}

/* --- What was leased, taken, and given back --- */

static void lease_add(struct leases *leases, int token, u8 item)
{
	leases->item[token][leases->n[token]++] = item;
}

static void lease_drop(struct leases *leases, int token, unsigned int n)
{
	leases->n[token] -= n;
	memmove(leases->item[token], leases->item[token] + n,
		leases->n[token]);
}

static bool find_items(struct facts *facts, unsigned int i,
		       struct verdict *verdict)
{
	const struct op *op = &facts->history->op[i];
	struct fact *fact = &facts->fact[i];
	unsigned int k;

	if (op->n > OP_ITEMS || (op->kind == TAKE && op->n > op->count))
		return wrong(verdict, i, "more items than asked for");
	fact->n = op->n;
	for (k = 0; k < op->n; k++) {
		if (!op->item[k] || op->item[k] >= ITEMS_MAX ||
		    facts->put_by[op->item[k]] < 0)
			return wrong(verdict, i,
				     "an item that no accepted put had");
		fact->item[k] = op->item[k];
	}
	return true;
}

/* What is leased comes first, and in order. */
static bool find_old(struct facts *facts, unsigned int i,
		     const struct leases *leases, struct verdict *verdict)
{
	const struct op *op = &facts->history->op[i];
	struct fact *fact = &facts->fact[i];
	unsigned int k, has = op->token == QUEUE ? 0 : leases->n[op->token];

	if (op->error && has)
		return wrong(verdict, i, "there are items in its lease");
	fact->old = has < op->count ? has : op->count;
	if (op->kind == PEEK && facts->history->token[op->token].mapped)
		fact->old = has;
	if (op->error)
		return true;
	if (!op->n || op->n < fact->old)
		return wrong(verdict, i, "its lease has more items");
	for (k = 0; k < fact->old; k++)
		if (fact->item[k] != leases->item[op->token][k])
			return wrong(verdict, i,
				     "its lease has other items, or in another order");
	return true;
}

static bool find_take(struct facts *facts, unsigned int i,
		      struct leases *leases, struct verdict *verdict)
{
	const struct op *op = &facts->history->op[i];
	struct fact *fact = &facts->fact[i];
	unsigned int k, most = op->count;

	if (!find_items(facts, i, verdict) ||
	    !find_old(facts, i, leases, verdict))
		return false;
	if (op->error)
		return true;
	if (op->kind == PEEK && facts->history->token[op->token].entries < most)
		most = facts->history->token[op->token].entries;
	fact->partial = op->n < most;
	if (op->kind == TAKE && op->token != QUEUE)
		lease_drop(leases, op->token, fact->old);
	for (k = fact->old; op->kind == PEEK && k < op->n; k++)
		lease_add(leases, op->token, op->item[k]);
	return true;
}

/* Commits, releases, and the ends of tokens. */
static bool find_end(struct facts *facts, unsigned int i,
		     struct leases *leases, struct verdict *verdict)
{
	const struct op *op = &facts->history->op[i];
	struct fact *fact = &facts->fact[i];
	unsigned int has = leases->n[op->token];

	fact->n = op->kind == CLOSE ? has : op->count;
	if (op->error == EINVAL && fact->n <= has)
		return wrong(verdict, i, "its lease has as many items");
	if (op->error)
		return true;
	if (fact->n > has)
		return wrong(verdict, i, "its lease does not have as many");
	memcpy(fact->item, leases->item[op->token], fact->n);
	lease_drop(leases, op->token, fact->n);
	return true;
}

static bool find_fact(struct facts *facts, unsigned int i,
		      struct leases *leases, struct verdict *verdict)
{
	const struct op *op = &facts->history->op[i];

	if (op->error == ETIMEDOUT && op->ret < op->deadline)
		return wrong(verdict, i, "the deadline had not passed");
	switch (op->kind) {
	case TAKE:
	case PEEK:
		return find_take(facts, i, leases, verdict);
	case COMMIT:
	case ACK:
	case RELEASE:
	case CLOSE:
		return find_end(facts, i, leases, verdict);
	default:
		return true;
	}
}

/* How often items were handed out, in the order in which that was said. */
static bool find_deliveries(struct facts *facts, struct verdict *verdict)
{
	u32 handed[ITEMS_MAX] = {};
	const struct op *op;
	unsigned int e, i, k;
	u8 item;

	for (e = 0; e < facts->events; e++) {
		i = facts->event[e].op;
		op = &facts->history->op[i];
		if (facts->event[e].moment != END || !op_takes(op))
			continue;
		for (k = 0; k < op->n; k++) {
			item = facts->fact[i].item[k];
			if (k >= facts->fact[i].old)
				handed[item]++;
			if (op->kind == PEEK &&
			    op->deliveries[k] != handed[item])
				return wrong(verdict, i,
					     "a wrong count of deliveries");
		}
	}
	return true;
}

/**
 * facts_find() - find out what is known of a history
 * @facts: where to write it down
 * @history: the history
 * @verdict: why it is illegal, if it is so in any order
 *
 * Return: false if it is.
 */
bool facts_find(struct facts *facts, const struct history *history,
		struct verdict *verdict)
{
	struct leases leases = {};
	unsigned int i;

	memset(facts, 0, sizeof(*facts));
	memset(facts->put_by, -1, sizeof(facts->put_by));
	facts->history = history;
	find_events(facts);
	for (i = 0; i < history->tokens; i++)
		facts->maps |= history->token[i].mapped &&
			       !history->token[i].produces;
	for (i = 0; i < history->ops; i++)
		if (op_puts(&history->op[i]) && !find_put(facts, i, verdict))
			return false;
	for (i = 0; i < facts->events; i++)
		if (facts->event[i].moment == BEGIN &&
		    !find_fact(facts, facts->event[i].op, &leases, verdict))
			return false;
	return find_deliveries(facts, verdict);
}
