/* SPDX-License-Identifier: GPL-2.0 */
#ifndef MPMC_DIRECTORY_H
#define MPMC_DIRECTORY_H

#include <linux/mutex.h>
#include <linux/rbtree.h>
#include <linux/types.h>

struct mpmc_name;
struct mpmc_queue;

/**
 * struct mpmc_directory - the names of one IPC namespace
 * @lock: protects @names; nothing is waited for while it is held
 * @names: the names, in their order
 */
struct mpmc_directory {
	struct mutex lock; /* protects names */
	struct rb_root names;
};

void mpmc_directory_init(struct mpmc_directory *directory);
void mpmc_directory_clear(struct mpmc_directory *directory);
struct mpmc_queue *mpmc_directory_find(struct mpmc_directory *directory,
				       const char *text, umode_t wanted);
int mpmc_directory_link(struct mpmc_directory *directory,
			struct mpmc_name *name);
int mpmc_directory_unlink(struct mpmc_directory *directory, const char *text);
struct mpmc_queue *mpmc_directory_next(struct mpmc_directory *directory,
				       const char *after);

#endif /* MPMC_DIRECTORY_H */
