/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Whether a queue is well, and why not. */
#ifndef REPORT_H
#define REPORT_H

#include "text.h"

/* Exit statuses of "watch", those of the plugins of Nagios. */
enum verdict {
	VERDICT_OK,
	VERDICT_WARNING,
	VERDICT_CRITICAL,
	VERDICT_UNKNOWN,
};

/**
 * struct report - whether a queue is well
 * @verdict: the worst there is; critical is worse than unknown
 * @text: all that is as bad
 */
struct report {
	enum verdict verdict;
	char text[TEXT_NAME_SIZE + 1024];
};

/* Something more; what is less bad than something else is not told. */
void report_add(struct report *report, enum verdict verdict,
		const char *format, ...) __attribute__((format(printf, 3, 4)));

const char *verdict_name(enum verdict verdict);

#endif /* REPORT_H */
