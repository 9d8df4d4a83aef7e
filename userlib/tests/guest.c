// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * libmpmc against the device: every function, every errno within reach
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guest.h"

uint64_t *bad_address = (uint64_t *)16;
const struct timespec zero, soon = { 0, 50 * MSEC };
static const struct timespec second = { 1, 0 };
static int count, failed;

bool check(bool ok, const char *format, ...)
{
	va_list args;

	failed += !ok;
	printf("%sok %d - ", ok ? "" : "not ", ++count);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	fflush(stdout);
	return ok;
}

double elapsed(const struct timespec *since)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (now.tv_sec - since->tv_sec) * 1e3 +
	       (now.tv_nsec - since->tv_nsec) / 1e6;
}

/* --- Queue, producer and consumer alike --- */

PUTS(, q);
PUTS(producer_, p);
TAKES(, q);
TAKES(consumer_, c);

struct mpmc_queue *queue_with(const struct mpmc_queue_opts *opts)
{
	struct mpmc_queue *queue = NULL;
	int ret = mpmc_queue_create(&queue, opts);

	if (ret) {
		printf("Bail out! no queue: %s\n", mpmc_strerror(ret));
		exit(1);
	}
	return queue;
}

struct mpmc_queue *queue_of(uint64_t capacity, uint32_t segments)
{
	struct mpmc_queue_opts opts = { .capacity = capacity,
					.segments = segments };

	return queue_with(&opts);
}

struct mpmc_producer *producer_of(struct mpmc_queue *queue,
				  uint32_t ring_entries, uint32_t flags)
{
	struct mpmc_token_opts opts = { ring_entries, flags };
	struct mpmc_producer *producer = NULL;

	IS(mpmc_producer_create(&producer, queue, &opts), 0);
	return producer;
}

struct mpmc_consumer *consumer_of(struct mpmc_queue *queue,
				  uint32_t ring_entries, uint32_t flags)
{
	struct mpmc_token_opts opts = { ring_entries, flags };
	struct mpmc_consumer *consumer = NULL;

	IS(mpmc_consumer_create(&consumer, queue, &opts), 0);
	return consumer;
}

struct mpmc_stat stat_of(struct mpmc_queue *queue)
{
	struct mpmc_stat stat;

	memset(&stat, 0xff, sizeof(stat));
	stat.size = sizeof(stat);
	IS(mpmc_queue_stat(queue, &stat), 0);
	return stat;
}

size_t fill(struct mpmc_queue *queue)
{
	size_t n = 0;

	while (!mpmc_try_enqueue(queue, poison))
		n++;
	return n;
}

void drain(struct mpmc_queue *queue)
{
	uint64_t item;

	while (!mpmc_try_dequeue(queue, &item))
		;
}

