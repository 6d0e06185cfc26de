/* SPDX-License-Identifier: MIT */
/*
 * unit.c - frames and slabs, one property at a time; lib/ is in unit_lib.c.
 */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "arch/hart.h"
#include "mm/slab.h"
#include "sim.h"

#define FRAMES 700
static struct frame *all[SIM_RAM_FRAMES];

static void boot(void)
{
	static const struct sim_config config = {.frames = FRAMES};

	sim_seed(1);
	sim_boot(&config);
}

static struct frame *alloc(void)
{
	return frame_alloc(FRAME_KERNEL);
}

/* Every frame there is, from harts in turn. */
static unsigned alloc_all(void)
{
	unsigned n = 0;

	for (;; n++) {
		sim_hart = n % SIM_HARTS;
		all[n] = alloc();
		if (all[n] == NULL)
			return n;
	}
}

static void free_all(unsigned n)
{
	for (unsigned i = n; i > 0; i--) {
		unsigned other = sim_below(i);
		struct frame *f = all[other];

		all[other] = all[i - 1];
		sim_hart = sim_below(SIM_HARTS);
		frame_put(f);
	}
}

/* Gives each hart's cache a frame that it knows to be zero. */
static void keep_zeroed(void)
{
	for (sim_hart = 0; sim_hart < SIM_HARTS; sim_hart++) {
		struct frame *f = frame_alloc_zeroed(FRAME_TABLE);

		if (f != NULL && frame_drop(f))
			frame_free_zeroed(f);
	}
	sim_hart = 0;
}

static const char *take_all_once(uint64_t free)
{
	bool seen[SIM_RAM_FRAMES] = {false};
	unsigned n = alloc_all();

	if (n != free)
		return found("%u of %lu frames", n, free);
	if (frame_free_count() != 0)
		return "some are still free";
	for (unsigned i = 0; i < n; i++) {
		if (!frame_is_memory(all[i]))
			return "a frame is no memory";
		if (seen[all[i] - frames])
			return "a frame was given twice";
		seen[all[i] - frames] = true;
	}
	free_all(n);
	return NULL;
}

/*
 * First the frames have never been used; then they are in caches and the depot.
 */
TEST(every_free_frame_can_be_allocated_once)
{
	uint64_t free;

	boot();
	keep_zeroed();
	free = frame_free_count();
	for (unsigned round = 0; round < 3; round++) {
		const char *problem = take_all_once(free);

		if (problem != NULL)
			return problem;
		keep_zeroed();
		if (frame_free_count() != free || frame_audit_free() != free)
			return "not all came back";
	}
	return NULL;
}

TEST(records_of_memory_never_used_may_hold_anything)
{
	uint64_t free;

	memset(sim_ram, 0x5a, SIM_RAM_SIZE);
	boot();
	free = frame_free_count();
	if (frame_audit_free() != free)
		return "the audit counts others";
	return take_all_once(free);
}

TEST(no_hart_starves_while_another_has_frames)
{
	unsigned n;

	boot();
	n = alloc_all();
	sim_hart = 1;
	frame_put(all[--n]);
	sim_hart = 2;
	return alloc() != NULL ? NULL : "hart 2 found nothing";
}

TEST(zeroed_frames_are_zero)
{
	boot();
	for (unsigned i = 0; i < 3000; i++) {
		/* sim_frame_alloc_zeroed() looks at every byte. */
		struct frame *f = frame_alloc_zeroed(FRAME_TABLE);

		memset(frame_virt(f), 0x5a, PAGE_SIZE);
		memset(frame_virt(f), 0, PAGE_SIZE);
		if (!frame_drop(f))
			return "more than one reference";
		frame_free_zeroed(f);
	}
	return NULL;
}

TEST(the_nth_allocation_fails)
{
	struct frame_failure failure = {.countdown = 3};

	boot();
	frame_fail_set(&failure);
	if (alloc() == NULL || alloc() == NULL)
		return "one before the third failed";
	if (alloc() != NULL)
		return "the third did not fail";
	if (alloc() == NULL)
		return "the fourth failed";
	failure = (struct frame_failure){.countdown = 1, .from = true};
	if (alloc() != NULL || alloc() != NULL || failure.failed != 2)
		return "not all failed";
	sim_hart = 1;
	return alloc() != NULL ? NULL : "it failed on another hart";
}

