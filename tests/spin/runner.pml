/* SPDX-License-Identifier: MIT */
/*
 * runner.pml - which hart runs an address space: proc/space.c, the switch of
 * proc/sched.c, and the beginning and end of processes that share one.
 *
 * Two harts run up to NP processes. What a process does is chosen freely, OPS
 * times together: vfork, and where these are defined
 *
 *   COPY      vfork with a space of the child's own, of SPARE ones
 *   EXEC      exec into one of them
 *   BLOCK     wait for something, which always comes
 *   YIELD     give the hart away, also on the way to its end
 *   PIPE      write straight into the buffer of one that waits
 *   SPECTATE  look at the space of another
 *
 * A process may exit at any time, and KILLS times one of them gets a SIGKILL:
 * from another, from a terminal, or for lack of memory. In the end all have to
 * be gone: a process that was never woken, or never got its turn, is found
 * then.
 *
 * What is done under sched_lock is one step, and so is every access without
 * it. The run queue is a set. `saved` stands for everything that a process has
 * stored, its registers first of all, which the next hart has to see.
 *
 * Every other #ifdef leaves something out, and the search must then find an
 * error: tests/spin/check.py lists them.
 */
#ifndef NP
#define NP 3 /* at most: vfork in a vfork child is as deep as it gets */
#endif
#ifndef FIRST
#define FIRST 1 /* processes at the beginning, each in a space of its own */
#endif
#ifndef OPS
#define OPS 4
#endif
#ifndef KILLS
#define KILLS 1
#endif
#ifndef SPARE
#define SPARE 1 /* spaces for exec and the like */
#endif
#define HARTS  2
#define SPACES (FIRST + SPARE)

#define NOBODY  255 /* no process */
#define KERNEL  254 /* the kernel's root */
#define NOWHERE 254 /* no space */

hidden byte two_harts, not_the_runner, old_registers, use_after_free;
hidden byte dead_space, torn_down_in_use, queued_twice, woken_early;
hidden byte lost_kill, left_idle, never_its_turn, leaked;
#define CHECK(what, holds) assert((holds) || what)

/* proc.state; PARKED is READY, but in the `turn` of its space. */
#define NONE    0
#define RUNNING 1
#define READY   2
#define PARKED  3
#define BLOCKED 4
#define ZOMBIE  5
#define FREE    6
byte state[NP];
#define LIVES(q) (q < NP && state[q] != NONE && state[q] < ZOMBIE)

/* What the call of a process waits for. */
#define NO_CALL 0
#define WAIT    1 /* for an event, such as that of a pipe */
#define LENDS   2 /* until its borrowers have left */
byte call[NP];

byte space[NP] = NOWHERE;
bool killed[NP];
bool held[NP];
bool saved[NP] = true;

/* The space that a process has lent, and its rank among the lenders of that. */
byte lent[NP] = NOWHERE;
byte rank[NP];
byte parent[NP] = NOBODY;

/* struct aspace */
byte runner[SPACES];
byte sharers[SPACES];
byte users[SPACES];
bool dead[SPACES];
byte spaces = FIRST; /* how many there have been */

byte satp[HARTS] = KERNEL;
bool idle[HARTS];
bool overdue[NP]; /* another of its space has yielded, and none was let on */

byte left = OPS;
byte kills = KILLS;
byte born = FIRST;
byte gone; /* processes that have been reaped */

/* The lock itself, where a section takes more than one step. */
#ifdef NO_ACQUIRE_CLAIM
bool sched_lock;
#define UNLOCKED !sched_lock
#define LOCKED !sched_lock ->
#else
#define UNLOCKED true
#define LOCKED
#endif

#define ALL_GONE (gone == born)

/* The sections under the lock; each is left out once. */
#ifdef TAKE_WITHOUT_LOCK
#define TAKE_SECTION
#else
#define TAKE_SECTION atomic
#endif
#ifdef QUIT_WITHOUT_LOCK
#define QUIT_SECTION
#else
#define QUIT_SECTION atomic
#endif
#ifdef KILL_WITHOUT_LOCK
#define KILL_SECTION
#else
#define KILL_SECTION atomic
#endif

