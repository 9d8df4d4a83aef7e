// SPDX-License-Identifier: GPL-2.0
/*
 * Maps: tokens' pages in their owners' address spaces
 *
 * All pages are there from the beginning, so that nothing faults. They are
 * neither inherited nor executable, and never a part of them alone. The parts lie
 * as far from each other whatever the size of a page is, for programs have it
 * built in; between them there is nothing.
 */
#include "map.h"

#include <linux/mm.h>
#include <uapi/linux/mpmc.h>

#include "compat/vm_flags.h"

/**
 * mpmc_map_may_split() - a mapping is whole or it is not
 * @vma: the mapping
 * @addr: where to split it
 *
 * Context: process; the lock of the address space is held.
 * Return: -EINVAL.
 */
int mpmc_map_may_split(struct vm_area_struct *vma, unsigned long addr)
{
	return -EINVAL;
}

static const struct vm_operations_struct kernel_ops = {
	.may_split = mpmc_map_may_split,
};

/* VM_IO: nobody keeps the pages, nor has the mapping inherited after all. */
#define MAP_FLAGS (VM_IO | VM_DONTCOPY | VM_DONTEXPAND | VM_DONTDUMP)

static int map_check(const struct vm_area_struct *vma, unsigned long size)
{
	if (!(vma->vm_flags & VM_SHARED) ||
	    vma->vm_end - vma->vm_start != size)
		return -EINVAL;
	return vma->vm_flags & VM_EXEC ? -EACCES : 0;
}

/* Insert one part of a mapping. */
static int map_insert(struct vm_area_struct *vma, unsigned int part,
		      struct page **page, unsigned int count)
{
	unsigned long addr = vma->vm_start + part * MPMC_MAP_PART;
	int ret = 0;

	for (; count && !ret; count--, page++, addr += PAGE_SIZE)
		ret = vm_insert_page(vma, addr, *page);
	return ret;
}

static int map_insert_data(struct vm_area_struct *vma, unsigned int part,
			   const struct mpmc_pages *pages)
{
	return map_insert(vma, part, pages->page + MPMC_PAGE_DATA,
			  pages->count - MPMC_PAGE_DATA);
}

/**
 * mpmc_map_kernel() - map what the kernel writes, to be read
 * @vma: where
 * @queue: the queue's page
 * @pages: the token's
 * @data: its entries as well
 *
 * Context: process; the lock of the address space is held. May sleep for memory.
 * Return: 0, -EINVAL, -EACCES if it is to be written or executed, -ENOMEM.
 */
int mpmc_map_kernel(struct vm_area_struct *vma, struct page *queue,
		    const struct mpmc_pages *pages, bool data)
{
	int ret = map_check(vma, mpmc_map_kernel_size(pages, data));

	if (ret)
		return ret;
	if (vma->vm_flags & VM_WRITE)
		return -EACCES;
	mpmc_vm_flags_set(vma, MAP_FLAGS);
	mpmc_vm_flags_clear(vma, VM_MAYWRITE | VM_MAYEXEC);
	ret = map_insert(vma, 0, &queue, 1);
	if (!ret)
		ret = map_insert(vma, 1, pages->page + MPMC_PAGE_KERNEL, 1);
	if (!ret && data)
		ret = map_insert_data(vma, 2, pages);
	vma->vm_ops = &kernel_ops;
	return ret;
}

/**
 * mpmc_map_owner() - map what the owner writes
 * @vma: where
 * @pages: the token's
 * @data: its entries as well
 * @ops: what is told of the mapping's end, if there is no error
 *
 * Context: process; the lock of the address space is held. May sleep for memory.
 * Return: 0, -EINVAL, -EACCES if it is to be executed, -ENOMEM.
 */
int mpmc_map_owner(struct vm_area_struct *vma, const struct mpmc_pages *pages,
		   bool data, const struct vm_operations_struct *ops)
{
	int ret = map_check(vma, mpmc_map_owner_size(pages, data));

	if (ret)
		return ret;
	mpmc_vm_flags_set(vma, MAP_FLAGS);
	mpmc_vm_flags_clear(vma, VM_MAYEXEC);
	ret = map_insert(vma, 0, pages->page + MPMC_PAGE_OWNER, 1);
	if (!ret && data)
		ret = map_insert_data(vma, 1, pages);
	if (!ret)
		vma->vm_ops = ops;
	return ret;
}
