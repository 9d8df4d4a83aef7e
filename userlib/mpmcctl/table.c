// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Tables, whose columns are as wide as they have to be
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "table.h"

#define MAX_LINE 2048

bool table_add(struct table *table, const char *format, ...)
{
	char **cells = reallocarray(table->cells, table->count + 1,
				    sizeof(*cells));
	va_list args;
	int size;

	if (!cells)
		return false;
	table->cells = cells;
	va_start(args, format);
	size = vasprintf(&cells[table->count], format, args);
	va_end(args);
	if (size < 0)
		return false;
	table->count++;
	return true;
}

bool table_head(struct table *table, const char *headings)
{
	while (*headings) {
		int size = strcspn(headings, " ");

		if (!table_add(table, "%.*s", size, headings))
			return false;
		headings += size + strspn(headings + size, " ");
	}
	return true;
}

static size_t width_of(const struct table *table, unsigned int column)
{
	size_t i, width = 0;

	for (i = column; i < table->count; i += table->columns)
		if (strlen(table->cells[i]) > width)
			width = strlen(table->cells[i]);
	return width;
}

static void row_print(const struct table *table, char **cells, FILE *out,
		      size_t width, const char *end)
{
	char line[MAX_LINE] = "";
	size_t size = 0;
	unsigned int i;

	for (i = 0; i < table->columns && size < sizeof(line); i++) {
		bool left = table->left >> i & 1;
		bool last = i == table->columns - 1;
		int wide = last && left ? 0 : (int)width_of(table, i);

		size += snprintf(line + size, sizeof(line) - size, "%*s%*s",
				 left ? -wide : wide, cells[i],
				 last ? 0 : (int)table->gap, "");
	}
	fprintf(out, "%.*s%s", width ? (int)width : MAX_LINE, line, end);
}

void table_print(const struct table *table, FILE *out, size_t rows,
		 size_t width, const char *end)
{
	size_t i, count = table->count / table->columns;

	if (rows && count > rows)
		count = rows;
	for (i = 0; i < count; i++)
		row_print(table, table->cells + i * table->columns, out, width,
			  end);
}

void table_free(struct table *table)
{
	while (table->count)
		free(table->cells[--table->count]);
	free(table->cells);
	table->cells = NULL;
}
