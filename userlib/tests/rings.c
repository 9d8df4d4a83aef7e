// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Mapped tokens: what their calls do in the ring, what they leave to the
 * kernel, and how rings are mapped. The kernel, and its side of a ring, are
 * played.
 */
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fake.h"

#define RING 8
#define SOMEBODY (MPMC_MAP_ARMED | 1)

/* Rings, with nothing around them that may be touched, and tokens of them. */
static struct {
	struct mpmc_producer producer;
	struct mpmc_producer_map ring;
} puts_to;

static struct {
	struct mpmc_consumer consumer;
	struct mpmc_consumer_map ring;
} takes_from;

#define producer puts_to.producer
#define puts_ring puts_to.ring
#define consumer takes_from.consumer
#define takes_ring takes_from.ring
#define DISTANCE sizeof(struct mpmc_token)

/* Of the one that is looked at. */
static struct mpmc_map_queue *who;
static uint64_t *entries, *own, *limit;

/*
 * The plain functions, which the names in this file do not stand for: here they
 * are inline.
 */
#define PLAIN(name) __asm__("mpmc_" #name)

int plain_try_enqueue(struct mpmc_producer *p, uint64_t item)
	PLAIN(producer_try_enqueue);
int plain_try_enqueue_bulk(struct mpmc_producer *p, const uint64_t *items,
			   size_t n) PLAIN(producer_try_enqueue_bulk);
int plain_try_dequeue(struct mpmc_consumer *c, uint64_t *item)
	PLAIN(consumer_try_dequeue);
ssize_t plain_try_dequeue_bulk(struct mpmc_consumer *c, uint64_t *items,
			       size_t max) PLAIN(consumer_try_dequeue_bulk);
ssize_t plain_peek(struct mpmc_consumer *c, struct mpmc_item *items,
		   size_t max) PLAIN(consumer_peek);
int plain_commit(struct mpmc_consumer *c, size_t n) PLAIN(consumer_commit);

/* The kernel hands out items, each the number of its position. */
static void lease(size_t n)
{
	for (; n; n--, ++*limit)
		entries[*limit % RING] = *limit;
	takes_ring.fresh = *limit;
}

/* A ring whose owner has come to a position, with so much for him. */
static void ring_at(uint64_t position, uint64_t rest, long answer)
{
	expect(answer);
	kernel.lease = lease;
	memset(who, 0, sizeof(*who));
	memset(entries, 0x5a, RING * sizeof(*entries));
	*own = position;
	*limit = position;
	lease(rest);
}

static void producer_at(uint64_t position, uint64_t room, long answer)
{
	producer.token.fd = QUEUE_FD;
	producer.token.ring = (RING - 1ULL) << 32 | DISTANCE;
	who = (struct mpmc_map_queue *)&puts_ring.readers;
	entries = puts_ring.items;
	own = &puts_ring.own;
	limit = &puts_ring.limit;
	ring_at(position, 0, answer);
	*limit = position + room;
}

static void consumer_at(uint64_t position, uint64_t leased, long answer)
{
	consumer.token.fd = QUEUE_FD;
	consumer.token.ring = (RING - 1ULL) << 32 | DISTANCE;
	who = (struct mpmc_map_queue *)takes_ring.readers;
	entries = takes_ring.items;
	own = &takes_ring.own;
	limit = &takes_ring.limit;
	ring_at(position, leased, answer);
}

/* Positions, all around the ring and where halves of words overflow. */
static const uint64_t positions[] = {
	0, 1, 5, 7, 8, 9, 15, UINT32_MAX - 3ULL, 1ULL << 32, (1ULL << 33) - 1,
};

#define N_POSITIONS (sizeof(positions) / sizeof(positions[0]))

/* --- Producers --- */

/* Whether n items from a value on are at a position, and the others not. */
static bool stored(uint64_t position, uint64_t value, size_t n)
{
	bool good = *own == position + n;
	size_t i;

	for (i = 0; i < n; i++)
		good &= entries[(position + i) % RING] == value + i;
	for (; i < RING; i++)
		good &= entries[(position + i) % RING] == POISON;
	return good;
}

