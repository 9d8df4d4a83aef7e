// SPDX-License-Identifier: GPL-2.0
/*
 * Mapped rings of tokens: what a process may do with them, and what it may do
 * to others by them, which is nothing.
 */
#include <liburing.h>

#include "mpmc_mapped.h"

#define CAPACITY 64
#define RING 16

/* --- Waiting --- */

struct waiter {
	int fd;
	bool enqueue;
	atomic_int done;
	int ret;
};

static void *waiter_run(void *arg)
{
	struct waiter *w = arg;

	w->ret = move_until(w->fd, w->enqueue, MPMC_FOREVER);
	atomic_store(&w->done, 1);
	return NULL;
}

/*
 * Somebody asks how the queue is doing, just between a commit and the call that
 * says so. Catches: the room returned there, and nobody woken.
 */
TEST(info_between_commit_and_kick)
{
	struct waiter w = { .fd = queue_create(4, 0), .enqueue = true };
	struct mapped c;
	pthread_t thread;

	ASSERT_LE(0, w.fd);
	mapped_consumer(&c, w.fd, 4);
	ASSERT_EQ(4, fill(w.fd, 1));
	ASSERT_EQ(4, lease_fill(c.fd, NULL, 4));
	thread = thread_start(waiter_run, &w);
	ASSERT_TRUE(wait_for_enqueuers(w.fd, 1));
	store_release(c.own, *c.own + 1);
	ASSERT_TRUE(consumer_is_waited_for(&c));
	EXPECT_EQ(3, queue_state(w.fd).leased);
	EXPECT_EQ(0, token_kick(c.fd, 1));
	EXPECT_TRUE(eventually(atomic_load(&w.done)));
	queue_shutdown(w.fd);
	thread_join(thread);
	EXPECT_EQ(0, w.ret);
	mapped_close(&c);
	close(w.fd);
}

/* --- Scribbling --- */

/*
 * Room that the owner has used, and others have freed, said to be unused.
 * Catches: it is free twice then, and the queue takes more than its capacity.
 */
TEST(producer_goes_back)
{
	int queue = queue_create(CAPACITY, 0), i;
	struct mapped p;

	ASSERT_LE(0, queue);
	mapped_producer(&p, queue, RING);
	for (i = 0; i < 5; i++)
		ASSERT_EQ(0, put(&p, i));
	EXPECT_TRUE(take_range(queue, 0, 5));
	*p.own = 0;
	EXPECT_EQ(-EIO, enq(p.fd, 1));
	mapped_close(&p);
	EXPECT_EQ(CAPACITY, fill(queue, 1));
	close(queue);
}

/* The same seen by the close alone. */
TEST(producer_goes_back_and_away)
{
	int queue = queue_create(CAPACITY, 0), i;
	struct mapped p;

	ASSERT_LE(0, queue);
	mapped_producer(&p, queue, RING);
	for (i = 0; i < 5; i++)
		ASSERT_EQ(0, put(&p, i));
	EXPECT_TRUE(take_range(queue, 0, 5));
	*p.own = 0;
	mapped_close(&p);
	EXPECT_EQ(CAPACITY, fill(queue, 1));
	close(queue);
}

/* Catches: EIO only from the calls that move items. */
TEST(kick_of_a_broken_ring)
{
	int queue = queue_create(CAPACITY, 0);
	struct mapped p;

	ASSERT_LE(0, queue);
	mapped_producer(&p, queue, RING);
	ASSERT_EQ(0, put(&p, 1));
	*p.own += 1000;
	EXPECT_EQ(-EIO, token_kick(p.fd, 1));
	EXPECT_EQ(-EIO, enq(p.fd, 1));
	mapped_close(&p);
	EXPECT_EQ(CAPACITY, fill(queue, 1));
	close(queue);
}

/*
 * Pages that somebody keeps beyond the end of the mapping could be written when
 * nobody is there to notice; and a mapping that a child inherits would have two
 * owners. Catches: mappings that can be pinned, or inherited after all.
 */
