// SPDX-License-Identifier: GPL-2.0
/* Tokens: rings and what does not fit into them, owners, lifetimes, limits. */
#include "mpmc_test.h"

TEST(info_and_counts)
{
	int queue = queue_create(100, 0), producers[3], consumers[2], i;
	struct mpmc_token_info info;

	ASSERT_LE(0, queue);
	for (i = 0; i < 3; i++) {
		producers[i] = producer_create(queue, 1 << i);
		ASSERT_LE(0, producers[i]);
		EXPECT_EQ(i + 1, queue_state(queue).producers);
	}
	for (i = 0; i < 2; i++) {
		consumers[i] = consumer_create(queue, 1 << i);
		ASSERT_LE(0, consumers[i]);
		EXPECT_EQ(i + 1, queue_state(queue).consumers);
	}
	put_range(producers[1], 1, 5);
	ASSERT_EQ(0, token_info(producers[1], &info));
	EXPECT_EQ(MPMC_TOKEN_PRODUCER, info.kind);
	EXPECT_EQ(2, info.ring_entries);
	EXPECT_EQ(5, info.items);
	ASSERT_EQ(0, token_info(producers[0], &info));
	EXPECT_EQ(0, info.items);
	ASSERT_EQ(0, token_info(consumers[1], &info));
	EXPECT_EQ(MPMC_TOKEN_CONSUMER, info.kind);
	EXPECT_EQ(2, info.ring_entries);
	EXPECT_EQ(0, info.items);
	close(producers[0]);
	EXPECT_EQ(2, queue_state(queue).producers);
	close(consumers[0]);
	EXPECT_EQ(1, queue_state(queue).consumers);
	EXPECT_EQ(5, queue_items(queue));
	close(producers[1]);
	close(producers[2]);
	close(consumers[1]);
	EXPECT_EQ(0, queue_state(queue).producers);
	EXPECT_EQ(0, queue_state(queue).consumers);
	EXPECT_TRUE(take_range(queue, 1, 5));
	close(queue);
}

FIXTURE(ring)
{
	int queue;
	int producer;
	int consumer;
	__u32 entries;
};

FIXTURE_VARIANT(ring)
{
	__u32 entries;	/* 0: the largest there is */
};

FIXTURE_VARIANT_ADD(ring, 1) { .entries = 1 };
FIXTURE_VARIANT_ADD(ring, 2) { .entries = 2 };
FIXTURE_VARIANT_ADD(ring, 3) { .entries = 3 };
FIXTURE_VARIANT_ADD(ring, 5) { .entries = 5 };
FIXTURE_VARIANT_ADD(ring, 64) { .entries = 64 };
FIXTURE_VARIANT_ADD(ring, 1000) { .entries = 1000 };
FIXTURE_VARIANT_ADD(ring, 4096) { .entries = 4096 };
FIXTURE_VARIANT_ADD(ring, largest) { .entries = 0 };

FIXTURE_SETUP(ring)
{
	struct mpmc_device_info info;

	ASSERT_EQ(0, device_info(&info));
	self->entries = variant->entries ? variant->entries :
					   info.max_ring_entries;
	self->queue = queue_create(3ULL * self->entries + 10, 0);
	ASSERT_LE(0, self->queue);
	self->producer = producer_create(self->queue, self->entries);
	ASSERT_LE(0, self->producer);
	self->consumer = consumer_create(self->queue, self->entries);
	ASSERT_LE(0, self->consumer);
}

FIXTURE_TEARDOWN(ring)
{
	close(self->producer);
	close(self->consumer);
	close(self->queue);
}

/*
 * Far more than the ring holds, so the rest is elsewhere, and then taken again
 * while more comes: what went elsewhere must not be overtaken by what fits.
 * Catches: a token limited to its ring (G4), order lost at the seam (G2).
 */
TEST_F(ring, overflow_keeps_order)
{
	__u64 all = 3ULL * self->entries + 10, first = 1, n, i;
	__u64 rng = 3202034522624059733ULL;
	int fds[] = { self->queue, self->consumer };

	put_range(self->producer, first, all);
	EXPECT_EQ(-EAGAIN, enq(self->producer, 1));
	EXPECT_EQ(-EAGAIN, enq(self->queue, 1));
	for (i = 0; i < 60; i++) {
		n = 1 + random_below(&rng, self->entries < 500 ?
						   self->entries + 5 : 500);
		ASSERT_TRUE(take_range(fds[i % 2], first, n));
		/* Not always as many as there is room for. */
		put_range(self->producer, first + all, n);
		first += n;
		EXPECT_EQ(all, queue_items(self->queue));
		EXPECT_EQ(-EAGAIN, enq(self->producer, 1));
	}
	EXPECT_TRUE(take_range(self->consumer, first, all));
	EXPECT_EQ(all, fill(self->queue, 1));
}

