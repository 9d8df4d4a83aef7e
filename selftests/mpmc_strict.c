// SPDX-License-Identifier: GPL-2.0
/*
 * G5: "empty" and "full" are facts, not impressions. Whoever has put an item
 * and not taken one in return knows that there is one; whoever knows that the
 * others cannot fill a queue knows that there is room.
 */
#include <poll.h>

#include "mpmc_mapped.h"

#define WORKERS 4
#define ROUNDS 8000

struct worker {
	int queue;
	int producer;
	int consumer;
	__u32 bulk;
	int index;
	bool shares;		/* its segment with others */
	struct worker *all;
	atomic_uint putting;	/* odd while inside an enqueue */
};

/* What the others are doing: whether one is inside an enqueue, and how many. */
static bool others_putting(struct worker *w, unsigned int *count)
{
	bool putting = false;
	unsigned int state;
	int i;

	*count = 0;
	for (i = 0; i < WORKERS; i++) {
		if (i == w->index)
			continue;
		state = atomic_load(&w->all[i].putting);
		putting |= state & 1;
		*count += state;
	}
	return putting;
}

/*
 * Takes items that are there. Where workers share a segment, one that stands
 * still inside its enqueue hides what is behind its slot (G6: that reads as
 * nothing here yet), so "empty" is a lie only if nobody was there meanwhile.
 */
static int take_sure(struct worker *w, __u64 *items, __u32 max)
{
	unsigned int before, after;
	bool putting;
	int ret;

	do {
		putting = others_putting(w, &before);
		ret = deq_bulk(w->consumer, items, max);
		putting |= others_putting(w, &after);
	} while (ret == -EAGAIN && w->shares && (putting || before != after));
	return ret;
}

/*
 * Puts, and takes as much, of whichever worker. There never are more than
 * WORKERS * bulk items, which is the capacity, so there always is room; and
 * none are taken that someone has not put before, so there always are some.
 */
static void *exchange(void *arg)
{
	struct worker *w = arg;
	__u64 items[8];
	__u32 missing;
	int i, ret;

	memset(items, 1, sizeof(items));
	for (i = 0; i < ROUNDS; i++) {
		if (!(i % 16))
			pin(i / 16 + w->index);
		atomic_fetch_add(&w->putting, 1);
		must(enq_bulk(w->producer, items, w->bulk) == 0);
		atomic_fetch_add(&w->putting, 1);
		for (missing = w->bulk; missing; missing -= ret) {
			ret = take_sure(w, items, missing);
			must(ret > 0);
		}
	}
	return NULL;
}

FIXTURE(strict)
{
	int queue;
};

FIXTURE_VARIANT(strict)
{
	__u32 segments;
	__u32 bulk;
	bool tokens;	/* for every other worker */
	bool all_tokens;
};

FIXTURE_VARIANT_ADD(strict, fifo) { .segments = 1, .bulk = 1 };
FIXTURE_VARIANT_ADD(strict, three) { .segments = 3, .bulk = 1 };
FIXTURE_VARIANT_ADD(strict, sixteen) { .segments = 16, .bulk = 1 };
FIXTURE_VARIANT_ADD(strict, per_cpu) { .bulk = 1 };
FIXTURE_VARIANT_ADD(strict, bulk) { .bulk = 3 };
FIXTURE_VARIANT_ADD(strict, mixed) { .bulk = 1, .tokens = true };
FIXTURE_VARIANT_ADD(strict, mixed_bulk) { .bulk = 5, .tokens = true };
FIXTURE_VARIANT_ADD(strict, tokens)
{
	.bulk = 1, .tokens = true, .all_tokens = true,
};

FIXTURE_SETUP(strict)
{
	self->queue = queue_create(WORKERS * variant->bulk, variant->segments);
	ASSERT_LE(0, self->queue);
}

FIXTURE_TEARDOWN(strict)
{
	close(self->queue);
}