static void test_put(void)
{
	bool good = true, plain = true, full = true;
	size_t i;

	for (i = 0; i < N_POSITIONS; i++) {
		producer_at(positions[i], 2, -EBADF);
		good &= !mpmc_producer_try_enqueue(&producer, 50) &&
			!mpmc_producer_enqueue_wait(&producer, 51, NULL) &&
			stored(positions[i], 50, 2) && !kernel.calls;
		producer_at(positions[i], 1, -EBADF);
		plain &= !plain_try_enqueue(&producer, 60) &&
			 stored(positions[i], 60, 1) && !kernel.calls;
		producer_at(positions[i], 0, -EAGAIN);
		full &= mpmc_producer_try_enqueue(&producer, 50) == -EAGAIN &&
			stored(positions[i], 0, 0) && kernel.calls == 1 &&
			kernel.fd == QUEUE_FD &&
			kernel.cmd == MPMC_IOC_ITEM_ENQUEUE &&
			kernel.arg.transfer.items == 50;
	}
	OK(good, "enqueue: into the ring, without a call");
	OK(plain, "enqueue: the plain function does the same");
	OK(full, "enqueue: without room the kernel does it");
	producer_at(0, 0, -ETIMEDOUT);
	OK(mpmc_producer_enqueue_wait(&producer, 1, NULL) == -ETIMEDOUT &&
	   kernel.arg.transfer.deadline == MPMC_FOREVER && !*own,
	   "enqueue_wait: without room the kernel waits");
}

static void test_put_bulk(void)
{
	static const uint64_t items[] = { 70, 71, 72, 73, 74, 75, 76, 77, 78 };
	bool good = true, less = true;
	uint64_t at;
	size_t i, n;

	for (i = 0; i < N_POSITIONS; i++) {
		at = positions[i];
		for (n = 1; n <= RING; n++) {
			producer_at(at, n, -EBADF);
			good &= !mpmc_producer_try_enqueue_bulk(&producer,
								items, n) &&
				stored(at, 70, n) && !kernel.calls;
			producer_at(at, RING, -EBADF);
			good &= !plain_try_enqueue_bulk(&producer, items, n) &&
				stored(at, 70, n) && !kernel.calls;
			producer_at(at, n, -EAGAIN);
			less &= mpmc_producer_try_enqueue_bulk(
					&producer, items, n + 1) == -EAGAIN &&
				stored(at, 0, 0) && kernel.calls == 1 &&
				kernel.arg.transfer.count == n + 1;
		}
	}
	OK(good, "enqueue_bulk: into the ring, around its end");
	OK(less, "enqueue_bulk: all or none of it in the ring");
	producer_at(6, 4, -EBADF);
	OK(!mpmc_producer_enqueue_bulk_wait(&producer, items, 4, NULL) &&
	   stored(6, 70, 4) && !kernel.calls, "enqueue_bulk_wait: in the ring");
	producer_at(6, 4, 0);
	OK(!mpmc_producer_enqueue_bulk_wait(&producer, items, 5, NULL) &&
	   stored(6, 0, 0) && kernel.arg.transfer.flags == MPMC_TRANSFER_WAIT,
	   "enqueue_bulk_wait: the kernel waits");
}

static void test_put_refused(void)
{
	static const struct timespec bad = { -1, 0 };
	uint64_t items[2] = { 0 };

	producer_at(0, RING, -EBADF);
	OK(!mpmc_producer_try_enqueue_bulk(&producer, NULL, 0) &&
	   !mpmc_producer_enqueue_bulk_wait(&producer, NULL, 0, NULL) &&
	   mpmc_producer_try_enqueue_bulk(&producer, NULL, 1) == -EINVAL &&
	   mpmc_producer_enqueue_bulk_wait(&producer, NULL, 1, NULL) ==
		   -EINVAL && !kernel.calls && stored(0, 0, 0),
	   "enqueue_bulk: nothing, and from nowhere");
	OK(mpmc_producer_enqueue_wait(&producer, 1, &bad) == -EINVAL &&
	   mpmc_producer_enqueue_bulk_wait(&producer, items, 2, &bad) ==
		   -EINVAL && !kernel.calls && stored(0, 0, 0),
	   "enqueue_wait: a timeout without a meaning, with room");
	producer_at(0, RING, -EIO);
	*limit = 0;
	OK(mpmc_producer_try_enqueue_bulk(&producer, items, SIZE_MAX / 8) ==
		   -EMSGSIZE && stored(0, 0, 0), "enqueue_bulk: too much");
}

/* Put n items while the word of the readers is this; whether it kicks. */
static bool put_kicks(uint32_t readers, size_t n)
{
	static const uint64_t items[RING] = { 80, 81, 82 };
	int ret;

	producer_at(3, RING, 0);
	who->readers = readers;
	ret = n == 1 ? mpmc_producer_try_enqueue(&producer, 80) :
		       mpmc_producer_try_enqueue_bulk(&producer, items, n);
	if (ret || !stored(3, 80, n))
		abort();
	return kernel.calls == 1 && kernel.cmd == MPMC_IOC_TOKEN_KICK &&
	       kernel.fd == QUEUE_FD && kernel.arg.kick.count == n &&
	       kernel.arg.kick.size == sizeof(kernel.arg.kick) &&
	       !kernel.arg.kick.flags && !kernel.arg.kick.pad;
}

