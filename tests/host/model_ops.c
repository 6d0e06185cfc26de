/* SPDX-License-Identifier: MIT */
/*
 * model_ops.c - what can happen in the small machine, and what must be true.
 */
#include <stdio.h>
#include <string.h>

#include "abi/errno.h"
#include "arch/hart.h"
#include "model.h"

#define RW         (PTE_R | PTE_W)
#define MAX_FAULTS 6

static const char *const change_names[] = {
    [RANGE_MAP] = "map",
    [RANGE_UNMAP] = "unmap",
    [RANGE_PROTECT] = "protect",
    [RANGE_DISCARD] = "discard",
};

void model_print(const struct model_op *op)
{
	printf("#   process %u: ", op->proc);
	if (op->kind >= MODEL_CHANGE)
		printf("%s %u pages from %u, %s%s",
		    change_names[op->kind - MODEL_CHANGE], op->count, op->first,
		    op->perms & PTE_R ? "r" : "-",
		    op->perms & PTE_W ? "w" : "-");
	else if (op->kind == MODEL_PASS)
		printf("get %u pages from %u of process %u", op->count,
		    op->first, op->from);
	else if (op->kind == MODEL_FORK || op->kind == MODEL_EXIT)
		printf("%s", op->kind == MODEL_FORK ? "fork" : "exit");
	else
		printf("%s page %u%s",
		    op->kind == MODEL_LOAD ? "load" : "store", op->first,
		    op->eager ? ", faulting where it may" : "");
	if (op->fail != 0)
		printf(", allocation %u fails", op->fail);
	printf("\n");
}

/* ---- The list ---- */

static unsigned add(struct model_op *ops, unsigned n, struct model_op op,
    bool failures)
{
	for (uint8_t fail = 0; fail <= (failures ? 3 : 0); fail++) {
		if (n == MODEL_MAX_OPS)
			sim_fail("too many operations");
		op.fail = fail;
		ops[n++] = op;
	}
	return n;
}

static unsigned add_changes(const struct model_config *config,
    struct model_op *ops, unsigned n, struct model_op op)
{
	bool passes = op.count == MODEL_PAGES ? config->runs : config->pass;

	for (op.from = 0; passes && op.from < config->procs; op.from++) {
		op.kind = MODEL_PASS;
		op.perms = RW;
		if (op.from != op.proc)
			n = add(ops, n, op, config->failures);
	}
	op.perms = RW;
	if (config->unmap) {
		op.kind = MODEL_CHANGE + RANGE_MAP;
		n = add(ops, n, op, config->failures);
		op.kind = MODEL_CHANGE + RANGE_UNMAP;
		n = add(ops, n, op, config->failures);
	}
	op.kind = MODEL_CHANGE + RANGE_DISCARD;
	if (config->discard)
		n = add(ops, n, op, config->failures);
	op.kind = MODEL_CHANGE + RANGE_PROTECT;
	if (config->protect) {
		n = add(ops, n, op, config->failures);
		op.perms = PTE_R;
		n = add(ops, n, op, config->failures);
		op.perms = 0;
		n = add(ops, n, op, config->failures);
	}
	return n;
}

unsigned model_list(const struct model_config *config, struct model_op *ops)
{
	unsigned n = 0;

	for (uint8_t p = 0; p < config->procs; p++) {
		struct model_op op = {.proc = p,
		    .count = 1,
		    .perms = config->procs};

		op.kind = MODEL_FORK;
		n = add(ops, n, op, config->failures);
		op.kind = MODEL_EXIT;
		n = add(ops, n, op, false);
		for (op.first = 0; op.first < MODEL_PAGES; op.first++) {
			if (!(config->pages >> op.first & 1))
				continue;
			for (op.eager = 0; op.eager < 2; op.eager++) {
				op.kind = MODEL_LOAD;
				n = add(ops, n, op, config->failures);
				op.kind = MODEL_STORE;
				n = add(ops, n, op, config->failures);
			}
			op.eager = 0;
			n = add_changes(config, ops, n, op);
		}
		op.first = 0;
		op.count = MODEL_PAGES;
		n = add_changes(config, ops, n, op);
	}
	return n;
}

/* ---- Touching memory ---- */

static bool tables_allow(const struct model_proc *p, unsigned page,
    uint64_t need, paddr_t *pa)
{
	int level = 0;
	pte_t e =
	    mmu_tables(frame_paddr(p->as->root), page << PAGE_SHIFT, &level);

	*pa = pte_paddr(e);
	return level == 0 && (e.bits & PTE_V) && (e.bits & need);
}

