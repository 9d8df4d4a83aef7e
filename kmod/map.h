/* SPDX-License-Identifier: GPL-2.0 */
#ifndef MPMC_MAP_H
#define MPMC_MAP_H

#include <linux/mm_types.h>
#include <linux/types.h>

#include "pages.h"

int mpmc_map_kernel(struct vm_area_struct *vma, struct page *queue,
		    const struct mpmc_pages *pages, bool data);
int mpmc_map_owner(struct vm_area_struct *vma, const struct mpmc_pages *pages,
		   bool data, const struct vm_operations_struct *ops);

int mpmc_map_may_split(struct vm_area_struct *vma, unsigned long addr);

/* Bytes of the parts of a token, with its entries or without. */
static inline u32 mpmc_map_kernel_size(const struct mpmc_pages *pages,
				       bool data)
{
	return (data ? pages->count : 2) * PAGE_SIZE;
}

static inline u32 mpmc_map_owner_size(const struct mpmc_pages *pages, bool data)
{
	return (data ? pages->count - 1 : 1) * PAGE_SIZE;
}

#endif /* MPMC_MAP_H */
