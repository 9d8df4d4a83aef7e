// SPDX-License-Identifier: GPL-2.0
/*
 * Watches the workers: says how far they are, and fails if one dies, hangs, or the
 * kernel complains
 */
#include <ctype.h>
#include <stdarg.h>

#include "fuzz.h"

#define GLANCE_NS (50 * NSEC_PER_MSEC)
#define LEAK_KB (64 * 1024)

/**
 * struct watch - a run
 * @options: what the user wants
 * @shared: what the workers say
 * @kmsg: the kernel's log
 * @started: when it began
 * @reported: when it was last said how far it is
 * @memory: what was available, in KiB, once it was under way; 0: not known
 * @failed: it has
 */
struct watch {
	const struct options *options;
	struct shared *shared;
	int kmsg;
	u64 started;
	u64 reported;
	unsigned long memory;
	bool failed;
};

static u64 sum(struct watch *watch, size_t field)
{
	u64 total = 0;
	unsigned int i;

	for (i = 0; i < watch->options->workers; i++)
		total += atomic_load((atomic_ulong *)((char *)&watch->shared->status[i] + field));
	return total;
}

#define total(watch, field) sum(watch, offsetof(struct status, field))

/* All that the workers are at, when something is wrong with one of them. */
static void print_programs(struct watch *watch)
{
	const struct options *options = watch->options;
	unsigned int i;

	for (i = 0; i < options->workers; i++) {
		struct status *status = &watch->shared->status[i];

		if (options->worker >= 0 && (int)i != options->worker)
			continue;
		printf("# worker %u was at program %lu of seed %llu (--seed %llu --worker %u --from %lu --count 1%s):\n",
		       i, status->index, options->seed, options->seed, i,
		       status->index, cover_count() ? " --corpus LOG" : "");
		program_print(&status->program);
	}
	fflush(stdout);
}

static void fail(struct watch *watch, const char *format, ...)
{
	va_list args;

	if (watch->failed)
		return;
	watch->failed = true;
	printf("# FAILED: ");
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
	print_programs(watch);
}

/* --- The kernel's log --- */

static bool is_complaint(const char *line)
{
	static const char * const words[] = {
		"BUG:", "WARNING:", "UBSAN:", "ODEBUG:", "Oops", "possible circular",
		"Invalid wait", "inconsistent lock", "suspicious RCU", "refcount_t:",
		"general protection", "INFO: task", "rcu_preempt detected",
		"stall", "KASAN", "corruption",
	};
	unsigned int i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strstr(line, words[i]))
			return true;
	return false;
}

static void look_at_log(struct watch *watch)
{
	char line[2048], *text;
	ssize_t n;

	while ((n = read(watch->kmsg, line, sizeof(line) - 1)) > 0 ||
	       (n < 0 && errno == EPIPE)) {
		if (n < 0)
			continue;
		line[n] = 0;
		text = strchr(line, ';');
		if (text && is_complaint(text)) {
			text[strcspn(text, "\n")] = 0;
			fail(watch, "the kernel says: %s", text + 1);
		}
	}
}

/* --- Memory --- */

static unsigned long memory_available(void)
{
	FILE *file = fopen("/proc/meminfo", "r");
	unsigned long kb = 0;
	char line[128];

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "MemAvailable: %lu", &kb) == 1)
			break;
	if (file)
		fclose(file);
	return kb;
}

/* Once all workers have ended, and what they left has been freed. */
static void look_at_memory(struct watch *watch)
{
	u64 until = now_ns() + 10 * NSEC_PER_SEC;
	unsigned long now;

	if (!watch->memory)
		return;
	while ((now = memory_available()) + LEAK_KB < watch->memory &&
	       now_ns() < until)
		breathe();
	printf("# memory available: %lu MiB early on, %lu at the end\n",
	       watch->memory >> 10, now >> 10);
	if (now + LEAK_KB < watch->memory)
		fail(watch, "memory was lost");
}

/* --- Workers --- */

static void print_file(const char *format, pid_t pid)
{
	char name[64], text[4096];
	ssize_t n;
	int fd;

	snprintf(name, sizeof(name), format, pid);
	fd = open(name, O_RDONLY);
	n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);
	if (n > 0) {
		text[n] = 0;
		printf("# %s:\n%s\n", name, text);
	}
	close(fd);
}

