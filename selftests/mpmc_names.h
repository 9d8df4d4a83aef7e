/* SPDX-License-Identifier: GPL-2.0 */
/* Queues with names, and other users, for tests. */
#ifndef MPMC_NAMES_H
#define MPMC_NAMES_H

#include <grp.h>
#include <sched.h>

#include "mpmc_test.h"

#define RW (MPMC_OPEN_READ | MPMC_OPEN_WRITE)
#define NEW (RW | MPMC_OPEN_CREATE | MPMC_OPEN_EXCL)

/* Without CONFIG_FSNOTIFY, or POSIX message queues, there are none. */
static inline bool names_available(void)
{
	struct mpmc_device_info info;

	must(device_info(&info) == 0);
	return info.features & MPMC_FEATURE_NAMES;
}

static inline int device_call(unsigned long cmd, void *arg)
{
	int fd = device_open(), ret;

	ret = fd < 0 ? fd : mpmc_ioctl(fd, cmd, arg);
	close(fd);
	return ret;
}

/* A name of any bytes, and all that can be said. */
static inline int name_open_raw(const void *name, __u32 size, __u32 flags,
				__u32 mode, const void *create)
{
	struct mpmc_queue_open arg = {
		.size = sizeof(arg), .flags = flags, .name = (uintptr_t)name,
		.name_size = size, .mode = mode, .create = (uintptr_t)create,
	};

	return device_call(MPMC_IOC_QUEUE_OPEN, &arg);
}

static inline int name_open(const char *name, __u32 flags, __u32 mode)
{
	return name_open_raw(name, strlen(name), flags, mode, NULL);
}

static inline int name_unlink(const char *name)
{
	struct mpmc_queue_unlink arg = {
		.size = sizeof(arg), .name = (uintptr_t)name,
		.name_size = strlen(name),
	};

	return device_call(MPMC_IOC_QUEUE_UNLINK, &arg);
}

/* Names behind @after, NULL for the first: how many, at most @count. */
static inline int name_list(const char *after, struct mpmc_queue_entry *entries,
			    __u32 count)
{
	struct mpmc_queue_list arg = {
		.size = sizeof(arg), .after = (uintptr_t)after,
		.after_size = after ? strlen(after) : 0,
		.entry_size = sizeof(*entries),
		.entries = (uintptr_t)entries, .count = count,
	};

	return device_call(MPMC_IOC_QUEUE_LIST, &arg);
}

/* Whether it is on the list. */
static inline bool name_listed(const char *name)
{
	struct mpmc_queue_entry entries[16];
	char after[264] = "";
	int n, i;

	while ((n = name_list(*after ? after : NULL, entries, 16)) > 0) {
		for (i = 0; i < n; i++)
			if (!strcmp((char *)entries[i].name, name))
				return true;
		strcpy(after, (char *)entries[n - 1].name);
	}
	must(n == 0);
	return false;
}

/* Acts as another user who is in other groups as well. */
static inline void become_with(uid_t uid, gid_t gid, const gid_t *groups,
			       size_t count)
{
	must(seteuid(0) == 0);
	must(setgroups(count, groups) == 0);
	must(setresgid(gid, gid, 0) == 0);
	must(setresuid(uid, uid, 0) == 0);
}

/* Acts as another user, without root's capabilities; or, 0, as root again. */
static inline void become(uid_t uid, gid_t gid)
{
	become_with(uid, gid, NULL, 0);
}

/* Names that are made from here on end with this process. */
static inline void new_namespace(void)
{
	must(unshare(CLONE_NEWIPC) == 0);
}

/* What keeps the module from being unloaded: open files, and names. */
static inline long module_references(void)
{
	FILE *file = fopen("/sys/module/mpmc/refcnt", "r");
	long n;

	must(file && fscanf(file, "%ld", &n) == 1);
	fclose(file);
	return n;
}

/* What others had, who have ended, is freed a little later. */
static inline bool module_settles(void)
{
	return eventually(module_references() == 0);
}

#endif /* MPMC_NAMES_H */
