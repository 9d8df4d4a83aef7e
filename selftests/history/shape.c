// SPDX-License-Identifier: GPL-2.0
/*
 * What rounds are like: all of it follows from the seed and the round's number
 */
#include "record.h"

/* splitmix64's way to mix, so that neighbours have nothing in common. */
u64 hash64(u64 x)
{
	x += 0x9e3779b97f4a7c15ULL;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
	return x ^ (x >> 31);
}

static u32 draw(u64 *state, u32 n)
{
	*state = hash64(*state);
	return (*state >> 16) % n;
}

/**
 * shape_make() - what a round is like
 * @shape: where to write it
 * @seed: of the run
 * @round: its number
 */
void shape_make(struct shape *shape, u64 seed, u64 round)
{
	static const unsigned int segments[] = { 1, 1, 1, 2, 2, 3, 4, 0 };
	u64 state = hash64(hash64(seed) ^ round);
	int i;

	shape->seed = state;
	shape->capacity = 1 + draw(&state, 8);
	shape->segments = segments[draw(&state, 8)];
	shape->workers = 2 + draw(&state, WORKERS_MAX - 1);
	shape->steps = 4 + draw(&state, 32 / shape->workers);
	shape->maps = draw(&state, 3);
	shape->waits = draw(&state, 3) ? 0 : 1 + draw(&state, 8);
	shape->shakes = draw(&state, 3) ? 0 : 1 + draw(&state, 4);
	shape->opens = 4 + draw(&state, 16);
	shape->leases = 1 + draw(&state, 4);
	shape->returns = 1 + draw(&state, 6);
	shape->shutter = draw(&state, 3) ? -1 :
					   (int)draw(&state, shape->workers);
	shape->shut_at = shape->steps / 2 + draw(&state, shape->steps / 2);
	for (i = 0; i < WORKERS_MAX; i++)
		shape->puts[i] = 1 + draw(&state, 15);
}

/**
 * shape_print() - say what a round is like
 * @shape: of the round
 */
void shape_print(const struct shape *shape)
{
	printf("# %u threads, capacity %u, segments %u, %u steps each",
	       shape->workers, shape->capacity, shape->segments, shape->steps);
	if (shape->maps)
		printf(", one token in %u mapped", shape->maps);
	if (shape->shutter >= 0)
		printf(", shut down by %d", shape->shutter);
	printf("\n");
}
