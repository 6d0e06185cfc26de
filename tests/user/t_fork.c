/* SPDX-License-Identifier: MIT */
/*
 * t_fork.c - what fork means: the child is a copy, and stays one.
 *
 * Contents only. Permissions, shared mappings and borders of tables are in
 * t_region.c, the number of copies in t_cow.c, registers in t_regs.c.
 */
#include "harness.h"

#include <sched.h>

#define REGION_PAGES 4
#define REGION_BYTES (REGION_PAGES * PAGE)

enum region { DATA, BSS, HEAP, STACK, MMAP, REGIONS };

static const char *const region_names[REGIONS] = {
    "data",
    "bss",
    "heap",
    "stack",
    "mmap",
};

static unsigned char data_pages[REGION_BYTES] __attribute__((aligned(4096))) = {
    1,
};
static unsigned char bss_pages[REGION_BYTES] __attribute__((aligned(4096)));

static unsigned char *regions[REGIONS];

/* REGION_PAGES pages above the break, which this moves. */
static unsigned char *heap_pages(void)
{
	unsigned long end = (unsigned long)raw(SYS_brk, 0);
	unsigned long start = (end + PAGE - 1) / PAGE * PAGE;
	unsigned long want = start + REGION_BYTES;

	if ((unsigned long)raw(SYS_brk, (long)want) != want)
		give_up("brk did not move the break");
	return (unsigned char *)start;
}

static void regions_stamp(unsigned seed)
{
	int r;

	for (r = 0; r < REGIONS; r++)
		stamp(regions[r], REGION_PAGES, seed + (unsigned)r);
}

/* NULL if every region still holds `seed`. */
static const char *regions_hold(const char *whose, unsigned seed)
{
	int r;

	for (r = 0; r < REGIONS; r++)
		if (!stamped(regions[r], REGION_PAGES, seed + (unsigned)r))
			return found("%s %s changed", whose, region_names[r]);
	return NULL;
}

#define OLD     10u
#define PARENTS 20u
#define CHILDS  30u

/* Runs `test` with all five regions in place and stamped OLD. */
static const char *with_regions(test_fn *test)
{
	unsigned char stack_pages[REGION_BYTES + PAGE];
	uintptr_t aligned = ((uintptr_t)stack_pages + PAGE - 1) & ~(PAGE - 1);

	regions[DATA] = data_pages;
	regions[BSS] = bss_pages;
	regions[HEAP] = heap_pages();
	regions[STACK] = (unsigned char *)aligned;
	regions[MMAP] = pages_private(REGION_PAGES);
	regions_stamp(OLD);
	return test();
}

/* ---- Two processes, every order ---- */

/* Cells that say how far parent and child are. */
#define PARENT 0
#define CHILD  1

static const char *child_of_first_parent(void)
{
	cell_await(PARENT, 1);
	TRY(regions_hold("the child's", OLD));
	regions_stamp(CHILDS);
	cell_set(CHILD, 1);
	cell_await(PARENT, 2);
	return regions_hold("the child's", CHILDS);
}

static const char *parent_first(void)
{
	pid_t pid = child_start(child_of_first_parent);

	regions_stamp(PARENTS);
	cell_set(PARENT, 1);
	cell_await(CHILD, 1);
	TRY(regions_hold("the parent's", PARENTS));
	regions_stamp(PARENTS + 1);
	cell_set(PARENT, 2);
	TRY(child_end(pid));
	return regions_hold("the parent's", PARENTS + 1);
}

TEST(parent_writes_first_and_neither_sees_the_other)
{
	return with_regions(parent_first);
}

static const char *first_child(void)
{
	regions_stamp(CHILDS);
	cell_set(CHILD, 1);
	cell_await(PARENT, 1);
	return regions_hold("the child's", CHILDS);
}

static const char *child_first(void)
{
	pid_t pid = child_start(first_child);

	cell_await(CHILD, 1);
	TRY(regions_hold("the parent's", OLD));
	regions_stamp(PARENTS);
	cell_set(PARENT, 1);
	TRY(child_end(pid));
	return regions_hold("the parent's", PARENTS);
}

TEST(child_writes_first_and_neither_sees_the_other)
{
	return with_regions(child_first);
}

static const char *reading_child(void)
{
	TRY(regions_hold("the child's", OLD));
	cell_set(CHILD, 1);
	cell_await(PARENT, 1);
	TRY(regions_hold("the child's", OLD));
	return first_child();
}

static const char *read_first(void)
{
	pid_t pid = child_start(reading_child);

	cell_await(CHILD, 1);
	TRY(regions_hold("the parent's", OLD));
	regions_stamp(PARENTS);
	cell_set(PARENT, 1);
	TRY(child_end(pid));
	return regions_hold("the parent's", PARENTS);
}

TEST(both_read_before_they_write)
{
	return with_regions(read_first);
}

static const char *child_at_once(void)
{
	cell_meet(2, 2);
	regions_stamp(CHILDS);
	cell_meet(3, 2);
	return regions_hold("the child's", CHILDS);
}

