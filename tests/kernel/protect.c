/* SPDX-License-Identifier: MIT */
/*
 * protect.c - permissions, discarded memory, shared memory, and gaps.
 */
#include "ktest.h"
#include "mm/frame.h"
#include "space.h"

#define PAGES 8

/* Which of reading, writing and executing succeed, as permissions. */
static uint64_t allowed(struct aspace *as, vaddr_t va)
{
	return (try_access(as, va, ACCESS_READ) == 0 ? PTE_R : 0) |
	    (try_access(as, va, ACCESS_WRITE) == 0 ? PTE_W : 0) |
	    (try_access(as, va, ACCESS_EXEC) == 0 ? PTE_X : 0);
}

static const uint64_t all_perms[] = {0, PTE_R, RW, PTE_X, RX, RWX};

TEST(an_access_needs_its_permission_and_no_other)
{
	struct aspace *as = space_new();

	for (unsigned i = 0; i < array_len(all_perms); i++) {
		vaddr_t va = HERE + i * 2 * GIB;

		map(as, va, 2 * GIB - PAGE_SIZE, all_perms[i]);
		for (unsigned round = 0; round < 2; round++)
			MUST(allowed(as, va) == all_perms[i],
			    found("%lx allow %lx", all_perms[i],
				allowed(as, va)));
	}
	space_drop(as);
	return NULL;
}

TEST(a_refused_access_to_a_reservation_splits_nothing)
{
	struct aspace *as = space_new();
	uint64_t free = frame_free_count();

	map(as, 3 * GIB, GIB, PTE_R);
	map(as, 4 * GIB, GIB, 0);
	MUST(try_access(as, HERE, ACCESS_WRITE) == -EFAULT, "it was written");
	MUST(try_access(as, HERE, ACCESS_EXEC) == -EFAULT, "it was executed");
	MUST(try_access(as, 4 * GIB, ACCESS_READ) == -EFAULT, "it was read");
	MUST(frame_free_count() == free, "it cost a frame");
	space_drop(as);
	return NULL;
}

TEST(every_change_of_permissions_keeps_the_contents)
{
	struct aspace *as = space_new();

	map(as, HERE, PAGES * PAGE_SIZE, RW);
	put_pages(as, HERE, PAGES, 10);
	for (unsigned i = 0; i < array_len(all_perms); i++) {
		for (unsigned k = 0; k < array_len(all_perms); k++) {
			protect(as, HERE, PAGES * PAGE_SIZE, all_perms[i]);
			protect(as, HERE, PAGES * PAGE_SIZE, all_perms[k]);
			MUST(allowed(as, HERE) == all_perms[k],
			    found("%lx then %lx allow %lx", all_perms[i],
				all_perms[k], allowed(as, HERE)));
			(void)aspace_audit();
		}
	}
	protect(as, HERE, PAGES * PAGE_SIZE, PTE_R);
	TRY(expect_pages(as, HERE, PAGES, 10));
	space_drop(as);
	return NULL;
}

TEST(memory_without_permission_is_kept_and_out_of_reach)
{
	struct aspace *as = space_new();
	uint64_t free;

	map(as, HERE, PAGES * PAGE_SIZE, RW);
	put_pages(as, HERE, PAGES, 10);
	free = frame_free_count();
	protect(as, HERE, PAGES * PAGE_SIZE, 0);
	MUST(frame_free_count() == free, "frames were let go");
	TRY(expect_end(as, HERE, CALF_HIDDEN, 0));
	MUST(allowed(as, HERE) == 0, "it is within reach");
	MUST(!aspace_is_empty(as, HERE, HERE + PAGE_SIZE), "it counts as free");
	protect(as, HERE, PAGES * PAGE_SIZE, RW);
	TRY(expect_pages(as, HERE, PAGES, 10));
	space_drop(as);
	return NULL;
}

TEST(protecting_a_part_leaves_the_rest)
{
	struct aspace *as = space_new();

	map(as, 3 * GIB, GIB, RW);
	put_pages(as, HERE, PAGES, 10);
	protect(as, HERE + 2 * PAGE_SIZE, 2 * PAGE_SIZE, PTE_R);
	for (unsigned i = 0; i < PAGES; i++)
		MUST(allowed(as, HERE + i * PAGE_SIZE) ==
			(i / 2 == 1 ? PTE_R : RW),
		    found("page %u allows %lx", i,
			allowed(as, HERE + i * PAGE_SIZE)));
	protect(as, HERE + 20 * MIB, 40 * MIB, PTE_R);
	MUST(allowed(as, HERE + 20 * MIB - PAGE_SIZE) == RW, "below it");
	MUST(allowed(as, HERE + 20 * MIB) == PTE_R, "its first page");
	MUST(allowed(as, HERE + 60 * MIB - PAGE_SIZE) == PTE_R, "its last");
	MUST(allowed(as, HERE + 60 * MIB) == RW, "above it");
	space_drop(as);
	return NULL;
}

