/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A fuzzer of all of /dev/mpmc: programs of calls, run by two threads at once,
 * guided by what they reach in the module where the kernel can tell (KCOV).
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <setjmp.h>
#include <stddef.h>

#include "../mpmc_mapped.h"
#include "../mpmc_test.h"

#define OPS_MAX 48
#define LANES 2
#define SLOTS 24
#define MAPS 8
#define CHILDREN 4
#define WORKERS_MAX 8

typedef __u8 u8;
typedef __u32 u32;
typedef __u64 u64;

/**
 * struct op - one step of a program
 * @kind: what to do, an index of op_kinds
 * @lane: which thread does it
 * @target: to which fd, or mapping, counted among those that fit
 * @shape: whether, and how, its arguments are broken
 * @value: seeds all that is chosen beside that
 */
struct op {
	u8 kind;
	u8 lane;
	u8 target;
	u8 shape;
	u32 value;
};

/* What a program is given of the queue that others have items in. */
enum { ATTACK_NONE, ATTACK_PRODUCER, ATTACK_CONSUMER, ATTACKS };

/**
 * struct program - what is run
 * @count: number of steps
 * @setup: so many are done before the second thread joins in
 * @attack: ATTACK_*
 * @op: the steps
 */
struct program {
	u8 count;
	u8 setup;
	u8 attack;
	u8 pad[5];
	struct op op[OPS_MAX];
};

enum kind {
	KIND_FREE,
	KIND_DEVICE,
	KIND_QUEUE,
	KIND_PRODUCER,
	KIND_CONSUMER,
	KIND_OTHER,
};

#define KINDS_TOKEN (1 << KIND_PRODUCER | 1 << KIND_CONSUMER)
#define KINDS_MPMC (1 << KIND_DEVICE | 1 << KIND_QUEUE | KINDS_TOKEN)

/**
 * struct slot - an fd of a program's
 * @fd: the fd, or -1; who takes it out by an exchange, closes it
 * @kind: what it is, as far as we know
 */
struct slot {
	atomic_int fd;
	atomic_int kind;
};

/**
 * struct map - a token's ring that is mapped
 * @state: 0 free, 1 being changed, 2 there
 * @kernel: the kernel's part, or NULL
 * @owner: the owner's part, or NULL
 * @info: what is where
 */
struct map {
	atomic_int state;
	char *kernel;
	char *owner;
	struct mpmc_token_info info;
};

/**
 * struct world - what the threads of a program share
 * @slot: its fds
 * @map: its mappings
 * @child: its processes, 0: none
 * @late: fds may be closed later than we close them (io_uring)
 * @flying: requests may be in flight in rings of io_uring that are closed
 * @end: a pipe: rings have one end of it as long as there is anything left of them
 */
struct world {
	struct slot slot[SLOTS];
	struct map map[MAPS];
	atomic_int child[CHILDREN];
	atomic_bool late;
	atomic_bool flying;
	int end[2];
};

/**
 * struct status - what a worker says of itself, in memory shared by all
 * @pid: its process
 * @index: which program it is at
 * @since: since when
 * @calls: how many calls it has made
 * @programs: how many programs it has run
 * @corpus: how many programs it keeps
 * @failed: what is wrong, if anything
 * @program: the program it is at
 * @done: it has ended as it should
 */
struct status {
	atomic_int pid;
	atomic_ulong index;
	atomic_ulong since;
	atomic_ulong calls;
	atomic_ulong programs;
	atomic_ulong corpus;
	atomic_bool done;
	char failed[160];
	struct program program;
};

struct cover;
struct io_uring_sqe;

/**
 * struct lane - one of the threads of a program
 * @index: which one
 * @world: what it shares with the other
 * @status: the worker's
 * @random: of the step it is at
 * @arena: memory below 4 GiB for arguments: some to write to, then a page to
 *	read from, then one that is not there
 * @tid: its thread
 * @other: the other one's
 * @fault: where to go on after a SIGSEGV
 * @cover: what it reaches, or NULL
 * @child: it is a process of its own
 * @sqe: what calls are prepared in, rather than made; or NULL
 */
struct lane {
	int index;
	struct world *world;
	struct status *status;
	const struct program *program;
	u64 random;
	char *arena;
	atomic_int tid;
	struct lane *other;
	sigjmp_buf fault;
	struct cover *cover;
	bool child;
	struct io_uring_sqe *sqe;
};

