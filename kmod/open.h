/* SPDX-License-Identifier: GPL-2.0 */
#ifndef MPMC_OPEN_H
#define MPMC_OPEN_H

#include "ioctl.h"

long mpmc_open(struct file *file, union mpmc_args *args, void __user *user);
long mpmc_unlink(struct file *file, union mpmc_args *args, void __user *user);
long mpmc_list(struct file *file, union mpmc_args *args, void __user *user);

#endif /* MPMC_OPEN_H */
