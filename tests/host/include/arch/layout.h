/* SPDX-License-Identifier: MIT */
/*
 * layout.h - physical memory as an array of the test program.
 */
#ifndef ARCH_LAYOUT_H
#define ARCH_LAYOUT_H

#include "lib/assert.h"
#include "lib/types.h"

#define MAX_HARTS 4

#define DEVICE_PAGE 0xffffffffc0000000 /* no device is there */

/* Not aligned to a large block, so that the allocator meets odd borders. */
#define SIM_RAM_BASE   0x80203000UL
#define SIM_RAM_FRAMES 4096UL
#define SIM_RAM_SIZE   (SIM_RAM_FRAMES << PAGE_SHIFT)

/* What the kernel can address ends where the array does. */
#define DIRECT_MAP_SIZE (SIM_RAM_BASE + SIM_RAM_SIZE)

extern char sim_ram[SIM_RAM_SIZE];

static inline void *phys_to_virt(paddr_t pa)
{
	assert(pa - SIM_RAM_BASE < SIM_RAM_SIZE);
	return sim_ram + (pa - SIM_RAM_BASE);
}

static inline paddr_t virt_to_phys(const void *va)
{
	uintptr_t offset = (uintptr_t)va - (uintptr_t)sim_ram;

	assert(offset < SIM_RAM_SIZE);
	return SIM_RAM_BASE + offset;
}

#endif
