/* SPDX-License-Identifier: MIT */
/*
 * pagetable.c - the tree, one entry and one table at a time, and the walk that
 * leads to them. T2 to T4 are cases that resolve.c draws.
 *
 * Tables that several address spaces name are read by all of them at once, and
 * written in one way only: an entry is closed. A hart that copies a shared
 * table closes each of its entries first, and several harts may do that at the
 * same time, as they all store the same value. Then it raises the count of what
 * the entry names, which cannot be freed meanwhile: the shared table names it.
 */
#include "pagetable.h"

#include "abi/errno.h"
#include "arch/hart.h"
#include "arch/page.h"

/* How many entries a loop looks at before it looks whether any are left. */
#define GROUP (EIGHTH < 8 ? EIGHTH : 8)

/* ---- Which entries of a table are used ---- */

static bool eighth_is_used(const struct frame *table, uint64_t i)
{
	return (table->eighths >> (i / EIGHTH) & 1) != 0;
}

/* Does an eighth begin at `slot` in which there is nothing? */
static bool is_unused_eighth(const struct frame *table, const pte_t *slot)
{
	uint64_t i = ((uintptr_t)slot & PAGE_MASK) / sizeof *slot;

	return i % EIGHTH == 0 && !eighth_is_used(table, i);
}

/* The first entry from `slot` on that is not EMPTY, or `end`. */
INLINE pte_t *skip_empty(const struct frame *table, pte_t *slot,
    const pte_t *end)
{
	while (slot < end && pte_is_empty(pte_read(slot))) {
		uint64_t i = ((uintptr_t)slot & PAGE_MASK) / sizeof *slot;
		const pte_t *stop = slot + (EIGHTH - i % EIGHTH);

		stop = stop < end ? stop : end;
		if (!eighth_is_used(table, i))
			slot += stop - slot;
		while (slot < stop && pte_is_empty(pte_read(slot)))
			slot++;
	}
	return slot;
}

/* Are the entries from `i` on, which are few, all that are used? */
static bool all_used_are_behind(const struct frame *table, unsigned i)
{
	const pte_t *entries = frame_virt(table);
	unsigned used = 0;

	for (; i < SV39_ENTRIES; i++)
		used += !pte_is_empty(pte_read(&entries[i]));
	return used == table->used;
}

unsigned table_empty_from(const struct frame *table, unsigned i, unsigned stop)
{
	const pte_t *entries = frame_virt(table);

	if (i >= SV39_ENTRIES - GROUP && i - stop >= EIGHTH &&
	    all_used_are_behind(table, i))
		return stop;
	while (i > stop) {
		unsigned first = (i - 1) / EIGHTH * EIGHTH;

		first = first > stop ? first : stop;
		if (!eighth_is_used(table, i - 1))
			i = first;
		while (i >= first + GROUP &&
		    pte_are_empty(&entries[i - GROUP], GROUP))
			i -= GROUP;
		while (i > first && pte_is_empty(pte_read(&entries[i - 1])))
			i--;
		if (i > first)
			return i;
	}
	return stop;
}

/* Widens aspace.low or .high so that entry `i` of the root may be used. */
static void root_touch(struct aspace *as, unsigned i) REQUIRES(as->lock)
{
	if (i < as->low || i >= as->high)
		return;
	if (i - as->low < as->high - i)
		as->low = (uint16_t)(i + 1);
	else
		as->high = (uint16_t)i;
}

void walk_count_new(const struct walk *w, unsigned count) NO_LOCK_CHECK
{
	struct frame *table = walk_table(w);
	unsigned first = walk_index(w), end = first + count;

	table->used = (table->used + count) & USED_MASK;
	table->alike = false;
	for (unsigned i = first / EIGHTH; i * EIGHTH < end; i++)
		table->eighths |= (uint8_t)(1U << i);
	for (unsigned i = first; w->level == SV39_ROOT_LEVEL && i < end; i++)
		root_touch(w->as, i);
}

