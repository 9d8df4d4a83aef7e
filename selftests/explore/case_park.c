// SPDX-License-Identifier: GPL-2.0
/*
 * Cases of parked commands: thread 1 has one, and what ends it comes from others,
 * all at once. It is complete once (iouring.c), and says what has happened.
 */
#include "../../kmod/ioctl.h"
#include "../../kmod/park.h"
#include "case.h"
#include "case_common.h"

#define STEPS 1500

#define TAKE MPMC_IOC_ITEM_DEQUEUE
#define PUT MPMC_IOC_ITEM_ENQUEUE

/* What a command's structure says. */
static u64 deadline;
static u32 *wanted;

/* As many at once, or none. */
static int put_many(u32 count)
{
	int ret;

	if (count == 1)
		return queue_put();
	ret = mpmc_queue_reserve(queue, 1, count);
	if (!ret)
		explore_fail("room for %u, and there is none", count);
	return ret;
}

/* What ioctl.c does with it. */
long mpmc_ioctl_try(const struct mpmc_command *commands, unsigned int count,
		    struct file *file, unsigned int cmd, unsigned long arg,
		    struct mpmc_wish *wish)
{
	u32 n = READ_ONCE(*wanted);
	int ret = cmd == PUT ? put_many(n) : queue_take();

	*wish = (struct mpmc_wish){ true, n, deadline };
	return ret || cmd == PUT ? ret : 1;
}

long mpmc_ioctl(const struct mpmc_command *commands, unsigned int count,
		struct file *file, unsigned int cmd, unsigned long arg)
{
	explore_die("no worker has a command here");
}

static void setup(unsigned int capacity)
{
	queue_setup(capacity);
	iouring_reset();
	deadline = UINT64_MAX;
	wanted = kernel_alloc(sizeof(*wanted), 64, true);
	*wanted = 1;
}

static void take_setup(void)
{
	setup(2);
}

static int command(u32 op)
{
	iouring_submit(queue, op);
	return iouring_wait();
}

/* One that takes; or it fails so, if there is a way to fail. */
static bool take_or(int error)
{
	int ret = command(TAKE);

	if (ret != 1 && (ret != error || !error))
		explore_fail("a command that takes got %d", ret);
	return ret == 1;
}

static void cancel(void)
{
	int ret = mpmc_park_cancel(queue, iouring_arg(1));

	if (ret && ret != -ENOENT)
		explore_fail("cancelled, and got %d", ret);
}

static void check(void)
{
	if (!iouring_over())
		explore_fail("a command is not complete");
	if (queue->parked.first)
		explore_fail("one is parked that is complete");
	queue_check();
}

/* --- Items and room --- */

static void put_run(unsigned int thread)
{
	if (thread == 1)
		take_or(0);
	else
		queue_put();
}

const struct explore_case case_park_put = {
	.name = "park-put",
	.what = "one is parked, another puts",
	.threads = 2,
	.setup = take_setup,
	.run = put_run,
	.check = check,
	.quick = { 3, 2, STEPS, 20 },
	.full = { 5, 3, STEPS, 120 },
};

static void armed_setup(void)
{
	setup(4);
	queue_setup_producer(2);
	queue_word_set(&words->readers, 0);
}

static void armed_run(unsigned int thread)
{
	if (thread == 1)
		take_or(0);
	else
		queue_store(1);
}

const struct explore_case case_park_hot = {
	.name = "park-hot",
	.what = "one is parked, an owner stores where the queue is hot",
	.threads = 2,
	.setup = armed_setup,
	.run = armed_run,
	.check = check,
	.quick = { 3, 1, STEPS, 20 },
	.full = { 5, 2, STEPS, 120 },
};

/* It is woken for nothing, and then for something. */
static void again_run(unsigned int thread)
{
	if (thread == 1) {
		take_or(0);
		return;
	}
	queue_put();
	queue_take();
	queue_put();
}

const struct explore_case case_park_again = {
	.name = "park-again",
	.what = "one is parked, another puts, takes and puts",
	.threads = 2,
	.setup = take_setup,
	.run = again_run,
	.check = check,
	.quick = { 3, 1, STEPS, 20 },
	.full = { 4, 2, STEPS, 120 },
};

static void room_setup(void)
{
	setup(1);
	queue_put();
}

static void room_run(unsigned int thread)
{
	if (thread == 2)
		queue_take();
	else if (command(PUT))
		explore_fail("a command that puts failed");
}

const struct explore_case case_park_room = {
	.name = "park-room",
	.what = "one is parked for room, another takes",
	.threads = 2,
	.setup = room_setup,
	.run = room_run,
	.check = check,
	.quick = { 3, 2, STEPS, 20 },
	.full = { 5, 3, STEPS, 120 },
};

