/* SPDX-License-Identifier: MIT */
/*
 * port.pml - calls on files of a server: proc/port.c, proc/remote.c and
 * proc/serve.c, with the signals, deaths and closings that come in between.
 *
 * NC callers, each with a space, a hart whenever it is ready, and a descriptor
 * of its file, make CALLS calls together; NS servers of one port answer them.
 * Where these are defined,
 *
 *   SHARED  all callers have the same file, and with it the position
 *   LEND    a call comes with bytes, and a reply takes bytes along
 *   LATER   a server may have to say "not now"
 *   OPENS   one reply is a descriptor, which may find no room
 *   KEEP    one server, which forks in each request and stays behind: NS copies
 *           at a time
 *   LEAVES  a server may end by itself, or let go of the port
 *
 * KILLS servers and CALLER_KILLS callers get a SIGKILL at any point, and a
 * caller gets SIGNALS signals with a handler. In the end no call may be left,
 * no file may be missing or be there twice, and the server must have been told
 * of each that was closed.
 *
 * What is done under sched_lock is one step, and so is every access without it.
 * Every other #ifdef leaves something out, and the search must then find an
 * error: tests/spin/check.py lists them.
 */
#ifndef NC
#define NC 1
#endif
#ifndef NS
#define NS 2
#endif
#ifndef CALLS
#define CALLS 2
#endif
#ifndef KILLS
#define KILLS 0
#endif
#ifndef CALLER_KILLS
#define CALLER_KILLS 0
#endif
#ifndef SIGNALS
#define SIGNALS 0
#endif
#ifdef SHARED
#define FILES  2
#define OPENED 1
#define FILE(c) 0
#else
#define FILES  (NC + 1)
#define OPENED NC
#define FILE(c) (c)
#endif

hidden byte two_hands, touched_awake, touched_running, use_after_free;
hidden byte interrupted, not_the_first, another_id, too_many_deaths, wrong_eio;
hidden byte two_results, no_result, old_position, made_twice, lost_effect;
hidden byte told_twice, not_told, leaked, freed_twice, woken_twice;
hidden byte lost_signal, note_for_ever, killed_waits, note_is_lost, no_service;
#define CHECK(what, holds) assert((holds) || what)

#define NOBODY 0 /* else a number, plus 1 */

/* --- a caller: struct proc, struct remote_call ---------------------------- */

#define RUNNING 0
#define READY   1
#define BLOCKED 2
#define DEAD    3
byte state[NC];

/* Its place: port.callers, served or waiters. */
#define CALLERS 1
#define SERVED  2
#define WAITERS 3
byte place[NC];
byte first; /* the first of two callers in port.callers */

bool calls[NC]; /* call.state */
bool holds[NC]; /* call.on_signal is SIGNAL_HELD */
byte server[NC];
bool events[NC];
byte deaths[NC];
byte died[NC]; /* how many servers really died with the call */
bool error[NC];
bool opened[NC];
byte id[NC];
byte next_id;

#define HANDLED 1
#define KILL    2
byte pending[NC];
bool work[NC];
#define HOLDS_SIGNALS(c) (calls[c] && holds[c] && (pending[c] & KILL) == 0)

/* aspace.runner: none, the caller's own hart, or a server's. */
#define OWN       1
#define HART_OF(s) (2 + (s))
byte runner[NC];
bool touched[NC]; /* a server copies from or to it */

#define DONE   1
#define EIO    2
#define EFAULT 3
#define EINTR  4
#define FD     5
#define EMFILE 6
byte result[NC];

/* The call that each caller makes. */
byte made[NC];        /* its serial number, 0 if there is none */
byte told_id[NC];     /* the id that a server was told for it */
bool may_be_done[NC]; /* a server has died with it, and none has answered */
bool orphan[NC];      /* a server has died with it, and none taken it since */
byte next_serial;
byte left = CALLS;

/* --- a server ------------------------------------------------------------- */

#define ABSENT 0
#define SERVES 1
#define IDLE   2 /* on port.idle */
#define GONE   3
byte condition[NS];
byte client[NS];
bool owes[NS];
byte note[NS];
bool exiting[NS];
bool killed[NS];
byte parent[NS];
byte kept[NS]; /* the server that it took over from */
byte did[NS];  /* the calls that its memory knows of */
byte done_id[NS]; /* the id of the last one */
byte asked_id[NS];
byte seen[NS]; /* the position that it was told */
byte request[NS]; /* the call that it was told of last */

