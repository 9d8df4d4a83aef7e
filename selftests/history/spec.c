// SPDX-License-Identifier: GPL-2.0
/*
 * The specification: what a queue may do between two events of a history
 *
 * A queue is a bounded bag, in which the items of each source, a thread or a
 * producer token, are in line; or, where there is one segment, all items are. What
 * came back from a lease is before all that. Each operation is a row of steps,
 * between its call and its return, each of which happens at one moment:
 *
 * put          the owner of a mapped ring: the room that he was granted and has not
 *              used is taken back;
 *              credits for all items, which must be free, before the shutdown: all or
 *              none;
 *              the items are in line. Where there is one segment: one by one,
 *              others' may be in between. Nothing was promised about that;
 *              he is granted room, which must be free, and counts as used.
 * store        the items are in line, in room that was granted; before the shutdown
 *              has sealed the rings.
 * take, peek   item by item: the first that came back; or, if nothing had come back
 *              at some moment since the call, the first of a source.
 * take         the items' credits are free. Without a token: of all at once, or, if
 *              more are asked for than the capacity, of as many as that at a time.
 * commit       the items' credits are free, one by one. By way of a mapping: at once,
 *              and whatever anybody does next makes sure of it.
 * release,     the items are at the front, in order.
 * close
 * shutdown     producers are refused; a moment later also mapped ones.
 *
 * What was refused, and is told why, has no steps, but what it is told must have
 * been true (of a wait that ended: after its deadline):
 *
 * EMPTY        of the items that were there at the call, each was taken before the
 *              return. Not that there was a moment without any: items may come and
 *              go. "There" is an item if its put had returned, and so had that of
 *              all items ahead of it in its segment. With several segments nobody
 *              knows here which threads share one, so each put of another
 *              thread's that is not over may be ahead, if it began before the
 *              item's was over. The same for a bulk, and a lease, that got fewer
 *              than were asked for: it takes what there is.
 *              There was also a moment at which the queue was not at its end.
 * FULL         there was a moment, before the shutdown, at which there were not as
 *              many credits free. Items have theirs until the call that takes them
 *              returns them, or they are committed; granted room counts as used; and
 *              so does what was committed by way of a mapping, as long as any other
 *              call may be about to return it ("full" may be false for two
 *              instructions of that one, kmod/lease.c). A put that is refused by the
 *              shutdown may have had credits for a moment.
 * END          shut down, and no credit in use.
 *
 * A step is never done before it has to be: what an operation could do later is
 * done when it ends, or when another one can't end without it. What helps
 * whoever looks, and hinders nobody, is done at once: spec_settle().
 */
#include <errno.h>
#include <string.h>

#include "state.h"

/**
 * struct fork - the successors of a state
 * @spec: the specification
 * @from: the state
 * @next: where they go
 * @n: how many there are
 */
struct fork {
	const struct spec *spec;
	const struct state *from;
	struct state *next;
	unsigned int n;
};

static struct state *fork_add(struct fork *fork)
{
	struct state *next = &fork->next[fork->n++];

	*next = *fork->from;
	return next;
}

static const struct op *spec_op(const struct spec *spec, unsigned int op)
{
	return &spec->facts->history->op[op];
}

static unsigned int spec_free(const struct spec *spec,
			      const struct state *state)
{
	return spec->facts->history->capacity - state->used;
}

static bool spec_in_line(const struct spec *spec)
{
	return spec->facts->history->segments == 1;
}

static bool says_empty(const struct op *op)
{
	return op_takes(op) && (op->error == EAGAIN || op->error == ETIMEDOUT);
}

static bool says_full(const struct op *op)
{
	return op_puts(op) && (op->error == EAGAIN || op->error == ETIMEDOUT);
}

/* At its end, but for what a thread itself may be about to return. */
static bool is_drained(const struct state *state, int thread)
{
	return state->shutdown && state->used == state->moving[thread];
}

/* --- What is there --- */

