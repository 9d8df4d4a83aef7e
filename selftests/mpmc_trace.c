// SPDX-License-Identifier: GPL-2.0
/*
 * Tracepoints: each is seen, with what Documentation/mpmc.rst says of it, when
 * there is a cause, and only then; and none when they are off.
 *
 * To turn one on the kernel patches its code: scripts/vm-run --single.
 */
#include <dirent.h>
#include <stdarg.h>

#include "../userlib/mpmc_uring.h"
#include "mpmc_iouring.h"
#include "mpmc_mapped.h"

#define TRACEFS "/sys/kernel/tracing/"
#define INSTANCE TRACEFS "instances/mpmc_trace/"
#define EVENTS INSTANCE "events/mpmc/"
#define OUTPUT_MAX (1 << 20)

static void write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_TRUNC);

	must(fd >= 0);
	must(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
}

/* Of one event, or with "" all of them. */
static void event_switch(const char *event, bool on)
{
	char path[512];

	snprintf(path, sizeof(path), EVENTS "%s/enable", event);
	write_text(path, on ? "1" : "0");
}

static const char *read_text(const char *path)
{
	static char text[OUTPUT_MAX];
	size_t size = 0;
	ssize_t n;
	int fd = open(path, O_RDONLY);

	must(fd >= 0);
	while ((n = read(fd, text + size, sizeof(text) - 1 - size)) > 0)
		size += n;
	must(n == 0);
	close(fd);
	text[size] = '\0';
	return text;
}

/* How many lines there are with an event that says this, or begins so. */
static int lines_with(const char *event, const char *said, bool whole)
{
	const char *at = read_text(INSTANCE "trace");
	char want[256];
	int count = 0;

	snprintf(want, sizeof(want), ": %s: %s%s", event, said,
		 whole ? "\n" : "");
	while ((at = strstr(at, want))) {
		at += strlen(want);
		count++;
	}
	return count;
}

/*
 * How often an event was seen that says precisely this; or -1 if the event was
 * seen of this queue with something else as well. The text begins with
 * "queue=ID ".
 */
__attribute__((format(printf, 2, 3)))
static int seen(const char *event, const char *format, ...)
{
	char said[256], queue[32];
	va_list args;
	int count;

	va_start(args, format);
	vsnprintf(said, sizeof(said), format, args);
	va_end(args);
	count = lines_with(event, said, true);
	must(sscanf(said, "%31[^ ]", queue) == 1);
	strcat(queue, " ");
	if (lines_with(event, queue, false) == count)
		return count;
	fprintf(stderr, "# no \"%s: %s\" alone in:\n%s", event, said,
		read_text(INSTANCE "trace"));
	return -1;
}

/* The same of all events and queues. */
static int seen_at_all(void)
{
	const char *at = read_text(INSTANCE "trace");
	int count = 0;

	/* All other lines begin with a #. */
	for (; *at; at = strchr(at, '\n') + 1)
		count += *at != '#';
	return count;
}

static void trace_clear(void)
{
	write_text(INSTANCE "trace", "");
}

static long long id_of(int fd)
{
	return atoll(info_of(fd, "id"));
}

FIXTURE(trace) {
	int queue;
	long long id;
};

FIXTURE_SETUP(trace)
{
	/* It is there if the last test died. */
	must(mkdir(INSTANCE, 0755) == 0 || errno == EEXIST);
	event_switch("", false);
	trace_clear();
	self->queue = queue_create(100, 3);
	ASSERT_LE(0, self->queue);
	self->id = id_of(self->queue);
}

FIXTURE_TEARDOWN(trace)
{
	close(self->queue);
	event_switch("", false);
	must(rmdir(INSTANCE) == 0);
}

TEST_F(trace, queue)
{
	int queue;
	long long id;

	event_switch("queue_create", true);
	event_switch("queue_shutdown", true);
	event_switch("queue_free", true);
	queue = limited_create(50, 7, self->queue);
	ASSERT_LE(0, queue);
	id = id_of(queue);
	EXPECT_EQ(1, seen("queue_create", "queue=%lld capacity=50 segments=%u max_deliveries=7",
			  id, queue_state(queue).segments));
	put_range(queue, 1, 2);
	EXPECT_EQ(0, queue_shutdown(queue));
	EXPECT_EQ(1, seen("queue_shutdown", "queue=%lld used=2", id));
	EXPECT_EQ(0, seen("queue_free", "queue=%lld used=2", id));
	close(queue);
	EXPECT_EQ(1, seen("queue_free", "queue=%lld used=2", id));
	EXPECT_EQ(3, seen_at_all());
}

