/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* When a number of a queue's is an alert. */
#ifndef LIMIT_H
#define LIMIT_H

#include "field.h"
#include "range.h"
#include "report.h"

#define MAX_LIMITS 32

/**
 * struct limit - when a number is an alert
 * @field: of what; NULL: how full the queue is, in percent
 * @range: where all is well
 * @verdict: what it is outside of that
 */
struct limit {
	const struct field *field;
	struct range range;
	enum verdict verdict;
};

/**
 * struct limits - all of them
 * @list: they
 * @count: how many
 */
struct limits {
	struct limit list[MAX_LIMITS];
	unsigned int count;
};

/* Of an option: [FIELD=]RANGE, which is changed. Ends the program if it is none. */
void limits_add(struct limits *limits, char *text, enum verdict verdict);

void limits_check(const struct limits *limits, const struct snapshot *snapshot,
		  struct report *report);

/* The first one that a field has of a kind, as it was given; "" if there is none. */
const char *limits_text(const struct limits *limits, const struct field *field,
			enum verdict verdict);

#endif /* LIMIT_H */
