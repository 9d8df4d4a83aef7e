// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * mpmcctl top: how queues are doing, again and again
 */
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "complain.h"
#include "number.h"
#include "option.h"
#include "snapshot.h"
#include "table.h"
#include "terminal.h"
#include "text.h"
#include "view.h"

#define HEADINGS "NAME ITEMS CAPACITY USE LEASED IN/S OUT/S FULL/S PT CT PW CW AGAIN DEAD"
#define COLUMNS 14
#define MAX_NAME 40

/**
 * struct top - what is shown
 * @now: the queues
 * @before: they at the time before this one
 * @taken: when that was
 * @seconds: how long it was from then to now; 0: there was none before
 * @interval: from one page to the next
 * @pages: so many are to come; 0: no end
 * @json: how
 */
struct top {
	struct snapshots now, before;
	struct timespec taken;
	double seconds;
	struct timespec interval;
	uint64_t pages;
	bool json;
};

static int look(struct top *top)
{
	struct timespec now;
	int ret;

	snapshots_free(&top->before);
	top->before = top->now;
	top->now = (struct snapshots){ 0 };
	ret = snapshots_take(&top->now);
	clock_gettime(CLOCK_MONOTONIC, &now);
	top->seconds = top->taken.tv_sec ? now.tv_sec - top->taken.tv_sec +
			(now.tv_nsec - top->taken.tv_nsec) / 1e9 : 0;
	top->taken = now;
	return ret;
}

/* How often a second; -1 if it is not known, or the queue is another one. */
static double rate(const struct top *top, const struct snapshot *before,
		   uint64_t then, uint64_t now)
{
	if (!before || !before->counted || now < then)
		return -1;
	return (now - then) / top->seconds;
}

static bool add_rate(struct table *table, double rate)
{
	return rate < 0 ? table_add(table, "-") :
			  table_add(table, "%.*f", rate < 10 && rate > 0, rate);
}

static bool add_state(struct table *table, const struct snapshot *snapshot)
{
	const struct mpmc_stat *stat = &snapshot->stat;

	return table_add(table, "%" PRIu64, stat->items) &&
	       table_add(table, "%" PRIu64, stat->capacity) &&
	       table_add(table, "%.0f%%", view_use(snapshot)) &&
	       table_add(table, "%" PRIu64, stat->leased);
}

static bool add_tokens(struct table *table, const struct snapshot *snapshot)
{
	const struct mpmc_stat *stat = &snapshot->stat;

	return table_add(table, "%" PRIu32, stat->producers) &&
	       table_add(table, "%" PRIu32, stat->consumers) &&
	       table_add(table, "%" PRIu32, stat->enqueue_waiters) &&
	       table_add(table, "%" PRIu32, stat->dequeue_waiters) &&
	       table_add(table, "%" PRIu64, stat->redelivered) &&
	       table_add(table, "%" PRIu64, stat->dead + stat->dropped);
}

static bool add_row(struct table *table, const struct top *top,
		    const struct snapshot *now)
{
	const struct snapshot *before = snapshots_find(&top->before,
						       now->name.name);
	const struct mpmc_stats none = { 0 };
	const struct mpmc_stats *then = before ? &before->stats : &none;

	return table_add(table, "%.*s%s", MAX_NAME, text_shown(now->name.name),
			 now->stat.shut_down ? "*" : "") &&
	       add_state(table, now) &&
	       add_rate(table, rate(top, before, then->enqueued,
				    now->stats.enqueued)) &&
	       add_rate(table, rate(top, before, then->dequeued,
				    now->stats.dequeued)) &&
	       add_rate(table, rate(top, before, then->full,
				    now->stats.full)) &&
	       add_tokens(table, now);
}

static bool fill(struct table *table, const struct top *top)
{
	size_t i;

	if (!table_head(table, HEADINGS))
		return false;
	for (i = 0; i < top->now.count; i++)
		if (!add_row(table, top, &top->now.list[i]))
			return false;
	return true;
}

