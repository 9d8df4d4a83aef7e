// SPDX-License-Identifier: GPL-2.0
/*
 * What threads do: a step is one operation, drawn from the seed alone, as far as
 * what the thread has allows it
 */
#include "record.h"

#define NSEC_PER_USEC 1000ULL

u32 pick(struct worker *worker, u32 n)
{
	worker->draw = hash64(worker->draw);
	return (worker->draw >> 16) % n;
}

/* With 0: never. */
static bool chance(struct worker *worker, u32 one_in)
{
	return one_in && !pick(worker, one_in);
}

/* Of one to so many, more often few. */
static unsigned int pick_count(struct worker *worker, unsigned int most)
{
	return 1 + pick(worker, 1 + pick(worker, most));
}

static u64 pick_wait(struct worker *worker)
{
	if (!chance(worker, worker->shape->waits))
		return 0;
	return (1 + pick(worker, 200)) * NSEC_PER_USEC;
}

/* Be somewhere else in time, or in space. */
static void shake(struct worker *worker)
{
	switch (pick(worker, 4)) {
	case 0:
		sched_yield();
		break;
	case 1:
		pin(pick(worker, cpu_count()));
		break;
	default:
		spin_ns(pick(worker, 4000));
	}
}

static void step_token(struct worker *worker)
{
	bool produces = chance(worker, 2);
	bool map = chance(worker, worker->shape->maps);
	struct end *end = produces ? &worker->producer : &worker->consumer;
	unsigned int entries = pick_count(worker, 8);

	if (end->token != QUEUE)
		do_close(worker, end);
	else if (worker->tokens < WORKER_TOKENS)
		do_open(worker, produces, entries, map);
}

static void step_put(struct worker *worker)
{
	unsigned int n = pick_count(worker, worker->shape->capacity + 1);
	struct end *end = &worker->producer, none = { .token = QUEUE };
	u64 wait = pick_wait(worker);

	if (end->token == QUEUE || chance(worker, 6))
		end = &none;
	if (chance(worker, 2))
		n = 1;
	if (n > WORKER_ITEMS - worker->items)
		n = WORKER_ITEMS - worker->items;
	if (!n)
		return;
	if (end->is_mapped && end_rest(end) && !chance(worker, 8))
		do_store(worker, n < end_rest(end) ? n : end_rest(end));
	else
		do_put(worker, end, n, wait);
}

/* With a lease: look, finish with it, or give it back. */
static void step_lease(struct worker *worker)
{
	unsigned int n = pick_count(worker, 8), rest = end_rest(&worker->consumer);
	bool maps = worker->consumer.is_mapped;
	u64 wait = pick_wait(worker);

	if (!rest || chance(worker, 3))
		do_peek(worker, maps ? 1 : n, maps, wait);
	else if (chance(worker, worker->shape->returns))
		do_finish(worker, RELEASE, n < rest ? n : rest);
	else if (n > rest && !chance(worker, 4))
		do_finish(worker, maps ? ACK : COMMIT, rest);
	else if (maps)
		do_finish(worker, ACK, n < rest ? n : rest);
	else
		do_finish(worker, COMMIT, n);
}

static void step_take(struct worker *worker)
{
	unsigned int n = pick_count(worker, 8);
	struct end *end = &worker->consumer, none = { .token = QUEUE };
	u64 wait = pick_wait(worker);

	if (end->token == QUEUE || chance(worker, 6))
		do_take(worker, &none, n, wait);
	else if (chance(worker, worker->shape->leases))
		step_lease(worker);
	else
		do_take(worker, end, n, wait);
}

/**
 * worker_begin() - before a round
 * @worker: the worker
 * @thread: its number
 * @queue: the queue
 * @shape: of the round
 */
void worker_begin(struct worker *worker, int thread, int queue,
		  const struct shape *shape)
{
	worker->thread = thread;
	worker->queue = queue;
	worker->shape = shape;
	worker->items = 0;
	worker->tokens = 0;
	worker->ops = 0;
	worker->producer = (struct end){ .token = QUEUE };
	worker->consumer = (struct end){ .token = QUEUE };
}

/**
 * worker_prepare() - before the others begin: perhaps with tokens
 * @worker: the worker
 */
void worker_prepare(struct worker *worker)
{
	worker->draw = hash64(~worker->shape->seed ^ worker->thread);
	unpin();
	if (chance(worker, 2))
		do_open(worker, true, pick_count(worker, 8),
			chance(worker, worker->shape->maps));
	if (chance(worker, 2))
		do_open(worker, false, pick_count(worker, 8),
			chance(worker, worker->shape->maps));
}

/**
 * worker_step() - do something
 * @worker: the worker
 * @step: which step it is
 */
void worker_step(struct worker *worker, unsigned int step)
{
	const struct shape *shape = worker->shape;

	worker->draw = hash64(shape->seed ^ (u64)worker->thread << 32 ^ step);
	if (chance(worker, shape->shakes))
		shake(worker);
	if (worker->thread == shape->shutter && step == shape->shut_at)
		do_shutdown(worker);
	else if (chance(worker, shape->opens))
		step_token(worker);
	else if (pick(worker, 16) < shape->puts[worker->thread])
		step_put(worker);
	else
		step_take(worker);
}

static void take_all(struct worker *last)
{
	struct end none = { .token = QUEUE };

	do {
		do_take(last, &none, 8, 0);
	} while (!last->op[last->ops - 1].error);
}

/**
 * worker_empty() - after a round: everything comes out, and all room is there again
 * @last: who does it
 * @workers: the others, who do nothing any more
 */
void worker_empty(struct worker *last, struct worker *workers)
{
	struct end none = { .token = QUEUE };
	unsigned int i;

	for (i = 0; i < last->shape->workers; i++) {
		if (workers[i].producer.token != QUEUE)
			do_close(last, &workers[i].producer);
		if (workers[i].consumer.token != QUEUE)
			do_close(last, &workers[i].consumer);
	}
	take_all(last);
	do_put(last, &none, last->shape->capacity, 0);
	do_put(last, &none, 1, 0);
	do_shutdown(last);
	take_all(last);
}
