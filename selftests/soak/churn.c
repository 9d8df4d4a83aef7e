// SPDX-License-Identifier: GPL-2.0
/*
 * Churners: processes that make queues, use them a little, and destroy them
 *
 * Each as a user of its own; and each is killed at random. Every other one may be
 * killed for its memory as well, and the others are told that there is none.
 */
#include <grp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "soak.h"

#define FIRST_USER 2000
#define ITEMS 512

struct churner {
	pid_t pid;
	uint32_t number;
};

static struct churner churners[CHURNERS];

uid_t churn_user(int churner)
{
	return FIRST_USER + churner;
}

/* --- One queue --- */

/**
 * struct queue - a queue, and what its maker knows about it
 * @soak: where faults and sums go
 * @seed: of everything
 * @queue: it; or NULL, there was no memory
 * @opts: what it is like
 * @dead: the queue for its dead letters, if it has one
 * @producer: @consumer: tokens, if it has them
 * @put: how many items were put: 1, 2, ...
 * @taken: how many of them were taken again
 */
struct queue {
	struct soak *soak;
	uint64_t *seed;
	struct mpmc_queue *queue;
	struct mpmc_queue_opts opts;
	struct mpmc_queue *dead;
	struct mpmc_producer *producer;
	struct mpmc_consumer *consumer;
	uint64_t put;
	uint64_t taken;
};

/* Whether it worked: it need not, without memory, but nothing else may be. */
static bool worked(struct queue *queue, int ret, const char *what)
{
	if (ret == -ENOMEM)
		queue->soak->churn_no_memory++;
	else if (ret < 0)
		soak_fault(queue->soak, "churning: %s: %d", what, ret);
	return ret >= 0;
}

static void queue_make(struct queue *queue)
{
	struct mpmc_queue_opts *opts = &queue->opts;
	uint64_t *seed = queue->seed;

	opts->capacity = ITEMS + random_below(seed, 20000);
	opts->segments = random_below(seed, 3);
	if (!random_below(seed, 4)) {
		opts->flags = MPMC_QUEUE_DELIVERIES;
		opts->max_deliveries = 2;
		if (!worked(queue, mpmc_queue_create(&queue->dead, NULL),
			    "making a queue for dead letters"))
			return;
		opts->dead_letter = queue->dead;
	}
	worked(queue, mpmc_queue_create(&queue->queue, opts), "making a queue");
}

static void queue_make_tokens(struct queue *queue)
{
	uint64_t *seed = queue->seed;
	struct mpmc_token_opts opts = {
		.ring_entries = random_below(seed, 300),
		.flags = random_below(seed, 4),
	};

	if (random_below(seed, 2))
		worked(queue, mpmc_producer_create(&queue->producer,
						   queue->queue, &opts),
		       "making a producer");
	if (random_below(seed, 2))
		worked(queue, mpmc_consumer_create(&queue->consumer,
						   queue->queue, &opts),
		       "making a consumer");
}

static void queue_fill(struct queue *queue)
{
	uint64_t items[ITEMS];
	size_t n = 1 + random_below(queue->seed, ITEMS), i;
	int ret;

	for (i = 0; i < n; i++)
		items[i] = i + 1;
	if (queue->producer)
		ret = mpmc_producer_try_enqueue_bulk(queue->producer, items, n);
	else
		ret = mpmc_try_enqueue_bulk(queue->queue, items, n);
	if (worked(queue, ret, "putting items"))
		queue->put = n;
}

static ssize_t queue_take(struct queue *queue, uint64_t *items, size_t max)
{
	const struct timespec none = { 0 };

	if (!queue->consumer)
		return mpmc_try_dequeue_bulk(queue->queue, items, max);
	if (random_below(queue->seed, 2))
		return mpmc_consumer_try_dequeue_bulk(queue->consumer, items,
						      max);
	return mpmc_consumer_dequeue_bulk_wait(queue->consumer, items, max,
					       &none);
}

/*
 * One producer: in order. Not to have had memory for looking is not to have found
 * nothing; but it may not be for long, and then the rest stays where it is.
 */
static void queue_drain(struct queue *queue)
{
	uint32_t patience = 1000;
	uint64_t items[64];
	ssize_t n, i;

	do {
		n = queue_take(queue, items, 1 + random_below(queue->seed, 64));
		for (i = 0; i < n; i++)
			if (items[i] != ++queue->taken)
				soak_fault(queue->soak,
					   "churning: item %llu, should be %llu",
					   (unsigned long long)items[i],
					   (unsigned long long)queue->taken);
		if (n < 0 && !worked(queue, n, "taking items"))
			nap(NSEC_PER_MSEC);
	} while (n > 0 || (n == -ENOMEM && --patience));
	if (!n && queue->taken != queue->put)
		soak_fault(queue->soak, "churning: %llu of %llu items taken",
			   (unsigned long long)queue->taken,
			   (unsigned long long)queue->put);
}

