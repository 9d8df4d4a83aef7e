// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Leases: looking at items, committing and releasing them, their deliveries,
 * and what becomes of them when a consumer dies
 */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "guest.h"

/* Items first, first + 1, ... */
static void put_range(struct mpmc_queue *queue, uint64_t first, size_t n)
{
	uint64_t items[64];
	size_t i;

	for (i = 0; i < n; i++)
		items[i] = first + i;
	IS(mpmc_try_enqueue_bulk(queue, items, n), 0);
}

/* A look shows n items from first on, each handed out so many times. */
static bool shows(struct mpmc_consumer *c, size_t max, uint64_t first,
		  ssize_t n, uint32_t deliveries)
{
	struct mpmc_item items[64];
	bool good;
	ssize_t i, got;

	memset(items, 0x5a, sizeof(items));
	got = mpmc_consumer_peek(c, items, max);
	good = got == n;
	for (i = 0; i < n && good; i++)
		good = items[i].value == first + i &&
		       items[i].deliveries == deliveries && !items[i].reserved;
	if (!good)
		printf("# got %zd: %llu, deliveries %u; ...\n", got,
		       (unsigned long long)items[0].value,
		       items[0].deliveries);
	return good;
}

static void peek_checks(uint32_t flags)
{
	struct mpmc_queue *queue = queue_of(8, 2);
	struct mpmc_consumer *c = consumer_of(queue, 8, flags);
	struct mpmc_consumer *other = consumer_of(queue, 8, flags);

	put_range(queue, 1, 5);
	IS(shows(c, 3, 1, 3, 1), true);
	IS(mpmc_consumer_leased(c), 3);
	IS(stat_of(queue).leased, 3);
	IS(stat_of(queue).items, 2);
	IS(shows(c, 8, 1, 5, 1), true);
	IS(mpmc_consumer_commit(c, 2), 0);
	IS(mpmc_consumer_leased(c), 3);
	IS(mpmc_consumer_commit(c, 4), -EINVAL);
	IS(mpmc_consumer_commit(c, SIZE_MAX), -EINVAL);
	IS(mpmc_consumer_release(c, 4), -EINVAL);
	IS(mpmc_consumer_release(c, SIZE_MAX), -EINVAL);
	IS(mpmc_consumer_commit(c, 0), 0);
	IS(mpmc_consumer_release(c, 0), 0);
	IS(shows(c, 8, 3, 3, 1), true);
	IS(shows(other, 8, 0, 0, 0), true);
	IS(mpmc_consumer_release(c, 1), 0);
	IS(stat_of(queue).redelivered, 1);
	IS(mpmc_consumer_leased(c), 2);
	IS(shows(other, 8, 3, 1, 2), true);
	IS(shows(c, 8, 4, 2, 1), true);
	IS(mpmc_consumer_release(c, mpmc_consumer_leased(c)), 0);
	IS(mpmc_consumer_leased(c), 0);
	IS(shows(c, 8, 4, 2, 2), true);
	mpmc_consumer_destroy(c);
	IS(mpmc_consumer_commit(other, 1), 0);
	IS(shows(other, 8, 4, 2, 3), true);
	IS(stat_of(queue).redelivered, 5);
	IS(fill(queue), 6);
	IS(mpmc_consumer_commit(other, 2), 0);
	IS(fill(queue), 2);
	mpmc_consumer_destroy(other);
	mpmc_queue_destroy(queue);
}

/* What there is is shown, and then all calls that dequeue take it. */
static void mixed_checks(uint32_t flags)
{
	struct mpmc_queue *queue = queue_of(16, 2);
	struct mpmc_consumer *c = consumer_of(queue, 4, flags);
	uint64_t items[16] = { 0 };

	put_range(queue, 1, 9);
	IS(shows(c, 16, 1, 4, 1), true);
	IS(mpmc_consumer_leased(c), 4);
	IS(mpmc_consumer_try_dequeue(c, items), 0);
	IS(items[0], 1);
	IS(shows(c, 2, 2, 2, 1), true);
	IS(mpmc_consumer_dequeue_wait(c, items, NULL), 0);
	IS(items[0], 2);
	IS(mpmc_consumer_commit(c, 1), 0);
	IS(mpmc_consumer_try_dequeue_bulk(c, items, 3), 3);
	IS(items[0], 4);
	IS(items[2], 6);
	IS(mpmc_consumer_release(c, mpmc_consumer_leased(c)), 0);
	IS(mpmc_consumer_dequeue_bulk_wait(c, items, 16, NULL), 3);
	IS(items[0], 7);
	IS(items[2], 9);
	mpmc_consumer_destroy(c);
	mpmc_queue_destroy(queue);
}

