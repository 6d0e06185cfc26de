/* SPDX-License-Identifier: MIT */
/*
 * timer.h - time since reset, in ticks of the timebase.
 */
#ifndef ARCH_TIMER_H
#define ARCH_TIMER_H

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
uint64_t timer_to_ns(uint64_t ticks);

/* Nanoseconds between 1970 and the start of the timebase; 0 if unknown. */
extern uint64_t timer_epoch_ns;
void timer_init(void);

#endif
