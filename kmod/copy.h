/* SPDX-License-Identifier: GPL-2.0 */
#ifndef MPMC_COPY_H
#define MPMC_COPY_H

#include <linux/types.h>

int mpmc_copy_in(u64 *to, const u64 __user *from, unsigned int count);
int mpmc_copy_out(u64 __user *to, const u64 *from, unsigned int count);

#endif /* MPMC_COPY_H */