/* Where each of a worker's threads hangs in the kernel. */
static void print_stacks(pid_t pid)
{
	char name[64];
	pid_t tid;

	for (tid = pid; tid < pid + 200; tid++) {
		snprintf(name, sizeof(name), "/proc/%d/task/%d", pid, tid);
		if (access(name, F_OK))
			continue;
		strcat(name, "/stack");
		print_file(name, 0);
	}
}

static void look_at_worker(struct watch *watch, unsigned int index)
{
	struct status *status = &watch->shared->status[index];
	u64 limit = watch->options->hang_seconds * NSEC_PER_SEC;
	pid_t pid = atomic_load(&status->pid);
	int result;

	if (!pid)
		return;
	if (waitpid(pid, &result, WNOHANG) == pid) {
		atomic_store(&status->pid, 0);
		if (status->failed[0])
			fail(watch, "worker %u: %s", index, status->failed);
		else if (!status->done)
			fail(watch, "worker %u died of %s %d", index,
			     WIFSIGNALED(result) ? "signal" : "status",
			     WIFSIGNALED(result) ? WTERMSIG(result) :
						   WEXITSTATUS(result));
		return;
	}
	if (status->since && now_ns() > status->since + limit) {
		fail(watch, "worker %u hangs in a program for more than %u s",
		     index, watch->options->hang_seconds);
		print_stacks(pid);
	}
}

static bool anybody_left(struct watch *watch)
{
	unsigned int i;

	for (i = 0; i < watch->options->workers; i++)
		if (watch->shared->status[i].pid)
			return true;
	return false;
}

/* Ends them; one that can't be killed is a failure by itself. */
static void kill_workers(struct watch *watch)
{
	u64 until = now_ns() + watch->options->hang_seconds * NSEC_PER_SEC;
	unsigned int i;

	for (i = 0; i < watch->options->workers; i++)
		if (watch->shared->status[i].pid)
			kill(watch->shared->status[i].pid, SIGKILL);
	while (anybody_left(watch) && now_ns() < until) {
		breathe();
		for (i = 0; i < watch->options->workers; i++)
			look_at_worker(watch, i);
	}
	if (anybody_left(watch))
		printf("# a worker can't be killed\n");
}

/* --- The run --- */

static void report(struct watch *watch)
{
	u64 ms = (now_ns() - watch->started) / NSEC_PER_MSEC;
	u64 calls = total(watch, calls);
	unsigned int i;

	printf("# %llu.%llu s: %llu calls, %llu/s, %llu programs",
	       ms / 1000, ms % 1000 / 100, calls, calls * 1000 / (ms + 1),
	       total(watch, programs));
	if (cover_count())
		printf(", %u places, %llu kept", cover_count(),
		       total(watch, corpus));
	printf("; at");
	for (i = 0; i < watch->options->workers; i++)
		printf(" %lu", watch->shared->status[i].index);
	printf("\n");
	fflush(stdout);
}

static bool enough(struct watch *watch)
{
	const struct options *options = watch->options;
	u64 elapsed = now_ns() - watch->started;

	return (options->seconds &&
		elapsed >= options->seconds * NSEC_PER_SEC) ||
	       (options->calls && total(watch, calls) >= options->calls);
}

static void glance(struct watch *watch)
{
	struct timespec pause = { .tv_nsec = GLANCE_NS };
	u64 elapsed = now_ns() - watch->started;
	unsigned int i;

	nanosleep(&pause, NULL);
	look_at_log(watch);
	for (i = 0; i < watch->options->workers; i++)
		look_at_worker(watch, i);
	if (!watch->memory && elapsed > 5 * NSEC_PER_SEC)
		watch->memory = memory_available();
	if (now_ns() > watch->reported + NSEC_PER_SEC) {
		report(watch);
		watch->reported = now_ns();
	}
	if (enough(watch))
		atomic_store(&watch->shared->stop, true);
}

bool watch(const struct options *options, struct shared *shared)
{
	struct watch watch = {
		.options = options, .shared = shared,
		.kmsg = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC),
		.started = now_ns(), .reported = now_ns(),
	};

	/* What was said before is not ours. */
	lseek(watch.kmsg, 0, SEEK_END);
	while (anybody_left(&watch) && !watch.failed)
		glance(&watch);
	if (anybody_left(&watch))
		kill_workers(&watch);
	report(&watch);
	look_at_log(&watch);
	if (!watch.failed)
		look_at_memory(&watch);
	return !watch.failed;
}
