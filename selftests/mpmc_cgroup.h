/* SPDX-License-Identifier: GPL-2.0 */
/* Control groups (v2) for tests: one made fresh for each that wants it. */
#ifndef MPMC_CGROUP_H
#define MPMC_CGROUP_H

#include <sys/mman.h>
#include <sys/mount.h>

#include "mpmc_test.h"

#define CGROUP_ROOT "/sys/fs/cgroup"

static inline bool file_write(const char *dir, const char *name,
			      const char *text)
{
	char path[256];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = write(fd, text, strlen(text));
	close(fd);
	return n == (ssize_t)strlen(text);
}

static inline bool file_read(const char *dir, const char *name, char *text,
			     size_t size)
{
	char path[256];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, text, size - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	return n >= 0;
}

/* The number behind @key in a file of "key number" lines; -1 without one. */
static inline long long file_key(const char *dir, const char *name,
				 const char *key)
{
	char text[16384], *line = text;
	size_t len = strlen(key);

	if (!file_read(dir, name, text, sizeof(text)))
		return -1;
	for (; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (!strncmp(line, key, len) && line[len] == ' ')
			return atoll(line + len);
	}
	return -1;
}

/*
 * Who asks may be in the group himself, and at its limit, so that he can't open a
 * file: what was freed comes back a little later.
 */
static inline long long statistic(const char *dir, const char *name,
				  const char *key)
{
	long long n;

	must(eventually((n = file_key(dir, name, key)) >= 0));
	return n;
}

/*
 * Kernel memory charged to the group, in bytes. The kernel gathers small changes
 * for some seconds before memory.stat shows them; asking for cpu.stat makes it
 * do so now, for all of the group's statistics.
 */
static inline long long charged(const char *dir)
{
	statistic(dir, "cpu.stat", "usage_usec");
	return statistic(dir, "memory.stat", "kernel");
}

/* Whether cgroup v2 is there, with this controller ("" for any). */
static inline bool cgroup_available(const char *controller)
{
	char text[256];

	if (access(CGROUP_ROOT "/cgroup.procs", F_OK))
		mount("none", CGROUP_ROOT, "cgroup2", 0, NULL);
	return file_read(CGROUP_ROOT, "cgroup.controllers", text,
			 sizeof(text)) && strstr(text, controller);
}

/* @dir: out: where the new group's files are */
static inline void cgroup_make(char dir[64], const char *controller)
{
	char enable[32];

	snprintf(enable, sizeof(enable), "+%s", controller);
	if (*controller)
		must(file_write(CGROUP_ROOT, "cgroup.subtree_control", enable));
	snprintf(dir, 64, CGROUP_ROOT "/mpmc-%d-%llx", getpid(), now_ns());
	must(mkdir(dir, 0755) == 0);
}

/* The caller's stack has so much that is its own. */
static inline void stack_touch(void)
{
	char space[65536];

	memset(space, 0, sizeof(space));
	__asm__ volatile("" : : "r"(space) : "memory");
}

/*
 * With pages of its own: at the group's limit who writes to one for the first time
 * since fork() tries that for ever, if nobody may be killed.
 */
static inline void cgroup_enter(const char *dir)
{
	stack_touch();
	must(mlockall(MCL_CURRENT) == 0);
	must(file_write(dir, "cgroup.procs", "0"));
}

/* Its processes must have been reaped; it may still take a moment. */
static inline void cgroup_remove(const char *dir)
{
	must(eventually(rmdir(dir) == 0));
}

#endif /* MPMC_CGROUP_H */
