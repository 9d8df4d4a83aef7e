// SPDX-License-Identifier: GPL-2.0
/*
 * Parked commands: those of io_uring that wait without a thread
 *
 * A parked command is in the wait queue where threads sleep, and a wake-up comes
 * to it as to one of them (wait.c). It then has the thread that submitted it, which
 * io_uring interrupts for that, try again, for only there are the memory and the
 * namespaces that it is about. In a thread that is dying, or in the kernel's own,
 * which io_uring sends instead, it ends.
 *
 * It may be woken, its deadline may pass, it may be cancelled, and its ring may
 * end, all at once, on different CPUs. One of those who bring that about has it in
 * hand, and alone touches more than the state:
 *
 *  - Each says what has happened, and that it is owned, in one step. Who finds that
 *    it was not owned owns it.
 *  - The owner takes what has happened, deals with it, and gives it up only if
 *    nothing else has happened meanwhile, in one step. Or he ends it.
 *
 * So there is always somebody who will look at what has happened, and when it ends
 * there is nobody else but those who come too late: the timer's, whom the end waits
 * for; those who wake or cancel it, whom it shuts out by the locks under which they
 * find it; and io_uring, which does so under the ring's.
 *
 * All these steps are fully ordered: what was made available before a wake-up is
 * seen by who takes that. The rest is as with threads: it has entered the wait queue
 * when it tries (B in wait.c), and passes on what it did not use.
 */
#include "park.h"

#include <linux/hrtimer.h>
#include <linux/ktime.h>
#include <linux/list.h>
#include <linux/minmax.h>
#include <linux/sched.h>
#include <linux/sched/clock.h>
#include <linux/slab.h>
#include <linux/wait.h>

#include "compat/timens.h"
#include "compat/uring_park.h"
#include "counters.h"
#include "ioctl.h"
#include "trace.h"
#include "uring.h"
#include "wait.h"

#define PARKED_WOKEN 1
#define PARKED_EXPIRED 2
#define PARKED_CANCELED 4
#define PARKED_OWNED 8

/**
 * struct parked - a command that is parked
 * @waiter: in the queue's readers or writers
 * @timer: its deadline
 * @node: in the queue's parked
 * @state: what has happened to it, PARKED_* bits, and that it has an owner
 * @call: the command
 * @start: when it was parked, of local_clock()
 * @mm: whose memory it is about; only compared
 * @canceled: by mpmc_park_cancel(), once; under the queue's park_lock
 */
struct parked {
	struct mpmc_waiter waiter;
	struct hrtimer timer;
	struct hlist_node node;
	atomic_t state;
	struct mpmc_call call;
	u64 start;
	const struct mm_struct *mm;
	bool canceled;
};

static struct parked **parked_of(struct io_uring_cmd *cmd)
{
	BUILD_BUG_ON(MPMC_URING_KEEPS + sizeof(struct parked *) >
		     sizeof(cmd->pdu));
	return (struct parked **)(cmd->pdu + MPMC_URING_KEEPS);
}

/* Say that something has happened; whether the caller owns it now. */
static bool parked_own(struct parked *parked, int event)
{
	/* Fully ordered: see the top of the file. */
	return !(atomic_fetch_or(event | PARKED_OWNED, &parked->state) &
		 PARKED_OWNED);
}

static void parked_work(struct io_uring_cmd *cmd, unsigned int issue_flags);

MPMC_URING_TASK_WORK(parked_task_work, parked_work)

/* The same, and have the submitter look at it. */
static void parked_tell(struct parked *parked, int event)
{
	if (parked_own(parked, event))
		io_uring_cmd_complete_in_task(parked->call.cmd,
					      parked_task_work);
}

static int parked_wake(struct wait_queue_entry *entry, unsigned int mode,
		       int sync, void *key)
{
	struct parked *parked =
		container_of(entry, struct parked, waiter.entry);

	if (!mpmc_waiter_choose(&parked->waiter, key))
		return 0;
	list_del_init(&entry->entry);
	parked_tell(parked, PARKED_WOKEN);
	return 1;
}

