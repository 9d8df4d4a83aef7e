// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Mapped tokens: when they are, how many system calls they make, room that is
 * granted, waiting for who makes no calls, forks, deaths, and what is left
 * behind
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guest.h"

/* --- Whether they are mapped --- */

static void mapped_checks(uint32_t segments, uint32_t flags, int producer,
			  int consumer)
{
	struct mpmc_queue *queue = queue_of(100, segments);
	struct mpmc_producer *p = producer_of(queue, 0, flags);
	struct mpmc_consumer *c = consumer_of(queue, 0, flags);

	IS(mpmc_producer_mapped(p), producer);
	IS(mpmc_consumer_mapped(c), consumer);
	mpmc_producer_destroy(p);
	mpmc_consumer_destroy(c);
	mpmc_queue_destroy(queue);
}

static void test_mapped(void)
{
	mapped_checks(0, 0, sysconf(_SC_NPROCESSORS_CONF) > 1, 1);
	mapped_checks(2, 0, 1, 1);
	mapped_checks(2, MPMC_OPT_ARMED, 1, 1);
	mapped_checks(2, MPMC_OPT_UNMAPPED, 0, 0);
	mapped_checks(2, MPMC_OPT_UNMAPPED | MPMC_OPT_ARMED, 0, 0);
	mapped_checks(1, 0, 0, 1);
	IS(mpmc_producer_mapped(NULL), -EINVAL);
	IS(mpmc_consumer_mapped(NULL), -EINVAL);
}

/* --- System calls --- */

#define MANY 100000

/* Each function moves MANY items one by one; 0 if all was well. */
static int put_many(struct mpmc_producer *p, struct mpmc_consumer *c)
{
	uint64_t i;

	(void)c;
	for (i = 0; i < MANY; i++)
		if (mpmc_producer_try_enqueue(p, i))
			return 1;
	return 0;
}

static int take_many(struct mpmc_producer *p, struct mpmc_consumer *c)
{
	uint64_t i, item;

	(void)p;
	for (i = 0; i < MANY; i++)
		if (mpmc_consumer_try_dequeue(c, &item) || item != i)
			return 1;
	return 0;
}

static int commit_many(struct mpmc_producer *p, struct mpmc_consumer *c)
{
	struct mpmc_item item;
	uint64_t i;

	(void)p;
	for (i = 0; i < MANY; i++)
		if (mpmc_consumer_peek(c, &item, 1) != 1 || item.value != i ||
		    item.deliveries != 1 || mpmc_consumer_commit(c, 1))
			return 1;
	return 0;
}

/* In turn, each in bulk and with a timeout. */
static int move_many(struct mpmc_producer *p, struct mpmc_consumer *c)
{
	uint64_t items[1000] = { 0 };
	int i;

	for (i = 0; i < MANY; i += 1000)
		if (mpmc_producer_enqueue_bulk_wait(p, items, 1000, NULL) ||
		    mpmc_consumer_dequeue_bulk_wait(c, items, 1000, NULL) !=
			    1000)
			return 1;
	return 0;
}

/* How many system calls a child makes until it ends; it has stopped itself. */
static int count_calls(pid_t pid)
{
	int status, stops = 0;

	waitpid(pid, &status, 0);
	ptrace(PTRACE_SETOPTIONS, pid, 0,
	       PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
	for (;;) {
		ptrace(PTRACE_SYSCALL, pid, 0, 0);
		if (waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status))
			break;
		stops += WSTOPSIG(status) == (SIGTRAP | 0x80);
	}
	return WIFEXITED(status) && !WEXITSTATUS(status) ? stops / 2 : -1;
}

typedef int moves(struct mpmc_producer *p, struct mpmc_consumer *c);