static void title(const struct top *top, const char *end)
{
	time_t now = time(NULL);
	struct tm local;
	char text[16] = "";

	if (localtime_r(&now, &local))
		strftime(text, sizeof(text), "%H:%M:%S", &local);
	printf("mpmcctl top - %s, queues: %zu%s", text, top->now.count, end);
}

/* One page, on all of a terminal, or below what is there already. */
static bool print_page(const struct top *top, bool terminal)
{
	const char *end = terminal ? "\033[K\n" : "\n";
	struct table table = { .columns = COLUMNS, .gap = 1, .left = 1 };
	size_t rows = 0, columns = 0;
	bool good = fill(&table, top);

	if (terminal) {
		fputs("\033[H", stdout);
		terminal_size(&rows, &columns);
		/* The title has one, and the last one stays empty. */
		rows = rows > 3 ? rows - 2 : 1;
	}
	if (good) {
		title(top, end);
		table_print(&table, stdout, rows, columns, end);
	}
	if (terminal)
		fputs("\033[J", stdout);
	table_free(&table);
	return good;
}

/* 0, a status, or an error of the library's. */
static int page(struct top *top, bool terminal)
{
	int ret = look(top);

	if (ret)
		return ret;
	if (top->json)
		view_json_all(stdout, &top->now);
	else if (!print_page(top, terminal))
		return -ENOMEM;
	return fflush(stdout) ? CTL_FAILED : CTL_DONE;
}

/* Each time that it is called for, or the time has come. */
static int show(struct top *top)
{
	int ret;

	terminal_enter();
	do {
		ret = page(top, true);
		if (ret || (top->pages && !--top->pages))
			break;
	} while (terminal_wait(&top->interval) != TERMINAL_END);
	terminal_leave();
	return ret;
}

static int print(struct top *top)
{
	int ret;

	for (;;) {
		ret = page(top, false);
		if (ret || (top->pages && !--top->pages))
			return ret;
		nanosleep(&top->interval, NULL);
		if (!top->json)
			putchar('\n');
	}
}

static void take_option(struct top *top, int letter, const char *value)
{
	switch (letter) {
	case 'd':
		top->interval = number_time("--delay", value);
		break;
	case 'n':
		top->pages = number_option("--pages", value, 1, UINT64_MAX);
		break;
	case 'j':
		top->json = true;
		break;
	}
}

static int run(int argc, char **argv)
{
	static const struct option longs[] = {
		OPTION_HELP, OPTION_JSON,
		{ "delay", required_argument, NULL, 'd' },
		{ "pages", required_argument, NULL, 'n' }, { 0 },
	};
	struct top top = { .interval = { .tv_sec = 1 } };
	int letter, ret;

	while ((letter = option_next(argc, argv, "hjd:n:", longs)) >= 0)
		take_option(&top, letter, optarg);
	option_rest(argc, argv, 0, 0);
	ret = isatty(STDOUT_FILENO) && !top.json ? show(&top) : print(&top);
	snapshots_free(&top.now);
	snapshots_free(&top.before);
	if (ret < 0)
		return complain_error(ret, NULL, NULL);
	return ret;
}

const struct command command_top = {
	.name = "top",
	.args = "[OPTION]...",
	.summary = "Shows how queues are doing, again and again, until q or Ctrl-C",
	.options = TEXT_HELP
		   "  -j, --json            print an array of JSON a line\n"
		   "  -d, --delay=TIME      from one page to the next (1)\n"
		   "  -n, --pages=N         show N pages (no end)\n"
		   "\n"
		   "IN/S, OUT/S: items a second; FULL/S: how often there was no room; PT, CT: tokens\n"
		   "of producers and of consumers; PW, CW: threads that wait for room, and for items;\n"
		   "AGAIN: items that came back; DEAD: delivered too often. *: shut down.\n",
	.misused = CTL_MISUSED,
	.run = run,
};
