// SPDX-License-Identifier: GPL-2.0
/*
 * Sources: finding items in a queue's segments and producer tokens
 */
#include <linux/kernel.h>
#include <linux/minmax.h>

#include "batch.h"
#include "producer.h"
#include "queue.h"

/* Take a run of items from a source; 0 when there is none. */
static unsigned int source_take(struct mpmc_queue *queue, unsigned int source,
				u64 *items, unsigned int max)
{
	struct mpmc_segment *segment;

	if (source >= queue->segments)
		return mpmc_producer_take(queue, source - queue->segments,
					  items, max);
	/* Acquire: pairs with mpmc_queue_make_segment(). */
	segment = smp_load_acquire(&queue->segment[source]);
	return segment ? mpmc_segment_dequeue(segment, &queue->pool, items,
					      max) : 0;
}

static bool source_ready(struct mpmc_queue *queue, unsigned int source)
{
	struct mpmc_segment *segment;

	if (source >= queue->segments)
		return mpmc_producer_ready(queue, source - queue->segments);
	/* Acquire: pairs with mpmc_queue_make_segment(). */
	segment = smp_load_acquire(&queue->segment[source]);
	return segment && mpmc_segment_ready(segment, &queue->pool);
}

/* The share of the capacity that a source's items use. */
static unsigned int source_share(struct mpmc_queue *queue, unsigned int source)
{
	return mpmc_queue_home_share(queue, source % queue->segments);
}

/* Add up to max of a source's items to a batch; less means it is empty. */
static unsigned int source_drain(struct mpmc_queue *queue, unsigned int source,
				 struct mpmc_batch *batch, unsigned int max)
{
	unsigned int share = source_share(queue, source);
	unsigned int n, total = 0;

	while (total < max) {
		n = source_take(queue, source, batch->items + batch->count,
				max - total);
		if (!n)
			break;
		mpmc_batch_added(batch, n, share);
		total += n;
	}
	return total;
}

/* Whether items may come, or have come, to a source without anybody saying so. */
static bool source_mapped(struct mpmc_queue *queue, unsigned int source)
{
	return source >= queue->segments &&
	       mpmc_producer_is_mapped(queue, source - queue->segments);
}

/**
 * struct look - what is known of a look at all sources
 * @cleared: for mpmc_pending_missed()
 * @stamp: what mpmc_producers_stamp() was before, or would have been, had it
 *	looked at each mapped ring just before that was found empty
 * @again: a ring was not empty any more, or a bit was cleared by somebody else
 * @back: what came back is to be found as well
 * @rings: mapped rings that were looked at
 * @looks: how many there have been
 */
struct look {
	int cleared;
	u64 stamp;
	bool again;
	bool back;
	unsigned int rings;
	unsigned int looks;
};

static void look_begin(struct mpmc_queue *queue, struct look *look)
{
	look->cleared = mpmc_pending_begin(&queue->pending);
	look->stamp = mpmc_queue_left(queue);
	look->again = false;
	look->rings = 0;
}

/*
 * Whether, when all mapped rings had been found empty, one of the others was not
 * any more: something came back, or there is a bit besides those of the rings,
 * which are set, and of which none was cleared since; see look_missed(). All that
 * is read after the claims of the rings, which are read by an acquire: what was
 * put before the last item was claimed is seen.
 */
static bool look_was_passed(struct mpmc_queue *queue, const struct look *look)
{
	return (look->back && mpmc_requeue_ready(&queue->requeue)) ||
	       mpmc_pending_count(&queue->pending) != look->rings;
}

/*
 * Whether an item may have been missed that was put behind the look's back.
 *
 * Without mapped rings there was none when the look began, if no bit was cleared
 * since. Of those, whose bits are always set, each was found empty, and if none
 * got an item from then until now, then all were just now, when what came back
 * was looked for once more. As for the rest, their bits were clear before that,
 * are so after it, and none was cleared: none was set in between.
 */
static bool look_missed(struct mpmc_queue *queue, struct look *look)
{
	bool passed = look->rings && look_was_passed(queue, look);

	if (mpmc_pending_missed(&queue->pending, look->cleared))
		return true;
	return (passed || look->again ||
		mpmc_producers_stamp(queue) != look->stamp) &&
	       ++look->looks < MPMC_QUEUE_LOOKS;
}