/* Whether the operation that put an item is over. */
static bool is_put(const struct spec *spec, u8 item)
{
	int op = spec->facts->put_by[item];

	return spec->facts->fact[op].end < spec->at;
}

/* Whether a put by another thread, which is not over, may be ahead of an item. */
static bool is_behind(const struct spec *spec, u8 item)
{
	const struct facts *facts = spec->facts;
	unsigned int put = facts->put_by[item];
	const struct op *op;
	int i, t;

	if (spec_op(spec, put)->token != QUEUE)
		return false;
	for (t = 0; t < THREADS_MAX; t++) {
		i = spec->pending[t];
		if (i < 0 || t == spec_op(spec, put)->thread)
			continue;
		op = spec_op(spec, i);
		if (op->kind == PUT && op->token == QUEUE && !op->error &&
		    facts->fact[i].begin < facts->fact[put].end)
			return true;
	}
	return false;
}

static u64 there_in_line(const struct spec *spec, const struct state *state)
{
	unsigned int i;
	u64 there = 0;

	for (i = 0; i < state->lined && is_put(spec, state->line[i]); i++)
		there |= 1ULL << state->line[i];
	return there;
}

static u64 there_in_sources(const struct spec *spec, const struct state *state)
{
	unsigned int s, i;
	u64 there = 0;
	u8 item;

	for (s = 0; s < SOURCES_MAX; s++) {
		for (i = state->head[s]; i < state->tail[s]; i++) {
			item = spec->facts->order[s][i];
			if (is_put(spec, item) && !is_behind(spec, item))
				there |= 1ULL << item;
		}
	}
	return there;
}

static u64 spec_there(const struct spec *spec, const struct state *state)
{
	u64 there = spec_in_line(spec) ? there_in_line(spec, state) :
					 there_in_sources(spec, state);
	unsigned int i;

	for (i = 0; i < state->backs; i++)
		there |= 1ULL << state->back[i];
	return there;
}

/* --- What is seen --- */

/* Whether what an operation is told is true at this moment. */
static bool is_true(const struct spec *spec, const struct state *state,
		    unsigned int i)
{
	const struct op *op = spec_op(spec, i);
	const struct fact *fact = &spec->facts->fact[i];

	if (says_full(op))
		return state->seen[op->thread] & SEEN_OPEN &&
		       !state->granted[fact->source] &&
		       fact->n > spec_free(spec, state) +
				 state->moving[op->thread];
	if (says_empty(op))
		return !is_drained(state, op->thread);
	if (op->error == EPIPE)
		return op_takes(op) ? is_drained(state, op->thread) :
				      state->shutdown;
	if (op->kind == OPEN && spec->facts->history->token[op->token].produces)
		return state->seen[op->thread] & SEEN_OPEN;
	return true;
}

/* After something has changed: what pending operations see of it. */
static void spec_settle(const struct spec *spec, struct state *state)
{
	unsigned int free = spec_free(spec, state);
	int t;

	if (state->soft > free)
		state->soft = free;
	for (t = 0; t < THREADS_MAX; t++) {
		if (spec->pending[t] < 0)
			continue;
		if (!state->backs)
			state->seen[t] |= SEEN_PASS;
		if (state->seen[t] & SEEN_ARM &&
		    is_true(spec, state, spec->pending[t]))
			state->seen[t] |= SEEN_IT;
	}
}

/* --- Steps --- */

/* The first of what came back, or of a source; false: it is not the first. */
static bool step_take(const struct spec *spec, struct state *state, int thread,
		      u8 item)
{
	const struct facts *facts = spec->facts;
	unsigned int s;
	int t;

	for (t = 0; t < THREADS_MAX; t++)
		state->watch[t] &= ~(1ULL << item);
	if (state->backs && state->back[0] == item) {
		state->backs--;
		memmove(state->back, state->back + 1, state->backs);
		state->back[state->backs] = 0;
		return true;
	}
	if (!(state->seen[thread] & SEEN_PASS))
		return false;
	if (spec_in_line(spec)) {
		if (!state->lined || state->line[0] != item)
			return false;
		state->lined--;
		memmove(state->line, state->line + 1, state->lined);
		state->line[state->lined] = 0;
		return true;
	}
	s = facts->fact[facts->put_by[item]].source;
	if (state->head[s] == state->tail[s] ||
	    facts->order[s][state->head[s]] != item)
		return false;
	state->head[s]++;
	return true;
}

