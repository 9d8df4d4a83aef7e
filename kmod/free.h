/* SPDX-License-Identifier: GPL-2.0 */
#ifndef MPMC_FREE_H
#define MPMC_FREE_H

#include <linux/workqueue.h>

int mpmc_free_init(void);
void mpmc_free_exit(void);
void mpmc_free_later(struct rcu_work *work);

#endif /* MPMC_FREE_H */