static void test_put_kick(void)
{
	OK(!put_kicks(0, 1) && !kernel.calls, "enqueue: hot");
	OK(!put_kicks(MPMC_MAP_ARMED, 1) && !kernel.calls &&
	   !put_kicks(MPMC_MAP_ARMING, 1) && !kernel.calls,
	   "enqueue: armed, and nobody there");
	OK(put_kicks(SOMEBODY, 1) && put_kicks(SOMEBODY, 3) &&
	   put_kicks(MPMC_MAP_ARMED | MPMC_MAP_SLEEPERS, 3),
	   "enqueue: somebody sleeps");
	OK(put_kicks(MPMC_MAP_ARMED | MPMC_MAP_POLLED, 1),
	   "enqueue: somebody polls");
	OK(put_kicks(MPMC_MAP_ARMED | MPMC_MAP_SHUTDOWN, 2),
	   "enqueue: the queue is shut down");
	producer_at(0, RING, -EPIPE);
	who->readers = MPMC_MAP_ARMED | MPMC_MAP_SHUTDOWN;
	OK(mpmc_producer_try_enqueue(&producer, 1) == -EPIPE &&
	   mpmc_producer_enqueue_wait(&producer, 1, NULL) == -EPIPE &&
	   kernel.calls == 2, "enqueue: and the item is not accepted");
	producer_at(0, RING, 0);
	who->writers = SOMEBODY;
	OK(!mpmc_producer_try_enqueue(&producer, 1) && !kernel.calls,
	   "enqueue: who waits for room is not its business");
}

/* --- Consumers --- */

/* Whether these are n items from a position on, which have been taken. */
static bool taken(const uint64_t *items, uint64_t position, size_t n)
{
	bool good = *own == position + n;
	size_t i;

	for (i = 0; i < n; i++)
		good &= items[i] == position + i;
	return good;
}

/* What was asked last is to fill a lease with so many, or a fair share. */
static bool filled(uint32_t count, uint32_t wait)
{
	const struct mpmc_lease *fill = &kernel.arg.lease;

	return kernel.cmd == MPMC_IOC_LEASE_FILL && kernel.fd == QUEUE_FD &&
	       fill->flags == (MPMC_LEASE_SHARE | wait) && !fill->items &&
	       fill->count == count && (wait || !fill->deadline);
}

static void test_take(void)
{
	bool good = true, plain = true, more = true;
	uint64_t item[2];
	size_t i;

	for (i = 0; i < N_POSITIONS; i++) {
		consumer_at(positions[i], 2, -EBADF);
		good &= !mpmc_consumer_try_dequeue(&consumer, item) &&
			!mpmc_consumer_dequeue_wait(&consumer, item + 1,
						    NULL) &&
			taken(item, positions[i], 2) && !kernel.calls;
		consumer_at(positions[i], RING, -EBADF);
		plain &= !plain_try_dequeue(&consumer, item) &&
			 taken(item, positions[i], 1) && !kernel.calls;
		consumer_at(positions[i], 0, -EBADF);
		kernel.there_is = 1;
		more &= !mpmc_consumer_try_dequeue(&consumer, item) &&
			taken(item, positions[i], 1) && kernel.calls == 1 &&
			filled(1, 0);
	}
	consumer_at(5, 0, -EBADF);
	kernel.there_is = 4;
	more &= !mpmc_consumer_try_dequeue(&consumer, item) &&
		taken(item, 5, 1) && mpmc_consumer_leased(&consumer) == 3;
	OK(good, "dequeue: from the ring, without a call");
	OK(plain, "dequeue: the plain function does the same");
	OK(more, "dequeue: the kernel fills an empty ring");
}

