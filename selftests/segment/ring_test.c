// SPDX-License-Identifier: GPL-2.0
/*
 * The ring, built in userspace: an owner who stores items himself or has them
 * put by a call, moved to chunks when it is full, against consumers; and a seal
 * against an owner who makes no barrier. Also with threads that pause between
 * two steps, and under ThreadSanitizer.
 *
 * What it catches: items lost, taken twice or in another order, entries reused
 * before they were copied, room that does not come back, credits of grants that
 * get lost, items that are delivered and refused, or neither, and (TSan) a chunk
 * that is looked at without the ordering that its links give.
 */
#include <linux/membarrier.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../../kmod/ring.h"

#define ENTRIES 8
#define BULK 13
#define CONSUMERS 3
#define AHEAD 100

static struct mpmc_ring ring;
static u64 items[ENTRIES];
static u64 tail;
static u64 done[ENTRIES];

static u64 total;
static u8 *seen;
static u64 taken;
static unsigned long failures;
static bool stop;

static void fail(const char *what, u64 number)
{
	fprintf(stderr, "# %s: %lu\n", what, number);
	__atomic_add_fetch(&failures, 1, __ATOMIC_RELAXED);
}

static void report(const char *name)
{
	static int number;

	printf("%s %d %s\n", failures ? "not ok" : "ok", ++number, name);
	fflush(stdout);
}

/* Freed after a grace period, which is over when all threads have ended. */
static struct mpmc_chunk *freed;

