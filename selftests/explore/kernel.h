/* SPDX-License-Identifier: GPL-2.0 */
#ifndef EXPLORE_KERNEL_H
#define EXPLORE_KERNEL_H

#include <stdbool.h>
#include <stddef.h>

#include "machine.h"

/* What shim.h gives the kernel's names to. */

struct kernel_lock {
	int holder;
	struct handover handover;
};

void kernel_reset(void);

/* Whether kernel_kmalloc() has any: it may fail, unlike the others. */
void kernel_memory(bool there_is);
void *kernel_kmalloc(size_t size);
void *kernel_alloc(size_t size, size_t align, bool zero);
void kernel_free(void *memory);

void kernel_rcu_lock(void);
void kernel_rcu_unlock(void);
void kernel_rcu_call(void *arg, void (*fn)(void *arg));

void kernel_set_state(unsigned int state);

void kernel_lock(struct kernel_lock *lock);
void kernel_unlock(struct kernel_lock *lock);
void kernel_interrupt_all(void (*fn)(void *arg), void *arg);
unsigned int kernel_choice(unsigned int count);

/* Waits until a timer runs and has it expire; or until it is over. */
void kernel_timer_expire(bool (*over)(void));

#endif /* EXPLORE_KERNEL_H */
