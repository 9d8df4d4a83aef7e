// SPDX-License-Identifier: GPL-2.0
/*
 * Those who wait for the owners of mapped rings: none sleeps on while there is
 * what it waits for (G7), whether the queue is hot or armed; and the end of the
 * stream, which owners may not notice at once.
 */
#include <sys/epoll.h>

#include "mpmc_mapped.h"

#define PATIENTLY in_ms(20000)
#define CAPACITY 4096
#define RING 1024
#define BULK 100

/* Moves much with nobody asleep. Whether the queue is hot then, on both sides. */
static bool hot_within(struct mapped *p, struct mapped *c, __u64 ms)
{
	static __u64 items[BULK];
	__u64 end = in_ms(ms);

	while ((*p->word || *c->word) && now_ns() < end) {
		must(put_bulk(p, items, BULK) == 0);
		while (take_bulk_until(c, items, BULK, 0) > 0)
			;
	}
	return !*p->word && !*c->word;
}

static bool make_hot(struct mapped *p, struct mapped *c)
{
	return hot_within(p, c, 10000);
}

/* As long as would do ten times over. */
static bool stays_armed(struct mapped *p, struct mapped *c)
{
	return !hot_within(p, c, 1000) && *p->word && *c->word;
}

FIXTURE(arm)
{
	int queue;
	struct mapped p, c;
};

FIXTURE_VARIANT(arm)
{
	bool hot;
};

FIXTURE_VARIANT_ADD(arm, armed) { .hot = false };
FIXTURE_VARIANT_ADD(arm, hot) { .hot = true };

FIXTURE_SETUP(arm)
{
	self->queue = queue_create(CAPACITY, 0);
	ASSERT_LE(0, self->queue);
	mapped_producer(&self->p, self->queue, RING);
	mapped_consumer(&self->c, self->queue, RING);
}

FIXTURE_TEARDOWN(arm)
{
	mapped_close(&self->p);
	mapped_close(&self->c);
	close(self->queue);
}

/* --- Sleepers --- */

enum how { QUEUE, TOKEN, LEASE, POLL, EPOLL, EDGE, EXCLUSIVE, HOWS };

struct sleeper {
	int queue;
	enum how how;
	bool enqueue;
	int ret;
	__u64 item;
	atomic_int done;
};

static int epoll_with(int fd, __u32 events)
{
	struct epoll_event event = { .events = events };
	int epoll = epoll_create1(EPOLL_CLOEXEC);

	must(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0);
	return epoll;
}

static int sleep_in_poll(const struct sleeper *s)
{
	static const __u32 flags[HOWS] = {
		[EDGE] = EPOLLET, [EXCLUSIVE] = EPOLLEXCLUSIVE,
	};
	__u32 events = s->enqueue ? EPOLLOUT : EPOLLIN;
	struct pollfd pfd = { .fd = s->queue, .events = events };
	struct epoll_event event;
	int epoll, ret;

	if (s->how == POLL)
		return poll(&pfd, 1, -1);
	epoll = epoll_with(s->queue, events | flags[s->how]);
	ret = epoll_wait(epoll, &event, 1, -1);
	close(epoll);
	return ret;
}

static int sleep_in_lease(int fd, __u64 *item)
{
	struct mpmc_lease_item leased;
	int ret = lease_fill_flags(fd, &leased, 1, 0, MPMC_FOREVER);

	*item = leased.value;
	return ret == 1 ? lease_commit(fd, 1) ?: ret : ret;
}

static int sleep_for_item(struct sleeper *s)
{
	int fd = consumer_create(s->queue, 1), ret;

	if (s->how == QUEUE)
		ret = deq_until(s->queue, &s->item, MPMC_FOREVER);
	else if (s->how == TOKEN)
		ret = deq_until(fd, &s->item, MPMC_FOREVER);
	else if (s->how == LEASE)
		ret = sleep_in_lease(fd, &s->item);
	else
		ret = sleep_in_poll(s) == 1 ? deq(s->queue, &s->item) : -1;
	close(fd);
	return ret;
}

