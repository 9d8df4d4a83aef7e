// SPDX-License-Identifier: GPL-2.0
/*
 * G2, G3 and G4 without concurrency worth the name, and with a little: exact
 * capacity from wherever items come, all-or-nothing, and order.
 */
#include "mpmc_test.h"

#define THREADS 4

FIXTURE(basic)
{
	int queue;
};

FIXTURE_VARIANT(basic)
{
	__u64 capacity;
	__u32 segments;
};

FIXTURE_VARIANT_ADD(basic, c1_s0) { .capacity = 1, .segments = 0 };
FIXTURE_VARIANT_ADD(basic, c1_s1) { .capacity = 1, .segments = 1 };
FIXTURE_VARIANT_ADD(basic, c2_s0) { .capacity = 2, .segments = 0 };
FIXTURE_VARIANT_ADD(basic, c3_s3) { .capacity = 3, .segments = 3 };
FIXTURE_VARIANT_ADD(basic, c7_s0) { .capacity = 7, .segments = 0 };
FIXTURE_VARIANT_ADD(basic, c7_s3) { .capacity = 7, .segments = 3 };
FIXTURE_VARIANT_ADD(basic, c100_s0) { .capacity = 100, .segments = 0 };
FIXTURE_VARIANT_ADD(basic, c100_s3) { .capacity = 100, .segments = 3 };
FIXTURE_VARIANT_ADD(basic, c1000_s0) { .capacity = 1000, .segments = 0 };
FIXTURE_VARIANT_ADD(basic, c4097_s0) { .capacity = 4097, .segments = 0 };
FIXTURE_VARIANT_ADD(basic, c4097_s3) { .capacity = 4097, .segments = 3 };
FIXTURE_VARIANT_ADD(basic, c100000_s0) { .capacity = 100000, .segments = 0 };
FIXTURE_VARIANT_ADD(basic, c100000_s1) { .capacity = 100000, .segments = 1 };

FIXTURE_SETUP(basic)
{
	self->queue = queue_create(variant->capacity, variant->segments);
	ASSERT_LE(0, self->queue);
}

FIXTURE_TEARDOWN(basic)
{
	close(self->queue);
}

/*
 * Fills by ones or in bulks of random size (all or nothing, so smaller and
 * smaller ones towards the end); returns how many went in.
 */
static __u64 fill_somehow(int fd, bool bulk, __u64 *rng)
{
	static const __u64 items[BULK_MAX];
	__u32 n, most = BULK_MAX;
	__u64 count = 0;
	int ret;

	while (!bulk && !(ret = enq(fd, count)))
		count++;
	if (!bulk)
		return count;
	while (most) {
		n = 1 + random_below(rng, most);
		ret = enq_bulk(fd, items, n);
		must(!ret || ret == -EAGAIN || ret == -EMSGSIZE);
		if (ret)
			most = n - 1;
		else
			count += n;
	}
	return count;
}

/* Fills from one CPU, sees that no other has room, and drains from a third. */
static void capacity_round(struct __test_metadata *_metadata, int queue,
			   __u64 capacity, int cpu, bool bulk)
{
	__u64 rng = 88172645463325252ULL + cpu;
	int other;

	pin(cpu);
	EXPECT_EQ(capacity, fill_somehow(queue, bulk, &rng));
	for (other = 0; other < cpu_count(); other++) {
		pin(other);
		EXPECT_EQ(-EAGAIN, enq(queue, 1));
	}
	EXPECT_EQ(capacity, queue_items(queue));
	pin(cpu + 1);
	EXPECT_EQ(capacity, drain(queue));
	EXPECT_EQ(0, queue_items(queue));
}

/*
 * Catches: capacity rounded to blocks, batches or powers of two; credits left
 * behind on one CPU that another cannot find; one more or less per round.
 */
TEST_F(basic, capacity_from_each_cpu)
{
	int cpu;

	for (cpu = 0; cpu < cpu_count(); cpu++) {
		if (variant->capacity <= 5000)
			capacity_round(_metadata, self->queue,
				       variant->capacity, cpu, false);
		capacity_round(_metadata, self->queue, variant->capacity, cpu,
			       true);
	}
}

struct filler {
	int fd;
	int cpu;
	bool bulk;
	__u64 count;
};

static void *filler_fill(void *arg)
{
	struct filler *filler = arg;
	__u64 rng = 1442695040888963407ULL + filler->cpu;

	pin(filler->cpu);
	filler->count = fill_somehow(filler->fd, filler->bulk, &rng);
	return NULL;
}

