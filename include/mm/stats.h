/* SPDX-License-Identifier: MIT */
/*
 * stats.h - counters of what mm/ did, kept by each hart for itself and added
 * up when somebody asks. They decide nothing.
 */
#ifndef MM_STATS_H
#define MM_STATS_H

#include "arch/hart.h"

struct mm_stats {
	uint64_t forks;
	uint64_t page_copies;
	uint64_t page_reuses;
	uint64_t page_zeros;
	uint64_t table_copies;
	uint64_t table_reuses;
} ALIGNED(64);

extern struct mm_stats mm_stats[MAX_HARTS];

#define mm_count(name) (mm_stats[hart_index()].name++)

/* The sum over all harts. */
struct mm_stats mm_stats_sum(void);

#endif
