/* SPDX-License-Identifier: MIT */
/*
 * family.c - many forks: chains, fans, and every order of writing and leaving;
 * and changes of ranges in which others share tables.
 */
#include "ktest.h"
#include "mm/frame.h"
#include "space.h"

#define PAGES 4
#define LEN   (PAGES * PAGE_SIZE)
#define MANY  300

static struct aspace *all[MANY + 1];
static unsigned order[MANY + 1];

/* The numbers below `count` in a random order. */
static void shuffle(unsigned count, uint64_t seed)
{
	for (unsigned i = 0; i < count; i++) {
		unsigned k = (unsigned)rnd(&seed, i + 1);

		order[i] = order[k];
		order[k] = i;
	}
}

static void found_family(void)
{
	all[0] = space_new();
	map(all[0], HERE, LEN, RW);
	put_pages(all[0], HERE, PAGES, 10);
}

static void drop_family(unsigned count, uint64_t seed)
{
	shuffle(count, seed);
	for (unsigned i = 0; i < count; i++)
		space_drop(all[order[i]]);
}

/*
 * All write, in a random order; each sees its own words and no other's. Each
 * page is copied for all but one.
 */
static const char *all_write(unsigned count, uint64_t seed)
{
	struct stats before = stats_sum(), since;

	shuffle(count, seed);
	for (unsigned i = 0; i < count; i++) {
		struct aspace *as = all[order[i]];

		TRY(expect_pages(as, HERE, PAGES, 10));
		put_pages(as, HERE, PAGES, 1000 * order[i]);
	}
	for (unsigned i = 0; i < count; i++)
		TRY(expect_pages(all[i], HERE, PAGES, 1000 * i));
	since = stats_since(before);
	MUST(since.page_copies == (count - 1) * PAGES,
	    found("%lu pages copied", since.page_copies));
	MUST(since.page_reuses == PAGES,
	    found("%lu pages taken over", since.page_reuses));
	return NULL;
}

TEST(a_chain_of_forty_without_a_write_then_each_writes)
{
	for (uint64_t seed = 0; seed < 3; seed++) {
		found_family();
		for (unsigned i = 1; i <= 40; i++)
			all[i] = space_fork(all[i - 1]);
		MUST(entry_at(all[40], HERE, 2).count == 41,
		    "not all name one table");
		(void)aspace_audit();
		TRY(all_write(41, seed));
		(void)aspace_audit();
		drop_family(41, seed);
	}
	return NULL;
}

TEST(a_chain_in_which_each_reads_before_it_forks)
{
	found_family();
	for (unsigned i = 1; i <= 40; i++) {
		TRY(expect_pages(all[i - 1], HERE, PAGES, 10));
		all[i] = space_fork(all[i - 1]);
	}
	(void)aspace_audit();
	TRY(all_write(41, 5));
	drop_family(41, 6);
	return NULL;
}

TEST(a_chain_in_which_each_writes_before_it_forks)
{
	found_family();
	for (unsigned i = 1; i <= 40; i++) {
		put_pages(all[i - 1], HERE, PAGES, 10 * i);
		all[i] = space_fork(all[i - 1]);
	}
	for (unsigned i = 0; i < 40; i++)
		TRY(expect_pages(all[i], HERE, PAGES, 10 * (i + 1)));
	TRY(expect_pages(all[40], HERE, PAGES, 10 * 40));
	drop_family(41, 7);
	return NULL;
}

TEST(a_chain_whose_older_end_leaves_as_it_grows)
{
	struct aspace *as, *child;

	found_family();
	as = all[0];
	for (unsigned i = 0; i < 200; i++) {
		child = space_fork(as);
		space_drop(as);
		as = child;
		if (i % 3 == 0)
			(void)get(as, HERE);
		if (i % 5 == 0)
			put(as, HERE + PAGE_SIZE, 11);
	}
	TRY(expect_pages(as, HERE, PAGES, 10));
	space_drop(as);
	return NULL;
}

static const char *fan(unsigned count)
{
	found_family();
	for (unsigned i = 1; i <= count; i++)
		all[i] = space_fork(all[0]);
	MUST(entry_at(all[0], HERE, 2).count == count + 1,
	    found("count %u", entry_at(all[0], HERE, 2).count));
	(void)aspace_audit();
	TRY(all_write(count + 1, count));
	(void)aspace_audit();
	drop_family(count + 1, count);
	return NULL;
}

