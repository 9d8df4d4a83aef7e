// SPDX-License-Identifier: GPL-2.0
/*
 * Cases of leases: of a token that is closed when there is no memory, and whose
 * ring goes to the queue with what is in it
 */
#include "../../kmod/batch.h"
#include "../../kmod/consumer.h"
#include "case.h"

#include "machine.h"

#define RING 2

static struct mpmc_queue *queue;
static struct mpmc_consumer *consumer;

/* A lease of two items that goes around the ring's end. */
static void lease_items(void)
{
	u64 items[] = { ITEM(1, 1), ITEM(1, 2) };

	items_put_many(items, 2);
	atomic64_set(&consumer->returned, 1);
	*consumer->head = 1;
	consumer->tail = 3;
	consumer->items[1] = items[0];
	consumer->items[0] = items[1];
	mpmc_capacity_take(&queue->capacity, MPMC_SHARE_COMMON, 2);
}

static void setup(void)
{
	items_reset();
	kernel_reset();
	queue = mpmc_queue_create(4, 1);
	consumer = mpmc_consumer_create(queue, RING);
	trace_name(queue, sizeof(*queue), "queue");
	trace_name(consumer, sizeof(*consumer), "consumer");
	lease_items();
	kernel_memory(false);
}

static u32 twice(u64 item)
{
	return 2;
}

static unsigned int take(unsigned int max)
{
	return items_got_again(&queue->requeue, max, twice);
}

static void check(void)
{
	if (machine_is_freed(consumer) && items_left())
		explore_fail("freed with %u items in it", items_left());
	while (take(CASE_ITEMS))
		;
	items_check();
	if (!machine_is_freed(consumer))
		explore_fail("the token is not freed");
	mpmc_queue_destroy(queue);
}

static void run(unsigned int thread)
{
	if (thread == 1) {
		mpmc_consumer_close(consumer);
	} else if (thread == 2) {
		take(1);
		take(1);
	} else {
		mpmc_consumers_leased(queue);
		take(2);
	}
}

const struct explore_case case_lease_lend = {
	.name = "lease-lend",
	.what = "a token is closed without memory, two take from its ring",
	.threads = 3,
	.setup = setup,
	.run = run,
	.check = check,
	.quick = { 2, 1, 500, 20 },
	.full = { 3, 2, 500, 120 },
};

/* --- What is given back while its owner says that it is finished with --- */

static int released;

static void release_run(unsigned int thread)
{
	if (thread == 1) {
		released = mpmc_lease_release(consumer, 1);
	} else {
		/* The owner, by way of his mapping, in another call's time. */
		WRITE_ONCE(*consumer->head, 2);
		mpmc_consumers_harvest(queue);
	}
}

/* What is back, and what is leased, and nothing else has credits. */
static void release_check(void)
{
	u64 leased = consumer->tail - atomic64_read(&consumer->returned);
	u64 used = mpmc_capacity_used(&queue->capacity);
	u64 back = 0;

	while (take(1))
		back++;
	if (used != back + leased)
		explore_fail("%lu credits, %lu came back, %lu leased", used,
			     back, leased);
	if (back != (released ? 0 : 1))
		explore_fail("release says %d, %lu came back", released, back);
	mpmc_consumer_close(consumer);
	mpmc_queue_destroy(queue);
}

static void release_setup(void)
{
	setup();
	kernel_memory(true);
	atomic_set(&queue->mapped_consumers, 1);
	xa_set_mark(&queue->consumers, consumer->id, MPMC_MARK_MAPPED);
}

const struct explore_case case_lease_release = {
	.name = "lease-release",
	.what = "one gives back, the owner says he is done, one counts that",
	.threads = 2,
	.setup = release_setup,
	.run = release_run,
	.check = release_check,
	.quick = { 2, 1, 500, 20 },
	.full = { 3, 2, 500, 120 },
};
