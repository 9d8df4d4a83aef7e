// SPDX-License-Identifier: GPL-2.0
/*
 * The machine: memory as weak as the kernel's memory model allows, nearly
 *
 * A location keeps all the values that were written to it, in order: messages.
 * A thread has a view: of each location, the oldest message that it may still
 * read. A relaxed load reads any message from there on, and can't go back
 * behind it afterwards. A message that was written by a release carries the
 * view of who wrote it, and who reads it by an acquire (or has a smp_rmb() after
 * it) knows what that one knew. Full barriers exchange their views with a view
 * that they all share, one after the other. A read-modify-write reads the newest
 * message; those that the kernel calls fully ordered are one with a full barrier
 * before and behind it, unless they fail. So a store buffer, a load that is done
 * early and a cache line that comes late are all the same here: an old message.
 *
 * A plain access is not looked at as a message. It must be ordered with all that
 * conflicts, by what the threads know of each other (clocks in the views):
 * otherwise it is a data race, and reported. What is ordered need not be a
 * choice either, so that plain accesses cost no search.
 *
 * What the kernel's model allows and this does not: a store that is done before
 * an earlier load of the same thread (load buffering), or that comes before
 * another thread's, in a location's order, which was executed earlier (2+2W).
 * Dependencies order nothing here but for rcu_dereference(), which is an acquire.
 *
 * States. Executions that differ in the order of what is independent come to
 * the same state. A thread's hash is one of all that it did and what it read
 * (which message, not which value), a message's one of who wrote it and of the
 * message before, so the sum of the threads' hashes names the state.
 */
#include "machine.h"

#include <string.h>
#include <sys/mman.h>

#include "schedule.h"
#include "trace.h"

#define ARENA_SIZE (256 * 1024UL)
#define FREED 0xffff

#define VIEWS 4096

struct message {
	uint64_t value;
	uint64_t hash;
	struct view *view;
};

/* When a thread last did something, and where. */
struct stamp {
	uint32_t clock;
	const void *pc;
};

struct location {
	const uint8_t *addr;
	unsigned int size;
	unsigned int count; /* messages; 0: it was not accessed but plainly */
	unsigned int floor; /* all before were overwritten plainly */
	bool dirty; /* by one that has not been looked at */
	uint64_t dirty_hash;
	unsigned int writer; /* thread of the last plain write */
	struct stamp write;
	struct stamp plain_read[MACHINE_THREADS];
	struct stamp atomic_read[MACHINE_THREADS];
	struct stamp atomic_write[MACHINE_THREADS];
	struct message message[MACHINE_MESSAGES];
};

struct thread {
	struct view view;
	struct view acquired; /* by relaxed loads, for a smp_rmb() */
	struct view *released; /* at a smp_wmb() or smp_mb(), for relaxed stores */
	uint64_t hash;
	uint8_t *next; /* memory to hand out */
	const uint8_t *stack;
};

static struct {
	struct thread thread[MACHINE_THREADS];
	struct location *location;
	unsigned int locations;
	struct view *views;
	unsigned int view_count;
	struct view shared; /* of the full barriers */
	uint64_t shared_hash;
	uint8_t *memory; /* arenas, and then stacks */
	size_t memory_size;
	size_t stack_size;
	uint16_t *shadow; /* of each byte: its location + 1, or FREED */
	struct {
		uint8_t *start;
		size_t size;
	} freed[256];
	unsigned int freed_count;
} machine;

/* In front of what machine_alloc() returns. */
struct header {
	size_t size;
	uint64_t pad;
};

static struct thread *self(void)
{
	return &machine.thread[schedule_current()];
}

static uint64_t mix(uint64_t hash, uint64_t what)
{
	hash = (hash ^ what) * 0x9e3779b97f4a7c15ULL;
	hash ^= hash >> 29;
	hash *= 0xbf58476d1ce4e5b9ULL;
	return hash ^ hash >> 32;
}

