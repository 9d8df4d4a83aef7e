// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Usage: mpmc_ingest [--port N] [--capacity N] [--workers N] [--work-us N]
 *
 * An HTTP server on this machine that takes jobs, and processes that do them:
 *
 *	POST /jobs	202 and {"id": N}: taken, and it will be done, whichever
 *			worker is killed; 503 with Retry-After: the queue is
 *			full, so it was not taken; 413: too long
 *	GET /queue	how the queue is doing
 *
 * until a SIGTERM or SIGINT: then what was taken is finished, and all is added up.
 *
 * An item is 64 bits, and a job more than that: it lies in a slot of shared memory,
 * and its id, which says the slot, goes through the queue. A worker looks at an id,
 * does the job, marks it as done in its slot with one store, and commits. Killed
 * before the store, another one does it again, and is told so; killed after it, the
 * other one finds that the slot is done, or somebody else's, and commits at once. So
 * whoever looks at the slots can tell what has been done, and only the server, which
 * is not killed, does: it counts a job when it takes the slot for another one.
 */
#include <errno.h>
#include <getopt.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common.h"

#define SLOTS 65536
#define TEXT_MAX 1000
#define SERVER_THREADS 2

/* What is in a slot's id beside the ids of jobs */
#define FREE 0
#define TAKEN 1 /* being filled */
#define DONE (1ULL << 63)

struct slot {
	_Atomic uint64_t id;
	uint32_t begun;
	uint32_t deliveries;
	uint32_t size;
	uint32_t sum;
	char text[TEXT_MAX];
};

/* In shared memory */
static struct board {
	atomic_uint killed;
	struct slot slots[SLOTS];
} *board;

static struct {
	struct mpmc_queue *queue;
	unsigned int port;
	unsigned int capacity;
	unsigned int workers;
	unsigned int work_us;
} ingest = { .port = 8080, .capacity = 1000, .workers = 3 };

/* What the server did, and what it found in the slots */
static struct {
	_Atomic uint64_t next;
	_Atomic uint64_t taken;
	_Atomic uint64_t ids; /* their sum */
	_Atomic uint64_t refused;
	_Atomic uint64_t done;
	_Atomic uint64_t again;	  /* after another delivery */
	_Atomic uint64_t twice;	  /* begun more than once */
	_Atomic uint64_t wrong;	  /* that, without being told; or badly done */
} count;

/* --- Workers --- */

static uint32_t checksum(const char *text, size_t size)
{
	uint32_t sum = 1;

	while (size--)
		sum = sum * 31 + (unsigned char)*text++;
	return sum;
}

static void do_job(const struct mpmc_item *item)
{
	struct slot *slot = &board->slots[item->value % SLOTS];

	/* Who did it was killed before it could commit. */
	if (atomic_load(&slot->id) != item->value)
		return;
	slot->begun++;
	slot->deliveries = item->deliveries;
	slot->sum = checksum(slot->text, slot->size);
	if (ingest.work_us)
		usleep(ingest.work_us);
	atomic_store(&slot->id, item->value | DONE);
}

static void work(void)
{
	mpmc_auto_consumer struct mpmc_consumer *consumer = NULL;
	struct mpmc_item item;
	ssize_t n;

	check(mpmc_consumer_create(&consumer, ingest.queue, NULL),
	      "mpmc_consumer_create");
	while ((n = mpmc_consumer_peek_wait(consumer, &item, 1, NULL)) == 1) {
		do_job(&item);
		check(mpmc_consumer_commit(consumer, 1),
		      "mpmc_consumer_commit");
	}
	if (n != -EPIPE)
		check((int)n, "mpmc_consumer_peek_wait");
}

static void start_worker(void)
{
	pid_t pid = fork_flushed();

	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		work();
		exit(EXIT_SUCCESS);
	}
	printf("worker %d begins\n", (int)pid);
	fflush(stdout);
}

/* Until all have come to the end of the stream. */
static int supervise(void)
{
	unsigned int i, failed = 0;
	int status;
	pid_t pid;

	for (i = 0; i < ingest.workers; i++)
		start_worker();
	while ((pid = wait(&status)) > 0) {
		if (WIFSIGNALED(status)) {
			printf("worker %d was killed by signal %d\n", (int)pid,
			       WTERMSIG(status));
			atomic_fetch_add(&board->killed, 1);
			start_worker();
		} else if (status) {
			failed++;
		}
	}
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* A process of its own, for one with threads had better not fork. */
static pid_t start_supervisor(void)
{
	pid_t pid = fork_flushed();

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGINT, SIG_IGN);
	exit(supervise());
}

