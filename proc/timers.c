/* SPDX-License-Identifier: MIT */
/*
 * timers.c - sleepers and alarms, in one heap.
 */
#include "timers.h"

#include "abi/signal.h"
#include "proc/sched.h"
#include "proc/signal.h"

static struct heap timers GUARDED_BY(sched_lock);
uint64_t timers_first_at = TIMER_NEVER;

/* Sets timers_first_at to the time of the first timer in the heap. */
static void timers_changed(void) REQUIRES(sched_lock)
{
	uint64_t first = timers.first != NULL ? timers.first->key : TIMER_NEVER;

	__atomic_store_n(&timers_first_at, first, __ATOMIC_RELAXED);
}

void timer_take_off(struct timer *timer)
{
	heap_remove(&timers, &timer->node);
	timer->at = 0;
	timers_changed();
}

void timer_start(struct timer *timer, uint64_t at)
{
	timer->at = timer->node.key = max_u64(at, 1);
	heap_insert(&timers, &timer->node);
	timers_changed();
	if (at < hart_self()->timer_deadline)
		timer_set(at);
}

/*
 * An interval timer is not armed again before its signal has been taken: a
 * signal that is never taken costs nothing more.
 */
static void alarm_expire(struct proc *p, uint64_t at) REQUIRES(sched_lock)
{
	if (p->alarm_period != 0)
		p->alarm_last = at;
	signal_send(p, SIGALRM, (struct siginfo_small){.code = SI_KERNEL});
}

/* Sets the next expiry: a multiple of the period after the last one. */
void alarm_taken(struct proc *p)
{
	uint64_t now = timer_now(), last = p->alarm_last;

	if (likely(last == 0))
		return;
	p->alarm_last = 0;
	timer_start(&p->alarm,
	    now - (now - last) % p->alarm_period + p->alarm_period);
}

static void timer_expire(struct timer *timer) REQUIRES(sched_lock)
{
	struct proc *p = timer->proc;
	uint64_t at = timer->at;

	timer_stop(timer);
	if (timer == &p->t.wake)
		sched_wake(p);
	else
		alarm_expire(p, at);
}

#define EXPIRE_PART 32 /* timers that expire without a pause */

void timers_run(void)
{
	uint64_t now = timer_now();

	if (timers_first() > now)
		return;
	lock_acquire(&sched_lock);
	for (int i = 0; i < EXPIRE_PART && timers_first_at <= now; i++)
		timer_expire(container_of(timers.first, struct timer, node));
	lock_release(&sched_lock);
}

void sched_set_alarm(uint64_t at, uint64_t period)
{
	struct proc *p = proc_self();

	lock_acquire(&sched_lock);
	timer_stop(&p->alarm);
	p->alarm_period = period;
	p->alarm_last = 0;
	if (at != 0)
		timer_start(&p->alarm, at);
	lock_release(&sched_lock);
}
