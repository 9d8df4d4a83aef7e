// SPDX-License-Identifier: GPL-2.0
/*
 * What was promised, and what has become of it
 */
#include <string.h>

#include "bench.h"

static const struct cell *place_cell(const struct place *place)
{
	unsigned int i, k;

	for (i = 0; i < load_count; i++)
		for (k = 0; k < peer_count; k++)
			if (peers[k] == place->peer &&
			    !memcmp(&loads[i], &place->load,
				    sizeof(loads[i])) &&
			    cells[i][k].known)
				return &cells[i][k];
	return NULL;
}

/*
 * In the same round when they were measured in the same ones; else, as they
 * took turns with others, of their medians.
 */
static bool target_times(const struct target *target, double *times,
			 double *spread)
{
	const struct cell *mine = place_cell(&target->mine);
	const struct cell *other = place_cell(&target->other);
	double least, most, my_median, other_median;

	if (!mine || !other)
		return false;
	cell_times(mine, &least, &my_median, &most);
	cell_times(other, &least, &other_median, &most);
	if (memcmp(&target->mine.load, &target->other.load,
		   sizeof(struct load)))
		*times = other_median / my_median;
	else
		*times = cell_ratio(other, mine);
	if (target->latency)
		*times = 1 / *times;
	*spread = cell_spread(mine);
	return true;
}

static bool target_met(const struct target *target, double times,
		       double spread)
{
	if (target->spread && spread > target->spread)
		return false;
	return target->latency ? times <= target->times :
				 times >= target->times;
}

void target_print(FILE *to)
{
	double times, spread;
	unsigned int i;

	fprintf(to, "\nTargets\n");
	for (i = 0; i < target_count; i++) {
		if (!target_times(&targets[i], &times, &spread))
			continue;
		fprintf(to, "  %-6s %5.2f (at %s %.2f wanted)  %s",
			target_met(&targets[i], times, spread) ? "met" :
								 "MISSED",
			times, targets[i].latency ? "most" : "least",
			targets[i].times, targets[i].what);
		if (targets[i].spread)
			fprintf(to, "; max/min %.2f (at most %.1f)", spread,
				targets[i].spread);
		fputc('\n', to);
	}
	fflush(to);
}

void target_json(FILE *to)
{
	const char *comma = "";
	double times, spread;
	unsigned int i;

	fprintf(to, "  \"targets\": [");
	for (i = 0; i < target_count; i++) {
		if (!target_times(&targets[i], &times, &spread))
			continue;
		fprintf(to,
			"%s\n    {\"what\": \"%s\", \"times\": %.3f, \"wanted\": %.2f, \"spread\": %.3f, \"met\": %s}",
			comma, targets[i].what, times, targets[i].times, spread,
			target_met(&targets[i], times, spread) ? "true" :
								 "false");
		comma = ",";
	}
	fprintf(to, "\n  ]");
}
