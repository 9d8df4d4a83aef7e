/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The parts of performance_benchmark. */
#ifndef BENCH_H
#define BENCH_H

#include <mqueue.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mpmc.h>

#define BULK 1000
#define PIPE_BULK 512 /* so many items a pipe keeps together: PIPE_BUF */

/* One way to carry items: what of it is used is the peer's business. */
struct channel {
	struct mpmc_queue *queue;
	int pipe[2];
	mqd_t mq;
};

/* What one producer or consumer has of it. */
struct end {
	const struct channel *channel;
	struct mpmc_producer *producer;
	struct mpmc_consumer *consumer;
};

/*
 * A way to carry items. Calls block; they return how many items were moved, or
 * an error of libmpmc's; other errors end the program. room() says how many
 * items it holds, which depends on what the user may have. What is NULL is not
 * needed, or not to be had.
 */
struct peer {
	const char *name;
	int (*open)(struct channel *channel);
	void (*close)(struct channel *channel);
	unsigned long long (*room)(const struct channel *channel);
	int (*open_sender)(struct end *end);
	int (*open_receiver)(struct end *end);
	void (*close_end)(struct end *end);
	int (*send)(struct end *end, uint64_t item);
	int (*receive)(struct end *end, uint64_t *item);
	int (*send_bulk)(struct end *end, const uint64_t *items, size_t n);
	int (*receive_bulk)(struct end *end, uint64_t *items, size_t max);
};

/* bench_peers.c */
extern const struct peer queue_peer, token_peer, pipe_peer, mq_peer;

/*
 * struct load - what a peer is to carry
 * @peer: who
 * @bulk: items at a time
 * @producers: how many; 0: one thread sends and receives in turn
 * @consumers: how many
 * @threads: they are threads, not processes
 */
struct load {
	const struct peer *peer;
	unsigned int bulk;
	unsigned int producers;
	unsigned int consumers;
	bool threads;
};

/* bench_run.c: nanoseconds for so many items, which are rounded up to what the
 * load is made of. */
uint64_t load_run(const struct load *load, uint64_t *items);

/*
 * struct footprint - memory that is charged for a queue, in bytes
 * @fresh: just made
 * @one: with one item in it
 * @drained: after that item was taken
 */
struct footprint {
	double fresh, one, drained;
};

/* bench_memory.c: whether it could be measured. */
bool footprint_measure(struct footprint *footprint);

#endif /* BENCH_H */
