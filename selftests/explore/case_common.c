// SPDX-License-Identifier: GPL-2.0
/*
 * What cases of whole queues have in common: a queue, one token of each kind, and
 * what calls and owners do
 */
#include "case_common.h"

#include "../../kmod/batch.h"
#include "../../kmod/consumer.h"
#include "../../kmod/producer.h"
#include "../../kmod/wait.h"
#include "case.h"

struct mpmc_queue *queue;
struct mpmc_producer *producer;
struct mpmc_consumer *consumer;
struct mpmc_map_queue *words;
unsigned int put_count;

void queue_setup(unsigned int capacity)
{
	items_reset();
	kernel_reset();
	put_count = 0;
	producer = NULL;
	consumer = NULL;
	queue = mpmc_queue_create(capacity, 1);
	words = page_address(queue->page);
	trace_name(queue, sizeof(*queue), "queue");
	trace_name(words, sizeof(*words), "words");
	if (mpmc_queue_prepare(queue, 0))
		explore_die("no segment");
}

void queue_setup_producer(unsigned int granted)
{
	producer = mpmc_producer_create(queue, QUEUE_ENTRIES);
	trace_name(producer, sizeof(*producer), "producer");
	trace_name(producer->ring.tail, sizeof(u64), "tail");
	if (mpmc_producer_map(producer) ||
	    !mpmc_capacity_take(&queue->capacity, MPMC_SHARE_COMMON, granted) ||
	    !mpmc_ring_grant(&producer->ring, granted))
		explore_die("no ring");
}

void queue_add_lease(unsigned int items)
{
	unsigned int i;

	for (i = 0; i < items; i++)
		queue_put();
	consumer = mpmc_consumer_create(queue, QUEUE_ENTRIES);
	trace_name(consumer, sizeof(*consumer), "consumer");
	trace_name(consumer->head, sizeof(u64), "head");
	if (mpmc_consumer_map(consumer) ||
	    mpmc_lease_fill(consumer, items, false))
		explore_die("no lease");
	items_got_many(consumer->items, items);
}

/* Room is what the owner of a mapped lease has finished with. */
void queue_lease_setup(unsigned int capacity, unsigned int items)
{
	queue_setup(capacity);
	queue_add_lease(items);
}

/* --- Calls --- */

static int put_reserved(void)
{
	struct mpmc_spare spare = {};
	u64 item = ITEM(1, ++put_count);

	items_put(item);
	if (mpmc_queue_put(queue, 0, &spare, &item, 1))
		explore_die("no block");
	mpmc_pool_drain(&queue->pool, &spare);
	return 0;
}

int queue_put(void)
{
	return mpmc_queue_reserve(queue, 1, 1) ?: put_reserved();
}

int queue_take(void)
{
	u32 deliveries[CASE_ITEMS];
	u64 items[CASE_ITEMS];
	struct mpmc_batch batch;
	int ret;

	mpmc_batch_clear(&batch);
	batch.items = items;
	batch.deliveries = deliveries;
	batch.max = 1;
	ret = mpmc_queue_take(queue, mpmc_queue_cursor(queue), &batch);
	if (ret)
		return ret;
	items_got_many(items, batch.count);
	mpmc_queue_finish(queue, &batch);
	return 0;
}

static int try_take(struct mpmc_waiter *waiter)
{
	return queue_take();
}

static int try_put(struct mpmc_waiter *waiter)
{
	return queue_put();
}

int queue_wait_for(u64 room)
{
	struct mpmc_waiter waiter = {
		.queue = queue,
		.room = room,
		.attempt = room ? try_put : try_take,
	};

	return mpmc_wait(&waiter, UINT64_MAX);
}

/* --- What owners do, without a call --- */

void queue_word_set(u32 *word, u32 value)
{
	atomic_set((atomic_t *)word, value);
}

/* As the library does it; whether somebody is to be told. */
static bool advance(u64 *position, u64 to, u32 *word)
{
	smp_store_release(position, to);
	if (!READ_ONCE(*word))
		return false;
	smp_mb();
	return READ_ONCE(*word) & (MPMC_MAP_WAITERS | MPMC_MAP_SHUTDOWN);
}

void queue_store(unsigned int number)
{
	u64 *tail = producer->ring.tail, pos = READ_ONCE(*tail);

	producer->ring.items[pos % QUEUE_ENTRIES] = ITEM(2, number);
	items_put(ITEM(2, number));
	if (!advance(tail, pos + 1, &words->readers))
		return;
	trace_say("kicks");
	if (mpmc_producer_kick(producer, 1))
		items_unput(ITEM(2, number));
}

void queue_commit(void)
{
	u64 *head = consumer->head;

	if (advance(head, READ_ONCE(*head) + 1, &words->writers)) {
		trace_say("kicks");
		mpmc_lease_kick(consumer);
	}
}

/* --- The end --- */

void queue_check(void)
{
	while (!queue_take())
		;
	items_check();
	if (atomic_read(&queue->reader_count) ||
	    atomic_read(&queue->writer_count))
		explore_fail("somebody is counted who does not wait");
	if ((words->readers | words->writers) & MPMC_MAP_SLEEPERS)
		explore_fail("somebody is counted who does not sleep");
	mpmc_queue_destroy(queue);
}

void queue_end_check(void)
{
	items_check();
	queue_check();
}
