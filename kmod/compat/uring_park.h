/* SPDX-License-Identifier: GPL-2.0 */
#ifndef MPMC_COMPAT_URING_PARK_H
#define MPMC_COMPAT_URING_PARK_H

#include <linux/hrtimer.h>

#include "uring_cmd.h"

/*
 * MPMC_URING_TASK_WORK(name, function) - what io_uring has a task do for a command
 *
 * It is called with a request and a token, not with the command and flags, since
 * 7.0. The probe is probe_uring_work.c.
 */
#ifdef MPMC_HAVE_URING_WORK
#define MPMC_URING_TASK_WORK(name, function)				\
	static void name(struct io_tw_req req, io_tw_token_t token)	\
	{								\
		function(io_uring_cmd_from_tw(req),			\
			 IO_URING_CMD_TASK_WORK_ISSUE_FLAGS);		\
	}
#else
#define MPMC_URING_TASK_WORK(name, function)				\
	static void name(struct io_uring_cmd *cmd, unsigned int flags)	\
	{								\
		function(cmd, flags);					\
	}
#endif

/* In one step since 6.13: probe_hrtimer_setup.c. */
static inline void
mpmc_hrtimer_setup(struct hrtimer *timer,
		   enum hrtimer_restart (*function)(struct hrtimer *timer),
		   clockid_t clock, enum hrtimer_mode mode)
{
#ifdef MPMC_HAVE_HRTIMER_SETUP
	hrtimer_setup(timer, function, clock, mode);
#else
	hrtimer_init(timer, clock, mode);
	timer->function = function;
#endif
}

#endif /* MPMC_COMPAT_URING_PARK_H */
