// SPDX-License-Identifier: GPL-2.0
/*
 * Mapped rings of tokens: what a process may do with them, and what it may do
 * to others by them, which is nothing.
 */
#include <liburing.h>

#include "mpmc_mapped.h"

#define CAPACITY 64
#define RING 16

/* --- The rules of mmap --- */

#define PAGE page_size()
#define PAGES(bytes) (((bytes) + PAGE - 1) / PAGE)
#define READ_WRITE (PROT_READ | PROT_WRITE)

FIXTURE(rules)
{
	int queue;
	struct mapped m;
};

FIXTURE_VARIANT(rules)
{
	unsigned long create;
};

FIXTURE_VARIANT_ADD(rules, producer) { .create = MPMC_IOC_PRODUCER_CREATE };
FIXTURE_VARIANT_ADD(rules, consumer) { .create = MPMC_IOC_CONSUMER_CREATE };

/* Rings of several pages. */
FIXTURE_SETUP(rules)
{
	self->queue = queue_create(4096, 0);
	ASSERT_LE(0, self->queue);
	ASSERT_EQ(0, mapped_map(&self->m, token_create(self->queue,
						       variant->create, 1024)));
}

FIXTURE_TEARDOWN(rules)
{
	mapped_close(&self->m);
	/* Whatever was refused has cost nothing. */
	EXPECT_EQ(4096, fill(self->queue, 1));
	close(self->queue);
}

/* Maps and unmaps; -errno. */
static int try_map(int fd, size_t size, int prot, int flags, __u64 offset)
{
	void *p = mmap(NULL, size, prot, flags, fd, offset);

	if (p == MAP_FAILED)
		return -errno;
	must(munmap(p, size) == 0);
	return 0;
}

/* Catches: pages that a private mapping would copy, to be looked at for ever. */
TEST_F(rules, shared_only)
{
	const struct mapped *m = &self->m;

	EXPECT_EQ(-EINVAL, try_map(m->fd, m->info.kernel_size, PROT_READ,
				   MAP_PRIVATE, MPMC_MAP_KERNEL));
	munmap(m->owner, m->info.owner_size);
	EXPECT_EQ(-EINVAL, try_map(m->fd, m->info.owner_size, READ_WRITE,
				   MAP_PRIVATE, MPMC_MAP_OWNER));
	EXPECT_EQ(0, try_map(m->fd, m->info.owner_size, READ_WRITE, MAP_SHARED,
			     MPMC_MAP_OWNER));
}

static bool refused(int ret)
{
	return ret == -EACCES || ret == -EPERM;
}

/* Catches: a process that writes what the kernel relies on. */
TEST_F(rules, kernel_part_is_read_only)
{
	const struct mapped *m = &self->m;
	size_t size = m->info.kernel_size;
	int i, prots[] = {
		PROT_WRITE, READ_WRITE, PROT_READ | PROT_EXEC, PROT_EXEC,
		READ_WRITE | PROT_EXEC,
	};

	for (i = 0; i < 5; i++) {
		EXPECT_TRUE(refused(try_map(m->fd, size, prots[i], MAP_SHARED,
					    MPMC_MAP_KERNEL)));
		EXPECT_EQ(-1, mprotect(m->kernel, size, prots[i]));
		EXPECT_EQ(EACCES, errno);
	}
	/* As often as one likes. */
	for (i = 0; i < 5; i++)
		EXPECT_TRUE(token_mmap(m->fd, size, PROT_READ,
				       MPMC_MAP_KERNEL));
}

TEST_F(rules, owner_part_is_not_executable)
{
	const struct mapped *m = &self->m;
	size_t size = m->info.owner_size;

	EXPECT_EQ(-1, mprotect(m->owner, size, READ_WRITE | PROT_EXEC));
	EXPECT_EQ(EACCES, errno);
	EXPECT_EQ(-1, mprotect(m->owner, size, PROT_EXEC));
	EXPECT_EQ(EACCES, errno);
	munmap(m->owner, size);
	EXPECT_TRUE(refused(try_map(m->fd, size, READ_WRITE | PROT_EXEC,
				    MAP_SHARED, MPMC_MAP_OWNER)));
	/* Catches: a refused mapping that counts as one for ever. */
	EXPECT_EQ(0, try_map(m->fd, size, READ_WRITE, MAP_SHARED,
			     MPMC_MAP_OWNER));
}

