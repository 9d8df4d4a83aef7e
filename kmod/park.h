/* SPDX-License-Identifier: GPL-2.0 */
#ifndef MPMC_PARK_H
#define MPMC_PARK_H

#include <linux/types.h>

struct io_uring_cmd;
struct mpmc_call;
struct mpmc_queue;
struct mpmc_wish;

bool mpmc_park_supported(void);
int mpmc_park(const struct mpmc_call *call, const struct mpmc_wish *wish,
	      unsigned int issue_flags);
bool mpmc_park_end(struct io_uring_cmd *cmd, unsigned int issue_flags);
int mpmc_park_cancel(struct mpmc_queue *queue, u64 arg);

#endif /* MPMC_PARK_H */
