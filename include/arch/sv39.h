/* SPDX-License-Identifier: MIT */
/*
 * sv39.h - the page-table entry, and nothing else.
 *
 * With V = 1 an entry is what the hardware says it is:
 *
 *   63 .. 54 | 53 .. 10 |   9    |  8  | 7 | 6 | 5 | 4 | 3 | 2 | 1 | 0
 *      0     |   PPN    | SHARED | COW | D | A | G | U | X | W | R | 1
 *
 * With V = 0 the hardware ignores the rest, and it is ours:
 *
 *      0     |   PPN    | SHARED | COW | H | L | Z | U | X | W | R | 0
 *
 *   EMPTY     all zero: nothing here
 *   RESERVED  Z: demand-zero memory with permissions R W X (perhaps none)
 *   LAZY      L: PPN is a table that other tables or roots point to as well
 *   HIDDEN    H: PPN is a page of ours without any permission
 *   TABLE     V = 1, R = W = X = 0: PPN is a table that is ours alone
 *   PAGE      V = 1, a leaf; A and D are set in advance, because hardware may
 *             fault instead of setting them and we have no use for them
 *
 * COW says that a page was writable and is or may be shared; it and W exclude
 * each other. SHARED marks a MAP_SHARED page, which stays writable in a fork.
 * Both together say that the page is SEALED: a MAP_SHARED page, perhaps hidden,
 * that its owner may never write to, since the file was opened for reading.
 * LAZY and TABLE occur at levels 2 and 1 only, PAGE and HIDDEN at level 0,
 * RESERVED at every level.
 *
 * This is the only file that knows where a bit lives. Everyone else asks a
 * question or builds a value.
 *
 * Ref: RISC-V Privileged Architecture, "Sv39: Page-Based 39-bit Virtual-Memory
 * System".
 */
#ifndef ARCH_SV39_H
#define ARCH_SV39_H

#include "arch/trace.h"
#include "lib/assert.h"
#include "lib/types.h"

/* The exhaustive model test builds with tiny tables. */
#ifndef SV39_INDEX_BITS
#define SV39_INDEX_BITS 9
#endif
#ifndef SV39_USER_ROOT_ENTRIES
#define SV39_USER_ROOT_ENTRIES 256
#endif

#define SV39_ENTRIES    (1 << SV39_INDEX_BITS)
#define SV39_ROOT_LEVEL 2

#define PTE_V        (1UL << 0)
#define PTE_R        (1UL << 1)
#define PTE_W        (1UL << 2)
#define PTE_X        (1UL << 3)
#define PTE_U        (1UL << 4)
#define PTE_G        (1UL << 5)
#define PTE_A        (1UL << 6)
#define PTE_D        (1UL << 7)
#define PTE_COW      (1UL << 8)
#define PTE_SHARED   (1UL << 9)
#define PTE_RESERVED (1UL << 5)
#define PTE_LAZY     (1UL << 6)
#define PTE_HIDDEN   (1UL << 7)

#define PTE_SEALED    (PTE_COW | PTE_SHARED)
#define PTE_PERMS     (PTE_R | PTE_W | PTE_X)
#define PTE_PPN_SHIFT 10
#define PTE_PPN_MASK  (((1UL << 44) - 1) << PTE_PPN_SHIFT)

/* A struct, so that integer arithmetic on an entry does not compile. */
typedef struct {
	uint64_t bits;
} pte_t;

enum pte_kind {
	PTE_KIND_EMPTY,
	PTE_KIND_RESERVED,
	PTE_KIND_HIDDEN,
	PTE_KIND_LAZY,
	PTE_KIND_TABLE,
	PTE_KIND_PAGE,
};

/*
 * Entries are read and written whole: the hardware walks them at any time, and
 * several harts may close the entries of one shared table at once.
 */
static inline pte_t pte_read(const pte_t *slot)
{
	return (pte_t){*(const volatile uint64_t *)&slot->bits};
}

