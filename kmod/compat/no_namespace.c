// SPDX-License-Identifier: GPL-2.0
/*
 * In place of namespace.c on a kernel without CONFIG_FSNOTIFY: no names
 */
#include <linux/err.h>

#include "../namespace.h"

int mpmc_namespace_init(void)
{
	return 0;
}

void mpmc_namespace_exit(void)
{
}

bool mpmc_namespace_supported(void)
{
	return false;
}

struct mpmc_directory *mpmc_namespace_get(bool create)
{
	return ERR_PTR(-EOPNOTSUPP);
}

void mpmc_namespace_put(struct mpmc_directory *directory)
{
}
