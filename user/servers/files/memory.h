/* SPDX-License-Identifier: MIT */
/*
 * memory.h - the file server's memory: pages, and objects smaller than a page.
 *
 * There is a limit to all of it. What is given back can be used for anything
 * again, or goes back to the kernel. New memory is not cleared.
 */
#ifndef FILES_MEMORY_H
#define FILES_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MEMORY_PAGE 4096

/* Limits the number of pages. Pages that are in use stay. */
void memory_limit(uint64_t pages);

/*
 * While `insists` is set, memory is never refused: there is no limit, and if
 * the kernel has none the server waits for it.
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
 * `pages` pages, one behind the other, zeroed. Successors of the server, and
 * processes that map the pages, have the pages themselves and no copies. NULL
 * if there are none. Each page is given back alone, and is never used again.
 */
void *memory_shared(size_t pages);
void memory_shared_free(void *page);

/*
 * Memory of at most MEMORY_PAGE bytes, aligned to 16; NULL if there is none. It
 * is given back with the size with which it was taken.
 */
void *memory_alloc(size_t size);
void memory_free(void *mem, size_t size);

#endif
