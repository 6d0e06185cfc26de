/* SPDX-License-Identifier: MIT */
/*
 * random.c - random operations on a handful of processes, against the oracle.
 *
 *   random [--ops N] [--seed S] [--shrink] [--only ASID_BITS]
 *
 * The operations come in rounds, each in a fresh machine with a seed of its
 * own. A round that fails prints its seed; with --shrink, a short list of
 * operations that fails as well.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "trace.h"

#define ROUND_OPS 20000

/* ---- Choosing operations ---- */

/* The generator's own numbers: those of the hardware come from op.seed. */
static uint64_t state;
static bool much_code; /* this round is about executable pages */

static uint32_t below(uint32_t n)
{
	state = state * 6364136223846793005 + 1442695040888963407;
	return (uint32_t)((state >> 33) * n >> 31);
}

static bool one_in(uint32_t n)
{
	return below(n) == 0;
}

/* A page within three pages of a border. */
static vaddr_t near(vaddr_t border)
{
	return border + ((vaddr_t)below(6) - 3) * PAGE_SIZE;
}

static vaddr_t fixed_page(void)
{
	static const vaddr_t borders[] = {0x4000, 0x200000, 0x400000,
	    0x40000000, 0x40200000, 0x3fe00000, 0x80000000,
	    USER_TOP - 0x40000000, USER_TOP - 0x200000, USER_TOP};
	static const vaddr_t bad[] = {USER_TOP, USER_TOP + PAGE_SIZE, 1UL << 39,
	    0xffffffc000000000, 0xfffffffffffff000, 1UL << 40};

	if (one_in(64))
		return bad[below(array_len(bad))];
	return near(borders[below(array_len(borders))]);
}

/* A page that the process has, or one next to it. */
static vaddr_t known_page(const struct proc *p)
{
	const struct oracle *o = &p->oracle;
	const struct seg *seg;

	if (o->nrecs > 0 && one_in(2))
		return (vaddr_t)o->recs[below(o->nrecs)].vpn << PAGE_SHIFT;
	if (o->nsegs == 0)
		return fixed_page();
	seg = &o->segs[below(o->nsegs)];
	switch (below(4)) {
	case 0:
		return (vaddr_t)seg->start << PAGE_SHIFT;
	case 1:
		return (vaddr_t)(seg->end - 1) << PAGE_SHIFT;
	case 2:
		return near((vaddr_t)seg->end << PAGE_SHIFT);
	default:
		return (vaddr_t)(seg->start + below(seg->end - seg->start))
		    << PAGE_SHIFT;
	}
}

static vaddr_t any_page(const struct proc *p)
{
	return one_in(4) ? fixed_page() : known_page(p);
}

static uint8_t any_perms(void)
{
	static const uint8_t perms[] = {0, PTE_R, PTE_R | PTE_W, PTE_R | PTE_W,
	    PTE_R | PTE_W, PTE_X, PTE_R | PTE_X, PTE_R | PTE_W | PTE_X};

	if (much_code && !one_in(4))
		return PTE_R | PTE_W | PTE_X;
	return perms[below(array_len(perms))];
}

static void choose_range(struct op *op, const struct proc *p)
{
	vaddr_t start = page_floor(any_page(p)), end;

	switch (below(6)) {
	case 0:
		end = start + PAGE_SIZE;
		break;
	case 1:
		end = (start | (level_span(1) - 1)) + 1;
		break;
	case 2:
		start &= ~(level_span(1) - 1);
		end = start + level_span(1) * (1 + below(3));
		break;
	case 3:
		start &= ~(level_span(2) - 1);
		end = start + level_span(2) * (1 + below(3));
		break;
	case 4:
		end = any_page(p);
		break;
	default:
		end = start + PAGE_SIZE * (1 + below(5));
		break;
	}
	if (end <= start)
		end = start + PAGE_SIZE;
	if (start == 0)
		start = PAGE_SIZE;
	op->va = start;
	op->len = end - start;
	if (op->kind == OP_SHARE)
		op->len = PAGE_SIZE * (1 + below(OBJECT_PAGES));
}