static void *sleeper_run(void *arg)
{
	struct sleeper *s = arg;

	if (!s->enqueue)
		s->ret = sleep_for_item(s);
	else if (s->how == QUEUE)
		s->ret = enq_until(s->queue, 7, MPMC_FOREVER);
	else
		s->ret = sleep_in_poll(s) == 1 ? enq(s->queue, 7) : -1;
	atomic_store(&s->done, 1);
	return NULL;
}

/* Until n sleep in calls, or one in poll; the word is their side's. */
static bool asleep(const struct sleeper *s, __u32 n, const __u32 *word)
{
	if (s->how < POLL)
		return eventually((load_acquire(word) & MPMC_MAP_SLEEPERS) ==
				  n);
	if (!eventually(load_acquire(word) & MPMC_MAP_POLLED))
		return false;
	usleep(20000);	/* from there to bed */
	return true;
}

/* Has room, so that the next put is none by a call. */
static void get_room(struct mapped *p, struct mapped *c)
{
	__u64 item;

	do {
		must(put(p, 1) == 0);
		must(take(c, &item) == 1);
	} while (!mapped_rest(p));
}

static void put_wakes(struct __test_metadata *_metadata, struct mapped *p,
		      struct mapped *c, struct sleeper *s)
{
	pthread_t thread;

	get_room(p, c);
	thread = thread_start(sleeper_run, s);
	ASSERT_TRUE(asleep(s, 1, &p->waiters->readers));
	EXPECT_TRUE(load_acquire(p->word) & MPMC_MAP_ARMED);
	EXPECT_EQ(0, put(p, 42));
	EXPECT_TRUE(eventually(atomic_load(&s->done))) {
		TH_LOG("asleep in way %d", s->how);
	}
	ASSERT_EQ(1, atomic_load(&s->done));
	thread_join(thread);
	EXPECT_EQ(1, s->ret);
	EXPECT_EQ(42, s->item);
}

/* Catches: a put that wakes nobody, of those who wait in one way or another. */
TEST_F(arm, mapped_put_wakes)
{
	int how;

	for (how = 0; how < HOWS; how++) {
		struct sleeper s = { .queue = self->queue, .how = how };

		if (variant->hot)
			ASSERT_TRUE(make_hot(&self->p, &self->c));
		put_wakes(_metadata, &self->p, &self->c, &s);
	}
}

/* Catches: a commit that is room, of which nobody hears who waits for it. */
TEST_F(arm, mapped_commit_wakes)
{
	struct mapped *c = &self->c;
	pthread_t thread;
	int how;

	for (how = 0; how < HOWS; how++) {
		struct sleeper s = {
			.queue = self->queue, .how = how, .enqueue = true,
		};

		if (how == TOKEN || how == LEASE)
			continue;
		drain(self->queue);
		if (variant->hot)
			ASSERT_TRUE(make_hot(&self->p, c)) {
				TH_LOG("way %d, words %#x %#x", how,
				       *self->p.word, *c->word);
			}
		fill(self->p.fd, 1);
		ASSERT_EQ(8, lease_fill(c->fd, NULL, 8));
		thread = thread_start(sleeper_run, &s);
		ASSERT_TRUE(asleep(&s, 1, c->word));
		commit(c, 1);
		ASSERT_TRUE(eventually(atomic_load(&s.done))) {
			TH_LOG("asleep in way %d", how);
		}
		thread_join(thread);
		EXPECT_EQ(0, s.ret);
		commit(c, 7);
	}
}

#define SLEEPERS 4

/* Catches: a word that says nobody while others sleep on. */
TEST_F(arm, several_sleepers)
{
	struct sleeper s[SLEEPERS];
	pthread_t threads[SLEEPERS];
	int i;

	if (variant->hot)
		ASSERT_TRUE(make_hot(&self->p, &self->c));
	for (i = 0; i < SLEEPERS; i++) {
		memset(&s[i], 0, sizeof(s[i]));
		s[i].queue = self->queue;
		s[i].how = i % 3;
		threads[i] = thread_start(sleeper_run, &s[i]);
		ASSERT_TRUE(asleep(&s[i], i + 1, self->p.word));
	}
	for (i = SLEEPERS; i; i--) {
		EXPECT_EQ(0, put(&self->p, i));
		ASSERT_TRUE(asleep(&s[i - 1], i - 1, self->p.word));
	}
	for (i = 0; i < SLEEPERS; i++) {
		thread_join(threads[i]);
		EXPECT_EQ(1, s[i].ret);
	}
	EXPECT_EQ(0, *self->p.word & MPMC_MAP_SLEEPERS);
}

