/* SPDX-License-Identifier: GPL-2.0 */
#ifndef EXPLORE_TRACE_H
#define EXPLORE_TRACE_H

#include <stddef.h>
#include <stdint.h>

/* What is done, said while a schedule is replayed. */
void trace_access(const char *what, const void *addr, uint64_t value,
		  unsigned int old, const void *pc);
void trace_plain(const char *what, const void *addr, const void *pc);
void trace_fence(int order, const void *pc);
void trace_switch(unsigned int thread);
void trace_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* "function (file:line)" of an address in the program; valid until the next. */
const char *trace_place(const void *pc);

/* Names for memory, until the next execution. */
void trace_name(const void *addr, size_t size, const char *name);

#endif /* EXPLORE_TRACE_H */
