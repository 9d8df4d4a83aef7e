// SPDX-License-Identifier: GPL-2.0
/*
 * Rings that are mapped: used by the rules, scribbled on, and torn down at any
 * moment
 */
#include <sys/uio.h>

#include "fuzz.h"

/* The other thread may unmap it under our hands. */
#define unless_fault(lane) \
	if (!sigsetjmp((lane)->fault, 0))

static void *part(struct lane *lane, int fd, size_t size, int prot, u64 offset)
{
	op_count(lane);
	return token_mmap(fd, size, prot, offset);
}

/* Maps as no good owner would. */
static void mmap_odd(struct lane *lane, int fd, const struct mpmc_token_info *info)
{
	static const int prots[] = {
		PROT_NONE, PROT_READ, PROT_WRITE, PROT_READ | PROT_WRITE,
		PROT_READ | PROT_EXEC, PROT_READ | PROT_WRITE | PROT_EXEC,
	};
	static const u64 offsets[] = {
		MPMC_MAP_KERNEL, MPMC_MAP_OWNER, 4096, MPMC_MAP_OWNER + 4096,
		0x20000000, 0x7ffffffff000ULL,
	};
	size_t size = chance(lane, 2) ? info->kernel_size : info->owner_size;
	u64 offset = pick_of(lane, offsets);
	int prot = pick_of(lane, prots);
	void *p;

	if (chance(lane, 3))
		size += 4096 * (pick(lane, 4) - 1);
	if (!size || size > 1 << 24)
		size = 4096;
	op_count(lane);
	p = mmap(NULL, size, prot, chance(lane, 3) ? MAP_PRIVATE : MAP_SHARED,
		 fd, offset);
	if (p == MAP_FAILED)
		return;
	/* What the kernel writes is to be read, and nothing is to be run. */
	must(!(prot & PROT_EXEC));
	must(offset == MPMC_MAP_OWNER || !(prot & PROT_WRITE));
	must(munmap(p, size) == 0);
}

/* A free place for a mapping, which is ours to change. */
static struct map *map_new(struct lane *lane)
{
	unsigned int i;
	int free;

	for (i = 0; i < MAPS; i++) {
		free = 0;
		if (atomic_compare_exchange_strong(&lane->world->map[i].state,
						   &free, 1))
			return &lane->world->map[i];
	}
	return NULL;
}

void op_mmap(struct lane *lane, const struct op *op)
{
	int fd = slot_find(lane, op, KINDS_TOKEN);
	struct mpmc_token_info info;
	struct map *map;

	op_count(lane);
	if (token_info(fd, &info))
		return;
	if (op->shape >= 200) {
		mmap_odd(lane, fd, &info);
		return;
	}
	map = map_new(lane);
	if (!map)
		return;
	map->info = info;
	map->kernel = part(lane, fd, info.kernel_size, PROT_READ,
			   MPMC_MAP_KERNEL);
	map->owner = part(lane, fd, info.owner_size, PROT_READ | PROT_WRITE,
			  MPMC_MAP_OWNER);
	atomic_store(&map->state, map->kernel || map->owner ? 2 : 0);
}

/* Takes a mapping away from all others, to change it. */
static struct map *map_take(struct lane *lane, const struct op *op)
{
	struct map *map = map_find(lane, op);
	int there = 2;

	if (!map || !atomic_compare_exchange_strong(&map->state, &there, 1))
		return NULL;
	return map;
}

void op_munmap(struct lane *lane, const struct op *op)
{
	struct map *map = map_take(lane, op);
	char *kernel, *owner;

	if (!map)
		return;
	kernel = map->kernel;
	owner = map->owner;
	/* A part of one is not to be had. */
	if (op->shape >= 200 && owner && map->info.owner_size > 4096) {
		op_count(lane);
		must(munmap(owner, 4096) < 0);
	}
	map->kernel = NULL;
	map->owner = NULL;
	op_count(lane);
	if (kernel)
		must(munmap(kernel, map->info.kernel_size) == 0);
	op_count(lane);
	if (owner)
		must(munmap(owner, map->info.owner_size) == 0);
	atomic_store(&map->state, 0);
}

void op_protect(struct lane *lane, const struct op *op)
{
	static const int prots[] = {
		PROT_NONE, PROT_READ, PROT_READ | PROT_WRITE,
		PROT_READ | PROT_WRITE | PROT_EXEC,
	};
	static const int advices[] = {
		MADV_DONTNEED, MADV_DOFORK, MADV_DODUMP, MADV_REMOVE,
		MADV_MERGEABLE, MADV_HUGEPAGE, MADV_COLD, MADV_PAGEOUT,
		MADV_POPULATE_WRITE, MADV_FREE, MADV_WILLNEED,
	};
	struct map *map = map_take(lane, op);
	struct iovec local = { lane->arena, 4096 }, remote;
	size_t size;
	bool owner;
	char *p;
	int prot;

	if (!map)
		return;
	owner = map->owner && (!map->kernel || chance(lane, 2));
	p = owner ? map->owner : map->kernel;
	size = owner ? map->info.owner_size : map->info.kernel_size;
	op_count(lane);
	switch (pick(lane, 4)) {
	case 0:
		prot = pick_of(lane, prots);
		/* What the kernel writes is never the owner's to write. */
		must(mprotect(p, size, prot) < 0 || owner ||
		     !(prot & PROT_WRITE));
		break;
	case 1:
		madvise(p, size, pick_of(lane, advices));
		break;
	case 2:
		if (chance(lane, 2))
			mlock(p, size);
		else
			msync(p, size, MS_SYNC);
		break;
	default: /* pages are not to be had behind the mapping's back */
		remote = (struct iovec){ p, 4096 };
		process_vm_readv(getpid(), &local, 1, &remote, 1, 0);
	}
	atomic_store(&map->state, 2);
}

