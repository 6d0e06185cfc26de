/* SPDX-License-Identifier: MIT */
/*
 * t_sigorder.c - which of several signals comes first, with which mask its
 * handler runs, and what it finds of the machine that it interrupted.
 */
#include "harness.h"

/* Cells. */
enum { COUNT_OF, MASKED, FIRST };

static void handle(int sig, void (*handler)(int), unsigned flags, bool alone)
{
	struct sigaction sa;

	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = handler;
	sa.sa_flags = (int)flags;
	if (alone)
		sigfillset(&sa.sa_mask);
	if (sigaction(sig, &sa, NULL) != 0)
		give_up("sigaction failed");
}

static void mask_all(int how)
{
	sigset_t set;

	sigfillset(&set);
	if (sigprocmask(how, &set, NULL) != 0)
		give_up("sigprocmask failed");
}

static void do_nothing(int sig)
{
	(void)sig;
}

static bool is_blocked(int sig)
{
	sigset_t now;

	if (sigprocmask(SIG_BLOCK, NULL, &now) != 0)
		give_up("sigprocmask failed");
	return sigismember(&now, sig) == 1;
}

static uint64_t bit(int sig)
{
	return 1UL << (sig - 1);
}

/* ---- Signals of a fault before all others ---- */

static void note_order(int sig)
{
	cell_set(FIRST + cell_add(COUNT_OF, 1) - 1, sig);
}

/* A signal that an instruction has caused has to find the pc at it. */
TEST(signals_of_a_fault_come_before_all_others)
{
	static const int order[] = {SIGILL, SIGTRAP, SIGBUS, SIGFPE, SIGSEGV,
	    SIGSYS, SIGHUP, SIGINT, SIGUSR1, SIGTERM, 40};
	int i;

	if (on_emulator())
		return SKIP("the emulator delivers in an order of its own");
	mask_all(SIG_BLOCK);
	for (i = COUNT(order) - 1; i >= 0; i--) {
		handle(order[i], note_order, 0, true);
		(void)kill(getpid(), order[i]);
	}
	mask_all(SIG_UNBLOCK);
	MUST(cell_get(COUNT_OF) == COUNT(order), "signals were lost");
	for (i = 0; i < COUNT(order); i++)
		if (cell_get(FIRST + i) != order[i])
			return found("signal %d came in place %d",
			    cell_get(FIRST + i), i);
	return NULL;
}

TEST(signals_of_a_fault_are_the_first_to_be_waited_for)
{
	struct timespec now = {0, 0};
	uint64_t set = bit(SIGHUP) | bit(SIGSEGV) | bit(SIGUSR1) | bit(40);
	static const int order[] = {SIGSEGV, SIGHUP, SIGUSR1, 40};
	long sig;
	int i;

	if (on_emulator())
		return SKIP("the emulator delivers in an order of its own");
	mask_all(SIG_BLOCK);
	for (i = COUNT(order) - 1; i >= 0; i--)
		(void)kill(getpid(), order[i]);
	for (i = 0; i < COUNT(order); i++) {
		sig = raw(SYS_rt_sigtimedwait, (long)&set, 0, (long)&now, 8);
		if (sig != order[i])
			return found("signal %ld came in place %d", sig, i);
	}
	return NULL;
}

#ifdef __riscv
#define FAULTS 3000

extern char fault_here[];
static volatile int wrong_place;

static void step_over(int sig, siginfo_t *info, void *context)
{
	ucontext_t *c = context;

	(void)info;
	if (c->uc_mcontext.__gregs[0] != (unsigned long)fault_here) {
		wrong_place = sig;
		_exit(50);
	}
	c->uc_mcontext.__gregs[0] += 4;
}

