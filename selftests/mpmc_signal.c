// SPDX-License-Identifier: GPL-2.0
/*
 * Signals that arrive during a wait: with SA_RESTART the wait goes on, to the
 * same deadline; without, it ends with EINTR; a success beats them both; and
 * no item or wake-up goes with a waiter that is interrupted or killed.
 */
#include "mpmc_test.h"

static atomic_int handled;

static void handler(int sig)
{
	(void)sig;
	atomic_fetch_add(&handled, 1);
}

static void handle_with(int flags)
{
	struct sigaction action = { .sa_handler = handler, .sa_flags = flags };

	must(sigaction(SIGUSR1, &action, NULL) == 0);
	atomic_store(&handled, 0);
}

FIXTURE(signal)
{
	int queue;
};

FIXTURE_VARIANT(signal)
{
	bool enqueue;
};

FIXTURE_VARIANT_ADD(signal, dequeue) { };
FIXTURE_VARIANT_ADD(signal, enqueue) { .enqueue = true };

FIXTURE_SETUP(signal)
{
	self->queue = queue_create(2, 0);
	ASSERT_LE(0, self->queue);
	if (variant->enqueue)
		ASSERT_EQ(2, fill(self->queue, 1));
}

FIXTURE_TEARDOWN(signal)
{
	close(self->queue);
}

struct waiter {
	int queue;
	bool enqueue;
	__u64 deadline;
	atomic_int done;
	int ret;
	__u64 end;
};

static void *waiter_run(void *arg)
{
	struct waiter *w = arg;
	__u64 item;

	if (w->enqueue)
		w->ret = enq_until(w->queue, 7, w->deadline);
	else
		w->ret = deq_until(w->queue, &item, w->deadline);
	w->end = now_ns();
	atomic_store(&w->done, 1);
	return NULL;
}

static bool waiter_asleep(struct waiter *w)
{
	if (w->enqueue)
		return wait_for_enqueuers(w->queue, 1);
	return wait_for_dequeuers(w->queue, 1);
}

static void waiter_serve(struct waiter *w)
{
	__u64 item;

	if (w->enqueue)
		must(deq(w->queue, &item) == 1);
	else
		must(enq(w->queue, 7) == 0);
}

/*
 * Catches: a restart that begins the whole time anew (with a signal every
 * 30 ms it would not end while they last), and EINTR.
 */
TEST_F(signal, restart_keeps_the_deadline)
{
	struct waiter w = { .queue = self->queue, .enqueue = variant->enqueue };
	__u64 stop = in_ms(3000);
	pthread_t thread;

	handle_with(SA_RESTART);
	w.deadline = in_ms(400);
	thread = thread_start(waiter_run, &w);
	while (!atomic_load(&w.done) && now_ns() < stop) {
		pthread_kill(thread, SIGUSR1);
		spin_ns(30 * NSEC_PER_MSEC);
	}
	thread_join(thread);
	EXPECT_EQ(-ETIMEDOUT, w.ret);
	EXPECT_LE(w.deadline, w.end);
	EXPECT_GT(w.deadline + SLACK_NS, w.end);
	EXPECT_LT(0, atomic_load(&handled));
}

TEST_F(signal, restart_then_success)
{
	struct waiter w = {
		.queue = self->queue, .enqueue = variant->enqueue,
		.deadline = MPMC_FOREVER,
	};
	pthread_t thread;
	int i;

	handle_with(SA_RESTART);
	thread = thread_start(waiter_run, &w);
	for (i = 1; i <= 20; i++) {
		ASSERT_TRUE(waiter_asleep(&w));
		pthread_kill(thread, SIGUSR1);
		ASSERT_TRUE(eventually(atomic_load(&handled) == i));
	}
	waiter_serve(&w);
	thread_join(thread);
	EXPECT_EQ(!variant->enqueue, w.ret);
}

TEST_F(signal, no_restart_is_eintr)
{
	struct waiter w = {
		.queue = self->queue, .enqueue = variant->enqueue,
		.deadline = MPMC_FOREVER,
	};
	__u64 before = queue_items(self->queue);
	pthread_t thread;
	int i;

	handle_with(0);
	for (i = 0; i < 2; i++) {
		thread = thread_start(waiter_run, &w);
		ASSERT_TRUE(waiter_asleep(&w));
		pthread_kill(thread, SIGUSR1);
		thread_join(thread);
		EXPECT_EQ(-EINTR, w.ret);
		EXPECT_EQ(i + 1, atomic_load(&handled));
		w.deadline = in_ms(60000);
	}
	EXPECT_EQ(before, queue_items(self->queue));
	EXPECT_EQ(0, queue_state(self->queue).enqueue_waiters);
	EXPECT_EQ(0, queue_state(self->queue).dequeue_waiters);
	/* The one that gave up is not in the way of the next. */
	thread = thread_start(waiter_run, &w);
	ASSERT_TRUE(waiter_asleep(&w));
	waiter_serve(&w);
	thread_join(thread);
	EXPECT_EQ(!variant->enqueue, w.ret);
}

