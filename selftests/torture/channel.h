/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What items go through: a queue in one of the modes it can be used in, or
 * something that others use instead of one
 */
#ifndef CHANNEL_H
#define CHANNEL_H

#include <mpmc.h>
#include <mqueue.h>

#include "torture.h"

/**
 * struct call - how to put or to take
 * @count: how many items, at most
 * @bulk: with the function for many, even if it is one
 * @wait: sleep if need be
 * @timeout: how long; NULL: for ever
 */
struct call {
	size_t count;
	bool bulk;
	bool wait;
	const struct timespec *timeout;
};

/**
 * struct channel - a way from producers to consumers
 * @type: what it is
 * @setup: what it is like
 * @queue: of the types that are a queue
 * @kept: it is not to be shut down
 * @lean: there may be no memory for a call
 * @pipe: of a pipe
 * @mq: of a message queue
 * @ring: of rings in shared memory
 */
struct channel {
	const struct channel_type *type;
	const struct setup *setup;
	struct mpmc_queue *queue;
	bool kept;
	bool lean;
	int pipe[2];
	mqd_t mq;
	struct ring *ring;
};

/**
 * struct end - what a worker has of a channel
 * @channel: which
 * @producer: a token, if the type has them
 * @consumer: the other kind
 * @seed: for what is left to chance
 */
struct end {
	struct channel *channel;
	struct mpmc_producer *producer;
	struct mpmc_consumer *consumer;
	uint64_t *seed;
};

/**
 * struct channel_type - a kind of channel
 * @name: for people
 * @supported: whether it can be had here; NULL: it can
 * @open: make one
 * @close: the opposite
 * @join: make a worker's end; what there is no operation for is not needed
 * @put: how many items were put: all or none
 * @take: how many were taken; deliveries 0: the channel does not say
 * @finish: the oldest items taken have been dealt with; NULL: whoever dies with
 *	items in hand takes them along
 * @give_back: somebody else shall deal with the oldest items taken
 * @size: how many items it holds, approximately
 * @room: for how many more it has room
 * @redelivered: how many came back, ever
 * @describe: print its state
 * @audit: what is wrong with it when nobody is at work and all has been taken,
 *	printed; how much that is
 *
 * Errors are negative, and failures of the test. -EILSEQ: looking twice has shown
 * two different things.
 */
struct channel_type {
	const char *name;
	bool (*supported)(void);
	int (*open)(struct channel *channel);
	void (*close)(struct channel *channel);
	int (*join)(struct end *end, bool produces);
	ssize_t (*put)(struct end *end, const uint64_t *items,
		       const struct call *call);
	ssize_t (*take)(struct end *end, struct mpmc_item *items,
			const struct call *call);
	int (*finish)(struct end *end, size_t n);
	int (*give_back)(struct end *end, size_t n);
	uint64_t (*size)(struct channel *channel);
	uint64_t (*room)(struct channel *channel);
	uint64_t (*redelivered)(struct channel *channel);
	void (*describe)(struct channel *channel);
	int (*audit)(struct channel *channel);
};

/* queue.c */
extern const struct channel_type queue_ioctl, queue_token, queue_mapped,
	queue_peek;

/* system.c */
extern const struct channel_type system_pipe, system_mq;

/* ring.c */
extern const struct channel_type ring_robust, ring_plain, ring_claimed;

#endif /* CHANNEL_H */
