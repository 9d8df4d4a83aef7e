// SPDX-License-Identifier: GPL-2.0
/*
 * The bitmap of sources that may hold items
 */
#include "pending.h"

#include <linux/bitmap.h>
#include <linux/gfp.h>

/**
 * mpmc_pending_init() - set up a queue's bitmap
 * @pending: the bitmap
 * @bits: number of sources
 *
 * Return: 0 or -ENOMEM.
 */
int mpmc_pending_init(struct mpmc_pending *pending, unsigned int bits)
{
	pending->bits = bits;
	pending->bit = bitmap_zalloc(bits, GFP_KERNEL_ACCOUNT);
	return pending->bit ? 0 : -ENOMEM;
}

/**
 * mpmc_pending_free() - the end of it
 * @pending: the bitmap
 */
void mpmc_pending_free(struct mpmc_pending *pending)
{
	bitmap_free(pending->bit);
}
