/* SPDX-License-Identifier: MIT */
/*
 * t_storm.c - several harts access the same pages at one moment.
 *
 * A barrier on shared memory lets sharers go at once; then each writes, reads,
 * exits or executes. Each checks what it finds, and the harness checks that
 * exactly as many frames are free afterwards as before.
 *
 * The environment variable STORM multiplies the number of rounds.
 */
#include "harness.h"

#include <sched.h>

#define ROUNDS  200
#define SHARERS 4
#define PAGES   8

/* Exit status of the program when it was executed in the storm. */
#define EXECUTED 55

static unsigned char *pages;
static bool can_exec;

static int rounds(int ordinary)
{
	const char *times = getenv("STORM");

	return times == NULL ? ordinary : ordinary * atoi(times);
}

/*
 * Lets all go at once. They spin, so that harts leave the barrier together;
 * after a while they yield, for machines with fewer harts than sharers.
 */
static void go_together(int n)
{
	int spins;

	(void)cell_add(0, 1);
	for (spins = 0; cell_get(0) < n; spins++)
		if (spins > 100)
			sched_yield();
}

/* ---- What a sharer does ---- */

static const char *write_up(unsigned me)
{
	stamp(pages, PAGES, me);
	return stamped(pages, PAGES, me) ? NULL : "a write was lost";
}

static const char *write_down(unsigned me)
{
	int i;

	for (i = PAGES - 1; i >= 0; i--)
		stamp(pages + (size_t)i * PAGE, 1, me);
	for (i = 0; i < PAGES; i++)
		MUST(stamped(pages + (size_t)i * PAGE, 1, me),
		    "a write was lost");
	return NULL;
}

static const char *only_read(unsigned me)
{
	(void)me;
	return stamped(pages, PAGES, 1000) ? NULL : "a read saw a write";
}

static const char *read_and_write(unsigned me)
{
	TRY(only_read(me));
	return write_up(me);
}

static const char *only_exit(unsigned me)
{
	(void)me;
	return NULL;
}

static const char *execute(unsigned me)
{
	char *argv[] = {
	    (char *)(uintptr_t)suite_path,
	    (char *)(uintptr_t) "@executed",
	    NULL,
	};

	if (!can_exec)
		return write_up(me);
	execv(suite_path, argv);
	return "execv failed";
}

static const char *fork_and_write(unsigned me)
{
	pid_t pid = must_fork();

	if (pid == 0) {
		const char *sentence = write_up(me + 100);

		if (sentence != NULL)
			give_up(sentence);
		_exit(0);
	}
	TRY(write_up(me));
	return child_end(pid);
}

static const char *discard(unsigned me)
{
	MUST(madvise(pages, PAGES / 2 * PAGE, MADV_DONTNEED) == 0,
	    "madvise failed");
	MUST(all_bytes(pages, PAGES / 2 * PAGE, 0), "not zero");
	return munmap(pages + PAGE, 2 * PAGE) == 0 ? only_exit(me)
						   : "munmap failed";
}

typedef const char *deed(unsigned me);

static deed *const deeds[] = {
    write_up,
    write_down,
    only_read,
    read_and_write,
    only_exit,
    execute,
    fork_and_write,
    discard,
};

/* ---- Rounds ---- */

static pid_t sharer_start(unsigned me, int n, deed *what)
{
	const char *sentence;
	pid_t pid = must_fork();

	if (pid != 0)
		return pid;
	go_together(n);
	sentence = what(me);
	if (sentence != NULL)
		give_up(sentence);
	_exit(0);
}

static const char *sharer_end(pid_t pid)
{
	int status = reap(pid);

	return exited_with(status, EXECUTED) ? NULL : status_verdict(status);
}

/*
 * n sharers, the parent among them, whose deed is the last. Its own memory
 * must survive the round, so it writes or reads only.
 */
