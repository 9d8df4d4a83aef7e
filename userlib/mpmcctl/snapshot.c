// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * How queues are, at a moment
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "snapshot.h"

/* Whatever way its mode allows: to look needs no more. */
static int open_any(struct mpmc_queue **queue, const char *name)
{
	int ret = mpmc_queue_open(queue, name, O_RDONLY, 0, NULL);

	return ret == -EACCES ?
		       mpmc_queue_open(queue, name, O_WRONLY, 0, NULL) : ret;
}

/* What is not known without having it open. */
static int look(struct snapshot *snapshot)
{
	mpmc_auto_queue struct mpmc_queue *queue = NULL;
	int ret = open_any(&queue, snapshot->name.name);

	if (ret)
		return ret;
	snapshot->stat.size = sizeof(snapshot->stat);
	ret = mpmc_queue_stat(queue, &snapshot->stat);
	if (ret)
		return ret;
	snapshot->opened = true;
	snapshot->stats.size = sizeof(snapshot->stats);
	ret = mpmc_queue_stats(queue, &snapshot->stats);
	snapshot->counted = !ret;
	return ret == -EOPNOTSUPP ? 0 : ret;
}

static void begin(struct snapshot *snapshot, const struct mpmc_name *name)
{
	memset(snapshot, 0, sizeof(*snapshot));
	snapshot->name = *name;
	snapshot->stat.capacity = name->capacity;
	snapshot->stat.items = name->items;
	snapshot->stat.shut_down = name->shut_down;
}

#define AT_A_TIME 64

/* Goes through all of them, in their order, until one is not wanted. */
static int each(int (*wanted)(void *arg, const struct mpmc_name *name),
		void *arg)
{
	static struct mpmc_name names[AT_A_TIME];
	char after[sizeof(names[0].name)];
	ssize_t i, n = mpmc_queue_list(NULL, names, AT_A_TIME);
	int ret;

	while (n > 0) {
		for (i = 0; i < n; i++) {
			ret = wanted(arg, &names[i]);
			if (ret)
				return ret;
		}
		memcpy(after, names[n - 1].name, sizeof(after));
		n = mpmc_queue_list(after, names, AT_A_TIME);
	}
	return n;
}

static int is_it(void *arg, const struct mpmc_name *name)
{
	struct snapshot *snapshot = arg;

	if (strcmp(snapshot->name.name, name->name))
		return 0;
	begin(snapshot, name);
	return 1;
}

int snapshot_take(struct snapshot *snapshot, const char *name)
{
	mpmc_auto_queue struct mpmc_queue *queue = NULL;
	int ret, seen;

	/* First of all, whether it is there, and if not, why. */
	seen = open_any(&queue, name);
	if (seen && seen != -EACCES)
		return seen;
	memset(snapshot, 0, sizeof(*snapshot));
	strcpy(snapshot->name.name, name);
	ret = each(is_it, snapshot);
	if (ret < 0)
		return ret;
	if (!ret)
		return seen ? seen : -ENOENT;
	ret = look(snapshot);
	return ret == -EACCES ? 0 : ret;
}

static int add(void *arg, const struct mpmc_name *name)
{
	struct snapshots *taken = arg;
	struct snapshot *list, *snapshot;
	int ret;

	/* Twice as many, each time that a power of two is full. */
	if (!(taken->count & (taken->count - 1))) {
		list = reallocarray(taken->list, taken->count ?
				    2 * taken->count : 1, sizeof(*list));
		if (!list)
			return -ENOMEM;
		taken->list = list;
	}
	snapshot = &taken->list[taken->count];
	begin(snapshot, name);
	ret = look(snapshot);
	/* One that has gone meanwhile is no error, nor one that is only seen. */
	if (ret == -ENOENT)
		return 0;
	if (!ret || ret == -EACCES)
		taken->count++;
	return ret == -EACCES ? 0 : ret;
}

int snapshots_take(struct snapshots *taken)
{
	snapshots_free(taken);
	return each(add, taken);
}

void snapshots_free(struct snapshots *taken)
{
	free(taken->list);
	*taken = (struct snapshots){ 0 };
}

static int compare(const void *name, const void *snapshot)
{
	return strcmp(name, ((const struct snapshot *)snapshot)->name.name);
}

const struct snapshot *snapshots_find(const struct snapshots *taken,
				      const char *name)
{
	if (!taken->count)
		return NULL;
	return bsearch(name, taken->list, taken->count, sizeof(*taken->list),
		       compare);
}
