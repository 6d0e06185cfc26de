/* SPDX-License-Identifier: MIT */
/*
 * t_regs.c - registers survive forks, switches, interrupts and calls.
 *
 * call_with_registers() loads every register that a process may use, makes
 * one system call, and stores every register again. Floating-point
 * instructions are written as words, so that this assembles for targets
 * without them.
 */
#include "harness.h"

#include <sched.h>

#ifdef __riscv

/* x[i] is xi; x[0], x[2] (sp), x[3] (gp) and x[4] (tp) are not touched. */
struct registers {
	uint64_t x[32];
	uint64_t f[32];
	uint64_t fcsr;
};

#define FCSR_AT 512

long call_with_registers(const struct registers *in, struct registers *out);
void spin_with_registers(const struct registers *in, struct registers *out);

/*
 * fld and fsd as words, with t6 (x31) as the base: fld fN, OFFSET(x31) is
 * OFFSET << 20 | 31 << 15 | 3 << 12 | N << 7 | 0x07, and fsd splits OFFSET.
 */
__asm__(
    "	.text\n"
    "	.macro	fload n, offset\n"
    "	.4byte	(\\offset << 20) | (31 << 15) | (3 << 12) | (\\n << 7) | 7\n"
    "	.endm\n"
    "	.macro	fstore n, offset\n"
    "	.4byte	((\\offset >> 5) << 25) | (\\n << 20) | (31 << 15) | "
    "(3 << 12) | ((\\offset & 31) << 7) | 0x27\n"
    "	.endm\n"
    "	.macro	every_f what\n"
    "	.set	i, 0\n"
    "	.rept	32\n"
    "	\\what	i, (256 + 8 * i)\n"
    "	.set	i, i + 1\n"
    "	.endr\n"
    "	.endm\n"
    "	.macro	every_x what\n"
    "	\\what	x1, 8(x31)\n"
    "	\\what	x5, 40(x31)\n"
    "	\\what	x6, 48(x31)\n"
    "	\\what	x7, 56(x31)\n"
    "	\\what	x8, 64(x31)\n"
    "	\\what	x9, 72(x31)\n"
    "	\\what	x10, 80(x31)\n"
    "	\\what	x11, 88(x31)\n"
    "	\\what	x12, 96(x31)\n"
    "	\\what	x13, 104(x31)\n"
    "	\\what	x14, 112(x31)\n"
    "	\\what	x15, 120(x31)\n"
    "	\\what	x16, 128(x31)\n"
    "	\\what	x17, 136(x31)\n"
    "	\\what	x18, 144(x31)\n"
    "	\\what	x19, 152(x31)\n"
    "	\\what	x20, 160(x31)\n"
    "	\\what	x21, 168(x31)\n"
    "	\\what	x22, 176(x31)\n"
    "	\\what	x23, 184(x31)\n"
    "	\\what	x24, 192(x31)\n"
    "	\\what	x25, 200(x31)\n"
    "	\\what	x26, 208(x31)\n"
    "	\\what	x27, 216(x31)\n"
    "	\\what	x28, 224(x31)\n"
    "	\\what	x29, 232(x31)\n"
    "	\\what	x30, 240(x31)\n"
    "	.endm\n"
    /* Keeps what the caller may expect to keep, and a0 to a2. */
    "	.macro	enter\n"
    "	addi	sp, sp, -768\n"
    "	mv	t6, sp\n"
    "	every_x	sd\n"
    "	every_f	fstore\n"
    "	mv	t6, a0\n"
    "	ld	t0, 512(t6)\n"
    "	.4byte	0x00329073\n" /* fscsr t0 */
    "	every_f	fload\n"
    "	every_x	ld\n"
    "	ld	x31, 248(x31)\n"
    "	.endm\n"
    "	.macro	leave\n"
    "	sd	x31, 520(sp)\n"
    "	ld	x31, 88(sp)\n" /* a1: where to store */
    "	every_x	sd\n"
    "	every_f	fstore\n"
    "	ld	t0, 520(sp)\n"
    "	sd	t0, 248(x31)\n"
    "	.4byte	0x003022f3\n" /* frcsr t0 */
    "	sd	t0, 512(x31)\n"
    "	mv	a1, a0\n"
    "	mv	t6, sp\n"
    "	sd	a1, 80(sp)\n"
    "	every_f	fload\n"
    "	every_x	ld\n"
    "	addi	sp, sp, 768\n"
    "	ret\n"
    "	.endm\n"
    "	.balign	4\n"
    "	.globl	call_with_registers\n"
    "call_with_registers:\n"
    "	enter\n"
    "	ecall\n"
    "	leave\n"
    /* x10 counts down; nothing else changes. */
    "	.globl	spin_with_registers\n"
    "spin_with_registers:\n"
    "	enter\n"
    "1:	addi	x10, x10, -1\n"
    "	bnez	x10, 1b\n"
    "	leave\n");

