/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What kmod/'s core needs of the kernel, for the explorer: the atomics of the
 * segment's shim, which the compiler turns into calls of runtime.c; and memory,
 * RCU, locks, wait queues and the like, of which kernel.c has the larger part.
 */
#ifndef EXPLORE_SHIM_H
#define EXPLORE_SHIM_H

#include "../segment/shim.h"

#include <linux/types.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

#include "kernel.h"

/* What is counted for those who look on is of no concern here. */
#define MPMC_COUNTERS_H
#define __percpu
#define mpmc_count(queue, counter, n) ((void)0)
#define mpmc_count_gone(queue, n) ((void)0)

/* iouring.h is as <linux/io_uring/cmd.h> was when it came. */
#define MPMC_HAVE_URING_HEADER
#define CONFIG_IO_URING 1
#define IS_ENABLED(option) option

typedef uint16_t u16;
typedef unsigned int __poll_t;
typedef unsigned int gfp_t;
typedef unsigned int fmode_t;
typedef s64 ktime_t;
typedef struct { int counter; } refcount_t;

/* Small, so that few steps come to the end of a block, and of its life. */
#define MPMC_BLOCK_SLOTS 2
#define MPMC_BLOCK_GENERATIONS 4
#define MPMC_MAX_TOKENS 3

#define noinline __attribute__((noinline))
#define __user
#define container_of(p, type, member) \
	((type *)((char *)(p) - offsetof(type, member)))
#define struct_size(p, member, n) \
	(sizeof(*(p)) + (n) * sizeof((p)->member[0]))
#define min3(a, b, c) min(min(a, b), c)
#define clamp_t(type, value, low, high) \
	min_t(type, max_t(type, value, low), high)
#define upper_32_bits(n) ((u32)((u64)(n) >> 32))
#define lower_32_bits(n) ((u32)(n))
#define BUILD_BUG_ON(condition) _Static_assert(!(condition), #condition)
#define ERR_PTR(error) ((void *)(long)(error))
#define IS_ERR(p) ((unsigned long)(p) >= (unsigned long)-4095)
#define ERESTARTSYS 512
#define EIOCBQUEUED 529
#define GENMASK(high, low) ((~0UL << (low)) & (~0UL >> (63 - (high))))

/* --- Atomics that the segment's shim has not --- */

#define RMW(v, op, i, order) \
	__atomic_##op(&(v)->counter, i, __ATOMIC_##order)
#define TRY(v, old, new, order) \
	__atomic_compare_exchange_n(&(v)->counter, old, new, false, \
				    __ATOMIC_##order, __ATOMIC_RELAXED)
#define CMPXCHG(p, old, new, order) ({ \
	__typeof__(*(p)) __was = (old); \
	\
	__atomic_compare_exchange_n(p, &__was, new, false, __ATOMIC_##order, \
				    __ATOMIC_RELAXED); \
	__was; \
})

#define atomic_inc(v) ((void)RMW(v, fetch_add, 1, RELAXED))
#define atomic_dec_and_test(v) (RMW(v, fetch_sub, 1, SEQ_CST) == 1)
#define atomic_dec(v) ((void)RMW(v, fetch_sub, 1, RELAXED))
#define atomic_add(i, v) ((void)RMW(v, fetch_add, i, RELAXED))
#define atomic_or(i, v) ((void)RMW(v, fetch_or, i, RELAXED))
#define atomic_fetch_or(i, v) RMW(v, fetch_or, i, SEQ_CST)
#define atomic_xchg(v, new) RMW(v, exchange_n, new, SEQ_CST)
#define atomic_fetch_andnot(i, v) RMW(v, fetch_and, ~(i), SEQ_CST)
#define atomic_cmpxchg(v, old, new) CMPXCHG(&(v)->counter, old, new, SEQ_CST)
#define atomic_try_cmpxchg(v, old, new) TRY(v, old, new, SEQ_CST)
#define atomic64_inc(v) ((void)RMW(v, fetch_add, 1, RELAXED))
#define atomic64_cmpxchg_relaxed(v, old, new) \
	CMPXCHG(&(v)->counter, old, new, RELAXED)
#define try_cmpxchg(p, old, new) \
	__atomic_compare_exchange_n(p, old, new, false, __ATOMIC_SEQ_CST, \
				    __ATOMIC_RELAXED)
