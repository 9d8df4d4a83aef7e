// SPDX-License-Identifier: GPL-2.0
/*
 * What is killed: a process that produces or consumes until then
 */
#include "worker.h"

#include <string.h>

/* Puts before a rest, with a pause before each. */
#define LAST_WORDS 2

/**
 * struct worker - a worker, in its own process
 * @ledger: the account
 * @life: its own page of that
 * @end: its end of the channel
 * @setup: what it works on
 * @seed: of all it does
 * @pace: how busy it is
 * @stream: producers: what it puts now
 * @latest: consumers: the latest item of each producer
 * @frugal: never waits
 */
struct worker {
	struct ledger *ledger;
	struct life *life;
	struct end end;
	const struct setup *setup;
	uint64_t seed;
	enum pace pace;
	struct stream *stream;
	uint32_t *latest;
	bool frugal;
};

static uint32_t chance(struct worker *worker, uint32_t n)
{
	return random_below(&worker->seed, n);
}

/*
 * Some processes are always busy and some often away, so that now the producers
 * wait and now the consumers.
 */
static void work(struct worker *worker)
{
	uint32_t spin;

	switch (worker->pace) {
	case PACE_SLOW:
		for (spin = chance(worker, 500); spin; spin--)
			atomic_signal_fence(memory_order_seq_cst);
		break;
	case PACE_AWAY:
		if (!chance(worker, 4))
			nap(chance(worker, 200) * NSEC_PER_USEC);
		break;
	default:
		break;
	}
}

static void call_choose(struct worker *worker, struct call *call,
			struct timespec *timeout)
{
	call->bulk = worker->setup->bulk > 1 && chance(worker, 2);
	call->count = call->bulk ? 1 + chance(worker, worker->setup->bulk) : 1;
	call->wait = !worker->frugal && chance(worker, 4);
	call->timeout = NULL;
	if (!call->wait || chance(worker, 4))
		return;
	*timeout = timespec_of(chance(worker, 2000) * NSEC_PER_USEC);
	call->timeout = timeout;
}

static void moved(struct worker *worker, size_t n)
{
	struct life *life = worker->life;

	atomic_store(&life->moved, life->moved + n);
	if (!life->produces)
		atomic_fetch_add(&worker->ledger->totals->received, n);
}

/* Whether a call was told that there was no memory, where that may be. */
static bool no_memory(struct worker *worker, ssize_t ret)
{
	if (ret != -ENOMEM || !worker->ledger->lean)
		return false;
	worker->ledger->totals->no_memory++;
	return true;
}

/* Whether a call did what calls may do. */
static bool call_right(struct worker *worker, ssize_t ret,
		       const struct call *call, const char *doing)
{
	if (ret >= 0 && (size_t)ret <= call->count)
		return true;
	if (no_memory(worker, ret))
		return false;
	ledger_fault(worker->ledger, FAULT_CALL, "%s %zu items: %zd", doing,
		     call->count, ret);
	return false;
}

/* --- Producers --- */

static struct stream *stream_current(struct worker *worker)
{
	struct stream *stream = worker->stream;

	if (!stream || stream->published == STREAM_ITEMS)
		worker->stream = stream_begin(worker->ledger, worker->life);
	return worker->stream;
}

/* Intend, put, publish: killed between them, the account is right. */
static ssize_t put(struct worker *worker, struct stream *stream,
		   const struct call *call)
{
	uint32_t first = stream->published, i;
	uint64_t items[BULK_MAX];
	ssize_t ret;

	for (i = 0; i < call->count; i++)
		items[i] = stream_item(worker->ledger, stream, first + i);
	stream->intent = first + call->count;
	life_doing(worker->life, DOING_PUT, call->wait, call->count);
	ret = worker->end.channel->type->put(&worker->end, items, call);
	if (ret > 0)
		stream->published = first + call->count;
	else
		stream->intent = first;
	life_doing(worker->life, DOING_NOTHING, false, 0);
	return ret;
}

static void produce(struct worker *worker)
{
	struct stream *stream = stream_current(worker);
	struct timespec timeout;
	struct call call;
	ssize_t ret;

	/* The account is full: the run is about to end. */
	if (!stream) {
		nap(NSEC_PER_MSEC);
		return;
	}
	call_choose(worker, &call, &timeout);
	if (call.count > STREAM_ITEMS - stream->published)
		call.count = STREAM_ITEMS - stream->published;
	ret = put(worker, stream, &call);
	if (call_right(worker, ret, &call, "putting"))
		moved(worker, ret);
	if (ret <= 0)
		nap(50 * NSEC_PER_USEC);
}

/* --- Consumers --- */

static void receive(struct worker *worker, const struct mpmc_item *items,
		    size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (worker->pace == PACE_SLOW)
			work(worker);
		ledger_receive(worker->ledger, &items[i], worker->latest);
		life_doing(worker->life, DOING_HAVE, false, n - i - 1);
	}
	moved(worker, n);
}

/*
 * Deal with the first n of items on loan, and tell the channel. Whoever is killed
 * in between has counted items that are going to be delivered again.
 */
