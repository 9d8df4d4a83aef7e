// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Runs a load: one thread that sends and receives in turn, or producers and
 * consumers, threads or processes, each with its share of the items
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <signal.h>
#include <unistd.h>

#include "bench.h"
#include "common.h"

#define MAX_SIDES 128

/* A producer or a consumer. */
struct side {
	struct run *run;
	bool sends;
	uint64_t items; /* its share */
	uint64_t sum; /* of the items that it moved */
	uint64_t began, ended;
	pid_t pid;
	pthread_t thread;
};

/* What all sides see. */
struct run {
	const struct load *load;
	struct channel channel;
	pthread_barrier_t start;
	unsigned int count;
	struct side sides[MAX_SIDES];
};

/* --- Moving items --- */

static uint64_t send_singles(struct end *end, const struct peer *peer,
			     uint64_t count)
{
	uint64_t i;

	for (i = 0; i < count; i++)
		check(peer->send(end, i), "sending");
	return count * (count - 1) / 2;
}

static uint64_t send_bulks(struct end *end, const struct load *load,
			   uint64_t count)
{
	uint64_t items[BULK], sum = 0, i;
	unsigned int k;

	for (i = 0; i < count; i += load->bulk) {
		for (k = 0; k < load->bulk; k++)
			items[k] = i + k;
		sum += load->bulk * (2 * i + load->bulk - 1) / 2;
		check(load->peer->send_bulk(end, items, load->bulk), "sending");
	}
	return sum;
}

static uint64_t receive_singles(struct end *end, const struct peer *peer,
				uint64_t count)
{
	uint64_t item, sum = 0;

	for (; count; count--) {
		check(peer->receive(end, &item), "receiving");
		sum += item;
	}
	return sum;
}

static uint64_t receive_bulks(struct end *end, const struct load *load,
			      uint64_t count)
{
	uint64_t items[BULK], sum = 0, max;
	int n, k;

	for (; count; count -= n) {
		max = count < load->bulk ? count : load->bulk;
		n = load->peer->receive_bulk(end, items, max);
		check(n, "receiving");
		for (k = 0; k < n; k++)
			sum += items[k];
	}
	return sum;
}

static uint64_t send_share(struct end *end, const struct load *load,
			   uint64_t count)
{
	if (load->bulk == 1)
		return send_singles(end, load->peer, count);
	return send_bulks(end, load, count);
}

static uint64_t receive_share(struct end *end, const struct load *load,
			      uint64_t count)
{
	if (load->bulk == 1)
		return receive_singles(end, load->peer, count);
	return receive_bulks(end, load, count);
}

static void end_open(struct end *end, const struct channel *channel,
		     int (*open)(struct end *end))
{
	memset(end, 0, sizeof(*end));
	end->channel = channel;
	if (open)
		check(open(end), "opening");
}

static void end_close(struct end *end, const struct peer *peer)
{
	if (peer->close_end)
		peer->close_end(end);
}

static void check_sums(uint64_t sent, uint64_t received)
{
	if (sent == received)
		return;
	fprintf(stderr, "performance_benchmark: what came is not what went\n");
	exit(EXIT_FAILURE);
}

/* --- One thread --- */

/* The loop for single items is by itself: it should cost next to nothing. */
static uint64_t turns_single(struct end *sender, struct end *receiver,
			     const struct peer *peer, uint64_t items)
{
	uint64_t i, item, sum = 0, began = now_ns();

	for (i = 0; i < items; i++) {
		check(peer->send(sender, i), "sending");
		check(peer->receive(receiver, &item), "receiving");
		sum += item;
	}
	began = now_ns() - began;
	check_sums(items * (items - 1) / 2, sum);
	return began;
}

static uint64_t turns_bulk(struct end *sender, struct end *receiver,
			   const struct load *load, uint64_t items)
{
	uint64_t i, sent = 0, received = 0, began = now_ns();

	for (i = 0; i < items; i += load->bulk) {
		sent += send_bulks(sender, load, load->bulk);
		received += receive_bulks(receiver, load, load->bulk);
	}
	began = now_ns() - began;
	check_sums(sent, received);
	return began;
}

