// SPDX-License-Identifier: GPL-2.0
/*
 * Leases, whose owner may write anything to his position at any moment
 *
 * kmod/lease.c and kmod/credit.c as they are, on a queue that is a list here:
 * owners' calls, others who harvest, and scribbles, between any two steps of each
 * other. What must be true, whatever the owner writes:
 *
 *  - items are read and written in the ring only (ASan);
 *  - not more is finished with than was leased, and the credits that are out are
 *    those of the items in the queue and in the lease, exactly, in the end;
 *  - what is given back was leased, comes back once, in order, one delivery older,
 *    and is not what was finished with;
 *  - a position that can't be is noticed.
 */
#include <linux/xarray.h>

#include "../../kmod/batch.h"
#include "../../kmod/consumer.h"
#include "../../kmod/dead.h"
#include "../../kmod/producer.h"

#include "step.h"

#define ENTRIES_MAX 16
#define SEGMENTS 3
#define CREDITS 48
#define VALUES 8192

struct item {
	u64 value;
	u32 deliveries;
	unsigned int share;
};

static struct mpmc_queue queue;
static struct mpmc_consumer *consumer;
static struct mpmc_map_token *page;
static bool busy;
static bool memory;

/* The queue: what came back is in front. */
static struct item list[2 * VALUES];
static unsigned int first, last;
static u64 next_value;

/* How often each value was handed out, and where it is: leased, or not. */
static u8 leased[VALUES];
static u8 handed[VALUES];

/* --- The queue that lease.c takes from, and gives back to --- */

static void queue_put(unsigned int share)
{
	if (next_value == VALUES || !mpmc_capacity_take(&queue.capacity, share, 1))
		return;
	list[last++] = (struct item){
		.value = next_value++, .deliveries = 0, .share = share,
	};
}

static bool item_fits(const struct mpmc_batch *batch, const struct item *item)
{
	if (!item->deliveries)
		return !batch->again || batch->again_max > 1;
	return batch->again == batch->count && batch->again < batch->again_max;
}

int mpmc_queue_take(struct mpmc_queue *from, struct mpmc_cursor *cursor,
		    struct mpmc_batch *batch)
{
	struct item *item;

	(void)from;
	(void)cursor;
	while (batch->count < batch->max && first < last) {
		item = &list[first];
		if (!item_fits(batch, item))
			break;
		first++;
		insist(!leased[item->value]++);
		handed[item->value]++;
		batch->items[batch->count] = item->value;
		if (item->deliveries) {
			batch->deliveries[batch->count] = item->deliveries + 1;
			batch->again++;
		}
		mpmc_batch_added(batch, 1, item->share);
	}
	return batch->count ? 0 : -EAGAIN;
}

static void queue_put_back(u64 value, u32 deliveries, unsigned int place)
{
	insist(value < next_value);
	insist(leased[value]--);
	insist(deliveries == handed[value]);
	list[place] = (struct item){
		.value = value, .deliveries = deliveries,
		.share = MPMC_SHARE_COMMON,
	};
}

void mpmc_queue_requeue(struct mpmc_queue *to,
			const struct mpmc_requeue_chain *chain,
			unsigned int count)
{
	struct mpmc_requeue_chain done = *chain;
	struct mpmc_requeue_node *node;
	unsigned int i, place = first - count;

	(void)to;
	insist(count <= consumer->entries && first >= count);
	for (node = chain->first; node; node = node->next)
		for (i = 0; i < node->count; i++)
			queue_put_back(node->items[i], node->deliveries[i],
				       place++);
	insist(place == first);
	first -= count;
	mpmc_requeue_chain_free(&done);
}

/* What came back in the ring itself: nothing is to be in it any more. */
void mpmc_consumer_put(struct mpmc_consumer *token)
{
	insist(atomic_dec_return(&token->users));
}

void *lease_kmalloc(size_t size)
{
	return memory ? malloc(size) : NULL;
}

/* Dead letters are dropped here. */
unsigned int mpmc_dead_bury(struct mpmc_queue *of, u64 *items, u32 *deliveries,
			    unsigned int count)
{
	unsigned int i, rest = 0;

	for (i = 0; i < count; i++) {
		if (of->max_deliveries && deliveries[i] >= of->max_deliveries) {
			insist(leased[items[i]]--);
			mpmc_capacity_return(&of->capacity, MPMC_SHARE_COMMON, 1);
			continue;
		}
		items[rest] = items[i];
		deliveries[rest++] = deliveries[i];
	}
	return rest;
}

void mpmc_queue_returned(struct mpmc_queue *of, u64 count)
{
	(void)of;
	insist(count);
}

void mpmc_queue_kick_writers(struct mpmc_queue *of, u64 count)
{
	(void)of;
	(void)count;
}

void mpmc_sleepers_moved(struct mpmc_sleepers *sleepers, u64 count)
{
	(void)sleepers;
	insist(count <= CREDITS);
}

u64 mpmc_consumers_leased(struct mpmc_queue *of)
{
	(void)of;
	return mpmc_lease_count(consumer);
}

