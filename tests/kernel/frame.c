/* SPDX-License-Identifier: MIT */
/*
 * frame.c - the allocator: caches are filled and emptied, and no frame is ever
 * lost, given twice, or from outside its memory.
 */
#include "mm/frame.h"

#include "arch/machine.h"
#include "ballast.h"
#include "ktest.h"
#include "lib/string.h"

extern char kernel_start[], kernel_end[];

static struct frame *must_alloc(enum frame_state state)
{
	struct frame *f = frame_alloc(state);

	assert(f != NULL);
	return f;
}

TEST(a_frame_comes_in_the_state_asked_for_with_one_reference)
{
	static const enum frame_state states[] = {FRAME_KERNEL, FRAME_TABLE,
	    FRAME_PAGE};

	for (unsigned i = 0; i < array_len(states); i++) {
		struct frame *f = must_alloc(states[i]);

		MUST(f->state == states[i] && f->refs == 1 && f->used == 0,
		    found("state %u, %u references, %u used", f->state, f->refs,
			f->used));
		frame_put(f);
		MUST(f->state == FRAME_FREE && f->refs == 0,
		    "the freed one does not say so");
	}
	return NULL;
}

TEST(addresses_and_frames_name_each_other)
{
	struct frame *f = must_alloc(FRAME_KERNEL);

	MUST(frame_of(frame_paddr(f)) == f, "by physical address");
	MUST(frame_of(frame_paddr(f) + PAGE_SIZE - 1) == f, "by its last byte");
	MUST(frame_of_virt(frame_virt(f)) == f, "by kernel address");
	MUST(frame_paddr(f + 1) == frame_paddr(f) + PAGE_SIZE, "the next one");
	frame_put(f);
	return NULL;
}

static bool overlaps(paddr_t pa, struct region taken)
{
	return pa + PAGE_SIZE > taken.start && pa < taken.end;
}

static bool is_taken(paddr_t pa)
{
	struct region image = {virt_to_phys(kernel_start),
	    virt_to_phys(kernel_end)};
	struct region table = {virt_to_phys(frames),
	    virt_to_phys(&frames[frame_count])};

	for (unsigned i = 0; i < machine.reserved_count; i++)
		if (overlaps(pa, machine.reserved[i]))
			return true;
	return overlaps(pa, image) || overlaps(pa, table) ||
	    (machine.initrd.end > machine.initrd.start &&
		overlaps(pa, machine.initrd));
}

static bool is_ram(paddr_t pa)
{
	for (unsigned i = 0; i < machine.ram_count; i++)
		if (pa >= machine.ram[i].start &&
		    pa + PAGE_SIZE <= machine.ram[i].end)
			return true;
	return false;
}

TEST(only_memory_that_nobody_sits_on_was_given)
{
	for (uint64_t i = 0; i < frame_count; i++) {
		paddr_t pa = frame_paddr(&frames[i]);

		if (!frame_is_memory(&frames[i]))
			continue;
		MUST(is_ram(pa), found("%lx is not memory", pa));
		MUST(!is_taken(pa), found("%lx is taken", pa));
	}
	return NULL;
}

TEST(free_and_used_frames_are_all_there_are)
{
	uint64_t used = 0;

	for (struct frame *f = frame_next_known(NULL); f != NULL;
	     f = frame_next_known(f))
		used += f->state != FRAME_FREE;
	MUST(frame_free_count() + used + frame_aside == frame_total_count(),
	    found("%lu free, %lu used, %lu aside, %lu in all",
		frame_free_count(), used, frame_aside, frame_total_count()));
	return NULL;
}

/* Stores the number of each frame that is taken in its last word. */
static void sign(void)
{
	list_for_each(link, &eaten.list) {
		uint64_t *words = (uint64_t *)(void *)link;

		words[511] = (uint64_t)(uintptr_t)words;
	}
}

static bool is_signed(void)
{
	list_for_each(link, &eaten.list) {
		uint64_t *words = (uint64_t *)(void *)link;

		if (words[511] != (uint64_t)(uintptr_t)words)
			return false;
	}
	return true;
}

TEST(the_last_frame_is_given_and_none_twice)
{
	uint64_t free = frame_free_count();

	hoard_all_but(&eaten, 0);
	sign();
	MUST(eaten.frames == free, found("%lu of %lu", eaten.frames, free));
	MUST(is_signed(), "one was given twice");
	MUST(frame_alloc(FRAME_PAGE) == NULL, "and another one");
	hoard_return(&eaten);
	MUST(hoard_frame(&eaten), "the one given back cannot be had");
	MUST(!hoard_frame(&eaten), "twice it can");
	hoard_drop(&eaten);
	MUST(frame_free_count() == free, "not all came back");
	return NULL;
}

