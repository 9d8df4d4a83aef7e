// SPDX-License-Identifier: GPL-2.0
/*
 * G10 and G11: what a queue costs when idle, that a burst's memory goes back,
 * that all of it is charged to the memory cgroup of whoever causes it, and
 * what happens at that cgroup's limit.
 */
#include "mpmc_cgroup.h"
#include "mpmc_mapped.h"

#define PAGE ((int)page_size())
#define ITEMS 400000
#define SLOT sizeof(__u64)

/* Memory goes back through RCU and per-CPU caches: it takes a while. */
static bool charged_at_most(const char *dir, long long limit)
{
	return eventually(charged(dir) <= limit);
}

/* The same when no more comes back; else that would hide what does not. */
static long long charged_in_the_end(const char *dir)
{
	long long now, least = charged(dir);
	int i;

	for (i = 0; i < 100; i++) {
		breathe();
		now = charged(dir);
		if (now < least) {
			least = now;
			i = 0;
		}
	}
	return least;
}

FIXTURE(memory)
{
	char dir[64];
};

FIXTURE_SETUP(memory)
{
	if (!cgroup_available("memory"))
		SKIP(return, "no cgroup v2 with a memory controller");
	cgroup_make(self->dir, "memory");
}

FIXTURE_TEARDOWN(memory)
{
	cgroup_remove(self->dir);
}

struct guest {
	const char *dir;
	bool token;	/* put items through one */
};

/* The group's own process; the test's stays outside, to remove the group. */
static void in_group(struct __test_metadata *_metadata, const char *dir,
		     void (*fn)(void *arg), bool token)
{
	struct guest guest = { .dir = dir, .token = token };

	EXPECT_EQ(0, reap(spawn(fn, &guest)));
}

static int source_of(struct guest *guest, int queue)
{
	int fd = guest->token ? producer_create(queue, 4096) : queue;

	must(fd >= 0);
	return fd;
}

/*
 * Fills and drains several times. Catches: memory that is not charged, that is
 * kept for ever after the burst, or that grows from burst to burst.
 */
static void burst(void *arg)
{
	struct guest *guest = arg;
	long long before, idle, full;
	int queue, source, i;

	cgroup_enter(guest->dir);
	before = charged(guest->dir);
	queue = queue_create(ITEMS, 0);
	must(queue >= 0);
	source = source_of(guest, queue);
	put_range(source, 1, 1);
	must(take_range(queue, 1, 1));
	idle = charged(guest->dir);
	for (i = 0; i < 5; i++) {
		put_range(source, 1, ITEMS);
		full = charged(guest->dir);
		must(full - idle > (long long)(ITEMS * SLOT) * 9 / 10);
		must(take_range(queue, 1, ITEMS));
		must(charged_at_most(guest->dir,
				     idle + ITEMS * SLOT / 20));
	}
	close(source);
	close(queue);
	must(charged_at_most(guest->dir, before + 16 * PAGE));
}

TEST_F(memory, burst)
{
	in_group(_metadata, self->dir, burst, false);
}

TEST_F(memory, burst_through_a_token)
{
	in_group(_metadata, self->dir, burst, true);
}

#define MAPPED_RING 65536

/* Every page that a mapped ring has, in the token's life and beyond. */
static void mapped_rings(void *arg)
{
	struct guest *guest = arg;
	long long before, each;
	struct mapped p, c;
	int queue, i;

	cgroup_enter(guest->dir);
	queue = queue_create(ITEMS, 0);
	must(queue >= 0);
	put_range(queue, 1, 1);
	must(take_range(queue, 1, 1));
	before = charged(guest->dir);
	for (i = 0; i < 5; i++) {
		mapped_producer(&p, queue, MAPPED_RING);
		each = charged(guest->dir) - before;
		must(each >= (long long)(MAPPED_RING * SLOT));
		must(each <= (long long)(MAPPED_RING * SLOT) * 3);
		mapped_consumer(&c, queue, MAPPED_RING);
		each = charged(guest->dir) - before - each;
		must(each >= (long long)(MAPPED_RING * (SLOT + 4)));
		must(each <= (long long)(MAPPED_RING * (SLOT + 4)) * 2);
		close(p.fd);
		close(c.fd);
		/* As long as they are mapped they are there. */
		must(charged(guest->dir) - before >= each);
		mapped_unmap(&p);
		mapped_unmap(&c);
		/* A few pages come and go with slabs and page tables. */
		must(charged_at_most(guest->dir, before + 16 * PAGE));
	}
	close(queue);
}