/* Catches: pages beyond the token's, or a part of it mapped alone. */
TEST_F(rules, size_and_offset)
{
	const struct mapped *m = &self->m;
	__u64 offsets[] = {
		PAGE, MPMC_MAP_OWNER - PAGE, MPMC_MAP_OWNER + PAGE,
		2ULL * MPMC_MAP_OWNER, 1ULL << 40, (1ULL << 63) - PAGE * 1024,
	};
	unsigned int i;
	size_t size;

	munmap(m->owner, m->info.owner_size);
	for (i = 0; i < ARRAY_SIZE(offsets); i++)
		EXPECT_EQ(-EINVAL, try_map(m->fd, m->info.owner_size, PROT_READ,
					   MAP_SHARED, offsets[i]));
	for (size = PAGE; size < 48 * PAGE; size += PAGE) {
		EXPECT_EQ(size == m->info.owner_size ? 0 : -EINVAL,
			  try_map(m->fd, size, READ_WRITE, MAP_SHARED,
				  MPMC_MAP_OWNER));
		EXPECT_EQ(size == m->info.kernel_size ? 0 : -EINVAL,
			  try_map(m->fd, size, PROT_READ, MAP_SHARED,
				  MPMC_MAP_KERNEL));
	}
}

/* Whether there is anything at an address. */
static bool is_there(const char *at)
{
	int pipes[2];
	bool there;

	must(pipe(pipes) == 0);
	there = write(pipes[1], at, 1) == 1;
	must(there || errno == EFAULT);
	close(pipes[0]);
	close(pipes[1]);
	return there;
}

/* Catches: pages of somebody else's between the parts. */
TEST_F(rules, parts)
{
	const struct mapped *m = &self->m;
	unsigned int kernel = 0, owner = 0, i;

	EXPECT_EQ(MPMC_MAP_STRIDE, m->info.token_offset);
	EXPECT_EQ(0, m->info.items_offset % MPMC_MAP_STRIDE);
	for (i = 0; i < m->info.kernel_size / PAGE; i++)
		kernel += is_there(m->kernel + i * PAGE);
	for (i = 0; i < m->info.owner_size / PAGE; i++)
		owner += is_there(m->owner + i * PAGE);
	if (m->info.kind == MPMC_TOKEN_PRODUCER) {
		EXPECT_EQ(2, kernel);
		EXPECT_EQ(1 + PAGES(1024 * 8), owner);
	} else {
		EXPECT_EQ(2 + PAGES(1024 * 12), kernel);
		EXPECT_EQ(1, owner);
	}
}

/* Of another process: the exit status is what became of it. */
static void map_owner_child(void *arg)
{
	struct mapped *m = arg;

	_exit(-try_map(m->fd, m->info.owner_size, READ_WRITE, MAP_SHARED,
		       MPMC_MAP_OWNER));
}

/* Catches: two owners; and no next one when the first has gone. */
TEST_F(rules, one_owner)
{
	struct mapped *m = &self->m;
	size_t size = m->info.owner_size;
	int status;

	EXPECT_EQ(-EBUSY, try_map(m->fd, size, READ_WRITE, MAP_SHARED,
				  MPMC_MAP_OWNER));
	status = reap(spawn(map_owner_child, m));
	EXPECT_EQ(EBUSY, WEXITSTATUS(status));
	munmap(m->owner, size);
	EXPECT_EQ(0, reap(spawn(map_owner_child, m)));
	EXPECT_EQ(0, try_map(m->fd, size, READ_WRITE, MAP_SHARED,
			     MPMC_MAP_OWNER));
}

/* One item through the token, by way of its mapping. */
static bool works(int queue, struct mapped *m)
{
	__u64 item = 0;

	if (m->info.kind == MPMC_TOKEN_PRODUCER) {
		/* The first call asks for room, the second uses it. */
		return put(m, 1) == 0 && take_range(queue, 1, 1) &&
		       mapped_rest(m) && put(m, 2) == 0 &&
		       take_range(queue, 2, 1);
	}
	return enq(queue, 3) == 0 && take(m, &item) == 1 && item == 3;
}

/* Catches: a ring that is not what it was after it was away for a while. */
TEST_F(rules, mapped_again)
{
	struct mapped *m = &self->m;
	int i;

	for (i = 0; i < 3; i++) {
		ASSERT_TRUE(works(self->queue, m));
		mapped_unmap(m);
		ASSERT_EQ(0, mapped_map(m, m->fd));
	}
	ASSERT_TRUE(works(self->queue, m));
}