/* ---- What must be noticed ---- */

static void put_twice(void *arg)
{
	struct frame *f;

	(void)arg;
	boot();
	f = alloc();
	frame_put(f);
	frame_put(f);
}

TEST(a_second_put_is_noticed)
{
	return must_panic(put_twice, NULL, "expected a");
}

static void get_freed(void *arg)
{
	struct frame *f;

	(void)arg;
	boot();
	f = alloc();
	frame_put(f);
	frame_get(f);
}

TEST(a_reference_to_a_free_frame_is_noticed)
{
	return must_panic(get_freed, NULL, "expected a live frame");
}

static void write_freed(void *arg)
{
	struct frame *f;

	(void)arg;
	boot();
	f = alloc();
	frame_put(f);
	((char *)frame_virt(f))[2000] = 1;
	for (unsigned i = 0; i < POISON_PARTS; i++)
		(void)frame_audit_free();
}

TEST(a_write_to_a_free_frame_is_noticed)
{
	return must_panic(write_freed, NULL, "untouched");
}

static void give_twice(void *arg)
{
	paddr_t pa;

	(void)arg;
	boot();
	pa = frame_paddr(alloc());
	frame_give(pa, pa + PAGE_SIZE);
}

TEST(memory_given_twice_is_noticed)
{
	return must_panic(give_twice, NULL, "expected");
}

static void free_unzeroed(void *arg)
{
	struct frame *f;

	(void)arg;
	boot();
	f = alloc();
	memset(frame_virt(f), 1, PAGE_SIZE);
	if (frame_drop(f))
		frame_free_zeroed(f);
}

TEST(a_frame_said_to_be_zero_is_looked_at)
{
	return must_panic(free_unzeroed, NULL, "zeroed");
}

/* ---- Slabs ---- */

struct thing {
	char bytes[200];
};

TEST(slab_objects_are_apart_and_aligned)
{
	static struct slab slab = SLAB_INIT(struct thing);
	struct thing *things[100];

	boot();
	for (unsigned i = 0; i < 100; i++) {
		things[i] = slab_alloc(&slab);
		if (things[i] == NULL || (uintptr_t)things[i] % 16 != 0)
			return found("object %u: %p", i, (void *)things[i]);
		memset(things[i], (int)i, sizeof *things[i]);
	}
	for (unsigned i = 0; i < 100; i++)
		for (unsigned at = 0; at < sizeof *things[i]; at++)
			if (things[i]->bytes[at] != (char)i)
				return found("object %u was overwritten", i);
	return NULL;
}

TEST(slabs_give_back_their_frames)
{
	static struct slab slab = SLAB_INIT(struct thing);
	struct thing *things[100] = {NULL};
	uint64_t free;

	boot();
	free = frame_free_count();
	for (unsigned step = 0; step < 20000; step++) {
		unsigned i = sim_below(100);

		if (things[i] == NULL) {
			things[i] = slab_alloc(&slab);
		} else {
			slab_free(&slab, things[i]);
			things[i] = NULL;
		}
	}
	for (unsigned i = 0; i < 100; i++)
		if (things[i] != NULL)
			slab_free(&slab, things[i]);
	if (frame_free_count() != free)
		return found("%lu of %lu frames", frame_free_count(), free);
	return NULL;
}

TEST(a_slab_page_that_was_full_serves_again)
{
	static struct slab slab = SLAB_INIT(struct thing);
	struct thing *things[100];
	uint64_t free;

	boot();
	for (unsigned i = 0; i < 100; i++)
		things[i] = slab_alloc(&slab);
	free = frame_free_count();
	for (unsigned i = 0; i < 50; i++)
		slab_free(&slab, things[2 * i]);
	for (unsigned i = 0; i < 50; i++)
		things[2 * i] = slab_alloc(&slab);
	if (frame_free_count() != free)
		return found("%lu frames free, %lu before", frame_free_count(),
		    free);
	return NULL;
}