TEST_F(strict, exchange)
{
	struct worker workers[WORKERS];
	pthread_t threads[WORKERS];
	int i;

	for (i = 0; i < WORKERS; i++) {
		workers[i] = (struct worker){
			.queue = self->queue,
			.producer = self->queue,
			.consumer = self->queue,
			.bulk = variant->bulk,
			.index = i,
			.shares = !variant->all_tokens,
			.all = workers,
		};
		if (variant->all_tokens || (variant->tokens && i % 2)) {
			workers[i].producer = producer_create(self->queue, 2);
			workers[i].consumer = consumer_create(self->queue, 2);
		}
		ASSERT_LE(0, workers[i].producer);
		ASSERT_LE(0, workers[i].consumer);
	}
	for (i = 0; i < WORKERS; i++)
		threads[i] = thread_start(exchange, &workers[i]);
	for (i = 0; i < WORKERS; i++)
		thread_join(threads[i]);
	EXPECT_EQ(0, queue_items(self->queue));
}

struct phantom {
	int queue;
	atomic_int done;
};

/* Asks for more than there ever is room for. */
static void *ask_for_too_much(void *arg)
{
	__u64 items[3] = { 1, 2, 3 };
	struct phantom *p = arg;

	while (!atomic_load(&p->done))
		must(enq_bulk(p->queue, items, 3) == -EAGAIN);
	return NULL;
}

/*
 * Two free places, and someone who keeps failing to get three. Catches: room
 * taken on trial and given back, which another takes for a full queue.
 */
TEST(failing_bulk_takes_no_room)
{
	struct phantom p = { .queue = queue_create(10, 0) };
	__u64 items[2] = { 1, 2 };
	pthread_t threads[2];
	int i;

	ASSERT_LE(0, p.queue);
	put_range(p.queue, 1, 8);
	threads[0] = thread_start(ask_for_too_much, &p);
	threads[1] = thread_start(ask_for_too_much, &p);
	for (i = 0; i < ROUNDS; i++) {
		pin(i / 32);
		must(enq_bulk(p.queue, items, 2) == 0);
		must(deq_bulk(p.queue, items, 2) == 2);
	}
	atomic_store(&p.done, 1);
	thread_join(threads[0]);
	thread_join(threads[1]);
	EXPECT_EQ(8, queue_items(p.queue));
	close(p.queue);
}

#define ATTEMPTS 1000000

struct contest {
	int queue;
	atomic_int done;
	/* Attempts of the bulk, begun and over, and which of them had success */
	atomic_int begun;
	atomic_int over;
	atomic_uchar success[ATTEMPTS];
	atomic_int refused;
};

static void *contest_bulk(void *arg)
{
	struct contest *c = arg;
	__u64 items[2] = { 1, 2 };
	int i, n, ret;

	for (i = 0; i < ATTEMPTS && !atomic_load(&c->done); i++) {
		atomic_store(&c->begun, i + 1);
		ret = enq_bulk(c->queue, items, 2);
		must(!ret || ret == -EAGAIN);
		if (!ret) {
			atomic_store(&c->success[i], 1);
			for (n = 2; n; n -= ret) {
				ret = deq_bulk(c->queue, items, n);
				must(ret > 0 || ret == -EAGAIN);
				if (ret < 0)
					ret = 0;
			}
		}
		atomic_store(&c->over, i + 1);
	}
	return NULL;
}

/* Whether an attempt that was at work between two moments had success. */
static bool contest_lost(struct contest *c, int over, int begun)
{
	while (atomic_load(&c->over) < begun)
		sched_yield();
	while (over < begun)
		if (atomic_load(&c->success[over++]))
			return true;
	return false;
}

static void *contest_single(void *arg)
{
	struct contest *c = arg;
	int i, ret, over;
	__u64 item;

	for (i = 0; i < ROUNDS; i++) {
		over = atomic_load(&c->over);
		ret = enq(c->queue, i);
		if (ret) {
			must(ret == -EAGAIN);
			must(contest_lost(c, over, atomic_load(&c->begun)));
			atomic_fetch_add(&c->refused, 1);
			continue;
		}
		while (deq(c->queue, &item) != 1)
			;
	}
	return NULL;
}

