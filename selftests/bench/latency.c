// SPDX-License-Identifier: GPL-2.0
/*
 * Latency: an item goes to somebody else and comes back. Whoever waits does it
 * as it always does: some look for a while before they sleep, others can't
 */
#include <errno.h>
#include <pthread.h>
#include <unistd.h>

#include "bench.h"

#define SAMPLES_MAX 8192

/* Each one's two ends are attached by whoever uses them. */
struct pair {
	const struct peer *peer;
	void *there;
	void *back;
};

static void *echo(void *arg)
{
	struct pair *pair = arg;
	const struct peer *peer = pair->peer;
	void *from = peer->attach(pair->there, false);
	void *to = peer->attach(pair->back, true);
	uint64_t item;

	do {
		item = peer->get(from);
		peer->put(to, item);
	} while (item != LAST);
	peer->detach(from);
	peer->detach(to);
	return NULL;
}

static void exchange(const struct peer *peer, void *to, void *from,
		     uint64_t item)
{
	peer->put(to, item);
	if (peer->get(from) != item)
		die("what came back is not what went");
}

static struct outcome samples_take(struct pair *pair, unsigned int count)
{
	static double samples[SAMPLES_MAX];
	void *to = pair->peer->attach(pair->there, true);
	void *from = pair->peer->attach(pair->back, false);
	struct outcome outcome;
	uint64_t before, after;
	unsigned int i;

	/* When the first ones are back, the other one is up and warm. */
	for (i = 0; i < 16; i++)
		exchange(pair->peer, to, from, i);
	before = now_ns();
	for (i = 0; i < count; i++) {
		exchange(pair->peer, to, from, i);
		after = now_ns();
		samples[i] = after - before;
		before = after;
	}
	exchange(pair->peer, to, from, LAST);
	pair->peer->detach(to);
	pair->peer->detach(from);
	outcome.ns = stats_quantile(samples, count, 0.5);
	outcome.spread = stats_quantile(samples, count, 0.99);
	return outcome;
}

static struct outcome pair_run(struct pair *pair, unsigned int count)
{
	struct outcome outcome;
	pthread_t thread;
	int pid;

	if (pair->peer->threads) {
		errno = pthread_create(&thread, NULL, echo, pair);
		if (errno)
			die_errno("pthread_create");
		outcome = samples_take(pair, count);
		pthread_join(thread, NULL);
		return outcome;
	}
	pid = fork_flushed();
	if (!pid) {
		echo(pair);
		_exit(0);
	}
	outcome = samples_take(pair, count);
	child_wait(pid);
	return outcome;
}

struct outcome latency_round(struct task *task)
{
	struct pair pair = {
		.peer = task->peer,
		.there = task->channel[0],
		.back = task->channel[1],
	};

	if (task->items > SAMPLES_MAX)
		task->items = SAMPLES_MAX;
	return pair_run(&pair, task->items);
}
