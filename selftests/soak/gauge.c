// SPDX-License-Identifier: GPL-2.0
/*
 * What there is of everything that must not grow: at the first checkpoint, after
 * the warm-up, and at each later one
 *
 * Much of it comes back a little later than whoever had it has gone, after a
 * grace period, or a second when the kernel adds up what its CPUs have counted: a
 * gauge is read again and again until it is where it should be, or time is up.
 */
#include <dirent.h>
#include <string.h>

#include "soak.h"

#define SETTLE_NS (8 * NSEC_PER_SEC)
#define KIB 1024ULL

/* --- What is read --- */

static uint64_t meminfo(const char *key)
{
	return file_number("/proc/meminfo", key) * KIB;
}

static uint64_t read_group(void)
{
	return group_read("memory.current", "");
}

static uint64_t read_percpu(void)
{
	return meminfo("Percpu");
}

static uint64_t read_slab(void)
{
	return meminfo("SUnreclaim");
}

static uint64_t read_vmalloc(void)
{
	return meminfo("VmallocUsed");
}

/*
 * Free pages that each CPU keeps for itself, which MemAvailable leaves out: Linux 6.7
 * and later let it have an eighth of a zone among them, after a burst.
 */
static uint64_t cpus_free(void)
{
	static char text[65536];
	unsigned long long pages, sum = 0;
	char *line;

	file_read("/proc/zoneinfo", text, sizeof(text));
	for (line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
		if (sscanf(line, " count: %llu", &pages) == 1)
			sum += pages;
	return sum * sysconf(_SC_PAGESIZE);
}

/* Without what is reclaimed sooner or later. */
static uint64_t read_used(void)
{
	return meminfo("MemTotal") - meminfo("MemAvailable") - cpus_free();
}

/* Bytes of the objects in use of the caches whose names begin so. */
static uint64_t slabs(const char *prefix)
{
	static char text[65536];
	unsigned long long active, size, sum = 0;
	char name[64], *line;

	file_read("/proc/slabinfo", text, sizeof(text));
	for (line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
		if (!strncmp(line, prefix, strlen(prefix)) &&
		    sscanf(line, "%63s %llu %*u %llu", name, &active, &size) ==
			    3)
			sum += active * size;
	return sum;
}

/* The module's own, and those that all its other objects are charged in. */
static uint64_t read_transfer(void)
{
	return slabs("mpmc_");
}

static uint64_t read_charged(void)
{
	return slabs("kmalloc-cg-");
}

static uint64_t read_files(void)
{
	return file_number("/proc/sys/fs/file-nr", "");
}

static uint64_t read_module(void)
{
	return file_number("/sys/module/mpmc/refcnt", "");
}

static uint64_t read_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	uint64_t n = 0;

	must(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

/**
 * struct gauge - something that must not grow
 * @name: of it
 * @read: how much there is
 * @tolerance: how much more than at the first checkpoint there may be: what the
 *	kernel and the soak itself may keep
 * @first: how much there was
 * @last: how much there was lately
 */
static struct gauge {
	const char *name;
	uint64_t (*read)(void);
	uint64_t tolerance;
	uint64_t first;
	uint64_t last;
} gauges[] = {
	/* Each CPU may keep a charge of 64 pages for later. */
	{ .name = "memory charged to the loads",
	  .read = read_group, .tolerance = 1280 * KIB },
	/* Objects that CPUs keep for later count as in use. */
	{ .name = "slab in use that is charged",
	  .read = read_charged, .tolerance = 1024 * KIB },
	{ .name = "slab of the module's own",
	  .read = read_transfer, .tolerance = 256 * KIB },
	{ .name = "slab that is not reclaimable",
	  .read = read_slab, .tolerance = 6144 * KIB },
	{ .name = "per-CPU memory",
	  .read = read_percpu, .tolerance = 512 * KIB },
	{ .name = "vmalloc",
	  .read = read_vmalloc, .tolerance = 1024 * KIB },
	{ .name = "memory that is not available",
	  .read = read_used, .tolerance = 24576 * KIB },
	/* Each CPU counts 32 of them before it says so. */
	{ .name = "open files",
	  .read = read_files, .tolerance = 256 },
	{ .name = "open files of the module",
	  .read = read_module, .tolerance = 0 },
	{ .name = "open descriptors of the soak",
	  .read = read_fds, .tolerance = 0 },
};

#define GAUGES (sizeof(gauges) / sizeof(gauges[0]))

static bool fine(const struct gauge *gauge, uint64_t value)
{
	return value <= gauge->first + gauge->tolerance;
}

/* The least of what it is while all settles. */
static void gauges_read(bool first)
{
	uint64_t end = now_ns() + SETTLE_NS, value;
	struct gauge *gauge;
	bool all_fine;

	file_write("/proc/sys/vm/drop_caches", "3");
	for (gauge = gauges; gauge < gauges + GAUGES; gauge++)
		gauge->last = gauge->read();
	do {
		nap(200 * NSEC_PER_MSEC);
		all_fine = !first;
		for (gauge = gauges; gauge < gauges + GAUGES; gauge++) {
			value = gauge->read();
			if (value < gauge->last)
				gauge->last = value;
			all_fine &= fine(gauge, gauge->last);
		}
	} while (!all_fine && now_ns() < end - (first ? SETTLE_NS / 2 : 0));
}

/* To begin with. */
void gauge_first(void)
{
	size_t i;

	gauges_read(true);
	for (i = 0; i < GAUGES; i++)
		gauges[i].first = gauges[i].last;
}

void gauge_next(void)
{
	size_t i;

	gauges_read(false);
	for (i = 0; i < GAUGES; i++)
		if (!fine(&gauges[i], gauges[i].last))
			printf("# %s: %llu, was %llu\n", gauges[i].name,
			       (unsigned long long)gauges[i].last,
			       (unsigned long long)gauges[i].first);
}

bool gauge_report(int *test)
{
	struct gauge *gauge;
	bool ok = true, flat;

	for (gauge = gauges; gauge < gauges + GAUGES; gauge++) {
		flat = fine(gauge, gauge->last);
		printf("%sok %d %s: %llu at first, %llu at last, %llu more allowed\n",
		       flat ? "" : "not ", ++*test, gauge->name,
		       (unsigned long long)gauge->first,
		       (unsigned long long)gauge->last,
		       (unsigned long long)gauge->tolerance);
		ok &= flat;
	}
	return ok;
}
