/* SPDX-License-Identifier: MIT */
/*
 * inspect.h - an address space as a spectator sees it; changes nothing.
 */
#ifndef MM_INSPECT_H
#define MM_INSPECT_H

#include "abi/calf.h"
#include "mm/aspace.h"

/* The translation of `va` (below USER_TOP), level by level. */
void inspect_walk(struct aspace *as, vaddr_t va, struct calf_walk *walk)
    EXCLUDES(as->lock);

/* The first run at or above `va`; false if there is none. */
bool inspect_next(struct aspace *as, vaddr_t va, struct calf_run *run)
    EXCLUDES(as->lock);

/*
 * Copies what there is of the first `len` bytes of the program's arguments, as
 * far as they are in one page. Returns how many.
 */
size_t inspect_args(struct aspace *as, void *to, size_t len) EXCLUDES(as->lock);

#endif