static void view_join(struct view *view, const struct view *other)
{
	unsigned int i;

	for (i = 0; i < MACHINE_THREADS; i++)
		if (view->clock[i] < other->clock[i])
			view->clock[i] = other->clock[i];
	for (i = 0; i < machine.locations; i++)
		if (view->seen[i] < other->seen[i])
			view->seen[i] = other->seen[i];
}

static void view_clear(struct view *view)
{
	memset(view->clock, 0, sizeof(view->clock));
	memset(view->seen, 0, machine.locations * sizeof(view->seen[0]));
}

static void view_copy(struct view *view, const struct view *other)
{
	memcpy(view->clock, other->clock, sizeof(view->clock));
	memcpy(view->seen, other->seen,
	       machine.locations * sizeof(view->seen[0]));
}

/* Views that messages carry: zeroed behind the locations that there were. */
static struct view *view_keep(const struct view *view)
{
	struct view *kept;

	if (machine.view_count == VIEWS)
		explore_die("too many views: shorten the case, or raise VIEWS");
	kept = &machine.views[machine.view_count++];
	memset(kept, 0, sizeof(*kept));
	view_copy(kept, view);
	return kept;
}

/* --- Memory --- */

void machine_init(void *stacks, size_t stack_size)
{
	unsigned int i;

	machine.memory = stacks;
	machine.memory -= MACHINE_THREADS * ARENA_SIZE;
	machine.memory_size = MACHINE_THREADS * (ARENA_SIZE + stack_size);
	machine.stack_size = stack_size;
	machine.shadow = mmap(NULL, machine.memory_size * sizeof(uint16_t),
			      PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	machine.location = mmap(NULL, MACHINE_LOCATIONS *
				sizeof(struct location), PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
				-1, 0);
	machine.views = mmap(NULL, VIEWS * sizeof(struct view),
			     PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	for (i = 0; i < MACHINE_THREADS; i++)
		machine.thread[i].stack = (uint8_t *)stacks + i * stack_size;
}

void machine_reset(void)
{
	unsigned int i;

	for (i = 0; i < machine.locations; i++) {
		struct location *l = &machine.location[i];

		memset(&machine.shadow[l->addr - machine.memory], 0,
		       l->size * sizeof(uint16_t));
	}
	for (i = 0; i < machine.freed_count; i++)
		memset(&machine.shadow[machine.freed[i].start - machine.memory],
		       0, machine.freed[i].size * sizeof(uint16_t));
	machine.freed_count = 0;
	for (i = 0; i < MACHINE_THREADS; i++) {
		struct thread *t = &machine.thread[i];

		view_clear(&t->view);
		view_clear(&t->acquired);
		t->view.clock[i] = 1;
		t->released = NULL;
		t->hash = mix(i, 1);
		t->next = machine.memory + i * ARENA_SIZE;
	}
	view_clear(&machine.shared);
	machine.shared_hash = 0;
	machine.locations = 0;
	machine.view_count = 0;
}

void *machine_alloc(size_t size, size_t align, bool zero)
{
	struct thread *t = self();
	uint8_t *end = machine.memory + (schedule_current() + 1) * ARENA_SIZE;
	uintptr_t start = (uintptr_t)t->next + sizeof(struct header);
	struct header *header;

	start = (start + align - 1) & ~(uintptr_t)(align - 1);
	size = (size + 7) & ~(size_t)7;
	if ((uint8_t *)start + size > end)
		explore_die("too little memory: raise ARENA_SIZE");
	t->next = (uint8_t *)start + size;
	header = (struct header *)start - 1;
	header->size = size;
	/* Not zeros, where they may not be relied on. */
	memset((void *)start, zero ? 0 : 0x5a, size);
	return (void *)start;
}

static bool is_ours(const void *addr)
{
	return (const uint8_t *)addr >= machine.memory &&
	       (const uint8_t *)addr < machine.memory + machine.memory_size;
}

bool machine_is_freed(const void *addr)
{
	return is_ours(addr) &&
	       machine.shadow[(uint8_t *)addr - machine.memory] == FREED;
}

/* --- Locations --- */

static struct location *location_make(const uint8_t *addr, unsigned int size)
{
	struct location *l = &machine.location[machine.locations];
	unsigned int i, id = ++machine.locations;
	size_t at = addr - machine.memory;

	if (id >= MACHINE_LOCATIONS)
		explore_die("too many locations");
	for (i = 0; i < MACHINE_THREADS; i++) {
		machine.thread[i].view.seen[id - 1] = 0;
		machine.thread[i].acquired.seen[id - 1] = 0;
	}
	machine.shared.seen[id - 1] = 0;
	memset(l, 0, offsetof(struct location, message));
	l->addr = addr;
	l->size = size;
	for (i = 0; i < size; i++)
		machine.shadow[at + i] = id;
	return l;
}

static struct location *location_at(const uint8_t *addr, const void *pc)
{
	unsigned int id = machine.shadow[addr - machine.memory];

	if (id == FREED)
		explore_fail("use after free, at %s", trace_place(pc));
	return id ? &machine.location[id - 1] : NULL;
}

/* Cut a piece out of a location that was not accessed but plainly. */
static struct location *location_split(struct location *l, const uint8_t *addr,
				       unsigned int size)
{
	const uint8_t *end = l->addr + l->size;
	struct location *piece;

	if (l->count || addr + size > end)
		explore_die("accesses of different size overlap at %p, %u and %u bytes",
			    (void *)addr, l->size, size);
	piece = location_make(addr, size);
	memcpy(&piece->dirty, &l->dirty, offsetof(struct location, message) -
	       offsetof(struct location, dirty));
	if (end > addr + size) {
		struct location *rest = location_make(addr + size,
						      end - addr - size);

		memcpy(&rest->dirty, &l->dirty,
		       offsetof(struct location, message) -
		       offsetof(struct location, dirty));
	}
	/* Its id stays that of what is before the piece, of nothing perhaps. */
	l->size = addr - l->addr;
	return piece;
}

static uint64_t memory_read(const void *addr, unsigned int size)
{
	uint64_t value = 0;

	memcpy(&value, addr, size);
	return value;
}

static struct message *message_add(struct location *l, uint64_t value,
				   uint64_t hash, struct view *view)
{
	struct message *m = &l->message[l->count];

	if (l->count == MACHINE_MESSAGES)
		explore_fail("a location was written %u times: is this an endless loop?",
			     l->count);
	l->count++;
	m->value = value;
	m->hash = hash;
	m->view = view;
	return m;
}

static unsigned int location_id(const struct location *l)
{
	return l - machine.location;
}

/* The location of an atomic access, up to date. */
static struct location *location_atomic(const void *addr, unsigned int size,
					const void *pc)
{
	struct location *l = location_at(addr, pc);
	uint64_t value = memory_read(addr, size);

	if (!l)
		l = location_make(addr, size);
	else if (l->addr != addr || l->size != size)
		l = location_split(l, addr, size);
	/* By a plain store, or one that nobody told us of. */
	if (!l->count || l->dirty || l->message[l->count - 1].value != value) {
		message_add(l, value, l->dirty ? l->dirty_hash :
			    mix(l->count, (uintptr_t)addr), NULL);
		l->floor = l->count - 1;
		l->dirty = false;
	}
	return l;
}

/* --- Races --- */

static void race(const struct location *l, const void *pc,
		 const struct stamp *other, unsigned int thread,
		 const char *what)
{
	char here[200];

	strcpy(here, trace_place(pc));
	explore_fail("data race at %p: thread %u at %s, and %s of thread %u at %s",
		     (void *)l->addr, schedule_current(), here, what, thread,
		     trace_place(other->pc));
}

static bool is_known(const struct stamp *stamp, unsigned int thread)
{
	return stamp->clock <= self()->view.clock[thread];
}

static void check_write(const struct location *l, const void *pc)
{
	if (!is_known(&l->write, l->writer))
		race(l, pc, &l->write, l->writer, "a plain write");
}

static void check_stamps(const struct location *l, const void *pc,
			 const struct stamp *stamps, const char *what)
{
	unsigned int i;

	for (i = 0; i < MACHINE_THREADS; i++)
		if (!is_known(&stamps[i], i))
			race(l, pc, &stamps[i], i, what);
}

static void stamp_set(struct stamp *stamp, const void *pc)
{
	stamp->clock = self()->view.clock[schedule_current()];
	stamp->pc = pc;
}

static void plain_access(struct location *l, bool write, const void *pc)
{
	check_write(l, pc);
	check_stamps(l, pc, l->atomic_write, "an atomic write");
	if (!write) {
		stamp_set(&l->plain_read[schedule_current()], pc);
		return;
	}
	check_stamps(l, pc, l->plain_read, "a plain read");
	check_stamps(l, pc, l->atomic_read, "an atomic read");
	l->dirty = true;
	l->dirty_hash = mix(self()->hash, (uintptr_t)l->addr);
	l->writer = schedule_current();
	stamp_set(&l->write, pc);
}

static bool is_own_stack(const void *addr)
{
	const uint8_t *stack = self()->stack;

	return (const uint8_t *)addr >= stack &&
	       (const uint8_t *)addr < stack + machine.stack_size;
}

/*
 * Memory outside of an execution's is constant, or the case's own. What lies on
 * a thread's stack is its own until another thread looks at it.
 */
void machine_plain(const void *addr, size_t size, bool write, const void *pc)
{
	const uint8_t *at = addr, *end = at + size;
	bool own = is_own_stack(addr);
	struct location *l;
	size_t gap;

	if (!is_ours(addr))
		return;
	while (at < end) {
		l = location_at(at, pc);
		if (!l) {
			for (gap = 1; at + gap < end && gap < 8 &&
			     !location_at(at + gap, pc); gap++)
				;
			if (own) {
				at += gap;
				continue;
			}
			l = location_make(at, gap);
		}
		plain_access(l, write, pc);
		at = l->addr + l->size;
	}
}

/* --- The end of memory --- */

/*
 * Whoever has accessed it is known to have: else he may do so after it is freed, or
 * what he has stored comes later.
 */
static void check_free(const uint8_t *at, const uint8_t *end, const void *pc)
{
	const struct location *l;
	unsigned int id;

	while (at < end) {
		id = machine.shadow[at - machine.memory];
		if (!id) {
			at++;
			continue;
		}
		l = &machine.location[id - 1];
		check_write(l, pc);
		check_stamps(l, pc, l->atomic_write, "an atomic write");
		check_stamps(l, pc, l->plain_read, "a plain read");
		check_stamps(l, pc, l->atomic_read, "an atomic read");
		at = l->addr + l->size;
	}
}

void machine_free(void *memory, const void *pc)
{
	struct header *header = (struct header *)memory - 1;
	size_t i, at = (uint8_t *)memory - machine.memory;

	if (!memory)
		return;
	trace_plain("free", memory, pc);
	if (machine_is_freed(memory))
		explore_fail("freed twice, at %s", trace_place(pc));
	check_free(memory, memory + header->size, pc);
	if (machine.freed_count == 256)
		explore_die("too much is freed");
	machine.freed[machine.freed_count].start = memory;
	machine.freed[machine.freed_count++].size = header->size;
	for (i = 0; i < header->size; i++)
		machine.shadow[at + i] = FREED;
	/* Who reads it all the same is to see that. */
	memset(memory, 0xa5, header->size);
}

/* --- Atomics --- */

static bool is_acquire(int order)
{
	return order == __ATOMIC_ACQUIRE || order == __ATOMIC_ACQ_REL ||
	       order == __ATOMIC_SEQ_CST || order == __ATOMIC_CONSUME;
}

static bool is_release(int order)
{
	return order == __ATOMIC_RELEASE || order == __ATOMIC_ACQ_REL ||
	       order == __ATOMIC_SEQ_CST;
}

/* An event is over: what the thread does next is not a part of it. */
static void thread_did(struct thread *t, uint64_t what)
{
	t->hash = mix(t->hash, what);
	t->view.clock[schedule_current()]++;
}

static void read_message(struct thread *t, struct location *l,
			 unsigned int index, int order, const void *pc)
{
	struct message *m = &l->message[index];

	if (t->view.seen[location_id(l)] < index)
		t->view.seen[location_id(l)] = index;
	if (m->view)
		view_join(is_acquire(order) ? &t->view : &t->acquired, m->view);
	stamp_set(&l->atomic_read[schedule_current()], pc);
}

/* What a message carries: what was known, and what came along from others. */
static struct view *message_view(struct thread *t, int order,
				 const struct view *before)
{
	struct view *view;

	if (is_release(order))
		view = view_keep(&t->view);
	else if (t->released && before)
		view = view_keep(t->released);
	else
		return t->released ? t->released : (struct view *)before;
	if (before)
		view_join(view, before);
	return view;
}

static struct message *write_message(struct thread *t, struct location *l,
				     uint64_t value, int order,
				     const struct view *before, const void *pc)
{
	uint64_t hash = mix(mix(t->hash, l->message[l->count - 1].hash), 3);
	struct message *m;

	memcpy((void *)l->addr, &value, l->size);
	t->view.seen[location_id(l)] = l->count;
	/* Known to itself, with the message that comes with it. */
	m = message_add(l, value, hash, message_view(t, order, before));
	stamp_set(&l->atomic_write[schedule_current()], pc);
	return m;
}

static void full_barrier(struct thread *t)
{
	view_join(&t->view, &t->acquired);
	view_join(&t->view, &machine.shared);
	view_copy(&machine.shared, &t->view);
	t->released = view_keep(&t->view);
	machine.shared_hash = mix(t->hash, machine.shared_hash);
	thread_did(t, machine.shared_hash);
}

/* The oldest message that a thread may read. */
static unsigned int oldest(const struct thread *t, const struct location *l)
{
	unsigned int seen = t->view.seen[location_id(l)];

	return seen > l->floor ? seen : l->floor;
}

uint64_t machine_load(const void *addr, unsigned int size, int order,
		      const void *pc)
{
	struct thread *t = self();
	struct location *l;
	unsigned int index, newest;

	if (!is_ours(addr))
		return memory_read(addr, size);
	schedule_point();
	l = location_atomic(addr, size, pc);
	check_write(l, pc);
	newest = l->count - 1;
	index = newest - schedule_stale(l->count - oldest(t, l));
	read_message(t, l, index, order, pc);
	thread_did(t, l->message[index].hash);
	trace_access(is_acquire(order) ? "load acquire" : "load", addr,
		     l->message[index].value, newest - index, pc);
	return l->message[index].value;
}

static void check_atomic_write(struct location *l, const void *pc)
{
	check_write(l, pc);
	check_stamps(l, pc, l->plain_read, "a plain read");
}

/* Before an atomic access that may write, where another thread may come first. */
static struct location *location_to_write(void *addr, unsigned int size,
					  const void *pc)
{
	struct location *l;

	if (!is_ours(addr))
		explore_die("a store outside of the execution's memory, at %s",
			    trace_place(pc));
	schedule_point();
	l = location_atomic(addr, size, pc);
	check_atomic_write(l, pc);
	return l;
}

void machine_store(void *addr, unsigned int size, uint64_t value, int order,
		   const void *pc)
{
	struct thread *t = self();
	struct location *l;

	l = location_to_write(addr, size, pc);
	thread_did(t, write_message(t, l, value, order, NULL, pc)->hash);
	trace_access(is_release(order) ? "store release" : "store", addr, value,
		     0, pc);
}

static uint64_t rmw_result(enum rmw kind, uint64_t old, uint64_t operand)
{
	switch (kind) {
	case RMW_ADD:
		return old + operand;
	case RMW_SUB:
		return old - operand;
	case RMW_AND:
		return old & operand;
	case RMW_OR:
		return old | operand;
	case RMW_XOR:
		return old ^ operand;
	default:
		return operand;
	}
}

static uint64_t truncate_to(uint64_t value, unsigned int size)
{
	return size == 8 ? value : value & ((1ULL << 8 * size) - 1);
}

/*
 * A compare-and-exchange that fails is a load: of the newest message, if that
 * makes it fail, or of an older one. Returns which, or the number of messages if
 * it succeeds.
 */
static unsigned int cas_choice(struct thread *t, struct location *l,
			       enum rmw kind, uint64_t expected)
{
	unsigned int choices[MACHINE_MESSAGES + 1], count = 1, i;

	i = l->count - 1;
	choices[0] = l->message[i].value == expected ? l->count : i;
	while (kind == RMW_CAS && i-- > oldest(t, l))
		if (l->message[i].value != expected)
			choices[count++] = i;
	return choices[schedule_stale(count)];
}

static uint64_t rmw_failed(struct thread *t, struct location *l,
			   unsigned int index, const void *pc)
{
	read_message(t, l, index, __ATOMIC_RELAXED, pc);
	thread_did(t, mix(l->message[index].hash, 5));
	trace_access("compare-and-exchange fails", l->addr,
		     l->message[index].value, l->count - 1 - index, pc);
	return l->message[index].value;
}

uint64_t machine_rmw(void *addr, unsigned int size, enum rmw kind,
		     uint64_t operand, uint64_t *expected, int order,
		     const void *pc)
{
	struct thread *t = self();
	const struct view *before;
	struct location *l;
	unsigned int index;
	uint64_t old;

	l = location_to_write(addr, size, pc);
	if (expected) {
		index = cas_choice(t, l, kind, *expected);
		if (index != l->count)
			return rmw_failed(t, l, index, pc);
	}
	if (order == __ATOMIC_SEQ_CST)
		full_barrier(t);
	index = l->count - 1;
	old = l->message[index].value;
	before = l->message[index].view;
	read_message(t, l, index, order, pc);
	operand = truncate_to(rmw_result(kind, old, operand), size);
	thread_did(t, write_message(t, l, operand, order, before, pc)->hash);
	if (order == __ATOMIC_SEQ_CST)
		full_barrier(t);
	trace_access(expected ? "compare-and-exchange" : "read-modify-write",
		     addr, operand, 0, pc);
	return old;
}

void machine_fence(int order, const void *pc)
{
	struct thread *t = self();

	if (order == __ATOMIC_SEQ_CST) {
		schedule_point();
		full_barrier(t);
	} else {
		if (is_acquire(order))
			view_join(&t->view, &t->acquired);
		if (is_release(order))
			t->released = view_keep(&t->view);
		thread_did(t, order);
	}
	trace_fence(order, pc);
}

/* --- Between threads --- */

void machine_give(struct handover *handover)
{
	struct thread *t = self();

	view_join(&handover->view, &t->view);
	handover->hash = mix(t->hash, handover->hash);
	thread_did(t, handover->hash);
}

void machine_leave(struct handover *handover)
{
	struct thread *t = self();

	view_join(&handover->view, &t->view);
	handover->hash += mix(t->hash, 7);
	/* What it does next is not known to who gets this. */
	t->view.clock[schedule_current()]++;
}

void machine_get(struct handover *handover)
{
	struct thread *t = self();

	view_join(&t->view, &handover->view);
	thread_did(t, handover->hash);
}

void machine_interrupt(unsigned int thread, void (*fn)(void *arg), void *arg)
{
	struct thread *here = self(), *there = &machine.thread[thread];

	view_join(&there->view, &here->view);
	there->hash = mix(there->hash, here->hash);
	schedule_as(thread, fn, arg);
	view_join(&here->view, &there->view);
	thread_did(here, there->hash);
}

void machine_fork(unsigned int thread)
{
	struct thread *parent = self(), *t = &machine.thread[thread];

	view_copy(&t->view, &parent->view);
	t->view.clock[thread] = 1;
	parent->view.clock[schedule_current()]++;
	t->hash = mix(parent->hash, thread);
}

void machine_join(unsigned int thread)
{
	view_join(&self()->view, &machine.thread[thread].view);
}

void machine_note(uint64_t what)
{
	thread_did(self(), what);
}

uint64_t machine_thread_state(unsigned int thread)
{
	return machine.thread[thread].hash;
}

uint64_t machine_state(void)
{
	uint64_t state = 0;
	unsigned int i;

	for (i = 0; i < MACHINE_THREADS; i++)
		state += mix(machine.thread[i].hash, i);
	return state;
}
