// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * What is known of a queue, by its names
 */
#include <string.h>

#include "field.h"

#define FIELD(kind, from, name, metric, help) \
	{ #name, metric, help, kind, offsetof(struct snapshot, from.name), \
	  sizeof(((struct snapshot *)NULL)->from.name) }
#define LISTED(name, metric, help) \
	FIELD(FIELD_LISTED, stat, name, metric, help)
#define OPENED(name, metric, help) \
	FIELD(FIELD_OPENED, stat, name, metric, help)
#define COUNTED(name, metric, help) \
	FIELD(FIELD_COUNTED, stats, name, metric, help)

const struct field fields[] = {
	LISTED(items, "items",
	       "Items accepted and not yet handed to a consumer."),
	LISTED(capacity, "capacity_items",
	       "Items that the queue has room for."),
	LISTED(shut_down, "shut_down",
	       "Whether the queue is shut down: no more items are accepted."),
	OPENED(leased, "leased_items",
	       "Items handed to consumers that have not finished with them."),
	OPENED(granted, "granted_items",
	       "Room that mapped producers have been given and have not used."),
	OPENED(segments, "segments", "FIFO segments."),
	OPENED(producers, "producers", "Producer tokens."),
	OPENED(consumers, "consumers", "Consumer tokens."),
	OPENED(enqueue_waiters, "enqueue_waiters",
	       "Threads that wait for room."),
	OPENED(dequeue_waiters, "dequeue_waiters",
	       "Threads that wait for items."),
	COUNTED(enqueued, "enqueued_items_total", "Items accepted."),
	COUNTED(dequeued, "dequeued_items_total",
		"Items that consumers have finished with."),
	COUNTED(full, "full_total", "How often somebody found no room."),
	COUNTED(enqueue_timeouts, "enqueue_timeouts_total",
		"How often a wait for room timed out."),
	COUNTED(dequeue_timeouts, "dequeue_timeouts_total",
		"How often a wait for items timed out."),
	COUNTED(redelivered, "redelivered_items_total",
		"Items that came back from consumers."),
	COUNTED(dead, "dead_items_total",
		"Items that went to the queue for dead letters."),
	COUNTED(dropped, "dropped_items_total",
		"Items dropped after their last delivery."),
	{ 0 },
};

const struct field *field_find(const char *name)
{
	const struct field *field;

	for (field = fields; field->name; field++)
		if (!strcmp(field->name, name))
			return field;
	return NULL;
}

bool field_known(const struct field *field, const struct snapshot *snapshot)
{
	switch (field->kind) {
	case FIELD_LISTED:
		return true;
	case FIELD_OPENED:
		return snapshot->opened;
	case FIELD_COUNTED:
		return snapshot->counted;
	}
	return false;
}

uint64_t field_value(const struct field *field,
		     const struct snapshot *snapshot)
{
	const char *at = (const char *)snapshot + field->offset;
	uint64_t value;
	uint32_t small;

	if (field->size == sizeof(small)) {
		memcpy(&small, at, sizeof(small));
		return small;
	}
	memcpy(&value, at, sizeof(value));
	return value;
}