/* Catches: rings that cost nobody anything, or that are never given back. */
TEST_F(memory, mapped_rings)
{
	in_group(_metadata, self->dir, mapped_rings, false);
}

/* What does not fit into the ring is in chunks, and those are charged as well. */
static void mapped_burst(void *arg)
{
	struct guest *guest = arg;
	long long idle, full;
	__u64 item, i, round;
	struct mapped p;
	int queue;

	cgroup_enter(guest->dir);
	queue = queue_create(ITEMS, 0);
	must(queue >= 0);
	mapped_producer(&p, queue, 1024);
	must(put(&p, 1) == 0 && take_range(queue, 1, 1));
	idle = charged(guest->dir);
	for (round = 0; round < 3; round++) {
		for (i = 1; i <= ITEMS; i++)
			must(put(&p, i) == 0);
		must(put(&p, i) == -EAGAIN);
		full = charged(guest->dir);
		must(full - idle > (long long)(ITEMS * SLOT) * 9 / 10);
		must(full - idle < (long long)(ITEMS * SLOT) * 3);
		must(take_range(queue, 1, ITEMS));
		must(deq(queue, &item) == -EAGAIN);
		must(charged_at_most(guest->dir, idle + ITEMS * SLOT / 20));
	}
	mapped_close(&p);
	close(queue);
}

/* Catches: chunks of a burst that stay, are not charged, or are far too large. */
TEST_F(memory, burst_through_a_mapping)
{
	in_group(_metadata, self->dir, mapped_burst, false);
}

/* How many pages of the machine's are the group's, without those of slabs. */
static long long pages_of(const char *dir)
{
	int fd = open("/proc/kpagecgroup", O_RDONLY);
	__u64 owner[512];
	struct stat stat;
	long long n = 0;
	ssize_t len, i;

	must(fd >= 0 && fstatat(AT_FDCWD, dir, &stat, 0) == 0);
	while ((len = read(fd, owner, sizeof(owner))) > 0)
		for (i = 0; i < len / (ssize_t)sizeof(*owner); i++)
			n += owner[i] == stat.st_ino;
	close(fd);
	return n;
}

/*
 * What the group has. Linux 7 keeps what was freed on the account that is
 * called "kernel" for what comes next: up to a hundred pages, more or less at random.
 */
static long long held(const char *dir)
{
	statistic(dir, "cpu.stat", "usage_usec"); /* see charged() */
	return statistic(dir, "memory.stat", "slab") +
	       statistic(dir, "memory.stat", "percpu") + pages_of(dir) * PAGE;
}

static bool held_at_most(const char *dir, long long limit)
{
	bool is = eventually(held(dir) <= limit);

	if (!is)
		fprintf(stderr, "# %lld bytes held, and not %lld at most; %lld charged\n",
			held(dir), limit, charged(dir));
	return is;
}

static long long held_in_the_end(const char *dir)
{
	charged_in_the_end(dir);
	return held(dir);
}

#define QUEUES 64

/* Catches: queues of several pages per CPU from the start. */
static void idle_cost(void *arg)
{
	struct guest *guest = arg;
	int i, queues[QUEUES], cpus = sysconf(_SC_NPROCESSORS_CONF);
	long long before, each, used;
	__u64 item;

	cgroup_enter(guest->dir);
	close(queue_create(10, 0));
	before = held(guest->dir);
	for (i = 0; i < QUEUES; i++) {
		queues[i] = queue_create(0, 0);
		must(queues[i] >= 0);
	}
	each = (held(guest->dir) - before) / QUEUES;
	fprintf(stderr, "# an idle queue on %d CPUs: %lld bytes\n", cpus, each);
	must(each > 0);
	must(each <= 12288 + PAGE);
	for (i = 0; i < QUEUES; i++) {
		must(enq(queues[i], 1) == 0);
		must(deq(queues[i], &item) == 1);
	}
	used = (held(guest->dir) - before) / QUEUES;
	fprintf(stderr, "# once used by one thread: %lld bytes\n", used);
	must(used <= 12288 + 2 * PAGE);
	for (i = 0; i < QUEUES; i++)
		close(queues[i]);
	must(held_at_most(guest->dir, before + 16 * PAGE));
}