/* Each put is an edge. Catches: only the first one told. */
TEST_F(arm, edge_after_edge)
{
	struct epoll_event event;
	int epoll, i;

	if (variant->hot)
		ASSERT_TRUE(make_hot(&self->p, &self->c));
	get_room(&self->p, &self->c);
	epoll = epoll_with(self->queue, EPOLLIN | EPOLLET);
	for (i = 0; i < 10; i++) {
		ASSERT_EQ(0, epoll_wait(epoll, &event, 1, 0));
		ASSERT_EQ(0, put(&self->p, i));
		ASSERT_EQ(1, epoll_wait(epoll, &event, 1, 20000));
		if (i % 2)
			ASSERT_EQ(2, drain(self->queue));
	}
	close(epoll);
	/* Nobody polls any more, and that is noticed. */
	get_room(&self->p, &self->c);
	ASSERT_EQ(0, put(&self->p, 1));
	EXPECT_FALSE(*self->p.word & MPMC_MAP_POLLED);
	EXPECT_TRUE(make_hot(&self->p, &self->c));
}

/* --- Armed for ever --- */

#define ALWAYS_ARMED "/sys/module/mpmc/parameters/always_armed"

static void set_always_armed(const char *value)
{
	int fd = open(ALWAYS_ARMED, O_WRONLY);

	must(fd >= 0);
	must(write(fd, value, 1) == 1);
	close(fd);
}

/* Catches: a parameter that has no effect, or only on new queues. */
TEST(always_armed)
{
	int queue = queue_create(CAPACITY, 0);
	struct mapped p, c;
	bool armed;

	ASSERT_LE(0, queue);
	mapped_producer(&p, queue, RING);
	mapped_consumer(&c, queue, RING);
	set_always_armed("1");
	armed = stays_armed(&p, &c);
	set_always_armed("0");
	EXPECT_TRUE(armed);
	EXPECT_EQ(MPMC_MAP_ARMED, *p.word);
	EXPECT_EQ(MPMC_MAP_ARMED, *c.word);
	EXPECT_TRUE(make_hot(&p, &c));
	mapped_close(&p);
	mapped_close(&c);
	close(queue);
}

/* Catches: a token that arms one side, is late, or leaves it armed for ever. */
TEST(armed_token)
{
	struct mpmc_token_create arg = {
		.size = sizeof(arg), .flags = MPMC_TOKEN_ARMED,
	};
	unsigned long cmds[] = {
		MPMC_IOC_PRODUCER_CREATE, MPMC_IOC_CONSUMER_CREATE,
	};
	int queue = queue_create(CAPACITY, 0), fds[2], i;
	struct mapped p, c;

	ASSERT_LE(0, queue);
	mapped_producer(&p, queue, RING);
	mapped_consumer(&c, queue, RING);
	for (i = 0; i < 2; i++) {
		ASSERT_TRUE(make_hot(&p, &c));
		fds[0] = mpmc_ioctl(queue, cmds[i], &arg);
		fds[1] = mpmc_ioctl(queue, cmds[!i], &arg);
		ASSERT_LE(0, fds[1]);
		EXPECT_EQ(MPMC_MAP_ARMED, *p.word);
		EXPECT_EQ(MPMC_MAP_ARMED, *c.word);
		EXPECT_TRUE(stays_armed(&p, &c));
		close(fds[0]);
		EXPECT_TRUE(stays_armed(&p, &c));
		close(fds[1]);
		EXPECT_TRUE(make_hot(&p, &c));
	}
	mapped_close(&p);
	mapped_close(&c);
	close(queue);
}

