/* SPDX-License-Identifier: MIT */
/*
 * memmap.h - memory that has never been used, for frame.c alone.
 */
#ifndef MM_MEMMAP_H
#define MM_MEMMAP_H

#include "mm/frame.h"

/*
 * Takes some such frames, `max` at most: adjacent ones from *first on, of which
 * nothing has been written. Returns how many.
 */
unsigned fresh_take(struct frame **first, unsigned max);

/* How many there are. */
uint64_t fresh_count(void);

#endif
