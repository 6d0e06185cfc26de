/* SPDX-License-Identifier: MIT */
/*
 * tables.pml - a part of share.pml: mm/pagetable.c and mm/resolve.c.
 */

#ifdef SOLE_BELOW_SHARED
#define UNSHARES(e) false
#else
#define UNSHARES(e) (KIND(e) == LAZY)
#endif

/* --- mm/pagetable.c -------------------------------------------------------- */

/* Frees table `tab` of level `lev`: leaf_table_free, inner_table_free. */
inline table_free()
{
	outer = NF;
	do
	:: lev == 1 ->
		d_step {
			CHECK(use_after_free, state[tab] == INNER);
			outer = tab;
			e2 = LOAD(WORD(tab, 0));
			mem[WORD(tab, 0)] = 0
		}
		if
		:: e2 == 0 -> break
		:: else
		fi;
		d_step { tab = FRAME(e2); lev = 0 }
		frame_drop(tab);
		if
		:: !last -> break
		:: else
		fi
	:: else ->
		d_step {
			CHECK(use_after_free, state[tab] == LEAF);
			n = 0
		}
		do
		:: n < FAN ->
			d_step {
				e2 = LOAD(WORD(tab, n));
				mem[WORD(tab, n)] = 0;
				n++
			}
			if
			:: e2 != 0 ->
				frame_drop_page(FRAME(e2));
				if
				:: last -> frame_free(FRAME(e2))
				:: else
				fi
			:: else
			fi
		:: else -> break
		od;
		frame_free(tab);
		break
	od;
	if
	:: outer < NF -> frame_free(outer)
	:: else
	fi;
	d_step { outer = 0; n = 0; e2 = 0 }
}

inline table_put()
{
#ifdef NO_ACQUIRE_DROP
	/* The count of a page is loaded before the table's is dropped. */
	if
	:: lev == 0 && mem[WORD(tab, 0)] != 0 ->
		early_count = cnt[FRAME(mem[WORD(tab, 0)])]
	:: else
	fi;
#endif
	frame_drop(tab);
	if
#ifdef LAST_FORGETS_TO_FREE
	:: last -> skip
#else
	:: last -> table_free()
#endif
	:: else
	fi;
	d_step { last = 0; tab = 0; lev = 0; early_count = NONE }
}

#ifdef NO_CLOSE_SOURCE_TABLE
#define CLOSES(e) (KIND(e) == RW)
#elif defined(NO_CLOSE_SOURCE_PAGE)
#define CLOSES(e) (KIND(e) == TABLE)
#elif defined(CLOSE_AFTER_DROP)
#define CLOSES(e) false
#else
#define CLOSES(e) IS_OPEN(e)
#endif

#ifdef NO_CLOSE_COPY
#define COPY_OF(e) (e)
#else
#define COPY_OF(e) CLOSE(e)
#endif

/* entry_copy, leaf_copy: entry i of table f, to table got. */
inline entry_copy()
{
	atomic {
		perhaps_visible();
		CHECK(use_after_free, state[f] != FREE);
		e2 = LOAD(WORD(f, i))
	}
	if
	:: e2 == 0
	:: else ->
#ifndef GET_AFTER_DROP
		frame_get(FRAME(e2));
#endif
		atomic {
			if
			:: CLOSES(e2) ->
				printf("%d:     close entry %d of table %d\n",
				    me, i, f);
				CHECK(use_after_free, state[f] != FREE);
				at = WORD(f, i);
				val = CLOSE(e2);
				store()
			:: else
			fi;
			mem[WORD(got, i)] = COPY_OF(e2);
			e2 = 0
		}
	fi
}

/* Steps that only mutants do, after the drop. */
inline too_late()
{
#ifdef GET_AFTER_DROP
	frame_get(FRAME(mem[WORD(got, 0)]));
#endif
#ifdef CLOSE_AFTER_DROP
	d_step {
		CHECK(use_after_free, state[f] != FREE);
		mem[WORD(f, 0)] = CLOSE(mem[WORD(f, 0)])
	}
#endif
	skip
}

/*
 * table_unshare, up to the copying: the LAZY entry e in `slot` names table f,
 * of level lv - 1. `got` is the copy if there has to be one, else NF.
 */
