// SPDX-License-Identifier: GPL-2.0
#include <linux/io_uring.h>

/* Where it is in a header of its own, it has this in any case. */
const void *probe(const struct io_uring_cmd *cmd);

const void *probe(const struct io_uring_cmd *cmd)
{
	return cmd->sqe->cmd;
}
