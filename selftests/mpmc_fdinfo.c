// SPDX-License-Identifier: GPL-2.0
/* /proc/self/fdinfo: what an administrator can see of a queue. */
#include "mpmc_mapped.h"
#include "mpmc_names.h"

static void *wait_for_item(void *arg)
{
	__u64 item;

	must(deq_until(*(int *)arg, &item, MPMC_FOREVER) == -EPIPE);
	return NULL;
}

TEST(queue)
{
	int queue = queue_create(100, 3), producers[2], consumer;
	pthread_t threads[2];

	ASSERT_LE(0, queue);
	EXPECT_STREQ("100", info_of(queue, "capacity"));
	EXPECT_STREQ("0", info_of(queue, "items"));
	EXPECT_STREQ("0", info_of(queue, "leased"));
	EXPECT_STREQ("3", info_of(queue, "segments"));
	EXPECT_STREQ("0", info_of(queue, "producers"));
	EXPECT_STREQ("0", info_of(queue, "consumers"));
	EXPECT_STREQ("0", info_of(queue, "enqueue-waiters"));
	EXPECT_STREQ("0", info_of(queue, "dequeue-waiters"));
	EXPECT_STREQ("open", info_of(queue, "state"));
	producers[0] = producer_create(queue, 0);
	producers[1] = producer_create(queue, 0);
	consumer = consumer_create(queue, 8);
	put_range(queue, 1, 10);
	put_range(producers[0], 1, 10);
	EXPECT_STREQ("20", info_of(queue, "items"));
	EXPECT_EQ(-EFAULT, deq_bulk(consumer, NULL, 4));
	EXPECT_STREQ("16", info_of(queue, "items"));
	EXPECT_STREQ("4", info_of(queue, "leased"));
	EXPECT_STREQ("2", info_of(queue, "producers"));
	EXPECT_STREQ("1", info_of(queue, "consumers"));
	EXPECT_EQ(20, drain(consumer));
	threads[0] = thread_start(wait_for_item, &queue);
	threads[1] = thread_start(wait_for_item, &queue);
	ASSERT_TRUE(wait_for_dequeuers(queue, 2));
	EXPECT_STREQ("2", info_of(queue, "dequeue-waiters"));
	EXPECT_STREQ("0", info_of(queue, "enqueue-waiters"));
	ASSERT_EQ(0, queue_shutdown(queue));
	EXPECT_STREQ("shutdown", info_of(queue, "state"));
	thread_join(threads[0]);
	thread_join(threads[1]);
	EXPECT_STREQ("0", info_of(queue, "dequeue-waiters"));
	close(producers[0]);
	close(producers[1]);
	close(consumer);
	close(queue);
}

static void *wait_for_room(void *arg)
{
	must(enq_until(*(int *)arg, 1, MPMC_FOREVER) == -EPIPE);
	return NULL;
}

TEST(producers_waiting)
{
	int queue = queue_create(1, 0);
	pthread_t thread;

	ASSERT_LE(0, queue);
	ASSERT_EQ(1, fill(queue, 1));
	thread = thread_start(wait_for_room, &queue);
	ASSERT_TRUE(wait_for_enqueuers(queue, 1));
	EXPECT_STREQ("1", info_of(queue, "enqueue-waiters"));
	EXPECT_STREQ("0", info_of(queue, "dequeue-waiters"));
	ASSERT_EQ(0, queue_shutdown(queue));
	thread_join(thread);
	close(queue);
}

/* Gives each of what is counted another value, without leases. */
static void count_up(int queue)
{
	__u64 item;
	int i;

	put_range(queue, 1, 10);
	for (i = 0; i < 3; i++)
		must(enq(queue, 1) == -EAGAIN);
	/* They found no room either. */
	for (i = 0; i < 2; i++)
		must(enq_until(queue, 1, 1) == -ETIMEDOUT);
	must(take_range(queue, 1, 10));
	for (i = 0; i < 3; i++)
		must(deq_until(queue, &item, 1) == -ETIMEDOUT);
	put_range(queue, 11, 4);
}

/* Catches: a counter left out, or shown as another. */
TEST(counters)
{
	int queue = queue_create(10, 0);
	struct mpmc_queue_stats stats;

	ASSERT_LE(0, queue);
	count_up(queue);
	stats = stats_of(queue);
	EXPECT_STREQ("14", info_of(queue, "enqueued"));
	EXPECT_EQ(14, stats.enqueued);
	EXPECT_STREQ("10", info_of(queue, "dequeued"));
	EXPECT_EQ(10, stats.dequeued);
	EXPECT_STREQ("5", info_of(queue, "full"));
	EXPECT_EQ(5, stats.full);
	EXPECT_STREQ("2", info_of(queue, "enqueue-timeouts"));
	EXPECT_EQ(2, stats.enqueue_timeouts);
	EXPECT_STREQ("3", info_of(queue, "dequeue-timeouts"));
	EXPECT_EQ(3, stats.dequeue_timeouts);
	close(queue);
}

/* Catches: a queue that is said to be its own dead letters', or the first one. */
TEST(dead_letter)
{
	int plain = queue_create(100, 1), dead = queue_create(100, 1);
	int queue = limited_create(100, 7, dead);
	int dropping = limited_create(100, ~0U, -1);

	ASSERT_LE(0, queue);
	ASSERT_LE(0, dropping);
	EXPECT_STREQ("0", info_of(plain, "max-deliveries"));
	EXPECT_STREQ("0", info_of(plain, "dead-letter"));
	EXPECT_STREQ("4294967295", info_of(dropping, "max-deliveries"));
	EXPECT_STREQ("0", info_of(dropping, "dead-letter"));
	EXPECT_STREQ("7", info_of(queue, "max-deliveries"));
	EXPECT_EQ(atoll(info_of(dead, "id")),
		  atoll(info_of(queue, "dead-letter")));
	EXPECT_LT(0, atoll(info_of(queue, "dead-letter")));
	close(plain);
	close(dropping);
	close(queue);
	close(dead);
}

