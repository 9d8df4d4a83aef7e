// SPDX-License-Identifier: GPL-2.0
/*
 * Rounds: threads that do their steps at the same time, and the history of it
 */
#include "record.h"

/**
 * struct round - a round, and what the threads record of it
 * @shape: what it is like
 * @queue: its queue
 * @worker: what each thread does
 * @last: the one that empties the queue
 * @here: how many threads have come to it
 */
struct round {
	struct shape shape;
	int queue;
	struct worker worker[WORKERS_MAX];
	struct worker last;
	atomic_int here;
};

/**
 * struct crew - the threads
 * @thread: them
 * @round: the rounds of a batch
 * @rounds: how many
 * @batch: which one it is; a gate that they wait at
 * @done: how many batches are over; a gate
 * @left: how many threads are still at work
 * @stop: there will be no more
 */
static struct crew {
	pthread_t thread[WORKERS_MAX];
	struct round round[BATCH_MAX];
	unsigned int rounds;
	atomic_int batch;
	atomic_int done;
	atomic_int left;
	bool stop;
} crew;

/* Together, as far as there are CPUs. */
static void meet(struct round *round)
{
	atomic_fetch_add(&round->here, 1);
	while (atomic_load(&round->here) < (int)round->shape.workers)
		sched_yield();
}

static void worker_round(struct round *round, struct worker *worker)
{
	unsigned int step;

	worker_prepare(worker);
	meet(round);
	for (step = 0; step < round->shape.steps; step++)
		worker_step(worker, step);
}

/* Rounds without a sleep in between: on a busy machine each takes its time. */
static void worker_batch(unsigned int index)
{
	struct round *round;
	unsigned int i;

	for (i = 0; i < crew.rounds; i++) {
		round = &crew.round[i];
		if (index < round->shape.workers)
			worker_round(round, &round->worker[index]);
	}
}

static void *work(void *arg)
{
	unsigned int index = (uintptr_t)arg;
	int batch;

	for (batch = 1;; batch++) {
		gate_wait(&crew.batch, batch);
		if (crew.stop)
			return NULL;
		worker_batch(index);
		if (atomic_fetch_sub(&crew.left, 1) == 1)
			gate_open(&crew.done, batch);
	}
}

/**
 * rounds_start() - start the threads
 *
 * Others than before: which segments they use follows from their ids.
 */
void rounds_start(void)
{
	uintptr_t i;

	crew.stop = false;
	atomic_store(&crew.batch, 0);
	atomic_store(&crew.done, 0);
	for (i = 0; i < WORKERS_MAX; i++)
		crew.thread[i] = thread_start(work, (void *)i);
	disturb_start(crew.thread, WORKERS_MAX);
}

/**
 * rounds_stop() - end the threads
 */
void rounds_stop(void)
{
	unsigned int i;

	disturb_stop();
	crew.stop = true;
	gate_open(&crew.batch, atomic_load(&crew.batch) + 1);
	for (i = 0; i < WORKERS_MAX; i++)
		thread_join(crew.thread[i]);
}

/* --- A batch --- */

static void round_begin(struct round *round, const struct shape *shape)
{
	int i;

	round->shape = *shape;
	round->queue = queue_create(shape->capacity, shape->segments);
	must(round->queue >= 0);
	for (i = 0; i < WORKERS_MAX; i++)
		worker_begin(&round->worker[i], i, round->queue, &round->shape);
	worker_begin(&round->last, LAST_THREAD, round->queue, &round->shape);
	atomic_store(&round->here, 0);
}

/**
 * rounds_run() - do some rounds
 * @shape: what they are like
 * @n: how many, at most BATCH_MAX
 */
void rounds_run(const struct shape *shape, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		round_begin(&crew.round[i], &shape[i]);
	crew.rounds = n;
	atomic_store(&crew.left, WORKERS_MAX);
	gate_open(&crew.batch, atomic_load(&crew.batch) + 1);
	gate_wait(&crew.done, atomic_load(&crew.batch));
	for (i = 0; i < n; i++) {
		worker_empty(&crew.round[i].last, crew.round[i].worker);
		must(close(crew.round[i].queue) == 0);
	}
}

static void history_add(struct history *history, const struct worker *worker)
{
	const struct op *op;
	struct token *token;
	unsigned int i;

	must(history->ops + worker->ops <= OPS_MAX);
	for (i = 0; i < worker->ops; i++) {
		op = &worker->op[i];
		history->op[history->ops++] = *op;
		if (op->kind != OPEN)
			continue;
		token = &history->token[op->token];
		token->entries = op->count;
		token->mapped = op->mapped;
		token->produces = op->produces;
		if (history->tokens <= (unsigned int)op->token)
			history->tokens = op->token + 1;
	}
}

/**
 * round_history() - the history of a round
 * @n: which one of those that were done last
 * @history: where to write it
 */
void round_history(unsigned int n, struct history *history)
{
	const struct round *round = &crew.round[n];
	unsigned int i;

	memset(history, 0, sizeof(*history));
	history->capacity = round->shape.capacity;
	history->segments = round->shape.segments;
	for (i = 0; i < round->shape.workers; i++)
		history_add(history, &round->worker[i]);
	history_add(history, &round->last);
}
