// SPDX-License-Identifier: GPL-2.0
/*
 * Rings of io_uring: made, used by one thread at a time, and closed with requests
 * in flight or without
 *
 * What is in flight in a ring that is closed ends when the kernel gets to it. So each
 * ring, also those of a program's children, has one end of a pipe registered: when
 * the other end is told that nobody has it any more, they have gone.
 */
#include <poll.h>

#include "uring.h"

struct uring urings[URINGS];

unsigned int uring_index(const struct uring *uring)
{
	return uring - urings;
}

/* --- Making one --- */

static struct uring *uring_new(void)
{
	unsigned int i;
	int free;

	for (i = 0; i < URINGS; i++) {
		free = URING_FREE;
		if (atomic_compare_exchange_strong(&urings[i].state, &free,
						   URING_BUSY))
			return &urings[i];
	}
	return NULL;
}

static void some_params(struct lane *lane, struct io_uring_params *params)
{
	static const u32 flags[] = {
		0, 0, 0, IORING_SETUP_CLAMP, IORING_SETUP_CQSIZE,
		IORING_SETUP_SUBMIT_ALL, IORING_SETUP_COOP_TASKRUN,
		IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG,
		IORING_SETUP_SINGLE_ISSUER,
		IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN,
		IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN,
		IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
			IORING_SETUP_SUBMIT_ALL,
	};

	params->flags = pick_of(lane, flags);
	if (params->flags & IORING_SETUP_CQSIZE)
		params->cq_entries = 64 << pick(lane, 3);
	/* Its thread looks for work all the time until it is idle. */
	if (!params->flags && chance(lane, 8)) {
		params->flags = IORING_SETUP_SQPOLL;
		params->sq_thread_idle = 1 + pick(lane, 10);
	}
}

static bool end_register(struct lane *lane, struct uring *uring)
{
	int fds[URING_FILES];
	unsigned int i;

	for (i = 0; i < URING_FILES; i++)
		fds[i] = i ? -1 : lane->world->end[1];
	return !io_uring_register_files(&uring->ring, fds, URING_FILES);
}

static void buffers_register(struct lane *lane, struct uring *uring)
{
	struct iovec iov[URING_BUFFERS];
	unsigned int i;

	for (i = 0; i < URING_BUFFERS; i++) {
		iov[i].iov_base = lane->arena + 4096 * i;
		iov[i].iov_len = 4096 << (i & 1);
	}
	io_uring_register_buffers(&uring->ring, iov, URING_BUFFERS);
}

static bool uring_make(struct lane *lane, struct uring *uring)
{
	static const u32 entries[] = { 1, 2, 4, 8, 8, 16, 64 };
	struct io_uring_params params = {};

	some_params(lane, &params);
	if (io_uring_queue_init_params(pick_of(lane, entries), &uring->ring,
				       &params))
		return false;
	if (!end_register(lane, uring)) {
		io_uring_queue_exit(&uring->ring);
		return false;
	}
	/* Another thread can neither submit to it nor ask for what is due. */
	uring->lane = params.flags & IORING_SETUP_SINGLE_ISSUER ? lane->index :
								  -1;
	uring->exact = !lane->child && chance(lane, 2);
	uring->settle = chance(lane, 2);
	uring->submitted = 0;
	uring->linked = false;
	if (uring->exact)
		exact_register(uring);
	else if (chance(lane, 2))
		buffers_register(lane, uring);
	return true;
}

void op_ring_create(struct lane *lane, const struct op *op)
{
	struct uring *uring = uring_new();

	(void)op;
	if (!uring)
		return;
	op_count(lane);
	atomic_store(&uring->state, uring_make(lane, uring) ? URING_THERE :
							      URING_FREE);
}

/* --- Using one --- */

/* Takes one away from the other thread; NULL if there is none. */
static struct uring *uring_take(const struct op *op)
{
	unsigned int i;
	int there;

