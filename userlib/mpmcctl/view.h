/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* How a queue is, as it is shown. */
#ifndef VIEW_H
#define VIEW_H

#include "json.h"
#include "snapshot.h"

#define VIEW_MODE_SIZE 10

/* Permissions, as ls(1) has them. */
void view_mode(char text[VIEW_MODE_SIZE], unsigned int mode);

/* How full it is, in percent: what is in it, leased, or granted. */
double view_use(const struct snapshot *snapshot);

/* An object with all that is known; "key" is NULL in an array. */
void view_json(struct json *json, const char *key,
	       const struct snapshot *snapshot);

/* An array of those, and the end of the line. */
void view_json_all(FILE *out, const struct snapshots *taken);

/* The same of one, for people. */
void view_text(FILE *out, const struct snapshot *snapshot);

#endif /* VIEW_H */
