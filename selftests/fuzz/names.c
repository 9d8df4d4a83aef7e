// SPDX-License-Identifier: GPL-2.0
/*
 * Queues with names: few names, so that programs meet theirs again, and some that
 * cannot be. A worker has an IPC namespace of its own.
 */
#include "../mpmc_names.h"
#include "calls.h"

/* As the structures have it: an address, and a size. */
static u32 name_choose(struct lane *lane, u64 *where)
{
	static const char * const names[] = {
		"/a", "/a", "/b", "/b", "/c", "/d",
	};
	static const char * const odd[] = { "", "/", "a", "/a/b", "/.", "/.." };
	char text[MPMC_NAME_MAX + 2];
	u32 size;

	strcpy(text, chance(lane, 12) ? pick_of(lane, odd) : pick_of(lane, names));
	size = strlen(text);
	if (chance(lane, 24)) {
		memset(text + size, 'x', sizeof(text) - size);
		size = sizeof(text) - pick(lane, 3);
	}
	*where = call_place(lane, size);
	call_write(lane, *where, text, size);
	return chance(lane, 48) ? random_next(&lane->random) : size;
}

static void choose_create(struct lane *lane, const struct op *op,
			  struct mpmc_queue_open *open)
{
	struct mpmc_queue_create create = { .size = sizeof(create) };

	open->mode = chance(lane, 24) ? pick(lane, 65536) : pick(lane, 01000);
	if (chance(lane, 4))
		return;
	queue_choose(lane, op, &create);
	if (chance(lane, 24))
		create.size = pick(lane, 128);
	open->create = call_place(lane, sizeof(create)) + 512;
	call_write(lane, open->create, &create, sizeof(create));
}

void op_queue_open(struct lane *lane, const struct op *op)
{
	static const u32 access[] = {
		RW, RW, RW, MPMC_OPEN_READ, MPMC_OPEN_WRITE, 0,
	};
	struct mpmc_queue_open *open;
	struct call call;

	call_init(&call, device_fd(lane, op), MPMC_IOC_QUEUE_OPEN,
		  sizeof(call.args.queue_open));
	open = &call.args.queue_open;
	open->flags = pick_of(lane, access);
	if (!chance(lane, 4))
		open->flags |= MPMC_OPEN_CREATE;
	if (chance(lane, 4))
		open->flags |= MPMC_OPEN_EXCL;
	if (chance(lane, 4))
		open->flags |= MPMC_OPEN_NONBLOCK;
	open->name_size = name_choose(lane, &open->name);
	if (open->flags & MPMC_OPEN_CREATE)
		choose_create(lane, op, open);
	call_do(lane, op, &call);
}

void op_queue_unlink(struct lane *lane, const struct op *op)
{
	struct mpmc_queue_unlink *unlink;
	struct call call;

	call_init(&call, device_fd(lane, op), MPMC_IOC_QUEUE_UNLINK,
		  sizeof(call.args.queue_unlink));
	unlink = &call.args.queue_unlink;
	unlink->name_size = name_choose(lane, &unlink->name);
	call_do(lane, op, &call);
}

void op_queue_list(struct lane *lane, const struct op *op)
{
	static const u32 sizes[] = { 0, 8, 295, 304, 4096, 4097, 0xffffffff };
	struct mpmc_queue_list *list;
	struct call call;

	call_init(&call, device_fd(lane, op), MPMC_IOC_QUEUE_LIST,
		  sizeof(call.args.queue_list));
	list = &call.args.queue_list;
	list->entry_size = chance(lane, 8) ? pick_of(lane, sizes) :
					     sizeof(struct mpmc_queue_entry);
	list->count = call_count(lane);
	list->entries = call_place(lane, sizeof(struct mpmc_queue_entry));
	if (chance(lane, 2))
		list->after_size = name_choose(lane, &list->after);
	call_do(lane, op, &call);
}

/* Takes a name of the worker's away: its queue, or -1 when there is none left. */
int names_take(void)
{
	struct mpmc_queue_entry entry;
	int fd, n = name_list(NULL, &entry, 1);

	if (n == -EOPNOTSUPP || !n)
		return -1;
	must(n == 1);
	fd = name_open((char *)entry.name, RW, 0);
	must(fd >= 0);
	must(name_unlink((char *)entry.name) == 0);
	must(name_open((char *)entry.name, RW, 0) == -ENOENT);
	return fd;
}
