/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What kmod/lease.c needs of the kernel beside ../segment/shim.h: types that are
 * only passed on, and nothing of what interrupts a thread.
 */
#ifndef LEASE_SHIM_H
#define LEASE_SHIM_H

#include "../segment/shim.h"

typedef u32 __u32;
typedef s32 __s32;
typedef u64 __u64;

struct file;
struct page;

typedef struct poll_table_struct poll_table;
typedef unsigned int __poll_t;
typedef struct { int unused; } wait_queue_head_t;
typedef struct { int unused; } spinlock_t;

struct xarray {
	int unused;
};

struct rcu_work {
	int unused;
};

#define test_and_set_bit_lock(n, p) test_and_set_bit(n, p)
#define preempt_disable() shim_pause()
#define preempt_enable() shim_pause()
#define cpu_relax() shim_pause()
#define need_resched() true
#define local_clock() ((u64)0)
#define atomic_dec(v) ((void)atomic_add_return(-1, v))
#define rcu_dereference(p) (p)

#endif /* LEASE_SHIM_H */
