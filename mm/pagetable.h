/* SPDX-License-Identifier: MIT */
/*
 * pagetable.h - operations on one entry or one table, for mm/ alone.
 *
 * `slot` is the place of an entry in a private table, `level` the level of the
 * table that it is in: 2 for the root's entries, 0 for those that name pages.
 */
#ifndef MM_PAGETABLE_H
#define MM_PAGETABLE_H

#include "mm/aspace.h"
#include "mm/frame.h"

/* Entries in an eighth of a table; see frame.eighths. */
#define EIGHTH (SV39_ENTRIES < 8 ? 1 : SV39_ENTRIES / 8)

/*
 * Where the frame of page number 0 would be, held in a register by loops over
 * entries: stores to page tables could change the originals, for all that the
 * compiler knows.
 */
INLINE uintptr_t frame_origin(void)
{
	return (uintptr_t)frames -
	    (frame_base >> PAGE_SHIFT) * sizeof(struct frame);
}

/* The frame that an entry names. */
static inline struct frame *pte_frame(pte_t e)
{
	return frame_of_ppn(pte_ppn(e));
}

/* As pte_frame(), for loops: `origin` is frame_origin(). */
INLINE struct frame *frame_from(uintptr_t origin, pte_t e)
{
	struct frame *f =
	    (struct frame *)(origin + pte_ppn(e) * sizeof(struct frame));

	test_assert(f == pte_frame(e));
	return f;
}

/* Does an entry count as a reference to a frame? */
static inline bool pte_names_frame(pte_t e)
{
	return pte_ppn(e) != 0;
}

/* The permissions of what is private, as its owner sees them. */
static inline uint64_t page_perms(pte_t e)
{
	return pte_perms(e) | (pte_is_cow(e) ? PTE_W : 0);
}

/*
 * Copies an entry of a table of `level`: closes it in the source, writes it to
 * the copy, and counts the reference. False for EMPTY, which leaves the copy
 * alone. What is closed already is not stored again, so that those who copy one
 * table at once do not fight for its cache lines.
 */
INLINE bool entry_copy(pte_t *copy, pte_t *source, int level, uintptr_t origin)
{
	pte_t e = pte_read(source);

	if (level == 0 && likely(pte_is_open_page(e))) {
		frame_get(frame_from(origin, e));
		e = pte_close_page(e);
		pte_write(source, e);
	} else if (pte_names_frame(e)) {
		frame_get(frame_from(origin, e));
		if (level > 0 && pte_is_table(e)) {
			e = pte_close_table(e);
			pte_write(source, e);
		}
	} else if (pte_is_empty(e)) {
		return false;
	}
	pte_write(copy, e);
	return true;
}

/*
 * Drops the reference to a table of `level`; the last frees it, with what is
 * below.
 */
void table_put(struct frame *table, int level);

/*
 * The index of the first of the EMPTY entries that lead up to `i`, but not one
 * before `stop`.
 */
unsigned table_empty_from(const struct frame *table, unsigned i, unsigned stop);

/*
 * Drops a reference to a table that others name as well. False if it was the
 * last after all: it stays, as nobody else can have seen that it was gone.
 */
INLINE bool table_drop_shared(struct frame *table)
{
	if (likely(!frame_drop(table)))
		return true;
	__atomic_store_n(&table->refs, 1, __ATOMIC_RELAXED);
	return false;
}

/* How many reservations follow one another from `slot` on. */
unsigned reserved_run(const pte_t *slot, const pte_t *end);

/*
 * Frees a table that nobody names, and that names nothing itself. It may go as
 * it is, with its reservations; if it does not, all of its entries are EMPTY.
 */
void table_free(struct frame *table, bool as_it_is);

/*
 * Above level 0: empties entries from `i` on, and lets go of shared tables.
 * Returns the index of the first that names a table of ours alone, or `end`.
 */
unsigned table_clear_shared(struct frame *table, unsigned i, unsigned end);

/*
 * Says of `count` EMPTY entries from `slot` on that they need not be looked at,
 * as far as they are whole eighths of the table.
 */
