// SPDX-License-Identifier: GPL-2.0
/*
 * Users: how many queues each one has
 */
#include "user.h"

#include <linux/cred.h>
#include <linux/err.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/uidgid.h>
#include <linux/xarray.h>

/**
 * struct mpmc_user - a user with queues
 * @uid: who it is, whatever the user namespace
 * @queues: how many queues; the user is forgotten with the last
 */
struct mpmc_user {
	kuid_t uid;
	unsigned int queues;
};

static DEFINE_XARRAY_FLAGS(users, XA_FLAGS_ACCOUNT); /* by uid */
static DEFINE_MUTEX(users_lock); /* protects users and what is in it */

/* The caller, with a place among users; a new one if need be. */
static struct mpmc_user *user_find(struct mpmc_user **new)
{
	unsigned long uid = __kuid_val((*new)->uid);
	struct mpmc_user *user = xa_load(&users, uid);
	int ret;

	if (user)
		return user;
	user = *new;
	ret = xa_err(xa_store(&users, uid, user, GFP_NOWAIT | __GFP_ACCOUNT));
	if (ret)
		return ERR_PTR(ret);
	*new = NULL;
	return user;
}

static void user_put(struct mpmc_user *user)
{
	if (user->queues)
		return;
	xa_erase(&users, __kuid_val(user->uid));
	kfree(user);
}

/**
 * mpmc_user_charge() - count a queue for the calling user
 * @max: the most queues a user may have
 *
 * Context: process; may sleep.
 * Return: whom to uncharge later, or an ERR_PTR: -ENOSPC, -ENOMEM.
 */
struct mpmc_user *mpmc_user_charge(unsigned int max)
{
	/* Before the lock: a user who waits for memory keeps no other. */
	struct mpmc_user *new = kzalloc(sizeof(*new), GFP_KERNEL_ACCOUNT);
	struct mpmc_user *user;

	if (!new)
		return ERR_PTR(-ENOMEM);
	new->uid = current_uid();
	/* Nearly always spares user_find() an allocation. */
	if (xa_reserve(&users, __kuid_val(new->uid), GFP_KERNEL_ACCOUNT)) {
		kfree(new);
		return ERR_PTR(-ENOMEM);
	}
	mutex_lock(&users_lock);
	user = user_find(&new);
	if (!IS_ERR(user)) {
		if (user->queues < max) {
			user->queues++;
		} else {
			user_put(user);
			user = ERR_PTR(-ENOSPC);
		}
	}
	mutex_unlock(&users_lock);
	kfree(new);
	return user;
}

/**
 * mpmc_user_uncharge() - a queue has gone
 * @user: whom it was counted for
 *
 * Context: process; may sleep.
 */
void mpmc_user_uncharge(struct mpmc_user *user)
{
	mutex_lock(&users_lock);
	user->queues--;
	user_put(user);
	mutex_unlock(&users_lock);
}
