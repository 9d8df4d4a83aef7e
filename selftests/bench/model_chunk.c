// SPDX-License-Identifier: GPL-2.0
/*
 * The chunks of the model's rings, with something in the place of RCU
 */
#include <stdlib.h>

#include "model_inside.h"

/* A chunk of a ring, and who was in the kernel when it was given up. */
struct model_chunk {
	struct model *model;
	struct model_chunk *next;
	uint64_t inside[SIDES_MAX];
	struct mpmc_chunk chunk;
};

/* To be used again when all who were in the kernel have left it. */
void mpmc_chunk_free(struct mpmc_chunk *arg)
{
	struct model_chunk *chunk = container_of(arg, struct model_chunk,
						 chunk);
	struct model *model = chunk->model;
	unsigned int i;

	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	pthread_mutex_lock(&model->lock);
	for (i = 0; i < model_ends(model); i++)
		chunk->inside[i] = __atomic_load_n(&model->ends[i]->inside,
						   __ATOMIC_ACQUIRE);
	chunk->next = NULL;
	*model->last_chunk = chunk;
	model->last_chunk = &chunk->next;
	pthread_mutex_unlock(&model->lock);
}

static bool chunk_is_free(const struct model *model,
			  const struct model_chunk *chunk)
{
	unsigned int i;

	for (i = 0; i < model_ends(model); i++)
		if (chunk->inside[i] & 1 &&
		    chunk->inside[i] ==
			    __atomic_load_n(&model->ends[i]->inside,
					    __ATOMIC_ACQUIRE))
			return false;
	return true;
}

/* One for so many items, used or new. */
struct mpmc_chunk *model_chunk_get(struct model *model, u64 size)
{
	struct model_chunk *chunk;

	pthread_mutex_lock(&model->lock);
	chunk = model->chunks;
	if (chunk && chunk->chunk.size >= size && chunk_is_free(model, chunk)) {
		model->chunks = chunk->next;
		if (!model->chunks)
			model->last_chunk = &model->chunks;
	} else {
		chunk = NULL;
	}
	pthread_mutex_unlock(&model->lock);
	if (!chunk) {
		chunk = alloc(sizeof(*chunk) + size * sizeof(u64));
		chunk->model = model;
		chunk->chunk.size = size;
	}
	return &chunk->chunk;
}

void model_chunks_free(struct model *model)
{
	struct model_chunk *chunk;

	while ((chunk = model->chunks)) {
		model->chunks = chunk->next;
		free(chunk);
	}
}
