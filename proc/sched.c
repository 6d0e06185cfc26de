/* SPDX-License-Identifier: MIT */
/*
 * sched.c - the run queue, and the switch from one process to another.
 *
 * schedule() never returns: a process is its trap frame, and the kernel stack
 * of the hart is free for the next one. The hart leaves the old process's
 * address space before it lets go of the process, so that another hart may run
 * it, or even free it, from then on.
 */
#include "proc/sched.h"

#include "abi/errno.h"
#include "arch/console.h"
#include "arch/hart.h"
#include "arch/timer.h"
#include "fp.h"
#include "proc/device.h"
#include "proc/queue.h"
#include "proc/signal.h"
#include "proc/space.h"
#include "timers.h"

struct lock sched_lock;
struct sched_queues sched_queues = {
    .ready = {&sched_queues.ready, &sched_queues.ready},
    .woken = {&sched_queues.woken, &sched_queues.woken},
};
struct waitq poll_event = {.procs = {&poll_event.procs, &poll_event.procs}};
uint64_t poll_news;
static uint64_t tick_ticks; /* [c] a tick, in timer ticks */

#define WOKEN_PART  8  /* moved to the run queue at a time */
#define CLAIMS_PART 16 /* looked at in the run queue at a time */

void waitq_init(struct waitq *wq)
{
	list_init(&wq->procs);
}

/* Kicks other harts, not this one. */
void sched_kick_idle(unsigned count)
{
	uint32_t self = 1U << hart_index();

	for (unsigned i = 0; count > 0 && sched_queues.idle & ~self; i++) {
		if (!(sched_queues.idle & ~self & 1U << i))
			continue;
		sched_queues.idle &= ~(1U << i);
		hart_kick(&harts[i]);
		count--;
	}
}

void sched_wake(struct proc *p)
{
	if (p->t.state == PROC_BLOCKED)
		list_unlink(&p->t.link);
	timer_stop(&p->t.wake);
	ready_push(p);
}

void sched_wake_first(struct proc *p)
{
	if (p->t.state == PROC_BLOCKED)
		list_unlink(&p->t.link);
	timer_stop(&p->t.wake);
	ready_push_first(p);
}

/* Wakes the processes of a queue: one at once, several by way of `woken`. */
static void wake_each(struct list *procs) REQUIRES(sched_lock)
{
	if (list_is_empty(procs))
		return;
	if (procs->next == procs->prev) {
		sched_wake(list_entry(procs->next, struct proc, t.link));
		return;
	}
	list_splice_back(&sched_queues.woken, procs);
	if (sched_queues.idle != 0)
		sched_kick_idle(MAX_HARTS);
}

static NOINLINE void woken_move(void) REQUIRES(sched_lock)
{
	for (int i = 0; i < WOKEN_PART && !list_is_empty(&sched_queues.woken);
	     i++)
		sched_wake(
		    list_entry(sched_queues.woken.next, struct proc, t.link));
}

void waitq_wake_all_locked(struct waitq *wq)
{
	wake_each(&wq->procs);
	if (wq->polled) {
		wq->polled = false;
		poll_news++;
		wake_each(&poll_event.procs);
	}
}

void waitq_wake_waiters(struct waitq *wq)
{
	lock_acquire(&sched_lock);
	waitq_wake_all_locked(wq);
	lock_release(&sched_lock);
}

void sched_notify(struct proc *p)
{
	__atomic_store_n(&p->t.work, 1, __ATOMIC_RELEASE);
	if (p->t.state == PROC_RUNNING && p != proc_self())
		hart_kick(p->t.tf.hart);
}

/* Sets when the timer interrupts this hart next. */
static void timer_arm(bool idle)
{
	uint64_t at = timers_first();

	if (!idle || (console_is_polled && hart_index() == 0))
		at = min_u64(at, timer_now() + tick_ticks);
	timer_set(at);
}

/*
 * Takes the next process to run off the run queue. This hart has claimed its
 * space, unless its last hart is still on the way out of it. NULL: there is
 * none, or the first CLAIMS_PART have gone to wait for their turn, and the
 * hart has to look again. C5: there may be many of these, lenders of one space
 * that were killed together.
 */
INLINE struct proc *ready_first(void) REQUIRES(sched_lock)
{
	struct list *ready = &sched_queues.ready;

	if (unlikely(!list_is_empty(&sched_queues.woken)))
		woken_move();
	for (int i = 0; i < CLAIMS_PART && !list_is_empty(ready); i++) {
		struct proc *p = list_entry(ready->next, struct proc, t.link);

		list_unlink(&p->t.link);
		if (unlikely(!space_claim(p)))
			continue;
		p->t.state = PROC_RUNNING;
		p->t.tf.hart = hart_self();
		return p;
	}
	return NULL;
}

#ifdef CALF_TEST
struct proc *sched_ready_first(void)
{
	return ready_first();
}
#endif

static struct proc *ready_pop(void)
{
	struct proc *p;

	lock_acquire(&sched_lock);
	p = ready_first();
	lock_release(&sched_lock);
	return p;
}

