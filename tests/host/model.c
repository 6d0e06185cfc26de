/* SPDX-License-Identifier: MIT */
/*
 * model.c - visits every state that three small processes can reach.
 *
 *   model [--states N] [--deep]
 *
 * Breadth first, from one process with four pages of reserved memory: each
 * operation is executed in each state by the real mm/, and the state that it
 * leads to is checked and, if it is new, kept. Each state is kept with the
 * operations that lead to it, so a failure is printed with the shortest way to
 * it.
 *
 * States are told apart by 128 bits of hash: two that collide would be taken
 * for one.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "arch/hart.h"
#include "model.h"

struct node {
	uint32_t parent;
	uint16_t op;
	uint8_t forks;
	uint8_t depth;
};

struct search {
	const char *name;
	struct model_config config;
	uint32_t limit; /* of states */
	bool closes;    /* within the limit */
};

/* Shared with the parent, for the report. */
struct progress {
	uint32_t states;
	uint32_t depth;
	uint64_t executed;
	bool closed;
	unsigned trace_len;
	struct model_op trace[256];
};

static struct progress *progress;
static struct model_op ops[MODEL_MAX_OPS];
static struct node *nodes;
static struct model_hash *table;
static uint32_t table_mask;
static struct model_state start;

/* Remembers a state; true if it is new. */
static bool remember(struct model_hash h)
{
	uint64_t at = h.a;

	if (h.a == 0 && h.b == 0)
		h.b = 1;
	for (;; at++) {
		struct model_hash *slot = &table[at & table_mask];

		if (slot->a == h.a && slot->b == h.b)
			return false;
		if (slot->a == 0 && slot->b == 0) {
			*slot = h;
			return true;
		}
	}
}

static void begin(const struct search *search)
{
	uint32_t size = 1;

	while (size < search->limit * 2)
		size *= 2;
	table_mask = size - 1;
	table = calloc(size, sizeof *table);
	nodes = calloc(search->limit + 1, sizeof *nodes);
	if (table == NULL || nodes == NULL)
		sim_fail("no memory for %u states", search->limit);
}

static void first_state(void)
{
	struct model_proc *p = &model_procs[0];
	struct range_op map = {.kind = RANGE_MAP,
	    .end = USER_TOP,
	    .perms = PTE_R | PTE_W};

	model_boot();
	sim_hart = 0;
	p->as = aspace_create();
	if (p->as == NULL || range_run(p->as, &map, RANGE_BUDGET) != 0)
		sim_fail("no first process");
	for (unsigned i = 0; i < MODEL_PAGES; i++)
		p->pages[i] =
		    (struct model_page){.mapped = true, .perms = PTE_R | PTE_W};
	sim_enter(p->as);
	model_fill(0);
	model_check();
	model_save(&start);
	(void)remember(model_hash(0));
	progress->states = 1;
}

/* The way to a state, as a trace. */
static void trace_to(uint32_t at)
{
	unsigned depth = nodes[at].depth;

	progress->trace_len = depth;
	for (; at != 0; at = nodes[at].parent)
		progress->trace[--depth] = ops[nodes[at].op];
}

/* Brings the machine into a state, by all operations from the beginning. */
static void go_to(uint32_t at)
{
	trace_to(at);
	model_restore(&start);
	for (unsigned i = 0; i < progress->trace_len; i++)
		(void)model_execute(&progress->trace[i]);
}

static void try_op(const struct search *search, uint32_t at, unsigned op)
{
	unsigned forks = nodes[at].forks;

	if (ops[op].kind == MODEL_FORK && forks == search->config.forks)
		return;
	progress->trace[nodes[at].depth] = ops[op];
	progress->trace_len = nodes[at].depth + 1U;
	if (!model_execute(&ops[op]))
		return;
	progress->executed++;
	forks += ops[op].kind == MODEL_FORK;
	if (!remember(model_hash(forks)))
		return;
	model_check();
	nodes[progress->states++] = (struct node){.parent = at,
	    .op = (uint16_t)op,
	    .forks = (uint8_t)forks,
	    .depth = (uint8_t)(nodes[at].depth + 1)};
}

