/* SPDX-License-Identifier: MIT */
/*
 * range.c - changes of a whole range, in phases.
 *
 * Which phases an operation has, and in which order, is a table at the end.
 *
 *   CHECK    is all of the range mapped, and none of it sealed that is to
 *            become writable?
 *   PREPARE  makes the two borders of the range borders of entries
 *   OWN      makes the tables inside private
 *   CLEAR    empties every entry, and lets go of frames
 *   RESERVE, PROTECT, DISCARD
 *            write the new entries; likewise GIVE and TAKE (share.c)
 *   PRUNE    frees tables at the borders that hold nothing any more
 *
 * Only CHECK, PREPARE, OWN and GIVE can fail. What PREPARE and OWN do cannot be
 * observed: shared tables are copied, reservations split. GIVE works on an
 * address space that nobody sees. So an operation fails before it has changed
 * anything.
 *
 * A phase goes step by step. Each looks at entries of one table, moves op->at
 * on behind them, and counts what that cost. Between two steps the operation
 * can be left, to go on later.
 */
#include "range.h"
#include "abi/errno.h"
#include "arch/page.h"
#include "pagetable.h"

/* How many entries, from where it is, the range touches. */
INLINE unsigned touched_count(const struct walk *w, const struct range_op *op)
{
	unsigned i = walk_index(w);

	if (op->end >= walk_address(w, walk_table_end(w)))
		return walk_table_end(w) - i;
	return level_index(op->end - 1, w->level) + 1 - i;
}

unsigned range_covered(const struct walk *w, const struct range_op *op)
{
	uint64_t count = (op->end - op->at) / level_span(w->level);

	return (unsigned)min_u64(count, walk_table_end(w) - walk_index(w));
}

int range_level(const struct range_op *op)
{
	int level = SV39_ROOT_LEVEL;

	while (level > 0 &&
	    ((op->at & (level_span(level) - 1)) != 0 ||
		op->end - op->at < level_span(level)))
		level--;
	return level;
}

/* Does the range cover all of the root's entry for op->at? */
static bool root_entry_is_covered(const struct range_op *op)
{
	vaddr_t start = op->at & ~(level_span(SV39_ROOT_LEVEL) - 1);

	return start >= op->start &&
	    start + level_span(SV39_ROOT_LEVEL) <= op->end;
}

/* Above level 0, after CHECK: how many entries come before the next table. */
static unsigned reserved_count(const struct walk *w, const struct range_op *op)
{
	return reserved_run(w->slot, w->slot + touched_count(w, op));
}

/* Fences as narrowly as `count` pages allow, from where it is. */
static void fence_pages(const struct walk *w, unsigned count)
{
	if (count == 1)
		tlb_flush_page(&w->as->asid, w->va);
	else
		tlb_flush_asid(&w->as->asid);
}

/* ---- CHECK ---- */

static int check(struct aspace *as, struct range_op *op) REQUIRES(as->lock)
{
	unsigned count, i;
	struct walk w;

	walk_look(&w, as, op->at, 0);
	count = touched_count(&w, op);
	for (i = 0; i < count; i++) {
		pte_t e = pte_read(&w.slot[i]);

		if (pte_is_empty(e))
			return -ENOMEM;
		if ((op->perms & PTE_W) && pte_is_sealed(e))
			return -EACCES;
		if (w.level > 0 && pte_names_frame(e))
			break;
	}
	return range_passed(op, &w, i);
}

/* ---- PREPARE and PRUNE ---- */

/*
 * Empties an entry of the table `above` that names another table, whose
 * reference is the caller's now.
 */
static struct frame *table_take(struct aspace *as, struct frame *above,
    pte_t *slot) REQUIRES(as->lock)
{
	struct frame *table = pte_frame(pte_read(slot));

	slot_clear(above, slot);
	tlb_flush_asid(&as->asid);
	return table;
}

void border_prune(struct aspace *as, vaddr_t va)
{
	struct walk w;

	walk_look(&w, as, va, 0);
	for (int level = w.level + 1; level <= SV39_ROOT_LEVEL; level++) {
		if (pte_frame(pte_read(w.path[level]))->used > 0)
			return;
		table_put(table_take(as, frame_of_virt(w.path[level]),
			      w.path[level]),
		    level - 1);
	}
}

