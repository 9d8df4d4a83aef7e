// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * What the library asks of the kernel, call by call, and what it makes of the
 * answers: queues, and tokens that are not mapped. rings.c has those that are.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>

#include "fake.h"

/* What was asked is a transfer like this one, apart from its deadline. */
static int asked(unsigned int cmd, uint32_t flags, uint64_t items,
		 uint32_t count)
{
	const struct mpmc_transfer *transfer = &kernel.arg.transfer;

	return kernel.calls == 1 && kernel.fd == QUEUE_FD &&
	       kernel.cmd == cmd && transfer->size == sizeof(*transfer) &&
	       transfer->flags == flags && transfer->items == items &&
	       transfer->count == count && !transfer->pad;
}

static struct mpmc_queue queue = { QUEUE_FD };
/* Behind a handle there are zeros where a ring would be. */
static struct {
	struct mpmc_token token;
	char zeros[sizeof(struct mpmc_consumer_map)];
} unmapped = { .token.fd = QUEUE_FD };

#define producer (*(struct mpmc_producer *)&unmapped)
#define consumer (*(struct mpmc_consumer *)&unmapped)
static uint64_t items[4];

static void test_queue_create(void)
{
	struct mpmc_queue_opts opts = { .capacity = 5, .segments = 6 };
	struct mpmc_queue_opts flags = { .flags = 1U << 31 };
	struct mpmc_queue *made;

	expect(QUEUE_FD);
	OK(!mpmc_queue_create(&made, &opts) && mpmc_queue_fd(made) == QUEUE_FD,
	   "queue_create: a handle");
	OK(kernel.cmd == MPMC_IOC_QUEUE_CREATE && kernel.arg.queue.size == 32 &&
	   kernel.arg.queue.capacity == 5 && kernel.arg.queue.segments == 6 &&
	   !kernel.arg.queue.flags && !kernel.arg.queue.pad,
	   "queue_create: asks for what opts says");
	OK(kernel.opened == 1 && kernel.closed == 1,
	   "queue_create: closes /dev/mpmc");
	mpmc_queue_destroy(made);
	OK(kernel.closed == 2, "queue_destroy: closes the queue");

	expect(QUEUE_FD);
	OK(!mpmc_queue_create(&made, NULL) && !kernel.arg.queue.capacity &&
	   !kernel.arg.queue.segments, "queue_create: NULL for the defaults");
	mpmc_queue_destroy(made);

	expect(-ENOSPC);
	OK(mpmc_queue_create(&made, &opts) == -ENOSPC && !made &&
	   kernel.closed == 1, "queue_create: an error, and no handle");
	expect(QUEUE_FD);
	OK(mpmc_queue_create(&made, &flags) == -EINVAL && !kernel.opened,
	   "queue_create: unknown flags");
}

/* What was asked is a queue with these limits. */
static int limited(uint32_t flags, uint32_t max_deliveries, int dead_letter)
{
	const struct mpmc_queue_create *create = &kernel.arg.queue;

	return kernel.cmd == MPMC_IOC_QUEUE_CREATE && create->flags == flags &&
	       create->max_deliveries == max_deliveries &&
	       create->dead_letter == dead_letter && !create->pad;
}

static void test_deliveries(void)
{
	static struct mpmc_queue dead = { DUP_FD };
	struct mpmc_queue_opts opts = { .max_deliveries = 3, .reserved = 9,
					.dead_letter = &dead };
	struct mpmc_queue *made;

	expect(QUEUE_FD);
	OK(!mpmc_queue_create(&made, &opts) && limited(0, 0, 0),
	   "queue_create: no limit of deliveries without its flag");
	mpmc_queue_destroy(made);
	opts.flags = MPMC_QUEUE_DELIVERIES;
	expect(QUEUE_FD);
	OK(mpmc_queue_create(&made, &opts) == -EINVAL && !made &&
	   !kernel.opened, "queue_create: reserved is not 0");
	opts.reserved = 0;
	OK(!mpmc_queue_create(&made, &opts) &&
	   limited(MPMC_QUEUE_DEAD_LETTER, 3, DUP_FD),
	   "queue_create: a limit, and a queue for dead letters");
	mpmc_queue_destroy(made);
	opts.dead_letter = NULL;
	OK(!mpmc_queue_create(&made, &opts) && limited(0, 3, 0),
	   "queue_create: a limit alone");
	mpmc_queue_destroy(made);
	opts.max_deliveries = 0;
	expect(QUEUE_FD);
	OK(mpmc_queue_create(&made, &opts) == -EINVAL && !kernel.opened,
	   "queue_create: no delivery at all");
}

