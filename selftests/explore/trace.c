// SPDX-License-Identifier: GPL-2.0
/*
 * Saying what an execution does, by the lines of the source
 */
#include "trace.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "schedule.h"

#define NAMES 32
#define SOURCE_TEXT 60

static struct {
	const uint8_t *addr;
	size_t size;
	const char *name;
} names[NAMES];
static unsigned int name_count;

struct place {
	char function[100];
	char file[300];
	unsigned int line;
};

void trace_name(const void *addr, size_t size, const char *name)
{
	unsigned int i;

	for (i = 0; i < name_count && names[i].addr != addr; i++)
		;
	if (i == NAMES)
		return;
	if (i == name_count)
		name_count++;
	names[i].addr = addr;
	names[i].size = size;
	names[i].name = name;
}

/* Frames that only wrap the access are not where it is made. */
static bool is_wrapper(const char *file)
{
	const char *base = strrchr(file, '/');

	base = base ? base + 1 : file;
	return !strcmp(base, "shim.h") || !strcmp(base, "kernel.c");
}

static void place_find(const void *pc, struct place *place)
{
	char command[200], *colon;
	FILE *pipe;

	strcpy(place->function, "?");
	strcpy(place->file, "?");
	place->line = 0;
	snprintf(command, sizeof(command),
		 "addr2line -fi -e /proc/%d/exe %p 2>/dev/null", getpid(),
		 (const char *)pc - 1);
	pipe = popen(command, "r");
	if (!pipe)
		return;
	while (fscanf(pipe, "%99s %299[^\n]", place->function, place->file) == 2) {
		colon = strrchr(place->file, ':');
		if (colon) {
			place->line = strtoul(colon + 1, NULL, 10);
			*colon = 0;
		}
		if (!is_wrapper(place->file))
			break;
	}
	pclose(pipe);
}

const char *trace_place(const void *pc)
{
	static char text[150];
	struct place place;
	const char *base;

	place_find(pc, &place);
	base = strrchr(place.file, '/');
	snprintf(text, sizeof(text), "%s (%.40s:%u)", place.function,
		 base ? base + 1 : place.file, place.line);
	return text;
}

/* Said under what say_where() has said. */
static void say(const char *format, ...)
	__attribute__((format(printf, 1, 2)));

/* The line itself. */
static const char *place_source(const struct place *place)
{
	static char text[300];
	FILE *file = fopen(place->file, "r");
	unsigned int line = 0;
	char *start = text;

	text[0] = 0;
	while (file && line < place->line && fgets(text, sizeof(text), file))
		line++;
	if (file)
		fclose(file);
	text[strcspn(text, "\n")] = 0;
	while (*start == '\t' || *start == ' ')
		start++;
	return start;
}

static void say_where(const void *pc)
{
	struct place place;
	const char *base;

	place_find(pc, &place);
	base = strrchr(place.file, '/');
	printf("#  %*s%u  %-22s %s:%u  |  %.*s\n",
	       16 * (schedule_current() - 1), "", schedule_current(),
	       place.function, base ? base + 1 : place.file, place.line,
	       SOURCE_TEXT, place_source(&place));
}

static const char *name_of(const void *addr)
{
	static char text[100];
	unsigned int i;

	for (i = 0; i < name_count; i++)
		if ((const uint8_t *)addr >= names[i].addr &&
		    (const uint8_t *)addr < names[i].addr + names[i].size) {
			snprintf(text, sizeof(text), "%s+%#lx", names[i].name,
				 (const uint8_t *)addr - names[i].addr);
			return text;
		}
	snprintf(text, sizeof(text), "%p", addr);
	return text;
}

static void say(const char *format, ...)
{
	va_list args;

	printf("#  %*s   ", 16 * (schedule_current() - 1), "");
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
}

static bool is_silent(void)
{
	return !schedule_tracing() || !schedule_current();
}

void trace_access(const char *what, const void *addr, uint64_t value,
		  unsigned int old, const void *pc)
{
	char age[50] = "";

	if (is_silent())
		return;
	say_where(pc);
	if (old)
		snprintf(age, sizeof(age), ", OLD: there %s %u newer",
			 old == 1 ? "is" : "are", old);
	say("    %s of %s: %#lx%s", what, name_of(addr), value, age);
}

void trace_plain(const char *what, const void *addr, const void *pc)
{
	if (is_silent())
		return;
	say_where(pc);
	say("    %s of %s", what, name_of(addr));
}

void trace_fence(int order, const void *pc)
{
	if (is_silent())
		return;
	say_where(pc);
	say("    %s", order == __ATOMIC_SEQ_CST ? "full barrier" :
	    order == __ATOMIC_ACQUIRE ? "read barrier" : "write barrier");
}

void trace_switch(unsigned int thread)
{
	if (schedule_tracing())
		printf("#  --- thread %u\n", thread);
}

void trace_say(const char *format, ...)
{
	char text[200];
	va_list args;

	if (is_silent())
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	say("=== %s", text);
}
