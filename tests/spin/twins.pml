/* SPDX-License-Identifier: MIT */
/*
 * twins.pml - a server and the copy that stays behind for it, when another
 * process kills both: proc/twin.c, the end of a process in proc/signal.c and
 * proc/exit.c, the signal of PR_SET_PDEATHSIG, and port_keep() of
 * user/lib/server.c.
 *
 * The first server is kept, and later ones as often as KEEPS says, and whenever
 * they hear that no process stays behind for them any more. KILLS processes get
 * a SIGKILL at any point, unless they are spared. At any moment there has to be
 * a process that goes on serving, and in the end there are two processes.
 *
 * All that is done under sched_lock is one step, and so is every access without
 * it. Every other #ifdef leaves something out, and the search must then find an
 * error: tests/spin/check.py lists them.
 */
#define NP 4
#ifndef KEEPS
#define KEEPS 1
#endif
#ifndef KILLS
#define KILLS 3
#endif

hidden byte no_service, use_after_free, too_many, alone;
#define CHECK(what, holds) assert((holds) || what)

#define NOBODY 0 /* else the number of a process, plus 1 */

#define FREE   0
#define LIVES  1
#define ZOMBIE 2
byte state[NP];
bool killed[NP];  /* a SIGKILL is pending */
bool ends[NP];    /* the SIGKILL was taken, or the process exits by itself */
bool exiting[NP]; /* proc.exiting */
byte twin[NP];
byte parent[NP];
byte kept[NP];     /* the server that it took over from, as its memory says */
bool serves[NP];   /* it has taken over */
bool waits[NP];    /* in port_next() */
bool by_itself[NP]; /* exit status of a zombie */

/* The signal for the end of the parent. */
bool watches[NP];
bool told[NP];   /* that signal is pending */
bool unkept[NP]; /* its handler has run */
bool heard[NP];  /* thread.heard */

byte keeps = KEEPS;
byte kills = KILLS;

#define GOES_ON(p) (state[p] == LIVES && serves[p] && !killed[p] && \
    !ends[p] && !exiting[p])
#define THERE_IS_SERVICE (GOES_ON(0) || GOES_ON(1) || GOES_ON(2) || GOES_ON(3))

inline twin_end(p)
{
	if
	:: twin[p] != NOBODY ->
		CHECK(use_after_free, state[twin[p] - 1] != FREE);
		twin[twin[p] - 1] = NOBODY
	:: else
	fi;
	twin[p] = NOBODY
}

inline twin_begin(a, b)
{
#ifndef FORMER_TWIN_STAYS
	twin_end(a);
	twin_end(b);
#endif
	twin[a] = b + 1;
	twin[b] = a + 1
}

#ifdef PENDING_IS_NOT_LOOKED_AT
#define IS_ABOUT_TO_END(p) exiting[p]
#else
#define IS_ABOUT_TO_END(p) (killed[p] || exiting[p])
#endif

/* twin_is_spared */
#ifdef NOBODY_IS_SPARED
#define IS_SPARED(p) false
#else
#ifdef WHO_IS_ALONE_IS_NOT_SPARED
#define IS_SPARED(p) (twin[p] != NOBODY && IS_ABOUT_TO_END(twin[p] - 1))
#else
#define IS_SPARED(p) (twin[p] == NOBODY || IS_ABOUT_TO_END(twin[p] - 1))
#endif
#endif

/* signal_send */
inline kill_process(p)
{
	printf("%d: SIGKILL\n", p);
	killed[p] = true;
	waits[p] = false
}

#define DIES_IF_KILLED \
	if \
	:: killed[self] -> goto die \
	:: else \
	fi

/* Before user mode: a handler runs. */
inline take_signals()
{
	if
	:: killed[self] -> goto die
	:: told[self] && !killed[self] ->
		atomic {
			told[self] = false;
			unkept[self] = true;
#ifndef SIGNAL_IS_NOT_HEARD
			heard[self] = true
#endif
		}
	:: else
	fi
}

/* fork */
inline fork_child()
{
	atomic {
		state[0] == FREE || state[1] == FREE || state[2] == FREE ||
		    state[3] == FREE || killed[self];
		if
		:: killed[self] -> goto die
		:: else
		fi;
		child = 0;
		do
		:: state[child] != FREE -> child++
		:: else -> break
		od;
		state[child] = LIVES;
		parent[child] = self + 1;
		kept[child] = kept[self];
		printf("%d: stays behind for %d\n", self, child);
		run Process(child)
	}
}