static void *filler_drain(void *arg)
{
	struct filler *filler = arg;
	__u64 item;

	pin(filler->cpu);
	filler->count = 0;
	if (filler->bulk)
		filler->count = drain(filler->fd);
	while (deq(filler->fd, &item) == 1)
		filler->count++;
	return NULL;
}

static __u64 all_at_once(struct filler *fillers, void *(*fn)(void *arg))
{
	pthread_t threads[THREADS];
	__u64 count = 0;
	int i;

	for (i = 0; i < THREADS; i++)
		threads[i] = thread_start(fn, &fillers[i]);
	for (i = 0; i < THREADS; i++) {
		thread_join(threads[i]);
		count += fillers[i].count;
	}
	return count;
}

static int rounds_for(__u64 capacity)
{
	return capacity <= 1000 ? 10 : 2;
}

/*
 * Each thread goes on until it hears "full"; the last to hear so heard it of
 * a full queue. Catches: more than the capacity by a race of two, and "full"
 * while another thread's unused credits or given up attempts are on their way.
 */
static void capacity_rounds(struct __test_metadata *_metadata, int queue,
			    __u64 capacity, struct filler *fillers)
{
	int i, round;
	__u64 left;

	for (round = 0; round < rounds_for(capacity); round++) {
		for (i = 0; i < THREADS; i++)
			fillers[i].bulk = capacity > 5000 || round % 2;
		EXPECT_EQ(capacity, all_at_once(fillers, filler_fill));
		EXPECT_EQ(capacity, queue_items(queue));
		for (i = 0; i < THREADS; i++)
			fillers[i].fd = queue;
		left = all_at_once(fillers, filler_drain);
		EXPECT_EQ(capacity, left);
		EXPECT_EQ(0, queue_items(queue));
	}
}

TEST_F(basic, capacity_from_threads)
{
	struct filler fillers[THREADS];
	int i;

	for (i = 0; i < THREADS; i++)
		fillers[i] = (struct filler){ .fd = self->queue, .cpu = i };
	capacity_rounds(_metadata, self->queue, variant->capacity, fillers);
}

/* The same with every other thread using a token of its own. */
TEST_F(basic, capacity_from_threads_and_tokens)
{
	struct filler fillers[THREADS];
	int i, round, tokens[THREADS];

	for (i = 0; i < THREADS; i++) {
		tokens[i] = self->queue;
		if (i % 2)
			tokens[i] = producer_create(self->queue, 4 * i);
		ASSERT_LE(0, tokens[i]);
	}
	for (round = 0; round < 3; round++) {
		for (i = 0; i < THREADS; i++)
			fillers[i] = (struct filler){ .fd = tokens[i],
						      .cpu = i + round };
		capacity_rounds(_metadata, self->queue, variant->capacity,
				fillers);
	}
}

/* What one thread puts comes out in its order, in whatever bulks. */
TEST_F(basic, order_of_one_thread)
{
	__u64 first = 1, rng = 3935559000370003845ULL;
	int round, n;

	for (round = 0; round < 20; round++) {
		n = variant->capacity < BULK_MAX ? variant->capacity : BULK_MAX;
		n = 1 + random_below(&rng, n);
		put_range(self->queue, first, n);
		EXPECT_TRUE(take_range(self->queue, first, n));
		first += n;
	}
}

/*
 * G2: the thread is on another CPU at every item, and so the CPU cannot be
 * what decides about the order.
 */
TEST_F(basic, order_of_a_migrating_thread)
{
	int i, n = variant->capacity < 100 ? variant->capacity : 100;
	__u64 pair[2];

	for (i = 1; i <= n; i++) {
		pin(i);
		if (i % 3 || i == n) {
			ASSERT_EQ(0, enq(self->queue, i));
		} else {
			pair[0] = i++;
			pair[1] = i;
			ASSERT_EQ(0, enq_bulk(self->queue, pair, 2));
		}
	}
	unpin();
	EXPECT_TRUE(take_range(self->queue, 1, n));
}

struct migration {
	int queue;
	int count;
};

static void *migrate(void *arg)
{
	struct migration *m = arg;
	int i;

	for (i = 1; i <= m->count; i++) {
		pin(i);
		must(!enq_until(m->queue, i, in_ms(20000)));
	}
	return NULL;
}

/* The same with the queue running empty in between, and full. */
TEST_F(basic, order_of_a_migrating_thread_consumed_at_once)
{
	struct migration m = { .queue = self->queue, .count = 200 };
	pthread_t thread = thread_start(migrate, &m);
	__u64 item;
	int i;

	for (i = 1; i <= m.count; i++) {
		ASSERT_EQ(1, deq_until(self->queue, &item, in_ms(20000)));
		ASSERT_EQ(i, item);
	}
	thread_join(thread);
	EXPECT_EQ(0, queue_items(self->queue));
}

