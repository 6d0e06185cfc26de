/* SPDX-License-Identifier: MIT */
/*
 * hart.h - simulated harts. One of them executes at a time: sim_hart.
 */
#ifndef ARCH_HART_H
#define ARCH_HART_H

#include "arch/layout.h"
#include "arch/stats.h"
#include "lib/types.h"

/* What mm/ and arch/tlb.c use of the real one. */
struct hart {
	unsigned index;
	uint64_t code_epoch;
	uint64_t asid_round;
	uint32_t asid_next;
	uint32_t tables;
	const void *proc; /* not NULL in tests where a process runs */
	uint64_t root;
	struct frame_cache *frame_cache;
	struct stats stats;
};

extern struct hart harts[MAX_HARTS];
extern unsigned hart_count;
extern unsigned sim_hart;

static inline struct hart *hart_self(void)
{
	return &harts[sim_hart];
}

static inline unsigned hart_index(void)
{
	return sim_hart;
}

#endif