/* Only the calls of the second function are counted. */
static void few_calls(const char *name, int few, moves *before, moves *counted)
{
	struct mpmc_queue *queue = queue_of(0, 2);
	int calls;
	pid_t pid = fork();

	if (!pid) {
		struct mpmc_producer *p;
		struct mpmc_consumer *c;

		if (mpmc_producer_create(&p, queue, NULL) ||
		    mpmc_consumer_create(&c, queue, NULL) ||
		    (before && before(p, c)))
			_exit(1);
		ptrace(PTRACE_TRACEME, 0, 0, 0);
		raise(SIGSTOP);
		_exit(counted(p, c));
	}
	calls = count_calls(pid);
	check(calls >= 0 && calls <= few, "%s: few system calls for %d items",
	      name, MANY);
	printf("# %d calls\n", calls);
	mpmc_queue_destroy(queue);
}

static void test_calls(void)
{
	few_calls("enqueue", 100, NULL, put_many);
	few_calls("dequeue", 100, put_many, take_many);
	few_calls("peek and commit", 100, put_many, commit_many);
	few_calls("in turn, in bulk", 200, NULL, move_many);
}

/* --- Room --- */

static size_t fill_token(struct mpmc_producer *p)
{
	size_t n = 0;

	while (!mpmc_producer_try_enqueue(p, n))
		n++;
	return n;
}

/* Room that is granted counts as used, is not lost, and is not had twice. */
static void test_granted(void)
{
	struct mpmc_queue *queue = queue_of(1000, 2);
	struct mpmc_producer *p = producer_of(queue, 64, 0);
	struct mpmc_producer *other = producer_of(queue, 64, 0);
	struct mpmc_stat stat;
	size_t n, more;

	IS(mpmc_producer_try_enqueue(p, 0), 0);
	IS(mpmc_producer_try_enqueue(p, 1), 0);
	stat = stat_of(queue);
	IS(stat.items, 2);
	IS(stat.granted > 0, true);
	n = fill_token(other);
	stat = stat_of(queue);
	IS(stat.items, 2 + n);
	IS(stat.granted, 1000 - 2 - n);
	IS(stat.granted > 0, true);
	IS(mpmc_try_enqueue(queue, 0), -EAGAIN);
	more = fill_token(p);
	IS(n + 2 + more, 1000);
	IS(stat_of(queue).granted, 0);
	IS(stat_of(queue).items, 1000);
	drain(queue);
	/* Unused, it comes back in the next call that needs it, ... */
	IS(mpmc_producer_try_enqueue(p, 0), 0);
	IS(stat_of(queue).granted > 0, true);
	IS(mpmc_producer_try_enqueue_bulk(p, (uint64_t[999]){ 0 }, 999), 0);
	IS(stat_of(queue).granted, 0);
	drain(queue);
	/* ... and when the token is closed. */
	IS(mpmc_producer_try_enqueue(p, 0), 0);
	IS(stat_of(queue).granted > 0, true);
	mpmc_producer_destroy(p);
	IS(stat_of(queue).granted, 0);
	IS(fill(queue), 999);
	mpmc_producer_destroy(other);
	mpmc_queue_destroy(queue);
}

/* A queue of one: all of it is in use, or none of it. */
static void test_tiny(void)
{
	struct mpmc_queue *queue = queue_of(1, 2);
	struct mpmc_producer *p = producer_of(queue, 0, 0);
	struct mpmc_consumer *c = consumer_of(queue, 0, 0);
	uint64_t i, item;
	bool good = true;

	for (i = 0; i < 100; i++) {
		good &= !mpmc_producer_try_enqueue(p, i) &&
			mpmc_producer_try_enqueue(p, i) == -EAGAIN &&
			mpmc_try_enqueue(queue, i) == -EAGAIN &&
			!mpmc_consumer_try_dequeue(c, &item) && item == i &&
			mpmc_consumer_try_dequeue(c, &item) == -EAGAIN;
	}
	IS(good, true);
	mpmc_producer_destroy(p);
	mpmc_consumer_destroy(c);
	mpmc_queue_destroy(queue);
}

