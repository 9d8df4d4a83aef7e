// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of the checker: histories written by hand, legal and illegal
 *
 * For each rule one that breaks it, and one beside it that almost does.
 */
#include <stdlib.h>
#include <string.h>

#include "check.h"

/**
 * struct test - a history, and what is to be said of it
 * @name: what it is about
 * @culprit: of an illegal one, the operation that is to be pointed at, counted from
 *	0; or LEGAL_ONE
 * @text: the history
 */
struct test {
	const char *name;
	int culprit;
	const char *text;
};

#define LEGAL_ONE (-1)

#define MANY "capacity 4 segments 2\n"
#define ONE "capacity 4 segments 1\n"

static const struct test tests[] = {
	/* What is put comes out, once. */
	{ "items come out", LEGAL_ONE, MANY
	  "0 10 20 put q 1 2 = 0\n"
	  "1 30 40 take q 2 = 1 2\n" },
	{ "an item before its put", 1, MANY
	  "0 50 60 put q 1 = 0\n"
	  "1 30 40 take q 1 = 1\n" },
	{ "an item that overlaps its put", LEGAL_ONE, MANY
	  "0 35 60 put q 1 = 0\n"
	  "1 30 40 take q 1 = 1\n" },
	{ "an item of a refused put", 2, "capacity 1 segments 2\n"
	  "0 10 20 put q 1 = 0\n"
	  "0 30 40 put q 2 = EAGAIN\n"
	  "1 50 60 take q 2 = 1 2\n" },
	{ "an item of nobody's", 0, MANY
	  "1 50 60 take q 2 = 9\n" },
	{ "an item twice", 2, MANY
	  "0 10 20 put q 1 = 0\n"
	  "1 30 50 take q 1 = 1\n"
	  "2 30 60 take q 1 = 1\n" },
	{ "more items than asked for", 1, MANY
	  "0 10 20 put q 1 2 = 0\n"
	  "1 30 50 take q 1 = 1 2\n" },
	{ "an item is lost", 2, MANY
	  "0 10 20 put q 1 = 0\n"
	  "0 21 25 shutdown q = 0\n"
	  "1 30 40 take q 1 = EPIPE\n" },

	/* Order. */
	{ "one producer's order", 2, MANY
	  "0 10 20 put q 1 = 0\n"
	  "0 30 40 put q 2 = 0\n"
	  "1 50 60 take q 1 = 2\n"
	  "1 70 80 take q 1 = 1\n" },
	{ "one producer's order, taken at a time", LEGAL_ONE, MANY
	  "0 10 20 put q 1 = 0\n"
	  "0 30 40 put q 2 = 0\n"
	  "1 50 60 take q 1 = 2\n"
	  "2 55 80 take q 1 = 1\n" },
	{ "order within a bulk", 1, MANY
	  "0 10 20 put q 1 2 = 0\n"
	  "1 50 60 take q 2 = 2 1\n" },
	{ "two producers, any order", LEGAL_ONE, MANY
	  "0 10 20 put q 1 = 0\n"
	  "2 30 40 put q 2 = 0\n"
	  "1 50 60 take q 1 = 2\n"
	  "1 70 80 take q 1 = 1\n" },
	{ "a token is a producer of its own", LEGAL_ONE, MANY
	  "0 1 2 open p0 4 = 0\n"
	  "0 10 20 put p0 1 = 0\n"
	  "0 30 40 put q 2 = 0\n"
	  "1 50 60 take q 2 = 2 1\n" },
	{ "a token's order", 3, MANY
	  "0 1 2 open p0 4 = 0\n"
	  "0 10 20 put p0 1 = 0\n"
	  "0 30 40 put p0 2 = 0\n"
	  "1 50 60 take q 1 = 2\n" },
	{ "one segment, one order", 2, ONE
	  "0 10 20 put q 1 = 0\n"
	  "2 30 40 put q 2 = 0\n"
	  "1 50 60 take q 1 = 2\n" },
	{ "one segment, tokens too", 3, ONE
	  "0 1 2 open p0 4 = 0\n"
	  "0 10 20 put p0 1 = 0\n"
	  "0 30 40 put q 2 = 0\n"
	  "1 50 60 take q 2 = 2 1\n" },
	{ "one segment, puts that overlap", LEGAL_ONE, ONE
	  "0 10 35 put q 1 = 0\n"
	  "2 30 40 put q 2 = 0\n"
	  "1 50 60 take q 2 = 2 1\n" },
	{ "one segment, two consumers see one order", 3, ONE
	  "0 10 35 put q 1 = 0\n"
	  "2 10 40 put q 2 = 0\n"
	  "1 50 60 take q 1 = 2\n"
	  "1 70 80 take q 1 = EAGAIN\n"
	  "3 90 95 take q 1 = 1\n" },

	/* All or nothing; the capacity is exact. */
	{ "capacity", 2, "capacity 2 segments 2\n"
	  "0 10 20 put q 1 = 0\n"
	  "1 10 20 put q 2 = 0\n"
	  "2 30 40 put q 3 = 0\n" },
	{ "capacity, and one is taken", LEGAL_ONE, "capacity 2 segments 2\n"
	  "0 10 20 put q 1 = 0\n"
	  "1 10 20 put q 2 = 0\n"
	  "2 30 40 put q 3 = 0\n"
	  "3 35 50 take q 1 = 2\n" },
	{ "full, and it is not", 1, "capacity 2 segments 2\n"
	  "0 10 20 put q 1 = 0\n"
	  "1 30 40 put q 2 = EAGAIN\n" },
	{ "full", LEGAL_ONE, "capacity 2 segments 2\n"
	  "0 10 20 put q 1 2 = 0\n"
	  "1 30 40 put q 3 = EAGAIN\n" },
	{ "full, as long as a taker is not done", LEGAL_ONE,
	  "capacity 2 segments 2\n"
	  "0 10 20 put q 1 2 = 0\n"
	  "1 30 40 put q 3 = EAGAIN\n"
	  "2 25 35 take q 2 = 1 2\n" },
	{ "full, and the taker was done", 2, "capacity 2 segments 2\n"
	  "0 10 20 put q 1 2 = 0\n"
	  "2 25 29 take q 2 = 1 2\n"
	  "1 30 40 put q 3 = EAGAIN\n" },
	{ "full because of a bulk that was refused", 1, "capacity 2 segments 2\n"
	  "0 10 20 put q 1 = 0\n"
	  "1 30 50 put q 2 = EAGAIN\n"
	  "2 30 50 put q 3 4 = EAGAIN\n" },
	{ "a bulk that does not fit", LEGAL_ONE, "capacity 2 segments 2\n"
	  "0 10 20 put q 1 = 0\n"
	  "2 30 50 put q 3 4 = EAGAIN\n" },
	{ "too large", LEGAL_ONE, "capacity 2 segments 2\n"
	  "0 10 20 put q 1 2 3 = EMSGSIZE\n" },
	{ "not too large", 0, "capacity 3 segments 2\n"
	  "0 10 20 put q 1 2 3 = EMSGSIZE\n" },

	/* Empty. */
	{ "empty", LEGAL_ONE, MANY
	  "0 10 20 take q 1 = EAGAIN\n" },
	{ "empty, and it is not", 1, MANY
	  "0 10 20 put q 1 = 0\n"
	  "1 30 40 take q 1 = EAGAIN\n" },
	{ "empty beside a put", LEGAL_ONE, MANY
	  "0 10 35 put q 1 = 0\n"
	  "1 30 40 take q 1 = EAGAIN\n" },
	{ "empty beside a take", LEGAL_ONE, MANY
	  "0 10 20 put q 1 = 0\n"
	  "1 30 40 take q 1 = EAGAIN\n"
	  "2 38 50 take q 1 = 1\n" },
	{ "empty, and taken later", 1, MANY
	  "0 10 20 put q 1 = 0\n"
	  "1 30 40 take q 1 = EAGAIN\n"
	  "2 45 50 take q 1 = 1\n" },
	{ "empty, with never the same item there", LEGAL_ONE, MANY
	  "0 10 20 put q 1 = 0\n"
	  "2 32 33 put q 2 = 0\n"
	  "2 34 35 take q 1 = 1\n"
	  "1 30 40 take q 1 = EAGAIN\n" },
	{ "empty behind another thread's put", LEGAL_ONE, MANY
	  "0 10 90 put q 1 = 0\n"
	  "2 15 20 put q 2 = 0\n"
	  "1 30 40 take q 1 = EAGAIN\n" },
	{ "behind another thread's put that came later", 2, MANY
	  "0 25 90 put q 1 = 0\n"
	  "2 15 20 put q 2 = 0\n"
	  "1 30 40 take q 1 = EAGAIN\n" },
	{ "a token is behind nobody", 3, MANY
	  "2 1 2 open p0 4 = 0\n"
	  "0 10 90 put q 1 = 0\n"
	  "2 15 20 put p0 2 = 0\n"
	  "1 30 40 take q 1 = EAGAIN\n" },
	{ "one segment: empty behind another's put", LEGAL_ONE, ONE
	  "0 10 90 put q 1 = 0\n"
	  "2 15 20 put q 2 = 0\n"
	  "1 30 40 take q 1 = EAGAIN\n"
	  "1 95 99 take q 2 = 1 2\n" },
	{ "one segment: it was not behind it", 3, ONE
	  "0 10 90 put q 1 = 0\n"
	  "2 15 20 put q 2 = 0\n"
	  "1 30 40 take q 1 = EAGAIN\n"
	  "1 95 99 take q 2 = 2 1\n" },
	{ "a bulk takes what there is", 1, MANY
	  "0 10 20 put q 1 2 = 0\n"
	  "1 30 40 take q 3 = 1\n" },
	{ "a bulk takes what there is, beside another", LEGAL_ONE, MANY
	  "0 10 20 put q 1 2 3 = 0\n"
	  "1 30 40 take q 3 = 1 3\n"
	  "2 35 45 take q 1 = 2\n" },

	{ "more than the capacity, in pieces", LEGAL_ONE,
	  "capacity 1 segments 2\n"
	  "0 10 20 put q 1 = 0\n"
	  "1 15 60 take q 2 = 1 2\n"
	  "0 30 40 put q 2 = 0\n" },
	{ "the capacity, not in pieces", 3, "capacity 2 segments 2\n"
	  "0 10 20 put q 1 = 0\n"
	  "3 10 20 put q 2 = 0\n"
	  "1 15 60 take q 2 = 1 3\n"
	  "0 30 40 put q 3 = 0\n"
	  "3 70 80 take q 1 = 2\n" },

	/* Waits. */
	{ "in time", LEGAL_ONE, MANY
	  "0 10 50 take q 1 until 45 = ETIMEDOUT\n" },
	{ "too early", 0, MANY
	  "0 10 40 take q 1 until 45 = ETIMEDOUT\n" },
	{ "the deadline does not beat an item", 1, MANY
	  "1 20 30 put q 1 = 0\n"
	  "0 10 50 take q 1 until 45 = ETIMEDOUT\n" },
	{ "an item after the deadline", LEGAL_ONE, MANY
	  "1 20 46 put q 1 = 0\n"
	  "0 10 50 take q 1 until 45 = ETIMEDOUT\n" },
	{ "the deadline does not beat room", 2, "capacity 1 segments 2\n"
	  "1 1 5 put q 1 = 0\n"
	  "1 20 30 take q 1 = 1\n"
	  "0 10 50 put q 2 until 45 = ETIMEDOUT\n" },
	{ "no room until the deadline", LEGAL_ONE, "capacity 1 segments 2\n"
	  "1 1 5 put q 1 = 0\n"
	  "1 20 47 take q 1 = 1\n"
	  "0 10 50 put q 2 until 45 = ETIMEDOUT\n" },

	/* The shutdown. */
	{ "accepted after the shutdown", 1, MANY
	  "0 10 20 shutdown q = 0\n"
	  "1 30 40 put q 1 = 0\n" },
	{ "beside the shutdown", LEGAL_ONE, MANY
	  "0 10 35 shutdown q = 0\n"
	  "1 30 40 put q 1 = 0\n" },
	{ "refused, and not shut down", 0, MANY
	  "1 30 40 put q 1 = EPIPE\n"
	  "0 50 60 shutdown q = 0\n" },
	{ "full after the shutdown", 2, "capacity 1 segments 2\n"
	  "0 1 5 put q 1 = 0\n"
	  "0 10 20 shutdown q = 0\n"
	  "1 30 40 put q 2 = EAGAIN\n" },
	{ "the end", LEGAL_ONE, MANY
	  "0 10 20 shutdown q = 0\n"
	  "1 30 40 take q 1 = EPIPE\n" },
	{ "empty at the end", 1, MANY
	  "0 10 20 shutdown q = 0\n"
	  "1 30 40 take q 1 = EAGAIN\n" },
	{ "the end, and not shut down", 0, MANY
	  "1 30 40 take q 1 = EPIPE\n"
	  "0 50 60 shutdown q = 0\n" },
	{ "not the end: leased", LEGAL_ONE, MANY
	  "0 1 5 put q 1 = 0\n"
	  "2 1 3 open c0 2 = 0\n"
	  "2 6 9 peek c0 1 = 1/1\n"
	  "0 10 20 shutdown q = 0\n"
	  "1 30 40 take q 1 = EAGAIN\n" },
	{ "the end, and something is leased", 4, MANY
	  "0 1 5 put q 1 = 0\n"
	  "2 1 3 open c0 2 = 0\n"
	  "2 6 9 peek c0 1 = 1/1\n"
	  "0 10 20 shutdown q = 0\n"
	  "1 30 40 take q 1 = EPIPE\n" },
	{ "a producer after the shutdown", 1, MANY
	  "0 10 20 shutdown q = 0\n"
	  "1 30 40 open p0 4 = 0\n" },
	{ "no producer, and not shut down", 0, MANY
	  "1 30 40 open p0 4 = EPIPE\n"
	  "0 50 60 shutdown q = 0\n" },

	/* Leases. */
	{ "a lease", LEGAL_ONE, MANY
	  "0 1 5 put q 1 2 3 = 0\n"
	  "2 1 3 open c0 4 = 0\n"
	  "2 6 9 peek c0 2 = 1/1 2/1\n"
	  "2 10 11 commit c0 1 = 0\n"
	  "2 12 13 take c0 2 = 2 3\n"
	  "2 14 15 take c0 2 = EAGAIN\n" },
	{ "a lease in another order", 3, MANY
	  "0 1 5 put q 1 2 = 0\n"
	  "2 1 3 open c0 4 = 0\n"
	  "2 6 9 peek c0 2 = 1/1 2/1\n"
	  "2 12 13 take c0 2 = 2 1\n" },
	{ "empty with a lease", 3, MANY
	  "0 1 5 put q 1 2 = 0\n"
	  "2 1 3 open c0 4 = 0\n"
	  "2 6 9 peek c0 2 = 1/1 2/1\n"
	  "2 12 13 take c0 2 = EAGAIN\n" },
	{ "more committed than leased", 3, MANY
	  "0 1 5 put q 1 2 = 0\n"
	  "2 1 3 open c0 4 = 0\n"
	  "2 6 9 peek c0 2 = 1/1 2/1\n"
	  "2 12 13 commit c0 3 = 0\n" },
	{ "a lease that could have more", 2, MANY
	  "0 1 5 put q 1 2 = 0\n"
	  "2 1 3 open c0 4 = 0\n"
	  "2 6 9 peek c0 2 = 1/1\n" },
	{ "a lease as large as its ring", LEGAL_ONE, MANY
	  "0 1 5 put q 1 2 = 0\n"
	  "2 1 3 open c0 1 = 0\n"
	  "2 6 9 peek c0 2 = 1/1\n" },
	{ "leased to two", 5, MANY
	  "0 1 5 put q 1 2 = 0\n"
	  "2 1 3 open c0 4 = 0\n"
	  "1 1 3 open c1 4 = 0\n"
	  "2 6 9 peek c0 1 = 1/1\n"
	  "1 10 13 peek c1 1 = 2/1\n"
	  "1 14 15 peek c1 2 = 2/1 1/2\n" },
	{ "leased items have their room", LEGAL_ONE, "capacity 1 segments 2\n"
	  "0 1 5 put q 1 = 0\n"
	  "2 1 3 open c0 4 = 0\n"
	  "2 6 9 peek c0 1 = 1/1\n"
	  "0 10 15 put q 2 = EAGAIN\n"
	  "2 20 29 commit c0 1 = 0\n"
	  "0 30 35 put q 2 = 0\n" },
	{ "committed items have none", 4, "capacity 1 segments 2\n"
	  "0 1 5 put q 1 = 0\n"
	  "2 1 3 open c0 4 = 0\n"
	  "2 6 9 peek c0 1 = 1/1\n"
	  "2 10 19 commit c0 1 = 0\n"
	  "0 20 25 put q 2 = EAGAIN\n" },
	{ "what comes back", LEGAL_ONE, ONE
	  "0 1 5 put q 1 2 3 = 0\n"
	  "2 1 3 open c0 4 = 0\n"
	  "2 6 9 peek c0 2 = 1/1 2/1\n"
	  "2 10 19 release c0 2 = 0\n"
	  "2 20 29 peek c0 3 = 1/2 2/2 3/1\n" },
	{ "what comes back is at the front", 4, ONE
	  "0 1 5 put q 1 2 3 = 0\n"
	  "2 1 3 open c0 4 = 0\n"
	  "2 6 9 peek c0 2 = 1/1 2/1\n"
	  "2 10 19 release c0 2 = 0\n"
	  "1 20 29 take q 1 = 3\n" },
	{ "who had looked there before", LEGAL_ONE, ONE
	  "0 1 5 put q 1 2 3 = 0\n"
	  "2 1 3 open c0 4 = 0\n"
	  "2 6 9 peek c0 2 = 1/1 2/1\n"
	  "2 10 19 release c0 2 = 0\n"
	  "1 18 29 take q 1 = 3\n" },
	{ "what comes back is in order", 4, MANY
	  "0 1 5 put q 1 2 = 0\n"
	  "2 1 3 open c0 4 = 0\n"
	  "2 6 9 peek c0 2 = 1/1 2/1\n"
	  "2 10 19 release c0 2 = 0\n"
	  "1 20 29 take q 1 = 2\n" },
	{ "deliveries are counted", 4, ONE
	  "0 1 5 put q 1 = 0\n"
	  "2 1 3 open c0 4 = 0\n"
	  "2 6 9 peek c0 1 = 1/1\n"
	  "2 10 19 release c0 1 = 0\n"
	  "2 20 29 peek c0 1 = 1/1\n" },
	{ "the end of a consumer", LEGAL_ONE, ONE
	  "0 1 5 put q 1 2 = 0\n"
	  "2 1 3 open c0 4 = 0\n"
	  "2 6 9 peek c0 2 = 1/1 2/1\n"
	  "2 10 19 close c0 = 0\n"
	  "1 20 29 take q 2 = 1 2\n" },
	{ "items lost with a consumer", 4, ONE
	  "0 1 5 put q 1 2 = 0\n"
	  "2 1 3 open c0 4 = 0\n"
	  "2 6 9 peek c0 2 = 1/1 2/1\n"
	  "2 10 19 close c0 = 0\n"
	  "1 20 29 take q 2 = EAGAIN\n" },

	/* Mapped rings. */
	{ "granted room", LEGAL_ONE, MANY
	  "0 1 2 open p0 4 mapped = 0\n"
	  "0 3 4 put p0 1 granted 1 = 0\n"
	  "1 5 6 put q 2 3 4 = EAGAIN\n"
	  "0 7 8 store p0 5 = 0\n"
	  "1 9 10 take q 4 = 1 5\n" },
	{ "granted room is free again", 4, MANY
	  "0 1 2 open p0 4 mapped = 0\n"
	  "0 3 4 put p0 1 granted 1 = 0\n"
	  "0 7 8 close p0 = 0\n"
	  "1 9 10 take q 4 = 1\n"
	  "1 15 16 put q 2 3 4 6 = EAGAIN\n" },
	{ "more than was granted", 2, MANY
	  "0 1 2 open p0 4 mapped = 0\n"
	  "0 3 4 put p0 1 granted 1 = 0\n"
	  "0 7 8 store p0 5 6 = 0\n" },
	{ "more granted than there is", 1, "capacity 2 segments 2\n"
	  "0 1 2 open p0 4 mapped = 0\n"
	  "0 3 4 put p0 1 granted 2 = 0\n" },
	{ "stored after the shutdown", 3, MANY
	  "0 1 2 open p0 4 mapped = 0\n"
	  "0 3 4 put p0 1 granted 1 = 0\n"
	  "1 5 6 shutdown q = 0\n"
	  "0 7 8 store p0 5 = 0\n" },
	{ "stored beside the shutdown, which others saw", LEGAL_ONE, MANY
	  "0 1 2 open p0 4 mapped = 0\n"
	  "0 3 4 put p0 1 granted 1 = 0\n"
	  "1 5 16 shutdown q = 0\n"
	  "2 6 8 put q 2 = EPIPE\n"
	  "0 9 10 store p0 5 = 0\n"
	  "2 20 30 take q 3 = 1 5\n" },
	{ "refused by the shutdown, and not delivered", 4, MANY
	  "0 1 2 open p0 4 mapped = 0\n"
	  "0 3 4 put p0 1 granted 1 = 0\n"
	  "1 5 16 shutdown q = 0\n"
	  "0 9 10 store p0 5 = EPIPE\n"
	  "2 20 30 take q 3 = 1 5\n" },
	{ "committed in memory", 4, "capacity 1 segments 2\n"
	  "0 1 5 put q 1 = 0\n"
	  "2 1 3 open c0 4 mapped = 0\n"
	  "2 6 9 peek c0 1 = 1/1\n"
	  "2 10 19 ack c0 1 = 0\n"
	  "0 20 25 put q 2 = EAGAIN\n" },
	{ "committed in memory, and another is at it", LEGAL_ONE,
	  "capacity 1 segments 2\n"
	  "0 1 5 put q 1 = 0\n"
	  "2 1 3 open c0 4 mapped = 0\n"
	  "2 6 9 peek c0 1 = 1/1\n"
	  "2 10 19 ack c0 1 = 0\n"
	  "0 20 25 put q 2 = EAGAIN\n"
	  "1 15 30 put q 3 = 0\n" },
	{ "another was at it", 4, "capacity 1 segments 2\n"
	  "0 1 5 put q 1 = 0\n"
	  "2 1 3 open c0 4 mapped = 0\n"
	  "2 6 9 peek c0 1 = 1/1\n"
	  "2 10 13 ack c0 1 = 0\n"
	  "0 20 25 put q 2 = EAGAIN\n"
	  "1 15 19 take q 1 = EAGAIN\n" },
};

