/* SPDX-License-Identifier: MIT */
/*
 * fence.h - the instructions that arch/tlb.c executes, simulated. Included
 * before everything else; its guards keep the real headers out.
 */
#ifndef ARCH_FENCE_H
#define ARCH_FENCE_H
#define ARCH_CSR_H

#include "lib/types.h"

#define SATP_SV39       (8UL << 60)
#define SATP_ASID_SHIFT 44
#define SATP_PPN_MASK   ((1UL << 44) - 1)

#define csr_read(csr)         sim_##csr##_read()
#define csr_write(csr, value) sim_##csr##_write(value)

uint64_t sim_satp_read(void);
void sim_satp_write(uint64_t value);

void fence_page(vaddr_t va, uint64_t asid);
void fence_asid(uint64_t asid);
void fence_all(void);
void fence_code(void);

#endif
