/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the files of kmod/ that are built here need of the kernel, for userspace: the same names on
 * the compiler's atomics. The kernel's headers that it includes are empty
 * files here, made by the Makefile.
 */
#ifndef SHIM_H
#define SHIM_H

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

typedef uint8_t u8;
typedef int32_t s32;
typedef uint32_t u32;
typedef int64_t s64;
typedef uint64_t u64;

#define PAGE_SIZE 4096UL
#define SMP_CACHE_BYTES 64
#define ____cacheline_aligned __attribute__((aligned(SMP_CACHE_BYTES)))
#define DIV_ROUND_UP(n, d) (((n) + (d) - 1) / (d))
#define BIT(n) (1UL << (n))
#define ilog2(n) (31 - __builtin_clz(n))
/* Each argument once, as in the kernel. */
#define SHIM_CHOOSE(type, a, op, b) ({ \
	type __a = (a), __b = (b); \
	\
	__a op __b ? __a : __b; \
})
#define max_t(type, a, b) SHIM_CHOOSE(type, a, >, b)
#define min_t(type, a, b) SHIM_CHOOSE(type, a, <, b)
#define max(a, b) max_t(__typeof__(a), a, b)
#define min(a, b) min_t(__typeof__(a), a, b)
#undef static_assert
#define static_assert(expr) _Static_assert(expr, #expr)

typedef struct {
	int counter;
} atomic_t;

typedef struct {
	long counter;
} atomic_long_t;

typedef struct {
	int64_t counter;
} atomic64_t;

#define GFP_KERNEL_ACCOUNT 0
#define kcalloc(n, size, gfp) shim_calloc(n, size)
#define kfree(p) free(p)

static inline void *shim_calloc(size_t n, size_t size)
{
	void *p = aligned_alloc(SMP_CACHE_BYTES, n * size);

	return p ? __builtin_memset(p, 0, n * size) : NULL;
}

#define BITS_PER_LONG 64
#define BIT_WORD(n) ((n) / BITS_PER_LONG)
#define BIT_MASK(n) (1UL << ((n) % BITS_PER_LONG))
#define BITS_TO_LONGS(n) DIV_ROUND_UP(n, BITS_PER_LONG)
#define BITMAP_FIRST_WORD_MASK(n) (~0UL << ((n) % BITS_PER_LONG))
#define __ffs(word) __builtin_ctzl(word)
#define hweight_long(word) __builtin_popcountl(word)
#define bitmap_zalloc(n, gfp) \
	((unsigned long *)calloc(BITS_TO_LONGS(n), sizeof(unsigned long)))
#define bitmap_free(p) free(p)

/* Tracepoints: they do nothing, and what they are given is not even loaded. */
#define SHIM_TRACE static inline __attribute__((always_inline))
#define TP_PROTO(args...) args
#define TP_ARGS(args...)
#define DECLARE_EVENT_CLASS(...)
#define TRACE_EVENT(name, proto, ...) \
	SHIM_TRACE bool trace_##name##_enabled(void) { return false; } \
	SHIM_TRACE void trace_##name(proto) {}
#define DEFINE_EVENT(class, name, proto, ...) TRACE_EVENT(name, TP_PROTO(proto))
#define DEFINE_EVENT_CONDITION(class, name, proto, ...) \
	TRACE_EVENT(name, TP_PROTO(proto))

struct rcu_head {
	void *pad[2];
};

/* The test's allocator keeps worn blocks to the end: no grace period at all. */
static inline void rcu_read_lock(void) {}
static inline void rcu_read_unlock(void) {}

/*
 * With SHIM_PAUSES a thread loses its CPU now and then between two steps, as if
 * it were preempted, for windows of a few instructions are hardly ever hit else.
 */
#ifdef SHIM_PAUSES
#include <sched.h>
#include <unistd.h>

static inline void shim_pause(void)
{
	static __thread unsigned int state = 1;

	state = state * 1103515245 + 12345;
	if (!(state >> 16 & 0xff))
		sched_yield();
	if (!(state >> 16 & 0x1fff))
		usleep(200);
}
#elif defined(SHIM_HOOK)
/* Whoever builds it has something to do between two steps. */
void shim_pause(void);
#else
static inline void shim_pause(void) {}
#endif

#define LOAD(p, order) __atomic_load_n(p, __ATOMIC_##order)
#define STORE(p, v, order) __atomic_store_n(p, v, __ATOMIC_##order)

#ifdef SHIM_TSAN
/*
 * ThreadSanitizer does not know fences: each is a read-modify-write of one variable
 * instead. That is more order than there is, as each comes after all before it. And
 * the kernel's compare-and-exchange is a fence to what was read before it, C's is not.
 */
int shim_fence __attribute__((weak));
#define SHIM_FENCE(order) \
	((void)__atomic_fetch_add(&shim_fence, 0, __ATOMIC_SEQ_CST))
#define SHIM_ORDERED() SHIM_FENCE(SEQ_CST)
#else
#define SHIM_ORDERED() ((void)0)
#define SHIM_FENCE(order) __atomic_thread_fence(__ATOMIC_##order)
#endif

#define smp_load_acquire(p) (shim_pause(), LOAD(p, ACQUIRE))
#define smp_store_release(p, v) (shim_pause(), STORE(p, v, RELEASE))