/* --- Falling asleep while items are put --- */

#define STORM_MS 8000
#define STORM_PRODUCERS 2
#define STORM_CONSUMERS 3
#define STORM_BULK 64

/*
 * Rounds: some items each, which all have to be taken before the next one begins.
 * So the last of them has nothing behind it that would wake whom it did not.
 * In some there are so many that the queue becomes hot, with nobody asleep until
 * the end is near, when everybody is about to fall asleep.
 */
struct storm {
	int queue;
	atomic_int round;
	atomic_int busy;	/* producers that have not finished the round */
	__u32 items;		/* of each, in this round */
	atomic_int eager;	/* nobody sleeps */
	atomic_int stop;
	atomic_ullong put;
	atomic_ullong taken;
	atomic_ullong sum_put;
	atomic_ullong sum_taken;
	atomic_int hot;		/* rounds */
};

static void doze(__u64 *random)
{
	switch (random_below(random, 4)) {
	case 0:
		spin_ns(random_below(random, 30000));
		break;
	case 1:
		usleep(random_below(random, 300));
		break;
	default:
		break;
	}
}

/* Few at a time if others may sleep, else many, without a pause. */
static __u32 storm_put(struct storm *storm, struct mapped *p, __u32 max,
		       __u64 *random)
{
	bool eager = atomic_load(&storm->eager);
	__u32 n = eager && max > STORM_BULK ? STORM_BULK : 1, i;
	__u64 items[STORM_BULK], sum = 0;
	int ret;

	for (i = 0; i < n; i++)
		sum += items[i] = random_next(random);
	atomic_fetch_add(&storm->sum_put, sum);
	while ((ret = put_bulk(p, items, n)) == -EAGAIN &&
	       atomic_load(&storm->eager))
		usleep(20);
	if (ret == -EAGAIN)
		ret = put_bulk_until(p, items, n, PATIENTLY);
	must(ret == 0);
	atomic_fetch_add(&storm->put, n);
	if (!eager)
		doze(random);
	return n;
}

static void storm_round(struct storm *storm, struct mapped *p, __u64 *random)
{
	__u32 rest = random_below(random, 5), i;

	for (i = storm->items; i; i -= storm_put(storm, p, i, random))
		/* The end is that of the one who is last. */
		if (i <= rest && atomic_load(&storm->busy) == 1 &&
		    atomic_exchange(&storm->eager, 0) && !*p->word)
			atomic_fetch_add(&storm->hot, 1);
	/* The last of it: from then on the next round may begin. */
	atomic_fetch_sub(&storm->busy, 1);
}

static void *storm_produce(void *arg)
{
	struct storm *storm = arg;
	__u64 random = gettid();
	struct mapped p;
	int round;

	mapped_producer(&p, storm->queue, 256);
	for (round = 1; !atomic_load(&storm->stop); round++) {
		gate_wait(&storm->round, round);
		if (!atomic_load(&storm->stop))
			storm_round(storm, &p, &random);
	}
	mapped_close(&p);
	return NULL;
}

static int storm_take(struct storm *storm, struct mapped *c, __u64 *items,
		      __u64 *random)
{
	struct pollfd pfd = { .fd = storm->queue, .events = POLLIN };
	int ret;

	while ((ret = take_bulk_until(c, items, STORM_BULK, 0)) == -EAGAIN) {
		if (atomic_load(&storm->eager)) {
			usleep(20);
			continue;
		}
		doze(random);
		if (random_below(random, 4))
			return take_bulk_until(c, items, STORM_BULK,
					       PATIENTLY);
		must(poll(&pfd, 1, 20000) == 1);
	}
	return ret;
}

static void *storm_consume(void *arg)
{
	struct storm *storm = arg;
	__u64 random = gettid(), items[STORM_BULK];
	struct mapped c;
	int ret, i;

	mapped_consumer(&c, storm->queue, 256);
	while ((ret = storm_take(storm, &c, items, &random)) > 0) {
		for (i = 0; i < ret; i++)
			atomic_fetch_add(&storm->sum_taken, items[i]);
		atomic_fetch_add(&storm->taken, ret);
	}
	must(ret == -EPIPE);
	mapped_close(&c);
	return NULL;
}

