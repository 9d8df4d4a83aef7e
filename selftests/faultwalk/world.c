// SPDX-License-Identifier: GPL-2.0
/*
 * An item is a number, and a tag by which to know it. It is offered, then in a queue,
 * then taken: each step once. An item that was offered in vain, or is taken twice, or
 * was never heard of, is found at the taking; one that is lost at the end, and before
 * that by the counts of the queues.
 */
#include "world.h"

#include <stdarg.h>

#define TAG 0xfa170000ULL << 32

enum { OFFERED = 0, IN, TAKEN };

void wrong(struct world *w, const char *format, ...)
{
	va_list args;

	if (*w->wrong)
		return;
	va_start(args, format);
	vsnprintf(w->wrong, sizeof(w->wrong), format, args);
	va_end(args);
}

/* --- Items --- */

__u64 world_item(__u32 index)
{
	return TAG | (index + 1);
}

void world_offer(struct world *w, int source, __u32 count)
{
	__u32 i;

	must(count <= COUNT_MAX && w->issued + count <= ITEMS_MAX);
	w->offered = w->issued;
	w->count = count;
	w->source = source;
	for (i = 0; i < count; i++) {
		w->of[w->issued + i] = source;
		w->buffer[i] = world_item(w->issued + i);
	}
	w->issued += count;
}

void world_accepted(struct world *w)
{
	memset(w->state + w->offered, IN, w->count);
	w->in += w->count;
}

static void took_one(struct world *w, __u64 item)
{
	__u32 index = (__u32)item - 1, *last;

	if (item != world_item(index) || index >= w->issued) {
		wrong(w, "%llx is no item", item);
		return;
	}
	if (w->state[index] != IN)
		wrong(w, "item %u %s", index + 1, w->state[index] == TAKEN ?
		      "was delivered twice" : "had not been accepted");
	last = &w->last[(int)w->of[index]];
	if (index < *last)
		wrong(w, "item %u came after item %u", index + 1, *last);
	*last = index + 1;
	w->in -= w->state[index] == IN;
	w->state[index] = TAKEN;
}

void world_took(struct world *w, const __u64 *items, __u32 count)
{
	__u32 i;

	for (i = 0; i < count; i++)
		took_one(w, items[i]);
}

/* --- What there is --- */

void world_begin(struct world *w)
{
	memset(w->state, 0, w->issued);
	memset(w, 0, offsetof(struct world, state));
	w->queue = -1;
	w->dead = -1;
	w->token = -1;
	w->other = -1;
	w->made = -1;
	/* Where most have it: transfers, leases, names. */
	w->array = &w->args.transfer.items;
	w->device = device_open();
	must(w->device >= 0);
}

void world_queue(struct world *w, __u64 capacity, __u32 segments)
{
	w->capacity = capacity;
	w->queue = queue_create(capacity, segments);
	must(w->queue >= 0);
}

void world_limited(struct world *w, __u64 capacity, __u64 dead)
{
	w->capacity = capacity;
	w->dead = queue_create(dead, 1);
	must(w->dead >= 0);
	w->queue = limited_create(capacity, 1, w->dead);
	must(w->queue >= 0);
}

void world_producer(struct world *w, __u32 entries)
{
	w->token = producer_create(w->queue, entries);
	must(w->token >= 0);
}

void world_consumer(struct world *w, __u32 entries)
{
	w->token = consumer_create(w->queue, entries);
	must(w->token >= 0);
}

void world_map(struct world *w)
{
	must(mapped_map(&w->mapped, w->token) == 0);
}

void world_put(struct world *w, int source, __u32 count)
{
	int fd = source == SOURCE_QUEUE ? w->queue : w->token;

	world_offer(w, source, count);
	must(enq_bulk(fd, w->buffer, count) == 0);
	world_accepted(w);
}

/* One more, in the mapped ring of a producer who has room, without a call. */
void world_store(struct world *w)
{
	world_offer(w, SOURCE_TOKEN, 1);
	must(mapped_rest(&w->mapped) > 0);
	mapped_store(&w->mapped, w->buffer, 1);
	world_accepted(w);
}

void world_lease(struct world *w, __u32 count)
{
	struct mpmc_lease_item *items = calloc(count, sizeof(*items));
	__u32 i;

	must(items);
	must(lease_fill(w->token, items, count) == (int)count);
	for (i = 0; i < count; i++)
		w->leased[i] = items[i].value;
	w->leases = count;
	free(items);
}

/* --- The ioctl --- */

void world_ioctl(struct world *w, int fd, unsigned long cmd, __u32 size)
{
	w->fd = fd;
	w->cmd = cmd;
	w->args.size = size;
}

void world_enqueue(struct world *w, int source, __u32 count, __u32 flags)
{
	struct mpmc_transfer *transfer = &w->args.transfer;

	world_ioctl(w, source == SOURCE_QUEUE ? w->queue : w->token,
		    MPMC_IOC_ITEM_ENQUEUE, sizeof(*transfer));
	world_offer(w, source, count);
	transfer->flags = flags;
	transfer->count = count;
	transfer->items = w->buffer[0];
	if (flags & MPMC_TRANSFER_WAIT)
		transfer->deadline = MPMC_FOREVER;
	if (!(flags & MPMC_TRANSFER_INLINE))
		w->buffer_size = count * sizeof(w->buffer[0]);
	w->produces = true;
}

