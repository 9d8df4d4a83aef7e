/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Where threads of any process sleep until somebody lets one of them in
 *
 * Who wants to sleep says so, looks once more, and then needs a ticket. Who
 * has something for him makes a barrier, and if anybody waits takes one off
 * their number and issues a ticket. So each sleeper is woken by one system
 * call, however long he takes to get up.
 */
#ifndef BENCH_GATE_H
#define BENCH_GATE_H

#include <errno.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bench.h"

/*
 * struct gate - in shared memory
 * @waiters: who have not been issued a ticket yet
 * @tickets: with futexes: issued, and not used yet
 * @fd: with an eventfd: it has the tickets; else -1
 */
struct gate {
	int waiters;
	int tickets;
	int fd;
} __attribute__((aligned(128)));

static inline bool gate_uses_ticket(struct gate *gate)
{
	int tickets = __atomic_load_n(&gate->tickets, __ATOMIC_RELAXED);

	while (tickets > 0)
		if (__atomic_compare_exchange_n(&gate->tickets, &tickets,
						tickets - 1, true,
						__ATOMIC_ACQUIRE,
						__ATOMIC_RELAXED))
			return true;
	return false;
}

static inline void gate_sleep(struct gate *gate)
{
	uint64_t one;

	if (gate->fd >= 0) {
		if (read(gate->fd, &one, sizeof(one)) != sizeof(one))
			die_errno("reading an eventfd");
		return;
	}
	while (!gate_uses_ticket(gate))
		syscall(SYS_futex, &gate->tickets, FUTEX_WAIT, 0, NULL, NULL,
			0);
}

static inline void gate_issue_ticket(struct gate *gate)
{
	uint64_t one = 1;

	if (gate->fd >= 0) {
		if (write(gate->fd, &one, sizeof(one)) != sizeof(one))
			die_errno("writing an eventfd");
		return;
	}
	__atomic_fetch_add(&gate->tickets, 1, __ATOMIC_RELEASE);
	syscall(SYS_futex, &gate->tickets, FUTEX_WAKE, 1, NULL, NULL, 0);
}

/* One waiter less; false when there is none. */
static inline bool gate_leave(struct gate *gate)
{
	int waiters = __atomic_load_n(&gate->waiters, __ATOMIC_RELAXED);

	while (waiters > 0)
		if (__atomic_compare_exchange_n(&gate->waiters, &waiters,
						waiters - 1, true,
						__ATOMIC_SEQ_CST,
						__ATOMIC_RELAXED))
			return true;
	return false;
}

/* The barrier pairs with the one in gate_wake(). Look once more after it. */
static inline void gate_enter(struct gate *gate)
{
	__atomic_fetch_add(&gate->waiters, 1, __ATOMIC_SEQ_CST);
}

/* Not needed after all; a ticket that was issued meanwhile must be used. */
static inline void gate_cancel(struct gate *gate)
{
	if (!gate_leave(gate))
		gate_sleep(gate);
}

static inline bool gate_waited_for(const struct gate *gate)
{
	return __atomic_load_n(&gate->waiters, __ATOMIC_RELAXED) > 0;
}

/* What the waiters wait for has been done; the barrier is gate_enter()'s. */
static inline void gate_wake(struct gate *gate)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (gate_waited_for(gate) && gate_leave(gate))
		gate_issue_ticket(gate);
}

#endif /* BENCH_GATE_H */