/* Round and round the ring, mostly within it. */
TEST_F(ring, wraps)
{
	__u64 first = 1, n, rng = 4101842887655102017ULL;
	int i;

	for (i = 0; i < 100; i++) {
		n = 1 + random_below(&rng, self->entries < 300 ?
						   self->entries : 300);
		put_range(self->producer, first, n);
		ASSERT_TRUE(take_range(i % 3 ? self->consumer : self->queue,
				       first, n));
		first += n;
	}
	EXPECT_EQ(0, queue_items(self->queue));
}

/* By ones through both tokens, and never more in the queue than a few. */
TEST_F(ring, singles)
{
	__u64 item;
	int i;

	for (i = 1; i <= 2000; i++) {
		ASSERT_EQ(0, enq(self->producer, i));
		if (i <= 3)
			continue;
		ASSERT_EQ(1, deq(self->consumer, &item));
		ASSERT_EQ(i - 3, item);
	}
	EXPECT_TRUE(take_range(self->queue, i - 3, 3));
}

/*
 * G4: closing a token leaves its items, which still count, in their order; and
 * frees what it had reserved for itself, no more and no less.
 */
TEST_F(ring, close_with_items)
{
	__u64 all = 3ULL * self->entries + 10;
	int i;

	for (i = 0; i < 3; i++) {
		put_range(self->producer, 1, all);
		close(self->producer);
		EXPECT_EQ(all, queue_items(self->queue));
		EXPECT_EQ(-EAGAIN, enq(self->queue, 1));
		self->producer = producer_create(self->queue, self->entries);
		ASSERT_LE(0, self->producer);
		EXPECT_EQ(-EAGAIN, enq(self->producer, 1));
		EXPECT_TRUE(take_range(i % 2 ? self->queue : self->consumer,
				       1, all));
		EXPECT_EQ(-EAGAIN, deq_bulk(self->queue, &all, 1));
	}
	EXPECT_EQ(all, fill(self->queue, 1));
}

/* A consumer token takes what it is asked for; closing it loses nothing. */
TEST_F(ring, consumer_closed_midway)
{
	__u64 all = 3ULL * self->entries, first;

	put_range(self->queue, 1, all);
	for (first = 1; first < all && first < 100; first++) {
		ASSERT_TRUE(take_range(self->consumer, first, 1));
		EXPECT_EQ(0, queue_state(self->queue).leased);
		EXPECT_EQ(all - first, queue_items(self->queue));
		close(self->consumer);
		self->consumer = consumer_create(self->queue, self->entries);
		ASSERT_LE(0, self->consumer);
	}
	EXPECT_TRUE(take_range(self->queue, first, all + 1 - first));
}

/* G4 through a single token, and with rings that outnumber the capacity. */
TEST(capacity_through_tokens)
{
	static const int capacities[] = { 1, 2, 3, 7, 100, 1000, 4097 };
	int tokens[8], queue, n, t;
	unsigned int i;
	__u64 count;

	for (i = 0; i < ARRAY_SIZE(capacities); i++) {
		n = capacities[i];
		queue = queue_create(n, 0);
		ASSERT_LE(0, queue);
		for (t = 0; t < 8; t++) {
			tokens[t] = producer_create(queue, 1 << t);
			ASSERT_LE(0, tokens[t]);
		}
		for (t = 0; t < 8; t++) {
			EXPECT_EQ(n, fill(tokens[t], 1));
			EXPECT_EQ(n, queue_items(queue));
			EXPECT_EQ(-EAGAIN, enq(tokens[(t + 1) % 8], 1));
			EXPECT_TRUE(take_range(queue, 1, n));
		}
		/* One item through each in turn, until there is no room. */
		for (count = 0; !enq(tokens[count % 8], count); count++)
			;
		EXPECT_EQ(n, count);
		for (t = 0; t < 8; t++) {
			EXPECT_EQ(-EAGAIN, enq(tokens[t], 1));
			close(tokens[t]);
			EXPECT_EQ(-EAGAIN, enq(queue, 1));
		}
		EXPECT_EQ(n, drain(queue));
		EXPECT_EQ(n, fill(queue, 1));
		close(queue);
	}
}

