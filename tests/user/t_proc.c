/* SPDX-License-Identifier: MIT */
/*
 * t_proc.c - the life of processes: fork, exit, wait, orphans, time.
 *
 * t_exec.c has the other half, execve.
 */
#include "harness.h"

#include <sched.h>

#define WAIT_ALL 0x40000000 /* __WALL */

/* ---- Exit and wait ---- */

static int code_to_exit;

static void exit_with_code(void)
{
	_exit(code_to_exit);
}

TEST(exit_codes_are_eight_bits)
{
	static const int codes[] = {0, 1, 2, 127, 128, 255, 256, 257, 4711, -1};
	int i;

	for (i = 0; i < COUNT(codes); i++) {
		code_to_exit = codes[i];
		if (!exited_with(status_of(exit_with_code), codes[i] & 0xff))
			return found("exit(%d) gave another status", codes[i]);
	}
	return NULL;
}

TEST(wait_without_children_is_echild)
{
	int status;
	pid_t pid;

	MUST(waitpid(-1, &status, 0) == -1 && errno == ECHILD, "any child");
	MUST(waitpid(-1, &status, WNOHANG) == -1 && errno == ECHILD,
	    "any child, without waiting");
	MUST(waitpid(getpid(), &status, 0) == -1 && errno == ECHILD, "itself");
	MUST(waitpid(1, &status, 0) == -1 && errno == ECHILD, "process 1");
	pid = must_fork();
	if (pid == 0)
		_exit(0);
	MUST(waitpid(pid + 1, &status, 0) == -1 && errno == ECHILD,
	    "a child that is not");
	(void)reap(pid);
	MUST(waitpid(pid, &status, 0) == -1 && errno == ECHILD,
	    "a child that was reaped");
	MUST(waitpid(-1, &status, 12345678) == -1 && errno == EINVAL,
	    "unknown options");
	return NULL;
}

TEST(wnohang_does_not_wait)
{
	int status = 0x1234;
	pid_t got;
	pid_t pid = must_fork();

	if (pid == 0) {
		cell_await(0, 1);
		_exit(6);
	}
	MUST(waitpid(pid, &status, WNOHANG) == 0, "a live child was reaped");
	MUST(waitpid(-1, &status, WNOHANG) == 0, "a live child was reaped");
	MUST(status == 0x1234, "a status was stored");
	cell_set(0, 1);
	while ((got = waitpid(pid, &status, WNOHANG)) == 0)
		sched_yield();
	MUST(got == pid && exited_with(status, 6), "another status");
	return NULL;
}

TEST(wait_takes_the_child_it_is_asked_for)
{
	pid_t pids[8];
	int i;

	for (i = 0; i < 8; i++) {
		pids[i] = must_fork();
		if (pids[i] == 0)
			_exit(10 + i);
	}
	for (i = 7; i >= 0; i--)
		MUST(exited_with(reap(pids[i]), 10 + i), "another's status");
	return NULL;
}

TEST(wait_for_any_takes_each_child_once)
{
	int seen = 0;
	int status;
	int i;

	for (i = 0; i < 8; i++)
		if (must_fork() == 0)
			_exit(i);
	for (i = 0; i < 8; i++) {
		MUST(waitpid(-1, &status, 0) > 0, "wait failed");
		seen |= 1 << WEXITSTATUS(status);
	}
	MUST(seen == 0xff, "a child was reaped twice, or not at all");
	return NULL;
}

TEST(wait_wants_no_status)
{
	pid_t pid = must_fork();

	if (pid == 0)
		_exit(1);
	MUST(waitpid(pid, NULL, 0) == pid, "waitpid failed");
	return NULL;
}

/* A child that exits while its parent sleeps in wait, and one before. */
TEST(exit_and_wait_in_either_order)
{
	int i;

	for (i = 0; i < 50; i++) {
		pid_t pid = must_fork();

		if (pid == 0) {
			if (i % 2 == 0)
				sched_yield();
			_exit(i);
		}
		if (i % 3 == 0)
			sched_yield();
		MUST(exited_with(reap(pid), i), "another status");
	}
	return NULL;
}

