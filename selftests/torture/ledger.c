// SPDX-License-Identifier: GPL-2.0
/*
 * The account of all items of a run
 */
#include "ledger.h"

#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>

/* A fault of each kind is told as often; then they are only counted. */
#define FAULTS_TOLD 3

/*
 * Items are spread over all 64 bits, so that whatever else a queue might hand
 * out, a slot that nobody has written for instance, is nobody's item.
 */
#define SPREAD 0x9e3779b97f4a7c15ULL
#define GATHER 0xf1de83e19937733dULL /* its inverse */

_Static_assert(SPREAD * GATHER == 1, "they undo each other");
_Static_assert((uint64_t)STREAMS_MAX * STREAM_ITEMS <= UINT32_MAX,
	       "an item's number has 32 bits");

/* Zeroed memory that children share, and that is only there once it is used. */
static void *shared(size_t size, int flags)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS | flags, -1, 0);

	must(p != MAP_FAILED);
	return p;
}

static size_t lives_size(const struct ledger *ledger)
{
	return ledger->lives_max * sizeof(*ledger->lives);
}

static size_t streams_size(const struct ledger *ledger)
{
	return ledger->streams_max * sizeof(*ledger->streams);
}

static size_t receipts_size(const struct ledger *ledger)
{
	return (size_t)ledger->streams_max * STREAM_ITEMS;
}

/**
 * ledger_open() - begin an account
 * @ledger: out: the account; leases and lean are the caller's to say
 * @lives: how many processes there can be
 * @streams: how many streams, at most STREAMS_MAX. Of fewer the memory is there
 *	at once: it is not to be taken from those who have little
 */
void ledger_open(struct ledger *ledger, uint32_t lives, uint32_t streams)
{
	int flags = streams < STREAMS_MAX ? MAP_POPULATE : MAP_NORESERVE;

	must(streams <= STREAMS_MAX);
	ledger->lives_max = lives;
	ledger->streams_max = streams;
	ledger->born = 0;
	ledger->totals = shared(sizeof(*ledger->totals), flags);
	ledger->lives = shared(lives_size(ledger), flags);
	ledger->streams = shared(streams_size(ledger), flags);
	ledger->receipts = shared(receipts_size(ledger), flags);
	/* There is no stream 0, so that no item has the number 0. */
	ledger->totals->streams = 1;
}

void ledger_close(struct ledger *ledger)
{
	munmap(ledger->totals, sizeof(*ledger->totals));
	munmap(ledger->lives, lives_size(ledger));
	munmap(ledger->streams, streams_size(ledger));
	munmap(ledger->receipts, receipts_size(ledger));
}

/* --- Lives --- */

struct life *ledger_birth(struct ledger *ledger, bool produces)
{
	struct life *life = &ledger->lives[ledger->born++];

	must(ledger->born <= ledger->lives_max);
	life->produces = produces;
	return life;
}

/* One store, so that a kill can't come between its parts. */
void life_doing(struct life *life, enum doing doing, bool wait, size_t count)
{
	uint64_t word = doing | (wait ? DOING_WAIT : 0) | (uint64_t)count << 8;

	atomic_store(&life->doing, word);
}

static uint64_t life_in_hand(const struct life *life)
{
	enum doing doing = life->doing & 0x7f;

	if (doing != DOING_TAKE && doing != DOING_HAVE)
		return 0;
	return life->doing >> 8;
}

bool life_rests(const struct life *life)
{
	return (life->doing & 0xff) == DOING_REST;
}

/* Whether it waits to put so many items at most, as far as it says. */
bool life_waits_to_put(const struct life *life, uint64_t count)
{
	uint64_t doing = life->doing;

	return (doing & 0xff) == (DOING_PUT | DOING_WAIT) &&
	       doing >> 8 <= count;
}

/* Where in the kernel it is, as far as that tells. */
static void life_place(const struct life *life, char *place, size_t size)
{
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/wchan", life->pid);
	file = fopen(path, "r");
	if (!file || !fgets(place, size, file))
		strcpy(place, "?");
	if (file)
		fclose(file);
}

void life_describe(const struct life *life)
{
	static const char *const words[] = {
		"doing nothing", "joining", "putting", "taking", "counting",
		"finishing with", "resting",
	};
	uint64_t doing = life->doing;
	char place[64];

	life_place(life, place, sizeof(place));
	fprintf(stderr, "#   %s %d: %s%s %llu items, has moved %llu, in %s\n",
		life->produces ? "producer" : "consumer", life->pid,
		doing & DOING_WAIT ? "waiting, " : "", words[doing & 0x7f],
		(unsigned long long)doing >> 8, (unsigned long long)life->moved,
		place);
}

/* --- Faults --- */

void ledger_fault(struct ledger *ledger, enum fault fault, const char *format,
		  ...)
{
	char text[200];
	va_list args;

	if (atomic_fetch_add(&ledger->totals->faults[fault], 1) >= FAULTS_TOLD)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	fprintf(stderr, "# pid %d: %s\n", getpid(), text);
}

uint32_t ledger_faults(const struct ledger *ledger)
{
	uint32_t faults = 0;
	int i;

	for (i = 0; i < FAULT_KINDS; i++)
		faults += ledger->totals->faults[i];
	return faults;
}

