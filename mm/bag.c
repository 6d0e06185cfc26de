/* SPDX-License-Identifier: MIT */
/*
 * bag.c - pages of one address space go to another.
 *
 * They go through a bag: an address space that nobody runs, built aside for the
 * one that gets them (share.c), at the addresses that they will have. So only
 * the one that gives is changed when a page is put in, and only the one that
 * gets when the bag is mapped. To put a page in is what fork does to it: it is
 * closed where it is, and one more entry names it.
 *
 * A page that is reserved and not there yet stays so on both sides.
 */
#include "abi/errno.h"
#include "arch/hart.h"
#include "arch/page.h"
#include "range.h"

/*
 * What so many entries name is passed as a copy. Elsewhere a page has one entry
 * in a table; here it can have all, which times the number of processes would
 * be more than a count can hold.
 */
#ifndef PASS_MAX
#define PASS_MAX 256U
#endif

/*
 * The entry for `va`, or that of a reservation around it. The tables on the way
 * may be shared: nothing but to close an entry is going to be done there (R2),
 * and nobody can write to the page meanwhile.
 */
static NOINLINE pte_t *source_look(struct aspace *from, vaddr_t va)
    REQUIRES(from->lock)
{
	struct walk w;

	walk_look(&w, from, va, 0);
	return w.slot;
}

/*
 * Where pages come from, whose lock is held. Often they are one behind the
 * other.
 */
struct source {
	struct aspace *from;
	uintptr_t origin; /* frame_origin() */
	vaddr_t va;       /* of the last one, and */
	pte_t *slot;      /* its entry; NULL: there is none, or above level 0 */
};

/* The entry for `va`, which is the address of a page. */
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

/* For `e`, which is no private page to be read: zeros for a reservation. */
static NOINLINE int no_page(pte_t e, pte_t zeros, pte_t *entry)
{
	if (!(pte_perms(e) & PTE_R))
		return -EFAULT;
	if (pte_is_shared(e))
		return -EINVAL;
	pte_write(entry, zeros);
	return 0;
}

/* The same for a copy of a page, to which nobody writes. */
static NOINLINE int page_pass_copy(const struct frame *page, pte_t closed,
    pte_t *entry)
{
	struct frame *copy = frame_alloc(FRAME_PAGE);

	if (copy == NULL)
		return -ENOMEM;
	page_copy(frame_virt(copy), frame_virt(page));
	pte_write(entry, pte_of_page(closed, frame_paddr(copy)));
	stats_count(page_copies);
	return 0;
}

/*
 * Lets `entry`, of the bag, be that of the page at `va` as well: as `closed`,
 * which is the closed entry of no page yet, or `zeros`.
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
		return no_page(e, zeros, entry);
	page = frame_from(s->origin, e);
	if (unlikely(page->refs >= PASS_MAX))
		return page_pass_copy(page, closed, entry);
	frame_get(page);
	if (pte_is_open_page(e))
		pte_write(slot, pte_close_page(e));
	pte_write(entry, pte_of_page(closed, pte_paddr(e)));
	return 0;
}

/* What is given: addresses of pages, or NULL and that of the first of a run. */
struct given {
	const uint64_t *pages;
	vaddr_t first;
	uint64_t count;
};

INLINE vaddr_t given_page(const struct given *given, unsigned i)
{
	/* Once: somebody else may write there meanwhile. */
	return given->pages != NULL
	    ? __atomic_load_n(&given->pages[i], __ATOMIC_RELAXED)
	    : given->first + i * PAGE_SIZE;
}

/* May it become one of who does `perms` with each of its pages? */
static bool table_is_fit(const struct frame *table, uint64_t perms)
{
	return table->alike && table->used == SV39_ENTRIES && (perms & PTE_R) &&
	    table->refs < PASS_MAX &&
	    page_perms(pte_read(frame_virt(table))) == perms;
}

/*
 * Lets an entry of level 1 of the bag be that of the table at `va` as well. How
 * many pages that were: 0, if not; -ENOMEM.
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

/* Puts pages in as far as a table goes. How many, or what is wrong. */
static long pages_pass(struct aspace *bag, struct aspace *from,
    const struct given *given) REQUIRES(from->lock) REQUIRES(bag->lock)
{
	struct source source = {.from = from, .origin = frame_origin()};
	struct range_op *op = &bag->own_op;
	const pte_t closed = pte_closed(0, op->perms);
	const pte_t zeros = pte_reserved(op->perms);
	unsigned done = 0;
	uint64_t count;
	struct walk w;
	int err;

	walk_begin(&w, bag, op->at);
	err = walk_down(&w, 0, WALK_CREATE);
	count = err < 0 ? 0 : min_u64(given->count, range_covered(&w, op));
	for (; done < count; done++) {
		vaddr_t va = given_page(given, done);
		pte_t *entry = &w.slot[done];

		test_assert(pte_is_empty(pte_read(entry)));
		if (va == 0 && given->pages != NULL)
			pte_write(entry, zeros);
		else
			err = page_pass(&source, va, closed, zeros, entry);
		if (err < 0)
			break;
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
	/* Before anybody reads there: what is stored is for `from` alone. */
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
