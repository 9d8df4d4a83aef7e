/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Ranges, as monitoring plugins have them: what is outside of one is an alert. */
#ifndef RANGE_H
#define RANGE_H

#include <stdbool.h>

/**
 * struct range - from a number to another one, both inside
 * @text: as it was given
 * @from: the least
 * @to: the most
 */
struct range {
	const char *text;
	double from;
	double to;
};

/* "N", which begins with 0, "N:", which has no end, or "N:M". False if it is none. */
bool range_parse(struct range *range, const char *text);

bool range_has(const struct range *range, double value);

#endif /* RANGE_H */
