/* SPDX-License-Identifier: MIT */
/*
 * share.pml - several harts work on shared tables, pages and counts.
 *
 * A process is an address space and the hart that runs it. They do operations
 * of their choice, up to OPS together: load, store, copyout, fork, unmap; and
 * each may exit at any time. One access to memory that another hart can reach
 * (a count, a shared entry, a word of a page) is one step; accesses to memory
 * that only this hart can reach are no steps. docs/spin.md says which function
 * each step stands for.
 *
 * Bounds: NP processes, OPS operations, LEVELS of tables. A root and a
 * table of level 1 have one entry, a table of level 0 has FAN. Each hart has a
 * cache of as many free frames as it can ask for, or none where ENOMEM is set
 * and the model so chooses.
 *
 * Memory: a store that others can see is made at once, or waits in the hart's
 * buffer, overtaken by later ones, until a release at the latest. A TLB keeps
 * what a walk found, leaf entries and the table they are in, until a fence.
 * Loads are early only where an acquire was left out (NO_ACQUIRE_*).
 *
 * Every other #ifdef leaves something out, and the search must then find an
 * error: tests/spin/check.py lists them.
 */
#ifndef NP
#define NP 2
#endif
#ifndef OPS
#define OPS 3
#endif
#ifndef LEVELS
#define LEVELS 3
#endif
#ifndef FAN
#define FAN 1
#endif

/* A process can ask for this many frames itself, and once for each child. */
#define PER       (LEVELS - 1 + FAN)
#define CACHE(p)  (PER * ((p) * NP - (p) * ((p) - 1) / 2))
#define NF        CACHE(NP)

#include "memory.pml"
#include "tables.pml"

/* --- what a process does --------------------------------------------------- */

/* A value that differs from the last one and from those of all others. */
#define NEXT_VALUE (me * 2 + 1 + (expect[me * FAN + v] == me * 2 + 1))

inline page_write(write_page)
{
	expect[me * FAN + v] = NEXT_VALUE;
	printf("%d: stores %d to page %d\n", me, expect[me * FAN + v], write_page);
	CHECK(use_after_free, state[write_page] == PAGE);
	check_isolation(write_page);
	at = WORD(write_page, 0);
	val = expect[me * FAN + v];
	store()
}

inline page_read(read_page)
{
	printf("%d: loads %d from page %d\n", me, LOAD(WORD(read_page, 0)), read_page);
	CHECK(use_after_free, state[read_page] == PAGE);
	CHECK(wrong_data, LOAD(WORD(read_page, 0)) == expect[me * FAN + v])
}

#define PERMITS(e, write) (KIND(e) == RW || (KIND(e) == COW && !(write)))

/*
 * A load or a store in user mode, repeated until it has been executed: the hart
 * may use the translation in its TLB, or walk again, or fault because of what
 * the TLB has. Or mm/usercopy.c:copyout, which resolves the address and writes
 * through the direct map.
 */
inline access()
{
	do
	:: atomic {
		if
		:: op == OP_COPYOUT -> printf("%d: copyout\n", me)
		:: op != OP_COPYOUT && tlb[v] != 0
		:: op != OP_COPYOUT && WALK_ENTRY(me, v) != 0 &&
		    WALK_ENTRY(me, v) != tlb[v] -> walk(v)
		:: else
		fi;
		if
		:: op == OP_STORE && PERMITS(tlb[v], true) ->
			page_write(FRAME(tlb[v]));
			break
		:: op == OP_LOAD && PERMITS(tlb[v], false) ->
			page_read(FRAME(tlb[v]));
			break
		:: else -> printf("%d: resolve\n", me)
		fi
	   }
		/* aspace_fault, aspace_resolve */
		resolve();
		if
		:: !ok -> break
		:: ok && op == OP_COPYOUT ->
			atomic { page_write(FRAME(e)) };
			break
		:: ok && op != OP_COPYOUT && !changed -> tlb_flush_asid()
		:: else
		fi
	od;
	e = 0
}

/* mm/aspace.c:aspace_fork, then proc/fork.c:proc_fork publishes the child. */
inline fork()
{
	atomic {
		running++;
		e = mem[ROOT(me)];
		printf("%d: aspace_fork, the child is %d\n", me, child)
	}
#ifndef FORK_COUNTS_LATE
	frame_get(FRAME(e));
#endif
	atomic {
#ifndef NO_CLOSE_PARENT
		mem[ROOT(me)] = CLOSE(e);
#endif
		mem[ROOT(child)] = CLOSE(e);
		speculate();
#ifdef FENCE_FORK_PAGE
		tlb_flush_page()
#elif !defined(NO_FENCE_FORK)
		tlb_flush_asid()
#endif
	}
#ifndef NO_RELEASE_PUBLISH
	release();
#endif
	atomic {
		printf("%d: sched_wake(%d)\n", me, child);
		expect[child * FAN] = expect[me * FAN];
		expect[child * FAN + FAN - 1] = expect[me * FAN + FAN - 1];
		mapped[child] = true;
		started[child] = true;
		child = 0;
		e = 0
	}
#ifdef FORK_COUNTS_LATE
	frame_get(FRAME(mem[ROOT(me)]));
#endif
}

/* mm/range.c:table_clear, between the store and the drop. */
inline fence()
{
	speculate();
#ifndef NO_FENCE_UNMAP
#ifndef UNMAP_DROPS_BEFORE_FENCE
	if
	:: !dead -> tlb_flush_asid()
	:: else
	fi;
#endif
	CHECK(stale_translation, !REMEMBERS_ANY)
#endif
}

