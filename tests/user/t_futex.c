/* SPDX-License-Identifier: MIT */
/*
 * t_futex.c - sleeping on a word of memory: which sleeper a call wakes, and how
 * a sleep ends.
 */
#include "harness.h"

#include "abi/futex.h"

#include <sched.h>

static volatile int handled;

static void on_signal(int sig)
{
	(void)sig;
	handled++;
}

static void handle_with(unsigned flags)
{
	struct sigaction sa;

	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = on_signal;
	sa.sa_flags = flags;
	if (sigaction(SIGUSR1, &sa, NULL) != 0)
		give_up("sigaction failed");
}

static long futex(const volatile int *word, int op, int value, const void *time,
    unsigned bits)
{
	return raw(SYS_futex, (long)word, op, value, (long)time, 0, (long)bits);
}

static long wait_on(const volatile int *word, int value)
{
	return futex(word, FUTEX_WAIT, value, NULL, 0);
}

static long wake(const volatile int *word, int count)
{
	return futex(word, FUTEX_WAKE, count, NULL, 0);
}

/* Wakes `count` sleepers one by one, as soon as they sleep. */
static void wake_each(const volatile int *word, int count)
{
	while (count > 0) {
		long woken = wake(word, 1);

		if (woken < 0 || woken > 1)
			give_up(found("one wake woke %ld", woken));
		count -= (int)woken;
		sched_yield();
	}
}

/* ---- What is refused ---- */

TEST(another_value_is_not_waited_for)
{
	MUST(wait_on(&board[0], 1) == -EAGAIN, "it slept, or failed");
	MUST(futex(&board[0], FUTEX_WAIT | FUTEX_PRIVATE_FLAG, 1, NULL, 0) ==
		-EAGAIN,
	    "the private form differs");
	MUST(wake(&board[0], 1) == 0, "somebody was woken");
	return NULL;
}

TEST(bad_arguments_are_refused)
{
	static const struct timespec much = {0, 1000000000};
	static const struct timespec past = {-1, 0};
	const int *odd = (const int *)((uintptr_t)board + 2);
	const int *none = (const int *)reserve(PAGE, PAGE);

	MUST(wait_on(odd, 0) == -EINVAL, "a misaligned word");
	MUST(wake(odd, 1) == -EINVAL, "a misaligned word to wake");
	MUST(wait_on(none, 0) == -EFAULT, "a word that is not there");
	MUST(futex(board, FUTEX_WAIT_BITSET, 0, NULL, 0) == -EINVAL,
	    "nothing to be woken for");
	MUST(futex(board, FUTEX_WAKE_BITSET, 1, NULL, 0) == -EINVAL,
	    "nothing to wake for");
	MUST(futex(board, FUTEX_WAIT, 0, &much, 0) == -EINVAL,
	    "a billion nanoseconds");
	MUST(futex(board, FUTEX_WAIT, 0, &past, 0) == -EINVAL, "-1 seconds");
	MUST(futex(board, 77, 0, NULL, 0) == -ENOSYS, "operation 77");
	MUST(futex(board, FUTEX_WAKE | FUTEX_CLOCK_REALTIME, 1, NULL, 0) ==
		-ENOSYS,
	    "a clock to wake by");
	return NULL;
}

/* ---- Time ---- */

static long until(int clock, long ms, int flags)
{
	struct timespec t;

	if (clock_gettime(clock, &t) != 0)
		give_up("no clock");
	t.tv_nsec += ms * 1000000;
	t.tv_sec += t.tv_nsec / 1000000000;
	t.tv_nsec %= 1000000000;
	return futex(&board[0], FUTEX_WAIT_BITSET | flags, 0, &t, 1);
}

