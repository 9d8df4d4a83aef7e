// SPDX-License-Identifier: GPL-2.0
/*
 * Namespaces: which directory is the caller's, and when it ends
 *
 * Names are those of an IPC namespace, and end with it. A module is not told of
 * that, can't put a reference to a namespace on all kernels, and must not hold
 * one, or there would be no end. Neither the namespace's address nor its number
 * tell it from a later one.
 *
 * But each IPC namespace has an mqueue filesystem, mounted for as long as it
 * lives, and those who watch a file are told when its filesystem goes. So the
 * directory is in an fsnotify mark on the root of that filesystem: it is found
 * where the namespace is, can be that of no other one, keeps nobody alive, and
 * when the filesystem is unmounted the mark is freed, which frees the names. That
 * is when POSIX message queues are freed as well: with the namespace, or, where
 * somebody has mounted that filesystem himself, with the last such mount.
 *
 * References to the mark: one is held by who is on the list of namespaces, by the
 * list; and one by who has got the directory. A task in the namespace keeps it,
 * and so keeps the mark where it is.
 */
#include "namespace.h"

#include <linux/atomic.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/fsnotify_backend.h>
#include <linux/ipc_namespace.h>
#include <linux/list.h>
#include <linux/mount.h>
#include <linux/mutex.h>
#include <linux/nsproxy.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/wait_bit.h>

#include "compat/inode_mark.h"
#include "directory.h"

/**
 * struct mpmc_namespace - what there is of an IPC namespace that has had names
 * @mark: on the root of its mqueue filesystem
 * @entry: in namespaces, until it ends
 * @directory: the names
 */
struct mpmc_namespace {
	struct fsnotify_mark mark;
	struct list_head entry;
	struct mpmc_directory directory;
};

static struct fsnotify_group *group;
static LIST_HEAD(namespaces);
static DEFINE_MUTEX(namespaces_lock); /* protects namespaces */
static atomic_t namespaces_count; /* those that are not freed yet */

#define to_namespace(m) container_of(m, struct mpmc_namespace, mark)

/* From the list; false if somebody else did it: the list's reference is his. */
static bool namespace_forget(struct mpmc_namespace *namespace)
{
	bool listed;

	mutex_lock(&namespaces_lock);
	listed = !list_empty(&namespace->entry);
	list_del_init(&namespace->entry);
	mutex_unlock(&namespaces_lock);
	return listed;
}

/* The filesystem goes, or the module; fsnotify holds a reference meanwhile. */
static void namespace_end(struct fsnotify_mark *mark,
			  struct fsnotify_group *unused)
{
	struct mpmc_namespace *namespace = to_namespace(mark);

	mpmc_directory_clear(&namespace->directory);
	if (namespace_forget(namespace))
		fsnotify_put_mark(mark);
}

static void namespace_free(struct fsnotify_mark *mark)
{
	kfree(to_namespace(mark));
	if (atomic_dec_and_test(&namespaces_count))
		wake_up_var(&namespaces_count);
}

static const struct fsnotify_ops namespace_ops = {
	.freeing_mark = namespace_end,
	.free_mark = namespace_free,
};

/**
 * mpmc_namespace_init() - set up what namespaces need
 *
 * Context: process; may sleep.
 * Return: 0 or -ENOMEM.
 */
int mpmc_namespace_init(void)
{
	group = fsnotify_alloc_group(&namespace_ops, 0);
	return PTR_ERR_OR_ZERO(group);
}

/* One from the list, with the list's reference. */
static struct mpmc_namespace *namespace_first(void)
{
	struct mpmc_namespace *first;

	mutex_lock(&namespaces_lock);
	first = list_first_entry_or_null(&namespaces, struct mpmc_namespace,
					 entry);
	if (first)
		list_del_init(&first->entry);
	mutex_unlock(&namespaces_lock);
	return first;
}

/**
 * mpmc_namespace_exit() - wait until the last namespace is forgotten
 *
 * There is no name any more, but there may be namespaces that have had some, of
 * which others may be ending just now.
 *
 * Context: process; sleeps.
 */
void mpmc_namespace_exit(void)
{
	struct mpmc_namespace *first;

	while ((first = namespace_first())) {
		fsnotify_destroy_mark(&first->mark, group);
		fsnotify_put_mark(&first->mark);
	}
	wait_var_event(&namespaces_count, !atomic_read(&namespaces_count));
	/* Whoever freed the last one has returned from there. */
	fsnotify_wait_marks_destroyed();
	fsnotify_put_group(group);
}

/* The root of the mqueue filesystem of the caller's namespace, or NULL. */
static struct inode *namespace_root(void)
{
	struct vfsmount *mnt = current->nsproxy->ipc_ns->mq_mnt;

	return mnt ? d_inode(mnt->mnt_root) : NULL;
}

/**
 * mpmc_namespace_supported() - whether the caller's namespace can have names
 *
 * Context: process.
 * Return: whether it can.
 */
bool mpmc_namespace_supported(void)
{
	return namespace_root();
}

/* Make it known: 0; -EEXIST if there is one of this namespace. */
static int namespace_add(struct mpmc_namespace *namespace, struct inode *root)
{
	int ret = fsnotify_add_inode_mark(&namespace->mark, root, 0);

	if (ret)
		return ret;
	mutex_lock(&namespaces_lock);
	list_add(&namespace->entry, &namespaces);
	mutex_unlock(&namespaces_lock);
	return 0;
}

static int namespace_create(struct inode *root)
{
	struct mpmc_namespace *namespace;
	int ret;

	namespace = kzalloc(sizeof(*namespace), GFP_KERNEL_ACCOUNT);
	if (!namespace)
		return -ENOMEM;
	atomic_inc(&namespaces_count);
	mpmc_directory_init(&namespace->directory);
	INIT_LIST_HEAD(&namespace->entry);
	fsnotify_init_mark(&namespace->mark, group);
	ret = namespace_add(namespace, root);
	if (ret)
		fsnotify_put_mark(&namespace->mark);
	return ret == -EEXIST ? 0 : ret;
}

/**
 * mpmc_namespace_get() - the directory of the caller's namespace
 * @create: make one if there is none
 *
 * Context: process; may sleep.
 * Return: the directory, for mpmc_namespace_put(); or an ERR_PTR: -ENOENT,
 * -ENOMEM, -EOPNOTSUPP.
 */
struct mpmc_directory *mpmc_namespace_get(bool create)
{
	struct inode *root = namespace_root();
	struct fsnotify_mark *mark;
	int ret;

	if (!root)
		return ERR_PTR(-EOPNOTSUPP);
	while (!(mark = mpmc_inode_mark(root, group))) {
		ret = create ? namespace_create(root) : -ENOENT;
		if (ret)
			return ERR_PTR(ret);
	}
	return &to_namespace(mark)->directory;
}

/**
 * mpmc_namespace_put() - the caller has done with it
 * @directory: the directory
 *
 * Context: process.
 */
void mpmc_namespace_put(struct mpmc_directory *directory)
{
	struct mpmc_namespace *namespace =
		container_of(directory, struct mpmc_namespace, directory);

	fsnotify_put_mark(&namespace->mark);
}
