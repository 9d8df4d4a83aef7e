// SPDX-License-Identifier: GPL-2.0
/*
 * Rings of which all is counted: what is submitted makes sense, is about a queue
 * that nothing else is done to, and has memory of its own.
 *
 * Each request completes once. Each item has a value that no other has; those whose
 * request said that they were put come out once, to a request that takes or at the
 * end; those that it said were not, never. Of requests that were in flight when
 * their ring was closed nobody knows: items may have been put or not, and those taken
 * are in the memory that they were to be written to.
 *
 * So it is with those cancelled, one by one or all together, before, while and after
 * they wait, in a thread of io_uring's or parked.
 */
#include <poll.h>

#include "uring.h"

#define CAPACITY 6
#define SENTS 48
#define SENT_ITEMS 4
#define ITEMS (URINGS * SENTS * SENT_ITEMS)
#define TAG 0xe5ULL
#define SETTLE_NS (20 * NSEC_PER_MSEC)

/* Of the request that cancels all, which is not counted. */
#define CANCEL_DATA (~0ULL)

enum what { PUT, WRITE, TAKE, READ, OTHER, POLLS };

/**
 * struct sent - a request
 * @what: what it is
 * @open: its last completion has not come
 * @count: of how many items
 * @first: what it puts: the first of these, of the program's
 * @items: those, or where to write what it takes
 * @transfer: its structure, if it is a command of items
 * @cancel: or of this
 */
struct sent {
	enum what what;
	bool open;
	u32 count;
	u32 first;
	u64 items[SENT_ITEMS];
	struct mpmc_transfer transfer;
	struct mpmc_uring_cancel cancel;
};

static struct sent sents[URINGS][SENTS];

/* What is known of an item. */
#define ITEM_PUT 1
#define ITEM_REFUSED 2
#define ITEM_CAME 4
static atomic_uchar known[ITEMS];
static atomic_uint items_count;
static u64 epoch;

static int queue, producer, consumer;
static bool parks;

void exact_init(void)
{
	struct mpmc_device_info info;

	must(device_info(&info) == 0);
	parks = info.features & MPMC_FEATURE_URING_PARK;
	queue = queue_create(CAPACITY, 2);
	producer = producer_create(queue, 4);
	consumer = consumer_create(queue, 4);
	must(queue >= 0 && producer >= 0 && consumer >= 0);
}

/* Its memory may be used without looking for it each time. */
void exact_register(struct uring *uring)
{
	struct iovec iov = {
		sents[uring_index(uring)], sizeof(sents[0]),
	};

	io_uring_register_buffers(&uring->ring, &iov, 1);
}

/* --- Items --- */

static u64 item_value(u32 i)
{
	return TAG << 56 | epoch << 16 | i;
}

static void item_learn(u32 i, u8 what)
{
	u8 before = atomic_fetch_or(&known[i], what);

	if (before & what)
		check_fail("item %u of a ring's came twice", i);
	if ((before | what) & ITEM_REFUSED && (before | what) & ITEM_CAME)
		check_fail("item %u of a ring's came, which was not put", i);
}

static void item_came(u64 value, const char *where)
{
	u64 i = value - item_value(0);

	if (i >= atomic_load(&items_count))
		check_fail("%s is an item %#llx, which no ring put", where, value);
	item_learn(i, ITEM_CAME);
}

/* Where that is which a request took. */
static const u64 *taken_at(const struct sent *sent)
{
	return sent->transfer.flags & MPMC_TRANSFER_INLINE ?
	       (const u64 *)&sent->transfer.items : sent->items;
}

static void items_came(const struct sent *sent, unsigned int count)
{
	char where[64];
	unsigned int i;

	snprintf(where, sizeof(where), "of %u that request %td of a ring's took",
		 count, (sent - sents[0]) % SENTS);
	for (i = 0; i < count; i++)
		item_came(taken_at(sent)[i], where);
}

/* --- Requests --- */

static void sent_items(struct sent *sent)
{
	u32 i;

	sent->first = atomic_fetch_add(&items_count, sent->count);
	for (i = 0; i < sent->count; i++)
		sent->items[i] = item_value(sent->first + i);
}

/* Now and then for ever: what else is submitted, or the end, cancels it. */
static void prep_wait(struct lane *lane, struct io_uring_sqe *sqe,
		      struct mpmc_transfer *transfer)
{
	struct timespec ts = { .tv_nsec = pick(lane, 2000000) };

	if (chance(lane, 4))
		return;
	mpmc_prep_wait(transfer, chance(lane, 2) ? NULL : &ts);
	if (parks && !chance(lane, 3))
		mpmc_prep_park(sqe);
}

static void prep_command(struct lane *lane, struct sent *sent,
			 struct io_uring_sqe *sqe)
{
	struct mpmc_transfer *transfer = &sent->transfer;
	int token = sent->what == PUT ? producer : consumer;
	int fd = chance(lane, 4) ? token : queue;
	void *items = sent->items;

