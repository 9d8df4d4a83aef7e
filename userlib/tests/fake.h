/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A kernel that is played by functions: what the library asks of it, and what
 * it is told. For programs that are linked with the library's objects, except
 * for sys.o.
 */
#ifndef FAKE_H
#define FAKE_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "../lib.h"
#include "tap.h"

#define QUEUE_FD 40
#define DUP_FD 41
#define POISON 0x5a5a5a5a5a5a5a5aULL
#define SECOND 1000000000ULL
#define PAGE 4096
#define PART MPMC_MAP_STRIDE

/*
 * What the kernel is to answer, and what it was asked: the last command, and
 * how many there were. A lease is filled with what is there, all of it if a
 * share is asked for.
 */
static struct {
	long answer;
	uint64_t item;
	int open_error, no_memory;
	int calls, opened, closed;
	int fd;
	unsigned int cmd;
	union {
		struct mpmc_queue_create queue;
		struct mpmc_queue_open open;
		struct mpmc_queue_unlink unlink;
		struct mpmc_queue_list list;
		struct mpmc_token_create token;
		struct mpmc_token_kick kick;
		struct mpmc_queue_info info;
		struct mpmc_queue_stats stats;
		struct mpmc_queue_shutdown shutdown;
		struct mpmc_transfer transfer;
		struct mpmc_lease lease;
		struct mpmc_lease_end end;
	} arg;
	struct mpmc_queue_create create;
	char name[300];
	int names;
	struct mpmc_token_info token;
	long token_answer;
	size_t there_is;
	void (*lease)(size_t n);
	int maps, map_tries, map_fails;
	struct {
		size_t size;
		int prot, flags, fd;
		uint64_t offset;
		void *memory;
	} map[4];
} kernel;

int lib_open(const char *path)
{
	kernel.opened += !strcmp(path, "/dev/mpmc");
	return kernel.open_error ? kernel.open_error : 3;
}

int lib_dup(int fd)
{
	return fd == QUEUE_FD ? DUP_FD : -EBADF;
}

void lib_close(int fd)
{
	(void)fd;
	kernel.closed++;
}

void *lib_alloc(size_t size)
{
	return kernel.no_memory ? NULL : malloc(size);
}

/* Memory that is there; what the kernel alone writes, the test writes. */
void *lib_mmap(void *at, size_t size, int prot, int flags, int fd,
	       uint64_t offset)
{
	int i = kernel.maps;

	if (kernel.no_memory || ++kernel.map_tries == kernel.map_fails)
		return NULL;
	kernel.map[i].size = size;
	kernel.map[i].prot = prot;
	kernel.map[i].flags = flags;
	kernel.map[i].fd = fd;
	kernel.map[i].offset = offset;
	kernel.map[i].memory = mmap(at, size, PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS |
				    (flags & MAP_FIXED), -1, 0);
	if (kernel.map[i].memory == MAP_FAILED)
		abort();
	return kernel.map[kernel.maps++].memory;
}

static void info_answer(struct mpmc_queue_info *info)
{
	info->capacity = 100;
	info->items = 7;
	info->leased = 3;
	info->segments = 2;
	info->producers = 4;
	info->consumers = 5;
	info->enqueue_waiters = 6;
	info->dequeue_waiters = 8;
	info->state = MPMC_STATE_SHUTDOWN;
	info->granted = 9;
	info->redelivered = 10;
	info->dead = 11;
	info->dropped = 12;
}

/* What was said beside the structure itself. */
static void name_seen(uint64_t name, uint32_t size, uint64_t create)
{
	memset(kernel.name, 0, sizeof(kernel.name));
	if (size)
		memcpy(kernel.name, (const void *)(uintptr_t)name, size);
	memset(&kernel.create, 0, sizeof(kernel.create));
	if (create)
		memcpy(&kernel.create, (const void *)(uintptr_t)create,
		       sizeof(kernel.create));
}

/* So many names are there, /000 and on; kernel.names have been told of. */
static long list_answer(const struct mpmc_queue_list *list)
{
	struct mpmc_queue_entry *entry =
		(struct mpmc_queue_entry *)(uintptr_t)list->entries;
	uint32_t i;

	if (kernel.answer < 0)
		return kernel.answer;
	for (i = 0; i < list->count && kernel.names < kernel.answer; i++) {
		memset(&entry[i], 0, sizeof(entry[i]));
		sprintf((char *)entry[i].name, "/%03d", kernel.names++);
		entry[i].uid = 1;
		entry[i].gid = 2;
		entry[i].mode = 0640;
		entry[i].state = MPMC_STATE_SHUTDOWN;
		entry[i].capacity = 4;
		entry[i].items = 3;
	}
	return i;
}

static void stats_answer(struct mpmc_queue_stats *stats)
{
	stats->enqueued = 21;
	stats->dequeued = 22;
	stats->full = 23;
	stats->enqueue_timeouts = 24;
	stats->dequeue_timeouts = 25;
	stats->redelivered = 26;
	stats->dead = 27;
	stats->dropped = 28;
}

static long lease_answer(const struct mpmc_lease *lease)
{
	size_t n = lease->count;

	if (!kernel.there_is)
		return kernel.answer;
	if (n > kernel.there_is || lease->flags & MPMC_LEASE_SHARE)
		n = kernel.there_is;
	kernel.there_is -= n;
	kernel.lease(n);
	return (long)n;
}

long lib_ioctl(int fd, unsigned int cmd, void *arg)
{
	struct mpmc_transfer *transfer = arg;

	/* Not counted: it is asked for while tokens are made. */
	if (cmd == MPMC_IOC_TOKEN_INFO) {
		if (!kernel.token_answer)
			memcpy(arg, &kernel.token, sizeof(kernel.token));
		return kernel.token_answer;
	}
	kernel.calls++;
	kernel.fd = fd;
	kernel.cmd = cmd;
	memcpy(&kernel.arg, arg, *(uint32_t *)arg);
	if (cmd == MPMC_IOC_QUEUE_INFO && !kernel.answer)
		info_answer(arg);
	if (cmd == MPMC_IOC_QUEUE_STATS && !kernel.answer)
		stats_answer(arg);
	if (cmd == MPMC_IOC_ITEM_DEQUEUE && kernel.answer > 0)
		*(uint64_t *)(uintptr_t)transfer->items = kernel.item;
	if (cmd == MPMC_IOC_LEASE_FILL)
		return lease_answer(arg);
	if (cmd == MPMC_IOC_QUEUE_OPEN)
		name_seen(kernel.arg.open.name, kernel.arg.open.name_size,
			  kernel.arg.open.create);
	if (cmd == MPMC_IOC_QUEUE_UNLINK)
		name_seen(kernel.arg.unlink.name, kernel.arg.unlink.name_size, 0);
	if (cmd == MPMC_IOC_QUEUE_LIST) {
		name_seen(kernel.arg.list.after, kernel.arg.list.after_size, 0);
		return list_answer(arg);
	}
	return kernel.answer;
}

static inline void expect(long answer)
{
	memset(&kernel, 0, sizeof(kernel));
	kernel.answer = answer;
	kernel.item = 99;
}

static inline uint64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * SECOND + ts.tv_nsec;
}

/* Whether a deadline is as far from now as it was from some time before. */
static inline int due(uint64_t deadline, uint64_t before, uint64_t timeout)
{
	return deadline >= before + timeout && deadline <= now() + timeout;
}

#endif /* FAKE_H */
