// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * When a number of a queue's is an alert
 */
#include <string.h>

#include "limit.h"
#include "option.h"
#include "view.h"

static const char *limit_name(const struct limit *limit)
{
	return limit->field ? limit->field->name : "use";
}

/* The field, and what is behind the sign; all of it if there is none. */
static char *parse_field(struct limit *limit, char *text)
{
	char *equals = strchr(text, '=');

	if (!equals)
		return text;
	*equals = 0;
	limit->field = field_find(text);
	if (!limit->field && strcmp(text, "use"))
		option_misused("there is no '%s'; 'mpmcctl stat' shows what there is",
			       text);
	return equals + 1;
}

void limits_add(struct limits *limits, char *text, enum verdict verdict)
{
	struct limit *limit = &limits->list[limits->count];
	char *percent;

	if (limits->count++ == MAX_LIMITS)
		option_misused("no more than %d limits", MAX_LIMITS);
	limit->verdict = verdict;
	text = parse_field(limit, text);
	percent = strchr(text, '%');
	if (percent && !percent[1] && !limit->field)
		*percent = 0;
	if (!range_parse(&limit->range, text))
		option_misused("'%s' is no range, as 80, 1: and 10:20 are",
			       text);
}

static void check(const struct limit *limit, const struct snapshot *snapshot,
		  struct report *report)
{
	double value;

	if (!limit->field)
		value = view_use(snapshot);
	else if (field_known(limit->field, snapshot))
		value = field_value(limit->field, snapshot);
	else
		return report_add(report, VERDICT_UNKNOWN, "%s is not known",
				  limit_name(limit));
	if (!range_has(&limit->range, value))
		report_add(report, limit->verdict, "%s is %.*f%s (%s is well)",
			   limit_name(limit), limit->field ? 0 : 1, value,
			   limit->field ? "" : "%", limit->range.text);
}

void limits_check(const struct limits *limits, const struct snapshot *snapshot,
		  struct report *report)
{
	unsigned int i;

	for (i = 0; i < limits->count; i++)
		check(&limits->list[i], snapshot, report);
}

const char *limits_text(const struct limits *limits, const struct field *field,
			enum verdict verdict)
{
	unsigned int i;

	for (i = 0; i < limits->count; i++)
		if (limits->list[i].field == field &&
		    limits->list[i].verdict == verdict)
			return limits->list[i].range.text;
	return "";
}
