// SPDX-License-Identifier: GPL-2.0
/*
 * Freeing tokens that others may still look at
 */
#include "free.h"

static struct workqueue_struct *free_queue;

/**
 * mpmc_free_init() - set up what frees tokens
 *
 * Context: process; may sleep.
 * Return: 0 or -ENOMEM.
 */
int mpmc_free_init(void)
{
	free_queue = alloc_workqueue("mpmc_free", WQ_UNBOUND, 0);
	return free_queue ? 0 : -ENOMEM;
}

/**
 * mpmc_free_exit() - wait until the last token is freed
 *
 * Context: process; sleeps.
 */
void mpmc_free_exit(void)
{
	/* Works are queued by RCU callbacks. */
	rcu_barrier();
	destroy_workqueue(free_queue);
}

/**
 * mpmc_free_later() - free a token after an RCU grace period
 * @work: the token's, which does it
 *
 * Context: any.
 */
void mpmc_free_later(struct rcu_work *work)
{
	queue_rcu_work(free_queue, work);
}
