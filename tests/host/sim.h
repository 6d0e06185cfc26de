/* SPDX-License-Identifier: MIT */
/*
 * sim.h - the machine that mm/ runs on in these tests.
 *
 * Memory is an array, harts are numbers, and each hart has a TLB and an
 * instruction cache that do all that the specification allows.
 */
#ifndef HOST_SIM_H
#define HOST_SIM_H

#include <setjmp.h>

#include "lib/compiler.h"
#include "lib/types.h"
#include "mm/aspace.h"
#include "mm/frame.h"

#define SIM_HARTS 3

/* ---- run.c ---- */

/*
 * The test is over: panic() and sim_fail() leave their message where the
 * parent finds it, and end this process with SIM_FAILED.
 */
#define SIM_FAILED    99
#define SIM_TEXT_SIZE 512
NORETURN void sim_fail(const char *fmt, ...) PRINTF(1, 2);
extern char *sim_text;      /* shared with the parent */
extern jmp_buf *sim_caught; /* where they go on instead, or NULL */
void *sim_shared_memory(size_t size);

/* Runs `fn` in a process of its own; true if it returned. */
bool sim_run(void (*fn)(void *), void *arg);
extern bool sim_quiet; /* no output of the child */

uint64_t sim_random(void);
uint32_t sim_below(uint32_t n);
void sim_seed(uint64_t seed);

/* ---- machine.c ---- */

struct sim_config {
	unsigned frames; /* of memory, the frame table included */
	unsigned asid_bits;
};

void sim_boot(const struct sim_config *config);

extern unsigned sim_locks_while_copying; /* the most at any page_copy() */
extern uint64_t sim_alloc_failures; /* times that frame_alloc() gave NULL */
extern bool sim_stale_counts;       /* frame_is_sole() may be late */
extern void (*sim_interrupt)(void); /* what sim_hook() runs, or NULL */

/* Allocation sites; see include/mm/frame.h. */
extern struct alloc_site __start_alloc_sites[], __stop_alloc_sites[];

/* ---- tables.c ---- */

/*
 * The entry for `va` in the tables, by the rules of the hardware; at `level` or
 * above.
 */
pte_t mmu_tables(paddr_t root, vaddr_t va, int *level);

/* ---- mmu.c ---- */

void mmu_init(unsigned asid_bits);

enum sim_access { SIM_LOAD, SIM_STORE, SIM_AMO, SIM_FETCH };

/*
 * Translates for the running address space of this hart. True with *pa; or
 * false and how the fault is reported.
 */
bool mmu_translate(vaddr_t va, enum sim_access access, paddr_t *pa,
    enum access *reported);

/* A byte at `pa` as instruction fetch sees it. */
uint8_t mmu_fetch(paddr_t pa);
void mmu_user_fence_i(void);

/* Fills the TLB with a translation of an address that is not accessed. */
void mmu_speculate(void);

/* Addresses worth speculating about. */
void mmu_pool_add(vaddr_t va);

/* I6, for the address space that runs on this hart. */
void mmu_check(void);
/* I6, for all that have an ASID on any hart. */
void mmu_check_all(void);

extern unsigned mmu_eagerness; /* of 256: how often a cached entry is used */

/* This hart is the runner of `as` (mm/aspace.h), and enters or leaves it. */
static inline void sim_enter(struct aspace *as)
{
	if (!aspace_is_ours(as))
		aspace_claim(as);
	aspace_switch(as);
}

static inline void sim_leave(struct aspace *as)
{
	tlb_switch_kernel();
	aspace_leave(as);
}

#endif
