// SPDX-License-Identifier: GPL-2.0
/*
 * 32-bit callers of a 64-bit kernel: built for both, and each of the two programs
 * has the other one for its peer, at the same queue. (Other tests are built for 32
 * bits as they are: mpmc_*32.)
 */
#include "mpmc_mapped.h"

#define CAPACITY 5000
#define RING 64
#define ITEMS 20000
#define PATIENTLY in_ms(60000)

/* All 64 bits of an item matter. */
static __u64 item_of(__u64 n)
{
	return n * 0x9e3779b97f4a7c15ULL;
}

/* --- What a peer does: its name, and the queue's fd --- */

static void peer_produce(int queue)
{
	struct mapped p;
	__u64 n;

	mapped_producer(&p, queue, RING);
	for (n = 0; n < ITEMS; n++)
		must(put_until(&p, item_of(n), PATIENTLY) == 0);
	mapped_close(&p);
	must(queue_shutdown(queue) == 0);
}

static void peer_consume(int queue)
{
	struct mapped c;
	__u64 n, item;

	mapped_consumer(&c, queue, RING);
	for (n = 0; n < ITEMS; n++)
		must(take_until(&c, &item, PATIENTLY) == 1 &&
		     item == item_of(n));
	must(take_until(&c, &item, PATIENTLY) == -EPIPE);
	mapped_close(&c);
}

static void peer_die(int queue)
{
	struct mpmc_lease_item items[3];
	int i, token = consumer_create(queue, RING);

	must(lease_fill(token, items, 3) == 3);
	for (i = 0; i < 3; i++)
		must(items[i].value == item_of(i) && items[i].deliveries == 1);
	raise(SIGKILL);
}

static void peer_wait(int queue)
{
	__u64 item;

	must(deq_until(queue, &item, PATIENTLY) == 1 && item == item_of(1));
}

static const struct {
	const char *name;
	void (*run)(int queue);
} peers[] = {
	{ "produce", peer_produce },
	{ "consume", peer_consume },
	{ "die", peer_die },
	{ "wait", peer_wait },
};

/* Before the harness looks at the arguments. */
__attribute__((constructor)) static void peer_main(int argc, char **argv)
{
	unsigned int i;

	if (argc != 4 || strcmp(argv[1], "peer"))
		return;
	for (i = 0; i < sizeof(peers) / sizeof(*peers); i++)
		if (!strcmp(argv[2], peers[i].name)) {
			peers[i].run(atoi(argv[3]));
			_exit(0);
		}
	_exit(KSFT_FAIL);
}

/* The program of the other kind, which lies beside this one. */
static pid_t peer_start(const char *what, int queue)
{
	char path[4096], number[16];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 3);
	pid_t pid;

	must(n > 2);
	path[n] = '\0';
	if (!strcmp(path + n - 2, "64"))
		path[n - 2] = '\0';
	else
		strcpy(path + n, "64");
	snprintf(number, sizeof(number), "%d", queue);
	pid = fork();
	must(pid >= 0);
	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	must(fcntl(queue, F_SETFD, 0) == 0);
	execl(path, path, "peer", what, number, NULL);
	must_failed(__FILE__, __LINE__, path);
	return 0;
}

/* Catches: a test that was not built as it should have been. */
TEST(bits)
{
	char path[4096] = {};
	bool large;

	ASSERT_LT(2, readlink("/proc/self/exe", path, sizeof(path) - 1));
	large = strlen(path) > 2 && !strcmp(path + strlen(path) - 2, "64");
	EXPECT_EQ(large ? 8 : 4, sizeof(long));
}

FIXTURE(compat)
{
	int queue;
};

FIXTURE_SETUP(compat)
{
	self->queue = queue_create(CAPACITY, 2);
	ASSERT_LE(0, self->queue);
}

FIXTURE_TEARDOWN(compat)
{
	close(self->queue);
}

/* Catches: rings that lie elsewhere for one of the two; items cut in half. */
TEST_F(compat, items_to_the_other)
{
	pid_t pid = peer_start("consume", self->queue);

	peer_produce(self->queue);
	EXPECT_EQ(0, reap(pid));
}

TEST_F(compat, items_from_the_other)
{
	pid_t pid = peer_start("produce", self->queue);

	peer_consume(self->queue);
	EXPECT_EQ(0, reap(pid));
}

