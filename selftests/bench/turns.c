// SPDX-License-Identifier: GPL-2.0
/*
 * What one thread does by itself: taking what lies there, looking in vain
 */
#include "bench.h"

#define LYING 2000 /* items at a time; a token's ring has room for them */

/* The time of receiving alone, in so many pieces. */
struct outcome drain_round(struct task *task)
{
	const struct peer *peer = task->peer;
	uint64_t pieces = (task->items + LYING - 1) / LYING, ns = 0, began;
	void *to = peer->attach(task->channel[0], true);
	void *from = peer->attach(task->channel[0], false);
	unsigned int i, k;
	struct side side;

	for (i = 0; i < pieces; i++) {
		side = (struct side){ .bulk = task->load->bulk,
				      .stamp_every = UINT64_MAX };
		for (k = 0; k < LYING - 1; k++)
			if (!peer->try_put(to, k))
				die("there is no room");
		peer->put(to, LAST);
		began = now_ns();
		peer->receive(from, &side);
		ns += now_ns() - began;
		if (side.sum != (uint64_t)(LYING - 1) * (LYING - 2) / 2)
			die("what came is not what went");
	}
	peer->detach(to);
	peer->detach(from);
	task->items = pieces * LYING;
	return (struct outcome){ .ns = (double)ns / task->items };
}

struct outcome poll_round(struct task *task)
{
	const struct peer *peer = task->peer;
	void *to = peer->attach(task->channel[0], true);
	void *from = peer->attach(task->channel[0], false);
	uint64_t began, item, ns;

	/* Empty, but not new. */
	if (!peer->try_put(to, 1) || !peer->try_get(from, &item))
		die("an item does not go through");
	began = now_ns();
	if (peer->poll(from, task->items))
		die("something came that nobody sent");
	ns = now_ns() - began;
	peer->detach(to);
	peer->detach(from);
	return (struct outcome){ .ns = (double)ns / task->items };
}