/* What is committed without a call is free at once. */
static void test_committed(void)
{
	struct mpmc_queue *queue = queue_of(100, 2);
	struct mpmc_consumer *c = consumer_of(queue, 64, 0);
	uint64_t item;

	IS(fill(queue), 100);
	IS(mpmc_consumer_try_dequeue(c, &item), 0);
	IS(mpmc_consumer_leased(c) > 1, true);
	IS(fill(queue), 1);
	IS(mpmc_consumer_try_dequeue(c, &item), 0);
	IS(mpmc_consumer_commit(c, mpmc_consumer_leased(c)), 0);
	IS(stat_of(queue).leased, 0);
	IS(fill(queue) + stat_of(queue).items >= 100, true);
	IS(stat_of(queue).items, 100);
	mpmc_consumer_destroy(c);
	mpmc_queue_destroy(queue);
}

/* --- Waiting for who makes no calls --- */

/* Whether those who sleep are told of before they do, by interrupts. */
static bool hot(struct mpmc_producer *p, struct mpmc_consumer *c)
{
	return !mpmc_map_of_producer(p, p->token.ring)->readers && !mpmc_map_of_consumer(c, c->token.ring)->writers;
}

#define QUIET 200000
#define QUIET_MS 100

/* Move much for a while, with nobody asleep: that makes a queue hot. */
static void move_quietly(struct mpmc_producer *p, struct mpmc_consumer *c)
{
	struct timespec start;
	uint64_t items[64] = { 0 };
	bool good = true;
	int i;

	clock_gettime(CLOCK_MONOTONIC, &start);
	for (i = 0; good && !hot(p, c) &&
	     (i < QUIET || elapsed(&start) < QUIET_MS); i += 64)
		good = !mpmc_producer_try_enqueue_bulk(p, items, 64) &&
		       mpmc_consumer_try_dequeue_bulk(c, items, 64) == 64;
	IS(good, true);
}

static void wait_checks(uint32_t flags, bool quiet)
{
	struct mpmc_queue *queue = queue_of(4096, 2);
	struct mpmc_producer *p = producer_of(queue, 256, flags);
	struct mpmc_consumer *c = consumer_of(queue, 256, flags);
	struct sleeper s = { .take = &ctakes, .handle = c };
	uint64_t item;

	if (quiet)
		move_quietly(p, c);
	IS(hot(p, c), quiet && !(flags & MPMC_OPT_ARMED));
	IS(mpmc_producer_try_enqueue(p, 0), 0);
	IS(mpmc_consumer_try_dequeue(c, &item), 0);
	IS(stat_of(queue).granted > 0, true);
	sleeper_start(&s, queue);
	IS(mpmc_producer_try_enqueue(p, 7), 0);
	pthread_join(s.thread, NULL);
	IS(s.ret, 0);
	IS(s.item, 7);
	if (quiet)
		move_quietly(p, c);
	IS(hot(p, c), quiet && !(flags & MPMC_OPT_ARMED));
	IS(fill_token(p), 4096);
	IS(mpmc_consumer_try_dequeue(c, &item), 0);
	IS(mpmc_consumer_leased(c) > 2, true);
	IS(fill_token(p), 1);
	s = (struct sleeper){ .put = &pputs, .handle = p };
	sleeper_start(&s, queue);
	IS(mpmc_consumer_try_dequeue(c, &item), 0);
	pthread_join(s.thread, NULL);
	IS(s.ret, 0);
	sleeper_start(&s, queue);
	IS(mpmc_consumer_commit(c, 1), 0);
	pthread_join(s.thread, NULL);
	IS(s.ret, 0);
	mpmc_producer_destroy(p);
	mpmc_consumer_destroy(c);
	mpmc_queue_destroy(queue);
}