static inline void pte_write(pte_t *slot, pte_t e)
{
	*(volatile uint64_t *)&slot->bits = e.bits;
	TRACE(entry, "slot bits", (uint64_t)slot, e.bits);
}

static inline enum pte_kind pte_kind(pte_t e)
{
	if (e.bits & PTE_V)
		return (e.bits & PTE_PERMS) ? PTE_KIND_PAGE : PTE_KIND_TABLE;
	if (e.bits & PTE_RESERVED)
		return PTE_KIND_RESERVED;
	if (e.bits & PTE_LAZY)
		return PTE_KIND_LAZY;
	if (e.bits & PTE_HIDDEN)
		return PTE_KIND_HIDDEN;
	return PTE_KIND_EMPTY;
}

static inline bool pte_is_empty(pte_t e)
{
	return e.bits == 0;
}

/* A table of ours alone: the one kind that may be entered as it is. */
static inline bool pte_is_table(pte_t e)
{
	return (e.bits & (PTE_V | PTE_PERMS)) == PTE_V;
}

static inline bool pte_is_lazy(pte_t e)
{
	return (e.bits & (PTE_V | PTE_LAZY)) == PTE_LAZY;
}

static inline bool pte_is_page(pte_t e)
{
	return (e.bits & PTE_V) != 0 && (e.bits & PTE_PERMS) != 0;
}

/* Is each of them RESERVED? No other entry of a process has that bit. */
static inline bool pte_are_reserved(const pte_t *entries, unsigned count)
{
	uint64_t common = PTE_RESERVED;

#pragma GCC unroll 8
	for (unsigned i = 0; i < count; i++)
		common &= pte_read(&entries[i]).bits;
	return common != 0;
}

static inline bool pte_are_empty(const pte_t *entries, unsigned count)
{
	uint64_t all = 0;

#pragma GCC unroll 8
	for (unsigned i = 0; i < count; i++)
		all |= pte_read(&entries[i]).bits;
	return all == 0;
}

static inline bool pte_is_writable(pte_t e)
{
	return (e.bits & PTE_W) != 0;
}

static inline bool pte_is_executable(pte_t e)
{
	return (e.bits & PTE_X) != 0;
}

static inline bool pte_is_cow(pte_t e)
{
	return (e.bits & PTE_SEALED) == PTE_COW;
}

static inline bool pte_is_sealed(pte_t e)
{
	return (e.bits & PTE_SEALED) == PTE_SEALED;
}

static inline bool pte_is_shared(pte_t e)
{
	return (e.bits & PTE_SHARED) != 0;
}

static inline uint64_t pte_perms(pte_t e)
{
	return e.bits & PTE_PERMS;
}

/* Is it a page to which the hardware grants `perm`, one of R, W and X? */
static inline bool pte_allows(pte_t e, uint64_t perm)
{
	return (e.bits & (PTE_V | perm)) == (PTE_V | perm);
}

/* The page number; 0 if the entry names no frame. The bits above are zero. */
static inline uint64_t pte_ppn(pte_t e)
{
	return e.bits >> PTE_PPN_SHIFT;
}

static inline paddr_t pte_paddr(pte_t e)
{
	return pte_ppn(e) << PAGE_SHIFT;
}

/* Is it open, a private page that can be written? Fork has to close it. */
static inline bool pte_is_open_page(pte_t e)
{
	return (e.bits & (PTE_V | PTE_W | PTE_SHARED)) == (PTE_V | PTE_W);
}

static inline uint64_t pte_ppn_bits(paddr_t pa)
{
	return (pa >> PAGE_SHIFT) << PTE_PPN_SHIFT;
}

static inline pte_t pte_empty(void)
{
	return (pte_t){0};
}

static inline pte_t pte_reserved(uint64_t perms)
{
	return (pte_t){PTE_RESERVED | PTE_U | perms};
}

static inline pte_t pte_hidden(paddr_t pa, uint64_t shared)
{
	assert(shared == 0 || (shared & ~PTE_COW) == PTE_SHARED);
	return (pte_t){pte_ppn_bits(pa) | PTE_HIDDEN | shared};
}

