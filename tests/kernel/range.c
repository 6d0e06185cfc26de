/* SPDX-License-Identifier: MIT */
/*
 * range.c - mapping and unmapping at every level, across every border.
 */
#include "ktest.h"
#include "mm/frame.h"
#include "space.h"

#define TOP_PAGE (USER_TOP - PAGE_SIZE)

/* Frames taken since `free` were free. */
static uint64_t taken(uint64_t free)
{
	return free - frame_free_count();
}

static const char *expect_taken(uint64_t free, uint64_t count)
{
	if (taken(free) == count)
		return NULL;
	return found("%lu frames taken, not %lu", taken(free), count);
}

TEST(a_new_address_space_is_empty)
{
	struct aspace *as = space_new();

	MUST(aspace_is_empty(as, 0, USER_TOP), "there is something");
	TRY(expect_end(as, 0, CALF_EMPTY, 2));
	TRY(expect_end(as, TOP_PAGE, CALF_EMPTY, 2));
	MUST(try_access(as, HERE, ACCESS_READ) == -EFAULT, "it can be read");
	space_drop(as);
	return NULL;
}

TEST(reserving_takes_one_entry_of_the_largest_size)
{
	struct aspace *as = space_new();
	uint64_t free = frame_free_count();

	map(as, 8 * GIB, 100 * GIB, RW);
	TRY(expect_taken(free, 0));
	TRY(expect_end(as, 50 * GIB, CALF_RESERVED, 2));
	map(as, GIB + 2 * MIB, 2 * MIB, RW);
	TRY(expect_taken(free, 1));
	TRY(expect_end(as, GIB + 2 * MIB, CALF_RESERVED, 1));
	map(as, 4 * GIB, PAGE_SIZE, RW);
	TRY(expect_taken(free, 3));
	TRY(expect_end(as, 4 * GIB, CALF_RESERVED, 0));
	unmap(as, 0, USER_TOP);
	TRY(expect_taken(free, 0));
	space_drop(as);
	return NULL;
}

/*
 * The first and last pages are memory, and the pages before and behind are not.
 */
static const char *expect_borders(struct aspace *as, vaddr_t start, vaddr_t end)
{
	MUST(!aspace_is_empty(as, start, start + PAGE_SIZE), "no first page");
	MUST(!aspace_is_empty(as, end - PAGE_SIZE, end), "no last page");
	MUST(start == 0 || aspace_is_empty(as, start - PAGE_SIZE, start),
	    found("something below %lx", start));
	MUST(end == USER_TOP || aspace_is_empty(as, end, end + PAGE_SIZE),
	    found("something above %lx", end));
	return NULL;
}

static const struct {
	vaddr_t start;
	uint64_t len;
} places[] = {
    {0, PAGE_SIZE},
    {0, 2 * MIB},
    {0, GIB},
    {HERE, PAGE_SIZE},
    {2 * MIB - PAGE_SIZE, 2 * PAGE_SIZE},
    {4 * MIB - 3 * PAGE_SIZE, 2 * MIB + 5 * PAGE_SIZE},
    {GIB - PAGE_SIZE, 2 * PAGE_SIZE},
    {GIB - 2 * MIB, 4 * MIB},
    {2 * GIB - 2 * MIB - PAGE_SIZE, 4 * MIB + 2 * PAGE_SIZE},
    {GIB - PAGE_SIZE, GIB + 2 * PAGE_SIZE},
    {5 * GIB + PAGE_SIZE, 3 * GIB - 2 * PAGE_SIZE},
    {USER_TOP - PAGE_SIZE, PAGE_SIZE},
    {USER_TOP - 2 * MIB, 2 * MIB},
    {USER_TOP - GIB - PAGE_SIZE, GIB + PAGE_SIZE},
    {0, USER_TOP},
};

TEST(a_range_is_mapped_and_unmapped_exactly_wherever_it_is)
{
	struct aspace *as = space_new();
	uint64_t free = frame_free_count();

	for (unsigned i = 0; i < array_len(places); i++) {
		vaddr_t start = places[i].start, end = start + places[i].len;

		map(as, start, places[i].len, RW);
		TRY(expect_borders(as, start, end));
		put(as, start, 1);
		put(as, end - 8, 2);
		MUST(get(as, start) == 1 && get(as, end - 8) == 2,
		    found("range %u is no memory", i));
		TRY(expect_borders(as, start, end));
		unmap(as, start, places[i].len);
		MUST(aspace_is_empty(as, 0, USER_TOP),
		    found("range %u is still there", i));
		TRY(expect_taken(free, 0));
	}
	space_drop(as);
	return NULL;
}

