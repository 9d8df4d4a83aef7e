// SPDX-License-Identifier: GPL-2.0
/*
 * What a program has: fds, mappings, and processes
 */
#include "fuzz.h"

/* More than a program ever has at a time. */
#define FDS_MAX 128

/* Programs have the fds from here on. */
static int fds_first;

void world_prepare(void)
{
	fds_first = open("/dev/null", O_RDONLY | O_CLOEXEC);
	must(fds_first >= 0);
	close(fds_first);
}

void world_init(struct world *world)
{
	unsigned int i;

	memset(world, 0, sizeof(*world));
	for (i = 0; i < SLOTS; i++)
		world->slot[i].fd = -1;
	urings_begin(world);
}

/* Keeps an fd, or closes it if there are too many. */
int slot_add(struct world *world, int fd, enum kind kind)
{
	unsigned int i;
	int free;

	if (fd < 0)
		return fd;
	for (i = 0; i < SLOTS; i++) {
		free = -1;
		if (!atomic_compare_exchange_strong(&world->slot[i].fd, &free,
						    fd))
			continue;
		atomic_store(&world->slot[i].kind, kind);
		return fd;
	}
	close(fd);
	return -1;
}

/* Takes an fd out, to close it: nobody else will. */
int slot_take(struct world *world, unsigned int index)
{
	return atomic_exchange(&world->slot[index % SLOTS].fd, -1);
}

static bool slot_fits(const struct slot *slot, unsigned int kinds)
{
	return atomic_load(&slot->fd) >= 0 &&
	       1U << atomic_load(&slot->kind) & kinds;
}

/*
 * One of the fds of these kinds; now and then one of any kind, or none. It may be
 * closed by the other thread at any moment, and the number be another file's.
 */
int slot_find(struct lane *lane, const struct op *op, unsigned int kinds)
{
	struct world *world = lane->world;
	unsigned int i, n = 0, index;

	if (op->target >= 248)
		return op->target & 1 ? -1 : 1000 + op->target;
	if (op->target >= 232)
		kinds = ~0U;
	for (i = 0; i < SLOTS; i++)
		n += slot_fits(&world->slot[i], kinds);
	if (!n)
		return -1;
	index = op->target % n;
	for (i = 0; i < SLOTS; i++)
		if (slot_fits(&world->slot[i], kinds) && !index--)
			return atomic_load(&world->slot[i].fd);
	return -1;
}

/* A mapping that is there, or was a moment ago. */
struct map *map_find(struct lane *lane, const struct op *op)
{
	struct world *world = lane->world;
	unsigned int i;

	for (i = 0; i < MAPS; i++) {
		struct map *map = &world->map[(op->target + i) % MAPS];

		if (atomic_load(&map->state) == 2)
			return map;
	}
	return NULL;
}

static void maps_end(struct world *world)
{
	unsigned int i;

	for (i = 0; i < MAPS; i++) {
		struct map *map = &world->map[i];

		if (map->state != 2)
			continue;
		if (map->kernel)
			must(munmap(map->kernel, map->info.kernel_size) == 0);
		if (map->owner)
			must(munmap(map->owner, map->info.owner_size) == 0);
		map->state = 0;
	}
}

static bool slot_has(const struct world *world, int fd)
{
	unsigned int i;

	for (i = 0; i < SLOTS; i++)
		if (world->slot[i].fd == fd)
			return true;
	return false;
}

/* What rings made that were closed before anybody asked them for it. */
static void strays_end(struct world *world)
{
	int fd;

	for (fd = fds_first; fd < fds_first + FDS_MAX; fd++)
		if (!slot_has(world, fd))
			close(fd);
}

/* Ends all but the queues, which are looked at afterwards. */
void world_end(struct world *world)
{
	struct mpmc_queue_info info;
	unsigned int i;
	int fd;

	for (i = 0; i < CHILDREN; i++)
		if (world->child[i])
			child_end(world->child[i]);
	maps_end(world);
	urings_end(world);
	if (world->late)
		strays_end(world);
	for (i = 0; i < SLOTS; i++) {
		fd = world->slot[i].fd;
		/* What it was kept as it may not be any more. */
		if (fd >= 0 && queue_info(fd, &info))
			close(slot_take(world, i));
	}
}
