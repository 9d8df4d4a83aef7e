// SPDX-License-Identifier: GPL-2.0
/*
 * The model's queue without tokens: one segment, and where its blocks come from
 */
#include <stdlib.h>
#include <string.h>

#include "model_inside.h"

void mpmc_pool_put(struct mpmc_pool *pool, struct mpmc_block *block)
{
	struct model *model = (struct model *)pool;

	/* A worn one is kept to the end: there is no grace period here. */
	if (mpmc_block_worn(block))
		return;
	mpmc_block_renew(block);
	pthread_mutex_lock(&model->lock);
	*(struct mpmc_block **)&block->rcu = model->blocks;
	model->blocks = block;
	pthread_mutex_unlock(&model->lock);
}

static struct mpmc_block *block_get(struct model *model)
{
	struct mpmc_block *block;

	pthread_mutex_lock(&model->lock);
	block = model->blocks;
	if (block)
		model->blocks = *(struct mpmc_block **)&block->rcu;
	pthread_mutex_unlock(&model->lock);
	if (block)
		return block;
	block = aligned_alloc(PAGE_SIZE, PAGE_SIZE);
	if (!block)
		die_errno("memory");
	memset(block, 0, PAGE_SIZE);
	mpmc_block_renew(block);
	return block;
}

size_t model_put(struct model_end *end, const uint64_t *items, size_t n)
{
	struct model *model = end->model;
	unsigned int need;

	model_enter(end);
	if (!mpmc_capacity_take(&model->capacity, SHARE, n)) {
		model_leave(end);
		return 0;
	}
	while ((need = mpmc_segment_enqueue(&model->segment, &end->spare, items,
					    n)))
		while (end->spare.count < need)
			mpmc_spare_push(&end->spare, block_get(model));
	model_leave(end);
	return n;
}

size_t model_get(struct model_end *end, uint64_t *items, size_t max)
{
	struct model *model = end->model;
	size_t total = 0, n;

	model_enter(end);
	do {
		n = mpmc_segment_dequeue(&model->segment,
					 (struct mpmc_pool *)model,
					 items + total, max - total);
		total += n;
	} while (n && total < max);
	if (total)
		mpmc_capacity_return(&model->capacity, SHARE, total);
	model_leave(end);
	return total;
}

void model_segment_init(struct model *model)
{
	mpmc_segment_init(&model->segment, block_get(model));
}

void model_segment_free(struct model *model)
{
	struct mpmc_block *block;

	while ((block = model->blocks)) {
		model->blocks = *(struct mpmc_block **)&block->rcu;
		free(block);
	}
	free(mpmc_segment_first(&model->segment));
}