static const char *both_at_once(void)
{
	pid_t pid = child_start(child_at_once);

	cell_meet(2, 2);
	regions_stamp(PARENTS);
	cell_meet(3, 2);
	TRY(regions_hold("the parent's", PARENTS));
	return child_end(pid);
}

TEST(both_write_at_once)
{
	return with_regions(both_at_once);
}

static const char *silent_child(void)
{
	return regions_hold("the child's", OLD);
}

static const char *child_only_reads(void)
{
	TRY(in_child(silent_child));
	regions_stamp(PARENTS);
	return regions_hold("the parent's", PARENTS);
}

TEST(parent_keeps_its_memory_when_the_child_is_gone)
{
	return with_regions(child_only_reads);
}

/*
 * The parent stores in the instruction after fork, while its TLB may still
 * hold the writable translation that the store before used.
 */
static const char *store_fork_store(volatile int *word, int round)
{
	pid_t pid;

	*word = 1;
	pid = fork();
	if (pid != 0)
		*word = 2;
	if (pid < 0)
		return "fork failed";
	if (pid == 0) {
		cell_await(0, round);
		_exit(*word);
	}
	cell_set(0, round);
	if (!exited_with(reap(pid), 1))
		return "the child saw a store made after fork";
	return *word == 2 ? NULL : "the parent lost its store";
}

TEST(a_store_right_after_fork_is_not_seen_by_the_child)
{
	volatile int *word = (int *)(void *)pages_private(1);
	int round;

	for (round = 1; round <= 200; round++)
		TRY(store_fork_store(word, round));
	return NULL;
}

/* ---- Generations and fans ---- */

#define DEPTH 40

/*
 * Becomes a chain of DEPTH + 1 processes, each the parent of the next, and
 * returns this one's place in it. *child is what it has to wait for.
 */
static int chain(pid_t *child, void (*step)(int))
{
	int place;

	for (place = 0; place < DEPTH; place++) {
		if (step != NULL)
			step(place);
		*child = must_fork();
		if (*child != 0)
			return place;
	}
	if (step != NULL)
		step(place);
	return place;
}

/* The end of a process of a chain: a test's result, passed upwards. */
static const char *chain_end(int place, pid_t child, const char *sentence)
{
	if (child != 0 && sentence == NULL)
		sentence = child_end(child);
	if (place == 0)
		return sentence;
	if (sentence != NULL)
		give_up(sentence);
	_exit(0);
}

TEST(forty_generations_share_until_each_writes)
{
	unsigned char *p = pages_private(8);
	const char *sentence = NULL;
	pid_t child = 0;
	int place;

	stamp(p, 8, 1000);
	place = chain(&child, NULL);
	cell_meet(0, DEPTH + 1);
	if (!stamped(p, 8, 1000))
		sentence = "a generation does not see what all inherited";
	stamp(p, 8, (unsigned)place);
	cell_meet(1, DEPTH + 1);
	if (!stamped(p, 8, (unsigned)place))
		sentence = "a generation lost what it wrote";
	return chain_end(place, child, sentence);
}

static unsigned char *chain_pages;

static void stamp_own_page(int place)
{
	stamp(chain_pages + (size_t)place * PAGE, 1, (unsigned)place);
}

/* The pages of all generations up to and with this one, and zeros. */
static const char *sees_ancestors(int place)
{
	int i;

	for (i = 0; i <= DEPTH; i++) {
		unsigned char *page = chain_pages + (size_t)i * PAGE;

		if (i <= place && !stamped(page, 1, (unsigned)i))
			return found("generation %d lost page %d", place, i);
		if (i > place && !all_bytes(page, 64, 0))
			return found("generation %d saw page %d", place, i);
	}
	return NULL;
}

TEST(each_generation_sees_its_ancestors_and_no_descendant)
{
	pid_t child = 0;
	int place;

	chain_pages = pages_private(DEPTH + 1);
	place = chain(&child, stamp_own_page);
	cell_meet(0, DEPTH + 1);
	return chain_end(place, child, sees_ancestors(place));
}

/* One child of a fan; it sleeps in read() until the parent closes the pipe. */
static const char *fan_child(unsigned char *p, int pipe_end, unsigned seed)
{
	char byte;

	MUST(stamped(p, 2, 1), "a child does not see what it inherited");
	(void)cell_add(0, 1);
	MUST(read(pipe_end, &byte, 1) == 0, "no end of file");
	MUST(stamped(p, 2, 1), "a child saw another's write");
	stamp(p, 2, seed);
	sched_yield();
	MUST(stamped(p, 2, seed), "a child lost what it wrote");
	return NULL;
}

static void fan_start(unsigned char *p, int fds[2], pid_t *pids, int n)
{
	const char *sentence;
	int i;

	for (i = 0; i < n; i++) {
		pids[i] = must_fork();
		if (pids[i] != 0)
			continue;
		close(fds[1]);
		sentence = fan_child(p, fds[0], 100 + (unsigned)i);
		if (sentence != NULL)
			give_up(sentence);
		_exit(0);
	}
}

