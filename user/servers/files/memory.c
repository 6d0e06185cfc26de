/* SPDX-License-Identifier: MIT */
/*
 * memory.c - see memory.h.
 *
 * Pages come from blocks of 64, each mapped at a multiple of its size. The
 * first page of a block says which of the others are free; a block of which
 * all are free goes back to the kernel. Objects come from pages of their own, a
 * list of such pages for each size; a page without objects is freed.
 *
 * Pages that are shared are mapped as they are wanted, and unmapped one by one:
 * a process that has mapped them keeps them.
 *
 * So every operation takes a constant time, whatever was freed before it and
 * in which order.
 */
#include "memory.h"

#include <sys/mman.h>
#include <unistd.h>

#define BLOCK_PAGES 64
#define BLOCK_BYTES ((uintptr_t)BLOCK_PAGES * MEMORY_PAGE)
/* all but the first page, which is the block's own */
#define ALL_FREE (~1UL)

#define OBJECT_UNIT  16
#define OBJECT_SIZES 128 /* sizes in units; a larger object gets a page */

struct link {
	struct link *next, *previous;
};

/* The first page of a block. */
struct block {
	struct link link; /* in the list `blocks` while it has a free page */
	uint64_t free;    /* a bit for each page */
};

struct object {
	struct object *next;
};

/* The beginning of a page of objects. */
struct slab {
	/* in a list of `slabs` while it has a free object */
	struct link link;
	struct object *free; /* objects that were given back */
	uint16_t used;
	uint16_t fresh; /* offset of the objects that were never used */
	uint32_t padding;
};

_Static_assert(sizeof(struct slab) % OBJECT_UNIT == 0, "aligns the objects");

static struct link blocks = {&blocks, &blocks};
static struct link slabs[OBJECT_SIZES + 1];
static uint64_t limit_pages = UINT64_MAX;
static uint64_t used_pages;
static uint64_t given_pages;
static bool is_insisting;

static void link_insert(struct link *list, struct link *link)
{
	link->next = list->next;
	link->previous = list;
	list->next->previous = link;
	list->next = link;
}

static void link_remove(struct link *link)
{
	link->next->previous = link->previous;
	link->previous->next = link->next;
}

void memory_limit(uint64_t pages)
{
	limit_pages = pages;
}

void memory_insist(bool insists)
{
	is_insisting = insists;
}

uint64_t memory_pages_given(void)
{
	return given_pages;
}

uint64_t memory_pages_total(void)
{
	return limit_pages;
}

uint64_t memory_pages_free(void)
{
	return used_pages < limit_pages ? limit_pages - used_pages : 0;
}

/* Memory of the kernel; MAP_FAILED if there is none. */
static char *kernel_memory(size_t size)
{
	for (;;) {
		char *mem = mmap(NULL, size, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (mem != MAP_FAILED || !is_insisting)
			return mem;
		usleep(10000);
	}
}

/* Maps twice the size of a block: in that there is an aligned block. */
static bool block_map(void)
{
	char *mem = kernel_memory(2 * BLOCK_BYTES);
	uintptr_t before;
	struct block *block;

	if (mem == MAP_FAILED)
		return false;
	before = -(uintptr_t)mem % BLOCK_BYTES;
	if (before > 0)
		(void)munmap(mem, before);
	(void)munmap(mem + before + BLOCK_BYTES, BLOCK_BYTES - before);
	block = (struct block *)(mem + before);
	block->free = ALL_FREE;
	link_insert(&blocks, &block->link);
	return true;
}

void *memory_page(void)
{
	struct block *block;
	unsigned i;

	if (used_pages >= limit_pages && !is_insisting)
		return NULL;
	if (blocks.next == &blocks && !block_map())
		return NULL;
	block = (struct block *)blocks.next;
	i = (unsigned)__builtin_ctzl(block->free);
	block->free &= block->free - 1;
	if (block->free == 0)
		link_remove(&block->link);
	used_pages++;
	return (char *)block + (size_t)i * MEMORY_PAGE;
}

void memory_page_free(void *page)
{
	uintptr_t at = (uintptr_t)page % BLOCK_BYTES;
	struct block *block = (struct block *)((char *)page - at);

	if (block->free == 0)
		link_insert(&blocks, &block->link);
	block->free |= 1UL << at / MEMORY_PAGE;
	used_pages--;
	given_pages++;
	if (block->free == ALL_FREE) {
		link_remove(&block->link);
		(void)munmap(block, BLOCK_BYTES);
	}
}

/* Not even a replay insists on these pages: it shares none. */
void *memory_shared(size_t pages)
{
	void *mem;

	if (pages > memory_pages_free())
		return NULL;
	mem = mmap(NULL, pages * MEMORY_PAGE, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (mem == MAP_FAILED)
		return NULL;
	used_pages += pages;
	return mem;
}

void memory_shared_free(void *page)
{
	(void)munmap(page, MEMORY_PAGE);
	used_pages--;
	given_pages++;
}

/* The list of pages for objects of so many units. */
static struct link *slab_list(size_t units)
{
	struct link *list = &slabs[units];

	if (list->next == NULL)
		list->next = list->previous = list;
	return list;
}

static bool slab_is_full(const struct slab *slab, size_t bytes)
{
	return slab->free == NULL && slab->fresh + bytes > MEMORY_PAGE;
}

static struct slab *slab_new(struct link *list)
{
	struct slab *slab = memory_page();

	if (slab == NULL)
		return NULL;
	*slab = (struct slab){.fresh = sizeof *slab};
	link_insert(list, &slab->link);
	return slab;
}

static size_t units_of(size_t size)
{
	return (size + OBJECT_UNIT - 1) / OBJECT_UNIT;
}

void *memory_alloc(size_t size)
{
	size_t units = units_of(size), bytes = units * OBJECT_UNIT;
	struct link *list;
	struct slab *slab;
	void *mem;

	if (units > OBJECT_SIZES)
		return memory_page();
	list = slab_list(units);
	slab = list->next != list ? (struct slab *)list->next : slab_new(list);
	if (slab == NULL)
		return NULL;
	mem = slab->free;
	if (mem != NULL) {
		slab->free = slab->free->next;
	} else {
		mem = (char *)slab + slab->fresh;
		slab->fresh = (uint16_t)(slab->fresh + bytes);
	}
	slab->used++;
	if (slab_is_full(slab, bytes))
		link_remove(&slab->link);
	return mem;
}

void memory_free(void *mem, size_t size)
{
	size_t units = units_of(size), bytes = units * OBJECT_UNIT;
	uintptr_t at = (uintptr_t)mem % MEMORY_PAGE;
	struct slab *slab = (struct slab *)((char *)mem - at);
	struct object *object = mem;

	if (mem == NULL)
		return;
	if (units > OBJECT_SIZES) {
		memory_page_free(mem);
		return;
	}
	if (slab_is_full(slab, bytes))
		link_insert(slab_list(units), &slab->link);
	object->next = slab->free;
	slab->free = object;
	if (--slab->used == 0) {
		link_remove(&slab->link);
		memory_page_free(slab);
	}
}