/* G3 next to the limit: what does not fit as a whole leaves no trace. */
TEST(bulk_is_all_or_nothing)
{
	__u64 items[10] = { 4, 5, 6, 7, 8, 9, 10, 11, 12, 13 };
	int segments, n, i, fds[2];

	for (segments = 0; segments < 4; segments++) {
		fds[0] = queue_create(10, segments);
		ASSERT_LE(0, fds[0]);
		fds[1] = producer_create(fds[0], 2);
		ASSERT_LE(0, fds[1]);
		for (i = 0; i < 2; i++) {
			put_range(fds[i], 1, 3);
			for (n = 10; n > 7; n--)
				EXPECT_EQ(-EAGAIN, enq_bulk(fds[i], items, n));
			EXPECT_EQ(3, queue_items(fds[0]));
			EXPECT_EQ(0, enq_bulk(fds[i], items, 7));
			EXPECT_EQ(-EAGAIN, enq_bulk(fds[i], items, 1));
			EXPECT_TRUE(take_range(fds[0], 1, 10));
			EXPECT_EQ(-EAGAIN, deq_bulk(fds[0], items, 10));
		}
		close(fds[1]);
		close(fds[0]);
	}
}

static void *put_one(void *arg)
{
	int *fd = arg;

	must(enq(*fd, gettid()) == 0);
	return NULL;
}

/*
 * G3: a bulk takes what there is, also when it lies in many segments and
 * tokens. Catches: a bulk that ends with the first segment.
 */
TEST(bulk_takes_from_all_segments)
{
	int i, queue = queue_create(1000, 8), tokens[8];
	__u64 items[100];
	pthread_t thread;

	ASSERT_LE(0, queue);
	for (i = 0; i < 8; i++) {
		tokens[i] = producer_create(queue, 0);
		ASSERT_LE(0, tokens[i]);
	}
	for (i = 0; i < 32; i++) {
		thread = thread_start(put_one, &queue);
		thread_join(thread);
		ASSERT_EQ(0, enq(tokens[i % 8], i));
	}
	EXPECT_EQ(50, deq_bulk(queue, items, 50));
	EXPECT_EQ(14, deq_bulk(queue, items, 50));
	EXPECT_EQ(-EAGAIN, deq_bulk(queue, items, 50));
	for (i = 0; i < 8; i++)
		close(tokens[i]);
	close(queue);
}

#define LARGE 50000

/*
 * G3: nor is there a limit to it but what is asked for. Catches: a call that
 * ends with the first chunk that the kernel moves at a time, or with one lap of
 * a token's ring.
 */
TEST(bulk_takes_all_there_is)
{
	static __u64 items[LARGE + 1];
	int queue = queue_create(LARGE, 0), fds[2], i, n;

	ASSERT_LE(0, queue);
	fds[0] = queue;
	fds[1] = consumer_create(queue, 16);
	ASSERT_LE(0, fds[1]);
	for (i = 0; i < 2; i++) {
		put_range(queue, 1, LARGE);
		ASSERT_EQ(LARGE - 1, deq_bulk(fds[i], items, LARGE - 1));
		for (n = 1; n < LARGE; n++)
			ASSERT_EQ(n, items[n - 1]);
		put_range(queue, LARGE + 1, LARGE - 1);
		ASSERT_EQ(LARGE, deq_bulk(fds[i], items, LARGE + 1));
		ASSERT_EQ(2 * LARGE - 1, items[LARGE - 1]);
	}
	close(fds[1]);
	close(queue);
}

struct relay {
	int queue;
	int index;
	atomic_int *turn;
};

#define RELAY_ITEMS 200

static void *relay_put(void *arg)
{
	struct relay *r = arg;
	int i;

	for (i = r->index; i < RELAY_ITEMS; i += THREADS) {
		pin(i);
		gate_wait(r->turn, i);
		must(enq(r->queue, i) == 0);
		gate_open(r->turn, i + 1);
	}
	return NULL;
}

static void *relay_take(void *arg)
{
	struct relay *r = arg;
	__u64 item;
	int i;

	for (i = r->index; i < RELAY_ITEMS; i += THREADS) {
		gate_wait(r->turn, i);
		must(deq(r->queue, &item) == 1);
		must(item == (__u64)i);
		gate_open(r->turn, i + 1);
	}
	return NULL;
}

/*
 * G2 with one segment: threads that hand each other the turn make one order
 * of all their items, and so must the queue. Each thread for itself would be
 * satisfied by less.
 */