static enum hrtimer_restart parked_expired(struct hrtimer *timer)
{
	parked_tell(container_of(timer, struct parked, timer), PARKED_EXPIRED);
	return HRTIMER_NORESTART;
}

/* Enter the wait queue, unless it is there. */
static void parked_enter(struct parked *parked)
{
	wait_queue_head_t *head = mpmc_waiter_head(&parked->waiter);
	struct wait_queue_entry *entry = &parked->waiter.entry;

	spin_lock_irq(&head->lock);
	if (list_empty(&entry->entry))
		__add_wait_queue_entry_tail(head, entry);
	spin_unlock_irq(&head->lock);
	smp_mb(); /* B: see the top of wait.c */
	mpmc_waiter_count(&parked->waiter);
}

/* Be where others look for it, to wake it, or to cancel it, no more. */
static void parked_leave(struct parked *parked)
{
	wait_queue_head_t *head = mpmc_waiter_head(&parked->waiter);
	struct mpmc_queue *queue = parked->call.queue;

	hrtimer_cancel(&parked->timer);
	spin_lock_irq(&head->lock);
	list_del_init(&parked->waiter.entry.entry);
	spin_unlock_irq(&head->lock);
	spin_lock(&queue->park_lock);
	hlist_del(&parked->node);
	spin_unlock(&queue->park_lock);
}

/* The owner ends it. */
static void parked_finish(struct parked *parked, int ret,
			  unsigned int issue_flags)
{
	parked_leave(parked);
	trace_wait_end(parked->call.queue, parked->waiter.room, min(ret, 0),
		       local_clock() - parked->start);
	mpmc_waiter_end(&parked->waiter);
	if (ret == -ETIMEDOUT)
		mpmc_count(parked->call.queue, parked->waiter.room ?
				MPMC_COUNT_ENQUEUE_TIMEOUTS :
				MPMC_COUNT_DEQUEUE_TIMEOUTS, 1);
	mpmc_uring_done(parked->call.cmd, ret, issue_flags);
	kfree(parked);
}

/* How many items it wants to put; 0: it takes. */
static u32 call_room(const struct mpmc_call *call, const struct mpmc_wish *wish)
{
	return call->cmd->cmd_op == MPMC_IOC_ITEM_ENQUEUE ? wish->count : 0;
}

/*
 * Whether it still is to wait for what it is woken for. Its structure may have been
 * changed: then it would be woken for what it can't use, by itself when it passes
 * that on, and so for ever.
 */
static bool parked_waits(const struct parked *parked,
			 const struct mpmc_wish *wish)
{
	return wish->waits &&
	       call_room(&parked->call, wish) == parked->waiter.room;
}

/*
 * The owner looks at what has happened, and tries. Its result; or -EIOCBQUEUED, and
 * then he owns it no more. It is repeated only when something has happened.
 */
static int parked_try(struct parked *parked)
{
	struct mpmc_wish wish;
	int events, ret;

	do {
		/* Fully ordered: see the top of the file. */
		events = atomic_xchg(&parked->state, PARKED_OWNED);
		if (events & PARKED_CANCELED)
			return -ECANCELED;
		parked_enter(parked);
		ret = mpmc_call_try(&parked->call, &wish);
		if (ret != -EAGAIN)
			return ret;
		if (!parked_waits(parked, &wish))
			return -EINVAL;
		if (events & PARKED_EXPIRED)
			return -ETIMEDOUT;
		mpmc_waiter_pass_on(&parked->waiter);
		/* Fully ordered: see the top of the file. */
	} while (atomic_cmpxchg(&parked->state, PARKED_OWNED, 0) !=
		 PARKED_OWNED);
	return -EIOCBQUEUED;
}

static void parked_work(struct io_uring_cmd *cmd, unsigned int issue_flags)
{
	struct parked *parked = *parked_of(cmd);
	int ret = current->flags & (PF_EXITING | PF_KTHREAD) ?
			  -ECANCELED : parked_try(parked);

	if (ret != -EIOCBQUEUED)
		parked_finish(parked, ret, issue_flags);
}

