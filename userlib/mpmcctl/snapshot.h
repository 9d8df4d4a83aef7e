/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* How queues are, at a moment. */
#ifndef SNAPSHOT_H
#define SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>

#include <mpmc.h>

/**
 * struct snapshot - how a queue is
 * @name: its name, and what goes with that
 * @stat: how it is doing; if it could not be opened, what @name says of that
 * @stats: what has happened to it
 * @opened: it could be opened, else only what @name has is known
 * @counted: @stats are known: a module that is old has none
 */
struct snapshot {
	struct mpmc_name name;
	struct mpmc_stat stat;
	struct mpmc_stats stats;
	bool opened;
	bool counted;
};

/**
 * struct snapshots - how some queues are, in the order of their names
 * @list: the queues
 * @count: how many
 */
struct snapshots {
	struct snapshot *list;
	size_t count;
};

/* Of a queue by its name. Return: 0, or an error of the library's. */
int snapshot_take(struct snapshot *snapshot, const char *name);

/*
 * Of all that the caller may see; "taken" is empty, or what was taken before, and is
 * to be freed. Return: 0, or an error of the library's.
 */
int snapshots_take(struct snapshots *taken);

void snapshots_free(struct snapshots *taken);

/* The one of that name, or NULL. */
const struct snapshot *snapshots_find(const struct snapshots *taken,
				      const char *name);

#endif /* SNAPSHOT_H */
