// SPDX-License-Identifier: GPL-2.0
/*
 * What is measured in a guest, with the module
 */
#include "bench.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define SINGLE { KIND_STREAM, 1, 1, 1, 0, 0 }
#define BULK { KIND_STREAM, 1, 1, BULK_MAX, 0, 0 }
#define DRAIN { KIND_DRAIN, 1, 1, 1, 0, 0 }
/*
 * For seconds: in a tenth of one, on a CPU or two, who is served how often says
 * how many turns on a CPU each had.
 */
#define FAIR { KIND_STREAM, 4, 4, 1, 0, 25 }
#define LATENCY { KIND_LATENCY, 1, 1, 1, 0, 0 }

#define STREAMS(bulk) \
	{ KIND_STREAM, 1, 1, bulk, 0, 0 }, \
	{ KIND_STREAM, 2, 2, bulk, 0, 0 }, \
	{ KIND_STREAM, 4, 4, bulk, 0, 0 }, \
	{ KIND_STREAM, 1, 4, bulk, 0, 0 }, \
	{ KIND_STREAM, 4, 1, bulk, 0, 0 }

const char plan_title[] = "/dev/mpmc and its peers";
const bool plan_quartiles;

const struct load loads[] = {
	STREAMS(1),
	STREAMS(64),
	STREAMS(BULK_MAX),
	FAIR,
	DRAIN,
	{ KIND_DRAIN, 1, 1, 64, 0, 0 },
	LATENCY,
	{ KIND_POLL, 1, 1, 1, 0, 0 },
	{ KIND_MEMORY, 1, 1, 1, 0, 0 },
};

const unsigned int load_count = COUNT(loads);

const struct peer *const peers[] = {
	&mapped_peer,
	&mapped_wait_peer,
	&peek_peer,
	&token_peer,
	&queue_peer,
	&moodycamel_peer,
	&moodycamel_plain_peer,
	&moodycamel_sleep_peer,
	&ring_futex_peer,
	&ring_eventfd_peer,
	&pipe_peer,
	&pipe_direct_peer,
	&seqpacket_peer,
	&mq_peer,
	&boost_peer,
};

const unsigned int peer_count = COUNT(peers);

_Static_assert(COUNT(peers) <= PEERS_MAX, "too many");
_Static_assert(COUNT(loads) <= LOADS_MAX, "too many");

const struct target targets[] = {
	{ "mapped token, single, processes: times moodycamel with tokens, threads",
	  { &mapped_peer, SINGLE }, { &moodycamel_peer, SINGLE }, 5, false, 0 },
	{ "mapped token, bulk 1000, processes: times moodycamel with tokens, threads",
	  { &mapped_peer, BULK }, { &moodycamel_peer, BULK }, 2, false, 0 },
	{ "peek + commit: times a dequeue from the same ring",
	  { &peek_peer, DRAIN }, { &mapped_peer, DRAIN }, 0.95, false, 0 },
	{ "mapped token, 4 producers and 4 consumers: times 1 and 1",
	  { &mapped_peer, FAIR }, { &mapped_peer, SINGLE },
	  0.9, false, 1.5 },
	{ "there and back between mapped tokens, blocking: of a pipe's time",
	  { &mapped_wait_peer, LATENCY }, { &pipe_peer, LATENCY }, 0.9, true,
	  0 },
};

const unsigned int target_count = COUNT(targets);