TEST(a_range_is_cut_out_of_larger_reservations_exactly)
{
	struct aspace *as = space_new();
	uint64_t free = frame_free_count();

	for (unsigned i = 0; i < array_len(places); i++) {
		vaddr_t start = places[i].start, end = start + places[i].len;

		map(as, 0, USER_TOP, PTE_R);
		unmap(as, start, places[i].len);
		MUST(aspace_is_empty(as, start, end), "it is still there");
		MUST(start == 0 || get(as, start - 8) == 0, "below is gone");
		MUST(end == USER_TOP || get(as, end) == 0, "above is gone");
		(void)aspace_audit();
		unmap(as, 0, USER_TOP);
		TRY(expect_taken(free, 0));
	}
	space_drop(as);
	return NULL;
}

TEST(a_page_cut_out_of_a_gib_costs_two_tables)
{
	struct aspace *as = space_new();
	uint64_t free = frame_free_count();

	map(as, 3 * GIB, GIB, RW);
	unmap(as, HERE, PAGE_SIZE);
	TRY(expect_taken(free, 2));
	TRY(expect_end(as, HERE, CALF_EMPTY, 0));
	TRY(expect_end(as, HERE - PAGE_SIZE, CALF_RESERVED, 0));
	TRY(expect_end(as, HERE + PAGE_SIZE, CALF_RESERVED, 0));
	TRY(expect_end(as, HERE + 2 * MIB, CALF_RESERVED, 1));
	unmap(as, 3 * GIB, HERE - 3 * GIB);
	TRY(expect_taken(free, 2));
	unmap(as, HERE + PAGE_SIZE, 4 * GIB - HERE - PAGE_SIZE);
	TRY(expect_taken(free, 0));
	space_drop(as);
	return NULL;
}

TEST(a_touched_page_of_a_gib_costs_two_tables_and_a_page)
{
	struct aspace *as = space_new();
	uint64_t free = frame_free_count();

	map(as, 3 * GIB, GIB, RW);
	put(as, HERE, 1);
	TRY(expect_taken(free, 3));
	put(as, HERE + PAGE_SIZE, 1);
	TRY(expect_taken(free, 4));
	put(as, HERE + 2 * MIB, 1);
	TRY(expect_taken(free, 6));
	unmap(as, HERE + 2 * MIB, PAGE_SIZE);
	TRY(expect_taken(free, 5));
	unmap(as, 3 * GIB, GIB);
	TRY(expect_taken(free, 0));
	space_drop(as);
	return NULL;
}

TEST(unmapping_piece_by_piece_frees_every_table)
{
	static const unsigned order[] = {5, 1, 7, 0, 3, 6, 2, 4};
	struct aspace *as = space_new();
	uint64_t free = frame_free_count();
	vaddr_t start = 2 * GIB - 4 * MIB + PAGE_SIZE;
	uint64_t piece = MIB + 3 * PAGE_SIZE;

	map(as, start, array_len(order) * piece, RW);
	put_pages(as, start, (unsigned)(array_len(order) * piece >> PAGE_SHIFT),
	    1);
	for (unsigned i = 0; i < array_len(order); i++) {
		unmap(as, start + order[i] * piece, piece);
		(void)aspace_audit();
	}
	TRY(expect_taken(free, 0));
	space_drop(as);
	return NULL;
}

TEST(unmapping_nothing_changes_nothing)
{
	struct aspace *as = space_new();
	uint64_t free = frame_free_count();

	unmap(as, HERE, 5 * GIB);
	unmap(as, 0, USER_TOP);
	unmap(as, TOP_PAGE, PAGE_SIZE);
	TRY(expect_taken(free, 0));
	map(as, HERE, PAGE_SIZE, RW);
	unmap(as, HERE + PAGE_SIZE, 2 * MIB);
	unmap(as, HERE - PAGE_SIZE, PAGE_SIZE);
	TRY(expect_end(as, HERE, CALF_RESERVED, 0));
	TRY(expect_taken(free, 2));
	space_drop(as);
	return NULL;
}

