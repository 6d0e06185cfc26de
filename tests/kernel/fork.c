/* SPDX-License-Identifier: MIT */
/*
 * fork.c - one fork: what it costs, what it leaves alone, and which side copies
 * which page afterwards.
 */
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

TEST(fork_takes_one_frame_whatever_the_size)
{
	static const uint64_t sizes[] = {PAGE_SIZE, 2 * MIB, 4 * MIB};
	/* Keeps a slab open, so that it costs no frame. */
	struct aspace *spare = space_new(), *as, *child;
	struct stats before;
	uint64_t free;

	for (unsigned i = 0; i < array_len(sizes); i++) {
		as = space_new();
		map(as, HERE, sizes[i], RW);
		map(as, 8 * GIB, 100 * GIB, RW);
		put_pages(as, HERE, (unsigned)(sizes[i] >> PAGE_SHIFT), 1);
		free = frame_free_count();
		before = stats_sum();
		child = space_fork(as);
		MUST(free - frame_free_count() == 1,
		    found("%lu frames", free - frame_free_count()));
		TRY(expect_deeds(before, (struct deeds){0}));
		MUST(stats_since(before).forks == 1, "not counted");
		space_drop(child);
		space_drop(as);
	}
	space_drop(spare);
	return NULL;
}

TEST(fork_makes_tables_lazy_on_both_sides)
{
	struct aspace *as = with_pages(1), *child = space_fork(as);
	struct aspace *both[] = {as, child};

	for (unsigned i = 0; i < 2; i++) {
		struct calf_entry e = entry_at(both[i], HERE, 2);

		MUST(e.kind == CALF_LAZY && e.count == 2,
		    found("kind %u, count %u", e.kind, e.count));
		MUST(e.pa == entry_at(as, HERE, 2).pa, "another table");
	}
	space_drop(as);
	space_drop(child);
	return NULL;
}

TEST(fork_copies_what_is_not_in_the_tree)
{
	struct aspace *as = with_pages(1), *child;

	as->brk_start = 3 * PAGE_SIZE;
	as->brk_end = 5 * PAGE_SIZE;
	as->trampoline = 7 * PAGE_SIZE;
	child = space_fork(as);
	MUST(child->brk_start == as->brk_start, "the heap's start");
	MUST(child->brk_end == as->brk_end, "the heap's end");
	MUST(child->trampoline == as->trampoline, "the trampoline");
	MUST(child->users == 1 && as->users == 1, "the users");
	MUST(child->root != as->root, "the root is shared");
	space_drop(as);
	space_drop(child);
	return NULL;
}

static bool map_device(struct aspace *as)
{
	bool mapped;

	aspace_claim(as);
	mapped = aspace_map_device(as);
	aspace_leave(as);
	return mapped;
}

/*
 * A hart may have cached the invalid entry that was there (the privileged
 * specification on SFENCE.VMA).
 */
TEST(a_fault_at_a_device_that_is_there_is_spurious)
{
	struct aspace *as = space_new();
	const vaddr_t last = DEVICE_PAGE + PAGE_SIZE - 1;

	MUST(aspace_fault(as, DEVICE_PAGE, ACCESS_READ) == -EFAULT, "before");
	MUST(map_device(as), "there is no device");
	MUST(aspace_fault(as, DEVICE_PAGE, ACCESS_READ) == 0, "a load");
	MUST(aspace_fault(as, last, ACCESS_WRITE) == 0, "a store");
	MUST(aspace_fault(as, DEVICE_PAGE, ACCESS_EXEC) == -EFAULT, "a jump");
	MUST(aspace_fault(as, last + 1, ACCESS_READ) == -EFAULT, "the next");
	MUST(aspace_fault(as, DEVICE_PAGE - 1, ACCESS_READ) == -EFAULT,
	    "the one before");
	space_drop(as);
	return NULL;
}