static void settle(struct worker *worker, const struct mpmc_item *items,
		   size_t n)
{
	size_t i;
	int ret;

	receive(worker, items, n);
	life_doing(worker->life, DOING_FINISH, false, n);
	work(worker);
	ret = worker->end.channel->type->finish(&worker->end, n);
	if (ret)
		ledger_fault(worker->ledger, FAULT_CALL,
			     "finishing with %zu items: %d", n, ret);
	for (i = 0; i < n; i++)
		ledger_finish(worker->ledger, &items[i]);
}

/* Items that were looked at and that somebody else shall have; or they stay. */
static void give_back(struct worker *worker, size_t n)
{
	int ret = worker->end.channel->type->give_back(&worker->end, n);

	if (ret && !no_memory(worker, ret))
		ledger_fault(worker->ledger, FAULT_CALL,
			     "giving %zu items back: %d", n, ret);
}

/*
 * At a time or a few at a time; and at times not all: the rest stays, to be
 * looked at again, or goes back.
 */
static void settle_in_steps(struct worker *worker,
			    const struct mpmc_item *items, size_t n)
{
	size_t step = 1 + chance(worker, n), done;

	for (done = 0; done < n; done += step) {
		if (step > n - done)
			step = n - done;
		if (worker->frugal || chance(worker, 16)) {
			settle(worker, items + done, step);
			continue;
		}
		if (chance(worker, 2))
			give_back(worker, 1 + chance(worker, n - done));
		return;
	}
}

static ssize_t consume(struct worker *worker)
{
	const struct channel_type *type = worker->end.channel->type;
	struct mpmc_item items[BULK_MAX];
	struct timespec timeout;
	struct call call;
	ssize_t ret;

	call_choose(worker, &call, &timeout);
	life_doing(worker->life, DOING_TAKE, call.wait, call.count);
	ret = type->take(&worker->end, items, &call);
	if (!call_right(worker, ret, &call, "taking") || !ret) {
		life_doing(worker->life, DOING_NOTHING, false, 0);
		nap(50 * NSEC_PER_USEC);
		return ret;
	}
	life_doing(worker->life, DOING_HAVE, false, ret);
	if (type->finish)
		settle_in_steps(worker, items, ret);
	else
		receive(worker, items, ret);
	life_doing(worker->life, DOING_NOTHING, false, 0);
	return ret;
}

/* --- Life --- */

static void join(struct worker *worker)
{
	const struct channel_type *type = worker->end.channel->type;
	int ret;

	life_doing(worker->life, DOING_JOIN, false, 0);
	if (!type->join)
		return;
	while ((ret = type->join(&worker->end, worker->life->produces))) {
		if (!no_memory(worker, ret))
			break;
		nap(NSEC_PER_MSEC);
	}
	if (!ret)
		return;
	ledger_fault(worker->ledger, FAULT_CALL, "joining: %d", ret);
	_exit(EXIT_FAILURE);
}

static void worker_init(struct worker *worker, struct channel *channel,
			struct ledger *ledger, struct life *life)
{
	worker->ledger = ledger;
	worker->life = life;
	worker->setup = channel->setup;
	worker->pace = life->produces ? channel->setup->produce :
					channel->setup->consume;
	if (worker->pace == PACE_ANY)
		worker->pace = PACE_BUSY + chance(worker, 3);
	worker->end.channel = channel;
	worker->end.seed = &worker->seed;
	worker->latest = calloc(ledger->lives_max, sizeof(*worker->latest));
	must(worker->latest);
	life->pid = getpid();
}

/* To have had no memory for looking is not to have found nothing. */
static _Noreturn void inherit(struct worker *worker)
{
	ssize_t ret;

	do {
		ret = consume(worker);
	} while (ret > 0 || no_memory(worker, ret));
	_exit(EXIT_SUCCESS);
}

/*
 * Stop when told to, after a few items more, for which consumers that sleep have
 * to be woken. The end of a process or a token would have others look at its
 * ring: this one stays, and what it has put has to be found without.
 */
static void rest(struct worker *worker)
{
	int i;

	for (i = 0; i < LAST_WORDS; i++) {
		nap(ASLEEP_NS);
		produce(worker);
	}
	life_doing(worker->life, DOING_REST, false, 0);
	while (worker->ledger->totals->resting)
		nap(NSEC_PER_MSEC);
	life_doing(worker->life, DOING_NOTHING, false, 0);
}

static _Noreturn void produce_all(struct worker *worker)
{
	for (;;) {
		produce(worker);
		work(worker);
		if (worker->ledger->totals->resting)
			rest(worker);
	}
}

static _Noreturn void consume_all(struct worker *worker)
{
	for (;;) {
		consume(worker);
		if (worker->pace != PACE_SLOW)
			work(worker);
	}
}

void worker_run(struct channel *channel, struct ledger *ledger,
		struct life *life, enum role role, uint64_t seed)
{
	struct worker worker = { .seed = seed, .frugal = role == ROLE_HEIR };

	worker_init(&worker, channel, ledger, life);
	join(&worker);
	if (role == ROLE_PRODUCER)
		produce_all(&worker);
	else if (role == ROLE_CONSUMER)
		consume_all(&worker);
	else
		inherit(&worker);
}
