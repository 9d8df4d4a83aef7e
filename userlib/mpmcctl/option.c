// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Options of a command
 */
#include <stdarg.h>
#include <stdlib.h>

#include "complain.h"
#include "option.h"

static const struct command *current;

void option_begin(const struct command *command)
{
	current = command;
	complain_of(command->name);
}

void option_help(const struct command *command)
{
	printf("Usage: mpmcctl %s %s\n\n%s.\n\n%s", command->name,
	       command->args, command->summary, command->options);
}

int option_next(int argc, char **argv, const char *letters,
		const struct option *longs)
{
	int letter = getopt_long(argc, argv, letters, longs, NULL);

	if (letter == 'h') {
		option_help(current);
		exit(fflush(stdout) ? CTL_FAILED : CTL_DONE);
	}
	if (letter == '?')
		exit(current->misused);
	return letter;
}

char **option_rest(int argc, char **argv, int min, int max)
{
	int count = argc - optind;

	if (count < min)
		option_misused("the name of a queue is missing; usage: mpmcctl %s %s",
			       current->name, current->args);
	if (max >= 0 && count > max)
		option_misused("'%s' is too much; usage: mpmcctl %s %s",
			       argv[optind + max], current->name,
			       current->args);
	return argv + optind;
}

void option_misused(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	complain_va(format, args);
	va_end(args);
	exit(current->misused);
}