/* How a child ended: its status, or minus the signal that killed it. */
int ended(pid_t pid)
{
	int status = 0;

	while (waitpid(pid, &status, 0) != pid)
		;
	return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

/* --- Creating --- */

static void test_create(void)
{
	struct mpmc_queue_opts opts = { .capacity = 10, .segments = 3 };
	struct mpmc_queue *queue;
	struct mpmc_stat stat;

	IS(mpmc_queue_create(NULL, NULL), -EINVAL);
	IS(mpmc_queue_create(&queue, NULL), 0);
	stat = stat_of(queue);
	IS(stat.capacity, 1048576);
	IS(stat.segments, sysconf(_SC_NPROCESSORS_CONF));
	IS(stat.items + stat.leased + stat.producers + stat.consumers, 0);
	IS(stat.enqueue_waiters + stat.dequeue_waiters + stat.shut_down, 0);
	IS(fcntl(mpmc_queue_fd(queue), F_GETFD), FD_CLOEXEC);
	mpmc_queue_destroy(queue);
	IS(mpmc_queue_create(&queue, &opts), 0);
	stat = stat_of(queue);
	IS(stat.capacity, 10);
	IS(stat.segments, 3);
	mpmc_queue_destroy(queue);
	mpmc_queue_destroy(NULL);
}

static void test_create_limits(void)
{
	struct mpmc_queue_opts flags = { .flags = 1U << 31 };
	struct mpmc_queue_opts none = { .flags = MPMC_QUEUE_DELIVERIES };
	struct mpmc_queue_opts large = { .capacity = UINT64_MAX };
	struct mpmc_queue_opts wide = { .segments = UINT32_MAX };
	struct mpmc_device_info info = { .size = sizeof(info) };
	struct mpmc_queue_opts max = { .segments = 1 };
	struct mpmc_queue *queue;
	int device = open("/dev/mpmc", O_RDWR);

	IS(ioctl(device, MPMC_IOC_DEVICE_INFO, &info), 0);
	close(device);
	IS(mpmc_queue_create(&queue, &flags), -EINVAL);
	IS(mpmc_queue_create(&queue, &none), -EINVAL);
	IS(mpmc_queue_create(&queue, &large), -ENOSPC);
	IS(mpmc_queue_create(&queue, &wide), -ENOSPC);
	max.capacity = info.max_capacity + 1;
	IS(mpmc_queue_create(&queue, &max), -ENOSPC);
	max.capacity--;
	IS(mpmc_queue_create(&queue, &max), 0);
	mpmc_queue_destroy(queue);
}

static void test_names(void)
{
	const int new = O_RDWR | O_CREAT | O_EXCL;
	struct mpmc_queue_opts opts = { .capacity = 4, .segments = 1 };
	struct mpmc_queue *queue, *reader, *none;
	struct mpmc_name names[3];
	uint64_t item = poison;
	mode_t mask = umask(0);

	if (mpmc_queue_unlink("/guest") == -EOPNOTSUPP) {
		printf("ok %d - names # SKIP not on this kernel\n", ++count);
		return;
	}
	IS(mpmc_queue_open(&none, "/guest", O_RDWR, 0, NULL), -ENOENT);
	IS(mpmc_queue_unlink("/guest"), -ENOENT);
	IS(mpmc_queue_open(&none, "guest", new, 0600, NULL), -EINVAL);
	IS(mpmc_queue_open(&queue, "/guest", new, 0640, &opts), 0);
	IS(mpmc_queue_open(&none, "/guest", new, 0640, &opts), -EEXIST);
	IS(!none, true);
	IS(mpmc_queue_open(&reader, "/guest", O_RDONLY, 0, NULL), 0);
	IS(mpmc_try_enqueue(reader, 1), -EBADF);
	IS(mpmc_try_enqueue(queue, 1), 0);
	IS(mpmc_queue_list(NULL, names, 3), 1);
	check(!strcmp(names[0].name, "/guest"), "its name is on the list");
	IS(names[0].mode, 0640);
	IS(names[0].capacity, 4);
	IS(names[0].items, 1);
	IS(names[0].uid == getuid() && names[0].gid == getgid(), true);
	IS(mpmc_queue_list("/guest", names, 3), 0);
	IS(mpmc_queue_unlink("/guest"), 0);
	IS(mpmc_queue_list(NULL, names, 3), 0);
	mpmc_queue_destroy(queue);
	IS(mpmc_try_dequeue(reader, &item), 0);
	IS(item, 1);
	mpmc_queue_destroy(reader);
	umask(mask);
}

static void test_no_fds(void)
{
	struct rlimit old, none;
	struct mpmc_queue *queue = queue_of(1, 1), *other;
	struct mpmc_producer *producer;
	struct mpmc_consumer *consumer;

	getrlimit(RLIMIT_NOFILE, &old);
	none = old;
	none.rlim_cur = 3;
	setrlimit(RLIMIT_NOFILE, &none);
	IS(mpmc_queue_create(&other, NULL), -EMFILE);
	IS(mpmc_queue_from_fd(&other, mpmc_queue_fd(queue)), -EMFILE);
	IS(mpmc_producer_create(&producer, queue, NULL), -EMFILE);
	IS(mpmc_consumer_create(&consumer, queue, NULL), -EMFILE);
	/* One is left, below the queue's: for open(), not for the ioctl. */
	none.rlim_cur = mpmc_queue_fd(queue) + 1;
	setrlimit(RLIMIT_NOFILE, &none);
	IS(mpmc_queue_create(&other, NULL), -EMFILE);
	setrlimit(RLIMIT_NOFILE, &old);
	IS(mpmc_queue_create(&other, NULL), 0);
	mpmc_queue_destroy(other);
	mpmc_queue_destroy(queue);
}

/* Every malloc() and mmap() of the library's and ours: see the Makefile. */
void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__real_mmap(void *at, size_t size, int prot, int flags, int fd,
		  off_t offset);
void *__wrap_mmap(void *at, size_t size, int prot, int flags, int fd,
		  off_t offset);

static bool no_memory;

void *__wrap_malloc(size_t size)
{
	if (!no_memory)
		return __real_malloc(size);
	errno = ENOMEM;
	return NULL;
}

void *__wrap_mmap(void *at, size_t size, int prot, int flags, int fd,
		  off_t offset)
{
	if (!no_memory)
		return __real_mmap(at, size, prot, flags, fd, offset);
	errno = ENOMEM;
	return MAP_FAILED;
}

int count_fds(void)
{
	int fd, n = 0;

	for (fd = 0; fd < 3000; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static void test_no_memory(void)
{
	struct mpmc_queue *queue = queue_of(1, 1), *other = queue;
	struct mpmc_producer *producer = NULL;
	struct mpmc_consumer *consumer = NULL;
	int rets[4], error, fds = count_fds();

	no_memory = true;
	errno = EXDEV;
	rets[0] = mpmc_queue_create(&other, NULL);
	rets[1] = mpmc_queue_from_fd(&other, mpmc_queue_fd(queue));
	rets[2] = mpmc_producer_create(&producer, queue, NULL);
	rets[3] = mpmc_consumer_create(&consumer, queue, NULL);
	error = errno;
	no_memory = false;
	IS(rets[0], -ENOMEM);
	IS(rets[1], -ENOMEM);
	IS(rets[2], -ENOMEM);
	IS(rets[3], -ENOMEM);
	IS(error, EXDEV);
	IS(!other && !producer && !consumer, true);
	IS(count_fds(), fds);
	IS(stat_of(queue).producers + stat_of(queue).consumers, 0);
	mpmc_queue_destroy(queue);
}

/* What creating says of another /dev/mpmc, and errno left as it was. */
static int create_with(mode_t mode, unsigned int major, unsigned int minor)
{
	struct mpmc_queue *queue = NULL;
	int ret;

	if (mknod("/dev/mpmc", mode, makedev(major, minor)))
		return -1;
	errno = EXDEV;
	ret = mpmc_queue_create(&queue, NULL);
	if (errno != EXDEV || queue)
		ret = -1;
	unlink("/dev/mpmc");
	return ret;
}

static int create_as_nobody(void)
{
	struct mpmc_queue *queue;
	pid_t pid = fork();

	if (!pid)
		_exit(setuid(65534) ? 0 : -mpmc_queue_create(&queue, NULL));
	return -ended(pid);
}

static void test_device(void)
{
	struct mpmc_queue *queue;

	IS(chmod("/dev/mpmc", 0600), 0);
	IS(create_as_nobody(), -EACCES);
	IS(chmod("/dev/mpmc", 0666), 0);
	IS(create_as_nobody(), 0);
	IS(rename("/dev/mpmc", "/dev/mpmc-away"), 0);
	IS(mpmc_queue_create(&queue, NULL), -ENOENT);
	IS(create_with(S_IFCHR | 0666, 1, 3), -ENOTTY); /* /dev/null's */
	IS(create_with(S_IFCHR | 0666, 60, 0), -ENXIO); /* local use */
	IS(create_with(S_IFCHR | 0666, 10, 254), -ENODEV);
	IS(rename("/dev/mpmc-away", "/dev/mpmc"), 0);
	IS(mpmc_queue_create(&queue, NULL), 0);
	mpmc_queue_destroy(queue);
}

static void test_max_queues(void)
{
	static struct mpmc_queue *queues[2000];
	struct mpmc_queue_opts opts = { .capacity = 1, .segments = 1 };
	struct rlimit limit = { 3000, 3000 };
	size_t i, n = 0;
	int ret = 0;

	setrlimit(RLIMIT_NOFILE, &limit);
	while (n < ARRAY_SIZE(queues)) {
		ret = mpmc_queue_create(&queues[n], &opts);
		if (ret)
			break;
		n++;
	}
	IS(ret, -ENOSPC);
	IS(n, 1024);
	for (i = 0; i < n; i++)
		mpmc_queue_destroy(queues[i]);
}

static void test_max_tokens(void)
{
	static struct mpmc_producer *producers[2000];
	struct mpmc_queue *queue = queue_of(1000, 1);
	struct mpmc_device_info info = { .size = sizeof(info) };
	int device = open("/dev/mpmc", O_RDWR);
	size_t i, n = 0;
	int ret = 0;

	ioctl(device, MPMC_IOC_DEVICE_INFO, &info);
	close(device);
	while (n < ARRAY_SIZE(producers)) {
		ret = mpmc_producer_create(&producers[n], queue, NULL);
		if (ret)
			break;
		n++;
	}
	IS(ret, -ENOSPC);
	IS(n, info.max_tokens);
	IS(stat_of(queue).producers, n);
	for (i = 0; i < n; i++)
		mpmc_producer_destroy(producers[i]);
	mpmc_queue_destroy(queue);
}

static void test_from_fd(void)
{
	struct mpmc_queue *queue = queue_of(4, 1), *twin = NULL;
	struct mpmc_consumer *consumer = NULL;
	uint64_t item = 0;
	int pipes[2], device = open("/dev/mpmc", O_RDWR);

	IS(pipe(pipes), 0);
	IS(mpmc_consumer_create(&consumer, queue, NULL), 0);
	IS(mpmc_queue_from_fd(NULL, mpmc_queue_fd(queue)), -EINVAL);
	IS(mpmc_queue_from_fd(&twin, -1), -EBADF);
	IS(mpmc_queue_from_fd(&twin, 2999), -EBADF);
	IS(mpmc_queue_from_fd(&twin, pipes[0]), -ENOTTY);
	IS(mpmc_queue_from_fd(&twin, device), -ENOTTY);
	IS(mpmc_queue_from_fd(&twin, mpmc_consumer_fd(consumer)), -ENOTTY);
	IS(mpmc_queue_from_fd(&twin, mpmc_queue_fd(queue)), 0);
	IS(mpmc_queue_fd(twin) != mpmc_queue_fd(queue), true);
	IS(fcntl(mpmc_queue_fd(twin), F_GETFD), FD_CLOEXEC);
	IS(mpmc_try_enqueue(queue, 7), 0);
	mpmc_consumer_destroy(consumer);
	mpmc_queue_destroy(queue);
	IS(mpmc_try_dequeue(twin, &item), 0);
	IS(item, 7);
	mpmc_queue_destroy(twin);
	close(pipes[0]);
	close(pipes[1]);
	close(device);
}

static int child_adds_one(int fd)
{
	struct mpmc_queue *queue;
	uint64_t item;

	if (mpmc_queue_from_fd(&queue, fd) ||
	    mpmc_dequeue_wait(queue, &item, NULL) ||
	    mpmc_enqueue_wait(queue, item + 1, NULL))
		return 1;
	mpmc_queue_destroy(queue);
	return 0;
}

static void test_fork(void)
{
	struct mpmc_queue *queue = queue_of(4, 1);
	uint64_t item = 41;
	pid_t pid;

	IS(mpmc_try_enqueue(queue, item), 0);
	pid = fork();
	if (!pid)
		_exit(child_adds_one(mpmc_queue_fd(queue)));
	IS(ended(pid), 0);
	IS(mpmc_try_dequeue(queue, &item), 0);
	IS(item, 42);
	mpmc_queue_destroy(queue);
}

union rights {
	char buffer[CMSG_SPACE(sizeof(int))];
	struct cmsghdr align;
};

/* Send a descriptor, or receive one when fd is negative. */
static int pass_fd(int socket, int fd)
{
	union rights rights = { 0 };
	char byte = 0;
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1,
			      .msg_control = rights.buffer,
			      .msg_controllen = sizeof(rights.buffer) };
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);

	if (fd < 0) {
		if (recvmsg(socket, &msg, 0) != 1 || !CMSG_FIRSTHDR(&msg))
			return -1;
		memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(fd));
		return fd;
	}
	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(cmsg), &fd, sizeof(fd));
	return sendmsg(socket, &msg, 0) == 1 ? 0 : -1;
}

