/* SPDX-License-Identifier: GPL-2.0 */
#ifndef MPMC_MAP_H
#define MPMC_MAP_H

#include <linux/minmax.h>
#include <linux/mm_types.h>
#include <linux/types.h>
#include <uapi/linux/mpmc.h>

#include "pages.h"

int mpmc_map_kernel(struct vm_area_struct *vma, struct page *queue,
		    const struct mpmc_pages *pages, bool data);
int mpmc_map_owner(struct vm_area_struct *vma, const struct mpmc_pages *pages,
		   bool data, const struct vm_operations_struct *ops);

int mpmc_map_may_split(struct vm_area_struct *vma, unsigned long addr);

/* Where the parts of a mapping are: at multiples of this, or of a page. */
#define MPMC_MAP_PART max_t(u32, MPMC_MAP_STRIDE, PAGE_SIZE)

static inline u32 mpmc_map_data_size(const struct mpmc_pages *pages)
{
	return (pages->count - MPMC_PAGE_DATA) * PAGE_SIZE;
}

/* Bytes of the two mappings of a token, with its entries or without. */
static inline u32 mpmc_map_kernel_size(const struct mpmc_pages *pages,
				       bool data)
{
	return data ? 2 * MPMC_MAP_PART + mpmc_map_data_size(pages) :
		      MPMC_MAP_PART + PAGE_SIZE;
}

static inline u32 mpmc_map_owner_size(const struct mpmc_pages *pages, bool data)
{
	return data ? MPMC_MAP_PART + mpmc_map_data_size(pages) : PAGE_SIZE;
}

#endif /* MPMC_MAP_H */
