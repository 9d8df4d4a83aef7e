// SPDX-License-Identifier: GPL-2.0
/*
 * Commands by way of io_uring: those of ioctl(), as an IORING_OP_URING_CMD
 *
 * A command is tried without waiting when it is submitted, by the thread that
 * submits it. If it is to wait, -EAGAIN has io_uring call again from one of its
 * worker threads, where it waits as a thread does in ioctl(): on all kernels
 * nothing of ours is left behind then in a ring that goes away, and io_uring's own
 * ways of cancelling work, which for a command that is pending outside of a worker
 * they do not. Or it is left pending all the same, if that is what the caller wants:
 * park.c.
 *
 * A worker is a thread of the process: it has its memory and its namespaces, and
 * the signal that a wait ends with is io_uring's, which cancels.
 */
#include "uring.h"

#include <linux/bits.h>
#include <linux/errno.h>

#include "compat/uring_cmd.h"
#include "ioctl.h"
#include "park.h"

/**
 * mpmc_uring_file() - the file that a command is for
 * @cmd: io_uring's command
 *
 * Context: any.
 * Return: it, which io_uring keeps as long as the command.
 */
struct file *mpmc_uring_file(const struct io_uring_cmd *cmd)
{
	return cmd->file;
}

/* Flags of io_uring's that a submitter can set; the others are its own. */
#define USER_FLAGS GENMASK(23, 0)

/* What the submitter asks for, beside the command itself. */
static int call_read(struct mpmc_call *call, u64 *flags)
{
	const struct mpmc_uring_cmd args = mpmc_uring_read(call->cmd);

	call->arg = args.arg;
	*flags = args.flags;
	if (args.flags & ~MPMC_URING_PARK || call->cmd->flags & USER_FLAGS)
		return -EINVAL;
	return args.flags && !mpmc_park_supported() ? -EOPNOTSUPP : 0;
}

/**
 * mpmc_call_try() - do what a command is about, without waiting
 * @call: the command
 * @wish: as mpmc_ioctl_try() has it
 *
 * Context: process, of the submitter's memory; may sleep.
 * Return: as mpmc_ioctl_try().
 */
int mpmc_call_try(const struct mpmc_call *call, struct mpmc_wish *wish)
{
	return mpmc_ioctl_try(call->commands, call->count, call->cmd->file,
			      call->cmd->cmd_op, call->arg, wish);
}

/* In a worker. */
static int call_wait(const struct mpmc_call *call)
{
	int ret = mpmc_ioctl(call->commands, call->count, call->cmd->file,
			     call->cmd->cmd_op, call->arg);

	return ret == -ERESTARTSYS ? -EINTR : ret;
}

/**
 * mpmc_uring_cmd() - uring_cmd of queue and token fds
 * @commands: the commands that this kind of file has
 * @count: how many
 * @queue: the file's queue
 * @cmd: which one it is to be
 * @issue_flags: io_uring's
 *
 * Context: process, of the submitter's memory; may sleep, and waits if io_uring
 * allows it. With the end of the ring: of anybody's.
 * Return: -EIOCBQUEUED: the result has been told to io_uring, or will be; -EAGAIN:
 * call again from where waiting is allowed; -EINVAL, -EOPNOTSUPP.
 */
int mpmc_uring_cmd(const struct mpmc_command *commands, unsigned int count,
		   struct mpmc_queue *queue, struct io_uring_cmd *cmd,
		   unsigned int issue_flags)
{
	struct mpmc_call call = { commands, count, queue, cmd };
	struct mpmc_wish wish = {};
	u64 flags;
	int ret;

	if (mpmc_park_end(cmd, issue_flags))
		return 0;
	ret = call_read(&call, &flags);
	if (ret)
		return ret;
	ret = issue_flags & IO_URING_F_NONBLOCK ? mpmc_call_try(&call, &wish) :
						  call_wait(&call);
	if (ret == -EAGAIN && wish.waits) {
		if (!(flags & MPMC_URING_PARK))
			return ret;
		ret = mpmc_park(&call, &wish, issue_flags);
		if (!ret)
			return -EIOCBQUEUED;
	}
	/*
	 * Returned, -EAGAIN would have io_uring ask a worker, and what is above 0
	 * would be taken for an error, or be lost, before 6.2.
	 */
	mpmc_uring_done(cmd, ret, issue_flags);
	return -EIOCBQUEUED;
}
