// SPDX-License-Identifier: GPL-2.0
/*
 * The model, see model.h: making it, and entering it
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "model_inside.h"

#define GRANT_FIRST 64
#define WORDS_SIZE 4096

/* With a real system call, and a reader's section of RCU. */
void model_enter(struct model_end *end)
{
	ioctl(end->model->null, _IO(MPMC_IOC_TYPE, 0xff), NULL);
	__atomic_store_n(&end->inside, end->inside + 1, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

void model_leave(struct model_end *end)
{
	__atomic_store_n(&end->inside, end->inside + 1, __ATOMIC_RELEASE);
}

/* A page that all have mapped. */
static void model_words(struct model *model)
{
	model->words_fd = memfd_create("words", MFD_CLOEXEC);
	if (model->words_fd < 0 || ftruncate(model->words_fd, WORDS_SIZE))
		die_errno("memory");
	model->words = mmap(NULL, WORDS_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
			    model->words_fd, 0);
	if (model->words == MAP_FAILED)
		die_errno("memory");
}

struct model *model_create(const struct load *load,
			   const struct model_policy *policy)
{
	struct model *model = aligned_alloc(4096, sizeof(*model));

	if (!model)
		die_errno("memory");
	memset(model, 0, sizeof(*model));
	model->null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (model->null < 0 ||
	    mpmc_capacity_init(&model->capacity, ROOM, 2))
		die_errno("/dev/null");
	model->policy = policy;
	model->producers = load->producers;
	model->consumers = load->consumers;
	model->readers.fd = -1;
	model_words(model);
	model->words->readers = MPMC_MAP_ARMED;
	model->last_chunk = &model->chunks;
	pthread_mutex_init(&model->lock, NULL);
	model_segment_init(model);
	return model;
}

static void end_destroy(struct model_end *end)
{
	struct mpmc_block *block;

	while ((block = mpmc_spare_pop(&end->spare)))
		free(block);
	munmap(end->handle, sizeof(*end->handle));
	free(end);
}

void model_destroy(struct model *model)
{
	model_chunks_free(model);
	model_segment_free(model);
	mpmc_capacity_free(&model->capacity);
	close(model->null);
	munmap(model->words, WORDS_SIZE);
	close(model->words_fd);
	free(model);
}

/*
 * A token's handle, with its ring behind it: as struct mpmc_token says, and
 * whoever is called by <mpmc.h> finds the end in front of it.
 */
static struct model_handle *handle_create(struct model_end *end)
{
	size_t words = end->sends ? 0 :
				    offsetof(struct mpmc_consumer_map, readers);
	struct model_handle *handle =
		mmap(NULL, sizeof(*handle), PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (handle == MAP_FAILED ||
	    mmap(handle->ring + words, WORDS_SIZE, PROT_READ,
		 MAP_SHARED | MAP_FIXED, end->model->words_fd,
		 0) == MAP_FAILED)
		die_errno("memory");
	handle->end = end;
	handle->token.ring = (ENTRIES - 1ULL) << 32 |
			     (handle->ring - (char *)&handle->token);
	return handle;
}

/* Where everything is in a ring. */
static void end_map(struct model_end *end)
{
	struct mpmc_producer_map *puts;
	struct mpmc_consumer_map *takes;

	end->handle = handle_create(end);
	puts = (void *)end->handle->ring;
	takes = (void *)end->handle->ring;
	end->own = end->sends ? &puts->own : &takes->own;
	end->position = end->sends ? &puts->limit : &takes->limit;
	end->items = end->sends ? puts->items : takes->items;
}

struct model_end *model_attach(struct model *model, bool sends)
{
	struct model_end *end = aligned_alloc(4096, sizeof(*end));

	if (!end)
		die_errno("memory");
	memset(end, 0, sizeof(*end));
	end->model = model;
	end->sends = sends;
	end->grant = GRANT_FIRST;
	end_map(end);
	mpmc_ring_init(&end->ring, ENTRIES, end->items, end->own, end->done);
	pthread_mutex_lock(&model->lock);
	model->ends[model->end_count] = end;
	__atomic_store_n(&model->end_count, model->end_count + 1,
			 __ATOMIC_RELEASE);
	pthread_mutex_unlock(&model->lock);
	return end;
}

/* Nobody else is in the kernel: all sides have done what they had to. */
void model_detach(struct model_end *end)
{
	struct model *model = end->model;
	unsigned int i;
	s64 unused;

	if (end->sends) {
		unused = mpmc_ring_revoke(&end->ring);
		if (unused > 0)
			mpmc_capacity_return(&model->capacity, SHARE, unused);
	} else {
		model_harvest(end);
	}
	pthread_mutex_lock(&model->lock);
	for (i = 0; model->ends[i] != end;)
		i++;
	model->ends[i] = model->ends[--model->end_count];
	pthread_mutex_unlock(&model->lock);
	mpmc_ring_free_chunks(&end->ring);
	end_destroy(end);
}

struct mpmc_producer *model_producer(struct model_end *end)
{
	return (struct mpmc_producer *)&end->handle->token;
}

struct mpmc_consumer *model_consumer(struct model_end *end)
{
	return (struct mpmc_consumer *)&end->handle->token;
}