proctype Process(byte self)
{
	byte child, from, i;

	if
	:: self == 0 && serves[0] -> goto keep
	:: else
	fi;
adopt:
	DIES_IF_KILLED;
	/* port_adopt */
	atomic {
		from = parent[self];
		if
		:: from == NOBODY -> goto end
#ifndef ADOPTS_FROM_WHO_ENDS
		:: from != NOBODY && exiting[from - 1] -> from = 0; goto end
#endif
		:: else
		fi;
		from--;
		if
		:: parent[from] != NOBODY && parent[from] == kept[self] ->
#ifndef OLDER_LIVES_ON
			kill_process(parent[from] - 1)
#endif
		:: else
		fi;
#ifdef OLDER_IS_KILLED_BEFORE
		CHECK(no_service, THERE_IS_SERVICE)
	}
	atomic {
		if
		:: parent[self] != from + 1 || exiting[from] ->
			from = 0;
			goto end
		:: else
		fi;
#endif
		twin_begin(from, self);
		serves[self] = true;
		kept[self] = from + 1;
		printf("%d: takes over from %d\n", self, from);
		from = 0;
		CHECK(no_service, THERE_IS_SERVICE)
	}
	/* watch_keeper; and port_keep() looks whether it came too late */
	unkept[self] = false;
#ifdef LOOKS_BEFORE_IT_WATCHES
	take_signals();
	if
	:: parent[self] == NOBODY -> goto keep
	:: else
	fi;
	watches[self] = true;
#else
	watches[self] = true;
	take_signals();
	if
	:: parent[self] == NOBODY -> goto keep
	:: else
	fi;
#endif
serve:
	take_signals();
	if
	:: unkept[self] -> goto keep
	:: !unkept[self] && keeps > 0 -> keeps--; goto keep
	:: !unkept[self]
	fi;
	take_signals();
	/* port_next */
	atomic {
		if
#ifndef HEARD_IS_NOT_LOOKED_AT
		:: heard[self] -> heard[self] = false; goto serve
#endif
		:: killed[self] || told[self]
		:: else -> waits[self] = true
		fi
	}
end_waits:
	atomic { !waits[self] ->
		if
		:: killed[self] -> goto die
		:: told[self] && !killed[self] ->
			/* EINTR, and a handler */
			told[self] = false;
			unkept[self] = true;
			goto serve
		fi
	}
keep:
	/* stay_behind */
	watches[self] = false;
	fork_child();
end_behind:
	atomic {
		if
		:: killed[self] -> goto die
		:: !killed[self] && state[child] == ZOMBIE ->
			state[child] = FREE;
			parent[child] = NOBODY;
			if
			:: by_itself[child] -> by_itself[child] = false; goto end
			:: else -> goto keep
			fi
		fi
	}
end:
	atomic {
		printf("%d: ends by itself\n", self);
		by_itself[self] = true;
		ends[self] = true;
		CHECK(no_service, THERE_IS_SERVICE)
	}
	goto exit;
die:
	/* take; the signal stays pending */
#ifdef SIGNAL_IS_TAKEN_BEFORE
	atomic {
		killed[self] = false;
		ends[self] = true;
		twin_end(self)
	}
#endif
#ifdef SIGNAL_IS_TAKEN_SILENTLY
	atomic { killed[self] = false; ends[self] = true }
#endif
exit:
	/* proc_exit */
	atomic {
#ifndef TWIN_OUTLIVES_ITSELF
		twin_end(self);
#endif
		exiting[self] = true
	}
	/* exit_last, and before it exit_family */
	atomic {
		for (i : 0 .. NP - 1) {
			if
			:: parent[i] == self + 1 ->
				parent[i] = NOBODY;
				if
				:: state[i] == ZOMBIE ->
					state[i] = FREE;
					by_itself[i] = false
				:: state[i] == LIVES && watches[i] ->
					told[i] = true;
					waits[i] = false
				:: else
				fi
			:: else
			fi;
			if
			:: kept[i] == self + 1 -> kept[i] = NOBODY
			:: else
			fi
		}
		i = 0;
		child = 0;
		if
		:: parent[self] == NOBODY ->
			state[self] = FREE;
			by_itself[self] = false
		:: else -> state[self] = ZOMBIE
		fi;
		killed[self] = false;
		ends[self] = false;
		exiting[self] = false;
		serves[self] = false;
		watches[self] = false;
		told[self] = false;
		unkept[self] = false;
		heard[self] = false;
		kept[self] = NOBODY;
#ifndef TWIN_OUTLIVES_ITSELF
		CHECK(use_after_free, twin[self] == NOBODY);
#endif
	}
}

#define CAN_BE_KILLED(p) (kills > 0 && state[p] == LIVES && !killed[p] && \
    !ends[p] && !exiting[p] && !IS_SPARED(p))

/* kill(2) of a process that is not spared. */
inline send(p)
{
	kills--;
	kill_process(p);
	CHECK(no_service, THERE_IS_SERVICE)
}

proctype Killer()
{
	do
	:: atomic { CAN_BE_KILLED(0) -> send(0) }
	:: atomic { CAN_BE_KILLED(1) -> send(1) }
	:: atomic { CAN_BE_KILLED(2) -> send(2) }
	:: atomic { CAN_BE_KILLED(3) -> send(3) }
	:: break
	od
}

/* Looks at the processes when nothing happens any more. */
proctype Judge()
{
	byte p, count;

end_judge:
	timeout;
	atomic {
		for (p : 0 .. NP - 1) {
			count = count + (state[p] != FREE);
			CHECK(alone, state[p] == FREE || (twin[p] != NOBODY &&
			    twin[twin[p] - 1] == p + 1))
		}
		CHECK(too_many, count <= 2);
		CHECK(alone, count == 2)
	}
}

init
{
	atomic {
		state[0] = LIVES;
		serves[0] = true;
		run Process(0);
		run Killer();
		run Judge()
	}
}
