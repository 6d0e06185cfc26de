/* SPDX-License-Identifier: MIT */
/*
 * sched.h - the scheduler: which process runs on which hart.
 *
 * All harts share one run queue, which is served in order, except that
 * sched_wake_first() puts a process at its front. One lock guards it, which is
 * held for short times. A process that waits may be on a wait queue and may
 * have a timer that ends its wait; sched_wake() takes it off the queue and
 * stops the timer.
 */
#ifndef PROC_SCHED_H
#define PROC_SCHED_H

#include "proc/proc.h"

#define TICKS_PER_S 100

void waitq_init(struct waitq *wq);

/*
 * Wakes all processes that wait on the queue. If the queue is marked `polled`,
 * it also wakes all that wait on poll_event, and counts that in poll_news.
 *
 * A poller marks each queue, under the lock of the pipe or port that the queue
 * belongs to, when it looks for an event there. The waker holds that lock, too.
 * So it sees the mark, or the poller sees the event. A poller waits only if
 * poll_news is as it was when it began to look.
 */
extern struct waitq poll_event;
extern uint64_t poll_news; /* [s] times that pollers were woken */
void waitq_wake_waiters(struct waitq *wq) EXCLUDES(sched_lock);

/*
 * As waitq_wake_waiters(), but looks first, without sched_lock, whether it has
 * to. The caller holds the lock of what is waited for; a process that sleeps on
 * the queue held it when it queued itself, so it is seen.
 */
static inline void waitq_wake_all(struct waitq *wq) EXCLUDES(sched_lock)
{
	if (!list_is_empty(&wq->procs) || wq->polled)
		waitq_wake_waiters(wq);
}
void waitq_wake_all_locked(struct waitq *wq) REQUIRES(sched_lock);

/* The process that has waited longest on the queue, or NULL. */
static inline struct proc *waitq_first(const struct waitq *wq)
    REQUIRES(sched_lock)
{
	if (list_is_empty(&wq->procs))
		return NULL;
	return list_entry(wq->procs.next, struct proc, t.link);
}

/*
 * For queue.h: the processes that are ready, and the harts that are idle.
 *
 * When a wait queue with several processes is woken, all of it becomes a part
 * of `woken`, in constant time. The scheduler moves these processes to the run
 * queue a few at a time. Until then they are blocked, and may be woken by
 * something else.
 */
extern struct sched_queues {
	struct list ready; /* [s] */
	struct list woken; /* [s] */
	uint32_t idle;     /* [A] a bit a hart; written under sched_lock */
} sched_queues;

#ifdef CALF_TEST
/* What the scheduler does to find the next process. */
struct proc *sched_ready_first(void) REQUIRES(sched_lock);
#endif

/* Makes up to `count` idle harts look at the run queue. */
void sched_kick_idle(unsigned count) REQUIRES(sched_lock);

/* Makes a process runnable that is blocked, stopped or new. */
void sched_wake(struct proc *p) REQUIRES(sched_lock);

/*
 * As sched_wake(), but puts the process at the front of the run queue. For the
 * two sides of a request.
 */
void sched_wake_first(struct proc *p) REQUIRES(sched_lock);

/* Makes sure that `p`, if it runs, looks at its `work` soon. */
void sched_notify(struct proc *p) REQUIRES(sched_lock);

/*
 * Sets ITIMER_REAL of the running process to expire at `at`, or stops it if
 * that is 0. If `period` is 0 it expires once.
 */
void sched_set_alarm(uint64_t at, uint64_t period) EXCLUDES(sched_lock);

/*
 * Gives the hart to the next process that is ready, or waits for one. The
 * caller has set the state of the running process and put it on a queue that
 * fits the state; its registers are in its trap frame. The process goes on
 * later in user mode, or in trap_resume() if it has a call or other work.
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
 * Gives the hart of the running process `prev`, whose registers are saved, to
 * `next`, which has been claimed (switch_claim()) and has no call.
 */
NORETURN void sched_give(struct proc *prev, struct proc *next);
#endif

/*
 * Is another process ready, or waiting for its turn in the running process's
 * space?
 */
bool sched_others_are_ready(void);

/* Puts the running process at the end of the run queue, before schedule(). */
void sched_queue(void) EXCLUDES(sched_lock);

/*
 * Lets other processes that are ready run first, and does not return then.
 * Returns if there are none.
 */
void sched_yield(void);

/*
 * Handles an interrupt: kicks, timers that expire, the device. If this hart's
 * own time is over, yields.
 */
void sched_tick(void);

/*
 * Between two parts of long work: does what an interrupt would have done in
 * user mode. So it may give the hart away and not return: the process must have
 * kept all that it needs to go on.
 */
void sched_preemption_point(void);

/* Set when the boot hart begins to schedule: the other harts may then, too. */
extern uint32_t sched_is_open; /* [A] */

/* Called by each hart when it is up: it runs processes from then on. */
NORETURN void sched_start(void);

#endif