/* --- Slots --- */

static void account(const struct slot *slot)
{
	atomic_fetch_add(&count.done, 1);
	if (slot->deliveries > 1)
		atomic_fetch_add(&count.again, 1);
	if (slot->begun > 1)
		atomic_fetch_add(&count.twice, 1);
	if ((slot->begun > 1 && slot->deliveries < 2) ||
	    slot->sum != checksum(slot->text, slot->size))
		atomic_fetch_add(&count.wrong, 1);
}

/* Whether it was free, or done, and is ours now. */
static bool slot_take(struct slot *slot)
{
	uint64_t id = atomic_load(&slot->id);

	if (id != FREE && !(id & DONE))
		return false;
	if (!atomic_compare_exchange_strong(&slot->id, &id, TAKEN))
		return false;
	if (id & DONE)
		account(slot);
	return true;
}

/* Where a job can be put. There is no room if there is none for many. */
static struct slot *slot_find(uint64_t number)
{
	unsigned int tries;

	for (tries = 0; tries < 100; tries++, number++)
		if (slot_take(&board->slots[number % SLOTS]))
			return &board->slots[number % SLOTS];
	return NULL;
}

/* The job's id, or a negative errno */
static int64_t take_job(const char *text, size_t size)
{
	uint64_t id, number = atomic_fetch_add(&count.next, 1) + 1;
	struct slot *slot = slot_find(number);
	int ret;

	if (!slot)
		return -EAGAIN;
	memcpy(slot->text, text, size);
	slot->size = (uint32_t)size;
	slot->begun = slot->deliveries = 0;
	id = number * SLOTS + (uint64_t)(slot - board->slots);
	atomic_store(&slot->id, id);
	ret = mpmc_try_enqueue(ingest.queue, id);
	if (ret) {
		atomic_store(&slot->id, FREE);
		return ret;
	}
	atomic_fetch_add(&count.taken, 1);
	atomic_fetch_add(&count.ids, id);
	return (int64_t)id;
}

/* --- HTTP --- */

struct request {
	size_t size; /* may be more than there is room for */
	char text[TEXT_MAX];
};

static enum MHD_Result answer(struct MHD_Connection *connection,
			      unsigned int status, const char *text)
{
	struct MHD_Response *response;
	enum MHD_Result ret = MHD_YES;

	response = MHD_create_response_from_buffer(strlen(text), (void *)text,
						   MHD_RESPMEM_MUST_COPY);
	if (!response)
		return MHD_NO;
	if (status == MHD_HTTP_SERVICE_UNAVAILABLE)
		ret = MHD_add_response_header(response, "Retry-After", "1");
	if (ret == MHD_YES)
		ret = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return ret;
}

static enum MHD_Result answer_job(struct MHD_Connection *connection,
				  const struct request *request)
{
	char text[64];
	int64_t id;

	if (request->size > TEXT_MAX)
		return answer(connection, MHD_HTTP_CONTENT_TOO_LARGE, "");
	id = take_job(request->text, request->size);
	if (id < 0) {
		atomic_fetch_add(&count.refused, 1);
		return answer(connection, MHD_HTTP_SERVICE_UNAVAILABLE,
			      mpmc_strerror((int)id));
	}
	snprintf(text, sizeof(text), "{\"id\": %lld}\n", (long long)id);
	return answer(connection, MHD_HTTP_ACCEPTED, text);
}

static enum MHD_Result answer_queue(struct MHD_Connection *connection)
{
	struct mpmc_stat stat = { .size = sizeof(stat) };
	char text[200];
	int ret = mpmc_queue_stat(ingest.queue, &stat);

	if (ret)
		return answer(connection, MHD_HTTP_INTERNAL_SERVER_ERROR,
			      mpmc_strerror(ret));
	snprintf(text, sizeof(text),
		 "{\"capacity\": %llu, \"items\": %llu, \"leased\": %llu, "
		 "\"workers\": %u, \"redelivered\": %llu}\n",
		 (unsigned long long)stat.capacity,
		 (unsigned long long)stat.items,
		 (unsigned long long)stat.leased, stat.consumers,
		 (unsigned long long)stat.redelivered);
	return answer(connection, MHD_HTTP_OK, text);
}

