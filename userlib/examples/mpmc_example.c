// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * mpmc_example: each way to use a queue, one function per section
 *
 * Prints the same each time, and ends with "all examples passed"; exits with
 * another status than 0, and says where, when something is not as it should be.
 *
 *	cc mpmc_example.c common.c -lmpmc
 */
#include <errno.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common.h"

#define MS(n) ((struct timespec){ (n) / 1000, (n) % 1000 * 1000000L })

/* What must be true here. */
#define EXPECT(expr)                                                   \
	do {                                                           \
		if (!(expr)) {                                         \
			fprintf(stderr, "mpmc_example: line %d: %s\n", \
				__LINE__, #expr);                      \
			exit(EXIT_FAILURE);                            \
		}                                                      \
	} while (0)

static struct mpmc_queue *queue_of(uint64_t capacity)
{
	struct mpmc_queue_opts opts = { .capacity = capacity };
	struct mpmc_queue *queue;

	check(mpmc_queue_create(&queue, &opts), "creating a queue");
	return queue;
}

static void basic_use(void)
{
	mpmc_auto_queue struct mpmc_queue *queue = NULL;
	uint64_t item;

	puts("1. Basic use");
	check(mpmc_queue_create(&queue, NULL), "creating a queue");
	check(mpmc_try_enqueue(queue, 42), "enqueueing");
	printf("   enqueued 42, size is %zd\n", mpmc_size_approx(queue));
	EXPECT(mpmc_size_approx(queue) == 1);

	check(mpmc_try_dequeue(queue, &item), "dequeueing");
	printf("   dequeued %d, size is %zd\n", (int)item,
	       mpmc_size_approx(queue));
	EXPECT(item == 42 && mpmc_size_approx(queue) == 0);

	EXPECT(mpmc_try_dequeue(queue, &item) == -EAGAIN);
	puts("   now it is empty: -EAGAIN");
}

static void exact_capacity(void)
{
	mpmc_auto_queue struct mpmc_queue *queue = queue_of(4);
	uint64_t i;

	puts("2. The capacity is exact");
	for (i = 0; i < 4; i++)
		EXPECT(mpmc_try_enqueue(queue, i) == 0);
	EXPECT(mpmc_try_enqueue(queue, i) == -EAGAIN);
	puts("   a queue of 4 accepts 4 items, the fifth gets -EAGAIN");
}

static void tokens(void)
{
	mpmc_auto_queue struct mpmc_queue *queue = queue_of(0);
	mpmc_auto_producer struct mpmc_producer *producer = NULL;
	mpmc_auto_consumer struct mpmc_consumer *consumer = NULL;
	uint64_t i, item;

	puts("3. Tokens");
	check(mpmc_producer_create(&producer, queue, NULL), "creating a token");
	check(mpmc_consumer_create(&consumer, queue, NULL), "creating a token");
	for (i = 0; i < 1000; i++)
		check(mpmc_producer_try_enqueue(producer, i), "enqueueing");
	printf("   a producer token enqueued %zd items\n",
	       mpmc_size_approx(queue));

	for (i = 0; !mpmc_consumer_try_dequeue(consumer, &item); i++)
		EXPECT(item == i);
	EXPECT(i == 1000);
	puts("   a consumer token dequeued 1000 items, in order");
}

#define HANDFUL 100

/* Come to where there is room for a handful of items, and one is leased. */
static void have_ready(struct mpmc_queue *queue, struct mpmc_producer *producer,
		       struct mpmc_consumer *consumer)
{
	struct mpmc_stat stat = { .size = sizeof(stat) };
	struct mpmc_item item;

	do {
		check(mpmc_producer_try_enqueue(producer, 0), "enqueueing");
		check(mpmc_queue_stat(queue, &stat), "looking");
	} while (stat.granted < HANDFUL || stat.items < 4 * HANDFUL);
	check(mpmc_consumer_peek(consumer, &item, 1), "looking at an item");
	EXPECT(mpmc_consumer_leased(consumer) >= HANDFUL);
}

/*
 * From now on the kernel kills whoever makes a system call, except for read(),
 * write() and exit().
 */
static void renounce_system_calls(void)
{
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT))
		die_errno("seccomp");
}

