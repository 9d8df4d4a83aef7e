// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * mpmcctl rm: the end of names
 */
#include <errno.h>
#include <stdbool.h>

#include <mpmc.h>

#include "complain.h"
#include "option.h"

static int run(int argc, char **argv)
{
	static const struct option longs[] = {
		OPTION_HELP, { "force", no_argument, NULL, 'f' }, { 0 },
	};
	int letter, ret, status = CTL_DONE;
	bool force = false;

	while ((letter = option_next(argc, argv, "hf", longs)) >= 0)
		force |= letter == 'f';
	argv = option_rest(argc, argv, 1, -1);
	for (; *argv; argv++) {
		ret = mpmc_queue_unlink(*argv);
		if (!ret || (ret == -ENOENT && force))
			continue;
		ret = complain_error(ret, *argv, NULL);
		if (!status)
			status = ret;
	}
	return status;
}

const struct command command_rm = {
	.name = "rm",
	.args = "[OPTION]... NAME...",
	.summary = "Takes names away; queues go when nobody has them open any more",
	.options = TEXT_HELP
		   "  -f, --force           one that is not there is no error\n",
	.misused = CTL_MISUSED,
	.run = run,
};
