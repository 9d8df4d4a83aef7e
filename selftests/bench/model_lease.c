// SPDX-License-Identifier: GPL-2.0
/*
 * The leases of the model's consumers: kmod/lease.c, and userlib/consumer.c
 */
#include <stdlib.h>

#include "model_inside.h"

#define QUIET_ITEMS 65536

/* Credits of what the owner has finished with. */
void model_harvest(struct model_end *end)
{
	u64 head = __atomic_load_n(end->own, __ATOMIC_ACQUIRE);
	u64 from = __atomic_load_n(&end->returned, __ATOMIC_RELAXED);

	if (head != from && __atomic_compare_exchange_n(
		    &end->returned, &from, head, false, __ATOMIC_SEQ_CST,
		    __ATOMIC_RELAXED))
		mpmc_capacity_return(&end->model->capacity, SHARE, head - from);
}

static u64 lease_count(const struct model_end *end)
{
	return end->tail - __atomic_load_n(end->own, __ATOMIC_RELAXED);
}

static u64 model_leased(const struct model *model)
{
	u64 leased = 0;
	unsigned int i;

	for (i = 0; i < model_ends(model); i++)
		leased += model->ends[i]->sends ?
			  mpmc_ring_granted(&model->ends[i]->ring) :
			  lease_count(model->ends[i]);
	return leased;
}

static unsigned int lease_share(const struct model_end *end)
{
	struct model *model = end->model;
	u64 used = mpmc_capacity_used(&model->capacity);
	u64 taken = model_leased(model);

	return min_t(u64, (used - min(used, taken)) / (2 * model->consumers),
		     ENTRIES);
}

/* Take from the producers in turn. */
static unsigned int model_take(struct model_end *end, u64 *items,
			       unsigned int max)
{
	struct model *model = end->model;
	unsigned int i, n;

	for (i = 0; i < model_ends(model); i++) {
		struct model_end *from = model->ends[end->cursor %
						     model_ends(model)];

		n = from->sends ? mpmc_ring_take(&from->ring, items, max) : 0;
		if (n)
			return n;
		end->cursor++;
	}
	return 0;
}

/* If it is to be whole lines: where the last one of them ends. */
static unsigned int lease_whole_lines(const struct model_end *end,
				      unsigned int want)
{
	const struct model *model = end->model;
	const struct model_end *from = model->ends[end->cursor %
						   model_ends(model)];
	u64 tail;

	if (!from->sends)
		return want;
	tail = __atomic_load_n(from->ring.tail, __ATOMIC_ACQUIRE);
	tail -= atomic64_read(&from->ring.claimed) &
		((1ULL << MPMC_RING_POSITION_BITS) - 1);
	return tail > 8 && tail < want ? tail & ~7ULL : want;
}

/* Lease items until there are so many, if there are. */
static unsigned int lease_fill_up(struct model_end *end, unsigned int want)
{
	unsigned int total = 0, slot, n;

	while (total < want) {
		slot = end->tail & (ENTRIES - 1);
		n = min_t(u64, want - total,
			  ENTRIES - (end->tail - end->returned));
		n = min_t(unsigned int, n, ENTRIES - slot);
		n = n ? model_take(end, end->items + slot, n) : 0;
		if (!n)
			break;
		end->tail += n;
		total += n;
	}
	__atomic_store_n(end->position, end->tail, __ATOMIC_RELEASE);
	return total;
}

/* What a policy does after the first look. */
static unsigned int lease_linger(struct model_end *end, unsigned int had)
{
	const struct model_policy *policy = end->model->policy;
	unsigned int looks, before, want = policy->enough;
	uint64_t until;

	for (looks = 0; looks < policy->looks && had < want; looks++) {
		before = had;
		until = now_ns() + policy->pause_ns;
		do {
			__builtin_ia32_pause();
		} while (now_ns() < until);
		had += lease_fill_up(end, policy->lines ?
					  lease_whole_lines(end, want - had) :
					  want - had);
		if (had == before)
			break;
	}
	return had;
}

static void model_moved(struct model *model, unsigned int count)
{
	u32 armed = MPMC_MAP_ARMED;

	model->quiet += count;
	if (model->quiet < QUIET_ITEMS)
		return;
	model->quiet = 0;
	__atomic_compare_exchange_n(&model->words->readers, &armed, 0, false,
				    __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
}

static unsigned int lease_fill(struct model_end *end, unsigned int count)
{
	const struct model_policy *policy = end->model->policy;
	bool busy = policy->looks && end->filled >= policy->busy;
	unsigned int had = lease_count(end), n;

	model_harvest(end);
	count = max(count, lease_share(end));
	/* To pause for what is there already would be a waste. */
	if (busy)
		count = max(count, policy->enough);
	n = lease_fill_up(end, count);
	if (n && busy)
		n = lease_linger(end, n);
	end->filled = n;
	if (n)
		model_moved(end->model, n);
	return n + had;
}

/* --- What <mpmc.h> leaves to the library --- */

/* As take_mapped() of userlib/consumer.c. */
static ssize_t consumer_take(struct model_end *end, uint64_t *items, size_t max)
{
	size_t total = 0, n;
	uint64_t own;

	for (;;) {
		own = mpmc_map_load(end->own);
		n = min_t(u64, mpmc_map_load(end->position) - own, max - total);
		mpmc_map_get(end->items, ENTRIES - 1, own, items + total, n);
		__atomic_store_n(end->own, own + n, __ATOMIC_RELEASE);
		total += n;
		if (total == max)
			return total;
		model_enter(end);
		n = lease_fill(end, max - total);
		model_leave(end);
		if (!n)
			return total;
	}
}

int mpmc_consumer_dequeue_slow(struct mpmc_consumer *consumer, uint64_t *item)
{
	return consumer_take(model_end_of(consumer),
			     item, 1) ? 0 : -EAGAIN;
}

ssize_t mpmc_consumer_dequeue_bulk_slow(struct mpmc_consumer *consumer,
					uint64_t *items, size_t max)
{
	return consumer_take(model_end_of(consumer),
			     items, max);
}

int mpmc_consumer_waited_for(struct mpmc_consumer *consumer, size_t n)
{
	(void)consumer;
	(void)n;
	return 0;
}

ssize_t mpmc_consumer_peek_slow(struct mpmc_consumer *consumer,
				struct mpmc_item *items, size_t max)
{
	(void)consumer;
	(void)items;
	(void)max;
	return -EOPNOTSUPP;
}

int mpmc_consumer_commit_slow(struct mpmc_consumer *consumer, size_t n)
{
	(void)consumer;
	(void)n;
	return -EOPNOTSUPP;
}