/* The last one that is finished with, without a call, is the end for others. */
static void end_checks(uint32_t flags)
{
	struct mpmc_queue *queue = queue_of(100, 2);
	struct mpmc_producer *p = producer_of(queue, 8, flags);
	struct mpmc_consumer *c = consumer_of(queue, 8, flags);
	struct mpmc_consumer *other = consumer_of(queue, 8, flags);
	struct sleeper s = { .take = &ctakes, .handle = other };
	struct mpmc_item items[2];

	IS(mpmc_producer_try_enqueue(p, 1), 0);
	IS(mpmc_producer_try_enqueue(p, 2), 0);
	IS(stat_of(queue).granted > 0, true);
	IS(mpmc_consumer_peek(c, items, 2), 2);
	sleeper_start(&s, queue);
	IS(mpmc_shutdown(queue), 0);
	IS(stat_of(queue).granted, 0);
	IS(mpmc_producer_try_enqueue(p, 3), -EPIPE);
	IS(mpmc_producer_enqueue_wait(p, 3, NULL), -EPIPE);
	IS(mpmc_consumer_commit(c, 1), 0);
	IS(stat_of(queue).dequeue_waiters, 1);
	IS(mpmc_consumer_commit(c, 1), 0);
	pthread_join(s.thread, NULL);
	IS(s.ret, -EPIPE);
	IS(mpmc_consumer_peek(c, items, 2), -EPIPE);
	mpmc_producer_destroy(p);
	mpmc_consumer_destroy(c);
	mpmc_consumer_destroy(other);
	mpmc_queue_destroy(queue);
}

static void test_waits(void)
{
	wait_checks(0, false);
	wait_checks(0, true);
	wait_checks(MPMC_OPT_ARMED, true);
	end_checks(0);
	end_checks(MPMC_OPT_ARMED);
}

/* --- fork --- */

#define TURNS 40

/* One of two, in turn: puts two items, and takes one, in order. */
static int play(struct mpmc_producer *p, struct mpmc_consumer *c, int turn,
		int in, int out)
{
	uint64_t item;
	char byte;

	for (; turn < TURNS; turn += 2) {
		if (turn && read(in, &byte, 1) != 1)
			return 1;
		if (mpmc_producer_try_enqueue(p, 2 * turn) ||
		    mpmc_producer_enqueue_wait(p, 2 * turn + 1, NULL) ||
		    mpmc_consumer_try_dequeue(c, &item) ||
		    item != (uint64_t)turn)
			return 2;
		if (write(out, "", 1) != 1)
			return 3;
	}
	return 0;
}

static int play_child(struct mpmc_producer *p, struct mpmc_consumer *c, int in,
		      int out)
{
	int ret;

	if (mpmc_producer_mapped(p) || mpmc_consumer_mapped(c))
		return 4;
	ret = play(p, c, 1, in, out);
	mpmc_producer_destroy(p);
	mpmc_consumer_destroy(c);
	return ret;
}

static void test_fork(void)
{
	struct mpmc_queue *queue = queue_of(1000, 2);
	struct mpmc_producer *p = producer_of(queue, 32, 0);
	struct mpmc_consumer *c = consumer_of(queue, 32, 0);
	int to[2], from[2], error = pipe(to) || pipe(from);
	uint64_t item = 0, i;
	bool good = true;
	pid_t pid;

	pid = fork();
	if (!pid)
		_exit(play_child(p, c, to[0], from[1]));
	IS(error, 0);
	IS(play(p, c, 0, from[0], to[1]), 0);
	IS(ended(pid), 0);
	IS(mpmc_producer_mapped(p), 1);
	IS(mpmc_consumer_mapped(c), 1);
	for (i = TURNS; i < 2 * TURNS; i++)
		good &= !mpmc_consumer_try_dequeue(c, &item) && item == i;
	IS(good, true);
	IS(stat_of(queue).items + stat_of(queue).leased, 0);
	IS(stat_of(queue).redelivered, 0);
	mpmc_producer_destroy(p);
	mpmc_consumer_destroy(c);
	mpmc_queue_destroy(queue);
	for (i = 0; i < 2; i++) {
		close(to[i]);
		close(from[i]);
	}
}