/* --- Items --- */

/* NULL when there are no more. */
struct stream *stream_begin(struct ledger *ledger, const struct life *life)
{
	uint32_t id = atomic_fetch_add(&ledger->totals->streams, 1);

	if (id >= ledger->streams_max) {
		ledger->totals->full = true;
		return NULL;
	}
	ledger->streams[id].producer = life - ledger->lives;
	return &ledger->streams[id];
}

static uint32_t item_number(const struct ledger *ledger,
			    const struct stream *stream, uint32_t seq)
{
	return (stream - ledger->streams) * STREAM_ITEMS + seq;
}

uint64_t stream_item(const struct ledger *ledger, const struct stream *stream,
		     uint32_t seq)
{
	return item_number(ledger, stream, seq) * SPREAD;
}

/* The stream of an item that somebody has put or is putting, or NULL. */
static struct stream *stream_of(const struct ledger *ledger, uint64_t number)
{
	struct stream *stream;

	if (number / STREAM_ITEMS >= ledger->streams_max)
		return NULL;
	stream = &ledger->streams[number / STREAM_ITEMS];
	return number % STREAM_ITEMS < stream->intent ? stream : NULL;
}

/*
 * An item that is handed out for the first time comes after all that its
 * producer put before it. One that comes again may be late, and where nothing
 * says that it does, there are at most as many as have come back.
 */
static void check_order(struct ledger *ledger, const struct mpmc_item *item,
			uint32_t number, uint32_t *latest)
{
	if (number > *latest) {
		*latest = number;
		return;
	}
	if (!item->deliveries)
		atomic_fetch_add(&ledger->totals->inversions, 1);
	else if (item->deliveries == 1)
		ledger_fault(ledger, FAULT_ORDER,
			     "item %#x after item %#x of the same producer",
			     number, *latest);
}

/*
 * Whoever had the item before has been killed, or has given it back uncounted:
 * each receipt was a delivery. A channel that does not tell them hands each
 * item out once.
 */
static void check_receipt(struct ledger *ledger, const struct mpmc_item *item,
			  uint32_t number)
{
	uint32_t before = atomic_fetch_add(&ledger->receipts[number], 1);
	uint32_t times = before & ~RECEIPT_FINISHED;
	uint32_t deliveries = item->deliveries ? item->deliveries : 1;

	if (times >= deliveries)
		ledger_fault(ledger, FAULT_TWICE,
			     "item %#x: receipt %u of delivery %u", number,
			     times + 1, deliveries);
	if (before & RECEIPT_FINISHED)
		ledger_fault(ledger, FAULT_FINISHED,
			     "item %#x: delivery %u of a finished item", number,
			     deliveries);
	must(times < RECEIPT_FINISHED - 1);
}

/**
 * ledger_receive() - an item has arrived
 * @ledger: the account
 * @item: it
 * @latest: the receiver's own: the latest item of each producer it has seen
 */
void ledger_receive(struct ledger *ledger, const struct mpmc_item *item,
		    uint32_t *latest)
{
	uint64_t number = item->value * GATHER;
	struct stream *stream = stream_of(ledger, number);

	if (!stream) {
		ledger_fault(ledger, FAULT_ALIEN, "alien item %#llx",
			     (unsigned long long)item->value);
		return;
	}
	check_order(ledger, item, number, &latest[stream->producer]);
	check_receipt(ledger, item, number);
}

/* The channel has been told that an item has been dealt with, and knows. */
void ledger_finish(struct ledger *ledger, const struct mpmc_item *item)
{
	uint64_t number = item->value * GATHER;

	if (stream_of(ledger, number))
		atomic_fetch_or(&ledger->receipts[number], RECEIPT_FINISHED);
}

/* --- The end --- */

static void judge_item(struct verdict *verdict, uint8_t receipts)
{
	if (!receipts)
		verdict->missing++;
	else if ((receipts & ~RECEIPT_FINISHED) > 1)
		verdict->again++;
}

/* The bulk that a producer was putting when it was killed: all or none. */
static void judge_last(struct verdict *verdict, const _Atomic uint8_t *receipts,
		       uint32_t n)
{
	uint32_t i, there = 0;

	for (i = 0; i < n; i++)
		there += receipts[i] > 0;
	if (there && there < n)
		verdict->torn++;
	for (i = 0; there && i < n; i++)
		judge_item(verdict, receipts[i]);
}

void ledger_judge(const struct ledger *ledger, struct verdict *verdict)
{
	uint32_t id, i;

	memset(verdict, 0, sizeof(*verdict));
	for (id = 1; id < ledger->totals->streams && id < ledger->streams_max;
	     id++) {
		const struct stream *stream = &ledger->streams[id];
		const _Atomic uint8_t *receipts =
			ledger->receipts + (size_t)id * STREAM_ITEMS;

		verdict->published += stream->published;
		for (i = 0; i < stream->published; i++)
			judge_item(verdict, receipts[i]);
		judge_last(verdict, receipts + i, stream->intent - i);
	}
	for (i = 0; !ledger->leases && i < ledger->born; i++)
		if (ledger->lives[i].killed && !ledger->lives[i].produces)
			verdict->in_hand += life_in_hand(&ledger->lives[i]);
}
