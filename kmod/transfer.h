/* SPDX-License-Identifier: GPL-2.0 */
#ifndef MPMC_TRANSFER_H
#define MPMC_TRANSFER_H

#include <uapi/linux/mpmc.h>

struct iov_iter;
struct mpmc_producer;
struct mpmc_queue;
struct mpmc_waiter;

/* The most items that are between a queue and a user's memory at a time. */
#define MPMC_TRANSFER_CHUNK 16384

int mpmc_transfer_init(void);
void mpmc_transfer_exit(void);

long mpmc_transfer_put(struct mpmc_queue *queue,
		       struct mpmc_producer *producer,
		       struct mpmc_transfer *transfer);
long mpmc_transfer_take(struct mpmc_queue *queue,
			struct mpmc_transfer *transfer, void __user *user);
int mpmc_transfer_put_kernel(struct mpmc_queue *queue, const u64 *items,
			     unsigned int count, bool wait);
long mpmc_transfer_take_iter(struct mpmc_queue *queue, struct iov_iter *iter,
			     unsigned int count, bool wait);
u64 *mpmc_transfer_buffer(unsigned int count);
void mpmc_transfer_buffer_free(u64 *items, unsigned int count);

int mpmc_transfer_check(const struct mpmc_transfer *transfer);
int mpmc_transfer_wait(struct mpmc_waiter *waiter, u64 deadline);
int mpmc_transfer_copy_out(const struct mpmc_transfer *transfer,
			   void __user *user, unsigned int offset,
			   const u64 *items, unsigned int count);

#endif /* MPMC_TRANSFER_H */
