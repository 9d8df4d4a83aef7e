// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * The memory of tokens, and mapped rings in it
 *
 * Programs have built in where a ring is, relative to its handle: see mpmc.h. The
 * memory of a token is, in pieces of MPMC_APART bytes,
 *
 *	0	the first half of the handle, at the end
 *	1	the second half, at the beginning: where the ring is
 *	2, 3	zeros: what is found in place of a ring
 *	4 ...	the ring: what the kernel maps there, in two parts
 *
 * A ring is not inherited by fork(), so what says where it is must not be
 * either: the kernel clears piece 1 in the child, which finds zeros.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "lib.h"

/* A handle, and how much memory there is. */
struct handle {
	uint64_t size;
	struct mpmc_token token;
};

#define RING (4 * (size_t)MPMC_APART)
#define HANDLE (MPMC_APART - offsetof(struct handle, token.ring))
#define TOKEN (HANDLE + offsetof(struct handle, token))

_Static_assert(MPMC_APART == MPMC_MAP_STRIDE, "as far as the kernel has them");

/* Where the two parts of a ring are in it, and how large it is. */
struct layout {
	size_t kernel;
	size_t owner;
	size_t size;
};

static struct layout layout_of(const struct mpmc_token_info *info)
{
	if (info->kind == MPMC_TOKEN_PRODUCER)
		return (struct layout){
			.owner = 2 * (size_t)MPMC_APART,
			.size = 2 * (size_t)MPMC_APART + info->owner_size,
		};
	return (struct layout){
		.kernel = MPMC_APART,
		.size = MPMC_APART + (size_t)info->kernel_size,
	};
}

/* Whether a ring is as programs expect it. */
static int is_as_expected(const struct mpmc_token_info *info)
{
	uint32_t items = info->kind == MPMC_TOKEN_PRODUCER ? 1 : 2;

	return info->kernel_size && info->token_offset == MPMC_APART &&
	       info->items_offset == items * MPMC_APART &&
	       info->ring_entries <= MPMC_ENTRIES_MAX;
}

/* Map both parts of a ring, or none. */
static int map_ring(char *ring, int fd, const struct mpmc_token_info *info)
{
	struct layout layout = layout_of(info);

	if (lib_mmap(ring + layout.kernel, info->kernel_size, PROT_READ,
		     MAP_SHARED | MAP_FIXED, fd, MPMC_MAP_KERNEL) &&
	    lib_mmap(ring + layout.owner, info->owner_size,
		     PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd,
		     MPMC_MAP_OWNER))
		return 0;
	return -1;
}

/* How much memory a token needs: with its ring, or else without. */
static size_t memory_size(int fd, const struct mpmc_token_opts *opts,
			  struct mpmc_token_info *info)
{
	info->kernel_size = 0;
	if ((opts && opts->flags & MPMC_OPT_UNMAPPED) ||
	    lib_ioctl(fd, MPMC_IOC_TOKEN_INFO, info) || !is_as_expected(info))
		return RING;
	return RING + layout_of(info).size;
}

static void *memory_get(size_t size)
{
	return lib_mmap(NULL, size, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
}

/*
 * A handle for a token, whose ring is mapped if that is possible and wanted;
 * NULL: no memory.
 */
struct mpmc_token *lib_token_open(int fd, const struct mpmc_token_opts *opts)
{
	struct mpmc_token_info info = { .size = sizeof(info) };
	size_t size = memory_size(fd, opts, &info);
	struct handle *handle;
	char *memory = memory_get(size);
	int saved = errno;

	if (memory && size > RING &&
	    (madvise(memory + MPMC_APART, MPMC_APART, MADV_WIPEONFORK) ||
	     map_ring(memory + RING, fd, &info))) {
		munmap(memory, size);
		size = RING;
		memory = memory_get(size);
	}
	errno = saved;
	if (!memory)
		return NULL;
	handle = (struct handle *)(memory + HANDLE);
	handle->size = size;
	handle->token.fd = fd;
	if (size > RING)
		handle->token.ring = (info.ring_entries - 1ULL) << 32 |
				     (RING - TOKEN);
	return &handle->token;
}

void lib_token_close(struct mpmc_token *token)
{
	char *memory = (char *)token - TOKEN;
	int saved = errno, fd = (int)token->fd;

	munmap(memory, ((struct handle *)(memory + HANDLE))->size);
	lib_close(fd);
	errno = saved;
}
