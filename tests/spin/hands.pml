/* SPDX-License-Identifier: MIT */
/*
 * hands.pml - part of port.pml: queues, hands and notes, which are changed
 * under sched_lock.
 */

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

/* Takes a caller out of port.callers. */
inline unqueue(c)
{
	if
	:: place[c] == CALLERS && OTHER_CALLS(c) -> first = OTHER(c)
	:: place[c] == CALLERS && !OTHER_CALLS(c) -> first = 0
	:: else
	fi;
	place[c] = 0
}

inline push_front(c)
{
	place[c] = CALLERS;
	first = c
}

inline push_back(c)
{
	if
	:: OTHER_CALLS(c)
	:: else -> first = c
	fi;
	place[c] = CALLERS
}

/* sched_wake */
inline wake(c)
{
	CHECK(woken_twice, state[c] == BLOCKED);
	unqueue(c);
	state[c] = READY
}

/* signal_send, to processes of servers and of callers. */
inline kill_server(q)
{
	printf("server %d: SIGKILL\n", q);
	killed[q] = true;
	if
	:: condition[q] == IDLE -> condition[q] = SERVES
	:: else
	fi
}

inline send(c, sig)
{
	printf("caller %d: signal %d\n", c, sig);
	pending[c] = pending[c] | sig;
	work[c] = true;
	if
#ifdef KILL_WAITS_FOR_REPLY
	:: state[c] == BLOCKED && !holds[c] -> wake(c)
#else
	:: state[c] == BLOCKED && (!holds[c] || sig == KILL) -> wake(c)
#endif
	:: else
	fi
}

/* --- files ----------------------------------------------------------------- */

inline port_put()
{
	CHECK(freed_twice, port_refs > 0);
	port_refs--
}

inline remote_free(f)
{
	CHECK(freed_twice, !was_freed[f] && !noted[f]);
	was_freed[f] = true;
	port_put()
}

/* A descriptor is closed: file_put, remote_close. */
inline close_remote(f)
{
	if
	:: atomic { descriptors[f] > 1 -> descriptors[f]-- }
	:: atomic { descriptors[f] == 1 ->
		descriptors[f] = 0;
#ifdef CLOSE_LOOKS_FIRST
		noting = is_served
	   }
	   atomic {
#else
	   }
	   atomic {
		noting = is_served;
#endif
		CHECK(use_after_free, port_refs > 0);
		if
		:: noting ->
			noted[f] = true;
#ifndef CLOSE_WAKES_NOBODY
			wake_idle()
#endif
		:: else -> remote_free(f)
		fi;
		noting = false }
	fi
}

/* --- hands ----------------------------------------------------------------- */

inline take(s, c)
{
	CHECK(two_hands, client[s] == NOBODY && server[c] == NOBODY);
	CHECK(two_hands, !is_in_hand[FILE(c)]);
	client[s] = c + 1;
	owes[s] = true;
	server[c] = s + 1;
	is_in_hand[FILE(c)] = true
}

/* port_let_go */
inline let_go(s)
{
	CHECK(two_hands, server[client[s] - 1] == s + 1);
	CHECK(use_after_free, state[client[s] - 1] != DEAD);
	server[client[s] - 1] = NOBODY;
#ifndef FILE_STAYS_IN_HAND
	is_in_hand[FILE(client[s] - 1)] = false;
#endif
	client[s] = NOBODY;
	if
#ifndef LET_GO_WAKES_NOBODY
	:: SOMEBODY_CALLS -> wake_idle()
#endif
	:: else
	fi
}

/* Sets `c` to the caller that waits for a reply, plus 1, or to NOBODY. */
inline empty_hand(s, c)
{
	c = client[s];
	if
	:: c != NOBODY ->
		let_go(s);
		if
#ifndef ANSWER_LOOKS_AT_NOTHING
		:: state[c - 1] != BLOCKED -> c = NOBODY
#endif
		:: else
		fi
	:: else
	fi
}

/* next_caller: NC if there is none. */
inline next_caller()
{
	if
	:: CAN_BE_TAKEN(first) -> c = first
	:: !CAN_BE_TAKEN(first) && CAN_BE_TAKEN(OTHER(first)) ->
		c = OTHER(first)
	:: else -> c = NC
	fi
}

