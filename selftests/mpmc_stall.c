// SPDX-License-Identifier: GPL-2.0
/*
 * G6, with threads stopped where it hurts: inside a call, half-way through the
 * copy of items from or to their memory, which userfaultfd(2) holds up for as
 * long as a test likes; and anywhere else, by a thread that is more important
 * than they are. Nobody else may notice.
 */
#include <linux/userfaultfd.h>

#include "mpmc_test.h"

#define PAGE page_size()
#define PER_PAGE (PAGE / sizeof(__u64))
#define N 20

struct trap {
	int uffd;
	char *memory;	/* two pages, of which the second is the trap */
};

static bool trap_make(struct trap *trap)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg;

	trap->uffd = syscall(SYS_userfaultfd, O_CLOEXEC);
	if (trap->uffd < 0)
		return false;
	must(ioctl(trap->uffd, UFFDIO_API, &api) == 0);
	trap->memory = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	must(trap->memory != MAP_FAILED);
	reg = (struct uffdio_register){
		.range = {
			.start = (uintptr_t)trap->memory + PAGE, .len = PAGE,
		},
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};
	must(ioctl(trap->uffd, UFFDIO_REGISTER, &reg) == 0);
	return true;
}

/* An array whose second half is in the trap. */
static __u64 *trap_array(struct trap *trap, int count)
{
	return (__u64 *)(trap->memory + PAGE) - count / 2;
}

/* Returns when a thread is held up in the trap. */
static void trap_caught(struct trap *trap)
{
	struct pollfd pfd = { .fd = trap->uffd, .events = POLLIN };
	struct uffd_msg msg;

	must(poll(&pfd, 1, 20000) == 1);
	must(read(trap->uffd, &msg, sizeof(msg)) == sizeof(msg));
	must(msg.event == UFFD_EVENT_PAGEFAULT);
}

/* Lets it go on, with @items in the second page. */
static void trap_release(struct trap *trap, const __u64 *items, int count)
{
	struct uffdio_copy copy = {
		.dst = (uintptr_t)trap->memory + PAGE, .len = PAGE,
	};
	char *page = aligned_alloc(PAGE, PAGE);

	memset(page, 0, PAGE);
	memcpy(page, items, count * sizeof(*items));
	copy.src = (uintptr_t)page;
	must(ioctl(trap->uffd, UFFDIO_COPY, &copy) == 0);
	free(page);
}

static void trap_remove(struct trap *trap)
{
	close(trap->uffd);
	munmap(trap->memory, 2 * PAGE);
}

struct victim {
	int fd;
	bool produces;
	__u64 *items;
	int ret;
};

static void victim_call(struct victim *v)
{
	v->ret = v->produces ? enq_bulk(v->fd, v->items, N) :
			       deq_bulk(v->fd, v->items, N);
}

static void *victim_run(void *arg)
{
	victim_call(arg);
	return NULL;
}

static void on_signal(int signal)
{
	(void)signal;
}

FIXTURE(stall)
{
	int queue;
	int producer;	/* what the victims use */
	int consumer;
	struct trap trap;
};

FIXTURE_VARIANT(stall)
{
	__u32 segments;
	bool token;
};

FIXTURE_VARIANT_ADD(stall, fifo) { .segments = 1 };
FIXTURE_VARIANT_ADD(stall, segments) { .segments = 3 };
FIXTURE_VARIANT_ADD(stall, token) { .token = true };

FIXTURE_SETUP(stall)
{
	self->queue = queue_create(1000, variant->segments);
	ASSERT_LE(0, self->queue);
	self->producer = self->queue;
	self->consumer = self->queue;
	if (variant->token) {
		self->producer = producer_create(self->queue, 64);
		self->consumer = consumer_create(self->queue, 64);
	}
	ASSERT_LE(0, self->producer);
	ASSERT_LE(0, self->consumer);
	if (!trap_make(&self->trap))
		SKIP(return, "no userfaultfd in this kernel");
}

FIXTURE_TEARDOWN(stall)
{
	if (variant->token) {
		close(self->producer);
		close(self->consumer);
	}
	trap_remove(&self->trap);
	close(self->queue);
}

/*
 * Catches: slots or the turn claimed before the items are there: all that is
 * put later would be stuck behind them.
 */