static void parked_init(struct parked *parked, const struct mpmc_call *call,
			u32 room)
{
	parked->call = *call;
	parked->start = local_clock();
	parked->mm = current->mm;
	atomic_set(&parked->state, PARKED_OWNED);
	parked->waiter.queue = call->queue;
	parked->waiter.room = room;
	init_waitqueue_func_entry(&parked->waiter.entry, parked_wake);
	INIT_LIST_HEAD(&parked->waiter.entry.entry);
	/* For those who look on; io_uring keeps it as long as the command. */
	parked->waiter.entry.private = current;
	parked->waiter.entry.flags = WQ_FLAG_EXCLUSIVE;
	mpmc_waiter_begin(&parked->waiter);
	spin_lock(&call->queue->park_lock);
	hlist_add_head(&parked->node, &call->queue->parked);
	spin_unlock(&call->queue->park_lock);
	mpmc_hrtimer_setup(&parked->timer, parked_expired, CLOCK_MONOTONIC,
			   HRTIMER_MODE_ABS);
}

/**
 * mpmc_park_supported() - whether commands can be parked
 *
 * Context: any.
 * Return: whether io_uring can end them.
 */
bool mpmc_park_supported(void)
{
	return IS_ENABLED(CONFIG_IO_URING);
}

/**
 * mpmc_park() - park a command that is to wait
 * @call: the command
 * @wish: until when
 * @issue_flags: io_uring's
 *
 * Context: process, of the submitter, inside of io_uring's first call; may sleep.
 * Return: 0, and the result is told to io_uring some time, or has been; -ENOMEM.
 */
int mpmc_park(const struct mpmc_call *call, const struct mpmc_wish *wish,
	      unsigned int issue_flags)
{
	struct parked *parked = kzalloc(sizeof(*parked), GFP_KERNEL_ACCOUNT);
	u64 deadline = wish->deadline;
	int ret;

	if (!parked)
		return -ENOMEM;
	parked_init(parked, call, call_room(call, wish));
	*parked_of(call->cmd) = parked;
	if (deadline <= KTIME_MAX) {
		deadline = mpmc_timens_to_host(deadline);
		hrtimer_start_range_ns(&parked->timer, ns_to_ktime(deadline),
				       current->timer_slack_ns,
				       HRTIMER_MODE_ABS);
	}
	trace_wait(call->queue, parked->waiter.room, deadline);
	io_uring_cmd_mark_cancelable(call->cmd, issue_flags);
	ret = parked_try(parked);
	if (ret != -EIOCBQUEUED)
		parked_finish(parked, ret, issue_flags);
	return 0;
}

/**
 * mpmc_park_end() - whether a call of io_uring's is to end a command that is parked
 * @cmd: io_uring's command
 * @issue_flags: its flags
 *
 * If so it is ended, or will be by who has it in hand.
 *
 * Context: process, not the submitter's perhaps; the ring is locked. May sleep.
 * Return: whether it is.
 */
bool mpmc_park_end(struct io_uring_cmd *cmd, unsigned int issue_flags)
{
	struct parked *parked;

	if (!(issue_flags & IO_URING_F_CANCEL))
		return false;
	parked = *parked_of(cmd);
	if (parked_own(parked, PARKED_CANCELED))
		parked_finish(parked, -ECANCELED, issue_flags);
	return true;
}

/**
 * mpmc_park_cancel() - cancel a parked command
 * @queue: the queue
 * @arg: address of its structure, in the caller's memory
 *
 * Context: process.
 * Return: 0; -ENOENT: there is none.
 */
int mpmc_park_cancel(struct mpmc_queue *queue, u64 arg)
{
	struct parked *parked;
	int ret = -ENOENT;

	spin_lock(&queue->park_lock);
	hlist_for_each_entry(parked, &queue->parked, node) {
		if (parked->canceled || parked->call.arg != arg ||
		    parked->mm != current->mm)
			continue;
		parked->canceled = true;
		parked_tell(parked, PARKED_CANCELED);
		ret = 0;
		break;
	}
	spin_unlock(&queue->park_lock);
	return ret;
}
