/* SPDX-License-Identifier: GPL-2.0 */
/* The parts of the benchmark: what carries items, what it has to carry. */
#ifndef BENCH_H
#define BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define BULK_MAX 1000
#define ROOM 131072 /* items in a peer that may have any number: 1 MiB */
#define SIDES_MAX 16
#define ROUNDS_MAX 101

/* The item that ends a consumer. */
#define LAST UINT64_MAX

/* What is measured of a peer. */
enum kind {
	KIND_STREAM, /* producers to consumers */
	KIND_DRAIN, /* one thread takes what lies there */
	KIND_LATENCY, /* there and back, who waits sleeps */
	KIND_POLL, /* looking into an empty one */
	KIND_MEMORY, /* what it costs */
	KINDS,
};

#define KIND_BIT(kind) (1u << (kind))
#define KINDS_ALL (KIND_BIT(KINDS) - 1)

/*
 * struct load - what a peer is to carry
 * @kind: what for
 * @producers: how many
 * @consumers: how many
 * @bulk: items at a time; 1: one by one, with the calls for that
 * @work: what producers do between two items: go round so often
 * @longer: a round takes so many times as long as others do; 0: as long
 */
struct load {
	enum kind kind;
	unsigned int producers;
	unsigned int consumers;
	unsigned int bulk;
	unsigned int work;
	unsigned int longer;
};

/*
 * struct side - a producer or a consumer of a run, seen by all
 * @items: producer: how many to send
 * @first: producer: the first one; the others follow
 * @bulk: how many at a time
 * @work: what it does between two of them: go round so often
 * @stamp_every: consumer: so many items apart @ended is brought up to date, as
 *	looking at the clock costs too much to do it for each
 * @count: how many it has moved
 * @sum: of them, modulo 2^64
 * @began: when, in nanoseconds
 * @ended: when
 */
struct side {
	uint64_t items;
	uint64_t first;
	unsigned int bulk;
	unsigned int work;
	uint64_t stamp_every;
	uint64_t count;
	uint64_t sum;
	uint64_t began;
	uint64_t ended;
} __attribute__((aligned(128)));

/*
 * struct peer - a way to carry items
 * @name: for --peers
 * @title: for people
 * @how: how it is used, and how it waits
 * @kinds: KIND_BIT()s of what can be measured of it
 * @threads: it can't cross processes
 * @single: it has nothing like bulk
 * @open: a new channel, for this load
 * @close: the end of it
 * @attach: what one producer, or consumer, has of a channel; called in the
 *	process that is going to use it
 * @detach: the end of that
 * @send: send all that the side has to send
 * @receive: receive, and add up, until LAST comes
 * @put: send one, wait for room
 * @get: receive one, wait for it
 * @try_put: send one, if there is room
 * @try_get: receive one, if there is any
 * @poll: try to receive so many times; how many came
 *
 * Errors end the program. Where a channel is opened for KIND_STREAM, KIND_DRAIN
 * or KIND_LATENCY, calls may block; with the others they don't. Each file says
 * why what it does is the best use of its peer.
 */
struct peer {
	const char *name;
	const char *title;
	const char *how;
	unsigned int kinds;
	bool threads;
	bool single;
	void *(*open)(const struct load *load);
	void (*close)(void *channel);
	void *(*attach)(void *channel, bool sends);
	void (*detach)(void *end);
	void (*send)(void *end, struct side *side);
	void (*receive)(void *end, struct side *side);
	void (*put)(void *end, uint64_t item);
	uint64_t (*get)(void *end);
	bool (*try_put)(void *end, uint64_t item);
	bool (*try_get)(void *end, uint64_t *item);
	uint64_t (*poll)(void *end, uint64_t times);
};

