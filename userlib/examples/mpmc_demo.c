// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * mpmc_demo: hashes the files of a tree, with a pipeline of processes
 *
 *	walker --(work)--> workers --(results)--> collector
 *
 * The walker finds files and puts their ids on a queue; workers take ids, hash
 * the files, and put the ids on a second queue; the collector, which is the
 * first process, gathers them and writes what sha256sum(1) would. Paths and
 * digests are in memory that all share, at the place that the id names.
 *
 * Workers look at an id, do the work, and then commit. With --kill one of them
 * is killed in the middle of a file: what it had been handed and not committed
 * goes to the others by itself, marked as delivered again.
 *
 * In the end the digests are compared with those of sha256sum.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "common.h"

#define MAX_FILES (1 << 20)
#define MAX_PATHS (128 << 20)
#define MAX_WORKERS 64
#define DIGEST_SIZE 32
#define QUEUE_CAPACITY 1024
#define KILL_AFTER 1000
#define PROGRESS_NS 500000000
#define OUTPUT "/tmp/mpmc_demo.sha256"

struct file {
	uint32_t path; /* where in paths it begins */
	int error; /* an errno: could not be read */
	uint32_t deliveries; /* of its id, to whoever hashed it */
	int worker; /* who that was */
	atomic_bool hashed;
	unsigned char digest[DIGEST_SIZE];
};

struct worker {
	pid_t pid; /* 0: has gone */
	atomic_uint holds; /* the id it is at work on, plus 1; or 0 */
	atomic_uint files;
	atomic_ullong bytes;
};

/* What all processes see. */
static struct shared {
	atomic_uint found; /* so many files have been queued */
	atomic_bool walked; /* and these are all */
	atomic_uint running; /* workers that have not gone */
	struct worker workers[MAX_WORKERS];
	struct file files[MAX_FILES];
	char paths[MAX_PATHS];
} *shared;

static struct mpmc_queue *work, *results;
static unsigned int worker_count = 4;
static const char *output = OUTPUT;
static bool kill_wanted;

static const char *path_of(const struct file *file)
{
	return shared->paths + file->path;
}

/* A process of the demo; it does not outlive the first one. */
static pid_t start(void (*run)(void *arg), void *arg)
{
	pid_t parent = getpid();
	pid_t pid = fork_flushed();

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() == parent)
		run(arg);
	_exit(0);
}

/* --- The walker --- */

static struct mpmc_producer *walker_out;
static size_t walker_paths;

static int walk_entry(const char *path, const struct stat *stat, int type,
		      struct FTW *ftw)
{
	unsigned int id = atomic_load(&shared->found);
	size_t size = strlen(path) + 1;

	(void)ftw;
	if (type != FTW_F || !S_ISREG(stat->st_mode))
		return 0;
	if (id == MAX_FILES || walker_paths + size > MAX_PATHS ||
	    strpbrk(path, "\\\n")) {
		fprintf(stderr, "mpmc_demo: too much for a demo: %s\n", path);
		exit(EXIT_FAILURE);
	}
	shared->files[id].path = walker_paths;
	memcpy(shared->paths + walker_paths, path, size);
	walker_paths += size;
	atomic_store(&shared->found, id + 1);
	check(mpmc_producer_enqueue_wait(walker_out, id, NULL), "queueing");
	return 0;
}

static void walk(void *dir)
{
	check(mpmc_producer_create(&walker_out, work, NULL), "a token");
	if (nftw(dir, walk_entry, 32, FTW_PHYS))
		die_errno(dir);
	atomic_store(&shared->walked, true);
}

/* --- The workers --- */

static void hash_fd(int fd, struct file *file, struct worker *me,
		    EVP_MD_CTX *hash)
{
	static unsigned char buf[1 << 16];
	ssize_t n;

	EVP_DigestInit_ex(hash, NULL, NULL);
	while ((n = read(fd, buf, sizeof(buf))) > 0) {
		EVP_DigestUpdate(hash, buf, n);
		atomic_fetch_add(&me->bytes, n);
	}
	EVP_DigestFinal_ex(hash, file->digest, NULL);
	if (n)
		file->error = errno;
}

