// SPDX-License-Identifier: GPL-2.0
/*
 * G7, who is woken: one waiter per item or room, as many as a bulk is good for,
 * and never nobody.
 */
#include "mpmc_test.h"

#define WAITERS 8

struct pool {
	int queue;
	bool enqueue;
	atomic_int done;	/* times anyone was served */
	atomic_int tids[WAITERS];
	atomic_int started;
};

/* Waits again and again, until the queue is shut down. */
static void *pool_run(void *arg)
{
	struct pool *pool = arg;
	__u64 item;
	int ret;

	atomic_store(&pool->tids[atomic_fetch_add(&pool->started, 1)],
		     gettid());
	for (;;) {
		if (pool->enqueue)
			ret = enq_until(pool->queue, 7, MPMC_FOREVER);
		else
			ret = deq_until(pool->queue, &item, MPMC_FOREVER);
		if (ret == -EPIPE)
			return NULL;
		must(ret >= 0);
		atomic_fetch_add(&pool->done, 1);
	}
}

static bool pool_asleep(struct pool *pool, __u32 n)
{
	if (pool->enqueue)
		return wait_for_enqueuers(pool->queue, n);
	return wait_for_dequeuers(pool->queue, n);
}

/* How often the threads of the pool went to sleep of their own accord. */
static long pool_switches(struct pool *pool)
{
	char path[64], line[128];
	long n, sum = 0;
	FILE *file;
	int i;

	for (i = 0; i < WAITERS; i++) {
		snprintf(path, sizeof(path), "/proc/self/task/%d/status",
			 atomic_load(&pool->tids[i]));
		file = fopen(path, "r");
		must(file);
		while (fgets(line, sizeof(line), file))
			if (sscanf(line, "voluntary_ctxt_switches: %ld", &n) == 1)
				sum += n;
		must(fclose(file) == 0);
	}
	return sum;
}

static void pool_serve(struct pool *pool, __u32 n)
{
	__u64 items[WAITERS] = {};

	if (pool->enqueue)
		must(deq_bulk(pool->queue, items, n) == (int)n);
	else
		must(enq_bulk(pool->queue, items, n) == 0);
}

FIXTURE(wake)
{
	struct pool pool;
	pthread_t threads[WAITERS];
};

FIXTURE_VARIANT(wake)
{
	bool enqueue;
	__u32 segments;
};

FIXTURE_VARIANT_ADD(wake, dequeue) { };
FIXTURE_VARIANT_ADD(wake, dequeue_fifo) { .segments = 1 };
FIXTURE_VARIANT_ADD(wake, enqueue) { .enqueue = true };
FIXTURE_VARIANT_ADD(wake, enqueue_fifo) { .enqueue = true, .segments = 1 };

FIXTURE_SETUP(wake)
{
	int i;

	self->pool.enqueue = variant->enqueue;
	self->pool.queue = queue_create(100, variant->segments);
	ASSERT_LE(0, self->pool.queue);
	if (variant->enqueue)
		ASSERT_EQ(100, fill(self->pool.queue, 1));
	for (i = 0; i < WAITERS; i++)
		self->threads[i] = thread_start(pool_run, &self->pool);
	ASSERT_TRUE(pool_asleep(&self->pool, WAITERS));
}

FIXTURE_TEARDOWN(wake)
{
	int i;

	queue_shutdown(self->pool.queue);
	for (i = 0; i < WAITERS; i++)
		thread_join(self->threads[i]);
	close(self->pool.queue);
}

/*
 * Catches: a herd. Woken for every item, the 8 would go back to sleep 8 times
 * per item; one of them does so once.
 */
TEST_F(wake, one_item_wakes_one)
{
	struct pool *pool = &self->pool;
	long before = pool_switches(pool), after;
	int i;

	for (i = 1; i <= 100; i++) {
		pool_serve(pool, 1);
		ASSERT_TRUE(eventually(atomic_load(&pool->done) == i));
		ASSERT_TRUE(pool_asleep(pool, WAITERS));
	}
	after = pool_switches(pool);
	/* Waiters that are counted may still be on their way to sleep. */
	EXPECT_LE(before + 100 - WAITERS, after);
	EXPECT_GE(before + 200, after);
}

/* Bulks smaller than the pool: as many are served as it is good for. */
TEST_F(wake, bulks)
{
	struct pool *pool = &self->pool;
	int n, sum = 0;

	for (n = 1; n <= WAITERS; n++) {
		pool_serve(pool, n);
		sum += n;
		ASSERT_TRUE(eventually(atomic_load(&pool->done) == sum)) {
			TH_LOG("%d of %d were served",
			       atomic_load(&pool->done) - sum + n, n);
		}
		ASSERT_TRUE(pool_asleep(pool, WAITERS));
	}
}

