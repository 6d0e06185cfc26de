/* SPDX-License-Identifier: MIT */
/*
 * sys_time.c - clocks, sleeps, alarms and the time that processes took.
 */
#include "abi/errno.h"
#include "abi/resource.h"
#include "abi/time.h"
#include "arch/timer.h"
#include "proc/sched.h"
#include "syscalls.h"

#define NS_PER_S 1000000000L

static uint64_t cpu_ticks(const struct proc *p)
{
	return p->t.time_ticks + timer_now() - p->t.started;
}

int64_t clock_ns(int clock)
{
	switch (clock) {
	case CLOCK_REALTIME:
	case CLOCK_REALTIME_COARSE:
		return (int64_t)(timer_epoch_ns + timer_to_ns(timer_now()));
	case CLOCK_MONOTONIC:
	case CLOCK_MONOTONIC_RAW:
	case CLOCK_MONOTONIC_COARSE:
	case CLOCK_BOOTTIME:
		return (int64_t)timer_to_ns(timer_now());
	case CLOCK_PROCESS_CPUTIME_ID:
	case CLOCK_THREAD_CPUTIME_ID:
		return (int64_t)timer_to_ns(cpu_ticks(proc_self()));
	default:
		return -EINVAL;
	}
}

long sys_clock_gettime(const struct trapframe *tf)
{
	int64_t ns = clock_ns(tf_int(tf, 0));

	return ns < 0 ? ns : timespec_copyout(tf_arg(tf, 1), (uint64_t)ns);
}

long sys_clock_getres(const struct trapframe *tf)
{
	int64_t ns = clock_ns(tf_int(tf, 0));

	if (ns < 0 || tf_arg(tf, 1) == 0)
		return ns < 0 ? ns : 0;
	return timespec_copyout(tf_arg(tf, 1), max_u64(timer_to_ns(1), 1));
}

long sys_gettimeofday(const struct trapframe *tf)
{
	int64_t ns = clock_ns(CLOCK_REALTIME);
	struct timeval_abi tv = {ns / NS_PER_S, ns % NS_PER_S / 1000};
	int32_t zone[2] = {0}; /* Greenwich, no summer time */
	int err = 0;

	if (tf_arg(tf, 0) != 0)
		err = copyout(proc_self()->as, tf_arg(tf, 0), &tv, sizeof tv);
	if (err == 0 && tf_arg(tf, 1) != 0)
		err =
		    copyout(proc_self()->as, tf_arg(tf, 1), zone, sizeof zone);
	return err;
}

static uint64_t timespec_ns(const struct timespec_abi *ts)
{
	if (ts->seconds > INT64_MAX / NS_PER_S - 1)
		return INT64_MAX;
	return (uint64_t)(ts->seconds * NS_PER_S + ts->nanos);
}

int deadline_in(vaddr_t from, uint64_t now_ns, uint64_t *deadline)
{
	struct timespec_abi ts;
	uint64_t ns;
	int err = copyin(proc_self()->as, &ts, from, sizeof ts);

	if (err < 0)
		return err;
	if (ts.seconds < 0 || ts.nanos < 0 || ts.nanos >= NS_PER_S)
		return -EINVAL;
	ns = timespec_ns(&ts);
	ns = ns > now_ns ? ns - now_ns : 0;
	/* Never early: what is left of a tick counts as one. */
	*deadline = timer_now() + timer_from_ns(ns) + (ns != 0);
	return 0;
}

/*
 * The first execution reads until when to sleep: as deadline_in(). Later ones
 * go on waiting (C2).
 */
static long sleep(vaddr_t until, uint64_t now_ns, vaddr_t remain)
{
	struct wait_time time = {.remain = remain};
	long result;
	int err;

	if (!call_is_repeated()) {
		err = deadline_in(until, now_ns, &time.deadline);
		if (err < 0)
			return err;
		*call_time() = time;
	}
	time = *call_time();
	if (timer_now() >= time.deadline)
		return 0;
	lock_acquire(&sched_lock);
	result = call_wait_until_locked(NULL, time.deadline, SIGNAL_ENDS);
	lock_release(&sched_lock);
	return result;
}

long sys_nanosleep(const struct trapframe *tf)
{
	return sleep(tf_arg(tf, 0), 0, tf_arg(tf, 1));
}

static bool is_slept_on(int clock)
{
	return clock == CLOCK_REALTIME || clock == CLOCK_MONOTONIC ||
	    clock == CLOCK_BOOTTIME || clock == CLOCK_PROCESS_CPUTIME_ID;
}