/* The device's page has no reference count, and no child inherits it. */
TEST(a_device_is_no_memory)
{
	uint64_t free = frame_free_count();
	struct aspace *as = space_new(), *copy;
	const unsigned slot = SV39_ENTRIES - 1;

	MUST(pte_is_empty(as->top[slot]), "a new one has it");
	MUST(map_device(as), "there is no device");
	MUST(as->top[slot].bits == device_entry.bits, "it is not mapped");
	MUST(as->root->used == 0, "it counts as memory");
	(void)aspace_audit();
	copy = space_fork(as);
	MUST(pte_is_empty(copy->top[slot]), "a copy has it");
	MUST(map_device(copy), "a copy cannot have it");
	(void)aspace_audit();
	space_drop(as);
	space_drop(copy);
	MUST(frame_free_count() == free, "frames are missing");
	as = space_new();
	MUST(pte_is_empty(as->top[slot]), "the next one has it");
	space_drop(as);
	return NULL;
}

TEST(reading_shared_memory_copies_tables_and_no_page)
{
	struct aspace *as = with_pages(1), *child = space_fork(as);
	struct stats before = stats_sum();

	TRY(expect_pages(child, HERE, PAGES, 1));
	TRY(expect_deeds(before, (struct deeds){.table_copies = 2}));
	TRY(expect_pages(as, HERE, PAGES, 1));
	TRY(expect_deeds(before,
	    (struct deeds){.table_copies = 2, .table_reuses = 2}));
	MUST(last_entry(as, HERE).flags == (CALF_R | CALF_COW), "not COW");
	MUST(last_entry(as, HERE).pa == last_entry(child, HERE).pa,
	    "two pages");
	space_drop(as);
	space_drop(child);
	return NULL;
}

TEST(the_first_writer_copies_and_the_second_takes_over)
{
	for (unsigned parent_first = 0; parent_first < 2; parent_first++) {
		struct aspace *as = with_pages(10), *child = space_fork(as);
		struct aspace *first = parent_first ? as : child;
		struct aspace *second = parent_first ? child : as;
		struct stats before = stats_sum();

		put_pages(first, HERE, PAGES, 20);
		TRY(expect_deeds(before,
		    (struct deeds){.page_copies = PAGES, .table_copies = 2}));
		TRY(expect_pages(second, HERE, PAGES, 10));
		put_pages(second, HERE, PAGES, 30);
		TRY(expect_deeds(before, (struct deeds){PAGES, PAGES, 2, 2}));
		TRY(expect_pages(first, HERE, PAGES, 20));
		TRY(expect_pages(second, HERE, PAGES, 30));
		space_drop(as);
		space_drop(child);
	}
	return NULL;
}

TEST(both_read_then_both_write_their_own)
{
	struct aspace *as = with_pages(10), *child = space_fork(as);

	TRY(expect_pages(as, HERE, PAGES, 10));
	TRY(expect_pages(child, HERE, PAGES, 10));
	for (unsigned i = 0; i < PAGES; i++) {
		vaddr_t va = HERE + i * PAGE_SIZE;

		put(i % 2 != 0 ? as : child, va, 20 + i);
		MUST(get(i % 2 != 0 ? child : as, va) == 10 + i,
		    found("page %u was written for both", i));
	}
	space_drop(as);
	space_drop(child);
	return NULL;
}

TEST(the_last_owner_takes_everything_over_without_a_frame)
{
	struct aspace *as = with_pages(10), *child = space_fork(as);
	struct frame_failure failure = {.countdown = 1, .from = true};
	struct stats before;

	TRY(expect_pages(child, HERE, PAGES, 10));
	space_drop(child);
	child = space_fork(as);
	space_drop(child);
	before = stats_sum();
	frame_fail_set(&failure);
	put_pages(as, HERE, PAGES, 20);
	frame_fail_set(NULL);
	TRY(expect_deeds(before,
	    (struct deeds){.page_reuses = PAGES, .table_reuses = 2}));
	MUST(failure.failed == 0, "it asked for a frame");
	TRY(expect_pages(as, HERE, PAGES, 20));
	space_drop(as);
	return NULL;
}