TEST_F(stall, producer)
{
	__u64 items[N / 2], *array = trap_array(&self->trap, N);
	struct victim v = {
		.fd = self->producer, .produces = true, .items = array,
	};
	pthread_t thread;
	int i;

	for (i = 0; i < N / 2; i++) {
		array[i] = 5001 + i;
		items[i] = 5001 + N / 2 + i;
	}
	thread = thread_start(victim_run, &v);
	trap_caught(&self->trap);
	put_range(self->queue, 1, 600);
	EXPECT_TRUE(take_range(self->queue, 1, 600));
	/* It has no more than what it asked for of the capacity, either. */
	EXPECT_LE(1000 - N, fill(self->queue, 1));
	EXPECT_LE(1000 - N, drain(self->queue));
	trap_release(&self->trap, items, N / 2);
	thread_join(thread);
	EXPECT_EQ(0, v.ret);
	EXPECT_TRUE(take_range(self->queue, 5001, N));
	EXPECT_EQ(1000, fill(self->queue, 1));
}

/*
 * Catches: a consumer that keeps the others, or the room behind it, until its
 * own items have been delivered.
 */
TEST_F(stall, consumer)
{
	__u64 *array = trap_array(&self->trap, N), zero = 0;
	struct victim v = { .fd = self->consumer, .items = array };
	pthread_t thread;
	int i;

	put_range(self->queue, 1, 500);
	thread = thread_start(victim_run, &v);
	trap_caught(&self->trap);
	EXPECT_TRUE(take_range(self->queue, N + 1, 500 - N));
	/* Round the whole capacity, again and again, past it. */
	for (i = 0; i < 5; i++) {
		put_range(self->queue, 1000 * i, 1000 - N);
		EXPECT_TRUE(take_range(self->queue, 1000 * i, 1000 - N));
	}
	trap_release(&self->trap, &zero, 1);
	thread_join(thread);
	EXPECT_EQ(N, v.ret);
	for (i = 0; i < N; i++)
		EXPECT_EQ(i + 1, array[i]);
	EXPECT_EQ(0, queue_items(self->queue));
	EXPECT_EQ(1000, fill(self->queue, 1));
}

/*
 * An item in flight is one that may come back: not "shut down and drained".
 * Catches: EPIPE to one consumer, and then the other's items put back.
 */
TEST_F(stall, consumer_during_shutdown)
{
	__u64 *array = trap_array(&self->trap, N), item, zero = 0;
	struct victim v = { .fd = self->consumer, .items = array };
	pthread_t thread;

	put_range(self->queue, 1, N);
	ASSERT_EQ(0, queue_shutdown(self->queue));
	thread = thread_start(victim_run, &v);
	trap_caught(&self->trap);
	EXPECT_EQ(-EAGAIN, deq(self->queue, &item));
	EXPECT_EQ(-ETIMEDOUT, deq_until(self->queue, &item, in_ms(5)));
	trap_release(&self->trap, &zero, 1);
	thread_join(thread);
	EXPECT_EQ(N, v.ret);
	EXPECT_EQ(-EPIPE, deq(self->queue, &item));
}

static void victim_process(void *arg)
{
	struct victim *v = arg;

	victim_call(v);
	must(false);	/* it is not to get this far */
}

/*
 * G8: killed right there. Its page tables are its own, so it makes a trap of
 * its own, and says when it is in it.
 */
struct doomed {
	struct victim victim;
	atomic_int caught;
};

static void *doomed_watch(void *arg)
{
	struct doomed *d = arg;
	struct trap trap;

	must(trap_make(&trap));
	d->victim.items = trap_array(&trap, N);
	gate_open(&d->caught, 1);
	trap_caught(&trap);
	gate_open(&d->caught, 2);
	pause();
	return NULL;
}

static void doomed_process(void *arg)
{
	struct doomed *d = arg;

	thread_start(doomed_watch, d);
	gate_wait(&d->caught, 1);
	victim_process(&d->victim);
}

static void kill_in_the_trap(int fd, bool produces)
{
	struct doomed *d = shared_alloc(sizeof(*d));
	pid_t pid;

	d->victim.fd = fd;
	d->victim.produces = produces;
	pid = spawn(doomed_process, d);
	must(eventually(atomic_load(&d->caught) == 2));
	must(killed(pid));
	munmap(d, sizeof(*d));
}

/*
 * A signal comes while the first of two pieces of a lease, which goes across the end
 * of the token's ring, is copied. Catches: the second stays with the token, whose
 * owner does not know of it, and need not come back.
 */
