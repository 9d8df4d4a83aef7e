// SPDX-License-Identifier: GPL-2.0
/*
 * Items through mapped rings: all of them, once, in order (G1, G2), as many as
 * the queue has room for and no more (G4), and whoever dies meanwhile (G8).
 */
#include "mpmc_mapped.h"

#define PATIENTLY in_ms(20000)

/* --- Order and counts --- */

#define PRODUCERS 2
#define CONSUMERS 2
#define ITEMS_MAX 200000

struct flow {
	int queue;
	__u64 capacity;
	__u32 ring;
	__u32 bulk;
	__u32 items;		/* of each producer */
	bool mixed;		/* mapped and by calls, in turn, at random */
	atomic_int next;	/* producer */
	atomic_uchar seen[PRODUCERS][ITEMS_MAX];
};

static int put_somehow(struct mapped *p, const struct flow *flow,
		       __u64 *random, const __u64 *items, __u32 n)
{
	if (flow->mixed && random_below(random, 2))
		return enq_bulk_until(p->fd, items, n, PATIENTLY);
	return put_bulk_until(p, items, n, PATIENTLY);
}

/* An item is the producer << 32 | its number. */
static void flow_produce(void *arg)
{
	struct flow *flow = arg;
	__u64 id = atomic_fetch_add(&flow->next, 1), random = id * 77 + 1;
	__u64 *items = calloc(flow->bulk, sizeof(*items));
	__u32 done, n, i;
	struct mapped p;

	mapped_producer(&p, flow->queue, flow->ring);
	for (done = 0; done < flow->items; done += n) {
		n = 1 + random_below(&random, flow->bulk);
		n = n < flow->items - done ? n : flow->items - done;
		for (i = 0; i < n; i++)
			items[i] = id << 32 | (done + i);
		must(put_somehow(&p, flow, &random, items, n) == 0);
	}
	mapped_close(&p);
}

static int take_leased(struct mapped *c, struct mpmc_lease_item *items,
		       __u64 *to, __u32 max)
{
	int ret = lease_fill_flags(c->fd, items, max, 0, PATIENTLY), i;

	for (i = 0; i < ret; i++) {
		must(items[i].deliveries == 1);
		to[i] = items[i].value;
	}
	if (ret > 0)
		must(lease_commit(c->fd, ret) == 0);
	return ret;
}

#define TAKE_MAX 100

static int take_somehow(struct mapped *c, const struct flow *flow,
			__u64 *random, __u64 *items)
{
	static struct mpmc_lease_item leased[TAKE_MAX];
	__u32 max = 1 + random_below(random, TAKE_MAX);

	switch (flow->mixed ? random_below(random, 3) : 0) {
	case 1:
		return deq_bulk_until(c->fd, items, max, PATIENTLY);
	case 2:
		return take_leased(c, leased, items, max);
	default:
		return take_bulk_until(c, items, max, PATIENTLY);
	}
}

static void flow_consume(void *arg)
{
	struct flow *flow = arg;
	__u64 items[TAKE_MAX], random = getpid(), id;
	__s64 last[PRODUCERS] = { -1, -1 };
	struct mapped c;
	int ret, i;

	mapped_consumer(&c, flow->queue, flow->ring);
	while ((ret = take_somehow(&c, flow, &random, items)) > 0) {
		for (i = 0; i < ret; i++) {
			id = items[i] >> 32;
			must(id < PRODUCERS);
			must((__u32)items[i] < flow->items);
			must((__s64)(__u32)items[i] > last[id]);
			last[id] = (__u32)items[i];
			must(!flow->seen[id][last[id]]++);
		}
	}
	must(ret == -EPIPE);
	mapped_close(&c);
}