/* What was asked is to open this queue this way. */
static int opened(const char *name, uint32_t flags, uint32_t mode, int creates)
{
	const struct mpmc_queue_open *open = &kernel.arg.open;

	return kernel.calls == 1 && kernel.opened == 1 && kernel.closed == 1 &&
	       kernel.cmd == MPMC_IOC_QUEUE_OPEN && open->size == 32 &&
	       open->flags == flags && open->mode == mode &&
	       !strcmp(kernel.name, name) && !open->create == !creates;
}

static void test_queue_open(void)
{
	struct mpmc_queue_opts opts = {
		.capacity = 5, .segments = 6, .flags = MPMC_QUEUE_DELIVERIES,
		.max_deliveries = 2,
	};
	struct mpmc_queue_opts flags = { .flags = 1U << 31 };
	const struct {
		int oflag;
		uint32_t flags;
	} rows[] = {
		{ O_RDONLY, MPMC_OPEN_READ },
		{ O_WRONLY, MPMC_OPEN_WRITE },
		{ O_RDWR, MPMC_OPEN_READ | MPMC_OPEN_WRITE },
		{ O_RDWR | O_EXCL, MPMC_OPEN_READ | MPMC_OPEN_WRITE |
				   MPMC_OPEN_EXCL },
		{ O_RDONLY | O_NONBLOCK | O_CLOEXEC,
		  MPMC_OPEN_READ | MPMC_OPEN_NONBLOCK },
	};
	struct mpmc_queue *made;
	char longest[400];
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		expect(QUEUE_FD);
		/* Without O_CREAT the rest is not looked at. */
		OK(!mpmc_queue_open(&made, "/jobs", rows[i].oflag, 01234,
				    &flags) &&
		   mpmc_queue_fd(made) == QUEUE_FD &&
		   opened("/jobs", rows[i].flags, 0, 0), "queue_open: flags");
		mpmc_queue_destroy(made);
	}
	expect(QUEUE_FD);
	OK(!mpmc_queue_open(&made, "/q", O_WRONLY | O_CREAT, 0640, &opts) &&
	   opened("/q", MPMC_OPEN_WRITE | MPMC_OPEN_CREATE, 0640, 1) &&
	   kernel.create.size == 32 && kernel.create.capacity == 5 &&
	   kernel.create.segments == 6 && kernel.create.max_deliveries == 2 &&
	   !kernel.create.flags && !kernel.create.pad,
	   "queue_open: what a new one is to be like");
	mpmc_queue_destroy(made);
	expect(QUEUE_FD);
	OK(mpmc_queue_open(&made, "/q", O_RDWR | O_CREAT, 0, &flags) ==
	   -EINVAL && !made && !kernel.opened, "queue_open: unknown options");
	OK(mpmc_queue_open(&made, "/q", O_RDWR | O_TRUNC, 0, NULL) ==
	   -EINVAL && !made && !kernel.opened, "queue_open: unknown flags");
	OK(mpmc_queue_open(&made, "/q", O_ACCMODE, 0, NULL) == -EINVAL &&
	   !made && !kernel.opened, "queue_open: neither way");
	memset(longest, 'x', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	expect(-ENAMETOOLONG);
	OK(mpmc_queue_open(&made, longest, O_RDWR, 0, NULL) ==
	   -ENAMETOOLONG && kernel.arg.open.name_size == 257,
	   "queue_open: longer than any name");
	expect(-ENOTTY);
	OK(mpmc_queue_open(&made, "/q", O_RDWR, 0, NULL) == -EOPNOTSUPP &&
	   !made && kernel.closed == 1, "queue_open: an older module");
	expect(DUP_FD);
	kernel.no_memory = 1;
	OK(mpmc_queue_open(&made, "/q", O_RDWR, 0, NULL) == -ENOMEM && !made &&
	   !kernel.opened, "queue_open: no memory, and nothing was made");
}

