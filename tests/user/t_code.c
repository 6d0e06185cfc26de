/* SPDX-License-Identifier: MIT */
/*
 * t_code.c - a program executes the code that it wrote, on any hart and in any
 * frame, and never what was there before.
 *
 * On hardware whose instruction caches are coherent these tests cannot fail.
 */
#include "harness.h"

#include <sched.h>

#define LI_A0(value) (0x00000513U | (unsigned)(value) << 20)
#define RET          0x00008067U

#define ROUNDS 40

typedef long code_fn(void);

static void fence_code(void)
{
	__asm__ volatile("fence.i" ::: "memory");
}

/* A function at `at` that returns `value`, up to 2047. */
static void write_code(void *at, unsigned value)
{
	volatile unsigned *code = at;

	code[0] = LI_A0(value);
	code[1] = RET;
}

static long call(void *at)
{
	return ((code_fn *)(uintptr_t)at)();
}

static void *map(int prot, int flags)
{
	void *at = mmap(NULL, PAGE, prot, flags | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED)
		give_up("there is no memory for code");
	return at;
}

#define RWX (PROT_READ | PROT_WRITE | PROT_EXEC)

static const char *spin(void)
{
	while (cell_get(0) == 0)
		sched_yield();
	return NULL;
}

TEST(code_written_and_fenced_is_executed_wherever_the_process_goes)
{
	void *code = map(RWX, MAP_PRIVATE);
	pid_t other[3];

	for (int i = 0; i < COUNT(other); i++)
		other[i] = child_start(spin);
	for (unsigned i = 1; i <= 20 * ROUNDS; i++) {
		write_code(code, i);
		fence_code();
		sched_yield();
		sched_yield();
		MUST(call(code) == (long)i, "old code was executed");
	}
	cell_set(0, 1);
	for (int i = 0; i < COUNT(other); i++)
		TRY(child_end(other[i]));
	return NULL;
}

TEST(memory_made_executable_is_the_code_that_was_written)
{
	for (unsigned i = 1; i <= ROUNDS; i++) {
		void *code = map(PROT_READ | PROT_WRITE, MAP_PRIVATE);

		write_code(code, i);
		MUST(mprotect(code, PAGE, PROT_READ | PROT_EXEC) == 0,
		    "mprotect failed");
		MUST(call(code) == (long)i, "other code was executed");
		MUST(munmap(code, PAGE) == 0, "munmap failed");
	}
	return NULL;
}

#define MENDED 2047

static void *fresh;

static void mend(int sig)
{
	(void)sig;
	write_code(fresh, MENDED);
	fence_code();
}

/* Zeroes are no instruction, and what was there before is not there. */
static const char *expect_nothing_in(void *at)
{
	struct sigaction sa;

	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = mend;
	MUST(sigaction(SIGILL, &sa, NULL) == 0, "sigaction failed");
	fresh = at;
	MUST(call(at) == MENDED, "old code was executed");
	return NULL;
}

static const char *leave_code_and_look(int flags)
{
	for (unsigned i = 1; i <= ROUNDS; i++) {
		void *code = map(RWX, flags);

		write_code(code, i);
		fence_code();
		MUST(call(code) == (long)i, "other code was executed");
		MUST(munmap(code, PAGE) == 0, "munmap failed");
		code = map(RWX, flags);
		TRY(expect_nothing_in(code));
		MUST(munmap(code, PAGE) == 0, "munmap failed");
	}
	return NULL;
}

TEST(fresh_executable_memory_holds_no_old_code)
{
	return leave_code_and_look(MAP_PRIVATE);
}

TEST(fresh_shared_executable_memory_holds_no_old_code)
{
	return leave_code_and_look(MAP_SHARED);
}

static unsigned char *both; /* code, and data in the same page */

static const char *write_beside_and_call(void)
{
	void *other = map(RWX, MAP_PRIVATE);

	/* The copy may come into this frame, which held other code. */
	write_code(other, 9);
	fence_code();
	MUST(call(other) == 9, "old code was executed");
	MUST(munmap(other, PAGE) == 0, "munmap failed");
	both[PAGE / 2]++;
	MUST(call(both) == 7, "other code than the parent's was executed");
	return NULL;
}

TEST(a_page_of_code_that_is_copied_is_the_same_code)
{
	both = map(RWX, MAP_PRIVATE);
	write_code(both, 7);
	fence_code();
	for (int i = 0; i < ROUNDS; i++) {
		TRY(in_child(write_beside_and_call));
		MUST(call(both) == 7, "other code was executed");
	}
	return NULL;
}

TEST(code_that_another_process_wrote_is_executed_after_the_call_for_it)
{
	void *code = map(RWX, MAP_SHARED);

	if (on_emulator())
		return SKIP("the emulator keeps code that others write");
	for (unsigned i = 1; i <= ROUNDS; i++) {
		pid_t pid = must_fork();

		if (pid == 0) {
			write_code(code, i);
			(void)raw(SYS_riscv_flush_icache, 0, 0, 0);
			_exit(0);
		}
		MUST(exited_with(reap(pid), 0), "the writer failed");
		fence_code();
		MUST(call(code) == (long)i, "old code was executed");
		MUST(raw(SYS_riscv_flush_icache, 0, 0, 0) == 0,
		    "riscv_flush_icache failed");
	}
	return NULL;
}

static void *shared;

enum { WRITTEN }; /* the number of the code that is there */

_Noreturn static void call_over_and_over(void)
{
	int written;

	while ((written = cell_get(WRITTEN)) <= ROUNDS)
		if (call(shared) < written)
			_exit(1);
	_exit(0);
}

/*
 * Calf's call has an effect on each process that runs after it, without a fence
 * of its own.
 */
TEST(code_is_new_to_a_process_that_was_stopped_while_another_wrote_it)
{
	pid_t pid;
	int status;

	if (!on_calf())
		return SKIP("elsewhere each process fences for itself");
	shared = map(RWX, MAP_SHARED);
	write_code(shared, 0);
	(void)raw(SYS_riscv_flush_icache, 0, 0, 0);
	pid = must_fork();
	if (pid == 0)
		call_over_and_over();
	for (int i = 1; i <= ROUNDS; i++) {
		sleep_ms(1);
		kill(pid, SIGSTOP);
		MUST(waitpid(pid, &status, WUNTRACED) == pid &&
			WIFSTOPPED(status),
		    "old code was executed");
		write_code(shared, (unsigned)i);
		(void)raw(SYS_riscv_flush_icache, 0, 0, 0);
		cell_set(WRITTEN, i);
		kill(pid, SIGCONT);
	}
	sleep_ms(1);
	cell_set(WRITTEN, ROUNDS + 1);
	MUST(exited_with(reap(pid), 0), "old code was executed");
	return NULL;
}

static const struct test tests[] = {
    T(code_written_and_fenced_is_executed_wherever_the_process_goes),
    T(memory_made_executable_is_the_code_that_was_written),
    T(fresh_executable_memory_holds_no_old_code),
    T(fresh_shared_executable_memory_holds_no_old_code),
    T(a_page_of_code_that_is_copied_is_the_same_code),
    T(code_that_another_process_wrote_is_executed_after_the_call_for_it),
    T(code_is_new_to_a_process_that_was_stopped_while_another_wrote_it),
};
SUITE(tests)
