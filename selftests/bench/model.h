/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A model of the kernel's side of queues, for measuring natively
 *
 * The ring and its mapping, the segment and the credits are the very same
 * sources as the module's, built for userspace, and so are the calls inlined
 * from <mpmc.h>. What lies between them is here: what the kernel does when a
 * producer has no room or a consumer no items, and when one sleeps or wakes
 * another. Each time it would be entered a real system call is made, an ioctl
 * that does nothing. All sides are threads of one process.
 */
#ifndef BENCH_MODEL_H
#define BENCH_MODEL_H

#include <mpmc.h>

#include "bench.h"

struct model;
struct model_end;

/*
 * struct model_policy - how a refill avoids the lock step with its producer
 * @looks: after the first look look again, at most so often; 0: don't
 * @pause_ns: after a pause of so long each
 * @enough: stop when there are so many items
 * @busy: look again only if the last refill had so many
 * @lines: leave the items of a cache line that is not full, if there are more
 */
struct model_policy {
	unsigned int looks;
	unsigned int pause_ns;
	unsigned int enough;
	unsigned int busy;
	bool lines;
	bool before;
};

struct model *model_create(const struct load *load,
			   const struct model_policy *policy);
void model_destroy(struct model *model);
struct model_end *model_attach(struct model *model, bool sends);
void model_detach(struct model_end *end);
struct mpmc_producer *model_producer(struct model_end *end);
struct mpmc_consumer *model_consumer(struct model_end *end);

/* A queue without tokens: one segment. How many were moved. */
size_t model_put(struct model_end *end, const uint64_t *items, size_t n);
size_t model_get(struct model_end *end, uint64_t *items, size_t max);

#endif /* BENCH_MODEL_H */
