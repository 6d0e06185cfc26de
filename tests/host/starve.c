/* SPDX-License-Identifier: MIT */
/*
 * starve.c - every allocation of every operation fails once, and then all from
 * there on.
 *
 * Each trial begins with the same three processes, which share tables at both
 * levels, runs one operation of which the N-th allocation fails, and compares:
 * the result is ENOMEM, no process sees a difference, the audit passes. Then
 * the operation is repeated with memory, and must succeed; then all processes
 * end, and every frame is free again. N goes up until no allocation fails any
 * more.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "arch/hart.h"
#include "mm/slab.h"
#include "world.h"

#define RW        (PTE_R | PTE_W)
#define RWX       (PTE_R | PTE_W | PTE_X)
#define MAX_SITES 64
#define MAX_TRIES 200

struct trial {
	struct op op;
	bool failed; /* an allocation did */
	unsigned calls[MAX_SITES];
	unsigned failures[MAX_SITES];
};

static struct trial *trial; /* shared with the children */

#define AT(k, p, at, ...)                                              \
	{                                                              \
		.kind = k, .proc = p, .hart = p % SIM_HARTS, .va = at, \
		.seed = 7, .budget = RANGE_BUDGET, __VA_ARGS__         \
	}

static const struct op scene[] = {
    {.kind = OP_START},
    AT(OP_MAP, 0, 0x200000, .len = 0x400000, .perms = RW),
    AT(OP_MAP, 0, 0x3ffff000, .len = 0x3000, .perms = RWX),
    AT(OP_MAP, 0, 0x80000000, .len = 0x40000000, .perms = RW),
    AT(OP_SHARE, 0, 0x700000, .len = 0x4000, .perms = RW),
    AT(OP_COPYOUT, 0, 0x3ffffffe, .len = 4, .value = 3),
    AT(OP_COPYOUT, 0, 0x3ffffe, .len = 4, .value = 5),
    AT(OP_STORE, 0, 0x201000, .value = 1),
    AT(OP_STORE, 0, 0x5ff000, .value = 2),
    AT(OP_STORE, 0, 0x700001, .value = 4),
    AT(OP_PROTECT, 0, 0x201000, .len = 0x1000),
    AT(OP_FORK, 0, 0, .target = 1),
    AT(OP_LOAD, 1, 0x3fffff),
    AT(OP_FORK, 1, 0, .target = 2),
    AT(OP_STORE, 2, 0x3fffff, .value = 9),
    /* One process waits for pages, and another has been given some. */
    AT(OP_FORK, 0, 0, .target = 3),
    AT(OP_FORK, 0, 0, .target = 6),
    AT(OP_PASS, 3, 0x3fe000, .len = 0x40404000, .perms = RWX, .value = 1),
    AT(OP_PASS, 6, 0x3fe000, .len = 0x4000, .perms = RW, .value = 1),
    AT(OP_GIVE, 1, 0x3ff000, .target = 6, .value = 1),
    AT(OP_GIVE, 1, 0x3ff000, .target = 6, .value = 5),
};

static const struct op tried[] = {
    {.kind = OP_START, .proc = 5},
    AT(OP_LOAD, 1, 0x3ffffe),
    AT(OP_LOAD, 1, 0x80000000),
    AT(OP_LOAD, 1, 0x80200001),
    AT(OP_STORE, 1, 0x3ffffe, .value = 7),
    AT(OP_STORE, 1, 0x202000, .value = 7),
    AT(OP_STORE, 1, 0x700000, .value = 7),
    AT(OP_AMO, 2, 0x400000, .value = 8),
    AT(OP_FETCH, 2, 0x3ffffffe),
    AT(OP_COPYIN, 1, 0x3ffff800, .len = 0x1000),
    AT(OP_COPYOUT, 1, 0x3ffffffd, .len = 0x1006, .value = 11),
    AT(OP_COPYOUT, 1, 0x3fefff, .len = 0x2002, .value = 12),
    AT(OP_COPYINSTR, 2, 0x3ffffe, .len = 8),
    AT(OP_MAP, 1, 0x1ff000, .len = 0x2000, .perms = RW),
    AT(OP_MAP, 1, 0x90001000, .len = 0x10001000, .perms = PTE_R),
    AT(OP_MAP, 1, 0x100001000, .len = 0x80000000, .perms = RW),
    AT(OP_PLACE, 1, 0, .len = 0x5000, .perms = RW),
    AT(OP_PLACE, 1, 0x10000, .len = 0x5000, .perms = RW),
    AT(OP_SHARE, 1, 0x3fe000, .len = 0x4000, .perms = RWX),
    AT(OP_SHARE, 1, 0x200005000, .len = 0x4000, .perms = 0),
    AT(OP_PASS, 1, 0x3fe000, .len = 0x4000, .perms = RWX, .value = 1),
    AT(OP_PASS, 1, 0, .len = 0x400000, .perms = RW, .value = 2),
    AT(OP_GIVE, 1, 0x3ff000, .target = 3, .value = 1),
    AT(OP_GIVE, 2, 0x80000000, .target = 3, .value = 4),
    AT(OP_GIVE, 1, 0x3ff000, .target = 6, .value = 5),
    AT(OP_LOAD, 6, 0x3ff000),
    AT(OP_UNMAP, 1, 0x201000, .len = 0x1000),
    AT(OP_UNMAP, 1, 0x90001000, .len = 0x1000),
    AT(OP_UNMAP, 1, 0x3ff000, .len = 0x3fd00000),
    AT(OP_UNMAP, 1, 0x1000, .len = 0xfffff000),
    AT(OP_PROTECT, 1, 0x3ff000, .len = 0x2000, .perms = PTE_R),
    AT(OP_PROTECT, 1, 0x200000, .len = 0x2000, .perms = RW),
    AT(OP_PROTECT, 1, 0x90001000, .len = 0x1000, .perms = PTE_X),
    AT(OP_DISCARD, 1, 0x3ff000, .len = 0x2000),
    AT(OP_DISCARD, 1, 0x3ffff000, .len = 0x2000),
    AT(OP_FORK, 1, 0, .target = 4),
    AT(OP_EXEC, 1, 0, .target = 0),
    AT(OP_EXEC, 2, 0, .target = 1),
};

