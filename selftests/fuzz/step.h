/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The input of a fuzzer of a part of the module, which is built in userspace: one
 * half says what is done, the other what happens between two steps of that. At
 * each step of the module's code, where it reads or writes what others do as
 * well, another call may be made from beginning to end, as if its thread had been
 * quicker: an interleaving like any other, and the same each time.
 */
#ifndef STEP_H
#define STEP_H

#include <stdio.h>
#include <string.h>

#define DEPTH_MAX 3

/* What a fuzzer does between two steps; @what is never 0. */
void step_between(u8 what);

void step_begin(const u8 *data, size_t size);
bool step_more(void);
u8 step_byte(void);
u64 step_word(void);
unsigned int step_depth(void);

/* Nothing happens in between until it is ended: for the fuzzer's own looks. */
void step_quiet(bool quiet);

/* It is wrong: the fuzzer stops here, with the input that leads here. */
#define insist(cond) \
	do { \
		if (!(cond)) { \
			fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, \
				__LINE__, #cond); \
			abort(); \
		} \
	} while (0)

#endif /* STEP_H */
