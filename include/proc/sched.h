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

/*
 * What a system call returns when it has to be executed again: because it was
 * put on a wait queue, or because it did a part of its work. Never seen by
 * user programs.
 */
#define ERESTART 512
/* The registers are as the call wants them: return nothing. */
#define ENORESULT 513

#define TICKS_PER_S 100

void waitq_init(struct waitq *wq);

/*
 * Puts the running process on a queue. The caller then returns -ERESTART, and
 * may hold the lock of what is waited for until after this call.
 */
void sched_block(struct waitq *wq, enum call_state call) EXCLUDES(sched_lock);
void sched_block_locked(struct waitq *wq, enum call_state call)
    REQUIRES(sched_lock);

/* Takes it back: the call has something to return after all. */
void sched_unblock(void) EXCLUDES(sched_lock);

/* The same until `deadline` at the latest. `wq` may be NULL. */
void sched_block_until(struct waitq *wq, uint64_t deadline,
    enum call_state call) EXCLUDES(sched_lock);
void sched_block_until_locked(struct waitq *wq, uint64_t deadline,
    enum call_state call) REQUIRES(sched_lock);

/*
 * Wakes all who wait on the queue; and, if somebody looked at what it stands
 * for without finding it, and marked the queue `polled`, all who wait on
 * poll_event. Both hold the lock of what is waited for. So whoever looks again
 * once it is on poll_event has found it, or is woken.
 */
extern struct waitq poll_event;
void waitq_wake_waiters(struct waitq *wq) EXCLUDES(sched_lock);

/* Looks without the lock first: whoever sleeps there got it before. */
static inline void waitq_wake_all(struct waitq *wq) EXCLUDES(sched_lock)
{
	if (!list_is_empty(&wq->procs) || wq->polled)
		waitq_wake_waiters(wq);
}
void waitq_wake_all_locked(struct waitq *wq) REQUIRES(sched_lock);

/* Makes a process runnable that is blocked, stopped or new. */
void sched_wake(struct proc *p) REQUIRES(sched_lock);

/* Makes sure that `p`, if it runs, looks at its `work` soon. */
void sched_notify(struct proc *p) REQUIRES(sched_lock);

/*
 * Sets ITIMER_REAL of the running process, or stops it (0). Returns the time
 * that was set before, or 0.
 */
uint64_t sched_set_alarm(uint64_t at, uint64_t period) EXCLUDES(sched_lock);

/*
 * Gives the hart to somebody else; the running process is where its state
 * says. All its registers are in its trap frame.
 */
NORETURN void schedule(void);

/* The running process stays ready; returns if nobody else is. */
void sched_yield(void);

/* The timer interrupt: wakes sleepers, looks at the console, may yield. */
void sched_tick(void);

/* On the way to user mode after a slow trap; comes back to stay. */
void sched_before_user(struct proc *p);

/* The boot hart has started the first process: the others may come. */
extern uint32_t sched_is_open; /* [A] */

/* Where a hart goes when it is up. */
NORETURN void sched_start(void);

#endif
