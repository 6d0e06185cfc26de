/* SPDX-License-Identifier: MIT */
/*
 * t_crowd.c - no program keeps a hart in the kernel for long, however many
 * processes it has made. t_entry.c has what else may be much.
 *
 * There are as many as memory allows: ten thousand in the boot entry-many.
 */
#include "harness.h"

/* Cells. */
enum { READY, GO, JOB };

/* Makes as many processes as there is memory for, each of which runs `fn`. */
static int crowd(void (*fn)(void))
{
	uint64_t most = counters().frames_free / 24;
	int i, n = most > 10000 ? 10000 : (int)most;

	cell_set(READY, 0);
	for (i = 0; i < n; i++) {
		if (must_fork() != 0)
			continue;
		fn();
		_exit(0);
	}
	return n;
}

static void disperse(void)
{
	(void)signal(SIGTERM, SIG_IGN);
	(void)kill(0, SIGTERM);
	while (waitpid(-1, NULL, 0) > 0)
		continue;
}

/* A crowd in a group of its own, for disperse(). */
static int crowd_in_group(void (*fn)(void))
{
	(void)setpgid(0, 0);
	return crowd(fn);
}

static void sleep_long(void)
{
	(void)cell_add(READY, 1);
	sleep_ms(100000);
}

SHORT(signals_to_all_processes)
{
	int n = crowd_in_group(sleep_long);

	cell_await(READY, n);
	(void)kill(-1, 0);
	(void)kill(-1, SIGURG);
	(void)kill(-1, SIGCONT);
	(void)kill(0, SIGURG);
#ifdef __riscv
	(void)raw(SYS_getpriority, 1, 0);
#endif
	disperse();
}

static void end_at_once(void)
{
}

SHORT(children_that_nobody_waited_for)
{
	pid_t pid = must_fork();

	if (pid == 0) {
		(void)crowd(end_at_once);
		sleep_ms(50);
		_exit(0);
	}
	(void)reap(pid);
}

static void sleep_until_told(void)
{
	(void)cell_add(READY, 1);
	while (cell_get(GO) == 0)
		sleep_ms(20);
}

/* Waits until all processes have ended that init has adopted. */
static void await_end_of_all(void)
{
	while (counters().processes > 8)
		sleep_ms(5);
}

SHORT(children_that_outlive_their_parent)
{
	pid_t pid = must_fork();

	cell_set(GO, 0);
	if (pid == 0) {
		cell_await(READY, crowd(sleep_until_told));
		_exit(0);
	}
	(void)reap(pid);
	cell_set(GO, 1);
	await_end_of_all();
}

static void stop_one_and_sleep(void)
{
	if (cell_add(READY, 1) == 1)
		(void)raise(SIGSTOP);
	sleep_ms(100000);
}

static void join_a_job(void)
{
	(void)setpgid(0, cell_get(JOB));
	stop_one_and_sleep();
}

/* A shell with one job; it lives until all are members, and one is stopped. */
static void run_a_job(void)
{
	pid_t first;
	int n;

	(void)setsid();
	first = must_fork();
	if (first == 0) {
		(void)setpgid(0, 0);
		sleep_ms(100000);
		_exit(0);
	}
	(void)setpgid(first, first);
	cell_set(JOB, first);
	n = crowd(join_a_job);
	cell_await(READY, n);
	(void)waitpid(-1, NULL, WUNTRACED);
	_exit(0);
}

SHORT(a_stopped_job_whose_shell_ends)
{
	pid_t pid = must_fork();

	if (pid == 0)
		run_a_job();
	(void)reap(pid);
	await_end_of_all();
}

/*
 * The group is an orphan, which is known only when all members have been looked
 * at.
 */
SHORT(a_member_of_a_large_orphaned_group_is_to_stop)
{
	pid_t pid = must_fork();

	if (pid == 0) {
		(void)setsid();
		cell_await(READY, crowd(sleep_long));
		(void)raise(SIGTSTP);
		disperse();
		_exit(0);
	}
	(void)reap(pid);
}

