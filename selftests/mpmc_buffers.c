// SPDX-License-Identifier: GPL-2.0
/*
 * Buffers as nobody should have them: at odd addresses, over one another, over the
 * structure that says where they are, in a ring, or two threads' at once. Each item
 * goes where the caller said, and is counted once. And addresses of the kernel's, in
 * whatever is told by an address.
 */
#include <sys/uio.h>

#include "mpmc_mapped.h"
#include "mpmc_names.h"

#define CAPACITY 600
#define BYTES (CAPACITY * sizeof(__u64))
#define GUARD 16

/* Of the kernel, where a caller of 32 bits can't even say so. */
#define KERNEL ((void *)(uintptr_t)0xffff888000001000ULL)

FIXTURE(buffers)
{
	int queue;
	int producer;
	int consumer;
	char *from;
	char *to;
};

FIXTURE_SETUP(buffers)
{
	self->queue = queue_create(CAPACITY, 2);
	ASSERT_LE(0, self->queue);
	self->producer = producer_create(self->queue, 64);
	ASSERT_LE(0, self->producer);
	self->consumer = consumer_create(self->queue, 64);
	ASSERT_LE(0, self->consumer);
	self->from = calloc(1, BYTES + 2 * GUARD);
	self->to = calloc(1, BYTES + 2 * GUARD);
	ASSERT_TRUE(self->from && self->to);
}

FIXTURE_TEARDOWN(buffers)
{
	free(self->from);
	free(self->to);
	close(self->consumer);
	close(self->producer);
	close(self->queue);
}

/* All bytes of items differ from their neighbours, and from one call to the next. */
static void paint(char *bytes, size_t size, unsigned int seed)
{
	size_t i;

	for (i = 0; i < size; i++)
		bytes[i] = 31 * i + seed;
}

static bool all_are(const char *bytes, size_t size, char value)
{
	size_t i;

	for (i = 0; i < size && bytes[i] == value; i++)
		;
	return i == size;
}

/* From one place to another: those bytes, and none beside them. */
static void expect_moved(struct __test_metadata *_metadata, int source, char *from,
			 int drain, char *to, unsigned int n)
{
	size_t size = n * sizeof(__u64);

	paint(from, size, n);
	memset(to - GUARD, 0x5a, size + 2 * GUARD);
	ASSERT_EQ(0, enq_bulk(source, (__u64 *)from, n));
	ASSERT_EQ((int)n, deq_bulk(drain, (__u64 *)to, n));
	EXPECT_EQ(0, memcmp(from, to, size));
	EXPECT_TRUE(all_are(to - GUARD, GUARD, 0x5a));
	EXPECT_TRUE(all_are(to + size, GUARD, 0x5a));
}

TEST_F(buffers, unaligned)
{
	static const unsigned int counts[] = { 1, 2, 7, 64, 513 };
	unsigned int shift, i;

	for (shift = 0; shift < 8; shift++) {
		for (i = 0; i < ARRAY_SIZE(counts); i++) {
			char *from = self->from + GUARD + shift;
			char *to = self->to + GUARD + (3 * shift) % 8;

			expect_moved(_metadata, self->queue, from,
				     self->queue, to, counts[i]);
			expect_moved(_metadata, self->producer, from,
				     self->consumer, to, counts[i]);
		}
	}
	EXPECT_EQ(CAPACITY, fill(self->queue, 1));
}

TEST_F(buffers, unaligned_structure)
{
	struct mpmc_transfer put = {
		.size = sizeof(put), .flags = MPMC_TRANSFER_INLINE,
		.items = 0x1122334455667788, .count = 1,
	}, take = put;
	char *at = self->from + 1;

	for (; at < self->from + 8; at++) {
		memcpy(at, &put, sizeof(put));
		ASSERT_EQ(0, mpmc_ioctl(self->producer, MPMC_IOC_ITEM_ENQUEUE, at));
		take.items = 0;
		memcpy(at, &take, sizeof(take));
		ASSERT_EQ(1, mpmc_ioctl(self->consumer, MPMC_IOC_ITEM_DEQUEUE, at));
		EXPECT_EQ(0, memcmp(at, &put, sizeof(put)));
	}
}

