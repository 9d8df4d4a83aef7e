// SPDX-License-Identifier: GPL-2.0
/*
 * A queue of /dev/mpmc, in the four modes it can be used in
 */
#include <fcntl.h>
#include <linux/mpmc.h>
#include <sys/ioctl.h>

#include "channel.h"

/* So long there may be no memory at the end, when nobody else wants any. */
#define MEMORY_NS (10 * NSEC_PER_SEC)

/* --- The queue --- */

static uint64_t features(void)
{
	struct mpmc_device_info info = { .size = sizeof(info) };
	int fd = open("/dev/mpmc", O_RDWR | O_CLOEXEC);

	must(fd >= 0);
	must(ioctl(fd, MPMC_IOC_DEVICE_INFO, &info) == 0);
	close(fd);
	return info.features;
}

static bool maps(void)
{
	return features() & MPMC_FEATURE_MAP;
}

static bool maps_and_leases(void)
{
	return maps() && features() & MPMC_FEATURE_LEASE;
}

static int queue_open(struct channel *channel)
{
	struct mpmc_queue_opts opts = {
		.capacity = channel->setup->capacity,
		.segments = channel->setup->segments,
	};

	return mpmc_queue_create(&channel->queue, &opts);
}

static void queue_close(struct channel *channel)
{
	mpmc_queue_destroy(channel->queue);
}

static struct mpmc_stat queue_stat(struct channel *channel)
{
	struct mpmc_stat stat = { .size = sizeof(stat) };

	must(mpmc_queue_stat(channel->queue, &stat) == 0);
	return stat;
}

static uint64_t queue_size(struct channel *channel)
{
	return queue_stat(channel).items;
}

/* As nobody is at work: else it is anything. */
static uint64_t queue_room(struct channel *channel)
{
	struct mpmc_stat stat = queue_stat(channel);

	return stat.capacity - stat.items - stat.leased - stat.granted;
}

static uint64_t queue_redelivered(struct channel *channel)
{
	return queue_stat(channel).redelivered;
}

static void queue_describe(struct channel *channel)
{
	struct mpmc_stat stat = queue_stat(channel);

	fprintf(stderr, "#   queue: capacity %llu, items %llu, leased %llu, "
		"granted %llu, redelivered %llu; %u producers, %u waiting; "
		"%u consumers, %u waiting\n",
		(unsigned long long)stat.capacity,
		(unsigned long long)stat.items, (unsigned long long)stat.leased,
		(unsigned long long)stat.granted,
		(unsigned long long)stat.redelivered, stat.producers,
		stat.enqueue_waiters, stat.consumers, stat.dequeue_waiters);
}

/* --- Putting --- */

/* Without room nothing was put; anything else that is not 0 is an error. */
static ssize_t put_result(int ret, const struct call *call)
{
	if (ret == -EAGAIN)
		return call->wait ? ret : 0;
	if (ret == -ETIMEDOUT)
		return call->wait ? 0 : ret;
	return ret ? ret : (ssize_t)call->count;
}

static ssize_t ioctl_put(struct end *end, const uint64_t *items,
			 const struct call *call)
{
	struct mpmc_queue *queue = end->channel->queue;
	int ret;

	if (call->wait)
		ret = call->bulk ? mpmc_enqueue_bulk_wait(queue, items,
							  call->count,
							  call->timeout) :
				   mpmc_enqueue_wait(queue, *items,
						     call->timeout);
	else
		ret = call->bulk ? mpmc_try_enqueue_bulk(queue, items,
							 call->count) :
				   mpmc_try_enqueue(queue, *items);
	return put_result(ret, call);
}

static ssize_t token_put(struct end *end, const uint64_t *items,
			 const struct call *call)
{
	struct mpmc_producer *producer = end->producer;
	int ret;

	if (call->wait)
		ret = call->bulk ? mpmc_producer_enqueue_bulk_wait(
					   producer, items, call->count,
					   call->timeout) :
				   mpmc_producer_enqueue_wait(producer, *items,
							      call->timeout);
	else
		ret = call->bulk ? mpmc_producer_try_enqueue_bulk(
					   producer, items, call->count) :
				   mpmc_producer_try_enqueue(producer, *items);
	return put_result(ret, call);
}

/* --- Taking --- */

/* One item, or why not. */
static ssize_t take_result(int ret, const struct call *call)
{
	if (ret == -EAGAIN)
		return call->wait ? ret : 0;
	if (ret == -ETIMEDOUT)
		return call->wait ? 0 : ret;
	return ret ? ret : 1;
}

static ssize_t ioctl_take_values(struct end *end, uint64_t *values,
				 const struct call *call)
{
	struct mpmc_queue *queue = end->channel->queue;

	if (call->wait && call->bulk)
		return mpmc_dequeue_bulk_wait(queue, values, call->count,
					      call->timeout);
	if (call->bulk)
		return mpmc_try_dequeue_bulk(queue, values, call->count);
	return take_result(call->wait ? mpmc_dequeue_wait(queue, values,
							  call->timeout) :
					mpmc_try_dequeue(queue, values),
			   call);
}