static void test_take_none(void)
{
	static const int errors[] = { -EAGAIN, -EPIPE, -EBUSY, -EIO };
	uint64_t item = POISON, before = now();
	struct timespec timeout = { 3, 0 };
	bool good = true;
	size_t i;

	for (i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		consumer_at(5, 0, errors[i]);
		good &= mpmc_consumer_try_dequeue(&consumer, &item) ==
				errors[i] && taken(&item, 5, 0);
	}
	OK(good && item == POISON, "dequeue: errors, and the item left alone");
	consumer_at(5, 0, -ETIMEDOUT);
	OK(mpmc_consumer_dequeue_wait(&consumer, &item, &timeout) ==
		   -ETIMEDOUT && item == POISON && filled(1, MPMC_LEASE_WAIT) &&
	   due(kernel.arg.lease.deadline, before, 3 * SECOND),
	   "dequeue_wait: the kernel waits, until the deadline");
	consumer_at(5, 1, -EBADF);
	OK(mpmc_consumer_try_dequeue(&consumer, NULL) == -EINVAL &&
	   mpmc_consumer_dequeue_wait(&consumer, NULL, NULL) == -EINVAL &&
	   !kernel.calls && taken(NULL, 5, 0), "dequeue: to nowhere");
}

static void test_take_bulk(void)
{
	bool good = true, more = true;
	uint64_t items[RING + 1], at;
	size_t i, n;

	for (i = 0; i < N_POSITIONS; i++) {
		at = positions[i];
		for (n = 1; n <= RING; n++) {
			consumer_at(at, n, -EBADF);
			good &= mpmc_consumer_try_dequeue_bulk(
					&consumer, items, n) == (ssize_t)n &&
				taken(items, at, n) && !kernel.calls;
			consumer_at(at, RING, -EBADF);
			good &= plain_try_dequeue_bulk(&consumer, items, n) ==
					(ssize_t)n &&
				taken(items, at, n) && !kernel.calls;
			consumer_at(at, n, -EBADF);
			kernel.there_is = 1;
			more &= mpmc_consumer_try_dequeue_bulk(
					&consumer, items, n + 1) ==
					(ssize_t)n + 1 &&
				taken(items, at, n + 1) && kernel.calls == 1 &&
				filled(1, 0);
		}
	}
	OK(good, "dequeue_bulk: from the ring, around its end");
	OK(more, "dequeue_bulk: and then what the kernel fills in");
}

static void test_take_bulk_less(void)
{
	uint64_t items[4 * RING];

	consumer_at(5, 3, -EAGAIN);
	OK(mpmc_consumer_try_dequeue_bulk(&consumer, items, 7) == 3 &&
	   taken(items, 5, 3) && filled(4, 0),
	   "dequeue_bulk: what there is, which is not as much");
	consumer_at(5, 3, -EPIPE);
	OK(mpmc_consumer_try_dequeue_bulk(&consumer, items, 7) == 3 &&
	   mpmc_consumer_try_dequeue_bulk(&consumer, items, 7) == -EPIPE,
	   "dequeue_bulk: an error comes when there is nothing left");
	consumer_at(5, 0, -EAGAIN);
	OK(!mpmc_consumer_try_dequeue_bulk(&consumer, items, 7) &&
	   taken(items, 5, 0), "dequeue_bulk: 0 when empty");
	consumer_at(5, 0, -ETIMEDOUT);
	OK(!mpmc_consumer_dequeue_bulk_wait(&consumer, items, 7, NULL) &&
	   filled(7, MPMC_LEASE_WAIT) &&
	   kernel.arg.lease.deadline == MPMC_FOREVER,
	   "dequeue_bulk_wait: 0 on timeout");
	consumer_at(5, 2, -EAGAIN);
	kernel.there_is = 4;
	OK(mpmc_consumer_try_dequeue_bulk(&consumer, items, 4) == 4 &&
	   taken(items, 5, 4) && filled(2, 0) &&
	   mpmc_consumer_leased(&consumer) == 2,
	   "dequeue_bulk: the rest of a share stays leased");
	consumer_at(5, 0, -EAGAIN);
	kernel.there_is = 2;
	OK(mpmc_consumer_dequeue_bulk_wait(&consumer, items, 7, NULL) == 2 &&
	   taken(items, 5, 2) && kernel.calls == 2 && filled(5, 0),
	   "dequeue_bulk_wait: waits for the first one only");
	consumer_at(5, 4, -EBADF);
	OK(mpmc_consumer_dequeue_bulk_wait(&consumer, items, 4, NULL) == 4 &&
	   taken(items, 5, 4) && !kernel.calls,
	   "dequeue_bulk_wait: no wait, and no call");
	consumer_at(5, 4, -EAGAIN);
	OK(mpmc_consumer_try_dequeue_bulk(&consumer, items, SIZE_MAX) == 4 &&
	   filled(UINT32_MAX, 0), "dequeue_bulk: a maximum beyond what fits");
}

