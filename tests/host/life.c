/* SPDX-License-Identifier: MIT */
/*
 * life.c - processes begin, become others and end, as proc/ does it.
 */
#include "abi/errno.h"
#include "world.h"

#define STACK_TOP   0x40300000UL
#define STACK_SIZE  0x300000UL
#define STACK_WORDS 6

struct frame *trampoline;

static int reserve(struct aspace *as, struct oracle *o, struct seg seg)
{
	struct range_op op = {.kind = RANGE_MAP,
	    .start = (vaddr_t)seg.start << PAGE_SHIFT,
	    .end = (vaddr_t)seg.end << PAGE_SHIFT,
	    .perms = seg.perms};
	int err;

	do
		err = range_run(as, &op, 16);
	while (err == RANGE_MORE);
	if (err == 0)
		oracle_map(o, seg);
	return err;
}

static void discard(struct aspace *as)
{
	unsigned budget;

	if (!aspace_put(as))
		sim_fail("expected one user of a new address space");
	do
		budget = 64;
	while (!aspace_teardown(as, &budget));
}

void life_start(struct proc *p)
{
	if (p->alive)
		return;
	p->as = aspace_create();
	if (p->as == NULL) {
		expect_failure("aspace_create");
		return;
	}
	p->alive = true;
	p->hart = -1;
	p->change.active = false;
	p->oracle.nsegs = p->oracle.nrecs = 0;
}

void life_fork(struct proc *p, const struct op *op)
{
	struct proc *child = &procs[op->target];
	uint64_t before = frame_free_count();
	struct aspace *copy;

	if (child->alive || sim_interrupt != NULL)
		before = 0;
	if (child->alive)
		return;
	copy = aspace_fork(p->as);
	if (copy == NULL) {
		expect_failure("aspace_fork");
		if (before != 0 && frame_free_count() != before)
			sim_fail("a failed fork kept memory");
		return;
	}
	child->as = copy;
	child->alive = true;
	child->hart = -1;
	child->change.active = false;
	child->oracle = p->oracle;
	/*
	 * Owns the path to the page that the parent touches next, as
	 * proc/fork.c does.
	 */
	if (op->va != 0)
		aspace_own_paths(p->as, op->va, op->va);
}

void life_exit(struct proc *p, const struct op *op)
{
	proc_leave(p);
	p->alive = false;
	dying_add(p->as);
	p->as = NULL;
	dying_step(op->budget);
}

/* ---- Programs ---- */

static const struct seg image_segs[WORLD_IMAGES][3] = {
    {{.start = 0x1fe, .end = 0x202, .perms = PTE_R | PTE_X},
	{.start = 0x203, .end = 0x205, .perms = PTE_R | PTE_W},
	{.start = 0x205, .end = 0x600, .perms = PTE_R | PTE_W}},
    {{.start = 0x3fffe, .end = 0x40002, .perms = PTE_R | PTE_W | PTE_X},
	{.start = 0x40002, .end = 0x40003, .perms = PTE_X},
	{.start = 0x40003, .end = 0x40005, .perms = PTE_R}},
};

/* Writes what the file would hold. */
static int load_page(struct image *image, uint32_t vpn)
{
	vaddr_t va = (vaddr_t)vpn << PAGE_SHIFT;
	paddr_t page;
	int err = aspace_load(image->as, va, &page);

	for (unsigned i = 0; err == 0 && i < 4; i++) {
		uint16_t offset = oracle_offsets[i];
		uint8_t byte = (uint8_t)(vpn * 4 + i + 1);

		*((uint8_t *)phys_to_virt(page) + offset) = byte;
		oracle_store(&image->oracle, va + offset, byte);
	}
	return err;
}

static bool image_build(struct image *image)
{
	const struct seg *segs = image_segs[image - images];
	int err = 0;

	image->oracle.nsegs = image->oracle.nrecs = 0;
	image->as = aspace_create();
	if (image->as == NULL)
		return false;
	for (unsigned i = 0; err == 0 && i < 3; i++)
		err = reserve(image->as, &image->oracle, segs[i]);
	for (unsigned i = 0; err == 0 && i < 2; i++)
		for (uint32_t vpn = segs[i].start;
		     err == 0 && vpn < segs[i].end; vpn++)
			err = load_page(image, vpn);
	if (err < 0) {
		discard(image->as);
		image->as = NULL;
		return false;
	}
	oracle_clean(&image->oracle, 0, UINT32_MAX);
	tlb_code_changed();
	return true;
}

void image_drop(struct image *image)
{
	if (image->as == NULL)
		return;
	verify_oracle(image->as, &image->oracle, "image");
	discard(image->as);
	image->as = NULL;
}

/* A stack, the page for signal handlers, and arguments on the stack. */
static int add_stack(struct aspace *as, struct oracle *o)
{
	uint32_t top = STACK_TOP >> PAGE_SHIFT;
	vaddr_t args = STACK_TOP - PAGE_SIZE - 2;
	const uint8_t bytes[STACK_WORDS] = {1, 2, 3, 4, 0, 0};
	int err = reserve(as, o,
	    (struct seg){.start = top - (STACK_SIZE >> PAGE_SHIFT),
		.end = top,
		.perms = PTE_R | PTE_W});

	if (err == 0)
		err =
		    aspace_map_frame(as, STACK_TOP, trampoline, PTE_R | PTE_X);
	if (err == 0)
		err = copyout(as, args, bytes, sizeof bytes);
	if (err < 0)
		return err;
	oracle_map(o,
	    (struct seg){.start = top, .end = top + 1, .perms = PTE_R | PTE_X});
	for (unsigned i = 0; i < 4; i++) {
		oracle_store(o, args + i, bytes[i]);
		oracle_store(o, STACK_TOP + oracle_offsets[i],
		    (uint8_t)(0x11 * (i + 1)));
	}
	oracle_clean(o, top, top + 1);
	return 0;
}

void life_exec(struct proc *p, const struct op *op)
{
	struct image *image = &images[op->target];
	static struct oracle o;
	struct aspace *as, *old = p->as;

	world_in_exec = true;
	as = image->as != NULL || image_build(image) ? aspace_fork(image->as)
						     : NULL;
	o = image->oracle;
	if (as != NULL && add_stack(as, &o) < 0) {
		discard(as);
		as = NULL;
	}
	world_in_exec = false;
	if (as == NULL) {
		expect_failure("exec");
		return;
	}
	verify_oracle(as, &o, "exec");
	p->as = as;
	p->oracle = o;
	sim_enter(as);
	aspace_leave(old);
	dying_add(old);
	dying_step(op->budget);
}
