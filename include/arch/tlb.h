/* SPDX-License-Identifier: MIT */
/*
 * tlb.h - translation and instruction caches: every sfence.vma and fence.i of
 * the kernel but those of its first instructions (arch/entry.S) is behind one
 * of these functions.
 *
 * An address space runs on one hart at a time, and while it runs it is changed
 * only by that hart. So each hart gives out its own ASIDs: an address space
 * that comes to a hart which was not its last one gets a number never used
 * there since that hart's last full flush, and nothing stale can be found under
 * it. One that runs nowhere may be changed by any hart. If that is not the one
 * on which it ran last, its ASID is given up instead of a fence. No hart ever
 * has to interrupt another.
 *
 * Ref: RISC-V Privileged Architecture, "Supervisor Memory-Management Fence
 * Instruction"; Unprivileged, "Zifencei".
 */
#ifndef ARCH_TLB_H
#define ARCH_TLB_H

#include "arch/hart.h"
#include "lib/compiler.h"
#include "lib/types.h"

/* An address space's number on the hart where it ran last. */
struct asid {
	uint32_t number;
	uint32_t hart;  /* index, or ASID_NO_HART before the first run */
	uint64_t round; /* the hart's asid_round when it was given */
	uint64_t satp;  /* number and root, as the register wants them */
	paddr_t root;
};

#define ASID_NO_HART UINT32_MAX

static inline struct asid asid_none(void)
{
	return (struct asid){.hart = ASID_NO_HART};
}

/* Finds out how many ASIDs this hart has. Once a hart, at boot. */
void tlb_init(void);

/*
 * Makes `root` the address space of this hart; always the same with one
 * `asid`. Fences as the rules above demand, and fence.i where code may have
 * changed since this hart looked.
 */
void tlb_switch(paddr_t root, struct asid *asid);

extern uint64_t tlb_code_epoch; /* [A] times that code was written */

/* Has tlb_switch() nothing to do for this address space but to write satp? */
INLINE bool tlb_switch_is_simple(const struct asid *asid)
{
	const struct hart *self = hart_self();

	return asid->hart == self->index && asid->round == self->asid_round &&
	    __atomic_load_n(&tlb_code_epoch, __ATOMIC_ACQUIRE) ==
	    self->code_epoch;
}

/* Does that. */
INLINE void tlb_switch_simply(const struct asid *asid)
{
	hart_self()->root = asid->root;
	__asm__ volatile("csrw satp, %0" ::"r"(asid->satp) : "memory");
}

/* Leaves every user address space: the kernel's own root. */
void tlb_switch_kernel(void);
extern paddr_t tlb_kernel_root; /* [c] set by mm/kernelmap.c */

/*
 * Makes every hart forget the leaf entry for `va` of an address space that runs
 * on this hart or on none. If it ran last on another hart, it forgets its ASID
 * and will get a fresh one. Panics if it runs on another hart.
 */
void tlb_flush_page(struct asid *asid, vaddr_t va);

/*
 * As tlb_flush_page() for all entries of the address space, non-leaf ones
 * included.
 */
void tlb_flush_asid(struct asid *asid);

/* Forgets everything on this hart, global entries included. */
void tlb_flush_all(void);

/*
 * Code was written to memory: every hart executes fence.i before it next
 * enters an address space, this one now.
 */
void tlb_code_changed(void);

#endif