static void test_take_refused(void)
{
	static const struct timespec bad = { 0, 1000000000 };
	uint64_t items[2];

	consumer_at(5, 4, -EBADF);
	OK(!mpmc_consumer_try_dequeue_bulk(&consumer, NULL, 0) &&
	   !mpmc_consumer_dequeue_bulk_wait(&consumer, NULL, 0, NULL) &&
	   mpmc_consumer_try_dequeue_bulk(&consumer, NULL, 1) == -EINVAL &&
	   mpmc_consumer_dequeue_bulk_wait(&consumer, NULL, 1, NULL) ==
		   -EINVAL && !kernel.calls && taken(NULL, 5, 0),
	   "dequeue_bulk: nothing, and to nowhere");
	OK(mpmc_consumer_dequeue_wait(&consumer, items, &bad) == -EINVAL &&
	   mpmc_consumer_dequeue_bulk_wait(&consumer, items, 2, &bad) ==
		   -EINVAL && !kernel.calls && taken(NULL, 5, 0),
	   "dequeue_wait: a timeout without a meaning, with items");
}

/* --- Leases --- */

/* Whether these are n items from a position on, the first time. */
static bool shown(const struct mpmc_item *items, uint64_t position, size_t n)
{
	bool good = true;

	for (; n; n--, items++, position++)
		good &= items->value == position && items->deliveries == 1 &&
			!items->reserved;
	return good;
}

static void test_peek(void)
{
	struct mpmc_item items[RING];
	bool good = true;
	uint64_t at;
	size_t i, n;

	for (i = 0; i < N_POSITIONS; i++) {
		at = positions[i];
		for (n = 1; n <= RING; n++) {
			consumer_at(at, n, -EBADF);
			memset(items, 0x5a, sizeof(items));
			good &= mpmc_consumer_peek(&consumer, items, n) ==
					(ssize_t)n &&
				shown(items, at, n);
			memset(items, 0x5a, sizeof(items));
			good &= plain_peek(&consumer, items, n) ==
					(ssize_t)n &&
				shown(items, at, n);
			memset(items, 0x5a, sizeof(items));
			good &= mpmc_consumer_peek_wait(&consumer, items, n,
							NULL) == (ssize_t)n &&
				shown(items, at, n) && *own == at &&
				!kernel.calls;
		}
	}
	OK(good, "peek: at the ring, without a call; they stay leased");
	consumer_at(5, 3, 3);
	OK(mpmc_consumer_peek(&consumer, items, 4) == 3 &&
	   kernel.cmd == MPMC_IOC_LEASE_FILL && kernel.arg.lease.count == 4 &&
	   kernel.arg.lease.items == (uintptr_t)items &&
	   kernel.arg.lease.flags == MPMC_LEASE_SHARE,
	   "peek: the kernel fills, and shows, a lease that is too short");
}

static void test_peek_again(void)
{
	struct mpmc_item items[RING];

	consumer_at(5, 4, 2);
	takes_ring.fresh = 5;
	OK(mpmc_consumer_peek(&consumer, items, 2) == 2 && kernel.calls == 1 &&
	   kernel.arg.lease.items == (uintptr_t)items,
	   "peek: the kernel shows what was delivered before");
	OK(!mpmc_consumer_commit(&consumer, 1) &&
	   mpmc_consumer_peek(&consumer, items, 2) == 2 && kernel.calls == 2,
	   "peek: also when that ends before the owner's position");
	takes_ring.fresh = 8;
	OK(mpmc_consumer_peek(&consumer, items, 2) == 2 && kernel.calls == 2 &&
	   shown(items, 6, 2), "peek: and what was not is looked at");
	OK(mpmc_consumer_peek(&consumer, items, 3) == 2 && kernel.calls == 3 &&
	   mpmc_consumer_peek(&consumer, items, SIZE_MAX) == 2 &&
	   kernel.calls == 4, "peek: as far as all of it is");
	consumer_at(5, 0, -EAGAIN);
	OK(!mpmc_consumer_peek(&consumer, items, 2) &&
	   !mpmc_consumer_peek(&consumer, NULL, 0) &&
	   mpmc_consumer_peek(&consumer, NULL, 1) == -EINVAL,
	   "peek: 0 when empty, and to nowhere");
	consumer_at(5, 0, -ETIMEDOUT);
	OK(!mpmc_consumer_peek_wait(&consumer, items, 2, NULL) &&
	   kernel.arg.lease.flags == (MPMC_LEASE_SHARE | MPMC_LEASE_WAIT),
	   "peek_wait: 0 on timeout");
}

