/* SPDX-License-Identifier: MIT */
/*
 * atomic.h - the atomic operations that compilers spoil: they extend the sign
 * of a result that is extended already, and fence where the instruction itself
 * can be ordered, in the innermost loops there are.
 */
#ifndef ARCH_ATOMIC_H
#define ARCH_ATOMIC_H

#include "lib/types.h"

/* Adds, in no order with anything else. Returns what was there before. */
static inline int64_t atomic_add_relaxed(uint32_t *at, int32_t n)
{
	int64_t before;

	__asm__ volatile("amoadd.w %0, %2, %1"
			 : "=r"(before), "+A"(*at)
			 : "r"(n)
			 : "memory");
	return before;
}

/* Adds, as a release and an acquire. */
static inline int64_t atomic_add_acq_rel(uint32_t *at, int32_t n)
{
	int64_t before;

	__asm__ volatile("amoadd.w.aqrl %0, %2, %1"
			 : "=r"(before), "+A"(*at)
			 : "r"(n)
			 : "memory");
	return before;
}

#endif