/* Stores what a server learns with the request, and checks it. */
inline describe(s, c)
{
	printf("server %d: takes call %d of %d, id %d\n", s, made[c], c, id[c]);
	CHECK(touched_awake, state[c] == BLOCKED);
	CHECK(killed_waits, (pending[c] & KILL) == 0);
	CHECK(too_many_deaths, died[c] < 2);
	CHECK(another_id, told_id[c] == 0 || told_id[c] == id[c]);
	CHECK(lost_effect, (answered & ~did[s]) == 0 || !KEEPS);
	told_id[c] = id[c];
	orphan[c] = false;
	request[s] = made[c];
#ifdef KEEP
	asked_id[s] = id[c];
#endif
	seen[s] = position
}

inline answer_caller(s, c)
{
	CHECK(touched_awake, state[c] == BLOCKED && server[c] == NOBODY);
	may_be_done[c] = false;
	if
	:: has_file -> opened[c] = true
	:: else ->
		CHECK(old_position, seen[s] == position);
		position++;
		CHECK(two_results, result[c] == 0);
		result[c] = DONE;
#ifndef ANSWER_KEEPS_STATE
		calls[c] = false;
#endif
		answered = answered | 1 << request[s]
	fi;
	wake(c)
}

inline take_note(s, f)
{
	printf("server %d: takes the note of file %d\n", s, f);
	noted[f] = false;
	note[s] = f + 1
}

/* remote_free by port_note_done; `read`: the server asks for what is next. */
inline note_done(s, read)
{
	atomic {
		if
		:: note[s] != NOBODY ->
			if
			:: read ->
				CHECK(told_twice, !was_told[note[s] - 1]);
				was_told[note[s] - 1] = true
			:: else ->
				CHECK(note_is_lost, !is_served ||
				    note_deaths[note[s] - 1] == 2);
				was_dropped[note[s] - 1] = true
			fi;
			remote_free(note[s] - 1);
			note[s] = NOBODY
		:: else
		fi
	}
}

/* A note that two servers died with is not passed on any more. */
inline pass_note(s)
{
	if
	:: note[s] != NOBODY ->
		note_deaths[note[s] - 1]++;
		if
#ifndef NOTE_IS_PASSED_ON
		:: !is_served
#endif
#ifndef NOTES_FOR_EVER
		:: is_served && note_deaths[note[s] - 1] == 2
#endif
		:: else ->
			CHECK(note_for_ever, note_deaths[note[s] - 1] < 2);
			noted[note[s] - 1] = true;
			note[s] = NOBODY;
			wake_idle()
		fi
	:: else
	fi
}

/* A part of port_leave. */
inline pass_caller(c)
{
	died[c]++;
#ifndef DEATHS_DO_NOT_COUNT
	deaths[c]++;
#endif
	may_be_done[c] = true;
	if
	:: deaths[c] == 2 || !is_served -> wake(c)
	:: else ->
		orphan[c] = true;
#ifdef PASSED_IS_INTERRUPTED
		holds[c] = false;
#endif
#ifdef PASSED_BY_WAKING
		wake(c)
#else
		unqueue(c);
#ifdef PASSED_TO_THE_BACK
		push_back(c);
#else
		push_front(c);
#endif
#ifndef PASSED_SILENTLY
		wake_idle()
#endif
#endif
	fi
}

inline port_leave(s)
{
	atomic {
		empty_hand(s, c);
		if
		:: c != NOBODY -> c--; pass_caller(c)
		:: else
		fi;
		c = 0;
#ifdef NOTE_DIES_WITH_SERVER
	}
#else
		pass_note(s)
	}
#endif
}

/* The port's descriptor is closed: file_put, port_close, port_clear_part. */
inline close_port(s)
{
	if
	:: atomic { holders > 1 -> holders-- }
	:: atomic { holders == 1 -> holders = 0 }
		atomic {
#ifndef CLOSED_PORT_IS_SERVED
			is_served = false;
#endif
			for (i : 0 .. NC - 1) {
				if
#ifdef CLOSE_FORGETS_CALLERS
				:: place[i] == CALLERS
#endif
#ifdef CLOSE_FORGETS_SERVED
				:: place[i] == SERVED
#endif
				:: place[i] != 0 -> wake(i)
				:: else
				fi
			}
			i = 0
		}
#ifndef CLOSE_KEEPS_NOTES
		for (f : 0 .. FILES - 1) {
			atomic {
				if
				:: noted[f] -> noted[f] = false;
					was_dropped[f] = true;
					remote_free(f)
				:: else
				fi
			}
		}
		f = 0;
#endif
		atomic { port_put() }
	fi
}

