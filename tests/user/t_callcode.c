/* SPDX-License-Identifier: MIT */
/*
 * t_callcode.c - a system call is made once, by an instruction that may be
 * gone before it ends: rewritten by another process, or given up by the call.
 */
#include "harness.h"

#include <setjmp.h>

#define MS 1000000L

/* Cells. */
enum { READY, GO, CALLED, DELAY };

static int fds[2];
static pid_t caller;
static unsigned char *many_tables;

#define MANY_TABLES (96 * MIB)

/* A reservation that is cut into tables: what is done to it takes long. */
static void tables_make(void)
{
	size_t at;

	many_tables = reserve(MANY_TABLES, 2 * MIB);
	if (mprotect(many_tables, MANY_TABLES, PROT_READ | PROT_WRITE) != 0)
		give_up("mprotect failed");
	for (at = 0; at < MANY_TABLES; at += 2 * MIB)
		many_tables[at + PAGE] = 0;
}

/* ---- Code that another process rewrites ---- */

#define ECALL    0x00000073U
#define RET      0x00008067U
#define LI_777   0x77700513U /* li a0, 0x777 */
#define REPLACED 0x777

/* A function that makes the call in its registers, in shared memory. */
static volatile uint32_t *code;

static void code_make(void)
{
	void *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		give_up("no memory for code");
	code = p;
	code[0] = ECALL;
	code[1] = RET;
#ifdef __riscv
	__asm__ volatile("fence.i" ::: "memory");
#endif
}

#define through(at, nr, ...) \
	call_through((at), (nr), (const long[6]){__VA_ARGS__})
static long call_through(volatile uint32_t *at, long nr, const long args[6])
{
#ifdef __riscv
	register long a0 __asm__("a0") = args[0];
	register long a1 __asm__("a1") = args[1];
	register long a2 __asm__("a2") = args[2];
	register long a3 __asm__("a3") = args[3];
	register long a4 __asm__("a4") = args[4];
	register long a5 __asm__("a5") = args[5];
	register long a7 __asm__("a7") = nr;

	__asm__ volatile("fence.i\n"
			 "jalr %[at]"
			 : "+r"(a0)
			 : "r"(a1), "r"(a2), "r"(a3), "r"(a4), "r"(a5),
			 "r"(a7), [at] "r"(at)
			 : "ra", "memory");
	return a0;
#else
	(void)at;
	return raw_call(nr, args);
#endif
}

static void replace_and_write(void)
{
	code[0] = LI_777;
	if (write(fds[1], "x", 1) != 1)
		give_up("write failed");
}

static void replace_and_signal(void)
{
	code[0] = LI_777;
	(void)kill(caller, SIGUSR1);
}

static void replace_code(void)
{
	code[0] = LI_777;
}

TEST(a_call_that_waits_ends_whatever_becomes_of_its_code)
{
	struct timespec wait = {0, 200 * MS}, limit = {2, 0};
	uint64_t set = 1UL << (SIGUSR1 - 1);
	char byte;
	long n;
	pid_t pid;

	TRY(needs_riscv());
	code_make();
	caller = getpid();
	MUST(pipe(fds) == 0, "no pipe");
	pid = change_later(replace_and_write);
	n = through(code, SYS_read, fds[0], (long)&byte, 1);
	MUST(n == 1 && byte == 'x', found("read returned %ld", n));
	TRY(child_end(pid));

	code[0] = ECALL;
	pid = change_later(replace_code);
	n = through(code, SYS_nanosleep, (long)&wait, 0);
	MUST(n == 0, found("nanosleep returned %ld", n));
	TRY(child_end(pid));

	code[0] = ECALL;
	pid = change_later(replace_code);
	n = through(code, SYS_wait4, pid, 0, 0, 0);
	MUST(n == pid, found("wait4 returned %ld", n));

	code[0] = ECALL;
	block_signal(SIGUSR1);
	pid = change_later(replace_and_signal);
	n = through(code, SYS_rt_sigtimedwait, (long)&set, 0, (long)&limit, 8);
	MUST(n == SIGUSR1, found("rt_sigtimedwait returned %ld", n));
	return child_end(pid);
}

/* Can memory be read there? The call reads a mask, which is empty. */
static bool is_readable(const void *at)
{
	return raw(SYS_rt_sigprocmask, SIG_BLOCK, (long)at, 0, 8) == 0;
}

/* How many of the tables can be read. */
static int tables_readable(void)
{
	size_t at;
	int n = 0;

	for (at = 0; at < MANY_TABLES; at += 2 * MIB)
		n += is_readable(many_tables + at + PAGE);
	return n;
}

#define TABLES ((int)(MANY_TABLES / (2 * MIB)))