#define test_and_set_bit_lock(n, p) \
	(!!(__atomic_fetch_or(BIT_LONG(n, p), BIT_MASK(n), __ATOMIC_ACQUIRE) & \
	    BIT_MASK(n)))
#define smp_wmb() __atomic_thread_fence(__ATOMIC_RELEASE)

/* What mutants use in place of what is ordered. */
#define atomic_add_return_relaxed(i, v) \
	(RMW(v, fetch_add, i, RELAXED) + (i))
#define atomic_inc_return_relaxed(v) atomic_add_return_relaxed(1, v)
#define atomic64_add_return_relaxed(i, v) \
	(RMW(v, fetch_add, i, RELAXED) + (i))
#define atomic_fetch_or_relaxed(i, v) RMW(v, fetch_or, i, RELAXED)
#define atomic_xchg_relaxed(v, new) RMW(v, exchange_n, new, RELAXED)
#define atomic64_fetch_or_relaxed(i, v) RMW(v, fetch_or, i, RELAXED)
#define atomic_fetch_andnot_relaxed(i, v) RMW(v, fetch_and, ~(i), RELAXED)
#define atomic64_try_cmpxchg_relaxed(v, old, new) TRY(v, old, new, RELAXED)
#define atomic_long_try_cmpxchg_relaxed(v, old, new) TRY(v, old, new, RELAXED)
#define atomic_long_cmpxchg_relaxed(v, old, new) \
	CMPXCHG(&(v)->counter, old, new, RELAXED)
#define atomic_cmpxchg_relaxed(v, old, new) \
	CMPXCHG(&(v)->counter, old, new, RELAXED)
#define cmpxchg_relaxed(p, old, new) CMPXCHG(p, old, new, RELAXED)
#define xchg_relaxed(p, new) __atomic_exchange_n(p, new, __ATOMIC_RELAXED)
#define try_cmpxchg_relaxed(p, old, new) \
	__atomic_compare_exchange_n(p, old, new, false, __ATOMIC_RELAXED, \
				    __ATOMIC_RELAXED)
#define test_and_set_bit_relaxed(n, p) \
	(!!(__atomic_fetch_or(BIT_LONG(n, p), BIT_MASK(n), __ATOMIC_RELAXED) & \
	    BIT_MASK(n)))

/* --- Memory and RCU --- */

#define GFP_KERNEL 0
#define GFP_NOWAIT 0
#define __GFP_ACCOUNT 0
#define __GFP_NOFAIL 0
#define __GFP_NORETRY 0
#define __GFP_NOWARN 0
#define __GFP_ZERO 0

#undef kcalloc
#undef kfree
#undef bitmap_zalloc
#undef bitmap_free
#define kcalloc(n, size, gfp) kernel_alloc((n) * (size), 64, true)
#define kzalloc(size, gfp) kernel_alloc(size, 64, true)

/* Nor is who pays for it. */
struct mem_cgroup;
#define get_mem_cgroup_from_mm(mm) ((struct mem_cgroup *)NULL)
#define mem_cgroup_put(memcg) ((void)(memcg))

static inline struct mem_cgroup *set_active_memcg(struct mem_cgroup *memcg)
{
	return memcg;
}
#define kmalloc(size, gfp) kernel_kmalloc(size)
#define kvmalloc(size, gfp) kernel_alloc(size, 64, false)
#define kvcalloc(n, size, gfp) kernel_alloc((n) * (size), 64, true)
#define get_zeroed_page(gfp) \
	((unsigned long)kernel_alloc(PAGE_SIZE, PAGE_SIZE, true))
#define bitmap_zalloc(n, gfp) \
	((unsigned long *)kernel_alloc(8 * BITS_TO_LONGS(n), 8, true))
#define kfree(p) kernel_free(p)
#define kvfree(p) kernel_free(p)
#define free_page(p) kernel_free((void *)(p))
#define bitmap_free(p) kernel_free(p)

#define rcu_read_lock() kernel_rcu_lock()
#define rcu_read_unlock() kernel_rcu_unlock()
#define call_rcu(head, fn) kernel_rcu_call(head, (void (*)(void *))(fn))
#define kfree_rcu(p, member) kernel_rcu_call(p, kernel_free)
#define kvfree_rcu(p, member) kernel_rcu_call(p, kernel_free)
/* The dependency orders what is read by way of it. */
#define rcu_dereference_raw(p) LOAD(&(p), ACQUIRE)

