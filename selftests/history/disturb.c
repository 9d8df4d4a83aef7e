// SPDX-License-Identifier: GPL-2.0
/*
 * A disturber: stops threads anywhere, so that operations last while others begin
 *
 * On a busy machine emulated CPUs take turns, and operations of a few microseconds
 * seldom meet. So a thread that goes before all others wakes up every so often, and
 * whoever was at work is stopped where he was, if the kernel can be preempted. He
 * then comes after all others, or goes on somewhere else.
 */
#include <stdlib.h>

#include "record.h"

#define NAP_LEAST_NS 10000
#define NAP_MOST_NS 80000

/**
 * struct disturber - a disturber
 * @self: the thread
 * @thread: whom it disturbs
 * @threads: how many
 * @idle: who comes after all others, or none
 * @random: for what it does next
 * @stop: it is to end
 */
static struct disturber {
	pthread_t self;
	const pthread_t *thread;
	unsigned int threads;
	int idle;
	u64 random;
	atomic_bool stop;
} disturber = { .random = 1 };

static u32 draw(u32 n)
{
	disturber.random = hash64(disturber.random);
	return (disturber.random >> 16) % n;
}

static void thread_be(int thread, int policy)
{
	struct sched_param param = {};

	if (thread >= 0)
		must(pthread_setschedparam(disturber.thread[thread], policy,
					   &param) == 0);
}

static void thread_move(int thread, int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	must(pthread_setaffinity_np(disturber.thread[thread], sizeof(set),
				    &set) == 0);
}

static void disturb_once(void)
{
	int thread = draw(disturber.threads);

	if (draw(3)) {
		thread_be(disturber.idle, SCHED_OTHER);
		thread_be(thread, SCHED_IDLE);
		disturber.idle = thread;
	} else {
		thread_move(thread, draw(cpu_count()));
	}
}

static void *disturb(void *arg)
{
	struct sched_param param = { .sched_priority = 1 };
	struct timespec nap = {};

	must(pthread_setschedparam(pthread_self(), SCHED_FIFO, &param) == 0);
	while (!atomic_load(&disturber.stop)) {
		nap.tv_nsec = NAP_LEAST_NS + draw(NAP_MOST_NS - NAP_LEAST_NS);
		nanosleep(&nap, NULL);
		disturb_once();
	}
	thread_be(disturber.idle, SCHED_OTHER);
	return arg;
}

/**
 * disturb_start() - begin to disturb
 * @thread: whom
 * @threads: how many they are
 */
void disturb_start(const pthread_t *thread, unsigned int threads)
{
	disturber.thread = thread;
	disturber.threads = threads;
	disturber.idle = -1;
	atomic_store(&disturber.stop, false);
	disturber.self = thread_start(disturb, NULL);
}

/**
 * disturb_stop() - leave them alone
 */
void disturb_stop(void)
{
	atomic_store(&disturber.stop, true);
	thread_join(disturber.self);
}