TEST(a_copy_is_of_the_whole_page)
{
	struct aspace *as = space_new(), *child;
	vaddr_t va = HERE + 3 * PAGE_SIZE;

	map(as, HERE, LEN, RW);
	for (unsigned i = 0; i < 512; i++)
		put(as, va + 8 * i, i * i);
	child = space_fork(as);
	put(child, va + 8 * 100, 1);
	for (unsigned i = 0; i < 512; i++) {
		MUST(get(as, va + 8 * i) == i * i, "the original changed");
		MUST(get(child, va + 8 * i) == (i == 100 ? 1 : i * i),
		    found("word %u differs", i));
	}
	space_drop(as);
	space_drop(child);
	return NULL;
}

/* 512 pages of all kinds, without `holes` of them. */
static struct aspace *with_table(unsigned holes)
{
	struct aspace *as = space_new();

	map(as, 2 * GIB, 2 * MIB, RW);
	put_pages(as, 2 * GIB, 500, 1000);
	map_shared(as, 2 * GIB + 100 * PAGE_SIZE, 50 * PAGE_SIZE, RW);
	put_pages(as, 2 * GIB + 100 * PAGE_SIZE, 50, 1100);
	protect(as, 2 * GIB + 200 * PAGE_SIZE, 50 * PAGE_SIZE, PTE_R);
	protect(as, 2 * GIB + 300 * PAGE_SIZE, 50 * PAGE_SIZE, 0);
	for (unsigned i = 0; i < holes; i++)
		unmap(as, 2 * GIB + 7 * i * PAGE_SIZE, PAGE_SIZE);
	return as;
}

TEST(full_tables_and_tables_with_holes_are_copied_alike)
{
	for (unsigned holes = 0; holes < 3; holes++) {
		struct aspace *as = with_table(holes), *child = space_fork(as);
		uint64_t before = digest(as, 2 * GIB, 2 * GIB + 2 * MIB);

		(void)get(child, 2 * GIB + 50 * PAGE_SIZE);
		(void)aspace_audit();
		MUST(digest(child, 2 * GIB, 2 * GIB + 2 * MIB) == before,
		    found("%u holes: the copy differs", holes));
		put_pages(child, 2 * GIB + 50 * PAGE_SIZE, 50, 5);
		put_pages(child, 2 * GIB + 350 * PAGE_SIZE, 162, 5);
		MUST(digest(as, 2 * GIB, 2 * GIB + 2 * MIB) == before,
		    found("%u holes: the source changed", holes));
		put_pages(child, 2 * GIB + 100 * PAGE_SIZE, 50, 5);
		TRY(expect_pages(as, 2 * GIB + 100 * PAGE_SIZE, 50, 5));
		space_drop(as);
		TRY(expect_pages(child, 2 * GIB + 350 * PAGE_SIZE, 162, 5));
		space_drop(child);
	}
	return NULL;
}

TEST(reserved_memory_becomes_a_page_of_each_its_own)
{
	struct aspace *as = space_new(), *child;
	struct stats before;

	map(as, 2 * GIB, 2 * GIB, RW);
	(void)get(as, 2 * GIB);
	child = space_fork(as);
	before = stats_sum();
	put(child, HERE, 1);
	MUST(get(as, HERE) == 0, "it shows on the other side");
	put(as, HERE, 2);
	MUST(get(child, HERE) == 1, "and back");
	MUST(stats_since(before).page_zeros == 2 &&
		stats_since(before).page_copies == 0,
	    "not demand-zero on both sides");
	space_drop(as);
	space_drop(child);
	return NULL;
}

TEST(read_only_memory_never_becomes_writable)
{
	static const uint64_t perms[] = {PTE_R, RX, PTE_X};

	for (unsigned i = 0; i < array_len(perms); i++) {
		struct aspace *as = with_pages(10), *child;

		protect(as, HERE, LEN, perms[i]);
		child = space_fork(as);
		for (unsigned k = 0; k < 2; k++) {
			MUST(try_put(as, HERE, 1) == -EFAULT, "the parent");
			MUST(try_put(child, HERE, 1) == -EFAULT, "the child");
		}
		MUST((last_entry(as, HERE).flags & CALF_COW) == 0,
		    "it is marked as if it had been writable");
		space_drop(child);
		MUST(try_put(as, HERE, 1) == -EFAULT, "the last owner");
		space_drop(as);
	}
	return NULL;
}

