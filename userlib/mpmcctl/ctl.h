/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The commands of mpmcctl, and how they end. */
#ifndef CTL_H
#define CTL_H

/*
 * Exit statuses, as mpmcctl(1) has them. Of "watch" they are those that monitoring
 * systems know: see watch.c.
 */
enum ctl_status {
	CTL_DONE = 0,
	CTL_FAILED = 1,
	CTL_MISUSED = 2,
	CTL_LATE = 3, /* empty, or full, until the timeout */
	CTL_ENDED = 4, /* shut down */
	CTL_NO_QUEUE = 5,
	CTL_DENIED = 6,
	CTL_NO_MODULE = 7,
};

/**
 * struct command - a command of mpmcctl
 * @name: its name
 * @args: what it wants, for the line of its usage
 * @summary: what it does, in a line
 * @options: its options, as they are shown
 * @misused: how it ends when its arguments have no meaning
 * @run: does it; argv[0] is "mpmcctl NAME". Returns the exit status
 */
struct command {
	const char *name;
	const char *args;
	const char *summary;
	const char *options;
	int misused;
	int (*run)(int argc, char **argv);
};

extern const struct command command_ls;
extern const struct command command_stat;
extern const struct command command_create;
extern const struct command command_rm;
extern const struct command command_push;
extern const struct command command_pop;
extern const struct command command_drain;
extern const struct command command_shutdown;
extern const struct command command_watch;
extern const struct command command_metrics;
extern const struct command command_top;

#endif /* CTL_H */
