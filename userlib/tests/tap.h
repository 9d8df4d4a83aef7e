/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef TAP_H
#define TAP_H

#include <stdio.h>

static int tap_tests, tap_failed;

static inline void tap_ok(int good, const char *text, const char *file,
			  int line)
{
	printf("%sok %d - %s\n", good ? "" : "not ", ++tap_tests, text);
	if (good)
		return;
	printf("# failed at %s:%d\n", file, line);
	tap_failed++;
}

/* One test: whether an expression is true. */
#define OK(expr, text) tap_ok(!!(expr), text, __FILE__, __LINE__)

static inline void tap_skip(const char *text, const char *why)
{
	printf("ok %d - %s # SKIP %s\n", ++tap_tests, text, why);
}

/* The exit status. */
static inline int tap_end(void)
{
	printf("1..%d\n", tap_tests);
	return tap_failed != 0;
}

#endif /* TAP_H */