_Noreturn static void fault_often(void)
{
	struct sigaction sa;
	int i;

	memset(&sa, 0, sizeof(sa));
	sa.sa_sigaction = step_over;
	sa.sa_flags = SA_SIGINFO;
	(void)sigaction(SIGSEGV, &sa, NULL);
	handle(SIGUSR1, do_nothing, 0, false);
	cell_set(COUNT_OF, 1);
	for (i = 0; i < FAULTS; i++)
		__asm__ volatile(".option	push\n"
				 ".option	norvc\n"
				 "	li	t0, 64\n"
				 ".globl	fault_here\n"
				 "fault_here:\n"
				 "	sw	zero, 0(t0)\n"
				 ".option	pop\n" ::
				     : "t0", "memory");
	_exit(0);
}

TEST(a_fault_handler_finds_where_the_fault_was)
{
	pid_t pid = must_fork();
	int status = 0, i;

	if (pid == 0)
		fault_often();
	cell_await(COUNT_OF, 1);
	while (waitpid(pid, &status, WNOHANG) == 0)
		for (i = 0; i < 20; i++)
			(void)kill(pid, SIGUSR1);
	if (exited_with(status, 50))
		return "a SIGSEGV frame had the place of another handler";
	return status_verdict(status);
}
#else
TEST(a_fault_handler_finds_where_the_fault_was)
{
	return SKIP("this is about instructions of RISC-V");
}
#endif

/* ---- The mask of a handler ---- */

static void note_mask(int sig)
{
	(void)sig;
	cell_set(MASKED, is_blocked(SIGUSR1));
	(void)cell_add(COUNT_OF, 1);
}

static pid_t signal_later(int sig)
{
	pid_t parent = getpid(), pid = must_fork();

	if (pid != 0)
		return pid;
	sleep_ms(60);
	(void)kill(parent, sig);
	_exit(0);
}

/* An awaited signal need not be blocked, and is not while a handler runs. */
TEST(a_handler_does_not_run_with_the_awaited_set_blocked)
{
	struct timespec limit = {5, 0};
	uint64_t set = bit(SIGUSR1);
	long sig;
	pid_t pid;

	handle(SIGUSR1, do_nothing, 0, false);
	handle(SIGUSR2, note_mask, 0, false);
	pid = signal_later(SIGUSR2);
	sig = raw(SYS_rt_sigtimedwait, (long)&set, 0, (long)&limit, 8);
	MUST(sig == -EINTR, found("rt_sigtimedwait returned %ld", sig));
	MUST(cell_get(COUNT_OF) == 1, "the handler did not run");
	MUST(!cell_get(MASKED), "the awaited signal was blocked in it");
	MUST(!is_blocked(SIGUSR1), "it is blocked afterwards");
	TRY(child_end(pid));
	block_signal(SIGUSR1);
	pid = signal_later(SIGUSR2);
	sig = raw(SYS_rt_sigtimedwait, (long)&set, 0, (long)&limit, 8);
	MUST(sig == -EINTR && cell_get(COUNT_OF) == 2, "no handler");
	MUST(cell_get(MASKED), "a blocked signal was not blocked in it");
	MUST(is_blocked(SIGUSR1), "it is not blocked any more");
	return child_end(pid);
}

/* The handler only gets signals that are not awaited. */
TEST(an_awaited_signal_is_taken_and_not_handled)
{
	struct timespec limit = {5, 0};
	uint64_t set = bit(SIGUSR1);
	long sig;
	pid_t pid;

	handle(SIGUSR1, note_mask, 0, false);
	pid = signal_later(SIGUSR1);
	sig = raw(SYS_rt_sigtimedwait, (long)&set, 0, (long)&limit, 8);
	MUST(sig == SIGUSR1, found("rt_sigtimedwait returned %ld", sig));
	MUST(cell_get(COUNT_OF) == 0, "the handler ran as well");
	return child_end(pid);
}

/* ---- A handler that serves once ---- */

static void on_once(int sig, siginfo_t *info, void *context)
{
	struct sigaction now;

	(void)context;
	cell_set(FIRST, info->si_signo == sig && info->si_pid == getpid());
	if (sigaction(sig, NULL, &now) != 0)
		give_up("sigaction failed");
	cell_set(FIRST + 1, now.sa_handler == SIG_DFL);
	cell_set(FIRST + 2, is_blocked(sig));
	(void)cell_add(COUNT_OF, 1);
}

