// SPDX-License-Identifier: GPL-2.0
/*
 * G7, the time in it: deadlines on both sides, through the queue and through
 * tokens, in time namespaces and in the freezer.
 */
#include "mpmc_cgroup.h"

/* All ways to wait, as one: nothing can be done on @fd until waiter_serve(). */
struct waiter {
	int queue;
	int fd;
	bool enqueue;
	bool bulk;
	__u64 deadline;
	int ret;	/* 0: success */
	__u64 start;
	__u64 end;
};

FIXTURE(wait)
{
	struct waiter waiter;
};

FIXTURE_VARIANT(wait)
{
	bool enqueue;
	bool token;
	bool bulk;
};

FIXTURE_VARIANT_ADD(wait, dequeue) { };
FIXTURE_VARIANT_ADD(wait, dequeue_bulk) { .bulk = true };
FIXTURE_VARIANT_ADD(wait, dequeue_token) { .token = true };
FIXTURE_VARIANT_ADD(wait, enqueue) { .enqueue = true };
FIXTURE_VARIANT_ADD(wait, enqueue_bulk) { .enqueue = true, .bulk = true };
FIXTURE_VARIANT_ADD(wait, enqueue_token) { .enqueue = true, .token = true };

FIXTURE_SETUP(wait)
{
	struct waiter *w = &self->waiter;

	w->enqueue = variant->enqueue;
	w->bulk = variant->bulk;
	w->queue = queue_create(4, 0);
	ASSERT_LE(0, w->queue);
	w->fd = w->queue;
	if (variant->token)
		w->fd = w->enqueue ? producer_create(w->queue, 0) :
				     consumer_create(w->queue, 0);
	ASSERT_LE(0, w->fd);
	if (w->enqueue)
		ASSERT_EQ(4, fill(w->queue, 1));
}

FIXTURE_TEARDOWN(wait)
{
	if (variant->token)
		close(self->waiter.fd);
	close(self->waiter.queue);
}

static void waiter_wait(struct waiter *w)
{
	__u64 items[2] = { 7, 8 };

	w->start = now_ns();
	if (w->enqueue && w->bulk)
		w->ret = enq_bulk_until(w->fd, items, 2, w->deadline);
	else if (w->enqueue)
		w->ret = enq_until(w->fd, 7, w->deadline);
	else if (w->bulk)
		w->ret = deq_bulk_until(w->fd, items, 2, w->deadline);
	else
		w->ret = deq_until(w->fd, items, w->deadline);
	w->end = now_ns();
	if (w->ret > 0)
		w->ret = 0;
}

static void *waiter_run(void *arg)
{
	waiter_wait(arg);
	return NULL;
}

static bool waiter_asleep(struct waiter *w)
{
	if (w->enqueue)
		return wait_for_enqueuers(w->queue, 1);
	return wait_for_dequeuers(w->queue, 1);
}

/* Brings about what it waits for. */
static void waiter_serve(struct waiter *w)
{
	__u64 items[4];

	if (w->enqueue)
		must(deq_bulk(w->queue, items, 4) == 4);
	else
		must(enq(w->queue, 7) == 0);
}

/* Catches: early by rounding to ms or jiffies, late by the same, or for ever */
TEST_F(wait, timeouts)
{
	static const int ms[] = { 0, 1, 1, 1, 1, 1, 5, 20, 100 };
	struct waiter w = self->waiter;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(ms); i++) {
		w.deadline = in_ms(ms[i]);
		waiter_wait(&w);
		EXPECT_EQ(-ETIMEDOUT, w.ret);
		EXPECT_GE(w.end, w.deadline);
		EXPECT_LT(w.end, w.deadline + SLACK_NS);
	}
}

/*
 * Never early at any phase of any clock underneath. And late only by what an
 * emulated CPU takes to notice, which is little at least once. Catches: slack
 * beyond the timer's own.
 */
TEST_F(wait, random_deadlines)
{
	__u64 rng = 2862933555777941757ULL, late = SLACK_NS;
	struct waiter w = self->waiter;
	int i;

	for (i = 0; i < 100; i++) {
		w.deadline = now_ns() + random_below(&rng, 3000000);
		waiter_wait(&w);
		ASSERT_EQ(-ETIMEDOUT, w.ret);
		ASSERT_GE(w.end, w.deadline);
		if (late > w.end - w.deadline)
			late = w.end - w.deadline;
	}
	EXPECT_GT(5 * NSEC_PER_MSEC, late);
}

