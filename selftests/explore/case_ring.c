// SPDX-License-Identifier: GPL-2.0
/*
 * Cases of the ring, of two entries or one, and its chunks
 */
#include "../../kmod/ring.h"
#include "case.h"

#define ENTRIES 2

static struct mpmc_ring *ring;
static unsigned int *told; /* of the seal, where the owner looks */

/* Of what was granted: what came back unused, and what the owner has stored. */
static unsigned int granted, unused, accepted;

static void setup_with(unsigned int entries)
{
	items_reset();
	kernel_reset();
	granted = 0;
	unused = 0;
	accepted = 0;
	ring = kernel_alloc(sizeof(*ring), 64, true);
	told = kernel_alloc(sizeof(*told), 64, true);
	trace_name(ring, sizeof(*ring), "ring");
	trace_name(told, sizeof(*told), "told");
	mpmc_ring_init(ring, entries,
		       kernel_alloc(entries * sizeof(u64), 64, true),
		       kernel_alloc(sizeof(u64), 64, true),
		       kernel_alloc(entries * sizeof(u64), 64, true));
	trace_name(ring->items, entries * sizeof(u64), "ring->items");
	trace_name(ring->tail, sizeof(u64), "ring->tail");
	trace_name(ring->done, entries * sizeof(u64), "ring->done");
}

static void setup(void)
{
	setup_with(ENTRIES);
}

static unsigned int take(unsigned int max)
{
	u64 items[CASE_ITEMS];
	unsigned int count;

	rcu_read_lock();
	count = mpmc_ring_take(ring, items, max);
	rcu_read_unlock();
	items_got_many(items, count);
	return count;
}

/* A call of the owner's: into the ring, or all of it to a chunk. */
static void put(unsigned int first, unsigned int count)
{
	u64 items[CASE_ITEMS], size = mpmc_ring_chunk_size(ring, count);
	struct mpmc_chunk *chunk;
	unsigned int i;

	for (i = 0; i < count; i++)
		items[i] = ITEM(1, first + i);
	items_put_many(items, count);
	if (!size) {
		explore_check(mpmc_ring_grant(ring, count));
		mpmc_ring_push(ring, items, count);
		return;
	}
	chunk = kmalloc(struct_size(chunk, items, size), 0);
	chunk->size = size;
	explore_check(mpmc_ring_move(ring, chunk, items, count));
}

static void grant(unsigned int count)
{
	explore_check(count <= mpmc_ring_room(ring));
	explore_check(mpmc_ring_grant(ring, count));
	granted += count;
}

/* As a process does it that has the ring mapped. */
static void store(unsigned int number)
{
	u64 pos = READ_ONCE(*ring->tail);

	ring->items[pos % ring->entries] = ITEM(1, number);
	items_put(ITEM(1, number));
	smp_store_release(ring->tail, pos + 1);
}

static void check_drained(void)
{
	unsigned int left = items_left();

	if (mpmc_ring_count(ring) != left)
		explore_fail("%u items left, and it says %lu", left,
			     mpmc_ring_count(ring));
	while (take(CASE_ITEMS))
		;
	items_check();
}

static void check(void)
{
	check_drained();
	if (mpmc_ring_revoke(ring))
		explore_fail("something is granted");
	if (mpmc_ring_room(ring) != ring->entries)
		explore_fail("room for %u only", mpmc_ring_room(ring));
	rcu_read_lock();
	mpmc_ring_free_chunks(ring);
	rcu_read_unlock();
}

/* --- Two consumers claim, and release in any order --- */

static void claim_setup(void)
{
	setup();
	put(1, 2);
}

static void claim_run(unsigned int thread)
{
	if (thread > 1) {
		take(1);
		return;
	}
	if (mpmc_ring_room(ring))
		put(3, 1);
	if (mpmc_ring_room(ring))
		put(4, 1);
}

const struct explore_case case_ring_claim = {
	.name = "ring-claim",
	.what = "two consumers claim and release, the owner uses the entries again",
	.threads = 3,
	.setup = claim_setup,
	.run = claim_run,
	.check = check,
	.quick = { 2, 1, 500, 20 },
	.full = { 4, 2, 500, 120 },
};

/* --- A full ring is moved to a chunk --- */

static void move_run(unsigned int thread)
{
	if (thread > 1) {
		take(2);
		take(1);
		return;
	}
	put(3, 1);
	put(4, 1);
}

const struct explore_case case_ring_move = {
	.name = "ring-move",
	.what = "a full ring is moved to a chunk while a consumer claims",
	.threads = 2,
	.setup = claim_setup,
	.run = move_run,
	.check = check,
	.quick = { 3, 1, 500, 20 },
	.full = { 5, 2, 500, 120 },
};