struct holder {
	int queue;
	int token;
	bool producer;
};

static void *holder_wait(void *arg)
{
	struct holder *h = arg;
	__u64 item;

	if (h->producer)
		must(enq_until(h->token, 7, MPMC_FOREVER) == 0);
	else
		must(deq_until(h->token, &item, MPMC_FOREVER) == 1);
	return NULL;
}

/* A token has one user at a time: one that sleeps inside is a user too. */
TEST(busy)
{
	struct holder p = { .producer = true }, c = { .producer = false };
	struct mpmc_token_info info;
	__u64 items[2] = { 1, 2 };
	pthread_t thread;

	p.queue = queue_create(1, 0);
	ASSERT_LE(0, p.queue);
	p.token = producer_create(p.queue, 0);
	ASSERT_LE(0, p.token);
	c.token = consumer_create(p.queue, 0);
	ASSERT_LE(0, c.token);
	thread = thread_start(holder_wait, &c);
	ASSERT_TRUE(wait_for_dequeuers(p.queue, 1));
	EXPECT_EQ(-EBUSY, deq(c.token, items));
	EXPECT_EQ(-EBUSY, deq_bulk(c.token, items, 2));
	EXPECT_EQ(-EBUSY, deq_until(c.token, items, MPMC_FOREVER));
	EXPECT_EQ(0, token_info(c.token, &info));
	ASSERT_EQ(0, enq(p.token, 1));
	thread_join(thread);
	EXPECT_EQ(-EAGAIN, deq(c.token, items));

	ASSERT_EQ(0, enq(p.token, 1));
	thread = thread_start(holder_wait, &p);
	ASSERT_TRUE(wait_for_enqueuers(p.queue, 1));
	EXPECT_EQ(-EBUSY, enq(p.token, 2));
	EXPECT_EQ(-EBUSY, enq_bulk(p.token, items, 1));
	EXPECT_EQ(-EBUSY, enq_until(p.token, 2, MPMC_FOREVER));
	EXPECT_EQ(0, token_info(p.token, &info));
	ASSERT_EQ(1, deq(c.token, items));
	thread_join(thread);
	EXPECT_EQ(-EAGAIN, enq(p.token, 2));
	close(p.token);
	close(c.token);
	close(p.queue);
}

static void busy_child(void *arg)
{
	struct holder *h = arg;
	__u64 item;

	must(h->producer ? enq(h->token, 1) == -EBUSY :
			   deq(h->token, &item) == -EBUSY);
}

/* The other user may be another process. */
TEST(busy_across_processes)
{
	struct holder c = { .producer = false };
	pthread_t thread;

	c.queue = queue_create(1, 0);
	ASSERT_LE(0, c.queue);
	c.token = consumer_create(c.queue, 0);
	ASSERT_LE(0, c.token);
	thread = thread_start(holder_wait, &c);
	ASSERT_TRUE(wait_for_dequeuers(c.queue, 1));
	EXPECT_EQ(0, reap(spawn(busy_child, &c)));
	ASSERT_EQ(0, enq(c.queue, 1));
	thread_join(thread);
}

struct rival {
	int token;
	bool producer;
	atomic_int *stop;
	__u64 count;
	__u64 busy;
};

static void *rival_run(void *arg)
{
	struct rival *r = arg;
	__u64 items[3] = { 1, 2, 3 };
	int ret;

	while (!atomic_load(r->stop)) {
		ret = r->producer ? enq_bulk(r->token, items, 3) :
				    deq_bulk(r->token, items, 3);
		must(ret >= 0 || ret == -EBUSY || ret == -EAGAIN);
		r->busy += ret == -EBUSY;
		if (ret >= 0)
			r->count += r->producer ? 3 : ret;
	}
	return NULL;
}

/*
 * Two threads on one producer token and two on one consumer token, which is
 * their mistake alone: each call does all or is told EBUSY, and items stay
 * what they are.
 */