/* Catches: a part of the mapping left behind, which counts as the whole. */
TEST_F(rules, never_a_part)
{
	struct mapped *m = &self->m;
	char *parts[] = { m->kernel, m->owner };
	size_t sizes[] = { m->info.kernel_size, m->info.owner_size };
	int i;

	for (i = 0; i < 2; i++) {
		if (sizes[i] == PAGE)
			continue;
		EXPECT_EQ(-1, munmap(parts[i], PAGE));
		EXPECT_EQ(EINVAL, errno);
		EXPECT_EQ(-1, munmap(parts[i] + sizes[i] - PAGE, PAGE));
		EXPECT_EQ(-1, mprotect(parts[i], PAGE, PROT_NONE));
		EXPECT_EQ(-1, madvise(parts[i], PAGE, MADV_WIPEONFORK));
		EXPECT_EQ(MAP_FAILED, mremap(parts[i], sizes[i], PAGE, 0));
		EXPECT_EQ(MAP_FAILED, mremap(parts[i], PAGE, PAGE,
					     MREMAP_MAYMOVE | MREMAP_FIXED,
					     parts[i] + (1ULL << 30)));
	}
	EXPECT_TRUE(works(self->queue, m));
}

/* Catches: mappings that grow beyond their pages, or are doubled. */
TEST_F(rules, remap)
{
	struct mapped *m = &self->m;
	size_t size = m->info.owner_size;
	char *moved;

	EXPECT_EQ(MAP_FAILED, mremap(m->owner, size, size + PAGE,
				     MREMAP_MAYMOVE));
	EXPECT_EQ(MAP_FAILED, mremap(m->owner, 0, size, MREMAP_MAYMOVE));
	EXPECT_EQ(MAP_FAILED, mremap(m->kernel, 0, m->info.kernel_size,
				     MREMAP_MAYMOVE));
	moved = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, moved);
	/* To another place it may go, and is still the only one. */
	moved = mremap(m->owner, size, size, MREMAP_MAYMOVE | MREMAP_FIXED,
		       moved);
	ASSERT_NE(MAP_FAILED, moved);
	m->owner = moved;
	mapped_lay_out(m);
	EXPECT_TRUE(works(self->queue, m));
	EXPECT_EQ(-EBUSY, try_map(m->fd, size, READ_WRITE, MAP_SHARED,
				  MPMC_MAP_OWNER));
}

static void read_child(void *arg)
{
	load_acquire((__u64 *)arg);
}

/* Catches: children that share the mapping, and are owners too. */
TEST_F(rules, not_inherited)
{
	struct mapped *m = &self->m;
	char *parts[] = { m->kernel, m->owner };
	int i, status;

	for (i = 0; i < 2; i++) {
		status = reap(spawn(read_child, parts[i]));
		EXPECT_TRUE(WIFSIGNALED(status));
		EXPECT_EQ(SIGSEGV, WTERMSIG(status));
	}
	/* Nor have the children's ends been taken for the owner's. */
	EXPECT_EQ(-EBUSY, try_map(m->fd, m->info.owner_size, READ_WRITE,
				  MAP_SHARED, MPMC_MAP_OWNER));
	EXPECT_TRUE(works(self->queue, m));
}

/* Catches: a token that ends with its fd, under the one who has it mapped. */
TEST_F(rules, mapping_without_fd)
{
	struct mapped *m = &self->m;
	int fd = m->fd;

	ASSERT_TRUE(works(self->queue, m));
	if (variant->create == MPMC_IOC_PRODUCER_CREATE) {
		close(fd);
		ASSERT_LT(0, mapped_rest(m));
		EXPECT_EQ(0, put(m, 5));
		EXPECT_TRUE(take_range(self->queue, 5, 1));
		EXPECT_EQ(1, queue_state(self->queue).producers);
	} else {
		ASSERT_EQ(0, enq(self->queue, 5));
		ASSERT_EQ(1, lease_fill(fd, NULL, 1));
		close(fd);
		EXPECT_EQ(5, *mapped_entry(m, *m->own));
		EXPECT_EQ(1, queue_state(self->queue).leased);
		store_release(m->own, *m->own + 1);
		EXPECT_EQ(0, queue_state(self->queue).leased);
	}
	m->fd = -1;
}

/* Catches: items stored where nobody will ever look. */
TEST(one_segment)
{
	int queue = queue_create(CAPACITY, 1);
	int producer = producer_create(queue, RING);
	struct mapped c;
	__u64 item;

	ASSERT_LE(0, producer);
	EXPECT_EQ(-EOPNOTSUPP, try_map(producer, 2 * PAGE, READ_WRITE,
				       MAP_SHARED, MPMC_MAP_OWNER));
	/* Consumers are another matter. */
	mapped_consumer(&c, queue, RING);
	ASSERT_EQ(0, enq(producer, 7));
	EXPECT_EQ(1, take(&c, &item));
	EXPECT_EQ(7, item);
	mapped_close(&c);
	close(producer);
	close(queue);
}

