/* SPDX-License-Identifier: MIT */
/*
 * range.c - changes of a whole range: map, unmap, protect, discard, share.
 *
 * Every change runs through the same phases:
 *
 *   CHECK    is all of the range mapped? (PROTECT, DISCARD)
 *   PREPARE  make tables so that both borders of the range are borders of
 *            entries, and (PROTECT, DISCARD) all tables inside are private.
 *            This is the only phase that can fail, and what it does cannot be
 *            observed: shared tables are copied, reservations split.
 *   CLEAR    empty every entry in the range (MAP, UNMAP), frames let go
 *   APPLY    write the new entries
 *   PRUNE    free border tables that hold nothing
 *
 * All but PREPARE's two borders and PRUNE go step by step, an entry or a table
 * of level 0 at a time, and stop when the budget is used up. SHARE is the
 * exception to "cannot fail": it gives each page a frame as it goes.
 */
#include "abi/errno.h"
#include "arch/page.h"
#include "pagetable.h"

enum phase { BEGIN, CHECK, PREPARE, OPEN, CLEAR, APPLY, PRUNE, DONE };

/* What one step reached, and what it cost. */
struct step {
	int err;
	vaddr_t next;
	unsigned cost;
};

/* The entries of one table of level 0 that lie in the range. */
struct pages {
	pte_t *first;
	unsigned count;
	vaddr_t start;
	vaddr_t end;
};

static vaddr_t entry_start(int level, vaddr_t at)
{
	return at & ~(level_span(level) - 1);
}

static vaddr_t entry_end(int level, vaddr_t at)
{
	return entry_start(level, at) + level_span(level);
}

/* Does the range cover all of the entry for `at` in a table of this level? */
static bool is_covered(const struct range_op *op, int level, vaddr_t at)
{
	return entry_start(level, at) >= op->start &&
	    entry_end(level, at) <= op->end;
}

static struct pages pages_in(pte_t *slot, vaddr_t at, vaddr_t end)
{
	struct pages pages = {.first = slot,
	    .start = at,
	    .end = min_u64(end, entry_end(1, at))};

	pages.count = (unsigned)((pages.end - at) >> PAGE_SHIFT);
	return pages;
}

/* CHECK: an empty entry in the range is ENOMEM. */
static struct step check_step(struct aspace *as, struct range_op *op)
    REQUIRES(as->lock)
{
	struct walk w = walk_to(as, op->at);

	if (pte_is_empty(pte_read(w.slot)))
		return (struct step){.err = -ENOMEM};
	return (struct step){.next = w.end, .cost = 1};
}

/* PREPARE: makes `border` the border of an entry. */
static int border_open(struct aspace *as, vaddr_t border, bool create)
    REQUIRES(as->lock)
{
	pte_t *slot = &as->top[level_index(border, SV39_ROOT_LEVEL)];
	int err;

	for (int level = SV39_ROOT_LEVEL; level > 0; level--) {
		if ((border & (level_span(level) - 1)) == 0)
			return 0;
		if (pte_is_empty(pte_read(slot))) {
			if (!create)
				return 0;
			err = table_create(slot);
			if (err == 0 && level == SV39_ROOT_LEVEL)
				root_touch(as, border);
		} else {
			err = table_open(slot, level);
		}
		if (err < 0)
			return err;
		slot = &table_entries(
		    pte_read(slot))[level_index(border, level - 1)];
	}
	return 0;
}

/* PRUNE: frees the tables on the way to `va` that hold nothing. */
static void border_prune(struct aspace *as, vaddr_t va) REQUIRES(as->lock)
{
	pte_t *slots[SV39_ROOT_LEVEL + 1];
	pte_t *slot = &as->top[level_index(va, SV39_ROOT_LEVEL)];
	int level = SV39_ROOT_LEVEL;

	for (; level > 0 && pte_is_table(pte_read(slot)); level--) {
		slots[level] = slot;
		slot =
		    &table_entries(pte_read(slot))[level_index(va, level - 1)];
	}
	for (level++; level <= SV39_ROOT_LEVEL; level++) {
		struct frame *table =
		    frame_of(pte_paddr(pte_read(slots[level])));

		if (table->used > 0)
			return;
		slot_clear(slots[level]);
		tlb_flush_asid(&as->asid);
		table_put(table, level - 1);
	}
}

