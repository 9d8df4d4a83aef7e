// SPDX-License-Identifier: GPL-2.0
/*
 * Cases of whole queues: who sleeps is woken. A wake-up that is lost shows as a
 * thread that waits for ever.
 */
#include "../../kmod/consumer.h"
#include "../../kmod/producer.h"
#include "case.h"
#include "case_common.h"

#define STEPS 1500

/* --- Items --- */

static void wait_setup(void)
{
	queue_setup(2);
}

static void wait_run(unsigned int thread)
{
	if (thread == 1)
		queue_put();
	else
		queue_wait_for(0);
}

const struct explore_case case_queue_wait = {
	.name = "queue-wait",
	.what = "one puts, another waits for it",
	.threads = 2,
	.setup = wait_setup,
	.run = wait_run,
	.check = queue_check,
	.quick = { 3, 1, STEPS, 20 },
	.full = { 5, 2, STEPS, 120 },
};

static void two_run(unsigned int thread)
{
	if (thread == 1) {
		queue_put();
		queue_put();
	} else {
		queue_wait_for(0);
	}
}

const struct explore_case case_queue_two = {
	.name = "queue-two",
	.what = "one puts two, two others wait for one each",
	.threads = 3,
	.setup = wait_setup,
	.run = two_run,
	.check = queue_check,
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
		queue_put();
	} else if (thread == 2) {
		current->signals = true;
		if (!queue_wait_for(0))
			queue_put();
	} else if (!queue_wait_for(0)) {
		queue_put();
	}
}

const struct explore_case case_queue_signal = {
	.name = "queue-signal",
	.what = "one puts, two wait, of whom one is interrupted",
	.threads = 3,
	.setup = wait_setup,
	.run = signal_run,
	.check = queue_check,
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
	queue_setup(4);
	queue_setup_producer(2);
	queue_store(1);
	first = producer;
	queue_setup_producer(1);
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

	queue_store(2);
	take_from(first);
	producer = first;
	queue_store(3);
	take_from(second);
}

/* Looks at this source first. */
static void take_sure(u64 source)
{
	atomic64_set(&mpmc_queue_cursor(queue)->place,
		     source << 32 | MPMC_QUOTA);
	if (queue_take())
		explore_fail("one there all the time, and none found");
}

static void empty_run(unsigned int thread)
{
	if (thread == 1)
		empty_hop();
	else
		take_sure(2); /* the second ring */
}

const struct explore_case case_queue_empty = {
	.name = "queue-empty",
	.what = "one takes, an owner stores and then takes from another ring",
	.threads = 2,
	.setup = empty_setup,
	.run = empty_run,
	.check = queue_check,
	.quick = { 3, 1, STEPS, 20 },
	.full = { 5, 2, STEPS, 120 },
};

/*
 * The same, but what is put comes by a call, or is one that comes back, and only
 * what is taken was in a mapped ring.
 */
static struct mpmc_requeue_chain behind_chain;

static void behind_setup(void)
{
	queue_setup(4);
	queue_setup_producer(2);
	queue_store(1);
}

/* One that was handed out before: it has its credit. */
static void behind_back_setup(void)
{
	static const u32 once = 1;
	u64 item = ITEM(1, 1);

	behind_setup();
	behind_chain = (struct mpmc_requeue_chain){};
	if (!mpmc_capacity_take(&queue->capacity, 1, 1) ||
	    !mpmc_requeue_chain_copy(&behind_chain, &item, &once, 1))
		explore_die("nothing to come back");
}

static void look_behind(void)
{
	if (!mpmc_queue_ready(queue))
		explore_fail("one there all the time, and none ready");
}

static void behind_run(unsigned int thread)
{
	if (thread == 1) {
		queue_put();
		take_from(producer);
	} else {
		take_sure(0);
	}
}

static void behind_ready_run(unsigned int thread)
{
	if (thread == 1)
		behind_run(thread);
	else
		look_behind();
}

static void behind_back_run(unsigned int thread)
{
	if (thread == 1) {
		items_put(ITEM(1, 1));
		put_count++;
		mpmc_requeue_push(&queue->requeue, &behind_chain);
		take_from(producer);
		queue_put();
		queue_take();
	} else {
		look_behind();
	}
}

