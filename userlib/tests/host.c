// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * What the library does without /dev/mpmc: bad arguments, wrong descriptors,
 * texts, the missing device. Linked against the shared library.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include <mpmc.h>

#include "tap.h"

static void test_null_queue(void)
{
	struct mpmc_stat stat = { .size = sizeof(stat) };
	uint64_t item[1];

	OK(mpmc_queue_create(NULL, NULL) == -EINVAL, "queue_create: NULL");
	OK(mpmc_queue_from_fd(NULL, 0) == -EINVAL, "queue_from_fd: NULL");
	OK(mpmc_queue_fd(NULL) == -EINVAL && mpmc_shutdown(NULL) == -EINVAL &&
	   mpmc_size_approx(NULL) == -EINVAL &&
	   mpmc_queue_stat(NULL, &stat) == -EINVAL, "queue calls: NULL");
	OK(mpmc_try_enqueue(NULL, 1) == -EINVAL &&
	   mpmc_try_dequeue(NULL, item) == -EINVAL &&
	   mpmc_enqueue_wait(NULL, 1, NULL) == -EINVAL &&
	   mpmc_dequeue_wait(NULL, item, NULL) == -EINVAL,
	   "single items: NULL queue");
	OK(mpmc_try_enqueue_bulk(NULL, item, 1) == -EINVAL &&
	   mpmc_try_dequeue_bulk(NULL, item, 1) == -EINVAL &&
	   mpmc_enqueue_bulk_wait(NULL, item, 0, NULL) == -EINVAL &&
	   mpmc_dequeue_bulk_wait(NULL, item, 0, NULL) == -EINVAL,
	   "bulk: NULL queue, also with nothing to move");
}

static void test_null_name(void)
{
	struct mpmc_queue *queue = (struct mpmc_queue *)1;

	OK(mpmc_queue_open(NULL, "/q", O_RDWR, 0, NULL) == -EINVAL &&
	   mpmc_queue_open(&queue, NULL, O_RDWR, 0, NULL) == -EINVAL &&
	   !queue && mpmc_queue_unlink(NULL) == -EINVAL &&
	   mpmc_queue_list(NULL, NULL, 1) == -EINVAL, "names: NULL");
}

static void test_null_token(void)
{
	struct mpmc_producer *producer = (struct mpmc_producer *)1;
	struct mpmc_consumer *consumer = (struct mpmc_consumer *)1;
	struct mpmc_item items[1];
	uint64_t item[1];

	OK(mpmc_producer_create(&producer, NULL, NULL) == -EINVAL && !producer,
	   "producer_create: NULL queue, and no token");
	OK(mpmc_consumer_create(&consumer, NULL, NULL) == -EINVAL && !consumer,
	   "consumer_create: NULL queue, and no token");
	OK(mpmc_producer_fd(NULL) == -EINVAL &&
	   mpmc_producer_mapped(NULL) == -EINVAL &&
	   mpmc_producer_try_enqueue(NULL, 1) == -EINVAL &&
	   mpmc_producer_enqueue_wait(NULL, 1, NULL) == -EINVAL &&
	   mpmc_producer_try_enqueue_bulk(NULL, item, 1) == -EINVAL &&
	   mpmc_producer_enqueue_bulk_wait(NULL, item, 1, NULL) == -EINVAL,
	   "producer calls: NULL");
	OK(mpmc_consumer_fd(NULL) == -EINVAL &&
	   mpmc_consumer_mapped(NULL) == -EINVAL &&
	   mpmc_consumer_try_dequeue(NULL, item) == -EINVAL &&
	   mpmc_consumer_dequeue_wait(NULL, item, NULL) == -EINVAL &&
	   mpmc_consumer_try_dequeue_bulk(NULL, item, 1) == -EINVAL &&
	   mpmc_consumer_dequeue_bulk_wait(NULL, item, 1, NULL) == -EINVAL,
	   "consumer calls: NULL");
	OK(mpmc_consumer_peek(NULL, items, 1) == -EINVAL &&
	   mpmc_consumer_peek_wait(NULL, items, 1, NULL) == -EINVAL &&
	   mpmc_consumer_commit(NULL, 1) == -EINVAL &&
	   mpmc_consumer_commit(NULL, 0) == -EINVAL &&
	   mpmc_consumer_release(NULL, 1) == -EINVAL &&
	   mpmc_consumer_release(NULL, 0) == -EINVAL &&
	   mpmc_consumer_leased(NULL) == -EINVAL, "leases: NULL");
	mpmc_queue_destroy(NULL);
	mpmc_producer_destroy(NULL);
	mpmc_consumer_destroy(NULL);
	OK(1, "destroy: NULL does nothing");
}

/*
 * What mpmc.h has inline is in the library as well, for other languages: found
 * by its name, and by the version it came with.
 */
typedef long (*plain)(void *token, ...);

static int plain_refuses_null(void *library, const char *name,
			      const char *version)
{
	void *symbol = dlvsym(library, name, version);
	plain function;

	if (!symbol || dlsym(library, name) != symbol)
		return 0;
	memcpy(&function, &symbol, sizeof(function));
	return (int)function(NULL, NULL, 1) == -EINVAL;
}