static void move_two_run(unsigned int thread)
{
	if (thread > 1)
		take(2);
	else
		put(3, 1);
}

const struct explore_case case_ring_move_two = {
	.name = "ring-move-two",
	.what = "a full ring is moved to a chunk while two consumers claim",
	.threads = 3,
	.setup = claim_setup,
	.run = move_two_run,
	.check = check,
	.quick = { 2, 1, 500, 20 },
	.full = { 4, 2, 500, 120 },
};

/* --- A ring of one entry is moved, and free again at once --- */

static void one_setup(void)
{
	setup_with(1);
	put(1, 1);
}

/* As an owner does it who has it mapped: a store if there is room, else a call. */
static void one_put(unsigned int number)
{
	if (READ_ONCE(*ring->tail) != mpmc_ring_limit(ring)) {
		store(number);
		return;
	}
	explore_check(!mpmc_ring_revoke(ring));
	put(number, 1);
	if (mpmc_ring_room(ring))
		grant(1);
}

static void one_run(unsigned int thread)
{
	unsigned int i;

	if (thread > 1)
		for (i = 0; i < 3; i++)
			take(1);
	else
		for (i = 2; i < 7; i++)
			one_put(i);
}

/* What was granted last, and not used, is the owner's to give back. */
static void one_check(void)
{
	explore_check(mpmc_ring_revoke(ring) >= 0);
	check();
}

const struct explore_case case_ring_one = {
	.name = "ring-one",
	.what = "a ring of one entry is moved and used again, a consumer claims",
	.threads = 2,
	.setup = one_setup,
	.run = one_run,
	.check = one_check,
	.quick = { 2, 1, 1000, 20 },
	.full = { 4, 1, 1000, 120 },
};

/* --- An owner who says that all is there before it is --- */

static void eager_run(unsigned int thread)
{
	u64 limit;

	if (thread == 1) {
		put(3, 1);
		return;
	}
	limit = mpmc_ring_limit(ring);
	if (limit > READ_ONCE(*ring->tail))
		smp_store_release(ring->tail, limit);
	take(CASE_ITEMS);
}

const struct explore_case case_ring_eager = {
	.name = "ring-eager",
	.what = "an owner sets his tail in the middle of a call, a consumer takes all",
	.threads = 2,
	.setup = claim_setup,
	.run = eager_run,
	.check = check,
	.quick = { 3, 1, 500, 20 },
	.full = { 5, 2, 500, 120 },
};

/* --- A chunk is linked while the one before is unlinked --- */

static void chunks_setup(void)
{
	setup();
	put(1, 3);
}

static void chunks_run(unsigned int thread)
{
	if (thread > 1) {
		take(3);
		take(2);
		return;
	}
	put(4, 3);
	put(7, 1);
}

const struct explore_case case_ring_chunks = {
	.name = "ring-chunks",
	.what = "chunks are linked and unlinked by the owner and two consumers",
	.threads = 3,
	.setup = chunks_setup,
	.run = chunks_run,
	.check = check,
	.quick = { 2, 1, 500, 20 },
	.full = { 3, 2, 500, 120 },
};

/* --- Room is revoked while consumers claim --- */

static void revoke_setup(void)
{
	setup();
	grant(2);
}

static void revoke_run(unsigned int thread)
{
	s64 left;

	if (thread > 1) {
		take(1);
		return;
	}
	store(1);
	left = mpmc_ring_revoke(ring);
	if (left != 1)
		explore_fail("granted 2, stored 1, and revoked %ld", left);
	if (mpmc_ring_room(ring)) {
		grant(1);
		store(2);
	}
}

const struct explore_case case_ring_revoke = {
	.name = "ring-revoke",
	.what = "room is revoked while two consumers claim",
	.threads = 3,
	.setup = revoke_setup,
	.run = revoke_run,
	.check = check,
	.quick = { 2, 1, 500, 20 },
	.full = { 4, 2, 500, 120 },
};

/* --- An owner who goes back --- */

/* No item of his counts, but none is taken twice, and each credit comes back. */
static void check_credits(void)
{
	unsigned int taken = 0;

	mpmc_ring_seal_begin(ring);
	unused += mpmc_ring_seal_end(ring);
	while (take(1))
		taken++;
	if (accepted + taken + unused != granted)
		explore_fail("%u credits granted, %u items taken, %u credits back",
			     granted, accepted + taken, unused);
}

