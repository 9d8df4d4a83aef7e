/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Whose a queue is to be that is made for somebody else. */
#ifndef OWNER_H
#define OWNER_H

#include <stdint.h>
#include <sys/types.h>

/* Nobody's id: as it would be anyway. */
#define OWNER_SAME UINT32_MAX

/**
 * struct owner - whose a queue is to be
 * @uid: the user, or OWNER_SAME
 * @gid: the group, or OWNER_SAME
 */
struct owner {
	uid_t uid;
	gid_t gid;
};

/* A user and a group, by name or number; the program ends if there is none. */
uid_t owner_user(const char *option, const char *text);
gid_t owner_group(const char *option, const char *text);

/*
 * From now on what this program makes is theirs: a queue has no chown(2).
 *
 * Return: an enum ctl_status; there was a complaint if it is not CTL_DONE.
 */
int owner_become(const struct owner *owner);

#endif /* OWNER_H */