TEST(mapping_over_pages_makes_them_zero_with_new_permissions)
{
	struct aspace *as = space_new();
	uint64_t free = frame_free_count();

	map(as, HERE, 8 * PAGE_SIZE, RW);
	put_pages(as, HERE, 8, 100);
	map(as, HERE + 2 * PAGE_SIZE, 3 * PAGE_SIZE, PTE_R);
	TRY(expect_taken(free, 2 + 5));
	TRY(expect_pages(as, HERE, 2, 100));
	TRY(expect_pages(as, HERE + 5 * PAGE_SIZE, 3, 105));
	MUST(get(as, HERE + 2 * PAGE_SIZE) == 0, "old bytes show");
	MUST(try_put(as, HERE + 3 * PAGE_SIZE, 1) == -EFAULT,
	    "old permissions hold");
	map(as, 3 * GIB, GIB, RW);
	TRY(expect_taken(free, 0));
	MUST(get(as, HERE) == 0, "old bytes show in the large mapping");
	space_drop(as);
	return NULL;
}

TEST(pages_given_out_are_zero_whatever_was_in_the_frame)
{
	struct aspace *as = space_new();
	struct stats before = stats_sum();

	map(as, HERE, 64 * PAGE_SIZE, RW);
	for (unsigned i = 0; i < 64; i++) {
		char *page = phys_to_virt(0);
		paddr_t pa;

		MUST(aspace_resolve(as, HERE + i * PAGE_SIZE,
			 i % 2 != 0 ? ACCESS_READ : ACCESS_WRITE, &pa) == 0,
		    "no page");
		page = phys_to_virt(pa);
		for (unsigned k = 0; k < PAGE_SIZE; k++)
			MUST(page[k] == 0, found("byte %u of page %u", k, i));
	}
	MUST(stats_since(before).page_zeros == 64, "not counted");
	space_drop(as);
	return NULL;
}

/* A page, a table of pages, and reservations of every size in one range. */
static void map_mixture(struct aspace *as)
{
	map(as, 2 * GIB - 4 * MIB, 4 * MIB, RW);
	map(as, 2 * GIB, GIB, PTE_R);
	map(as, 3 * GIB, 3 * MIB, RW);
	put_pages(as, 2 * GIB - 8 * PAGE_SIZE, 8, 1);
	put_pages(as, 3 * GIB + 2 * MIB - 4 * PAGE_SIZE, 8, 9);
	(void)get(as, 2 * GIB + 6 * MIB);
	unmap(as, 2 * GIB - 4 * PAGE_SIZE, PAGE_SIZE);
}

#define MIX_START (2 * GIB - 6 * MIB)
#define MIX_END   (3 * GIB + 4 * MIB)

/* A digest of both ends of the mixture: what is between is read-only. */
static uint64_t mix_digest(struct aspace *as)
{
	return digest(as, MIX_START, 2 * GIB + 8 * MIB) ^
	    digest(as, 3 * GIB - 4 * MIB, MIX_END) * 31;
}

static const struct range_op mix_ops[] = {
    {.kind = RANGE_UNMAP,
	.start = 2 * GIB - MIB - PAGE_SIZE,
	.end = 3 * GIB + 2 * MIB},
    {.kind = RANGE_UNMAP, .start = MIX_START, .end = MIX_END},
    {.kind = RANGE_MAP,
	.start = 2 * GIB - 5 * PAGE_SIZE,
	.end = 3 * GIB + 2 * MIB - PAGE_SIZE,
	.perms = RX},
    {.kind = RANGE_PROTECT,
	.start = 2 * GIB - 3 * PAGE_SIZE,
	.end = 3 * GIB + 2 * MIB + PAGE_SIZE,
	.perms = PTE_R},
    {.kind = RANGE_PROTECT,
	.start = 2 * GIB - PAGE_SIZE,
	.end = 3 * GIB + 3 * MIB,
	.perms = 0},
    {.kind = RANGE_DISCARD,
	.start = 2 * GIB - 2 * PAGE_SIZE,
	.end = 3 * GIB + 2 * MIB},
    {.kind = RANGE_SHARE,
	.start = 3 * GIB + MIB,
	.end = 3 * GIB + 3 * MIB,
	.perms = RW},
};