/*
 * As ready_pop(); if no process is ready the hart becomes idle, until it is
 * kicked.
 */
static struct proc *ready_pop_or_idle(void)
{
	uint32_t self = 1U << hart_index();
	struct proc *p;

	lock_acquire(&sched_lock);
	p = ready_first();
	sched_queues.idle =
	    p != NULL ? sched_queues.idle & ~self : sched_queues.idle | self;
	lock_release(&sched_lock);
	return p;
}

/* Does what is due at an interrupt, whether the hart runs a process or not. */
static void interrupted(void)
{
	hart_clear_kick();
	hart_park_if_asked();
	timers_run();
	if (hart_index() == 0)
		device_interrupt();
}

/* Without the lock: whoever makes a process ready kicks the hart if idle. */
static bool some_are_ready(void)
{
	return !list_is_empty(&sched_queues.ready) ||
	    !list_is_empty(&sched_queues.woken);
}

/* Waits for something to run. */
static NOINLINE struct proc *ready_wait(void)
{
	struct proc *p;

	while ((p = ready_pop_or_idle()) == NULL) {
		timer_arm(true);
		hart_park_if_asked();
		if (likely(!some_are_ready())) {
			hart_wait();
			stats_count(wakes);
		}
		hart_pause_begin();
		interrupted();
	}
	timer_arm(false);
	return p;
}

/* Adds up the process's time, and saves its floating point registers. */
INLINE void stop(struct proc *p, uint64_t now)
{
	if (likely(p->t.state != PROC_ZOMBIE)) /* see exit_last() */
		p->t.time_ticks += now - p->t.started;
	fp_leave(p);
}

/*
 * This hart has left the process's address space, and does not touch the
 * process any more: from here on another hart may run it or free it. If its
 * parent does not wait for it, it is freed here.
 */
INLINE void let_go(struct proc *p, struct aspace *next)
{
	bool discard;

	if (likely(p->as != NULL)) {
		if (likely(p->as != next))
			space_leave(p->as);
		return;
	}
	discard = p->auto_reaped;
	__atomic_store_n(&p->t.held, 0, __ATOMIC_RELEASE);
	if (discard)
		proc_discard(p);
}

/* Waits until its last hart has let go of a process that this hart will run. */
static void await_process(struct proc *p)
{
	if (p->as != NULL) {
		space_await(p->as);
		return;
	}
	while (__atomic_load_n(&p->t.held, __ATOMIC_ACQUIRE))
		hart_relax();
	p->t.held = 1;
}

/*
 * Switches from `prev` to `next`, each NULL if there is none, by way of the
 * kernel's own root: so this hart has no process and no space while it waits,
 * for work or for another hart.
 */
static NORETURN NOINLINE void switch_slow(struct proc *prev, struct proc *next)
{
	tlb_switch_kernel();
	hart_self()->proc = NULL;
	TRACE(switched, "pid", 0);
	if (prev != NULL) {
		stop(prev, timer_now());
		let_go(prev, next != NULL ? next->as : NULL);
	}
	if (next == NULL)
		next = ready_wait();
	await_process(next);
	if (next->as != NULL)
		aspace_switch(next->as);
	fp_enter(next);
	stats_count(switches);
	sched_start_process(next, timer_now());
	sched_enter(next);
}

void sched_switch(void)
{
	struct proc *prev = proc_self(), *next = ready_pop();
	uint64_t now;

	if (unlikely(prev == NULL || next == NULL || prev->as == NULL ||
		next->as == NULL || !aspace_is_ours(next->as)))
		switch_slow(prev, next);
	now = timer_now();
	stop(prev, now);
	aspace_switch(next->as);
	let_go(prev, next->as);
	fp_enter(next);
	stats_count(switches);
	sched_start_process(next, now);
	sched_enter(next);
}

/* Looks without the lock: an old value only makes a process yield later. */
bool sched_others_are_ready(void)
{
	const struct proc *p = proc_self();

	return some_are_ready() ||
	    (p->as != NULL && !list_is_empty(&p->as->turn));
}

void sched_queue(void)
{
	struct proc *p = proc_self();

	lock_acquire(&sched_lock);
	if (p->as != NULL)
		space_turn(p->as);
	ready_push(p);
	lock_release(&sched_lock);
}

void sched_yield(void)
{
	hart_park_if_asked();
	if (!sched_others_are_ready())
		return;
	sched_queue();
	schedule();
}

void sched_tick(void)
{
	interrupted();
	if (timer_now() < hart_self()->timer_deadline)
		return;
	timer_arm(false);
	sched_yield();
}

void sched_preemption_point(void)
{
	hart_pause(*tf_reg(&proc_self()->t.tf, REG_A7));
	user_pause();
	hart_park_if_asked();
	if (hart_is_interrupted())
		sched_tick();
}

uint32_t sched_is_open;

void sched_start(void)
{
	tick_ticks = timer_from_ns(1000000000UL / TICKS_PER_S);
	timer_arm(false);
	hart_enable_interrupts();
	__atomic_store_n(&sched_is_open, 1, __ATOMIC_RELEASE);
	hart_pause_begin();
	sched_switch();
}