#ifdef __cplusplus
extern "C" {
#define BENCH_PEER extern "C" const struct peer
#else
#define BENCH_PEER const struct peer
#endif

extern const struct peer queue_peer, token_peer, mapped_peer, mapped_wait_peer,
	peek_peer;
extern const struct peer moodycamel_peer, moodycamel_plain_peer,
	moodycamel_sleep_peer;
extern const struct peer ring_futex_peer, ring_eventfd_peer;
extern const struct peer pipe_peer, pipe_direct_peer;
extern const struct peer seqpacket_peer;
extern const struct peer mq_peer;
extern const struct peer boost_peer;
extern const struct peer model_peer, model_none_peer, model_queue_peer;

/* util.c */
__attribute__((noreturn)) void die(const char *why);
__attribute__((noreturn, cold)) void die_error(int ret, const char *doing);
__attribute__((noreturn)) void die_errno(const char *doing);
uint64_t now_ns(void);
void sleep_us(unsigned int us);
void *shared_alloc(size_t size);
void shared_free(void *memory, size_t size);
void *alloc(size_t size);
int fork_flushed(void);
void child_wait(int pid);

/* Ends the program if a call of libmpmc's has failed. */
static inline void check(int ret, const char *doing)
{
	if (__builtin_expect(ret < 0, 0))
		die_error(ret, doing);
}

/*
 * struct outcome - of one round
 * @ns: nanoseconds per item, per round trip or per look
 * @spread: KIND_STREAM: the consumer that got most has got so many times as
 *	many items as the one that got least; KIND_LATENCY: the 99th percentile
 */
struct outcome {
	double ns;
	double spread;
};

/*
 * struct footprint - memory that is charged for one channel, in bytes
 * @idle: just made, with what a producer and a consumer have of it
 * @full: with items in it, as many as fit, or ROOM
 * @after: after they were taken
 * @items: how many that were
 */
struct footprint {
	double idle;
	double full;
	double after;
	double items;
};

/*
 * struct task - a round of a peer under a load
 * @channel: opened for it, and used before; KIND_LATENCY: there, and back
 * @items: how many are to be moved; rounded up by who does it
 */
struct task {
	const struct peer *peer;
	const struct load *load;
	void *channel[2];
	uint64_t items;
};

/* run.c, latency.c, turns.c */
struct outcome stream_round(struct task *task);
struct outcome latency_round(struct task *task);
struct outcome drain_round(struct task *task);
struct outcome poll_round(struct task *task);

/* memory.c */
bool memory_prepare(void);
bool memory_measure(const struct peer *peer, const struct load *load,
		    struct footprint *footprint);

/* stats.c */
double stats_quantile(double *values, unsigned int count, double where);
double stats_median(const double *values, unsigned int count);

/*
 * struct cell - what was measured of one peer under one load
 * @task: its rounds
 * @rounds: how many there were
 * @outcome: of each
 * @footprint: KIND_MEMORY
 * @known: something was measured
 */
struct cell {
	struct task task;
	unsigned int rounds;
	struct outcome outcome[ROUNDS_MAX];
	struct footprint footprint;
	bool known;
};

#define PEERS_MAX 16
#define LOADS_MAX 24

/* A result: of whom, under which load. */
struct place {
	const struct peer *peer;
	struct load load;
};

/*
 * struct target - what was promised
 * @what: in words
 * @mine: of ours
 * @other: what it is compared with
 * @times: how many times as fast it is to be, at least; as a share of the
 *	other's time, at most, if @latency
 * @spread: how many times as many items the consumer may have got that got
 *	most as the one that got least; 0: any
 */
struct target {
	const char *what;
	struct place mine;
	struct place other;
	double times;
	bool latency;
	double spread;
};

/* plan_guest.c, plan_native.c: what is measured, of whom, and is promised */
extern const char plan_title[];
extern const bool plan_quartiles;
extern const struct load loads[];
extern const unsigned int load_count;
extern const struct peer *const peers[];
extern const unsigned int peer_count;
extern const struct target targets[];
extern const unsigned int target_count;

/* loads.c */
const char *load_name(const struct load *load);
const char *load_title(const struct load *load);
bool load_fits(const struct load *load, const struct peer *peer);

/* bench.c */
extern struct cell cells[LOADS_MAX][PEERS_MAX];

/* report.c */
void report_load(FILE *to, unsigned int index);
double cell_ratio(const struct cell *one, const struct cell *other);
double cell_spread(const struct cell *cell);
void cell_times(const struct cell *cell, double *least, double *median,
		double *most);

/* target.c */
void target_print(FILE *to);
void target_json(FILE *to);

/* json.c */
void json_print(FILE *to);

#ifdef __cplusplus
}
#endif

#endif /* BENCH_H */