#include "turns.pml"

proctype Hart(byte h)
{
	byte p = NOBODY, prev = NOBODY, q, r, a, i, k;
	bool must_wait, early;

schedule:
#ifdef NO_ACQUIRE_CLAIM
	atomic {
		LOCKED
		sched_lock = true;
		for (i : 0 .. NP - 1) {
			k = k | saved[i] << i
		}
		i = 0
	}
#endif
	TAKE_SECTION {
#ifndef NO_ACQUIRE_CLAIM
		LOCKED
#endif
		ready_first();
#ifdef NO_ACQUIRE_CLAIM
		sched_lock = false;
		if
		:: p != NOBODY && !must_wait -> saved[p] = k >> p & 1
		:: else
		fi;
		k = 0
#endif
	}
	if
	:: p != NOBODY && prev != NOBODY && !must_wait && space[p] != NOWHERE ->
		/* straight on */
#ifdef LEAVE_BEFORE_SWITCH
		let_go();
		satp_write(space[p])
#else
		satp_write(space[p]);
		let_go()
#endif
	:: else ->
		/* switch_slow */
#ifndef AWAIT_HOLDING
		if
		:: prev != NOBODY ->
#ifndef LET_GO_IN_OLD_SPACE
			satp[h] = KERNEL;
#endif
			let_go()
		:: else
		fi;
#endif
		satp[h] = KERNEL;
		do
		:: p == NOBODY ->
			atomic {
				LOCKED
				ready_first();
#ifdef IDLE_WITHOUT_LOCK
			}
			atomic {
#endif
				idle[h] = (p == NOBODY)
			}
			if
			:: !idle[h]
			:: ALL_GONE -> goto end
			fi
		:: else -> break
		od;
		if
		:: must_wait ->
#ifdef SWITCH_BEFORE_WAIT
			satp_write(space[p]);
#endif
#ifdef NO_ACQUIRE_WAIT
			early = saved[p];
#endif
			(runner[space[p]] == 0);
			runner[space[p]] = h + 1;
#ifdef NO_ACQUIRE_WAIT
			saved[p] = early;
#endif
			satp_write(space[p])
		:: !must_wait && space[p] == NOWHERE ->
#ifdef NO_ACQUIRE_HELD
			early = saved[p];
#endif
#ifndef TAKE_WITHOUT_WAIT
			(!held[p])
#endif
#ifdef NO_ACQUIRE_HELD
			; saved[p] = early
#endif
		:: else -> satp_write(space[p])
		fi;
#ifdef AWAIT_HOLDING
		if
		:: prev != NOBODY -> let_go()
		:: else
		fi
#endif
	fi;
	/* start, resume */
	atomic {
		printf("%d: runs %d in space %d\n", h, p, space[p]);
		must_wait = false;
		CHECK(two_harts, state[p] == RUNNING);
		CHECK(old_registers, saved[p]);
		saved[p] = false;
		if
		:: space[p] == NOWHERE ->
			CHECK(two_harts, !held[p]);
			held[p] = true;
			goto finish
		:: else
		fi;
		a = space[p];
		CHECK(not_the_runner, MINE(a));
		CHECK(woken_early, call[p] != LENDS || killed[p]);
		CHECK(left_idle, !idle[1 - h] ||
		    !(IS_READY(0) || IS_READY(1) || IS_READY(2)));
		for (i : 0 .. NP - 1) {
			CHECK(never_its_turn, space[i] != a || !overdue[i])
		}
		i = 0;
		if
		:: call[p] == WAIT -> call[p] = NO_CALL
		:: else
		fi
	}
user_mode:
	if
	:: atomic { left > 0 && !killed[p] && born < NP ->
		/* vfork, in the parent's space */
		left--;
		users[a]++
	   }
		atomic {
			LOCKED
			if
#ifdef VFORK_IGNORES_KILL
			:: born == NP -> users[a]--; goto user_mode
#else
			:: killed[p] || born == NP -> users[a]--; goto user_mode
#endif
			:: else
			fi;
#if !defined(LEND_KEEPS_COUNT) && !defined(LEND_COUNTS_LATE)
			sharers[a]++;
#endif
			rank[p] = 1;
			for (i : 0 .. NP - 1) {
				if
				:: lent[i] == a && rank[i] >= rank[p] ->
					rank[p] = rank[i] + 1
				:: else
				fi
			}
			i = 0;
			lent[p] = a;
			space[born] = a;
			r = a;
			wait_for_child();
#ifndef LEND_COUNTS_LATE
			r = 0;
			goto schedule
#endif
		}
#ifdef LEND_COUNTS_LATE
		sharers[r]++;
		r = 0;
		goto schedule
#endif
#ifdef COPY
	:: atomic { left > 0 && !killed[p] && born < NP && spaces < SPACES ->
		/* CLONE_VFORK without CLONE_VM: the child has its own space */
		left--;
		LOCKED
		space[born] = spaces;
		users[spaces] = 1;
		sharers[spaces] = 1;
		rank[p] = 1;
		lent[p] = spaces;
		spaces++;
		wait_for_child();
		goto schedule
	   }
#endif
#ifdef EXEC
	:: atomic { left > 0 && !killed[p] && spaces < SPACES ->
		left--;
		r = spaces;
		spaces++;
		users[r] = 1;
		sharers[r] = 1;
#ifndef EXEC_DOES_NOT_CLAIM
		runner[r] = h + 1
#endif
	   }
#ifndef EXEC_LEAVES_FIRST
		satp_write(r);
#endif
		atomic {
			printf("%d: exec of %d\n", h, p);
			space[p] = r
		}
		space_quit(a);
#ifdef EXEC_LEAVES_FIRST
		satp_write(r);
#endif
		space_put(a);
		atomic { a = r; r = 0; goto user_mode }
#endif
#ifdef BLOCK
#ifdef BLOCK_IGNORES_KILL
	:: atomic { left > 0 ->
#else
	:: atomic { left > 0 && !killed[p] ->
#endif
		/* call_wait */
		left--;
		LOCKED
		CHECK(lost_kill, !killed[p]);
		call[p] = WAIT;
		state[p] = BLOCKED;
		prev = p;
		p = NOBODY;
		goto schedule
	   }
#endif
#ifdef YIELD
	:: atomic { left > 0 ->
		/* sched_yield */
		left--;
		LOCKED
		for (i : 0 .. NP - 1) {
			overdue[i] = (state[i] == PARKED && space[i] == a)
		}
		i = 0;
#ifndef YIELD_KEEPS_TURN
		space_turn(a);
#endif
		ready_push(p);
		prev = p;
		p = NOBODY;
		goto schedule
	   }
#endif
#ifdef PIPE
	:: atomic { left > 0 && !killed[p] ->
		/* hand_over: a pipe's writer with a sleeping reader */
		left--;
		LOCKED
		r = NOBODY;
		for (i : 0 .. NP - 1) {
			if
			:: state[i] == BLOCKED && call[i] == WAIT -> r = i
			:: else
			fi
		}
		i = 0;
		if
		:: r == NOBODY -> r = 0; goto user_mode
		:: else
		fi;
		q = space[r];
#ifndef WRITER_LOOKS_AT_NOTHING
		if
		:: runner[q] != 0 ->
			ready_push(r);
			r = 0;
			q = 0;
			goto user_mode
		:: else
		fi;
#endif
		printf("%d: %d writes into space %d, of %d\n", h, p, q, r);
#ifdef WRITER_LETS_LOCK_GO
	   }
		atomic {
#endif
		/* No process gets the space while the lock is held. */
		CHECK(two_harts, satp[0] != q && satp[1] != q);
		CHECK(dead_space, !dead[q]);
		CHECK(use_after_free, state[r] != FREE && state[r] != ZOMBIE);
		call[r] = NO_CALL;
		ready_push(r);
		r = 0;
		q = 0;
		goto user_mode
	   }
#endif
#ifdef SPECTATE
	:: atomic { left > 0 && !killed[p] ->
		left--;
		LOCKED
		/* A space that is not ours. */
		q = NOWHERE;
		for (i : 0 .. NP - 1) {
			if
			:: space[i] != NOWHERE && space[i] != a -> q = space[i]
			:: else
			fi
		}
		i = 0;
		if
		:: q == NOWHERE -> q = 0; goto user_mode
		:: else
		fi;
#ifndef SPECTATOR_WITHOUT_COUNT
		users[q]++
#endif
	   }
		CHECK(dead_space, !dead[q]);
#ifdef SPECTATOR_DOES_NOT_TEAR_DOWN
		users[q]--;
#elif !defined(SPECTATOR_WITHOUT_COUNT)
		space_put(q);
#endif
		atomic { q = 0; goto user_mode }
#endif
	:: true ->
		/* proc_exit, exit_memory */
		call[p] = NO_CALL;
#ifndef QUIT_IN_OLD_SPACE
		satp[h] = KERNEL
#endif
	fi;
#ifdef PUT_BEFORE_QUIT
	space_put(a);
#endif
	atomic {
		printf("%d: exit of %d\n", h, p);
#ifndef EXIT_DOES_NOT_HOLD
		held[p] = true;
#endif
		space[p] = NOWHERE
	}
	space_quit(a);
#ifndef PUT_BEFORE_QUIT
	space_put(a);
#endif
#ifdef QUIT_IN_OLD_SPACE
	satp[h] = KERNEL;
#endif
	atomic { a = 0 }
#ifdef YIELD
	if
	:: atomic { left > 0 ->
		left--;
		LOCKED
		ready_push(p);
		prev = p;
		p = NOBODY;
		goto schedule
	   }
	:: true
	fi;
#endif
finish:
	/* proc_exit_finish */
	atomic {
		LOCKED
		printf("%d: %d is a zombie\n", h, p);
		state[p] = ZOMBIE;
		prev = p;
		p = NOBODY;
		goto schedule
	}
end:
	for (i : 0 .. spaces - 1) {
		CHECK(leaked, users[i] == 0 && dead[i])
	}
}

/* SIGKILL: signal_send. */
#define CAN_KILL(q) (UNLOCKED && kills > 0 && LIVES(q) && \
    space[q] != NOWHERE && !killed[q])

