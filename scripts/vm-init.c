// SPDX-License-Identifier: GPL-2.0
/*
 * The first process of the guests that scripts/vm-run boots: sets the guest up,
 * loads the module, runs one command, takes the module out again, and says how
 * all that went. Linked statically.
 *
 * What it talks through are qemu's isa-debugcon devices, one I/O port each: a
 * byte written to the port is in qemu's hands at once. There is no driver to
 * be missing, no tty to translate line ends, and no buffer to overflow or to
 * be lost in a crash.
 *
 * What to do comes in the folder /vm, in files of NUL-terminated strings:
 *
 *	argv	the command
 *	env	its environment
 *	cwd	its working directory
 *	module	path of the module, then its parameters; absent: no module
 *	options	"timeout=SECONDS", "cpus=N", "no-unload",
 *		"one-output"
 *
 * On the host, "vm-init tsc-khz" prints how fast the TSC is.
 *
 * The report goes to the control port, one line per event. Its last line is
 * "end"; a report without it means that the guest died.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/io.h>
#include <sys/ioctl.h>
#include <sys/klog.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>
#include <linux/magic.h>

#define PORT_STDOUT	0xe9
#define PORT_STDERR	0xea
#define PORT_CONTROL	0xeb
#define PORT_KLOG	0xec
#define PORT_EXIT	0xf4

#define KLOG_READ_ALL	3
#define KLOG_SIZE	10

#define BROUGHT_SHM	"/vm/shm"

#define PIPE_BYTES	0x100000
#define SETTLE_MS	10000	/* for killed processes and the module to go */

#define KMEMLEAK	"/sys/kernel/debug/kmemleak"
#define LEAK_AGE_MS	6000	/* it says nothing of what is younger than 5 s */
#define LEAK_SCANS	2	/* what changed between two is taken for reachable */

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

struct relay {
	int port;
	int fd;		/* the end of the pipe that is read, -1 at its end of file */
	int fd_write;
};

static struct relay relays[] = {
	{ .port = PORT_STDOUT },
	{ .port = PORT_STDERR },
};

static void port_write(int port, const char *buf, size_t len)
{
	outsb(port, buf, len);
}

static void __attribute__((format(printf, 1, 2))) report(const char *fmt, ...)
{
	char line[512];
	va_list args;
	int len;

	va_start(args, fmt);
	len = vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	if (len >= (int)sizeof(line))
		len = sizeof(line) - 1;
	port_write(PORT_CONTROL, line, len);
	port_write(PORT_CONTROL, "\n", 1);
}

static long long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

static void nap_ms(long ms)
{
	nanosleep(&(struct timespec){ .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 }, NULL);
}

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	if (fd < 0)
		return;
	if (write(fd, text, strlen(text)) < 0)
		report("note cannot write %s: %s", path, strerror(errno));
	close(fd);
}

/*
 * The strings of a file of /vm as a NULL-terminated array, NULL when there is
 * no such file. Never freed: there is one of each.
 */
static char **read_strings(const char *path)
{
	size_t used = 0, size, count = 0;
	char *buf, **strings;
	struct stat st;
	ssize_t n;
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return NULL;
	size = fstat(fd, &st) ? 1 : st.st_size + 1;
	buf = calloc(1, size);
	while (buf && used < size - 1 && (n = read(fd, buf + used, size - 1 - used)) > 0)
		used += n;
	close(fd);

	strings = calloc(used + 1, sizeof(*strings));
	for (size_t at = 0; buf && strings && at < used; at += strlen(buf + at) + 1)
		strings[count++] = buf + at;
	return strings;
}

static const char *option(char **options, const char *name)
{
	size_t len = strlen(name);

	for (; options && *options; options++) {
		if (strncmp(*options, name, len))
			continue;
		if ((*options)[len] == '=')
			return *options + len + 1;
		if (!(*options)[len])
			return "";
	}
	return NULL;
}

/* Mounts */

static void mount_at(const char *type, const char *dir, unsigned long flags, const char *data)
{
	mkdir(dir, 0755);
	if (mount(type, dir, type, flags, data) && errno != EBUSY && errno != ENODEV)
		report("note cannot mount %s on %s: %s", type, dir, strerror(errno));
}