/* Called once for the headers, then for each piece of the body, then at its end. */
static enum MHD_Result on_request(void *cls, struct MHD_Connection *connection,
				  const char *url, const char *method,
				  const char *version, const char *data,
				  size_t *size, void **state)
{
	struct request *request = *state;

	(void)cls, (void)version;
	if (!request) {
		*state = calloc(1, sizeof(*request));
		return *state ? MHD_YES : MHD_NO;
	}
	if (*size) {
		if (request->size + *size <= TEXT_MAX)
			memcpy(request->text + request->size, data, *size);
		request->size += *size;
		*size = 0;
		return MHD_YES;
	}
	if (!strcmp(url, "/jobs") && !strcmp(method, "POST"))
		return answer_job(connection, request);
	if (!strcmp(url, "/queue") && !strcmp(method, "GET"))
		return answer_queue(connection);
	return answer(connection, MHD_HTTP_NOT_FOUND, "");
}

static void on_completed(void *cls, struct MHD_Connection *connection,
			 void **state, enum MHD_RequestTerminationCode how)
{
	(void)cls, (void)connection, (void)how;
	free(*state);
	*state = NULL;
}

static struct MHD_Daemon *start_server(void)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)ingest.port),
		.sin_addr = { htonl(INADDR_LOOPBACK) },
	};

	return MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD |
				MHD_USE_EPOLL, 0, NULL, NULL,
				on_request, NULL,
				MHD_OPTION_SOCK_ADDR, &address,
				MHD_OPTION_THREAD_POOL_SIZE, SERVER_THREADS,
				MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL,
				MHD_OPTION_END);
}

/* --- All of it --- */

/* Whether every job that was taken has been done. */
static bool sum_up(void)
{
	unsigned int i;

	for (i = 0; i < SLOTS; i++)
		slot_take(&board->slots[i]);
	printf("202: %llu, ids add up to %llu\n"
	       "503: %llu\n"
	       "done: %llu, of which %llu after another delivery, %llu begun twice\n"
	       "wrong: %llu\n"
	       "workers killed: %u\n",
	       (unsigned long long)count.taken, (unsigned long long)count.ids,
	       (unsigned long long)count.refused, (unsigned long long)count.done,
	       (unsigned long long)count.again, (unsigned long long)count.twice,
	       (unsigned long long)count.wrong, board->killed);
	return count.done == count.taken && !count.wrong;
}

static void options(int argc, char **argv)
{
	static const struct option known[] = {
		{ "port", required_argument, NULL, 'p' },
		{ "capacity", required_argument, NULL, 'c' },
		{ "workers", required_argument, NULL, 'w' },
		{ "work-us", required_argument, NULL, 'u' },
		{ NULL, 0, NULL, 0 }
	};
	int c;

	while ((c = getopt_long(argc, argv, "", known, NULL)) != -1) {
		if (c == 'p')
			ingest.port = (unsigned int)atoi(optarg);
		else if (c == 'c')
			ingest.capacity = (unsigned int)atoi(optarg);
		else if (c == 'w')
			ingest.workers = (unsigned int)atoi(optarg);
		else if (c == 'u')
			ingest.work_us = (unsigned int)atoi(optarg);
		else
			exit(2);
	}
	if (ingest.capacity < 1 || ingest.capacity > SLOTS / 2 ||
	    ingest.workers < 1 || ingest.port > 65535) {
		fprintf(stderr, "capacity is at most %d, and somebody has to work\n",
			SLOTS / 2);
		exit(2);
	}
}

static void make(void)
{
	struct mpmc_queue_opts opts = { .capacity = ingest.capacity };

	board = mmap(NULL, sizeof(*board), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (board == MAP_FAILED)
		die_errno("mmap");
	check(mpmc_queue_create(&ingest.queue, &opts), "mpmc_queue_create");
}

int main(int argc, char **argv)
{
	struct MHD_Daemon *server;
	pid_t supervisor;
	sigset_t ends;
	bool ok;
	int sig;

	options(argc, argv);
	make();
	supervisor = start_supervisor();
	sigemptyset(&ends);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGINT);
	sigprocmask(SIG_BLOCK, &ends, NULL);
	server = start_server();
	if (!server)
		die_errno("no server");
	printf("http://127.0.0.1:%u/jobs\n", ingest.port);
	fflush(stdout);
	sigwait(&ends, &sig);
	MHD_stop_daemon(server);
	mpmc_shutdown(ingest.queue);
	ok = child_succeeded(supervisor) && sum_up();
	printf("%s\n", ok ? "OK: all that was taken is done" : "FAILED");
	mpmc_queue_destroy(ingest.queue);
	return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
