/* SPDX-License-Identifier: MIT */
/*
 * change.c - changes of ranges, as trap/sys_mem.c makes them: begun once, and
 * continued in parts while others run.
 */
#include "abi/errno.h"
#include "world.h"

static uint32_t pages_of(uint64_t bytes)
{
	return (uint32_t)(bytes >> PAGE_SHIFT);
}

/* The hint if that is free, the highest gap if not; checked both. */
static bool find_place(struct proc *p, const struct op *op, struct seg *seg)
{
	uint32_t len = pages_of(op->len), hint = pages_of(op->va), gap;
	vaddr_t start = 0;
	bool empty, found;
	int err;

	if (hint != 0 && op->va + op->len <= USER_TOP) {
		empty = aspace_is_empty(p->as, op->va, op->va + op->len);
		if (empty != oracle_is_empty(&p->oracle, hint, hint + len))
			sim_fail("aspace_is_empty: %lx + %lx is %d", op->va,
			    op->len, empty);
		if (empty)
			return true;
	}
	found = oracle_gap(&p->oracle, len, &gap);
	err = aspace_find_gap(p->as, op->len, &start);
	if (err != (found ? 0 : -ENOMEM) || (found && pages_of(start) != gap))
		sim_fail("aspace_find_gap: %d, %lx, expected page %x", err,
		    start, found ? gap : 0);
	seg->start = gap;
	seg->end = gap + len;
	return found;
}

void change_begin(struct proc *p, const struct op *op)
{
	static const enum range_kind kinds[] = {
	    [OP_MAP] = RANGE_MAP,
	    [OP_PLACE] = RANGE_MAP,
	    [OP_SHARE] = RANGE_MAP,
	    [OP_UNMAP] = RANGE_UNMAP,
	    [OP_PROTECT] = RANGE_PROTECT,
	    [OP_DISCARD] = RANGE_DISCARD,
	};
	struct seg seg = {.start = pages_of(op->va),
	    .end = pages_of(op->va + op->len),
	    .perms = op->perms};

	if (op->va >= USER_TOP || op->len > USER_TOP - op->va || op->len == 0 ||
	    ((op->va | op->len) & PAGE_MASK) != 0 ||
	    !oracle_has_room(&p->oracle))
		return;
	if (op->kind == OP_SHARE) {
		seg.object = object_new();
		if (seg.object == 0 || op->len > OBJECT_PAGES * PAGE_SIZE)
			return;
	}
	if (op->kind == OP_PLACE && !find_place(p, op, &seg))
		return;
	p->change = (struct change){.active = true,
	    .kind = op->kind,
	    .seg = seg,
	    .op = {.kind = kinds[op->kind],
		.start = (vaddr_t)seg.start << PAGE_SHIFT,
		.end = (vaddr_t)seg.end << PAGE_SHIFT,
		.perms = op->perms}};
	mmu_pool_add(p->change.op.start);
	mmu_pool_add(p->change.op.end - PAGE_SIZE);
	change_step(p, op->budget);
}

static void commit(struct proc *p)
{
	const struct seg *seg = &p->change.seg;

	switch (p->change.kind) {
	case OP_UNMAP:
		oracle_unmap(&p->oracle, seg->start, seg->end);
		break;
	case OP_PROTECT:
		oracle_protect(&p->oracle, seg->start, seg->end, seg->perms);
		break;
	case OP_DISCARD:
		oracle_discard(&p->oracle, seg->start, seg->end);
		break;
	default:
		oracle_map(&p->oracle, *seg);
		break;
	}
}

/* A shared mapping that finds no memory is taken back. */
static void undo_share(struct proc *p)
{
	struct range_op op = {.kind = RANGE_UNMAP,
	    .start = p->change.op.start,
	    .end = p->change.op.end};
	int err;

	do
		err = range_run(p->as, &op, RANGE_BUDGET);
	while (err == RANGE_MORE);
	if (err < 0)
		sim_fail("a shared mapping cannot be taken back");
	oracle_unmap(&p->oracle, p->change.seg.start, p->change.seg.end);
}

static void end(struct proc *p, int err)
{
	struct change *c = &p->change;
	bool checks = c->kind == OP_PROTECT || c->kind == OP_DISCARD;
	bool full = oracle_is_full(&p->oracle, c->seg.start, c->seg.end);

	c->active = false;
	if (checks && !full) {
		if (err != -ENOMEM)
			sim_fail("%s of a hole: %d", op_names[c->kind], err);
		verify_oracle(p->as, &p->oracle, op_names[c->kind]);
		return;
	}
	expect_result(op_names[c->kind], err, 0);
	if (err == 0)
		commit(p);
	else if (c->op.kind == RANGE_SHARE)
		undo_share(p);
	if (err < 0)
		verify_oracle(p->as, &p->oracle, op_names[c->kind]);
}

void change_step(struct proc *p, unsigned budget)
{
	struct change *c = &p->change;
	int err = range_run(p->as, &c->op, budget > 0 ? budget : 1);

	if (err == RANGE_MORE)
		return;
	if (err == 0 && c->kind == OP_SHARE && c->op.kind == RANGE_MAP) {
		c->op = (struct range_op){.kind = RANGE_SHARE,
		    .start = c->op.start,
		    .end = c->op.end,
		    .perms = c->op.perms};
		err = range_run(p->as, &c->op, budget > 0 ? budget : 1);
		if (err == RANGE_MORE)
			return;
	}
	end(p, err);
}
