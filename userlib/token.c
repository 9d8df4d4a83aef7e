// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * What producer and consumer tokens have in common
 */
#include <errno.h>

#include "lib.h"

#define OPT_FLAGS (MPMC_OPT_UNMAPPED | MPMC_OPT_ARMED)

static int token_create(struct mpmc_queue *queue, unsigned int cmd,
			const struct mpmc_token_opts *opts)
{
	struct mpmc_token_create create = { .size = sizeof(create) };

	if (!queue || (opts && opts->flags & ~OPT_FLAGS))
		return -EINVAL;
	if (opts) {
		create.ring_entries = opts->ring_entries;
		create.flags = opts->flags & MPMC_OPT_ARMED ? MPMC_TOKEN_ARMED :
							      0;
	}
	return lib_ioctl(queue->fd, cmd, &create);
}

/* Make a token: 0, or an error and NULL. */
int lib_token_create(struct mpmc_token **token, struct mpmc_queue *queue,
		     unsigned int cmd, const struct mpmc_token_opts *opts)
{
	int fd = token_create(queue, cmd, opts);

	*token = NULL;
	if (fd < 0)
		return fd;
	*token = lib_token_open(fd, opts);
	if (*token)
		return 0;
	lib_close(fd);
	return -ENOMEM;
}

/* Wake as many as wait for what a mapped ring's owner has done. */
int lib_kick(int fd, size_t n)
{
	struct mpmc_token_kick kick = {
		.size = sizeof(kick),
		.count = n < UINT32_MAX ? n : UINT32_MAX,
	};

	return lib_ioctl(fd, MPMC_IOC_TOKEN_KICK, &kick);
}
