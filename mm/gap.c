/* SPDX-License-Identifier: MIT */
/*
 * gap.c - finds a place for a mapping: addresses at which nothing is mapped.
 *
 * Mappings are placed from the top down, so that the heap can grow from below.
 * The search looks at entries, and passes what is full or empty a table at a
 * time. A process can have millions of entries: like all that takes long, it is
 * done in parts.
 *
 * aspace.cursor and gap_len remember what the last one found: above the cursor
 * there is no gap of gap_len bytes or more.
 */
#include "abi/errno.h"
#include "range.h"

/* What a walk costs, and how many entries are looked at for that of one. */
#define WALK_COST 8
#define LOOKS     4

vaddr_t aspace_next_used(struct aspace *as, vaddr_t va, vaddr_t end)
{
	while (va < end) {
		struct walk w;

		walk_look(&w, as, va, 0);
		if (!pte_is_empty(pte_read(w.slot)))
			return va;
		va = walk_next_used(&w, walk_index(&w), end);
	}
	return end;
}

bool aspace_is_empty(struct aspace *as, vaddr_t start, vaddr_t end)
{
	bool empty;

	lock_acquire(&as->lock);
	empty = aspace_next_used(as, start, end) == end;
	lock_release(&as->lock);
	return empty;
}

/* The highest level whose entries a mapping of this size could fill. */
static int fitting_level(uint64_t len)
{
	int level = SV39_ROOT_LEVEL;

	while (level > 0 && len < level_span(level))
		level--;
	return level;
}

/*
 * The search is at op->at: from there up to op->top there is nothing, and above
 * that no gap that would do.
 */
static void search_begin(struct aspace *as, struct range_op *op, int level)
    REQUIRES(as->lock)
{
	uint64_t len = op->end - op->start;

	op->level = (uint8_t)level;
	op->at = op->top = len >= as->gap_len ? as->cursor : USER_TOP;
}

/* Where it would begin, at the border of an entry of op->level. */
static vaddr_t highest_start(const struct range_op *op)
{
	uint64_t len = op->end - op->start;

	return op->top < len ? 0
			     : (op->top - len) & ~(level_span(op->level) - 1);
}

/* Down through EMPTY entries, but no further than the mapping would. */
static unsigned step_empty(const struct walk *w, vaddr_t needed)
{
	unsigned i = walk_index(w), stop = 0;

	if (needed > walk_address(w, 0))
		stop = level_index(needed, w->level);
	if (w->level == SV39_ROOT_LEVEL && i >= w->as->low && i < w->as->high)
		i = w->as->low;
	return table_empty_from(walk_table(w), i, stop);
}

/* Down through pages, or through reservations. */
static unsigned step_used(const struct walk *w)
{
	unsigned i = walk_index(w);
	const pte_t *entries = w->slot - i;

	if (w->level == 0 && walk_table(w)->used == SV39_ENTRIES)
		return 0;
	for (; i > 0; i--) {
		pte_t e = pte_read(&entries[i - 1]);

		if (pte_is_empty(e) || (w->level > 0 && pte_names_frame(e)))
			break;
	}
	return i;
}

/* Looks at a part of the table below, and returns what that cost. */
static unsigned search_step(struct aspace *as, struct range_op *op)
    REQUIRES(as->lock)
{
	struct walk w;
	unsigned i;

	walk_look(&w, as, op->at - 1, 0);
	if (pte_is_empty(pte_read(w.slot))) {
		i = step_empty(&w, highest_start(op));
		op->at = walk_address(&w, i);
	} else {
		i = step_used(&w);
		op->at = op->top = walk_address(&w, i);
	}
	return WALK_COST + (walk_index(&w) - i) / LOOKS;
}

/* What the next search for this size need not look at again. */
static void search_end(struct aspace *as, const struct range_op *op)
    REQUIRES(as->lock)
{
	as->gap_len = op->end - op->start;
	as->cursor = op->top;
}

/* 0 if it has a place, -ENOMEM if there is none, RANGE_MORE if unknown yet. */
static int search(struct aspace *as, struct range_op *op, unsigned *budget)
    REQUIRES(as->lock)
{
	for (;;) {
		vaddr_t start = highest_start(op);
		unsigned cost = 1;

		/* No mapping begins at 0, which is no address. */
		if (start >= op->at && start != 0)
			break;
		if (op->at > PAGE_SIZE)
			cost = search_step(as, op);
		else if (op->level > 0)
			search_begin(as, op, op->level - 1);
		else
			return -ENOMEM;
		if (cost >= *budget)
			return RANGE_MORE;
		*budget -= cost;
	}
	return 0;
}

int gap_find(struct aspace *as, struct range_op *op, unsigned *budget)
{
	uint64_t len = op->end - op->start;
	int err;

	lock_acquire(&as->lock);
	if (!op->searching)
		search_begin(as, op, fitting_level(len));
	err = search(as, op, budget);
	if (err != RANGE_MORE && op->level == 0)
		search_end(as, op);
	lock_release(&as->lock);
	if (err == 0) {
		op->start = highest_start(op);
		op->end = op->start + len;
		op->anywhere = false;
	}
	op->searching = err == RANGE_MORE;
	if (!op->searching)
		op->at = 0;
	return err;
}

void gap_opened(struct aspace *as, vaddr_t end)
{
	if (end > as->cursor)
		as->cursor = aspace_next_used(as, end, USER_TOP);
}
