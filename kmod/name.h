/* SPDX-License-Identifier: GPL-2.0 */
#ifndef MPMC_NAME_H
#define MPMC_NAME_H

#include <linux/rbtree.h>
#include <linux/types.h>
#include <linux/uidgid.h>

struct mpmc_queue;

/**
 * struct mpmc_name - the name of a queue, and who may use it
 * @node: in the directory of the namespace
 * @queue: the queue, of which a name that is linked holds a reference
 * @owner: whose it is
 * @group: his group
 * @mode: what its owner, his group and others may do
 * @unlinked: it is in no directory any more
 * @text: the name
 *
 * It is freed with the queue, and nothing of it changes but @unlinked.
 */
struct mpmc_name {
	struct rb_node node;
	struct mpmc_queue *queue;
	kuid_t owner;
	kgid_t group;
	umode_t mode;
	bool unlinked;
	char text[];
};

/* As the bits of a mode are, for everybody at once. */
#define MPMC_MAY_READ 0444
#define MPMC_MAY_WRITE 0222

char *mpmc_name_copy(u64 user, u32 size);
struct mpmc_name *mpmc_name_create(const char *text, umode_t mode);
bool mpmc_name_allows(const struct mpmc_name *name, umode_t wanted);
bool mpmc_name_shows(const struct mpmc_name *name);
bool mpmc_name_owned(const struct mpmc_name *name);

#endif /* MPMC_NAME_H */
