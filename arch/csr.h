/* SPDX-License-Identifier: MIT */
/*
 * csr.h - control and status registers, for arch/ alone.
 */
#ifndef ARCH_CSR_H
#define ARCH_CSR_H

#include "lib/types.h"

#define csr_read(csr)                             \
	({                                        \
		uint64_t value_;                  \
		__asm__ volatile("csrr %0, " #csr \
				 : "=r"(value_)   \
				 :                \
				 : "memory");     \
		value_;                           \
	})
#define csr_write(csr, value)                                          \
	__asm__ volatile("csrw " #csr ", %0" ::"rK"((uint64_t)(value)) \
			 : "memory")
#define csr_set(csr, bits)                                            \
	__asm__ volatile("csrs " #csr ", %0" ::"rK"((uint64_t)(bits)) \
			 : "memory")
#define csr_clear(csr, bits)                                          \
	__asm__ volatile("csrc " #csr ", %0" ::"rK"((uint64_t)(bits)) \
			 : "memory")

#define SIE_SOFTWARE (1UL << 1)
#define SIE_TIMER    (1UL << 5)
#define SIE_EXTERNAL (1UL << 9)

#define SATP_SV39       (8UL << 60)
#define SATP_ASID_SHIFT 44

#endif
