// SPDX-License-Identifier: GPL-2.0
/*
 * Calls, recorded
 *
 * The times are CLOCK_MONOTONIC's, with a full barrier before and after each: what
 * was stored before is there for all, and what is done next is done after it.
 */
#include "record.h"

static u64 worker_time(struct worker *worker)
{
	u64 time;

	full_barrier();
	/* Never the same time twice: one operation comes after the other. */
	do {
		time = now_ns();
	} while (time <= worker->stamp);
	worker->stamp = time;
	full_barrier();
	return time;
}

static struct op *op_begin(struct worker *worker, enum kind kind, int token,
			   unsigned int count)
{
	struct op *op = &worker->op[worker->ops++];

	must(worker->ops < OPS_MAX);
	memset(op, 0, sizeof(*op));
	op->kind = kind;
	op->thread = worker->thread;
	op->token = token;
	op->count = count;
	op->call = worker_time(worker);
	return op;
}

/* A wait begins at the time of the call; 0: there is none. */
static u64 op_waits(struct op *op, u64 wait)
{
	op->deadline = wait ? op->call + wait : 0;
	return op->deadline;
}

static void op_end(struct worker *worker, struct op *op, int ret)
{
	op->ret = worker_time(worker);
	op->error = ret < 0 ? -ret : 0;
}

static int end_fd(const struct worker *worker, const struct end *end)
{
	return end->token == QUEUE ? worker->queue : end->map.fd;
}

/**
 * end_rest() - what a token's owner has: room that was granted, or items
 * @end: the token
 */
unsigned int end_rest(const struct end *end)
{
	return end->is_mapped ? mapped_rest(&end->map) : end->leased;
}

/* --- Putting --- */

static u64 worker_item(const struct worker *worker, unsigned int i)
{
	return 1 + worker->thread * WORKER_ITEMS + worker->items + i;
}

static void put_begin(struct worker *worker, struct op *op)
{
	unsigned int i;

	op->n = op->count;
	for (i = 0; i < op->n; i++)
		op->item[i] = worker_item(worker, i);
}

static void put_end(struct worker *worker, struct op *op, int ret)
{
	op_end(worker, op, ret);
	if (!ret)
		worker->items += op->n;
}

/**
 * do_put() - put items by a call
 * @worker: who
 * @end: the producer token, or what has none: then the queue itself
 * @n: how many
 * @wait: how long to wait, in ns; 0: not at all
 */
void do_put(struct worker *worker, struct end *end, unsigned int n, u64 wait)
{
	struct op *op = op_begin(worker, PUT, end->token, n);
	u64 until = op_waits(op, wait);
	int fd = end_fd(worker, end), ret;
	bool single;

	put_begin(worker, op);
	single = n == 1 && op->item[0] % 2;
	if (single)
		ret = wait ? enq_until(fd, op->item[0], until) :
			     enq(fd, op->item[0]);
	else
		ret = wait ? enq_bulk_until(fd, op->item, n, until) :
			     enq_bulk(fd, op->item, n);
	put_end(worker, op, ret);
	if (end->is_mapped && ret != -EPIPE)
		op->granted = end_rest(end);
}

/**
 * do_store() - put items into a mapped ring, in room that was granted
 * @worker: who
 * @n: how many
 */
void do_store(struct worker *worker, unsigned int n)
{
	struct mapped *map = &worker->producer.map;
	struct op *op = op_begin(worker, STORE, worker->producer.token, n);
	int ret = 0;

	put_begin(worker, op);
	mapped_store(map, op->item, n);
	if (producer_is_waited_for(map))
		ret = token_kick(map->fd, n);
	put_end(worker, op, ret);
}

/* --- Taking --- */

/**
 * do_take() - take items by a call
 * @worker: who
 * @end: the consumer token, or what has none
 * @n: how many at most
 * @wait: as above
 */
void do_take(struct worker *worker, struct end *end, unsigned int n, u64 wait)
{
	struct op *op = op_begin(worker, TAKE, end->token, n);
	u64 until = op_waits(op, wait);
	int fd = end_fd(worker, end), ret;

	if (n == 1 && worker->draw % 2)
		ret = wait ? deq_until(fd, op->item, until) : deq(fd, op->item);
	else
		ret = wait ? deq_bulk_until(fd, op->item, n, until) :
			     deq_bulk(fd, op->item, n);
	op_end(worker, op, ret);
	op->n = ret > 0 ? ret : 0;
	end->leased -= op->n < end->leased ? op->n : end->leased;
}

