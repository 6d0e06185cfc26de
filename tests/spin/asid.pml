/* SPDX-License-Identifier: MIT */
/*
 * asid.pml - address spaces that move between harts: arch/tlb.c, the hand-over
 * of proc/sched.c, and the end of an address space.
 *
 * Bounds: 2 harts, 2 address spaces, ASIDS numbers besides the kernel's, RUNS
 * times that a space is run. An address space is one entry, of which `version`
 * counts the changes; a walker on each hart may fill the TLB from satp at any
 * time, and a translation stays in the TLB until a fence.
 */
#ifndef RUNS
#define RUNS 5
#endif
#ifndef ASIDS
#define ASIDS 2
#endif
#define HARTS  2
#define SPACES 2
#define NOBODY 255
#define KERNEL 254

hidden byte stale_translation, walks_dead_space, lost_store;
#define CHECK(what, holds) assert((holds) || what)

/* The entry of an address space, and whether its tables are freed. */
byte version[SPACES];
bool dead[SPACES];

/* struct asid. */
byte number[SPACES];
byte round_of[SPACES];
byte hart_of[SPACES] = NOBODY;

/* A hart: satp, the ASIDs it has given, and its TLB by number: 1 + version. */
byte satp[HARTS] = KERNEL;
byte satp_asid[HARTS];
byte next_asid[HARTS] = 1;
byte round[HARTS] = 1;
#define TLB(h, n) tlb[(h) * (ASIDS + 1) + (n)]
byte tlb[HARTS * (ASIDS + 1)];
byte tlb_space[HARTS * (ASIDS + 1)];

/* A store to the entry which only its own hart can see yet: 1 + version. */
byte pending[SPACES];

/* The version that was last stored, seen or not. */
byte changed[SPACES];

bool ready[SPACES] = true;
bool waits[SPACES];
byte runner[SPACES]; /* hart + 1, 0 for nobody */
byte left = RUNS;

/* A fence lets a hart's walks see its own stores, not those of others. */
#define SEEN_BY(h, a) \
	(pending[a] != 0 && hart_of[a] == (h) -> pending[a] : version[a] + 1)

inline walk(walker)
{
	d_step {
		CHECK(walks_dead_space, !dead[satp[walker]]);
		TLB(walker, satp_asid[walker]) =
		    SEEN_BY(walker, satp[walker]);
		tlb_space[walker * (ASIDS + 1) + satp_asid[walker]] =
		    satp[walker]
	}
}

proctype Walker(byte h)
{
end_walk:
	do
	:: atomic {
		satp[h] != KERNEL &&
		    (TLB(h, satp_asid[h]) == 0 || dead[satp[h]]) ->
		walk(h)
	   }
	od
}

inline tlb_flush_all()
{
	d_step {
		for (k : 0 .. ASIDS) {
			TLB(h, k) = 0;
			tlb_space[h * (ASIDS + 1) + k] = 0
		}
		k = 0
	}
}

inline tlb_switch_kernel()
{
	atomic { satp[h] = KERNEL; satp_asid[h] = 0 }
}

/* tlb_switch, asid_assign. */
inline tlb_switch()
{
#ifdef KEEP_ASID
	migrated = (hart_of[a] == NOBODY);
#else
	migrated = (hart_of[a] != h);
#endif
	if
#ifdef NO_ROUND
	:: migrated ->
#else
	:: migrated || round_of[a] != round[h] ->
#endif
		if
		:: next_asid[h] > ASIDS ->
			printf("%d: asid_assign: a new round\n", h);
			atomic { round[h]++; next_asid[h] = 1 }
			tlb_switch_kernel();
#ifndef NO_FLUSH_OF_ROUND
			tlb_flush_all()
#endif
		:: else
		fi;
		atomic {
			number[a] = next_asid[h];
			next_asid[h]++;
			round_of[a] = round[h];
			hart_of[a] = h
		}
	:: else
	fi;
	atomic {
		satp[h] = a;
		satp_asid[h] = number[a];
		printf("%d: tlb_switch to %d, ASID %d\n", h, a, number[a])
	}
}

/*
 * User mode: the translation in the TLB must be of the entry as the process
 * stored it last.
 */
