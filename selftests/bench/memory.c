// SPDX-License-Identifier: GPL-2.0
/*
 * What a channel costs, as charged to a memory cgroup of its own: the kernel's
 * memory and the process's alike
 *
 * The kernel charges ahead, up to 63 pages for each CPU: so the process stays
 * on one, and makes many channels. Needs root and cgroup v2.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

#define ROOT "/sys/fs/cgroup"
#define GROUP ROOT "/mpmc-bench"
#define CURRENT "/memory.current"
#define CHANNELS 200 /* to see what an idle one costs */
#define FILLED 8 /* of them, to see what a full one costs */
#define ENOUGH (128 << 20) /* bytes, and no more channels are made */

struct channel {
	void *channel;
	void *to;
	void *from;
};

static bool file_write(const char *path, const char *text)
{
	ssize_t n, len = strlen(text);
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return false;
	n = write(fd, text, len);
	close(fd);
	return n == len;
}

/*
 * Before anything is busy: the kernel patches its own code for the first
 * memory cgroup, which emulated CPUs do not take well while they are.
 */
bool memory_prepare(void)
{
	if (access(ROOT "/cgroup.procs", F_OK))
		mount("none", ROOT, "cgroup2", 0, NULL);
	file_write(ROOT "/cgroup.subtree_control", "+memory");
	if (mkdir(GROUP, 0755) && errno != EEXIST)
		return false;
	return !access(GROUP CURRENT, R_OK);
}

static double charged(const char *group)
{
	unsigned long long bytes = 0;
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s" CURRENT, group);
	file = fopen(path, "r");
	if (!file || fscanf(file, "%llu", &bytes) != 1)
		die_errno("memory.current");
	fclose(file);
	return bytes;
}

/* Until nothing changes for a while. */
static double charged_at_rest(const char *group)
{
	double before, now = charged(group);
	int i, same = 0;

	for (i = 0; i < 20 && same < 4; i++) {
		sleep_us(100000);
		before = now;
		now = charged(group);
		same = now == before ? same + 1 : 0;
	}
	return now;
}

/*
 * What is freed may take a while until it is: the kernel gathers what is to be
 * freed after an RCU grace period for up to 5 seconds.
 */
static double charged_after(const char *group, double idle, double full)
{
	int i;

	for (i = 0; i < 60 && charged(group) - idle > (full - idle) / 20; i++)
		sleep_us(100000);
	return charged(group);
}

static unsigned int channels_open(const struct peer *peer,
				  const struct load *load,
				  struct channel *channels, const char *group)
{
	unsigned int n;

	for (n = 0; n < CHANNELS; n++) {
		if (n >= FILLED && charged(group) > ENOUGH)
			break;
		channels[n].channel = peer->open(load);
		channels[n].to = peer->attach(channels[n].channel, true);
		channels[n].from = peer->attach(channels[n].channel, false);
	}
	return n;
}

static uint64_t channel_fill(const struct peer *peer, struct channel *channel)
{
	uint64_t n = 0;

	while (n < ROOM && peer->try_put(channel->to, n))
		n++;
	return n;
}

static void channel_empty(const struct peer *peer, struct channel *channel,
			  uint64_t items)
{
	uint64_t item, n;

	for (n = 0; n < items; n++)
		if (!peer->try_get(channel->from, &item) || item != n)
			die("what comes is not what went");
}

/* Inside of the group. */
static void measure(const struct peer *peer, const struct load *load,
		    const char *group, struct footprint *footprint)
{
	static struct channel channels[CHANNELS];
	double before, idle, full;
	unsigned int n, i;
	uint64_t items = 0;

	memset(channels, 0xff, sizeof(channels));
	before = charged(group);
	n = channels_open(peer, load, channels, group);
	idle = charged_at_rest(group);
	footprint->idle = (idle - before) / n;
	for (i = 0; i < FILLED; i++)
		items = channel_fill(peer, &channels[i]);
	footprint->items = items;
	full = charged(group);
	footprint->full = footprint->idle + (full - idle) / FILLED;
	for (i = 0; i < FILLED; i++)
		channel_empty(peer, &channels[i], items);
	footprint->after = footprint->idle +
			   (charged_after(group, idle, full) - idle) / FILLED;
}

static void measure_process(const struct peer *peer, const struct load *load,
			    const char *group, struct footprint *footprint)
{
	struct rlimit files = { CHANNELS * 5, CHANNELS * 5 };
	char path[128];
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	sched_setaffinity(0, sizeof(one), &one);
	snprintf(path, sizeof(path), "%s/cgroup.procs", group);
	if (setrlimit(RLIMIT_NOFILE, &files) || !file_write(path, "0"))
		die_errno("memory cgroup");
	measure(peer, load, group, footprint);
}

/* Each in a new group: what others have left is freed from theirs. */
bool memory_measure(const struct peer *peer, const struct load *load,
		    struct footprint *footprint)
{
	struct footprint *shared = shared_alloc(sizeof(*shared));
	char group[64];
	int pid;

	snprintf(group, sizeof(group), GROUP "-%s", peer->name);
	if (mkdir(group, 0755) && errno != EEXIST)
		die_errno(group);
	pid = fork_flushed();
	if (!pid) {
		measure_process(peer, load, group, shared);
		_exit(0);
	}
	child_wait(pid);
	rmdir(group);
	*footprint = *shared;
	shared_free(shared, sizeof(*shared));
	return true;
}