static inline void table_note_empty(struct frame *table, const pte_t *slot,
    unsigned count)
{
	unsigned i = (unsigned)(((uintptr_t)slot & PAGE_MASK) / sizeof *slot);
	unsigned first = (i + EIGHTH - 1) / EIGHTH, end = (i + count) / EIGHTH;

	if (first < end)
		table->eighths &= (uint8_t) ~((1U << end) - (1U << first));
}

/* Empties an entry of the table, whose reference is the caller's now. */
INLINE void slot_clear(struct frame *table, pte_t *slot)
{
	pte_write(slot, pte_empty());
	table->used--;
}

/*
 * The way from the root towards the entry for `va` in a table of some level. It
 * ends above that where there is nothing to be entered.
 */
struct walk {
	struct aspace *as;
	vaddr_t va;
	pte_t *slot; /* where it is, */
	int level;   /* and in a table of which level */
	/* By level, down to where it is, if it only looks. */
	pte_t *path[SV39_ROOT_LEVEL + 1];
};

/* What it does to entries in its way. Without any it ends there, but: */
#define WALK_LOOK   0 /* enters shared tables, which may only be read */
#define WALK_OWN    1 /* makes shared tables private */
#define WALK_SPLIT  2 /* makes of a reservation a table of such */
#define WALK_CREATE 4 /* makes a table where there is nothing */

/* At the root's entry. */
INLINE void walk_begin(struct walk *w, struct aspace *as, vaddr_t va)
    REQUIRES(as->lock)
{
	w->as = as;
	w->va = va;
	w->level = SV39_ROOT_LEVEL;
	w->slot = &as->top[level_index(va, SV39_ROOT_LEVEL)];
	w->path[SV39_ROOT_LEVEL] = w->slot;
}

/*
 * Goes on to `level`. -ENOMEM: there was no frame for a table; it is at the
 * entry that has no table yet.
 */
MUST_USE int walk_down(struct walk *w, int level, unsigned how);

/* All the way, with WALK_OWN. */
MUST_USE int walk_own(struct walk *w, struct aspace *as, vaddr_t va)
    REQUIRES(as->lock);

/* As far as to `level`, with WALK_LOOK, which cannot fail. */
void walk_look(struct walk *w, struct aspace *as, vaddr_t va, int level)
    REQUIRES(as->lock);

static inline struct frame *walk_table(const struct walk *w)
{
	return frame_of_virt(w->slot);
}

static inline unsigned walk_index(const struct walk *w)
{
	return level_index(w->va, w->level);
}

/* How many entries of the table a process can use. */
static inline unsigned walk_table_end(const struct walk *w)
{
	return w->level == SV39_ROOT_LEVEL ? SV39_USER_ROOT_ENTRIES
					   : SV39_ENTRIES;
}

/* The address that entry `i` of the table stands for. */
static inline vaddr_t walk_address(const struct walk *w, unsigned i)
{
	return (w->va & ~(level_span(w->level + 1) - 1)) +
	    i * level_span(w->level);
}

/*
 * The address of the next entry of the table, from `i` on, that is used. It
 * looks no further than `limit`, and then the address is that or above.
 */
vaddr_t walk_next_used(const struct walk *w, unsigned i, vaddr_t limit);

/*
 * Counts `count` entries, from where it is, that the caller has written over
 * EMPTY ones.
 */
void walk_count_new(const struct walk *w, unsigned count);

/*
 * The caller has emptied `count` entries, from where it is, of which `gone`
 * were not EMPTY before.
 */
static inline void walk_count_gone(const struct walk *w, unsigned count,
    unsigned gone)
{
	struct frame *table = walk_table(w);

	assert(table->used >= gone);
	table->used = (table->used - gone) & USED_MASK;
	table_note_empty(table, w->slot, count);
}

/* gap.c: from `va` on, the first address that is mapped, or `end`. */
vaddr_t aspace_next_used(struct aspace *as, vaddr_t va, vaddr_t end)
    REQUIRES(as->lock);

#endif
