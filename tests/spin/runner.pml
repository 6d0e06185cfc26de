/* SPDX-License-Identifier: MIT */
/*
 * runner.pml - who runs an address space: proc/space.c, the switch of
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
 * It may exit at any time, and KILLS times one of them gets a SIGKILL: from
 * another, from a terminal, or for want of memory. In the end all have to be
 * gone: who was never woken, or never got its turn, is found then.
 *
 * What is done under sched_lock is one step, and so is every access without
 * it. The run queue is a set. `saved` stands for everything that a process has
 * stored, its registers first of all, which the next hart has to see.
 *
 * Every other #ifdef is something left out, to see that it is missed:
 * tests/spin/check.py lists them.
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

/* What its call waits for. */
#define NO_CALL 0
#define WAIT    1 /* for an event; let it be a pipe's */
#define LENDS   2 /* for those to whom it has lent its space */
byte call[NP];

byte space[NP] = NOWHERE;
bool killed[NP];
bool held[NP];
bool saved[NP] = true;

/* What it has lent, and how high it stands among the lenders of that. */
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
bool overdue[NP]; /* somebody of its space has yielded, and none was let on */

byte left = OPS;
byte kills = KILLS;
byte born = FIRST;
byte gone; /* and reaped */

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

/* What is under the lock; each left out once. */
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

/* --- under sched_lock ------------------------------------------------------ */

inline kick_idle_hart()
{
	if
	:: idle[0] -> idle[0] = false
	:: !idle[0] && idle[1] -> idle[1] = false
	:: else
	fi
}

inline ready_push(whom)
{
	CHECK(use_after_free, state[whom] != FREE);
	CHECK(queued_twice, state[whom] != READY && state[whom] != ZOMBIE);
	state[whom] = READY;
#ifndef WAKE_WITHOUT_KICK
	kick_idle_hart()
#endif
}

#define IS_PARKED(i, as) (i < NP && state[i] == PARKED && space[i] == as)

/* One of those that wait for their turn in a space. */
inline space_turn(as)
{
	k = NOBODY;
	if
	:: IS_PARKED(0, as) -> k = 0
	:: IS_PARKED(1, as) -> k = 1
	:: IS_PARKED(2, as) -> k = 2
	:: else
	fi;
	if
	:: k != NOBODY ->
		state[k] = READY;
		overdue[k] = false;
#ifndef MOVE_WITHOUT_KICK
		kick_idle_hart();
#endif
		for (i : 0 .. NP - 1) {
			overdue[i] = overdue[i] && !IS_PARKED(i, as)
		}
	:: else
	fi;
	i = 0;
	k = 0
}

#define MINE(as) (runner[as] == h + 1)
#ifdef NO_RUNNER
#define IS_FREE(as) true
#else
#define IS_FREE(as) (runner[as] == 0)
#endif
#ifdef PARK_THOUGH_ALONE
#define IS_ALONE(as) false
#elif defined(WAIT_THOUGH_SHARED)
#define IS_ALONE(as) true
#else
#define IS_ALONE(as) (sharers[as] == 1)
#endif

#define IS_READY(i) (i < NP && state[i] == READY)

/*
 * ready_first, space_claim: the process to run next, or NOBODY; `must_wait`
 * until another hart has left its space.
 */
inline ready_first()
{
	must_wait = false;
	do
	:: true ->
		if
		:: IS_READY(0) -> p = 0
		:: IS_READY(1) -> p = 1
		:: IS_READY(2) -> p = 2
		:: else -> break
		fi;
		if
		:: space[p] == NOWHERE -> break
		:: space[p] != NOWHERE && (IS_FREE(space[p]) || MINE(space[p])) ->
			runner[space[p]] = h + 1;
			break
		:: else
		fi;
		if
		:: IS_ALONE(space[p]) -> must_wait = true; break
		:: else
		fi;
		printf("%d: %d is parked\n", h, p);
		state[p] = PARKED;
		p = NOBODY
	od;
	if
	:: p != NOBODY -> state[p] = RUNNING
	:: else
	fi
}

/* Is `i` in the space that `lender` lent, with it or after it? */
#define HAS_BORROWED(i, lender) \
    (space[i] == lent[lender] && i != lender && \
    (parent[i] == lender || \
    (parent[i] != NOBODY && parent[parent[i]] == lender)))

/* lender_go_on: who has lent it last has it again. */
inline lender_go_on(as)
{
	q = NOBODY;
	for (i : 0 .. NP - 1) {
		if
#ifdef OLDEST_LENDER
		:: lent[i] == as && (q == NOBODY || rank[i] < rank[q]) -> q = i
#else
		:: lent[i] == as && (q == NOBODY || rank[i] > rank[q]) -> q = i
#endif
		:: else
		fi
	}
#ifdef FIRST_LEAVER_WAKES
	/* Its parent, as long as that waits. */
	q = parent[p];
	if
	:: q != NOBODY && lent[q] != as -> q = NOBODY
	:: else
	fi;
#endif
	if
	:: q != NOBODY ->
		printf("%d: space %d is given back to %d\n", h, as, q);
		CHECK(use_after_free, state[q] != FREE && state[q] != ZOMBIE);
		for (i : 0 .. NP - 1) {
			CHECK(woken_early, !HAS_BORROWED(i, q))
		}
		rank[q] = 0;
		lent[q] = NOWHERE;
		/* It may have been killed, and have no call any more. */
		call[q] = NO_CALL;
		if
#ifdef LENDER_WOKEN_TWICE
		:: true -> ready_push(q)
#else
		:: state[q] == BLOCKED -> ready_push(q)
		:: else
#endif
		fi
	:: else
	fi;
	i = 0;
	q = 0
}