vaddr_t walk_next_used(const struct walk *w, unsigned i, vaddr_t limit)
{
	const struct frame *table = walk_table(w);
	pte_t *entries = frame_virt(table);
	unsigned end = walk_table_end(w);

	if (limit < walk_address(w, end))
		end = level_index(limit - 1, w->level) + 1;
	if (w->level == SV39_ROOT_LEVEL && i >= w->as->low && i < w->as->high)
		i = w->as->high;
	if (table->used > 0)
		end = (unsigned)(skip_empty(table, entries + i, entries + end) -
		    entries);
	return walk_address(w, end);
}

unsigned reserved_run(const pte_t *slot, const pte_t *end)
{
	const pte_t *at = slot;

	while (at + GROUP <= end && pte_are_reserved(at, GROUP))
		at += GROUP;
	while (at < end && pte_are_reserved(at, 1))
		at++;
	return (unsigned)(at - slot);
}

/* Empties the reservation in `slot`, or many from there. Returns how many. */
INLINE unsigned reserved_clear(pte_t *slot, const pte_t *end)
{
	unsigned count = 1;

	if ((uintptr_t)slot % (GROUP * sizeof *slot) == 0)
		count = reserved_run(slot, end);
#pragma GCC unroll 8
	for (unsigned i = 0; i < count; i++)
		pte_write(&slot[i], pte_empty());
	return count;
}

/*
 * Empties LAZY entries and drops what they name, up to one that turns out to be
 * the last to name its table. The hardware takes LAZY for invalid, so there is
 * nothing to fence.
 */
INLINE pte_t *lazy_clear(pte_t *slot, const pte_t *end)
{
	const uintptr_t origin = frame_origin();
	pte_t e;

	for (; slot < end && pte_is_lazy(e = pte_read(slot)); slot++) {
		if (!table_drop_shared(frame_from(origin, e)))
			break;
		pte_write(slot, pte_empty());
	}
	return slot;
}

unsigned table_clear_shared(struct frame *table, unsigned i, unsigned end)
{
	pte_t *entries = frame_virt(table), *slot = entries + i;
	const pte_t *last = entries + end;
	unsigned left = table->used;

	while (slot < last && left > 0) {
		pte_t e = pte_read(slot);
		unsigned n;

		if (pte_is_empty(e)) {
			slot = skip_empty(table, slot, last);
			continue;
		}
		if (pte_names_frame(e))
			n = (unsigned)(lazy_clear(slot, last) - slot);
		else
			n = reserved_clear(slot, last);
		if (n == 0)
			break;
		slot += n;
		left -= n;
	}
	table->used = left & USED_MASK;
	return slot < last && left > 0 ? (unsigned)(slot - entries) : end;
}

/* ---- Shared tables ---- */

/*
 * Copies the entries of a shared table of a constant level. Most of the time
 * that a fork costs after it has returned is spent here.
 */
INLINE void entries_copy(pte_t *to, pte_t *from, const struct frame *shared,
    int level)
{
	const uintptr_t origin = frame_origin();
	const pte_t *end = from + SV39_ENTRIES;
	unsigned left = shared->used;
	bool may_skip = !eighth_is_used(shared, 0);

	while (left > 0) {
		while (unlikely(may_skip) && is_unused_eighth(shared, from)) {
			from += EIGHTH;
			to += EIGHTH;
			test_assert(from < end);
		}
		test_assert(from < end);
		may_skip = false;
		left -= GROUP;
#pragma GCC unroll 8
		for (unsigned i = 0; i < GROUP; i++) {
			if (entry_copy(&to[i], &from[i], level, origin))
				continue;
			left++;
			may_skip = i == GROUP - 1;
		}
		from += GROUP;
		to += GROUP;
	}
}

