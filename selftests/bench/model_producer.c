// SPDX-License-Identifier: GPL-2.0
/*
 * The model's producers: kmod/producer.c, and userlib/producer.c
 */
#include "model_inside.h"

static unsigned int producer_next_grant(struct model_end *end)
{
	struct model *model = end->model;
	u64 fair = mpmc_capacity_room(&model->capacity) /
		   (2 * model->producers);

	end->grant = min_t(unsigned int, 2 * end->grant, ENTRIES);
	return min_t(u64, fair, min_t(u64, end->grant,
				      mpmc_ring_room(&end->ring)));
}

static void producer_grant(struct model_end *end)
{
	struct model *model = end->model;
	unsigned int count = producer_next_grant(end);

	if (count)
		count = mpmc_capacity_take_some(&model->capacity, SHARE, count);
	if (count)
		mpmc_ring_grant(&end->ring, count);
	__atomic_store_n(end->position, mpmc_ring_limit(&end->ring),
			 __ATOMIC_RELAXED);
}

/* Before it is called full the kernel looks at all consumers. */
static bool model_reserve(struct model *model, unsigned int count)
{
	unsigned int i;

	if (mpmc_capacity_take(&model->capacity, SHARE, count))
		return true;
	for (i = 0; i < model_ends(model); i++)
		if (!model->ends[i]->sends)
			model_harvest(model->ends[i]);
	return mpmc_capacity_take(&model->capacity, SHARE, count);
}

static void producer_push(struct model_end *end, const u64 *items,
			  unsigned int count)
{
	struct mpmc_ring *ring = &end->ring;
	u64 size = mpmc_ring_chunk_size(ring, count);

	if (!size) {
		mpmc_ring_grant(ring, count);
		mpmc_ring_push(ring, items, count);
	} else {
		mpmc_ring_move(ring, model_chunk_get(end->model, size), items,
			       count);
	}
}

static int producer_put(struct model_end *end, const u64 *items,
			unsigned int count)
{
	struct model *model = end->model;
	s64 unused;
	int ret = 0;

	model_enter(end);
	unused = mpmc_ring_revoke(&end->ring);
	if (unused > 0)
		mpmc_capacity_return(&model->capacity, SHARE, unused);
	if (model_reserve(model, count)) {
		producer_push(end, items, count);
		gate_wake(&model->readers);
	} else {
		ret = -EAGAIN;
	}
	producer_grant(end);
	model_leave(end);
	return ret;
}

/* --- What <mpmc.h> leaves to the library --- */

int mpmc_producer_enqueue_slow(struct mpmc_producer *producer, uint64_t item)
{
	return producer_put(model_end_of(producer),
			    &item, 1);
}

int mpmc_producer_enqueue_bulk_slow(struct mpmc_producer *producer,
				    const uint64_t *items, size_t n)
{
	return producer_put(model_end_of(producer),
			    items, n);
}

int mpmc_producer_waited_for(struct mpmc_producer *producer, size_t n)
{
	struct model_end *end = model_end_of(producer);

	(void)n;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (!(__atomic_load_n(&end->model->words->readers, __ATOMIC_RELAXED) &
	      MPMC_MAP_WAITERS))
		return 0;
	model_enter(end);
	gate_wake(&end->model->readers);
	model_leave(end);
	return 0;
}
