// SPDX-License-Identifier: GPL-2.0
/*
 * Owners of mapped rings who write anything to them at any moment, also while the
 * kernel is at work for them, beside others who keep to the rules: those see
 * their own items, all of them, each once and in order, and nothing else that looks
 * like one.
 */
#include "mpmc_mapped.h"

#define CAPACITY 3000
#define RING 64
#define HONEST 2		/* so many of each kind */
#define ITEMS_MAX (1 << 18)	/* of each producer */
#define ROUNDS 12
#define PATIENTLY in_ms(60000)

struct mess {
	int queue;
	bool producer;		/* one scribbles */
	bool consumer;		/* one scribbles */
	bool taken;		/* all that there is, by others */
	__u64 key;
	atomic_ullong put[HONEST];
	atomic_int end_round;
	atomic_int end;
	atomic_uchar seen[HONEST][ITEMS_MAX];
	/* What was handed to who scribbled. */
	atomic_uchar handed[HONEST][ITEMS_MAX];
};

/* --- Items that nobody makes by chance --- */

static __u64 sign(__u64 key, __u64 n)
{
	n = (n ^ key) * 0x9e3779b97f4a7c15ULL;
	n = (n ^ n >> 29) * 0xbf58476d1ce4e5b9ULL;
	return n >> 28;
}

static __u64 item_of(const struct mess *mess, __u64 id, __u64 number)
{
	__u64 n = id << 24 | number;

	return n | sign(mess->key, n) << 28;
}

/* Whether it is one of those. */
static bool item_is(const struct mess *mess, __u64 item, __u64 *id,
		    __u64 *number)
{
	*id = item >> 24 & 0xf;
	*number = item & 0xffffff;
	return *id < HONEST && *number < ITEMS_MAX &&
	       item == item_of(mess, *id, *number);
}

/* --- Those who keep to the rules --- */

struct worker {
	struct mess *mess;
	__u64 id;
};

/* One of them with a ring, the other without a token. */
static void honest_producer(void *arg)
{
	struct worker *worker = arg;
	struct mess *mess = worker->mess;
	struct mapped p;
	__u64 n, item;

	if (worker->id)
		mapped_producer(&p, mess->queue, RING);
	for (n = 0; n < ITEMS_MAX && !atomic_load(&mess->end); n++) {
		item = item_of(mess, worker->id, n);
		must((worker->id ? put_until(&p, item, PATIENTLY) :
		      enq_until(mess->queue, item, PATIENTLY)) == 0);
		atomic_store(&mess->put[worker->id], n + 1);
	}
	if (worker->id)
		mapped_close(&p);
}

static void consumer_check(struct mess *mess, __u64 item, __u64 last[HONEST])
{
	__u64 id, number;

	if (!item_is(mess, item, &id, &number))
		return;
	must(!atomic_fetch_add(&mess->seen[id][number], 1));
	/* What came back from another lease comes after what was behind it. */
	if (!mess->consumer) {
		must(number >= last[id]);
		last[id] = number + 1;
	}
}

static void honest_consumer(void *arg)
{
	struct worker *worker = arg;
	struct mess *mess = worker->mess;
	__u64 items[20], last[HONEST] = {};
	struct mapped c;
	int i, n;

	if (worker->id)
		mapped_consumer(&c, mess->queue, RING);
	for (;;) {
		n = worker->id ? take_bulk_until(&c, items, 20, PATIENTLY) :
		    deq_bulk_until(mess->queue, items, 20, PATIENTLY);
		if (n <= 0)
			break;
		for (i = 0; i < n; i++)
			consumer_check(mess, items[i], last);
	}
	must(n == -EPIPE);
}

/* --- Who scribbles: a thread that makes calls, and one that does not stop --- */

struct scribbler {
	struct mess *mess;
	struct mapped m;
	__u64 random;
};

static __u64 scrawl(__u64 *random, __u64 own)
{
	switch (random_below(random, 4)) {
	case 0:
		return random_next(random);
	case 1:
		return own - random_below(random, 2 * RING);
	default:
		return own + random_below(random, 2 * RING);
	}
}