/* Its items may be there for longer than a token. */
TEST_F(trace, producer)
{
	int producers[2];

	event_switch("producer_create", true);
	event_switch("producer_close", true);
	event_switch("producer_free", true);
	producers[0] = producer_create(self->queue, 8);
	EXPECT_EQ(1, seen("producer_create", "queue=%lld token=0 entries=8",
			  self->id));
	trace_clear();
	producers[1] = producer_create(self->queue, 16);
	EXPECT_EQ(1, seen("producer_create", "queue=%lld token=1 entries=16",
			  self->id));
	put_range(producers[1], 1, 5);
	EXPECT_TRUE(take_range(self->queue, 1, 2));
	EXPECT_EQ(1, seen_at_all());
	trace_clear();
	close(producers[1]);
	EXPECT_EQ(1, seen("producer_close", "queue=%lld token=1 items=3",
			  self->id));
	EXPECT_EQ(1, seen_at_all());
	EXPECT_TRUE(take_range(self->queue, 3, 3));
	EXPECT_EQ(1, seen("producer_free", "queue=%lld token=1 items=5",
			  self->id));
	EXPECT_EQ(2, seen_at_all());
	trace_clear();
	close(producers[0]);
	EXPECT_EQ(1, seen("producer_close", "queue=%lld token=0 items=0",
			  self->id));
	EXPECT_EQ(1, seen("producer_free", "queue=%lld token=0 items=0",
			  self->id));
	EXPECT_EQ(2, seen_at_all());
}

TEST_F(trace, consumer)
{
	int consumer;

	event_switch("consumer_create", true);
	event_switch("consumer_close", true);
	event_switch("redeliver", true);
	consumer = consumer_create(self->queue, 16);
	EXPECT_EQ(1, seen("consumer_create", "queue=%lld token=0 entries=16",
			  self->id));
	put_range(self->queue, 1, 5);
	ASSERT_EQ(3, lease_fill(consumer, NULL, 3));
	EXPECT_EQ(1, seen_at_all());
	close(consumer);
	EXPECT_EQ(1, seen("consumer_close", "queue=%lld token=0 items=3",
			  self->id));
	EXPECT_EQ(1, seen("redeliver", "queue=%lld token=0 count=3 used=5",
			  self->id));
	EXPECT_EQ(3, seen_at_all());
	trace_clear();
	close(consumer_create(self->queue, 4));
	EXPECT_EQ(1, seen("consumer_close", "queue=%lld token=0 items=0",
			  self->id));
	/* Nothing came back. */
	EXPECT_EQ(2, seen_at_all());
}

TEST_F(trace, calls)
{
	int producer = producer_create(self->queue, 8);
	int consumer = consumer_create(self->queue, 8);
	__u64 items[3] = { 1, 2, 3 };

	event_switch("enqueue", true);
	event_switch("dequeue", true);
	ASSERT_EQ(0, enq_bulk(self->queue, items, 3));
	EXPECT_EQ(1, seen("enqueue", "queue=%lld token=-1 count=3 used=3",
			  self->id));
	ASSERT_EQ(3, deq_bulk(self->queue, items, 3));
	EXPECT_EQ(1, seen("dequeue", "queue=%lld token=-1 count=3 used=0",
			  self->id));
	trace_clear();
	ASSERT_EQ(0, enq(producer, 1));
	EXPECT_EQ(1, seen("enqueue", "queue=%lld token=0 count=1 used=1",
			  self->id));
	ASSERT_EQ(1, deq(consumer, items));
	EXPECT_EQ(1, seen("dequeue", "queue=%lld token=0 count=1 used=0",
			  self->id));
	trace_clear();
	/* Nothing happens. */
	ASSERT_EQ(-EAGAIN, deq(self->queue, items));
	ASSERT_EQ(-EAGAIN, deq(consumer, items));
	ASSERT_EQ(-EFAULT, enq_bulk(self->queue, NULL, 3));
	EXPECT_EQ(0, seen_at_all());
	close(producer);
	close(consumer);
}

