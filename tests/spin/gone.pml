/* SPDX-License-Identifier: MIT */
/*
 * gone.pml - a server is told of a call that is not made again (M8): the notes
 * of proc/port.c and proc/serve.c, on the ordinary way and straight.
 *
 * One caller makes CALLS calls, and two servers of one port answer them. Server
 * 1 is a child of server 0, and adopts at any moment the request that server 0
 * has in hand. KILLS servers get a SIGKILL at any point, and so does the
 * caller. Where these are defined,
 *
 *   LATER  a server may also say "not now"
 *   DOUBT  a third server has died with the first call in hand
 *
 * A note is there from when a server asks for one until it is freed. In the end
 * each call that may have been done and got no answer must have been told to be
 * gone, and no other; and each note that is left is a live server's.
 *
 * What is done under sched_lock is one step, and so is every access without it.
 * port.pml has all else that happens to a call. Every other #ifdef leaves
 * something out, and the search must then find an error: tests/spin/check.py
 * lists them.
 */
#define NS 2
#ifndef CALLS
#define CALLS 1
#endif
#ifndef KILLS
#define KILLS 1
#endif
#define NOTES 5 /* more than there can be at a time */

hidden byte two_hands, no_note, note_is_lost, freed_twice, used_free, leaked;
hidden byte note_is_an_event, not_told, told_of_an_answered, wrong_count;
hidden byte answered_in_doubt, never_taken, nobody;
#define CHECK(what, holds) assert((holds) || what)

#define NOBODY 0 /* else a number, plus 1 */
#define NONE   0 /* of notes and calls */

/* --- notes: struct remote ------------------------------------------------- */

bool used[NOTES + 1];
bool named[NOTES + 1]; /* its port is set */
byte token[NOTES + 1]; /* the call */
bool noted[NOTES + 1]; /* in port.notes */

/* --- the caller: struct proc, struct remote_call -------------------------- */

#define RUNNING 0
#define READY   1
#define BLOCKED 2
#define DEAD    3
byte state;
#define CALLERS 1
#define SERVED  2
#define WAITERS 3
byte place;
bool caller_killed;

byte server;
byte word; /* the union: a note's number, or EVENT */
#define EVENT (NOTES + 1)
bool in_doubt;
byte deaths;
bool error;
bool result;

byte made;  /* the call that it makes, NONE if there is none */
byte left = CALLS;
bool may_be_done;       /* a server has died with it, and none has answered */
bool answered[CALLS + 1];
bool lost[CALLS + 1];   /* it may have been done, and no server will answer */
bool told[CALLS + 1];

/* --- servers -------------------------------------------------------------- */

#define SERVES 1
#define IDLE   2
#define GONE   3
byte condition[NS];
bool client[NS];
bool owes[NS];
byte spare[NS];
bool killed[NS];
byte request[NS];   /* the call that it was told of last */
bool alone[NS];     /* the caller has left that call */
bool was_done[NS];  /* that call may have been done before */

/* --- the port ------------------------------------------------------------- */

bool is_served = true;
bool raised;
byte holders = NS;
byte refs = 1; /* the caller's file, and notes */
byte kills = KILLS;

#include "notes.pml"

/* --- hands ---------------------------------------------------------------- */

inline wake_idle()
{
	for (i : 0 .. NS - 1) {
		if
		:: condition[i] == IDLE -> condition[i] = SERVES
		:: else
		fi
	}
	i = 0
}

inline wake()
{
	place = 0;
	state = READY
}

inline put_in_hand(s)
{
	CHECK(two_hands, !client[s] && server == NOBODY);
	client[s] = true;
	owes[s] = true;
	server = s + 1;
	request[s] = made
}

/* port_let_go */
inline let_go(s)
{
	CHECK(two_hands, server == s + 1 && client[s]);
	client[s] = false;
	server = NOBODY;
	if
	:: place == CALLERS -> wake_idle()
	:: else
	fi
}

/* port_empty_hand: `waits` says whether a caller waits for a reply. */
inline empty_hand(s)
{
	waits = client[s] && state == BLOCKED;
	if
	:: client[s] -> let_go(s)
	:: else
	fi
}

inline put_first()
{
	place = CALLERS;
	wake_idle()
}

/* Nothing is owed any more: the request that its caller left is over. */
inline hand_is_over(s, done)
{
	if
	:: alone[s] && !done -> lost[request[s]] = true
	:: else
	fi;
	alone[s] = false;
	was_done[s] = false
}

/* reply.c: deliver; or the answer of fast_reply.c */
inline deliver(s, later)
{
	may_be_done = may_be_done && !client[s];
	empty_hand(s);
	answered[request[s]] = answered[request[s]] ||
	    (owes[s] && !(waits && later));
	if
	:: waits ->
		CHECK(answered_in_doubt, !in_doubt);
		deaths = 0;
		if
		:: later -> word = EVENT
		:: else -> result = true
		fi;
		wake()
	:: else
	fi;
	hand_is_over(s, true);
	owes[s] = false;
	waits = false
}

