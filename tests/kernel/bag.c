/* SPDX-License-Identifier: MIT */
/*
 * bag.c - pages that go from one address space to another: what that costs,
 * what both sides see afterwards, and that no frame is lost.
 */
#include "abi/errno.h"
#include "ktest.h"
#include "mm/frame.h"
#include "space.h"

#define PAGES 8
#define LEN   (PAGES * PAGE_SIZE)

static struct aspace *with_pages(uint64_t word)
{
	struct aspace *as = space_new();

	map(as, HERE, LEN, RW);
	put_pages(as, HERE, PAGES, word);
	return as;
}

/* Passes `count` pages from HERE on by way of a bag. */
static void pass(struct aspace *from, struct aspace *to, unsigned count,
    uint64_t perms)
{
	long done;
	int err;

	bag_open(to, count * PAGE_SIZE, perms);
	done = bag_put(to, from, HERE, count);
	assert(done == (long)count);
	err = bag_close(to, 0);
	assert(err == 0);
}

TEST(passed_pages_are_shared_until_one_side_writes)
{
	struct aspace *from = with_pages(10), *to = space_new();
	struct stats before;

	pass(from, to, PAGES, RW);
	before = stats_sum();
	TRY(expect_pages(to, THERE, PAGES, 10));
	TRY(expect_pages(from, HERE, PAGES, 10));
	TRY(expect_deeds(before, (struct deeds){0}));
	for (unsigned i = 0; i < PAGES; i++) {
		struct calf_entry e = last_entry(to, THERE + i * PAGE_SIZE);

		MUST(e.pa == last_entry(from, HERE + i * PAGE_SIZE).pa,
		    "another page");
		MUST(e.count == 2 && e.flags == (CALF_R | CALF_COW),
		    found("count %u, flags %x", e.count, e.flags));
	}
	put_pages(to, THERE, PAGES / 2, 20);
	put_pages(from, HERE + LEN / 2, PAGES / 2, 30);
	TRY(expect_deeds(before, (struct deeds){.page_copies = PAGES}));
	TRY(expect_pages(from, HERE, PAGES / 2, 10));
	TRY(expect_pages(to, THERE + LEN / 2, PAGES / 2, 10 + PAGES / 2));
	space_drop(from);
	space_drop(to);
	return NULL;
}

TEST(passing_takes_frames_for_tables_only)
{
	struct aspace *from = with_pages(10), *to = space_new();
	uint64_t free;

	map(to, THERE, PAGE_SIZE, RW);
	free = frame_free_count();
	pass(from, to, PAGES, RW);
	MUST(frame_free_count() == free,
	    found("%ld frames", (long)(free - frame_free_count())));
	space_drop(from);
	space_drop(to);
	return NULL;
}

TEST(the_last_to_name_a_passed_page_takes_it_over)
{
	for (unsigned giver_first = 0; giver_first < 2; giver_first++) {
		struct aspace *from = with_pages(10), *to = space_new();
		struct aspace *last = giver_first ? to : from;
		struct stats before;

		pass(from, to, PAGES, RW);
		space_drop(giver_first ? from : to);
		before = stats_sum();
		put_pages(last, giver_first ? THERE : HERE, PAGES, 20);
		TRY(expect_deeds(before, (struct deeds){.page_reuses = PAGES}));
		space_drop(last);
	}
	return NULL;
}

TEST(children_of_both_sides_see_what_was_passed)
{
	struct aspace *from = with_pages(10), *to = space_new();
	struct aspace *giver, *taker;

	pass(from, to, PAGES, RW);
	giver = space_fork(from);
	taker = space_fork(to);
	put_pages(from, HERE, PAGES, 20);
	put_pages(taker, THERE, PAGES, 30);
	(void)aspace_audit();
	TRY(expect_pages(giver, HERE, PAGES, 10));
	TRY(expect_pages(to, THERE, PAGES, 10));
	space_drop(to);
	put_pages(giver, HERE, PAGES, 40);
	TRY(expect_pages(from, HERE, PAGES, 20));
	TRY(expect_pages(taker, THERE, PAGES, 30));
	space_drop(from);
	space_drop(giver);
	space_drop(taker);
	return NULL;
}

