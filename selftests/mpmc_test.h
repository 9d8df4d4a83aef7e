/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the tests of /dev/mpmc share: thin wrappers around the raw ioctls (all
 * of which return -errno on failure), and tools for threads and processes.
 */
#ifndef MPMC_TEST_H
#define MPMC_TEST_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <linux/mpmc.h>

#include "kselftest_harness.h"

/* An emulated guest on a busy host needs far more than the harness's 30 s. */
#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT 120

#define DEVICE "/dev/mpmc"

#define NSEC_PER_MSEC 1000000ULL
#define NSEC_PER_SEC 1000000000ULL

/* How many times as slow as a stock kernel this one is: a debug kernel, say. */
static inline unsigned int slowness(void)
{
	const char *slow = getenv("MPMC_SLOW");
	int n = slow ? atoi(slow) : 1;

	return n > 0 ? n : 1;
}

/*
 * How much later than ideal anything may happen: emulated CPUs can be away for
 * hundreds of milliseconds. What must not happen early has no such slack.
 */
#define SLACK_NS (slowness() * NSEC_PER_SEC)

/* How long to poll for what must happen soon before calling it a failure. */
#define PATIENCE_NS (slowness() * 20 * NSEC_PER_SEC)

#ifdef TEST_HARNESS_MAIN
/* The harness's main(), with the time that a slow kernel needs. */
static inline int run_tests(int argc, char **argv)
{
	struct __fixture_metadata *fixture;
	struct __test_metadata *test;

	for (fixture = __fixture_list; fixture; fixture = fixture->next)
		for (test = fixture->tests; test; test = test->next)
			test->timeout *= slowness();
	return test_harness_run(argc, argv);
}

#undef TEST_HARNESS_MAIN
#define TEST_HARNESS_MAIN                         \
	int main(int argc, char **argv)           \
	{                                         \
		return run_tests(argc, argv);     \
	}
#endif

static inline void must_failed(const char *file, int line, const char *what)
{
	int error = errno;

	fprintf(stderr, "# %s:%d: pid %d: not true: %s (errno: %s)\n", file,
		line, getpid(), what, strerror(error));
	_exit(KSFT_FAIL);
}

/*
 * The harness's ASSERT_*() leave by longjmp() and so belong to a test's own
 * thread. This is for everything else; it ends the process, which the parent,
 * or the harness, takes for a failure.
 */