static void test_queue_unlink(void)
{
	expect(0);
	OK(!mpmc_queue_unlink("/jobs") &&
	   kernel.cmd == MPMC_IOC_QUEUE_UNLINK &&
	   kernel.arg.unlink.size == 24 && !kernel.arg.unlink.flags &&
	   !kernel.arg.unlink.pad && !strcmp(kernel.name, "/jobs"),
	   "queue_unlink: by its name");
	expect(-ENOENT);
	OK(mpmc_queue_unlink("/jobs") == -ENOENT && kernel.closed == 1,
	   "queue_unlink: an error");
}

static void test_queue_list(void)
{
	static struct mpmc_name names[50];
	int i, ok = 1;

	expect(40);
	OK(mpmc_queue_list(NULL, names, 50) == 40 && kernel.calls == 4 &&
	   kernel.arg.list.size == 40 && !kernel.arg.list.flags &&
	   !kernel.arg.list.pad && kernel.arg.list.entry_size == 296 &&
	   !strcmp(kernel.name, "/039"), "queue_list: all there are");
	for (i = 0; i < 40; i++)
		ok &= atoi(names[i].name + 1) == i && names[i].uid == 1 &&
		      names[i].gid == 2 && names[i].mode == 0640 &&
		      names[i].shut_down == 1 && names[i].capacity == 4 &&
		      names[i].items == 3 && !names[i].reserved[0];
	OK(ok, "queue_list: every field");
	expect(40);
	OK(mpmc_queue_list("/x", names, 20) == 20 && kernel.calls == 2 &&
	   kernel.arg.list.count == 4 && !strcmp(kernel.name, "/015"),
	   "queue_list: not more than asked for");
	expect(0);
	OK(!mpmc_queue_list("/x", names, 20) && !strcmp(kernel.name, "/x"),
	   "queue_list: none behind a name");
	expect(-ENOMEM);
	OK(mpmc_queue_list(NULL, names, 20) == -ENOMEM &&
	   !kernel.arg.list.after && !kernel.arg.list.after_size,
	   "queue_list: an error");
}

static void test_name_device(void)
{
	static const int errors[][2] = {
		{ -ENOENT, -ENXIO }, { -ENODEV, -ENXIO }, { -ENXIO, -ENXIO },
		{ -EACCES, -EPERM }, { -EPERM, -EPERM }, { -EMFILE, -EMFILE },
	};
	struct mpmc_queue *made;
	int ret = 1;
	size_t i;

	for (i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		expect(QUEUE_FD);
		kernel.open_error = errors[i][0];
		made = &queue;
		ret &= mpmc_queue_open(&made, "/q", O_RDWR, 0, NULL) ==
		       errors[i][1] && !made && !kernel.calls;
		ret &= mpmc_queue_unlink("/q") == errors[i][1];
	}
	OK(ret, "names: /dev/mpmc that cannot be opened");
}

static void test_device(void)
{
	static const int errors[] = { -ENOENT, -EACCES, -EPERM, -ENXIO,
				      -ENODEV, -EMFILE };
	struct mpmc_queue *made;
	int ret = 1;
	size_t i;

	for (i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		expect(QUEUE_FD);
		kernel.open_error = errors[i];
		made = &queue;
		ret &= mpmc_queue_create(&made, NULL) == errors[i] && !made &&
		       !kernel.calls && !kernel.closed;
	}
	OK(ret, "queue_create: /dev/mpmc that cannot be opened");
}

/* What was opened is closed again. */
static void test_no_memory(void)
{
	struct mpmc_queue *made = &queue;
	struct mpmc_producer *maker = &producer;
	struct mpmc_consumer *taker = &consumer;

	expect(DUP_FD);
	kernel.no_memory = 1;
	OK(mpmc_queue_create(&made, NULL) == -ENOMEM && !made &&
	   kernel.closed == 2, "queue_create: no memory");
	expect(0);
	kernel.no_memory = 1;
	made = &queue;
	OK(mpmc_queue_from_fd(&made, QUEUE_FD) == -ENOMEM && !made &&
	   kernel.closed == 1, "queue_from_fd: no memory");
	expect(DUP_FD);
	kernel.no_memory = 1;
	OK(mpmc_producer_create(&maker, &queue, NULL) == -ENOMEM && !maker &&
	   kernel.closed == 1, "producer_create: no memory");
	OK(mpmc_consumer_create(&taker, &queue, NULL) == -ENOMEM && !taker &&
	   kernel.closed == 2, "consumer_create: no memory");
}

