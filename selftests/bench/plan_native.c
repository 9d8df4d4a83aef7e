// SPDX-License-Identifier: GPL-2.0
/*
 * What is measured natively, with a model of the kernel path
 */
#include "bench.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define SINGLE { KIND_STREAM, 1, 1, 1, 0, 0 }
#define BULK { KIND_STREAM, 1, 1, BULK_MAX, 0, 0 }

const char plan_title[] =
	"A MODEL of the kernel path, natively: the module's own ring, segment and\n"
	"credits, built for userspace; each entry of the kernel is a null ioctl. Threads";
const bool plan_quartiles = true;

const struct load loads[] = {
	SINGLE,
	{ KIND_STREAM, 1, 1, 1, 20, 0 },
	{ KIND_STREAM, 1, 1, 64, 0, 0 },
	BULK,
};

const unsigned int load_count = COUNT(loads);

const struct peer *const peers[] = {
	&model_peer,
	&model_none_peer,
	&model_queue_peer,
	&moodycamel_peer,
	&ring_futex_peer,
	&pipe_peer,
};

const unsigned int peer_count = COUNT(peers);

const struct target targets[] = {
	{ "mapped token, single, modelled: times moodycamel with tokens",
	  { &model_peer, SINGLE }, { &moodycamel_peer, SINGLE }, 2, false, 0 },
	{ "mapped token, bulk 1000, modelled: times moodycamel with tokens",
	  { &model_peer, BULK }, { &moodycamel_peer, BULK }, 2, false, 0 },
};

const unsigned int target_count = COUNT(targets);
