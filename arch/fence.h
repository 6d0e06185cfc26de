/* SPDX-License-Identifier: MIT */
/*
 * fence.h - the fences themselves, for tlb.c alone. The host tests put a
 * simulated TLB in their place.
 *
 * Ref: RISC-V Privileged Architecture, "Supervisor Memory-Management Fence
 * Instruction"; Unprivileged, "Zifencei".
 */
#ifndef ARCH_FENCE_H
#define ARCH_FENCE_H

#include "lib/types.h"

/* Leaf entries for one address under one ASID; not the tables above it. */
static inline void fence_page(vaddr_t va, uint64_t asid)
{
	__asm__ volatile("sfence.vma %0, %1" ::"r"(va), "r"(asid) : "memory");
}

/* Everything under one ASID but global entries. */
static inline void fence_asid(uint64_t asid)
{
	__asm__ volatile("sfence.vma zero, %0" ::"r"(asid) : "memory");
}

static inline void fence_all(void)
{
	__asm__ volatile("sfence.vma" ::: "memory");
}

static inline void fence_code(void)
{
	__asm__ volatile("fence.i" ::: "memory");
}

#endif