/* No table is copied for it, and a space that shares them sees no change. */
TEST(pages_under_shared_tables_are_passed_as_they_are)
{
	struct aspace *from = with_pages(10), *to = space_new();
	struct aspace *child = space_fork(from);
	struct stats before = stats_sum();

	pass(from, to, PAGES, RW);
	TRY(expect_deeds(before, (struct deeds){0}));
	MUST(entry_at(from, HERE, 2).kind == CALF_LAZY, "a table was copied");
	(void)aspace_audit();
	put_pages(child, HERE, PAGES, 20);
	put_pages(to, THERE, PAGES, 30);
	TRY(expect_pages(from, HERE, PAGES, 10));
	space_drop(from);
	TRY(expect_pages(child, HERE, PAGES, 20));
	TRY(expect_pages(to, THERE, PAGES, 30));
	space_drop(child);
	space_drop(to);
	return NULL;
}

TEST(what_is_reserved_is_passed_as_zeros_without_a_frame)
{
	struct aspace *from = space_new(), *to = space_new();
	const uint64_t zeros[2] = {0, 0};

	map(from, 8 * GIB, 4 * GIB, RW);
	bag_open(to, 4 * PAGE_SIZE, RW);
	MUST(bag_put(to, from, 9 * GIB, 2) == 2, "not passed");
	MUST(bag_fill(to, from, zeros, 2) == 2, "no zeros");
	MUST(bag_close(to, 0) == 0, "not mapped");
	for (unsigned i = 0; i < 4; i++)
		TRY(expect_end(to, THERE + i * PAGE_SIZE, CALF_RESERVED, 0));
	TRY(expect_end(from, 9 * GIB, CALF_RESERVED, 2));
	MUST(get(to, THERE) == 0, "not zero");
	put(to, THERE, 7);
	MUST(get(from, 9 * GIB) == 0, "written for both");
	space_drop(from);
	space_drop(to);
	return NULL;
}

TEST(what_is_not_filled_in_is_memory_without_access)
{
	struct aspace *from = with_pages(10), *to = space_new();

	bag_open(to, 5 * GIB, RW);
	MUST(bag_size(to) == 5 * GIB, "another size");
	MUST(bag_put(to, from, HERE, PAGES) == PAGES, "not passed");
	MUST(bag_filled(to) == LEN, "not filled");
	MUST(bag_close(to, 0) == 0, "not mapped");
	TRY(expect_pages(to, THERE, PAGES, 10));
	MUST(try_access(to, THERE + LEN, ACCESS_READ) == -EFAULT, "readable");
	MUST(try_access(to, THERE + 3 * GIB, ACCESS_READ) == -EFAULT,
	    "readable");
	protect(to, THERE, 5 * GIB, RW);
	put(to, THERE + 4 * GIB, 1);
	put_pages(to, THERE, PAGES, 20);
	TRY(expect_pages(from, HERE, PAGES, 10));
	unmap(to, THERE, 5 * GIB);
	space_drop(from);
	space_drop(to);
	return NULL;
}

TEST(permissions_are_those_of_the_mapping)
{
	static const uint64_t perms[] = {0, PTE_R, RX, RW, RWX, PTE_X};

	for (unsigned i = 0; i < array_len(perms); i++) {
		struct aspace *from = with_pages(10), *to = space_new();

		if (i % 2 != 0)
			protect(from, HERE, LEN, PTE_R);
		pass(from, to, PAGES, perms[i]);
		for (uint64_t need = PTE_R; need <= PTE_X; need <<= 1) {
			int err = try_access(to, THERE, (enum access)need);
			bool may = perms[i] & need;

			MUST(err == (may ? 0 : -EFAULT),
			    found("perms %lx, access %lx: %d", perms[i], need,
				err));
		}
		protect(to, THERE, LEN, RW);
		put_pages(to, THERE, PAGES, 20);
		TRY(expect_pages(from, HERE, PAGES, 10));
		space_drop(from);
		space_drop(to);
	}
	return NULL;
}

