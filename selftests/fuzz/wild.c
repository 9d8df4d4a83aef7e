// SPDX-License-Identifier: GPL-2.0
/*
 * Rings to which anything is submitted: the calls that are made elsewhere, polls,
 * reads and writes, and what cancels them, in chains, with fields that make no
 * sense. Nobody looks at what they return.
 */
#include <poll.h>

#include "uring.h"

/* Where items are; not in mappings, where something else may be by the time. */
static void *some_memory(struct lane *lane)
{
	return lane->arena + (chance(lane, 8) ? ARENA_WRITE - 64 :
						8 * pick(lane, 2048));
}

static int some_fd(struct lane *lane, const struct op *op)
{
	struct op each = *op;

	each.target = pick(lane, 256);
	return slot_find(lane, &each, KINDS_MPMC);
}

/* A call in place of which lane->sqe is filled, by wild_call(). */
static void prep_call(struct lane *lane, const struct op *op,
		      struct io_uring_sqe *sqe)
{
	static op_fn * const calls[] = {
		op_enqueue, op_enqueue, op_enqueue, op_dequeue, op_dequeue,
		op_dequeue, op_dequeue, op_fill, op_fill, op_commit,
		op_release, op_kick, op_queue_info, op_token_info,
		op_producer_create, op_consumer_create, op_raw, op_raw,
		op_shutdown,
	};
	struct op each = *op;

	each.target = pick(lane, 256);
	each.shape = chance(lane, 4) ? pick(lane, 256) : 0;
	lane->sqe = sqe;
	pick_of(lane, calls)(lane, &each);
	lane->sqe = NULL;
}

/* Of the call that is being prepared: which, on what, and where its structure is. */
void wild_call(struct lane *lane, int fd, unsigned long cmd, u64 where)
{
	struct io_uring_sqe *sqe = lane->sqe;

	mpmc_prep_command(sqe, fd, cmd, (void *)(uintptr_t)where);
	if (chance(lane, 2))
		mpmc_prep_park(sqe);
	if (chance(lane, 64))
		sqe->__pad2[0] ^= 1ULL << pick(lane, 64);
}

static void prep_file(struct lane *lane, const struct op *op,
		      struct io_uring_sqe *sqe)
{
	int fd = some_fd(lane, op);
	void *memory = some_memory(lane);
	u32 size = 8 * pick(lane, 40) + (chance(lane, 16) ? 4 : 0);

	switch (pick(lane, 4)) {
	case 0:
		io_uring_prep_read(sqe, fd, memory, size, -1);
		break;
	case 1:
		io_uring_prep_write(sqe, fd, memory, size, -1);
		break;
	case 2:
		io_uring_prep_read_fixed(sqe, fd, memory, size, -1,
					 pick(lane, URING_BUFFERS + 1));
		break;
	default:
		io_uring_prep_write_fixed(sqe, fd, memory, size, -1,
					  pick(lane, URING_BUFFERS + 1));
	}
}

static void prep_poll(struct lane *lane, const struct op *op,
		      struct io_uring_sqe *sqe)
{
	u32 events = chance(lane, 8) ? pick(lane, 65536) :
		     chance(lane, 2) ? POLLIN : POLLOUT;

	if (chance(lane, 2))
		io_uring_prep_poll_multishot(sqe, some_fd(lane, op), events);
	else
		io_uring_prep_poll_add(sqe, some_fd(lane, op), events);
}

/* One that was submitted before, or is about to be, or another one. */
static u64 some_request(struct lane *lane, const struct uring *uring)
{
	return uring->submitted - pick(lane, 8);
}

static void prep_cancel(struct lane *lane, const struct op *op,
			struct uring *uring, struct io_uring_sqe *sqe)
{
	static const u32 flags[] = {
		IORING_ASYNC_CANCEL_ANY,
		IORING_ASYNC_CANCEL_ANY | IORING_ASYNC_CANCEL_ALL,
	};
	struct mpmc_uring_cancel *cancel;

	switch (pick(lane, 5)) {
	case 0:
		io_uring_prep_cancel64(sqe, some_request(lane, uring), 0);
		break;
	case 1:
		io_uring_prep_cancel64(sqe, 0, pick_of(lane, flags));
		break;
	case 2:
		io_uring_prep_cancel_fd(sqe, some_fd(lane, op),
					IORING_ASYNC_CANCEL_ALL * pick(lane, 2));
		break;
	case 3:
		io_uring_prep_poll_remove(sqe, some_request(lane, uring));
		break;
	default:
		cancel = (void *)(lane->arena + 8 * pick(lane, 2048));
		mpmc_prep_cancel(sqe, some_fd(lane, op), cancel,
				 (void *)(uintptr_t)pick_of(lane, uring->asked));
	}
}

static void prep_time(struct lane *lane, struct io_uring_sqe *sqe)
{
	struct __kernel_timespec *ts =
		(void *)(lane->arena + 8 * pick(lane, 2048));

	*ts = (struct __kernel_timespec){ .tv_nsec = pick(lane, 300000) };
	switch (pick(lane, 4)) {
	case 0:
		io_uring_prep_nop(sqe);
		break;
	case 1:
		io_uring_prep_timeout(sqe, ts, pick(lane, 3), 0);
		break;
	default: /* of the one before, if that is linked to it */
		io_uring_prep_link_timeout(sqe, ts, 0);
	}
}