static void flow_check(struct __test_metadata *_metadata, struct flow *flow)
{
	__u32 id, i, missing = 0;

	for (id = 0; id < PRODUCERS; id++)
		for (i = 0; i < flow->items; i++)
			missing += flow->seen[id][i] != 1;
	EXPECT_EQ(0, missing);
	EXPECT_EQ(0, queue_items(flow->queue));
	EXPECT_EQ(0, queue_state(flow->queue).granted);
	EXPECT_EQ(0, queue_state(flow->queue).redelivered);
}

FIXTURE(flow)
{
	struct flow *flow;
};

FIXTURE_VARIANT(flow)
{
	__u64 capacity;
	__u32 ring;
	__u32 bulk;
	__u32 items;
	bool mixed;
	bool stall;	/* consumers are stopped now and then */
};

#define FLOW(name, ...) FIXTURE_VARIANT_ADD(flow, name) { __VA_ARGS__ }

FLOW(ring_of_1, .capacity = 64, .ring = 1, .bulk = 1, .items = 5000);
FLOW(ring_of_2, .capacity = 1000, .ring = 2, .bulk = 7, .items = 20000);
FLOW(ring_of_16, .capacity = 20000, .ring = 16, .bulk = 50, .items = 50000);
FLOW(ring_of_1024, .capacity = 20000, .ring = 1024, .bulk = 100,
     .items = 200000);
FLOW(largest_ring, .capacity = 200000, .ring = 65536, .bulk = 1000,
     .items = 200000);
FLOW(bulks_beyond_the_ring, .capacity = 3000, .ring = 64, .bulk = 1000,
     .items = 100000);
FLOW(capacity_of_1, .capacity = 1, .ring = 8, .bulk = 1, .items = 1000);
FLOW(mixed, .capacity = 3000, .ring = 64, .bulk = 100, .items = 50000,
     .mixed = true);
FLOW(mixed_small, .capacity = 16, .ring = 4, .bulk = 12, .items = 5000,
     .mixed = true);
FLOW(stalled_consumers, .capacity = 100000, .ring = 8, .bulk = 20,
     .items = 100000, .stall = true);
FLOW(stalled_mixed, .capacity = 1000, .ring = 32, .bulk = 40,
     .items = 50000, .mixed = true, .stall = true);

FIXTURE_SETUP(flow)
{
	struct flow *flow = shared_alloc(sizeof(*flow));

	self->flow = flow;
	flow->queue = queue_create(variant->capacity, 0);
	ASSERT_LE(0, flow->queue);
	flow->capacity = variant->capacity;
	flow->ring = variant->ring;
	flow->bulk = variant->bulk;
	flow->items = variant->items;
	flow->mixed = variant->mixed;
}

FIXTURE_TEARDOWN(flow)
{
	close(self->flow->queue);
	munmap(self->flow, sizeof(*self->flow));
}

/* Stop each for a while, wherever it is, until the producers are through. */
static void stall(struct flow *flow, const pid_t *consumers)
{
	int i;

	for (i = 0; i < 20 && queue_state(flow->queue).producers; i++) {
		kill(consumers[i % CONSUMERS], SIGSTOP);
		usleep(5000);
		kill(consumers[i % CONSUMERS], SIGCONT);
	}
}

/*
 * Catches: items lost or doubled, or out of order, between ring and chunk, from
 * one lap to the next, or between what is mapped and what calls do.
 */
TEST_F(flow, all_once_in_order)
{
	struct flow *flow = self->flow;
	pid_t producers[PRODUCERS], consumers[CONSUMERS];
	int i;

	for (i = 0; i < CONSUMERS; i++)
		consumers[i] = spawn(flow_consume, flow);
	for (i = 0; i < PRODUCERS; i++)
		producers[i] = spawn(flow_produce, flow);
	if (variant->stall)
		stall(flow, consumers);
	for (i = 0; i < PRODUCERS; i++)
		EXPECT_EQ(0, reap(producers[i]));
	ASSERT_EQ(0, queue_shutdown(flow->queue));
	for (i = 0; i < CONSUMERS; i++)
		EXPECT_EQ(0, reap(consumers[i]));
	flow_check(_metadata, flow);
}