/* Wake-ups that come faster than the woken can run must not merge into one. */
TEST_F(wake, singles_in_a_row)
{
	struct pool *pool = &self->pool;
	int i, round, sum = 0;

	for (round = 0; round < 100; round++) {
		for (i = 0; i < WAITERS; i++)
			pool_serve(pool, 1);
		sum += WAITERS;
		ASSERT_TRUE(eventually(atomic_load(&pool->done) == sum));
		ASSERT_TRUE(pool_asleep(pool, WAITERS));
	}
}

struct bulk_waiter {
	int queue;
	__u32 count;
	int ret;
	atomic_int done;
	__u64 items[100];
};

static void *bulk_enqueue(void *arg)
{
	struct bulk_waiter *w = arg;

	w->ret = enq_bulk_until(w->queue, w->items, w->count, MPMC_FOREVER);
	atomic_store(&w->done, 1);
	return NULL;
}

static void *bulk_dequeue(void *arg)
{
	struct bulk_waiter *w = arg;

	w->ret = deq_bulk_until(w->queue, w->items, w->count, MPMC_FOREVER);
	atomic_store(&w->done, 1);
	return NULL;
}

/* Has @n threads wait, and serves them all at once: whether all came back. */
static bool serve_in_bulk(int queue, bool enqueue, int n)
{
	struct bulk_waiter waiters[WAITERS] = {};
	pthread_t threads[WAITERS];
	__u64 items[WAITERS];
	bool ok = true;
	int i;

	if (enqueue)
		must(fill(queue, 1) == WAITERS);
	for (i = 0; i < n; i++) {
		waiters[i].queue = queue;
		waiters[i].count = 1;
		threads[i] = thread_start(enqueue ? bulk_enqueue : bulk_dequeue,
					  &waiters[i]);
	}
	if (enqueue) {
		must(wait_for_enqueuers(queue, n));
		must(deq_bulk(queue, items, n) == n);
	} else {
		must(wait_for_dequeuers(queue, n));
		put_range(queue, 1, n);
	}
	for (i = 0; i < n; i++)
		ok = ok && eventually(atomic_load(&waiters[i].done));
	/* Those left asleep, if any, are no reason to hang here. */
	for (i = 0; ok && i < n; i++)
		thread_join(threads[i]);
	drain(queue);
	return ok;
}

/*
 * Each waiter is served once and then is gone, so none can do for another.
 * Catches: one wake-up for a whole bulk, with the others sleeping beside it.
 */
TEST(bulk_wakes_enough)
{
	int n, side, queue;

	for (side = 0; side < 2; side++) {
		queue = queue_create(WAITERS, 0);
		ASSERT_LE(0, queue);
		for (n = 1; n <= WAITERS; n++)
			ASSERT_TRUE(serve_in_bulk(queue, side, n)) {
				TH_LOG("%d %s", n, side ? "producers" :
							  "consumers");
			}
		close(queue);
	}
}

/*
 * Room for one does not help the first waiter, who needs 100, but the second.
 * Catches: the wake-up ending with the first; then: that one being forgotten.
 */
TEST(large_waiter_is_not_in_the_way)
{
	struct bulk_waiter large = { .count = 100 }, small = { .count = 1 };
	pthread_t threads[2];
	__u64 item;
	int queue, i;

	queue = queue_create(100, 0);
	ASSERT_LE(0, queue);
	ASSERT_EQ(100, fill(queue, 1));
	large.queue = queue;
	small.queue = queue;
	threads[0] = thread_start(bulk_enqueue, &large);
	ASSERT_TRUE(wait_for_enqueuers(queue, 1));
	threads[1] = thread_start(bulk_enqueue, &small);
	ASSERT_TRUE(wait_for_enqueuers(queue, 2));
	ASSERT_EQ(1, deq(queue, &item));
	ASSERT_TRUE(eventually(atomic_load(&small.done)));
	thread_join(threads[1]);
	EXPECT_EQ(0, small.ret);
	ASSERT_TRUE(wait_for_enqueuers(queue, 1));
	EXPECT_EQ(0, atomic_load(&large.done));
	/* One by one: the room it needs comes together bit by bit. */
	for (i = 0; i < 100; i++) {
		EXPECT_EQ(0, atomic_load(&large.done));
		ASSERT_EQ(1, deq(queue, &item));
	}
	ASSERT_TRUE(eventually(atomic_load(&large.done)));
	thread_join(threads[0]);
	EXPECT_EQ(0, large.ret);
	EXPECT_EQ(100, queue_items(queue));
	close(queue);
}