/* The child makes the queue, sends it, and is gone. */
static void test_rights(void)
{
	struct mpmc_queue *queue;
	uint64_t item = 0;
	int fd, sockets[2];
	pid_t pid;

	IS(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets), 0);
	pid = fork();
	if (!pid) {
		queue = queue_of(2, 1);
		_exit(mpmc_try_enqueue(queue, 99) ||
		      pass_fd(sockets[1], mpmc_queue_fd(queue)));
	}
	fd = pass_fd(sockets[0], -1);
	IS(ended(pid), 0);
	IS(mpmc_queue_from_fd(&queue, fd), 0);
	close(fd);
	IS(mpmc_try_dequeue(queue, &item), 0);
	IS(item, 99);
	mpmc_queue_destroy(queue);
	close(sockets[0]);
	close(sockets[1]);
}

/* --- Moving items --- */

/* Mapped: a bad address is our own SIGSEGV, see guest_rings.c. */
static void put_checks(const struct puts *op, struct mpmc_queue *queue,
		       void *handle, bool mapped)
{
	uint64_t items[5] = { 1, 2, 3, 4, 5 };

	printf("# %s: put\n", op->name);
	IS(op->try(handle, 1), 0);
	IS(op->wait(handle, 2, &zero), 0);
	IS(op->try_bulk(handle, items, 3), -EAGAIN);
	IS(op->wait_bulk(handle, items, 3, &zero), -ETIMEDOUT);
	IS(mpmc_size_approx(queue), 2);
	IS(op->try_bulk(handle, items, 2), 0);
	IS(mpmc_size_approx(queue), 4);
	IS(op->try(handle, 1), -EAGAIN);
	IS(op->try_bulk(handle, items, 1), -EAGAIN);
	IS(op->wait(handle, 1, &zero), -ETIMEDOUT);
	LASTS(op->wait(handle, 1, &soon), -ETIMEDOUT);
	LASTS(op->wait_bulk(handle, items, 4, &soon), -ETIMEDOUT);
	IS(op->try_bulk(handle, items, 5), -EMSGSIZE);
	IS(op->wait_bulk(handle, items, 5, NULL), -EMSGSIZE);
	if (sizeof(size_t) > sizeof(uint32_t)) {
		IS(op->try_bulk(handle, items, (size_t)UINT32_MAX + 1),
		   -EMSGSIZE);
		IS(op->wait_bulk(handle, items, (size_t)UINT32_MAX + 2, NULL),
		   -EMSGSIZE);
	}
	IS(op->try_bulk(handle, items, SIZE_MAX), -EMSGSIZE);
	IS(op->try_bulk(handle, NULL, 0), 0);
	IS(op->wait_bulk(handle, NULL, 0, NULL), 0);
	IS(op->try_bulk(handle, NULL, 1), -EINVAL);
	IS(op->wait_bulk(handle, NULL, 1, NULL), -EINVAL);
	if (!mapped) {
		IS(op->try_bulk(handle, BAD, 1), -EFAULT);
		IS(op->wait_bulk(handle, BAD, 4, NULL), -EFAULT);
	}
	drain(queue);
	IS(op->wait_bulk(handle, items, 4, NULL), 0);
	IS(mpmc_size_approx(queue), 4);
	drain(queue);
}