/* Catches: items that are put back, and are said to have been given to somebody. */
TEST_F(trace, bad_buffer)
{
	put_range(self->queue, 1, 3);
	event_switch("dequeue", true);
	event_switch("redeliver", true);
	ASSERT_EQ(-EFAULT, deq_bulk(self->queue, NULL, 3));
	EXPECT_EQ(0, seen_at_all());
	ASSERT_EQ(3, drain(self->queue));
	EXPECT_EQ(1, seen("dequeue", "queue=%lld token=-1 count=3 used=0",
			  self->id));
}

TEST_F(trace, read_and_write)
{
	__u64 items[4] = { 1, 2, 3, 4 };

	event_switch("enqueue", true);
	event_switch("dequeue", true);
	ASSERT_EQ(sizeof(items), write(self->queue, items, sizeof(items)));
	EXPECT_EQ(1, seen("enqueue", "queue=%lld token=-1 count=4 used=4",
			  self->id));
	ASSERT_EQ(sizeof(items), read(self->queue, items, sizeof(items)));
	EXPECT_EQ(1, seen("dequeue", "queue=%lld token=-1 count=4 used=0",
			  self->id));
}

/* Catches: a token that is not named, because its ring is not used. */
TEST_F(trace, one_segment)
{
	int queue = queue_create(10, 1), producers[2];

	ASSERT_LE(0, queue);
	producers[0] = producer_create(queue, 8);
	producers[1] = producer_create(queue, 8);
	event_switch("enqueue", true);
	ASSERT_EQ(0, enq(producers[1], 1));
	EXPECT_EQ(1, seen("enqueue", "queue=%lld token=1 count=1 used=1",
			  id_of(queue)));
	close(producers[0]);
	close(producers[1]);
	close(queue);
}

TEST_F(trace, full)
{
	__u64 items[101] = { 0 };

	ASSERT_EQ(100, fill(self->queue, 1));
	event_switch("full", true);
	ASSERT_EQ(-EAGAIN, enq_bulk(self->queue, items, 2));
	EXPECT_EQ(1, seen("full", "queue=%lld count=2 used=100 capacity=100",
			  self->id));
	trace_clear();
	/* Waiting begins so, too. */
	ASSERT_EQ(-ETIMEDOUT, enq_until(self->queue, 1, in_ms(1)));
	EXPECT_EQ(1, seen("full", "queue=%lld count=1 used=100 capacity=100",
			  self->id));
	trace_clear();
	ASSERT_EQ(-EMSGSIZE, enq_bulk(self->queue, items, 101));
	EXPECT_EQ(0, seen_at_all());
}

TEST_F(trace, lease)
{
	int consumer = consumer_create(self->queue, 8);

	put_range(self->queue, 1, 6);
	event_switch("refill", true);
	event_switch("commit", true);
	event_switch("redeliver", true);
	ASSERT_EQ(5, lease_fill(consumer, NULL, 5));
	EXPECT_EQ(1, seen("refill", "queue=%lld token=0 count=5 used=6",
			  self->id));
	ASSERT_EQ(0, lease_commit(consumer, 2));
	EXPECT_EQ(1, seen("commit", "queue=%lld token=0 count=2 used=4",
			  self->id));
	ASSERT_EQ(0, lease_release(consumer, 3));
	EXPECT_EQ(1, seen("redeliver", "queue=%lld token=0 count=3 used=4",
			  self->id));
	EXPECT_EQ(3, seen_at_all());
	/* Nothing more to be had, nothing to be finished with. */
	ASSERT_EQ(4, lease_fill(consumer, NULL, 8));
	trace_clear();
	ASSERT_EQ(4, lease_fill(consumer, NULL, 8));
	EXPECT_EQ(0, seen_at_all());
	close(consumer);
}

