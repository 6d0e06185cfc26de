/* SPDX-License-Identifier: MIT */
/*
 * call.pml - system calls that wait, or are done in parts: proc/call.c, the
 * loop of trap/trap.c before user mode, and the signals that come meanwhile.
 *
 * NP processes, each with a hart whenever it is ready, make OPS calls together:
 *
 *   READ      takes a unit, waits for one (a pipe)
 *   TRANSFER  takes two, one after the other (a large write, from behind)
 *   SLEEP     keeps a deadline (nanosleep)
 *   SUSPEND   waits for a signal that is blocked otherwise (rt_sigsuspend)
 *   LEND      is ended by another process (vfork)
 *   RANGE     is done in two parts, and all of it (munmap)
 *
 * Up to SIGNALS times the first one gets a signal: with a handler, SIGSTOP or
 * SIGKILL. In the end all calls have to be over and no signal may be left.
 *
 * What is done under sched_lock is one step, and so is every access without it.
 * Every #ifdef leaves something out, and the search must then find an error:
 * tests/spin/check.py lists them.
 */
#ifndef NP
#define NP 1
#endif
#ifndef OPS
#define OPS 2
#endif
#ifndef SIGNALS
#define SIGNALS 2
#endif

hidden byte call_in_user_mode, stale_call, two_results, lost_units;
hidden byte made_twice, runs_while_queued, queued_twice, killed_waits;
hidden byte wrong_mask, not_delivered, lost_signal;
#define CHECK(what, holds) assert((holds) || what)

/* proc.state */
#define RUNNING 0
#define READY   1
#define BLOCKED 2
#define STOPPED 3
#define ZOMBIE  4
byte state[NP];

/* call.state, and what a signal does to it: call.on_signal. */
#define NONE 0
#define PART 1
#define WAIT 2
byte call[NP];
#define RESTARTS 0
#define ENDS     1
#define REPEATS  2
#define HOLDS    3
byte on_signal[NP];
byte keeps[NP];

/* Registers: the call's number, its argument and result, the pc. */
#define NO_NUMBER   0
#define IS_READ     1
#define IS_TRANSFER 2
#define IS_SLEEP    3
#define IS_LEND     4
#define IS_RANGE    5
#define IS_SUSPEND  6
byte number[NP];
byte a0[NP];
bool pc[NP]; /* behind the ecall */
#define ARGUMENT 7
#define EINTR    8
#define ENOMEM   9

/* The frame on the user's stack while a handler runs. */
bool in_handler[NP], frame_pc[NP], frame_masked[NP];
byte frame_number[NP], frame_a0[NP];

#define HANDLED 1
#define STOP    2
#define KILL    4
byte pending[NP];
bool masked[NP];    /* the signal with a handler is blocked */
bool suspended[NP]; /* it was blocked before rt_sigsuspend */
bool work[NP];
bool kicked[NP];    /* its hart has an interrupt pending */
bool leaving[NP];

/* What the program and other processes know of the call. */
byte made[NP]; /* its number, 0 if there is none */
byte results[NP];
byte taken[NP];
byte armed[NP];
bool elapsed[NP];
byte owed[NP];    /* signals that were sent and have had no effect yet */
bool refused[NP]; /* it was not queued, because a signal was due */

/* The object that is waited for. */
bool lock;
byte units;
bool queued[NP];
bool claimed[NP]; /* its space is claimed by a writer */
bool lends[NP];

byte left = OPS;
byte signals = SIGNALS;

#define DUE(p) (masked[p] -> pending[p] & ~HANDLED : pending[p])
/*
 * While a call holds signals, only SIGKILL is due; the others wait for its end.
 */
#define HELD(p) (call[p] != NONE && on_signal[p] == HOLDS)
#define IS_DUE(p) ((HELD(p) -> DUE(p) & KILL : DUE(p)) != 0)

#include "waiting.pml"

/* --- handlers of calls ----------------------------------------------------- */

inline take_unit(p)
{
	atomic {
		units--;
		taken[p]++
	}
}