/* Replaces the code a while after each call has begun, and puts it back. */
_Noreturn static void replacer(void)
{
	volatile int i;
	int round;

	for (round = 1;; round++) {
		cell_await(GO, round);
		for (i = 0; i < cell_get(DELAY); i++)
			continue;
		code[0] = LI_777;
		while (cell_get(CALLED) < round)
			continue;
		code[0] = ECALL;
		cell_set(READY, round);
	}
}

#define REPLACEMENTS 120

static const char *protect_as_a_whole(int round)
{
	bool hide = round % 2 != 0;
	long n;
	int readable, wanted;

	cell_set(DELAY, round * 37 % REPLACEMENTS * 400);
	cell_set(GO, round);
	n = through(code, SYS_mprotect, (long)many_tables, MANY_TABLES,
	    hide ? PROT_NONE : PROT_READ | PROT_WRITE);
	cell_set(CALLED, round);
	cell_await(READY, round);
	readable = tables_readable();
	wanted = hide == (n == 0) ? 0 : TABLES;
	MUST(n == 0 || n == REPLACED, found("mprotect returned %ld", n));
	MUST(readable == wanted,
	    found("round %d: result %ld, %d of %d tables can be read", round, n,
		readable, TABLES));
	return mprotect(many_tables, MANY_TABLES,
		   hide ? PROT_NONE : PROT_READ | PROT_WRITE) == 0
	    ? NULL
	    : "mprotect failed";
}

/*
 * Otherwise half of the operation would be left, and the next call would go on
 * with it.
 */
TEST(a_call_in_parts_ends_whatever_becomes_of_its_code)
{
	const char *sentence = needs_riscv();
	pid_t pid;
	int round;

	if (sentence != NULL)
		return sentence;
	if (harts() < 2)
		return SKIP("one hart cannot change what it executes");
	code_make();
	tables_make();
	pid = must_fork();
	if (pid == 0)
		replacer();
	for (round = 1; round <= REPLACEMENTS && sentence == NULL; round++)
		sentence = protect_as_a_whole(round);
	(void)kill(pid, SIGKILL);
	(void)reap(pid);
	return sentence;
}

/* ---- A range that holds the one who changes it ---- */

static sigjmp_buf back;

static void on_fault(int sig)
{
	(void)sig;
	siglongjmp(back, 1);
}

static void catch_faults(void)
{
	struct sigaction sa;

	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = on_fault;
	sa.sa_flags = SA_NODEFER;
	(void)sigaction(SIGSEGV, &sa, NULL);
	(void)sigaction(SIGILL, &sa, NULL);
}

/* Changes all the tables by a call made from the one at `at`. */
static const char *change_from_within(size_t at, long nr, const long args[6])
{
	volatile uint32_t *here;
	unsigned char *here_page;
	int readable;

	tables_make();
	MUST(mprotect(many_tables, MANY_TABLES,
		 PROT_READ | PROT_WRITE | PROT_EXEC) == 0,
	    "mprotect failed");
	here = (volatile uint32_t *)(void *)(many_tables + at);
	here[0] = ECALL;
	here[1] = RET;
	here_page = many_tables + at / PAGE * PAGE;
	catch_faults();
	if (sigsetjmp(back, 1) == 0) {
		long with[6];

		memcpy(with, args, sizeof(with));
		with[0] = (long)many_tables;
		with[1] = MANY_TABLES;
		(void)call_through(here, nr, with);
		return "the code was there after the call";
	}
	readable = tables_readable();
	if (nr != SYS_mmap)
		return readable == 0
		    ? NULL
		    : found("%d of %d tables can still be read", readable,
			  TABLES);
	return readable == TABLES && all_bytes(here_page, PAGE, 0)
	    ? NULL
	    : "memory is as it was before mmap";
}

static size_t from_where;

#define FROM_WITHIN(name, nr, ...)                        \
	static const char *name(void)                     \
	{                                                 \
		return change_from_within(from_where, nr, \
		    (const long[6]){0, 0, __VA_ARGS__});  \
	}

FROM_WITHIN(hide, SYS_mprotect, PROT_NONE)
FROM_WITHIN(unmap, SYS_munmap, 0)
FROM_WITHIN(map_over, SYS_mmap, PROT_READ,
    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0)

TEST(a_range_changes_as_a_whole_although_it_holds_the_caller)
{
	static const size_t places[] = {0, 2 * MIB, MANY_TABLES / 2,
	    MANY_TABLES - PAGE};
	int i;

	TRY(needs_riscv());
	for (i = 0; i < COUNT(places); i++) {
		from_where = places[i];
		TRY(in_child(hide));
		TRY(in_child(unmap));
		TRY(in_child(map_over));
	}
	return NULL;
}

static const struct test tests[] = {
    T(a_call_that_waits_ends_whatever_becomes_of_its_code),
    T(a_call_in_parts_ends_whatever_becomes_of_its_code),
    T(a_range_changes_as_a_whole_although_it_holds_the_caller),
};

SUITE(tests)
