/* SPDX-License-Identifier: MIT */
/*
 * lock.h - a spinlock.
 *
 * The kernel runs with interrupts off, so there is one kind of lock and
 * nothing to disable. The order of locks is in docs/design.md.
 */
#ifndef ARCH_LOCK_H
#define ARCH_LOCK_H

#include "arch/hart.h"
#include "lib/assert.h"
#include "lib/compiler.h"
#include "lib/types.h"

struct CAPABILITY lock {
	uint64_t held; /* a register wide: the cheapest to compare */
};

INLINE void lock_acquire(struct lock *l) ACQUIRES(*l) NO_LOCK_CHECK
{
	while (unlikely(__atomic_exchange_n(&l->held, 1, __ATOMIC_ACQUIRE)))
		while (__atomic_load_n(&l->held, __ATOMIC_RELAXED))
			hart_relax();
}

INLINE void lock_release(struct lock *l) RELEASES(*l) NO_LOCK_CHECK
{
	__atomic_store_n(&l->held, 0, __ATOMIC_RELEASE);
}

#endif
