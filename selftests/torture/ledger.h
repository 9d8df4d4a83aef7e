/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The account of all items of a run, in memory that all processes share
 *
 * It is right at whatever instruction a process is killed: each entry is one
 * store or one atomic addition, and what is about to happen is written down
 * before, and what has happened after.
 */
#ifndef LEDGER_H
#define LEDGER_H

#include <mpmc.h>

#include "torture.h"

/* What a process is doing */
enum doing {
	DOING_NOTHING,
	DOING_JOIN,
	DOING_PUT,
	DOING_TAKE,	/* may hold as many items as it asked for */
	DOING_HAVE,	/* holds as many that it has not counted yet */
	DOING_FINISH,
	DOING_REST,	/* was told to stop, and has */
	DOING_WAIT = 0x80, /* is allowed to sleep in it */
};

/* What may go wrong, noticed by the one it happens to */
enum fault {
	FAULT_ALIEN,	/* an item that nobody has put */
	FAULT_TWICE,	/* one that others had, and nothing says so */
	FAULT_FINISHED,	/* one that others had finished with */
	FAULT_ORDER,
	FAULT_CALL,	/* an error that has no reason, or a result */
	FAULT_KINDS,
};

/**
 * struct life - a process, from its birth to its end
 * @doing: an enum doing, and how many items it is about
 * @moved: items it has put, or taken and dealt with
 * @pid: its id
 * @produces: else it consumes
 * @killed: by us
 */
struct life {
	_Alignas(64) _Atomic uint64_t doing;
	_Atomic uint64_t moved;
	pid_t pid;
	bool produces;
	bool killed;
};

/*
 * struct stream - a number of items of one producer, who needs many
 * @intent: up to here items may have been put
 * @published: up to here they have
 * @producer: whose
 */
struct stream {
	_Alignas(64) _Atomic uint32_t intent;
	_Atomic uint32_t published;
	_Atomic uint32_t producer;
};

#define STREAM_ITEMS 4096
#define STREAMS_MAX 65536

/* It has been finished with, and may not come again. */
#define RECEIPT_FINISHED 0x80

/* What everybody adds to */
struct totals {
	_Atomic uint64_t received;
	_Atomic uint64_t inversions;
	_Alignas(64) _Atomic uint32_t streams;
	_Atomic bool full;
	_Atomic bool resting; /* the producers are to stop for a while */
	_Atomic uint64_t no_memory; /* calls that there was none for */
	_Alignas(64) _Atomic uint32_t faults[FAULT_KINDS];
};

/**
 * struct ledger - the account
 * @totals: sums
 * @lives: all processes there have been
 * @lives_max: how many there can be
 * @born: how many there have been
 * @streams: all items, by producer
 * @streams_max: how many there can be
 * @receipts: how often each item has been received, and RECEIPT_FINISHED
 * @leases: whether items are received before they are finished with
 * @lean: whether there may be no memory for a call
 */
struct ledger {
	struct totals *totals;
	struct life *lives;
	uint32_t lives_max;
	uint32_t born;
	struct stream *streams;
	uint32_t streams_max;
	_Atomic uint8_t *receipts;
	bool leases;
	bool lean;
};

/**
 * struct verdict - what the account says at the end
 * @published: items that were accepted for certain
 * @missing: accepted and never received
 * @in_hand: how many at most killed consumers can have had in hand
 * @again: received more than once
 * @torn: bulks of killed producers that came in part
 */
struct verdict {
	uint64_t published;
	uint64_t missing;
	uint64_t in_hand;
	uint64_t again;
	uint64_t torn;
};

void ledger_open(struct ledger *ledger, uint32_t lives, uint32_t streams);
void ledger_close(struct ledger *ledger);

/* For who looks after the processes */
struct life *ledger_birth(struct ledger *ledger, bool produces);
void ledger_judge(const struct ledger *ledger, struct verdict *verdict);
uint32_t ledger_faults(const struct ledger *ledger);
void life_describe(const struct life *life);
bool life_rests(const struct life *life);
bool life_waits_to_put(const struct life *life, uint64_t count);

/* For the processes */
void life_doing(struct life *life, enum doing doing, bool wait, size_t count);
struct stream *stream_begin(struct ledger *ledger, const struct life *life);
uint64_t stream_item(const struct ledger *ledger, const struct stream *stream,
		     uint32_t seq);
void ledger_receive(struct ledger *ledger, const struct mpmc_item *item,
		    uint32_t *latest);
void ledger_finish(struct ledger *ledger, const struct mpmc_item *item);
__attribute__((format(printf, 3, 4)))
void ledger_fault(struct ledger *ledger, enum fault fault, const char *format,
		  ...);

#endif /* LEDGER_H */
