// SPDX-License-Identifier: GPL-2.0
/*
 * The states that were come to: a hash table that grows
 *
 * Of each state there is a bit for every combination of what it had cost to come
 * there. States are known by 64 bits: that two of ten million are taken for one
 * has a chance of 1 to 400,000.
 */
#include "visited.h"

#include <stdlib.h>
#include <string.h>

#include "schedule.h"

#define COSTS 8 /* of each kind; what is beyond counts as the last */

struct entry {
	uint64_t state;
	uint64_t costs;
};

static struct entry *table;
static unsigned long size;
static unsigned long count;

static struct entry *find(uint64_t state)
{
	unsigned long i = state & (size - 1);

	while (table[i].state && table[i].state != state)
		i = (i + 1) & (size - 1);
	return &table[i];
}

static void resize(unsigned long to)
{
	struct entry *old = table;
	unsigned long i, n = size;

	table = calloc(to, sizeof(*table));
	if (!table)
		explore_die("no memory for %lu states", to);
	size = to;
	for (i = 0; old && i < n; i++)
		if (old[i].state)
			*find(old[i].state) = old[i];
	free(old);
}

void visited_clear(void)
{
	free(table);
	table = NULL;
	count = 0;
	resize(1 << 16);
}

unsigned long visited_count(void)
{
	return count;
}

/* Bits of all that costs no more than this. */
static uint64_t cheaper(unsigned int preemptions, unsigned int stale)
{
	uint64_t row = (2ULL << stale) - 1, mask = 0;
	unsigned int i;

	for (i = 0; i <= preemptions; i++)
		mask |= row << COSTS * i;
	return mask;
}

bool visited_before(uint64_t state, unsigned int preemptions,
		    unsigned int stale)
{
	struct entry *entry;

	state += !state;
	if (preemptions >= COSTS)
		preemptions = COSTS - 1;
	if (stale >= COSTS)
		stale = COSTS - 1;
	entry = find(state);
	if (entry->state && entry->costs & cheaper(preemptions, stale))
		return true;
	if (!entry->state && ++count > size / 2) {
		resize(4 * size);
		entry = find(state);
	}
	entry->state = state;
	entry->costs |= 1ULL << (COSTS * preemptions + stale);
	return false;
}