static void hash_file(struct file *file, struct worker *me, EVP_MD_CTX *hash)
{
	int fd = open(path_of(file), O_RDONLY | O_CLOEXEC);

	if (fd < 0) {
		file->error = errno;
	} else {
		hash_fd(fd, file, me, hash);
		close(fd);
	}
	atomic_store(&file->hashed, true);
}

/* Whoever is the last: there will be no more results. */
static void worker_gone(void)
{
	if (atomic_fetch_sub(&shared->running, 1) == 1)
		check(mpmc_shutdown(results), "shutting down");
}

/* One id; it is committed when its result has been queued, and not before. */
static void work_on(const struct mpmc_item *item, struct worker *me,
		    struct mpmc_producer *out, EVP_MD_CTX *hash)
{
	struct file *file = &shared->files[item->value];

	atomic_store(&me->holds, item->value + 1);
	file->deliveries = item->deliveries;
	file->worker = me - shared->workers;
	hash_file(file, me, hash);
	check(mpmc_producer_enqueue_wait(out, item->value, NULL), "a result");
	atomic_store(&me->holds, 0);
	atomic_fetch_add(&me->files, 1);
}

static void work_off(void *arg)
{
	mpmc_auto_consumer struct mpmc_consumer *in = NULL;
	mpmc_auto_producer struct mpmc_producer *out = NULL;
	EVP_MD_CTX *hash = EVP_MD_CTX_new();
	struct worker *me = arg;
	struct mpmc_item item;
	ssize_t ret;

	if (!hash || !EVP_DigestInit_ex(hash, EVP_sha256(), NULL))
		_exit(EXIT_FAILURE);
	check(mpmc_consumer_create(&in, work, NULL), "a token");
	check(mpmc_producer_create(&out, results, NULL), "a token");
	while ((ret = mpmc_consumer_peek_wait(in, &item, 1, NULL)) == 1) {
		work_on(&item, me, out, hash);
		check(mpmc_consumer_commit(in, 1), "committing");
	}
	if (ret != -EPIPE)
		check(ret, "taking work");
	EVP_MD_CTX_free(hash);
	worker_gone();
}

/* --- The collector --- */

static struct collector {
	pid_t walker; /* 0: has gone */
	unsigned int files; /* whose results came */
	unsigned int came_again;
	unsigned int killed_in; /* the id of a file, plus 1; or 0 */
	bool came[MAX_FILES];
	uint64_t started, shown, ended;
} collector;

static double seconds_since_start(uint64_t until)
{
	return (until - collector.started) / 1e9;
}

static double megabytes(void)
{
	unsigned long long bytes = 0;
	unsigned int i;

	for (i = 0; i < worker_count; i++)
		bytes += atomic_load(&shared->workers[i].bytes);
	return bytes / 1e6;
}

/* A line of progress, now and then. */
static void progress(void)
{
	uint64_t now = now_ns();

	if (now - collector.shown < PROGRESS_NS)
		return;
	collector.shown = now;
	fprintf(stderr, "%5.1f s: %u of %u files%s, %.1f MB, %zd waiting\n",
		seconds_since_start(now), collector.files,
		atomic_load(&shared->found),
		atomic_load(&shared->walked) ? "" : " so far", megabytes(),
		mpmc_size_approx(work));
}

/* The file that a worker was killed in has come to another one. */
static void survived(const struct file *file)
{
	printf("worker %d did it instead, as delivery %u: %s\n",
	       file->worker + 1, file->deliveries, path_of(file));
}

static void collect(const uint64_t *ids, size_t n)
{
	for (; n; ids++, n--) {
		if (collector.came[*ids]) {
			collector.came_again++;
			continue;
		}
		collector.came[*ids] = true;
		collector.files++;
		if (*ids + 1 == collector.killed_in)
			survived(&shared->files[*ids]);
	}
}

static bool all_came(void)
{
	return atomic_load(&shared->walked) &&
	       collector.files == atomic_load(&shared->found);
}

