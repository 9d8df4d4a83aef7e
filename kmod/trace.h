/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tracepoints: what happens to queues, for those who look on
 *
 * They name a queue by its id, and a token by its queue and its own, as fdinfo
 * does; -1 is no token. They show no item and no pointer. What takes a look at
 * anything is done here, which is not before somebody has turned an event on.
 * Documentation/mpmc.rst has what each event means.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM mpmc

#if !defined(MPMC_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define MPMC_TRACE_H

#include <linux/ktime.h>
#include <linux/sched.h>
#include <linux/tracepoint.h>

#include "consumer.h"
#include "producer.h"
#include "queue.h"

/* --- Queues --- */

TRACE_EVENT(queue_create,
	    TP_PROTO(struct mpmc_queue *queue),
	    TP_ARGS(queue),
	    TP_STRUCT__entry(__field(u64, queue)
			     __field(u64, capacity)
			     __field(u32, segments)
			     __field(u32, max_deliveries)),
	    TP_fast_assign(__entry->queue = queue->id;
			   __entry->capacity = queue->capacity.total;
			   __entry->segments = queue->segments;
			   __entry->max_deliveries = queue->max_deliveries;),
	    TP_printk("queue=%llu capacity=%llu segments=%u max_deliveries=%u",
		      __entry->queue, __entry->capacity, __entry->segments,
		      __entry->max_deliveries));

DECLARE_EVENT_CLASS(mpmc_queue,
		    TP_PROTO(struct mpmc_queue *queue),
		    TP_ARGS(queue),
		    TP_STRUCT__entry(__field(u64, queue)
				     __field(u64, used)),
		    TP_fast_assign(__entry->queue = queue->id;
				   __entry->used =
					mpmc_capacity_used(&queue->capacity);),
		    TP_printk("queue=%llu used=%llu", __entry->queue,
			      __entry->used));

DEFINE_EVENT(mpmc_queue, queue_shutdown,
	     TP_PROTO(struct mpmc_queue *queue),
	     TP_ARGS(queue));

DEFINE_EVENT(mpmc_queue, queue_free,
	     TP_PROTO(struct mpmc_queue *queue),
	     TP_ARGS(queue));

TRACE_EVENT(full,
	    TP_PROTO(struct mpmc_queue *queue, u32 count),
	    TP_ARGS(queue, count),
	    TP_STRUCT__entry(__field(u64, queue)
			     __field(u64, used)
			     __field(u64, capacity)
			     __field(u32, count)),
	    TP_fast_assign(__entry->queue = queue->id;
			   __entry->used = mpmc_capacity_used(&queue->capacity);
			   __entry->capacity = queue->capacity.total;
			   __entry->count = count;),
	    TP_printk("queue=%llu count=%u used=%llu capacity=%llu",
		      __entry->queue, __entry->count, __entry->used,
		      __entry->capacity));

TRACE_EVENT(dead,
	    TP_PROTO(struct mpmc_queue *queue, struct mpmc_queue *letters,
		     u32 deliveries),
	    TP_ARGS(queue, letters, deliveries),
	    TP_STRUCT__entry(__field(u64, queue)
			     __field(u64, letters)
			     __field(u32, deliveries)),
	    TP_fast_assign(__entry->queue = queue->id;
			   __entry->letters = letters ? letters->id : 0;
			   __entry->deliveries = deliveries;),
	    TP_printk("queue=%llu letters=%llu deliveries=%u", __entry->queue,
		      __entry->letters, __entry->deliveries));

/* --- Items --- */

DECLARE_EVENT_CLASS(mpmc_producer,
		    TP_PROTO(struct mpmc_queue *queue,
			     struct mpmc_producer *producer, u32 count),
		    TP_ARGS(queue, producer, count),
		    TP_STRUCT__entry(__field(u64, queue)
				     __field(s32, token)
				     __field(u32, count)
				     __field(u64, used)),
		    TP_fast_assign(__entry->queue = queue->id;
				   __entry->token =
					producer ? (s32)producer->id : -1;
				   __entry->count = count;
				   __entry->used =
					mpmc_capacity_used(&queue->capacity);),
		    TP_printk("queue=%llu token=%d count=%u used=%llu",
			      __entry->queue, __entry->token, __entry->count,
			      __entry->used));

DEFINE_EVENT(mpmc_producer, enqueue,
	     TP_PROTO(struct mpmc_queue *queue, struct mpmc_producer *producer,
		      u32 count),
	     TP_ARGS(queue, producer, count));

DEFINE_EVENT(mpmc_producer, grant,
	     TP_PROTO(struct mpmc_queue *queue, struct mpmc_producer *producer,
		      u32 count),
	     TP_ARGS(queue, producer, count));

DEFINE_EVENT(mpmc_producer, producer_kick,
	     TP_PROTO(struct mpmc_queue *queue, struct mpmc_producer *producer,
		      u32 count),
	     TP_ARGS(queue, producer, count));

DECLARE_EVENT_CLASS(mpmc_consumer,
		    TP_PROTO(struct mpmc_queue *queue,
			     struct mpmc_consumer *consumer, u32 count),
		    TP_ARGS(queue, consumer, count),
		    TP_STRUCT__entry(__field(u64, queue)
				     __field(s32, token)
				     __field(u32, count)
				     __field(u64, used)),
		    TP_fast_assign(__entry->queue = queue->id;
				   __entry->token =
					consumer ? (s32)consumer->id : -1;
				   __entry->count = count;
				   __entry->used =
					mpmc_capacity_used(&queue->capacity);),
		    TP_printk("queue=%llu token=%d count=%u used=%llu",
			      __entry->queue, __entry->token, __entry->count,
			      __entry->used));

