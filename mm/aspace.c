/* SPDX-License-Identifier: MIT */
/*
 * aspace.c - address spaces as a whole: created, forked, torn down.
 */
#include "mm/aspace.h"

#include "abi/errno.h"
#include "arch/hart.h"
#include "mm/slab.h"
#include "range.h"

pte_t kernel_template[SV39_ENTRIES] ALIGNED(PAGE_SIZE);
unsigned kernel_template_end = SV39_USER_ROOT_ENTRIES;

/* The last entry of a root. */
#define DEVICE_SLOT (SV39_ENTRIES - 1)

pte_t device_entry;

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
	pte_write(&top[DEVICE_SLOT], pte_empty());
}

/* Sets all fields but own_op, which is set when the last user has gone. */
static void aspace_init(struct aspace *as, struct frame *root)
{
	as->lock = (struct lock){0};
	as->users = 1;
	as->runner = NULL;
	as->sharers = 1;
	list_init(&as->turn);
	list_init(&as->lenders);
	as->next_dead = NULL;
	as->root = root;
	as->top = frame_virt(root);
	as->low = 0;
	as->high = SV39_USER_ROOT_ENTRIES;
	as->asid = asid_none();
	as->brk_start = 0;
	as->brk_end = 0;
	as->cursor = USER_TOP;
	as->gap_len = 0;
	as->is_system = false;
	as->trampoline = 0;
	as->aside = NULL;
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
	aspace_init(as, root);
	fill_kernel_half(as->top);
	TRACE(space_created, "frame:root", frame_trace(root));
	lock_acquire(&aspace_list_lock);
	list_push_back(&aspace_list, &as->link);
	lock_release(&aspace_list_lock);
	return as;
}

/*
 * Entries first .. end - 1 of a root, for a copy of it. All that grows with a
 * process in a fork is the number of these, one a GiB.
 */
static void root_copy(pte_t *copy, pte_t *source, unsigned first, unsigned end)
{
	uintptr_t origin = frame_origin();

#pragma GCC unroll 4
	for (unsigned i = first; i < end; i++)
		(void)entry_copy(&copy[i], &source[i], SV39_ROOT_LEVEL, origin);
}

struct aspace *aspace_fork(struct aspace *as)
{
	struct aspace *copy = aspace_create();

	if (copy == NULL)
		return NULL;
	lock_acquire(&as->lock);
	root_copy(copy->top, as->top, 0, as->low);
	root_copy(copy->top, as->top, as->high, SV39_USER_ROOT_ENTRIES);
	copy->root->use = as->root->use;
	copy->root->eighths = as->root->eighths;

	/* Before anybody can run in the copy: stores must fault from now on. */
	tlb_flush_asid(&as->asid);
	copy->low = as->low;
	copy->high = as->high;
	copy->brk_start = as->brk_start;
	copy->brk_end = as->brk_end;
	copy->cursor = as->cursor;
	copy->gap_len = as->gap_len;
	copy->trampoline = as->trampoline;
	copy->args = as->args;
	copy->args_end = as->args_end;
	lock_release(&as->lock);
	stats_count(forks);
	TRACE(space_forked, "frame:from frame:to", frame_trace(as->root),
	    frame_trace(copy->root));
	return copy;
}

bool aspace_map_device(struct aspace *as)
{
	assert(aspace_is_ours(as));
	if (pte_is_empty(device_entry))
		return false;
	lock_acquire(&as->lock);
	/* A hart that has cached the EMPTY entry faults once, and is fenced. */
	pte_write(&as->top[DEVICE_SLOT], device_entry);
	lock_release(&as->lock);
	return true;
}

bool aspace_allows_device(const struct aspace *as, vaddr_t va,
    enum access access)
{
	return (va & ~PAGE_MASK) == DEVICE_PAGE && access != ACCESS_EXEC &&
	    !pte_is_empty(pte_read(&as->top[DEVICE_SLOT]));
}

static void path_own(struct aspace *as, vaddr_t va) REQUIRES(as->lock)
{
	struct walk w;

	/* Without memory it does nothing, and the process will fault there. */
	IGNORE_RESULT(walk_own(&w, as, va));
}

void aspace_own_paths(struct aspace *as, vaddr_t a, vaddr_t b)
{
	lock_acquire(&as->lock);
	if (a < USER_TOP)
		path_own(as, a);
	if (b < USER_TOP && (a ^ b) >= level_span(1))
		path_own(as, b);
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
	if (before > 1)
		return false;
	/* It runs no more: what harts remember of it does not matter. */
	as->asid = asid_none();
	as->own_op = (struct range_op){.kind = RANGE_END, .end = USER_TOP};
	return true;
}

bool aspace_take_apart(struct aspace *as, unsigned *budget)
{
	assert(as->users == 0 && as->runner == NULL && as->sharers <= 1);
	assert(hart_self()->root != frame_paddr(as->root));
	if (range_phases(as, &as->own_op, budget) == RANGE_MORE)
		return false;
	lock_acquire(&aspace_list_lock);
	list_remove(&as->link);
	lock_release(&aspace_list_lock);
	assert(as->root->used == 0);
	if (!frame_drop(as->root))
		panic("expected one reference to root %lx",
		    frame_paddr(as->root));
	clear_kernel_half(as->top);
	TRACE(space_freed, "frame:root", frame_trace(as->root));
	frame_free_zeroed(as->root);
	slab_free(&aspaces, as);
	return true;
}

bool aspace_teardown(struct aspace *as, unsigned *budget)
{
	return aside_drop(as, budget) && aspace_take_apart(as, budget);
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

int aspace_map_frame(struct aspace *as, vaddr_t va, struct frame *frame,
    uint64_t perms)
{
	struct range_op op = {.kind = RANGE_MAP,
	    .start = va,
	    .end = va + PAGE_SIZE,
	    .perms = perms};
	int err = range_finish(as, &op);
	struct walk w;

	if (err < 0)
		return err;
	lock_acquire(&as->lock);
	frame_get(frame);
	walk_look(&w, as, va, 0);
	pte_write(w.slot, pte_page(frame_paddr(frame), perms));
	TRACE(kernel_page_mapped, "slot frame:page", (uint64_t)w.slot,
	    frame_trace(frame));
	lock_release(&as->lock);
	return 0;
}