static void run(void *arg)
{
	const struct search *search = arg;
	unsigned count = model_list(&search->config, ops);
	struct model_state state;
	uint32_t at;

	begin(search);
	first_state();
	for (at = 0; at < progress->states; at++) {
		if (progress->states + count > search->limit)
			return;
		progress->depth = nodes[at].depth;
		go_to(at);
		model_save(&state);
		for (unsigned op = 0; op < count; op++) {
			try_op(search, at, op);
			model_restore(&state);
		}
	}
	progress->closed = true;
}

static bool search(struct search *s, unsigned number)
{
	struct timespec from, to;
	double seconds;
	bool ok;

	memset(progress, 0, sizeof *progress);
	(void)clock_gettime(CLOCK_MONOTONIC, &from);
	ok = sim_run(run, s);
	(void)clock_gettime(CLOCK_MONOTONIC, &to);
	seconds = (double)(to.tv_sec - from.tv_sec) +
	    (double)(to.tv_nsec - from.tv_nsec) / 1e9;
	printf("# %s: %u states, %lu operations, depth %u, %s, %.1f s\n",
	    s->name, progress->states, progress->executed, progress->depth,
	    progress->closed ? "closed" : "not closed", seconds);
	if (!ok) {
		printf("# %s, after\n", sim_text);
		for (unsigned i = 0; i < progress->trace_len; i++)
			model_print(&progress->trace[i]);
	}
	ok = ok && (progress->closed || !s->closes);
	printf("%sok %u - %s\n", ok ? "" : "not ", number, s->name);
	return ok;
}

/* The first SMALL are the ones that are run always. */
#define SMALL 10

static struct search searches[] = {
    {"three processes, one page", {.procs = 3, .pages = 1, .forks = 3}, 1000000,
	true},
    {"two processes, two pages in one table",
	{.procs = 2, .pages = 3, .forks = 3}, 1000000, true},
    {"two processes, two pages in two tables",
	{.procs = 2, .pages = 5, .forks = 3}, 1000000, true},
    {"two processes, one page, unmapped and mapped",
	{.procs = 2, .pages = 1, .forks = 2, .unmap = true}, 1000000, true},
    {"two processes, one page, protected and discarded",
	{.procs = 2, .pages = 1, .forks = 2, .protect = true, .discard = true},
	1000000, true},
    {"three processes, one page, passed",
	{.procs = 3, .pages = 2, .forks = 3, .pass = true}, 1000000, true},
    {"three processes, one page, passed, memory failing, as far as it goes",
	{.procs = 3,
	    .pages = 2,
	    .forks = 3,
	    .pass = true,
	    .protect = true,
	    .failures = true},
	150000, false},
    {"three processes, two pages, changes, memory failing, as far as it goes",
	{.procs = 3,
	    .pages = 3,
	    .forks = 3,
	    .unmap = true,
	    .protect = true,
	    .failures = true},
	150000, false},
    {"two processes, two pages, passed as runs",
	{.procs = 2, .pages = 5, .forks = 1, .runs = true}, 1000000, true},
    {"two processes, runs, changes, memory failing, as far as it goes",
	{.procs = 2,
	    .pages = 3,
	    .forks = 2,
	    .runs = true,
	    .protect = true,
	    .failures = true},
	150000, false},
    {"three processes, one page, unmapped and mapped",
	{.procs = 3, .pages = 1, .forks = 3, .unmap = true}, 30000000, true},
    {"two processes, two pages, unmapped and mapped",
	{.procs = 2, .pages = 3, .forks = 2, .unmap = true}, 30000000, true},
    {"three processes, two pages in one table",
	{.procs = 3, .pages = 3, .forks = 3}, 30000000, true},
    {"two processes, two pages in two tables, passed",
	{.procs = 2, .pages = 6, .forks = 2, .pass = true}, 30000000, true},
};

static void set_limits(uint32_t limit)
{
	for (unsigned i = 0; i < array_len(searches); i++)
		searches[i].limit = limit;
}

int main(int argc, char **argv)
{
	unsigned failed = 0, count = SMALL;

	progress = sim_shared_memory(sizeof *progress);
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--deep") == 0)
			count = array_len(searches);
		else if (strcmp(argv[i], "--states") == 0 && i + 1 < argc)
			set_limits((uint32_t)strtoul(argv[++i], NULL, 0));
		else
			return 2;
	}
	printf("1..%u\n", count);
	for (unsigned i = 0; i < count; i++)
		failed += !search(&searches[i], i + 1);
	return failed > 0;
}
