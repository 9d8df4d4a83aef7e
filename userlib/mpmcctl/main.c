// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * mpmcctl: looks at the queues of /dev/mpmc that have names, and works on them
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "complain.h"
#include "ctl.h"
#include "option.h"

static const struct command *const commands[] = {
	&command_ls,
	&command_stat,
	&command_top,
	&command_create,
	&command_rm,
	&command_push,
	&command_pop,
	&command_drain,
	&command_shutdown,
	&command_watch,
	&command_metrics,
};

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void help(FILE *out)
{
	size_t i;

	fputs("Usage: mpmcctl COMMAND [OPTION]... [ARGUMENT]...\n\n"
	      "Looks at the queues of /dev/mpmc that have names, and works on them.\n\n",
	      out);
	for (i = 0; i < COMMANDS; i++)
		fprintf(out, "  %-10s %s\n", commands[i]->name,
			commands[i]->summary);
	fputs("\nmpmcctl COMMAND --help tells more of a command, and mpmcctl(1) of all.\n"
	      "\n"
	      "Exit status: 0 done, 1 failed, 2 wrong usage, 3 the timeout passed, 4 shut\n"
	      "down, 5 no such queue, 6 not allowed, 7 the module is not loaded; of watch:\n"
	      "0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN.\n", out);
}

static const struct command *find(const char *name)
{
	size_t i;

	for (i = 0; i < COMMANDS; i++)
		if (!strcmp(commands[i]->name, name))
			return commands[i];
	return NULL;
}

/* What could not be written is an error, also when it only shows at the end. */
static int flush(int status)
{
	if (!fflush(stdout) && !ferror(stdout))
		return status;
	complain("cannot write: %s", strerror(errno));
	return status ? status : CTL_FAILED;
}

static int run(const struct command *command, int argc, char **argv)
{
	char name[64];

	snprintf(name, sizeof(name), "mpmcctl %s", command->name);
	argv[0] = name;
	option_begin(command);
	return flush(command->run(argc, argv));
}

/* mpmcctl help [COMMAND] */
static int run_help(const char *name)
{
	const struct command *command = name ? find(name) : NULL;

	if (name && !command) {
		complain("there is no command '%s'; see mpmcctl --help", name);
		return CTL_MISUSED;
	}
	if (command)
		option_help(command);
	else
		help(stdout);
	return flush(CTL_DONE);
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : NULL;
	const struct command *command;

	if (!name) {
		help(stderr);
		return CTL_MISUSED;
	}
	if (!strcmp(name, "--version") || !strcmp(name, "-V")) {
		puts("mpmcctl " MPMC_VERSION);
		return flush(CTL_DONE);
	}
	if (!strcmp(name, "--help") || !strcmp(name, "-h") ||
	    !strcmp(name, "help"))
		return run_help(argv[2]);
	command = find(name);
	if (!command) {
		complain("there is no command '%s'; see mpmcctl --help", name);
		return CTL_MISUSED;
	}
	return run(command, argc - 1, argv + 1);
}
