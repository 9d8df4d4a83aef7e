// SPDX-License-Identifier: GPL-2.0
/*
 * Numbers that look random, and are the same each time
 */
#include "fuzz.h"

/* splitmix64's way to mix, so that neighbours have nothing in common. */
u64 hash64(u64 x)
{
	x += 0x9e3779b97f4a7c15ULL;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
	return x ^ (x >> 31);
}

u32 pick(struct lane *lane, u32 n)
{
	return random_below(&lane->random, n);
}

bool chance(struct lane *lane, u32 one_in)
{
	return !pick(lane, one_in);
}
