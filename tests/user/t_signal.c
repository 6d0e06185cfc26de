/* SPDX-License-Identifier: MIT */
/*
 * t_signal.c - signals: what they do by default, and what handlers may do.
 *
 * t_sigfault.c has those that a process brings upon itself.
 */
#include "harness.h"

#include <sched.h>

static volatile int handled; /* calls of a handler */
static volatile int last_signal;
static volatile int depth;
static volatile int deepest;

static void on_signal(int sig)
{
	depth++;
	if (depth > deepest)
		deepest = depth;
	handled++;
	last_signal = sig;
	depth--;
}

static void handle_with(int sig, void (*handler)(int), unsigned flags)
{
	struct sigaction sa;

	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = handler;
	sa.sa_flags = flags;
	if (sigaction(sig, &sa, NULL) != 0)
		give_up(found("sigaction(%d) failed", sig));
}

static void mask(int how, int sig)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, sig);
	if (sigprocmask(how, &set, NULL) != 0)
		give_up("sigprocmask failed");
}

static bool is_pending(int sig)
{
	sigset_t set;

	sigemptyset(&set);
	if (sigpending(&set) != 0)
		give_up("sigpending failed");
	return sigismember(&set, sig) == 1;
}

static void raise_here(int sig)
{
	if (kill(getpid(), sig) != 0)
		give_up("kill of oneself failed");
}

/* ---- Default actions ---- */

static int to_raise;

static void raise_it(void)
{
	raise_here(to_raise);
}

static const char *default_kills(int sig)
{
	to_raise = sig;
	return expect_signal(raise_it, sig);
}

TEST(default_action_of_most_signals_is_death)
{
	static const int deadly[] = {
	    SIGHUP,
	    SIGINT,
	    SIGQUIT,
	    SIGILL,
	    SIGTRAP,
	    SIGABRT,
	    SIGBUS,
	    SIGFPE,
	    SIGKILL,
	    SIGUSR1,
	    SIGSEGV,
	    SIGUSR2,
	    SIGPIPE,
	    SIGALRM,
	    SIGTERM,
	};
	int i;

	for (i = 0; i < COUNT(deadly); i++)
		TRY(default_kills(deadly[i]));
	return NULL;
}

TEST(default_action_of_some_signals_is_nothing)
{
	static const int harmless[] = {SIGCHLD, SIGCONT, SIGURG, SIGWINCH};
	int i;

	for (i = 0; i < COUNT(harmless); i++) {
		to_raise = harmless[i];
		if (!exited_with(status_of(raise_it), 0))
			return found("signal %d did something", to_raise);
	}
	return NULL;
}

TEST(nothing_from_outside_ends_process_1)
{
	int sig;

	if (!on_calf())
		return SKIP("process 1 is not of this test run");
	for (sig = 1; sig <= 64; sig++)
		MUST(kill(1, sig) == 0, found("kill(1, %d) failed", sig));
	sleep_ms(20);
	MUST(kill(1, 0) == 0, "there is no process 1");
	return NULL;
}

static void abort_here(void)
{
	abort();
}

static void abort_handled(void)
{
	handle_with(SIGABRT, on_signal, 0);
	abort();
}

TEST(abort_kills_even_with_a_handler)
{
	TRY(expect_signal(abort_here, SIGABRT));
	return expect_signal(abort_handled, SIGABRT);
}

static void kill_a_loop(void)
{
	for (;;)
		cell_set(0, 1);
}

TEST(a_loop_can_be_killed)
{
	pid_t pid = must_fork();

	if (pid == 0)
		kill_a_loop();
	cell_await(0, 1);
	MUST(kill(pid, SIGTERM) == 0, "kill failed");
	return killed_by(reap(pid), SIGTERM) ? NULL : "it was not killed";
}

/* ---- Handlers ---- */

TEST(a_handler_runs_and_returns)
{
	handle_with(SIGUSR1, on_signal, 0);
	raise_here(SIGUSR1);
	MUST(handled == 1 && last_signal == SIGUSR1, "it did not run");
	raise_here(SIGUSR1);
	MUST(handled == 2, "it did not run twice");
	return NULL;
}