static void test_commit(void)
{
	bool good = true;
	size_t i;

	for (i = 0; i < N_POSITIONS; i++) {
		consumer_at(positions[i], RING, -EBADF);
		good &= !mpmc_consumer_commit(&consumer, 3) &&
			!plain_commit(&consumer, 1) &&
			*own == positions[i] + 4 &&
			mpmc_consumer_leased(&consumer) == RING - 4 &&
			!mpmc_consumer_commit(&consumer, RING - 4) &&
			!mpmc_consumer_leased(&consumer) && !kernel.calls;
	}
	OK(good, "commit: in the ring, without a call");
	consumer_at(5, 3, -EBADF);
	OK(mpmc_consumer_commit(&consumer, 4) == -EINVAL &&
	   mpmc_consumer_commit(&consumer, SIZE_MAX) == -EINVAL &&
	   !mpmc_consumer_commit(&consumer, 0) && *own == 5 && !kernel.calls,
	   "commit: more than are leased, and nothing");
	consumer_at(5, 3, 0);
	OK(!mpmc_consumer_release(&consumer, 2) && *own == 5 &&
	   kernel.cmd == MPMC_IOC_LEASE_RELEASE && kernel.arg.end.count == 2,
	   "release: the kernel does it");
}

/* Finish with n items while the words are these; whether it kicks. */
static bool take_kicks(uint32_t writers, uint32_t readers, bool commit,
		       size_t n)
{
	uint64_t items[RING];
	int ret;

	/* What it says changes nothing: they have been taken. */
	consumer_at(6, RING, -EBUSY);
	who->writers = writers;
	who->readers = readers;
	if (commit)
		ret = mpmc_consumer_commit(&consumer, n);
	else if (n == 1)
		ret = mpmc_consumer_try_dequeue(&consumer, items);
	else
		ret = mpmc_consumer_try_dequeue_bulk(&consumer, items, n) !=
		      (ssize_t)n;
	if (ret || *own != 6 + n)
		abort();
	return kernel.calls == 1 && kernel.cmd == MPMC_IOC_TOKEN_KICK &&
	       kernel.fd == QUEUE_FD && kernel.arg.kick.count == n;
}

static void test_take_kick(void)
{
	const uint32_t end = MPMC_MAP_ARMED | MPMC_MAP_SHUTDOWN;
	const uint32_t polled = MPMC_MAP_ARMED | MPMC_MAP_POLLED;
	uint64_t items[4];
	bool commit;

	for (commit = false;; commit = true) {
		OK(!take_kicks(0, SOMEBODY, commit, 1) && !kernel.calls &&
		   !take_kicks(MPMC_MAP_ARMED, SOMEBODY, commit, 2) &&
		   !kernel.calls, commit ? "commit: nobody waits for room" :
					   "dequeue: nobody waits for room");
		OK(take_kicks(SOMEBODY, 0, commit, 1) &&
		   take_kicks(SOMEBODY, 0, commit, 3) &&
		   take_kicks(polled, 0, commit, 1),
		   commit ? "commit: somebody does" : "dequeue: somebody does");
		OK(!take_kicks(end, end, commit, 1) && !kernel.calls &&
		   take_kicks(end, end | 1, commit, 2) &&
		   take_kicks(end, end | MPMC_MAP_POLLED, commit, 1),
		   commit ? "commit: who waits for the end, after a shutdown" :
			    "dequeue: who waits for the end, after a shutdown");
		if (commit)
			break;
	}
	consumer_at(6, 2, -EBADF);
	who->writers = SOMEBODY;
	OK(mpmc_consumer_try_dequeue_bulk(&consumer, items, 4) == 2 &&
	   kernel.calls == 2, "dequeue: also when it takes less than asked");
}

/* --- Mapping --- */

static struct mpmc_queue queue = { QUEUE_FD };

/* A token that the kernel lets be mapped; the nth attempt to map fails. */
static void mappable(uint32_t kind, int fails)
{
	bool produces = kind == MPMC_TOKEN_PRODUCER;

	expect(DUP_FD);
	kernel.lease = lease;
	kernel.map_fails = fails;
	kernel.token = (struct mpmc_token_info){
		.size = sizeof(kernel.token),
		.kind = kind,
		.ring_entries = RING,
		.kernel_size = produces ? PART + PAGE : 2 * PART + PAGE,
		.owner_size = produces ? PART + PAGE : PAGE,
		.token_offset = PART,
		.items_offset = produces ? PART : 2 * PART,
		.deliveries_offset = produces ? 0 : 2 * PART + 8 * RING,
	};
}

static bool is_mapped(int i)
{
	unsigned char there;

	return !mincore(kernel.map[i].memory, 1, &there);
}