TEST_F(memory, idle_queue)
{
	in_group(_metadata, self->dir, idle_cost, false);
}

#define LOOPS 2000

static void churn(void *arg)
{
	struct guest *guest = arg;
	int i, queue, producer, consumer;
	long long before = 0;

	cgroup_enter(guest->dir);
	for (i = 0; i < LOOPS + 50; i++) {
		if (i == 50)
			before = held_in_the_end(guest->dir);
		queue = queue_create(1000, 0);
		producer = producer_create(queue, 16);
		consumer = consumer_create(queue, 16);
		must(queue >= 0 && producer >= 0 && consumer >= 0);
		put_range(producer, 1, 50);
		put_range(queue, 1, 600);
		must(deq_bulk(consumer, NULL, 5) == -EFAULT);
		must(deq_bulk(queue, NULL, 5) == -EFAULT);
		must(enq_bulk(producer, NULL, 5) == -EFAULT);
		if (i % 2)
			must(drain(queue) > 600);
		close(queue);
		close(producer);
		close(consumer);
	}
	/* A few bytes per loop would be within this, a small object not. */
	must(held_at_most(guest->dir, before + LOOPS * 8 + 8 * PAGE));
}

/* Catches: a leak per queue, per token, per item left behind, per error. */
TEST_F(memory, churn)
{
	in_group(_metadata, self->dir, churn, false);
}

/* G11: rings are memory that the user sizes, too. */
static void rings(void *arg)
{
	struct guest *guest = arg;
	int i, tokens[100], queue;
	long long before, full;
	__u64 item;

	cgroup_enter(guest->dir);
	queue = queue_create(0, 0);
	must(queue >= 0);
	before = charged(guest->dir);
	for (i = 0; i < 100; i++) {
		tokens[i] = i % 2 ? producer_create(queue, 4096) :
				    consumer_create(queue, 4096);
		must(tokens[i] >= 0);
		if (i % 2)
			put_range(tokens[i], 1, 4096);
		else
			must(deq(tokens[i], &item) != -EBUSY);
	}
	full = charged(guest->dir);
	must(full - before > (long long)(50 * 4096 * SLOT));
	drain(queue);
	for (i = 0; i < 100; i++)
		close(tokens[i]);
	must(charged_at_most(guest->dir, before + 20 * PAGE));
}

TEST_F(memory, token_rings_are_charged)
{
	in_group(_metadata, self->dir, rings, false);
}

struct flood {
	int queue;
	int fd;
	char dir[64];
	atomic_llong accepted;
};

static void flood_run(void *arg)
{
	struct flood *flood = arg;
	int ret;

	cgroup_enter(flood->dir);
	while (!(ret = enq(flood->fd, atomic_load(&flood->accepted) + 1)))
		atomic_fetch_add(&flood->accepted, 1);
	must(ret == -ENOMEM);
}

/* Who cannot be killed for its memory is told that there is none. */
static void flood_immortal(void *arg)
{
	must(file_write("/proc/self", "oom_score_adj", "-1000"));
	flood_run(arg);
}

static struct flood *flood_create(const char *dir, bool token)
{
	struct flood *flood = shared_alloc(sizeof(*flood));
	struct mpmc_device_info info;

	must(device_info(&info) == 0);
	snprintf(flood->dir, sizeof(flood->dir), "%s", dir);
	flood->queue = queue_create(info.max_capacity, 2);
	must(flood->queue >= 0);
	flood->fd = token ? producer_create(flood->queue, 0) : flood->queue;
	must(flood->fd >= 0);
	return flood;
}

/*
 * All that was accepted is there, in order, and the queue as good as before.
 * (The last may have been accepted while its owner was killed.)
 */
static void flood_check(struct __test_metadata *_metadata, struct flood *flood)
{
	__u64 n = atomic_load(&flood->accepted), more;
	struct mpmc_token_info info;

	EXPECT_LT(10000, n);
	EXPECT_TRUE(take_range(flood->queue, 1, n));
	more = drain(flood->queue);
	EXPECT_GE(1, more);
	put_range(flood->fd, 1, 100000);
	EXPECT_TRUE(take_range(flood->queue, 1, 100000));
	EXPECT_EQ(0, queue_items(flood->queue));
	if (flood->fd != flood->queue) {
		EXPECT_EQ(0, token_info(flood->fd, &info));
		EXPECT_EQ(0, info.items);
	}
	close(flood->fd);
	close(flood->queue);
}

