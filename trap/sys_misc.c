/* SPDX-License-Identifier: MIT */
/*
 * sys_misc.c - time, and small answers about the system.
 */
#include "abi/errno.h"
#include "abi/misc.h"
#include "abi/wait.h"
#include "arch/hart.h"
#include "arch/timer.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "proc/file.h"
#include "proc/random.h"
#include "proc/sched.h"
#include "syscalls.h"

#define NS_PER_S 1000000000L

static uint64_t cpu_ticks(const struct proc *p)
{
	return p->time_ticks + timer_now() - p->started;
}

/* Nanoseconds on the given clock, or -EINVAL. */
static int64_t clock_ns(uint64_t clock)
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

static long timespec_out(vaddr_t to, int64_t ns)
{
	struct timespec_abi ts = {ns / NS_PER_S, ns % NS_PER_S};

	return copyout(proc_self()->as, to, &ts, sizeof ts);
}

long sys_clock_gettime(const struct trapframe *tf)
{
	int64_t ns = clock_ns(tf_arg(tf, 0));

	return ns < 0 ? ns : timespec_out(tf_arg(tf, 1), ns);
}

long sys_clock_getres(const struct trapframe *tf)
{
	int64_t ns = clock_ns(tf_arg(tf, 0));

	if (ns < 0 || tf_arg(tf, 1) == 0)
		return ns < 0 ? ns : 0;
	return timespec_out(tf_arg(tf, 1), (int64_t)max_u64(timer_to_ns(1), 1));
}

long sys_gettimeofday(const struct trapframe *tf)
{
	int64_t ns = clock_ns(CLOCK_REALTIME);
	struct timeval_abi tv = {ns / NS_PER_S, ns % NS_PER_S / 1000};

	if (tf_arg(tf, 0) == 0)
		return 0;
	return copyout(proc_self()->as, tf_arg(tf, 0), &tv, sizeof tv);
}

static bool timespec_is_valid(const struct timespec_abi *ts)
{
	return ts->seconds >= 0 && ts->nanos >= 0 && ts->nanos < NS_PER_S;
}

static uint64_t timespec_ns(const struct timespec_abi *ts)
{
	if (ts->seconds > INT64_MAX / NS_PER_S - 1)
		return INT64_MAX;
	return (uint64_t)(ts->seconds * NS_PER_S + ts->nanos);
}

/* The deadline is fixed at the first execution; later ones go on waiting. */
static long sleep_until(uint64_t deadline, vaddr_t remain)
{
	struct proc *p = proc_self();

	if (p->progress.active)
		deadline = p->progress.deadline;
	if (timer_now() >= deadline)
		return 0;
	p->progress = (struct progress){.active = true,
	    .deadline = deadline,
	    .remain = remain};
	sched_block_until(NULL, deadline, CALL_EINTR);
	return -ERESTART;
}

long sys_nanosleep(const struct trapframe *tf)
{
	struct timespec_abi ts;
	int err = copyin(proc_self()->as, &ts, tf_arg(tf, 0), sizeof ts);

	if (err < 0)
		return err;
	if (!timespec_is_valid(&ts))
		return -EINVAL;
	return sleep_until(timer_now() + timer_from_ns(timespec_ns(&ts)),
	    tf_arg(tf, 1));
}

