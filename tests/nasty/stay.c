/* SPDX-License-Identifier: MIT */
/*
 * stay.c - how long a hart stays in the kernel, and whether a process gets out
 * of it; see stay.h.
 */
#include "stay.h"

#include <inttypes.h>
#include <stdio.h>

#include "report.h"

static struct {
	uint64_t steps, cause, call;
} longest;

#define SAME_FAULTS 2000

/*
 * A fault that is dealt with does not come back for ever, unless the process
 * handles it and goes on elsewhere.
 */
void stay_check_loop(struct core *c)
{
	struct hart *h = &c->hart;

	if (h->scause >> 63 != 0) /* an interrupt, which changes nothing */
		return;
	if (h->sepc != c->fault_pc || h->stval != c->fault_va ||
	    h->scause < CAUSE_FETCH_PAGE || h->scause > CAUSE_STORE_PAGE)
		c->same_faults = 0;
	c->fault_pc = h->sepc;
	c->fault_va = h->stval;
	if (++c->same_faults == SAME_FAULTS)
		report_failure(c,
		    "loop: the instruction at %#" PRIx64 " took "
		    "the same page fault at %#" PRIx64 " %u times",
		    h->sepc, h->stval, SAME_FAULTS);
}

void stay_begin(struct core *c)
{
	c->entry_steps = hart_steps(&c->hart);
	c->entry_cause = c->hart.scause;
	c->entry_call = c->hart.x[17];
}

static const char *entry_name(uint64_t cause, uint64_t call)
{
	static char name[48];

	if (cause == CAUSE_ECALL_U)
		snprintf(name, sizeof name, "call %" PRIu64, call);
	else
		snprintf(name, sizeof name, "cause %#" PRIx64, cause);
	return name;
}

static uint64_t entry_length(const struct core *c)
{
	return hart_steps(&c->hart) - c->entry_steps;
}

static void fail_if_too_long(struct core *c, uint64_t steps)
{
	uint64_t limit = machine.config.entry_limit;

	if (limit != 0 && steps > limit)
		report_failure(c,
		    "entry: expected at most %" PRIu64 " instructions in the "
		    "kernel, %s took %" PRIu64,
		    limit, entry_name(c->entry_cause, c->entry_call), steps);
}

void stay_check(struct core *c)
{
	if (c->hart.priv == PRIV_S && c->entry_steps != 0)
		fail_if_too_long(c, entry_length(c));
}

void stay_end(struct core *c)
{
	uint64_t steps = entry_length(c);

	if (steps <= longest.steps || c->entry_steps == 0)
		return;
	longest.steps = steps;
	longest.cause = c->entry_cause;
	longest.call = c->entry_call;
	fail_if_too_long(c, steps);
}

void stay_summary(void)
{
	if (longest.steps > 0)
		fprintf(stderr,
		    "# nasty: the longest entry to the kernel took "
		    "%" PRIu64 " instructions: %s\n",
		    longest.steps, entry_name(longest.cause, longest.call));
}
