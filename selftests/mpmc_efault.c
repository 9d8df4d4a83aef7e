// SPDX-License-Identifier: GPL-2.0
/*
 * G8: a buffer that cannot be read or written, wholly or from some item on,
 * loses no item, makes none up, changes no order and leaks no capacity.
 */
#include "mpmc_test.h"

static const int counts[] = { 1, 2, 7, 64, 100, 511, 512, 513, 777, 1000 };

FIXTURE(efault)
{
	int queue;
	int producer;
	int consumer;
	__u64 *end;	/* behind it nothing is mapped */
};

FIXTURE_VARIANT(efault)
{
	__u64 capacity;
	__u32 segments;
	__u32 ring;
};

FIXTURE_VARIANT_ADD(efault, fifo)
{
	.capacity = 2000, .segments = 1, .ring = 16,
};

FIXTURE_VARIANT_ADD(efault, exactly_full)
{
	.capacity = 1000, .segments = 0, .ring = 4096,
};

FIXTURE_VARIANT_ADD(efault, segments)
{
	.capacity = 5000, .segments = 3, .ring = 0,
};

FIXTURE_SETUP(efault)
{
	self->queue = queue_create(variant->capacity, variant->segments);
	ASSERT_LE(0, self->queue);
	self->producer = producer_create(self->queue, variant->ring);
	ASSERT_LE(0, self->producer);
	self->consumer = consumer_create(self->queue, variant->ring);
	ASSERT_LE(0, self->consumer);
	self->end = (__u64 *)mapping_end(1000 * sizeof(__u64));
}

FIXTURE_TEARDOWN(efault)
{
	close(self->queue);
	close(self->producer);
	close(self->consumer);
}

/* Neither items nor capacity may be missing after all that went wrong. */
static bool intact(int queue, __u64 capacity)
{
	return queue_items(queue) == 0 && fill(queue, 1) == capacity &&
	       drain(queue) == capacity;
}

/* Catches: slots reserved before the copy, some of it published, credits lost */
TEST_F(efault, enqueue)
{
	int fds[] = { self->queue, self->producer };
	unsigned int i, j;
	int readable, n;

	for (i = 0; i < 2; i++) {
		for (j = 0; j < ARRAY_SIZE(counts); j++) {
			n = counts[j];
			readable = n / 2;
			EXPECT_EQ(-EFAULT, enq_bulk(fds[i], NULL, n));
			EXPECT_EQ(-EFAULT, enq_bulk(fds[i], self->end, n));
			EXPECT_EQ(-EFAULT, enq_bulk(fds[i],
						    self->end - readable, n));
			EXPECT_EQ(-EFAULT, enq_bulk(fds[i],
						    self->end - (n - 1), n));
			EXPECT_EQ(-EFAULT, enq_bulk_until(fds[i], NULL, n,
							  MPMC_FOREVER));
		}
		EXPECT_EQ(0, queue_items(self->queue));
		EXPECT_TRUE(intact(self->queue, variant->capacity));
	}
}

/* An address of the kernel's half must not be read or written either. */
TEST_F(efault, kernel_address)
{
	__u64 *kernel = (__u64 *)0xffff888000000000UL;

	EXPECT_EQ(-EFAULT, enq_bulk(self->queue, kernel, 1));
	EXPECT_EQ(-EFAULT, enq_bulk(self->producer, kernel, 10));
	put_range(self->queue, 1, 10);
	EXPECT_EQ(-EFAULT, deq_bulk(self->queue, kernel, 1));
	EXPECT_EQ(-EFAULT, deq_bulk(self->queue, kernel, 10));
	/* The last bytes below the end of the user's half, and over it. */
	kernel = (__u64 *)0x7ffffffff000UL - 1;
	EXPECT_EQ(-EFAULT, deq_bulk(self->queue, kernel, 10));
	EXPECT_TRUE(take_range(self->queue, 1, 10));
}