static const char *storm_round(int n, deed *const *what)
{
	const char *sentence;
	pid_t pids[SHARERS];
	int i;

	cell_set(0, 0);
	stamp(pages, PAGES, 1000);
	for (i = 0; i < n - 1; i++)
		pids[i] = sharer_start((unsigned)i, n, what[i]);
	go_together(n);
	sentence = what[n - 1]((unsigned)n);
	for (i = 0; i < n - 1; i++) {
		const char *one = sharer_end(pids[i]);

		sentence = sentence == NULL ? one : sentence;
	}
	return sentence;
}

/* Every other sharer does `what`, the others write. */
static const char *some_do(deed *what, int times)
{
	deed *list[SHARERS];
	int i;
	int k;

	pages = pages_private(PAGES);
	for (i = 0; i < rounds(times); i++) {
		int n = 2 + i % (SHARERS - 1);

		for (k = 0; k < n; k++)
			list[k] = k % 2 == 0 ? what : write_up;
		list[n - 1] = write_up;
		TRY(storm_round(n, list));
	}
	return NULL;
}

TEST(sharers_write_the_same_pages_at_once)
{
	deed *list[SHARERS] = {write_up, write_down, write_up, write_down};
	int i;

	pages = pages_private(PAGES);
	for (i = 0; i < rounds(ROUNDS); i++)
		TRY(storm_round(2 + i % (SHARERS - 1), list));
	return NULL;
}

TEST(some_write_while_others_read)
{
	deed *list[SHARERS] = {only_read, write_up, only_read, read_and_write};
	int i;

	pages = pages_private(PAGES);
	for (i = 0; i < rounds(ROUNDS); i++)
		TRY(storm_round(2 + i % (SHARERS - 1), list));
	return NULL;
}

TEST(some_write_while_others_exit)
{
	return some_do(only_exit, ROUNDS);
}

TEST(some_write_while_others_execute)
{
	return some_do(execute, ROUNDS / 2);
}

TEST(some_write_while_others_unmap)
{
	return some_do(discard, ROUNDS);
}

TEST(some_write_while_others_fork)
{
	return some_do(fork_and_write, ROUNDS / 2);
}

TEST(sharers_do_anything_at_once)
{
	deed *list[SHARERS];
	uint64_t seed = 99;
	int n;
	int i;
	int k;

	pages = pages_private(PAGES);
	for (i = 0; i < rounds(ROUNDS); i++) {
		n = 2 + (int)(rnd(&seed) % (SHARERS - 1));
		for (k = 0; k < n; k++)
			list[k] = deeds[rnd(&seed) % COUNT(deeds)];
		list[n - 1] = rnd(&seed) % 2 == 0 ? write_up : read_and_write;
		TRY(storm_round(n, list));
	}
	return NULL;
}

/* ---- Trees that are cut down ---- */

#define TREES      40
#define TREE_DEPTH 4

/* Grows, writing and reading all the time, until it is killed. */
_Noreturn static void grow(uint64_t seed, int depth)
{
	unsigned mine = (unsigned)(rnd(&seed) & 0xffff);
	int children = 0;

	for (;;) {
		stamp(pages, PAGES, mine);
		if (children < 2 && depth < TREE_DEPTH && rnd(&seed) % 3 == 0) {
			pid_t pid = fork();

			if (pid == 0) {
				children = 0;
				depth++;
				seed = rnd(&seed) | 1;
			} else {
				children++;
			}
		}
		if (!stamped(pages, PAGES, mine))
			cell_set(1, 1);
		(void)cell_add(2, 1);
	}
}