TEST(interrupted_consumer)
{
	struct victim v = { .produces = false };
	struct sigaction action = { .sa_handler = on_signal };
	struct mpmc_queue_info info;
	int queue = queue_create(100, 1), i;
	struct trap trap;
	__u64 zero = 0;
	pthread_t thread;

	ASSERT_LE(0, queue);
	if (!trap_make(&trap))
		SKIP(return, "no userfaultfd in this kernel");
	must(sigaction(SIGUSR1, &action, NULL) == 0);
	v.fd = consumer_create(queue, 4);
	v.items = (__u64 *)(trap.memory + PAGE);
	put_range(queue, 1, 2);
	EXPECT_TRUE(take_range(v.fd, 1, 2));
	put_range(queue, 3, 4);
	thread = thread_start(victim_run, &v);
	trap_caught(&trap);
	pthread_kill(thread, SIGUSR1);
	trap_release(&trap, &zero, 1);
	thread_join(thread);
	EXPECT_EQ(4, v.ret);
	for (i = 0; i < 4; i++)
		EXPECT_EQ(3 + i, v.items[i]);
	info = queue_state(queue);
	EXPECT_EQ(0, info.leased);
	close(v.fd);
	trap_remove(&trap);
	close(queue);
}

/* Half of the items were in the dead one's memory. All of them come again. */
TEST_F(stall, killed_consumer)
{
	struct mpmc_queue_info info;
	__u64 item;
	int i;

	for (i = 0; i < 10; i++) {
		put_range(self->queue, 1, 50);
		kill_in_the_trap(self->consumer, false);
		info = queue_state(self->queue);
		EXPECT_EQ(50, info.items + info.leased);
		/* A token that is open elsewhere keeps its lease. */
		EXPECT_EQ(variant->token ? N : 0, info.leased);
		if (variant->token && i % 2)
			EXPECT_TRUE(take_range(self->consumer, 1, 50));
		if (variant->token) {
			close(self->consumer);
			self->consumer = consumer_create(self->queue, 64);
			ASSERT_LE(0, self->consumer);
		}
		if (!variant->token || !(i % 2))
			EXPECT_TRUE(take_range(self->queue, 1, 50));
		EXPECT_EQ(-EAGAIN, deq(self->queue, &item));
	}
	EXPECT_EQ(1000, fill(self->queue, 1));
}

/* All or nothing: nothing. And its token may be used by others now. */
TEST_F(stall, killed_producer)
{
	int i;

	for (i = 0; i < 10; i++) {
		kill_in_the_trap(self->producer, true);
		EXPECT_EQ(0, queue_items(self->queue));
		EXPECT_EQ(1000, fill(self->producer, 1));
		EXPECT_TRUE(take_range(self->consumer, 1, 1000));
	}
}

#define MOVED 400	/* items in one call of the unimportant thread */
#define AWAY_NS (200 * NSEC_PER_MSEC)

struct unimportant {
	int queue;
	int producer;
	atomic_int done;
};

static void *unimportant_run(void *arg)
{
	struct unimportant *u = arg;
	__u64 items[MOVED] = {};

	pin(0);
	while (!atomic_load(&u->done)) {
		must(enq_bulk(u->producer, items, MOVED) == 0);
		deq_bulk(u->queue, items, MOVED / 2);
		drain(u->queue);
	}
	return NULL;
}

/* Puts and takes, for ever if somebody must be waited for. */
static void important_call(int queue)
{
	__u64 items[BULK_MAX];
	int ret;

	ret = deq_bulk(queue, items, BULK_MAX);
	must(ret > 0 || ret == -EAGAIN);
	must(enq(queue, 1) == 0);
	ret = deq_bulk(queue, items, BULK_MAX);
	must(ret > 0 || ret == -EAGAIN);
}

/*
 * A real-time thread takes the CPU from another wherever that one is (in a
 * kernel that can be preempted anywhere: preempt=full, or PREEMPT_RT), and uses
 * the same queue. Catches: waiting for a slot that is reserved and not
 * published, or for the consumer of older entries: the one that is waited for
 * does not run, but for what the throttling of real-time threads leaves it
 * every second.
 */
TEST_F(stall, preempted)
{
	struct sched_param param = { .sched_priority = 1 };
	struct unimportant u = {
		.queue = self->queue, .producer = self->producer,
	};
	__u64 rng = 88172645463325252ULL, start;
	struct timespec ts = {};
	pthread_t thread;
	int i, slow = 0;

	if (variant->token)	/* with a ring that they all fit into */
		u.producer = producer_create(self->queue, 512);
	ASSERT_LE(0, u.producer);
	thread = thread_start(unimportant_run, &u);
	pin(0);
	must(sched_setscheduler(0, SCHED_FIFO, &param) == 0);
	for (i = 0; i < 1000 && slow < 5; i++) {
		ts.tv_nsec = 10000 + random_below(&rng, 200000);
		nanosleep(&ts, NULL);
		start = now_ns();
		important_call(self->queue);
		slow += now_ns() - start > AWAY_NS;
	}
	/* The emulated CPU itself may be away for that long, but seldom. */
	EXPECT_GT(5, slow);
	atomic_store(&u.done, 1);
	thread_join(thread);
	if (variant->token)
		close(u.producer);
}

TEST_HARNESS_MAIN
