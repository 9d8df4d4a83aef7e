/* SPDX-License-Identifier: GPL-2.0 */
/*
 * No wake-up is lost between owners of mapped rings and who waits for them
 *
 * Written for mapped producers and for sleepers that wait for items. It is the
 * same for mapped consumers and sleepers that wait for room: tail is then head,
 * and readers is writers.
 *
 * OWNERS, ITEMS (of each owner), SLEEPERS, POLLERS: how many there are
 * SIGNALS: how many of the sleepers may be interrupted, once each
 * DEATHS: an owner may be killed anywhere; its mapping goes away with it
 *
 * What happens on the wait queue is kmod/wait.c's, but for the order in which
 * sleepers are woken: any.
 */
#ifndef OWNERS
#define OWNERS 1
#endif
#ifndef ITEMS
#define ITEMS 2
#endif
#ifndef SLEEPERS
#define SLEEPERS 0
#endif
#ifndef POLLERS
#define POLLERS 0
#endif
#ifndef SIGNALS
#define SIGNALS 0
#endif
#include "common.pml"

byte word;
byte claimed[OWNERS];	/* how many of its items have been taken */
byte finished;		/* owners that do nothing more */

/* Sleepers, as masks. */
bool queue_lock;
byte queued;		/* on the wait queue */
byte running;		/* TASK_RUNNING */
byte counted;		/* have one in COUNT, whoever takes it away */
byte woken;		/* chosen by a wake-up */
byte signalled;

/* Pollers, as masks. */
byte poll_queue;
byte events;		/* callback was called */

#define ready(o) (memory[TAIL(o)] > claimed[o])
#define value(o, pos) (1 + (o) * ITEMS + (pos))

inline take(o, got)
{
	d_step {
		if
		:: !got && ready(o) ->
			assert(memory[ITEM(o, claimed[o])] ==
			       value(o, claimed[o]));
			claimed[o]++;
			got = true;
		:: else -> skip;
		fi;
	};
}

/* One source after the other, as in mpmc_queue_take(). */
inline attempt(got)
{
	take(0, got);
#if OWNERS > 1
	take(1, got);
#endif
}

inline uncount(who)
{
	d_step {
		if
		:: counted & who ->
			counted = counted & ~who;
			/* Less than nothing where it was stored over. */
			if
			:: word & COUNT -> word--;
			:: else -> skip;
			fi;
		:: else -> skip;
		fi;
	};
}

/* Of those on the wait queue, wake one that sleeps: __wake_up(, 1). */
inline wake_one(who, tried)
{
	if
	:: queued == 0 -> skip;
	:: else ->
		atomic { !queue_lock -> queue_lock = true; };
		do
		:: atomic {
			if
			:: queued & ~tried & BIT(0) -> who = BIT(0);
			:: queued & ~tried & BIT(1) -> who = BIT(1);
			:: queued & ~tried & BIT(2) -> who = BIT(2);
			:: else -> break;
			fi;
			woken = woken | who;
		};
			/* Before it runs, and while its stack is there. */
#ifdef COUNT_TAKEN_UNSEEN
			d_step {
				counted = counted & ~who;
				if
				:: word & COUNT -> word--;
				:: else -> skip;
				fi;
			};
#else
			uncount(who);
#endif
			atomic {
				if
				:: !(running & who) ->
					running = running | who;
					queued = queued & ~who;
					break;
				:: else -> tried = tried | who;
				fi;
			};
		od;
		queue_lock = false;
		who = 0;
		tried = 0;
	fi;
}

/* Every poller is told, and polls again. */
inline wake_polls()
{
	events = events | poll_queue;
}

inline kick_polls(o)
{
#if POLLERS
	if
	:: word & POLLED ->
#ifdef POLLED_NO_SECOND_LOOK
		if
		:: poll_queue -> wake_polls();
		:: else -> word = word & ~POLLED;
		fi;
#else
		word = word & ~POLLED;
		if
		:: poll_queue -> set_armed(word, POLLED);
		:: else -> skip;
		fi;
#ifdef POLLED_TOLD_OF_WHAT_IS_LEFT
		if
		:: ready(o) -> wake_polls();
		:: else -> skip;
		fi;
#else
		wake_polls();
#endif
#endif
	:: else -> skip;
	fi;
#endif
	skip;
}

proctype owner(byte o)
{
	byte pos, see, who, tried;

	do
	:: pos == ITEMS -> break;
	:: else ->
		atomic {
			buffer[o]!ITEM(o, pos), value(o, pos);
			pos++;
			buffer[o]!TAIL(o), pos;
		};
#ifdef DEATHS
		if
		:: goto dead;
		:: skip;
		fi;
#endif
		see = word;
		if
		:: see == 0 -> goto next;
		:: else -> skip;
		fi;
#ifndef NO_FENCE
		fence(o);
#endif
		see = word;
#ifdef DEATHS
		if
		:: goto dead;
		:: skip;
		fi;
#endif
		if
		:: see & CALL ->
			fence(o);
			wake_one(who, tried);
			kick_polls(o);
		:: else -> skip;
		fi;
next:
		see = 0;
	od;
#ifdef DEATHS
	goto out;
dead:
	/* Its mapping goes: a kick, for all that there is. */
	fence(o);
#ifndef NO_KICK_FOR_THE_DEAD
	see = 0;
	do
	:: queued && see < memory[TAIL(o)] - claimed[o] ->
		wake_one(who, tried);
		see++;
	:: else -> break;
	od;
	see = 0;
	kick_polls(o);
#endif
out:
#endif
	pos = 0;
	finished = finished | BIT(o);
}