/* A source was found empty, which may be a ring that is always looked at. */
static bool look_at_mapped(struct mpmc_queue *queue, struct look *look,
			   unsigned int source)
{
	int empty = -EINVAL;

	if (source >= queue->segments)
		empty = mpmc_producer_empty(queue, source - queue->segments,
					    &look->stamp);
	if (!empty)
		look->again = true;
	look->rings += empty >= 0;
	return empty >= 0;
}

/*
 * A source was found empty: don't look there again until it is not. A mapped
 * ring is looked at always. It may have been mapped just now: that is done
 * before its bit is set, and looked at after it was cleared.
 */
static void source_retire(struct mpmc_queue *queue, struct look *look,
			  unsigned int source)
{
	int ret;

	if (look_at_mapped(queue, look, source))
		return;
	ret = mpmc_pending_clear_begin(&queue->pending, source);
	if (ret > 0)
		mpmc_pending_clear_end(&queue->pending, source,
				       source_ready(queue, source) ||
				       source_mapped(queue, source));
	else if (ret)
		look->again = true;
}

/* The next source that may hold items, from this one on and around. */
static unsigned int source_next(struct mpmc_queue *queue, unsigned int source)
{
	struct mpmc_pending *pending = &queue->pending;
	unsigned int next = mpmc_pending_next(pending, source);

	return next < pending->bits ? next : mpmc_pending_next(pending, 0);
}

/*
 * Take from the sources that may hold items, in turn, until the batch is full
 * or all have been looked at since the last one that had something, once each.
 */
static void take_pending(struct mpmc_queue *queue, struct mpmc_cursor *cursor,
			 struct mpmc_batch *batch, struct look *look)
{
	s64 place = atomic64_read(&cursor->place);
	unsigned int source = upper_32_bits(place);
	unsigned int left = lower_32_bits(place);
	unsigned int bits = queue->pending.bits, rest = bits - !!left;

	while (batch->count < batch->max) {
		unsigned int next = source_next(queue, source + !left);
		unsigned int step, want, n;

		if (next >= bits)
			break;
		step = next > source || (next == source && left) ?
			       next - source : next + bits - source;
		if (step > rest)
			break;
		rest -= step;
		if (step)
			left = MPMC_QUOTA;
		source = next;
		want = min(left, batch->max - batch->count);
		n = source_drain(queue, source, batch, want);
		left -= n;
		if (n)
			rest = bits - (n < want);
		if (n < want) {
			source_retire(queue, look, source);
			left = 0;
		}
	}
	atomic64_cmpxchg_relaxed(&cursor->place, place,
				 (u64)source << 32 | left);
}

/**
 * mpmc_queue_take() - take items
 * @queue: the queue
 * @cursor: where this consumer is
 * @batch: where to add them, empty; they keep their credits
 *
 * It has to look again while others put items behind its back, see pending.c.
 *
 * Context: any; does not sleep.
 * Return: 0; -EAGAIN when there was a moment during the call at which no item
 * was there; -EPIPE when there will be none any more.
 */
int mpmc_queue_take(struct mpmc_queue *queue, struct mpmc_cursor *cursor,
		    struct mpmc_batch *batch)
{
	bool drained = READ_ONCE(queue->shutdown) && mpmc_queue_drained(queue);
	struct look look = { .back = batch->again_max };

	do {
		look_begin(queue, &look);
		if (READ_ONCE(queue->requeue.top))
			mpmc_requeue_take(&queue->requeue, batch);
		if (!batch->again || batch->again_max > 1)
			take_pending(queue, cursor, batch, &look);
		if (batch->count)
			return 0;
	} while (look_missed(queue, &look));
	return drained ? -EPIPE : -EAGAIN;
}

/**
 * mpmc_queue_ready() - whether there is an item to take
 * @queue: the queue
 *
 * As when items are taken, what is found empty is not looked at again until there
 * is something.
 *
 * Context: any; does not sleep.
 * Return: whether there is.
 */
bool mpmc_queue_ready(struct mpmc_queue *queue)
{
	struct mpmc_pending *pending = &queue->pending;
	struct look look = { .back = true };
	unsigned int source;

	do {
		look_begin(queue, &look);
		if (mpmc_requeue_ready(&queue->requeue))
			return true;
		source = mpmc_pending_next(pending, 0);
		for (; source < pending->bits;
		     source = mpmc_pending_next(pending, source + 1)) {
			if (source_ready(queue, source))
				return true;
			source_retire(queue, &look, source);
		}
	} while (look_missed(queue, &look));
	return false;
}