/* port_refuse */
inline refuse(s, fault)
{
	atomic {
		empty_hand(s);
		if
#ifdef REFUSED_BEGINS_ANEW
		:: waits && !fault -> wake()
#else
		:: waits && !fault && in_doubt -> put_first()
		:: waits && !fault && !in_doubt -> wake()
#endif
		:: waits && fault -> error = true; wake()
		:: else
		fi;
		hand_is_over(s, !was_done[s]);
		owes[s] = false;
		waits = false
	}
	keep_spare(s)
}

/* port_leave */
inline port_leave(s)
{
	atomic {
		condition[s] = GONE;
		owes[s] = false;
		may_be_done = may_be_done || client[s];
#ifdef LEAVE_LETS_GO_FIRST
		empty_hand(s);
		use_spare(s);
#else
		use_spare(s);
		empty_hand(s);
#endif
		if
		:: waits ->
			deaths++;
			if
			:: deaths == 2 || !is_served -> wake()
			:: else -> put_first()
			fi
		:: else
		fi;
		hand_is_over(s, false);
		waits = false;
		free(n)
	}
}

/* port_adopt, of a server with nothing in hand: does it take something over? */
inline adopt(from, to)
{
	atomic {
		if
		:: condition[from] == GONE -> goto next
		:: else
		fi;
		if
#ifndef ADOPTS_WITHOUT_REQUEST
		:: !owes[from] -> goto next
#endif
#ifndef ADOPTS_IN_DOUBT
		:: owes[from] && client[from] && in_doubt -> goto next
#endif
		:: else
		fi;
		owes[to] = owes[from];
		owes[from] = false;
#ifndef SPARE_IS_NOT_ADOPTED
		n = spare[from];
		spare[from] = spare[to];
#ifdef SPARE_OF_BOTH
		spare[from] = n;
#endif
		spare[to] = n;
		n = NONE;
#endif
		alone[to] = alone[from];
		was_done[to] = was_done[from];
		request[to] = request[from];
		alone[from] = false;
		was_done[from] = false;
		if
		:: client[from] ->
			let_go(from);
			put_in_hand(to)
		:: else
		fi;
		if
		:: owes[to]
		:: else -> goto next
		fi
	}
}

/* --- the caller ----------------------------------------------------------- */

/* remote_abandon: the call has ended, or its caller has. */
inline abandon()
{
	atomic {
		if
		:: made != NONE && !result && server != NOBODY ->
			alone[server - 1] = true;
			was_done[server - 1] = may_be_done
		:: made != NONE && !result && server == NOBODY && may_be_done ->
			lost[made] = true
		:: else
		fi;
#ifdef ABANDON_LETS_GO_FIRST
		if
		:: server != NOBODY -> s = server - 1; let_go(s); s = 0
		:: else
		fi;
		call_is_gone(n);
#else
		call_is_gone(n);
		if
		:: server != NOBODY -> s = server - 1; let_go(s); s = 0
		:: else
		fi;
#endif
		word = NONE;
		error = false;
		result = false;
		deaths = 0;
		may_be_done = false;
		made = NONE;
		free(n)
	}
}

/* fast_port.c: ask */
inline ask_straight(q)
{
	server == NOBODY && is_served && condition[q] == IDLE &&
	    !(condition[0] == IDLE && condition[1] == IDLE) ->
		put_in_hand(q);
		place = SERVED;
		state = BLOCKED;
		condition[q] = SERVES
}

proctype Caller()
{
	byte s, n, i;
	bool due;

	if
	:: made != NONE -> goto blocked
	:: else
	fi;
user_mode:
	atomic {
		if
		:: caller_killed || left == 0 -> goto end
		:: else
		fi;
		left--;
		made = CALLS - left;
		if
		:: ask_straight(0); goto blocked
		:: ask_straight(1); goto blocked
		:: true
		fi
	}
execute:
	/* ask */
	atomic {
		if
		:: server != NOBODY -> s = server - 1; let_go(s); s = 0
		:: else
		fi;
		if
		:: caller_killed -> goto end
		:: !caller_killed && (error || !is_served || deaths == 2) ->
			goto call_ends
		:: else
		fi;
		CHECK(note_is_an_event, !in_doubt);
		state = BLOCKED;
		if
		:: word == EVENT && !raised -> place = WAITERS
		:: else -> word = NONE; place = CALLERS; wake_idle()
		fi
	}
blocked:
end_blocked:
	atomic {
		state == READY ->
		state = RUNNING;
		if
		:: caller_killed -> goto end
		:: !caller_killed && !result -> goto execute
		:: else
		fi
	}
call_ends:
	abandon();
	goto user_mode;
end:
	abandon();
	state = DEAD
}

/* --- a server ------------------------------------------------------------- */

#define DIES_IF_KILLED \
	if \
	:: killed[s] -> goto die \
	:: else \
	fi

