/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What went wrong: a line for people, a status for programs. */
#ifndef COMPLAIN_H
#define COMPLAIN_H

#include <stdarg.h>

/* Lines begin with "mpmcctl NAME:" from now on. */
void complain_of(const char *name);

/* A line to the standard error. */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));
void complain_va(const char *format, va_list args);

/*
 * The same of an error of the library's about a queue, NULL for none in particular;
 * "doing" is what the queue's mode has to allow, NULL if nothing.
 *
 * Return: an enum ctl_status.
 */
int complain_error(int err, const char *queue, const char *doing);

/* What there is to say of it, in "text"; the same status. */
int complain_text(char *text, int size, int err, const char *queue,
		  const char *doing);

#endif /* COMPLAIN_H */