TEST(a_handler_that_serves_once_gets_all_its_arguments)
{
	struct sigaction sa, now;

	memset(&sa, 0, sizeof(sa));
	sa.sa_sigaction = on_once;
	sa.sa_flags = (int)(SA_SIGINFO | SA_RESETHAND);
	MUST(sigaction(SIGUSR1, &sa, NULL) == 0, "sigaction failed");
	(void)kill(getpid(), SIGUSR1);
	MUST(cell_get(COUNT_OF) == 1, "it did not run");
	MUST(cell_get(FIRST), "another siginfo");
	MUST(cell_get(FIRST + 1), "it was still there while it ran");
	MUST(cell_get(FIRST + 2), "it could have been interrupted by itself");
	MUST(sigaction(SIGUSR1, NULL, &now) == 0, "sigaction failed");
	MUST(now.sa_handler == SIG_DFL, "it is still there");
	MUST((now.sa_flags & SA_SIGINFO) != 0,
	    "what else was said of the signal is forgotten");
	return NULL;
}

/* ---- What it leaves of the machine ---- */

#ifdef __riscv
static void spoil_registers(int sig)
{
	(void)sig;
	__asm__ volatile("fscsr	zero\n"
			 "fmv.d.x	fs0, zero\n"
			 "fmv.d.x	ft0, zero\n" ::
			     : "fs0", "ft0");
}

static void change_context(int sig, siginfo_t *info, void *context)
{
	ucontext_t *c = context;
	uint64_t *f = (uint64_t *)(void *)&c->uc_mcontext.__fpregs;

	(void)sig;
	(void)info;
	f[8] = 77;                  /* fs0 */
	*(uint32_t *)&f[32] = 0x40; /* fcsr */
}

static const char *floating_point_after(int sig, uint64_t fs0_wanted,
    uint64_t fcsr_wanted)
{
	uint64_t fs0 = 0x123456789abcdef0, fcsr = 0x61;
	register long a0 __asm__("a0") = raw(SYS_getpid);
	register long a1 __asm__("a1") = sig;
	register long a7 __asm__("a7") = SYS_kill;

	__asm__ volatile("fscsr	%[fcsr]\n"
			 "fmv.d.x	fs0, %[fs0]\n"
			 "ecall\n"
			 "fmv.x.d	%[fs0], fs0\n"
			 "frcsr	%[fcsr]\n"
			 "fscsr	zero\n"
			 : [fs0] "+r"(fs0), [fcsr] "+r"(fcsr), "+r"(a0)
			 : "r"(a1), "r"(a7)
			 : "fs0", "memory");
	MUST(fs0 == fs0_wanted, found("fs0 is %lx", (unsigned long)fs0));
	MUST(fcsr == fcsr_wanted, found("fcsr is %lx", (unsigned long)fcsr));
	return NULL;
}

TEST(floating_point_and_its_modes_survive_a_handler)
{
	struct sigaction sa;

	handle(SIGUSR1, spoil_registers, 0, false);
	TRY(floating_point_after(SIGUSR1, 0x123456789abcdef0, 0x61));
	memset(&sa, 0, sizeof(sa));
	sa.sa_sigaction = change_context;
	sa.sa_flags = SA_SIGINFO;
	MUST(sigaction(SIGUSR2, &sa, NULL) == 0, "sigaction failed");
	return floating_point_after(SIGUSR2, 77, 0x40);
}
#else
TEST(floating_point_and_its_modes_survive_a_handler)
{
	return SKIP("this is about instructions of RISC-V");
}
#endif

static const struct test tests[] = {
    T(signals_of_a_fault_come_before_all_others),
    T(signals_of_a_fault_are_the_first_to_be_waited_for),
    T(a_fault_handler_finds_where_the_fault_was),
    T(a_handler_does_not_run_with_the_awaited_set_blocked),
    T(an_awaited_signal_is_taken_and_not_handled),
    T(a_handler_that_serves_once_gets_all_its_arguments),
    T(floating_point_and_its_modes_survive_a_handler),
};

SUITE(tests)
