// SPDX-License-Identifier: GPL-2.0
/*
 * Cases of whole queues: who sleeps is woken. A wake-up that is lost shows as a
 * thread that waits for ever.
 */
#include <uapi/linux/mpmc.h>

#include "../../kmod/batch.h"
#include "../../kmod/consumer.h"
#include "../../kmod/producer.h"
#include "../../kmod/wait.h"
#include "case.h"

#define ENTRIES 2
#define STEPS 1500

static struct mpmc_queue *queue;
static struct mpmc_producer *producer;
static struct mpmc_consumer *consumer;
static struct mpmc_map_queue *words; /* as owners see them */
static unsigned int put_count; /* by calls */

static void setup(unsigned int capacity)
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

static void setup_producer(unsigned int granted)
{
	producer = mpmc_producer_create(queue, ENTRIES);
	trace_name(producer, sizeof(*producer), "producer");
	trace_name(producer->ring.tail, sizeof(u64), "tail");
	if (mpmc_producer_map(producer) ||
	    !mpmc_capacity_take(&queue->capacity, MPMC_SHARE_COMMON, granted) ||
	    !mpmc_ring_grant(&producer->ring, granted))
		explore_die("no ring");
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

static int put(void)
{
	return mpmc_queue_reserve(queue, 1, 1) ?: put_reserved();
}

static int take(void)
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
	return take();
}

static int try_put(struct mpmc_waiter *waiter)
{
	return put();
}

static int wait_for(u64 room)
{
	struct mpmc_waiter waiter = {
		.queue = queue,
		.room = room,
		.attempt = room ? try_put : try_take,
	};

	return mpmc_wait(&waiter, UINT64_MAX);
}

/* --- What owners do, without a call --- */

static void word_set(u32 *word, u32 value)
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

static void store(unsigned int number)
{
	u64 *tail = producer->ring.tail, pos = READ_ONCE(*tail);

	producer->ring.items[pos % ENTRIES] = ITEM(2, number);
	items_put(ITEM(2, number));
	if (!advance(tail, pos + 1, &words->readers))
		return;
	trace_say("kicks");
	if (mpmc_producer_kick(producer, 1))
		items_unput(ITEM(2, number));
}

static void commit(void)
{
	u64 *head = consumer->head;

	if (advance(head, READ_ONCE(*head) + 1, &words->writers)) {
		trace_say("kicks");
		mpmc_lease_kick(consumer);
	}
}

/* --- The end --- */

static void check(void)
{
	while (!take())
		;
	items_check();
	if (atomic_read(&queue->reader_count) ||
	    atomic_read(&queue->writer_count))
		explore_fail("somebody is counted who does not wait");
	if ((words->readers | words->writers) & MPMC_MAP_SLEEPERS)
		explore_fail("somebody is counted who does not sleep");
	mpmc_queue_destroy(queue);
}

/* --- Items --- */

static void wait_setup(void)
{
	setup(2);
}

static void wait_run(unsigned int thread)
{
	if (thread == 1)
		put();
	else
		wait_for(0);
}

const struct explore_case case_queue_wait = {
	.name = "queue-wait",
	.what = "one puts, another waits for it",
	.threads = 2,
	.setup = wait_setup,
	.run = wait_run,
	.check = check,
	.quick = { 3, 1, STEPS, 20 },
	.full = { 5, 2, STEPS, 120 },
};

static void two_run(unsigned int thread)
{
	if (thread == 1) {
		put();
		put();
	} else {
		wait_for(0);
	}
}

const struct explore_case case_queue_two = {
	.name = "queue-two",
	.what = "one puts two, two others wait for one each",
	.threads = 3,
	.setup = wait_setup,
	.run = two_run,
	.check = check,
	.quick = { 2, 0, STEPS, 20 },
	.full = { 3, 1, STEPS, 120 },
};

/*
 * One of two who wait may be interrupted. If he was chosen, and leaves, the other
 * one is to be told. Who gets the item puts another one for the other.
 */
