// SPDX-License-Identifier: GPL-2.0
/*
 * The search for an order of steps that explains a history
 *
 * Depth first, in the manner of Wing and Gong: events in their order, and before
 * each return whatever steps it takes, of that operation and of the others that
 * are at work. With Lowe's memory: a state in which an event could not be passed is
 * not tried there again. States are remembered by 128 bits of a hash.
 */
#include <stdlib.h>
#include <string.h>

#include "state.h"

#define SEEN_FIRST (1U << 12)
#define SEEN_LAST (1U << 22)

struct key {
	u64 a;
	u64 b;
};

/**
 * struct search - a search
 * @facts: of the history
 * @pending: by event and thread: the operation at work, before it; or -1
 * @seen: the states that were, by hash; a key of 0 is none
 * @size: of that
 * @n: how many there are
 * @deepest: the furthest event that was come to
 */
struct search {
	struct facts facts;
	int pending[EVENTS_MAX + 1][THREADS_MAX];
	struct key *seen;
	unsigned int size;
	unsigned int n;
	unsigned int deepest;
};

/* --- States that were --- */

static u64 mix(u64 x)
{
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
	return x ^ (x >> 31);
}

static struct key key_of(const struct state *state, unsigned int event)
{
	struct key key = { .a = event + 1, .b = ~(u64)event };
	u64 word[(sizeof(*state) + 7) / 8] = {};
	unsigned int i;

	memcpy(word, state, sizeof(*state));
	for (i = 0; i < sizeof(word) / sizeof(*word); i++) {
		key.a = mix(key.a ^ word[i]) + 0x9e3779b97f4a7c15ULL;
		key.b = mix(key.b + word[i] * 0xd6e8feb86659fd93ULL);
	}
	key.a |= 1;
	return key;
}

static bool seen_put(struct key *seen, unsigned int size, struct key key)
{
	unsigned int i = key.b & (size - 1);

	for (; seen[i].a; i = (i + 1) & (size - 1))
		if (seen[i].a == key.a && seen[i].b == key.b)
			return false;
	seen[i] = key;
	return true;
}

static void seen_grow(struct search *search)
{
	unsigned int i, size = 4 * search->size;
	struct key *seen = calloc(size, sizeof(*seen));

	if (!seen)
		abort();
	for (i = 0; i < search->size; i++)
		if (search->seen[i].a)
			seen_put(seen, size, search->seen[i]);
	free(search->seen);
	search->seen = seen;
	search->size = size;
}

/* Whether a state is new, at this event. */
static bool search_is_new(struct search *search, const struct state *state,
			  unsigned int event)
{
	if (!seen_put(search->seen, search->size, key_of(state, event)))
		return false;
	if (++search->n > search->size / 2 && search->size < SEEN_LAST)
		seen_grow(search);
	return true;
}

static bool search_is_over(const struct search *search)
{
	return search->n >= SEEN_LAST / 2;
}

/* --- The search --- */

static bool search_from(struct search *search, unsigned int at,
			const struct state *from);

/* On from a return, by way of the steps that may come before it. */
static bool search_steps(struct search *search, const struct spec *spec,
			 const struct state *from, int thread)
{
	struct state next[NEXT_MAX];
	unsigned int i, n = spec_next(spec, from, thread, next);

	for (i = 0; i < n; i++)
		if (search_from(search, spec->at, &next[i]))
			return true;
	return false;
}

/* Whether the history can go on like that from this event on. */
static bool search_from(struct search *search, unsigned int at,
			const struct state *from)
{
	const struct facts *facts = &search->facts;
	const struct event *event = &facts->event[at];
	struct spec spec = { .facts = facts, .at = at };
	struct state state = *from;
	int thread;

	if (at == facts->events)
		return true;
	if (at > search->deepest)
		search->deepest = at;
	if (search_is_over(search) || !search_is_new(search, from, at))
		return false;
	thread = facts->history->op[event->op].thread;
	memcpy(spec.pending, search->pending[at], sizeof(spec.pending));
	if (event->moment == END) {
		if (!spec_may_end(&spec, from, event->op))
			return search_steps(search, &spec, from, thread);
		spec_end(&spec, &state, event->op);
	} else {
		spec.pending[thread] = event->op;
		if (event->moment == BEGIN)
			spec_begin(&spec, &state, event->op);
		else
			spec_arm(&spec, &state, event->op);
	}
	return search_from(search, at + 1, &state);
}

static void find_pending(struct search *search)
{
	const struct facts *facts = &search->facts;
	unsigned int e;
	int thread;

	memset(search->pending[0], -1, sizeof(search->pending[0]));
	for (e = 0; e < facts->events; e++) {
		thread = facts->history->op[facts->event[e].op].thread;
		memcpy(search->pending[e + 1], search->pending[e],
		       sizeof(search->pending[e]));
		if (facts->event[e].moment == BEGIN)
			search->pending[e + 1][thread] = facts->event[e].op;
		else if (facts->event[e].moment == END)
			search->pending[e + 1][thread] = -1;
	}
}

static void search_begin(struct search *search)
{
	search->size = SEEN_FIRST;
	search->seen = calloc(search->size, sizeof(*search->seen));
	if (!search->seen)
		abort();
	find_pending(search);
}

static void search_run(struct search *search, struct verdict *verdict)
{
	struct state state = {};

	search_begin(search);
	if (search_from(search, 0, &state)) {
		verdict->outcome = LEGAL;
	} else if (search_is_over(search)) {
		verdict->outcome = UNDECIDED;
	} else {
		verdict->outcome = ILLEGAL;
		verdict->culprit =
			search->facts.event[search->deepest].op;
		snprintf(verdict->why, sizeof(verdict->why),
			 "no order of all until then explains what it was told");
	}
	verdict->states = search->n;
	free(search->seen);
}

/**
 * history_check() - whether a history is one of a queue that keeps its promises
 * @history: the history
 * @verdict: what is to be said of it
 */
void history_check(const struct history *history, struct verdict *verdict)
{
	struct search *search = calloc(1, sizeof(*search));

	if (!search)
		abort();
	memset(verdict, 0, sizeof(*verdict));
	verdict->culprit = -1;
	if (facts_find(&search->facts, history, verdict))
		search_run(search, verdict);
	free(search);
}
