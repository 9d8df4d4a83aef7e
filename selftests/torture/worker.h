/* SPDX-License-Identifier: GPL-2.0 */
/* What is killed: a process that produces or consumes until then */
#ifndef WORKER_H
#define WORKER_H

#include "channel.h"
#include "ledger.h"

enum role {
	ROLE_PRODUCER,
	ROLE_CONSUMER,
	ROLE_HEIR, /* a consumer that takes what is left, and ends */
};

/* For a process that was just forked: does not return. */
_Noreturn void worker_run(struct channel *channel, struct ledger *ledger,
			  struct life *life, enum role role, uint64_t seed);

#endif /* WORKER_H */
