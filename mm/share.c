/* SPDX-License-Identifier: MIT */
/*
 * share.c - mappings that are built aside: MAP_SHARED, and pages of others.
 *
 * Shared memory has all its pages from the beginning, as a reservation that is
 * forked would give each side pages of its own. There may be many of them, and
 * memory may end in the middle. So the mapping is built aside, in an address
 * space of its own that nobody runs, at the addresses that it is going to have.
 * When it is complete, what was at its place is cleared, and its tables are
 * moved there. Until then the process sees no difference.
 *
 * A bag is such an address space, too. bag.c puts pages of others in, from the
 * first address on; what is left then is reserved without permissions.
 *
 * The address space aside belongs to the one that it is for, and so does not
 * get lost if the process is killed.
 */
#include "abi/errno.h"
#include "arch/page.h"
#include "range.h"

#define GIVE_COST 64 /* of clearing a page */
#define GIVE_MAX  64 /* pages in one step */

static bool page_share(pte_t *slot, uint64_t perms)
{
	struct frame *page = frame_alloc(FRAME_PAGE);

	if (page == NULL)
		return false;
	page_zero(frame_virt(page));
	pte_write(slot, pte_shared(frame_paddr(page), perms | PTE_SHARED));
	return true;
}

/* Pages where there is nothing, so that they are there when it forks. */
int share_give(struct aspace *as, struct range_op *op) REQUIRES(as->lock)
{
	unsigned max, count = 0;
	struct walk w;
	int err;

	walk_begin(&w, as, op->at);
	err = walk_down(&w, 0, WALK_CREATE);
	if (err < 0)
		return err;
	max = range_covered(&w, op);
	max = max < GIVE_MAX ? max : GIVE_MAX;
	while (count < max && page_share(&w.slot[count], op->perms))
		count++;
	walk_count_new(&w, count);
	op->spent += GIVE_COST * count;
	TRACE(shared_pages_made, "slot start count", (uint64_t)w.slot, w.va,
	    count);
	(void)range_passed(op, &w, count);
	return count < max ? -ENOMEM : 0;
}

/*
 * Moves entries from the address space aside, each as large as the range
 * covers. The range is empty, and the other one holds nothing else.
 */
int share_take(struct aspace *as, struct range_op *op) REQUIRES(as->lock)
{
	struct aspace *aside = as->aside;
	struct walk to, from;
	unsigned count;

	walk_look(&to, as, op->at, range_level(op));
	count = range_covered(&to, op);
	/* Tables that come along were complete when it was released last. */
	lock_acquire(&aside->lock);
	walk_look(&from, aside, op->at, to.level);
	assert(from.level == to.level);
#pragma GCC unroll 4
	for (unsigned i = 0; i < count; i++) {
		assert(pte_is_empty(pte_read(&to.slot[i])));
		pte_write(&to.slot[i], pte_read(&from.slot[i]));
		pte_write(&from.slot[i], pte_empty());
	}
	walk_count_gone(&from, count, count);
	lock_release(&aside->lock);
	walk_count_new(&to, count);
	TRACE(shared_pages_mapped, "slot start count", (uint64_t)to.slot, to.va,
	    count);
	if (op->perms & PTE_X)
		tlb_code_changed();
	return range_passed(op, &to, count);
}

/* ---- The mapping ---- */

enum stage { BEGIN, BUILD, PUT_IN, END };

/* Tables for so many pages, wherever they begin, and a root. */
static uint64_t tables_for(uint64_t pages)
{
	uint64_t leaf_tables = pages / SV39_ENTRIES + 2;

	return leaf_tables + leaf_tables / SV39_ENTRIES + 2 + 1;
}

/*
 * Asks first whether there is memory at all: a mapping that is bound to fail
 * takes none from other processes.
 */
static int aside_create(struct aspace *as, const struct range_op *op)
{
	uint64_t pages = (op->end - op->start) >> PAGE_SHIFT;

	if (op->kind == RANGE_SHARE &&
	    pages + tables_for(pages) > frame_free_count())
		return -ENOMEM;
	as->aside = aspace_create();
	if (as->aside == NULL)
		return -ENOMEM;
	as->aside->own_op = (struct range_op){.kind = RANGE_GIVE,
	    .start = op->start,
	    .end = op->end,
	    .at = op->start,
	    .perms = op->perms};
	return op->kind == RANGE_PASS ? RANGE_BAG : 0;
}

struct range_op bag_range(struct aspace *as, int err)
{
	struct range_op *bag = &as->aside->own_op;
	struct range_op op = {.kind = RANGE_PASS,
	    .start = bag->start,
	    .end = bag->end,
	    .perms = bag->perms,
	    .stage = bag->at < bag->end ? BUILD : PUT_IN,
	    .err = err};

	/* First, what was not filled in becomes reserved memory. */
	*bag = (struct range_op){.kind = RANGE_FILL,
	    .start = bag->at,
	    .end = bag->end};
	if (err < 0)
		op.stage = END;
	return op;
}

bool aside_drop(struct aspace *as, unsigned *budget)
{
	struct aspace *aside = as->aside;

	if (aside == NULL)
		return true;
	if (aside->users > 0)
		IGNORE_RESULT(aspace_put(aside));
	if (!aspace_take_apart(aside, budget))
		return false;
	as->aside = NULL;
	return true;
}

/* The next stage, or the last one where this one failed. */
static void stage_end(struct range_op *op, int err)
{
	op->err = err;
	op->stage = err < 0 ? END : op->stage + 1;
}

int share_run(struct aspace *as, struct range_op *op, unsigned *budget)
{
	while (op->stage != END) {
		int err;

		switch (op->stage) {
		case BEGIN:
			if (!aside_drop(as, budget))
				return RANGE_MORE;
			err = aside_create(as, op);
			break;
		case BUILD:
			err =
			    range_phases(as->aside, &as->aside->own_op, budget);
			break;
		default:
			err = range_phases(as, op, budget);
			break;
		}
		if (err > 0)
			return err;
		stage_end(op, err);
	}
	if (!aside_drop(as, budget))
		return RANGE_MORE;
	/* One that failed may be tried again. */
	op->stage = BEGIN;
	op->phase = 0;
	op->at = 0;
	return op->err;
}