TEST(time_ends_a_wait_and_not_too_early)
{
	static const struct timespec rest = {0, 30000000};
	long start = now_ms();

	MUST(futex(&board[0], FUTEX_WAIT, 0, &rest, 0) == -ETIMEDOUT,
	    "for a time");
	MUST(now_ms() - start >= 29, "for a time, it was early");
	MUST(until(CLOCK_MONOTONIC, 30, 0) == -ETIMEDOUT, "until a time");
	MUST(now_ms() - start >= 59, "until a time, it was early");
	MUST(until(CLOCK_REALTIME, 30, FUTEX_CLOCK_REALTIME) == -ETIMEDOUT,
	    "until a real time");
	MUST(now_ms() - start >= 89, "until a real time, it was early");
	MUST(until(CLOCK_MONOTONIC, 0, 0) == -ETIMEDOUT, "until now");
	MUST(now_ms() - start < 5000, "it was far too late");
	return NULL;
}

/* ---- Wakes ---- */

#define SLEEPERS 5

static void sleepers_start(pid_t *pids)
{
	int i;

	for (i = 0; i < SLEEPERS; i++) {
		pids[i] = must_fork();
		if (pids[i] == 0)
			_exit(wait_on(&board[0], 0) == 0 ? 0 : 1);
	}
}

static const char *sleepers_end(pid_t *pids)
{
	int i;

	for (i = 0; i < SLEEPERS; i++)
		MUST(exited_with(reap(pids[i]), 0), "a wait did not return 0");
	return NULL;
}

/* The word keeps its value: only the wake can have ended their waits. */
TEST(each_sleeper_is_woken_once)
{
	pid_t pids[SLEEPERS];

	sleepers_start(pids);
	wake_each(&board[0], SLEEPERS);
	MUST(wake(&board[0], SLEEPERS) == 0, "one was woken twice");
	return sleepers_end(pids);
}

TEST(one_call_wakes_many)
{
	pid_t pids[SLEEPERS];
	long woken;

	sleepers_start(pids);
	sleep_ms(100);
	woken = wake(&board[0], 2);
	MUST(woken <= 2, "more than were asked for");
	while (woken < SLEEPERS) {
		long n = wake(&board[0], 1000);

		MUST(n >= 0, "a wake failed");
		woken += n;
	}
	MUST(woken == SLEEPERS, "more than there were");
	return sleepers_end(pids);
}

TEST(a_wake_finds_only_those_who_wait_for_it)
{
	pid_t pid = must_fork();

	if (pid == 0)
		_exit(futex(&board[0], FUTEX_WAIT_BITSET, 0, NULL, 6) == 0 ? 0
									   : 1);
	sleep_ms(50);
	MUST(futex(&board[0], FUTEX_WAKE_BITSET, 9, NULL, 9) == 0,
	    "woken for another bit");
	MUST(wake(&board[1], 9) == 0, "woken by another word");
	while (futex(&board[0], FUTEX_WAKE_BITSET, 9, NULL, 12) == 0)
		sched_yield();
	return exited_with(reap(pid), 0) ? NULL : "the wait did not return 0";
}

/*
 * After fork one address stands for two words, although they are in one page
 * until one side writes.
 */
TEST(a_wake_in_private_memory_does_not_reach_a_child)
{
	static const struct timespec rest = {0, 200000000};
	volatile int *word = (volatile int *)pages_private(1);
	pid_t pid;

	word[0] = 7;
	pid = must_fork();
	if (pid == 0)
		_exit(
		    futex(word, FUTEX_WAIT, 7, &rest, 0) == -ETIMEDOUT ? 0 : 1);
	while (waitpid(pid, NULL, WNOHANG) == 0) {
		MUST(wake(word, 1) == 0, "the child was woken");
		sched_yield();
	}
	MUST(wait_on(word, 8) == -EAGAIN, "another value");
	return NULL;
}

/* ---- Signals ---- */

TEST(a_signal_ends_a_wait_or_not)
{
	static const struct timespec rest = {60, 0};
	pid_t me = getpid();
	pid_t pid = must_fork();

	if (pid == 0) {
		while (cell_get(1) < 2) {
			sleep_ms(20);
			kill(me, SIGUSR1);
		}
		wake_each(&board[0], 1);
		_exit(0);
	}
	handle_with(0);
	MUST(wait_on(&board[0], 0) == -EINTR, "without SA_RESTART");
	handle_with(SA_RESTART);
	MUST(futex(&board[0], FUTEX_WAIT, 0, &rest, 0) == -EINTR,
	    "with a time");
	cell_set(1, 2);
	MUST(wait_on(&board[0], 0) == 0, "with SA_RESTART");
	return exited_with(reap(pid), 0) ? NULL : "the waker failed";
}

