/* SPDX-License-Identifier: MIT */
/*
 * live.c - user memory read and written by ordinary instructions through the
 * tables and this hart's TLB, which keeps a translation until it is fenced.
 *
 * SUM lets the kernel reach user pages for as long as a test runs: some
 * versions of QEMU flush their TLB when it changes. For one instruction the
 * trap vector points right behind it: where it faults, it is as if it had been
 * left out.
 */
#include "arch/tlb.h"
#include "ktest.h"
#include "mm/frame.h"
#include "space.h"

#define PAGES   4
#define LEN     (PAGES * PAGE_SIZE)
#define SUM_BIT (1UL << 18)

#define NOTHING 0xdead

/* A word as the hardware reads it, or NOTHING if that faults. */
static uint64_t load(vaddr_t va)
{
	uint64_t vector, word = NOTHING;

	__asm__ volatile("	la	%0, 1f\n"
			 "	csrrw	%0, stvec, %0\n"
			 "	ld	%1, 0(%2)\n"
			 "	.balign	4\n"
			 "1:	csrw	stvec, %0\n"
			 : "=&r"(vector), "+&r"(word)
			 : "r"(va)
			 : "memory");
	return word;
}

/* True if the hardware stored the word; false if it faulted. */
static bool store(vaddr_t va, uint64_t word)
{
	uint64_t vector, done = 0;

	__asm__ volatile("	la	%0, 1f\n"
			 "	csrrw	%0, stvec, %0\n"
			 "	sd	%3, 0(%2)\n"
			 "	li	%1, 1\n"
			 "	.balign	4\n"
			 "1:	csrw	stvec, %0\n"
			 : "=&r"(vector), "+&r"(done)
			 : "r"(va), "r"(word)
			 : "memory");
	return done != 0;
}

/*
 * A load of a process, whose faults trap/ would resolve. One fault more than
 * there is work for is allowed, as a hart may have remembered an invalid entry.
 */
static uint64_t user_load(struct aspace *as, vaddr_t va)
{
	uint64_t word = load(va);

	for (unsigned faults = 0; faults < 3 && word == NOTHING; faults++)
		if (aspace_fault(as, va, ACCESS_READ) == 0)
			word = load(va);
	return word;
}

/* A store of a process. True if it was done. */
static bool user_store(struct aspace *as, vaddr_t va, uint64_t word)
{
	bool done = store(va, word);

	for (unsigned faults = 0; faults < 3 && !done; faults++)
		if (aspace_fault(as, va, ACCESS_WRITE) == 0)
			done = store(va, word);
	return done;
}

/* This hart runs it, and goes on being its runner until leave(). */
static void run(struct aspace *as)
{
	if (!aspace_is_ours(as))
		aspace_claim(as);
	aspace_switch(as);
}

static void leave(struct aspace *as)
{
	tlb_switch_kernel();
	if (aspace_is_ours(as))
		aspace_leave(as);
	space_drop(as);
}

static struct aspace *running(void)
{
	struct aspace *as = space_new();

	map(as, HERE, LEN, RW);
	put_pages(as, HERE, PAGES, 10);
	run(as);
	__asm__ volatile("csrs sstatus, %0" ::"r"(SUM_BIT));
	return as;
}

static void stop(struct aspace *as)
{
	__asm__ volatile("csrc sstatus, %0" ::"r"(SUM_BIT));
	leave(as);
}

TEST(the_hardware_reads_what_the_kernel_wrote_and_back)
{
	struct aspace *as = running();

	for (unsigned i = 0; i < PAGES; i++)
		MUST(user_load(as, HERE + i * PAGE_SIZE) == 10 + i,
		    found("page %u", i));
	MUST(user_store(as, HERE, 77), "it faulted");
	MUST(get(as, HERE) == 77, "the kernel reads something else");
	MUST(load(HERE + LEN) == NOTHING, "beyond the end");
	MUST(!store(HERE - 8, 1), "below the start");
	stop(as);
	return NULL;
}

/* read, fork, parent writes, child reads. */
TEST(a_store_after_fork_faults_in_the_running_parent)
{
	struct aspace *as = running(), *child;

	MUST(user_store(as, HERE, 20), "it faulted before");
	child = space_fork(as);
	MUST(!store(HERE, 30), "it went through to the shared page");
	MUST(user_store(as, HERE, 30), "it faults for ever");
	MUST(user_load(as, HERE) == 30, "the parent reads something else");
	MUST(get(child, HERE) == 20, "the child sees it");
	run(child);
	MUST(user_load(child, HERE) == 20, "the child's hardware sees it");
	leave(child);
	stop(as);
	return NULL;
}

TEST(a_load_after_fork_faults_and_then_reads_the_same)
{
	struct aspace *as = running(), *child;
	struct stats before;

	MUST(user_load(as, HERE) == 10, "before");
	child = space_fork(as);
	MUST(load(HERE) == NOTHING, "it walks a shared table");
	MUST(aspace_fault(as, HERE, ACCESS_READ) == 0, "the fault");
	before = stats_sum();
	MUST(user_load(as, HERE) == 10, "after");
	MUST(user_load(as, HERE + PAGE_SIZE) == 11, "the next page");
	TRY(expect_deeds(before, (struct deeds){0}));
	space_drop(child);
	stop(as);
	return NULL;
}

TEST(a_page_copied_is_the_one_that_is_read_next)
{
	struct aspace *as = running(), *child = space_fork(as);

	(void)get(child, HERE);
	(void)get(as, HERE);
	MUST(user_load(as, HERE) == 10, "before");
	put(as, HERE, 20);
	MUST(user_load(as, HERE) == 20, "the old page is still read");
	put(child, HERE, 30);
	MUST(user_load(as, HERE) == 20, "the child's page is read");
	space_drop(child);
	stop(as);
	return NULL;
}

