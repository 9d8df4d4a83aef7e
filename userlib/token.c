// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * What producer and consumer tokens have in common
 */
#include <errno.h>

#include "lib.h"

/* The descriptor of a new token, or an error. */
int lib_token_create(struct mpmc_queue *queue, unsigned int cmd,
		     const struct mpmc_token_opts *opts)
{
	struct mpmc_token_create create = { .size = sizeof(create) };

	if (!queue || (opts && opts->flags))
		return -EINVAL;
	if (opts)
		create.ring_entries = opts->ring_entries;
	return lib_ioctl(queue->fd, cmd, &create);
}
