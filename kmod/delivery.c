// SPDX-License-Identifier: GPL-2.0
/*
 * Deliveries: leased items on their way to the owner of a consumer token
 */
#include "delivery.h"

#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/uaccess.h>

#include "consumer.h"
#include "trace.h"
#include "transfer.h"
#include "wait.h"

/* Items are copied with their deliveries in pieces of so many. */
#define PIECE_ITEMS 16

#define LEASE_FLAGS (MPMC_LEASE_WAIT | MPMC_LEASE_SHARE)

struct delivery {
	struct mpmc_waiter waiter;
	struct mpmc_consumer *consumer;
	unsigned int count;
	bool share;
};

static int delivery_attempt(struct mpmc_waiter *waiter)
{
	struct delivery *delivery =
		container_of(waiter, struct delivery, waiter);

	return mpmc_lease_fill(delivery->consumer, delivery->count,
			       delivery->share);
}

/* Apart: kernels clear what lies on the stack. */
static noinline int delivery_wait(struct mpmc_consumer *consumer,
				  unsigned int count, bool share, u64 deadline)
{
	struct delivery delivery;

	delivery.waiter.queue = consumer->queue;
	delivery.waiter.room = 0;
	delivery.waiter.attempt = delivery_attempt;
	delivery.consumer = consumer;
	delivery.count = count;
	delivery.share = share;
	return mpmc_transfer_wait(&delivery.waiter, deadline);
}

/* Enter a token for a call, whose lease its owner has not broken. */
static int delivery_enter(struct mpmc_consumer *consumer)
{
	int ret;

	if (!mpmc_consumer_enter(consumer))
		return -EBUSY;
	ret = mpmc_lease_check(consumer);
	if (ret)
		mpmc_consumer_leave(consumer);
	return ret;
}

static long dequeue_items(struct mpmc_consumer *consumer,
			  const struct mpmc_transfer *transfer,
			  void __user *user)
{
	const u64 *items;
	unsigned int n;
	long total = 0;
	int ret;

	do {
		n = transfer->count - total;
		/* What is left of a lease comes first, and by itself. */
		ret = mpmc_lease_count(consumer) ?
			      0 : mpmc_lease_fill(consumer, n, false);
		if (ret == -EAGAIN && !total &&
		    transfer->flags & MPMC_TRANSFER_WAIT)
			ret = delivery_wait(consumer, n, false,
					    transfer->deadline);
		if (ret)
			return total ?: ret;
		n = mpmc_lease_piece(consumer, 0, n, &items);
		ret = mpmc_transfer_copy_out(transfer, user, total, items, n);
		/*
		 * What could not be copied stays leased, for the next call; or
		 * goes back with the token, if there is none.
		 */
		if (!ret)
			ret = mpmc_lease_commit(consumer, n);
		if (ret)
			return total ?: ret;
		trace_dequeue(consumer->queue, consumer, n);
		total += n;
		cond_resched();
		/* Nor does a signal leave what it has leased: he may not come back. */
	} while (total < transfer->count &&
		 (mpmc_lease_count(consumer) || !signal_pending(current)));
	return total;
}

/**
 * mpmc_delivery_dequeue() - take items for a caller through a token
 * @consumer: the token
 * @transfer: what the caller asks for
 * @user: the caller's structure
 *
 * Context: process; may sleep.
 * Return: how many, at least one, or an error of struct mpmc_transfer's.
 */
long mpmc_delivery_dequeue(struct mpmc_consumer *consumer,
			   struct mpmc_transfer *transfer, void __user *user)
{
	long ret = mpmc_transfer_check(transfer);

	if (!ret)
		ret = delivery_enter(consumer);
	if (ret)
		return ret;
	transfer->count = min_t(u32, transfer->count, INT_MAX);
	ret = dequeue_items(consumer, transfer, user);
	mpmc_consumer_leave(consumer);
	return ret;
}

/* Show up to max items of a lease, with their deliveries; how many. */
static long fill_show(struct mpmc_consumer *consumer,
		      struct mpmc_lease_item __user *user, unsigned int max)
{
	struct mpmc_lease_item show[PIECE_ITEMS] = {};
	unsigned int n, i, shown = 0;
	const u64 *items;

	if (fatal_signal_pending(current))
		return -EINTR;
	while (shown < max) {
		n = mpmc_lease_piece(consumer, shown,
				     min(max - shown, PIECE_ITEMS), &items);
		if (!n)
			break;
		for (i = 0; i < n; i++) {
			show[i].value = items[i];
			show[i].deliveries =
				mpmc_lease_deliveries(consumer, shown + i);
		}
		if (copy_to_user(user + shown, show, n * sizeof(*show)))
			return -EFAULT;
		shown += n;
	}
	return shown;
}

static long fill_lease(struct mpmc_consumer *consumer,
		       const struct mpmc_lease *lease)
{
	bool share = lease->flags & MPMC_LEASE_SHARE;
	unsigned int count = min(lease->count, consumer->entries);
	int ret = mpmc_lease_fill(consumer, count, share);

	if (ret == -EAGAIN && lease->flags & MPMC_LEASE_WAIT)
		ret = delivery_wait(consumer, count, share, lease->deadline);
	if (ret)
		return ret;
	if (!lease->items)
		return mpmc_lease_count(consumer);
	return fill_show(consumer, u64_to_user_ptr(lease->items), count);
}

/**
 * mpmc_delivery_fill() - fill a lease, and show it
 * @consumer: the token
 * @lease: what the caller asks for
 *
 * Context: process; may sleep.
 * Return: how many items, at least one, or an error of struct mpmc_lease's.
 */
long mpmc_delivery_fill(struct mpmc_consumer *consumer,
			const struct mpmc_lease *lease)
{
	long ret;

	if (lease->flags & ~LEASE_FLAGS || lease->pad || !lease->count ||
	    (!(lease->flags & MPMC_LEASE_WAIT) && lease->deadline))
		return -EINVAL;
	ret = delivery_enter(consumer);
	if (ret)
		return ret;
	ret = fill_lease(consumer, lease);
	mpmc_consumer_leave(consumer);
	return ret;
}

/**
 * mpmc_delivery_end() - commit or release the oldest items of a lease
 * @consumer: the token
 * @end: what the caller asks for
 * @commit: or release
 *
 * Context: process; may sleep.
 * Return: 0 or an error of struct mpmc_lease_end's.
 */
long mpmc_delivery_end(struct mpmc_consumer *consumer,
		       const struct mpmc_lease_end *end, bool commit)
{
	long ret;

	if (end->flags || end->pad || !end->count)
		return -EINVAL;
	ret = delivery_enter(consumer);
	if (ret)
		return ret;
	ret = commit ? mpmc_lease_commit(consumer, end->count) :
		       mpmc_lease_release(consumer, end->count);
	mpmc_consumer_leave(consumer);
	return ret;
}

/**
 * mpmc_delivery_kick() - the owner of a mapped ring has committed items and saw
 * that somebody waits
 * @consumer: the token
 * @kick: what the caller asks for
 *
 * Context: process; does not sleep.
 * Return: 0 or an error of struct mpmc_token_kick's.
 */
long mpmc_delivery_kick(struct mpmc_consumer *consumer,
			const struct mpmc_token_kick *kick)
{
	int ret;

	if (kick->flags || kick->pad || !kick->count)
		return -EINVAL;
	trace_consumer_kick(consumer->queue, consumer, kick->count);
	/* Whoever else is inside: others wait for that room. */
	mpmc_lease_kick(consumer);
	ret = delivery_enter(consumer);
	if (!ret)
		mpmc_consumer_leave(consumer);
	return ret;
}