static void take_checks(const struct takes *op, struct mpmc_queue *queue,
			void *handle, bool mapped)
{
	static const uint64_t items[4] = { 1, 2, 3, 4 };
	uint64_t got[8] = { [4] = poison }, item = poison;

	printf("# %s: take\n", op->name);
	IS(op->try(handle, &item), -EAGAIN);
	IS(op->try_bulk(handle, got, 8), 0);
	IS(op->wait(handle, &item, &zero), -ETIMEDOUT);
	IS(op->wait_bulk(handle, got, 8, &zero), 0);
	LASTS(op->wait(handle, &item, &soon), -ETIMEDOUT);
	LASTS(op->wait_bulk(handle, got, 8, &soon), 0);
	IS(item, poison);
	IS(mpmc_try_enqueue_bulk(queue, items, 4), 0);
	IS(op->try(handle, &item), 0);
	IS(item, 1);
	IS(op->wait(handle, &item, NULL), 0);
	IS(item, 2);
	IS(op->try_bulk(handle, NULL, 0), 0);
	IS(op->wait_bulk(handle, NULL, 0, NULL), 0);
	IS(op->try(handle, NULL), -EINVAL);
	IS(op->wait(handle, NULL, NULL), -EINVAL);
	IS(op->try_bulk(handle, NULL, 1), -EINVAL);
	IS(op->wait_bulk(handle, NULL, 1, NULL), -EINVAL);
	if (!mapped) {
		IS(op->try_bulk(handle, BAD, 2), -EFAULT);
		IS(op->wait_bulk(handle, BAD, 2, NULL), -EFAULT);
	}
	IS(op->try_bulk(handle, got, 1), 1);
	IS(got[0], 3);
	IS(op->wait_bulk(handle, got, SIZE_MAX, NULL), 1);
	IS(got[0], 4);
	IS(mpmc_try_enqueue_bulk(queue, items, 4), 0);
	IS(op->try_bulk(handle, got, SIZE_MAX), 4);
	IS(memcmp(got, items, sizeof(items)), 0);
	IS(got[4], poison);
}

