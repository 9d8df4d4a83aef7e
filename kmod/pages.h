/* SPDX-License-Identifier: GPL-2.0 */
#ifndef MPMC_PAGES_H
#define MPMC_PAGES_H

#include <linux/mm_types.h>
#include <linux/types.h>

/* What is on which page of a token. */
#define MPMC_PAGE_KERNEL 0 /* struct mpmc_map_token: the kernel writes it */
#define MPMC_PAGE_OWNER 1 /* the owner's position */
#define MPMC_PAGE_DATA 2 /* this and all that follow: the entries */

/**
 * struct mpmc_pages - the memory of a token's ring
 * @page: the pages, as they may be mapped
 * @count: how many
 * @base: where the kernel has them mapped, one after the other
 */
struct mpmc_pages {
	struct page **page;
	unsigned int count;
	void *base;
};

int mpmc_pages_init(struct mpmc_pages *pages, size_t data);
void mpmc_pages_free(struct mpmc_pages *pages);

static inline void *mpmc_pages_at(const struct mpmc_pages *pages,
				  unsigned int index)
{
	return pages->base + index * PAGE_SIZE;
}

#endif /* MPMC_PAGES_H */