static void test_queue_from_fd(void)
{
	struct mpmc_queue *made;

	expect(0);
	OK(!mpmc_queue_from_fd(&made, QUEUE_FD) &&
	   mpmc_queue_fd(made) == DUP_FD && !kernel.closed,
	   "queue_from_fd: a duplicate, the caller's stays open");
	mpmc_queue_destroy(made);
	expect(-ENOTTY);
	OK(mpmc_queue_from_fd(&made, QUEUE_FD) == -ENOTTY && !made,
	   "queue_from_fd: not a queue");
}

static void test_stat(void)
{
	struct mpmc_stat stat = { .size = sizeof(stat) };
	struct {
		struct mpmc_stat stat;
		uint64_t more;
	} newer = { .stat.size = sizeof(newer), .more = POISON };

	expect(0);
	OK(mpmc_size_approx(&queue) == 7, "size_approx: items");
	expect(-EBADF);
	OK(mpmc_size_approx(&queue) == -EBADF, "size_approx: an error");

	expect(0);
	OK(!mpmc_queue_stat(&queue, &stat), "queue_stat: success");
	OK(stat.size == sizeof(stat) && stat.shut_down == 1 &&
	   stat.capacity == 100 && stat.items == 7 && stat.leased == 3 &&
	   stat.segments == 2 && stat.producers == 4 && stat.consumers == 5 &&
	   stat.enqueue_waiters == 6 && stat.dequeue_waiters == 8 &&
	   !stat.reserved && stat.granted == 9 && stat.redelivered == 10 &&
	   stat.dead == 11 && stat.dropped == 12, "queue_stat: every field");
	OK(!mpmc_queue_stat(&queue, &newer.stat) &&
	   newer.stat.size == sizeof(stat) && newer.more == POISON,
	   "queue_stat: from a program newer than the library");
	stat.size = 56;
	stat.granted = POISON;
	OK(!mpmc_queue_stat(&queue, &stat) && stat.size == 56 &&
	   stat.dequeue_waiters == 8 && stat.granted == POISON,
	   "queue_stat: from a program older than the library");
	expect(0);
	stat.size = 55;
	OK(mpmc_queue_stat(&queue, &stat) == -EINVAL && !kernel.calls,
	   "queue_stat: too small");
}

static void test_stats(void)
{
	struct mpmc_stats stats = { .size = sizeof(stats) };
	struct {
		struct mpmc_stats stats;
		uint64_t more;
	} newer = { .stats.size = sizeof(newer), .more = POISON };

	expect(0);
	OK(!mpmc_queue_stats(&queue, &stats) &&
	   kernel.cmd == MPMC_IOC_QUEUE_STATS && kernel.arg.stats.size == 72 &&
	   !kernel.arg.stats.flags, "queue_stats: success");
	OK(stats.size == sizeof(stats) && !stats.reserved &&
	   stats.enqueued == 21 && stats.dequeued == 22 && stats.full == 23 &&
	   stats.enqueue_timeouts == 24 && stats.dequeue_timeouts == 25 &&
	   stats.redelivered == 26 && stats.dead == 27 && stats.dropped == 28,
	   "queue_stats: every field");
	OK(!mpmc_queue_stats(&queue, &newer.stats) &&
	   newer.stats.size == sizeof(stats) && newer.more == POISON,
	   "queue_stats: from a program newer than the library");
	expect(-ENOTTY);
	OK(mpmc_queue_stats(&queue, &stats) == -EOPNOTSUPP,
	   "queue_stats: an older module");
	expect(0);
	stats.size = 71;
	OK(mpmc_queue_stats(&queue, &stats) == -EINVAL &&
	   mpmc_queue_stats(&queue, NULL) == -EINVAL &&
	   mpmc_queue_stats(NULL, &newer.stats) == -EINVAL && !kernel.calls,
	   "queue_stats: too small, or NULL");
}

static void test_shutdown(void)
{
	expect(0);
	OK(!mpmc_shutdown(&queue) && kernel.cmd == MPMC_IOC_QUEUE_SHUTDOWN &&
	   kernel.arg.shutdown.size == 8 && !kernel.arg.shutdown.flags,
	   "shutdown: asks for it");
}