static void nothing_checks(uint32_t flags)
{
	static const struct timespec bad = { 0, -1 };
	struct mpmc_queue *queue = queue_of(8, 2);
	struct mpmc_consumer *c = consumer_of(queue, 8, flags);
	struct mpmc_item items[4];

	IS(mpmc_consumer_leased(c), 0);
	IS(mpmc_consumer_peek(c, items, 4), 0);
	IS(mpmc_consumer_peek_wait(c, items, 4, &zero), 0);
	LASTS(mpmc_consumer_peek_wait(c, items, 4, &soon), 0);
	IS(mpmc_consumer_peek(c, NULL, 0), 0);
	IS(mpmc_consumer_peek_wait(c, NULL, 0, NULL), 0);
	IS(mpmc_consumer_peek(c, NULL, 1), -EINVAL);
	IS(mpmc_consumer_peek_wait(c, NULL, 1, NULL), -EINVAL);
	IS(mpmc_consumer_peek_wait(c, items, 1, &bad), -EINVAL);
	IS(mpmc_consumer_peek_wait(c, items, 0, &bad), -EINVAL);
	IS(mpmc_consumer_commit(c, 1), -EINVAL);
	IS(mpmc_consumer_release(c, 1), -EINVAL);
	/* The kernel leases, and can't show: they stay leased. */
	put_range(queue, 1, 2);
	IS(mpmc_consumer_peek(c, (struct mpmc_item *)BAD, 4), -EFAULT);
	IS(mpmc_consumer_leased(c) > 0, true);
	IS(shows(c, 4, 1, 2, 1), true);
	IS(mpmc_shutdown(queue), 0);
	IS(shows(c, 4, 1, 2, 1), true);
	IS(mpmc_consumer_commit(c, 2), 0);
	IS(mpmc_consumer_peek(c, items, 4), -EPIPE);
	IS(mpmc_consumer_peek_wait(c, items, 4, NULL), -EPIPE);
	mpmc_consumer_destroy(c);
	mpmc_queue_destroy(queue);
}

static void null_checks(void)
{
	struct mpmc_item item;

	IS(mpmc_consumer_peek(NULL, &item, 1), -EINVAL);
	IS(mpmc_consumer_peek_wait(NULL, &item, 1, NULL), -EINVAL);
	IS(mpmc_consumer_commit(NULL, 1), -EINVAL);
	IS(mpmc_consumer_release(NULL, 1), -EINVAL);
	IS(mpmc_consumer_leased(NULL), -EINVAL);
}

/* A wait for an item to look at. */
static int peek_one(void *c, uint64_t *item, const struct timespec *timeout)
{
	struct mpmc_item show = { .value = poison };
	ssize_t n = mpmc_consumer_peek_wait(c, &show, 1, timeout);

	*item = show.value;
	return n == 1 ? 0 : (int)n;
}

static const struct takes peeks = { .name = "peek", .wait = peek_one };

static void sleeper_checks(uint32_t flags)
{
	struct mpmc_queue *queue = queue_of(8, 2);
	struct mpmc_consumer *c = consumer_of(queue, 8, flags);
	struct mpmc_consumer *holder = consumer_of(queue, 8, flags);
	struct sleeper s = { .take = &peeks, .handle = c };

	sleeper_start(&s, queue);
	IS(mpmc_try_enqueue(queue, 5), 0);
	pthread_join(s.thread, NULL);
	IS(s.ret, 0);
	IS(s.item, 5);
	IS(mpmc_consumer_commit(c, 1), 0);
	/* What another one gives back, and, below, leaves behind. */
	put_range(queue, 6, 2);
	IS(shows(holder, 2, 6, 2, 1), true);
	sleeper_start(&s, queue);
	IS(mpmc_consumer_release(holder, 1), 0);
	pthread_join(s.thread, NULL);
	IS(s.item, 6);
	IS(mpmc_consumer_commit(c, 1), 0);
	sleeper_start(&s, queue);
	mpmc_consumer_destroy(holder);
	pthread_join(s.thread, NULL);
	IS(s.item, 7);
	IS(mpmc_consumer_commit(c, 1), 0);
	sleeper_start(&s, queue);
	IS(mpmc_shutdown(queue), 0);
	pthread_join(s.thread, NULL);
	IS(s.ret, -EPIPE);
	mpmc_consumer_destroy(c);
	mpmc_queue_destroy(queue);
}

/* --- Death --- */

/* Looks at three, has dealt with one, and says so; then it hangs. */
static void worker(struct mpmc_queue *queue, uint32_t flags, int said)
{
	struct mpmc_token_opts opts = { 8, flags };
	struct mpmc_item items[3];
	struct mpmc_consumer *c;

	if (mpmc_consumer_create(&c, queue, &opts) ||
	    mpmc_consumer_peek_wait(c, items, 3, NULL) != 3 ||
	    items[2].deliveries != 1 || mpmc_consumer_commit(c, 1) ||
	    write(said, "", 1) != 1)
		_exit(1);
	for (;;)
		pause();
}