/* An address that can be read and not written. */
static uint64_t *read_only(void)
{
	uint64_t *page = mmap(NULL, 4096, PROT_READ,
			      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (page == MAP_FAILED) {
		printf("Bail out! no page\n");
		exit(1);
	}
	return page;
}

/* An item that cannot be handed over is not lost, nor is its place. */
static void fault_checks(const struct takes *op, struct mpmc_queue *queue,
			 void *handle)
{
	static const uint64_t items[4] = { 1, 2, 3, 4 };
	static const struct timespec *const timeouts[] = { NULL, &zero };
	uint64_t *bad[] = { BAD, (uint64_t *)~7UL, read_only() };
	uint64_t item;
	size_t i, n;

	printf("# %s: take to nowhere\n", op->name);
	IS(mpmc_try_enqueue_bulk(queue, items, 4), 0);
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		IS(op->try(handle, bad[i]), -EFAULT);
		for (n = 0; n < ARRAY_SIZE(timeouts); n++)
			IS(op->wait(handle, bad[i], timeouts[n]), -EFAULT);
		IS(stat_of(queue).items + stat_of(queue).leased, 4);
	}
	IS(mpmc_try_enqueue(queue, 5), -EAGAIN);
	for (i = 0; i < ARRAY_SIZE(items); i++) {
		item = poison;
		IS(op->try(handle, &item), 0);
		IS(item, items[i]);
	}
	IS(op->try(handle, &item), -EAGAIN);
	munmap(bad[2], 4096);
}

static void malformed_checks(const struct puts *put, void *p,
			     const struct takes *take, void *c)
{
	static const struct timespec bad[] = {
		{ -1, 0 }, { 0, -1 }, { 0, 1000000000 }, { LONG_MIN, 0 },
		{ 0, LONG_MAX }, { 0, LONG_MIN },
	};
	uint64_t item = poison;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		IS(put->wait(p, 1, &bad[i]), -EINVAL);
		IS(put->wait_bulk(p, &item, 1, &bad[i]), -EINVAL);
		IS(put->wait_bulk(p, &item, 0, &bad[i]), -EINVAL);
		IS(take->wait(c, &item, &bad[i]), -EINVAL);
		IS(take->wait_bulk(c, &item, 1, &bad[i]), -EINVAL);
		IS(take->wait_bulk(c, &item, 0, &bad[i]), -EINVAL);
	}
	IS(item, poison);
}

static void null_checks(const struct puts *put, const struct takes *take)
{
	uint64_t item = 1;

	IS(put->try(NULL, 1), -EINVAL);
	IS(put->try_bulk(NULL, &item, 1), -EINVAL);
	IS(put->wait(NULL, 1, NULL), -EINVAL);
	IS(put->wait_bulk(NULL, &item, 1, NULL), -EINVAL);
	IS(take->try(NULL, &item), -EINVAL);
	IS(take->try_bulk(NULL, &item, 1), -EINVAL);
	IS(take->wait(NULL, &item, NULL), -EINVAL);
	IS(take->wait_bulk(NULL, &item, 1, NULL), -EINVAL);
}

/* Sleepers are woken by what they wait for, long before the clock does it. */
static void *sleeper_run(void *arg)
{
	struct sleeper *s = arg;

	s->ret = s->put ? s->put->wait(s->handle, 1, s->timeout) :
			  s->take->wait(s->handle, &s->item, s->timeout);
	return NULL;
}

void sleeper_start(struct sleeper *s, struct mpmc_queue *queue)
{
	struct mpmc_stat stat = { .size = sizeof(stat) };
	int tries = 5000;

	s->ret = 1;
	pthread_create(&s->thread, NULL, sleeper_run, s);
	do {
		usleep(1000);
		mpmc_queue_stat(queue, &stat);
	} while (!(s->put ? stat.enqueue_waiters : stat.dequeue_waiters) &&
		 --tries);
	check(tries, "a %s waiter is counted", s->put ? "put" : "take");
}

static void sleeper_checks(const struct puts *put, void *p,
			   const struct takes *take, void *c,
			   struct mpmc_queue *queue)
{
	static const struct timespec ages = { LONG_MAX, 999999999 };
	struct sleeper s = { .take = take, .handle = c, .timeout = &ages };
	uint64_t item = 0;

	sleeper_start(&s, queue);
	IS(mpmc_try_enqueue(queue, 5), 0);
	pthread_join(s.thread, NULL);
	IS(s.ret, 0);
	IS(s.item, 5);
	s = (struct sleeper){ .put = put, .handle = p, .timeout = NULL };
	fill(queue);
	sleeper_start(&s, queue);
	IS(mpmc_try_dequeue(queue, &item), 0);
	pthread_join(s.thread, NULL);
	IS(s.ret, 0);
	IS(item, poison);
	drain(queue);
}

static void test_queue_items(void)
{
	struct mpmc_queue *queue = queue_of(4, 1);

	put_checks(&qputs, queue, queue, false);
	take_checks(&qtakes, queue, queue, false);
	fault_checks(&qtakes, queue, queue);
	malformed_checks(&qputs, queue, &qtakes, queue);
	sleeper_checks(&qputs, queue, &qtakes, queue, queue);
	null_checks(&qputs, &qtakes);
	null_checks(&pputs, &ctakes);
	mpmc_queue_destroy(queue);
}

static void token_items(uint32_t segments, uint32_t flags,
			const struct puts *put, const struct takes *take)
{
	struct mpmc_queue *queue = queue_of(4, segments);
	struct mpmc_producer *p = producer_of(queue, 4, flags);
	bool unmapped = flags & MPMC_OPT_UNMAPPED;
	struct mpmc_consumer *c;

	printf("# tokens: segments %u, flags %u\n", segments, flags);
	IS(mpmc_producer_mapped(p), segments > 1 && !unmapped);
	put_checks(put, queue, p, mpmc_producer_mapped(p));
	c = consumer_of(queue, 4, flags);
	IS(mpmc_consumer_mapped(c), !unmapped);
	take_checks(take, queue, c, !unmapped);
	if (unmapped)
		fault_checks(take, queue, c);
	malformed_checks(put, p, take, c);
	sleeper_checks(put, p, take, c, queue);
	mpmc_consumer_destroy(c);
	mpmc_producer_destroy(p);
	mpmc_queue_destroy(queue);
}