#define atomic_read(v) (shim_pause(), LOAD(&(v)->counter, RELAXED))
#define atomic_set(v, i) STORE(&(v)->counter, i, RELAXED)
#define atomic_add_return(i, v) \
	(shim_pause(), __atomic_add_fetch(&(v)->counter, i, __ATOMIC_SEQ_CST))
#define atomic_try_cmpxchg_relaxed(v, old, new) \
	(shim_pause(), __atomic_compare_exchange_n(&(v)->counter, old, new, false, \
				    __ATOMIC_RELAXED, __ATOMIC_RELAXED))

#define atomic_try_cmpxchg_release(v, old, new) \
	(shim_pause(), __atomic_compare_exchange_n(&(v)->counter, old, new, false, \
				    __ATOMIC_RELEASE, __ATOMIC_RELAXED))

#define atomic_long_read(v) (shim_pause(), LOAD(&(v)->counter, RELAXED))
#define atomic_long_read_acquire(v) \
	(shim_pause(), LOAD(&(v)->counter, ACQUIRE))
#define atomic_long_set(v, i) STORE(&(v)->counter, i, RELAXED)
#define atomic_long_try_cmpxchg_release(v, old, new) \
	(shim_pause(), __atomic_compare_exchange_n(&(v)->counter, old, new, false, \
				    __ATOMIC_RELEASE, __ATOMIC_RELAXED))

static inline long atomic_long_cmpxchg_release(atomic_long_t *v, long old,
					       long new)
{
	shim_pause();
	__atomic_compare_exchange_n(&v->counter, &old, new, false,
				    __ATOMIC_RELEASE, __ATOMIC_RELAXED);
	return old;
}

#define atomic64_read_acquire(v) (shim_pause(), LOAD(&(v)->counter, ACQUIRE))
#define atomic64_set(v, i) STORE(&(v)->counter, i, RELAXED)
#define atomic64_add_return_release(i, v) \
	(shim_pause(), __atomic_add_fetch(&(v)->counter, i, __ATOMIC_RELEASE))
#define atomic64_try_cmpxchg(v, old, new) \
	(shim_pause(), __atomic_compare_exchange_n(&(v)->counter, old, new, false, \
				    __ATOMIC_SEQ_CST, __ATOMIC_RELAXED))

#define atomic64_read(v) (shim_pause(), LOAD(&(v)->counter, RELAXED))
#define atomic64_add(i, v) \
	(shim_pause(), (void)__atomic_fetch_add(&(v)->counter, i, \
						__ATOMIC_RELAXED))
#define atomic64_fetch_or(i, v) \
	(shim_pause(), __atomic_fetch_or(&(v)->counter, i, __ATOMIC_SEQ_CST))

static inline int64_t atomic64_cmpxchg(atomic64_t *v, int64_t old, int64_t new)
{
	shim_pause();
	__atomic_compare_exchange_n(&v->counter, &old, new, false,
				    __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
	return old;
}

/* Of pointers, and fully ordered. */
#define xchg(p, new) \
	(shim_pause(), __atomic_exchange_n(p, new, __ATOMIC_SEQ_CST))
#define cmpxchg(p, expected, new) ({ \
	__typeof__(*(p)) __old = (expected); \
	\
	shim_pause(); \
	SHIM_ORDERED(); \
	__atomic_compare_exchange_n(p, &__old, new, false, __ATOMIC_SEQ_CST, \
				    __ATOMIC_RELAXED); \
	__old; \
})

#define READ_ONCE(x) (shim_pause(), LOAD(&(x), RELAXED))
#define WRITE_ONCE(x, v) (shim_pause(), STORE(&(x), v, RELAXED))
#define atomic_read_acquire(v) (shim_pause(), LOAD(&(v)->counter, ACQUIRE))
#define atomic_inc_return(v) atomic_add_return(1, v)

#define smp_mb() (shim_pause(), SHIM_FENCE(SEQ_CST))
#define smp_rmb() (shim_pause(), SHIM_FENCE(ACQUIRE))
#define smp_mb__before_atomic() smp_mb()
#define smp_mb__after_atomic() smp_mb()

#define BIT_LONG(n, p) (&((unsigned long *)(p))[BIT_WORD(n)])
#define test_bit(n, p) \
	(shim_pause(), !!(LOAD(BIT_LONG(n, p), RELAXED) & BIT_MASK(n)))
#define set_bit(n, p) \
	(shim_pause(), (void)__atomic_fetch_or(BIT_LONG(n, p), BIT_MASK(n), \
					       __ATOMIC_RELAXED))
#define clear_bit(n, p) \
	(shim_pause(), (void)__atomic_fetch_and(BIT_LONG(n, p), ~BIT_MASK(n), \
						__ATOMIC_RELAXED))
#define clear_bit_unlock(n, p) \
	(shim_pause(), (void)__atomic_fetch_and(BIT_LONG(n, p), ~BIT_MASK(n), \
						__ATOMIC_RELEASE))
#define test_and_set_bit(n, p) \
	(shim_pause(), !!(__atomic_fetch_or(BIT_LONG(n, p), BIT_MASK(n), \
					    __ATOMIC_SEQ_CST) & BIT_MASK(n)))

#endif /* SHIM_H */
