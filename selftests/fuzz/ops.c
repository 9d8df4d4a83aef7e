// SPDX-License-Identifier: GPL-2.0
/*
 * All that a step can be, and how often it is
 */
#include "fuzz.h"

/* In no other order: programs that were printed say which by number. */
const struct op_kind op_kinds[] = {
	{ "device_open", 1, op_device_open },
	{ "device_info", 1, op_device_info },
	{ "queue_create", 3, op_queue_create },
	{ "producer_create", 5, op_producer_create },
	{ "consumer_create", 5, op_consumer_create },
	{ "queue_info", 3, op_queue_info },
	{ "token_info", 3, op_token_info },
	{ "shutdown", 1, op_shutdown },
	{ "enqueue", 20, op_enqueue },
	{ "dequeue", 16, op_dequeue },
	{ "kick", 6, op_kick },
	{ "fill", 10, op_fill },
	{ "commit", 6, op_commit },
	{ "release", 6, op_release },
	{ "raw", 4, op_raw },
	{ "mmap", 8, op_mmap },
	{ "munmap", 4, op_munmap },
	{ "protect", 2, op_protect },
	{ "remap", 2, op_remap },
	{ "scribble", 10, op_scribble },
	{ "honest", 14, op_honest },
	{ "dup", 4, op_dup },
	{ "close", 8, op_close },
	{ "fcntl", 2, op_fcntl },
	{ "poll", 4, op_poll },
	{ "select", 2, op_select },
	{ "epoll", 3, op_epoll },
	{ "uring", 1, op_uring },
	{ "pass", 2, op_pass },
	{ "fdinfo", 1, op_fdinfo },
	{ "read", 2, op_read },
	{ "fork", 1, op_fork },
	{ "signal", 3, op_signal },
	{ "pause", 2, op_pause },
	{ "ring_create", 1, op_ring_create },
	{ "ring_submit", 2, op_ring_submit },
	{ "ring_reap", 1, op_ring_reap },
	{ "ring_cancel", 1, op_ring_cancel },
	{ "ring_update", 1, op_ring_update },
	{ "ring_close", 1, op_ring_close },
	{ "queue_open", 3, op_queue_open },
	{ "queue_unlink", 1, op_queue_unlink },
	{ "queue_list", 1, op_queue_list },
	{ "queue_stats", 1, op_queue_stats },
};

const unsigned int op_kinds_count = sizeof(op_kinds) / sizeof(op_kinds[0]);

u8 op_find(const char *name)
{
	unsigned int i;

	for (i = 0; i < op_kinds_count; i++)
		if (!strcmp(op_kinds[i].name, name))
			return i;
	must(!"there is such a step");
	return 0;
}

/* A call of the system was made. */
void op_count(struct lane *lane)
{
	atomic_fetch_add_explicit(&lane->status->calls, 1,
				  memory_order_relaxed);
}

void op_run(struct lane *lane, unsigned int index)
{
	const struct op *op = &lane->program->op[index];

	/* Never 0, and another one for each step. */
	lane->random = hash64(op->value) | 1;
	op_kinds[op->kind].run(lane, op);
}
