// SPDX-License-Identifier: GPL-2.0
/*
 * /proc/thread-self/fail-nth: its number is counted down by whatever may fail in a
 * call, an allocation or a copy, and what brings it to 0 fails. So 0 afterwards says
 * that something has failed, whether or not the call did.
 *
 * Reading and writing that number are calls as well, whose own copies may fail.
 */
#include "fault.h"

#include "../mpmc_cgroup.h"

#define DEBUG "/sys/kernel/debug"
#define KMEMLEAK DEBUG "/kmemleak"

/* kmemleak looks at no object that is younger. */
#define LEAK_AGE_SECONDS 6

static int nth_fd = -1;

static const struct {
	const char *dir;
	const char *name;
	const char *value;
} settings[] = {
	{ DEBUG "/failslab", "ignore-gfp-wait", "N" },
	{ DEBUG "/failslab", "cache-filter", "N" },
	{ DEBUG "/fail_page_alloc", "ignore-gfp-wait", "N" },
	{ DEBUG "/fail_page_alloc", "ignore-gfp-highmem", "N" },
	{ DEBUG "/fail_page_alloc", "min-order", "0" },
	{ DEBUG "/fail_usercopy", "times", "-1" },
};

#define SETTINGS (sizeof(settings) / sizeof(settings[0]))

bool fault_available(void)
{
	unsigned int i;

	for (i = 0; i < SETTINGS; i++) {
		if (!access(settings[i].dir, F_OK))
			continue;
		printf("# there is no %s: use the kernel debug-fuzz\n",
		       settings[i].dir);
		return false;
	}
	return true;
}

void fault_setup(bool verbose)
{
	unsigned int i;

	for (i = 0; i < SETTINGS; i++)
		must(file_write(settings[i].dir, settings[i].name,
				settings[i].value) &&
		     file_write(settings[i].dir, "verbose",
				verbose ? "2" : "0"));
	nth_fd = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	must(nth_fd >= 0);
}

/* The copy from here may be what fails. Then the number is 0, and this works. */
static void nth_write(unsigned int nth)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%u", nth), tries;

	for (tries = 0; tries < 2; tries++)
		if (pwrite(nth_fd, text, len, 0) == len)
			return;
	must(!"fail-nth can be written");
}

void fault_arm(unsigned int nth)
{
	nth_write(nth);
}

/*
 * What cannot be read was at 1: the copy to here is what failed, and so nothing
 * before it.
 */
bool fault_disarm(void)
{
	char text[16];
	ssize_t len = pread(nth_fd, text, sizeof(text) - 1, 0);

	nth_write(0);
	if (len <= 0)
		return false;
	text[len] = '\0';
	return !atoi(text);
}

/* --- At random --- */

static const struct {
	const char *dir;
	const char *percent;
} chances[] = {
	{ DEBUG "/failslab", "3" },
	{ DEBUG "/fail_page_alloc", "3" },
	{ DEBUG "/fail_usercopy", "5" },
};

void fault_random_setup(void)
{
	unsigned int i;

	for (i = 0; i < sizeof(chances) / sizeof(chances[0]); i++) {
		must(file_write(chances[i].dir, "task-filter", "Y"));
		must(file_write(chances[i].dir, "times", "-1"));
		must(file_write(chances[i].dir, "probability",
				chances[i].percent));
	}
}

/* To say so is a call as well, which may fail by then. */
static void may_fail(const char *value)
{
	while (!file_write("/proc/thread-self", "make-it-fail", value))
		;
}

void fault_random_begin(void)
{
	may_fail("1");
}

void fault_random_end(void)
{
	may_fail("0");
}

/* --- Leaks --- */

static bool leak_scan(void)
{
	return file_write(DEBUG, "kmemleak", "scan");
}

/* It is off for good when it could not get the memory that it needs itself. */
static bool leak_asked(void)
{
	char text[4096];

	must(file_read("/proc", "cmdline", text, sizeof(text)));
	return strstr(text, "kmemleak=on");
}

bool fault_no_leaks(void)
{
	static char text[65536];
	bool asked = leak_asked();

	if (access(KMEMLEAK, F_OK) || !leak_scan()) {
		printf("# kmemleak is off: %s\n",
		       asked ? "it has given up" : "boot with kmemleak=on");
		return !asked;
	}
	sleep(LEAK_AGE_SECONDS);
	must(leak_scan());
	must(leak_scan());
	must(file_read(DEBUG, "kmemleak", text, sizeof(text)));
	printf("# kmemleak: %s\n", *text ? text : "nothing has leaked");
	return !*text;
}