TEST(what_cannot_be_passed_is_refused_and_changes_nothing)
{
	struct aspace *from = with_pages(10), *to = space_new();
	uint64_t before;

	protect(from, HERE + PAGE_SIZE, PAGE_SIZE, 0);
	protect(from, HERE + 2 * PAGE_SIZE, PAGE_SIZE, PTE_X);
	before = digest(from, HERE, HERE + LEN);
	bag_open(to, LEN, RW);
	MUST(bag_put(to, from, HERE + PAGE_SIZE, 1) == -EFAULT, "hidden");
	MUST(bag_put(to, from, HERE + 2 * PAGE_SIZE, 1) == -EFAULT,
	    "only to be executed");
	MUST(bag_put(to, from, HERE + LEN, 1) == -EFAULT, "empty");
	MUST(bag_put(to, from, HERE + 8, 1) == -EFAULT, "misaligned");
	MUST(bag_put(to, from, USER_TOP, 1) == -EFAULT, "no user address");
	MUST(bag_put(to, from, (vaddr_t)(uintptr_t)from->top, 1) == -EFAULT,
	    "the kernel's");
	MUST(bag_put(to, from, UINT64_MAX, 1) == -EFAULT, "the last byte");
	MUST(bag_put(to, from, HERE, 3) == 1, "the first of three");
	MUST(digest(from, HERE, HERE + LEN) == before, "it changed");
	MUST(bag_close(to, 0) == 0, "not mapped");
	MUST(get(to, THERE) == 10, "the one that was passed");
	space_drop(from);
	space_drop(to);
	return NULL;
}

/*
 * A table that was left in the bag would be where one entry stands for a GiB.
 */
TEST(what_cannot_be_passed_leaves_nothing_in_the_bag)
{
	const struct range_op op = {.kind = RANGE_PASS,
	    .start = 24 * GIB,
	    .end = 25 * GIB,
	    .perms = RW};
	struct aspace *from = with_pages(10), *to = space_new();

	MUST(range_do(to, op, 64) == RANGE_BAG, "no bag");
	MUST(bag_put(to, from, HERE + LEN, 1) == -EFAULT, "empty");
	MUST(bag_close(to, 0) == 0, "not mapped");
	MUST(try_access(to, op.start, ACCESS_READ) == -EFAULT, "readable");
	unmap(to, op.start, GIB);
	space_drop(from);
	space_drop(to);
	return NULL;
}

TEST(until_the_bag_is_mapped_the_place_is_as_it_was)
{
	struct aspace *from = with_pages(10), *to = space_new();
	uint64_t free;

	map(to, THERE, LEN, RW);
	put_pages(to, THERE, PAGES, 50);
	free = frame_free_count();
	for (unsigned i = 0; i < 2; i++) {
		bag_open(to, LEN, RW);
		MUST(bag_put(to, from, HERE, PAGES) == PAGES, "not passed");
		TRY(expect_pages(to, THERE, PAGES, 50));
		(void)aspace_audit();
		/*
		 * The second time the bag is left, and the next one drops it.
		 */
		if (i == 0)
			MUST(bag_close(to, -EIO) == -EIO, "another end");
	}
	put_pages(from, HERE, PAGES, 20);
	TRY(expect_pages(to, THERE, PAGES, 50));
	pass(from, to, PAGES, RW);
	TRY(expect_pages(to, THERE, PAGES, 20));
	MUST(frame_free_count() == free + PAGES,
	    found("%ld frames", (long)(frame_free_count() - free)));
	space_drop(from);
	space_drop(to);
	return NULL;
}

