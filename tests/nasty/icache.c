/* SPDX-License-Identifier: MIT */
/*
 * icache.c - the instruction cache: bytes as they were when this hart fetched
 * them, or at any time since its last fence.i.
 *
 * A page is taken whole when its first instruction is executed, or earlier, by
 * chance. After a fence.i its bytes are compared with memory once.
 *
 * Ref: Volume I, "Zifencei".
 */
#include <stdlib.h>
#include <string.h>

#include "check.h"

static struct code_page **place_of(struct core *c, uint64_t frame)
{
	struct code_page **place = &c->code[frame & (CODE_PAGES - 1)];

	if (*place == NULL) {
		*place = calloc(1, sizeof **place);
		if (*place == NULL)
			abort();
		(*place)->frame = NOWHERE;
	}
	return place;
}

static void take(struct core *c, struct code_page *page, uint64_t frame)
{
	const void *bytes = ram_at(frame << PAGE_SHIFT);

	if (page->frame != frame ||
	    memcmp(page->bytes, bytes, PAGE_SIZE) != 0) {
		memcpy(page->bytes, bytes, PAGE_SIZE);
		memset(page->insns, 0, sizeof page->insns);
		page->frame = frame;
		hart_forget_code(&c->hart);
	}
	page->life = check_life(frame);
	page->fences = c->code_fences;
}

struct code_page *icache_page(struct core *c, uint64_t frame)
{
	struct code_page *page = *place_of(c, frame);

	/* Sometimes the cache has lost the page, and it is fetched again. */
	if (page->frame != frame || page->fences != c->code_fences ||
	    !machine.config.stale_code || chance(200))
		take(c, page, frame);
	return page;
}

/* A page that may be in use is not replaced. */
void icache_prefetch(struct core *c, uint64_t frame)
{
	struct code_page *page = *place_of(c, frame);

	if (!is_ram(frame << PAGE_SHIFT, PAGE_SIZE))
		return;
	if (page->frame == NOWHERE || page->fences != c->code_fences)
		take(c, page, frame);
}

void hart_fence_code(struct hart *h)
{
	struct core *c = core_of(h);

	late_drain(c);
	c->code_fences++;
	hart_forget_code(h);
}

void icache_decode_anew(struct core *c)
{
	for (unsigned i = 0; i < CODE_PAGES; i++)
		if (c->code[i] != NULL)
			memset(c->code[i]->insns, 0, sizeof c->code[i]->insns);
}
