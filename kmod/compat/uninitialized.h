/* SPDX-License-Identifier: GPL-2.0 */
#ifndef MPMC_COMPAT_UNINITIALIZED_H
#define MPMC_COMPAT_UNINITIALIZED_H

#include <linux/compiler_attributes.h>

/*
 * A variable that is filled before it is read, on a path where it matters:
 * kernels that clear what lies on the stack leave it alone. Compilers that do
 * not know the attribute do not clear anything either.
 */
#if __has_attribute(__uninitialized__)
#define mpmc_uninitialized __attribute__((__uninitialized__))
#else
#define mpmc_uninitialized
#endif

#endif /* MPMC_COMPAT_UNINITIALIZED_H */
