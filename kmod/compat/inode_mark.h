/* SPDX-License-Identifier: GPL-2.0 */
#ifndef MPMC_COMPAT_INODE_MARK_H
#define MPMC_COMPAT_INODE_MARK_H

#include <linux/fs.h>
#include <linux/fsnotify_backend.h>

/*
 * A group's mark on an inode, with a reference, or NULL. Found by the inode since
 * 6.10, by its list of marks before. The probe is probe_inode_mark.c.
 */
static inline struct fsnotify_mark *
mpmc_inode_mark(struct inode *inode, struct fsnotify_group *group)
{
#ifdef MPMC_HAVE_FIND_INODE_MARK
	return fsnotify_find_inode_mark(inode, group);
#else
	return fsnotify_find_mark(&inode->i_fsnotify_marks, group);
#endif
}

#endif /* MPMC_COMPAT_INODE_MARK_H */