inline lender_remove()
{
	rank[p] = 0;
	lent[p] = NOWHERE
}

/* quit_shared: p leaves a space for good, as its runner. */
inline quit_shared(as)
{
	if
#if defined(KILLED_LENDER_GIVES_BACK) || defined(FIRST_LEAVER_WAKES)
	:: true -> lender_remove(); lender_go_on(as)
#elif defined(QUIT_KEEPS_LENDER)
	:: true
#else
	:: lent[p] != as -> lender_go_on(as)
	:: else
#endif
	fi;
	if
#ifdef KILLED_LENDER_STAYS
	:: true
#elif defined(COPY_LENDER_STAYS)
	:: lent[p] == as -> lender_remove()
	:: else
#else
	:: lent[p] != NOWHERE -> lender_remove()
	:: else
#endif
	fi;
#ifndef QUIT_KEEPS_COUNT
	sharers[as]--;
#endif
	runner[as] = 0;
#ifndef QUIT_KEEPS_TURN
	space_turn(as)
#endif
}

/* With a look before it, without the lock: mostly there is nobody else. */
#define IS_LENT(as) (lent[0] == as || lent[1] == as || \
    (NP > 2 && lent[NP - 1] == as))
#ifdef QUIT_LOOKS_AT_NOTHING
#define IS_SHARED(as) false
#elif defined(QUIT_LOOKS_AT_SHARERS_ONLY)
#define IS_SHARED(as) (sharers[as] > 1)
#else
#define IS_SHARED(as) \
    (sharers[as] > 1 || IS_LENT(as) || lent[p] != NOWHERE)
#endif

inline space_quit(as)
{
	if
	:: IS_SHARED(as) ->
		QUIT_SECTION {
			LOCKED
			quit_shared(as)
		}
	:: else -> runner[as] = 0
	fi
}

/* --- leaving and entering -------------------------------------------------- */

inline satp_write(root)
{
	atomic {
		CHECK(two_harts, satp[1 - h] != (root));
		CHECK(dead_space, !dead[root]);
		satp[h] = root
	}
}

/* space_leave: it may be gone as soon as it has no runner. */
inline space_leave(as)
{
	if
#ifdef LEAVE_KEEPS_TURN
	:: true -> runner[as] = 0
#elif defined(LEAVE_LOOKS_AFTERWARDS)
	:: true ->
		a = as;
		runner[a] = 0;
		atomic {
			CHECK(dead_space, !dead[a]);
			space_turn(a);
			a = 0
		}
#else
	:: sharers[as] == 1 -> runner[as] = 0
	:: sharers[as] != 1 ->
#ifdef LEAVE_WITHOUT_LOCK
		atomic { space_turn(as) };
		runner[as] = 0
#else
		atomic {
			LOCKED
			runner[as] = 0;
			space_turn(as)
		}
#endif
#endif
	fi
}

/* stop: what it has stored, its registers too, can be seen by others. */
inline stop()
{
	atomic {
		CHECK(use_after_free, state[prev] != FREE);
		saved[prev] = true
	}
}

/* let_go: the hart is out of it. */
inline let_go()
{
	if
	:: space[prev] == NOWHERE ->
#ifndef NO_RELEASE_HELD
		stop();
#endif
		atomic {
			CHECK(use_after_free, state[prev] != FREE);
			held[prev] = false
		}
#ifdef NO_RELEASE_HELD
		stop()
#endif
#ifndef SAME_SPACE_LEAVES
	:: p != NOBODY && space[prev] == space[p] && space[prev] != NOWHERE ->
		stop()
#endif
	:: else ->
#ifndef NO_RELEASE_RUNNER
		stop();
#endif
		space_leave(space[prev]);
#ifdef NO_RELEASE_RUNNER
		stop()
#endif
	fi;
	prev = NOBODY
}

/* aspace_put; the last one has to tear it down. */
inline space_put(as)
{
	atomic {
		users[as]--;
		if
		:: users[as] == 0 ->
			printf("%d: space %d is torn down\n", h, as);
			CHECK(torn_down_in_use, satp[0] != as && satp[1] != as);
			CHECK(torn_down_in_use, runner[as] == 0);
			CHECK(torn_down_in_use, sharers[as] <= 1);
			for (i : 0 .. NP - 1) {
				CHECK(torn_down_in_use,
				    space[i] != as && lent[i] != as)
			}
			i = 0;
			dead[as] = true
		:: else
		fi
	}
}

/* proc_publish and the like, with the child's space known; the parent waits. */
inline wait_for_child()
{
	printf("%d: %d is the child of %d, in space %d\n", h, born, p,
	    space[born]);
	parent[born] = p;
	ready_push(born);
	born++;
	CHECK(lost_kill, !killed[p]);
	call[p] = LENDS;
	state[p] = BLOCKED;
	prev = p;
	p = NOBODY;
	a = 0
}

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
		/* vfork, in the same space */
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
		/* Nobody gets the space while the lock is held. */
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
		/* Of one that is not in ours. */
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

/* What somebody waits for happens. */
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
