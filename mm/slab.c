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

#ifdef CALF_TEST
static struct lock slabs_lock;
static struct slab *slabs GUARDED_BY(slabs_lock);

static void slab_register(struct slab *slab)
{
	lock_acquire(&slabs_lock);
	slab->next = slabs;
	slabs = slab;
	lock_release(&slabs_lock);
}

static uint64_t excess_of(struct slab *slab)
{
	size_t first = (sizeof(struct slab_page) + 15) & ~15UL;
	uint64_t capacity = (PAGE_SIZE - first) / slab->size, excess;

	lock_acquire(&slab->lock);
	excess = slab->pages - (slab->objects + capacity - 1) / capacity;
	lock_release(&slab->lock);
	return excess;
}

uint64_t slab_excess(void)
{
	uint64_t excess = 0;

	lock_acquire(&slabs_lock);
	for (struct slab *slab = slabs; slab != NULL; slab = slab->next)
		excess += excess_of(slab);
	lock_release(&slabs_lock);
	return excess;
}

#define COUNT(slab, what, n) ((slab)->what += (uint64_t)(n))
#else
#define slab_register(slab)  ((void)0)
#define COUNT(slab, what, n) ((void)0)
#endif

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
		slab_register(slab);
	}
	if (list_is_empty(&slab->partial)) {
		page = page_create(slab->size);
		if (page == NULL)
			goto out;
		list_push_front(&slab->partial, &page->link);
		COUNT(slab, pages, 1);
	}
	page = list_entry(slab->partial.next, struct slab_page, link);
	object = page->free;
	page->free = *object;
	COUNT(slab, objects, 1);
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
	COUNT(slab, objects, -1);
	*(void ***)object = page->free;
	page->free = object;
	if (page->in_use-- == page->capacity)
		list_push_front(&slab->partial, &page->link);
	if (page->in_use == 0) {
		list_remove(&page->link);
		COUNT(slab, pages, -1);
	} else {
		page = NULL;
	}
	lock_release(&slab->lock);
	if (page != NULL)
		frame_put(frame_of_virt(page));
}
