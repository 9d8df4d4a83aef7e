// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * The code that the documentation shows, run: each does what it says
 *
 * tests/code takes it out of there; what it takes for granted is declared by
 * tests/fragments.awk, and set up here.
 */
#include <liburing.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "tap.h"

#include "fragments.c"

#define main header_main
#include "header.c"
#undef main
#define main manual_main
#include "manual.c"
#undef main

static void do_work(uint64_t item, int again);
void work(struct mpmc_queue *queue);
#include "worker.c"

#include "prep.c"

/* None is left out: that would be a function that nobody uses. */
#include "readme.c"

#define CAPACITY 2000

/* How it is before an example, besides that there are a queue and two tokens. */
enum {
	LEASED = 1,	/* the consumer has two items */
	END = 2,	/* the queue is shut down */
	AT_WORK = 4,	/* the workers are there */
	BY_FD = 8,	/* there is no queue, but an fd of it */
	BACK = 16,	/* two items have come back */
};

#define ANY -1

static atomic_int handled;

/* Of these, done for another time; and done when nothing was leased any more. */
static int done_again, done_late;

/**
 * struct example - an example and what it does
 * @name: the function that it is of
 * @run: the example
 * @flags: how it is before
 * @before: how many items there are before
 * @after: how many in the end, leased ones included
 * @leased: and of these leased; or ANY, which a token has fetched ahead
 * @handled: how many were handled
 * @prints: what it prints, to either, or NULL for nothing
 * @check: what else is to be so
 */
struct example {
	const char *name;
	void (*run)(void);
	int flags;
	int before;
	int after;
	int leased;
	int handled;
	const char *prints;
	bool (*check)(void);
};

int cannot_handle(uint64_t item)
{
	(void)item;
	return 1;
}

/* Of one item: some examples have more to say of it. */
int handle(uint64_t item, ...)
{
	(void)item;
	return atomic_fetch_add(&handled, 1);
}

static struct mpmc_stat stat_now(void)
{
	struct mpmc_stat stat = { .size = sizeof(stat) };

	if (mpmc_queue_stat(queue, &stat))
		abort();
	return stat;
}

static void do_work(uint64_t item, int again)
{
	(void)item;
	done_again += again;
	done_late += !stat_now().leased;
	atomic_fetch_add(&handled, 1);
}

/* --- What else is to be so --- */

static int names(void)
{
	struct mpmc_name name;

	return mpmc_queue_list(NULL, &name, 1);
}

static bool is_named(void)
{
	return ret == 0 && names() == 1;
}

static bool has_no_name(void)
{
	return names() == 0;
}

static bool is_shut_down(void)
{
	return mpmc_try_enqueue(queue, 1) == -EPIPE;
}

static bool was_dropped(void)
{
	return dropped == 1;
}

static bool got_three(void)
{
	return n == 3;
}

/* An example that destroys one has nobody else to tell. */
static bool has_no_producer(void)
{
	producer = NULL;
	return stat_now().producers == 0;
}

static bool has_no_consumer(void)
{
	consumer = NULL;
	return stat_now().consumers == 0;
}

static bool has_two_producers(void)
{
	return stat_now().producers == 2;
}

static bool has_two_consumers(void)
{
	return stat_now().consumers == 2;
}

static bool fd_is_closed(void)
{
	return ret == 0 && fcntl(fd, F_GETFD) == -1;
}

static bool is_gone(void)
{
	queue = NULL;
	return true;
}

static bool was_committed_after(void)
{
	return done_again == 2 && done_late == 0;
}

/* And can do both; its name does not stay for others. */
static bool is_jobs(void)
{
	mode_t mask = umask(0);
	struct mpmc_name name;

	umask(mask);
	return mpmc_queue_list(NULL, &name, 1) == 1 &&
	       !strcmp(name.name, "/jobs") && name.mode == (0660 & ~mask) &&
	       mpmc_try_enqueue(queue, 1) == 0 &&
	       mpmc_try_dequeue(queue, &item) == 0 &&
	       mpmc_queue_unlink("/jobs") == 0;
}

#define OF(function) .name = #function, .run = example_##function
#define README(function) .name = "README: " #function, .run = readme_##function