TEST_F(buffers, unaligned_lease)
{
	struct mpmc_lease_item item;
	char *at = self->to + 5;
	unsigned int i;

	put_range(self->queue, 1, 20);
	memset(at, 0x5a, 21 * sizeof(item));
	ASSERT_EQ(20, lease_fill(self->consumer, (struct mpmc_lease_item *)at, 20));
	for (i = 0; i < 20; i++) {
		memcpy(&item, at + i * sizeof(item), sizeof(item));
		EXPECT_EQ(1 + i, item.value);
		EXPECT_EQ(1, item.deliveries);
	}
	EXPECT_TRUE(all_are(at + 20 * sizeof(item), sizeof(item), 0x5a));
	EXPECT_EQ(0, lease_commit(self->consumer, 20));
	EXPECT_EQ(CAPACITY, fill(self->queue, 1));
}

/* What the structure says was read before it is overwritten, and once. */
TEST_F(buffers, over_the_structure)
{
	int fds[] = { self->queue, self->consumer };
	struct mpmc_transfer *arg = (void *)(self->to + GUARD);
	unsigned int i;

	for (i = 0; i < 2; i++) {
		*arg = (struct mpmc_transfer) {
			.size = sizeof(*arg), .items = (uintptr_t)arg, .count = 40,
		};
		put_range(self->queue, 1, 50);
		ASSERT_EQ(40, mpmc_ioctl(fds[i], MPMC_IOC_ITEM_DEQUEUE, arg));
		EXPECT_EQ(1, ((__u64 *)arg)[0]);
		EXPECT_EQ(40, ((__u64 *)arg)[39]);
		EXPECT_TRUE(take_range(fds[i], 41, 10));
	}
}

TEST_F(buffers, of_the_structure)
{
	int fds[] = { self->queue, self->producer };
	struct mpmc_transfer arg = {
		.size = sizeof(arg), .items = (uintptr_t)&arg,
		.count = sizeof(arg) / sizeof(__u64),
	};
	__u64 items[sizeof(arg) / sizeof(__u64)];
	unsigned int i;

	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, mpmc_ioctl(fds[i], MPMC_IOC_ITEM_ENQUEUE, &arg));
		ASSERT_EQ((int)arg.count, deq_bulk(self->queue, items, arg.count));
		EXPECT_EQ(0, memcmp(&arg, items, sizeof(arg)));
	}
}

/* Pieces of read(2) that are the same memory: the last one is what is left there. */
TEST_F(buffers, over_one_another)
{
	__u64 *to = (__u64 *)(self->to + GUARD);
	struct iovec pieces[] = {
		{ to, 8 * sizeof(*to) }, { to + 4, 8 * sizeof(*to) }, { to, 8 },
	};

	put_range(self->queue, 1, 20);
	ASSERT_EQ(17 * 8, readv(self->queue, pieces, 3));
	EXPECT_EQ(17, to[0]);
	EXPECT_EQ(4, to[3]);
	EXPECT_EQ(9, to[4]);
	EXPECT_EQ(16, to[11]);
	EXPECT_TRUE(take_range(self->queue, 18, 3));
	EXPECT_EQ(CAPACITY, fill(self->queue, 1));
}

/* From a queue right into a ring, and with it to the queue again. */
TEST_F(buffers, in_a_ring)
{
	struct mapped m;
	unsigned int i;
	__u64 *entry;

	mapped_producer(&m, self->queue, 64);
	for (i = 0; i < 100; i++) {
		put_range(self->queue, 1, 8);
		entry = mapped_entry(&m, *m.own);
		ASSERT_EQ(8, deq_bulk(self->queue, entry, 8));
		ASSERT_EQ(0, put_bulk(&m, entry, 8));
		ASSERT_TRUE(take_range(self->queue, 1, 8));
	}
	mapped_close(&m);
	EXPECT_EQ(CAPACITY, fill(self->queue, 1));
}

