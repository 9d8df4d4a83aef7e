// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * mpmcctl stat: all that is known of queues
 */
#include "complain.h"
#include "option.h"
#include "snapshot.h"
#include "view.h"

/* Those that can't be looked at are told of, and the first of these counts. */
static int look(char **names, struct json *json)
{
	struct snapshot snapshot;
	int ret, status = CTL_DONE;

	for (; *names; names++) {
		ret = snapshot_take(&snapshot, *names);
		if (ret) {
			ret = complain_error(ret, *names, "look at it");
			if (!status)
				status = ret;
		} else if (json) {
			view_json(json, NULL, &snapshot);
		} else {
			view_text(stdout, &snapshot);
		}
	}
	return status;
}

static int run(int argc, char **argv)
{
	static const struct option longs[] = { OPTION_HELP, OPTION_JSON, { 0 } };
	struct json json = { .out = stdout };
	bool as_json = false;
	int letter, status;

	while ((letter = option_next(argc, argv, "hj", longs)) >= 0)
		as_json |= letter == 'j';
	argv = option_rest(argc, argv, 1, -1);
	if (!as_json)
		return look(argv, NULL);
	json_open(&json, NULL, '[');
	status = look(argv, &json);
	json_close(&json, ']');
	json_line(&json);
	return status;
}

const struct command command_stat = {
	.name = "stat",
	.args = "[OPTION]... NAME...",
	.summary = "Tells all that is known of queues",
	.options = TEXT_HELP TEXT_JSON,
	.misused = CTL_MISUSED,
	.run = run,
};
