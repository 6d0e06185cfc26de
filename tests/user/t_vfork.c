/* SPDX-License-Identifier: MIT */
/*
 * t_vfork.c - an address space that is lent: by vfork, once or several times
 * over, while lenders and borrowers exit, execute, fault and are killed.
 *
 * Whichever process ends, and in any order: the lender goes on when all
 * borrowers have left, with its memory as they left it; only one process runs
 * in the space at a time; and every frame comes back, which suite_main() checks
 * after each test.
 *
 * t_vforkkill.c kills them at any moment. In the names, a parent lends to a
 * child, and the child to a grandchild.
 */
#include "harness.h"

#include <sched.h>

#define EXIT_CODE 7
#define EXIT_ARG  "@exit"

/* Cells. */
enum {
	PARENT, /* pids */
	CHILD,
	GRANDCHILD,
	STEPS, /* that the parent made */
	SEEN,  /* of them by a borrower, while it ran */
	READY,
	GO,
	LEFT, /* borrowers that came to their end */
};

static unsigned char *page; /* private; borrowers write to it */
static unsigned char *page_of_grandchild;
static unsigned char *stack_of_child, *stack_of_grandchild;

#define STACK (16 * PAGE)

static void prepare(void)
{
	page = pages_private(2);
	page_of_grandchild = page + PAGE;
	stack_of_child = pages_private(STACK / PAGE);
	stack_of_grandchild = pages_private(STACK / PAGE);
	cell_set(PARENT, getpid());
	stamp(page, 2, 1);
}

static pid_t child_of(void (*fn)(void))
{
	return vfork_on(stack_of_child + STACK, fn);
}

static pid_t grandchild_of(void (*fn)(void))
{
	return vfork_on(stack_of_grandchild + STACK, fn);
}

static void compute(int n)
{
	volatile int i;

	for (i = 0; i < n; i++)
		continue;
}

/* Counts in SEEN the steps that the parent makes while a borrower runs. */
static void watch_the_parent(void)
{
	int before = cell_get(STEPS), i;

	for (i = 0; i < 30; i++) {
		compute(20000);
		sched_yield();
	}
	sleep_ms(30);
	(void)cell_add(SEEN, cell_get(STEPS) - before);
}

/* The parent calls it when it runs again. */
static void make_steps(int n)
{
	int i;

	for (i = 0; i < n; i++)
		(void)cell_add(STEPS, 1);
}

/*
 * Linux lets the parent run when its own child is gone, beside a grandchild in
 * the same memory, as with threads. Here a space has one runner.
 */
static const char *parent_ran_alone(void)
{
	if (on_calf() && cell_get(SEEN) != 0)
		return found("the parent made %d steps beside a borrower",
		    cell_get(SEEN));
	return NULL;
}

/* ---- Ways to end ---- */

static void end_by_exit(void)
{
	_exit(EXIT_CODE);
}

static void end_by_exec(void)
{
	const char *argv[] = {suite_path, EXIT_ARG, NULL};

	(void)raw(SYS_execve, (long)suite_path, (long)argv, 0);
	_exit(99);
}

static void end_by_fault(void)
{
	volatile uintptr_t address = 8;

	*(volatile int *)address = 1;
	_exit(99);
}

static void end_by_kill(void)
{
	for (;;)
		(void)raw(SYS_kill, raw(SYS_getpid), SIGKILL);
}

