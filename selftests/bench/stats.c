// SPDX-License-Identifier: GPL-2.0
/*
 * Quantiles
 */
#include <stdlib.h>
#include <string.h>

#include "bench.h"

static int compare_doubles(const void *a, const void *b)
{
	const double *one = a, *other = b;

	return (*one > *other) - (*one < *other);
}

/* Puts the values in order; 0 is the least, 1 the largest. */
double stats_quantile(double *values, unsigned int count, double where)
{
	double at = where * (count - 1);
	unsigned int below = at, above = below + (below + 1 < count);

	qsort(values, count, sizeof(*values), compare_doubles);
	return values[below] + (at - below) * (values[above] - values[below]);
}

double stats_median(const double *values, unsigned int count)
{
	double copy[ROUNDS_MAX];

	memcpy(copy, values, count * sizeof(*values));
	return stats_quantile(copy, count, 0.5);
}
