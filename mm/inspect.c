/* SPDX-License-Identifier: MIT */
/*
 * inspect.c - showing the tree. The address space may be running meanwhile on
 * another hart; its lock keeps its tables where they are.
 */
#include "mm/inspect.h"

#include "pagetable.h"

static uint8_t entry_flags(pte_t e)
{
	uint64_t perms = pte_perms(e);

	return (uint8_t)((perms & PTE_R ? CALF_R : 0) |
	    (perms & PTE_W ? CALF_W : 0) | (perms & PTE_X ? CALF_X : 0) |
	    (pte_is_cow(e) ? CALF_COW : 0) |
	    (pte_is_shared(e) ? CALF_SHARED : 0));
}

static uint8_t entry_kind(pte_t e)
{
	static const uint8_t kinds[] = {
	    [PTE_KIND_EMPTY] = CALF_EMPTY,
	    [PTE_KIND_RESERVED] = CALF_RESERVED,
	    [PTE_KIND_HIDDEN] = CALF_HIDDEN,
	    [PTE_KIND_LAZY] = CALF_LAZY,
	    [PTE_KIND_TABLE] = CALF_TABLE,
	    [PTE_KIND_PAGE] = CALF_PAGE,
	};

	return kinds[pte_kind(e)];
}

static uint32_t entry_count(pte_t e)
{
	if ((e.bits & PTE_PPN_MASK) == 0)
		return 0;
	return __atomic_load_n(&frame_of(pte_paddr(e))->refs, __ATOMIC_RELAXED);
}

void inspect_walk(struct aspace *as, vaddr_t va, struct calf_walk *walk)
{
	const pte_t *entries = as->top;

	lock_acquire(&as->lock);
	*walk = (struct calf_walk){.root_pa = frame_paddr(as->root),
	    .root_count = as->root->refs};
	for (int level = SV39_ROOT_LEVEL; level >= 0; level--) {
		pte_t e = pte_read(&entries[level_index(va, level)]);

		walk->entry[walk->depth++] = (struct calf_entry){
		    .kind = entry_kind(e),
		    .flags = entry_flags(e),
		    .index = (uint16_t)level_index(va, level),
		    .count = entry_count(e),
		    .pa = pte_paddr(e),
		    .pte = e.bits,
		};
		if (level == 0 ||
		    !(pte_is_table(e) || pte_kind(e) == PTE_KIND_LAZY))
			break;
		entries = table_entries(e);
	}
	lock_release(&as->lock);
}

/* References to the nearest shared table above the end of a walk, or 0. */
static uint32_t shared_count(struct aspace *as, vaddr_t va, int level)
    REQUIRES(as->lock)
{
	pte_t *slot = &as->top[level_index(va, SV39_ROOT_LEVEL)];
	uint32_t count = 0;

	for (int at = SV39_ROOT_LEVEL; at > level; at--) {
		pte_t e = pte_read(slot);

		if (pte_kind(e) == PTE_KIND_LAZY)
			count = entry_count(e);
		slot = &table_entries(e)[level_index(va, at - 1)];
	}
	return count;
}

static struct calf_run run_at(struct aspace *as, struct walk *w)
    REQUIRES(as->lock)
{
	pte_t e = pte_read(w->slot);

	return (struct calf_run){
	    .start = w->start,
	    .end = w->end,
	    .kind = entry_kind(e),
	    .flags = entry_flags(e),
	    .level = (uint8_t)w->level,
	    .lazy = w->lazy,
	    .count = entry_count(e),
	    .tables = shared_count(as, w->start, w->level),
	};
}

#define RUN_PARTS 8 /* of a table: a run is in one of them */

bool inspect_next(struct aspace *as, vaddr_t va, struct calf_run *run)
{
	struct walk w;
	bool found = false;

	lock_acquire(&as->lock);
	for (; va < USER_TOP && !found; va = w.end) {
		w = walk_to(as, va);
		found = !pte_is_empty(pte_read(w.slot));
	}
	if (found)
		*run = run_at(as, &w);
	while (found && w.end < USER_TOP &&
	    (w.end & (level_span(w.level + 1) / RUN_PARTS - 1)) != 0) {
		struct calf_run next;

		w = walk_to(as, w.end);
		next = run_at(as, &w);
		if (next.level != run->level || next.kind != run->kind ||
		    next.flags != run->flags || next.count != run->count)
			break;
		run->end = next.end;
	}
	lock_release(&as->lock);
	return found;
}
