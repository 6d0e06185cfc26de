/* SPDX-License-Identifier: MIT */
/*
 * t_cow.c - how many copies fork costs, and every short order of events.
 *
 * Copies are counted by the kernel, between two moments at which all other
 * processes of the test only yield: the pages that they write to were copied in
 * warm_up() before, and all other processes sleep. Elsewhere than on Calf the
 * counts are not looked at, the contents are.
 */
#include "harness.h"

#include <sched.h>

#define PAGES       16
#define MAX_SHARERS 10

/* Cells: the sharer whose turn it is to write plus one, and who is ready. */
#define TURN  0
#define READY 1
#define LEAVE 2
#define DONE  3

static unsigned char *pages;
static pid_t pids[MAX_SHARERS];

/* Pages in a table that nothing else uses. */
static unsigned char *pages_alone(size_t n)
{
	unsigned char *p = reserve(2 * MIB, 2 * MIB);

	if (mprotect(p, n * PAGE, PROT_READ | PROT_WRITE) != 0)
		give_up("mprotect of a reservation failed");
	return p;
}

/* A sharer writes when its turn comes, and stays until all may leave. */
_Noreturn static void sharer(int me)
{
	warm_up();
	(void)cell_add(READY, 1);
	while (cell_get(TURN) != me + 1)
		sched_yield();
	stamp(pages, PAGES, 100 + (unsigned)me);
	(void)cell_add(DONE, 1);
	cell_await(LEAVE, 1);
	if (!stamped(pages, PAGES, 100 + (unsigned)me))
		give_up("a sharer lost what it wrote");
	_exit(0);
}

/* Starts sharers 1 to n - 1; the caller is sharer 0. */
static void sharers_start(int n)
{
	int i;

	pages = pages_alone(PAGES);
	stamp(pages, PAGES, 1);
	for (i = 1; i < n; i++) {
		pids[i] = must_fork();
		if (pids[i] == 0)
			sharer(i);
	}
	cell_await(READY, n - 1);
	warm_up();
}

static const char *sharers_end(int n)
{
	int i;

	cell_set(LEAVE, 1);
	for (i = 1; i < n; i++)
		TRY(child_end(pids[i]));
	return NULL;
}

static void write_in_turn(int who, int done)
{
	if (who == 0)
		stamp(pages, PAGES, 100);
	if (who == 0)
		(void)cell_add(DONE, 1);
	else
		cell_set(TURN, who + 1);
	cell_await(DONE, done);
}

static const char *copies_are(const struct calf_stat *before, int copies,
    int reuses)
{
	struct calf_stat after = counters();
	uint64_t copied = after.page_copies - before->page_copies;
	uint64_t reused = after.page_reuses - before->page_reuses;

	if (!on_calf())
		return NULL;
	if (copied != (uint64_t)copies || reused != (uint64_t)reuses)
		return found("%d copies and %d reuses instead of %d and %d",
		    (int)copied, (int)reused, copies, reuses);
	return NULL;
}

/* Sharer `order[i]` is the i-th to write. */
static const char *writes_in_order(const int *order, int n)
{
	struct calf_stat before;
	int i;

	memset(board, 0, BOARD_CELLS * sizeof(int));
	sharers_start(n);
	before = quiet_counters();
	for (i = 0; i < n; i++)
		write_in_turn(order[i], i + 1);
	TRY(copies_are(&before, PAGES * (n - 1), PAGES));
	MUST(stamped(pages, PAGES, 100), "the parent lost what it wrote");
	TRY(sharers_end(n));
	MUST(munmap(pages, 2 * MIB) == 0, "munmap failed");
	return NULL;
}

TEST(two_sharers_cost_one_copy_in_either_order)
{
	static const int parent_first[] = {0, 1};
	static const int child_first[] = {1, 0};

	TRY(writes_in_order(parent_first, 2));
	return writes_in_order(child_first, 2);
}

TEST(three_sharers_cost_two_copies_in_any_order)
{
	static const int orders[6][3] = {
	    {0, 1, 2},
	    {0, 2, 1},
	    {1, 0, 2},
	    {1, 2, 0},
	    {2, 0, 1},
	    {2, 1, 0},
	};
	int i;

	for (i = 0; i < 6; i++)
		TRY(writes_in_order(orders[i], 3));
	return NULL;
}