TEST(an_ignored_signal_does_nothing)
{
	handle_with(SIGTERM, SIG_IGN, 0);
	raise_here(SIGTERM);
	MUST(!is_pending(SIGTERM), "it is pending");
	handle_with(SIGTERM, SIG_DFL, 0);
	return NULL;
}

TEST(kill_and_stop_cannot_be_changed)
{
	struct sigaction sa;

	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = on_signal;
	MUST(sigaction(SIGKILL, &sa, NULL) == -1 && errno == EINVAL,
	    "SIGKILL was caught");
	MUST(sigaction(SIGSTOP, &sa, NULL) == -1 && errno == EINVAL,
	    "SIGSTOP was caught");
	sa.sa_handler = SIG_IGN;
	MUST(sigaction(SIGKILL, &sa, NULL) == -1, "SIGKILL is ignored");
	MUST(sigaction(65, &sa, NULL) == -1 && errno == EINVAL, "signal 65");
	MUST(sigaction(0, &sa, NULL) == -1 && errno == EINVAL, "signal 0");
	mask(SIG_BLOCK, SIGKILL);
	return default_kills(SIGKILL);
}

TEST(sigaction_tells_what_was_before)
{
	struct sigaction sa;

	handle_with(SIGUSR1, on_signal, SA_RESTART);
	MUST(sigaction(SIGUSR1, NULL, &sa) == 0, "sigaction failed");
	MUST(sa.sa_handler == on_signal, "another handler");
	MUST(((unsigned long)sa.sa_flags & SA_RESTART) != 0, "other flags");
	MUST(sigaction(SIGUSR2, NULL, &sa) == 0, "sigaction failed");
	MUST(sa.sa_handler == SIG_DFL, "not the default");
	return NULL;
}

/* As on Linux since 5.11: a program finds out which flags the kernel knows. */
TEST(sigaction_forgets_flags_that_it_does_not_know)
{
	struct {
		uint64_t handler, flags, mask;
	} all = {(uintptr_t)on_signal, 0xffffffffUL, 0}, now;

	if (on_emulator())
		return SKIP("the emulator keeps them");
	TRY(needs_riscv());
	MUST(raw(SYS_rt_sigaction, SIGUSR1, (long)&all, 0, 8) == 0, "failed");
	MUST(raw(SYS_rt_sigaction, SIGUSR1, 0, (long)&now, 8) == 0, "failed");
	MUST(now.flags == 0xd8000807UL,
	    found("flags %lx", (unsigned long)now.flags));
	return NULL;
}

static void reset_and_raise(void)
{
	handle_with(SIGUSR1, on_signal, SA_RESETHAND);
	raise_here(SIGUSR1);
	if (handled != 1)
		give_up("the handler did not run");
	raise_here(SIGUSR1);
}

TEST(resethand_serves_once)
{
	return expect_signal(reset_and_raise, SIGUSR1);
}

static void on_signal_again(int sig)
{
	on_signal(sig);
	depth++;
	if (handled == 1)
		raise_here(sig);
	depth--;
}

TEST(a_handler_is_not_interrupted_by_its_own_signal)
{
	handle_with(SIGUSR1, on_signal_again, 0);
	raise_here(SIGUSR1);
	MUST(handled == 2, "the second signal was lost");
	MUST(deepest == 1, "the handler was interrupted by itself");
	return NULL;
}

TEST(nodefer_lets_a_handler_interrupt_itself)
{
	if (on_emulator())
		return SKIP("the emulator looks for sa_mask elsewhere");
	handle_with(SIGUSR1, on_signal_again, SA_NODEFER);
	raise_here(SIGUSR1);
	MUST(handled == 2, "the second signal was lost");
	MUST(deepest == 2, "the handler was not interrupted");
	return NULL;
}

static void on_usr1_raise_usr2(int sig)
{
	on_signal(sig);
	raise_here(SIGUSR2);
	if (last_signal != sig)
		give_up("a masked signal came through");
}

