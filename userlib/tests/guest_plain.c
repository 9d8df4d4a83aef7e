// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * The plain functions of those that mpmc.h has inline, for the in-guest test
 *
 * In a file that calls none of the inline ones: the names are the same to the
 * assembler, and a compiler may call its own static functions in its own way.
 */
#include "guest.h"

#define PLAIN(name) __asm__("mpmc_" #name)

int mpmc_plain_p_try_enqueue(struct mpmc_producer *p, uint64_t item)
	PLAIN(producer_try_enqueue);
int mpmc_plain_p_try_enqueue_bulk(struct mpmc_producer *p,
				  const uint64_t *items, size_t n)
	PLAIN(producer_try_enqueue_bulk);
int mpmc_plain_c_try_dequeue(struct mpmc_consumer *c, uint64_t *item)
	PLAIN(consumer_try_dequeue);
ssize_t mpmc_plain_c_try_dequeue_bulk(struct mpmc_consumer *c, uint64_t *items,
				      size_t max)
	PLAIN(consumer_try_dequeue_bulk);
#define mpmc_plain_p_enqueue_wait mpmc_producer_enqueue_wait
#define mpmc_plain_p_enqueue_bulk_wait mpmc_producer_enqueue_bulk_wait
#define mpmc_plain_c_dequeue_wait mpmc_consumer_dequeue_wait
#define mpmc_plain_c_dequeue_bulk_wait mpmc_consumer_dequeue_bulk_wait

PUTS(plain_p_, plain_p);
TAKES(plain_c_, plain_c);