static bool storm_next(struct storm *storm, __u64 *random)
{
	bool many = atomic_load(&storm->round) % 30 == 5;

	atomic_store(&storm->eager, many);
	storm->items = many ? 60000 : 1 + random_below(random, 20);
	atomic_store(&storm->busy, STORM_PRODUCERS);
	gate_open(&storm->round, atomic_load(&storm->round) + 1);
	if (!eventually(!atomic_load(&storm->busy)))
		return false;
	atomic_store(&storm->eager, 0);
	return eventually(atomic_load(&storm->taken) ==
			  atomic_load(&storm->put));
}

/* Catches: a sleeper who is not woken, an item that nobody sees. */
TEST(storm)
{
	static struct storm storm;
	pthread_t threads[STORM_PRODUCERS + STORM_CONSUMERS];
	__u64 random = 99, end = in_ms(STORM_MS);
	int i, rounds;

	storm.queue = queue_create(CAPACITY, 0);
	for (i = 0; i < STORM_PRODUCERS + STORM_CONSUMERS; i++)
		threads[i] = thread_start(i < STORM_PRODUCERS ? storm_produce :
					  storm_consume, &storm);
	while (now_ns() < end)
		ASSERT_TRUE(storm_next(&storm, &random)) {
			TH_LOG("put %llu, taken %llu, eager %d", storm.put,
			       storm.taken, storm.eager);
		}
	rounds = atomic_load(&storm.round);
	atomic_store(&storm.stop, 1);
	gate_open(&storm.round, INT_MAX);
	for (i = 0; i < STORM_PRODUCERS; i++)
		thread_join(threads[i]);
	queue_shutdown(storm.queue);
	for (; i < STORM_PRODUCERS + STORM_CONSUMERS; i++)
		thread_join(threads[i]);
	EXPECT_EQ(storm.sum_put, storm.sum_taken);
	EXPECT_LT(0, storm.hot);
	TH_LOG("%d of %d rounds were hot", storm.hot, rounds);
	close(storm.queue);
}

/* --- The end of the stream --- */

struct race {
	int queue;
	__u32 ring;		/* of the producers */
	bool sleeps;		/* the consumer, now and then */
	atomic_int started;
	atomic_int revived;	/* accepted after another one was not */
	atomic_ullong accepted[2];
	__u64 taken[2];
};

static void *race_produce(void *arg)
{
	struct race *race = arg;
	struct mapped p;
	int ret, over = 0;
	__u64 n = 0, id;

	mapped_producer(&p, race->queue, race->ring);
	id = atomic_fetch_add(&race->started, 1);
	while (over < 5) {
		ret = put(&p, id << 32 | n);
		must(ret == 0 || ret == -EAGAIN || ret == -EPIPE);
		n += ret == 0;
		over += ret == -EPIPE;
		if (over && !ret)
			atomic_fetch_add(&race->revived, 1);
	}
	atomic_store(&race->accepted[id], n);
	mapped_close(&p);
	return NULL;
}

static void *race_consume(void *arg)
{
	struct race *race = arg;
	struct mapped c;
	__u64 item;
	int ret;

	mapped_consumer(&c, race->queue, 64);
	for (;;) {
		ret = take_until(&c, &item, race->sleeps ? PATIENTLY : 0);
		if (ret == -EPIPE)
			break;
		must(ret == 1 || (ret == -EAGAIN && !race->sleeps));
		if (ret == 1 && (__u32)item != race->taken[item >> 32]) {
			fprintf(stderr, "# item %#llx, and not %llu; the other's next is %llu\n",
				item, race->taken[item >> 32], race->taken[!(item >> 32)]);
			abort();
		}
		if (ret == 1)
			race->taken[item >> 32]++;
	}
	mapped_close(&c);
	return NULL;
}