/* Catches: half of a mapping, of a token that is "not to be mapped". */
TEST(one_segment_kernel_part)
{
	int queue = queue_create(CAPACITY, 1);
	int producer = producer_create(queue, RING);

	ASSERT_LE(0, producer);
	EXPECT_EQ(-EOPNOTSUPP, try_map(producer, 2 * PAGE, PROT_READ,
				       MAP_SHARED, MPMC_MAP_KERNEL));
	close(producer);
	close(queue);
}

/* Catches: a ring that is mapped after all rings were sealed, and is not. */
TEST(mapped_after_shutdown)
{
	int queue = queue_create(CAPACITY, 0);
	int producer = producer_create(queue, RING);
	struct mapped m, c;
	__u64 item;

	ASSERT_LE(0, producer);
	ASSERT_EQ(0, enq(queue, 7));
	ASSERT_EQ(0, queue_shutdown(queue));
	EXPECT_EQ(-EPIPE, mapped_map(&m, producer));
	EXPECT_EQ(-EPIPE, mapped_map(&m, producer));
	mapped_consumer(&c, queue, RING);
	EXPECT_EQ(1, take(&c, &item));
	EXPECT_EQ(7, item);
	EXPECT_EQ(-EPIPE, take(&c, &item));
	mapped_close(&c);
	close(producer);
	close(queue);
}

#define TOKENS 500

/* Catches: what grows with the number of mapped tokens, or is one too small. */
TEST(thousand_mapped_tokens)
{
	int queue = queue_create(100000, 0), i;
	static struct mapped p[TOKENS], c[TOKENS];
	bool seen[TOKENS] = {};
	__u64 item;

	ASSERT_LE(0, queue);
	allow_fds(3000);
	for (i = 0; i < TOKENS; i++) {
		mapped_producer(&p[i], queue, 4);
		mapped_consumer(&c[i], queue, 4);
		ASSERT_EQ(0, put(&p[i], TOKENS));
		ASSERT_EQ(1, take(&c[i], &item));
		ASSERT_LT(0, mapped_rest(&p[i]));
	}
	for (i = 0; i < TOKENS; i++)
		ASSERT_EQ(0, put(&p[i], i));
	for (i = 0; i < TOKENS; i++) {
		ASSERT_EQ(1, take(&c[i], &item));
		ASSERT_LT(item, TOKENS);
		ASSERT_FALSE(seen[item]);
		seen[item] = true;
	}
	for (i = 0; i < TOKENS; i++) {
		mapped_close(&p[i]);
		mapped_close(&c[i]);
	}
	EXPECT_EQ(100000, fill(queue, 1));
	close(queue);
}

/* --- Waiting --- */

struct waiter {
	int fd;
	bool enqueue;
	atomic_int started;
	atomic_int done;
	int ret;
};