/* Leaves its tokens, mapped here alone, to a child, and goes. */
static void leave(struct mpmc_queue *queue, int said)
{
	struct mpmc_producer *p;
	struct mpmc_consumer *c;
	pid_t parent = getpid();
	uint64_t item;

	if (mpmc_producer_create(&p, queue, NULL) ||
	    mpmc_consumer_create(&c, queue, NULL) ||
	    mpmc_producer_try_enqueue(p, 1) || mpmc_producer_try_enqueue(p, 2))
		_exit(1);
	if (fork())
		_exit(0);
	while (getppid() == parent)
		usleep(1000);
	_exit(mpmc_producer_try_enqueue(p, 3) ||
	      mpmc_consumer_try_dequeue(c, &item) || item != 1 ||
	      write(said, "", 1) != 1);
}

static void test_outlived(void)
{
	struct mpmc_queue *queue = queue_of(100, 2);
	int pipes[2], error = pipe(pipes);
	char byte;
	pid_t pid = fork();

	if (!pid)
		leave(queue, pipes[1]);
	IS(error || ended(pid), 0);
	close(pipes[1]);
	IS(read(pipes[0], &byte, 1), 1);
	IS(read(pipes[0], &byte, 1), 0);
	close(pipes[0]);
	IS(stat_of(queue).items, 2);
	IS(stat_of(queue).granted + stat_of(queue).leased, 0);
	mpmc_queue_destroy(queue);
}

/* --- Bad addresses, and errno --- */

/* Its own SIGSEGV, and nothing lost. */
static void test_bad_address(void)
{
	struct mpmc_queue *queue = queue_of(100, 2);
	struct mpmc_consumer *c;
	struct mpmc_item item;
	pid_t pid;

	IS(mpmc_try_enqueue(queue, 1), 0);
	IS(mpmc_try_enqueue(queue, 2), 0);
	pid = fork();
	if (!pid) {
		if (mpmc_consumer_create(&c, queue, NULL) ||
		    mpmc_consumer_peek(c, &item, 1) != 1)
			_exit(1);
		_exit(mpmc_consumer_try_dequeue(c, BAD) ? 2 : 3);
	}
	IS(ended(pid), -SIGSEGV);
	c = consumer_of(queue, 0, 0);
	IS(mpmc_consumer_peek(c, &item, 1), 1);
	IS(item.value, 1);
	IS(item.deliveries, 2);
	mpmc_consumer_destroy(c);
	mpmc_queue_destroy(queue);
}

/* An expression has a value, and errno is as it was. */
#define KEEPS(expr, want) do {						\
	int keeps_;							\
	errno = EXDEV;							\
	keeps_ = (expr) == (want) && errno == EXDEV;			\
	check(keeps_, "%d: %s is %s, errno left alone", __LINE__, #expr,\
	      #want);							\
} while (0)

static void errno_checks(uint32_t flags)
{
	struct mpmc_queue *queue = queue_of(2, 2);
	struct mpmc_token_opts opts = { 2, flags };
	struct mpmc_producer *p;
	struct mpmc_consumer *c;
	struct mpmc_item item;
	uint64_t value;

	KEEPS(mpmc_producer_create(&p, queue, &opts), 0);
	KEEPS(mpmc_consumer_create(&c, queue, &opts), 0);
	KEEPS(mpmc_producer_mapped(p), !(flags & MPMC_OPT_UNMAPPED));
	KEEPS(mpmc_consumer_peek(c, &item, 1), 0);
	KEEPS(mpmc_consumer_peek_wait(c, &item, 1, &zero), 0);
	KEEPS(mpmc_consumer_try_dequeue(c, &value), -EAGAIN);
	KEEPS(mpmc_consumer_dequeue_wait(c, &value, &zero), -ETIMEDOUT);
	KEEPS(mpmc_consumer_commit(c, 1), -EINVAL);
	KEEPS(mpmc_consumer_release(c, 1), -EINVAL);
	KEEPS(mpmc_producer_try_enqueue(p, 1), 0);
	KEEPS(mpmc_producer_try_enqueue(p, 2), 0);
	KEEPS(mpmc_producer_try_enqueue(p, 3), -EAGAIN);
	KEEPS(mpmc_producer_enqueue_wait(p, 3, &zero), -ETIMEDOUT);
	KEEPS(mpmc_consumer_peek(c, &item, 1), 1);
	KEEPS(mpmc_consumer_leased(c), 1);
	KEEPS(mpmc_consumer_release(c, 1), 0);
	KEEPS(mpmc_consumer_peek(c, (struct mpmc_item *)BAD, 1), -EFAULT);
	KEEPS(mpmc_consumer_commit(c, 1), 0);
	KEEPS(mpmc_shutdown(queue), 0);
	KEEPS(mpmc_producer_try_enqueue(p, 3), -EPIPE);
	errno = EXDEV;
	mpmc_producer_destroy(p);
	mpmc_consumer_destroy(c);
	mpmc_queue_destroy(queue);
	IS(errno, EXDEV);
}

