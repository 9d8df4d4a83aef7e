// SPDX-License-Identifier: GPL-2.0
/*
 * The ioctls, with arguments that have a meaning, nearly have one, or have none
 */
#include "calls.h"

/* From here on arguments are broken. */
#define SHAPE_BROKEN 176

static char *arena_end(struct lane *lane)
{
	return lane->arena + ARENA_WRITE + ARENA_READ;
}

/* Where nothing good is. */
static u64 bad_address(struct lane *lane)
{
	switch (pick(lane, 6)) {
	case 0:
		return 0;
	case 1:
		return (uintptr_t)arena_end(lane);
	case 2:
		return 0xffff888000000000ULL + pick(lane, 1 << 20);
	case 3:
		return 0x7ffffffff000ULL - pick(lane, 16);
	case 4:
		return random_next(&lane->random);
	default:
		return -(u64)pick(lane, 64);
	}
}

u64 call_place(struct lane *lane, size_t size)
{
	struct op op = { .target = pick(lane, MAPS) };
	struct map *map;

	switch (pick(lane, 24)) {
	case 0:
		return (uintptr_t)lane->arena + 1 + pick(lane, 64);
	case 1: /* may be read, but not written */
		return (uintptr_t)lane->arena + ARENA_WRITE;
	case 2: /* the end of what may be written is in the middle */
		return (uintptr_t)lane->arena + ARENA_WRITE - size / 2;
	case 3: /* the end of what may be read */
		return (uintptr_t)arena_end(lane) - size / 2;
	case 4:
		return bad_address(lane);
	case 5:
	case 6:
		/* What is done later may find something else there. */
		map = lane->sqe ? NULL : map_find(lane, &op);
		if (map && map->owner)
			return (uintptr_t)map->owner + 8 * pick(lane, 520);
		if (map && map->kernel)
			return (uintptr_t)map->kernel + 8 * pick(lane, 1040);
		/* fallthrough */
	default:
		return (uintptr_t)lane->arena + 64 * pick(lane, 4);
	}
}

static void break_size(struct lane *lane, struct call *call)
{
	static const u32 sizes[] = {
		0, 1, 4, 7, 8, 16, 24, 32, 40, 56, 64, 88, 128, 4095, 4096,
		4097, 65536, 0x80000000, 0xffffffff,
	};

	call->args.word[0] = chance(lane, 2) ? pick_of(lane, sizes) :
			     call->size + pick(lane, 17) - 8;
}

/* A larger structure, of a later version: what is new is zero, or not. */
static void break_larger(struct lane *lane, struct call *call)
{
	u32 size = call->size + 8 * (1 + pick(lane, 20));

	if (chance(lane, 8))
		size = 4096;
	if (chance(lane, 2))
		call->args.byte[call->size + pick(lane, size - call->size)] = 1;
	call->size = size;
	call->args.word[0] = size;
}

static void call_break(struct lane *lane, struct call *call)
{
	switch (pick(lane, 7)) {
	case 0:
		break_size(lane, call);
		break;
	case 1:
		break_larger(lane, call);
		break;
	case 2:
		call->args.word[1] ^= 1U << pick(lane, 32);
		break;
	case 3:
		call->args.byte[pick(lane, call->size)] = pick(lane, 256);
		break;
	case 4:
		call->where = bad_address(lane);
		break;
	case 5:
		call->cmd ^= 1UL << pick(lane, 32);
		break;
	default: /* the last byte is not there, or may not be written */
		call->where = (uintptr_t)lane->arena + ARENA_WRITE +
			      (chance(lane, 2) ? ARENA_READ : 0) -
			      pick(lane, call->size);
	}
}

/* The way of 32-bit programs. */
static long compat_ioctl(int fd, unsigned long cmd, u64 arg)
{
	long ret;

	asm volatile("int $0x80"
		     : "=a"(ret)
		     : "a"(54L), "b"((long)fd), "c"(cmd), "d"(arg)
		     : "memory", "r8", "r9", "r10", "r11");
	return ret;
}

void call_write(struct lane *lane, u64 where, const void *from, size_t size)
{
	char *to = (char *)(uintptr_t)where, *end = lane->arena + ARENA_WRITE;

	if (to < lane->arena || to >= end)
		return;
	if (size > (size_t)(end - to))
		size = end - to;
	memcpy(to, from, size);
}