TEST(a_fan_of_two_three_and_ten_copies_exactly_what_it_must)
{
	TRY(fan(1));
	TRY(fan(2));
	TRY(fan(9));
	return NULL;
}

TEST(a_fan_of_thirty_two)
{
	return fan(32);
}

TEST(a_fan_of_three_hundred)
{
	return fan(MANY);
}

/* The harness counts the free frames afterwards. */
TEST(a_tree_of_forks_may_end_in_any_order)
{
	for (uint64_t seed = 0; seed < 20; seed++) {
		uint64_t state = seed;

		found_family();
		for (unsigned i = 1; i < 12; i++) {
			struct aspace *from = all[rnd(&state, i)];

			all[i] = space_fork(from);
			if (rnd(&state, 2) != 0)
				(void)get(from, HERE);
			if (rnd(&state, 2) != 0)
				put(all[i], HERE + PAGE_SIZE, i);
		}
		drop_family(12, seed);
	}
	(void)aspace_audit();
	return NULL;
}

TEST(a_reused_page_is_not_taken_from_one_who_still_reads)
{
	found_family();
	all[1] = space_fork(all[0]);
	all[2] = space_fork(all[1]);
	(void)get(all[1], HERE);
	space_drop(all[0]);
	put_pages(all[1], HERE, PAGES, 20);
	TRY(expect_pages(all[2], HERE, PAGES, 10));
	space_drop(all[1]);
	put_pages(all[2], HERE, PAGES, 30);
	TRY(expect_pages(all[2], HERE, PAGES, 30));
	space_drop(all[2]);
	return NULL;
}

static const struct test family_tests[] = {
    T(a_chain_of_forty_without_a_write_then_each_writes),
    T(a_chain_in_which_each_reads_before_it_forks),
    T(a_chain_in_which_each_writes_before_it_forks),
    T(a_chain_whose_older_end_leaves_as_it_grows),
    T(a_fan_of_two_three_and_ten_copies_exactly_what_it_must),
    T(a_fan_of_thirty_two),
    T(a_fan_of_three_hundred),
    T(a_tree_of_forks_may_end_in_any_order),
    T(a_reused_page_is_not_taken_from_one_who_still_reads),
};
SUITE(family, family_tests);

/* Tables on both sides of a border of 1 GiB, and one of 2 MiB before it. */
#define AREA     (4 * GIB - 2 * MIB - 8 * PAGE_SIZE)
#define AREA_END (4 * GIB + 8 * PAGE_SIZE)

static struct aspace *with_area(void)
{
	struct aspace *as = space_new();

	map(as, AREA, AREA_END - AREA, RW);
	put_pages(as, AREA, 16, 100);
	put_pages(as, AREA_END - LEN * 4, 16, 200);
	map_shared(as, AREA_END, LEN, RW);
	put_pages(as, AREA_END, PAGES, 300);
	return as;
}

static uint64_t area_digest(struct aspace *as)
{
	return digest(as, AREA - LEN, AREA_END + 2 * LEN);
}

static const struct range_op changes[] = {
    {.kind = RANGE_UNMAP, .start = AREA, .end = AREA + LEN},
    {.kind = RANGE_UNMAP, .start = AREA + LEN, .end = 4 * GIB - PAGE_SIZE},
    {.kind = RANGE_UNMAP, .start = 4 * GIB, .end = AREA_END + LEN},
    {.kind = RANGE_UNMAP, .start = 0, .end = USER_TOP},
    {.kind = RANGE_MAP,
	.start = AREA + LEN,
	.end = AREA_END - LEN,
	.perms = PTE_R},
    {.kind = RANGE_MAP, .start = 3 * GIB, .end = 5 * GIB, .perms = RW},
    {.kind = RANGE_PROTECT,
	.start = AREA + PAGE_SIZE,
	.end = AREA + 3 * PAGE_SIZE,
	.perms = PTE_R},
    {.kind = RANGE_PROTECT, .start = AREA, .end = AREA_END + LEN, .perms = 0},
    {.kind = RANGE_PROTECT, .start = AREA, .end = AREA_END, .perms = RWX},
    {.kind = RANGE_DISCARD, .start = AREA + PAGE_SIZE, .end = AREA + LEN},
    {.kind = RANGE_DISCARD, .start = AREA, .end = AREA_END + LEN},
    {.kind = RANGE_SHARE,
	.start = AREA + 16 * PAGE_SIZE,
	.end = AREA + 20 * PAGE_SIZE,
	.perms = RW},
};

