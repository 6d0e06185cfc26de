/* SPDX-License-Identifier: MIT */
/*
 * t_sigstack.c - where a handler's frame goes, and what if it cannot go there:
 * stacks that are not there, alternate ones, those that overflow, wrap, or are
 * given up for the time of the handler.
 */
#include "harness.h"

#ifndef SS_AUTODISARM
#define SS_AUTODISARM (1U << 31)
#endif

#define STACK (16 * PAGE)

/* Cells. */
enum { HANDLED, FAULTS, DEPTH, FLAGS, ADDRESS, RESULT };

static unsigned char *stack;

static void stack_use(void *at, size_t size, int flags)
{
	stack_t s;

	memset(&s, 0, sizeof(s));
	s.ss_sp = at;
	s.ss_size = size;
	s.ss_flags = flags;
	if (sigaltstack(&s, NULL) != 0)
		give_up(found("sigaltstack failed with errno %d", errno));
}

static stack_t stack_now(void)
{
	stack_t s;

	memset(&s, 0xff, sizeof(s));
	if (sigaltstack(NULL, &s) != 0)
		give_up("sigaltstack failed");
	return s;
}

static void handle(int sig, void (*handler)(int), unsigned flags)
{
	struct sigaction sa;

	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = handler;
	sa.sa_flags = (int)flags;
	if (sigaction(sig, &sa, NULL) != 0)
		give_up("sigaction failed");
}

static void on_signal(int sig)
{
	(void)sig;
	(void)cell_add(HANDLED, 1);
}

static void on_fault(int sig)
{
	(void)sig;
	_exit(cell_add(FAULTS, 1) == 1 && cell_get(HANDLED) == 0 ? 0 : 20);
}

/* ---- A frame that cannot be pushed ---- */

/* Sends itself a signal with its stack pointer at `sp`. */
static void raise_at(long sig, uintptr_t sp)
{
	long pid = raw(SYS_getpid);

#ifdef __riscv
	register long a0 __asm__("a0") = pid;
	register long a1 __asm__("a1") = sig;
	register long a7 __asm__("a7") = SYS_kill;

	__asm__ volatile("mv	t0, sp\n"
			 "mv	sp, %[sp]\n"
			 "ecall\n"
			 "mv	sp, t0\n"
			 : "+r"(a0)
			 : "r"(a1), "r"(a7), [sp] "r"(sp)
			 : "t0", "memory");
#else
	long nr = SYS_kill;

	__asm__ volatile("mov	%%rsp, %%r12\n"
			 "mov	%[sp], %%rsp\n"
			 "syscall\n"
			 "mov	%%r12, %%rsp\n"
			 : "+a"(nr)
			 : "D"(pid), "S"(sig), [sp] "r"(sp)
			 : "r12", "rcx", "r11", "memory");
#endif
	_exit(30);
}

static uintptr_t bad_sp;
static unsigned fault_flags;
static bool fault_blocked, fault_ignored;

static void raise_on_bad_stack(void)
{
	if (fault_flags & SA_ONSTACK)
		stack_use(stack, STACK, 0);
	handle(SIGSEGV, fault_ignored ? SIG_IGN : on_fault, fault_flags);
	if (fault_blocked)
		block_signal(SIGSEGV);
	handle(SIGUSR1, on_signal, 0);
	raise_at(SIGUSR1, bad_sp);
}

/* Stack pointers of all the ways in which there can be no stack. */
static const char *each_bad_stack(const char *(*verdict_on)(void))
{
	unsigned char *p = pages_private(4);
	uintptr_t bad[] = {16, PAGE, (uintptr_t)p + 2 * PAGE,
	    (uintptr_t)p + 3 * PAGE, (uintptr_t)p + PAGE + 64,
	    0xffffffc080200000, (uintptr_t)-16, 0};
	int i;

	MUST(mprotect(p, PAGE, PROT_NONE) == 0 &&
		mprotect(p + PAGE, PAGE, PROT_READ) == 0 &&
		munmap(p + 2 * PAGE, PAGE) == 0,
	    "mprotect or munmap failed");
	stack = pages_private(STACK / PAGE);
	for (i = 0; i < COUNT(bad); i++) {
		memset(board, 0, BOARD_BYTES);
		bad_sp = bad[i];
		TRY(verdict_on());
	}
	return NULL;
}

