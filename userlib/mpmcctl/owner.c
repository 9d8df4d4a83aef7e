// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Whose a queue is to be that is made for somebody else
 */
#include <grp.h>
#include <linux/securebits.h>
#include <pwd.h>
#include <stdbool.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>

#include "complain.h"
#include "ctl.h"
#include "number.h"
#include "option.h"
#include "owner.h"

static bool id_parse(const char *text, uint32_t *id)
{
	uint64_t number;

	if (!number_parse(text, &number) || number >= OWNER_SAME)
		return false;
	*id = number;
	return true;
}

/* Names come first, as with chown(1): there may be one of digits alone. */
uid_t owner_user(const char *option, const char *text)
{
	const struct passwd *user = getpwnam(text);
	uint32_t id;

	if (user)
		return user->pw_uid;
	if (!id_parse(text, &id))
		option_misused("%s: there is no user '%s'", option, text);
	return id;
}

gid_t owner_group(const char *option, const char *text)
{
	const struct group *group = getgrnam(text);
	uint32_t id;

	if (group)
		return group->gr_gid;
	if (!id_parse(text, &id))
		option_misused("%s: there is no group '%s'", option, text);
	return id;
}

/*
 * Root's rights about files would go with his fsuid, and it is he who opens
 * /dev/mpmc, and a queue that is there already. Who may not keep them goes on
 * without.
 */
static void keep_rights(void)
{
	int bits = prctl(PR_GET_SECUREBITS);

	if (bits >= 0)
		prctl(PR_SET_SECUREBITS, bits | SECBIT_NO_SETUID_FIXUP);
}

static int denied(const char *whom, uint32_t id)
{
	complain("not allowed to make a queue for %s %u: that is for root, as is chown(2)",
		 whom, id);
	return CTL_DENIED;
}

/* Neither call tells of an error, but each tells how it was before. */
int owner_become(const struct owner *owner)
{
	if (owner->gid != OWNER_SAME) {
		setfsgid(owner->gid);
		if ((gid_t)setfsgid(-1) != owner->gid)
			return denied("group", owner->gid);
	}
	if (owner->uid != OWNER_SAME) {
		keep_rights();
		setfsuid(owner->uid);
		if ((uid_t)setfsuid(-1) != owner->uid)
			return denied("user", owner->uid);
	}
	return CTL_DONE;
}
