/* SPDX-License-Identifier: MIT */
/*
 * ballast.c - memory that is set aside, or eaten to leave others without.
 */
#include "ballast.h"

#define MAX_ORDER 10
/* In hoarded.order: came by way of the cache. */
#define SINGLE UINT64_MAX

static struct hoard ballast;
struct hoard eaten = {{&eaten.blocks, &eaten.blocks}, 0};

void hoard_init(struct hoard *hoard)
{
	list_init(&hoard->blocks);
	hoard->frames = 0;
}

static void hoard_add(struct hoard *hoard, struct frame *block, uint64_t order)
{
	struct hoarded *h = frame_virt(block);

	h->order = order;
	list_push_front(&hoard->blocks, &h->link);
	hoard->frames += order == SINGLE ? 1 : 1UL << order;
}

bool hoard_block(struct hoard *hoard, unsigned order)
{
	struct frame *block = frame_alloc_block(order);

	if (block != NULL)
		hoard_add(hoard, block, order);
	return block != NULL;
}

bool hoard_frame(struct hoard *hoard)
{
	struct frame *frame = frame_alloc(FRAME_KERNEL);

	if (frame != NULL)
		hoard_add(hoard, frame, SINGLE);
	return frame != NULL;
}

void hoard_all_but(struct hoard *hoard, uint64_t leave)
{
	while (frame_free_count() > leave && hoard_frame(hoard))
		;
}

void hoard_return(struct hoard *hoard)
{
	struct hoarded *h =
	    list_entry(hoard->blocks.next, struct hoarded, link);
	struct frame *block = frame_of_virt(h);
	uint64_t order = h->order;

	assert(hoard->frames > 0);
	list_remove(&h->link);
	if (order == SINGLE) {
		hoard->frames--;
		frame_put(block);
	} else {
		hoard->frames -= 1UL << order;
		frame_free_block(block, (unsigned)order);
	}
}

void hoard_drop(struct hoard *hoard)
{
	while (!list_is_empty(&hoard->blocks))
		hoard_return(hoard);
}

uint64_t blocks_of_order(unsigned order)
{
	struct hoard hoard;
	uint64_t count;

	frame_drain_caches();
	hoard_init(&hoard);
	while (hoard_block(&hoard, order))
		;
	count = hoard.frames >> order;
	hoard_drop(&hoard);
	return count;
}

void ballast_take(void)
{
	hoard_init(&ballast);
	for (unsigned order = MAX_ORDER + 1; order-- > 0;)
		while (frame_free_count() >= BALLAST_LEAVES + (1UL << order) &&
		    hoard_block(&ballast, order))
			;
}

void ballast_drop(void)
{
	hoard_drop(&ballast);
}