/* Catches: what mapped rings and leases did, left out or mixed up. */
TEST(mapped_and_redelivered)
{
	int dead = queue_create(100, 1), queue = limited_create(100, 2, dead);
	struct mapped p;
	int consumer;

	ASSERT_LE(0, queue);
	EXPECT_STREQ("0", info_of(queue, "granted"));
	mapped_producer(&p, queue, 4);
	ASSERT_EQ(0, put(&p, 1));
	EXPECT_EQ(mapped_rest(&p), (__u64)atoll(info_of(queue, "granted")));
	EXPECT_LT(0, atoll(info_of(queue, "granted")));
	mapped_close(&p);
	EXPECT_STREQ("0", info_of(queue, "granted"));
	consumer = consumer_create(queue, 4);
	ASSERT_EQ(1, lease_fill(consumer, NULL, 1));
	ASSERT_EQ(0, lease_release(consumer, 1));
	EXPECT_STREQ("1", info_of(queue, "redelivered"));
	EXPECT_STREQ("0", info_of(queue, "dead"));
	ASSERT_EQ(1, lease_fill(consumer, NULL, 1));
	ASSERT_EQ(0, lease_release(consumer, 1));
	EXPECT_STREQ("1", info_of(queue, "redelivered"));
	EXPECT_STREQ("1", info_of(queue, "dead"));
	EXPECT_STREQ("0", info_of(queue, "dropped"));
	EXPECT_STREQ("1", info_of(dead, "items"));
	close(consumer);
	close(queue);
	close(dead);
}

/* The same without anywhere to go. */
TEST(dropped)
{
	int queue = limited_create(100, 1, -1), consumer;

	ASSERT_LE(0, queue);
	consumer = consumer_create(queue, 4);
	put_range(queue, 1, 3);
	ASSERT_EQ(3, lease_fill(consumer, NULL, 3));
	close(consumer);
	EXPECT_STREQ("3", info_of(queue, "dropped"));
	EXPECT_STREQ("0", info_of(queue, "dead"));
	EXPECT_STREQ("0", info_of(queue, "redelivered"));
	close(queue);
}

/* Catches: a name that breaks the lines, and one that is not a name any more. */
TEST(name)
{
	int queue = queue_create(100, 1);

	ASSERT_LE(0, queue);
	EXPECT_STREQ("", info_of(queue, "name"));
	if (!names_available())
		SKIP(return, "a kernel that can't have names");
	new_namespace();
	queue = name_open("/a\nb c\\", NEW, 0600);
	ASSERT_LE(0, queue);
	EXPECT_STREQ("/a\\012b\\040c\\134", info_of(queue, "name"));
	EXPECT_STREQ("1048576", info_of(queue, "capacity"));
	ASSERT_EQ(0, name_unlink("/a\nb c\\"));
	EXPECT_STREQ("/a\\012b\\040c\\134 (deleted)",
		     info_of(queue, "name"));
	close(queue);
}

/* Catches: an id that two queues have, of which one is gone perhaps. */
TEST(ids)
{
	long long first, second;
	int queue = queue_create(1, 1), other;

	ASSERT_LE(0, queue);
	first = atoll(info_of(queue, "id"));
	EXPECT_LT(0, first);
	other = queue_create(1, 1);
	ASSERT_LE(0, other);
	second = atoll(info_of(other, "id"));
	EXPECT_LT(first, second);
	close(other);
	other = queue_create(1, 1);
	EXPECT_LT(second, atoll(info_of(other, "id")));
	EXPECT_EQ(first, atoll(info_of(queue, "id")));
	close(other);
	close(queue);
}

/* Catches: a token that does not say whose it is, or which. */
TEST(token_ids)
{
	int queue = queue_create(100, 2), token[2], i;
	long long id;

	ASSERT_LE(0, queue);
	id = atoll(info_of(queue, "id"));
	for (i = 0; i < 2; i++) {
		token[0] = producer_create(queue, 4);
		token[1] = consumer_create(queue, 4);
		EXPECT_EQ(id, atoll(info_of(token[0], "queue")));
		EXPECT_EQ(id, atoll(info_of(token[1], "queue")));
		EXPECT_EQ(i, atoll(info_of(token[0], "id")));
		EXPECT_EQ(i, atoll(info_of(token[1], "id")));
	}
}

TEST(tokens)
{
	int queue = queue_create(100, 0), producer, consumer;

	ASSERT_LE(0, queue);
	producer = producer_create(queue, 4);
	consumer = consumer_create(queue, 16);
	ASSERT_LE(0, producer);
	ASSERT_LE(0, consumer);
	put_range(producer, 1, 9);
	EXPECT_STREQ("producer", info_of(producer, "kind"));
	EXPECT_STREQ("4", info_of(producer, "ring-entries"));
	EXPECT_STREQ("9", info_of(producer, "items"));
	EXPECT_EQ(-EFAULT, deq_bulk(consumer, NULL, 3));
	EXPECT_STREQ("consumer", info_of(consumer, "kind"));
	EXPECT_STREQ("16", info_of(consumer, "ring-entries"));
	EXPECT_STREQ("3", info_of(consumer, "items"));
	EXPECT_STREQ("6", info_of(producer, "items"));
	close(producer);
	close(consumer);
	close(queue);
}

TEST_HARNESS_MAIN
