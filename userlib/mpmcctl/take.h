/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Items out of a queue, of which none is lost. */
#ifndef TAKE_H
#define TAKE_H

#include <stdbool.h>
#include <stdint.h>

#include "deadline.h"
#include "sink.h"

/**
 * struct take - what is to be taken
 * @name: the queue's name
 * @format: what is printed
 * @deadline: until when to wait for items
 * @count: how many at most
 * @batch: how many at once at most; 0: one to a pipe, and else as many as there are
 * @done: so many have been taken
 */
struct take {
	const char *name;
	enum sink_format format;
	struct deadline deadline;
	uint64_t count;
	uint64_t batch;
	uint64_t done;
};

/* An option of those below, by its letter. */
void take_option(struct take *take, int letter, const char *value);

#define TAKE_LETTERS "hxrjb:t:"
#define TAKE_OPTIONS \
	{ "hex", no_argument, NULL, 'x' }, { "raw", no_argument, NULL, 'r' }, \
	{ "batch", required_argument, NULL, 'b' }, OPTION_JSON, OPTION_HELP
#define TAKE_TEXT \
	TEXT_HELP \
	"  -j, --json            print an object a line; items are strings there\n" \
	"  -x, --hex             print hexadecimal numbers\n" \
	"  -r, --raw             write 8 bytes an item, as the host has them\n" \
	"  -b, --batch=N         write up to N items at once (1 to a pipe, else 256)\n"

/*
 * Takes items, as a consumer that commits what has arrived. Return: an enum
 * ctl_status: CTL_DONE when there were as many as wanted, CTL_LATE when the time was
 * over before, CTL_ENDED when the queue is shut down, and drained.
 */
int take_run(struct take *take);

#endif /* TAKE_H */
