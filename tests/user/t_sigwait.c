/* SPDX-License-Identifier: MIT */
/*
 * t_sigwait.c - signals that are waited for, and what comes with them.
 */
#include "harness.h"

#define MS 1000000L

static volatile int handled;

static void on_signal(int sig)
{
	(void)sig;
	handled++;
}

static uint64_t bit(int sig)
{
	return 1UL << (sig - 1);
}

static bool is_blocked(int sig)
{
	sigset_t now;

	if (sigprocmask(SIG_BLOCK, NULL, &now) != 0)
		give_up("sigprocmask failed");
	return sigismember(&now, sig) == 1;
}

static long timed_wait(uint64_t set, siginfo_t *info, struct timespec *rest)
{
	return raw(SYS_rt_sigtimedwait, (long)&set, (long)info, (long)rest, 8);
}

TEST(a_pending_signal_is_taken_at_once)
{
	struct timespec now = {0, 0};
	siginfo_t info;

	block_signal(SIGUSR1);
	block_signal(SIGUSR2);
	(void)signal(SIGUSR1, on_signal);
	MUST(timed_wait(bit(SIGUSR1), NULL, &now) == -EAGAIN, "there was none");
	kill(getpid(), SIGUSR2);
	kill(getpid(), SIGUSR1);
	MUST(timed_wait(bit(SIGUSR1), &info, &now) == SIGUSR1, "not taken");
	MUST(info.si_signo == SIGUSR1 && info.si_code == SI_USER &&
		info.si_pid == getpid(),
	    "another siginfo");
	MUST(timed_wait(bit(SIGUSR1), NULL, &now) == -EAGAIN, "taken twice");
	MUST(timed_wait(bit(SIGUSR2), NULL, NULL) == SIGUSR2, "the other");
	MUST(handled == 0, "the handler ran");
	return NULL;
}

TEST(a_signal_is_waited_for)
{
	struct timespec rest = {20, 0};
	pid_t me = getpid();
	pid_t pid;
	int i;

	block_signal(SIGUSR1);
	for (i = 0; i < 20; i++) {
		pid = must_fork();
		if (pid == 0) {
			if (i % 2 == 0)
				sleep_ms(5);
			kill(me, SIGUSR1);
			_exit(0);
		}
		MUST(timed_wait(bit(SIGUSR1) | bit(SIGUSR2), NULL, &rest) ==
			SIGUSR1,
		    "it did not come");
		(void)reap(pid);
	}
	MUST(is_blocked(SIGUSR1) && !is_blocked(SIGUSR2), "another mask");
	return NULL;
}

TEST(a_wait_for_a_signal_ends_in_time)
{
	struct timespec rest = {0, 30 * MS};
	struct timespec bad = {0, 1000000000};
	long start = now_ms();

	block_signal(SIGUSR1);
	MUST(timed_wait(bit(SIGUSR1), NULL, &rest) == -EAGAIN, "it came");
	MUST(now_ms() - start >= 29, "too early");
	MUST(now_ms() - start < 5000, "too late");
	MUST(timed_wait(bit(SIGUSR1), NULL, &bad) == -EINVAL, "a billion ns");
	MUST(raw(SYS_rt_sigtimedwait, 8, 0, (long)&rest, 8) == -EFAULT,
	    "a bad set");
	MUST(raw(SYS_rt_sigtimedwait, 8, 0, (long)&rest, 4) == -EINVAL,
	    "a short set");
	return NULL;
}

TEST(a_handler_ends_a_wait_for_another_signal)
{
	struct timespec rest = {20, 0};
	pid_t me = getpid();
	pid_t pid;

	block_signal(SIGUSR1);
	(void)signal(SIGUSR2, on_signal);
	pid = must_fork();
	if (pid == 0) {
		sleep_ms(30);
		kill(me, SIGUSR2);
		_exit(0);
	}
	MUST(timed_wait(bit(SIGUSR1), NULL, &rest) == -EINTR, "it did not");
	MUST(handled == 1, "the handler did not run");
	MUST(is_blocked(SIGUSR1) && !is_blocked(SIGUSR2), "another mask");
	(void)reap(pid);
	return NULL;
}

/* sigwait(SIGCHLD) is how a shell or a supervisor waits. */
TEST(the_end_of_a_child_is_waited_for)
{
	siginfo_t info;
	pid_t pid;

	block_signal(SIGCHLD);
	pid = must_fork();
	if (pid == 0)
		_exit(9);
	MUST(timed_wait(bit(SIGCHLD), &info, NULL) == SIGCHLD, "no SIGCHLD");
	MUST(info.si_code == CLD_EXITED && info.si_pid == pid &&
		info.si_status == 9,
	    "another siginfo");
	return exited_with(reap(pid), 9) ? NULL : "another status";
}