/* n children share pages with their parent, which then writes first. */
static const char *fan(int n)
{
	static pid_t pids[300];
	unsigned char *p = pages_private(2);
	const char *sentence = NULL;
	int fds[2];
	int i;

	MUST(pipe(fds) == 0, "no pipe");
	stamp(p, 2, 1);
	fan_start(p, fds, pids, n);
	cell_await(0, n);
	stamp(p, 2, 2);
	close(fds[1]);
	for (i = 0; i < n; i++) {
		const char *one = child_end(pids[i]);

		sentence = sentence == NULL ? one : sentence;
	}
	TRY(sentence);
	MUST(stamped(p, 2, 2), "the parent lost what it wrote");
	return NULL;
}

TEST(a_fan_of_32_sharers_keeps_apart)
{
	return fan(32);
}

TEST(a_fan_of_300_sharers_keeps_apart)
{
	return fan(300);
}

/* ---- Forks of what is shared already ---- */

static unsigned char *twice;

static const char *grandchild_of_shared_pages(void)
{
	MUST(stamped(twice, 4, 1), "the grandchild sees other contents");
	stamp(twice, 4, 3);
	MUST(stamped(twice, 4, 3), "the grandchild lost its write");
	return NULL;
}

static const char *child_sees_second_write(void)
{
	return stamped(twice, 4, 2) ? NULL : "a later child sees old contents";
}

/* Reads first, so that its entries say copy-on-write when it forks. */
static const char *child_of_shared_pages(void)
{
	MUST(stamped(twice, 4, 1), "the child sees other contents");
	TRY(in_child(grandchild_of_shared_pages));
	MUST(stamped(twice, 4, 1), "the child saw the grandchild's write");
	stamp(twice, 4, 2);
	TRY(in_child(child_sees_second_write));
	MUST(stamped(twice, 4, 2), "the child lost its write");
	return NULL;
}

TEST(pages_that_are_copy_on_write_can_be_forked_again)
{
	int round;

	twice = pages_private(4);
	for (round = 0; round < 10; round++) {
		stamp(twice, 4, 1);
		TRY(in_child(child_of_shared_pages));
		TRY(in_child(child_of_shared_pages));
		MUST(stamped(twice, 4, 1), "the parent saw a child's write");
	}
	return NULL;
}

static unsigned char *scratch;

static const char *scratch_write_and_check(void)
{
	scratch[0]++;
	return scratch[0] == 1 ? NULL : "a child found a sibling's byte";
}

TEST(a_thousand_children_each_find_the_original)
{
	int i;

	scratch = pages_private(1);
	for (i = 0; i < 1000; i++)
		TRY(in_child(scratch_write_and_check));
	return scratch[0] == 0 ? NULL : "the parent saw a child's byte";
}

/* ---- The end ---- */

/*
 * Three processes, each the parent of the next, leave when cell 3 reaches
 * their turn; orphans are reaped by process 1.
 */
static void leave_in_turn(int turn, const unsigned char *p, unsigned seed)
{
	cell_await(3, turn);
	if (!stamped(p, 4, seed))
		give_up("contents changed when another process ended");
	(void)cell_add(3, 1);
}

static const char *three_leave(const int turns[3], unsigned char *p)
{
	pid_t child;

	cell_set(3, 0);
	cell_set(4, 0);
	stamp(p, 4, 1);
	child = must_fork();
	if (child == 0) {
		if (must_fork() == 0) {
			cell_meet(4, 3);
			stamp(p, 4, 3);
			leave_in_turn(turns[2], p, 3);
			_exit(0);
		}
		cell_meet(4, 3);
		stamp(p, 4, 2);
		leave_in_turn(turns[1], p, 2);
		_exit(0);
	}
	cell_meet(4, 3);
	leave_in_turn(turns[0], p, 1);
	cell_await(3, 3);
	return child_end(child);
}

TEST(processes_may_end_in_any_order)
{
	static const int turns[6][3] = {
	    {0, 1, 2},
	    {0, 2, 1},
	    {1, 0, 2},
	    {1, 2, 0},
	    {2, 0, 1},
	    {2, 1, 0},
	};
	unsigned char *p = pages_private(4);
	int i;

	for (i = 0; i < 6; i++)
		TRY(three_leave(turns[i], p));
	return NULL;
}

static const struct test tests[] = {
    T(parent_writes_first_and_neither_sees_the_other),
    T(child_writes_first_and_neither_sees_the_other),
    T(both_read_before_they_write),
    T(both_write_at_once),
    T(parent_keeps_its_memory_when_the_child_is_gone),
    T(a_store_right_after_fork_is_not_seen_by_the_child),
    T(forty_generations_share_until_each_writes),
    T(each_generation_sees_its_ancestors_and_no_descendant),
    T(a_fan_of_32_sharers_keeps_apart),
    T(a_fan_of_300_sharers_keeps_apart),
    T(pages_that_are_copy_on_write_can_be_forked_again),
    T(a_thousand_children_each_find_the_original),
    T(processes_may_end_in_any_order),
};

SUITE(tests)