#define ROUNDS 300

/* A signal that comes after the wake, and before the sleeper runs. */
TEST(a_wake_is_not_lost_to_a_signal)
{
	pid_t pid;
	int i;

	handle_with(0);
	pid = must_fork();
	if (pid == 0) {
		for (i = 1; i <= ROUNDS; i++) {
			if (wait_on(&board[0], 0) != 0)
				give_up("a wait that was woken failed");
			while (handled < i)
				sched_yield();
			cell_set(1, i);
		}
		_exit(0);
	}
	for (i = 1; i <= ROUNDS; i++) {
		wake_each(&board[0], 1);
		kill(pid, SIGUSR1);
		cell_await(1, i);
	}
	return child_end(pid);
}

/* ---- What it is for ---- */

/* 0: free, 1: taken, 2: taken, and a process may sleep. */
static void mutex_lock(int *word)
{
	int seen = 0;

	if (__atomic_compare_exchange_n(word, &seen, 1, false, __ATOMIC_ACQUIRE,
		__ATOMIC_RELAXED))
		return;
	while (__atomic_exchange_n(word, 2, __ATOMIC_ACQUIRE) != 0)
		(void)wait_on(word, 2);
}

static void mutex_unlock(int *word)
{
	if (__atomic_exchange_n(word, 0, __ATOMIC_RELEASE) == 2)
		(void)wake(word, 1);
}

#define TURNS 1500

TEST(a_mutex_of_many_processes_excludes)
{
	volatile int *count = &board[2];
	pid_t pids[SLEEPERS];
	int i;
	int k;

	for (i = 0; i < SLEEPERS; i++) {
		pids[i] = must_fork();
		if (pids[i] != 0)
			continue;
		for (k = 0; k < TURNS; k++) {
			mutex_lock(&board[0]);
			int now = *count;

			if (k % 64 == 0)
				sched_yield();
			*count = now + 1;
			mutex_unlock(&board[0]);
		}
		_exit(0);
	}
	TRY(sleepers_end(pids));
	MUST(*count == SLEEPERS * TURNS,
	    found("%d instead of %d", *count, SLEEPERS * TURNS));
	return NULL;
}

static void semaphore_take(int *word)
{
	int n;

	for (;;) {
		n = cell_get((int)(word - board));
		if (n == 0)
			(void)wait_on(word, 0);
		else if (__atomic_compare_exchange_n(word, &n, n - 1, false,
			     __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
			return;
	}
}

static void semaphore_give(int *word)
{
	(void)__atomic_add_fetch(word, 1, __ATOMIC_RELEASE);
	(void)wake(word, 1);
}

TEST(semaphores_pass_the_turn_back_and_forth)
{
	pid_t pid = must_fork();
	int i;

	for (i = 0; i < TURNS; i++) {
		if (pid == 0) {
			semaphore_take(&board[0]);
			board[2]++;
			semaphore_give(&board[1]);
		} else {
			semaphore_give(&board[0]);
			semaphore_take(&board[1]);
			MUST(board[2] == i + 1, "out of turn");
		}
	}
	if (pid == 0)
		_exit(0);
	return exited_with(reap(pid), 0) ? NULL : "the other failed";
}

static const struct test tests[] = {
    T(another_value_is_not_waited_for),
    T(bad_arguments_are_refused),
    T(time_ends_a_wait_and_not_too_early),
    T(each_sleeper_is_woken_once),
    T(one_call_wakes_many),
    T(a_wake_finds_only_those_who_wait_for_it),
    T(a_wake_in_private_memory_does_not_reach_a_child),
    T(a_signal_ends_a_wait_or_not),
    T(a_wake_is_not_lost_to_a_signal),
    T(a_mutex_of_many_processes_excludes),
    T(semaphores_pass_the_turn_back_and_forth),
};

SUITE(tests)
