/* SPDX-License-Identifier: MIT */
/*
 * teardown.c - the end of an address space, in slices of any size, while other
 * spaces that share its tables go on.
 */
#include "ktest.h"
#include "mm/frame.h"
#include "space.h"

#define PAGES 1200

static struct aspace *with_pages(void)
{
	struct aspace *as = space_new();

	map(as, HERE, PAGES * PAGE_SIZE, RW);
	put_pages(as, HERE, PAGES, 1);
	map(as, 10 * GIB, 50 * GIB, RW);
	put(as, 10 * GIB, 1);
	put(as, 30 * GIB + MIB, 1);
	map_shared(as, 100 * GIB - PAGE_SIZE, 2 * PAGE_SIZE, RW);
	return as;
}

/* Tears it down in slices; returns how many it took. */
static unsigned tear(struct aspace *as, unsigned slice)
{
	unsigned slices = 0, budget;
	bool last = aspace_put(as);

	assert(last);
	do {
		budget = slice;
		slices++;
	} while (!aspace_teardown(as, &budget));
	return slices;
}

TEST(slices_of_any_size_free_everything)
{
	static const unsigned sizes[] = {1, 2, 3, 100, 511, 4096, UINT32_MAX};
	uint64_t free = frame_free_count();

	for (unsigned i = 0; i < array_len(sizes); i++) {
		(void)tear(with_pages(), sizes[i]);
		MUST(frame_free_count() == free,
		    found("slices of %u: %lu frames, %lu before", sizes[i],
			frame_free_count(), free));
	}
	return NULL;
}

TEST(a_slice_frees_about_its_size)
{
	struct aspace *as = with_pages();
	unsigned budget = 1, slices = 0;
	uint64_t free = frame_free_count();

	MUST(aspace_put(as), "somebody uses it");
	while (!aspace_teardown(as, &budget)) {
		MUST(budget == 0, "some budget is left and not the work");
		MUST(frame_free_count() - free <= 514, "more than a table");
		free = frame_free_count();
		budget = 1;
		slices++;
	}
	MUST(slices > 5, found("%u slices", slices));
	return NULL;
}

TEST(an_empty_address_space_goes_at_once)
{
	MUST(tear(space_new(), 4096) == 1, "it took more");
	return NULL;
}

TEST(only_the_last_user_tears_down)
{
	struct aspace *as = space_new();

	aspace_get(as);
	MUST(!aspace_put(as), "the first was the last");
	map(as, HERE, PAGE_SIZE, RW);
	put(as, HERE, 1);
	space_drop(as);
	return NULL;
}

TEST(a_sharer_goes_on_while_the_other_is_torn_down)
{
	static const unsigned slices[] = {1, 50, 600};

	for (unsigned i = 0; i < array_len(slices); i++) {
		struct aspace *as = with_pages(), *child = space_fork(as);
		uint64_t state = i;
		unsigned budget, n = 0;

		(void)get(as, HERE);
		MUST(aspace_put(as), "somebody uses it");
		do {
			vaddr_t va = HERE + rnd(&state, PAGES) * PAGE_SIZE;

			put(child, va, 1 + ((va - HERE) >> PAGE_SHIFT));
			if (n++ % 64 == 0)
				(void)aspace_audit();
			budget = slices[i];
		} while (!aspace_teardown(as, &budget));
		TRY(expect_pages(child, HERE, PAGES, 1));
		space_drop(child);
	}
	return NULL;
}

TEST(two_that_share_everything_are_torn_down_in_turns)
{
	struct aspace *as = with_pages(), *child = space_fork(as);
	struct aspace *both[] = {as, child};
	unsigned gone = 0, budget;

	(void)get(child, HERE + 600 * PAGE_SIZE);
	MUST(aspace_put(as) && aspace_put(child), "somebody uses one");
	for (unsigned n = 0; gone < 2; n++) {
		budget = 3;
		if (both[n % 2] != NULL &&
		    aspace_teardown(both[n % 2], &budget)) {
			both[n % 2] = NULL;
			gone++;
		}
		if (n % 128 == 0)
			(void)aspace_audit();
	}
	return NULL;
}

TEST(what_was_begun_in_slices_may_be_torn_down_half_done)
{
	static const enum range_kind kinds[] = {RANGE_MAP, RANGE_UNMAP,
	    RANGE_PROTECT, RANGE_DISCARD};

	for (unsigned i = 0; i < array_len(kinds); i++) {
		for (unsigned slices = 1; slices < 12; slices++) {
			struct aspace *as = with_pages();
			struct aspace *child = space_fork(as);
			struct range_op op = {.kind = kinds[i],
			    .start = HERE + PAGE_SIZE,
			    .end = HERE + PAGES * PAGE_SIZE,
			    .perms = PTE_R};

			for (unsigned k = 0; k < slices; k++)
				MUST(range_run(child, &op, 1) >= 0, "failed");
			(void)tear(child, 100);
			TRY(expect_pages(as, HERE, PAGES, 1));
			space_drop(as);
		}
	}
	return NULL;
}

static const struct test teardown_tests[] = {
    T(slices_of_any_size_free_everything),
    T(a_slice_frees_about_its_size),
    T(an_empty_address_space_goes_at_once),
    T(only_the_last_user_tears_down),
    T(a_sharer_goes_on_while_the_other_is_torn_down),
    T(two_that_share_everything_are_torn_down_in_turns),
    T(what_was_begun_in_slices_may_be_torn_down_half_done),
};
SUITE(teardown, teardown_tests);