static void test_plain(void)
{
	static const struct {
		const char *name, *version;
	} names[] = {
		{ "mpmc_producer_try_enqueue", "LIBMPMC_1.0" },
		{ "mpmc_producer_try_enqueue_bulk", "LIBMPMC_1.0" },
		{ "mpmc_consumer_try_dequeue", "LIBMPMC_1.0" },
		{ "mpmc_consumer_try_dequeue_bulk", "LIBMPMC_1.0" },
		{ "mpmc_consumer_peek", "LIBMPMC_1.1" },
		{ "mpmc_consumer_commit", "LIBMPMC_1.1" },
	};
	void *library = dlopen("libmpmc.so.1", RTLD_NOW);
	size_t i;

	OK(library, "the library can be loaded by its name");
	for (i = 0; library && i < sizeof(names) / sizeof(names[0]); i++)
		OK(plain_refuses_null(library, names[i].name,
				      names[i].version), names[i].name);
	if (library)
		dlclose(library);
}

static void test_wrong_fd(void)
{
	struct mpmc_queue *queue = (struct mpmc_queue *)1;
	int fds[2];

	if (pipe(fds))
		return OK(0, "pipe()");
	errno = 123;
	OK(mpmc_queue_from_fd(&queue, fds[0]) == -ENOTTY && !queue,
	   "queue_from_fd: a pipe");
	close(fds[0]);
	close(fds[1]);
	queue = (struct mpmc_queue *)1;
	OK(mpmc_queue_from_fd(&queue, fds[0]) == -EBADF && !queue,
	   "queue_from_fd: a closed descriptor");
	OK(mpmc_queue_from_fd(&queue, -1) == -EBADF && !queue,
	   "queue_from_fd: no descriptor");
	OK(errno == 123, "errno is left as it was");
}

static void test_no_device(void)
{
	struct mpmc_queue_opts opts = { .flags = 2 };
	struct mpmc_queue_opts none = { .flags = MPMC_QUEUE_DELIVERIES };
	struct mpmc_queue *queue = (struct mpmc_queue *)1;
	struct mpmc_name names[1];

	OK(mpmc_queue_create(&queue, &opts) == -EINVAL && !queue,
	   "queue_create: unknown flags");
	queue = (struct mpmc_queue *)1;
	OK(mpmc_queue_create(&queue, &none) == -EINVAL && !queue,
	   "queue_create: a limit of no delivery");
	if (!access("/dev/mpmc", F_OK))
		return tap_skip("queue_create: no device", "there is one");
	queue = (struct mpmc_queue *)1;
	errno = 123;
	OK(mpmc_queue_create(&queue, NULL) == -ENOENT && !queue &&
	   errno == 123, "queue_create: no device");
	queue = (struct mpmc_queue *)1;
	OK(mpmc_queue_open(&queue, "/q", O_RDWR, 0, NULL) == -ENXIO && !queue &&
	   mpmc_queue_unlink("/q") == -ENXIO &&
	   mpmc_queue_list(NULL, names, 1) == -ENXIO && errno == 123,
	   "names: no device, which is not that there is no such queue");
	OK(strstr(mpmc_strerror(-ENXIO), "modprobe mpmc") != NULL,
	   "strerror: what to do about that");
	OK(strstr(mpmc_strerror(-ENOENT), "modprobe mpmc") != NULL,
	   "strerror: what to do about that");
}

static void test_strerror(void)
{
	static const int known[] = {
		0,	EAGAIN, ETIMEDOUT, EINTR,  EPIPE,      EMSGSIZE, EBUSY,
		EIO,	EINVAL, EFAULT,	   E2BIG,  ENOTTY,     EOPNOTSUPP,
		ENOMEM, ENOSPC, ENOENT,	   ENXIO,  ENODEV,     EACCES,
		EPERM,	EBADF,	EMFILE,	   ENFILE, EEXIST,     ENAMETOOLONG,
	};
	const char *none = mpmc_strerror(INT_MAX);
	int distinct = 1, either = 1, never_null = 1;
	size_t i, j, n = sizeof(known) / sizeof(known[0]);
	int err;

	for (i = 0; i < n; i++) {
		distinct &= !!strcmp(mpmc_strerror(known[i]), none);
		either &= mpmc_strerror(-known[i]) == mpmc_strerror(known[i]);
		for (j = 0; j < i; j++)
			distinct &= known[i] == ENXIO || known[i] == ENODEV ||
				    !!strcmp(mpmc_strerror(known[i]),
					     mpmc_strerror(known[j]));
	}
	for (err = -4096; err <= 4096; err++)
		never_null &= mpmc_strerror(err) && *mpmc_strerror(err);
	OK(distinct, "strerror: a text of its own for each error");
	OK(either, "strerror: negative or positive");
	OK(never_null && mpmc_strerror(INT_MIN) == none &&
	   mpmc_strerror(-INT_MAX) == none, "strerror: never NULL");
	OK(!strcmp(mpmc_strerror(0), "success"), "strerror: success");
}

static void test_auto(void)
{
	mpmc_auto_queue struct mpmc_queue *queue = NULL;
	mpmc_auto_producer struct mpmc_producer *producer = NULL;
	mpmc_auto_consumer struct mpmc_consumer *consumer = NULL;

	OK(!queue && !producer && !consumer, "auto handles: empty ones");
}

int main(void)
{
	test_null_queue();
	test_null_name();
	test_null_token();
	test_plain();
	test_wrong_fd();
	test_no_device();
	test_strerror();
	test_auto();
	return tap_end();
}