void op_remap(struct lane *lane, const struct op *op)
{
	struct map *map = map_take(lane, op);
	bool keep = chance(lane, 4);
	size_t size, fresh;
	char *p;

	if (!map)
		return;
	size = map->info.owner_size;
	fresh = chance(lane, 2) ? size : size + 4096 * (pick(lane, 3) - 1);
	if (map->owner && fresh) {
		op_count(lane);
		p = mremap(map->owner, size, fresh,
			   MREMAP_MAYMOVE | (keep ? MREMAP_DONTUNMAP : 0));
		/* Nor is a part of one to be had that way, or more, or two. */
		must(p == MAP_FAILED || (fresh == size && !keep));
		if (p != MAP_FAILED)
			map->owner = p;
	}
	atomic_store(&map->state, 2);
}

/* --- Scribbling --- */

static u64 odd_position(struct lane *lane, u64 own, u64 kernel, u32 entries)
{
	switch (pick(lane, 10)) {
	case 0:
		return own + pick(lane, 2 * entries + 2);
	case 1:
		return own - pick(lane, entries + 2);
	case 2:
		return kernel;
	case 3:
		return kernel + 1 + pick(lane, entries);
	case 4:
		return kernel - pick(lane, 2 * entries + 2);
	case 5:
		return 0;
	case 6:
		return ~0ULL >> pick(lane, 64);
	case 7:
		return own ^ 1ULL << pick(lane, 64);
	case 8:
		return own + (1ULL << (30 + pick(lane, 34)));
	default:
		return random_next(&lane->random);
	}
}

static u64 kernel_position(const struct map *map, const struct mpmc_token_info *info)
{
	const struct mpmc_map_token *token;

	if (!map->kernel)
		return 0;
	token = (void *)(map->kernel + info->token_offset);
	return load_acquire(&token->position);
}

/* Items as nobody else has them: the first byte is 0. */
static void scribble_items(struct lane *lane, char *owner,
			   const struct mpmc_token_info *info)
{
	unsigned int i, words = (info->owner_size - info->items_offset) / 8;
	u64 *items = (void *)(owner + info->items_offset);

	if (info->kind != MPMC_TOKEN_PRODUCER || !words)
		return;
	for (i = 0; i < 8; i++)
		items[pick(lane, words)] = random_next(&lane->random) >> 8;
}

void op_scribble(struct lane *lane, const struct op *op)
{
	struct map *map = map_find(lane, op);
	struct mpmc_token_info info;
	u64 *own;
	char *owner;

	owner = map ? map->owner : NULL;
	if (!owner)
		return;
	info = map->info;
	own = (void *)owner;
	unless_fault(lane) {
		if (chance(lane, 3))
			scribble_items(lane, owner, &info);
		else
			store_release(own, odd_position(lane, load_relaxed(own),
							kernel_position(map, &info),
							info.ring_entries));
		if (chance(lane, 4)) /* beside all that has a meaning */
			own[1 + pick(lane, 511)] = random_next(&lane->random) >> 8;
	}
}

/* A token as the library uses it; but nobody takes care of the other thread. */
static bool map_view(struct lane *lane, const struct op *op, struct mapped *m)
{
	struct map *map = map_find(lane, op);

	memset(m, 0, sizeof(*m));
	if (!map)
		return false;
	m->kernel = map->kernel;
	m->owner = map->owner;
	m->info = map->info;
	if (!m->kernel || !m->owner || !m->info.ring_entries)
		return false;
	mapped_lay_out(m);
	return true;
}

static bool honest_put(struct lane *lane, struct mapped *m, u32 n)
{
	u64 rest = mapped_rest(m), own = *m->own;
	u32 i;

	n = rest < n ? rest : n;
	for (i = 0; i < n && i < m->info.ring_entries; i++)
		*mapped_entry(m, own + i) = random_next(&lane->random) >> 8;
	store_release(m->own, own + n);
	return producer_is_waited_for(m);
}

static bool honest_take(struct lane *lane, struct mapped *m, u32 n)
{
	u64 rest = mapped_rest(m), own = *m->own;
	u32 i, entries = m->info.ring_entries;
	u64 sum = 0;

	(void)lane;
	n = rest < n ? rest : n;
	for (i = 0; i < n && i < entries; i++)
		sum += *mapped_entry(m, own + i) +
		       m->deliveries[(own + i) & (entries - 1)];
	asm volatile("" : : "r"(sum));
	store_release(m->own, own + n);
	return consumer_is_waited_for(m);
}

void op_honest(struct lane *lane, const struct op *op)
{
	u32 n = 1 + pick(lane, chance(lane, 3) ? 300 : 4);
	int fd = slot_find(lane, op, KINDS_TOKEN);
	volatile bool waited = false;
	struct mapped m;

	if (!map_view(lane, op, &m))
		return;
	unless_fault(lane)
		waited = m.info.kind == MPMC_TOKEN_PRODUCER ?
			 honest_put(lane, &m, n) : honest_take(lane, &m, n);
	if (!waited)
		return;
	op_count(lane);
	token_kick(fd, n);
}