TEST(a_slab_without_memory_says_so)
{
	static struct slab slab = SLAB_INIT(struct thing);
	/* The first is slab_alloc() itself, the second its frame. */
	struct frame_failure failure = {.countdown = 2, .from = true};

	boot();
	frame_fail_set(&failure);
	if (slab_alloc(&slab) != NULL)
		return "an object out of nothing";
	failure = (struct frame_failure){.countdown = 1, .from = true};
	if (slab_alloc(&slab) != NULL)
		return "an object that was not to be";
	failure.countdown = 0;
	return slab_alloc(&slab) != NULL ? NULL : "it never recovered";
}

/* ---- Address spaces ---- */

TEST(an_address_space_keeps_its_number_while_it_stays)
{
	static const struct sim_config config = {.frames = FRAMES,
	    .asid_bits = 3};
	struct aspace *as;
	uint32_t number;

	sim_boot(&config);
	as = aspace_create();
	sim_enter(as);
	sim_leave(as);
	sim_hart = 1;
	sim_enter(as);
	if (as->asid.hart != 1)
		return "it does not know where it runs";
	number = as->asid.number;
	for (unsigned i = 0; i < 4; i++) {
		sim_leave(as);
		sim_enter(as);
		if (as->asid.number != number)
			return found("number %u, then %u", number,
			    as->asid.number);
	}
	return NULL;
}

static void change_what_runs_elsewhere(void *arg)
{
	static const struct sim_config config = {.frames = FRAMES,
	    .asid_bits = 3};
	struct aspace *as, *child;

	(void)arg;
	sim_boot(&config);
	as = aspace_create();
	sim_enter(as);
	sim_hart = 1;
	child = aspace_fork(as);
	(void)child;
}

TEST(a_change_of_what_runs_elsewhere_is_noticed)
{
	return must_panic(change_what_runs_elsewhere, NULL, "satp");
}

/* Four pages, written by a process and then by its child. */
static void copy_pages(void)
{
	static const struct sim_config config = {.frames = FRAMES};
	struct range_op map = {.kind = RANGE_MAP,
	    .start = PAGE_SIZE,
	    .end = 5 * PAGE_SIZE,
	    .perms = PTE_R | PTE_W};
	struct aspace *as, *child;
	char text[3 * PAGE_SIZE] = "";

	sim_boot(&config);
	as = aspace_create();
	if (range_finish(as, &map) != 0 ||
	    copyout(as, PAGE_SIZE, text, sizeof text) != 0)
		sim_fail("no memory");
	child = aspace_fork(as);
	if (copyout(child, PAGE_SIZE, text, sizeof text) != 0)
		sim_fail("no memory in the child");
}

TEST(a_page_is_copied_under_no_lock_but_the_address_space_s)
{
	copy_pages();
	if (sim_locks_while_copying != 1)
		return found("%u locks", sim_locks_while_copying);
	return NULL;
}

static struct aspace *space_of_a_page(uint64_t perms)
{
	static const struct sim_config config = {.frames = FRAMES};
	struct range_op map = {.kind = RANGE_MAP,
	    .start = PAGE_SIZE,
	    .end = 2 * PAGE_SIZE,
	    .perms = perms};
	struct aspace *as;

	sim_boot(&config);
	mmu_eagerness = 256;
	as = aspace_create();
	if (range_finish(as, &map) != 0 ||
	    copyout(as, PAGE_SIZE, "old", 4) != 0)
		sim_fail("no memory");
	return as;
}

TEST(the_last_owner_of_a_page_takes_one_fault)
{
	struct aspace *as = space_of_a_page(PTE_R | PTE_W);
	struct aspace *child = aspace_fork(as);
	unsigned budget = UINT32_MAX;
	enum access reported;
	paddr_t pa;
	char byte;

	if (copyin(child, &byte, PAGE_SIZE, 1) != 0 ||
	    copyin(as, &byte, PAGE_SIZE, 1) != 0)
		return "no memory to read it";
	if (!aspace_put(child) || !aspace_teardown(child, &budget))
		return "the child stays";
	sim_enter(as);
	if (!mmu_translate(PAGE_SIZE, SIM_LOAD, &pa, &reported))
		return "it cannot be read";
	if (mmu_translate(PAGE_SIZE, SIM_STORE, &pa, &reported))
		return "it is writable before the fault";
	if (aspace_fault(as, PAGE_SIZE, reported) != 0)
		return "the fault is not resolved";
	return mmu_translate(PAGE_SIZE, SIM_STORE, &pa, &reported)
	    ? NULL
	    : "one fault is not enough";
}

