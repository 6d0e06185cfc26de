/* SPDX-License-Identifier: MIT */
/*
 * t_mem.c - mmap, munmap, mprotect, madvise and brk, on memory of one process
 * and on tables that fork shares.
 *
 * t_model.c makes these calls at random.
 */
#include "harness.h"

#define RW   (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)

#define N 16 /* pages of the region under test */

static unsigned char *region;

/* The change that a test makes to the region, and the check afterwards. */
static test_fn *change;

static void region_make(void)
{
	region = pages_private(N);
	stamp(region, N, 1);
}

static long map_call(uintptr_t addr, size_t len, int prot, int flags)
{
	return raw(SYS_mmap, (long)addr, (long)len, prot, flags, -1, 0);
}

/* ---- Changes to part of a table ---- */

/*
 * One change, made by a process alone; by a child, whose parent must not
 * notice; and by a parent, whose child must not notice.
 */
static const char *untouched(void)
{
	return stamped(region, N, 1) ? NULL : "the other side noticed";
}

static const char *wait_and_look(void)
{
	cell_await(0, 1);
	TRY(untouched());
	stamp(region, N, 2);
	return stamped(region, N, 2) ? NULL : "the child lost its write";
}

static const char *alone_and_shared(test_fn *fn)
{
	pid_t pid;

	change = fn;
	region_make();
	TRY(in_child(change));
	TRY(untouched());
	TRY(in_child(change));
	TRY(untouched());
	pid = child_start(wait_and_look);
	TRY(change());
	cell_set(0, 1);
	TRY(child_end(pid));
	munmap(region, N * PAGE);
	region_make();
	return change();
}

/* Pages [from, to) are gone, all others as they were. */
static const char *unmap(size_t from, size_t to)
{
	unsigned char *hole = region + from * PAGE;
	size_t i;

	MUST(munmap(hole, (to - from) * PAGE) == 0, "munmap failed");
	TRY(expect_no_load(hole));
	TRY(expect_no_store(region + to * PAGE - 1));
	for (i = 0; i < N; i++) {
		unsigned char *page = region + i * PAGE;

		if ((i < from || i >= to) && page[0] == 0)
			return found("page %d is lost", (int)i);
	}
	return NULL;
}

static const char *unmap_head(void)
{
	return unmap(0, 5);
}

static const char *unmap_middle(void)
{
	return unmap(5, 11);
}

static const char *unmap_tail(void)
{
	return unmap(11, N);
}

static const char *unmap_all(void)
{
	return unmap(0, N);
}

TEST(munmap_of_the_head_is_private)
{
	return alone_and_shared(unmap_head);
}

TEST(munmap_of_the_middle_is_private)
{
	return alone_and_shared(unmap_middle);
}

TEST(munmap_of_the_tail_is_private)
{
	return alone_and_shared(unmap_tail);
}

TEST(munmap_of_everything_is_private)
{
	return alone_and_shared(unmap_all);
}

static const char *protect_middle(void)
{
	unsigned char *middle = region + 5 * PAGE;

	MUST(mprotect(middle, 6 * PAGE, PROT_READ) == 0, "mprotect failed");
	MUST(stamped(region, N, 1), "mprotect changed contents");
	TRY(expect_no_store(middle));
	TRY(expect_no_store(middle + 6 * PAGE - 1));
	stamp(region, 5, 1);
	middle[-1] = 1;
	middle[6 * PAGE] = 1;
	return NULL;
}

TEST(mprotect_of_the_middle_is_private)
{
	return alone_and_shared(protect_middle);
}

static const char *hide_and_show(void)
{
	unsigned char *middle = region + 5 * PAGE;

	MUST(mprotect(middle, 6 * PAGE, PROT_NONE) == 0, "mprotect failed");
	TRY(expect_no_load(middle));
	TRY(expect_no_store(middle + 6 * PAGE - 1));
	MUST(mprotect(middle, 6 * PAGE, PROT_READ) == 0, "mprotect failed");
	TRY(expect_no_store(middle));
	MUST(stamped(region, N, 1), "hidden contents changed");
	MUST(mprotect(middle, 6 * PAGE, RW) == 0, "mprotect failed");
	stamp(region, N, 3);
	MUST(stamped(region, N, 3), "a page shown again lost a write");
	return NULL;
}

TEST(prot_none_and_back_is_private)
{
	return alone_and_shared(hide_and_show);
}

