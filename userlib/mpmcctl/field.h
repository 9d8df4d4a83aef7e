/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What is known of a queue, by its names. */
#ifndef FIELD_H
#define FIELD_H

#include "snapshot.h"

enum field_kind {
	FIELD_LISTED, /* how it is now, known of all that may be seen */
	FIELD_OPENED, /* the same, of those that may be opened */
	FIELD_COUNTED, /* what has happened, ever */
};

/**
 * struct field - a number that is known of a queue
 * @name: as in struct mpmc_stat and struct mpmc_stats; NULL ends the table
 * @metric: its name for Prometheus, behind "mpmc_queue_"
 * @help: what it is, in a line
 * @kind: of which kind
 */
struct field {
	const char *name;
	const char *metric;
	const char *help;
	enum field_kind kind;
	unsigned int offset;
	unsigned int size;
};

extern const struct field fields[];

/* The one of that name, or NULL. */
const struct field *field_find(const char *name);

/* Whether it is known of that queue. */
bool field_known(const struct field *field, const struct snapshot *snapshot);

uint64_t field_value(const struct field *field,
		     const struct snapshot *snapshot);

#endif /* FIELD_H */
