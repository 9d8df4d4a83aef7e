// SPDX-License-Identifier: GPL-2.0
/*
 * Who polls: it enters the wait queues as it looks for the first time, and then
 * sleeps, unless it was told of something since, as in fs/select.c. Entering is
 * not a full barrier, and nor is what is told.
 */
#include "poller.h"

#include "../../kmod/queue.h"
#include "schedule.h"

#undef schedule

#define HERE __builtin_return_address(0)

static int poller_wake(struct wait_queue_entry *wait, unsigned int mode,
		       int sync, void *key)
{
	struct poller *poller =
		container_of(wait, struct poller_entry, entry)->poller;

	if (key && !((uintptr_t)key & poller->mask))
		return 0;
	machine_store(&poller->triggered, sizeof(poller->triggered), 1,
		      __ATOMIC_RELEASE, HERE);
	return default_wake_function(wait, mode, sync, key);
}

static void poller_enter(struct poll_table *table, wait_queue_head_t *head)
{
	struct poller *poller = container_of(table, struct poller, table);
	struct poller_entry *entry = &poller->entry[poller->entries++];

	entry->poller = poller;
	init_wait(&entry->entry);
	entry->entry.func = poller_wake;
	kernel_lock(&head->lock);
	__add_wait_queue_entry_tail(head, &entry->entry);
	kernel_unlock(&head->lock);
}

static void poller_sleep(struct poller *poller)
{
	kernel_set_state(TASK_INTERRUPTIBLE);
	machine_fence(__ATOMIC_SEQ_CST, HERE);
	if (!machine_load(&poller->triggered, sizeof(poller->triggered),
			  __ATOMIC_RELAXED, HERE))
		schedule_task();
	kernel_set_state(TASK_RUNNING);
	machine_store(&poller->triggered, sizeof(poller->triggered), 0,
		      __ATOMIC_RELAXED, HERE);
	machine_fence(__ATOMIC_SEQ_CST, HERE);
}

unsigned int poller_wait(struct poller *poller, struct mpmc_queue *queue,
			 unsigned int mask)
{
	unsigned int events;

	poller->mask = mask | EPOLLHUP;
	poller->table.enter = poller->entries ? NULL : poller_enter;
	for (;;) {
		events = mpmc_queue_poll(queue, NULL, &poller->table, mask);
		if (events)
			return events;
		poller->table.enter = NULL;
		poller_sleep(poller);
	}
}

void poller_end(struct poller *poller)
{
	struct wait_queue_head *head;

	while (poller->entries) {
		struct wait_queue_entry *entry =
			&poller->entry[--poller->entries].entry;

		head = entry->entry.head;
		kernel_lock(&head->lock);
		list_del_init(&entry->entry);
		kernel_unlock(&head->lock);
	}
}
