/* SPDX-License-Identifier: MIT */
/*
 * vmmap [PID] - what an address space is made of; its own unless told another.
 *
 * REFS is how many page-table entries name each page; VIA how many name the
 * table it is in, if that table is shared: a page under a table with two names
 * belongs to two processes even where its own count is 1.
 */
#include <calf.h>
#include <errno.h>
#include <program.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char program_help[] =
    "NAME\n"
    "    vmmap - what an address space is made of\n"
    "\n"
    "SYNOPSIS\n"
    "    vmmap [PID]\n"
    "\n"
    "DESCRIPTION\n"
    "    Prints the ranges of an address space, of its own or of another\n"
    "    process: permissions, what there is, and\n"
    "\n"
    "    REFS  how many entries of page tables name each page\n"
    "    VIA   how many name the table that the entry is in, if it is shared:\n"
    "          a page under a table with two names belongs to two processes\n"
    "          even where its own count is 1\n"
    "\n"
    "    Memory that is reserved was promised, and not yet given.\n"
    "\n"
    "SEE ALSO\n"
    "    cow --help; docs/prompt.md\n";

struct totals {
	uint64_t own; /* pages */
	uint64_t shared;
	uint64_t reserved;
};

/* Are both runs neighbours that differ only in which table they are in? */
static bool runs_join(const struct calf_run *a, const struct calf_run *b)
{
	return a->end == b->start && a->kind == b->kind &&
	    a->flags == b->flags && a->count == b->count &&
	    a->tables == b->tables;
}

static bool run_is_shared(const struct calf_run *run)
{
	return run->count > 1 || run->tables > 1 ||
	    (run->flags & CALF_SHARED) != 0;
}

static void add_to_totals(struct totals *t, const struct calf_run *run)
{
	uint64_t pages = (run->end - run->start) / CALF_PAGE_SIZE;

	if (run->kind == CALF_RESERVED)
		t->reserved += pages;
	else if (run_is_shared(run))
		t->shared += pages;
	else
		t->own += pages;
}

/* A size with the largest unit that leaves no rest. */
static void describe_size(char *text, size_t size, uint64_t bytes)
{
	const char *unit = "KMGT";

	bytes /= 1024;
	for (; bytes != 0 && bytes % 1024 == 0 && unit[1] != '\0'; unit++)
		bytes /= 1024;
	snprintf(text, size, "%lu %ciB", bytes, *unit);
}

static const char *kind_name(const struct calf_run *run)
{
	switch (run->kind) {
	case CALF_RESERVED:
		return "reserved";
	case CALF_HIDDEN:
		return "hidden";
	case CALF_PAGE:
		break;
	default:
		return "?";
	}
	if (run->flags & CALF_SHARED)
		return "page, MAP_SHARED";
	return run->flags & CALF_COW ? "page, COW" : "page";
}

static void describe_count(char *text, size_t size, uint32_t count)
{
	text[0] = '\0';
	if (count > 0)
		snprintf(text, size, "%u", count);
}

static void print_run(const struct calf_run *run)
{
	char size[24], count[16], tables[16];

	describe_size(size, sizeof size, run->end - run->start);
	describe_count(count, sizeof count, run->count);
	describe_count(tables, sizeof tables, run->tables);
	printf("%010lx-%010lx %9s %c%c%c %-16s %5s %5s\n", run->start, run->end,
	    size, run->flags & CALF_R ? 'r' : '-',
	    run->flags & CALF_W ? 'w' : '-', run->flags & CALF_X ? 'x' : '-',
	    kind_name(run), count, tables);
}

/* Prints every run of `pid`; returns as calf_next does at the end. */
static int print_runs(int pid, struct totals *totals)
{
	struct calf_run joined = {.end = 0}, run;
	uint64_t va = 0;
	int found;

	while ((found = calf_next(pid, va, &run)) == 1) {
		va = run.end;
		add_to_totals(totals, &run);
		if (runs_join(&joined, &run)) {
			joined.end = run.end;
			continue;
		}
		if (joined.end != 0)
			print_run(&joined);
		joined = run;
	}
	if (joined.end != 0)
		print_run(&joined);
	return found;
}

static void print_total(const char *name, uint64_t pages)
{
	char size[24];

	describe_size(size, sizeof size, pages * CALF_PAGE_SIZE);
	printf("%-10s %8lu pages %10s\n", name, pages, size);
}

int main(int argc, char **argv)
{
	int pid = argc > 1 ? atoi(argv[1]) : 0;
	struct totals totals = {.own = 0};

	if (argc > 1 && argv[1][strspn(argv[1], "0123456789")] != '\0') {
		fprintf(stderr, "vmmap: %s: expected the number of a process\n",
		    argv[1]);
		return 2;
	}
	program_no_more(argc, argv, 2);
	calf_require();
	printf("ADDRESSES                  SIZE      KIND              REFS   "
	       "VIA\n");
	if (print_runs(pid, &totals) < 0) {
		fprintf(stderr, "vmmap: %d: %s\n", pid, strerror(errno));
		return 1;
	}
	printf("\n");
	print_total("resident", totals.own + totals.shared);
	print_total("  own", totals.own);
	print_total("  shared", totals.shared);
	print_total("reserved", totals.reserved);
	return 0;
}