TEST(cow_pages_made_read_only_stay_so_and_come_back)
{
	struct aspace *as = with_pages(10), *child = space_fork(as);

	(void)get(child, HERE);
	protect(child, HERE, LEN, PTE_R);
	MUST(try_put(child, HERE, 1) == -EFAULT, "written all the same");
	protect(child, HERE, LEN, RW);
	(void)aspace_audit();
	put_pages(child, HERE, PAGES, 20);
	TRY(expect_pages(as, HERE, PAGES, 10));
	TRY(expect_pages(child, HERE, PAGES, 20));
	space_drop(as);
	space_drop(child);
	return NULL;
}

TEST(hidden_pages_are_inherited_and_kept)
{
	struct aspace *as = with_pages(10), *child;

	protect(as, HERE, LEN, 0);
	child = space_fork(as);
	MUST(try_access(child, HERE, ACCESS_READ) == -EFAULT, "not hidden");
	protect(child, HERE, LEN, RW);
	TRY(expect_pages(child, HERE, PAGES, 10));
	put_pages(child, HERE, PAGES, 20);
	protect(as, HERE, LEN, RW);
	TRY(expect_pages(as, HERE, PAGES, 10));
	put_pages(as, HERE, PAGES, 30);
	TRY(expect_pages(child, HERE, PAGES, 20));
	space_drop(as);
	space_drop(child);
	return NULL;
}

TEST(holes_are_inherited_and_stay_holes)
{
	struct aspace *as = with_pages(10), *child;

	unmap(as, HERE + 2 * PAGE_SIZE, PAGE_SIZE);
	child = space_fork(as);
	MUST(try_put(child, HERE + 2 * PAGE_SIZE, 1) == -EFAULT, "a page");
	MUST(try_put(child, HERE + LEN, 1) == -EFAULT, "beyond the end");
	MUST(try_put(child, HERE + GIB, 1) == -EFAULT, "without a table");
	MUST(try_put(child, USER_TOP, 1) == -EFAULT, "above the top");
	space_drop(as);
	space_drop(child);
	return NULL;
}

TEST(everything_from_the_bottom_to_the_top_is_inherited)
{
	struct aspace *as = space_new(), *child;
	unsigned n = 0;

	for (vaddr_t va = 0; va < USER_TOP; va += 17 * GIB) {
		map(as, va, PAGE_SIZE, RW);
		put(as, va, 100 + n++);
	}
	map(as, USER_TOP - PAGE_SIZE, PAGE_SIZE, RW);
	put(as, USER_TOP - PAGE_SIZE, 99);
	child = space_fork(as);
	n = 0;
	for (vaddr_t va = 0; va < USER_TOP; va += 17 * GIB)
		MUST(get(child, va) == 100 + n++, found("not %lx", va));
	MUST(get(child, USER_TOP - PAGE_SIZE) == 99, "not the last page");
	space_drop(as);
	space_drop(child);
	return NULL;
}

TEST(a_cow_page_forked_again_is_still_writable)
{
	struct aspace *as = with_pages(10), *child = space_fork(as), *second;

	(void)get(as, HERE);
	MUST(last_entry(as, HERE).flags & CALF_COW, "not COW");
	second = space_fork(as);
	put_pages(second, HERE, PAGES, 20);
	put_pages(as, HERE, PAGES, 30);
	TRY(expect_pages(child, HERE, PAGES, 10));
	put_pages(child, HERE, PAGES, 40);
	TRY(expect_pages(second, HERE, PAGES, 20));
	TRY(expect_pages(as, HERE, PAGES, 30));
	space_drop(child);
	space_drop(second);
	space_drop(as);
	return NULL;
}