/* Does the TLB hold anything to fault upon? */
static bool tlb_may_fault(const struct model_proc *p, unsigned page,
    uint64_t need)
{
	const struct held *leaf = &p->tlb[model_place(page, 0)];

	for (int level = 2; level >= 0; level--)
		if (p->tlb[model_place(page, level)].invalid)
			return true;
	for (unsigned i = 0; i < leaf->count; i++)
		if (!(leaf->bits[i] & need))
			return true;
	return false;
}

static int reach(struct model_proc *p, const struct model_op *op, paddr_t *pa)
{
	bool store = op->kind == MODEL_STORE;
	uint64_t need = store ? PTE_W : PTE_R;

	for (unsigned i = 0; i < MAX_FAULTS; i++) {
		int err;

		if (tables_allow(p, op->first, need, pa) &&
		    !(op->eager && tlb_may_fault(p, op->first, need)))
			return 0;
		err = aspace_fault(p->as, (vaddr_t)op->first << PAGE_SHIFT,
		    store ? ACCESS_WRITE : ACCESS_READ);
		if (err < 0)
			return err;
		model_fill(op->proc);
		model_check_tlb(op->proc);
	}
	sim_fail("endless fault");
}

static void check_error(int err, int expected)
{
	if (err != expected && err != -ENOMEM)
		sim_fail("expected %d, found %d", expected, err);
}

static void touch(struct model_proc *p, const struct model_op *op)
{
	struct model_page *page = &p->pages[op->first];
	bool store = op->kind == MODEL_STORE;
	bool allowed =
	    page->mapped && (page->perms & (store ? PTE_W : PTE_R)) != 0;
	uint64_t *word;
	paddr_t pa;
	int err = reach(p, op, &pa);

	check_error(err, allowed ? 0 : -EFAULT);
	if (err < 0)
		return;
	word = phys_to_virt(pa);
	if (*word != page->value)
		sim_fail("process %u expected %u in page %u, found %lu",
		    op->proc, page->value, op->first, *word);
	if (store)
		*word = page->value = page->value == 1 ? 2 : 1;
}

/* ---- Everything else ---- */

/* Into the first free place of `procs`. */
static bool fork_once(struct model_proc *p, unsigned procs)
{
	for (unsigned i = 0; i < procs; i++) {
		struct model_proc *child = &model_procs[i];

		if (child->as != NULL)
			continue;
		child->as = aspace_fork(p->as);
		if (child->as == NULL)
			return true;
		memcpy(child->pages, p->pages, sizeof p->pages);
		sim_hart = i;
		sim_enter(child->as);
		model_fill(i);
		return true;
	}
	return false;
}

static void exit_once(struct model_proc *p)
{
	struct aspace *as = p->as;
	unsigned budget = RANGE_BUDGET;

	harts[sim_hart].root = 0;
	aspace_leave(as);
	memset(p, 0, sizeof *p);
	if (!aspace_put(as) || !aspace_teardown(as, &budget))
		sim_fail("an exit takes too long");
}

static void change_page(struct model_page *page, const struct model_op *op)
{
	switch (op->kind - MODEL_CHANGE) {
	case RANGE_MAP:
		*page = (struct model_page){.mapped = true, .perms = op->perms};
		break;
	case RANGE_UNMAP:
		*page = (struct model_page){0};
		break;
	case RANGE_PROTECT:
		page->perms = op->perms;
		break;
	default:
		page->value = 0;
		break;
	}
}

static void change(struct model_proc *p, const struct model_op *op)
{
	enum range_kind kind = (enum range_kind)(op->kind - MODEL_CHANGE);
	struct range_op range = {.kind = kind,
	    .start = (vaddr_t)op->first << PAGE_SHIFT,
	    .end = (vaddr_t)(op->first + op->count) << PAGE_SHIFT,
	    .perms = op->perms};
	bool full = true;
	int err;

	for (unsigned i = op->first; i < op->first + op->count; i++)
		full &= p->pages[i].mapped;
	do
		err = range_run(p->as, &range, 1);
	while (err == RANGE_MORE);
	if (!full && (kind == RANGE_PROTECT || kind == RANGE_DISCARD)) {
		check_error(err, -ENOMEM);
		return;
	}
	check_error(err, 0);
	for (unsigned i = op->first; err == 0 && i < op->first + op->count; i++)
		change_page(&p->pages[i], op);
}

/*
 * Fills the bag of `p` with pages of `from`, on the hart of `from`. Returns how
 * many, or an error.
 */
