// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * What errors mean here
 */
#include <errno.h>

#include "lib.h"

struct text {
	int err;
	const char *text;
};

static const struct text texts[] = {
	{ 0, "success" },
	{ EAGAIN, "would block: the queue is empty, or has no room for all; "
		  "try again later, or wait" },
	{ ETIMEDOUT, "the timeout passed first; try again, or do without" },
	{ EINTR, "a signal handler ran during the wait; call again" },
	{ EPIPE, "the queue is shut down (and drained, for a consumer): "
		 "the end of the stream" },
	{ EMSGSIZE, "more items at once than the queue has capacity; "
		    "send smaller bulks, or create it larger" },
	{ EBUSY, "another thread is inside a call on this token; "
		 "give each thread a token of its own" },
	{ EIO, "the token's ring was broken by its owner; "
	       "destroy the token and create another" },
	{ EINVAL, "an argument has no meaning: a NULL pointer, a timeout out "
		  "of range, an unknown flag or size, a name without its "
		  "slash or with another" },
	{ EFAULT, "the items' address cannot be read or written; "
		  "no item was lost" },
	{ E2BIG, "the kernel module is older than this program; update it" },
	{ ENOTTY, "the descriptor is not a queue's, or /dev/mpmc is another "
		  "device" },
	{ EOPNOTSUPP, "this kernel module cannot do that here" },
	{ ENOMEM, "no memory, or none left in the memory cgroup; "
		  "raise its limit, or queue less" },
	{ ENOSPC, "a limit was reached: capacity, segments, queues of a user "
		  "(see /sys/module/mpmc/parameters), or tokens of a queue" },
	{ ENOENT, "there is no queue of that name; or no /dev/mpmc: load the "
		  "module with 'modprobe mpmc'" },
	{ EEXIST, "there is a queue of that name already; open it without "
		  "O_EXCL, or unlink it first" },
	{ ENAMETOOLONG, "the name is too long: a slash and 255 bytes at most" },
	{ ENXIO, "/dev/mpmc has no driver behind it: load the module with "
		 "'modprobe mpmc'" },
	{ ENODEV, "/dev/mpmc has no driver behind it: load the module with "
		  "'modprobe mpmc'" },
	{ EACCES, "no permission: the mode and owner of the queue, or of "
		  "/dev/mpmc, do not allow it" },
	{ EPERM, "/dev/mpmc is not allowed here, by a sandbox or a device "
		 "cgroup perhaps" },
	{ EBADF, "the descriptor is not open, or not for that: it is read-only, "
		 "or write-only" },
	{ EMFILE, "too many open files in this process; "
		  "close some, or raise RLIMIT_NOFILE" },
	{ ENFILE, "too many open files in the system; see fs.file-max" },
};

#define TEXTS (sizeof(texts) / sizeof(texts[0]))

LIB_EXPORT const char *mpmc_strerror(int err)
{
	size_t i;

	for (i = 0; i < TEXTS; i++)
		if (err == texts[i].err || err == -texts[i].err)
			return texts[i].text;
	return "an error that /dev/mpmc does not have; see errno(3)";
}