TEST(a_whole_reservation_is_protected_without_being_split)
{
	struct aspace *as = space_new();
	uint64_t free = frame_free_count();

	map(as, 4 * GIB, 8 * GIB, RW);
	protect(as, 4 * GIB, 8 * GIB, PTE_R);
	MUST(frame_free_count() == free, "it cost a frame");
	MUST(allowed(as, 5 * GIB) == PTE_R, "it had no effect");
	space_drop(as);
	return NULL;
}

TEST(a_hole_in_the_range_is_an_error_that_changes_nothing)
{
	static const unsigned holes[] = {0, 3, PAGES - 1};
	enum { LEN = PAGES * PAGE_SIZE };

	for (unsigned i = 0; i < array_len(holes); i++) {
		struct aspace *as = space_new();
		uint64_t before;

		map(as, HERE, LEN, RW);
		put_pages(as, HERE, PAGES, 10);
		unmap(as, HERE + holes[i] * PAGE_SIZE, PAGE_SIZE);
		before = digest(as, HERE, HERE + LEN);
		MUST(try_protect(as, HERE, LEN, PTE_R) == -ENOMEM, "protect");
		MUST(try_discard(as, HERE, LEN) == -ENOMEM, "discard");
		MUST(digest(as, HERE, HERE + LEN) == before,
		    found("hole %u: changed", holes[i]));
		space_drop(as);
	}
	return NULL;
}

TEST(discarded_memory_is_zero_and_costs_nothing)
{
	struct aspace *as = space_new();
	uint64_t free;

	map(as, HERE, PAGES * PAGE_SIZE, RW);
	put(as, HERE, 1);
	free = frame_free_count();
	put_pages(as, HERE, PAGES, 10);
	protect(as, HERE + PAGE_SIZE, PAGE_SIZE, PTE_R);
	protect(as, HERE + 2 * PAGE_SIZE, PAGE_SIZE, 0);
	discard(as, HERE, PAGES * PAGE_SIZE);
	MUST(frame_free_count() == free + 1, "frames stay");
	MUST(allowed(as, HERE) == RW, "permissions of the first page");
	MUST(allowed(as, HERE + PAGE_SIZE) == PTE_R, "of the second");
	MUST(allowed(as, HERE + 2 * PAGE_SIZE) == 0, "of the third");
	MUST(get(as, HERE) == 0 && get(as, HERE + PAGE_SIZE) == 0, "not zero");
	space_drop(as);
	return NULL;
}

TEST(discarding_a_cow_page_leaves_it_writable_and_the_other_intact)
{
	struct aspace *as = space_new(), *child;

	map(as, HERE, PAGES * PAGE_SIZE, RW);
	put_pages(as, HERE, PAGES, 10);
	child = space_fork(as);
	(void)get(as, HERE);
	(void)get(child, HERE);
	discard(as, HERE, PAGES * PAGE_SIZE);
	TRY(expect_pages(child, HERE, PAGES, 10));
	MUST(get(as, HERE) == 0 && allowed(as, HERE) == RW, "not as new");
	put_pages(as, HERE, PAGES, 20);
	TRY(expect_pages(child, HERE, PAGES, 10));
	space_drop(child);
	space_drop(as);
	return NULL;
}

static const struct test protect_tests[] = {
    T(an_access_needs_its_permission_and_no_other),
    T(a_refused_access_to_a_reservation_splits_nothing),
    T(every_change_of_permissions_keeps_the_contents),
    T(memory_without_permission_is_kept_and_out_of_reach),
    T(protecting_a_part_leaves_the_rest),
    T(a_whole_reservation_is_protected_without_being_split),
    T(a_hole_in_the_range_is_an_error_that_changes_nothing),
    T(discarded_memory_is_zero_and_costs_nothing),
    T(discarding_a_cow_page_leaves_it_writable_and_the_other_intact),
};
SUITE(protect, protect_tests);