long sys_clock_nanosleep(const struct trapframe *tf)
{
	int64_t now = clock_ns(tf_int(tf, 0));

	if (now < 0)
		return now;
	if (!is_slept_on(tf_int(tf, 0)))
		return -EOPNOTSUPP;
	if (tf_arg(tf, 1) & TIMER_ABSTIME)
		return sleep(tf_arg(tf, 2), (uint64_t)now, 0);
	return sleep(tf_arg(tf, 2), 0, tf_arg(tf, 3));
}

static uint64_t timeval_ticks(const struct timeval_abi *tv)
{
	struct timespec_abi ts = {tv->seconds, tv->micros * 1000};

	return timer_from_ns(timespec_ns(&ts));
}

static struct timeval_abi ticks_timeval(uint64_t ticks)
{
	int64_t ns = (int64_t)timer_to_ns(ticks);

	return (struct timeval_abi){ns / NS_PER_S, ns % NS_PER_S / 1000};
}

/* The period of ITIMER_REAL, and what is left until it expires. */
static void itimer_state(struct timeval_abi state[2])
{
	const struct proc *p = proc_self();
	uint64_t now, at, last, left = 0;

	/* Another hart may be about to let the timer expire. */
	lock_acquire(&sched_lock);
	now = timer_now();
	at = p->alarm.at;
	last = p->alarm_last;
	lock_release(&sched_lock);
	if (last != 0)
		left = p->alarm_period - (now - last) % p->alarm_period;
	else if (at != 0)
		left = at > now ? at - now : 1;
	state[0] = ticks_timeval(p->alarm_period);
	state[1] = ticks_timeval(left);
	/* A timer that runs must not seem to be off. */
	if (left != 0 && state[1].seconds == 0 && state[1].micros == 0)
		state[1].micros = 1;
}

/* ITIMER_REAL is the only timer of a process. */
long sys_getitimer(const struct trapframe *tf)
{
	struct timeval_abi state[2];

	if (tf_int(tf, 0) != ITIMER_REAL)
		return -EINVAL;
	itimer_state(state);
	return copyout(proc_self()->as, tf_arg(tf, 1), state, sizeof state);
}

static bool timeval_is_valid(const struct timeval_abi *tv)
{
	return tv->seconds >= 0 && tv->micros >= 0 && tv->micros < 1000000;
}

long sys_setitimer(const struct trapframe *tf)
{
	struct aspace *as = proc_self()->as;
	struct timeval_abi next[2] = {{0}}, before[2];
	vaddr_t from = tf_arg(tf, 1), to = tf_arg(tf, 2);
	uint64_t after;
	int err = 0;

	if (tf_int(tf, 0) != ITIMER_REAL)
		return -EINVAL;
	if (from != 0)
		err = copyin(as, next, from, sizeof next);
	if (err == 0 &&
	    (!timeval_is_valid(&next[0]) || !timeval_is_valid(&next[1])))
		err = -EINVAL;
	if (err == 0 && to != 0) {
		itimer_state(before);
		err = copyout(as, to, before, sizeof before);
	}
	if (err < 0)
		return err;
	after = timeval_ticks(&next[1]);
	sched_set_alarm(after != 0 ? timer_now() + after : 0,
	    timeval_ticks(&next[0]));
	return 0;
}

/* The time in the unit of times(), which AT_CLKTCK tells to programs. */
static int64_t clocks(uint64_t ticks)
{
	return (int64_t)(timer_to_ns(ticks) / (NS_PER_S / TICKS_PER_S));
}

/* All time counts as user time; system time is 0, as is that of children. */
long sys_times(const struct trapframe *tf)
{
	struct proc *p = proc_self();
	int64_t times[4] = {clocks(cpu_ticks(p)), 0, clocks(p->child_ticks), 0};
	int err = 0;

	if (tf_arg(tf, 0) != 0)
		err = copyout(p->as, tf_arg(tf, 0), times, sizeof times);
	return err < 0 ? err : clocks(timer_now());
}

long sys_getrusage(const struct trapframe *tf)
{
	struct proc *p = proc_self();
	int who = tf_int(tf, 0);

	if (who < RUSAGE_CHILDREN || who > RUSAGE_THREAD)
		return -EINVAL;
	return rusage_copyout(tf_arg(tf, 1),
	    who == RUSAGE_CHILDREN ? p->child_ticks : cpu_ticks(p));
}
