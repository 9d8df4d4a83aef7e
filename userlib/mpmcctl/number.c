// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Numbers, as they are given in words
 */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "number.h"
#include "option.h"

bool number_parse(const char *text, uint64_t *number)
{
	bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
	const char *digits = hex ? text + 2 : text;

	if (!*digits || digits[strspn(digits, hex ?
				      "0123456789abcdefABCDEF" :
				      "0123456789")])
		return false;
	errno = 0;
	*number = strtoull(digits, NULL, hex ? 16 : 10);
	return !errno;
}

uint64_t number_option(const char *option, const char *text, uint64_t min,
		       uint64_t max)
{
	uint64_t number;

	if (!number_parse(text, &number) || number < min || number > max)
		option_misused("%s: '%s' is no number from %" PRIu64 " to %" PRIu64,
			       option, text, min, max);
	return number;
}

mode_t number_mode(const char *option, const char *text)
{
	unsigned long mode = strtoul(text, NULL, 8);

	if (!*text || text[strspn(text, "01234567")] || mode > 0777)
		option_misused("%s: '%s' are no permissions in octal, as 0660 are",
			       option, text);
	return mode;
}

static double unit_of(const char *text)
{
	static const struct {
		const char *name;
		double seconds;
	} units[] = {
		{ "", 1 }, { "s", 1 }, { "ms", 0.001 }, { "m", 60 }, { "h", 3600 },
	};
	size_t i;

	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (!strcmp(text, units[i].name))
			return units[i].seconds;
	return NAN;
}

struct timespec number_time(const char *option, const char *text)
{
	char *end;
	double seconds = strtod(text, &end);
	struct timespec time;

	seconds *= unit_of(end);
	/* Also false if it is no number at all. */
	if (end == text || !strchr("0123456789.", *text) ||
	    !(seconds >= 0 && seconds <= 1e9))
		option_misused("%s: '%s' is no time, as 5, 0.25, 500ms and 2m are",
			       option, text);
	time.tv_sec = seconds;
	time.tv_nsec = (seconds - time.tv_sec) * 1e9;
	return time;
}