/* One of the mappings that were made is this one, of the token. */
static bool was_mapped(size_t size, int prot, uint64_t offset)
{
	int i;

	for (i = 0; i < kernel.maps; i++)
		if (kernel.map[i].size == size && kernel.map[i].prot == prot &&
		    kernel.map[i].flags == (MAP_SHARED | MAP_FIXED) &&
		    kernel.map[i].fd == DUP_FD &&
		    kernel.map[i].offset == offset)
			return true;
	return false;
}

/* The address of what the library has mapped there. */
static void *mapped_at(uint64_t offset)
{
	int i;

	for (i = 0; i < kernel.maps; i++)
		if (kernel.map[i].fd == DUP_FD &&
		    kernel.map[i].offset == offset)
			return kernel.map[i].memory;
	abort();
}

static void test_map_producer(void)
{
	struct mpmc_producer *made = NULL;
	struct mpmc_map_token *token;
	uint64_t *owner, item;

	mappable(MPMC_TOKEN_PRODUCER, 0);
	OK(!mpmc_producer_create(&made, &queue, NULL) &&
	   mpmc_producer_mapped(made) == 1, "a producer's ring is mapped");
	OK(kernel.maps == 3 && was_mapped(PART + PAGE, PROT_READ, 0) &&
	   was_mapped(PART + PAGE, PROT_READ | PROT_WRITE,
		      MPMC_MAP_OWNER),
	   "as the kernel says that it is to be");
	owner = mapped_at(MPMC_MAP_OWNER);
	token = (void *)((char *)mapped_at(MPMC_MAP_KERNEL) + PART);
	token->position = 1;
	OK(!mpmc_producer_try_enqueue(made, 33) && owner[0] == 1 &&
	   owner[PART / 8] == 33 && kernel.calls == 1, "and used there");
	token->position = RING + 1;
	for (item = 1; item <= RING; item++)
		mpmc_producer_try_enqueue(made, item);
	OK(owner[0] == RING + 1 && owner[PART / 8] == RING &&
	   owner[PART / 8 + RING - 1] == RING - 1 && kernel.calls == 1,
	   "around its end");
	((struct mpmc_map_queue *)mapped_at(MPMC_MAP_KERNEL))->readers =
		SOMEBODY;
	token->position = RING + 2;
	kernel.answer = 0;
	OK(!mpmc_producer_try_enqueue(made, 34) && kernel.calls == 2 &&
	   kernel.cmd == MPMC_IOC_TOKEN_KICK, "and the readers looked for");
	mpmc_producer_destroy(made);
	OK(kernel.closed == 1 && !is_mapped(0) && !is_mapped(1) &&
	   !is_mapped(2), "destroy: unmaps");
}

static void test_map_consumer(void)
{
	struct mpmc_consumer *made = NULL;
	struct mpmc_map_token *token;
	struct mpmc_map_queue *words;
	uint64_t *owner, *items, item;

	mappable(MPMC_TOKEN_CONSUMER, 0);
	OK(!mpmc_consumer_create(&made, &queue, NULL) &&
	   mpmc_consumer_mapped(made) == 1, "a consumer's ring is mapped");
	OK(kernel.maps == 3 && was_mapped(2 * PART + PAGE, PROT_READ, 0) &&
	   was_mapped(PAGE, PROT_READ | PROT_WRITE, MPMC_MAP_OWNER),
	   "as the kernel says that it is to be");
	owner = mapped_at(MPMC_MAP_OWNER);
	words = mapped_at(MPMC_MAP_KERNEL);
	token = (void *)((char *)words + PART);
	items = (void *)((char *)words + 2 * PART);
	token->position = 2;
	items[0] = 44;
	OK(!mpmc_consumer_try_dequeue(made, &item) && item == 44 &&
	   owner[0] == 1 && kernel.calls == 1, "and used there");
	words->writers = SOMEBODY;
	OK(!mpmc_consumer_commit(made, 1) && kernel.calls == 2 &&
	   kernel.cmd == MPMC_IOC_TOKEN_KICK, "and the writers looked for");
	mpmc_consumer_destroy(made);
	OK(kernel.closed == 1 && !is_mapped(0) && !is_mapped(1) &&
	   !is_mapped(2), "destroy: unmaps");
}

