/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The world of one call: queues, a token, and an account of all items.
 */
#ifndef FAULTWALK_WORLD_H
#define FAULTWALK_WORLD_H

#include "../mpmc_mapped.h"
#include "area.h"

#define ITEMS_MAX 40000
#define COUNT_MAX 20000 /* of one call */

/* Of who puts items: each one's come out in order. */
#define SOURCE_QUEUE 0
#define SOURCE_TOKEN 1
#define SOURCES 2

/* Most queues that a world has at a time; what a scene makes included. */
#define WORLD_QUEUES 3

union args {
	__u32 size;
	struct mpmc_device_info device_info;
	struct mpmc_queue_create queue_create;
	struct mpmc_queue_open queue_open;
	struct mpmc_queue_unlink queue_unlink;
	struct mpmc_queue_list queue_list;
	struct mpmc_queue_info queue_info;
	struct mpmc_queue_stats queue_stats;
	struct mpmc_queue_shutdown queue_shutdown;
	struct mpmc_token_create token_create;
	struct mpmc_token_info token_info;
	struct mpmc_token_kick token_kick;
	struct mpmc_transfer transfer;
	struct mpmc_lease lease;
	struct mpmc_lease_end lease_end;
	struct mpmc_uring_cancel uring_cancel;
	char larger[128]; /* a later version's, all zero behind what we know */
};

/* What a scene's call works on, and how much of that is there. */
enum cut {
	CUT_NOTHING,
	CUT_ARGS,	/* only so many bytes of the structure */
	CUT_BUFFER,	/* or of the array it points to */
	CUT_WRITE,	/* the structure cannot be written */
	CUT_BUFFER_WRITE,
};

/**
 * struct world - what a scene's call happens in
 * @device: /dev/mpmc
 * @queue: a queue, or -1
 * @dead: another one, for its dead letters, or -1
 * @token: a token of it, or -1
 * @other: whatever else, or -1
 * @made: what the call has made, or -1
 * @mapped: the token's mapping, if there is one
 * @map: what the call has mapped, if anything
 * @map_size: and its size
 * @capacity: of @queue
 * @fd: what the ioctl is for
 * @cmd: which ioctl
 * @args: its structure
 * @array: where in it the address of an array is
 * @buffer_size: of that array, in bytes; 0 without one
 * @produces: it is read by the call; else it is written
 * @at: where they have been put for the call
 * @at_buffer: and the array
 * @cut: what the scene wants to be missing of them
 * @there: and how much is there
 * @offered: the first item that the call is to put
 * @count: how many that are; or that the call is to take
 * @source: who puts them
 * @leases: how many items @token's lease has
 * @issued: items there have been
 * @in: how many are in the queues now, leased or not
 * @last: the last one that came out, of each source, plus one
 * @wrong: what is wrong, if anything is
 * @state: of each item
 * @of: who has put each
 * @leased: items of @token's lease
 * @buffer: the array that @args points to
 */
struct world {
	int device;
	int queue;
	int dead;
	int token;
	int other;
	int made;
	struct mapped mapped;
	void *map;
	size_t map_size;
	__u64 capacity;
	int fd;
	unsigned long cmd;
	union args args;
	__u64 *array;
	size_t buffer_size;
	bool produces;
	struct area at;
	struct area at_buffer;
	enum cut cut;
	size_t there;
	__u32 offered;
	__u32 count;
	int source;
	__u32 leases;
	__u32 issued;
	__u32 in;
	__u32 last[SOURCES];
	char wrong[256];
	/* Large, and not cleared as a whole. */
	char state[ITEMS_MAX];
	char of[ITEMS_MAX];
	__u64 leased[COUNT_MAX];
	__u64 buffer[COUNT_MAX];
};

/* Notes what is wrong; the first counts. */
void wrong(struct world *w, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#define right(w, cond)                                                       \
	do {                                                                 \
		if (!(cond))                                                 \
			wrong(w, "%s:%d: not true: %s", __FILE__, __LINE__,  \
			      #cond);                                        \
	} while (0)

void world_begin(struct world *w);

/* Whether everything adds up: between calls, and at the end, which empties it. */
void world_count(struct world *w);
void world_end(struct world *w);

/* What a world is made of. */
void world_queue(struct world *w, __u64 capacity, __u32 segments);
void world_limited(struct world *w, __u64 capacity, __u64 dead);
void world_producer(struct world *w, __u32 entries);
void world_consumer(struct world *w, __u32 entries);
void world_map(struct world *w);
void world_put(struct world *w, int source, __u32 count);
void world_store(struct world *w);
void world_lease(struct world *w, __u32 count);

/* The ioctl, and where its structure and its array are put. */
void world_ioctl(struct world *w, int fd, unsigned long cmd, __u32 size);
void world_enqueue(struct world *w, int source, __u32 count, __u32 flags);
void world_dequeue(struct world *w, int fd, __u32 count, __u32 flags);
void world_place(struct world *w, enum cut cut, size_t there);
void world_unplace(struct world *w);
union args *world_args(struct world *w);

/* Accounts for what a call has done. */
void world_offer(struct world *w, int source, __u32 count);
void world_accepted(struct world *w);
void world_took(struct world *w, const __u64 *items, __u32 count);
__u64 world_item(__u32 index);

#endif /* FAULTWALK_WORLD_H */
