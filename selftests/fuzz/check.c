// SPDX-License-Identifier: GPL-2.0
/*
 * What must be true between two programs, whatever they did
 *
 * A program's own queues, when all else of it has gone: nobody uses them any more,
 * nothing is leased or granted, they hold as many items as they say, and, empty,
 * take as many as their capacity. So no credit was lost or made.
 *
 * A queue that others have items in, of which a program got a token: besides, their
 * items are there, in order, if that was a producer; or none came twice, if it was
 * a consumer, who may take what he likes.
 *
 * A queue that programs have nothing to do with: nothing about it has changed.
 */
#include <stdarg.h>

#include "fuzz.h"

#define OTHERS_CAPACITY 64
#define OTHERS_ITEMS 20
#define OTHERS_TAG 0xb1
#define CAPACITY_CHECKED 4096

#define APART_CAPACITY 37
#define APART_ITEMS 11
#define APART_LEASED 3

struct status *check_status;

static int others = -1;
static u64 others_epoch;

/* Untouched by programs: a queue, tokens with a mapping and with a lease. */
static struct {
	int queue;
	struct mapped producer;
	int consumer;
	u64 next;
	struct mpmc_queue_info info;
} apart;

void check_fail(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(check_status->failed, sizeof(check_status->failed), format,
		  args);
	va_end(args);
	_exit(KSFT_FAIL);
}

#define check(cond, ...) \
	do { \
		if (!(cond)) \
			check_fail(__VA_ARGS__); \
	} while (0)

/* --- Queues that nobody uses any more --- */

static bool idle(const struct mpmc_queue_info *info)
{
	return !info->producers && !info->consumers &&
	       !info->enqueue_waiters && !info->dequeue_waiters &&
	       !info->leased && !info->granted;
}

static struct mpmc_queue_info check_idle(int queue, bool late)
{
	struct mpmc_queue_info info = queue_state(queue);

	if (late && !idle(&info) && eventually((info = queue_state(queue), idle(&info))))
		return info;
	check(idle(&info),
	      "an unused queue has %u producers, %u consumers, %u + %u waiters, %llu leased, %llu granted",
	      info.producers, info.consumers, info.enqueue_waiters,
	      info.dequeue_waiters, info.leased, info.granted);
	return info;
}

/* Drained already. What it takes more than it should, or less, is a credit. */
static void check_capacity(int queue, const struct mpmc_queue_info *info)
{
	u64 n;

	if (info->state & MPMC_STATE_SHUTDOWN ||
	    info->capacity > CAPACITY_CHECKED)
		return;
	n = fill(queue, 0);
	check(n == info->capacity, "an empty queue of %llu took %llu items",
	      info->capacity, n);
}

/* Not all have been opened to read and to write. */
static bool is_whole(int queue)
{
	return (fcntl(queue, F_GETFL) & O_ACCMODE) == O_RDWR;
}

static void check_queue(int queue, bool late)
{
	struct mpmc_queue_info info = check_idle(queue, late);
	u64 n;

	if (!is_whole(queue))
		return;
	n = drain(queue);
	check(n == info.items, "a queue that said %llu items had %llu",
	      info.items, n);
	info = queue_state(queue);
	check(!info.items, "a drained queue says %llu items", info.items);
	check_capacity(queue, &info);
}

/*
 * All of a program's queues, and lets go of them, and of their names. One may be there
 * by several fds, and one may be for the dead letters of another.
 */
static void check_world(struct world *world)
{
	unsigned int i;
	int fd;

	for (i = 0; i < SLOTS; i++) {
		fd = slot_take(world, i);
		if (fd < 0)
			continue;
		check_queue(fd, world->late);
		close(fd);
	}
	while ((fd = names_take()) >= 0) {
		check_queue(fd, world->late);
		close(fd);
	}
}

/* --- The queue that others have items in --- */

static u64 others_item(u64 epoch, unsigned int i)
{
	return (u64)OTHERS_TAG << 56 | epoch << 8 | i;
}

static void others_put(void)
{
	u64 items[OTHERS_ITEMS];
	unsigned int i;

	others_epoch++;
	for (i = 0; i < OTHERS_ITEMS; i++)
		items[i] = others_item(others_epoch, i);
	check(enq_bulk(others, items, OTHERS_ITEMS) == 0,
	      "no room for others in an empty queue");
}

