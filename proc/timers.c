/* SPDX-License-Identifier: MIT */
/*
 * timers.c - sleepers and alarms, in one list sorted by time.
 */
#include "timers.h"

#include "abi/signal.h"
#include "proc/sched.h"
#include "proc/signal.h"

static struct list timers GUARDED_BY(sched_lock) = {&timers, &timers};
uint64_t timers_first_at = TIMER_NEVER;

/* Re-reads the earliest time that somebody waits for. */
static void timers_changed(void) REQUIRES(sched_lock)
{
	uint64_t first = TIMER_NEVER;

	if (!list_is_empty(&timers))
		first = list_entry(timers.next, struct timer, link)->at;
	__atomic_store_n(&timers_first_at, first, __ATOMIC_RELAXED);
}

void timer_take_off(struct timer *timer)
{
	list_remove(&timer->link);
	timer->at = 0;
	timers_changed();
}

void timer_start(struct timer *timer, uint64_t at)
{
	struct list *before = timers.prev;

	while (before != &timers &&
	    list_entry(before, struct timer, link)->at > at)
		before = before->prev;
	timer->at = max_u64(at, 1);
	list_insert(before, &timer->link);
	timers_changed();
	if (at < hart_self()->timer_deadline)
		timer_set(at);
}

/*
 * An interval timer is not armed again before its signal has been taken: one
 * that nobody takes costs nothing.
 */
static void alarm_expire(struct proc *p, uint64_t at) REQUIRES(sched_lock)
{
	if (p->alarm_period != 0)
		p->alarm_last = at;
	signal_send(p, SIGALRM, (struct siginfo_small){.code = SI_KERNEL});
}

/* Its next expiry is a multiple of the period after the last one. */
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
		timer_expire(list_entry(timers.next, struct timer, link));
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
