/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Where items go that are taken: the standard output. */
#ifndef SINK_H
#define SINK_H

#include <stdbool.h>

#include <mpmc.h>

enum sink_format { SINK_DECIMAL, SINK_HEX, SINK_RAW, SINK_JSON };

/* As many items as go at once at most. */
#define SINK_ITEMS 256

/**
 * struct sink - where items go
 * @format: what they look like
 * @pipe: it is a pipe, whose reader can be seen to read
 * @dies: who writes where nobody reads is killed by SIGPIPE
 */
struct sink {
	enum sink_format format;
	bool pipe;
	bool dies;
};

void sink_init(struct sink *sink, enum sink_format format);

/*
 * Writes items; through a pipe, waits until they have been read. Return: 0, or a
 * negative errno, -EPIPE if nobody reads. "got" is how many have arrived in any case.
 */
int sink_put(struct sink *sink, const struct mpmc_item *items, size_t count,
	     size_t *got);

/* The end of a program that got that: says so; the status, if it returns. */
int sink_failed(const struct sink *sink, int err);

#endif /* SINK_H */
