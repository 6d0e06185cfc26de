/* SPDX-License-Identifier: MIT */
/*
 * t_region.c - what fork does to memory that is not simply writable.
 *
 * Read-only, hidden and untouched pages, shared mappings, and regions that
 * reach from one page table into the next.
 */
#include "harness.h"

static const unsigned char const_page[PAGE] __attribute__((aligned(4096))) = {
    42,
};

/* ---- Permissions ---- */

static unsigned char *locked;
static unsigned char *scratch;

static const char *locked_is_read_only(void)
{
	TRY(expect_no_store(locked));
	TRY(expect_no_store((volatile void *)(uintptr_t)const_page));
	TRY(expect_no_store((volatile void *)(uintptr_t)raw_call));
	MUST(stamped(locked, 2, 7), "read-only contents changed");
	MUST(const_page[0] == 42, "a constant changed");
	return NULL;
}

static const char *locked_after_fork(void)
{
	TRY(locked_is_read_only());
	return in_child(locked_is_read_only);
}

TEST(read_only_pages_stay_read_only_across_forks)
{
	locked = pages_private(2);
	stamp(locked, 2, 7);
	MUST(mprotect(locked, 2 * PAGE, PROT_READ) == 0, "mprotect failed");
	TRY(locked_is_read_only());
	TRY(in_child(locked_after_fork));
	return locked_is_read_only();
}

static const char *unlock_and_write(void)
{
	MUST(mprotect(locked, 2 * PAGE, PROT_READ | PROT_WRITE) == 0,
	    "mprotect failed in the child");
	MUST(stamped(locked, 2, 7), "contents were lost");
	stamp(locked, 2, 8);
	cell_set(0, 1);
	cell_await(1, 1);
	MUST(stamped(locked, 2, 8), "the child lost its write");
	return NULL;
}

TEST(a_page_made_writable_after_fork_is_private)
{
	pid_t pid;

	locked = pages_private(2);
	stamp(locked, 2, 7);
	MUST(mprotect(locked, 2 * PAGE, PROT_READ) == 0, "mprotect failed");
	pid = child_start(unlock_and_write);
	cell_await(0, 1);
	MUST(stamped(locked, 2, 7), "the parent saw the child's write");
	TRY(expect_no_store(locked));
	MUST(mprotect(locked, 2 * PAGE, PROT_READ | PROT_WRITE) == 0,
	    "mprotect failed in the parent");
	stamp(locked, 2, 9);
	cell_set(1, 1);
	TRY(child_end(pid));
	MUST(stamped(locked, 2, 9), "the parent lost its write");
	return NULL;
}

static const char *unhide_and_read(void)
{
	TRY(expect_no_load(locked));
	MUST(mprotect(locked, 2 * PAGE, PROT_READ | PROT_WRITE) == 0,
	    "mprotect failed in the child");
	MUST(stamped(locked, 2, 7), "hidden contents were lost");
	stamp(locked, 2, 8);
	return NULL;
}

TEST(a_hidden_page_keeps_its_contents_for_both)
{
	locked = pages_private(2);
	stamp(locked, 2, 7);
	MUST(mprotect(locked, 2 * PAGE, PROT_NONE) == 0, "mprotect failed");
	TRY(in_child(unhide_and_read));
	return unhide_and_read();
}

static const char *write_untouched(void)
{
	MUST(all_bytes(scratch, 8 * PAGE, 0), "fresh pages are not zero");
	stamp(scratch, 8, 5);
	return NULL;
}

TEST(untouched_pages_are_zero_on_both_sides)
{
	scratch = pages_private(8);
	TRY(in_child(write_untouched));
	TRY(in_child(write_untouched));
	return write_untouched();
}

/* ---- Shared mappings ---- */

static unsigned char *shared;

static const char *shared_grandchild(void)
{
	MUST(shared[0] == 2, "the grandchild does not see the child's byte");
	shared[PAGE] = 3;
	return NULL;
}

static const char *shared_child(void)
{
	MUST(shared[0] == 1, "the child does not see the parent's byte");
	shared[0] = 2;
	TRY(in_child(shared_grandchild));
	cell_set(0, 1);
	cell_await(1, 1);
	MUST(shared[2 * PAGE] == 4, "the child does not see a later byte");
	MUST(munmap(shared, PAGE) == 0, "munmap failed");
	return expect_no_load(shared);
}

TEST(shared_mappings_stay_shared_through_generations)
{
	pid_t pid;

	shared = pages_shared(3);
	shared[0] = 1;
	pid = child_start(shared_child);
	cell_await(0, 1);
	shared[2 * PAGE] = 4;
	MUST(shared[0] == 2, "the parent does not see the child's byte");
	MUST(shared[PAGE] == 3, "the parent does not see its grandchild's");
	cell_set(1, 1);
	TRY(child_end(pid));
	MUST(shared[0] == 2, "unmapping in the child reached the parent");
	return NULL;
}

/* ---- Where tables begin and end ---- */

static unsigned char *across;

static const char *across_child(void)
{
	MUST(stamped(across, 8, 1), "the child sees other contents");
	stamp(across, 8, 2);
	MUST(stamped(across, 8, 2), "the child lost its write");
	return NULL;
}

/* Eight pages around the middle of a reservation that `border` divides. */
static const char *crosses(size_t border)
{
	unsigned char *p = reserve(2 * border, border);

	across = p + border - 4 * PAGE;
	MUST(mprotect(across, 8 * PAGE, PROT_READ | PROT_WRITE) == 0,
	    "mprotect failed");
	stamp(across, 8, 1);
	TRY(in_child(across_child));
	MUST(stamped(across, 8, 1), "the parent saw the child's write");
	stamp(across, 8, 3);
	TRY(expect_no_load(across - 1));
	return expect_no_load(across + 8 * PAGE);
}

TEST(regions_may_cross_a_2_mib_border)
{
	return crosses(2 * MIB);
}

TEST(regions_may_cross_a_1_gib_border)
{
	return crosses(GIB);
}

#define ISLANDS 20

static unsigned char *islands;

static const char *islands_hold(unsigned seed)
{
	int i;

	for (i = 0; i < ISLANDS; i++)
		if (!stamped(islands + (size_t)i * 2 * MIB, 1, seed))
			return found("table %d holds other contents", i);
	return NULL;
}

static void islands_stamp(unsigned seed)
{
	int i;

	for (i = 0; i < ISLANDS; i++)
		stamp(islands + (size_t)i * 2 * MIB, 1, seed);
}

static const char *islands_child(void)
{
	TRY(islands_hold(1));
	islands_stamp(2);
	return islands_hold(2);
}

TEST(pages_in_many_tables_are_private)
{
	islands = reserve(ISLANDS * 2 * MIB, 2 * MIB);
	MUST(mprotect(islands, ISLANDS * 2 * MIB, PROT_READ | PROT_WRITE) == 0,
	    "mprotect failed");
	islands_stamp(1);
	TRY(in_child(islands_child));
	TRY(islands_hold(1));
	TRY(in_child(islands_child));
	return islands_hold(1);
}

static const struct test tests[] = {
    T(read_only_pages_stay_read_only_across_forks),
    T(a_page_made_writable_after_fork_is_private),
    T(a_hidden_page_keeps_its_contents_for_both),
    T(untouched_pages_are_zero_on_both_sides),
    T(shared_mappings_stay_shared_through_generations),
    T(regions_may_cross_a_2_mib_border),
    T(regions_may_cross_a_1_gib_border),
    T(pages_in_many_tables_are_private),
};

SUITE(tests)