/* Chosen, and with something left for another one: waiter_pass_on(). */
inline pass_on(me, chosen, who, tried)
{
	d_step {
		chosen = (woken & me) != 0;
		woken = woken & ~me;
	};
#ifndef NO_PASSING_ON
	if
	:: chosen && ready(0) -> wake_one(who, tried);
#if OWNERS > 1
	:: chosen && !ready(0) && ready(1) -> wake_one(who, tried);
#endif
	:: else -> skip;
	fi;
#endif
	chosen = false;
}

inline announce(me)
{
	do
	:: counted & me -> break;
#ifdef COUNTED_UNARMED
	:: !(counted & me) && (word & ARMED) ->
		word++;
		counted = counted | me;
#else
	:: atomic { !(counted & me) && (word & ARMED) -> word++; };
		/* Only now: who takes it away takes this one. */
		counted = counted | me;
#endif
	:: else -> arm(word);
	od;
}

proctype sleeper(byte me)
{
	byte who, tried;
	bool got, chosen, leaving;

again:
	/*
	 * Not yet: after a wake-up for no reason he is still on the wait queue,
	 * and counted, but may be taken off the count until he enters again.
	 */
#ifdef COUNTED_BEFORE_ENTERING
	announce(me);
#endif
	/* prepare_to_wait_exclusive() */
	atomic {
		!queue_lock;
		queued = queued | me;
		running = running & ~me;
	};
#if !defined(COUNTED_AFTER_THE_LOOK) && !defined(COUNTED_BEFORE_ENTERING)
	announce(me);
#endif
	leaving = (signalled & me) != 0;
	attempt(got);
#ifdef COUNTED_AFTER_THE_LOOK
	announce(me);
#endif
	if
	:: got || leaving -> skip;
	:: else ->
		pass_on(me, chosen, who, tried);
end:
		/* schedule() */
		(running | signalled) & me;
		goto again;
	fi;
	/* finish_wait() */
	running = running | me;
	atomic { !(queued & me) || !queue_lock -> queued = queued & ~me; };
	uncount(me);
	pass_on(me, chosen, who, tried);
	/* To wait for the next one, or never again. */
	if
	:: got && !leaving -> got = false; goto again;
	:: got = false; leaving = false;
	fi;
}

/*
 * A signal or the deadline; or for no reason, which anybody has to expect; or
 * not at all, or no sleeper would be found asleep in the end.
 */
proctype interrupt(byte whom)
{
	atomic {
		if
		:: signalled = signalled | whom; running = running | whom;
		:: running = running | whom;
		:: skip;
		fi;
	};
}

proctype poller(byte me)
{
	bool got;

enter:
	poll_queue = poll_queue | me;
again:
	events = events & ~me;
#ifdef POLLED_AFTER_THE_LOOK
	attempt(got);
	set_armed(word, POLLED);
#else
	set_armed(word, POLLED);
	attempt(got);
#endif
	if
	:: got -> got = false;
	:: else ->
end:
		events & me;
		goto again;
	fi;
	poll_queue = poll_queue & ~me;
	if
	:: goto enter;
	:: skip;
	fi;
}

proctype disarmer()
{
end:
	do
	:: atomic { may_disarm(word) -> word = 0; }
	od
}

#define all_finished (finished == BIT(OWNERS) - 1)
#define item_left (ready(0) || (OWNERS > 1 && ready(OWNERS - 1)))
#define somebody_waits \
	(((BIT(SLEEPERS) - 1) & queued & ~(running | signalled)) || \
	 (poll_queue & ~events))

init {
	byte i;

	atomic {
		choose_word(word);
		running = BIT(SLEEPERS) - 1;
		for (i : 0 .. OWNERS - 1) {
			run cpu(i);
			run owner(i);
		}
		i = 0;
		do
		:: i < SLEEPERS ->
			run sleeper(BIT(i));
			if
			:: i < SIGNALS -> run interrupt(BIT(i));
			:: else -> skip;
			fi;
			i++;
		:: else -> break;
		od;
		i = 0;
		do
		:: i < POLLERS -> run poller(BIT(i)); i++;
		:: else -> break;
		od;
		run disarmer();
		i = 0;
	};
end:
	/* Nobody will do anything any more. */
	atomic {
		timeout;
		assert(all_finished);
		assert(!(item_left && somebody_waits));	/* LOST */
	};
}
