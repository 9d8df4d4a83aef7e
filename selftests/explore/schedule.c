// SPDX-License-Identifier: GPL-2.0
/*
 * The scheduler: threads that run one at a time, and a search of all the ways
 * in which they can
 *
 * Threads are stacks that are switched between, at their accesses to shared
 * memory. Whatever could go one way or another is a choice: who is next, and
 * which value is read. An execution is a list of choices; the search makes the
 * first one everywhere, and then, from the last choice back, the next ones,
 * running the case from its start each time.
 *
 * Two bounds keep that short: how often a thread that could go on is preempted
 * (most bugs need one or two), and how often a value that is read is an old one.
 * A state that was come to before with as many of both left, or more, is not
 * searched again: see machine_state().
 */
#include "schedule.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <ucontext.h>

#include "trace.h"
#include "visited.h"

#define CHOICES 20000
#define ARENAS (MACHINE_THREADS * 256 * 1024UL)

enum state { RUNNABLE, BLOCKED, ENDED };

struct coroutine {
	jmp_buf start;
	jmp_buf here;
	ucontext_t context;
	bool started;
	enum state state;
	bool (*ready)(void *arg);
	void *arg;
};

struct choice {
	unsigned short made;
	unsigned short count;
};

static struct {
	const struct explore_case *which;
	struct search *search;
	struct coroutine thread[MACHINE_THREADS];
	unsigned int current;
	bool running; /* threads, not setup or check */
	bool quiet; /* no scheduling: in an interrupt */
	jmp_buf main;
	struct choice choice[CHOICES];
	unsigned int choices; /* of this execution, so far */
	unsigned int given; /* how many are to be made as before */
	unsigned int steps;
	unsigned int preemptions;
	unsigned int stale;
} sched;

enum outcome { GOES_ON, COMPLETE, KNOWN, FAILED };

/* --- Choices --- */

/*
 * A choice of so many; those beyond a limit are out of bounds. Only where there
 * is one it is counted, whatever the bounds, so that schedules do not depend on
 * them.
 */
static unsigned int choose(unsigned int count, unsigned int limit)
{
	struct choice *choice = &sched.choice[sched.choices];

	if (count == 1)
		return 0;
	if (sched.choices == CHOICES)
		explore_die("too many choices in one execution");
	if (sched.choices++ >= sched.given) {
		choice->made = 0;
		choice->count = limit;
	}
	if (choice->made >= count)
		explore_die("choice %u is %u of %u: not a schedule of this case",
			    sched.choices - 1, choice->made, count);
	return choice->made;
}

/* Go back to the last choice that is not exhausted; false: there is none. */
static bool choose_next(void)
{
	while (sched.choices) {
		struct choice *choice = &sched.choice[sched.choices - 1];

		if (++choice->made < choice->count) {
			sched.given = sched.choices;
			return true;
		}
		sched.choices--;
	}
	return false;
}

/* "3:1,17:2": at choice 3 the second, at choice 17 the third, else the first. */
static void choices_print(char *text, size_t size)
{
	unsigned int i;
	size_t n = 0;

	strcpy(text, "-");
	for (i = 0; i < sched.choices && n + 20 < size; i++)
		if (sched.choice[i].made)
			n += sprintf(text + n, "%s%u:%u", n ? "," : "", i,
				     sched.choice[i].made);
}

static void choices_read(const char *text)
{
	unsigned int at, made;
	int n;

	memset(sched.choice, 0, sizeof(sched.choice));
	while (sscanf(text, "%u:%u%n", &at, &made, &n) == 2) {
		if (at >= CHOICES)
			explore_die("no such choice: %u", at);
		sched.choice[at].made = made;
		text += n + (text[n] == ',');
	}
	if (*text && strcmp(text, "-"))
		explore_die("this is no schedule: %s", text);
	sched.given = CHOICES;
}