static void signal_run(unsigned int thread)
{
	if (thread == 1) {
		put();
	} else if (thread == 2) {
		current->signals = true;
		if (!wait_for(0))
			put();
	} else if (!wait_for(0)) {
		put();
	}
}

const struct explore_case case_queue_signal = {
	.name = "queue-signal",
	.what = "one puts, two wait, of whom one is interrupted",
	.threads = 3,
	.setup = wait_setup,
	.run = signal_run,
	.check = check,
	.quick = { 2, 0, STEPS, 20 },
	.full = { 3, 1, STEPS, 120 },
};

/*
 * "Empty" is true: there is an item all the time, for one is put behind the back
 * of who looks before another is taken, and again, as the first ring is looked at
 * twice. Both are mapped, so that what tells is their stamps.
 */
static struct mpmc_producer *first;

static void empty_setup(void)
{
	setup(4);
	setup_producer(2);
	store(1);
	first = producer;
	setup_producer(1);
}

static void take_from(struct mpmc_producer *from)
{
	u64 item;

	if (mpmc_producer_take(queue, from->id, &item, 1)) {
		items_got(item);
		mpmc_capacity_return(&queue->capacity, 1, 1);
	}
}

static void empty_hop(void)
{
	struct mpmc_producer *second = producer;

	store(2);
	take_from(first);
	producer = first;
	store(3);
	take_from(second);
}

/* Looks at the second ring first. */
static void empty_run(unsigned int thread)
{
	struct mpmc_cursor *cursor = mpmc_queue_cursor(queue);

	if (thread == 1) {
		empty_hop();
		return;
	}
	atomic64_set(&cursor->place, 2ULL << 32 | MPMC_QUOTA);
	if (take())
		explore_fail("one there all the time, and none found");
}

const struct explore_case case_queue_empty = {
	.name = "queue-empty",
	.what = "one takes, an owner stores and then takes from another ring",
	.threads = 2,
	.setup = empty_setup,
	.run = empty_run,
	.check = check,
	.quick = { 3, 1, STEPS, 20 },
	.full = { 5, 2, STEPS, 120 },
};

/* --- Room --- */

static void room_setup(void)
{
	setup(1);
	put();
}

static void room_run(unsigned int thread)
{
	if (thread == 1)
		wait_for(1);
	else
		take();
}

const struct explore_case case_queue_room = {
	.name = "queue-room",
	.what = "one waits for room, another takes",
	.threads = 2,
	.setup = room_setup,
	.run = room_run,
	.check = check,
	.quick = { 3, 1, STEPS, 20 },
	.full = { 5, 2, STEPS, 120 },
};

/* Room is what the owner of a mapped lease has finished with. */
static void lease_setup(unsigned int capacity, unsigned int items)
{
	unsigned int i;

	setup(capacity);
	for (i = 0; i < items; i++)
		put();
	consumer = mpmc_consumer_create(queue, ENTRIES);
	trace_name(consumer, sizeof(*consumer), "consumer");
	trace_name(consumer->head, sizeof(u64), "head");
	if (mpmc_consumer_map(consumer) ||
	    mpmc_lease_fill(consumer, items, false))
		explore_die("no lease");
	items_got_many(consumer->items, items);
}

static void harvest_setup(void)
{
	lease_setup(1, 1);
}

static void harvest_run(unsigned int thread)
{
	if (thread == 1)
		wait_for(1);
	else
		commit();
}

static void harvest_hot_setup(void)
{
	harvest_setup();
	word_set(&words->writers, 0);
}

const struct explore_case case_queue_harvest = {
	.name = "queue-harvest",
	.what = "one waits for room, the owner of a lease commits",
	.threads = 2,
	.setup = harvest_setup,
	.run = harvest_run,
	.check = check,
	.quick = { 2, 1, STEPS, 20 },
	.full = { 4, 2, STEPS, 120 },
};
const struct explore_case case_queue_harvest_hot = {
	.name = "queue-harvest-hot",
	.what = "the same where the queue is hot",
	.threads = 2,
	.setup = harvest_hot_setup,
	.run = harvest_run,
	.check = check,
	.quick = { 2, 1, STEPS, 20 },
	.full = { 4, 2, STEPS, 120 },
};

