// SPDX-License-Identifier: GPL-2.0
/*
 * Streams: producers send, consumers take what they get
 *
 * Each side is a process, or a thread where the peer can't cross processes.
 * Consumers compete for the items. When all have come, each is sent LAST, which
 * ends it, one after the other: so calls that sleep do as well as those that
 * don't. What was sent and what came is added up and compared.
 */
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"

#define PATIENCE_S 60

/*
 * struct run - what all sides see
 * @start: for all to begin at once
 * @leave: for nobody to close anything before all are done
 * @done: one up for each side that has finished
 */
struct run {
	const struct peer *peer;
	const struct load *load;
	void *channel;
	pthread_barrier_t start;
	pthread_barrier_t leave;
	sem_t done;
	unsigned int count;
	pid_t pid[SIDES_MAX];
	pthread_t thread[SIDES_MAX];
	struct side side[SIDES_MAX];
};

struct start {
	struct run *run;
	unsigned int index;
};

static bool side_sends(const struct run *run, unsigned int index)
{
	return index < run->load->producers;
}

static void side_run(struct run *run, unsigned int index)
{
	const struct peer *peer = run->peer;
	struct side *side = &run->side[index];
	bool sends = side_sends(run, index);
	void *end = peer->attach(run->channel, sends);

	pthread_barrier_wait(&run->start);
	side->began = now_ns();
	side->ended = side->began;
	if (sends) {
		peer->send(end, side);
		side->ended = now_ns();
	} else {
		peer->receive(end, side);
	}
	sem_post(&run->done);
	pthread_barrier_wait(&run->leave);
	peer->detach(end);
}

static void *side_thread(void *arg)
{
	struct start *start = arg;

	side_run(start->run, start->index);
	free(start);
	return NULL;
}

static void side_start(struct run *run, unsigned int index)
{
	struct start *start;
	pid_t pid;

	if (run->peer->threads) {
		start = alloc(sizeof(*start));
		*start = (struct start){ run, index };
		errno = pthread_create(&run->thread[index], NULL, side_thread,
				       start);
		if (errno)
			die_errno("pthread_create");
		return;
	}
	pid = fork_flushed();
	if (!pid) {
		side_run(run, index);
		_exit(0);
	}
	run->pid[index] = pid;
}

static void side_join(struct run *run, unsigned int index)
{
	if (run->peer->threads)
		pthread_join(run->thread[index], NULL);
	else
		child_wait(run->pid[index]);
}

/* Shares of the items that differ by one bulk at most. */
static void sides_plan(struct run *run, uint64_t items)
{
	const struct load *load = run->load;
	unsigned int i;

	run->count = load->producers + load->consumers;
	for (i = 0; i < run->count; i++) {
		run->side[i].bulk = load->bulk;
		run->side[i].work = load->work;
		run->side[i].first = (uint64_t)(i + 1) << 40;
		run->side[i].items = items / load->producers;
		run->side[i].stamp_every = items / 256 / load->consumers + 1;
	}
}

static void barrier_init(pthread_barrier_t *barrier, unsigned int count)
{
	pthread_barrierattr_t attr;

	pthread_barrierattr_init(&attr);
	pthread_barrierattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	pthread_barrier_init(barrier, &attr, count);
}

static struct run *run_create(const struct task *task)
{
	struct run *run = shared_alloc(sizeof(*run));

	run->peer = task->peer;
	run->load = task->load;
	run->channel = task->channel[0];
	sides_plan(run, task->items);
	barrier_init(&run->start, run->count);
	barrier_init(&run->leave, run->count);
	sem_init(&run->done, 1, 0);
	return run;
}

static void run_destroy(struct run *run)
{
	sem_destroy(&run->done);
	shared_free(run, sizeof(*run));
}

/* Until one more side has finished. */
static void side_await(struct run *run)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += PATIENCE_S;
	while (sem_timedwait(&run->done, &until))
		if (errno != EINTR) {
			fprintf(stderr, "%s: ", run->peer->name);
			die("a producer or a consumer does not end");
		}
}

static uint64_t run_received(const struct run *run)
{
	uint64_t count = 0;
	unsigned int i;

	for (i = run->load->producers; i < run->count; i++)
		count += __atomic_load_n(&run->side[i].count, __ATOMIC_RELAXED);
	return count;
}

static void items_await(const struct run *run, uint64_t items)
{
	uint64_t until = now_ns() + PATIENCE_S * 1000000000ull;

	while (run_received(run) != items) {
		if (now_ns() > until) {
			fprintf(stderr, "%s: %llu of %llu items: ",
				run->peer->name,
				(unsigned long long)run_received(run),
				(unsigned long long)items);
			die("not as many items come as were sent");
		}
		sleep_us(100);
	}
}

static void sides_finish(struct run *run, uint64_t items)
{
	unsigned int i;
	void *end;

	for (i = 0; i < run->load->producers; i++)
		side_await(run);
	items_await(run, items);
	end = run->peer->attach(run->channel, true);
	for (i = 0; i < run->load->consumers; i++) {
		run->peer->put(end, LAST);
		side_await(run);
	}
	run->peer->detach(end);
	for (i = 0; i < run->count; i++)
		side_join(run, i);
}

/* From the first one's beginning to when the last one was last seen busy. */
static struct outcome run_outcome(const struct run *run, uint64_t items)
{
	uint64_t began = UINT64_MAX, ended = 0, sums[2] = { 0, 0 };
	uint64_t least = UINT64_MAX, most = 0;
	const struct side *side;
	unsigned int i;

	for (i = 0; i < run->count; i++) {
		side = &run->side[i];
		began = side->began < began ? side->began : began;
		ended = side->ended > ended ? side->ended : ended;
		sums[side_sends(run, i)] += side->sum;
		if (side_sends(run, i))
			continue;
		least = side->count < least ? side->count : least;
		most = side->count > most ? side->count : most;
	}
	if (sums[false] != sums[true]) {
		fprintf(stderr, "%s: ", run->peer->name);
		die("what came is not what went");
	}
	return (struct outcome){
		.ns = (double)(ended - began) / items,
		.spread = (double)most / (least ? least : 1),
	};
}

struct outcome stream_round(struct task *task)
{
	uint64_t unit = (uint64_t)task->load->producers * task->load->bulk;
	struct outcome outcome;
	struct run *run;
	unsigned int i;

	task->items = (task->items + unit - 1) / unit * unit;
	run = run_create(task);
	for (i = 0; i < run->count; i++)
		side_start(run, i);
	sides_finish(run, task->items);
	outcome = run_outcome(run, task->items);
	run_destroy(run);
	return outcome;
}