	for (i = 0; i < URINGS; i++) {
		struct uring *uring = &urings[(op->target + i) % URINGS];

		there = URING_THERE;
		if (atomic_compare_exchange_strong(&uring->state, &there,
						   URING_BUSY))
			return uring;
	}
	return NULL;
}

static void uring_give(struct uring *uring)
{
	atomic_store(&uring->state, URING_THERE);
}

/* Whether a thread gets at what is in it; with wild ones it may as well try. */
static bool uring_for(const struct uring *uring, int lane)
{
	return !uring->exact || uring->lane < 0 || uring->lane == lane;
}

void op_ring_submit(struct lane *lane, const struct op *op)
{
	struct uring *uring = uring_take(op);

	if (!uring)
		return;
	if (!uring->exact)
		wild_submit(lane, op, uring);
	else if (uring_for(uring, lane->index))
		exact_submit(lane, uring);
	uring_give(uring);
}

void op_ring_reap(struct lane *lane, const struct op *op)
{
	struct uring *uring = uring_take(op);

	if (!uring)
		return;
	op_count(lane);
	if (!uring->exact)
		wild_reap(lane, uring);
	else if (uring_for(uring, lane->index))
		exact_reap(uring);
	uring_give(uring);
}

void op_ring_cancel(struct lane *lane, const struct op *op)
{
	struct uring *uring = uring_take(op);

	if (!uring)
		return;
	if (!uring->exact)
		wild_cancel(lane, op, uring);
	else if (uring_for(uring, lane->index))
		exact_cancel(lane, uring);
	uring_give(uring);
}

void op_ring_update(struct lane *lane, const struct op *op)
{
	struct uring *uring = uring_take(op);

	if (!uring)
		return;
	if (!uring->exact)
		wild_update(lane, op, uring);
	uring_give(uring);
}

/* --- Closing it --- */

/* @settle: not before all that was submitted has completed. */
static void uring_close(struct world *world, struct uring *uring, bool settle)
{
	if (uring->exact && settle)
		exact_settle(uring);
	else
		atomic_store(&world->flying, true);
	io_uring_queue_exit(&uring->ring);
	atomic_store(&uring->state, URING_CLOSED);
}

void op_ring_close(struct lane *lane, const struct op *op)
{
	struct uring *uring = uring_take(op);

	if (!uring)
		return;
	op_count(lane);
	uring_close(lane->world, uring,
		    chance(lane, 2) && uring_for(uring, lane->index));
}

/* In a child: what it has now is its own, and the wild rings, which all share. */
void urings_inherit(void)
{
	unsigned int i;

	for (i = 0; i < URINGS; i++)
		if (urings[i].exact || urings[i].state != URING_THERE)
			urings[i].state = URING_FREE;
}

/* Whether nothing is left of any ring, or will be. */
static bool all_gone(const struct world *world)
{
	struct pollfd end = { .fd = world->end[0] };

	return poll(&end, 1, 0) == 1 && end.revents & POLLHUP;
}

void urings_begin(struct world *world)
{
	must(pipe2(world->end, O_CLOEXEC) == 0);
}

/* Ends all of them, when the children have gone that had some as well. */
void urings_end(struct world *world)
{
	bool any = false, exact = false;
	unsigned int i;

	for (i = 0; i < URINGS; i++) {
		struct uring *uring = &urings[i];

		any |= uring->state != URING_FREE;
		exact |= uring->state != URING_FREE && uring->exact;
		if (uring->state == URING_THERE)
			uring_close(world, uring,
				    uring->settle && uring_for(uring, 0));
	}
	close(world->end[1]);
	if (world->flying && !eventually(all_gone(world)))
		check_fail("a ring of io_uring was closed, and does not end");
	close(world->end[0]);
	if (any || world->flying)
		atomic_store(&world->late, true);
	if (exact)
		exact_end();
	for (i = 0; i < URINGS; i++)
		urings[i].state = URING_FREE;
}
