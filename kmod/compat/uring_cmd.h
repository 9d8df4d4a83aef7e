/* SPDX-License-Identifier: GPL-2.0 */
#ifndef MPMC_COMPAT_URING_CMD_H
#define MPMC_COMPAT_URING_CMD_H

/* A header of its own since 6.7: probe_uring_header.c. */
#ifdef MPMC_HAVE_URING_HEADER
#include <linux/io_uring/cmd.h>
#else
#include <linux/io_uring.h>
#endif

#include <linux/compiler.h>
#include <uapi/linux/mpmc.h>

/* In memory that he may be writing to. By way of all of the sqe since 6.5. */
static inline struct mpmc_uring_cmd
mpmc_uring_payload(const struct io_uring_cmd *cmd)
{
#if defined(MPMC_HAVE_URING_HEADER) || defined(MPMC_HAVE_URING_SQE)
	const struct mpmc_uring_cmd *sqe = (const void *)cmd->sqe->cmd;
#else
	const struct mpmc_uring_cmd *sqe = cmd->cmd;
#endif

	return (struct mpmc_uring_cmd){ READ_ONCE(sqe->arg),
					READ_ONCE(sqe->flags) };
}

/* Of what a command has for its driver, the rest is behind that. */
#define MPMC_URING_KEEPS sizeof(struct mpmc_uring_cmd)

/*
 * What the submitter has written for us. Some kernels, 6.12 among them, keep a copy
 * for when they call again from a worker, and then look where it was before, and
 * where there is another one by then. So we keep our own; that we do is said by a
 * flag that no kernel knows which does not know IORING_URING_CMD_REISSUE, of 6.15.
 */
static inline struct mpmc_uring_cmd mpmc_uring_read(struct io_uring_cmd *cmd)
{
#ifdef IORING_URING_CMD_REISSUE
	return mpmc_uring_payload(cmd);
#else
	struct mpmc_uring_cmd *kept = (struct mpmc_uring_cmd *)cmd->pdu;
	const u32 keeps = 1U << 29;

	if (!(cmd->flags & keeps))
		*kept = mpmc_uring_payload(cmd);
	cmd->flags |= keeps;
	return *kept;
#endif
}

/* Without a second result since 6.18: probe_uring_done.c. */
static inline void mpmc_uring_done(struct io_uring_cmd *cmd, int ret,
				   unsigned int issue_flags)
{
#ifdef MPMC_HAVE_URING_DONE
	io_uring_cmd_done(cmd, ret, issue_flags);
#else
	io_uring_cmd_done(cmd, ret, 0, issue_flags);
#endif
}

#endif /* MPMC_COMPAT_URING_CMD_H */