inline user_access()
{
	atomic {
		CHECK(lost_store, SEEN_BY(h, a) == seen + 1);
		if
		:: TLB(h, number[a]) == 0 -> walk(h)
		:: else
		fi;
		printf("%d: runs %d\n", h, a);
		CHECK(stale_translation,
		    tlb_space[h * (ASIDS + 1) + number[a]] == a &&
		    TLB(h, number[a]) == seen + 1)
	}
}

/* Any change of an entry that was valid, with its fence. */
inline change()
{
	atomic {
		printf("%d: changes an entry of %d\n", h, a);
		changed[a] = 1 - changed[a];
		pending[a] = changed[a] + 1
	}
	atomic {
		version[a] = pending[a] - 1;
		pending[a] = 0;
		TLB(h, number[a]) = 0;
		tlb_space[h * (ASIDS + 1) + number[a]] = 0
	}
}

/* let_go, space_leave: what the process stored is published with it. */
inline let_go(p)
{
#ifdef NO_RELEASE_LEAVE
	runner[p] = 0;
#endif
	atomic {
		version[p] = pending[p] - 1;
		pending[p] = 0
	}
#ifndef NO_RELEASE_LEAVE
	runner[p] = 0;
#endif
	prev = NOBODY
}

#ifdef NO_WAIT_FOR_RUNNER
#define IS_OURS(a) true
#else
#define IS_OURS(a) (runner[a] == h + 1)
#endif

proctype Hart(byte h)
{
	byte a, prev = NOBODY, k, seen;
	bool migrated;

end_idle:
	do
	:: atomic {
		/* ready_pop */
		left > 0 && (ready[0] || ready[1]) ->
		if
		:: ready[0] -> a = 0
		:: ready[1] -> a = 1
		fi;
		ready[a] = false;
		left--;
		/* space_claim */
		if
		:: runner[a] == 0 -> runner[a] = h + 1
		:: else
		fi
	   }
		if
		:: prev != NOBODY && IS_OURS(a)
		:: else ->
			/* switch_slow */
#ifndef WAIT_HOLDING
			if
			:: prev != NOBODY ->
#ifndef LEAVE_IN_OLD_SPACE
				tlb_switch_kernel();
#endif
				let_go(prev)
			:: else
			fi;
#endif
			/* space_await */
			if
			:: IS_OURS(a)
			:: else -> (runner[a] == 0); runner[a] = h + 1
			fi
		fi;
#ifdef LET_GO_BEFORE_SWITCH
		if
		:: prev != NOBODY && prev != a -> let_go(prev)
		:: else
		fi;
#endif
		tlb_switch();
		if
		:: prev != NOBODY && prev != a -> let_go(prev)
		:: else -> prev = NOBODY
		fi;
		/* start */
		seen = changed[a];
		user_access();
		if
		:: change(); seen = changed[a]; user_access()
		:: true
		fi;
		if
		:: true ->
			/* sched_block; or sched_yield, if woken at once */
			atomic {
				changed[a] = 1 - changed[a];
				pending[a] = changed[a] + 1;
				TLB(h, number[a]) = 0;
				tlb_space[h * (ASIDS + 1) + number[a]] = 0
			}
			prev = a;
			waits[a] = true
		:: true ->
			/* exit_memory, space_quit, aspace_teardown */
#ifndef EXIT_IN_OLD_SPACE
			tlb_switch_kernel();
#endif
			runner[a] = 0;
			printf("%d: aspace_teardown of %d\n", h, a);
			dead[a] = true;
			tlb_switch_kernel()
		fi;
		a = 0;
		seen = 0
	:: prev != NOBODY && (left == 0 || (!ready[0] && !ready[1])) ->
		/* ready_wait */
		tlb_switch_kernel();
		let_go(prev)
	od
}

/* waitq_wake_all, by any hart. */
proctype Waker()
{
end_waker:
	do
	:: atomic { waits[0] -> waits[0] = false; ready[0] = true }
	:: atomic { waits[1] -> waits[1] = false; ready[1] = true }
	od
}

init
{
	atomic {
		run Hart(0);
		run Hart(1);
		run Walker(0);
		run Walker(1);
		run Waker()
	}
}
