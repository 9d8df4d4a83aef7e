/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A shutdown refuses what it does not deliver, and delivers what it does not
 * refuse: kmod/ring.c, with the owner in userspace
 *
 * ITEMS: how often the owner stores one
 * CONSUMERS, SHUTDOWNS: how many there are
 * DEATHS: the owner may be killed anywhere
 */
#define OWNERS 1
#ifndef ITEMS
#define ITEMS 2
#endif
#ifndef CONSUMERS
#define CONSUMERS 1
#endif
#ifndef SHUTDOWNS
#define SHUTDOWNS 1
#endif
#include "common.pml"

#define OPEN 15		/* sealed: at no position, so far */

byte word;
byte claimed;
byte version;		/* of claimed: one word with it */
bool flagged;		/* the limit: sealing has begun */
byte sealed = OPEN;
bool decided;
bool over;		/* the owner does nothing more */
byte shut_down;		/* shutdowns that are complete */
byte ended;		/* consumers that were told of the end */

/* What became of each position, as masks. */
byte accepted, refused, taken;

inline decide(tail)
{
	atomic {
		if
		:: !decided -> sealed = tail; decided = true;
		:: else -> skip;
		fi;
	};
}

/*
 * The owner, in a call, after a full barrier: producer_verdict(). He decides
 * only when he has been told: else what he stores next, without a call, would
 * be beyond the end, and he would not ask.
 */
#ifdef DECIDED_BEFORE_TOLD
#define may_decide flagged
#else
#define may_decide (word & SHUTDOWN)
#endif

inline verdict(pos, yes)
{
	fence(0);
	if
	:: may_decide ->
		decide(pos);
		if
		:: pos <= sealed -> skip;
		:: else ->
			yes = false;
			memory[TAIL(0)] = sealed;
		fi;
	:: else -> skip;
	fi;
}

proctype owner()
{
	byte pos, stores, see;
	bool yes;

	do
	:: stores == ITEMS -> break;
	:: else ->
		stores++;
		atomic {
			buffer[0]!ITEM(0, pos), 1 + pos;
			pos++;
			buffer[0]!TAIL(0), pos;
		};
#ifdef DEATHS
		if
		:: goto dead;
		:: skip;
		fi;
#endif
		yes = true;
		see = word;
		if
		:: see == 0 -> goto done;
		:: else -> skip;
		fi;
#ifndef NO_FENCE
		fence(0);
#endif
		see = word;
		if
		:: see & CALL -> verdict(pos, yes);
		/* If somebody sleeps he calls as well. */
		:: !(see & CALL) -> verdict(pos, yes);
		:: !(see & CALL) -> skip;
		fi;
done:
		see = 0;
		d_step {
			if
			:: yes -> accepted = accepted | BIT(pos - 1);
			:: else ->
				pos--;
				assert(pos == sealed);
				refused = refused | BIT(pos);
				assert(!(refused & taken));
			fi;
			assert(!(accepted & refused));
			yes = false;
		};
	od;
#ifdef DEATHS
	goto out;
dead:
	/* Nobody can store any more: this may decide it, told or not. */
	fence(0);
	if
	:: flagged ->
		decide(pos);
		memory[TAIL(0)] = (pos <= sealed -> pos : sealed);
	:: skip;
	fi;
out:
#endif
	over = true;
}

proctype shutdown()
{
	byte tail;

	/* mpmc_ring_seal_begin() */
	tail = memory[TAIL(0)];
	atomic {
		if
		:: sealed == OPEN -> sealed = tail;
		:: else -> skip;
		fi;
	};
	flagged = true;
#ifndef NO_FLIP
	version++;
#endif
#ifdef SHUTDOWN_UNARMED
	arm(word);
	word = word | SHUTDOWN;
#else
	set_armed(word, SHUTDOWN);
#endif
	/* mpmc_ring_seal_end() */
	tail = memory[TAIL(0)];
	decide(tail);
	tail = 0;
	shut_down++;
}

#define end_of(tail) (flagged && sealed < tail -> sealed : tail)

proctype consumer(byte me)
{
	byte first, from, bound;

again:
	atomic { first = claimed; from = version; };
#ifdef LIMIT_BEFORE_TAIL
	bound = (flagged -> sealed : OPEN);
	bound = (memory[TAIL(0)] < bound -> memory[TAIL(0)] : bound);
#else
	bound = memory[TAIL(0)];
#ifndef LIMIT_IGNORED
	bound = end_of(bound);
#endif
#endif
	if
	:: first < bound ->
		atomic {
			if
			:: claimed == first && version == from ->
				assert(memory[ITEM(0, first)] == 1 + first);
				assert(!(refused & BIT(first)));
				taken = taken | BIT(first);
				claimed++;
			:: else -> skip;
			fi;
			first = 0;
			from = 0;
			bound = 0;
		};
		goto again;
	:: else -> skip;
	fi;
	first = 0;
	from = 0;
	bound = 0;
	/* Until there is something to do. */
end:
	atomic {
		(claimed < end_of(memory[TAIL(0)])) || decided;
		if
		:: decided && claimed >= sealed ->
			assert(claimed == sealed);
			ended = ended | BIT(me);
			goto out;
		:: else -> skip;
		fi;
	};
	goto again;
out:
	skip;
}

proctype disarmer()
{
end:
	do
	:: atomic { may_disarm(word) -> word = 0; }
	od
}

init {
	byte shutdowns, consumers;

	atomic {
		choose_word(word);
		run cpu(0);
		run owner();
		do
		:: shutdowns < SHUTDOWNS -> run shutdown(); shutdowns++;
		:: else -> break;
		od;
		do
		:: consumers < CONSUMERS ->
			run consumer(consumers);
			consumers++;
		:: else -> break;
		od;
		run disarmer();
	};
end:
	atomic {
		timeout;
		assert(over && shut_down == SHUTDOWNS &&
		       ended == BIT(CONSUMERS) - 1);
		assert(taken == BIT(sealed) - 1);
		assert((accepted & taken) == accepted);	/* delivered */
		assert(!(refused & taken));
	};
}