/* Either side ends first, with the bag in each of its states. */
TEST(either_side_may_be_torn_down_at_any_time)
{
	uint64_t free = frame_free_count();

	for (unsigned i = 0; i < 8; i++) {
		struct aspace *from = with_pages(10), *to = space_new();
		bool giver_first = i % 2 != 0;

		bag_open(to, LEN, RW);
		if (i / 2 > 0)
			MUST(bag_put(to, from, HERE, PAGES) == PAGES, "kept");
		if (i / 2 == 2) {
			struct range_op op = bag_range(to, 0);

			MUST(range_run(to, &op, 1) == RANGE_MORE, "at once");
		}
		if (i / 2 == 3)
			MUST(bag_close(to, 0) == 0, "not mapped");
		space_drop(giver_first ? from : to);
		(void)aspace_audit();
		space_drop(giver_first ? to : from);
		MUST(frame_free_count() == free,
		    found("case %u: %ld frames", i,
			(long)(free - frame_free_count())));
	}
	return NULL;
}

/* Each allocation of all three steps fails once. */
TEST(without_memory_nothing_is_passed)
{
	struct aspace *from = with_pages(10), *to = space_new();
	uint64_t pages[1] = {HERE};
	bool done = false;

	for (unsigned n = 1; !done; n++) {
		struct frame_failure failure = {.countdown = n};
		struct range_op op = {.kind = RANGE_PASS,
		    .start = THERE,
		    .end = THERE + 2 * GIB,
		    .perms = RW};
		long err;

		frame_fail_set(&failure);
		err = range_do(to, op, 64);
		if (err == RANGE_BAG)
			err = bag_fill(to, from, pages, 1);
		if (err == 1)
			err = bag_close(to, 0);
		frame_fail_set(NULL);
		done = err == 0;
		MUST(done || (err == -ENOMEM && failure.failed > 0),
		    found("%ld, %u failed", err, failure.failed));
		(void)aspace_audit();
		MUST(done || try_access(to, THERE, ACCESS_READ) == -EFAULT,
		    "something is there");
	}
	MUST(get(to, THERE) == 10, "not passed");
	space_drop(from);
	space_drop(to);
	return NULL;
}

#define NAMES 300

TEST(a_page_that_very_many_name_is_copied)
{
	struct aspace *from = with_pages(10), *to = space_new();
	static uint64_t pages[NAMES];
	struct calf_entry e;

	for (unsigned i = 0; i < NAMES; i++)
		pages[i] = HERE;
	bag_open(to, NAMES * PAGE_SIZE, RW);
	for (unsigned done = 0; done < NAMES;) {
		long n = bag_fill(to, from, pages, NAMES - done);

		MUST(n > 0 && n <= 255 + 32, found("%ld in one part", n));
		done += (unsigned)n;
	}
	MUST(bag_close(to, 0) == 0, "not mapped");
	e = last_entry(from, HERE);
	MUST(e.count == 256, found("count %u", e.count));
	put(from, HERE, 20);
	for (unsigned i = 0; i < NAMES; i++)
		MUST(get(to, THERE + i * PAGE_SIZE) == 10, found("page %u", i));
	put(to, THERE + 299 * PAGE_SIZE, 30);
	MUST(get(to, THERE + 298 * PAGE_SIZE) == 10, "one page twice");
	space_drop(from);
	space_drop(to);
	return NULL;
}

#define TABLE_PAGES 512
#define TABLE_LEN   (TABLE_PAGES * PAGE_SIZE)
#define TABLE_HERE  (3 * GIB)

/* An address space with a table of which only a few entries are pages. */
static struct aspace *with_table(uint64_t perms)
{
	struct aspace *as = space_new();

	map(as, TABLE_HERE, 2 * TABLE_LEN, RW);
	put_pages(as, TABLE_HERE, PAGES, 10);
	put(as, TABLE_HERE + TABLE_LEN - PAGE_SIZE, 90);
	protect(as, TABLE_HERE, TABLE_LEN, perms);
	return as;
}

/*
 * Passes the run at `va` to the address `at`: how many tables, -1: it failed.
 */