/* Items that go through mappings are not seen, but what happens around them. */
TEST_F(trace, mapped_producer)
{
	__u64 rest, i;
	struct mapped p;

	mapped_producer(&p, self->queue, 8);
	event_switch("enqueue", true);
	event_switch("grant", true);
	event_switch("producer_kick", true);
	ASSERT_EQ(0, put(&p, 1));
	rest = mapped_rest(&p);
	ASSERT_LT(0, rest);
	EXPECT_EQ(1, seen("enqueue", "queue=%lld token=0 count=1 used=1",
			  self->id));
	EXPECT_EQ(1, seen("grant", "queue=%lld token=0 count=%llu used=%llu",
			  self->id, rest, rest + 1));
	trace_clear();
	for (i = 0; i < rest; i++)
		mapped_store(&p, &i, 1);
	EXPECT_EQ(0, seen_at_all());
	ASSERT_EQ(0, token_kick(p.fd, rest));
	EXPECT_EQ(1, seen("producer_kick",
			  "queue=%lld token=0 count=%llu used=%llu", self->id,
			  rest, rest + 1));
	EXPECT_EQ(1, seen_at_all());
	mapped_close(&p);
}

TEST_F(trace, mapped_consumer)
{
	struct mapped c;
	__u64 item;

	mapped_consumer(&c, self->queue, 8);
	put_range(self->queue, 1, 8);
	event_switch("dequeue", true);
	event_switch("refill", true);
	event_switch("commit", true);
	event_switch("consumer_kick", true);
	ASSERT_EQ(1, take(&c, &item));
	/* A fair share: half of what there is. */
	EXPECT_EQ(1, seen("refill", "queue=%lld token=0 count=4 used=8",
			  self->id));
	ASSERT_EQ(1, take(&c, &item));
	EXPECT_EQ(1, seen_at_all());
	trace_clear();
	/* Whoever looks notices. */
	EXPECT_EQ(6, queue_state(self->queue).items + 2);
	EXPECT_EQ(1, seen("commit", "queue=%lld token=0 count=2 used=6",
			  self->id));
	trace_clear();
	ASSERT_EQ(1, take(&c, &item));
	ASSERT_EQ(0, token_kick(c.fd, 1));
	EXPECT_EQ(1, seen("consumer_kick", "queue=%lld token=0 count=1 used=6",
			  self->id));
	EXPECT_EQ(1, seen("commit", "queue=%lld token=0 count=1 used=5",
			  self->id));
	EXPECT_EQ(2, seen_at_all());
	mapped_close(&c);
}

TEST_F(trace, dead)
{
	int queue = limited_create(100, 2, self->queue);
	int dropping = limited_create(100, 1, -1);
	int consumer = consumer_create(queue, 8), i;
	long long id = id_of(queue);

	put_range(queue, 1, 1);
	event_switch("dead", true);
	event_switch("enqueue", true);
	for (i = 0; i < 2; i++) {
		EXPECT_EQ(0, seen_at_all());
		ASSERT_EQ(1, lease_fill(consumer, NULL, 1));
		ASSERT_EQ(0, lease_release(consumer, 1));
	}
	EXPECT_EQ(1, seen("dead", "queue=%lld letters=%lld deliveries=2", id,
			  self->id));
	EXPECT_EQ(1, seen("enqueue", "queue=%lld token=-1 count=1 used=1",
			  self->id));
	close(consumer);
	close(queue);
	event_switch("enqueue", false);
	trace_clear();
	put_range(dropping, 1, 1);
	consumer = consumer_create(dropping, 8);
	ASSERT_EQ(1, lease_fill(consumer, NULL, 1));
	close(consumer);
	EXPECT_EQ(1, seen("dead", "queue=%lld letters=0 deliveries=1",
			  id_of(dropping)));
	close(dropping);
}

struct sleeper {
	int queue;
	bool enqueue;
	atomic_int tid;
};

static void *sleeper_run(void *arg)
{
	struct sleeper *sleeper = arg;

	atomic_store(&sleeper->tid, gettid());
	must(move_until(sleeper->queue, sleeper->enqueue, MPMC_FOREVER) >= 0);
	return NULL;
}

/* The time of the only event of this kind, in ns: "what=TIME". */
static long long time_of(const char *event, const char *what)
{
	char pattern[64];
	const char *at;

	snprintf(pattern, sizeof(pattern), ": %s: ", event);
	at = strstr(read_text(INSTANCE "trace"), pattern);
	must(at);
	snprintf(pattern, sizeof(pattern), " %s=", what);
	at = strstr(at, pattern);
	must(at);
	return atoll(at + strlen(pattern));
}

