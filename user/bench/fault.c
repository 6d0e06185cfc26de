/* SPDX-License-Identifier: MIT */
/*
 * fault.c - what one page fault costs.
 *
 * A loop over many pages is measured twice, the second time when nothing is
 * left to fault, and the difference is divided by the number of pages.
 */
#include "bench.h"

#include <unistd.h>

#define ROUNDS       9
#define REGION_PAGES (REGION / PAGE_BYTES)
#define BATCH        256

/* ---- copy-on-write ---- */

/* Writes to pages [from, from + BATCH), and counts what the faults cost. */
static uint64_t count_writes(volatile uint64_t *mem, size_t from)
{
	uint64_t start, first, second;

	start = count_start();
	invert(mem, from, from + BATCH);
	first = count_since(start, count_stop());
	start = count_start();
	invert(mem, from, from + BATCH);
	second = count_since(start, count_stop());
	return first > second ? first - second : 0;
}

/* One access that faults, to a page of a region not touched before. */
static uint64_t count_read(volatile uint64_t *mem, size_t page, bool *right)
{
	uint64_t start = count_start(), word, stop;

	word = mem[page * PAGE_WORDS];
	stop = count_stop();
	*right = *right && word == pattern(page);
	return count_since(start, stop);
}

static uint64_t count_write(volatile uint64_t *mem, size_t page)
{
	uint64_t start = count_start();

	mem[page * PAGE_WORDS] = ~pattern(page);
	return count_since(start, count_stop());
}

struct cow_rows {
	struct samples touch, copy, first_write, last_owner;
};

/* Four regions: the first opens the tables above, one for each row. */
#define COW_PAGES (4 * REGION_PAGES)

static bool cow_child_is_right(volatile uint64_t *mem)
{
	return is_filled(mem, 0, REGION_PAGES) &&
	    is_inverted(mem, REGION_PAGES, REGION_PAGES + BATCH) &&
	    is_filled(mem, REGION_PAGES + BATCH, 2 * REGION_PAGES) &&
	    is_inverted(mem, 2 * REGION_PAGES, 2 * REGION_PAGES + 1) &&
	    is_filled(mem, 2 * REGION_PAGES + 1, COW_PAGES) &&
	    words_are_filled(mem, 0, COW_PAGES);
}

static _Noreturn void cow_child(volatile uint64_t *mem)
{
	bool right = is_filled(mem, 0, 1);

	exchange->value[0] = count_read(mem, REGION_PAGES + 7, &right);
	exchange->value[1] = count_writes(mem, REGION_PAGES);
	exchange->value[2] = count_write(mem, 2 * REGION_PAGES);
	end_child(right && cow_child_is_right(mem));
}

static void cow_round(struct cow_rows *rows, volatile uint64_t *mem)
{
	pid_t pid;

	fill_words(mem, 0, COW_PAGES);
	pid = start_child();
	if (pid == 0)
		cow_child(mem);
	wait_child(pid);
	sample(&rows->touch, exchange->value[0], 1);
	sample(&rows->copy, exchange->value[1], BATCH);
	sample(&rows->first_write, exchange->value[2], 1);

	check(is_filled(mem, 0, COW_PAGES), "the parent's pages changed");
	sample(&rows->last_owner, count_writes(mem, REGION_PAGES), BATCH);
	check(is_inverted(mem, REGION_PAGES, REGION_PAGES + BATCH) &&
		words_are_filled(mem, 0, COW_PAGES),
	    "the last owner's pages are not as written");
}

void bench_cow(void)
{
	volatile uint64_t *mem = map_aligned(4 * REGION, 4 * REGION);
	volatile uint64_t *kept = map_aligned(ROUNDS * PAGE_BYTES, PAGE_BYTES);
	struct cow_rows rows = {0};

	/*
	 * Each round begins with one free frame less, so that what refills
	 * those of the hart does not always fall into the same access.
	 */
	for (int i = 0; i < ROUNDS; i++) {
		kept[i * PAGE_WORDS] = 1;
		cow_round(&rows, mem);
	}
	report("cow-copy", &rows.copy);
	report("cow-last-owner", &rows.last_owner);
	report("first-touch-2m", &rows.touch);
	report("first-write-2m", &rows.first_write);
	unmap(kept, ROUNDS * PAGE_BYTES);
	unmap(mem, 4 * REGION);
}

/* ---- the worst ---- */

