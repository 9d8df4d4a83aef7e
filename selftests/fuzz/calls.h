/* SPDX-License-Identifier: GPL-2.0 */
/* Ioctls that are to be made, for those who choose what they say. */
#ifndef FUZZ_CALLS_H
#define FUZZ_CALLS_H

#include "fuzz.h"

union args {
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
	struct mpmc_lease lease;
	struct mpmc_lease_end lease_end;
	struct mpmc_transfer transfer;
	u32 word[2];
	u8 byte[4608];
};

/* Where a structure is that may be anywhere in the arena. */
#define ANYWHERE (1ULL << 62)

/**
 * struct call - an ioctl
 * @fd: on which fd
 * @cmd: which one
 * @size: how much of @args there is
 * @where: address of its structure, or ANYWHERE
 * @args: its structure
 */
struct call {
	int fd;
	unsigned long cmd;
	size_t size;
	u64 where;
	union args args;
};

/* One on an fd, with a structure of a size, of zeros so far. */
void call_init(struct call *call, int fd, unsigned long cmd, size_t size);

/* Does it, as the step says, and keeps the fd that comes of it. */
void call_do(struct lane *lane, const struct op *op, struct call *call);

/* A place for something of a size, which may be not quite right for it. */
u64 call_place(struct lane *lane, size_t size);

/* Writes to a place, as far as that is the lane's to write to. */
void call_write(struct lane *lane, u64 where, const void *from, size_t size);

/* How many items: mostly few, and what lies at the edges of buffers. */
u32 call_count(struct lane *lane);

/* An fd of /dev/mpmc, and what a queue is to be like. */
int device_fd(struct lane *lane, const struct op *op);
void queue_choose(struct lane *lane, const struct op *op,
		  struct mpmc_queue_create *create);

#endif /* FUZZ_CALLS_H */