/* Catches: a past deadline taken for a length of time, or for none. */
TEST_F(wait, past_deadlines)
{
	struct waiter w = self->waiter;
	__u64 past[] = { 0, 1, now_ns() - 1000, now_ns() / 2 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(past); i++) {
		w.deadline = past[i];
		waiter_wait(&w);
		EXPECT_EQ(-ETIMEDOUT, w.ret);
		EXPECT_GT(SLACK_NS, w.end - w.start);
	}
}

/* What can be done at once is done, even if it is late for it. */
TEST_F(wait, past_deadline_with_something_to_do)
{
	struct waiter w = self->waiter;

	waiter_serve(&w);
	w.deadline = 1;
	waiter_wait(&w);
	EXPECT_EQ(0, w.ret);
}

/* Catches: deadlines beyond S64_MAX taken for negative, so for past ones. */
TEST_F(wait, far_deadlines)
{
	__u64 far[] = {
		MPMC_FOREVER, MPMC_FOREVER - 1, 1ULL << 63, (1ULL << 63) - 1,
		(1ULL << 63) + 1, 1ULL << 62, in_ms(100000),
	};
	struct waiter w = self->waiter;
	pthread_t thread;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(far); i++) {
		w.deadline = far[i];
		thread = thread_start(waiter_run, &w);
		ASSERT_TRUE(waiter_asleep(&w)) {
			TH_LOG("deadline %#llx", far[i]);
		}
		waiter_serve(&w);
		thread_join(thread);
		EXPECT_EQ(0, w.ret);
		/* As before: full, or empty. */
		if (w.enqueue)
			fill(w.queue, 1);
		else
			drain(w.queue);
	}
}

/* A waiter that is served before its deadline does not wait for that. */
TEST_F(wait, woken_before_the_deadline)
{
	struct waiter w = self->waiter;
	pthread_t thread;
	__u64 served;

	w.deadline = in_ms(60000);
	thread = thread_start(waiter_run, &w);
	ASSERT_TRUE(waiter_asleep(&w));
	served = now_ns();
	waiter_serve(&w);
	thread_join(thread);
	EXPECT_EQ(0, w.ret);
	EXPECT_GT(served + SLACK_NS, w.end);
	EXPECT_EQ(0, queue_state(w.queue).dequeue_waiters);
	EXPECT_EQ(0, queue_state(w.queue).enqueue_waiters);
}

/* The counts that others wait by here: neither leaks after a timeout. */
TEST_F(wait, waiters_are_counted)
{
	int queue = self->waiter.queue;
	struct waiter waiters[5];
	pthread_t threads[5];
	int i, n = variant->token ? 1 : 5;
	bool ok;

	for (i = 0; i < n; i++) {
		waiters[i] = self->waiter;
		waiters[i].deadline = in_ms(1000);
		threads[i] = thread_start(waiter_run, &waiters[i]);
	}
	ok = variant->enqueue ? wait_for_enqueuers(queue, n) :
				wait_for_dequeuers(queue, n);
	EXPECT_TRUE(ok);
	EXPECT_EQ(0, variant->enqueue ?
		     queue_state(queue).dequeue_waiters :
		     queue_state(queue).enqueue_waiters);
	for (i = 0; i < n; i++) {
		thread_join(threads[i]);
		EXPECT_EQ(-ETIMEDOUT, waiters[i].ret);
	}
	EXPECT_EQ(0, queue_state(queue).dequeue_waiters);
	EXPECT_EQ(0, queue_state(queue).enqueue_waiters);
}

/* In a namespace of its own, CLOCK_MONOTONIC is another. */
static void timens_wait(void *arg)
{
	struct waiter *w = arg;

	alarm(20);	/* a deadline far in the future by mistake */
	w->deadline = in_ms(50);
	waiter_wait(w);
	must(w->ret == -ETIMEDOUT);
	must(w->end >= w->deadline);
	must(w->end < w->deadline + SLACK_NS);
}

static void timens_enter(void *arg)
{
	must(reap(spawn(timens_wait, arg)) == 0);
}