/* Kill a worker that is in the middle of a file; whether there was one. */
static bool kill_worker(struct worker *worker)
{
	unsigned int holds;
	int status;

	kill(worker->pid, SIGSTOP);
	if (waitpid(worker->pid, &status, WUNTRACED) != worker->pid ||
	    !WIFSTOPPED(status))
		die_errno("stopping a worker");
	holds = atomic_load(&worker->holds);
	if (!holds || atomic_load(&shared->files[holds - 1].hashed)) {
		kill(worker->pid, SIGCONT);
		return false;
	}
	kill(worker->pid, SIGKILL);
	collector.killed_in = holds;
	printf("killed worker %d in the middle of %s\n",
	       (int)(worker - shared->workers) + 1,
	       path_of(&shared->files[holds - 1]));
	return true;
}

/* With half of what was found hashed, or many files, it is time for that. */
static void kill_in_mid_run(void)
{
	bool late = collector.files >= KILL_AFTER ||
		    (atomic_load(&shared->walked) &&
		     collector.files >= atomic_load(&shared->found) / 2);
	unsigned int i;

	for (i = 0; i < worker_count && kill_wanted && late; i++)
		if (shared->workers[i].pid)
			kill_wanted = !kill_worker(&shared->workers[i]);
}

static void reap_worker(struct worker *worker)
{
	int status;

	if (!worker->pid || !waitpid(worker->pid, &status, WNOHANG))
		return;
	worker->pid = 0;
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		worker_gone();
}

static void reap(void)
{
	unsigned int i;
	int status;

	for (i = 0; i < worker_count; i++)
		reap_worker(&shared->workers[i]);
	if (!collector.walker || !waitpid(collector.walker, &status, WNOHANG))
		return;
	collector.walker = 0;
	if (!WIFEXITED(status) || WEXITSTATUS(status)) {
		fprintf(stderr, "mpmc_demo: the walker failed\n");
		exit(EXIT_FAILURE);
	}
}

/* Workers will go, and the last one ends the results. */
static void end_work(void)
{
	if (collector.ended)
		return;
	collector.ended = now_ns();
	check(mpmc_shutdown(work), "shutting down");
}

static void collect_all(void)
{
	mpmc_auto_consumer struct mpmc_consumer *in = NULL;
	struct timespec timeout = { 0, 100000000 };
	uint64_t ids[64];
	ssize_t n;

	check(mpmc_consumer_create(&in, results, NULL), "a token");
	for (;;) {
		n = mpmc_consumer_dequeue_bulk_wait(in, ids, 64, &timeout);
		if (n == -EPIPE)
			break;
		check(n, "taking results");
		collect(ids, n);
		progress();
		kill_in_mid_run();
		reap();
		if (all_came())
			end_work();
	}
	if (!all_came()) {
		fprintf(stderr, "mpmc_demo: no worker is left\n");
		exit(EXIT_FAILURE);
	}
}

/* --- What came of it --- */

static int compare_paths(const void *a, const void *b)
{
	const struct file *const *one = a, *const *other = b;

	return strcmp(path_of(*one), path_of(*other));
}

/* The files, by path; to be freed. */
static struct file **sorted_files(void)
{
	struct file **files = calloc(collector.files, sizeof(*files));
	unsigned int id;

	if (!files)
		die_errno("memory");
	for (id = 0; id < collector.files; id++)
		files[id] = &shared->files[id];
	qsort(files, collector.files, sizeof(*files), compare_paths);
	return files;
}

static void write_line(FILE *to, const struct file *file)
{
	int i;

	if (file->error) {
		fprintf(stderr, "mpmc_demo: %s: %s\n", path_of(file),
			strerror(file->error));
		return;
	}
	for (i = 0; i < DIGEST_SIZE; i++)
		fprintf(to, "%02x", file->digest[i]);
	fprintf(to, "  %s\n", path_of(file));
}

static void write_output(void)
{
	struct file **files = sorted_files();
	FILE *to = fopen(output, "w");
	unsigned int i;

	if (!to)
		die_errno(output);
	for (i = 0; i < collector.files; i++)
		write_line(to, files[i]);
	if (fclose(to))
		die_errno(output);
	free(files);
}

static uint64_t delivered_again(void)
{
	struct mpmc_stat stat = { .size = sizeof(stat) };

	check(mpmc_queue_stat(work, &stat), "looking");
	return stat.redelivered;
}