/* Where its structure is, which is in the arena, or else not ours to write. */
static void call_put(struct lane *lane, struct call *call)
{
	if (call->where == ANYWHERE)
		call->where = (uintptr_t)lane->arena + ARENA_WRITE - 16384 +
			      8 * pick(lane, 512);
	call_write(lane, call->where, &call->args, call->size);
}

/* What a command makes, whatever it was meant to be. */
enum kind kind_made(unsigned long cmd)
{
	switch ((u32)cmd) {
	case MPMC_IOC_QUEUE_CREATE:
	case MPMC_IOC_QUEUE_OPEN:
		return KIND_QUEUE;
	case MPMC_IOC_PRODUCER_CREATE:
		return KIND_PRODUCER;
	case MPMC_IOC_CONSUMER_CREATE:
		return KIND_CONSUMER;
	default:
		return KIND_FREE;
	}
}

/* Or has a ring do it. */
void call_do(struct lane *lane, const struct op *op, struct call *call)
{
	int ret;

	call->args.word[0] = call->size;
	if (op->shape >= SHAPE_BROKEN)
		call_break(lane, call);
	call_put(lane, call);
	if (lane->sqe) {
		wild_call(lane, call->fd, call->cmd, call->where);
		return;
	}
	op_count(lane);
	if (call->where < 1ULL << 32 && chance(lane, 16) && compat_works())
		ret = compat_ioctl(call->fd, call->cmd, call->where);
	else
		ret = ioctl(call->fd, call->cmd, call->where);
	if (kind_made(call->cmd) != KIND_FREE)
		slot_add(lane->world, ret, kind_made(call->cmd));
}

void call_init(struct call *call, int fd, unsigned long cmd, size_t size)
{
	call->fd = fd;
	call->cmd = cmd;
	call->size = size;
	call->where = ANYWHERE;
	memset(&call->args, 0, size + 256);
}

u32 call_count(struct lane *lane)
{
	static const u32 counts[] = {
		1, 2, 3, 7, 8, 9, 16, 31, 64, 100, 255, 256, 257, 454, 455,
		1000, 1024, 1025, 4096,
	};
	static const u32 large[] = {
		0, 8192, 16384, 16385, 32768, 65536, 1 << 20, 0x7fffffff,
		0x80000000, 0xffffffff,
	};

	switch (pick(lane, 12)) {
	case 0:
		return chance(lane, 4) ? pick_of(lane, large) : 2;
	case 1:
	case 2:
	case 3:
	case 4:
		return pick_of(lane, counts);
	default:
		return 1 + pick(lane, 4);
	}
}

/* Past, short, or none: the worker's timer ends what has none. */
static u64 deadline(struct lane *lane)
{
	static const u64 odd[] = {
		0, 1, 0x7fffffffffffffffULL, 0x8000000000000000ULL,
		MPMC_FOREVER - 1,
	};

	switch (pick(lane, 64)) {
	case 0:
		return MPMC_FOREVER;
	case 1:
		return pick_of(lane, odd);
	case 2 ... 20:
		return now_ns() + pick(lane, 300000);
	default:
		return 1 + pick(lane, 1 << 20);
	}
}

/* --- The device and queues --- */

int device_fd(struct lane *lane, const struct op *op)
{
	int fd = slot_find(lane, op, 1 << KIND_DEVICE);

	if (fd >= 0 || op->target >= 248)
		return fd;
	op_count(lane);
	return slot_add(lane->world, device_open(), KIND_DEVICE);
}

void op_device_open(struct lane *lane, const struct op *op)
{
	static const int modes[] = { O_RDWR, O_RDONLY, O_WRONLY, O_RDWR | O_NONBLOCK };
	int fd = open(DEVICE, pick_of(lane, modes) | O_CLOEXEC);

	(void)op;
	op_count(lane);
	slot_add(lane->world, fd, KIND_DEVICE);
}

void op_device_info(struct lane *lane, const struct op *op)
{
	struct call call;

	call_init(&call, device_fd(lane, op), MPMC_IOC_DEVICE_INFO,
		  sizeof(call.args.device_info));
	call_do(lane, op, &call);
}