static void choose_copy(struct op *op, const struct proc *p)
{
	op->va = any_page(p);
	switch (below(4)) {
	case 0:
		op->va += PAGE_SIZE - 4 + below(4);
		op->len = 1 + below(12);
		break;
	case 1:
		op->va += oracle_offsets[below(4)];
		op->len = 1 + below(4);
		break;
	case 2:
		op->va += PAGE_SIZE - 1 - below(3);
		op->len = PAGE_SIZE + below(8);
		break;
	default:
		op->len = below(3 * PAGE_SIZE);
		break;
	}
	if (op->kind == OP_COPYINSTR)
		op->len = 1 + below(8);
}

static enum op_kind any_kind(void)
{
	static const uint8_t weights[OP_KINDS] = {
	    [OP_LOAD] = 44,
	    [OP_STORE] = 44,
	    [OP_AMO] = 8,
	    [OP_FETCH] = 12,
	    [OP_COPYIN] = 6,
	    [OP_COPYOUT] = 8,
	    [OP_COPYINSTR] = 5,
	    [OP_MAP] = 7,
	    [OP_PLACE] = 5,
	    [OP_SHARE] = 3,
	    [OP_PASS] = 6,
	    [OP_UNMAP] = 7,
	    [OP_PROTECT] = 9,
	    [OP_DISCARD] = 4,
	    [OP_FORK] = 11,
	    [OP_EXEC] = 3,
	    [OP_EXIT] = 7,
	    [OP_LEAVE] = 3,
	    [OP_DROP_IMAGE] = 1,
	    [OP_TEARDOWN] = 6,
	    [OP_GIVE] = 8,
	};
	uint32_t total = 0, at;

	for (unsigned kind = 0; kind < OP_KINDS; kind++)
		total += weights[kind];
	at = below(total);
	if (much_code && one_in(4))
		return OP_FETCH;
	for (unsigned kind = 0; kind < OP_KINDS; kind++) {
		if (at < weights[kind])
			return (enum op_kind)kind;
		at -= weights[kind];
	}
	return OP_LOAD;
}

static uint8_t any_proc(bool alive)
{
	uint8_t first = (uint8_t)below(WORLD_PROCS);

	for (uint8_t i = 0; i < WORLD_PROCS; i++)
		if (procs[(first + i) % WORLD_PROCS].alive == alive)
			return (first + i) % WORLD_PROCS;
	return WORLD_PROCS;
}

static uint8_t any_waiting(void)
{
	uint8_t first = (uint8_t)below(WORLD_PROCS);

	for (uint8_t i = 0; i < WORLD_PROCS; i++) {
		uint8_t at = (first + i) % WORLD_PROCS;

		if (procs[at].alive && procs[at].change.active &&
		    procs[at].change.waits)
			return at;
	}
	return first;
}

static void choose_arguments(struct op *op)
{
	const struct proc *p = &procs[op->proc];

	switch (op->kind) {
	case OP_LOAD:
	case OP_STORE:
	case OP_AMO:
	case OP_FETCH:
		op->va = any_page(p) + oracle_offsets[below(4)];
		break;
	case OP_COPYIN:
	case OP_COPYOUT:
	case OP_COPYINSTR:
		choose_copy(op, p);
		break;
	case OP_FORK:
		op->target = any_proc(false) % WORLD_PROCS;
		op->va = one_in(2) ? any_page(p) : 0;
		break;
	case OP_GIVE:
		op->target = any_waiting();
		op->va = any_page(p);
		break;
	case OP_EXEC:
	case OP_DROP_IMAGE:
		op->target = (uint8_t)below(WORLD_IMAGES);
		break;
	default:
		choose_range(op, p);
		break;
	}
}

static struct op choose(void)
{
	struct op op = {.kind = (uint8_t)any_kind(),
	    .hart = (uint8_t)below(SIM_HARTS),
	    .perms = any_perms(),
	    .value = (uint8_t)(1 + below(255)),
	    .seed = below(UINT32_MAX),
	    .budget = (uint16_t)(one_in(3) ? 1 + below(40) : RANGE_BUDGET)};

	op.proc = any_proc(true);
	if (op.proc == WORLD_PROCS) {
		op.proc = 0;
		op.kind = OP_START;
		return op;
	}
	if (procs[op.proc].hart >= 0 && !one_in(24))
		op.hart = (uint8_t)procs[op.proc].hart;
	op.foreign = one_in(8);
	if (op.foreign)
		op.hart = (uint8_t)below(SIM_HARTS);
	if (one_in(24))
		op.inside = (uint8_t)(1 + below(12));
	if (one_in(24)) {
		op.fail = (uint16_t)(1 + below(6));
		op.fail_from = one_in(2);
	}
	choose_arguments(&op);
	return op;
}