/* Its structure says something else by then, for which there is no room. */
static void changed_setup(void)
{
	setup(2);
	queue_put();
	queue_put();
}

static void changed_run(unsigned int thread)
{
	int ret;

	if (thread == 2) {
		iouring_parked(1);
		WRITE_ONCE(*wanted, 2);
		queue_take();
		return;
	}
	ret = command(PUT);
	if (ret && ret != -EINVAL)
		explore_fail("a command that was changed got %d", ret);
}

const struct explore_case case_park_changed = {
	.name = "park-changed",
	.what = "one is parked for room and then changed, another takes",
	.threads = 2,
	.setup = changed_setup,
	.run = changed_run,
	.check = check,
	.quick = { 3, 2, STEPS, 20 },
	.full = { 5, 3, STEPS, 120 },
};

/* --- What else ends it --- */

static void late_setup(void)
{
	setup(2);
	deadline = 1;
}

static void late_run(unsigned int thread)
{
	if (thread == 1) {
		take_or(-ETIMEDOUT);
	} else if (thread == 2) {
		queue_put();
		queue_take();
	} else {
		kernel_timer_expire(iouring_over);
	}
}

const struct explore_case case_park_late = {
	.name = "park-late",
	.what = "one is parked, another puts and takes, the deadline passes",
	.threads = 3,
	.setup = late_setup,
	.run = late_run,
	.check = check,
	.quick = { 2, 1, STEPS, 20 },
	.full = { 3, 1, STEPS, 120 },
};

/* What ends it for certain is that alone. */
static void cancel_run(unsigned int thread)
{
	if (thread == 1) {
		take_or(-ECANCELED);
	} else if (thread == 2) {
		queue_put();
		queue_take();
	} else {
		iouring_parked(1);
		cancel();
	}
}

const struct explore_case case_park_cancel = {
	.name = "park-cancel",
	.what = "one is parked, another puts and takes, a third one cancels it",
	.threads = 3,
	.setup = take_setup,
	.run = cancel_run,
	.check = check,
	.quick = { 2, 1, STEPS, 20 },
	.full = { 3, 1, STEPS, 120 },
};

/*
 * What it was woken for, and did not take, is passed on to who sleeps. Who gets it
 * puts another one for the other.
 */
static void pass_run(unsigned int thread)
{
	if (thread == 1) {
		if (take_or(-ECANCELED))
			queue_put();
	} else if (thread == 2) {
		if (!queue_wait_for(0))
			queue_put();
	} else {
		queue_put();
		cancel();
	}
}

const struct explore_case case_park_pass = {
	.name = "park-pass",
	.what = "one is parked, another sleeps, a third one puts and cancels",
	.threads = 3,
	.setup = take_setup,
	.run = pass_run,
	.check = check,
	.quick = { 2, 0, STEPS, 20 },
	.full = { 3, 1, STEPS, 120 },
};

static void shutdown_run(unsigned int thread)
{
	if (thread == 1) {
		while (take_or(-EPIPE))
			;
	} else if (thread == 2) {
		queue_put();
	} else {
		mpmc_queue_shutdown(queue);
	}
}

static void end_check(void)
{
	items_check();
	check();
}

const struct explore_case case_park_shutdown = {
	.name = "park-shutdown",
	.what = "one is parked again and again until the end, another puts",
	.threads = 3,
	.setup = take_setup,
	.run = shutdown_run,
	.check = end_check,
	.quick = { 2, 1, STEPS, 20 },
	.full = { 3, 1, STEPS, 120 },
};

static void end_run(unsigned int thread)
{
	if (thread == 1) {
		take_or(-ECANCELED);
	} else if (thread == 2) {
		queue_put();
		queue_take();
	} else {
		iouring_parked(1);
		iouring_end(queue, 1);
	}
}

const struct explore_case case_park_end = {
	.name = "park-end",
	.what = "one is parked, another puts and takes, its ring ends",
	.threads = 3,
	.setup = take_setup,
	.run = end_run,
	.check = check,
	.quick = { 2, 1, STEPS, 20 },
	.full = { 3, 1, STEPS, 120 },
};

/* Its thread dies, which takes nothing any more, and passes that on. */
static void exit_run(unsigned int thread)
{
	if (thread == 1) {
		iouring_submit(queue, TAKE);
		current->flags |= PF_EXITING;
		iouring_end(queue, 1);
		iouring_wait();
	} else if (thread == 2) {
		queue_put();
		queue_put();
	} else {
		queue_wait_for(0);
	}
}

const struct explore_case case_park_exit = {
	.name = "park-exit",
	.what = "one is parked whose thread dies, another sleeps, a third one puts",
	.threads = 3,
	.setup = take_setup,
	.run = exit_run,
	.check = check,
	.quick = { 2, 0, STEPS, 20 },
	.full = { 3, 1, STEPS, 120 },
};
