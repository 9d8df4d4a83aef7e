/* SPDX-License-Identifier: GPL-2.0 */
#ifndef MPMC_URING_H
#define MPMC_URING_H

#include <linux/types.h>

struct file;
struct io_uring_cmd;
struct mpmc_command;
struct mpmc_queue;
struct mpmc_wish;

/**
 * struct mpmc_call - a command that was submitted
 * @commands: the commands that its kind of file has
 * @count: how many
 * @queue: the queue of its file
 * @cmd: io_uring's
 * @arg: address of its structure
 */
struct mpmc_call {
	const struct mpmc_command *commands;
	unsigned int count;
	struct mpmc_queue *queue;
	struct io_uring_cmd *cmd;
	u64 arg;
};

struct file *mpmc_uring_file(const struct io_uring_cmd *cmd);
int mpmc_uring_cmd(const struct mpmc_command *commands, unsigned int count,
		   struct mpmc_queue *queue, struct io_uring_cmd *cmd,
		   unsigned int issue_flags);
int mpmc_call_try(const struct mpmc_call *call, struct mpmc_wish *wish);

#endif /* MPMC_URING_H */
