/* SPDX-License-Identifier: MIT */
/*
 * lock.h - a lock that nobody waits for: one simulated hart runs at a time, so
 * a lock that is held already would be held for ever.
 */
#ifndef ARCH_LOCK_H
#define ARCH_LOCK_H

#include "lib/assert.h"
#include "lib/compiler.h"
#include "lib/types.h"

struct CAPABILITY lock {
	uint32_t held;
};

/* Locks held by all harts together. */
extern unsigned sim_locks_held;

static inline void lock_acquire(struct lock *l) ACQUIRES(*l) NO_LOCK_CHECK
{
	assert(l->held == 0);
	l->held = 1;
	sim_locks_held++;
}

static inline void lock_release(struct lock *l) RELEASES(*l) NO_LOCK_CHECK
{
	assert(l->held == 1);
	l->held = 0;
	sim_locks_held--;
}

#endif
