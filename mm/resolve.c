/* SPDX-License-Identifier: MIT */
/*
 * resolve.c - the one door to user memory.
 *
 * Top-down: each table on the way is made private, which copies it if another
 * address space names it too; then the page, according to what is asked of it.
 * Each step leaves a legal tree, so there is nothing to undo where the next
 * one finds no memory.
 *
 * The order matters. Whether a page has one owner can be told from its count
 * only when every table above is private: a page under a shared table has
 * count 1 and several users.
 *
 * Fences: an entry that was invalid needs none, as a hart that cached it takes
 * one more fault, finds nothing to do, and fences then. An entry that was valid
 * is fenced before its old frame is let go.
 */
#include "abi/errno.h"
#include "arch/hart.h"
#include "arch/page.h"
#include "pagetable.h"

/*
 * The page's slot, after all tables above have become private. Reserved memory
 * is split only for those who may touch it.
 */
static NOINLINE int path_own(struct aspace *as, vaddr_t va, uint64_t need,
    pte_t **slot) REQUIRES(as->lock)
{
	struct walk w;
	int err;

	err = walk_own(&w, as, va);
	if (err == 0 && w.level > 0) {
		pte_t e = pte_read(w.slot);

		if (pte_kind(e) != PTE_KIND_RESERVED ||
		    (pte_perms(e) & need) != need)
			return -EFAULT;
		err = walk_down(&w, 0, WALK_SPLIT);
	}
	*slot = w.slot;
	return err;
}

/* A cleared page for reserved memory. */
static int page_give(pte_t *slot, uint64_t perms)
{
	struct frame *page = frame_alloc(FRAME_PAGE);

	if (page == NULL)
		return -ENOMEM;
	page_zero(frame_virt(page));
	pte_write(slot,
	    perms == 0 ? pte_hidden(frame_paddr(page), 0)
		       : pte_page(frame_paddr(page), perms));
	/* A hart may have cached what the frame held for somebody else. */
	if (unlikely(perms & PTE_X))
		tlb_code_changed();
	stats_count(page_zeros);
	return 0;
}

/* A page of its own for one who shares `e`, which is in `slot`. */
static NOINLINE int page_split(struct aspace *as, vaddr_t va, pte_t *slot,
    pte_t e) REQUIRES(as->lock)
{
	struct frame *shared = pte_frame(e), *copy = frame_alloc(FRAME_PAGE);

	if (copy == NULL)
		return -ENOMEM;
	page_copy(frame_virt(copy), frame_virt(shared));
	pte_write(slot, pte_open(e, frame_paddr(copy)));
	tlb_flush_page(&as->asid, va);
	if (pte_is_executable(e))
		tlb_code_changed();
	stats_count(page_copies);

	/* Last: until the fence this hart could still read `shared`. */
	frame_put(shared);
	return 0;
}

/* The first write to a COW page, whose tables are private. */
INLINE int page_own(struct aspace *as, vaddr_t va, pte_t *slot, pte_t e)
    REQUIRES(as->lock)
{
	if (!frame_is_sole(pte_frame(e)))
		return page_split(as, va, slot, e);
	pte_write(slot, pte_open_page(e));
	tlb_flush_page(&as->asid, va);
	stats_count(page_reuses);
	return 0;
}

INLINE int resolve(struct aspace *as, vaddr_t va, enum access access,
    pte_t **slot, bool *changed) REQUIRES(as->lock)
{
	uint64_t need = (uint64_t)access;
	pte_t e;
	int err;

	*changed = false;
	if (va >= USER_TOP)
		return -EFAULT;
	if (unlikely(!page_slot(as, va, slot))) {
		err = path_own(as, va, need, slot);
		if (err < 0)
			return err;
		*changed = true;
	}
	e = pte_read(*slot);
	if (pte_is_page(e)) {
		if ((pte_perms(e) & need) != 0)
			return 0;
		if (access != ACCESS_WRITE || !pte_is_cow(e))
			return -EFAULT;
		*changed = true;
		return page_own(as, va, *slot, e);
	}
	if (pte_kind(e) != PTE_KIND_RESERVED || (pte_perms(e) & need) == 0)
		return -EFAULT;
	*changed = true;
	return page_give(*slot, pte_perms(e));
}

int aspace_resolve(struct aspace *as, vaddr_t va, enum access access,
    paddr_t *page)
{
	bool changed;
	pte_t *slot;
	int err;

	lock_acquire(&as->lock);
	err = resolve(as, va, access, &slot, &changed);
	if (err == 0)
		*page = pte_paddr(pte_read(slot));
	lock_release(&as->lock);
	return err;
}

static NOINLINE int user_page_slow(struct aspace *as, vaddr_t va,
    enum access access, void **kernel)
{
	paddr_t page;
	int err = aspace_resolve(as, va, access, &page);

	if (err == 0)
		*kernel = (char *)phys_to_virt(page) + (va & PAGE_MASK);
	return err;
}

int user_page(struct aspace *as, vaddr_t va, enum access access, void **kernel)
{
	if (unlikely(!user_page_ready(as, va, access, kernel)))
		return user_page_slow(as, va, access, kernel);
	return 0;
}

int aspace_fault(struct aspace *as, vaddr_t va, enum access access)
{
	bool changed;
	pte_t *slot;
	int err;

	lock_acquire(&as->lock);
	err = resolve(as, va, access, &slot, &changed);
	if (unlikely(err == 0 && !changed))
		tlb_flush_asid(&as->asid);
	lock_release(&as->lock);
	return err;
}

int aspace_load(struct aspace *as, vaddr_t va, paddr_t *page)
{
	pte_t *slot;
	pte_t e;
	int err;

	if (va >= USER_TOP)
		return -EFAULT;
	lock_acquire(&as->lock);
	err = path_own(as, va, 0, &slot);
	if (err < 0)
		goto out;
	e = pte_read(slot);
	if (pte_kind(e) == PTE_KIND_RESERVED)
		err = page_give(slot, pte_perms(e));
	else if (pte_is_empty(e))
		err = -EFAULT;
	if (err < 0)
		goto out;
	*page = pte_paddr(pte_read(slot));
	assert(frame_is_sole(frame_of(*page)));
out:
	lock_release(&as->lock);
	return err;
}