static long pass_run(struct aspace *from, struct aspace *to, vaddr_t va,
    vaddr_t at, uint64_t perms)
{
	struct stats before = stats_sum();
	uint64_t done = 0;
	long n = 1;

	if (range_do(to,
		(struct range_op){.kind = RANGE_PASS,
		    .start = at,
		    .end = at + TABLE_LEN,
		    .perms = perms},
		64) != RANGE_BAG)
		return -1;
	for (; n > 0 && done < TABLE_PAGES; done += (uint64_t)n)
		n = bag_fill_run(to, from, va + done * PAGE_SIZE,
		    TABLE_PAGES - done);
	if (bag_close(to, n < 0 ? (int)n : 0) != 0)
		return -1;
	return (long)stats_since(before).table_passes;
}

TEST(a_table_of_like_pages_is_passed_as_it_is)
{
	struct aspace *from = with_table(RW), *to = space_new();
	struct aspace *child;
	struct stats before;

	MUST(pass_run(from, to, TABLE_HERE, 5 * GIB, RW) == 1, "not passed");
	MUST(entry_at(to, 5 * GIB, 1).pa == entry_at(from, TABLE_HERE, 1).pa,
	    "another table");
	MUST(entry_at(to, 5 * GIB, 1).count == 2, "not two names");
	(void)aspace_audit();
	child = space_fork(to);
	before = stats_sum();
	TRY(expect_pages(from, TABLE_HERE, PAGES, 10));
	put_pages(from, TABLE_HERE, PAGES, 20);
	TRY(expect_pages(to, 5 * GIB, PAGES, 10));
	put_pages(to, 5 * GIB, PAGES, 30);
	put(to, 5 * GIB + 100 * PAGE_SIZE, 7);
	(void)aspace_audit();
	TRY(expect_pages(from, TABLE_HERE, PAGES, 20));
	MUST(get(from, TABLE_HERE + 100 * PAGE_SIZE) == 0, "written for both");
	TRY(expect_pages(child, 5 * GIB, PAGES, 10));
	MUST(get(child, 5 * GIB + TABLE_LEN - PAGE_SIZE) == 90, "the last");
	MUST(stats_since(before).table_copies >= 2, "not copied");
	space_drop(from);
	space_drop(to);
	space_drop(child);
	return NULL;
}

TEST(a_table_is_passed_only_where_it_means_the_same)
{
	struct aspace *from = with_table(RW), *ro = with_table(PTE_R);
	struct aspace *to = space_new();

	MUST(pass_run(from, to, TABLE_HERE, 5 * GIB, PTE_R) == 0,
	    "other permissions");
	MUST(try_access(to, 5 * GIB, ACCESS_WRITE) == -EFAULT, "writable");
	MUST(pass_run(ro, to, TABLE_HERE, 5 * GIB, PTE_R) == 1,
	    "the same permissions");
	MUST(try_access(to, 5 * GIB, ACCESS_WRITE) == -EFAULT, "writable");
	MUST(pass_run(ro, to, TABLE_HERE, 5 * GIB, RW) == 0, "more than its");
	put(to, 5 * GIB, 7);
	MUST(pass_run(from, to, TABLE_HERE, 5 * GIB + PAGE_SIZE, RW) == 0,
	    "at no border");
	MUST(pass_run(from, to, TABLE_HERE + PAGE_SIZE, 7 * GIB, RW) == 0,
	    "from no border");
	protect(from, TABLE_HERE + 9 * PAGE_SIZE, PAGE_SIZE, PTE_R);
	MUST(pass_run(from, to, TABLE_HERE, 5 * GIB, RW) == 0,
	    "one page is another");
	put(to, 5 * GIB + 9 * PAGE_SIZE, 7);
	unmap(ro, TABLE_HERE + 3 * PAGE_SIZE, PAGE_SIZE);
	MUST(pass_run(ro, to, TABLE_HERE, 5 * GIB, PTE_R) == -1, "a hole");
	map(ro, TABLE_HERE + 3 * PAGE_SIZE, PAGE_SIZE, RW);
	MUST(pass_run(ro, to, TABLE_HERE, 5 * GIB, PTE_R) == 0, "a patch");
	(void)aspace_audit();
	space_drop(from);
	space_drop(ro);
	space_drop(to);
	return NULL;
}

