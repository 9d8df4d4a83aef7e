// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * mpmcctl drain: all that a queue has
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>

#include "complain.h"
#include "json.h"
#include "option.h"
#include "take.h"

#define AT_A_TIME 4096

/* How many that were; -EPIPE is an end like any other. */
static int discard_all(struct mpmc_queue *queue, uint64_t *count)
{
	uint64_t items[AT_A_TIME];
	ssize_t n;

	*count = 0;
	while ((n = mpmc_try_dequeue_bulk(queue, items, AT_A_TIME)) > 0)
		*count += n;
	return n == -EPIPE ? 0 : n;
}

static int discard(const char *name, bool as_json)
{
	mpmc_auto_queue struct mpmc_queue *queue = NULL;
	struct json json = { .out = stdout };
	uint64_t count;
	int ret = mpmc_queue_open(&queue, name, O_RDONLY, 0, NULL);

	if (!ret)
		ret = discard_all(queue, &count);
	if (ret)
		return complain_error(ret, name, "take items");
	if (!as_json) {
		printf("%" PRIu64 "\n", count);
		return CTL_DONE;
	}
	json_open(&json, NULL, '{');
	json_string(&json, "name", name);
	json_number(&json, "discarded", count);
	json_close(&json, '}');
	json_line(&json);
	return CTL_DONE;
}

/* Nothing left, at the moment or for ever, is what was wanted. */
static int print(struct take *take)
{
	int status;

	take->count = UINT64_MAX;
	deadline_set(&take->deadline, (struct timespec){ 0 });
	status = take_run(take);
	return status == CTL_LATE || status == CTL_ENDED ? CTL_DONE : status;
}

static int run(int argc, char **argv)
{
	static const struct option longs[] = {
		TAKE_OPTIONS, { "discard", no_argument, NULL, 'd' }, { 0 },
	};
	struct take take = { 0 };
	bool away = false;
	int letter;

	while ((letter = option_next(argc, argv, TAKE_LETTERS "d", longs)) >= 0) {
		away |= letter == 'd';
		take_option(&take, letter, optarg);
	}
	take.name = option_rest(argc, argv, 1, 1)[0];
	return away ? discard(take.name, take.format == SINK_JSON) :
		      print(&take);
}

const struct command command_drain = {
	.name = "drain",
	.args = "[OPTION]... NAME",
	.summary = "Takes all items that there are, and prints them, or throws them away",
	.options = TAKE_TEXT
		   "  -d, --discard         print how many there were, not what they were\n",
	.misused = CTL_MISUSED,
	.run = run,
};
