// SPDX-License-Identifier: GPL-2.0
/*
 * Consumer tokens
 *
 * What a token has been handed is its lease, see lease.c. Others look at tokens
 * of their queue inside RCU read-side sections.
 */
#include "consumer.h"

#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "free.h"
#include "trace.h"

static void consumer_free(struct mpmc_consumer *consumer)
{
	mpmc_pages_free(&consumer->pages);
	kfree(consumer);
}

static void consumer_free_work(struct work_struct *work)
{
	consumer_free(container_of(to_rcu_work(work), struct mpmc_consumer,
				   free_work));
}

static int consumer_init(struct mpmc_consumer *consumer, unsigned int entries)
{
	struct mpmc_pages *pages = &consumer->pages;
	size_t size = sizeof(*consumer->items) + sizeof(*consumer->deliveries);

	INIT_RCU_WORK(&consumer->free_work, consumer_free_work);
	if (mpmc_pages_init(pages, entries * size))
		return -ENOMEM;
	atomic_set(&consumer->users, 1);
	consumer->entries = entries;
	consumer->page = mpmc_pages_at(pages, MPMC_PAGE_KERNEL);
	consumer->head = mpmc_pages_at(pages, MPMC_PAGE_OWNER);
	consumer->items = mpmc_pages_at(pages, MPMC_PAGE_DATA);
	consumer->deliveries = (u32 *)(consumer->items + entries);
	return 0;
}

/**
 * mpmc_consumer_create() - make a consumer token
 * @queue: the queue
 * @entries: size of its ring, a power of two
 *
 * Context: process; may sleep.
 * Return: the token, or an ERR_PTR: -ENOMEM, -ENOSPC with too many tokens.
 */
struct mpmc_consumer *mpmc_consumer_create(struct mpmc_queue *queue,
					   unsigned int entries)
{
	struct mpmc_consumer *consumer;
	int ret;

	consumer = kzalloc(sizeof(*consumer), GFP_KERNEL_ACCOUNT);
	if (!consumer)
		return ERR_PTR(-ENOMEM);
	consumer->queue = queue;
	consumer->cursor = *mpmc_queue_cursor(queue);
	ret = consumer_init(consumer, entries);
	if (!ret)
		ret = xa_alloc(&queue->consumers, &consumer->id, consumer,
			       XA_LIMIT(0, MPMC_MAX_TOKENS - 1),
			       GFP_KERNEL_ACCOUNT);
	if (ret) {
		consumer_free(consumer);
		return ERR_PTR(ret == -EBUSY ? -ENOSPC : ret);
	}
	consumer->memcg = get_mem_cgroup_from_mm(current->mm);
	atomic_inc(&queue->consumer_count);
	trace_consumer_create(queue, consumer->id, entries);
	return consumer;
}

/**
 * mpmc_consumer_put() - a user of a token has gone
 * @consumer: the token, which others can't find any more: its owner, or a piece
 *	of the ring that items came back in
 *
 * Context: any.
 */
void mpmc_consumer_put(struct mpmc_consumer *consumer)
{
	/* Fully ordered: the last one comes after all that others have done. */
	if (atomic_dec_and_test(&consumer->users))
		mpmc_free_later(&consumer->free_work);
}

/*
 * Give back what is leased. That takes memory, and whose it is to be can't be told by
 * who is here: a process that ends has none any more, and a thread of the kernel's,
 * which may be the last to have the file, never had.
 */
static void consumer_end(struct mpmc_consumer *consumer)
{
	struct mem_cgroup *memcg = set_active_memcg(consumer->memcg);

	mpmc_lease_end(consumer);
	set_active_memcg(memcg);
	mem_cgroup_put(consumer->memcg);
}

/**
 * mpmc_consumer_close() - the owner has gone
 * @consumer: the token; not to be used any more
 *
 * What he has not finished with goes back to the front of the queue, in the ring
 * itself if there is no memory for copies: then it is there for as long as items.
 *
 * Context: process; may sleep.
 */