/* Frees some tables, so that no new one needs a frame that was a page. */
static void keep_tables(struct aspace *as)
{
	struct range_op op = {.kind = RANGE_MAP, .perms = PTE_R};

	for (int kind = RANGE_MAP; kind <= RANGE_UNMAP; kind++) {
		for (vaddr_t gib = 1; gib < 4; gib++) {
			op = (struct range_op){.kind = (enum range_kind)kind,
			    .start = gib << 30,
			    .end = (gib << 30) + PAGE_SIZE,
			    .perms = PTE_R};
			if (range_finish(as, &op) != 0)
				sim_fail("no memory");
		}
	}
}

/*
 * A frame that held code, fetched from by this hart, comes back as fresh memory
 * with `perms`, and is changed by an operation of kind `then`.
 */
static const char *old_code_is_gone(uint64_t perms, enum range_kind then)
{
	const uint64_t rwx = PTE_R | PTE_W | PTE_X;
	struct range_op op = {.kind = RANGE_MAP,
	    .start = PAGE_SIZE,
	    .end = 2 * PAGE_SIZE,
	    .perms = perms};
	struct aspace *as = space_of_a_page(rwx);
	paddr_t old, new;

	keep_tables(as);
	if (aspace_resolve(as, PAGE_SIZE, ACCESS_EXEC, &old) != 0 ||
	    mmu_fetch(old) != 'o')
		return "it is not executed";
	if (range_finish(as, &op) != 0)
		return "it is not replaced";
	if (then == RANGE_PROTECT &&
	    aspace_resolve(as, PAGE_SIZE, ACCESS_READ, &new) != 0)
		return "it cannot be read";
	op = (struct range_op){.kind = then,
	    .start = op.start,
	    .end = op.end,
	    .perms = rwx};
	if (range_finish(as, &op) != 0 ||
	    aspace_resolve(as, PAGE_SIZE, ACCESS_EXEC, &new) != 0)
		return "it does not become executable";
	if (new != old)
		return "it is another frame: this tests nothing";
	return mmu_fetch(new) == 0 ? NULL : "the old code is executed";
}

TEST(fresh_memory_holds_no_old_code)
{
	return old_code_is_gone(PTE_R | PTE_W | PTE_X, RANGE_MAP);
}

TEST(memory_made_executable_holds_no_old_code)
{
	return old_code_is_gone(PTE_R | PTE_W, RANGE_PROTECT);
}

TEST(shared_memory_holds_no_old_code)
{
	return old_code_is_gone(PTE_R | PTE_W | PTE_X, RANGE_SHARE);
}

/* Passes on a page that another space has written as data. */
static bool pass_code(struct aspace *from, struct aspace *to)
{
	struct range_op pass = {.kind = RANGE_PASS,
	    .start = PAGE_SIZE,
	    .end = 2 * PAGE_SIZE,
	    .perms = PTE_R | PTE_X};
	const uint64_t page = PAGE_SIZE;

	if (range_finish(to, &pass) != RANGE_BAG ||
	    bag_fill(to, from, &page, 1) != 1)
		return false;
	pass = bag_range(to, 0);
	return range_finish(to, &pass) == 0;
}

TEST(passed_memory_holds_no_old_code)
{
	struct aspace *to = space_of_a_page(PTE_R | PTE_W | PTE_X);
	struct aspace *from = aspace_create();
	const struct range_op map = {.kind = RANGE_MAP,
	    .start = PAGE_SIZE,
	    .end = 2 * PAGE_SIZE,
	    .perms = PTE_R | PTE_W};
	struct range_op reserve = map, replace = map;
	paddr_t old, new;

	keep_tables(to);
	keep_tables(from);
	if (aspace_resolve(to, PAGE_SIZE, ACCESS_EXEC, &old) != 0 ||
	    mmu_fetch(old) != 'o')
		return "it is not executed";
	if (range_finish(from, &reserve) || range_finish(to, &replace) ||
	    copyout(from, PAGE_SIZE, "new", 4) != 0 || !pass_code(from, to))
		return "it is not passed";
	if (aspace_resolve(to, PAGE_SIZE, ACCESS_EXEC, &new) != 0 || new != old)
		return "it is another frame: this tests nothing";
	return mmu_fetch(new) == 'n' ? NULL : "the old code is executed";
}

