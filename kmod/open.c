// SPDX-License-Identifier: GPL-2.0
/*
 * Opening queues by name, unlinking and listing them
 *
 * A queue that is made is not to be found before its creator has all that he
 * needs, so that a call that fails leaves no name behind.
 */
#include "open.h"

#include <linux/cred.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/minmax.h>
#include <linux/sched/signal.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "device.h"
#include "directory.h"
#include "file.h"
#include "name.h"
#include "namespace.h"
#include "queue.h"

#define ACCESS_FLAGS (MPMC_OPEN_READ | MPMC_OPEN_WRITE)
#define OPEN_FLAGS (ACCESS_FLAGS | MPMC_OPEN_CREATE | MPMC_OPEN_EXCL | \
		    MPMC_OPEN_NONBLOCK)

/* A string is written with a 0 at its end. */
static_assert(sizeof_field(struct mpmc_queue_entry, name) > MPMC_NAME_MAX);

static bool open_valid(const struct mpmc_queue_open *open)
{
	if (open->flags & ~OPEN_FLAGS || !(open->flags & ACCESS_FLAGS))
		return false;
	if (open->flags & MPMC_OPEN_CREATE)
		return !(open->mode & ~0777);
	return !(open->flags & MPMC_OPEN_EXCL) && !open->mode && !open->create;
}

static umode_t open_wanted(const struct mpmc_queue_open *open)
{
	return (open->flags & MPMC_OPEN_READ ? MPMC_MAY_READ : 0) |
	       (open->flags & MPMC_OPEN_WRITE ? MPMC_MAY_WRITE : 0);
}

/* As open(2) has them. */
static int open_flags(const struct mpmc_queue_open *open)
{
	int flags = open->flags & MPMC_OPEN_NONBLOCK ? O_NONBLOCK : 0;

	switch (open->flags & ACCESS_FLAGS) {
	case MPMC_OPEN_READ:
		return flags | O_RDONLY;
	case MPMC_OPEN_WRITE:
		return flags | O_WRONLY;
	default:
		return flags | O_RDWR;
	}
}

/* What a new queue is to be like, as far as the caller says. */
static int open_copy_create(const struct mpmc_queue_open *open,
			    union mpmc_args *args)
{
	static const struct mpmc_command create = { MPMC_QUEUE_CREATE_SIZES };

	memset(args, 0, sizeof(*args));
	if (!open->create)
		return 0;
	return mpmc_ioctl_copy(&create, args, u64_to_user_ptr(open->create));
}

/* A file of a new queue, which nobody finds so far. */
static struct file *open_new(const struct mpmc_queue_open *open,
			     const union mpmc_args *create, const char *text)
{
	struct mpmc_queue *queue = mpmc_device_create(&create->queue_create);
	struct mpmc_name *name;

	if (IS_ERR(queue))
		return ERR_CAST(queue);
	name = mpmc_name_create(text, open->mode);
	if (!name) {
		mpmc_queue_drop(queue);
		return ERR_PTR(-ENOMEM);
	}
	name->queue = queue;
	queue->name = name;
	return mpmc_queue_file(queue, open_flags(open));
}

/* The file of a queue that there is. */
static struct file *open_old(const struct mpmc_queue_open *open,
			     struct mpmc_directory *directory, const char *text)
{
	struct mpmc_queue *queue = mpmc_directory_find(directory, text,
						       open_wanted(open));

	if (IS_ERR(queue))
		return ERR_CAST(queue);
	return mpmc_queue_file(queue, open_flags(open));
}

/* Make the queue, unless somebody else does meanwhile: -EEXIST. */
static struct file *open_create(const struct mpmc_queue_open *open,
				const union mpmc_args *create,
				struct mpmc_directory *directory,
				const char *text)
{
	struct file *file = open_new(open, create, text);
	struct mpmc_queue *queue;
	int ret;

	if (IS_ERR(file))
		return file;
	queue = file->private_data;
	ret = mpmc_directory_link(directory, queue->name);
	if (!ret)
		return file;
	fput(file);
	return ERR_PTR(ret);
}

/* Who wants to make it only is told of any that there is. */
static struct file *open_look(struct mpmc_directory *directory,
			      const char *text)
{
	struct mpmc_queue *queue = mpmc_directory_find(directory, text, 0);

	if (IS_ERR(queue))
		return ERR_CAST(queue);
	mpmc_queue_drop(queue);
	return ERR_PTR(-EEXIST);
}

/* As open(2) goes about it: look, then make, and look again if that is late. */
static struct file *open_file(const struct mpmc_queue_open *open,
			      const union mpmc_args *create,
			      struct mpmc_directory *directory,
			      const char *text)
{
	bool excl = open->flags & MPMC_OPEN_EXCL;
	struct file *file;

	do {
		file = excl ? open_look(directory, text) :
			      open_old(open, directory, text);
		if (file != ERR_PTR(-ENOENT) ||
		    !(open->flags & MPMC_OPEN_CREATE))
			return file;
		file = open_create(open, create, directory, text);
	} while (file == ERR_PTR(-EEXIST) && !excl);
	return file;
}