_Static_assert(offsetof(struct registers, f) == 256, "every_f");
_Static_assert(offsetof(struct registers, fcsr) == FCSR_AT, "enter, leave");

#define SYSCALL_NUMBER 17 /* a7 */
#define RESULT         10 /* a0 */

/* fcsr: rounding towards zero, and two of the sticky flags. */
#define SOME_FCSR 0x35

static struct registers in;
static struct registers out;

static void in_fill(uint64_t seed, long nr, long a0, long a1)
{
	int i;

	for (i = 0; i < 32; i++) {
		in.x[i] = rnd(&seed);
		in.f[i] = rnd(&seed);
	}
	in.fcsr = SOME_FCSR;
	in.x[SYSCALL_NUMBER] = (uint64_t)nr;
	in.x[RESULT] = (uint64_t)a0;
	in.x[RESULT + 1] = (uint64_t)a1;
	for (i = 2; i < 6; i++)
		in.x[RESULT + i] = 0;
	memset(&out, 0, sizeof(out));
}

/* NULL if `out` is `in`, apart from the result. */
static const char *registers_kept(const char *whose)
{
	int i;

	for (i = 0; i < 32; i++) {
		bool untouched = i == 0 || (i >= 2 && i <= 4);

		if (!untouched && i != RESULT && in.x[i] != out.x[i])
			return found("%s x%d changed", whose, i);
		if (in.f[i] != out.f[i])
			return found("%s f%d changed", whose, i);
	}
	if (in.fcsr != out.fcsr)
		return found("%s fcsr is 0x%x", whose, (unsigned)out.fcsr);
	return NULL;
}

TEST(a_system_call_keeps_all_registers_but_a0)
{
	static const long calls[] = {
	    SYS_getpid,
	    SYS_getppid,
	    SYS_sched_yield,
	    SYS_brk,
	    SYS_getuid,
	    9999,
	};
	int i;

	for (i = 0; i < COUNT(calls); i++) {
		in_fill(77 + (uint64_t)i, calls[i], 0, 0);
		call_with_registers(&in, &out);
		TRY(registers_kept("after the call,"));
	}
	MUST((long)out.x[RESULT] == -ENOSYS, "call 9999 exists");
	return NULL;
}

TEST(fork_copies_every_register)
{
	long pid;
	int i;

	for (i = 0; i < 20; i++) {
		in_fill(1234 + (uint64_t)i, SYS_clone, SIGCHLD, 0);
		pid = call_with_registers(&in, &out);
		MUST(pid >= 0, "clone failed");
		if (pid == 0) {
			const char *wrong = registers_kept("the child's");

			if (wrong != NULL)
				give_up(wrong);
			_exit(0);
		}
		TRY(registers_kept("the parent's"));
		TRY(child_end((pid_t)pid));
	}
	return NULL;
}

/* Many processes yield with different contents of all registers. */
static const char *yields(uint64_t seed)
{
	int i;

	for (i = 0; i < 50; i++) {
		in_fill(seed * 1000 + (uint64_t)i, SYS_sched_yield, 0, 0);
		call_with_registers(&in, &out);
		TRY(registers_kept("after a switch,"));
	}
	return NULL;
}

