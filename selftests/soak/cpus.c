// SPDX-License-Identifier: GPL-2.0
/*
 * Trouble with CPUs: they go offline and come online again. The first one stays.
 */
#include "soak.h"

#define CPUS_MAX 64

static bool online[CPUS_MAX];
static int count;

/* Those that can go; 0 on a machine that does not have it. */
int cpus_count(void)
{
	int n = sysconf(_SC_NPROCESSORS_CONF), cpu;
	char path[64];

	for (cpu = 1; cpu < n && cpu < CPUS_MAX; cpu++) {
		snprintf(path, sizeof(path),
			 "/sys/devices/system/cpu/cpu%d/online", cpu);
		if (access(path, W_OK))
			break;
	}
	return cpu - 1;
}

static void cpus_start(struct soak *soak)
{
	int cpu;

	(void)soak;
	count = cpus_count();
	for (cpu = 1; cpu <= count; cpu++)
		online[cpu] = true;
}

/* The kernel may be busy with CPUs of itself: EBUSY, for a while. */
static void cpu_set(struct soak *soak, int cpu, bool on)
{
	uint64_t end = now_ns() + PATIENCE_NS / 2;
	char path[64];

	snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%d/online",
		 cpu);
	while (!file_write(path, on ? "1" : "0")) {
		if (errno != EBUSY || now_ns() > end) {
			soak_fault(soak, "CPU %d does not go %s: errno %d", cpu,
				   on ? "online" : "offline", errno);
			return;
		}
		nap(5 * NSEC_PER_MSEC);
	}
	online[cpu] = on;
	soak->cpus_off += !on;
}

/* One, mostly; now and then all but the first, at once. */
static void cpus_trouble(struct soak *soak, uint64_t *seed)
{
	int cpu;

	nap((50 + random_below(seed, 250)) * NSEC_PER_MSEC);
	if (!count)
		return;
	if (random_below(seed, 8)) {
		cpu = 1 + random_below(seed, count);
		cpu_set(soak, cpu, !online[cpu]);
		return;
	}
	for (cpu = 1; cpu <= count && !soak->rest; cpu++)
		if (online[cpu])
			cpu_set(soak, cpu, false);
}

static void cpus_mend(struct soak *soak)
{
	int cpu;

	for (cpu = 1; cpu <= count; cpu++)
		if (!online[cpu])
			cpu_set(soak, cpu, true);
}

const struct trouble trouble_cpus = {
	.name = "CPUs",
	.start = cpus_start,
	.make = cpus_trouble,
	.mend = cpus_mend,
};