static void test_token_create(void)
{
	struct mpmc_token_opts opts = { .ring_entries = 64 };
	struct mpmc_token_opts flags = { .flags = 4 };
	struct mpmc_token_opts armed = { .flags = MPMC_OPT_ARMED };
	struct mpmc_producer *made;
	struct mpmc_consumer *taker;

	expect(DUP_FD);
	OK(!mpmc_producer_create(&made, &queue, &opts) &&
	   mpmc_producer_fd(made) == DUP_FD && kernel.fd == QUEUE_FD &&
	   kernel.cmd == MPMC_IOC_PRODUCER_CREATE &&
	   kernel.arg.token.size == 16 && kernel.arg.token.ring_entries == 64 &&
	   !kernel.arg.token.flags, "producer_create: asks for what opts says");
	mpmc_producer_destroy(made);
	OK(kernel.closed == 1, "producer_destroy: closes");

	expect(DUP_FD);
	OK(!mpmc_consumer_create(&taker, &queue, NULL) &&
	   mpmc_consumer_fd(taker) == DUP_FD &&
	   kernel.cmd == MPMC_IOC_CONSUMER_CREATE &&
	   !kernel.arg.token.ring_entries, "consumer_create: the defaults");
	mpmc_consumer_destroy(taker);
	OK(kernel.closed == 1, "consumer_destroy: closes");

	expect(DUP_FD);
	OK(!mpmc_consumer_create(&taker, &queue, &armed) &&
	   kernel.arg.token.flags == MPMC_TOKEN_ARMED,
	   "consumer_create: one that keeps its queue armed");
	mpmc_consumer_destroy(taker);

	expect(-EPIPE);
	OK(mpmc_producer_create(&made, &queue, NULL) == -EPIPE && !made,
	   "producer_create: an error, and no token");
	OK(mpmc_producer_create(&made, &queue, &flags) == -EINVAL &&
	   mpmc_consumer_create(&taker, &queue, &flags) == -EINVAL &&
	   kernel.calls == 1, "token creation: unknown flags");
}

static void test_single(void)
{
	uint64_t item = POISON;

	expect(0);
	OK(!mpmc_try_enqueue(&queue, 42) &&
	   asked(MPMC_IOC_ITEM_ENQUEUE, MPMC_TRANSFER_INLINE, 42, 1) &&
	   !kernel.arg.transfer.deadline, "try_enqueue");
	expect(0);
	OK(!mpmc_producer_try_enqueue(&producer, 42) &&
	   asked(MPMC_IOC_ITEM_ENQUEUE, MPMC_TRANSFER_INLINE, 42, 1),
	   "producer_try_enqueue");
	expect(-EAGAIN);
	OK(mpmc_try_enqueue(&queue, 42) == -EAGAIN, "try_enqueue: full");

	expect(-EAGAIN);
	OK(mpmc_try_dequeue(&queue, &item) == -EAGAIN && item == POISON,
	   "try_dequeue: empty, and the item left alone");
	expect(1);
	OK(!mpmc_try_dequeue(&queue, &item) && item == 99 &&
	   asked(MPMC_IOC_ITEM_DEQUEUE, 0, (uintptr_t)&item, 1) &&
	   !kernel.arg.transfer.deadline, "try_dequeue");
	expect(1);
	item = POISON;
	OK(!mpmc_consumer_try_dequeue(&consumer, &item) && item == 99 &&
	   asked(MPMC_IOC_ITEM_DEQUEUE, 0, (uintptr_t)&item, 1),
	   "consumer_try_dequeue");
	expect(-EFAULT);
	OK(mpmc_try_dequeue(&queue, &item) == -EFAULT &&
	   mpmc_consumer_dequeue_wait(&consumer, &item, NULL) == -EFAULT,
	   "dequeue: an address the kernel cannot write to");
}

