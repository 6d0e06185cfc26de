/* SPDX-License-Identifier: MIT */
/*
 * frame.c - the allocator: blocks are split and merged, caches filled and
 * emptied, and no frame is ever lost, given twice, or not ours to give.
 */
#include "mm/frame.h"

#include "arch/machine.h"
#include "ballast.h"
#include "ktest.h"
#include "lib/string.h"

#define MAX_ORDER 10

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

		if (frames[i].state == FRAME_NOTHING)
			continue;
		MUST(is_ram(pa), found("%lx is not memory", pa));
		MUST(!is_taken(pa), found("%lx is taken", pa));
	}
	return NULL;
}

TEST(free_and_used_frames_are_all_there_are)
{
	uint64_t free = 0, used = 0;

	for (uint64_t i = 0; i < frame_count; i++) {
		free += frames[i].state == FRAME_FREE;
		used += frames[i].state >= FRAME_KERNEL;
	}
	MUST(free + used == frame_total_count(),
	    found("%lu free, %lu used, %lu in all", free, used,
		frame_total_count()));
	MUST(free == frame_free_count(),
	    found("%lu free, %lu counted", free, frame_free_count()));
	return NULL;
}

/* Every frame of what is eaten says whose it is, in its last word. */
static void sign(void)
{
	list_for_each(link, &eaten.blocks) {
		uint64_t *words = (uint64_t *)(void *)link;

		words[511] = (uint64_t)(uintptr_t)words;
	}
}

static bool is_signed(void)
{
	list_for_each(link, &eaten.blocks) {
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
	MUST(frame_alloc_block(0) == NULL, "and a block");
	hoard_return(&eaten);
	MUST(hoard_frame(&eaten), "the one given back cannot be had");
	MUST(!hoard_frame(&eaten), "twice it can");
	hoard_drop(&eaten);
	MUST(frame_free_count() == free, "not all came back");
	return NULL;
}

TEST(all_memory_can_be_had_and_is_whole_again_afterwards)
{
	uint64_t large, free;

	ballast_drop();
	large = blocks_of_order(MAX_ORDER);
	free = frame_free_count();
	hoard_all_but(&eaten, 0);
	MUST(eaten.frames == free, found("%lu of %lu", eaten.frames, free));
	hoard_drop(&eaten);
	MUST(blocks_of_order(MAX_ORDER) == large,
	    found("%lu large blocks, %lu before", blocks_of_order(MAX_ORDER),
		large));
	ballast_take();
	return NULL;
}

TEST(a_block_is_aligned_to_its_size_and_in_one_piece)
{
	for (unsigned order = 0; order <= MAX_ORDER; order++) {
		struct frame *block = frame_alloc_block(order);

		MUST(block != NULL, found("none of order %u", order));
		MUST((frame_paddr(block) >> PAGE_SHIFT) % (1UL << order) == 0,
		    found("order %u at %lx", order, frame_paddr(block)));
		for (uint64_t i = 0; i < 1UL << order; i++)
			MUST(block[i].refs == 1 &&
				block[i].state == FRAME_KERNEL,
			    found("frame %lu of order %u", i, order));
		memset(frame_virt(block), 0x5a, PAGE_SIZE << order);
		frame_free_block(block, order);
	}
	return NULL;
}

TEST(there_is_no_block_larger_than_the_largest)
{
	MUST(frame_alloc_block(MAX_ORDER + 1) == NULL, "there was one");
	MUST(frame_alloc_block(40) == NULL, "there was a terabyte");
	return NULL;
}

TEST(blocks_of_all_orders_do_not_overlap)
{
	uint64_t free = frame_free_count(), state = 1;
	unsigned tries = 0;

	while (tries++ < 1000)
		(void)!hoard_block(&eaten, (unsigned)rnd(&state, 7));
	sign();
	list_for_each(link, &eaten.blocks) {
		struct frame *block = frame_of_virt(link);
		uint64_t order = list_entry(link, struct hoarded, link)->order;

		for (uint64_t i = 0; i < 1UL << order; i++)
			MUST(block[i].refs == 1, "in two blocks, or none");
	}
	MUST(is_signed(), "two blocks begin in one place");
	MUST(frame_free_count() + eaten.frames == free, "a wrong count");
	hoard_drop(&eaten);
	return NULL;
}

/* All frames of a block of order 10 one by one, to free in another order. */
static struct frame *ones[1 << MAX_ORDER];

static unsigned reversed(unsigned i)
{
	unsigned r = 0;

	for (unsigned bit = 0; bit < MAX_ORDER; bit++)
		r |= ((i >> bit) & 1) << (MAX_ORDER - 1 - bit);
	return r;
}

TEST(halves_merge_in_whatever_order_they_come_back)
{
	uint64_t large = blocks_of_order(MAX_ORDER), state = 2;

	for (unsigned how = 0; how < 4; how++) {
		unsigned flip = (unsigned)rnd(&state, array_len(ones));

		for (unsigned i = 0; i < array_len(ones); i++)
			ones[i] = frame_alloc_block(0);
		for (unsigned i = 0; i < array_len(ones); i++) {
			unsigned k = how == 0 ? i
			    : how == 1 ? (unsigned)array_len(ones) - 1 - i
			    : how == 2 ? reversed(i)
				       : i ^ flip;

			MUST(ones[k] != NULL, "no memory");
			frame_free_block(ones[k], 0);
		}
		MUST(blocks_of_order(MAX_ORDER) == large,
		    found("%lu large blocks in order %u, %lu before",
			blocks_of_order(MAX_ORDER), how, large));
	}
	return NULL;
}

TEST(one_frame_taken_splits_one_block_and_mends_it)
{
	uint64_t blocks[MAX_ORDER + 1];
	struct frame *f;

	for (unsigned order = 0; order <= MAX_ORDER; order++)
		blocks[order] = blocks_of_order(order);
	f = frame_alloc_block(0);
	MUST(f != NULL, "no memory");
	for (unsigned order = 0; order <= MAX_ORDER; order++)
		MUST(blocks[order] - blocks_of_order(order) <= 1,
		    found("order %u lost more than one block", order));
	MUST(blocks[0] - blocks_of_order(0) == 1, "order 0 lost none");
	frame_free_block(f, 0);
	for (unsigned order = 0; order <= MAX_ORDER; order++)
		MUST(blocks[order] == blocks_of_order(order),
		    found("order %u is not as before", order));
	return NULL;
}

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
	frame_drain_caches();
	MUST(frame_free_count() == free, "after the caches were drained");
	return NULL;
}

