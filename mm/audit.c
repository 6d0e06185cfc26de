/* SPDX-License-Identifier: MIT */
/*
 * audit.c - the invariants of docs/design.md, recounted from the tables up.
 *
 * Deliberately simple and slow: it believes nothing that the rest of mm/ keeps
 * to itself. Built into test kernels only.
 */
#include "arch/hart.h"
#include "mm/frame.h"
#include "pagetable.h"

#ifdef CALF_TEST

/* In an audit word: this table's entries have been counted. */
#define VISITED    (1U << 31)
#define COUNT_MASK (VISITED - 1)

static uint32_t *word_of(const struct frame *f)
{
	return &frame_audit_words[f - frames];
}

static void clear_words(void)
{
	for (struct frame *f = frame_next_known(NULL); f != NULL;
	     f = frame_next_known(f))
		*word_of(f) = 0;
}

/* I4, for one entry of a table of `level`. */
static void audit_entry(pte_t e, int level)
{
	uint64_t known = PTE_PPN_MASK | ((1UL << 10) - 1);

	if (e.bits & ~known)
		panic("I4: expected reserved bits 0, found %lx", e.bits);
	switch (pte_kind(e)) {
	case PTE_KIND_EMPTY:
	case PTE_KIND_RESERVED:
		if (e.bits & PTE_PPN_MASK || e.bits & (PTE_COW | PTE_SHARED))
			panic("I4: expected no frame or COW, found %lx",
			    e.bits);
		return;
	case PTE_KIND_HIDDEN:
		if (level != 0 || pte_perms(e) != 0 || pte_is_cow(e))
			panic("I4: hidden page at level %d: %lx", level,
			    e.bits);
		return;
	case PTE_KIND_LAZY:
	case PTE_KIND_TABLE:
		if (level == 0 ||
		    e.bits & (PTE_A | PTE_D | PTE_U) &
			~(e.bits & PTE_V ? 0 : PTE_LAZY))
			panic("I4: table entry at level %d: %lx", level,
			    e.bits);
		return;
	case PTE_KIND_PAGE:
		if (level != 0 || !(e.bits & PTE_U) || e.bits & PTE_G ||
		    !(e.bits & PTE_A) || !(e.bits & PTE_D) ||
		    (pte_is_writable(e) && (e.bits & PTE_COW)) ||
		    (pte_is_writable(e) && !(e.bits & PTE_R)))
			panic("I4: page entry at level %d: %lx", level, e.bits);
		return;
	}
}

/* Counts what an entry names; true if that is a table seen the first time. */
static bool count_entry(pte_t e, int level)
{
	struct frame *f;
	bool is_table = pte_is_table(e) || pte_kind(e) == PTE_KIND_LAZY;

	audit_entry(e, level);
	if ((e.bits & PTE_PPN_MASK) == 0)
		return false;
	f = frame_of(pte_paddr(e));
	++*word_of(f);
	if (is_table && f->state != FRAME_TABLE)
		panic("I4: entry %lx names no table", e.bits);
	if (!is_table && f->state != FRAME_PAGE && f->state != FRAME_KERNEL)
		panic("I4: entry %lx names no page", e.bits);
	if (pte_is_table(e) && f->refs != 1)
		panic("I1: expected count 1 of table %lx, found %u",
		    pte_paddr(e), f->refs);
	if (pte_is_page(e) && pte_is_writable(e) && !pte_is_shared(e) &&
	    f->refs != 1)
		panic("I2: expected count 1 of writable page %lx, found %u",
		    pte_paddr(e), f->refs);
	if (!is_table || (*word_of(f) & VISITED))
		return false;
	*word_of(f) |= VISITED;
	return true;
}

static void audit_used(const struct frame *table, unsigned used)
{
	if (table->used != used)
		panic("expected %u used entries in table %lx, found %u", used,
		    frame_paddr(table), table->used);
}

/* What a table of level 0 says of all its entries: see frame.alike. */
static void audit_alike(const struct frame *table, int level)
{
	const pte_t *entries = frame_virt(table);
	uint64_t perms = PTE_V;

	for (unsigned i = 0; table->alike && i < SV39_ENTRIES; i++) {
		pte_t e = pte_read(&entries[i]);

		if (pte_is_empty(e))
			continue;
		if (perms == PTE_V)
			perms = page_perms(e);
		if (level != 0 || pte_is_shared(e) || page_perms(e) != perms)
			panic("expected like entries in table %lx, found %lx",
			    frame_paddr(table), e.bits);
	}
}

