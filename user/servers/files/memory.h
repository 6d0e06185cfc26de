/* SPDX-License-Identifier: MIT */
/*
 * memory.h - where the file server's memory comes from: pages, and what is
 * smaller than one.
 *
 * There is a limit to all of it. What is given back can be used for anything
 * again, or goes back to the kernel. What comes from here is not cleared.
 */
#ifndef FILES_MEMORY_H
#define FILES_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MEMORY_PAGE 4096

/* From now on there are so many pages; those that are in use stay. */
void memory_limit(uint64_t pages);

/*
 * From now on, or until then no more, who wants memory gets it: there is no
 * limit, and where the kernel has none it is waited for.
 */
void memory_insist(bool insists);

/* How many pages were ever given back. */
uint64_t memory_pages_given(void);

uint64_t memory_pages_total(void);
uint64_t memory_pages_free(void);

/* A page, at a multiple of its size; NULL if there is none. */
void *memory_page(void);
void memory_page_free(void *page);

/*
 * So many pages, one behind the other, which successors of the server have as
 * well, and not as copies: so has whoever maps them. All bytes are zero. NULL
 * if there are none. Each is given back alone, and is never used again.
 */
void *memory_shared(size_t pages);
void memory_shared_free(void *page);

/*
 * At most MEMORY_PAGE bytes, aligned to 16; NULL if there are none. Who gives
 * them back says again how many they were.
 */
void *memory_alloc(size_t size);
void memory_free(void *mem, size_t size);

#endif