/* --- What is left behind --- */

static int count_maps(void)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	int c, n = 0;

	while ((c = fgetc(maps)) != EOF)
		n += c == '\n';
	fclose(maps);
	return n;
}

static void test_leaks(void)
{
	struct mpmc_queue *queue = queue_of(1000, 2);
	struct mpmc_producer *p;
	struct mpmc_consumer *c;
	int i, ret = 0, maps = 0, fds = 0;

	for (i = 0; i < 1000; i++) {
		/* The first round may be what the C library does once. */
		if (i == 1) {
			maps = count_maps();
			fds = count_fds();
		}
		ret |= mpmc_producer_create(&p, queue, NULL) |
		       mpmc_consumer_create(&c, queue, NULL);
		if (i == 500)
			IS(count_maps() > maps, true);
		mpmc_producer_destroy(p);
		mpmc_consumer_destroy(c);
	}
	IS(ret, 0);
	IS(count_maps(), maps);
	IS(count_fds(), fds);
	IS(stat_of(queue).producers + stat_of(queue).consumers, 0);
	mpmc_queue_destroy(queue);
}

/* Run by exec: these fds are closed; the last one is to be written to. */
int after_exec(char **fds)
{
	for (; fds[1]; fds++)
		if (fcntl(atoi(fds[0]), F_GETFD) >= 0)
			return 1;
	if (write(atoi(fds[0]), "", 1) != 1)
		return 2;
	for (;;)
		pause();
}

static void exec_self(struct mpmc_queue *queue, int said)
{
	struct mpmc_producer *p;
	struct mpmc_consumer *c;
	char args[4][16];

	if (mpmc_producer_create(&p, queue, NULL) ||
	    mpmc_consumer_create(&c, queue, NULL))
		_exit(3);
	snprintf(args[0], sizeof(args[0]), "%d", mpmc_queue_fd(queue));
	snprintf(args[1], sizeof(args[1]), "%d", mpmc_producer_fd(p));
	snprintf(args[2], sizeof(args[2]), "%d", mpmc_consumer_fd(c));
	snprintf(args[3], sizeof(args[3]), "%d", said);
	if (!mpmc_producer_mapped(p) || !mpmc_consumer_mapped(c))
		_exit(3);
	execl("/proc/self/exe", "guest", args[0], args[1], args[2], args[3],
	      NULL);
	_exit(4);
}

/* A program that runs another keeps nothing of the tokens, mapped or not. */
static void test_exec(void)
{
	struct mpmc_queue *queue = queue_of(100, 2);
	int pipes[2], error = pipe(pipes);
	char byte;
	pid_t pid = fork();

	if (!pid)
		exec_self(queue, pipes[1]);
	close(pipes[1]);
	IS(error || read(pipes[0], &byte, 1) != 1, 0);
	IS(stat_of(queue).producers + stat_of(queue).consumers, 0);
	kill(pid, SIGKILL);
	IS(ended(pid), -SIGKILL);
	close(pipes[0]);
	mpmc_queue_destroy(queue);
}

void test_rings(void)
{
	test_mapped();
	test_calls();
	test_granted();
	test_tiny();
	test_committed();
	test_waits();
	test_fork();
	test_outlived();
	test_bad_address();
	errno_checks(0);
	errno_checks(MPMC_OPT_UNMAPPED);
	test_leaks();
	test_exec();
}