static void use_mapped_rings(struct mpmc_queue *queue)
{
	struct mpmc_producer *producer;
	struct mpmc_consumer *consumer;
	int i, failed = 0;
	uint64_t item;

	check(mpmc_producer_create(&producer, queue, NULL), "creating a token");
	check(mpmc_consumer_create(&consumer, queue, NULL), "creating a token");
	have_ready(queue, producer, consumer);
	renounce_system_calls();
	for (i = 0; i < HANDFUL; i++) {
		failed |= mpmc_producer_try_enqueue(producer, i);
		failed |= mpmc_consumer_try_dequeue(consumer, &item);
	}
	syscall(SYS_exit, failed != 0);
}

static void mapped_rings(void)
{
	struct mpmc_queue_opts opts = { .segments = 2 };
	mpmc_auto_queue struct mpmc_queue *queue = NULL;
	pid_t child;

	puts("4. Mapped rings");
	check(mpmc_queue_create(&queue, &opts), "creating a queue");
	child = fork_flushed();
	if (!child)
		use_mapped_rings(queue);
	EXPECT(child_succeeded(child));
	printf("   a process that may make no system calls any more\n"
	       "   enqueued %d items, dequeued %d items, and lived\n", HANDFUL,
	       HANDFUL);
}

static void bulk(void)
{
	mpmc_auto_queue struct mpmc_queue *queue = queue_of(1500);
	static uint64_t items[2000];
	size_t i;

	puts("5. Bulk");
	for (i = 0; i < 2000; i++)
		items[i] = i;
	check(mpmc_try_enqueue_bulk(queue, items, 1000), "enqueueing");
	puts("   1000 items into a queue of 1500");
	EXPECT(mpmc_try_enqueue_bulk(queue, items, 1000) == -EAGAIN);
	EXPECT(mpmc_size_approx(queue) == 1000);
	puts("   another 1000: -EAGAIN, all or none");
	EXPECT(mpmc_try_enqueue_bulk(queue, items, 2000) == -EMSGSIZE);
	puts("   2000 at once never fit: -EMSGSIZE");

	EXPECT(mpmc_try_dequeue_bulk(queue, items, 2000) == 1000);
	for (i = 0; i < 1000; i++)
		EXPECT(items[i] == i);
	puts("   asked for up to 2000, got the 1000 there were");
	EXPECT(mpmc_try_dequeue_bulk(queue, items, 2000) == 0);
}

static void blocking(void)
{
	mpmc_auto_queue struct mpmc_queue *queue = queue_of(0);
	struct timespec timeout = MS(50);
	uint64_t item, start = now_ns();
	pid_t child;

	puts("6. Blocking with a timeout");
	EXPECT(mpmc_dequeue_wait(queue, &item, &timeout) == -ETIMEDOUT);
	EXPECT(now_ns() - start >= 50 * 1000000);
	puts("   nothing came: -ETIMEDOUT after 50 ms, not earlier");

	child = fork_flushed();
	if (!child) {
		sleep_ms(20);
		_exit(mpmc_try_enqueue(queue, 7) != 0);
	}
	timeout = MS(10000);
	check(mpmc_dequeue_wait(queue, &item, &timeout), "waiting");
	printf("   another process enqueued %d and woke us up\n", (int)item);
	EXPECT(item == 7 && child_succeeded(child));
}

#define EVENTS 200
#define SLOTS 16

/* The producer of events; a full queue makes it wait. */
static void produce_all(struct mpmc_queue *queue)
{
	uint64_t event;

	for (event = 0; event < EVENTS; event++)
		check(mpmc_enqueue_wait(queue, event, NULL), "sending");
	check(mpmc_shutdown(queue), "shutting down");
	_exit(0);
}