/* Long enough for timer interrupts to hit the loop. */
static const char *spins(uint64_t seed)
{
	int i;

	for (i = 0; i < 10; i++) {
		in_fill(seed * 999 + (uint64_t)i, 0, 300000, 0);
		spin_with_registers(&in, &out);
		TRY(registers_kept("after an interrupt,"));
	}
	return NULL;
}

static const char *six_at_once(const char *(*body)(uint64_t))
{
	pid_t pids[6];
	int i;

	for (i = 0; i < 6; i++) {
		pids[i] = must_fork();
		if (pids[i] == 0) {
			const char *wrong = body((uint64_t)i + 1);

			if (wrong != NULL)
				give_up(wrong);
			_exit(0);
		}
	}
	for (i = 0; i < 6; i++)
		TRY(child_end(pids[i]));
	return NULL;
}

TEST(switches_keep_every_register)
{
	return six_at_once(yields);
}

TEST(interrupts_keep_every_register)
{
	return six_at_once(spins);
}

static volatile int ticks;

/* Clears registers that a function may change, f0, f31 and fcsr among them. */
static void on_tick(int sig)
{
	__asm__ volatile("	li	t3, 0\n"
			 "	li	t4, 0\n"
			 "	li	a7, 0\n"
			 "	.4byte	0xf2000053\n" /* fmv.d.x f0, x0 */
			 "	.4byte	0xf2000fd3\n" /* fmv.d.x f31, x0 */
			 "	.4byte	0x00301073\n" /* fscsr x0 */
			 ::
			     : "t3", "t4", "a7");
	ticks += sig;
}

static struct registers kept_in;

TEST(a_signal_handler_changes_no_register_of_the_interrupted)
{
	struct sigaction sa;

	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = on_tick;
	MUST(sigaction(SIGUSR1, &sa, NULL) == 0, "sigaction failed");
	in_fill(4242, SYS_kill, getpid(), SIGUSR1);
	kept_in = in;
	call_with_registers(&kept_in, &out);
	MUST(ticks == SIGUSR1, "the handler did not run");
	in = kept_in;
	return registers_kept("after a handler,");
}

static void illegal(void)
{
	__asm__ volatile(".4byte 0\n");
}

static void privileged(void)
{
	__asm__ volatile(".4byte 0x10200073\n"); /* sret */
}

static void supervisor_csr(void)
{
	__asm__ volatile(".4byte 0x180022f3\n" ::: "t0"); /* csrr t0, satp */
}

static void breakpoint(void)
{
	__asm__ volatile(".4byte 0x00100073\n"); /* ebreak */
}

/* A digest of all 32 registers, as the frame of the last signal had them. */
static volatile uint64_t frame_fp;

static void on_fp_frame(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;
	const uint64_t *fp =
	    (const uint64_t *)(const void *)&uc->uc_mcontext.__fpregs;
	int i;

	(void)sig;
	(void)info;
	for (i = 0; i < 32; i++)
		frame_fp |= fp[i];
}

static const char *raise_without_fp(void)
{
	struct sigaction act;

	memset(&act, 0, sizeof(act));
	act.sa_sigaction = on_fp_frame;
	act.sa_flags = SA_SIGINFO;
	MUST(sigaction(SIGUSR1, &act, NULL) == 0, "sigaction failed");
	MUST(raise(SIGUSR1) == 0, "raise failed");
	MUST(frame_fp == 0,
	    found("registers never written to hold %lx",
		(unsigned long)frame_fp));
	return NULL;
}

/* Fills frames, which the next process may get. */
static const char *leave_stamps(void)
{
	stamp(pages_private(64), 64, 1);
	return NULL;
}

TEST(a_signal_frame_shows_zero_where_no_floating_point_was_used)
{
	TRY(in_child(leave_stamps));
	return in_child(raise_without_fp);
}

TEST(illegal_and_privileged_instructions_kill)
{
	TRY(expect_signal(illegal, SIGILL));
	TRY(expect_signal(privileged, SIGILL));
	TRY(expect_signal(supervisor_csr, SIGILL));
	return expect_signal(breakpoint, SIGTRAP);
}

