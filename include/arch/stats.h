/* SPDX-License-Identifier: MIT */
/*
 * stats.h - counters of what was done, kept by each hart for itself and added
 * up when somebody asks. They decide nothing.
 */
#ifndef ARCH_STATS_H
#define ARCH_STATS_H

#include "lib/types.h"

struct stats {
	uint64_t forks;
	uint64_t execs;
	uint64_t page_faults;
	uint64_t page_copies;
	uint64_t page_reuses;
	uint64_t page_zeros;
	uint64_t table_copies;
	uint64_t table_reuses;
	uint64_t table_passes;
	uint64_t oom_kills;
	uint64_t switches;
	uint64_t wakes;
	uint64_t handovers; /* straight to the other side of a request */
};

#define stats_count(name) (hart_self()->stats.name++)

/* The sum over all harts. */
struct stats stats_sum(void);

#endif