/* Adds one of the others' items that came: not twice, and in order if it must. */
static void others_note(u64 *seen, unsigned int i, bool ordered)
{
	check(!(*seen >> i & 1), "another's item %u came twice", i);
	check(!ordered || !(*seen >> i), "another's item %u came late", i);
	*seen |= 1ULL << i;
}

static void others_check(bool all)
{
	u64 item, seen = 0, first = others_item(others_epoch, 0);

	while (deq(others, &item) > 0)
		if (item - first < OTHERS_ITEMS)
			others_note(&seen, item - first, all);
	check(!all || seen == (1ULL << OTHERS_ITEMS) - 1,
	      "of the others' items these are left: %#llx", seen);
}

static void others_create(void)
{
	others = queue_create(OTHERS_CAPACITY, 4);
	must(others >= 0);
	others_put();
}

/* Gives a program a token of that queue. */
void check_attack(struct world *world, int attack)
{
	int fd;

	if (attack == ATTACK_NONE)
		return;
	fd = token_create(others, attack == ATTACK_PRODUCER ?
			  MPMC_IOC_PRODUCER_CREATE : MPMC_IOC_CONSUMER_CREATE,
			  8);
	check(fd >= 0, "no token of the queue of others: %d", fd);
	slot_add(world, fd, attack == ATTACK_PRODUCER ? KIND_PRODUCER :
							KIND_CONSUMER);
}

static void others_settle(int attack, bool late)
{
	struct mpmc_queue_info info;

	if (attack == ATTACK_NONE)
		return;
	check_idle(others, late);
	others_check(attack == ATTACK_PRODUCER);
	info = queue_state(others);
	check_capacity(others, &info);
	drain(others);
	others_put();
}

/* --- The queue apart --- */

static void apart_create(void)
{
	struct mpmc_lease_item items[APART_LEASED];
	unsigned int i;

	apart.queue = queue_create(APART_CAPACITY, 3);
	must(apart.queue >= 0);
	mapped_producer(&apart.producer, apart.queue, 8);
	apart.consumer = consumer_create(apart.queue, 8);
	for (i = 0; i < APART_ITEMS; i++)
		must(put(&apart.producer, apart.next++) == 0);
	must(lease_fill(apart.consumer, items, APART_LEASED) == APART_LEASED);
	apart.info = queue_state(apart.queue);
}

static void apart_look(void)
{
	struct mpmc_queue_info info = queue_state(apart.queue);

	check(!memcmp(&info, &apart.info, sizeof(info)),
	      "a queue apart has changed: %llu items, %llu leased, %llu granted, %u + %u tokens, %u + %u waiters",
	      info.items, info.leased, info.granted, info.producers,
	      info.consumers, info.enqueue_waiters, info.dequeue_waiters);
}

/* Moves its items on, and sees that they are those that were put. */
static void apart_move(void)
{
	struct mpmc_lease_item items[APART_LEASED];
	u64 first = apart.next - APART_ITEMS;
	unsigned int i;

	for (i = 0; i < APART_LEASED; i++)
		must(put(&apart.producer, apart.next++) == 0);
	check(lease_fill(apart.consumer, items, APART_LEASED) == APART_LEASED,
	      "the lease apart has lost items");
	for (i = 0; i < APART_LEASED; i++)
		check(items[i].value == first + i && items[i].deliveries == 1,
		      "apart: item %llu, delivery %u, for %llu",
		      items[i].value, items[i].deliveries, first + i);
	check(lease_commit(apart.consumer, APART_LEASED) == 0,
	      "the lease apart is not to be committed");
	check(lease_fill(apart.consumer, NULL, APART_LEASED) == APART_LEASED,
	      "the queue apart has lost items");
	apart.info = queue_state(apart.queue);
	check(apart.info.items + apart.info.leased == APART_ITEMS,
	      "the queue apart has %llu + %llu items", apart.info.items,
	      apart.info.leased);
}

static void check_others(u64 index)
{
	apart_look();
	if (!(index % 16))
		apart_move();
}

void check_init(void)
{
	others_create();
	apart_create();
	exact_init();
}

/* After a program: its processes, mappings and tokens have gone. */
void check_program(struct world *world, int attack, u64 index)
{
	others_settle(attack, world->late);
	check_world(world);
	check_others(index);
}
