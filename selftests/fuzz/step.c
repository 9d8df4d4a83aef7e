// SPDX-License-Identifier: GPL-2.0
#include "step.h"

/* Of so many steps one is where something happens. */
#define BUSY 40

static const u8 *what, *between;
static size_t what_left, between_left;
static unsigned int depth;
static bool still;

void step_begin(const u8 *data, size_t size)
{
	what = data;
	what_left = size / 2;
	between = data + size / 2;
	between_left = size - size / 2;
	depth = 0;
	still = false;
}

bool step_more(void)
{
	return what_left;
}

u8 step_byte(void)
{
	if (!what_left)
		return 0;
	what_left--;
	return *what++;
}

u64 step_word(void)
{
	u64 word = 0;
	int i;

	for (i = 0; i < 8; i++)
		word = word << 8 | step_byte();
	return word;
}

unsigned int step_depth(void)
{
	return depth;
}

void step_quiet(bool quiet)
{
	still = quiet;
}

void shim_pause(void)
{
	u8 now;

	if (!between_left || still || depth == DEPTH_MAX)
		return;
	now = *between++;
	between_left--;
	if (!now || now > BUSY)
		return;
	depth++;
	step_between(now);
	depth--;
}
