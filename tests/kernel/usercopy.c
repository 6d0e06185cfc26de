/* SPDX-License-Identifier: MIT */
/*
 * usercopy.c - the kernel's own accesses to user memory, and the addresses
 * that programs hand it.
 */
#include "ktest.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "space.h"

#define PAGES 4
#define LEN   (PAGES * PAGE_SIZE)

static char text[LEN], back[LEN];

static void fill_text(void)
{
	for (unsigned i = 0; i < LEN; i++)
		text[i] = (char)(i * 31 + i / 251 + 1);
	memset(back, 0, sizeof back);
}

static struct aspace *with_pages(void)
{
	struct aspace *as = space_new();

	map(as, HERE, LEN, RW);
	return as;
}

TEST(bytes_come_back_as_they_went_at_any_offset)
{
	static const unsigned offsets[] = {0, 1, 7, 8, 2048, 4089, 4095};
	static const unsigned lens[] = {0, 1, 7, 8, 9, 4096, 4097, 8200};
	struct aspace *as = with_pages();

	fill_text();
	for (unsigned o = 0; o < array_len(offsets); o++) {
		for (unsigned l = 0; l < array_len(lens); l++) {
			vaddr_t va = HERE + offsets[o];

			memset(back, 0, lens[l]);
			MUST(copyout(as, va, text + l, lens[l]) == 0, "out");
			MUST(copyin(as, back, va, lens[l]) == 0, "in");
			MUST(memcmp(back, text + l, lens[l]) == 0,
			    found("%u bytes at %u", lens[l], offsets[o]));
		}
	}
	space_drop(as);
	return NULL;
}

TEST(a_copy_out_writes_no_byte_beside_its_own)
{
	struct aspace *as = with_pages();

	fill_text();
	MUST(copyout(as, HERE + 4090, text, 12) == 0, "it failed");
	MUST(copyin(as, back, HERE, LEN) == 0, "it cannot be read");
	for (unsigned i = 0; i < LEN; i++)
		MUST(back[i] == (i - 4090U < 12 ? text[i - 4090] : 0),
		    found("byte %u", i));
	space_drop(as);
	return NULL;
}

TEST(a_copy_crosses_the_borders_of_tables)
{
	static const vaddr_t borders[] = {2 * MIB, GIB, 3 * GIB};
	struct aspace *as = space_new();

	fill_text();
	map(as, 0, 4 * GIB, RW);
	for (unsigned i = 0; i < array_len(borders); i++) {
		vaddr_t va = borders[i] - 5000;

		MUST(copyout(as, va, text, 10000) == 0, "out");
		MUST(copyin(as, back, va, 10000) == 0, "in");
		MUST(memcmp(back, text, 10000) == 0,
		    found("across %lx", borders[i]));
	}
	MUST(copyout(as, 4 * GIB - 8, text, 16) == -EFAULT, "beyond the end");
	space_drop(as);
	return NULL;
}

static const vaddr_t bad[] = {
    1UL << 38,
    1UL << 39,
    (1UL << 39) + HERE,
    1UL << 40,
    1UL << 63,
    (1UL << 63) + HERE,
    UINT64_MAX,
    UINT64_MAX - 7,
    UINT64_MAX - PAGE_SIZE + 1,
    DIRECT_MAP,
    DIRECT_MAP + HERE,
    0,
    8,
    HERE - 8,
    HERE + LEN,
    HERE + 2 * MIB,
    HERE + GIB,
    USER_TOP - 8,
};

TEST(every_bad_address_is_efault_and_costs_nothing)
{
	struct aspace *as = with_pages();
	uint64_t free;
	char byte = 1;

	put_pages(as, HERE, PAGES, 1);
	free = frame_free_count();
	for (unsigned i = 0; i < array_len(bad); i++) {
		const char *where = found("%lx", bad[i]);

		MUST(copyin(as, &byte, bad[i], 1) == -EFAULT, where);
		MUST(copyout(as, bad[i], &byte, 1) == -EFAULT, where);
		MUST(copyinstr(as, back, bad[i], 8) == -EFAULT, where);
		for (unsigned a = ACCESS_READ; a <= ACCESS_EXEC; a <<= 1) {
			MUST(try_access(as, bad[i], a) == -EFAULT, where);
			MUST(aspace_fault(as, bad[i], a) == -EFAULT, where);
		}
	}
	MUST(frame_free_count() == free, "frames were taken");
	TRY(expect_pages(as, HERE, PAGES, 1));
	space_drop(as);
	return NULL;
}

