/* SPDX-License-Identifier: MIT */
/*
 * t_remap.c - memory that is mapped and unmapped at one address: the former
 * contents are not there any more, also if a hart remembers the translation.
 *
 * Each round touches memory, so that its translation is remembered, and takes
 * it away in one of several ways: a page, several, a whole table of them.
 */
#include "harness.h"

#define SLOT   (2 * MIB) /* what a table of level 0 stands for */
#define SLOTS  8
#define ROUNDS 200

static unsigned char *base;
static uint64_t state = 1;

static void prepare(void)
{
	base = reserve(SLOTS * SLOT, SLOT);
	if (munmap(base, SLOTS * SLOT) != 0)
		give_up("munmap failed");
}

static unsigned char *random_slot(void)
{
	return base + rnd(&state) % SLOTS * SLOT;
}

static void map_at(void *at, size_t len)
{
	void *got = mmap(at, len, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

	if (got != at)
		give_up("there is no memory");
}

/* Fresh memory is zero; then it holds something. */
static const char *touch(volatile unsigned char *at, size_t pages)
{
	for (size_t i = 0; i < pages; i++) {
		MUST(at[i * PAGE] == 0, "fresh memory is not zero");
		at[i * PAGE] = (unsigned char)(i + 1);
	}
	for (size_t i = 0; i < pages; i++)
		MUST(at[i * PAGE] == (unsigned char)(i + 1), "it was lost");
	return NULL;
}

static const char *map_touch_unmap(size_t len, size_t pages, size_t offset)
{
	prepare();
	for (int i = 0; i < ROUNDS; i++) {
		unsigned char *at = random_slot() + offset;

		map_at(at, len);
		TRY(touch(at, pages));
		MUST(munmap(at, len) == 0, "munmap failed");
	}
	return NULL;
}

TEST(a_page_that_was_unmapped_comes_back_as_another)
{
	return map_touch_unmap(PAGE, 1, 5 * PAGE);
}

TEST(pages_that_were_unmapped_come_back_as_others)
{
	return map_touch_unmap(9 * PAGE, 9, 100 * PAGE);
}

TEST(a_table_that_was_unmapped_comes_back_as_another)
{
	return map_touch_unmap(SLOT, 12, 0);
}

TEST(memory_mapped_over_other_memory_is_fresh)
{
	prepare();
	for (int i = 0; i < ROUNDS; i++) {
		unsigned char *at = random_slot();

		map_at(at, SLOT);
		TRY(touch(at, 6));
		map_at(at, 3 * PAGE);
		TRY(touch(at, 3));
		MUST(at[3 * PAGE] == 4, "what lies behind was lost");
		map_at(at, SLOT);
		TRY(touch(at, 2));
	}
	return NULL;
}

TEST(discarded_pages_are_zero_and_the_others_are_not)
{
	prepare();
	for (int i = 0; i < ROUNDS; i++) {
		unsigned char *at = random_slot() + rnd(&state) % 64 * PAGE;

		map_at(at, 8 * PAGE);
		TRY(touch(at, 8));
		MUST(madvise(at + 2 * PAGE, 3 * PAGE, MADV_DONTNEED) == 0,
		    "madvise failed");
		TRY(touch(at + 2 * PAGE, 3));
		MUST(at[PAGE] == 2 && at[5 * PAGE] == 6, "others were lost");
		MUST(munmap(at, 8 * PAGE) == 0, "munmap failed");
	}
	return NULL;
}

static unsigned char *closed;

static void store_there(void)
{
	*(volatile unsigned char *)closed = 1;
}

TEST(a_page_made_read_only_takes_no_store_and_a_writable_one_does)
{
	prepare();
	for (int i = 0; i < ROUNDS; i++) {
		size_t len = i % 2 ? PAGE : 4 * PAGE;
		unsigned char *at = random_slot();

		map_at(at, 4 * PAGE);
		TRY(touch(at, 4));
		MUST(mprotect(at, len, PROT_READ) == 0, "mprotect failed");
		closed = at;
		if (i % 50 == 0)
			TRY(expect_signal(store_there, SIGSEGV));
		MUST(at[0] == 1, "it was lost");
		MUST(mprotect(at, len, PROT_READ | PROT_WRITE) == 0,
		    "mprotect failed");
		store_there();
		MUST(munmap(at, 4 * PAGE) == 0, "munmap failed");
	}
	return NULL;
}

static const struct test tests[] = {
    T(a_page_that_was_unmapped_comes_back_as_another),
    T(pages_that_were_unmapped_come_back_as_others),
    T(a_table_that_was_unmapped_comes_back_as_another),
    T(memory_mapped_over_other_memory_is_fresh),
    T(discarded_pages_are_zero_and_the_others_are_not),
    T(a_page_made_read_only_takes_no_store_and_a_writable_one_does),
};
SUITE(tests)