TEST(pages_cannot_be_kept)
{
	int queue = queue_create(CAPACITY, 0), i;
	struct io_uring uring;
	struct iovec iov[2];
	struct mapped p;

	ASSERT_LE(0, queue);
	mapped_producer(&p, queue, RING);
	iov[0].iov_base = p.owner;
	iov[1].iov_base = p.kernel;
	ASSERT_EQ(0, io_uring_queue_init(4, &uring, 0));
	for (i = 0; i < 2; i++) {
		iov[i].iov_len = sysconf(_SC_PAGESIZE);
		EXPECT_EQ(-EFAULT, io_uring_register_buffers(&uring, &iov[i],
							     1));
		EXPECT_EQ(-1, madvise(iov[i].iov_base, i ? p.info.kernel_size :
				      p.info.owner_size, MADV_DOFORK));
		EXPECT_EQ(EINVAL, errno);
	}
	/* Not for lack of what it takes: other memory can be kept. */
	iov[0].iov_base = mmap(NULL, iov[0].iov_len, PROT_READ | PROT_WRITE,
			       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	EXPECT_EQ(0, io_uring_register_buffers(&uring, iov, 1));
	io_uring_queue_exit(&uring);
	mapped_close(&p);
	close(queue);
}

struct scribble {
	__u64 *own;
	__u64 elsewhere;
	atomic_int here;	/* or elsewhere */
	atomic_int stop;
};

static void *scribble_run(void *arg)
{
	struct scribble *s = arg;
	__u64 *to, value = 0;
	int i;

	pin(1);
	while (!atomic_load(&s->stop)) {
		to = atomic_load(&s->here) ? s->own : &s->elsewhere;
		for (i = 0; i < 1000; i++)
			store_release(to, value += 1000);
	}
	return NULL;
}

/* How many calls there are in a tenth of a second that find nothing, or full. */
static int count_refused(int queue, bool enqueue)
{
	__u64 item, end = in_ms(100);
	int n;

	for (n = 0; now_ns() < end; n++)
		must((enqueue ? enq(queue, 1) : deq(queue, &item)) == -EAGAIN);
	return n;
}

/* The same while the position is scribbled on, and while other memory is. */
static void compare_refused(struct __test_metadata *_metadata, int queue,
			    struct mapped *m, bool enqueue)
{
	struct scribble s = { .own = m->own };
	pthread_t thread = thread_start(scribble_run, &s);
	int i, n[2] = {};

	pin(0);
	for (i = 0; i < 20; i++) {
		atomic_store(&s.here, i % 2);
		breathe();
		n[i % 2] += count_refused(queue, enqueue);
	}
	atomic_store(&s.stop, 1);
	thread_join(thread);
	unpin();
	EXPECT_LT(n[0] / 3, n[1]) {
		TH_LOG("%d calls while it scribbles, else %d", n[1], n[0]);
	}
}

/*
 * Catches: others who look again as long as the position moves, which it does
 * for ever. (Only while the emulator runs both CPUs at a time.)
 */
TEST(scribbling_producer_holds_nobody_up)
{
	int queue = queue_create(CAPACITY, 0);
	struct mapped p;

	ASSERT_LE(0, queue);
	mapped_producer(&p, queue, RING);
	compare_refused(_metadata, queue, &p, false);
	mapped_close(&p);
	EXPECT_EQ(CAPACITY, fill(queue, 1));
	close(queue);
}

TEST(scribbling_consumer_holds_nobody_up)
{
	int queue = queue_create(CAPACITY, 0);
	struct mapped c;

	ASSERT_LE(0, queue);
	mapped_consumer(&c, queue, RING);
	ASSERT_EQ(CAPACITY, fill(queue, 1));
	ASSERT_EQ(RING, lease_fill(c.fd, NULL, RING));
	*c.own = ~0ULL;
	compare_refused(_metadata, queue, &c, true);
	mapped_close(&c);
	EXPECT_TRUE(take_range(queue, 1, CAPACITY));
	close(queue);
}

/* --- Dead letters (to move to mpmc_dead.c) --- */

/* Catches: what dies together laid out in reverse. */
TEST(dead_letters_in_order)
{
	int dead = queue_create(CAPACITY, 1);
	int queue = limited_create(CAPACITY, 1, dead);
	int consumer = consumer_create(queue, 8);

	ASSERT_LE(0, consumer);
	put_range(queue, 1, 5);
	ASSERT_EQ(5, lease_fill(consumer, NULL, 5));
	close(consumer);
	EXPECT_EQ(5, queue_state(queue).dead);
	EXPECT_TRUE(take_range(dead, 1, 5));
	close(queue);
	close(dead);
}

TEST_HARNESS_MAIN
