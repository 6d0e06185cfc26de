/* SPDX-License-Identifier: MIT */
/*
 * memmap.c - from the memory that the machine has to frames that are free.
 *
 * The frame table lies in the memory that it describes, in the first place
 * that is large enough and not taken. What is left is handed out from its lower
 * end upwards. Until then nothing is written to it, nor to the frame table.
 */
#include "memmap.h"

#include "arch/lock.h"
#include "arch/machine.h"

#ifdef CALF_TEST
#define AUDIT_BYTES sizeof *frame_audit_words
#else
#define AUDIT_BYTES 0
#endif

/* ---- Memory that has never been used ---- */

/* Memory in one piece; frames from `fresh` on have never been used. */
struct bank {
	uint64_t start; /* indices of frames */
	uint64_t fresh;
	uint64_t end;
};

#define MAX_BANKS 64

static struct lock bank_lock;
static struct bank banks[MAX_BANKS] GUARDED_BY(bank_lock);
static unsigned bank_count GUARDED_BY(bank_lock);
static uint64_t fresh_frames; /* [A] written under bank_lock */
static uint64_t total_frames;

#ifdef CALF_TEST
uint64_t frame_aside;
#endif

uint64_t fresh_count(void)
{
	uint64_t count = __atomic_load_n(&fresh_frames, __ATOMIC_RELAXED);

#ifdef CALF_TEST
	return count > frame_aside ? count - frame_aside : 0;
#else
	return count;
#endif
}

unsigned fresh_take(struct frame **first, unsigned max)
{
	unsigned count = 0;

	lock_acquire(&bank_lock);
	for (unsigned i = 0; i < bank_count && count == 0; i++) {
		struct bank *bank = &banks[i];

		*first = &frames[bank->fresh];
		count = (unsigned)min_u64(bank->end - bank->fresh, max);
		count = (unsigned)min_u64(count, fresh_count());
		bank->fresh += count;
	}
	fresh_frames -= count;
	lock_release(&bank_lock);
	return count;
}

uint64_t frame_total_count(void)
{
	return total_frames;
}

static bool banks_meet(const struct bank *a, const struct bank *b)
{
	return a->start < b->end && b->start < a->end;
}

static void bank_add(struct bank bank)
{
	lock_acquire(&bank_lock);
	if (bank_count == MAX_BANKS)
		panic("expected at most %u pieces of memory", MAX_BANKS);
	for (unsigned i = 0; i < bank_count; i++)
		assert(!banks_meet(&bank, &banks[i]));
	banks[bank_count++] = bank;
	fresh_frames += bank.end - bank.fresh;
	total_frames += bank.end - bank.start;
	lock_release(&bank_lock);
}

static uint64_t frame_index(paddr_t pa)
{
	return (pa - frame_base) >> PAGE_SHIFT;
}

void frame_give(paddr_t start, paddr_t end)
{
	uint64_t first = frame_index(start);

	bank_add((struct bank){first, first, frame_index(end)});
}

void frame_adopt(paddr_t start, paddr_t end)
{
	uint64_t last = frame_index(end);

	bank_add((struct bank){frame_index(start), last, last});
}

#ifdef CALF_TEST
struct frame *frame_next_known(const struct frame *f) NO_LOCK_CHECK
{
	uint64_t at = f == NULL ? 0 : (uint64_t)(f - frames) + 1;
	uint64_t next = UINT64_MAX;

	for (unsigned i = 0; i < bank_count; i++) {
		uint64_t first = max_u64(at, banks[i].start);

		if (first < banks[i].fresh)
			next = min_u64(next, first);
	}
	return next == UINT64_MAX ? NULL : &frames[next];
}

bool frame_is_memory(const struct frame *f) NO_LOCK_CHECK
{
	uint64_t at = (uint64_t)(f - frames);

	for (unsigned i = 0; i < bank_count; i++)
		if (at >= banks[i].start && at < banks[i].end)
			return true;
	return false;
}
#endif

/* ---- Boot ---- */

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

/* Where the next taken region begins, from `pa` on, or `end`. */
static paddr_t taken_from(const struct memory_map *map, paddr_t pa, paddr_t end)
{
	for (unsigned i = 0; i < map->taken_count; i++)
		if (map->taken[i].start > pa)
			end = min_u64(end, page_floor(map->taken[i].start));
	return end;
}

/* Gives what is neither taken nor the frame table. */
static void give_region(const struct memory_map *map, const struct region *ram,
    const struct region *table)
{
	paddr_t pa = page_ceil(ram->start), end = page_floor(ram->end);

	while (pa < end) {
		paddr_t taken = taken_until(map, pa, PAGE_SIZE);
		paddr_t next = taken_from(map, pa, end);

		if (pa >= table->start && pa < table->end)
			taken = table->end;
		if (pa < table->start)
			next = min_u64(next, table->start);
		if (taken != 0) {
			pa = page_ceil(taken);
			continue;
		}
		frame_give(pa, next);
		pa = next;
	}
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
	frame_caches_init();
	for (unsigned i = 0; i < map->ram_count; i++)
		give_region(map, &map->ram[i], &table);
}