TEST(rivals)
{
	int i, queue = queue_create(64, 0);
	struct rival rivals[4] = {};
	pthread_t threads[4];
	atomic_int stop = 0;
	__u64 left;

	ASSERT_LE(0, queue);
	rivals[0].token = producer_create(queue, 4);
	rivals[2].token = consumer_create(queue, 4);
	ASSERT_LE(0, rivals[0].token);
	ASSERT_LE(0, rivals[2].token);
	rivals[1].token = rivals[0].token;
	rivals[3].token = rivals[2].token;
	for (i = 0; i < 4; i++) {
		rivals[i].producer = i < 2;
		rivals[i].stop = &stop;
		threads[i] = thread_start(rival_run, &rivals[i]);
	}
	spin_ns(500 * NSEC_PER_MSEC);
	atomic_store(&stop, 1);
	for (i = 0; i < 4; i++)
		thread_join(threads[i]);
	left = drain(queue);
	EXPECT_EQ(rivals[0].count + rivals[1].count,
		  rivals[2].count + rivals[3].count + left);
	EXPECT_LT(0, rivals[2].count + rivals[3].count);
	EXPECT_EQ(64, fill(queue, 1));
	close(rivals[0].token);
	close(rivals[2].token);
	close(queue);
}

/* Tokens keep their queue: it is gone only when they are. */
TEST(outlive_the_queue_fd)
{
	int queue = queue_create(100, 0), producer, consumer;
	__u64 item;

	ASSERT_LE(0, queue);
	producer = producer_create(queue, 4);
	consumer = consumer_create(queue, 4);
	ASSERT_LE(0, producer);
	ASSERT_LE(0, consumer);
	put_range(queue, 1, 10);
	close(queue);
	EXPECT_TRUE(take_range(consumer, 1, 10));
	put_range(producer, 11, 100);
	EXPECT_EQ(-EAGAIN, enq(producer, 1));
	close(producer);
	EXPECT_TRUE(take_range(consumer, 11, 100));
	EXPECT_EQ(-EAGAIN, deq(consumer, &item));
	close(consumer);
}

TEST(shut_down)
{
	int queue = queue_create(100, 0), producer, consumer, late;
	__u64 item;

	ASSERT_LE(0, queue);
	producer = producer_create(queue, 4);
	consumer = consumer_create(queue, 4);
	ASSERT_LE(0, producer);
	ASSERT_LE(0, consumer);
	put_range(producer, 1, 10);
	ASSERT_EQ(0, queue_shutdown(queue));
	EXPECT_EQ(-EPIPE, enq(producer, 1));
	EXPECT_EQ(-EPIPE, enq_until(producer, 1, MPMC_FOREVER));
	EXPECT_EQ(-EPIPE, producer_create(queue, 0));
	EXPECT_TRUE(take_range(consumer, 1, 5));
	/* What is left may still be taken, by newcomers too. */
	late = consumer_create(queue, 0);
	ASSERT_LE(0, late);
	EXPECT_TRUE(take_range(late, 6, 5));
	EXPECT_EQ(-EPIPE, deq(late, &item));
	EXPECT_EQ(-EPIPE, deq(consumer, &item));
	EXPECT_EQ(-EPIPE, deq_until(consumer, &item, MPMC_FOREVER));
	close(late);
	close(producer);
	close(consumer);
	close(queue);
}

/* Catches: what a token took from the queue not given back at its end. */
TEST(come_and_go)
{
	int i, queue = queue_create(50, 0), producer, consumer;
	__u64 item;

	ASSERT_LE(0, queue);
	for (i = 0; i < 1000; i++) {
		producer = producer_create(queue, 1 << i % 8);
		ASSERT_LE(0, producer);
		consumer = consumer_create(queue, 1 << i % 8);
		ASSERT_LE(0, consumer);
		ASSERT_EQ(0, enq(producer, i));
		if (i % 2)
			close(producer);
		ASSERT_EQ(1, deq(consumer, &item));
		ASSERT_EQ(i, item);
		if (!(i % 2))
			close(producer);
		close(consumer);
	}
	EXPECT_EQ(0, queue_state(queue).producers);
	EXPECT_EQ(50, fill(queue, 1));
	EXPECT_EQ(50, drain(queue));
	close(queue);
}

/*
 * Closed with items in it, a token goes when they have been taken. Catches: one
 * that stays, counted among the most that a queue can have.
 */
TEST(closed_and_drained)
{
	int i, queue = queue_create(10, 0), producer;
	struct mpmc_device_info info;

	ASSERT_LE(0, queue);
	ASSERT_EQ(0, device_info(&info));
	for (i = 0; i < (int)info.max_tokens + 100; i++) {
		producer = producer_create(queue, 2);
		ASSERT_LE(0, producer) {
			TH_LOG("the %d. token", i + 1);
		}
		put_range(producer, 1, 1 + i % 4);	/* more than its ring */
		close(producer);
		ASSERT_TRUE(take_range(queue, 1, 1 + i % 4));
	}
	close(queue);
}

