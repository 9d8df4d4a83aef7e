// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Where items go that are taken: the standard output
 *
 * What was written to a pipe has not arrived yet: whoever reads it may go away and
 * leave it there, and then it would be lost. So who writes looks how much is left
 * in the pipe until it is all read. Nothing wakes who waits for that, but poll(2)
 * does when the reader is gone.
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "complain.h"
#include "ctl.h"
#include "sink.h"

/* {"value": "18446744073709551615", "deliveries": 4294967295} */
#define MAX_TEXT 64

/* Looks that are close together, and then some with so much in between. */
#define QUICK_LOOKS 100
#define NAP_MIN_NS 50000
#define NAP_MAX_NS 10000000

void sink_init(struct sink *sink, enum sink_format format)
{
	struct stat stat;

	sink->format = format;
	sink->pipe = !fstat(STDOUT_FILENO, &stat) && S_ISFIFO(stat.st_mode);
	sink->dies = signal(SIGPIPE, SIG_IGN) == SIG_DFL;
}

static size_t item_print(const struct sink *sink, char *text,
			 const struct mpmc_item *item)
{
	switch (sink->format) {
	case SINK_DECIMAL:
		return sprintf(text, "%" PRIu64 "\n", item->value);
	case SINK_HEX:
		return sprintf(text, "0x%" PRIx64 "\n", item->value);
	case SINK_JSON:
		return sprintf(text,
			       "{\"value\": \"%" PRIu64 "\", \"deliveries\": %" PRIu32 "}\n",
			       item->value, item->deliveries);
	case SINK_RAW:
		break;
	}
	memcpy(text, &item->value, sizeof(item->value));
	return sizeof(item->value);
}

/* Whether it is to be tried again: after a signal, or when there is room. */
static bool try_again(void)
{
	struct pollfd pfd = { .fd = STDOUT_FILENO, .events = POLLOUT };

	return errno == EINTR || (errno == EAGAIN && poll(&pfd, 1, -1) >= 0);
}

/* As much as can be written; how much, and why not all. */
static int write_all(const char *text, size_t size, size_t *done)
{
	ssize_t ret;

	for (*done = 0; *done < size; *done += ret) {
		ret = write(STDOUT_FILENO, text + *done, size - *done);
		if (ret < 0 && !try_again())
			return -errno;
		ret = ret < 0 ? 0 : ret;
	}
	return 0;
}

/* Sleeps a little; false at once when nobody reads any more. */
static bool nap(unsigned int looks)
{
	struct pollfd pfd = { .fd = STDOUT_FILENO };
	struct timespec time = { 0 };
	long ns = NAP_MIN_NS;

	if (looks >= QUICK_LOOKS) {
		for (looks -= QUICK_LOOKS; looks && ns < NAP_MAX_NS; looks--)
			ns += ns / 4;
		time.tv_nsec = ns < NAP_MAX_NS ? ns : NAP_MAX_NS;
	} else {
		sched_yield();
	}
	return ppoll(&pfd, 1, &time, NULL) <= 0 || !(pfd.revents & POLLERR);
}

/* Waits until the pipe is empty; how many bytes are left in it if nobody reads. */
static size_t wait_for_reader(void)
{
	unsigned int looks;
	bool reader = true;
	int left;

	for (looks = 0; !ioctl(STDOUT_FILENO, FIONREAD, &left); looks++) {
		if (!left || !reader)
			return left;
		/* Once more after that: it may have read all before it went. */
		reader = nap(looks);
	}
	return 0;
}

int sink_put(struct sink *sink, const struct mpmc_item *items, size_t count,
	     size_t *got)
{
	char text[SINK_ITEMS * MAX_TEXT];
	size_t ends[SINK_ITEMS], size = 0, done, left;
	size_t i;
	int ret;

	for (i = 0; i < count; i++) {
		size += item_print(sink, text + size, &items[i]);
		ends[i] = size;
	}
	ret = write_all(text, size, &done);
	if (sink->pipe && (!ret || ret == -EPIPE)) {
		left = wait_for_reader();
		done -= left < done ? left : done;
		if (left)
			ret = -EPIPE;
	}
	for (*got = 0; *got < count && ends[*got] <= done; ++*got)
		;
	return ret;
}

int sink_failed(const struct sink *sink, int err)
{
	if (err == -EPIPE && sink->dies) {
		signal(SIGPIPE, SIG_DFL);
		raise(SIGPIPE);
	}
	complain("cannot write: %s", strerror(-err));
	return CTL_FAILED;
}
