// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * mpmcctl push: items into a queue
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <mpmc.h>

#include "complain.h"
#include "deadline.h"
#include "json.h"
#include "number.h"
#include "option.h"
#include "text.h"

/**
 * struct push - what a push has to do
 * @queue: the queue
 * @name: its name
 * @deadline: until when to wait for room
 * @raw: standard input is items of 8 bytes, not lines
 * @done: so many items are in
 */
struct push {
	struct mpmc_queue *queue;
	const char *name;
	struct deadline deadline;
	bool raw;
	uint64_t done;
};

static int complain_put(const struct push *push, int err)
{
	if (err == -ETIMEDOUT)
		complain("%s: no room until the timeout; items put: %" PRIu64,
			 text_shown(push->name), push->done);
	else if (err == -EPIPE)
		complain("%s: shut down, it takes no items any more; items put: %" PRIu64,
			 text_shown(push->name), push->done);
	else
		return complain_error(err, push->name, NULL);
	return err == -EPIPE ? CTL_ENDED : CTL_LATE;
}

/* What arguments say goes in together, or not at all. */
static int push_arguments(struct push *push, char **words, size_t count)
{
	uint64_t *items = calloc(count, sizeof(*items));
	size_t i;
	int ret;

	if (!items)
		return complain_error(-ENOMEM, NULL, NULL);
	for (i = 0; i < count; i++)
		if (!number_parse(words[i], &items[i]))
			option_misused("'%s' is no item: those are numbers of 64 bits, decimal or 0x...; nothing was put",
				       words[i]);
	ret = mpmc_enqueue_bulk_wait(push->queue, items, count,
				     deadline_left(&push->deadline));
	free(items);
	if (ret)
		return complain_put(push, ret);
	push->done = count;
	return CTL_DONE;
}

static int push_item(struct push *push, uint64_t item)
{
	int ret = mpmc_enqueue_wait(push->queue, item,
				    deadline_left(&push->deadline));

	if (ret)
		return complain_put(push, ret);
	push->done++;
	return CTL_DONE;
}

/* A number, and nothing else: what is behind a NUL belongs to the line as well. */
static bool line_parse(char *line, size_t length, uint64_t *item)
{
	if (line[length - 1] == '\n')
		line[--length] = 0;
	return strlen(line) == length && number_parse(line, item);
}

static int push_lines(struct push *push)
{
	char *line = NULL;
	size_t size = 0;
	ssize_t length;
	uint64_t item;
	int status = CTL_DONE;

	while (!status && (length = getline(&line, &size, stdin)) >= 0) {
		if (line_parse(line, length, &item)) {
			status = push_item(push, item);
			continue;
		}
		complain("line %" PRIu64 " is no item: those are numbers of 64 bits, decimal or 0x...; the lines before it were put",
			 push->done + 1);
		status = CTL_MISUSED;
	}
	free(line);
	return status;
}

static int push_raw(struct push *push)
{
	uint64_t item;
	size_t size;
	int status = CTL_DONE;

	while (!status && (size = fread(&item, 1, sizeof(item), stdin))) {
		if (size == sizeof(item)) {
			status = push_item(push, item);
			continue;
		}
		complain("%zu bytes too many: items have 8; those before were put",
			 size);
		status = CTL_MISUSED;
	}
	return status;
}

static int push_input(struct push *push)
{
	int status = push->raw ? push_raw(push) : push_lines(push);

	if (status || !ferror(stdin))
		return status;
	complain("cannot read: %s", strerror(errno));
	return CTL_FAILED;
}

static void print_json(const struct push *push)
{
	struct json json = { .out = stdout };

	json_open(&json, NULL, '{');
	json_string(&json, "name", push->name);
	json_number(&json, "put", push->done);
	json_close(&json, '}');
	json_line(&json);
}

static int push_all(struct push *push, char **words, size_t count, bool json)
{
	int ret = mpmc_queue_open(&push->queue, push->name, O_WRONLY, 0, NULL);

	if (ret)
		return complain_error(ret, push->name, "put items there");
	ret = count ? push_arguments(push, words, count) : push_input(push);
	mpmc_queue_destroy(push->queue);
	if (json)
		print_json(push);
	return ret;
}

static int run(int argc, char **argv)
{
	static const struct option longs[] = {
		OPTION_HELP, OPTION_JSON,
		{ "raw", no_argument, NULL, 'r' },
		{ "timeout", required_argument, NULL, 't' }, { 0 },
	};
	struct push push = { 0 };
	bool json = false;
	int letter;

	while ((letter = option_next(argc, argv, "hjrt:", longs)) >= 0) {
		json |= letter == 'j';
		push.raw |= letter == 'r';
		if (letter == 't')
			deadline_set(&push.deadline,
				     number_time("--timeout", optarg));
	}
	argv = option_rest(argc, argv, 1, push.raw ? 1 : -1);
	push.name = argv[0];
	return push_all(&push, argv + 1, argc - optind - 1, json);
}

const struct command command_push = {
	.name = "push",
	.args = "[OPTION]... NAME [ITEM]...",
	.summary = "Puts items into a queue: all arguments or none, or lines of standard input",
	.options = TEXT_HELP
		   "  -j, --json            print an object of JSON: how many items are in\n"
		   "  -r, --raw             standard input is 8 bytes an item, as the host has them\n"
		   "  -t, --timeout=TIME    wait no longer for room, in all (for ever)\n",
	.misused = CTL_MISUSED,
	.run = run,
};