/* Are the entries of level 0 for both in one table, if there is one? */
static bool is_one_table(vaddr_t a, vaddr_t b)
{
	return (a ^ b) < level_span(1);
}

static void borders_prune(struct aspace *as, const struct range_op *op)
    REQUIRES(as->lock)
{
	border_prune(as, op->start);
	if (!is_one_table(op->start, op->end - 1))
		border_prune(as, op->end - 1);
}

/* Makes `border` the border of an entry. */
static int border_open(struct aspace *as, vaddr_t border, unsigned how)
    REQUIRES(as->lock)
{
	int level = SV39_ROOT_LEVEL;
	struct walk w;

	while ((border & (level_span(level) - 1)) != 0)
		level--;
	walk_begin(&w, as, border);
	return walk_down(&w, level, WALK_OWN | WALK_SPLIT | how);
}

static int borders_open(struct aspace *as, struct range_op *op, unsigned how)
    REQUIRES(as->lock)
{
	int err = 0;

	if ((op->start & (level_span(1) - 1)) == 0 ||
	    !is_one_table(op->start, op->end))
		err = border_open(as, op->end, how);
	if (err == 0)
		err = border_open(as, op->start, how);
	if (err < 0)
		borders_prune(as, op);
	else
		(void)range_reached(op, op->end, 1);
	return err;
}

static int prepare(struct aspace *as, struct range_op *op) REQUIRES(as->lock)
{
	return borders_open(as, op, 0);
}

/*
 * As prepare(), where the borders are going to have entries: tables that are
 * missing are made.
 */
static int prepare_new(struct aspace *as, struct range_op *op)
    REQUIRES(as->lock)
{
	return borders_open(as, op, WALK_CREATE);
}

static int prune(struct aspace *as, struct range_op *op) REQUIRES(as->lock)
{
	borders_prune(as, op);
	gap_opened(as, op->end);
	return range_reached(op, op->end, 1);
}

/* ---- OWN ---- */

static int own(struct aspace *as, struct range_op *op) REQUIRES(as->lock)
{
	struct walk w;
	pte_t *slot;
	int err;

	if (!page_slot(as, op->at, &slot))
		op->spent += SV39_ENTRIES;
	err = walk_own(&w, as, op->at);
	if (err < 0)
		return err;
	if (w.level > 0)
		return range_passed(op, &w, reserved_count(&w, op));
	return range_reached(op, walk_address(&w, walk_table_end(&w)), 1);
}

/* ---- CLEAR ---- */

/*
 * Empties entries of level 0. No frame may be let go while a hart can still
 * reach it: so first all are hidden from the hardware, then fenced, then
 * dropped.
 */
static void pages_clear(const struct walk *w, unsigned count)
{
	bool hidden = false;
	unsigned gone = 0;

	for (unsigned i = 0; i < count; i++) {
		pte_t e = pte_read(&w->slot[i]);

		if (!pte_is_page(e))
			continue;
		pte_write(&w->slot[i], pte_hidden(pte_paddr(e), 0));
		hidden = true;
	}
	if (hidden)
		fence_pages(w, count);
	for (unsigned i = 0; i < count; i++) {
		pte_t e = pte_read(&w->slot[i]);

		if (pte_is_empty(e))
			continue;
		pte_write(&w->slot[i], pte_empty());
		gone++;
		if (pte_kind(e) == PTE_KIND_HIDDEN)
			frame_put(pte_frame(e));
	}
	walk_count_gone(w, count, gone);
}

/*
 * A shared table of level 1 that the range covers. Where others still name it,
 * dropping our reference is all; the last one must not free up to 1 GiB at
 * once, and takes the table over instead.
 */
static bool inner_table_drop(struct aspace *as, pte_t *slot) REQUIRES(as->lock)
{
	struct frame *table = pte_frame(pte_read(slot));

	if (table_drop_shared(table)) {
		slot_clear(as->root, slot);
		return true;
	}
	pte_write_table(slot, frame_paddr(table));
	return false;
}