/*
 * Room for one does not help either of two who need 100: they sleep on. Catches:
 * each of them woken by the other, to look for itself, for ever.
 */
TEST(large_waiters_sleep)
{
	struct timespec ts = { .tv_nsec = 100 * NSEC_PER_MSEC };
	struct bulk_waiter waiters[2] = { { .count = 100 }, { .count = 100 } };
	struct rusage before, after;
	pthread_t threads[2];
	__u64 item;
	int i, queue;

	queue = queue_create(100, 0);
	ASSERT_LE(0, queue);
	ASSERT_EQ(100, fill(queue, 1));
	for (i = 0; i < 2; i++) {
		waiters[i].queue = queue;
		threads[i] = thread_start(bulk_enqueue, &waiters[i]);
	}
	ASSERT_TRUE(wait_for_enqueuers(queue, 2));
	ASSERT_EQ(1, deq(queue, &item));
	ASSERT_EQ(0, getrusage(RUSAGE_SELF, &before));
	nanosleep(&ts, NULL);
	ASSERT_EQ(0, getrusage(RUSAGE_SELF, &after));
	EXPECT_GT(before.ru_nvcsw + 20, after.ru_nvcsw);
	ASSERT_EQ(0, queue_shutdown(queue));
	for (i = 0; i < 2; i++)
		thread_join(threads[i]);
	close(queue);
}

/* Waiters of several sizes, all of which fit: each gets its turn. */
TEST(bulk_waiters_share_the_room)
{
	struct bulk_waiter waiters[4] = {
		{ .count = 60 }, { .count = 10 }, { .count = 25 }, { .count = 5 },
	};
	pthread_t threads[4];
	int i, round, queue = queue_create(100, 0);

	ASSERT_LE(0, queue);
	for (round = 0; round < 20; round++) {
		ASSERT_EQ(100, fill(queue, 1));
		for (i = 0; i < 4; i++) {
			waiters[i].queue = queue;
			threads[i] = thread_start(bulk_enqueue, &waiters[i]);
			ASSERT_TRUE(wait_for_enqueuers(queue, i + 1));
		}
		ASSERT_TRUE(take_range(queue, 1, 100));
		for (i = 0; i < 4; i++) {
			thread_join(threads[i]);
			ASSERT_EQ(0, waiters[i].ret);
		}
		ASSERT_EQ(100, queue_items(queue));
		ASSERT_EQ(100, drain(queue));
	}
	close(queue);
}

/* A bulk consumer is content with what there is. */
TEST(bulk_dequeue_wakes_for_less)
{
	struct bulk_waiter w = { .count = 100 };
	pthread_t thread;

	w.queue = queue_create(1000, 0);
	ASSERT_LE(0, w.queue);
	thread = thread_start(bulk_dequeue, &w);
	ASSERT_TRUE(wait_for_dequeuers(w.queue, 1));
	put_range(w.queue, 1, 3);
	thread_join(thread);
	ASSERT_EQ(3, w.ret);
	EXPECT_EQ(1, w.items[0]);
	EXPECT_EQ(3, w.items[2]);
	close(w.queue);
}

struct race {
	int queue;
	bool enqueue;
	atomic_int gate;
	atomic_llong moved;
	atomic_int pending;	/* impatient waiters that have not given up */
	__u32 timeout;		/* of the impatient, in ns */
	atomic_int stop;
};

static int race_once(struct race *race, __u64 deadline)
{
	int ret = move_until(race->queue, race->enqueue, deadline);

	if (ret >= 0)
		atomic_fetch_add(&race->moved, 1);
	return ret;
}

static void *race_impatient(void *arg)
{
	struct race *race = arg;
	int ret, round;

	for (round = 1;; round++) {
		gate_wait(&race->gate, round);
		if (atomic_load(&race->stop))
			return NULL;
		ret = race_once(race, now_ns() + race->timeout);
		must(ret >= 0 || ret == -ETIMEDOUT);
		atomic_fetch_sub(&race->pending, 1);
	}
}

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

FIXTURE(timeout_race)
{
	struct race race;
};

FIXTURE_VARIANT(timeout_race)
{
	bool enqueue;
};

FIXTURE_VARIANT_ADD(timeout_race, dequeue) { };
FIXTURE_VARIANT_ADD(timeout_race, enqueue) { .enqueue = true };

