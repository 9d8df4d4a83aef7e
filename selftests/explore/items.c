// SPDX-License-Identifier: GPL-2.0
/*
 * What was put and what was got: nothing lost, nothing twice, and each
 * consumer sees each producer's items in order
 */
#include "case.h"

#include <string.h>

#include "shim.h"

static struct {
	unsigned int put[MACHINE_THREADS][CASE_ITEMS];
	unsigned int got[MACHINE_THREADS][CASE_ITEMS];
	/* By each consumer, of each producer. */
	unsigned int last[MACHINE_THREADS][MACHINE_THREADS];
} items;

static unsigned int *entry_of(unsigned int table[][CASE_ITEMS], u64 item)
{
	if (item >> 8 >= MACHINE_THREADS || !(item & 0xff) ||
	    (item & 0xff) >= CASE_ITEMS)
		explore_fail("no such item: %#lx", item);
	return &table[item >> 8][item & 0xff];
}

void items_reset(void)
{
	memset(&items, 0, sizeof(items));
}

void items_put(u64 item)
{
	++*entry_of(items.put, item);
	trace_say("puts %#lx", item);
}

void items_put_many(const u64 *list, unsigned int count)
{
	while (count--)
		items_put(*list++);
}

void items_unput(u64 item)
{
	--*entry_of(items.put, item);
	trace_say("has not put %#lx after all", item);
}

void items_got(u64 item)
{
	unsigned int *got = entry_of(items.got, item);
	unsigned int *last = &items.last[schedule_current()][item >> 8];

	trace_say("gets %#lx", item);
	if (++*got > 1)
		explore_fail("item %#lx came twice", item);
	if ((item & 0xff) <= *last)
		explore_fail("item %#lx came after %u of the same producer",
			     item, *last);
	*last = item & 0xff;
}

void items_got_many(const u64 *list, unsigned int count)
{
	while (count--)
		items_got(*list++);
}

unsigned int items_left(void)
{
	unsigned int i, j, left = 0;

	for (i = 0; i < MACHINE_THREADS; i++)
		for (j = 0; j < CASE_ITEMS; j++)
			left += items.put[i][j] - items.got[i][j];
	return left;
}

/* At the end, when the check has got what was left. */
void items_check(void)
{
	unsigned int i, j;

	for (i = 0; i < MACHINE_THREADS; i++)
		for (j = 0; j < CASE_ITEMS; j++) {
			if (items.put[i][j] > items.got[i][j])
				explore_fail("item %#lx is lost", ITEM(i, j));
			if (items.put[i][j] < items.got[i][j])
				explore_fail("item %#lx was not put", ITEM(i, j));
		}
}
