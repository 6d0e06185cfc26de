/* SPDX-License-Identifier: MIT */
/*
 * fast_switch.c - switches from one process to another in the usual case: each
 * has a space of its own, and this hart was the last to run the next one's.
 *
 * The fast path changes nothing before it is certain that this is the case, and
 * leaves every other to sched_switch(). Without this file the kernel does the
 * same things, slower.
 */
#include "arch/timer.h"
#include "fp.h"
#include "proc/queue.h"
#include "proc/sched.h"
#include "proc/space.h"

/* Takes the first ready process if this is the usual case; else NULL. */
INLINE struct proc *take_first(void) REQUIRES(sched_lock)
{
	struct proc *p =
	    list_entry(sched_queues.ready.next, struct proc, t.link);

	if (unlikely(list_is_empty(&sched_queues.ready) ||
		!list_is_empty(&sched_queues.woken) || !switch_is_easy_to(p)))
		return NULL;
	list_unlink(&p->t.link);
	switch_claim(p);
	return p;
}

/* Switches, and saves or loads floating point registers. */
static NORETURN NOINLINE void switch_with_fp(struct proc *prev,
    struct proc *next)
{
	uint64_t now = timer_now();

	prev->t.time_ticks += now - prev->t.started;
	fp_leave(prev);
	tlb_switch_simply(&next->as->asid);
	aspace_leave(prev->as);
	fp_enter(next);
	sched_start_process(next, now);
	sched_enter(next);
}

/* Switches in the usual case; this hart has claimed `next`. */
INLINE void switch_easily(struct proc *prev, struct proc *next)
{
	uint64_t now;

	if (unlikely(fp_is_dirty() || !fp_is_at_rest(next)))
		switch_with_fp(prev, next);
	now = timer_now();
	prev->t.time_ticks += now - prev->t.started;
	tlb_switch_simply(&next->as->asid);
	aspace_leave(prev->as);
	sched_start_process(next, now);
}

void schedule(void)
{
	struct proc *prev = proc_self(), *next;

	if (unlikely(!switch_is_easy_from(prev)))
		sched_switch();
	lock_acquire(&sched_lock);
	next = take_first();
	lock_release(&sched_lock);
	if (unlikely(next == NULL))
		sched_switch();
	stats_count(switches);
	switch_easily(prev, next);
	sched_enter(next);
}

void sched_give(struct proc *prev, struct proc *next)
{
	stats_count(handovers);
	switch_easily(prev, next);
	if (unlikely(__atomic_load_n(&next->t.work, __ATOMIC_RELAXED)))
		trapframe_resume(&next->t.tf);
	trapframe_enter(&next->t.tf);
}