static u64 some_capacity(struct lane *lane)
{
	static const u64 capacities[] = {
		1, 2, 3, 5, 7, 8, 9, 16, 31, 32, 33, 64, 100, 255, 256, 500,
		1000, 4096,
	};
	static const u64 odd[] = {
		0, 65536, 1 << 20, 1 << 24, (1 << 24) + 1, 1ULL << 31,
		1ULL << 32, ~0ULL,
	};

	return chance(lane, 24) ? pick_of(lane, odd) : pick_of(lane, capacities);
}

static void limit_deliveries(struct lane *lane, const struct op *op,
			     struct mpmc_queue_create *create)
{
	create->max_deliveries = 1 + pick(lane, 3);
	if (chance(lane, 3))
		return;
	create->flags = MPMC_QUEUE_DEAD_LETTER;
	create->dead_letter = slot_find(lane, op, 1 << KIND_QUEUE);
	if (create->dead_letter < 0)
		create->flags = 0, create->dead_letter = 0;
}

void queue_choose(struct lane *lane, const struct op *op,
		  struct mpmc_queue_create *create)
{
	static const u32 segments[] = { 0, 0, 1, 1, 2, 3, 4, 5, 8, 64 };
	static const u32 odd[] = { 1023, 1024, 1025, 0xffffffff };

	create->capacity = some_capacity(lane);
	create->segments = chance(lane, 48) ? pick_of(lane, odd) :
					      pick_of(lane, segments);
	if (chance(lane, 3))
		limit_deliveries(lane, op, create);
}

void op_queue_create(struct lane *lane, const struct op *op)
{
	struct call call;

	call_init(&call, device_fd(lane, op), MPMC_IOC_QUEUE_CREATE,
		  sizeof(call.args.queue_create));
	queue_choose(lane, op, &call.args.queue_create);
	call_do(lane, op, &call);
}

static void token_make(struct lane *lane, const struct op *op,
		       unsigned long cmd)
{
	static const u32 entries[] = { 0, 1, 2, 3, 4, 5, 8, 16, 64, 300 };
	static const u32 odd[] = {
		4096, 65536, 65537, 0x80000000, 0x80000001, 0xffffffff,
	};
	struct call call;

	call_init(&call, slot_find(lane, op, 1 << KIND_QUEUE), cmd,
		  sizeof(call.args.token_create));
	call.args.token_create.ring_entries = chance(lane, 32) ?
		pick_of(lane, odd) : pick_of(lane, entries);
	call.args.token_create.flags = chance(lane, 8) ? MPMC_TOKEN_ARMED : 0;
	call_do(lane, op, &call);
}

void op_producer_create(struct lane *lane, const struct op *op)
{
	token_make(lane, op, MPMC_IOC_PRODUCER_CREATE);
}

void op_consumer_create(struct lane *lane, const struct op *op)
{
	token_make(lane, op, MPMC_IOC_CONSUMER_CREATE);
}

void op_queue_info(struct lane *lane, const struct op *op)
{
	struct call call;

	call_init(&call, slot_find(lane, op, 1 << KIND_QUEUE),
		  MPMC_IOC_QUEUE_INFO, sizeof(call.args.queue_info));
	call_do(lane, op, &call);
}

void op_queue_stats(struct lane *lane, const struct op *op)
{
	struct call call;

	call_init(&call, slot_find(lane, op, 1 << KIND_QUEUE),
		  MPMC_IOC_QUEUE_STATS, sizeof(call.args.queue_stats));
	call_do(lane, op, &call);
}

void op_token_info(struct lane *lane, const struct op *op)
{
	struct call call;

	call_init(&call, slot_find(lane, op, KINDS_TOKEN), MPMC_IOC_TOKEN_INFO,
		  sizeof(call.args.token_info));
	call_do(lane, op, &call);
}

void op_shutdown(struct lane *lane, const struct op *op)
{
	struct call call;

	call_init(&call, slot_find(lane, op, 1 << KIND_QUEUE),
		  MPMC_IOC_QUEUE_SHUTDOWN, sizeof(call.args.queue_shutdown));
	call_do(lane, op, &call);
}

/* --- Items --- */

