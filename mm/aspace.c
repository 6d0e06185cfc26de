/* SPDX-License-Identifier: MIT */
/*
 * aspace.c - address spaces as a whole: created, forked, searched, torn down.
 */
#include "mm/aspace.h"

#include "abi/errno.h"
#include "arch/hart.h"
#include "mm/slab.h"
#include "pagetable.h"

pte_t kernel_template[SV39_ENTRIES] ALIGNED(PAGE_SIZE);
unsigned kernel_template_end = SV39_USER_ROOT_ENTRIES;

static struct slab aspaces = SLAB_INIT(struct aspace);

struct lock aspace_list_lock;
struct list aspace_list = {&aspace_list, &aspace_list};

static void fill_kernel_half(pte_t *top)
{
	for (unsigned i = SV39_USER_ROOT_ENTRIES; i < kernel_template_end; i++)
		pte_write(&top[i], kernel_template[i]);
}

static void clear_kernel_half(pte_t *top)
{
	for (unsigned i = SV39_USER_ROOT_ENTRIES; i < kernel_template_end; i++)
		pte_write(&top[i], pte_empty());
}

struct aspace *aspace_create(void)
{
	struct aspace *as = slab_alloc(&aspaces);
	struct frame *root;

	if (as == NULL)
		return NULL;
	root = frame_alloc_zeroed(FRAME_TABLE);
	if (root == NULL) {
		slab_free(&aspaces, as);
		return NULL;
	}
	*as = (struct aspace){
	    .users = 1,
	    .root = root,
	    .top = frame_virt(root),
	    .high = SV39_USER_ROOT_ENTRIES,
	    .asid = asid_none(),
	    .cursor = USER_TOP,
	};
	fill_kernel_half(as->top);
	lock_acquire(&aspace_list_lock);
	list_push_back(&aspace_list, &as->link);
	lock_release(&aspace_list_lock);
	return as;
}

/*
 * Closes entries first .. end - 1 of a root, and shares them with a copy. All
 * that grows with a process in a fork is the number of these, one a GiB.
 */
static void share_entries(pte_t *copy, pte_t *source, unsigned first,
    unsigned end)
{
	uintptr_t origin = frame_origin();

#pragma GCC unroll 4
	for (unsigned i = first; i < end; i++) {
		pte_t e = pte_read(&source[i]);

		if (pte_names_frame(e)) {
			frame_get(frame_from(origin, e));
			e = pte_close_table(e);
			pte_write(&source[i], e);
		} else if (pte_is_empty(e)) {
			continue;
		}
		pte_write(&copy[i], e);
	}
}

struct aspace *aspace_fork(struct aspace *as)
{
	struct aspace *copy = aspace_create();

	if (copy == NULL)
		return NULL;
	lock_acquire(&as->lock);
	share_entries(copy->top, as->top, 0, as->low);
	share_entries(copy->top, as->top, as->high, SV39_USER_ROOT_ENTRIES);
	copy->root->used = as->root->used;

	/* Before anybody can run in the copy: stores must fault from now on. */
	tlb_flush_asid(&as->asid);
	copy->low = as->low;
	copy->high = as->high;
	copy->brk_start = as->brk_start;
	copy->brk_end = as->brk_end;
	copy->cursor = as->cursor;
	copy->trampoline = as->trampoline;
	lock_release(&as->lock);
	stats_count(forks);
	return copy;
}

static void open_path(struct aspace *as, vaddr_t va) REQUIRES(as->lock)
{
	pte_t *slot = &as->top[level_index(va, SV39_ROOT_LEVEL)];

	for (int level = SV39_ROOT_LEVEL; level > 0; level--) {
		pte_t e = pte_read(slot);

		if (pte_kind(e) == PTE_KIND_LAZY &&
		    table_unshare(slot, level) == 0)
			e = pte_read(slot);
		if (!pte_is_table(e))
			return;
		slot = &table_entries(e)[level_index(va, level - 1)];
	}
}