static int prepare(struct aspace *as, struct range_op *op) REQUIRES(as->lock)
{
	bool create = op->kind == RANGE_MAP;
	int err = border_open(as, op->start, create);

	if (err == 0)
		err = border_open(as, op->end, create);
	if (err < 0) {
		border_prune(as, op->start);
		border_prune(as, op->end - 1);
	}
	return err;
}

/* OPEN: makes the tables of the range private, down to the pages. */
static struct step open_step(struct aspace *as, struct range_op *op)
    REQUIRES(as->lock)
{
	pte_t *slot = &as->top[level_index(op->at, SV39_ROOT_LEVEL)];
	struct step step = {.cost = 1};

	for (int level = SV39_ROOT_LEVEL; level > 0; level--) {
		pte_t e = pte_read(slot);

		step.next = entry_end(level, op->at);
		if (pte_kind(e) == PTE_KIND_LAZY) {
			step.err = table_unshare(slot, level);
			if (step.err < 0)
				return step;
			step.cost += SV39_ENTRIES;
			e = pte_read(slot);
		}
		if (!pte_is_table(e))
			return step;
		slot = &table_entries(e)[level_index(op->at, level - 1)];
	}
	return step;
}

/*
 * Empties entries of level 0. No frame may be let go while a hart can still
 * reach it: so first all are hidden from the hardware, then fenced, then
 * dropped.
 */
static void pages_clear(struct aspace *as, struct pages *pages)
    REQUIRES(as->lock)
{
	for (unsigned i = 0; i < pages->count; i++) {
		pte_t e = pte_read(&pages->first[i]);

		if (pte_is_page(e))
			pte_write(&pages->first[i],
			    pte_hidden(pte_paddr(e), 0));
	}
	if (pages->count == 1)
		tlb_flush_page(&as->asid, pages->start);
	else
		tlb_flush_asid(&as->asid);
	for (unsigned i = 0; i < pages->count; i++) {
		pte_t e = pte_read(&pages->first[i]);

		if (pte_is_empty(e))
			continue;
		slot_clear(&pages->first[i]);
		if (pte_kind(e) == PTE_KIND_HIDDEN)
			frame_put(frame_of(pte_paddr(e)));
	}
}

/* Empties an entry that names a table, wholly in the range. */
static struct step table_clear(struct aspace *as, pte_t *slot, int level,
    vaddr_t next) REQUIRES(as->lock)
{
	struct frame *table = frame_of(pte_paddr(pte_read(slot)));
	unsigned cost = table->used;

	slot_clear(slot);
	tlb_flush_asid(&as->asid);
	table_put(table, level - 1);
	return (struct step){.next = next, .cost = 1 + cost};
}

/*
 * A shared table of level 1 wholly in the range. Where others still name it,
 * dropping our reference is all; the last one must not free up to 1 GiB at
 * once, and takes the table over instead.
 */
static bool inner_table_drop(pte_t *slot)
{
	struct frame *table = frame_of(pte_paddr(pte_read(slot)));

	if (!frame_is_sole(table) && !frame_drop(table)) {
		slot_clear(slot);
		return true;
	}
	__atomic_store_n(&table->refs, 1, __ATOMIC_RELAXED);
	pte_write(slot, pte_table(frame_paddr(table)));
	return false;
}

