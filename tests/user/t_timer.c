/* SPDX-License-Identifier: MIT */
/*
 * t_timer.c - interval timers whose signal is not taken, and the time that a
 * process and its children have used.
 *
 * An interval timer starts anew when its signal is taken. So a signal that is
 * ignored, or is not taken for long, costs nothing meanwhile.
 */
#include "harness.h"

#include <sys/resource.h>
#include <sys/time.h>

/* Cells. */
enum { ARMED, COUNT_OF };

/* The first signal comes after a while, and the others at once. */
static void arm_after(long first, long micros)
{
	struct itimerval t = {{0, micros}, {0, first}};

	if (raw(SYS_setitimer, ITIMER_REAL, (long)&t, 0) != 0)
		give_up("setitimer failed");
}

static void arm(long micros)
{
	arm_after(micros, micros);
}

static void on_alarm(int sig)
{
	(void)sig;
	(void)cell_add(COUNT_OF, 1);
}

/* ---- What a timer costs others ---- */

static uint64_t now_ns(void)
{
	struct timespec t = {0, 0};

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/*
 * The shortest of many pieces of work: what else this machine does makes some
 * of them longer, but a storm makes all of them so.
 */
static uint64_t shortest_piece_of(int rounds)
{
	uint64_t best = UINT64_MAX, t;
	volatile int i;
	int round;

	for (round = 0; round < rounds; round++) {
		t = now_ns();
		for (i = 0; i < 100000; i++)
			continue;
		t = now_ns() - t;
		if (t < best)
			best = t;
	}
	return best;
}

static uint64_t shortest_piece(void)
{
	return shortest_piece_of(60);
}

/* More timers than harts: none is spared. */
#define SLEEPERS 8

/* How many times longer work may take beside timers that do nothing. */
#define MUCH 3

static void ignore_alarms(void)
{
	(void)signal(SIGALRM, SIG_IGN);
}

static void block_alarms(void)
{
	block_signal(SIGALRM);
}

static void handle_alarms(void)
{
	(void)signal(SIGALRM, on_alarm);
}

/* The time for which a timer waits before the storm. */
#define CALM_MICROS 100000

/*
 * Then the time between two signals: so short that many signals, if there are
 * any, cost much time.
 */
#define PERIOD_MICROS 1

/* A process that sleeps, or has been stopped, beside its timer. */
static pid_t sleeper_start(void (*prepare)(void), bool stopped)
{
	pid_t pid = must_fork();

	if (pid != 0)
		return pid;
	prepare();
	arm_after(CALM_MICROS, PERIOD_MICROS);
	(void)cell_add(ARMED, 1);
	if (stopped)
		(void)raise(SIGSTOP);
	for (;;)
		sleep_ms(10000);
}

static const char *costs_nothing(void (*prepare)(void), bool stopped)
{
	uint64_t alone = shortest_piece(), beside;
	int count = harts() < SLEEPERS ? harts() + 1 : SLEEPERS, i;
	pid_t pids[SLEEPERS];

	for (i = 0; i < count; i++)
		pids[i] = sleeper_start(prepare, stopped);
	cell_await(ARMED, count);
	sleep_ms(2 * CALM_MICROS / 1000);
	beside = shortest_piece();
	for (i = 0; i < count; i++) {
		(void)kill(pids[i], SIGKILL);
		(void)reap(pids[i]);
	}
	if (beside <= alone * MUCH)
		return NULL;
	return found("work takes %lu ns alone and %lu ns beside the timers",
	    (unsigned long)alone, (unsigned long)beside);
}

TEST(a_timer_that_is_ignored_costs_nothing)
{
	return costs_nothing(ignore_alarms, false);
}

TEST(a_timer_whose_signal_is_blocked_costs_nothing)
{
	return costs_nothing(block_alarms, false);
}

TEST(a_timer_of_a_stopped_process_costs_nothing)
{
	return costs_nothing(handle_alarms, true);
}

/* ---- What a timer does and tells ---- */

static const char *ticks(int wanted)
{
	int before = cell_get(COUNT_OF), i;

	for (i = 0; i < 300; i++) {
		if (cell_get(COUNT_OF) >= before + wanted)
			return NULL;
		sleep_ms(10);
	}
	return found("%d signals instead of %d", cell_get(COUNT_OF) - before,
	    wanted);
}

TEST(a_timer_goes_on_after_its_signal_was_blocked)
{
	sigset_t set;

	(void)signal(SIGALRM, on_alarm);
	arm(2000);
	TRY(ticks(3));
	block_signal(SIGALRM);
	sleep_ms(60);
	cell_set(COUNT_OF, 0);
	sigemptyset(&set);
	(void)sigprocmask(SIG_SETMASK, &set, NULL);
	MUST(cell_get(COUNT_OF) >= 1, "the pending signal did not come");
	return ticks(3);
}

TEST(a_timer_goes_on_after_its_signal_was_waited_for)
{
	uint64_t set = 1UL << (SIGALRM - 1);
	struct timespec limit = {5, 0};
	int i;

	block_signal(SIGALRM);
	arm(2000);
	for (i = 0; i < 5; i++) {
		long sig =
		    raw(SYS_rt_sigtimedwait, (long)&set, 0, (long)&limit, 8);

		MUST(sig == SIGALRM,
		    found("rt_sigtimedwait returned %ld", sig));
	}
	return NULL;
}

static const char *has_no_timer(void)
{
	struct itimerval left;

	MUST(raw(SYS_getitimer, ITIMER_REAL, (long)&left) == 0,
	    "getitimer failed");
	MUST(left.it_value.tv_sec == 0 && left.it_value.tv_usec == 0 &&
		left.it_interval.tv_usec == 0,
	    "the timer was inherited");
	return NULL;
}

TEST(a_child_has_no_timer)
{
	(void)signal(SIGALRM, SIG_IGN);
	arm(500000);
	return in_child(has_no_timer);
}

TEST(a_timer_tells_what_it_was_before)
{
	struct itimerval t = {{3, 4000}, {100, 0}}, left, none;

	memset(&none, 0, sizeof(none));
	MUST(raw(SYS_setitimer, ITIMER_REAL, (long)&t, 0) == 0, "setitimer");
	MUST(raw(SYS_getitimer, ITIMER_REAL, (long)&left) == 0, "getitimer");
	MUST(left.it_interval.tv_sec == 3 && left.it_interval.tv_usec == 4000,
	    "another period");
	MUST(left.it_value.tv_sec >= 60 && left.it_value.tv_sec <= 100,
	    "another rest");
	MUST(raw(SYS_setitimer, ITIMER_REAL, (long)&none, (long)&left) == 0,
	    "setitimer failed");
	MUST(left.it_interval.tv_sec == 3 && left.it_value.tv_sec >= 60,
	    "another timer before");
	MUST(raw(SYS_getitimer, ITIMER_REAL, (long)&left) == 0, "getitimer");
	MUST(left.it_value.tv_sec == 0 && left.it_value.tv_usec == 0,
	    "it still runs");
	t.it_value.tv_usec = 1000000;
	MUST(raw(SYS_setitimer, ITIMER_REAL, (long)&t, 0) == -EINVAL,
	    "a million microseconds");
	return NULL;
}

#define LOOKED_AT 3000

/* Two harts may see that its time has come; one lets it expire. */
TEST(a_timer_with_a_period_never_seems_to_be_off)
{
	struct itimerval left;

	if (!on_calf())
		return SKIP("here it is off until its signal was taken");
	handle_alarms();
	arm(300);
	while (cell_get(COUNT_OF) < LOOKED_AT) {
		(void)raw(SYS_getitimer, ITIMER_REAL, (long)&left);
		MUST(left.it_value.tv_sec != 0 || left.it_value.tv_usec != 0,
		    found("it did after %d signals", cell_get(COUNT_OF)));
	}
	return NULL;
}

/* Linux sets the timer in spite of the error. */
TEST(a_timer_that_cannot_tell_what_it_was_is_not_set)
{
	struct itimerval t = {{0, 0}, {1000000, 0}}, left;
	unsigned char *nowhere = pages_private(1);

	if (!on_calf())
		return SKIP("this system sets it");
	MUST(munmap(nowhere, PAGE) == 0, "munmap failed");
	MUST(raw(SYS_setitimer, ITIMER_REAL, (long)&t, (long)nowhere) ==
		-EFAULT,
	    "it told what it was");
	MUST(raw(SYS_getitimer, ITIMER_REAL, (long)&left) == 0, "getitimer");
	return left.it_value.tv_sec < 10000 ? NULL : "it was set";
}

/* ---- What an idle machine does ---- */

/* For each hart: a timer that all of them knew of, a kick, and a few more. */
#define WAKES 5

/*
 * Only the clock can interrupt here: a hart that took each tick would be woken
 * a hundred times.
 */
static const char *sleeps_for_a_second(void)
{
	struct calf_stat before, after;

	if (!on_calf())
		return SKIP("this system does not count");
	sleep_ms(200); /* other processes may have something left to do */
	before = counters();
	sleep_ms(1000);
	after = counters();
	MUST(after.wakes > before.wakes, "nothing was counted");
	if (after.wakes - before.wakes > WAKES * before.harts)
		return found("%lu harts were woken %lu times",
		    (unsigned long)before.harts,
		    (unsigned long)(after.wakes - before.wakes));
	return NULL;
}

TEST(an_idle_machine_takes_no_ticks)
{
	return sleeps_for_a_second();
}

static void sleep_long(void)
{
	sleep_ms(100000);
}

TEST(an_idle_machine_takes_no_ticks_before_a_timer)
{
	pid_t pid = change_later(sleep_long);
	const char *verdict_here;

	(void)alarm(100);
	verdict_here = sleeps_for_a_second();
	kill(pid, SIGKILL);
	reap(pid);
	return verdict_here;
}

/* ---- The time of a child ---- */

static uint64_t micros_of(struct timeval t)
{
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_usec;
}

static uint64_t used_by(int who)
{
	struct rusage usage;

	if (raw(SYS_getrusage, who, (long)&usage) != 0)
		give_up("getrusage failed");
	return micros_of(usage.ru_utime) + micros_of(usage.ru_stime);
}

/* Computes until it has used that much time; leaves in a cell how much. */
_Noreturn static void use_time(uint64_t micros)
{
	while (used_by(RUSAGE_SELF) < micros)
		continue;
	cell_set(COUNT_OF, (int)used_by(RUSAGE_SELF));
	_exit(0);
}

#define CHILD_MICROS 3000

/*
 * The child ends on another hart than that of its parent, perhaps at this
 * moment.
 */
TEST(all_of_a_childs_time_is_there_when_it_is_waited_for)
{
	struct rusage usage;
	uint64_t before, told, added;
	int status, i;
	pid_t pid;

	for (i = 0; i < 40; i++) {
		before = used_by(RUSAGE_CHILDREN);
		pid = must_fork();
		if (pid == 0)
			use_time(CHILD_MICROS);
		MUST(raw(SYS_wait4, pid, (long)&status, 0, (long)&usage) == pid,
		    "wait4 failed");
		told = micros_of(usage.ru_utime) + micros_of(usage.ru_stime);
		added = used_by(RUSAGE_CHILDREN) - before;
		if (told + 2 < (uint64_t)cell_get(COUNT_OF))
			return found("a child used %d us, and wait4 tells %lu",
			    cell_get(COUNT_OF), (unsigned long)told);
		if (added + 4 < told)
			return found("wait4 tells %lu us, and getrusage %lu",
			    (unsigned long)told, (unsigned long)added);
	}
	return NULL;
}

/* Nothing is lost when the hart goes to another process and comes back. */
TEST(time_used_does_not_go_back)
{
	int to[2], from[2], i;
	uint64_t before;
	char byte = 'x';
	pid_t pid;

	MUST(pipe(to) == 0 && pipe(from) == 0, "no pipe");
	pid = must_fork();
	if (pid == 0)
		while (read(to[0], &byte, 1) == 1)
			(void)!write(from[1], &byte, 1);
	for (i = 0; i < 50; i++) {
		(void)shortest_piece_of(1);
		before = used_by(RUSAGE_SELF);
		MUST(write(to[1], &byte, 1) == 1 &&
			read(from[0], &byte, 1) == 1,
		    "no answer");
		MUST(used_by(RUSAGE_SELF) >= before, "time was lost");
	}
	(void)kill(pid, SIGKILL);
	(void)reap(pid);
	return NULL;
}

_Noreturn static void use_time_and_that_of_a_child(void)
{
	pid_t pid = must_fork();

	if (pid == 0)
		use_time(CHILD_MICROS);
	(void)reap(pid);
	_exit(0);
}

TEST(a_childs_time_includes_what_its_children_used)
{
	uint64_t before = used_by(RUSAGE_CHILDREN);
	pid_t pid = must_fork();

	if (pid == 0)
		use_time_and_that_of_a_child();
	(void)reap(pid);
	MUST(used_by(RUSAGE_CHILDREN) - before + 4 >=
		(uint64_t)cell_get(COUNT_OF),
	    "a grandchild's time is missing");
	return NULL;
}

/* Children that are not waited for do not count. */
TEST(the_time_of_children_not_waited_for_is_not_counted)
{
	uint64_t before = used_by(RUSAGE_CHILDREN);
	pid_t pid;

	(void)signal(SIGCHLD, SIG_IGN);
	pid = must_fork();
	if (pid == 0)
		use_time(CHILD_MICROS);
	MUST(waitpid(pid, NULL, 0) == -1 && errno == ECHILD, "it was reaped");
	return used_by(RUSAGE_CHILDREN) == before ? NULL : "it is counted";
}

static const struct test tests[] = {
    T(a_timer_that_is_ignored_costs_nothing),
    T(a_timer_whose_signal_is_blocked_costs_nothing),
    T(a_timer_of_a_stopped_process_costs_nothing),
    T(a_timer_goes_on_after_its_signal_was_blocked),
    T(a_timer_goes_on_after_its_signal_was_waited_for),
    T(a_child_has_no_timer),
    T(an_idle_machine_takes_no_ticks),
    T(an_idle_machine_takes_no_ticks_before_a_timer),
    T(a_timer_tells_what_it_was_before),
    T(a_timer_with_a_period_never_seems_to_be_off),
    T(a_timer_that_cannot_tell_what_it_was_is_not_set),
    T(all_of_a_childs_time_is_there_when_it_is_waited_for),
    T(time_used_does_not_go_back),
    T(a_childs_time_includes_what_its_children_used),
    T(the_time_of_children_not_waited_for_is_not_counted),
};

SUITE(tests)
