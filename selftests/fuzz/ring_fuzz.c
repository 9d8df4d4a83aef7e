// SPDX-License-Identifier: GPL-2.0
/*
 * The ring, whose owner may write anything to it at any moment
 *
 * Owners' calls as kmod/producer.c makes them, consumers, and a shutdown, between
 * any two steps of each other. What must be true, whatever the owner writes:
 *
 *  - what is read lies in the ring or in a chunk that has not been freed (ASan),
 *    and was written there;
 *  - not more is taken than has been granted, and in the end all credits are back
 *    exactly, by being taken, revoked or returned by the seal;
 *  - a tail beyond the limit, or before what was taken, is noticed;
 *  - it ends.
 *
 * With an owner who keeps to the rules besides: all that was accepted, and nothing
 * else, comes out once and in order.
 */
#include "../../kmod/ring.h"

#include "step.h"

#define CREDITS 64
#define BULK 20
#define VALUES 65536
#define TAG 0xa5ULL

static struct mpmc_ring ring;
static u64 *items, *tail, *done;
static unsigned int entries;
static bool honest, in_owner, sealing, sealed, told;

/* Credits that are out, and positions that have been taken. */
static s64 out;
static u64 taken;

/* An honest owner's values: how many have been accepted, and which have come. */
static u64 put_next;
static u8 came[VALUES];

/* --- Chunks: freed when nobody is in the module any more --- */

static struct mpmc_chunk *freed;

void mpmc_chunk_free(struct mpmc_chunk *chunk)
{
	*(struct mpmc_chunk **)&chunk->rcu = freed;
	freed = chunk;
}

static void grace_period(void)
{
	struct mpmc_chunk *next;

	for (; freed && !step_depth(); freed = next) {
		next = *(struct mpmc_chunk **)&freed->rcu;
		free(freed);
	}
}

static u64 value(u64 number)
{
	return TAG << 56 | number % VALUES;
}

/* --- Consumers --- */

static void take(unsigned int max)
{
	u64 got[BULK];
	unsigned int i, n = mpmc_ring_take(&ring, got, 1 + max % BULK);

	insist(n <= BULK);
	out -= n;
	taken += n;
	insist(out >= 0);
	for (i = 0; i < n; i++) {
		insist(got[i] >> 56 == TAG);
		if (!honest)
			continue;
		insist(!i || got[i] == got[i - 1] + 1);
		insist(!came[got[i] % VALUES]++);
	}
}

/* --- The owner's calls: kmod/producer.c --- */

static bool push(unsigned int count)
{
	u64 size = mpmc_ring_chunk_size(&ring, count), bulk[BULK];
	struct mpmc_chunk *chunk;
	unsigned int i;

	for (i = 0; i < count; i++)
		bulk[i] = value(put_next + i);
	if (count <= mpmc_ring_room(&ring)) {
		if (!mpmc_ring_grant(&ring, count))
			return false;
		mpmc_ring_push(&ring, bulk, count);
		return true;
	}
	chunk = malloc(sizeof(*chunk) + size * sizeof(u64));
	chunk->size = size;
	if (size && mpmc_ring_move(&ring, chunk, bulk, count))
		return true;
	free(chunk);
	return false;
}

/* After a store: whether it came before the seal. */
static bool verdict(void)
{
	if (!mpmc_ring_sealed(&ring) || !told)
		return true;
	out -= mpmc_ring_seal_end(&ring);
	insist(out >= 0);
	return mpmc_ring_accepted(&ring);
}

static void grant(unsigned int count)
{
	unsigned int room = mpmc_ring_room(&ring);

	insist(room <= entries);
	count = min(count, room);
	count = min_t(s64, count, CREDITS - out);
	if (!count || ring.broken)
		return;
	out += count;
	if (!mpmc_ring_grant(&ring, count))
		out -= count;
}

static void owner_put(unsigned int count)
{
	s64 unused = mpmc_ring_revoke(&ring);

	insist(unused <= (s64)entries);
	if (unused < 0)
		return;
	out -= unused;
	insist(out >= 0);
	if (count > CREDITS - out)
		return;
	out += count;
	if (!push(count))
		out -= count;
	else if (verdict())
		put_next += count;
	grant(step_byte() % (2 * entries));
}

/* One at a time. */
static void owner_call(u8 what)
{
	if (in_owner)
		return;
	in_owner = true;
	switch (what % 4) {
	case 0:
		mpmc_ring_check(&ring);
		verdict();
		break;
	default:
		owner_put(1 + step_byte() % BULK);
	}
	in_owner = false;
}