/*
 * As much as there is room for before anybody takes. Catches: an order that is
 * that of one chunk only; a ring that is lost behind the last one.
 */
TEST(many_chunks)
{
	struct mapped p, c;
	int queue = queue_create(100000, 0);
	__u64 i, item, items[100];
	int n, round;

	ASSERT_LE(0, queue);
	mapped_producer(&p, queue, 8);
	mapped_consumer(&c, queue, 64);
	for (round = 0; round < 2; round++) {
		for (i = 0; i < 100000; i++)
			ASSERT_EQ(0, put(&p, i));
		ASSERT_EQ(-EAGAIN, put(&p, i));
		EXPECT_EQ(100000, queue_items(queue));
		for (i = 0; i < 50000; i += n) {
			n = take_bulk_until(&c, items, 100, 0);
			ASSERT_LT(0, n);
			ASSERT_EQ(i, items[0]);
			ASSERT_EQ(i + n - 1, items[n - 1]);
		}
		for (; take(&c, &item) == 1; i++)
			ASSERT_EQ(i, item);
		ASSERT_EQ(100000, i);
	}
	mapped_close(&p);
	mapped_close(&c);
	EXPECT_EQ(100000, fill(queue, 1));
	close(queue);
}

/*
 * A bulk that the ring has no place for, all or none (G3). Catches: a part of it
 * put, or what is in the ring overtaken.
 */
TEST(bulk_beyond_the_room)
{
	int queue = queue_create(100, 0), i;
	__u64 items[100];
	struct mapped p;

	ASSERT_LE(0, queue);
	for (i = 0; i < 100; i++)
		items[i] = i;
	mapped_producer(&p, queue, 16);
	ASSERT_EQ(0, put_bulk(&p, items, 1));
	ASSERT_LT(0, mapped_rest(&p));
	ASSERT_EQ(0, put_bulk(&p, items + 1, 1));
	EXPECT_EQ(-EAGAIN, put_bulk(&p, items, 99));
	EXPECT_EQ(-EMSGSIZE, enq_bulk(p.fd, items, 101));
	EXPECT_EQ(2, queue_items(queue));
	EXPECT_EQ(0, put_bulk(&p, items + 2, 98));
	EXPECT_EQ(0, mapped_rest(&p));
	EXPECT_EQ(-EAGAIN, put_bulk(&p, items, 1));
	EXPECT_TRUE(take_range(queue, 0, 100));
	mapped_close(&p);
	close(queue);
}

/* --- Capacity --- */

#define MOST 8

static const __u64 capacities[] = { 1, 2, 3, 10, 64, 100, 1000, 5000 };

/*
 * With grants out: what is granted is taken, the rest is there. Catches: grants
 * that are counted twice, or not at all.
 */
static void fill_beside_grants(struct __test_metadata *_metadata,
			       __u64 capacity, int producers)
{
	int queue = queue_create(capacity, 0), i;
	struct mapped p[MOST];
	__u64 put_there = 0, granted = 0;

	ASSERT_LE(0, queue);
	for (i = 0; i < producers; i++) {
		mapped_producer(&p[i], queue, 64);
		put_there += put(&p[i], 1) == 0;
		put_there += put(&p[i], 1) == 0;
		granted += mapped_rest(&p[i]);
	}
	EXPECT_EQ(granted, queue_state(queue).granted);
	EXPECT_EQ(put_there, queue_items(queue));
	EXPECT_EQ(capacity - put_there - granted, fill(queue, 1));
	/* The room that they have is theirs. */
	for (i = 0; i < producers; i++)
		for (; mapped_rest(&p[i]); put_there++)
			ASSERT_EQ(0, put(&p[i], 1));
	for (i = 0; i < producers; i++)
		EXPECT_EQ(-EAGAIN, put(&p[i], 1));
	EXPECT_EQ(capacity, queue_items(queue));
	EXPECT_EQ(capacity, drain(queue));
	for (i = 0; i < producers; i++)
		mapped_close(&p[i]);
	EXPECT_EQ(capacity, fill(queue, 1));
	close(queue);
}

