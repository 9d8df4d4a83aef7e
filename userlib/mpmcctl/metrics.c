// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * mpmcctl metrics: all numbers of all queues, for Prometheus
 *
 * Its text format, as the textfile collector of the node exporter reads it, or
 * OpenMetrics, which tells families of counters by a name without "_total", and
 * where a text ends; or, for others, JSON.
 */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "complain.h"
#include "field.h"
#include "option.h"
#include "text.h"
#include "view.h"

enum format { FORMAT_TEXT, FORMAT_OPENMETRICS, FORMAT_JSON };

/* In quotes; what is not UTF-8 can't be there, and becomes \xNN. */
static void print_label(FILE *out, const char *name)
{
	while (*name) {
		int size = text_utf8(name);

		if (!size)
			fprintf(out, "\\\\x%02x", (unsigned char)*name);
		else if (*name == '"' || *name == '\\')
			fprintf(out, "\\%c", *name);
		else if (*name == '\n')
			fputs("\\n", out);
		else
			fwrite(name, 1, size, out);
		name += size ? size : 1;
	}
}

static void print_head(FILE *out, const struct field *field, bool open)
{
	bool counter = field->kind == FIELD_COUNTED;
	int size = strlen(field->metric);

	if (counter && open)
		size -= strlen("_total");
	fprintf(out, "# HELP mpmc_queue_%.*s %s\n", size, field->metric,
		field->help);
	fprintf(out, "# TYPE mpmc_queue_%.*s %s\n", size, field->metric,
		counter ? "counter" : "gauge");
}

static void print_field(FILE *out, const struct field *field,
			const struct snapshots *taken, bool open)
{
	size_t i;

	print_head(out, field, open);
	for (i = 0; i < taken->count; i++) {
		if (!field_known(field, &taken->list[i]))
			continue;
		fprintf(out, "mpmc_queue_%s{queue=\"", field->metric);
		print_label(out, taken->list[i].name.name);
		fprintf(out, "\"} %" PRIu64 "\n",
			field_value(field, &taken->list[i]));
	}
}

static void print_text(FILE *out, const struct snapshots *taken, bool open)
{
	const struct field *field;

	fprintf(out, "# HELP mpmc_queues Queues that have names.\n"
		     "# TYPE mpmc_queues gauge\n"
		     "mpmc_queues %zu\n", taken->count);
	for (field = fields; field->name; field++)
		print_field(out, field, taken, open);
	if (open)
		fputs("# EOF\n", out);
}

static void print(FILE *out, const struct snapshots *taken, enum format format)
{
	if (format == FORMAT_JSON)
		view_json_all(out, taken);
	else
		print_text(out, taken, format == FORMAT_OPENMETRICS);
}

/* All of it, for others to read. */
static bool write_out(FILE *out, const struct snapshots *taken,
		      enum format format)
{
	bool good;

	print(out, taken, format);
	good = !fchmod(fileno(out), 0644) && !fflush(out) && !ferror(out);
	return !fclose(out) && good;
}

/*
 * Whoever reads the file at any time finds all of it, as it was before or as it is
 * now. A name that does not end as those of files to be read do is no such file.
 */
static int print_to(const char *path, const struct snapshots *taken,
		    enum format format)
{
	char temporary[PATH_MAX];
	FILE *out = NULL;
	int fd;

	if (snprintf(temporary, sizeof(temporary), "%s.XXXXXX", path) >=
	    (int)sizeof(temporary)) {
		complain("%s: %s", path, strerror(ENAMETOOLONG));
		return CTL_FAILED;
	}
	fd = mkstemp(temporary);
	if (fd >= 0)
		out = fdopen(fd, "w");
	if (out && write_out(out, taken, format) && !rename(temporary, path))
		return CTL_DONE;
	complain("%s: %s", path, strerror(errno));
	if (fd >= 0)
		unlink(temporary);
	return CTL_FAILED;
}

static int run(int argc, char **argv)
{
	static const struct option longs[] = {
		OPTION_HELP, OPTION_JSON,
		{ "openmetrics", no_argument, NULL, 'm' },
		{ "output", required_argument, NULL, 'o' }, { 0 },
	};
	struct snapshots taken = { 0 };
	const char *path = NULL;
	enum format format = FORMAT_TEXT;
	int letter, ret;

	while ((letter = option_next(argc, argv, "hjmo:", longs)) >= 0) {
		if (letter == 'j')
			format = FORMAT_JSON;
		else if (letter == 'm')
			format = FORMAT_OPENMETRICS;
		else
			path = optarg;
	}
	option_rest(argc, argv, 0, 0);
	ret = snapshots_take(&taken);
	if (ret)
		ret = complain_error(ret, NULL, NULL);
	else if (path)
		ret = print_to(path, &taken, format);
	else
		print(stdout, &taken, format);
	snapshots_free(&taken);
	return ret;
}

const struct command command_metrics = {
	.name = "metrics",
	.args = "[OPTION]...",
	.summary = "Prints all numbers of the queues you may see, for Prometheus",
	.options = TEXT_HELP
		   "  -j, --json            print an array of JSON, as 'mpmcctl ls' does\n"
		   "  -m, --openmetrics     as OpenMetrics has them; else the older text format,\n"
		   "                        which the node exporter's textfile collector reads\n"
		   "  -o, --output=FILE     into a file, which is replaced in one piece\n",
	.misused = CTL_MISUSED,
	.run = run,
};