static void transfer(struct lane *lane, const struct op *op, unsigned long cmd,
		     unsigned int kinds)
{
	struct mpmc_transfer *transfer;
	struct call call;

	call_init(&call, slot_find(lane, op, kinds), cmd,
		  sizeof(call.args.transfer));
	transfer = &call.args.transfer;
	transfer->count = call_count(lane);
	transfer->items = call_place(lane, 8 * (size_t)transfer->count);
	if (transfer->count == 1 && chance(lane, 2)) {
		transfer->flags |= MPMC_TRANSFER_INLINE;
		transfer->items = random_next(&lane->random) >> 8;
	}
	if (chance(lane, 3)) {
		transfer->flags |= MPMC_TRANSFER_WAIT;
		transfer->deadline = deadline(lane);
	}
	/* The items are where the structure is. */
	if (chance(lane, 32))
		call.where = (uintptr_t)lane->arena + 8 * pick(lane, 8);
	call_do(lane, op, &call);
}

void op_enqueue(struct lane *lane, const struct op *op)
{
	transfer(lane, op, MPMC_IOC_ITEM_ENQUEUE,
		 1 << KIND_QUEUE | 1 << KIND_PRODUCER);
}

void op_dequeue(struct lane *lane, const struct op *op)
{
	transfer(lane, op, MPMC_IOC_ITEM_DEQUEUE,
		 1 << KIND_QUEUE | 1 << KIND_CONSUMER);
}

void op_kick(struct lane *lane, const struct op *op)
{
	struct call call;

	call_init(&call, slot_find(lane, op, KINDS_TOKEN), MPMC_IOC_TOKEN_KICK,
		  sizeof(call.args.token_kick));
	call.args.token_kick.count = call_count(lane);
	call_do(lane, op, &call);
}

void op_fill(struct lane *lane, const struct op *op)
{
	struct mpmc_lease *lease;
	struct call call;

	call_init(&call, slot_find(lane, op, 1 << KIND_CONSUMER),
		  MPMC_IOC_LEASE_FILL, sizeof(call.args.lease));
	lease = &call.args.lease;
	lease->count = call_count(lane);
	lease->items = chance(lane, 2) ? 0 :
		       call_place(lane, 16 * (size_t)lease->count);
	if (chance(lane, 2))
		lease->flags |= MPMC_LEASE_SHARE;
	if (chance(lane, 3)) {
		lease->flags |= MPMC_LEASE_WAIT;
		lease->deadline = deadline(lane);
	}
	call_do(lane, op, &call);
}

static void lease_finish(struct lane *lane, const struct op *op,
			 unsigned long cmd)
{
	struct call call;

	call_init(&call, slot_find(lane, op, 1 << KIND_CONSUMER), cmd,
		  sizeof(call.args.lease_end));
	call.args.lease_end.count = call_count(lane);
	call_do(lane, op, &call);
}

void op_commit(struct lane *lane, const struct op *op)
{
	lease_finish(lane, op, MPMC_IOC_LEASE_COMMIT);
}

void op_release(struct lane *lane, const struct op *op)
{
	lease_finish(lane, op, MPMC_IOC_LEASE_RELEASE);
}

/* Any command on anything, its structure of any bytes. */
void op_raw(struct lane *lane, const struct op *op)
{
	static const unsigned long cmds[] = {
		MPMC_IOC_DEVICE_INFO, MPMC_IOC_QUEUE_INFO,
		MPMC_IOC_QUEUE_SHUTDOWN, MPMC_IOC_ITEM_ENQUEUE,
		MPMC_IOC_ITEM_DEQUEUE, MPMC_IOC_TOKEN_INFO,
		MPMC_IOC_TOKEN_KICK, MPMC_IOC_LEASE_FILL,
		MPMC_IOC_LEASE_COMMIT, MPMC_IOC_LEASE_RELEASE,
		MPMC_IOC_QUEUE_OPEN, MPMC_IOC_QUEUE_UNLINK,
		MPMC_IOC_QUEUE_LIST, MPMC_IOC_QUEUE_STATS,
	};
	struct call call;
	unsigned int i;

	call_init(&call, slot_find(lane, op, KINDS_MPMC), pick_of(lane, cmds),
		  8 * (1 + pick(lane, 12)));
	for (i = 8; i < call.size; i++)
		if (chance(lane, 4))
			call.args.byte[i] = random_next(&lane->random) >> 8;
	call_do(lane, op, &call);
}