static void *scribble_run(void *arg)
{
	struct scribbler *s = arg;
	bool produces = s->m.info.kind == MPMC_TOKEN_PRODUCER;
	__u64 random = s->random ^ 0x5555;

	while (!atomic_load(&s->mess->end_round)) {
		if (produces)
			*mapped_entry(&s->m, random_next(&random)) =
				random_next(&random);
		/* Mostly where it may well be, so that much is done with it. */
		if (!random_below(&random, 50))
			store_release(s->m.own, scrawl(&random, *s->m.own));
		else if (random_below(&random, 2) && mapped_rest(&s->m) < RING)
			store_release(s->m.own, load_acquire(s->m.own) + 1);
	}
	return NULL;
}

static int producer_call(struct scribbler *s)
{
	__u64 items[RING];
	unsigned int i, n = 1 + random_below(&s->random, RING);

	for (i = 0; i < n; i++)
		items[i] = random_next(&s->random);
	switch (random_below(&s->random, 3)) {
	case 0:
		return token_kick(s->m.fd, n);
	case 1:
		return enq(s->m.fd, items[0]);
	default:
		return enq_bulk(s->m.fd, items, n);
	}
}

static int consumer_call(struct scribbler *s)
{
	unsigned int n = 1 + random_below(&s->random, RING);
	__u64 items[RING], id, number;
	int i, ret;

	switch (random_below(&s->random, 5)) {
	case 0:
		return token_kick(s->m.fd, n);
	case 1:
		return lease_commit(s->m.fd, n);
	case 2:
		return lease_release(s->m.fd, n);
	case 3:
		return lease_fill(s->m.fd, NULL, n);
	default:
		ret = deq_bulk(s->m.fd, items, n);
		for (i = 0; i < ret; i++)
			if (item_is(s->mess, items[i], &id, &number))
				atomic_store(&s->mess->handed[id][number], 1);
		return ret;
	}
}

/* All that it may have been handed is still where it was put by the kernel. */
static void note_handed(struct scribbler *s)
{
	__u64 i, id, number;

	for (i = 0; i < s->m.info.ring_entries; i++)
		if (item_is(s->mess, *mapped_entry(&s->m, i), &id, &number))
			atomic_store(&s->mess->handed[id][number], 1);
}

static void scribble_calls(struct scribbler *s, int calls)
{
	bool produces = s->m.info.kind == MPMC_TOKEN_PRODUCER;
	int ret;

	while (calls-- && !atomic_load(&s->mess->end_round)) {
		ret = produces ? producer_call(s) : consumer_call(s);
		must(ret >= 0 || ret == -EAGAIN || ret == -EIO ||
		     ret == -EINVAL || ret == -EPIPE);
		if (!produces)
			note_handed(s);
	}
}

/* A new token for each few calls; it is closed, or its owner dies. */
static void scribble(struct mess *mess, bool produces)
{
	struct scribbler s = { .mess = mess, .random = now_ns() | 1 };
	pthread_t thread;

	while (!atomic_load(&mess->end_round)) {
		if (produces)
			mapped_producer(&s.m, mess->queue, RING);
		else
			mapped_consumer(&s.m, mess->queue, RING);
		thread = thread_start(scribble_run, &s);
		scribble_calls(&s, 1 + random_below(&s.random, 300));
		if (atomic_load(&mess->end_round) ||
		    !random_below(&s.random, 3))
			raise(SIGKILL);
		/* Its owner can't be stopped: close it under him. */
		close(s.m.fd);
		s.m.fd = -1;
		atomic_store(&mess->end_round, 1);
		thread_join(thread);
		mapped_unmap(&s.m);
		return;
	}
}

static void scribbling_producer(void *arg)
{
	scribble(arg, true);
}

static void scribbling_consumer(void *arg)
{
	scribble(arg, false);
}

/* Whatever comes, as it comes. */
static void taker(void *arg)
{
	struct mess *mess = arg;
	__u64 items[RING];

	while (!atomic_load(&mess->end_round))
		if (deq_bulk(mess->queue, items, RING) < 0)
			sched_yield();
}

/* One of each kind that is wanted, until one of them has had enough. */
static void scribble_round(struct mess *mess)
{
	pid_t producer = 0, consumer = 0, other = 0;

	atomic_store(&mess->end_round, 0);
	if (mess->taken)
		other = spawn(taker, mess);
	if (mess->producer)
		producer = spawn(scribbling_producer, mess);
	if (mess->consumer)
		consumer = spawn(scribbling_consumer, mess);
	usleep(40000);
	atomic_store(&mess->end_round, 1);
	if (producer)
		must(!(reap(producer) & 0xff00));
	if (consumer)
		must(!(reap(consumer) & 0xff00));
	if (other)
		must(!reap(other));
}