	if (sent->what == PUT && sent->count == 1)
		mpmc_prep_try_enqueue(sqe, fd, transfer, sent->items[0]);
	else if (sent->what == PUT)
		mpmc_prep_try_enqueue_bulk(sqe, fd, transfer, items, sent->count);
	else if (sent->count == 1)
		mpmc_prep_try_dequeue(sqe, fd, transfer);
	else
		mpmc_prep_try_dequeue_bulk(sqe, fd, transfer, items, sent->count);
	prep_wait(lane, sqe, transfer);
}

static void prep_file(struct lane *lane, struct sent *sent,
		      struct io_uring_sqe *sqe)
{
	u32 size = 8 * sent->count;
	bool fixed = chance(lane, 3);

	if (sent->what == WRITE && fixed)
		io_uring_prep_write_fixed(sqe, queue, sent->items, size, -1, 0);
	else if (sent->what == WRITE)
		io_uring_prep_write(sqe, queue, sent->items, size, -1);
	else if (fixed)
		io_uring_prep_read_fixed(sqe, queue, sent->items, size, -1, 0);
	else
		io_uring_prep_read(sqe, queue, sent->items, size, -1);
}

static void prep_other(struct lane *lane, struct uring *uring,
		       struct sent *sent, struct io_uring_sqe *sqe)
{
	u32 which = pick(lane, uring->submitted + 1);

	switch (pick(lane, 4)) {
	case 0:
		io_uring_prep_cancel64(sqe, which, 0);
		break;
	case 1:
		sent->what = POLLS;
		io_uring_prep_poll_multishot(sqe, queue, chance(lane, 2) ?
					     POLLIN : POLLOUT);
		break;
	default:
		mpmc_prep_cancel(sqe, queue, &sent->cancel,
				 &sents[uring_index(uring)][which].transfer);
	}
}

static void prep_any(struct lane *lane, struct uring *uring,
		     struct sent *sent, struct io_uring_sqe *sqe)
{
	static const enum what whats[] = {
		PUT, PUT, PUT, PUT, WRITE, TAKE, TAKE, TAKE, TAKE, TAKE, READ,
		OTHER, OTHER, OTHER,
	};

	*sent = (struct sent){ .what = pick_of(lane, whats), .open = true };
	sent->count = chance(lane, 3) ? 2 + pick(lane, SENT_ITEMS - 1) : 1;
	if (sent->what == PUT || sent->what == WRITE)
		sent_items(sent);
	if (sent->what == PUT || sent->what == TAKE)
		prep_command(lane, sent, sqe);
	else if (sent->what == OTHER)
		prep_other(lane, uring, sent, sqe);
	else
		prep_file(lane, sent, sqe);
	if (chance(lane, 8))
		sqe->flags |= IOSQE_IO_LINK;
	/*
	 * Some kernels, 6.12 among them, look at a submission when its command begins,
	 * if that is later, and where another one may be then; but not with this. The
	 * end of a chain may be missing, and then its head begins later as well; or
	 * come when a polling thread has not looked yet, and is of the chain then.
	 */
	if (uring->linked || sqe->flags & IOSQE_IO_LINK || chance(lane, 8))
		sqe->flags |= IOSQE_ASYNC;
	uring->linked = sqe->flags & IOSQE_IO_LINK;
	io_uring_sqe_set_data64(sqe, uring->submitted++);
}

static struct io_uring_sqe *sqe_of(struct uring *uring)
{
	struct io_uring_sqe *sqe = NULL;

	if (uring->submitted < SENTS)
		sqe = io_uring_get_sqe(&uring->ring);
	if (sqe)
		memset(sqe, 0, sizeof(*sqe));
	return sqe;
}

void exact_submit(struct lane *lane, struct uring *uring)
{
	struct sent *sent = sents[uring_index(uring)];
	unsigned int n = 1 + pick(lane, 4);
	struct io_uring_sqe *sqe;

	while (n-- && (sqe = sqe_of(uring))) {
		op_count(lane);
		prep_any(lane, uring, &sent[uring->submitted], sqe);
	}
	io_uring_submit(&uring->ring);
}

/* --- Completions --- */

static void put_done(const struct sent *sent, unsigned int put)
{
	unsigned int i;

	for (i = 0; i < sent->count; i++)
		item_learn(sent->first + i, i < put ? ITEM_PUT : ITEM_REFUSED);
}

static void sent_done(struct sent *sent, int res)
{
	bool bytes = sent->what == READ || sent->what == WRITE;
	u32 moved = res < 0 ? 0 : res;

	if (bytes)
		moved /= 8;
	if (sent->what == PUT && !res)
		moved = sent->count;
	if (sent->what == OTHER || sent->what == POLLS)
		return;
	if (moved > sent->count || (bytes && res > 0 && res % 8))
		check_fail("a request of a ring's for %u items completed with %d",
			   sent->count, res);
	if (sent->what == PUT || sent->what == WRITE)
		put_done(sent, moved);
	else
		items_came(sent, moved);
}

