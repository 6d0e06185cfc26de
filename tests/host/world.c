/* SPDX-License-Identifier: MIT */
/*
 * world.c - which process runs on which hart, operations one after the other or
 * one within the other, and the end of a run.
 */
#include "world.h"

#include <stdio.h>
#include <string.h>

#include "abi/errno.h"
#include "arch/hart.h"

#define MAX_DYING 8

struct proc procs[WORLD_PROCS];
struct image images[WORLD_IMAGES];
bool world_in_exec;

const char *const op_names[OP_KINDS] = {
    [OP_START] = "start",
    [OP_LOAD] = "load",
    [OP_STORE] = "store",
    [OP_AMO] = "amo",
    [OP_FETCH] = "fetch",
    [OP_COPYIN] = "copyin",
    [OP_COPYOUT] = "copyout",
    [OP_COPYINSTR] = "copyinstr",
    [OP_MAP] = "map",
    [OP_PLACE] = "place",
    [OP_SHARE] = "share",
    [OP_PASS] = "pass",
    [OP_UNMAP] = "unmap",
    [OP_PROTECT] = "protect",
    [OP_DISCARD] = "discard",
    [OP_FORK] = "fork",
    [OP_EXEC] = "exec",
    [OP_EXIT] = "exit",
    [OP_LEAVE] = "leave",
    [OP_DROP_IMAGE] = "drop-image",
    [OP_TEARDOWN] = "teardown",
    [OP_GIVE] = "give",
};

static struct proc *running[SIM_HARTS];
/* One space may be torn down while another is added. */
static struct aspace *dying[MAX_DYING + 2];
static unsigned ndying;
static struct aspace *tearing; /* being torn down now */
static uint64_t frames_at_boot;

/* The operation under way, and the one that will happen within it. */
static const struct op *outer;
static struct op inner;
static unsigned inner_at; /* 0: none */
static uint64_t failures_before;

static void print_range(const struct op *op)
{
	printf(" %#lx", op->va);
	if (op->kind > OP_FETCH)
		printf(" + %#lx", op->len);
	if (op->kind == OP_STORE || op->kind == OP_AMO ||
	    op->kind == OP_COPYOUT)
		printf(" := %u", op->value);
	if (op->kind == OP_MAP || op->kind == OP_PLACE ||
	    op->kind == OP_SHARE || op->kind == OP_PASS ||
	    op->kind == OP_PROTECT)
		printf(" %s%s%s", op->perms & PTE_R ? "r" : "-",
		    op->perms & PTE_W ? "w" : "-",
		    op->perms & PTE_X ? "x" : "-");
}

void op_print(const struct op *op, unsigned number)
{
	printf("#  %3u: process %u on hart %u: %s", number, op->proc, op->hart,
	    op_names[op->kind]);
	if (op->kind >= OP_LOAD && op->kind <= OP_DISCARD)
		print_range(op);
	if (op->kind == OP_FORK && op->va != 0)
		printf(" and open %#lx,", op->va);
	if (op->kind == OP_GIVE)
		printf(" %u pages from %#lx", op->value % 5U + 1, op->va);
	if (op->kind == OP_FORK || op->kind == OP_EXEC || op->kind == OP_GIVE)
		printf(" -> %u", op->target);
	if (op->budget != RANGE_BUDGET)
		printf(", budget %u", op->budget);
	if (op->foreign)
		printf(", which does not run it");
	if (op->inside != 0)
		printf(", within the next, at hook %u", op->inside);
	if (op->fail != 0)
		printf(", allocation %u%s fails", op->fail,
		    op->fail_from ? " and all later" : "");
	printf("\n");
}

/* ---- Answers ---- */

void expect_failure(const char *what)
{
	if (sim_alloc_failures == failures_before)
		sim_fail("%s: out of memory, but no allocation failed", what);
}

void expect_result(const char *what, int result, int expected)
{
	if (result == expected)
		return;
	if (result != -ENOMEM)
		sim_fail("%s: expected %d, found %d", what, expected, result);
	expect_failure(what);
}

