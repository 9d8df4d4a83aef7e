/* SPDX-License-Identifier: GPL-2.0 */
#ifndef MPMC_DEVICE_H
#define MPMC_DEVICE_H

#include "ioctl.h"

struct mpmc_queue;

/* Of a command's structure, which is also part of another's. */
#define MPMC_QUEUE_CREATE_SIZES \
	.size = sizeof(struct mpmc_queue_create), \
	.min_size = offsetofend(struct mpmc_queue_create, max_deliveries)

struct mpmc_queue *mpmc_device_create(const struct mpmc_queue_create *create);

#endif /* MPMC_DEVICE_H */
