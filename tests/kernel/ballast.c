/* SPDX-License-Identifier: MIT */
/* ballast.c - memory that is set aside, or taken so that allocations fail. */
#include "ballast.h"

struct hoard eaten = {{&eaten.list, &eaten.list}, 0};

void hoard_init(struct hoard *hoard)
{
	list_init(&hoard->list);
	hoard->frames = 0;
}

bool hoard_frame(struct hoard *hoard)
{
	struct frame *frame = frame_alloc(FRAME_KERNEL);

	if (frame == NULL)
		return false;
	list_push_front(&hoard->list, (struct list *)frame_virt(frame));
	hoard->frames++;
	return true;
}

void hoard_all_but(struct hoard *hoard, uint64_t leave)
{
	while (frame_free_count() > leave && hoard_frame(hoard))
		;
}

void hoard_return(struct hoard *hoard)
{
	struct list *first = hoard->list.next;

	assert(hoard->frames > 0);
	list_remove(first);
	hoard->frames--;
	frame_put(frame_of_virt(first));
}

void hoard_drop(struct hoard *hoard)
{
	while (!list_is_empty(&hoard->list))
		hoard_return(hoard);
}

void ballast_take(void)
{
	uint64_t free = frame_free_count();

	frame_aside = free > BALLAST_LEAVES ? free - BALLAST_LEAVES : 0;
}