/* ---- Orphans ---- */

static int parent_after_orphaning(pid_t old)
{
	int i;

	for (i = 0; i < 2000 && getppid() == old; i++)
		sleep_ms(1);
	return getppid();
}

TEST(an_orphan_gets_another_parent)
{
	pid_t pid = must_fork();

	if (pid == 0) {
		pid_t old = getpid();

		if (must_fork() != 0)
			_exit(0);
		cell_set(1, old);
		cell_set(0, parent_after_orphaning(old));
		_exit(0);
	}
	(void)reap(pid);
	cell_await(0, 1);
	MUST(cell_get(0) != cell_get(1), "its parent is still the dead one");
	MUST(!on_calf() || cell_get(0) == 1, "its parent is not process 1");
	return NULL;
}

/* To ignore SIGCHLD only reaps children that send SIGCHLD at their end. */
TEST(a_child_that_does_not_send_sigchld_is_waited_for)
{
	static const int signals[] = {0, SIGUSR1, SIGCHLD};
	int i, status = 0;
	long pid;

	if (on_emulator())
		return SKIP("the emulator forks with SIGCHLD only");
	MUST(signal(SIGCHLD, SIG_IGN) != SIG_ERR, "signal failed");
	MUST(signal(SIGUSR1, SIG_IGN) != SIG_ERR, "signal failed");
	for (i = 0; i < COUNT(signals); i++) {
		long wanted = signals[i] == SIGCHLD ? -ECHILD : 0, got;

		pid = raw(SYS_clone, signals[i], 0, 0, 0, 0);
		if (pid == 0)
			_exit(3);
		MUST(pid > 0, found("clone returned %ld", pid));
		sleep_ms(20);
		got = raw(SYS_wait4, pid, (long)&status, WAIT_ALL, 0);
		MUST(got == (wanted == 0 ? pid : wanted),
		    found("signal %d: %ld", signals[i], got));
	}
	return exited_with(status, 3) ? NULL : found("status %d", status);
}

TEST(orphaned_zombies_disappear)
{
	uint64_t before = counters().processes;
	pid_t pid = must_fork();
	int i;

	if (pid == 0) {
		for (i = 0; i < 20; i++)
			if (must_fork() == 0)
				_exit(i);
		sleep_ms(20); /* they have ended when they are orphaned */
		_exit(0);
	}
	(void)reap(pid);
	for (i = 0; i < 200 && counters().processes != before; i++)
		sleep_ms(5);
	MUST(counters().processes == before, "zombies are left");
	return NULL;
}

/* ---- Many ---- */

#define MANY 200

#define SPINS 20000 /* for the other of two processes, if it comes at all */

/* Leaves a mark, waits for that of the other, and ends a moment later. */
static void end_with(volatile int *mine, const volatile int *other, int later)
{
	volatile int i;

	*mine = 1;
	for (i = 0; i < SPINS && *other == 0; i++)
		continue;
	for (i = 0; i < later; i++)
		continue;
	_exit(0);
}

/* The child is a zombie of its parent then, or an orphan. */
TEST(a_parent_and_its_only_child_end_at_once)
{
	volatile int *marks = (volatile int *)pages_shared(1);
	int rounds = on_emulator() ? 20 : 1000;
	uint64_t random = 7;
	int i;

	for (i = 0; i < rounds; i++) {
		int parents = (int)(rnd(&random) % 400);
		int childs = (int)(rnd(&random) % 400);
		pid_t pid;

		marks[0] = marks[1] = 0;
		pid = must_fork();
		if (pid == 0) {
			if (must_fork() == 0)
				end_with(&marks[0], &marks[1], childs);
			end_with(&marks[1], &marks[0], parents);
		}
		MUST(exited_with(reap(pid), 0), "the parent");
	}
	return NULL;
}