proctype Server(byte s)
{
	byte n, i;
	bool waits, doubt;

next:
	DIES_IF_KILLED;
	if
	:: true
	/* Instead of port_next, port_adopt. */
	:: s == 1 && !owes[1] -> adopt(0, 1)
	fi;
	need_spare(s);
	if
	:: owes[s] ->
#ifdef KEPT_BEFORE_THE_ANSWER
		keep_spare(s);
#endif
		if
		:: atomic { deliver(s, false) }
#ifdef LATER
		:: atomic { deliver(s, true) }
#endif
		fi;
#ifndef KEPT_BEFORE_THE_ANSWER
		keep_spare(s)
#endif
	:: else
	fi;
	/* port_take */
	atomic {
		for (i : 1 .. NOTES) {
			if
			:: noted[i] -> n = i
			:: else
			fi
		}
		i = 0;
		if
#ifndef TAKEN_WITHOUT_SPARE
		:: spare[s] == NONE -> n = NONE; goto next
#endif
		:: spare[s] != NONE && n != NONE ->
			/*
			 * The server asks for the next request when it has read
			 * the note.
			 */
			noted[n] = false;
			told[token[n]] = true;
			free(n);
			goto next
		:: spare[s] != NONE && n == NONE && place != CALLERS ->
			if
			:: killed[s] -> goto die
			:: else -> condition[s] = IDLE; goto idle
			fi
		:: else ->
			put_in_hand(s);
			place = SERVED;
			doubt = in_doubt
		fi
	}
	/* Copies the bytes that come along. */
	if
	:: refuse(s, false); doubt = false; goto next
	:: refuse(s, true); doubt = false; goto next
	:: true
	fi;
#ifndef DOUBT_DOES_NOT_END
	if
	:: doubt ->
		/* end_doubt */
#ifdef DOUBT_ENDS_WITHOUT_LOCK
		if
		:: client[s]
		:: else -> doubt = false; goto user_mode
		fi;
#endif
		atomic {
			if
#if defined(DOUBT_OF_NOBODY) || defined(DOUBT_ENDS_WITHOUT_LOCK)
			:: true ->
#else
			:: client[s] ->
#endif
				CHECK(nobody, client[s]);
				in_doubt = false;
				n = word;
				word = NONE
			:: else
			fi;
			doubt = false;
			free(n)
		}
	:: else
	fi;
#endif
user_mode:
	DIES_IF_KILLED;
	if
	:: true
	/* fast_reply.c: there is no other request, and no note has come. */
	:: atomic { client[s] && state == BLOCKED && !killed[s] &&
	    !noted[1] && !noted[2] && !noted[3] && !noted[4] && !noted[5] ->
		deliver(s, false);
		condition[s] = IDLE;
		goto idle }
	fi;
	goto next;
idle:
end_idle:
	atomic {
		condition[s] == SERVES ->
		if
		:: client[s] -> goto user_mode
		:: else -> goto next
		fi
	}
die:
	/* proc_exit */
	port_leave(s);
	/* port_close, port_clear_part */
	atomic {
		holders--;
		if
		:: holders == 0 ->
			is_served = false;
			if
			:: place != 0 -> wake()
			:: else
			fi;
			for (i : 1 .. NOTES) {
				if
				:: noted[i] -> noted[i] = false; n = i; free(n)
				:: else
				fi
			}
			i = 0
		:: else
		fi
	}
}

/* --- others --------------------------------------------------------------- */

#define LIVES(q) (condition[q] == SERVES || condition[q] == IDLE)

inline kill_server(q)
{
	kills > 0 && LIVES(q) && !killed[q] ->
		kills--;
		killed[q] = true;
		condition[q] = SERVES
}

/* SIGKILL, or no more of them; and something has come. */
proctype World()
{
	bool has_killed;

	do
	:: atomic { kill_server(0) }
	:: atomic { kill_server(1) }
	:: atomic { !has_killed && state != DEAD ->
		has_killed = true;
		caller_killed = true;
		if
		:: state == BLOCKED -> wake()
		:: else
		fi }
#ifdef LATER
	:: atomic { !raised ->
		raised = true;
		if
		:: place == WAITERS -> wake()
		:: else
		fi }
#endif
	:: break
	od
}

/* Checks the state when nothing happens any more. */
proctype Judge()
{
	byte i, spares;

end_judge:
	timeout;
	atomic {
		CHECK(never_taken, state == DEAD || (place == WAITERS && !raised));
		for (i : 0 .. NS - 1) {
			if
			:: spare[i] != NONE ->
				CHECK(leaked, condition[i] == IDLE);
				spares++
			:: else
			fi
		}
		for (i : 1 .. NOTES) {
			CHECK(leaked, !noted[i]);
			if
			:: used[i] -> spares--
			:: else
			fi
		}
		CHECK(leaked, spares == 0);
		CHECK(wrong_count, refs == 1);
		for (i : 1 .. CALLS) {
			CHECK(not_told, !lost[i] || told[i] || !is_served)
		}
	}
}

init
{
	byte i;

	atomic {
#ifdef DOUBT
		left--;
		made = 1;
		used[1] = true;
		word = 1;
		in_doubt = true;
		may_be_done = true;
		deaths = 1;
		state = BLOCKED;
		place = CALLERS;
#endif
		for (i : 0 .. NS - 1) {
			condition[i] = SERVES;
			run Server(i)
		}
		i = 0;
		run Caller();
		run World();
		run Judge()
	}
}
