// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel, as far as the code under test sees it: memory, RCU, locks, wait
 * queues, other CPUs
 *
 * Not built like the code under test: what is shared here is either the
 * scheduler's business or is accessed by the machine's functions.
 *
 * RCU: what waits for a grace period is done as soon as all have left that were
 * in a read-side section when it was asked for, for nothing that comes later can
 * be worse. A thread that is about to enter one may be stopped before it. Who
 * enters one afterwards knows what was known to who asked: so RCU promises. What
 * was waited for is done by thread 0, which knows what those knew who have left.
 */
#include "shim.h"

#include "schedule.h"
#include "trace.h"

#undef schedule

#define HERE __builtin_return_address(0)
#define CALLBACKS 32

struct callback {
	unsigned int readers; /* bits of the threads that are waited for */
	void (*fn)(void *arg);
	void *arg;
	struct handover handover;
};

static struct callback callbacks[CALLBACKS];

static struct {
	unsigned int nesting[MACHINE_THREADS];
	unsigned int entered[MACHINE_THREADS];
	unsigned int callbacks;
	struct handover grace; /* what was known to who asked for one */
	struct handover left; /* and to who has left a read-side section */
	struct task task[MACHINE_THREADS];
	struct handover woken[MACHINE_THREADS];
	struct hrtimer *timer; /* that runs down */
	struct hrtimer *expiring; /* whose function runs */
	struct handover expired;
	bool no_memory;
} kernel;

void kernel_reset(void)
{
	unsigned int i;

	memset(&kernel, 0, sizeof(kernel));
	for (i = 0; i < MACHINE_THREADS; i++)
		kernel.task[i].pid = i;
}

struct task *kernel_task(void)
{
	return &kernel.task[schedule_current()];
}

unsigned int kernel_choice(unsigned int count)
{
	return schedule_choice(count);
}

void *kernel_alloc(size_t size, size_t align, bool zero)
{
	return machine_alloc(size, align, zero);
}

void kernel_memory(bool there_is)
{
	kernel.no_memory = !there_is;
}

void *kernel_kmalloc(size_t size)
{
	return kernel.no_memory ? NULL : kernel_alloc(size, 64, false);
}

void kernel_free(void *memory)
{
	machine_free(memory, HERE);
}

/* --- RCU --- */

void kernel_rcu_lock(void)
{
	unsigned int thread = schedule_current();

	if (!kernel.nesting[thread])
		schedule_point();
	if (!kernel.nesting[thread]++) {
		kernel.entered[thread]++;
		machine_get(&kernel.grace);
	}
}

static unsigned int rcu_readers(void)
{
	unsigned int i, readers = 0;

	for (i = 0; i < MACHINE_THREADS; i++)
		readers |= !!kernel.nesting[i] << i;
	return readers;
}

static void callback_run(void *arg)
{
	struct callback *callback = arg;

	machine_get(&callback->handover);
	callback->fn(callback->arg);
}

/* What nobody is waited for any more. */
static void rcu_run(void)
{
	struct callback *callback = callbacks;

	for (; callback < callbacks + kernel.callbacks; callback++) {
		if (callback->readers || !callback->fn)
			continue;
		schedule_as(0, callback_run, callback);
		callback->fn = NULL;
	}
}

void kernel_rcu_unlock(void)
{
	unsigned int i, thread = schedule_current();

	if (--kernel.nesting[thread])
		return;
	machine_note(kernel.grace.hash);
	machine_leave(&kernel.left);
	for (i = 0; i < kernel.callbacks; i++) {
		if (!(callbacks[i].readers & 1U << thread))
			continue;
		callbacks[i].readers &= ~(1U << thread);
		machine_leave(&callbacks[i].handover);
	}
	rcu_run();
}

void kernel_rcu_call(void *arg, void (*fn)(void *arg))
{
	struct callback *callback = &callbacks[kernel.callbacks++];
	unsigned int i;

	if (kernel.callbacks == CALLBACKS)
		explore_die("too many RCU callbacks");
	if (machine_is_freed(arg))
		explore_fail("freed twice, at %s", trace_place(HERE));
	callback->handover = kernel.left;
	callback->readers = rcu_readers();
	callback->fn = fn;
	callback->arg = arg;
	for (i = 0; i < MACHINE_THREADS; i++)
		if (kernel.nesting[i])
			machine_note(i * 64 + kernel.entered[i]);
	machine_give(&kernel.grace);
	machine_give(&callback->handover);
	rcu_run();
}

/* --- Locks --- */

static bool lock_is_free(void *arg)
{
	return !((struct kernel_lock *)arg)->holder;
}

void kernel_lock(struct kernel_lock *lock)
{
	schedule_block(lock_is_free, lock);
	if (machine_is_freed(lock))
		explore_fail("a lock that was freed, at %s", trace_place(HERE));
	lock->holder = 1 + schedule_current();
	machine_get(&lock->handover);
}

void kernel_unlock(struct kernel_lock *lock)
{
	if (lock->holder != 1 + (int)schedule_current())
		explore_die("unlocked by who has not locked it");
	machine_give(&lock->handover);
	lock->holder = 0;
}

/*
 * An interrupt comes to each CPU at some time before the call returns. That who
 * runs there comes to do it, and is interrupted, are one step each here.
 */
void kernel_interrupt_all(void (*fn)(void *arg), void *arg)
{
	unsigned int i;

	for (i = 1; i <= schedule_threads(); i++) {
		if (i == schedule_current())
			continue;
		schedule_point();
		trace_say("interrupts thread %u", i);
		machine_interrupt(i, fn, arg);
	}
}

/* --- Tasks --- */

static bool task_runs(void *arg)
{
	return *(volatile unsigned int *)&((struct task *)arg)->state ==
	       TASK_RUNNING;
}

