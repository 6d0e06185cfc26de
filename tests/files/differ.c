/* SPDX-License-Identifier: MIT */
/*
 * differ.c - random sequences of operations, on a tree and on a tmpfs of the
 * build machine; after each operation both results must be equal, and after
 * each sequence both trees are compared.
 *
 *     differ [--sequences N] [--ops N] [--seed N]
 *
 * A sequence that fails is reduced to the operations that it needs, and
 * printed.
 */
#include "differ.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim.h"
#include "tap.h"

#define MAX_OPS 400
static struct op ops[MAX_OPS];
static bool left_out[MAX_OPS];

/* --- sequences ------------------------------------------------------------ */

/* NULL, or what differs; *at is the operation then. */
static const char *sequence(unsigned count, unsigned *at)
{
	static char text[300];
	const char *problem = NULL, *left;

	compare_begin();
	for (*at = 0; *at < count && problem == NULL; ++*at)
		if (!left_out[*at])
			problem = compare_op(&ops[*at]);
	if (problem == NULL)
		problem = compare_trees();
	if (problem != NULL)
		(void)snprintf(text, sizeof text, "%s", problem);
	left = ours_end();
	if (problem != NULL)
		return text;
	return left;
}

/* Leaves out all operations without which the sequence fails as well. */
static void shrink(unsigned count)
{
	unsigned at;

	for (unsigned part = count; part > 0; part /= 2) {
		for (unsigned i = 0; i + part <= count; i += part) {
			bool kept[MAX_OPS];

			memcpy(kept, left_out, sizeof kept);
			memset(left_out + i, true, part * sizeof *left_out);
			if (sequence(count, &at) == NULL)
				memcpy(left_out, kept, sizeof kept);
		}
	}
}

static void report(uint64_t seed, unsigned count)
{
	const char *problem;
	unsigned at;

	shrink(count);
	problem = sequence(count, &at);
	if (problem == NULL)
		problem = "it does not fail again";
	for (unsigned i = 0; i < at; i++)
		if (!left_out[i])
			op_print(&ops[i]);
	(void)fflush(stdout);
	sim_fail("seed %lu: %s", seed, problem);
}

struct plan {
	uint64_t seed;
	unsigned sequences, ops;
};

static void run(void *arg)
{
	const struct plan *plan = arg;
	unsigned at;

	real_enter();
	for (unsigned i = 0; i < plan->sequences; i++) {
		sim_seed(plan->seed + i);
		memset(left_out, false, sizeof left_out);
		for (unsigned n = 0; n < plan->ops; n++)
			op_random(&ops[n]);
		if (sequence(plan->ops, &at) != NULL)
			report(plan->seed + i, plan->ops);
	}
	printf("# %u sequences, %lu calls, of which %lu failed on both\n",
	    plan->sequences, compare_ops, compare_errors);
}

int main(int argc, char **argv)
{
	struct plan plan = {.seed = 1, .sequences = 400, .ops = 60};
	const char *reason = real_find();
	bool ok;

	for (int i = 1; i + 1 < argc; i += 2) {
		uint64_t value = strtoul(argv[i + 1], NULL, 0);

		if (strcmp(argv[i], "--seed") == 0)
			plan.seed = value;
		else if (strcmp(argv[i], "--sequences") == 0)
			plan.sequences = (unsigned)value;
		else if (strcmp(argv[i], "--ops") == 0 && value <= MAX_OPS)
			plan.ops = (unsigned)value;
	}
	printf("1..1\n");
	if (reason != NULL) {
		printf("ok 1 - both trees are alike # SKIP %s\n", reason);
		return 0;
	}
	ok = sim_run(run, &plan);
	real_remove();
	printf("%sok 1 - both trees are alike%s%s\n", ok ? "" : "not ",
	    ok ? "" : " # ", ok ? "" : sim_text);
	return !ok;
}