static void test_token_items(void)
{
	token_items(1, MPMC_OPT_UNMAPPED, &pputs, &ctakes);
	token_items(2, MPMC_OPT_UNMAPPED, &pputs, &ctakes);
	token_items(1, 0, &pputs, &ctakes);
	token_items(2, 0, &pputs, &ctakes);
	token_items(2, MPMC_OPT_ARMED, &pputs, &ctakes);
	token_items(2, 0, &plain_pputs, &plain_ctakes);
	null_checks(&plain_pputs, &plain_ctakes);
}

/* --- Tokens --- */

static void test_tokens(void)
{
	struct mpmc_token_opts flags = { .flags = 1U << 31 };
	struct mpmc_token_opts large = { .ring_entries = UINT32_MAX };
	struct mpmc_token_opts small = { .ring_entries = 5 };
	struct mpmc_token_info info = { .size = sizeof(info) };
	struct mpmc_queue *queue = queue_of(100, 1);
	struct mpmc_producer *p;
	struct mpmc_consumer *c;

	IS(mpmc_producer_create(NULL, queue, NULL), -EINVAL);
	IS(mpmc_producer_create(&p, NULL, NULL), -EINVAL);
	IS(mpmc_producer_create(&p, queue, &flags), -EINVAL);
	IS(mpmc_producer_create(&p, queue, &large), -EINVAL);
	IS(mpmc_consumer_create(NULL, queue, NULL), -EINVAL);
	IS(mpmc_consumer_create(&c, NULL, NULL), -EINVAL);
	IS(mpmc_consumer_create(&c, queue, &flags), -EINVAL);
	IS(mpmc_consumer_create(&c, queue, &large), -EINVAL);
	IS(mpmc_producer_create(&p, queue, &small), 0);
	IS(mpmc_consumer_create(&c, queue, &small), 0);
	IS(ioctl(mpmc_producer_fd(p), MPMC_IOC_TOKEN_INFO, &info), 0);
	IS(info.ring_entries, 8);
	IS(fcntl(mpmc_producer_fd(p), F_GETFD), FD_CLOEXEC);
	IS(fcntl(mpmc_consumer_fd(c), F_GETFD), FD_CLOEXEC);
	IS(stat_of(queue).producers, 1);
	IS(stat_of(queue).consumers, 1);
	mpmc_producer_destroy(p);
	mpmc_producer_destroy(NULL);
	mpmc_consumer_destroy(c);
	mpmc_consumer_destroy(NULL);
	IS(stat_of(queue).producers + stat_of(queue).consumers, 0);
	mpmc_queue_destroy(queue);
}

static void test_nulls(void)
{
	struct mpmc_queue *queue = queue_of(1, 1);
	struct mpmc_stat stat = { .size = sizeof(stat) };

	IS(mpmc_queue_fd(NULL), -EINVAL);
	IS(mpmc_producer_fd(NULL), -EINVAL);
	IS(mpmc_consumer_fd(NULL), -EINVAL);
	IS(mpmc_size_approx(NULL), -EINVAL);
	IS(mpmc_shutdown(NULL), -EINVAL);
	IS(mpmc_queue_stat(NULL, &stat), -EINVAL);
	IS(mpmc_queue_stat(queue, NULL), -EINVAL);
	stat.size = 0;
	IS(mpmc_queue_stat(queue, &stat), -EINVAL);
	mpmc_queue_destroy(queue);
}

/* A bulk longer than both rings; the handle of the queue goes first. */
static void test_token_order(uint32_t segments, uint32_t flags)
{
	static uint64_t in[1000], out[1000];
	struct mpmc_queue *queue = queue_of(1000, segments);
	struct mpmc_producer *p = producer_of(queue, 8, flags);
	struct mpmc_consumer *c = consumer_of(queue, 8, flags);
	size_t i, n = 0;
	ssize_t ret;

	memset(out, 0, sizeof(out));
	mpmc_queue_destroy(queue);
	for (i = 0; i < ARRAY_SIZE(in); i++)
		in[i] = i * i + 1;
	IS(mpmc_producer_try_enqueue_bulk(p, in, 999), 0);
	IS(mpmc_producer_try_enqueue(p, in[999]), 0);
	IS(mpmc_producer_try_enqueue(p, 0), -EAGAIN);
	while (n < ARRAY_SIZE(out)) {
		ret = mpmc_consumer_try_dequeue_bulk(c, out + n, 1000 - n);
		if (ret <= 0)
			break;
		n += ret;
	}
	IS(n, 1000);
	IS(memcmp(in, out, sizeof(in)), 0);
	mpmc_producer_destroy(p);
	mpmc_consumer_destroy(c);
}

/* What a consumer could not be given is its lease, and goes back with it. */
static void test_lease(void)
{
	static const uint64_t items[3] = { 1, 2, 3 };
	struct mpmc_queue *queue = queue_of(8, 1);
	struct mpmc_consumer *c = consumer_of(queue, 8, MPMC_OPT_UNMAPPED);
	uint64_t got[4] = { 0 };

	IS(mpmc_try_enqueue_bulk(queue, items, 3), 0);
	IS(mpmc_consumer_try_dequeue_bulk(c, BAD, 3), -EFAULT);
	IS(stat_of(queue).leased + stat_of(queue).items, 3);
	IS(stat_of(queue).leased > 0, true);
	IS(mpmc_size_approx(queue), 3 - stat_of(queue).leased);
	mpmc_consumer_destroy(c);
	IS(stat_of(queue).leased, 0);
	IS(mpmc_size_approx(queue), 3);
	IS(mpmc_try_dequeue_bulk(queue, got, 4), 3);
	IS(memcmp(got, items, sizeof(items)), 0);
	mpmc_queue_destroy(queue);
}

