// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * mpmcctl ls: the queues that the caller may see
 */
#include <grp.h>
#include <inttypes.h>
#include <pwd.h>

#include "complain.h"
#include "option.h"
#include "snapshot.h"
#include "table.h"
#include "text.h"
#include "view.h"

static void print_names(const struct snapshots *taken)
{
	size_t i;

	for (i = 0; i < taken->count; i++)
		puts(text_shown(taken->list[i].name.name));
}

static bool add_row(struct table *table, const struct snapshot *snapshot)
{
	const struct mpmc_stat *stat = &snapshot->stat;
	const struct mpmc_name *name = &snapshot->name;
	char mode[VIEW_MODE_SIZE];
	const struct passwd *user = getpwuid(name->uid);
	const struct group *group;

	view_mode(mode, name->mode);
	if (!table_add(table, "%s", mode) ||
	    !(user ? table_add(table, "%s", user->pw_name) :
		     table_add(table, "%" PRIu32, name->uid)))
		return false;
	group = getgrgid(name->gid);
	return (group ? table_add(table, "%s", group->gr_name) :
			table_add(table, "%" PRIu32, name->gid)) &&
	       table_add(table, "%" PRIu64, stat->items) &&
	       table_add(table, "%" PRIu64, stat->capacity) &&
	       table_add(table, "%.0f%%", view_use(snapshot)) &&
	       table_add(table, "%s", stat->shut_down ? "shut" : "open") &&
	       table_add(table, "%s", text_shown(name->name));
}

static int print_table(const struct snapshots *taken)
{
	struct table table = { .columns = 8, .gap = 2, .left = 0xc7 };
	bool good = table_head(&table, "MODE OWNER GROUP ITEMS CAPACITY USE STATE NAME");
	size_t i;

	for (i = 0; i < taken->count && good; i++)
		good = add_row(&table, &taken->list[i]);
	if (good)
		table_print(&table, stdout, 0, 0, "\n");
	else
		complain("no memory");
	table_free(&table);
	return good ? CTL_DONE : CTL_FAILED;
}

static int run(int argc, char **argv)
{
	static const struct option longs[] = {
		OPTION_HELP, OPTION_JSON,
		{ "quiet", no_argument, NULL, 'q' }, { 0 },
	};
	struct snapshots taken = { 0 };
	bool quiet = false, json = false;
	int letter, ret;

	while ((letter = option_next(argc, argv, "hjq", longs)) >= 0) {
		quiet |= letter == 'q';
		json |= letter == 'j';
	}
	option_rest(argc, argv, 0, 0);
	ret = snapshots_take(&taken);
	if (ret)
		ret = complain_error(ret, NULL, NULL);
	else if (json)
		view_json_all(stdout, &taken);
	else if (quiet)
		print_names(&taken);
	else
		ret = print_table(&taken);
	snapshots_free(&taken);
	return ret;
}

const struct command command_ls = {
	.name = "ls",
	.args = "[OPTION]...",
	.summary = "Lists the queues that have names, and that you may see",
	.options = TEXT_HELP TEXT_JSON
		   "  -q, --quiet           print names alone\n",
	.misused = CTL_MISUSED,
	.run = run,
};