#define ARENA_ITEMS 32768U
#define ARENA_WRITE (ARENA_ITEMS * 16)
#define ARENA_READ 4096
#define ARENA_SIZE (ARENA_WRITE + ARENA_READ + 4096)

/**
 * struct options - what the user wants
 */
struct options {
	u64 seed;
	u64 from;
	u64 count;
	u64 calls;
	unsigned int seconds;
	unsigned int workers;
	int worker;
	unsigned int hang_seconds;
	const char *program;
	const char *corpus;
	bool unguided;
	bool quiet;
};

/**
 * struct shared - what all processes share
 * @stop: it is enough
 * @status: the workers
 */
struct shared {
	atomic_bool stop;
	struct status status[WORKERS_MAX];
};

/* random.c: a number below n, and one of a list */
u32 pick(struct lane *lane, u32 n);
bool chance(struct lane *lane, u32 one_in);
u64 hash64(u64 x);

#define pick_of(lane, list) ((list)[pick(lane, sizeof(list) / sizeof((list)[0]))])

/* program.c */
void program_make(struct program *program, u64 *random);
void program_mutate(struct program *program, const struct program *other,
		    u64 *random);
void program_print(const struct program *program);
bool program_parse(struct program *program, const char *text);
void program_format(const struct program *program, char *text, size_t size);

/* ops.c */
typedef void op_fn(struct lane *lane, const struct op *op);

struct op_kind {
	const char *name;
	unsigned int weight;
	op_fn *run;
};

extern const struct op_kind op_kinds[];
extern const unsigned int op_kinds_count;
u8 op_find(const char *name);
void op_run(struct lane *lane, unsigned int index);
void op_count(struct lane *lane);

op_fn op_device_open, op_device_info, op_queue_create, op_producer_create,
	op_consumer_create, op_queue_info, op_token_info, op_shutdown,
	op_enqueue, op_dequeue, op_kick, op_fill, op_commit, op_release,
	op_raw, op_queue_stats;
op_fn op_queue_open, op_queue_unlink, op_queue_list;
op_fn op_mmap, op_munmap, op_protect, op_remap, op_scribble, op_honest;
op_fn op_dup, op_close, op_fcntl, op_poll, op_select, op_epoll, op_uring,
	op_pass, op_fdinfo, op_read;
op_fn op_fork, op_signal, op_pause;
op_fn op_ring_create, op_ring_submit, op_ring_reap, op_ring_cancel,
	op_ring_update, op_ring_close;

/* calls.c */
enum kind kind_made(unsigned long cmd);

/* names.c */
int names_take(void);

/* processes.c */
void child_end(pid_t pid);

/* uring.c, wild.c, exact.c */
void urings_begin(struct world *world);
void urings_inherit(void);
void urings_end(struct world *world);
void wild_call(struct lane *lane, int fd, unsigned long cmd, u64 where);
void exact_init(void);

/* world.c */
void world_prepare(void);
void world_init(struct world *world);
void world_end(struct world *world);
int slot_add(struct world *world, int fd, enum kind kind);
int slot_find(struct lane *lane, const struct op *op, unsigned int kinds);
int slot_take(struct world *world, unsigned int index);
struct map *map_find(struct lane *lane, const struct op *op);

/* check.c: what must be true between two programs */
void check_init(void);
void check_attack(struct world *world, int attack);
void check_program(struct world *world, int attack, u64 index);
void check_fail(const char *format, ...)
	__attribute__((format(printf, 1, 2), noreturn));
extern struct status *check_status;

/* cover.c */
struct cover *cover_open(void);
void cover_start(struct cover *cover);
bool cover_merge(struct cover *cover);
void cover_share(void);
unsigned int cover_count(void);

/* corpus.c */
void corpus_load(const char *path, int worker);
bool corpus_choose(struct program *program, struct program *other, u64 index,
		   u64 *random);
void corpus_add(const struct program *program, int worker, u64 index,
		bool quiet);
unsigned int corpus_count(void);

/* worker.c */
void worker_run(const struct options *options, struct shared *shared,
		int worker) __attribute__((noreturn));
bool compat_works(void);

/* watch.c */
bool watch(const struct options *options, struct shared *shared);

#endif /* FUZZ_H */
