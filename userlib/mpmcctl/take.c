// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Items out of a queue, of which none is lost
 *
 * They are leased, written, and then committed. Who kills this program, or whatever
 * reads what it writes, leaves what was not read leased, and that goes back to the
 * front of the queue by itself. Between what has been read and its commit is a
 * moment in which that makes it come twice.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "complain.h"
#include "ctl.h"
#include "number.h"
#include "take.h"

void take_option(struct take *take, int letter, const char *value)
{
	switch (letter) {
	case 'x':
		take->format = SINK_HEX;
		break;
	case 'r':
		take->format = SINK_RAW;
		break;
	case 'j':
		take->format = SINK_JSON;
		break;
	case 'b':
		take->batch = number_option("--batch", value, 1, SINK_ITEMS);
		break;
	case 't':
		deadline_set(&take->deadline,
			     number_time("--timeout", value));
		break;
	}
}

static size_t next_batch(const struct take *take, const struct sink *sink)
{
	uint64_t batch = take->batch, left = take->count - take->done;

	if (!batch)
		batch = sink->pipe ? 1 : SINK_ITEMS;
	return batch < left ? batch : left;
}

/*
 * Where the reader of a pipe can go away it is waited for as well, or else it would
 * be missed only by the next item. Others may be quicker to take what there is.
 */
static ssize_t peek_piped(struct take *take, struct mpmc_consumer *consumer,
			  struct mpmc_item *items, size_t max, int *failed)
{
	struct pollfd pfds[] = {
		{ .fd = mpmc_consumer_fd(consumer), .events = POLLIN },
		{ .fd = STDOUT_FILENO },
	};
	ssize_t n;

	for (;;) {
		n = mpmc_consumer_peek(consumer, items, max);
		if (n || deadline_over(&take->deadline))
			return n;
		if (ppoll(pfds, 2, deadline_left(&take->deadline), NULL) < 0)
			return -errno;
		if (pfds[1].revents & POLLERR) {
			*failed = -EPIPE;
			return 0;
		}
	}
}

/*
 * Some items. Return: what the library does: how many, 0 when there were none until
 * the timeout. "failed" is what became of the sink.
 */
static ssize_t take_some(struct take *take, struct mpmc_consumer *consumer,
			 struct sink *sink, int *failed)
{
	struct mpmc_item items[SINK_ITEMS];
	size_t max = next_batch(take, sink), got;
	ssize_t n;
	int ret;

	n = sink->pipe ? peek_piped(take, consumer, items, max, failed) :
			 mpmc_consumer_peek_wait(consumer, items, max,
						 deadline_left(&take->deadline));
	if (n <= 0)
		return n;
	*failed = sink_put(sink, items, n, &got);
	ret = mpmc_consumer_commit(consumer, got);
	if (ret)
		return ret;
	take->done += got;
	return n;
}

/* Until there are enough, or there is an end of some kind. */
static ssize_t take_all(struct take *take, struct mpmc_consumer *consumer,
			struct sink *sink, int *failed)
{
	ssize_t n = 1;

	while (take->done < take->count && !*failed && (n > 0 || n == -EINTR))
		n = take_some(take, consumer, sink, failed);
	return n;
}

static int take_from(struct take *take, struct mpmc_queue *queue)
{
	struct mpmc_token_opts opts = { .flags = MPMC_OPT_UNMAPPED };
	struct mpmc_consumer *consumer;
	struct sink sink;
	int ret, failed = 0;
	ssize_t n;

	sink_init(&sink, take->format);
	ret = mpmc_consumer_create(&consumer, queue, &opts);
	if (ret)
		return complain_error(ret, take->name, NULL);
	n = take_all(take, consumer, &sink, &failed);
	/* What has not arrived goes back now. */
	mpmc_consumer_destroy(consumer);
	if (failed)
		return sink_failed(&sink, failed);
	if (n == -EPIPE)
		return CTL_ENDED;
	if (n < 0)
		return complain_error(n, take->name, NULL);
	return n ? CTL_DONE : CTL_LATE;
}

int take_run(struct take *take)
{
	mpmc_auto_queue struct mpmc_queue *queue = NULL;
	int ret = mpmc_queue_open(&queue, take->name, O_RDONLY, 0, NULL);

	if (ret)
		return complain_error(ret, take->name, "take items");
	return take_from(take, queue);
}