/* A buffer with room for @writable of @n items. */
static void expect_put_back(struct __test_metadata *_metadata, int queue,
			    int source, __u64 *buffer, int n)
{
	put_range(source, 1, n);
	EXPECT_EQ(-EFAULT, deq_bulk(queue, buffer, n));
	EXPECT_EQ(n, queue_items(queue));
	EXPECT_EQ(-EFAULT, deq_bulk_until(queue, buffer, n, MPMC_FOREVER));
	EXPECT_EQ(n, queue_items(queue));
	EXPECT_TRUE(take_range(queue, 1, n)) {
		TH_LOG("order of %d items lost", n);
	}
	EXPECT_EQ(-EAGAIN, deq_bulk(queue, buffer, n));
}

/* Catches: items taken and dropped, put back behind others, or in reverse. */
TEST_F(efault, dequeue)
{
	int sources[] = { self->queue, self->producer };
	unsigned int i, j;
	int n;

	for (i = 0; i < 2; i++) {
		for (j = 0; j < ARRAY_SIZE(counts); j++) {
			n = counts[j];
			expect_put_back(_metadata, self->queue, sources[i],
					NULL, n);
			expect_put_back(_metadata, self->queue, sources[i],
					self->end, n);
			expect_put_back(_metadata, self->queue, sources[i],
					self->end - n / 2, n);
			expect_put_back(_metadata, self->queue, sources[i],
					self->end - (n - 1), n);
		}
		EXPECT_TRUE(intact(self->queue, variant->capacity));
	}
}

/* Those put back come before what was behind them all the time. */
TEST_F(efault, dequeue_keeps_its_place)
{
	int i;

	put_range(self->queue, 1, 1000);
	for (i = 0; i < 100; i++) {
		ASSERT_EQ(-EFAULT, deq_bulk(self->queue, NULL, 3));
		ASSERT_EQ(-EFAULT, deq_bulk(self->queue, self->end - 2, 5));
		ASSERT_TRUE(take_range(self->queue, 1 + 10 * i, 10));
	}
	EXPECT_TRUE(intact(self->queue, variant->capacity));
}

/*
 * A token keeps what it could not deliver, and delivers it first next time:
 * in order, once, and in front of all the rest. What still fitted into the
 * buffer may count as delivered, if the call says so.
 */
static int take_some(struct __test_metadata *_metadata, int consumer,
		     __u64 *buffer, int writable, int n, __u64 first)
{
	int i, ret = deq_bulk(consumer, buffer, n);

	if (ret < 0) {
		EXPECT_EQ(-EFAULT, ret);
		return 0;
	}
	EXPECT_GE(writable, ret);
	for (i = 0; i < ret; i++)
		EXPECT_EQ(first + i, buffer[i]);
	return ret;
}

TEST_F(efault, consumer_token)
{
	__u64 first = 1;
	unsigned int j;
	int n, some;

	for (j = 0; j < ARRAY_SIZE(counts); j++) {
		n = counts[j];
		put_range(self->queue, first, n);
		EXPECT_EQ(-EFAULT, deq_bulk(self->consumer, NULL, n));
		EXPECT_EQ(-EFAULT, deq_bulk(self->consumer, self->end, n));
		some = take_some(_metadata, self->consumer,
				 self->end - n / 2, n / 2, n, first);
		ASSERT_TRUE(take_range(self->consumer, first + some, n - some));
		EXPECT_EQ(0, queue_state(self->queue).leased);
		first += n;
	}
	EXPECT_TRUE(intact(self->queue, variant->capacity));
}

/* The same one by one, through the struct itself. */
TEST_F(efault, consumer_token_inline)
{
	struct mpmc_transfer *arg = (void *)(mapping_end(page_size()) - page_size());
	__u64 item;
	int i;

	*arg = (struct mpmc_transfer) {
		.size = sizeof(*arg), .flags = MPMC_TRANSFER_INLINE, .count = 1,
	};
	ASSERT_EQ(0, mprotect(arg, page_size(), PROT_READ));
	put_range(self->producer, 1, 20);
	for (i = 1; i <= 20; i++) {
		EXPECT_EQ(-EFAULT, mpmc_ioctl(self->consumer,
					      MPMC_IOC_ITEM_DEQUEUE, arg));
		EXPECT_EQ(1, deq(self->consumer, &item));
		EXPECT_EQ(i, item);
	}
	EXPECT_TRUE(intact(self->queue, variant->capacity));
}

