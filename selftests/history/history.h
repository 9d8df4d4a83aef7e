/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Histories: what threads asked of a queue, what they were told, and when
 */
#ifndef HISTORY_H
#define HISTORY_H

#include <linux/types.h>
#include <stdbool.h>
#include <stdio.h>

typedef __u8 u8;
typedef __u32 u32;
typedef __u64 u64;

/* Four at work, and the one that empties the queue in the end. */
#define THREADS_MAX 5
#define OPS_MAX 160
#define OP_ITEMS 16
#define TOKENS_MAX 16
#define CAPACITY_MAX 16

/* Items are numbered from 1; each is put at most once. */
#define ITEMS_MAX 64

/* Where an operation goes that needs no token. */
#define QUEUE (-1)

enum kind {
	PUT,		/* MPMC_IOC_ITEM_ENQUEUE */
	STORE,		/* the owner of a mapped ring stores items */
	TAKE,		/* MPMC_IOC_ITEM_DEQUEUE */
	PEEK,		/* MPMC_IOC_LEASE_FILL */
	COMMIT,		/* MPMC_IOC_LEASE_COMMIT */
	ACK,		/* the owner of a mapped lease advances his position */
	RELEASE,	/* MPMC_IOC_LEASE_RELEASE */
	OPEN,		/* MPMC_IOC_PRODUCER_CREATE, MPMC_IOC_CONSUMER_CREATE */
	CLOSE,		/* the end of a token: its mapping's, and its last fd's */
	SHUTDOWN,	/* MPMC_IOC_QUEUE_SHUTDOWN */
	KINDS
};

/**
 * struct op - an operation, from call to return
 * @call: when it began, in ns
 * @ret: when it was over
 * @deadline: until when it was to wait; 0: not at all
 * @thread: whose it is
 * @token: which token it uses, or QUEUE
 * @kind: what it is
 * @count: how many items it is about: to put, to take at most, to be leased, to be
 *	finished with; of OPEN: the entries of the ring
 * @produces: OPEN: it is a producer's
 * @mapped: OPEN: the ring was mapped
 * @error: 0, or what it was told, positive
 * @n: PUT, STORE, and what was taken or shown: how many @items there are
 * @granted: PUT: how much room its owner has in his ring after it
 * @item: the items
 * @deliveries: PEEK: how often each was handed out, as it says
 */
struct op {
	u64 call;
	u64 ret;
	u64 deadline;
	int thread;
	int token;
	enum kind kind;
	unsigned int count;
	bool produces;
	bool mapped;
	int error;
	unsigned int n;
	unsigned int granted;
	u64 item[OP_ITEMS];
	u32 deliveries[OP_ITEMS];
};

/**
 * struct token - a token of a history
 * @produces: it is a producer's
 * @mapped: its ring was mapped by its owner
 * @entries: of its ring
 */
struct token {
	bool produces;
	bool mapped;
	unsigned int entries;
};

/**
 * struct history - the operations of a queue's life
 * @capacity: of the queue
 * @segments: of the queue; all that matters is whether it is 1
 * @token: its tokens
 * @tokens: how many there are
 * @op: the operations; those of one thread in order
 * @ops: how many there are
 */
struct history {
	unsigned int capacity;
	unsigned int segments;
	struct token token[TOKENS_MAX];
	unsigned int tokens;
	struct op op[OPS_MAX];
	unsigned int ops;
};

static inline bool op_takes(const struct op *op)
{
	return op->kind == TAKE || op->kind == PEEK;
}

static inline bool op_puts(const struct op *op)
{
	return op->kind == PUT || op->kind == STORE;
}

/* text.c */
const char *history_parse(struct history *history, const char *text);
void history_write(const struct history *history, FILE *to);
int op_format(const struct history *history, const struct op *op, char *text,
	      size_t size);

/* timeline.c */
void timeline_print(const struct history *history, int culprit, FILE *to);

/* shrink.c */
struct verdict;
void history_shrink(struct history *history, struct verdict *verdict);

#endif /* HISTORY_H */