/* mm/range.c:inner_table_drop: e is 0 after it where others go on using f. */
inline inner_table_drop()
{
	atomic {
		f = FRAME(e);
		printf("%d:   inner_table_drop, table %d\n", me, f)
	}
	frame_drop(f);
	atomic {
		if
#ifndef NO_REVIVAL
		:: last ->
			printf("%d:   takes table %d over\n", me, f);
#ifndef REVIVAL_WITHOUT_COUNT
			cnt[f] = 1;
#endif
			e = E(TABLE, f);
			mem[ROOT(me)] = e
#endif
		:: else ->
			e = 0;
			mem[ROOT(me)] = 0
		fi;
		last = 0
	}
}

/* mm/range.c:range_run: all of the memory, at munmap or at teardown. */
inline unmap()
{
	atomic {
		printf("%d:   range_run: unmap\n", me);
		mapped[me] = false;
		e = mem[ROOT(me)]
	}
#if LEVELS == 3
	if
#ifndef UNMAP_IN_PLACE
	:: KIND(e) == LAZY -> inner_table_drop()
#endif
	:: else
	fi;
	if
	:: e != 0 ->
		atomic {
			f = FRAME(e);
			CHECK(use_after_free, state[f] == INNER);
			e = LOAD(WORD(f, 0));
			mem[WORD(f, 0)] = 0;
			tab = FRAME(e);
			fence()
		}
		if
		:: e != 0 -> table_put()
		:: else
		fi;
		atomic {
			mem[ROOT(me)] = 0;
			tab = f;
			lev = 1;
			fence()
		}
		table_put()
	:: else
	fi;
#else
	atomic {
		mem[ROOT(me)] = 0;
		tab = FRAME(e);
		fence()
	}
	table_put();
#endif
	atomic { e = 0; f = 0 }
	release()
}

/* mm/audit.c:aspace_audit, when all is quiet. */
inline audit()
{
	printf("%d: all is quiet\n", me);
	for (k : 0 .. NF - 1) {
		refs[k] = 0
	}
	for (q : 0 .. NP - 1) {
		if
		:: mem[ROOT(q)] != 0 -> refs[FRAME(mem[ROOT(q)])]++
		:: else
		fi
	}
	for (k : 0 .. NF - 1) {
		for (q : 0 .. FAN - 1) {
			w = mem[WORD(k, q)];
			if
			:: state[k] >= LEAF && w != 0 -> refs[FRAME(w)]++
			:: else
			fi
		}
	}
	for (k : 0 .. NF - 1) {
		CHECK(lost_frame, state[k] == FREE || refs[k] > 0);
		CHECK(use_after_free, state[k] != FREE || refs[k] == 0);
		CHECK(I0_count, cnt[k] == refs[k])
	}
	for (k : 0 .. NP + NF * FAN - 1) {
		w = mem[k];
		if
		:: k < NP || state[(k < NP -> 0 : WORD_FRAME(k))] >= LEAF ->
			CHECK(I1_table, KIND(w) != TABLE || cnt[FRAME(w)] == 1);
			CHECK(I2_page, KIND(w) != RW || cnt[FRAME(w)] == 1)
		:: else
		fi
	}
}

proctype Process(byte me)
{
	byte op, v, i, n, e, e2, slot, f, got, tab, outer, was, child;
	byte early = NONE, early_count = NONE;
	byte lv, lev, at, val;
	bool ok, changed, sole, last, dead;

	/* Stores that the hart has executed and that no one else sees yet. */
	byte at0 = NONE, at1 = NONE, val0, val1;

	/* The TLB of the hart: leaf entries, and 1 + the table they are in. */
	byte tlb[FAN], tlb_table;

end_unborn:
	started[me];
	do
	:: atomic {
		mapped[me] ->
		if
		:: v = 0
		:: FAN > 1 -> v = FAN - 1
		fi;
		if
		:: left > 0 -> op = OP_LOAD; left--
		:: left > 0 -> op = OP_STORE; left--
		:: left > 0 -> op = OP_COPYOUT; left--
		:: left > 0 && forked < NP ->
			op = OP_FORK;
			left--;
			child = forked;
			forked++
		:: left > 0 -> op = OP_UNMAP; left--
		:: true ->
			/* proc/exit.c:proc_exit, aspace_teardown */
			op = OP_EXIT;
			printf("%d: exits\n", me);
			dead = true;
			tlb_flush_asid()
		fi
	   }
		if
		:: op == OP_FORK -> fork()
		:: op == OP_UNMAP || op == OP_EXIT -> unmap()
		:: else -> access()
		fi;
		atomic { v = 0; op = 0 }
		if
		:: dead -> break
		:: else
		fi
	:: break
	od;
	release();
	running--;
	if
	:: running == 0 -> d_step { audit(); w = 0 }
	:: else
	fi
}

init
{
	d_step {
		/* Process 0 has FAN pages, each with a value of its own. */
#if LEVELS == 3
		mem[ROOT(0)] = E(TABLE, 0);
		state[0] = INNER;
		cnt[0] = 1;
		mem[WORD(0, 0)] = E(TABLE, 1);
#else
		mem[ROOT(0)] = E(TABLE, 1);
#endif
		state[1] = LEAF;
		cnt[1] = 1;
		for (k : 0 .. FAN - 1) {
			state[2 + k] = PAGE;
			cnt[2 + k] = 1;
			mem[WORD(1, k)] = E(RW, 2 + k);
			mem[WORD(2 + k, 0)] = 100 + k;
			expect[k] = 100 + k
		}
		mapped[0] = true;
		started[0] = true
	}
	atomic {
		for (k : 0 .. NP - 1) {
			run Process(k)
		}
	}
}
