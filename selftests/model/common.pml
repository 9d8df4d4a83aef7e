/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the models share: memory behind store buffers, and a queue's word
 *
 * An owner is a process in userspace that stores into a mapped ring. Its stores
 * go into the store buffer of its CPU, oldest first out, and reach memory some
 * time later: TSO. (Where stores may pass each other, a release keeps an item
 * before its tail; litmus/publish.litmus.) Of what it loads, the word, it
 * stores nothing, so there is nothing to forward from the buffer.
 *
 * The kernel's part goes to memory at once: all that matters here are atomic
 * RMWs that are fully ordered, or happens under a lock and before a full
 * barrier. litmus/ has what that rests on.
 *
 * A fence, and the heavy barrier's interrupt as well, is over at a moment at
 * which the buffer is empty. As anything may drain at any time, that is all
 * there is to them.
 */

/* The word; SLEEPERS are few here. */
#define COUNT 7
#define POLLED 8
#define SHUTDOWN 16
#define ARMING 32
#define ARMED 64
#define CALL (COUNT | POLLED | SHUTDOWN)

/* Sets of processes and of positions are masks. */
#define BIT(n) (1 << (n))

#define TAIL(o) (o)
#define ITEM(o, pos) (OWNERS + (o) * ITEMS + (pos))

byte memory[OWNERS * (1 + ITEMS)];
chan buffer[OWNERS] = [2 * ITEMS] of { byte, byte };
byte interrupted;	/* CPUs that the heavy barrier waits for */
bool arm_lock;

/* What the CPU of an owner does behind its back. */
proctype cpu(byte o)
{
	byte where, what;

end:
	do
	:: atomic {
		buffer[o]?where, what;
		memory[where] = what;
		where = 0;
		what = 0;
	}
	:: atomic {
		(interrupted & BIT(o)) && empty(buffer[o]);
		interrupted = interrupted & ~BIT(o);
	}
	od
}

inline fence(o)
{
	empty(buffer[o]);
}

inline heavy_barrier()
{
#ifndef NO_HEAVY_BARRIER
	interrupted = BIT(OWNERS) - 1;
	interrupted == 0;
#else
	skip;
#endif
}

/* A new word is hot, or was left armed. */
inline choose_word(word)
{
	if
	:: word = 0;
	:: word = ARMED;
	fi;
}

inline arm(word)
{
	atomic { !arm_lock -> arm_lock = true; };
	if
	:: word & ARMED -> skip;
	:: else ->
#ifdef ARMED_TOO_EARLY
		word = word | ARMED;
		heavy_barrier();
#else
		word = word | ARMING;
		heavy_barrier();
		word = (word | ARMED) & ~ARMING;
#endif
	fi;
	arm_lock = false;
}

/*
 * Set a flag, in one compare-and-exchange with the look at ARMED: else the word
 * might be disarmed between the two, and owners go without a fence.
 */
inline set_armed(word, flag)
{
	do
	:: atomic { word & ARMED -> word = word | flag; };
		break;
	:: else -> arm(word);
	od;
}

/* Without an item for long enough, or not: any time will do. */
#ifdef DISARM_IGNORES_COUNT
#define may_disarm(word) (word & ARMED)
#else
#define may_disarm(word) (word == ARMED)
#endif
