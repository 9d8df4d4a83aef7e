// SPDX-License-Identifier: GPL-2.0
/*
 * Cases of polls: who polls is told of what calls and the owners of mapped rings
 * do. One that is not told waits for ever.
 */
#include "../../kmod/producer.h"
#include "case.h"
#include "case_common.h"
#include "poller.h"

#define STEPS 1500

static void poll_items(struct poller *poller)
{
	unsigned int events = poller_wait(poller, queue, MPMC_POLL_IN);

	if (!(events & EPOLLIN))
		explore_fail("polled for items, and got %#x", events);
}

/* Takes so many, all of which there is nobody else to take. */
static void poll_for(unsigned int count, bool stay)
{
	struct poller poller = {};

	while (count--) {
		poll_items(&poller);
		if (queue_take())
			explore_fail("told of an item, and there is none");
		if (!stay)
			poller_end(&poller);
	}
	poller_end(&poller);
}

/* --- Items --- */

static void put_setup(void)
{
	queue_setup(2);
}

static void put_run(unsigned int thread)
{
	if (thread == 1)
		queue_put();
	else
		poll_for(1, false);
}

const struct explore_case case_poll_put = {
	.name = "poll-put",
	.what = "a call puts, another one polls",
	.threads = 2,
	.setup = put_setup,
	.run = put_run,
	.check = queue_check,
	.quick = { 3, 2, STEPS, 20 },
	.full = { 5, 3, STEPS, 120 },
};

static void armed_setup(void)
{
	queue_setup(4);
	queue_setup_producer(2);
}

static void hot_setup(void)
{
	armed_setup();
	queue_word_set(&words->readers, 0);
}

static void store_run(unsigned int thread)
{
	if (thread == 1)
		queue_store(1);
	else
		poll_for(1, false);
}

const struct explore_case case_poll_armed = {
	.name = "poll-armed",
	.what = "an owner stores, another one polls",
	.threads = 2,
	.setup = armed_setup,
	.run = store_run,
	.check = queue_check,
	.quick = { 3, 2, STEPS, 20 },
	.full = { 5, 3, STEPS, 120 },
};
const struct explore_case case_poll_hot = {
	.name = "poll-hot",
	.what = "the same where the queue is hot",
	.threads = 2,
	.setup = hot_setup,
	.run = store_run,
	.check = queue_check,
	.quick = { 3, 2, STEPS, 20 },
	.full = { 5, 3, STEPS, 120 },
};

/* Somebody has polled, and gone: that is found out, while another one comes. */
static void left_setup(void)
{
	armed_setup();
	mpmc_sleepers_poll(&queue->read_sleepers);
}

static void left_run(unsigned int thread)
{
	if (thread == 1) {
		queue_store(1);
		queue_store(2);
	} else {
		poll_for(2, false);
	}
}

static void stay_run(unsigned int thread)
{
	if (thread == 1) {
		queue_store(1);
		queue_store(2);
	} else {
		poll_for(2, true);
	}
}

const struct explore_case case_poll_left = {
	.name = "poll-left",
	.what = "an owner stores two, another one polls for each",
	.threads = 2,
	.setup = left_setup,
	.run = left_run,
	.check = queue_check,
	.quick = { 2, 1, STEPS, 20 },
	.full = { 4, 2, STEPS, 120 },
};
const struct explore_case case_poll_stay = {
	.name = "poll-stay",
	.what = "the same, and it stays in the queue, as an epoll does",
	.threads = 2,
	.setup = left_setup,
	.run = stay_run,
	.check = queue_check,
	.quick = { 2, 1, STEPS, 20 },
	.full = { 4, 2, STEPS, 120 },
};

/*
 * Whom the owner calls the kernel for has gone, with the item. Another one comes just
 * then, who is to be told of the next item.
 */
static void again_run(unsigned int thread)
{
	if (thread == 1) {
		mpmc_producer_kick(producer, 1);
		queue_store(1);
	} else {
		poll_for(1, false);
	}
}

const struct explore_case case_poll_again = {
	.name = "poll-again",
	.what = "an owner kicks for one who has gone and stores, another one polls",
	.threads = 2,
	.setup = left_setup,
	.run = again_run,
	.check = queue_check,
	.quick = { 2, 2, STEPS, 20 },
	.full = { 4, 3, STEPS, 120 },
};

/* --- Room --- */

static void commit_setup(void)
{
	queue_lease_setup(1, 1);
}

static void commit_hot_setup(void)
{
	commit_setup();
	queue_word_set(&words->writers, 0);
}

static void commit_run(unsigned int thread)
{
	struct poller poller = {};

	if (thread == 1) {
		queue_commit();
		return;
	}
	if (!(poller_wait(&poller, queue, MPMC_POLL_OUT) & EPOLLOUT))
		explore_fail("polled for room, and was told of none");
	if (queue_put())
		explore_fail("told of room, and there is none");
	poller_end(&poller);
}

const struct explore_case case_poll_commit = {
	.name = "poll-commit",
	.what = "the owner of a lease commits, another one polls for room",
	.threads = 2,
	.setup = commit_setup,
	.run = commit_run,
	.check = queue_check,
	.quick = { 2, 2, STEPS, 20 },
	.full = { 4, 3, STEPS, 120 },
};
const struct explore_case case_poll_commit_hot = {
	.name = "poll-commit-hot",
	.what = "the same where the queue is hot",
	.threads = 2,
	.setup = commit_hot_setup,
	.run = commit_run,
	.check = queue_check,
	.quick = { 2, 2, STEPS, 20 },
	.full = { 4, 3, STEPS, 120 },
};

/* --- The end --- */

/* Of one that both puts and takes, or takes alone. */
static void poll_to_the_end(unsigned int mask)
{
	struct poller poller = {};
	unsigned int events;

	do {
		events = poller_wait(&poller, queue, mask);
		if (events & EPOLLIN)
			queue_take();
	} while (!(events & EPOLLHUP));
	poller_end(&poller);
}

static void shutdown_run(unsigned int thread)
{
	if (thread == 1)
		mpmc_queue_shutdown(queue);
	else
		poll_to_the_end(MPMC_POLL_IN);
}

const struct explore_case case_poll_shutdown = {
	.name = "poll-shutdown",
	.what = "the queue ends, and one polls for that",
	.threads = 2,
	.setup = put_setup,
	.run = shutdown_run,
	.check = queue_end_check,
	.quick = { 3, 2, STEPS, 20 },
	.full = { 5, 3, STEPS, 120 },
};

/* The end comes when the last lease ends. */
static void drain_run(unsigned int thread)
{
	if (thread == 1)
		queue_commit();
	else if (thread == 2)
		poll_to_the_end(MPMC_POLL_IN);
	else
		mpmc_queue_shutdown(queue);
}

const struct explore_case case_poll_drain = {
	.name = "poll-drain",
	.what = "the last lease is finished with, one polls for the end",
	.threads = 3,
	.setup = commit_hot_setup,
	.run = drain_run,
	.check = queue_end_check,
	.quick = { 1, 1, STEPS, 20 },
	.full = { 2, 1, STEPS, 120 },
};
