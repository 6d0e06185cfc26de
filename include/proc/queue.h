/* SPDX-License-Identifier: MIT */
/*
 * queue.h - the steps from a call to a wait queue, from there to the run queue,
 * and from there to user mode, inline for the fast paths.
 */
#ifndef PROC_QUEUE_H
#define PROC_QUEUE_H

#include "proc/sched.h"
#include "proc/signal.h"

/* Does a signal have to wait for the end of the call? */
static inline bool call_holds_signals(const struct proc *p)
{
	return p->t.call.state != CALL_NONE &&
	    p->t.call.on_signal == SIGNAL_HELD &&
	    !(p->sig.pending & SIGNAL_BIT(SIGKILL));
}

/* call_wait_locked() */
INLINE long call_queue(struct proc *p, struct waitq *wq,
    enum on_signal on_signal) REQUIRES(sched_lock)
{
	p->t.call.state = CALL_WAIT;
	p->t.call.on_signal = (uint8_t)on_signal;
	if (unlikely(signal_is_due(p) && !call_holds_signals(p))) {
		assert(p->t.work != 0);
		return CALL_GOES_ON;
	}
	p->t.state = PROC_BLOCKED;
	if (wq != NULL)
		list_push_back(&wq->procs, &p->t.link);
	else
		list_init(&p->t.link);
	return CALL_WAITS;
}

/*
 * The buffer of a read that waits: call_transfer(), or the piece at hand of
 * call_vector().
 */
INLINE void call_buffer(struct call *call, vaddr_t base, size_t len)
{
	if (likely(call->kept == KEPT_NOTHING)) {
		call->kept = KEPT_TRANSFER;
		call->transfer.done = 0;
	}
	call->transfer.base = base;
	call->transfer.len = len;
}

/* This hart runs `p` from now on, in whose space it is already. */
INLINE void sched_start_process(struct proc *p, uint64_t now)
{
	struct hart *self = hart_self();

	p->t.started = now;
	self->proc = p;
	TRACE(switched, "pid", p->pid);
#ifdef CALF_TEST
	frame_fail_set(&p->failure);
#endif
}

/* May this hart leave the running process without looking at anything else? */
INLINE bool switch_is_easy_from(const struct proc *p)
{
	return p->as != NULL && p->as->sharers == 1;
}

/*
 * May it go on as `p` without looking at anything else? No hart runs its space
 * then.
 */
INLINE bool switch_is_easy_to(const struct proc *p) REQUIRES(sched_lock)
{
	const struct aspace *as = p->as;

	return as != NULL && aspace_is_idle(as) &&
	    tlb_switch_is_simple(&as->asid);
}

/*
 * Claims such a process, which is on no list, as the next that this hart runs.
 */
INLINE void switch_claim(struct proc *p) REQUIRES(sched_lock)
{
	p->as->runner = hart_self();
	p->t.state = PROC_RUNNING;
	p->t.tf.hart = hart_self();
}

/*
 * Goes to user mode, or to work that has to be done before. Work that another
 * hart gives it later comes with a kick.
 */
INLINE NORETURN void sched_enter(struct proc *p)
{
	if (unlikely(p->t.call.state != CALL_NONE ||
		__atomic_load_n(&p->t.work, __ATOMIC_RELAXED)))
		trapframe_resume(&p->t.tf);
	trapframe_enter(&p->t.tf);
}

/*
 * Appends `p`, which is on no list, to the run queue, and kicks an idle hart if
 * there is one.
 */
INLINE void ready_push(struct proc *p) REQUIRES(sched_lock)
{
	p->t.state = PROC_READY;
	list_push_back(&sched_queues.ready, &p->t.link);
	if (unlikely(sched_queues.idle != 0))
		sched_kick_idle(1);
}

/*
 * For the two sides of a request, which take turns: `p` runs before the
 * processes that wait for a tick. The next tick ends the turn of the one that
 * runs then, so the others do not wait longer.
 */
INLINE void ready_push_first(struct proc *p) REQUIRES(sched_lock)
{
	p->t.state = PROC_READY;
	list_push_front(&sched_queues.ready, &p->t.link);
	if (unlikely(sched_queues.idle != 0))
		sched_kick_idle(1);
}

#endif
