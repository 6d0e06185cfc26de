/* SPDX-License-Identifier: MIT */
/*
 * memmap.c - from the memory that the machine has to frames that are free.
 *
 * The frame table lies in the memory that it describes, in the first place
 * that is large enough and not taken. What is left goes to the allocator.
 */
#include "arch/machine.h"
#include "buddy.h"
#include "mm/frame.h"

#ifdef CALF_TEST
#define AUDIT_BYTES sizeof *frame_audit_words
#else
#define AUDIT_BYTES 0
#endif

/* The end of the first taken region that touches [pa, pa + len), or 0. */
static paddr_t taken_until(const struct memory_map *map, paddr_t pa,
    uint64_t len)
{
	for (unsigned i = 0; i < map->taken_count; i++)
		if (map->taken[i].start < pa + len && map->taken[i].end > pa)
			return map->taken[i].end;
	return 0;
}

/* A place for `len` bytes in memory that is not taken. */
static paddr_t find_place(const struct memory_map *map, uint64_t len)
{
	for (unsigned i = 0; i < map->ram_count; i++) {
		paddr_t pa = page_ceil(map->ram[i].start), end;

		while (pa + len <= map->ram[i].end) {
			end = taken_until(map, pa, len);
			if (end == 0)
				return pa;
			pa = page_ceil(end);
		}
	}
	panic("expected %lu free bytes of memory for the frame table", len);
}

/* Gives what is neither taken nor the frame table, page by page in runs. */
static void give_region(const struct memory_map *map, const struct region *ram,
    const struct region *table)
{
	paddr_t pa = page_ceil(ram->start), end = page_floor(ram->end);
	paddr_t run = pa, taken;

	while (pa < end) {
		if (pa >= table->start && pa < table->end)
			taken = table->end;
		else
			taken = taken_until(map, pa, PAGE_SIZE);
		if (taken == 0) {
			pa += PAGE_SIZE;
			continue;
		}
		if (run < pa)
			frame_give(run, pa);
		pa = page_ceil(taken);
		run = pa;
	}
	if (run < end)
		frame_give(run, end);
}

void frame_init(const struct memory_map *map)
{
	paddr_t low = UINT64_MAX, high = 0;
	uint64_t bytes;
	struct region table;

	for (unsigned i = 0; i < map->ram_count; i++) {
		low = min_u64(low, page_floor(map->ram[i].start));
		high = max_u64(high, page_ceil(map->ram[i].end));
	}
	frame_base = low;
	frame_count = (high - low) >> PAGE_SHIFT;
	bytes = frame_count * (sizeof *frames + AUDIT_BYTES);
	table.start = find_place(map, bytes);
	table.end = page_ceil(table.start + bytes);
	frames = phys_to_virt(table.start);
#ifdef CALF_TEST
	frame_audit_words = (uint32_t *)&frames[frame_count];
#endif
	for (uint64_t i = 0; i < frame_count; i++)
		frames[i] = (struct frame){.state = FRAME_NOTHING,
		    .order = FRAME_NO_ORDER};
	buddy_init();
	frame_caches_init();
	for (unsigned i = 0; i < map->ram_count; i++)
		give_region(map, &map->ram[i], &table);
}
