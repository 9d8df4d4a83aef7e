/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Rings of io_uring that a program has: wild ones, to which anything is submitted,
 * and exact ones, of which all is counted.
 */
#ifndef URING_H
#define URING_H

#include "../../userlib/mpmc_uring.h"
#include "fuzz.h"

#define URINGS 3
#define URING_FILES 8
#define URING_BUFFERS 4
#define URING_ASKED 8

enum {
	URING_FREE,
	URING_BUSY,
	URING_THERE,
	URING_CLOSED,
};

/**
 * struct uring - a ring
 * @state: URING_*: who makes it busy may use it; closed ones end by and by
 * @exact: all that is submitted to it is counted
 * @settle: at the end its requests are cancelled, and have to complete
 * @lane: the thread that it is for, or -1
 * @ring: liburing's
 * @submitted: requests so far
 * @linked: exact ones: the next request is linked to the last
 * @asked: wild ones: where the structures of the last commands are
 */
struct uring {
	atomic_int state;
	bool exact;
	bool settle;
	int lane;
	struct io_uring ring;
	u32 submitted;
	bool linked;
	u64 asked[URING_ASKED];
};

/* uring.c */
extern struct uring urings[URINGS];
unsigned int uring_index(const struct uring *uring);

/* wild.c */
void wild_submit(struct lane *lane, const struct op *op, struct uring *uring);
void wild_reap(struct lane *lane, struct uring *uring);
void wild_cancel(struct lane *lane, const struct op *op, struct uring *uring);
void wild_update(struct lane *lane, const struct op *op, struct uring *uring);

/* exact.c */
void exact_register(struct uring *uring);
void exact_submit(struct lane *lane, struct uring *uring);
void exact_reap(struct uring *uring);
void exact_cancel(struct lane *lane, struct uring *uring);
void exact_settle(struct uring *uring);
void exact_end(void);

#endif /* URING_H */
