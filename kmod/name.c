// SPDX-License-Identifier: GPL-2.0
/*
 * Names of queues: what one looks like, and who may do what by it
 *
 * The rules are those of POSIX message queues: permissions as a file has them,
 * and unlinking as in a folder with the sticky bit, which is for owners alone.
 * Capabilities count in the user namespace that owns the IPC namespace.
 */
#include "name.h"

#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/fs_struct.h>
#include <linux/ipc_namespace.h>
#include <linux/nsproxy.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <uapi/linux/mpmc.h>

static bool name_valid(const char *text, size_t size)
{
	if (size < 2 || text[0] != '/' || strlen(text) != size)
		return false;
	return !strchr(text + 1, '/') && strcmp(text, "/.") &&
	       strcmp(text, "/..");
}

/**
 * mpmc_name_copy() - copy a name from a caller's memory
 * @user: its address
 * @size: bytes it has, without a 0 at its end
 *
 * Context: process; may sleep.
 * Return: the name, to be given to kfree(); or an ERR_PTR: -EINVAL,
 * -ENAMETOOLONG, -EFAULT, -ENOMEM.
 */
char *mpmc_name_copy(u64 user, u32 size)
{
	char *text;

	if (size > MPMC_NAME_MAX)
		return ERR_PTR(-ENAMETOOLONG);
	text = memdup_user_nul(u64_to_user_ptr(user), size);
	if (!IS_ERR(text) && !name_valid(text, size)) {
		kfree(text);
		return ERR_PTR(-EINVAL);
	}
	return text;
}

/**
 * mpmc_name_create() - make a name for a queue of the caller's
 * @text: the name
 * @mode: permissions, of which the caller's umask is taken away
 *
 * Context: process; may sleep.
 * Return: the name, or NULL without memory.
 */
struct mpmc_name *mpmc_name_create(const char *text, umode_t mode)
{
	size_t size = strlen(text) + 1;
	struct mpmc_name *name;

	name = kzalloc(struct_size(name, text, size), GFP_KERNEL_ACCOUNT);
	if (!name)
		return NULL;
	name->owner = current_fsuid();
	name->group = current_fsgid();
	name->mode = mode & ~current_umask();
	memcpy(name->text, text, size);
	return name;
}

static struct user_namespace *name_user_ns(void)
{
	return current->nsproxy->ipc_ns->user_ns;
}

/* The part of the mode that is the caller's. */
static umode_t name_mode(const struct mpmc_name *name)
{
	if (uid_eq(name->owner, current_fsuid()))
		return name->mode & 0700;
	if (in_group_p(name->group))
		return name->mode & 0070;
	return name->mode & 0007;
}

/* Whether the mode has a bit of each kind that is wanted. */
static bool mode_has(umode_t mode, umode_t wanted)
{
	if (wanted & MPMC_MAY_READ && !(mode & MPMC_MAY_READ))
		return false;
	return !(wanted & MPMC_MAY_WRITE) || mode & MPMC_MAY_WRITE;
}

/**
 * mpmc_name_allows() - whether the caller may open a queue
 * @name: its name, of his namespace
 * @wanted: MPMC_MAY_READ, MPMC_MAY_WRITE or both
 *
 * Context: process.
 * Return: whether he may.
 */
bool mpmc_name_allows(const struct mpmc_name *name, umode_t wanted)
{
	return mode_has(name_mode(name), wanted) ||
	       ns_capable(name_user_ns(), CAP_DAC_OVERRIDE);
}

/**
 * mpmc_name_shows() - whether the caller is to see that there is a queue
 * @name: its name, of his namespace
 *
 * Context: process.
 * Return: whether he is.
 */
bool mpmc_name_shows(const struct mpmc_name *name)
{
	return uid_eq(name->owner, current_fsuid()) ||
	       name_mode(name) & (MPMC_MAY_READ | MPMC_MAY_WRITE) ||
	       ns_capable_noaudit(name_user_ns(), CAP_DAC_OVERRIDE);
}

/**
 * mpmc_name_owned() - whether the caller may unlink a name
 * @name: the name, of his namespace
 *
 * Context: process.
 * Return: whether he may.
 */
bool mpmc_name_owned(const struct mpmc_name *name)
{
	return uid_eq(name->owner, current_fsuid()) ||
	       ns_capable(name_user_ns(), CAP_FOWNER);
}