static const char *discard_middle(void)
{
	unsigned char *middle = region + 5 * PAGE;

	MUST(madvise(middle, 6 * PAGE, MADV_DONTNEED) == 0, "madvise failed");
	MUST(stamped(region, 5, 1), "madvise went too far down");
	MUST(all_bytes(middle, 6 * PAGE, 0), "discarded pages are not zero");
	MUST(middle[6 * PAGE] != 0, "madvise went too far up");
	middle[0] = 9;
	return NULL;
}

TEST(madvise_dontneed_is_private)
{
	return alone_and_shared(discard_middle);
}

static const char *replace_middle(void)
{
	unsigned char *middle = region + 5 * PAGE;
	void *p = mmap(middle, 6 * PAGE, RW, ANON | MAP_FIXED, -1, 0);

	MUST(p == middle, "MAP_FIXED went elsewhere");
	MUST(stamped(region, 5, 1), "MAP_FIXED went too far down");
	MUST(all_bytes(middle, 6 * PAGE, 0), "a new mapping is not zero");
	MUST(middle[6 * PAGE] != 0, "MAP_FIXED went too far up");
	stamp(middle, 6, 4);
	return NULL;
}

TEST(map_fixed_over_memory_is_private)
{
	return alone_and_shared(replace_middle);
}

/* ---- Large tables ---- */

/* Unmaps around borders of 2 MiB, where whole entries go at once. */
static const char *punch(unsigned char *p, size_t from, size_t len)
{
	MUST(munmap(p + from, len) == 0, "munmap failed");
	TRY(expect_no_load(p + from));
	TRY(expect_no_load(p + from + len - 1));
	p[from - 1]++;
	p[from + len]++;
	return NULL;
}

static unsigned char *big;

static const char *punch_holes(void)
{
	TRY(punch(big, 2 * MIB - PAGE, 2 * PAGE));
	TRY(punch(big, 4 * MIB, 2 * MIB));
	TRY(punch(big, 8 * MIB + PAGE, 4 * MIB));
	return punch(big, 14 * MIB + 3 * PAGE, PAGE);
}

TEST(munmap_across_2_mib_borders_leaves_the_rest)
{
	big = reserve(16 * MIB, 2 * MIB);
	MUST(mprotect(big, 16 * MIB, RW) == 0, "mprotect failed");
	stamp(big + 2 * MIB - 4 * PAGE, 8, 1);
	stamp(big + 4 * MIB - 4 * PAGE, 8, 1);
	TRY(in_child(punch_holes));
	MUST(stamped(big + 2 * MIB - 4 * PAGE, 8, 1), "the parent noticed");
	return punch_holes();
}

TEST(a_reservation_of_64_gib_costs_nothing)
{
	uint64_t before = counters().frames_free;
	unsigned char *p = reserve(64 * GIB, PAGE);
	uint64_t taken = before - counters().frames_free;

	MUST(!on_calf() || taken < 8, "it took frames");
	TRY(expect_no_load(p));
	TRY(expect_no_load(p + 63 * GIB + 12345));
	MUST(munmap(p, 64 * GIB) == 0, "munmap failed");
	return NULL;
}

static const size_t places[] = {
    0,
    PAGE - 1,
    PAGE,
    2 * MIB - 1,
    2 * MIB,
    77 * MIB + 5,
    512 * MIB,
    1023 * MIB + 12345,
    GIB - 1,
};

static const char *touch_places(void)
{
	int i;

	for (i = 0; i < COUNT(places); i++)
		MUST(big[places[i]] == 0, "not zero at first");
	for (i = 0; i < COUNT(places); i++)
		big[places[i]] = (unsigned char)(i + 1);
	for (i = 0; i < COUNT(places); i++)
		MUST(big[places[i]] == i + 1, "a byte was lost");
	return NULL;
}

TEST(a_gib_can_be_touched_here_and_there)
{
	void *p = mmap(NULL, GIB, RW, ANON | MAP_NORESERVE, -1, 0);

	MUST(p != MAP_FAILED, "mmap of 1 GiB failed");
	big = p;
	TRY(in_child(touch_places));
	TRY(touch_places());
	MUST(mprotect(big, GIB, PROT_READ) == 0, "mprotect failed");
	TRY(expect_no_store(big + 300 * MIB));
	TRY(expect_no_store(big + GIB - 1));
	MUST(big[GIB - 1] == COUNT(places), "a byte was lost");
	MUST(munmap(big, GIB) == 0, "munmap failed");
	return expect_no_load(big + GIB - 1);
}

/* ---- Zeros ---- */