/*
 * Catches: the charge going to whoever made the queue, or to no one, so that
 * one group fills the machine's memory: then no limit stops it.
 */
TEST_F(memory, enomem)
{
	struct flood *flood;
	int token;

	for (token = 0; token < 2; token++) {
		flood = flood_create(self->dir, token);
		ASSERT_TRUE(file_write(self->dir, "memory.max", "4194304"));
		EXPECT_EQ(0, reap(spawn(flood_immortal, flood)));
		flood_check(_metadata, flood);
	}
}

/* Else it is killed, and it alone, and its items are still there. */
TEST_F(memory, killed_at_the_limit)
{
	struct flood *flood = flood_create(self->dir, false);
	int status;

	ASSERT_TRUE(file_write(self->dir, "memory.max", "4194304"));
	status = reap(spawn(flood_run, flood));
	EXPECT_TRUE(!status ||
		    (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)) {
		TH_LOG("status %#x", status);
	}
	flood_check(_metadata, flood);
}

#define BULK_ITEMS 400000

struct hopeless {
	int queue;
	const char *dir;
	__u64 *items;
	atomic_int tried;
};

/* Room for all of them in the queue, and for half of them in the group. */
static void hopeless_run(void *arg)
{
	struct hopeless *h = arg;
	int ret;

	must(file_write("/proc/self", "oom_score_adj", "-1000"));
	cgroup_enter(h->dir);
	for (;;) {
		ret = enq_bulk(h->queue, h->items, BULK_ITEMS);
		must(ret == -ENOMEM || ret == -EAGAIN);
		if (ret == -ENOMEM)
			atomic_fetch_add(&h->tried, 1);
	}
}

/*
 * Catches: a bulk that takes the room first and then looks for memory, which
 * takes long and comes to nothing, while others find the queue full.
 */
TEST_F(memory, bulk_without_memory_takes_no_room)
{
	struct hopeless *h = shared_alloc(sizeof(*h));
	int refused = 0, puts = 0;
	__u64 item;
	pid_t pid;

	h->queue = queue_create(BULK_ITEMS, 0);
	ASSERT_LE(0, h->queue);
	h->dir = self->dir;
	h->items = shared_alloc(BULK_ITEMS * sizeof(*h->items));
	memset(h->items, 1, BULK_ITEMS * sizeof(*h->items));
	ASSERT_TRUE(file_write(self->dir, "memory.max", "5242880"));
	pid = spawn(hopeless_run, h);
	while (atomic_load(&h->tried) < 20) {
		refused += enq(h->queue, ++puts) == -EAGAIN;
		deq(h->queue, &item);
	}
	EXPECT_TRUE(killed(pid));
	TH_LOG("%d bulks without memory, %d of %d puts refused",
	       atomic_load(&h->tried), refused, puts);
	EXPECT_EQ(0, refused);
	close(h->queue);
}

#define STARVED 20

/* At the limit, creating fails cleanly: no fd, no count, no memory. */
static void starved(void *arg)
{
	struct guest *guest = arg;
	int i, fd, queue, failed = 0;
	__u64 item;

	must(file_write("/proc/self", "oom_score_adj", "-1000"));
	queue = queue_create(0, 0);
	must(queue >= 0);
	put_range(queue, 1, 3000);
	cgroup_enter(guest->dir);
	must(file_write(guest->dir, "memory.max", "2097152"));
	allow_fds(5000);
	for (i = 0; failed < STARVED; i++) {
		must(i < 4000);
		fd = i % 2 ? producer_create(queue, 4096) :
			     consumer_create(queue, 4096);
		must(fd >= 0 || fd == -ENOMEM || fd == -ENOSPC);
		failed += fd == -ENOMEM;
	}
	must(queue_state(queue).producers + queue_state(queue).consumers ==
	     (__u32)(i - failed));
	must(queue_create(0, 0) != -EINVAL);
	/* One by one: many at once take memory, and there may be none. */
	for (i = 1; i <= 3000; i++)
		must(deq(queue, &item) == 1 && item == (__u64)i);
}

TEST_F(memory, creation_enomem)
{
	in_group(_metadata, self->dir, starved, false);
}

