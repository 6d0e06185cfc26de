/* SPDX-License-Identifier: MIT */
/*
 * sched.c - the run queue, and the switch from one process to another.
 *
 * schedule() never returns: a process is its trap frame, and the kernel stack
 * of the hart is free for the next one. The hart leaves the old process's
 * address space before it lets go of it (proc.on_hart), so that another hart
 * may run it, or even free it, from then on.
 */
#include "proc/sched.h"

#include "abi/errno.h"
#include "arch/hart.h"
#include "arch/timer.h"
#include "exit.h"
#include "fp.h"
#include "proc/signal.h"
#include "proc/tty.h"
#include "timers.h"

struct lock sched_lock;
static struct list ready GUARDED_BY(sched_lock) = {&ready, &ready};
struct waitq poll_event = {.procs = {&poll_event.procs, &poll_event.procs}};
static uint32_t idle_mask;  /* [A] written under sched_lock */
static uint64_t tick_ticks; /* [c] a tick, in timer ticks */

void waitq_init(struct waitq *wq)
{
	list_init(&wq->procs);
}

/* As many others as there is new work for. */
static NOINLINE void kick_idle_harts(unsigned count) REQUIRES(sched_lock)
{
	uint32_t self = 1U << hart_index();

	for (unsigned i = 0; count > 0 && idle_mask & ~self; i++) {
		if (!(idle_mask & ~self & 1U << i))
			continue;
		idle_mask &= ~(1U << i);
		hart_kick(&harts[i]);
		count--;
	}
}

/* `p` is on no list. */
INLINE void ready_push(struct proc *p) REQUIRES(sched_lock)
{
	p->state = PROC_READY;
	list_push_back(&ready, &p->link);
}

void sched_wake(struct proc *p)
{
	if (p->state == PROC_BLOCKED)
		list_unlink(&p->link);
	timer_stop(&p->wake);
	ready_push(p);
	if (unlikely(idle_mask != 0))
		kick_idle_harts(1);
}

/* Those at the front that wait for nothing else. Returns how many. */
INLINE unsigned wake_untimed(struct waitq *wq) REQUIRES(sched_lock)
{
	unsigned count = 0;

	while (!list_is_empty(&wq->procs)) {
		struct proc *p = list_entry(wq->procs.next, struct proc, link);

		if (unlikely(p->wake.at != 0))
			break;
		list_unlink(&p->link);
		ready_push(p);
		count++;
	}
	return count;
}

static void wake_each(struct waitq *wq) REQUIRES(sched_lock)
{
	while (!list_is_empty(&wq->procs))
		sched_wake(list_entry(wq->procs.next, struct proc, link));
}

void waitq_wake_all_locked(struct waitq *wq)
{
	wake_each(wq);
	if (wq->polled) {
		wq->polled = false;
		wake_each(&poll_event);
	}
}

/* Apart, so that it costs no registers where there is nothing for it to do. */
static NOINLINE void wake_rest(struct waitq *wq, unsigned woken)
    REQUIRES(sched_lock)
{
	kick_idle_harts(woken);
	waitq_wake_all_locked(wq);
}

void waitq_wake_waiters(struct waitq *wq)
{
	unsigned woken;

	lock_acquire(&sched_lock);
	woken = wake_untimed(wq);
	if (unlikely(
		idle_mask != 0 || wq->polled || !list_is_empty(&wq->procs)))
		wake_rest(wq, woken);
	lock_release(&sched_lock);
}

INLINE void block(struct waitq *wq, enum call_state call) REQUIRES(sched_lock)
{
	struct proc *p = proc_self();

	p->call = call;
	p->timed_out = false;
	if (unlikely(signal_is_due(p))) {
		/* Stays running, and finds it before user mode. */
		__atomic_store_n(&p->work, 1, __ATOMIC_RELAXED);
		return;
	}
	p->state = PROC_BLOCKED;
	hart_self()->leaving = true;
	if (wq != NULL)
		list_push_back(&wq->procs, &p->link);
	else
		list_init(&p->link);
}

