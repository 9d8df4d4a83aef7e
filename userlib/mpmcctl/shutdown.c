// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * mpmcctl shutdown: the end of a stream
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <time.h>

#include <mpmc.h>

#include "complain.h"
#include "deadline.h"
#include "json.h"
#include "number.h"
#include "option.h"
#include "text.h"

/* Nobody is told that the last item has been finished with: look now and then. */
#define LOOK_NS 20000000

/**
 * struct end - of which stream, and what to do then
 * @name: the queue's name
 * @deadline: until when to wait for consumers
 * @wait: that is asked for
 * @json: print what is left
 */
struct end {
	const char *name;
	struct deadline deadline;
	bool wait;
	bool json;
};

/* What consumers have not finished with. */
static uint64_t unfinished(const struct mpmc_stat *stat)
{
	return stat->items + stat->leased;
}

/* How it is now, or when nothing is left, or the time is over. */
static int look(struct mpmc_queue *queue, struct end *end,
		struct mpmc_stat *stat)
{
	const struct timespec time = { .tv_nsec = LOOK_NS };
	int ret;

	for (;;) {
		*stat = (struct mpmc_stat){ .size = sizeof(*stat) };
		ret = mpmc_queue_stat(queue, stat);
		if (ret || !end->wait || !unfinished(stat) ||
		    deadline_over(&end->deadline))
			return ret;
		nanosleep(&time, NULL);
	}
}

static void print_json(const char *name, const struct mpmc_stat *stat)
{
	struct json json = { .out = stdout };

	json_open(&json, NULL, '{');
	json_string(&json, "name", name);
	json_number(&json, "items", stat->items);
	json_number(&json, "leased", stat->leased);
	json_close(&json, '}');
	json_line(&json);
}

static int shut_down(struct end *end)
{
	mpmc_auto_queue struct mpmc_queue *queue = NULL;
	struct mpmc_stat stat;
	int ret = mpmc_queue_open(&queue, end->name, O_WRONLY, 0, NULL);

	if (!ret)
		ret = mpmc_shutdown(queue);
	if (!ret)
		ret = look(queue, end, &stat);
	if (ret)
		return complain_error(ret, end->name, "shut it down");
	if (end->json)
		print_json(end->name, &stat);
	if (!end->wait || !unfinished(&stat))
		return CTL_DONE;
	complain("%s: shut down, but consumers have not finished with %" PRIu64 " items until the timeout",
		 text_shown(end->name), unfinished(&stat));
	return CTL_LATE;
}

static int run(int argc, char **argv)
{
	static const struct option longs[] = {
		OPTION_HELP, OPTION_JSON,
		{ "wait", no_argument, NULL, 'w' },
		{ "timeout", required_argument, NULL, 't' }, { 0 },
	};
	struct end end = { 0 };
	int letter;

	while ((letter = option_next(argc, argv, "hjwt:", longs)) >= 0) {
		end.json |= letter == 'j';
		end.wait |= letter != 'j';
		if (letter == 't')
			deadline_set(&end.deadline,
				     number_time("--timeout", optarg));
	}
	end.name = option_rest(argc, argv, 1, 1)[0];
	return shut_down(&end);
}

const struct command command_shutdown = {
	.name = "shutdown",
	.args = "[OPTION]... NAME",
	.summary = "Ends a stream: a queue takes no more items, and gives what it has",
	.options = TEXT_HELP
		   "  -j, --json            print an object of JSON: what is left\n"
		   "  -w, --wait            until consumers have finished with all items\n"
		   "  -t, --timeout=TIME    the same, but no longer\n",
	.misused = CTL_MISUSED,
	.run = run,
};