/* T3: copies the shared table that the LAZY entry in `slot` names. */
static NOINLINE int table_copy(pte_t *slot, int level)
{
	pte_t lazy = pte_read(slot);
	struct frame *shared = pte_frame(lazy);
	struct frame *copy = frame_alloc_zeroed(FRAME_TABLE);
	pte_t *entries;

	if (copy == NULL)
		return -ENOMEM;
	entries = frame_virt(copy);
	if (level == 1)
		entries_copy(entries, table_entries(lazy), shared, 0);
	else
		entries_copy(entries, table_entries(lazy), shared, 1);
	copy->use = shared->use;
	copy->eighths = shared->eighths;
	pte_write_table(slot, virt_to_phys(entries));
	stats_count(table_copies);

	/* Last: `shared` has kept what its entries name until here. */
	table_put(shared, level - 1);
	TRACE(table_copied, "slot frame:from frame:to", (uint64_t)slot,
	    frame_trace(shared), frame_trace(copy));
	return 0;
}

/* T2, T3: makes the LAZY entry in `slot` a TABLE. -ENOMEM: nothing changed. */
INLINE int table_unshare(pte_t *slot, int level)
{
	pte_t lazy = pte_read(slot);

	if (!frame_is_sole(pte_frame(lazy)))
		return table_copy(slot, level);
	pte_write_table(slot, pte_paddr(lazy));
	stats_count(table_reuses);
	TRACE(table_taken_over, "slot frame:table", (uint64_t)slot,
	    frame_trace(pte_frame(lazy)));
	return 0;
}

/* Drops pages and empties their entries, up to one that names no page. */
INLINE pte_t *pages_drop(pte_t *slot, const pte_t *end, struct freeing *freeing)
{
	const uintptr_t origin = frame_origin();
	pte_t e;

	for (; slot < end && pte_names_frame(e = pte_read(slot)); slot++) {
		struct frame *page = frame_from(origin, e);

		pte_write(slot, pte_empty());
		if (frame_drop_page(page)) {
			frame_poison(page);
			freeing_add(freeing, phys_to_virt(pte_paddr(e)));
		}
	}
	return slot;
}

void table_free(struct frame *table, bool as_it_is)
{
	if (as_it_is)
		frame_free(table);
	else
		frame_free_zeroed(table);
	TRACE(table_freed, "frame:table", frame_trace(table));
}

/*
 * Drops every page that a table of level 0 names, and frees the table. No one
 * names it any more, and every hart that could walk it has been fenced.
 */
static void leaf_table_free(struct frame *table)
{
	pte_t *slot = frame_virt(table);
	const pte_t *end = slot + SV39_ENTRIES;
	struct freeing freeing = {0};
	unsigned left = table->used;
	bool as_it_is = false;

	while (left > 0) {
		pte_t e = pte_read(slot), *next;

		test_assert(slot < end);
		if (pte_is_empty(e)) {
			slot = skip_empty(table, slot, end);
			continue;
		}
		if (likely(pte_names_frame(e))) {
			next = pages_drop(slot, slot + left, &freeing);
		} else if (table->used == SV39_ENTRIES) {
			/* It goes as it is: they are not worth emptying. */
			next = slot + reserved_run(slot, end);
			as_it_is = true;
		} else {
			next = slot + reserved_clear(slot, end);
		}
		left -= (unsigned)(next - slot);
		slot = next;
	}
	freeing_done(freeing);
	table_free(table, as_it_is);
}

static void inner_table_free(struct frame *table)
{
	pte_t *entries = frame_virt(table);
	unsigned i = 0;

	while (table->used > 0) {
		pte_t e;

		i = table_clear_shared(table, i, SV39_ENTRIES);
		if (i == SV39_ENTRIES)
			break;
		e = pte_read(&entries[i]);
		slot_clear(table, &entries[i]);
		table_put(pte_frame(e), 0);
	}
	table_free(table, false);
}

