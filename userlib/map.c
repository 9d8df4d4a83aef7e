// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Mapped rings
 *
 * A ring is not inherited by fork(), so what says where it is must not be
 * either: it lies in a page of its own that the kernel clears in the child.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "lib.h"

/* A map, and what is needed to undo it. */
struct mapping {
	struct mpmc_map map;
	size_t kernel_size;
	size_t owner_size;
};

/* What tokens have that are not mapped. */
static struct mpmc_map unmapped;

static void mapping_undo(struct mapping *mapping)
{
	if (mapping->map.kernel)
		munmap((void *)mapping->map.kernel, mapping->kernel_size);
	if (mapping->map.own)
		munmap(mapping->map.own, mapping->owner_size);
	munmap(mapping, sizeof(*mapping));
}

/* Where everything is in the two parts. */
static void mapping_lay_out(struct mapping *mapping,
			    const struct mpmc_token_info *info)
{
	struct mpmc_map *map = &mapping->map;
	const struct mpmc_map_queue *waiters = map->kernel;
	const struct mpmc_map_token *token =
		(const void *)((const char *)map->kernel + info->token_offset);
	int produces = info->kind == MPMC_TOKEN_PRODUCER;

	map->mask = info->ring_entries - 1;
	map->limit = (const uint64_t *)&token->position;
	map->again = (const uint64_t *)&token->again;
	map->waiters = produces ? &waiters->readers : &waiters->writers;
	map->items = (uint64_t *)((char *)(produces ? (void *)map->own :
						      (void *)map->kernel) +
				  info->items_offset);
}

static int mapping_make(struct mapping *mapping, int fd,
			const struct mpmc_token_info *info)
{
	struct mpmc_map *map = &mapping->map;

	if (madvise(mapping, sizeof(*mapping), MADV_WIPEONFORK))
		return -1;
	mapping->kernel_size = info->kernel_size;
	mapping->owner_size = info->owner_size;
	map->kernel = lib_mmap(info->kernel_size, PROT_READ, MAP_SHARED, fd,
			       MPMC_MAP_KERNEL);
	map->own = lib_mmap(info->owner_size, PROT_READ | PROT_WRITE,
			    MAP_SHARED, fd, MPMC_MAP_OWNER);
	if (!map->kernel || !map->own)
		return -1;
	mapping_lay_out(mapping, info);
	return 0;
}

/* Map a token's ring if that is possible and wanted; never NULL. */
struct mpmc_map *lib_map(int fd, const struct mpmc_token_opts *opts)
{
	struct mpmc_token_info info = { .size = sizeof(info) };
	struct mapping *mapping;
	int saved = errno;

	if ((opts && opts->flags & MPMC_OPT_UNMAPPED) ||
	    lib_ioctl(fd, MPMC_IOC_TOKEN_INFO, &info) || !info.kernel_size)
		return &unmapped;
	mapping = lib_mmap(sizeof(*mapping), PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (!mapping)
		return &unmapped;
	if (!mapping_make(mapping, fd, &info))
		return &mapping->map;
	mapping_undo(mapping);
	errno = saved;
	return &unmapped;
}

void lib_unmap(struct mpmc_map *map)
{
	int saved = errno;

	if (map != &unmapped)
		mapping_undo((struct mapping *)map);
	errno = saved;
}