static long fill_bag(struct model_proc *p, const struct model_proc *from,
    const struct model_op *op)
{
	unsigned done = 0;
	long n = 0;

	aspace_leave(p->as);
	sim_hart = op->from;
	for (; done < op->count && n >= 0; done += n > 0 ? (unsigned)n : 0) {
		uint64_t page = (uint64_t)(op->first + done) << PAGE_SHIFT;

		/*
		 * All pages are passed as one run, with whole tables where that
		 * is possible.
		 */
		n = op->count == MODEL_PAGES
		    ? bag_fill_run(p->as, from->as, page, op->count - done)
		    : bag_fill(p->as, from->as, &page, 1);
		if (n < 0)
			check_error((int)n,
			    from->pages[op->first + done].perms & PTE_R
				? 0
				: -EFAULT);
	}
	model_fill(op->from);
	model_check_tlb(op->from);
	sim_hart = op->proc;
	aspace_claim(p->as);
	return n < 0 ? n : (long)done;
}

/*
 * Passes pages to `p`. False if there is no process to take them from, or if
 * the page is the one at address 0, which stands for a page of zeros.
 */
static bool pass(struct model_proc *p, const struct model_op *op)
{
	const struct model_proc *from = &model_procs[op->from];
	struct range_op range = {.kind = RANGE_PASS,
	    .start = (vaddr_t)op->first << PAGE_SHIFT,
	    .end = (vaddr_t)(op->first + op->count) << PAGE_SHIFT,
	    .perms = op->perms};
	long n;
	int err;

	if (from->as == NULL || (op->first == 0 && op->count == 1))
		return false;
	do
		err = range_run(p->as, &range, 1);
	while (err == RANGE_MORE);
	if (err == -ENOMEM)
		return true;
	n = fill_bag(p, from, op);
	range = bag_range(p->as, n < 0 ? (int)n : 0);
	do
		err = range_run(p->as, &range, 1);
	while (err == RANGE_MORE);
	check_error(err, n < 0 ? (int)n : 0);
	for (unsigned i = op->first; err == 0 && i < op->first + op->count; i++)
		p->pages[i] = (struct model_page){.mapped = true,
		    .perms = op->perms,
		    .value = from->pages[i].value};
	return true;
}

bool model_execute(const struct model_op *op)
{
	struct model_proc *p = &model_procs[op->proc];
	struct frame_failure failure = {.countdown = op->fail};
	bool applies = true;

	if (p->as == NULL)
		return false;
	sim_hart = op->proc;
	frame_fail_set(&failure);
	if (op->kind == MODEL_LOAD || op->kind == MODEL_STORE)
		touch(p, op);
	else if (op->kind == MODEL_FORK)
		applies = fork_once(p, op->perms);
	else if (op->kind == MODEL_EXIT)
		exit_once(p);
	else if (op->kind == MODEL_PASS)
		applies = pass(p, op);
	else
		change(p, op);
	frame_fail_set(NULL);
	model_fill(op->proc);
	/*
	 * If no allocation failed, this was the operation without a failure,
	 * which has been tried already.
	 */
	return applies && (op->fail == 0 || failure.failed > 0);
}

/* ---- What must be true ---- */

static void check_page(const struct model_proc *p, unsigned number)
{
	const struct model_page *page = &p->pages[number];
	const pte_t *entries = p->as->top;
	int level = 2;
	pte_t e;
	uint64_t perms, value = 0;

	for (;; level--) {
		e = entries[level_index((vaddr_t)number << PAGE_SHIFT, level)];
		if (level == 0 ||
		    !(pte_is_table(e) || pte_kind(e) == PTE_KIND_LAZY))
			break;
		entries = phys_to_virt(pte_paddr(e));
	}
	if (pte_kind(e) == PTE_KIND_PAGE || pte_kind(e) == PTE_KIND_HIDDEN)
		value = *(uint64_t *)phys_to_virt(pte_paddr(e));
	perms = pte_perms(e) | (pte_is_cow(e) ? PTE_W : 0);
	if (page->mapped == pte_is_empty(e) || page->perms != perms ||
	    page->value != value)
		sim_fail("process %u, page %u: expected perms %x value %u, "
			 "found entry %lx value %lu",
		    (unsigned)(p - model_procs), number, page->perms,
		    page->value, e.bits, value);
}

void model_check(void)
{
	(void)aspace_audit();
	for (unsigned i = 0; i < MODEL_PROCS; i++) {
		model_check_tlb(i);
		for (unsigned page = 0; page < MODEL_PAGES; page++)
			if (model_procs[i].as != NULL)
				check_page(&model_procs[i], page);
	}
}