TEST(sa_mask_holds_during_the_handler)
{
	struct sigaction sa;

	if (on_emulator())
		return SKIP("the emulator looks for sa_mask elsewhere");
	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = on_usr1_raise_usr2;
	sigemptyset(&sa.sa_mask);
	sigaddset(&sa.sa_mask, SIGUSR2);
	MUST(sigaction(SIGUSR1, &sa, NULL) == 0, "sigaction failed");
	handle_with(SIGUSR2, on_signal, 0);
	raise_here(SIGUSR1);
	MUST(handled == 2 && last_signal == SIGUSR2, "SIGUSR2 was lost");
	return NULL;
}

/* ---- Blocking ---- */

TEST(a_blocked_signal_waits)
{
	handle_with(SIGUSR1, on_signal, 0);
	mask(SIG_BLOCK, SIGUSR1);
	raise_here(SIGUSR1);
	raise_here(SIGUSR1);
	MUST(handled == 0, "it came through");
	MUST(is_pending(SIGUSR1), "it is not pending");
	MUST(!is_pending(SIGUSR2), "another is pending");
	mask(SIG_UNBLOCK, SIGUSR1);
	MUST(handled == 1, "it did not come once");
	MUST(!is_pending(SIGUSR1), "it is still pending");
	return NULL;
}

static const char *child_has_nothing_pending(void)
{
	MUST(!is_pending(SIGUSR1), "a pending signal was inherited");
	mask(SIG_UNBLOCK, SIGUSR1);
	MUST(handled == 0, "the parent's signal came to the child");
	raise_here(SIGUSR1);
	MUST(handled == 1, "the handler was not inherited");
	return NULL;
}

TEST(fork_copies_handlers_and_mask_but_nothing_pending)
{
	handle_with(SIGUSR1, on_signal, 0);
	mask(SIG_BLOCK, SIGUSR1);
	raise_here(SIGUSR1);
	TRY(in_child(child_has_nothing_pending));
	MUST(is_pending(SIGUSR1), "the child took the parent's signal");
	return NULL;
}

TEST(sigsuspend_waits_for_what_it_lets_through)
{
	sigset_t none;
	pid_t pid;
	int i;

	handle_with(SIGUSR1, on_signal, 0);
	mask(SIG_BLOCK, SIGUSR1);
	sigemptyset(&none);
	for (i = 0; i < 20; i++) {
		pid = must_fork();
		if (pid == 0) {
			kill(getppid(), SIGUSR1);
			_exit(0);
		}
		while (handled <= i)
			MUST(sigsuspend(&none) == -1 && errno == EINTR,
			    "sigsuspend did not return EINTR");
		(void)reap(pid);
	}
	raise_here(SIGUSR1);
	MUST(handled == 20, "the mask was not restored");
	return NULL;
}

/* ---- SIGPIPE, SIGCHLD ---- */

static void write_to_nobody(void)
{
	int fds[2];

	if (pipe(fds) != 0)
		give_up("no pipe");
	close(fds[0]);
	if (write(fds[1], "x", 1) == -1 && errno == EPIPE)
		_exit(32);
}

TEST(writing_to_nobody_is_sigpipe_or_epipe)
{
	TRY(expect_signal(write_to_nobody, SIGPIPE));
	handle_with(SIGPIPE, SIG_IGN, 0);
	MUST(exited_with(status_of(write_to_nobody), 32),
	    "no EPIPE when SIGPIPE is ignored");
	return NULL;
}

TEST(the_end_of_a_child_is_sigchld)
{
	pid_t pid;

	handle_with(SIGCHLD, on_signal, SA_RESTART);
	pid = must_fork();
	if (pid == 0)
		_exit(3);
	while (handled == 0)
		sched_yield();
	MUST(last_signal == SIGCHLD, "another signal");
	MUST(exited_with(reap(pid), 3), "another status");
	return NULL;
}

/* ---- Interrupted calls ---- */