TEST(a_copy_that_runs_into_a_bad_address_is_efault)
{
	struct aspace *as = with_pages();

	fill_text();
	map(as, USER_TOP - PAGE_SIZE, PAGE_SIZE, RW);
	MUST(copyout(as, USER_TOP - 8, text, 8) == 0, "up to the top");
	MUST(copyout(as, USER_TOP - 8, text, 9) == -EFAULT, "over the top");
	MUST(copyin(as, back, USER_TOP - 8, 9) == -EFAULT, "over it, in");
	MUST(copyout(as, HERE + LEN - 8, text, 8) == 0, "up to a hole");
	MUST(copyout(as, HERE + LEN - 8, text, 9) == -EFAULT, "into a hole");
	MUST(copyin(as, back, HERE - 1, 2) == -EFAULT, "out of a hole");
	MUST(copyout(as, UINT64_MAX - 3, text, 16) == -EFAULT, "around");
	MUST(copyin(as, back, UINT64_MAX, 0) == 0, "nothing, from nowhere");
	MUST(copyout(as, UINT64_MAX, text, 0) == 0, "nothing, to nowhere");
	space_drop(as);
	return NULL;
}

TEST(a_copy_out_needs_write_permission_on_every_page)
{
	struct aspace *as = with_pages();

	fill_text();
	put_pages(as, HERE, PAGES, 10);
	protect(as, HERE + PAGE_SIZE, PAGE_SIZE, PTE_R);
	MUST(copyout(as, HERE + PAGE_SIZE + 8, text, 8) == -EFAULT,
	    "read-only");
	MUST(copyout(as, HERE + 8, text, 2 * PAGE_SIZE) == -EFAULT, "later on");
	protect(as, HERE + PAGE_SIZE, PAGE_SIZE, RX);
	MUST(copyout(as, HERE + PAGE_SIZE, text, 1) == -EFAULT, "code");
	protect(as, HERE + PAGE_SIZE, PAGE_SIZE, PTE_X);
	MUST(copyin(as, back, HERE + PAGE_SIZE, 1) == -EFAULT, "execute-only");
	protect(as, HERE + PAGE_SIZE, PAGE_SIZE, 0);
	MUST(copyin(as, back, HERE + PAGE_SIZE, 1) == -EFAULT, "hidden");
	protect(as, HERE + PAGE_SIZE, PAGE_SIZE, RW);
	MUST(get(as, HERE + PAGE_SIZE) == 11, "the page changed");
	space_drop(as);
	return NULL;
}

TEST(a_copy_out_breaks_the_sharing_of_every_page_it_touches)
{
	struct aspace *as = with_pages(), *child;
	struct stats before;

	fill_text();
	MUST(copyout(as, HERE, text, LEN) == 0, "the first");
	child = space_fork(as);
	before = stats_sum();
	memset(back, 'x', LEN);
	MUST(copyout(child, HERE + 4000, back, LEN - 4200) == 0, "the second");
	TRY(expect_deeds(before,
	    (struct deeds){.page_copies = PAGES, .table_copies = 2}));
	MUST(copyin(as, back, HERE, LEN) == 0, "in");
	MUST(memcmp(back, text, LEN) == 0, "the parent's bytes changed");
	MUST(copyin(child, back, HERE, LEN) == 0, "in");
	for (unsigned i = 0; i < LEN; i++)
		MUST(back[i] == (i - 4000U < LEN - 4200 ? 'x' : text[i]),
		    found("byte %u of the child", i));
	space_drop(child);
	space_drop(as);
	return NULL;
}

TEST(a_copy_out_without_memory_never_writes_through)
{
	for (uint64_t n = 1; n <= 6; n++) {
		struct frame_failure failure = {.countdown = (uint32_t)n,
		    .from = true};
		struct aspace *as = with_pages(), *child;

		fill_text();
		MUST(copyout(as, HERE, text, LEN) == 0, "the first");
		child = space_fork(as);
		memset(back, 'x', LEN);
		frame_fail_set(&failure);
		MUST(copyout(child, HERE, back, LEN) == -ENOMEM, "no ENOMEM");
		frame_fail_set(NULL);
		MUST(copyin(as, back, HERE, LEN) == 0, "in");
		MUST(memcmp(back, text, LEN) == 0,
		    found("allocation %lu: the parent's bytes changed", n));
		space_drop(child);
		space_drop(as);
	}
	return NULL;
}

