// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * The leases of consumer tokens, by system calls
 */
#include <errno.h>

#include "lib.h"

long lib_lease_fill(int fd, struct mpmc_item *items, size_t count,
		    unsigned int flags, const uint64_t *deadline)
{
	struct mpmc_lease lease = {
		.size = sizeof(lease),
		.flags = flags | (deadline ? MPMC_LEASE_WAIT : 0),
		.items = (uintptr_t)items,
		.count = count < UINT32_MAX ? count : UINT32_MAX,
		.deadline = deadline ? *deadline : 0,
	};

	_Static_assert(sizeof(*items) == sizeof(struct mpmc_lease_item),
		       "the kernel writes them");
	return lib_ioctl(fd, MPMC_IOC_LEASE_FILL, &lease);
}

/* Commit or release the oldest items. */
int lib_lease_end(int fd, unsigned int cmd, size_t n)
{
	struct mpmc_lease_end end = { .size = sizeof(end), .count = n };

	if (!n)
		return 0;
	if (n > UINT32_MAX)
		return -EINVAL;
	return lib_ioctl(fd, cmd, &end);
}