/* ---- Rounds ---- */

struct round {
	uint64_t seed;
	unsigned ops;
	struct trace *trace;
};

static void run_round(void *arg)
{
	struct round *round = arg;
	struct trace *trace = round->trace;

	state = round->seed;
	much_code = round->seed % 4 == 1;
	trace_boot(trace);
	while (trace->count < round->ops) {
		trace->ops[trace->count++] = choose();
		trace_step(trace, trace->count - 1);
	}
	world_end();
}

static void configure(struct trace *trace, uint64_t seed, unsigned asid_bits)
{
	trace->count = 0;
	trace->config.asid_bits = asid_bits;
	trace->config.frames = seed % 3 == 0 ? 160 + seed % 97 : 1500;
	trace->audit_every = 2048;
	trace->stale_counts = seed % 2 == 0;
}

static void report(struct trace *trace, const struct round *round, bool shrink)
{
	printf("# seed %lu, operation %u: %s\n", round->seed, trace->count,
	    sim_text);
	if (!shrink) {
		printf("# again: random --seed %lu --ops %u --only %u "
		       "--shrink\n",
		    round->seed, round->ops, trace->config.asid_bits);
		return;
	}
	trace_shrink(trace);
	trace_print(trace);
}

static bool run_rounds(struct trace *trace, uint64_t seed, uint64_t ops,
    bool shrink)
{
	unsigned asid_bits = trace->config.asid_bits;

	for (uint64_t done = 0; done < ops; done += ROUND_OPS) {
		struct round round = {.seed = seed + done / ROUND_OPS,
		    .trace = trace,
		    .ops = ops - done < ROUND_OPS ? (unsigned)(ops - done)
						  : ROUND_OPS};

		configure(trace, round.seed, asid_bits);
		if (!sim_run(run_round, &round)) {
			report(trace, &round, shrink);
			return false;
		}
	}
	return true;
}

struct options {
	uint64_t ops;
	uint64_t seed;
	bool shrink;
	int only;
};

static struct options parse(int argc, char **argv)
{
	struct options o = {.ops = 400000, .seed = 1, .only = -1};

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--shrink") == 0)
			o.shrink = true;
		else if (i + 1 < argc && strcmp(argv[i], "--ops") == 0)
			o.ops = strtoull(argv[++i], NULL, 0);
		else if (i + 1 < argc && strcmp(argv[i], "--seed") == 0)
			o.seed = strtoull(argv[++i], NULL, 0);
		else if (i + 1 < argc && strcmp(argv[i], "--only") == 0)
			o.only = atoi(argv[++i]);
		else
			exit(2);
	}
	return o;
}

int main(int argc, char **argv)
{
	static const unsigned widths[] = {0, 1, 2, 3};
	struct options o = parse(argc, argv);
	struct trace *trace = sim_shared_memory(sizeof *trace);
	unsigned failed = 0, tests = o.only >= 0 ? 1 : array_len(widths);
	struct timespec start, end;
	double seconds;

	trace->ops = sim_shared_memory((ROUND_OPS + 1) * sizeof(struct op));
	printf("# seed %lu\n1..%u\n", o.seed, tests);
	(void)clock_gettime(CLOCK_MONOTONIC, &start);
	for (unsigned i = 0; i < tests; i++) {
		unsigned bits = o.only >= 0 ? (unsigned)o.only : widths[i];
		bool ok;

		trace->config.asid_bits = bits;
		ok = run_rounds(trace,
		    o.only >= 0 ? o.seed : o.seed + 1000003 * bits,
		    o.ops / tests, o.shrink);
		printf("%sok %u - random operations agree with the oracle, "
		       "%u ASID bits\n",
		    ok ? "" : "not ", i + 1, bits);
		failed += !ok;
	}
	(void)clock_gettime(CLOCK_MONOTONIC, &end);
	seconds = (double)(end.tv_sec - start.tv_sec) +
	    (double)(end.tv_nsec - start.tv_nsec) / 1e9;
	printf("# %lu operations in %.1f s, %.0f a second\n", o.ops, seconds,
	    (double)o.ops / seconds);
	return failed > 0;
}