#define must(cond)                                               \
	do {                                                     \
		if (!(cond))                                     \
			must_failed(__FILE__, __LINE__, #cond);  \
	} while (0)

/* Time */

static inline __u64 now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

static inline __u64 in_ms(__u64 ms)
{
	return now_ns() + ms * NSEC_PER_MSEC;
}

static inline void spin_ns(__u64 ns)
{
	__u64 end = now_ns() + ns;

	while (now_ns() < end)
		;
}

/* Between two looks at something that another thread is to bring about. */
static inline void breathe(void)
{
	struct timespec ts = { .tv_nsec = 200000 };

	nanosleep(&ts, NULL);
}

/* Polls until @cond holds; false if it does not in PATIENCE_NS. */
#define eventually(cond)                                                   \
	({                                                                 \
		__u64 __end = now_ns() + PATIENCE_NS;                      \
		bool __ok;                                                 \
									   \
		while (!(__ok = (cond)) && now_ns() < __end)               \
			breathe();                                         \
		__ok;                                                      \
	})

/* Random numbers: xorshift64, seeded by the caller (never 0) */

static inline __u64 random_next(__u64 *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static inline __u32 random_below(__u64 *state, __u32 n)
{
	return (random_next(state) >> 16) % n;
}

/* The ioctls */

static inline int mpmc_ioctl(int fd, unsigned long cmd, void *arg)
{
	int ret = ioctl(fd, cmd, arg);

	return ret < 0 ? -errno : ret;
}

static inline int device_open(void)
{
	int fd = open(DEVICE, O_RDWR | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

static inline int device_info(struct mpmc_device_info *info)
{
	int fd = device_open(), ret;

	memset(info, 0, sizeof(*info));
	info->size = sizeof(*info);
	ret = fd < 0 ? fd : mpmc_ioctl(fd, MPMC_IOC_DEVICE_INFO, info);
	close(fd);
	return ret;
}

static inline int queue_create(__u64 capacity, __u32 segments)
{
	struct mpmc_queue_create arg = {
		.size = sizeof(arg), .capacity = capacity, .segments = segments,
	};
	int fd = device_open(), ret;

	ret = fd < 0 ? fd : mpmc_ioctl(fd, MPMC_IOC_QUEUE_CREATE, &arg);
	close(fd);
	return ret;
}

/* Hands an item out @max times, then to the queue @dead; -1: drops it. */
static inline int limited_create(__u64 capacity, __u32 max, int dead)
{
	struct mpmc_queue_create arg = {
		.size = sizeof(arg), .capacity = capacity,
		.flags = dead < 0 ? 0 : MPMC_QUEUE_DEAD_LETTER,
		.max_deliveries = max, .dead_letter = dead < 0 ? 0 : dead,
	};
	int fd = device_open(), ret;

	ret = fd < 0 ? fd : mpmc_ioctl(fd, MPMC_IOC_QUEUE_CREATE, &arg);
	close(fd);
	return ret;
}

static inline int token_create(int queue, unsigned long cmd, __u32 entries)
{
	struct mpmc_token_create arg = {
		.size = sizeof(arg), .ring_entries = entries,
	};

	return mpmc_ioctl(queue, cmd, &arg);
}

static inline int producer_create(int queue, __u32 entries)
{
	return token_create(queue, MPMC_IOC_PRODUCER_CREATE, entries);
}

static inline int consumer_create(int queue, __u32 entries)
{
	return token_create(queue, MPMC_IOC_CONSUMER_CREATE, entries);
}

static inline int queue_info(int queue, struct mpmc_queue_info *info)
{
	memset(info, 0, sizeof(*info));
	info->size = sizeof(*info);
	return mpmc_ioctl(queue, MPMC_IOC_QUEUE_INFO, info);
}

static inline struct mpmc_queue_info queue_state(int queue)
{
	struct mpmc_queue_info info;

	must(queue_info(queue, &info) == 0);
	return info;
}

static inline struct mpmc_queue_stats stats_of(int queue)
{
	struct mpmc_queue_stats stats = { .size = sizeof(stats) };

	must(mpmc_ioctl(queue, MPMC_IOC_QUEUE_STATS, &stats) == 0);
	return stats;
}

static inline __u64 queue_items(int queue)
{
	return queue_state(queue).items;
}

static inline int token_info(int token, struct mpmc_token_info *info)
{
	memset(info, 0, sizeof(*info));
	info->size = sizeof(*info);
	return mpmc_ioctl(token, MPMC_IOC_TOKEN_INFO, info);
}

static inline int queue_shutdown(int queue)
{
	struct mpmc_queue_shutdown arg = { .size = sizeof(arg) };

	return mpmc_ioctl(queue, MPMC_IOC_QUEUE_SHUTDOWN, &arg);
}

/* Items. @fd is a queue or a token of the right kind. */

static inline int enq(int fd, __u64 item)
{
	struct mpmc_transfer arg = {
		.size = sizeof(arg), .flags = MPMC_TRANSFER_INLINE,
		.items = item, .count = 1,
	};

	return mpmc_ioctl(fd, MPMC_IOC_ITEM_ENQUEUE, &arg);
}

static inline int enq_until(int fd, __u64 item, __u64 deadline)
{
	struct mpmc_transfer arg = {
		.size = sizeof(arg),
		.flags = MPMC_TRANSFER_INLINE | MPMC_TRANSFER_WAIT,
		.items = item, .count = 1, .deadline = deadline,
	};

	return mpmc_ioctl(fd, MPMC_IOC_ITEM_ENQUEUE, &arg);
}

static inline int enq_bulk(int fd, const __u64 *items, __u32 count)
{
	struct mpmc_transfer arg = {
		.size = sizeof(arg), .items = (uintptr_t)items, .count = count,
	};

	return mpmc_ioctl(fd, MPMC_IOC_ITEM_ENQUEUE, &arg);
}

static inline int enq_bulk_until(int fd, const __u64 *items, __u32 count,
				 __u64 deadline)
{
	struct mpmc_transfer arg = {
		.size = sizeof(arg), .flags = MPMC_TRANSFER_WAIT,
		.items = (uintptr_t)items, .count = count,
		.deadline = deadline,
	};

	return mpmc_ioctl(fd, MPMC_IOC_ITEM_ENQUEUE, &arg);
}

/* Returns 1 and one item, or -errno with @item untouched. */
static inline int deq(int fd, __u64 *item)
{
	struct mpmc_transfer arg = {
		.size = sizeof(arg), .flags = MPMC_TRANSFER_INLINE, .count = 1,
	};
	int ret = mpmc_ioctl(fd, MPMC_IOC_ITEM_DEQUEUE, &arg);

	if (ret > 0)
		*item = arg.items;
	return ret;
}

static inline int deq_until(int fd, __u64 *item, __u64 deadline)
{
	struct mpmc_transfer arg = {
		.size = sizeof(arg),
		.flags = MPMC_TRANSFER_INLINE | MPMC_TRANSFER_WAIT,
		.count = 1, .deadline = deadline,
	};
	int ret = mpmc_ioctl(fd, MPMC_IOC_ITEM_DEQUEUE, &arg);

	if (ret > 0)
		*item = arg.items;
	return ret;
}

static inline int deq_bulk(int fd, __u64 *items, __u32 count)
{
	struct mpmc_transfer arg = {
		.size = sizeof(arg), .items = (uintptr_t)items, .count = count,
	};

	return mpmc_ioctl(fd, MPMC_IOC_ITEM_DEQUEUE, &arg);
}

static inline int deq_bulk_until(int fd, __u64 *items, __u32 count,
				 __u64 deadline)
{
	struct mpmc_transfer arg = {
		.size = sizeof(arg), .flags = MPMC_TRANSFER_WAIT,
		.items = (uintptr_t)items, .count = count,
		.deadline = deadline,
	};

	return mpmc_ioctl(fd, MPMC_IOC_ITEM_DEQUEUE, &arg);
}

/* Leases. A deadline of 0: don't wait. */

static inline int lease_fill_flags(int fd, struct mpmc_lease_item *items,
				   __u32 count, __u32 flags, __u64 deadline)
{
	struct mpmc_lease arg = {
		.size = sizeof(arg), .flags = flags,
		.items = (uintptr_t)items, .count = count,
		.deadline = deadline,
	};

	if (deadline)
		arg.flags |= MPMC_LEASE_WAIT;
	return mpmc_ioctl(fd, MPMC_IOC_LEASE_FILL, &arg);
}

static inline int lease_fill(int fd, struct mpmc_lease_item *items, __u32 count)
{
	return lease_fill_flags(fd, items, count, 0, 0);
}

static inline int lease_end(int fd, unsigned long cmd, __u32 count)
{
	struct mpmc_lease_end arg = { .size = sizeof(arg), .count = count };

	return mpmc_ioctl(fd, cmd, &arg);
}

static inline int lease_commit(int fd, __u32 count)
{
	return lease_end(fd, MPMC_IOC_LEASE_COMMIT, count);
}

static inline int lease_release(int fd, __u32 count)
{
	return lease_end(fd, MPMC_IOC_LEASE_RELEASE, count);
}

static inline int token_kick(int fd, __u32 count)
{
	struct mpmc_token_kick arg = { .size = sizeof(arg), .count = count };

	return mpmc_ioctl(fd, MPMC_IOC_TOKEN_KICK, &arg);
}

/* Waits to put the item 7, or to take one. */
static inline int move_until(int queue, bool enqueue, __u64 deadline)
{
	__u64 item;

	return enqueue ? enq_until(queue, 7, deadline) :
			 deq_until(queue, &item, deadline);
}

#define BULK_MAX 1000

/*
 * Puts @first, @first + 1, ... until the queue is full, by thousands, hundreds,
 * tens and ones; returns how many.
 */
static inline __u64 fill(int fd, __u64 first)
{
	__u64 items[BULK_MAX], n = 0;
	__u32 i, bulk;
	int ret;

	for (bulk = BULK_MAX; bulk; bulk /= 10) {
		do {
			for (i = 0; i < bulk; i++)
				items[i] = first + n + i;
			ret = enq_bulk(fd, items, bulk);
			n += ret ? 0 : bulk;
		} while (!ret);
		must(ret == -EAGAIN || ret == -EMSGSIZE);
	}
	return n;
}

/* Puts @count items @first, @first + 1, ..., all of which must fit. */
static inline void put_range(int fd, __u64 first, __u64 count)
{
	__u64 items[BULK_MAX];
	__u32 n, i;

	for (; count; count -= n, first += n) {
		n = count < BULK_MAX ? count : BULK_MAX;
		for (i = 0; i < n; i++)
			items[i] = first + i;
		must(enq_bulk(fd, items, n) == 0);
	}
}

/* Takes items until there are none; returns how many. */
static inline __u64 drain(int fd)
{
	__u64 items[BULK_MAX], n = 0;
	int ret;

	while ((ret = deq_bulk(fd, items, BULK_MAX)) > 0)
		n += ret;
	must(ret == -EAGAIN || ret == -EPIPE);
	return n;
}

/* Takes @count items, which must be @first, @first + 1, ... in this order. */
static inline bool take_range(int fd, __u64 first, __u64 count)
{
	__u64 items[BULK_MAX];
	int ret, i;

	for (; count; count -= ret) {
		ret = deq_bulk(fd, items, count < BULK_MAX ? count : BULK_MAX);
		if (ret <= 0)
			return false;
		for (i = 0; i < ret; i++)
			if (items[i] != first++)
				return false;
	}
	return true;
}

/* Waits until that many threads sleep on the queue, on either side. */
static inline bool wait_for_dequeuers(int queue, __u32 n)
{
	return eventually(queue_state(queue).dequeue_waiters == n);
}

/* How many threads sleep on the queue, on both sides. */
static inline __u32 queue_waiters(int queue)
{
	struct mpmc_queue_info info = queue_state(queue);

	return info.dequeue_waiters + info.enqueue_waiters;
}

static inline bool wait_for_enqueuers(int queue, __u32 n)
{
	return eventually(queue_state(queue).enqueue_waiters == n);
}

/*
 * Whether a thread of this process sleeps, in whatever it calls next after it has
 * stored its id: not whether it is about to, still looks around, or is preempted
 * there. What it sleeps in is told of threads alone that are off their CPU.
 */
static inline bool thread_asleep(atomic_int *tid)
{
	char path[64], where[64];
	ssize_t n;
	int fd;

	if (!atomic_load(tid))
		return false;
	snprintf(path, sizeof(path), "/proc/self/task/%d/wchan",
		 atomic_load(tid));
	fd = open(path, O_RDONLY);
	must(fd >= 0);
	n = read(fd, where, sizeof(where));
	close(fd);
	must(n > 0);
	return where[0] != '0';
}

/* CPUs */

static inline int cpu_count(void)
{
	return sysconf(_SC_NPROCESSORS_ONLN);
}

static inline void pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu % cpu_count(), &set);
	must(sched_setaffinity(0, sizeof(set), &set) == 0);
}

static inline void unpin(void)
{
	cpu_set_t set;
	int cpu;

	CPU_ZERO(&set);
	for (cpu = 0; cpu < cpu_count(); cpu++)
		CPU_SET(cpu, &set);
	must(sched_setaffinity(0, sizeof(set), &set) == 0);
}

/* Threads and processes */

static inline pthread_t thread_start(void *(*fn)(void *arg), void *arg)
{
	pthread_t thread;

	must(pthread_create(&thread, NULL, fn, arg) == 0);
	return thread;
}

static inline void thread_join(pthread_t thread)
{
	must(pthread_join(thread, NULL) == 0);
}

/*
 * Runs @fn in a child, which succeeds by returning. A child does not outlive
 * its parent: a failed test leaves nothing behind that disturbs the next.
 */
static inline pid_t spawn(void (*fn)(void *arg), void *arg)
{
	pid_t parent = getpid(), pid = fork();

	must(pid >= 0);
	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	must(getppid() == parent);
	fn(arg);
	_exit(0);
}

/* The child's wait status: 0 if it succeeded, its signal if it was killed. */
static inline int reap(pid_t pid)
{
	int status;

	must(waitpid(pid, &status, 0) == pid);
	return status;
}

static inline bool killed(pid_t pid)
{
	int status;

	kill(pid, SIGKILL);
	status = reap(pid);
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

/* Zeroed memory that children share. */
static inline void *shared_alloc(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	must(p != MAP_FAILED);
	return p;
}

/* A gate that threads, or processes if it is in shared memory, wait at. */

static inline void gate_wait(atomic_int *gate, int value)
{
	int seen;

	while ((seen = atomic_load(gate)) < value)
		syscall(SYS_futex, gate, FUTEX_WAIT, seen, NULL, NULL, 0);
}

static inline void gate_open(atomic_int *gate, int value)
{
	atomic_store(gate, value);
	syscall(SYS_futex, gate, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

/* File descriptors */

static inline void send_fd(int sock, int fd)
{
	char byte = 0, control[CMSG_SPACE(sizeof(fd))] = {};
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);

	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(cmsg), &fd, sizeof(fd));
	must(sendmsg(sock, &msg, 0) == 1);
}

static inline int recv_fd(int sock)
{
	char byte, control[CMSG_SPACE(sizeof(int))] = {};
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	int fd;

	must(recvmsg(sock, &msg, 0) == 1);
	must(CMSG_FIRSTHDR(&msg));
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(fd));
	return fd;
}

static inline void allow_fds(rlim_t n)
{
	struct rlimit limit = { .rlim_cur = n, .rlim_max = n };

	must(setrlimit(RLIMIT_NOFILE, &limit) == 0);
}

/* The value of "@key:" in the fd's fdinfo, or "" without one. */
static inline const char *info_of(int fd, const char *key)
{
	static char line[256];
	size_t len = strlen(key);
	char path[64], *value;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	file = fopen(path, "r");
	must(file);
	while (fgets(line, sizeof(line), file)) {
		if (strncmp(line, key, len) || line[len] != ':')
			continue;
		fclose(file);
		value = line + len + 1;
		value += strspn(value, " \t");
		value[strcspn(value, "\n")] = '\0';
		return value;
	}
	fclose(file);
	return "";
}

/* 16 KiB on some arm64 kernels. */
static inline size_t page_size(void)
{
	return sysconf(_SC_PAGESIZE);
}

/* Memory whose last byte is the last before an unmapped page. */
static inline char *mapping_end(size_t size)
{
	size_t page = page_size();
	size_t len = (size + page - 1) / page * page;
	char *p = mmap(NULL, len + page, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	must(p != MAP_FAILED);
	must(munmap(p + len, page) == 0);
	return p + len;
}

#endif /* MPMC_TEST_H */
