/* SPDX-License-Identifier: GPL-2.0 */
#ifndef EXPLORE_POLLER_H
#define EXPLORE_POLLER_H

#include "shim.h"

struct poller;

struct poller_entry {
	struct wait_queue_entry entry;
	struct poller *poller;
};

/**
 * struct poller - who polls
 * @table: given to what is polled, the first time
 * @entry: in its wait queues
 * @entries: how many
 * @mask: what is polled for
 * @triggered: something has happened since it looked last
 */
struct poller {
	poll_table table;
	struct poller_entry entry[2];
	unsigned int entries;
	unsigned int mask;
	unsigned int triggered;
};

/*
 * Waits until the queue says any of it, or EPOLLHUP; what it says. As poll() it
 * enters first, but only once until poller_end(), as an epoll does.
 */
unsigned int poller_wait(struct poller *poller, struct mpmc_queue *queue,
			 unsigned int mask);
void poller_end(struct poller *poller);

#endif /* EXPLORE_POLLER_H */