void sched_block_locked(struct waitq *wq, enum call_state call)
{
	block(wq, call);
}

void sched_block(struct waitq *wq, enum call_state call)
{
	lock_acquire(&sched_lock);
	block(wq, call);
	lock_release(&sched_lock);
}

/* The hart leaves the process all the same, once, and comes back to it. */
void sched_unblock(void)
{
	struct proc *p = proc_self();

	lock_acquire(&sched_lock);
	p->call = CALL_NONE;
	/* Else a result would go to user mode without looking at `leaving`. */
	__atomic_store_n(&p->work, 1, __ATOMIC_RELAXED);
	if (p->state == PROC_BLOCKED)
		sched_wake(p);
	lock_release(&sched_lock);
}

void sched_block_until_locked(struct waitq *wq, uint64_t deadline,
    enum call_state call)
{
	sched_block_locked(wq, call);
	if (proc_self()->state == PROC_BLOCKED)
		timer_start(&proc_self()->wake, deadline);
}

void sched_block_until(struct waitq *wq, uint64_t deadline,
    enum call_state call)
{
	lock_acquire(&sched_lock);
	sched_block_until_locked(wq, deadline, call);
	lock_release(&sched_lock);
}

void sched_notify(struct proc *p)
{
	__atomic_store_n(&p->work, 1, __ATOMIC_RELEASE);
	if (p->state == PROC_RUNNING && p != proc_self())
		hart_kick(&harts[p->hart]);
}

/* When this hart wants to be interrupted next. */
static void timer_arm(bool idle)
{
	uint64_t at = timers_first();

	/* The boot hart looks at the console even when it is idle. */
	if (!idle || hart_index() == 0)
		at = min_u64(at, timer_now() + tick_ticks);
	timer_set(at);
}

/* The next one to run, which is this hart's from now on; or NULL. */
INLINE struct proc *ready_first(void) REQUIRES(sched_lock)
{
	struct proc *p = list_entry(ready.next, struct proc, link);

	if (list_is_empty(&ready))
		return NULL;
	list_unlink(&p->link);
	p->state = PROC_RUNNING;
	p->hart = (uint8_t)hart_index();
	return p;
}

static struct proc *ready_pop(void)
{
	struct proc *p;

	lock_acquire(&sched_lock);
	p = ready_first();
	lock_release(&sched_lock);
	return p;
}

/* The same for a hart that sleeps if there is none, until it is kicked. */
static struct proc *ready_pop_or_idle(void)
{
	uint32_t self = 1U << hart_index();
	struct proc *p;

	lock_acquire(&sched_lock);
	p = ready_first();
	idle_mask = p != NULL ? idle_mask & ~self : idle_mask | self;
	lock_release(&sched_lock);
	return p;
}

/* Waits for something to run. */
static NOINLINE struct proc *ready_wait(void)
{
	struct proc *p;

	while ((p = ready_pop_or_idle()) == NULL) {
		timer_arm(true);
		hart_park_if_asked();
		hart_wait();
		hart_clear_kick();
		hart_park_if_asked();
		timers_run();
		if (hart_index() == 0)
			tty_poll();
	}
	timer_arm(false);
	return p;
}

/* The running process has run, and its registers are all in memory. */
INLINE void stop(struct proc *p, uint64_t now)
{
	p->time_ticks += now - p->started;
	fp_leave(p);
}

/*
 * The hart is out of its address space: from here on it may be anywhere, or,
 * if nobody waits for it, nowhere.
 */
INLINE void let_go(struct proc *p)
{
	bool discard = p->auto_reaped;

	__atomic_store_n(&p->on_hart, 0, __ATOMIC_RELEASE);
	if (unlikely(discard))
		proc_discard(p);
}

/* Has another hart, the one that ran it last, not quite let go of it? */
static inline bool is_held(const struct proc *p)
{
	return __atomic_load_n(&p->on_hart, __ATOMIC_ACQUIRE) != 0;
}