/* Frees two levels at most. Each has its own function: nothing recurses. */
void table_put(struct frame *table, int level)
{
	if (!frame_drop(table))
		return;
	if (level == 0)
		leaf_table_free(table);
	else
		inner_table_free(table);
}

/* ---- The walk ---- */

/* Each of a table's entries becomes `e`. */
static void entries_fill(pte_t *entries, pte_t e)
{
	page_fill(entries, e.bits);
	for (unsigned i = 0; i < SV39_ENTRIES; i++)
		TRACE(entry, "slot bits", (uint64_t)&entries[i], e.bits);
}

/* T4: makes the RESERVED entry in `slot` a TABLE of RESERVED entries. */
static NOINLINE int table_split(pte_t *slot, int level)
{
	pte_t reserved = pte_read(slot);
	struct frame *table = frame_alloc(FRAME_TABLE);

	if (table == NULL)
		return -ENOMEM;
	entries_fill(frame_virt(table), reserved);
	table->used = SV39_ENTRIES;
	table->eighths = UINT8_MAX;
	table->alike = level == 1;
	pte_write_table(slot, frame_paddr(table));
	TRACE(table_split, "slot frame:table", (uint64_t)slot,
	    frame_trace(table));
	return 0;
}

/* Makes the EMPTY entry at which the walk is a TABLE of EMPTY entries. */
static NOINLINE int table_create(const struct walk *w)
{
	struct frame *table = frame_alloc_zeroed(FRAME_TABLE);

	if (table == NULL)
		return -ENOMEM;
	pte_write_table(w->slot, frame_paddr(table));
	walk_count_new(w, 1);
	TRACE(table_created, "slot frame:table", (uint64_t)w->slot,
	    frame_trace(table));
	return 0;
}

#define ENDS_HERE 1

/*
 * At an entry that is no TABLE: makes it one if `how` asks for that. 0 if it is
 * a TABLE now, ENDS_HERE if the walk cannot go on, or -ENOMEM.
 */
INLINE int walk_enter(struct walk *w, pte_t e, unsigned how)
{
	enum pte_kind kind = pte_kind(e);

	if ((how & WALK_OWN) && kind == PTE_KIND_LAZY)
		return table_unshare(w->slot, w->level);
	if ((how & WALK_SPLIT) && kind == PTE_KIND_RESERVED)
		return table_split(w->slot, w->level);
	if ((how & WALK_CREATE) && kind == PTE_KIND_EMPTY)
		return table_create(w);
	return ENDS_HERE;
}

/*
 * Goes down from level `from` to `level`, or to where the walk ends. With
 * WALK_LOOK it goes into shared tables as into private ones.
 */
INLINE int descend(struct walk *w, int from, int level, unsigned how)
{
#pragma GCC unroll 2
	for (int at = from; at > level; at--) {
		pte_t e = pte_read(w->slot);

		if (how == WALK_LOOK && !pte_names_frame(e))
			return 0;
		if (how != WALK_LOOK && !pte_is_table(e)) {
			int err = walk_enter(w, e, how);

			if (err != 0)
				return err == ENDS_HERE ? 0 : err;
			e = pte_read(w->slot);
		}
		w->slot = &table_entries(e)[level_index(w->va, at - 1)];
		if (how == WALK_LOOK)
			w->path[at - 1] = w->slot;
		w->level = at - 1;
	}
	return 0;
}

int walk_down(struct walk *w, int level, unsigned how)
{
	return descend(w, w->level, level, how);
}

int walk_own(struct walk *w, struct aspace *as, vaddr_t va)
{
	walk_begin(w, as, va);
	return descend(w, SV39_ROOT_LEVEL, 0, WALK_OWN);
}

void walk_look(struct walk *w, struct aspace *as, vaddr_t va, int level)
{
	walk_begin(w, as, va);
	(void)descend(w, SV39_ROOT_LEVEL, level, WALK_LOOK);
}
