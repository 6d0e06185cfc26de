/* SPDX-License-Identifier: MIT */
/*
 * bag.c - passes pages from one address space to another.
 *
 * They go through a bag: an address space that never runs, made for the one
 * that gets the pages (share.c), in which they have the addresses that they
 * will have there. So to put a page in changes the giver only, and to map the
 * bag changes the taker only. To put a page in does to it what fork does: it is
 * closed in the giver, and one more entry names it.
 *
 * A page that is reserved and not there yet is reserved on both sides
 * afterwards.
 *
 * A shared bag is for a mapping of MAP_SHARED. Only pages of MAP_SHARED that
 * the giver can write to are put in, and they stay that on both sides. In any
 * other bag they are put in as copies.
 */
#include "abi/errno.h"
#include "arch/hart.h"
#include "arch/page.h"
#include "range.h"

/*
 * A page with so many names is passed as a copy, or not at all. By fork alone a
 * page has at most one name in each address space; by a bag it could have one
 * in every entry of each, which is more than a count can hold.
 */
#ifndef PASS_MAX
#define PASS_MAX 256U
#endif

#define COPY_COST 16 /* of a copy, in entries: taken off those in one part */

/*
 * The entry for `va`, or that of a reservation around it. The tables on the way
 * may be shared. That is no harm, as the entry is at most closed, which is
 * allowed in a shared table (R2), and nobody can write to a page below a shared
 * table.
 */
static NOINLINE pte_t *source_look(struct aspace *from, vaddr_t va)
    REQUIRES(from->lock)
{
	struct walk w;

	walk_look(&w, from, va, 0);
	return w.slot;
}

/*
 * Where pages come from; its lock is held. Often a page is the one behind the
 * last, whose entry is then the next.
 */
struct source {
	struct aspace *from;
	uintptr_t origin; /* frame_origin() */
	vaddr_t va;       /* of the last page */
	pte_t *slot;      /* the entry of the last page; NULL: not known */
};

/* The entry for the page at `va`. */
INLINE pte_t *source_find(struct source *s, vaddr_t va) NO_LOCK_CHECK
{
	bool is_next = s->slot != NULL && va == s->va + PAGE_SIZE &&
	    level_index(va, 0) != 0;
	pte_t *slot;

	s->va = va;
	if (likely(is_next))
		return ++s->slot;
	s->slot = page_slot(s->from, va, &slot) ? slot : NULL;
	return s->slot != NULL ? slot : source_look(s->from, va);
}

#define COPIED 1 /* it took as long as that */

/* Makes `entry`, of the bag, name a copy of the page. COPIED, or -ENOMEM. */
static NOINLINE int page_pass_copy(const struct frame *page, pte_t closed,
    pte_t *entry)
{
	struct frame *copy = frame_alloc(FRAME_PAGE);

	if (copy == NULL)
		return -ENOMEM;
	page_copy(frame_virt(copy), frame_virt(page));
	pte_write(entry, pte_of_page(closed, frame_paddr(copy)));
	stats_count(page_copies);
	return COPIED;
}

/*
 * For `e`, which is no private page to be read: a copy of what is shared, which
 * others may write to meanwhile, or zeros for a reservation.
 */
static NOINLINE int no_page(pte_t e, pte_t closed, pte_t zeros, pte_t *entry)
{
	if (!(pte_perms(e) & PTE_R))
		return -EFAULT;
	if (pte_is_shared(e))
		return page_pass_copy(pte_frame(e), closed, entry);
	pte_write(entry, zeros);
	return 0;
}

/*
 * Makes `entry`, which is in the bag, name the page at `va` as well. `closed`
 * is such an entry without a page number; `zeros` is what a reservation
 * becomes. Returns 0, COPIED or an error.
 */
INLINE int page_pass(struct source *s, vaddr_t va, pte_t closed, pte_t zeros,
    pte_t *entry)
{
	struct frame *page;
	pte_t *slot;
	pte_t e;

	if (va >= USER_TOP || (va & PAGE_MASK) != 0)
		return -EFAULT;
	slot = source_find(s, va);
	e = pte_read(slot);
	if (unlikely(!pte_allows(e, PTE_R) || pte_is_shared(e)))
		return no_page(e, closed, zeros, entry);
	page = frame_from(s->origin, e);
	if (unlikely(page->refs >= PASS_MAX))
		return page_pass_copy(page, closed, entry);
	frame_get(page);
	if (pte_is_open_page(e))
		pte_write(slot, pte_close_page(e));
	pte_write(entry, pte_of_page(closed, pte_paddr(e)));
	return 0;
}

/*
 * As page_pass(), for a shared bag: `shared` is the entry without a page
 * number. Zeros are no page that could be shared.
 */
static int page_lend(struct source *s, vaddr_t va, pte_t shared, pte_t *entry)
{
	pte_t e;

	if (va == 0)
		return -ENODEV;
	if (va >= USER_TOP || (va & PAGE_MASK) != 0)
		return -EFAULT;
	e = pte_read(source_find(s, va));
	if (!(pte_perms(e) & PTE_R))
		return -EFAULT;
	if (!pte_is_shared(e) || !pte_is_writable(e))
		return -ENODEV;
	/* A copy would be another page. */
	if (pte_frame(e)->refs >= PASS_MAX)
		return -ENOMEM;
	frame_get(pte_frame(e));
	pte_write(entry, pte_of_page(shared, pte_paddr(e)));
	return 0;
}

/*
 * The pages to be passed: a list of their addresses, or with `pages` NULL a run
 * of them from `first` on.
 */
