/* SPDX-License-Identifier: MIT */
/* atomic.h - the kernel's atomic operations, by the compiler's builtins. */
#ifndef ARCH_ATOMIC_H
#define ARCH_ATOMIC_H

#include "lib/types.h"

static inline int64_t atomic_add_relaxed(uint32_t *at, int32_t n)
{
	return (int32_t)__atomic_fetch_add(at, (uint32_t)n, __ATOMIC_RELAXED);
}

static inline int64_t atomic_add_acq_rel(uint32_t *at, int32_t n)
{
	return (int32_t)__atomic_fetch_add(at, (uint32_t)n, __ATOMIC_ACQ_REL);
}

#endif
