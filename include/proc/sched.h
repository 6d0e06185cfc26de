/* SPDX-License-Identifier: MIT */
/*
 * sched.h - who runs where.
 *
 * One queue for all harts, first come first served, under one lock whose
 * sections are short. A process that waits is on a wait queue or among the
 * sleepers or both; whoever wakes it takes it off.
 */
#ifndef PROC_SCHED_H
#define PROC_SCHED_H

#include "proc/proc.h"

#define TICKS_PER_S 100

void waitq_init(struct waitq *wq);

/*
 * Wakes all who wait on the queue; and, if somebody looked at what it stands
 * for without finding it, and marked the queue `polled`, all who wait on
 * poll_event. Both hold the lock of what is waited for. So whoever looks again
 * once it is on poll_event has found it, or is woken.
 */
extern struct waitq poll_event;
extern uint64_t poll_news; /* [s] times that pollers were woken */
void waitq_wake_waiters(struct waitq *wq) EXCLUDES(sched_lock);

/* Looks without the lock first: whoever sleeps there got it before. */
static inline void waitq_wake_all(struct waitq *wq) EXCLUDES(sched_lock)
{
	if (!list_is_empty(&wq->procs) || wq->polled)
		waitq_wake_waiters(wq);
}
void waitq_wake_all_locked(struct waitq *wq) REQUIRES(sched_lock);

/* The one that has waited longest, or NULL. */
static inline struct proc *waitq_first(const struct waitq *wq)
    REQUIRES(sched_lock)
{
	if (list_is_empty(&wq->procs))
		return NULL;
	return list_entry(wq->procs.next, struct proc, t.link);
}

/*
 * For queue.h: who is ready, and which harts have nothing to do.
 *
 * Those who were woken as a whole are moved to the run queue a few at a time:
 * who wakes a thousand spends no more time than who wakes two. Until then they
 * are blocked, and may be woken by something else.
 */
extern struct sched_queues {
	struct list ready; /* [s] */
	struct list woken; /* [s] */
	uint32_t idle;     /* [A] a bit a hart; written under sched_lock */
} sched_queues;

/* Makes so many of the idle harts look at the run queue. */
void sched_kick_idle(unsigned count) REQUIRES(sched_lock);

/* Makes a process runnable that is blocked, stopped or new. */
void sched_wake(struct proc *p) REQUIRES(sched_lock);

/*
 * As sched_wake(), and the process is the next to run. For the two sides of a
 * request.
 */
void sched_wake_first(struct proc *p) REQUIRES(sched_lock);

/* Makes sure that `p`, if it runs, looks at its `work` soon. */
void sched_notify(struct proc *p) REQUIRES(sched_lock);

/*
 * Sets ITIMER_REAL of the running process, or stops it (0); `period` is 0 for
 * once.
 */
void sched_set_alarm(uint64_t at, uint64_t period) EXCLUDES(sched_lock);

/*
 * Gives the hart to somebody else; the running process is where its state
 * says, and its registers are in its trap frame. It comes back in user mode, or
 * in trap_resume() if it has a call or other work.
 */
NORETURN void sched_switch(void);

/*
 * As sched_switch(), which is tried after the fast path of fast_switch.c, if
 * there is one.
 */
#ifdef CALF_NO_FAST_PATHS
#define schedule sched_switch
#else
NORETURN void schedule(void);

/*
 * Gives the hart to hart.next, which has been claimed (switch_claim()) and has
 * no call.
 */
NORETURN void sched_give(void);
#endif

/* Is somebody ready, or waiting for its turn in the running process's space? */
bool sched_others_are_ready(void);

/* Puts the running process behind those who are ready; then, schedule(). */
void sched_queue(void) EXCLUDES(sched_lock);

/* The running process stays ready; returns if nobody else is. */
void sched_yield(void);

/*
 * What the boot hart does at each of its interrupts, also while it is idle; and
 * whether it needs ticks for that while it is idle.
 */
extern void (*sched_at_interrupt)(void); /* [c] after boot */
extern bool sched_idle_ticks;            /* [c] after boot */

/* An interrupt: wakes sleepers, does what is due, may yield. */
void sched_tick(void);

/*
 * Between two parts of long work: does what an interrupt would have done in
 * user mode. So it may give the hart away and not return; what the process
 * remembers must be enough for the caller to go on.
 */
void sched_preemption_point(void);

/* The boot hart has started the first process: the others may come. */
extern uint32_t sched_is_open; /* [A] */

/* Where a hart goes when it is up. */
NORETURN void sched_start(void);

#endif