#define PASSING_COST 64 /* of what is empty in a table, in entries */

/*
 * Above level 0: reservations, and the tables of level 0 between them. Of those
 * that nobody else has, and which are freed, as many as together have no more
 * entries than a full one. A table of level 1 in which no table is left goes,
 * if the range covers it: then its reservations need not be emptied one by one.
 */
static int entries_clear(struct aspace *as, struct walk *w, struct range_op *op)
    REQUIRES(as->lock)
{
	struct frame *table = walk_table(w);
	unsigned first = walk_index(w), i = first, below = 0, cost;
	unsigned end = first + range_covered(w, op), held = table->used;
	bool goes = w->level == 1 && root_entry_is_covered(op);
	bool full = goes && table->used == SV39_ENTRIES;
	pte_t *slot = w->slot;

	for (;;) {
		unsigned used;

		if (full)
			i += reserved_run(slot, slot + (end - i));
		i = table_clear_shared(table, i, end);
		if (i == end || w->level > 1)
			break;
		slot = &w->slot[i - first];
		used = pte_frame(pte_read(slot))->used;
		if (below > 0 && below + used > SV39_ENTRIES)
			break;
		below += used;
		table_put(table_take(as, table, slot++), w->level - 1);
		i++;
	}
	TRACE(unmapped, "slot start count", (uint64_t)w->slot, w->va,
	    i - first);
	cost = PASSING_COST + below + held - table->used;
	if (!full)
		table_note_empty(table, w->slot, i - first);
	if (goes && i == end) {
		walk_begin(w, as, w->va);
		if (frame_drop(table_take(as, as->root, w->slot)))
			table_free(table, table->used > 0);
		i = walk_index(w) + 1;
	}
	return range_reached(op, walk_next_used(w, i, op->end), cost);
}

static int clear(struct aspace *as, struct range_op *op) REQUIRES(as->lock)
{
	struct walk w;
	pte_t e;

	walk_look(&w, as, op->at, range_level(op));
	e = pte_read(w.slot);
	if (w.level == 0 && !pte_is_empty(e)) {
		unsigned count = touched_count(&w, op);

		pages_clear(&w, count);
		TRACE(unmapped, "slot start count", (uint64_t)w.slot, w.va,
		    count);
		return range_passed(op, &w, count);
	}
	if (pte_is_empty(e))
		return range_reached(op,
		    walk_next_used(&w, walk_index(&w), op->end), 1);
	if (w.level == SV39_ROOT_LEVEL && pte_names_frame(e)) {
		if (!pte_is_table(e) && inner_table_drop(as, w.slot)) {
			TRACE(unmapped, "slot start count", (uint64_t)w.slot,
			    w.va, 1);
			return range_passed(op, &w, 1);
		}
		walk_look(&w, as, op->at, 1);
	}
	return entries_clear(as, &w, op);
}

/* ---- New entries ---- */

/* The range is empty, and its borders are borders of entries. */
static int reserve(struct aspace *as, struct range_op *op) REQUIRES(as->lock)
{
	struct walk w;
	unsigned count;

	walk_look(&w, as, op->at, range_level(op));
	count = range_covered(&w, op);
	assert(count > 0);
#pragma GCC unroll 4
	for (unsigned i = 0; i < count; i++) {
		assert(pte_is_empty(pte_read(&w.slot[i])));
		pte_write(&w.slot[i], pte_reserved(op->perms));
	}
	walk_count_new(&w, count);
	TRACE(reserved, "slot start count perms", (uint64_t)w.slot, w.va, count,
	    op->perms);
	return range_passed(op, &w, count);
}

static pte_t page_protect(pte_t e, uint64_t perms)
{
	paddr_t pa = pte_paddr(e);

	if (pte_is_shared(e))
		return pte_shared(pa, perms | (e.bits & PTE_SEALED));
	if ((perms & PTE_W) && frame_is_sole(pte_frame(e)))
		return pte_page(pa, perms);
	return pte_closed(pa, perms);
}