static struct file *open_named(const struct mpmc_queue_open *open,
			       const union mpmc_args *create)
{
	struct mpmc_directory *directory;
	struct file *file;
	char *text;

	text = mpmc_name_copy(open->name, open->name_size);
	if (IS_ERR(text))
		return ERR_CAST(text);
	directory = mpmc_namespace_get(open->flags & MPMC_OPEN_CREATE);
	if (IS_ERR(directory)) {
		file = ERR_CAST(directory);
	} else {
		file = open_file(open, create, directory, text);
		mpmc_namespace_put(directory);
	}
	kfree(text);
	return file;
}

/**
 * mpmc_open() - open a queue by its name, MPMC_IOC_QUEUE_OPEN
 * @file: of /dev/mpmc
 * @args: what the caller asks for
 * @user: his structure
 *
 * Context: process; may sleep.
 * Return: the queue's fd or an error of struct mpmc_queue_open's.
 */
long mpmc_open(struct file *file, union mpmc_args *args, void __user *user)
{
	const struct mpmc_queue_open *open = &args->queue_open;
	union mpmc_args create;
	int fd, ret;

	if (!open_valid(open))
		return -EINVAL;
	ret = open_copy_create(open, &create);
	if (ret)
		return ret;
	/* Before the queue: nothing can fail once it has its name. */
	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		return fd;
	file = open_named(open, &create);
	if (IS_ERR(file)) {
		put_unused_fd(fd);
		return PTR_ERR(file);
	}
	fd_install(fd, file);
	return fd;
}

/**
 * mpmc_unlink() - take a queue's name away, MPMC_IOC_QUEUE_UNLINK
 * @file: of /dev/mpmc
 * @args: what the caller asks for
 * @user: his structure
 *
 * Context: process; may sleep.
 * Return: 0 or an error of struct mpmc_queue_unlink's.
 */
long mpmc_unlink(struct file *file, union mpmc_args *args, void __user *user)
{
	const struct mpmc_queue_unlink *unlink = &args->queue_unlink;
	struct mpmc_directory *directory;
	char *text;
	long ret;

	if (unlink->flags || unlink->pad)
		return -EINVAL;
	text = mpmc_name_copy(unlink->name, unlink->name_size);
	if (IS_ERR(text))
		return PTR_ERR(text);
	directory = mpmc_namespace_get(false);
	ret = PTR_ERR_OR_ZERO(directory);
	if (!ret) {
		ret = mpmc_directory_unlink(directory, text);
		mpmc_namespace_put(directory);
	}
	kfree(text);
	return ret;
}

static int entry_write(struct mpmc_queue *queue, void __user *user, u32 size)
{
	struct user_namespace *ns = current_user_ns();
	const struct mpmc_name *name = queue->name;
	struct mpmc_queue_entry entry = {
		.uid = from_kuid_munged(ns, name->owner),
		.gid = from_kgid_munged(ns, name->group),
		.mode = name->mode,
	};
	u32 known = min_t(u32, size, sizeof(entry));
	struct mpmc_queue_info info = {};

	mpmc_queue_inspect(queue, &info);
	entry.state = info.state;
	entry.capacity = info.capacity;
	entry.items = info.items;
	strscpy(entry.name, name->text, sizeof(entry.name));
	if (copy_to_user(user, &entry, known) ||
	    clear_user(user + known, size - known))
		return -EFAULT;
	return 0;
}

/* Write entries until there are so many, or no more queues. */
static long list_write(const struct mpmc_queue_list *list,
		       struct mpmc_directory *directory, const char *after)
{
	void __user *user = u64_to_user_ptr(list->entries);
	struct mpmc_queue *queue, *last = NULL;
	u32 count = 0;
	int ret = 0;

	/* Once there is one: what was cut short is not the end of the list. */
	while (!ret && count < list->count &&
	       (!count || !signal_pending(current))) {
		queue = mpmc_directory_next(directory, after);
		if (last)
			mpmc_queue_drop(last);
		last = queue;
		if (!queue)
			break;
		ret = entry_write(queue, user, list->entry_size);
		user += list->entry_size;
		after = queue->name->text;
		count += !ret;
	}
	if (last)
		mpmc_queue_drop(last);
	return count ?: ret;
}

static bool list_valid(const struct mpmc_queue_list *list)
{
	return !list->flags && !list->pad && list->count &&
	       list->count <= INT_MAX &&
	       !list->after == !list->after_size &&
	       list->entry_size >= sizeof(struct mpmc_queue_entry) &&
	       list->entry_size <= SZ_4K;
}

/**
 * mpmc_list() - list queues with names, MPMC_IOC_QUEUE_LIST
 * @file: of /dev/mpmc
 * @args: what the caller asks for
 * @user: his structure
 *
 * Context: process; may sleep.
 * Return: how many entries were written, or an error of struct
 * mpmc_queue_list's.
 */
long mpmc_list(struct file *file, union mpmc_args *args, void __user *user)
{
	const struct mpmc_queue_list *list = &args->queue_list;
	struct mpmc_directory *directory;
	char *after = NULL;
	long ret;

	if (!list_valid(list))
		return -EINVAL;
	if (list->after)
		after = mpmc_name_copy(list->after, list->after_size);
	if (IS_ERR(after))
		return PTR_ERR(after);
	directory = mpmc_namespace_get(false);
	ret = PTR_ERR_OR_ZERO(directory);
	if (!ret) {
		ret = list_write(list, directory, after ?: "");
		mpmc_namespace_put(directory);
	} else if (ret == -ENOENT) {
		ret = 0;
	}
	kfree(after);
	return ret;
}