/*
 * Objects of kmalloc() that no group is charged for (those that are charged are
 * in caches of their own, kmalloc-cg-*), by size. Small ones are not counted:
 * the kernel itself has some of them for every ring that it maps. They may have
 * 128 bytes, where there is nothing smaller, as on arm64.
 */
static void uncharged_objects(long long objects[17])
{
	char line[512], unit;
	int size, random, log, least = 17;
	long long n;
	FILE *file = fopen("/proc/slabinfo", "r");

	must(file);
	memset(objects, 0, 17 * sizeof(*objects));
	while (fgets(line, sizeof(line), file)) {
		unit = ' ';
		if (sscanf(line, "kmalloc-rnd-%d-%d%c %lld", &random, &size,
			   &unit, &n) != 4 &&
		    sscanf(line, "kmalloc-%d%c %lld", &size, &unit, &n) != 3)
			continue;
		size *= unit == 'k' ? 1024 : 1;
		for (log = 0; size > 1; size /= 2)
			log++;
		least = log < least ? log : least;
		if (log >= 7 && log < 17)
			objects[log] += n;
	}
	must(least < 17);
	objects[least] = 0;
	fclose(file);
}

#define MUCH 500

/*
 * Catches: a table that every queue has, or every token of a kind, and that is not
 * charged. The kernel has one, uncharged, for each slab that charged objects are
 * in: one for some three queues.
 */
static void all_of_it(void *arg)
{
	long long before[17], after[17];
	struct guest *guest = arg;
	int i, queue = queue_create(0, 0);
	int count = guest->token ? 2 * MUCH : MUCH;

	cgroup_enter(guest->dir);
	allow_fds(5000);
	uncharged_objects(before);
	for (i = 0; i < count; i++) {
		if (guest->token)
			must((i % 2 ? producer_create(queue, 4096) :
				      consumer_create(queue, 4096)) >= 0);
		else
			must(queue_create(0, 1024) >= 0);
	}
	uncharged_objects(after);
	for (i = 0; i < 17; i++) {
		if (after[i] - before[i] >= MUCH / 10)
			fprintf(stderr, "# %lld objects of %d bytes\n",
				after[i] - before[i], 1 << i);
		must(after[i] - before[i] < MUCH * 4 / 5);
	}
}

TEST_F(memory, all_of_a_queue)
{
	in_group(_metadata, self->dir, all_of_it, false);
}

TEST_F(memory, all_of_a_token)
{
	in_group(_metadata, self->dir, all_of_it, true);
}

#define GIVEN_BACK 65536

struct lease {
	const char *dir;
	int queue;
};

/* Makes a token in the group, and closes it outside of that. */
static void give_back(void *arg)
{
	struct lease *lease = arg;
	long long before;
	int token, i;

	cgroup_enter(lease->dir);
	before = charged(lease->dir);
	token = consumer_create(lease->queue, GIVEN_BACK);
	must(token >= 0);
	must(deq_bulk(token, NULL, GIVEN_BACK) == -EFAULT);
	must(queue_state(lease->queue).leased == GIVEN_BACK);
	cgroup_enter(CGROUP_ROOT);
	close(token);
	/* The ring goes, after a grace period. What comes in its place stays. */
	for (i = 0; i < 100; i++) {
		must(charged(lease->dir) - before >
		     (long long)(GIVEN_BACK * SLOT));
		usleep(10000);
	}
}

/*
 * What a token gives back needs memory anew. Catches: nobody charged for it, or
 * whoever closes it.
 */
TEST_F(memory, given_back)
{
	struct lease lease = {
		.dir = self->dir, .queue = queue_create(GIVEN_BACK, 1),
	};

	ASSERT_LE(0, lease.queue);
	put_range(lease.queue, 1, GIVEN_BACK);
	EXPECT_EQ(0, reap(spawn(give_back, &lease)));
	EXPECT_TRUE(take_range(lease.queue, 1, GIVEN_BACK));
	close(lease.queue);
}

/*
 * Without any memory not even a file can be opened. What there is to say then is
 * said after the limit has been lifted: a process that needs memory and cannot
 * be killed for it stays where it is.
 */
static int group_open(const char *dir, const char *name, int flags)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, flags | O_CLOEXEC);
	must(fd >= 0);
	return fd;
}

static int limit_open(const char *dir)
{
	return group_open(dir, "memory.max", O_WRONLY);
}

/* The kernel has a buffer for such a file from the first time it is read. */
static long long peak(int fd)
{
	char text[32];
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	must(n > 0);
	text[n] = '\0';
	return atoll(text);
}