/* Above level 0: reservations up to the next table. */
static int protect(struct aspace *as, struct range_op *op) REQUIRES(as->lock)
{
	unsigned count;
	struct walk w;

	walk_look(&w, as, op->at, 0);
	count = w.level > 0 ? reserved_count(&w, op) : touched_count(&w, op);
	for (unsigned i = 0; i < count; i++) {
		pte_t e = pte_read(&w.slot[i]);

		pte_write(&w.slot[i],
		    pte_names_frame(e) ? page_protect(e, op->perms)
				       : pte_reserved(op->perms));
	}
	if (w.level == 0) {
		if (count < SV39_ENTRIES)
			walk_table(&w)->alike = false;
		fence_pages(&w, count);
		if (op->perms & PTE_X)
			tlb_code_changed();
	}
	TRACE(protected, "slot start count perms", (uint64_t)w.slot, w.va,
	    count, op->perms);
	return range_passed(op, &w, count);
}

static void pages_discard(const struct walk *w, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		pte_t e = pte_read(&w->slot[i]);

		if (!pte_names_frame(e) || pte_is_shared(e))
			continue;
		pte_write(&w->slot[i], pte_reserved(page_perms(e)));
		tlb_flush_page(&w->as->asid, w->va + i * PAGE_SIZE);
		frame_put(pte_frame(e));
	}
}

static int discard(struct aspace *as, struct range_op *op) REQUIRES(as->lock)
{
	unsigned count;
	struct walk w;

	walk_look(&w, as, op->at, 0);
	if (w.level > 0)
		return range_passed(op, &w, reserved_count(&w, op));
	count = touched_count(&w, op);
	pages_discard(&w, count);
	TRACE(discarded, "slot start count", (uint64_t)w.slot, w.va, count);
	return range_passed(op, &w, count);
}

/* ---- Operations ---- */

#define MAX_PHASES 4

static phase_fn *const phases[][MAX_PHASES + 1] = {
    [RANGE_MAP] = {prepare_new, clear, reserve},
    [RANGE_UNMAP] = {prepare, clear, prune},
    [RANGE_PROTECT] = {check, prepare, own, protect},
    [RANGE_DISCARD] = {check, prepare, own, discard},
    [RANGE_SHARE] = {prepare_new, clear, share_take},
    [RANGE_PASS] = {prepare_new, clear, share_take},
    [RANGE_GIVE] = {share_give},
    [RANGE_CHECK] = {check},
    [RANGE_FILL] = {prepare_new, reserve},
    [RANGE_END] = {clear},
};

int range_phases(struct aspace *as, struct range_op *op, unsigned *budget)
{
	phase_fn *const *phase = &phases[op->kind][op->phase];
	int err = 0;

	if (op->phase == 0 && op->at == 0)
		op->at = op->start;
	op->spent = 0;
	lock_acquire(&as->lock);
	while (*phase != NULL && op->spent < *budget && err == 0) {
		err = (*phase)(as, op);
		if (op->at >= op->end) {
			phase++;
			op->at = op->start;
		}
	}
	lock_release(&as->lock);
	op->phase = (uint8_t)(phase - phases[op->kind]);
	*budget -= (unsigned)min_u64(op->spent, *budget);
	if (err < 0)
		return err;
	return *phase == NULL ? 0 : RANGE_MORE;
}

int range_run(struct aspace *as, struct range_op *op, unsigned budget)
{
	assert(as->runner == NULL || aspace_is_ours(as));
	if (op->anywhere) {
		int err = gap_find(as, op, &budget);

		if (err != 0)
			return err;
		if (op->kind == RANGE_MAP)
			op->kind = RANGE_FILL;
	}
	if (op->kind == RANGE_SHARE || op->kind == RANGE_PASS)
		return share_run(as, op, &budget);
	return range_phases(as, op, &budget);
}

int range_finish(struct aspace *as, struct range_op *op)
{
	int err;

	do
		err = range_run(as, op, RANGE_BUDGET);
	while (err == RANGE_MORE);
	return err;
}
