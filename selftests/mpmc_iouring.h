/* SPDX-License-Identifier: GPL-2.0 */
/*
 * io_uring in tests, where the kernel has it
 */
#ifndef MPMC_IOURING_H
#define MPMC_IOURING_H

#include <liburing.h>

#include "mpmc_test.h"

/* -EOPNOTSUPP: this kernel was built without it, or does not allow it. */
static inline int ring_init(struct io_uring *ring, unsigned int entries,
			    unsigned int flags)
{
	int ret = io_uring_queue_init(entries, ring, flags);

	/* What a kernel says that has no such system call: -1 is none. */
	if (ret == -EPERM || (syscall(-1) < 0 && ret == -errno))
		return -EOPNOTSUPP;
	return ret;
}

/* Whether commands can wait without a thread: since 6.7. */
static inline bool can_park(void)
{
	struct mpmc_device_info info;

	must(device_info(&info) == 0);
	return info.features & MPMC_FEATURE_URING_PARK;
}

static inline int ring_result(struct io_uring *ring)
{
	struct __kernel_timespec ts = { .tv_sec = PATIENCE_NS / NSEC_PER_SEC };
	struct io_uring_cqe *cqe;
	int res;

	must(io_uring_wait_cqe_timeout(ring, &cqe, &ts) == 0);
	res = cqe->res;
	io_uring_cqe_seen(ring, cqe);
	return res;
}

#endif /* MPMC_IOURING_H */