/*
 * Sends SIGUSR1 to its parent, which sleeps by then, again and again until
 * cell ENOUGH is set: one signal could come before the parent sleeps.
 */
#define ENOUGH 100

static pid_t interrupter(void)
{
	pid_t parent = getpid();
	pid_t pid;

	cell_set(ENOUGH, 0);
	pid = must_fork();
	if (pid != 0)
		return pid;
	while (cell_get(ENOUGH) == 0) {
		sleep_ms(20);
		kill(parent, SIGUSR1);
	}
	_exit(0);
}

static void interrupter_end(pid_t pid)
{
	cell_set(ENOUGH, 1);
	(void)reap(pid);
}

static int fds[2];

TEST(a_signal_interrupts_read)
{
	char byte;
	pid_t pid;

	MUST(pipe(fds) == 0, "no pipe");
	handle_with(SIGUSR1, on_signal, 0);
	pid = interrupter();
	MUST(read(fds[0], &byte, 1) == -1 && errno == EINTR,
	    "read was not interrupted");
	MUST(handled >= 1, "the handler did not run");
	interrupter_end(pid);
	return NULL;
}

static pid_t late_writer(void)
{
	pid_t parent = getpid();
	pid_t pid = must_fork();

	if (pid != 0)
		return pid;
	sleep_ms(30);
	kill(parent, SIGUSR1);
	sleep_ms(30);
	if (write(fds[1], "y", 1) != 1)
		give_up("write failed");
	_exit(0);
}

TEST(an_interrupted_write_tells_how_much_it_wrote)
{
	static char bytes[200000];
	ssize_t n;
	pid_t pid;

	MUST(pipe(fds) == 0, "no pipe");
	handle_with(SIGUSR1, on_signal, 0);
	pid = interrupter();
	n = write(fds[1], bytes, sizeof(bytes));
	MUST(n > 0 && n < (ssize_t)sizeof(bytes), "it forgot its bytes");
	interrupter_end(pid);
	return NULL;
}

TEST(sa_restart_restarts_read)
{
	char byte = 'x';
	pid_t pid;

	MUST(pipe(fds) == 0, "no pipe");
	handle_with(SIGUSR1, on_signal, SA_RESTART);
	pid = late_writer();
	MUST(read(fds[0], &byte, 1) == 1 && byte == 'y', "read failed");
	MUST(handled == 1, "the handler did not run");
	MUST(last_signal == SIGUSR1, "it ran for another signal");
	(void)reap(pid);
	return NULL;
}

TEST(an_ignored_signal_does_not_interrupt_read)
{
	char byte = 'x';
	pid_t pid;

	MUST(pipe(fds) == 0, "no pipe");
	handle_with(SIGUSR1, SIG_IGN, 0);
	pid = late_writer();
	MUST(read(fds[0], &byte, 1) == 1 && byte == 'y', "read failed");
	(void)reap(pid);
	return NULL;
}

TEST(a_signal_interrupts_wait)
{
	pid_t pid;
	int status;

	handle_with(SIGUSR1, on_signal, 0);
	pid = interrupter();
	MUST(waitpid(pid, &status, 0) == -1 && errno == EINTR,
	    "waitpid was not interrupted");
	interrupter_end(pid);
	return NULL;
}

static void enough_at_three(int sig)
{
	on_signal(sig);
	if (handled == 3)
		cell_set(ENOUGH, 1);
}

TEST(sa_restart_restarts_wait)
{
	pid_t pid;
	int status;

	handle_with(SIGUSR1, enough_at_three, SA_RESTART);
	pid = interrupter();
	MUST(waitpid(pid, &status, 0) == pid, "waitpid was interrupted");
	MUST(handled >= 3, "a signal was lost");
	return NULL;
}

TEST(a_signal_interrupts_nanosleep)
{
	struct timespec t = {5, 0};
	struct timespec rest = {0, 0};
	long start = now_ms();
	pid_t pid;

	handle_with(SIGUSR1, on_signal, SA_RESTART);
	pid = interrupter();
	MUST(nanosleep(&t, &rest) == -1 && errno == EINTR,
	    "nanosleep was not interrupted");
	MUST(now_ms() - start < 4000, "it slept to the end");
	MUST(rest.tv_sec >= 1 && rest.tv_sec < 5, "another rest");
	interrupter_end(pid);
	return NULL;
}