static void report(void)
{
	double seconds = seconds_since_start(collector.ended);
	const struct worker *worker;
	unsigned int i;

	for (i = 0; i < worker_count; i++) {
		worker = &shared->workers[i];
		printf("worker %u: %u files, %.1f MB%s\n", i + 1,
		       atomic_load(&worker->files),
		       atomic_load(&worker->bytes) / 1e6,
		       atomic_load(&worker->holds) ? ", killed" : "");
	}
	printf("%u files, %.1f MB in %.1f s: %.0f files/s, %.1f MB/s, "
	       "%.0f items/s through the queues\n", collector.files,
	       megabytes(), seconds, collector.files / seconds,
	       megabytes() / seconds, 2 * collector.files / seconds);
	printf("delivered again, all that the killed worker had been handed: "
	       "%" PRIu64 "\nresults that came twice: %u\n",
	       delivered_again(), collector.came_again);
	if (kill_wanted)
		printf("no worker was killed: the tree is too small\n");
	printf("digests are in %s\n", output);
}

/* Whether the program sha256sum says the same about the same tree. */
static bool verify(char *dir)
{
	static const char script[] =
		"find \"$1\" -type f -print0 | LC_ALL=C sort -z |"
		" xargs -0 sha256sum | cmp - \"$2\"";
	pid_t pid;

	printf("comparing with sha256sum ...\n");
	pid = fork_flushed();
	if (!pid) {
		execlp("sh", "sh", "-c", script, "sh", dir, output, NULL);
		_exit(127);
	}
	return child_succeeded(pid);
}

/* --- Setting out --- */

static void usage(void)
{
	fprintf(stderr,
		"Usage: mpmc_demo [OPTION]... DIR\n"
		"Hashes the files in DIR with several processes.\n\n"
		"  -w, --workers N    processes that hash (default 4)\n"
		"  -k, --kill         kill one of them in mid-run\n"
		"  -o, --output FILE  what sha256sum would print (default\n"
		"                     " OUTPUT ")\n");
	exit(2);
}

/* So that paths begin as those of find(1) do. */
static void strip_slashes(char *dir)
{
	size_t len = strlen(dir);

	while (len > 1 && dir[len - 1] == '/')
		dir[--len] = '\0';
}

static char *arguments(int argc, char **argv)
{
	static const struct option options[] = {
		{ "workers", required_argument, NULL, 'w' },
		{ "kill", no_argument, NULL, 'k' },
		{ "output", required_argument, NULL, 'o' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "w:ko:h", options, NULL)) != -1) {
		if (c == 'w')
			worker_count = atoi(optarg);
		else if (c == 'k')
			kill_wanted = true;
		else if (c == 'o')
			output = optarg;
		else
			usage();
	}
	if (optind + 1 != argc || !worker_count || worker_count > MAX_WORKERS ||
	    (kill_wanted && worker_count < 2))
		usage();
	strip_slashes(argv[optind]);
	return argv[optind];
}

static void start_all(char *dir)
{
	struct mpmc_queue_opts opts = { .capacity = QUEUE_CAPACITY };
	unsigned int i;

	check(mpmc_queue_create(&work, &opts), "creating a queue");
	check(mpmc_queue_create(&results, &opts), "creating a queue");
	collector.started = collector.shown = now_ns();
	atomic_store(&shared->running, worker_count);
	for (i = 0; i < worker_count; i++)
		shared->workers[i].pid = start(work_off, &shared->workers[i]);
	collector.walker = start(walk, dir);
}

static void map_shared(void)
{
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (shared == MAP_FAILED)
		die_errno("shared memory");
}

int main(int argc, char **argv)
{
	char *dir = arguments(argc, argv);

	/* In order with what goes to stderr. */
	setvbuf(stdout, NULL, _IOLBF, 0);
	map_shared();
	start_all(dir);
	printf("%s: 1 walker, %u workers, 1 collector\n", dir, worker_count);
	collect_all();
	if (!collector.files) {
		fprintf(stderr, "mpmc_demo: no files in %s\n", dir);
		return EXIT_FAILURE;
	}
	write_output();
	report();
	if (!verify(dir)) {
		printf("NOT OK: the digests differ from those of sha256sum\n");
		return EXIT_FAILURE;
	}
	printf("OK: the digests of all %u files equal those of sha256sum\n",
	       collector.files);
	return 0;
}
