/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Who waits for an item learns of the end of the queue
 *
 * That is, of a shutdown and of the last item being finished with, which the
 * owner of a mapped lease does by a store: mpmc_queue_drained(), and the
 * owner's look at both words in mpmc_consumer_waited_for(). He is told in the
 * one of those who wait for room, and whether anybody waits for the end is in
 * the other.
 *
 * ITEMS: how many are leased
 */
#define OWNERS 1
#ifndef ITEMS
#define ITEMS 2
#endif
#include "common.pml"

#define HEAD TAIL(0)

byte readers, writers;
bool shutdown;		/* what the kernel looks at */
bool shut_down;		/* and when all of it is done */
bool finished;

/* The one who sleeps in readers. */
bool queued, counted, running = true;
bool told;

#define drained (shutdown && memory[HEAD] == ITEMS)

/* wakeup.pml has this in all detail. */
inline wake_all()
{
	d_step {
		if
		:: queued ->
			queued = false;
			running = true;
			readers = (counted -> readers - 1 : readers);
			counted = false;
		:: else -> skip;
		fi;
	};
}

proctype owner()
{
	byte head, see, see_readers;

	do
	:: head == ITEMS -> break;
	:: else ->
		head++;
		buffer[0]!HEAD, head;
		see = writers;
		if
		:: see == 0 -> goto next;
		:: else -> skip;
		fi;
#ifndef NO_FENCE
		fence(0);
#endif
		see = writers;
		see_readers = readers;
		if
		:: (see & SHUTDOWN) && (see_readers & COUNT) ->
			fence(0);
			if
			:: drained -> wake_all();
			:: else -> skip;
			fi;
		:: else -> skip;
		fi;
next:
		see = 0;
		see_readers = 0;
	od;
	head = 0;
	finished = true;
}

proctype sleeper()
{
again:
	atomic { queued = true; running = false; };
	do
	:: counted -> break;
	:: atomic { !counted && (readers & ARMED) -> readers++; };
		counted = true;
	:: else -> arm(readers);
	od;
	if
	:: drained -> skip;
	:: else ->
end:
		running;
		goto again;
	fi;
	told = true;
	d_step {
		queued = false;
		running = true;
		readers = (counted -> readers - 1 : readers);
		counted = false;
	};
}

proctype shut()
{
	shutdown = true;
#ifdef WOKEN_BEFORE_TOLD
	wake_all();
#endif
	set_armed(readers, SHUTDOWN);
#ifdef SHUTDOWN_UNARMED
	arm(writers);
	writers = writers | SHUTDOWN;
#else
	set_armed(writers, SHUTDOWN);
#endif
#ifndef WOKEN_BEFORE_TOLD
	wake_all();
#endif
	shut_down = true;
}

proctype disarmer()
{
end:
	do
	:: atomic { may_disarm(readers) -> readers = 0; }
	:: atomic { may_disarm(writers) -> writers = 0; }
	od
}

init {
	atomic {
		choose_word(readers);
		choose_word(writers);
		run cpu(0);
		run owner();
		run sleeper();
		run shut();
		run disarmer();
	};
end:
	atomic {
		timeout;
		assert(finished && shut_down);
		assert(told);
	};
}
