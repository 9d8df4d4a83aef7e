// SPDX-License-Identifier: GPL-2.0
/*
 * Pages: the memory of tokens
 *
 * Made of single pages that are mapped one after the other, for vmalloc_user()
 * would not charge them to the caller's memory cgroup.
 */
#include "pages.h"

#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

static int pages_alloc(struct mpmc_pages *pages)
{
	unsigned int i;

	for (i = 0; i < pages->count; i++) {
		pages->page[i] = alloc_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO);
		if (!pages->page[i])
			return -ENOMEM;
	}
	return 0;
}

/**
 * mpmc_pages_init() - allocate the memory of a token, zeroed
 * @pages: the pages, zeroed
 * @data: bytes of its entries
 *
 * Context: process; may sleep.
 * Return: 0 or -ENOMEM; mpmc_pages_free() is right in either case.
 */
int mpmc_pages_init(struct mpmc_pages *pages, size_t data)
{
	pages->count = MPMC_PAGE_DATA + DIV_ROUND_UP(data, PAGE_SIZE);
	pages->page = kvcalloc(pages->count, sizeof(*pages->page),
			       GFP_KERNEL_ACCOUNT);
	if (!pages->page || pages_alloc(pages))
		return -ENOMEM;
	pages->base = vmap(pages->page, pages->count, VM_MAP, PAGE_KERNEL);
	return pages->base ? 0 : -ENOMEM;
}

/**
 * mpmc_pages_free() - free the memory of a token
 * @pages: the pages
 *
 * Context: process; may sleep.
 */
void mpmc_pages_free(struct mpmc_pages *pages)
{
	unsigned int i;

	vunmap(pages->base);
	for (i = 0; pages->page && i < pages->count; i++)
		if (pages->page[i])
			__free_page(pages->page[i]);
	kvfree(pages->page);
}
