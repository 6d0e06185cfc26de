/* SPDX-License-Identifier: MIT */
/*
 * slab.h - small kernel objects of one size, several to a frame.
 *
 * A frame goes back to the allocator with its last object, so that the number
 * of free frames tells exactly whether anything leaked.
 */
#ifndef MM_SLAB_H
#define MM_SLAB_H

#include "arch/lock.h"
#include "lib/compiler.h"
#include "lib/list.h"
#include "mm/alloc_site.h"

struct slab {
	struct lock lock;
	size_t size;         /* of an object, a multiple of 16 */
	struct list partial; /* pages with a free object */
	bool ready;
#ifdef CALF_TEST
	uint64_t pages, objects;
	struct slab *next; /* that is in use */
#endif
};

#define SLAB_INIT(type)                             \
	{                                           \
		.size = (sizeof(type) + 15) & ~15UL \
	}

void slab_free(struct slab *slab, void *object);

/* An object with undefined contents, or NULL if there is no frame for it. */
MUST_USE ALLOCATES(slab_free, 2) void *slab_alloc(struct slab *slab);

/*
 * Test builds: how many frames there would be less if objects that are left had
 * been put together. What they lie beside is chance.
 */
uint64_t slab_excess(void);

/* From here on a call is known by its place. */
#ifdef ALLOC_SITE
#define slab_alloc(slab) (ALLOC_SITE, (slab_alloc)(slab))
#endif

#endif
