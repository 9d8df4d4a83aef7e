// SPDX-License-Identifier: GPL-2.0
/*
 * How many queues the module thinks a user has
 */
#include <fcntl.h>
#include <linux/mpmc.h>
#include <sys/ioctl.h>
#include <sys/wait.h>

#include "soak.h"

#define LIMIT "/sys/module/mpmc/parameters/max_queues"
#define MORE 4 /* than should be there */

static int queue_create(int device)
{
	struct mpmc_queue_create create = {
		.size = sizeof(create), .capacity = 1, .segments = 1,
	};

	return ioctl(device, MPMC_IOC_QUEUE_CREATE, &create);
}

/* How many more there may be, as that user; it ends with them. */
static _Noreturn void user_run(uid_t uid)
{
	int device, n = 0;

	must(setresuid(uid, uid, uid) == 0);
	device = open("/dev/mpmc", O_RDWR | O_CLOEXEC);
	must(device >= 0);
	while (n <= MORE && queue_create(device) >= 0)
		n++;
	must(n > MORE || errno == ENOSPC);
	_exit(n);
}

/**
 * user_queues() - how many queues a user has
 * @uid: who
 * @expected: how many they should be; more than that are counted up to a few
 *
 * Return: their number, or at least @expected + 4 if there are more than that.
 */
unsigned int user_queues(uid_t uid, unsigned int expected)
{
	uint64_t before = file_number(LIMIT, "");
	char text[32];
	int status;
	pid_t pid;

	snprintf(text, sizeof(text), "%u", expected + MORE);
	must(file_write(LIMIT, text));
	pid = fork();
	must(pid >= 0);
	if (!pid)
		user_run(uid);
	must(waitpid(pid, &status, 0) == pid && WIFEXITED(status));
	snprintf(text, sizeof(text), "%llu", (unsigned long long)before);
	must(file_write(LIMIT, text));
	return expected + MORE - WEXITSTATUS(status);
}