static void timens_check(struct __test_metadata *_metadata, struct waiter *w,
			 const char *offset)
{
	pid_t pid = fork();

	ASSERT_LE(0, pid);
	if (!pid) {
		must(unshare(CLONE_NEWTIME) == 0);
		must(file_write("/proc/self", "timens_offsets", offset));
		timens_enter(w);
		_exit(0);
	}
	EXPECT_EQ(0, reap(pid)) {
		TH_LOG("with %s", offset);
	}
}

/* Catches: deadlines compared with the clock of the host. */
TEST_F(wait, time_namespace)
{
	struct waiter w = self->waiter;
	char back[64];

	if (access("/proc/self/ns/time", F_OK))
		SKIP(return, "no time namespaces in this kernel");
	timens_check(_metadata, &w, "monotonic 1000000 0");
	timens_check(_metadata, &w, "monotonic 0 500000000");
	/* Back to a second or two after the clock's start; it may not be negative. */
	snprintf(back, sizeof(back), "monotonic -%llu 0",
		 now_ns() / NSEC_PER_SEC - 1);
	timens_check(_metadata, &w, back);
}

static void frozen_wait(void *arg)
{
	struct waiter *w = arg;

	waiter_wait(w);
	must(w->ret == (w->deadline == MPMC_FOREVER ? 0 : -ETIMEDOUT));
	must(w->deadline == MPMC_FOREVER || w->end >= w->deadline);
}

static bool cgroup_freeze(const char *dir, bool freeze)
{
	must(file_write(dir, "cgroup.freeze", freeze ? "1" : "0"));
	return eventually(file_key(dir, "cgroup.events", "frozen") == freeze);
}

/* Catches: EINTR, or a missed deadline, from a freeze that no one asked for. */
TEST_F(wait, frozen)
{
	struct waiter w = self->waiter;
	char dir[64], pid_text[16];
	pid_t pid;
	int i;

	if (!cgroup_available(""))
		SKIP(return, "no cgroup v2");
	cgroup_make(dir, "");
	for (i = 0; i < 2; i++) {
		w.deadline = i ? MPMC_FOREVER : in_ms(500);
		pid = spawn(frozen_wait, &w);
		snprintf(pid_text, sizeof(pid_text), "%d", pid);
		ASSERT_TRUE(file_write(dir, "cgroup.procs", pid_text));
		if (i)
			ASSERT_TRUE(waiter_asleep(&w));
		ASSERT_TRUE(cgroup_freeze(dir, true));
		ASSERT_TRUE(cgroup_freeze(dir, false));
		if (i)
			waiter_serve(&w);
		EXPECT_EQ(0, reap(pid));
	}
	cgroup_remove(dir);
}

/* Served while it cannot run; it must find that when it can again. */
TEST_F(wait, served_while_frozen)
{
	struct waiter w = self->waiter;
	char dir[64], pid_text[16];
	pid_t pid;

	if (!cgroup_available(""))
		SKIP(return, "no cgroup v2");
	cgroup_make(dir, "");
	w.deadline = MPMC_FOREVER;
	pid = spawn(frozen_wait, &w);
	snprintf(pid_text, sizeof(pid_text), "%d", pid);
	ASSERT_TRUE(file_write(dir, "cgroup.procs", pid_text));
	ASSERT_TRUE(waiter_asleep(&w));
	ASSERT_TRUE(cgroup_freeze(dir, true));
	waiter_serve(&w);
	ASSERT_TRUE(cgroup_freeze(dir, false));
	EXPECT_EQ(0, reap(pid));
	cgroup_remove(dir);
}

/* SIGSTOP and SIGCONT without a handler interrupt nothing either. */
TEST_F(wait, stopped_and_continued)
{
	struct waiter w = self->waiter;
	int status, i;
	pid_t pid;

	w.deadline = MPMC_FOREVER;
	pid = spawn(frozen_wait, &w);
	ASSERT_TRUE(waiter_asleep(&w));
	for (i = 0; i < 5; i++) {
		kill(pid, SIGSTOP);
		ASSERT_EQ(pid, waitpid(pid, &status, WUNTRACED));
		ASSERT_TRUE(WIFSTOPPED(status));
		kill(pid, SIGCONT);
	}
	waiter_serve(&w);
	EXPECT_EQ(0, reap(pid));
}

TEST_HARNESS_MAIN
