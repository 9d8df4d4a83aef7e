// SPDX-License-Identifier: GPL-2.0
/*
 * The results, for programs: one line for each
 */
#include <sys/utsname.h>
#include <unistd.h>

#include "bench.h"

static void print_numbers(FILE *to, const struct cell *cell, bool spread)
{
	unsigned int i;

	for (i = 0; i < cell->rounds; i++)
		fprintf(to, "%s%.3f", i ? ", " : "",
			spread ? cell->outcome[i].spread : cell->outcome[i].ns);
}

static void print_times(FILE *to, const struct load *load,
			const struct cell *cell)
{
	double least, median, most;

	cell_times(cell, &least, &median, &most);
	fprintf(to, "\"items\": %llu, \"ns\": {\"median\": %.3f, \"min\": %.3f, \"max\": %.3f}, \"rounds\": [",
		(unsigned long long)cell->task.items, median, least, most);
	print_numbers(to, cell, false);
	fputc(']', to);
	if (load->kind == KIND_LATENCY ||
	    (load->kind == KIND_STREAM && load->consumers > 1)) {
		fprintf(to, ", \"%s\": [",
			load->kind == KIND_STREAM ? "max_by_min" : "p99");
		print_numbers(to, cell, true);
		fputc(']', to);
	}
}

static void print_cell(FILE *to, const struct load *load,
		       const struct peer *peer, const struct cell *cell)
{
	const struct footprint *memory = &cell->footprint;

	fprintf(to, "    {\"load\": \"%s\", \"title\": \"%s\", ",
		load_name(load), load_title(load));
	fprintf(to, "\"producers\": %u, \"consumers\": %u, \"bulk\": %u, ",
		load->producers, load->consumers, load->bulk);
	fprintf(to, "\"peer\": \"%s\", \"name\": \"%s\", \"threads\": %s, \"how\": \"%s\", ",
		peer->name, peer->title, peer->threads ? "true" : "false",
		peer->how);
	if (load->kind == KIND_MEMORY)
		fprintf(to, "\"bytes\": {\"idle\": %.0f, \"full\": %.0f, \"after\": %.0f}, \"items\": %.0f",
			memory->idle, memory->full, memory->after,
			memory->items);
	else
		print_times(to, load, cell);
	fputc('}', to);
}

void json_print(FILE *to)
{
	const char *comma = "";
	struct utsname system;
	unsigned int i, k;

	uname(&system);
	fprintf(to, "{\n  \"kernel\": \"%s\",\n  \"machine\": \"%s\",\n  \"cpus\": %ld,\n  \"results\": [",
		system.release, system.machine, sysconf(_SC_NPROCESSORS_ONLN));
	for (i = 0; i < load_count; i++)
		for (k = 0; k < peer_count; k++) {
			if (!cells[i][k].known)
				continue;
			fprintf(to, "%s\n", comma);
			print_cell(to, &loads[i], peers[k], &cells[i][k]);
			comma = ",";
		}
	fprintf(to, "\n  ],\n");
	target_json(to);
	fprintf(to, "\n}\n");
}