/* ---- Signals with a value ---- */

static long queue(pid_t pid, int sig, int code, uint64_t value)
{
	static uint64_t info[16];
	int *words = (int *)info;

	words[2] = code;
	words[4] = getpid();
	info[3] = value;
	return raw(SYS_rt_sigqueueinfo, pid, sig, (long)info);
}

TEST(a_value_travels_with_a_signal)
{
	uint64_t info[16];
	pid_t parent = getpid();
	pid_t pid;

	block_signal(SIGUSR1);
	pid = must_fork();
	if (pid == 0) {
		if (queue(parent, SIGUSR1, 0, 1) != -EPERM ||
		    queue(parent, SIGUSR1, SI_TKILL, 1) != -EPERM)
			_exit(1);
		_exit(queue(parent, SIGUSR1, -1, 0x123456789abcdef0) == 0 ? 0
									  : 2);
	}
	MUST(timed_wait(bit(SIGUSR1), (siginfo_t *)info, NULL) == SIGUSR1,
	    "no signal");
	MUST(((int *)info)[2] == -1 && ((int *)info)[4] == pid, "other words");
	MUST(info[3] == 0x123456789abcdef0, "another value");
	MUST(exited_with(reap(pid), 0), "the sender passed for somebody else");
	MUST(queue(4194303, SIGUSR1, -1, 0) == -ESRCH, "to nobody");
	MUST(queue(getpid(), 65, -1, 0) == -EINVAL, "signal 65");
	MUST(queue(getpid(), 0, -1, 0) == 0, "signal 0");
	MUST(raw(SYS_rt_sigqueueinfo, getpid(), SIGUSR1, 8) == -EFAULT,
	    "a bad siginfo");
	return NULL;
}

/* Of two signals the wait takes one. The handler of the other runs at once. */
TEST(what_a_wait_leaves_is_handled)
{
	struct timespec limit = {20, 0};
	pid_t me = getpid(), pid;
	volatile int n;
	long sig;

	(void)signal(SIGUSR1, on_signal);
	(void)signal(SIGUSR2, on_signal);
	pid = must_fork();
	if (pid == 0) {
		sleep_ms(30);
		(void)kill(me, SIGUSR1);
		(void)kill(me, SIGUSR2);
		_exit(0);
	}
	sig = timed_wait(bit(SIGUSR1) | bit(SIGUSR2), NULL, &limit);
	for (n = 0; n < 50000000 && handled == 0; n++)
		continue;
	MUST(sig == SIGUSR1, found("rt_sigtimedwait returned %ld", sig));
	MUST(handled == 1, "the other waits for nobody");
	return child_end(pid);
}

TEST(a_signal_that_sigsuspend_lets_through_is_not_overslept)
{
	sigset_t none;

	(void)signal(SIGUSR1, on_signal);
	block_signal(SIGUSR1);
	(void)kill(getpid(), SIGUSR1);
	sigemptyset(&none);
	MUST(sigsuspend(&none) == -1 && errno == EINTR, "another result");
	return handled == 1 ? NULL : "the handler did not run";
}

/* A stop in between does not make it forget the mask from before. */
TEST(sigsuspend_keeps_the_mask_whatever_wakes_it)
{
	pid_t me = getpid(), pid;
	sigset_t none;

	(void)signal(SIGUSR1, on_signal);
	block_signal(SIGUSR1);
	sigemptyset(&none);
	pid = must_fork();
	if (pid == 0) {
		sleep_ms(30);
		kill(me, SIGSTOP);
		sleep_ms(10);
		kill(me, SIGCONT);
		sleep_ms(30);
		kill(me, SIGUSR1);
		_exit(0);
	}
	MUST(sigsuspend(&none) == -1 && errno == EINTR, "another result");
	(void)reap(pid);
	MUST(handled == 1, "the handler did not run");
	(void)kill(getpid(), SIGUSR1);
	return handled == 1 ? NULL : "the mask was not restored";
}

static const struct test tests[] = {
    T(a_pending_signal_is_taken_at_once),
    T(a_signal_is_waited_for),
    T(a_wait_for_a_signal_ends_in_time),
    T(a_handler_ends_a_wait_for_another_signal),
    T(the_end_of_a_child_is_waited_for),
    T(a_value_travels_with_a_signal),
    T(what_a_wait_leaves_is_handled),
    T(a_signal_that_sigsuspend_lets_through_is_not_overslept),
    T(sigsuspend_keeps_the_mask_whatever_wakes_it),
};

SUITE(tests)
