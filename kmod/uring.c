// SPDX-License-Identifier: GPL-2.0
/*
 * Commands by way of io_uring: those of ioctl(), as an IORING_OP_URING_CMD
 *
 * A command is tried without waiting when it is submitted, by the thread that
 * submits it. If it is to wait, -EAGAIN has io_uring call again from one of its
 * worker threads, where it waits as a thread does in ioctl(): on all kernels
 * nothing of ours is left behind then in a ring that goes away, and io_uring's own
 * ways of cancelling work, which for a command that is pending outside of a worker
 * they do not.
 *
 * A worker is a thread of the process: it has its memory and its namespaces, and
 * the signal that a wait ends with is io_uring's, which cancels.
 */
#include "uring.h"

#include <linux/errno.h>

#include "compat/uring_cmd.h"
#include "ioctl.h"

/**
 * mpmc_uring_cmd() - uring_cmd of queue and token fds
 * @commands: the commands that this kind of file has
 * @count: how many
 * @cmd: which one it is to be
 * @issue_flags: io_uring's
 *
 * Context: process, of the submitter's memory; may sleep, and waits if io_uring
 * allows it.
 * Return: -EIOCBQUEUED: the result has been told to io_uring; -EAGAIN: call again
 * from where waiting is allowed; -EINVAL.
 */
int mpmc_uring_cmd(const struct mpmc_command *commands, unsigned int count,
		   struct io_uring_cmd *cmd, unsigned int issue_flags)
{
	const struct mpmc_uring_cmd args = mpmc_uring_read(cmd);
	bool waits = false;
	long ret;

	if (args.flags || cmd->flags & IORING_URING_CMD_FIXED)
		return -EINVAL;
	if (issue_flags & IO_URING_F_NONBLOCK)
		ret = mpmc_ioctl_try(commands, count, cmd->file, cmd->cmd_op,
				     args.arg, &waits);
	else
		ret = mpmc_ioctl(commands, count, cmd->file, cmd->cmd_op,
				 args.arg);
	if (ret == -EAGAIN && waits)
		return ret;
	/*
	 * Returned, -EAGAIN would have io_uring ask a worker, and what is above 0
	 * would be taken for an error, or be lost, before 6.2.
	 */
	mpmc_uring_done(cmd, ret == -ERESTARTSYS ? -EINTR : ret, issue_flags);
	return -EIOCBQUEUED;
}