TEST(a_string_ends_where_it_ends)
{
	struct aspace *as = with_pages();

	MUST(copyout(as, HERE + PAGE_SIZE - 3, "hello", 6) == 0, "out");
	MUST(copyinstr(as, back, HERE + PAGE_SIZE - 3, 6) == 0, "just fits");
	MUST(strcmp(back, "hello") == 0, back);
	MUST(copyinstr(as, back, HERE + PAGE_SIZE - 3, LEN) == 0, "with room");
	MUST(copyinstr(as, back, HERE + PAGE_SIZE - 3, 5) == -ENAMETOOLONG,
	    "one byte too long");
	MUST(copyinstr(as, back, HERE + PAGE_SIZE - 3, 0) == -ENAMETOOLONG,
	    "without room");
	MUST(copyinstr(as, back, HERE + PAGE_SIZE + 2, 1) == 0, "empty");
	MUST(back[0] == '\0', "empty is not");
	space_drop(as);
	return NULL;
}

TEST(a_string_may_end_right_before_a_hole_but_not_run_into_it)
{
	struct aspace *as = with_pages();

	MUST(copyout(as, HERE + LEN - 4, "abc", 4) == 0, "out");
	MUST(copyinstr(as, back, HERE + LEN - 4, 64) == 0, "it looked ahead");
	MUST(copyout(as, HERE + LEN - 4, "abcd", 4) == 0, "out again");
	MUST(copyinstr(as, back, HERE + LEN - 4, 64) == -EFAULT, "into it");
	MUST(copyinstr(as, back, HERE + LEN - 4, 4) == -ENAMETOOLONG, "size");
	space_drop(as);
	return NULL;
}

TEST(the_kernel_may_load_what_the_program_may_not_write)
{
	struct aspace *as = space_new();
	paddr_t page;

	map(as, HERE, PAGE_SIZE, RX);
	MUST(aspace_load(as, HERE, &page) == 0, "it may not");
	*(uint64_t *)phys_to_virt(page) = 99;
	MUST(get(as, HERE) == 99, "the program sees something else");
	MUST(try_put(as, HERE, 1) == -EFAULT, "the program may, too");
	MUST(aspace_load(as, HERE + PAGE_SIZE, &page) == -EFAULT, "a hole");
	MUST(aspace_load(as, HERE + GIB, &page) == -EFAULT, "a large hole");
	MUST(aspace_load(as, USER_TOP, &page) == -EFAULT, "above the top");
	MUST(aspace_load(as, DIRECT_MAP + HERE, &page) == -EFAULT, "kernel");
	map(as, HERE, PAGE_SIZE, 0);
	MUST(aspace_load(as, HERE, &page) == 0, "it may not if nobody may");
	*(uint64_t *)phys_to_virt(page) = 77;
	MUST(try_access(as, HERE, ACCESS_READ) == -EFAULT, "anybody may");
	protect(as, HERE, PAGE_SIZE, PTE_R);
	MUST(get(as, HERE) == 77, "what was loaded is lost");
	space_drop(as);
	return NULL;
}

static const struct test usercopy_tests[] = {
    T(bytes_come_back_as_they_went_at_any_offset),
    T(a_copy_out_writes_no_byte_beside_its_own),
    T(a_copy_crosses_the_borders_of_tables),
    T(every_bad_address_is_efault_and_costs_nothing),
    T(a_copy_that_runs_into_a_bad_address_is_efault),
    T(a_copy_out_needs_write_permission_on_every_page),
    T(a_copy_out_breaks_the_sharing_of_every_page_it_touches),
    T(a_copy_out_without_memory_never_writes_through),
    T(a_string_ends_where_it_ends),
    T(a_string_may_end_right_before_a_hole_but_not_run_into_it),
    T(the_kernel_may_load_what_the_program_may_not_write),
};
SUITE(usercopy, usercopy_tests);