/* Empties the largest entry for op->at that the range covers. */
static struct step entry_clear(struct aspace *as, struct range_op *op)
    REQUIRES(as->lock)
{
	pte_t *slot = &as->top[level_index(op->at, SV39_ROOT_LEVEL)];
	struct pages pages;

	for (int level = SV39_ROOT_LEVEL; level > 0; level--) {
		pte_t e = pte_read(slot);
		struct step step = {.next = entry_end(level, op->at),
		    .cost = 1};
		bool covered = is_covered(op, level, op->at);

		if (pte_is_empty(e))
			return step;
		if (pte_kind(e) == PTE_KIND_RESERVED) {
			assert(covered);
			slot_clear(slot);
			return step;
		}
		if (level == 1 && covered)
			return table_clear(as, slot, level, step.next);
		if (pte_kind(e) == PTE_KIND_LAZY) {
			assert(covered);
			if (inner_table_drop(slot))
				return step;
		}
		slot = &table_entries(e)[level_index(op->at, level - 1)];
	}
	pages = pages_in(slot, op->at, op->end);
	pages_clear(as, &pages);
	return (struct step){.next = pages.end, .cost = pages.count};
}

/* CLEAR: one entry, and the table that it leaves behind empty. */
static struct step clear_step(struct aspace *as, struct range_op *op)
    REQUIRES(as->lock)
{
	unsigned index = level_index(op->at, SV39_ROOT_LEVEL);
	pte_t *slot = &as->top[index];
	struct step step;

	if (index >= as->low && index < as->high) {
		step.next = (vaddr_t)as->high * level_span(SV39_ROOT_LEVEL);
		return (struct step){.next = step.next, .cost = 1};
	}
	step = entry_clear(as, op);
	if (is_covered(op, SV39_ROOT_LEVEL, op->at) &&
	    pte_is_table(pte_read(slot)) &&
	    frame_of(pte_paddr(pte_read(slot)))->used == 0)
		(void)table_clear(as, slot, SV39_ROOT_LEVEL, step.next);
	return step;
}

static pte_t page_protect(pte_t e, uint64_t perms)
{
	paddr_t pa = pte_paddr(e);

	if (perms == 0)
		return pte_hidden(pa, e.bits & PTE_SHARED);
	if (pte_is_shared(e))
		return pte_page(pa, perms | PTE_SHARED);
	if (!(perms & PTE_W) || frame_is_sole(frame_of(pa)))
		return pte_page(pa, perms);
	return pte_page(pa, (perms & ~PTE_W) | PTE_COW);
}

static void pages_protect(struct aspace *as, struct pages *pages,
    uint64_t perms) REQUIRES(as->lock)
{
	for (unsigned i = 0; i < pages->count; i++) {
		pte_t *slot = &pages->first[i];
		pte_t e = pte_read(slot);

		if (pte_kind(e) == PTE_KIND_RESERVED)
			pte_write(slot, pte_reserved(perms));
		else
			pte_write(slot, page_protect(e, perms));
	}
	if (pages->count == 1)
		tlb_flush_page(&as->asid, pages->start);
	else
		tlb_flush_asid(&as->asid);
	if (perms & PTE_X)
		tlb_code_changed();
}

/* The permissions of a private page, as its owner sees them. */
static uint64_t page_perms(pte_t e)
{
	return pte_perms(e) | (pte_is_cow(e) ? PTE_W : 0);
}

static void pages_discard(struct aspace *as, struct pages *pages)
    REQUIRES(as->lock)
{
	for (unsigned i = 0; i < pages->count; i++) {
		pte_t *slot = &pages->first[i];
		pte_t e = pte_read(slot);
		enum pte_kind kind = pte_kind(e);

		if (kind == PTE_KIND_RESERVED || pte_is_shared(e))
			continue;
		pte_write(slot,
		    pte_reserved(kind == PTE_KIND_PAGE ? page_perms(e) : 0));
		tlb_flush_page(&as->asid, pages->start + i * PAGE_SIZE);
		frame_put(frame_of(pte_paddr(e)));
	}
}

/* Gives reserved memory its pages now, so that forks share them. */
static int pages_share(struct pages *pages, uint64_t perms)
{
	for (unsigned i = 0; i < pages->count; i++) {
		struct frame *page;

		if (pte_kind(pte_read(&pages->first[i])) != PTE_KIND_RESERVED)
			continue;
		page = frame_alloc(FRAME_PAGE);
		if (page == NULL)
			return -ENOMEM;
		page_zero(frame_virt(page));
		pte_write(&pages->first[i],
		    perms == 0
			? pte_hidden(frame_paddr(page), PTE_SHARED)
			: pte_page(frame_paddr(page), perms | PTE_SHARED));
	}
	return 0;
}