/* `li a0, 42; ret`, then `li a0, 43; ret`. */
static const uint32_t code_42[] = {0x02a00513, 0x00008067};
static const uint32_t code_43[] = {0x02b00513, 0x00008067};

static unsigned char *code;

static int run_code(const uint32_t *words)
{
	int (*entry)(void) = (int (*)(void))(uintptr_t)code;

	if (mprotect(code, PAGE, PROT_READ | PROT_WRITE) != 0)
		give_up("mprotect to writable failed");
	memcpy(code, words, sizeof(code_42));
	if (mprotect(code, PAGE, PROT_READ | PROT_EXEC) != 0)
		give_up("mprotect to executable failed");
	__asm__ volatile(".4byte 0x0000100f\n" ::: "memory"); /* fence.i */
	return entry();
}

static const char *rewrite_code(void)
{
	MUST(run_code(code_43) == 43, "the child ran old code");
	return NULL;
}

TEST(code_written_by_a_process_is_its_own)
{
	int (*entry)(void);

	code = pages_private(1);
	entry = (int (*)(void))(uintptr_t)code;
	MUST(run_code(code_42) == 42, "written code did not run");
	TRY(in_child(rewrite_code));
	MUST(entry() == 42, "the parent runs the child's code");
	MUST(run_code(code_43) == 43, "old code ran");
	return expect_no_store(code);
}

TEST(data_is_not_executable)
{
	int status;
	pid_t pid;

	code = pages_private(1);
	memcpy(code, code_42, sizeof(code_42));
	pid = must_fork();
	if (pid == 0)
		_exit(((int (*)(void))(uintptr_t)code)());
	status = reap(pid);
	MUST(killed_by(status, SIGSEGV), "data was executed");
	return NULL;
}

/* Asks and awaits an answer with `value` in fs0; what is there then. */
static uint64_t ask_with(uint64_t value, int to, int from)
{
	static char byte;
	register long a0 __asm__("a0") = to;
	register long a1 __asm__("a1") = (long)&byte;
	register long a2 __asm__("a2") = 1;
	register long a7 __asm__("a7") = SYS_write;

	__asm__ volatile("fmv.d.x	fs0, %[value]\n"
			 "ecall\n"
			 "mv	a0, %[from]\n"
			 "li	a7, %[read]\n"
			 "ecall\n"
			 "fmv.x.d	%[value], fs0\n"
			 : [value] "+r"(value), "+r"(a0), "+r"(a7)
			 : "r"(a1),
			 "r"(a2), [from] "r"((long)from), [read] "i"(SYS_read)
			 : "fs0", "memory");
	return value;
}

/*
 * The caller goes on on another hart, and later on one that holds older values.
 */
TEST(an_answer_finds_the_newest_registers)
{
	int to[2], from[2];
	uint64_t i, got = 0;
	char byte;
	pid_t pid;

	MUST(pipe(to) == 0 && pipe(from) == 0, "no pipe");
	pid = must_fork();
	if (pid == 0)
		while (read(to[0], &byte, 1) == 1)
			(void)!write(from[1], &byte, 1);
	for (i = 1; i <= 2000; i++) {
		got = ask_with(i, to[1], from[0]);
		if (got != i)
			break;
	}
	(void)kill(pid, SIGKILL);
	(void)reap(pid);
	return i > 2000
	    ? NULL
	    : found("%lu instead of %lu", (unsigned long)got, (unsigned long)i);
}

static const struct test tests[] = {
    T(a_system_call_keeps_all_registers_but_a0),
    T(fork_copies_every_register),
    T(switches_keep_every_register),
    T(interrupts_keep_every_register),
    T(an_answer_finds_the_newest_registers),
    T(a_signal_handler_changes_no_register_of_the_interrupted),
    T(a_signal_frame_shows_zero_where_no_floating_point_was_used),
    T(illegal_and_privileged_instructions_kill),
    T(code_written_by_a_process_is_its_own),
    T(data_is_not_executable),
};

#else

TEST(registers_survive)
{
	return SKIP("written for riscv64");
}

static const struct test tests[] = {
    T(registers_survive),
};

#endif

SUITE(tests)