TEST(trees_of_forks_can_be_cut_at_any_moment)
{
	uint64_t seed = 4242;
	int i;

	pages = pages_private(PAGES);
	stamp(pages, PAGES, 7);
	for (i = 0; i < rounds(TREES); i++) {
		uint64_t tree = rnd(&seed) | 1;
		int age = (int)(rnd(&seed) % 200);
		pid_t pid;

		cell_set(2, 0);
		pid = must_fork();
		if (pid == 0) {
			(void)setpgid(0, 0);
			grow(tree, 0);
		}
		(void)setpgid(pid, pid);
		cell_await(2, age);
		MUST(kill(-pid, SIGKILL) == 0, "kill failed");
		MUST(killed_by(reap(pid), SIGKILL), "the root ended otherwise");
		MUST(cell_get(1) == 0, "a process saw another's write");
		MUST(stamped(pages, PAGES, 7), "the parent saw a write");
	}
	return NULL;
}

#define FORKS 30

/* Forks as fast as it can; its children count in cell 3 until killed. */
_Noreturn static void fork_fast(void)
{
	int i;

	(void)setpgid(0, 0);
	for (i = 0; i < FORKS; i++) {
		if (fork() == 0)
			break;
		(void)cell_add(2, 1);
	}
	for (;;) {
		(void)cell_add(3, 1);
		sleep_ms(1);
	}
}

/*
 * True when the counter stands still, after the processes on other harts have
 * died.
 */
static bool counting_ends(void)
{
	int i;

	for (i = 0; i < 50; i++) {
		int before = cell_get(3);

		sleep_ms(20);
		if (cell_get(3) == before)
			return true;
	}
	return false;
}

/*
 * A child whose fork was under way when its group was killed must not be
 * there afterwards.
 */
TEST(no_child_escapes_when_its_group_is_killed)
{
	uint64_t seed = 31337;
	int i;

	for (i = 0; i < rounds(ROUNDS / 4); i++) {
		int count = (int)(rnd(&seed) % FORKS);
		pid_t pid;

		cell_set(2, 0);
		pid = must_fork();
		if (pid == 0)
			fork_fast();
		(void)setpgid(pid, pid);
		cell_await(2, count);
		MUST(kill(-pid, SIGKILL) == 0, "kill failed");
		MUST(killed_by(reap(pid), SIGKILL), "it ended otherwise");
		if (counting_ends())
			continue;
		(void)kill(-pid, SIGKILL);
		return found("a child escaped in round %d", i);
	}
	return NULL;
}

/* Killed from outside, one by one, while they fork and copy. */
TEST(single_processes_can_be_killed_at_any_moment)
{
	uint64_t seed = 777;
	int i;

	pages = pages_private(PAGES);
	stamp(pages, PAGES, 7);
	for (i = 0; i < rounds(ROUNDS); i++) {
		int spins = (int)(rnd(&seed) % 3000);
		pid_t pid = must_fork();
		int status;

		if (pid == 0) {
			unsigned k;

			for (k = 0; k < 100; k++)
				(void)write_up(k);
			_exit(0);
		}
		while (spins-- > 0)
			__asm__ volatile("" ::: "memory");
		if (i % 2 == 0)
			sched_yield();
		(void)kill(pid, SIGKILL);
		status = reap(pid);
		MUST(killed_by(status, SIGKILL) || exited_with(status, 0),
		    "it ended otherwise");
		MUST(stamped(pages, PAGES, 7), "the parent saw a write");
	}
	return NULL;
}

static const struct test tests[] = {
    T(sharers_write_the_same_pages_at_once),
    T(some_write_while_others_read),
    T(some_write_while_others_exit),
    T(some_write_while_others_execute),
    T(some_write_while_others_unmap),
    T(some_write_while_others_fork),
    T(sharers_do_anything_at_once),
    T(trees_of_forks_can_be_cut_at_any_moment),
    T(no_child_escapes_when_its_group_is_killed),
    T(single_processes_can_be_killed_at_any_moment),
};

static void probe(void)
{
	(void)execute(0);
}

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "@executed") == 0)
		return EXECUTED;
	suite_path = argv[0];
	can_exec = true;
	can_exec = exited_with(status_of(probe), EXECUTED);
	return suite_main(argc, argv, tests, COUNT(tests));
}
