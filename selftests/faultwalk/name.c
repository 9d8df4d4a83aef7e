// SPDX-License-Identifier: GPL-2.0
/*
 * Scenes of queues with names. Each world has an IPC namespace of its own, so that the
 * first name of a scene has the namespace's own structure made as well.
 *
 * A call that succeeds is the last one of its world: then the names go, and with them
 * what they count as of the module and of the user.
 */
#include "../mpmc_names.h"
#include "walk.h"

#define NAME "/of-the-faultwalk-a-name"
#define NEXT "/of-the-faultwalk-the-next"
#define CAPACITY 100

/* To the module, before the call. */
static long references;

static int named(const char *name)
{
	struct mpmc_queue_create create = {
		.size = sizeof(create), .capacity = CAPACITY,
	};
	int fd = name_open_raw(name, strlen(name), NEW, 0600, &create);

	must(fd >= 0);
	return fd;
}

static void setup_named(struct world *w, const char *name)
{
	new_namespace();
	w->capacity = CAPACITY;
	w->queue = named(name);
	world_put(w, SOURCE_QUEUE, 7);
}

/* The name is the array. */
static void name_ioctl(struct world *w, unsigned long cmd, __u32 size)
{
	world_ioctl(w, w->device, cmd, size);
	w->buffer_size = strlen(NAME);
	memcpy(w->buffer, NAME, w->buffer_size);
	w->produces = true;
	references = module_references();
}

static void open_ioctl(struct world *w, __u32 flags, __u32 mode)
{
	struct mpmc_queue_open *open = &w->args.queue_open;

	name_ioctl(w, MPMC_IOC_QUEUE_OPEN, sizeof(*open));
	open->flags = flags;
	open->name_size = w->buffer_size;
	open->mode = mode;
}

/* --- Open --- */

static void setup_open(struct world *w)
{
	setup_named(w, NAME);
	open_ioctl(w, RW, 0);
}

static void check_open(struct world *w, long ret)
{
	check_made(w, ret);
	right(w, module_references() == references + (ret >= 0));
	right(w, name_listed(NAME));
	if (ret < 0)
		return;
	right(w, queue_items(ret) == 7);
	must(name_unlink(NAME) == 0);
}

static void setup_first(struct world *w)
{
	new_namespace();
	open_ioctl(w, NEW, 0600);
}

static void setup_second(struct world *w)
{
	setup_named(w, NEXT);
	open_ioctl(w, NEW, 0600);
}

/* Both an open file and a name keep the module. */
static void check_new(struct world *w, long ret)
{
	check_made(w, ret);
	right(w, module_references() == references + 2 * (ret >= 0));
	right(w, name_listed(NAME) == (ret >= 0));
	if (ret < 0)
		return;
	right(w, enq(ret, 1) == 0);
	must(name_unlink(NAME) == 0);
}

static void check_second(struct world *w, long ret)
{
	check_new(w, ret);
	right(w, name_listed(NEXT));
	if (ret >= 0)
		must(name_unlink(NEXT) == 0);
}

/* What the queue is like is the array, and not the name. */
static void setup_like(struct world *w)
{
	struct mpmc_queue_create create = {
		.size = sizeof(create), .capacity = CAPACITY,
	};

	setup_first(w);
	w->args.queue_open.name = (uintptr_t)NAME;
	w->array = &w->args.queue_open.create;
	w->buffer_size = sizeof(create);
	memcpy(w->buffer, &create, sizeof(create));
}

static void check_like(struct world *w, long ret)
{
	check_new(w, ret);
	if (ret >= 0)
		right(w, queue_state(ret).capacity == CAPACITY);
}

/* --- Unlink --- */

static void setup_unlink(struct world *w)
{
	setup_named(w, NAME);
	name_ioctl(w, MPMC_IOC_QUEUE_UNLINK, sizeof(w->args.queue_unlink));
	w->args.queue_unlink.name_size = w->buffer_size;
}

static void check_unlink(struct world *w, long ret)
{
	right(w, module_references() == references - !ret);
	right(w, name_listed(NAME) == !!ret);
}

/* --- List --- */

static void setup_list(struct world *w)
{
	struct mpmc_queue_list *list = &w->args.queue_list;

	setup_named(w, NAME);
	w->other = named(NEXT);
	world_ioctl(w, w->device, MPMC_IOC_QUEUE_LIST, sizeof(*list));
	/* A later version's, with some more behind each. */
	list->entry_size = sizeof(struct mpmc_queue_entry) + 16;
	list->count = 3;
	w->array = &list->entries;
	w->buffer_size = list->count * list->entry_size;
	memset(w->buffer, 0, w->buffer_size);
}

static void setup_after(struct world *w)
{
	setup_list(w);
	w->args.queue_list.after = (uintptr_t)NAME;
	w->args.queue_list.after_size = strlen(NAME);
}

static void check_list(struct world *w, long ret)
{
	const char *names[] = { NAME, NEXT };
	const struct mpmc_queue_list *list = &w->args.queue_list;
	const char *at = w->at_buffer.data;
	int after = !!list->after, i;

	if (ret < 0)
		return;
	right(w, ret > 0 && ret <= 2 - after);
	for (i = 0; i < ret; i++, at += list->entry_size) {
		const struct mpmc_queue_entry *entry = (const void *)at;

		right(w, !strcmp((char *)entry->name, names[i + after]));
		right(w, entry->capacity == CAPACITY && entry->mode == 0600);
	}
	must(name_unlink(NAME) == 0);
	must(name_unlink(NEXT) == 0);
}

const struct scene name_scenes[] = {
	{ "name: open", setup_open, NULL, check_open,
	  .sees = SEES_NOMEM | SEES_FAULT },
	{ "name: create, the first", setup_first, NULL, check_new,
	  .sees = SEES_NOMEM | SEES_FAULT },
	{ "name: create, another", setup_second, NULL, check_second,
	  .sees = SEES_NOMEM | SEES_FAULT },
	{ "name: create, what it is like", setup_like, NULL, check_like,
	  .sees = SEES_NOMEM | SEES_FAULT },
	{ "name: unlink", setup_unlink, NULL, check_unlink,
	  .sees = SEES_NOMEM | SEES_FAULT },
	{ "name: list", setup_list, NULL, check_list, .sees = SEES_FAULT },
	{ "name: list, behind one", setup_after, NULL, check_list,
	  .sees = SEES_NOMEM | SEES_FAULT },
	{}
};
