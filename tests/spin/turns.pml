/* SPDX-License-Identifier: MIT */
/*
 * turns.pml - a part of runner.pml: what is done under sched_lock with
 * processes that are ready, wait for their turn, or have lent their space; and
 * how a hart leaves a space.
 */

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

/* Lets one of the processes go on that wait for their turn in a space. */
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

/* lender_go_on: the process that has lent it last has it again. */
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
		/*
		 * The lender may have been killed, and have no call any more.
		 */
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

/* Looks first without the lock: mostly there is no other process. */
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