TEST(many_children_live_at_once)
{
	static pid_t pids[MANY];
	unsigned char *p = pages_private(2);
	int fds[2];
	int i;
	int k;

	MUST(pipe(fds) == 0, "no pipe");
	stamp(p, 2, 1);
	for (i = 0; i < MANY; i++) {
		pids[i] = must_fork();
		if (pids[i] == 0) {
			char byte;

			close(fds[1]);
			stamp(p, 2, (unsigned)i);
			if (read(fds[0], &byte, 1) != 0)
				_exit(255);
			_exit(stamped(p, 2, (unsigned)i) ? i : 254);
		}
	}
	for (i = 0; i < MANY; i++)
		for (k = 0; k < i; k++)
			MUST(pids[i] != pids[k], "two have the same pid");
	close(fds[1]);
	for (i = 0; i < MANY; i++)
		MUST(exited_with(reap(pids[i]), i), "another status");
	return stamped(p, 2, 1) ? NULL : "the parent saw a child's write";
}

TEST(pids_are_told_consistently)
{
	pid_t me = getpid();
	pid_t pid = must_fork();

	if (pid == 0) {
		cell_set(0, getpid());
		_exit(getppid() == me && getpid() != me ? 0 : 1);
	}
	MUST(exited_with(reap(pid), 0), "the child sees other pids");
	MUST(cell_get(0) == pid, "fork returned another pid");
	MUST(getpid() == me, "the parent's pid changed");
	return NULL;
}

TEST(vfork_waits_for_the_child)
{
	pid_t pid = vfork();

	if (pid == 0)
		_exit(8);
	MUST(pid > 0, "vfork failed");
	return exited_with(reap(pid), 8) ? NULL : "another status";
}

/* vfork without a function call, as the child must not return from one. */
static inline __attribute__((always_inline)) long vfork_here(void)
{
	register long a0 __asm__("a0") = CLONE_VM | CLONE_VFORK | SIGCHLD;
	register long a1 __asm__("a1") = 0;
	register long a7 __asm__("a7") = SYS_clone;

	__asm__ volatile("ecall" : "+r"(a0) : "r"(a1), "r"(a7) : "memory");
	return a0;
}

TEST(vfork_lends_the_memory_until_the_child_exits)
{
	static volatile int seen;
	long pid;

	if (on_emulator())
		return SKIP("the emulator makes a fork of it");
	seen = 0;
	pid = vfork_here();
	if (pid == 0) {
		for (int i = 0; i < 20; i++)
			(void)raw(SYS_sched_yield, 0);
		seen = 1;
		_exit(8);
	}
	MUST(pid > 0, "vfork failed");
	MUST(seen == 1, "the parent did not wait, or has other memory");
	return exited_with(reap((pid_t)pid), 8) ? NULL : "another status";
}

/* After fork, parent and child share the position of an open file. */
TEST(descriptors_share_their_position)
{
	int fd = open(suite_path, O_RDONLY);
	unsigned char byte;
	pid_t pid;

	MUST(fd >= 0, "the program itself cannot be read");
	MUST(read(fd, &byte, 1) == 1 && byte == 0x7f, "it is not ELF");
	pid = must_fork();
	if (pid == 0) {
		if (read(fd, &byte, 1) != 1)
			_exit(1);
		_exit(byte);
	}
	MUST(exited_with(reap(pid), 'E'), "the child read another byte");
	MUST(read(fd, &byte, 1) == 1 && byte == 'L',
	    "the child's read did not move the position");
	close(fd);
	return NULL;
}

TEST(closing_in_the_child_keeps_the_parents_open)
{
	int fds[2];
	pid_t pid;
	char byte;

	MUST(pipe(fds) == 0, "no pipe");
	pid = must_fork();
	if (pid == 0) {
		close(fds[0]);
		close(fds[1]);
		_exit(0);
	}
	(void)reap(pid);
	MUST(write(fds[1], "z", 1) == 1, "write failed");
	MUST(read(fds[0], &byte, 1) == 1 && byte == 'z', "read failed");
	return NULL;
}

