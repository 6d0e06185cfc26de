/* SPDX-License-Identifier: MIT */
/*
 * check.c - mistakes of the kernel that the machine notices at the instruction
 * at which they happen.
 *
 *   stale   user mode used a translation that allows more than the tables do
 *   frame   user mode touched a frame that is free, a table, or nobody's
 *   freed   a frame was freed that its own hart can still reach
 *   code    user mode fetched bytes that a frame had before it was freed
 *   root    two harts run one address space
 *   table   a table can be walked, and stores to it are not seen yet: late.c
 *   lock    user mode was entered with a lock held
 *   loop    a process takes the same page fault over and over: stay.c
 *   reservation  a process goes on with what another one reserved
 *
 * The kernel's structures are known from its symbols and from layout.c. A
 * kernel without such symbols is not checked.
 */
#include "check.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "elf.h"
#include "late.h"
#include "layout.h"
#include "report.h"
#include "stay.h"

static uint64_t frames_symbol, base_symbol, count_symbol, root_symbol;
static uint64_t boot_root, data_start, data_end;

/* The frame table, as of the last look. */
static uint64_t frames_start, frames_end, frame_base;
struct told_pages told_pages;

/* How often each frame changed its state, and its state. */
static struct life {
	unsigned number;
	uint8_t state;
} * lives;
static uint64_t life_count;

static uint64_t to_physical(uint64_t va)
{
	return va >= KERNEL_DIRECT_MAP ? va - KERNEL_DIRECT_MAP : va;
}

static uint64_t symbol_pa(const char *name)
{
	uint64_t va = symbol_value(name);

	return va == 0 ? 0 : to_physical(va);
}

/* A symbol that a kernel with `frames` has to have. */
static uint64_t needed(const char *name)
{
	if (symbol_value(name) == 0)
		report_usage("the kernel has the symbol `frames', and no `%s'",
		    name);
	return symbol_pa(name);
}

void check_init(void)
{
	frames_symbol = symbol_pa("frames");
	if (frames_symbol == 0)
		return;
	base_symbol = needed("frame_base");
	count_symbol = needed("frame_count");
	root_symbol = needed("tlb_kernel_root");
	boot_root = needed("boot_root");
	data_start = needed("kernel_rodata_end");
	data_end = needed("kernel_stacks");
}

bool check_is_shared_data(uint64_t pa)
{
	return pa >= data_start && pa < data_end;
}

/* --- frames --------------------------------------------------------------- */

/*
 * Finds the frame table once the kernel has one. Until then its variables may
 * hold anything.
 */
static void find_frames(void)
{
	uint64_t count = ram_word(count_symbol), base = ram_word(base_symbol);
	uint64_t start = to_physical(ram_word(frames_symbol));

	if (frames_start != 0 || frames_symbol == 0 || count == 0 ||
	    count > machine.ram_size / PAGE_SIZE ||
	    !is_ram(base, count * PAGE_SIZE) ||
	    !is_ram(start, count * KERNEL_FRAME_SIZE))
		return;
	frame_base = base;
	frames_start = start;
	frames_end = start + count * KERNEL_FRAME_SIZE;
	told_pages.start = start & ~PAGE_MASK;
	if (!machine.config.kind)
		told_pages.bytes = frames_end - told_pages.start;
	life_count = count;
	lives = calloc(life_count, sizeof *lives);
	if (lives == NULL)
		life_count = 0;
	for (unsigned i = 0; i < machine.hart_count; i++)
		hart_forget(&machine.cores[i].hart);
}

/* The state of memory that the allocator has no record of. */
#define NO_FRAME 256

static unsigned frame_state(uint64_t pa)
{
	uint64_t at = frames_start +
	    ((pa - frame_base) >> PAGE_SHIFT) * KERNEL_FRAME_SIZE;

	if (frames_start == 0 || pa < frame_base || at >= frames_end)
		return NO_FRAME;
	return *((uint8_t *)ram_at(at) + KERNEL_FRAME_STATE);
}

bool check_is_table(uint64_t pa)
{
	return frame_state(pa) == KERNEL_FRAME_IS_TABLE;
}

static const char *state_name(uint64_t pa)
{
	switch (frame_state(pa)) {
	case KERNEL_FRAME_IS_FREE:
		return "free";
	case NO_FRAME:
		return "no memory of the allocator's";
	case KERNEL_FRAME_IS_KERNEL:
		return "the kernel's";
	case KERNEL_FRAME_IS_TABLE:
		return "a page table";
	default:
		return "a user's page";
	}
}

static bool is_kernel_root(uint64_t root)
{
	return root == boot_root || root == 0 ||
	    (root_symbol != 0 && root == ram_word(root_symbol));
}