static ssize_t token_take_values(struct end *end, uint64_t *values,
				 const struct call *call)
{
	struct mpmc_consumer *consumer = end->consumer;

	if (call->wait && call->bulk)
		return mpmc_consumer_dequeue_bulk_wait(
			consumer, values, call->count, call->timeout);
	if (call->bulk)
		return mpmc_consumer_try_dequeue_bulk(consumer, values,
						      call->count);
	return take_result(
		call->wait ? mpmc_consumer_dequeue_wait(consumer, values,
							call->timeout) :
			     mpmc_consumer_try_dequeue(consumer, values),
		call);
}

static ssize_t items_of(struct mpmc_item *items, const uint64_t *values,
			ssize_t n)
{
	ssize_t i;

	for (i = 0; i < n; i++)
		items[i] = (struct mpmc_item){ .value = values[i] };
	return n;
}

static ssize_t ioctl_take(struct end *end, struct mpmc_item *items,
			  const struct call *call)
{
	uint64_t values[BULK_MAX];

	return items_of(items, values, ioctl_take_values(end, values, call));
}

static ssize_t token_take(struct end *end, struct mpmc_item *items,
			  const struct call *call)
{
	uint64_t values[BULK_MAX];

	return items_of(items, values, token_take_values(end, values, call));
}

/* --- Tokens --- */

static int token_create(struct end *end, bool produces, uint32_t flags)
{
	struct mpmc_token_opts opts = {
		.ring_entries = end->channel->setup->ring,
		.flags = flags,
	};
	struct mpmc_queue *queue = end->channel->queue;

	return produces ? mpmc_producer_create(&end->producer, queue, &opts) :
			  mpmc_consumer_create(&end->consumer, queue, &opts);
}

static int token_join(struct end *end, bool produces)
{
	return token_create(end, produces, MPMC_OPT_UNMAPPED);
}

/* The producers of a queue with one segment put into that. */
static bool mapped_as_it_should(const struct end *end, bool produces,
				uint32_t flags)
{
	bool wanted = !(flags & MPMC_OPT_UNMAPPED);

	/* Without memory for the mapping, it works by calls. */
	if (wanted && end->channel->lean)
		return true;
	if (!produces)
		return mpmc_consumer_mapped(end->consumer) == wanted;
	wanted = wanted && end->channel->setup->segments != 1;
	return mpmc_producer_mapped(end->producer) == wanted;
}

/*
 * For a few it is not mapped, or armed, and a few producers have none: all kinds
 * share a queue.
 */
static int mapped_join(struct end *end, bool produces)
{
	uint32_t flags = 0;
	int ret;

	if (produces && !random_below(end->seed, 8))
		return 0;
	if (!random_below(end->seed, 8))
		flags |= MPMC_OPT_UNMAPPED;
	if (!random_below(end->seed, 8))
		flags |= MPMC_OPT_ARMED;
	ret = token_create(end, produces, flags);
	if (!ret && !mapped_as_it_should(end, produces, flags))
		ret = -EOPNOTSUPP;
	return ret;
}

static ssize_t mapped_put(struct end *end, const uint64_t *items,
			  const struct call *call)
{
	return end->producer ? token_put(end, items, call) :
			       ioctl_put(end, items, call);
}

/* --- Leases --- */

static ssize_t peek(struct end *end, struct mpmc_item *items,
		    const struct call *call)
{
	if (call->wait)
		return mpmc_consumer_peek_wait(end->consumer, items,
					       call->count, call->timeout);
	return mpmc_consumer_peek(end->consumer, items, call->count);
}

static bool same(const struct mpmc_item *a, const struct mpmc_item *b)
{
	return a->value == b->value && a->deliveries == b->deliveries;
}

static ssize_t peek_take(struct end *end, struct mpmc_item *items,
			 const struct call *call)
{
	ssize_t ret = peek(end, items, call);
	struct mpmc_item again;

	if (ret <= 0 || random_below(end->seed, 8))
		return ret;
	/* Looking again shows the same. */
	if (mpmc_consumer_peek(end->consumer, &again, 1) != 1 ||
	    !same(&again, items))
		return -EILSEQ;
	return ret;
}

static int peek_finish(struct end *end, size_t n)
{
	return mpmc_consumer_commit(end->consumer, n);
}

static int peek_give_back(struct end *end, size_t n)
{
	return mpmc_consumer_release(end->consumer, n);
}

/* Look first, which tells how often items have been delivered, and then take. */
static ssize_t look_and_take(struct end *end, struct mpmc_item *items,
			     const struct call *call)
{
	ssize_t seen = peek(end, items, call), taken, i;
	uint64_t values[BULK_MAX];

	if (seen <= 0)
		return seen;
	taken = mpmc_consumer_try_dequeue_bulk(end->consumer, values, seen);
	if (taken != seen)
		return taken < 0 ? taken : -EILSEQ;
	for (i = 0; i < taken; i++)
		if (items[i].value != values[i])
			return -EILSEQ;
	return taken;
}