TEST(ten_sharers_cost_nine_copies)
{
	static const int up[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
	static const int down[] = {9, 8, 7, 6, 5, 4, 3, 2, 1, 0};
	static const int mixed[] = {4, 9, 0, 7, 2, 5, 8, 1, 6, 3};

	TRY(writes_in_order(up, 10));
	TRY(writes_in_order(down, 10));
	return writes_in_order(mixed, 10);
}

TEST(last_owner_after_exits_copies_nothing)
{
	struct calf_stat before;
	int i;

	sharers_start(3);
	for (i = 1; i < 3; i++)
		write_in_turn(i, i);
	TRY(sharers_end(3));
	warm_up();
	before = quiet_counters();
	stamp(pages, PAGES, 2);
	TRY(copies_are(&before, 0, PAGES));
	stamp(pages, PAGES, 3);
	TRY(copies_are(&before, 0, PAGES));
	MUST(stamped(pages, PAGES, 3), "the last owner lost its write");
	return NULL;
}

static const char *silent(void)
{
	return NULL;
}

TEST(a_child_that_touches_nothing_costs_no_copy_of_data)
{
	struct calf_stat before;
	uint64_t copied;

	pages = pages_alone(PAGES);
	stamp(pages, PAGES, 1);
	TRY(in_child(silent));
	warm_up();
	before = quiet_counters();
	stamp(pages, PAGES, 2);
	copied = counters().page_copies - before.page_copies;
	MUST(copied == 0, "the only owner made a copy");
	return NULL;
}

TEST(reading_copies_no_page)
{
	struct calf_stat before;
	bool same;

	sharers_start(2);
	before = quiet_counters();
	same = stamped(pages, PAGES, 1);
	TRY(copies_are(&before, 0, 0));
	MUST(same, "contents changed");
	kill(pids[1], SIGKILL);
	(void)reap(pids[1]);
	return NULL;
}

static const char *reader_of_zeros(void)
{
	return all_bytes(pages, PAGES * PAGE, 0) ? NULL : "not zero";
}

TEST(a_dirty_page_is_zeroed_before_it_is_given_again)
{
	int i;

	for (i = 0; i < 10; i++) {
		pages = pages_private(PAGES);
		TRY(in_child(reader_of_zeros));
		TRY(reader_of_zeros());
		memset(pages, 0xee, PAGES * PAGE);
		MUST(munmap(pages, PAGES * PAGE) == 0, "munmap failed");
	}
	return NULL;
}

/*
 * Fork's cost must not grow with the process: it takes as many frames for a
 * large process as for a small one.
 */
static const char *fork_frames(uint64_t *taken)
{
	uint64_t before;
	pid_t pid;

	warm_up();
	before = quiet_counters().frames_free;
	pid = fork();
	if (pid == 0) {
		cell_await(LEAVE, 1);
		_exit(0);
	}
	MUST(pid > 0, "fork failed");
	(void)cell_add(READY, 1);
	*taken = before - counters().frames_free;
	cell_set(LEAVE, 1);
	(void)reap(pid);
	cell_set(LEAVE, 0);
	return NULL;
}

TEST(fork_of_a_large_process_takes_no_more_frames)
{
	uint64_t small;
	uint64_t large;
	unsigned char *p;

	if (!on_calf())
		return SKIP("frames are counted on Calf only");
	TRY(fork_frames(&small));
	p = pages_private(1024);
	stamp(p, 1024, 1);
	TRY(fork_frames(&large));
	/* The child may or may not have run: its own stack, or not. */
	MUST(large < small + 16,
	    found("%lu frames instead of %lu", (unsigned long)large,
		(unsigned long)small));
	return NULL;
}

/* ---- Every short order of reads, writes and forks ---- */

/*
 * Three processes A, B and C act one after the other as a script says. B is
 * A's child; C is forked by A or by B, before the first step or after the
 * second. Each keeps in a register what the page must hold for it.
 */
#define STEPS   4
#define FORK_AT 2

enum actor { A, B, C };

struct script {
	enum actor who[STEPS];
	bool write[STEPS];
	enum actor forks_c; /* A or B */
	int fork_step;      /* 0 or FORK_AT */
};

static volatile int *word;

/* Does step `i` if it is ours; returns the new content. */
static int act(const struct script *s, enum actor me, int i, int mine)
{
	if (s->who[i] != me)
		return mine;
	if (*word != mine)
		give_up(found("%c found %d instead of %d in step %d", 'A' + me,
		    *word, mine, i));
	if (!s->write[i])
		return mine;
	*word = (int)me * 100 + i;
	return (int)me * 100 + i;
}

/*
 * Follows the script to its end. Cell TURN counts steps; the fork of C is
 * half a step, counted in READY.
 */
static void follow(const struct script *s, enum actor me, int from, int mine)
{
	pid_t child = 0;
	int i;

	for (i = from; i < STEPS; i++) {
		cell_await(TURN, i);
		if (i == s->fork_step && me == s->forks_c) {
			child = must_fork();
			if (child == 0)
				me = C;
			else
				cell_set(READY, 1);
		}
		if (i == s->fork_step)
			cell_await(READY, 1);
		mine = act(s, me, i, mine);
		if (s->who[i] == me)
			cell_set(TURN, i + 1);
	}
	cell_await(TURN, STEPS);
	if (*word != mine)
		give_up(found("%c ended with %d instead of %d", 'A' + me, *word,
		    mine));
	if (me == C)
		_exit(0);
	if (child != 0) {
		const char *sentence = child_end(child);

		if (sentence != NULL)
			give_up(sentence);
	}
}

static const char *run_script(const struct script *s)
{
	pid_t b;

	cell_set(TURN, 0);
	cell_set(READY, 0);
	*word = 7;
	b = must_fork();
	follow(s, b == 0 ? B : A, 0, 7);
	if (b == 0)
		_exit(0);
	return child_end(b);
}

/*
 * Decodes `code` into the steps of each process; false if C acts before it
 * exists.
 */
static bool script_of(struct script *s, int code, int actors)
{
	int i;

	for (i = 0; i < STEPS; i++) {
		s->who[i] = (enum actor)(code % actors);
		code /= actors;
		s->write[i] = code % 2 != 0;
		code /= 2;
		if (s->who[i] == C && i < s->fork_step)
			return false;
	}
	return true;
}

/* Plays all scripts of four steps, or every `stride`-th of them. */
static const char *all_scripts(struct script *s, int actors, int stride)
{
	int codes = 1;
	int code;
	int i;

	for (i = 0; i < STEPS; i++)
		codes *= 2 * actors;
	for (code = 0; code < codes; code += stride)
		if (script_of(s, code, actors))
			TRY(run_script(s));
	return NULL;
}

TEST(every_order_of_four_events_keeps_two_processes_apart)
{
	struct script s;

	word = (volatile int *)(void *)pages_alone(1);
	s.forks_c = C;
	s.fork_step = STEPS;
	return all_scripts(&s, 2, 1);
}

TEST(orders_of_four_events_keep_parent_and_two_children_apart)
{
	struct script s;

	word = (volatile int *)(void *)pages_alone(1);
	s.forks_c = A;
	s.fork_step = 0;
	TRY(all_scripts(&s, 3, 11));
	s.fork_step = FORK_AT;
	return all_scripts(&s, 3, 3);
}

TEST(orders_of_four_events_keep_three_generations_apart)
{
	struct script s;

	word = (volatile int *)(void *)pages_alone(1);
	s.forks_c = B;
	s.fork_step = 0;
	TRY(all_scripts(&s, 3, 11));
	s.fork_step = FORK_AT;
	return all_scripts(&s, 3, 3);
}

static const struct test tests[] = {
    T(two_sharers_cost_one_copy_in_either_order),
    T(three_sharers_cost_two_copies_in_any_order),
    T(ten_sharers_cost_nine_copies),
    T(last_owner_after_exits_copies_nothing),
    T(a_child_that_touches_nothing_costs_no_copy_of_data),
    T(reading_copies_no_page),
    T(a_dirty_page_is_zeroed_before_it_is_given_again),
    T(fork_of_a_large_process_takes_no_more_frames),
    T(every_order_of_four_events_keeps_two_processes_apart),
    T(orders_of_four_events_keep_parent_and_two_children_apart),
    T(orders_of_four_events_keep_three_generations_apart),
};

SUITE(tests)