inline read(p)
{
#ifdef TAKE_BEFORE_READY
	if
	:: atomic { units > 0 && !lock -> take_unit(p); call_finish(p, ENOMEM) };
	   goto before_user
	:: true
	fi;
#else
	/* user_page may fail; nothing has been taken yet. */
	if
	:: atomic { call_finish(p, ENOMEM); goto before_user }
	:: true
	fi;
#endif
	atomic { !lock -> lock = true }
	if
	:: units > 0 ->
		take_unit(p);
		lock = false;
		call_finish(p, 1)
	:: else ->
#ifdef BLOCK_AFTER_UNLOCK
		lock = false;
		atomic { call_wait(p, RESTARTS, true) }
#else
		atomic { call_wait(p, RESTARTS, true) }
		lock = false
#endif
	fi
}

inline transfer(p)
{
	atomic { !lock -> lock = true }
	if
	:: units > 0 ->
		take_unit(p);
		lock = false;
		atomic {
			keeps[p]++;
#ifdef PART_WRITES_RESULT
			a0[p] = keeps[p];
#endif
			if
			:: keeps[p] == 2 -> call_finish(p, 2)
			:: else -> call[p] = PART; on_signal[p] = RESTARTS
			fi
		}
	:: else ->
		atomic { call_wait(p, RESTARTS, true) }
		lock = false
	fi
}

inline nanosleep(p)
{
	atomic {
		if
#ifdef DEADLINE_ANEW
		:: true ->
#else
		:: keeps[p] == 0 ->
#endif
			keeps[p] = 1;
			armed[p]++;
			CHECK(made_twice, armed[p] == 1)
		:: else
		fi;
		if
		:: elapsed[p] -> call_finish(p, 1)
		:: else -> call_wait(p, ENDS, false)
		fi
	}
}

inline sigsuspend(p)
{
	atomic {
		if
		:: !suspended[p] -> suspended[p] = true; masked[p] = false
		:: else
		fi;
		call_wait(p, ENDS, false)
	}
}

inline lend(p)
{
	atomic {
		CHECK(made_twice, !lends[p]);
		if
		:: DUE(p) != 0 ->
			/* proc_fork: signals first, and no child yet */
			call_wait(p, REPEATS, false)
		:: else ->
			lends[p] = true;
#ifdef LEND_IS_INTERRUPTED
			call_wait(p, ENDS, false)
#else
			call_wait(p, HOLDS, false)
#endif
		fi
	}
}

inline range(p)
{
	taken[p]++;
	atomic {
#ifndef PART_FORGETS_PROGRESS
		keeps[p]++;
#endif
		CHECK(made_twice, taken[p] <= 2);
		if
		:: keeps[p] == 2 -> call_finish(p, 1)
		:: else ->
			call[p] = PART;
#ifdef RANGE_IS_INTERRUPTED
			on_signal[p] = ENDS
#else
			on_signal[p] = HOLDS
#endif
		fi
	}
}

/* call_holds_signals */
#ifdef HELD_WORK_IS_CLEARED
#define HOLDS_SIGNALS(p) false
#else
#define HOLDS_SIGNALS(p) (HELD(p) && (pending[p] & KILL) == 0)
#endif

/* --- a process, and the hart that runs it ---------------------------------- */

