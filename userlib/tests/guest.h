/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the parts of the in-guest test of libmpmc have in common. */
#ifndef GUEST_H
#define GUEST_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include <linux/mpmc.h>
#include "mpmc.h"

#define MSEC 1000000L
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* Where nothing is; the compiler is not to know. */
extern uint64_t *bad_address;
#define BAD bad_address

extern const struct timespec zero, soon;

/* Where errors show if the poison is still there. */
static const uint64_t poison = 0xdeadbeefcafef00dULL;

__attribute__((format(printf, 2, 3)))
bool check(bool ok, const char *format, ...);
double elapsed(const struct timespec *since);

/* An expression has a value. */
#define IS(expr, want) do {						\
	long long got_ = (expr), want_ = (want);			\
	if (!check(got_ == want_, "%s:%d: %s is %s", &__FILE__[6],	\
		   __LINE__, #expr, #want))				\
		printf("# got %lld\n", got_);				\
} while (0)

/* It takes 50 ms and not less; emulation may make it much more. */
#define LASTS(expr, want) do {						\
	struct timespec t_;						\
	double ms_;							\
	clock_gettime(CLOCK_MONOTONIC, &t_);				\
	IS(expr, want);							\
	ms_ = elapsed(&t_);						\
	if (!check(ms_ >= 50 && ms_ < 1000, "%d: ... in time", __LINE__)) \
		printf("# took %.3f ms\n", ms_);			\
} while (0)

/* Queue, producer and consumer alike. */
struct puts {
	const char *name;
	int (*try)(void *, uint64_t);
	int (*try_bulk)(void *, const uint64_t *, size_t);
	int (*wait)(void *, uint64_t, const struct timespec *);
	int (*wait_bulk)(void *, const uint64_t *, size_t,
			 const struct timespec *);
};

struct takes {
	const char *name;
	int (*try)(void *, uint64_t *);
	ssize_t (*try_bulk)(void *, uint64_t *, size_t);
	int (*wait)(void *, uint64_t *, const struct timespec *);
	ssize_t (*wait_bulk)(void *, uint64_t *, size_t,
			     const struct timespec *);
};

#define PUTS(id, p)							\
static int p##_put_t(void *h, uint64_t i)					\
{ return mpmc_##id##try_enqueue(h, i); }				\
static int p##_put_tb(void *h, const uint64_t *i, size_t n)		\
{ return mpmc_##id##try_enqueue_bulk(h, i, n); }			\
static int p##_put_w(void *h, uint64_t i, const struct timespec *t)	\
{ return mpmc_##id##enqueue_wait(h, i, t); }				\
static int p##_put_wb(void *h, const uint64_t *i, size_t n,		\
		   const struct timespec *t)				\
{ return mpmc_##id##enqueue_bulk_wait(h, i, n, t); }			\
const struct puts p##puts = { #id, p##_put_t, p##_put_tb, p##_put_w,	\
			      p##_put_wb }

#define TAKES(id, p)							\
static int p##_t(void *h, uint64_t *i)					\
{ return mpmc_##id##try_dequeue(h, i); }				\
static ssize_t p##_tb(void *h, uint64_t *i, size_t n)			\
{ return mpmc_##id##try_dequeue_bulk(h, i, n); }			\
static int p##_w(void *h, uint64_t *i, const struct timespec *t)	\
{ return mpmc_##id##dequeue_wait(h, i, t); }				\
static ssize_t p##_wb(void *h, uint64_t *i, size_t n,			\
		      const struct timespec *t)				\
{ return mpmc_##id##dequeue_bulk_wait(h, i, n, t); }			\
const struct takes p##takes = { #id, p##_t, p##_tb, p##_w, p##_wb }

extern const struct puts qputs, pputs, plain_pputs;
extern const struct takes qtakes, ctakes, plain_ctakes;

/* A thread that waits inside a call; its item is 1 if it puts. */
struct sleeper {
	pthread_t thread;
	const struct puts *put;
	const struct takes *take;
	void *handle;
	const struct timespec *timeout;
	uint64_t item;
	int ret;
};

void sleeper_start(struct sleeper *s, struct mpmc_queue *queue);

struct mpmc_queue *queue_with(const struct mpmc_queue_opts *opts);
struct mpmc_queue *queue_of(uint64_t capacity, uint32_t segments);
struct mpmc_producer *producer_of(struct mpmc_queue *queue,
				  uint32_t ring_entries, uint32_t flags);
struct mpmc_consumer *consumer_of(struct mpmc_queue *queue,
				  uint32_t ring_entries, uint32_t flags);
struct mpmc_stat stat_of(struct mpmc_queue *queue);
size_t fill(struct mpmc_queue *queue);
void drain(struct mpmc_queue *queue);
int ended(pid_t pid);
int count_fds(void);

void test_rings(void);
void test_leases(void);
int after_exec(char **fds);

#endif /* GUEST_H */