static uint64_t root_of(const struct core *c)
{
	return c->hart.satp >> 60 == 0 ? 0 : pte_pa(c->hart.satp << 10);
}

unsigned check_life(uint64_t frame)
{
	uint64_t index = frame - frame_base / PAGE_SIZE;

	return index < life_count ? lives[index].number : 0;
}

/* No satp, and no live translation, may lead to a frame that is free. */
static NOINLINE void check_freed(struct core *c, uint64_t frame)
{
	const struct tlb_entry *e;

	for (unsigned i = 0; i < machine.hart_count; i++) {
		struct core *other = &machine.cores[i];

		if (!other->started || is_kernel_root(root_of(other)))
			continue;
		if (root_of(other) >> PAGE_SHIFT == frame)
			report_failure(c,
			    "freed: expected no hart to reach frame %#" PRIx64
			    "; hart %u has it as the root in satp",
			    frame << PAGE_SHIFT, i);
		e = tlb_names(other, frame);
		if (e != NULL)
			report_failure(c,
			    "freed: expected no hart to reach "
			    "frame %#" PRIx64 "; hart %u has the %s %#" PRIx64
			    " read from %#" PRIx64 " at step %" PRIu64,
			    frame << PAGE_SHIFT, i,
			    e->kind == TLB_LEAF ? "leaf" : "pointer", e->pte,
			    e->slot, e->step);
	}
}

/* Counts how often a frame has changed its state: its lives. */
void check_store(struct core *c, uint64_t pa)
{
	uint64_t index = (pa - frames_start) / KERNEL_FRAME_SIZE;
	uint64_t frame = frame_base / PAGE_SIZE + index;
	unsigned state;

	if (pa < frames_start || index >= life_count)
		return;
	state = frame_state(frame << PAGE_SHIFT);
	if (state == lives[index].state)
		return;
	lives[index].state = (uint8_t)state;
	lives[index].number++;
	if (state == KERNEL_FRAME_IS_FREE)
		check_freed(c, frame);
}

void check_user_code(struct core *c, const struct code_page *page)
{
	const void *bytes = ram_at(page->frame << PAGE_SHIFT);

	if (likely(page->life == check_life(page->frame)) ||
	    memcmp(page->bytes, bytes, PAGE_SIZE) == 0)
		return;
	report_failure(c,
	    "code: the instructions of the page of %#" PRIx64
	    " are those of an earlier life of the frame %#" PRIx64
	    ": it was given again, and this hart executed no fence.i",
	    c->hart.pc, page->frame << PAGE_SHIFT);
}

/* --- user mode ------------------------------------------------------------ */

#define PERMS (PTE_V | PTE_R | PTE_W | PTE_X | PTE_U)

/* Does `used` allow what the tables do not? */
static bool is_stale(struct translation used, struct translation now)
{
	uint64_t span = 1UL << (12 + 9 * used.level);

	return used.level != now.level || (used.pte & ~now.pte & PERMS) != 0 ||
	    pte_pa(used.pte) / span != pte_pa(now.pte) / span;
}

static const char *access_name(enum access access)
{
	return access == ACCESS_READ ? "load"
	    : access == ACCESS_WRITE ? "store"
				     : "fetch";
}

/*
 * The kernel's half is constant once a hart is up. So one check is enough: when
 * the hart first comes to user mode, no translation of the root that it booted
 * with may be left.
 */
static void check_globals(struct core *c)
{
	struct translation t, now;
	uint64_t va;

	for (unsigned n = 0; n < TLB_SETS * TLB_WAYS; n++) {
		t = tlb_live_global(c, n, &va);
		if (t.pte == 0)
			continue;
		now = table_walk(c, va);
		if (is_stale(t, now))
			report_failure(c,
			    "stale: user mode was entered with "
			    "the kernel's entry %#" PRIx64 " for %#" PRIx64
			    ", kept from step %" PRIu64
			    "; the tables have %#" PRIx64,
			    t.pte, va, t.step, now.pte);
	}
}

/* The serial port, whose registers a process may have in the kernel's half. */
static bool is_given_device(uint64_t va, uint64_t pa)
{
	return va >= KERNEL_DIRECT_MAP &&
	    pa / PAGE_SIZE == UART_BASE / PAGE_SIZE;
}

void check_user_access(struct core *c, uint64_t va, enum access access,
    struct translation t, uint64_t pa)
{
	struct translation now = table_walk(c, va);