static const struct example examples[] = {
	{ OF(mpmc_queue_create) },
	{ OF(mpmc_queue_open), .check = is_named },
	{ OF(mpmc_queue_list), .prints = "/jobs\n" },
	{ OF(mpmc_queue_unlink), .check = has_no_name },
	{ OF(mpmc_queue_from_fd), .flags = BY_FD, .before = 3, .after = 3,
	  .check = fd_is_closed },
	{ OF(mpmc_queue_fd) },
	{ OF(mpmc_queue_destroy), .flags = AT_WORK, .before = 10,
	  .handled = 10, .check = is_gone },
	{ OF(mpmc_shutdown), .check = is_shut_down },
	{ OF(mpmc_size_approx), .before = 10, .after = 10 },
	{ OF(mpmc_queue_stat) },
	{ OF(mpmc_queue_stats), .flags = LEASED, .before = 2, .after = 2,
	  .leased = 2, .prints = "0 done\n" },
	{ OF(mpmc_try_enqueue), .after = 1 },
	{ OF(mpmc_try_enqueue), .before = CAPACITY, .after = CAPACITY,
	  .check = was_dropped },
	{ OF(mpmc_try_dequeue), .before = 3, .handled = 3 },
	{ OF(mpmc_enqueue_wait), .after = 1 },
	{ OF(mpmc_dequeue_wait), .flags = END, .before = 3, .handled = 3 },
	{ OF(mpmc_try_enqueue_bulk), .before = 1, .after = 1001 },
	{ OF(mpmc_try_dequeue_bulk), .before = 1500, .after = 500 },
	{ OF(mpmc_enqueue_bulk_wait), .before = 1, .after = 1001 },
	{ OF(mpmc_dequeue_bulk_wait), .before = 3 },
	{ OF(mpmc_producer_create), .check = has_two_producers },
	{ OF(mpmc_producer_destroy), .check = has_no_producer },
	{ OF(mpmc_producer_fd) },
	{ OF(mpmc_producer_try_enqueue), .after = 1 },
	{ OF(mpmc_producer_try_enqueue), .before = CAPACITY,
	  .after = CAPACITY, .check = was_dropped },
	{ OF(mpmc_producer_try_enqueue_bulk), .before = 1, .after = 1001 },
	{ OF(mpmc_producer_enqueue_wait), .after = 1 },
	{ OF(mpmc_producer_enqueue_bulk_wait), .before = 1, .after = 1001 },
	{ OF(mpmc_consumer_create), .check = has_two_consumers },
	{ OF(mpmc_consumer_destroy), .flags = LEASED, .before = 3, .after = 3,
	  .check = has_no_consumer },
	{ OF(mpmc_consumer_fd) },
	{ OF(mpmc_consumer_try_dequeue), .before = 3, .handled = 3 },
	{ OF(mpmc_consumer_try_dequeue_bulk), .before = 1500, .after = 500,
	  .leased = ANY },
	{ OF(mpmc_consumer_dequeue_wait), .flags = END, .before = 3,
	  .handled = 3 },
	{ OF(mpmc_consumer_dequeue_bulk_wait), .before = 3,
	  .check = got_three },
	{ OF(mpmc_consumer_peek), .before = 3, .handled = 3 },
	{ OF(mpmc_consumer_peek_wait), .before = 3, .after = 3, .leased = 3,
	  .check = got_three },
	{ OF(mpmc_consumer_commit), .flags = LEASED, .before = 2, .after = 1,
	  .leased = 1 },
	{ OF(mpmc_consumer_release), .flags = LEASED, .before = 2, .after = 2,
	  .leased = 1 },
	{ OF(mpmc_consumer_leased), .flags = LEASED, .before = 2, .after = 2 },
	{ OF(mpmc_producer_mapped) },
	{ OF(mpmc_consumer_mapped) },
	{ OF(mpmc_strerror), .prints = "success\n" },
	{ README(mpmc_consumer_peek_wait), .flags = END | BACK, .before = 3,
	  .handled = 3, .check = was_committed_after },
	{ README(mpmc_queue_open), .check = is_jobs },
};

/* --- Running one --- */

static void *worker_run(void *arg)
{
	uint64_t mine;

	(void)arg;
	while (!mpmc_dequeue_wait(queue, &mine, NULL))
		handle(mine);
	return NULL;
}

static void must(bool ok, const char *what)
{
	if (ok)
		return;
	printf("Bail out! %s: %m\n", what);
	exit(1);
}

