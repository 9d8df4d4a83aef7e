/* SPDX-License-Identifier: GPL-2.0 */
#ifndef EXPLORE_CASE_COMMON_H
#define EXPLORE_CASE_COMMON_H

#include <uapi/linux/mpmc.h>

#include "../../kmod/queue.h"

struct mpmc_consumer;
struct mpmc_producer;

#define QUEUE_ENTRIES 2 /* of a token's ring */

extern struct mpmc_queue *queue;
extern struct mpmc_producer *producer;
extern struct mpmc_consumer *consumer;
extern struct mpmc_map_queue *words; /* as owners see them */
extern unsigned int put_count; /* by calls */

void queue_setup(unsigned int capacity);
void queue_setup_producer(unsigned int granted);
void queue_add_lease(unsigned int items); /* another one */
void queue_lease_setup(unsigned int capacity, unsigned int items);
void queue_word_set(u32 *word, u32 value);

int queue_put(void);
int queue_take(void);
int queue_wait_for(u64 room);
void queue_store(unsigned int number);
void queue_commit(void);

/* Takes what is left, and looks whether all is at rest. */
void queue_check(void);
/* The same, of a queue that is at its end: nothing is left. */
void queue_end_check(void);

#endif /* EXPLORE_CASE_COMMON_H */