TEST(shared_memory_has_its_pages_at_once)
{
	struct aspace *as = space_new();
	uint64_t free = frame_free_count();

	map_shared(as, HERE, PAGES * PAGE_SIZE, RW);
	MUST(free - frame_free_count() == PAGES + 2, "not at once");
	TRY(expect_end(as, HERE, CALF_PAGE, 0));
	MUST(last_entry(as, HERE).flags == (CALF_R | CALF_W | CALF_SHARED),
	    "not as a shared page");
	MUST(get(as, HERE) == 0, "it is not zero");
	space_drop(as);
	return NULL;
}

TEST(every_generation_sees_what_any_writes_to_shared_memory)
{
	struct aspace *as[4] = {space_new()};
	struct stats before;

	map_shared(as[0], HERE, PAGES * PAGE_SIZE, RW);
	for (unsigned i = 1; i < array_len(as); i++)
		as[i] = space_fork(as[i - 1]);
	before = stats_sum();
	for (unsigned i = 0; i < array_len(as); i++) {
		put_pages(as[i], HERE, PAGES, 100 * i);
		for (unsigned k = 0; k < array_len(as); k++)
			TRY(expect_pages(as[k], HERE, PAGES, 100 * i));
		(void)aspace_audit();
	}
	MUST(stats_since(before).page_copies == 0, "a page was copied");
	for (unsigned i = 0; i < array_len(as); i++)
		space_drop(as[i]);
	return NULL;
}

TEST(shared_memory_stays_shared_whatever_its_permissions)
{
	struct aspace *as = space_new(), *child;

	map_shared(as, HERE, PAGES * PAGE_SIZE, 0);
	child = space_fork(as);
	protect(child, HERE, PAGES * PAGE_SIZE, RW);
	put_pages(child, HERE, PAGES, 50);
	protect(child, HERE, PAGES * PAGE_SIZE, 0);
	protect(as, HERE, PAGES * PAGE_SIZE, PTE_R);
	TRY(expect_pages(as, HERE, PAGES, 50));
	MUST(allowed(as, HERE) == PTE_R, "read-only memory is not");
	protect(as, HERE, PAGES * PAGE_SIZE, RW);
	put_pages(as, HERE, PAGES, 60);
	protect(child, HERE, PAGES * PAGE_SIZE, PTE_R);
	TRY(expect_pages(child, HERE, PAGES, 60));
	protect(child, HERE, PAGES * PAGE_SIZE, RW);
	put_pages(child, HERE, PAGES, 70);
	TRY(expect_pages(as, HERE, PAGES, 70));
	space_drop(as);
	TRY(expect_pages(child, HERE, PAGES, 70));
	space_drop(child);
	return NULL;
}

TEST(discarding_leaves_shared_memory)
{
	struct aspace *as = space_new();

	map(as, HERE, 3 * PAGE_SIZE, RW);
	map_shared(as, HERE + PAGE_SIZE, PAGE_SIZE, RW);
	put_pages(as, HERE, 3, 5);
	discard(as, HERE, 3 * PAGE_SIZE);
	MUST(get(as, HERE) == 0 && get(as, HERE + 2 * PAGE_SIZE) == 0,
	    "private memory stayed");
	MUST(get(as, HERE + PAGE_SIZE) == 6, "shared memory did not");
	space_drop(as);
	return NULL;
}

TEST(sharing_splits_reservations_and_crosses_borders)
{
	struct aspace *as = space_new(), *child;
	vaddr_t start = 2 * GIB - 3 * PAGE_SIZE;

	map(as, 0, 4 * GIB, RW);
	MUST(try_share(as, start, 6 * PAGE_SIZE, RW) == 0, "it failed");
	child = space_fork(as);
	put_pages(child, start - PAGE_SIZE, 8, 30);
	TRY(expect_pages(as, start, 6, 31));
	MUST(get(as, start - PAGE_SIZE) == 0, "below it is shared, too");
	MUST(get(as, start + 6 * PAGE_SIZE) == 0, "above it is shared, too");
	space_drop(as);
	space_drop(child);
	return NULL;
}

TEST(a_shared_mapping_larger_than_memory_takes_none)
{
	struct aspace *as = space_new();
	uint64_t free = frame_free_count();
	struct range_op op = {.kind = RANGE_SHARE,
	    .start = HERE,
	    .end = HERE + free * PAGE_SIZE,
	    .perms = RW};

	map(as, HERE, PAGE_SIZE, RW);
	put(as, HERE, 7);
	free = frame_free_count();
	MUST(range_run(as, &op, 1) == -ENOMEM, "it is not refused at once");
	MUST(frame_free_count() == free, "it took something");
	MUST(get(as, HERE) == 7, "what was there is gone");
	space_drop(as);
	return NULL;
}