/* Lent: another hart is in it, and this process will only exit. */
static inline bool has_space(const struct proc *p)
{
	return p->as != NULL && !p->as_is_lent;
}

INLINE void start(struct proc *p, uint64_t now)
{
	struct hart *self = hart_self();

	p->on_hart = 1;
	p->started = now;
	p->tf.hart = self;
	self->proc = p;
	self->leaving = false;
	stats_count(switches);
#ifdef CALF_TEST
	frame_fail_set(&p->failure);
#endif
	fp_enter(p);
}

/* To a process that has more to do than to go on, with an empty stack. */
static NORETURN void resume_slow(void)
{
	struct proc *p = proc_self();

	sched_before_user(p);
	trapframe_enter(&p->tf);
}

/*
 * What it waited for is there, or it is time; or it was never in a call. Who
 * gave it work did so before it came off the queue, or kicks this hart.
 */
INLINE NORETURN void resume(struct proc *p)
{
	if (unlikely(p->call == CALL_NONE ||
		__atomic_load_n(&p->work, __ATOMIC_RELAXED)))
		stack_restart(resume_slow);
	p->call = CALL_NONE;
	trapframe_repeat(&p->tf);
}

/*
 * From `prev` to `next`, each NULL if there is none, by way of the kernel's own
 * root: this hart holds nobody while it waits, for work or for another hart.
 */
static NORETURN NOINLINE void switch_slow(struct proc *prev, struct proc *next)
{
	tlb_switch_kernel();
	hart_self()->proc = NULL;
	if (prev != NULL) {
		stop(prev, timer_now());
		let_go(prev);
	}
	if (next == NULL)
		next = ready_wait();
	while (is_held(next))
		hart_relax();
	if (has_space(next))
		aspace_switch(next->as);
	start(next, timer_now());
	resume(next);
}

void schedule(void)
{
	struct proc *prev = proc_self(), *next = ready_pop();
	uint64_t now;

	if (unlikely(prev == NULL || next == NULL || is_held(next) ||
		!has_space(next)))
		switch_slow(prev, next);
	now = timer_now();
	stop(prev, now);
	aspace_switch(next->as);
	let_go(prev);
	start(next, now);
	resume(next);
}

/* Puts the running process at the end of the queue, if there is a queue. */
void sched_yield(void)
{
	struct proc *p = proc_self();

	hart_park_if_asked();
	if (list_is_empty(&ready)) /* a glance */
		return;
	lock_acquire(&sched_lock);
	ready_push(p);
	lock_release(&sched_lock);
	schedule();
}

void sched_tick(void)
{
	hart_clear_kick();
	hart_park_if_asked();
	timers_run();
	if (hart_index() == 0)
		tty_poll();
	if (timer_now() < hart_self()->timer_deadline)
		return;
	timer_arm(false);
	sched_yield();
}

/*
 * A call that is done in parts goes on before anything but SIGKILL is
 * delivered: its progress is no handler's business. It ends, or waits, soon.
 */
static bool is_amid_call(struct proc *p)
{
	return p->progress.active && p->call == CALL_NONE &&
	    !(p->sig.pending & SIGNAL_BIT(SIGKILL));
}

void sched_before_user(struct proc *p)
{
	hart_park_if_asked();
	while (p->old != NULL) {
		unsigned budget = RANGE_BUDGET;

		if (aspace_teardown(p->old, &budget))
			p->old = NULL;
		else
			sched_yield();
	}
	if (p->exiting)
		proc_exit_finish(p);
	if (__atomic_load_n(&p->work, __ATOMIC_ACQUIRE) && !is_amid_call(p)) {
		__atomic_store_n(&p->work, 0, __ATOMIC_RELAXED);
		signal_deliver(p);
	}
	p->call = CALL_NONE;
}

uint32_t sched_is_open;

void sched_start(void)
{
	tick_ticks = timer_from_ns(1000000000UL / TICKS_PER_S);
	timer_arm(false);
	hart_enable_interrupts();
	__atomic_store_n(&sched_is_open, 1, __ATOMIC_RELEASE);
	schedule();
}