static void test_bulk(void)
{
	expect(0);
	OK(!mpmc_try_enqueue_bulk(&queue, items, 4) &&
	   asked(MPMC_IOC_ITEM_ENQUEUE, 0, (uintptr_t)items, 4),
	   "try_enqueue_bulk");
	expect(0);
	OK(!mpmc_producer_try_enqueue_bulk(&producer, items, UINT32_MAX) &&
	   asked(MPMC_IOC_ITEM_ENQUEUE, 0, (uintptr_t)items, UINT32_MAX),
	   "producer_try_enqueue_bulk, as many as there can be");
	expect(3);
	OK(mpmc_try_dequeue_bulk(&queue, items, 4) == 3 &&
	   asked(MPMC_IOC_ITEM_DEQUEUE, 0, (uintptr_t)items, 4),
	   "try_dequeue_bulk: a count");
	expect(-EAGAIN);
	OK(mpmc_try_dequeue_bulk(&queue, items, 4) == 0 &&
	   mpmc_consumer_try_dequeue_bulk(&consumer, items, 4) == 0,
	   "try_dequeue_bulk: 0 when empty");
	expect(-EPIPE);
	OK(mpmc_try_dequeue_bulk(&queue, items, 4) == -EPIPE &&
	   mpmc_dequeue_bulk_wait(&queue, items, 4, NULL) == -EPIPE,
	   "dequeue_bulk: shut down and drained");
	expect(-ETIMEDOUT);
	OK(mpmc_dequeue_bulk_wait(&queue, items, 4, NULL) == 0 &&
	   mpmc_consumer_dequeue_bulk_wait(&consumer, items, 4, NULL) == 0,
	   "dequeue_bulk_wait: 0 on timeout");
	expect(-EINTR);
	OK(mpmc_dequeue_bulk_wait(&queue, items, 4, NULL) == -EINTR,
	   "dequeue_bulk_wait: a signal");
}

static void test_bulk_nothing(void)
{
	expect(-EBADF);
	OK(!mpmc_try_enqueue_bulk(&queue, NULL, 0) &&
	   !mpmc_enqueue_bulk_wait(&queue, NULL, 0, NULL) &&
	   !mpmc_try_dequeue_bulk(&queue, NULL, 0) &&
	   !mpmc_dequeue_bulk_wait(&queue, NULL, 0, NULL) &&
	   !mpmc_producer_try_enqueue_bulk(&producer, NULL, 0) &&
	   !mpmc_producer_enqueue_bulk_wait(&producer, NULL, 0, NULL) &&
	   !mpmc_consumer_try_dequeue_bulk(&consumer, NULL, 0) &&
	   !mpmc_consumer_dequeue_bulk_wait(&consumer, NULL, 0, NULL) &&
	   !kernel.calls, "bulk of 0: nothing happens");
}

static void test_bulk_huge(void)
{
	size_t huge = SIZE_MAX / sizeof(uint64_t);

	expect(0);
	OK(mpmc_try_enqueue_bulk(&queue, items, huge) == -EMSGSIZE &&
	   mpmc_enqueue_bulk_wait(&queue, items, huge, NULL) == -EMSGSIZE &&
	   mpmc_try_enqueue_bulk(&queue, items, 1ULL << 32) == -EMSGSIZE &&
	   !kernel.calls, "enqueue_bulk: more than any queue holds");
	expect(4);
	OK(mpmc_try_dequeue_bulk(&queue, items, huge) == 4 &&
	   asked(MPMC_IOC_ITEM_DEQUEUE, 0, (uintptr_t)items, INT_MAX),
	   "try_dequeue_bulk: a maximum beyond what fits");
	expect(4);
	OK(mpmc_dequeue_bulk_wait(&queue, items, 1ULL << 32, NULL) == 4 &&
	   asked(MPMC_IOC_ITEM_DEQUEUE, MPMC_TRANSFER_WAIT, (uintptr_t)items,
		 INT_MAX), "dequeue_bulk_wait: a maximum beyond what fits");
}

/* --- Leases --- */

/* What was asked is to fill a lease like this, or, below, to end one. */
static int filled(uint32_t flags, const void *at, uint32_t count)
{
	const struct mpmc_lease *lease = &kernel.arg.lease;

	return kernel.calls == 1 && kernel.fd == QUEUE_FD &&
	       kernel.cmd == MPMC_IOC_LEASE_FILL &&
	       lease->size == sizeof(*lease) && lease->flags == flags &&
	       lease->items == (uintptr_t)at && lease->count == count &&
	       !lease->pad && (flags & MPMC_LEASE_WAIT || !lease->deadline);
}