/* Lets a thread sleep until an item is put, or taken; which thread that was. */
static int sleep_and_wake(int queue, bool enqueue)
{
	struct sleeper sleeper = { .queue = queue, .enqueue = enqueue };
	pthread_t thread = thread_start(sleeper_run, &sleeper);
	__u64 item;

	must(eventually(thread_asleep(&sleeper.tid) &&
			queue_waiters(queue) == 1));
	if (enqueue)
		must(deq(queue, &item) == 1);
	else
		must(enq(queue, 1) == 0);
	thread_join(thread);
	return atomic_load(&sleeper.tid);
}

static void trace_waits(void)
{
	event_switch("wait", true);
	event_switch("wake", true);
	event_switch("wait_end", true);
}

/* Of one that waits without a deadline, and ends so. */
static void expect_wait(struct __test_metadata *_metadata, long long id,
			const char *what, int ret)
{
	long long waited = time_of("wait_end", "waited");

	EXPECT_EQ(1, seen("wait", "queue=%lld for=%s timeout=-1", id, what));
	EXPECT_LT(0, waited);
	EXPECT_EQ(1, seen("wait_end", "queue=%lld for=%s ret=%d waited=%lld",
			  id, what, ret, waited));
}

static void check_wake(struct __test_metadata *_metadata, int queue,
		       bool enqueue)
{
	const char *what = enqueue ? "room room=1" : "items room=0";
	long long id = id_of(queue);
	int tid;

	trace_waits();
	tid = sleep_and_wake(queue, enqueue);
	expect_wait(_metadata, id, what, 0);
	EXPECT_EQ(1, seen("wake", "queue=%lld for=%s pid=%d", id, what, tid));
	EXPECT_EQ(3, seen_at_all());
}

TEST_F(trace, waiting_for_items)
{
	check_wake(_metadata, self->queue, false);
}

TEST_F(trace, waiting_for_room)
{
	ASSERT_EQ(100, fill(self->queue, 1));
	check_wake(_metadata, self->queue, true);
}

TEST_F(trace, timeout)
{
	long long timeout = 50 * NSEC_PER_MSEC, waited;
	__u64 item, start;

	trace_waits();
	start = now_ns();
	ASSERT_EQ(-ETIMEDOUT,
		  deq_until(self->queue, &item, now_ns() + timeout));
	waited = time_of("wait_end", "waited");
	EXPECT_LE(waited, (long long)(now_ns() - start));
	EXPECT_EQ(1, seen("wait_end",
			  "queue=%lld for=items room=0 ret=%d waited=%lld",
			  self->id, -ETIMEDOUT, waited));
	EXPECT_LE(time_of("wait", "timeout"), timeout);
	EXPECT_LE(0, time_of("wait", "timeout"));
	EXPECT_EQ(2, seen_at_all());
	trace_clear();
	/* A deadline that has passed. */
	ASSERT_EQ(-ETIMEDOUT, deq_until(self->queue, &item, 1));
	EXPECT_EQ(1, seen("wait", "queue=%lld for=items room=0 timeout=0",
			  self->id));
}

/* A command of io_uring that waits without a thread. */
struct parked {
	struct io_uring ring;
	struct mpmc_transfer transfer;
};

static void park(struct parked *parked, int queue, bool enqueue)
{
	struct io_uring_sqe *sqe;

	must(ring_init(&parked->ring, 4, 0) == 0);
	sqe = io_uring_get_sqe(&parked->ring);
	if (enqueue)
		mpmc_prep_enqueue_wait(sqe, queue, &parked->transfer, 7, NULL);
	else
		mpmc_prep_dequeue_wait(sqe, queue, &parked->transfer, NULL);
	mpmc_prep_park(sqe);
	must(io_uring_submit(&parked->ring) == 1);
	must(queue_waiters(queue) == 1);
}

