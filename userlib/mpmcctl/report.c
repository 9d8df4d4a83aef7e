// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Whether a queue is well, and why not
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "report.h"

static const struct {
	const char *name;
	int badness;
} verdicts[] = {
	[VERDICT_OK] = { "OK", 0 },
	[VERDICT_WARNING] = { "WARNING", 1 },
	[VERDICT_UNKNOWN] = { "UNKNOWN", 2 },
	[VERDICT_CRITICAL] = { "CRITICAL", 3 },
};

const char *verdict_name(enum verdict verdict)
{
	return verdicts[verdict].name;
}

void report_add(struct report *report, enum verdict verdict,
		const char *format, ...)
{
	int more = verdicts[verdict].badness - verdicts[report->verdict].badness;
	size_t size = more > 0 ? 0 : strlen(report->text);
	va_list args;

	if (more < 0)
		return;
	report->verdict = verdict;
	if (size)
		size += snprintf(report->text + size,
				 sizeof(report->text) - size, ", ");
	if (size >= sizeof(report->text))
		return;
	va_start(args, format);
	vsnprintf(report->text + size, sizeof(report->text) - size, format,
		  args);
	va_end(args);
}
