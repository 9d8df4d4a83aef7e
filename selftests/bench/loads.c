// SPDX-License-Identifier: GPL-2.0
/*
 * What is measured, and of whom
 */
#include "bench.h"

#define STREAMS(bulk) \
	{ KIND_STREAM, 1, 1, bulk }, \
	{ KIND_STREAM, 2, 2, bulk }, \
	{ KIND_STREAM, 4, 4, bulk }, \
	{ KIND_STREAM, 1, 4, bulk }, \
	{ KIND_STREAM, 4, 1, bulk }

const struct load loads[] = {
	STREAMS(1),
	STREAMS(64),
	STREAMS(BULK_MAX),
	{ KIND_DRAIN, 1, 1, 1 },
	{ KIND_DRAIN, 1, 1, 64 },
	{ KIND_LATENCY, 1, 1, 1 },
	{ KIND_POLL, 1, 1, 1 },
	{ KIND_MEMORY, 1, 1, 1 },
};

const unsigned int load_count = sizeof(loads) / sizeof(loads[0]);

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

const unsigned int peer_count = sizeof(peers) / sizeof(peers[0]);

_Static_assert(sizeof(peers) / sizeof(peers[0]) <= PEERS_MAX, "too many");
_Static_assert(sizeof(loads) / sizeof(loads[0]) <= LOADS_MAX, "too many");

/* For --only. */
const char *load_name(const struct load *load)
{
	static const char *const names[KINDS] = {
		[KIND_DRAIN] = "drain",
		[KIND_LATENCY] = "latency",
		[KIND_POLL] = "poll",
		[KIND_MEMORY] = "memory",
	};
	static char name[32];

	if (load->kind == KIND_STREAM)
		snprintf(name, sizeof(name), "%uP%uC-%u", load->producers,
			 load->consumers, load->bulk);
	else if (load->kind == KIND_DRAIN)
		snprintf(name, sizeof(name), "%s-%u", names[load->kind],
			 load->bulk);
	else
		return names[load->kind];
	return name;
}

const char *load_title(const struct load *load)
{
	static char title[80], bulk[32];

	snprintf(bulk, sizeof(bulk), "%u item%s at a time", load->bulk,
		 load->bulk == 1 ? "" : "s");
	switch (load->kind) {
	case KIND_STREAM:
		snprintf(title, sizeof(title), "%u producer%s, %u consumer%s, %s",
			 load->producers, load->producers == 1 ? "" : "s",
			 load->consumers, load->consumers == 1 ? "" : "s",
			 bulk);
		return title;
	case KIND_DRAIN:
		snprintf(title, sizeof(title), "Taking what lies there, %s", bulk);
		return title;
	case KIND_LATENCY:
		return "There and back, who waits sleeps";
	case KIND_POLL:
		return "Looking into an empty one";
	default:
		return "Memory of one";
	}
}

bool load_fits(const struct load *load, const struct peer *peer)
{
	if (!(peer->kinds & KIND_BIT(load->kind)))
		return false;
	return load->bulk == 1 || !peer->single;
}
