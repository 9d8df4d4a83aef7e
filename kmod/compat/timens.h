/* SPDX-License-Identifier: GPL-2.0 */
#ifndef MPMC_COMPAT_TIMENS_H
#define MPMC_COMPAT_TIMENS_H

#include <linux/ktime.h>
#include <linux/nsproxy.h>
#include <linux/sched.h>
#include <linux/time_namespace.h>

/**
 * mpmc_timens_to_host() - what a CLOCK_MONOTONIC time of the caller is outside
 * of its time namespace
 * @ns: the time, in nanoseconds
 *
 * timens_ktime_to_host() calls a function that is not exported before 7.0.
 *
 * Context: process.
 * Return: the time, in nanoseconds; 0 if that was before the host began.
 */
static inline u64 mpmc_timens_to_host(u64 ns)
{
#ifdef CONFIG_TIME_NS
	const struct timespec64 *offset =
		&current->nsproxy->time_ns->offsets.monotonic;
	s64 delta = timespec64_to_ns(offset);

	if (delta > 0)
		return ns > delta ? ns - delta : 0;
	return ns > KTIME_MAX + delta ? KTIME_MAX : ns - delta;
#else
	return ns;
#endif
}

#endif /* MPMC_COMPAT_TIMENS_H */