FIXTURE_SETUP(timeout_race)
{
	self->race.enqueue = variant->enqueue;
	self->race.queue = queue_create(1, 0);
	ASSERT_LE(0, self->race.queue);
	if (variant->enqueue)
		ASSERT_EQ(0, enq(self->race.queue, 1));
}

FIXTURE_TEARDOWN(timeout_race)
{
	close(self->race.queue);
}

/*
 * Two waiters are about to give up when something comes for one of them; a
 * third has all the time in the world. Catches: a wake-up that dies with the
 * one that gives up, so that the third sleeps on beside what it waits for;
 * and an item taken by one that says it timed out.
 */
TEST_F(timeout_race, gives_up_while_woken)
{
	struct race *race = &self->race;
	__u64 rng = 7046029254386353131ULL, item;
	pthread_t threads[3];
	int round;

	threads[0] = thread_start(race_impatient, race);
	threads[1] = thread_start(race_impatient, race);
	threads[2] = thread_start(race_patient, race);
	for (round = 1; round <= 1000; round++) {
		/* The patient one sleeps again, behind or before the others. */
		if (round % 4)
			ASSERT_TRUE(eventually(race_waiters(race) == 1));
		atomic_store(&race->pending, 2);
		race->timeout = 1000 + random_below(&rng, 150000);
		gate_open(&race->gate, round);
		spin_ns(random_below(&rng, 200000));
		if (race->enqueue)
			must(deq(race->queue, &item) == 1);
		else
			must(enq(race->queue, 1) == 0);
		while (atomic_load(&race->pending))
			sched_yield();
		ASSERT_TRUE(eventually(atomic_load(&race->moved) == round)) {
			TH_LOG("round %d: a sleeper was forgotten", round);
		}
	}
	atomic_store(&race->stop, 1);
	gate_open(&race->gate, round);
	ASSERT_EQ(0, queue_shutdown(race->queue));
	for (round = 0; round < 3; round++)
		thread_join(threads[round]);
}

struct ping {
	int in;
	int out;
	int rounds;
	int cpu;	/* of the other side */
};

static void *pong(void *arg)
{
	struct ping *p = arg;
	__u64 item;
	int i;

	pin(p->cpu);
	for (i = 0; i < p->rounds; i++) {
		must(deq_until(p->in, &item, MPMC_FOREVER) == 1);
		must(enq_until(p->out, item, MPMC_FOREVER) == 0);
	}
	return NULL;
}

/*
 * Two threads that sleep and wake each other at every item. Catches: the
 * missing barrier between "is anything there?" and "I am asleep", on either
 * side: it stops for good.
 */
TEST(ping_pong)
{
	struct ping p;
	pthread_t thread;
	__u64 item = 0;
	int i;

	p.in = queue_create(1, 0);
	p.out = queue_create(1, 0);
	ASSERT_LE(0, p.in);
	ASSERT_LE(0, p.out);
	pin(0);
	for (p.cpu = 0; p.cpu < 2; p.cpu++) {
		/* Waking another CPU takes an emulator a millisecond. */
		p.rounds = p.cpu ? 700 : 10000;
		thread = thread_start(pong, &p);
		for (i = 0; i < p.rounds; i++) {
			ASSERT_EQ(0, enq_until(p.in, i, in_ms(20000)));
			ASSERT_EQ(1, deq_until(p.out, &item, in_ms(20000)));
			ASSERT_EQ(i, item);
		}
		thread_join(thread);
	}
	close(p.in);
	close(p.out);
}

static void *push(void *arg)
{
	struct ping *p = arg;
	int i;

	for (i = 0; i < p->rounds; i++)
		must(!enq_until(p->out, i, in_ms(20000)));
	return NULL;
}

/* Sleeping on both sides of one queue, which is full and empty by turns. */
TEST(full_and_empty)
{
	static const int capacities[] = { 1, 2, 5 };
	struct ping p = { .rounds = 700 };
	pthread_t thread;
	unsigned int c;
	__u64 item;
	int i;

	for (c = 0; c < ARRAY_SIZE(capacities); c++) {
		p.out = queue_create(capacities[c], 0);
		ASSERT_LE(0, p.out);
		thread = thread_start(push, &p);
		for (i = 0; i < p.rounds; i++) {
			ASSERT_EQ(1, deq_until(p.out, &item, in_ms(20000)));
			ASSERT_EQ(i, item);
		}
		thread_join(thread);
		close(p.out);
	}
}

TEST_HARNESS_MAIN
