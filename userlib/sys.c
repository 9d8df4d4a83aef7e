// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * System calls that return a negative errno and leave errno as it was
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib.h"

static long result(long ret, int saved)
{
	if (ret >= 0)
		return ret;
	ret = -errno;
	errno = saved;
	return ret;
}

int lib_open(const char *path)
{
	int saved = errno;

	return result(open(path, O_RDWR | O_CLOEXEC), saved);
}

int lib_dup(int fd)
{
	int saved = errno;

	return result(fcntl(fd, F_DUPFD_CLOEXEC, 0), saved);
}

void lib_close(int fd)
{
	int saved = errno;

	close(fd);
	errno = saved;
}

void *lib_alloc(size_t size)
{
	int saved = errno;
	void *memory = malloc(size);

	errno = saved;
	return memory;
}

long lib_ioctl(int fd, unsigned int cmd, void *arg)
{
	int saved = errno;

	return result(ioctl(fd, cmd, arg), saved);
}

/* NULL if it is not possible. */
void *lib_mmap(void *at, size_t size, int prot, int flags, int fd,
	       uint64_t offset)
{
	int saved = errno;
	void *memory = mmap(at, size, prot, flags, fd, (off_t)offset);

	errno = saved;
	return memory == MAP_FAILED ? NULL : memory;
}
