// SPDX-License-Identifier: GPL-2.0
/*
 * Waiting for items and for room
 *
 * Why no wake-up is lost, for readers (writers: with credits for items):
 *
 * SLEEPER                                 PRODUCER
 *
 * prepare_to_wait_exclusive():            publish the item
 *   enter the wait queue                  smp_mb()  (A, mpmc_pending_set())
 *   set_current_state(), a full           waitqueue_active()?
 *   barrier  (B)                            wake one up
 * attempt: is there an item?
 *
 * A pairs with B: either the sleeper sees the item, or the producer sees the
 * sleeper. (The owner of a mapped ring makes no such barrier: sleepers.c.)
 *
 * One item wakes one waiter. A waiter that was chosen and goes on to leave, or
 * back to sleep, may do so while there is more to be had than it took: an item
 * became ready behind it, a signal or the deadline came at the same time, its
 * bulk is too large for the room that there is. So it wakes the next one if
 * there is anything left for that one. A waiter whose bulk has no room is
 * passed over by wake-ups (waiter_wake()), so that passing on comes to an end.
 *
 * Falling asleep and being woken costs more than all else together, and when
 * the other side is at work on another CPU, what is waited for is there soon.
 * So a waiter looks for it for a while before it sleeps: longer each time that
 * it would have been worth it, and not at all after a long sleep. Twice the time
 * that a wake-up takes is worth it, which is a few microseconds, or, in virtual
 * machines, ten times that: then who waits for an answer does not sleep, nor
 * does who gives it. This is measured.
 *
 * Sleepers are not TASK_FREEZABLE. A frozen one would be chosen by a wake-up
 * and keep it until it is thawed, beside others that run and sleep on. As it
 * is, the freezer's signal makes it leave, pass on what it was chosen for, and
 * come back when it is thawed, with the same absolute deadline.
 */
#include "wait.h"

#include <linux/hrtimer.h>
#include <linux/ktime.h>
#include <linux/minmax.h>
#include <linux/moduleparam.h>
#include <linux/poll.h>
#include <linux/sched/clock.h>
#include <linux/sched/signal.h>
#include <uapi/linux/mpmc.h>

#include "queue.h"
#include "trace.h"

static unsigned int spin_max_ns = 100000;
module_param(spin_max_ns, uint, 0644);
MODULE_PARM_DESC(spin_max_ns,
		 "Longest time to look for items or room before sleeping, at most a millisecond; 0: never");

#define SPIN_FIRST_NS 1000
#define WAKE_MAX_NS 1000000UL

/**
 * struct wake - one wake-up
 * @queue: the queue
 * @room: how many credits are free, if @known; looked up once for all waiters,
 *	under the lock. Whoever frees more then makes a wake-up of his own
 * @known: see @room
 */
struct wake {
	struct mpmc_queue *queue;
	u64 room;
	bool known;
};

static bool wake_has_room(struct wake *wake, u64 room)
{
	if (room <= 1 || READ_ONCE(wake->queue->shutdown))
		return true;
	if (!wake->known)
		wake->room = mpmc_capacity_room(&wake->queue->capacity);
	wake->known = true;
	return wake->room >= room;
}

/* It does not sleep any more, as far as owners of mapped rings are concerned. */
static void waiter_uncount(struct mpmc_waiter *waiter)
{
	if (xchg(&waiter->counted, false))
		mpmc_sleepers_remove(waiter->sleepers);
}

/**
 * mpmc_waiter_count() - it is going to sleep, for owners of mapped rings
 * @waiter: who waits
 *
 * After it has entered the wait queue: a wake-up that comes from now on makes it
 * run, and takes it off the count. One that came before makes it run as well, and
 * leaves it on the count, where it is the next time around.
 *
 * Context: process, interrupts enabled; does not sleep.
 */
void mpmc_waiter_count(struct mpmc_waiter *waiter)
{
	if (READ_ONCE(waiter->counted))
		return;
	mpmc_sleepers_add(waiter->sleepers);
	WRITE_ONCE(waiter->counted, true);
}

/**
 * mpmc_waiter_choose() - a wake-up has come to it
 * @waiter: who waits
 * @key: the wake-up's
 *
 * Context: any, under the lock of the wait queue.
 * Return: whether it is the one to wake: for its bulk there is room.
 */
bool mpmc_waiter_choose(struct mpmc_waiter *waiter, void *key)
{
	if (!wake_has_room(key, waiter->room))
		return false;
	/* Before it runs, and while its stack is still there. */
	WRITE_ONCE(waiter->woken, (unsigned long)local_clock() | 1);
	waiter_uncount(waiter);
	trace_wake(waiter->queue, waiter->room, waiter->entry.private);
	return true;
}