SHORT(children_that_move_to_another_group)
{
	pid_t first = must_fork(), pid;

	if (first == 0) {
		(void)setpgid(0, 0);
		cell_await(READY, crowd(sleep_long));
		pid = must_fork();
		if (pid == 0) {
			(void)setpgid(0, 0);
			(void)setpgid(0, getppid());
			_exit(0);
		}
		(void)setpgid(pid, pid);
		(void)setpgid(pid, 0);
		(void)reap(pid);
		disperse();
		_exit(0);
	}
	(void)reap(first);
}

static void wait_on_word(void)
{
	(void)cell_add(READY, 1);
#ifdef __riscv
	(void)raw(SYS_futex, (long)&board[GO], 0, 0, 0);
#endif
}

SHORT(sleepers_that_are_woken_together)
{
	int n;

	cell_set(GO, 0);
	n = crowd_in_group(wait_on_word);
	cell_await(READY, n);
	sleep_ms(20);
	cell_set(GO, 1);
#ifdef __riscv
	(void)raw(SYS_futex, (long)&board[GO], 1, 1000000);
#endif
	disperse();
}

static struct timespec when;

static void sleep_until_then(void)
{
	(void)cell_add(READY, 1);
	(void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &when, NULL);
}

SHORT(sleepers_whose_time_is_the_same)
{
	(void)clock_gettime(CLOCK_MONOTONIC, &when);
	when.tv_sec += 2;
	(void)crowd_in_group(sleep_until_then);
	disperse();
}

/* The last to go to sleep is the first in the list. */
SHORT(a_short_sleep_before_many_long_ones)
{
	int n = crowd_in_group(sleep_long);

	cell_await(READY, n);
	sleep_ms(20);
	sleep_ms(1);
	disperse();
}

#define PS 8

/* Calls that only Calf has. */
SHORT(looks_at_processes_and_their_memory)
{
#ifdef __riscv
	unsigned char *p = pages_private(1024);
	struct calf_run run;
	struct calf_ps ps;
	size_t i;

	for (i = 0; i < 1024; i++)
		p[i * PAGE] = 1;
	(void)raw(SYS_calf_next, 0, (long)p, (long)&run);
	cell_await(READY, crowd_in_group(sleep_long));
	for (ps.pid = 0, i = 0; i < PS; i++)
		(void)raw(SYS_calf_ps, ps.pid, (long)&ps);
	disperse();
#endif
}

#ifdef __riscv
#define ASKED 50

/* The shortest time that it takes to be told of oneself, in ns. */
static long time_of_ps(void)
{
	long shortest = 1000000000;

	for (int i = 0; i < ASKED; i++) {
		struct timespec a, b;
		struct calf_ps ps;
		long ns;

		(void)clock_gettime(CLOCK_MONOTONIC, &a);
		(void)raw(SYS_calf_ps, getpid() - 1, (long)&ps);
		(void)clock_gettime(CLOCK_MONOTONIC, &b);
		ns = (b.tv_sec - a.tv_sec) * 1000000000 + b.tv_nsec - a.tv_nsec;
		if (ns < shortest)
			shortest = ns;
	}
	return shortest;
}
#endif

/* Looks at each of many processes, one after the other. */
TEST(to_be_told_of_one_takes_as_long_beside_many)
{
#ifdef __riscv
	long alone, beside;

	if (!on_calf())
		return SKIP("only Calf has a list of processes");
	alone = time_of_ps();
	cell_await(READY, crowd_in_group(sleep_long));
	beside = time_of_ps();
	disperse();
	MUST(beside < 3 * alone + 1000,
	    found("%ld ns, and %ld beside many", alone, beside));
	return NULL;
#else
	return SKIP("only Calf has a list of processes");
#endif
}

static const struct test tests[] = {
    T(signals_to_all_processes),
    T(children_that_nobody_waited_for),
    T(children_that_outlive_their_parent),
    T(a_stopped_job_whose_shell_ends),
    T(a_member_of_a_large_orphaned_group_is_to_stop),
    T(children_that_move_to_another_group),
    T(sleepers_that_are_woken_together),
    T(sleepers_whose_time_is_the_same),
    T(a_short_sleep_before_many_long_ones),
    T(looks_at_processes_and_their_memory),
    T(to_be_told_of_one_takes_as_long_beside_many),
};

SUITE(tests)