TEST(capacity_beside_grants)
{
	unsigned int i;
	int n;

	for (i = 0; i < ARRAY_SIZE(capacities); i++)
		for (n = 1; n <= MOST; n *= 2)
			fill_beside_grants(_metadata, capacities[i], n);
}

/* Each in turn until none has room. Catches: "full" with room left for one. */
TEST(capacity_by_producers_alone)
{
	unsigned int i, k;

	for (i = 0; i < ARRAY_SIZE(capacities); i++) {
		int queue = queue_create(capacities[i], 0);
		__u64 n = 0, before;
		struct mapped p[3];

		for (k = 0; k < 3; k++)
			mapped_producer(&p[k], queue, 16);
		do {
			before = n;
			for (k = 0; k < 3; k++)
				n += put(&p[k], 1) == 0;
		} while (n > before);
		EXPECT_EQ(capacities[i], n);
		EXPECT_EQ(0, queue_state(queue).granted);
		EXPECT_EQ(n, drain(queue));
		for (k = 0; k < 3; k++)
			mapped_close(&p[k]);
		close(queue);
	}
}

/*
 * An empty queue that threads without tokens had filled before. Catches: owners
 * who get no room by grant, call after call, because what is free is elsewhere.
 */
TEST(grants_after_others_had_it_all)
{
	int queue = queue_create(4096, 0), i, k;
	__u64 items[100] = {};
	struct mapped p[MOST];

	ASSERT_LE(0, queue);
	for (i = 0; i < MOST; i++)
		mapped_producer(&p[i], queue, 1024);
	for (i = 0; i < MOST; i++) {
		ASSERT_EQ(4096, fill(queue, 1));
		ASSERT_EQ(4096, drain(queue));
		for (k = 0; k < 1000 && !mapped_rest(&p[i]); k++) {
			ASSERT_EQ(0, put_bulk(&p[i], items, 100));
			ASSERT_EQ(100, drain(queue));
		}
		EXPECT_LT(k, 1000) {
			TH_LOG("producer %d", i);
		}
		/* Back it goes, for the next fill. */
		mapped_close(&p[i]);
	}
	close(queue);
}

enum way { CLOSE, UNMAP, EXIT, KILL, WAYS };

struct leaver {
	int queue;
	enum way way;
	atomic_int ready;
};

static void leaver_run(void *arg)
{
	struct leaver *leaver = arg;
	struct mapped p;
	int i;

	mapped_producer(&p, leaver->queue, 64);
	for (i = 0; i < 20; i++)
		must(put(&p, i) == 0);
	must(mapped_rest(&p));
	gate_open(&leaver->ready, 1);
	if (leaver->way == KILL)
		pause();
}

/* Catches: room that goes with its owner (G8). */
TEST(grants_come_back)
{
	struct leaver *leaver = shared_alloc(sizeof(*leaver));
	struct mapped p;
	int i, fd = -1;
	pid_t pid;

	for (i = 0; i < WAYS; i++) {
		leaver->queue = queue_create(500, 0);
		leaver->way = i;
		if (i == CLOSE || i == UNMAP) {
			mapped_producer(&p, leaver->queue, 64);
			for (fd = 0; fd < 20; fd++)
				ASSERT_EQ(0, put(&p, fd));
			ASSERT_LT(0, mapped_rest(&p));
			fd = p.fd;
			i == CLOSE ? mapped_close(&p) : mapped_unmap(&p);
		} else {
			atomic_store(&leaver->ready, 0);
			pid = spawn(leaver_run, leaver);
			gate_wait(&leaver->ready, 1);
			EXPECT_TRUE(i == KILL ? killed(pid) : !reap(pid));
		}
		EXPECT_EQ(0, queue_state(leaver->queue).granted);
		EXPECT_EQ(20, queue_items(leaver->queue));
		EXPECT_EQ(480, fill(leaver->queue, 20));
		EXPECT_EQ(500, drain(leaver->queue));
		EXPECT_EQ(500, fill(leaver->queue, 1));
		if (i == UNMAP)
			close(fd);
		close(leaver->queue);
	}
	munmap(leaver, sizeof(*leaver));
}