/* ---- Time ---- */

TEST(the_clock_does_not_go_back)
{
	struct timespec a;
	struct timespec b;
	int i;

	MUST(clock_gettime(CLOCK_MONOTONIC, &a) == 0, "no clock");
	for (i = 0; i < 2000; i++) {
		MUST(clock_gettime(CLOCK_MONOTONIC, &b) == 0, "no clock");
		MUST(b.tv_sec > a.tv_sec ||
			(b.tv_sec == a.tv_sec && b.tv_nsec >= a.tv_nsec),
		    "it went back");
		a = b;
		if (i % 100 == 0)
			sched_yield();
	}
	MUST(clock_gettime(9999, &a) == -1 && errno == EINVAL, "clock 9999");
	return NULL;
}

TEST(nanosleep_sleeps_as_long_as_it_should)
{
	long start = now_ms();
	struct timespec bad = {0, 1000000000};

	sleep_ms(50);
	MUST(now_ms() - start >= 49, "it woke too early");
	MUST(now_ms() - start < 5000, "it woke far too late");
	MUST(nanosleep(&bad, NULL) == -1 && errno == EINVAL,
	    "a billion nanoseconds");
	bad.tv_sec = -1;
	bad.tv_nsec = 0;
	MUST(nanosleep(&bad, NULL) == -1 && errno == EINVAL, "-1 seconds");
	return NULL;
}

TEST(sleepers_sleep_side_by_side)
{
	pid_t pids[20];
	long start = now_ms();
	int i;

	for (i = 0; i < 20; i++) {
		pids[i] = must_fork();
		if (pids[i] == 0) {
			sleep_ms(100);
			_exit(0);
		}
	}
	for (i = 0; i < 20; i++)
		(void)reap(pids[i]);
	MUST(now_ms() - start < 1800, "they slept one after the other");
	return NULL;
}

/*
 * The call ends before others run, and its result is there when the caller goes
 * on.
 */
TEST(yielding_returns_0)
{
	pid_t pid = spinner_start();
	long result = 0;
	int i;

	for (i = 0; i < 10 && result == 0; i++)
		result = raw(SYS_sched_yield, 77);
	(void)kill(pid, SIGKILL);
	(void)reap(pid);
	return result == 0 ? NULL : found("sched_yield returned %ld", result);
}

/* No process starves another, even if it never calls the kernel. */
TEST(a_loop_does_not_keep_others_from_running)
{
	pid_t pids[4];
	int i;

	for (i = 0; i < 4; i++) {
		pids[i] = must_fork();
		if (pids[i] == 0)
			for (;;)
				(void)cell_add(i, 1);
	}
	for (i = 0; i < 4; i++)
		cell_await(i, 1);
	for (i = 0; i < 4; i++) {
		MUST(kill(pids[i], SIGKILL) == 0, "kill failed");
		(void)reap(pids[i]);
	}
	return NULL;
}

static const struct test tests[] = {
    T(exit_codes_are_eight_bits),
    T(wait_without_children_is_echild),
    T(wnohang_does_not_wait),
    T(wait_takes_the_child_it_is_asked_for),
    T(wait_for_any_takes_each_child_once),
    T(wait_wants_no_status),
    T(exit_and_wait_in_either_order),
    T(an_orphan_gets_another_parent),
    T(a_child_that_does_not_send_sigchld_is_waited_for),
    T(orphaned_zombies_disappear),
    T(a_parent_and_its_only_child_end_at_once),
    T(many_children_live_at_once),
    T(pids_are_told_consistently),
    T(vfork_waits_for_the_child),
    T(vfork_lends_the_memory_until_the_child_exits),
    T(descriptors_share_their_position),
    T(closing_in_the_child_keeps_the_parents_open),
    T(the_clock_does_not_go_back),
    T(nanosleep_sleeps_as_long_as_it_should),
    T(sleepers_sleep_side_by_side),
    T(yielding_returns_0),
    T(a_loop_does_not_keep_others_from_running),
};

SUITE(tests)
