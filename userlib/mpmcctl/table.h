/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Tables, whose columns are as wide as they have to be. */
#ifndef TABLE_H
#define TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/**
 * struct table - a table
 * @columns: how many; the last one is as wide as it is, if it is text
 * @gap: blanks between two of them
 * @left: bits of the columns that are text, others are numbers
 * @cells: row by row
 * @count: how many of them there are
 */
struct table {
	unsigned int columns;
	unsigned int gap;
	unsigned int left;
	char **cells;
	size_t count;
};

/* The next cell. False without memory. */
bool table_add(struct table *table, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* The first row: headings, with blanks in between. */
bool table_head(struct table *table, const char *headings);

/*
 * Prints rows, at most "rows" of them, cut where "width" ends; 0: as many, or as
 * wide, as they are. Each ends with "end".
 */
void table_print(const struct table *table, FILE *out, size_t rows,
		 size_t width, const char *end);

void table_free(struct table *table);

#endif /* TABLE_H */