void aspace_open_paths(struct aspace *as, vaddr_t a, vaddr_t b)
{
	lock_acquire(&as->lock);
	if (a < USER_TOP)
		open_path(as, a);
	if (b < USER_TOP && (a ^ b) >= level_span(1))
		open_path(as, b);
	lock_release(&as->lock);
}

void aspace_get(struct aspace *as)
{
	(void)__atomic_fetch_add(&as->users, 1, __ATOMIC_RELAXED);
}

bool aspace_put(struct aspace *as)
{
	uint32_t before = __atomic_fetch_sub(&as->users, 1, __ATOMIC_ACQ_REL);

	assert(before > 0);
	return before == 1;
}

bool aspace_teardown(struct aspace *as, unsigned *budget)
{
	struct range_op *op = &as->teardown;

	assert(as->users == 0 && tlb_root() != frame_paddr(as->root));
	/* It runs no more: what harts remember of it does not matter. */
	as->asid = asid_none();
	op->kind = RANGE_UNMAP;
	op->end = USER_TOP;
	if (range_run(as, op, *budget) == RANGE_MORE) {
		*budget = 0;
		return false;
	}
	lock_acquire(&aspace_list_lock);
	list_remove(&as->link);
	lock_release(&aspace_list_lock);
	assert(as->root->used == 0);
	if (!frame_drop(as->root))
		panic("expected one reference to root %lx",
		    frame_paddr(as->root));
	clear_kernel_half(as->top);
	frame_free_zeroed(as->root);
	slab_free(&aspaces, as);
	return true;
}

void aspace_discard(struct aspace *as)
{
	unsigned budget;

	if (!aspace_put(as))
		return;
	do
		budget = RANGE_BUDGET;
	while (!aspace_teardown(as, &budget));
}

/* Is the entry before that of `w`, in the same table, EMPTY? */
static bool has_empty_before(const struct walk *w)
{
	return ((uintptr_t)w->slot & PAGE_MASK) != 0 &&
	    pte_is_empty(pte_read(w->slot - 1));
}

/*
 * From the top down, so that the heap can grow from below. `cursor` remembers
 * how far down everything is taken; unmapping raises it again.
 */
int aspace_find_gap(struct aspace *as, uint64_t len, vaddr_t *start)
{
	vaddr_t top, bottom;
	bool at_cursor = true;
	int err = -ENOMEM;

	lock_acquire(&as->lock);
	top = bottom = as->cursor;
	while (top >= len && bottom > PAGE_SIZE) {
		struct walk w = walk_to(as, bottom - 1);

		if (pte_is_empty(pte_read(w.slot))) {
			at_cursor = false;
			while (top - w.start < len && has_empty_before(&w)) {
				w.slot--;
				w.start -= level_span(w.level);
			}
			/* No mapping begins at 0, which is no address. */
			bottom = max_u64(w.start, PAGE_SIZE);
		} else {
			bottom = top = w.start;
			if (at_cursor)
				as->cursor = top;
		}
		if (top - bottom >= len) {
			*start = top - len;
			err = 0;
			break;
		}
	}
	lock_release(&as->lock);
	return err;
}

bool aspace_is_empty(struct aspace *as, vaddr_t start, vaddr_t end)
{
	bool empty = true;

	lock_acquire(&as->lock);
	while (empty && start < end) {
		struct walk w = walk_to(as, start);

		empty = pte_is_empty(pte_read(w.slot));
		start = w.end;
	}
	lock_release(&as->lock);
	return empty;
}

int aspace_map_frame(struct aspace *as, vaddr_t va, struct frame *frame,
    uint64_t perms)
{
	struct range_op op = {.kind = RANGE_MAP,
	    .start = va,
	    .end = va + PAGE_SIZE,
	    .perms = perms};
	int err;

	do
		err = range_run(as, &op, UINT32_MAX);
	while (err == RANGE_MORE);
	if (err < 0)
		return err;
	lock_acquire(&as->lock);
	frame_get(frame);
	pte_write(walk_to(as, va).slot, pte_page(frame_paddr(frame), perms));
	lock_release(&as->lock);
	return 0;
}