static bool limit_set(int fd, const char *text)
{
	return pwrite(fd, text, strlen(text), 0) == (ssize_t)strlen(text);
}

/*
 * What comes back when its group has no memory left: from tokens that are closed,
 * by calls that release it, and from calls that can't write it to their caller.
 */
struct come_back {
	const char *dir;
	int queue;
	bool (*once)(int queue);	/* whether there was memory */
	long long allowance;	/* so much more than there is for a start */
	int rounds;
};

static bool leased(int token)
{
	int ret = deq_bulk(token, NULL, GIVEN_BACK);

	must(ret == -EFAULT);
	return true;
}

static bool close_once(int queue)
{
	int token = consumer_create(queue, GIVEN_BACK);

	must(token >= 0 || token == -ENOMEM);
	if (token < 0)
		return false;
	leased(token);
	close(token);
	return true;
}

static bool release_once(int queue)
{
	static int token = -1;
	int ret;

	if (token < 0)
		token = consumer_create(queue, GIVEN_BACK);
	must(token >= 0);
	leased(token);
	ret = lease_release(token, GIVEN_BACK);
	must(ret == 0 || ret == -ENOMEM);
	return !ret;
}

static bool bulk_once(int queue)
{
	int ret = deq_bulk(queue, NULL, GIVEN_BACK);

	must(ret == -EFAULT || ret == -ENOMEM);
	return ret == -EFAULT;
}

static bool single_once(int queue)
{
	static struct mpmc_transfer *arg;

	if (!arg) {
		arg = shared_alloc(PAGE);
		arg->size = sizeof(*arg);
		arg->flags = MPMC_TRANSFER_INLINE;
		arg->count = 1;
		must(mprotect(arg, PAGE, PROT_READ) == 0);
	}
	must(mpmc_ioctl(queue, MPMC_IOC_ITEM_DEQUEUE, arg) == -EFAULT);
	return true;
}

static long long number_in(const char *dir, const char *name)
{
	char text[32];

	must(file_read(dir, name, text, sizeof(text)));
	return atoll(text);
}

static void come_back_run(void *arg)
{
	struct come_back *c = arg;
	int peak_fd = group_open(c->dir, "memory.peak", O_RDONLY);
	int limit = limit_open(c->dir);
	long long most, highest;
	char text[32];
	int i, had = 0;

	must(file_write("/proc/self", "oom_score_adj", "-1000"));
	cgroup_enter(c->dir);
	c->once(c->queue);
	peak(peak_fd);
	most = number_in(c->dir, "memory.current") + c->allowance;
	snprintf(text, sizeof(text), "%lld", most / PAGE * PAGE);
	must(limit_set(limit, text));
	for (i = 0; i < c->rounds; i++)
		had += c->once(c->queue);
	/* Without the limit much is charged at once, on each CPU. */
	highest = peak(peak_fd);
	must(limit_set(limit, "max"));
	fprintf(stderr, "# %d of %d times, %lld bytes of %lld at most\n", had,
		c->rounds, highest, most);
	must(had);
	must(highest <= most);
}

static void come_back(struct __test_metadata *_metadata, const char *dir,
		      bool (*once)(int queue), long long allowance, int rounds)
{
	struct come_back c = {
		.dir = dir, .once = once, .allowance = allowance,
		.rounds = rounds,
	};

	c.queue = queue_create(GIVEN_BACK, 1);
	ASSERT_LE(0, c.queue);
	put_range(c.queue, 1, GIVEN_BACK);
	EXPECT_EQ(0, reap(spawn(come_back_run, &c)));
	EXPECT_TRUE(take_range(c.queue, 1, GIVEN_BACK));
	EXPECT_EQ(0, queue_items(c.queue));
	/* Also what came back in a ring, or in a buffer. */
	EXPECT_TRUE(held_at_most(dir, 16 * PAGE));
	close(c.queue);
}

#define DEAD 12

struct dying {
	const char *dir;
	int queue;
	atomic_int ready;
};

static void dying_run(void *arg)
{
	struct dying *dying = arg;
	int token;

	cgroup_enter(dying->dir);
	token = consumer_create(dying->queue, GIVEN_BACK);
	must(token >= 0 && leased(token));
	atomic_fetch_add(&dying->ready, 1);
	pause();
}