TEST(slices_of_any_size_do_the_same_as_one_go)
{
	static const unsigned budgets[] = {1, 2, 7, 513};
	struct aspace *as, *other;

	for (unsigned i = 0; i < array_len(mix_ops); i++) {
		as = space_new();
		map_mixture(as);
		MUST(range_do(as, mix_ops[i], UINT32_MAX) == 0,
		    found("operation %u failed", i));
		for (unsigned k = 0; k < array_len(budgets); k++) {
			other = space_new();
			map_mixture(other);
			MUST(range_do(other, mix_ops[i], budgets[k]) == 0,
			    found("operation %u failed in slices", i));
			MUST(mix_digest(as) == mix_digest(other),
			    found("operation %u, budget %u", i, budgets[k]));
			space_drop(other);
		}
		(void)aspace_audit();
		space_drop(as);
	}
	return NULL;
}

TEST(a_slice_stops_soon_after_its_budget)
{
	struct aspace *as = space_new();
	struct range_op op = {.kind = RANGE_UNMAP, .end = USER_TOP};
	unsigned slices = 0;

	map(as, HERE, 4 * MIB, RW);
	put_pages(as, HERE, 1024, 0);
	while (range_run(as, &op, 1) == RANGE_MORE) {
		uint64_t free = frame_free_count();

		MUST(range_run(as, &op, 1) >= 0, "it failed");
		MUST(frame_free_count() - free <= 514,
		    "more than a table in one slice");
		slices++;
	}
	MUST(slices >= 2, found("%u slices for 1024 pages", slices));
	space_drop(as);
	return NULL;
}

TEST(a_kernel_frame_is_mapped_read_only_and_counted)
{
	struct frame *f = frame_alloc(FRAME_KERNEL);
	struct aspace *as = space_new(), *child;

	MUST(f != NULL, "no memory");
	*(uint64_t *)frame_virt(f) = 77;
	MUST(aspace_map_frame(as, HERE, f, RX) == 0, "it failed");
	child = space_fork(as);
	MUST(get(as, HERE) == 77 && get(child, HERE) == 77, "other contents");
	MUST(f->refs == 3, found("%u references", f->refs));
	MUST(try_put(as, HERE, 1) == -EFAULT, "it can be written");
	MUST(try_access(as, HERE, ACCESS_EXEC) == 0, "it cannot be executed");
	space_drop(as);
	unmap(child, HERE, PAGE_SIZE);
	MUST(frame_is_sole(f), found("%u in the end", f->refs));
	space_drop(child);
	frame_put(f);
	return NULL;
}

/*
 * Frames that were allocated for it are freed at once, and not with a later
 * mapping.
 */
TEST(a_shared_mapping_that_fails_leaves_no_frame)
{
	struct aspace *as = space_new();
	uint64_t free = frame_free_count();
	bool done = false;

	for (unsigned n = 1; !done; n++) {
		struct frame_failure failure = {.countdown = n};
		int err;

		frame_fail_set(&failure);
		err = try_share(as, HERE, 8 * PAGE_SIZE, RW);
		frame_fail_set(NULL);
		done = err == 0;
		MUST(done || err == -ENOMEM, found("result %d", err));
		MUST(done || frame_free_count() == free,
		    found("failure %u: %ld frames", n,
			(long)(free - frame_free_count())));
	}
	MUST(get(as, HERE) == 0, "it is not mapped");
	space_drop(as);
	return NULL;
}

static const struct test range_tests[] = {
    T(a_new_address_space_is_empty),
    T(reserving_takes_one_entry_of_the_largest_size),
    T(a_range_is_mapped_and_unmapped_exactly_wherever_it_is),
    T(a_range_is_cut_out_of_larger_reservations_exactly),
    T(a_page_cut_out_of_a_gib_costs_two_tables),
    T(a_touched_page_of_a_gib_costs_two_tables_and_a_page),
    T(unmapping_piece_by_piece_frees_every_table),
    T(unmapping_nothing_changes_nothing),
    T(mapping_over_pages_makes_them_zero_with_new_permissions),
    T(pages_given_out_are_zero_whatever_was_in_the_frame),
    T(slices_of_any_size_do_the_same_as_one_go),
    T(a_slice_stops_soon_after_its_budget),
    T(a_kernel_frame_is_mapped_read_only_and_counted),
    T(a_shared_mapping_that_fails_leaves_no_frame),
};
SUITE(range, range_tests);
