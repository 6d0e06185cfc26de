/* SPDX-License-Identifier: MIT */
/*
 * red.c - tests that must fail, to see that failing shows: ktest=red and the
 * like, listed in tests/boots.txt with the way in which they fail.
 */
#include "ktest.h"
#include "space.h"

#include "arch/hart.h"
#include "mm/frame.h"

TEST(this_one_passes)
{
	return NULL;
}

TEST(this_one_fails)
{
	return "what it must find";
}

static const struct test red_tests[] = {
    T(this_one_passes),
    T(this_one_fails),
    T(this_one_passes),
};
SUITE(red, red_tests);

/* It does nothing wrong but keep a frame. */
TEST(this_one_keeps_a_frame)
{
	return frame_alloc(FRAME_KERNEL) == NULL ? "no memory" : NULL;
}

static const struct test leak_tests[] = {
    T(this_one_keeps_a_frame),
};
SUITE(leak, leak_tests);

/* A count that is larger than the number of entries: the audit notices. */
TEST(this_one_breaks_an_invariant)
{
	struct aspace *as = space_new();

	map(as, HERE, PAGE_SIZE, RW);
	put(as, HERE, 1);
	frame_get(frame_of(last_entry(as, HERE).pa));
	return NULL;
}

static const struct test broken_tests[] = {
    T(this_one_breaks_an_invariant),
};
SUITE(broken, broken_tests);

TEST(this_one_panics)
{
	panic("expected a panic, and here it is");
}

static const struct test panic_tests[] = {
    T(this_one_passes),
    T(this_one_panics),
};
SUITE(panic, panic_tests);

/* What a kernel built with -fsanitize=undefined has to notice. */
TEST(this_one_shifts_by_64)
{
	volatile unsigned by = 64;

	return (1UL << by) == 2 ? "a shift by 64 is 2"
				: "nobody noticed a shift by 64";
}

static const struct test undefined_tests[] = {
    T(this_one_passes),
    T(this_one_shifts_by_64),
};
SUITE(undefined, undefined_tests);

TEST(this_one_never_ends)
{
	for (;;)
		hart_relax();
	return NULL;
}

static const struct test hang_tests[] = {
    T(this_one_passes),
    T(this_one_never_ends),
};
SUITE(hang, hang_tests);
