/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Numbers, as they are given in words. */
#ifndef NUMBER_H
#define NUMBER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

/*
 * Digits alone, or 0x and hexadecimal ones, as far as 64 bits go; nothing else, no
 * sign, no blank. False if that is not what it is.
 */
bool number_parse(const char *text, uint64_t *number);

/*
 * Of options, "option" for the message; a number out of the range, or that is none,
 * ends the program.
 */
uint64_t number_option(const char *option, const char *text, uint64_t min,
		       uint64_t max);

/* Permissions, in octal. */
mode_t number_mode(const char *option, const char *text);

/* A time: seconds, with decimals, or a number and ms, s, m or h. */
struct timespec number_time(const char *option, const char *text);

#endif /* NUMBER_H */
