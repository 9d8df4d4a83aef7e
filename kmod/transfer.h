/* SPDX-License-Identifier: GPL-2.0 */
#ifndef MPMC_TRANSFER_H
#define MPMC_TRANSFER_H

#include <uapi/linux/mpmc.h>

struct mpmc_producer;
struct mpmc_queue;
struct mpmc_waiter;

int mpmc_transfer_init(void);
void mpmc_transfer_exit(void);

long mpmc_transfer_put(struct mpmc_queue *queue,
		       struct mpmc_producer *producer,
		       struct mpmc_transfer *transfer);
long mpmc_transfer_take(struct mpmc_queue *queue,
			struct mpmc_transfer *transfer, void __user *user);
int mpmc_transfer_put_one(struct mpmc_queue *queue, u64 item);

int mpmc_transfer_check(const struct mpmc_transfer *transfer);
int mpmc_transfer_wait(struct mpmc_waiter *waiter, u64 deadline);
int mpmc_transfer_copy_out(const struct mpmc_transfer *transfer,
			   void __user *user, unsigned int offset,
			   const u64 *items, unsigned int count);

#endif /* MPMC_TRANSFER_H */