/*
 * Many are killed at once, and there is hardly any memory left. Catches: memory
 * that can't be refused, for what they had leased.
 */
TEST_F(memory, dead_at_the_limit)
{
	struct dying *dying = shared_alloc(sizeof(*dying));
	pid_t pid[DEAD];
	long long most;
	char text[32];
	int i;

	dying->dir = self->dir;
	dying->queue = queue_create(DEAD * GIVEN_BACK, 1);
	ASSERT_LE(0, dying->queue);
	put_range(dying->queue, 1, DEAD * GIVEN_BACK);
	for (i = 0; i < DEAD; i++)
		pid[i] = spawn(dying_run, dying);
	EXPECT_TRUE(eventually(atomic_load(&dying->ready) == DEAD));
	most = number_in(self->dir, "memory.current") + (1 << 19);
	snprintf(text, sizeof(text), "%lld", most / PAGE * PAGE);
	EXPECT_TRUE(file_write(self->dir, "memory.max", text));
	for (i = 0; i < DEAD; i++)
		kill(pid[i], SIGKILL);
	for (i = 0; i < DEAD; i++)
		reap(pid[i]);
	EXPECT_GE(most, number_in(self->dir, "memory.peak"));
	TH_LOG("%lld bytes of %lld at most",
	       number_in(self->dir, "memory.peak"), most);
	EXPECT_EQ(DEAD * GIVEN_BACK, drain(dying->queue));
	EXPECT_TRUE(held_at_most(self->dir, 16 * PAGE));
	close(dying->queue);
}

/* Catches: what can't fail, and goes beyond the limit instead. */
TEST_F(memory, closed_at_the_limit)
{
	come_back(_metadata, self->dir, close_once, 3 << 20, 100);
}

TEST_F(memory, released_at_the_limit)
{
	come_back(_metadata, self->dir, release_once, 3 << 20, 100);
}

TEST_F(memory, undelivered_at_the_limit)
{
	come_back(_metadata, self->dir, bulk_once, 3 << 20, 1000);
}

TEST_F(memory, one_undelivered_at_the_limit)
{
	come_back(_metadata, self->dir, single_once, 1 << 19, 100000);
}

#define BULK 4000000

/*
 * A bulk is in the kernel's memory as a whole before there is a place for it.
 * Catches: a buffer that a group can have beyond its limit; and the memory for
 * its places kept if there is not enough.
 */
static void bulk_enomem(void *arg)
{
	struct guest *guest = arg;
	int i, queue = queue_create(BULK, 1);
	long long before;
	__u64 *items;

	must(queue >= 0);
	must(enq(queue, 1) == 0);	/* no room for all */
	must(file_write("/proc/self", "oom_score_adj", "-1000"));
	cgroup_enter(guest->dir);
	/* Only read: of the zero page, which is nobody's. */
	items = mmap(NULL, BULK * SLOT, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS,
		     -1, 0);
	must(items != MAP_FAILED);
	must(enq_bulk(queue, items, BULK) == -EAGAIN);
	must(file_write(guest->dir, "memory.max", "4194304"));
	must(enq_bulk(queue, items, BULK) == -ENOMEM);
	before = charged(guest->dir);
	/* Enough for a buffer, and not for the same again. */
	for (i = 0; i < 5; i++)
		must(enq_bulk(queue, items, 350000) == -ENOMEM);
	must(charged_at_most(guest->dir, before + 16 * PAGE));
	must(enq_bulk(queue, items, 50000) == 0);
}

TEST_F(memory, bulk_enomem)
{
	in_group(_metadata, self->dir, bulk_enomem, false);
}

#define FEW_QUEUES 20
#define PARAMETERS "/sys/module/mpmc/parameters"

/* More memory page by page until a queue can be made; the last error, or 0. */
static int queue_starved(int limit)
{
	char text[16];
	int i, fd;

	for (i = 0;; i++) {
		snprintf(text, sizeof(text), "%d", i / (2 * FEW_QUEUES) * PAGE);
		if (!limit_set(limit, text))
			return -errno;
		fd = queue_create(0, 1024);
		/* An early one stays: the kernel had memory charged ahead. */
		if (fd != -ENOMEM && (fd < 0 || i > 2 * FEW_QUEUES))
			break;
	}
	close(fd);
	return i > 2 * FEW_QUEUES && fd >= 0 ? 0 : fd;
}