/* Touches a page for which there is no frame. */
static void end_by_want(void)
{
	unsigned char *fresh = page + 2 * PAGE;

	if (!on_calf_test_build())
		end_by_kill();
	fresh = (unsigned char *)raw(SYS_mmap, 0, 4 * PAGE,
	    PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	(void)fail_allocation(1, CALF_FAIL_FROM);
	*(volatile unsigned char *)fresh = 1;
	_exit(99);
}

static const struct way {
	const char *name;
	void (*fn)(void);
	int status;
} ways[] = {
    {"exit", end_by_exit, EXIT_CODE << 8},
    {"exec", end_by_exec, EXIT_CODE << 8},
    {"fault", end_by_fault, SIGSEGV},
    {"kill", end_by_kill, SIGKILL},
    {"want of memory", end_by_want, SIGKILL},
};

static const struct way *child_way, *grandchild_way;

/* Whether memory was dumped does not matter. */
static bool has_status(int status, const struct way *way)
{
	return (status & ~0x80) == way->status;
}

/* ---- One borrower ---- */

static void write_and_end(void)
{
	stamp(page, 1, 2);
	watch_the_parent();
	child_way->fn();
}

static const char *lend_once(void)
{
	pid_t pid = child_of(write_and_end);
	int status;

	make_steps(1);
	MUST(pid > 0, found("vfork returned %d", (int)pid));
	status = reap(pid);
	MUST(has_status(status, child_way),
	    found("%s: status 0x%x", child_way->name, (unsigned)status));
	MUST(stamped(page, 1, 2), "what the child wrote is not there");
	MUST(stamped(page_of_grandchild, 1, 0) == false, "zeros are stamped");
	MUST(cell_get(SEEN) == 0, "the parent ran beside its child");
	return NULL;
}

TEST(the_parent_goes_on_however_its_child_ends)
{
	int i;

	TRY(needs_lending());
	for (i = 0; i < COUNT(ways); i++) {
		prepare();
		child_way = &ways[i];
		TRY(lend_once());
	}
	return NULL;
}

/* ---- Two borrowers ---- */

static void write_more_and_end(void)
{
	cell_set(GRANDCHILD, (int)raw(SYS_getpid));
	stamp(page_of_grandchild, 1, 3);
	watch_the_parent();
	(void)cell_add(LEFT, 1);
	grandchild_way->fn();
}

static void lend_on(void)
{
	pid_t pid;
	int status = 0;

	stamp(page, 1, 2);
	pid = grandchild_of(write_more_and_end);
	if (pid <= 0 || raw(SYS_wait4, pid, (long)&status, 0, 0) != pid)
		_exit(98);
	if (!has_status(status, grandchild_way))
		_exit(97);
	watch_the_parent();
	child_way->fn();
}

static const char *lend_twice(void)
{
	pid_t pid = child_of(lend_on);
	int status;

	make_steps(1);
	MUST(pid > 0, found("vfork returned %d", (int)pid));
	status = reap(pid);
	MUST(has_status(status, child_way),
	    found("%s after %s: status 0x%x", child_way->name,
		grandchild_way->name, (unsigned)status));
	MUST(stamped(page, 1, 2) && stamped(page_of_grandchild, 1, 3),
	    "what they wrote is not there");
	return cell_get(SEEN) == 0 ? NULL : "the parent ran beside them";
}

TEST(borrowers_end_one_after_the_other)
{
	int i, j;

	TRY(needs_lending());
	for (i = 0; i < COUNT(ways); i++)
		for (j = 0; j < COUNT(ways); j++) {
			prepare();
			child_way = &ways[i];
			grandchild_way = &ways[j];
			TRY(lend_twice());
		}
	return NULL;
}

/* ---- The one in the middle goes first ---- */

static void kill_the_one_in_between(void)
{
	cell_set(GRANDCHILD, (int)raw(SYS_getpid));
	(void)raw(SYS_kill, cell_get(CHILD), SIGKILL);
	watch_the_parent();
	stamp(page_of_grandchild, 1, 3);
	(void)cell_add(LEFT, 1);
	grandchild_way->fn();
}

static void lend_and_be_killed(void)
{
	cell_set(CHILD, (int)raw(SYS_getpid));
	stamp(page, 1, 2);
	(void)grandchild_of(kill_the_one_in_between);
	_exit(98);
}

static const char *lose_the_one_in_between(void)
{
	pid_t pid = child_of(lend_and_be_killed);

	make_steps(1000);
	MUST(pid > 0, found("vfork returned %d", (int)pid));
	MUST(killed_by(reap(pid), SIGKILL), "the child was not killed");
	cell_await(LEFT, 1);
	cell_set(LEFT, 0);
	MUST(stamped(page, 1, 2), "what the child wrote is not there");
	TRY(parent_ran_alone());
	if (on_calf())
		MUST(stamped(page_of_grandchild, 1, 3),
		    "the grandchild was not waited for");
	return NULL;
}

TEST(all_borrowers_have_left_when_the_parent_goes_on)
{
	int i;

	TRY(needs_lending());
	for (i = 0; i < COUNT(ways); i++) {
		prepare();
		grandchild_way = &ways[i];
		TRY(lose_the_one_in_between());
	}
	return NULL;
}

/*
 * The grandchild gives up memory that the parent's hart may still remember, and
 * the kernel makes other things of it. Two harts in one space would see them.
 */
static void give_up_memory(void)
{
	int i;

	(void)raw(SYS_kill, cell_get(CHILD), SIGKILL);
	compute(300000);
	for (i = 0; i < 8; i++) {
		long pid;

		(void)raw(SYS_munmap, (long)page, PAGE);
		pid = raw(SYS_clone, SIGCHLD);
		if (pid == 0)
			_exit(0);
		(void)raw(SYS_wait4, pid, 0, 0, 0);
	}
	(void)raw(SYS_mmap, (long)page, PAGE, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	(void)cell_add(LEFT, 1);
	_exit(0);
}

static void lend_to_one_who_gives_up(void)
{
	cell_set(CHILD, (int)raw(SYS_getpid));
	(void)grandchild_of(give_up_memory);
	_exit(98);
}

TEST(memory_given_up_by_a_borrower_is_gone_for_all)
{
	pid_t pid;
	int i;

	TRY(needs_lending());
	if (!on_calf())
		return SKIP("the parent would run beside the borrower");
	for (i = 0; i < 10; i++) {
		prepare();
		pid = child_of(lend_to_one_who_gives_up);
		MUST(pid > 0, found("vfork returned %d", (int)pid));
		MUST(all_bytes(page, PAGE, 0),
		    "the page is not the one that the borrower left");
		MUST(killed_by(reap(pid), SIGKILL), "another status");
		MUST(cell_get(LEFT) == i + 1, "the borrower had not left");
	}
	return NULL;
}

/* ---- A lender is killed ---- */

static void outlive_the_parent(void)
{
	int ppid = (int)raw(SYS_getppid), i;

	cell_set(CHILD, (int)raw(SYS_getpid));
	cell_set(READY, 1);
	stamp(page, 1, 2);
	while (raw(SYS_getppid) == ppid)
		(void)raw(SYS_sched_yield);
	for (i = 0; i < 20; i++) {
		compute(10000);
		stamp(page, 2, 4);
		(void)raw(SYS_sched_yield);
		if (!stamped(page, 2, 4))
			give_up("the child's memory went with its parent");
	}
	cell_set(LEFT, 1);
	child_way->fn();
}

static void lend_and_die(void)
{
	prepare();
	(void)child_of(outlive_the_parent);
	make_steps(1);
	_exit(98);
}

static const char *kill_the_lender(void)
{
	pid_t pid;

	cell_set(READY, 0);
	cell_set(LEFT, 0);
	cell_set(STEPS, 0);
	pid = must_fork();
	if (pid == 0)
		lend_and_die();
	cell_await(READY, 1);
	(void)kill(pid, SIGKILL);
	MUST(killed_by(reap(pid), SIGKILL), "the lender was not killed");
	cell_await(LEFT, 1);
	return cell_get(STEPS) == 0 ? NULL : "a killed lender went on";
}

TEST(a_child_outlives_a_lender_that_is_killed)
{
	int i;

	TRY(needs_lending());
	for (i = 0; i < COUNT(ways); i++) {
		child_way = &ways[i];
		TRY(kill_the_lender());
	}
	return NULL;
}

/* Lenders are killed, all at once or one after the other, from outside. */
static void stay_until_told(void)
{
	cell_set(GRANDCHILD, (int)raw(SYS_getpid));
	cell_set(READY, 1);
	stamp(page_of_grandchild, 1, 3);
	while (cell_get(GO) == 0)
		(void)raw(SYS_sched_yield);
	if (!stamped(page_of_grandchild, 1, 3))
		give_up("the grandchild's memory went with its lenders");
	cell_set(LEFT, 1);
	_exit(0);
}

static void lend_to_one_who_stays(void)
{
	cell_set(CHILD, (int)raw(SYS_getpid));
	(void)grandchild_of(stay_until_told);
	make_steps(1);
	_exit(98);
}

static const char *kill_lenders(bool child_first)
{
	pid_t pid;

	cell_set(READY, 0);
	cell_set(LEFT, 0);
	cell_set(GO, 0);
	cell_set(STEPS, 0);
	pid = must_fork();
	if (pid == 0) {
		prepare();
		(void)child_of(lend_to_one_who_stays);
		/* On Linux the parent comes here once its child is dead. */
		for (;;)
			(void)raw(SYS_sched_yield);
	}
	cell_await(READY, 1);
	(void)kill(child_first ? cell_get(CHILD) : pid, SIGKILL);
	sleep_ms(10);
	(void)kill(child_first ? pid : cell_get(CHILD), SIGKILL);
	MUST(killed_by(reap(pid), SIGKILL), "the parent was not killed");
	MUST(cell_get(STEPS) == 0, "the child went on beside the grandchild");
	cell_set(GO, 1);
	cell_await(LEFT, 1);
	return NULL;
}

TEST(a_grandchild_outlives_both_lenders)
{
	int i;

	TRY(needs_lending());
	for (i = 0; i < 6; i++)
		TRY(kill_lenders(i % 2 == 0));
	return NULL;
}

/* ---- Signals to a lender ---- */

static volatile int handled;

static void on_signal(int sig)
{
	(void)sig;
	handled++;
}

static void signal_the_parent(void)
{
	(void)raw(SYS_kill, cell_get(PARENT), SIGUSR1);
	(void)raw(SYS_kill, cell_get(PARENT), SIGSTOP);
	(void)raw(SYS_kill, cell_get(PARENT), SIGCONT);
	watch_the_parent();
	cell_set(LEFT, handled == 0);
	_exit(0);
}

/* The handler would run on the stack that the child has borrowed. */
TEST(a_signal_waits_until_the_space_is_given_back)
{
	pid_t pid;

	TRY(needs_lending());
	prepare();
	(void)signal(SIGUSR1, on_signal);
	pid = child_of(signal_the_parent);
	MUST(pid > 0, found("vfork returned %d", (int)pid));
	MUST(cell_get(LEFT) == 1, "a handler ran in the lent space");
	MUST(handled == 1, "the handler did not run afterwards");
	return exited_with(reap(pid), 0) ? NULL : "another status";
}

static void stop_here(void)
{
	cell_set(CHILD, (int)raw(SYS_getpid));
	cell_set(READY, 1);
	(void)raw(SYS_kill, raw(SYS_getpid), SIGSTOP);
	watch_the_parent();
	_exit(0);
}

TEST(a_stopped_child_keeps_what_it_has_borrowed)
{
	pid_t helper;
	pid_t pid;

	TRY(needs_lending());
	prepare();
	helper = must_fork();
	if (helper == 0) {
		cell_await(READY, 1);
		sleep_ms(50);
		cell_set(SEEN, cell_get(STEPS));
		(void)kill(cell_get(CHILD), SIGCONT);
		_exit(0);
	}
	pid = child_of(stop_here);
	make_steps(1);
	MUST(pid > 0, found("vfork returned %d", (int)pid));
	MUST(exited_with(reap(pid), 0), "another status");
	MUST(exited_with(reap(helper), 0), "another status");
	return cell_get(SEEN) == 0 ? NULL : "the parent went on meanwhile";
}

/* ---- A word that is cleared when the child has left ---- */

static volatile int left_word;

static void clear_word_and_end(void)
{
	left_word = 5;
	(void)raw(SYS_set_tid_address, (long)&left_word);
	_exit(left_word == 5 ? 0 : 1);
}

TEST(a_borrower_clears_its_word_when_it_leaves)
{
	pid_t pid;

	TRY(needs_lending());
	prepare();
	pid = child_of(clear_word_and_end);
	MUST(exited_with(reap(pid), 0), "another status");
	return left_word == 0 ? NULL : found("the word is %d", left_word);
}

/* ---- Many at once ---- */

_Noreturn static void lend_for_a_while(int rounds)
{
	int i;

	prepare();
	for (i = 0; i < rounds; i++) {
		child_way = &ways[i % COUNT(ways)];
		grandchild_way = &ways[i / COUNT(ways) % COUNT(ways)];
		stamp(page, 2, 1);
		if (!has_status(reap(child_of(lend_on)), child_way))
			give_up("another status");
		if (!stamped(page, 1, 2) || !stamped(page_of_grandchild, 1, 3))
			give_up("what they wrote is not there");
	}
	_exit(0);
}

TEST(spaces_are_lent_side_by_side)
{
	pid_t pids[4];
	int i;

	TRY(needs_lending());
	for (i = 0; i < COUNT(pids); i++) {
		pids[i] = must_fork();
		if (pids[i] == 0)
			lend_for_a_while(8);
	}
	for (i = 0; i < COUNT(pids); i++)
		TRY(child_end(pids[i]));
	return NULL;
}

static const struct test tests[] = {
    T(the_parent_goes_on_however_its_child_ends),
    T(borrowers_end_one_after_the_other),
    T(all_borrowers_have_left_when_the_parent_goes_on),
    T(memory_given_up_by_a_borrower_is_gone_for_all),
    T(a_child_outlives_a_lender_that_is_killed),
    T(a_grandchild_outlives_both_lenders),
    T(a_signal_waits_until_the_space_is_given_back),
    T(a_stopped_child_keeps_what_it_has_borrowed),
    T(a_borrower_clears_its_word_when_it_leaves),
    T(spaces_are_lent_side_by_side),
};

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], EXIT_ARG) == 0)
		return EXIT_CODE;
	return suite_main(argc, argv, tests, COUNT(tests));
}