/* Catches: a process of the other kind whose death goes unnoticed. */
TEST_F(compat, lease_of_the_other)
{
	struct mpmc_lease_item items[4];
	int i, status, token = consumer_create(self->queue, RING);

	for (i = 0; i < 4; i++)
		ASSERT_EQ(0, enq(self->queue, item_of(i)));
	status = reap(peer_start("die", self->queue));
	EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	ASSERT_EQ(4, lease_fill(token, items, 4));
	for (i = 0; i < 4; i++) {
		EXPECT_EQ(item_of(i), items[i].value);
		EXPECT_EQ(i < 3 ? 2 : 1, items[i].deliveries);
	}
	close(token);
}

TEST_F(compat, the_other_is_woken)
{
	pid_t pid = peer_start("wait", self->queue);

	EXPECT_TRUE(wait_for_dequeuers(self->queue, 1));
	EXPECT_EQ(0, enq(self->queue, item_of(1)));
	EXPECT_EQ(0, reap(pid));
}

/*
 * An address is 64 bits, also from those who have 32. Catches: the upper half not
 * looked at, and something at the lower half written over.
 */
TEST_F(compat, no_such_address)
{
	static __u64 place[4], untouched[4];
	__u64 high = (uintptr_t)place |
		     1ULL << (sizeof(long) > 4 ? 62 : 32);
	struct mpmc_transfer transfer = {
		.size = sizeof(transfer), .items = high, .count = 2,
	};
	struct mpmc_lease lease = {
		.size = sizeof(lease), .items = high, .count = 2,
	};
	int token = consumer_create(self->queue, RING);

	memset(place, 0xa5, sizeof(place));
	memcpy(untouched, place, sizeof(place));
	EXPECT_EQ(-EFAULT, mpmc_ioctl(self->queue, MPMC_IOC_ITEM_ENQUEUE,
				      &transfer));
	put_range(self->queue, 1, 4);
	EXPECT_EQ(-EFAULT, mpmc_ioctl(self->queue, MPMC_IOC_ITEM_DEQUEUE,
				      &transfer));
	EXPECT_EQ(-EFAULT, mpmc_ioctl(token, MPMC_IOC_ITEM_DEQUEUE,
				      &transfer));
	EXPECT_EQ(-EFAULT, mpmc_ioctl(token, MPMC_IOC_LEASE_FILL, &lease));
	transfer.count = 1;
	EXPECT_EQ(-EFAULT, mpmc_ioctl(self->queue, MPMC_IOC_ITEM_DEQUEUE,
				      &transfer));
	EXPECT_EQ(0, memcmp(place, untouched, sizeof(place)));
	close(token);
	EXPECT_TRUE(take_range(self->queue, 1, 4));
}

/* Catches: numbers of which the lower half alone counts. */
TEST_F(compat, numbers_beyond_32_bits)
{
	__u64 item, deadline = in_ms(60);

	EXPECT_EQ(-ENOSPC, queue_create(1ULL << 32 | 5, 2));
	/* Now is more than 2^32 ns after the start of the clock, or soon is. */
	EXPECT_EQ(-ETIMEDOUT, deq_until(self->queue, &item, deadline));
	EXPECT_LE(deadline, now_ns());
	EXPECT_EQ(-ETIMEDOUT, deq_until(self->queue, &item, 1ULL << 20));
}

/* What 32 bits are too few for is said to whoever asks. */
TEST_F(compat, what_is_said)
{
	struct mpmc_device_info info;
	struct mapped p, c;

	ASSERT_EQ(0, device_info(&info));
	EXPECT_LT(1 << 20, info.max_capacity);
	EXPECT_EQ(CAPACITY, queue_state(self->queue).capacity);
	mapped_producer(&p, self->queue, RING);
	mapped_consumer(&c, self->queue, RING);
	EXPECT_EQ(0, put(&p, ~0ULL));
	EXPECT_EQ(1, queue_items(self->queue));
	EXPECT_EQ(1, lease_fill(c.fd, NULL, 1));
	EXPECT_EQ(1, mapped_rest(&c));
	EXPECT_EQ(~0ULL, *mapped_entry(&c, *c.own));
	commit(&c, 1);
	EXPECT_EQ(0, queue_items(self->queue));
	mapped_close(&p);
	mapped_close(&c);
}

TEST_HARNESS_MAIN