static void rogue_run(unsigned int thread)
{
	s64 left;

	if (thread > 1) {
		accepted += take(2);
		return;
	}
	store(1);
	store(2);
	smp_store_release(ring->tail, 1);
	left = mpmc_ring_revoke(ring);
	if (left > 0)
		unused += left;
}

const struct explore_case case_ring_rogue = {
	.name = "ring-rogue",
	.what = "an owner sets his tail back and has room revoked, a consumer claims",
	.threads = 2,
	.setup = revoke_setup,
	.run = rogue_run,
	.check = check_credits,
	.quick = { 3, 2, 500, 20 },
	.full = { 5, 3, 500, 120 },
};

/* --- A seal against an owner without barriers --- */

static void barrier(void *arg)
{
	smp_mb();
}

/* What a call does for him who has seen the seal: producer_verdict(). */
static void seal_ask(unsigned int number)
{
	smp_mb();
	if (!mpmc_ring_sealed(ring))
		explore_fail("told of a seal, and there is none");
	smp_rmb();
	unused += mpmc_ring_seal_end(ring);
	if (!mpmc_ring_accepted(ring))
		items_unput(ITEM(1, number));
}

static void seal_owner(void)
{
	unsigned int i;

	for (i = 1; i <= ENTRIES; i++) {
		store(i);
		if (READ_ONCE(*told)) {
			seal_ask(i);
			break;
		}
	}
}

static void seal_run(unsigned int thread)
{
	switch (thread) {
	case 1:
		seal_owner();
		break;
	case 2:
		mpmc_ring_seal_begin(ring);
		WRITE_ONCE(*told, 1);
		smp_mb();
		smp_call_function(barrier, NULL, true);
		unused += mpmc_ring_seal_end(ring);
		break;
	default:
		take(1);
		take(1);
	}
}

static void seal_check(void)
{
	check_drained();
	if (mpmc_ring_sealed(ring) &&
	    READ_ONCE(*ring->tail) + unused != granted)
		explore_fail("%u credits granted, %lu used, %u came back",
			     granted, READ_ONCE(*ring->tail), unused);
}

const struct explore_case case_ring_seal = {
	.name = "ring-seal",
	.what = "a seal against an owner without barriers, and a consumer",
	.threads = 3,
	.setup = revoke_setup,
	.run = seal_run,
	.check = seal_check,
	.quick = { 2, 1, 500, 20 },
	.full = { 4, 2, 500, 120 },
};

/* A seal against a call that moves, and one that grants. */
static void seal_move_run(unsigned int thread)
{
	u64 item = ITEM(1, 3), size;
	struct mpmc_chunk *chunk;

	if (thread == 2) {
		mpmc_ring_seal_begin(ring);
		WRITE_ONCE(*told, 1);
		smp_mb();
		smp_call_function(barrier, NULL, true);
		unused += mpmc_ring_seal_end(ring);
		return;
	}
	if (thread == 3) {
		take(2);
		return;
	}
	size = mpmc_ring_chunk_size(ring, 1);
	chunk = kmalloc(struct_size(chunk, items, 3), 0);
	chunk->size = 3;
	if (!size) {
		if (!mpmc_ring_grant(ring, 1))
			return;
		mpmc_ring_push(ring, &item, 1);
	} else if (!mpmc_ring_move(ring, chunk, &item, 1)) {
		return;
	}
	items_put(item);
	granted++;
	smp_mb();
	if (mpmc_ring_sealed(ring) && READ_ONCE(*told))
		seal_ask(3);
}

static void seal_move_setup(void)
{
	setup();
	put(1, 2);
	granted = 2;
}

const struct explore_case case_ring_seal_move = {
	.name = "ring-seal-move",
	.what = "a seal against a call that moves a full ring, and a consumer",
	.threads = 3,
	.setup = seal_move_setup,
	.run = seal_move_run,
	.check = seal_check,
	.quick = { 2, 1, 500, 20 },
	.full = { 4, 2, 500, 120 },
};

/*
 * A seal when the owner has gone, and nobody was interrupted: who seals may not
 * have seen what was taken, but by its being claimed.
 */
static void seal_gone_run(unsigned int thread)
{
	switch (thread) {
	case 1:
		store(1);
		break;
	case 2:
		mpmc_ring_seal_begin(ring);
		unused += mpmc_ring_seal_end(ring);
		break;
	default:
		accepted += take(1);
	}
}

const struct explore_case case_ring_seal_gone = {
	.name = "ring-seal-gone",
	.what = "a seal of a ring whose owner has just gone, and a consumer",
	.threads = 3,
	.setup = revoke_setup,
	.run = seal_gone_run,
	.check = check_credits,
	.quick = { 3, 2, 500, 20 },
	.full = { 5, 3, 500, 120 },
};
