/* SPDX-License-Identifier: MIT */
/*
 * trace.h - recorded operations: executed again in a fresh machine, and made
 * fewer as long as the failure stays.
 */
#ifndef HOST_TRACE_H
#define HOST_TRACE_H

#include "world.h"

struct trace {
	struct sim_config config;
	uint32_t audit_every; /* operations */
	bool stale_counts;
	unsigned count; /* of operations; shared with the child that records */
	struct op *ops;
};

/* Executes the operation, and audits where it is time. */
void trace_step(const struct trace *trace, unsigned i);

void trace_boot(const struct trace *trace);

/* Does the list still fail, in a process of its own? */
bool trace_fails(struct trace *trace);

/* Removes what the failure does not need. */
void trace_shrink(struct trace *trace);
void trace_print(const struct trace *trace);

#endif
