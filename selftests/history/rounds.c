// SPDX-License-Identifier: GPL-2.0
/*
 * Rounds: threads that do their steps at the same time, and the history of it
 */
#include "record.h"

/**
 * struct crew - the threads
 * @thread: them
 * @worker: what each does
 * @last: the one that empties the queue
 * @round: which one it is; a gate that they wait at
 * @here: how many have come to it
 * @done: how many rounds are over; a gate
 * @left: how many are still at work
 * @stop: there will be no more
 */
static struct crew {
	pthread_t thread[WORKERS_MAX];
	struct worker worker[WORKERS_MAX];
	struct worker last;
	atomic_int round;
	atomic_int here;
	atomic_int done;
	atomic_int left;
	bool stop;
} crew;

/* Together, as far as there are CPUs. */
static void meet(unsigned int workers)
{
	atomic_fetch_add(&crew.here, 1);
	while (atomic_load(&crew.here) < (int)workers)
		sched_yield();
}

static void worker_round(struct worker *worker)
{
	unsigned int step;

	worker_prepare(worker);
	meet(worker->shape->workers);
	for (step = 0; step < worker->shape->steps; step++)
		worker_step(worker, step);
}

static void *work(void *arg)
{
	struct worker *worker = arg;
	unsigned int index = worker - crew.worker;
	int round;

	for (round = 1;; round++) {
		gate_wait(&crew.round, round);
		if (crew.stop)
			return NULL;
		if (index < worker->shape->workers)
			worker_round(worker);
		/* Also who had nothing to do: he looked at what it was. */
		if (atomic_fetch_sub(&crew.left, 1) == 1)
			gate_open(&crew.done, round);
	}
}

/**
 * rounds_start() - start the threads
 *
 * Others than before: which segments they use follows from their ids.
 */
void rounds_start(void)
{
	unsigned int i;

	crew.stop = false;
	atomic_store(&crew.round, 0);
	atomic_store(&crew.done, 0);
	for (i = 0; i < WORKERS_MAX; i++)
		crew.thread[i] = thread_start(work, &crew.worker[i]);
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
	gate_open(&crew.round, atomic_load(&crew.round) + 1);
	for (i = 0; i < WORKERS_MAX; i++)
		thread_join(crew.thread[i]);
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
 * round_run() - do a round
 * @shape: what it is like
 * @history: where to write its history
 */
void round_run(const struct shape *shape, struct history *history)
{
	int queue = queue_create(shape->capacity, shape->segments);
	unsigned int i;

	must(queue >= 0);
	for (i = 0; i < WORKERS_MAX; i++)
		worker_begin(&crew.worker[i], i, queue, shape);
	worker_begin(&crew.last, LAST_THREAD, queue, shape);
	atomic_store(&crew.here, 0);
	atomic_store(&crew.left, WORKERS_MAX);
	gate_open(&crew.round, atomic_load(&crew.round) + 1);
	gate_wait(&crew.done, atomic_load(&crew.round));
	worker_empty(&crew.last, crew.worker);
	must(close(queue) == 0);

	memset(history, 0, sizeof(*history));
	history->capacity = shape->capacity;
	history->segments = shape->segments;
	for (i = 0; i < shape->workers; i++)
		history_add(history, &crew.worker[i]);
	history_add(history, &crew.last);
}