static void race_shutdown(struct __test_metadata *_metadata, struct race *race,
			  __u64 delay)
{
	pthread_t threads[3];
	int i;

	for (i = 0; i < 3; i++)
		threads[i] = thread_start(i < 2 ? race_produce : race_consume,
					  race);
	while (atomic_load(&race->started) < 2)
		breathe();
	spin_ns(delay);
	ASSERT_EQ(0, queue_shutdown(race->queue));
	for (i = 0; i < 3; i++)
		thread_join(threads[i]);
	for (i = 0; i < 2; i++)
		ASSERT_EQ(race->accepted[i], race->taken[i]);
	ASSERT_EQ(0, queue_items(race->queue));
	ASSERT_EQ(0, queue_state(race->queue).granted);
}

/*
 * Catches: an item that was accepted and is lost, or was refused and comes out
 * nevertheless, because the shutdown and the owner saw each other too late.
 */
TEST(shutdown_races_with_mapped_puts)
{
	int round, hot = 0;
	struct mapped p, c;
	__u64 random = 7;

	for (round = 0; round < 150; round++) {
		struct race race = {
			.queue = queue_create(CAPACITY, 0), .ring = 64,
		};

		ASSERT_LE(0, race.queue);
		race.sleeps = round % 3;
		mapped_producer(&p, race.queue, RING);
		mapped_consumer(&c, race.queue, RING);
		if (!race.sleeps)
			hot += make_hot(&p, &c);
		mapped_close(&p);
		mapped_close(&c);
		race_shutdown(_metadata, &race, random_below(&random, 1000000));
		close(race.queue);
	}
	EXPECT_EQ(50, hot);
}

/* Catches: an end that comes, and goes again, for one and the same producer. */
TEST(shutdown_is_final)
{
	__u64 random = 8;
	int round;

	for (round = 0; round < 400; round++) {
		struct race race = {
			.queue = queue_create(CAPACITY, 0),
			.ring = round % 4 ? 64 : 1,
		};

		ASSERT_LE(0, race.queue);
		race_shutdown(_metadata, &race, random_below(&random, 1000000));
		ASSERT_EQ(0, race.revived);
		close(race.queue);
	}
}

/*
 * An owner has room and is not there. Catches: consumers who wait for him, at
 * the end, for ever.
 */
TEST_F(arm, shutdown_with_an_idle_grant)
{
	struct sleeper s = { .queue = self->queue };
	pthread_t thread;
	__u64 item;

	if (variant->hot)
		ASSERT_TRUE(make_hot(&self->p, &self->c));
	get_room(&self->p, &self->c);
	thread = thread_start(sleeper_run, &s);
	ASSERT_TRUE(wait_for_dequeuers(self->queue, 1));
	ASSERT_EQ(0, queue_shutdown(self->queue));
	ASSERT_TRUE(eventually(atomic_load(&s.done)));
	thread_join(thread);
	EXPECT_EQ(-EPIPE, s.ret);
	EXPECT_EQ(-EPIPE, take(&self->c, &item));
	EXPECT_EQ(0, queue_state(self->queue).granted);
	/* He comes back, and hears of it. */
	EXPECT_EQ(-EPIPE, put(&self->p, 1));
	EXPECT_EQ(0, queue_items(self->queue));
}

/* The last item is committed by way of a mapping: that is the end for others. */
TEST_F(arm, last_commit_ends_the_stream)
{
	struct sleeper s = { .queue = self->queue };
	pthread_t thread;

	if (variant->hot)
		ASSERT_TRUE(make_hot(&self->p, &self->c));
	ASSERT_EQ(0, put(&self->p, 1));
	ASSERT_EQ(1, lease_fill(self->c.fd, NULL, 1));
	ASSERT_EQ(0, queue_shutdown(self->queue));
	thread = thread_start(sleeper_run, &s);
	ASSERT_TRUE(wait_for_dequeuers(self->queue, 1));
	commit(&self->c, 1);
	ASSERT_TRUE(eventually(atomic_load(&s.done)));
	thread_join(thread);
	EXPECT_EQ(-EPIPE, s.ret);
}

TEST_HARNESS_MAIN