/* Each level calls the next: the depth is that of the tree. */
static void count_table(const struct frame *table, int level)
{
	const pte_t *entries = frame_virt(table);
	unsigned end =
	    level == SV39_ROOT_LEVEL ? SV39_USER_ROOT_ENTRIES : SV39_ENTRIES;
	unsigned used = 0;

	for (unsigned i = 0; i < end; i++) {
		pte_t e = pte_read(&entries[i]);

		if (pte_is_empty(e))
			continue;
		used++;
		if (count_entry(e, level))
			count_table(frame_of(pte_paddr(e)), level - 1);
	}
	audit_used(table, used);
	audit_alike(table, level);
}

/* As in every root; or the way to the device, in that of its driver. */
static bool is_kernel_entry(const struct aspace *as, unsigned i)
{
	uint64_t bits = as->top[i].bits;

	return bits == kernel_template[i].bits ||
	    (i == SV39_ENTRIES - 1 && bits == device_entry.bits);
}

static void audit_root(struct aspace *as)
{
	for (unsigned i = as->low; i < as->high; i++)
		if (!pte_is_empty(pte_read(&as->top[i])))
			panic("expected root entry %u empty", i);
	for (unsigned i = SV39_USER_ROOT_ENTRIES; i < SV39_ENTRIES; i++)
		if (!is_kernel_entry(as, i))
			panic("I5: expected kernel entry %u as in the "
			      "template",
			    i);
}

/* I0: the count of each frame is the number of entries that name it. */
static void audit_counts(void)
{
	for (struct frame *f = frame_next_known(NULL); f != NULL;
	     f = frame_next_known(f)) {
		uint32_t found = *word_of(f) & COUNT_MASK;

		if (f->state == FRAME_KERNEL)
			found++;
		if (f->refs != found)
			panic("I0: expected count %u of frame %lx (state %u), "
			      "found %u",
			    found, frame_paddr(f), f->state, f->refs);
	}
}

/* I3, for what hardware can reach below one table: `owner` may write it. */
static void audit_owner(const pte_t *entries, int level, uint32_t owner)
{
	unsigned end =
	    level == SV39_ROOT_LEVEL ? SV39_USER_ROOT_ENTRIES : SV39_ENTRIES;

	for (unsigned i = 0; i < end; i++) {
		pte_t e = pte_read(&entries[i]);
		uint32_t *word;

		if (pte_is_empty(e))
			continue;
		if (pte_is_table(e)) {
			audit_owner(table_entries(e), level - 1, owner);
			continue;
		}
		if (!pte_is_page(e) || !pte_is_writable(e) || pte_is_shared(e))
			continue;
		word = word_of(frame_of(pte_paddr(e)));
		if (*word != 0)
			panic("I3: page %lx is writable in two address spaces",
			    pte_paddr(e));
		*word = owner;
	}
}

static bool is_live_root(paddr_t root)
{
	list_for_each(link, &aspace_list) {
		struct aspace *as = list_entry(link, struct aspace, link);

		if (frame_paddr(as->root) == root && as->users > 0)
			return true;
	}
	return root == tlb_kernel_root;
}

/* What is named, of the address spaces that are system ones, or are not. */
static void count_spaces(bool system)
{
	list_for_each(link, &aspace_list) {
		struct aspace *as = list_entry(link, struct aspace, link);

		if (as->is_system != system)
			continue;
		audit_root(as);
		++*word_of(as->root);
		count_table(as->root, SV39_ROOT_LEVEL);
	}
}

static uint64_t named_count(void)
{
	uint64_t count = 0;

	for (struct frame *f = frame_next_known(NULL); f != NULL;
	     f = frame_next_known(f))
		count += *word_of(f) != 0;
	return count;
}

uint64_t aspace_audit(void)
{
	uint32_t owner = 0;
	uint64_t others, all;

	clear_words();
	count_spaces(false);
	others = named_count();
	count_spaces(true);
	all = named_count();
	audit_counts();
	clear_words();
	list_for_each(link, &aspace_list) {
		struct aspace *as = list_entry(link, struct aspace, link);

		audit_owner(as->top, SV39_ROOT_LEVEL, ++owner);
	}
	for (unsigned i = 0; i < hart_count; i++)
		if (!is_live_root(harts[i].root))
			panic("I5: hart %u runs dead root %lx", i,
			    harts[i].root);
	return frame_audit_free() + all - others;
}
#endif