static int ended(unsigned int cmd, uint32_t count)
{
	const struct mpmc_lease_end *end = &kernel.arg.end;

	return kernel.calls == 1 && kernel.fd == QUEUE_FD &&
	       kernel.cmd == cmd && end->size == sizeof(*end) && !end->flags &&
	       end->count == count && !end->pad;
}

static struct mpmc_item show[4];

static void test_peek(void)
{
	expect(2);
	OK(mpmc_consumer_peek(&consumer, show, 4) == 2 && filled(0, show, 4),
	   "peek: fills the lease, and no more than asked");
	expect(4);
	OK(mpmc_consumer_peek(&consumer, show, SIZE_MAX) == 4 &&
	   filled(0, show, UINT32_MAX), "peek: a maximum beyond what fits");
	expect(-EAGAIN);
	OK(!mpmc_consumer_peek(&consumer, show, 4), "peek: 0 when empty");
	expect(-EPIPE);
	OK(mpmc_consumer_peek(&consumer, show, 4) == -EPIPE &&
	   mpmc_consumer_peek_wait(&consumer, show, 4, NULL) == -EPIPE,
	   "peek: shut down and drained");
	expect(-ETIMEDOUT);
	OK(!mpmc_consumer_peek_wait(&consumer, show, 4, NULL) &&
	   filled(MPMC_LEASE_WAIT, show, 4) &&
	   kernel.arg.lease.deadline == MPMC_FOREVER,
	   "peek_wait: 0 on timeout");
	expect(-EBADF);
	OK(!mpmc_consumer_peek(&consumer, NULL, 0) &&
	   !mpmc_consumer_peek_wait(&consumer, NULL, 0, NULL) &&
	   mpmc_consumer_peek(&consumer, NULL, 1) == -EINVAL &&
	   mpmc_consumer_peek_wait(&consumer, NULL, 1, NULL) == -EINVAL &&
	   !kernel.calls, "peek: at nothing, and to nowhere");
}

static void test_lease_end(void)
{
	expect(0);
	OK(!mpmc_consumer_commit(&consumer, 3) &&
	   ended(MPMC_IOC_LEASE_COMMIT, 3), "commit");
	expect(0);
	OK(!mpmc_consumer_release(&consumer, UINT32_MAX) &&
	   ended(MPMC_IOC_LEASE_RELEASE, UINT32_MAX), "release");
	expect(-EINVAL);
	OK(mpmc_consumer_commit(&consumer, 3) == -EINVAL &&
	   mpmc_consumer_release(&consumer, 3) == -EINVAL &&
	   kernel.calls == 2, "commit, release: the kernel refuses");
	expect(0);
	OK(!mpmc_consumer_commit(&consumer, 0) &&
	   !mpmc_consumer_release(&consumer, 0) && !kernel.calls,
	   "commit, release: nothing");
	OK(mpmc_consumer_commit(&consumer, 1ULL << 32) == -EINVAL &&
	   mpmc_consumer_release(&consumer, SIZE_MAX) == -EINVAL &&
	   !kernel.calls, "commit, release: more than any lease has");
}

static void test_leased(void)
{
	expect(0);
	kernel.token.items = 5;
	OK(mpmc_consumer_leased(&consumer) == 5, "leased: a count");
	kernel.token_answer = -EBADF;
	OK(mpmc_consumer_leased(&consumer) == -EBADF, "leased: an error");
	OK(!mpmc_producer_mapped(&producer) && !mpmc_consumer_mapped(&consumer),
	   "mapped: not");
}

/* --- Deadlines --- */

/* Whether the call just made asked to wait until some time from now. */
static int waits(uint64_t before, uint64_t timeout)
{
	return kernel.arg.transfer.flags & MPMC_TRANSFER_WAIT &&
	       due(kernel.arg.transfer.deadline, before, timeout);
}

