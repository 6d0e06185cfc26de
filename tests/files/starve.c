/* SPDX-License-Identifier: MIT */
/*
 * starve.c - random operations, each of which is tried again and again while
 * one allocation after the other fails, and then all from there on.
 *
 * An operation that fails for want of memory must return that error, leave the
 * tree as it was, and have given back all memory that it took. When no
 * allocation fails any more, the operation succeeds, and the next one begins.
 *
 *     starve [--sequences N] [--seed N]
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../user/servers/files/archive.h"
#include "differ.h"
#include "memory.h"
#include "sim.h"
#include "tap.h"

#define OPS 40

static struct outcome outcome;
static unsigned long failures, of_kind[OP_KINDS];

struct plan {
	uint64_t seed;
	unsigned sequences;
};

/* Does the call with the n-th allocation failing: true if both failed. */
static bool fails_cleanly(const struct op *op, uint64_t n, bool from)
{
	uint64_t before = ours_digest(), in_use = memory_in_use;
	uint64_t asked = memory_asked;

	memory_fail(n, from);
	ours_do(op, &outcome);
	memory_fail(0, false);
	if (memory_asked - asked < n)
		return false;
	failures++;
	/* A write may return the bytes that it wrote before memory was out. */
	if (outcome.result >= 0)
		return false;
	of_kind[op->kind]++;
	if (outcome.result != -ENOSPC && outcome.result != -ENOMEM) {
		op_print(op);
		sim_fail("%ld for want of memory", outcome.result);
	}
	if (ours_digest() != before || memory_in_use != in_use) {
		op_print(op);
		sim_fail("allocation %lu fails: another tree, or %ld objects",
		    n, (long)(memory_in_use - in_use));
	}
	return true;
}

static void starve(const struct op *op)
{
	for (uint64_t n = 1; fails_cleanly(op, n, n % 2 == 0); n++)
		;
}

static void run(void *arg)
{
	static const enum kind allocating[] = {OP_OPEN, OP_WRITE, OP_ALLOCATE,
	    OP_MKDIR, OP_RENAME, OP_LINK, OP_SYMLINK, OP_MKNOD};
	const struct plan *plan = arg;
	struct op op;

	for (unsigned i = 0; i < plan->sequences; i++) {
		const char *problem;

		sim_seed(plan->seed + i);
		ours_begin();
		for (unsigned n = 0; n < OPS; n++) {
			op_random(&op);
			if (!op_is_of_file(&op) || ours_is_open(op.slot))
				starve(&op);
		}
		problem = ours_end();
		if (problem != NULL)
			sim_fail("seed %lu: %s", plan->seed + i, problem);
	}
	for (unsigned i = 0; i < sizeof allocating / sizeof *allocating; i++)
		if (of_kind[allocating[i]] == 0)
			sim_fail("no allocation of kind %u has failed",
			    allocating[i]);
	printf("# %u sequences, %lu failed allocations\n", plan->sequences,
	    failures);
}

/* --- archives ------------------------------------------------------------- */

static unsigned complaints;

static void count(size_t at, const char *what)
{
	(void)at;
	(void)what;
	complaints++;
}

/* Files with several names, in folders that are not in the archive. */
static size_t make_archive(char *to)
{
	static const char *const names[] = {"a/b/c", "a/b/d", "x/y", "x/z",
	    "TRAILER!!!"};
	size_t at = 0;

	for (unsigned i = 0; i < 5; i++) {
		unsigned len = i < 4 ? 5000 : 0;

		at += (size_t)sprintf(to + at,
		    "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x"
		    "%08x%08x",
		    i / 2, 0100644, 0, 0, 2, 0, len, 0, 0, 0, 0,
		    (unsigned)strlen(names[i]) + 1, 0);
		strcpy(to + at, names[i]);
		at = (at + strlen(names[i]) + 1 + 3) & ~3UL;
		memset(to + at, 'x', len);
		at += len;
	}
	return at;
}

static void starve_archive(void *arg)
{
	static char archive[40000];
	size_t size = make_archive(archive);

	(void)arg;
	for (uint64_t n = 1; n < 1000; n++) {
		uint64_t asked;
		const char *problem;

		ours_begin();
		asked = memory_asked;
		complaints = 0;
		memory_fail(n, n % 2 == 0);
		archive_unpack(ours_tree(), archive, size, count);
		memory_fail(0, false);
		problem = ours_end();
		if (problem != NULL)
			sim_fail("allocation %lu fails: %s", n, problem);
		if (memory_asked - asked < n)
			return;
		if (complaints == 0)
			sim_fail("allocation %lu fails: no complaint", n);
	}
	sim_fail("it does not come to an end");
}

int main(int argc, char **argv)
{
	struct plan plan = {.seed = 1, .sequences = 3000};
	bool ok, archives;

	for (int i = 1; i + 1 < argc; i += 2) {
		uint64_t value = strtoul(argv[i + 1], NULL, 0);

		if (strcmp(argv[i], "--seed") == 0)
			plan.seed = value;
		else if (strcmp(argv[i], "--sequences") == 0)
			plan.sequences = (unsigned)value;
	}
	printf("1..2\n");
	ok = sim_run(run, &plan);
	printf("%sok 1 - what finds no memory changes nothing%s%s\n",
	    ok ? "" : "not ", ok ? "" : " # ", ok ? "" : sim_text);
	archives = sim_run(starve_archive, NULL);
	printf("%sok 2 - an archive without room is complained about%s%s\n",
	    archives ? "" : "not ", archives ? "" : " # ",
	    archives ? "" : sim_text);
	return !ok || !archives;
}
