/* SPDX-License-Identifier: MIT */
/*
 * memory.c - see tests/files/memory.h; instead of the server's own memory.c.
 */
#include "../../user/servers/files/memory.h"

#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "sim.h"

uint64_t memory_in_use;
uint64_t memory_asked;

static uint64_t fail_at;
static bool fail_from;
static uint64_t pages_limit = UINT64_MAX;
static uint64_t pages_used;
static uint64_t pages_given;
static bool insists;

void (*memory_asks)(void);

void memory_fail(uint64_t n, bool from)
{
	fail_at = n > 0 ? memory_asked + n : 0;
	fail_from = from;
}

static bool fails(void)
{
	if (memory_asks != NULL)
		memory_asks();
	memory_asked++;
	if (fail_at == 0 || insists)
		return false;
	return memory_asked == fail_at || (fail_from && memory_asked > fail_at);
}

void memory_insist(bool begins)
{
	insists = begins;
}

void memory_limit(uint64_t pages)
{
	pages_limit = pages;
}

uint64_t memory_pages_given(void)
{
	return pages_given;
}

uint64_t memory_pages_total(void)
{
	return pages_limit;
}

uint64_t memory_pages_free(void)
{
	return pages_limit - pages_used;
}

void *memory_page(void)
{
	void *page;

	if (fails() || (pages_used >= pages_limit && !insists))
		return NULL;
	page = aligned_alloc(MEMORY_PAGE, MEMORY_PAGE);
	memset(page, 0xa5, MEMORY_PAGE);
	pages_used++;
	memory_in_use++;
	return page;
}

void memory_page_free(void *page)
{
	if (memory_asks != NULL)
		memory_asks();
	pages_used--;
	pages_given++;
	memory_in_use--;
	free(page);
}

/*
 * Shared memory has one address in all processes of a test, also in those that
 * were forked before it was allocated.
 */
#define POOL_PAGES 16384UL

static struct pool {
	uint64_t used;
	_Alignas(MEMORY_PAGE) char pages[POOL_PAGES][MEMORY_PAGE];
} * pool;

void memory_pool_make(void)
{
	pool = sim_shared_memory(sizeof *pool);
}

void memory_pool_clear(void)
{
	if (pool == NULL)
		return;
	memset(pool->pages, 0, pool->used * MEMORY_PAGE);
	pool->used = 0;
}

void *memory_shared(size_t pages)
{
	char *mem;

	if (fails() || pages_used + pages > pages_limit)
		return NULL;
	if (pool == NULL)
		memory_pool_make();
	if (pages > POOL_PAGES - pool->used)
		sim_fail("the pool of shared memory is empty");
	mem = pool->pages[pool->used];
	pool->used += pages;
	pages_used += pages;
	memory_in_use += pages;
	return mem;
}

/* A process that has mapped the page keeps it. */
void memory_shared_free(void *page)
{
	if (memory_asks != NULL)
		memory_asks();
	(void)page;
	pages_used--;
	pages_given++;
	memory_in_use--;
}

/* In front of an object: it must be given back with its size. */
struct head {
	size_t size;
	size_t padding;
};

void *memory_alloc(size_t size)
{
	struct head *head;

	if (fails())
		return NULL;
	head = malloc(sizeof *head + size);
	memset(head + 1, 0xa5, size);
	head->size = size;
	memory_in_use++;
	return head + 1;
}

void memory_free(void *mem, size_t size)
{
	struct head *head = mem;

	if (mem == NULL)
		return;
	if (head[-1].size != size || size > MEMORY_PAGE)
		abort();
	memory_in_use--;
	free(head - 1);
}
