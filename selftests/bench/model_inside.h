/* SPDX-License-Identifier: GPL-2.0 */
/* What the files of the model have in common. */
#ifndef BENCH_MODEL_INSIDE_H
#define BENCH_MODEL_INSIDE_H

#include <linux/mpmc.h>
#include <pthread.h>

#include "../../kmod/credit.h"
#include "../../kmod/ring.h"
#include "../../kmod/segment.h"
#include "gate.h"
#include "model.h"

#define ENTRIES MPMC_RING_DEFAULT
#define SHARE 1 /* of the capacity; there is one for all */

#define container_of(p, type, member) \
	((type *)((char *)(p) - offsetof(type, member)))
#define PAGE_ALIGNED __attribute__((aligned(4096)))

struct model_chunk;

/*
 * struct model - a queue
 * @words: who waits, as it is mapped
 * @words_fd: and mapped into the ring of each end
 * @quiet: how much has been moved since somebody slept
 * @readers: where consumers sleep
 * @policy: of refills
 * @capacity: credits
 * @lock: of what follows
 * @ends: all producers and consumers
 * @chunks: given up, in order
 * @blocks: of segments, unused
 */
struct model {
	struct mpmc_map_queue *words;
	int words_fd;
	uint64_t quiet PAGE_ALIGNED;
	struct gate readers;
	const struct model_policy *policy;
	struct mpmc_capacity capacity;
	int null;
	unsigned int consumers;
	unsigned int producers;
	struct mpmc_segment segment PAGE_ALIGNED;
	pthread_mutex_t lock PAGE_ALIGNED;
	struct model_end *ends[SIDES_MAX];
	unsigned int end_count;
	struct model_chunk *chunks;
	struct model_chunk **last_chunk;
	struct mpmc_block *blocks;
};

/*
 * struct model_handle - what <mpmc.h> knows of a token
 * @end: the rest of it
 * @token: where the ring is
 * @ring: a struct mpmc_producer_map, or a consumer's, whose words are mapped
 */
struct model_handle {
	struct model_end *end;
	struct mpmc_token token;
	char ring[sizeof(struct mpmc_consumer_map)] PAGE_ALIGNED;
};

static inline struct model_end *model_end_of(void *token)
{
	return container_of(token, struct model_handle, token)->end;
}

/*
 * struct model_end - a token, mapped
 * @inside: odd: its thread is in the kernel
 * @handle: of the token
 * @own: the owner's position in there
 * @position: the kernel's
 * @items: the entries
 */
struct model_end {
	uint64_t inside PAGE_ALIGNED;
	struct model *model;
	bool sends;
	struct model_handle *handle;
	uint64_t *own;
	uint64_t *position;
	uint64_t *items;
	struct mpmc_ring ring;
	u64 done[ENTRIES];
	unsigned int grant;
	u64 tail;
	u64 returned;
	unsigned int filled;
	unsigned int cursor;
	struct mpmc_spare spare;
};

void model_enter(struct model_end *end);
void model_leave(struct model_end *end);

/* model_chunk.c */
struct mpmc_chunk *model_chunk_get(struct model *model, u64 size);
void model_chunks_free(struct model *model);

/* model_lease.c */
void model_harvest(struct model_end *end);

/* model_segment.c */
void model_segment_init(struct model *model);
void model_segment_free(struct model *model);

static inline unsigned int model_ends(const struct model *model)
{
	return __atomic_load_n(&model->end_count, __ATOMIC_ACQUIRE);
}

#endif /* BENCH_MODEL_INSIDE_H */
