// SPDX-License-Identifier: GPL-2.0
/*
 * G1, G6, G8: processes are killed and stopped at any moment. What they had
 * put stays, what they had not taken stays, nobody else stands still, and the
 * capacity is what it was.
 */
#include "mpmc_test.h"

#define ROUNDS 30
#define LOG_ITEMS 100000

struct shared {
	int queue;
	bool token;
	__u32 bulk;
	atomic_ullong done;	/* items put; or, one for each step */
	atomic_int started;
	__u64 log[LOG_ITEMS];	/* what the consumer took, in its order */
};

static void victim_produce(void *arg)
{
	struct shared *s = arg;
	int fd = s->token ? producer_create(s->queue, 8) : s->queue;
	__u64 items[64], next = 1;
	__u32 i;

	must(fd >= 0);
	atomic_store(&s->started, 1);
	for (;;) {
		for (i = 0; i < s->bulk; i++)
			items[i] = next + i;
		must(!enq_bulk_until(fd, items, s->bulk, MPMC_FOREVER));
		next += s->bulk;
		atomic_store(&s->done, next - 1);
	}
}

/* Kills the child after some microseconds of work, and while it is at it. */
static void kill_at_random(struct shared *s, pid_t pid, __u64 *rng)
{
	must(eventually(atomic_load(&s->started)));
	spin_ns(random_below(rng, 2000000));
	must(killed(pid));
	atomic_store(&s->started, 0);
}

FIXTURE(killed)
{
	struct shared *s;
	__u64 rng;
};

FIXTURE_VARIANT(killed)
{
	__u32 segments;
	__u32 capacity;
	__u32 bulk;
	bool token;
};

FIXTURE_VARIANT_ADD(killed, single) { .capacity = 20000, .bulk = 1 };
FIXTURE_VARIANT_ADD(killed, bulk)
{
	.capacity = 20000, .segments = 1, .bulk = 64,
};

FIXTURE_VARIANT_ADD(killed, waiting) { .capacity = 100, .bulk = 7 };
FIXTURE_VARIANT_ADD(killed, token)
{
	.capacity = 20000, .bulk = 1, .token = true,
};

FIXTURE_VARIANT_ADD(killed, token_bulk)
{
	.capacity = 20000, .bulk = 64, .token = true,
};

FIXTURE_SETUP(killed)
{
	self->s = shared_alloc(sizeof(*self->s));
	self->s->queue = queue_create(variant->capacity, variant->segments);
	ASSERT_LE(0, self->s->queue);
	self->s->bulk = variant->bulk;
	self->s->token = variant->token;
	self->rng = 0x2545f4914f6cdd1dULL;
}

FIXTURE_TEARDOWN(killed)
{
	close(self->s->queue);
}

/*
 * Catches: items accepted and gone; half a bulk; a slot reserved and never
 * filled, at which all that comes later is stuck; credits that die.
 */
TEST_F(killed, producer)
{
	struct shared *s = self->s;
	int i, queue = s->queue;
	__u64 items, done;
	pid_t pid;

	for (i = 0; i < ROUNDS; i++) {
		atomic_store(&s->done, 0);
		pid = spawn(victim_produce, s);
		kill_at_random(s, pid, &self->rng);
		items = queue_items(queue);
		done = atomic_load(&s->done);
		/* The last call may have been over, and not heard of. */
		ASSERT_TRUE(items == done || items == done + s->bulk);
		ASSERT_TRUE(take_range(queue, 1, items));
		ASSERT_EQ(0, queue_state(queue).producers);
		ASSERT_EQ(0, queue_state(queue).enqueue_waiters);
		ASSERT_EQ(variant->capacity, fill(queue, 1));
		ASSERT_EQ(variant->capacity, drain(queue));
	}
}

static void victim_consume(void *arg)
{
	struct shared *s = arg;
	int fd = s->token ? consumer_create(s->queue, 8) : s->queue;
	__u64 taken = 0;
	int ret;

	must(fd >= 0);
	/* All there, so that no copy to it can end half-way by a fault. */
	memset(s->log, 0, sizeof(s->log));
	atomic_store(&s->started, 1);
	/* The kernel writes the log: what it holds has been delivered. */
	for (;;) {
		ret = deq_bulk_until(fd, s->log + taken, s->bulk, MPMC_FOREVER);
		must(ret > 0);
		taken += ret;
	}
}

static __u64 log_length(struct shared *s)
{
	__u64 n;

	for (n = 0; n < LOG_ITEMS && s->log[n]; n++)
		;
	return n;
}

/*
 * Between being taken and being in the consumer's memory there is no place in
 * which its death loses an item, or makes it come twice.
 */
TEST_F(killed, consumer)
{
	struct shared *s = self->s;
	int i, queue = s->queue;
	__u64 all = variant->capacity, n, k;
	pid_t pid;

	for (i = 0; i < ROUNDS; i++) {
		put_range(queue, 1, all);
		pid = spawn(victim_consume, s);
		kill_at_random(s, pid, &self->rng);
		n = log_length(s);
		for (k = 0; k < n; k++)
			ASSERT_EQ(k + 1, s->log[k]);
		ASSERT_EQ(all - n, queue_items(queue));
		ASSERT_TRUE(take_range(queue, n + 1, all - n));
		ASSERT_EQ(0, queue_state(queue).consumers);
		ASSERT_EQ(0, queue_state(queue).leased);
		ASSERT_EQ(0, queue_state(queue).dequeue_waiters);
		memset(s->log, 0, sizeof(s->log));
	}
	EXPECT_EQ(all, fill(queue, 1));
}