static void request_done(struct uring *uring, const struct io_uring_cqe *cqe)
{
	u64 data = io_uring_cqe_get_data64(cqe);
	struct sent *sent = &sents[uring_index(uring)][data % SENTS];
	bool more = cqe->flags & IORING_CQE_F_MORE;

	if (data == CANCEL_DATA)
		return;
	if (data >= uring->submitted || !sent->open)
		check_fail("a request of a ring's completed twice: %llu of %u",
			   data, uring->submitted);
	if (more && sent->what != POLLS)
		check_fail("a request of a ring's is to complete once more");
	sent->open = more;
	sent_done(sent, cqe->res);
}

void exact_reap(struct uring *uring)
{
	struct io_uring_cqe *cqe;

	io_uring_get_events(&uring->ring);
	while (!io_uring_peek_cqe(&uring->ring, &cqe)) {
		request_done(uring, cqe);
		io_uring_cqe_seen(&uring->ring, cqe);
	}
}

/* --- The end --- */

static void cancel_parked(struct sent *sent)
{
	struct mpmc_uring_cancel cancel = {
		.size = sizeof(cancel), .arg = (uintptr_t)&sent->transfer,
	};
	int ret = mpmc_ioctl(queue, MPMC_IOC_URING_CANCEL, &cancel);

	if (ret && ret != -ENOENT && ret != -ENOTTY)
		check_fail("parked commands can't be cancelled: %d", ret);
}

/* At once, by an ioctl. */
void exact_cancel(struct lane *lane, struct uring *uring)
{
	struct sent *sent = sents[uring_index(uring)];

	op_count(lane);
	if (uring->submitted)
		cancel_parked(&sent[pick(lane, uring->submitted)]);
}

/* Whether anything was in flight. */
static bool cancel_all(struct uring *uring)
{
	struct sent *sent = sents[uring_index(uring)];
	struct io_uring_sqe *sqe;
	bool open = false;
	unsigned int i;

	for (i = 0; i < uring->submitted; i++) {
		open |= sent[i].open;
		if (sent[i].open)
			cancel_parked(&sent[i]);
	}
	sqe = open ? io_uring_get_sqe(&uring->ring) : NULL;
	if (sqe) {
		io_uring_prep_cancel64(sqe, 0, IORING_ASYNC_CANCEL_ANY |
				       IORING_ASYNC_CANCEL_ALL);
		io_uring_sqe_set_data64(sqe, CANCEL_DATA);
	}
	return open;
}

/* Cancels all that is in flight, and has it complete. */
void exact_settle(struct uring *uring)
{
	struct __kernel_timespec ts = { .tv_nsec = SETTLE_NS };
	u64 until = now_ns() + PATIENCE_NS;
	struct io_uring_cqe *cqe;

	exact_reap(uring);
	while (cancel_all(uring)) {
		io_uring_submit(&uring->ring);
		io_uring_wait_cqe_timeout(&uring->ring, &cqe, &ts);
		exact_reap(uring);
		if (now_ns() > until)
			check_fail("a request of a ring's was cancelled, and does not complete");
	}
}

/* Of requests whose ring was closed: what they took is in the memory they had. */
static void look_at_sent(struct uring *uring)
{
	const struct sent *sent = sents[uring_index(uring)];
	unsigned int i, n;

	for (i = 0; i < uring->submitted; i++, sent++) {
		if (!sent->open || (sent->what != TAKE && sent->what != READ))
			continue;
		for (n = 0; n < sent->count && taken_at(sent)[n];)
			n++;
		items_came(sent, n);
	}
}

static bool unused(struct mpmc_queue_info *info)
{
	*info = queue_state(queue);
	return !info->enqueue_waiters && !info->dequeue_waiters &&
	       !info->leased && !info->granted;
}

static void check_waiters(void)
{
	struct mpmc_queue_info info;

	if (!eventually(unused(&info)))
		check_fail("the rings' queue has %u + %u waiters, %llu leased, %llu granted",
			   info.enqueue_waiters, info.dequeue_waiters,
			   info.leased, info.granted);
}

static void check_room(void)
{
	u64 n = fill(queue, 0);

	if (n != CAPACITY)
		check_fail("the rings' queue of %u took %llu items", CAPACITY, n);
	drain(queue);
}

/* When there is no ring any more. */
void exact_end(void)
{
	u32 i, count = atomic_load(&items_count);
	u64 item;

	for (i = 0; i < URINGS; i++)
		if (urings[i].state != URING_FREE && urings[i].exact)
			look_at_sent(&urings[i]);
	check_waiters();
	while (deq(queue, &item) > 0)
		item_came(item, "left in the rings' queue");
	for (i = 0; i < count; i++)
		if (known[i] == ITEM_PUT)
			check_fail("item %u of a ring's was lost", i);
	check_room();
	memset(known, 0, count);
	atomic_store(&items_count, 0);
	epoch++;
}