/* What the owner of a mapped lease finds there. */
static void peek_mapped(struct op *op, const struct mapped *map)
{
	u64 again = load_acquire(&map->token->again);
	unsigned int i;
	u64 pos;

	op->n = mapped_rest(map);
	must(op->n <= OP_ITEMS);
	for (i = 0; i < op->n; i++) {
		pos = *map->own + i;
		op->item[i] = *mapped_entry(map, pos);
		op->deliveries[i] = pos < again ?
			map->deliveries[pos & (map->info.ring_entries - 1)] : 1;
	}
}

static void peek_shown(struct op *op, const struct mpmc_lease_item *shown)
{
	unsigned int i;

	for (i = 0; i < op->n; i++) {
		op->item[i] = shown[i].value;
		op->deliveries[i] = shown[i].deliveries;
	}
}

/**
 * do_peek() - have items leased, and look at them
 * @worker: who, with a consumer token
 * @n: how many the lease is to have
 * @share: or a share of all there is; only if it is mapped
 * @wait: as above
 */
void do_peek(struct worker *worker, unsigned int n, bool share, u64 wait)
{
	struct mpmc_lease_item shown[OP_ITEMS];
	struct end *end = &worker->consumer;
	struct op *op = op_begin(worker, PEEK, end->token, n);
	int ret;

	ret = lease_fill_flags(end->map.fd, end->is_mapped ? NULL : shown, n,
			       share ? MPMC_LEASE_SHARE : 0,
			       op_waits(op, wait));
	op_end(worker, op, ret);
	op->n = ret > 0 ? ret : 0;
	if (ret > 0 && end->is_mapped)
		peek_mapped(op, &end->map);
	else if (ret > 0)
		peek_shown(op, shown);
	if (op->n > end->leased)
		end->leased = op->n;
}

/**
 * do_finish() - finish with leased items, or give them back
 * @worker: who, with a consumer token
 * @kind: COMMIT, ACK or RELEASE
 * @n: how many
 */
void do_finish(struct worker *worker, enum kind kind, unsigned int n)
{
	struct end *end = &worker->consumer;
	struct op *op = op_begin(worker, kind, end->token, n);
	int ret = 0;

	if (kind == ACK) {
		store_release(end->map.own, *end->map.own + n);
		if (consumer_is_waited_for(&end->map))
			ret = token_kick(end->map.fd, n);
	} else if (kind == COMMIT) {
		ret = lease_commit(end->map.fd, n);
	} else {
		ret = lease_release(end->map.fd, n);
	}
	op_end(worker, op, ret);
	if (!ret)
		end->leased -= n < end->leased ? n : end->leased;
}

/* --- Tokens --- */

static u32 next_power(u32 n)
{
	u32 power = 1;

	while (power < n)
		power *= 2;
	return power;
}

/**
 * do_open() - make a token
 * @worker: who, who has none of this kind
 * @produces: whose
 * @entries: of its ring
 * @map: whether to map it, if that can be
 */
void do_open(struct worker *worker, bool produces, unsigned int entries,
	     bool map)
{
	struct end *end = produces ? &worker->producer : &worker->consumer;
	int token = worker->thread * WORKER_TOKENS + worker->tokens;
	struct op *op = op_begin(worker, OPEN, token, next_power(entries));
	int fd;

	op->produces = produces;
	fd = produces ? producer_create(worker->queue, entries) :
			consumer_create(worker->queue, entries);
	if (fd >= 0 && map)
		op->mapped = !mapped_map(&end->map, fd);
	op_end(worker, op, fd);
	worker->tokens++;
	if (fd < 0)
		return;
	end->token = token;
	end->map.fd = fd;
	end->is_mapped = op->mapped;
	end->leased = 0;
}

/**
 * do_close() - the end of a token
 * @worker: who
 * @end: the token
 */
void do_close(struct worker *worker, struct end *end)
{
	struct op *op = op_begin(worker, CLOSE, end->token, 0);

	if (end->is_mapped)
		mapped_unmap(&end->map);
	must(close(end->map.fd) == 0);
	op_end(worker, op, 0);
	end->token = QUEUE;
	end->is_mapped = false;
	end->leased = 0;
}

/**
 * do_shutdown() - shut the queue down
 * @worker: who
 */
void do_shutdown(struct worker *worker)
{
	struct op *op = op_begin(worker, SHUTDOWN, QUEUE, 0);

	op_end(worker, op, queue_shutdown(worker->queue));
}
