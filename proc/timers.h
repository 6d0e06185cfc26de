/* SPDX-License-Identifier: MIT */
/*
 * timers.h - timers, which end a wait or send SIGALRM at a given time; for
 * proc/ alone.
 */
#ifndef PROC_TIMERS_H
#define PROC_TIMERS_H

#include "arch/timer.h"
#include "proc/proc.h"

/* Starts a timer that does not run, or takes one off that does. */
void timer_start(struct timer *timer, uint64_t at) REQUIRES(sched_lock);
void timer_take_off(struct timer *timer) REQUIRES(sched_lock);

INLINE void timer_stop(struct timer *timer) REQUIRES(sched_lock)
{
	if (unlikely(timer->at != 0))
		timer_take_off(timer);
}

/* SIGALRM was taken: if it was an interval timer's, starts that again. */
void alarm_taken(struct proc *p) REQUIRES(sched_lock);

/* The earliest time at which a timer expires, or TIMER_NEVER. */
extern uint64_t timers_first_at; /* [A] written under sched_lock */

static inline uint64_t timers_first(void)
{
	return __atomic_load_n(&timers_first_at, __ATOMIC_RELAXED);
}

/* Lets timers expire whose time has come, up to a limit at a time. */
void timers_run(void) EXCLUDES(sched_lock);

#endif