/* ---- Harts ---- */

void proc_leave(struct proc *p)
{
	unsigned hart = sim_hart;

	if (p->hart < 0)
		return;
	sim_hart = (unsigned)p->hart;
	sim_leave(p->as);
	running[sim_hart] = NULL;
	p->hart = -1;
	sim_hart = hart;
}

void proc_place(struct proc *p, unsigned hart)
{
	sim_hart = hart;
	if (p->hart == (int)hart)
		return;
	proc_leave(p);
	if (running[hart] != NULL)
		proc_leave(running[hart]);
	running[hart] = p;
	p->hart = (int)hart;
	sim_enter(p->as);
}

/* ---- Address spaces without users ---- */

void dying_step(unsigned budget)
{
	struct aspace *as;

	if (ndying == 0)
		return;
	as = tearing = dying[--ndying];
	if (!aspace_teardown(as, &budget))
		dying[ndying++] = as;
	tearing = NULL;
}

void dying_add(struct aspace *as)
{
	if (!aspace_put(as))
		sim_fail("expected one user of an address space");
	while (ndying >= MAX_DYING)
		dying_step(RANGE_BUDGET);
	dying[ndying++] = as;
}

/* ---- Shared objects ---- */

static bool object_is_passed(const struct change *c, uint8_t object)
{
	for (unsigned i = 0; c->active && c->shared && i < c->filled; i++)
		if (c->pages[i].object == object)
			return true;
	return false;
}

static bool object_is_used(uint8_t object)
{
	for (unsigned i = 0; i < WORLD_PROCS; i++) {
		const struct proc *p = &procs[i];

		if (p->alive && p->change.active &&
		    p->change.seg.object == object)
			return true;
		if (p->alive && object_is_passed(&p->change, object))
			return true;
		for (unsigned s = 0; p->alive && s < p->oracle.nsegs; s++)
			if (p->oracle.segs[s].object == object)
				return true;
	}
	return false;
}

/* 0: none left. */
uint8_t object_new(void)
{
	for (uint8_t object = 1; object < MAX_OBJECTS; object++) {
		if (!object_is_used(object)) {
			memset(objects[object], 0, sizeof objects[object]);
			object_written[object] = false;
			return object;
		}
	}
	return 0;
}

/* ---- Operations ---- */

static void execute_alive(struct proc *p, const struct op *op)
{
	if (p->change.active && op->kind != OP_EXIT && op->kind != OP_LEAVE) {
		change_step(p, op->budget);
		return;
	}
	switch (op->kind) {
	case OP_LOAD:
	case OP_STORE:
	case OP_AMO:
	case OP_FETCH:
		access_user(p, op);
		break;
	case OP_COPYIN:
		access_copyin(p, op);
		break;
	case OP_COPYOUT:
		access_copyout(p, op);
		break;
	case OP_COPYINSTR:
		access_copyinstr(p, op);
		break;
	case OP_FORK:
		life_fork(p, op);
		break;
	case OP_EXEC:
		life_exec(p, op);
		break;
	case OP_EXIT:
		life_exit(p, op);
		break;
	case OP_LEAVE:
		proc_leave(p);
		break;
	case OP_GIVE:
		pass_give(p, op);
		break;
	default:
		change_begin(p, op);
		break;
	}
}

/*
 * Operations that the kernel may do to memory of a process that is not running.
 */
static bool can_be_foreign(const struct op *op)
{
	return op->kind >= OP_COPYIN && op->kind <= OP_FORK;
}

static void execute(const struct op *op)
{
	struct proc *p = &procs[op->proc];
	struct frame_failure failure = {.countdown = op->fail,
	    .from = op->fail_from};

	sim_seed(op->seed);
	sim_hart = op->hart;
	failures_before = sim_alloc_failures;
	frame_fail_set(&failure);
	if (op->kind == OP_START) {
		life_start(p);
	} else if (op->kind == OP_DROP_IMAGE) {
		image_drop(&images[op->target]);
	} else if (op->kind == OP_TEARDOWN) {
		dying_step(op->budget);
	} else if (p->alive) {
		if (op->foreign && can_be_foreign(op))
			proc_leave(p);
		else
			proc_place(p, op->hart);
		if (op->seed % 4 == 0)
			mmu_speculate();
		execute_alive(p, op);
		mmu_check();
	}
	frame_fail_set(NULL);
}

