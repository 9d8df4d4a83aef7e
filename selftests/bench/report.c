// SPDX-License-Identifier: GPL-2.0
/*
 * The results, for people
 */
#include "bench.h"

/* Whom the others are compared with: the first one that was measured. */
static const struct cell *cell_first(const struct cell *row)
{
	unsigned int i;

	for (i = 0; i < peer_count; i++)
		if (row[i].known)
			return &row[i];
	return NULL;
}

/* In millions of items a second. */
static void print_quartiles(FILE *to, const struct cell *row)
{
	double rate[ROUNDS_MAX];
	unsigned int i, k;

	fprintf(to, "  %-33s %9s %9s %9s %9s %9s\n", "M/s", "least", "1/4",
		"median", "3/4", "most");
	for (i = 0; i < peer_count; i++) {
		if (!row[i].known)
			continue;
		for (k = 0; k < row[i].rounds; k++)
			rate[k] = 1e3 / row[i].outcome[k].ns;
		fprintf(to, "  %-33s", peers[i]->title);
		for (k = 0; k <= 4; k++)
			fprintf(to, " %9.2f",
				stats_quantile(rate, row[i].rounds, k / 4.));
		fputc('\n', to);
	}
}

/* How many times as long one takes as the other, round by round. */
double cell_ratio(const struct cell *one, const struct cell *other)
{
	double times[ROUNDS_MAX];
	unsigned int i;

	for (i = 0; i < one->rounds; i++)
		times[i] = one->outcome[i].ns / other->outcome[i].ns;
	return stats_median(times, one->rounds);
}

void cell_times(const struct cell *cell, double *least, double *median,
		double *most)
{
	double ns[ROUNDS_MAX];
	unsigned int i;

	for (i = 0; i < cell->rounds; i++)
		ns[i] = cell->outcome[i].ns;
	*median = stats_quantile(ns, cell->rounds, 0.5);
	*least = ns[0];
	*most = ns[cell->rounds - 1];
}

double cell_spread(const struct cell *cell)
{
	double spread[ROUNDS_MAX];
	unsigned int i;

	for (i = 0; i < cell->rounds; i++)
		spread[i] = cell->outcome[i].spread;
	return stats_median(spread, cell->rounds);
}

static void print_head(FILE *to, const struct load *load)
{
	const char *unit = "ns/item", *rate = "M/s", *spread = "";

	if (load->kind == KIND_STREAM && load->consumers > 1) {
		spread = "max/min";
	} else if (load->kind == KIND_LATENCY) {
		unit = "median";
		rate = "";
		spread = "p99";
	} else if (load->kind == KIND_POLL) {
		unit = "ns/look";
	}
	fprintf(to, "  %-33s %9s %20s %8s %8s %9s\n", "", unit, "min .. max",
		rate, "takes", spread);
}

static void print_cell(FILE *to, const struct load *load,
		       const struct peer *peer, const struct cell *cell,
		       const struct cell *first)
{
	double least, median, most;

	cell_times(cell, &least, &median, &most);
	fprintf(to, "  %-33s %9.1f %8.1f .. %8.1f", peer->title, median, least,
		most);
	if (load->kind == KIND_LATENCY)
		fprintf(to, " %8s", "");
	else
		fprintf(to, " %8.2f", 1e3 / median);
	fprintf(to, " %7.2fx", cell_ratio(cell, first));
	if (load->kind == KIND_STREAM && load->consumers > 1)
		fprintf(to, " %9.2f", cell_spread(cell));
	else if (load->kind == KIND_LATENCY)
		fprintf(to, " %9.1f", cell_spread(cell));
	fprintf(to, "   %s\n", peer->how);
}

static void print_memory(FILE *to, const struct cell *row)
{
	const struct footprint *memory;
	unsigned int i;

	fprintf(to, "  %-33s %9s %9s %9s %9s %9s\n", "KiB", "idle", "full",
		"after it", "items", "B/item");
	for (i = 0; i < peer_count; i++) {
		if (!row[i].known)
			continue;
		memory = &row[i].footprint;
		fprintf(to, "  %-33s %9.1f %9.1f %9.1f %9.0f %9.1f\n",
			peers[i]->title, memory->idle / 1024,
			memory->full / 1024, memory->after / 1024,
			memory->items, memory->full / memory->items);
	}
	fprintf(to, "  (as a memory cgroup is charged for it, with a producer and a consumer)\n");
}

void report_load(FILE *to, unsigned int index)
{
	const struct cell *row = cells[index], *first = cell_first(row);
	const struct load *load = &loads[index];
	unsigned int i;

	if (!first)
		return;
	fprintf(to, "\n%s\n", load_title(load));
	if (load->kind == KIND_MEMORY) {
		print_memory(to, row);
		return;
	}
	print_head(to, load);
	for (i = 0; i < peer_count; i++)
		if (row[i].known)
			print_cell(to, load, peers[i], &row[i], first);
	if (plan_quartiles)
		print_quartiles(to, row);
	fflush(to);
}