void world_dequeue(struct world *w, int fd, __u32 count, __u32 flags)
{
	struct mpmc_transfer *transfer = &w->args.transfer;

	must(count <= COUNT_MAX);
	world_ioctl(w, fd, MPMC_IOC_ITEM_DEQUEUE, sizeof(*transfer));
	transfer->flags = flags;
	transfer->count = count;
	if (flags & MPMC_TRANSFER_WAIT)
		transfer->deadline = MPMC_FOREVER;
	w->count = count;
	if (!(flags & MPMC_TRANSFER_INLINE))
		w->buffer_size = count * sizeof(w->buffer[0]);
}

void world_place(struct world *w, enum cut cut, size_t there)
{
	size_t size = w->args.size;
	bool cut_args = cut == CUT_ARGS;
	bool cut_buffer = cut == CUT_BUFFER;

	if (w->buffer_size) {
		area_make(&w->at_buffer, w->buffer, w->buffer_size,
			  cut_buffer ? there : w->buffer_size,
			  cut == CUT_BUFFER_WRITE || w->produces ?
			  PROT_READ : PROT_READ | PROT_WRITE);
		*w->array = (uintptr_t)w->at_buffer.data;
	}
	if (size)
		area_make(&w->at, &w->args, size, cut_args ? there : size,
			  cut == CUT_WRITE ? PROT_READ :
			  PROT_READ | PROT_WRITE);
}

void world_unplace(struct world *w)
{
	area_free(&w->at);
	area_free(&w->at_buffer);
}

union args *world_args(struct world *w)
{
	return w->at.data;
}

/* --- Whether it adds up --- */

/* The counts of the queues, against the account. */
void world_count(struct world *w)
{
	struct mpmc_queue_info info = {}, dead = {};
	__u64 in;

	if (w->queue >= 0)
		right(w, queue_info(w->queue, &info) == 0);
	if (w->dead >= 0)
		right(w, queue_info(w->dead, &dead) == 0);
	in = info.items + info.leased + dead.items + dead.leased;
	if (in != w->in && w->queue >= 0)
		wrong(w, "%u items are in queues that count %llu", w->in, in);
}

static void drain_to_account(struct world *w, int queue)
{
	static __u64 items[BULK_MAX];
	int ret;

	while ((ret = deq_bulk(queue, items, BULK_MAX)) > 0)
		world_took(w, items, ret);
	if (ret != -EAGAIN && ret != -EPIPE)
		wrong(w, "draining ends with %d", ret);
}

/* An empty queue, used by nobody: its capacity is what it was, to the item. */
static void check_empty(struct world *w, int queue, __u64 capacity)
{
	struct mpmc_queue_info info = queue_state(queue);
	__u64 full;

	right(w, info.items == 0 && info.leased == 0);
	right(w, info.producers == 0 && info.consumers == 0);
	right(w, info.granted == 0);
	right(w, info.enqueue_waiters == 0 && info.dequeue_waiters == 0);
	right(w, info.capacity == capacity);
	if (info.state & MPMC_STATE_SHUTDOWN) {
		right(w, enq(queue, 1) == -EPIPE);
		return;
	}
	full = fill(queue, 1);
	if (full != capacity)
		wrong(w, "a queue of %llu accepts %llu", capacity, full);
	right(w, queue_items(queue) == full && enq(queue, 1) == -EAGAIN);
	right(w, drain(queue) == full);
	right(w, queue_items(queue) == 0);
}

static void close_one(int *fd)
{
	if (*fd >= 0)
		must(close(*fd) == 0);
	*fd = -1;
}

void world_end(struct world *w)
{
	__u64 dead = w->dead < 0 ? 0 : queue_state(w->dead).capacity;

	world_unplace(w);
	if (w->map)
		must(munmap(w->map, w->map_size) == 0);
	/* What a token has comes back to the front, whatever that was before. */
	if (w->queue >= 0)
		drain_to_account(w, w->queue);
	memset(w->last, 0, sizeof(w->last));
	if (w->mapped.kernel)
		mapped_unmap(&w->mapped);
	close_one(&w->made);
	close_one(&w->other);
	close_one(&w->token);
	if (w->queue >= 0)
		drain_to_account(w, w->queue);
	memset(w->last, 0, sizeof(w->last));
	if (w->dead >= 0)
		drain_to_account(w, w->dead);
	if (w->in && w->queue >= 0)
		wrong(w, "%u items are lost", w->in);
	if (w->queue >= 0)
		check_empty(w, w->queue, w->capacity);
	if (w->dead >= 0)
		check_empty(w, w->dead, dead);
	close_one(&w->queue);
	close_one(&w->dead);
	close_one(&w->device);
}
