/* SPDX-License-Identifier: GPL-2.0 */
#ifndef MPMC_NAMESPACE_H
#define MPMC_NAMESPACE_H

#include <linux/types.h>

struct mpmc_directory;

int mpmc_namespace_init(void);
void mpmc_namespace_exit(void);
bool mpmc_namespace_supported(void);
struct mpmc_directory *mpmc_namespace_get(bool create);
void mpmc_namespace_put(struct mpmc_directory *directory);

#endif /* MPMC_NAMESPACE_H */