static ssize_t mapped_take(struct end *end, struct mpmc_item *items,
			   const struct call *call)
{
	if (random_below(end->seed, 2))
		return look_and_take(end, items, call);
	return token_take(end, items, call);
}

/* --- At the end --- */

static int complain(const char *what, uint64_t is, uint64_t should_be)
{
	if (is == should_be)
		return 0;
	fprintf(stderr, "# %s: %llu, should be %llu\n", what,
		(unsigned long long)is, (unsigned long long)should_be);
	return 1;
}

/* Without memory it is neither full nor empty: whether to try again. */
static bool no_memory(ssize_t ret, uint64_t end)
{
	if (ret != -ENOMEM || now_ns() > end)
		return false;
	nap(NSEC_PER_MSEC);
	return true;
}

/* By bulks as large as they go, and then one by one. */
static uint64_t fill(struct mpmc_queue *queue, int *wrong)
{
	uint64_t n = 0, end = now_ns() + MEMORY_NS;
	static const uint64_t items[1000];
	size_t bulk;
	int ret;

	for (bulk = 1000; bulk; bulk /= 10) {
		do {
			ret = mpmc_try_enqueue_bulk(queue, items, bulk);
			n += ret ? 0 : bulk;
		} while (!ret || no_memory(ret, end));
		if (ret != -EAGAIN && ret != -EMSGSIZE)
			*wrong += complain("error of filling", -ret, EAGAIN);
	}
	return n;
}

static uint64_t drain(struct mpmc_queue *queue, int at_end, int *wrong)
{
	uint64_t items[1000], n = 0, end = now_ns() + MEMORY_NS;
	ssize_t ret;

	do {
		ret = mpmc_try_dequeue_bulk(queue, items, 1000);
		n += ret > 0 ? ret : 0;
	} while (ret > 0 || no_memory(ret, end));
	*wrong += complain("error of draining", -ret, at_end);
	return n;
}

/* All tokens are gone, and with them all that they had. */
static int audit_stat(struct channel *channel)
{
	struct mpmc_stat stat = queue_stat(channel);

	return complain("items", stat.items, 0) +
	       complain("leased", stat.leased, 0) +
	       complain("granted", stat.granted, 0) +
	       complain("producers", stat.producers, 0) +
	       complain("consumers", stat.consumers, 0) +
	       complain("waiting for room", stat.enqueue_waiters, 0) +
	       complain("waiting for items", stat.dequeue_waiters, 0) +
	       complain("dead", stat.dead, 0) +
	       complain("dropped", stat.dropped, 0);
}

static int queue_audit(struct channel *channel)
{
	uint64_t capacity = channel->setup->capacity;
	struct mpmc_queue *queue = channel->queue;
	int wrong = audit_stat(channel);
	uint64_t n;

	n = drain(queue, 0, &wrong);
	wrong += complain("items still there", n, 0);
	n = fill(queue, &wrong);
	wrong += complain("capacity", n, capacity);
	wrong += complain("error when full", -mpmc_try_enqueue(queue, 0),
			  EAGAIN);
	if (!channel->kept)
		mpmc_shutdown(queue);
	n = drain(queue, channel->kept ? 0 : EPIPE, &wrong);
	wrong += complain("items of a full queue", n, capacity);
	if (channel->kept)
		return wrong;
	wrong += complain("error at the end", -mpmc_enqueue_wait(queue, 0, NULL),
			  EPIPE);
	return wrong;
}

const struct channel_type queue_ioctl = {
	.name = "ioctl",
	.open = queue_open,
	.close = queue_close,
	.put = ioctl_put,
	.take = ioctl_take,
	.size = queue_size,
	.room = queue_room,
	.redelivered = queue_redelivered,
	.describe = queue_describe,
	.audit = queue_audit,
};

const struct channel_type queue_token = {
	.name = "token",
	.open = queue_open,
	.close = queue_close,
	.join = token_join,
	.put = token_put,
	.take = token_take,
	.size = queue_size,
	.room = queue_room,
	.redelivered = queue_redelivered,
	.describe = queue_describe,
	.audit = queue_audit,
};

const struct channel_type queue_mapped = {
	.name = "mapped",
	.supported = maps,
	.open = queue_open,
	.close = queue_close,
	.join = mapped_join,
	.put = mapped_put,
	.take = mapped_take,
	.size = queue_size,
	.room = queue_room,
	.redelivered = queue_redelivered,
	.describe = queue_describe,
	.audit = queue_audit,
};

const struct channel_type queue_peek = {
	.name = "peek",
	.supported = maps_and_leases,
	.open = queue_open,
	.close = queue_close,
	.join = mapped_join,
	.put = mapped_put,
	.take = peek_take,
	.finish = peek_finish,
	.give_back = peek_give_back,
	.size = queue_size,
	.room = queue_room,
	.redelivered = queue_redelivered,
	.describe = queue_describe,
	.audit = queue_audit,
};