/* Somebody else sleeps on it, and dies so, or by the shutdown. */
static void queue_share(struct queue *queue)
{
	uint64_t item;
	pid_t parent = getpid(), pid = fork();

	if (pid < 0)
		return;
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() == parent)
			mpmc_dequeue_wait(queue->queue, &item, NULL);
		_exit(0);
	}
	nap(random_below(queue->seed, 2000) * NSEC_PER_USEC);
	if (random_below(queue->seed, 2))
		kill(pid, SIGKILL);
	else
		mpmc_shutdown(queue->queue);
	waitpid(pid, NULL, 0);
}

static void queue_destroy(struct queue *queue)
{
	mpmc_producer_destroy(queue->producer);
	mpmc_consumer_destroy(queue->consumer);
	mpmc_queue_destroy(queue->dead);
	if (queue->queue)
		queue->soak->churned++;
	queue->soak->churn_items += queue->taken;
	mpmc_queue_destroy(queue->queue);
}

static void churn(struct soak *soak, uint64_t *seed)
{
	struct queue queue = { .soak = soak, .seed = seed };

	queue_make(&queue);
	if (queue.queue) {
		queue_make_tokens(&queue);
		queue_fill(&queue);
		/* Some are destroyed with what is in them. */
		if (random_below(seed, 4))
			queue_drain(&queue);
		if (queue.taken == queue.put && !random_below(seed, 4))
			queue_share(&queue);
	}
	queue_destroy(&queue);
}

/* --- The churners --- */

/* Which takes memory, and there may be none just now. */
static void churner_become(uid_t uid)
{
	while (setgroups(0, NULL) || setresuid(uid, uid, uid)) {
		must(errno == ENOMEM);
		nap(NSEC_PER_MSEC);
	}
	/* To become somebody else takes that back. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
}

static _Noreturn void churner_run(struct soak *soak, int i, uint64_t seed)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (churners[i].number % 2)
		must(file_write("/proc/self/oom_score_adj", "-1000"));
	group_enter(GROUP_CHURN);
	churner_become(churn_user(i));
	while (!soak->churn_end) {
		churn(soak, &seed);
		nap(random_below(&seed, 20) * NSEC_PER_MSEC);
	}
	_exit(0);
}

static void churner_start(struct soak *soak, int i, uint64_t seed)
{
	struct churner *churner = &churners[i];
	pid_t pid = fork();

	must(pid >= 0);
	churner->number++;
	if (!pid)
		churner_run(soak, i, random_branch(seed + i, churner->number));
	churner->pid = pid;
}

void churn_begin(struct soak *soak, uint64_t seed)
{
	int i;

	soak->churn_end = false;
	for (i = 0; i < CHURNERS; i++)
		churner_start(soak, i, seed);
}

static bool churner_gone(struct soak *soak, struct churner *churner)
{
	int status;

	if (waitpid(churner->pid, &status, WNOHANG) != churner->pid)
		return false;
	churner->pid = 0;
	soak->churn_kills += WIFSIGNALED(status);
	/* By itself; killed, by us or for its memory; or something was wrong. */
	if (status && !(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL))
		soak_fault(soak, "a churner ended with status %#x", status);
	return true;
}

/* Kill one now and then, and replace who has gone. */
void churn_tend(struct soak *soak, uint64_t *seed)
{
	int i;

	i = random_below(seed, 3 * CHURNERS);
	if (i < CHURNERS)
		must(kill(churners[i].pid, SIGKILL) == 0);
	for (i = 0; i < CHURNERS; i++)
		if (churner_gone(soak, &churners[i]))
			churner_start(soak, i, random_next(seed));
}

/* All end by themselves. */
void churn_stop(struct soak *soak)
{
	uint64_t end = now_ns() + PATIENCE_NS;
	int i;

	soak->churn_end = true;
	for (i = 0; i < CHURNERS; i++) {
		while (!churner_gone(soak, &churners[i]) && now_ns() < end)
			nap(NSEC_PER_MSEC);
		if (!churners[i].pid)
			continue;
		soak_fault(soak, "a churner does not end");
		kill(churners[i].pid, SIGKILL);
		waitpid(churners[i].pid, NULL, 0);
		churners[i].pid = 0;
	}
}