/* Candidates for the fault that keeps a process away for the longest time. */
enum worst {
	WRITE_SHARED_1G, /* the first write of a child: every level is copied */
	WRITE_SHARED_2M, /* the first to a region */
	TOUCH_FRESH_1G,  /* the first touch of a mapping of 1 GiB */
	TOUCH_FRESH_2M,  /* the first of a region of it */
	WORST_COUNT,
};

static void worst_in_child(volatile uint64_t *mem)
{
	const size_t page = GIB / 2 / PAGE_BYTES;
	pid_t pid = start_child();

	if (pid == 0) {
		exchange->value[WRITE_SHARED_1G] = count_write(mem, page);
		exchange->value[WRITE_SHARED_2M] =
		    count_write(mem, page + REGION_PAGES);
		end_child(is_inverted(mem, page, page + 1) &&
		    is_filled(mem, page + 1, page + REGION_PAGES));
	}
	wait_child(pid);
	check(is_filled(mem, page, page + 2 * REGION_PAGES),
	    "the parent's pages changed");
}

static void worst_in_fresh(void)
{
	volatile uint64_t *mem = map_aligned(GIB, GIB);

	exchange->value[TOUCH_FRESH_1G] = count_write(mem, 9);
	exchange->value[TOUCH_FRESH_2M] = count_write(mem, 9 + REGION_PAGES);
	check(is_inverted(mem, 9, 10) && mem[10 * PAGE_WORDS] == 0,
	    "fresh memory is wrong");
	unmap(mem, GIB);
}

void bench_worst(void)
{
	struct samples rows[WORST_COUNT] = {0}, *worst = rows;
	volatile uint64_t *mem;

	if (!memory_suffices(GIB + 64 * MIB)) {
		skip("worst-fault", "not enough memory");
		return;
	}
	mem = map_aligned(GIB, GIB);
	fill(mem, 0, GIB / PAGE_BYTES);
	for (int i = 0; i < ROUNDS; i++) {
		worst_in_child(mem);
		worst_in_fresh();
		for (int k = 0; k < WORST_COUNT; k++)
			sample(&rows[k], exchange->value[k], 1);
	}
	check(is_filled(mem, 0, GIB / PAGE_BYTES), "the parent's pages");
	for (int k = 0; k < WORST_COUNT; k++)
		if (sample_min(&rows[k]) > sample_min(worst))
			worst = &rows[k];
	report("first-write-1g", &rows[WRITE_SHARED_1G]);
	report("first-touch-fresh-1g", &rows[TOUCH_FRESH_1G]);
	report("worst-fault", worst);
	unmap(mem, GIB);
}

/* ---- zeros ---- */

/* Fresh memory of `pages`, of which every `distance`th is touched. */
static void zero_round(struct samples *s, size_t pages, size_t distance)
{
	size_t len = pages * PAGE_BYTES, step = distance * PAGE_WORDS;
	volatile uint64_t *mem = map_aligned(len, REGION);
	uint64_t start, first, second, bits = 0;

	start = count_start();
	for (size_t i = 0; i < pages * PAGE_WORDS; i += step)
		mem[i] = i + 1;
	first = count_since(start, count_stop());
	start = count_start();
	for (size_t i = 0; i < pages * PAGE_WORDS; i += step)
		mem[i] = i + 1;
	second = count_since(start, count_stop());
	sample(s, first > second ? first - second : 0, pages / distance);

	for (size_t i = 0; i < pages * PAGE_WORDS; i += step) {
		bits |= mem[i] ^ (i + 1);
		for (size_t k = 1; k < PAGE_WORDS; k++)
			bits |= mem[i + k];
	}
	check(bits == 0, "a fresh page is not zero");
	unmap(mem, len);
}

void bench_zero(void)
{
	struct samples sequential = {0}, sparse = {0};

	for (int i = 0; i < ROUNDS; i++)
		zero_round(&sequential, 16 * MIB / PAGE_BYTES, 1);
	report("zero-sequential", &sequential);
	/* Linux with huge pages would give each touch one. */
	if (!memory_suffices(256 * MIB)) {
		skip("zero-sparse", "not enough memory");
		return;
	}
	for (int i = 0; i < ROUNDS; i++)
		zero_round(&sparse, 256 * MIB / PAGE_BYTES, REGION_PAGES);
	report("zero-sparse", &sparse);
}