static void test_busy(uint32_t segments)
{
	struct mpmc_queue *queue = queue_of(1, segments);
	struct mpmc_producer *p = producer_of(queue, 0, 0);
	struct mpmc_consumer *c = consumer_of(queue, 0, 0);
	struct sleeper s = { .take = &ctakes };
	struct mpmc_item show;
	uint64_t item = 0;

	s.handle = c;
	sleeper_start(&s, queue);
	IS(mpmc_consumer_try_dequeue(c, &item), -EBUSY);
	IS(mpmc_consumer_try_dequeue_bulk(c, &item, 1), -EBUSY);
	IS(mpmc_consumer_dequeue_wait(c, &item, NULL), -EBUSY);
	IS(mpmc_consumer_dequeue_bulk_wait(c, &item, 1, NULL), -EBUSY);
	IS(mpmc_consumer_peek(c, &show, 1), -EBUSY);
	IS(mpmc_consumer_peek_wait(c, &show, 1, NULL), -EBUSY);
	IS(mpmc_consumer_release(c, 1), -EBUSY);
	IS(mpmc_producer_try_enqueue(p, 3), 0);
	pthread_join(s.thread, NULL);
	IS(s.item, 3);
	IS(mpmc_producer_try_enqueue(p, 4), 0);
	s = (struct sleeper){ .put = &pputs, .handle = p };
	sleeper_start(&s, queue);
	IS(mpmc_producer_try_enqueue(p, 5), -EBUSY);
	IS(mpmc_producer_try_enqueue_bulk(p, &item, 1), -EBUSY);
	IS(mpmc_producer_enqueue_wait(p, 5, NULL), -EBUSY);
	IS(mpmc_producer_enqueue_bulk_wait(p, &item, 1, NULL), -EBUSY);
	IS(mpmc_consumer_dequeue_wait(c, &item, NULL), 0);
	pthread_join(s.thread, NULL);
	IS(s.ret, 0);
	mpmc_producer_destroy(p);
	mpmc_consumer_destroy(c);
	mpmc_queue_destroy(queue);
}

/* --- Signals --- */

static volatile sig_atomic_t signals;

static void handler(int sig)
{
	signals += sig == SIGUSR1;
}

static void handle(int flags)
{
	struct sigaction action = { .sa_handler = handler, .sa_flags = flags };

	sigaction(SIGUSR1, &action, NULL);
	signals = 0;
}

static void interrupted(struct sleeper *s, struct mpmc_queue *queue)
{
	handle(0);
	sleeper_start(s, queue);
	pthread_kill(s->thread, SIGUSR1);
	pthread_join(s->thread, NULL);
	IS(s->ret, -EINTR);
	IS(signals, 1);
}

static void test_signals(void)
{
	static const struct timespec half = { 0, 500 * MSEC };
	struct mpmc_queue *queue = queue_of(1, 1);
	struct sleeper s = { .take = &qtakes, .handle = queue };
	struct timespec start;
	double ms;

	interrupted(&s, queue);
	handle(SA_RESTART);
	s.timeout = &half;
	clock_gettime(CLOCK_MONOTONIC, &start);
	sleeper_start(&s, queue);
	usleep(300 * 1000);
	pthread_kill(s.thread, SIGUSR1);
	pthread_join(s.thread, NULL);
	ms = elapsed(&start);
	IS(s.ret, -ETIMEDOUT);
	IS(signals, 1);
	check(ms >= 500 && ms < 780, "the restart kept the deadline: %.0f ms",
	      ms);
	fill(queue);
	s = (struct sleeper){ .put = &qputs, .handle = queue };
	interrupted(&s, queue);
	mpmc_queue_destroy(queue);
}

/* --- The end of the stream --- */

static void put_ended(const struct puts *op, void *handle)
{
	uint64_t item = 1;

	IS(op->try(handle, 1), -EPIPE);
	IS(op->try_bulk(handle, &item, 1), -EPIPE);
	IS(op->wait(handle, 1, NULL), -EPIPE);
	IS(op->wait_bulk(handle, &item, 1, NULL), -EPIPE);
	IS(op->try_bulk(handle, &item, 0), 0);
}

static void take_ended(const struct takes *op, void *handle)
{
	uint64_t item = 1;

	IS(op->try(handle, &item), -EPIPE);
	IS(op->try_bulk(handle, &item, 1), -EPIPE);
	IS(op->wait(handle, &item, NULL), -EPIPE);
	IS(op->wait_bulk(handle, &item, 1, &second), -EPIPE);
	IS(op->wait_bulk(handle, &item, 0, NULL), 0);
}

static void test_shutdown(uint32_t segments, uint32_t flags)
{
	struct mpmc_queue *queue = queue_of(8, segments);
	struct mpmc_producer *p = producer_of(queue, 8, flags), *late;
	struct mpmc_consumer *c = consumer_of(queue, 8, flags), *last;
	uint64_t items[4] = { 1, 2, 3, 4 }, item = 0;

	IS(mpmc_producer_try_enqueue_bulk(p, items, 4), 0);
	IS(mpmc_shutdown(queue), 0);
	IS(mpmc_shutdown(queue), 0);
	IS(stat_of(queue).shut_down, 1);
	put_ended(&qputs, queue);
	put_ended(&pputs, p);
	IS(mpmc_producer_create(&late, queue, NULL), -EPIPE);
	IS(mpmc_consumer_create(&last, queue, NULL), 0);
	IS(mpmc_consumer_dequeue_wait(c, &item, NULL), 0);
	IS(item, 1);
	IS(mpmc_try_dequeue(queue, &item), 0);
	IS(item, 2);
	IS(mpmc_consumer_try_dequeue(last, &item), 0);
	IS(mpmc_dequeue_bulk_wait(queue, items, 4, NULL), 1);
	IS(items[0], 4);
	take_ended(&qtakes, queue);
	take_ended(&ctakes, c);
	mpmc_consumer_destroy(last);
	mpmc_consumer_destroy(c);
	mpmc_producer_destroy(p);
	mpmc_queue_destroy(queue);
}