/* --- Killed at any point --- */

#define BULK 3

struct victim {
	int queue;
	atomic_ullong put;
};

static void victim_produce(void *arg)
{
	struct victim *victim = arg;
	__u64 n = 0, items[BULK];
	struct mapped p;
	int i;

	mapped_producer(&p, victim->queue, 16);
	for (;;) {
		for (i = 0; i < BULK; i++)
			items[i] = n + i;
		must(put_bulk_until(&p, items, BULK, MPMC_FOREVER) == 0);
		n += BULK;
		atomic_store(&victim->put, n);
	}
}

/*
 * A producer is killed wherever it is. Catches: what it had put lost, a part of
 * a bulk there, room lost.
 */
TEST(producer_killed)
{
	struct victim *victim = shared_alloc(sizeof(*victim));
	__u64 item, n, end, random = 4711;
	int round;
	pid_t pid;

	victim->queue = queue_create(100, 0);
	for (round = 0; round < 100; round++) {
		atomic_store(&victim->put, 0);
		n = 0;
		pid = spawn(victim_produce, victim);
		ASSERT_EQ(1, deq_until(victim->queue, &item, PATIENTLY));
		ASSERT_EQ(n++, item);
		end = now_ns() + random_below(&random, 3000000);
		while (now_ns() < end)
			if (deq(victim->queue, &item) == 1)
				ASSERT_EQ(n++, item);
		ASSERT_TRUE(killed(pid));
		for (; deq(victim->queue, &item) == 1; n++)
			ASSERT_EQ(n, item);
		EXPECT_LE(atomic_load(&victim->put), n);
		EXPECT_GE(atomic_load(&victim->put) + BULK, n);
		EXPECT_EQ(0, n % BULK);
		ASSERT_EQ(100, fill(victim->queue, 1));
		ASSERT_EQ(100, drain(victim->queue));
	}
	close(victim->queue);
	munmap(victim, sizeof(*victim));
}

/* Says how far it is before it commits: what follows is not committed. */
static void victim_consume(void *arg)
{
	struct victim *victim = arg;
	struct mapped c;

	mapped_consumer(&c, victim->queue, 16);
	for (;;) {
		if (!mapped_rest(&c))
			must(lease_fill_flags(c.fd, NULL, 1, MPMC_LEASE_SHARE,
					      PATIENTLY) > 0);
		atomic_store(&victim->put, *mapped_entry(&c, *c.own));
		commit(&c, 1);
	}
}

/*
 * A consumer is killed wherever it is. Catches: leased items lost, or out of
 * order, or handed out again although they had been committed; room lost.
 */
TEST(consumer_killed)
{
	struct victim *victim = shared_alloc(sizeof(*victim));
	__u64 next, seen, item, random = 4712;
	int round;
	pid_t pid;

	victim->queue = queue_create(100, 1);
	for (round = 0; round < 100; round++) {
		ASSERT_EQ(100, fill(victim->queue, 1));
		atomic_store(&victim->put, 0);
		pid = spawn(victim_consume, victim);
		ASSERT_TRUE(eventually(atomic_load(&victim->put)));
		for (next = 101; next < 100 + random_below(&random, 3000); )
			next += enq(victim->queue, next) == 0;
		ASSERT_TRUE(killed(pid));
		seen = atomic_load(&victim->put);
		EXPECT_EQ(0, queue_state(victim->queue).leased);
		if (deq(victim->queue, &item) == 1) {
			EXPECT_GE(item, seen);
			EXPECT_LE(item, seen + 1);
			EXPECT_TRUE(take_range(victim->queue, item + 1,
					       next - item - 1));
		} else {
			EXPECT_EQ(next - 1, seen);
		}
		ASSERT_EQ(100, fill(victim->queue, 1));
		ASSERT_EQ(100, drain(victim->queue));
	}
	close(victim->queue);
	munmap(victim, sizeof(*victim));
}