static inline pte_t pte_table(paddr_t pa)
{
	return (pte_t){pte_ppn_bits(pa) | PTE_V};
}

/*
 * Makes the entry a TABLE. From then on the hardware may read the table, also
 * for addresses that nobody accesses, and keep what it finds there. So all that
 * was stored to the table is seen before the entry is.
 *
 * Ref: RISC-V Unprivileged Architecture, "RVWMO Memory Consistency Model".
 */
static inline void pte_write_table(pte_t *slot, paddr_t pa)
{
	__atomic_thread_fence(__ATOMIC_RELEASE);
	pte_write(slot, pte_table(pa));
}

/*
 * A user page. `flags` is any of R W X COW SHARED with at least one of R W X.
 * Write permission implies read permission, as W without R is not an entry.
 */
static inline pte_t pte_page(paddr_t pa, uint64_t flags)
{
	assert((flags & PTE_PERMS) != 0);
	assert(!(flags & PTE_W) || (flags & PTE_R));
	assert(!(flags & PTE_COW) || !(flags & PTE_W));
	return (pte_t){
	    pte_ppn_bits(pa) | flags | PTE_V | PTE_U | PTE_A | PTE_D};
}

/* A page of MAP_SHARED: `flags` has SHARED or SEALED, and any of R W X. */
static inline pte_t pte_shared(paddr_t pa, uint64_t flags)
{
	if ((flags & PTE_PERMS) == 0)
		return pte_hidden(pa, flags);
	return pte_page(pa, flags);
}

/* A TABLE or LAZY entry, closed: LAZY. */
static inline pte_t pte_close_table(pte_t e)
{
	return (pte_t){(e.bits & ~PTE_V) | PTE_LAZY};
}

/* An open page, closed: read-only and COW. */
static inline pte_t pte_close_page(pte_t e)
{
	return (pte_t){e.bits ^ (PTE_W | PTE_COW)};
}

/*
 * The closed entry of a private page, whose owner has the permissions `perms`,
 * perhaps none.
 */
static inline pte_t pte_closed(paddr_t pa, uint64_t perms)
{
	if (perms == 0)
		return pte_hidden(pa, 0);
	if (perms & PTE_W)
		perms ^= PTE_W | PTE_COW;
	return pte_page(pa, perms);
}

/*
 * The closed entry for the page at `pa`. `closed` is the one for page 0:
 * pte_closed().
 */
static inline pte_t pte_of_page(pte_t closed, paddr_t pa)
{
	return (pte_t){closed.bits | pte_ppn_bits(pa)};
}

/* Opens a COW page of which this is the only entry left. */
static inline pte_t pte_open_page(pte_t e)
{
	test_assert(pte_is_cow(e) && !pte_is_writable(e));
	return pte_close_page(e);
}

/* The open entry of the copy at `pa` of the page that `e` is about. */
static inline pte_t pte_open(pte_t e, paddr_t pa)
{
	return pte_page(pa, (e.bits & (PTE_R | PTE_X)) | PTE_W);
}

/* A kernel leaf of any level: global, never reachable from user mode. */
static inline pte_t pte_kernel(paddr_t pa, uint64_t perms)
{
	return (pte_t){
	    pte_ppn_bits(pa) | perms | PTE_V | PTE_G | PTE_A | PTE_D};
}

/* Bytes that one entry of a table of this level stands for. */
static inline uint64_t level_span(int level)
{
	return 1UL << (PAGE_SHIFT + SV39_INDEX_BITS * level);
}

static inline unsigned level_index(vaddr_t va, int level)
{
	return (va >> (PAGE_SHIFT + SV39_INDEX_BITS * level)) &
	    (SV39_ENTRIES - 1);
}

/* User addresses are 0 .. USER_TOP - 1. */
#define USER_TOP \
	((uint64_t)SV39_USER_ROOT_ENTRIES << (PAGE_SHIFT + 2 * SV39_INDEX_BITS))

#endif
