/* SPDX-License-Identifier: GPL-2.0 */
#ifndef EXPLORE_MACHINE_H
#define EXPLORE_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The machine that the code under test runs on: memory that keeps every value
 * a location ever had, and threads that need not see the newest one. machine.c
 * says what a thread may see.
 */

#define MACHINE_THREADS 5 /* thread 0 sets up and checks */
#define MACHINE_LOCATIONS 1000
#define MACHINE_MESSAGES 128 /* of one location */

/**
 * struct view - what a thread knows
 * @clock: how far it knows each thread to have come
 * @seen: of each location, the oldest message that it may still read
 */
struct view {
	uint32_t clock[MACHINE_THREADS];
	uint16_t seen[MACHINE_LOCATIONS];
};

enum rmw {
	RMW_EXCHANGE,
	RMW_ADD,
	RMW_SUB,
	RMW_AND,
	RMW_OR,
	RMW_XOR,
	RMW_CAS, /* may fail by an old value, as any load may */
	RMW_CAS_NEWEST, /* may not */
};

void machine_reset(void);
void machine_fork(unsigned int thread);
void machine_join(unsigned int thread);

uint64_t machine_load(const void *addr, unsigned int size, int order,
		      const void *pc);
void machine_store(void *addr, unsigned int size, uint64_t value, int order,
		   const void *pc);
uint64_t machine_rmw(void *addr, unsigned int size, enum rmw kind,
		     uint64_t operand, uint64_t *expected, int order,
		     const void *pc);
void machine_fence(int order, const void *pc);
void machine_plain(const void *addr, size_t size, bool write, const void *pc);

/* A fence on another thread, that both know of: an interrupt. */
void machine_interrupt(unsigned int thread, void (*fn)(void *arg), void *arg);

/* Locks, and whatever else passes knowledge from one to another. */
struct handover {
	struct view view;
	uint64_t hash;
};

void machine_give(struct handover *handover);
void machine_get(struct handover *handover);

/* The same as to give, of several in any order: none knows who came before. */
void machine_leave(struct handover *handover);

/* Memory that comes and goes with an execution. */
void *machine_alloc(size_t size, size_t align, bool zero);
void machine_free(void *memory, const void *pc);
bool machine_is_freed(const void *addr);
void machine_init(void *stacks, size_t stack_size);

/* What has happened so far, in any order that comes to the same. */
uint64_t machine_state(void);
void machine_note(uint64_t what);
uint64_t machine_thread_state(unsigned int thread);

#endif /* EXPLORE_MACHINE_H */