/* --- The owner's memory --- */

static void store(unsigned int count)
{
	u64 pos = *tail, limit = mpmc_ring_limit(&ring);
	unsigned int i;

	for (i = 0; i < count && pos + i < limit; i++)
		items[(pos + i) & (entries - 1)] = value(put_next + i);
	smp_store_release(tail, pos + i);
	if (verdict())
		put_next += i;
}

static void scribble(u8 what)
{
	u64 limit = (u64)ring.limit.counter >> MPMC_RING_SHIFT;

	switch (what % 8) {
	case 0:
		*tail += step_byte();
		break;
	case 1:
		*tail -= step_byte();
		break;
	case 2:
		*tail = limit + step_byte() % 4;
		break;
	case 3:
		*tail = limit - step_byte() % 4;
		break;
	case 4:
		*tail = step_word();
		break;
	case 5:
		*tail = taken + step_byte() % 4;
		break;
	case 6:
		*tail ^= 1ULL << step_byte() % 64;
		break;
	default:
		items[step_byte() % entries] = TAG << 56 | step_byte();
	}
}

/* --- The shutdown: kmod/queue.c --- */

static void shut_down(void)
{
	if (!sealing) {
		sealing = true;
		mpmc_ring_seal_begin(&ring);
		told = true;
	} else if (told && !sealed) {
		sealed = true;
		out -= mpmc_ring_seal_end(&ring);
		insist(out >= 0);
	}
}

/* What others look at. */
static void look(void)
{
	mpmc_ring_count(&ring);
	mpmc_ring_stamp(&ring);
	insist(mpmc_ring_granted(&ring) <= entries);
}

/* A tail that can't be is noticed, if nobody changes it during the look. */
static void look_for_damage(void)
{
	bool wrong;

	step_quiet(true);
	wrong = *tail > mpmc_ring_limit(&ring) || *tail < taken;
	insist(!wrong || mpmc_ring_check(&ring) == -EIO);
	step_quiet(false);
}

static void act(u8 what)
{
	switch (what % 10) {
	case 0:
	case 1:
	case 2:
		owner_call(what / 10);
		break;
	case 3:
		if (!in_owner)
			store(1 + step_byte() % entries);
		break;
	case 4:
	case 5:
		if (!honest)
			scribble(what / 10);
		break;
	case 6:
	case 7:
		take(step_byte());
		break;
	case 8:
		look();
		break;
	default:
		if (step_byte() > 220)
			shut_down();
	}
}

void step_between(u8 what)
{
	/* An honest owner is one thread: he is not in two places. */
	if (honest && what % 10 <= 3)
		return;
	act(what);
}

static void begin(void)
{
	u8 first = step_byte();

	entries = 1 << first % 4;
	honest = first & 16;
	in_owner = sealing = sealed = told = false;
	out = 0;
	taken = 0;
	put_next = 0;
	memset(came, 0, sizeof(came));
	items = calloc(entries, sizeof(*items));
	tail = calloc(1, sizeof(*tail));
	done = calloc(entries, sizeof(*done));
	for (first = 0; first < entries; first++)
		items[first] = TAG << 56;
	mpmc_ring_init(&ring, entries, items, tail, done);
}

/* Room comes back: who was the last to copy an entry has seen to it. */
static void look_for_room(void)
{
	u64 i;

	if (!honest || sealing)
		return;
	for (i = 0; i <= CREDITS && mpmc_ring_count(&ring); i++)
		take(BULK);
	insist(mpmc_ring_room(&ring) ==
	       entries - (mpmc_ring_limit(&ring) - taken));
}

/* The owner has gone, and consumers take what there is: all credits are back. */
static void finish(void)
{
	u64 i;

	step_quiet(true);
	look_for_room();
	while (!sealed)
		shut_down();
	for (i = 0; i <= CREDITS && mpmc_ring_count(&ring); i++)
		take(BULK);
	insist(!mpmc_ring_count(&ring));
	insist(!mpmc_ring_granted(&ring));
	insist(out == 0);
	for (i = 0; honest && i < put_next; i++)
		insist(came[i % VALUES] == 1);
	insist(!honest || taken == put_next);
	mpmc_ring_free_chunks(&ring);
	grace_period();
	free(items);
	free(tail);
	free(done);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	step_begin(data, size);
	begin();
	while (step_more()) {
		act(step_byte());
		if (!honest)
			look_for_damage();
		grace_period();
	}
	finish();
	return 0;
}
