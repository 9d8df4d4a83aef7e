// SPDX-License-Identifier: GPL-2.0
/*
 * What a thread reaches in the module: KCOV, where the kernel and the module have
 * it. A program is worth keeping if it goes from one place to another that
 * nobody went to from there before.
 */
#include <linux/kcov.h>
#include <sys/mount.h>

#include "fuzz.h"

#define TRACE_WORDS (1U << 17)
#define EDGES (1U << 17)
#define TEXT_MAX (1U << 20)

/**
 * struct cover - of one thread
 * @trace: number of places, and these
 */
struct cover {
	u64 *trace;
};

/* In memory that all workers share: places of the module. */
static atomic_uchar *reached;
static u64 module_start, module_size;
static u8 edge_seen[EDGES];

static void find_module(void)
{
	FILE *file = fopen("/proc/modules", "r");
	unsigned long size, start;
	char line[256];

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "mpmc %lu %*s %*s %*s %lx", &size,
			   &start) == 2) {
			module_start = start;
			module_size = size < TEXT_MAX ? size : TEXT_MAX;
		}
	if (file)
		fclose(file);
}

/* Before there are workers. */
void cover_share(void)
{
	reached = shared_alloc(TEXT_MAX);
	find_module();
}

static u64 *trace_open(void)
{
	int fd = open("/sys/kernel/debug/kcov", O_RDWR | O_CLOEXEC);
	u64 *trace;

	if (fd < 0) {
		mount("none", "/sys/kernel/debug", "debugfs", 0, NULL);
		fd = open("/sys/kernel/debug/kcov", O_RDWR | O_CLOEXEC);
	}
	if (fd < 0)
		return NULL;
	must(ioctl(fd, KCOV_INIT_TRACE, (unsigned long)TRACE_WORDS) == 0);
	trace = mmap(NULL, TRACE_WORDS * sizeof(*trace),
		     PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	must(trace != MAP_FAILED);
	must(ioctl(fd, KCOV_ENABLE, KCOV_TRACE_PC) == 0);
	return trace;
}

/* For the calling thread, to its end; NULL if the kernel has no such thing. */
struct cover *cover_open(void)
{
	u64 *trace = trace_open();
	struct cover *cover;

	if (!trace)
		return NULL;
	cover = calloc(1, sizeof(*cover));
	must(cover);
	cover->trace = trace;
	return cover;
}

void cover_start(struct cover *cover)
{
	if (cover)
		__atomic_store_n(&cover->trace[0], 0, __ATOMIC_RELAXED);
}

static bool edge_new(u64 from, u64 to)
{
	u8 *seen = &edge_seen[hash64(from * 31 + to) % EDGES];
	bool fresh = !*seen;

	*seen = 1;
	return fresh;
}

/* Whether there is anything new. */
bool cover_merge(struct cover *cover)
{
	u64 i, n, pc, from = 0;
	bool fresh = false;

	if (!cover)
		return false;
	n = __atomic_load_n(&cover->trace[0], __ATOMIC_RELAXED);
	for (i = 1; i <= n && i < TRACE_WORDS; i++) {
		pc = cover->trace[i] - module_start;
		if (pc >= module_size)
			continue;
		atomic_store_explicit(&reached[pc], 1, memory_order_relaxed);
		fresh |= edge_new(from, pc);
		from = pc;
	}
	return fresh;
}

/* How many places of the module have been reached. */
unsigned int cover_count(void)
{
	unsigned int i, n = 0;

	for (i = 0; i < module_size; i++)
		n += reached[i];
	return n;
}