unsigned int schedule_stale(unsigned int count)
{
	bool more = sched.stale < sched.search->bounds.stale;
	unsigned int made;

	if (!sched.running)
		return 0;
	made = choose(count, more ? count : 1);
	sched.stale += made != 0;
	return made;
}

unsigned int schedule_choice(unsigned int count)
{
	unsigned int made = choose(count, count);

	machine_note(made);
	return made;
}

/* --- The end of an execution --- */

void explore_fail(const char *format, ...)
{
	char *text = sched.search->failure;
	size_t size = sizeof(sched.search->failure), n = 0;
	va_list args;

	if (sched.running)
		n = snprintf(text, size, "thread %u: ", sched.current);
	va_start(args, format);
	vsnprintf(text + n, size - n, format, args);
	va_end(args);
	choices_print(sched.search->schedule, sizeof(sched.search->schedule));
	longjmp(sched.main, FAILED);
}

void explore_die(const char *format, ...)
{
	va_list args;

	fflush(stdout);
	fprintf(stderr, "explore: %s: ", sched.which ? sched.which->name : "");
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, "\n");
	exit(2);
}

/* --- Threads --- */

unsigned int schedule_current(void)
{
	return sched.current;
}

unsigned int schedule_threads(void)
{
	return sched.which->threads;
}

bool schedule_tracing(void)
{
	return sched.search->trace;
}

static bool is_enabled(unsigned int thread)
{
	struct coroutine *t = &sched.thread[thread];

	return t->state == RUNNABLE ||
	       (t->state == BLOCKED && t->ready(t->arg));
}

/* Who can run: the current thread first. */
static unsigned int enabled(unsigned int *threads)
{
	unsigned int i, count = 0;

	if (is_enabled(sched.current))
		threads[count++] = sched.current;
	for (i = 1; i <= sched.which->threads; i++)
		if (i != sched.current && is_enabled(i))
			threads[count++] = i;
	return count;
}

static void switch_to(unsigned int thread)
{
	struct coroutine *from = &sched.thread[sched.current];
	struct coroutine *to = &sched.thread[thread];

	if (thread == sched.current)
		return;
	trace_switch(thread);
	sched.current = thread;
	if (_setjmp(from->here))
		return;
	if (to->started)
		_longjmp(to->here, 1);
	to->started = true;
	_longjmp(to->start, 1);
}

static void all_blocked(void)
{
	unsigned int i;

	for (i = 1; i <= sched.which->threads; i++)
		if (sched.thread[i].state == BLOCKED)
			explore_fail("deadlock: thread %u waits for ever", i);
	longjmp(sched.main, COMPLETE);
}

/* Whether all that can follow has been searched already. */
static void check_known(bool goes_on)
{
	struct search *search = sched.search;
	uint64_t state;

	if (search->replay || sched.choices < sched.given)
		return;
	state = machine_state() * 31 + (goes_on ? sched.current : 0);
	if (visited_before(state, sched.preemptions, sched.stale))
		longjmp(sched.main, KNOWN);
}

static void schedule(void)
{
	struct bounds *bounds = &sched.search->bounds;
	unsigned int threads[MACHINE_THREADS];
	unsigned int count = enabled(threads), limit = count, made;
	bool goes_on = count && threads[0] == sched.current;

	if (!count)
		all_blocked();
	if (++sched.steps > bounds->steps)
		explore_fail("no end after %u steps", bounds->steps);
	if (count > 1)
		check_known(goes_on);
	if (goes_on && sched.preemptions >= bounds->preemptions)
		limit = 1;
	made = choose(count, limit);
	sched.preemptions += goes_on && made;
	switch_to(threads[made]);
}

/* Before each access to shared memory. */
void schedule_point(void)
{
	if (sched.running && !sched.quiet)
		schedule();
}

void schedule_block(bool (*ready)(void *arg), void *arg)
{
	struct coroutine *t = &sched.thread[sched.current];

	if (!sched.running) {
		if (!ready(arg))
			explore_die("it would block before or after all");
		return;
	}
	t->state = BLOCKED;
	t->ready = ready;
	t->arg = arg;
	schedule();
	t->state = RUNNABLE;
}

