/* SPDX-License-Identifier: MIT */
/*
 * asm_offsets.h - offsets into struct hart for assembly; checked in hart.c.
 */
#ifndef ARCH_ASM_OFFSETS_H
#define ARCH_ASM_OFFSETS_H

#define HART_HARTID    8
#define HART_SIZE      256
#define HART_KERNEL_SP 0
#define HART_PROC      24
#define HART_ENTERED   96 /* in test builds */

#endif
