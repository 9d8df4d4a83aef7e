// SPDX-License-Identifier: GPL-2.0
/*
 * What the system has: a pipe, and a POSIX message queue
 *
 * One item at a time. Reads and writes of eight bytes are never torn.
 */
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/resource.h>

#include "channel.h"

/* --- A pipe --- */

static int pipe_open(struct channel *channel)
{
	int bytes = channel->setup->capacity * sizeof(uint64_t);

	if (pipe2(channel->pipe, O_CLOEXEC))
		return -errno;
	return fcntl(channel->pipe[1], F_SETPIPE_SZ, bytes) < 0 ? -errno : 0;
}

static void pipe_close(struct channel *channel)
{
	close(channel->pipe[0]);
	close(channel->pipe[1]);
}

/*
 * Whether to go on and read or write. Somebody else may be faster, and then the
 * call sleeps all the same.
 */
static bool pipe_ready(int fd, short events, const struct call *call)
{
	struct pollfd pfd = { .fd = fd, .events = events };
	const struct timespec *timeout = call->timeout, none = { 0 };

	if (call->wait && !timeout)
		return true;
	return ppoll(&pfd, 1, call->wait ? timeout : &none, NULL) > 0;
}

static ssize_t pipe_put(struct end *end, const uint64_t *items,
			const struct call *call)
{
	int fd = end->channel->pipe[1];

	if (!pipe_ready(fd, POLLOUT, call))
		return 0;
	if (write(fd, items, sizeof(*items)) != sizeof(*items))
		return -EIO;
	return 1;
}

static ssize_t pipe_take(struct end *end, struct mpmc_item *items,
			 const struct call *call)
{
	int fd = end->channel->pipe[0];
	uint64_t value;

	if (!pipe_ready(fd, POLLIN, call))
		return 0;
	if (read(fd, &value, sizeof(value)) != sizeof(value))
		return -EIO;
	*items = (struct mpmc_item){ .value = value };
	return 1;
}

static uint64_t pipe_size(struct channel *channel)
{
	int bytes = 0;

	must(ioctl(channel->pipe[0], FIONREAD, &bytes) == 0);
	return bytes / sizeof(uint64_t);
}

const struct channel_type system_pipe = {
	.name = "pipe",
	.open = pipe_open,
	.close = pipe_close,
	.put = pipe_put,
	.take = pipe_take,
	.size = pipe_size,
};

/* --- A message queue --- */

static int mq_channel_open(struct channel *channel)
{
	struct mq_attr attr = {
		.mq_maxmsg = channel->setup->capacity,
		.mq_msgsize = sizeof(uint64_t),
	};
	const struct rlimit limit = { RLIM_INFINITY, RLIM_INFINITY };
	char name[32];

	setrlimit(RLIMIT_MSGQUEUE, &limit);
	snprintf(name, sizeof(name), "/torture-%d", getpid());
	channel->mq = mq_open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600,
			      &attr);
	if (channel->mq < 0)
		return -errno;
	mq_unlink(name);
	return 0;
}

static void mq_channel_close(struct channel *channel)
{
	mq_close(channel->mq);
}

/* Message queues want to know until when. */
static struct timespec mq_deadline(const struct call *call)
{
	struct timespec ts = { 0 };

	if (!call->wait)
		return ts;
	clock_gettime(CLOCK_REALTIME, &ts);
	return timespec_of(ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec +
			   call->timeout->tv_sec * NSEC_PER_SEC +
			   call->timeout->tv_nsec);
}

static ssize_t mq_put(struct end *end, const uint64_t *items,
		      const struct call *call)
{
	const char *message = (const char *)items;
	struct timespec deadline;
	int ret;

	if (call->wait && !call->timeout) {
		ret = mq_send(end->channel->mq, message, sizeof(*items), 0);
	} else {
		deadline = mq_deadline(call);
		ret = mq_timedsend(end->channel->mq, message, sizeof(*items), 0,
				   &deadline);
	}
	if (!ret)
		return 1;
	return errno == ETIMEDOUT ? 0 : -errno;
}

static ssize_t mq_take(struct end *end, struct mpmc_item *items,
		       const struct call *call)
{
	struct timespec deadline;
	uint64_t value;
	ssize_t ret;

	if (call->wait && !call->timeout) {
		ret = mq_receive(end->channel->mq, (char *)&value,
				 sizeof(value), NULL);
	} else {
		deadline = mq_deadline(call);
		ret = mq_timedreceive(end->channel->mq, (char *)&value,
				      sizeof(value), NULL, &deadline);
	}
	if (ret < 0)
		return errno == ETIMEDOUT ? 0 : -errno;
	*items = (struct mpmc_item){ .value = value };
	return 1;
}

static uint64_t mq_size(struct channel *channel)
{
	struct mq_attr attr;

	must(mq_getattr(channel->mq, &attr) == 0);
	return attr.mq_curmsgs;
}

const struct channel_type system_mq = {
	.name = "mq",
	.open = mq_channel_open,
	.close = mq_channel_close,
	.put = mq_put,
	.take = mq_take,
	.size = mq_size,
};
