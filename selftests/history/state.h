/* SPDX-License-Identifier: GPL-2.0 */
#ifndef STATE_H
#define STATE_H

#include "facts.h"

/**
 * struct state - a queue, and how far its calls are, at some moment
 * @watch: by thread: the items that were there when its call began, and all the
 *	time since: there may be none in the end for "empty" to be true
 * @step: how far the thread's call is
 * @freed: how many credits it has returned
 * @moving: credits of finished items that it is returning for somebody else
 * @seen: what it has seen: SEEN_*
 * @head: by source: how many of its items have been taken
 * @tail: how many have been put
 * @granted: room that its owner has been granted and not used
 * @line: where there is one segment: the items in order
 * @lined: how many
 * @back: items that came back, the front of the queue first
 * @backs: how many
 * @used: credits in use: of items, leases, and granted room
 * @soft: free credits of what was committed by way of mappings, that anybody may
 *	be going to return
 * @shutdown: 0: not; 1: producers are refused; 2: and so are mapped ones
 *
 * Compared byte by byte: all of it is set at any time.
 */
struct state {
	u64 watch[THREADS_MAX];
	u8 step[THREADS_MAX];
	u8 freed[THREADS_MAX];
	u8 moving[THREADS_MAX];
	u8 seen[THREADS_MAX];
	u8 head[SOURCES_MAX];
	u8 tail[SOURCES_MAX];
	u8 granted[SOURCES_MAX];
	u8 line[CAPACITY_MAX];
	u8 back[CAPACITY_MAX];
	u8 lined;
	u8 backs;
	u8 used;
	u8 soft;
	u8 shutdown;
};

_Static_assert(sizeof(struct state) == 12 * THREADS_MAX + 3 * SOURCES_MAX +
	       2 * CAPACITY_MAX + 5, "there is padding, which is compared");

#define SEEN_CALL 0x01	/* it is at work */
#define SEEN_ARM 0x02	/* what it is told from here on must be true */
#define SEEN_OPEN 0x04	/* a moment before the shutdown */
#define SEEN_PASS 0x08	/* a moment when nothing had come back */
#define SEEN_IT 0x10	/* a moment at which what it was told was true */

/**
 * struct spec - the specification, applied to a history
 * @facts: of the history
 * @at: the event that the search is at
 * @pending: by thread: its operation at that time, or -1
 */
struct spec {
	const struct facts *facts;
	unsigned int at;
	int pending[THREADS_MAX];
};

/* More than the successors of any state. */
#define NEXT_MAX 16

void spec_begin(const struct spec *spec, struct state *state, unsigned int op);
void spec_arm(const struct spec *spec, struct state *state, unsigned int op);
bool spec_may_end(const struct spec *spec, const struct state *state,
		  unsigned int op);
void spec_end(const struct spec *spec, struct state *state, unsigned int op);
unsigned int spec_next(const struct spec *spec, const struct state *state,
		       int first, struct state *next);

#endif /* STATE_H */