/*
 * The root is a tmpfs as a rule, so that its /tmp is one too. Mounting another
 * there would hide what the host's /tmp had for us.
 */
static void setup_tmp(void)
{
	struct statfs fs;

	mkdir("/tmp", 01777);
	if (!statfs("/tmp", &fs) && fs.f_type != TMPFS_MAGIC && rmdir("/tmp") == 0)
		mount_at("tmpfs", "/tmp", 0, NULL);
	chmod("/tmp", 01777);
}

/* What the host's /dev/shm had for us would be hidden by the devtmpfs. */
static void setup_shm(bool brought)
{
	if (!brought) {
		mount_at("tmpfs", "/dev/shm", MS_NOSUID | MS_NODEV, "mode=1777");
		return;
	}
	mkdir("/dev/shm", 0755);
	if (mount(BROUGHT_SHM, "/dev/shm", NULL, MS_BIND, NULL))
		report("note cannot mount /dev/shm: %s", strerror(errno));
	chmod("/dev/shm", 01777);
}

/* Not /run: that would hide what was brought along for it, as with /tmp. */
static void setup_mounts(void)
{
	const bool shm_brought = rename("/dev/shm", BROUGHT_SHM) == 0;

	mount_at("proc", "/proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
	mount_at("sysfs", "/sys", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
	mount_at("devtmpfs", "/dev", MS_NOSUID, NULL);
	mount_at("devpts", "/dev/pts", MS_NOSUID | MS_NOEXEC, "gid=5,mode=620,ptmxmode=666");
	setup_shm(shm_brought);
	mount_at("mqueue", "/dev/mqueue", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
	mount_at("cgroup2", "/sys/fs/cgroup", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
	mount_at("debugfs", "/sys/kernel/debug", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
	mount_at("tracefs", "/sys/kernel/tracing", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
	setup_tmp();

	if (symlink("/proc/self/fd", "/dev/fd") || symlink("/proc/self/fd/0", "/dev/stdin") ||
	    symlink("/proc/self/fd/1", "/dev/stdout") || symlink("/proc/self/fd/2", "/dev/stderr"))
		report("note cannot make /dev/fd and its like: %s", strerror(errno));
}

static void setup_network(void)
{
	struct ifreq ifr = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return;
	ioctl(fd, SIOCSIFFLAGS, &ifr);
	close(fd);
}

static void setup_limits(void)
{
	const struct rlimit files = { .rlim_cur = 65536, .rlim_max = 1048576 };
	const struct rlimit core = { 0 };

	setrlimit(RLIMIT_NOFILE, &files);
	setrlimit(RLIMIT_CORE, &core);
}

/*
 * The guest boots on one CPU (vm-run says maxcpus=1): the kernel flips static keys
 * late in its boot, and with other CPUs already busy that crashes an emulated
 * guest now and then.
 */
static void setup_cpus(void)
{
	long cpus = sysconf(_SC_NPROCESSORS_CONF);
	char path[64];

	for (long cpu = 1; cpu < cpus; cpu++) {
		snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%ld/online", cpu);
		write_file(path, "1");
	}
}

/* What is to be tested on that many is not tested on fewer. */
static bool cpus_are_there(long asked)
{
	long online = sysconf(_SC_NPROCESSORS_ONLN);

	if (online >= asked)
		return true;
	report("failed only %ld of %ld CPUs came up", online, asked);
	return false;
}

/* The first memory cgroup flips static keys as well: have it while there is one CPU. */
static void setup_cgroups(void)
{
	write_file("/sys/fs/cgroup/cgroup.subtree_control", "+memory +pids");
	if (mkdir("/sys/fs/cgroup/first", 0755) || rmdir("/sys/fs/cgroup/first"))
		report("note no cgroups: %s", strerror(errno));
}

/* The module */

static bool module_load(char **module)
{
	char params[4096] = "";
	int fd, err;

	for (size_t i = 1; module[i]; i++) {
		strncat(params, module[i], sizeof(params) - strlen(params) - 1);
		strncat(params, " ", sizeof(params) - strlen(params) - 1);
	}
	fd = open(module[0], O_RDONLY | O_CLOEXEC);
	err = fd < 0 || syscall(SYS_finit_module, fd, params, 0) ? errno : 0;
	if (fd >= 0)
		close(fd);
	if (err)
		report("failed the module does not load: %s", strerror(err));
	return !err;
}

/* The last references may go a moment after the processes that held them. */
static void module_unload(const char *path)
{
	const char *slash = strrchr(path, '/');
	long long deadline = now_ms() + SETTLE_MS;
	char name[64];

	snprintf(name, sizeof(name), "%s", slash ? slash + 1 : path);
	name[strcspn(name, ".")] = '\0';
	for (char *c = name; *c; c++)
		if (*c == '-')
			*c = '_';

	while (syscall(SYS_delete_module, name, O_NONBLOCK)) {
		if (errno == ENOENT)	/* the command has taken it out itself */
			return;
		if ((errno != EAGAIN && errno != EBUSY) || now_ms() > deadline) {
			report("failed the module does not unload after the command has ended: %s",
			       strerror(errno));
			return;
		}
		nap_ms(10);
	}
}

/* The command */

static void relays_open(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(relays); i++) {
		int ends[2];

		if (pipe2(ends, O_CLOEXEC)) {
			report("failed no pipe: %s", strerror(errno));
			return;
		}
		fcntl(ends[0], F_SETPIPE_SZ, PIPE_BYTES);
		fcntl(ends[0], F_SETFL, O_NONBLOCK);
		relays[i].fd = ends[0];
		relays[i].fd_write = ends[1];
	}
}

/* Passes on what there is; false when there is nothing now. */
static bool relay_some(struct relay *relay)
{
	static char buf[65536];
	ssize_t n;

	if (relay->fd < 0)
		return false;
	n = read(relay->fd, buf, sizeof(buf));
	if (n > 0) {
		port_write(relay->port, buf, n);
		return true;
	}
	if (n == 0 || errno != EAGAIN) {
		close(relay->fd);
		relay->fd = -1;
	}
	return false;
}

static void relays_drain(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(relays); i++)
		while (relay_some(&relays[i]))
			;
}

/* With one_output, stderr goes where stdout does: one pipe keeps their order. */
static void child_exec(char **argv, char **env, const char *cwd, bool one_output,
		       const sigset_t *mask)
{
	int null = open("/dev/null", O_RDONLY);

	setsid();
	dup2(null, 0);
	dup2(relays[0].fd_write, 1);
	dup2(relays[one_output ? 0 : 1].fd_write, 2);
	if (null > 2)
		close(null);
	ioperm(PORT_STDOUT, PORT_KLOG - PORT_STDOUT + 1, 0);
	ioperm(PORT_EXIT, 1, 0);
	sigprocmask(SIG_SETMASK, mask, NULL);
	if (chdir(cwd))
		fprintf(stderr, "vm-run: cannot go to %s in the guest: %s\n", cwd, strerror(errno));
	environ = env;
	execvp(argv[0], argv);
	fprintf(stderr, "vm-run: cannot run %s in the guest: %s\n", argv[0], strerror(errno));
	_exit(errno == ENOENT ? 127 : 126);
}

/*
 * Reaps what there is to reap, orphans too. Sets *status and *ended when the
 * command was among it. False when no process is left.
 */
static bool reap(pid_t command, int *status, bool *ended)
{
	pid_t pid;
	int s;

	while ((pid = waitpid(-1, &s, WNOHANG)) > 0) {
		if (pid == command) {
			*status = s;
			*ended = true;
		}
	}
	return pid == 0;
}

/* The log's reader on the host finds what is between these two lines. */
static void log_line(const char *line)
{
	port_write(PORT_KLOG, line, strlen(line));
	port_write(PORT_KLOG, "\n", 1);
}

static void log_file(const char *dir, const char *task, const char *name)
{
	char path[PATH_MAX], text[4096];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "%s/%s/%s", dir, task, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	while ((n = read(fd, text, sizeof(text))) > 0)
		port_write(PORT_KLOG, text, n);
	close(fd);
}

/* Where in the kernel each thread of a process is. */
static void log_process(const char *pid)
{
	char path[PATH_MAX], exe;
	struct dirent *task;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%s/exe", pid);
	if (readlink(path, &exe, 1) < 0)
		return;		/* a kernel thread */
	snprintf(path, sizeof(path), "/proc/%s/task", pid);
	dir = opendir(path);
	while (dir && (task = readdir(dir))) {
		if (task->d_name[0] == '.')
			continue;
		log_file(path, task->d_name, "stat");
		log_file(path, task->d_name, "stack");
	}
	if (dir)
		closedir(dir);
}

/* Who is stuck where, for the log. */
static void dump_tasks(void)
{
	DIR *proc = opendir("/proc");
	struct dirent *pid;

	log_line("--- the processes, and where in the kernel they are");
	while (proc && (pid = readdir(proc)))
		if (atoi(pid->d_name) > 1)
			log_process(pid->d_name);
	if (proc)
		closedir(proc);
	log_line("--- end of the processes");

	write_file("/proc/sysrq-trigger", "w");	/* blocked tasks */
	write_file("/proc/sysrq-trigger", "l");	/* what the CPUs do */
	nap_ms(200);				/* other CPUs report when they can */
}

/* Relays the command's output until it ends; false when it runs out of time. */
static bool command_watch(pid_t command, int sigfd, long long deadline, int *status)
{
	struct signalfd_siginfo info;
	bool ended = false;

	while (!ended) {
		struct pollfd fds[] = {
			{ .fd = sigfd, .events = POLLIN },
			{ .fd = relays[0].fd, .events = POLLIN },
			{ .fd = relays[1].fd, .events = POLLIN },
		};
		long long left = deadline - now_ms();

		if (left <= 0)
			return false;
		poll(fds, ARRAY_SIZE(fds), left);
		relay_some(&relays[0]);
		relay_some(&relays[1]);
		if (read(sigfd, &info, sizeof(info)) > 0)
			reap(command, status, &ended);
	}
	return true;
}

/* Ends every other process; what they still had to say is passed on. */
static void kill_all(void)
{
	long long deadline = now_ms() + SETTLE_MS;
	bool ended;
	int status;

	/* Again and again: one may be forking. All are our children, or become it. */
	kill(-1, SIGKILL);
	while (reap(0, &status, &ended)) {
		relays_drain();
		if (now_ms() > deadline) {
			report("failed a process cannot be killed");
			dump_tasks();
			break;
		}
		nap_ms(2);
		kill(-1, SIGKILL);
	}
	relays_drain();
}

/* Runs the command to its end, and all that it leaves behind. */
static void command_run(char **argv, char **env, const char *cwd, bool one_output,
			long long deadline)
{
	sigset_t mask, old_mask;
	int sigfd, status;
	pid_t command;

	sigemptyset(&mask);
	sigaddset(&mask, SIGCHLD);
	sigprocmask(SIG_BLOCK, &mask, &old_mask);
	sigfd = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
	relays_open();

	command = fork();
	if (command == 0)
		child_exec(argv, env, cwd, one_output, &old_mask);
	if (command < 0) {
		report("failed no process: %s", strerror(errno));
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(relays); i++)
		close(relays[i].fd_write);

	if (!command_watch(command, sigfd, deadline, &status)) {
		dump_tasks();
		report("timeout");
	} else {
		report("status %d", WIFSIGNALED(status) ? 128 + WTERMSIG(status)
							: WEXITSTATUS(status));
	}
	kill_all();
}

/* Whether the kernel's command line has this word. */
static bool booted_with(const char *word)
{
	char text[4096] = "";
	int fd = open("/proc/cmdline", O_RDONLY | O_CLOEXEC);
	ssize_t n = read(fd, text, sizeof(text) - 1);

	close(fd);
	return n > 0 && strstr(text, word);
}

/*
 * What kmemleak finds, if the kernel has it and was told to use it, goes to the log,
 * where it counts as a complaint. After the module has gone, its functions have no
 * names any more; before, what it would free at its end may look unreachable. It
 * turns itself off when it has no memory for what it notes, and then finds nothing.
 */
static void leaks_look(const char *when)
{
	int fd = open(KMEMLEAK, O_RDWR | O_CLOEXEC);
	bool on = fd >= 0 && write(fd, "scan=off", 8) == 8;

	if (on) {
		report("note looking for leaks %s", when);
		nap_ms(LEAK_AGE_MS);
		for (int i = 0; i < LEAK_SCANS; i++)
			if (write(fd, "scan", 4) != 4)
				report("failed kmemleak does not scan: %s", strerror(errno));
		report("note looked for leaks %s", when);
		log_file("/sys/kernel", "debug", "kmemleak");
	} else if (fd >= 0 && booted_with("kmemleak=on")) {
		report("failed kmemleak has turned itself off");
	}
	if (fd >= 0)
		close(fd);
}

/* The report's end */

static void report_taint(void)
{
	char text[32] = "";
	int fd = open("/proc/sys/kernel/tainted", O_RDONLY | O_CLOEXEC);

	if (fd >= 0 && read(fd, text, sizeof(text) - 1) > 0)
		report("taint %ld", atol(text));
	close(fd);
}

/* The log itself, whatever of it the console was told to show. */
static void report_log(void)
{
	int size = klogctl(KLOG_SIZE, NULL, 0);
	char *log = size > 0 ? malloc(size) : NULL;
	int len = log ? klogctl(KLOG_READ_ALL, log, size) : -1;

	if (len > 0)
		port_write(PORT_KLOG, log, len);
	free(log);
}

/* On the host */

#define TSC_NAP_MS	10
#define TSC_SAMPLES	5

struct instant {
	unsigned long long tsc;
	unsigned long long ns;
};

/* Both clocks at once: the closest of several pairs, as others run in between. */
static struct instant instant_now(void)
{
	unsigned long long closest = ULLONG_MAX;
	struct instant now = { 0 };

	for (int i = 0; i < 16; i++) {
		unsigned long long tsc = __rdtsc(), took;
		struct timespec ts;

		clock_gettime(CLOCK_MONOTONIC_RAW, &ts);
		took = __rdtsc() - tsc;
		if (took >= closest)
			continue;
		closest = took;
		now.tsc = tsc + took / 2;
		now.ns = ts.tv_sec * 1000000000ULL + ts.tv_nsec;
	}
	return now;
}

static int compare_khz(const void *a, const void *b)
{
	const unsigned long long x = *(const unsigned long long *)a;
	const unsigned long long y = *(const unsigned long long *)b;

	return (x > y) - (x < y);
}

static int print_tsc_khz(void)
{
	unsigned long long khz[TSC_SAMPLES];
	struct instant from = instant_now();

	for (int i = 0; i < TSC_SAMPLES; i++) {
		struct instant to;

		nap_ms(TSC_NAP_MS);
		to = instant_now();
		khz[i] = (to.tsc - from.tsc) * 1000000 / (to.ns - from.ns);
		from = to;
	}
	qsort(khz, TSC_SAMPLES, sizeof(khz[0]), compare_khz);
	printf("%llu\n", khz[TSC_SAMPLES / 2]);
	return 0;
}

int main(int argc, char **argv)
{
	char **command, **env, **cwd, **module, **options;
	const char *timeout, *cpus;
	long long deadline;

	if (getpid() != 1)
		return argc > 1 && !strcmp(argv[1], "tsc-khz") ? print_tsc_khz() : 2;
	if (ioperm(PORT_STDOUT, PORT_KLOG - PORT_STDOUT + 1, 1) || ioperm(PORT_EXIT, 1, 1))
		return 1;	/* the kernel panics: the first process has died */
	setup_mounts();
	report("init");

	command = read_strings("/vm/argv");
	env = read_strings("/vm/env");
	cwd = read_strings("/vm/cwd");
	module = read_strings("/vm/module");
	options = read_strings("/vm/options");
	timeout = option(options, "timeout");
	cpus = option(options, "cpus");
	deadline = now_ms() + (timeout ? atoll(timeout) : 600) * 1000;

	sethostname("vm", 2);
	setup_network();
	setup_cgroups();
	setup_cpus();
	setup_limits();
	umask(022);

	if (!command || !command[0] || !env || !cwd || !cwd[0]) {
		report("incomplete");	/* vm-run packs /vm last */
	} else if (cpus_are_there(cpus ? atol(cpus) : 1) && (!module || module_load(module))) {
		command_run(command, env, cwd[0], option(options, "one-output"), deadline);
		if (module && !option(options, "no-unload")) {
			leaks_look("before the module is unloaded");
			module_unload(module[0]);
		}
		leaks_look("at the end");
	}

	report_taint();
	report_log();
	report("end");
	outb(0, PORT_EXIT);
	reboot(RB_POWER_OFF);	/* not reached with qemu's exit device there */
	return 0;
}
