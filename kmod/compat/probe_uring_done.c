// SPDX-License-Identifier: GPL-2.0
#include <linux/io_uring/cmd.h>

void probe(struct io_uring_cmd *cmd, unsigned int issue_flags);

void probe(struct io_uring_cmd *cmd, unsigned int issue_flags)
{
	io_uring_cmd_done(cmd, -EAGAIN, issue_flags);
}
