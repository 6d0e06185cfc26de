/* SPDX-License-Identifier: MIT */
/*
 * t_sigfault.c - signals that a process brings upon itself by a fault.
 *
 * A handler may mend what was wrong and return, and the access is repeated;
 * it may need a stack of its own, because the fault was on the stack.
 */
#include "harness.h"

static volatile int handled; /* calls of a handler */

static void on_signal(int sig)
{
	handled += sig != 0;
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

static void raise_here(int sig)
{
	if (kill(getpid(), sig) != 0)
		give_up("kill of oneself failed");
}

/* ---- Mending ---- */

static unsigned char *page;
static volatile int fault_signo;
static void *volatile fault_addr;
static volatile int fault_code;

static void mend(int sig, siginfo_t *info, void *context)
{
	(void)context;
	handled++;
	fault_signo = info->si_signo;
	fault_addr = info->si_addr;
	fault_code = info->si_code;
	if (sig != SIGSEGV || handled > 3 ||
	    mprotect(page, PAGE, PROT_READ | PROT_WRITE) != 0)
		_exit(99);
}

static void mend_faults(void)
{
	struct sigaction sa;

	memset(&sa, 0, sizeof(sa));
	sa.sa_sigaction = mend;
	sa.sa_flags = SA_SIGINFO;
	if (sigaction(SIGSEGV, &sa, NULL) != 0)
		give_up("sigaction failed");
	page = pages_private(1);
	stamp(page, 1, 1);
}

static const char *fault_is_mended(void)
{
	volatile unsigned char *byte = page + 100;

	handled = 0;
	MUST(mprotect(page, PAGE, PROT_READ) == 0, "mprotect failed");
	*byte = 5;
	MUST(handled == 1, "the handler did not run once");
	MUST(fault_signo == SIGSEGV, "another si_signo");
	MUST(fault_addr == (void *)(uintptr_t)byte, "another si_addr");
	MUST(fault_code == SEGV_ACCERR, "si_code is not SEGV_ACCERR");
	MUST(*byte == 5 && stamped(page, 1, 1), "contents changed");
	return NULL;
}

TEST(a_store_is_repeated_after_the_handler_mends)
{
	mend_faults();
	TRY(fault_is_mended());
	TRY(in_child(fault_is_mended));
	return fault_is_mended();
}

static const char *hidden_page_is_mended(void)
{
	handled = 0;
	MUST(mprotect(page, PAGE, PROT_NONE) == 0, "mprotect failed");
	MUST(stamped(page, 1, 1), "contents changed");
	MUST(handled == 1, "the handler did not run once");
	return NULL;
}

TEST(a_load_is_repeated_after_the_handler_mends)
{
	mend_faults();
	TRY(hidden_page_is_mended());
	TRY(in_child(hidden_page_is_mended));
	return hidden_page_is_mended();
}

static void note_and_leave(int sig, siginfo_t *info, void *context)
{
	(void)context;
	cell_set(0, sig);
	cell_set(1, info->si_code);
	cell_set(2, info->si_addr == (void *)24);
	_exit(7);
}

TEST(a_fault_tells_its_address)
{
	struct sigaction sa;
	pid_t pid;

	memset(&sa, 0, sizeof(sa));
	sa.sa_sigaction = note_and_leave;
	sa.sa_flags = SA_SIGINFO;
	pid = must_fork();
	if (pid == 0) {
		volatile uintptr_t address = 24;

		(void)sigaction(SIGSEGV, &sa, NULL);
		*(volatile char *)address = 1;
		_exit(0);
	}
	MUST(exited_with(reap(pid), 7), "the handler did not run");
	MUST(cell_get(0) == SIGSEGV, "another signal");
	MUST(cell_get(1) == SEGV_MAPERR, "si_code is not SEGV_MAPERR");
	MUST(cell_get(2), "another address");
	return NULL;
}

static void fault_while_ignored(void)
{
	volatile uintptr_t address = 24;

	handle_with(SIGSEGV, SIG_IGN, 0);
	*(volatile char *)address = 1;
}

static void fault_while_blocked(void)
{
	volatile uintptr_t address = 24;

	handle_with(SIGSEGV, on_signal, 0);
	block_signal(SIGSEGV);
	*(volatile char *)address = 1;
}

TEST(a_fault_cannot_be_ignored_or_blocked)
{
	TRY(expect_signal(fault_while_ignored, SIGSEGV));
	return expect_signal(fault_while_blocked, SIGSEGV);
}

/* ---- Stacks ---- */

static unsigned char *other_stack;
static volatile bool on_other_stack;

static void note_stack(int sig)
{
	unsigned char *here = (unsigned char *)__builtin_frame_address(0);

	on_other_stack = here >= other_stack && here < other_stack + 8 * PAGE;
	on_signal(sig);
}

static void use_other_stack(void)
{
	stack_t stack;

	other_stack = pages_private(8);
	memset(&stack, 0, sizeof(stack));
	stack.ss_sp = other_stack;
	stack.ss_size = 8 * PAGE;
	if (sigaltstack(&stack, NULL) != 0)
		give_up("sigaltstack failed");
}

static const char *handler_uses_other_stack(void)
{
	handled = 0;
	on_other_stack = false;
	raise_here(SIGUSR1);
	MUST(handled == 1, "the handler did not run");
	MUST(on_other_stack, "it ran on the ordinary stack");
	return NULL;
}

TEST(a_handler_can_have_a_stack_of_its_own)
{
	use_other_stack();
	handle_with(SIGUSR1, note_stack, SA_ONSTACK);
	TRY(handler_uses_other_stack());
	TRY(in_child(handler_uses_other_stack));
	handle_with(SIGUSR1, note_stack, 0);
	raise_here(SIGUSR1);
	MUST(!on_other_stack, "a handler without SA_ONSTACK used it");
	return NULL;
}

static void exit_with_21(int sig)
{
	(void)sig;
	_exit(21);
}

/* Consumes the stack; the handler needs another one to run at all. */
static int __attribute__((noinline)) overflow(volatile int *above)
{
	volatile int here[256];

	here[0] = *above + 1;
	return here[0] < 0 ? 0 : overflow(here) + here[1];
}

TEST(stack_overflow_can_be_handled_on_another_stack)
{
	volatile int start = 0;
	pid_t pid = must_fork();

	if (pid == 0) {
		use_other_stack();
		handle_with(SIGSEGV, exit_with_21, SA_ONSTACK);
		_exit(overflow(&start));
	}
	MUST(exited_with(reap(pid), 21), "the handler did not run");
	return NULL;
}

static void overflow_here(void)
{
	volatile int start = 0;

	handle_with(SIGSEGV, exit_with_21, 0);
	_exit(overflow(&start));
}

TEST(stack_overflow_without_another_stack_kills)
{
	return expect_signal(overflow_here, SIGSEGV);
}

static void bad_frame(void)
{
	stack_t stack;

	memset(&stack, 0, sizeof(stack));
	stack.ss_sp = pages_private(8);
	stack.ss_size = 8 * PAGE;
	if (sigaltstack(&stack, NULL) != 0 ||
	    mprotect(stack.ss_sp, 8 * PAGE, PROT_READ) != 0)
		give_up("sigaltstack or mprotect failed");
	handle_with(SIGUSR1, on_signal, SA_ONSTACK);
	raise_here(SIGUSR1);
}

TEST(a_frame_that_cannot_be_stored_kills)
{
	return expect_signal(bad_frame, SIGSEGV);
}

static const struct test tests[] = {
    T(a_store_is_repeated_after_the_handler_mends),
    T(a_load_is_repeated_after_the_handler_mends),
    T(a_fault_tells_its_address),
    T(a_fault_cannot_be_ignored_or_blocked),
    T(a_handler_can_have_a_stack_of_its_own),
    T(stack_overflow_can_be_handled_on_another_stack),
    T(stack_overflow_without_another_stack_kills),
    T(a_frame_that_cannot_be_stored_kills),
};

SUITE(tests)
