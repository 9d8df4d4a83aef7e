// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * What went wrong: a line for people, a status for programs
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <mpmc.h>

#include "complain.h"
#include "ctl.h"
#include "text.h"

static const char *prefix;

void complain_of(const char *name)
{
	prefix = name;
}

void complain_va(const char *format, va_list args)
{
	/* What was printed before comes before it. */
	fflush(stdout);
	fprintf(stderr, "mpmcctl%s%s: ", prefix ? " " : "",
		prefix ? prefix : "");
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
}

void complain(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	complain_va(format, args);
	va_end(args);
}

static const char *why_no_module(void)
{
	if (!access("/sys/module/mpmc", F_OK))
		return "the module is loaded, but there is no /dev/mpmc here: a container has to be given that device";
	return "there is no /dev/mpmc: the module is not loaded; as root: modprobe mpmc";
}

static int status_of(int err)
{
	switch (-err) {
	case ENXIO:
	case ENODEV:
		return CTL_NO_MODULE;
	case EACCES:
	case EPERM:
		return CTL_DENIED;
	case ENOENT:
		return CTL_NO_QUEUE;
	case EINVAL:
	case ENAMETOOLONG:
		return CTL_MISUSED;
	}
	return CTL_FAILED;
}

int complain_text(char *text, int size, int err, const char *queue,
		  const char *doing)
{
	const char *name = queue ? text_shown(queue) : "";

	if (err == -ENXIO || err == -ENODEV)
		snprintf(text, size, "%s", why_no_module());
	else if (err == -EACCES && doing)
		snprintf(text, size, "%s: not allowed to %s: its owner and mode are against it; 'mpmcctl ls' shows those of the queues you may see",
			 name, doing);
	else if (err == -EACCES)
		snprintf(text, size, "%s: not allowed: it is somebody else's",
			 name);
	else if (err == -ENOENT)
		snprintf(text, size, "%s: there is no queue of that name in this IPC namespace; 'mpmcctl ls' shows those there are",
			 name);
	else if (err == -EEXIST)
		snprintf(text, size, "%s: there is a queue of that name already",
			 name);
	else if (err == -EINVAL && queue && (queue[0] != '/' || !queue[1]))
		snprintf(text, size, "'%s' is no name of a queue: one begins with a slash, as in /jobs",
			 name);
	else
		snprintf(text, size, "%s%s%s", name, queue ? ": " : "",
			 mpmc_strerror(err));
	return status_of(err);
}

int complain_error(int err, const char *queue, const char *doing)
{
	char text[TEXT_NAME_SIZE + 256];
	int status = complain_text(text, sizeof(text), err, queue, doing);

	complain("%s", text);
	return status;
}