long sys_clock_nanosleep(const struct trapframe *tf)
{
	struct timespec_abi ts;
	int64_t now = clock_ns(tf_arg(tf, 0));
	uint64_t ns;
	int err;

	if (now < 0 || tf_arg(tf, 0) == CLOCK_THREAD_CPUTIME_ID)
		return -EINVAL;
	err = copyin(proc_self()->as, &ts, tf_arg(tf, 2), sizeof ts);
	if (err < 0)
		return err;
	if (!timespec_is_valid(&ts))
		return -EINVAL;
	ns = timespec_ns(&ts);
	if (tf_arg(tf, 1) & TIMER_ABSTIME) {
		ns = ns > (uint64_t)now ? ns - (uint64_t)now : 0;
		return sleep_until(timer_now() + timer_from_ns(ns), 0);
	}
	return sleep_until(timer_now() + timer_from_ns(ns), tf_arg(tf, 3));
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

/* ITIMER_REAL is the one there is. */
long sys_setitimer(const struct trapframe *tf)
{
	struct proc *p = proc_self();
	struct timeval_abi next[2] = {{0}}, before[2];
	uint64_t at, now = timer_now(), period = p->alarm_period;
	int err = 0;

	if (tf_arg(tf, 0) != 0)
		return -EINVAL;
	if (tf_arg(tf, 1) != 0)
		err = copyin(p->as, next, tf_arg(tf, 1), sizeof next);
	if (err < 0)
		return err;
	for (int i = 0; i < 2; i++)
		if (next[i].seconds < 0 || next[i].micros < 0 ||
		    next[i].micros >= 1000000)
			return -EINVAL;
	at = timeval_ticks(&next[1]);
	at = sched_set_alarm(at != 0 ? now + at : 0, timeval_ticks(&next[0]));
	if (tf_arg(tf, 2) == 0)
		return 0;
	before[0] = ticks_timeval(period);
	before[1] = ticks_timeval(at > now ? at - now : 0);
	return copyout(p->as, tf_arg(tf, 2), before, sizeof before);
}

/* The interface is Linux's, and programs look at the name to know that. */
long sys_uname(const struct trapframe *tf)
{
	static const struct utsname_abi name = {
	    .sysname = "Linux",
	    .nodename = "calf",
	    .release = "6.12.0-calf",
	    .version = "Calf",
	    .machine = "riscv64",
	    .domainname = "(none)",
	};

	return copyout(proc_self()->as, tf_arg(tf, 0), &name, sizeof name);
}

long sys_sysinfo(const struct trapframe *tf)
{
	struct sysinfo_abi info;

	memset(&info, 0, sizeof info);
	info.uptime = (int64_t)(timer_to_ns(timer_now()) / NS_PER_S);
	info.totalram = frame_total_count() * PAGE_SIZE;
	info.freeram = frame_free_count() * PAGE_SIZE;
	info.procs = (uint16_t)min_u64(proc_count, UINT16_MAX);
	info.mem_unit = 1;
	return copyout(proc_self()->as, tf_arg(tf, 0), &info, sizeof info);
}

#define GETRANDOM_MAX 65536UL

long sys_getrandom(const struct trapframe *tf)
{
	struct aspace *as = proc_self()->as;
	size_t len = min_u64(tf_arg(tf, 1), GETRANDOM_MAX), done = 0;

	if (tf_arg(tf, 2) & ~7UL)
		return -EINVAL;
	while (done < len) {
		uint8_t bytes[64];
		size_t n = min_u64(len - done, sizeof bytes);
		int err;

		random_bytes(bytes, n);
		err = copyout(as, tf_arg(tf, 0) + done, bytes, n);
		if (err < 0)
			return done > 0 ? (long)done : err;
		done += n;
	}
	return (long)len;
}

#define RLIM_INFINITY UINT64_MAX

/* Limits are what they are; setting one is accepted and changes nothing. */
long sys_prlimit64(const struct trapframe *tf)
{
	uint64_t limit[2] = {RLIM_INFINITY, RLIM_INFINITY};
	struct aspace *as = proc_self()->as;
	int err = 0;

	if (tf_arg(tf, 1) > RLIMIT_LAST)
		return -EINVAL;
	if (tf_arg(tf, 0) != 0 && (pid_t)tf_arg(tf, 0) != proc_self()->pid)
		return -ESRCH;
	if (tf_arg(tf, 1) == RLIMIT_STACK)
		limit[0] = 8UL << 20;
	if (tf_arg(tf, 1) == RLIMIT_CORE)
		limit[0] = 0;
	if (tf_arg(tf, 1) == RLIMIT_NOFILE)
		limit[0] = limit[1] = FD_MAX;
	if (tf_arg(tf, 2) != 0) {
		uint64_t ignored[2];

		err = copyin(as, ignored, tf_arg(tf, 2), sizeof ignored);
	}
	if (err == 0 && tf_arg(tf, 3) != 0)
		err = copyout(as, tf_arg(tf, 3), limit, sizeof limit);
	return err;
}

long sys_getrusage(const struct trapframe *tf)
{
	struct proc *p = proc_self();
	struct rusage_abi usage;
	int who = (int)tf_arg(tf, 0);

	if (who < -1 || who > 1)
		return -EINVAL;
	memset(&usage, 0, sizeof usage);
	usage.utime = ticks_timeval(who == -1 ? p->child_ticks : cpu_ticks(p));
	return copyout(p->as, tf_arg(tf, 1), &usage, sizeof usage);
}

long sys_sched_getaffinity(const struct trapframe *tf)
{
	uint64_t mask = (1UL << hart_count) - 1;
	int err;

	if (tf_arg(tf, 1) < sizeof mask || tf_arg(tf, 1) % sizeof mask != 0)
		return -EINVAL;
	err = copyout(proc_self()->as, tf_arg(tf, 2), &mask, sizeof mask);
	return err < 0 ? err : (long)sizeof mask;
}

long sys_getcpu(const struct trapframe *tf)
{
	struct aspace *as = proc_self()->as;
	uint32_t cpu = hart_index(), node = 0;
	int err = 0;

	if (tf_arg(tf, 0) != 0)
		err = copyout(as, tf_arg(tf, 0), &cpu, sizeof cpu);
	if (err == 0 && tf_arg(tf, 1) != 0)
		err = copyout(as, tf_arg(tf, 1), &node, sizeof node);
	return err;
}

long sys_flush_icache(const struct trapframe *tf)
{
	(void)tf;
	tlb_code_changed();
	return 0;
}

long sys_umask(const struct trapframe *tf)
{
	(void)tf;
	return 022;
}
