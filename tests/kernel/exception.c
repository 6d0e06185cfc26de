/* SPDX-License-Identifier: MIT */
/*
 * exception.c - each exception of user mode is a signal, and none a panic.
 */
#include "ktest.h"
#include "lib/string.h"
#include "proc/signal.h"
#include "trap/fault.h"

#define PC      0x10000
#define ADDRESS 0x1234

static struct proc program;

/* NULL if a program gets that signal for the exception; or what it got. */
static const char *expect(uint64_t cause, int sig, int code, vaddr_t address)
{
	struct siginfo_small *info = &program.sig.info[sig - 1];

	memset(&program, 0, sizeof program);
	str_copy(program.name, "test", sizeof program.name);
	program.t.tf.pc = PC;
	fault_exception(&program, cause, ADDRESS);
	MUST(program.sig.pending == SIGNAL_BIT(sig),
	    found("cause %lx: signals %lx", cause, program.sig.pending));
	MUST(info->code == code, found("cause %lx: %d", cause, info->code));
	MUST(info->value == address,
	    found("cause %lx: address %lx", cause, info->value));
	return NULL;
}

TEST(each_known_exception_is_its_signal)
{
	TRY(expect(0, SIGBUS, BUS_ADRALN, ADDRESS));
	TRY(expect(1, SIGBUS, BUS_ADRERR, ADDRESS));
	TRY(expect(2, SIGILL, ILL_ILLOPC, PC));
	TRY(expect(3, SIGTRAP, TRAP_BRKPT, PC));
	TRY(expect(4, SIGBUS, BUS_ADRALN, ADDRESS));
	TRY(expect(5, SIGBUS, BUS_ADRERR, ADDRESS));
	TRY(expect(6, SIGBUS, BUS_ADRALN, ADDRESS));
	return expect(7, SIGBUS, BUS_ADRERR, ADDRESS);
}

TEST(an_unknown_exception_is_an_illegal_trap)
{
	TRY(expect(10, SIGILL, ILL_ILLTRP, PC));
	TRY(expect(18, SIGILL, ILL_ILLTRP, PC));
	TRY(expect(24, SIGILL, ILL_ILLTRP, PC));
	return expect(63, SIGILL, ILL_ILLTRP, PC);
}

static const struct test exception_tests[] = {
    T(each_known_exception_is_its_signal),
    T(an_unknown_exception_is_an_illegal_trap),
};
SUITE(exception, exception_tests);