TEST(a_path_opened_in_advance_copies_tables_and_no_page)
{
	struct aspace *as = with_pages(10), *child = space_fork(as);
	struct frame_failure failure = {.countdown = 2, .from = true};
	struct stats before = stats_sum();

	aspace_own_paths(child, HERE, HERE);
	aspace_own_paths(child, HERE, HERE);
	TRY(expect_deeds(before, (struct deeds){.table_copies = 2}));
	TRY(expect_end(child, HERE, CALF_PAGE, 0));
	aspace_own_paths(child, HERE + GIB, HERE + GIB);
	aspace_own_paths(child, USER_TOP, USER_TOP);
	aspace_own_paths(child, UINT64_MAX, UINT64_MAX);
	space_drop(child);
	child = space_fork(as);
	frame_fail_set(&failure);
	aspace_own_paths(child, HERE, HERE);
	frame_fail_set(NULL);
	(void)aspace_audit();
	TRY(expect_pages(child, HERE, PAGES, 10));
	put_pages(child, HERE, PAGES, 20);
	TRY(expect_pages(as, HERE, PAGES, 10));
	space_drop(child);
	space_drop(as);
	return NULL;
}

TEST(faults_on_what_is_in_order_do_nothing)
{
	struct aspace *as = with_pages(10);
	struct stats before = stats_sum();

	MUST(aspace_fault(as, HERE, ACCESS_READ) == 0, "a read");
	MUST(aspace_fault(as, HERE, ACCESS_WRITE) == 0, "a write");
	MUST(aspace_fault(as, HERE, ACCESS_EXEC) == -EFAULT, "a jump");
	MUST(aspace_fault(as, HERE + LEN, ACCESS_READ) == -EFAULT, "a hole");
	TRY(expect_deeds(before, (struct deeds){0}));
	space_drop(as);
	return NULL;
}

/* A hart that remembers an invalid entry faults where a load is allowed. */
TEST(a_read_fault_on_a_shared_page_copies_nothing)
{
	struct aspace *as = with_pages(10), *child = space_fork(as);
	struct stats before = stats_sum();

	MUST(aspace_fault(child, HERE, ACCESS_READ) == 0, "the first fault");
	MUST(aspace_fault(child, HERE, ACCESS_READ) == 0, "the second");
	TRY(expect_deeds(before, (struct deeds){.table_copies = 2}));
	MUST(aspace_fault(child, HERE, ACCESS_WRITE) == 0, "a write");
	MUST(last_entry(child, HERE).flags & CALF_W, "it would fault forever");
	space_drop(as);
	space_drop(child);
	return NULL;
}

static const struct test fork_tests[] = {
    T(fork_takes_one_frame_whatever_the_size),
    T(fork_makes_tables_lazy_on_both_sides),
    T(fork_copies_what_is_not_in_the_tree),
    T(a_device_is_no_memory),
    T(a_fault_at_a_device_that_is_there_is_spurious),
    T(reading_shared_memory_copies_tables_and_no_page),
    T(the_first_writer_copies_and_the_second_takes_over),
    T(both_read_then_both_write_their_own),
    T(the_last_owner_takes_everything_over_without_a_frame),
    T(a_copy_is_of_the_whole_page),
    T(full_tables_and_tables_with_holes_are_copied_alike),
    T(reserved_memory_becomes_a_page_of_each_its_own),
    T(read_only_memory_never_becomes_writable),
    T(cow_pages_made_read_only_stay_so_and_come_back),
    T(hidden_pages_are_inherited_and_kept),
    T(holes_are_inherited_and_stay_holes),
    T(everything_from_the_bottom_to_the_top_is_inherited),
    T(a_cow_page_forked_again_is_still_writable),
    T(a_path_opened_in_advance_copies_tables_and_no_page),
    T(faults_on_what_is_in_order_do_nothing),
    T(a_read_fault_on_a_shared_page_copies_nothing),
};
SUITE(fork, fork_tests);