TEST(a_shared_mapping_cut_short_leaves_nothing)
{
	struct aspace *as = space_new();
	uint64_t free = frame_free_count();

	for (unsigned steps = 1; steps < 12; steps++) {
		struct range_op op = {.kind = RANGE_SHARE,
		    .start = 2 * GIB - 2 * MIB,
		    .end = 2 * GIB + 3 * MIB,
		    .perms = RW};

		for (unsigned i = 0; i < steps; i++)
			MUST(range_run(as, &op, 1) == RANGE_MORE, "it ended");
		(void)aspace_audit();
	}
	MUST(try_share(as, HERE, 3 * PAGE_SIZE, RW) == 0, "none after it");
	put_pages(as, HERE, 3, 1);
	TRY(expect_pages(as, HERE, 3, 1));
	space_drop(as);
	MUST(frame_free_count() + 1 >= free, "memory is lost");
	return NULL;
}

static const struct test share_tests[] = {
    T(shared_memory_has_its_pages_at_once),
    T(every_generation_sees_what_any_writes_to_shared_memory),
    T(shared_memory_stays_shared_whatever_its_permissions),
    T(discarding_leaves_shared_memory),
    T(sharing_splits_reservations_and_crosses_borders),
    T(a_shared_mapping_larger_than_memory_takes_none),
    T(a_shared_mapping_cut_short_leaves_nothing),
};
SUITE(share, share_tests);

/* The address that a mapping without a hint gets. It is unmapped again. */
static vaddr_t gap(struct aspace *as, uint64_t len)
{
	struct range_op op = {.kind = RANGE_MAP, .anywhere = true, .end = len};
	int err;

	do
		err = range_run(as, &op, 1);
	while (err == RANGE_MORE);
	if (err < 0)
		return UINT64_MAX;
	unmap(as, op.start, len);
	return op.start;
}

TEST(the_highest_gap_is_found_at_every_level)
{
	struct aspace *as = space_new();

	MUST(gap(as, PAGE_SIZE) == USER_TOP - PAGE_SIZE, "in nothing");
	MUST(gap(as, USER_TOP - PAGE_SIZE) == PAGE_SIZE, "all of it");
	MUST(gap(as, USER_TOP) == UINT64_MAX, "address 0");
	map(as, USER_TOP - GIB, GIB, RW);
	MUST(gap(as, PAGE_SIZE) == USER_TOP - GIB - PAGE_SIZE, "below a GiB");
	unmap(as, USER_TOP - 2 * MIB, 2 * MIB);
	MUST(gap(as, PAGE_SIZE) == USER_TOP - PAGE_SIZE, "above again");
	MUST(gap(as, 2 * MIB) == USER_TOP - 2 * MIB, "just fitting");
	MUST(gap(as, 2 * MIB - PAGE_SIZE) == USER_TOP - 2 * MIB + PAGE_SIZE,
	    "a smaller one");
	MUST(gap(as, 2 * MIB + PAGE_SIZE) == USER_TOP - GIB - 4 * MIB,
	    "not quite fitting, and so at the border of a table");
	MUST(gap(as, GIB) == USER_TOP - 2 * GIB, "a GiB");
	map(as, USER_TOP - PAGE_SIZE, PAGE_SIZE, RW);
	MUST(gap(as, PAGE_SIZE) == USER_TOP - 2 * PAGE_SIZE, "below a page");
	space_drop(as);
	return NULL;
}

/* The last entry of a table may be its only one, or one of several. */
TEST(a_page_below_the_last_one_of_a_table_is_seen)
{
	const uint64_t len = 200 * PAGE_SIZE;
	struct aspace *as = space_new();

	map(as, USER_TOP - PAGE_SIZE, PAGE_SIZE, RW);
	MUST(gap(as, len) == USER_TOP - PAGE_SIZE - len, "below the last");
	map(as, USER_TOP - 100 * PAGE_SIZE, PAGE_SIZE, RW);
	MUST(gap(as, len) == USER_TOP - 100 * PAGE_SIZE - len, "below both");
	map(as, USER_TOP - 2 * PAGE_SIZE, PAGE_SIZE, RW);
	MUST(gap(as, len) == USER_TOP - 100 * PAGE_SIZE - len, "below all");
	space_drop(as);
	return NULL;
}

