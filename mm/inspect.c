/* SPDX-License-Identifier: MIT */
/*
 * inspect.c - showing the tree. The address space may be running meanwhile on
 * another hart; its lock keeps its tables where they are.
 */
#include "mm/inspect.h"

#include "lib/string.h"
#include "pagetable.h"

_Static_assert((int)CALF_EMPTY == PTE_KIND_EMPTY &&
	(int)CALF_PAGE == PTE_KIND_PAGE,
    "enum calf_kind is enum pte_kind");

static uint8_t entry_flags(pte_t e)
{
	uint64_t perms = pte_perms(e);

	return (uint8_t)((perms & PTE_R ? CALF_R : 0) |
	    (perms & PTE_W ? CALF_W : 0) | (perms & PTE_X ? CALF_X : 0) |
	    (pte_is_cow(e) ? CALF_COW : 0) |
	    (pte_is_shared(e) ? CALF_SHARED : 0));
}

static uint32_t frame_count_of(const struct frame *f)
{
	return __atomic_load_n(&f->refs, __ATOMIC_RELAXED);
}

static uint32_t entry_count(pte_t e)
{
	return pte_names_frame(e) ? frame_count_of(pte_frame(e)) : 0;
}

void inspect_walk(struct aspace *as, vaddr_t va, struct calf_walk *walk)
{
	struct walk w;

	lock_acquire(&as->lock);
	walk_look(&w, as, va, 0);
	*walk = (struct calf_walk){.root_pa = frame_paddr(as->root),
	    .root_count = as->root->refs};
	for (int level = SV39_ROOT_LEVEL; level >= w.level; level--) {
		pte_t e = pte_read(w.path[level]);

		walk->entry[walk->depth++] = (struct calf_entry){
		    .kind = (uint8_t)pte_kind(e),
		    .flags = entry_flags(e),
		    .index = (uint16_t)level_index(va, level),
		    .count = entry_count(e),
		    .pa = pte_paddr(e),
		    .pte = e.bits,
		};
	}
	lock_release(&as->lock);
}

/* The nearest shared table on the way, or NULL. */
static const struct frame *shared_table(const struct walk *w)
{
	for (int level = w->level + 1; level <= SV39_ROOT_LEVEL; level++) {
		pte_t e = pte_read(w->path[level]);

		if (!pte_is_table(e))
			return pte_frame(e);
	}
	return NULL;
}

static struct calf_run run_at(const struct walk *w)
{
	const struct frame *shared = shared_table(w);
	pte_t e = pte_read(w->slot);

	return (struct calf_run){
	    .start = walk_address(w, walk_index(w)),
	    .end = walk_address(w, walk_index(w) + 1),
	    .kind = (uint8_t)pte_kind(e),
	    .flags = entry_flags(e),
	    .level = (uint8_t)w->level,
	    .lazy = shared != NULL,
	    .count = entry_count(e),
	    .tables = shared != NULL ? frame_count_of(shared) : 0,
	};
}

#define RUN_PARTS 8 /* of a table: a run is in one of them */

bool inspect_next(struct aspace *as, vaddr_t va, struct calf_run *run)
{
	struct walk w;

	if (va >= USER_TOP)
		return false;
	lock_acquire(&as->lock);
	va = aspace_next_used(as, va, USER_TOP);
	if (va == USER_TOP) {
		lock_release(&as->lock);
		return false;
	}
	walk_look(&w, as, va, 0);
	*run = run_at(&w);
	while (run->end < USER_TOP &&
	    (run->end & (level_span(w.level + 1) / RUN_PARTS - 1)) != 0) {
		struct calf_run next;

		walk_look(&w, as, run->end, 0);
		next = run_at(&w);
		if (next.level != run->level || next.kind != run->kind ||
		    next.flags != run->flags || next.count != run->count)
			break;
		run->end = next.end;
	}
	lock_release(&as->lock);
	return true;
}

size_t inspect_args(struct aspace *as, void *to, size_t len)
{
	size_t offset = as->args & PAGE_MASK;
	struct walk w;
	pte_t e;

	len = min_u64(len, as->args_end - as->args);
	len = min_u64(len, PAGE_SIZE - offset);
	lock_acquire(&as->lock);
	walk_look(&w, as, as->args, 0);
	e = pte_read(w.slot);
	if (pte_kind(e) == PTE_KIND_PAGE)
		memcpy(to, (char *)frame_virt(pte_frame(e)) + offset, len);
	else
		len = 0;
	lock_release(&as->lock);
	return len;
}
