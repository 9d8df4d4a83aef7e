// SPDX-License-Identifier: GPL-2.0
/*
 * What others do under the same torture
 *
 * All have room for as many items, and move one at a time.
 */
#include "peers.h"

#include "crew.h"

#define PATIENCE_NS (3 * NSEC_PER_SEC)

static const struct setup setup = {
	.name = "one by one", .capacity = 1024, .bulk = 1,
	.producers = 3, .consumers = 3,
	.produce = PACE_BUSY, .consume = PACE_BUSY,
};

static const struct {
	const struct channel_type *type;
	const char *name;
} peers[] = {
	{ &queue_peek, "/dev/mpmc, peek and commit" },
	{ &queue_mapped, "/dev/mpmc, mapped tokens" },
	{ &queue_ioctl, "/dev/mpmc, without tokens" },
	{ &system_pipe, "pipe" },
	{ &system_mq, "POSIX message queue" },
	{ &ring_robust, "shared memory, robust mutex" },
	{ &ring_plain, "shared memory, plain mutex" },
	{ &ring_claimed, "shared memory, lock-free ring" },
};

#define PEERS ((int)(sizeof(peers) / sizeof(peers[0])))

static void row(const char *name, const struct order *order,
		const struct outcome *outcome)
{
	const struct verdict *verdict = &outcome->verdict;

	printf("| %s | %u | %.0f | %llu | %llu%s | ", name, outcome->kills,
	       outcome->received / (outcome->ns / 1e9),
	       (unsigned long long)verdict->missing,
	       (unsigned long long)verdict->again,
	       verdict->again && order->type->finish ? ", marked" : "");
	if (outcome->stalled)
		printf("for ever, after %u kills |\n", outcome->kills);
	else
		printf("%.3f s |\n", outcome->longest_ns / 1e9);
}

/* Of the others, nothing is expected. */
static bool run(int i, struct order *order)
{
	bool ours = i < 3;
	struct outcome outcome;

	order->type = peers[i].type;
	if (order->type->supported && !order->type->supported())
		return true;
	crew_torture(order, &outcome);
	row(peers[i].name, order, &outcome);
	return !ours || outcome_right(order, &outcome);
}

/**
 * peers_run() - torture all, and print a table
 * @kills: as often each
 * @interval_us: between kills
 * @seed: of everything
 *
 * Return: whether the queue did what it should.
 */
bool peers_run(uint32_t kills, uint64_t interval_us, uint64_t seed)
{
	struct order order = {
		.setup = &setup,
		.kills = kills,
		.interval_ns = interval_us * NSEC_PER_USEC,
		.patience_ns = PATIENCE_NS,
		.seed = seed,
	};
	bool ok = true;
	int i;

	printf("| mechanism | kills | items/s | lost | delivered twice | longest without progress |\n"
	       "|---|---|---|---|---|---|\n");
	for (i = 0; i < PEERS; i++)
		ok &= run(i, &order);
	return ok;
}