TEST(one_segment_is_one_fifo)
{
	int i, queue = queue_create(1000, 1);
	struct relay relays[THREADS];
	pthread_t threads[2 * THREADS];
	atomic_int turn[2] = {};

	ASSERT_LE(0, queue);
	for (i = 0; i < THREADS; i++) {
		relays[i] = (struct relay){ queue, i, &turn[0] };
		threads[i] = thread_start(relay_put, &relays[i]);
	}
	for (i = 0; i < THREADS; i++)
		thread_join(threads[i]);
	for (i = 0; i < THREADS; i++) {
		relays[i].turn = &turn[1];
		threads[i] = thread_start(relay_take, &relays[i]);
	}
	for (i = 0; i < THREADS; i++)
		thread_join(threads[i]);
	EXPECT_EQ(0, queue_items(queue));
	close(queue);
}

#define ORDER_ITEMS 500

struct source {
	int queue;
	int index;
};

static void *source_put(void *arg)
{
	struct source *s = arg;
	__u64 i;

	for (i = 0; i < ORDER_ITEMS; i++)
		must(!enq(s->queue, (__u64)s->index << 32 | i));
	return NULL;
}

/* G2 with several segments: every thread's own order holds. */
TEST(order_of_each_thread)
{
	static const int segments[] = { 1, 2, 3, 5, 16, 0 };
	__u64 next[THREADS], item;
	struct source sources[THREADS];
	pthread_t threads[THREADS];
	unsigned int i;
	int queue, n;

	for (i = 0; i < ARRAY_SIZE(segments); i++) {
		queue = queue_create(THREADS * ORDER_ITEMS, segments[i]);
		ASSERT_LE(0, queue);
		memset(next, 0, sizeof(next));
		for (n = 0; n < THREADS; n++) {
			sources[n] = (struct source){ queue, n };
			threads[n] = thread_start(source_put, &sources[n]);
		}
		for (n = 0; n < THREADS * ORDER_ITEMS; n++) {
			ASSERT_EQ(1, deq_until(queue, &item, in_ms(20000)));
			ASSERT_GT(THREADS, item >> 32);
			ASSERT_EQ(next[item >> 32], (__u32)item);
			next[item >> 32]++;
		}
		for (n = 0; n < THREADS; n++)
			thread_join(threads[n]);
		close(queue);
	}
}

/* No value is special: neither 0 nor what the kernel may mark slots with. */
TEST(any_value)
{
	__u64 values[] = {
		0, 1, ~0ULL, 1ULL << 63, 1ULL << 32, 0xffffffff, 0x7ff,
		MPMC_FOREVER - 1, 0xdeadbeefdeadbeefULL, 0x5555555555555555ULL,
	};
	__u64 item, items[ARRAY_SIZE(values)];
	int queue = queue_create(ARRAY_SIZE(values), 1);
	unsigned int i;

	ASSERT_LE(0, queue);
	for (i = 0; i < ARRAY_SIZE(values); i++) {
		EXPECT_EQ(0, enq(queue, values[i]));
		EXPECT_EQ(1, deq(queue, &item));
		EXPECT_EQ(values[i], item);
	}
	EXPECT_EQ(0, enq_bulk(queue, values, ARRAY_SIZE(values)));
	EXPECT_EQ(ARRAY_SIZE(values),
		  deq_bulk(queue, items, ARRAY_SIZE(values)));
	EXPECT_EQ(0, memcmp(values, items, sizeof(values)));
	close(queue);
}

TEST(queues_are_separate)
{
	int a = queue_create(10, 0), b = queue_create(10, 0);
	__u64 item;

	ASSERT_LE(0, a);
	ASSERT_LE(0, b);
	EXPECT_EQ(10, fill(a, 1));
	EXPECT_EQ(-EAGAIN, deq(b, &item));
	EXPECT_EQ(10, fill(b, 100));
	EXPECT_EQ(0, queue_shutdown(a));
	EXPECT_TRUE(take_range(b, 100, 10));
	EXPECT_EQ(0, enq(b, 1));
	EXPECT_TRUE(take_range(a, 1, 10));
	close(a);
	close(b);
}

/*
 * Many times more items than a page of them is used again without a pause.
 * Catches: what the kernel counts such uses with coming round (at 4096).
 */
TEST(pages_used_again)
{
	int i, queue = queue_create(1000, 1);

	ASSERT_LE(0, queue);
	for (i = 0; i < 15000; i++) {
		put_range(queue, i, 400);
		ASSERT_TRUE(take_range(queue, i, 400));
	}
	close(queue);
}

TEST_HARNESS_MAIN
