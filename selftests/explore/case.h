/* SPDX-License-Identifier: GPL-2.0 */
#ifndef EXPLORE_CASE_H
#define EXPLORE_CASE_H

#include "schedule.h"
#include "trace.h"

/*
 * What the cases have in common. They are built like the code under test: what
 * threads share lies in memory of kernel_alloc(). Variables of the cases' own
 * are not looked at, and change together with the access to shared memory before
 * them, so that they can say what was done when.
 */

#define CASE_ITEMS 16

/* An item: who put it, and its number, from 1. */
#define ITEM(thread, number) ((uint64_t)(thread) << 8 | (number))

void items_reset(void);
void items_put(uint64_t item);
void items_put_many(const uint64_t *items, unsigned int count);
void items_unput(uint64_t item);
void items_got(uint64_t item);
void items_got_many(const uint64_t *items, unsigned int count);
/*
 * Those that a queue's requeue hands out, each with so many deliveries; how many.
 * In case_requeue.c.
 */
struct mpmc_requeue;
unsigned int items_got_again(struct mpmc_requeue *from, unsigned int max,
			     uint32_t (*deliveries_of)(uint64_t item));
void items_check(void);
unsigned int items_left(void);

#endif /* EXPLORE_CASE_H */