#define BEHIND(id, label, bound, text, begin, each) \
const struct explore_case case_queue_##id = { \
	.name = label, \
	.what = text, \
	.threads = 2, \
	.setup = begin, \
	.run = each, \
	.check = queue_check, \
	.quick = { bound, 1, STEPS, 20 }, \
	.full = { 5, 2, STEPS, 120 }, \
}

/* The owner of the ring that is looked at first stores, and goes. */
static void behind_gone_run(unsigned int thread)
{
	if (thread == 1) {
		queue_store(2);
		mpmc_producer_close(producer);
		take_from(first);
	} else {
		take_sure(2);
	}
}

BEHIND(behind, "queue-behind", 3, "one takes, another puts and then takes from a ring",
       behind_setup, behind_run);
BEHIND(behind_ready, "queue-behind-ready", 3, "one looks, another puts and then takes from a ring",
       behind_setup, behind_ready_run);
BEHIND(behind_back, "queue-behind-back", 3, "one looks, one comes back, one is taken from a ring, one put, that one taken",
       behind_back_setup, behind_back_run);
BEHIND(behind_gone, "queue-behind-gone", 2, "one takes, an owner stores and goes, and then one is taken from another ring",
       empty_setup, behind_gone_run);

/*
 * A token goes: by a look it is found, by one at the stamps it is not. What it was
 * then does not make up for what another one has got.
 */
static struct mpmc_producer *gone;

static void limbo_setup(void)
{
	queue_setup(4);
	queue_setup_producer(1);
	gone = producer;
	queue_setup_producer(1);
	queue_store(1);
	first = producer;
	queue_setup_producer(1);
}

static void limbo_run(unsigned int thread)
{
	if (thread == 1) {
		queue_store(2);
		take_from(first);
	} else if (thread == 2) {
		mpmc_producer_close(gone);
	} else {
		take_sure(3);
	}
}

const struct explore_case case_queue_behind_limbo = {
	.name = "queue-behind-limbo",
	.what = "one takes, a token goes, an owner stores, and then one is taken from another ring",
	.threads = 3,
	.setup = limbo_setup,
	.run = limbo_run,
	.check = queue_check,
	.quick = { 2, 0, STEPS, 20 },
	.full = { 3, 1, STEPS, 120 },
};

/* --- Room --- */

static void room_setup(void)
{
	queue_setup(1);
	queue_put();
}

static void room_run(unsigned int thread)
{
	if (thread == 1)
		queue_wait_for(1);
	else
		queue_take();
}

const struct explore_case case_queue_room = {
	.name = "queue-room",
	.what = "one waits for room, another takes",
	.threads = 2,
	.setup = room_setup,
	.run = room_run,
	.check = queue_check,
	.quick = { 3, 1, STEPS, 20 },
	.full = { 5, 2, STEPS, 120 },
};

static void harvest_setup(void)
{
	queue_lease_setup(1, 1);
}

static void harvest_run(unsigned int thread)
{
	if (thread == 1)
		queue_wait_for(1);
	else
		queue_commit();
}

static void harvest_hot_setup(void)
{
	harvest_setup();
	queue_word_set(&words->writers, 0);
}

const struct explore_case case_queue_harvest = {
	.name = "queue-harvest",
	.what = "one waits for room, the owner of a lease commits",
	.threads = 2,
	.setup = harvest_setup,
	.run = harvest_run,
	.check = queue_check,
	.quick = { 2, 1, STEPS, 20 },
	.full = { 4, 2, STEPS, 120 },
};
const struct explore_case case_queue_harvest_hot = {
	.name = "queue-harvest-hot",
	.what = "the same where the queue is hot",
	.threads = 2,
	.setup = harvest_hot_setup,
	.run = harvest_run,
	.check = queue_check,
	.quick = { 2, 1, STEPS, 20 },
	.full = { 4, 2, STEPS, 120 },
};

/*
 * "Full" is true: there is room all the time, but not the same. First that of no
 * item, then that of the first one, which others may harvest, then of the second.
 */
static void full_setup(void)
{
	queue_lease_setup(3, 2);
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
		queue_commit();
		mpmc_queue_reserve(queue, 1, 1);
		schedule_as(thread, kick, NULL);
		queue_commit();
		mpmc_queue_reserve(queue, 1, 1);
	} else if (queue_put()) {
		explore_fail("room all the time, and none found");
	}
}

