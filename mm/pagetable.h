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

static inline struct frame *pte_frame(pte_t e)
{
	return frame_of_ppn(pte_ppn(e));
}

/* Entries that count a reference to the frame they name. */
static inline bool pte_names_frame(pte_t e)
{
	return pte_ppn(e) != 0;
}

/*
 * Where the frame of page number 0 would be, held in a register by the loops
 * below: stores to page tables could change the originals, for all that the
 * compiler knows.
 */
INLINE uintptr_t frame_origin(void)
{
	return (uintptr_t)frames -
	    (frame_base >> PAGE_SHIFT) * sizeof(struct frame);
}

INLINE struct frame *frame_from(uintptr_t origin, pte_t e)
{
	struct frame *f =
	    (struct frame *)(origin + pte_ppn(e) * sizeof(struct frame));

	test_assert(f == pte_frame(e));
	return f;
}

/*
 * Makes the LAZY entry in `slot` a TABLE: takes the table over if no one else
 * names it, copies it otherwise. -ENOMEM: nothing changed.
 */
MUST_USE int table_unshare(pte_t *slot, int level);

/* Makes the RESERVED entry in `slot` a TABLE of such. -ENOMEM: unchanged. */
MUST_USE int table_split(pte_t *slot);

/* Makes the EMPTY entry in `slot` a TABLE of such. -ENOMEM: unchanged. */
MUST_USE int table_create(pte_t *slot);

/*
 * Makes the non-EMPTY, non-page entry in `slot` one that can be entered, by
 * one of the functions above. -EFAULT if it is EMPTY.
 */
MUST_USE int table_open(pte_t *slot, int level);

/* Drops the reference to a table of `level`; the last frees what is below. */
void table_put(struct frame *table, int level);

/* Writes an entry over an EMPTY one, and the reverse; counts `used`. */
void slot_fill(pte_t *slot, pte_t e);
void slot_clear(pte_t *slot);

/* Widens aspace.low or .high so that the root's entry for `va` may be used. */
void root_touch(struct aspace *as, vaddr_t va) REQUIRES(as->lock);

/* Where the walk for `va` ends, reading shared tables like private ones. */
struct walk {
	pte_t *slot;
	int level;
	bool lazy;     /* there was a LAZY entry on the way */
	vaddr_t start; /* the addresses that the entry stands for */
	vaddr_t end;
};

struct walk walk_to(struct aspace *as, vaddr_t va) REQUIRES(as->lock);

#endif
