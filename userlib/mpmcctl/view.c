// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * How a queue is, as it is shown
 */
#include <inttypes.h>

#include "field.h"
#include "text.h"
#include "view.h"

void view_mode(char text[VIEW_MODE_SIZE], unsigned int mode)
{
	int i;

	for (i = 0; i < 9; i++)
		text[i] = mode >> (8 - i) & 1 ? "rwx"[i % 3] : '-';
	text[i] = 0;
}

double view_use(const struct snapshot *snapshot)
{
	const struct mpmc_stat *stat = &snapshot->stat;
	uint64_t used = stat->items + stat->leased + stat->granted;

	return stat->capacity ? 100.0 * used / stat->capacity : 0;
}

void view_json(struct json *json, const char *key,
	       const struct snapshot *snapshot)
{
	const struct mpmc_name *name = &snapshot->name;
	const struct field *field;
	char mode[8];

	json_open(json, key, '{');
	json_string(json, "name", name->name);
	json_number(json, "uid", name->uid);
	json_number(json, "gid", name->gid);
	snprintf(mode, sizeof(mode), "%04o", name->mode & 0777);
	json_string(json, "mode", mode);
	for (field = fields; field->name; field++) {
		if (!field_known(field, snapshot))
			continue;
		if (field == field_find("shut_down"))
			json_bool(json, field->name, snapshot->stat.shut_down);
		else
			json_number(json, field->name,
				    field_value(field, snapshot));
	}
	json_close(json, '}');
}

void view_json_all(FILE *out, const struct snapshots *taken)
{
	struct json json = { .out = out };
	size_t i;

	json_open(&json, NULL, '[');
	for (i = 0; i < taken->count; i++)
		view_json(&json, NULL, &taken->list[i]);
	json_close(&json, ']');
	json_line(&json);
}

void view_text(FILE *out, const struct snapshot *snapshot)
{
	const struct mpmc_name *name = &snapshot->name;
	char mode[VIEW_MODE_SIZE];
	const struct field *field;

	view_mode(mode, name->mode);
	fprintf(out, "%s\n    %-16s %s, user %" PRIu32 ", group %" PRIu32 "\n",
		text_shown(name->name), "mode", mode, name->uid, name->gid);
	fprintf(out, "    %-16s %.1f%%\n", "use", view_use(snapshot));
	for (field = fields; field->name; field++)
		if (field_known(field, snapshot))
			fprintf(out, "    %-16s %" PRIu64 "\n", field->name,
				field_value(field, snapshot));
}