/* --- the port and its files ----------------------------------------------- */

bool is_served = true;
bool raised;
bool data; /* what the event stands for */
byte holders;  /* descriptors of the port */
byte port_refs = 1;
byte position;
bool is_in_hand[FILES];
byte descriptors[FILES];
byte note_deaths[FILES];
bool noted[FILES];    /* in port.notes */
bool was_opened;
bool was_freed[FILES];
bool was_told[FILES];
bool was_dropped[FILES]; /* no server is left, or two died with the note */
byte answered;           /* the calls that have a result of a server's */
byte kills = KILLS;
byte caller_kills = CALLER_KILLS;
byte signals = SIGNALS;

#if NC == 2
#define OTHER(c) (1 - (c))
#define OTHER_CALLS(c) (place[OTHER(c)] == CALLERS)
#else
#define OTHER(c) 0
#define OTHER_CALLS(c) false
#endif
#define SOMEBODY_CALLS (place[0] == CALLERS || place[NC - 1] == CALLERS)
#define CAN_BE_TAKEN(c) (place[c] == CALLERS && !FILE_IS_IN_HAND(c))
#ifdef FILE_IN_TWO_HANDS
#define FILE_IS_IN_HAND(c) false
#else
#define FILE_IS_IN_HAND(c) is_in_hand[FILE(c)]
#endif
#ifdef DEATH_HOLDS_NO_SIGNAL
#define HELD_AFTER_DEATH false
#else
#define HELD_AFTER_DEATH true
#endif
#ifdef CLOSED_PORT_IS_ASKED
#define IS_SERVED true
#else
#define IS_SERVED is_served
#endif
#ifdef KEEP
#define KEEPS true
#else
#define KEEPS false
#endif
/* The call has been passed on, and nothing keeps it from being taken. */
#define WAS_FIRST(c) (orphan[c] && (pending[c] & KILL) == 0 && \
    !is_in_hand[FILE(c)])

#include "hands.pml"

/* --- a caller ------------------------------------------------------------- */

proctype Caller(byte c)
{
	byte f, i;
	bool noting;

user_mode:
	if
	:: work[c] -> goto before_user
	:: atomic { made[c] != 0 ->
		/* The call has come back. */
		CHECK(no_result, result[c] != 0);
		CHECK(two_hands, server[c] == NOBODY);
		CHECK(wrong_eio, result[c] != EIO || !is_served || deaths[c] == 2);
		if
		:: result[c] == FD -> f = 1
		:: else
		fi;
		result[c] = 0;
		made[c] = 0;
		told_id[c] = 0;
		may_be_done[c] = false;
		deaths[c] = 0;
		died[c] = 0;
		id[c] = 0 }
		if
		:: f == 1 -> f = 0; close_remote(OPENED)
		:: else
		fi;
		goto user_mode
	:: atomic { made[c] == 0 && left > 0 && !work[c] ->
		left--;
		next_serial++;
		made[c] = next_serial;
		printf("caller %d: call %d\n", c, made[c]) }
	:: atomic { made[c] == 0 && left == 0 && !work[c] -> goto end }
	fi;
execute:
	/* remote_go_on */
	if
	:: opened[c] ->
		/* fd_install */
		if
		:: atomic { opened[c] = false; result[c] = FD; calls[c] = false }
		:: atomic { result[c] = EMFILE; calls[c] = false }
			give_back(c)
		fi;
		goto before_user
	:: else
	fi;
	atomic { ask(c) }
	if
	:: state[c] == RUNNING && result[c] != 0 ->
		calls[c] = false;
		give_back(c)
	:: state[c] == RUNNING && result[c] == 0
	:: else -> goto schedule
	fi;
before_user:
	if
	:: work[c] && !HOLDS_SIGNALS(c) ->
		work[c] = false;
		if
		:: pending[c] & KILL -> goto end
		:: atomic { (pending[c] & KILL) == 0 && (pending[c] & HANDLED) ->
			pending[c] = pending[c] & ~HANDLED }
			/* call_interrupt */
			if
			:: !calls[c]
			:: atomic { calls[c] ->
				CHECK(interrupted, !may_be_done[c]);
				printf("caller %d: is interrupted\n", c);
				result[c] = EINTR; /* or the call begins again */
				calls[c] = false }
				give_back(c)
			fi
		:: else
		fi;
		goto before_user
	:: else
	fi;
	if
	:: calls[c] -> goto execute
	:: else -> goto user_mode
	fi;
schedule:
	/* The hart leaves the space, and the next one comes into it. */
	runner[c] = NOBODY;
	atomic { state[c] == READY -> state[c] = RUNNING }
	atomic {
#ifndef RUN_WITHOUT_CLAIM
		runner[c] == NOBODY ->
#endif
		runner[c] = OWN;
		CHECK(touched_running, !touched[c])
	}
	goto before_user;
end:
	/* proc_exit, and the end of its memory and its descriptor */
	calls[c] = false;
	give_back(c);
	runner[c] = NOBODY;
	if
	:: result[c] == FD -> close_remote(OPENED)
	:: else
	fi;
	close_remote(FILE(c));
	atomic {
		printf("caller %d: is gone\n", c);
		CHECK(use_after_free, server[c] == NOBODY && place[c] == 0);
		state[c] = DEAD;
		pending[c] = 0;
		work[c] = false;
		made[c] = 0;
		told_id[c] = 0;
		result[c] = 0;
		may_be_done[c] = false;
		deaths[c] = 0;
		died[c] = 0;
		id[c] = 0;
		holds[c] = false
	}
}

