/* SPDX-License-Identifier: MIT */
/*
 * layout.h - what is where in the 39-bit address space.
 *
 *   0                     .. USER_TOP      a process
 *   DIRECT_MAP + physical                  memory, the kernel image in it, and
 *                                          the few devices that are used
 *   DEVICE_PAGE                            the registers of the serial port, in
 *                                          the space of its driver
 *
 * The kernel is linked at its place in the direct map, so that every physical
 * address has exactly one kernel address, and no alias of the kernel's text is
 * writable.
 *
 * Assembly reads this file too.
 */
#ifndef ARCH_LAYOUT_H
#define ARCH_LAYOUT_H

#define DIRECT_MAP      0xffffffc000000000
#define DIRECT_MAP_SIZE 0x3fc0000000       /* the upper half but a GiB */
#define DEVICE_PAGE     0xffffffffc0000000 /* in that GiB */

#define MAX_HARTS     16
#define KSTACK_SIZE   8192
#define KSTACK_STRIDE (KSTACK_SIZE + 4096) /* a guard page under each */

#ifndef __ASSEMBLER__

#include "lib/assert.h"
#include "lib/types.h"

static inline void *phys_to_virt(paddr_t pa)
{
	return (void *)(pa + DIRECT_MAP);
}

static inline paddr_t virt_to_phys(const void *va)
{
	return (paddr_t)va - DIRECT_MAP;
}

#endif
#endif