/* Does the operation also change the process `target`? */
static bool touches_another(const struct op *op)
{
	return op->kind == OP_FORK || op->kind == OP_GIVE;
}

/* May the harts of the two be inside the kernel at the same time? */
static bool is_apart(const struct op *a, const struct op *b)
{
	bool images_meet = a->kind == OP_EXEC || a->kind == OP_DROP_IMAGE;

	return a->proc != b->proc && a->hart != b->hart &&
	    !(touches_another(a) && a->target == b->proc) &&
	    !(touches_another(b) &&
		(b->target == a->proc ||
		    (touches_another(a) && a->target == b->target))) &&
	    !(images_meet && (b->kind == OP_EXEC || b->kind == OP_DROP_IMAGE));
}

static bool bag_is_locked(const struct proc *p)
{
	return p->alive && p->as->aside != NULL && p->as->aside->lock.held;
}

/*
 * Only the lock of the interrupted hart's own address space may be held, and of
 * a bag that it fills.
 */
static bool may_interrupt(void)
{
	const struct proc *p = &procs[outer->proc];
	unsigned own =
	    tearing != NULL ? tearing->lock.held : p->alive && p->as->lock.held;

	if (outer->kind == OP_GIVE)
		own += bag_is_locked(&procs[outer->target]);
	return !world_in_exec && sim_locks_held == own;
}

static void interrupt(void)
{
	uint64_t before = failures_before, failures = sim_alloc_failures;
	uint64_t seed = sim_random();
	struct aspace *torn = tearing;
	unsigned hart = sim_hart;

	if (inner_at > 1) {
		inner_at--;
		return;
	}
	if (!may_interrupt())
		return;
	sim_interrupt = NULL;
	inner_at = 0;
	execute(&inner);
	sim_seed(seed);
	sim_hart = hart;
	tearing = torn;
	sim_alloc_failures = failures;
	failures_before = before;
}

void world_execute(const struct op *op)
{
	if (op->inside > 0) {
		inner = *op;
		inner_at = op->inside;
		return;
	}
	outer = op;
	if (inner_at > 0 && is_apart(op, &inner))
		sim_interrupt = interrupt;
	execute(op);
	sim_interrupt = NULL;
	inner_at = 0;
	if (sim_locks_held != 0)
		sim_fail("%u locks still held", sim_locks_held);
}

/* ---- Beginning and end ---- */

void world_boot(const struct sim_config *config)
{
	sim_boot(config);
	trampoline = frame_alloc(FRAME_KERNEL);
	memset(frame_virt(trampoline), 0, PAGE_SIZE);
	for (unsigned i = 0; i < 4; i++)
		*((char *)frame_virt(trampoline) + oracle_offsets[i]) =
		    (char)(0x11 * (i + 1));
	frames_at_boot = frame_free_count();
	for (unsigned i = 0; i < WORLD_PROCS; i++)
		procs[i].hart = -1;
}

void world_end(void)
{
	/* No operation happens within an exit: a child would stay. */
	inner_at = 0;
	for (unsigned i = 0; i < WORLD_PROCS; i++) {
		struct op op = {.kind = OP_EXIT,
		    .proc = (uint8_t)i,
		    .budget = 64};

		if (procs[i].alive)
			world_execute(&op);
	}
	for (unsigned i = 0; i < WORLD_IMAGES; i++)
		image_drop(&images[i]);
	while (ndying > 0)
		dying_step(RANGE_BUDGET);
	(void)aspace_audit();
	if (frame_free_count() != frames_at_boot)
		sim_fail("expected %lu free frames at the end, found %lu",
		    frames_at_boot, frame_free_count());
}
