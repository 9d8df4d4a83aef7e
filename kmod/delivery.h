/* SPDX-License-Identifier: GPL-2.0 */
#ifndef MPMC_DELIVERY_H
#define MPMC_DELIVERY_H

#include <uapi/linux/mpmc.h>

struct mpmc_consumer;

long mpmc_delivery_dequeue(struct mpmc_consumer *consumer,
			   struct mpmc_transfer *transfer, void __user *user);
long mpmc_delivery_fill(struct mpmc_consumer *consumer,
			const struct mpmc_lease *lease);
long mpmc_delivery_end(struct mpmc_consumer *consumer,
		       const struct mpmc_lease_end *end, bool commit);
long mpmc_delivery_kick(struct mpmc_consumer *consumer,
			const struct mpmc_token_kick *kick);

#endif /* MPMC_DELIVERY_H */