TEST(the_last_owner_stores_without_a_copy)
{
	struct aspace *as = running(), *child = space_fork(as);
	struct stats before;

	(void)get(child, HERE);
	(void)get(as, HERE);
	space_drop(child);
	before = stats_sum();
	MUST(user_load(as, HERE) == 10, "before");
	MUST(!store(HERE, 20), "the page is not read-only");
	MUST(aspace_fault(as, HERE, ACCESS_WRITE) == 0, "the fault");
	MUST(user_store(as, HERE, 20), "one fault is not enough");
	MUST(stats_since(before).page_reuses == 1, "not taken over");
	stop(as);
	return NULL;
}

TEST(what_is_unmapped_is_gone_at_once)
{
	struct aspace *as = running();

	for (unsigned i = 0; i < PAGES; i++)
		MUST(user_load(as, HERE + i * PAGE_SIZE) == 10 + i, "before");
	unmap(as, HERE, PAGE_SIZE);
	MUST(load(HERE) == NOTHING, "one page is still read");
	MUST(user_store(as, HERE + PAGE_SIZE, 11), "a neighbour is gone");
	unmap(as, HERE + PAGE_SIZE, 2 * PAGE_SIZE);
	MUST(!store(HERE + PAGE_SIZE, 1), "a page of two is still written");
	MUST(user_load(as, HERE + 3 * PAGE_SIZE) == 13, "a neighbour");
	unmap(as, 3 * GIB, GIB);
	MUST(load(HERE + 3 * PAGE_SIZE) == NOTHING, "a table is still walked");
	map(as, HERE, LEN, RW);
	MUST(user_store(as, HERE, 1), "no memory in its place");
	MUST(user_load(as, HERE + 8) == 0, "old bytes in the new page");
	stop(as);
	return NULL;
}

TEST(what_is_protected_is_so_at_once)
{
	struct aspace *as = running();

	for (unsigned i = 0; i < PAGES; i++)
		MUST(user_store(as, HERE + i * PAGE_SIZE, i), "before");
	protect(as, HERE, PAGE_SIZE, PTE_R);
	MUST(!store(HERE, 9), "one page is still written");
	for (unsigned i = 1; i < PAGES; i++)
		MUST(user_store(as, HERE + i * PAGE_SIZE, i),
		    "a neighbour is not");
	protect(as, HERE, LEN, PTE_R);
	for (unsigned i = 0; i < PAGES; i++)
		MUST(!store(HERE + i * PAGE_SIZE, 9), found("page %u", i));
	protect(as, HERE, LEN, 0);
	MUST(load(HERE) == NOTHING, "it is still read");
	protect(as, HERE, LEN, RW);
	MUST(user_store(as, HERE, 9), "it is not written again");
	stop(as);
	return NULL;
}

TEST(what_is_discarded_is_zero_at_once)
{
	struct aspace *as = running();

	MUST(user_load(as, HERE + PAGE_SIZE) == 11, "before");
	discard(as, HERE, LEN);
	MUST(load(HERE + PAGE_SIZE) != 11, "old bytes");
	MUST(user_store(as, HERE + PAGE_SIZE + 8, 1), "no memory");
	MUST(user_load(as, HERE + PAGE_SIZE) == 0, "other bytes");
	stop(as);
	return NULL;
}

TEST(each_of_many_reads_its_own_at_the_same_address)
{
	enum { MANY = 40 };
	static struct aspace *all[MANY];

	for (unsigned i = 0; i < MANY; i++) {
		all[i] = i == 0 ? running() : space_fork(all[0]);
		put(all[i], HERE, 100 + i);
	}
	(void)get(all[0], HERE);
	for (unsigned round = 0; round < 3; round++) {
		for (unsigned i = 0; i < MANY; i++) {
			run(all[i]);
			MUST(user_load(all[i], HERE) == 100 + i,
			    found("number %u reads another's", i));
		}
	}
	tlb_switch_kernel();
	/* A machine without ASIDs remembers what another root has there. */
	tlb_flush_all();
	MUST(load(HERE) == NOTHING, "the kernel's root maps it");
	for (unsigned i = 1; i < MANY; i++)
		leave(all[i]);
	stop(all[0]);
	return NULL;
}

TEST(a_sharer_torn_down_leaves_the_running_one_alone)
{
	struct aspace *as = running(), *child = space_fork(as);

	for (unsigned i = 0; i < PAGES; i++)
		MUST(user_store(as, HERE + i * PAGE_SIZE, i), "no");
	space_drop(child);
	for (unsigned i = 0; i < PAGES; i++)
		MUST(user_load(as, HERE + i * PAGE_SIZE) == i, "other bytes");
	stop(as);
	return NULL;
}

static const struct test live_tests[] = {
    T(the_hardware_reads_what_the_kernel_wrote_and_back),
    T(a_store_after_fork_faults_in_the_running_parent),
    T(a_load_after_fork_faults_and_then_reads_the_same),
    T(a_page_copied_is_the_one_that_is_read_next),
    T(the_last_owner_stores_without_a_copy),
    T(what_is_unmapped_is_gone_at_once),
    T(what_is_protected_is_so_at_once),
    T(what_is_discarded_is_zero_at_once),
    T(each_of_many_reads_its_own_at_the_same_address),
    T(a_sharer_torn_down_leaves_the_running_one_alone),
};
SUITE(live, live_tests);