/* port_adopt; the process that was left behind before ends in the same step. */
inline adopt(s)
{
	atomic {
		f = parent[s];
		if
#ifdef ORPHAN_SERVES
		:: f == NOBODY -> goto reply
#else
		:: f == NOBODY -> goto die
#endif
		:: f != NOBODY && exiting[f - 1] -> f = 0; goto die
		:: else
		fi;
		f--;
		if
		:: parent[f] != NOBODY && parent[f] == kept[s] ->
#ifndef OLDER_LIVES_ON
			kill_server(parent[f] - 1)
#endif
		:: else
		fi;
#ifdef OLDER_IS_KILLED_BEFORE
	}
	atomic {
		if
		:: parent[s] != f + 1 || exiting[f] -> f = 0; goto die
		:: else
		fi;
#endif
		owes[s] = owes[f];
		owes[f] = false;
		if
		:: client[f] != NOBODY ->
			c = client[f] - 1;
			let_go(f);
			take(s, c);
			c = 0
		:: else
		fi;
		kept[s] = f + 1;
		printf("server %d: takes over from %d\n", s, f);
		f = 0
	}
}

/* --- a caller asks --------------------------------------------------------- */

inline call_wait(c, where, hold)
{
	calls[c] = true;
	holds[c] = hold;
	if
	:: (pending[c] & KILL) || (!hold && pending[c] != 0) ->
		CHECK(lost_signal, work[c])
	:: else ->
		state[c] = BLOCKED;
		place[c] = where
	fi
}

inline wait_for_server(c)
{
	call_wait(c, 0, HELD_AFTER_DEATH && deaths[c] > 0);
	if
	:: state[c] == BLOCKED && deaths[c] > 0 -> push_front(c)
	:: state[c] == BLOCKED && deaths[c] == 0 -> push_back(c)
	:: else
	fi;
#ifndef CALLER_WAKES_NOBODY
	wake_idle()
#else
	skip
#endif
}

/* ask */
inline ask(c)
{
	CHECK(use_after_free, port_refs > 0);
	if
	:: server[c] != NOBODY -> f = server[c] - 1; let_go(f); f = 0
	:: else
	fi;
	if
	:: error[c] -> error[c] = false; result[c] = EFAULT
	:: !error[c] && (!IS_SERVED || deaths[c] == 2) -> result[c] = EIO
	:: else ->
		if
#ifdef ASKED_AS_ANOTHER
		:: true -> next_id++; id[c] = next_id
#else
		:: id[c] == 0 -> next_id++; id[c] = next_id
		:: else
#endif
		fi;
		if
#ifdef EVENT_IS_NOT_LOOKED_AT
		:: events[c] -> events[c] = false; call_wait(c, WAITERS, false)
#else
		:: events[c] && !raised -> call_wait(c, WAITERS, false)
#endif
		:: else -> events[c] = false; wait_for_server(c)
		fi
	fi
}

/* remote_abandon */
inline give_back(c)
{
	atomic {
		if
#ifndef ABANDON_KEEPS_HAND
		:: server[c] != NOBODY -> f = server[c] - 1; let_go(f); f = 0
#endif
		:: else
		fi;
		events[c] = false;
		error[c] = false
	}
	if
#ifndef ABANDON_KEEPS_FILE
	:: opened[c] -> opened[c] = false; close_remote(OPENED)
#endif
	:: else
	fi
}

/* --- lent memory ----------------------------------------------------------- */

inline claim(s, c)
{
#ifndef LEND_WITHOUT_CLAIM
	runner[c] = HART_OF(s);
#endif
	CHECK(touched_running, runner[c] != OWN);
	touched[c] = true
}

/* The end of a copy. */
inline leave(c)
{
	atomic {
		CHECK(use_after_free, state[c] != DEAD);
		touched[c] = false;
#ifndef LEND_WITHOUT_CLAIM
		runner[c] = NOBODY
#endif
	}
}

inline refuse(s, fault)
{
	atomic {
		empty_hand(s, c);
		if
		:: c != NOBODY ->
			c--;
			error[c] = fault;
			may_be_done[c] = may_be_done[c] && !fault;
			wake(c)
		:: else
		fi;
		c = 0
	}
}
