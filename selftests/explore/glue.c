// SPDX-License-Identifier: GPL-2.0
/*
 * What the core calls of the rest of kmod/ that is not built here: pages that
 * are mapped, dead letters, and freeing tokens by a work
 */
#include "../../kmod/dead.h"
#include "../../kmod/free.h"
#include "../../kmod/pages.h"

int mpmc_pages_init(struct mpmc_pages *pages, size_t data)
{
	pages->base = kernel_alloc(MPMC_PAGE_DATA * PAGE_SIZE + data, PAGE_SIZE,
				   true);
	return 0;
}

void mpmc_pages_free(struct mpmc_pages *pages)
{
	kernel_free(pages->base);
}

unsigned int mpmc_dead_bury(struct mpmc_queue *queue, u64 *items,
			    u32 *deliveries, unsigned int count)
{
	(void)queue;
	(void)items;
	(void)deliveries;
	return count;
}

static void work_run(void *work)
{
	((struct rcu_work *)work)->work.fn(work);
}

void mpmc_free_later(struct rcu_work *work)
{
	kernel_rcu_call(work, work_run);
}
