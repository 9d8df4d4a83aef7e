// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * mpmcctl rm: the end of names
 */
#include <errno.h>
#include <stdbool.h>

#include <mpmc.h>

#include "complain.h"
#include "json.h"
#include "option.h"

/* Those that can't be removed are told of, and the first of these counts. */
static int remove_all(char **names, bool force, struct json *json)
{
	int ret, status = CTL_DONE;

	for (; *names; names++) {
		ret = mpmc_queue_unlink(*names);
		if (!ret && json)
			json_string(json, NULL, *names);
		if (!ret || (ret == -ENOENT && force))
			continue;
		ret = complain_error(ret, *names, NULL);
		if (!status)
			status = ret;
	}
	return status;
}

static int run(int argc, char **argv)
{
	static const struct option longs[] = {
		OPTION_HELP, OPTION_JSON,
		{ "force", no_argument, NULL, 'f' }, { 0 },
	};
	struct json json = { .out = stdout };
	bool force = false, as_json = false;
	int letter, status;

	while ((letter = option_next(argc, argv, "hjf", longs)) >= 0) {
		force |= letter == 'f';
		as_json |= letter == 'j';
	}
	argv = option_rest(argc, argv, 1, -1);
	if (!as_json)
		return remove_all(argv, force, NULL);
	json_open(&json, NULL, '[');
	status = remove_all(argv, force, &json);
	json_close(&json, ']');
	json_line(&json);
	return status;
}

const struct command command_rm = {
	.name = "rm",
	.args = "[OPTION]... NAME...",
	.summary = "Takes names away; queues go when nobody has them open any more",
	.options = TEXT_HELP
		   "  -j, --json            print an array of JSON: the names that are gone\n"
		   "  -f, --force           one that is not there is no error\n",
	.misused = CTL_MISUSED,
	.run = run,
};