void mpmc_consumer_close(struct mpmc_consumer *consumer)
{
	struct mpmc_queue *queue = consumer->queue;

	if (trace_consumer_close_enabled())
		trace_consumer_close(queue, consumer->id,
				     mpmc_lease_count(consumer));
	consumer_end(consumer);
	mpmc_queue_leave_begin(queue);
	if (test_bit(MPMC_CONSUMER_MAPPED, &consumer->state))
		atomic_dec(&queue->mapped_consumers);
	xa_erase(&queue->consumers, consumer->id);
	mpmc_queue_leave_end(queue);
	/* Pairs with mpmc_queue_inspect(): who sees none finds what they gave back. */
	smp_mb__before_atomic();
	atomic_dec(&queue->consumer_count);
	mpmc_consumer_put(consumer);
}

/**
 * mpmc_consumer_map() - the ring is going to be mapped by its owner
 * @consumer: the token
 *
 * From now on there may be room without anybody saying so: it is looked at
 * before a queue is called full.
 *
 * Context: process; may sleep.
 * Return: 0; -EBUSY if it is mapped.
 */
int mpmc_consumer_map(struct mpmc_consumer *consumer)
{
	struct mpmc_queue *queue = consumer->queue;

	if (atomic_cmpxchg(&consumer->maps, 0, 1))
		return -EBUSY;
	if (!test_and_set_bit(MPMC_CONSUMER_MAPPED, &consumer->state)) {
		xa_set_mark(&queue->consumers, consumer->id,
			    MPMC_MARK_MAPPED);
		/* Fully ordered: before anything is committed that way. */
		atomic_inc_return(&queue->mapped_consumers);
	}
	return 0;
}

/**
 * mpmc_consumer_unmap() - the ring is not mapped any more
 * @consumer: the token, which may still be used through calls
 *
 * Its owner may have committed items and not said so.
 *
 * Context: any.
 */
void mpmc_consumer_unmap(struct mpmc_consumer *consumer)
{
	mpmc_lease_kick(consumer);
}

/**
 * mpmc_consumers_leased() - items that consumer tokens have not finished with
 * @queue: the queue
 *
 * Context: any; takes the RCU read lock.
 * Return: their number, approximate while others are at work.
 */
u64 mpmc_consumers_leased(struct mpmc_queue *queue)
{
	struct mpmc_consumer *consumer;
	unsigned long id;
	u64 leased = 0;

	rcu_read_lock();
	xa_for_each(&queue->consumers, id, consumer)
		leased += mpmc_lease_count(consumer);
	rcu_read_unlock();
	return leased;
}

/**
 * mpmc_consumers_stamp() - changes whenever an item is committed by way of a
 * mapping
 * @queue: the queue
 *
 * Or when a token goes: of two stamps the first one has mpmc_queue_left() before,
 * the second one mpmc_queue_leaving() after it.
 *
 * Context: any; takes the RCU read lock.
 * Return: the stamp.
 */
u64 mpmc_consumers_stamp(struct mpmc_queue *queue)
{
	struct mpmc_consumer *consumer;
	unsigned long id;
	u64 stamp = 0;

	if (!atomic_read(&queue->mapped_consumers))
		return stamp;
	rcu_read_lock();
	xa_for_each_marked(&queue->consumers, id, consumer, MPMC_MARK_MAPPED)
		stamp += mpmc_lease_stamp(consumer);
	rcu_read_unlock();
	return stamp;
}

/**
 * mpmc_consumers_harvest() - return the credits of what was committed by way
 * of mappings
 * @queue: the queue
 *
 * The caller wakes those who wait for room.
 *
 * Context: any; takes the RCU read lock.
 * Return: how many credits that were.
 */
u64 mpmc_consumers_harvest(struct mpmc_queue *queue)
{
	struct mpmc_consumer *consumer;
	unsigned long id;
	u64 count = 0;

	if (!atomic_read(&queue->mapped_consumers))
		return 0;
	rcu_read_lock();
	xa_for_each_marked(&queue->consumers, id, consumer, MPMC_MARK_MAPPED)
		count += mpmc_lease_harvest(consumer);
	rcu_read_unlock();
	return count;
}