TEST(where_no_gap_is_large_enough_there_is_none)
{
	struct aspace *as = space_new();

	MUST(gap(as, USER_TOP + PAGE_SIZE) == UINT64_MAX, "more than all");
	map(as, 0, USER_TOP, PTE_R);
	MUST(gap(as, PAGE_SIZE) == UINT64_MAX, "in a full one");
	unmap(as, HERE, 5 * PAGE_SIZE);
	MUST(gap(as, 6 * PAGE_SIZE) == UINT64_MAX, "six pages in five");
	MUST(gap(as, 5 * PAGE_SIZE) == HERE, "five in five");
	unmap(as, 0, 2 * PAGE_SIZE);
	map(as, HERE, 5 * PAGE_SIZE, 0);
	MUST(gap(as, PAGE_SIZE) == PAGE_SIZE, "the lowest page but 0");
	space_drop(as);
	return NULL;
}

TEST(a_fork_finds_the_same_gap)
{
	struct aspace *as = space_new(), *child;

	map(as, USER_TOP - 5 * MIB, 5 * MIB, RW);
	child = space_fork(as);
	MUST(gap(child, MIB) == gap(as, MIB), "another");
	unmap(child, USER_TOP - MIB, MIB);
	MUST(gap(child, MIB) == USER_TOP - MIB, "not what was unmapped");
	MUST(gap(as, MIB) == USER_TOP - 6 * MIB, "what the other unmapped");
	space_drop(as);
	space_drop(child);
	return NULL;
}

/* A bitmap stands for the 64 pages below the top; all below them is mapped. */
static vaddr_t model_gap(uint64_t used, unsigned len)
{
	for (unsigned top = 64; top >= len; top--) {
		unsigned i = 0;

		while (i < len && !(used >> (top - 1 - i) & 1))
			i++;
		if (i == len)
			return USER_TOP - (64 - top + len) * PAGE_SIZE;
	}
	return UINT64_MAX;
}

TEST(the_highest_gap_is_found_after_any_maps_and_unmaps)
{
	struct aspace *as = space_new();
	vaddr_t base = USER_TOP - 64 * PAGE_SIZE;
	uint64_t used = 0, state = 4;

	map(as, 0, base, PTE_R);
	for (unsigned step = 0; step < 3000; step++) {
		unsigned at = (unsigned)rnd(&state, 64);
		unsigned len = 1 + (unsigned)rnd(&state, min_u64(9, 64 - at));
		uint64_t bits = ((1UL << len) - 1) << at;

		if (rnd(&state, 2) != 0) {
			map(as, base + at * PAGE_SIZE, len * PAGE_SIZE, RW);
			used |= bits;
		} else {
			unmap(as, base + at * PAGE_SIZE, len * PAGE_SIZE);
			used &= ~bits;
		}
		len = 1 + (unsigned)rnd(&state, 12);
		MUST(gap(as, len * PAGE_SIZE) == model_gap(used, len),
		    found("step %u: %u pages at %lx, not %lx", step, len,
			gap(as, len * PAGE_SIZE), model_gap(used, len)));
	}
	space_drop(as);
	return NULL;
}

/* Ten thousand pages with a page between any two: no room for two pages. */
TEST(a_search_of_many_mappings_is_done_in_parts)
{
	enum { COUNT = 10000 };
	struct range_op op = {.kind = RANGE_MAP,
	    .anywhere = true,
	    .end = 2 * PAGE_SIZE};
	struct aspace *as = space_new();
	vaddr_t lowest = USER_TOP - 2 * COUNT * PAGE_SIZE;
	unsigned parts = 1;
	int err;

	for (unsigned i = 0; i < COUNT; i++)
		map(as, lowest + 2 * i * PAGE_SIZE, PAGE_SIZE, PTE_R);
	while ((err = range_run(as, &op, RANGE_BUDGET)) == RANGE_MORE)
		parts++;
	MUST(err == 0 && op.start == lowest - 2 * PAGE_SIZE,
	    found("%d, %lx", err, op.start));
	MUST(parts > 2, found("%u parts", parts));
	space_drop(as);
	return NULL;
}

static const struct test gap_tests[] = {
    T(the_highest_gap_is_found_at_every_level),
    T(a_page_below_the_last_one_of_a_table_is_seen),
    T(where_no_gap_is_large_enough_there_is_none),
    T(a_fork_finds_the_same_gap),
    T(the_highest_gap_is_found_after_any_maps_and_unmaps),
    T(a_search_of_many_mappings_is_done_in_parts),
};
SUITE(gap, gap_tests);
