// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * What a queue costs when it is idle, as charged to a memory cgroup of its own
 *
 * The kernel charges in batches per CPU: many queues are made, for the error to
 * be small. Needs root and cgroup v2.
 */
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"
#include "common.h"

#define ROOT "/sys/fs/cgroup"
#define QUEUES 1000

static bool file_write(const char *dir, const char *name, const char *text)
{
	ssize_t n, len = strlen(text);
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = write(fd, text, len);
	close(fd);
	return n == len;
}

/* A new memory cgroup, in a mount namespace of our own if need be. */
static bool group_create(const char *dir)
{
	if (access(ROOT "/cgroup.procs", F_OK) &&
	    (unshare(CLONE_NEWNS) ||
	     mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	     mount("none", ROOT, "cgroup2", 0, NULL)))
		return false;
	file_write(ROOT, "cgroup.subtree_control", "+memory");
	return !mkdir(dir, 0755);
}

static double charged(const char *dir)
{
	unsigned long long bytes = 0;
	char path[256];
	FILE *file;

	snprintf(path, sizeof(path), "%s/memory.current", dir);
	file = fopen(path, "r");
	if (!file || fscanf(file, "%llu", &bytes) != 1)
		_exit(EXIT_FAILURE);
	fclose(file);
	return bytes;
}

static double per_queue(const char *dir, double before)
{
	return (charged(dir) - before) / QUEUES;
}

/* Inside of the group. */
static void measure(const char *dir, struct footprint *footprint)
{
	static struct mpmc_queue *queues[QUEUES];
	uint64_t item;
	double before;
	int i;

	memset(queues, 0xff, sizeof(queues));
	before = charged(dir);
	for (i = 0; i < QUEUES; i++)
		check(mpmc_queue_create(&queues[i], NULL), "creating a queue");
	footprint->fresh = per_queue(dir, before);
	for (i = 0; i < QUEUES; i++)
		check(mpmc_try_enqueue(queues[i], i), "enqueueing");
	footprint->one = per_queue(dir, before);
	for (i = 0; i < QUEUES; i++)
		check(mpmc_try_dequeue(queues[i], &item), "dequeueing");
	footprint->drained = per_queue(dir, before);
}

static void measure_process(struct footprint *footprint)
{
	struct rlimit files = { QUEUES + 100, QUEUES + 100 };
	char dir[64];
	pid_t pid;
	bool good;

	snprintf(dir, sizeof(dir), ROOT "/mpmc-benchmark-%d", getpid());
	if (setrlimit(RLIMIT_NOFILE, &files) || !group_create(dir))
		_exit(EXIT_FAILURE);
	pid = fork_flushed();
	if (!pid) {
		if (!file_write(dir, "cgroup.procs", "0"))
			_exit(EXIT_FAILURE);
		measure(dir, footprint);
		_exit(0);
	}
	good = child_succeeded(pid);
	/* It may take a moment until the group is empty. */
	for (int i = 0; rmdir(dir) && i < 100; i++)
		sleep_ms(10);
	_exit(!good);
}

bool footprint_measure(struct footprint *footprint)
{
	struct footprint *shared = mmap(NULL, sizeof(*shared),
					PROT_READ | PROT_WRITE,
					MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid;
	bool good;

	if (shared == MAP_FAILED)
		die_errno("shared memory");
	pid = fork_flushed();
	if (!pid)
		measure_process(shared);
	good = child_succeeded(pid);
	*footprint = *shared;
	munmap(shared, sizeof(*shared));
	return good;
}