static uint64_t turns_run(const struct load *load, uint64_t items)
{
	const struct peer *peer = load->peer;
	struct channel channel = { 0 };
	struct end sender, receiver;
	uint64_t ns;

	check(peer->open(&channel), peer->name);
	end_open(&sender, &channel, peer->open_sender);
	end_open(&receiver, &channel, peer->open_receiver);
	if (load->bulk == 1)
		ns = turns_single(&sender, &receiver, peer, items);
	else
		ns = turns_bulk(&sender, &receiver, load, items);
	end_close(&sender, peer);
	end_close(&receiver, peer);
	peer->close(&channel);
	return ns;
}

/* --- Several sides --- */

static void *side_run(void *arg)
{
	struct side *side = arg;
	struct run *run = side->run;
	const struct peer *peer = run->load->peer;
	struct end end;

	end_open(&end, &run->channel,
		 side->sends ? peer->open_sender : peer->open_receiver);
	pthread_barrier_wait(&run->start);
	side->began = now_ns();
	if (side->sends)
		side->sum = send_share(&end, run->load, side->items);
	else
		side->sum = receive_share(&end, run->load, side->items);
	side->ended = now_ns();
	end_close(&end, peer);
	return NULL;
}

static void side_start(struct side *side)
{
	if (side->run->load->threads) {
		errno = pthread_create(&side->thread, NULL, side_run, side);
		if (errno)
			die_errno("pthread_create");
		return;
	}
	side->pid = fork_flushed();
	if (side->pid)
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	side_run(side);
	_exit(0);
}

/* When one of them fails, we end, and with us the others. */
static void sides_join(struct run *run)
{
	unsigned int i;
	int status;

	for (i = 0; i < run->count; i++) {
		if (run->load->threads) {
			pthread_join(run->sides[i].thread, NULL);
			continue;
		}
		if (wait(&status) < 0)
			die_errno("wait");
		if (status)
			exit(EXIT_FAILURE);
	}
}

static void side_add(struct run *run, bool sends, uint64_t items)
{
	struct side *side = &run->sides[run->count++];

	side->run = run;
	side->sends = sends;
	side->items = items;
}

static void sides_add(struct run *run, uint64_t items)
{
	const struct load *load = run->load;
	unsigned int i;

	for (i = 0; i < load->producers; i++)
		side_add(run, true, items / load->producers);
	for (i = 0; i < load->consumers; i++)
		side_add(run, false, items / load->consumers);
}

static struct run *run_create(const struct load *load, uint64_t items)
{
	struct run *run = mmap(NULL, sizeof(*run), PROT_READ | PROT_WRITE,
			       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pthread_barrierattr_t attr;

	if (run == MAP_FAILED)
		die_errno("shared memory");
	run->load = load;
	sides_add(run, items);
	pthread_barrierattr_init(&attr);
	pthread_barrierattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	pthread_barrier_init(&run->start, &attr, run->count);
	check(load->peer->open(&run->channel), load->peer->name);
	return run;
}

/* From the first one's beginning to the last one's end. */
static uint64_t run_time(const struct run *run)
{
	uint64_t began = UINT64_MAX, ended = 0, sums[2] = { 0, 0 };
	const struct side *side;

	for (side = run->sides; side < run->sides + run->count; side++) {
		if (side->began < began)
			began = side->began;
		if (side->ended > ended)
			ended = side->ended;
		sums[side->sends] += side->sum;
	}
	check_sums(sums[true], sums[false]);
	return ended - began;
}

static uint64_t sides_run(const struct load *load, uint64_t items)
{
	struct run *run = run_create(load, items);
	unsigned int i;
	uint64_t ns;

	for (i = 0; i < run->count; i++)
		side_start(&run->sides[i]);
	sides_join(run);
	ns = run_time(run);
	load->peer->close(&run->channel);
	pthread_barrier_destroy(&run->start);
	munmap(run, sizeof(*run));
	return ns;
}

uint64_t load_run(const struct load *load, uint64_t *items)
{
	uint64_t unit = load->bulk;

	if (load->producers)
		unit *= load->producers * load->consumers;
	*items = (*items + unit - 1) / unit * unit;
	if (load->producers)
		return sides_run(load, *items);
	return turns_run(load, *items);
}
