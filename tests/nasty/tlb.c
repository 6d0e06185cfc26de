/* SPDX-License-Identifier: MIT */
/*
 * tlb.c - translation that takes all liberties of the specification.
 *
 * Each hart remembers entries of page tables as they were when it read them:
 * leaves, pointers to tables and invalid ones, under the ASID that was in satp.
 * It keeps them over traps, over writes of satp and until a fence covers them,
 * reads new ones at any time for addresses that are not accessed, and chooses
 * at random between those that it holds, old and new, and the one in memory. It
 * never invents an entry: each was once in memory, in a table that it reached
 * from a satp.
 *
 * A fence for an address covers the leaf entries for that address: not the
 * pointers above, nor an invalid entry where a pointer is now.
 *
 * Ref: Volume II, "Supervisor Memory-Management Fence Instruction" and
 * "Virtual Address Translation Process".
 */
#include "tlb.h"

#include <stdlib.h>

#include "machine.h"

#define ROOT_LEVEL 2

static uint64_t page_at(uint64_t va, unsigned level)
{
	return (va & ((1UL << 39) - 1)) >> (PAGE_SHIFT + 9 * level);
}

static uint64_t index_at(uint64_t va, unsigned level)
{
	return page_at(va, level) & 511;
}

static uint16_t satp_asid(const struct core *c)
{
	return (uint16_t)(c->hart.satp >> 44);
}

static uint64_t satp_root(const struct core *c)
{
	return (c->hart.satp & ((1UL << 44) - 1)) << PAGE_SHIFT;
}

static unsigned set_number(uint64_t page, unsigned level)
{
	return (page ^ page >> 7 ^ page >> 14 ^ level * 37) & (TLB_SETS - 1);
}

static struct tlb_entry *set_of(struct tlb *tlb, uint64_t page, unsigned level)
{
	return tlb->entries[set_number(page, level)];
}

/* The tag of a page is never 0, which is that of an unused entry. */
static uint32_t tag_of(uint64_t page, unsigned level)
{
	return (uint32_t)(page << 2 | (level + 1));
}

/* A bit for each entry of a set that has a tag. */
static unsigned tagged(const uint32_t *tags, uint32_t tag)
{
	static const uint32_t bit[TLB_WAYS] = {1, 2, 4, 8, 16, 32, 64, 128};
	uint32_t ways = 0;

	for (unsigned i = 0; i < TLB_WAYS; i++)
		ways |= tags[i] == tag ? bit[i] : 0;
	return ways;
}

/* Puts an entry into its set, in the place of another one. */
static void put(struct tlb *tlb, unsigned way, struct tlb_entry e)
{
	unsigned set = set_number(e.page, e.level);

	tlb->tags[set][way] = tag_of(e.page, e.level);
	tlb->entries[set][way] = e;
}

/*
 * The addresses at which the kernel begins: in memory, and in the upper half.
 */
static const uint64_t boot_places[] = {RAM_BASE + 0x200000, 0xffffffc080200000};

/*
 * An earlier program has left translations behind, of the addresses that are
 * used first; they are wrong.
 */
static void leave_behind(struct tlb *tlb, uint64_t va, uint64_t n)
{
	uint64_t page = page_at(va, 0);
	uint64_t pa = RAM_BASE + (n * 37 % 1024 << PAGE_SHIFT);

	put(tlb, n % TLB_WAYS,
	    (struct tlb_entry){.page = page,
		.pte = pa >> 2 | PTE_V | PTE_LEAF | PTE_A | PTE_D,
		.slot = RAM_BASE,
		.born = ++tlb->clock,
		.kind = TLB_LEAF,
		.global = n % 2 != 0});
}

void tlb_init(struct tlb *tlb)
{
	tlb->asid_fenced = calloc(ASIDS, sizeof *tlb->asid_fenced);
	if (tlb->asid_fenced == NULL)
		abort();
	for (uint64_t n = 0; n < 128 && !machine.config.kind; n++)
		leave_behind(tlb, boot_places[n % 2] + (n / 2 << PAGE_SHIFT),
		    n + 1);
}

static bool is_live(const struct tlb *tlb, const struct tlb_entry *e)
{
	return e->kind != TLB_UNUSED && e->born > tlb->all_fenced &&
	    (e->global || e->born > tlb->asid_fenced[e->asid]);
}

static bool is_for(const struct tlb_entry *e, uint64_t page, unsigned level,
    uint16_t asid)
{
	return e->page == page && e->level == level &&
	    (e->global || e->asid == asid);
}

static enum tlb_kind kind_of(uint64_t pte, unsigned level)
{
	if (!(pte & PTE_V) || (pte & (PTE_R | PTE_W)) == PTE_W ||
	    (pte & PTE_RESERVED) != 0)
		return TLB_INVALID;
	if (pte_is_leaf(pte))
		return TLB_LEAF;
	return level == 0 || (pte & PTE_POINTER_RESERVED) != 0 ? TLB_INVALID
							       : TLB_TABLE;
}

