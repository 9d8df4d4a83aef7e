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
#include "number.h"
#include "option.h"
#include "text.h"

/* Nobody is told that the last item has been finished with: look now and then. */
#define LOOK_NS 20000000

/* What consumers have not finished with: 0 when they have, or an error. */
static int unfinished(struct mpmc_queue *queue, uint64_t *count)
{
	struct mpmc_stat stat = { .size = sizeof(stat) };
	int ret = mpmc_queue_stat(queue, &stat);

	*count = stat.items + stat.leased;
	return ret;
}

static int wait_for_consumers(struct mpmc_queue *queue, const char *name,
			      struct deadline *deadline)
{
	const struct timespec time = { .tv_nsec = LOOK_NS };
	uint64_t count;
	int ret;

	for (;;) {
		ret = unfinished(queue, &count);
		if (ret)
			return complain_error(ret, name, NULL);
		if (!count)
			return CTL_DONE;
		if (deadline_over(deadline))
			break;
		nanosleep(&time, NULL);
	}
	complain("%s: shut down, but consumers have not finished with %" PRIu64 " items until the timeout",
		 text_shown(name), count);
	return CTL_LATE;
}

static int run(int argc, char **argv)
{
	static const struct option longs[] = {
		OPTION_HELP, { "wait", no_argument, NULL, 'w' },
		{ "timeout", required_argument, NULL, 't' }, { 0 },
	};
	mpmc_auto_queue struct mpmc_queue *queue = NULL;
	struct deadline deadline = { 0 };
	bool wait = false;
	int letter, ret;
	char *name;

	while ((letter = option_next(argc, argv, "hwt:", longs)) >= 0) {
		wait = true;
		if (letter == 't')
			deadline_set(&deadline,
				     number_time("--timeout", optarg));
	}
	name = option_rest(argc, argv, 1, 1)[0];
	ret = mpmc_queue_open(&queue, name, O_WRONLY, 0, NULL);
	if (!ret)
		ret = mpmc_shutdown(queue);
	if (ret)
		return complain_error(ret, name, "shut it down");
	return wait ? wait_for_consumers(queue, name, &deadline) : CTL_DONE;
}

const struct command command_shutdown = {
	.name = "shutdown",
	.args = "[OPTION]... NAME",
	.summary = "Ends a stream: a queue takes no more items, and gives what it has",
	.options = TEXT_HELP
		   "  -w, --wait            until consumers have finished with all items\n"
		   "  -t, --timeout=TIME    the same, but no longer\n",
	.misused = CTL_MISUSED,
	.run = run,
};
