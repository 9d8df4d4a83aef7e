// SPDX-License-Identifier: GPL-2.0
/*
 * ioctl: from a command's number to its handler, with its structure
 */
#include "ioctl.h"

#include <linux/err.h>
#include <linux/file.h>
#include <linux/uaccess.h>

#include "compat/uninitialized.h"

static const struct mpmc_command *find(const struct mpmc_command *commands,
				       unsigned int count, unsigned int cmd)
{
	for (; count; commands++, count--)
		if (commands->cmd == cmd)
			return commands;
	return NULL;
}

/**
 * mpmc_ioctl_copy() - copy a structure of any size from a caller's memory
 * @command: whose structure it is
 * @args: where to write it, of the size that the command has
 * @user: where it is
 *
 * Context: process; may sleep.
 * Return: 0; -EFAULT, -EINVAL, -E2BIG.
 */
int mpmc_ioctl_copy(const struct mpmc_command *command, union mpmc_args *args,
		    void __user *user)
{
	u32 size;

	if (get_user(size, (u32 __user *)user))
		return -EFAULT;
	if (size < command->min_size)
		return -EINVAL;
	if (size > PAGE_SIZE)
		return -E2BIG;
	return copy_struct_from_user(args, command->size, user, size);
}

/*
 * Nearly always the size is ours: read the structure in one go, by words,
 * which is quicker than copy_from_user() for so few. The rest is for those of
 * another size, or that can't be read whole.
 */
static int copy_args(const struct mpmc_command *command, union mpmc_args *args,
		     void __user *user)
{
	u64 __user *from = user;
	u64 *to = args->words;
	unsigned int i;

	if (!user_read_access_begin(user, command->size))
		return -EFAULT;
	for (i = 0; i < command->size / sizeof(*to); i++)
		unsafe_get_user(to[i], &from[i], versioned);
	user_read_access_end();
	if (args->size == command->size)
		return 0;
	return mpmc_ioctl_copy(command, args, user);

versioned:
	user_read_access_end();
	return mpmc_ioctl_copy(command, args, user);
}

/*
 * Have a command not wait; what its caller had asked for. What waits has all of
 * this in the same place.
 */
static void forbid_waiting(const struct mpmc_command *command,
			   union mpmc_args *args, struct mpmc_wish *wish)
{
	struct mpmc_transfer *transfer = &args->transfer;

	static_assert(offsetof(struct mpmc_transfer, flags) ==
		      offsetof(struct mpmc_lease, flags));
	static_assert(offsetof(struct mpmc_transfer, count) ==
		      offsetof(struct mpmc_lease, count));
	static_assert(offsetof(struct mpmc_transfer, deadline) ==
		      offsetof(struct mpmc_lease, deadline));

	if (!(transfer->flags & command->wait))
		return;
	wish->waits = true;
	wish->count = transfer->count;
	wish->deadline = transfer->deadline;
	transfer->flags &= ~command->wait;
	transfer->deadline = 0;
}

/* Look it up and do it; without waiting if there is a wish. */
static __always_inline long dispatch(const struct mpmc_command *commands,
				     unsigned int count, struct file *file,
				     unsigned int cmd, unsigned long arg,
				     struct mpmc_wish *wish)
{
	const struct mpmc_command *command = find(commands, count, cmd);
	void __user *user = (void __user *)arg;
	/* As much of it as the command has is filled by copy_args(). */
	union mpmc_args args mpmc_uninitialized;
	long ret;

	if (!command)
		return -ENOTTY;
	if (command->mode & ~file->f_mode)
		return -EBADF;
	ret = copy_args(command, &args, user);
	if (ret)
		return ret;
	if (wish)
		forbid_waiting(command, &args, wish);
	ret = command->handler(file, &args, user);
	if (ret < 0 || !command->out)
		return ret;
	if (copy_to_user(user, &args, min(args.size, command->size)))
		return -EFAULT;
	return ret;
}

/**
 * mpmc_ioctl() - dispatch an ioctl
 * @commands: the commands that this kind of file has
 * @count: how many
 * @file: the file
 * @cmd: the command
 * @arg: address of its structure
 *
 * Context: process; may sleep.
 * Return: what the handler returned; -ENOTTY, -EBADF, -EFAULT, -EINVAL, -E2BIG.
 */
long mpmc_ioctl(const struct mpmc_command *commands, unsigned int count,
		struct file *file, unsigned int cmd, unsigned long arg)
{
	return dispatch(commands, count, file, cmd, arg, NULL);
}

/**
 * mpmc_ioctl_try() - the same, without waiting
 * @commands: the commands that this kind of file has
 * @count: how many
 * @file: the file
 * @cmd: the command
 * @arg: address of its structure
 * @wish: what the caller had asked for; that he would wait only if that was seen
 *
 * Context: process; may sleep.
 * Return: as mpmc_ioctl(); -EAGAIN where that would wait.
 */
long mpmc_ioctl_try(const struct mpmc_command *commands, unsigned int count,
		    struct file *file, unsigned int cmd, unsigned long arg,
		    struct mpmc_wish *wish)
{
	wish->waits = false;
	return dispatch(commands, count, file, cmd, arg, wish);
}

/**
 * mpmc_install() - give the caller an fd for a new file
 * @file: the file, or an ERR_PTR; used up in any case
 *
 * Context: process; may sleep.
 * Return: the fd, close-on-exec, or an error.
 */
int mpmc_install(struct file *file)
{
	int fd;

	if (IS_ERR(file))
		return PTR_ERR(file);
	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		fput(file);
	else
		fd_install(fd, file);
	return fd;
}