void schedule_as(unsigned int thread, void (*fn)(void *arg), void *arg)
{
	unsigned int here = sched.current;

	sched.current = thread;
	sched.quiet = true;
	fn(arg);
	sched.quiet = false;
	sched.current = here;
}

static void coroutine_run(void)
{
	unsigned int thread = sched.current;

	/* Each execution begins here, on an empty stack. */
	if (!_setjmp(sched.thread[thread].start))
		_longjmp(sched.main, 1);
	sched.which->run(thread);
	machine_note(~0ULL);
	sched.thread[thread].state = ENDED;
	schedule();
	abort();
}

static void coroutine_init(unsigned int thread, uint8_t *stack)
{
	ucontext_t *context = &sched.thread[thread].context;

	getcontext(context);
	context->uc_stack.ss_sp = stack;
	context->uc_stack.ss_size = STACK_SIZE;
	makecontext(context, coroutine_run, 0);
	sched.current = thread;
	if (!_setjmp(sched.main))
		setcontext(context);
}

void schedule_init(void)
{
	size_t size = ARENAS + MACHINE_THREADS * STACK_SIZE;
	/* Where it always is, so that runs are alike. */
	uint8_t *memory = mmap((void *)0x200000000000, size,
			       PROT_READ | PROT_WRITE, MAP_PRIVATE |
			       MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	unsigned int i;

	if (memory == MAP_FAILED)
		explore_die("no memory");
	machine_init(memory + ARENAS, STACK_SIZE);
	for (i = 1; i < MACHINE_THREADS; i++)
		coroutine_init(i, memory + ARENAS + i * STACK_SIZE);
	sched.current = 0;
}

/* --- Search --- */

static void execution_begin(void)
{
	unsigned int i;

	sched.current = 0;
	sched.running = false;
	sched.quiet = false;
	sched.choices = 0;
	sched.steps = 0;
	sched.preemptions = 0;
	sched.stale = 0;
	machine_reset();
	sched.which->setup();
	for (i = 1; i <= sched.which->threads; i++) {
		sched.thread[i].state = RUNNABLE;
		sched.thread[i].started = false;
		machine_fork(i);
	}
	/* Thread 0 is not there meanwhile. */
	sched.thread[0].state = ENDED;
	sched.running = true;
}

static void execution_check(void)
{
	unsigned int i;

	sched.running = false;
	sched.current = 0;
	for (i = 1; i <= sched.which->threads; i++)
		machine_join(i);
	sched.which->check();
}

static enum outcome execute(void)
{
	volatile enum outcome outcome = _setjmp(sched.main);

	if (outcome == GOES_ON) {
		execution_begin();
		schedule();
	}
	if (outcome != COMPLETE)
		return outcome;
	outcome = _setjmp(sched.main);
	if (outcome == GOES_ON) {
		execution_check();
		return COMPLETE;
	}
	return outcome;
}

/* That this thread has had: what is searched does not depend on what else runs. */
static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return now.tv_sec + now.tv_nsec / 1e9;
}

static void search_all(struct search *search,
		       void (*progress)(const struct search *search))
{
	double start = seconds(), said = start;

	do {
		enum outcome outcome = execute();

		search->executions++;
		search->complete += outcome == COMPLETE;
		search->states = visited_count();
		if (outcome == FAILED || search->replay)
			return;
		if (!(search->executions % 1024) && seconds() > said + 5) {
			said = seconds();
			progress(search);
			if (said > start + search->bounds.seconds)
				return;
		}
	} while (choose_next());
	search->finished = true;
}

void schedule_search(const struct explore_case *which, struct search *search,
		     void (*progress)(const struct search *search))
{
	sched.which = which;
	sched.search = search;
	sched.choices = 0;
	sched.given = 0;
	visited_clear();
	if (search->replay)
		choices_read(search->replay);
	search_all(search, progress);
}