/* Whether tokens are made all the same, without a mapping, and work. */
static bool made_unmapped(uint32_t flags, uint32_t kernel_size, long info,
			  int fails)
{
	struct mpmc_token_opts opts = { .flags = flags };
	struct mpmc_producer *made = NULL;
	bool good;

	mappable(MPMC_TOKEN_PRODUCER, fails);
	kernel.token.kernel_size = kernel_size;
	kernel.token_answer = info;
	errno = EXDEV;
	good = !mpmc_producer_create(&made, &queue, &opts) &&
	       errno == EXDEV && !mpmc_producer_mapped(made) &&
	       kernel.calls == 1 && !kernel.closed;
	kernel.answer = 0;
	good = good && !mpmc_producer_try_enqueue(made, 1) &&
	       kernel.cmd == MPMC_IOC_ITEM_ENQUEUE;
	mpmc_producer_destroy(made);
	good = good && errno == EXDEV;
	while (kernel.maps)
		good &= !is_mapped(--kernel.maps);
	return good;
}

/* Rings that are not as programs have them built in. */
static void test_other_layouts(void)
{
	struct mpmc_token_info info;
	struct mpmc_producer *made;
	bool good = true;
	int i;

	for (i = 0; i < 3; i++) {
		mappable(MPMC_TOKEN_PRODUCER, 0);
		info = kernel.token;
		info.token_offset += i == 0 ? PAGE : 0;
		info.items_offset += i == 1 ? PART : 0;
		info.ring_entries = i == 2 ? 2 * MPMC_ENTRIES_MAX : RING;
		kernel.token = info;
		good &= !mpmc_producer_create(&made, &queue, NULL) &&
			!mpmc_producer_mapped(made) && kernel.maps == 1;
		mpmc_producer_destroy(made);
	}
	OK(good, "not mapped: not as it is built in");
}

static void test_unmapped(void)
{
	struct mpmc_producer *made = NULL;

	OK(made_unmapped(MPMC_OPT_UNMAPPED, PART + PAGE, 0, 0),
	   "not mapped: it is not wanted");
	OK(made_unmapped(0, 0, 0, 0), "not mapped: it is not possible");
	OK(made_unmapped(0, PART + PAGE, -ENOTTY, 0),
	   "not mapped: the kernel does not say how");
	OK(made_unmapped(0, PART + PAGE, 0, 2) &&
	   made_unmapped(0, PART + PAGE, 0, 3),
	   "not mapped: there are no mappings left, and none is leaked");
	test_other_layouts();
	mappable(MPMC_TOKEN_PRODUCER, 1);
	OK(mpmc_producer_create(&made, &queue, NULL) == -ENOMEM && !made &&
	   kernel.closed == 1, "not even a handle: no memory, and none is leaked");
}

/* In a child, where the fake mappings are, and what says where they are not. */
static int child(struct mpmc_producer *p, struct mpmc_consumer *c)
{
	struct mpmc_item item;
	uint64_t value;
	int good;

	kernel.calls = 0;
	kernel.answer = 1;
	kernel.item = 3;
	good = !mpmc_producer_mapped(p) && !mpmc_consumer_mapped(c) &&
	       mpmc_producer_try_enqueue(p, 1) == 1 &&
	       mpmc_producer_enqueue_wait(p, 1, NULL) == 1 &&
	       !mpmc_consumer_try_dequeue(c, &value) && value == 3 &&
	       !mpmc_consumer_dequeue_wait(c, &value, NULL) &&
	       mpmc_consumer_peek(c, &item, 1) == 1 &&
	       mpmc_consumer_peek_wait(c, &item, 1, NULL) == 1 &&
	       mpmc_consumer_commit(c, 1) == 1 && kernel.calls == 7;
	mpmc_producer_destroy(p);
	mpmc_consumer_destroy(c);
	return !good;
}

static void test_fork(void)
{
	struct mpmc_producer *p = NULL;
	struct mpmc_consumer *c = NULL;
	int status;
	pid_t pid;

	mappable(MPMC_TOKEN_PRODUCER, 0);
	mpmc_producer_create(&p, &queue, NULL);
	mappable(MPMC_TOKEN_CONSUMER, 0);
	mpmc_consumer_create(&c, &queue, NULL);
	fflush(stdout);
	pid = fork();
	if (!pid)
		_exit(child(p, c));
	waitpid(pid, &status, 0);
	OK(!status, "fork: the child makes calls instead");
	OK(mpmc_producer_mapped(p) == 1 && mpmc_consumer_mapped(c) == 1,
	   "fork: the parent goes on as before");
	mpmc_producer_destroy(p);
	mpmc_consumer_destroy(c);
}

int main(void)
{
	test_put();
	test_put_bulk();
	test_put_refused();
	test_put_kick();
	test_take();
	test_take_none();
	test_take_bulk();
	test_take_bulk_less();
	test_take_refused();
	test_peek();
	test_peek_again();
	test_commit();
	test_take_kick();
	test_map_producer();
	test_map_consumer();
	test_unmapped();
	test_fork();
	return tap_end();
}