/* All that a dead consumer had leased comes again, and nothing else twice. */
static void kill_checks(uint32_t flags)
{
	struct mpmc_queue *queue = queue_of(8, 2);
	struct mpmc_consumer *c;
	int pipes[2], error = pipe(pipes);
	char byte;
	pid_t pid;

	put_range(queue, 1, 6);
	pid = fork();
	if (!pid)
		worker(queue, flags, pipes[1]);
	IS(error || read(pipes[0], &byte, 1) != 1, 0);
	IS(stat_of(queue).leased, 2);
	kill(pid, SIGKILL);
	IS(ended(pid), -SIGKILL);
	IS(stat_of(queue).items, 5);
	IS(stat_of(queue).leased, 0);
	IS(stat_of(queue).redelivered, 2);
	c = consumer_of(queue, 8, flags);
	IS(shows(c, 2, 2, 2, 2), true);
	IS(mpmc_consumer_commit(c, 2), 0);
	IS(shows(c, 8, 4, 3, 1), true);
	mpmc_consumer_destroy(c);
	mpmc_queue_destroy(queue);
	close(pipes[0]);
	close(pipes[1]);
}

/* --- Dead letters --- */

static struct mpmc_queue *limited(uint32_t max, struct mpmc_queue *dead)
{
	struct mpmc_queue_opts opts = {
		.capacity = 8,
		.segments = 1,
		.flags = MPMC_QUEUE_DELIVERIES,
		.max_deliveries = max,
		.dead_letter = dead,
	};

	return queue_with(&opts);
}

static void dead_checks(uint32_t flags)
{
	struct mpmc_queue *dead = queue_of(1, 1), *queue = limited(2, dead);
	struct mpmc_queue *twin = NULL;
	struct mpmc_consumer *c = consumer_of(queue, 8, flags);
	uint64_t item = 0;

	IS(mpmc_queue_from_fd(&twin, mpmc_queue_fd(dead)), 0);
	mpmc_queue_destroy(dead);
	put_range(queue, 1, 3);
	IS(shows(c, 3, 1, 3, 1), true);
	IS(mpmc_consumer_release(c, 3), 0);
	/* What came back is leased one by one. */
	IS(shows(c, 3, 1, 1, 2), true);
	IS(mpmc_size_approx(twin), 0);
	IS(mpmc_consumer_release(c, 1), 0);
	IS(mpmc_size_approx(twin), 1);
	IS(shows(c, 3, 2, 1, 2), true);
	/* The queue for dead letters is full: once more. */
	IS(mpmc_consumer_release(c, 1), 0);
	IS(shows(c, 3, 2, 1, 3), true);
	IS(mpmc_try_dequeue(twin, &item), 0);
	IS(item, 1);
	IS(mpmc_consumer_release(c, 1), 0);
	IS(mpmc_try_dequeue(twin, &item), 0);
	IS(item, 2);
	IS(mpmc_shutdown(twin), 0);
	IS(shows(c, 3, 3, 1, 2), true);
	IS(mpmc_consumer_release(c, 1), 0);
	IS(shows(c, 3, 3, 1, 3), true);
	IS(mpmc_consumer_commit(c, 1), 0);
	IS(stat_of(queue).dead, 2);
	IS(stat_of(queue).dropped, 0);
	IS(stat_of(queue).items + stat_of(queue).leased, 0);
	IS(fill(queue), 8);
	mpmc_consumer_destroy(c);
	mpmc_queue_destroy(queue);
	mpmc_queue_destroy(twin);
}

static void drop_checks(uint32_t flags)
{
	struct mpmc_queue *queue = limited(1, NULL);
	struct mpmc_consumer *c = consumer_of(queue, 8, flags);

	put_range(queue, 1, 3);
	IS(shows(c, 2, 1, 2, 1), true);
	IS(mpmc_consumer_commit(c, 1), 0);
	mpmc_consumer_destroy(c);
	IS(stat_of(queue).dropped, 1);
	IS(stat_of(queue).dead, 0);
	IS(stat_of(queue).items, 1);
	c = consumer_of(queue, 8, flags);
	IS(shows(c, 3, 3, 1, 1), true);
	mpmc_consumer_destroy(c);
	IS(stat_of(queue).dropped, 2);
	IS(fill(queue), 8);
	mpmc_queue_destroy(queue);
}

void test_leases(void)
{
	static const uint32_t flags[] = { MPMC_OPT_UNMAPPED, 0 };
	size_t i;

	null_checks();
	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		printf("# leases: flags %u\n", flags[i]);
		peek_checks(flags[i]);
		mixed_checks(flags[i]);
		nothing_checks(flags[i]);
		sleeper_checks(flags[i]);
		kill_checks(flags[i]);
		dead_checks(flags[i]);
		drop_checks(flags[i]);
	}
}