proctype Process(byte p)
{
user_mode:
#ifndef FINISH_KEEPS_STATE
	CHECK(call_in_user_mode, call[p] == NONE && keeps[p] == 0 &&
	    !suspended[p]);
#endif
	CHECK(runs_while_queued, state[p] == RUNNING && !leaving[p]);
	if
	:: atomic { kicked[p] -> kicked[p] = false; goto before_user }
	/* a tick */
	:: atomic { made[p] != 0 || in_handler[p] -> goto before_user }
	:: atomic { in_handler[p] -> sigreturn(p); goto before_user }
	:: atomic { !in_handler[p] && made[p] != 0 && pc[p] -> program_looks(p);
		goto before_user }
	/* ecall */
	:: atomic { !in_handler[p] && made[p] != 0 && !pc[p] -> pc[p] = true }
	:: atomic { !in_handler[p] && made[p] == 0 && left > 0 ->
		if
		:: made[p] = IS_READ
		:: made[p] = IS_TRANSFER
		:: made[p] = IS_SLEEP
		:: made[p] = IS_LEND
		:: made[p] = IS_RANGE
		:: made[p] = IS_SUSPEND; masked[p] = true /* sigprocmask */
		fi;
		left--;
		printf("%d: begins call %d\n", p, made[p]);
		number[p] = made[p];
		a0[p] = ARGUMENT;
		goto user_mode }
	:: atomic { left == 0 && made[p] == 0 && !in_handler[p] &&
		pending[p] == 0 && !kicked[p] ->
		CHECK(lost_signal, owed[p] == 0);
		goto end }
	fi;
execute:
	atomic {
		CHECK(stale_call, made[p] != 0 && number[p] == made[p] &&
		    a0[p] == ARGUMENT && pc[p] && !in_handler[p]);
		CHECK(runs_while_queued, state[p] == RUNNING && !queued[p])
	}
	if
	:: number[p] == IS_READ -> read(p)
	:: number[p] == IS_TRANSFER -> transfer(p)
	:: number[p] == IS_SLEEP -> nanosleep(p)
	:: number[p] == IS_LEND -> lend(p)
	:: number[p] == IS_RANGE -> range(p)
	:: number[p] == IS_SUSPEND -> sigsuspend(p)
	fi;
#ifndef LEAVING_IGNORED
	if
	:: leaving[p] -> goto schedule
	:: else
	fi;
#endif
before_user:
	if
	:: work[p] && !HOLDS_SIGNALS(p) ->
#ifndef WORK_CLEARED_LATE
		work[p] = false;
#endif
		do
		:: atomic { pending[p] & KILL -> goto killed }
		:: atomic { IS_DUE(p) && (pending[p] & KILL) == 0 &&
			(DUE(p) & STOP) ->
			refused[p] = false;
			pending[p] = pending[p] & ~STOP }
			/* stop_self */
			atomic {
				if
				:: pending[p] & KILL -> goto killed
				:: else
				fi;
				owed[p] = owed[p] & ~STOP;
				state[p] = STOPPED;
				goto schedule
			}
		:: atomic { IS_DUE(p) && (pending[p] & KILL) == 0 &&
			(DUE(p) & STOP) == 0 -> handler_enter(p) }
		:: atomic { IS_DUE(p) && (pending[p] & KILL) == 0 &&
			(DUE(p) & STOP) == 0 ->
			/* no memory for the frame: it is tried again */
#ifdef SIGNAL_TAKEN_BEFORE_FRAME
			pending[p] = pending[p] & ~HANDLED;
#endif
#ifndef DELIVERY_GIVEN_UP
			work[p] = true;
#endif
			goto before_user }
		:: else -> break
		od;
#ifdef WORK_CLEARED_LATE
		work[p] = false
#endif
	:: else
	fi;
	if
	:: call[p] == NONE -> goto user_mode
	:: else -> goto execute
	fi;
schedule:
	leaving[p] = false;
	atomic {
		state[p] == READY && !claimed[p] ->
		state[p] = RUNNING
	}
	goto before_user;
killed:
	atomic {
		printf("%d: is killed\n", p);
		kicked[p] = false
	}
end:
	atomic {
		state[p] = ZOMBIE;
		call[p] = NONE;
		pending[p] = 0;
		owed[p] = 0;
		work[p] = false
	}
}

/* --- the others ------------------------------------------------------------ */

/* waitq_wake_all, after a unit has come. */
proctype Producer()
{
	byte i;

end_producer:
	do
#ifdef PRODUCER_WITHOUT_LOCK
	:: atomic { units == 0 -> units++ }
#else
	:: atomic { !lock && units == 0 -> lock = true }
		units++;
#endif
		atomic {
			for (i : 0 .. NP - 1) {
				if
				:: queued[i] -> wake(i)
				:: else
				fi
			}
			i = 0;
#ifndef PRODUCER_WITHOUT_LOCK
			lock = false
#endif
		}
	od
}