struct work_struct {
	void (*fn)(struct work_struct *work);
};

struct rcu_work {
	struct work_struct work;
};

#define to_rcu_work(w) container_of(w, struct rcu_work, work)
#define INIT_RCU_WORK(w, function) ((w)->work.fn = (function))

struct page;

#define alloc_page(gfp) \
	((struct page *)kernel_alloc(PAGE_SIZE, PAGE_SIZE, true))
#define __free_page(page) kernel_free(page)
#define page_address(page) ((void *)(page))

/* --- Locks, tasks, time --- */

typedef struct kernel_lock spinlock_t;

#define spin_lock_init(lock) ((void)(lock))
#define spin_lock(lock) kernel_lock(lock)
#define spin_unlock(lock) kernel_unlock(lock)
#define spin_lock_irq(lock) kernel_lock(lock)
#define spin_unlock_irq(lock) kernel_unlock(lock)
#define preempt_disable()
#define preempt_enable()
#define cond_resched()
#define need_resched() false
#define cpu_relax()
#define fatal_signal_pending(task) false
#define smp_call_function(fn, arg, wait) kernel_interrupt_all(fn, arg)
#define num_online_cpus() 1
#define hash_32(n, bits) ((u32)(n) * 0x80000001U)
#define reciprocal_scale(n, limit) ((u32)(((u64)(n) * (limit)) >> 32))
#define task_pid_nr(task) ((task)->pid)

#define jiffies 1000000UL
#define time_after(a, b) ((long)((b) - (a)) < 0)
#define msecs_to_jiffies(n) (n)
#define KTIME_MAX INT64_MAX
#define CLOCK_MONOTONIC 1
#define NSEC_PER_MSEC 1000000
#define ns_to_ktime(n) (n)
#define ktime_get_ns() 0ULL
#define local_clock() 0ULL
#define U32_MAX UINT32_MAX

#define module_param(name, type, mode)
#define MODULE_PARM_DESC(name, text)

#define TASK_RUNNING 0
#define TASK_INTERRUPTIBLE 1
#define TASK_NORMAL 3

/* trace.h calls it that. */
#define task_struct task

struct task {
	unsigned int state;
	unsigned int pid;
	unsigned long timer_slack_ns;
	bool signals; /* one may come */
	bool signalled;
	unsigned int flags;
	const struct mm_struct *mm;
};

#define PF_EXITING 4
#define PF_KTHREAD 0x200000

extern struct task *kernel_task(void);

#define current kernel_task()

static inline bool signal_pending(struct task *task)
{
	if (task->signals && !task->signalled)
		task->signalled = kernel_choice(2);
	return task->signalled;
}

void schedule_task(void);

#define schedule() schedule_task()
#define schedule_hrtimeout_range(expires, slack, mode) \
	((void)(expires), schedule_task(), 1)

/* --- Timers --- */

enum hrtimer_mode { HRTIMER_MODE_ABS };
enum hrtimer_restart { HRTIMER_NORESTART };

struct hrtimer {
	enum hrtimer_restart (*function)(struct hrtimer *timer);
};

#define hrtimer_init(timer, clock, mode) ((void)(clock), (void)(mode))
#define hrtimer_start_range_ns(timer, expires, slack, mode) \
	kernel_timer_start(timer)
#define hrtimer_cancel(timer) kernel_timer_cancel(timer)

void kernel_timer_start(struct hrtimer *timer);
void kernel_timer_cancel(struct hrtimer *timer);

/* --- Lists --- */

struct hlist_node {
	struct hlist_node *next, **pprev;
};

struct hlist_head {
	struct hlist_node *first;
};

static inline void hlist_add_head(struct hlist_node *node,
				  struct hlist_head *head)
{
	node->next = head->first;
	node->pprev = &head->first;
	if (node->next)
		node->next->pprev = &node->next;
	head->first = node;
}

static inline void hlist_del(struct hlist_node *node)
{
	*node->pprev = node->next;
	if (node->next)
		node->next->pprev = node->pprev;
}

#define hlist_for_each_entry(at, head, member) \
	for (struct hlist_node *__node = (head)->first; \
	     __node && (at = container_of(__node, __typeof__(*at), member)); \
	     __node = __node->next)

/* --- Wait queues --- */

struct wait_queue_head;

