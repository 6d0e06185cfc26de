/* SPDX-License-Identifier: MIT */
/* slab.h - the real one, with its allocations counted like those of frames. */
#ifndef HOST_MM_SLAB_H
#define HOST_MM_SLAB_H

#include_next "mm/slab.h"

#include "mm/frame.h"

void *sim_slab_alloc(struct slab *slab, struct alloc_site *site);

#ifndef HOST_DEFINES_SLAB_ALLOC
#define slab_alloc(slab) SIM_ALLOC_AT(sim_slab_alloc, slab)
#endif

#endif
