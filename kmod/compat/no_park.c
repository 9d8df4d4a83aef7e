// SPDX-License-Identifier: GPL-2.0
/*
 * In place of park.c on a kernel that can't end commands by itself, before 6.7:
 * none is left pending
 */
#include <linux/errno.h>

#include "../park.h"

bool mpmc_park_supported(void)
{
	return false;
}

int mpmc_park(const struct mpmc_call *call, const struct mpmc_wish *wish,
	      unsigned int issue_flags)
{
	return -EOPNOTSUPP;
}

bool mpmc_park_end(struct io_uring_cmd *cmd, unsigned int issue_flags)
{
	return false;
}

int mpmc_park_cancel(struct mpmc_queue *queue, u64 arg)
{
	return -ENOENT;
}