TEST(a_table_of_passed_pages_is_passed_by_the_page)
{
	struct aspace *from = with_table(RW), *to = space_new();
	struct aspace *third = space_new();

	put(from, TABLE_HERE, 1);
	protect(from, TABLE_HERE + PAGE_SIZE, PAGE_SIZE, PTE_R);
	protect(from, TABLE_HERE + PAGE_SIZE, PAGE_SIZE, RW);
	MUST(pass_run(from, to, TABLE_HERE, 5 * GIB, RW) == 0, "as a table");
	MUST(pass_run(to, third, 5 * GIB, 5 * GIB, RW) == 0, "as a table");
	MUST(get(third, 5 * GIB + PAGE_SIZE) == 11, "other pages");
	(void)aspace_audit();
	space_drop(from);
	space_drop(to);
	space_drop(third);
	return NULL;
}

TEST(a_table_is_not_passed_beyond_the_mapping)
{
	struct aspace *from = with_table(RW), *to = space_new();
	struct range_op op = {.kind = RANGE_PASS,
	    .start = 5 * GIB,
	    .end = 5 * GIB + 9 * PAGE_SIZE,
	    .perms = RW};

	MUST(range_do(to, op, 64) == RANGE_BAG, "no bag");
	MUST(bag_fill_run(to, from, TABLE_HERE, TABLE_PAGES) == 9, "more");
	MUST(bag_close(to, 0) == 0, "not mapped");
	MUST(try_access(to, 5 * GIB + 9 * PAGE_SIZE, ACCESS_READ) == -EFAULT,
	    "readable");
	space_drop(from);
	space_drop(to);
	return NULL;
}

TEST(a_table_that_very_many_name_is_passed_by_the_page)
{
	struct aspace *from = with_table(RW), *to = space_new();

	for (unsigned i = 0; i < 260; i++)
		MUST(pass_run(from, to, TABLE_HERE, 5 * GIB + i * TABLE_LEN,
			 RW) == (i < 255),
		    found("case %u", i));
	MUST(entry_at(from, TABLE_HERE, 1).count == 256, "other counts");
	TRY(expect_pages(to, 5 * GIB + 259 * TABLE_LEN, PAGES, 10));
	space_drop(from);
	space_drop(to);
	return NULL;
}

TEST(a_copied_table_is_as_alike_as_it_was)
{
	struct aspace *from = with_table(RW), *to = space_new();
	struct aspace *child = space_fork(from);

	put(child, TABLE_HERE, 7);
	MUST(pass_run(child, to, TABLE_HERE, 5 * GIB, RW) == 1, "not passed");
	MUST(get(to, 5 * GIB) == 7, "another page");
	space_drop(from);
	space_drop(to);
	space_drop(child);
	return NULL;
}

static const struct test bag_tests[] = {
    T(passed_pages_are_shared_until_one_side_writes),
    T(passing_takes_frames_for_tables_only),
    T(the_last_to_name_a_passed_page_takes_it_over),
    T(children_of_both_sides_see_what_was_passed),
    T(pages_under_shared_tables_are_passed_as_they_are),
    T(what_is_reserved_is_passed_as_zeros_without_a_frame),
    T(what_is_not_filled_in_is_memory_without_access),
    T(permissions_are_those_of_the_mapping),
    T(what_cannot_be_passed_is_refused_and_changes_nothing),
    T(what_cannot_be_passed_leaves_nothing_in_the_bag),
    T(until_the_bag_is_mapped_the_place_is_as_it_was),
    T(either_side_may_be_torn_down_at_any_time),
    T(without_memory_nothing_is_passed),
    T(a_page_that_very_many_name_is_copied),
    T(a_table_of_like_pages_is_passed_as_it_is),
    T(a_table_is_passed_only_where_it_means_the_same),
    T(a_table_of_passed_pages_is_passed_by_the_page),
    T(a_table_is_not_passed_beyond_the_mapping),
    T(a_table_that_very_many_name_is_passed_by_the_page),
    T(a_copied_table_is_as_alike_as_it_was),
};
SUITE(bag, bag_tests);
