/* SPDX-License-Identifier: MIT */
/*
 * memory.pml - a part of share.pml: what the harts have in common, the frames
 * and their counts, and what a hart keeps to itself: stores that wait and
 * translations that it remembers.
 */

/* --- names of assertions: these variables are never set ------------------- */

hidden byte use_after_free, double_free, lost_frame, isolation, wrong_data,
    stale_translation, I0_count, I1_table, I2_page;

#define CHECK(what, holds) assert((holds) || what)

/* --- operations ---------------------------------------------------------- */

#define OP_LOAD    0
#define OP_STORE   1
#define OP_COPYOUT 2
#define OP_FORK    3
#define OP_UNMAP   4
#define OP_EXIT    5
#define WRITES (op != OP_LOAD)

/* --- entries: include/arch/sv39.h ------------------------------------------ */

#define EMPTY      0
#define LAZY       1
#define TABLE      2
#define COW        3
#define RW         4
#define E(kind, f) ((kind) * 32 + (f))
#define KIND(e)    ((e) / 32)
#define FRAME(e)   ((e) % 32)
#define IS_OPEN(e) (KIND(e) == TABLE || KIND(e) == RW)

/* pte_close: TABLE becomes LAZY, RW becomes COW. */
#define CLOSE(e) (IS_OPEN(e) -> (e) - 32 : (e))

/* --- memory ---------------------------------------------------------------- */

/* The roots' entries, then FAN words of each frame. A page uses the first. */
#define ROOT(p)        (p)
#define WORD(f, i)     (NP + (f) * FAN + (i))
#define WORD_FRAME(at) (((at) - NP) / FAN)
byte mem[NP + NF * FAN];

#define FREE  0
#define PAGE  1
#define LEAF  2 /* a table of level 0 */
#define INNER 3 /* a table of level 1 */
byte state[NF];
byte cnt[NF];

#define NONE 255

/*
 * The values that a process has stored last, or inherited: it has to find them.
 */
byte expect[NP * FAN];
bool mapped[NP];
bool started[NP];
byte forked = 1;
byte running = 1;
byte left = OPS;

hidden byte k, q, w; /* within a step */
hidden byte refs[NF];

/* Words of roots may be touched always, of frames while they are not free. */
#define USABLE(at) \
	((at) < NP || state[((at) < NP -> 0 : WORD_FRAME(at))] != FREE)

#define LOAD(at)                          \
	(at0 == (at) -> val0 :    \
	(at1 == (at) -> val1 : mem[at]))

inline becomes_visible(at_x, val_x)
{
	d_step {
		printf("%d:     its store of %d to word %d becomes visible\n",
		    me, val_x, at_x);
		CHECK(use_after_free, USABLE(at_x));
		mem[at_x] = val_x;
		at_x = NONE;
		val_x = 0
	}
}

/* A release: what was stored before is visible from here on. */
inline release()
{
	do
	:: at0 != NONE -> becomes_visible(at0, val0)
	:: at1 != NONE -> becomes_visible(at1, val1)
	:: else -> break
	od
}

/* A store that waits in the buffer may become visible at any time. */
inline perhaps_visible()
{
	if
	:: at0 != NONE -> becomes_visible(at0, val0)
	:: at1 != NONE -> becomes_visible(at1, val1)
	:: true
	fi
}

/* `val` to `at`: at once, or later, but not before the last one to `at`. */
inline store()
{
	if
	:: at0 != at && at1 != at -> mem[at] = val
	:: at0 == NONE && at1 != at -> at0 = at; val0 = val
	:: at0 != NONE && at0 != at && at1 == NONE ->
		at1 = at; val1 = val
	:: at0 == at -> val0 = val
	:: at1 == at -> val1 = val
	fi;
	at = 0; val = 0
}

/* --- include/mm/frame.h ---------------------------------------------------- */

/*
 * frame_alloc, whose lists are in frame.pml. `got` is NF if no frame is left.
 */
inline frame_alloc(what)
{
	got = CACHE(me);
	do
	:: state[got] != FREE -> got++
	:: else -> break
	od;
	if
	:: true ->
		printf("%d:     frame_alloc: frame %d\n", me, got);
		state[got] = what;
		cnt[got] = 1
#ifdef ENOMEM
	:: true ->
		printf("%d:     frame_alloc: none left\n", me);
		got = NF
#endif
	fi
}

inline frame_free(freed)
{
	atomic {
		printf("%d:   frame_free(%d)\n", me, freed);
		CHECK(double_free, state[freed] != FREE && cnt[freed] == 0);
		state[freed] = FREE;
		mem[WORD(freed, 0)] = 0;
		mem[WORD(freed, FAN - 1)] = 0
	}
}