/* Adds to what the parent knows about allocation sites. */
static void count_sites(void)
{
	unsigned n = (unsigned)(__stop_alloc_sites - __start_alloc_sites);

	for (unsigned i = 0; i < n && i < MAX_SITES; i++) {
		trial->calls[i] += __start_alloc_sites[i].calls;
		trial->failures[i] += __start_alloc_sites[i].failures;
	}
}

static void check_world(void)
{
	(void)aspace_audit();
	mmu_check_all();
	verify_all();
}

/*
 * Operations that free all frames when they fail. Others may keep tables that
 * they made private.
 */
static bool changes_nothing(const struct op *op)
{
	return op->kind == OP_START || op->kind == OP_FORK;
}

static void run_trial(void *arg)
{
	static const struct sim_config config = {.frames = 600, .asid_bits = 2};
	struct op op = *(const struct op *)arg;
	uint64_t before, free;

	world_boot(&config);
	for (unsigned i = 0; i < array_len(scene); i++)
		world_execute(&scene[i]);
	before = sim_alloc_failures;
	free = frame_free_count();
	world_execute(&op);
	check_world();
	trial->failed = sim_alloc_failures != before;
	if (trial->failed && changes_nothing(&op) && frame_free_count() != free)
		sim_fail("expected %lu free frames, found %lu", free,
		    frame_free_count());
	op.fail = 0;
	world_execute(&op);
	check_world();
	world_end();
	count_sites();
}

/* NULL, or what went wrong; counts the trials. */
static const char *starve(const struct op *op, unsigned *trials)
{
	for (unsigned from = 0; from < 2; from++) {
		unsigned n = 0;

		do {
			struct op failing = *op;

			failing.fail = (uint16_t)++n;
			failing.fail_from = (uint8_t)from;
			++*trials;
			if (n > MAX_TRIES)
				return "it never succeeds";
			if (!sim_run(run_trial, &failing))
				return sim_text;
		} while (trial->failed);
	}
	return NULL;
}

/*
 * Creates more address spaces than a page of a slab holds, each after a failed
 * try.
 */
static void run_creations(void *arg)
{
	static const struct sim_config config = {.frames = 600, .asid_bits = 2};
	struct frame_failure failure = {0};
	struct aspace *all[60];
	uint64_t free;

	(void)arg;
	sim_boot(&config);
	free = frame_free_count();
	frame_fail_set(&failure);
	for (unsigned i = 0; i < array_len(all); i++) {
		uint64_t now = frame_free_count();
		unsigned n = 0;

		do {
			failure.countdown = ++n;
			all[i] = aspace_create();
			if (all[i] == NULL && frame_free_count() != now)
				sim_fail("a failed creation kept memory");
		} while (all[i] == NULL);
	}
	failure.countdown = 0;
	for (unsigned i = 0; i < array_len(all); i++) {
		unsigned budget = RANGE_BUDGET;

		if (!aspace_put(all[i]) || !aspace_teardown(all[i], &budget))
			sim_fail("an empty address space takes long to free");
	}
	if (aspace_audit() != free)
		sim_fail("address spaces kept memory");
	count_sites();
}

/* Prints every allocation site of mm/. Returns how many never failed. */
static unsigned report_sites(void)
{
	unsigned n = (unsigned)(__stop_alloc_sites - __start_alloc_sites);
	unsigned sites = 0, missed = 0;

	for (unsigned i = 0; i < n && i < MAX_SITES; i++) {
		const struct alloc_site *site = &__start_alloc_sites[i];

		if (strncmp(site->file, "mm/", 3) != 0)
			continue;
		sites++;
		missed += trial->failures[i] == 0;
		printf("# site %s:%u: called %u times, failed %u\n", site->file,
		    site->line, trial->calls[i], trial->failures[i]);
	}
	printf("# %u allocation sites, %u made to fail\n", sites,
	    sites - missed);
	return sites > 0 ? missed : 1;
}

static unsigned result(unsigned number, const char *claim, bool ok)
{
	printf("%sok %u - %s", ok ? "" : "not ", number, claim);
	printf(ok ? "\n" : " # %s\n", sim_text);
	return !ok;
}

int main(void)
{
	unsigned failed = 0, trials = 0, count = array_len(tried);
	char claim[100];

	trial = sim_shared_memory(sizeof *trial);
	printf("1..%u\n", count + 2);
	for (unsigned i = 0; i < count; i++) {
		const char *problem = starve(&tried[i], &trials);

		(void)snprintf(claim, sizeof claim,
		    "%s (case %u) fails cleanly at every allocation",
		    op_names[tried[i].kind], i + 1);
		failed += result(i + 1, claim, problem == NULL);
	}
	failed += result(count + 1, "creation fails cleanly, slabs included",
	    sim_run(run_creations, NULL));
	(void)strcpy(sim_text, "see above");
	failed += result(count + 2, "every allocation site was made to fail",
	    report_sites() == 0);
	printf("# %u trials\n", trials);
	return failed > 0;
}
