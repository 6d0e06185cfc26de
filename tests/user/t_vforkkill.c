/* SPDX-License-Identifier: MIT */
/*
 * t_vforkkill.c - lenders and borrowers of an address space that are killed at
 * any moment, in the middle of any step, while others look on.
 *
 * t_vfork.c has those that end by themselves, or in an order.
 */
#include "harness.h"

#define EXIT_CODE 7

/* Cells. */
enum { CHILD, READY, COUNTED };

static unsigned char *page; /* private; borrowers write to it */
static unsigned char *stack_of_child, *stack_of_grandchild;

#define STACK (16 * PAGE)

static void prepare(void)
{
	page = pages_private(2);
	stack_of_child = pages_private(STACK / PAGE);
	stack_of_grandchild = pages_private(STACK / PAGE);
	stamp(page, 2, 1);
}

static void compute(int n)
{
	volatile int i;

	for (i = 0; i < n; i++)
		continue;
}

static void end_at_once(void)
{
	_exit(EXIT_CODE);
}

/* A child that does all that a child of vfork may do, over and over. */
static void do_this_and_that(void)
{
	for (;;) {
		long fresh, pid;

		stamp(page, 1, 2);
		fresh = raw(SYS_mmap, 0, 8 * PAGE, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (fresh > 0) {
			*(volatile char *)fresh = 1;
			(void)raw(SYS_munmap, fresh, 8 * PAGE);
		}
		pid = raw(SYS_clone, SIGCHLD);
		if (pid == 0)
			_exit(0);
		(void)raw(SYS_wait4, pid, 0, 0, 0);
		(void)cell_add(COUNTED, 1);
	}
}

/* Lends to a child, which lends to a grandchild again and again. */
static void lend_over_and_over(void)
{
	cell_set(CHILD, (int)raw(SYS_getpid));
	for (;;) {
		pid_t pid = vfork_on(stack_of_grandchild + STACK, end_at_once);

		if (pid > 0)
			(void)raw(SYS_wait4, pid, 0, 0, 0);
		(void)cell_add(COUNTED, 1);
	}
}

static void (*busy)(void);

static void busy_child(void)
{
	cell_set(CHILD, (int)raw(SYS_getpid));
	cell_set(READY, 1);
	busy();
}

_Noreturn static void lender_of_busy(void)
{
	int status;
	pid_t pid;

	prepare();
	pid = vfork_on(stack_of_child + STACK, busy_child);
	if (pid != cell_get(CHILD))
		give_up("vfork returned another pid");
	status = reap(pid);
	if (!killed_by(status, SIGKILL))
		give_up("the child was not killed");
	_exit(EXIT_CODE);
}

static const char *kill_when(int moment, bool the_child)
{
	pid_t pid;
	int status;

	cell_set(READY, 0);
	cell_set(COUNTED, 0);
	pid = must_fork();
	if (pid == 0)
		lender_of_busy();
	cell_await(READY, 1);
	if (moment % 2 != 0)
		cell_await(COUNTED, 1 + moment % 4);
	compute(moment * 997);
	(void)kill(the_child ? cell_get(CHILD) : pid, SIGKILL);
	status = reap(pid);
	if (the_child)
		return exited_with(status, EXIT_CODE) ? NULL
						      : status_verdict(status);
	(void)kill(cell_get(CHILD), SIGKILL);
	return killed_by(status, SIGKILL) ? NULL : status_verdict(status);
}

#define MOMENTS 60

TEST(a_child_can_be_killed_at_any_moment)
{
	int i;

	TRY(needs_lending());
	for (i = 0; i < MOMENTS; i++) {
		busy = i % 3 == 0 ? lend_over_and_over : do_this_and_that;
		TRY(kill_when(i, true));
	}
	return NULL;
}

TEST(a_lender_can_be_killed_at_any_moment)
{
	int i;

	TRY(needs_lending());
	for (i = 0; i < MOMENTS; i++) {
		busy = i % 3 == 0 ? lend_over_and_over : do_this_and_that;
		TRY(kill_when(i, false));
	}
	return NULL;
}

#define LENDERS   500
#define LENT_PART 1024 /* of the stack, for each of them */

static unsigned char *stack_of_lender; /* the end of that of the last one */

static void lend_and_lend(void)
{
	stack_of_lender += LENT_PART;
	if (cell_add(COUNTED, 1) < LENDERS)
		(void)vfork_on(stack_of_lender, lend_and_lend);
	for (;;)
		(void)raw(SYS_getppid);
}

/* All of them are ready then, and one at a time can run. */
TEST(many_lenders_can_be_killed_at_once)
{
	pid_t pid;
	int i;

	TRY(needs_lending());
	for (i = 0; i < 3; i++) {
		cell_set(COUNTED, 0);
		pid = must_fork();
		if (pid == 0) {
			(void)setpgid(0, 0);
			stack_of_lender =
			    pages_private(LENDERS * LENT_PART / PAGE + 1) +
			    LENT_PART;
			lend_and_lend();
		}
		cell_await(COUNTED, LENDERS);
		MUST(kill(-pid, SIGKILL) == 0, "there is no group");
		MUST(killed_by(reap(pid), SIGKILL), "the first was not killed");
	}
	return NULL;
}

/* ---- Others look on ---- */

/*
 * Looks at the memory of all processes, so that it may be the last user of one.
 */
_Noreturn static void spectator(void)
{
#ifdef __riscv
	static struct calf_walk walk;
	static struct calf_run run;
	struct calf_ps ps;

	for (;;) {
		ps.pid = 1;
		while (raw(SYS_calf_ps, ps.pid, (long)&ps) == 1) {
			(void)raw(SYS_calf_walk, ps.pid, (long)&run,
			    (long)&walk);
			(void)raw(SYS_calf_next, ps.pid, 0, (long)&run);
		}
	}
#else
	_exit(0);
#endif
}

TEST(those_who_look_on_do_not_keep_memory)
{
	pid_t looking[2];
	const char *sentence = NULL;
	int i;

	TRY(needs_lending());
	if (!on_calf())
		return SKIP("nobody can look on");
	for (i = 0; i < 2; i++) {
		looking[i] = must_fork();
		if (looking[i] == 0)
			spectator();
	}
	for (i = 0; i < 30 && sentence == NULL; i++) {
		busy = i % 3 == 0 ? lend_over_and_over : do_this_and_that;
		sentence = kill_when(i, i % 2 != 0);
	}
	for (i = 0; i < 2; i++) {
		(void)kill(looking[i], SIGKILL);
		(void)reap(looking[i]);
	}
	return sentence;
}

static const struct test tests[] = {
    T(a_child_can_be_killed_at_any_moment),
    T(a_lender_can_be_killed_at_any_moment),
    T(many_lenders_can_be_killed_at_once),
    T(those_who_look_on_do_not_keep_memory),
};

SUITE(tests)
