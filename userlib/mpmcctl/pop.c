// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * mpmcctl pop: items out of a queue
 */
#include <inttypes.h>

#include "complain.h"
#include "number.h"
#include "option.h"
#include "take.h"
#include "text.h"

static int run(int argc, char **argv)
{
	static const struct option longs[] = {
		TAKE_OPTIONS,
		{ "count", required_argument, NULL, 'n' },
		{ "timeout", required_argument, NULL, 't' },
		{ "follow", no_argument, NULL, 'f' }, { 0 },
	};
	struct take take = { .count = 1 };
	bool follow = false;
	int letter, status;

	while ((letter = option_next(argc, argv, TAKE_LETTERS "n:f",
				     longs)) >= 0) {
		if (letter == 'n')
			take.count = number_option("--count", optarg, 1,
						   UINT64_MAX);
		else if (letter == 'f')
			follow = true;
		else
			take_option(&take, letter, optarg);
	}
	if (follow)
		take.count = UINT64_MAX;
	take.name = option_rest(argc, argv, 1, 1)[0];
	status = take_run(&take);
	if (status == CTL_LATE)
		complain("%s: empty until the timeout; items taken: %" PRIu64,
			 text_shown(take.name), take.done);
	else if (status == CTL_ENDED && follow)
		status = CTL_DONE;
	else if (status == CTL_ENDED)
		complain("%s: shut down, and nothing is left; items taken: %" PRIu64,
			 text_shown(take.name), take.done);
	return status;
}

const struct command command_pop = {
	.name = "pop",
	.args = "[OPTION]... NAME",
	.summary = "Takes items out of a queue, and prints them",
	.options = TAKE_TEXT
		   "  -n, --count=N         take N items (1)\n"
		   "  -f, --follow          take all that come, until a shutdown\n"
		   "  -t, --timeout=TIME    wait no longer for items, in all (for ever); what is\n"
		   "                        written waits for the reader\n",
	.misused = CTL_MISUSED,
	.run = run,
};