/*
 * Committed, and nobody has looked since. Catches: it comes again when the token is
 * closed, or its room does not.
 */
TEST(closed_after_a_commit)
{
	int queue = queue_create(8, 0);
	struct mapped c;

	ASSERT_LE(0, queue);
	mapped_consumer(&c, queue, 8);
	ASSERT_EQ(8, fill(queue, 1));
	ASSERT_EQ(8, lease_fill(c.fd, NULL, 8));
	store_release(c.own, *c.own + 3);
	mapped_close(&c);
	EXPECT_EQ(5, queue_items(queue));
	EXPECT_EQ(3, fill(queue, 9));
	EXPECT_TRUE(take_range(queue, 4, 8));
	EXPECT_EQ(0, drain(queue));
	close(queue);
}

/* --- Room --- */

/*
 * Nobody says that there is room; who finds the queue full looks. Catches: room
 * that is only there when the consumer calls (G4, G5).
 */
TEST(commit_is_room_at_once)
{
	int queue = queue_create(64, 0), i;
	struct mapped p, c;
	struct pollfd pfd = { .fd = queue, .events = POLLOUT };

	ASSERT_LE(0, queue);
	mapped_producer(&p, queue, 8);
	mapped_consumer(&c, queue, 64);
	ASSERT_EQ(64, fill(queue, 1));
	ASSERT_EQ(64, lease_fill(c.fd, NULL, 64));
	for (i = 0; i < 20; i++) {
		ASSERT_EQ(-EAGAIN, enq(queue, 1));
		ASSERT_EQ(-EAGAIN, put(&p, 1));
		ASSERT_EQ(0, poll(&pfd, 1, 0));
		store_release(c.own, *c.own + 1);
		if (i % 4 == 0) {
			EXPECT_EQ(1, poll(&pfd, 1, 0));
		} else if (i % 4 == 1) {
			EXPECT_EQ(63, queue_items(queue) +
				      queue_state(queue).leased);
		}
		EXPECT_EQ(0, i % 2 ? enq(queue, 1) : put(&p, 1));
	}
	mapped_close(&c);
	EXPECT_EQ(64, drain(queue));
	mapped_close(&p);
	close(queue);
}

/* --- What need not be looked up --- */

/* Catches: what was handed out before, taken for what was not. */
TEST(fresh)
{
	int queue = queue_create(64, 0);
	struct mapped m;

	mapped_consumer(&m, queue, 16);
	put_range(queue, 1, 8);
	ASSERT_EQ(4, lease_fill(m.fd, NULL, 4));
	EXPECT_EQ(m.token->position, m.token->fresh);
	commit(&m, 1);
	ASSERT_EQ(0, lease_release(m.fd, 3));
	ASSERT_EQ(4, lease_fill(m.fd, NULL, 4));
	EXPECT_EQ(m.token->position - 1, m.token->again);
	EXPECT_GE((__s64)*m.own, (__s64)m.token->fresh);
	commit(&m, 2);
	ASSERT_EQ(2, lease_fill(m.fd, NULL, 2));
	EXPECT_GE((__s64)*m.own, (__s64)m.token->fresh);
	commit(&m, 1);
	ASSERT_EQ(1, lease_fill(m.fd, NULL, 1));
	EXPECT_EQ(m.token->position, m.token->fresh);
	ASSERT_EQ(3, lease_fill(m.fd, NULL, 3));
	EXPECT_EQ(m.token->position, m.token->fresh);
	mapped_close(&m);
	close(queue);
}

TEST_HARNESS_MAIN
