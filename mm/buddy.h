/* SPDX-License-Identifier: MIT */
/*
 * buddy.h - free memory as blocks of 2^order frames, for frame.c alone.
 *
 * Knows nothing of references. A block's first frame carries its order, its
 * memory the links of the list that it is on.
 */
#ifndef MM_BUDDY_H
#define MM_BUDDY_H

#include "arch/lock.h"
#include "mm/frame.h"

#define BUDDY_MAX_ORDER 10

extern struct lock buddy_lock;

void buddy_init(void);

/* The lowest-addressed frame of a block, or NULL. */
MUST_USE struct frame *buddy_alloc(unsigned order) REQUIRES(buddy_lock);

/*
 * Merges with free neighbours as far as they go. Panics if the frame is free
 * already, or is no memory.
 */
void buddy_free(struct frame *block, unsigned order) REQUIRES(buddy_lock);

uint64_t buddy_free_count(void);

/* Recounts from the lists; panics over a block that does not belong there. */
uint64_t buddy_audit(void);

#endif