static void step_back(struct state *state, const u8 *item, unsigned int n)
{
	memmove(state->back + n, state->back, state->backs);
	memcpy(state->back, item, n);
	state->backs += n;
}

static void step_revoke(struct state *state, unsigned int source)
{
	state->used -= state->granted[source];
	state->granted[source] = 0;
}

/* Room is granted to the owner of a ring at the end of his call. */
static void next_grant(struct fork *fork, const struct op *op,
		       unsigned int source)
{
	struct state *next;

	if (op->granted > spec_free(fork->spec, fork->from) ||
	    fork->from->shutdown == 2)
		return;
	next = fork_add(fork);
	next->granted[source] = op->granted;
	next->used += op->granted;
	next->step[op->thread]++;
}

static void next_revoke(struct fork *fork, unsigned int source)
{
	if (fork->from->granted[source])
		step_revoke(fork_add(fork), source);
}

/* How many steps the items of a put take, after their credits. */
static unsigned int put_steps(const struct spec *spec, const struct fact *fact)
{
	return spec_in_line(spec) ? fact->n : 0;
}

static void next_put(struct fork *fork, const struct op *op,
		     const struct fact *fact)
{
	unsigned int step = fork->from->step[op->thread];
	unsigned int steps = put_steps(fork->spec, fact);
	struct state *next;

	if (!step && fork->from->granted[fact->source]) {
		next_revoke(fork, fact->source);
		return;
	}
	if (step > steps) {
		if (op->granted && step == steps + 1)
			next_grant(fork, op, fact->source);
		return;
	}
	if (!step && (fork->from->shutdown ||
		      fact->n > spec_free(fork->spec, fork->from)))
		return;
	next = fork_add(fork);
	next->step[op->thread]++;
	if (!step)
		next->used += fact->n;
	if (step)
		next->line[next->lined++] = fact->item[step - 1];
	else if (!steps)
		next->tail[fact->source] += fact->n;
}

static void next_full(struct fork *fork, const struct op *op,
		      const struct fact *fact)
{
	if (!(fork->from->seen[op->thread] & SEEN_IT))
		next_revoke(fork, fact->source);
	else if (op->granted && !fork->from->step[op->thread])
		next_grant(fork, op, fact->source);
}

/* Refused by the shutdown, perhaps with credits for a moment. */
static void next_refused(struct fork *fork, const struct op *op,
			 const struct fact *fact)
{
	unsigned int step = fork->from->step[op->thread];
	struct state *next;

	next_revoke(fork, fact->source);
	if (step == 1) {
		next = fork_add(fork);
		next->step[op->thread]++;
		next->used -= fact->n;
	} else if (!step && !fork->from->shutdown && op->kind == PUT &&
		   fact->n <= spec_free(fork->spec, fork->from)) {
		next = fork_add(fork);
		next->step[op->thread]++;
		next->used += fact->n;
	}
}

static void next_store(struct fork *fork, const struct op *op,
		       const struct fact *fact)
{
	struct state *next;

	if (fork->from->step[op->thread] || fork->from->shutdown == 2 ||
	    fork->from->granted[fact->source] < fact->n)
		return;
	next = fork_add(fork);
	next->step[op->thread]++;
	next->granted[fact->source] -= fact->n;
	next->tail[fact->source] += fact->n;
}