/* --- a server ------------------------------------------------------------- */

#define LIVES(s) (condition[s] == SERVES || condition[s] == IDLE)
#if NS == 4
#define HAS_ROOM !(LIVES(0) && LIVES(1) && LIVES(2) && LIVES(3))
#else
#define HAS_ROOM !(LIVES(0) && LIVES(1) && LIVES(NS - 1))
#endif

/* call_wait_locked */
#define wait_idle(s) \
	if \
	:: killed[s] -> goto die \
	:: else -> condition[s] = IDLE \
	fi; \
	goto idle

#define DIES_IF_KILLED \
	if \
	:: killed[s] -> goto die \
	:: else \
	fi

proctype Server(byte s; bool adopts)
{
	byte c, f, i, child;
	bool has_file, noting, closed;

#ifdef KEEP
	if
	:: adopts ->
		DIES_IF_KILLED;
		adopt(s);
		goto reply
	:: else
	fi;
#endif
next:
	/* port_next, with nothing in hand */
	DIES_IF_KILLED;
#ifdef LEAVES
	if
	:: goto die
	:: close_port(s); closed = true; goto die
	:: true
	fi;
#endif
	if
	:: note[s] != NOBODY -> note_done(s, true)
	:: else
	fi;
look:
	atomic {
		if
		:: noted[0] -> take_note(s, 0)
		:: noted[1] && !noted[0] -> take_note(s, 1)
#if FILES == 3
		:: noted[2] && !noted[0] && !noted[1] -> take_note(s, 2)
#endif
		:: else -> next_caller();
#ifdef TAKEN_WITHOUT_LOCK
		fi
	}
	atomic {
		if
		:: note[s] != NOBODY
		:: else ->
#endif
			if
			:: c == NC ->
				c = 0;
#ifdef SERVER_WAITS_LATE
				goto wait
#else
				wait_idle(s)
#endif
#if defined(LEND) && !defined(LEND_LOOKS_AT_NOTHING)
			:: c < NC && runner[c] != NOBODY -> c = 0; goto next
#endif
			:: else
			fi;
			CHECK(not_the_first, orphan[c] || !WAS_FIRST(OTHER(c)));
			take(s, c);
			unqueue(c);
			place[c] = SERVED;
#ifndef TAKEN_IS_INTERRUPTED
			holds[c] = true;
#endif
#ifdef LEND
			claim(s, c);
#endif
			describe(s, c)
		fi
	}
	if
	:: note[s] != NOBODY -> goto next
	:: else
	fi;
#ifdef LEND
	/* Copies the bytes that come along. */
	leave(c);
	c = 0;
	if
	:: refuse(s, true); owes[s] = false; goto next
	:: refuse(s, false); owes[s] = false; goto next
	:: true
	fi;
#else
	c = 0;
#endif
#ifdef KEEP
	atomic {
		if
		:: asked_id[s] == done_id[s] -> goto reply
		:: else
		fi;
		CHECK(made_twice, (did[s] & 1 << request[s]) == 0);
		did[s] = did[s] | 1 << request[s];
		done_id[s] = asked_id[s]
	}
	DIES_IF_KILLED;
	/* port_keep: stay_behind */
	do
	:: atomic {
		HAS_ROOM ->
		do
		:: child < NS && LIVES(child) -> child++
		:: else -> break
		od;
		condition[child] = SERVES;
		did[child] = did[s];
		done_id[child] = done_id[s];
		asked_id[child] = asked_id[s];
		seen[child] = seen[s];
		request[child] = request[s];
		parent[child] = s + 1;
		kept[child] = kept[s];
		holders++;
		printf("server %d: stays behind for %d\n", s, child);
		run Server(child, true)
	   }
end_behind:
		atomic {
			if
			:: killed[s] -> goto die
			:: !killed[s] && parent[child] != s + 1 -> child = 0
			fi
		}
	od;
#endif
reply:
	DIES_IF_KILLED;
	if
	:: !owes[s] -> goto next
#ifdef LEAVES
	/* close, with a request in hand */
	:: owes[s] ->
		close_port(s);
		closed = true;
		if
		:: goto die
		:: holders == 0 ->
end_keeps_hand:		(killed[s]);
			goto die
		fi
#endif
	:: owes[s]
	fi;
#ifdef LATER
	/* A call that cannot be done now is answered with an event. */
	if
	:: !data ->
		DIES_IF_KILLED;
		atomic {
			empty_hand(s, c);
			if
			:: c != NOBODY ->
				c--;
				may_be_done[c] = false;
				events[c] = true;
				wake(c)
			:: else
			fi;
			c = 0;
			owes[s] = false
		}
		goto next
	:: data
	fi;
#endif
	if
	:: true
#ifdef LEND
	/* send_part */
	:: true ->
lend:		DIES_IF_KILLED;
		atomic {
			c = client[s];
			if
			:: c == NOBODY -> goto answer
			:: c != NOBODY && state[c - 1] != BLOCKED -> c = 0; goto answer
#ifndef LEND_LOOKS_AT_NOTHING
			:: c != NOBODY && state[c - 1] == BLOCKED &&
			    runner[c - 1] != NOBODY -> c = 0; goto lend
#endif
			:: else -> c--; claim(s, c)
			fi
		}
		leave(c);
		c = 0;
		if
		:: refuse(s, true)
		:: true
		fi
#endif
#ifdef OPENS
	:: atomic { !was_opened ->
		was_opened = true;
		has_file = true;
		descriptors[OPENED] = 1;
#ifndef FILE_WITHOUT_COUNT
		port_refs++
#endif
	   }
#endif
	fi;
answer:
#ifdef LATER
	/* The server has what it was asked for, and lowers the event. */
	if
	:: atomic { data -> data = false; raised = false }
	:: !data -> goto reply
	fi;
#endif
	atomic {
		empty_hand(s, c);
		if
		:: c != NOBODY -> c--; answer_caller(s, c); has_file = false
		:: else
		fi;
		c = 0;
		owes[s] = false
	}
	if
	:: has_file -> has_file = false; close_remote(OPENED)
	:: else
	fi;
	goto next;
#ifdef SERVER_WAITS_LATE
wait:
	atomic { wait_idle(s) }
#endif
idle:
end_idle:
	atomic { condition[s] == SERVES -> goto next }
die:
	/* proc_exit */
	exiting[s] = true;
	owes[s] = false;
	port_leave(s);
	note_done(s, false);
	if
	:: !closed -> close_port(s)
	:: else
	fi;
	atomic {
		printf("server %d: is gone\n", s);
		CHECK(use_after_free, client[s] == NOBODY && note[s] == NOBODY);
		for (f : 0 .. NS - 1) {
			if
			:: parent[f] == s + 1 -> parent[f] = NOBODY
			:: else
			fi
		}
		f = 0;
		condition[s] = GONE;
		parent[s] = NOBODY;
		kept[s] = 0;
		exiting[s] = false;
		killed[s] = false;
		did[s] = 0;
		done_id[s] = 0;
		asked_id[s] = 0;
		request[s] = 0;
		seen[s] = 0
	}
}

#include "others.pml"

init
{
	byte i;

	atomic {
		for (i : 0 .. NC - 1) {
			descriptors[FILE(i)]++;
			runner[i] = OWN;
			run Caller(i)
		}
#ifdef KEEP
		condition[0] = SERVES;
		holders = 1;
		run Server(0, false);
#else
		for (i : 0 .. NS - 1) {
			condition[i] = SERVES;
			run Server(i, false)
		}
		holders = NS;
#endif
#ifdef SHARED
		port_refs = 2;
#else
		port_refs = NC + 1;
#endif
		i = 0;
#ifdef LATER
		run Arrival();
#endif
		run World();
		run Judge()
	}
}
