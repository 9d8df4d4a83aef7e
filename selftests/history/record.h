/* SPDX-License-Identifier: GPL-2.0 */
#ifndef RECORD_H
#define RECORD_H

#include "../mpmc_mapped.h"
#include "history.h"

#define WORKERS_MAX 4

/* So many rounds are done one after the other before they are checked. */
#define BATCH_MAX 16

/* What a thread may have: so many tokens one after the other, so many items. */
#define WORKER_TOKENS (TOKENS_MAX / WORKERS_MAX)
#define WORKER_ITEMS 12

/* The one that empties the queue in the end. */
#define LAST_THREAD (THREADS_MAX - 1)
#define LAST_ITEMS (WORKERS_MAX * WORKER_ITEMS)

/**
 * struct shape - what a round is like; follows from its seed
 * @seed: of the round
 * @capacity: of the queue
 * @segments: of the queue
 * @workers: how many threads
 * @steps: how many operations each of them does, more or less
 * @maps: one token in so many is mapped; 0: none
 * @waits: one call in so many waits; 0: none
 * @shakes: before one step in so many a thread makes itself late; 0: never
 * @opens: one step in so many opens or closes a token
 * @leases: one that takes in so many has its items leased first
 * @returns: of what was leased, one time in so many it is given back
 * @shutter: who shuts the queue down; -1: nobody
 * @shut_at: at which step
 * @puts: of a worker's operations, so many in 16 put
 */
struct shape {
	u64 seed;
	unsigned int capacity;
	unsigned int segments;
	unsigned int workers;
	unsigned int steps;
	unsigned int maps;
	unsigned int waits;
	unsigned int shakes;
	unsigned int opens;
	unsigned int leases;
	unsigned int returns;
	int shutter;
	unsigned int shut_at;
	unsigned int puts[WORKERS_MAX];
};

/**
 * struct end - a token that a worker has
 * @token: its number in the history, or QUEUE: there is none
 * @is_mapped: it is used by way of @map
 * @map: its mapping; the fd is there in any case
 * @leased: a consumer's that is not mapped: how many items it has
 */
struct end {
	int token;
	bool is_mapped;
	struct mapped map;
	unsigned int leased;
};

/**
 * struct worker - a thread of a round, and what it has recorded
 * @thread: its number
 * @queue: the queue
 * @shape: of the round
 * @draw: random numbers of its step
 * @stamp: the last time that it took
 * @items: how many items it has had accepted
 * @tokens: how many tokens it has opened
 * @producer: its producer token
 * @consumer: its consumer token
 * @op: what it did
 * @ops: how many
 */
struct worker {
	int thread;
	int queue;
	const struct shape *shape;
	u64 draw;
	u64 stamp;
	unsigned int items;
	unsigned int tokens;
	struct end producer;
	struct end consumer;
	struct op op[OPS_MAX];
	unsigned int ops;
};

u64 hash64(u64 x);
u32 pick(struct worker *worker, u32 n);

/* shape.c */
void shape_make(struct shape *shape, u64 seed, u64 round);
void shape_print(const struct shape *shape);

/* calls.c */
void do_put(struct worker *worker, struct end *end, unsigned int n,
	    u64 wait);
void do_store(struct worker *worker, unsigned int n);
void do_take(struct worker *worker, struct end *end, unsigned int n, u64 wait);
void do_peek(struct worker *worker, unsigned int n, bool share, u64 wait);
void do_finish(struct worker *worker, enum kind kind, unsigned int n);
void do_open(struct worker *worker, bool produces, unsigned int entries,
	     bool map);
void do_close(struct worker *worker, struct end *end);
void do_shutdown(struct worker *worker);
unsigned int end_rest(const struct end *end);

/* steps.c */
void worker_begin(struct worker *worker, int thread, int queue,
		  const struct shape *shape);
void worker_prepare(struct worker *worker);
void worker_step(struct worker *worker, unsigned int step);
void worker_empty(struct worker *last, struct worker *workers);

/* disturb.c */
void disturb_start(const pthread_t *thread, unsigned int threads);
void disturb_stop(void);

/* rounds.c */
void rounds_start(void);
void rounds_run(const struct shape *shape, unsigned int n);
void round_history(unsigned int n, struct history *history);
void rounds_stop(void);

#endif /* RECORD_H */
