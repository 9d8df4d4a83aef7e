// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * mpmcctl watch: whether a queue is well, for monitoring systems
 *
 * As the plugins of Nagios and its kin are: a line with figures behind a bar, and
 * an exit status.
 */
#include <inttypes.h>
#include <time.h>

#include "complain.h"
#include "limit.h"
#include "number.h"
#include "option.h"
#include "view.h"

/**
 * struct watch - what to look at
 * @name: the queue
 * @limits: what is an alert
 * @stall: it is one also if no item is finished with for so long
 * @stalls: that is asked for
 */
struct watch {
	const char *name;
	struct limits limits;
	struct timespec stall;
	bool stalls;
};

/* There was something to do all the time, and it was not done. */
static bool is_stalled(const struct snapshot *before,
		       const struct snapshot *now)
{
	return before->stat.items + before->stat.leased &&
	       now->stat.items + now->stat.leased &&
	       before->stats.dequeued == now->stats.dequeued;
}

static int check_stall(struct report *report, const struct watch *watch,
		       struct snapshot *snapshot)
{
	struct snapshot before = *snapshot;
	int ret;

	nanosleep(&watch->stall, NULL);
	ret = snapshot_take(snapshot, watch->name);
	if (ret)
		return ret;
	if (!snapshot->counted)
		report_add(report, VERDICT_UNKNOWN,
			   "whether it is stalled is not known");
	else if (is_stalled(&before, snapshot))
		report_add(report, VERDICT_CRITICAL,
			   "stalled: nothing was finished with in %g s",
			   watch->stall.tv_sec + watch->stall.tv_nsec / 1e9);
	return 0;
}

static void add_well(struct report *report, const struct snapshot *snapshot)
{
	const struct mpmc_stat *stat = &snapshot->stat;

	report_add(report, VERDICT_OK,
		   "%" PRIu64 " of %" PRIu64 " items, %" PRIu64 " leased, %.1f%% full%s",
		   stat->items, stat->capacity, stat->leased,
		   view_use(snapshot), stat->shut_down ? ", shut down" : "");
}

static int check(struct report *report, const struct watch *watch,
		 struct snapshot *snapshot)
{
	int ret = snapshot_take(snapshot, watch->name);

	if (!ret && watch->stalls)
		ret = check_stall(report, watch, snapshot);
	if (ret)
		return ret;
	limits_check(&watch->limits, snapshot, report);
	add_well(report, snapshot);
	return 0;
}

static void print_figures(const struct limits *limits,
			  const struct snapshot *snapshot)
{
	const struct field *field;

	printf(" | use=%.1f%%;%s;%s;0;100", view_use(snapshot),
	       limits_text(limits, NULL, VERDICT_WARNING),
	       limits_text(limits, NULL, VERDICT_CRITICAL));
	for (field = fields; field->name; field++)
		if (field_known(field, snapshot))
			printf(" %s=%" PRIu64 "%s;%s;%s;0;", field->name,
			       field_value(field, snapshot),
			       field->kind == FIELD_COUNTED ? "c" : "",
			       limits_text(limits, field, VERDICT_WARNING),
			       limits_text(limits, field, VERDICT_CRITICAL));
}

/* "snapshot" is NULL if there is none. */
static void print_line(const struct watch *watch, const struct report *report,
		       const struct snapshot *snapshot)
{
	printf("MPMC %s - %s%s%s", verdict_name(report->verdict),
	       snapshot ? text_shown(watch->name) : "", snapshot ? ": " : "",
	       report->text);
	if (snapshot)
		print_figures(&watch->limits, snapshot);
	putchar('\n');
}

static void print_json(const struct watch *watch, const struct report *report,
		       const struct snapshot *snapshot)
{
	struct json json = { .out = stdout };

	json_open(&json, NULL, '{');
	json_string(&json, "name", watch->name);
	json_string(&json, "status", verdict_name(report->verdict));
	json_string(&json, "message", report->text);
	if (snapshot)
		view_json(&json, "queue", snapshot);
	json_close(&json, '}');
	json_line(&json);
}

/* A queue that is not there is not well, whatever the reason. */
static void report_error(struct report *report, const char *name, int err)
{
	int status = complain_text(report->text, sizeof(report->text), err,
				   name, "look at it");

	report->verdict = status == CTL_NO_QUEUE || status == CTL_NO_MODULE ?
				  VERDICT_CRITICAL : VERDICT_UNKNOWN;
}

static int watch_queue(const struct watch *watch, bool json)
{
	struct report report = { .verdict = VERDICT_OK };
	struct snapshot snapshot;
	int ret = check(&report, watch, &snapshot);

	if (ret)
		report_error(&report, watch->name, ret);
	(json ? print_json : print_line)(watch, &report,
					 ret ? NULL : &snapshot);
	return report.verdict;
}

static int run(int argc, char **argv)
{
	static const struct option longs[] = {
		OPTION_HELP, OPTION_JSON,
		{ "warning", required_argument, NULL, 'w' },
		{ "critical", required_argument, NULL, 'c' },
		{ "stall", required_argument, NULL, 's' }, { 0 },
	};
	struct watch watch = { 0 };
	bool json = false;
	int letter;

	while ((letter = option_next(argc, argv, "hjw:c:s:", longs)) >= 0) {
		json |= letter == 'j';
		if (letter == 'w')
			limits_add(&watch.limits, optarg, VERDICT_WARNING);
		else if (letter == 'c')
			limits_add(&watch.limits, optarg, VERDICT_CRITICAL);
		else if (letter == 's')
			watch.stall = number_time("--stall", optarg);
		watch.stalls |= letter == 's';
	}
	watch.name = option_rest(argc, argv, 1, 1)[0];
	return watch_queue(&watch, json);
}

const struct command command_watch = {
	.name = "watch",
	.args = "[OPTION]... NAME",
	.summary = "Tells whether a queue is well, as a plugin of Nagios does",
	.options = TEXT_HELP TEXT_JSON
		   "  -w, --warning=[FIELD=]RANGE   warn when FIELD is outside of it\n"
		   "  -c, --critical=[FIELD=]RANGE  the same, critical\n"
		   "  -s, --stall=TIME      critical if there are items, and none is finished with\n"
		   "                        for so long\n"
		   "\n"
		   "FIELD is one that 'mpmcctl stat' shows, or \"use\", which it is if none is named:\n"
		   "how full the queue is, in percent. RANGE is N: 0 to N; N: (with a colon): N or\n"
		   "more; N:M: N to M.\n",
	.misused = VERDICT_UNKNOWN,
	.run = run,
};