proctype Killer()
{
	byte q;

end_killer:
	do
	:: KILL_SECTION {
		if
		:: CAN_KILL(0) -> q = 0
		:: CAN_KILL(1) -> q = 1
		:: CAN_KILL(2) -> q = 2
		fi;
		kills--;
		printf("SIGKILL for %d\n", q);
		killed[q] = true;
		if
		:: state[q] == BLOCKED -> ready_push(q)
		:: else
		fi;
		q = 0
	   }
	od
}

#define IS_WAITING(q) \
    (UNLOCKED && q < NP && state[q] == BLOCKED && call[q] == WAIT)

/* An event happens for which a process waits. */
proctype Waker()
{
	byte q;

end_waker:
	do
	:: atomic {
		if
		:: IS_WAITING(0) -> q = 0
		:: IS_WAITING(1) -> q = 1
		:: IS_WAITING(2) -> q = 2
		fi;
		ready_push(q);
		q = 0
	   }
	od
}

/* wait4: the frame of a zombie is free when no hart holds it any more. */
proctype Reaper()
{
#ifdef REAP_WITHOUT_WAIT
#define MAY_REAP(q) (UNLOCKED && q < NP && state[q] == ZOMBIE)
#else
#define MAY_REAP(q) (UNLOCKED && q < NP && state[q] == ZOMBIE && !held[q])
#endif
end_reaper:
	do
	:: atomic { MAY_REAP(0) -> state[0] = FREE; gone++ }
	:: atomic { MAY_REAP(1) -> state[1] = FREE; gone++ }
	:: atomic { MAY_REAP(2) -> state[2] = FREE; gone++ }
	od
}

init
{
	byte i;

	atomic {
		for (i : 0 .. FIRST - 1) {
			state[i] = READY;
			space[i] = i;
			users[i] = 1;
			sharers[i] = 1
		}
		i = 0;
		run Hart(0);
		run Hart(1);
		run Killer();
		run Waker();
		run Reaper()
	}
}