/*
 * What is there when the waiter wakes up, it takes, also if a signal came on
 * the heels of it.
 */
TEST_F(signal, success_beats_a_pending_signal)
{
	struct waiter w = {
		.queue = self->queue, .enqueue = variant->enqueue,
		.deadline = MPMC_FOREVER,
	};
	pthread_t thread;
	int i;

	handle_with(0);
	for (i = 0; i < 300; i++) {
		thread = thread_start(waiter_run, &w);
		ASSERT_TRUE(waiter_asleep(&w));
		waiter_serve(&w);
		pthread_kill(thread, SIGUSR1);
		thread_join(thread);
		ASSERT_EQ(!variant->enqueue, w.ret);
		/* As it was: empty, or full again. */
		ASSERT_EQ(variant->enqueue ? 2 : 0, queue_items(self->queue));
	}
}

struct race {
	int queue;
	bool enqueue;
	atomic_int gate;	/* counts rounds for both */
	atomic_int done;	/* the round that the first ended */
	atomic_llong moved;	/* by both */
	atomic_int stop;
};

static int race_once(struct race *race, __u64 deadline)
{
	int ret = move_until(race->queue, race->enqueue, deadline);

	if (ret >= 0)
		atomic_fetch_add(&race->moved, 1);
	return ret;
}

/* Waits once per round, and is interrupted, or not. */
static void *race_interrupted(void *arg)
{
	struct race *race = arg;
	int ret, round;

	for (round = 1;; round++) {
		gate_wait(&race->gate, round);
		if (atomic_load(&race->stop))
			return NULL;
		ret = race_once(race, MPMC_FOREVER);
		must(ret >= 0 || ret == -EINTR);
		atomic_store(&race->done, round);
	}
}

/* Waits for ever, and must get what the other one does not take. */
static void *race_patient(void *arg)
{
	struct race *race = arg;

	while (race_once(race, MPMC_FOREVER) >= 0)
		;
	return NULL;
}

static __u32 race_waiters(struct race *race)
{
	return queue_waiters(race->queue);
}

static void race_serve(struct race *race)
{
	__u64 item;

	if (race->enqueue)
		must(deq(race->queue, &item) == 1);
	else
		must(enq(race->queue, 7) == 0);
}

/*
 * One waiter is interrupted at the very moment when it is woken; another one
 * sleeps too. Catches: the wake-up dying with the interrupted one, so that the
 * other sleeps on beside an item; an item taken and not delivered.
 */
TEST_F(signal, interrupted_while_woken)
{
	struct race race = { .queue = self->queue, .enqueue = variant->enqueue };
	pthread_t interrupted, patient;
	__u64 rng = 1181783497276652981ULL;
	int round;

	handle_with(0);
	interrupted = thread_start(race_interrupted, &race);
	patient = thread_start(race_patient, &race);
	for (round = 1; round <= 1000; round++) {
		gate_open(&race.gate, round);
		/* A late signal of the last round may have ended this one. */
		ASSERT_TRUE(eventually(race_waiters(&race) == 2 ||
				       atomic_load(&race.done) == round));
		if (random_below(&rng, 2)) {
			race_serve(&race);
			spin_ns(random_below(&rng, 20000));
			pthread_kill(interrupted, SIGUSR1);
		} else {
			pthread_kill(interrupted, SIGUSR1);
			spin_ns(random_below(&rng, 20000));
			race_serve(&race);
		}
		ASSERT_TRUE(eventually(atomic_load(&race.moved) == round)) {
			TH_LOG("round %d: a sleeper was forgotten", round);
		}
		/* The patient one had it: the other's signal may be over. */
		while (atomic_load(&race.done) != round) {
			pthread_kill(interrupted, SIGUSR1);
			breathe();
		}
	}
	EXPECT_EQ(variant->enqueue ? 2 : 0, queue_items(self->queue));
	atomic_store(&race.stop, 1);
	gate_open(&race.gate, round);
	thread_join(interrupted);
	ASSERT_EQ(0, queue_shutdown(self->queue));
	thread_join(patient);
}

