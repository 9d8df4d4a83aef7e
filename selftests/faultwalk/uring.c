// SPDX-License-Identifier: GPL-2.0
/*
 * Scenes of commands by way of io_uring, all of which is done by the thread that
 * submits, and so may fail: what io_uring needs itself, the command, and, when it has
 * been parked and is woken, the end of it.
 *
 * The ring is gone when a scene's last call has been looked at, and with nothing in it:
 * what it has it gives up some time later.
 */
#include "../../userlib/mpmc_uring.h"
#include "../mpmc_iouring.h"
#include "walk.h"

#define PARKED 40 /* items that it wants */

static struct io_uring ring;

/* A command that is parked before the call. */
static struct mpmc_transfer parked;
static __u64 parked_items[PARKED];

static void ring_make(void)
{
	must(ring_init(&ring, 4, 0) == 0);
}

static void prepare(int fd, unsigned long cmd, void *arg)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);

	must(sqe);
	mpmc_prep_command(sqe, fd, cmd, arg);
	mpmc_prep_park(sqe);
}

/* A result if there is one. */
static bool completed(long *ret)
{
	struct io_uring_cqe *cqe;

	if (io_uring_peek_cqe(&ring, &cqe))
		return false;
	*ret = cqe->res;
	io_uring_cqe_seen(&ring, cqe);
	return true;
}

/* The result, or 0 if it has been parked. */
static long call_submit(struct world *w)
{
	long ret = 0;

	prepare(w->fd, w->cmd, w->at.data);
	if (io_uring_submit(&ring) == 1) {
		completed(&ret);
		return ret;
	}
	/* It had no memory to begin with it, and has it still. */
	io_uring_queue_exit(&ring);
	ring_make();
	return -ENOMEM;
}

/* --- A command --- */

static void setup_some(struct world *w)
{
	ring_make();
	world_queue(w, 100, 0);
	world_put(w, SOURCE_QUEUE, 70);
	world_dequeue(w, w->queue, 50, 0);
}

static void check_some(struct world *w, long ret)
{
	check_take(w, ret);
	if (ret >= 0)
		io_uring_queue_exit(&ring);
}

/* --- To park one --- */

static void setup_park(struct world *w)
{
	ring_make();
	world_queue(w, 100, 0);
	world_dequeue(w, w->queue, 50, MPMC_TRANSFER_WAIT);
}

/* What it waits for can't be written if there is no place for it. */
static void check_park(struct world *w, long ret)
{
	right(w, ret <= 0);
	right(w, queue_state(w->queue).dequeue_waiters == !ret);
	if (ret)
		return;
	world_put(w, SOURCE_QUEUE, 3);
	ret = ring_result(&ring);
	right(w, ret == 3 || ret == -EFAULT);
	check_take(w, ret);
	io_uring_queue_exit(&ring);
}

/* --- One that is parked --- */

static void setup_parked(struct world *w)
{
	ring_make();
	world_queue(w, 100, 0);
	parked = (struct mpmc_transfer){
		.size = sizeof(parked), .flags = MPMC_TRANSFER_WAIT,
		.items = (uintptr_t)parked_items, .count = PARKED,
		.deadline = MPMC_FOREVER,
	};
	prepare(w->queue, MPMC_IOC_ITEM_DEQUEUE, &parked);
	must(io_uring_submit(&ring) == 1);
	right(w, queue_state(w->queue).dequeue_waiters == 1);
}

static void parked_cancel(struct world *w)
{
	struct mpmc_uring_cancel cancel = {
		.size = sizeof(cancel), .arg = (uintptr_t)&parked,
	};

	right(w, mpmc_ioctl(w->queue, MPMC_IOC_URING_CANCEL, &cancel) == 0);
	right(w, ring_result(&ring) == -ECANCELED);
}

static void setup_woken(struct world *w)
{
	setup_parked(w);
	world_enqueue(w, SOURCE_QUEUE, 3, 0);
}

/* As the item is put the command is tried again; both may fail. */
static long call_wake(struct world *w)
{
	long ret = mpmc_ioctl(w->fd, w->cmd, w->at.data);

	if (!ret)
		world_accepted(w);
	completed(&ret);
	return ret;
}

/* Whatever failed, there is either nobody waiting or nothing to wait for. */
static void check_woken(struct world *w, long ret)
{
	__u32 waiters = queue_state(w->queue).dequeue_waiters;

	right(w, ret);
	if (ret > 0)
		world_took(w, parked_items, ret);
	right(w, !waiters || !w->in);
	if (waiters)
		parked_cancel(w);
	io_uring_queue_exit(&ring);
}

static void setup_cancel(struct world *w)
{
	setup_parked(w);
	world_ioctl(w, w->queue, MPMC_IOC_URING_CANCEL,
		    sizeof(w->args.uring_cancel));
	w->args.uring_cancel.arg = (uintptr_t)&parked;
}

static void check_cancel(struct world *w, long ret)
{
	right(w, queue_state(w->queue).dequeue_waiters == !!ret);
	if (ret)
		return;
	right(w, ring_result(&ring) == -ECANCELED);
	io_uring_queue_exit(&ring);
}

const struct scene uring_scenes[] = {
	{ "uring: dequeue 50", setup_some, call_submit, check_some,
	  .sees = SEES_NOMEM | SEES_FAULT },
	{ "uring: dequeue, parked", setup_park, call_submit, check_park,
	  .sees = SEES_NOMEM },
	{ "uring: woken", setup_woken, call_wake, check_woken,
	  .sees = SEES_NOMEM | SEES_FAULT, .moves = true, .once = true },
	{ "uring: cancel", setup_cancel, NULL, check_cancel },
	{}
};