static const char *is_told(void)
{
	int status = status_of(raise_on_bad_stack);

	if (exited_with(status, 0))
		return NULL;
	return found("sp %lx: status 0x%x", (unsigned long)bad_sp,
	    (unsigned)status);
}

static const char *is_killed(void)
{
	int status = status_of(raise_on_bad_stack);

	if ((status & 0x7f) == SIGSEGV && cell_get(HANDLED) == 0)
		return NULL;
	return found("sp %lx: status 0x%x", (unsigned long)bad_sp,
	    (unsigned)status);
}

TEST(a_frame_that_cannot_be_pushed_is_a_fault)
{
	fault_flags = SA_ONSTACK;
	return each_bad_stack(is_told);
}

TEST(without_another_stack_the_fault_of_a_frame_kills)
{
	if (on_emulator())
		return SKIP("the emulator gives up the signal");
	fault_flags = 0;
	return each_bad_stack(is_killed);
}

TEST(the_fault_of_a_frame_cannot_be_blocked_or_ignored)
{
	fault_flags = SA_ONSTACK;
	fault_blocked = true;
	TRY(each_bad_stack(is_killed));
	fault_blocked = false;
	fault_ignored = true;
	return each_bad_stack(is_killed);
}

static void tell_what_is_pending(int sig)
{
	sigset_t set;

	(void)sig;
	if (sigpending(&set) != 0)
		_exit(21);
	_exit(
	    sigismember(&set, SIGUSR1) == 1 && cell_get(HANDLED) == 0 ? 0 : 20);
}

static void stop_on_bad_stack(void)
{
	struct sigaction sa;

	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = tell_what_is_pending;
	sa.sa_flags = (int)SA_ONSTACK;
	sigfillset(&sa.sa_mask);
	if (sigaction(SIGSEGV, &sa, NULL) != 0)
		give_up("sigaction failed");
	stack_use(stack, STACK, 0);
	handle(SIGHUP, on_signal, 0);
	handle(SIGUSR1, on_signal, 0);
	raise_at(SIGSTOP, 16);
}

/*
 * If two signals have no stack, the fault of the first comes before the second.
 */
TEST(the_fault_of_a_frame_comes_before_other_signals)
{
	int status = 0;
	pid_t pid;

	if (on_emulator())
		return SKIP("the emulator gives up the signal");
	stack = pages_private(STACK / PAGE);
	pid = must_fork();
	if (pid == 0)
		stop_on_bad_stack();
	MUST(waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status),
	    "it did not stop");
	(void)kill(pid, SIGHUP);
	(void)kill(pid, SIGUSR1);
	(void)kill(pid, SIGCONT);
	status = reap(pid);
	return exited_with(status, 0) ? NULL
				      : found("status 0x%x", (unsigned)status);
}

/* The handler of SIGSEGV needs no other stack if its own is good. */
static void raise_on_bad_other_stack(void)
{
	unsigned char *p = pages_private(STACK / PAGE);

	stack_use(p, STACK, 0);
	if (munmap(p, STACK) != 0)
		give_up("munmap failed");
	handle(SIGSEGV, on_fault, 0);
	handle(SIGUSR1, on_signal, SA_ONSTACK);
	(void)kill(getpid(), SIGUSR1);
	_exit(30);
}

TEST(a_bad_alternate_stack_is_a_fault_on_the_ordinary_one)
{
	int status;

	if (on_emulator())
		return SKIP("the emulator stays on the alternate stack");
	status = status_of(raise_on_bad_other_stack);
	return exited_with(status, 0) ? NULL
				      : found("status 0x%x", (unsigned)status);
}

