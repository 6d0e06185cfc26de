/* SPDX-License-Identifier: MIT */
/*
 * range.h - what the files share that operations on ranges consist of.
 */
#ifndef MM_RANGE_H
#define MM_RANGE_H

#include "pagetable.h"

/* A step of a phase: 0, or an error. */
typedef int phase_fn(struct aspace *as, struct range_op *op);

/* Says where a step came to, and what it cost, in entries. Both return 0. */
INLINE int range_reached(struct range_op *op, vaddr_t next, unsigned cost)
{
	op->at = next;
	op->spent += 1 + cost;
	return 0;
}

/* As range_reached(), for a step that passed `count` entries of a table. */
INLINE int range_passed(struct range_op *op, const struct walk *w,
    unsigned count)
{
	return range_reached(op, walk_address(w, walk_index(w) + count), count);
}

/* The highest level at which an entry begins at op->at that is in the range. */
int range_level(const struct range_op *op);

/* How many entries of that table, from there, are wholly in the range. */
unsigned range_covered(const struct walk *w, const struct range_op *op);

/*
 * The phases of an operation that consists of several. Lowers the budget by
 * what it did; otherwise as range_run().
 */
MUST_USE int range_phases(struct aspace *as, struct range_op *op,
    unsigned *budget) EXCLUDES(as->lock);

/* Frees the tables on the way to `va` that hold nothing. */
void border_prune(struct aspace *as, vaddr_t va) REQUIRES(as->lock);

/* share.c: the phases GIVE and TAKE, */
phase_fn share_give, share_take;

/* and all of SHARE and PASS: built aside, and put in when complete. */
MUST_USE int share_run(struct aspace *as, struct range_op *op, unsigned *budget)
    EXCLUDES(as->lock);

/* Frees what it left, in slices. True when there is nothing. */
MUST_USE bool aside_drop(struct aspace *as, unsigned *budget);

/* aspace.c: aspace_teardown() but for the address space aside. */
MUST_USE bool aspace_take_apart(struct aspace *as, unsigned *budget);

/*
 * gap.c: a place for an operation that may go anywhere. RANGE_MORE, or -ENOMEM
 * if there is none.
 */
MUST_USE int gap_find(struct aspace *as, struct range_op *op, unsigned *budget)
    EXCLUDES(as->lock);

/* Says that there is nothing any more up to `end`, for the next search. */
void gap_opened(struct aspace *as, vaddr_t end) REQUIRES(as->lock);

#endif