#define FORKS 200

static void count_in_cell(int sig)
{
	(void)cell_add(sig, 1);
}

/*
 * Each signal is sent some time after the one before has been handled, as
 * signals that come faster than a handler returns would let nothing else run.
 */
_Noreturn static void signal_without_end(pid_t pid)
{
	for (int n = 0;; n++) {
		int before = cell_get(SIGUSR1);

		(void)kill(pid, SIGUSR1);
		while (cell_get(SIGUSR1) == before)
			continue;
		for (volatile int i = 0; i < n % 64 * 32; i++)
			continue;
	}
}

/* A signal that comes during the fork, from another hart, is handled first. */
TEST(a_signal_does_not_interrupt_fork)
{
	pid_t parent = getpid(), sender;
	int i;

	handle_with(SIGUSR1, count_in_cell, 0);
	sender = must_fork();
	if (sender == 0)
		signal_without_end(parent);
	for (i = 0; i < FORKS; i++) {
		long pid = raw(SYS_clone, SIGCHLD);

		if (pid == 0)
			_exit(0);
		MUST(pid > 0, found("fork returned %ld", pid));
		while (waitpid((pid_t)pid, NULL, 0) == -1 && errno == EINTR)
			continue;
	}
	(void)kill(sender, SIGKILL);
	while (waitpid(sender, NULL, 0) == -1 && errno == EINTR)
		continue;
	return NULL;
}

/* ---- Many signals ---- */

/* The handler is on the stack while memory is being shared and copied. */
TEST(signals_and_forks_do_not_disturb_each_other)
{
	unsigned char *p = pages_private(4);
	pid_t sender;
	int i;

	handle_with(SIGUSR1, count_in_cell, SA_RESTART);
	sender = interrupter();
	for (i = 0; cell_get(SIGUSR1) < 10; i++) {
		pid_t pid;

		stamp(p, 4, (unsigned)i);
		pid = must_fork();
		if (pid == 0)
			_exit(stamped(p, 4, (unsigned)i) ? 0 : 1);
		stamp(p, 4, (unsigned)i + 1);
		MUST(exited_with(reap(pid), 0), "a child saw other bytes");
	}
	interrupter_end(sender);
	return NULL;
}

static const struct test tests[] = {
    T(default_action_of_most_signals_is_death),
    T(default_action_of_some_signals_is_nothing),
    T(nothing_from_outside_ends_process_1),
    T(abort_kills_even_with_a_handler),
    T(a_loop_can_be_killed),
    T(a_handler_runs_and_returns),
    T(an_ignored_signal_does_nothing),
    T(kill_and_stop_cannot_be_changed),
    T(sigaction_tells_what_was_before),
    T(sigaction_forgets_flags_that_it_does_not_know),
    T(resethand_serves_once),
    T(a_handler_is_not_interrupted_by_its_own_signal),
    T(nodefer_lets_a_handler_interrupt_itself),
    T(sa_mask_holds_during_the_handler),
    T(a_blocked_signal_waits),
    T(fork_copies_handlers_and_mask_but_nothing_pending),
    T(sigsuspend_waits_for_what_it_lets_through),
    T(writing_to_nobody_is_sigpipe_or_epipe),
    T(the_end_of_a_child_is_sigchld),
    T(a_signal_interrupts_read),
    T(an_interrupted_write_tells_how_much_it_wrote),
    T(sa_restart_restarts_read),
    T(an_ignored_signal_does_not_interrupt_read),
    T(a_signal_interrupts_wait),
    T(sa_restart_restarts_wait),
    T(a_signal_interrupts_nanosleep),
    T(a_signal_does_not_interrupt_fork),
    T(signals_and_forks_do_not_disturb_each_other),
};

SUITE(tests)