/* --- Of two threads at once --- */

#define RACE_ITEMS 20000
#define RACE_BULK 8

struct race {
	int queue;
	__u64 *to;
	atomic_int taken;
};

/* Whose an item is that is there nobody can say: only that it is one. */
static void *race_take(void *arg)
{
	struct race *race = arg;
	int i, n;

	while ((n = deq_bulk_until(race->queue, race->to, RACE_BULK, MPMC_FOREVER)) > 0) {
		atomic_fetch_add(&race->taken, n);
		for (i = 0; i < n; i++)
			must(load_relaxed(&race->to[i]) - 1 < RACE_ITEMS);
	}
	must(n == -EPIPE);
	return NULL;
}

TEST_F(buffers, of_two_threads)
{
	struct race race = {
		.queue = self->queue, .to = (__u64 *)(self->to + GUARD),
	};
	pthread_t threads[2];
	__u64 item;
	int i;

	for (i = 0; i < RACE_BULK; i++)
		race.to[i] = 1;
	for (i = 0; i < 2; i++)
		threads[i] = thread_start(race_take, &race);
	for (item = 1; item <= RACE_ITEMS; item++)
		ASSERT_EQ(0, enq_until(self->producer, item, MPMC_FOREVER));
	ASSERT_EQ(0, queue_shutdown(self->queue));
	for (i = 0; i < 2; i++)
		thread_join(threads[i]);
	EXPECT_EQ(RACE_ITEMS, atomic_load(&race.taken));
}

/* --- Addresses of the kernel's --- */

TEST_F(buffers, kernel_items)
{
	struct iovec piece = { KERNEL, 64 };

	put_range(self->queue, 1, 10);
	EXPECT_EQ(-EFAULT, deq_bulk(self->consumer, KERNEL, 5));
	EXPECT_EQ(-EFAULT, lease_fill(self->consumer, KERNEL, 5));
	EXPECT_EQ(-1, read(self->queue, KERNEL, 64));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(-1, readv(self->queue, &piece, 1));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(-1, write(self->queue, KERNEL, 64));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(-EFAULT, mpmc_ioctl(self->queue, MPMC_IOC_ITEM_DEQUEUE, KERNEL));
	EXPECT_EQ(-EFAULT, mpmc_ioctl(self->queue, MPMC_IOC_QUEUE_INFO, KERNEL));
	EXPECT_EQ(-EFAULT, mpmc_ioctl(self->queue, MPMC_IOC_QUEUE_STATS, KERNEL));
	EXPECT_TRUE(take_range(self->consumer, 1, 10));
	EXPECT_EQ(CAPACITY, fill(self->queue, 1));
}

TEST(kernel_names)
{
	struct mpmc_queue_unlink unlink = {
		.size = sizeof(unlink), .name = (uintptr_t)KERNEL, .name_size = 2,
	};
	struct mpmc_queue_list list = {
		.size = sizeof(list), .after = (uintptr_t)KERNEL, .after_size = 2,
		.entry_size = sizeof(struct mpmc_queue_entry), .count = 1,
	};

	if (!names_available())
		SKIP(return, "this kernel has no names");
	new_namespace();
	EXPECT_EQ(-EFAULT, name_open_raw(KERNEL, 2, NEW, 0600, NULL));
	EXPECT_EQ(-EFAULT, name_open_raw("/a", 2, NEW, 0600, KERNEL));
	EXPECT_EQ(-EFAULT, device_call(MPMC_IOC_QUEUE_UNLINK, &unlink));
	EXPECT_FALSE(name_listed("/a"));
	close(name_open("/a", NEW, 0600));
	EXPECT_EQ(-EFAULT, device_call(MPMC_IOC_QUEUE_LIST, &list));
	EXPECT_EQ(-EFAULT, name_list(NULL, KERNEL, 1));
	EXPECT_EQ(0, name_unlink("/a"));
}

TEST_HARNESS_MAIN
