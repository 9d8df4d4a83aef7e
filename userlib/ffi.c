// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * The functions that mpmc.h has inline, as plain ones: for other languages, and
 * for programs that were built before they were inline
 */
#define MPMC_INLINE __attribute__((__visibility__("default")))

#include "mpmc.h"
