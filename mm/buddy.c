/* SPDX-License-Identifier: MIT */
/*
 * buddy.c - the buddy allocator.
 *
 * Blocks of 2^order frames, aligned to their size counted from physical 0, on
 * one list for each order. A block is split in halves until it fits, and merged
 * with its other half, its buddy, whenever both are free.
 */
#include "buddy.h"

#include "lib/list.h"

struct lock buddy_lock;
static struct list blocks[BUDDY_MAX_ORDER + 1] GUARDED_BY(buddy_lock);
static uint64_t free_frames; /* [A] written under buddy_lock */

void buddy_init(void) NO_LOCK_CHECK
{
	for (unsigned order = 0; order <= BUDDY_MAX_ORDER; order++)
		list_init(&blocks[order]);
}

static struct list *block_link(struct frame *block)
{
	return frame_virt(block);
}

static void block_insert(struct frame *block, unsigned order)
    REQUIRES(buddy_lock)
{
	block->order = (uint8_t)order;
	list_push_front(&blocks[order], block_link(block));
}

static void block_remove(struct frame *block)
{
	block->order = FRAME_NO_ORDER;
	list_remove(block_link(block));
}

static void count_add(int64_t n)
{
	__atomic_store_n(&free_frames, free_frames + (uint64_t)n,
	    __ATOMIC_RELAXED);
}

struct frame *buddy_alloc(unsigned order)
{
	unsigned from = order;
	struct frame *block;

	while (from <= BUDDY_MAX_ORDER && list_is_empty(&blocks[from]))
		from++;
	if (from > BUDDY_MAX_ORDER)
		return NULL;
	block = frame_of_virt(blocks[from].next);
	block_remove(block);
	while (from > order) {
		from--;
		block_insert(block + (1UL << from), from);
	}
	count_add(-(int64_t)(1UL << order));
	return block;
}

/* The other half of the next larger block, if it is free as a whole. */
static struct frame *free_buddy(struct frame *block, unsigned order)
{
	paddr_t pa = frame_paddr(block) ^ (PAGE_SIZE << order);
	struct frame *buddy;

	if (pa - frame_base >= frame_count << PAGE_SHIFT)
		return NULL;
	buddy = frame_of(pa);
	if (buddy->state != FRAME_FREE || buddy->order != order)
		return NULL;
	return buddy;
}

void buddy_free(struct frame *block, unsigned order)
{
	struct frame *buddy;

	assert(block->state == FRAME_FREE);
	assert(block->order == FRAME_NO_ORDER);
	count_add((int64_t)(1UL << order));
	while (order < BUDDY_MAX_ORDER &&
	    (buddy = free_buddy(block, order)) != NULL) {
		block_remove(buddy);
		if (buddy < block)
			block = buddy;
		order++;
	}
	block_insert(block, order);
}

uint64_t buddy_free_count(void)
{
	return __atomic_load_n(&free_frames, __ATOMIC_RELAXED);
}

uint64_t buddy_audit(void) NO_LOCK_CHECK
{
	uint64_t sum = 0;

	for (unsigned order = 0; order <= BUDDY_MAX_ORDER; order++) {
		list_for_each(link, &blocks[order]) {
			struct frame *block = frame_of_virt(link);

			assert(block->order == order);
			assert((frame_paddr(block) >> PAGE_SHIFT) %
				(1UL << order) ==
			    0);
			for (uint64_t i = 0; i < 1UL << order; i++) {
				assert(block[i].state == FRAME_FREE);
				assert(block[i].refs == 0);
			}
			sum += 1UL << order;
		}
	}
	assert(sum == free_frames);
	return sum;
}
