/* SPDX-License-Identifier: MIT */
/*
 * sbi.h - calls to the firmware.
 *
 * Ref: RISC-V Supervisor Binary Interface Specification.
 */
#ifndef ARCH_SBI_H
#define ARCH_SBI_H

#include "lib/types.h"

struct sbi_result {
	long error; /* 0: success */
	long value;
};

#define SBI_LEGACY_PUTCHAR 0x01
#define SBI_LEGACY_GETCHAR 0x02
#define SBI_TIME           0x54494d45
#define SBI_IPI            0x735049
#define SBI_HSM            0x48534d
#define SBI_SRST           0x53525354

struct sbi_result sbi_call(long extension, long function, uint64_t a0,
    uint64_t a1, uint64_t a2);

#endif
