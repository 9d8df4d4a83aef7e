// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Ranges, as monitoring plugins have them
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "range.h"

/* A number, and where it ends; false if there is none. */
static bool number(const char **text, double *value)
{
	char *end;

	if (!strchr("0123456789.", **text) || !**text)
		return false;
	*value = strtod(*text, &end);
	if (end == *text)
		return false;
	*text = end;
	return true;
}

bool range_parse(struct range *range, const char *text)
{
	range->text = text;
	range->from = 0;
	range->to = HUGE_VAL;
	if (!number(&text, &range->to))
		return false;
	if (!*text)
		return true;
	if (*text++ != ':')
		return false;
	range->from = range->to;
	range->to = HUGE_VAL;
	if (!*text)
		return true;
	return number(&text, &range->to) && !*text && range->from <= range->to;
}

bool range_has(const struct range *range, double value)
{
	return value >= range->from && value <= range->to;
}