static void stream_lossless(void)
{
	mpmc_auto_queue struct mpmc_queue *queue = queue_of(SLOTS);
	struct mpmc_stat stat = { .size = sizeof(stat) };
	uint64_t event, next = 0, held_up = 0;
	pid_t producer = fork_flushed();

	if (!producer)
		produce_all(queue);
	while (!mpmc_dequeue_wait(queue, &event, NULL)) {
		EXPECT(event == next++);
		sleep_ms(1);
		check(mpmc_queue_stat(queue, &stat), "looking");
		held_up += stat.enqueue_waiters;
	}
	EXPECT(next == EVENTS && held_up > 0 && child_succeeded(producer));
	puts("   a fast producer waits for a slow consumer:");
	printf("   %d events through %d slots, in order, none lost\n", EVENTS,
	       SLOTS);
}

/* The producer of events; those that find the queue full are dropped. */
static int produce_some(struct mpmc_queue *queue)
{
	int event, dropped = 0;

	for (event = 0; event < EVENTS; event++)
		dropped += mpmc_try_enqueue(queue, event) == -EAGAIN;
	return dropped;
}

static void stream_lossy(void)
{
	mpmc_auto_queue struct mpmc_queue *queue = queue_of(SLOTS);
	struct timespec timeout = MS(10);
	uint64_t event;
	int got = 0, dropped;

	dropped = produce_some(queue);
	while (!mpmc_dequeue_wait(queue, &event, &timeout))
		EXPECT(event == (uint64_t)got++);
	printf("   a producer that must not wait counts what it drops:\n"
	       "   %d events while the consumer is away: %d kept, %d dropped\n",
	       EVENTS, got, dropped);
	EXPECT(got == SLOTS && dropped == EVENTS - SLOTS);
}

static void event_streaming(void)
{
	puts("7. Event streaming with back-pressure");
	stream_lossless();
	stream_lossy();
}

static const char *health(struct mpmc_queue *queue)
{
	struct mpmc_stat stat = { .size = sizeof(stat) };

	check(mpmc_queue_stat(queue, &stat), "looking");
	if (stat.items >= stat.capacity * 9 / 10)
		return "critical";
	if (stat.items >= stat.capacity / 2)
		return "getting large";
	return "good";
}

static void queue_health(void)
{
	static const size_t levels[] = { 100, 600, 950 };
	mpmc_auto_queue struct mpmc_queue *queue = queue_of(1000);
	static uint64_t items[1000];
	size_t i, size = 0;

	puts("8. Queue health");
	for (i = 0; i < 3; i++) {
		check(mpmc_try_enqueue_bulk(queue, items, levels[i] - size),
		      "enqueueing");
		size = mpmc_size_approx(queue);
		EXPECT(size == levels[i]);
		printf("   %zu of 1000 items: %s\n", size, health(queue));
	}
}

/* Which signal ended it. */
static int wait_for_death(pid_t child)
{
	int status;

	EXPECT(waitpid(child, &status, 0) == child && WIFSIGNALED(status));
	return WTERMSIG(status);
}

/* Looks at three items, has dealt with one of them, and is killed. */
static void work_and_die(struct mpmc_queue *queue)
{
	struct mpmc_consumer *consumer;
	struct mpmc_item items[3];

	check(mpmc_consumer_create(&consumer, queue, NULL), "creating a token");
	EXPECT(mpmc_consumer_peek(consumer, items, 3) == 3);
	check(mpmc_consumer_commit(consumer, 1), "committing");
	raise(SIGKILL);
}