static struct frame *ones[1000];

TEST(frames_in_caches_count_as_free)
{
	uint64_t free = frame_free_count();

	for (unsigned i = 1; i <= 200; i++) {
		MUST(hoard_frame(&eaten), "no memory");
		MUST(frame_free_count() == free - i,
		    found("%lu free after %u of %lu", frame_free_count(), i,
			free));
	}
	for (unsigned i = 200; i-- > 0;) {
		hoard_return(&eaten);
		MUST(frame_free_count() == free - i, "on the way back");
	}
	return NULL;
}

TEST(frames_freed_together_are_free)
{
	uint64_t free = frame_free_count();
	unsigned count = array_len(ones);

	for (unsigned i = 0; i < count; i++)
		ones[i] = must_alloc(FRAME_PAGE);
	for (unsigned i = 0; i < count;) {
		unsigned n = (unsigned)min_u64(1 + i % 100, count - i);
		struct freeing freeing = {0};

		for (; n > 0; n--, i++) {
			MUST(frame_drop_page(ones[i]), "somebody else's");
			frame_poison(ones[i]);
			freeing_add(&freeing, frame_virt(ones[i]));
		}
		freeing_done(freeing);
		MUST(frame_free_count() == free - count + i,
		    found("%lu free after %u", frame_free_count(), i));
	}
	return NULL;
}

static bool is_zero(struct frame *f)
{
	const uint64_t *words = frame_virt(f);

	for (unsigned i = 0; i < PAGE_SIZE / sizeof *words; i++)
		if (words[i] != 0)
			return false;
	return true;
}

/* Some come from among the dirty ones, some from those freed as zero. */
TEST(zeroed_frames_are_zero_wherever_they_come_from)
{
	uint64_t free = frame_free_count(), state = 5;

	for (unsigned round = 0; round < 20; round++) {
		for (unsigned i = 0; i < 200; i++) {
			ones[i] = frame_alloc_zeroed(FRAME_TABLE);
			MUST(ones[i] != NULL && ones[i]->refs == 1 &&
				ones[i]->used == 0,
			    "no frame, or no new one");
			MUST(is_zero(ones[i]), found("frame %u is not", i));
		}
		for (unsigned i = 0; i < 200; i++) {
			(void)frame_drop(ones[i]);
			if (rnd(&state, 2) != 0) {
				memset(frame_virt(ones[i]), 1, PAGE_SIZE);
				frame_free(ones[i]);
			} else {
				frame_free_zeroed(ones[i]);
			}
		}
		MUST(frame_free_count() == free, "not all came back");
	}
	return NULL;
}

TEST(allocations_fail_when_told_to_once)
{
	for (uint64_t n = 1; n <= 5; n++) {
		struct frame_failure failure = {.countdown = (uint32_t)n};

		frame_fail_set(&failure);
		for (uint64_t i = 1; i <= 8; i++) {
			struct frame *f = i % 2 != 0
			    ? frame_alloc(FRAME_PAGE)
			    : frame_alloc_zeroed(FRAME_PAGE);

			MUST((f == NULL) == (i == n),
			    found("allocation %lu, not %lu", i, n));
			if (f == NULL)
				continue;
			frame_put(f);
		}
		frame_fail_set(NULL);
		MUST(failure.failed == 1, "it was not counted");
	}
	return NULL;
}

TEST(allocations_fail_when_told_to_from_one_on)
{
	struct frame_failure failure = {.countdown = 3, .from = true};

	frame_fail_set(&failure);
	for (uint64_t i = 1; i <= 8; i++) {
		struct frame *f = frame_alloc(FRAME_PAGE);

		MUST((f == NULL) == (i >= 3), found("allocation %lu", i));
		if (f != NULL)
			frame_put(f);
	}
	frame_fail_set(NULL);
	MUST(failure.failed == 6, found("%u counted", failure.failed));
	frame_put(must_alloc(FRAME_PAGE));
	return NULL;
}

static const struct test frame_tests[] = {
    T(a_frame_comes_in_the_state_asked_for_with_one_reference),
    T(addresses_and_frames_name_each_other),
    T(only_memory_that_nobody_sits_on_was_given),
    T(free_and_used_frames_are_all_there_are),
    T(the_last_frame_is_given_and_none_twice),
    T(frames_in_caches_count_as_free),
    T(frames_freed_together_are_free),
    T(zeroed_frames_are_zero_wherever_they_come_from),
    T(allocations_fail_when_told_to_once),
    T(allocations_fail_when_told_to_from_one_on),
};
SUITE(frame, frame_tests);