/* Keeps an entry. If its set is full, a random entry is lost. */
static void keep(struct core *c, uint64_t va, struct translation t)
{
	struct tlb *tlb = &c->tlb;
	uint64_t page = page_at(va, t.level);
	const struct tlb_entry *set = set_of(tlb, page, t.level);
	unsigned to = TLB_WAYS;
	enum tlb_kind kind = kind_of(t.pte, t.level);

	if (kind == TLB_INVALID && !machine.config.caches_invalid)
		return;
	for (unsigned i = 0; i < TLB_WAYS; i++) {
		if (!is_live(tlb, &set[i]))
			to = i;
		else if (is_for(&set[i], page, t.level, satp_asid(c)) &&
		    set[i].pte == t.pte && set[i].slot == t.slot)
			return;
	}
	if (to == TLB_WAYS)
		to = (unsigned)random_below(TLB_WAYS);
	put(tlb, to,
	    (struct tlb_entry){.page = page,
		.pte = t.pte,
		.slot = t.slot,
		.born = ++tlb->clock,
		.step = machine_steps(),
		.asid = satp_asid(c),
		.level = (uint8_t)t.level,
		.kind = (uint8_t)kind,
		.global = t.global});
}

/* Goes on from the table at `table`, whose entries are of `level`. */
static struct translation walk_from(struct core *c, uint64_t va, uint64_t table,
    unsigned level, bool global)
{
	for (;; level--) {
		struct translation t = {.level = level,
		    .slot = table + 8 * index_at(va, level)};

		t.pte = ram_word(t.slot);
		global |= (t.pte & PTE_G) != 0 && (t.pte & PTE_V) != 0;
		t.global = global;
		keep(c, va, t);
		if (kind_of(t.pte, level) != TLB_TABLE)
			return t;
		table = pte_pa(t.pte);
	}
}

struct translation table_walk(const struct core *c, uint64_t va)
{
	uint64_t table = satp_root(c);

	for (unsigned level = ROOT_LEVEL;; level--) {
		struct translation t = {.level = level,
		    .slot = table + 8 * index_at(va, level)};

		t.pte = ram_word(t.slot);
		if (kind_of(t.pte, level) != TLB_TABLE)
			return t;
		table = pte_pa(t.pte);
	}
}

static void find_at(struct core *c, uint64_t va, unsigned level,
    struct found *found)
{
	uint64_t page = page_at(va, level);
	unsigned number = set_number(page, level);
	const struct tlb_entry *set = c->tlb.entries[number];
	unsigned ways = tagged(c->tlb.tags[number], tag_of(page, level));

	found->tables[level] = NULL;
	for (; ways != 0; ways &= ways - 1) {
		const struct tlb_entry *e = &set[__builtin_ctz(ways)];

		if (!is_for(e, page, level, satp_asid(c)) ||
		    !is_live(&c->tlb, e))
			continue;
		if (e->kind == TLB_TABLE)
			found->tables[level] = e;
		else if (found->end_count < 8)
			found->ends[found->end_count++] = e;
	}
}

/* What was found before holds until there is an entry or a fence more. */
static const struct found *look_up(struct core *c, uint64_t va)
{
	uint64_t page = page_at(va, 0);
	struct found *found = &c->tlb.found[page & (FOUND - 1)];

	if (found->page == page && found->asid == satp_asid(c) &&
	    found->clock == c->tlb.clock)
		return found;
	found->page = page;
	found->clock = c->tlb.clock;
	found->asid = satp_asid(c);
	found->end_count = 0;
	for (unsigned level = 0; level <= ROOT_LEVEL; level++)
		find_at(c, va, level, found);
	return found;
}

static struct translation walk(struct core *c, uint64_t va,
    const struct found *found)
{
	for (unsigned level = 1; level <= ROOT_LEVEL; level++) {
		const struct tlb_entry *e = found->tables[level];

		if (e != NULL && random_below(8) < machine.config.stick)
			return walk_from(c, va, pte_pa(e->pte), level - 1,
			    e->global);
	}
	return walk_from(c, va, satp_root(c), ROOT_LEVEL, false);
}

struct translation tlb_translate(struct core *c, uint64_t va)
{
	const struct found *found;
	const struct tlb_entry *e;

	if (machine.config.kind)
		return table_walk(c, va);
	found = look_up(c, va);
	if (found->end_count == 0 || random_below(8) >= machine.config.stick)
		return walk(c, va, found);
	e = found->ends[random_below(found->end_count)];
	return (struct translation){.pte = e->pte,
	    .slot = e->slot,
	    .level = e->level,
	    .global = e->global,
	    .cached = true,
	    .step = e->step};
}

/* --- fences --------------------------------------------------------------- */

