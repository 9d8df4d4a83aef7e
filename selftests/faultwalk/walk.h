/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Scenes, and the walk through all failure points of each.
 */
#ifndef FAULTWALK_WALK_H
#define FAULTWALK_WALK_H

#include "world.h"

/* Items: more than are copied at a time without a token, or a cached buffer has. */
#define MANY 17000

/* Errors that a scene's call is to be seen with, when something fails. */
#define SEES_NOMEM 0x1
#define SEES_FAULT 0x2

/**
 * struct scene - a call, and what comes before and after it
 * @name: what is printed
 * @setup: makes what it needs
 * @call: the call: -errno, or what it returned; NULL: the ioctl of the world
 * @check: accounts for what it did, by what it returned
 * @result: what it returns when nothing fails, if that is an error
 * @sees: errors that it must have failed with; it may not with others
 * @hidden: it has failure points that it does not fail at, or may have
 * @moves: a failed call may have changed counts: items are leased, room granted
 * @once: it cannot be done again
 */
struct scene {
	const char *name;
	void (*setup)(struct world *w);
	long (*call)(struct world *w);
	void (*check)(struct world *w, long ret);
	int result;
	unsigned int sees;
	bool hidden;
	bool moves;
	bool once;
};

/**
 * struct walked - how a walk went
 * @points: failure points, each of which failed in its turn
 * @nomem: of those, the call failed with ENOMEM
 * @fault: or EFAULT
 * @done: or it did what it does
 * @cuts: bad addresses, of the structure and of the array
 * @cut_fault: of those, the call failed with EFAULT
 * @pages: how many more there were after walking through them again and again
 */
struct walked {
	unsigned int points;
	unsigned int nomem;
	unsigned int fault;
	unsigned int done;
	unsigned int cuts;
	unsigned int cut_fault;
	long pages;
};

/* Whether all was well; prints what was not. */
bool walk_scene(const struct scene *scene, struct walked *walked);

/* All scenes of a kind, the last one without a name. */
extern const struct scene device_scenes[];
extern const struct scene name_scenes[];
extern const struct scene queue_scenes[];
extern const struct scene stream_scenes[];
extern const struct scene producer_scenes[];
extern const struct scene consumer_scenes[];
extern const struct scene map_scenes[];
extern const struct scene poll_scenes[];
extern const struct scene uring_scenes[];
extern const struct scene close_scenes[];

/* Checks that scenes share. */
void check_put(struct world *w, long ret);
void check_take(struct world *w, long ret);
void check_made(struct world *w, long ret);

#endif /* FAULTWALK_WALK_H */