#define UNTOUCHED 0xbadULL

struct victim {
	int queue;
	bool enqueue;
	atomic_ullong item;	/* what it took, as far as it is to be seen */
	atomic_int taken;
};

static void victim_wait(void *arg)
{
	struct victim *v = arg;
	int ret;

	if (v->enqueue)
		ret = enq_until(v->queue, 7, MPMC_FOREVER);
	else
		ret = deq_bulk_until(v->queue, (__u64 *)&v->item, 1,
				     MPMC_FOREVER);
	must(ret >= 0);
	atomic_fetch_add(&v->taken, 1);
	pause();
}

static void survivor_take(void *arg)
{
	struct victim *v = arg;
	__u64 item;
	int ret;

	for (;;) {
		if (v->enqueue)
			ret = enq_until(v->queue, 7, MPMC_FOREVER);
		else
			ret = deq_until(v->queue, &item, MPMC_FOREVER);
		if (ret == -EPIPE)
			return;
		must(ret >= 0);
		atomic_fetch_add(&v->taken, 1);
	}
}

/* Kills it around the moment at which it is served. */
static void kill_and_serve(struct victim *v, pid_t pid, __u64 *rng)
{
	struct race race = { .queue = v->queue, .enqueue = v->enqueue };
	bool first = random_below(rng, 2);

	if (first)
		race_serve(&race);
	spin_ns(random_below(rng, 50000));
	kill(pid, SIGKILL);
	if (!first)
		race_serve(&race);
	must(WIFSIGNALED(reap(pid)));
}

/*
 * A process is killed while it waits, and woken at the same time: the item,
 * or the room, is its own or the survivor's, and never nobody's.
 */
TEST_F(signal, killed_while_woken)
{
	struct victim *v = shared_alloc(sizeof(*v));
	struct race race = { .queue = self->queue, .enqueue = variant->enqueue };
	__u64 rng = 2685821657736338717ULL, full = variant->enqueue ? 2 : 0;
	pid_t survivor, pid;
	int round, before;

	v->queue = self->queue;
	v->enqueue = variant->enqueue;
	survivor = spawn(survivor_take, v);
	for (round = 0; round < 150; round++) {
		atomic_store(&v->item, UNTOUCHED);
		before = atomic_load(&v->taken);
		pid = spawn(victim_wait, v);
		ASSERT_TRUE(eventually(race_waiters(&race) == 2));
		kill_and_serve(v, pid, &rng);
		ASSERT_TRUE(eventually(queue_items(self->queue) == full)) {
			TH_LOG("round %d: the survivor was forgotten", round);
		}
		/* One of them had it; the kernel may have had the last word. */
		if (!variant->enqueue && atomic_load(&v->item) == UNTOUCHED)
			ASSERT_TRUE(eventually(atomic_load(&v->taken) ==
					       before + 1));
		ASSERT_TRUE(eventually(race_waiters(&race) == 1));
		ASSERT_GE(before + 1, atomic_load(&v->taken));
	}
	ASSERT_EQ(0, queue_shutdown(self->queue));
	EXPECT_EQ(0, reap(survivor));
}

/*
 * Killed first, and served then: it will never look at what it is given. Catches:
 * items that a dead process takes along because it was the first to be woken.
 */
static void kill_then_put(int queue, struct victim *v)
{
	pid_t pid = spawn(victim_wait, v);

	must(wait_for_dequeuers(queue, 1));
	kill(pid, SIGKILL);
	must(enq(queue, 7) == 0);
	must(WIFSIGNALED(reap(pid)));
}

TEST(killed_before_put)
{
	struct victim *v = shared_alloc(sizeof(*v));
	int queue = queue_create(10, 0), round;
	__u64 item;

	ASSERT_LE(0, queue);
	for (round = 0; round < 200; round++) {
		v->queue = round % 2 ? queue : consumer_create(queue, 0);
		ASSERT_LE(0, v->queue);
		kill_then_put(queue, v);
		if (v->queue != queue)
			close(v->queue);
		ASSERT_EQ(1, deq(queue, &item)) {
			TH_LOG("round %d: the dead one has it", round);
		}
		ASSERT_EQ(7, item);
		ASSERT_EQ(-EAGAIN, deq(queue, &item));
	}
	close(queue);
}

TEST_HARNESS_MAIN
