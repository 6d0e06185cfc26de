/* SPDX-License-Identifier: MIT */
/*
 * trace.c - replay and delta debugging.
 */
#include "trace.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void trace_boot(const struct trace *trace)
{
	sim_stale_counts = trace->stale_counts;
	world_boot(&trace->config);
}

void trace_step(const struct trace *trace, unsigned i)
{
	world_execute(&trace->ops[i]);
	if (i % trace->audit_every != trace->audit_every - 1)
		return;
	(void)aspace_audit();
	mmu_check_all();
	verify_all();
}

static void replay(void *arg)
{
	const struct trace *trace = arg;

	trace_boot(trace);
	for (unsigned i = 0; i < trace->count; i++)
		trace_step(trace, i);
	(void)aspace_audit();
	mmu_check_all();
	verify_all();
	world_end();
}

bool trace_fails(struct trace *trace)
{
	return !sim_run(replay, trace);
}

/* The list without ops[from .. from + n - 1]. */
static struct trace without(const struct trace *trace, unsigned from,
    unsigned n)
{
	struct trace less = *trace;

	less.count -= n;
	less.ops = malloc((less.count + 1) * sizeof *less.ops);
	memcpy(less.ops, trace->ops, from * sizeof *less.ops);
	memcpy(less.ops + from, trace->ops + from + n,
	    (less.count - from) * sizeof *less.ops);
	return less;
}

static bool try_without(struct trace *trace, unsigned from, unsigned n)
{
	struct trace less = without(trace, from, n);
	bool fails = trace_fails(&less);

	if (fails) {
		memcpy(trace->ops, less.ops, less.count * sizeof *less.ops);
		trace->count = less.count;
	}
	free(less.ops);
	return fails;
}

/* The shortest beginning that fails: most of the rest goes at once. */
static void cut_tail(struct trace *trace)
{
	unsigned low = 0, high = trace->count;

	while (low < high) {
		struct trace part = *trace;

		part.count = (low + high) / 2;
		if (trace_fails(&part))
			high = part.count;
		else
			low = part.count + 1;
	}
	trace->count = high;
}

/* Audits after each step, as that finds the mistake earlier. */
static void audit_often(struct trace *trace)
{
	struct trace often = *trace;

	often.audit_every = 1;
	if (trace->count > 2000 || !trace_fails(&often))
		return;
	cut_tail(&often);
	*trace = often;
}

/* Gives arguments that do not matter their usual values. */
static void simplify(struct trace *trace)
{
	for (unsigned i = 0; i < trace->count; i++) {
		struct op *op = &trace->ops[i], before = *op;

		op->inside = 0;
		if (before.inside != 0 && !trace_fails(trace))
			*op = before;
		before = *op;
		op->fail = op->fail_from = 0;
		if (before.fail != 0 && !trace_fails(trace))
			*op = before;
		before = *op;
		op->budget = RANGE_BUDGET;
		if (before.budget != RANGE_BUDGET && !trace_fails(trace))
			*op = before;
	}
}

void trace_shrink(struct trace *trace)
{
	bool progress = true;

	sim_quiet = true;
	if (!trace_fails(trace))
		return;
	cut_tail(trace);
	audit_often(trace);
	for (unsigned n = trace->count / 2; n > 0 || progress;) {
		progress = false;
		if (n == 0)
			n = 1;
		for (unsigned at = trace->count; at >= n; at -= n)
			progress |= try_without(trace, at - n, n);
		n = progress && n == 1 ? 1 : n / 2;
	}
	simplify(trace);
	(void)trace_fails(trace);
	sim_quiet = false;
}

void trace_print(const struct trace *trace)
{
	printf("# %u frames, %u ASID bits, %s: %s\n", trace->config.frames,
	    trace->config.asid_bits,
	    trace->stale_counts ? "late counts" : "exact counts", sim_text);
	for (unsigned i = 0; i < trace->count; i++)
		op_print(&trace->ops[i], i);
}
