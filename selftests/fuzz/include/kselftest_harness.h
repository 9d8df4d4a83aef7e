/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Of the kernel's header of this name, what ../mpmc_test.h needs: that one can be
 * in one file of a program only.
 */
#ifndef KSELFTEST_HARNESS_H
#define KSELFTEST_HARNESS_H

#include <stdint.h>

#define KSFT_PASS 0
#define KSFT_FAIL 1

#endif /* KSELFTEST_HARNESS_H */