	if (frames_start == 0)
		return;
	if (is_stale(t, now))
		report_failure(c,
		    "stale: a %s at %#" PRIx64 " used the level "
		    "%u entry %#" PRIx64 ", %s from %#" PRIx64
		    " at step %" PRIu64 "; the tables have %#" PRIx64
		    " at %#" PRIx64 " (level %u); the frame used, %#" PRIx64
		    ", is %s",
		    access_name(access), va, t.level, t.pte,
		    t.cached ? "kept" : "read by way of a kept pointer", t.slot,
		    t.step, now.pte, now.slot, now.level, pa & ~PAGE_MASK,
		    state_name(pa));
	else if (is_given_device(va, pa))
		return;
	else if (frame_state(pa) != KERNEL_FRAME_IS_PAGE &&
	    (frame_state(pa) != KERNEL_FRAME_IS_KERNEL ||
		access == ACCESS_WRITE))
		report_failure(c,
		    "frame: a %s at %#" PRIx64 " came to %#" PRIx64
		    ", which is %s",
		    access_name(access), va, pa, state_name(pa));
}

void check_root(struct core *c)
{
	uint64_t root = root_of(c);

	find_frames();
	if (frames_start == 0 || is_kernel_root(root))
		return;
	for (unsigned i = 0; i < machine.hart_count; i++) {
		struct core *other = &machine.cores[i];

		if (other != c && other->started && root_of(other) == root)
			report_failure(c,
			    "root: expected one hart in an "
			    "address space; harts %u and %u have the root "
			    "%#" PRIx64,
			    c->hart.index, i, root);
	}
	late_check_table(c, root, c->late_count);
}

/* --- locks ---------------------------------------------------------------- */

/*
 * The locks that each hart has taken and not released. While it has one, its
 * own stores to that page are looked at: what it stores there later is no lock.
 */
static void lock_forget(struct core *c, unsigned i)
{
	c->locks[i] = c->locks[--c->lock_count];
}

/* An exchange of 1 for 0 that acquires is a lock that was taken. */
void check_exchange(struct core *c, uint64_t pa, uint64_t old, uint64_t value)
{
	if (frames_symbol == 0 || old != 0 || value != 1)
		return;
	for (unsigned i = 0; i < machine.hart_count; i++)
		check_release(&machine.cores[i], pa, 4);
	if (c->lock_count < LOCKS_HELD)
		c->locks[c->lock_count++] = pa;
}

void check_release(struct core *c, uint64_t pa, unsigned size)
{
	for (unsigned i = c->lock_count; i > 0; i--)
		if (c->locks[i - 1] < pa + size && pa < c->locks[i - 1] + 4)
			lock_forget(c, i - 1);
}

bool check_holds_lock_in(const struct core *c, uint64_t pa)
{
	for (unsigned i = 0; i < c->lock_count; i++)
		if ((c->locks[i] ^ pa) >> PAGE_SHIFT == 0)
			return true;
	return false;
}

/* A lock that is 0 was released by another hart. */
static void check_locks(struct core *c)
{
	for (unsigned i = c->lock_count; i > 0; i--)
		if (*(const uint32_t *)ram_at(c->locks[i - 1]) == 0)
			lock_forget(c, i - 1);
	if (c->lock_count > 0)
		report_failure(c,
		    "lock: user mode was entered with the lock "
		    "%s held",
		    report_symbol(c->locks[0] + KERNEL_DIRECT_MAP));
	c->lock_count = 0;
}

/* --- reservations --------------------------------------------------------- */

/*
 * In user mode sscratch is the process. Its sc may not succeed by a reservation
 * of another process, nor by its own from before others ran.
 */
void check_reserve(struct core *c)
{
	c->reserved_by = c->hart.priv == PRIV_U ? c->hart.sscratch : 0;
}

static void check_reservation(struct core *c)
{
	if (frames_start == 0 || c->reserved == NOWHERE ||
	    c->reserved_by == 0 || c->reserved_by == c->hart.sscratch)
		return;
	report_failure(c,
	    "reservation: expected that a process begins with none; it "
	    "has that of another one for the line %#" PRIx64,
	    c->reserved);
}

/* --- into the kernel, and out of it --------------------------------------- */

void check_entry(struct core *c)
{
	if (c->hart.sstatus & SSTATUS_SPP)
		return;
	if (frames_symbol != 0)
		stay_check_loop(c);
	stay_begin(c);
}

void check_return(struct core *c)
{
	check_locks(c);
	check_reservation(c);
	if (c->hart.pc != c->fault_pc)
		c->same_faults = 0;
	if (c->returned_to == 0 && frames_start != 0)
		check_globals(c);
	c->returned_to = c->hart.pc;
	stay_end(c);
}

void hart_satp_written(struct hart *h)
{
	hart_forget(h);
	check_root(core_of(h));
	tlb_speculate_at_once(core_of(h));
}