#define TESTS (sizeof(tests) / sizeof(*tests))

/* As it is written it is to be read again. */
static bool is_the_same(const struct history *history)
{
	static struct history again;
	char *a = NULL, *b = NULL;
	size_t n;
	FILE *to = open_memstream(&a, &n);
	bool same;

	history_write(history, to);
	fclose(to);
	same = !history_parse(&again, a);
	to = open_memstream(&b, &n);
	history_write(&again, to);
	fclose(to);
	same = same && !strcmp(a, b);
	free(a);
	free(b);
	return same;
}

/* What is wrong, or NULL. A smaller history must be illegal as well. */
static const char *run(const struct test *test, struct history *history,
		       struct verdict *verdict)
{
	const char *line = history_parse(history, test->text);

	if (line)
		return line;
	if (!is_the_same(history))
		return "reads otherwise than it was written";
	history_check(history, verdict);
	if (test->culprit == LEGAL_ONE)
		return verdict->outcome == LEGAL ? NULL : "is not illegal";
	if (verdict->outcome != ILLEGAL)
		return "is illegal";
	if (verdict->culprit != test->culprit)
		return "another operation is wrong";
	history_shrink(history, verdict);
	return verdict->outcome == ILLEGAL ? NULL : "shrunk to a legal one";
}

int main(void)
{
	static struct history history;
	struct verdict verdict;
	unsigned int i, failed = 0;
	const char *why;

	printf("TAP version 13\n1..%zu\n", TESTS);
	for (i = 0; i < TESTS; i++) {
		why = run(&tests[i], &history, &verdict);
		printf("%sok %u checker: %s\n", why ? "not " : "", i + 1,
		       tests[i].name);
		if (!why)
			continue;
		failed++;
		printf("# %s; it was said: %s\n", why, verdict.why);
		timeline_print(&history, verdict.culprit, stdout);
	}
	return failed ? 1 : 0;
}