static void fault_on_bad_other_stack(void)
{
	volatile uintptr_t address = 8;
	unsigned char *p = pages_private(STACK / PAGE);

	stack_use(p, STACK, 0);
	if (munmap(p, STACK) != 0)
		give_up("munmap failed");
	handle(SIGSEGV, on_fault, SA_ONSTACK);
	*(volatile char *)address = 1;
	_exit(30);
}

TEST(a_fault_whose_own_frame_cannot_be_pushed_kills)
{
	return expect_signal(fault_on_bad_other_stack, SIGSEGV);
}

/* ---- An alternate stack that overflows ---- */

static void raise_deeper(int sig)
{
	if (cell_add(DEPTH, 1) > 200)
		_exit(40);
	(void)kill(getpid(), sig);
}

static void raise_without_end(void)
{
	stack_use(stack, STACK, 0);
	handle(SIGUSR1, raise_deeper, SA_ONSTACK | SA_NODEFER);
	(void)kill(getpid(), SIGUSR1);
	_exit(30);
}

/* The memory below it is not the handlers'. */
TEST(an_alternate_stack_that_overflows_is_noticed)
{
	unsigned char *below = pages_shared(2 * STACK / PAGE);
	int status;

	if (on_emulator())
		return SKIP("the emulator looks for sa_mask elsewhere");
	stack = below + STACK;
	stamp(below, STACK / PAGE, 1);
	status = status_of(raise_without_end);
	MUST((status & 0x7f) == SIGSEGV,
	    found("status 0x%x after %d frames", (unsigned)status,
		cell_get(DEPTH)));
	MUST(cell_get(DEPTH) > 2, "it overflowed at once");
	return stamped(below, STACK / PAGE, 1)
	    ? NULL
	    : "frames were pushed below the stack";
}

/* ---- A stack that is given up for the time of the handler ---- */

static void look_in_handler(int sig)
{
	stack_t s = stack_now();

	(void)sig;
	(void)cell_add(HANDLED, 1);
	cell_set(FLAGS, s.ss_flags);
	cell_set(ADDRESS, s.ss_sp != NULL);
}

TEST(a_handler_sees_that_it_is_on_the_alternate_stack)
{
	stack_t s;

	stack = pages_private(STACK / PAGE);
	MUST(stack_now().ss_flags == SS_DISABLE, "there is one already");
	stack_use(stack, STACK, 0);
	MUST(stack_now().ss_flags == 0, "other flags");
	handle(SIGUSR1, look_in_handler, SA_ONSTACK);
	(void)kill(getpid(), SIGUSR1);
	MUST(cell_get(HANDLED) == 1, "the handler did not run");
	MUST(cell_get(FLAGS) == SS_ONSTACK, "other flags in the handler");
	s = stack_now();
	MUST(s.ss_flags == 0 && s.ss_sp == stack && s.ss_size == STACK,
	    "another stack afterwards");
	return NULL;
}

static void move_while_on_it(int sig)
{
	stack_t s = {.ss_sp = stack, .ss_size = STACK};

	(void)sig;
	cell_set(RESULT, sigaltstack(&s, NULL) == 0 ? 0 : errno);
}

TEST(a_stack_in_use_cannot_be_changed)
{
	stack = pages_private(STACK / PAGE);
	stack_use(stack, STACK, 0);
	handle(SIGUSR1, move_while_on_it, SA_ONSTACK);
	(void)kill(getpid(), SIGUSR1);
	MUST(cell_get(RESULT) == EPERM, found("errno %d", cell_get(RESULT)));
	return NULL;
}

static unsigned char *second;

/*
 * A handler may leave the stack for another context, so that it is free for the
 * next handler.
 */
static void use_another(int sig)
{
	look_in_handler(sig);
	stack_use(second, STACK, 0);
	cell_set(RESULT, 1);
}

