/* SPDX-License-Identifier: MIT */
/*
 * slab.c - small kernel objects.
 *
 * Each page begins with a header; free objects are chained through their first
 * word. Full pages are on no list and found again by their address.
 */
#include "mm/slab.h"

#include "mm/frame.h"

struct slab_page {
	struct list link; /* slab.partial, unless full */
	void **free;      /* first free object */
	uint32_t in_use;
	uint32_t capacity;
};

static struct slab_page *page_of(void *object)
{
	return (struct slab_page *)page_floor((uintptr_t)object);
}

/* A page whose objects are all chained. */
static struct slab_page *page_create(size_t size)
{
	struct frame *frame = (frame_alloc)(FRAME_KERNEL);
	struct slab_page *page;
	size_t first = (sizeof *page + 15) & ~15UL;
	char *object;

	if (frame == NULL)
		return NULL;
	page = frame_virt(frame);
	page->free = NULL;
	page->in_use = 0;
	page->capacity = (uint32_t)((PAGE_SIZE - first) / size);
	for (uint32_t i = page->capacity; i-- > 0;) {
		object = (char *)page + first + i * size;
		*(void ***)(void *)object = page->free;
		page->free = (void **)(void *)object;
	}
	return page;
}

void *(slab_alloc)(struct slab *slab)
{
	struct slab_page *page;
	void **object = NULL;

	if (frame_must_fail())
		return NULL;
	lock_acquire(&slab->lock);
	if (!slab->ready) {
		list_init(&slab->partial);
		slab->ready = true;
	}
	if (list_is_empty(&slab->partial)) {
		page = page_create(slab->size);
		if (page == NULL)
			goto out;
		list_push_front(&slab->partial, &page->link);
	}
	page = list_entry(slab->partial.next, struct slab_page, link);
	object = page->free;
	page->free = *object;
	if (++page->in_use == page->capacity)
		list_remove(&page->link);
out:
	lock_release(&slab->lock);
	return object;
}

void slab_free(struct slab *slab, void *object)
{
	struct slab_page *page = page_of(object);

	lock_acquire(&slab->lock);
	assert(page->in_use > 0);
	*(void ***)object = page->free;
	page->free = object;
	if (page->in_use-- == page->capacity)
		list_push_front(&slab->partial, &page->link);
	if (page->in_use == 0)
		list_remove(&page->link);
	else
		page = NULL;
	lock_release(&slab->lock);
	if (page != NULL)
		frame_put(frame_of_virt(page));
}