inline table_take_over()
{
	f = FRAME(e);
	printf("%d:   table_unshare, table %d\n", me, f);
	frame_is_sole(f);
	got = NF;
	if
	:: sole ->
		e = E(TABLE, f);
		mem[slot] = e;
		changed = true
	:: else ->
		early = NONE;
		frame_alloc((lv == 1 -> LEAF : INNER));
		ok = (got != NF)
	fi;
	sole = 0
}

/* The rest of it: copies table f to `got`. */
inline table_copy()
{
#ifdef DROP_BEFORE_COPY
	tab = f; lev = lv - 1;
	table_put();
#endif
	do
	:: i < (lv == 1 -> FAN : 1) ->
		entry_copy();
		i++
	:: else -> break
	od;
	atomic {
		i = 0;
		e = E(TABLE, got);
		mem[slot] = e;
		changed = true;
		tab = f;
		lev = lv - 1
	}
#ifndef DROP_BEFORE_COPY
	table_put();
#endif
	too_late()
}

/* --- mm/resolve.c ---------------------------------------------------------- */

inline page_copy()
{
	printf("%d:     page_copy from %d to %d\n", me, f, got);
	CHECK(use_after_free, state[f] == PAGE);
	mem[WORD(got, 0)] = LOAD(WORD(f, 0))
}

/* page_own: the first write to COW page f, all tables private. */
inline page_take_over()
{
	f = FRAME(e);
	printf("%d:   page_own, page %d\n", me, f);
	frame_is_sole(f);
	got = NF;
	if
	:: sole ->
		changed = true;
		e = E(RW, f);
		mem[slot] = e;
		speculate();
		tlb_flush_page()
	:: else ->
		frame_alloc(PAGE);
		ok = (got != NF)
	fi;
	sole = 0
}

inline page_replace()
{
	changed = true;
	e = E(RW, got);
	mem[slot] = e;
	speculate();
#ifndef NO_FENCE_OWN
#ifndef OWN_DROPS_BEFORE_FENCE
	tlb_flush_page();
#endif
	CHECK(stale_translation, !REMEMBERS_PAGE(f))
#endif
}

/* The rest of it: page f has to be copied to `got`. */
inline page_own()
{
#ifdef NO_RELEASE_DROP
	/* Loads that should come before may come after. */
	if
	:: frame_drop(f); atomic { page_copy(); page_replace() }
	:: atomic { page_copy(); page_replace() } frame_drop(f)
	fi;
#else
	atomic {
		page_copy();
		page_replace()
	}
	frame_drop(f);
#endif
	if
	:: last -> frame_free(f)
	:: else
	fi;
	last = 0
}

/* resolve, open_path: from the top down, then the page. */
inline resolve()
{
	atomic {
		lv = LEVELS - 1;
		slot = ROOT(me);
		early = NONE;
		got = NF;
		ok = true;
		changed = false
	}
	do
	:: atomic {
		ok && lv > 0 ->
		e = (early != NONE -> early : LOAD(slot));
		early = NONE;
		if
		:: e == 0 -> ok = false
		:: else
		fi
	   }
#ifdef NO_ACQUIRE_SOLE
		/* The entries of the table are loaded before the count. */
		if
		:: UNSHARES(e) ->
			early = mem[WORD(FRAME(e), (lv == 1 -> v : 0))]
		:: else
		fi;
#endif
		atomic {
			if
			:: UNSHARES(e) -> table_take_over()
			:: else
			fi;
			if
			:: got == NF ->
				f = 0;
				lv--;
				slot = WORD(FRAME(e), (lv == 0 -> v : 0))
			:: else
			fi
		}
		if
		:: got != NF ->
			table_copy();
			atomic {
				f = 0;
				got = NF;
				lv--;
				slot = WORD(FRAME(e), (lv == 0 -> v : 0))
			}
		:: else
		fi
	:: else -> break
	od;
	if
	:: ok ->
		atomic {
			CHECK(use_after_free, USABLE(slot));
			e = (early != NONE -> early : LOAD(slot));
			if
			:: WRITES && KIND(e) == COW -> page_take_over()
			:: e == 0 -> ok = false
			:: else
			fi
		}
		if
		:: got != NF -> page_own()
		:: else
		fi
	:: else
	fi;
	atomic { f = 0; got = 0; lv = 0; slot = 0; early = NONE }
	release()
}