/*
 * "Full" is true: there is room all the time, but not the same. First that of no
 * item, then that of the first one, which others may harvest, then of the second.
 */
static void full_setup(void)
{
	lease_setup(3, 2);
}

static void kick(void *unused)
{
	mpmc_lease_kick(consumer);
}

/*
 * The kick in one step: a credit is nowhere for a moment while it is harvested,
 * see lease_return().
 */
static void full_run(unsigned int thread)
{
	if (thread == 1) {
		commit();
		mpmc_queue_reserve(queue, 1, 1);
		schedule_as(thread, kick, NULL);
		commit();
		mpmc_queue_reserve(queue, 1, 1);
	} else if (put()) {
		explore_fail("room all the time, and none found");
	}
}

const struct explore_case case_queue_full = {
	.name = "queue-full",
	.what = "one puts, the owner of a lease commits and then takes room, twice",
	.threads = 2,
	.setup = full_setup,
	.run = full_run,
	.check = check,
	.quick = { 3, 1, STEPS, 20 },
	.full = { 5, 2, STEPS, 120 },
};

/* --- Mapped rings --- */

static void armed_setup(void)
{
	setup(4);
	setup_producer(2);
}

static void armed_run(unsigned int thread)
{
	if (thread == 1)
		store(1);
	else
		wait_for(0);
}

static void hot_setup(void)
{
	armed_setup();
	word_set(&words->readers, 0);
}

const struct explore_case case_queue_armed = {
	.name = "queue-armed",
	.what = "an owner stores, another one waits for it",
	.threads = 2,
	.setup = armed_setup,
	.run = armed_run,
	.check = check,
	.quick = { 3, 1, STEPS, 20 },
	.full = { 5, 2, STEPS, 120 },
};
const struct explore_case case_queue_hot = {
	.name = "queue-hot",
	.what = "the same where the queue is hot",
	.threads = 2,
	.setup = hot_setup,
	.run = armed_run,
	.check = check,
	.quick = { 3, 1, STEPS, 20 },
	.full = { 5, 2, STEPS, 120 },
};

static void hot_two_run(unsigned int thread)
{
	if (thread == 1) {
		store(1);
		store(2);
	} else {
		wait_for(0);
	}
}

const struct explore_case case_queue_hot_two = {
	.name = "queue-hot-two",
	.what = "an owner stores two, two others wait for one each",
	.threads = 3,
	.setup = hot_setup,
	.run = hot_two_run,
	.check = check,
	.quick = { 1, 0, STEPS, 20 },
	.full = { 2, 1, STEPS, 120 },
};

/* It becomes hot while somebody goes to sleep; long after it was armed. */
static void cool_setup(void)
{
	armed_setup();
	queue->read_sleepers.armed -= 1000;
}

static void cool_run(unsigned int thread)
{
	if (thread == 1)
		store(1);
	else if (thread == 2)
		wait_for(0);
	else
		mpmc_sleepers_moved(&queue->read_sleepers, 1 << 20);
}

const struct explore_case case_queue_cool = {
	.name = "queue-cool",
	.what = "an owner stores, one waits, the queue becomes hot",
	.threads = 3,
	.setup = cool_setup,
	.run = cool_run,
	.check = check,
	.quick = { 2, 1, STEPS, 20 },
	.full = { 3, 2, STEPS, 120 },
};

/* --- The end --- */

static void shutdown_setup(void)
{
	setup(2);
	setup_producer(1);
	word_set(&words->readers, 0);
}

/* Takes all that was accepted, and is told of the end. */
static void take_all(void)
{
	int ret;

	do {
		ret = wait_for(0);
	} while (!ret);
	if (ret != -EPIPE)
		explore_fail("waited for the end, and got %d", ret);
}

