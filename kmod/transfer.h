/* SPDX-License-Identifier: GPL-2.0 */
#ifndef MPMC_TRANSFER_H
#define MPMC_TRANSFER_H

#include <uapi/linux/mpmc.h>

struct mpmc_consumer;
struct mpmc_producer;
struct mpmc_queue;

int mpmc_transfer_init(void);
void mpmc_transfer_exit(void);

long mpmc_transfer_put(struct mpmc_queue *queue,
		       struct mpmc_producer *producer,
		       struct mpmc_transfer *transfer);
long mpmc_transfer_take(struct mpmc_queue *queue,
			struct mpmc_transfer *transfer, void __user *user);
long mpmc_transfer_lease(struct mpmc_consumer *consumer,
			 struct mpmc_transfer *transfer, void __user *user);

#endif /* MPMC_TRANSFER_H */