struct worker {
	int queue;
	bool produces;
	bool token;
	atomic_ullong *progress;
};

static void work(void *arg)
{
	struct worker *w = arg;
	int fd = w->queue, ret;
	__u64 items[4] = {};

	if (w->token)
		fd = w->produces ? producer_create(fd, 8) :
				   consumer_create(fd, 8);
	must(fd >= 0);
	for (;;) {
		ret = w->produces ?
			enq_bulk_until(fd, items, 2, MPMC_FOREVER) :
			deq_bulk_until(fd, items, 4, MPMC_FOREVER);
		must(ret >= 0);
		atomic_fetch_add(w->progress, 1);
	}
}

#define WORKERS 6	/* producers and consumers by turns */
#define STEPS 20

static void workers_start(struct worker *workers, pid_t *pids, int queue)
{
	atomic_ullong *progress = shared_alloc(WORKERS * sizeof(*progress));
	int i;

	for (i = 0; i < WORKERS; i++) {
		workers[i] = (struct worker){
			.queue = queue, .produces = i % 2,
			.token = i % 3 == 0, .progress = &progress[i],
		};
		pids[i] = spawn(work, &workers[i]);
	}
}

/* Whether each of the others, by itself, gets on. */
static bool others_progress(struct worker *workers, int except)
{
	__u64 before[WORKERS];
	bool ok = true;
	int i;

	for (i = 0; i < WORKERS; i++)
		before[i] = atomic_load(workers[i].progress);
	for (i = 0; i < WORKERS; i++)
		ok = ok && (i == except ||
			    eventually(atomic_load(workers[i].progress) >=
				       before[i] + STEPS));
	return ok;
}

static void workers_stop(pid_t *pids)
{
	int i;

	for (i = 0; i < WORKERS; i++)
		must(killed(pids[i]));
}

FIXTURE(stopped)
{
	int queue;
};

FIXTURE_VARIANT(stopped)
{
	__u32 capacity;
	__u32 segments;
};

FIXTURE_VARIANT_ADD(stopped, tight) { .capacity = 4 };
FIXTURE_VARIANT_ADD(stopped, fifo) { .capacity = 100, .segments = 1 };
FIXTURE_VARIANT_ADD(stopped, roomy) { .capacity = 10000 };

FIXTURE_SETUP(stopped)
{
	self->queue = queue_create(variant->capacity, variant->segments);
	ASSERT_LE(0, self->queue);
}

FIXTURE_TEARDOWN(stopped)
{
	close(self->queue);
}

/*
 * One of six is stopped at a random moment, in or out of a call. Catches: a
 * lock it holds, a turn it has, a wake-up it was given and cannot use.
 */
TEST_F(stopped, others_go_on)
{
	__u64 rng = 0x9fb21c651e98df25ULL;
	struct worker workers[WORKERS];
	pid_t pids[WORKERS];
	int i, round, status;

	workers_start(workers, pids, self->queue);
	for (round = 0; round < 20; round++) {
		i = random_below(&rng, WORKERS);
		spin_ns(random_below(&rng, 500000));
		kill(pids[i], SIGSTOP);
		ASSERT_EQ(pids[i], waitpid(pids[i], &status, WUNTRACED));
		ASSERT_TRUE(WIFSTOPPED(status));
		ASSERT_TRUE(others_progress(workers, i)) {
			TH_LOG("round %d: stopped %d, and others with it",
			       round, i);
		}
		kill(pids[i], SIGCONT);
	}
	EXPECT_TRUE(others_progress(workers, -1));
	workers_stop(pids);
}

/* One of six dies and is replaced, again and again. */
TEST_F(stopped, others_survive_kills)
{
	__u64 rng = 0xd6e8feb86659fd93ULL;
	struct worker workers[WORKERS];
	pid_t pids[WORKERS];
	int i, round;

	workers_start(workers, pids, self->queue);
	for (round = 0; round < 50; round++) {
		i = random_below(&rng, WORKERS);
		spin_ns(random_below(&rng, 500000));
		ASSERT_TRUE(killed(pids[i]));
		if (!(round % 4))
			ASSERT_TRUE(others_progress(workers, i));
		pids[i] = spawn(work, &workers[i]);
	}
	ASSERT_TRUE(others_progress(workers, -1));
	workers_stop(pids);
	/* After all that, not one place of the capacity is gone. */
	drain(self->queue);
	EXPECT_EQ(0, queue_state(self->queue).leased);
	EXPECT_EQ(0, queue_state(self->queue).producers);
	EXPECT_EQ(0, queue_state(self->queue).consumers);
	EXPECT_EQ(variant->capacity, fill(self->queue, 1));
}

TEST_HARNESS_MAIN
