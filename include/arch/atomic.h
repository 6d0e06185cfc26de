/* SPDX-License-Identifier: MIT */
/*
 * atomic.h - the one atomic operation that compilers spoil: they extend the
 * sign of a result that is extended already, in the innermost loop there is.
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

#endif