static void test_shutdown_sleepers(void)
{
	struct mpmc_queue *queue = queue_of(1, 1);
	struct sleeper s = { .take = &qtakes, .handle = queue };

	sleeper_start(&s, queue);
	IS(mpmc_shutdown(queue), 0);
	pthread_join(s.thread, NULL);
	IS(s.ret, -EPIPE);
	mpmc_queue_destroy(queue);
	queue = queue_of(1, 1);
	fill(queue);
	s = (struct sleeper){ .put = &qputs, .handle = queue };
	sleeper_start(&s, queue);
	IS(mpmc_shutdown(queue), 0);
	pthread_join(s.thread, NULL);
	IS(s.ret, -EPIPE);
	mpmc_queue_destroy(queue);
}

/* --- All at once --- */

#define EACH 20000

struct worker {
	pthread_t thread;
	struct mpmc_queue *queue;
	bool token;
	uint64_t sum, items;
	int ret;
};

static void *produce(void *arg)
{
	struct worker *w = arg;
	struct mpmc_producer *p = NULL;
	uint64_t i;

	if (w->token)
		w->ret = mpmc_producer_create(&p, w->queue, NULL);
	for (i = 1; i <= EACH && !w->ret; i++)
		w->ret = p ? mpmc_producer_enqueue_wait(p, i, NULL) :
			     mpmc_enqueue_wait(w->queue, i, NULL);
	mpmc_producer_destroy(p);
	return NULL;
}

static void *consume(void *arg)
{
	struct worker *w = arg;
	struct mpmc_consumer *c = NULL;
	uint64_t items[32];
	ssize_t i, n;

	if (w->token && mpmc_consumer_create(&c, w->queue, NULL))
		return NULL;
	for (;;) {
		n = c ? mpmc_consumer_dequeue_bulk_wait(c, items, 32, NULL) :
			mpmc_dequeue_bulk_wait(w->queue, items, 32, NULL);
		if (n <= 0)
			break;
		w->items += n;
		for (i = 0; i < n; i++)
			w->sum += items[i];
	}
	w->ret = n;
	mpmc_consumer_destroy(c);
	return NULL;
}

static void test_stress(void)
{
	struct mpmc_queue_opts opts = { .capacity = 100 };
	struct worker in[4] = { 0 }, out[4] = { 0 };
	struct mpmc_queue *queue;
	uint64_t sum = 0, items = 0;
	int i;

	IS(mpmc_queue_create(&queue, &opts), 0);
	for (i = 0; i < 4; i++) {
		in[i] = out[i] = (struct worker){ .queue = queue,
						  .token = i & 1 };
		pthread_create(&in[i].thread, NULL, produce, &in[i]);
		pthread_create(&out[i].thread, NULL, consume, &out[i]);
	}
	for (i = 0; i < 4; i++) {
		pthread_join(in[i].thread, NULL);
		IS(in[i].ret, 0);
	}
	IS(mpmc_shutdown(queue), 0);
	for (i = 0; i < 4; i++) {
		pthread_join(out[i].thread, NULL);
		IS(out[i].ret, -EPIPE);
		sum += out[i].sum;
		items += out[i].items;
	}
	IS(items, 4 * EACH);
	IS(sum, 4ULL * EACH * (EACH + 1) / 2);
	mpmc_queue_destroy(queue);
}

static void use_auto(void)
{
	mpmc_auto_queue struct mpmc_queue *queue = NULL;
	mpmc_auto_producer struct mpmc_producer *p = NULL;
	mpmc_auto_consumer struct mpmc_consumer *c = NULL;
	mpmc_auto_queue struct mpmc_queue *none = NULL;

	IS(mpmc_queue_fd(none), -EINVAL);
	IS(mpmc_queue_create(&queue, NULL), 0);
	IS(mpmc_producer_create(&p, queue, NULL), 0);
	IS(mpmc_consumer_create(&c, queue, NULL), 0);
}

int main(int argc, char **argv)
{
	int fds = count_fds();

	if (argc > 1)
		return after_exec(argv + 1);
	test_create();
	test_create_limits();
	test_names();
	test_no_fds();
	test_no_memory();
	test_device();
	test_max_queues();
	test_from_fd();
	test_fork();
	test_rights();
	test_nulls();
	test_queue_items();
	test_tokens();
	test_max_tokens();
	test_token_items();
	test_token_order(1, MPMC_OPT_UNMAPPED);
	test_token_order(2, MPMC_OPT_UNMAPPED);
	test_token_order(1, 0);
	test_token_order(2, 0);
	test_lease();
	test_busy(1);
	test_busy(2);
	test_signals();
	test_shutdown(1, MPMC_OPT_UNMAPPED);
	test_shutdown(1, 0);
	test_shutdown(2, 0);
	test_shutdown_sleepers();
	test_stress();
	use_auto();
	test_leases();
	test_rings();
	IS(count_fds(), fds);
	printf("1..%d\n# %d failed\n", count, failed);
	return failed != 0;
}
