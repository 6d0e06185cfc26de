/* SPDX-License-Identifier: MIT */
/*
 * resolve.c - the one door to user memory.
 *
 * Top-down: each table on the way is made private, which copies it if another
 * address space names it too; then the page, according to what is asked of it.
 * Each step leaves a legal tree, so there is nothing to undo where the next
 * one finds no memory.
 *
 * What may be there, and what becomes of it. In parentheses is the count of a
 * table or a page, which is how many entries name it; on the right is one of
 * another table. The code below has the numbers of the cases.
 *
 * On the way, at an entry of level 2 or 1:
 *
 *   T1      TABLE ----> table (1)            It is ours: go on down.
 *
 *   T2      LAZY -----> table (1)            Nobody else names it any more:
 *      now  TABLE ----> table (1)            it is taken over as it is.
 *
 *   T3      LAZY -----> table (2) <-- LAZY   Somebody else does: it is copied,
 *      now  TABLE ----> copy  (1)            and each entry is closed in both.
 *                       table (1) <-- LAZY   What they name has one name more.
 *
 *   T4      RESERVED rw-                     Nothing was there yet, and it is
 *      now  TABLE ----> table (1)            allowed: a table of such entries.
 *
 *   T5      RESERVED r--, EMPTY              Not allowed: -EFAULT.
 *
 * At the end, at the entry of level 0, when all tables above are ours:
 *
 *   P1      PAGE rw- -----> page (1)         Allowed already: nothing to do.
 *
 *   P2      PAGE r-- COW -> page (1)         A write, and no other owner:
 *      now  PAGE rw- -----> page (1)         the page is ours as it is.
 *
 *   P3      PAGE r-- COW -> page (2) <- COW  A write, and another owner:
 *      now  PAGE rw- -----> copy (1)         the page is copied.
 *                           page (1) <- COW
 *
 *   P4      RESERVED rw-                     Allowed, and nothing was there
 *      now  PAGE rw- -----> page (1)         yet: a page of zeros.
 *
 *   P5      PAGE r--, RESERVED r--, HIDDEN,  Not allowed: -EFAULT.
 *           EMPTY
 *
 * The order matters. Whether a page has one owner can be told from its count
 * only when every table above is private: a page under a shared table has
 * count 1 and several users. So P2 after T1 to T4, and never before.
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
 * The page's slot, after all tables above have become private: T1 to T4, the
 * rest of which is in pagetable.c. Reserved memory is split only for those who
 * may touch it.
 */
static NOINLINE int path_own(struct aspace *as, vaddr_t va, uint64_t need,
    pte_t **slot) REQUIRES(as->lock)
{
	struct walk w;
	int err;

	err = walk_own(&w, as, va);
	if (err == 0 && w.level > 0) {
		pte_t e = pte_read(w.slot);

		/* T5 */
		if (pte_kind(e) != PTE_KIND_RESERVED ||
		    (pte_perms(e) & need) != need)
			return -EFAULT;
		/* T4 */
		err = walk_down(&w, 0, WALK_SPLIT);
	}
	*slot = w.slot;
	return err;
}

/* P4: a cleared page for reserved memory. */
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
	TRACE(page_zeroed, "slot frame:page", (uint64_t)slot,
	    frame_trace(page));
	return 0;
}

/* P3: a page of its own for one who shares `e`, which is in `slot`. */
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
	TRACE(page_copied, "slot frame:from frame:to", (uint64_t)slot,
	    frame_trace(shared), frame_trace(copy));
	return 0;
}

/* The first write to a COW page, whose tables are private. */
INLINE int page_own(struct aspace *as, vaddr_t va, pte_t *slot, pte_t e)
    REQUIRES(as->lock)
{
	/* P3 */
	if (!frame_is_sole(pte_frame(e)))
		return page_split(as, va, slot, e);
	/* P2 */
	pte_write(slot, pte_open_page(e));
	tlb_flush_page(&as->asid, va);
	stats_count(page_reuses);
	TRACE(page_taken_over, "slot frame:page", (uint64_t)slot,
	    frame_trace(pte_frame(e)));
	return 0;
}

/* All cases. *changed: it was not P1. */
INLINE int resolve(struct aspace *as, vaddr_t va, enum access access,
    pte_t **slot, bool *changed) REQUIRES(as->lock)
{
	uint64_t need = (uint64_t)access;
	pte_t e;
	int err;

	*changed = false;
	if (va >= USER_TOP)
		return -EFAULT;
	/* If T1 is not all that is on the way. */
	if (unlikely(!page_slot(as, va, slot))) {
		err = path_own(as, va, need, slot);
		if (err < 0)
			return err;
		*changed = true;
	}
	e = pte_read(*slot);
	if (pte_is_page(e)) {
		/* P1 */
		if ((pte_perms(e) & need) != 0)
			return 0;
		/* P5 */
		if (access != ACCESS_WRITE || !pte_is_cow(e))
			return -EFAULT;
		/* P2, P3 */
		*changed = true;
		return page_own(as, va, *slot, e);
	}
	/* P5 */
	if (pte_kind(e) != PTE_KIND_RESERVED || (pte_perms(e) & need) == 0)
		return -EFAULT;
	/* P4 */
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

/*
 * With one more address, which may have two tables of its own, that is still
 * far below what may be done without a pause.
 */
#define TABLES_MAX 3U

/* Never where no process runs: there no call would be executed again. */
static bool table_is_refused(struct hart *self)
{
	if (self->tables < TABLES_MAX || self->proc == NULL)
		return false;
	self->tables = TABLES_LATE;
	return true;
}

static NOINLINE int user_page_slow(struct aspace *as, vaddr_t va,
    enum access access, void **kernel)
{
	struct hart *self = hart_self();
	uint64_t copies = self->stats.table_copies;
	paddr_t page;
	pte_t *slot;
	int err;

	if (va < USER_TOP && !page_slot(as, va, &slot) &&
	    table_is_refused(self))
		return -ENOMEM;
	err = aspace_resolve(as, va, access, &page);
	self->tables += (uint32_t)(self->stats.table_copies - copies);
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
	bool changed = false;
	pte_t *slot;
	int err;

	lock_acquire(&as->lock);
	err = resolve(as, va, access, &slot, &changed);
	if (unlikely(err == -EFAULT) && aspace_allows_device(as, va, access))
		err = 0;
	/* P1, and yet it faulted: the hart had cached what was there before. */
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
	/* As above, but that everything is allowed. */
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
