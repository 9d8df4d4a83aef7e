// SPDX-License-Identifier: GPL-2.0
#include <linux/io_uring/cmd.h>

int probe(struct io_uring_cmd *cmd);

int probe(struct io_uring_cmd *cmd)
{
	io_uring_cmd_mark_cancelable(cmd, 0);
	return IO_URING_F_CANCEL;
}