static int waiter_wake(struct wait_queue_entry *entry, unsigned int mode,
		       int sync, void *key)
{
	struct mpmc_waiter *waiter =
		container_of(entry, struct mpmc_waiter, entry);

	if (!mpmc_waiter_choose(waiter, key))
		return 0;
	return autoremove_wake_function(entry, mode, sync, key);
}

/**
 * mpmc_waiter_pass_on() - if it has used a wake-up, and something is left for
 * another waiter, wake that
 * @waiter: who waits
 *
 * Context: any.
 */
void mpmc_waiter_pass_on(struct mpmc_waiter *waiter)
{
	struct mpmc_queue *queue = waiter->queue;

	/*
	 * Fully ordered: a wake-up that comes after this look is not forgotten
	 * and one that came before has its item seen below.
	 */
	if (!READ_ONCE(waiter->woken) || !xchg(&waiter->woken, 0))
		return;
	if (waiter->room) {
		if (mpmc_capacity_room(&queue->capacity))
			mpmc_wake_writers(queue, 1);
	} else if (mpmc_queue_ready(queue)) {
		mpmc_wake_readers(queue, 1);
	}
}

/* Sleep; whether the deadline has passed. */
static bool waiter_sleep(u64 deadline)
{
	ktime_t expires = ns_to_ktime(deadline);

	if (deadline > KTIME_MAX) {
		schedule();
		return false;
	}
	return !schedule_hrtimeout_range(&expires, current->timer_slack_ns,
					 HRTIMER_MODE_ABS);
}

/* It has slept: how long until it was woken, and how long that took. */
static void waiter_note(struct mpmc_waiter *waiter, unsigned long start)
{
	unsigned long woken = READ_ONCE(waiter->woken);
	unsigned long now = local_clock();
	u32 *wake_ns = &waiter->queue->wake_ns;
	u32 old = READ_ONCE(*wake_ns), took;

	waiter->waited = now - start;
	if (!woken)
		return;
	/* Clocks of CPUs differ: the least that makes sense is none. */
	waiter->waited = max_t(long, woken - start, 0);
	took = clamp_t(long, now - woken, 0, WAKE_MAX_NS);
	WRITE_ONCE(*wake_ns, old - old / 8 + took / 8);
}

static int waiter_loop(struct mpmc_waiter *waiter, wait_queue_head_t *head,
		       u64 deadline)
{
	unsigned long start = local_clock();
	bool expired = deadline <= KTIME_MAX && ktime_get_ns() >= deadline;
	bool signalled;
	int ret;

	for (;;) {
		prepare_to_wait_exclusive(head, &waiter->entry,
					  TASK_INTERRUPTIBLE);
		mpmc_waiter_count(waiter);
		/*
		 * After B. Also after the look at signals and the deadline:
		 * what was there before them beats them.
		 */
		signalled = signal_pending(current);
		ret = waiter->attempt(waiter);
		if (ret != -EAGAIN)
			return ret;
		if (expired)
			return -ETIMEDOUT;
		if (signalled)
			return -ERESTARTSYS;
		mpmc_waiter_pass_on(waiter);
		expired = waiter_sleep(deadline);
		waiter_note(waiter, start);
	}
}

/* Look for what is waited for without sleeping, for a given time. */
static int waiter_spin(struct mpmc_waiter *waiter, u32 spin, u64 deadline)
{
	u64 now = ktime_get_ns();
	u64 until = local_clock() + min_t(u64, spin, deadline - min(now,
								    deadline));
	int ret;

	do {
		cpu_relax();
		ret = waiter->attempt(waiter);
	} while (ret == -EAGAIN && !need_resched() &&
		 !signal_pending(current) && local_clock() < until);
	return ret;
}

static u32 spin_limit(struct mpmc_queue *queue, u32 spin)
{
	u32 worth = 2 * READ_ONCE(queue->wake_ns);

	return min(min(spin, worth),
		   min(READ_ONCE(spin_max_ns), (u32)NSEC_PER_MSEC));
}

/* How long to spin next time, after having waited for this long. */
static u32 waiter_next_spin(struct mpmc_queue *queue, u32 spin, u64 waited)
{
	if (waited > spin_limit(queue, U32_MAX))
		return 0;
	return spin_limit(queue, spin ? 2 * spin : SPIN_FIRST_NS);
}

static atomic_t *waiter_total(struct mpmc_waiter *waiter)
{
	struct mpmc_queue *queue = waiter->queue;

	return waiter->room ? &queue->writer_count : &queue->reader_count;
}

