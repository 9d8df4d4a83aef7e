/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What kmod/lease.c needs of the kernel beside ../segment/shim.h: types that are
 * only passed on, and nothing of what interrupts a thread.
 */
#ifndef LEASE_SHIM_H
#define LEASE_SHIM_H

#include "../segment/shim.h"

typedef uint8_t __u8;
typedef u32 __u32;
typedef s32 __s32;
typedef u64 __u64;

struct file;
struct page;
struct task_struct;

typedef struct poll_table_struct poll_table;
typedef unsigned int __poll_t;
typedef struct { int counter; } refcount_t;
typedef struct { int unused; } wait_queue_head_t;
typedef struct { int unused; } spinlock_t;

struct hlist_head {
	int unused;
};

struct xarray {
	int unused;
};

struct rcu_work {
	int unused;
};

/* What is counted for those who look on is of no concern here. */
#define MPMC_COUNTERS_H
#define __percpu
#define mpmc_count(queue, counter, n) ((void)0)

#define test_and_set_bit_lock(n, p) test_and_set_bit(n, p)
#define preempt_disable() shim_pause()
#define preempt_enable() shim_pause()
#define cpu_relax() shim_pause()
#define need_resched() true
#define local_clock() ((u64)0)
#define atomic_dec_return(v) atomic_add_return(-1, v)
#define atomic_dec(v) ((void)atomic_dec_return(v))
#define atomic_inc(v) ((void)atomic_inc_return(v))
#define atomic_try_cmpxchg(v, old, new) \
	(shim_pause(), __atomic_compare_exchange_n(&(v)->counter, old, new, false, \
				    __ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
#define try_cmpxchg(p, old, new) \
	(shim_pause(), __atomic_compare_exchange_n(p, old, new, false, \
				    __ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
#define container_of(p, type, member) \
	((type *)((char *)(p) - offsetof(type, member)))
#define min3(a, b, c) min(min(a, b), c)

#define rcu_dereference(p) (p)
#define rcu_dereference_raw(p) (p)

#define __GFP_NORETRY 0
#define __GFP_NOWARN 0
#define kmalloc(size, gfp) lease_kmalloc(size)
#define kfree_rcu(p, member) free(p)

/* Fails when the input says so. */
void *lease_kmalloc(size_t size);

#endif /* LEASE_SHIM_H */