static void test_deadline(void)
{
	struct timespec timeout = { 2, 999999999 };
	struct timespec zero = { 0, 0 };
	uint64_t before = now();
	uint64_t item;

	expect(0);
	OK(!mpmc_enqueue_wait(&queue, 1, &timeout) &&
	   waits(before, 3 * SECOND - 1) &&
	   asked(MPMC_IOC_ITEM_ENQUEUE,
		 MPMC_TRANSFER_INLINE | MPMC_TRANSFER_WAIT, 1, 1),
	   "enqueue_wait: a deadline");
	expect(1);
	OK(!mpmc_dequeue_wait(&queue, &item, &timeout) &&
	   waits(before, 3 * SECOND - 1) &&
	   asked(MPMC_IOC_ITEM_DEQUEUE, MPMC_TRANSFER_WAIT, (uintptr_t)&item, 1),
	   "dequeue_wait: a deadline");
	expect(0);
	OK(!mpmc_producer_enqueue_bulk_wait(&producer, items, 4, &zero) &&
	   waits(before, 0), "producer_enqueue_bulk_wait: try once");
	expect(1);
	OK(mpmc_consumer_dequeue_bulk_wait(&consumer, items, 4, &zero) == 1 &&
	   waits(before, 0), "consumer_dequeue_bulk_wait: try once");
	expect(1);
	OK(mpmc_consumer_peek_wait(&consumer, show, 4, &timeout) == 1 &&
	   filled(MPMC_LEASE_WAIT, show, 4) &&
	   due(kernel.arg.lease.deadline, before, 3 * SECOND - 1),
	   "consumer_peek_wait: a deadline");
}

static void test_forever(void)
{
	struct timespec ages = { 4000000000LL, 0 };
	struct timespec longest = { INT64_MAX, 999999999 };
	struct timespec overflow = { INT64_MAX / 1000000000, 999999999 };
	uint64_t before = now();

	expect(0);
	OK(!mpmc_enqueue_wait(&queue, 1, NULL) &&
	   kernel.arg.transfer.deadline == MPMC_FOREVER, "timeout NULL");
	expect(0);
	OK(!mpmc_enqueue_wait(&queue, 1, &ages) &&
	   waits(before, 4000000000ULL * SECOND), "timeout of a century");
	expect(0);
	OK(!mpmc_enqueue_wait(&queue, 1, &longest) &&
	   kernel.arg.transfer.deadline == MPMC_FOREVER, "longest timeout");
	expect(0);
	OK(!mpmc_enqueue_wait(&queue, 1, &overflow) &&
	   kernel.arg.transfer.deadline == MPMC_FOREVER,
	   "timeout just beyond the clock");
}

/* Whether all calls that wait refuse a timeout, even with nothing to move. */
static int refused(time_t sec, long nsec)
{
	struct timespec timeout = { sec, nsec };
	uint64_t item;

	expect(1);
	return mpmc_enqueue_wait(&queue, 1, &timeout) == -EINVAL &&
	       mpmc_dequeue_wait(&queue, &item, &timeout) == -EINVAL &&
	       mpmc_enqueue_bulk_wait(&queue, items, 0, &timeout) == -EINVAL &&
	       mpmc_dequeue_bulk_wait(&queue, items, 0, &timeout) == -EINVAL &&
	       mpmc_producer_enqueue_wait(&producer, 1, &timeout) == -EINVAL &&
	       mpmc_consumer_dequeue_wait(&consumer, &item, &timeout) ==
		       -EINVAL &&
	       mpmc_producer_enqueue_bulk_wait(&producer, items, 0,
					       &timeout) == -EINVAL &&
	       mpmc_consumer_dequeue_bulk_wait(&consumer, items, 0,
					       &timeout) == -EINVAL &&
	       mpmc_consumer_peek_wait(&consumer, show, 0, &timeout) ==
		       -EINVAL &&
	       !kernel.calls;
}

static void test_timeout_refused(void)
{
	OK(refused(-1, 0), "timeout: negative seconds");
	OK(refused(0, -1), "timeout: negative nanoseconds");
	OK(refused(0, 1000000000), "timeout: a second of nanoseconds");
	OK(refused(INT64_MIN, INT64_MAX), "timeout: both out of range");
}

int main(void)
{
	test_queue_create();
	test_deliveries();
	test_queue_open();
	test_queue_unlink();
	test_queue_list();
	test_name_device();
	test_device();
	test_no_memory();
	test_queue_from_fd();
	test_stat();
	test_stats();
	test_shutdown();
	test_token_create();
	test_single();
	test_bulk();
	test_bulk_nothing();
	test_bulk_huge();
	test_peek();
	test_lease_end();
	test_leased();
	test_deadline();
	test_forever();
	test_timeout_refused();
	return tap_end();
}