struct given {
	const uint64_t *pages;
	vaddr_t first;
	uint64_t count;
};

INLINE vaddr_t given_page(const struct given *given, unsigned i)
{
	/* Read once: another process may write there at the same time. */
	return given->pages != NULL
	    ? __atomic_load_n(&given->pages[i], __ATOMIC_RELAXED)
	    : given->first + i * PAGE_SIZE;
}

/*
 * Can the table be passed as a whole, to one who may do `perms` with each of
 * its pages?
 */
static bool table_is_fit(const struct frame *table, uint64_t perms)
{
	return table->alike && table->used == SV39_ENTRIES && (perms & PTE_R) &&
	    table->refs < PASS_MAX &&
	    page_perms(pte_read(frame_virt(table))) == perms;
}

/*
 * Passes a whole table: makes an entry of level 1 of the bag name the table at
 * `va` as well. Returns how many pages that were; 0 if it cannot be done;
 * -ENOMEM.
 */
static long table_pass(struct aspace *bag, struct aspace *from, vaddr_t va)
    REQUIRES(from->lock) REQUIRES(bag->lock)
{
	struct range_op *op = &bag->own_op;
	struct walk source, to;
	int err;
	pte_t e;

	if (va >= USER_TOP || ((va | op->at) & (level_span(1) - 1)) != 0 ||
	    op->end - op->at < level_span(1))
		return 0;
	walk_look(&source, from, va, 1);
	e = pte_read(source.slot);
	if (source.level != 1 || !pte_names_frame(e) ||
	    !table_is_fit(pte_frame(e), op->perms))
		return 0;
	walk_begin(&to, bag, op->at);
	err = walk_down(&to, 1, WALK_CREATE);
	if (err < 0)
		return err;
	frame_get(pte_frame(e));
	e = pte_close_table(e);
	pte_write(source.slot, e);
	pte_write(to.slot, e);
	walk_count_new(&to, 1);
	stats_count(table_passes);
	return SV39_ENTRIES;
}

/*
 * Puts up to `count` pages into entries of a shared bag. Returns how many, and
 * in *err what is wrong with the next one.
 */
static NOINLINE unsigned pages_lend(struct source *source,
    const struct given *given, uint64_t perms, pte_t *entries, uint64_t count,
    int *err)
{
	const pte_t shared = pte_shared(0, perms);
	unsigned done = 0;

	for (; done < count; done++) {
		*err = page_lend(source, given_page(given, done), shared,
		    &entries[done]);
		if (*err < 0)
			break;
	}
	return done;
}

/*
 * Passes pages one by one, as many as go into one table of the bag. Returns how
 * many, or an error if there were none.
 */
static long pages_pass(struct aspace *bag, struct aspace *from,
    const struct given *given) REQUIRES(from->lock) REQUIRES(bag->lock)
{
	struct source source = {.from = from, .origin = frame_origin()};
	struct range_op *op = &bag->own_op;
	const uint64_t perms = op->perms & PTE_PERMS;
	const pte_t closed = pte_closed(0, perms);
	const pte_t zeros = pte_reserved(perms);
	unsigned done = 0, copies = 0;
	uint64_t count, room;
	struct walk w;
	int err;

	walk_begin(&w, bag, op->at);
	err = walk_down(&w, 0, WALK_CREATE);
	count = err < 0 ? 0 : min_u64(given->count, range_covered(&w, op));
	if (op->perms & PTE_SHARED) {
		done =
		    pages_lend(&source, given, op->perms, w.slot, count, &err);
		count = done;
	}
	for (; done < count; done++) {
		vaddr_t va = given_page(given, done);
		pte_t *entry = &w.slot[done];

		test_assert(pte_is_empty(pte_read(entry)));
		if (va == 0 && given->pages != NULL) {
			pte_write(entry, zeros);
			continue;
		}
		err = page_pass(&source, va, closed, zeros, entry);
		if (likely(err == 0))
			continue;
		if (err < 0)
			break;
		/* Whatever the copies have cost is taken off a full table. */
		copies += COPY_COST;
		room = copies + done < SV39_ENTRIES ? SV39_ENTRIES - copies
						    : done + 1;
		count = min_u64(count, room);
	}
	if (done == 0) {
		border_prune(bag, op->at);
		return err;
	}
	walk_count_new(&w, done);
	return (long)done;
}

static long fill(struct aspace *to, struct aspace *from,
    const struct given *given)
{
	struct aspace *bag = to->aside;
	long done = 0;

	assert(to->runner == NULL || aspace_is_ours(to));
	assert(from->runner == NULL || aspace_is_ours(from));
	assert(to != from);
	assert(given->count > 0 && bag_filled(to) < bag_size(to));
	lock_acquire(&from->lock);
	lock_acquire(&bag->lock);
	if (given->pages == NULL && given->count >= SV39_ENTRIES)
		done = table_pass(bag, from, given->first);
	if (done == 0)
		done = pages_pass(bag, from, given);
	if (done > 0)
		bag->own_op.at += (uint64_t)done * PAGE_SIZE;
	/*
	 * Before the pages can be read in the bag: from now on a store in
	 * `from` has to fault.
	 */
	tlb_flush_asid(&from->asid);
	lock_release(&bag->lock);
	lock_release(&from->lock);
	return done;
}

long bag_fill(struct aspace *to, struct aspace *from, const uint64_t *pages,
    uint64_t count)
{
	return fill(to, from, &(struct given){.pages = pages, .count = count});
}

long bag_fill_run(struct aspace *to, struct aspace *from, vaddr_t va,
    uint64_t count)
{
	return fill(to, from, &(struct given){.first = va, .count = count});
}
