/* SPDX-License-Identifier: MIT */
/*
 * types.h - integer types, addresses and sizes of pages.
 *
 * A physical address is a paddr_t, a user address a vaddr_t, a kernel address
 * a pointer. C does not tell the first two apart, so names must; crossing
 * between physical and kernel is phys_to_virt() and virt_to_phys().
 */
#ifndef LIB_TYPES_H
#define LIB_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint64_t paddr_t;
typedef uint64_t vaddr_t;
typedef int32_t pid_t;

#define PAGE_SHIFT 12
#define PAGE_SIZE  (1UL << PAGE_SHIFT)
#define PAGE_MASK  (PAGE_SIZE - 1)

static inline uint64_t page_floor(uint64_t addr)
{
	return addr & ~PAGE_MASK;
}

/* Wraps to 0 for the last page of the address range: check sizes first. */
static inline uint64_t page_ceil(uint64_t addr)
{
	return (addr + PAGE_MASK) & ~PAGE_MASK;
}

static inline uint64_t min_u64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static inline uint64_t max_u64(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

#endif