/* Under sched_lock: the reader's hart has left its space, which is claimed. */
#define CAN_CLAIM(q) (units == 0 && q < NP && queued[q] && \
    number[q] == IS_READ && !leaving[q])

/*
 * A pipe's writer that finds the reader asleep copies straight into its buffer
 * and ends its call. A signal may wake the reader meanwhile, but it cannot run.
 */
proctype Writer()
{
	byte q;

end_writer:
	do
	:: atomic {
		if
		:: !lock && CAN_CLAIM(0) -> q = 0
		:: !lock && CAN_CLAIM(1) -> q = 1
		fi;
		lock = true;
#ifndef ENDER_DOES_NOT_CLAIM
		claimed[q] = true
#endif
	   }
		/* the copy */
		atomic {
			if
			:: call[q] == WAIT ->
				taken[q]++;
				call_finish(q, 1)
			:: else
			fi;
#ifdef ENDER_WAKES_BLINDLY
			wake(q);
#else
			if
			:: state[q] == BLOCKED -> wake(q)
			:: else
			fi;
#endif
			claimed[q] = false
		}
		atomic { lock = false; q = 0 }
	od
}

/* signal_send. */
inline send(q, sig)
{
	printf("signal %d for %d\n", sig, q);
	pending[q] = pending[q] | sig;
	owed[q] = owed[q] | sig;
	if
	:: masked[q] && sig == HANDLED
	:: else ->
#ifndef SIGNAL_WITHOUT_WORK
		work[q] = true;
#endif
		if
#ifndef SIGNAL_DOES_NOT_WAKE
#ifdef KILL_IS_HELD
		:: state[q] == BLOCKED && !HELD(q) ->
#else
		:: state[q] == BLOCKED && (!HELD(q) || sig == KILL) ->
#endif
#ifdef SIGNAL_LEAVES_IT_ON_THE_QUEUE
			state[q] = READY
#else
			wake(q)
#endif
#endif
		:: state[q] == STOPPED && sig == KILL -> wake(q)
		:: state[q] == RUNNING ->
#ifndef SIGNAL_WITHOUT_KICK
			kicked[q] = true
#endif
		:: else
		fi
	fi
}

#define CAN_SEND(q, sig) \
    (q < NP && signals > 0 && state[q] != ZOMBIE && (pending[q] & sig) == 0)

proctype Sender()
{
end_sender:
	do
	:: atomic { CAN_SEND(0, HANDLED) -> signals--; send(0, HANDLED) }
	:: atomic { CAN_SEND(0, STOP) -> signals--; send(0, STOP) }
	:: atomic { CAN_SEND(0, KILL) -> signals--; send(0, KILL) }
	od
}

/* SIGCONT, a vfork child's exec or exit, and a timer. */
proctype Others(byte q)
{
end_others:
	do
	:: atomic {
		state[q] == STOPPED ->
#ifndef CONT_WITHOUT_WORK
		work[q] = true;
#endif
		wake(q)
	   }
	/* A process that waits for a signal gets one, unless it has one. */
	:: atomic {
		state[q] == BLOCKED && number[q] == IS_SUSPEND &&
		    (pending[q] & HANDLED) == 0 ->
		send(q, HANDLED)
	   }
	:: atomic {
		lends[q] ->
		lends[q] = false;
		CHECK(killed_waits, state[q] != BLOCKED || (pending[q] & KILL) == 0);
		if
		:: call[q] == WAIT -> call_finish(q, 1)
		:: else
		fi;
		if
		:: state[q] == BLOCKED -> wake(q)
		:: else
		fi
	   }
	:: atomic {
		armed[q] > 0 && call[q] == WAIT && !elapsed[q] ->
		elapsed[q] = true;
		if
		:: state[q] == BLOCKED -> wake(q)
		:: else
		fi
	   }
	od
}

init
{
	byte i;

	atomic {
		for (i : 0 .. NP - 1) {
			run Process(i);
			run Others(i)
		}
		i = 0;
		run Producer();
		run Writer();
		run Sender()
	}
}
