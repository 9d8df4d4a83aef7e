// SPDX-License-Identifier: GPL-2.0
/*
 * The segment, built in userspace: threads, a checker, and an allocator that
 * hands blocks out again at once. Under ThreadSanitizer too.
 *
 * What it catches: an item lost or handed out twice, items of one producer out
 * of order, a block recycled while somebody still uses it, and (TSan) a slot
 * read or written without the ordering that the marks give.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../kmod/segment.h"

#define PRODUCERS 3
#define CONSUMERS 3
#define BULK_MAX 1000

struct mpmc_pool {
	pthread_mutex_t lock;
	struct mpmc_block *free;
	struct mpmc_block *worn;
	unsigned long served;
	unsigned long worn_count;
};

static struct mpmc_pool pool = { .lock = PTHREAD_MUTEX_INITIALIZER };
static struct mpmc_segment segment;
static unsigned long items_each;
static bool all_put;
static unsigned long failures;

/* Free blocks are linked through their rcu_head, which nobody looks at. */
static struct mpmc_block **link_of(struct mpmc_block *block)
{
	return (struct mpmc_block **)&block->rcu;
}

void mpmc_pool_put(struct mpmc_pool *to, struct mpmc_block *block)
{
	struct mpmc_block **list = &to->free;

	pthread_mutex_lock(&to->lock);
	to->served++;
	if (mpmc_block_worn(block)) {
		list = &to->worn;
		to->worn_count++;
	} else {
		mpmc_block_renew(block);
	}
	*link_of(block) = *list;
	*list = block;
	pthread_mutex_unlock(&to->lock);
}

static struct mpmc_block *block_get(void)
{
	struct mpmc_block *block;

	pthread_mutex_lock(&pool.lock);
	block = pool.free;
	if (block)
		pool.free = *link_of(block);
	pthread_mutex_unlock(&pool.lock);
	if (block)
		return block;
	block = aligned_alloc(PAGE_SIZE, PAGE_SIZE);
	memset(block, 0, PAGE_SIZE);
	mpmc_block_renew(block);
	return block;
}

static void put(struct mpmc_spare *spare, const u64 *items, unsigned int count)
{
	unsigned int need;

	while ((need = mpmc_segment_enqueue(&segment, spare, items, count)))
		while (spare->count < need)
			mpmc_spare_push(spare, block_get());
}

static void fail(const char *what, u64 item)
{
	fprintf(stderr, "# %s: producer %u item %llu\n", what,
		(unsigned int)(item >> 32),
		(unsigned long long)(item & UINT32_MAX));
	__atomic_add_fetch(&failures, 1, __ATOMIC_RELAXED);
}

static void *producer(void *arg)
{
	unsigned long id = (unsigned long)arg, next = 0;
	unsigned int seed = id + 1;
	struct mpmc_spare spare = {};
	u64 items[BULK_MAX];

	while (next < items_each) {
		unsigned int n = rand_r(&seed) % 4 ? 1 :
				 1 + rand_r(&seed) % BULK_MAX;
		unsigned int i;

		n = min_t(unsigned int, n, items_each - next);
		for (i = 0; i < n; i++)
			items[i] = (u64)id << 32 | next++;
		put(&spare, items, n);
	}
	return NULL;
}

struct seen {
	unsigned long next[PRODUCERS]; /* items below were seen, or by others */
	u64 sum[PRODUCERS];
	unsigned long count;
};

static void check(struct seen *seen, u64 item)
{
	unsigned int id = item >> 32;
	unsigned long seq = item & UINT32_MAX;

	if (id >= PRODUCERS || seq >= items_each) {
		fail("never put", item);
		return;
	}
	if (seq < seen->next[id])
		fail("out of order or twice", item);
	seen->next[id] = seq + 1;
	seen->sum[id] += seq;
	seen->count++;
}

static void *consumer(void *arg)
{
	struct seen *seen = arg;
	unsigned int seed = (uintptr_t)arg;
	u64 items[BULK_MAX];
	unsigned int n, i;
	bool last;

	/* Until there are no more: what is lost is not waited for. */
	do {
		last = __atomic_load_n(&all_put, __ATOMIC_ACQUIRE);
		n = mpmc_segment_dequeue(&segment, &pool, items,
					 1 + rand_r(&seed) % BULK_MAX);
		for (i = 0; i < n; i++)
			check(seen, items[i]);
	} while (n || !last);
	return NULL;
}

static void check_sums(const struct seen *seen)
{
	unsigned int p, c;

	for (p = 0; p < PRODUCERS; p++) {
		u64 sum = 0;

		for (c = 0; c < CONSUMERS; c++)
			sum += seen[c].sum[p];
		if (sum != (u64)items_each * (items_each - 1) / 2)
			fail("lost or twice: wrong sum", (u64)p << 32);
	}
}

static void stress(void)
{
	static struct seen seen[CONSUMERS];
	pthread_t thread[PRODUCERS + CONSUMERS];
	unsigned long i;

	for (i = 0; i < PRODUCERS; i++)
		pthread_create(&thread[i], NULL, producer, (void *)i);
	for (i = 0; i < CONSUMERS; i++)
		pthread_create(&thread[PRODUCERS + i], NULL, consumer,
			       &seen[i]);
	for (i = 0; i < PRODUCERS + CONSUMERS; i++) {
		if (i == PRODUCERS)
			__atomic_store_n(&all_put, true, __ATOMIC_RELEASE);
		pthread_join(thread[i], NULL);
	}
	check_sums(seen);
}

/* One thread, item for item, so that few blocks wear out and serve again. */
static void wear(void)
{
	unsigned long rounds = 3 * MPMC_BLOCK_GENERATIONS * MPMC_BLOCK_SLOTS;
	struct mpmc_spare spare = {};
	unsigned long i;
	u64 item;

	for (i = 0; i < rounds; i++) {
		item = i;
		put(&spare, &item, 1);
		if (mpmc_segment_dequeue(&segment, &pool, &item, 1) != 1 ||
		    item != i)
			fail("wear", i);
	}
	if (pool.worn_count < 2)
		fail("no block wore out", 0);
}

/* A slot reserved and not published holds back what is behind it, no more. */
static void hole(void)
{
	struct mpmc_spare spare = {};
	struct mpmc_block *block;
	u64 items[2] = { 7, 8 };

	mpmc_segment_init(&segment, block_get());
	block = mpmc_segment_first(&segment);
	atomic_add_return(1, &block->reserve); /* a producer that stands still */
	put(&spare, items, 2);
	if (mpmc_segment_dequeue(&segment, &pool, items, 2) ||
	    mpmc_segment_ready(&segment, &pool))
		fail("took an item that is not there", 0);
}

static void report(const char *name)
{
	static int number;

	printf("%s %d %s\n", failures ? "not ok" : "ok", ++number, name);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	items_each = argc > 1 ? strtoul(argv[1], NULL, 0) : 2000000;
	printf("TAP version 13\n1..3\n");
	mpmc_segment_init(&segment, block_get());
	stress();
	report("stress: nothing lost, nothing twice, producers' order");
	wear();
	report("wear: blocks serve for all their generations");
	hole();
	report("hole: an unpublished slot reads as nothing here yet");
	fprintf(stderr, "# %lu blocks served, %lu worn\n", pool.served,
		pool.worn_count);
	return failures != 0;
}
