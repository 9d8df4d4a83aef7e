/* SPDX-License-Identifier: GPL-2.0 */
/* The processes at work on a channel, and who kills and replaces them */
#ifndef CREW_H
#define CREW_H

#include "channel.h"
#include "ledger.h"

/**
 * struct order - what to do to a channel
 * @type: what to make
 * @setup: what it is to be like
 * @kills: how many
 * @interval_ns: between kills, on the average
 * @patience_ns: how long there may be no progress
 * @seed: of all that is left to chance
 * @still: stop workers too, now and then, and kill one when nothing moves. Not
 *	where it may stop with a lock, nor where time is measured
 *
 * And for those who have more in mind with the crew:
 * @lean: there may be no memory: ENOMEM is an answer
 * @queue: what to work on, which stays; NULL: the crew makes one
 * @end_of_queue: it stays, but as one that is shut down
 * @groups: descriptors of control groups, which members are born into in turn
 * @group_count: how many; 0: they are born into that of the crew
 * @streams: the most streams of the account; 0: STREAMS_MAX
 * @view: where to show how far it is, and be told to end; NULL: it tells people
 */
struct order {
	const struct channel_type *type;
	const struct setup *setup;
	uint32_t kills;
	uint64_t interval_ns;
	uint64_t patience_ns;
	uint64_t seed;
	bool still;
	bool lean;
	struct mpmc_queue *queue;
	bool end_of_queue;
	const int *groups;
	int group_count;
	uint32_t streams;
	struct view *view;
};

/**
 * struct view - a crew at work, as others see it
 * @end: is to be the end: not of it
 * @kills: so far
 * @received: items
 * @no_memory: calls that there was none for
 */
struct view {
	_Atomic bool end;
	_Atomic uint32_t kills;
	_Atomic uint64_t received;
	_Atomic uint64_t no_memory;
};

/**
 * struct outcome - what came of it
 * @kills: in the middle of work, as long as there was progress; those at the end
 *	are not counted
 * @ns: how long that took
 * @received: items received meanwhile
 * @longest_ns: the longest time without one
 * @stalled: there was no progress
 * @faults: what the processes noticed
 * @wrong: what is wrong with the channel at the end
 * @inversions: items that came late and may have been delivered before
 * @redelivered: items that came back
 * @verdict: what the account says
 */
struct outcome {
	uint32_t kills;
	uint64_t ns;
	uint64_t received;
	uint64_t longest_ns;
	bool stalled;
	uint32_t faults;
	uint32_t wrong;
	uint64_t inversions;
	uint64_t redelivered;
	struct verdict verdict;
};

void crew_torture(const struct order *order, struct outcome *outcome);

/* outcome.c */
void outcome_report(const struct outcome *outcome);
bool outcome_right(const struct order *order, const struct outcome *outcome);

#endif /* CREW_H */
