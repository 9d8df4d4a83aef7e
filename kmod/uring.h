/* SPDX-License-Identifier: GPL-2.0 */
#ifndef MPMC_URING_H
#define MPMC_URING_H

struct io_uring_cmd;
struct mpmc_command;

int mpmc_uring_cmd(const struct mpmc_command *commands, unsigned int count,
		   struct io_uring_cmd *cmd, unsigned int issue_flags);

#endif /* MPMC_URING_H */