inline frame_get(gotten)
{
#ifdef GET_IS_NOT_ATOMIC
	was = cnt[gotten];
	d_step {
		cnt[gotten] = was + 1;
#else
	d_step {
		was = cnt[gotten];
		cnt[gotten] = cnt[gotten] + 1;
#endif
		printf("%d:     frame_get(%d): was %d\n", me, gotten, was);
		CHECK(use_after_free, state[gotten] != FREE && was > 0);
		was = 0
	}
}

inline frame_drop(dropped)
{
#ifndef NO_RELEASE_DROP
	release();
#endif
#ifdef DROP_IS_NOT_ATOMIC
	was = cnt[dropped];
	atomic {
		cnt[dropped] = was - 1;
#else
	atomic {
		was = cnt[dropped];
		cnt[dropped] = cnt[dropped] - 1;
#endif
		printf("%d:     frame_drop(%d): was %d\n", me, dropped, was);
		CHECK(double_free, state[dropped] != FREE && was > 0);
		last = (was == 1);
		was = 0
	}
}

/*
 * If the count is 1, this hart has the only reference and no other can change
 * the count: a load and a store are enough.
 */
inline frame_drop_page(page)
{
	atomic {
		CHECK(double_free, state[page] == PAGE);
		sole = ((early_count != NONE -> early_count : cnt[page]) == 1);
		early_count = NONE
	}
	if
	:: sole ->
		atomic {
			printf("%d:     frame_drop_page(%d), one owner\n", me,
			    page);
			cnt[page] = 0;
			sole = false;
			last = true
		}
	:: else -> frame_drop(page)
	fi
}

inline frame_is_sole(asked)
{
	printf("%d:     frame_is_sole(%d): count %d\n", me, asked, cnt[asked]);
	CHECK(use_after_free, state[asked] != FREE);
	sole = (cnt[asked] == 1)
}

/* --- the hardware ---------------------------------------------------------- */

/* The table of level 0 by TABLE entries alone, or by any; NF: none. */
#define TOP(p) mem[ROOT(p)]
#if LEVELS == 3
#define MID(p) mem[WORD(FRAME(TOP(p)), 0)]
#define WALK(p) \
	(KIND(TOP(p)) == TABLE && KIND(MID(p)) == TABLE -> FRAME(MID(p)) : NF)
#define FIND(p) (TOP(p) != 0 && MID(p) != 0 -> FRAME(MID(p)) : NF)
#else
#define WALK(p) (KIND(TOP(p)) == TABLE -> FRAME(TOP(p)) : NF)
#define FIND(p) (TOP(p) != 0 -> FRAME(TOP(p)) : NF)
#endif

/* The table at which a walk begins that uses remembered upper levels. */
#define WALK_TABLE(p) (tlb_table != 0 -> tlb_table - 1 : WALK(p))
#define WALK_ENTRY(p, i)                                     \
	(WALK_TABLE(p) < NF -> mem[WORD((WALK_TABLE(p)) % NF, i)] : 0)

inline walk(walk_i)
{
	d_step {
		w = WALK_TABLE(me);
		if
		:: w < NF ->
			printf("%d:   the hart walks to entry %d of table %d\n",
			    me, walk_i, w);
			CHECK(use_after_free, state[w] == LEAF);
			tlb_table = w + 1;
			tlb[walk_i] = mem[WORD(w, walk_i)]
		:: else
		fi
	}
}

/* A hart may fill its TLB at any time, without an access by the program. */
inline speculate()
{
	if
	:: walk(v)
	:: true
	fi
}

inline tlb_flush_page()
{
	printf("%d:   tlb_flush_page\n", me);
	tlb[v] = 0
}

inline tlb_flush_asid()
{
	d_step {
		printf("%d:   tlb_flush_asid\n", me);
		tlb[0] = 0;
		tlb[FAN - 1] = 0;
		tlb_table = 0
	}
}

/* I3: the hart is about to write page f_. No other process may reach it. */
inline check_isolation(written)
{
	for (q : 0 .. NP - 1) {
		w = FIND(q);
		if
		:: q != me && mapped[q] && w < NF ->
			for (k : 0 .. FAN - 1) {
				CHECK(isolation, mem[WORD(w, k)] == 0 ||
				    FRAME(mem[WORD(w, k)]) != written)
			}
		:: else
		fi
	}
}

/* R4: a page or table is not dropped while a hart's TLB still has it. */
#define REMEMBERS_PAGE(f_) (tlb[v] != 0 && \
	FRAME(tlb[v]) == (f_))
#define REMEMBERS_ANY \
	(tlb_table != 0 || tlb[0] != 0 || tlb[FAN - 1] != 0)