TEST_F(trace, parked)
{
	struct parked parked;

	if (!can_park())
		SKIP(return, "a kernel that can't end parked commands");
	trace_waits();
	park(&parked, self->queue, false);
	EXPECT_EQ(1, seen_at_all());
	ASSERT_EQ(0, enq(self->queue, 5));
	EXPECT_EQ(1, ring_result(&parked.ring));
	expect_wait(_metadata, self->id, "items room=0", 0);
	EXPECT_EQ(1, seen("wake", "queue=%lld for=items room=0 pid=%d",
			  self->id, gettid()));
	EXPECT_EQ(3, seen_at_all());
	io_uring_queue_exit(&parked.ring);
}

/* Catches: one that ends without a wake-up, and is not seen to end, or as another. */
TEST_F(trace, parked_cancelled)
{
	struct mpmc_uring_cancel cancel = { .size = sizeof(cancel) };
	struct parked parked;

	if (!can_park())
		SKIP(return, "a kernel that can't end parked commands");
	ASSERT_EQ(100, fill(self->queue, 1));
	trace_waits();
	park(&parked, self->queue, true);
	cancel.arg = (uintptr_t)&parked.transfer;
	ASSERT_EQ(0, mpmc_ioctl(self->queue, MPMC_IOC_URING_CANCEL, &cancel));
	EXPECT_EQ(-ECANCELED, ring_result(&parked.ring));
	expect_wait(_metadata, self->id, "room room=1", -ECANCELED);
	EXPECT_EQ(2, seen_at_all());
	io_uring_queue_exit(&parked.ring);
}

/* All that has a tracepoint. */
static void do_everything(void)
{
	int letters = queue_create(10, 1);
	int queue = limited_create(10, 2, letters), i;
	__u64 items[3] = { 1, 2, 3 };
	struct mapped p, c;

	must(letters >= 0 && queue >= 0);
	mapped_producer(&p, queue, 4);
	mapped_consumer(&c, queue, 4);
	must(put(&p, 1) == 0);
	must(put(&p, 1) == 0);
	must(token_kick(p.fd, 1) == 0);
	must(take(&c, items) == 1);
	must(token_kick(c.fd, 1) == 0);
	must(drain(queue) == 1);
	fill(queue, 1);
	for (i = 0; i < 2; i++) {
		must(lease_fill(c.fd, NULL, 1) == 1);
		must(lease_release(c.fd, 1) == 0);
	}
	drain(queue);
	sleep_and_wake(queue, false);
	must(queue_shutdown(queue) == 0);
	mapped_close(&c);
	mapped_close(&p);
	close(queue);
	close(letters);
}

TEST_F(trace, off)
{
	do_everything();
	EXPECT_EQ(0, seen_at_all());
	event_switch("", true);
	event_switch("", false);
	do_everything();
	EXPECT_EQ(0, seen_at_all());
}

/* Calls fn for each event that there is; how many. */
static int each_event(struct __test_metadata *_metadata,
		      void (*fn)(struct __test_metadata *_metadata,
				 const char *event))
{
	DIR *dir = opendir(EVENTS);
	struct dirent *entry;
	int count = 0;

	must(dir);
	while ((entry = readdir(dir))) {
		if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
			continue;
		fn(_metadata, entry->d_name);
		count++;
	}
	closedir(dir);
	return count;
}

static void check_seen(struct __test_metadata *_metadata, const char *event)
{
	EXPECT_LT(0, lines_with(event, "queue=", false)) {
		TH_LOG("%s", event);
	}
}

/* Catches: a tracepoint that nothing passes. */
TEST_F(trace, all_of_them)
{
	event_switch("", true);
	do_everything();
	event_switch("", false);
	EXPECT_EQ(21, each_event(_metadata, check_seen));
}

/* Which queue, and no address of anything. */
static void check_format(struct __test_metadata *_metadata, const char *event)
{
	const char *format, *field = "field:u64 queue;";
	char path[512];

	snprintf(path, sizeof(path), EVENTS "%s/format", event);
	format = read_text(path);
	EXPECT_TRUE(strstr(format, field) &&
		    strstr(format, "print fmt: \"queue=%llu ") &&
		    !strstr(format, "*") && !strstr(format, "%p")) {
		TH_LOG("%s", format);
	}
}

TEST_F(trace, formats)
{
	EXPECT_EQ(21, each_event(_metadata, check_format));
}

TEST_HARNESS_MAIN