static const char *dirty_memory(void)
{
	unsigned char *p = pages_private(256);

	memset(p, 0xa5, 256 * PAGE);
	return NULL;
}

TEST(fresh_pages_are_zero_whoever_had_them)
{
	unsigned char *p;
	int i;

	for (i = 0; i < 4; i++) {
		TRY(in_child(dirty_memory));
		p = pages_private(256);
		MUST(all_bytes(p, 256 * PAGE, 0), "a fresh page is not zero");
		MUST(munmap(p, 256 * PAGE) == 0, "munmap failed");
	}
	return NULL;
}

/* ---- The break ---- */

static unsigned long brk_start;

static bool brk_to(unsigned long end)
{
	return (unsigned long)raw(SYS_brk, (long)end) == end;
}

static const char *brk_grow_and_shrink(void)
{
	unsigned char *p = (unsigned char *)brk_start;

	MUST(brk_to(brk_start + 8 * PAGE), "the break did not grow");
	MUST(all_bytes(p, 8 * PAGE, 0), "new heap is not zero");
	stamp(p, 8, 1);
	MUST(brk_to(brk_start + 3 * PAGE), "the break did not shrink");
	TRY(expect_no_load(p + 3 * PAGE));
	MUST(stamped(p, 3, 1), "what was kept changed");
	MUST(brk_to(brk_start + 8 * PAGE), "the break did not grow again");
	MUST(all_bytes(p + 3 * PAGE, 5 * PAGE, 0), "regrown heap is not zero");
	MUST(stamped(p, 3, 1), "what was kept changed");
	return NULL;
}

TEST(brk_grows_shrinks_and_grows_with_zeros)
{
	if (on_emulator())
		return SKIP("the emulator keeps what brk gave up");
	brk_start = (unsigned long)raw(SYS_brk, 0);
	brk_start = (brk_start + PAGE - 1) / PAGE * PAGE;
	MUST(brk_to(brk_start), "the break did not move to a page");
	TRY(in_child(brk_grow_and_shrink));
	MUST((unsigned long)raw(SYS_brk, 0) == brk_start,
	    "the child moved the parent's break");
	TRY(brk_grow_and_shrink());
	MUST(brk_to(brk_start), "the break did not shrink to its start");
	return in_child(brk_grow_and_shrink);
}

TEST(brk_refuses_what_cannot_be)
{
	unsigned long now = (unsigned long)raw(SYS_brk, 0);

	MUST((unsigned long)raw(SYS_brk, 1) == now, "break at 1");
	/* QEMU 10, beside Linux, rounds -1 up to 0 and unmaps all below it. */
	if (on_calf())
		MUST((unsigned long)raw(SYS_brk, -1) == now, "break at -1");
	MUST((unsigned long)raw(SYS_brk, (long)(1UL << 62)) == now,
	    "break at 1 << 62");
	MUST((unsigned long)raw(SYS_brk, 0) == now, "the break moved");
	return NULL;
}

/* ---- Errors ---- */

TEST(brk_stops_below_a_mapping)
{
	unsigned long now = (unsigned long)raw(SYS_brk, 0);
	unsigned long place = (now + 3 * PAGE - 1) / PAGE * PAGE;

	MUST(map_call(place, PAGE, RW, ANON | MAP_FIXED) == (long)place,
	    "mmap failed");
	*(volatile char *)place = 1;
	MUST((unsigned long)raw(SYS_brk, (long)(place + 2 * PAGE)) == now,
	    "the break went over it");
	MUST(*(volatile char *)place == 1, "the mapping is gone");
	MUST(munmap((void *)place, PAGE) == 0, "munmap failed");
	return NULL;
}

TEST(a_mapping_that_must_not_replace_does_not)
{
	if (on_emulator())
		return SKIP("the emulator does not know MAP_FIXED_NOREPLACE");
	region_make();
	MUST(map_call((uintptr_t)region, PAGE, RW,
		 ANON | MAP_FIXED_NOREPLACE) == -EEXIST,
	    "it was made");
	MUST(stamped(region, N, 1), "it replaced memory");
	return NULL;
}

/*
 * A mapping of so many entries that it is made in parts, with room below and
 * above.
 */
