// SPDX-License-Identifier: GPL-2.0
/*
 * Some threads put items, others take them, in all the ways there are, and of whatever
 * may fail in their calls one in so many does. In the end every item that was accepted
 * has been taken once, and no other.
 */
#include "stress.h"

#include "fault.h"
#include "memory.h"
#include "world.h"

#define ITEMS 4000000U
#define CAPACITY 3000
#define SEGMENTS 2
#define BULK 60
#define STEPS 20 /* with a token */

#define ACCEPTED 1
#define TAKEN 2

static struct stress {
	int queue;
	atomic_bool stop;
	atomic_uint next;
	atomic_uint accepted;
	atomic_uint calls;
	atomic_uint nomem;
	atomic_uint fault;
	atomic_uint wrong;
	atomic_uchar *state;
} stress;

/* What a call returned: counted, and not to be anything else. */
static int counted(int ret)
{
	atomic_fetch_add(&stress.calls, 1);
	if (ret == -ENOMEM)
		atomic_fetch_add(&stress.nomem, 1);
	else if (ret == -EFAULT)
		atomic_fetch_add(&stress.fault, 1);
	else if (ret < 0 && ret != -EAGAIN) {
		printf("# stress: a call returned %d\n", ret);
		atomic_fetch_add(&stress.wrong, 1);
	}
	return ret;
}

static void taken(const __u64 *items, int count)
{
	unsigned char before;
	int i;

	for (i = 0; i < count; i++) {
		must(items[i] && items[i] < ITEMS);
		before = atomic_fetch_or(&stress.state[items[i]], TAKEN);
		if (!(before & TAKEN))
			continue;
		printf("# stress: item %llu was delivered twice\n", items[i]);
		atomic_fetch_add(&stress.wrong, 1);
	}
}

/* Memory whose pages are not there. */
static void *fresh(void)
{
	void *p;

	do {
		p = mmap(NULL, 2 * 4096, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	} while (p == MAP_FAILED);
	return p;
}

static void stale(void *p)
{
	while (munmap(p, 2 * 4096))
		;
}

/* --- What a thread does, again and again --- */

static void put_items(int fd, __u64 *rng)
{
	__u32 i, count = 1 + random_below(rng, BULK);
	__u32 first = atomic_fetch_add(&stress.next, count);
	__u64 *items = fresh();
	int ret;

	must(first + count < ITEMS);
	for (i = 0; i < count; i++)
		items[i] = first + i + 1;
	ret = counted(enq_bulk(fd, items, count));
	for (i = 0; !ret && i < count; i++)
		atomic_fetch_or(&stress.state[first + i + 1], ACCEPTED);
	if (!ret)
		atomic_fetch_add(&stress.accepted, count);
	stale(items);
}

static void take_items(int fd, __u64 *rng)
{
	__u64 *items = fresh();
	int ret = counted(deq_bulk(fd, items, 1 + random_below(rng, 2 * BULK)));

	taken(items, ret);
	stale(items);
}

static void put_queue(__u64 *rng)
{
	put_items(stress.queue, rng);
}

static void take_queue(__u64 *rng)
{
	take_items(stress.queue, rng);
}

static void put_token(__u64 *rng)
{
	int fd = counted(producer_create(stress.queue, 16)), i;

	for (i = 0; fd >= 0 && i < STEPS; i++)
		put_items(fd, rng);
	if (fd >= 0)
		close(fd);
}

static void take_token(__u64 *rng)
{
	int fd = counted(consumer_create(stress.queue, 32)), i;

	for (i = 0; fd >= 0 && i < STEPS; i++)
		take_items(fd, rng);
	if (fd >= 0)
		close(fd);
}

/* Finishes with some items of a lease, and gives some back. */
static void lease(int fd, __u64 *rng)
{
	struct mpmc_lease_item *items = fresh();
	__u64 done[32];
	int i, ret;

	ret = counted(lease_fill(fd, items, 32));
	for (i = 0; i < ret; i++)
		done[i] = items[i].value;
	if (ret > 0) {
		i = random_below(rng, ret + 1);
		if (i && !counted(lease_commit(fd, i)))
			taken(done, i);
		if (i < ret)
			counted(lease_release(fd, 1 + random_below(rng, ret - i)));
	}
	stale(items);
}

static void take_lease(__u64 *rng)
{
	int fd = counted(consumer_create(stress.queue, 32)), i;

	for (i = 0; fd >= 0 && i < STEPS; i++)
		lease(fd, rng);
	if (fd >= 0)
		close(fd);
}

static void (*const steps[])(__u64 *rng) = {
	put_queue, put_token, put_queue, take_queue, take_token, take_lease,
};

#define THREADS (sizeof(steps) / sizeof(steps[0]))

static void *thread(void *arg)
{
	__u64 rng = 0x9e3779b97f4a7c15ULL * ((uintptr_t)arg + 1);

	fault_random_begin();
	while (!atomic_load(&stress.stop))
		steps[(uintptr_t)arg](&rng);
	fault_random_end();
	return NULL;
}

/* --- The end --- */

static void check_items(void)
{
	__u64 items[BULK_MAX];
	unsigned int i, lost = 0, made = 0;
	unsigned char state;
	int ret;

	while ((ret = deq_bulk(stress.queue, items, BULK_MAX)) > 0)
		taken(items, ret);
	for (i = 0; i < ITEMS; i++) {
		state = atomic_load(&stress.state[i]);
		lost += state == ACCEPTED;
		made += state == TAKEN;
	}
	if (lost || made)
		printf("# stress: %u items are lost, %u had been refused\n",
		       lost, made);
	atomic_fetch_add(&stress.wrong, lost + made);
}

static void check_queue(void)
{
	struct mpmc_queue_info info = queue_state(stress.queue);
	__u64 full = fill(stress.queue, 1);

	if (!info.items && !info.leased && !info.granted && !info.producers &&
	    !info.consumers && full == CAPACITY)
		return;
	printf("# stress: %llu items, %llu leased, %llu granted, %u and %u tokens, "
	       "room for %llu\n", info.items, info.leased, info.granted,
	       info.producers, info.consumers, full);
	atomic_fetch_add(&stress.wrong, 1);
}

bool stress_run(unsigned int seconds)
{
	pthread_t threads[THREADS];
	uintptr_t i;

	stress.queue = queue_create(CAPACITY, SEGMENTS);
	must(stress.queue >= 0);
	stress.state = shared_alloc(ITEMS);
	fault_random_setup();
	for (i = 0; i < THREADS; i++)
		threads[i] = thread_start(thread, (void *)i);
	for (i = 0; i < seconds && atomic_load(&stress.next) < ITEMS * 9 / 10; i++)
		sleep(1);
	atomic_store(&stress.stop, true);
	for (i = 0; i < THREADS; i++)
		thread_join(threads[i]);
	check_items();
	check_queue();
	close(stress.queue);
	printf("# stress: %u calls, %u failed with ENOMEM, %u with EFAULT; %u items\n",
	       stress.calls, stress.nomem, stress.fault, stress.accepted);
	return !stress.wrong && stress.nomem && stress.fault && stress.accepted;
}
