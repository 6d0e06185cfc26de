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

/* Can the mapping be at the address of the hint? */
static bool take_hint(struct proc *p, const struct op *op)
{
	uint32_t hint = pages_of(op->va);
	bool empty;

	if (hint == 0 || op->va + op->len > USER_TOP)
		return false;
	empty = aspace_is_empty(p->as, op->va, op->va + op->len);
	if (empty !=
	    oracle_is_empty(&p->oracle, hint, hint + pages_of(op->len)))
		sim_fail("aspace_is_empty: %lx + %lx is %d", op->va, op->len,
		    empty);
	return empty;
}

/* The range that a search for a place has to find; none: start == end. */
static void expect_place(struct proc *p, const struct op *op, struct seg *seg)
{
	uint32_t pages = pages_of(op->len);

	seg->start = 0;
	seg->end = 0;
	if (oracle_gap(&p->oracle, pages, &seg->start))
		seg->end = seg->start + pages;
}

/* Some mappings for passed pages are MAP_SHARED; all others are private. */
static uint64_t sharing_of(const struct op *op)
{
	if (op->kind != OP_PASS)
		return 0;
	switch (op->value / 2 % 4) {
	case 2:
		return PTE_SHARED;
	case 3:
		return PTE_SEALED;
	default:
		return 0;
	}
}

void change_begin(struct proc *p, const struct op *op)
{
	static const enum range_kind kinds[] = {
	    [OP_MAP] = RANGE_MAP,
	    [OP_PLACE] = RANGE_MAP,
	    [OP_SHARE] = RANGE_SHARE,
	    [OP_PASS] = RANGE_PASS,
	    [OP_UNMAP] = RANGE_UNMAP,
	    [OP_PROTECT] = RANGE_PROTECT,
	    [OP_DISCARD] = RANGE_DISCARD,
	};
	struct seg seg = {.start = pages_of(op->va),
	    .end = pages_of(op->va + op->len),
	    .perms = op->kind == OP_DISCARD ? 0 : op->perms};
	uint64_t sharing = sharing_of(op);
	bool anywhere;

	seg.sealed = sharing == PTE_SEALED;
	if (seg.sealed)
		seg.perms &= (uint8_t)~PTE_W;
	if (op->va >= USER_TOP || op->len > USER_TOP - op->va || op->len == 0 ||
	    ((op->va | op->len) & PAGE_MASK) != 0 ||
	    !oracle_has_room(&p->oracle))
		return;
	if (op->kind == OP_SHARE) {
		seg.object = object_new();
		if (seg.object == 0 || op->len > OBJECT_PAGES * PAGE_SIZE)
			return;
	}
	anywhere = (op->kind == OP_PLACE ||
		       (op->kind == OP_PASS && op->value % 2 == 0)) &&
	    !take_hint(p, op);
	if (anywhere)
		expect_place(p, op, &seg);
	p->change = (struct change){.active = true,
	    .kind = op->kind,
	    .seg = seg,
	    .shared = sharing != 0,
	    .op = {.kind = kinds[op->kind],
		.anywhere = anywhere,
		.start = anywhere ? 0 : op->va,
		.end = anywhere ? op->len : op->va + op->len,
		.perms = seg.perms | sharing}};
	mmu_pool_add((vaddr_t)seg.start << PAGE_SHIFT);
	mmu_pool_add(((vaddr_t)seg.end << PAGE_SHIFT) - PAGE_SIZE);
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
	case OP_PASS:
		pass_commit(&p->oracle, &p->change);
		break;
	default:
		oracle_map(&p->oracle, *seg);
		break;
	}
}

/* Fails the test if the mapping is at another place than the oracle found. */
static void check_place(const struct change *c, int err)
{
	if (c->seg.start == c->seg.end) {
		if (err != -ENOMEM)
			sim_fail("a place, where there is none: %lx",
			    c->op.start);
	} else if (!c->op.anywhere &&
	    c->op.start != (vaddr_t)c->seg.start << PAGE_SHIFT) {
		sim_fail("expected place %x, found %lx", c->seg.start,
		    c->op.start);
	}
}

/*
 * Is there less memory than its pages and tables need? Then the change may fail
 * at once.
 */
static bool is_too_large(const struct change *c)
{
	return c->kind == OP_SHARE &&
	    frame_free_count() < c->seg.end - c->seg.start + 16;
}

/* The first of its pages that stands in the way: 0, -ENOMEM or -EACCES. */
static int expected_check(const struct oracle *o, const struct change *c)
{
	const struct seg *s;

	for (uint32_t at = c->seg.start; at < c->seg.end; at = s->end) {
		s = oracle_seg(o, at);
		if (s == NULL)
			return -ENOMEM;
		if (s->sealed && c->kind == OP_PROTECT &&
		    (c->seg.perms & PTE_W))
			return -EACCES;
	}
	return 0;
}

static void end(struct proc *p, int err)
{
	struct change *c = &p->change;
	bool checks = c->kind == OP_PROTECT || c->kind == OP_DISCARD;
	int expected = checks ? expected_check(&p->oracle, c) : 0;

	c->active = false;
	check_place(c, err);
	if (expected != 0) {
		if (err != expected)
			sim_fail("%s: %d, expected %d", op_names[c->kind], err,
			    expected);
	} else if (err == 0) {
		commit(p);
	} else if (err == -ENODEV && c->kind == OP_PASS) {
		/* It was given up, so nothing has changed: see below. */
	} else if (err != -ENOMEM) {
		sim_fail("%s: %d", op_names[c->kind], err);
	} else if (c->seg.start != c->seg.end && !is_too_large(c) &&
	    !c->starved) {
		sim_fail("%s: out of memory, but no allocation failed",
		    op_names[c->kind]);
	}
	if (err < 0)
		verify_oracle(p->as, &p->oracle, op_names[c->kind]);
}

/* Has it waited long enough for others to give it pages? */
static bool wait_is_over(struct proc *p)
{
	struct change *c = &p->change;

	if (!c->given && sim_below(16) > 0)
		return false;
	c->waits = false;
	c->op = bag_range(p->as, sim_below(8) == 0 ? -ENODEV : 0);
	return true;
}

void change_step(struct proc *p, unsigned budget)
{
	uint64_t before = sim_alloc_failures;
	int err;

	if (p->change.waits && !wait_is_over(p))
		return;
	err = range_run(p->as, &p->change.op, budget > 0 ? budget : 1);
	p->change.starved |= sim_alloc_failures != before;
	if (err == RANGE_BAG)
		p->change.waits = true;
	else if (err != RANGE_MORE)
		end(p, err);
}