const struct explore_case case_queue_full = {
	.name = "queue-full",
	.what = "one puts, the owner of a lease commits and then takes room, twice",
	.threads = 2,
	.setup = full_setup,
	.run = full_run,
	.check = queue_check,
	.quick = { 3, 1, STEPS, 20 },
	.full = { 5, 2, STEPS, 120 },
};

static struct mpmc_consumer *gone_lease;

/*
 * Beside a token that goes, whose owner has finished with as many items as another
 * one finishes with then. The room there is all the time: an item that owner has
 * finished with, its credit, when it has been harvested, and then the next item.
 */
static void full_limbo_setup(void)
{
	queue_lease_setup(2, 1);
	gone_lease = consumer;
	queue_commit();
	mpmc_lease_kick(gone_lease);
	queue_add_lease(2);
	queue_commit();
}

/* Both in one step: between others' credits and heads there is nothing to see. */
static void commit_and_take(void *unused)
{
	queue_commit();
	mpmc_capacity_take(&queue->capacity, 1, 1);
}

static void full_limbo_run(unsigned int thread)
{
	if (thread == 1) {
		schedule_as(thread, commit_and_take, NULL);
	} else if (thread == 2) {
		mpmc_consumer_close(gone_lease);
		schedule_as(thread, kick, NULL);
	} else if (!mpmc_queue_has_room(queue, 1)) {
		explore_fail("room all the time, and none found");
	}
}

const struct explore_case case_queue_full_limbo = {
	.name = "queue-full-limbo",
	.what = "one looks for room, a token goes, one lease is harvested, and then finished with, for room",
	.threads = 3,
	.setup = full_limbo_setup,
	.run = full_limbo_run,
	.check = queue_check,
	.quick = { 3, 0, STEPS, 20 },
	.full = { 4, 1, STEPS, 120 },
};

/* The last mapped token goes, whose owner has finished with an item. */
static void full_last_setup(void)
{
	queue_lease_setup(1, 1);
	queue_commit();
}

static void close_lease(void *unused)
{
	mpmc_consumer_close(consumer);
}

static void full_last_run(unsigned int thread)
{
	if (thread == 1)
		schedule_as(thread, close_lease, NULL);
	else if (!mpmc_queue_has_room(queue, 1))
		explore_fail("room all the time, and none found");
}

const struct explore_case case_queue_full_last = {
	.name = "queue-full-last",
	.what = "one looks for room, the last mapped token goes, with some",
	.threads = 2,
	.setup = full_last_setup,
	.run = full_last_run,
	.check = queue_check,
	.quick = { 3, 1, STEPS, 20 },
	.full = { 5, 2, STEPS, 120 },
};

/* --- Mapped rings --- */

static void armed_setup(void)
{
	queue_setup(4);
	queue_setup_producer(2);
}

static void armed_run(unsigned int thread)
{
	if (thread == 1)
		queue_store(1);
	else
		queue_wait_for(0);
}

static void hot_setup(void)
{
	armed_setup();
	queue_word_set(&words->readers, 0);
}

const struct explore_case case_queue_armed = {
	.name = "queue-armed",
	.what = "an owner stores, another one waits for it",
	.threads = 2,
	.setup = armed_setup,
	.run = armed_run,
	.check = queue_check,
	.quick = { 3, 1, STEPS, 20 },
	.full = { 5, 2, STEPS, 120 },
};
const struct explore_case case_queue_hot = {
	.name = "queue-hot",
	.what = "the same where the queue is hot",
	.threads = 2,
	.setup = hot_setup,
	.run = armed_run,
	.check = queue_check,
	.quick = { 3, 1, STEPS, 20 },
	.full = { 5, 2, STEPS, 120 },
};

static void hot_two_run(unsigned int thread)
{
	if (thread == 1) {
		queue_store(1);
		queue_store(2);
	} else {
		queue_wait_for(0);
	}
}

const struct explore_case case_queue_hot_two = {
	.name = "queue-hot-two",
	.what = "an owner stores two, two others wait for one each",
	.threads = 3,
	.setup = hot_setup,
	.run = hot_two_run,
	.check = queue_check,
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
		queue_store(1);
	else if (thread == 2)
		queue_wait_for(0);
	else
		mpmc_sleepers_moved(&queue->read_sleepers, 1 << 20);
}