TEST(a_large_mapping_is_made_where_it_was_asked_for)
{
	uintptr_t p = (uintptr_t)reserve(4 * GIB, GIB), at = p + PAGE;
	size_t len = 4 * GIB - 2 * PAGE;
	long how[] = {ANON, ANON | MAP_FIXED_NOREPLACE};
	int i;

	MUST(munmap((void *)p, 4 * GIB) == 0, "munmap failed");
	for (i = 0; i < COUNT(how); i++) {
		long result = map_call(at, len, RW, how[i]);

		MUST(result == (long)at, found("%d: %lx", i, result));
		MUST(munmap((void *)at, len) == 0, "munmap failed");
	}
	return NULL;
}

TEST(memory_for_writing_only_can_be_written)
{
	long at = map_call(0, PAGE, PROT_WRITE, ANON);

	MUST(at > 0, "mmap failed");
	*(volatile char *)at = 5;
	MUST(munmap((void *)at, PAGE) == 0, "munmap failed");
	return NULL;
}

TEST(mmap_refuses_what_cannot_be)
{
	const uintptr_t top = 1UL << 38;

	MUST(map_call(0, 0, RW, ANON) == -EINVAL, "length 0");
	MUST(map_call(0, 1UL << 63, RW, ANON) == -ENOMEM, "length 2^63");
	MUST(map_call(0, -PAGE, RW, ANON) == -ENOMEM, "length -4096");
	MUST(map_call(0, -1UL, RW, ANON) == -ENOMEM, "length -1");
	MUST(map_call(0, 1UL << 50, RW, ANON) == -ENOMEM, "length 2^50");
	MUST(map_call((uintptr_t)region_make + 1, PAGE, RW, ANON | MAP_FIXED) ==
		-EINVAL,
	    "unaligned MAP_FIXED");
	MUST(map_call(0, PAGE, RW, MAP_ANONYMOUS) == -EINVAL,
	    "neither private nor shared");
	MUST(map_call(0, PAGE, RW, ANON | MAP_SHARED) == -EINVAL,
	    "both private and shared");
	MUST(raw(SYS_mmap, 0, PAGE, RW, ANON, -1, 7) == -EINVAL,
	    "an offset that is no multiple of a page");
	MUST(map_call(1UL << 62, PAGE, RW, ANON | MAP_FIXED) == -ENOMEM,
	    "MAP_FIXED beyond the user half");
	MUST(on_emulator() ||
		map_call(top - PAGE, 2 * PAGE, RW, ANON | MAP_FIXED) == -ENOMEM,
	    "MAP_FIXED across its end");
	MUST(!on_calf() || map_call(0, PAGE, RW, ANON | MAP_FIXED) == -EPERM,
	    "MAP_FIXED at 0");
	return NULL;
}

TEST(munmap_refuses_what_cannot_be)
{
	region_make();
	MUST(raw(SYS_munmap, (long)region + 1, PAGE) == -EINVAL, "unaligned");
	MUST(raw(SYS_munmap, (long)region, 0) == -EINVAL, "length 0");
	MUST(raw(SYS_munmap, (long)region, 1L << 62) == -EINVAL, "2^62 bytes");
	MUST(raw(SYS_munmap, (long)region, -1L) == -EINVAL, "-1 bytes");
	MUST(raw(SYS_munmap, 1L << 62, PAGE) == -EINVAL, "kernel half");
	MUST(stamped(region, N, 1), "a refused munmap changed memory");
	MUST(munmap(region, N * PAGE) == 0, "munmap failed");
	MUST(munmap(region, N * PAGE) == 0, "munmap of nothing failed");
	return NULL;
}

TEST(mprotect_refuses_what_cannot_be)
{
	region_make();
	MUST(raw(SYS_mprotect, (long)region + 1, PAGE, RW) == -EINVAL,
	    "unaligned");
	MUST(on_emulator() ||
		raw(SYS_mprotect, (long)region, 0, PROT_NONE) == 0,
	    "length 0");
	MUST(on_emulator() ||
		(raw(SYS_mprotect, (long)region, 0, 1 << 20) == 0 &&
		    raw(SYS_mprotect, (long)region, PAGE, 1 << 20) == -EINVAL),
	    "bits that mean nothing");
	MUST(munmap(region + 8 * PAGE, PAGE) == 0, "munmap failed");
	MUST(raw(SYS_mprotect, (long)region, N * PAGE, RW) == -ENOMEM,
	    "across a hole");
	MUST(raw(SYS_mprotect, (long)(region + 8 * PAGE), PAGE, RW) == -ENOMEM,
	    "of a hole");
	MUST(raw(SYS_mprotect, 1L << 62, PAGE, RW) == -ENOMEM, "kernel half");
	return stamped(region, 8, 1) ? NULL : "contents changed";
}