static void set_up(const struct example *example)
{
	struct mpmc_queue_opts opts = { .capacity = CAPACITY };
	struct mpmc_item leased[2];
	int k;

	atomic_store(&handled, 0);
	dropped = ret = n = done_again = done_late = 0;
	must(!mpmc_queue_create(&queue, &opts), "no queue");
	must(!mpmc_producer_create(&producer, queue, NULL), "no producer");
	must(!mpmc_consumer_create(&consumer, queue, NULL), "no consumer");
	for (k = 0; k < example->before; k++)
		must(!mpmc_try_enqueue(queue, k), "cannot put");
	if (example->flags & (LEASED | BACK))
		must(mpmc_consumer_peek(consumer, leased, 2) == 2, "no lease");
	if (example->flags & BACK)
		must(!mpmc_consumer_release(consumer, 2), "none comes back");
	if (example->flags & END)
		mpmc_shutdown(queue);
	if (example->flags & AT_WORK)
		for (k = 0; k < WORKERS; k++)
			must(!pthread_create(&workers[k], NULL, worker_run,
					     NULL), "no thread");
	if (example->flags & BY_FD) {
		fd = dup(mpmc_queue_fd(queue));
		mpmc_queue_destroy(queue);
		queue = NULL;
	}
}

static void tear_down(void)
{
	if (consumer)
		mpmc_consumer_destroy(consumer);
	if (producer)
		mpmc_producer_destroy(producer);
	if (queue)
		mpmc_queue_destroy(queue);
	consumer = NULL;
	producer = NULL;
	queue = NULL;
}

/* What something prints, to either stream. */
static const char *printed(void (*run)(void))
{
	static char text[1000];
	int file = memfd_create("printed", 0), out = dup(1), err = dup(2);
	ssize_t size;

	must(file >= 0 && out >= 0 && err >= 0, "no file");
	fflush(stdout);
	dup2(file, 1);
	dup2(file, 2);
	run();
	fflush(stdout);
	dup2(out, 1);
	dup2(err, 2);
	size = pread(file, text, sizeof(text) - 1, 0);
	must(size >= 0, "cannot read");
	text[size] = '\0';
	close(file);
	close(out);
	close(err);
	return text;
}

/* The queue has as many items as it is to have. */
static bool counted(const struct example *example)
{
	struct mpmc_stat stat = stat_now();

	if ((int)stat.items + (int)stat.leased == example->after &&
	    (example->leased == ANY || (int)stat.leased == example->leased))
		return true;
	printf("# %s: %d items, and %d leased\n", example->name,
	       (int)stat.items, (int)stat.leased);
	return false;
}

static void example_run(const struct example *example)
{
	const char *text;
	bool good;

	set_up(example);
	text = printed(example->run);
	good = !strcmp(text, example->prints ?: "");
	if (!good)
		printf("# %s prints \"%s\"\n", example->name, text);
	good = good && (!example->check || example->check());
	good = good && (!queue || counted(example));
	if (atomic_load(&handled) != example->handled) {
		printf("# %s: %d handled\n", example->name, handled);
		good = false;
	}
	OK(good, example->name);
	tear_down();
}

/* --- Programs and functions --- */

static void both_mains(void)
{
	ret = header_main() || manual_main();
}

static void worker_works(void)
{
	struct example example = { .before = 3, .flags = END };

	set_up(&example);
	work(queue);
	OK(handled == 3 && !done_late &&
	   stat_now().items + stat_now().leased == 0,
	   "mpmc.7: the worker");
	tear_down();
}

static void prep_takes(void)
{
	struct example example = { .before = 1 };
	struct io_uring ring;
	int none;

	if (io_uring_queue_init(1, &ring, 0)) {
		tap_skip("mpmc_prep.3: take_one()", "no io_uring");
		return;
	}
	set_up(&example);
	item = 1;
	ret = take_one(&ring, queue, &item);
	none = take_one(&ring, queue, &item);
	OK(ret == 1 && item == 0 && none == -ETIMEDOUT,
	   "mpmc_prep.3: take_one()");
	io_uring_queue_exit(&ring);
	tear_down();
}

int main(void)
{
	unsigned int k, of = sizeof(examples) / sizeof(*examples);

	for (k = 0; k < of; k++)
		example_run(&examples[k]);
	OK(!strcmp(printed(both_mains), "success: 42\nsuccess: 42\n") && !ret,
	   "mpmc.h, mpmc.7: the programs");
	worker_works();
	prep_takes();
	return tap_end();
}
