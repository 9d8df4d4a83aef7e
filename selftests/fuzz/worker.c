// SPDX-License-Identifier: GPL-2.0
/*
 * A worker: makes programs, one after the other, and runs them by two threads. A
 * timer interrupts both fifty times a second, so that no call that waits without
 * a deadline lasts.
 */
#include "../mpmc_names.h"
#include "fuzz.h"

#define TICK_NS 20000000

static struct lane lanes[LANES];
static struct world world;
static struct program program;
static struct status *status;

/* The second thread's programs: which one it is to run, has begun, has done. */
static atomic_int go, begun, done;
static __thread struct lane *self;

/* --- Signals --- */

static void on_fault(int signal, siginfo_t *info, void *context)
{
	(void)signal;
	(void)info;
	(void)context;
	siglongjmp(self->fault, 1);
}

static void on_signal(int signal)
{
	(void)signal;
}

static void handle(int signal, void (*fn)(int signal), int flags)
{
	struct sigaction action = { .sa_handler = fn, .sa_flags = flags };

	must(sigaction(signal, &action, NULL) == 0);
}

static void handle_signals(void)
{
	struct sigaction fault = {
		.sa_sigaction = on_fault,
		.sa_flags = SA_SIGINFO | SA_NODEFER,
	};

	must(sigaction(SIGSEGV, &fault, NULL) == 0);
	must(sigaction(SIGBUS, &fault, NULL) == 0);
	handle(SIGUSR1, on_signal, 0);
	handle(SIGUSR2, on_signal, SA_RESTART);
	handle(SIGIO, SIG_IGN, 0);
	handle(SIGPIPE, SIG_IGN, 0);
}

static void tick(pid_t tid)
{
	struct sigevent event = {
		.sigev_notify = SIGEV_THREAD_ID,
		.sigev_signo = SIGUSR1,
	};
	struct itimerspec every = {
		.it_interval.tv_nsec = TICK_NS,
		.it_value.tv_nsec = TICK_NS,
	};
	timer_t timer;

	event._sigev_un._tid = tid;
	must(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0);
	must(timer_settime(timer, 0, &every, NULL) == 0);
}

/* Whether there are 32-bit calls: where there are none, trying is a fault. */
static bool compat_probe(void)
{
	int result;
	pid_t pid = fork();

	must(pid >= 0);
	if (!pid) {
		signal(SIGSEGV, SIG_DFL);
		asm volatile("int $0x80" : "=a"(result)
			     : "a"(20) : "memory", "r8", "r9", "r10", "r11");
		_exit(result == getpid() ? 0 : 1);
	}
	return !reap(pid);
}

bool compat_works(void)
{
	static int known;

	if (!known)
		known = compat_probe() ? 1 : -1;
	return known > 0;
}

/* --- The two threads --- */

/*
 * Below 4 GiB, for 32-bit calls: memory to write to, a page to read, and one that
 * is not there.
 */
static char *arena_create(void)
{
	char *arena = mmap(NULL, ARENA_SIZE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);

	must(arena != MAP_FAILED);
	must(mprotect(arena + ARENA_WRITE, ARENA_READ, PROT_READ) == 0);
	must(mprotect(arena + ARENA_WRITE + ARENA_READ, 4096, PROT_NONE) == 0);
	return arena;
}

static void lane_init(struct lane *lane, bool unguided)
{
	self = lane;
	atomic_store(&lane->tid, gettid());
	tick(lane->tid);
	if (!unguided)
		lane->cover = cover_open();
}

static void lane_run(struct lane *lane, unsigned int from, unsigned int end,
		     bool all)
{
	unsigned int i;

	for (i = from; i < end; i++)
		if (all || (program.op[i].lane & 1) == lane->index)
			op_run(lane, i);
}

static void *right_thread(void *unguided)
{
	int turn;

	lane_init(&lanes[1], unguided);
	gate_open(&done, 0);
	for (turn = 1;; turn++) {
		gate_wait(&go, turn);
		cover_start(lanes[1].cover);
		atomic_store(&begun, turn);
		lane_run(&lanes[1], program.setup, program.count, false);
		gate_open(&done, turn);
	}
	return NULL;
}

static bool needs_right(void)
{
	unsigned int i;

	for (i = program.setup; i < program.count; i++)
		if (program.op[i].lane & 1)
			return true;
	return false;
}

/* Lets the second thread begin, so that both are at it together. */
static int right_start(void)
{
	int i, turn = atomic_load(&go) + 1;

	gate_open(&go, turn);
	for (i = 0; i < 50 && atomic_load(&begun) < turn; i++)
		sched_yield();
	return turn;
}

static void program_run(void)
{
	bool both = needs_right();
	int turn = 0;

	world_init(&world);
	check_attack(&world, program.attack);
	cover_start(lanes[0].cover);
	lane_run(&lanes[0], 0, program.setup, true);
	if (both)
		turn = right_start();
	lane_run(&lanes[0], program.setup, program.count, false);
	if (both)
		gate_wait(&done, turn);
	world_end(&world);
}

/* --- The worker --- */

static void program_next(const struct options *options, int worker, u64 index)
{
	u64 random = hash64(options->seed * 1000003 + worker) ^ hash64(index);
	struct program other;

	random |= !random;
	if (options->program)
		must(program_parse(&program, options->program));
	else if (corpus_choose(&program, &other, index, &random))
		program_mutate(&program, &other, &random);
	else
		program_make(&program, &random);
}

static void keep(const struct options *options, int worker, u64 index, bool both)
{
	bool fresh = cover_merge(lanes[0].cover);

	if (both)
		fresh |= cover_merge(lanes[1].cover);
	if (fresh)
		corpus_add(&program, worker, index, options->quiet);
}

static void worker_init(const struct options *options, int worker)
{
	int i;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	new_namespace();
	check_status = status;
	handle_signals();
	compat_works();
	for (i = 0; i < LANES; i++) {
		lanes[i].index = i;
		lanes[i].world = &world;
		lanes[i].status = status;
		lanes[i].program = &program;
		lanes[i].arena = arena_create();
		lanes[i].other = &lanes[!i];
	}
	if (options->corpus)
		corpus_load(options->corpus, worker);
	check_init();
	lane_init(&lanes[0], options->unguided);
	atomic_store(&done, -1);
	thread_start(right_thread, (void *)(uintptr_t)options->unguided);
	gate_wait(&done, 0);
	world_prepare();
}

void worker_run(const struct options *options, struct shared *shared, int worker)
{
	u64 index, end = options->count ? options->from + options->count : ~0ULL;

	status = &shared->status[worker];
	worker_init(options, worker);
	for (index = options->from; index < end && !shared->stop; index++) {
		program_next(options, worker, index);
		status->program = program;
		atomic_store(&status->index, index);
		atomic_store(&status->since, now_ns());
		program_run();
		keep(options, worker, index, needs_right());
		check_program(&world, program.attack, index);
		atomic_store(&status->corpus, corpus_count());
		atomic_fetch_add(&status->programs, 1);
	}
	fflush(stdout);
	atomic_store(&status->done, true);
	_exit(KSFT_PASS);
}
