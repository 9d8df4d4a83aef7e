// SPDX-License-Identifier: GPL-2.0
/*
 * Control groups, and other files that the kernel makes
 */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "soak.h"

#define ROOT "/sys/fs/cgroup"
#define TOP ROOT "/soak"

static const char *const names[GROUPS] = { "warm", "cold", "churn", "hog" };
static int fds[GROUPS];

/* --- Files --- */

bool file_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t ret;

	if (fd < 0)
		return false;
	ret = write(fd, text, strlen(text));
	close(fd);
	return ret == (ssize_t)strlen(text);
}

/* As a string; how long it is, 0 if there is none. */
size_t file_read(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t len = 0;
	ssize_t n;

	while (fd >= 0 && (n = read(fd, text + len, size - 1 - len)) > 0)
		len += n;
	if (fd >= 0)
		close(fd);
	text[len] = '\0';
	return len;
}

/* Without a key the first number there is. */
uint64_t file_number(const char *path, const char *key)
{
	size_t len = strlen(key);
	char text[16384], *line;

	file_read(path, text, sizeof(text));
	if (!len)
		return strtoull(text, NULL, 10);
	for (line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
		if (!strncmp(line, key, len) && strchr(" \t:", line[len]))
			return strtoull(line + len + strspn(line + len, " \t:"),
					NULL, 10);
	return 0;
}

/* --- Groups --- */

void groups_make(void)
{
	char path[64];
	int i;

	file_write(ROOT "/cgroup.subtree_control", "+memory");
	must(mkdir(TOP, 0755) == 0);
	/* A group of groups has the limit: they need no controllers themselves. */
	for (i = 0; i < GROUPS; i++) {
		snprintf(path, sizeof(path), TOP "/%s", names[i]);
		must(mkdir(path, 0755) == 0);
		fds[i] = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		must(fds[i] >= 0);
	}
}

/* Warm and cold, for loads. */
const int *groups_fds(void)
{
	return fds;
}

static bool group_remove(const char *path)
{
	uint64_t end = now_ns() + 5 * NSEC_PER_SEC;

	while (rmdir(path)) {
		if (now_ns() > end)
			return false;
		nap(NSEC_PER_MSEC);
	}
	return true;
}

void groups_remove(void)
{
	char path[64];
	int i;

	for (i = 0; i < GROUPS; i++) {
		close(fds[i]);
		snprintf(path, sizeof(path), TOP "/%s", names[i]);
		must(group_remove(path));
	}
	must(group_remove(TOP));
}

void group_enter(int group)
{
	char path[64];

	snprintf(path, sizeof(path), TOP "/%s/cgroup.procs", names[group]);
	must(file_write(path, "0"));
}

/* Of the group of all of them, or of one: "cold/cgroup.freeze". */
void group_write(const char *file, const char *text)
{
	char path[64];

	snprintf(path, sizeof(path), TOP "/%s", file);
	must(file_write(path, text));
}

uint64_t group_read(const char *file, const char *key)
{
	char path[64];

	snprintf(path, sizeof(path), TOP "/%s", file);
	return file_number(path, key);
}
