// SPDX-License-Identifier: GPL-2.0
/*
 * io_uring, as far as a parked command sees it
 *
 * Each thread has a ring, for one command at a time. The ring's lock is held where
 * a command is submitted and where the end of the ring cancels it. Where the thread
 * does what a command has asked for it is not: so it may be in Linux 6.7 and 6.8,
 * and later kernels, which hold it there, do nothing that these do not.
 *
 * A command is freed as soon as it is complete: who uses it then, or completes it
 * again, is found.
 */
#include "shim.h"

#include <uapi/linux/mpmc.h>

#include "../../kmod/uring.h"
#include "schedule.h"
#include "trace.h"

#undef schedule

#define HERE __builtin_return_address(0)
#define FINE (-EIOCBQUEUED)

struct ring {
	struct kernel_lock lock;
	struct io_uring_cmd *cmd; /* that is not complete */
	bool cancelable;
	struct handover known; /* that it is, or complete */
	void (*work)(struct io_uring_cmd *cmd, unsigned int flags);
	struct handover worked;
	unsigned int submitted;
	unsigned int complete;
	struct handover completed;
	int result;
};

static struct ring rings[MACHINE_THREADS];

void iouring_reset(void)
{
	memset(rings, 0, sizeof(rings));
}

u64 iouring_arg(unsigned int thread)
{
	return 0x1000 * (thread + 1);
}

bool iouring_over(void)
{
	unsigned int i, submitted = 0, complete = 0;

	for (i = 0; i < MACHINE_THREADS; i++) {
		submitted += rings[i].submitted;
		complete += rings[i].complete;
	}
	return submitted && submitted == complete;
}

/* --- What the module calls --- */

static struct ring *ring_of(struct io_uring_cmd *cmd, const void *pc)
{
	if (machine_is_freed(cmd))
		explore_fail("a command is used that is complete, at %s",
			     trace_place(pc));
	return &rings[cmd->ring];
}

static void check_locked(const struct ring *ring, unsigned int flags)
{
	bool held = ring->lock.holder == 1 + (int)schedule_current();

	if (held != !(flags & IO_URING_F_UNLOCKED))
		explore_fail("the ring's lock is%s held", held ? "" : " not");
}

void io_uring_cmd_mark_cancelable(struct io_uring_cmd *cmd, unsigned int flags)
{
	struct ring *ring = ring_of(cmd, HERE);

	check_locked(ring, flags);
	schedule_point();
	ring->cancelable = true;
	machine_give(&ring->known);
}

/* It is put in a list of the thread's, which is a full barrier. */
void io_uring_cmd_complete_in_task(struct io_uring_cmd *cmd,
				   void (*work)(struct io_uring_cmd *cmd,
						unsigned int flags))
{
	struct ring *ring;

	machine_fence(__ATOMIC_SEQ_CST, HERE);
	ring = ring_of(cmd, HERE);
	if (ring->work)
		explore_fail("a thread is sent to a command twice");
	trace_say("sends thread %u to its command", cmd->ring);
	machine_get(&ring->worked);
	machine_give(&ring->worked);
	ring->work = work;
}

void io_uring_cmd_done(struct io_uring_cmd *cmd, int ret, u64 res2,
		       unsigned int flags)
{
	struct ring *ring = ring_of(cmd, HERE);

	(void)res2;
	check_locked(ring, flags);
	if (flags & IO_URING_F_UNLOCKED)
		kernel_lock(&ring->lock);
	ring = ring_of(cmd, HERE);
	if (ring->work)
		explore_fail("complete, while a thread is sent to it");
	trace_say("the command of thread %u is complete: %d", cmd->ring, ret);
	ring->cancelable = false;
	ring->cmd = NULL;
	ring->result = ret;
	ring->complete++;
	machine_give(&ring->completed);
	machine_give(&ring->known);
	kernel_free(cmd);
	if (flags & IO_URING_F_UNLOCKED)
		kernel_unlock(&ring->lock);
}

/* --- What io_uring calls --- */

static struct io_uring_cmd *cmd_make(u32 op)
{
	struct io_uring_sqe *sqe = kernel_alloc(sizeof(*sqe), 64, true);
	struct io_uring_cmd *cmd = kernel_alloc(sizeof(*cmd), 64, true);
	struct mpmc_uring_cmd *args = (void *)sqe->cmd;

	args->arg = iouring_arg(schedule_current());
	args->flags = MPMC_URING_PARK;
	cmd->sqe = sqe;
	cmd->cmd_op = op;
	cmd->ring = schedule_current();
	trace_name(cmd, sizeof(*cmd), "command");
	return cmd;
}

void iouring_submit(struct mpmc_queue *queue, u32 op)
{
	struct ring *ring = &rings[schedule_current()];
	int ret;

	kernel_lock(&ring->lock);
	ring->cmd = cmd_make(op);
	ring->submitted++;
	ret = mpmc_uring_cmd(NULL, 0, queue, ring->cmd, IO_URING_F_NONBLOCK);
	if (ret != FINE)
		explore_fail("submitted, and got %d", ret);
	kernel_unlock(&ring->lock);
}

static bool ring_has_work(void *arg)
{
	struct ring *ring = arg;

	return ring->work || ring->complete == ring->submitted;
}

int iouring_wait(void)
{
	struct ring *ring = &rings[schedule_current()];
	void (*work)(struct io_uring_cmd *cmd, unsigned int flags);

	for (;;) {
		schedule_block(ring_has_work, ring);
		work = ring->work;
		if (!work)
			break;
		machine_get(&ring->worked);
		ring->work = NULL;
		work(ring->cmd, IO_URING_F_UNLOCKED);
	}
	machine_get(&ring->completed);
	return ring->result;
}

static bool ring_is_known(void *arg)
{
	struct ring *ring = arg;

	return ring->cancelable || ring->complete;
}

void iouring_parked(unsigned int thread)
{
	schedule_block(ring_is_known, &rings[thread]);
	machine_get(&rings[thread].known);
}

/* Each command that can be cancelled is told once: it need not be again. */
void iouring_end(struct mpmc_queue *queue, unsigned int thread)
{
	struct ring *ring = &rings[thread];
	int ret;

	kernel_lock(&ring->lock);
	if (ring->cancelable) {
		trace_say("the ring of thread %u ends", thread);
		ring->cmd->sqe = NULL;
		ret = mpmc_uring_cmd(NULL, 0, queue, ring->cmd,
				     IO_URING_F_CANCEL |
				     IO_URING_F_COMPLETE_DEFER);
		if (ret)
			explore_fail("cancelled, and got %d", ret);
	}
	kernel_unlock(&ring->lock);
}