TEST(blocks_are_found_though_their_frames_are_in_caches)
{
	uint64_t large = blocks_of_order(MAX_ORDER), free = frame_free_count();
	struct frame *block;

	hoard_all_but(&eaten, 0);
	hoard_drop(&eaten);
	for (; large > 0; large--)
		MUST(hoard_block(&eaten, MAX_ORDER), found("%lu left", large));
	hoard_drop(&eaten);
	frame_put(must_alloc(FRAME_PAGE));
	while (hoard_block(&eaten, 0))
		;
	MUST(eaten.frames == free, found("%lu of %lu", eaten.frames, free));
	block = frame_alloc(FRAME_KERNEL);
	MUST(block == NULL, "one too many");
	hoard_drop(&eaten);
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
		struct frame_failure failure = {.countdown = n};

		frame_fail_set(&failure);
		for (uint64_t i = 1; i <= 8; i++) {
			struct frame *f = i % 2 != 0 ? frame_alloc(FRAME_PAGE)
						     : frame_alloc_block(0);

			MUST((f == NULL) == (i == n),
			    found("allocation %lu, not %lu", i, n));
			if (f == NULL)
				continue;
			f->state = FRAME_KERNEL;
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
	MUST(failure.failed == 6, found("%lu counted", failure.failed));
	frame_put(must_alloc(FRAME_PAGE));
	return NULL;
}

static const struct test frame_tests[] = {
    T(a_frame_comes_in_the_state_asked_for_with_one_reference),
    T(addresses_and_frames_name_each_other),
    T(only_memory_that_nobody_sits_on_was_given),
    T(free_and_used_frames_are_all_there_are),
    T(the_last_frame_is_given_and_none_twice),
    T(all_memory_can_be_had_and_is_whole_again_afterwards),
    T(a_block_is_aligned_to_its_size_and_in_one_piece),
    T(there_is_no_block_larger_than_the_largest),
    T(blocks_of_all_orders_do_not_overlap),
    T(halves_merge_in_whatever_order_they_come_back),
    T(one_frame_taken_splits_one_block_and_mends_it),
    T(frames_in_caches_count_as_free),
    T(blocks_are_found_though_their_frames_are_in_caches),
    T(frames_freed_together_are_free),
    T(zeroed_frames_are_zero_wherever_they_come_from),
    T(allocations_fail_when_told_to_once),
    T(allocations_fail_when_told_to_from_one_on),
};
SUITE(frame, frame_tests);