/* Catches: a queue that was not made, and is counted for its user. */
static void queues_starved(void *arg)
{
	struct guest *guest = arg;
	int ret, limit = limit_open(guest->dir);

	must(file_write("/proc/self", "oom_score_adj", "-1000"));
	pin(0);		/* what is charged ahead is so for each CPU */
	cgroup_enter(guest->dir);
	close(queue_create(0, 1024));
	ret = queue_starved(limit);
	must(limit_set(limit, "max"));
	must(ret == 0);
}

TEST_F(memory, queue_enomem)
{
	struct mpmc_device_info info;
	char few[16], usual[16];

	ASSERT_EQ(0, device_info(&info));
	snprintf(few, sizeof(few), "%d", FEW_QUEUES);
	snprintf(usual, sizeof(usual), "%u", info.max_queues);
	ASSERT_TRUE(file_write(PARAMETERS, "max_queues", few));
	in_group(_metadata, self->dir, queues_starved, false);
	ASSERT_TRUE(file_write(PARAMETERS, "max_queues", usual));
}

#define REFUSED_ITEMS 100000

/*
 * Asks again and again for more room than there is. Catches: memory that is got
 * first, and given back through RCU, which takes so long that it adds up.
 */
static void refused_bulks(void *arg)
{
	struct guest *guest = arg;
	int i, queue = queue_create(REFUSED_ITEMS, 2);
	__u64 *items = shared_alloc(REFUSED_ITEMS * sizeof(*items));

	must(queue >= 0);
	must(enq(queue, 1) == 0);	/* no room for all */
	memset(items, 1, REFUSED_ITEMS * sizeof(*items));
	cgroup_enter(guest->dir);
	must(file_write(guest->dir, "memory.max", "4194304"));
	for (i = 0; i < 2000; i++)
		must(enq_bulk(queue, items, REFUSED_ITEMS) == -EAGAIN);
}

TEST_F(memory, refused_bulks_cost_nothing)
{
	in_group(_metadata, self->dir, refused_bulks, false);
}

#define RING 4096

/* The ring has room for all. Catches: blocks for items that need none. */
static void ring_bulks(void *arg)
{
	struct guest *guest = arg;
	int i, queue = queue_create(0, 2), token = producer_create(queue, RING);
	static __u64 items[RING];

	must(token >= 0);
	memset(items, 1, sizeof(items));
	cgroup_enter(guest->dir);
	must(file_write(guest->dir, "memory.max", "2097152"));
	for (i = 0; i < 5000; i++) {
		must(enq_bulk(token, items, RING) == 0);
		must(deq_bulk(queue, items, RING) == RING);
	}
}

TEST_F(memory, bulks_in_a_ring_need_no_blocks)
{
	in_group(_metadata, self->dir, ring_bulks, false);
}

struct first_put {
	int fd;
	atomic_int started;
	__u64 *items;
};

static void first_put_run(void *arg)
{
	struct first_put *put = arg;

	atomic_store(&put->started, 1);
	enq_bulk(put->fd, put->items, BULK_ITEMS);
	pause();
}

/* Killed at its first put, which makes the segment, or the token's spill. */
static void first_puts(void *arg)
{
	struct first_put *put = shared_alloc(sizeof(*put));
	struct guest *guest = arg;
	__u64 rng = 88172645463325252ULL;
	long long before = 0;
	int i, queue;
	pid_t pid;

	put->items = shared_alloc(BULK_ITEMS * sizeof(*put->items));
	memset(put->items, 1, BULK_ITEMS * sizeof(*put->items));
	cgroup_enter(guest->dir);
	for (i = 0; i < 330; i++) {
		if (i == 30)
			before = charged(guest->dir);
		queue = queue_create(BULK_ITEMS, 2);
		put->fd = guest->token ? producer_create(queue, 4) : queue;
		must(put->fd >= 0);
		pid = spawn(first_put_run, put);
		must(eventually(atomic_load(&put->started)));
		spin_ns(random_below(&rng, 1000000));
		must(killed(pid));
		atomic_store(&put->started, 0);
		close(put->fd);
		close(queue);
	}
	must(charged_at_most(guest->dir, before + 16 * PAGE));
}

TEST_F(memory, killed_at_first_put)
{
	in_group(_metadata, self->dir, first_puts, false);
	in_group(_metadata, self->dir, first_puts, true);
}

TEST_HARNESS_MAIN