#define MANY 40000
#define WRITABLE 20000

/*
 * More than the kernel moves at a time. It may deliver a part that fits into
 * the buffer and say so, or fail and put all back; no item may be in between.
 */
TEST(many_items)
{
	__u64 *end = (__u64 *)mapping_end(WRITABLE * sizeof(__u64));
	__u64 *buffer = end - WRITABLE;
	int queue = queue_create(MANY, 0), ret, i;

	ASSERT_LE(0, queue);
	put_range(queue, 1, MANY);
	ret = deq_bulk(queue, buffer, MANY);
	if (ret < 0) {
		EXPECT_EQ(-EFAULT, ret);
		ret = 0;
	}
	ASSERT_GE(WRITABLE, ret);
	for (i = 0; i < ret; i++)
		ASSERT_EQ(i + 1, buffer[i]);
	EXPECT_EQ(MANY - ret, queue_items(queue));
	EXPECT_TRUE(take_range(queue, ret + 1, MANY - ret));
	EXPECT_TRUE(intact(queue, MANY));
	/* And in: all or nothing holds for them too. */
	EXPECT_EQ(-EFAULT, enq_bulk(queue, buffer, MANY));
	EXPECT_TRUE(intact(queue, MANY));
	close(queue);
}

#define RACE_ITEMS 20000

struct race {
	int queue;
	int consumer;	/* a token, or the queue */
	atomic_int done;
	atomic_int taken;
	atomic_char seen[RACE_ITEMS];
};

/* Takes with a buffer too short by half, so that some of it must go back. */
static void *race_faulty(void *arg)
{
	__u64 *end = (__u64 *)mapping_end(4096);
	struct race *race = arg;
	int ret;

	while (!atomic_load(&race->done)) {
		ret = deq_bulk(race->queue, end - 4, 8);
		must(ret == -EFAULT || ret == -EAGAIN || (ret > 0 && ret <= 4));
		for (; ret > 0; ret--) {
			must(!atomic_exchange(&race->seen[end[-5 + ret]], 1));
			atomic_fetch_add(&race->taken, 1);
		}
		sched_yield();
	}
	return NULL;
}

static void *race_consumer(void *arg)
{
	struct race *race = arg;
	__u64 items[8];
	int ret;

	while (!atomic_load(&race->done)) {
		ret = deq_bulk_until(race->queue, items, 8, in_ms(20));
		must(ret > 0 || ret == -ETIMEDOUT);
		for (; ret > 0; ret--) {
			must(!atomic_exchange(&race->seen[items[ret - 1]], 1));
			atomic_fetch_add(&race->taken, 1);
		}
	}
	return NULL;
}

/* Catches: a put-back that collides with others at the front. */
TEST(put_back_race)
{
	static struct race race;
	pthread_t threads[4];
	__u64 items[16];
	int i, j;

	race.queue = queue_create(256, 0);
	ASSERT_LE(0, race.queue);
	for (i = 0; i < 4; i++)
		threads[i] = thread_start(i % 2 ? race_faulty : race_consumer,
					  &race);
	for (i = 0; i < RACE_ITEMS; i += 16) {
		for (j = 0; j < 16; j++)
			items[j] = i + j;
		ASSERT_EQ(0, enq_bulk_until(race.queue, items, 16,
					    in_ms(20000)));
	}
	EXPECT_TRUE(eventually(atomic_load(&race.taken) == RACE_ITEMS));
	atomic_store(&race.done, 1);
	for (i = 0; i < 4; i++)
		thread_join(threads[i]);
	EXPECT_EQ(RACE_ITEMS, atomic_load(&race.taken));
	EXPECT_TRUE(intact(race.queue, 256));
	close(race.queue);
}

TEST_HARNESS_MAIN
