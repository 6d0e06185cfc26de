/* SPDX-License-Identifier: MIT */
/*
 * timer.h - time since reset, in ticks of the timebase.
 */
#ifndef ARCH_TIMER_H
#define ARCH_TIMER_H

#include "lib/compiler.h"
#include "lib/types.h"

#define TIMER_NEVER UINT64_MAX

static inline uint64_t timer_now(void)
{
	uint64_t now;

	__asm__ volatile("rdtime %0" : "=r"(now));
	return now;
}

/* Interrupts this hart at `deadline` and not before, once. */
void timer_set(uint64_t deadline);

uint64_t timer_from_ns(uint64_t ns);

/* What a tick lasts: so many ns, and so many parts of one in 2^64. */
struct timer_tick {
	uint64_t ns;
	uint64_t parts;
	uint64_t limit; /* more ticks would be too many ns for a word */
};

extern struct timer_tick timer_tick; /* [c] after boot */

/* Without a division, as each message has a time. Too many: for ever. */
static inline uint64_t timer_to_ns(uint64_t ticks)
{
	const struct timer_tick *tick = &timer_tick;

	if (unlikely(ticks > tick->limit))
		return TIMER_NEVER / 2;
	return ticks * tick->ns +
	    (uint64_t)((unsigned __int128)ticks * tick->parts >> 64);
}

/* Nanoseconds between 1970 and the start of the timebase; 0 if unknown. */
extern uint64_t timer_epoch_ns;
void timer_init(void);

#endif