/*
 * Two places, two who want one each, and a third who wants both. Refused may
 * be who finds both taken; but not because of the third's attempt if that one
 * was refused as well: then there was room for somebody.
 */
TEST(refused_bulk_refuses_no_one)
{
	struct contest *c = shared_alloc(sizeof(*c));
	pthread_t bulk, singles[2];
	int i;

	c->queue = queue_create(10, 0);
	ASSERT_LE(0, c->queue);
	put_range(c->queue, 1, 8);
	bulk = thread_start(contest_bulk, c);
	for (i = 0; i < 2; i++)
		singles[i] = thread_start(contest_single, c);
	for (i = 0; i < 2; i++)
		thread_join(singles[i]);
	atomic_store(&c->done, 1);
	thread_join(bulk);
	EXPECT_EQ(8, queue_items(c->queue));
	TH_LOG("%d attempts in bulk, %d singles refused",
	       atomic_load(&c->begun), atomic_load(&c->refused));
	close(c->queue);
}

struct hops {
	int queue;
	atomic_int done;
	__u64 looked;
	__u64 polled;
};

/* Looks only: by way of a buffer into which nothing can be written. */
static void *look(void *arg)
{
	struct hops *h = arg;

	while (!atomic_load(&h->done)) {
		must(deq_bulk(h->queue, NULL, 1) == -EFAULT);
		h->looked++;
	}
	return NULL;
}

/* The same by poll(), which has no item in its hands meanwhile. */
static void *look_by_poll(void *arg)
{
	struct hops *h = arg;
	struct pollfd fd = { .fd = h->queue, .events = POLLIN };

	while (!atomic_load(&h->done)) {
		must(poll(&fd, 1, 0) == 1);
		h->polled++;
	}
	return NULL;
}

/*
 * The items move: each is put again, by another thread and so elsewhere,
 * before one is taken. Catches: a scan that looks at each place at another
 * time and concludes that all of them are empty at once.
 */
static void *hop(void *arg)
{
	struct hops *h = arg;
	__u64 item;
	int i;

	for (i = 0; i < ROUNDS / 2; i++) {
		must(enq(h->queue, i) == 0);
		must(deq(h->queue, &item) == 1);
	}
	return NULL;
}

/* Now by way of a mapped ring, which is looked at always, and now by a call. */
static void *hop_mapped(void *arg)
{
	struct hops *h = arg;
	struct mapped m;
	__u64 item;
	int i;

	mapped_producer(&m, h->queue, 4);
	for (i = 0; i < ROUNDS / 2; i++) {
		must((i % 3 ? put(&m, i) : enq(h->queue, i)) == 0);
		must(deq(h->queue, &item) == 1);
	}
	mapped_close(&m);
	return NULL;
}

static void expect_found(struct __test_metadata *_metadata, void *(*fn)(void *arg))
{
	struct hops h = { .queue = queue_create(100, 16) };
	pthread_t lookers[2], threads[8];
	int i, round;

	ASSERT_LE(0, h.queue);
	for (i = 0; i < 2; i++)	/* they are there all the time, but for one looker */
		ASSERT_EQ(0, enq(h.queue, 1));
	lookers[0] = thread_start(look, &h);
	lookers[1] = thread_start(look_by_poll, &h);
	for (round = 0; round < 3; round++) {
		for (i = 0; i < 8; i++)
			threads[i] = thread_start(fn, &h);
		for (i = 0; i < 8; i++)
			thread_join(threads[i]);
	}
	atomic_store(&h.done, 1);
	for (i = 0; i < 2; i++)
		thread_join(lookers[i]);
	EXPECT_LT(0, h.looked);
	EXPECT_LT(0, h.polled);
	EXPECT_EQ(2, queue_items(h.queue));
	close(h.queue);
}

TEST(moving_items_are_there)
{
	expect_found(_metadata, hop);
}

TEST(moving_items_are_there_mapped)
{
	expect_found(_metadata, hop_mapped);
}

TEST_HARNESS_MAIN