/* A thousand at a time, each with an item; a hundred of them asked again. */
TEST(many)
{
	static int tokens[1000];
	int i, queue = queue_create(1000, 0);
	__u64 item, sum = 0;

	ASSERT_LE(0, queue);
	allow_fds(1100);
	for (i = 0; i < 1000; i++) {
		tokens[i] = producer_create(queue, 1);
		ASSERT_LE(0, tokens[i]);
		ASSERT_EQ(0, enq(tokens[i], i));
	}
	EXPECT_EQ(-EAGAIN, enq(tokens[0], 1));
	for (i = 0; i < 1000; i++) {
		ASSERT_EQ(1, deq(queue, &item));
		sum += item;
	}
	EXPECT_EQ(999 * 1000 / 2, sum);
	for (i = 0; i < 1000; i++)
		close(tokens[i]);
	EXPECT_EQ(1000, fill(queue, 1));
	close(queue);
}

/* The limit holds for each kind by itself, and a closed one makes room. */
TEST(limit)
{
	unsigned long cmds[] = {
		MPMC_IOC_PRODUCER_CREATE, MPMC_IOC_CONSUMER_CREATE,
	};
	struct mpmc_device_info info;
	int i, k, *tokens, queue = queue_create(10, 0);

	ASSERT_LE(0, queue);
	ASSERT_EQ(0, device_info(&info));
	allow_fds(2 * info.max_tokens + 100);
	tokens = calloc(2 * info.max_tokens, sizeof(*tokens));
	for (k = 0; k < 2; k++) {
		for (i = 0; i < (int)info.max_tokens; i++) {
			*tokens = token_create(queue, cmds[k], 1);
			ASSERT_LE(0, *tokens++);
		}
		EXPECT_EQ(-ENOSPC, token_create(queue, cmds[k], 1));
		close(tokens[-1]);
		tokens[-1] = token_create(queue, cmds[k], 1);
		EXPECT_LE(0, tokens[-1]);
		EXPECT_EQ(-ENOSPC, token_create(queue, cmds[k], 1));
	}
	for (i = 2 * info.max_tokens; i--;)
		close(*--tokens);
	EXPECT_EQ(0, queue_state(queue).producers);
	EXPECT_EQ(0, queue_state(queue).consumers);
	EXPECT_EQ(10, fill(queue, 1));
	free(tokens);
	close(queue);
}

#define SEAM_ITEMS 60000

static void *seam_produce(void *arg)
{
	__u64 items[3], next = 0;
	int i, n, producer = *(int *)arg;

	while (next < SEAM_ITEMS) {
		n = 1 + next % 3;
		for (i = 0; i < n; i++)
			items[i] = next++;
		must(enq_bulk_until(producer, items, n, MPMC_FOREVER) == 0);
	}
	return NULL;
}

/*
 * A ring of one and more items than that at once, while they are taken: the
 * items go now into the ring and now elsewhere, all the time. Catches: a
 * consumer that looks at one place, is held up, and takes from the other what
 * is newer than what has come to the first meanwhile (G2).
 */
TEST(order_at_the_seam)
{
	int queue = queue_create(64, 0), producer = producer_create(queue, 1);
	pthread_t thread = thread_start(seam_produce, &producer);
	__u64 items[4], next = 0;
	int i, n;

	while (next < SEAM_ITEMS) {
		n = deq_bulk_until(queue, items, 1 + next % 4, MPMC_FOREVER);
		ASSERT_LT(0, n);
		for (i = 0; i < n; i++)
			ASSERT_EQ(next++, items[i]);
	}
	thread_join(thread);
	close(producer);
	close(queue);
}

/*
 * One segment: one strict FIFO, whoever puts, and however. Catches: tokens
 * whose rings are FIFOs of their own beside it.
 */
TEST(strict_fifo)
{
	int queue = queue_create(10000, 1), fds[4], i;
	__u64 rng = 88172645463325252ULL, first = 1, count;

	ASSERT_LE(0, queue);
	fds[0] = queue;
	for (i = 1; i < 4; i++) {
		fds[i] = producer_create(queue, 4);
		ASSERT_LE(0, fds[i]);
	}
	for (i = 0; i < 1000; i++) {
		count = 1 + random_below(&rng, 9);
		put_range(fds[random_below(&rng, 4)], first, count);
		first += count;
	}
	for (i = 1; i < 4; i++)
		close(fds[i]);
	EXPECT_TRUE(take_range(queue, 1, first - 1));
	EXPECT_EQ(10000, fill(queue, 1));
	close(queue);
}

TEST_HARNESS_MAIN