TEST(a_stack_may_disarm_itself_while_it_is_used)
{
	stack_t s;

	if (on_emulator())
		return SKIP("the emulator has no SS_AUTODISARM");
	stack = pages_private(STACK / PAGE);
	second = pages_private(STACK / PAGE);
	stack_use(stack, STACK, (int)SS_AUTODISARM);
	s = stack_now();
	MUST((unsigned)s.ss_flags == SS_AUTODISARM,
	    found("flags %x", (unsigned)s.ss_flags));
	handle(SIGUSR1, use_another, SA_ONSTACK);
	(void)kill(getpid(), SIGUSR1);
	MUST(cell_get(HANDLED) == 1, "the handler did not run");
	MUST(cell_get(FLAGS) == SS_DISABLE,
	    found("flags %x in the handler", (unsigned)cell_get(FLAGS)));
	MUST(cell_get(ADDRESS) == 0, "its address is told in the handler");
	MUST(cell_get(RESULT) == 1, "no other stack in the handler");
	s = stack_now();
	MUST((unsigned)s.ss_flags == SS_AUTODISARM && s.ss_sp == stack &&
		s.ss_size == STACK,
	    "the stack did not come back");
	return NULL;
}

/* ---- Odd ones ---- */

static void raise_on_wrapping_stack(void)
{
	stack_use((void *)(uintptr_t)-PAGE, 2 * PAGE, 0);
	handle(SIGUSR1, on_signal, SA_ONSTACK);
	(void)kill(getpid(), SIGUSR1);
	_exit(30);
}

/* As on Linux its addresses are not checked before it is used. */
TEST(a_stack_that_wraps_has_no_room_for_a_frame)
{
	int status = status_of(raise_on_wrapping_stack);

	MUST((status & 0x7f) == SIGSEGV,
	    found("status 0x%x", (unsigned)status));
	return cell_get(HANDLED) == 0 ? NULL : "the handler ran";
}

TEST(a_stack_cannot_be_anything)
{
	stack_t s = {.ss_sp = pages_private(8), .ss_size = 2047};

	stack = pages_private(STACK / PAGE);
	stack_use(stack, STACK, 0);
	MUST(sigaltstack(&s, NULL) == -1 && errno == ENOMEM, "a small one");
	s.ss_size = 8 * PAGE;
	s.ss_flags = 4;
	MUST(sigaltstack(&s, NULL) == -1 && errno == EINVAL, "flag 4");
	s.ss_flags = SS_DISABLE | SS_ONSTACK;
	MUST(sigaltstack(&s, NULL) == -1 && errno == EINVAL, "both flags");
	MUST(stack_now().ss_sp == stack, "it changed all the same");
	s.ss_flags = SS_DISABLE;
	s.ss_size = 0;
	MUST(sigaltstack(&s, NULL) == 0, "it cannot be given up");
	MUST(stack_now().ss_flags == SS_DISABLE, "it was not given up");
	MUST(stack_now().ss_sp == NULL, "its address is still told");
	s.ss_flags = SS_DISABLE | (int)SS_AUTODISARM;
	if (on_emulator())
		return NULL;
	MUST(sigaltstack(&s, NULL) == 0, "there is nothing to disarm");
	MUST(stack_now().ss_flags == s.ss_flags,
	    found("flags %x", (unsigned)stack_now().ss_flags));
	return NULL;
}

static const struct test tests[] = {
    T(a_frame_that_cannot_be_pushed_is_a_fault),
    T(without_another_stack_the_fault_of_a_frame_kills),
    T(the_fault_of_a_frame_cannot_be_blocked_or_ignored),
    T(the_fault_of_a_frame_comes_before_other_signals),
    T(a_bad_alternate_stack_is_a_fault_on_the_ordinary_one),
    T(a_fault_whose_own_frame_cannot_be_pushed_kills),
    T(an_alternate_stack_that_overflows_is_noticed),
    T(a_handler_sees_that_it_is_on_the_alternate_stack),
    T(a_stack_in_use_cannot_be_changed),
    T(a_stack_may_disarm_itself_while_it_is_used),
    T(a_stack_that_wraps_has_no_room_for_a_frame),
    T(a_stack_cannot_be_anything),
};

SUITE(tests)