/* APPLY of MAP: the range is empty, and its borders are borders of entries. */
static struct step reserve_step(struct aspace *as, struct range_op *op)
    REQUIRES(as->lock)
{
	pte_t *slot = &as->top[level_index(op->at, SV39_ROOT_LEVEL)];
	int level = SV39_ROOT_LEVEL;

	for (; !is_covered(op, level, op->at); level--)
		slot = &table_entries(
		    pte_read(slot))[level_index(op->at, level - 1)];
	assert(pte_is_empty(pte_read(slot)));
	slot_fill(slot, pte_reserved(op->perms));
	if (level == SV39_ROOT_LEVEL)
		root_touch(as, op->at);
	return (struct step){.next = entry_end(level, op->at), .cost = 1};
}

/* APPLY of the others: reserved entries as a whole, pages by the table. */
static struct step apply_step(struct aspace *as, struct range_op *op)
    REQUIRES(as->lock)
{
	struct walk w;
	struct pages pages;
	struct step step = {0};

	if (op->kind == RANGE_MAP)
		return reserve_step(as, op);
	w = walk_to(as, op->at);
	while (op->kind == RANGE_SHARE && w.level > 0) {
		step.err = table_open(w.slot, w.level);
		if (step.err < 0)
			return step;
		w = walk_to(as, op->at);
	}
	assert(!w.lazy);
	if (w.level > 0) {
		if (op->kind == RANGE_PROTECT)
			pte_write(w.slot, pte_reserved(op->perms));
		return (struct step){.next = w.end, .cost = 1};
	}
	pages = pages_in(w.slot, op->at, op->end);
	if (op->kind == RANGE_PROTECT)
		pages_protect(as, &pages, op->perms);
	else if (op->kind == RANGE_DISCARD)
		pages_discard(as, &pages);
	else
		step.err = pages_share(&pages, op->perms);
	if (op->kind == RANGE_SHARE && (op->perms & PTE_X))
		tlb_code_changed();
	step.next = pages.end;
	step.cost = op->kind == RANGE_SHARE ? 64 * pages.count : pages.count;
	return step;
}

static bool has_phase(enum range_kind kind, enum phase phase)
{
	switch (phase) {
	case BEGIN:
		return false;
	case CHECK:
		return kind == RANGE_PROTECT || kind == RANGE_DISCARD;
	case OPEN:
		return kind == RANGE_PROTECT || kind == RANGE_DISCARD ||
		    kind == RANGE_SHARE;
	case CLEAR:
		return kind == RANGE_MAP || kind == RANGE_UNMAP;
	case APPLY:
		return kind != RANGE_UNMAP;
	default:
		return true;
	}
}

static struct step phase_step(struct aspace *as, struct range_op *op)
    REQUIRES(as->lock)
{
	struct step step = {.next = op->end, .cost = 1};

	switch (op->phase) {
	case CHECK:
		return check_step(as, op);
	case PREPARE:
		step.err = op->kind == RANGE_SHARE ? 0 : prepare(as, op);
		return step;
	case OPEN:
		return open_step(as, op);
	case CLEAR:
		return clear_step(as, op);
	case APPLY:
		return apply_step(as, op);
	default:
		border_prune(as, op->start);
		border_prune(as, op->end - 1);
		if (op->kind == RANGE_UNMAP && op->end > as->cursor)
			as->cursor = op->end;
		return step;
	}
}

int range_run(struct aspace *as, struct range_op *op, unsigned budget)
{
	struct step step = {0};
	unsigned spent = 0;

	lock_acquire(&as->lock);
	while (op->phase < DONE && spent < budget) {
		if (!has_phase(op->kind, op->phase) || op->at >= op->end) {
			op->phase++;
			op->at = op->start;
			continue;
		}
		step = phase_step(as, op);
		if (step.err < 0)
			break;
		op->at = step.next;
		spent += step.cost;
	}
	lock_release(&as->lock);
	if (step.err < 0)
		return step.err;
	return op->phase < DONE ? RANGE_MORE : 0;
}