/* So many credits of what it has taken, or committed, are free. */
static void next_free(struct fork *fork, const struct op *op, unsigned int n)
{
	struct state *next = fork_add(fork);

	next->freed[op->thread] += n;
	next->used -= n;
	if (fork->spec->facts->maps && op->token != QUEUE)
		next->soft += n;
}

/* Without a token, items are taken in pieces of so many. */
static unsigned int take_piece(const struct spec *spec, const struct op *op)
{
	unsigned int capacity = spec->facts->history->capacity;

	return op->count < capacity ? op->count : capacity;
}

static void next_take(struct fork *fork, const struct op *op,
		      const struct fact *fact)
{
	unsigned int step = fork->from->step[op->thread];
	unsigned int freed = fork->from->freed[op->thread];
	bool piece = op->token == QUEUE && freed < step &&
		     (step == fact->n || !(step % take_piece(fork->spec, op)));
	struct state *next;

	if (piece)
		next_free(fork, op, step - freed);
	else if (op->kind == TAKE && op->token != QUEUE && freed < step)
		next_free(fork, op, 1);
	if (step == fact->n || piece)
		return;
	next = fork_add(fork);
	next->step[op->thread]++;
	if (!step_take(fork->spec, next, op->thread, fact->item[step]))
		fork->n--;
}

static void next_back(struct fork *fork, const struct op *op,
		      const struct fact *fact)
{
	struct state *next;

	if (fork->from->step[op->thread])
		return;
	next = fork_add(fork);
	next->step[op->thread]++;
	step_back(next, fact->item, fact->n);
}

static void next_shutdown(struct fork *fork)
{
	struct state *next;
	unsigned int s;

	if (fork->from->shutdown == 2)
		return;
	next = fork_add(fork);
	if (!next->shutdown++)
		return;
	for (s = 0; s < SOURCES_MAX; s++)
		step_revoke(next, s);
}

static void next_close(struct fork *fork, const struct op *op,
		       const struct fact *fact)
{
	if (fork->spec->facts->history->token[op->token].produces)
		next_revoke(fork, THREADS_MAX + op->token);
	else
		next_back(fork, op, fact);
}

/* The successors by way of an operation's own steps. */
static void next_own(struct fork *fork, unsigned int i)
{
	const struct op *op = spec_op(fork->spec, i);
	const struct fact *fact = &fork->spec->facts->fact[i];

	if (op_puts(op) && op->error == EPIPE)
		next_refused(fork, op, fact);
	else if (says_full(op))
		next_full(fork, op, fact);
	if (op->error)
		return;
	if (op->kind == PUT)
		next_put(fork, op, fact);
	else if (op->kind == STORE)
		next_store(fork, op, fact);
	else if (op_takes(op))
		next_take(fork, op, fact);
	else if (op->kind == COMMIT && fork->from->freed[op->thread] < fact->n)
		next_free(fork, op, 1);
	else if (op->kind == ACK && !fork->from->freed[op->thread])
		next_free(fork, op, fact->n);
	else if (op->kind == RELEASE)
		next_back(fork, op, fact);
	else if (op->kind == CLOSE)
		next_close(fork, op, fact);
	else if (op->kind == SHUTDOWN)
		next_shutdown(fork);
}

/* Whether it matters that credits are on their way. */
static bool is_moving_of_use(const struct spec *spec, const struct state *state)
{
	const struct op *op;
	int t;

	for (t = 0; t < THREADS_MAX; t++) {
		if (spec->pending[t] < 0 || state->seen[t] & SEEN_IT)
			continue;
		op = spec_op(spec, spec->pending[t]);
		if (says_full(op) || (says_empty(op) && state->shutdown))
			return true;
	}
	return false;
}

/* What anybody may do: return credits that the owners of leases have done with. */
static void next_moving(struct fork *fork, int t)
{
	const struct state *from = fork->from;
	struct state *next;

	if (from->moving[t]) {
		next = fork_add(fork);
		next->used -= from->moving[t];
		next->moving[t] = 0;
	} else if (from->soft && is_moving_of_use(fork->spec, from)) {
		next = fork_add(fork);
		next->used += from->soft;
		next->moving[t] = from->soft;
		next->soft = 0;
	}
}

