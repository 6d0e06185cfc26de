/* SPDX-License-Identifier: MIT */
/*
 * pagetable.c - the tree, one entry and one table at a time.
 *
 * Tables that several address spaces name are read by all of them at once, and
 * written in one way only: an entry is closed (pte_close). Whoever copies a
 * shared table closes each of its entries first, and several harts may do that
 * at the same time, as they all store the same value. The raised count of
 * what an entry names is never lower than the number of tables that name it.
 */
#include "pagetable.h"

#include "abi/errno.h"
#include "arch/hart.h"

void slot_fill(pte_t *slot, pte_t e)
{
	frame_of_virt(slot)->used++;
	pte_write(slot, e);
}

void slot_clear(pte_t *slot)
{
	pte_write(slot, pte_empty());
	frame_of_virt(slot)->used--;
}

void root_touch(struct aspace *as, vaddr_t va)
{
	unsigned i = level_index(va, SV39_ROOT_LEVEL);

	if (i < as->low || i >= as->high)
		return;
	if (i - as->low < as->high - i)
		as->low = (uint16_t)(i + 1);
	else
		as->high = (uint16_t)i;
}

/*
 * Copies one entry of a shared table: closed in the source, closed in the
 * copy, counted. The store to the source is left out where it would change
 * nothing, so that sharers do not fight for the cache line.
 */
INLINE void entry_copy(pte_t *copy, pte_t *shared, pte_t e, uintptr_t origin)
{
	pte_t closed = pte_close(e);

	if (pte_names_frame(e))
		frame_get(frame_from(origin, e));
	if (closed.bits != e.bits)
		pte_write(shared, closed);
	pte_write(copy, closed);
}

/* Entries looked at between two looks at how many are left to find. */
#define COPY_GROUP (SV39_ENTRIES < 8 ? SV39_ENTRIES : 8)

/*
 * A table of level 0: entry_copy() for entries most of which are pages to be
 * closed. Most of what forks cost later is spent here.
 */
static void leaf_table_copy(pte_t *copy, pte_t *shared, unsigned used)
{
	const uintptr_t origin = frame_origin();
	unsigned left = used;

	while (left > 0) {
		unsigned empty = 0;

#pragma GCC unroll 8
		for (unsigned i = 0; i < COPY_GROUP; i++) {
			pte_t e = pte_read(&shared[i]);

			if (likely(pte_is_open_page(e))) {
				frame_get(frame_from(origin, e));
				e = pte_close_page(e);
				pte_write(&shared[i], e);
			} else if (pte_names_frame(e)) {
				frame_get(frame_from(origin, e));
			} else if (pte_is_empty(e)) {
				empty++;
				continue;
			}
			pte_write(&copy[i], e);
		}
		left -= COPY_GROUP - empty;
		copy += COPY_GROUP;
		shared += COPY_GROUP;
	}
}

/* A table of level 1. */
static void inner_table_copy(pte_t *copy, pte_t *shared, unsigned used)
{
	const uintptr_t origin = frame_origin();

	for (; used > 0; copy++, shared++) {
		pte_t e = pte_read(shared);

		if (pte_is_empty(e))
			continue;
		used--;
		entry_copy(copy, shared, e, origin);
	}
}

int table_unshare(pte_t *slot, int level)
{
	pte_t lazy = pte_read(slot);
	struct frame *shared = pte_frame(lazy), *copy;

	if (frame_is_sole(shared)) {
		pte_write(slot, pte_table(frame_paddr(shared)));
		stats_count(table_reuses);
		return 0;
	}
	copy = frame_alloc_zeroed(FRAME_TABLE);
	if (copy == NULL)
		return -ENOMEM;
	if (level == 1)
		leaf_table_copy(frame_virt(copy), frame_virt(shared),
		    shared->used);
	else
		inner_table_copy(frame_virt(copy), frame_virt(shared),
		    shared->used);
	copy->used = shared->used;
	pte_write(slot, pte_table(frame_paddr(copy)));
	stats_count(table_copies);

	/* Last: until here the children's counts rested on `shared`. */
	table_put(shared, level - 1);
	return 0;
}

int table_split(pte_t *slot)
{
	pte_t reserved = pte_read(slot);
	struct frame *table = frame_alloc(FRAME_TABLE);
	pte_t *entries;

	if (table == NULL)
		return -ENOMEM;
	entries = frame_virt(table);
	for (unsigned i = 0; i < SV39_ENTRIES; i++)
		pte_write(&entries[i], reserved);
	table->used = SV39_ENTRIES;
	pte_write(slot, pte_table(frame_paddr(table)));
	return 0;
}

int table_create(pte_t *slot)
{
	struct frame *table = frame_alloc_zeroed(FRAME_TABLE);

	if (table == NULL)
		return -ENOMEM;
	slot_fill(slot, pte_table(frame_paddr(table)));
	return 0;
}

int table_open(pte_t *slot, int level)
{
	switch (pte_kind(pte_read(slot))) {
	case PTE_KIND_TABLE:
		return 0;
	case PTE_KIND_LAZY:
		return table_unshare(slot, level);
	case PTE_KIND_RESERVED:
		return table_split(slot);
	case PTE_KIND_EMPTY:
		return -EFAULT;
	default:
		panic("expected a table at level %d, found entry %lx", level,
		    pte_read(slot).bits);
	}
}

/*
 * Drops every page that a table of level 0 names, and frees the table. No one
 * names it any more, and every hart that could walk it has been fenced.
 */
static void leaf_table_free(struct frame *table)
{
	pte_t *slot = frame_virt(table);
	const uintptr_t origin = frame_origin();
	struct freeing freeing = {0};

	for (unsigned used = table->used; used > 0; slot++) {
		pte_t e = pte_read(slot);
		struct frame *page;

		if (unlikely(pte_is_empty(e)))
			continue;
		used--;
		pte_write(slot, pte_empty());
		if (unlikely(!pte_names_frame(e)))
			continue;
		page = frame_from(origin, e);
		if (frame_drop_page(page)) {
			frame_poison(page);
			freeing_add(&freeing, phys_to_virt(pte_paddr(e)));
		}
	}
	freeing_done(freeing);
	frame_free_zeroed(table);
}

static void inner_table_free(struct frame *table)
{
	pte_t *entries = frame_virt(table);
	unsigned used = table->used;

	for (unsigned i = 0; used > 0; i++) {
		pte_t e = pte_read(&entries[i]);

		if (pte_is_empty(e))
			continue;
		used--;
		pte_write(&entries[i], pte_empty());
		if (pte_names_frame(e))
			table_put(pte_frame(e), 0);
	}
	frame_free_zeroed(table);
}

/* Two levels at most: a function each, no recursion without a bound. */
void table_put(struct frame *table, int level)
{
	if (!frame_drop(table))
		return;
	if (level == 0)
		leaf_table_free(table);
	else
		inner_table_free(table);
}

struct walk walk_to(struct aspace *as, vaddr_t va)
{
	struct walk w = {.slot = &as->top[level_index(va, SV39_ROOT_LEVEL)],
	    .level = SV39_ROOT_LEVEL};
	pte_t e = pte_read(w.slot);

	while (
	    w.level > 0 && (pte_is_table(e) || pte_kind(e) == PTE_KIND_LAZY)) {
		w.lazy |= !pte_is_table(e);
		w.level--;
		w.slot = &table_entries(e)[level_index(va, w.level)];
		e = pte_read(w.slot);
	}
	w.start = va & ~(level_span(w.level) - 1);
	w.end = w.start + level_span(w.level);
	return w;
}