TEST(madvise_refuses_what_it_does_not_know)
{
	if (on_emulator())
		return SKIP("the emulator takes any advice");
	region_make();
	MUST(raw(SYS_madvise, (long)region, PAGE, 12345) == -EINVAL,
	    "unknown advice");
	MUST(raw(SYS_madvise, (long)region + 1, PAGE, MADV_DONTNEED) == -EINVAL,
	    "unaligned");
	MUST(raw(SYS_madvise, (long)region, -1L, MADV_DONTNEED) == -EINVAL,
	    "a length that is 0 when rounded up");
	MUST(raw(SYS_madvise, (long)region, -PAGE, MADV_DONTNEED) == -EINVAL,
	    "a length that wraps");
	MUST(stamped(region, N, 1), "refused advice changed memory");
	return NULL;
}

TEST(lengths_are_rounded_up_to_pages)
{
	region = (unsigned char *)mmap(NULL, PAGE + 1, RW, ANON, -1, 0);
	MUST(region != (void *)MAP_FAILED, "mmap failed");
	stamp(region, 2, 1);
	MUST(mprotect(region, PAGE + 1, PROT_READ) == 0, "mprotect failed");
	TRY(expect_no_store(region + 2 * PAGE - 1));
	MUST(munmap(region, 1) == 0, "munmap failed");
	TRY(expect_no_load(region + PAGE - 1));
	MUST(munmap(region + PAGE, 1) == 0, "munmap failed");
	return expect_no_load(region + PAGE);
}

TEST(a_hint_is_only_a_hint)
{
	void *p;

	region_make();
	p = mmap(region, PAGE, RW, ANON, -1, 0);
	MUST(p != MAP_FAILED, "mmap with a taken hint failed");
	MUST(p != region, "a hint replaced a mapping");
	p = mmap((void *)(1UL << 60), PAGE, RW, ANON, -1, 0);
	MUST(p != MAP_FAILED, "mmap with a wild hint failed");
	*(volatile char *)p = 1;
	p = mmap(region + 1, PAGE, RW, ANON, -1, 0);
	MUST(p != MAP_FAILED, "mmap with an unaligned hint failed");
	MUST(((uintptr_t)p & (PAGE - 1)) == 0, "mmap gave part of a page");
	MUST(stamped(region, N, 1), "a hint changed memory");
	return NULL;
}

/* ---- The stack ---- */

/* Touches `bytes` of stack, a page at a time. */
static void __attribute__((noinline)) stack_use(size_t bytes)
{
	volatile unsigned char *here =
	    (unsigned char *)__builtin_frame_address(0);
	size_t i;

	for (i = PAGE; i < bytes; i += PAGE)
		*(here - i) = 1;
}

static void stack_use_7_mib(void)
{
	stack_use(7 * MIB);
}

static void stack_use_too_much(void)
{
	stack_use(17 * MIB / 2);
}

TEST(the_stack_grows_to_near_8_mib_and_no_further)
{
	int status = status_of(stack_use_7_mib);

	MUST(exited_with(status, 0), "7 MiB of stack are too many");
	return expect_signal(stack_use_too_much, SIGSEGV);
}

static const struct test tests[] = {
    T(munmap_of_the_head_is_private),
    T(munmap_of_the_middle_is_private),
    T(munmap_of_the_tail_is_private),
    T(munmap_of_everything_is_private),
    T(mprotect_of_the_middle_is_private),
    T(prot_none_and_back_is_private),
    T(madvise_dontneed_is_private),
    T(map_fixed_over_memory_is_private),
    T(munmap_across_2_mib_borders_leaves_the_rest),
    T(a_reservation_of_64_gib_costs_nothing),
    T(a_gib_can_be_touched_here_and_there),
    T(fresh_pages_are_zero_whoever_had_them),
    T(brk_grows_shrinks_and_grows_with_zeros),
    T(brk_refuses_what_cannot_be),
    T(brk_stops_below_a_mapping),
    T(a_mapping_that_must_not_replace_does_not),
    T(a_large_mapping_is_made_where_it_was_asked_for),
    T(memory_for_writing_only_can_be_written),
    T(mmap_refuses_what_cannot_be),
    T(munmap_refuses_what_cannot_be),
    T(mprotect_refuses_what_cannot_be),
    T(madvise_refuses_what_it_does_not_know),
    T(lengths_are_rounded_up_to_pages),
    T(a_hint_is_only_a_hint),
    T(the_stack_grows_to_near_8_mib_and_no_further),
};

SUITE(tests)
