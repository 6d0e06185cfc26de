/* SPDX-License-Identifier: MIT */
/*
 * lend.c - pages of MAP_SHARED that one address space has of another: what both
 * sides see, which side may write, and which pages are not lent.
 */
#include "abi/errno.h"
#include "ktest.h"
#include "space.h"

#define PAGES 8
#define LEN   (PAGES * PAGE_SIZE)
#define LENT  (2 * GIB)

/* Lends pages that `from` has at LENT: the other space has them at THERE. */
static void lend(struct aspace *from, struct aspace *to, uint64_t perms)
{
	long done;
	int err;

	map_shared(from, LENT, LEN, RW);
	put_pages(from, LENT, PAGES, 10);
	bag_open(to, LEN, perms);
	done = bag_put(to, from, LENT, PAGES);
	assert(done == PAGES);
	err = bag_close(to, 0);
	assert(err == 0);
}

TEST(pages_that_are_lent_are_one_for_both)
{
	struct aspace *from = space_new(), *to = space_new(), *child;
	struct calf_entry e;
	struct stats before;

	lend(from, to, RW | PTE_SHARED);
	before = stats_sum();
	e = last_entry(to, THERE);
	MUST(e.pa == last_entry(from, LENT).pa && e.count == 2 &&
		e.flags == (CALF_R | CALF_W | CALF_SHARED),
	    found("count %u, flags %x", e.count, e.flags));
	put(to, THERE, 20);
	put(from, LENT + PAGE_SIZE, 30);
	MUST(get(from, LENT) == 20 && get(to, THERE + PAGE_SIZE) == 30,
	    "one does not see what the other writes");
	child = space_fork(to);
	put(child, THERE, 40);
	MUST(get(from, LENT) == 40 && get(to, THERE) == 40, "a child");
	MUST(stats_since(before).page_copies == 0, "it was copied");
	space_drop(from);
	put(to, THERE, 50);
	MUST(get(child, THERE) == 50, "when the giver is gone");
	space_drop(to);
	space_drop(child);
	return NULL;
}

TEST(pages_that_are_lent_to_be_read_never_become_writable)
{
	struct aspace *from = space_new(), *to = space_new(), *child;

	lend(from, to, PTE_R | PTE_SEALED);
	MUST(last_entry(to, THERE).flags == (CALF_R | CALF_SHARED), "flags");
	for (unsigned i = 0; i < 2; i++) {
		child = space_fork(to);
		MUST(try_put(child, THERE, 1) == -EFAULT, "it is written to");
		MUST(try_protect(child, THERE, LEN, RW) == -EACCES, "protect");
		put(from, LENT, 20 + i);
		protect(child, THERE, PAGE_SIZE, RX);
		MUST(get(child, THERE) == 20 + i, "what is written is seen");
		discard(child, THERE, PAGE_SIZE);
		MUST(get(child, THERE) == 20 + i, "it is discarded");
		space_drop(child);
		protect(to, THERE, PAGE_SIZE, 0);
		protect(to, THERE + PAGE_SIZE, PAGE_SIZE, PTE_R);
		MUST(try_protect(to, THERE, PAGE_SIZE, RW) == -EACCES,
		    "hidden");
		MUST(try_protect(to, THERE + PAGE_SIZE, PAGE_SIZE, RW) ==
			-EACCES,
		    "protected");
		protect(to, THERE, PAGE_SIZE, PTE_R);
	}
	space_drop(from);
	MUST(try_protect(to, THERE, LEN, RW) == -EACCES, "the last owner");
	space_drop(to);
	return NULL;
}

TEST(only_shared_memory_that_can_be_written_to_is_lent)
{
	struct aspace *from = space_new(), *to = space_new();
	struct aspace *third = space_new();

	map(from, HERE, PAGE_SIZE, RW);
	put(from, HERE, 10);
	lend(from, to, PTE_R | PTE_SEALED);
	map_shared(from, 4 * GIB, LEN, PTE_R);
	protect(from, LENT, PAGE_SIZE, 0);
	bag_open(third, LEN, RW | PTE_SHARED);
	MUST(bag_put(third, from, HERE, 1) == -ENODEV, "private");
	MUST(bag_put(third, from, 4 * GIB, 1) == -ENODEV, "read-only");
	MUST(bag_put(third, to, THERE, 1) == -ENODEV, "sealed");
	MUST(bag_put(third, from, LENT, 1) == -EFAULT, "hidden");
	MUST(bag_put(third, from, 9 * GIB, 1) == -EFAULT, "empty");
	MUST(bag_put(third, from, LENT + 8, 1) == -EFAULT, "misaligned");
	MUST(bag_put(third, from, USER_TOP, 1) == -EFAULT, "no user address");
	MUST(bag_put(third, from, LENT + PAGE_SIZE, 1) == 1, "one that is");
	MUST(bag_close(third, 0) == 0 && get(third, THERE) == 11,
	    "and is seen");
	space_drop(from);
	space_drop(to);
	space_drop(third);
	return NULL;
}

TEST(what_is_shared_is_passed_as_a_copy)
{
	struct aspace *from = space_new(), *to = space_new();
	struct stats before = stats_sum();

	lend(from, to, RW);
	TRY(expect_deeds(before, (struct deeds){.page_copies = PAGES}));
	put(from, LENT, 20);
	MUST(get(to, THERE) == 10, "what is written later is seen");
	put(to, THERE + PAGE_SIZE, 30);
	MUST(get(from, LENT + PAGE_SIZE) == 11, "and the other way");
	space_drop(from);
	space_drop(to);
	return NULL;
}

#define NAMES 300

TEST(a_page_that_very_many_name_is_not_lent)
{
	struct aspace *from = space_new(), *to = space_new();
	static uint64_t pages[NAMES];

	map_shared(from, LENT, PAGE_SIZE, RW);
	for (unsigned i = 0; i < NAMES; i++)
		pages[i] = LENT;
	bag_open(to, NAMES * PAGE_SIZE, RW | PTE_SHARED);
	MUST(bag_fill(to, from, pages, NAMES) == 255, "not so many");
	MUST(bag_fill(to, from, pages, 1) == -ENOMEM, "one more");
	MUST(bag_close(to, -ENOMEM) == -ENOMEM, "dropped");
	MUST(last_entry(from, LENT).count == 1, "names are left");
	space_drop(from);
	space_drop(to);
	return NULL;
}

static const struct test lend_tests[] = {
    T(pages_that_are_lent_are_one_for_both),
    T(pages_that_are_lent_to_be_read_never_become_writable),
    T(only_shared_memory_that_can_be_written_to_is_lent),
    T(what_is_shared_is_passed_as_a_copy),
    T(a_page_that_very_many_name_is_not_lent),
};
SUITE(lend, lend_tests);