/* Of a wait queue's alone: whether it is in one, and in which. */
struct list_head {
	unsigned int queued; /* as the list is read without the lock */
	struct wait_queue_head *head;
};

struct wait_queue_entry {
	unsigned int flags;
	struct task *private;
	int (*func)(struct wait_queue_entry *entry, unsigned int mode,
		    int flags, void *key);
	struct list_head entry;
	struct wait_queue_entry *next;
};

typedef struct wait_queue_head {
	spinlock_t lock;
	unsigned int count; /* as its list head is read without the lock */
	struct wait_queue_entry *first;
} wait_queue_head_t;

#define WQ_FLAG_EXCLUSIVE 1

#define init_waitqueue_head(head) memset(head, 0, sizeof(*(head)))
#define init_waitqueue_func_entry(entry, function) \
	((entry)->flags = 0, (entry)->private = NULL, (entry)->func = (function))
#define INIT_LIST_HEAD(list) WRITE_ONCE((list)->queued, 0)
#define list_empty(list) (!READ_ONCE((list)->queued))

void init_wait(struct wait_queue_entry *entry);
bool waitqueue_active(wait_queue_head_t *head);
void __add_wait_queue_entry_tail(wait_queue_head_t *head,
				 struct wait_queue_entry *entry);
void list_del_init(struct list_head *list);
void prepare_to_wait_exclusive(wait_queue_head_t *head,
			       struct wait_queue_entry *entry,
			       unsigned int state);
void finish_wait(wait_queue_head_t *head, struct wait_queue_entry *entry);
int default_wake_function(struct wait_queue_entry *entry, unsigned int mode,
			  int sync, void *key);
int autoremove_wake_function(struct wait_queue_entry *entry, unsigned int mode,
			     int sync, void *key);
void __wake_up(wait_queue_head_t *head, unsigned int mode, int nr, void *key);

#define poll_to_key(mask) ((void *)(uintptr_t)(mask))

struct file;

typedef struct poll_table {
	void (*enter)(struct poll_table *table, wait_queue_head_t *head);
} poll_table;

static inline void poll_wait(struct file *file, wait_queue_head_t *head,
			     poll_table *table)
{
	(void)file;
	if (table && table->enter)
		table->enter(table, head);
}

/* --- XArrays: of MPMC_MAX_TOKENS entries, with one mark --- */

struct xarray {
	void *slot[MPMC_MAX_TOKENS];
	unsigned long marks;
};

#define XA_FLAGS_ALLOC 0
#define XA_FLAGS_ACCOUNT 0
#define XA_MARK_1 1
#define XA_LIMIT(from, to) 0
#define xa_init_flags(xa, flags) memset(xa, 0, sizeof(*(xa)))
#define xa_destroy(xa)

static inline void *xa_load(struct xarray *xa, unsigned long id)
{
	return id < MPMC_MAX_TOKENS ? rcu_dereference_raw(xa->slot[id]) : NULL;
}

/* Tokens are made in setup alone. */
static inline int xa_alloc(struct xarray *xa, u32 *id, void *entry, int limit,
			   int gfp)
{
	(void)limit;
	(void)gfp;
	for (*id = 0; *id < MPMC_MAX_TOKENS; ++*id) {
		if (!xa->slot[*id]) {
			smp_store_release(&xa->slot[*id], entry);
			return 0;
		}
	}
	return -EBUSY;
}

static inline void xa_erase(struct xarray *xa, unsigned long id)
{
	clear_bit(id, &xa->marks);
	smp_store_release(&xa->slot[id], NULL);
}

static inline void xa_set_mark(struct xarray *xa, unsigned long id, int mark)
{
	(void)mark;
	set_bit(id, &xa->marks);
}

static inline void *xa_from(struct xarray *xa, unsigned long *id, bool marked)
{
	void *entry;

	for (; *id < MPMC_MAX_TOKENS; ++*id) {
		if (marked && !test_bit(*id, &xa->marks))
			continue;
		entry = xa_load(xa, *id);
		if (entry)
			return entry;
	}
	return NULL;
}

#define xa_for_each(xa, id, entry) \
	for (id = 0; (entry = xa_from(xa, &id, false)); id++)
#define xa_for_each_marked(xa, id, entry, mark) \
	for (id = 0; (entry = xa_from(xa, &id, true)); id++)

#include "iouring.h"

#endif /* EXPLORE_SHIM_H */