/* Tasks' states are not the machine's: who wakes and who sleeps have locks. */
void schedule_task(void)
{
	struct task *task = kernel_task();

	machine_fence(__ATOMIC_SEQ_CST, HERE);
	trace_say("sleeps, unless it has been woken");
	schedule_block(task_runs, task);
	machine_get(&kernel.woken[schedule_current()]);
}

void kernel_set_state(unsigned int state)
{
	kernel_task()->state = state;
	machine_note(state);
}

static bool task_wake(struct task *task, unsigned int mode)
{
	struct handover *handover = &kernel.woken[task - kernel.task];

	machine_fence(__ATOMIC_SEQ_CST, HERE);
	machine_get(handover);
	if (!(task->state & mode))
		return false;
	task->state = TASK_RUNNING;
	trace_say("wakes thread %u", task->pid);
	machine_give(handover);
	return true;
}

/* --- Timers: one at a time --- */

void kernel_timer_start(struct hrtimer *timer)
{
	schedule_point();
	if (kernel.timer)
		explore_die("two timers");
	kernel.timer = timer;
	machine_give(&kernel.expired);
}

struct due {
	bool (*over)(void);
};

static bool timer_due(void *arg)
{
	return kernel.timer || ((struct due *)arg)->over();
}

void kernel_timer_expire(bool (*over)(void))
{
	struct due due = { over };
	struct hrtimer *timer;

	schedule_block(timer_due, &due);
	machine_get(&kernel.expired);
	timer = kernel.timer;
	if (!timer)
		return;
	if (machine_is_freed(timer))
		explore_fail("a timer that was freed expires");
	trace_say("the timer expires");
	kernel.timer = NULL;
	kernel.expiring = timer;
	timer->function(timer);
	machine_give(&kernel.expired);
	kernel.expiring = NULL;
}

static bool timer_rests(void *arg)
{
	return kernel.expiring != arg;
}

void kernel_timer_cancel(struct hrtimer *timer)
{
	schedule_block(timer_rests, timer);
	machine_get(&kernel.expired);
	if (kernel.timer != timer)
		return;
	kernel.timer = NULL;
	machine_give(&kernel.expired);
}

/* --- Wait queues --- */

static unsigned int word_read(unsigned int *word, int order)
{
	return machine_load(word, sizeof(*word), order, HERE);
}

static void word_write(unsigned int *word, unsigned int value, int order)
{
	machine_store(word, sizeof(*word), value, order, HERE);
}

void init_wait(struct wait_queue_entry *entry)
{
	memset(entry, 0, sizeof(*entry));
	entry->private = kernel_task();
}

bool waitqueue_active(wait_queue_head_t *head)
{
	return machine_load(&head->count, sizeof(head->count),
			    __ATOMIC_RELAXED, HERE);
}

void __add_wait_queue_entry_tail(wait_queue_head_t *head,
				 struct wait_queue_entry *entry)
{
	struct wait_queue_entry **last = &head->first;

	while (*last)
		last = &(*last)->next;
	*last = entry;
	entry->next = NULL;
	entry->entry.head = head;
	word_write(&entry->entry.queued, 1, __ATOMIC_RELAXED);
	word_write(&head->count, head->count + 1, __ATOMIC_RELAXED);
}

/* If it is in one. */
void list_del_init(struct list_head *list)
{
	struct wait_queue_entry *entry =
		container_of(list, struct wait_queue_entry, entry);
	struct wait_queue_entry **link;

	if (!list->queued)
		return;
	for (link = &list->head->first; *link != entry;)
		link = &(*link)->next;
	*link = entry->next;
	word_write(&list->head->count, list->head->count - 1,
		   __ATOMIC_RELAXED);
	/* A release, as list_del_init_careful() makes. */
	word_write(&list->queued, 0, __ATOMIC_RELEASE);
}

void prepare_to_wait_exclusive(wait_queue_head_t *head,
			       struct wait_queue_entry *entry,
			       unsigned int state)
{
	entry->flags |= WQ_FLAG_EXCLUSIVE;
	kernel_lock(&head->lock);
	if (!entry->entry.queued)
		__add_wait_queue_entry_tail(head, entry);
	kernel_set_state(state);
	machine_fence(__ATOMIC_SEQ_CST, HERE);
	kernel_unlock(&head->lock);
}

void finish_wait(wait_queue_head_t *head, struct wait_queue_entry *entry)
{
	kernel_set_state(TASK_RUNNING);
	if (!word_read(&entry->entry.queued, __ATOMIC_ACQUIRE))
		return;
	kernel_lock(&head->lock);
	list_del_init(&entry->entry);
	kernel_unlock(&head->lock);
}

int default_wake_function(struct wait_queue_entry *entry, unsigned int mode,
			  int sync, void *key)
{
	(void)sync;
	(void)key;
	return task_wake(entry->private, mode);
}

int autoremove_wake_function(struct wait_queue_entry *entry, unsigned int mode,
			     int sync, void *key)
{
	if (!default_wake_function(entry, mode, sync, key))
		return 0;
	list_del_init(&entry->entry);
	return 1;
}

void __wake_up(wait_queue_head_t *head, unsigned int mode, int nr, void *key)
{
	struct wait_queue_entry *entry, *next;
	unsigned int exclusive;

	kernel_lock(&head->lock);
	for (entry = head->first; entry; entry = next) {
		if (machine_is_freed(entry))
			explore_fail("a wait queue has an entry that was freed");
		next = entry->next;
		exclusive = entry->flags & WQ_FLAG_EXCLUSIVE;
		if (entry->func(entry, mode, 0, key) && exclusive && !--nr)
			break;
	}
	kernel_unlock(&head->lock);
}
