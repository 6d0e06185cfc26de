/* SPDX-License-Identifier: MIT */
/*
 * pass.c - pages of one process for another, as a server gives them to a
 * caller: the receiver runs on no hart, and has begun a mapping that waits.
 */
#include <string.h>

#include "abi/errno.h"
#include "arch/hart.h"
#include "mm/inspect.h"
#include "world.h"

#define GIVE_MAX 5 /* pages at a time */
#define PASS_MAX 3 /* names of a page that is shared: host.mk */

/*
 * Pages one behind the other. Some are the zero page (address 0), and a few
 * addresses are wrong.
 */
static unsigned choose_pages(const struct op *op, uint64_t *pages)
{
	unsigned count = 1 + op->value % GIVE_MAX;

	for (unsigned i = 0; i < count; i++) {
		pages[i] = op->va + i * PAGE_SIZE;
		if (sim_below(8) == 0)
			pages[i] = 0;
		else if (sim_below(64) == 0)
			pages[i]++;
	}
	return count;
}

/* Do so many entries name the page that no more can? */
static bool is_crowded(struct proc *p, uint64_t page)
{
	struct calf_walk walk;

	inspect_walk(p->as, page, &walk);
	return walk.entry[walk.depth - 1].count >= PASS_MAX;
}

static int expected_of(const struct proc *p, const struct change *c,
    uint64_t page)
{
	const struct seg *seg;

	if (page == 0)
		return c->shared ? -ENODEV : 0;
	if (page >= USER_TOP || (page & PAGE_MASK) != 0)
		return -EFAULT;
	seg = oracle_seg(&p->oracle, (uint32_t)(page >> PAGE_SHIFT));
	if (seg == NULL || !(seg->perms & PTE_R))
		return -EFAULT;
	if (!c->shared)
		return 0;
	if (seg->object == 0 || !(seg->perms & PTE_W))
		return -ENODEV;
	return 0;
}

/* The next page of the receiver becomes that page of a shared object. */
static void note_shared(const struct proc *p, struct change *c, uint64_t page)
{
	uint32_t vpn = (uint32_t)(page >> PAGE_SHIFT);
	struct seg seg = *oracle_seg(&p->oracle, vpn);

	seg.offset += vpn - seg.start;
	c->pages[c->filled++] = seg;
}

/* Remembers the contents of a page that has been put into the bag. */
static void note_page(const struct proc *p, struct change *c, uint64_t page)
{
	if (expected_of(p, c, page) != 0)
		sim_fail("give: %lx was put in", page);
	if (c->shared) {
		note_shared(p, c, page);
		return;
	}
	for (unsigned i = 0; i < 4; i++)
		c->bytes[c->filled][i] = page == 0
		    ? 0
		    : oracle_load(&p->oracle, page + oracle_offsets[i]);
	c->filled++;
}

static bool is_run(const uint64_t *pages, unsigned count)
{
	for (unsigned i = 1; i < count; i++)
		if (pages[i] != pages[0] + i * PAGE_SIZE)
			return false;
	return pages[0] != 0;
}

static void give(struct proc *p, struct proc *to, const uint64_t *pages,
    unsigned count, bool run)
{
	struct change *c = &to->change;
	unsigned done = 0;

	while (done < count && bag_filled(to->as) < bag_size(to->as)) {
		long n = run
		    ? bag_fill_run(to->as, p->as, pages[done], count - done)
		    : bag_fill(to->as, p->as, pages + done, count - done);

		if (n < 0) {
			int expected = expected_of(p, c, pages[done]);

			if (n == -ENOMEM && expected == 0 && c->shared &&
			    is_crowded(p, pages[done]))
				return;
			expect_result("give", (int)n, expected);
			return;
		}
		if (n == 0 || n > count - done)
			sim_fail("give: %ld pages of %u", n, count - done);
		for (long i = 0; i < n; i++)
			note_page(p, c, pages[done++]);
		if (bag_filled(to->as) != c->filled * PAGE_SIZE)
			sim_fail("give: %lx bytes, expected %u pages",
			    bag_filled(to->as), c->filled);
	}
}

void pass_give(struct proc *p, const struct op *op)
{
	struct proc *to = &procs[op->target];
	uint64_t pages[GIVE_MAX];
	unsigned count;

	if (to == p || !to->alive || !to->change.active || !to->change.waits)
		return;
	count = choose_pages(op, pages);
	if (to->change.filled + count > OBJECT_PAGES)
		count = OBJECT_PAGES - to->change.filled;
	proc_leave(to);
	aspace_claim(to->as);
	give(p, to, pages, count, op->seed % 2 == 0 && is_run(pages, count));
	aspace_leave(to->as);
	to->change.given = true;
}

void pass_commit(struct oracle *o, const struct change *c)
{
	struct seg rest = c->seg, seg = c->seg;

	seg.end = rest.start = c->seg.start + c->filled;
	rest.perms = 0;
	if (seg.start < seg.end && !c->shared)
		oracle_map(o, seg);
	rest.sealed = false;
	for (unsigned i = 0; i < c->filled && c->shared; i++)
		oracle_map(o,
		    (struct seg){.start = seg.start + i,
			.end = seg.start + i + 1,
			.perms = seg.perms,
			.sealed = seg.sealed,
			.object = c->pages[i].object,
			.offset = c->pages[i].offset});
	if (rest.start < rest.end)
		oracle_map(o, rest);
	for (unsigned i = 0; i < c->filled && !c->shared; i++)
		for (unsigned k = 0; k < 4; k++)
			if (c->bytes[i][k] != 0)
				oracle_store(o,
				    ((vaddr_t)(seg.start + i) << PAGE_SHIFT) +
					oracle_offsets[k],
				    c->bytes[i][k]);
	if ((seg.perms & PTE_X) && !c->shared)
		oracle_clean(o, seg.start, seg.end);
}