static void at_least_once(void)
{
	mpmc_auto_queue struct mpmc_queue *queue = queue_of(0);
	mpmc_auto_consumer struct mpmc_consumer *consumer = NULL;
	struct mpmc_item item;
	uint64_t i;
	pid_t worker;

	puts("9. At least once");
	for (i = 1; i <= 4; i++)
		check(mpmc_try_enqueue(queue, i), "enqueueing");
	worker = fork_flushed();
	if (!worker)
		work_and_die(queue);
	EXPECT(wait_for_death(worker) == SIGKILL);
	puts("   a worker looked at 3 items, was done with 1, and was killed");

	check(mpmc_consumer_create(&consumer, queue, NULL), "creating a token");
	for (i = 2; mpmc_consumer_peek(consumer, &item, 1) == 1; i++) {
		printf("   another one got item %d, which was delivery %u\n",
		       (int)item.value, item.deliveries);
		EXPECT(item.value == i && item.deliveries == (i < 4 ? 2 : 1));
		check(mpmc_consumer_commit(consumer, 1), "committing");
	}
	EXPECT(i == 5);
}

#define DEADLY 13

/* There is one item that it can't stand. */
static void work(struct mpmc_queue *queue)
{
	struct mpmc_consumer *consumer;
	struct mpmc_item item;

	check(mpmc_consumer_create(&consumer, queue, NULL), "creating a token");
	while (mpmc_consumer_peek(consumer, &item, 1) == 1) {
		if (item.value == DEADLY)
			raise(SIGKILL);
		check(mpmc_consumer_commit(consumer, 1), "committing");
	}
	_exit(0);
}

/* Starts workers until one of them survives its work; how many that were. */
static int supervise(struct mpmc_queue *queue)
{
	int status, workers = 0;
	pid_t worker;

	do {
		workers++;
		worker = fork_flushed();
		if (!worker)
			work(queue);
		EXPECT(waitpid(worker, &status, 0) == worker);
	} while (WIFSIGNALED(status));
	EXPECT(!status);
	return workers;
}

static void dead_letters(void)
{
	mpmc_auto_queue struct mpmc_queue *dead = queue_of(0), *queue = NULL;
	struct mpmc_queue_opts opts = {
		.flags = MPMC_QUEUE_DELIVERIES,
		.max_deliveries = 2,
		.dead_letter = dead,
	};
	uint64_t item;
	int workers;

	puts("10. Dead letters");
	check(mpmc_queue_create(&queue, &opts), "creating a queue");
	for (item = DEADLY - 1; item <= DEADLY + 1; item++)
		check(mpmc_try_enqueue(queue, item), "enqueueing");
	workers = supervise(queue);
	printf("   an item that kills whoever gets it killed %d workers\n",
	       workers - 1);
	check(mpmc_try_dequeue(dead, &item), "looking for dead letters");
	printf("   after 2 deliveries it is a dead letter: %d\n", (int)item);
	EXPECT(workers == 3 && item == DEADLY && !mpmc_size_approx(dead));
	EXPECT(mpmc_size_approx(queue) == 0);
	printf("   worker %d has done the rest\n", workers);
}

static void end_of_stream(void)
{
	mpmc_auto_queue struct mpmc_queue *queue = queue_of(0);
	uint64_t item;

	puts("11. End of the stream");
	check(mpmc_try_enqueue(queue, 1), "enqueueing");
	check(mpmc_shutdown(queue), "shutting down");
	EXPECT(mpmc_try_enqueue(queue, 2) == -EPIPE);
	puts("   after a shutdown, producers get -EPIPE");
	EXPECT(mpmc_dequeue_wait(queue, &item, NULL) == 0 && item == 1);
	EXPECT(mpmc_dequeue_wait(queue, &item, NULL) == -EPIPE);
	puts("   consumers take what is left, then get -EPIPE");
}

int main(void)
{
	basic_use();
	exact_capacity();
	tokens();
	mapped_rings();
	bulk();
	blocking();
	event_streaming();
	queue_health();
	at_least_once();
	dead_letters();
	end_of_stream();
	puts("all examples passed");
	return 0;
}