/* Nothing is left of what was accepted. */
static void end_check(void)
{
	items_check();
	check();
}

static void shutdown_run(unsigned int thread)
{
	if (thread == 1)
		store(1);
	else if (thread == 2)
		take_all();
	else
		mpmc_queue_shutdown(queue);
}

const struct explore_case case_queue_shutdown = {
	.name = "queue-shutdown",
	.what = "an owner stores, one waits for the end, which comes",
	.threads = 3,
	.setup = shutdown_setup,
	.run = shutdown_run,
	.check = end_check,
	.quick = { 1, 1, STEPS, 20 },
	.full = { 2, 1, STEPS, 120 },
};

/* The end comes when the last lease ends, of a consumer who makes no barrier. */
static void drain_run(unsigned int thread)
{
	if (thread == 1)
		commit();
	else if (thread == 2)
		take_all();
	else
		mpmc_queue_shutdown(queue);
}

const struct explore_case case_queue_drain = {
	.name = "queue-drain",
	.what = "the last lease is finished with, one waits for the end",
	.threads = 3,
	.setup = harvest_hot_setup,
	.run = drain_run,
	.check = end_check,
	.quick = { 1, 1, STEPS, 20 },
	.full = { 2, 1, STEPS, 120 },
};

/* It is harvested by another one, who looks once. */
static void drain_two_setup(void)
{
	harvest_setup();
	mpmc_queue_shutdown(queue);
}

static void drain_two_run(unsigned int thread)
{
	if (thread == 1)
		commit();
	else if (thread == 2)
		take_all();
	else
		take();
}

const struct explore_case case_queue_drain_two = {
	.name = "queue-drain-two",
	.what = "the same, and a third one may harvest it",
	.threads = 3,
	.setup = drain_two_setup,
	.run = drain_two_run,
	.check = end_check,
	.quick = { 2, 0, STEPS, 20 },
	.full = { 3, 1, STEPS, 120 },
};

/* A call that puts beside a shutdown: accepted and delivered, or refused. */
static void late_run(unsigned int thread)
{
	if (thread == 1)
		put();
	else if (thread == 2)
		take_all();
	else
		mpmc_queue_shutdown(queue);
}

const struct explore_case case_queue_late = {
	.name = "queue-late",
	.what = "a call puts, one waits for the end, which comes",
	.threads = 3,
	.setup = wait_setup,
	.run = late_run,
	.check = end_check,
	.quick = { 2, 2, STEPS, 20 },
	.full = { 3, 2, STEPS, 120 },
};

/* --- A token that is closed --- */

static void put_by_token(void)
{
	u64 item = ITEM(1, ++put_count);

	items_put(item);
	if (!mpmc_capacity_take(&queue->capacity, MPMC_SHARE_COMMON, 1) ||
	    mpmc_producer_prepare(producer, 1) ||
	    mpmc_producer_put(producer, &item, 1))
		explore_die("no item");
}

static void close_setup(void)
{
	setup(2);
	producer = mpmc_producer_create(queue, ENTRIES);
	put_by_token();
}

static void close_run(unsigned int thread)
{
	if (thread > 1) {
		take();
		return;
	}
	put_by_token();
	mpmc_producer_close(producer);
}

static void close_check(void)
{
	if (!items_left() && !machine_is_freed(producer))
		explore_fail("the token is not freed by who took the last item");
	while (!take())
		;
	items_check();
	if (!machine_is_freed(producer))
		explore_fail("the token is not freed");
	mpmc_queue_destroy(queue);
}

const struct explore_case case_queue_close = {
	.name = "queue-close",
	.what = "a token is closed while two take its last items",
	.threads = 3,
	.setup = close_setup,
	.run = close_run,
	.check = close_check,
	.quick = { 2, 1, STEPS, 20 },
	.full = { 3, 2, STEPS, 120 },
};