DEFINE_EVENT(mpmc_consumer, dequeue,
	     TP_PROTO(struct mpmc_queue *queue, struct mpmc_consumer *consumer,
		      u32 count),
	     TP_ARGS(queue, consumer, count));

DEFINE_EVENT_CONDITION(mpmc_consumer, refill,
		       TP_PROTO(struct mpmc_queue *queue,
				struct mpmc_consumer *consumer, u32 count),
		       TP_ARGS(queue, consumer, count),
		       TP_CONDITION(count));

DEFINE_EVENT_CONDITION(mpmc_consumer, commit,
		       TP_PROTO(struct mpmc_queue *queue,
				struct mpmc_consumer *consumer, u32 count),
		       TP_ARGS(queue, consumer, count),
		       TP_CONDITION(count));

DEFINE_EVENT_CONDITION(mpmc_consumer, redeliver,
		       TP_PROTO(struct mpmc_queue *queue,
				struct mpmc_consumer *consumer, u32 count),
		       TP_ARGS(queue, consumer, count),
		       TP_CONDITION(count));

DEFINE_EVENT(mpmc_consumer, consumer_kick,
	     TP_PROTO(struct mpmc_queue *queue, struct mpmc_consumer *consumer,
		      u32 count),
	     TP_ARGS(queue, consumer, count));

/* --- Tokens --- */

DECLARE_EVENT_CLASS(mpmc_token_create,
		    TP_PROTO(struct mpmc_queue *queue, u32 token, u32 entries),
		    TP_ARGS(queue, token, entries),
		    TP_STRUCT__entry(__field(u64, queue)
				     __field(s32, token)
				     __field(u32, entries)),
		    TP_fast_assign(__entry->queue = queue->id;
				   __entry->token = token;
				   __entry->entries = entries;),
		    TP_printk("queue=%llu token=%d entries=%u", __entry->queue,
			      __entry->token, __entry->entries));

DEFINE_EVENT(mpmc_token_create, producer_create,
	     TP_PROTO(struct mpmc_queue *queue, u32 token, u32 entries),
	     TP_ARGS(queue, token, entries));

DEFINE_EVENT(mpmc_token_create, consumer_create,
	     TP_PROTO(struct mpmc_queue *queue, u32 token, u32 entries),
	     TP_ARGS(queue, token, entries));

DECLARE_EVENT_CLASS(mpmc_token_end,
		    TP_PROTO(struct mpmc_queue *queue, u32 token, u64 items),
		    TP_ARGS(queue, token, items),
		    TP_STRUCT__entry(__field(u64, queue)
				     __field(s32, token)
				     __field(u64, items)),
		    TP_fast_assign(__entry->queue = queue->id;
				   __entry->token = token;
				   __entry->items = items;),
		    TP_printk("queue=%llu token=%d items=%llu", __entry->queue,
			      __entry->token, __entry->items));

DEFINE_EVENT(mpmc_token_end, producer_close,
	     TP_PROTO(struct mpmc_queue *queue, u32 token, u64 items),
	     TP_ARGS(queue, token, items));

DEFINE_EVENT(mpmc_token_end, producer_free,
	     TP_PROTO(struct mpmc_queue *queue, u32 token, u64 items),
	     TP_ARGS(queue, token, items));

DEFINE_EVENT(mpmc_token_end, consumer_close,
	     TP_PROTO(struct mpmc_queue *queue, u32 token, u64 items),
	     TP_ARGS(queue, token, items));

/* --- Threads --- */

TRACE_EVENT(wait,
	    TP_PROTO(struct mpmc_queue *queue, u64 room, u64 deadline),
	    TP_ARGS(queue, room, deadline),
	    TP_STRUCT__entry(__field(u64, queue)
			     __field(u64, room)
			     __field(s64, timeout)),
	    TP_fast_assign(__entry->queue = queue->id;
			   __entry->room = room;
			   __entry->timeout =
				deadline > KTIME_MAX ? -1 :
				max_t(s64, deadline - ktime_get_ns(), 0);),
	    TP_printk("queue=%llu for=%s room=%llu timeout=%lld",
		      __entry->queue, __entry->room ? "room" : "items",
		      __entry->room, __entry->timeout));

TRACE_EVENT(wake,
	    TP_PROTO(struct mpmc_queue *queue, u64 room,
		     struct task_struct *task),
	    TP_ARGS(queue, room, task),
	    TP_STRUCT__entry(__field(u64, queue)
			     __field(u64, room)
			     __field(pid_t, pid)),
	    TP_fast_assign(__entry->queue = queue->id;
			   __entry->room = room;
			   __entry->pid = task->pid;),
	    TP_printk("queue=%llu for=%s room=%llu pid=%d", __entry->queue,
		      __entry->room ? "room" : "items", __entry->room,
		      __entry->pid));

TRACE_EVENT(wait_end,
	    TP_PROTO(struct mpmc_queue *queue, u64 room, int ret, u64 waited),
	    TP_ARGS(queue, room, ret, waited),
	    TP_STRUCT__entry(__field(u64, queue)
			     __field(u64, room)
			     __field(u64, waited)
			     __field(int, ret)),
	    TP_fast_assign(__entry->queue = queue->id;
			   __entry->room = room;
			   __entry->waited = waited;
			   __entry->ret = ret;),
	    TP_printk("queue=%llu for=%s room=%llu ret=%d waited=%llu",
		      __entry->queue, __entry->room ? "room" : "items",
		      __entry->room, __entry->ret, __entry->waited));

#endif /* MPMC_TRACE_H */

/* By the root of the module's source, which is among the include paths. */
#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH kmod
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