/*
 * A fence for an address covers leaf entries: also an invalid one that has
 * become a leaf, but not one that is a pointer now.
 */
static bool fence_covers(const struct tlb_entry *e)
{
	if (e->kind == TLB_INVALID && e->level != 0)
		return kind_of(ram_word(e->slot), e->level) != TLB_TABLE;
	return e->kind != TLB_TABLE;
}

static void fence_address(struct core *c, uint64_t va, const uint16_t *asid)
{
	for (unsigned level = 0; level <= ROOT_LEVEL; level++) {
		uint64_t page = page_at(va, level);
		struct tlb_entry *set = set_of(&c->tlb, page, level);

		for (unsigned i = 0; i < TLB_WAYS; i++) {
			struct tlb_entry *e = &set[i];

			if (e->page != page || e->level != level ||
			    !fence_covers(e))
				continue;
			if (asid == NULL || (!e->global && e->asid == *asid))
				e->kind = TLB_UNUSED;
		}
	}
}

void hart_fence_vma(struct hart *h, const uint64_t *va, const uint64_t *asid)
{
	struct core *c = core_of(h);
	uint16_t number = 0;

	late_drain(c);
	hart_forget(h);
	if (asid != NULL)
		number = (uint16_t)(*asid & ((1UL << h->asid_bits) - 1));
	c->tlb.clock++;
	if (va != NULL)
		fence_address(c, *va, asid != NULL ? &number : NULL);
	else if (asid != NULL)
		c->tlb.asid_fenced[number] = c->tlb.clock;
	else
		c->tlb.all_fenced = c->tlb.clock;
	tlb_speculate_at_once(c);
}

/* --- speculation ---------------------------------------------------------- */

/* The first valid entry of 64 from this index on, or 0; moves the index. */
static uint64_t find_valid(uint64_t table, uint64_t *index)
{
	const uint64_t *entries = ram_at(table);
	bool readable = is_ram(table, PAGE_SIZE);

	for (unsigned tries = 0; tries < 64; tries++) {
		if (readable && (entries[*index] & PTE_V))
			return entries[*index];
		*index = (*index + 1) & 511;
	}
	return 0;
}

/* An address under a valid entry of the live root, near a random one. */
static uint64_t random_mapped(const struct core *c)
{
	uint64_t table = satp_root(c), va = 0;

	for (unsigned level = ROOT_LEVEL;; level--) {
		uint64_t index = random_below(512), pte;

		/* Mostly the user's half, which changes. */
		if (level == ROOT_LEVEL && !chance(16))
			index &= 255;
		pte = find_valid(table, &index);
		va |= index << (PAGE_SHIFT + 9 * level);
		if (kind_of(pte, level) != TLB_TABLE)
			return va;
		table = pte_pa(pte);
	}
}

void tlb_speculate(struct core *c)
{
	uint64_t va;
	struct translation t;

	if (c->hart.satp >> 60 == 0)
		return;
	va = chance(2) ? random_mapped(c) : c->recent_pages[random_below(16)];
	t = walk(c, va, look_up(c, va));
	if ((t.pte & PTE_V) && (t.pte & PTE_X) && t.level == 0)
		icache_prefetch(c, pte_pa(t.pte) >> PAGE_SHIFT);
}

/* Could a walk for the present satp go through this entry to a frame? */
static bool leads_to(const struct core *c, const struct tlb_entry *e,
    uint64_t frame)
{
	bool names = e->kind == TLB_TABLE || (e->kind == TLB_LEAF && !e->level);

	return names && pte_pa(e->pte) >> PAGE_SHIFT == frame && !e->global &&
	    e->asid == satp_asid(c) && is_live(&c->tlb, e);
}

struct translation tlb_live_global(const struct core *c, unsigned n,
    uint64_t *va)
{
	const struct tlb_entry *e = &c->tlb.entries[n / TLB_WAYS][n % TLB_WAYS];
	unsigned shift = PAGE_SHIFT + 9 * e->level;

	if (e->kind != TLB_LEAF || !e->global || !is_live(&c->tlb, e))
		return (struct translation){0};
	*va = (uint64_t)((int64_t)(e->page << shift << 25) >> 25);
	return (struct translation){.pte = e->pte,
	    .slot = e->slot,
	    .level = e->level,
	    .cached = true,
	    .step = e->step};
}

/*
 * Reads entries right after a fence or a new satp, when a wrong order of the
 * kernel's is noticed.
 */
void tlb_speculate_at_once(struct core *c)
{
	if (!machine.config.kind)
		while (chance(2))
			tlb_speculate(c);
}

const struct tlb_entry *tlb_names(struct core *c, uint64_t frame)
{
	for (unsigned set = 0; set < TLB_SETS; set++)
		for (unsigned i = 0; i < TLB_WAYS; i++)
			if (leads_to(c, &c->tlb.entries[set][i], frame))
				return &c->tlb.entries[set][i];
	return NULL;
}
