/* SPDX-License-Identifier: MIT */
/*
 * tlb.h - a hart's memory of page tables: every kind of entry, for as long as
 * no fence covers it.
 */
#ifndef NASTY_TLB_H
#define NASTY_TLB_H

#include <stdbool.h>
#include <stdint.h>

#define TLB_SETS 128 /* a power of 2 */
#define TLB_WAYS 8
#define ASIDS    65536

#define PTE_V    1UL
#define PTE_R    2UL
#define PTE_W    4UL
#define PTE_X    8UL
#define PTE_U    16UL
#define PTE_G    32UL
#define PTE_A    64UL
#define PTE_D    128UL
#define PTE_LEAF (PTE_R | PTE_W | PTE_X)

/*
 * Bits that are not defined, of any entry and of a pointer: if one is set the
 * entry is invalid.
 */
#define PTE_RESERVED         (~0UL << 54)
#define PTE_POINTER_RESERVED (PTE_RESERVED | PTE_U | PTE_A | PTE_D)

enum tlb_kind { TLB_UNUSED, TLB_LEAF, TLB_TABLE, TLB_INVALID };

struct tlb_entry {
	uint64_t page; /* the part of the address that the entry stands for */
	uint64_t pte;
	uint64_t slot; /* the physical address it was read from */
	uint64_t born; /* tlb.clock */
	uint64_t step; /* machine_steps() */
	uint16_t asid;
	uint8_t level;
	uint8_t kind;
	bool global;
};

/* The entries that a hart holds for an address, at a time `clock`. */
struct found {
	uint64_t page;
	uint64_t clock;
	uint16_t asid;
	unsigned end_count;
	const struct tlb_entry *ends[8];   /* leaves and invalid entries */
	const struct tlb_entry *tables[3]; /* by level; the last one found */
};

#define FOUND 64 /* a power of 2 */

/* Most searches find nothing, and need only the tags for that. */
struct tlb {
	uint32_t tags[TLB_SETS][TLB_WAYS]; /* of the pages and the levels */
	struct tlb_entry entries[TLB_SETS][TLB_WAYS];
	struct found found[FOUND]; /* by page: what was looked for last */
	uint64_t clock;            /* entries and fences, in order */
	uint64_t all_fenced;       /* when everything was */
	uint64_t *asid_fenced;     /* when everything but global entries was */
};

/* The entry that a translation ends at, valid or not. */
struct translation {
	uint64_t pte;
	uint64_t slot;
	unsigned level;
	bool global;
	bool cached; /* from the hart's memory, of the step `step` */
	uint64_t step;
};

struct core;

void tlb_init(struct tlb *tlb);

/* Translates an address as the hart does, by its present satp. */
struct translation tlb_translate(struct core *c, uint64_t va);

/* Translates by the tables in memory. */
struct translation table_walk(const struct core *c, uint64_t va);

/* Reads entries for addresses that are not accessed. */
void tlb_speculate(struct core *c);
void tlb_speculate_at_once(struct core *c);

/* The n-th entry, if it is a live global leaf; else pte is 0. */
struct translation tlb_live_global(const struct core *c, unsigned n,
    uint64_t *va);

/*
 * A live entry, of the tables that satp names now, that leads to a frame, or
 * NULL.
 */
const struct tlb_entry *tlb_names(struct core *c, uint64_t frame);

static inline uint64_t pte_pa(uint64_t pte)
{
	return (pte >> 10 & ((1UL << 44) - 1)) << 12;
}

static inline bool pte_is_leaf(uint64_t pte)
{
	return (pte & PTE_LEAF) != 0;
}

#endif
