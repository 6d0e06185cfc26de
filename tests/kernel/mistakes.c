/* SPDX-License-Identifier: MIT */
/*
 * mistakes.c - the mistakes that break isolation within four operations
 * (docs/design.md), each with the shortest history that shows it. The one that
 * takes a running address space, a missing fence, is in live.c.
 */
#include "ktest.h"
#include "mm/frame.h"
#include "space.h"

/* Two pages in one table, and one in another table of the same parent. */
#define NEAR HERE
#define NEXT (HERE + PAGE_SIZE)
#define FAR  (HERE + 4 * MIB)

static struct aspace *parent, *child;

static void set_scene(void)
{
	parent = space_new();
	map(parent, NEAR, 2 * PAGE_SIZE, RW);
	map(parent, FAR, PAGE_SIZE, RW);
	put(parent, NEAR, 1);
	put(parent, NEXT, 2);
	put(parent, FAR, 3);
	child = space_fork(parent);
}

static void clear_scene(void)
{
	(void)aspace_audit();
	space_drop(child);
	space_drop(parent);
}

/* fork, parent reads: its copy of the upper table and the source's entries. */
TEST(copying_a_table_closes_the_tables_below_in_the_source)
{
	struct calf_entry in_source, in_copy;

	set_scene();
	(void)get(parent, NEAR);
	in_source = entry_at(child, FAR, 1);
	in_copy = entry_at(parent, FAR, 1);
	MUST(in_source.kind == CALF_LAZY, "open in the source");
	MUST(in_copy.kind == CALF_LAZY, "open in the copy");
	MUST(in_source.count == 2 && in_copy.pa == in_source.pa,
	    found("count %u", in_source.count));
	clear_scene();
	return NULL;
}

/* fork, parent reads, child reads, both write. */
TEST(two_readers_of_one_table_write_apart)
{
	set_scene();
	(void)get(parent, NEAR);
	(void)get(child, NEAR);
	put(parent, FAR, 30);
	put(child, NEAR, 10);
	MUST(get(child, FAR) == 3, "the child saw the parent's write");
	MUST(get(parent, NEAR) == 1, "the parent saw the child's write");
	clear_scene();
	return NULL;
}

/* fork, parent reads: the source's pages must have become read-only. */
TEST(copying_a_table_closes_the_pages_in_the_source)
{
	set_scene();
	(void)get(parent, NEAR);
	MUST(last_entry(child, NEAR).flags == (CALF_R | CALF_COW),
	    "the page read is writable in the source");
	MUST(last_entry(child, NEXT).flags == (CALF_R | CALF_COW),
	    "its neighbour is writable in the source");
	put(child, NEXT, 20);
	MUST(get(parent, NEXT) == 2, "the parent saw the child's write");
	put(parent, NEXT, 21);
	MUST(get(child, NEXT) == 20, "the child saw the parent's write");
	clear_scene();
	return NULL;
}

/* fork, parent writes: the page's count is 1, and it has two users. */
TEST(a_count_of_one_under_a_shared_table_is_not_an_owner)
{
	set_scene();
	MUST(last_entry(parent, NEAR).count == 1, "fork counted pages");
	put(parent, NEAR, 10);
	MUST(get(child, NEAR) == 1, "the child saw the parent's write");
	clear_scene();
	return NULL;
}

TEST(nor_is_it_after_the_upper_table_was_copied)
{
	set_scene();
	(void)get(parent, NEAR);
	MUST(last_entry(parent, FAR).count == 1, "the far page was counted");
	put(parent, FAR, 30);
	MUST(get(child, FAR) == 3, "the child saw the parent's write");
	put(child, FAR, 31);
	MUST(get(parent, FAR) == 30, "the parent saw the child's write");
	clear_scene();
	return NULL;
}

TEST(nor_with_a_grandchild_that_shares_only_the_child_s_table)
{
	struct aspace *grandchild;

	set_scene();
	(void)get(child, NEAR);
	grandchild = space_fork(child);
	space_drop(parent);
	parent = grandchild;
	put(child, NEAR, 10);
	put(child, FAR, 30);
	MUST(get(grandchild, NEAR) == 1 && get(grandchild, FAR) == 3,
	    "the grandchild saw the child's write");
	clear_scene();
	return NULL;
}

/* fork, child unmaps: the shared tables are not its to edit. */
TEST(unmapping_edits_no_shared_table)
{
	set_scene();
	unmap(child, NEAR, PAGE_SIZE);
	MUST(get(parent, NEAR) == 1, "the parent's page is gone");
	unmap(parent, FAR, PAGE_SIZE);
	MUST(get(child, FAR) == 3, "the child's page is gone");
	MUST(try_access(child, NEAR, ACCESS_READ) == -EFAULT, "still there");
	clear_scene();
	return NULL;
}

TEST(protecting_edits_no_shared_table)
{
	set_scene();
	protect(child, NEAR, PAGE_SIZE, PTE_R);
	put(parent, NEAR, 10);
	MUST(get(child, NEAR) == 1, "the child saw the parent's write");
	protect(parent, FAR, PAGE_SIZE, 0);
	MUST(get(child, FAR) == 3, "the child's page is out of reach");
	clear_scene();
	return NULL;
}

/* A page that others read becomes COW, and not writable at once. */
TEST(permission_to_write_does_not_break_the_sharing_by_itself)
{
	set_scene();
	protect(parent, NEAR, PAGE_SIZE, PTE_R);
	space_drop(child);
	child = space_fork(parent);
	(void)get(child, NEAR);
	(void)get(parent, NEAR);
	protect(child, NEAR, PAGE_SIZE, RW);
	MUST(last_entry(child, NEAR).flags == (CALF_R | CALF_COW),
	    "it is writable, and not its own");
	put(child, NEAR, 10);
	MUST(get(parent, NEAR) == 1, "the parent saw the child's write");
	MUST(try_put(parent, NEAR, 1) == -EFAULT, "the parent may write");
	clear_scene();
	return NULL;
}

/* A table may be taken over only if no third space shares it. */
TEST(a_table_is_taken_over_only_from_the_last)
{
	struct aspace *third;

	set_scene();
	third = space_fork(parent);
	space_drop(child);
	child = third;
	(void)get(parent, NEAR);
	put(parent, NEAR, 10);
	put(parent, FAR, 30);
	MUST(get(third, NEAR) == 1 && get(third, FAR) == 3,
	    "the third saw the parent's write");
	clear_scene();
	return NULL;
}

static const struct test mistakes_tests[] = {
    T(copying_a_table_closes_the_tables_below_in_the_source),
    T(two_readers_of_one_table_write_apart),
    T(copying_a_table_closes_the_pages_in_the_source),
    T(a_count_of_one_under_a_shared_table_is_not_an_owner),
    T(nor_is_it_after_the_upper_table_was_copied),
    T(nor_with_a_grandchild_that_shares_only_the_child_s_table),
    T(unmapping_edits_no_shared_table),
    T(protecting_edits_no_shared_table),
    T(permission_to_write_does_not_break_the_sharing_by_itself),
    T(a_table_is_taken_over_only_from_the_last),
};
SUITE(mistakes, mistakes_tests);