static void *waiter_run(void *arg)
{
	struct waiter *w = arg;

	atomic_store(&w->started, gettid());
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
	/* After its own last look, or it would find the room by itself. */
	ASSERT_TRUE(eventually(thread_asleep(&w.started)));
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
		iov[i].iov_len = PAGE;
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

/* --- Scribbling at random, while others work --- */

#define MINE (1ULL << 63)	/* in all items of those that keep to the rules */

struct mess {
	int queue;
	bool produces;		/* the one who scribbles */
	atomic_ullong put;	/* items of the others */
	atomic_int stop;
	atomic_uchar seen[1 << 20];
};

/* Near where it was, or anywhere. */
static __u64 scrawl(__u64 *random, __u64 own)
{
	switch (random_below(random, 4)) {
	case 0:
		return random_next(random);
	case 1:
		return own - random_below(random, 40);
	default:
		return own + random_below(random, 3 * RING) - RING / 2;
	}
}

static void scribble_call(struct mapped *m, __u64 *random)
{
	__u64 item;

	switch (random_below(random, 5)) {
	case 0:
		token_kick(m->fd, 1 + random_below(random, 100));
		break;
	case 1:
		if (m->info.kind == MPMC_TOKEN_PRODUCER)
			enq(m->fd, 1);
		else
			lease_fill(m->fd, NULL, 1 + random_below(random, 20));
		break;
	case 2:
		if (m->info.kind == MPMC_TOKEN_CONSUMER)
			lease_commit(m->fd, 1 + random_below(random, 5));
		break;
	case 3:
		if (m->info.kind == MPMC_TOKEN_CONSUMER)
			lease_release(m->fd, 1 + random_below(random, 5));
		break;
	default:
		deq(m->fd, &item);
	}
}

/* With a new token for a few scrawls each time, until it is killed. */
static void scribbler(void *arg)
{
	struct mess *mess = arg;
	__u64 random = now_ns() | 1;
	struct mapped m;
	int i;

	for (;;) {
		if (mess->produces)
			mapped_producer(&m, mess->queue, RING);
		else
			mapped_consumer(&m, mess->queue, RING);
		for (i = random_below(&random, 200); i; i--) {
			if (mess->produces)
				*mapped_entry(&m, random_next(&random)) = i;
			if (random_below(&random, 3))
				scribble_call(&m, &random);
			else
				store_release(m.own, scrawl(&random, *m.own));
		}
		mapped_close(&m);
	}
}

static void honest_producer(void *arg)
{
	struct mess *mess = arg;
	struct mapped p;
	__u64 n;

	mapped_producer(&p, mess->queue, RING);
	for (n = 0; n < ARRAY_SIZE(mess->seen) && !atomic_load(&mess->stop);
	     n++) {
		must(put_until(&p, MINE | n, in_ms(20000)) == 0);
		atomic_store(&mess->put, n + 1);
	}
	mapped_close(&p);
}

/* Items of the other kind are the scribbler's own. */
static void honest_consumer(void *arg)
{
	struct mess *mess = arg;
	struct mapped c;
	__u64 item;
	int ret;

	mapped_consumer(&c, mess->queue, RING);
	while ((ret = take_until(&c, &item, in_ms(20000))) == 1)
		if (item & MINE)
			must(!atomic_fetch_add(&mess->seen[item & ~MINE], 1));
	must(ret == -EPIPE);
	mapped_close(&c);
}

/* How many of the others' items have been seen by them, each once. */
static __u64 mess_seen(struct mess *mess)
{
	__u64 i, n = 0;

	for (i = 0; i < atomic_load(&mess->put); i++)
		n += atomic_load(&mess->seen[i]);
	return n;
}

static void make_a_mess(struct __test_metadata *_metadata, bool produces)
{
	struct mess *mess = shared_alloc(sizeof(*mess));
	pid_t producer, consumer, pid;
	int i;

	mess->queue = queue_create(CAPACITY, 0);
	mess->produces = produces;
	producer = spawn(honest_producer, mess);
	consumer = spawn(honest_consumer, mess);
	for (i = 0; i < 20; i++) {
		pid = spawn(scribbler, mess);
		usleep(50000);
		EXPECT_TRUE(killed(pid));
	}
	atomic_store(&mess->stop, 1);
	EXPECT_EQ(0, reap(producer));
	EXPECT_TRUE(eventually(queue_items(mess->queue) == 0));
	EXPECT_TRUE(eventually(queue_state(mess->queue).leased == 0));
	/* Catches: room lost, or found twice. */
	queue_shutdown(mess->queue);
	EXPECT_EQ(0, reap(consumer));
	EXPECT_LT(100, mess->put);
	if (produces)
		EXPECT_EQ(mess->put, mess_seen(mess));
	EXPECT_EQ(0, queue_state(mess->queue).granted);
	close(mess->queue);
	munmap(mess, sizeof(*mess));
}

/* Catches: items of others lost, doubled, or held up by one who scribbles. */
TEST(scribbling_producer_among_others)
{
	make_a_mess(_metadata, true);
}

/* What it was handed may be lost, by its own doing; but nothing comes twice. */
TEST(scribbling_consumer_among_others)
{
	make_a_mess(_metadata, false);
}

/* The same with nobody at work. Catches: room lost, or found twice (G4). */
TEST(capacity_after_scribbling)
{
	struct mess *mess = shared_alloc(sizeof(*mess));
	int i;
	pid_t pid;

	mess->queue = queue_create(CAPACITY, 0);
	for (i = 0; i < 40; i++) {
		mess->produces = i % 2;
		fill(mess->queue, 1);
		take_range(mess->queue, 1, CAPACITY / 2);
		pid = spawn(scribbler, mess);
		usleep(random() % 20000);
		ASSERT_TRUE(killed(pid));
		drain(mess->queue);
		ASSERT_EQ(0, queue_items(mess->queue));
		ASSERT_EQ(CAPACITY, fill(mess->queue, 1));
		ASSERT_EQ(CAPACITY, drain(mess->queue));
	}
	close(mess->queue);
	munmap(mess, sizeof(*mess));
}

TEST_HARNESS_MAIN
