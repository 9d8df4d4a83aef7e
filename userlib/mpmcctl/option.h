/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Options of a command. */
#ifndef OPTION_H
#define OPTION_H

#include <getopt.h>
#include <stdio.h>

#include "ctl.h"

/* What all commands have. */
#define OPTION_HELP { "help", no_argument, NULL, 'h' }
#define OPTION_JSON { "json", no_argument, NULL, 'j' }

#define TEXT_HELP "  -h, --help            this\n"
#define TEXT_JSON "  -j, --json            print JSON\n"

/* Of this command from now on. */
void option_begin(const struct command *command);

/* Tells how a command is used. */
void option_help(const struct command *command);

/*
 * The next option, as getopt_long() has it, or -1; "longs" ends with zeroes. --help
 * and what has no meaning end the program.
 */
int option_next(int argc, char **argv, const char *letters,
		const struct option *longs);

/*
 * What is left after the options: at least "min" arguments, at most "max", or any
 * number if that is -1. Ends the program if not.
 */
char **option_rest(int argc, char **argv, int min, int max);

/* The end of a program that was told something without a meaning. */
_Noreturn void option_misused(const char *format, ...)
	__attribute__((format(printf, 1, 2)));

#endif /* OPTION_H */
