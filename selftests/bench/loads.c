// SPDX-License-Identifier: GPL-2.0
/*
 * Names of loads, and who can carry them
 */
#include "bench.h"

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
		snprintf(name, sizeof(name), "%uP%uC-%u%s%s", load->producers,
			 load->consumers, load->bulk,
			 load->work ? "-slow" : "",
			 load->longer ? "-long" : "");
	else if (load->kind == KIND_DRAIN)
		snprintf(name, sizeof(name), "%s-%u", names[load->kind],
			 load->bulk);
	else
		return names[load->kind];
	return name;
}

const char *load_title(const struct load *load)
{
	static char title[96], bulk[64];

	snprintf(bulk, sizeof(bulk), "%u item%s at a time%s%s", load->bulk,
		 load->bulk == 1 ? "" : "s",
		 load->work ? ", slower than the consumer" : "",
		 load->longer ? ", for long" : "");
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
		return "There and back, in calls that wait";
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