/* Each item was seen, or else was handed to who scribbled; how many were not. */
static __u64 mess_lost(struct mess *mess, __u64 *handed)
{
	__u64 id, n, lost = 0;

	*handed = 0;
	for (id = 0; id < HONEST; id++)
		for (n = 0; n < atomic_load(&mess->put[id]); n++) {
			if (atomic_load(&mess->seen[id][n]))
				continue;
			if (atomic_load(&mess->handed[id][n]))
				++*handed;
			else
				lost++;
		}
	return lost;
}

FIXTURE(scribble)
{
	struct mess *mess;
};

FIXTURE_VARIANT(scribble)
{
	bool producer;
	bool consumer;
};

FIXTURE_VARIANT_ADD(scribble, producer) { .producer = true };
FIXTURE_VARIANT_ADD(scribble, consumer) { .consumer = true };
FIXTURE_VARIANT_ADD(scribble, both) { .producer = true, .consumer = true };

FIXTURE_SETUP(scribble)
{
	self->mess = shared_alloc(sizeof(*self->mess));
	self->mess->producer = variant->producer;
	self->mess->consumer = variant->consumer;
	self->mess->key = now_ns() * 0x9e3779b97f4a7c15ULL;
	self->mess->queue = queue_create(CAPACITY, 0);
	ASSERT_LE(0, self->mess->queue);
}

FIXTURE_TEARDOWN(scribble)
{
	close(self->mess->queue);
	munmap(self->mess, sizeof(*self->mess));
}

/*
 * Catches: items of others lost, doubled, out of order, or made by who can't; room
 * that is lost, or that there is twice; anybody held up.
 */
TEST_F(scribble, others_do_not_notice)
{
	struct worker worker[HONEST];
	struct mess *mess = self->mess;
	pid_t producers[HONEST], consumers[HONEST];
	__u64 handed;
	int i;

	for (i = 0; i < HONEST; i++) {
		worker[i] = (struct worker){ .mess = mess, .id = i };
		producers[i] = spawn(honest_producer, &worker[i]);
		consumers[i] = spawn(honest_consumer, &worker[i]);
	}
	for (i = 0; i < ROUNDS; i++)
		scribble_round(mess);
	atomic_store(&mess->end, 1);
	for (i = 0; i < HONEST; i++)
		EXPECT_EQ(0, reap(producers[i]));
	EXPECT_EQ(0, queue_shutdown(mess->queue));
	for (i = 0; i < HONEST; i++)
		EXPECT_EQ(0, reap(consumers[i]));
	EXPECT_EQ(0, mess_lost(mess, &handed));
	TH_LOG("%llu and %llu items, %llu by who scribbled", mess->put[0],
	       mess->put[1], handed);
	EXPECT_LT(100, mess->put[0]);
	EXPECT_LT(100, mess->put[1]);
	if (!variant->consumer)
		EXPECT_EQ(0, handed);
	EXPECT_EQ(0, queue_items(mess->queue));
	EXPECT_EQ(0, queue_state(mess->queue).granted);
	EXPECT_EQ(0, queue_state(mess->queue).leased);
}

static void expect_capacity(struct __test_metadata *_metadata, struct mess *mess)
{
	int i;

	for (i = 0; i < ROUNDS; i++) {
		fill(mess->queue, 1);
		must(take_range(mess->queue, 1, CAPACITY / 2));
		scribble_round(mess);
		drain(mess->queue);
		ASSERT_EQ(CAPACITY, fill(mess->queue, 1));
		ASSERT_EQ(CAPACITY, drain(mess->queue));
	}
}

/* Catches: credits that are lost with a ring that was broken, or found twice. */
TEST_F(scribble, capacity_is_what_it_was)
{
	expect_capacity(_metadata, self->mess);
}

/* The same, while its items are taken: as many as its owner has credits for. */
TEST_F(scribble, capacity_while_taken)
{
	self->mess->taken = true;
	expect_capacity(_metadata, self->mess);
}

TEST_HARNESS_MAIN