/* What a space sees of its own change must not depend on a sharer. */
static const char *change_one_of_two(const struct range_op *op, unsigned budget,
    bool by_parent)
{
	struct aspace *alone = with_area(), *as = with_area(), *child;
	struct aspace *who, *other;
	uint64_t before = area_digest(as);

	child = space_fork(as);
	who = by_parent ? as : child;
	other = by_parent ? child : as;
	MUST(range_do(alone, *op, UINT32_MAX) == 0, "it failed alone");
	MUST(range_do(who, *op, budget) == 0, "it failed");
	MUST(area_digest(other) == before, "the sharer's memory changed");
	MUST(area_digest(who) == area_digest(alone), "it did something else");
	(void)aspace_audit();
	put_pages(other, AREA, 16, 500);
	MUST(area_digest(who) == area_digest(alone), "the sharer wrote there");
	space_drop(alone);
	space_drop(as);
	space_drop(child);
	return NULL;
}

TEST(changing_a_range_of_shared_tables_leaves_the_sharer_intact)
{
	for (unsigned i = 0; i < array_len(changes); i++) {
		const char *sentence =
		    change_one_of_two(&changes[i], UINT32_MAX, i % 2 != 0);

		if (sentence != NULL)
			return found("change %u: %s", i, sentence);
	}
	return NULL;
}

TEST(so_does_changing_it_in_the_smallest_slices)
{
	for (unsigned i = 0; i < array_len(changes); i++) {
		const char *sentence =
		    change_one_of_two(&changes[i], 1, i % 2 == 0);

		if (sentence != NULL)
			return found("change %u: %s", i, sentence);
	}
	return NULL;
}

/* Between two slices the sharer reads and writes, and forks. */
TEST(a_change_in_slices_goes_on_while_the_sharer_lives)
{
	for (unsigned i = 0; i < array_len(changes); i++) {
		struct aspace *as = with_area(), *child = space_fork(as);
		struct range_op op = changes[i];
		uint64_t state = i, word = 0;

		while (range_run(child, &op, 1) == RANGE_MORE) {
			vaddr_t va = AREA + rnd(&state, 16) * PAGE_SIZE;
			struct aspace *grandchild;

			(void)get(as, va);
			if (rnd(&state, 4) == 0)
				put(as, AREA_END - PAGE_SIZE, ++word);
			if (rnd(&state, 8) != 0)
				continue;
			grandchild = space_fork(as);
			put(grandchild, va, 7);
			space_drop(grandchild);
		}
		TRY(expect_pages(as, AREA, 16, 100));
		MUST(word == 0 || get(as, AREA_END - PAGE_SIZE) == word,
		    found("change %u: the sharer's page changed", i));
		space_drop(as);
		space_drop(child);
	}
	return NULL;
}

/* So does the space whose range it is, as other calls and faults may do. */
TEST(a_change_in_slices_goes_on_while_its_own_pages_are_touched)
{
	for (unsigned i = 0; i < array_len(changes); i++) {
		struct aspace *as = with_area(), *child = space_fork(as);
		struct range_op op = changes[i];
		uint64_t state = i;

		while (range_run(child, &op, 1) == RANGE_MORE) {
			vaddr_t va = AREA + rnd(&state, 16) * PAGE_SIZE;

			(void)try_access(child, va, ACCESS_READ);
			(void)try_access(child, va, ACCESS_WRITE);
			va += 2 * MIB - 16 * PAGE_SIZE;
			(void)try_access(child, va, ACCESS_READ);
		}
		(void)aspace_audit();
		TRY(expect_pages(as, AREA, 16, 100));
		space_drop(as);
		space_drop(child);
	}
	return NULL;
}

static const struct test sharer_tests[] = {
    T(changing_a_range_of_shared_tables_leaves_the_sharer_intact),
    T(so_does_changing_it_in_the_smallest_slices),
    T(a_change_in_slices_goes_on_while_the_sharer_lives),
    T(a_change_in_slices_goes_on_while_its_own_pages_are_touched),
};
SUITE(sharer, sharer_tests);