void mpmc_chunk_free(struct mpmc_chunk *chunk)
{
	struct mpmc_chunk **link = (struct mpmc_chunk **)&chunk->rcu;

	*link = __atomic_load_n(&freed, __ATOMIC_RELAXED);
	while (!__atomic_compare_exchange_n(&freed, link, chunk, false,
					    __ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
		;
}

static void free_chunks(void)
{
	struct mpmc_chunk *next;

	for (; freed; freed = next) {
		next = *(struct mpmc_chunk **)&freed->rcu;
		free(freed);
	}
}

static void begin(void)
{
	tail = 0;
	taken = 0;
	stop = false;
	memset(done, 0, sizeof(done));
	mpmc_ring_init(&ring, ENTRIES, items, &tail, done);
}

static void end(void)
{
	mpmc_ring_free_chunks(&ring);
	free_chunks();
}

/* --- Owner --- */

/* As the owner does it who has the ring mapped, up to what he was granted. */
static void store(u64 *next, unsigned int count)
{
	u64 pos = tail;
	unsigned int i;

	for (i = 0; i < count && pos + i < mpmc_ring_limit(&ring); i++)
		STORE(&items[(pos + i) % ENTRIES], *next + i, RELAXED);
	smp_store_release(&tail, pos + i);
	*next += i;
}

static void put(u64 *next, unsigned int count)
{
	u64 size = mpmc_ring_chunk_size(&ring, count);
	struct mpmc_chunk *chunk;
	u64 bulk[BULK];
	unsigned int i;

	for (i = 0; i < count; i++)
		bulk[i] = *next + i;
	*next += count;
	if (!size) {
		if (!mpmc_ring_grant(&ring, count))
			fail("no grant", count);
		mpmc_ring_push(&ring, bulk, count);
		return;
	}
	chunk = malloc(sizeof(*chunk) + size * sizeof(u64));
	chunk->size = size;
	if (!mpmc_ring_move(&ring, chunk, bulk, count))
		fail("no move", count);
}

/* A call, and after it some room, of which not all is used. */
static void owner_round(u64 *next, unsigned int *seed)
{
	s64 unused = mpmc_ring_revoke(&ring);
	unsigned int room, count = 1 + rand_r(seed) % BULK;

	if (unused < 0)
		fail("revoked", -unused);
	if (count > total - *next)
		count = total - *next;
	put(next, count);
	room = mpmc_ring_room(&ring);
	if (room > ENTRIES)
		fail("more room than there is", room);
	if (room && !mpmc_ring_grant(&ring, 1 + rand_r(seed) % room))
		fail("no grant", room);
	count = rand_r(seed) % (ENTRIES + 1);
	if (count > total - *next)
		count = total - *next;
	store(next, count);
}

static void *owner_run(void *arg)
{
	unsigned int seed = 1;
	u64 next = 0;

	(void)arg;
	while (next < total) {
		while (next > LOAD(&taken, RELAXED) + AHEAD)
			sched_yield();
		owner_round(&next, &seed);
	}
	return NULL;
}

/* --- Consumers --- */

static void *consumer_run(void *arg)
{
	unsigned int seed = (unsigned int)(uintptr_t)arg, n, i;
	u64 got[BULK], last = 0;

	while (LOAD(&taken, RELAXED) < total) {
		n = mpmc_ring_take(&ring, got, 1 + rand_r(&seed) % BULK);
		for (i = 0; i < n; i++) {
			if (got[i] >= total) {
				fail("no such item", got[i]);
				continue;
			}
			if (last && got[i] < last)
				fail("order", got[i]);
			last = got[i];
			if (__atomic_fetch_add(&seen[got[i]], 1,
					       __ATOMIC_RELAXED))
				fail("twice", got[i]);
		}
		if (n)
			__atomic_add_fetch(&taken, n, __ATOMIC_RELAXED);
		else
			sched_yield();
	}
	return NULL;
}

static void test_stream(void)
{
	pthread_t threads[CONSUMERS + 1];
	u64 i;

	begin();
	seen = calloc(total, 1);
	pthread_create(&threads[0], NULL, owner_run, NULL);
	for (i = 1; i <= CONSUMERS; i++)
		pthread_create(&threads[i], NULL, consumer_run, (void *)i);
	for (i = 0; i <= CONSUMERS; i++)
		pthread_join(threads[i], NULL);
	for (i = 0; i < total; i++)
		if (seen[i] != 1)
			fail("not once", i);
	if (mpmc_ring_count(&ring))
		fail("left over", mpmc_ring_count(&ring));
	if (mpmc_ring_revoke(&ring) < 0 || mpmc_ring_room(&ring) != ENTRIES)
		fail("room", mpmc_ring_room(&ring));
	end();
	free(seen);
	report("a stream of items, by stores and calls, and chunks");
}

/* --- Sealing --- */

static bool sealing;
static u64 accepted;
static u64 unused_credits;

static void *seal_owner(void *arg)
{
	u64 next = 0;

	(void)arg;
	while (next < ENTRIES) {
		store(&next, 1);
		/* No barrier but to the compiler. */
		__atomic_signal_fence(__ATOMIC_SEQ_CST);
		if (LOAD(&sealing, RELAXED))
			break;
	}
	if (LOAD(&sealing, ACQUIRE)) {
		__atomic_add_fetch(&unused_credits, mpmc_ring_seal_end(&ring),
				   __ATOMIC_RELAXED);
		if (!mpmc_ring_accepted(&ring))
			next = tail;
	}
	accepted = next;
	return NULL;
}

static void *seal_consumer(void *arg)
{
	u64 item, next = 0;

	(void)arg;
	while (!LOAD(&stop, ACQUIRE) || mpmc_ring_count(&ring))
		if (mpmc_ring_take(&ring, &item, 1) && item != next++)
			fail("order after a seal", item);
	taken = next;
	return NULL;
}

static void seal_once(unsigned int *seed)
{
	pthread_t owner, consumer;
	unsigned int spin = rand_r(seed) % 3000;

	begin();
	sealing = false;
	unused_credits = 0;
	mpmc_ring_grant(&ring, ENTRIES);
	pthread_create(&consumer, NULL, seal_consumer, NULL);
	pthread_create(&owner, NULL, seal_owner, NULL);
	while (spin--)
		__atomic_signal_fence(__ATOMIC_SEQ_CST);
	mpmc_ring_seal_begin(&ring);
	__atomic_store_n(&sealing, true, __ATOMIC_SEQ_CST);
	syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0);
	__atomic_add_fetch(&unused_credits, mpmc_ring_seal_end(&ring),
			   __ATOMIC_RELAXED);
	pthread_join(owner, NULL);
	STORE(&stop, true, RELEASE);
	pthread_join(consumer, NULL);
	if (taken != accepted)
		fail("accepted and not delivered, or the reverse", accepted);
	if (taken + unused_credits != ENTRIES)
		fail("credits", unused_credits);
	end();
}

int main(int argc, char **argv)
{
	unsigned long rounds = argc > 2 ? strtoul(argv[2], NULL, 0) : 10000;
	unsigned int seed = 1;

	total = argc > 1 ? strtoul(argv[1], NULL, 0) : 1000000;
	test_stream();
	syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0);
	while (rounds--)
		seal_once(&seed);
	report("a seal against an owner without barriers");
	printf("1..2\n");
	return failures != 0;
}