/* A frame that held code becomes the copy of a page that is executed. */
TEST(copied_memory_holds_no_old_code)
{
	const uint64_t rwx = PTE_R | PTE_W | PTE_X;
	struct aspace *as = space_of_a_page(rwx);
	struct range_op map = {.kind = RANGE_MAP,
	    .start = 2 * PAGE_SIZE,
	    .end = 3 * PAGE_SIZE,
	    .perms = rwx};
	struct range_op unmap = {.kind = RANGE_UNMAP,
	    .start = PAGE_SIZE,
	    .end = 2 * PAGE_SIZE};
	paddr_t old, new;

	if (range_finish(as, &map) != 0 ||
	    copyout(as, 2 * PAGE_SIZE, "new", 4) != 0)
		return "no memory";
	keep_tables(as);
	if (aspace_resolve(as, PAGE_SIZE, ACCESS_EXEC, &old) != 0 ||
	    mmu_fetch(old) != 'o')
		return "it is not executed";
	if (range_finish(as, &unmap) != 0 || aspace_fork(as) == NULL ||
	    aspace_resolve(as, 2 * PAGE_SIZE, ACCESS_WRITE, &new) != 0)
		return "no copy";
	if (new != old)
		return "it is another frame: this tests nothing";
	return mmu_fetch(new) == 'n' ? NULL : "the old code is executed";
}

/* The code that a process executes is changed by another hart. */
TEST(code_from_another_hart_is_fetched)
{
	struct aspace *as = space_of_a_page(PTE_R | PTE_W | PTE_X);
	paddr_t page;

	sim_enter(as);
	if (aspace_resolve(as, PAGE_SIZE, ACCESS_EXEC, &page) != 0 ||
	    mmu_fetch(page) != 'o')
		return "it is not executed";
	sim_leave(as);
	sim_hart = 1;
	*(char *)phys_to_virt(page) = 'n';
	tlb_code_changed();
	sim_hart = 0;
	sim_enter(as);
	return mmu_fetch(page) == 'n' ? NULL : "the old code is executed";
}

static const struct test tests[] = {
    LISTED(every_free_frame_can_be_allocated_once),
    LISTED(records_of_memory_never_used_may_hold_anything),
    LISTED(no_hart_starves_while_another_has_frames),
    LISTED(zeroed_frames_are_zero),
    LISTED(the_nth_allocation_fails),
    LISTED(a_second_put_is_noticed),
    LISTED(a_reference_to_a_free_frame_is_noticed),
    LISTED(a_write_to_a_free_frame_is_noticed),
    LISTED(memory_given_twice_is_noticed),
    LISTED(a_frame_said_to_be_zero_is_looked_at),
    LISTED(slab_objects_are_apart_and_aligned),
    LISTED(slabs_give_back_their_frames),
    LISTED(a_slab_page_that_was_full_serves_again),
    LISTED(a_slab_without_memory_says_so),
    LISTED(an_address_space_keeps_its_number_while_it_stays),
    LISTED(a_change_of_what_runs_elsewhere_is_noticed),
    LISTED(a_page_is_copied_under_no_lock_but_the_address_space_s),
    LISTED(the_last_owner_of_a_page_takes_one_fault),
    LISTED(fresh_memory_holds_no_old_code),
    LISTED(memory_made_executable_holds_no_old_code),
    LISTED(shared_memory_holds_no_old_code),
    LISTED(passed_memory_holds_no_old_code),
    LISTED(copied_memory_holds_no_old_code),
    LISTED(code_from_another_hart_is_fetched),
};

int main(void)
{
	struct test list[60];
	unsigned n = array_len(tests);

	memcpy(list, tests, sizeof tests);
	n += unit_late_tests(list + n);
	n += unit_lib_tests(list + n);
	return tap_run(list, n);
}