/**
 * mpmc_waiter_begin() - somebody begins to wait
 * @waiter: with queue and room filled in
 *
 * Context: any.
 */
void mpmc_waiter_begin(struct mpmc_waiter *waiter)
{
	struct mpmc_queue *queue = waiter->queue;

	waiter->sleepers = waiter->room ? &queue->write_sleepers :
					  &queue->read_sleepers;
	waiter->counted = false;
	waiter->woken = 0;
	waiter->waited = 0;
	atomic_inc(waiter_total(waiter));
}

/**
 * mpmc_waiter_end() - and waits no more, nor is in the wait queue
 * @waiter: who waited
 *
 * Context: any.
 */
void mpmc_waiter_end(struct mpmc_waiter *waiter)
{
	waiter_uncount(waiter);
	atomic_dec(waiter_total(waiter));
	mpmc_waiter_pass_on(waiter);
}

/**
 * mpmc_wait() - wait until an attempt succeeds
 * @waiter: who waits, with queue, room and attempt filled in
 * @deadline: CLOCK_MONOTONIC of the host, in nanoseconds; above KTIME_MAX: for
 *	ever
 *
 * Context: process; sleeps.
 * Return: what the attempt returned; -ETIMEDOUT; -ERESTARTSYS.
 */
int mpmc_wait(struct mpmc_waiter *waiter, u64 deadline)
{
	struct mpmc_queue *queue = waiter->queue;
	wait_queue_head_t *head = mpmc_waiter_head(waiter);
	u32 *spin = waiter->room ? &queue->write_spin : &queue->read_spin;
	u32 spun = num_online_cpus() > 1 ?
			   spin_limit(queue, READ_ONCE(*spin)) : 0;
	int ret = -EAGAIN;

	if (spun)
		ret = waiter_spin(waiter, spun, deadline);
	if (ret != -EAGAIN)
		return ret;
	init_wait(&waiter->entry);
	waiter->entry.func = waiter_wake;
	mpmc_waiter_begin(waiter);
	trace_wait(queue, waiter->room, deadline);
	ret = waiter_loop(waiter, head, deadline);
	trace_wait_end(queue, waiter->room, ret, waiter->waited);
	WRITE_ONCE(*spin, waiter_next_spin(queue, spun, waiter->waited));
	finish_wait(head, &waiter->entry);
	mpmc_waiter_end(waiter);
	return ret;
}

/* As many as count of those that sleep, or with 0 all of them. */
static void wake_sleepers(struct mpmc_queue *queue, wait_queue_head_t *head,
			  unsigned int count)
{
	struct wake wake;

	/* After A: see the top of the file. */
	if (!waitqueue_active(head))
		return;
	wake.queue = queue;
	wake.known = false;
	__wake_up(head, TASK_INTERRUPTIBLE, count, &wake);
}

/* The same for those that poll; only the exclusive ones are counted. */
static void wake_polls(wait_queue_head_t *head, unsigned int count,
		       __poll_t key)
{
	/* After A: pairs with the barrier in mpmc_queue_poll(). */
	if (waitqueue_active(head))
		__wake_up(head, TASK_NORMAL, count, poll_to_key(key));
}

/**
 * mpmc_wake_some_readers() - wake who waits for items: somebody does
 * @queue: the queue
 * @count: how many items have become available
 *
 * Context: any.
 */
void mpmc_wake_some_readers(struct mpmc_queue *queue, unsigned int count)
{
	wake_sleepers(queue, &queue->readers, count);
	wake_polls(&queue->read_polls, count, MPMC_POLL_IN);
}

/**
 * mpmc_wake_some_writers() - wake who waits for room: somebody does
 * @queue: the queue
 * @count: how many credits have become free
 *
 * Context: any.
 */
void mpmc_wake_some_writers(struct mpmc_queue *queue, unsigned int count)
{
	wake_sleepers(queue, &queue->writers, count);
	wake_polls(&queue->write_polls, count, MPMC_POLL_OUT);
}

/**
 * mpmc_wake_all() - wake everybody, to look at the queue's state again
 * @queue: the queue
 *
 * The caller has made a full barrier since changing it: A.
 *
 * Context: any.
 */
void mpmc_wake_all(struct mpmc_queue *queue)
{
	wake_sleepers(queue, &queue->readers, 0);
	wake_sleepers(queue, &queue->writers, 0);
	wake_polls(&queue->read_polls, 0, MPMC_POLL_IN | EPOLLHUP);
	wake_polls(&queue->write_polls, 0, MPMC_POLL_OUT | EPOLLHUP);
}