u64 mpmc_producers_granted(struct mpmc_queue *of)
{
	(void)of;
	return 0;
}

/* --- The owner's calls: kmod/delivery.c --- */

static void look_at_items(void)
{
	unsigned int n, skip = step_byte() % ENTRIES_MAX, sum = 0;
	const u64 *items;

	n = mpmc_lease_piece(consumer, skip, 1 + step_byte() % ENTRIES_MAX,
			     &items);
	insist(n <= consumer->entries);
	while (n--)
		sum += items[n] + mpmc_lease_deliveries(consumer, skip + n);
	__asm__ volatile("" : : "r"(sum));
}

static void owner_do(u8 what)
{
	unsigned int count = 1 + step_byte() % (ENTRIES_MAX + 1);

	if (mpmc_lease_check(consumer))
		return;
	switch (what % 6) {
	case 0:
	case 1:
	case 2:
		mpmc_lease_fill(consumer, count, step_byte() & 1);
		look_at_items();
		break;
	case 3:
		mpmc_lease_commit(consumer, count);
		break;
	case 4:
		mpmc_lease_release(consumer, count);
		break;
	default:
		look_at_items();
	}
}

static void owner_call(u8 what)
{
	if (busy)
		return;
	busy = true;
	owner_do(what);
	busy = false;
}

static void scribble(u8 what)
{
	u64 *head = consumer->head;

	switch (what % 6) {
	case 0:
		*head += step_byte() % (ENTRIES_MAX + 2);
		break;
	case 1:
		*head -= step_byte() % (ENTRIES_MAX + 2);
		break;
	case 2:
		*head = consumer->tail + step_byte() % 3 - 1;
		break;
	case 3:
		*head = step_word();
		break;
	case 4:
		*head ^= 1ULL << step_byte() % 64;
		break;
	default:
		*head = consumer->returned.counter + step_byte() % 4;
	}
}

/* As an owner does it who keeps to the rules. */
static void finish_some(u8 what)
{
	u64 rest = page->position - *consumer->head;

	if (rest <= consumer->entries)
		smp_store_release(consumer->head,
				  *consumer->head + min_t(u64, rest, what % 5));
}

static void look(u8 what)
{
	switch (what % 4) {
	case 0:
		memory = !memory;
		break;
	case 1:
		/* Only about right for others, while its owner is at work. */
		mpmc_lease_count(consumer);
		break;
	case 2:
		mpmc_lease_stamp(consumer);
		break;
	default:
		mpmc_lease_kick(consumer);
	}
}

static void look_for_damage(void)
{
	u64 returned = consumer->returned.counter;
	bool wrong = *consumer->head - returned > consumer->tail - returned;

	step_quiet(true);
	insist(mpmc_lease_count(consumer) <= consumer->entries);
	insist(!wrong || mpmc_lease_check(consumer) == -EIO);
	step_quiet(false);
}

static void act(u8 what)
{
	switch (what % 8) {
	case 0:
		queue_put(1 + what / 8 % SEGMENTS);
		break;
	case 1:
	case 2:
		owner_call(what / 8);
		break;
	case 3:
		finish_some(what / 8);
		break;
	case 4:
		mpmc_lease_harvest(consumer);
		break;
	case 5:
		look(what / 8);
		break;
	default:
		scribble(what / 8);
	}
}

void step_between(u8 what)
{
	/* Putting has steps of its own, which are another fuzzer's. */
	if (what % 8)
		act(what);
}

static void begin(void)
{
	u8 what = step_byte();
	unsigned int entries = 1 << what % 5;

	step_quiet(true);
	memset(&queue, 0, sizeof(queue));
	memset(leased, 0, sizeof(leased));
	memset(handed, 0, sizeof(handed));
	first = last = VALUES;
	next_value = 0;
	busy = false;
	memory = true;
	mpmc_capacity_init(&queue.capacity, CREDITS, SEGMENTS);
	queue.max_deliveries = what & 32 ? 1 + what / 64 : 0;
	consumer = calloc(1, sizeof(*consumer));
	page = calloc(1, sizeof(*page));
	consumer->queue = &queue;
	consumer->entries = entries;
	atomic_set(&consumer->users, 1);
	consumer->page = page;
	consumer->head = calloc(1, sizeof(u64));
	consumer->items = calloc(entries, sizeof(u64));
	consumer->deliveries = calloc(entries, sizeof(u32));
	step_quiet(false);
}

static void finish(void)
{
	step_quiet(true);
	mpmc_lease_end(consumer);
	insist(atomic_read(&consumer->users) == 1);
	insist(mpmc_capacity_used(&queue.capacity) == last - first);
	insist(last - first == CREDITS ||
	       mpmc_capacity_take(&queue.capacity, 1, CREDITS - (last - first)));
	free(consumer->head);
	free(consumer->items);
	free(consumer->deliveries);
	free(consumer);
	free(page);
	mpmc_capacity_free(&queue.capacity);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	step_begin(data, size);
	begin();
	while (step_more()) {
		act(step_byte());
		look_for_damage();
	}
	finish();
	return 0;
}