/**
 * spec_next() - what may happen next
 * @spec: the specification
 * @state: the state
 * @first: whose steps are of the most use
 * @next: where to write the states that this may lead to
 *
 * Return: how many there are.
 */
unsigned int spec_next(const struct spec *spec, const struct state *state,
		       int first, struct state *next)
{
	struct fork fork = { .spec = spec, .from = state, .next = next };
	unsigned int i;
	int t;

	for (i = 0; i < THREADS_MAX; i++) {
		t = (first + i) % THREADS_MAX;
		if (spec->pending[t] < 0)
			continue;
		next_own(&fork, spec->pending[t]);
		next_moving(&fork, t);
	}
	for (i = 0; i < fork.n; i++)
		spec_settle(spec, &next[i]);
	return fork.n;
}

/* --- Events --- */

/**
 * spec_begin() - an operation begins
 * @spec: the specification; the operation is pending already
 * @state: the state
 * @op: the operation
 */
void spec_begin(const struct spec *spec, struct state *state, unsigned int op)
{
	int thread = spec_op(spec, op)->thread;

	state->seen[thread] = SEEN_CALL;
	if (!spec_op(spec, op)->error)
		state->step[thread] = spec->facts->fact[op].old;
	spec_settle(spec, state);
}

/**
 * spec_arm() - what an operation is told is to be true from now on
 * @spec: the specification
 * @state: the state
 * @op: the operation
 */
void spec_arm(const struct spec *spec, struct state *state, unsigned int op)
{
	int thread = spec_op(spec, op)->thread;

	state->seen[thread] |= SEEN_ARM;
	if (!state->shutdown)
		state->seen[thread] |= SEEN_OPEN;
	if (spec->facts->fact[op].partial || says_empty(spec_op(spec, op)))
		state->watch[thread] = spec_there(spec, state);
	spec_settle(spec, state);
}

/* Whether all steps have been made. */
static bool is_done(const struct spec *spec, const struct state *state,
		    const struct op *op, const struct fact *fact)
{
	unsigned int step = state->step[op->thread];
	unsigned int freed = state->freed[op->thread];

	switch (op->kind) {
	case PUT:
		return step == 1 + put_steps(spec, fact) + !!op->granted;
	case STORE:
	case RELEASE:
		return step == 1;
	case TAKE:
		return step == fact->n && freed == fact->n;
	case PEEK:
		return step == fact->n;
	case COMMIT:
	case ACK:
		return freed == fact->n;
	case CLOSE:
		return spec->facts->history->token[op->token].produces ?
			       !state->granted[THREADS_MAX + op->token] :
			       step == 1;
	case SHUTDOWN:
		return state->shutdown == 2;
	default:
		return true;
	}
}

/**
 * spec_may_end() - whether an operation may end, with what it is told
 * @spec: the specification
 * @state: the state
 * @op: the operation
 */
bool spec_may_end(const struct spec *spec, const struct state *state,
		  unsigned int op)
{
	const struct op *o = spec_op(spec, op);
	unsigned int step = state->step[o->thread];

	if (!(state->seen[o->thread] & SEEN_IT) || state->moving[o->thread] ||
	    state->watch[o->thread])
		return false;
	if (says_full(o))
		return step == !!o->granted;
	if (o->error)
		return !(o->error == EPIPE && op_puts(o) && step == 1);
	return is_done(spec, state, o, &spec->facts->fact[op]);
}

/**
 * spec_end() - an operation ends
 * @spec: the specification
 * @state: the state
 * @op: the operation
 */
void spec_end(const struct spec *spec, struct state *state, unsigned int op)
{
	int thread = spec_op(spec, op)->thread;

	state->step[thread] = 0;
	state->freed[thread] = 0;
	state->seen[thread] = 0;
}