/* Fields that make no sense, but for the opcode, the fd and addresses. */
static void sqe_break(struct lane *lane, struct io_uring_sqe *sqe)
{
	switch (pick(lane, 7)) {
	case 0:
		sqe->ioprio ^= 1U << pick(lane, 16);
		break;
	case 1:
		sqe->rw_flags ^= 1U << pick(lane, 32);
		break;
	case 2:
		sqe->buf_index ^= 1U << pick(lane, 16);
		break;
	case 3:
		sqe->personality = pick(lane, 3);
		break;
	case 4:
		sqe->off ^= 1ULL << pick(lane, 64);
		break;
	case 5:
		sqe->len ^= 1U << pick(lane, 32);
		break;
	default:
		sqe->splice_fd_in ^= 1U << pick(lane, 32);
	}
}

static void sqe_flags(struct lane *lane, struct io_uring_sqe *sqe)
{
	if (chance(lane, 6))
		sqe->flags |= IOSQE_ASYNC;
	if (chance(lane, 5))
		sqe->flags |= chance(lane, 4) ? IOSQE_IO_HARDLINK :
						IOSQE_IO_LINK;
	if (chance(lane, 24))
		sqe->flags |= IOSQE_IO_DRAIN;
	if (chance(lane, 10))
		sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
	if (chance(lane, 48))
		sqe->flags |= IOSQE_BUFFER_SELECT;
	if (chance(lane, 6)) {
		/* Not the first, which is there to say when the ring ends. */
		sqe->flags |= IOSQE_FIXED_FILE;
		sqe->fd = 1 + pick(lane, URING_FILES);
	}
	if (chance(lane, 12))
		sqe_break(lane, sqe);
}

static void prep_any(struct lane *lane, const struct op *op,
		     struct uring *uring, struct io_uring_sqe *sqe)
{
	enum kind made = KIND_FREE;

	switch (pick(lane, 16)) {
	case 0:
	case 1:
		prep_file(lane, op, sqe);
		break;
	case 2:
	case 3:
		prep_poll(lane, op, sqe);
		break;
	case 4:
		prep_cancel(lane, op, uring, sqe);
		break;
	case 5:
		prep_time(lane, sqe);
		break;
	default:
		prep_call(lane, op, sqe);
	}
	/* It may be another command afterwards, which makes no fd. */
	sqe_flags(lane, sqe);
	if (sqe->opcode == IORING_OP_URING_CMD) {
		made = kind_made(sqe->cmd_op);
		uring->asked[uring->submitted % URING_ASKED] = sqe->addr3;
	}
	io_uring_sqe_set_data64(sqe, (u64)made << 32 | uring->submitted++);
}

void wild_submit(struct lane *lane, const struct op *op, struct uring *uring)
{
	unsigned int n = 1 + pick(lane, 4);
	struct io_uring_sqe *sqe;

	while (n-- && (sqe = io_uring_get_sqe(&uring->ring))) {
		memset(sqe, 0, sizeof(*sqe));
		op_count(lane);
		prep_any(lane, op, uring, sqe);
	}
	if (chance(lane, 3))
		io_uring_submit_and_get_events(&uring->ring);
	else
		io_uring_submit(&uring->ring);
}

/* What is due; fds that were made are the program's. */
void wild_reap(struct lane *lane, struct uring *uring)
{
	struct io_uring_cqe *cqe;
	enum kind made;
	unsigned int i;

	io_uring_get_events(&uring->ring);
	for (i = 0; i < 256 && !io_uring_peek_cqe(&uring->ring, &cqe); i++) {
		made = io_uring_cqe_get_data64(cqe) >> 32;
		if (made != KIND_FREE)
			slot_add(lane->world, cqe->res, made);
		io_uring_cqe_seen(&uring->ring, cqe);
	}
}

void wild_cancel(struct lane *lane, const struct op *op, struct uring *uring)
{
	struct mpmc_uring_cancel cancel = { .size = sizeof(cancel) };
	struct io_uring_sqe *sqe;

	op_count(lane);
	if (chance(lane, 2)) {
		cancel.arg = pick_of(lane, uring->asked);
		ioctl(some_fd(lane, op), MPMC_IOC_URING_CANCEL, &cancel);
		return;
	}
	sqe = io_uring_get_sqe(&uring->ring);
	if (!sqe)
		return;
	memset(sqe, 0, sizeof(*sqe));
	prep_cancel(lane, op, uring, sqe);
	io_uring_sqe_set_data64(sqe, uring->submitted++);
	io_uring_submit(&uring->ring);
}

/* Files that requests can say by their number in the ring. */
void wild_update(struct lane *lane, const struct op *op, struct uring *uring)
{
	unsigned int i, n = 1 + pick(lane, 3);
	int fds[3];

	op_count(lane);
	if (chance(lane, 6)) {
		io_uring_unregister_buffers(&uring->ring);
		return;
	}
	for (i = 0; i < n; i++)
		fds[i] = chance(lane, 4) ? -1 : some_fd(lane, op);
	io_uring_register_files_update(&uring->ring,
				       1 + pick(lane, URING_FILES - n), fds, n);
}