const struct explore_case case_queue_cool = {
	.name = "queue-cool",
	.what = "an owner stores, one waits, the queue becomes hot",
	.threads = 3,
	.setup = cool_setup,
	.run = cool_run,
	.check = queue_check,
	.quick = { 2, 1, STEPS, 20 },
	.full = { 3, 2, STEPS, 120 },
};

/* --- The end --- */

static void shutdown_setup(void)
{
	queue_setup(2);
	queue_setup_producer(1);
	queue_word_set(&words->readers, 0);
}

/* Takes all that was accepted, and is told of the end. */
static void take_all(void)
{
	int ret;

	do {
		ret = queue_wait_for(0);
	} while (!ret);
	if (ret != -EPIPE)
		explore_fail("waited for the end, and got %d", ret);
}

static void shutdown_run(unsigned int thread)
{
	if (thread == 1)
		queue_store(1);
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
	.check = queue_end_check,
	.quick = { 1, 1, STEPS, 20 },
	.full = { 2, 1, STEPS, 120 },
};

/* The end comes when the last lease ends, of a consumer who makes no barrier. */
static void drain_run(unsigned int thread)
{
	if (thread == 1)
		queue_commit();
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
	.check = queue_end_check,
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
		queue_commit();
	else if (thread == 2)
		take_all();
	else
		queue_take();
}

const struct explore_case case_queue_drain_two = {
	.name = "queue-drain-two",
	.what = "the same, and a third one may harvest it",
	.threads = 3,
	.setup = drain_two_setup,
	.run = drain_two_run,
	.check = queue_end_check,
	.quick = { 2, 0, STEPS, 20 },
	.full = { 3, 1, STEPS, 120 },
};

/* A call that puts beside a shutdown: accepted and delivered, or refused. */
static void late_run(unsigned int thread)
{
	if (thread == 1)
		queue_put();
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
	.check = queue_end_check,
	.quick = { 2, 2, STEPS, 20 },
	.full = { 3, 2, STEPS, 120 },
};

/* --- A put that is refused after it has moved the ring --- */

/* A call of the owner of a mapped ring. */
static void call_put(void)
{
	u64 item = ITEM(1, ++put_count);
	int ret = mpmc_producer_begin(producer);

	if (!ret) {
		if (!mpmc_capacity_take(&queue->capacity, MPMC_SHARE_COMMON, 1) ||
		    mpmc_producer_prepare(producer, 1))
			explore_die("no room");
		items_put(item);
		if (mpmc_producer_put(producer, &item, 1))
			items_unput(item);
		mpmc_producer_unprepare(producer);
	}
	mpmc_producer_end(producer);
}

/* The ring is full. */
static void refused_setup(void)
{
	unsigned int i;

	queue_setup(QUEUE_ENTRIES + 1);
	queue_setup_producer(QUEUE_ENTRIES);
	for (i = 1; i <= QUEUE_ENTRIES; i++)
		queue_store(i);
}

/* Whoever has been told of no room makes another call, which is refused as well. */
static void refused_run(unsigned int thread)
{
	if (thread == 1) {
		call_put();
		if (READ_ONCE(producer->page->position) > READ_ONCE(*producer->ring.tail))
			queue_store(QUEUE_ENTRIES + 1);
	} else if (thread == 2) {
		queue_take();
	} else {
		mpmc_queue_shutdown(queue);
	}
}

const struct explore_case case_queue_refused = {
	.name = "queue-refused",
	.what = "a call moves a full ring, its end comes, the owner stores where he may",
	.threads = 3,
	.setup = refused_setup,
	.run = refused_run,
	.check = queue_check,
	.quick = { 2, 0, STEPS, 20 },
	.full = { 3, 1, STEPS, 120 },
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
	queue_setup(2);
	producer = mpmc_producer_create(queue, QUEUE_ENTRIES);
	put_by_token();
}

static void close_run(unsigned int thread)
{
	if (thread > 1) {
		queue_take();
		return;
	}
	put_by_token();
	mpmc_producer_close(producer);
}

static void close_check(void)
{
	if (!items_left() && !machine_is_freed(producer))
		explore_fail("the token is not freed by who took the last item");
	while (!queue_take())
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
