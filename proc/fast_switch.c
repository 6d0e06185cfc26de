/* SPDX-License-Identifier: MIT */
/*
 * fast_switch.c - from one process to another, where everything is as usual:
 * both have a space of their own, that of the next one was last on this hart,
 * and neither uses floating point.
 *
 * A fast path changes nothing before it is sure; whatever is not as expected is
 * left to sched_switch(). Without this file everything is the same, and slower.
 */
#include "arch/timer.h"
#include "fp.h"
#include "proc/queue.h"
#include "proc/sched.h"
#include "proc/space.h"

/* May this hart leave it without looking at anything else? */
INLINE bool is_easy_to_leave(const struct proc *p)
{
	return p->as != NULL && p->as->sharers == 1 && !fp_is_dirty();
}

INLINE bool is_easy_to_enter(const struct proc *p) REQUIRES(sched_lock)
{
	const struct aspace *as = p->as;

	return as != NULL && aspace_is_idle(as) &&
	    tlb_switch_is_simple(&as->asid) && !p->t.fp_used &&
	    hart_self()->fp_is_clear;
}

/* The first in the queue if that is easy; else NULL, and nothing changes. */
INLINE struct proc *take_first(void) REQUIRES(sched_lock)
{
	struct proc *p =
	    list_entry(sched_queues.ready.next, struct proc, t.link);

	if (unlikely(list_is_empty(&sched_queues.ready) ||
		!list_is_empty(&sched_queues.woken) || !is_easy_to_enter(p)))
		return NULL;
	list_unlink(&p->t.link);
	p->as->runner = hart_self();
	p->t.state = PROC_RUNNING;
	p->t.tf.hart = hart_self();
	return p;
}

void schedule(void)
{
	struct hart *self = hart_self();
	struct proc *prev = self->proc, *next;
	uint64_t now;

	if (unlikely(!is_easy_to_leave(prev)))
		sched_switch();
	lock_acquire(&sched_lock);
	next = take_first();
	lock_release(&sched_lock);
	if (unlikely(next == NULL))
		sched_switch();

	now = timer_now();
	prev->t.time_ticks += now - prev->t.started;
	tlb_switch_simply(virt_to_phys(next->as->top), &next->as->asid);
	aspace_leave(prev->as);
	sched_start_process(next, now);
	sched_enter(next);
}
